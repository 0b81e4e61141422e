/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the room share about contexts and certificates; not for records. */
#ifndef RW_TLS_INTERNAL_H
#define RW_TLS_INTERNAL_H

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "base/err.h"
#include "tls/ctx.h"
#include "tls/shared.h"

/* A certificate with its chain (without itself), its key, and what is stapled to it. */
struct rw_tls_cert {
	X509 *leaf;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
	unsigned char *staple; /* NULL: none */
	int staple_bytes;
	time_t staple_until;
};

struct rw_tls_names;
struct rw_tls_sessions;

struct rw_tls_ctx {
	atomic_uint refs;
	bool server;
	enum rw_ktls_mode ktls;
	SSL_CTX *ssl;
	/* Of this context, not of the process: what a reload makes, a reload frees. */
	BIO_METHOD *bio;
	struct rw_tls_shared *shared; /* NULL: no tickets of ours, no counters */

	/* server */
	struct rw_tls_cert certs[RW_TLS_CERTS];
	unsigned n_certs;
	struct rw_tls_names *names;
	bool refuse_unknown;
	bool asks_client; /* for a certificate */

	/* client */
	char *name; /* to verify instead of the host's; NULL: that */
	unsigned char pins[RW_TLS_PINS][32];
	unsigned n_pins;
	bool pins_report;
	atomic_bool pins_told;
	struct rw_tls_sessions *sessions;
};

/* Adds one to a counter, where anybody counts. */
#define rw_tls_count(c, counter)                                                                   \
	((c)->shared ? (void)atomic_fetch_add_explicit(&rw_tls_shared_stats((c)->shared)->counter, \
						       1, memory_order_relaxed)                    \
		     : (void)0)

/* The BIO between a connection's SSL and its buffers (openssl.c). NULL: out of memory. */
BIO_METHOD *rw_tls_bio_method(void);

/* The name that the connection of ssl verifies (openssl.c). */
const char *rw_tls_host_of(SSL *ssl);

/* Of a certificate's names: an address, not a DNS name. */
bool rw_tls_is_address(const char *host);

/* --- PEM files (pem.c) ----------------------------------------------------------------- */

/* The chain and the key into c (empty), checked against each other. Errors are in words. */
int rw_tls_load_cert(struct rw_tls_cert *c, const char *cert_file, const char *key_file,
		     struct rw_error *e);
void rw_tls_cert_free(struct rw_tls_cert *c);
/* Is its time over? */
bool rw_tls_cert_expired(const struct rw_tls_cert *c);
/* The certificates to trust; ca_file NULL: the system's. */
int rw_tls_load_trust(SSL_CTX *ctx, const char *ca_file, struct rw_error *e);
/* The same for clients' certificates; their names are what a client is asked for one of. */
int rw_tls_load_clients(SSL_CTX *ctx, const char *ca_file, struct rw_error *e);

/* --- which certificate (names.c) -------------------------------------------------------- */

/*
 * From names to certificates, as sets of bits by their index. NULL: out of memory, or a
 * certificate but the first that has no names (*e says).
 */
struct rw_tls_names *rw_tls_names_new(const struct rw_tls_cert *certs, unsigned n,
				      const struct rw_tls_pair *pairs, struct rw_error *e);
void rw_tls_names_free(struct rw_tls_names *t);
/* 0: none has this name. */
uint32_t rw_tls_names_find(const struct rw_tls_names *t, const char *host);
/* What clients get that send no name. */
uint32_t rw_tls_names_default(const struct rw_tls_names *t);
/* Makes c (server, with certificates and names) choose for each connection. */
void rw_tls_names_use(struct rw_tls_ctx *c);

/* --- the rest of a server ---------------------------------------------------------------- */

/*
 * Reads a response to staple (ocsp.c). One that is not for c, not signed by its issuer or
 * unreadable is an error; one that is not there yet or too old is warned of, and not stapled.
 */
int rw_tls_ocsp_load(struct rw_tls_cert *c, const char *file, struct rw_error *e);
void rw_tls_ocsp_use(struct rw_tls_ctx *c);
/* Seals and opens tickets with the keys that c->shared has (shared.c). */
bool rw_tls_tickets_use(struct rw_tls_ctx *c);
/*
 * Who a client's verified certificate says that it is: "URI:..." or "DNS:..." or "email:...", the
 * first there is in this order; NULL: none, or none that can be written down (mtls.c). To be freed.
 */
char *rw_tls_identity(SSL *ssl);

/* --- the rest of a client ---------------------------------------------------------------- */

int rw_tls_pins_set(struct rw_tls_ctx *c, const char *const *pins, unsigned n,
		    struct rw_error *e); /* pins.c */

/* Sessions to resume, by host, a few of the newest (sessions.c). */
struct rw_tls_sessions *rw_tls_sessions_new(void);
void rw_tls_sessions_free(struct rw_tls_sessions *t);
/* Takes the reference of session. */
void rw_tls_sessions_put(struct rw_tls_sessions *t, const char *host, SSL_SESSION *session);
/* One for host, or NULL; of TLS 1.3 it is gone from here (RFC 8446 C.4). */
SSL_SESSION *rw_tls_sessions_take(struct rw_tls_sessions *t, const char *host);

/* --- OpenSSL's errors in words (words.c) ------------------------------------------------ */

/* What OpenSSL's queue says of its last failure; empties it. The result is static. */
const char *rw_tls_reason(void);
/*
 * Why ssl failed: what OpenSSL said, and what to do where that is known; empties the queue.
 * host: the name that was verified, or NULL. Returns RW_EPROTO.
 */
int rw_tls_explain(SSL *ssl, const char *host, struct rw_error *e);

#endif
