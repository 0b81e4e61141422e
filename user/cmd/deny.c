/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall deny`: bans in the kernel. */
#include "cmd/cmd.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/bans.h"
#include "cmd/state.h"
#include "cmd/verbs.h"
#include "gate/keep.h"
#include "kern/kern.h"
#include "policy/config.h"

#define NS_PER_S 1000000000ULL

/* --- words ------------------------------------------------------------------------------------ */

const char *rw_ban_left(uint64_t left_ns, char out[32])
{
	uint64_t s = (left_ns + NS_PER_S - 1) / NS_PER_S;

	if (left_ns == UINT64_MAX)
		snprintf(out, 32, "for ever");
	else if (s < 3600)
		snprintf(out, 32, "%um%02us", (unsigned)(s / 60), (unsigned)(s % 60));
	else if (s < 100 * 3600)
		snprintf(out, 32, "%uh%02um", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
	else
		snprintf(out, 32, "%" PRIu64 "d%02uh", s / 86400, (unsigned)(s / 3600 % 24));
	return out;
}

/* "90", "90s", "10m", "2h", "7d"; false where it is none or longer than ten years. */
static bool duration(const char *text, uint64_t *ns)
{
	static const struct {
		char unit;
		uint64_t s;
	} units[] = {{'\0', 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	const uint64_t max_s = 3650ULL * 86400;
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || (*end && end[1]))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (*end != units[i].unit)
			continue;
		*ns = n * units[i].s * NS_PER_S;
		return n > 0 && n <= max_s / units[i].s;
	}
	return false;
}

/* --- add, del --------------------------------------------------------------------------------- */

/* Where bans are kept. */
struct where {
	const char *config, *state;
};

struct add {
	struct where where;
	const char *text;
	bool takes_none; /* no prefix */
	struct rw_prefix prefix;
	uint64_t ttl_ns;
	enum rw_kern_verdict verdict;
};

static const struct argp_option where_options[] = {
	{"config", 'c', "FILE", 0,
	 "bans are kept in this configuration's state_dir (default " RW_CONFIG_FILE
	 " where there is one)",
	 0},
	{"state", 's', "DIR", 0, "bans are kept in this state directory", 0},
	{0},
};

static error_t on_where_option(int key, char *arg, struct argp_state *state)
{
	struct where *w = state->input;

	switch (key) {
	case 'c':
		w->config = arg;
		return 0;
	case 's':
		w->state = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp where_argp = {where_options, on_where_option, NULL, NULL, NULL, NULL,
				       NULL};
static const struct argp_child with_where[] = {{&where_argp, 0, NULL, 0}, {0}};

static const struct argp_option add_options[] = {
	{"for", 'f', "TIME", 0, "how long: 90s, 10m, 2h, 7d (default: until it is lifted)", 0},
	{"verdict", 'v', "VERDICT", 0,
	 "drop_all (default), drop_syn (open connections may finish) or limit (everything under "
	 "the "
	 "prefix shares one source's rates)",
	 0},
	{0},
};

/*
 * A bare IPv6 address stands for its /64: whoever has one has them all. With a length written
 * out it is taken as it is.
 */
static void take_prefix(const char *arg, struct rw_prefix *p, struct argp_state *state)
{
	struct rw_error e;

	if (rw_prefix_parse(arg, p, &e))
		argp_error(state, "%s", e.text);
	if (p->family == AF_INET6 && !strchr(arg, '/')) {
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

		memcpy(&in6.sin6_addr, p->addr, sizeof(in6.sin6_addr));
		*p = rw_prefix_of((const struct sockaddr *)&in6);
	}
}

static error_t on_add_option(int key, char *arg, struct argp_state *state)
{
	struct add *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->where;
		return 0;
	case 'f':
		if (!duration(arg, &a->ttl_ns))
			argp_error(state, "'%s' is not a time as 90s, 10m, 2h or 7d", arg);
		return 0;
	case 'v':
		if (!rw_kern_verdict_of(arg, &a->verdict))
			argp_error(state, "there is no verdict '%s'", arg);
		return 0;
	case ARGP_KEY_ARG:
		if (a->takes_none)
			argp_error(state, "one argument too many");
		if (a->text)
			argp_error(state, "one PREFIX at a time");
		a->text = arg;
		take_prefix(arg, &a->prefix, state);
		return 0;
	case ARGP_KEY_END:
		if (!a->text && !a->takes_none)
			argp_error(state, "PREFIX is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- the state directory, where bans outlive a boot ---------------------------------------------
 */

/* RW_ENOTFOUND: no gateway has its state there. */
static int open_store(const struct add *a, struct rw_banstore **out, struct rw_error *e)
{
	char *dir = NULL;
	int rc = rw_cmd_state_dir(a->where.config, a->where.state, &dir, e);

	if (!rc && access(dir, F_OK) && errno == ENOENT)
		rc = rw_fail(e, RW_ENOTFOUND, "there is no state directory '%.300s'", dir);
	rc = rc ? rc : rw_banstore_open(out, dir, e);
	free(dir);
	return rc;
}

/* What is in force of the prefix now. */
static int keep(const struct add *a, struct rw_kern *k, struct rw_error *e)
{
	const struct rw_keep of = {.prefix = a->prefix};
	struct rw_banstore *s = NULL;
	int rc = open_store(a, &s, e);

	rc = rc ? rc : rw_keep_bans(s, k, &of, 1, e);
	rw_banstore_close(s);
	return rc;
}

static int add(int argc, char **argv)
{
	static const struct argp argp = {
		add_options,
		on_add_option,
		"PREFIX",
		"Bans an address or prefix in the kernel.\v"
		"A bare IPv6 address stands for its /64. Allowlisted sources cannot be banned "
		"('ringwall kern allow list'). The ban is kept in the state directory, too, from "
		"where the gateway enters it again when it starts after a reboot.",
		with_where,
		NULL,
		NULL};
	struct add a = {.verdict = RW_KERN_VERDICT_DROP_ALL};
	char text[64], left[32];
	struct rw_error e;
	struct rw_kern *k;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	rc = rw_kern_open(&k, &e);
	if (!rc)
		rc = rw_kern_deny(k, &a.prefix, a.ttl_ns, a.verdict, RW_KERN_REASON_OPERATOR, &e);
	if (!rc && keep(&a, k, &e))
		fprintf(stderr, "ringwall: note: the ban ends with the next boot: %s\n", e.text);
	rw_kern_close(k);
	if (rc)
		return rw_cmd_end(rc, &e);
	printf("banned %s (%s, %s)\n", rw_prefix_text(&a.prefix, text),
	       rw_kern_verdict_name(a.verdict),
	       rw_ban_left(a.ttl_ns ? a.ttl_ns : UINT64_MAX, left));
	return RW_EXIT_OK;
}

static int del(int argc, char **argv)
{
	static const struct argp argp = {NULL,	     on_add_option, "PREFIX", "Lifts a ban.",
					 with_where, NULL,	    NULL};
	struct add a = {0};
	char text[64];
	struct rw_error e, why;
	struct rw_kern *k;
	int rc, kept;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	rc = rw_kern_open(&k, &e);
	if (!rc) {
		rc = rw_kern_undeny(k, &a.prefix, &e);
		/* One that is over may be kept all the same: it is forgotten in any case. */
		kept = rc && rc != RW_ENOTFOUND ? RW_OK : keep(&a, k, &why);
		if (!rc && kept && kept != RW_ENOTFOUND)
			rc = rw_fail(&e, kept,
				     "the ban is lifted, but comes back with the next boot: %.380s",
				     why.text);
	}
	rw_kern_close(k);
	if (rc)
		return rw_cmd_end(rc, &e);
	printf("lifted the ban of %s\n", rw_prefix_text(&a.prefix, text));
	return RW_EXIT_OK;
}

static int restore(int argc, char **argv)
{
	static const struct argp argp = {
		NULL,
		on_add_option,
		NULL,
		"Enters the bans that are kept and not in force again, as the gateway does when it "
		"starts.",
		with_where,
		NULL,
		NULL};
	struct add a = {.takes_none = true};
	struct rw_banstore *s = NULL;
	struct rw_restored got = {0};
	struct rw_error e;
	struct rw_kern *k;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	rc = rw_kern_open(&k, &e);
	if (rc)
		return rw_cmd_end(rc, &e);
	rc = open_store(&a, &s, &e);
	rc = rc ? rc : rw_restore_bans(s, k, NULL, 0, &got, &e);
	rw_banstore_close(s);
	rw_kern_close(k);
	if (rc)
		return rw_cmd_end(rc, &e);
	printf("%u bans are in force again\n", got.bans);
	if (got.refused)
		fprintf(stderr, "ringwall: note: %u are not: allowlisted, or no room\n",
			got.refused);
	return RW_EXIT_OK;
}

/* --- list ------------------------------------------------------------------------------------- */

static void print_ban(const struct rw_ban *b)
{
	char text[64], left[32];

	printf("%-24s %-9s %-9s %-10s %" PRIu64 "\n", rw_prefix_text(&b->prefix, text),
	       rw_kern_verdict_name(b->verdict), rw_kern_reason_name(b->reason),
	       rw_ban_left(b->left_ns, left), b->drops);
}

/* No string in it needs escaping. */
static void print_ban_json(const struct rw_ban *b, const char *before)
{
	char text[64], left[32] = "null";

	if (b->left_ns != UINT64_MAX)
		snprintf(left, sizeof(left), "%.3f", (double)b->left_ns / (double)NS_PER_S);
	printf("%s{\"prefix\":\"%s\",\"verdict\":\"%s\",\"reason\":\"%s\",\"left_s\":%s,\"drops\":"
	       "%" PRIu64 ",\"since_ns\":%" PRIu64 ",\"told_ns\":%" PRIu64 "}",
	       before, rw_prefix_text(&b->prefix, text), rw_kern_verdict_name(b->verdict),
	       rw_kern_reason_name(b->reason), left, b->drops, b->since_ns, b->told_ns);
}

static void print_bans(const struct rw_ban *bans, unsigned n, bool json)
{
	if (json)
		printf("[");
	else if (n)
		printf("%-24s %-9s %-9s %-10s %s\n", "PREFIX", "VERDICT", "REASON", "LEFT",
		       "DROPS");
	for (unsigned i = 0; i < n; i++) {
		if (json)
			print_ban_json(&bans[i], i ? "," : "");
		else
			print_ban(&bans[i]);
	}
	if (json)
		printf("]\n");
}

static int list(int argc, char **argv)
{
	struct rw_ban *bans = NULL;
	struct rw_error e;
	struct rw_kern *k;
	bool json = rw_cmd_wants_json(argc, argv, "Lists the bans in force.");
	unsigned n;
	int rc;

	rc = rw_kern_open(&k, &e);
	if (!rc)
		rc = rw_kern_bans(k, &bans, &n, &e);
	rw_kern_close(k);
	if (rc)
		return rw_cmd_end(rc, &e);
	print_bans(bans, n, json);
	if (!n && !json)
		fprintf(stderr, "ringwall: nobody is banned\n");
	free(bans);
	return RW_EXIT_OK;
}

int rw_cmd_deny(int argc, char **argv)
{
	static const struct rw_verb verbs[] = {
		{"add", add, "ban an address or prefix"},
		{"del", del, "lift a ban"},
		{"list", list, "show the bans in force"},
		{"restore", restore, "enter again what a reboot or detach took away"},
	};

	return rw_verbs_run(verbs, sizeof(verbs) / sizeof(verbs[0]), argc, argv);
}
