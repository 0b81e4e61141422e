/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall deny`: bans in the kernel. */
#include "cmd/cmd.h"

#include <argp.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bans.h"
#include "cmd/verbs.h"
#include "kern/kern.h"

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

struct add {
	const char *text;
	struct rw_prefix prefix;
	uint64_t ttl_ns;
	enum rw_kern_verdict verdict;
};

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
	case 'f':
		if (!duration(arg, &a->ttl_ns))
			argp_error(state, "'%s' is not a time as 90s, 10m, 2h or 7d", arg);
		return 0;
	case 'v':
		if (!rw_kern_verdict_of(arg, &a->verdict))
			argp_error(state, "there is no verdict '%s'", arg);
		return 0;
	case ARGP_KEY_ARG:
		if (a->text)
			argp_error(state, "one PREFIX at a time");
		a->text = arg;
		take_prefix(arg, &a->prefix, state);
		return 0;
	case ARGP_KEY_END:
		if (!a->text)
			argp_error(state, "PREFIX is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int add(int argc, char **argv)
{
	static const struct argp argp = {
		add_options,
		on_add_option,
		"PREFIX",
		"Bans an address or prefix in the kernel.\v"
		"A bare IPv6 address stands for its /64. Allowlisted sources cannot be banned "
		"('ringwall kern allow list').",
		NULL,
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
	static const struct argp argp = {NULL, on_add_option, "PREFIX", "Lifts a ban.",
					 NULL, NULL,	      NULL};
	struct add a = {0};
	char text[64];
	struct rw_error e;
	struct rw_kern *k;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	rc = rw_kern_open(&k, &e);
	if (!rc)
		rc = rw_kern_undeny(k, &a.prefix, &e);
	rw_kern_close(k);
	if (rc)
		return rw_cmd_end(rc, &e);
	printf("lifted the ban of %s\n", rw_prefix_text(&a.prefix, text));
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
	};

	return rw_verbs_run(verbs, sizeof(verbs) / sizeof(verbs[0]), argc, argv);
}
