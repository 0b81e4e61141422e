/* SPDX-License-Identifier: Apache-2.0 */
/* Every refusal, as its caller's SDK will see it. */
#include "world.h"

#include <yyjson.h>

#include "gate/request.h"

/* A listener whose every request is refused as the test says. */
static struct {
	struct world w;
	struct rw_http_server *server;
	enum rw_refusal kind;
	const char *detail;
	uint64_t retry_ns;
} t;

static void on_request(void *user, struct rw_exchange *x, const struct rw_h1_head *h)
{
	struct rw_request *r = rw_request_new(user, x);

	(void)h;
	assert_non_null(r);
	rw_exchange_set_user(x, r);
	r->endpoint = RW_EP_CHAT;
	rw_refuse(r, t.kind, t.detail, t.retry_ns);
}

static void on_done(void *xuser, struct rw_exchange *x, bool completed)
{
	(void)x;
	rw_request_settle(xuser, completed);
}

static void on_bytes(void *xuser, struct rw_exchange *x, const char *data, size_t n)
{
	(void)xuser, (void)x, (void)data, (void)n;
}

static void on_event(void *xuser, struct rw_exchange *x)
{
	(void)xuser, (void)x;
}

static void on_bad(void *user, const struct rw_addr *peer, enum rw_http_bad kind,
		   const struct rw_error *why)
{
	(void)user, (void)peer, (void)kind, (void)why;
}

static void begin(void)
{
	static const struct rw_http_handler h = {.on_request = on_request,
						 .on_body = on_bytes,
						 .on_body_end = on_event,
						 .on_drain = on_event,
						 .on_done = on_done,
						 .on_bad = on_bad};
	static const struct rw_http_server_config sc;
	struct rw_error e = {0};
	struct rw_addr at;

	memset(&t, 0, sizeof(t));
	world_begin(&t.w, ONE_UPSTREAM, "");
	rw_http_server_free(t.w.w->servers[0]);
	t.w.w->servers[0] = NULL;
	run_for(&t.w, MS);
	t.server = rw_http_server_new(t.w.near, &sc, NULL, &h, t.w.w);
	assert_int_equal(rw_addr_parse("127.0.0.1:8443", &at, &e), RW_OK);
	if (rw_http_server_listen(t.server, &at, &e))
		fail_msg("%s", e.text);
}

static void end(void)
{
	rw_http_server_free(t.server);
	world_end(&t.w);
}

static void refuse(enum rw_refusal kind, const char *detail, uint64_t retry_ns)
{
	t.kind = kind;
	t.detail = detail;
	t.retry_ns = retry_ns;
	rw_buf_reset(&t.w.c.got);
	say(&t.w, "GET / HTTP/1.1\r\nHost: gw\r\n\r\n");
	run_until(&t.w, answered(&t.w));
	run_for(&t.w, MS);
}

/* The value of a field of the answer, or NULL; the next call ends its life. */
static const char *field(const char *name)
{
	static char value[256];
	char start[64];
	const char *p;

	snprintf(start, sizeof(start), "\r\n%s: ", name);
	p = strcasestr(text_of(&t.w.c.got), start);
	if (!p)
		return NULL;
	p += strlen(start);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(p, "\r"), p);
	return value;
}

static void check_shape(const char *body)
{
	yyjson_doc *doc = yyjson_read(body, strlen(body), 0);
	yyjson_val *error = yyjson_obj_get(yyjson_doc_get_root(doc), "error");

	assert_int_equal(yyjson_obj_size(yyjson_doc_get_root(doc)), 1);
	assert_int_equal(yyjson_obj_size(error), 4);
	assert_true(yyjson_get_len(yyjson_obj_get(error, "message")) > 20);
	assert_true(yyjson_get_len(yyjson_obj_get(error, "type")) > 0);
	assert_true(yyjson_get_len(yyjson_obj_get(error, "code")) > 0);
	assert_true(yyjson_is_null(yyjson_obj_get(error, "param")));
	yyjson_doc_free(doc);
}

/* SDKs choose the exception by status and read error.message: a kind without a row would be 0. */
static void every_kind_has_status_type_code_and_says_whether_to_retry(void **state)
{
	(void)state;
	begin();
	for (int kind = 0; kind < RW_REFUSALS; kind++) {
		unsigned status, retry;

		refuse((enum rw_refusal)kind, "detail", 0);
		status = status_of(&t.w);
		assert_in_range(status, 400, 599);
		assert_non_null(field("x-ringwall-request-id"));
		assert_string_equal(field("content-type"), "application/json");
		check_shape(strstr(text_of(&t.w.c.got), "\r\n\r\n") + 4);
		retry = field("retry-after") ? (unsigned)strtoul(field("retry-after"), NULL, 10)
					     : 0;
		if (retry)
			assert_null(field("x-should-retry"));
		else
			assert_string_equal(field("x-should-retry"), "false");
		/* A 5xx is retried by SDKs unless told not to: both must have been thought of. */
		assert_in_range(retry, 0, 60);
	}
	assert_int_equal(atomic_load(&t.w.w->metrics.requests_total), RW_REFUSALS);
	end();
}

/* Node's SDK ignores a Retry-After above 60 s, Python's one above 120 s. */
static void retry_after_is_rounded_up_and_never_above_a_minute(void **state)
{
	(void)state;
	begin();
	refuse(RW_REFUSE_RATE_KEY, NULL, 1);
	assert_string_equal(field("retry-after"), "1");
	assert_string_equal(field("retry-after-ms"), "1");
	refuse(RW_REFUSE_RATE_KEY, NULL, 1500 * MS);
	assert_string_equal(field("retry-after"), "2");
	assert_string_equal(field("retry-after-ms"), "1500");
	refuse(RW_REFUSE_RATE_KEY, NULL, 3600 * S);
	assert_string_equal(field("retry-after"), "60");
	assert_string_equal(field("retry-after-ms"), "60000");
	end();
}

/* RFC 9110 15.5.2, 15.5.6: a 401 says how, a 405 what else. */
static void statuses_carry_the_fields_they_must(void **state)
{
	(void)state;
	begin();
	refuse(RW_REFUSE_METHOD, "GET, HEAD", 0);
	assert_int_equal(status_of(&t.w), 405);
	assert_string_equal(field("allow"), "GET, HEAD");
	refuse(RW_REFUSE_NO_KEY, NULL, 0);
	assert_int_equal(status_of(&t.w), 401);
	assert_string_equal(field("www-authenticate"), "Bearer");
	end();
}

/* A message is JSON whatever its detail holds. */
static void detail_cannot_break_the_json(void **state)
{
	(void)state;
	begin();
	refuse(RW_REFUSE_BODY, "a \"quote\", a \\, a \n, \xff", 0);
	check_shape(strstr(text_of(&t.w.c.got), "\r\n\r\n") + 4);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_status_type_code_and_says_whether_to_retry),
		cmocka_unit_test(retry_after_is_rounded_up_and_never_above_a_minute),
		cmocka_unit_test(statuses_carry_the_fields_they_must),
		cmocka_unit_test(detail_cannot_break_the_json),
	};

	return cmocka_run_group_tests(tests, load_rules, drop_rules);
}
