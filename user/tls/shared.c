/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/shared.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tls/internal.h"

/* RFC 5077 4: a name to find the key by, one to encrypt, one to authenticate with. */
struct ticket_key {
	unsigned char name[16], aes[32], mac[32];
};

struct rw_tls_shared {
	atomic_uint refs;
	struct rw_tls_stats stats;
	pthread_mutex_t lock;	 /* keys and n */
	struct ticket_key *keys; /* the newest first; in locked memory where there is any */
	unsigned n;
	uint64_t born_s; /* the newest one; the control thread's */
};

/* --- keys --------------------------------------------------------------------------------- */

static bool add_key(struct rw_tls_shared *s, uint64_t now_s)
{
	struct ticket_key k;
	bool ok = RAND_priv_bytes((unsigned char *)&k, sizeof(k)) == 1;

	if (ok) {
		pthread_mutex_lock(&s->lock);
		/* The oldest falls out, overwritten by the one before it. */
		memmove(s->keys + 1, s->keys, (RW_TICKET_KEYS - 1) * sizeof(k));
		s->keys[0] = k;
		s->n = s->n < RW_TICKET_KEYS ? s->n + 1 : s->n;
		pthread_mutex_unlock(&s->lock);
		s->born_s = now_s;
	}
	OPENSSL_cleanse(&k, sizeof(k));
	return ok;
}

bool rw_tls_shared_rotate(struct rw_tls_shared *s, uint64_t now_s)
{
	return now_s - s->born_s >= RW_TICKET_PERIOD_S && add_key(s, now_s);
}

/* Which key is called name; NULL: the newest. Its age in keys, or -1: it is forgotten. */
static int copy_key(struct rw_tls_shared *s, const unsigned char *name, struct ticket_key *out)
{
	int at = -1;

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->n && at < 0; i++)
		if (!name || !memcmp(name, s->keys[i].name, sizeof(out->name))) {
			*out = s->keys[i];
			at = (int)i;
		}
	pthread_mutex_unlock(&s->lock);
	return at;
}

static bool set_mac(EVP_MAC_CTX *mac, struct ticket_key *k)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, k->mac, sizeof(k->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* As SSL_CTX_set_tlsext_ticket_key_evp_cb wants it: 0 is "a full handshake", 2 "a new ticket". */
static int on_ticket(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher,
		     EVP_MAC_CTX *mac, int seal)
{
	struct rw_tls_ctx *c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	struct ticket_key k;
	int at = copy_key(c->shared, seal ? NULL : name, &k), rc = 0;

	if (at < 0)
		return 0;
	if (seal) {
		memcpy(name, k.name, sizeof(k.name));
		rc = RAND_bytes(iv, 16) == 1 && set_mac(mac, &k) &&
				     EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), k.aes, iv, NULL)
			     ? 1
			     : -1;
	} else {
		rc = set_mac(mac, &k) &&
				     EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), k.aes, iv, NULL)
			     ? (at ? 2 : 1)
			     : -1;
	}
	OPENSSL_cleanse(&k, sizeof(k));
	return rc;
}

bool rw_tls_tickets_use(struct rw_tls_ctx *c)
{
	SSL_CTX_set_timeout(c->ssl, RW_TICKET_LIFE_S);
	return !c->shared || SSL_CTX_set_tlsext_ticket_key_evp_cb(c->ssl, on_ticket);
}

/* --- life --------------------------------------------------------------------------------- */

int rw_tls_shared_new(struct rw_tls_shared **out, uint64_t now_s, struct rw_error *e)
{
	struct rw_tls_shared *s = calloc(1, sizeof(*s));

	if (!s || pthread_mutex_init(&s->lock, NULL)) {
		free(s);
		return rw_fail(e, RW_ENOMEM, "no memory for TLS");
	}
	atomic_init(&s->refs, 1);
	s->keys = OPENSSL_secure_zalloc(RW_TICKET_KEYS * sizeof(*s->keys));
	if (s->keys && add_key(s, now_s)) {
		*out = s;
		return RW_OK;
	}
	rw_tls_shared_unref(s);
	return rw_fail(e, RW_EIO, "no random bytes, or no memory, for the keys of TLS tickets");
}

struct rw_tls_shared *rw_tls_shared_ref(struct rw_tls_shared *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void rw_tls_shared_unref(struct rw_tls_shared *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	OPENSSL_secure_clear_free(s->keys, RW_TICKET_KEYS * sizeof(*s->keys));
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct rw_tls_stats *rw_tls_shared_stats(struct rw_tls_shared *s)
{
	return &s->stats;
}

/* --- where secrets are -------------------------------------------------------------------- */

/*
 * Keys of certificates and tickets take a few kilobytes; a handshake under way takes a hundred
 * bytes. OpenSSL rounds nothing: a power of two is asked for.
 */
bool rw_tls_lock_secrets(unsigned workers)
{
	enum { LEAST = 512 << 10, EACH = 256 << 10, SMALLEST = 16 };
	size_t n = LEAST;

	while (n < (size_t)EACH * workers)
		n *= 2;
	return CRYPTO_secure_malloc_init(n, SMALLEST) == 1;
}
