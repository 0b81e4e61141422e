/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate files that change, or cannot be used, while others are in use. */
#include "world.h"

#include "base/log.h"
#include "gate/fronts.h"

static char dir[64];

static char *in_dir(const char *name)
{
	static char paths[8][128];
	static unsigned next;
	char *p = paths[next++ % 8];

	snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
	return p;
}

static void make_pair(const char *name)
{
	static const char *const names[] = {"localhost"};
	struct rw_error e = {0};
	char crt[32], key[32], print[96];

	snprintf(crt, sizeof(crt), "%s.crt", name);
	snprintf(key, sizeof(key), "%s.key", name);
	unlink(in_dir(crt));
	unlink(in_dir(key));
	if (rw_tls_selfsigned(in_dir(crt), in_dir(key), names, 1, print, &e))
		fail_msg("%s", e.text);
}

static struct rw_config *load(const char *tls)
{
	struct rw_config *c = NULL;
	struct rw_error e = {0};
	char text[1024];

	snprintf(text, sizeof(text),
		 "listeners: [{address: '127.0.0.1:8443', tls: %s}]\n"
		 "upstreams: [{name: one, url: 'http://127.0.0.1:1/v1'}]\n"
		 "models: [{name: m, upstream: one}]\nstate_dir: %s\n",
		 tls, dir);
	if (rw_config_parse(&c, text, strlen(text), in_dir("f"), &e))
		fail_msg("%s", e.text);
	return c;
}

static void a_change_of_any_file_is_seen(void **state)
{
	static const char *const files[] = {"a.crt", "a.key", "b.crt", "b.key", "a.ocsp", "ca.crt"};
	struct rw_config *c;
	uint64_t before;

	(void)state;
	make_pair("a");
	make_pair("b");
	c = load("{cert_file: a.crt, key_file: a.key, ocsp_file: a.ocsp, client_cert: optional, "
		 "client_ca_file: ca.crt, certificates: [{cert_file: b.crt, key_file: b.key}]}");
	before = rw_fronts_stamp(c);
	assert_int_equal(rw_fronts_stamp(c), before);
	for (size_t i = 0; i < 6; i++) {
		FILE *f = fopen(in_dir(files[i]), "a"); /* two of them are not there yet */

		assert_non_null(f);
		fputs("\n", f);
		fclose(f);
		assert_true(rw_fronts_stamp(c) != before);
		before = rw_fronts_stamp(c);
	}
	rw_config_free(c);
}

/* What is in use is only let go for what can be used. */
static void a_pair_that_does_not_fit_is_refused(void **state)
{
	struct rw_fronts *f = NULL;
	struct rw_error e = {0};
	struct rw_config *c;

	(void)state;
	make_pair("a");
	make_pair("b");
	c = load("{cert_file: a.crt, key_file: a.key}");
	assert_int_equal(rw_fronts_new(&f, c, NULL, true, &e), RW_OK);
	rw_fronts_unref(f);
	f = NULL;
	assert_int_equal(rename(in_dir("b.key"), in_dir("a.key")), 0);
	assert_int_equal(rw_fronts_new(&f, c, NULL, true, &e), RW_EINVAL);
	assert_null(f);
	assert_non_null(strstr(e.text, "does not belong to the (first) certificate"));
	assert_int_equal(chmod(in_dir("a.key"), 0644), 0);
	assert_int_equal(rw_fronts_new(&f, c, NULL, true, &e), RW_EPERM);
	rw_config_free(c);
}

/* Its files are watched like any others: whoever deletes them gets new ones. */
static void a_self_signed_one_is_made_again(void **state)
{
	struct rw_config *c = load("self-signed");
	struct rw_fronts *f;
	struct rw_error e = {0};
	uint64_t before;

	(void)state;
	assert_int_equal(rw_fronts_new(&f, c, NULL, false, &e), RW_OK);
	before = rw_fronts_stamp(c);
	/* Made after the stamp was taken, it would look like a change. */
	assert_int_equal(f->stamp, before);
	rw_fronts_unref(f);
	unlink(in_dir("selfsigned.crt"));
	unlink(in_dir("selfsigned.key"));
	assert_true(rw_fronts_stamp(c) != before);
	assert_int_equal(rw_fronts_new(&f, c, NULL, true, &e), RW_OK);
	rw_fronts_unref(f);
	rw_config_free(c);
}

static int begin(void **state)
{
	(void)state;
	rw_log_set_level(RW_LOG_ERROR);
	snprintf(dir, sizeof(dir), "/tmp/rw-fronts-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_of_any_file_is_seen),
		cmocka_unit_test(a_pair_that_does_not_fit_is_refused),
		cmocka_unit_test(a_self_signed_one_is_made_again),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
