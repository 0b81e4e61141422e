/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/control.h"

#include <openssl/ssl.h>
#include <string.h>

enum {
	/* In a row and without data between them: what costs us and brings nothing. */
	MAX_IDLE_RECORDS = 32,
	MESSAGE_HEADER = 4,
	MAX_TICKET = 1 << 16,
};

static const char out_of_place[] = "it sent a handshake message out of place";

static struct rw_tls_news wrong(uint8_t alert, const char *what)
{
	return (struct rw_tls_news){RW_HEARD_WRONG, alert, what};
}

static struct rw_tls_news heard(enum rw_tls_heard h)
{
	return (struct rw_tls_news){.heard = h};
}

const char *rw_tls_alert_name(uint8_t alert)
{
	return SSL_alert_desc_string_long(alert);
}

static struct rw_tls_news take_alert(const struct rw_tls_control *c, const uint8_t *p, size_t n)
{
	if (n != 2)
		return wrong(SSL_AD_DECODE_ERROR, "it sent a malformed alert");
	if (p[1] == SSL_AD_CLOSE_NOTIFY)
		return heard(RW_HEARD_CLOSE);
	/* In TLS 1.3 every other alert is an end, whatever its level (RFC 8446 6.2). */
	if (p[1] == SSL_AD_USER_CANCELLED || (!c->tls13 && p[0] == SSL3_AL_WARNING))
		return heard(RW_HEARD_NOTHING);
	return (struct rw_tls_news){RW_HEARD_ALERT, p[1], NULL};
}

/* Whoever asks for another handshake (RFC 5746 4.5 has both answers). */
static struct rw_tls_news take_handshake_12(const struct rw_tls_control *c, const uint8_t *p,
					    size_t n)
{
	if (!c->server && n == MESSAGE_HEADER && p[0] == SSL3_MT_HELLO_REQUEST)
		return heard(RW_HEARD_RENEGOTIATE);
	return wrong(SSL_AD_HANDSHAKE_FAILURE, "it wants to renegotiate");
}

/* A key changes behind this record, so nothing may stand beside it (RFC 8446 5.1). */
static struct rw_tls_news take_update(const uint8_t *p, size_t n)
{
	if (n != MESSAGE_HEADER + 1 || p[1] || p[2] || p[3] != 1)
		return wrong(SSL_AD_UNEXPECTED_MESSAGE, out_of_place);
	if (p[MESSAGE_HEADER] > 1)
		return wrong(SSL_AD_ILLEGAL_PARAMETER, "it sent a malformed KeyUpdate");
	return heard(p[MESSAGE_HEADER] ? RW_HEARD_UPDATE_REQUEST : RW_HEARD_UPDATE);
}

/* A server's tickets, in any pieces. */
static struct rw_tls_news take_handshake_13(struct rw_tls_control *c, const uint8_t *p, size_t n)
{
	if (n == 0)
		return wrong(SSL_AD_UNEXPECTED_MESSAGE, out_of_place);
	if (c->n_begun == 0 && p[0] == SSL3_MT_KEY_UPDATE)
		return take_update(p, n);
	while (n) {
		size_t k = c->left < n ? c->left : n;

		if (c->n_begun < MESSAGE_HEADER) {
			c->begun[c->n_begun++] = *p;
			k = 1;
			if (c->begun[0] != SSL3_MT_NEWSESSION_TICKET || c->server)
				return wrong(SSL_AD_UNEXPECTED_MESSAGE, out_of_place);
			c->left = (uint32_t)c->begun[1] << 16 | (uint32_t)c->begun[2] << 8 |
				  c->begun[3];
			if (c->n_begun == MESSAGE_HEADER && c->left > MAX_TICKET)
				return wrong(SSL_AD_ILLEGAL_PARAMETER, out_of_place);
		} else {
			c->left -= (uint32_t)k;
		}
		p += k;
		n -= k;
		if (c->n_begun == MESSAGE_HEADER && c->left == 0) {
			c->n_begun = 0;
			memset(c->begun, 0, sizeof(c->begun));
		}
	}
	return heard(RW_HEARD_NOTHING);
}

struct rw_tls_news rw_tls_control_take(struct rw_tls_control *c, int type, const uint8_t *p,
				       size_t n)
{
	if (++c->idle > MAX_IDLE_RECORDS)
		return wrong(SSL_AD_UNEXPECTED_MESSAGE, "it sends records without data");
	if (c->n_begun && type != SSL3_RT_HANDSHAKE)
		return wrong(SSL_AD_UNEXPECTED_MESSAGE, "it broke off a handshake message");
	switch (type) {
	case SSL3_RT_APPLICATION_DATA:
		return heard(RW_HEARD_NOTHING);
	case SSL3_RT_ALERT:
		return take_alert(c, p, n);
	case SSL3_RT_HANDSHAKE:
		return c->tls13 ? take_handshake_13(c, p, n) : take_handshake_12(c, p, n);
	default:
		return wrong(SSL_AD_UNEXPECTED_MESSAGE, "it sent a record of unknown type");
	}
}
