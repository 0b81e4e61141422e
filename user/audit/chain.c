/* SPDX-License-Identifier: Apache-2.0 */
/* For SHA256_Init and friends, which cost a third of EVP's and allocate nothing (ident/text.c). */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "audit/chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ,"seq":18446744073709551615,"prev":"<64>"} */
#define SEQ_NAME  ",\"seq\":"
#define PREV_NAME ",\"prev\":\""
#define LINE_END  "\"}"
enum {
	SEQ_NAME_N = sizeof(SEQ_NAME) - 1,
	PREV_NAME_N = sizeof(PREV_NAME) - 1,
	HEX_N = RW_CHAIN_HEX - 1,
	SEQ_DIGITS = 20,
	LINK_FIXED = PREV_NAME_N + HEX_N + 2,
	LINK_MAX = SEQ_NAME_N + SEQ_DIGITS + LINK_FIXED,
	TIME_N = 26, /* with its quotes */
};

/* --- digests ------------------------------------------------------------------------------------
 */

void rw_chain_hex(const unsigned char digest[RW_CHAIN_DIGEST], char out[RW_CHAIN_HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < RW_CHAIN_DIGEST; i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[HEX_N] = '\0';
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool rw_chain_unhex(const char *text, unsigned char digest[RW_CHAIN_DIGEST])
{
	for (unsigned i = 0; i < RW_CHAIN_DIGEST; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		digest[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

void rw_chain_digest(struct rw_slice line, unsigned char out[RW_CHAIN_DIGEST])
{
	SHA256_CTX c;

	SHA256_Init(&c);
	SHA256_Update(&c, line.p, line.n);
	SHA256_Final(out, &c);
}

/* --- records ------------------------------------------------------------------------------------
 */

int rw_chain_add(struct rw_chain *c, struct rw_slice line, struct rw_buf *out)
{
	char hex[RW_CHAIN_HEX];
	size_t begin = out->len;
	int rc;

	RW_BUG_ON(line.n < 4 || line.p[line.n - 2] != '}' || line.p[line.n - 1] != '\n');
	rc = rw_buf_reserve(out, line.n + LINK_MAX);
	if (rc)
		return rc;
	rw_chain_hex(c->digest, hex);
	/* None of these can fail now. */
	(void)rw_buf_add(out, line.p, line.n - 2);
	(void)rw_buf_add(out, SEQ_NAME, SEQ_NAME_N);
	(void)rw_buf_add_u64(out, c->seq + 1);
	(void)rw_buf_add(out, PREV_NAME, PREV_NAME_N);
	(void)rw_buf_add(out, hex, HEX_N);
	(void)rw_buf_add(out, LINE_END "\n", 3);
	c->seq++;
	rw_chain_digest(rw_slice_of(out->p + begin, out->len - begin - 1), c->digest);
	return RW_OK;
}

/* The digits that end at end, without a leading zero; NULL: none, or more than 64 bits. */
static const char *number_before(const char *begin, const char *end, uint64_t *out)
{
	const char *p = end;

	while (p > begin && end - p <= SEQ_DIGITS && p[-1] >= '0' && p[-1] <= '9')
		p--;
	if (p == end || *p == '0')
		return NULL;
	*out = 0;
	for (const char *d = p; d < end; d++)
		if (__builtin_mul_overflow(*out, 10U, out) ||
		    __builtin_add_overflow(*out, (unsigned)(*d - '0'), out))
			return NULL;
	return p;
}

/* Where the link of a line begins; NULL: it has none. */
static const char *link_of(struct rw_slice line, uint64_t *seq, unsigned char prev[RW_CHAIN_DIGEST])
{
	const char *end = line.p + line.n, *p;

	if (line.n < SEQ_NAME_N + 1 + LINK_FIXED || line.p[0] != '{' ||
	    memcmp(end - 2, LINE_END, 2) != 0 || !rw_chain_unhex(end - 2 - HEX_N, prev) ||
	    memcmp(end - LINK_FIXED, PREV_NAME, PREV_NAME_N) != 0)
		return NULL;
	p = number_before(line.p, end - LINK_FIXED, seq);
	if (!p || p - line.p < SEQ_NAME_N || memcmp(p - SEQ_NAME_N, SEQ_NAME, SEQ_NAME_N) != 0)
		return NULL;
	return p - SEQ_NAME_N;
}

bool rw_chain_read(struct rw_slice line, uint64_t *seq, unsigned char prev[RW_CHAIN_DIGEST])
{
	return link_of(line, seq, prev);
}

void rw_chain_stray(uint64_t bytes, const unsigned char digest[RW_CHAIN_DIGEST],
		    char out[RW_CHAIN_STRAY])
{
	char hex[RW_CHAIN_HEX];

	rw_chain_hex(digest, hex);
	snprintf(out, RW_CHAIN_STRAY,
		 ",\"event\":\"audit_stray\",\"bytes\":%" PRIu64 ",\"sha256\":\"%s\"", bytes, hex);
}

/* --- walking ------------------------------------------------------------------------------------
 */

static void add_stray(struct rw_walk *w, struct rw_slice piece, bool whole)
{
	if (!w->pending) {
		w->pending = true;
		w->pending_bytes = 0;
		w->fault_file = w->file;
		w->fault_line = w->line;
		SHA256_Init(&w->pending_sum);
	} else if (!w->inside) {
		SHA256_Update(&w->pending_sum, "\n", 1);
		w->pending_bytes++;
	}
	SHA256_Update(&w->pending_sum, piece.p, piece.n);
	w->pending_bytes += piece.n;
	w->inside = !whole;
}

void rw_walk_sum(const struct rw_walk *w, unsigned char digest[RW_CHAIN_DIGEST])
{
	SHA256_CTX c = w->pending_sum;

	SHA256_Final(digest, &c);
}

/* Whether the line is the record that accounts for what is pending. */
static bool accounts(const struct rw_walk *w, struct rw_slice line, const char *link)
{
	static const char before[] = "{\"time\":";
	const size_t at = sizeof(before) - 1 + TIME_N;
	unsigned char digest[RW_CHAIN_DIGEST];
	char want[RW_CHAIN_STRAY];
	size_t n;

	rw_walk_sum(w, digest);
	rw_chain_stray(w->pending_bytes, digest, want);
	n = strlen(want);
	return (size_t)(link - line.p) == at + n && rw_slice_starts(line, before) &&
	       memcmp(line.p + at, want, n) == 0;
}

/* Why a line does not link, where it is the first that does not. */
static void blame(struct rw_walk *w, const char *link, uint64_t seq)
{
	if (w->pending)
		return;
	w->fault = !link ? RW_WALK_NO_RECORD : seq != w->at.seq + 1 ? RW_WALK_SEQ : RW_WALK_PREV;
	w->fault_seq = link ? seq : 0;
}

static bool links(struct rw_walk *w, struct rw_slice line)
{
	unsigned char prev[RW_CHAIN_DIGEST];
	uint64_t seq = 0;
	const char *link = link_of(line, &seq, prev);

	if (link && !w->begun && !w->pending) { /* what is before it is elsewhere */
		w->at.seq = seq - 1;
		memcpy(w->at.digest, prev, sizeof(prev));
	}
	if (!link || seq != w->at.seq + 1 || memcmp(prev, w->at.digest, sizeof(prev)) != 0 ||
	    (w->pending && !accounts(w, line, link))) {
		blame(w, link, seq);
		return false;
	}
	if (!w->first)
		w->first = seq;
	w->begun = true;
	w->records++;
	w->at.seq = seq;
	rw_chain_digest(line, w->at.digest);
	return true;
}

static bool walk(struct rw_walk *w, struct rw_slice line, bool whole)
{
	bool linked = whole && !w->inside && links(w, line);

	if (!linked) {
		add_stray(w, line, whole);
	} else if (w->pending) {
		w->strays++;
		w->stray_bytes += w->pending_bytes;
		w->pending = false;
	}
	return linked;
}

/* What a file ended in is a line after all, if one without its newline. */
static void walk_cut(struct rw_walk *w)
{
	unsigned file = w->file;
	uint64_t line = w->line;

	if (!w->cut.len)
		return;
	w->file = w->cut_file;
	w->line = w->cut_line;
	walk(w, rw_buf_slice(&w->cut), true);
	w->file = file;
	w->line = line;
	rw_buf_reset(&w->cut);
}

bool rw_walk_line(struct rw_walk *w, struct rw_slice line, bool whole)
{
	/* A full disk cut the record there, and the next file has it whole. */
	bool again = whole && w->cut.len && line.n >= w->cut.len &&
		     !memcmp(line.p, w->cut.p, w->cut.len) && links(w, line);

	if (again) {
		rw_buf_reset(&w->cut);
		return true;
	}
	walk_cut(w);
	return walk(w, line, whole);
}

int rw_walk_cut(struct rw_walk *w, struct rw_slice tail)
{
	walk_cut(w);
	w->cut_file = w->file;
	w->cut_line = w->line;
	if (!w->pending)
		return rw_buf_add_slice(&w->cut, tail);
	walk(w, tail, true);
	return RW_OK;
}

bool rw_walk_end(struct rw_walk *w)
{
	walk_cut(w);
	return w->pending;
}

void rw_walk_free(struct rw_walk *w)
{
	rw_buf_free(&w->cut);
}
