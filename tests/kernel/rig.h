/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs, loaded and attached to nothing, run with BPF_PROG_TEST_RUN; their maps behind a
 * struct rw_kern, so that bans are entered by the code that enters them in production.
 */
#ifndef RW_TESTS_KERNEL_RIG_H
#define RW_TESTS_KERNEL_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include <linux/bpf.h>

#include "kern/internal.h"
#include "kernel/packet.h"

enum { RIG_PORT = 443 };

struct rig {
	struct rw_programs programs;
	enum rw_kern_program judge; /* which runs the frames */
	struct rw_kern k;
	struct rw_kern_cfg cfg;
};

static const char *const rig_counter_names[RW_KERN_N] = {
#define NAME(name, help) #name,
	RW_KERN_COUNTERS(NAME)
#undef NAME
};

static inline void rig_put_at(const struct rig *r, enum rw_kern_map m, uint32_t index,
			      const void *value)
{
	assert_int_equal(bpf_map_update_elem(r->k.fd[m], &index, value, BPF_ANY), 0);
}

static inline void rig_put(const struct rig *r, enum rw_kern_map m, const void *value)
{
	rig_put_at(r, m, 0, value);
}

static inline void rig_config(const struct rig *r)
{
	rig_put(r, RW_MAP_CFG, &r->cfg);
}

/* A key that is not there is fine, too. */
static inline void rig_no_feeds(const struct rig *r)
{
	static const struct rw_kern_feed no_feed;
	static const struct rw_kern_feed_drops no_drops[1024];

	for (enum rw_kern_map m = RW_MAP_FEED_VIEW; m <= RW_MAP_FEED_NET6; m++)
		for (uint32_t i = 0; i < 2; i++)
			bpf_map_delete_elem(r->k.fd[m], &i);
	for (uint32_t i = 0; i < RW_KERN_FEEDS; i++) {
		assert_int_equal(bpf_map_update_elem(r->k.fd[RW_MAP_FEEDS], &i, &no_feed, BPF_ANY),
				 0);
		assert_int_equal(
			bpf_map_update_elem(r->k.fd[RW_MAP_FEED_DROPS], &i, no_drops, BPF_ANY), 0);
	}
}

/*
 * In one walk: to ask for the first key again and again is to look at every empty bucket in front
 * of it each time, minutes for a table that was full.
 */
static inline void rig_empty(int fd)
{
	enum { KEY_MAX = 32 };
	char key[KEY_MAX], next[KEY_MAX] = {0};

	while (!bpf_map_get_next_key(fd, NULL, key)) {
		for (bool more = true; more; memcpy(key, next, sizeof(key))) {
			more = !bpf_map_get_next_key(fd, key, next);
			assert_int_equal(bpf_map_delete_elem(fd, key), 0);
		}
	}
}

/*
 * Nobody is remembered as dropped a moment ago. A list that was exchanged is in force for such
 * sources 16 ms later only, and a test's next packet comes at once.
 */
static inline void rig_forget(struct rig *r)
{
	static const struct rw_kern_recents no_recents;

	for (uint32_t cpu = 0; cpu < (uint32_t)r->k.cpus; cpu++)
		rig_put_at(r, RW_MAP_RECENT, cpu, &no_recents);
}

/* Port 443 is protected, no rates, no bans, nothing counted: how every test starts. */
static inline void rig_reset(struct rig *r)
{
	static const struct rw_kern_sketch no_sketch;
	static const struct rw_kern_promo no_promo[1024];
	static const struct rw_kern_told no_told[1024];
	static const struct rw_kern_episodes no_episodes;
	struct rw_kern_ports ports = {0};

	assert_true(r->k.cpus <= 1024);
	ports.word[RIG_PORT / 64] = 1ULL << (RIG_PORT % 64);
	rig_put(r, RW_MAP_PORTS, &ports);
	rig_put_at(r, RW_MAP_PORTS, 1, &ports);
	r->cfg = (struct rw_kern_cfg){
		.tick_ns = rw_kern_tick_ns(),
		.hash = {0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f},
	};
	rig_put_at(r, RW_MAP_CFG, 1, &r->cfg);
	rig_config(r);
	for (enum rw_kern_map m = RW_MAP_ALLOW; m <= RW_MAP_SOURCE; m++)
		if (m != RW_MAP_STATS)
			rig_empty(r->k.fd[m]);
	memset(r->k.bits, 0, sizeof(*r->k.bits));
	memset(r->k.stats, 0, (size_t)r->k.cpus * sizeof(*r->k.stats));
	rig_put(r, RW_MAP_STATS, r->k.stats);
	rig_put(r, RW_MAP_SKETCH, &no_sketch);
	rig_put(r, RW_MAP_PROMO, no_promo);
	rig_put(r, RW_MAP_TOLD, no_told);
	rig_put(r, RW_MAP_EPISODES, &no_episodes);
	rig_forget(r);
	rig_no_feeds(r);
	r->k.read_only = false;
}

static inline void rig_free(struct rig *r)
{
	rw_kern_release(&r->k);
	rw_programs_free(&r->programs);
}

static inline int rig_new(struct rig *r)
{
	struct rw_kern_meta meta = {
		.abi = RW_KERN_ABI, .mode = RW_KERN_MODE_NATIVE, .layout = rw_kern_layout()};
	struct rw_error e = {0};

	memcpy(meta.magic, RW_KERN_MAGIC, sizeof(meta.magic));
	rw_kern_init(&r->k);
	rw_programs_init(&r->programs);
	if (rw_programs_load(&r->programs, (1U << RW_PROGRAMS) - 1, &e)) {
		print_error("%s\n", e.text);
		return -1;
	}
	for (unsigned i = 0; i < RW_MAPS; i++)
		r->k.fd[i] = dup(r->programs.map[i]);
	rig_put(r, RW_MAP_META, &meta);
	if (rw_kern_adopt(&r->k, &e)) {
		print_error("%s\n", e.text);
		return -1;
	}
	rig_reset(r);
	return 0;
}

static inline struct rw_kern_stats rig_counters(struct rig *r)
{
	struct rw_kern_stats s;

	assert_int_equal(rw_kern_counters(&r->k, &s, NULL), RW_OK);
	return s;
}

/* BPF_PROG_TEST_RUN makes no skb of less than the headers that its Ethernet type promises. */
static inline bool rig_takes(const struct rig *r, const uint8_t *frame, size_t n)
{
	unsigned type = (unsigned)frame[12] << 8 | frame[13];

	return r->judge == RW_PROGRAM_XDP || n >= (type == 0x0800   ? 14 + 20
						   : type == 0x86dd ? 14 + 40
								    : 14);
}

/* Runs the program over the frame; asserts that no byte of it changed. XDP_DROP or XDP_PASS. */
static inline uint32_t rig_run(struct rig *r, const void *frame, size_t n)
{
	uint8_t in[PACKET_MAX], out[PACKET_MAX + 256];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = (uint32_t)n,
		    .data_out = out, .data_size_out = sizeof(out), .repeat = 1);

	assert_true(n <= sizeof(in));
	memcpy(in, frame, n);
	assert_int_equal(bpf_prog_test_run_opts(r->programs.prog[r->judge], &opts), 0);
	assert_int_equal(opts.data_size_out, n);
	assert_memory_equal(out, frame, n);
	if (r->judge == RW_PROGRAM_XDP)
		return opts.retval;
	assert_true(opts.retval == (uint32_t)TCX_DROP || opts.retval == (uint32_t)TCX_NEXT);
	return opts.retval == (uint32_t)TCX_DROP ? XDP_DROP : XDP_PASS;
}

/* Which counter of an outcome rose; asserts that exactly one did, and rx. */
static inline enum rw_kern_counter rig_outcome(const struct rw_kern_stats *before,
					       const struct rw_kern_stats *after)
{
	const uint64_t *b = (const uint64_t *)before, *a = (const uint64_t *)after;
	enum rw_kern_counter found = RW_KERN_N;

	assert_int_equal(after->rx, before->rx + 1);
	for (enum rw_kern_counter i = RW_KERN_N_pass_other; i <= RW_KERN_N_would_tx_cookie; i++) {
		if (a[i] == b[i])
			continue;
		assert_int_equal(a[i], b[i] + 1);
		assert_int_equal(found, RW_KERN_N);
		found = i;
	}
	return found;
}

/* The frame ends in this counter, and with the verdict that belongs to it. */
static inline void rig_expect_frame(struct rig *r, const void *frame, size_t n,
				    enum rw_kern_counter want)
{
	bool drop = want >= RW_KERN_N_drop_malformed && want <= RW_KERN_N_drop_pkt_rate;
	struct rw_kern_stats before = rig_counters(r), after;
	uint32_t verdict = rig_run(r, frame, n);
	enum rw_kern_counter got;

	after = rig_counters(r);
	got = rig_outcome(&before, &after);
	if (got != want)
		fail_msg("a frame of %zu bytes ended in %s, not in %s", n,
			 got < RW_KERN_N ? rig_counter_names[got] : "no counter",
			 rig_counter_names[want]);
	assert_int_equal(verdict, drop ? XDP_DROP : XDP_PASS);
}

static inline void rig_expect(struct rig *r, const struct packet_make *make,
			      enum rw_kern_counter want)
{
	struct packet p;

	packet_build(&p, make);
	rig_expect_frame(r, p.bytes, p.n, want);
}

/* A packet with these TCP flags from src to the protected port. */
static inline void rig_expect_from(struct rig *r, const char *src, uint8_t flags,
				   enum rw_kern_counter want)
{
	rig_expect(r, &(struct packet_make){.src = src, .flags = flags}, want);
}

static inline struct rw_prefix rig_prefix(const char *text)
{
	struct rw_prefix p;
	struct rw_error e = {0};

	if (rw_prefix_parse(text, &p, &e))
		fail_msg("%s", e.text);
	return p;
}

static inline void rig_ban(struct rig *r, const char *prefix, enum rw_kern_verdict verdict)
{
	struct rw_prefix p = rig_prefix(prefix);
	struct rw_error e = {0};

	if (rw_kern_deny(&r->k, &p, 0, verdict, RW_KERN_REASON_OPERATOR, &e))
		fail_msg("%s", e.text);
}

static inline void rig_allow(struct rig *r, const char *prefix)
{
	struct rw_prefix p = rig_prefix(prefix);

	assert_int_equal(rw_kern_allow(&r->k, &p, true, NULL), RW_OK);
}

/* cmocka: one rig for all tests of a group, reset before each; frames are run by rw_xdp. */
static inline int rig_group_setup(void **state)
{
	static struct rig rig;

	*state = &rig;
	rig.judge = RW_PROGRAM_XDP;
	return rig_new(&rig);
}

/* The same with rw_tcx. */
static inline int rig_group_setup_tcx(void **state)
{
	int rc = rig_group_setup(state);

	((struct rig *)*state)->judge = RW_PROGRAM_TCX;
	return rc;
}

static inline int rig_group_teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static inline int rig_test_setup(void **state)
{
	rig_reset(*state);
	return 0;
}

#define RIG_TEST(f) cmocka_unit_test_setup(f, rig_test_setup)

/* One table of tests, run for every program that gives the verdict. */
#define rig_run_group(name, tests)                                                \
	(cmocka_run_group_tests_name(name ", rw_xdp", tests, rig_group_setup,     \
				     rig_group_teardown) +                        \
	 cmocka_run_group_tests_name(name ", rw_tcx", tests, rig_group_setup_tcx, \
				     rig_group_teardown))

#endif
