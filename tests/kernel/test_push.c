/* SPDX-License-Identifier: Apache-2.0 */
/* Bans entered together, as the engine does: each is carried out or refused by itself. */
#include "kernel/rig.h"

#include <stdlib.h>
#include <sys/socket.h>

#define DENIED	 RW_KERN_N_drop_denied
#define PASS	 RW_KERN_N_pass
#define DROP_ALL RW_KERN_VERDICT_DROP_ALL
#define DROP_SYN RW_KERN_VERDICT_DROP_SYN
#define STRIKES	 RW_KERN_REASON_STRIKES

struct outcome {
	int rc;
	unsigned calls;
	struct rw_error e;
};

static void on_done(const struct rw_ban_order *o, int rc, const struct rw_error *e)
{
	struct outcome *to = o->user;

	to->rc = rc;
	to->calls++;
	if (rc)
		to->e = *e;
}

static struct rw_ban_order order(const char *prefix, struct outcome *to)
{
	return (struct rw_ban_order){.prefix = rig_prefix(prefix),
				     .ttl_ns = 600000000000,
				     .verdict = DROP_ALL,
				     .reason = STRIKES,
				     .user = to};
}

static void one_that_is_refused_does_not_keep_the_others_out(void **state)
{
	struct rig *r = *state;
	struct outcome o[4] = {0};
	struct rw_ban_order orders[] = {
		order("192.0.2.7", &o[0]),
		order("192.0.2.8", &o[1]),
		order("2001:db8:1:2::/64", &o[2]),
		order("2001:db8:1:3::/64", &o[3]),
	};

	rig_allow(r, "192.0.2.8");
	rig_allow(r, "2001:db8:1:2::/64");
	rw_kern_deny_all(&r->k, orders, 4, on_done);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(o[i].calls, 1);
	assert_int_equal(o[0].rc, RW_OK);
	assert_int_equal(o[1].rc, RW_EEXIST);
	assert_non_null(strstr(o[1].e.text, "192.0.2.8/32 is allowlisted"));
	assert_int_equal(o[2].rc, RW_EEXIST);
	assert_non_null(strstr(o[2].e.text, "2001:db8:1:2::/64 is allowlisted"));
	assert_int_equal(o[3].rc, RW_OK);
	rig_expect_from(r, "192.0.2.7", ACK, DENIED);
	rig_expect_from(r, "192.0.2.8", ACK, RW_KERN_N_pass_allowed);
	rig_expect_from(r, "2001:db8:1:2::1", ACK, RW_KERN_N_pass_allowed);
	rig_expect_from(r, "2001:db8:1:3::1", ACK, DENIED);
}

static void whole_batch_is_entered(void **state)
{
	struct rw_ban_order orders[RW_BAN_BATCH];
	struct outcome o[RW_BAN_BATCH] = {0};
	struct rig *r = *state;
	char text[64];

	for (unsigned i = 0; i < RW_BAN_BATCH; i++) {
		snprintf(text, sizeof(text), i % 2 ? "2001:db8:%x::/64" : "198.51.100.%u", i);
		orders[i] = order(text, &o[i]);
	}
	rw_kern_deny_all(&r->k, orders, RW_BAN_BATCH, on_done);
	for (unsigned i = 0; i < RW_BAN_BATCH; i++) {
		assert_int_equal(o[i].rc, RW_OK);
		snprintf(text, sizeof(text), i % 2 ? "2001:db8:%x::9" : "198.51.100.%u", i);
		rig_expect_from(r, text, ACK, DENIED);
	}
}

/* An operator's ban for ever became the engine's for a minute. */
static void strike_leaves_the_operators_ban_alone(void **state)
{
	struct outcome mine = {0}, other = {0};
	struct rig *r = *state;
	struct rw_ban_order orders[] = {order("192.0.2.7", &mine), order("192.0.2.8", &other)};
	struct rw_ban *bans;
	unsigned n;

	rig_ban(r, "192.0.2.7", DROP_SYN);
	rw_kern_deny_all(&r->k, orders, 2, on_done);
	assert_int_equal(mine.rc, RW_EEXIST);
	assert_int_equal(other.rc, RW_OK);
	rig_expect_from(r, "192.0.2.7", ACK, PASS);
	assert_int_equal(rw_kern_bans(&r->k, &bans, &n, NULL), RW_OK);
	assert_int_equal(n, 2);
	for (unsigned i = 0; i < n; i++)
		assert_true((bans[i].reason == RW_KERN_REASON_OPERATOR) ==
			    (bans[i].left_ns == UINT64_MAX));
	free(bans);
}

/* Once it is over it is nobody's. */
static void operators_ban_that_is_over_makes_way(void **state)
{
	struct rw_kern_ban over = {
		.expires_ns = 1, .verdict = DROP_ALL, .reason = RW_KERN_REASON_OPERATOR};
	struct rw_kern_key4 key = {.plen = 32, .addr = {192, 0, 2, 7}};
	struct outcome o = {0};
	struct rw_ban_order one = order("192.0.2.7", &o);
	struct rig *r = *state;

	assert_int_equal(bpf_map_update_elem(r->k.fd[RW_MAP_DENY4], &key, &over, BPF_ANY), 0);
	rw_kern_deny_all(&r->k, &one, 1, on_done);
	assert_int_equal(o.rc, RW_OK);
	rig_expect_from(r, "192.0.2.7", ACK, DENIED);
}

/* The table has room for some of a batch: what fits is in, the rest is told, nothing else is lost.
 */
static void batch_that_does_not_fit_is_entered_as_far_as_it_does(void **state)
{
	struct rw_kern_ban ban = {.verdict = DROP_ALL, .reason = STRIKES};
	struct outcome o[4] = {0};
	struct rw_ban_order orders[] = {order("192.0.2.1", &o[0]), order("192.0.2.2", &o[1]),
					order("192.0.2.3", &o[2]), order("192.0.2.4", &o[3])};
	struct rig *r = *state;
	unsigned in = 0;

	for (uint32_t i = 0; i < RW_KERN_BANS - 2; i++) {
		struct rw_kern_key4 key = {
			.plen = 32,
			.addr = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};

		assert_int_equal(
			bpf_map_update_elem(r->k.fd[RW_MAP_DENY4], &key, &ban, BPF_NOEXIST), 0);
	}
	rw_kern_deny_all(&r->k, orders, 4, on_done);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(o[i].calls, 1);
		assert_true(o[i].rc == RW_OK || o[i].rc == RW_ELIMIT);
		in += o[i].rc == RW_OK;
	}
	assert_int_equal(in, 2);
	rig_expect_from(r, "10.0.0.9", ACK, DENIED);
}

static void since_is_when_the_verdict_fell(void **state)
{
	struct outcome o = {0};
	struct rw_ban_order one = order("192.0.2.7", &o);
	struct rig *r = *state;
	struct rw_ban *bans;
	unsigned n;

	one.since_ns = rw_kern_now_ns() - 5000000;
	rw_kern_deny_all(&r->k, &one, 1, on_done);
	rig_expect_from(r, "192.0.2.7", ACK, DENIED);
	assert_int_equal(rw_kern_bans(&r->k, &bans, &n, NULL), RW_OK);
	assert_int_equal(n, 1);
	assert_int_equal(bans[0].since_ns, one.since_ns);
	assert_in_range(bans[0].told_ns, one.since_ns + 5000000, rw_kern_now_ns());
	free(bans);
}

static void who_may_not_ban_is_told_for_each(void **state)
{
	struct outcome o[2] = {0};
	struct rw_ban_order orders[] = {order("192.0.2.1", &o[0]), order("192.0.2.2", &o[1])};
	struct rig *r = *state;

	r->k.read_only = true;
	rw_kern_deny_all(&r->k, orders, 2, on_done);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(o[i].rc, RW_EPERM);
		assert_non_null(strstr(o[i].e.text, "--group"));
	}
	rig_expect_from(r, "192.0.2.1", ACK, PASS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(one_that_is_refused_does_not_keep_the_others_out),
		RIG_TEST(whole_batch_is_entered),
		RIG_TEST(strike_leaves_the_operators_ban_alone),
		RIG_TEST(operators_ban_that_is_over_makes_way),
		RIG_TEST(batch_that_does_not_fit_is_entered_as_far_as_it_does),
		RIG_TEST(since_is_when_the_verdict_fell),
		RIG_TEST(who_may_not_ban_is_told_for_each),
	};

	return rig_run_group("bans together", tests);
}
