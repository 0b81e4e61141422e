/* SPDX-License-Identifier: Apache-2.0 */
/* A listener's choices: which certificate, which ticket, whose client it is. */
#include "unit/tls/listener.h"

/* --- SNI ---------------------------------------------------------------------------------- */

/* The common name that a client sees which asks for host, with one kind of signature; "" refused.
 */
static void seen(struct rw_tls_ctx *sc, const char *host, char *sigalgs, int version, char out[64])
{
	char name[300]; /* OpenSSL's macros take no const */
	struct end server;
	struct raw r;
	X509 *x;

	raw_begin(&r, false, version);
	if (sigalgs)
		assert_true(SSL_CTX_set1_sigalgs_list(r.ctx, sigalgs));
	raw_start(&r, false);
	snprintf(name, sizeof(name), "%s", host ? host : "");
	if (host)
		assert_true(SSL_set_tlsext_host_name(r.ssl, name));
	end_begin(&server, sc, NULL);
	raw_converse(&r, &server);
	out[0] = '\0';
	x = SSL_get0_peer_certificate(r.ssl);
	if (x && server.opens)
		X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, out, 64);
	else
		snprintf(out, 64, "%s", r.said ? r.said : "");
	end_free(&server);
	raw_free(&r);
}

static void assert_seen(struct rw_tls_ctx *sc, const char *host, char *sigalgs, const char *want)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	char got[64];

	for (size_t i = 0; i < 2; i++) {
		seen(sc, host, sigalgs, versions[i], got);
		if (!strstr(got, want) || (!want[0] && got[0]))
			fail_msg("%s with %s: '%s', not '%s'", host ? host : "(no name)",
				 sigalgs ? sigalgs : "any", got, want);
	}
}

static char ecdsa[] = "ecdsa_secp256r1_sha256";
static char rsa[] = "rsa_pss_rsae_sha256";

static void make_names(void)
{
	make_files("a", &(struct cert_spec){.cn = "a", .san = "DNS:a.example,DNS:both.example"});
	make_files("b", &(struct cert_spec){
				.cn = "b", .rsa = true, .san = "DNS:both.example,DNS:b.example"});
	make_files("w", &(struct cert_spec){.cn = "w", .san = "DNS:*.example,DNS:*.deep.example"});
	make_files("a2", &(struct cert_spec){.cn = "a2", .rsa = true, .san = "DNS:A.example"});
}

/* Exact before wildcard; a wildcard is one label; case and SNI's spelling do not matter. */
static void a_name_chooses_its_certificate(void **state)
{
	struct rw_tls_server_config cfg = {.shared = shared};
	struct rw_tls_ctx *sc = make(&cfg, (const char *[]){"a", "b", "w", NULL});

	(void)state;
	assert_seen(sc, "a.example", NULL, "a");
	assert_seen(sc, "A.EXAMPLE", NULL, "a");
	assert_seen(sc, "b.example", NULL, "b");
	assert_seen(sc, "c.example", NULL, "w");
	assert_seen(sc, "x.deep.example", NULL, "w");
	assert_seen(sc, "x.y.deep.example", NULL, "a"); /* unknown: the first */
	assert_seen(sc, "elsewhere.test", NULL, "a");
	assert_seen(sc, NULL, NULL, "a");
	rw_tls_ctx_unref(sc);
}

/* One name, two kinds of key: who cannot have the one gets the other; so for no name, too. */
static void ecdsa_and_rsa_stand_side_by_side(void **state)
{
	struct rw_tls_server_config cfg = {.shared = shared};
	struct rw_tls_ctx *sc = make(&cfg, (const char *[]){"a", "b", "a2", NULL});

	(void)state;
	assert_seen(sc, "both.example", ecdsa, "a");
	assert_seen(sc, "both.example", rsa, "b");
	assert_seen(sc, "a.example", rsa, "a2");
	assert_seen(sc, NULL, rsa, "a2");
	assert_seen(sc, NULL, ecdsa, "a");
	/* What b.example does not have must not be borrowed from the default. */
	assert_seen(sc, "b.example", ecdsa, "handshake failure");
	rw_tls_ctx_unref(sc);
}

static void an_unknown_name_is_refused_where_that_is_asked(void **state)
{
	struct rw_tls_server_config cfg = {.shared = shared, .refuse_unknown = true};
	struct rw_tls_ctx *sc = make(&cfg, (const char *[]){"a", "b", NULL});
	uint64_t before = count("unknown_names");

	(void)state;
	assert_seen(sc, "elsewhere.test", NULL, "unrecognized name");
	assert_seen(sc, "b.example", NULL, "b");
	assert_seen(sc, NULL, NULL, "a"); /* it asked for nothing that is not there */
	assert_int_equal(count("unknown_names"), before + 2);
	rw_tls_ctx_unref(sc);
}

static void a_certificate_that_nobody_would_get_is_refused(void **state)
{
	struct rw_tls_pair pairs[2] = {*pair_of("a"), {0}};
	struct rw_error e = {.text = ""};
	struct rw_tls_ctx *c;

	(void)state;
	make_files("nameless", &(struct cert_spec){.san = "email:who@a.example"});
	pairs[1] = *pair_of("nameless");
	assert_int_equal(
		rw_tls_server_make(&c, &(struct rw_tls_server_config){.pairs = pairs, .n_pairs = 2},
				   &e),
		RW_EINVAL);
	assert_non_null(strstr(e.text, "nameless.crt names no host"));
	assert_int_equal(rw_tls_server_make(&c, &(struct rw_tls_server_config){.n_pairs = 0}, &e),
			 RW_ELIMIT);
}

/* SNI's bytes are a stranger's: empty, long, a dot first or last, a wildcard itself. */
static void odd_names_are_only_unknown(void **state)
{
	static const char *const odd[] = {".", "..", ".example", "a.example.", "*.example", "*"};
	struct rw_tls_server_config cfg = {.shared = shared};
	struct rw_tls_ctx *sc = make(&cfg, (const char *[]){"a", "w", NULL});
	char longest[256];

	(void)state;
	for (size_t i = 0; i < 6; i++)
		assert_seen(sc, odd[i], NULL, i == 4 ? "w" : "a");
	memset(longest, 'x', 255);
	longest[255] = '\0';
	assert_seen(sc, longest, NULL, "a");
	rw_tls_ctx_unref(sc);
}

static void modern_is_tls_1_3_only(void **state)
{
	struct rw_tls_server_config cfg = {.profile = RW_TLS_MODERN};
	struct rw_tls_ctx *sc = make(&cfg, (const char *[]){"a", NULL});
	char got[64];

	(void)state;
	seen(sc, "a.example", NULL, TLS1_3_VERSION, got);
	assert_string_equal(got, "a");
	seen(sc, "a.example", NULL, TLS1_2_VERSION, got);
	assert_non_null(strstr(got, "alert protocol version"));
	rw_tls_ctx_unref(sc);
}

/* At a reload the old certificate is better than one that every client refuses. */
static void an_expired_certificate_is_refused_at_a_reload(void **state)
{
	struct rw_tls_server_config cfg = {
		.pairs = pair_of("expired"), .n_pairs = 1, .refuse_expired = true};
	struct rw_error e = {.text = ""};
	struct rw_tls_ctx *c;

	(void)state;
	assert_int_equal(rw_tls_server_make(&c, &cfg, &e), RW_EINVAL);
	assert_non_null(strstr(e.text, "expired.crt has expired"));
	cfg.refuse_expired = false;
	assert_int_equal(rw_tls_server_make(&c, &cfg, &e), RW_OK);
	rw_tls_ctx_unref(c);
}

/* --- tickets ------------------------------------------------------------------------------ */

/* A connection with the session given, or none; its own last one, and whether it was resumed. */
static SSL_SESSION *visit(struct rw_tls_ctx *sc, int version, SSL_SESSION *with, bool *reused)
{
	SSL_SESSION *got;
	struct end server;
	struct raw r;
	char text[8];

	raw_begin(&r, false, version);
	raw_start(&r, false);
	if (with)
		assert_true(SSL_set_session(r.ssl, with));
	end_begin(&server, sc, NULL);
	raw_converse(&r, &server);
	assert_int_equal(server.opens, 1);
	SSL_read(r.ssl, text, sizeof(text)); /* takes the tickets */
	*reused = SSL_session_reused(r.ssl);
	got = SSL_get1_session(r.ssl);
	SSL_set_shutdown(r.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	end_free(&server);
	raw_free(&r);
	return got;
}

/* Two listeners of one process, and the one after a reload: a ticket is good for each. */
static void a_ticket_is_good_at_every_worker_and_after_a_reload(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	uint64_t before = count("resumptions");

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct rw_tls_server_config cfg = {.shared = shared};
		struct rw_tls_ctx *old = make(&cfg, (const char *[]){"a", NULL});
		struct rw_tls_ctx *new = make(&cfg, (const char *[]){"a", NULL});
		SSL_SESSION *s, *t;
		bool reused;

		s = visit(old, versions[i], NULL, &reused);
		assert_false(reused);
		assert_true(SSL_SESSION_is_resumable(s));
		rw_tls_ctx_unref(old);
		t = visit(new, versions[i], s, &reused);
		assert_true(reused);
		SSL_SESSION_free(s);
		SSL_SESSION_free(t);
		rw_tls_ctx_unref(new);
	}
	assert_int_equal(count("resumptions"), before + 2);
}

/* A ticket of the last key opens and is renewed; three keys later it is nothing. */
static void ticket_keys_change_with_time_and_overlap(void **state)
{
	struct rw_tls_server_config cfg = {0};
	struct rw_tls_shared *own;
	struct rw_error e;
	struct rw_tls_ctx *sc;
	SSL_SESSION *s, *t;
	bool reused;

	(void)state;
	assert_int_equal(rw_tls_shared_new(&own, 1000, &e), RW_OK);
	cfg.shared = own;
	sc = make(&cfg, (const char *[]){"a", NULL});
	s = visit(sc, TLS1_2_VERSION, NULL, &reused);
	assert_false(rw_tls_shared_rotate(own, 1000 + RW_TICKET_PERIOD_S - 1));
	for (unsigned i = 1; i < RW_TICKET_KEYS; i++) {
		assert_true(rw_tls_shared_rotate(own, 1000 + i * RW_TICKET_PERIOD_S));
		assert_false(rw_tls_shared_rotate(own, 1000 + i * RW_TICKET_PERIOD_S));
		t = visit(sc, TLS1_2_VERSION, s, &reused);
		assert_true(reused);
		SSL_SESSION_free(t);
	}
	assert_true(rw_tls_shared_rotate(own, 1000 + RW_TICKET_KEYS * RW_TICKET_PERIOD_S));
	t = visit(sc, TLS1_2_VERSION, s, &reused);
	assert_false(reused);
	SSL_SESSION_free(t);
	SSL_SESSION_free(s);
	rw_tls_ctx_unref(sc);
	rw_tls_shared_unref(own);
}

/* Another process has other keys. */
static void a_foreign_ticket_means_a_full_handshake(void **state)
{
	struct rw_tls_server_config cfg = {.shared = shared};
	struct rw_tls_shared *other;
	struct rw_tls_ctx *here, *there;
	SSL_SESSION *s, *t;
	struct rw_error e;
	bool reused;

	(void)state;
	assert_int_equal(rw_tls_shared_new(&other, 0, &e), RW_OK);
	here = make(&cfg, (const char *[]){"a", NULL});
	cfg.shared = other;
	there = make(&cfg, (const char *[]){"a", NULL});
	s = visit(here, TLS1_3_VERSION, NULL, &reused);
	t = visit(there, TLS1_3_VERSION, s, &reused);
	assert_false(reused);
	SSL_SESSION_free(s);
	SSL_SESSION_free(t);
	rw_tls_ctx_unref(here);
	rw_tls_ctx_unref(there);
	rw_tls_shared_unref(other);
}

/* --- clients' certificates ------------------------------------------------------------------ */

static struct identity authority; /* of the clients */

/* What a client with this certificate (NULL: none) is to the server; "" nobody; NULL refused. */
static const char *met(struct rw_tls_ctx *sc, const char *name, int version, char out[300])
{
	struct rw_stream_info info = {0};
	struct end server;
	struct raw r;
	bool open;

	raw_begin(&r, false, version);
	if (name) {
		const struct rw_tls_pair *p = pair_of(name);

		assert_int_equal(
			SSL_CTX_use_certificate_file(r.ctx, p->cert_file, SSL_FILETYPE_PEM), 1);
		assert_int_equal(SSL_CTX_use_PrivateKey_file(r.ctx, p->key_file, SSL_FILETYPE_PEM),
				 1);
	}
	raw_start(&r, false);
	end_begin(&server, sc, NULL);
	raw_converse(&r, &server);
	open = server.opens == 1 && server.last != RW_RECORD_ERROR;
	server.rec->ops->info(server.rec, &info);
	snprintf(out, 300, "%s", info.identity ? info.identity : "");
	end_free(&server);
	raw_free(&r);
	return open ? out : NULL;
}

static struct rw_tls_ctx *asking(bool required)
{
	struct rw_tls_server_config cfg = {.shared = shared, .client_required = required};
	char ca[192];

	snprintf(ca, sizeof(ca), "%s/authority.crt", test_dir);
	cfg.client_ca_file = ca;
	return make(&cfg, (const char *[]){"a", NULL});
}

static void a_client_is_who_its_certificate_says(void **state)
{
	static const struct {
		const char *san, *identity;
	} cases[] = {
		{"DNS:app.example,URI:spiffe://corp/app", "URI:spiffe://corp/app"},
		{"email:who@corp.example,DNS:app.example", "DNS:app.example"},
		{"email:who@corp.example", "email:who@corp.example"},
		{"IP:192.0.2.1", ""},
		{"URI:spiffe://corp/a b,DNS:ok.example", "DNS:ok.example"},
	};
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct rw_tls_ctx *sc = asking(true);
	char got[300];

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		make_files("who", &(struct cert_spec){.issuer = &authority, .san = cases[i].san});
		for (size_t v = 0; v < 2; v++) {
			assert_non_null(met(sc, "who", versions[v], got));
			assert_string_equal(got, cases[i].identity);
		}
	}
	rw_tls_ctx_unref(sc);
}

/* Expired, of another CA, or a server's own: no handshake; where optional, none is fine. */
static void a_wrong_client_certificate_is_refused(void **state)
{
	static const char *const wrong[] = {"late", "good", "alone"};
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	char got[300];

	(void)state;
	make_files("late",
		   &(struct cert_spec){.issuer = &authority, .from_s = -7200, .to_s = -3600});
	for (int required = 0; required < 2; required++) {
		struct rw_tls_ctx *sc = asking(required);

		for (size_t v = 0; v < 2; v++) {
			for (size_t i = 0; i < 3; i++)
				assert_null(met(sc, wrong[i], versions[v], got));
			if (required) {
				assert_null(met(sc, NULL, versions[v], got));
			} else {
				assert_non_null(met(sc, NULL, versions[v], got));
				assert_string_equal(got, "");
			}
		}
		rw_tls_ctx_unref(sc);
	}
}

/* A ticket would stand for a certificate that has expired meanwhile, or go round another CA. */
static void with_client_certificates_there_are_no_tickets(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct rw_tls_server_config cfg = {.shared = shared};
	struct rw_tls_ctx *open = make(&cfg, (const char *[]){"a", NULL}), *sc = asking(false);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		SSL_SESSION *elsewhere, *here;
		bool reused;

		elsewhere = visit(open, versions[i], NULL, &reused);
		here = visit(sc, versions[i], elsewhere, &reused);
		assert_false(reused);
		assert_false(SSL_SESSION_has_ticket(here));
		SSL_SESSION_free(elsewhere);
		SSL_SESSION_free(here);
	}
	rw_tls_ctx_unref(open);
	rw_tls_ctx_unref(sc);
}

/* --- secrets ------------------------------------------------------------------------------ */

/* Not proof of every copy, but keys that are loaded are in the locked memory at least. */
static void keys_are_in_locked_memory(void **state)
{
	size_t before = CRYPTO_secure_used();
	struct rw_tls_ctx *sc;

	(void)state;
	assert_true(CRYPTO_secure_malloc_initialized());
	sc = server_ctx("a");
	assert_true(CRYPTO_secure_used() > before);
	rw_tls_ctx_unref(sc);
	assert_int_equal(CRYPTO_secure_used(), before);
}

/* The environment of a service is not always its operator's: no key may leave by it. */
static void sslkeylogfile_is_ignored(void **state)
{
	struct rw_tls_ctx *sc, *cc;
	struct end client, server;

	(void)state;
	setenv("SSLKEYLOGFILE", in_dir("keylog"), 1);
	sc = server_ctx("good");
	cc = client_ctx("ca.crt");
	end_begin(&server, sc, NULL);
	end_begin(&client, cc, "localhost");
	handshake(&client, &server, (struct cuts){0});
	assert_int_equal(client.opens + server.opens, 2);
	assert_int_equal(access(in_dir("keylog"), F_OK), -1);
	end_free(&client);
	end_free(&server);
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(cc);
	unsetenv("SSLKEYLOGFILE");
}

static int begin(void **state)
{
	struct rw_error e;

	rw_tls_lock_secrets(2);
	if (make_pki(state) || rw_tls_shared_new(&shared, 0, &e))
		return -1;
	make_names();
	authority = make_identity(&(struct cert_spec){.cn = "Authority", .ca = true});
	write_identity("authority", &authority);
	return 0;
}

static int end(void **state)
{
	free_identity(&authority);
	rw_tls_shared_unref(shared);
	return remove_pki(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_chooses_its_certificate),
		cmocka_unit_test(ecdsa_and_rsa_stand_side_by_side),
		cmocka_unit_test(an_unknown_name_is_refused_where_that_is_asked),
		cmocka_unit_test(a_certificate_that_nobody_would_get_is_refused),
		cmocka_unit_test(odd_names_are_only_unknown),
		cmocka_unit_test(modern_is_tls_1_3_only),
		cmocka_unit_test(an_expired_certificate_is_refused_at_a_reload),
		cmocka_unit_test(a_ticket_is_good_at_every_worker_and_after_a_reload),
		cmocka_unit_test(ticket_keys_change_with_time_and_overlap),
		cmocka_unit_test(a_foreign_ticket_means_a_full_handshake),
		cmocka_unit_test(a_client_is_who_its_certificate_says),
		cmocka_unit_test(a_wrong_client_certificate_is_refused),
		cmocka_unit_test(with_client_certificates_there_are_no_tickets),
		cmocka_unit_test(keys_are_in_locked_memory),
		cmocka_unit_test(sslkeylogfile_is_ignored),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
