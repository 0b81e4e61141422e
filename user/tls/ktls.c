/* SPDX-License-Identifier: Apache-2.0 */
/* Keys for the kernel, and what it cannot decide: alerts, tickets, KeyUpdate. */
#include "tls/ktls.h"

#include <linux/tls.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "ring/ktls.h"
#include "tls/control.h"

/* AES-GCM wears out at 2^24.5 full records (RFC 8446 5.5); a write of one byte may be one. */
static const uint64_t rekey_after = 1 << 24;

struct ktls_record {
	struct rw_record base;
	struct rw_tls_keys keys;
	struct rw_tls_control control;
	struct rw_sock *sock;
	bool updating;	 /* our KeyUpdate is queued; its key comes behind it */
	bool stuck;	 /* a key was to be changed and the kernel cannot */
	uint64_t sealed; /* records under our present key, at most */
	enum rw_record_event end;
};

static struct ktls_record *of(struct rw_record *r)
{
	return (struct ktls_record *)r;
}

/* --- keys ------------------------------------------------------------------------------ */

union kernel_key {
	struct tls_crypto_info info;
	struct tls12_crypto_info_aes_gcm_128 gcm128;
	struct tls12_crypto_info_aes_gcm_256 gcm256;
	struct tls12_crypto_info_chacha20_poly1305 chacha;
};

static void put64(uint8_t *p, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

/* TLS 1.2's explicit nonce is the sequence number, as aead.c has it. */
#define FILL_GCM(to)                                                                 \
	do {                                                                         \
		memcpy((to)->key, w->key, sizeof((to)->key));                        \
		memcpy((to)->salt, w->iv, sizeof((to)->salt));                       \
		memcpy((to)->iv, k->version == TLS1_3_VERSION ? w->iv + 4 : seq, 8); \
		memcpy((to)->rec_seq, seq, 8);                                       \
	} while (0)

static size_t fill(union kernel_key *to, const struct rw_tls_keys *k, const struct rw_tls_way *w)
{
	uint8_t seq[8];

	memset(to, 0, sizeof(*to));
	put64(seq, w->seq);
	to->info.version = (uint16_t)k->version;
	if (!k->suite->gcm) {
		to->info.cipher_type = TLS_CIPHER_CHACHA20_POLY1305;
		memcpy(to->chacha.key, w->key, sizeof(to->chacha.key));
		memcpy(to->chacha.iv, w->iv, sizeof(to->chacha.iv));
		memcpy(to->chacha.rec_seq, seq, 8);
		return sizeof(to->chacha);
	}
	if (k->suite->key_bytes == 16) {
		to->info.cipher_type = TLS_CIPHER_AES_GCM_128;
		FILL_GCM(&to->gcm128);
		return sizeof(to->gcm128);
	}
	to->info.cipher_type = TLS_CIPHER_AES_GCM_256;
	FILL_GCM(&to->gcm256);
	return sizeof(to->gcm256);
}

static int give(const struct rw_tls_keys *k, struct rw_sock *s, bool tx)
{
	union kernel_key key;
	size_t n = fill(&key, k, tx ? &k->tx : &k->rx);
	int rc = tx ? rw_sock_ktls_tx(s, &key, n) : rw_sock_ktls_rx(s, &key, n);

	OPENSSL_cleanse(&key, sizeof(key));
	return rc;
}

/* The next key of one direction. */
static int renew(struct ktls_record *t, bool tx)
{
	struct rw_tls_way *w = tx ? &t->keys.tx : &t->keys.rx;
	int rc = rw_tls_update_13(t->keys.suite, w);

	if (!rc)
		rc = give(&t->keys, t->sock, tx);
	t->stuck |= rc != RW_OK;
	return rc;
}

/* Ours: the message under the old key, then, from rw_ktls_sent, the new key. */
static int begin_update(struct ktls_record *t)
{
	static const uint8_t message[] = {SSL3_MT_KEY_UPDATE, 0, 0, 1, 0};

	if (t->updating)
		return RW_OK;
	t->updating = true;
	t->sealed = 0;
	return rw_sock_send_record(t->sock, SSL3_RT_HANDSHAKE, message, sizeof(message));
}

int rw_ktls_sent(struct rw_record *r, uint8_t type)
{
	struct ktls_record *t = of(r);

	if (type != SSL3_RT_HANDSHAKE)
		return RW_OK;
	t->updating = false;
	return renew(t, true);
}

bool rw_ktls_stuck(const struct rw_record *r)
{
	return ((const struct ktls_record *)r)->stuck;
}

/* --- what the peer says ---------------------------------------------------------------- */

static int send_alert(struct ktls_record *t, uint8_t level, uint8_t alert)
{
	const uint8_t text[] = {level, alert};

	return rw_sock_send_record(t->sock, SSL3_RT_ALERT, text, sizeof(text));
}

static enum rw_record_event over(struct ktls_record *t, uint8_t alert, struct rw_error *e,
				 const char *what)
{
	t->end = RW_RECORD_ERROR;
	rw_fail(e, RW_EPROTO, "%s; it is told so by the alert '%s'", what,
		rw_tls_alert_name(alert));
	send_alert(t, SSL3_AL_FATAL, alert);
	return RW_RECORD_ERROR;
}

/*
 * The kernel waits with what follows until it has the key. Where it cannot change keys (before
 * Linux 6.14) nothing more can be read: a clean end, and no guessing.
 */
static enum rw_record_event take_update(struct ktls_record *t, bool asked, struct rw_error *e)
{
	if (renew(t, false)) {
		t->end = RW_RECORD_ERROR;
		send_alert(t, SSL3_AL_WARNING, SSL_AD_CLOSE_NOTIFY);
		rw_fail(e, RW_EUNSUP,
			"it changed its key, which this kernel's TLS cannot follow: Linux 6.14 "
			"can, and so can ktls: auto or off");
		return RW_RECORD_ERROR;
	}
	if (asked && begin_update(t)) {
		t->end = RW_RECORD_ERROR;
		rw_fail(e, RW_ENOMEM, "a KeyUpdate could not be queued");
	}
	return t->end;
}

enum rw_record_event rw_ktls_take(struct rw_record *r, uint8_t type, const uint8_t *p, size_t n,
				  bool *data, struct rw_error *e)
{
	struct ktls_record *t = of(r);
	struct rw_tls_news news;

	*data = false;
	if (t->end != RW_RECORD_WANT)
		return t->end;
	if (type == SSL3_RT_APPLICATION_DATA && n && rw_tls_control_data(&t->control)) {
		*data = true;
		return RW_RECORD_WANT;
	}
	news = rw_tls_control_take(&t->control, type, p, n);
	switch (news.heard) {
	case RW_HEARD_NOTHING:
		break;
	case RW_HEARD_CLOSE:
		t->end = RW_RECORD_EOF;
		break;
	case RW_HEARD_ALERT:
		t->end = RW_RECORD_ERROR;
		rw_fail(e, RW_EPROTO, "it sent the alert '%s'", rw_tls_alert_name(news.alert));
		break;
	case RW_HEARD_UPDATE_REQUEST:
	case RW_HEARD_UPDATE:
		return take_update(t, news.heard == RW_HEARD_UPDATE_REQUEST, e);
	case RW_HEARD_RENEGOTIATE:
		send_alert(t, SSL3_AL_WARNING, SSL_AD_NO_RENEGOTIATION);
		break;
	case RW_HEARD_WRONG:
		return over(t, news.alert, e, news.what);
	}
	return t->end;
}

/* --- the back-end ---------------------------------------------------------------------- */

static enum rw_record_event ktls_read(struct rw_record *r, struct rw_slice *in, uint8_t *plain,
				      size_t room, size_t *n, struct rw_error *e)
{
	(void)in;
	(void)plain;
	(void)room;
	(void)e;
	RW_BUG_ON(true); /* there is no ciphertext above the kernel */
	*n = 0;
	return of(r)->end;
}

static int ktls_write(struct rw_record *r, const void *data, size_t n)
{
	struct ktls_record *t = of(r);
	int rc = RW_OK;

	if (t->end == RW_RECORD_ERROR || t->stuck)
		return RW_ECLOSED;
	t->sealed += 1 + n / RW_RECORD_MAX;
	if (t->sealed > rekey_after && t->keys.version == TLS1_3_VERSION)
		rc = begin_update(t);
	return rc ? rc : rw_sock_send(t->sock, data, n);
}

/* Each record that comes may leave as two: a piece of the pipe's may end within it. */
void rw_ktls_spliced(struct rw_record *r, uint64_t n)
{
	of(r)->sealed += 2 * (1 + n / RW_RECORD_MAX);
}

static void ktls_close(struct rw_record *r)
{
	struct ktls_record *t = of(r);

	if (t->end != RW_RECORD_ERROR && !t->stuck)
		send_alert(t, SSL3_AL_WARNING, SSL_AD_CLOSE_NOTIFY);
}

static void ktls_info(const struct rw_record *r, struct rw_stream_info *out)
{
	const struct ktls_record *t = (const struct ktls_record *)r;
	struct rw_addr peer = out->peer;

	*out = t->keys.info;
	out->backend = r->ops->name;
	out->peer = peer;
}

static void ktls_free(struct rw_record *r)
{
	struct ktls_record *t = of(r);

	OPENSSL_cleanse(t, sizeof(*t));
	free(t);
}

static const struct rw_record_ops ktls_ops = {
	.name = "ktls",
	.read = ktls_read,
	.write = ktls_write,
	.close = ktls_close,
	.info = ktls_info,
	.free = ktls_free,
};

static bool known(const struct rw_tls_keys *k)
{
	const struct rw_ktls_caps *c = rw_ktls_caps();
	enum rw_ktls_cipher i = !k->suite->gcm		    ? RW_KTLS_CHACHA20
				: k->suite->key_bytes == 16 ? RW_KTLS_AES_128
							    : RW_KTLS_AES_256;

	return k->version == TLS1_3_VERSION ? c->tls13[i] : c->tls12[i];
}

int rw_ktls_new(struct rw_record **out, const struct rw_tls_keys *k, struct rw_sock *s)
{
	struct ktls_record *t;
	int rc;

	/* The kernel makes records of any length that fits a TLS record. */
	if (k->max_fragment < RW_RECORD_MAX || !known(k))
		return RW_EUNSUP;
	t = calloc(1, sizeof(*t));
	if (!t)
		return RW_ENOMEM;
	t->base.ops = &ktls_ops;
	t->keys = *k;
	t->control.tls13 = k->version == TLS1_3_VERSION;
	t->control.server = k->server;
	t->sock = s;
	t->end = RW_RECORD_WANT;
	t->sealed = k->tx.seq;
	rc = give(k, s, true) ? RW_EUNSUP : RW_OK;
	if (!rc && give(k, s, false))
		rc = RW_EIO;
	if (rc)
		ktls_free(&t->base);
	else
		*out = &t->base;
	/* cppcheck-suppress memleak ; ktls_free frees what the base is the front of */
	return rc;
}
