/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's record back-end: a socket that seals and opens by itself. It takes over from
 * `aead`; what is left to do here is what a peer says besides data, and new keys.
 *
 * Contract: as record.h, but for read: the socket hands over opened records, and each goes
 * through rw_ktls_take. There is no way back.
 */
#ifndef RW_TLS_KTLS_H
#define RW_TLS_KTLS_H

#include "ring/sock.h"
#include "tls/record.h"

/*
 * Gives k to the kernel, both ways. The socket is still (rw_sock_still) and has nothing queued.
 * RW_EIO: one direction was taken and not the other, so the connection is lost. RW_EUNSUP (the
 * kernel would not) and RW_ENOMEM: the socket is as it was, and its old back-end goes on.
 */
int rw_ktls_new(struct rw_record **out, const struct rw_tls_keys *k, struct rw_sock *s);
/*
 * A record that the socket has opened. WANT with *data true: it is the user's. RW_RECORD_EOF,
 * RW_RECORD_ERROR as read: an alert is queued where there is one.
 */
enum rw_record_event rw_ktls_take(struct rw_record *r, uint8_t type, const uint8_t *p, size_t n,
				  bool *data, struct rw_error *e);
/* From on_record_sent. An error: nothing can be sent any more. */
int rw_ktls_sent(struct rw_record *r, uint8_t type);
/* So many bytes are about to be sealed without rw_ktls's write. */
void rw_ktls_spliced(struct rw_record *r, uint64_t n);
/* The connection ended because this kernel cannot change its keys. */
bool rw_ktls_stuck(const struct rw_record *r);

#endif
