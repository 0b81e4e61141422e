/* SPDX-License-Identifier: Apache-2.0 */
/* What an upstream may answer, and what of it reaches the client. */
#include "world.h"

#define MAIL "jane.doe@example.com"
#define HEAD(status, type) \
	"HTTP/1.1 " status "\r\nContent-Type: " type "\r\nConnection: close\r\n\r\n"
#define EVENT(text) "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\n\n"

static struct world w;

static int begin(void **state)
{
	(void)state;
	world_begin(&w, ONE_UPSTREAM, "limits: {answer: 64KiB}\n");
	return 0;
}

static int end(void **state)
{
	(void)state;
	world_end(&w);
	return 0;
}

static unsigned answer(const char *bytes)
{
	w.up.answer = bytes;
	return ask(&w, "", "hi");
}

static const char *error_code(void)
{
	static char code[64];
	const char *p = strstr(text_of(&w.c.got), "\"code\":\"");

	snprintf(code, sizeof(code), "%.*s", p ? (int)strcspn(p + 8, "\"") : 0, p ? p + 8 : "");
	return code;
}

/* A client that follows carries the prompt, unmasked, to wherever the upstream says. */
static void redirect_is_not_passed_on(void **state)
{
	(void)state;
	assert_int_equal(answer("HTTP/1.1 307 x\r\nLocation: https://elsewhere.test/v1\r\n"
				"Content-Length: 0\r\n\r\n"),
			 502);
	assert_string_equal(error_code(), "upstream_bad_answer");
	assert_false(has(&w.c.got, "elsewhere.test"));
}

/* OpenAI quotes a part of the key that it refuses: the caller must not learn the gateway's. */
static void refusal_of_the_gateways_key_is_not_the_callers(void **state)
{
	char *audit;

	(void)state;
	assert_int_equal(
		answer(HEAD("401 x", "application/json") "{\"error\":\"sk-provider-one\"}"), 502);
	assert_string_equal(error_code(), "upstream_refused_key");
	assert_false(has(&w.c.got, "sk-provider"));
	assert_int_equal(answer(HEAD("403 x", "text/html") "sk-provider-one"), 502);
	assert_false(has(&w.c.got, "sk-provider"));
	audit = audit_text(&w);
	assert_int_equal(count(audit, "upstream_refused_key"), 2);
	assert_int_equal(count(audit, "sk-provider"), 0);
	assert_int_equal(count(audit, w.key), 0);
	free(audit);
}

/* What cannot be read cannot be guarded; only errors may be any text. */
static void success_must_be_readable(void **state)
{
	static const char *const bad[] = {
		HEAD("200 OK", "application/json") "",
		HEAD("200 OK", "text/html") "<html>" MAIL "</html>",
		HEAD("200 OK", "application/x-ndjson") "{}\n{}\n",
		HEAD("201 x", "application/json") "[\"jane.doe\\u0040example.com\"",
		HEAD("206 x", "text/event-stream") EVENT(MAIL),
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n{}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(answer(bad[i]), 502);
		assert_string_equal(error_code(), "upstream_bad_answer");
		assert_false(has(&w.c.got, "example.com"));
	}
	assert_int_equal(answer("HTTP/1.1 204 x\r\n\r\n"), 204);
}

static void error_page_keeps_its_status_and_is_masked(void **state)
{
	(void)state;
	assert_int_equal(answer(HEAD("500 x", "text/html") "<p>ask " MAIL "</p>"), 500);
	assert_true(has(&w.c.got, "<p>ask [EMAIL_ADDRESS]</p>"));
	assert_true(has(&w.c.got, "x-ringwall-verdict: mask\r\n"));
	assert_int_equal(
		answer(HEAD("429 x", "application/json") "{\"error\":{\"message\":\"" MAIL "\"}}"),
		429);
	assert_false(has(&w.c.got, MAIL));
}

/* The guard follows what is answered, not what was asked for. */
static void stream_that_nobody_asked_for_is_guarded(void **state)
{
	(void)state;
	assert_int_equal(answer(HEAD("200 OK", "text/event-stream") EVENT("to jane.doe@exam")
					EVENT("ple.com now") "data: [DONE]\n\n"),
			 200);
	run_until(&w, has(&w.c.got, "[DONE]"));
	assert_false(has(&w.c.got, "jane"));
	assert_true(has(&w.c.got, "[EMAIL_ADDRESS]"));
}

static void what_an_answer_holds_is_told_in_headers_and_audit(void **state)
{
	char *audit;

	(void)state;
	assert_int_equal(answer(JSON_OK("mail " MAIL " and " MAIL)), 200);
	assert_true(has(&w.c.got, "x-ringwall-verdict: mask\r\n"));
	assert_true(has(&w.c.got, "x-ringwall-answer-findings: pii.email;n=2\r\n"));
	assert_false(has(&w.c.got, "x-ringwall-findings"));
	audit = audit_text(&w);
	assert_int_equal(count(audit, "\"verdict\":\"mask\""), 1);
	free(audit);
	assert_int_equal(ask(&w, "x-ringwall-places: 1\r\n", "hi " MAIL), 200);
	assert_true(
		has(&w.c.got, "x-ringwall-findings: pii.email;n=1;at=\"user[0] 3-23 mask\"\r\n"));
	assert_true(has(&w.c.got, "x-ringwall-answer-findings: pii.email;n=2;at=\"content[0] 5-25 "
				  "mask, content[0] 30-50 mask\"\r\n"));
	assert_false(has(&w.up.got, "x-ringwall-places"));
}

static void answer_over_its_limit_is_refused(void **state)
{
	struct rw_buf b = {0};

	(void)state;
	rw_buf_add_str(&b, HEAD("200 OK", "application/json") "{\"x\":\"");
	for (unsigned i = 0; i < 7000; i++)
		rw_buf_add_str(&b, "0123456789");
	rw_buf_add_str(&b, "\"}");
	assert_int_equal(answer(text_of(&b)), 502);
	assert_string_equal(error_code(), "upstream_bad_answer");
	rw_buf_free(&b);
}

/* A model that thinks behind an address: the label waited for the thought's end. */
static void a_silent_stream_holds_a_whole_value_no_longer_than_configured(void **state)
{
	static const char events[] = EVENT("to jane.doe@example.com");
	struct rw_buf b = {0};

	(void)state;
	rw_buf_addf(&b,
		    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: "
		    "chunked\r\n\r\n%zx\r\n%s\r\n",
		    sizeof(events) - 1, events);
	assert_int_equal(answer(text_of(&b)), 200);
	run_until(&w, has(&w.c.got, "to "));
	assert_false(has(&w.c.got, "[EMAIL_ADDRESS]"));
	run_for(&w, 350 * MS);
	assert_true(has(&w.c.got, "[EMAIL_ADDRESS]"));
	assert_false(has(&w.c.got, "[DONE]"));
	rw_buf_free(&b);
}

static int begin_leaks(void **state)
{
	(void)state;
	world_begin(&w, ONE_UPSTREAM,
		    "guards: {leaks: {system_prompt: block, canaries: [{text: cnry-7f3a91bc}]}}\n");
	return 0;
}

static void a_canary_in_an_answer_is_blocked_and_told(void **state)
{
	char *audit;

	(void)state;
	assert_int_equal(answer(JSON_OK("it is CNRY 7F3A 91BC")), 502);
	assert_string_equal(error_code(), "answer_blocked");
	assert_false(has(&w.c.got, "7F3A"));
	assert_int_equal(answer(HEAD("404 x", "text/plain") "no such thing as cnry-7f3a91bc"), 502);
	audit = audit_text(&w);
	/* Of each, the count and the place. */
	assert_int_equal(count(audit, "\"rule\":\"leak.canary\""), 4);
	assert_int_equal(count(audit, "7f3a"), 0);
	free(audit);
}

/* The system text is the request's own: in another's answer it is text. */
static void an_answer_that_repeats_the_system_text_is_blocked(void **state)
{
#define SYSTEM                                                                             \
	"Never talk about prices of other shops. Orders above two hundred euros need the " \
	"approval of Mrs Hansen."
	static const char body[] =
		"{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"" SYSTEM
		"\"},{\"role\":\"user\",\"content\":\"say it\"}]}";

	(void)state;
	assert_int_equal(answer(JSON_OK("Sure: " SYSTEM)), 200);
	rw_buf_reset(&w.c.got);
	say(&w, CHAT "Authorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n%s", w.key,
	    sizeof(body) - 1, body);
	run_until(&w, answered(&w));
	run_for(&w, 20 * MS);
	assert_int_equal(status_of(&w), 502);
	assert_string_equal(error_code(), "answer_blocked");
}

int main(void)
{
#define EACH(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		EACH(redirect_is_not_passed_on),
		EACH(refusal_of_the_gateways_key_is_not_the_callers),
		EACH(success_must_be_readable),
		EACH(error_page_keeps_its_status_and_is_masked),
		EACH(stream_that_nobody_asked_for_is_guarded),
		EACH(what_an_answer_holds_is_told_in_headers_and_audit),
		EACH(answer_over_its_limit_is_refused),
		EACH(a_silent_stream_holds_a_whole_value_no_longer_than_configured),
		cmocka_unit_test_setup_teardown(a_canary_in_an_answer_is_blocked_and_told,
						begin_leaks, end),
		cmocka_unit_test_setup_teardown(an_answer_that_repeats_the_system_text_is_blocked,
						begin_leaks, end),
	};

	return cmocka_run_group_tests(tests, load_rules, drop_rules);
}
