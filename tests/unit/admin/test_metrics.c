/* SPDX-License-Identifier: Apache-2.0 */
/* What Prometheus reads must be what it can parse, and the histogram must add up. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "admin/admin.h"
#include "gate/worker.h"
#include "ring/sim.h"

static struct {
	char dir[64];
	struct rw_sim *sim;
	struct rw_loop *loop;
	struct rw_rules *rules;
	struct rw_gateway gw;
	struct rw_worker workers[2];
	struct rw_control *control;
	struct rw_buf out;
} t;

static int begin(void **state)
{
	struct rw_error e = {0};
	struct rw_config *cfg;
	struct rw_io *io;
	char text[512];

	(void)state;
	snprintf(t.dir, sizeof(t.dir), "/tmp/rw-admin-XXXXXX");
	assert_non_null(mkdtemp(t.dir));
	snprintf(text, sizeof(text),
		 "listeners: [{address: \"127.0.0.1:8443\", tls: off}]\nupstreams: [{name: o, url: "
		 "\"http://127.0.0.1:8444/v1\"}]\nmodels: [{name: m, upstream: o}]\n"
		 "kernel: off\nstate_dir: %s/state\n",
		 t.dir);
	if (rw_rules_load(&t.rules, NULL, &e) || rw_sim_new(&t.sim, 1, &(struct rw_sim_knobs){0}) ||
	    rw_sim_io_new(&io, t.sim, 0, 0, &e) || rw_loop_new(&t.loop, io, NULL, &e) ||
	    rw_config_parse(&cfg, text, strlen(text), "test", &e) ||
	    rw_control_new(&t.control, &t.gw, t.loop, cfg, t.rules, &e))
		fail_msg("%s", e.text);
	for (unsigned i = 0; i < 2; i++) {
		t.workers[i].loop = t.loop;
		t.gw.workers[t.gw.n_workers++] = &t.workers[i];
	}
	return 0;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	rw_control_free(t.control);
	rw_loop_free(t.loop);
	rw_sim_free(t.sim);
	rw_rules_unref(t.rules);
	rw_buf_free(&t.out);
	snprintf(command, sizeof(command), "rm -rf %s", t.dir);
	return system(command);
}

static char *scrape(void)
{
	rw_buf_reset(&t.out);
	assert_int_equal(rw_admin_metrics(&t.gw, t.control, &t.out), RW_OK);
	assert_int_equal(rw_buf_reserve(&t.out, 1), RW_OK);
	t.out.p[t.out.len] = 0;
	return t.out.p;
}

/* The number behind "ringwall_NAME ", or -1. */
static double value(const char *name)
{
	char line[128];
	const char *p;

	snprintf(line, sizeof(line), "\nringwall_%s ", name);
	p = strstr(scrape(), line);
	return p ? strtod(p + strlen(line), NULL) : -1;
}

static bool is_name(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!islower((unsigned char)p[i]) && p[i] != '_' && !isdigit((unsigned char)p[i]))
			return false;
	return n > 9 && memcmp(p, "ringwall_", 9) == 0;
}

static void check_sample(const char *line, const char *family)
{
	size_t n = strcspn(line, "{ ");
	char *rest;

	assert_true(is_name(line, n));
	assert_memory_equal(line, family, strlen(family));
	if (line[n] == '{') {
		assert_memory_equal(line + n, "{le=\"", 5);
		n += strcspn(line + n, "}") + 1;
	}
	assert_int_equal(line[n], ' ');
	strtod(line + n + 1, &rest);
	assert_true(rest != line + n + 1 && *rest == 0);
}

/* Exposition format 0.0.4: HELP, TYPE, then the family's samples, each family once. */
static void text_is_well_formed(void **state)
{
	char *text = strdup(scrape()), *save = NULL, family[96] = "", kind[16] = "",
	     seen[16384] = "";
	unsigned families = 0, samples = 0;

	(void)state;
	assert_int_equal(t.out.p[t.out.len - 1], '\n');
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "# HELP ", 7)) {
			snprintf(family, sizeof(family), "%.*s", (int)strcspn(line + 7, " "),
				 line + 7);
			assert_true(is_name(family, strlen(family)));
			assert_null(strchr(line, '\\'));
			char mark[128];
			snprintf(mark, sizeof(mark), " %s ", family);
			assert_null(strstr(seen, mark));
			strncat(seen, mark, sizeof(seen) - strlen(seen) - 1);
			families++;
		} else if (!strncmp(line, "# TYPE ", 7)) {
			assert_memory_equal(line + 7, family, strlen(family));
			snprintf(kind, sizeof(kind), "%s", line + 8 + strlen(family));
			assert_true(!strcmp(kind, "counter") || !strcmp(kind, "gauge") ||
				    !strcmp(kind, "histogram"));
			/* What only rises is named so: rate() over a gauge is a mistake. */
			assert_int_equal(!strcmp(kind, "counter"),
					 strlen(family) > 6 &&
						 !strcmp(family + strlen(family) - 6, "_total"));
		} else {
			check_sample(line, family);
			samples++;
		}
	}
	assert_true(families > 30);
	assert_int_equal(samples, families - 1 + RW_LATENCY_BUCKETS + 2);
	free(text);
}

static void workers_are_summed(void **state)
{
	double before = value("requests_total");

	(void)state;
	rw_metric_add(&t.workers[0].metrics.requests_total, 3);
	rw_metric_add(&t.workers[1].metrics.requests_total, 4);
	assert_true(value("requests_total") == before + 7);
	rw_metric_add(&t.workers[0].metrics.requests_active, 2);
	rw_metric_sub(&t.workers[0].metrics.requests_active, 1);
	assert_true(value("requests_active") == 1);
}

/* Bounds are inclusive (le), buckets are cumulative, +Inf is the count. */
static void histogram_adds_up(void **state)
{
	(void)state;
	rw_metrics_latency(&t.workers[0].metrics, 0);
	rw_metrics_latency(&t.workers[0].metrics, 100);
	rw_metrics_latency(&t.workers[1].metrics, 101);
	rw_metrics_latency(&t.workers[1].metrics, 60000000);
	rw_metrics_latency(&t.workers[1].metrics, 60000001);
	assert_true(value("request_duration_seconds_bucket{le=\"0.0001\"}") == 2);
	assert_true(value("request_duration_seconds_bucket{le=\"0.00025\"}") == 3);
	assert_true(value("request_duration_seconds_bucket{le=\"60\"}") == 4);
	assert_true(value("request_duration_seconds_bucket{le=\"+Inf\"}") == 5);
	assert_true(value("request_duration_seconds_count") == 5);
}

/* Six digits of a float are too few after a week: rate() of the sum was a staircase. */
static void sum_keeps_its_microseconds(void **state)
{
	(void)state;
	atomic_store(&t.workers[0].metrics.latency_us_total, 1234567890123ull);
	atomic_store(&t.workers[1].metrics.latency_us_total, 1ull);
	assert_non_null(
		strstr(scrape(), "\nringwall_request_duration_seconds_sum 1234567.890124\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_well_formed),
		cmocka_unit_test(workers_are_summed),
		cmocka_unit_test(histogram_adds_up),
		cmocka_unit_test(sum_keeps_its_microseconds),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
