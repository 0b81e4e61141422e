/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall kern egress`: what the gateway may connect to, enforced on its cgroup. */
#include "cmd/egress.h"

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cmd/cmd.h"
#include "cmd/verbs.h"
#include "kern/egress.h"
#include "policy/config.h"

enum { DNS_PORT = 53, RULES_MAX = RW_KERN_OUT_NETS / 2, REFUSED_SHOWN = 20 };

#define RESOLV_CONF "/etc/resolv.conf"

/* --- attach ------------------------------------------------------------------------------------
 */

enum { OPT_CGROUP = 256, OPT_ALLOW, OPT_DNS, OPT_GROUP };

static const struct argp_option attach_options[] = {
	{"cgroup", OPT_CGROUP, "PATH|own", 0,
	 "the gateway's cgroup, a directory under /sys/fs/cgroup; own: the one that this is run "
	 "in, "
	 "as a service's ExecStartPre= is",
	 0},
	{"allow", OPT_ALLOW, "ADDR[:PORT]", 0,
	 "a service it may reach, by TCP and UDP; an address, or a prefix", 0},
	{"dns", OPT_DNS, "ADDR|auto|none", 0,
	 "its name server; auto (default): those of " RESOLV_CONF, 0},
	{"config", 'c', "FILE", 0, "allow the upstreams that FILE gives by address", 0},
	{"group", OPT_GROUP, "GROUP", 0, "who runs the gateway, and lists upstreams' addresses", 0},
	{0},
};

struct attach {
	struct rw_egress_attach a;
	struct rw_egress_rule rules[RULES_MAX];
	const char *config;
	bool no_dns_auto;
};

static int add_rule(struct attach *at, const char *text, uint16_t port, enum rw_kern_out_why why,
		    struct rw_error *e)
{
	if (at->a.n_rules == RULES_MAX)
		return rw_fail(e, RW_ELIMIT, "at most %d services can be listed", RULES_MAX);
	return rw_egress_rule_parse(text, port, why, &at->rules[at->a.n_rules++], e);
}

static error_t on_attach_option(int key, char *arg, struct argp_state *state)
{
	struct attach *at = state->input;
	struct rw_error e;

	switch (key) {
	case OPT_CGROUP:
		at->a.cgroup = arg;
		return 0;
	case OPT_ALLOW:
		if (add_rule(at, arg, 0, RW_KERN_OUT_SERVICE, &e))
			argp_error(state, "%s", e.text);
		return 0;
	case OPT_DNS:
		at->no_dns_auto = strcmp(arg, "auto") != 0;
		if (at->no_dns_auto && strcmp(arg, "none") != 0 &&
		    add_rule(at, arg, DNS_PORT, RW_KERN_OUT_DNS, &e))
			argp_error(state, "%s", e.text);
		return 0;
	case 'c':
		at->config = arg;
		return 0;
	case OPT_GROUP:
		at->a.group = arg;
		return 0;
	case ARGP_KEY_END:
		if (!at->a.cgroup)
			argp_error(state, "--cgroup PATH is needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* As glibc's resolver reads it; without a line of this kind it asks this host. */
static int add_name_servers(struct attach *at, struct rw_error *e)
{
	FILE *f = fopen(RESOLV_CONF, "re");
	char line[512], addr[64];
	unsigned n = 0;
	int rc = RW_OK;

	if (!f && errno != ENOENT)
		return rw_fail(e, RW_EIO, "cannot read " RESOLV_CONF ": %s", strerror(errno));
	while (f && !rc && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "nameserver %63s", addr) != 1)
			continue;
		addr[strcspn(addr, "%")] = '\0'; /* fe80::1%eth0 */
		rc = add_rule(at, addr, DNS_PORT, RW_KERN_OUT_DNS, e);
		n++;
	}
	if (f)
		fclose(f);
	return rc || n ? rc : add_rule(at, "127.0.0.1", DNS_PORT, RW_KERN_OUT_DNS, e);
}

static int add_upstreams(struct attach *at, struct rw_error *e)
{
	struct rw_config *c;
	int rc = rw_config_load_public(&c, at->config, e); /* keys are not ours to read */

	if (rc)
		return rc;
	for (unsigned i = 0; i < c->n_upstreams && !rc; i++) {
		const struct rw_upstream_config *u = &c->upstreams[i];
		uint8_t addr[16];

		if (inet_pton(AF_INET, u->host, addr) == 1 ||
		    inet_pton(AF_INET6, u->host, addr) == 1)
			rc = add_rule(at, u->host, u->port, RW_KERN_OUT_UPSTREAM, e);
	}
	rw_config_free(c);
	return rc;
}

static int attach(int argc, char **argv)
{
	static const struct argp argp = {attach_options,
					 on_attach_option,
					 NULL,
					 "Lets the processes of a cgroup connect to upstreams, "
					 "name servers and the services "
					 "named here only.\v"
					 "Upstreams' public addresses are listed by the running "
					 "gateway, as their names resolve. "
					 "Private ones and this host are reached only if named "
					 "here; metadata services never. "
					 "Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON.",
					 NULL,
					 NULL,
					 NULL};
	struct attach at = {0};
	char own[512];
	struct rw_error e;
	int rc = RW_OK;

	at.a.rules = at.rules;
	argp_parse(&argp, argc, argv, 0, NULL, &at);
	if (!strcmp(at.a.cgroup, "own")) {
		rc = rw_cgroup_own(own, sizeof(own), &e);
		at.a.cgroup = own;
	}
	if (!rc && !at.no_dns_auto)
		rc = add_name_servers(&at, &e);
	if (!rc && at.config)
		rc = add_upstreams(&at, &e);
	if (!rc)
		rc = rw_egress_attach(&at.a, &e);
	if (rc)
		return rw_cmd_end(rc, &e);
	printf("egress of %s is contained\n", at.a.cgroup);
	return RW_EXIT_OK;
}

static int detach(int argc, char **argv)
{
	static const struct argp argp = {
		NULL, NULL, NULL, "Ends the containment: the cgroup may connect to anything.",
		NULL, NULL, NULL};
	struct rw_error e;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	rc = rw_egress_detach(&e);
	if (rc)
		return rw_cmd_end(rc, &e);
	puts("egress is open");
	return RW_EXIT_OK;
}

/* --- status ------------------------------------------------------------------------------------
 */

struct status {
	struct rw_egress_where where;
	struct rw_kern_out_stats stats;
	struct rw_egress_rule *rules;
	struct rw_egress_upstream *upstreams;
	struct rw_egress_refused *refused;
	unsigned n_rules, n_upstreams, n_refused;
};

static int read_status(struct status *s, struct rw_error *e)
{
	struct rw_egress *g;
	int rc = rw_egress_open(&g, e);

	if (rc)
		return rc;
	rw_egress_where(g, &s->where);
	rc = rw_egress_counters(g, &s->stats, e);
	if (!rc)
		rc = rw_egress_rules(g, &s->rules, &s->n_rules, e);
	if (!rc)
		rc = rw_egress_upstreams(g, &s->upstreams, &s->n_upstreams, e);
	if (!rc)
		rc = rw_egress_refused(g, &s->refused, &s->n_refused, e);
	rw_egress_close(g);
	return rc;
}

static const char *why_name(enum rw_kern_out_why why)
{
	return why == RW_KERN_OUT_DNS	     ? "name server"
	       : why == RW_KERN_OUT_UPSTREAM ? "upstream"
					     : "service";
}

static const char *proto_name(uint16_t proto)
{
	return proto == IPPROTO_TCP ? "tcp" : proto == IPPROTO_UDP ? "udp" : "other";
}

static const char *dest(const struct rw_prefix *addr, uint16_t port, char out[80])
{
	char host[INET6_ADDRSTRLEN] = "?";

	inet_ntop(addr->family, addr->addr, host, sizeof(host));
	snprintf(out, 80, addr->family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, port);
	return out;
}

/* What `ringwall kern status` says of it; false: nothing is contained. */
static bool summary(char cgroup[208], uint64_t *refused, uint64_t *dropped)
{
	struct rw_kern_out_stats stats;
	struct rw_egress_where where;
	struct rw_egress *g;
	struct rw_error e;
	int rc = rw_egress_open(&g, &e);

	if (rc)
		return false;
	rw_egress_where(g, &where);
	rc = rw_egress_counters(g, &stats, &e);
	rw_egress_close(g);
	if (rc || !where.alive)
		return false;
	snprintf(cgroup, 208, "%s", where.cgroup);
	*refused = rw_egress_refusals(&stats);
	*dropped = rw_egress_drops(&stats);
	return true;
}

void rw_cmd_egress_line(void)
{
	uint64_t refused, dropped;
	char cgroup[208];

	if (summary(cgroup, &refused, &dropped))
		printf("%-11scontained: %s, %" PRIu64 " refused, %" PRIu64 " packets dropped\n",
		       "egress", cgroup, refused, dropped);
	else
		printf("%-11snot contained\n", "egress");
}

int rw_cmd_egress_member(struct rw_buf *b)
{
	uint64_t refused = 0, dropped = 0;
	char cgroup[208];
	bool contained = summary(cgroup, &refused, &dropped);

	return rw_buf_addf(
		b, "\"egress\":{\"contained\":%s,\"refused\":%" PRIu64 ",\"dropped\":%" PRIu64 "}",
		contained ? "true" : "false", refused, dropped);
}

static void print_status(const struct status *s)
{
	char text[80];

	printf("%-11s%s%s\n\n", "cgroup", s->where.cgroup,
	       s->where.alive ? "" : ": IT IS GONE, nothing is contained");
	for (unsigned i = 0; i < s->n_rules; i++)
		printf("  %-46s %s\n", rw_egress_rule_text(&s->rules[i], text),
		       why_name(s->rules[i].why));
	for (unsigned i = 0; i < s->n_upstreams; i++)
		printf("  %-46s upstream %s, for %" PRIu64 " s\n",
		       dest(&s->upstreams[i].addr, s->upstreams[i].port, text),
		       s->upstreams[i].upstream, s->upstreams[i].left_ns / 1000000000);
	puts("");
#define LINE(name, help) printf("%20" PRIu64 "  %-18s %s\n", s->stats.name, #name, help);
	RW_KERN_OUT_COUNTERS(LINE)
#undef LINE
	if (s->n_refused)
		puts("\nrefused last:");
	for (unsigned i = 0; i < s->n_refused && i < REFUSED_SHOWN; i++)
		printf("%20" PRIu64 "  %s %s: %s%s\n", s->refused[i].seen.count,
		       proto_name(s->refused[i].proto),
		       dest(&s->refused[i].addr, s->refused[i].port, text),
		       rw_egress_reason(s->refused[i].seen.reason),
		       s->refused[i].seen.packets ? " (a packet)" : "");
}

static int put_lists(struct rw_buf *b, const struct status *s)
{
	char text[80];
	int rc = rw_buf_add_str(b, ",\"rules\":[");

	for (unsigned i = 0; i < s->n_rules && !rc; i++)
		rc = rw_buf_addf(b, "%s{\"to\":\"%s\",\"why\":\"%s\"}", i ? "," : "",
				 rw_egress_rule_text(&s->rules[i], text),
				 why_name(s->rules[i].why));
	if (!rc)
		rc = rw_buf_add_str(b, "],\"upstreams\":[");
	for (unsigned i = 0; i < s->n_upstreams && !rc; i++) {
		rc = rw_buf_addf(
			b, "%s{\"to\":\"%s\",\"left_s\":%" PRIu64 ",\"upstream\":", i ? "," : "",
			dest(&s->upstreams[i].addr, s->upstreams[i].port, text),
			s->upstreams[i].left_ns / 1000000000);
		if (!rc)
			rc = rw_buf_add_json(b, rw_slice_str(s->upstreams[i].upstream));
		if (!rc)
			rc = rw_buf_add_str(b, "}");
	}
	if (!rc)
		rc = rw_buf_add_str(b, "],\"refused\":[");
	for (unsigned i = 0; i < s->n_refused && !rc; i++)
		rc = rw_buf_addf(b,
				 "%s{\"to\":\"%s\",\"proto\":\"%s\",\"reason\":\"%s\","
				 "\"count\":%" PRIu64 ",\"packet\":%s}",
				 i ? "," : "", dest(&s->refused[i].addr, s->refused[i].port, text),
				 proto_name(s->refused[i].proto),
				 rw_egress_reason(s->refused[i].seen.reason),
				 s->refused[i].seen.count,
				 s->refused[i].seen.packets ? "true" : "false");
	return rc ? rc : rw_buf_add_str(b, "]}");
}

static int print_status_json(const struct status *s, struct rw_error *e)
{
	struct rw_buf b = {0};
	const char *sep = "";
	int rc = rw_buf_add_str(&b, "{\"cgroup\":");

	if (!rc)
		rc = rw_buf_add_json(&b, rw_slice_str(s->where.cgroup));
	if (!rc)
		rc = rw_buf_addf(&b, ",\"alive\":%s,\"counters\":{",
				 s->where.alive ? "true" : "false");
#define FIELD(name, help)                                                             \
	if (!rc)                                                                      \
		rc = rw_buf_addf(&b, "%s\"" #name "\":%" PRIu64, sep, s->stats.name); \
	sep = ",";
	RW_KERN_OUT_COUNTERS(FIELD)
#undef FIELD
	if (!rc)
		rc = rw_buf_add_str(&b, "}");
	if (!rc)
		rc = put_lists(&b, s);
	if (!rc)
		printf("%.*s\n", RW_SLICE_FMT(rw_buf_slice(&b)));
	rw_buf_free(&b);
	return rc ? rw_fail(e, RW_ENOMEM, "out of memory") : RW_OK;
}

static int status(int argc, char **argv)
{
	struct status s = {0};
	struct rw_error e;
	bool json = rw_cmd_wants_json(argc, argv,
				      "Shows what is contained, where it may connect to, and what "
				      "was refused.");
	int rc;

	rc = read_status(&s, &e);
	if (!rc && json)
		rc = print_status_json(&s, &e);
	else if (!rc)
		print_status(&s);
	free(s.rules);
	free(s.upstreams);
	free(s.refused);
	if (rc)
		return rw_cmd_end(rc, &e);
	return s.where.alive ? RW_EXIT_OK : RW_EXIT_FAIL;
}

/* --- allow -------------------------------------------------------------------------------------
 */

static int allow(int argc, char **argv)
{
	static const char use[] = "Usage: ringwall kern egress allow add|del ADDR[:PORT]\n";
	bool add = argc == 3 && !strcmp(argv[1], "add");
	struct rw_egress_rule rule;
	struct rw_egress *g;
	struct rw_error e;
	int rc;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?"))) {
		fputs(use, stdout);
		return RW_EXIT_OK;
	}
	if (!add && (argc != 3 || strcmp(argv[1], "del") != 0)) {
		fputs(use, stderr);
		return RW_EXIT_USAGE;
	}
	if (rw_egress_rule_parse(argv[2], 0, RW_KERN_OUT_SERVICE, &rule, &e)) {
		fprintf(stderr, "ringwall: %s\n", e.text);
		return RW_EXIT_USAGE;
	}
	rc = rw_egress_open(&g, &e);
	if (rc)
		return rw_cmd_end(rc, &e);
	rc = rw_egress_rule(g, &rule, add, &e);
	rw_egress_close(g);
	return rw_cmd_end(rc, &e);
}

int rw_cmd_kern_egress(int argc, char **argv)
{
	static const struct rw_verb verbs[] = {
		{"attach", attach, "contain a cgroup's connections"},
		{"detach", detach, "let it connect to anything"},
		{"status", status, "show what is contained and what was refused"},
		{"allow", allow, "list a service, or take it from the list"},
	};

	return rw_verbs_run(verbs, sizeof(verbs) / sizeof(verbs[0]), argc, argv);
}
