/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All counters as Prometheus text (exposition format 0.0.4). Names and labels are fixed
 * in the source: no path, model, key or address ever becomes a label, so cardinality is bounded; of
 * feeds, whose names do, there are at most RW_KERN_FEEDS.
 */
#include "admin/admin.h"

#include <inttypes.h>
#include <time.h>

#include "gate/worker.h"
#include "kern/conns.h"
#include "kern/feed.h"

static int head(struct rw_buf *b, const char *name, const char *kind, const char *help)
{
	return rw_buf_addf(b, "# HELP ringwall_%s %s\n# TYPE ringwall_%s %s\n", name, help, name,
			   kind);
}

static int put(struct rw_buf *b, const char *name, const char *kind, const char *help,
	       uint64_t value)
{
	int rc = head(b, name, kind, help);

	return rc ? rc : rw_buf_addf(b, "ringwall_%s %" PRIu64 "\n", name, value);
}

static int put_latency(struct rw_buf *b, const struct rw_metrics *m)
{
	static const uint64_t bounds_us[] = {RW_LATENCY_BOUNDS_US};
	const char *name = "request_duration_seconds";
	uint64_t seen = 0, us = m->latency_us_total;
	int rc = head(b, name, "histogram", "time from a request's head to its settling");

	for (unsigned i = 0; !rc && i < RW_LATENCY_BUCKETS - 1; i++) {
		seen += m->latency[i];
		rc = rw_buf_addf(b, "ringwall_%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
				 (double)bounds_us[i] / 1e6, seen);
	}
	seen += m->latency[RW_LATENCY_BUCKETS - 1];
	return rc ? rc
		  : rw_buf_addf(b,
				"ringwall_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n"
				"ringwall_%s_sum %" PRIu64 ".%06" PRIu64
				"\nringwall_%s_count %" PRIu64 "\n",
				name, seen, name, us / 1000000, us % 1000000, name, seen);
}

struct row {
	const char *name, *kind, *help;
	uint64_t value;
};

static int put_rows(struct rw_buf *b, const struct row *rows, size_t n)
{
	int rc = RW_OK;

	for (size_t i = 0; !rc && i < n; i++)
		rc = put(b, rows[i].name, rows[i].kind, rows[i].help, rows[i].value);
	return rc;
}

static int put_waits(struct rw_buf *b, struct rw_gateway *gw)
{
	struct rw_loop_waits w = {0};

	for (unsigned i = 0; i < gw->n_workers; i++)
		rw_loop_waits(gw->workers[i]->loop, &w);

	const struct row rows[] = {
		{"sleeps_total", "counter", "times that workers slept", w.sleeps},
		{"looks_total", "counter", "looks for what comes next, before a sleep or instead",
		 w.looks},
		{"looks_vain_total", "counter", "of those, in vain: they slept all the same",
		 w.looks_vain},
		{"looked_us_total", "counter", "microseconds of processor time that looking took",
		 w.looked_ns / 1000},
	};

	return put_rows(b, rows, sizeof(rows) / sizeof(rows[0]));
}

static int put_engine(struct rw_buf *b, struct rw_gateway *gw)
{
	struct rw_metrics sum = {0};
	int rc = RW_OK;

	for (unsigned i = 0; i < gw->n_workers; i++)
		rw_metrics_sum(&sum, &gw->workers[i]->metrics);
#define PUT(name, kind, help) \
	if (!rc)              \
		rc = put(b, #name, kind, help, sum.name);
	RW_METRICS(PUT)
#undef PUT
	rc = rc ? rc : put_waits(b, gw);
	return rc ? rc : put_latency(b, &sum);
}

static int put_control(struct rw_buf *b, struct rw_gateway *gw, struct rw_control *control)
{
	const struct rw_control_stats *s = rw_control_stats(control);
	const struct rw_snapshot *snap = rw_control_snapshot(control);
	const struct row rows[] = {
		{"bans_total", "counter", "bans written to the kernel by the engine", s->bans},
		{"bans_failed_total", "counter", "bans that could not be written", s->bans_failed},
		{"bans_unkept_total", "counter", "bans in force that the next boot forgets",
		 s->bans_unkept},
		{"bans_restored_total", "counter", "bans of before the start, in force again",
		 s->bans_restored},
		{"key_suspensions_total", "counter", "keys suspended for blocked prompts",
		 s->key_suspensions},
		{"reloads_total", "counter", "configurations taken", s->reloads},
		{"reloads_failed_total", "counter", "configurations refused", s->reloads_failed},
		{"cert_reloads_total", "counter", "changed certificate files taken",
		 s->cert_reloads},
		{"cert_reloads_failed_total", "counter", "changed certificate files refused",
		 s->cert_reloads_failed},
		{"audit_lost_total", "counter", "audit records lost: should stay 0", s->audit_lost},
		{"audit_sync_failed_total", "counter", "syncs of the audit log that failed",
		 s->audit_sync_failed},
		{"audit_ok", "gauge", "1: the audit log can be written",
		 atomic_load(&gw->audit_ok)},
		{"keys", "gauge", "valid API keys", rw_keytable_count(snap->keys)},
		{"rules", "gauge", "rules loaded", rw_rules_count(snap->rules)},
		{"rules_bytes", "gauge", "bytes of compiled rules, one copy for all workers",
		 rw_rules_bytes(snap->rules)},
		{"rule_packs_skipped", "gauge", "packs of rules left out for a mistake",
		 rw_rules_skipped(snap->rules)},
		{"workers", "gauge", "worker threads", gw->n_workers},
		{"snapshot_generation", "gauge", "the configuration in use", snap->generation},
		{"kernel_attached", "gauge", "1: XDP drops what is banned",
		 atomic_load(&gw->kernel) >= RW_ENFORCED_GENERIC},
		{"steered", "gauge", "1: new connections go to the less busy of two workers",
		 gw->steering != NULL},
		{"egress_contained", "gauge", "1: connects to upstreams and services only",
		 atomic_load(&gw->contained)},
	};

	return put_rows(b, rows, sizeof(rows) / sizeof(rows[0]));
}

static int put_tls(struct rw_buf *b, const struct rw_tls_stats *s)
{
	int rc = RW_OK;

#define PUT(name, help) \
	if (!rc)        \
		rc = put(b, "tls_" #name "_total", "counter", help, s->name);
	RW_TLS_COUNTERS(PUT)
#undef PUT
	return rc;
}

static int put_events(struct rw_buf *b, const struct rw_control_stats *s)
{
	int rc = RW_OK;

#define PUT(name, help)                                                                 \
	if (!rc)                                                                        \
		rc = put(b, "kernel_event_" #name "_total", "counter", "events: " help, \
			 s->events[RW_KERN_EVENT_##name]);
	RW_KERN_EVENT_KINDS(PUT)
#undef PUT
	return rc;
}

static int put_kernel(struct rw_buf *b, struct rw_kern *k)
{
	struct rw_kern_steer_stats steer;
	struct rw_kern_stats s;
	struct rw_error e;
	int rc = RW_OK;

	/* Detached meanwhile: its counters are gone; kernel_attached says so. */
	if (!k || rw_kern_counters(k, &s, &e) || rw_steering_counters(k, &steer, &e))
		return RW_OK;
#define PUT(from, name, help) \
	if (!rc)              \
		rc = put(b, "kernel_" #name "_total", "counter", help, (from).name);
#define PUT_PACKETS(name, help)	 PUT(s, name, help)
#define PUT_STEERING(name, help) PUT(steer, name, help)
	RW_KERN_COUNTERS(PUT_PACKETS)
	RW_KERN_STEER_COUNTERS(PUT_STEERING)
#undef PUT_STEERING
#undef PUT_PACKETS
#undef PUT
	return rc;
}

/* There only where connections are counted. */
static int put_sockets(struct rw_buf *b, struct rw_kern *k)
{
	struct rw_kern_sock_stats s;
	struct rw_error e;
	int rc = RW_OK;

	if (!k || rw_kern_conns_counters(k, &s, &e))
		return RW_OK;
#define PUT(name, help) \
	if (!rc)        \
		rc = put(b, "kernel_" #name "_total", "counter", help, s.name);
	RW_KERN_SOCK_COUNTERS(PUT)
#undef PUT
	return rc;
}

static int put_egress(struct rw_buf *b, struct rw_egress *g)
{
	struct rw_kern_out_stats s;
	struct rw_error e;
	int rc = RW_OK;

	if (!g || rw_egress_counters(g, &s, &e))
		return RW_OK;
#define PUT(name, help) \
	if (!rc)        \
		rc = put(b, "egress_" #name "_total", "counter", help, s.name);
	RW_KERN_OUT_COUNTERS(PUT)
#undef PUT
	return rc;
}

static int put_feeds(struct rw_buf *b, struct rw_kern *k)
{
	static const struct {
		const char *name, *kind, *help;
	} rows[] = {
		{"feed_entries", "gauge", "prefixes that a feed lists"},
		{"feed_age_seconds", "gauge", "time since a feed was loaded"},
		{"feed_drops_total", "counter", "packets dropped because of a feed"},
	};
	uint64_t values[RW_KERN_FEEDS][3], now = (uint64_t)time(NULL);
	struct rw_feed feeds[RW_KERN_FEEDS];
	struct rw_error e;
	unsigned n = 0;
	int rc = RW_OK;

	if (!k || rw_kern_feeds(k, feeds, &n, &e))
		return RW_OK;
	for (unsigned i = 0; i < n; i++) {
		values[i][0] = (uint64_t)feeds[i].entries4 + feeds[i].entries6;
		values[i][1] = now > feeds[i].loaded_s ? now - feeds[i].loaded_s : 0;
		values[i][2] = feeds[i].drops;
	}
	for (size_t r = 0; n && !rc && r < sizeof(rows) / sizeof(rows[0]); r++) {
		rc = head(b, rows[r].name, rows[r].kind, rows[r].help);
		for (unsigned i = 0; i < n && !rc; i++)
			rc = rw_buf_addf(b, "ringwall_%s{feed=\"%s\"} %" PRIu64 "\n", rows[r].name,
					 feeds[i].name, values[i][r]);
	}
	return rc;
}

int rw_admin_metrics(struct rw_gateway *gw, struct rw_control *control, struct rw_buf *out)
{
	int rc = put_engine(out, gw);

	if (!rc)
		rc = put_tls(out, rw_tls_shared_stats(gw->tls));
	if (!rc)
		rc = put_control(out, gw, control);
	if (!rc)
		rc = put_events(out, rw_control_stats(control));
	if (!rc)
		rc = put_kernel(out, rw_control_kern(control));
	if (!rc)
		rc = put_feeds(out, rw_control_kern(control));
	if (!rc)
		rc = put_sockets(out, rw_control_kern(control));
	return rc ? rc : put_egress(out, rw_control_egress(control));
}
