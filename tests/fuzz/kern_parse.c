/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf/parse.h compiled for the host: no read beyond the frame, and the same answer as a second
 * parser that goes byte by byte from the RFCs.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "kernel/host_parse.h"

/* --- the oracle ------------------------------------------------------------------------------ */

struct bytes {
	const uint8_t *p;
	size_t n;
};

static bool has(struct bytes f, size_t at, size_t n)
{
	return at + n <= f.n;
}

static unsigned be16(struct bytes f, size_t at)
{
	return (unsigned)f.p[at] << 8 | f.p[at + 1];
}

static enum rw_parsed oracle_ports(struct bytes f, struct rw_packet *p)
{
	if (!has(f, p->l4, 4) || p->l4 + 4 > p->ip_end)
		return RW_PARSED_MALFORMED;
	p->port = (uint16_t)be16(f, p->l4 + 2);
	return RW_PARSED_TCP;
}

static enum rw_parsed oracle4(struct bytes f, size_t at, struct rw_packet *p)
{
	unsigned header;

	if (!has(f, at, 20) || f.p[at] >> 4 != 4)
		return RW_PARSED_MALFORMED;
	header = (f.p[at] & 15u) * 4;
	if (header < 20)
		return RW_PARSED_MALFORMED;
	if (f.p[at + 9] != 6 || be16(f, at + 6) & 0x1fff)
		return RW_PARSED_OTHER;
	p->family = 4;
	p->fragment = be16(f, at + 6) & 0x2000 ? 1 : 0;
	p->src_hi = (uint64_t)(be16(f, at + 12) << 16 | be16(f, at + 14)) << 32;
	p->l4 = (uint32_t)at + header;
	p->ip_end = (uint32_t)at + be16(f, at + 2);
	return oracle_ports(f, p);
}

/* The extension headers before TCP; 0: not TCP or malformed, *out says which. */
static size_t oracle_chain(struct bytes f, size_t at, unsigned next, struct rw_packet *p,
			   enum rw_parsed *out)
{
	for (unsigned seen = 0; next != 6; seen++) {
		bool known = next == 0 || next == 43 || next == 44 || next == 51 || next == 60;
		unsigned was = next;

		*out = RW_PARSED_OTHER;
		if (!known)
			return 0;
		*out = RW_PARSED_MALFORMED;
		if (!has(f, at, was == 44 ? 8 : 2))
			return 0;
		if (was == 44 && be16(f, at + 2) >> 3) {
			*out = RW_PARSED_OTHER;
			return 0;
		}
		/* the seventh is looked at, but what follows it is not */
		if (seen == 6)
			return 0;
		next = f.p[at];
		if (was == 44)
			p->fragment = 1;
		at += was == 44 ? 8 : was == 51 ? (f.p[at + 1] + 2u) * 4 : (f.p[at + 1] + 1u) * 8;
	}
	return at;
}

static enum rw_parsed oracle6(struct bytes f, size_t at, struct rw_packet *p)
{
	enum rw_parsed out;
	size_t tcp;

	if (!has(f, at, 40) || f.p[at] >> 4 != 6)
		return RW_PARSED_MALFORMED;
	p->family = 6;
	p->ip_end = (uint32_t)at + 40 + be16(f, at + 4);
	for (size_t i = 0; i < 8; i++) {
		p->src_hi = p->src_hi << 8 | f.p[at + 8 + i];
		p->src_lo = p->src_lo << 8 | f.p[at + 16 + i];
	}
	tcp = oracle_chain(f, at + 40, f.p[at + 6], p, &out);
	if (!tcp)
		return out;
	p->l4 = (uint32_t)tcp;
	return oracle_ports(f, p);
}

static enum rw_parsed oracle(struct bytes f, struct rw_packet *p)
{
	size_t at = 12;
	unsigned type;

	if (!has(f, 0, 14))
		return RW_PARSED_MALFORMED;
	type = be16(f, at);
	for (unsigned tags = 0; tags < 2 && (type == 0x8100 || type == 0x88a8); tags++) {
		at += 4;
		if (!has(f, at, 2))
			return RW_PARSED_MALFORMED;
		type = be16(f, at);
	}
	if (type == 0x0800)
		return oracle4(f, at + 2, p);
	return type == 0x86dd ? oracle6(f, at + 2, p) : RW_PARSED_OTHER;
}

/* --- the comparison ----------------------------------------------------------------------------
 */

static void compare(struct bytes f)
{
	struct frame ctx = {.data = (long)f.p, .data_end = (long)(f.p + f.n)};
	void *data = (void *)(uintptr_t)f.p, *end = (void *)(uintptr_t)(f.p + f.n);
	struct rw_packet got = {0}, want = {0};
	enum rw_parsed result = rw_parse(&ctx, &got);

	RW_BUG_ON(result != oracle(f, &want));
	if (result != RW_PARSED_TCP)
		return;
	RW_BUG_ON(got.l4 != want.l4 || got.ip_end != want.ip_end || got.port != want.port);
	RW_BUG_ON(got.family != want.family || got.fragment != want.fragment);
	RW_BUG_ON(got.src_hi != want.src_hi || got.src_lo != want.src_lo);
	if (!rw_parse_tcp(data, end, &got))
		return;
	RW_BUG_ON(got.l4 + 20 > f.n || got.l4 + 20 > got.ip_end);
	RW_BUG_ON(got.flags != f.p[got.l4 + 13]);
	RW_BUG_ON(rw_is_syn(got.flags) && !(got.flags & 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	/* The kernel too aligns the IP header to 4. Exact, so that ASan sees a read too far. */
	uint8_t *room;

	if (n > 9000)
		return 0;
	room = malloc(n + 2);
	if (!room)
		return 0;
	if (n)
		memcpy(room + 2, data, n);
	compare((struct bytes){room + 2, n});
	free(room);
	return 0;
}
