/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times rw_xdp, and xdp-filter beside it, by BPF_PROG_TEST_RUN: nine rounds of a million packets
 * for each case, the rounds of all cases interleaved, on one CPU. Prints JSON; bench/kern.py makes
 * a table of it.
 *
 *     kern_run CPU FOLDER     FOLDER holds xdpfilt_alw_ip.o and xdpfilt_dny_ip.o
 *
 * Every case says in which counter its packets must end, and is no result if they do not.
 */
#include "kern/feed.h"
#include "kernel/rig.h"

#include <sched.h>
#include <stdlib.h>

#include "kern_bench.h"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include "vary.skel.h"
#pragma GCC diagnostic pop

enum {
	ROUNDS = 9,
	REPEAT = 1000000,
	BANS = 100000,
	FILTER_BANS = 10000, /* all that xdp-filter has room for */
	STRIDE = 167,	     /* spreads 100,000 addresses over 10.0.0.0/8, or /64s over a /32 */
	HONEST = 1000,
	LISTED = 1000000, /* on the feed: IPv4; IPv6 as many as BANS */
};

#define TEN	0x0a000000u /* 10.0.0.0 */
#define OUTER	0xac100000u /* 172.16.0.0, where nobody is banned */
#define BESIDE	0xac180100u /* 172.24.1.0, where 172.24.0.1 is banned */
#define BESIDE6 0x10000000u /* in the /32 of those that are banned, not in their /48s */
#define LOW6	0u	    /* the second half of the /64: bytes 4 to 7 of the address */
#define BAN6	"2001:db8::1"
#define OTHER6	"2001:db9::1" /* another /32, with another presence bit */

/* Which tables the case wants: wide rates, rates that everybody is over, nothing banned, a feed. */
enum rates { WIDE, TIGHT, NO_BANS, FED, RIGS };

struct bench_case {
	const char *name;
	unsigned goal_ns; /* over the empty program; 0: none is set */
	struct packet_make make;
	uint64_t n;
	uint32_t base;
	uint32_t stride;
	enum rates rates;
	enum rw_kern_counter want;
	bool beside; /* of xdp-filter, where it can do the same */
};

static const struct bench_case cases[] = {
	{"pass v4", 30, {0}, HONEST, OUTER, STRIDE, WIDE, RW_KERN_N_pass, true},
	{"pass v6", 38, {.src = OTHER6}, HONEST, LOW6, STRIDE, WIDE, RW_KERN_N_pass, true},
	{"pass v4, one VLAN tag", 33, {.tags = 1}, HONEST, OUTER, STRIDE, WIDE, RW_KERN_N_pass, 0},
	{"pass v4, SYN", 0, {.flags = SYN}, HONEST, OUTER, STRIDE, WIDE, RW_KERN_N_pass, 0},
	{"pass v4, no bans at all", 0, {0}, HONEST, OUTER, STRIDE, NO_BANS, RW_KERN_N_pass, 0},
	{"pass v4, a ban in the /16", 0, {0}, HONEST, BESIDE, 64, WIDE, RW_KERN_N_pass, 0},
	{"pass v4, a ban in the /24", 0, {0}, HONEST, TEN + 1, STRIDE, WIDE, RW_KERN_N_pass, 0},
	{"pass v6, a ban in the /32",
	 0,
	 {.src = BAN6},
	 HONEST,
	 BESIDE6,
	 1 << 16,
	 WIDE,
	 RW_KERN_N_pass,
	 0},
	{"pass v6, a ban in the /48", 0, {.src = BAN6}, HONEST, 1, STRIDE, WIDE, RW_KERN_N_pass, 0},
	{"other port", 0, {.port = 22}, 1, OUTER, 1, WIDE, RW_KERN_N_pass_other, 0},
	{"denied v4, hot", 35, {0}, 1, TEN, STRIDE, WIDE, RW_KERN_N_drop_denied, true},
	{"denied v6, hot", 38, {.src = BAN6}, 1, LOW6, STRIDE, WIDE, RW_KERN_N_drop_denied, true},
	{"denied v4, 10k of 100k", 0, {0}, 10000, TEN, STRIDE, WIDE, RW_KERN_N_drop_denied, true},
	{"denied v6, 10k of 100k",
	 0,
	 {.src = BAN6},
	 10000,
	 0,
	 STRIDE,
	 WIDE,
	 RW_KERN_N_drop_denied,
	 1},
	{"denied v4, all 100k", 110, {0}, BANS, TEN, STRIDE, WIDE, RW_KERN_N_drop_denied, 0},
	{"limited v4", 40, {0}, 1, OUTER, STRIDE, TIGHT, RW_KERN_N_drop_pkt_rate, 0},
	{"limited v6", 50, {.src = OTHER6}, 1, LOW6, STRIDE, TIGHT, RW_KERN_N_drop_pkt_rate, 0},
	{"pass v4, 1M on a feed", 30, {0}, HONEST, OUTER, STRIDE, FED, RW_KERN_N_pass, 0},
	{"pass v4, its /24 on a feed", 0, {0}, HONEST, TEN + 1, STRIDE, FED, RW_KERN_N_pass, 0},
	{"on a feed v4, hot", 35, {0}, 1, TEN, STRIDE, FED, RW_KERN_N_drop_feed, 0},
	{"on a feed v6, hot", 38, {.src = BAN6}, 1, LOW6, STRIDE, FED, RW_KERN_N_drop_feed, 0},
	{"on a feed v4, 10k of 1M", 0, {0}, 10000, TEN, STRIDE, FED, RW_KERN_N_drop_feed, 0},
	{"spoofed", 40, {0}, 1ULL << 32, 0, 1, NO_BANS, RW_KERN_N_pass, 0},
	{"spoofed, SYN", 0, {.flags = SYN}, 1ULL << 32, 0, 1, NO_BANS, RW_KERN_N_pass, 0},
};

enum { N_CASES = sizeof(cases) / sizeof(cases[0]) };

/* Whatever is timed: the floor, our program over each case, xdp-filter over some. */
struct timed {
	int prog;
	uint32_t want; /* XDP_* */
	uint32_t ns[ROUNDS];
};

struct filter {
	const char *name;
	struct bpf_object *obj;
	int prog;
	bool listed_pass; /* what is listed passes, the rest does not */
};

static struct filter filters[] = {{.name = "alw_ip"}, {.name = "dny_ip", .listed_pass = true}};

enum { N_FILTERS = sizeof(filters) / sizeof(filters[0]), FILTER_SOURCE = 1 };

static struct rig rigs[RIGS];
static struct vary *vary;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "kern_run: %s\n", what);
	exit(1);
}

/* --- the tables ------------------------------------------------------------------------------ */

static struct rw_prefix source_prefix(const char *like, uint32_t number)
{
	struct rw_prefix p = rig_prefix(like);
	uint8_t *at = p.family == AF_INET ? p.addr : p.addr + 4;

	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(number >> (24 - 8 * i));
	p.plen = p.family == AF_INET ? 32 : 64;
	memset(p.addr + 8, 0, 8);
	return p;
}

static void ban_all(struct rig *r)
{
	struct rw_error e = {0};

	for (uint32_t i = 0; i < BANS; i++) {
		struct rw_prefix p4 = source_prefix("10.0.0.0", TEN + i * STRIDE);
		struct rw_prefix p6 = source_prefix(BAN6, LOW6 + i * STRIDE);

		if (rw_kern_deny(&r->k, &p4, 0, RW_KERN_VERDICT_DROP_ALL, RW_KERN_REASON_OPERATOR,
				 &e) ||
		    rw_kern_deny(&r->k, &p6, 0, RW_KERN_VERDICT_DROP_ALL, RW_KERN_REASON_OPERATOR,
				 &e))
			die(e.text);
	}
}

static void ban_one(struct rig *r, uint32_t address)
{
	struct rw_prefix p = source_prefix("10.0.0.0", address);
	struct rw_error e = {0};

	if (rw_kern_deny(&r->k, &p, 0, RW_KERN_VERDICT_DROP_ALL, RW_KERN_REASON_OPERATOR, &e))
		die(e.text);
}

static void list_all(struct rig *r)
{
	struct rw_feed_load load = {.name = "bench", .verdict = RW_KERN_VERDICT_DROP_ALL};
	struct rw_feed_settled settled;
	struct rw_feed_set set = {0};
	struct rw_error e = {0};
	struct rw_feed feed;
	int rc = 0;

	for (uint32_t i = 0; i < LISTED && !rc; i++) {
		struct rw_prefix p4 = source_prefix("10.0.0.0", TEN + i * STRIDE);
		struct rw_prefix p6 = source_prefix(BAN6, LOW6 + i * STRIDE);

		rc = rw_feed_add(&set, &p4, 0, &e);
		if (!rc && i < BANS)
			rc = rw_feed_add(&set, &p6, 0, &e);
	}
	if (rc || rw_kern_feed_load(&r->k, &load, &set, &settled, &feed, &e))
		die(e.text);
	rw_feed_set_free(&set);
}

static void make_rigs(void)
{
	for (enum rates i = WIDE; i < RIGS; i++) {
		struct rig *r = &rigs[i];
		uint32_t per_second = i == TIGHT ? 1000 : 1000000;

		if (rig_new(r))
			die("rw_xdp does not load: run as root");
		rw_kern_rate("SYN", per_second, 0, r->cfg.tick_ns, &r->cfg.syn, NULL);
		rw_kern_rate("packet", per_second, 0, r->cfg.tick_ns, &r->cfg.pkt, NULL);
		rig_config(r);
		if (i == FED)
			list_all(r);
		else if (i != NO_BANS) {
			ban_all(r);
			ban_one(r, BESIDE - 0xff);
		}
	}
}

/* --- xdp-filter ------------------------------------------------------------------------------ */

static void list_sources(struct filter *f)
{
	int fd4 = bpf_object__find_map_fd_by_name(f->obj, "filter_ipv4");
	int fd6 = bpf_object__find_map_fd_by_name(f->obj, "filter_ipv6");
	uint64_t flags[1024];

	for (unsigned i = 0; i < 1024; i++)
		flags[i] = FILTER_SOURCE;
	for (uint32_t i = 0; i < FILTER_BANS; i++) {
		struct rw_prefix p4 = source_prefix("10.0.0.0", TEN + i * STRIDE);
		struct rw_prefix p6 = source_prefix(BAN6, LOW6 + i * STRIDE);

		p6.addr[15] = 1; /* it knows addresses only */
		if (bpf_map_update_elem(fd4, p4.addr, flags, BPF_ANY) ||
		    bpf_map_update_elem(fd6, p6.addr, flags, BPF_ANY))
			die("xdp-filter's tables have changed");
	}
}

static void load_filter(struct filter *f, const char *folder)
{
	char path[512];
	struct bpf_program *prog;
	struct bpf_map *map;

	snprintf(path, sizeof(path), "%s/xdpfilt_%s.o", folder, f->name);
	f->obj = bpf_object__open_file(path, NULL);
	prog = f->obj ? bpf_object__next_program(f->obj, NULL) : NULL;
	if (!prog)
		die("xdp-filter's objects are not where they should be");
	bpf_program__set_type(prog, BPF_PROG_TYPE_XDP);
	/* all programs behind one tail call are alike in this */
	bpf_program__set_flags(prog, BPF_F_XDP_HAS_FRAGS);
	bpf_object__for_each_map(map, f->obj) bpf_map__set_pin_path(map, NULL);
	if (bpf_object__load(f->obj))
		die("xdp-filter does not load");
	f->prog = bpf_program__fd(prog);
	list_sources(f);
}

/* --- timing ---------------------------------------------------------------------------------- */

static struct bench_sources sources_of(const struct bench_case *c, const struct packet *p)
{
	bool v6 = c->make.src && strchr(c->make.src, ':');

	return (struct bench_sources){.n = c->n,
				      .at = (uint32_t)p->ip + (v6 ? 8 + 4 : 12),
				      .base = c->base,
				      .stride = c->stride};
}

static uint32_t time_once(int prog, const struct bench_case *c, uint64_t n, uint32_t want)
{
	struct packet p;
	uint8_t out[PACKET_MAX];
	uint32_t zero = 0;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.bytes, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = REPEAT);

	packet_build(&p, &c->make);
	opts.data_size_in = (uint32_t)p.n;
	vary->bss->sources = sources_of(c, &p);
	vary->bss->sources.n = n;
	if (bpf_map_update_elem(bpf_map__fd(vary->maps.bench_next), &zero, &prog, BPF_ANY))
		die("the program cannot be called by another");
	if (bpf_prog_test_run_opts(bpf_program__fd(vary->progs.bench_vary), &opts))
		die("BPF_PROG_TEST_RUN failed");
	if (opts.retval != want)
		die("the verdict is not what the case is about");
	return opts.duration;
}

/* One round of our program over a case; its packets must have ended where the case says. */
static uint32_t time_ours(const struct bench_case *c)
{
	struct rig *r = &rigs[c->rates];
	bool drop = c->want >= RW_KERN_N_drop_malformed;
	struct rw_kern_stats before = rig_counters(r), after;
	uint64_t there;
	uint32_t ns;

	ns = time_once(r->programs.prog[RW_PROGRAM_XDP], c, c->n, drop ? XDP_DROP : XDP_PASS);
	after = rig_counters(r);
	there = ((uint64_t *)&after)[c->want] - ((uint64_t *)&before)[c->want];
	if (there < REPEAT / 1000 * 995) {
		fprintf(stderr, "%s: only %llu of %d packets ended in %s\n", c->name,
			(unsigned long long)there, REPEAT, rig_counter_names[c->want]);
		exit(1);
	}
	return ns;
}

/*
 * xdp-filter gives the same verdict on the same case: what it has listed is dropped by one object
 * and passed by the other. It has room for a tenth of the bans.
 */
static uint32_t time_filter(const struct filter *f, const struct bench_case *c)
{
	struct bench_case its = *c;
	bool drop = c->want >= RW_KERN_N_drop_malformed;
	bool listed = drop != f->listed_pass;

	if (its.n > FILTER_BANS)
		its.n = FILTER_BANS;
	if (!listed && its.base == TEN)
		its.base = OUTER;
	if (listed && its.base == OUTER)
		its.base = TEN;
	if (its.make.src)
		its.make.src = listed ? BAN6 : OTHER6;
	return time_once(f->prog, &its, its.n, drop ? XDP_DROP : XDP_PASS);
}

/* --- results --------------------------------------------------------------------------------- */

static void print_rounds(const char *name, const uint32_t *ns)
{
	printf("\"%s\": [", name);
	for (unsigned i = 0; i < ROUNDS; i++)
		printf("%s%u", i ? ", " : "", ns[i]);
	printf("]");
}

static uint32_t floor_ns[ROUNDS], ours[N_CASES][ROUNDS], theirs[N_FILTERS][N_CASES][ROUNDS];

static void run_round(unsigned round)
{
	floor_ns[round] = time_once(bpf_program__fd(vary->progs.bench_empty), &cases[0], cases[0].n,
				    XDP_PASS);
	for (unsigned i = 0; i < N_CASES; i++) {
		ours[i][round] = time_ours(&cases[i]);
		for (unsigned f = 0; f < N_FILTERS && cases[i].beside; f++)
			theirs[f][i][round] = time_filter(&filters[f], &cases[i]);
	}
}

static void print_results(void)
{
	printf("{\"repeat\": %d, ", REPEAT);
	print_rounds("floor", floor_ns);
	printf(",\n \"cases\": [\n");
	for (unsigned i = 0; i < N_CASES; i++) {
		printf("  {\"name\": \"%s\", \"goal\": %u, ", cases[i].name, cases[i].goal_ns);
		print_rounds("ours", ours[i]);
		for (unsigned f = 0; f < N_FILTERS && cases[i].beside; f++) {
			printf(", ");
			print_rounds(filters[f].name, theirs[f][i]);
		}
		printf("}%s\n", i + 1 < N_CASES ? "," : "");
	}
	printf(" ]}\n");
}

int main(int argc, char **argv)
{
	cpu_set_t set;

	if (argc != 3)
		die("usage: kern_run CPU FOLDER");
	CPU_ZERO(&set);
	CPU_SET(strtoul(argv[1], NULL, 10), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("there is no such CPU");
	vary = vary__open_and_load();
	if (!vary)
		die("the benchmark's own program does not load: run as root");
	make_rigs();
	for (unsigned f = 0; f < N_FILTERS; f++)
		load_filter(&filters[f], argv[2]);
	for (unsigned i = 0; i < ROUNDS; i++)
		run_round(i);
	print_results();
	for (unsigned f = 0; f < N_FILTERS; f++)
		bpf_object__close(filters[f].obj);
	for (unsigned i = 0; i < RIGS; i++)
		rig_free(&rigs[i]);
	vary__destroy(vary);
	return 0;
}
