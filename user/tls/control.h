/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer may say after the handshake besides data, as a function of decrypted records:
 * alerts, KeyUpdate, tickets that nobody needs any more. Whoever opens the records, EVP or the
 * kernel, acts on the same answers.
 *
 * Contract: one connection's, embedded, zeroed but for its first two members.
 */
#ifndef RW_TLS_CONTROL_H
#define RW_TLS_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rw_tls_control {
	bool tls13, server;

	unsigned idle;	  /* records without data since the last one with data */
	uint8_t n_begun;  /* of begun: a handshake message whose rest is still to come */
	uint8_t begun[4]; /* its header */
	uint32_t left;	  /* of its body */
};

enum rw_tls_heard {
	RW_HEARD_NOTHING,	 /* nothing to do */
	RW_HEARD_CLOSE,		 /* close_notify */
	RW_HEARD_ALERT,		 /* another alert: the end, and `alert` is which */
	RW_HEARD_UPDATE,	 /* the peer's key changes with the next record */
	RW_HEARD_UPDATE_REQUEST, /* and so shall ours */
	RW_HEARD_RENEGOTIATE,	 /* TLS 1.2: refuse by a warning and go on */
	RW_HEARD_WRONG,		 /* the end: send `alert`; `what` says why */
};

struct rw_tls_news {
	enum rw_tls_heard heard;
	uint8_t alert;
	const char *what;
};

/* A record that is not data, or is empty. */
struct rw_tls_news rw_tls_control_take(struct rw_tls_control *c, int type, const uint8_t *p,
				       size_t n);

/* A record of data came. False: it may not, in the middle of a handshake message. */
static inline bool rw_tls_control_data(struct rw_tls_control *c)
{
	c->idle = 0;
	return c->n_begun == 0;
}

/* The alert's name, for errors. */
const char *rw_tls_alert_name(uint8_t alert);

#endif
