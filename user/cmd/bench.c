/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ringwall bench scan`: what scanning costs, by part and by length, on texts that are made here
 * and on files. The processor's time of this thread counts, the median of rounds is shown.
 */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "cmd/bench_text.h"
#include "cmd/cmd.h"
#include "cmd/verbs.h"
#include "scan/meter.h"

enum {
	OPT_JSON = 256,
	OPT_RULES,
	OPT_ROUNDS,
	OPT_HOSTILE,
	OPT_ORDINARY,
	OPT_TEXT,
	OPT_MOST,
	OPT_CUT,
	ROUNDS_MAX = 101,
	ROUND_NS = 2000000, /* a round repeats its text until it takes this long */
	METER_NS = 20000000,
	PATIENCE_NS = 1000000000, /* a text that takes this long is measured once */
	FRESH_TEXTS = 128,
	FRESH_BYTES = 1 << 20,
	FILE_BYTES_MAX = 64 << 20,
	LEAST = 1024, /* bytes of the first size; each is four times the one before */
	MOST = 4 << 20,
};

struct bench {
	bool json, ordinary, hostile;
	const char *rules_dir, *only;
	unsigned rounds;
	size_t most;
	size_t cut; /* bytes of each text that a FILE is taken apart into; 0: it is one */
	char **files;
	int n_files;

	struct rw_rules *rules;
	struct rw_scanner *scanner;
	struct rw_findings findings;
	struct rw_guard guard;
	/* Short texts are cut from a long one, each time another: of a text that comes again and
	 * again the processor knows the branches by heart, and is twice as fast. */
	struct rw_buf text, masked;
	struct rw_slice at;
	size_t fresh; /* bytes of one text; 0: text is one */
	struct rw_meter meter;
	bool first; /* of a JSON list */
};

/* What one text costs. */
struct cost {
	double ns;
	double parts_ns[RW_PARTS + 1]; /* the last: masking */
	unsigned findings;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static uint64_t wall_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static void next_text(struct bench *b)
{
	size_t from = b->at.p ? (size_t)(b->at.p - b->text.p) + b->fresh : 0;

	if (!b->fresh || !b->at.p || from + b->fresh > b->text.len)
		from = 0;
	b->at = rw_slice_of(b->text.p + from, b->fresh ? b->fresh : b->text.len);
}

/* As the gateway does with a text: everything looked for, and masked where something is found. */
static int scan_once(struct bench *b)
{
	int rc;

	next_text(b);
	rc = rw_scan_text(b->scanner, b->rules, b->at, (1u << RW_CAT_COUNT) - 1, &b->findings);
	if (rc || !b->findings.n)
		return rc;
	rw_buf_reset(&b->masked);
	return rw_mask_text(&b->guard, b->rules, &b->findings, b->at, &b->masked);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The median time of one scan of b->text. */
static int measure(struct bench *b, double *ns)
{
	double rounds[ROUNDS_MAX];
	uint64_t t = cpu_ns(), one, times;
	unsigned n = b->rounds;
	int rc = scan_once(b);

	one = cpu_ns() - t;
	if (one > PATIENCE_NS) {
		*ns = (double)one;
		return rc;
	}
	times = 1 + ROUND_NS / (one + 1);
	for (unsigned i = 0; !rc && i < n; i++) {
		t = cpu_ns();
		for (uint64_t k = 0; !rc && k < times; k++)
			rc = scan_once(b);
		rounds[i] = (double)(cpu_ns() - t) / (double)times;
	}
	if (rc)
		return rc;
	qsort(rounds, n, sizeof(rounds[0]), by_value);
	*ns = rounds[n / 2];
	return 0;
}

/* One scan with the meter on: what each part took, the mask last. Returns the sum. */
static int meter_once(struct bench *b, uint64_t spent[RW_PARTS + 1], uint64_t *sum)
{
	uint64_t t;
	int rc;

	next_text(b);
	b->meter = (struct rw_meter){.now = wall_ns, .last = wall_ns()};
	rc = rw_scan_text(b->scanner, b->rules, b->at, (1u << RW_CAT_COUNT) - 1, &b->findings);
	t = wall_ns();
	rw_buf_reset(&b->masked);
	if (!rc && b->findings.n)
		rc = rw_mask_text(&b->guard, b->rules, &b->findings, b->at, &b->masked);
	spent[RW_PARTS] = *sum = wall_ns() - t;
	for (unsigned i = 0; i < RW_PARTS; i++)
		*sum += spent[i] = b->meter.spent[i];
	return rc;
}

/*
 * How the time is shared out, by scans that nothing disturbed. The meter's own cost falls out, for
 * only its shares are used.
 */
static int measure_parts(struct bench *b, struct cost *c)
{
	uint64_t spent[RW_PARTS + 1], total[RW_PARTS + 1] = {0}, all = 0, sum, least = UINT64_MAX;
	unsigned n = 0;
	int rc = 0;

	rw_scanner_meter(b->scanner, &b->meter);
	for (uint64_t begun = wall_ns(); !rc && (n < 3 || wall_ns() - begun < METER_NS); n++) {
		rc = meter_once(b, spent, &sum);
		least = sum < least ? sum : least;
		if (n && sum > 2 * least)
			continue;
		all += sum;
		for (unsigned i = 0; i <= RW_PARTS; i++)
			total[i] += spent[i];
	}
	rw_scanner_meter(b->scanner, NULL);
	for (unsigned i = 0; i <= RW_PARTS; i++)
		c->parts_ns[i] = c->ns * (double)total[i] / (double)all;
	c->findings = b->findings.n + b->findings.more;
	return rc;
}

/* --- what is printed ---------------------------------------------------------------------------
 */

static void print_head(void)
{
	printf("%-16s %9s %9s %8s %8s |", "text", "bytes", "us", "us/KiB", "MB/s");
	for (unsigned i = 0; i < RW_PARTS; i++)
		printf(" %9s", rw_part_name((enum rw_part)i));
	printf(" %9s\n", "mask");
}

static void print_cost(struct bench *b, const char *name, size_t n, const struct cost *c)
{
	double kib = (double)n / 1024;

	if (!b->json) {
		printf("%-16.16s %9zu %9.2f %8.2f %8.1f |", name, n, c->ns / 1e3, c->ns / 1e3 / kib,
		       (double)n * 1e3 / c->ns);
		for (unsigned i = 0; i < RW_PARTS; i++)
			printf(" %9.3f", c->parts_ns[i] / 1e3 / kib);
		printf(" %9.3f\n", c->parts_ns[RW_PARTS] / 1e3 / kib);
		return;
	}
	printf("%s\n    {\"text\": \"%s\", \"bytes\": %zu, \"us\": %.3f, \"us_per_kib\": %.3f, "
	       "\"mb_per_s\": %.1f, \"findings\": %u, \"parts_us_per_kib\": {",
	       b->first ? "" : ",", name, n, c->ns / 1e3, c->ns / 1e3 / kib,
	       (double)n * 1e3 / c->ns, c->findings);
	for (unsigned i = 0; i < RW_PARTS; i++)
		printf("\"%s\": %.4f, ", rw_part_name((enum rw_part)i), c->parts_ns[i] / 1e3 / kib);
	printf("\"mask\": %.4f}}", c->parts_ns[RW_PARTS] / 1e3 / kib);
	b->first = false;
}

static int bench_text(struct bench *b, const char *name)
{
	struct cost c;
	int rc = measure(b, &c.ns);

	if (!rc)
		rc = measure_parts(b, &c);
	if (!rc)
		print_cost(b, name, b->at.n, &c);
	fflush(stdout);
	return rc;
}

/* Those of the goals first. */
static const struct {
	const char *name, *of;
	size_t bytes;
} ordinary[] = {
	{"prompt", "prose", 2048},   {"1200 words", "prose", 7200}, {"prose", "prose", 1 << 20},
	{"mixed", "mixed", 1 << 20}, {"code", "code", 1 << 20},	    {"json", "json", 1 << 20},
};

static const struct rw_bench_text *text_named(const char *name)
{
	for (unsigned i = 0; i < rw_bench_n_texts; i++)
		if (!strcmp(rw_bench_texts[i].name, name))
			return &rw_bench_texts[i];
	return NULL;
}

static int read_text(struct bench *b, const char *file)
{
	FILE *f = fopen(file, "re");
	char chunk[16384];
	size_t n;
	int rc = 0;

	if (!f) {
		fprintf(stderr, "ringwall: cannot open %s: %s\n", file, strerror(errno));
		return RW_EIO;
	}
	rw_buf_reset(&b->text);
	while (!rc && (n = fread(chunk, 1, sizeof(chunk), f)) > 0 && b->text.len < FILE_BYTES_MAX)
		rc = rw_buf_add(&b->text, chunk, n);
	if (!rc && (ferror(f) || !b->text.len)) {
		fprintf(stderr, "ringwall: cannot read %s, or it is empty\n", file);
		rc = RW_EIO;
	}
	fclose(f);
	return rc;
}

static int run_ordinary(struct bench *b)
{
	int rc = 0;

	if (b->json)
		printf("  \"texts\": [");
	else
		print_head();
	b->first = true;
	for (size_t i = 0; !rc && b->ordinary && i < sizeof(ordinary) / sizeof(ordinary[0]); i++) {
		size_t n = ordinary[i].bytes < b->most ? ordinary[i].bytes : b->most;

		b->fresh = n;
		b->at = (struct rw_slice){NULL, 0};
		rc = rw_bench_make(text_named(ordinary[i].of), b->rules,
				   n < FRESH_BYTES / FRESH_TEXTS ? FRESH_TEXTS * n : n, &b->text);
		if (!rc)
			rc = bench_text(b, ordinary[i].name);
	}
	for (int i = 0; !rc && i < b->n_files; i++) {
		const char *slash = strrchr(b->files[i], '/');

		b->at = (struct rw_slice){NULL, 0};
		rc = read_text(b, b->files[i]);
		b->fresh = b->cut < b->text.len ? b->cut : 0;
		if (!rc)
			rc = bench_text(b, slash ? slash + 1 : b->files[i]);
	}
	if (b->json)
		printf("\n  ]");
	return rc;
}

/* One text at each size: nanoseconds a byte. */
static int bench_sizes(struct bench *b, const struct rw_bench_text *t)
{
	double ns = 0, early = 0;
	int rc = 0;

	if (b->json)
		printf("%s\n    {\"text\": \"%s\", \"ns_per_byte\": {", b->first ? "" : ",",
		       t->name);
	else
		printf("%-16s", t->name);
	for (size_t n = LEAST; !rc && n <= b->most; n *= 4) {
		b->fresh = 0;
		b->at = (struct rw_slice){NULL, 0};
		rc = rw_bench_make(t, b->rules, n, &b->text);
		if (!rc)
			rc = measure(b, &ns);
		if (rc)
			break;
		ns /= (double)n;
		if (n <= 4 * LEAST) /* what a call costs by itself is gone then */
			early = ns;
		if (b->json)
			printf("%s\"%zu\": %.3f", n > LEAST ? ", " : "", n, ns);
		else
			printf(" %7.2f", ns);
		fflush(stdout);
	}
	if (!rc && b->json)
		printf("}, \"growth\": %.2f}", ns / early);
	else if (!rc)
		printf(" %6.2f\n", ns / early);
	b->first = false;
	return rc;
}

static int run_hostile(struct bench *b)
{
	int rc = 0;

	if (b->json) {
		printf(",\n  \"sizes\": [");
	} else {
		printf("\n%-16s", "ns a byte of");
		for (size_t n = LEAST; n <= b->most; n *= 4)
			printf(" %6zuK", n / 1024);
		printf(" growth\n");
	}
	b->first = true;
	for (unsigned i = 0; !rc && i < rw_bench_n_texts; i++)
		if (!b->only || !strcmp(b->only, rw_bench_texts[i].name))
			rc = bench_sizes(b, &rw_bench_texts[i]);
	if (b->json)
		printf("\n  ]");
	return rc;
}

/* --- the command -------------------------------------------------------------------------------
 */

static const struct argp_option options[] = {
	{"json", OPT_JSON, NULL, 0, "print JSON", 0},
	{"rounds", OPT_ROUNDS, "N", 0, "take the median of N rounds (default: 5)", 0},
	{"ordinary", OPT_ORDINARY, NULL, 0, "ordinary texts and FILEs only", 0},
	{"sizes", OPT_HOSTILE, NULL, 0, "only each text from 1 KiB to 4 MiB", 0},
	{"text", OPT_TEXT, "NAME", 0, "only this text from 1 KiB to 4 MiB", 0},
	{"cut", OPT_CUT, "BYTES", 0, "take FILEs apart into texts of so many bytes", 0},
	{"most", OPT_MOST, "BYTES", 0, "length of the longest text (default: 4194304)", 0},
	{"rules", OPT_RULES, "DIR", 0, "rule packs (*.yaml) to add to the built-in ones", 0},
	{0},
};

static void list_texts(struct argp_state *state)
{
	fprintf(stderr, "ringwall: the texts are:\n");
	for (unsigned i = 0; i < rw_bench_n_texts; i++)
		fprintf(stderr, "  %-16s %s\n", rw_bench_texts[i].name, rw_bench_texts[i].about);
	argp_error(state, "there is no such text");
}

static unsigned long number(const char *arg, unsigned long least, unsigned long most,
			    struct argp_state *state)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (*end || n < least || n > most)
		argp_error(state, "'%s' is no number from %lu to %lu", arg, least, most);
	return n;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct bench *b = state->input;

	switch (key) {
	case OPT_JSON:
		b->json = true;
		return 0;
	case OPT_ORDINARY:
		b->hostile = false;
		return 0;
	case OPT_TEXT:
		b->only = arg;
		if (!text_named(arg))
			list_texts(state);
		b->ordinary = false;
		return 0;
	case OPT_HOSTILE:
		b->ordinary = false;
		return 0;
	case OPT_RULES:
		b->rules_dir = arg;
		return 0;
	case OPT_ROUNDS:
		b->rounds = (unsigned)number(arg, 1, ROUNDS_MAX, state);
		return 0;
	case OPT_CUT:
		b->cut = number(arg, 1, FILE_BYTES_MAX, state);
		return 0;
	case OPT_MOST:
		b->most = number(arg, LEAST, FILE_BYTES_MAX, state);
		return 0;
	case ARGP_KEY_ARGS:
		b->files = state->argv + state->next;
		b->n_files = state->argc - state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "[FILE...]",
	.doc = "Measure what scanning costs.\vTexts are made by the program; each FILE is one "
	       "more. First ordinary texts with the cost of each part in microseconds per KiB, "
	       "then every text, most of them made to cost, at growing lengths: what is linear "
	       "shows the same number in each column.",
};

static int run(struct bench *b)
{
	struct rw_error e;
	int rc;

	if (rw_rules_load(&b->rules, b->rules_dir, &e) ||
	    rw_scanner_new(&b->scanner, b->rules, &e)) {
		fprintf(stderr, "ringwall: %s\n", e.text);
		return RW_EXIT_FAIL;
	}
	if (b->json)
		printf("{\n  \"version\": \"%s\", \"rules\": \"%s\", \"rounds\": %u,\n", RW_VERSION,
		       rw_rules_digest(b->rules), b->rounds);
	rc = b->ordinary || b->json || b->n_files ? run_ordinary(b) : 0;
	if (!rc && b->hostile)
		rc = run_hostile(b);
	if (b->json)
		printf("\n}\n");
	if (rc)
		fprintf(stderr, "ringwall: a text could not be scanned: %s\n", rw_err_name(rc));
	if (fflush(stdout) != 0) {
		fprintf(stderr, "ringwall: cannot write the results: %s\n", strerror(errno));
		rc = RW_EIO;
	}
	return rc ? RW_EXIT_FAIL : RW_EXIT_OK;
}

static int bench_scan(int argc, char **argv)
{
	struct bench *b = calloc(1, sizeof(*b));
	int status;

	if (!b)
		return RW_EXIT_FAIL;
	b->rounds = 5;
	b->most = MOST;
	b->ordinary = b->hostile = true;
	for (unsigned c = 0; c < RW_CAT_COUNT; c++)
		b->guard.action[c] = RW_ACT_MASK;
	argp_err_exit_status = RW_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, b);
	status = run(b);
	rw_scanner_free(b->scanner);
	rw_rules_unref(b->rules);
	rw_buf_free(&b->text);
	rw_buf_free(&b->masked);
	free(b);
	return status;
}

int rw_cmd_bench(int argc, char **argv)
{
	static const struct rw_verb verbs[] = {
		{"scan", bench_scan, "what a text costs, part by part and by length"},
	};

	return rw_verbs_run(verbs, sizeof(verbs) / sizeof(verbs[0]), argc, argv);
}
