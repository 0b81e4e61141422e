/* SPDX-License-Identifier: Apache-2.0 */
/* Bans of more prefix lengths than have a place in a hash: the others are in a trie. */
#include "kernel/rig.h"

#include <stdlib.h>

#define PASS	 RW_KERN_N_pass
#define DENIED	 RW_KERN_N_drop_denied
#define NO_SYN	 RW_KERN_N_drop_denied_syn

#define DROP_ALL RW_KERN_VERDICT_DROP_ALL
#define DROP_SYN RW_KERN_VERDICT_DROP_SYN
#define LIMIT	 RW_KERN_VERDICT_LIMIT

static struct rw_ban ban_of(struct rig *r, const char *prefix)
{
	struct rw_prefix want = rig_prefix(prefix);
	struct rw_ban *bans, found = {0};
	unsigned n, hits = 0;

	assert_int_equal(rw_kern_bans(&r->k, &bans, &n, NULL), RW_OK);
	for (unsigned i = 0; i < n; i++)
		if (!memcmp(&bans[i].prefix, &want, sizeof(want))) {
			found = bans[i];
			hits++;
		}
	free(bans);
	assert_int_equal(hits, 1);
	return found;
}

static unsigned ban_count(struct rig *r)
{
	struct rw_ban *bans;
	unsigned n;

	assert_int_equal(rw_kern_bans(&r->k, &bans, &n, NULL), RW_OK);
	free(bans);
	return n;
}

/* Eight lengths have a place in the hash; bans of the others were refused. */
static void ninth_prefix_length_is_banned_too(void **state)
{
	static const char *const many[] = {
		"10.0.0.0/9",  "10.0.0.0/10", "10.0.0.0/11", "10.0.0.0/12", "10.0.0.0/13",
		"10.0.0.0/14", "10.0.0.0/15", "10.0.0.0/16", "10.0.0.0/17", "10.0.0.0/18",
	};
	struct rig *r = *state;
	struct rw_prefix p;

	for (unsigned i = 0; i < 10; i++)
		rig_ban(r, many[i], DROP_SYN);
	assert_int_equal(r->k.bits->cidr4, 1);
	assert_int_equal(r->k.bits->cidr6, 0);
	rig_ban(r, "172.16.0.0/19", DROP_ALL);
	rig_expect_from(r, "10.0.0.1", SYN, NO_SYN);
	rig_expect_from(r, "10.0.0.1", ACK, PASS);
	rig_expect_from(r, "172.16.31.255", ACK, DENIED);
	rig_expect_from(r, "172.16.32.0", ACK, PASS);
	assert_int_equal(ban_of(r, "172.16.0.0/19").drops, 1);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(ban_of(r, many[i]).drops, 1);
		p = rig_prefix(many[i]);
		assert_int_equal(rw_kern_undeny(&r->k, &p, NULL), RW_OK);
	}
	rig_expect_from(r, "10.0.0.1", SYN, PASS);
	rig_expect_from(r, "172.16.0.1", ACK, DENIED);
	assert_int_equal(ban_count(r), 1); /* frees the places; the trie keeps what it has */
	rig_ban(r, "172.16.0.0/19", LIMIT);
	assert_int_equal(ban_of(r, "172.16.0.0/19").verdict, LIMIT);
	assert_int_equal(ban_count(r), 1);
	p = rig_prefix("172.16.0.0/19");
	assert_int_equal(rw_kern_undeny(&r->k, &p, NULL), RW_OK);
	assert_int_equal(ban_count(r), 0);
	assert_int_equal(r->k.bits->cidr4, 0);
}

/* What the engine bans by must not end up in the trie, which holds less, because people were first.
 */
static void lengths_of_the_engine_keep_their_places(void **state)
{
	struct rig *r = *state;
	struct rw_kern_key4 key4 = {.plen = 32, .addr = {192, 0, 2, 7}};
	struct rw_prefix p = rig_prefix("2001:db8:1:2::/64");
	struct rw_kern_key key6 = rw_prefix_key(&p);
	struct rw_kern_ban ban;
	char text[64];

	for (unsigned plen = 9; plen < 20; plen++) {
		snprintf(text, sizeof(text), "10.0.0.0/%u", plen);
		rig_ban(r, text, DROP_SYN);
		snprintf(text, sizeof(text), "2001:db8::/%u", plen + 32);
		rig_ban(r, text, DROP_SYN);
	}
	rig_ban(r, "192.0.2.7", DROP_ALL);
	rig_ban(r, "2001:db8:1:2::/64", DROP_ALL);
	rig_ban(r, "2001:db8:2::/56", DROP_ALL);
	assert_int_equal(bpf_map_lookup_elem(r->k.fd[RW_MAP_DENY4], &key4, &ban), 0);
	assert_int_equal(bpf_map_lookup_elem(r->k.fd[RW_MAP_DENY6], &key6, &ban), 0);
	p = rig_prefix("2001:db8:2::/56");
	key6 = rw_prefix_key(&p);
	assert_int_equal(bpf_map_lookup_elem(r->k.fd[RW_MAP_DENY6], &key6, &ban), 0);
	rig_expect_from(r, "192.0.2.7", ACK, DENIED);
	rig_expect_from(r, "2001:db8:1:2::1", ACK, DENIED);
	rig_expect_from(r, "2001:db8:2:ff::1", ACK, DENIED);
	assert_int_equal(ban_count(r), 25);
}

/* A trie gives the longest match only: it may be over, or milder than what it hides. */
static void nested_bans_in_the_trie_count_by_strictness(void **state)
{
	struct rig *r = *state;
	struct rw_kern_cidr over = {.ban = {.expires_ns = 1, .verdict = DROP_ALL}, .plen = 22};
	struct rw_kern_key4 key = {.plen = 22, .addr = {198, 51, 64, 0}};
	struct rw_prefix p;
	char text[64];

	for (unsigned plen = 9; plen < 16; plen++) {
		snprintf(text, sizeof(text), "10.0.0.0/%u", plen);
		rig_ban(r, text, LIMIT);
		snprintf(text, sizeof(text), "2001:db8::/%u", plen + 32);
		rig_ban(r, text, LIMIT);
	}
	rig_ban(r, "198.51.0.0/17", DROP_ALL);
	rig_ban(r, "198.51.64.0/18", DROP_SYN);
	rig_ban(r, "198.51.64.0/20", LIMIT);
	assert_int_equal(bpf_map_update_elem(r->k.fd[RW_MAP_CIDR4], &key, &over, BPF_ANY), 0);
	rig_expect_from(r, "198.51.64.1", ACK, DENIED);
	p = rig_prefix("198.51.0.0/17");
	assert_int_equal(rw_kern_undeny(&r->k, &p, NULL), RW_OK);
	rig_expect_from(r, "198.51.64.1", SYN, NO_SYN);
	rig_expect_from(r, "198.51.64.1", ACK, PASS);
	assert_int_equal(rig_counters(r).ban_expired, 3);
	rig_ban(r, "2001:db8:8000::/50", DROP_ALL);
	rig_ban(r, "2001:db8:8000::/51", DROP_SYN);
	rig_expect_from(r, "2001:db8:8000::1", ACK, DENIED);
	rig_expect_from(r, "2001:db8:8000:2000::1", ACK, DENIED);
	rig_expect_from(r, "2001:db8:8000:4000::1", ACK, PASS);
}

/* The budget of a prefix in the trie is as good as one in the hash, and its drops are counted. */
static void shared_budget_of_a_rare_length_is_limited_and_blamed(void **state)
{
	struct rig *r = *state;
	char text[64];

	for (unsigned plen = 9; plen < 16; plen++) {
		snprintf(text, sizeof(text), "10.0.0.0/%u", plen);
		rig_ban(r, text, DROP_SYN);
	}
	assert_int_equal(rw_kern_rate("packet", 1, 2, r->cfg.tick_ns, &r->cfg.pkt, NULL), RW_OK);
	rig_config(r);
	rig_ban(r, "198.51.64.0/20", LIMIT);
	assert_int_equal(r->k.bits->cidr4, 1);
	for (unsigned i = 0; i < 6; i++) {
		snprintf(text, sizeof(text), "198.51.64.%u", i);
		rig_expect_from(r, text, ACK, i < 2 ? PASS : RW_KERN_N_drop_limited);
	}
	assert_int_equal(ban_of(r, "198.51.64.0/20").drops, 4);
}

static void full_trie_says_so_and_keeps_what_it_has(void **state)
{
	struct rig *r = *state;
	struct rw_kern_cidr cidr = {.ban = {.verdict = DROP_ALL}, .plen = 30};
	struct rw_prefix p = rig_prefix("198.51.64.0/20");
	struct rw_error e = {0};
	char text[64];

	for (unsigned plen = 9; plen < 16; plen++) {
		snprintf(text, sizeof(text), "10.0.0.0/%u", plen);
		rig_ban(r, text, DROP_SYN);
	}
	for (uint32_t i = 0; i < RW_KERN_CIDRS; i++) {
		struct rw_kern_key4 key = {.plen = 30,
					   .addr = {11, 0, (uint8_t)(i >> 6), (uint8_t)(i << 2)}};

		key.addr[1] = (uint8_t)(i >> 14);
		assert_int_equal(
			bpf_map_update_elem(r->k.fd[RW_MAP_CIDR4], &key, &cidr, BPF_NOEXIST), 0);
	}
	assert_int_equal(rw_kern_deny(&r->k, &p, 0, DROP_ALL, RW_KERN_REASON_OPERATOR, &e),
			 RW_ELIMIT);
	assert_non_null(strstr(e.text, "16384 bans of unusual prefix lengths"));
	rig_ban(r, "198.51.64.1", DROP_ALL);
	rig_expect_from(r, "198.51.64.1", ACK, DENIED);
	rig_expect_from(r, "11.0.255.255", ACK, DENIED);
	assert_int_equal(ban_count(r), RW_KERN_CIDRS + 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(ninth_prefix_length_is_banned_too),
		RIG_TEST(lengths_of_the_engine_keep_their_places),
		RIG_TEST(nested_bans_in_the_trie_count_by_strictness),
		RIG_TEST(shared_budget_of_a_rare_length_is_limited_and_blamed),
		RIG_TEST(full_trie_says_so_and_keeps_what_it_has),
	};

	return cmocka_run_group_tests_name("rare lengths", tests, rig_group_setup,
					   rig_group_teardown);
}
