/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall feed`: lists of addresses that others have made, in the kernel. */
#include "cmd/cmd.h"

#include <argp.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/bans.h"
#include "cmd/feed_read.h"
#include "cmd/verbs.h"

#define NS_PER_S 1000000000ULL

/* --- load ------------------------------------------------------------------------------------- */

enum { OPT_STRICT = 256, OPT_DRY_RUN, OPT_RESERVED };

struct load {
	const char *path;
	char name[16];
	enum rw_kern_verdict verdict;
	bool strict, dry_run, reserved;
	struct rw_feed_progress progress;
};

static const struct argp_option load_options[] = {
	{"name", 'n', "NAME", 0, "what to call it (default: the file's name up to its first dot)",
	 0},
	{"verdict", 'v', "VERDICT", 0, "drop_all (default), drop_syn or limit, as in `deny add`",
	 0},
	{"strict", OPT_STRICT, NULL, 0, "load nothing if any line is bad", 0},
	{"dry-run", OPT_DRY_RUN, NULL, 0, "read and report, change nothing", 0},
	{"reserved", OPT_RESERVED, NULL, 0,
	 "take private and reserved addresses, too (10.0.0.0/8, fc00::/7, ...)", 0},
	{0},
};

/* "drop" for /var/lib/feeds/drop.v4.txt. */
static void name_from_path(struct load *l, struct argp_state *state)
{
	const char *base = strrchr(l->path, '/') ? strrchr(l->path, '/') + 1 : l->path;
	size_t n = strcspn(base, ".");

	snprintf(l->name, sizeof(l->name), "%.*s", n < sizeof(l->name) ? (int)n : 0, base);
	if (!rw_feed_name_ok(l->name) || !strcmp(l->path, "-"))
		argp_error(state,
			   "'%s' makes no name of 1 to 15 letters, digits, '.', '_' or '-': give "
			   "one with --name",
			   l->path);
}

static error_t on_load_option(int key, char *arg, struct argp_state *state)
{
	struct load *l = state->input;

	switch (key) {
	case 'n':
		if (!rw_feed_name_ok(arg))
			argp_error(state,
				   "'%s' is no name of 1 to 15 letters, digits, '.', '_' or '-'",
				   arg);
		snprintf(l->name, sizeof(l->name), "%s", arg);
		return 0;
	case 'v':
		if (!rw_kern_verdict_of(arg, &l->verdict))
			argp_error(state, "there is no verdict '%s'", arg);
		return 0;
	case OPT_STRICT:
		l->strict = true;
		return 0;
	case OPT_DRY_RUN:
		l->dry_run = true;
		return 0;
	case OPT_RESERVED:
		l->reserved = true;
		return 0;
	case ARGP_KEY_ARG:
		if (l->path)
			argp_error(state, "one FILE at a time");
		l->path = arg;
		return 0;
	case ARGP_KEY_END:
		if (!l->path)
			argp_error(state, "FILE is missing ('-': standard input)");
		else if (!l->name[0])
			name_from_path(l, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void on_progress(void *arg, size_t done, size_t total)
{
	rw_feed_progress_say(arg, "prefixes entered", done, total);
}

/* What of the kernel a dry run can know: the allowlist, if it is attached and we may read. */
static int rehearse(struct rw_feed_set *set, const struct load *l, struct rw_feed_settled *settled,
		    struct rw_feed *feed, struct rw_error *e)
{
	const enum rw_kern_verdict verdicts[RW_KERN_FEEDS] = {l->verdict};
	struct rw_error why = {0};
	struct rw_kern *k;
	int rc = rw_kern_open(&k, &why);

	if (rc)
		fprintf(stderr, "ringwall: note: not compared with the allowlist: %s\n", why.text);
	else
		rc = rw_kern_feed_allows(k, set, e);
	rw_kern_close(k);
	if (k && rc)
		return rc;
	rc = rw_feed_settle(set, 0, verdicts, settled, e);
	*feed = (struct rw_feed){.entries4 = (uint32_t)set->v4.n, .entries6 = (uint32_t)set->v6.n};
	return rc;
}

static int enter(struct load *l, struct rw_feed_set *set, struct rw_feed_settled *settled,
		 struct rw_feed *feed, struct rw_error *e)
{
	struct rw_feed_load load = {
		.name = l->name,
		.verdict = l->verdict,
		.progress = on_progress,
		.arg = &l->progress,
	};
	struct rw_kern *k;
	int rc = rw_kern_open(&k, e);

	if (!rc)
		rc = rw_kern_feed_load(k, &load, set, settled, feed, e);
	rw_kern_close(k);
	return rc;
}

static void print_loaded(const struct load *l, const struct rw_feed_report *r,
			 const struct rw_feed_settled *s, const struct rw_feed *feed)
{
	printf("%s '%s': %u IPv4 and %u IPv6 prefixes (%s) from %zu lines\n",
	       l->dry_run ? "would load" : "loaded", l->name, feed->entries4, feed->entries6,
	       rw_kern_verdict_name(l->verdict), r->lines);
	if (r->bad)
		printf("%zu bad lines skipped\n", r->bad);
	if (s->covered)
		printf("%zu duplicates or covered by a wider prefix\n", s->covered);
	if (r->reserved)
		printf("%zu private or reserved %s\n", r->reserved,
		       l->reserved ? "taken" : "skipped (--reserved takes them)");
	if (s->allowed)
		printf("%zu skipped because the allowlist lets them pass anyway\n", s->allowed);
}

static int load(int argc, char **argv)
{
	static const struct argp argp = {
		load_options,
		on_load_option,
		"FILE",
		"Loads a list of addresses and prefixes; it replaces the list of that name at "
		"once.\v"
		"One a line; what follows a space, comma, semicolon or hash is ignored. A bare "
		"IPv6 address stands for its /64. Bans, other feeds and the allowlist are "
		"untouched; the allowlist goes first. Needs root.",
		NULL,
		NULL,
		NULL};
	struct load l = {.verdict = RW_KERN_VERDICT_DROP_ALL};
	struct rw_feed_settled settled = {0};
	struct rw_feed_set set = {0};
	struct rw_feed_report report;
	struct rw_feed feed;
	struct rw_error e;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &l);
	rw_feed_progress_start(&l.progress);
	rc = rw_feed_read(l.path, l.reserved, &set, &report, &l.progress, &e);
	if (!rc && l.strict && report.bad)
		rc = rw_fail(&e, RW_EINVAL, "%zu bad lines: nothing is loaded (--strict)",
			     report.bad);
	if (!rc)
		rc = l.dry_run ? rehearse(&set, &l, &settled, &feed, &e)
			       : enter(&l, &set, &settled, &feed, &e);
	rw_feed_progress_end(&l.progress);
	rw_feed_set_free(&set);
	if (rc)
		return rw_cmd_end(rc, &e);
	print_loaded(&l, &report, &settled, &feed);
	return RW_EXIT_OK;
}

/* --- list ------------------------------------------------------------------------------------- */

static uint64_t age_s(const struct rw_feed *f)
{
	uint64_t now = (uint64_t)time(NULL);

	return now > f->loaded_s ? now - f->loaded_s : 0;
}

/* Names need no escaping. */
int rw_feeds_json(struct rw_buf *b, const struct rw_feed *feeds, unsigned n)
{
	int rc = rw_buf_add_str(b, "[");

	for (unsigned i = 0; i < n && !rc; i++)
		rc = rw_buf_addf(b,
				 "%s{\"name\":\"%s\",\"verdict\":\"%s\",\"entries4\":%u,"
				 "\"entries6\":%u,\"age_s\":%" PRIu64 ",\"drops\":%" PRIu64 "}",
				 i ? "," : "", feeds[i].name,
				 rw_kern_verdict_name(feeds[i].verdict), feeds[i].entries4,
				 feeds[i].entries6, age_s(&feeds[i]), feeds[i].drops);
	return rc ? rc : rw_buf_add_str(b, "]");
}

void rw_feeds_print(const struct rw_feed *feeds, unsigned n)
{
	char age[32];

	if (n)
		printf("%-16s %-9s %-9s %-9s %-10s %s\n", "FEED", "VERDICT", "IPV4", "IPV6", "AGE",
		       "DROPS");
	for (unsigned i = 0; i < n; i++)
		printf("%-16s %-9s %-9u %-9u %-10s %" PRIu64 "\n", feeds[i].name,
		       rw_kern_verdict_name(feeds[i].verdict), feeds[i].entries4, feeds[i].entries6,
		       rw_ban_left(age_s(&feeds[i]) * NS_PER_S, age), feeds[i].drops);
}

static int print_json(const struct rw_feed *feeds, unsigned n, struct rw_error *e)
{
	struct rw_buf b = {0};
	int rc = rw_feeds_json(&b, feeds, n);

	if (!rc)
		printf("%.*s\n", RW_SLICE_FMT(rw_buf_slice(&b)));
	rw_buf_free(&b);
	return rc ? rw_fail(e, rc, "out of memory") : RW_OK;
}

static int list(int argc, char **argv)
{
	struct rw_feed feeds[RW_KERN_FEEDS];
	struct rw_error e;
	struct rw_kern *k;
	bool json = rw_cmd_wants_json(argc, argv, "Lists the feeds in force.");
	unsigned n;
	int rc;

	rc = rw_kern_open(&k, &e);
	if (!rc)
		rw_kern_feed_mend(k, NULL); /* who may not sees what was written last */
	if (!rc)
		rc = rw_kern_feeds(k, feeds, &n, &e);
	rw_kern_close(k);
	if (!rc && json)
		rc = print_json(feeds, n, &e);
	else if (!rc)
		rw_feeds_print(feeds, n);
	return rw_cmd_end(rc, &e);
}

/* --- clear ------------------------------------------------------------------------------------ */

static error_t on_clear_option(int key, char *arg, struct argp_state *state)
{
	const char **name = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (*name)
			argp_error(state, "one NAME at a time");
		*name = arg;
		return 0;
	case ARGP_KEY_END:
		if (!*name)
			argp_error(state, "NAME is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int clear(int argc, char **argv)
{
	static const struct argp argp = {
		NULL, on_clear_option, "NAME", "Takes a feed out of force. Needs root.", NULL, NULL,
		NULL};
	const char *name = NULL;
	struct rw_error e;
	struct rw_kern *k;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &name);
	rc = rw_kern_open(&k, &e);
	if (!rc)
		rc = rw_kern_feed_clear(k, name, &e);
	rw_kern_close(k);
	if (rc)
		return rw_cmd_end(rc, &e);
	printf("cleared '%s'\n", name);
	return RW_EXIT_OK;
}

int rw_cmd_feed(int argc, char **argv)
{
	static const struct rw_verb verbs[] = {
		{"load", load, "load a list from a file; it replaces the one of that name"},
		{"list", list, "show the feeds in force"},
		{"clear", clear, "take one away"},
	};

	return rw_verbs_run(verbs, sizeof(verbs) / sizeof(verbs[0]), argc, argv);
}
