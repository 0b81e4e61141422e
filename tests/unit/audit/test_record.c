/* SPDX-License-Identifier: Apache-2.0 */
/* A record is one line of valid JSON whatever callers put into its fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <yyjson.h>

#include "audit/audit.h"
#include "scan/redact.h"

static struct rw_audit_record typical(void)
{
	return (struct rw_audit_record){
		.time_ms = 1769903999999,
		.request_id = "req_1",
		.peer = "2001:db8::1",
		.key_id = "k_0123456789ab",
		.client_cert = "URI:spiffe://corp/app",
		.method = RW_SLICE("POST"),
		.path = RW_SLICE("/v1/chat/completions"),
		.model = RW_SLICE("gpt-4o"),
		.status = 200,
		.verdict = "allow",
		.reason = "",
		.stream = true,
		.completed = true,
		.request_bytes = 2048,
		.answer_bytes = UINT64_MAX,
		.prompt_tokens = 500,
		.completion_tokens = 0,
		.duration_us = 1500,
		.upstream_us = 1200,
		.detector_asked = 3,
		.detector_failed = 1,
		.detector_us = 900,
		.upstream = "openai",
		.upstream_error = "upstream api: refused",
		.tls_backend = "openssl",
	};
}

static yyjson_doc *parsed(const struct rw_audit_record *r)
{
	struct rw_buf b = {0};
	yyjson_doc *doc;

	assert_int_equal(rw_audit_record_json(r, &b), RW_OK);
	assert_ptr_equal(memchr(b.p, '\n', b.len), b.p + b.len - 1);
	for (size_t i = 0; i + 1 < b.len; i++)
		assert_true((unsigned char)b.p[i] >= 0x20 && b.p[i] != 0x7f);
	doc = yyjson_read(b.p, b.len, 0);
	assert_non_null(doc);
	rw_buf_free(&b);
	return doc;
}

static const char *text_of(yyjson_doc *doc, const char *name)
{
	return yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(doc), name));
}

static uint64_t number_of(yyjson_doc *doc, const char *name)
{
	yyjson_val *v = yyjson_obj_get(yyjson_doc_get_root(doc), name);

	assert_true(yyjson_is_uint(v));
	return yyjson_get_uint(v);
}

static void a_record_says_what_happened(void **state)
{
	struct rw_audit_record r = typical();
	yyjson_doc *doc = parsed(&r);
	yyjson_val *root = yyjson_doc_get_root(doc);

	(void)state;
	assert_string_equal(text_of(doc, "time"), "2026-01-31T23:59:59.999Z");
	assert_string_equal(text_of(doc, "request_id"), "req_1");
	assert_string_equal(text_of(doc, "peer"), "2001:db8::1");
	assert_string_equal(text_of(doc, "key_id"), "k_0123456789ab");
	assert_string_equal(text_of(doc, "client_cert"), "URI:spiffe://corp/app");
	assert_string_equal(text_of(doc, "method"), "POST");
	assert_string_equal(text_of(doc, "path"), "/v1/chat/completions");
	assert_string_equal(text_of(doc, "model"), "gpt-4o");
	assert_string_equal(text_of(doc, "verdict"), "allow");
	assert_string_equal(text_of(doc, "reason"), "");
	assert_string_equal(text_of(doc, "upstream"), "openai");
	assert_string_equal(text_of(doc, "upstream_error"), "upstream api: refused");
	assert_string_equal(text_of(doc, "tls_backend"), "openssl");
	assert_int_equal(number_of(doc, "status"), 200);
	assert_int_equal(number_of(doc, "request_bytes"), 2048);
	assert_true(number_of(doc, "answer_bytes") == UINT64_MAX);
	assert_int_equal(number_of(doc, "prompt_tokens"), 500);
	assert_int_equal(number_of(doc, "completion_tokens"), 0);
	assert_int_equal(number_of(doc, "duration_us"), 1500);
	assert_int_equal(number_of(doc, "upstream_us"), 1200);
	assert_int_equal(number_of(doc, "detector_asked"), 3);
	assert_int_equal(number_of(doc, "detector_failed"), 1);
	assert_int_equal(number_of(doc, "detector_us"), 900);
	assert_true(yyjson_is_true(yyjson_obj_get(root, "stream")));
	assert_true(yyjson_is_true(yyjson_obj_get(root, "completed")));
	assert_int_equal(yyjson_arr_size(yyjson_obj_get(root, "request_findings")), 0);
	assert_int_equal(yyjson_arr_size(yyjson_obj_get(root, "answer_findings")), 0);
	assert_int_equal(yyjson_obj_size(root), 29);
	yyjson_doc_free(doc);
}

/* A model name comes from the caller's JSON and may say anything, line ends included. */
static void control_characters_stay_one_line(void **state)
{
	struct rw_audit_record r = typical();
	yyjson_doc *doc;

	(void)state;
	r.model = RW_SLICE("x\",\"verdict\":\"allow\"}\n{\"forged\":1}\r\x01\x1b[2J\x7f\\");
	r.path = RW_SLICE("/a\nb\t\xc2\x85\xe2\x80\xa8");
	doc = parsed(&r);
	assert_string_equal(text_of(doc, "model"), r.model.p);
	assert_string_equal(text_of(doc, "path"), r.path.p);
	yyjson_doc_free(doc);
}

static void bytes_that_are_no_utf8_still_make_json(void **state)
{
	struct rw_audit_record r = typical();
	yyjson_doc *doc;

	(void)state;
	r.model = RW_SLICE("caf\xc3"); /* a name cut in the middle of a letter */
	doc = parsed(&r);
	assert_string_equal(text_of(doc, "model"), "caf\xef\xbf\xbd");
	yyjson_doc_free(doc);
}

/* Some SDKs put the key into the query. */
static void a_query_is_never_logged(void **state)
{
	struct rw_audit_record r = typical();
	yyjson_doc *doc;

	(void)state;
	r.path = RW_SLICE("/v1/models?key=rw-secret");
	doc = parsed(&r);
	assert_string_equal(text_of(doc, "path"), "/v1/models");
	yyjson_doc_free(doc);
}

static void missing_texts_are_empty(void **state)
{
	struct rw_audit_record r = {.status = 400};
	yyjson_doc *doc = parsed(&r);

	(void)state;
	assert_string_equal(text_of(doc, "path"), "");
	assert_string_equal(text_of(doc, "upstream"), "");
	assert_string_equal(text_of(doc, "time"), "1970-01-01T00:00:00.000Z");
	yyjson_doc_free(doc);
}

/* Leap days, centuries, ends of years: every day of 700 years against the C library. */
static void every_day_has_its_date(void **state)
{
	struct rw_audit_record r = {0};
	char want[64];
	struct tm tm;

	(void)state;
	for (int64_t day = 0; day < 365 * 700; day += day < 40000 ? 1 : 13) {
		time_t t = day * 86400 + (day * 7919) % 86400;
		struct rw_buf b = {0};

		r.time_ms = (uint64_t)t * 1000;
		assert_int_equal(rw_audit_record_json(&r, &b), RW_OK);
		assert_non_null(gmtime_r(&t, &tm));
		strftime(want, sizeof(want), "{\"time\":\"%Y-%m-%dT%H:%M:%S.000Z\"", &tm);
		assert_memory_equal(b.p, want, strlen(want));
		rw_buf_free(&b);
	}
}

/* At the buffer's bound no half record stays behind for the next one to continue. */
static void at_the_bound_nothing_is_added(void **state)
{
	struct rw_audit_record r = typical();
	struct rw_buf whole = {0};

	(void)state;
	assert_int_equal(rw_audit_record_json(&r, &whole), RW_OK);
	for (size_t max = 1; max <= whole.len + 1; max++) {
		struct rw_buf b = {.max = max};
		int rc;

		assert_int_equal(rw_buf_add(&b, "x", 1), RW_OK);
		rc = rw_audit_record_json(&r, &b);
		assert_int_equal(rc, max <= whole.len ? RW_ELIMIT : RW_OK);
		assert_int_equal(b.len, rc ? 1 : whole.len + 1);
		rw_buf_free(&b);
	}
	rw_buf_free(&whole);
}

/* Findings are told by rule and number; what was found is nowhere. */
static void findings_are_names_and_counts(void **state)
{
	struct rw_audit_record r = typical();
	struct rw_tally prompt = {.n = 2}, answer = {.n = 1};
	struct rw_rules *rules = NULL;
	struct rw_error e;
	yyjson_val *list, *one;
	yyjson_doc *doc;

	(void)state;
	if (rw_rules_load(&rules, NULL, &e))
		fail_msg("%s", e.text);
	prompt.at[0].rule = 0;
	prompt.at[0].count = 3;
	prompt.at[1].rule = (uint16_t)(rw_rules_count(rules) - 1);
	prompt.at[1].count = 65535;
	answer.at[0].rule = 1;
	answer.at[0].count = 1;
	answer.n_places = 1;
	answer.places[0] = (struct rw_place){.where = "content",
					     .index = 2,
					     .start = 7,
					     .end = 9,
					     .rule = 1,
					     .action = RW_ACT_MASK,
					     .as = RW_REDACT_HASH};
	r.rules = rules;
	r.request_findings = &prompt;
	r.answer_findings = &answer;
	doc = parsed(&r);
	list = yyjson_obj_get(yyjson_doc_get_root(doc), "request_findings");
	assert_int_equal(yyjson_arr_size(list), 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct rw_rule_info *info = rw_rules_info(rules, prompt.at[i].rule);

		one = yyjson_arr_get(list, i);
		assert_string_equal(yyjson_get_str(yyjson_obj_get(one, "rule")), info->id);
		assert_string_equal(yyjson_get_str(yyjson_obj_get(one, "type")), info->type);
		assert_string_equal(yyjson_get_str(yyjson_obj_get(one, "category")),
				    rw_category_name(info->category));
		assert_int_equal(yyjson_get_uint(yyjson_obj_get(one, "count")), prompt.at[i].count);
	}
	list = yyjson_obj_get(yyjson_doc_get_root(doc), "answer_findings");
	assert_int_equal(yyjson_arr_size(list), 1);
	list = yyjson_obj_get(yyjson_doc_get_root(doc), "answer_places");
	assert_int_equal(yyjson_arr_size(list), 1);
	one = yyjson_arr_get(list, 0);
	assert_string_equal(yyjson_get_str(yyjson_obj_get(one, "in")), "content");
	assert_string_equal(yyjson_get_str(yyjson_obj_get(one, "as")), "hash");
	assert_int_equal(yyjson_get_uint(yyjson_obj_get(one, "index")), 2);
	assert_int_equal(yyjson_get_uint(yyjson_obj_get(one, "start")), 7);
	assert_int_equal(yyjson_get_uint(yyjson_obj_get(one, "end")), 9);
	yyjson_doc_free(doc);
	rw_rules_unref(rules);
}

/* Events have no request: a reader must be able to tell them apart, and nothing empty stands there.
 */
static void event_has_what_applies_and_nothing_else(void **state)
{
	const struct rw_audit_event ban = {.time_ms = 1769903999999,
					   .event = "ban",
					   .source = "2001:db8::/56",
					   .verdict = "drop_all",
					   .reason = "auth",
					   .seconds = 60};
	const struct rw_audit_event bare = {.event = "syn_budget"};
	struct rw_buf b = {0};

	(void)state;
	assert_int_equal(rw_audit_event_json(&ban, &b), RW_OK);
	assert_int_equal(rw_buf_add(&b, "", 1), RW_OK);
	assert_string_equal(b.p,
			    "{\"time\":\"2026-01-31T23:59:59.999Z\",\"event\":\"ban\",\"source\":"
			    "\"2001:db8::/56\",\"verdict\":\"drop_all\",\"reason\":\"auth\","
			    "\"seconds\":60}\n");
	rw_buf_reset(&b);
	assert_int_equal(rw_audit_event_json(&bare, &b), RW_OK);
	assert_int_equal(rw_buf_add(&b, "", 1), RW_OK);
	assert_string_equal(b.p,
			    "{\"time\":\"1970-01-01T00:00:00.000Z\",\"event\":\"syn_budget\"}\n");
	rw_buf_reset(&b);
	b.max = 20;
	assert_int_equal(rw_audit_event_json(&ban, &b), RW_ELIMIT);
	assert_int_equal(b.len, 0);
	rw_buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_says_what_happened),
		cmocka_unit_test(control_characters_stay_one_line),
		cmocka_unit_test(bytes_that_are_no_utf8_still_make_json),
		cmocka_unit_test(a_query_is_never_logged),
		cmocka_unit_test(missing_texts_are_empty),
		cmocka_unit_test(every_day_has_its_date),
		cmocka_unit_test(at_the_bound_nothing_is_added),
		cmocka_unit_test(findings_are_names_and_counts),
		cmocka_unit_test(event_has_what_applies_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
