/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bans and the allowlist, entered by the code of production and judged by the program: what
 * is covered is dropped, what is beside it is not, and nothing is forgotten on the way.
 */
#include "kernel/rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#define PASS	 RW_KERN_N_pass
#define ALLOWED	 RW_KERN_N_pass_allowed
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

/* A ban whose time is over already, as the program finds it when nobody has cleaned up. */
static void ban_expired(struct rig *r, const char *prefix)
{
	struct rw_kern_ban over = {.expires_ns = 1,
				   .verdict = RW_KERN_VERDICT_DROP_ALL,
				   .reason = RW_KERN_REASON_STRIKES};
	struct rw_prefix p = rig_prefix(prefix);
	struct rw_kern_key4 key = rw_prefix_key4(&p);

	rig_ban(r, prefix, RW_KERN_VERDICT_DROP_ALL);
	assert_int_equal(bpf_map_update_elem(r->k.fd[RW_MAP_DENY4], &key, &over, BPF_EXIST), 0);
}

static void address_is_dropped_and_its_neighbour_is_not(void **state)
{
	struct rig *r = *state;

	rig_ban(r, "192.0.2.7", DROP_ALL);
	rig_expect_from(r, "192.0.2.7", SYN, DENIED);
	rig_expect_from(r, "192.0.2.7", ACK, DENIED);
	rig_expect_from(r, "192.0.2.7", RST, DENIED);
	rig_expect_from(r, "192.0.2.6", ACK, PASS);
	rig_expect_from(r, "198.51.100.7", ACK, PASS);
	assert_int_equal(ban_of(r, "192.0.2.7").drops, 3);
}

/* The address at one end of the prefix, or the one beyond that; false: there is none. */
static bool at_end(const struct rw_prefix *p, bool last, bool beyond, char text[INET6_ADDRSTRLEN])
{
	unsigned bytes = p->family == AF_INET ? 4 : 16;
	struct rw_prefix end = *p;

	for (unsigned i = p->plen; last && i < 8 * bytes; i++)
		end.addr[i / 8] |= (uint8_t)(0x80 >> (i % 8));
	for (unsigned i = bytes; beyond && i-- > 0;) {
		end.addr[i] = (uint8_t)(end.addr[i] + (last ? 1 : -1));
		if (end.addr[i] != (last ? 0x00 : 0xff))
			break;
		if (i == 0)
			return false;
	}
	assert_non_null(inet_ntop(p->family, end.addr, text, INET6_ADDRSTRLEN));
	return true;
}

static void expect_whole(struct rig *r, const char *address, unsigned plen)
{
	char text[INET6_ADDRSTRLEN];
	struct rw_prefix p = rig_prefix(address);

	p.plen = (uint8_t)plen;
	rw_prefix_mask(&p);
	assert_int_equal(rw_kern_deny(&r->k, &p, 0, DROP_ALL, RW_KERN_REASON_OPERATOR, NULL),
			 RW_OK);
	for (unsigned way = 0; way < 4; way++) {
		bool last = way & 1, beyond = way & 2;

		if (at_end(&p, last, beyond, text))
			rig_expect_from(r, text, ACK, beyond ? PASS : DENIED);
	}
	assert_int_equal(rw_kern_undeny(&r->k, &p, NULL), RW_OK);
	assert_int_equal(ban_count(r), 0);
}

/* Presence bits are kept by /16 and /24, and by /32 and /48: no length may fall between them. */
static void every_length_is_dropped_from_end_to_end(void **state)
{
	for (unsigned plen = 1; plen <= 32; plen++)
		expect_whole(*state, "93.181.109.214", plen);
	for (unsigned plen = 2; plen <= 128; plen++)
		expect_whole(*state, "2a5b:6db6:5b6d:b6db:6db6:db6d:5b6d:b6d5", plen);
}

static void other_ports_of_a_banned_source_pass(void **state)
{
	struct rig *r = *state;

	rig_ban(r, "192.0.2.7", DROP_ALL);
	rig_expect(r, &(struct packet_make){.src = "192.0.2.7", .port = 22}, RW_KERN_N_pass_other);
}

/* Whoever has one address of a /64 has them all. */
static void ipv6_source_is_its_64(void **state)
{
	struct rig *r = *state;
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct rw_prefix p;

	assert_int_equal(inet_pton(AF_INET6, "2001:db8:1:2:3:4:5:6", &in6.sin6_addr), 1);
	p = rw_prefix_of((struct sockaddr *)&in6);
	assert_int_equal(rw_kern_deny(&r->k, &p, 0, DROP_ALL, RW_KERN_REASON_STRIKES, NULL), RW_OK);
	rig_expect_from(r, "2001:db8:1:2:3:4:5:6", ACK, DENIED);
	rig_expect_from(r, "2001:db8:1:2:ffff::1", ACK, DENIED);
	rig_expect_from(r, "2001:db8:1:3::1", ACK, PASS);
	assert_int_equal(ban_of(r, "2001:db8:1:2::/64").reason, RW_KERN_REASON_STRIKES);
}

/* A dual-stack listener reports ::ffff:a.b.c.d, but the packet is IPv4. */
static void mapped_address_bans_ipv4(void **state)
{
	struct rig *r = *state;
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct rw_prefix p;

	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.7", &in6.sin6_addr), 1);
	p = rw_prefix_of((struct sockaddr *)&in6);
	assert_int_equal(rw_kern_deny(&r->k, &p, 0, DROP_ALL, RW_KERN_REASON_STRIKES, NULL), RW_OK);
	rig_expect_from(r, "192.0.2.7", ACK, DENIED);
}

/* The presence bits are by /16 and /32: shorter prefixes need many of them, longer ones share. */
static void every_prefix_length_covers_what_it_should(void **state)
{
	static const struct {
		const char *prefix, *first, *last, *before, *after;
	} cases[] = {
		{"10.0.0.0/8", "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"},
		{"10.32.0.0/11", "10.32.0.0", "10.63.255.255", "10.31.255.255", "10.64.0.0"},
		{"10.1.0.0/16", "10.1.0.0", "10.1.255.255", "10.0.255.255", "10.2.0.0"},
		{"10.1.128.0/17", "10.1.128.0", "10.1.255.255", "10.1.127.255", "10.2.0.0"},
		{"10.1.2.0/24", "10.1.2.0", "10.1.2.255", "10.1.1.255", "10.1.3.0"},
		{"10.1.2.4/31", "10.1.2.4", "10.1.2.5", "10.1.2.3", "10.1.2.6"},
		{"2001:db8::/29", "2001:db8::", "2001:dbf:ffff::1", "2001:db7:ffff::1",
		 "2001:dc0::"},
		{"2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff::1", "2001:db7:ffff::1",
		 "2001:db9::"},
		{"2001:db8:1::/48", "2001:db8:1::", "2001:db8:1:ffff::1", "2001:db8:0:ffff::1",
		 "2001:db8:2::"},
		{"2001:db8:1:200::/56", "2001:db8:1:200::", "2001:db8:1:2ff::1",
		 "2001:db8:1:1ff::1", "2001:db8:1:300::"},
		{"2001:db8:1:2:8000::/65", "2001:db8:1:2:8000::", "2001:db8:1:2:ffff::1",
		 "2001:db8:1:2:7fff::1", "2001:db8:1:3::"},
		{"2001:db8::7/128", "2001:db8::7", "2001:db8::7", "2001:db8::6", "2001:db8::8"},
	};
	struct rig *r = *state;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_reset(r);
		rig_ban(r, cases[i].prefix, DROP_ALL);
		rig_expect_from(r, cases[i].first, ACK, DENIED);
		rig_expect_from(r, cases[i].last, ACK, DENIED);
		rig_expect_from(r, cases[i].before, ACK, PASS);
		rig_expect_from(r, cases[i].after, ACK, PASS);
	}
}

/* What makes honest packets cheap; and why an entry by hand needs `deny list` afterwards. */
static void source_with_a_clear_bit_is_not_looked_up(void **state)
{
	static const char *const sources[] = {"192.0.2.7", "2001:db8::7"};
	static const char *const bans[] = {"192.0.2.7", "2001:db8::/64"};
	struct rig *r = *state;

	for (unsigned i = 0; i < 2; i++) {
		rig_ban(r, bans[i], DROP_ALL);
		rig_expect_from(r, sources[i], ACK, DENIED);
	}
	memset(r->k.bits->deny4, 0, sizeof(r->k.bits->deny4));
	memset(r->k.bits->deny6, 0, sizeof(r->k.bits->deny6));
	for (unsigned i = 0; i < 2; i++)
		rig_expect_from(r, sources[i], ACK, PASS);
	assert_int_equal(ban_count(r), 2);
	for (unsigned i = 0; i < 2; i++)
		rig_expect_from(r, sources[i], ACK, DENIED);
}

static void whole_internet_can_be_banned(void **state)
{
	struct rig *r = *state;

	rig_ban(r, "0.0.0.0/0", DROP_ALL);
	rig_expect_from(r, "255.1.2.3", ACK, DENIED);
	rig_expect_from(r, "2001:db8::1", ACK, PASS);
	rig_ban(r, "::/0", DROP_ALL);
	rig_expect_from(r, "2001:db8::1", ACK, DENIED);
}

/* What is open may finish; nothing new begins. */
static void drop_syn_drops_syns_only(void **state)
{
	struct rig *r = *state;

	rig_ban(r, "192.0.2.7", DROP_SYN);
	rig_expect_from(r, "192.0.2.7", SYN, NO_SYN);
	rig_expect_from(r, "192.0.2.7", SYN | ECE | CWR, NO_SYN);
	rig_expect_from(r, "192.0.2.7", ACK, PASS);
	rig_expect_from(r, "192.0.2.7", FIN | ACK, PASS);
	rig_expect_from(r, "192.0.2.7", SYN | ACK, PASS);
	assert_int_equal(ban_of(r, "192.0.2.7").drops, 2);
}

/* A mild ban of an address must not soften the operator's ban of its network, nor the reverse. */
static void strictest_of_several_bans_counts(void **state)
{
	struct rig *r = *state;

	rig_ban(r, "10.0.0.0/8", DROP_ALL);
	rig_ban(r, "10.1.2.3", LIMIT);
	rig_ban(r, "10.1.0.0/16", DROP_SYN);
	rig_expect_from(r, "10.1.2.3", ACK, DENIED);
	rig_expect_from(r, "10.1.9.9", ACK, DENIED);
	rig_ban(r, "10.0.0.0/8", LIMIT);
	rig_expect_from(r, "10.1.2.3", SYN, NO_SYN);
	rig_expect_from(r, "10.1.2.3", ACK, PASS);
}

/* The engine may be dead: nobody removes the entry, and the source is free all the same. */
static void expired_ban_does_nothing(void **state)
{
	struct rig *r = *state;
	struct rw_kern_stats before;

	ban_expired(r, "192.0.2.7");
	before = rig_counters(r);
	rig_expect_from(r, "192.0.2.7", SYN, PASS);
	assert_int_equal(rig_counters(r).ban_expired, before.ban_expired + 1);
}

static void expired_ban_does_not_hide_a_live_one(void **state)
{
	struct rig *r = *state;

	rig_ban(r, "192.0.2.0/24", DROP_SYN);
	ban_expired(r, "192.0.2.7");
	rig_expect_from(r, "192.0.2.7", SYN, NO_SYN);
}

static void listing_removes_what_expired_and_nothing_else(void **state)
{
	struct rig *r = *state;
	struct rw_kern_key4 key = {.plen = 32, .addr = {192, 0, 2, 7}};
	struct rw_kern_ban ban;

	rig_ban(r, "192.0.2.8", DROP_ALL);
	ban_expired(r, "192.0.2.7");
	assert_int_equal(ban_count(r), 1);
	assert_int_equal(bpf_map_lookup_elem(r->k.fd[RW_MAP_DENY4], &key, &ban), -ENOENT);
	rig_expect_from(r, "192.0.2.8", ACK, DENIED);
}

static void second_ban_replaces_the_first(void **state)
{
	struct rig *r = *state;
	struct rw_prefix p = rig_prefix("192.0.2.7");

	rig_ban(r, "192.0.2.7", DROP_ALL);
	rig_expect_from(r, "192.0.2.7", ACK, DENIED);
	assert_int_equal(ban_of(r, "192.0.2.7").left_ns, UINT64_MAX);
	assert_int_equal(
		rw_kern_deny(&r->k, &p, 3600000000000, DROP_SYN, RW_KERN_REASON_OPERATOR, NULL),
		RW_OK);
	rig_expect_from(r, "192.0.2.7", ACK, PASS);
	assert_in_range(ban_of(r, "192.0.2.7").left_ns, 1, 3600000000000);
	assert_int_equal(ban_of(r, "192.0.2.7").verdict, DROP_SYN);
	assert_int_equal(ban_of(r, "192.0.2.7").drops, 0);
	assert_int_equal(ban_count(r), 1);
}

/* now + ttl overflowed: a very long ban would have been over at once. */
static void endless_ttl_does_not_wrap(void **state)
{
	struct rig *r = *state;
	struct rw_prefix p = rig_prefix("192.0.2.7");

	assert_int_equal(
		rw_kern_deny(&r->k, &p, UINT64_MAX, DROP_ALL, RW_KERN_REASON_STRIKES, NULL), RW_OK);
	rig_expect_from(r, "192.0.2.7", ACK, DENIED);
}

static void lifted_ban_is_gone_and_others_stay(void **state)
{
	struct rig *r = *state;
	struct rw_prefix p = rig_prefix("192.0.2.7");
	struct rw_error e = {0};

	rig_ban(r, "192.0.2.7", DROP_ALL);
	rig_ban(r, "192.0.2.8", DROP_ALL);
	assert_int_equal(rw_kern_undeny(&r->k, &p, NULL), RW_OK);
	rig_expect_from(r, "192.0.2.7", ACK, PASS);
	rig_expect_from(r, "192.0.2.8", ACK, DENIED);
	assert_int_equal(rw_kern_undeny(&r->k, &p, &e), RW_ENOTFOUND);
	assert_non_null(strstr(e.text, "192.0.2.7/32"));
}

/* Bits that nothing needs cost every honest packet of that /16 a look-up for ever. */
static void listing_clears_the_bits_of_lifted_bans(void **state)
{
	struct rig *r = *state;
	static const struct rw_kern_bits none;
	struct rw_prefix p;

	rig_ban(r, "10.0.0.0/8", DROP_ALL);
	rig_ban(r, "2001:db8::/29", DROP_ALL);
	rig_allow(r, "192.0.2.0/24");
	assert_memory_not_equal(r->k.bits, &none, sizeof(none));
	p = rig_prefix("10.0.0.0/8");
	assert_int_equal(rw_kern_undeny(&r->k, &p, NULL), RW_OK);
	p = rig_prefix("2001:db8::/29");
	assert_int_equal(rw_kern_undeny(&r->k, &p, NULL), RW_OK);
	p = rig_prefix("192.0.2.0/24");
	assert_int_equal(rw_kern_allow(&r->k, &p, false, NULL), RW_OK);
	assert_int_equal(ban_count(r), 0);
	assert_memory_equal(r->k.bits, &none, sizeof(none));
}

static void clearing_bits_keeps_every_ban_in_force(void **state)
{
	static const char *const stay[] = {"10.1.2.3", "10.1.3.0/24", "11.0.0.0/8", "2001:db8::/32",
					   "2001:db9:1:2::/64"};
	static const char *const hit[] = {"10.1.2.3", "10.1.3.9", "11.200.0.1", "2001:db8:7::1",
					  "2001:db9:1:2::9"};
	struct rig *r = *state;
	struct rw_prefix p = rig_prefix("10.1.0.0/16");

	rig_ban(r, "10.1.0.0/16", DROP_ALL);
	for (unsigned i = 0; i < 5; i++)
		rig_ban(r, stay[i], DROP_ALL);
	rig_allow(r, "10.1.7.7");
	assert_int_equal(rw_kern_undeny(&r->k, &p, NULL), RW_OK);
	assert_int_equal(ban_count(r), 5);
	for (unsigned i = 0; i < 5; i++)
		rig_expect_from(r, hit[i], ACK, DENIED);
	rig_expect_from(r, "10.1.7.7", ACK, ALLOWED);
	rig_expect_from(r, "10.1.9.9", ACK, PASS);
}

static void allowed_sources_pass_before_bans(void **state)
{
	struct rig *r = *state;

	rig_ban(r, "192.0.2.0/24", DROP_ALL);
	rig_ban(r, "2001:db8::/32", DROP_ALL);
	rig_allow(r, "192.0.2.7");
	rig_allow(r, "192.0.2.64/26");
	rig_allow(r, "2001:db8:0:1::/64");
	rig_allow(r, "2001:db8::9");
	rig_expect_from(r, "192.0.2.7", SYN, ALLOWED);
	rig_expect_from(r, "192.0.2.65", ACK, ALLOWED);
	rig_expect_from(r, "192.0.2.127", ACK, ALLOWED);
	rig_expect_from(r, "2001:db8:0:1:5::1", ACK, ALLOWED);
	rig_expect_from(r, "2001:db8::9", ACK, ALLOWED);
	rig_expect_from(r, "192.0.2.8", ACK, DENIED);
	rig_expect_from(r, "192.0.2.128", ACK, DENIED);
	rig_expect_from(r, "2001:db8:0:2::1", ACK, DENIED);
	rig_expect_from(r, "2001:db8::8", ACK, DENIED);
}

static void allowed_sources_still_need_sane_headers(void **state)
{
	struct rig *r = *state;

	rig_allow(r, "192.0.2.0/24");
	rig_expect(r, &(struct packet_make){.frag = 0x2000, .payload = 36},
		   RW_KERN_N_drop_fragment);
}

static void forgotten_allowance_is_gone(void **state)
{
	struct rig *r = *state;
	struct rw_prefix p = rig_prefix("192.0.2.7"), net = rig_prefix("192.0.2.0/24");

	rig_allow(r, "192.0.2.7");
	assert_int_equal(rw_kern_allow(&r->k, &p, false, NULL), RW_OK);
	rig_expect_from(r, "192.0.2.7", ACK, PASS);
	assert_int_equal(rw_kern_allow(&r->k, &p, false, NULL), RW_ENOTFOUND);
	assert_int_equal(rw_kern_allow(&r->k, &net, false, NULL), RW_ENOTFOUND);
}

/* Strikes must never lock the operator out: what is allowlisted is not banned, and it is said. */
static void ban_of_what_is_allowlisted_is_refused(void **state)
{
	static const char *const refused[] = {"192.0.2.7", "198.51.100.9", "198.51.100.0/25",
					      "198.51.100.0/24", "2001:db8:1::/64"};
	static const char *const taken[] = {"192.0.2.6", "198.51.0.0/16", "2001:db8::/32"};
	struct rig *r = *state;
	struct rw_error e = {0};

	rig_allow(r, "192.0.2.7");
	rig_allow(r, "198.51.100.0/24");
	rig_allow(r, "2001:db8:1::/48");
	for (unsigned i = 0; i < 5; i++) {
		struct rw_prefix p = rig_prefix(refused[i]);

		assert_int_equal(rw_kern_deny(&r->k, &p, 0, DROP_ALL, RW_KERN_REASON_OPERATOR, &e),
				 RW_EPERM);
		assert_non_null(strstr(e.text, "allowlisted"));
		assert_int_equal(rw_kern_deny(&r->k, &p, 0, DROP_ALL, RW_KERN_REASON_STRIKES, &e),
				 RW_EEXIST);
		assert_non_null(strstr(e.text, "allowlisted"));
	}
	for (unsigned i = 0; i < 3; i++)
		rig_ban(r, taken[i], DROP_ALL);
}

static void allowlist_is_listed(void **state)
{
	struct rig *r = *state;
	struct rw_prefix *list;
	char text[64];
	unsigned n;

	rig_allow(r, "192.0.2.7");
	rig_allow(r, "2001:db8:1::/48");
	assert_int_equal(rw_kern_allows(&r->k, &list, &n, NULL), RW_OK);
	assert_int_equal(n, 2);
	assert_string_equal(rw_prefix_text(&list[0], text), "192.0.2.7/32");
	assert_string_equal(rw_prefix_text(&list[1], text), "2001:db8:1::/48");
	free(list);
}

static void shadow_mode_counts_bans_and_drops_nothing(void **state)
{
	struct rig *r = *state;

	r->cfg.shadow = 1;
	rig_config(r);
	rig_ban(r, "192.0.2.7", DROP_ALL);
	rig_ban(r, "192.0.2.8", DROP_SYN);
	rig_expect_from(r, "192.0.2.7", ACK, RW_KERN_N_would_drop_denied);
	rig_expect_from(r, "192.0.2.8", SYN, RW_KERN_N_would_drop_denied_syn);
	rig_expect_from(r, "192.0.2.8", ACK, PASS);
}

/* Who may only read sees the bans, without those that are over, and changes nothing. */
static void reader_cannot_ban(void **state)
{
	struct rig *r = *state;
	struct rw_prefix p = rig_prefix("192.0.2.9");
	struct rw_kern_key4 key = {.plen = 32, .addr = {192, 0, 2, 7}};
	struct rw_kern_ban ban;
	struct rw_error e = {0};

	rig_ban(r, "192.0.2.8", DROP_ALL);
	ban_expired(r, "192.0.2.7");
	r->k.read_only = true;
	assert_int_equal(rw_kern_deny(&r->k, &p, 0, DROP_ALL, RW_KERN_REASON_OPERATOR, &e),
			 RW_EPERM);
	assert_non_null(strstr(e.text, "not allowed"));
	assert_int_equal(ban_count(r), 1);
	assert_int_equal(bpf_map_lookup_elem(r->k.fd[RW_MAP_DENY4], &key, &ban), 0);
}

/* A full table refuses new bans and says so; it never forgets old ones, and expired ones give way.
 */
static void full_table_keeps_what_it_has(void **state)
{
	struct rig *r = *state;
	struct rw_prefix p = rig_prefix("10.0.0.0"), extra = rig_prefix("192.0.2.7");
	struct rw_error e = {0};
	unsigned lost = 0;

	for (uint32_t i = 0; i < RW_KERN_BANS; i++) {
		struct rw_kern_key4 key = {
			.plen = 32,
			.addr = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
		struct rw_kern_ban ban = {.verdict = DROP_ALL, .reason = RW_KERN_REASON_STRIKES};

		if (bpf_map_update_elem(r->k.fd[RW_MAP_DENY4], &key, &ban, BPF_NOEXIST))
			lost++;
	}
	assert_int_equal(lost, 0);
	assert_int_equal(rw_kern_deny(&r->k, &extra, 0, DROP_ALL, RW_KERN_REASON_STRIKES, &e),
			 RW_ELIMIT);
	assert_non_null(strstr(e.text, "131072 bans"));
	assert_int_equal(ban_count(r), RW_KERN_BANS);
	/* renewing one of them is no new one; once it is over, there is room */
	assert_int_equal(rw_kern_deny(&r->k, &p, 1, DROP_ALL, RW_KERN_REASON_STRIKES, &e), RW_OK);
	assert_int_equal(rw_kern_deny(&r->k, &extra, 0, DROP_ALL, RW_KERN_REASON_STRIKES, &e),
			 RW_OK);
	rig_expect_from(r, "192.0.2.7", ACK, DENIED);
	rig_expect_from(r, "10.0.0.1", ACK, DENIED);
	rig_expect_from(r, "10.0.0.0", ACK, PASS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(address_is_dropped_and_its_neighbour_is_not),
		RIG_TEST(every_length_is_dropped_from_end_to_end),
		RIG_TEST(other_ports_of_a_banned_source_pass),
		RIG_TEST(ipv6_source_is_its_64),
		RIG_TEST(mapped_address_bans_ipv4),
		RIG_TEST(every_prefix_length_covers_what_it_should),
		RIG_TEST(source_with_a_clear_bit_is_not_looked_up),
		RIG_TEST(whole_internet_can_be_banned),
		RIG_TEST(drop_syn_drops_syns_only),
		RIG_TEST(strictest_of_several_bans_counts),
		RIG_TEST(expired_ban_does_nothing),
		RIG_TEST(expired_ban_does_not_hide_a_live_one),
		RIG_TEST(listing_removes_what_expired_and_nothing_else),
		RIG_TEST(second_ban_replaces_the_first),
		RIG_TEST(endless_ttl_does_not_wrap),
		RIG_TEST(lifted_ban_is_gone_and_others_stay),
		RIG_TEST(listing_clears_the_bits_of_lifted_bans),
		RIG_TEST(clearing_bits_keeps_every_ban_in_force),
		RIG_TEST(allowed_sources_pass_before_bans),
		RIG_TEST(allowed_sources_still_need_sane_headers),
		RIG_TEST(forgotten_allowance_is_gone),
		RIG_TEST(ban_of_what_is_allowlisted_is_refused),
		RIG_TEST(allowlist_is_listed),
		RIG_TEST(shadow_mode_counts_bans_and_drops_nothing),
		RIG_TEST(reader_cannot_ban),
		RIG_TEST(full_table_keeps_what_it_has),
	};

	return rig_run_group("bans", tests);
}
