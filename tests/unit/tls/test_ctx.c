/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys in files: what is refused and in which words, and what is made. */
#include "unit/tls/util.h"

#include <dirent.h>

static void assert_server_says(const char *cert, const char *key, int code, const char *part)
{
	struct rw_error e = {.text = ""};
	struct rw_tls_ctx *c = NULL;

	assert_int_equal(rw_tls_server_new(&c, cert, key, &e), code);
	assert_null(c);
	assert_int_equal(e.code, code);
	if (!strstr(e.text, part))
		fail_msg("'%s' is not in: %s", part, e.text);
	assert_int_equal(ERR_peek_error(), 0);
}

static void assert_client_says(const char *ca, int code, const char *part)
{
	struct rw_error e = {.text = ""};
	struct rw_tls_ctx *c = NULL;

	assert_int_equal(rw_tls_client_new(&c, ca, &e), code);
	assert_null(c);
	if (!strstr(e.text, part))
		fail_msg("'%s' is not in: %s", part, e.text);
	assert_int_equal(ERR_peek_error(), 0);
}

/* A key that others may read is no secret; the message is the command that helps. */
static void a_key_that_others_may_read_is_refused(void **state)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0644};
	char fix[200];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(chmod(in_dir("good.key"), modes[i]), 0);
		snprintf(fix, sizeof(fix), "(mode %04o): run chmod 600 %s", modes[i],
			 in_dir("good.key"));
		assert_server_says(in_dir("good.crt"), in_dir("good.key"), RW_EPERM, fix);
	}
	assert_int_equal(chmod(in_dir("good.key"), 0400), 0);
	rw_tls_ctx_unref(server_ctx("good"));
	assert_int_equal(chmod(in_dir("good.key"), 0600), 0);
}

static void missing_files_are_named(void **state)
{
	(void)state;
	assert_server_says(in_dir("no.crt"), in_dir("good.key"), RW_ENOTFOUND,
			   "no.crt cannot be read: No such file");
	assert_server_says(in_dir("good.crt"), in_dir("no.key"), RW_ENOTFOUND,
			   "no.key cannot be read: No such file");
	assert_server_says(test_dir, in_dir("good.key"), RW_EINVAL, "is not a regular file");
	assert_client_says(in_dir("no.crt"), RW_ENOTFOUND, "CA file ");
}

static void a_key_of_another_certificate_is_refused(void **state)
{
	(void)state;
	assert_server_says(in_dir("good.crt"), in_dir("other.key"), RW_EINVAL,
			   "does not belong to the (first) certificate in ");
}

/* Nobody sits at a gateway to type it. */
static void a_key_with_a_passphrase_is_refused(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *f = create(in_dir("locked.key"), 0600);

	(void)state;
	assert_true(PEM_write_PKCS8PrivateKey(f, key, EVP_aes_128_cbc(), "geheim", 6, NULL, NULL));
	fclose(f);
	EVP_PKEY_free(key);
	assert_server_says(in_dir("good.crt"), in_dir("locked.key"), RW_EINVAL,
			   "is protected by a passphrase");
}

static void what_is_no_pem_is_refused(void **state)
{
	(void)state;
	write_text(in_dir("empty"), "", 0600);
	write_text(in_dir("text"), "hello\n", 0600);
	write_text(in_dir("broken"),
		   "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0600);
	assert_server_says(in_dir("empty"), in_dir("good.key"), RW_EINVAL, "holds no certificate");
	assert_server_says(in_dir("text"), in_dir("good.key"), RW_EINVAL, "holds no certificate");
	assert_server_says(in_dir("broken"), in_dir("good.key"), RW_EINVAL,
			   "certificate 1 cannot be used");
	assert_server_says(in_dir("good.crt"), in_dir("empty"), RW_EINVAL, "cannot be used");
	assert_server_says(in_dir("good.crt"), in_dir("good.crt"), RW_EPERM, "chmod 600");
	assert_client_says(in_dir("text"), RW_EINVAL, "holds no certificate");
	assert_client_says(in_dir("broken"), RW_EINVAL, "certificate 1 cannot be used");
}

/* A second certificate that is cut off must not be left out in silence: the chain would break. */
static void a_chain_that_is_cut_is_refused(void **state)
{
	struct rw_buf b = {0};
	char part[4096];
	FILE *f = fopen(in_dir("good.crt"), "r");
	size_t n = fread(part, 1, sizeof(part), f);

	(void)state;
	fclose(f);
	rw_buf_add(&b, part, n);
	rw_buf_add(&b, part, n / 2);
	rw_buf_add(&b, "", 1);
	write_text(in_dir("cut.crt"), b.p, 0644);
	assert_server_says(in_dir("cut.crt"), in_dir("good.key"), RW_EINVAL,
			   "certificate 2 cannot be used");
	rw_buf_free(&b);
}

/* With an intermediate CA: the server sends it, the client knows only the root. */
static void a_chain_is_sent_whole(void **state)
{
	struct identity root = make_identity(&(struct cert_spec){.cn = "Root", .ca = true});
	struct identity mid =
		make_identity(&(struct cert_spec){.cn = "Middle", .ca = true, .issuer = &root});
	struct identity leaf = make_identity(&(struct cert_spec){.issuer = &mid});
	struct rw_tls_ctx *sc, *cc;
	struct end client, server;
	FILE *f;

	(void)state;
	write_identity("root", &root);
	write_identity("mid", &mid);
	write_identity("leaf", &leaf);
	f = fopen(in_dir("leaf.crt"), "a");
	assert_true(PEM_write_X509(f, mid.cert));
	fclose(f);
	/* Whoever trusts the intermediate need not have the root. */
	for (int i = 0; i < 2; i++) {
		sc = server_ctx("leaf");
		cc = client_ctx(i ? "mid.crt" : "root.crt");
		end_begin(&server, sc, NULL);
		end_begin(&client, cc, "localhost");
		handshake(&client, &server, (struct cuts){0});
		assert_int_equal(client.opens, 1);
		end_free(&client);
		end_free(&server);
		rw_tls_ctx_unref(sc);
		rw_tls_ctx_unref(cc);
	}
	free_identity(&root);
	free_identity(&mid);
	free_identity(&leaf);
}

/* --- self-signed ----------------------------------------------------------------------- */

static X509 *read_cert(const char *file)
{
	FILE *f = fopen(file, "r");
	X509 *x;

	assert_non_null(f);
	x = PEM_read_X509(f, NULL, NULL, NULL);
	assert_non_null(x);
	fclose(f);
	return x;
}

static mode_t mode_of(const char *file)
{
	struct stat st;

	assert_int_equal(stat(file, &st), 0);
	return st.st_mode & 07777;
}

static void make_selfsigned(const char *cert, const char *key, char print[96])
{
	static const char *const names[] = {"localhost", "gw.example", "127.0.0.1", "::1"};
	struct rw_error e = {.text = ""};

	if (rw_tls_selfsigned(cert, key, names, 4, print, &e))
		fail_msg("%s", e.text);
}

/* Strict, as Python 3.13 verifies by default: what it refuses, no SDK can talk to. */
static void verify_strictly(X509 *x, const char *host, const char *address)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;

	assert_true(X509_STORE_add_cert(store, x));
	assert_true(X509_STORE_CTX_init(ctx, store, x, NULL));
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
	if (host)
		X509_VERIFY_PARAM_set1_host(param, host, 0);
	else
		X509_VERIFY_PARAM_set1_ip_asc(param, address);
	if (X509_verify_cert(ctx) != 1)
		fail_msg("%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
}

static void a_self_signed_certificate_works(void **state)
{
	struct rw_tls_ctx *sc, *cc;
	struct end client, server;
	char print[96], seen[96];
	unsigned char md[32];
	unsigned n;
	int days, secs;
	X509 *x;

	(void)state;
	make_selfsigned(in_dir("self.crt"), in_dir("self.key"), print);
	assert_int_equal(mode_of(in_dir("self.key")), 0600);
	assert_int_equal(mode_of(in_dir("self.crt")), 0644);
	x = read_cert(in_dir("self.crt"));
	assert_true(X509_digest(x, EVP_sha256(), md, &n));
	for (size_t i = 0; i < 32; i++)
		snprintf(seen + i * 3, sizeof(seen) - i * 3, i < 31 ? "%02X:" : "%02X", md[i]);
	assert_string_equal(print, seen);
	assert_true(ASN1_TIME_diff(&days, &secs, X509_get0_notBefore(x), X509_get0_notAfter(x)));
	assert_int_equal(days, 365);
	assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(x)), 256);
	verify_strictly(x, "localhost", NULL);
	verify_strictly(x, "gw.example", NULL);
	verify_strictly(x, NULL, "127.0.0.1");
	verify_strictly(x, NULL, "::1");
	X509_free(x);

	sc = server_ctx("self");
	cc = client_ctx("self.crt");
	end_begin(&server, sc, NULL);
	end_begin(&client, cc, "::1");
	handshake(&client, &server, (struct cuts){0});
	assert_int_equal(client.opens, 1);
	end_free(&client);
	end_free(&server);
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(cc);
}

static unsigned files_in(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* A restart must not change what clients trust; half a pair is told, not replaced. */
static void existing_files_are_left_alone(void **state)
{
	static const char *const names[] = {"localhost"};
	struct rw_error e = {.text = ""};
	char print[96];
	X509 *before, *after;
	unsigned files;

	(void)state;
	make_selfsigned(in_dir("kept.crt"), in_dir("kept.key"), print);
	before = read_cert(in_dir("kept.crt"));
	files = files_in(test_dir);
	assert_int_equal(
		rw_tls_selfsigned(in_dir("kept.crt"), in_dir("kept.key"), names, 1, print, &e),
		RW_EEXIST);
	after = read_cert(in_dir("kept.crt"));
	assert_int_equal(X509_cmp(before, after), 0);
	assert_int_equal(unlink(in_dir("kept.key")), 0);
	assert_int_equal(
		rw_tls_selfsigned(in_dir("kept.crt"), in_dir("kept.key"), names, 1, print, &e),
		RW_EINVAL);
	assert_non_null(strstr(e.text, "remove the other"));
	assert_int_equal(files_in(test_dir), files - 1);
	X509_free(before);
	X509_free(after);
}

/* Nothing half-made stays behind. */
static void what_cannot_be_written_is_told(void **state)
{
	static const char *const names[] = {"localhost"};
	struct rw_error e = {.text = ""};
	unsigned files = files_in(test_dir);
	char print[96];

	(void)state;
	assert_int_equal(rw_tls_selfsigned(in_dir("nowhere/a.crt"), in_dir("nowhere/a.key"), names,
					   1, print, &e),
			 RW_EIO);
	assert_non_null(strstr(e.text, "nowhere/a.key cannot be written: No such file"));
	/* The key could be written, the certificate not. */
	assert_int_equal(
		rw_tls_selfsigned(in_dir("nowhere/a.crt"), in_dir("a.key"), names, 1, print, &e),
		RW_EIO);
	assert_non_null(strstr(e.text, "nowhere/a.crt"));
	assert_int_equal(files_in(test_dir), files);
}

/* A name goes into the certificate as it is; one with a comma would be two, or an extension. */
static void a_name_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = {"", "a b", "a,DNS:evil.example", "email:x@y", "x\n"};
	struct rw_error e = {.text = ""};
	char print[96];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(
			rw_tls_selfsigned(in_dir("n.crt"), in_dir("n.key"), &bad[i], 1, print, &e),
			RW_EINVAL);
	assert_int_equal(rw_tls_selfsigned(in_dir("n.crt"), in_dir("n.key"), NULL, 0, print, &e),
			 RW_EINVAL);
	assert_int_equal(access(in_dir("n.key"), F_OK), -1);
}

/* Each reload makes new contexts; OpenSSL has 127 BIO types for the whole process. */
static void a_thousand_reloads_leave_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct rw_tls_ctx *c = server_ctx("good");
		struct end e;

		end_begin(&e, c, NULL);
		end_free(&e);
		rw_tls_ctx_unref(c);
	}
}

/* The system's CAs are the default; a test's CA is not among them. */
static void the_system_is_trusted_by_default(void **state)
{
	struct rw_tls_ctx *sc = server_ctx("good"), *cc = client_ctx(NULL);
	struct end client, server;

	(void)state;
	end_begin(&server, sc, NULL);
	end_begin(&client, cc, "localhost");
	handshake(&client, &server, (struct cuts){0});
	assert_int_equal(client.last, RW_RECORD_ERROR);
	assert_non_null(strstr(client.e.text, "its CA is not trusted here"));
	end_free(&client);
	end_free(&server);
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(cc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_that_others_may_read_is_refused),
		cmocka_unit_test(missing_files_are_named),
		cmocka_unit_test(a_key_of_another_certificate_is_refused),
		cmocka_unit_test(a_key_with_a_passphrase_is_refused),
		cmocka_unit_test(what_is_no_pem_is_refused),
		cmocka_unit_test(a_chain_that_is_cut_is_refused),
		cmocka_unit_test(a_chain_is_sent_whole),
		cmocka_unit_test(a_self_signed_certificate_works),
		cmocka_unit_test(existing_files_are_left_alone),
		cmocka_unit_test(what_cannot_be_written_is_told),
		cmocka_unit_test(a_name_that_is_none_is_refused),
		cmocka_unit_test(a_thousand_reloads_leave_nothing),
		cmocka_unit_test(the_system_is_trusted_by_default),
	};

	return cmocka_run_group_tests(tests, make_pki, remove_pki);
}
