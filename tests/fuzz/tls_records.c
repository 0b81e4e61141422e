/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The AEAD back-end against a peer that knows the keys: records of any type, length and
 * padding, KeyUpdates, tickets in pieces, damage, and bytes that are no records. Fed whole, and
 * byte by byte into little room, they must come to the same plaintext and the same end in the same
 * words; no plaintext that was not sealed as data comes out, and an end is final.
 *
 * The first byte: bit 0 TLS 1.2, bit 1 we are the server, bits 2 and 3 the suite. The rest is a
 * script of an operation byte and an argument byte each.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tls/record.h"
#include "unit/tls/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_WIRE = 200000 };

/* --- the peer -------------------------------------------------------------------------- */

struct peer {
	const struct rw_tls_suite *suite;
	int version;
	struct rw_tls_way key;
	struct rw_buf wire;   /* what is going to be read */
	struct rw_buf sealed; /* its data */
};

static const char text[] = "The quick brown fox jumps over the lazy dog. ";

/*
 * In TLS 1.3 a type of 0 is padding (RFC 8446 5.4): what is before it says where the data ends, and
 * of which type it is.
 */
static uint8_t read_as(const struct peer *p, uint8_t type, const uint8_t *data, size_t *n)
{
	if (p->version != TLS1_3_VERSION || type)
		return type;
	while (*n && !data[*n - 1])
		--*n;
	return *n ? data[--*n] : 0;
}

static void put(struct peer *p, uint8_t type, const void *data, size_t n, size_t zeros)
{
	static uint8_t out[SEAL_ROOM];
	struct seal_spec spec = {.type = type, .data = data, .n = n, .zeros = zeros};
	size_t all = seal_record(p->suite, &p->key, p->version, &spec, out);

	RW_BUG_ON(rw_buf_add(&p->wire, out, all));
	if (read_as(p, type, data, &n) == SSL3_RT_APPLICATION_DATA)
		RW_BUG_ON(rw_buf_add(&p->sealed, data, n));
}

static void put_text(struct peer *p, size_t n)
{
	char *t = malloc(n + 1);

	RW_BUG_ON(!t);
	for (size_t i = 0; i < n; i++)
		t[i] = text[(i + p->sealed.len) % (sizeof(text) - 1)];
	put(p, SSL3_RT_APPLICATION_DATA, t, n, 0);
	free(t);
}

static void put_update(struct peer *p, uint8_t request)
{
	const uint8_t m[] = {SSL3_MT_KEY_UPDATE, 0, 0, 1, request};

	put(p, SSL3_RT_HANDSHAKE, m, sizeof(m), 0);
	if (p->version == TLS1_3_VERSION)
		RW_BUG_ON(rw_tls_update_13(p->suite, &p->key));
}

/* One step; what it needs more of it takes from the script. */
static void act(struct peer *p, unsigned op, size_t arg, const uint8_t **rest, size_t *left)
{
	size_t n = arg < *left ? arg : *left;
	static const uint8_t types[] = {20, 21, 22, 23, 24, 0, 255, 22};

	switch (op % 10) {
	case 0:
		put_text(p, arg);
		break;
	case 1:
		put_text(p, arg * 65);
		break;
	case 2:
		put_update(p, arg & 3);
		break;
	case 3: /* a record of the script's bytes */
		put(p, types[op / 10 % 8], *rest, n, 0);
		*rest += n;
		*left -= n;
		break;
	case 4: /* no record at all */
		RW_BUG_ON(rw_buf_add(&p->wire, *rest, n));
		*rest += n;
		*left -= n;
		break;
	case 5:
		if (p->wire.len)
			p->wire.p[p->wire.len - 1 - arg % p->wire.len] ^= (char)(1
										 << (op / 10 % 8));
		break;
	case 6:
		p->wire.len -= arg < p->wire.len ? arg : p->wire.len;
		break;
	case 7:
		put(p, SSL3_RT_APPLICATION_DATA, text, arg % sizeof(text), arg * (op / 10));
		break;
	case 8:
		p->key.seq += arg;
		break;
	default:
		put(p, SSL3_RT_ALERT, ((const uint8_t[]){op / 10 % 4, (uint8_t)arg}), 2, 0);
	}
}

/* --- our side, watched ----------------------------------------------------------------- */

struct ours {
	struct rw_record *rec;
	struct rw_buf out, got;
	enum rw_record_event last;
	struct rw_error e;
};

static int sink(void *user, const uint8_t *data, size_t n)
{
	struct ours *o = user;

	RW_BUG_ON(n < 5 || n != 5 + ((size_t)data[3] << 8 | data[4]));
	return o->out.len < MAX_WIRE ? rw_buf_add(&o->out, data, n) : RW_OK;
}

static void feed(struct ours *o, const char *data, size_t n, size_t room)
{
	static uint8_t plain[RW_RECORD_ROOM];
	/* In memory of its own, so that ASan sees a read beyond it. */
	char *part = malloc(n ? n : 1);
	struct rw_slice in = {part, n};
	size_t got;

	RW_BUG_ON(!part);
	memcpy(part, data, n);
	do {
		enum rw_record_event before = o->last;
		bool was_over = before == RW_RECORD_EOF || before == RW_RECORD_ERROR;
		size_t left = in.n;

		o->last = o->rec->ops->read(o->rec, &in, plain, room, &got, &o->e);
		RW_BUG_ON(got > room || o->last == RW_RECORD_OPEN);
		RW_BUG_ON(o->last == RW_RECORD_FULL && !got);
		RW_BUG_ON(was_over && (o->last != before || got || in.n != left));
		RW_BUG_ON(o->last == RW_RECORD_WANT && in.n);
		RW_BUG_ON(o->last == RW_RECORD_ERROR && (o->e.code != RW_EPROTO || !o->e.text[0]));
		RW_BUG_ON(rw_buf_add(&o->got, plain, got));
	} while (o->last == RW_RECORD_FULL);
	free(part);
}

static void run(struct ours *o, const struct peer *p, const struct rw_tls_keys *k, size_t cut,
		size_t room)
{
	memset(o, 0, sizeof(*o));
	RW_BUG_ON(rw_record_aead_new(&o->rec, k, sink, o));
	if (cut == 1 && p->wire.len > 4000)
		cut = 61;
	for (size_t at = 0; at < p->wire.len; at += cut)
		feed(o, p->wire.p + at, p->wire.len - at < cut ? p->wire.len - at : cut, room);
	/* Data comes out in order and unchanged, up to where it ends. */
	RW_BUG_ON(o->got.len > p->sealed.len);
	RW_BUG_ON(o->got.len && memcmp(o->got.p, p->sealed.p, o->got.len) != 0);
}

static void end(struct ours *o)
{
	o->rec->ops->close(o->rec);
	o->rec->ops->free(o->rec);
	rw_buf_free(&o->out);
	rw_buf_free(&o->got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned suites[2][4] = {{0x1301, 0x1302, 0x1303, 0x1301},
					      {0xc02b, 0xc02c, 0xcca9, 0xc02b}};
	struct rw_tls_keys k = {.max_fragment = RW_RECORD_MAX, .info = {.identity = ""}};
	struct ours whole, single;
	struct peer p = {0};
	size_t left = size - 1;

	if (size < 1 || size > 4000)
		return 0;
	k.version = data[0] & 1 ? TLS1_2_VERSION : TLS1_3_VERSION;
	k.server = data[0] & 2;
	k.suite = rw_tls_suite_find(suites[data[0] & 1][data[0] >> 2 & 3]);
	RW_BUG_ON(!k.suite);
	p.version = k.version;
	p.suite = k.suite;
	seal_key(&p.key, k.suite, k.version);
	k.rx = k.tx = p.key;
	for (data++; left >= 2 && p.wire.len < MAX_WIRE;) {
		unsigned op = data[0];
		size_t arg = data[1];

		data += 2;
		left -= 2;
		act(&p, op, arg, &data, &left);
	}
	run(&whole, &p, &k, SIZE_MAX / 2, RW_RECORD_ROOM);
	run(&single, &p, &k, 1, 7);
	RW_BUG_ON(whole.last != single.last || whole.got.len != single.got.len);
	if (whole.last == RW_RECORD_ERROR)
		RW_BUG_ON(strcmp(whole.e.text, single.e.text) != 0);
	end(&whole);
	end(&single);
	rw_buf_free(&p.wire);
	rw_buf_free(&p.sealed);
	return 0;
}
