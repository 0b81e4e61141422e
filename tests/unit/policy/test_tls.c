/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration says of TLS: lists inside of items, and keys that must fit together. */
#include "util.h"

#define PIN "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void every_key_reaches_its_field(void **state)
{
	struct rw_config *c = must_load(
		"listeners:\n"
		"  - address: 127.0.0.1:1\n"
		"  - address: 127.0.0.1:2\n"
		"    tls: {cert_file: /c, key_file: /k, ocsp_file: /o, unknown_name: refuse, "
		"profile: modern, client_cert: required, client_ca_file: /ca, hsts: 24h,\n"
		"      certificates: [{cert_file: /c1, key_file: /k1}, {cert_file: c2, key_file: "
		"/k2, "
		"ocsp_file: /o2}]}\n"
		"upstreams:\n"
		"  - name: openai\n    url: https://192.0.2.1/v1\n"
		"    tls: {name: api.example.com, min_version: 1.3, cert_file: /uc, key_file: /uk, "
		"pins_mode: report, pins: [{sha256: " PIN "}, {sha256: " PIN "}]}\n" MODELS
		"auth: {client_cert: accepted}\n"
		"limits: {handshakes: 7, address_handshakes: 3}\n");
	const struct rw_listener_config *l = &c->listeners[1];
	const struct rw_upstream_config *u = &c->upstreams[0];

	(void)state;
	assert_int_equal(c->listeners[0].hsts_ms, 0); /* self-signed: nothing to insist on */
	assert_int_equal(c->listeners[0].n_more, 0);
	assert_string_equal(l->first.ocsp_file, "/o");
	assert_int_equal(l->n_more, 2);
	assert_string_equal(l->more[0].cert_file, "/c1");
	assert_null(l->more[0].ocsp_file);
	assert_string_equal(l->more[1].key_file, "/k2");
	assert_string_equal(l->more[1].ocsp_file, "/o2");
	assert_true(l->refuse_unknown);
	assert_true(l->modern);
	assert_int_equal(l->client_cert, RW_CLIENT_CERT_REQUIRED);
	assert_string_equal(l->client_ca_file, "/ca");
	assert_int_equal(l->hsts_ms, 24 * 3600 * 1000);
	assert_string_equal(u->tls_name, "api.example.com");
	assert_true(u->modern);
	assert_string_equal(u->cert_file, "/uc");
	assert_string_equal(u->key_file, "/uk");
	assert_int_equal(u->n_pins, 2);
	assert_string_equal(u->pins[1].sha256, PIN);
	assert_true(u->pins_report);
	assert_true(c->certs_accepted);
	assert_int_equal(c->max_handshakes, 7);
	assert_int_equal(c->max_address_handshakes, 3);
	rw_config_free(c);
}

static void defaults_are_the_careful_ones(void **state)
{
	struct rw_config *c = must_load("listeners: [{address: '127.0.0.1:1', tls: {cert_file: /c, "
					"key_file: /k}}]\n" UPSTREAMS MODELS);

	(void)state;
	assert_false(c->listeners[0].refuse_unknown);
	assert_false(c->listeners[0].modern);
	assert_int_equal(c->listeners[0].client_cert, RW_CLIENT_CERT_OFF);
	assert_int_equal(c->listeners[0].hsts_ms / 1000, 365 * 24 * 3600);
	assert_false(c->certs_accepted);
	assert_false(c->upstreams[0].pins_report);
	assert_int_equal(c->upstreams[0].n_pins, 0);
	rw_config_free(c);
}

#define TLS_LISTENER(more) \
	"listeners:\n  - address: 127.0.0.1:1\n    tls: {cert_file: /c, key_file: /k" more "}\n"
#define TLS_UPSTREAM(url, more) \
	"upstreams:\n  - name: openai\n    url: " url "\n    tls: {" more "}\n"

/* A certificate that is asked for and that nobody can verify, or a CA that nobody asks for. */
static void clients_certificates_need_their_ca(void **state)
{
	(void)state;
	must_fail(TLS_LISTENER(", client_cert: optional") UPSTREAMS MODELS,
		  "f:3:10: listeners[0].tls: client_cert needs client_ca_file: who signs clients' "
		  "certificates");
	must_fail(
		TLS_LISTENER(", client_ca_file: /ca") UPSTREAMS MODELS,
		"f:3:10: listeners[0].tls: client_ca_file says nothing with client_cert: off; set "
		"that to optional or required");
	must_fail(
		LEAST "auth: {client_cert: accepted}\n",
		"f:8:21: auth.client_cert: no listener asks for a certificate: set client_cert and "
		"client_ca_file under its tls");
}

static void what_is_said_of_an_upstreams_tls_must_fit(void **state)
{
	(void)state;
	must_fail(LISTENERS TLS_UPSTREAM("http://localhost/v1", "min_version: 1.3") MODELS,
		  "f:6:10: upstreams[0].tls: the URL is http: there is no TLS to say anything of");
	must_fail(LISTENERS TLS_UPSTREAM("https://a.example/v1", "cert_file: /c") MODELS,
		  "f:6:10: upstreams[0].tls: cert_file and key_file go together");
	must_fail(LISTENERS TLS_UPSTREAM("https://a.example/v1",
					 "pins: [{sha256: "
					 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==}]") MODELS,
		  "f:6:10: upstreams[0].tls: a pin is the base64 of a SHA-256: 43 characters and "
		  "'='; docs/operating.md has the command that makes one");
	must_fail(
		LISTENERS TLS_UPSTREAM("https://a.example/v1", "min_version: 1.1") MODELS,
		"f:6:24: upstreams[0].tls.min_version: '1.1' cannot be had here: it is broken (RFC "
		"8996)");
}

/* There is no word that turns verification off. */
static void verification_has_no_switch(void **state)
{
	static const char *const words[] = {"verify: false", "insecure: true", "skip_verify: true"};
	struct rw_error e = {.text = ""};
	struct rw_config *c = NULL;
	char yaml[512];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		snprintf(yaml, sizeof(yaml),
			 LISTENERS TLS_UPSTREAM("https://a.example/v1", "%s") MODELS, words[i]);
		assert_int_equal(rw_config_parse(&c, yaml, strlen(yaml), "f", &e), RW_EINVAL);
		assert_non_null(strstr(e.text, "there is no such key"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_reaches_its_field),
		cmocka_unit_test(defaults_are_the_careful_ones),
		cmocka_unit_test(clients_certificates_need_their_ca),
		cmocka_unit_test(what_is_said_of_an_upstreams_tls_must_fit),
		cmocka_unit_test(verification_has_no_switch),
	};

	rw_log_set_level(RW_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
