/* SPDX-License-Identifier: Apache-2.0 */
/* The control thread: keys, reloads, and audit records that it must not lose. */
#include "gate/inbox.h"
#include "gate/ready.h"
#include "world.h"

static unsigned models(struct world *w, const char *key)
{
	rw_buf_reset(&w->c.got);
	say(w, "GET /v1/models HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer %s\r\n\r\n", key);
	run_until(w, answered(w));
	run_for(w, 20 * MS);
	return status_of(w);
}

static struct rw_keystore *open_store(struct world *w)
{
	struct rw_error e = {0};
	struct rw_keystore *ks;
	char state[96];

	snprintf(state, sizeof(state), "%s/state", w->dir);
	if (rw_keystore_open(&ks, state, &e))
		fail_msg("%s", e.text);
	return ks;
}

/* A key that was added while the first table was being made stayed unknown until the next change.
 */
static void key_of_the_last_moment_before_the_start_is_known(void **state)
{
	struct rw_control *late;
	struct rw_gateway gw = {0};
	struct rw_error e = {0};
	struct rw_keystore *ks;
	char text[RW_KEY_TEXT];
	struct rw_key key;
	struct world w;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	w.extra = new_loop(&w);
	assert_int_equal(rw_control_new(&late, &gw, w.extra, make_config(&w, ONE_UPSTREAM, ""),
					the_rules, &e),
			 RW_OK);
	ks = open_store(&w);
	assert_int_equal(rw_keystore_add(ks, "late", 0, &key, text, &e), RW_OK);
	rw_keystore_close(ks);
	run_for(&w, 300 * MS);
	assert_int_equal(rw_keytable_count(rw_control_snapshot(late)->keys), 2);
	rw_control_free(late);
	rw_loop_free(w.extra);
	w.extra = NULL;
	world_end(&w);
}

/* A worker that could not take a snapshot once must not serve a revoked key for ever. */
static void worker_that_stayed_behind_is_told_again(void **state)
{
	struct rw_keystore *ks;
	struct rw_error e = {0};
	struct world w;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	assert_int_equal(models(&w, w.key), 200);
	w.gw.n_workers = 0; /* it misses the publication */
	ks = open_store(&w);
	assert_int_equal(rw_keystore_revoke(ks, "test", &e), RW_OK);
	rw_keystore_close(ks);
	run_for(&w, S);
	assert_int_equal(models(&w, w.key), 200);
	w.gw.n_workers = 1;
	run_for(&w, S);
	assert_int_equal(models(&w, w.key), 401);
	world_end(&w);
}

/* SIGHUP on a gateway that runs without a file asked for one named "(built in)". */
static void built_in_configuration_can_be_reloaded(void **state)
{
	struct rw_control *control;
	struct rw_gateway gw = {0};
	struct rw_error e = {0};
	struct rw_loop *loop;
	struct world w;
	char text[256];

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	loop = new_loop(&w);
	snprintf(text, sizeof(text),
		 "listeners: [{address: \"127.0.0.1:9\", tls: off}]\nupstreams: [{name: o, url: "
		 "\"http://127.0.0.1:8/v1\"}]\nmodels: [{name: m, upstream: o}]\n"
		 "kernel: off\nstate_dir: %s/state\n",
		 w.dir);
	struct rw_config *cfg;
	assert_int_equal(rw_config_parse(&cfg, text, strlen(text), "(built in)", &e), RW_OK);
	assert_int_equal(rw_control_new(&control, &gw, loop, cfg, the_rules, &e), RW_OK);
	/* What is built in listens elsewhere, or wants a variable: either is said of it, not of a
	 * file. */
	assert_int_not_equal(rw_control_reload(control, &e), RW_OK);
	assert_null(strstr(e.text, "No such file"));
	assert_non_null(strstr(e.text, "(built in)"));
	rw_control_free(control);
	rw_loop_free(loop);
	world_end(&w);
}

/* logrotate moves the file and sends SIGHUP: a mistake in the configuration must not keep the old.
 */
static void audit_log_is_opened_anew_though_the_configuration_is_bad(void **state)
{
	char moved[128];
	struct rw_error e = {0};
	struct world w;
	char *text;
	FILE *f;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	assert_int_equal(models(&w, w.key), 200);
	write_records(&w);
	snprintf(moved, sizeof(moved), "%s/audit.1", w.dir);
	assert_int_equal(rename(w.audit, moved), 0);
	f = fopen(w.file, "we");
	assert_non_null(f);
	fputs("nonsense: true\n", f);
	fclose(f);
	assert_int_not_equal(rw_control_reload(w.control, &e), RW_OK);
	assert_int_equal(models(&w, w.key), 200);
	text = audit_text(&w);
	assert_int_equal(count(text, "\n"), 1);
	free(text);
	world_end(&w);
}

/* Sockets are made for the number at the start: more connections than that would starve upstreams.
 */
static void connections_can_be_lowered_but_not_raised_by_a_reload(void **state)
{
	struct rw_error e = {0};
	struct world w;
	char text[256];

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "limits: {connections: 100}\n");
	for (unsigned n = 99; n <= 101; n++) {
		snprintf(text, sizeof(text),
			 "audit: {file: %s, required: true}\nlimits: {connections: %u}\n", w.audit,
			 n);
		rw_config_free(make_config(&w, ONE_UPSTREAM, text));
		assert_int_equal(rw_control_reload(w.control, &e), n <= 100 ? RW_OK : RW_EINVAL);
		if (n == 99)
			run_for(&w, 10 * MS);
	}
	assert_non_null(strstr(e.text, "limits.connections to be raised above 100"));
	world_end(&w); /* with a publication that comes too late */
}

static void nothing(void *arg)
{
	(void)arg;
}

/* While it waits for a name server the control thread's mailbox may fill up with strikes. */
static void records_survive_a_full_mailbox(void **state)
{
	unsigned posted = 0;
	struct world w;
	char *text;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	while (rw_loop_post(w.control_loop, nothing, NULL) == RW_OK)
		posted++;
	assert_in_range(posted, 1, 1000000);
	assert_int_equal(rw_control_audit(w.control, RW_SLICE("{\"status\":200}\n"), NULL), RW_OK);
	run_for(&w, 300 * MS);
	text = audit_text(&w);
	assert_int_equal(count(text, "\"status\":200"), 1);
	free(text);
	assert_int_equal(rw_control_stats(w.control)->audit_lost, 0);
	world_end(&w);
}

static void inbox_keeps_order_and_bound_and_tells_once(void **state)
{
	struct rw_inbox_waiter waiter = {0};
	uint64_t place, awaited;
	struct rw_inbox in;
	bool tell;

	(void)state;
	rw_inbox_init(&in, 8);
	assert_int_equal(rw_inbox_put(&in, RW_SLICE("a\nb\n"), &waiter, &tell), RW_OK);
	assert_true(tell);
	assert_int_equal(rw_inbox_put(&in, RW_SLICE("c\n"), NULL, &tell), RW_OK);
	assert_false(tell);
	assert_int_equal(rw_inbox_put(&in, RW_SLICE("too long\n"), NULL, &tell), RW_ELIMIT);
	assert_false(tell);
	assert_true(rw_slice_is(rw_inbox_take(&in, &place, &awaited), "a\nb\nc\n"));
	assert_int_equal(waiter.place, 4);
	assert_int_equal(awaited, 4);
	assert_int_equal(place, 6);
	rw_inbox_leave(&in, &waiter);
	assert_int_equal(rw_inbox_take(&in, &place, &awaited).n, 0);
	assert_int_equal(rw_inbox_put(&in, RW_SLICE("d\n"), NULL, &tell), RW_OK);
	assert_true(tell);
	assert_int_equal(rw_inbox_put(&in, RW_SLICE("too long\n"), NULL, &tell), RW_ELIMIT);
	assert_true(rw_slice_is(rw_inbox_take(&in, &place, &awaited), "d\n"));
	rw_inbox_free(&in);
}

/* 'required' that is gone while we run: a balancer should look for another gateway. */
static void ready_follows_what_is_required(void **state)
{
	static const struct {
		enum rw_kernel_mode mode;
		enum rw_enforced kernel;
		bool audit, audit_required, draining, ready;
	} cases[] = {
		{RW_KERNEL_OFF, RW_ENFORCED_OFF, true, true, false, true},
		{RW_KERNEL_OFF, RW_ENFORCED_OFF, true, true, true, false},
		{RW_KERNEL_OFF, RW_ENFORCED_OFF, false, true, false, false},
		{RW_KERNEL_OFF, RW_ENFORCED_OFF, false, false, false, true},
		{RW_KERNEL_PREFERRED, RW_ENFORCED_MISSING, true, true, false, true},
		{RW_KERNEL_REQUIRED, RW_ENFORCED_MISSING, true, true, false, false},
		{RW_KERNEL_REQUIRED, RW_ENFORCED_GENERIC, true, true, false, true},
		{RW_KERNEL_REQUIRED, RW_ENFORCED_NATIVE, true, true, false, true},
	};
	struct rw_config c = {.audit_file = "x"};
	struct rw_routes routes = {.config = &c};
	struct rw_snapshot snap = {.routes = &routes, .rules = the_rules};
	struct rw_gateway gw = {0};
	struct rw_buf out = {0};
	bool ready;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c.kernel = cases[i].mode;
		c.audit_required = cases[i].audit_required;
		atomic_store(&gw.kernel, cases[i].kernel);
		atomic_store(&gw.audit_ok, cases[i].audit);
		rw_buf_reset(&out);
		assert_int_equal(rw_ready_json(&gw, &snap, cases[i].draining, &out, &ready), RW_OK);
		assert_int_equal(ready, cases[i].ready);
		assert_true(has(&out, ready ? "{\"ready\":true," : "{\"ready\":false,"));
		assert_true(has(&out, rw_enforced_name(cases[i].kernel)));
	}
	rw_buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_of_the_last_moment_before_the_start_is_known),
		cmocka_unit_test(worker_that_stayed_behind_is_told_again),
		cmocka_unit_test(built_in_configuration_can_be_reloaded),
		cmocka_unit_test(audit_log_is_opened_anew_though_the_configuration_is_bad),
		cmocka_unit_test(connections_can_be_lowered_but_not_raised_by_a_reload),
		cmocka_unit_test(records_survive_a_full_mailbox),
		cmocka_unit_test(inbox_keeps_order_and_bound_and_tells_once),
		cmocka_unit_test(ready_follows_what_is_required),
	};

	return cmocka_run_group_tests(tests, load_rules, drop_rules);
}
