/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's keylog callback gives a traffic secret exactly when its key comes into use, and the
 * message callback each record's header: together they are what its record layer knows.
 */
#include "tls/capture.h"

#include <openssl/crypto.h>
#include <string.h>

#include "base/err.h"

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* n bytes of hex digits and the end; else 0. */
static uint8_t parse_secret(const char *text, uint8_t out[RW_TLS_SECRET])
{
	uint8_t n = 0;

	for (; text[0] && n < RW_TLS_SECRET; text += 2) {
		int hi = hex(text[0]), lo = hi < 0 ? -1 : hex(text[1]);

		if (lo < 0)
			return 0;
		out[n++] = (uint8_t)(hi << 4 | lo);
	}
	return text[0] ? 0 : n;
}

/* "LABEL CLIENT_RANDOM SECRET", of which the second word says what we know. */
static void on_secret(const SSL *ssl, const char *line)
{
	static const char client[] = "CLIENT_TRAFFIC_SECRET_0 ";
	static const char server[] = "SERVER_TRAFFIC_SECRET_0 ";
	struct rw_tls_capture *c = SSL_get_app_data(ssl);
	const char *secret = strrchr(line, ' ');
	bool of_client = !strncmp(line, client, sizeof(client) - 1);

	if (!c || !secret || (!of_client && strncmp(line, server, sizeof(server) - 1) != 0))
		return;
	if (of_client)
		c->n_client = parse_secret(secret + 1, c->client);
	else
		c->n_server = parse_secret(secret + 1, c->server);
	if (of_client == c->is_server)
		c->opened = 0;
	else
		c->sealed = 0;
}

static void on_message(int written, int version, int type, const void *data, size_t n, SSL *ssl,
		       void *arg)
{
	struct rw_tls_capture *c = arg;
	uint64_t *count = written ? &c->sealed : &c->opened;
	const uint8_t *p = data;

	(void)version;
	(void)ssl;
	if (type == SSL3_RT_HEADER && n)
		/* TLS 1.2's next key; in TLS 1.3 it means nothing and is long before. */
		*count = p[0] == SSL3_RT_CHANGE_CIPHER_SPEC ? 0 : *count + 1;
	else if (type == SSL3_RT_CHANGE_CIPHER_SPEC)
		*count = 0;
	else if (type == SSL3_RT_HANDSHAKE && n && p[0] == SSL3_MT_KEY_UPDATE)
		c->moved_on = true;
}

void rw_tls_capture_allow(SSL_CTX *ctx)
{
	SSL_CTX_set_keylog_callback(ctx, on_secret);
}

void rw_tls_capture_begin(struct rw_tls_capture *c, SSL *ssl)
{
	*c = (struct rw_tls_capture){.is_server = SSL_is_server(ssl)};
	SSL_set_app_data(ssl, c);
	SSL_set_msg_callback(ssl, on_message);
	SSL_set_msg_callback_arg(ssl, c);
}

static int keys_13(const struct rw_tls_capture *c, struct rw_tls_keys *k)
{
	size_t n = k->suite->hash_bytes;

	if (c->n_client != n || c->n_server != n)
		return RW_EUNSUP;
	memcpy(k->tx.secret, c->is_server ? c->server : c->client, n);
	memcpy(k->rx.secret, c->is_server ? c->client : c->server, n);
	if (rw_tls_derive_13(k->suite, &k->tx) || rw_tls_derive_13(k->suite, &k->rx))
		return RW_ENOMEM;
	return RW_OK;
}

static int keys_12(SSL *ssl, struct rw_tls_keys *k)
{
	uint8_t master[RW_TLS_SECRET], randoms[64];
	int rc = RW_EUNSUP;

	if (SSL_SESSION_get_master_key(SSL_get0_session(ssl), master, sizeof(master)) ==
		    sizeof(master) &&
	    SSL_get_server_random(ssl, randoms, 32) == 32 &&
	    SSL_get_client_random(ssl, randoms + 32, 32) == 32)
		rc = rw_tls_derive_12(k, master, randoms);
	OPENSSL_cleanse(master, sizeof(master));
	return rc;
}

int rw_tls_capture_keys(const struct rw_tls_capture *c, SSL *ssl, struct rw_tls_keys *k)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	int rc;

	*k = (struct rw_tls_keys){.version = SSL_version(ssl), .server = c->is_server};
	k->suite = cipher ? rw_tls_suite_find(SSL_CIPHER_get_protocol_id(cipher)) : NULL;
	if (!k->suite || c->moved_on)
		return RW_EUNSUP;
	k->max_fragment = SSL3_RT_MAX_PLAIN_LENGTH;
	switch (SSL_SESSION_get_max_fragment_length(SSL_get0_session(ssl))) {
	case TLSEXT_max_fragment_length_512:
		k->max_fragment = 512;
		break;
	case TLSEXT_max_fragment_length_1024:
		k->max_fragment = 1024;
		break;
	case TLSEXT_max_fragment_length_2048:
		k->max_fragment = 2048;
		break;
	case TLSEXT_max_fragment_length_4096:
		k->max_fragment = 4096;
		break;
	default:
		break;
	}
	rc = k->version == TLS1_3_VERSION   ? keys_13(c, k)
	     : k->version == TLS1_2_VERSION ? keys_12(ssl, k)
					    : RW_EUNSUP;
	k->tx.seq = c->sealed;
	k->rx.seq = c->opened;
	return rc;
}

void rw_tls_capture_end(struct rw_tls_capture *c, SSL *ssl)
{
	SSL_set_msg_callback(ssl, NULL);
	SSL_set_app_data(ssl, NULL);
	OPENSSL_cleanse(c, sizeof(*c));
}
