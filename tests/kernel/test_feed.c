/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds: what they list is dropped, a load changes all or nothing, and bans know nothing of it. */
#include "kernel/feeds.h"

#include <stdlib.h>
#include <sys/mman.h>

#define PASS	 RW_KERN_N_pass
#define FED	 RW_KERN_N_drop_feed

#define DROP_ALL RW_KERN_VERDICT_DROP_ALL
#define DROP_SYN RW_KERN_VERDICT_DROP_SYN
#define LIMIT	 RW_KERN_VERDICT_LIMIT

/* A copy of the view in force; false: none is. */
static bool view_now(const struct rig *r, struct rw_kern_feed_view *out)
{
	uint32_t zero = 0, id;
	int fd;

	if (bpf_map_lookup_elem(r->k.fd[RW_MAP_FEED_VIEW], &zero, &id))
		return false;
	fd = bpf_map_get_fd_by_id(id);
	assert_true(fd >= 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &zero, out), 0);
	close(fd);
	return true;
}

static unsigned inner_maps(const struct rig *r)
{
	unsigned n = 0;
	uint32_t id;

	for (enum rw_kern_map m = RW_MAP_FEED4; m <= RW_MAP_FEED_NET6; m++)
		for (uint32_t i = 0; i < 2; i++)
			n += !bpf_map_lookup_elem(r->k.fd[m], &i, &id);
	return n;
}

static uint32_t slot_in_force(const struct rig *r)
{
	static struct rw_kern_feed_view view;

	assert_true(view_now(r, &view));
	return (uint32_t)view.slot;
}

/* A list as a load makes it; its descriptor. */
static uint32_t spare_list(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "spare", sizeof(struct rw_kern_key4),
				sizeof(struct rw_kern_listed), 1, NULL);

	assert_true(fd >= 0);
	return (uint32_t)fd;
}

/* --- what is listed --------------------------------------------------------------------------- */

static void listed_address_is_dropped_and_its_neighbour_is_not(void **state)
{
	struct rig *r = *state;

	FEED(r, "a", DROP_ALL, "192.0.2.7", "2001:db8:1:2::/64");
	rig_expect_from(r, "192.0.2.7", SYN, FED);
	rig_expect_from(r, "192.0.2.7", ACK, FED);
	rig_expect_from(r, "192.0.2.6", ACK, PASS);
	rig_expect_from(r, "192.0.3.7", ACK, PASS);
	rig_expect_from(r, "2001:db8:1:2::9", ACK, FED);
	rig_expect_from(r, "2001:db8:1:3::9", ACK, PASS);
	rig_expect(r, &(struct packet_make){.src = "192.0.2.7", .port = 22}, RW_KERN_N_pass_other);
	assert_int_equal(feeds_get(r, "a").drops, 3);
	assert_int_equal(feeds_get(r, "a").entries4, 1);
	assert_int_equal(feeds_get(r, "a").entries6, 1);
}

/* Presence is by /24: what is wider sets many bits, what is longer shares one. */
static void every_prefix_length_is_listed_to_its_ends(void **state)
{
	struct rig *r = *state;
	char prefix[64], first[64], last[64], before[64], after[64];

	for (unsigned plen = 8; plen <= 32; plen++) {
		uint32_t size = plen == 32 ? 1 : 1U << (32 - plen), at = 50U << 24;
		struct in_addr a[4] = {
			{htonl(at)}, {htonl(at + size - 1)}, {htonl(at - 1)}, {htonl(at + size)}};

		snprintf(prefix, sizeof(prefix), "50.0.0.0/%u", plen);
		inet_ntop(AF_INET, &a[0], first, sizeof(first));
		inet_ntop(AF_INET, &a[1], last, sizeof(last));
		inet_ntop(AF_INET, &a[2], before, sizeof(before));
		inet_ntop(AF_INET, &a[3], after, sizeof(after));
		FEED(r, "a", DROP_ALL, prefix);
		rig_expect_from(r, first, ACK, FED);
		rig_expect_from(r, last, ACK, FED);
		rig_expect_from(r, before, ACK, PASS);
		rig_expect_from(r, after, ACK, PASS);
	}
	FEED(r, "a", DROP_ALL, "2001:db8::/29", "2400:1::/48", "2400:2::7/128", "2400:3::/65");
	rig_expect_from(r, "2001:dbf:ffff::1", ACK, FED);
	rig_expect_from(r, "2001:dc0::1", ACK, PASS);
	rig_expect_from(r, "2400:1:0:ffff::1", ACK, FED);
	rig_expect_from(r, "2400:1:1::1", ACK, PASS);
	rig_expect_from(r, "2400:2::7", ACK, FED);
	rig_expect_from(r, "2400:2::8", ACK, PASS);
	rig_expect_from(r, "2400:3::7fff:1", ACK, FED);
	rig_expect_from(r, "2400:3:0:0:8000::1", ACK, PASS);
}

/* Eight lengths are in a hash, the others in a trie; nothing is refused. */
static void twenty_prefix_lengths_in_one_feed_are_all_dropped(void **state)
{
	static struct rw_kern_feed_view view;
	struct rw_feed_set set = {0};
	struct rig *r = *state;
	char text[64];

	for (unsigned plen = 12; plen <= 32; plen++) {
		snprintf(text, sizeof(text), "%u.0.0.0/%u", plen + 20, plen);
		feeds_add(&set, text);
		snprintf(text, sizeof(text), "2400:%x::/%u", plen, plen + 28);
		feeds_add(&set, text);
	}
	assert_int_equal(feeds_try_set(r, "a", DROP_ALL, &set, NULL), RW_OK);
	assert_true(view_now(r, &view));
	assert_int_equal(view.nets4, 13);
	assert_int_equal(view.nets6, 13);
	for (unsigned plen = 12; plen <= 32; plen++) {
		snprintf(text, sizeof(text), "%u.0.0.0", plen + 20);
		rig_expect_from(r, text, ACK, FED);
		snprintf(text, sizeof(text), "2400:%x::", plen);
		rig_expect_from(r, text, ACK, FED);
	}
}

static void few_entries_of_rare_lengths_do_not_cost_a_probe(void **state)
{
	static struct rw_kern_feed_view view;
	struct rw_feed_set set = {0};
	struct rig *r = *state;
	struct rw_prefix p = rig_prefix("50.0.0.0");

	for (unsigned i = 0; i < 4000; i++) {
		p.addr[2] = (uint8_t)(i >> 8);
		p.addr[3] = (uint8_t)i;
		assert_int_equal(rw_feed_add(&set, &p, 0, NULL), RW_OK);
	}
	feeds_add(&set, "51.0.0.0/20");
	feeds_add(&set, "51.1.0.0/28");
	assert_int_equal(feeds_try_set(r, "a", DROP_ALL, &set, NULL), RW_OK);
	assert_true(view_now(r, &view));
	assert_int_equal(view.plens4[0], 33);
	assert_int_equal(view.plens4[1], 0);
	assert_int_equal(view.nets4, 2);
	rig_expect_from(r, "50.0.15.159", ACK, FED);
	rig_expect_from(r, "50.0.15.160", ACK, PASS);
	rig_expect_from(r, "51.0.15.255", ACK, FED);
	rig_expect_from(r, "51.1.0.15", ACK, FED);
	rig_expect_from(r, "51.1.0.16", ACK, PASS);
}

/* --- loads ------------------------------------------------------------------------------------ */

static void reload_replaces_what_is_gone(void **state)
{
	static struct rw_kern_feed_view view;
	struct rig *r = *state;

	FEED(r, "a", DROP_ALL, "50.0.0.1", "50.0.1.0/24", "2400:1::/48");
	FEED(r, "a", DROP_ALL, "50.0.0.1", "50.0.2.0/24", "2400:2::/48");
	rig_expect_from(r, "50.0.0.1", ACK, FED);
	rig_expect_from(r, "50.0.1.1", ACK, PASS);
	rig_expect_from(r, "50.0.2.1", ACK, FED);
	rig_expect_from(r, "2400:1::1", ACK, PASS);
	rig_expect_from(r, "2400:2::1", ACK, FED);
	assert_int_equal(feeds_count(r), 1);
	assert_int_equal(feeds_get(r, "a").drops, 3);
	assert_true(view_now(r, &view));
	assert_int_equal(inner_maps(r), 4);
}

/* Bits that nothing needs any more would cost every honest packet of that /24 a look-up. */
static void bits_and_lengths_narrow_again(void **state)
{
	static struct rw_kern_feed_view view, want;
	struct rig *r = *state;
	uint32_t bit = 50U << 16;

	FEED(r, "a", DROP_ALL, "50.0.0.0/8", "60.1.2.3", "2400::/20", "2400:1::/48");
	FEED(r, "a", DROP_ALL, "50.0.0.9");
	assert_true(view_now(r, &view));
	want.bits4[bit / 64] = 1ULL << (bit % 64);
	assert_memory_equal(view.bits4, want.bits4, sizeof(want.bits4));
	assert_memory_equal(view.bits6, want.bits6, sizeof(want.bits6));
	want.plens4[0] = 33;
	assert_memory_equal(view.plens4, want.plens4, sizeof(want.plens4));
	assert_memory_equal(view.plens6, want.plens6, sizeof(want.plens6));
	feeds_clear(r, "a");
	assert_false(view_now(r, &view));
	assert_int_equal(inner_maps(r), 0);
	assert_int_equal(feeds_count(r), 0);
	rig_expect_from(r, "50.0.0.9", ACK, PASS);
}

/* Whoever reloads a feed must not lift what the engine has banned since. */
static void loads_keep_bans(void **state)
{
	struct rw_kern_key4 key = {.plen = 32, .addr = {50, 0, 0, 7}};
	struct rw_kern_ban ban;
	struct rig *r = *state;

	rig_ban(r, "50.0.0.7", DROP_ALL);
	rig_expect_from(r, "50.0.0.7", ACK, RW_KERN_N_drop_denied);
	FEED(r, "a", DROP_ALL, "50.0.0.7", "50.0.0.8");
	rig_expect_from(r, "50.0.0.7", ACK, RW_KERN_N_drop_denied);
	FEED(r, "a", DROP_ALL, "50.0.0.9");
	rig_expect_from(r, "50.0.0.7", ACK, RW_KERN_N_drop_denied);
	feeds_clear(r, "a");
	rig_expect_from(r, "50.0.0.7", ACK, RW_KERN_N_drop_denied);
	assert_int_equal(bpf_map_lookup_elem(r->k.fd[RW_MAP_DENY4], &key, &ban), 0);
	assert_int_equal(ban.drops, 4);
}

static void failed_load_keeps_the_old_feed(void **state)
{
	static struct rw_kern_feed_view before, after;
	static const char *const nothing[] = {NULL}, *const allowed[] = {"198.51.100.7", NULL},
				 *const other[] = {"50.0.0.8", "2400:1::/48", NULL};
	struct rig *r = *state;
	struct rw_error e = {0};
	int fd = r->k.fd[RW_MAP_FEED_NET6];

	rig_allow(r, "198.51.100.0/24");
	FEED(r, "a", DROP_ALL, "50.0.0.7");
	assert_true(view_now(r, &before));
	assert_int_equal(feeds_try(r, "a", DROP_ALL, nothing, &e), RW_EINVAL);
	assert_non_null(strstr(e.text, "what was in force stays"));
	assert_int_equal(feeds_try(r, "a", DROP_ALL, allowed, &e), RW_EINVAL);
	assert_non_null(strstr(e.text, "allowlist"));
	assert_int_equal(feeds_try(r, "no name", DROP_ALL, other, &e), RW_EINVAL);
	r->k.fd[RW_MAP_FEED_NET6] = -1; /* the last of the new tables is refused */
	assert_int_equal(feeds_try(r, "a", DROP_ALL, other, &e), RW_EIO);
	r->k.fd[RW_MAP_FEED_NET6] = fd;
	assert_true(view_now(r, &after));
	assert_memory_equal(&after, &before, sizeof(after));
	assert_int_equal(inner_maps(r), 4);
	rig_expect_from(r, "50.0.0.7", ACK, FED);
	rig_expect_from(r, "50.0.0.8", ACK, PASS);
	assert_int_equal(feeds_get(r, "a").entries4, 1);
	FEED(r, "a", DROP_ALL, "50.0.0.8");
	rig_expect_from(r, "50.0.0.8", ACK, FED);
}

/* --- several ---------------------------------------------------------------------------------- */

static void clearing_one_feed_keeps_what_another_lists_too(void **state)
{
	struct rig *r = *state;
	struct rw_error e = {0};

	FEED(r, "a", DROP_ALL, "50.0.0.7", "50.0.1.0/24", "2400:1::/48");
	FEED(r, "b", DROP_ALL, "50.0.0.7", "50.0.1.9", "50.0.1.0/28", "2400:1:0:5::/64");
	assert_int_equal(feeds_get(r, "a").entries4, 2);
	assert_int_equal(feeds_get(r, "b").entries4, 2); /* .9 is covered by the /28 */
	feeds_clear(r, "a");
	rig_expect_from(r, "50.0.0.7", ACK, FED);
	rig_expect_from(r, "50.0.1.9", ACK, FED);
	rig_expect_from(r, "50.0.1.16", ACK, PASS);
	rig_expect_from(r, "2400:1:0:5::1", ACK, FED);
	rig_expect_from(r, "2400:1:0:6::1", ACK, PASS);
	assert_int_equal(rw_kern_feed_clear(&r->k, "a", &e), RW_ENOTFOUND);
	assert_non_null(strstr(e.text, "'a'"));
	assert_int_equal(rw_kern_feed_clear(&r->k, "", &e), RW_ENOTFOUND);
	assert_int_equal(feeds_count(r), 1);
}

static void strictest_of_several_feeds_counts_and_counts_for_its_own(void **state)
{
	struct rig *r = *state;

	FEED(r, "mild", DROP_SYN, "50.0.0.0/16", "51.0.0.7", "52.0.0.0/19");
	FEED(r, "hard", DROP_ALL, "50.0.0.7", "51.0.0.0/17", "52.0.0.0/18");
	rig_expect_from(r, "50.0.0.7", ACK, FED);
	rig_expect_from(r, "50.0.0.8", ACK, PASS);
	rig_expect_from(r, "50.0.0.8", SYN, FED);
	rig_expect_from(r, "51.0.0.7", ACK, FED); /* the mild one is longer */
	rig_expect_from(r, "52.0.0.7", ACK, FED);
	assert_int_equal(feeds_get(r, "hard").drops, 3);
	assert_int_equal(feeds_get(r, "mild").drops, 1);
	feeds_clear(r, "hard");
	rig_expect_from(r, "51.0.0.7", ACK, PASS);
	rig_expect_from(r, "51.0.0.7", SYN, FED);
	rig_expect_from(r, "51.0.0.8", SYN, PASS);
}

static void ninth_feed_is_refused_and_a_freed_place_counts_from_zero(void **state)
{
	static const char *const list[] = {"50.0.0.9", NULL};
	struct rig *r = *state;
	struct rw_error e = {0};
	char name[8];

	for (unsigned i = 0; i < RW_KERN_FEEDS; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		FEED(r, name, DROP_ALL, "50.0.0.7");
	}
	rig_expect_from(r, "50.0.0.7", ACK, FED);
	assert_int_equal(feeds_get(r, "f0").drops, 1);
	assert_int_equal(feeds_try(r, "f8", DROP_ALL, list, &e), RW_ELIMIT);
	assert_non_null(strstr(e.text, "feed clear"));
	feeds_clear(r, "f0");
	assert_int_equal(feeds_try(r, "f8", DROP_ALL, list, &e), RW_OK);
	assert_int_equal(feeds_get(r, "f8").drops, 0);
	rig_expect_from(r, "50.0.0.9", ACK, FED);
	assert_int_equal(feeds_get(r, "f8").drops, 1);
	rig_expect_from(r, "50.0.0.7", ACK, FED);
}

/* --- beside the rest -------------------------------------------------------------------------- */

static void allowed_sources_pass_before_feeds(void **state)
{
	struct rw_feed_load load = {.name = "a", .verdict = DROP_ALL};
	struct rw_feed_settled settled;
	struct rw_feed_set set = {0};
	struct rw_feed feed;
	struct rig *r = *state;

	rig_allow(r, "50.0.0.7");
	rig_allow(r, "50.1.0.0/16");
	rig_allow(r, "2400:1:0:5::/64");
	feeds_add(&set, "50.0.0.0/24");
	feeds_add(&set, "50.0.0.7");
	feeds_add(&set, "50.1.2.0/24");
	feeds_add(&set, "50.1.0.0/16");
	feeds_add(&set, "2400:1::/48");
	feeds_add(&set, "2400:1:0:5::9");
	assert_int_equal(rw_kern_feed_load(&r->k, &load, &set, &settled, &feed, NULL), RW_OK);
	rw_feed_set_free(&set);
	assert_int_equal(settled.allowed, 4);
	assert_int_equal(feed.entries4, 1);
	assert_int_equal(feed.entries6, 1);
	rig_expect_from(r, "50.0.0.7", ACK, RW_KERN_N_pass_allowed);
	rig_expect_from(r, "50.0.0.8", ACK, FED);
	rig_expect_from(r, "50.1.2.1", ACK, RW_KERN_N_pass_allowed);
	rig_expect_from(r, "2400:1:0:5::9", ACK, RW_KERN_N_pass_allowed);
	rig_expect_from(r, "2400:1:0:6::9", ACK, FED);
}

static void listed_prefix_shares_a_budget_under_limit(void **state)
{
	struct rig *r = *state;
	char text[64];

	assert_int_equal(rw_kern_rate("packet", 1, 2, r->cfg.tick_ns, &r->cfg.pkt, NULL), RW_OK);
	rig_config(r);
	FEED(r, "a", LIMIT, "50.0.0.0/20", "50.0.1.0/24");
	for (unsigned i = 0; i < 6; i++) {
		snprintf(text, sizeof(text), "50.0.%u.1", i);
		rig_expect_from(r, text, ACK, i < 2 ? PASS : RW_KERN_N_drop_limited);
	}
	rig_expect_from(r, "50.0.16.1", ACK, PASS);
}

static void ban_that_only_limits_does_not_shield_from_a_feed(void **state)
{
	struct rig *r = *state;

	rig_ban(r, "50.0.0.0/24", LIMIT);
	FEED(r, "a", DROP_SYN, "50.0.0.7");
	rig_expect_from(r, "50.0.0.7", SYN, FED);
	rig_expect_from(r, "50.0.0.7", ACK, PASS);
}

static void shadow_mode_counts_feeds_and_drops_nothing(void **state)
{
	struct rig *r = *state;

	r->cfg.shadow = 1;
	rig_config(r);
	FEED(r, "a", DROP_ALL, "50.0.0.7");
	rig_expect_from(r, "50.0.0.7", ACK, RW_KERN_N_would_drop_feed);
}

/* --- against a model -------------------------------------------------------------------------- */

enum { MODEL_FEEDS = 3, MODEL_ENTRIES = 60, MODEL_PACKETS = 400 };

struct model {
	struct rw_prefix entry[MODEL_FEEDS][MODEL_ENTRIES];
	enum rw_kern_verdict verdict[MODEL_FEEDS];
};

/* In a small space, so that they nest; lengths from all that there are. */
static struct rw_prefix some_prefix(int family, unsigned long r)
{
	struct rw_prefix p = {.family = family};

	p.addr[0] = family == AF_INET ? 50 : 0x24;
	p.addr[1] = r & 3;
	p.addr[2] = r >> 2 & 0xc1;
	p.addr[3] = r >> 10 & 0x83;
	for (unsigned i = 4; i < 16 && family == AF_INET6; i++)
		p.addr[i] = r >> 12 & 0x81;
	p.plen = (uint8_t)((family == AF_INET ? 9 : 17) +
			   (r >> 20) % (family == AF_INET ? 24 : 112));
	return p;
}

static enum rw_kern_counter model_says(const struct model *m, const struct rw_prefix *source,
				       bool syn)
{
	unsigned strictest = 0;

	for (unsigned f = 0; f < MODEL_FEEDS; f++)
		for (unsigned i = 0; i < MODEL_ENTRIES; i++) {
			struct rw_prefix p = *source;

			p.plen = m->entry[f][i].plen;
			rw_prefix_mask(&p);
			if (!memcmp(p.addr, m->entry[f][i].addr, 16) && m->verdict[f] > strictest)
				strictest = m->verdict[f];
		}
	return strictest == DROP_ALL || (syn && strictest == DROP_SYN) ? FED : PASS;
}

static void model_load(struct rig *r, struct model *m, unsigned f, int family)
{
	struct rw_feed_set set = {0};
	char name[8];

	snprintf(name, sizeof(name), "f%u", f);
	for (unsigned i = 0; i < MODEL_ENTRIES; i++) {
		m->entry[f][i] = some_prefix(family, (unsigned long)random());
		rw_prefix_mask(&m->entry[f][i]);
		assert_int_equal(rw_feed_add(&set, &m->entry[f][i], 0, NULL), RW_OK);
	}
	m->verdict[f] = 1 + (unsigned)random() % 3;
	assert_int_equal(feeds_try_set(r, name, m->verdict[f], &set, NULL), RW_OK);
}

static void program_agrees_with_a_model_through_reloads(void **state)
{
	struct rig *r = *state;
	unsigned fed = 0, passed = 0;

	srandom(4711);
	for (unsigned round = 0; round < 12; round++) {
		int family = round % 2 ? AF_INET6 : AF_INET;
		static struct model m;

		rig_reset(r);
		for (unsigned f = 0; f < 2 * MODEL_FEEDS; f++)
			model_load(r, &m, f % MODEL_FEEDS, family);
		for (unsigned i = 0; i < MODEL_PACKETS; i++) {
			struct rw_prefix p = some_prefix(family, (unsigned long)random());
			enum rw_kern_counter want = model_says(&m, &p, i % 2);
			char text[INET6_ADDRSTRLEN];

			inet_ntop(family, p.addr, text, sizeof(text));
			rig_expect_from(r, text, i % 2 ? SYN : ACK, want);
			*(want == FED ? &fed : &passed) += 1;
		}
	}
	assert_true(fed > 500 && passed > 500);
}

/* Killed after its exchange and before it has written names, a load leaves the old ones. */
static void names_of_a_killed_load_are_mended(void **state)
{
	struct rw_kern_feed before[RW_KERN_FEEDS];
	struct rig *r = *state;
	uint32_t slot, fd = spare_list();

	FEED(r, "a", DROP_ALL, "192.0.2.7");
	for (uint32_t i = 0; i < RW_KERN_FEEDS; i++)
		assert_int_equal(bpf_map_lookup_elem(r->k.fd[RW_MAP_FEEDS], &i, &before[i]), 0);
	FEED(r, "b", DROP_ALL, "192.0.2.8");
	for (uint32_t i = 0; i < RW_KERN_FEEDS; i++)
		assert_int_equal(
			bpf_map_update_elem(r->k.fd[RW_MAP_FEEDS], &i, &before[i], BPF_ANY), 0);
	slot = !slot_in_force(r);
	assert_int_equal(bpf_map_update_elem(r->k.fd[RW_MAP_FEED4], &slot, &fd, BPF_ANY), 0);
	close((int)fd);
	assert_int_equal(feeds_count(r), 1);
	assert_int_equal(inner_maps(r), 4 + 1);

	assert_int_equal(rw_kern_feed_mend(&r->k, NULL), RW_OK);
	assert_int_equal(feeds_count(r), 2);
	assert_int_equal(feeds_get(r, "b").entries4, 1);
	assert_int_equal(inner_maps(r), 4);
	rig_expect_from(r, "192.0.2.7", ACK, FED);
	rig_expect_from(r, "192.0.2.8", ACK, FED);

	rig_no_feeds(r); /* as a killed clear of the last one */
	assert_int_equal(
		bpf_map_update_elem(r->k.fd[RW_MAP_FEEDS], &(uint32_t){0}, &before[0], BPF_ANY), 0);
	assert_int_equal(rw_kern_feed_mend(&r->k, NULL), RW_OK);
	assert_int_equal(feeds_count(r), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(listed_address_is_dropped_and_its_neighbour_is_not),
		RIG_TEST(every_prefix_length_is_listed_to_its_ends),
		RIG_TEST(twenty_prefix_lengths_in_one_feed_are_all_dropped),
		RIG_TEST(few_entries_of_rare_lengths_do_not_cost_a_probe),
		RIG_TEST(reload_replaces_what_is_gone),
		RIG_TEST(bits_and_lengths_narrow_again),
		RIG_TEST(loads_keep_bans),
		RIG_TEST(failed_load_keeps_the_old_feed),
		RIG_TEST(clearing_one_feed_keeps_what_another_lists_too),
		RIG_TEST(strictest_of_several_feeds_counts_and_counts_for_its_own),
		RIG_TEST(ninth_feed_is_refused_and_a_freed_place_counts_from_zero),
		RIG_TEST(allowed_sources_pass_before_feeds),
		RIG_TEST(listed_prefix_shares_a_budget_under_limit),
		RIG_TEST(ban_that_only_limits_does_not_shield_from_a_feed),
		RIG_TEST(shadow_mode_counts_feeds_and_drops_nothing),
		RIG_TEST(names_of_a_killed_load_are_mended),
		RIG_TEST(program_agrees_with_a_model_through_reloads),
	};

	return cmocka_run_group_tests_name("feeds", tests, rig_group_setup, rig_group_teardown);
}
