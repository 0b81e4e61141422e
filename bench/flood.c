/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What floods are made with, in the network namespace it is run in:
 *
 *     flood send IFACE MAC DST PORT FLAGS BASE N STRIDE COUNT CPU
 *         TCP frames to MAC and DST (IPv4) out of IFACE, with the TCP flags (a number), from N
 *         sources drawn at random, BASE + STRIDE * 0..N-1 (BASE as an address); COUNT of them, or
 *         until SIGTERM where COUNT is 0. Prints {"packets": P, "seconds": S}.
 *     flood ban BASE N STRIDE     bans those sources in the pinned maps
 *     flood banned BASE N STRIDE  prints how many of them are banned
 *     flood list PIN BASE N STRIDE   lists them in xdp-filter's table pinned there
 *
 * The kernel makes the frames (BPF_F_TEST_XDP_LIVE_FRAMES). The other end of the interface must
 * be a veth with XDP or GRO.
 */
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kern_bench.h"
#include "kernel/rig.h"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include "flood.skel.h"
#pragma GCC diagnostic pop

enum { BATCH = 64, CPUS_MAX = 1024, FILTER_SOURCE = 1 };

static volatile sig_atomic_t over;

static void on_term(int sig)
{
	(void)sig;
	over = 1;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "flood: %s\n", what);
	exit(1);
}

static uint32_t address(const char *text)
{
	struct in_addr a;

	if (inet_pton(AF_INET, text, &a) != 1)
		die("an address is missing");
	return ntohl(a.s_addr);
}

static struct bench_sources sources_of(char **argv)
{
	return (struct bench_sources){.base = address(argv[0]),
				      .n = strtoull(argv[1], NULL, 10),
				      .stride = (uint32_t)strtoul(argv[2], NULL, 10)};
}

/* --- sending --------------------------------------------------------------------------------- */

/* The sum of a checksum, words in the order of memory. */
static uint32_t sum(const uint8_t *bytes, size_t n)
{
	uint32_t total = 0;
	uint16_t word;

	for (size_t i = 0; i + 1 < n; i += 2) {
		memcpy(&word, bytes + i, 2);
		total += word;
	}
	return total;
}

static void frame_of(struct packet *p, char **argv, struct bench_flood *flood)
{
	uint8_t pseudo[4] = {0, TCP, 0, 20};
	uint32_t dst = htonl(address(argv[2]));

	packet_build(p, &(struct packet_make){
				.src = "0.0.0.0",
				.port = (uint16_t)strtoul(argv[3], NULL, 10),
				.flags = (uint8_t)strtoul(argv[4], NULL, 10),
			});
	if (sscanf(argv[1], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &p->bytes[0], &p->bytes[1],
		   &p->bytes[2], &p->bytes[3], &p->bytes[4], &p->bytes[5]) != 6)
		die("MAC is six bytes, aa:bb:cc:dd:ee:ff");
	memcpy(p->bytes + p->ip + 16, &dst, 4);
	packet_put16(p, p->l4 + 14, 65535); /* window */
	flood->ip_sum = sum(p->bytes + p->ip, 20);
	flood->tcp_sum = sum(p->bytes + p->l4, 20) + sum(pseudo, 4) + sum((uint8_t *)&dst, 4);
	flood->ifindex = if_nametoindex(argv[0]);
	if (!flood->ifindex)
		die("there is no such interface here");
}

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void pin(const char *cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(strtoul(cpu, NULL, 10), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("there is no such CPU");
}

static void send_frames(char **argv)
{
	uint64_t want = strtoull(argv[8], NULL, 10);
	struct flood *skel = flood__open_and_load();
	struct packet p;
	double start;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.bytes,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);

	if (!skel)
		die("the generator does not load: run as root");
	skel->bss->sources = sources_of(argv + 5);
	skel->bss->state = (uint64_t)(seconds_now() * 1e9);
	frame_of(&p, argv, &skel->bss->flood);
	memcpy(skel->bss->frame, p.bytes, sizeof(skel->bss->frame));
	opts.data_size_in = (uint32_t)p.n;
	pin(argv[9]);
	sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_term}, NULL);
	if (want > INT32_MAX)
		die("COUNT is at most 2147483647");
	/* One call, if it can be: the kernel waits for a grace period at the start of each. */
	opts.repeat = want ? (int)want : INT32_MAX;
	start = seconds_now();
	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.bench_send), &opts) && !over)
		die("BPF_PROG_TEST_RUN with live frames failed");
	printf("{\"packets\": %llu, \"seconds\": %.6f}\n", (unsigned long long)skel->bss->sent,
	       seconds_now() - start);
	flood__destroy(skel);
}

/* --- tables ---------------------------------------------------------------------------------- */

static struct rw_prefix nth(const struct bench_sources *s, uint64_t i)
{
	uint32_t a = htonl(s->base + s->stride * (uint32_t)i);
	struct rw_prefix p = {.family = AF_INET, .plen = 32};

	memcpy(p.addr, &a, 4);
	return p;
}

static struct rw_kern *pinned(void)
{
	struct rw_error e = {0};
	struct rw_kern *k;

	if (rw_kern_open(&k, &e))
		die(e.text);
	return k;
}

static void ban(char **argv)
{
	struct bench_sources s = sources_of(argv);
	struct rw_kern *k = pinned();
	struct rw_error e = {0};

	for (uint64_t i = 0; i < s.n; i++) {
		struct rw_prefix p = nth(&s, i);

		if (rw_kern_deny(k, &p, 0, RW_KERN_VERDICT_DROP_ALL, RW_KERN_REASON_OPERATOR, &e))
			die(e.text);
	}
	rw_kern_close(k);
}

static void banned(char **argv)
{
	struct bench_sources s = sources_of(argv);
	struct rw_kern *k = pinned();
	struct rw_kern_ban value;
	uint64_t found = 0;

	for (uint64_t i = 0; i < s.n; i++) {
		struct rw_prefix p = nth(&s, i);
		struct rw_kern_key4 key = rw_prefix_key4(&p);

		found += !bpf_map_lookup_elem(k->fd[RW_MAP_DENY4], &key, &value);
	}
	printf("%llu\n", (unsigned long long)found);
	rw_kern_close(k);
}

static void list(char **argv)
{
	struct bench_sources s = sources_of(argv + 1);
	uint64_t flags[CPUS_MAX];
	int fd = bpf_obj_get(argv[0]);

	for (unsigned i = 0; i < CPUS_MAX; i++)
		flags[i] = FILTER_SOURCE;
	for (uint64_t i = 0; i < s.n; i++) {
		struct rw_prefix p = nth(&s, i);

		if (bpf_map_update_elem(fd, p.addr, flags, BPF_ANY))
			die("xdp-filter's table is not where it should be, or full");
	}
}

static const struct command {
	const char *name;
	int args;
	void (*run)(char **argv);
} commands[] = {
	{"send", 10, send_frames},
	{"ban", 3, ban},
	{"banned", 3, banned},
	{"list", 4, list},
};

int main(int argc, char **argv)
{
	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (argc != commands[i].args + 2 || strcmp(argv[1], commands[i].name))
			continue;
		commands[i].run(argv + 2);
		return 0;
	}
	die("usage: see the top of bench/flood.c");
}
