/* SPDX-License-Identifier: Apache-2.0 */
/* The chain: whatever is done to a log behind the gateway's back is found, and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/chain.h"

enum { RECORDS = 12 };

/* A log of RECORDS records, with where each begins. */
struct log {
	struct rw_buf text;
	size_t at[RECORDS + 1];
};

static void make(struct log *l)
{
	struct rw_chain c = {0};
	char line[64];

	*l = (struct log){0};
	for (unsigned i = 0; i < RECORDS; i++) {
		int n = snprintf(line, sizeof(line), "{\"n\":%u,\"model\":\"m\"}\n", i);

		l->at[i] = l->text.len;
		assert_int_equal(rw_chain_add(&c, rw_slice_of(line, (size_t)n), &l->text), RW_OK);
	}
	l->at[RECORDS] = l->text.len;
	assert_int_equal(c.seq, RECORDS);
}

/* Walks along text; the number of the last record that links. */
static uint64_t walk(struct rw_walk *w, struct rw_slice text)
{
	*w = (struct rw_walk){.line = 1};
	while (text.n) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n;

		if (end)
			rw_walk_line(w, rw_slice_of(text.p, n), true);
		else
			assert_int_equal(rw_walk_cut(w, text), RW_OK);
		w->line++;
		n += end != NULL;
		text = rw_slice_of(text.p + n, text.n - n);
	}
	rw_walk_end(w);
	rw_walk_free(w);
	return w->at.seq;
}

static void a_whole_log_is_whole(void **state)
{
	struct rw_walk w;
	struct log l;

	(void)state;
	make(&l);
	assert_int_equal(walk(&w, rw_buf_slice(&l.text)), RECORDS);
	assert_false(w.pending);
	assert_int_equal(w.records, RECORDS);
	assert_int_equal(w.first, 1);
	rw_buf_free(&l.text);
}

/* The format is a contract with auditors' scripts: said here once more, digit for digit. */
static void the_link_is_the_digest_of_the_line_before(void **state)
{
	static const char want[] = "{\"a\":1,\"seq\":1,\"prev\":"
				   "\"00000000000000000000000000000000000000000000000000000"
				   "00000000000\"}\n"
				   "{\"b\":2,\"seq\":2,\"prev\":"
				   "\"a7cd666700dccad97f225e7f9accb9ca27c087a5d977db08e3a63"
				   "ed87c106495\"}\n";
	struct rw_chain c = {0};
	struct rw_buf b = {0};

	(void)state;
	assert_int_equal(rw_chain_add(&c, RW_SLICE("{\"a\":1}\n"), &b), RW_OK);
	assert_int_equal(rw_chain_add(&c, RW_SLICE("{\"b\":2}\n"), &b), RW_OK);
	assert_int_equal(rw_buf_add(&b, "", 1), RW_OK);
	assert_string_equal(b.p, want);
	rw_buf_free(&b);
}

/* One bit anywhere, in a record, a link or a newline; but for the last line, which a head binds. */
static void every_flipped_bit_is_found(void **state)
{
	struct rw_walk w;
	struct log l;

	(void)state;
	make(&l);
	for (size_t i = l.at[0]; i < l.at[RECORDS - 1]; i++) {
		unsigned line = 0;

		while (l.at[line + 1] <= i)
			line++;
		for (unsigned bit = 0; bit < 8; bit++) {
			l.text.p[i] ^= (char)(1U << bit);
			walk(&w, rw_buf_slice(&l.text));
			assert_true(w.pending || w.first != 1);
			if (w.pending) /* the line itself, or the one that does not link to it */
				assert_in_range(w.fault_line, line + 1, line + 2);
			l.text.p[i] ^= (char)(1U << bit);
		}
	}
	/* The last line is bound by its digest, which the head has. */
	walk(&w, rw_buf_slice(&l.text));
	for (size_t i = l.at[RECORDS - 1]; i < l.at[RECORDS]; i++) {
		struct rw_walk changed;

		l.text.p[i] ^= 1;
		walk(&changed, rw_buf_slice(&l.text));
		assert_true(changed.pending ||
			    memcmp(changed.at.digest, w.at.digest, sizeof(w.at.digest)) != 0);
		l.text.p[i] ^= 1;
	}
	rw_buf_free(&l.text);
}

static struct rw_slice line_of(const struct log *l, unsigned i)
{
	return rw_slice_of(l->text.p + l->at[i], l->at[i + 1] - l->at[i]);
}

static void deleted_inserted_and_swapped_lines_are_found(void **state)
{
	struct rw_walk w;
	struct log l;

	(void)state;
	make(&l);
	for (unsigned i = 1; i + 1 < RECORDS; i++) {
		/* order: which lines, in which order, stand in the place of i and i + 1 */
		static const int orders[][3] = {{1, -1, -1}, {0, 0, 1}, {1, 0, -1}, {0, 1, 0}};

		for (unsigned o = 0; o < sizeof(orders) / sizeof(orders[0]); o++) {
			struct rw_buf b = {0};

			for (unsigned j = 0; j < i; j++)
				rw_buf_add_slice(&b, line_of(&l, j));
			for (unsigned k = 0; k < 3 && orders[o][k] >= 0; k++)
				rw_buf_add_slice(&b, line_of(&l, i + (unsigned)orders[o][k]));
			for (unsigned j = i + 2; j < RECORDS; j++)
				rw_buf_add_slice(&b, line_of(&l, j));
			walk(&w, rw_buf_slice(&b));
			assert_true(w.pending);
			assert_in_range(w.fault_line, i + 1, i + 3);
			assert_int_equal(w.fault, RW_WALK_SEQ);
			rw_buf_free(&b);
		}
	}
	rw_buf_free(&l.text);
}

/* Cut anywhere: what is left tells how far it goes, and a head says that there was more. */
static void a_cut_log_ends_early(void **state)
{
	struct rw_walk w;
	struct log l;

	(void)state;
	make(&l);
	for (size_t n = 0; n < l.text.len; n++) {
		uint64_t whole = 0;

		while (whole < RECORDS &&
		       l.at[whole + 1] - 1 <= n) /* a newline that is missing misses nothing */
			whole++;
		assert_int_equal(walk(&w, rw_slice_of(l.text.p, n)), whole);
		assert_int_equal(w.pending, n > l.at[whole] && whole < RECORDS);
	}
	rw_buf_free(&l.text);
}

static void add_account(struct rw_chain *c, struct rw_buf *out, uint64_t bytes,
			const unsigned char *sum)
{
	char stray[RW_CHAIN_STRAY], line[RW_CHAIN_STRAY + 64];
	int n;

	rw_chain_stray(bytes, sum, stray);
	n = snprintf(line, sizeof(line), "{\"time\":\"2026-01-31T23:59:59.999Z\"%s}\n", stray);
	assert_int_equal(rw_chain_add(c, rw_slice_of(line, (size_t)n), out), RW_OK);
}

/* A torn line is accounted for by the record behind it, and then each byte of it is bound, too. */
static void what_is_torn_is_bound_by_the_record_behind_it(void **state)
{
	static const char torn[] = "{\"n\":3,\"model\":\nx\n\n{\"half";
	struct rw_chain c = {0};
	struct rw_buf b = {0};
	unsigned char sum[RW_CHAIN_DIGEST];
	struct rw_walk w;
	size_t at, end;

	(void)state;
	rw_chain_digest(RW_SLICE(torn), sum);
	assert_int_equal(rw_chain_add(&c, RW_SLICE("{\"a\":1}\n"), &b), RW_OK);
	at = b.len;
	assert_int_equal(rw_buf_addf(&b, "%s\n", torn), RW_OK);
	end = b.len;
	add_account(&c, &b, sizeof(torn) - 1, sum);
	assert_int_equal(rw_chain_add(&c, RW_SLICE("{\"b\":1}\n"), &b), RW_OK);
	assert_int_equal(walk(&w, rw_buf_slice(&b)), 3);
	assert_false(w.pending);
	assert_int_equal(w.strays, 1);
	assert_int_equal(w.stray_bytes, sizeof(torn) - 1);
	for (size_t i = at; i < end; i++) {
		b.p[i] ^= 1;
		walk(&w, rw_buf_slice(&b));
		assert_true(w.pending);
		assert_int_equal(w.fault_line, 2);
		b.p[i] ^= 1;
	}
	rw_buf_free(&b);
}

/* Somebody who forges an account for lines that he put in has to forge a link, too. */
static void an_account_without_its_link_is_none(void **state)
{
	struct rw_chain c = {0}, forged;
	struct rw_buf b = {0}, f = {0};
	unsigned char sum[RW_CHAIN_DIGEST];
	struct rw_walk w;

	(void)state;
	assert_int_equal(rw_chain_add(&c, RW_SLICE("{\"a\":1}\n"), &b), RW_OK);
	forged = c;
	assert_int_equal(rw_buf_add_str(&f, "{\"b\":\"put in\"}\n"), RW_OK);
	rw_chain_digest(RW_SLICE("{\"b\":\"put in\"}"), sum);
	add_account(&forged, &f, 14, sum);
	assert_int_equal(rw_chain_add(&c, RW_SLICE("{\"b\":1}\n"), &f), RW_OK);
	assert_int_equal(rw_buf_add_slice(&b, rw_buf_slice(&f)), RW_OK);
	walk(&w, rw_buf_slice(&b));
	assert_true(w.pending);
	assert_int_equal(w.fault_line, 4); /* the true record, of the same number */
	rw_buf_free(&b);
	rw_buf_free(&f);
}

/* A full disk cut a record, which the next file has whole: as rotation leaves it. */
static void a_record_cut_at_the_end_of_a_file_is_whole_in_the_next(void **state)
{
	struct log l;

	(void)state;
	make(&l);
	for (size_t cut = 0; cut <= l.at[6] - l.at[5]; cut++) {
		struct rw_walk w = {0};

		for (unsigned i = 0; i < 5; i++)
			rw_walk_line(&w, rw_slice_of(line_of(&l, i).p, line_of(&l, i).n - 1), true);
		if (cut)
			rw_walk_cut(&w, rw_slice_of(l.text.p + l.at[5],
						    cut < line_of(&l, 5).n ? cut : cut - 1));
		w.file = 1;
		for (unsigned i = 5; i < RECORDS; i++)
			rw_walk_line(&w, rw_slice_of(line_of(&l, i).p, line_of(&l, i).n - 1), true);
		assert_false(rw_walk_end(&w));
		assert_int_equal(w.at.seq, RECORDS);
		rw_walk_free(&w);
	}
	rw_buf_free(&l.text);
}

static bool reads(const char *pattern, char line[256], uint64_t *seq)
{
	unsigned char prev[RW_CHAIN_DIGEST];
	size_t n = 0;

	for (; *pattern; pattern++) {
		size_t digits = *pattern == '#' ? 64 : *pattern == '~' ? 63 : 0;

		if (digits)
			memset(line + n, 'b', digits);
		else
			line[n] = *pattern;
		n += digits ? digits : 1;
	}
	line[n] = '\0';
	return rw_chain_read(rw_slice_of(line, n), seq, prev);
}

static void what_is_no_link_is_none(void **state)
{
	/* # stands for 64 digits, ~ for 63 */
	static const char *const bad[] = {
		"{\"a\":1,\"seq\":1,\"prev\":\"~\"}",
		"{\"a\":1,\"seq\":1,\"prev\":\"A~\"}",
		"{\"a\":1,\"seq\":01,\"prev\":\"#\"}",
		"{\"a\":1,\"seq\":0,\"prev\":\"#\"}",
		"{\"a\":1,\"seq\":,\"prev\":\"#\"}",
		"{\"a\":1,\"seq\":-1,\"prev\":\"#\"}",
		"{\"a\":1,\"seq\":18446744073709551616,\"prev\":\"#\"}",
		"{\"a\":1,\"seq\":99999999999999999999,\"prev\":\"#\"}",
		"{\"a\":1,\"seq\":111111111111111111111,\"prev\":\"#\"}",
		"{\"a\":1,\"sq\":1,\"prev\":\"#\"}",
		"{\"a\":1,\"seq\":1, \"prev\":\"#\"}",
		"{\"a\":1,\"seq\":1,\"prev\":\"#\"} ",
		" {\"a\":1,\"seq\":1,\"prev\":\"#\"}",
		"\"seq\":1,\"prev\":\"#\"}",
		"",
		"{}",
	};
	char line[256];
	uint64_t seq;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (reads(bad[i], line, &seq))
			fail_msg("taken: %s", line);
	assert_true(reads("{\"a\":1,\"seq\":18446744073709551615,\"prev\":\"#\"}", line, &seq));
	assert_true(seq == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_log_is_whole),
		cmocka_unit_test(the_link_is_the_digest_of_the_line_before),
		cmocka_unit_test(every_flipped_bit_is_found),
		cmocka_unit_test(deleted_inserted_and_swapped_lines_are_found),
		cmocka_unit_test(a_cut_log_ends_early),
		cmocka_unit_test(what_is_torn_is_bound_by_the_record_behind_it),
		cmocka_unit_test(an_account_without_its_link_is_none),
		cmocka_unit_test(a_record_cut_at_the_end_of_a_file_is_whole_in_the_next),
		cmocka_unit_test(what_is_no_link_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
