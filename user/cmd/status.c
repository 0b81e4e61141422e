/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall kern status`. */
#include "cmd/cmd.h"

#include <inttypes.h>
#include <string.h>

#include "cmd/bans.h"
#include "cmd/egress.h"
#include "cmd/kern.h"
#include "cmd/verbs.h"
#include "cmd/view.h"

enum { TOP = 5, COLUMNS = 80 };

static void print_rate(const char *label, const struct rw_kern_rate *r)
{
	if (r->per_second)
		printf("%-11s%u per second and source, burst %u\n", label, r->per_second, r->burst);
	else
		printf("%-11sno limit\n", label);
}

void rw_cmd_print_config(const struct rw_kern_cfg *cfg)
{
	printf("%-11s%s\n", "mode",
	       cfg->shadow ? "shadow: drops are counted, not made" : "enforcing");
	printf("%-11s", "ports");
	for (unsigned i = 0; i < cfg->n_ports; i++)
		printf("%s%u", i ? ", " : "", cfg->ports[i]);
	printf("\n");
	print_rate("SYN rate", &cfg->syn);
	print_rate("packets", &cfg->pkt);
	if (cfg->budget.per_second)
		printf("%-11s%u per second of all sources, above it cookies\n", "SYN budget",
		       cfg->budget.per_second);
	else
		printf("%-11sno limit, no cookies\n", "SYN budget");
}

/* A counter, and what it counts, broken where a line would pass the last column. */
static void print_counter(const char *name, uint64_t value, const char *help)
{
	int at = printf("%-21s %11" PRIu64 " ", name, value), indent = at;

	while (*help) {
		int n = (int)strcspn(help, " ");

		if (at + 1 + n > COLUMNS) {
			printf("\n%*s", indent, "");
			at = indent;
		}
		at += printf(" %.*s", n, help);
		help += help[n] ? n + 1 : n;
	}
	printf("\n");
}

/* What shadow mode counts is shown where it does, or did. */
static void print_counters(const struct rw_view *v)
{
	static const struct {
		const char *name, *help;
	} rows[] = {
#define ROW(name, help) {#name, help},
		RW_KERN_COUNTERS(ROW)
#undef ROW
	};
	const uint64_t *values = (const uint64_t *)&v->stats;

	printf("\nCOUNTERS\n");
	for (unsigned i = 0; i < RW_KERN_N; i++)
		if (values[i] || v->where.shadow || rw_kern_counter_real(i) == i)
			print_counter(rows[i].name, values[i], rows[i].help);
#define STEERING(name, help) print_counter(#name, v->steer.name, help);
	RW_KERN_STEER_COUNTERS(STEERING)
#undef STEERING
#define SOCKETS(name, help) print_counter(#name, v->conns.name, help);
	if (v->conns_counted) {
		RW_KERN_SOCK_COUNTERS(SOCKETS)
	}
#undef SOCKETS
}

static void print_status(const struct rw_view *v)
{
	printf("%-11s%s (%s)%s\n", "interface", v->where.interface, v->where.mode,
	       v->where.link_alive ? "" : ": THE LINK IS GONE, nothing is enforced");
	rw_cmd_print_config(&v->cfg);
	rw_cmd_egress_line();
	rw_view_print_state(v);
	rw_view_print_limited(v, TOP);
	rw_view_print_bans(v, TOP);
	rw_view_print_sources(v, TOP);
	if (v->n_feeds)
		printf("\n");
	rw_feeds_print(v->feeds, v->n_feeds);
	rw_view_print_sources(v, TOP);
	print_counters(v);
}

static int print_status_json(const struct rw_view *v)
{
	struct rw_buf b = {0};
	const char *sep = "";
	int rc = rw_buf_add_str(&b, "{\"interface\":");

	if (!rc)
		rc = rw_buf_add_json(&b, rw_slice_str(v->where.interface));
	if (!rc)
		rc = rw_buf_addf(&b, ",\"mode\":\"%s\",\"shadow\":%s,\"link_alive\":%s,\"ports\":[",
				 v->where.mode, v->where.shadow ? "true" : "false",
				 v->where.link_alive ? "true" : "false");
	for (unsigned i = 0; i < v->cfg.n_ports && !rc; i++)
		rc = rw_buf_addf(&b, "%s%u", i ? "," : "", v->cfg.ports[i]);
	if (!rc)
		rc = rw_buf_addf(&b,
				 "],\"syn_per_second\":%u,\"syn_burst\":%u,\"pkt_per_second\":%u,"
				 "\"pkt_burst\":%u,\"syn_budget\":%u,\"bans\":%u,\"feeds\":",
				 v->cfg.syn.per_second, v->cfg.syn.burst, v->cfg.pkt.per_second,
				 v->cfg.pkt.burst, v->cfg.budget.per_second, v->n_bans);
	if (!rc)
		rc = rw_feeds_json(&b, v->feeds, v->n_feeds);
	if (!rc)
		rc = rw_buf_add_str(&b, ",\"counters\":{");
#define FIELD(from, name)                                                            \
	if (!rc)                                                                     \
		rc = rw_buf_addf(&b, "%s\"" #name "\":%" PRIu64, sep, v->from.name); \
	sep = ",";
#define PACKETS(name, help)  FIELD(stats, name)
#define STEERING(name, help) FIELD(steer, name)
	RW_KERN_COUNTERS(PACKETS)
	RW_KERN_STEER_COUNTERS(STEERING)
#define SOCKETS(name, help) FIELD(conns, name)
	if (v->conns_counted) {
		RW_KERN_SOCK_COUNTERS(SOCKETS)
	}
#undef SOCKETS
#undef STEERING
#undef PACKETS
#undef FIELD
	if (!rc)
		rc = rw_buf_add_str(&b, "}");
	if (!rc)
		rc = rw_view_json(v, &b);
	if (!rc)
		rc = rw_buf_add_str(&b, ",");
	if (!rc)
		rc = rw_cmd_egress_member(&b);
	if (!rc)
		printf("%.*s}\n", RW_SLICE_FMT(rw_buf_slice(&b)));
	rw_buf_free(&b);
	return rc;
}

int rw_cmd_status(int argc, char **argv)
{
	struct rw_view v;
	struct rw_error e;
	bool json = rw_cmd_wants_json(argc, argv,
				      "Shows where the program is attached, what it counted, and "
				      "whom it stops.");
	int rc;

	rc = rw_view_read(&v, &e);
	if (!rc && !json)
		print_status(&v);
	else if (!rc && print_status_json(&v))
		rc = rw_fail(&e, RW_ENOMEM, "out of memory");
	rw_view_free(&v);
	if (rc)
		return rw_cmd_end(rc, &e);
	return v.where.link_alive ? RW_EXIT_OK : RW_EXIT_FAIL;
}
