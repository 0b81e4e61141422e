/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall kern attach`, `set`, `upgrade` and `detach`. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/cmd.h"
#include "cmd/kern.h"
#include "cmd/verbs.h"

/* --- limits, of attach and set ------------------------------------------------------------------
 */

enum {
	OPT_MODE = 256,
	OPT_SHADOW,
	OPT_ENFORCE,
	OPT_SYN_RATE,
	OPT_SYN_BURST,
	OPT_PKT_RATE,
	OPT_PKT_BURST,
	OPT_SYN_BUDGET,
	OPT_GROUP,
	OPT_CGROUP,
};

enum { RATE_MAX = 1000000, BURST_MAX = 1000000000 };

static const struct argp_option limit_options[] = {
	{"port", 'p', "PORT[,PORT...]", 0, "TCP ports to protect; all else passes untouched", 0},
	{"shadow", OPT_SHADOW, NULL, 0, "count what would be dropped, drop nothing", 0},
	{"enforce", OPT_ENFORCE, NULL, 0, "drop it (default)", 0},
	{"syn-rate", OPT_SYN_RATE, "N", 0,
	 "new connections per second and source; 0 (default): no limit", 0},
	{"syn-burst", OPT_SYN_BURST, "N", 0, "of them at once (default: those of a second)", 0},
	{"pkt-rate", OPT_PKT_RATE, "N", 0, "packets per second and source; 0 (default): no limit",
	 0},
	{"pkt-burst", OPT_PKT_BURST, "N", 0, "of them at once (default: those of a second)", 0},
	{"syn-budget", OPT_SYN_BUDGET, "N", 0,
	 "new connections per second of all sources together, above it SYN cookies; 0 (default): "
	 "never",
	 0},
	{0},
};

/* Whole text as a number of min to max. */
static bool number(const char *text, unsigned long min, unsigned long max, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *out >= min && *out <= max;
}

static void read_ports(struct rw_kern_limits *l, const char *list, struct argp_state *state)
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
		if (l->n_ports == RW_KERN_PORTS)
			argp_error(state, "at most %u ports can be protected", l->n_ports);
		l->ports[l->n_ports++] = (uint16_t)n;
		if (!next)
			break;
	}
}

static uint32_t rate_of(const char *arg, struct argp_state *state)
{
	unsigned long n;

	if (!number(arg, 0, RATE_MAX, &n))
		argp_error(state, "'%s' is not a rate from 0 (no limit) to %d per second", arg,
			   RATE_MAX);
	return (uint32_t)n;
}

static uint32_t burst_of(const char *arg, struct argp_state *state)
{
	unsigned long n;

	if (!number(arg, 1, BURST_MAX, &n))
		argp_error(state, "'%s' is not a burst from 1 to %d", arg, BURST_MAX);
	return (uint32_t)n;
}

static error_t on_limit_option(int key, char *arg, struct argp_state *state)
{
	struct rw_kern_change *c = state->input;

	switch (key) {
	case 'p':
		c->what |= RW_KERN_SET_PORTS;
		read_ports(&c->to, arg, state);
		return 0;
	case OPT_SHADOW:
	case OPT_ENFORCE:
		c->what |= RW_KERN_SET_SHADOW;
		c->to.shadow = key == OPT_SHADOW;
		return 0;
	case OPT_SYN_RATE:
		c->what |= RW_KERN_SET_SYN_RATE;
		c->to.syn_per_second = rate_of(arg, state);
		return 0;
	case OPT_SYN_BURST:
		c->what |= RW_KERN_SET_SYN_BURST;
		c->to.syn_burst = burst_of(arg, state);
		return 0;
	case OPT_PKT_RATE:
		c->what |= RW_KERN_SET_PKT_RATE;
		c->to.pkt_per_second = rate_of(arg, state);
		return 0;
	case OPT_PKT_BURST:
		c->what |= RW_KERN_SET_PKT_BURST;
		c->to.pkt_burst = burst_of(arg, state);
		return 0;
	case OPT_SYN_BUDGET:
		c->what |= RW_KERN_SET_SYN_BUDGET;
		c->to.syn_budget = rate_of(arg, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp limits_argp = {limit_options, on_limit_option, NULL, NULL, NULL, NULL,
					NULL};
static const struct argp_child with_limits[] = {{&limits_argp, 0, NULL, 0}, {0}};

/* --- attach ----------------------------------------------------------------------------------- */

struct attach_input {
	struct rw_kern_attach a;
	struct rw_kern_change limits;
};

static const struct argp_option attach_options[] = {
	{"interface", 'i', "IFACE", 0, "where packets for the gateway arrive", 0},
	{"mode", OPT_MODE, "MODE", 0,
	 "native (default): XDP in the driver; tcx: behind it; generic: XDP behind it, slower "
	 "still; auto: native, or tcx where that cannot be",
	 0},
	{"group", OPT_GROUP, "GROUP", 0, "who may read counters and ban without being root", 0},
	{"cgroup", OPT_CGROUP, "PATH", 0,
	 "count connections and round-trip times by source, of sockets in this cgroup v2 or below",
	 0},
	{0},
};

static enum rw_kern_mode mode_of(const char *arg, struct argp_state *state)
{
	const char *name;

	for (enum rw_kern_mode m = RW_KERN_MODE_AUTO; (name = rw_kern_mode_name(m)); m++)
		if (!strcmp(arg, name))
			return m;
	argp_error(state, "'%s' is not a mode: native, tcx, generic or auto", arg);
	return RW_KERN_MODE_AUTO;
}

static error_t on_attach_option(int key, char *arg, struct argp_state *state)
{
	struct attach_input *in = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &in->limits;
		return 0;
	case 'i':
		in->a.interface = arg;
		return 0;
	case OPT_MODE:
		in->a.mode = mode_of(arg, state);
		return 0;
	case OPT_GROUP:
		in->a.group = arg;
		return 0;
	case OPT_CGROUP:
		in->a.cgroup = arg;
		return 0;
	case ARGP_KEY_END:
		if (!in->a.interface || !in->limits.to.n_ports)
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

int rw_cmd_attach(int argc, char **argv)
{
	static const struct argp argp = {
		attach_options,
		on_attach_option,
		NULL,
		"Attaches the packet filter to an interface and pins it, so that it stays when "
		"this command and the gateway end.\v"
		"Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON.",
		with_limits,
		NULL,
		NULL};
	struct attach_input in = {.a.mode = RW_KERN_MODE_NATIVE};
	struct rw_kern_attached done;
	struct rw_error e;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &in);
	in.a.limits = in.limits.to;
	rc = rw_kern_attach(&in.a, &done, &e);
	if (rc)
		return rw_cmd_end(rc, &e);
	printf("attached to %s (%s%s)\n", in.a.interface, rw_kern_mode_name(done.mode),
	       in.a.limits.shadow ? ", shadow mode" : "");
	if (done.note[0])
		fprintf(stderr, "ringwall: note: %s\n", done.note);
	warn_closed_bpffs(in.a.group);
	return RW_EXIT_OK;
}

/* --- set ----------------------------------------------------------------------------------------
 */

static error_t on_set_option(int key, char *arg, struct argp_state *state)
{
	struct rw_kern_change *c = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = c;
		return 0;
	case ARGP_KEY_END:
		if (!c->what)
			argp_error(state, "say what to change");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int rw_cmd_set(int argc, char **argv)
{
	static const struct argp argp = {
		NULL,
		on_set_option,
		NULL,
		"Changes ports, rates and shadow mode of what is attached, between two packets; "
		"what is not named stays. Bans, counters and connections are not touched.\v"
		"Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON.",
		with_limits,
		NULL,
		NULL};
	struct rw_kern_change c = {0};
	struct rw_kern_cfg now;
	struct rw_error e;
	struct rw_kern *k;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &c);
	rc = rw_kern_open(&k, &e);
	if (rc)
		return rw_cmd_end(rc, &e);
	rc = rw_kern_set(k, &c, &e);
	if (!rc)
		rc = rw_kern_config(k, &now, &e);
	rw_kern_close(k);
	if (rc)
		return rw_cmd_end(rc, &e);
	rw_cmd_print_config(&now);
	return RW_EXIT_OK;
}

/* --- upgrade ------------------------------------------------------------------------------------
 */

static error_t parse_upgrade(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	if (key != 'f')
		return ARGP_ERR_UNKNOWN;
	*(bool *)state->input = true;
	return 0;
}

int rw_cmd_upgrade(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"force", 'f', 0, 0,
		 "also where a layout has changed that nothing is carried into: feeds, counters "
		 "and limiters are lost",
		 0},
		{0},
	};
	static const struct argp argp = {
		options,
		parse_upgrade,
		NULL,
		"Puts the programs of this version in the place of those that are attached: no "
		"packet passes between. Bans, allowlist, limits and counters stay; where their "
		"layout is another now, bans, allowlist and limits are carried over. What would "
		"be lost is named, and nothing done.\v"
		"Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, and root where a layout has "
		"changed.",
		NULL,
		NULL,
		NULL};
	struct rw_kern_upgraded done;
	bool force = false;
	struct rw_error e;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &force);
	rc = rw_kern_upgrade(force, &done, &e);
	if (rc)
		return rw_cmd_end(rc, &e);
	fputs(done.text, stdout);
	if (done.replaced)
		fputs("ringwall: note: maps were replaced: restart the gateway, so that it uses "
		      "the new ones\n",
		      stderr);
	return RW_EXIT_OK;
}

/* --- detach -------------------------------------------------------------------------------------
 */

int rw_cmd_detach(int argc, char **argv)
{
	static const struct argp argp = {
		NULL,
		NULL,
		NULL,
		"Removes the packet filter, its maps and with them all bans. Those that are kept "
		"come back "
		"when the gateway starts again, or by 'ringwall deny restore'.",
		NULL,
		NULL,
		NULL};
	struct rw_error e;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	rc = rw_kern_detach(&e);
	if (rc)
		return rw_cmd_end(rc, &e);
	puts("detached");
	return RW_EXIT_OK;
}
