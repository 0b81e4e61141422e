/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * rw_steer: which worker gets a new connection. Of two taken at random the less busy one, because
 * streams live for minutes and a hash of addresses knows nothing of that.
 *
 * Attached by a gateway to its own listeners. Being a migrate program, it is also asked where the
 * half-open and unaccepted connections of a listener go that is closed, so that a gateway can be
 * replaced without a reset. Where it knows no answer the kernel's hash decides.
 */
#include <vmlinux.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ringwall/kern_abi.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { AF_INET = 2 };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RW_KERN_LISTENING);
	__type(key, struct rw_kern_listener);
	__type(value, struct rw_kern_turn);
} rw_listen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY);
	__uint(max_entries, RW_KERN_SOCKETS);
	__type(key, __u32);
	__type(value, __u64); /* so that it can be read: the socket's cookie */
} rw_sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, RW_KERN_CELLS);
	__type(key, __u32);
	__type(value, struct rw_kern_load);
} rw_load SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RW_KERN_CELLS);
	__type(key, __u32);
	__type(value, struct rw_kern_pick);
} rw_pick SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rw_kern_steer_stats);
} rw_steer_stats SEC(".maps");

/*
 * The address of a listener. One that is closed for good has no port any more, but the connection
 * that it leaves behind has. volatile: else the compiler picks what to read by arithmetic on the
 * pointer, which is not allowed here.
 */
static __always_inline struct rw_kern_turn *turn_of(const volatile struct bpf_sock *sk,
						    const struct bpf_sock *left)
{
	struct rw_kern_listener key = {.port = left ? left->src_port : sk->src_port};
	__u32 *addr = (__u32 *)key.addr, ip4 = sk->src_ip4;

	addr[0] = sk->src_ip6[0];
	addr[1] = sk->src_ip6[1];
	addr[2] = sk->src_ip6[2];
	addr[3] = sk->src_ip6[3];
	if (sk->family == AF_INET) {
		addr[0] = addr[1] = 0;
		addr[2] = bpf_htonl(0xffff);
		addr[3] = ip4;
	}
	return bpf_map_lookup_elem(&rw_listen, &key);
}

/* What the worker was given in this window and has not accepted yet. */
static __always_inline __u32 coming(const struct rw_kern_load *load,
				    const struct rw_kern_pick *pick, __u64 window)
{
	__s32 n = pick->recent - (load->accepted - pick->accepted);

	return pick->window == window && n > 0 ? n : 0;
}

/*
 * What the worker says, and what it cannot say before it accepts: a burst would all go to whoever
 * was idle before it. Only lately, because many a SYN is never followed by anything.
 */
static __always_inline __u64 busy(__u32 cell, __u64 window)
{
	const struct rw_kern_load *load = bpf_map_lookup_elem(&rw_load, &cell);
	const struct rw_kern_pick *pick = bpf_map_lookup_elem(&rw_pick, &cell);

	if (!load || !pick)
		return ~0ULL;
	return (__u64)load->connections + load->requests + coming(load, pick, window);
}

/* Two CPUs that meet where the window turns may lose a few of its first: it is an estimate. */
static __always_inline void note(__u32 cell, __u64 window)
{
	const struct rw_kern_load *load = bpf_map_lookup_elem(&rw_load, &cell);
	struct rw_kern_pick *pick = bpf_map_lookup_elem(&rw_pick, &cell);

	if (!load || !pick)
		return;
	if (pick->window != window) {
		pick->window = window;
		pick->accepted = load->accepted;
		pick->recent = 0;
	}
	__sync_fetch_and_add(&pick->recent, 1);
	__sync_fetch_and_add(&pick->chosen, 1);
}

/* Fails where the slot is empty: that worker's listener is closed. */
static __always_inline bool give(struct sk_reuseport_md *md, const struct rw_kern_turn *turn,
				 __u32 worker)
{
	__u32 slot = rw_kern_socket(turn->seat, turn->listener, worker);

	return !bpf_sk_select_reuseport(md, &rw_sockets, &slot, 0);
}

static __always_inline bool choose(struct sk_reuseport_md *md, const struct rw_kern_turn *turn,
				   __u32 n)
{
	__u64 window = bpf_ktime_get_coarse_ns() >> RW_KERN_WINDOW_SHIFT;
	__u32 random = bpf_get_prandom_u32();
	__u32 one = (random & 0xffff) % n;
	__u32 other = (one + 1 + (random >> 16) % (n - 1)) % n;

	if (busy(rw_kern_cell(turn->seat, other), window) <
	    busy(rw_kern_cell(turn->seat, one), window)) {
		__u32 swap = one;

		one = other;
		other = swap;
	}
	if (!give(md, turn, one)) {
		if (!give(md, turn, other))
			return false;
		one = other;
	}
	note(rw_kern_cell(turn->seat, one), window);
	return true;
}

static __always_inline bool steer(struct sk_reuseport_md *md)
{
	const struct rw_kern_turn *turn = turn_of(md->sk, md->migrating_sk);

	if (!turn || !turn->workers)
		return false;
	return turn->workers == 1 ? give(md, turn, 0) : choose(md, turn, turn->workers);
}

SEC("sk_reuseport/migrate")
int rw_steer(struct sk_reuseport_md *md)
{
	__u32 zero = 0;
	struct rw_kern_steer_stats *stats = bpf_map_lookup_elem(&rw_steer_stats, &zero);
	bool steered = steer(md);

	if (!stats)
		return SK_PASS;
	if (!steered)
		stats->steer_fallback++;
	else if (md->migrating_sk)
		stats->steer_migrated++;
	else
		stats->steer_chosen++;
	return SK_PASS;
}
