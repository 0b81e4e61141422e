/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record back-end: the TLS of one connection as a function of its bytes. It
 * knows no socket, no loop and no timer: ciphertext comes in by read, ciphertext
 * for the peer leaves through the sink, and read says what happened. `openssl` does the
 * handshake; `aead` goes on from there without it. A plain connection has none.
 *
 * Contract: one connection, one thread. Whoever made it frees it. No call may be
 * made from inside the sink. After RW_RECORD_EOF or RW_RECORD_ERROR every further
 * read says the same and takes nothing.
 */
#ifndef RW_TLS_RECORD_H
#define RW_TLS_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "tls/ctx.h"
#include "tls/keys.h"
#include "tls/stream.h"

/*
 * The most plaintext that one record holds (RFC 8446 5.1), and room in which any record of TLS 1.3
 * can be opened in place.
 */
enum { RW_RECORD_MAX = 16384, RW_RECORD_ROOM = RW_RECORD_MAX + 256 };

/* Takes ciphertext for the peer, all of it or none: 0 or a negative rw_err. */
typedef int (*rw_record_sink)(void *user, const uint8_t *data, size_t n);

enum rw_record_event {
	RW_RECORD_WANT,	 /* everything was taken: more ciphertext is needed */
	RW_RECORD_OPEN,	 /* the handshake is done; there may be more: read again */
	RW_RECORD_FULL,	 /* room is used up, or nearly; there may be more: read again */
	RW_RECORD_EOF,	 /* the peer's close_notify: nothing more will come */
	RW_RECORD_ERROR, /* the connection is over; an alert went to the sink where there is one */
};

struct rw_record;

struct rw_record_ops {
	const char *name;
	/*
	 * Takes ciphertext from *in, which moves on behind it, and writes up to room
	 * bytes of plaintext to plain, *n of them: they came before the event that is
	 * returned. There is no plaintext before RW_RECORD_OPEN. The first call of a
	 * client, with an empty *in, starts the handshake. *e says what an ERROR was,
	 * in words that do not name the peer; it may be filled a call ahead of it.
	 */
	enum rw_record_event (*read)(struct rw_record *r, struct rw_slice *in, uint8_t *plain,
				     size_t room, size_t *n, struct rw_error *e);
	/*
	 * Seals data into records of RW_RECORD_MAX bytes and a shorter last one. Legal
	 * once read said OPEN. An error (the sink's, or RW_EPROTO) leaves the peer with a
	 * part of data: the connection cannot go on.
	 */
	int (*write)(struct rw_record *r, const void *data, size_t n);
	/* close_notify to the sink, where the handshake is done and nothing failed. */
	void (*close)(struct rw_record *r);
	/*
	 * Fills backend, version, cipher and alpn with strings that outlive r, and identity with
	 * one that may be gone with the next read.
	 */
	void (*info)(const struct rw_record *r, struct rw_stream_info *out);
	/*
	 * The keys, for another back-end to go on right here: no record is begun, nothing is
	 * held. RW_EAGAIN: not now; RW_EUNSUP: never. The caller wipes out, also after an error.
	 */
	int (*keys)(struct rw_record *r, struct rw_tls_keys *out);
	/*
	 * So many bytes of ciphertext bring it nearer to where keys answers; 0: it is there.
	 * NULL: it cannot say.
	 */
	size_t (*missing)(const struct rw_record *r);
	void (*free)(struct rw_record *r);
};

/* The first member of every back-end's own struct. */
struct rw_record {
	const struct rw_record_ops *ops;
};

/*
 * The OpenSSL back-end for a connection of ctx's side; keeps a reference to ctx. host is
 * the name or address that the peer's certificate must be for; NULL on the server side.
 * RW_EINVAL: host cannot be one. RW_ENOMEM.
 */
int rw_record_openssl_new(struct rw_record **out, struct rw_tls_ctx *ctx, const char *host,
			  rw_record_sink sink, void *user);
/* The AEAD back-end, which goes on with k's connection. RW_ENOMEM. */
int rw_record_aead_new(struct rw_record **out, const struct rw_tls_keys *k, rw_record_sink sink,
		       void *user);
/*
 * Puts an AEAD back-end into the place of *r, an OpenSSL one, and frees that. Else *r stays and
 * goes on: RW_EAGAIN: not now (ask after a read); RW_EUNSUP: never; RW_ENOMEM.
 */
int rw_record_hand_over(struct rw_record **r, rw_record_sink sink, void *user);

#endif
