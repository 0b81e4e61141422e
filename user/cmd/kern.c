/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall kern`: attach, detach and show the kernel side, and its allowlist. */
#include "cmd/cmd.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "cmd/events.h"
#include "cmd/verbs.h"
#include "kern/kern.h"
#include "kern/steer.h"

/* Whole text as a number of min to max. */
static bool number(const char *text, unsigned long min, unsigned long max, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *out >= min && *out <= max;
}

/* --- attach ----------------------------------------------------------------------------------- */

enum { OPT_MODE = 256, OPT_SHADOW, OPT_SYN_RATE, OPT_PKT_RATE, OPT_GROUP };

static const struct argp_option attach_options[] = {
	{"interface", 'i', "IFACE", 0, "where packets for the gateway arrive", 0},
	{"port", 'p', "PORT[,PORT...]", 0, "TCP ports to protect; all else passes untouched", 0},
	{"mode", OPT_MODE, "MODE", 0,
	 "native (default): XDP in the driver; tcx: behind it; generic: XDP behind it, slower "
	 "still; auto: native, or tcx where that cannot be",
	 0},
	{"shadow", OPT_SHADOW, NULL, 0, "count what would be dropped, drop nothing", 0},
	{"syn-rate", OPT_SYN_RATE, "N", 0,
	 "new connections per second and source (default: no limit)", 0},
	{"pkt-rate", OPT_PKT_RATE, "N", 0, "packets per second and source (default: no limit)", 0},
	{"group", OPT_GROUP, "GROUP", 0, "who may read counters and ban without being root", 0},
	{0},
};

static void add_ports(struct rw_kern_attach *a, const char *list, struct argp_state *state)
{
	char port[8];
	unsigned long n;

	for (const char *next = list; next; list = next + 1) {
		size_t len;

		next = strchr(list, ',');
		len = next ? (size_t)(next - list) : strlen(list);
		snprintf(port, sizeof(port), "%.*s", len < sizeof(port) ? (int)len : 0, list);
		if (!number(port, 1, 65535, &n))
			argp_error(state, "'%s' is not a TCP port or a list of them", list);
		if (a->n_ports == sizeof(a->ports) / sizeof(a->ports[0]))
			argp_error(state, "at most %u ports can be protected", a->n_ports);
		a->ports[a->n_ports++] = (uint16_t)n;
		if (!next)
			break;
	}
}

static uint32_t rate_of(const char *arg, struct argp_state *state)
{
	unsigned long n;

	if (!number(arg, 0, 1000000, &n))
		argp_error(state, "'%s' is not a rate from 0 (no limit) to 1000000 per second",
			   arg);
	return (uint32_t)n;
}

/* 0: auto. */
static enum rw_kern_mode mode_of(const char *arg, struct argp_state *state)
{
	const char *name;

	if (!strcmp(arg, "auto"))
		return 0;
	for (enum rw_kern_mode m = RW_KERN_MODE_NATIVE; (name = rw_kern_mode_name(m)); m++)
		if (!strcmp(arg, name))
			return m;
	argp_error(state, "'%s' is not a mode: native, tcx, generic or auto", arg);
	return 0;
}

static error_t on_attach_option(int key, char *arg, struct argp_state *state)
{
	struct rw_kern_attach *a = state->input;

	switch (key) {
	case 'i':
		a->interface = arg;
		return 0;
	case 'p':
		add_ports(a, arg, state);
		return 0;
	case OPT_MODE:
		a->mode = mode_of(arg, state);
		return 0;
	case OPT_SHADOW:
		a->shadow = true;
		return 0;
	case OPT_SYN_RATE:
		a->syn_per_second = rate_of(arg, state);
		return 0;
	case OPT_PKT_RATE:
		a->pkt_per_second = rate_of(arg, state);
		return 0;
	case OPT_GROUP:
		a->group = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->interface || !a->n_ports)
			argp_error(state, "-i IFACE and -p PORT are needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The bpffs itself may keep the group out; that is the host's to decide, so it is only said. */
static void warn_closed_bpffs(const char *group)
{
	struct stat st;

	if (group && !stat("/sys/fs/bpf", &st) && !(st.st_mode & 0001))
		fprintf(stderr,
			"ringwall: note: /sys/fs/bpf lets root through only, so group '%s' cannot "
			"reach the pins: 'chmod 711 /sys/fs/bpf' lets it\n",
			group);
}

static int attach(int argc, char **argv)
{
	static const struct argp argp = {
		attach_options,
		on_attach_option,
		NULL,
		"Attaches the packet filter to an interface and pins it, so that it stays when "
		"this command and the gateway end.\v"
		"Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON.",
		NULL,
		NULL,
		NULL};
	struct rw_kern_attach a = {.mode = RW_KERN_MODE_NATIVE};
	struct rw_kern_attached done;
	struct rw_error e;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	rc = rw_kern_attach(&a, &done, &e);
	if (rc)
		return rw_cmd_end(rc, &e);
	printf("attached to %s (%s%s)\n", a.interface, rw_kern_mode_name(done.mode),
	       a.shadow ? ", shadow mode" : "");
	if (done.note[0])
		fprintf(stderr, "ringwall: note: %s\n", done.note);
	warn_closed_bpffs(a.group);
	return RW_EXIT_OK;
}

/* --- detach -------------------------------------------------------------------------------------
 */

static int detach(int argc, char **argv)
{
	static const struct argp argp = {
		NULL, NULL, NULL, "Removes the packet filter, its maps and all bans.",
		NULL, NULL, NULL};
	struct rw_error e;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	rc = rw_kern_detach(&e);
	if (rc)
		return rw_cmd_end(rc, &e);
	puts("detached");
	return RW_EXIT_OK;
}

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

static void print_status(const struct status *s)
{
	printf("%-11s%s (%s)%s\n", "interface", s->where.interface, s->where.mode,
	       s->where.link_alive ? "" : ": THE LINK IS GONE, nothing is enforced");
	printf("%-11s%s\n", "mode",
	       s->where.shadow ? "shadow: drops are counted, not made" : "enforcing");
	printf("%-11s", "ports");
	for (unsigned i = 0; i < s->cfg.n_ports; i++)
		printf("%s%u", i ? ", " : "", s->cfg.ports[i]);
	printf("\n");
	print_rate("SYN rate", &s->cfg.syn);
	print_rate("packets", &s->cfg.pkt);
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
				 "\"pkt_burst\":%u,\"bans\":%u,\"counters\":{",
				 s->cfg.syn.per_second, s->cfg.syn.burst, s->cfg.pkt.per_second,
				 s->cfg.pkt.burst, s->bans);
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
		printf("%.*s}}\n", RW_SLICE_FMT(rw_buf_slice(&b)));
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
		{"attach", attach, "attach the packet filter to an interface"},
		{"detach", detach, "remove it, its maps and all bans"},
		{"status", status, "show where it is attached and what it counted"},
		{"events", rw_kern_events_verb, "print what the program tells, as it happens"},
		{"allow", allow, "sources that are never banned or limited"},
	};

	return rw_verbs_run(verbs, sizeof(verbs) / sizeof(verbs[0]), argc, argv);
}
