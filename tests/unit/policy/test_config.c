/* SPDX-License-Identifier: Apache-2.0 */
/* What the keys mean, and what is said where one is wrong. */
#include "util.h"

static void least_configuration_has_the_documented_defaults(void **state)
{
	struct rw_config *c = must_load(LEAST);

	(void)state;
	assert_string_equal(c->file, "f");
	assert_int_equal(c->n_listeners, 1);
	assert_true(c->listeners[0].tls);
	assert_null(c->listeners[0].first.cert_file);
	assert_false(c->listeners[0].plain_anywhere);
	assert_null(c->admin_address);
	assert_string_equal(c->upstreams[0].host, "api.openai.com");
	assert_string_equal(c->upstreams[0].path, "/v1");
	assert_int_equal(c->upstreams[0].port, 443);
	assert_true(c->upstreams[0].tls);
	assert_null(c->upstreams[0].key);
	assert_null(c->upstreams[0].ca_file);
	assert_int_equal(c->upstreams[0].connect_ms, 5000);
	assert_int_equal(c->upstreams[0].first_byte_ms, 120000);
	assert_int_equal(c->upstreams[0].between_ms, 60000);
	assert_true(c->keys_required);
	assert_int_equal(c->key_rate.per_minute, 600);
	assert_int_equal(c->key_rate.burst, 60);
	assert_int_equal(c->max_body_bytes, 8 << 20);
	assert_int_equal(c->max_answer_bytes, 32 << 20);
	assert_int_equal(c->max_memory_bytes, 512 << 20);
	assert_int_equal(c->max_header_bytes, 32 << 10);
	assert_int_equal(c->max_messages, 2048);
	assert_int_equal(c->max_connections, 4096);
	assert_int_equal(c->header_ms, 10000);
	assert_int_equal(c->drain_ms, 30000);
	assert_int_equal(c->request.action[RW_CAT_INJECTION], RW_ACT_BLOCK);
	assert_int_equal(c->request.action[RW_CAT_PII], RW_ACT_MASK);
	assert_int_equal(c->answer.action[RW_CAT_INJECTION], RW_ACT_FLAG);
	assert_int_equal(c->answer.action[RW_CAT_SECRET], RW_ACT_MASK);
	assert_null(c->rules_dir);
	assert_string_equal(c->state_dir, "/var/lib/ringwall");
	assert_null(c->audit_file);
	assert_false(c->audit_required);
	assert_int_equal(c->audit_sync, RW_AUDIT_INTERVAL);
	assert_int_equal(c->kernel, RW_KERNEL_REQUIRED);
	assert_int_equal(c->strike_threshold, 100);
	assert_int_equal(c->ban_max_ms, 86400000);
	rw_config_free(c);
}

static void every_section_reaches_its_fields(void **state)
{
	struct rw_config *c = must_load(
		"listeners:\n"
		"  - {address: '0.0.0.0:8443', tls: {cert_file: /c, key_file: /k}}\n"
		"  - {address: '127.0.0.1:8080', tls: off}\n"
		"  - {address: '[::]:8080', tls: off, plain_anywhere: true}\n"
		"admin: {address: '127.0.0.1:9443'}\n"
		"upstreams:\n"
		"  - {name: a, url: 'https://A.example/x', ca_file: /ca, timeouts: {connect: 1s, "
		"first_byte: 2s, between: 3s}}\n"
		"  - {name: b, url: 'http://localhost:11434/v1'}\n"
		"models:\n"
		"  - {name: m, upstream: b}\n"
		"  - {name: '*', upstream: a}\n"
		"auth: {keys: optional}\n"
		"limits: {key_rate: {per_minute: 0, burst: 1}, address_rate: {per_minute: 7, "
		"burst: "
		"8}, body: 1MiB, answer: 2MiB, messages: 3, headers: 4KiB, connections: 5, memory: "
		"16MiB}\n"
		"timeouts: {header: 1ms, body: 2ms, idle: 3ms, write_stall: 4ms, drain: 0s}\n"
		"guards: {request: {injection: flag, pii: block, secrets: allow}, answer: "
		"{injection: "
		"block, pii: flag, secrets: block}, rules_dir: /r}\n"
		"state_dir: /s\n"
		"audit: {file: /a, required: false, sync: request}\n"
		"kernel: preferred\n"
		"balancers: [{prefix: 192.0.2.1}, {prefix: '2001:db8::/64'}]\n"
		"strikes: {threshold: 5, window: 1s, ban: 2s, ban_max: 3s, verdict: graduated, "
		"nets: 4, key_threshold: 6}\n"
		"workers: 4\n");

	(void)state;
	assert_int_equal(c->n_listeners, 3);
	assert_string_equal(c->listeners[0].first.cert_file, "/c");
	assert_string_equal(c->listeners[0].first.key_file, "/k");
	assert_true(c->listeners[0].tls);
	assert_false(c->listeners[1].tls);
	assert_true(c->listeners[2].plain_anywhere);
	assert_string_equal(c->admin_address, "127.0.0.1:9443");
	assert_string_equal(c->upstreams[0].host, "a.example");
	assert_string_equal(c->upstreams[0].ca_file, "/ca");
	assert_int_equal(c->upstreams[0].connect_ms, 1000);
	assert_int_equal(c->upstreams[0].between_ms, 3000);
	assert_false(c->upstreams[1].tls);
	assert_int_equal(c->upstreams[1].port, 11434);
	assert_int_equal(c->models[0].upstream, 1);
	assert_int_equal(c->models[1].upstream, 0);
	assert_false(c->keys_required);
	assert_int_equal(c->key_rate.per_minute, 0);
	assert_int_equal(c->address_rate.burst, 8);
	assert_int_equal(c->max_body_bytes, 1 << 20);
	assert_int_equal(c->max_header_bytes, 4096);
	assert_int_equal(c->max_connections, 5);
	assert_int_equal(c->write_stall_ms, 4);
	assert_int_equal(c->drain_ms, 0);
	assert_int_equal(c->request.action[RW_CAT_PII], RW_ACT_BLOCK);
	assert_int_equal(c->request.action[RW_CAT_SECRET], RW_ACT_ALLOW);
	assert_int_equal(c->answer.action[RW_CAT_INJECTION], RW_ACT_BLOCK);
	assert_string_equal(c->rules_dir, "/r");
	assert_string_equal(c->state_dir, "/s");
	assert_string_equal(c->audit_file, "/a");
	assert_false(c->audit_required);
	assert_int_equal(c->audit_sync, RW_AUDIT_REQUEST);
	assert_int_equal(c->kernel, RW_KERNEL_PREFERRED);
	assert_int_equal(c->strike_window_ms, 1000);
	assert_int_equal(c->ban_max_ms, 3000);
	assert_int_equal(c->n_balancers, 2);
	assert_string_equal(c->balancers[1].prefix, "2001:db8::/64");
	assert_int_equal(c->ban_severity, RW_BAN_GRADUATED);
	assert_int_equal(c->strike_nets, 4);
	assert_int_equal(c->strike_key_threshold, 6);
	assert_int_equal(c->workers, 4);
	rw_config_free(c);
}

static void wrong_value_says_place_path_range_and_what_was_found(void **state)
{
	(void)state;
	must_fail(
		LEAST "limits:\n  key_rate:\n    per_minute: ten\n",
		"f:10:17: limits.key_rate.per_minute: expected a whole number from 0 to 60000000, "
		"found 'ten'");
	must_fail(
		LEAST "limits: {messages: 65537}\n",
		"f:8:20: limits.messages: expected a whole number from 1 to 65536, found '65537'");
	must_fail(LEAST "limits: {body: 9}\n", "f:8:16: limits.body: expected a size from 1KiB to "
					       "1GiB (units B, KiB, MiB, GiB), found '9'");
	must_fail(LEAST "timeouts: {idle: 10}\n",
		  "f:8:18: timeouts.idle: expected a duration from 1ms to 1h (units ms, s, m, h), "
		  "found '10'");
	must_fail(LEAST "timeouts: {idle: [10s]}\n",
		  "f:8:18: timeouts.idle: expected a duration from 1ms to 1h (units ms, s, m, h), "
		  "found a list");
	must_fail(LEAST "timeouts: {idle: {}}\n",
		  "f:8:18: timeouts.idle: expected a duration from 1ms to 1h (units ms, s, m, h), "
		  "found a section");
	must_fail(LEAST "limits: 3\n", "f:8:9: limits: expected a section of keys, found '3'");
	must_fail("listeners:\n  address: 127.0.0.1:1\n",
		  "f:2:3: listeners: expected a list of 1 to 16 sections, found a section");
	must_fail("listeners: [127.0.0.1:1]\n",
		  "f:1:13: listeners[0]: expected a section of keys, found '127.0.0.1:1'");
	must_fail("listeners:\n  - address: localhost:1\n",
		  "f:2:14: listeners[0].address: expected an address with port like 127.0.0.1:8443 "
		  "or [::1]:8443, found 'localhost:1'");
	must_fail(LISTENERS "upstreams:\n  - {name: a b, url: https://a/}\n",
		  "f:4:12: upstreams[0].name: expected 1 to 63 of A-Z a-z 0-9 . _ -, found 'a b'");
}

/* "admin:" with its keys commented out is null; "ca_file: null" was taken for a file of that name.
 */
static void null_is_nothing_not_a_text(void **state)
{
	struct rw_config *c = must_load(LEAST "timeouts:\n#  idle: 3s\n");

	(void)state;
	assert_int_equal(c->idle_ms, 75000);
	rw_config_free(c);
	must_fail(LEAST "state_dir: null\n", "f:8:12: state_dir: expected a path, found nothing");
	must_fail(LEAST "state_dir: ~\n", "f:8:12: state_dir: expected a path, found nothing");
	must_fail(LEAST "state_dir: \"\"\n", "f:8:12: state_dir: expected a path, found ''");
	must_fail("listeners:\n",
		  "f:1:11: listeners: expected a list of 1 to 16 sections, found nothing");
}

static void unknown_key_suggests_what_was_meant(void **state)
{
	(void)state;
	must_fail(LEAST "limts: {}\n",
		  "f:8:1: limts: there is no such key; did you mean 'limits'?");
	must_fail(LEAST "limits:\n  key_rate:\n    per_minut: 1\n",
		  "f:10:5: limits.key_rate.per_minut: there is no such key; did you mean "
		  "'per_minute'?");
	/* Right word, wrong section. */
	must_fail(LEAST "rules_dir: /x\n",
		  "f:8:1: rules_dir: there is no such key; did you mean 'guards.rules_dir'?");
	must_fail(LEAST "audit: {quux: 1}\n",
		  "f:8:9: audit.quux: there is no such key; known here: file, required, sync");
	must_fail(LEAST "\"a\\nb\": 1\n",
		  "f:8:1: a?b: there is no such key; known here: listeners, admin, balancers, "
		  "upstreams, models, auth, limits, timeouts, guards, state_dir, audit, kernel, "
		  "strikes, "
		  "workers, spin_us");
}

static void missing_key_is_named_where_it_belongs(void **state)
{
	(void)state;
	must_fail(UPSTREAMS MODELS, "f:1:1: listeners: this key is missing");
	must_fail(LISTENERS MODELS, "f:1:1: upstreams: this key is missing");
	must_fail(LISTENERS "upstreams:\n  - url: https://a/\n" MODELS,
		  "f:4:5: upstreams[0].name: this key is missing");
	must_fail(LISTENERS UPSTREAMS, "f:1:1: models: this key is missing");
	must_fail("listeners:\n  - tls: off\n", "f:2:5: listeners[0].address: this key is missing");
	must_fail("listeners:\n  - address: 127.0.0.1:1\n    tls: {cert_file: /c}\n",
		  "f:3:10: listeners[0].tls.key_file: this key is missing");
}

/* "upstreams is missing" hid the typo in the section that somebody had just written. */
static void wrong_value_is_told_before_a_missing_key(void **state)
{
	(void)state;
	must_fail("workers: ten\n",
		  "f:1:10: workers: expected a whole number from 0 to 256, found 'ten'");
	must_fail("wrokers: 1\n", "f:1:1: wrokers: there is no such key; did you mean 'workers'?");
}

/* A key in clear on the network is the one thing that must not happen by a slip. */
static void plain_http_off_loopback_must_be_asked_for(void **state)
{
	(void)state;
	must_fail(
		"listeners:\n  - {address: '0.0.0.0:80', tls: off}\n" UPSTREAMS MODELS,
		"f:2:34: listeners[0].tls: off is for loopback addresses: keys and prompts would "
		"be readable on the network; use TLS, or set plain_anywhere: true if something in "
		"front encrypts");
	must_fail(LISTENERS "upstreams:\n  - {name: openai, url: 'http://10.0.0.1/v1'}\n" MODELS,
		  "f:4:25: upstreams[0].url: http is for loopback: the key and prompts would be "
		  "readable on the network; use https, or set insecure_plain: true");
	rw_config_free(must_load(LISTENERS
				 "upstreams:\n  - {name: openai, url: 'http://10.0.0.1/v1', "
				 "insecure_plain: true}\n" MODELS));
}

static void words_that_cannot_be_had_say_why(void **state)
{
	(void)state;
	must_fail(LEAST "guards: {request: {injection: mask}}\n",
		  "f:8:31: guards.request.injection: 'mask' cannot be had here: an instruction "
		  "cannot be masked without changing what is asked: block or flag it");
	must_fail("listeners:\n  - {address: '127.0.0.1:1', tls: true}\n",
		  "f:2:35: listeners[0].tls: 'true' cannot be had here: write self-signed, or a "
		  "section with cert_file and key_file");
	must_fail(LEAST "guards: {answer: {pii: hide}}\n",
		  "f:8:24: guards.answer.pii: expected one of block, mask, flag, allow, found "
		  "'hide'");
	must_fail(
		"listeners:\n  - {address: '127.0.0.1:1', tls: maybe}\n",
		"f:2:35: listeners[0].tls: expected one of self-signed, off, or a section of keys, "
		"found 'maybe'");
}

static void model_must_name_an_upstream_there_is(void **state)
{
	(void)state;
	must_fail(
		LISTENERS UPSTREAMS "models:\n  - {name: m, upstream: opnai}\n",
		"f:7:25: models[0].upstream: there is no upstream 'opnai'; did you mean 'openai'?");
	must_fail(LISTENERS UPSTREAMS "models:\n  - {name: m, upstream: x}\n",
		  "f:7:25: models[0].upstream: there is no upstream 'x' under upstreams");
	/* The order in the file does not matter. */
	rw_config_free(must_load(MODELS UPSTREAMS LISTENERS));
}

static void upstream_that_no_model_uses_is_an_error(void **state)
{
	(void)state;
	must_fail(LISTENERS UPSTREAMS "  - {name: spare, url: https://spare/}\n" MODELS,
		  "f:6:12: upstreams[1].name: no model and no detector uses this upstream; add one "
		  "under models, or "
		  "remove it");
}

#define DETECTOR(rest) "guards: {detectors: [{name: d, upstream: openai, " rest "}]}\n"

static void a_detector_has_what_its_protocol_needs(void **state)
{
	struct rw_config *c;

	(void)state;
	c = must_load(
		LISTENERS UPSTREAMS
		"  - {name: spare, url: https://spare/}\n" MODELS
		"guards: {detectors: [{name: d, protocol: judge, model: m, upstream: spare}]}\n");
	assert_int_equal(c->n_detectors, 1);
	assert_int_equal(c->detectors[0].upstream, 1);
	assert_int_equal(c->detectors[0].protocol, RW_DETECTOR_JUDGE);
	assert_int_equal(c->detectors[0].deadline_ms, 2000);
	assert_int_equal(c->detectors[0].max_text_bytes, 65536);
	assert_false(c->detectors[0].fail_open);
	rw_config_free(c);
	must_fail(LEAST DETECTOR("protocol: judge"),
		  "f:8:22: guards.detectors[0]: a judge needs the name of a model");
	must_fail(LEAST DETECTOR("protocol: presidio, model: m"),
		  "f:8:22: guards.detectors[0]: model is for a judge");
	must_fail(LEAST DETECTOR(
			  "protocol: presidio}, {name: d, upstream: openai, protocol: presidio"),
		  "f:8:71: guards.detectors[1]: another detector has this name");
}

static void twins_are_errors(void **state)
{
	(void)state;
	must_fail(LISTENERS UPSTREAMS "  - {name: openai, url: https://b/}\n" MODELS,
		  "f:6:12: upstreams[1].name: the same as in upstreams[0]");
	must_fail(LEAST "  - {name: gpt-4o-mini, upstream: openai}\n",
		  "f:8:12: models[1].name: the same as in models[0]");
	must_fail(
		"listeners:\n  - address: '[::1]:1'\n  - address: '[0::0:1]:1'\n" UPSTREAMS MODELS,
		"f:3:14: listeners[1].address: the same as in listeners[0]");
	must_fail(LEAST "admin: {address: '127.0.0.1:8443'}\n",
		  "f:8:18: admin.address: a listener has this address already");
	/* Port 0 asks the kernel for any: two of these are two. */
	rw_config_free(must_load("listeners:\n  - address: 127.0.0.1:0\n  - address: "
				 "127.0.0.1:0\n" UPSTREAMS MODELS));
}

/* "gpt-*" looks as if it worked, and matched nothing. */
static void star_stands_alone_and_last(void **state)
{
	(void)state;
	must_fail(
		LISTENERS UPSTREAMS "models:\n  - {name: 'gpt-*', upstream: openai}\n",
		"f:7:12: models[0].name: patterns are not supported: name the model, or \"*\" for "
		"every");
	must_fail(LISTENERS UPSTREAMS
		  "models:\n  - {name: '*', upstream: openai}\n  - {name: m, upstream: openai}\n",
		  "f:7:12: models[0].name: \"*\" must be the last: models after it would never be "
		  "reached");
}

static void required_audit_needs_a_file(void **state)
{
	struct rw_config *c = must_load(LEAST "audit: {file: /a}\n");

	(void)state;
	assert_true(c->audit_required);
	rw_config_free(c);
	must_fail(LEAST "audit: {required: true}\n",
		  "f:8:19: audit.required: an audit log can be required only where audit.file is "
		  "set");
}

static void bounds_must_fit_each_other(void **state)
{
	(void)state;
	must_fail(LEAST "limits: {memory: 16MiB}\n",
		  "f:8:18: limits.memory: must hold one body and one answer: raise it, or lower "
		  "limits.body or limits.answer");
	must_fail(LEAST "limits: {body: 1GiB}\n",
		  "f:8:9: limits.memory: must hold one body and one answer: raise it, or lower "
		  "limits.body or limits.answer");
	must_fail(LEAST "strikes: {ban: 1h, ban_max: 1m}\n",
		  "f:8:29: strikes.ban_max: must not be shorter than strikes.ban");
	must_fail(LEAST "strikes: {ban: 48h}\n",
		  "f:8:10: strikes.ban_max: must not be shorter than strikes.ban");
}

static void too_many_items_are_refused_before_they_are_stored(void **state)
{
	char yaml[4096] = "listeners:\n";
	struct rw_error e;
	struct rw_config *c;

	(void)state;
	for (unsigned i = 0; i <= RW_MAX_LISTENERS; i++)
		snprintf(yaml + strlen(yaml), 40, "  - address: 127.0.0.1:%u\n", i + 1);
	assert_int_equal(rw_config_parse(&c, yaml, strlen(yaml), "f", &e), RW_EINVAL);
	assert_string_equal(e.text,
			    "f:2:3: listeners: expected a list of 1 to 16 sections, found a "
			    "list");
}

/* What `serve` runs with when no file is named must never be broken. */
static void built_in_configuration_loads_and_names_its_variable(void **state)
{
	struct rw_error e;
	struct rw_config *c;

	(void)state;
	unsetenv("OPENAI_API_KEY");
	assert_int_equal(rw_config_default(&c, &e), RW_EINVAL);
	assert_string_equal(e.text, "(built in):9:10: upstreams[0].key: the environment variable "
				    "OPENAI_API_KEY is not set");
	setenv("OPENAI_API_KEY", "sk-test", 1);
	assert_int_equal(rw_config_default(&c, &e), RW_OK);
	assert_string_equal(c->listeners[0].address, "127.0.0.1:8443");
	assert_string_equal(c->upstreams[0].key, "sk-test");
	assert_string_equal(c->models[0].name, "*");
	assert_string_equal(c->file, "(built in)");
	rw_config_free(c);
	unsetenv("OPENAI_API_KEY");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(least_configuration_has_the_documented_defaults),
		cmocka_unit_test(every_section_reaches_its_fields),
		cmocka_unit_test(wrong_value_says_place_path_range_and_what_was_found),
		cmocka_unit_test(null_is_nothing_not_a_text),
		cmocka_unit_test(unknown_key_suggests_what_was_meant),
		cmocka_unit_test(missing_key_is_named_where_it_belongs),
		cmocka_unit_test(wrong_value_is_told_before_a_missing_key),
		cmocka_unit_test(plain_http_off_loopback_must_be_asked_for),
		cmocka_unit_test(words_that_cannot_be_had_say_why),
		cmocka_unit_test(model_must_name_an_upstream_there_is),
		cmocka_unit_test(upstream_that_no_model_uses_is_an_error),
		cmocka_unit_test(a_detector_has_what_its_protocol_needs),
		cmocka_unit_test(twins_are_errors),
		cmocka_unit_test(star_stands_alone_and_last),
		cmocka_unit_test(required_audit_needs_a_file),
		cmocka_unit_test(bounds_must_fit_each_other),
		cmocka_unit_test(too_many_items_are_refused_before_they_are_stored),
		cmocka_unit_test(built_in_configuration_loads_and_names_its_variable),
	};

	rw_log_set_level(RW_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
