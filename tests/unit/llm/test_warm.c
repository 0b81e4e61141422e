/* SPDX-License-Identifier: Apache-2.0 */
/* A stream that is warm allocates nothing, whatever its lanes hold, mask and rewrite. */
#include "guarded.h"

enum { EVENTS = 1000 };

static unsigned long allocated;

#ifndef RW_SANITIZE
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): stdlib.h's are reserved */
void *malloc(size_t n)
{
	allocated++;
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	allocated++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	allocated++;
	return __libc_realloc(p, n);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
#endif

/* Feeds events of the text again and again in pieces of some bytes, none within an escape. */
static void feed(struct rw_answer_stream *st, const char *delta, const char *end, const char *text,
		 size_t *at, struct rw_buf *event, struct rw_buf *out)
{
	size_t n = strlen(text);

	for (unsigned i = 0; i < EVENTS; i++) {
		char last = 0;

		rw_buf_reset(event);
		rw_buf_addf(event, "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{%s",
			    delta);
		for (unsigned k = 0; k < 5 || last == '\\'; k++) {
			last = text[(*at)++ % n];
			rw_buf_add(event, &last, 1);
		}
		rw_buf_addf(event, "%s}}]}\n\n", end);
		assert_int_equal(rw_answer_stream_feed(st, rw_buf_slice(event), out), RW_OK);
		rw_buf_reset(out);
	}
}

static void a_warm_stream_allocates_nothing(void **state)
{
	static const struct {
		const char *delta, *end, *text;
	} table[] = {
		{"\"content\":\"", "\"",
		 "The quick brown fox jumps over the lazy dog, and thinks about it. "},
		{"\"content\":\"", "\"",
		 "Write to jane.doe@example.com or +1 415 555 0132; card 4111 1111 1111 1111. "},
		{"\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"", "\"}}]",
		 "{\\\"to\\\": \\\"jane.doe@example.com\\\", \\\"n\\\": 4111111111111111}, "},
	};
	struct rw_guard guard = masking;
	struct rw_buf event = {0}, out = {0};
	struct rw_answer_stream *st;
	unsigned long before;

	(void)state;
	guard.action[RW_CAT_INJECTION] = RW_ACT_FLAG;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t at = 0;

		st = rw_answer_stream_new(scanner, rules, &guard);
		assert_non_null(st);
		feed(st, table[i].delta, table[i].end, table[i].text, &at, &event, &out);
		before = allocated;
		feed(st, table[i].delta, table[i].end, table[i].text, &at, &event, &out);
		assert_int_equal(allocated, before);
		rw_answer_stream_free(st);
	}
	rw_buf_free(&event);
	rw_buf_free(&out);
#ifndef RW_SANITIZE
	assert_int_not_equal(allocated, 0); /* they are counted */
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_warm_stream_allocates_nothing),
	};

	return cmocka_run_group_tests(tests, load_rules, unload_rules);
}
