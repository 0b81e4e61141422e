/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the TLS tests share: throw-away certificates in a directory of their own, record
 * back-ends that talk through memory, and a peer on plain OpenSSL that can be told to be odd.
 */
#ifndef RW_TESTS_TLS_UTIL_H
#define RW_TESTS_TLS_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <ftw.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/log.h"
#include "tls/ctx.h"
#include "tls/record.h"

/* --- certificates ---------------------------------------------------------------------- */

static char test_dir[64];

/* A path in the test's directory; a few of them are valid at once. */
static inline const char *in_dir(const char *name)
{
	static char paths[8][160];
	static unsigned next;
	char *p = paths[next++ % 8];

	snprintf(p, sizeof(paths[0]), "%s/%s", test_dir, name);
	return p;
}

struct identity {
	X509 *cert;
	EVP_PKEY *key;
};

/* What is 0 or NULL is usual: a P-256 leaf for "localhost" and 127.0.0.1, valid now. */
struct cert_spec {
	const char *cn;
	const char *san; /* as in openssl.cnf */
	const struct identity *issuer;
	bool ca;
	bool rsa;
	long from_s, to_s; /* from now on */
};

static inline struct identity make_identity(const struct cert_spec *spec)
{
	struct identity id = {.cert = X509_new(),
			      .key = spec->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256")};
	X509 *issuer = spec->issuer ? spec->issuer->cert : id.cert;
	EVP_PKEY *signer = spec->issuer ? spec->issuer->key : id.key;
	const char *san = spec->san ? spec->san : "DNS:localhost,IP:127.0.0.1";
	const unsigned char *cn = (const unsigned char *)(spec->cn ? spec->cn : "localhost");
	const struct {
		int nid;
		const char *value;
	} ext[] = {
		{NID_basic_constraints, spec->ca ? "critical,CA:TRUE" : "CA:FALSE"},
		{NID_subject_alt_name, san},
	};
	static long serial = 1;
	X509V3_CTX ctx;

	assert_non_null(id.cert);
	assert_non_null(id.key);
	assert_true(X509_set_version(id.cert, X509_VERSION_3));
	assert_true(ASN1_INTEGER_set(X509_get_serialNumber(id.cert), serial++));
	X509_gmtime_adj(X509_getm_notBefore(id.cert), spec->from_s ? spec->from_s : -3600);
	X509_gmtime_adj(X509_getm_notAfter(id.cert), spec->to_s ? spec->to_s : 3600);
	assert_true(X509_set_pubkey(id.cert, id.key));
	assert_true(X509_NAME_add_entry_by_txt(X509_get_subject_name(id.cert), "CN", MBSTRING_ASC,
					       cn, -1, -1, 0));
	assert_true(X509_set_issuer_name(id.cert, X509_get_subject_name(issuer)));
	X509V3_set_ctx(&ctx, issuer, id.cert, NULL, NULL, 0);
	for (size_t i = 0; i < 2; i++) {
		X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, &ctx, ext[i].nid, ext[i].value);

		assert_non_null(x);
		assert_true(X509_add_ext(id.cert, x, -1));
		X509_EXTENSION_free(x);
	}
	assert_true(X509_sign(id.cert, signer, EVP_sha256()) > 0);
	return id;
}

static inline void free_identity(struct identity *id)
{
	X509_free(id->cert);
	EVP_PKEY_free(id->key);
}

static inline FILE *create(const char *file, mode_t mode)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	assert_int_equal(fchmod(fileno(f), mode), 0);
	return f;
}

static inline void write_text(const char *file, const char *text, mode_t mode)
{
	FILE *f = create(file, mode);

	assert_true(fputs(text, f) >= 0);
	fclose(f);
}

/* NAME.crt and NAME.key in the test's directory. */
static inline void write_identity(const char *name, const struct identity *id)
{
	char file[64];
	FILE *f;

	snprintf(file, sizeof(file), "%s.crt", name);
	f = create(in_dir(file), 0644);
	assert_true(PEM_write_X509(f, id->cert));
	fclose(f);
	snprintf(file, sizeof(file), "%s.key", name);
	f = create(in_dir(file), 0600);
	assert_true(PEM_write_PrivateKey(f, id->key, NULL, NULL, 0, NULL, NULL));
	fclose(f);
}

static inline void make_files(const char *name, const struct cert_spec *spec)
{
	struct identity id = make_identity(spec);

	write_identity(name, &id);
	free_identity(&id);
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/*
 * In the directory: `ca`, `good` (localhost, 127.0.0.1), `other` (for another name) and
 * `expired`, all three signed by ca, and `alone`, which is self-signed.
 */
static inline int make_pki(void **state)
{
	struct identity ca = make_identity(&(struct cert_spec){.cn = "Test CA", .ca = true});

	(void)state;
	rw_log_set_level(RW_LOG_ERROR);
	snprintf(test_dir, sizeof(test_dir), "/tmp/rw-tls-XXXXXX");
	assert_non_null(mkdtemp(test_dir));
	write_identity("ca", &ca);
	make_files("good", &(struct cert_spec){.issuer = &ca});
	make_files("other", &(struct cert_spec){.issuer = &ca,
						.cn = "elsewhere",
						.san = "DNS:elsewhere.example,IP:192.0.2.1"});
	make_files("expired", &(struct cert_spec){.issuer = &ca, .from_s = -7200, .to_s = -3600});
	make_files("alone", &(struct cert_spec){0});
	free_identity(&ca);
	return 0;
}

static inline int remove_pki(void **state)
{
	(void)state;
	return nftw(test_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline struct rw_tls_ctx *server_ctx(const char *name)
{
	struct rw_error e = {.text = ""};
	struct rw_tls_ctx *c = NULL;
	char cert[64], key[64];

	snprintf(cert, sizeof(cert), "%s.crt", name);
	snprintf(key, sizeof(key), "%s.key", name);
	if (rw_tls_server_new(&c, in_dir(cert), in_dir(key), &e))
		fail_msg("%s", e.text);
	return c;
}

static inline struct rw_tls_ctx *client_ctx(const char *ca)
{
	struct rw_error e = {.text = ""};
	struct rw_tls_ctx *c = NULL;

	if (rw_tls_client_new(&c, ca ? in_dir(ca) : NULL, &e))
		fail_msg("%s", e.text);
	return c;
}

/* --- back-ends in memory --------------------------------------------------------------- */

/* Ends go on in the AEAD back-end as soon as they can. */
static bool lean_ends;

/* One back-end, and what it did. */
struct end {
	struct rw_record *rec;
	struct rw_buf out; /* ciphertext that its peer has not seen */
	struct rw_buf got; /* plaintext */
	unsigned opens;
	bool lean; /* it was handed over */
	enum rw_record_event last;
	struct rw_error e;
	size_t room;  /* of a read; 0: RW_RECORD_MAX */
	int sink_err; /* what the sink answers from now on */
};

static inline int end_sink(void *user, const uint8_t *data, size_t n)
{
	struct end *e = user;

	return e->sink_err ? e->sink_err : rw_buf_add(&e->out, data, n);
}

static inline void end_begin(struct end *e, struct rw_tls_ctx *ctx, const char *host)
{
	memset(e, 0, sizeof(*e));
	assert_int_equal(rw_record_openssl_new(&e->rec, ctx, host, end_sink, e), RW_OK);
}

static inline void end_free(struct end *e)
{
	if (e->rec)
		e->rec->ops->free(e->rec);
	rw_buf_free(&e->out);
	rw_buf_free(&e->got);
	memset(e, 0, sizeof(*e));
}

/* Everything that data says, with the contract of record.h checked on the way. */
static inline enum rw_record_event end_feed(struct end *e, const char *data, size_t n)
{
	uint8_t plain[RW_RECORD_MAX];
	struct rw_slice in = {data, n};
	size_t room = e->room ? e->room : sizeof(plain), got;

	do {
		bool was_open = e->opens;

		e->last = e->rec->ops->read(e->rec, &in, plain, room, &got, &e->e);
		assert_true(was_open || got == 0);
		assert_true(e->last != RW_RECORD_OPEN || !was_open);
		assert_true(e->last != RW_RECORD_FULL || got);
		assert_true(e->last != RW_RECORD_WANT || in.n == 0);
		e->opens += e->last == RW_RECORD_OPEN;
		assert_int_equal(rw_buf_add(&e->got, plain, got), RW_OK);
		if (lean_ends && !e->lean)
			e->lean = rw_record_hand_over(&e->rec, end_sink, e) == RW_OK;
	} while (e->last == RW_RECORD_OPEN || e->last == RW_RECORD_FULL);
	return e->last;
}

/* How one end's bytes reach the other: in cuts of this many at most. */
struct cuts {
	size_t max;    /* 0: whole */
	uint64_t seed; /* 0: always max */
};

static inline size_t next_cut(struct cuts *c, size_t left)
{
	size_t n = c->max ? c->max : left;

	if (c->seed) {
		c->seed = c->seed * 6364136223846793005 + 1442695040888963407;
		n = 1 + (c->seed >> 33) % n;
	}
	return n < left ? n : left;
}

/* Hands over what from has for to. False: there was nothing. */
static inline bool carry(struct end *from, struct end *to, struct cuts *c)
{
	struct rw_buf b = from->out;

	if (b.len == 0)
		return false;
	from->out = (struct rw_buf){0};
	for (size_t at = 0; at < b.len;) {
		size_t n = next_cut(c, b.len - at);
		/* In memory of its own, so that ASan sees a read beyond it. */
		char *part = malloc(n);

		assert_non_null(part);
		memcpy(part, b.p + at, n);
		end_feed(to, part, n);
		free(part);
		at += n;
	}
	rw_buf_free(&b);
	return true;
}

/* Until neither has anything to say. */
static inline void converse(struct end *a, struct end *b, struct cuts c)
{
	bool any;

	do {
		any = carry(a, b, &c);
		any |= carry(b, a, &c);
	} while (any);
}

static inline void handshake(struct end *client, struct end *server, struct cuts c)
{
	end_feed(client, NULL, 0);
	converse(client, server, c);
}

/* --- a peer that is not ours ----------------------------------------------------------- */

/* OpenSSL on memory BIOs, set up by the test as it likes. */
struct raw {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out;
	const char *said; /* its last error, e.g. what our alert told it; NULL: none */
};

static inline void raw_begin(struct raw *r, bool server, int version)
{
	memset(r, 0, sizeof(*r));
	r->ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	assert_non_null(r->ctx);
	if (version) {
		assert_true(SSL_CTX_set_min_proto_version(r->ctx, version));
		assert_true(SSL_CTX_set_max_proto_version(r->ctx, version));
	}
	if (server) {
		assert_int_equal(
			SSL_CTX_use_certificate_file(r->ctx, in_dir("good.crt"), SSL_FILETYPE_PEM),
			1);
		assert_int_equal(
			SSL_CTX_use_PrivateKey_file(r->ctx, in_dir("good.key"), SSL_FILETYPE_PEM),
			1);
	}
}

/* After the test has set up ctx. */
static inline void raw_start(struct raw *r, bool server)
{
	r->ssl = SSL_new(r->ctx);
	r->in = BIO_new(BIO_s_mem());
	r->out = BIO_new(BIO_s_mem());
	assert_true(r->ssl && r->in && r->out);
	SSL_set_bio(r->ssl, r->in, r->out);
	if (server)
		SSL_set_accept_state(r->ssl);
	else
		SSL_set_connect_state(r->ssl);
}

static inline void raw_free(struct raw *r)
{
	SSL_free(r->ssl);
	SSL_CTX_free(r->ctx);
	ERR_clear_error();
	memset(r, 0, sizeof(*r));
}

static inline void raw_step(struct raw *r)
{
	ERR_clear_error();
	if (SSL_do_handshake(r->ssl) != 1 && ERR_peek_last_error())
		r->said = ERR_reason_error_string(ERR_peek_last_error());
	ERR_clear_error();
}

/* Both directions until nothing moves; the handshake is tried on the way. */
static inline void raw_converse(struct raw *r, struct end *e)
{
	bool any = true;

	while (any) {
		char part[4096];
		int n;

		raw_step(r);
		n = BIO_read(r->out, part, sizeof(part));
		if (n > 0)
			end_feed(e, part, (size_t)n);
		any = n > 0 || e->out.len;
		if (e->out.len)
			assert_int_equal(BIO_write(r->in, e->out.p, (int)e->out.len),
					 (int)e->out.len);
		rw_buf_reset(&e->out);
	}
}

/* Bytes in which a swap, a loss or a repetition shows. */
static inline char *noise(size_t n, uint64_t seed)
{
	char *p = malloc(n ? n : 1);

	assert_non_null(p);
	for (size_t i = 0; i < n; i++) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		p[i] = (char)(seed >> 56);
	}
	return p;
}

#endif
