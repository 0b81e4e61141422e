/* SPDX-License-Identifier: Apache-2.0 */
/* Towards an upstream: pins, sessions kept, our own certificate, another name. */
#include "unit/tls/util.h"

#include "tls/internal.h"

static struct rw_tls_shared *shared;

static struct rw_tls_ctx *make(struct rw_tls_client_config *cfg)
{
	struct rw_error e = {.text = ""};
	struct rw_tls_ctx *c = NULL;
	static char ca[192];

	snprintf(ca, sizeof(ca), "%s/ca.crt", test_dir);
	cfg->ca_file = ca;
	cfg->shared = shared;
	if (rw_tls_client_make(&c, cfg, &e))
		fail_msg("%s", e.text);
	return c;
}

/* One connection; what the client says where it fails, else NULL. */
static const char *visit(struct rw_tls_ctx *cc, struct rw_tls_ctx *sc, const char *host)
{
	static char text[480];
	struct end client, server;

	end_begin(&server, sc, NULL);
	end_begin(&client, cc, host);
	handshake(&client, &server, (struct cuts){0});
	snprintf(text, sizeof(text), "%s", client.last == RW_RECORD_ERROR ? client.e.text : "");
	if (!text[0]) {
		assert_int_equal(client.opens, 1);
		client.rec->ops->close(client.rec);
		server.rec->ops->close(server.rec);
		converse(&client, &server, (struct cuts){0});
	}
	end_free(&client);
	end_free(&server);
	return text[0] ? text : NULL;
}

static const char *pin_of(const char *crt, char out[64])
{
	FILE *f = fopen(in_dir(crt), "r");
	X509 *x = PEM_read_X509(f, NULL, NULL, NULL);
	unsigned char *der = NULL, md[32];
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);

	assert_true(EVP_Digest(der, (size_t)n, md, NULL, EVP_sha256(), NULL));
	EVP_EncodeBlock((unsigned char *)out, md, sizeof(md));
	OPENSSL_free(der);
	X509_free(x);
	fclose(f);
	return out;
}

/* The key itself, or its CA's; a backup pin that is not in use does no harm. */
static void one_of_the_pins_is_enough(void **state)
{
	static const char *const files[] = {"good.crt", "ca.crt"};
	struct rw_tls_ctx *sc = server_ctx("good");
	char pin[64], backup[64];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct rw_tls_client_config cfg = {
			.pins = {pin_of("alone.crt", backup), pin_of(files[i], pin)}, .n_pins = 2};
		struct rw_tls_ctx *cc = make(&cfg);

		assert_null(visit(cc, sc, "localhost"));
		rw_tls_ctx_unref(cc);
	}
	rw_tls_ctx_unref(sc);
}

static void none_of_the_pins_is_a_refusal_or_a_report(void **state)
{
	_Atomic uint64_t *count = &rw_tls_shared_stats(shared)->pin_mismatches;
	struct rw_tls_ctx *sc = server_ctx("good");
	char pin[64];
	uint64_t before = *count;
	const char *said;

	(void)state;
	for (int report = 0; report < 2; report++) {
		struct rw_tls_client_config cfg = {
			.pins = {pin_of("other.crt", pin)}, .n_pins = 1, .pins_report = report};
		struct rw_tls_ctx *cc = make(&cfg);

		said = visit(cc, sc, "localhost");
		if (report)
			assert_null(said);
		else
			assert_non_null(strstr(said, "none of the pinned keys is in its chain"));
		rw_tls_ctx_unref(cc);
	}
	assert_int_equal(*count, before + 2);
	rw_tls_ctx_unref(sc);
}

/* A pin is not instead of verification: the right key in a certificate that is not trusted. */
static void a_pin_does_not_replace_trust(void **state)
{
	struct rw_tls_ctx *sc = server_ctx("alone");
	char pin[64];
	struct rw_tls_client_config cfg = {
		.pins = {pin_of("alone.crt", pin)}, .n_pins = 1, .pins_report = true};
	struct rw_tls_ctx *cc = make(&cfg);

	(void)state;
	assert_non_null(visit(cc, sc, "localhost"));
	rw_tls_ctx_unref(cc);
	rw_tls_ctx_unref(sc);
}

static void what_is_no_pin_is_refused(void **state)
{
	static const char *const wrong[] = {"", "sha256/AAAA",
					    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
					    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
					    "AAAAAAAAAAAAAAAAAAAA!AAAAAAAAAAAAAAAAAAAAAA="};

	(void)state;
	for (size_t i = 0; i < 5; i++)
		assert_false(rw_tls_is_pin(wrong[i]));
	assert_true(rw_tls_is_pin("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
}

/* --- sessions ----------------------------------------------------------------------------- */

static void the_next_connection_resumes(void **state)
{
	_Atomic uint64_t *count = &rw_tls_shared_stats(shared)->upstream_resumptions;
	struct rw_tls_ctx *sc = server_ctx("good");
	struct rw_tls_client_config cfg = {0};
	struct rw_tls_ctx *cc = make(&cfg);
	uint64_t before = *count;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		assert_null(visit(cc, sc, "localhost"));
		assert_int_equal(*count, before + i);
	}
	/* After a change of the server's keys: a full handshake, not a failure. */
	rw_tls_ctx_unref(sc);
	sc = server_ctx("good");
	assert_null(visit(cc, sc, "localhost"));
	assert_int_equal(*count, before + 3);
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(cc);
}

/* What was verified for one name would, resumed, be taken for another without a look. */
static void a_session_serves_its_own_host_only(void **state)
{
	_Atomic uint64_t *count = &rw_tls_shared_stats(shared)->upstream_resumptions;
	struct rw_tls_ctx *sc = server_ctx("good");
	struct rw_tls_client_config cfg = {0};
	struct rw_tls_ctx *cc = make(&cfg);
	uint64_t before = *count;

	(void)state;
	assert_null(visit(cc, sc, "localhost"));
	assert_null(visit(cc, sc, "127.0.0.1"));
	assert_int_equal(*count, before);
	assert_non_null(strstr(visit(cc, sc, "elsewhere.example"), "hostname mismatch"));
	assert_int_equal(*count, before);
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(cc);
}

/* RFC 8446 C.4: a ticket used twice links the connections; TLS 1.2 has no choice. */
static void a_ticket_of_tls_1_3_is_used_once(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct rw_tls_sessions *t = rw_tls_sessions_new();
		SSL_SESSION *s = SSL_SESSION_new(), *got;
		const unsigned char id[] = {1};

		SSL_SESSION_set1_id(s, id, 1);
		SSL_SESSION_set_protocol_version(s, versions[i]);
		SSL_SESSION_set_time_ex(s, time(NULL));
		SSL_SESSION_set_timeout(s, 100);
		rw_tls_sessions_put(t, "h", s);
		assert_null(rw_tls_sessions_take(t, "g"));
		got = rw_tls_sessions_take(t, "h");
		assert_ptr_equal(got, s);
		SSL_SESSION_free(got);
		got = rw_tls_sessions_take(t, "h");
		assert_ptr_equal(got, i ? NULL : s);
		SSL_SESSION_free(got);
		rw_tls_sessions_free(t);
	}
}

/* Those that nobody takes make room; those whose time is over are not offered. */
static void sessions_are_few_and_fresh(void **state)
{
	struct rw_tls_sessions *t = rw_tls_sessions_new();
	const unsigned char id[] = {1};
	unsigned n = 0;
	SSL_SESSION *s;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		s = SSL_SESSION_new();
		SSL_SESSION_set1_id(s, id, 1);
		SSL_SESSION_set_protocol_version(s, TLS1_3_VERSION);
		SSL_SESSION_set_time_ex(s, time(NULL) - (i % 2 ? 200 : 0));
		SSL_SESSION_set_timeout(s, 100);
		rw_tls_sessions_put(t, "h", s);
	}
	while ((s = rw_tls_sessions_take(t, "h"))) {
		SSL_SESSION_free(s);
		n++;
	}
	assert_int_equal(n, 16); /* of the last 32 every other one */
	rw_tls_sessions_free(t);
}

/* --- the rest ------------------------------------------------------------------------------- */

static void another_name_may_be_asked_for(void **state)
{
	struct rw_tls_client_config cfg = {.name = "elsewhere.example"};
	struct rw_tls_ctx *cc = make(&cfg), *sc = server_ctx("other"), *good = server_ctx("good");

	(void)state;
	assert_null(visit(cc, sc, "127.0.0.1"));
	assert_non_null(visit(cc, good, "127.0.0.1"));
	rw_tls_ctx_unref(cc);
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(good);
}

static void our_own_certificate_is_shown_where_it_is_asked_for(void **state)
{
	struct rw_tls_pair pair = {0};
	struct rw_tls_client_config cfg = {0};
	struct rw_error e = {.text = ""};
	struct rw_tls_ctx *sc, *cc;
	char f[5][192];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		snprintf(f[i], sizeof(f[i]), "%s/%s", test_dir,
			 (const char *[]){"good.crt", "good.key", "ca.crt", "other.crt",
					  "other.key"}[i]);
	pair = (struct rw_tls_pair){f[0], f[1], NULL};
	assert_int_equal(rw_tls_server_make(&sc,
					    &(struct rw_tls_server_config){.pairs = &pair,
									   .n_pairs = 1,
									   .client_ca_file = f[2],
									   .client_required = true},
					    &e),
			 RW_OK);
	cc = make(&cfg);
	assert_non_null(strstr(visit(cc, sc, "localhost"), "it wants a client certificate"));
	rw_tls_ctx_unref(cc);
	cfg.cert_file = f[3];
	cfg.key_file = f[4];
	cc = make(&cfg);
	assert_null(visit(cc, sc, "localhost"));
	rw_tls_ctx_unref(cc);
	rw_tls_ctx_unref(sc);
	/* Our key, like a listener's, is a secret. */
	assert_int_equal(chmod(f[4], 0640), 0);
	assert_int_equal(rw_tls_client_make(&cc, &cfg, &e), RW_EPERM);
	assert_int_equal(chmod(f[4], 0600), 0);
}

static void tls_1_3_only_refuses_1_2(void **state)
{
	struct rw_tls_client_config cfg = {.modern = true};
	struct rw_tls_ctx *cc = make(&cfg);
	struct end client;
	struct raw r;

	(void)state;
	raw_begin(&r, true, TLS1_2_VERSION);
	raw_start(&r, true);
	end_begin(&client, cc, "localhost");
	end_feed(&client, NULL, 0);
	raw_converse(&r, &client);
	assert_int_equal(client.last, RW_RECORD_ERROR);
	end_free(&client);
	raw_free(&r);
	rw_tls_ctx_unref(cc);
}

static int begin(void **state)
{
	struct rw_error e;

	return make_pki(state) || rw_tls_shared_new(&shared, 0, &e);
}

static int end(void **state)
{
	rw_tls_shared_unref(shared);
	return remove_pki(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_of_the_pins_is_enough),
		cmocka_unit_test(none_of_the_pins_is_a_refusal_or_a_report),
		cmocka_unit_test(a_pin_does_not_replace_trust),
		cmocka_unit_test(what_is_no_pin_is_refused),
		cmocka_unit_test(the_next_connection_resumes),
		cmocka_unit_test(a_session_serves_its_own_host_only),
		cmocka_unit_test(a_ticket_of_tls_1_3_is_used_once),
		cmocka_unit_test(sessions_are_few_and_fresh),
		cmocka_unit_test(another_name_may_be_asked_for),
		cmocka_unit_test(our_own_certificate_is_shown_where_it_is_asked_for),
		cmocka_unit_test(tls_1_3_only_refuses_1_2),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
