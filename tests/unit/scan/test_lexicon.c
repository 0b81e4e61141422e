/* SPDX-License-Identifier: Apache-2.0 */
/* The table of words against a search that looks everywhere; what patterns cannot do without. */
#include "scan_test.h"
#include "scan/factor.h"
#include "scan/lexicon.h"
#include "scan/ngram.h"

#include <stdlib.h>

static const struct rw_lexicon_entry entries[] = {
	{"ignore", 6, 0, false},
	{"ignore all", 10, 1, false},
	{"igno", 4, 2, true},
	{"system prompt", 13, 3, false},
	{"sys_", 4, 4, false},
	{"\xd0\xb7\xd0\xb0\xd0\xb1", 6, 5, true},
	{"aaaa", 4, 6, false},
	{"aaaaaa", 6, 7, false},
	{"a-b-c-d", 7, 8, true},
	{"all", 3, 9, false},
	{"a", 1, 10, false},
	{"<|", 2, 11, true},
	{"-----", 5, 12, false},
	{"all:", 4, 13, false},
	{"\xeb\x84\xa4", 3, 14, true},
	{"sys", 3, 15, false},
	{"</system>", 9, 16, false},
	{"all-1", 5, 17, false},
	{"all-2", 5, 18, true},
	{"all-3", 5, 19, false},
	{"all-4", 5, 20, false},
	{"all-5", 5, 21, true},
	{"all-6", 5, 22, false},
	{"all-7", 5, 23, false},
	{"all-8", 5, 24, false},
	{"igno1", 5, 25, false},
	{"igno2", 5, 26, false},
	{"igno3", 5, 27, true},
	{"igno4", 5, 28, false},
	{"igno5", 5, 29, false},
	{"system prompt all-8 -----", 25, 30, false},
	{"all-8 ---", 9, 31, true},
};
enum { N = sizeof(entries) / sizeof(entries[0]), TEXT = 300 };

struct log {
	uint32_t id[4096];
	size_t start[4096];
	unsigned n;
};

static void note(void *arg, const struct rw_lexicon_hit *hits, unsigned n)
{
	struct log *l = arg;

	for (unsigned i = 0; i < n; i++) {
		l->id[l->n] = hits[i].id;
		l->start[l->n++] = hits[i].start;
	}
}

static bool starts_at(struct rw_slice t, size_t i, const struct rw_lexicon_entry *e)
{
	unsigned char c = (unsigned char)t.p[i];
	bool word = rw_is_word_byte(c), whole = e->n < RW_LEXICON_BYTES_MIN;
	bool begins = word ? i == 0 || !rw_is_word_byte((unsigned char)t.p[i - 1])
			   : c >= 0xc0 || c == '<' || c == '[' || i + 1 == t.n || t.p[i + 1] != ' ';

	for (uint32_t k = 0; k < e->n; k++)
		whole &= rw_is_word_byte((unsigned char)e->text[k]);
	if (whole && i + e->n < t.n && rw_is_word_byte((unsigned char)t.p[i + e->n]))
		return false;
	return begins && i + e->n <= t.n && !memcmp(t.p + i, e->text, e->n);
}

/* Against all that stands in the text: where extra entries are asked for, none is missing, others
 * never are, and nothing else is told. How many were left out. */
static unsigned check_cells(const struct rw_lexicon *w, struct rw_slice t, const struct log *all,
			    uint64_t cells)
{
	static struct log some;
	unsigned at = 0;

	some.n = 0;
	rw_lexicon_find(w, t, &cells, note, &some);
	for (unsigned i = 0; i < all->n; i++) {
		bool is = at < some.n && some.id[at] == all->id[i] &&
			  some.start[at] == all->start[i];

		assert_true(is || (entries[all->id[i]].extra &&
				   !(cells >> all->start[i] / RW_LEXICON_CELL_BYTES & 1)));
		at += is;
	}
	assert_int_equal(at, some.n);
	return all->n - at;
}

/* Words at each place of a block of 64, at the end of the text, one in the other. */
static void words_are_found_wherever_they_begin(void **state)
{
	static const char *const bits[] = {"ignore",
					   " ",
					   "all",
					   "ignore all",
					   "sys",
					   "_",
					   "system prompt",
					   "\xd0\xb7\xd0\xb0\xd0\xb1",
					   "aaaa",
					   "a",
					   "-",
					   "a-b-c-d",
					   "\x80",
					   "<|",
					   "-----",
					   "</system>",
					   ":",
					   "[",
					   "\xeb\x84\xa4",
					   "all-",
					   "igno",
					   "1",
					   "5",
					   "8",
					   "system prompt all-8 -----"};
	struct rw_lexicon *w = rw_lexicon_new(entries, N);
	static struct log log;
	unsigned seed = 7, found = 0, left_out = 0;

	(void)state;
	assert_non_null(w);
	for (unsigned round = 0; round < 4000; round++) {
		char text[TEXT + 16];
		size_t n = 0, want = (seed = seed * 1103515245 + 12345) >> 16 & 255;
		unsigned k = 0;
		struct rw_slice t;

		while (n < want) {
			const char *b = bits[((seed = seed * 1103515245 + 12345) >> 16) %
					     (sizeof(bits) / sizeof(bits[0]))];

			memcpy(text + n, b, strlen(b));
			n += strlen(b);
		}
		/* On the heap, so that a byte too far is seen. */
		t.p = memcpy(malloc(n + 1), text, n);
		t.n = n;
		log.n = 0;
		rw_lexicon_find(w, t, NULL, note, &log);
		for (size_t i = 0; i < n; i++)
			for (unsigned e = 0; e < N; e++)
				k += !entries[e].extra && starts_at(t, i, &entries[e]);
		assert_int_equal(log.n, k);
		log.n = k = 0;
		rw_lexicon_find(w, t, rw_lexicon_everywhere, note, &log);
		for (size_t i = 0; i < n; i++)
			for (unsigned e = 0; e < N; e++)
				k += starts_at(t, i, &entries[e]);
		assert_int_equal(log.n, k);
		left_out += check_cells(w, t, &log, (uint64_t)seed * RW_MIX_A);
		for (unsigned i = 0; i < log.n; i++) {
			assert_true(starts_at(t, log.start[i], &entries[log.id[i]]));
			assert_true(!i || log.start[i - 1] <= log.start[i]);
		}
		found += k;
		free((void *)(uintptr_t)t.p);
	}
	assert_true(found > 10000 && left_out > 1000);
	rw_lexicon_free(w);
}

/* The sets as text: "a|b" for each, "^" and "$" for boundaries, "<n" for the reach. */
static const char *told(const char *pattern, char out[1024])
{
	struct rw_arena a;
	struct rw_factors f;
	size_t n = 0;

	rw_arena_init(&a, 0);
	out[0] = '\0';
	if (!rw_factors_of(pattern, &a, &f)) {
		rw_arena_free(&a);
		return "not understood";
	}
	for (unsigned i = 0; i < f.n; i++) {
		n += (size_t)snprintf(out + n, 1024 - n, "%s%u%s", i ? " " : "", f.sets[i]->reach,
				      f.sets[i]->begins ? "^" : ":");
		for (unsigned k = 0; k < f.sets[i]->n; k++)
			n += (size_t)snprintf(out + n, 1024 - n, "%s%.*s", k ? "|" : "",
					      (int)f.sets[i]->at[k].n, f.sets[i]->at[k].text);
		n += (size_t)snprintf(out + n, 1024 - n, "%s", f.sets[i]->ends ? "$" : "");
	}
	rw_arena_free(&a);
	return out;
}

static const struct {
	const char *pattern, *sets;
} patterns[] = {
	{"abc", "3:abc"},
	{"\\babc\\b", "3^abc$"},
	{"a(?:b|c)d?e", "4:abde|abe|acde|ace"},
	{"ab{2}c", "4:abbc"},
	{"ab{1,2}c", "1:a 2:b 3:c"},	  /* one b is certain, its end is not */
	{"abc.{0,9}def", "3:abc 12:def"}, /* 9 and the word itself */
	{"abc.*def", "3:abc 524288:def"},
	{"abc(?:x{0,3}|yy)def", "3:abc 6:def"},
	{"abc|def", "3:abc|def"},
	{"(?:abc|\\w{3}) xy", "6: xy"}, /* a way without a word: no set */
	{"(?:abc\\d|xyz)\\w", "4:abc|xyz"},
	{"[ab]c[^x]d", "2:ac|bc 2:d"},
	{"[a-z]bc", "3:bc"},
	{"(?i)ABC", "3:abc"},
	{"a\\.b\\\\c\\n", "6:a.b\\c\n"},
	{"ab(?=c)d(?<!x)e", "4:abde"},
	{"a{,3}", "5:a{,3}"},
	{"(?:system|root) (?:mode)\\b.{0,4}x", "11:system mode|root mode$ 5:x"},
	{"[a-z]{2} (?:foo)", "6: foo"},
	{"\\b(?:abc|d.efg)[xy]{2}", "5:abc|efg 7:xx|xy|yx|yy"}, /* efg begins nothing */
	{"(?:\\babc|\\bd.)e", "3^abc|d 4:e"},
	{"[a-z]{2}[ -]{1,2}foo", "4: |- 5^foo"}, /* behind what is of no word */
	{"[a-z]{2}[ -]{0,2}foo", "7:foo"},	 /* or is not there */
	{"\\b(?:[a-z]{2} ){0,3}foo", "12^foo"},
	{"\\b(?:[a-z]{2}){0,3}foo", "9:foo"},
	{"\\b(?:ab){2,3}c", "6:ab 7:c"},
	{"(a)\\1", "not understood"},
	{"\\x41", "not understood"},
	{"(?>a)", "not understood"},
	{"[[:alpha:]]", "not understood"},
	{"a)b", "not understood"},
};

static void a_table_holds_what_it_can_find(void **state)
{
	static const struct {
		const char *text;
		bool held;
	} table[] = {{"a", true},
		     {"all", true},
		     {"ignore", true},
		     {"a b", true},
		     {"<|", true},
		     {"<", false},
		     {"- a", false},
		     {"", false},
		     {" ab", false},
		     {"\xd0\xb7", false},
		     {"\xd0\xb7"
		      "i",
		      true},
		     {"\x80xyz", false},
		     {"\x7f\x7f", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(rw_lexicon_holds(table[i].text, strlen(table[i].text)),
				 table[i].held);
}

static void sets_are_what_a_pattern_cannot_do_without(void **state)
{
	char out[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		assert_string_equal(told(patterns[i].pattern, out), patterns[i].sets);
}

static void bytes_that_must_be_there_are_counted(void **state)
{
	static const struct {
		const char *pattern;
		uint8_t need[RW_COUNTS]; /* digits @ : . upper - all, side by side: digits, in
					    groups, letters and digits, these over spaces */
	} table[] = {
		{"[0-9]{3}-[0-9]{2}-[0-9]{4}", {9, 0, 0, 0, 0, 2, 11, 4, 9, 4, 4}},
		{"\\b[A-Z]{2}\\d{2}(?:[0-9]{4}|x)?", {2, 0, 0, 0, 2, 0, 4, 2, 2, 4, 4}},
		{"(?:[0-9]{4}|[0-9]{2}:[0-9]{2}:)", {4, 0, 0, 0, 0, 0, 4, 2, 2, 2, 2}},
		{"[a-z0-9]+@[a-z]+(?:\\.[a-z]{2}){1,8}", {0, 1, 0, 1, 0, 0, 6, 0, 0, 2, 2}},
		{"(?i)[A-Z]{9}", {0, 0, 0, 0, 0, 0, 9, 0, 0, 9, 9}},
		{"[0-9]{500}", {127, 0, 0, 0, 0, 0, 127, 127, 127, 127, 127}},
		{"(?:[0-9]{2}[ .]){3}[0-9]{2}", {8, 0, 0, 0, 0, 0, 11, 2, 8, 2, 2}},
		{"[0-9]{2}[a-f]?[0-9]{3}", {5, 0, 0, 0, 0, 0, 5, 3, 3, 5, 5}},
		{"[0-9]{2} ?[0-9]{3}", {5, 0, 0, 0, 0, 0, 5, 3, 5, 3, 5}},
	};
	struct rw_factors f;
	struct rw_arena a;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		rw_arena_init(&a, 0);
		assert_true(rw_factors_of(table[i].pattern, &a, &f));
		assert_memory_equal(f.need, table[i].need, RW_COUNTS);
		rw_arena_free(&a);
	}
}

static void see(const char *run, struct rw_shape_seen *out)
{
	rw_shape_see(rw_slice_str(run), strlen(run), out);
}

/* A pattern's shape fits wherever the pattern matches, and not every number. */
static void a_shape_fits_what_matches(void **state)
{
	static const struct {
		const char *pattern, *fits, *not;
	} table[] = {
		{"\\b[1-6][0-9]{5}", "a-123456", "0123456"},
		{"[1-6][0-9]{5}", "a0123456", "12345 6"},
		{"\\b[A-Z]{2}[0-9]{2}(?:[ -][A-Z0-9]{4}){2}", "GB12 ABCD 1234", "gb12 abcd 1234"},
		{"(?:\\b|=)[0-9]{6}", "x=123456", "x=12345"},
		{"0[0-9](?:[ .-][0-9]{2}){4}", "01 23.45-67 89", "01 23.45x67 89"},
	};
	struct rw_shape_seen seen;
	struct rw_factors f;
	struct rw_arena a;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct rw_shape s = {.at_word = false};

		rw_arena_init(&a, 0);
		assert_true(rw_factors_of(table[i].pattern, &a, &f));
		memcpy(s.least, f.need, sizeof(f.need));
		s.first = f.first;
		s.at_word = f.bounded;
		see(table[i].fits, &seen);
		assert_true(rw_shape_fits(&s, &seen));
		see(table[i].not, &seen);
		assert_false(rw_shape_fits(&s, &seen));
		rw_arena_free(&a);
	}
}

/* Asked about many shapes at once, a run fits those that it fits one by one, in a full step and
 * behind it. */
static void many_shapes_fit_as_each_does(void **state)
{
	enum { SHAPES = RW_SHAPES_STEP + 3 };
	static const char *const runs[] = {
		"12345678", "AB-12", "a", "2026-01-02T03:15:30Z",
		"1234567890123456789012345678901234567890123456789012345678901234567890"};
	struct rw_shapes shapes = {.at = calloc(SHAPES, sizeof(struct rw_shape)), .n = SHAPES};
	struct rw_shape_seen seen;

	(void)state;
	assert_non_null(shapes.at);
	for (unsigned i = 0; i < SHAPES; i++) {
		shapes.at[i].least[RW_COUNT_DIGIT] = (uint8_t)(SHAPES - i);
		shapes.at[i].least[RW_COUNT_UPPER] = i % 2;
		rw_byte_set_put_range(&shapes.at[i].first, '0', i % 3 ? '9' : '1');
	}
	assert_int_equal(rw_shapes_close(&shapes), RW_OK);
	for (size_t k = 0; k < sizeof(runs) / sizeof(runs[0]); k++) {
		see(runs[k], &seen);
		for (unsigned i = 0; i < SHAPES; i++) {
			unsigned from = i / RW_SHAPES_STEP * RW_SHAPES_STEP;
			uint64_t fit = rw_shapes_fit(&shapes, from, &seen);

			assert_int_equal(fit >> i % RW_SHAPES_STEP & 1,
					 rw_shape_fits(&shapes.at[i], &seen));
			for (unsigned level = 1; level <= rw_level_here(); level++)
				assert_int_equal(
					rw_shapes_reach_at[level](&shapes, from, seen.counts),
					rw_shapes_reach_at[0](&shapes, from, seen.counts));
		}
		assert_int_equal(rw_shapes_fit(&shapes, RW_SHAPES_STEP, &seen) >> 3, 0);
	}
	rw_shapes_free(&shapes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_found_wherever_they_begin),
		cmocka_unit_test(a_table_holds_what_it_can_find),
		cmocka_unit_test(sets_are_what_a_pattern_cannot_do_without),
		cmocka_unit_test(bytes_that_must_be_there_are_counted),
		cmocka_unit_test(a_shape_fits_what_matches),
		cmocka_unit_test(many_shapes_fit_as_each_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
