/* SPDX-License-Identifier: Apache-2.0 */
/* What is stapled to a certificate (OCSP), and what is not. */
#include "unit/tls/listener.h"

#include <openssl/ocsp.h>

static struct identity authority, leaf;

/* A response about leaf: how long it holds, and who signs it. */
static void write_response(const char *file, const struct identity *about,
			   const struct identity *signer, int status, long from_s, long to_s)
{
	OCSP_CERTID *id = OCSP_cert_to_id(NULL, about->cert, authority.cert);
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	ASN1_TIME *from = ASN1_TIME_adj(NULL, time(NULL), 0, from_s);
	ASN1_TIME *to = ASN1_TIME_adj(NULL, time(NULL), 0, to_s);
	ASN1_TIME *revoked = ASN1_TIME_adj(NULL, time(NULL), 0, -60);
	unsigned char *der = NULL;
	OCSP_RESPONSE *r;
	FILE *f;
	int n;

	assert_non_null(OCSP_basic_add1_status(basic, id, status, 0,
					       status == V_OCSP_CERTSTATUS_REVOKED ? revoked : NULL,
					       from, to));
	assert_true(OCSP_basic_sign(basic, signer->cert, signer->key, EVP_sha256(), NULL, 0));
	r = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	n = i2d_OCSP_RESPONSE(r, &der);
	assert_true(n > 0);
	f = create(file, 0644);
	assert_int_equal(fwrite(der, 1, (size_t)n, f), (size_t)n);
	fclose(f);
	OPENSSL_free(der);
	OCSP_RESPONSE_free(r);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	ASN1_TIME_free(revoked);
}

static int load_stapled(struct rw_tls_ctx **out, const char *file, struct rw_error *e)
{
	struct rw_tls_pair pair = *pair_of("stapled");

	pair.ocsp_file = file;
	return rw_tls_server_make(
		out, &(struct rw_tls_server_config){.pairs = &pair, .n_pairs = 1, .shared = shared},
		e);
}

/* What a client is handed that asks for the status; 0: nothing. */
static long stapled(struct rw_tls_ctx *sc)
{
	const unsigned char *p;
	struct end server;
	struct raw r;
	long n;

	raw_begin(&r, false, 0);
	SSL_CTX_set_tlsext_status_type(r.ctx, TLSEXT_STATUSTYPE_ocsp);
	raw_start(&r, false);
	end_begin(&server, sc, NULL);
	raw_converse(&r, &server);
	assert_int_equal(server.opens, 1);
	n = SSL_get_tlsext_status_ocsp_resp(r.ssl, &p);
	end_free(&server);
	raw_free(&r);
	return n > 0 ? n : 0;
}

static void a_good_response_is_stapled(void **state)
{
	struct rw_error e = {.text = ""};
	uint64_t before = count("staples");
	struct rw_tls_ctx *c;

	(void)state;
	write_response(in_dir("good.ocsp"), &leaf, &authority, V_OCSP_CERTSTATUS_GOOD, -60, 3600);
	if (load_stapled(&c, in_dir("good.ocsp"), &e))
		fail_msg("%s", e.text);
	assert_true(stapled(c) > 100);
	assert_int_equal(count("staples"), before + 1);
	rw_tls_ctx_unref(c);
}

/* Clients that must staple refuse an old one, and it says nothing to the others. */
static void an_expired_response_is_not_sent(void **state)
{
	static const struct {
		long from, to;
	} times[] = {{-7200, -3600}, {3600, 7200}};
	struct rw_error e = {.text = ""};
	struct rw_tls_ctx *c;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		write_response(in_dir("old.ocsp"), &leaf, &authority, V_OCSP_CERTSTATUS_GOOD,
			       times[i].from, times[i].to);
		if (load_stapled(&c, in_dir("old.ocsp"), &e))
			fail_msg("%s", e.text);
		assert_int_equal(stapled(c), 0);
		rw_tls_ctx_unref(c);
	}
	/* One that ends while it is in use: within the skew that is granted at loading. */
	write_response(in_dir("old.ocsp"), &leaf, &authority, V_OCSP_CERTSTATUS_GOOD, -7200, -10);
	assert_int_equal(load_stapled(&c, in_dir("old.ocsp"), &e), RW_OK);
	assert_int_equal(stapled(c), 0);
	assert_true(count("staples_expired") > 0);
	rw_tls_ctx_unref(c);
	/* Whoever fetches it has not yet: no reason not to serve. */
	assert_int_equal(load_stapled(&c, in_dir("none.ocsp"), &e), RW_OK);
	assert_int_equal(stapled(c), 0);
	rw_tls_ctx_unref(c);
}

static void a_response_of_no_use_is_refused_in_words(void **state)
{
	struct identity stranger = make_identity(&(struct cert_spec){.cn = "X", .ca = true});
	struct identity other = make_identity(&(struct cert_spec){.issuer = &authority});
	const struct {
		const struct identity *about, *signer;
		int status;
		const char *part;
	} cases[] = {
		{&leaf, &stranger, V_OCSP_CERTSTATUS_GOOD,
		 "not signed by the certificate's issuer"},
		{&other, &authority, V_OCSP_CERTSTATUS_GOOD, "about another certificate"},
		{&leaf, &authority, V_OCSP_CERTSTATUS_REVOKED, "does not say that the certificate"},
	};
	struct rw_error e = {.text = ""};
	struct rw_tls_ctx *c;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		write_response(in_dir("bad.ocsp"), cases[i].about, cases[i].signer, cases[i].status,
			       -60, 3600);
		assert_int_equal(load_stapled(&c, in_dir("bad.ocsp"), &e), RW_EINVAL);
		if (!strstr(e.text, cases[i].part))
			fail_msg("'%s' is not in: %s", cases[i].part, e.text);
	}
	write_text(in_dir("bad.ocsp"), "hello", 0644);
	assert_int_equal(load_stapled(&c, in_dir("bad.ocsp"), &e), RW_EINVAL);
	assert_non_null(strstr(e.text, "cannot be read as a successful OCSP response"));
	free_identity(&stranger);
	free_identity(&other);
}

static int begin(void **state)
{
	struct rw_error e;
	FILE *f;

	if (make_pki(state) || rw_tls_shared_new(&shared, 0, &e))
		return -1;
	authority = make_identity(&(struct cert_spec){.cn = "Authority", .ca = true});
	leaf = make_identity(&(struct cert_spec){.issuer = &authority});
	write_identity("authority", &authority);
	write_identity("stapled", &leaf);
	f = fopen(in_dir("stapled.crt"), "a");
	assert_true(PEM_write_X509(f, authority.cert));
	fclose(f);
	return 0;
}

static int end(void **state)
{
	free_identity(&authority);
	free_identity(&leaf);
	rw_tls_shared_unref(shared);
	return remove_pki(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_response_is_stapled),
		cmocka_unit_test(an_expired_response_is_not_sent),
		cmocka_unit_test(a_response_of_no_use_is_refused_in_words),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
