/* SPDX-License-Identifier: Apache-2.0 */
/* What a request passes before a byte of it leaves, and in which order. */
#include "world.h"

static unsigned raw_ask(struct world *w, const char *text)
{
	rw_buf_reset(&w->c.got);
	say(w, "%s", text);
	run_until(w, answered(w));
	run_for(w, 20 * MS);
	return status_of(w);
}

static unsigned get(struct world *w, const char *method, const char *path)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "%s %s HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer %s\r\n\r\n", method, path,
		 w->key);
	return raw_ask(w, text);
}

/* Another spelling of a path must not reach the upstream around the guards. */
static void other_spellings_of_a_path_are_not_served(void **state)
{
	static const char *const spellings[] = {
		"/v1/chat/completions/",   "//v1/chat/completions",	 "/v1//chat/completions",
		"/v1/chat%2fcompletions",  "/v1/./chat/completions",	 "/V1/chat/completions",
		"/v1/chat/completions;x",  "/v1/x/../chat/completions",	 "/chat/completions",
		"/v1/chat/completions%20", "/v1/chat/completions%3fa=b",
	};
	struct world w;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	w.up.answer = JSON_OK("x");
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
		assert_int_equal(get(&w, "POST", spellings[i]), 404);
	assert_int_equal(get(&w, "POST", "http://gw/v1/embeddings"), 404);
	assert_int_equal(w.up.conns, 0);
	world_end(&w);
}

/* Load balancers probe with HEAD (RFC 9110 9.3.2: as GET, without a body). */
static void head_is_served_where_get_is_and_other_methods_are_told(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	assert_int_equal(
		raw_ask(&w, "HEAD /healthz HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n"),
		200);
	run_until(&w, w.c.closed);
	assert_string_equal(strstr(text_of(&w.c.got), "\r\n\r\n"), "\r\n\r\n");
	assert_int_equal(get(&w, "OPTIONS", "/v1/chat/completions"), 405);
	assert_true(has(&w.c.got, "allow: POST\r\n"));
	assert_int_equal(get(&w, "DELETE", "/v1/models"), 405);
	assert_true(has(&w.c.got, "allow: GET, HEAD\r\n"));
	world_end(&w);
}

/* Each refusal leaves an audit record: a stranger must not fill the disk at line rate. */
static void refusals_of_strangers_are_limited_by_address(void **state)
{
	static const char *const asks[] = {
		"GET /nowhere HTTP/1.1\r\nHost: gw\r\n\r\n",
		"DELETE /v1/models HTTP/1.1\r\nHost: gw\r\n\r\n",
		CHAT "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
		CHAT "Content-Length: 0\r\n\r\n",
	};
	struct world w;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "limits: {address_rate: {per_minute: 1, burst: 2}}\n");
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++)
		if (raw_ask(&w, asks[i]) != 429)
			assert_in_range(i, 0, 1);
	assert_int_equal(atomic_load(&w.w->metrics.refused_rate_total), 2);
	assert_int_equal(raw_ask(&w, "GET /healthz HTTP/1.1\r\nHost: gw\r\n\r\n"), 200);
	world_end(&w);
}

/* A stranger learns nothing about what is taken, and makes us hold nothing. */
static void key_is_asked_for_before_the_body_is_looked_at(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	assert_int_equal(raw_ask(&w, CHAT "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"),
			 401);
	assert_int_equal(raw_ask(&w, CHAT "Content-Length: 999999999999\r\n\r\n"), 401);
	run_until(&w, w.c.closed);
	assert_int_equal(ask(&w, "Content-Encoding: gzip\r\n", "hi"), 415);
	assert_int_equal(w.up.conns, 0);
	world_end(&w);
}

/* Documented: "a wrong key is refused either way". A revoked key must not become anonymous. */
static void wrong_key_is_refused_also_where_keys_are_optional(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "auth: {keys: optional}\n");
	assert_int_equal(raw_ask(&w, "GET /v1/models HTTP/1.1\r\nHost: gw\r\n\r\n"), 200);
	assert_int_equal(raw_ask(&w, "GET /v1/models HTTP/1.1\r\nHost: gw\r\n"
				     "Authorization: Bearer rw-wrong\r\n\r\n"),
			 401);
	assert_true(has(&w.c.got, "invalid_api_key"));
	assert_int_equal(get(&w, "GET", "/v1/models"), 200);
	world_end(&w);
}

/* An upstream that honours charset=utf-7 would read another text than the one we scanned. */
static void body_that_may_be_read_otherwise_is_refused(void **state)
{
	static const struct {
		const char *field;
		unsigned status;
	} cases[] = {
		{"", 200},
		{"Content-Type: application/json\r\n", 200},
		{"Content-Type: Application/JSON ; charset=UTF-8\r\n", 200},
		{"Content-Type: application/json;\r\n", 200},
		{"Content-Type: application/json; charset=utf-7\r\n", 415},
		{"Content-Type: application/json; charset=utf-8; charset=utf-7\r\n", 415},
		{"Content-Type: application/json\r\nContent-Type: text/plain\r\n", 415},
		{"Content-Type: application/x-www-form-urlencoded\r\n", 415},
		{"Content-Type: multipart/form-data; boundary=x\r\n", 415},
		{"Content-Type: application/jsonp\r\n", 415},
		{"Content-Type:\r\n", 415},
	};
	struct world w;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	w.up.answer = JSON_OK("x");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(ask(&w, cases[i].field, "hi"), cases[i].status);
	assert_int_equal(w.up.requests, 4);
	world_end(&w);
}

/* A category set to allow costs nothing and is told nowhere; the others still count. */
static void allowed_category_is_neither_masked_nor_told(void **state)
{
	static const char text[] = "mail jane.doe@example.com, "
				   "key 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";
	struct world w;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "guards: {request: {pii: allow}}\n");
	w.up.answer = JSON_OK("fine");
	assert_int_equal(ask(&w, "", text), 200);
	assert_true(has(&w.up.got, "jane.doe@example.com"));
	assert_false(has(&w.up.got, "ghp_"));
	assert_false(has(&w.c.got, "pii."));
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_spellings_of_a_path_are_not_served),
		cmocka_unit_test(head_is_served_where_get_is_and_other_methods_are_told),
		cmocka_unit_test(refusals_of_strangers_are_limited_by_address),
		cmocka_unit_test(key_is_asked_for_before_the_body_is_looked_at),
		cmocka_unit_test(wrong_key_is_refused_also_where_keys_are_optional),
		cmocka_unit_test(body_that_may_be_read_otherwise_is_refused),
		cmocka_unit_test(allowed_category_is_neither_masked_nor_told),
	};

	return cmocka_run_group_tests(tests, load_rules, drop_rules);
}
