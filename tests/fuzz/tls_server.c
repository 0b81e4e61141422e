/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arbitrary bytes into the server's record back-end, before a handshake or after one. Fed whole, or
 * byte by byte into little room, they must come to the same end with the same words; no plaintext
 * comes before the handshake, none that the client did not seal, and an end is final.
 *
 * The first byte says where: bit 0 after a handshake, bit 1 of TLS 1.2, bit 2 goes on in the AEAD
 * back-end as a stream does. Before one, the rest is
 * what the server gets. After one, the rest is a script of what the client seals (struct script).
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD is, but nothing else reaches every caller */
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "tls/ctx.h"
#include "tls/record.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rw_tls_ctx *server_ctx;
static SSL_CTX *client_ctx;

/* --- the same bytes each time ---------------------------------------------------------- */

static uint64_t random_state;

static int seeded_bytes(unsigned char *buf, int n)
{
	for (int i = 0; i < n; i++) {
		random_state = random_state * 6364136223846793005u + 1442695040888963407u;
		buf[i] = (unsigned char)(random_state >> 56);
	}
	return 1;
}

static int seeded_status(void)
{
	return 1;
}

static const RAND_METHOD seeded = {
	.bytes = seeded_bytes, .pseudorand = seeded_bytes, .status = seeded_status};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const names[] = {"localhost"};
	char dir[] = "/tmp/rw-fuzz-XXXXXX", cert[64], key[64], print[96];
	struct rw_error e = {.text = ""};

	(void)argc;
	(void)argv;
	rw_log_set_level(RW_LOG_ERROR);
	RW_BUG_ON(!mkdtemp(dir));
	snprintf(cert, sizeof(cert), "%s/crt", dir);
	snprintf(key, sizeof(key), "%s/key", dir);
	RW_BUG_ON(RAND_set_rand_method(&seeded) != 1);
	RW_BUG_ON(rw_tls_selfsigned(cert, key, names, 1, print, &e));
	RW_BUG_ON(rw_tls_server_new(&server_ctx, cert, key, &e));
	unlink(cert);
	unlink(key);
	rmdir(dir);
	client_ctx = SSL_CTX_new(TLS_client_method());
	RW_BUG_ON(!client_ctx ||
		  !SSL_CTX_set1_groups_list(client_ctx, "X25519:P-256")); /* the quick one */
	return 0;
}

/* --- the server, watched --------------------------------------------------------------- */

struct server {
	struct rw_record *rec;
	struct rw_buf out, got;
	bool open, lean;
	enum rw_record_event last;
	struct rw_error e;
};

static int sink(void *user, const uint8_t *data, size_t n)
{
	struct server *s = user;

	return rw_buf_add(&s->out, data, n);
}

static bool is_end(enum rw_record_event ev)
{
	return ev == RW_RECORD_EOF || ev == RW_RECORD_ERROR;
}

static void feed(struct server *s, const char *data, size_t n, size_t room)
{
	uint8_t plain[RW_RECORD_MAX];
	struct rw_slice in = {data, n};
	size_t got;

	do {
		bool was_open = s->open, was_over = is_end(s->last);
		enum rw_record_event before = s->last;
		size_t left = in.n;

		s->last = s->rec->ops->read(s->rec, &in, plain, room, &got, &s->e);
		RW_BUG_ON(!was_open && got);
		RW_BUG_ON(got > room || (s->last == RW_RECORD_FULL && !got));
		RW_BUG_ON(was_over && (s->last != before || got || in.n != left));
		RW_BUG_ON(s->last == RW_RECORD_WANT && in.n);
		RW_BUG_ON(s->last == RW_RECORD_ERROR && (s->e.code == 0 || !s->e.text[0]));
		RW_BUG_ON(s->last == RW_RECORD_OPEN && was_open);
		s->open |= s->last == RW_RECORD_OPEN;
		RW_BUG_ON(rw_buf_add(&s->got, plain, got));
		if (s->lean) /* once, as a stream does: another would begin to count anew */
			s->lean = rw_record_hand_over(&s->rec, sink, s) == RW_EAGAIN;
	} while (s->last == RW_RECORD_OPEN || s->last == RW_RECORD_FULL);
}

/* --- the client ------------------------------------------------------------------------ */

/* What the fuzzer has the client do; each step is an operation byte and an argument byte. */
struct script {
	const uint8_t *p;
	size_t n;
};

struct client {
	SSL *ssl;
	BIO *in, *out;
	struct rw_buf wire;   /* what the server is going to get */
	struct rw_buf sealed; /* its plaintext */
};

static void client_begin(struct client *c, bool tls12)
{
	memset(c, 0, sizeof(*c));
	c->ssl = SSL_new(client_ctx);
	c->in = BIO_new(BIO_s_mem());
	c->out = BIO_new(BIO_s_mem());
	RW_BUG_ON(!c->ssl || !c->in || !c->out);
	SSL_set_bio(c->ssl, c->in, c->out);
	SSL_set_connect_state(c->ssl);
	SSL_set_max_proto_version(c->ssl, tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
}

static void take_wire(struct client *c)
{
	char part[4096];
	int n;

	while ((n = BIO_read(c->out, part, sizeof(part))) > 0)
		RW_BUG_ON(rw_buf_add(&c->wire, part, (size_t)n));
	ERR_clear_error();
}

static void shake_hands(struct client *c, struct server *s)
{
	for (int i = 0; i < 8; i++) {
		SSL_do_handshake(c->ssl);
		take_wire(c);
		feed(s, c->wire.p, c->wire.len, RW_RECORD_MAX);
		rw_buf_reset(&c->wire);
		if (s->out.len)
			RW_BUG_ON(BIO_write(c->in, s->out.p, (int)s->out.len) <= 0);
		rw_buf_reset(&s->out);
	}
	RW_BUG_ON(!s->open || !SSL_is_init_finished(c->ssl));
}

static void seal(struct client *c, size_t n)
{
	static const char text[256 * 80] = "The quick brown fox jumps over the lazy dog";
	size_t done;

	if (n && SSL_write_ex(c->ssl, text, n, &done) == 1)
		RW_BUG_ON(rw_buf_add(&c->sealed, text, n));
	take_wire(c);
}

/* One step. Damage hits what has not been handed over yet. */
static void act(struct client *c, unsigned op, size_t arg, struct script *rest)
{
	size_t n = arg < rest->n ? arg : rest->n;

	switch (op % 7) {
	case 0:
		seal(c, arg);
		break;
	case 1:
		seal(c, arg * 80); /* more than one record */
		break;
	case 2:
		RW_BUG_ON(rw_buf_add(&c->wire, rest->p, n));
		rest->p += n;
		rest->n -= n;
		break;
	case 3:
		if (c->wire.len)
			c->wire.p[arg % c->wire.len] ^= (char)(1 << (op / 7 % 8));
		break;
	case 4:
		c->wire.len -= arg < c->wire.len ? arg : c->wire.len;
		break;
	case 5:
		SSL_key_update(c->ssl,
			       arg & 1 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
		SSL_do_handshake(c->ssl);
		take_wire(c);
		break;
	default:
		SSL_shutdown(c->ssl);
		take_wire(c);
	}
	ERR_clear_error();
}

static void play(struct client *c, struct script s)
{
	while (s.n >= 2 && c->wire.len < 60000) {
		unsigned op = s.p[0];
		size_t arg = s.p[1];

		s.p += 2;
		s.n -= 2;
		act(c, op, arg, &s);
	}
}

/* --- one run --------------------------------------------------------------------------- */

/* Everything from the start, in cuts of this size (or nearly), with so much room for plaintext. */
static void run(struct server *s, const uint8_t *data, size_t size, size_t cut, size_t room)
{
	bool after = size && data[0] & 1;
	struct client c;

	random_state = 1;
	memset(s, 0, sizeof(*s));
	s->lean = size && data[0] & 4;
	RW_BUG_ON(rw_record_openssl_new(&s->rec, server_ctx, NULL, sink, s));
	client_begin(&c, size && data[0] & 2);
	if (after) {
		shake_hands(&c, s);
		play(&c, (struct script){data + 1, size - 1});
	} else if (size) {
		RW_BUG_ON(rw_buf_add(&c.wire, data + 1, size - 1));
	}
	if (cut == 1 && c.wire.len > 4000)
		cut = 61;
	for (size_t at = 0; at < c.wire.len; at += cut)
		feed(s, c.wire.p + at, c.wire.len - at < cut ? c.wire.len - at : cut, room);
	RW_BUG_ON(s->got.len > c.sealed.len);
	RW_BUG_ON(s->got.len && memcmp(s->got.p, c.sealed.p, s->got.len) != 0);
	SSL_free(c.ssl);
	rw_buf_free(&c.wire);
	rw_buf_free(&c.sealed);
}

static void end(struct server *s)
{
	s->rec->ops->close(s->rec);
	s->rec->ops->free(s->rec);
	rw_buf_free(&s->out);
	rw_buf_free(&s->got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct server whole, single;

	if (size > 20000)
		return 0;
	run(&whole, data, size, SIZE_MAX / 2, RW_RECORD_MAX);
	run(&single, data, size, 1, 7);
	RW_BUG_ON(whole.open != single.open || whole.last != single.last);
	RW_BUG_ON(whole.got.len != single.got.len);
	if (whole.last == RW_RECORD_ERROR)
		RW_BUG_ON(strcmp(whole.e.text, single.e.text) != 0);
	end(&whole);
	end(&single);
	return 0;
}
