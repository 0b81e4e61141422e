/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The AEAD back-end: the records of an open TLS 1.3 or 1.2 connection, on EVP alone. OpenSSL's SSL
 * object did the handshake and is gone; what is left of it is a key and a counter a direction.
 *
 * A record that is whole in the receive buffer is opened from there; else its bytes gather in
 * `part`, which exists only while it is incomplete. What follows a handshake is little: data,
 * alerts, KeyUpdate, and tickets that nobody asked for.
 */
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "tls/control.h"
#include "tls/crypt.h"
#include "tls/record.h"

enum {
	MAX_13 = RW_RECORD_MAX + 256,  /* RFC 8446 5.2: of ciphertext */
	MAX_12 = RW_RECORD_MAX + 1024, /* RFC 5246 6.2.3, lower in truth */
};

/* AES-GCM wears out at 2^24.5 full records (RFC 8446 5.5). */
static const uint64_t rekey_after = 1 << 24;

struct aead_record {
	struct rw_record base;
	struct rw_tls_keys keys;
	EVP_CIPHER_CTX *sealer, *opener;
	rw_record_sink sink;
	void *sink_user;
	bool broken;		  /* the sink failed: a hole among our records */
	bool owes_update;	  /* the peer asked for a KeyUpdate of ours */
	enum rw_record_event end; /* EOF or ERROR, for good; else WANT */
	struct rw_tls_control control;

	uint8_t header[RW_TLS_HEADER]; /* of the record begun */
	uint8_t n_header;
	uint8_t *part; /* its body, as far as it came; NULL: none of it */
	size_t n_part;
	uint8_t *rest; /* plaintext that found no room; NULL: none */
	size_t n_rest, rest_at;
};

static struct aead_record *of(struct rw_record *r)
{
	return (struct aead_record *)r;
}

static bool is_13(const struct aead_record *a)
{
	return a->keys.version == TLS1_3_VERSION;
}

/* data as one record of this type. What it needs of the sink it gets whole, or the end is here. */
static int seal(struct aead_record *a, uint8_t type, const void *data, size_t n)
{
	uint8_t out[RW_TLS_SEALED];
	size_t all = rw_tls_seal(&a->keys, a->sealer, type, data, n, out);
	int rc = all ? a->sink(a->sink_user, out, all) : RW_ENOMEM;

	a->broken |= rc != RW_OK;
	return rc;
}

/* --- what goes wrong ------------------------------------------------------------------- */

static enum rw_record_event over(struct aead_record *a, uint8_t alert, struct rw_error *e,
				 const char *what)
{
	uint8_t text[2] = {SSL3_AL_FATAL, alert};

	a->end = RW_RECORD_ERROR;
	if (!a->broken)
		seal(a, SSL3_RT_ALERT, text, sizeof(text));
	rw_fail(e, RW_EPROTO, "%s; it is told so by the alert '%s'", what,
		rw_tls_alert_name(alert));
	return RW_RECORD_ERROR;
}

static enum rw_record_event no_memory(struct aead_record *a, struct rw_error *e)
{
	a->end = RW_RECORD_ERROR;
	rw_fail(e, RW_ENOMEM, "no memory for a record");
	return RW_RECORD_ERROR;
}

/* --- control records ------------------------------------------------------------------- */

static int rekey(const struct aead_record *a, struct rw_tls_way *w, EVP_CIPHER_CTX *evp)
{
	int rc = rw_tls_update_13(a->keys.suite, w);

	if (!rc && EVP_CipherInit_ex2(evp, NULL, w->key, NULL, -1, NULL) != 1)
		rc = RW_ENOMEM;
	return rc;
}

/* Ours, under the old key; the new one begins behind it. */
static int update_tx(struct aead_record *a)
{
	static const uint8_t message[] = {SSL3_MT_KEY_UPDATE, 0, 0, 1, 0};
	int rc = seal(a, SSL3_RT_HANDSHAKE, message, sizeof(message));

	a->owes_update = false;
	return rc ? rc : rekey(a, &a->keys.tx, a->sealer);
}

/* Everything but data that is not empty. */
static enum rw_record_event take_control(struct aead_record *a, int type, const uint8_t *p,
					 size_t n, struct rw_error *e)
{
	static const uint8_t no[] = {SSL3_AL_WARNING, SSL_AD_NO_RENEGOTIATION};
	struct rw_tls_news news = rw_tls_control_take(&a->control, type, p, n);

	switch (news.heard) {
	case RW_HEARD_NOTHING:
		break;
	case RW_HEARD_CLOSE:
		a->end = RW_RECORD_EOF;
		break;
	case RW_HEARD_ALERT:
		a->end = RW_RECORD_ERROR;
		rw_fail(e, RW_EPROTO, "it sent the alert '%s'", rw_tls_alert_name(news.alert));
		break;
	case RW_HEARD_UPDATE_REQUEST:
	case RW_HEARD_UPDATE:
		a->owes_update |= news.heard == RW_HEARD_UPDATE_REQUEST;
		if (rekey(a, &a->keys.rx, a->opener))
			return no_memory(a, e);
		break;
	case RW_HEARD_RENEGOTIATE:
		if (seal(a, SSL3_RT_ALERT, no, sizeof(no)))
			return no_memory(a, e);
		break;
	case RW_HEARD_WRONG:
		return over(a, news.alert, e, news.what);
	}
	return a->end;
}

/* --- reading --------------------------------------------------------------------------- */

static size_t body_bytes(const struct aead_record *a)
{
	return (size_t)a->header[3] << 8 | a->header[4];
}

static enum rw_record_event check_header(struct aead_record *a, struct rw_error *e)
{
	const uint8_t *h = a->header;

	if (is_13(a) ? h[0] != SSL3_RT_APPLICATION_DATA
		     : h[0] < SSL3_RT_CHANGE_CIPHER_SPEC || h[0] > SSL3_RT_APPLICATION_DATA)
		return over(a, SSL_AD_UNEXPECTED_MESSAGE, e, "it sent a record that is not TLS's");
	if (h[1] != 3 || h[2] != 3)
		return over(a, SSL_AD_PROTOCOL_VERSION, e, "it sent a record of another version");
	if (body_bytes(a) > (size_t)(is_13(a) ? MAX_13 : MAX_12))
		return over(a, SSL_AD_RECORD_OVERFLOW, e, "it sent a record that is too long");
	return RW_RECORD_WANT;
}

/*
 * The next record's body, whole: in *in where it lies there in one piece, else in part. NULL:
 * more is needed (WANT), or it cannot be (ERROR).
 */
static const uint8_t *gather(struct aead_record *a, struct rw_slice *in, enum rw_record_event *ev,
			     struct rw_error *e)
{
	size_t n, k;

	*ev = RW_RECORD_WANT;
	if (a->n_header < RW_TLS_HEADER) {
		k = RW_TLS_HEADER - a->n_header < (int)in->n ? (size_t)(RW_TLS_HEADER - a->n_header)
							     : in->n;
		memcpy(a->header + a->n_header, in->p, k);
		a->n_header = (uint8_t)(a->n_header + k);
		in->p += k;
		in->n -= k;
		if (a->n_header < RW_TLS_HEADER)
			return NULL;
		*ev = check_header(a, e);
		if (*ev != RW_RECORD_WANT)
			return NULL;
	}
	n = body_bytes(a);
	if (!a->part && in->n >= n)
		return (const uint8_t *)in->p;
	if (!a->part && in->n == 0)
		return NULL;
	if (!a->part)
		a->part = malloc(n);
	if (!a->part) {
		*ev = no_memory(a, e);
		return NULL;
	}
	k = n - a->n_part < in->n ? n - a->n_part : in->n;
	memcpy(a->part + a->n_part, in->p, k);
	a->n_part += k;
	in->p += k;
	in->n -= k;
	return a->n_part == n ? a->part : NULL;
}

/* The record is done with. */
static void next_record(struct aead_record *a, struct rw_slice *in)
{
	if (!a->part) {
		in->p += body_bytes(a);
		in->n -= body_bytes(a);
	}
	free(a->part);
	a->part = NULL;
	a->n_part = 0;
	a->n_header = 0;
}

/* TLS 1.3: the type stands behind the content, zeros behind it (RFC 8446 5.4). */
static int strip(const uint8_t *p, size_t *n)
{
	while (*n && p[*n - 1] == 0)
		(*n)--;
	return *n ? p[--*n] : 0;
}

/* Opens body to out; *n of data are there, or it was something else. */
static enum rw_record_event take(struct aead_record *a, const uint8_t *body, uint8_t *out,
				 size_t *n, struct rw_error *e)
{
	long got = rw_tls_open(&a->keys, a->opener, a->header, body, body_bytes(a), out);
	int type = a->header[0];
	size_t content;

	if (got < 0)
		return over(a, SSL_AD_BAD_RECORD_MAC, e,
			    "a record does not fit its tag: decryption failed or bad record mac");
	content = (size_t)got;
	if (is_13(a))
		type = strip(out, &content);
	if (content > RW_RECORD_MAX || content > a->keys.max_fragment)
		return over(a, SSL_AD_RECORD_OVERFLOW, e, "it sent a record that is too long");
	if (type != SSL3_RT_APPLICATION_DATA || content == 0 || !rw_tls_control_data(&a->control))
		return take_control(a, type, out, content, e);
	*n = content;
	return RW_RECORD_WANT;
}

static void drop_rest(struct aead_record *a)
{
	if (a->rest)
		OPENSSL_cleanse(a->rest, a->n_rest);
	free(a->rest);
	a->rest = NULL;
	a->n_rest = a->rest_at = 0;
}

static void give_rest(struct aead_record *a, uint8_t *plain, size_t room, size_t *n)
{
	size_t left = a->n_rest - a->rest_at, k = left < room - *n ? left : room - *n;

	memcpy(plain + *n, a->rest + a->rest_at, k);
	a->rest_at += k;
	*n += k;
	if (a->rest_at == a->n_rest)
		drop_rest(a);
}

/* One record, with too little room for it: its plaintext waits in rest. */
static enum rw_record_event take_aside(struct aead_record *a, const uint8_t *body,
				       struct rw_error *e)
{
	enum rw_record_event ev;
	size_t n = 0;

	a->rest = malloc(body_bytes(a) + 1);
	if (!a->rest)
		return no_memory(a, e);
	a->n_rest = body_bytes(a);
	ev = take(a, body, a->rest, &n, e);
	a->n_rest = n;
	if (n == 0)
		drop_rest(a);
	return ev;
}

static enum rw_record_event read_records(struct aead_record *a, struct rw_slice *in, uint8_t *plain,
					 size_t room, size_t *n, struct rw_error *e)
{
	for (;;) {
		enum rw_record_event ev;
		const uint8_t *body;
		size_t got = 0;

		if (a->rest)
			give_rest(a, plain, room, n);
		if (*n == room)
			return RW_RECORD_FULL;
		body = gather(a, in, &ev, e);
		if (!body)
			return ev;
		if (body_bytes(a) <= room - *n) {
			ev = take(a, body, plain + *n, &got, e);
			*n += got;
		} else if (*n) {
			return RW_RECORD_FULL;
		} else {
			ev = take_aside(a, body, e);
		}
		next_record(a, in);
		if (ev != RW_RECORD_WANT)
			return ev;
	}
}

static enum rw_record_event aead_read(struct rw_record *r, struct rw_slice *in, uint8_t *plain,
				      size_t room, size_t *n, struct rw_error *e)
{
	struct aead_record *a = of(r);
	enum rw_record_event ev = a->end;

	*n = 0;
	if (ev != RW_RECORD_WANT)
		return ev;
	ev = read_records(a, in, plain, room, n, e);
	/* One answer to however many requests came together. */
	if (a->owes_update && a->end == RW_RECORD_WANT && update_tx(a)) {
		rw_fail(e, RW_ENOMEM, "a KeyUpdate could not be queued");
		ev = a->end = RW_RECORD_ERROR;
	}
	return ev;
}

/* --- writing --------------------------------------------------------------------------- */

static int aead_write(struct rw_record *r, const void *data, size_t n)
{
	struct aead_record *a = of(r);
	const uint8_t *p = data;
	int rc = RW_OK;

	if (a->end == RW_RECORD_ERROR || a->broken)
		return RW_ECLOSED;
	while (n && !rc) {
		size_t k = n < a->keys.max_fragment ? n : a->keys.max_fragment;

		if (a->keys.tx.seq >= rekey_after && is_13(a))
			rc = update_tx(a);
		if (!rc)
			rc = seal(a, SSL3_RT_APPLICATION_DATA, p, k);
		p += k;
		n -= k;
	}
	if (rc)
		a->end = RW_RECORD_ERROR;
	return rc;
}

static void aead_close(struct rw_record *r)
{
	static const uint8_t notify[] = {SSL3_AL_WARNING, SSL_AD_CLOSE_NOTIFY};
	struct aead_record *a = of(r);

	if (a->end != RW_RECORD_ERROR && !a->broken)
		seal(a, SSL3_RT_ALERT, notify, sizeof(notify));
}

/* --- the rest -------------------------------------------------------------------------- */

static void aead_info(const struct rw_record *r, struct rw_stream_info *out)
{
	const struct aead_record *a = (const struct aead_record *)r;
	struct rw_addr peer = out->peer;

	*out = a->keys.info;
	out->backend = r->ops->name;
	out->peer = peer;
}

static int aead_keys(struct rw_record *r, struct rw_tls_keys *out)
{
	const struct aead_record *a = of(r);

	if (a->end != RW_RECORD_WANT || a->broken)
		return RW_EUNSUP;
	if (a->n_header || a->part || a->rest || a->control.n_begun || a->owes_update)
		return RW_EAGAIN;
	*out = a->keys;
	return RW_OK;
}

static size_t aead_missing(const struct rw_record *r)
{
	const struct aead_record *a = (const struct aead_record *)r;

	if (a->n_header == 0)
		return 0;
	return a->n_header < RW_TLS_HEADER ? (size_t)RW_TLS_HEADER - a->n_header
					   : body_bytes(a) - a->n_part;
}

static void aead_free(struct rw_record *r)
{
	struct aead_record *a = of(r);

	EVP_CIPHER_CTX_free(a->sealer);
	EVP_CIPHER_CTX_free(a->opener);
	free(a->part);
	drop_rest(a);
	OPENSSL_cleanse(a, sizeof(*a));
	free(a);
}

static const struct rw_record_ops aead_ops = {
	.name = "aead",
	.read = aead_read,
	.write = aead_write,
	.close = aead_close,
	.info = aead_info,
	.keys = aead_keys,
	.missing = aead_missing,
	.free = aead_free,
};

int rw_record_aead_new(struct rw_record **out, const struct rw_tls_keys *k, rw_record_sink sink,
		       void *user)
{
	struct aead_record *a = calloc(1, sizeof(*a));

	if (!a)
		return RW_ENOMEM;
	a->base.ops = &aead_ops;
	a->keys = *k;
	a->control.tls13 = k->version == TLS1_3_VERSION;
	a->control.server = k->server;
	a->sink = sink;
	a->sink_user = user;
	a->end = RW_RECORD_WANT;
	a->sealer = rw_tls_crypt_new(k->suite, k->tx.key, true);
	a->opener = rw_tls_crypt_new(k->suite, k->rx.key, false);
	if (!a->sealer || !a->opener) {
		aead_free(&a->base);
		/* cppcheck-suppress memleak ; aead_free frees what the base is the front of */
		return RW_ENOMEM;
	}
	*out = &a->base;
	return RW_OK;
}

int rw_record_hand_over(struct rw_record **r, rw_record_sink sink, void *user)
{
	struct rw_record *old = *r;
	struct rw_tls_keys k;
	int rc = old->ops->keys ? old->ops->keys(old, &k) : RW_EUNSUP;

	if (!rc)
		rc = rw_record_aead_new(r, &k, sink, user);
	if (!rc)
		old->ops->free(old);
	rw_tls_keys_wipe(&k);
	return rc;
}
