/* SPDX-License-Identifier: Apache-2.0 */
/* What status and top say about sources: the tables of the limiters, read from outside. */
#include "kernel/rig.h"

#include <stdlib.h>
#include <sys/socket.h>

#define FROZEN_NS 100000000000ULL
#define S	  1000000000ULL

enum { BURST = 5, TOP = 3 };

static void limit_syns(struct rig *r, uint64_t interval_ns)
{
	rw_kern_rate_fill(&r->cfg.syn, interval_ns, BURST, r->cfg.tick_ns);
	rig_config(r);
}

static void send_syns(struct rig *r, const char *src, unsigned n)
{
	struct packet p;

	packet_build(&p, &(struct packet_make){.src = src, .flags = SYN});
	while (n--)
		rig_run(r, p.bytes, p.n);
}

/* Jiffies are read by programs only; from outside they are reckoned. */
static void programs_clock_is_known_to_a_second(void **state)
{
	struct rig *r = *state;
	struct rw_kern_sketch *sketch = malloc(sizeof(*sketch));
	uint32_t zero = 0;
	uint64_t now_ns, latest = 0;

	assert_non_null(sketch);
	limit_syns(r, FROZEN_NS);
	send_syns(r, "192.0.2.7", 1);
	now_ns = rw_kern_jiffies_ns(r->cfg.tick_ns);
	assert_int_equal(bpf_map_lookup_elem(r->k.fd[RW_MAP_SKETCH], &zero, sketch), 0);
	for (unsigned i = 0; i < 1 << RW_KERN_SYN_BITS; i++)
		if (sketch->syn[0][i] > latest)
			latest = sketch->syn[0][i];
	assert_in_range(latest - FROZEN_NS, now_ns - 2 * S, now_ns + 2 * S);
	free(sketch);
}

static void worst_sources_come_first(void **state)
{
	struct rig *r = *state;
	struct rw_limited top[TOP];
	unsigned n, total;
	char text[64];

	limit_syns(r, FROZEN_NS);
	send_syns(r, "192.0.2.1", BURST + 1);
	send_syns(r, "192.0.2.2", BURST + 40);
	send_syns(r, "2001:db8:1:2::9", BURST + 20);
	send_syns(r, "192.0.2.3", BURST + 30);
	send_syns(r, "192.0.2.4", BURST); /* promoted, nothing dropped */
	send_syns(r, "192.0.2.5", 1);
	assert_int_equal(rw_kern_limited(&r->k, top, TOP, &n, &total, NULL), RW_OK);
	assert_int_equal(n, TOP);
	assert_in_range(total, 4, 5);
	assert_string_equal(rw_prefix_text(&top[0].prefix, text), "192.0.2.2/32");
	assert_int_equal(top[0].drops, 40);
	assert_true(top[0].fast);
	assert_string_equal(rw_prefix_text(&top[1].prefix, text), "192.0.2.3/32");
	assert_string_equal(rw_prefix_text(&top[2].prefix, text), "2001:db8:1:2::/64");
	assert_int_equal(top[2].drops, 20);
}

static void nobody_limited_is_an_empty_list(void **state)
{
	struct rig *r = *state;
	struct rw_limited top[TOP];
	unsigned n = 9, total = 9;

	assert_int_equal(rw_kern_limited(&r->k, top, TOP, &n, &total, NULL), RW_OK);
	assert_int_equal(n + total, 0);
}

/* Sources share cells, so cells alone would count too few. Neighbours share fewer than others. */
static void sketch_tells_how_many_sources_there_are(void **state)
{
	struct rig *r = *state;
	struct rw_kern_pressure syn, pkt;
	char src[32];

	limit_syns(r, FROZEN_NS);
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(src, sizeof(src), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		send_syns(r, src, 1);
	}
	assert_int_equal(rw_kern_pressures(&r->k, &syn, &pkt, NULL), RW_OK);
	assert_in_range(syn.sources, 19000, 21000);
	assert_true(syn.busy > 0.06 && syn.busy < 0.08);
	assert_true(syn.hot == 0);
	assert_true(pkt.busy == 0 && pkt.sources == 0);
}

static void full_sketch_is_told_as_such(void **state)
{
	static struct rw_kern_sketch hot;
	struct rig *r = *state;
	struct rw_kern_pressure syn, pkt;

	limit_syns(r, FROZEN_NS);
	memset(&hot, 0x7f, sizeof(hot));
	rig_put(r, RW_MAP_SKETCH, &hot);
	assert_int_equal(rw_kern_pressures(&r->k, &syn, &pkt, NULL), RW_OK);
	assert_true(syn.busy == 1 && syn.hot == 1 && syn.sources == UINT64_MAX);
}

/* What was busy must not look so for ever. */
static void sketch_is_quiet_again_with_time(void **state)
{
	struct rw_kern_sketch *old = calloc(1, sizeof(*old));
	struct rig *r = *state;
	struct rw_kern_pressure syn, pkt;

	assert_non_null(old);
	limit_syns(r, FROZEN_NS);
	for (unsigned i = 0; i < 1000; i++)
		old->syn[0][i] = old->syn[1][i] = rw_kern_jiffies_ns(r->cfg.tick_ns) - 5 * S;
	rig_put(r, RW_MAP_SKETCH, old);
	assert_int_equal(rw_kern_pressures(&r->k, &syn, &pkt, NULL), RW_OK);
	assert_int_equal(syn.sources, 0);
	free(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(programs_clock_is_known_to_a_second),
		RIG_TEST(worst_sources_come_first),
		RIG_TEST(nobody_limited_is_an_empty_list),
		RIG_TEST(sketch_tells_how_many_sources_there_are),
		RIG_TEST(full_sketch_is_told_as_such),
		RIG_TEST(sketch_is_quiet_again_with_time),
	};

	return rig_run_group("sources", tests);
}
