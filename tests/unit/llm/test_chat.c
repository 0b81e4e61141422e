/* SPDX-License-Identifier: Apache-2.0 */
/* Reading requests: which texts, by whom, where; and what is refused, in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "llm/openai.h"

static const struct rw_chat_limits no_limits;

static struct {
	struct rw_arena arena;
	struct rw_chat chat;
	struct rw_error e;
} t;

static int parse(const char *body)
{
	rw_arena_reset(&t.arena);
	t.e = (struct rw_error){0};
	return rw_chat_parse(&t.chat, &t.arena, rw_slice_str(body), &no_limits, &t.e);
}

static void assert_text(unsigned i, enum rw_role role, const char *text)
{
	assert_true(i < t.chat.n_texts);
	assert_int_equal(t.chat.texts[i].role, role);
	assert_string_equal(rw_arena_printf(&t.arena, "%.*s", RW_SLICE_FMT(t.chat.texts[i].text)),
			    text);
}

static int setup(void **state)
{
	(void)state;
	rw_arena_init(&t.arena, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rw_arena_free(&t.arena);
	return 0;
}

static void reads_what_the_gate_needs(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"model\":\"gpt\\u002d4o\",\"stream\":true,\"messages\":["
			       "{\"role\":\"user\",\"content\":\"hi\"}],"
			       "\"stream_options\":{\"include_usage\":true,\"x\":1}}"),
			 RW_OK);
	assert_true(rw_slice_is(t.chat.model, "gpt-4o"));
	assert_true(t.chat.stream && t.chat.include_usage);
	assert_int_equal(t.chat.n_messages, 1);
	assert_int_equal(parse("{\"model\":\"m\",\"stream\":null,\"stream_options\":null,"
			       "\"messages\":[]}"),
			 RW_OK);
	assert_false(t.chat.stream || t.chat.include_usage);
}

/* The role may come behind the content, and decides what is scanned. */
static void roles_count_wherever_they_stand(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"messages\":[{\"content\":\"a\",\"role\":\"system\"},"
			       "{\"role\":\"developer\",\"content\":\"b\"},{\"role\":\"user\","
			       "\"content\":\"c\"},"
			       "{\"role\":\"assistant\",\"content\":\"d\"},{\"role\":\"tool\","
			       "\"content\":\"e\"},"
			       "{\"role\":\"function\",\"content\":\"f\"},{\"role\":\"System\","
			       "\"content\":\"g\"},"
			       "{\"content\":\"h\"}],\"model\":\"m\"}"),
			 RW_OK);
	assert_text(0, RW_ROLE_SYSTEM, "a");
	assert_text(1, RW_ROLE_SYSTEM, "b");
	assert_text(2, RW_ROLE_USER, "c");
	assert_text(3, RW_ROLE_ASSISTANT, "d");
	assert_text(4, RW_ROLE_TOOL, "e");
	assert_text(5, RW_ROLE_TOOL, "f");
	assert_text(6, RW_ROLE_OTHER, "g");
	assert_text(7, RW_ROLE_OTHER, "h");
}

/* A guard that reads string contents only misses parts (Kong), tool messages (agentgateway#2955).
 */
static void every_place_of_text_is_read(void **state)
{
	(void)state;
	assert_int_equal(
		parse("{\"model\":\"m\",\"messages\":["
		      "{\"role\":\"user\",\"name\":\"N\",\"content\":[{\"type\":\"text\",\"text\":"
		      "\"a\"},"
		      "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/"
		      "png;base64,AAAA\"}},"
		      "{\"text\":\"b\",\"type\":\"unheard_of\"},\"c\"]},"
		      "{\"role\":\"assistant\",\"content\":null,\"refusal\":\"d\","
		      "\"reasoning_content\":\"e\",\"tool_calls\":[{\"id\":\"1\",\"type\":"
		      "\"function\","
		      "\"function\":{\"name\":\"F\",\"arguments\":\"{\\\"x\\\":1}\"}},"
		      "{\"type\":\"custom\",\"custom\":{\"name\":\"F\",\"input\":\"f\"}}]},"
		      "{\"role\":\"assistant\",\"function_call\":{\"name\":\"F\",\"arguments\":"
		      "\"g\"}},"
		      "{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":"
		      "[{\"type\":\"tool_result\",\"content\":[{\"type\":\"text\",\"text\":\"h\"}]}"
		      "]}],"
		      "\"prediction\":{\"type\":\"content\",\"content\":\"i\"},\"suffix\":\"j\","
		      "\"user\":\"U\",\"metadata\":{\"k\":\"v\"}}"),
		RW_OK);
	assert_int_equal(t.chat.n_texts, 11);
	assert_text(0, RW_ROLE_USER, "a");
	assert_text(1, RW_ROLE_USER, "b");
	assert_text(2, RW_ROLE_USER, "c");
	assert_text(3, RW_ROLE_ASSISTANT, "d");
	assert_text(4, RW_ROLE_ASSISTANT, "e");
	assert_text(5, RW_ROLE_ASSISTANT, "{\"x\":1}");
	assert_text(6, RW_ROLE_ASSISTANT, "f");
	assert_text(7, RW_ROLE_ASSISTANT, "g");
	assert_text(8, RW_ROLE_TOOL, "h");
	assert_text(9, RW_ROLE_USER, "i");
	assert_text(10, RW_ROLE_USER, "j");
}

/* Poisoned tools hide their orders in descriptions, of parameters too. */
static void tool_descriptions_are_texts(void **state)
{
	(void)state;
	assert_int_equal(
		parse("{\"model\":\"m\",\"messages\":[],\"tools\":[{\"type\":\"function\","
		      "\"function\":"
		      "{\"name\":\"F\",\"description\":\"a\",\"parameters\":{\"type\":\"object\","
		      "\"properties\":{\"description\":{\"type\":\"string\",\"description\":\"b\"},"
		      "\"Description\":{\"type\":\"string\"}}}}}],"
		      "\"functions\":[{\"description\":\"c\"}]}"),
		RW_OK);
	assert_int_equal(t.chat.n_texts, 3);
	assert_text(0, RW_ROLE_OTHER, "a");
	assert_text(1, RW_ROLE_OTHER, "b");
	assert_text(2, RW_ROLE_OTHER, "c");
}

static void legacy_prompts_and_inputs_are_texts(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"model\":\"m\",\"prompt\":\"a\"}"), RW_OK);
	assert_text(0, RW_ROLE_USER, "a");
	assert_int_equal(parse("{\"model\":\"m\",\"prompt\":[\"a\",\"b\"]}"), RW_OK);
	assert_text(1, RW_ROLE_USER, "b");
	assert_int_equal(
		parse("{\"model\":\"m\",\"instructions\":\"s\",\"input\":[{\"role\":\"assistant\","
		      "\"content\":[{\"type\":\"input_text\",\"text\":\"a\"}]},\"b\"]}"),
		RW_OK);
	assert_text(0, RW_ROLE_SYSTEM, "s");
	assert_text(1, RW_ROLE_ASSISTANT, "a");
	assert_text(2, RW_ROLE_USER, "b");
	/* Tokens are text that no rule can read. */
	assert_int_equal(parse("{\"model\":\"m\",\"prompt\":[1,2,3]}"), RW_EINVAL);
	assert_int_equal(parse("{\"model\":\"m\",\"prompt\":[[1,2,3]]}"), RW_EINVAL);
}

static void positions_are_those_of_the_bytes(void **state)
{
	const char *body = " {\"model\":\"m\", \"messages\" : [ {\"role\":\"user\","
			   "\"content\" :  \"a\\u0040\\ud83d\\ude00b\"}, {\"content\":\"\"} ] }";
	const struct rw_text *x;

	(void)state;
	assert_int_equal(parse(body), RW_OK);
	x = &t.chat.texts[0];
	assert_true(rw_slice_is(rw_slice_of(body + x->raw_start, x->raw_end - x->raw_start),
				"a\\u0040\\ud83d\\ude00b"));
	assert_text(0, RW_ROLE_USER,
		    "a@\xf0\x9f\x98\x80"
		    "b");
	x = &t.chat.texts[1];
	assert_int_equal(x->raw_start, x->raw_end);
	assert_int_equal(body[x->raw_end], '"');
}

/* Unknown fields, odd spacing, number forms and escapes are the caller's (users.md 17, 18). */
static void a_changed_text_leaves_every_other_byte(void **state)
{
	const char *body =
		"{\"x-unknown\":[1.0E+2,-0,\"\\/\"],\n\t\"model\" :\"m\",\"messages\":[{\"role\":"
		"\"user\",\"cache_control\":{\"type\":\"ephemeral\"},\"content\":\"OLD\"}] }  ";
	const char *want =
		"{\"x-unknown\":[1.0E+2,-0,\"\\/\"],\n\t\"model\" :\"m\",\"messages\":[{\"role\":"
		"\"user\",\"cache_control\":{\"type\":\"ephemeral\"},\"content\":\"[X]\\n\"}] }  ";
	struct rw_buf out = {0};
	struct rw_edit ed;

	(void)state;
	assert_int_equal(parse(body), RW_OK);
	ed = (struct rw_edit){t.chat.texts[0].raw_start, t.chat.texts[0].raw_end,
			      RW_SLICE("[X]\n")};
	assert_int_equal(rw_edit_apply(rw_slice_str(body), &ed, 1, &out), RW_OK);
	assert_true(rw_slice_is(rw_buf_slice(&out), want));
	rw_buf_free(&out);
}

static void assert_refused(const char *body, const char *words)
{
	assert_int_equal(parse(body), RW_EINVAL);
	if (!strstr(t.e.text, words))
		fail_msg("%s: says \"%s\", not \"%s\"", body, t.e.text, words);
	assert_null(strstr(t.e.text, "SECRET"));
}

/* The first of two equal keys for one reader is the last for the next: a way around every guard. */
static void doubtful_keys_are_refused(void **state)
{
	(void)state;
	assert_refused("{\"model\":\"m\",\"model\":\"SECRET\",\"messages\":[]}",
		       "\"model\" comes twice");
	assert_refused(
		"{\"model\":\"m\",\"messages\":[{\"content\":\"a\",\"content\":\"SECRET\"}]}",
		"\"content\" comes twice");
	assert_refused(
		"{\"model\":\"m\",\"messages\":[{\"content\":\"a\",\"con\\u0074ent\":\"SECRET\"}]}",
		"\"content\" comes twice");
	assert_refused(
		"{\"model\":\"m\",\"messages\":[{\"content\":[{\"text\":\"a\",\"text\":\"b\"}]}]}",
		"\"text\" comes twice");
	assert_refused(
		"{\"model\":\"m\",\"messages\":[],\"stream_options\":{\"include_usage\":true,"
		"\"include_usage\":false}}",
		"\"include_usage\" comes twice");
}

/* Servers in Go match keys in any case, with U+017F for s and U+212A for k. */
static void keys_in_another_case_are_refused(void **state)
{
	(void)state;
	assert_refused(
		"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"Content\":\"SECRET\"}]}",
		"only in case");
	assert_refused("{\"model\":\"m\",\"messages\":[],\"me\xc5\xbf\xc5\xbf"
		       "ages\":[\"SECRET\"]}",
		       "only in case");
	assert_refused("{\"model\":\"m\",\"messages\":[],\"me\\u017f\\u017Fages\":[\"SECRET\"]}",
		       "only in case");
	assert_refused("{\"model\":\"m\",\"messages\":[{\"content\":\"a\",\"thin\xe2\x84\xaa"
		       "ing\":\"x\"}]}",
		       "only in case");
}

static void wrong_types_are_refused_by_name(void **state)
{
	(void)state;
	assert_refused("[]", "an object is expected");
	assert_refused("", "an object is expected");
	assert_refused("{\"messages\":[]}", "\"model\" is missing");
	assert_refused("{\"model\":\"\",\"messages\":[]}", "\"model\" is missing");
	assert_refused("{\"model\":\"m\"}", "\"messages\" is missing");
	assert_refused("{\"model\":1,\"messages\":[]}", "\"model\" must be a string");
	assert_refused("{\"model\":\"m\",\"messages\":{}}", "\"messages\" must be an array");
	assert_refused("{\"model\":\"m\",\"messages\":[],\"stream\":\"SECRET\"}",
		       "\"stream\" must be");
	assert_refused("{\"model\":\"m\",\"messages\":[],\"stream_options\":[]}",
		       "\"stream_options\" must be an object");
	assert_refused("{\"model\":\"m\",\"messages\":[{\"content\":\"a\"},\"SECRET\"]}",
		       "messages[1]: a message must be an object");
	assert_refused("{\"model\":\"m\",\"messages\":[{\"content\":{\"text\":\"SECRET\"}}]}",
		       "messages[0]: \"content\" must be");
	assert_refused("{\"model\":\"m\",\"messages\":[{\"content\":[1]}]}", "parts (objects)");
	assert_refused("{\"model\":\"m\",\"messages\":[{\"role\":1}]}",
		       "\"role\" must be a string");
	assert_refused("{\"model\":\"m\",\"messages\":[{\"tool_calls\":\"SECRET\"}]}",
		       "\"tool_calls\" must be an array");
	assert_refused("{\"model\":\"m\",\"messages\":[{\"content\":\"\xff SECRET\"}]}",
		       "not valid UTF-8");
	assert_refused("{\"model\":\"m\",\"messages\":[]} SECRET", "something follows");
}

static void bounds_hold(void **state)
{
	struct rw_slice body = RW_SLICE(
		"{\"model\":\"m\",\"messages\":[{\"content\":[\"a\",\"b\"]},"
		"{\"content\":\"c\"}]}");
	struct rw_chat_limits limits = {.messages = 2, .texts = 3, .depth = 4};
	struct rw_chat c;

	(void)state;
	assert_int_equal(rw_chat_parse(&c, &t.arena, body, &limits, &t.e), RW_OK);
	limits.messages = 1;
	assert_int_equal(rw_chat_parse(&c, &t.arena, body, &limits, &t.e), RW_ELIMIT);
	assert_non_null(strstr(t.e.text, "more than 1 messages"));
	limits = (struct rw_chat_limits){.texts = 2};
	assert_int_equal(rw_chat_parse(&c, &t.arena, body, &limits, &t.e), RW_ELIMIT);
	limits = (struct rw_chat_limits){.depth = 3};
	assert_int_equal(rw_chat_parse(&c, &t.arena, body, &limits, &t.e), RW_ELIMIT);
}

/* Agents send thousands of messages; the list of texts grows, and keeps what it had. */
static void many_messages_are_read(void **state)
{
	struct rw_buf b = {0};

	(void)state;
	rw_buf_add_str(&b, "{\"model\":\"m\",\"messages\":[");
	for (int i = 0; i < 2000; i++)
		rw_buf_addf(&b, "%s{\"role\":\"user\",\"content\":\"text %d\"}", i ? "," : "", i);
	rw_buf_add(&b, "]}", 3);
	assert_int_equal(parse(b.p), RW_OK);
	assert_int_equal(t.chat.n_messages, 2000);
	assert_text(0, RW_ROLE_USER, "text 0");
	assert_text(1999, RW_ROLE_USER, "text 1999");
	rw_buf_free(&b);
}

/* An arena at its bound is an error with words, not a crash. */
static void memory_bound_is_told(void **state)
{
	struct rw_arena small;
	struct rw_chat c;

	(void)state;
	rw_arena_init(&small, 16);
	assert_int_equal(
		rw_chat_parse(&c, &small,
			      RW_SLICE("{\"model\":\"m\",\"messages\":[{\"content\":\"0123456789"
				       "0123456789\"}]}"),
			      &no_limits, &t.e),
		RW_ENOMEM);
	assert_string_equal(t.e.text, "out of memory for this request");
	rw_arena_free(&small);
}

static void replies_are_what_sdks_parse(void **state)
{
	const char *const names[] = {"a\"b", "c"};
	struct rw_buf b = {0};

	(void)state;
	assert_int_equal(rw_openai_error(&b, "server_error", "x", "so\n\"said\""), RW_OK);
	assert_true(rw_slice_is(
		rw_buf_slice(&b),
		"{\"error\":{\"message\":\"so\\n\\\"said\\\"\",\"type\":\"server_error\","
		"\"param\":null,\"code\":\"x\"}}"));
	rw_buf_reset(&b);
	assert_int_equal(rw_openai_models(&b, names, 2, 7), RW_OK);
	assert_true(rw_slice_is(
		rw_buf_slice(&b),
		"{\"object\":\"list\",\"data\":[{\"id\":\"a\\\"b\",\"object\":\"model\","
		"\"created\":7,\"owned_by\":\"ringwall\"},{\"id\":\"c\",\"object\":\"model\","
		"\"created\":7,\"owned_by\":\"ringwall\"}]}"));
	rw_buf_free(&b);
}

/* POST /scan: a text, texts or messages; without any of them there is nothing to look at. */
static void a_body_to_scan_has_texts_or_messages(void **state)
{
	static const struct {
		const char *body;
		unsigned n;
	} right[] = {
		{"{\"text\":\"a\"}", 1},
		{"{\"texts\":[\"a\",\"b\"]}", 2},
		{"{\"text\":\"a\",\"messages\":[{\"role\":\"system\",\"content\":\"b\"}],\"x\":1}",
		 2},
		{"{\"texts\":[]}", 0},
	};
	static const char *const wrong[] = {"{}",
					    "{\"model\":\"m\"}",
					    "{\"text\":5}",
					    "{\"texts\":[5]}",
					    "{\"text\":\"a\",\"text\":\"b\"}",
					    "\"text\"",
					    "{\"text\":\"a\"",
					    "{\"text\":null,\"messages\":5}"};

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		rw_arena_reset(&t.arena);
		assert_int_equal(rw_scan_parse(&t.chat, &t.arena, rw_slice_str(right[i].body),
					       &no_limits, &t.e),
				 0);
		assert_int_equal(t.chat.n_texts, right[i].n);
	}
	assert_int_equal(
		rw_scan_parse(&t.chat, &t.arena, rw_slice_str(right[2].body), &no_limits, &t.e), 0);
	assert_text(0, RW_ROLE_USER, "a");
	assert_text(1, RW_ROLE_SYSTEM, "b");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_true(rw_scan_parse(&t.chat, &t.arena, rw_slice_str(wrong[i]), &no_limits,
					  &t.e) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_to_scan_has_texts_or_messages),
		cmocka_unit_test(reads_what_the_gate_needs),
		cmocka_unit_test(roles_count_wherever_they_stand),
		cmocka_unit_test(every_place_of_text_is_read),
		cmocka_unit_test(tool_descriptions_are_texts),
		cmocka_unit_test(legacy_prompts_and_inputs_are_texts),
		cmocka_unit_test(positions_are_those_of_the_bytes),
		cmocka_unit_test(a_changed_text_leaves_every_other_byte),
		cmocka_unit_test(doubtful_keys_are_refused),
		cmocka_unit_test(keys_in_another_case_are_refused),
		cmocka_unit_test(wrong_types_are_refused_by_name),
		cmocka_unit_test(bounds_hold),
		cmocka_unit_test(many_messages_are_read),
		cmocka_unit_test(memory_bound_is_told),
		cmocka_unit_test(replies_are_what_sdks_parse),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
