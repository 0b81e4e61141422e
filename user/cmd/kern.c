/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall kern`: its verbs; the kernel side shown, and its allowlist. */
#include "cmd/cmd.h"

#include <argp.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cmd/egress.h"
#include "cmd/events.h"
#include "cmd/kern.h"
#include "cmd/verbs.h"
#include "kern/kern.h"
#include "kern/steer.h"

/* --- status -------------------------------------------------------------------------------------
 */

struct status {
	struct rw_kern_where where;
	struct rw_kern_cfg cfg;
	struct rw_kern_stats stats;
	struct rw_kern_steer_stats steer;
	unsigned bans;
};

static int read_status(struct status *s, struct rw_error *e)
{
	struct rw_kern *k;
	struct rw_ban *bans = NULL;
	int rc = rw_kern_open(&k, e);

	if (rc)
		return rc;
	rc = rw_kern_where(k, &s->where, e);
	if (!rc)
		rc = rw_kern_config(k, &s->cfg, e);
	if (!rc)
		rc = rw_kern_counters(k, &s->stats, e);
	if (!rc)
		rc = rw_steering_counters(k, &s->steer, e);
	if (!rc)
		rc = rw_kern_bans(k, &bans, &s->bans, e);
	free(bans);
	rw_kern_close(k);
	return rc;
}

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

static void print_status(const struct status *s)
{
	printf("%-11s%s (%s)%s\n", "interface", s->where.interface, s->where.mode,
	       s->where.link_alive ? "" : ": THE LINK IS GONE, nothing is enforced");
	rw_cmd_print_config(&s->cfg);
	rw_cmd_egress_line();
	printf("%-11s%u\n\n", "bans", s->bans);
#define LINE(from, name, help) printf("%20" PRIu64 "  %-22s %s\n", s->from.name, #name, help);
#define PACKETS(name, help)    LINE(stats, name, help)
#define STEERING(name, help)   LINE(steer, name, help)
	RW_KERN_COUNTERS(PACKETS)
	RW_KERN_STEER_COUNTERS(STEERING)
#undef STEERING
#undef PACKETS
#undef LINE
}

static int print_status_json(const struct status *s)
{
	struct rw_buf b = {0};
	const char *sep = "";
	int rc = rw_buf_add_str(&b, "{\"interface\":");

	if (!rc)
		rc = rw_buf_add_json(&b, rw_slice_str(s->where.interface));
	if (!rc)
		rc = rw_buf_addf(&b, ",\"mode\":\"%s\",\"shadow\":%s,\"link_alive\":%s,\"ports\":[",
				 s->where.mode, s->where.shadow ? "true" : "false",
				 s->where.link_alive ? "true" : "false");
	for (unsigned i = 0; i < s->cfg.n_ports && !rc; i++)
		rc = rw_buf_addf(&b, "%s%u", i ? "," : "", s->cfg.ports[i]);
	if (!rc)
		rc = rw_buf_addf(&b,
				 "],\"syn_per_second\":%u,\"syn_burst\":%u,\"pkt_per_second\":%u,"
				 "\"pkt_burst\":%u,\"syn_budget\":%u,\"bans\":%u,\"counters\":{",
				 s->cfg.syn.per_second, s->cfg.syn.burst, s->cfg.pkt.per_second,
				 s->cfg.pkt.burst, s->cfg.budget.per_second, s->bans);
#define FIELD(from, name)                                                            \
	if (!rc)                                                                     \
		rc = rw_buf_addf(&b, "%s\"" #name "\":%" PRIu64, sep, s->from.name); \
	sep = ",";
#define PACKETS(name, help)  FIELD(stats, name)
#define STEERING(name, help) FIELD(steer, name)
	RW_KERN_COUNTERS(PACKETS)
	RW_KERN_STEER_COUNTERS(STEERING)
#undef STEERING
#undef PACKETS
#undef FIELD
	if (!rc)
		rc = rw_buf_add_str(&b, "},");
	if (!rc)
		rc = rw_cmd_egress_member(&b);
	if (!rc)
		printf("%.*s}\n", RW_SLICE_FMT(rw_buf_slice(&b)));
	rw_buf_free(&b);
	return rc;
}

static const struct argp_option json_options[] = {
	{"json", 'j', NULL, 0, "print JSON", 0},
	{0},
};

static error_t on_json_option(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	if (key != 'j')
		return ARGP_ERR_UNKNOWN;
	*(bool *)state->input = true;
	return 0;
}

static int status(int argc, char **argv)
{
	static const struct argp argp = {
		json_options, on_json_option,
		NULL,	      "Shows where the program is attached, and what it counted.",
		NULL,	      NULL,
		NULL};
	struct status s = {0};
	struct rw_error e;
	bool json = false;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &json);
	rc = read_status(&s, &e);
	if (rc)
		return rw_cmd_end(rc, &e);
	if (!json)
		print_status(&s);
	else if (print_status_json(&s))
		return rw_cmd_end(rw_fail(&e, RW_ENOMEM, "out of memory"), &e);
	return s.where.link_alive ? RW_EXIT_OK : RW_EXIT_FAIL;
}

/* --- allow --------------------------------------------------------------------------------------
 */

static int allow_list(struct rw_kern *k, struct rw_error *e)
{
	struct rw_prefix *prefixes;
	char text[64];
	unsigned n;
	int rc = rw_kern_allows(k, &prefixes, &n, e);

	for (unsigned i = 0; i < n; i++)
		puts(rw_prefix_text(&prefixes[i], text));
	free(prefixes);
	return rc;
}

static int allow(int argc, char **argv)
{
	static const char use[] = "Usage: ringwall kern allow add|del PREFIX\n"
				  "       ringwall kern allow list\n";
	bool list = argc == 2 && !strcmp(argv[1], "list");
	bool add = argc == 3 && !strcmp(argv[1], "add");
	bool del = argc == 3 && !strcmp(argv[1], "del");
	struct rw_prefix prefix;
	struct rw_error e;
	struct rw_kern *k;
	int rc = RW_OK;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?"))) {
		fputs(use, stdout);
		return RW_EXIT_OK;
	}
	if (!list && !add && !del) {
		fputs(use, stderr);
		return RW_EXIT_USAGE;
	}
	if (!list && rw_prefix_parse(argv[2], &prefix, &e)) {
		fprintf(stderr, "ringwall: %s\n", e.text);
		return RW_EXIT_USAGE;
	}
	rc = rw_kern_open(&k, &e);
	if (rc)
		return rw_cmd_end(rc, &e);
	rc = list ? allow_list(k, &e) : rw_kern_allow(k, &prefix, add, &e);
	rw_kern_close(k);
	return rw_cmd_end(rc, &e);
}

int rw_cmd_kern(int argc, char **argv)
{
	static const struct rw_verb verbs[] = {
		{"attach", rw_cmd_attach, "attach the packet filter to an interface"},
		{"set", rw_cmd_set, "change ports, rates and shadow mode while it works"},
		{"detach", rw_cmd_detach, "remove it, its maps and all bans"},
		{"status", status, "show where it is attached and what it counted"},
		{"events", rw_kern_events_verb, "print what the program tells, as it happens"},
		{"allow", allow, "sources that are never banned or limited"},
		{"egress", rw_cmd_kern_egress, "contain what the gateway may connect to"},
	};

	return rw_verbs_run(verbs, sizeof(verbs) / sizeof(verbs[0]), argc, argv);
}
