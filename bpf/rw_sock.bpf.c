/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * rw_sock: how many connections each source has open, and how far away it is.
 *
 * Attached to a cgroup, it is called by the sockets that were accepted there, at protected ports.
 * It changes nothing about a connection. Counts are atomic, and exact as long as the source's entry
 * stays; that it was evicted is noticed by the number that an entry is born with. The one thing
 * accepted is an entry that is evicted and given to another source between a look-up and the
 * instruction after it.
 */
#include <vmlinux.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ringwall/kern_abi.h"

#include "cfg.h"
#include "scope.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum { AF_INET = 2 };

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, RW_KERN_CONNS);
	__type(key, struct rw_kern_key);
	__type(value, struct rw_kern_conn);
} rw_conn SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct rw_kern_conn_sk);
} rw_conn_sk SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rw_kern_sock_stats);
} rw_sock_stats SEC(".maps");

/* The peer as a source: an IPv4 address, also where an IPv6 socket met it, or an IPv6 /64. */
static __always_inline void source_of(const volatile struct bpf_sock_ops *ctx,
				      struct rw_kern_key *key)
{
	__u32 *addr = (__u32 *)key->addr;
	__u32 ip4 = ctx->remote_ip4;

	addr[0] = ctx->remote_ip6[0];
	addr[1] = ctx->remote_ip6[1];
	addr[2] = ctx->remote_ip6[2];
	addr[3] = ctx->remote_ip6[3];
	key->plen = 128;
	if (ctx->family == AF_INET) {
		addr[0] = addr[1] = 0;
		addr[2] = bpf_htonl(0xffff);
		addr[3] = ip4;
	} else if (addr[0] || addr[1] || addr[2] != bpf_htonl(0xffff)) {
		addr[2] = addr[3] = 0;
		key->plen = 64;
	}
}

/* The source's entry, made if need be; NULL: there is no memory. */
static __always_inline struct rw_kern_conn *entry_of(const struct rw_kern_key *key)
{
	struct rw_kern_conn *conn = bpf_map_lookup_elem(&rw_conn, key);
	struct rw_kern_conn fresh = {};

	if (conn)
		return conn;
	fresh.born = bpf_get_prandom_u32() | 1;
	/* Another CPU may have been quicker: its entry is as good. */
	bpf_map_update_elem(&rw_conn, key, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&rw_conn, key);
}

static __always_inline struct rw_kern_conn *join(const struct rw_kern_key *key,
						 struct rw_kern_conn_sk *sk,
						 struct rw_kern_sock_stats *stats)
{
	struct rw_kern_conn *conn = entry_of(key);

	if (!conn) {
		stats->sock_untracked++;
		sk->born = 0;
		return NULL;
	}
	sk->born = __sync_fetch_and_add((__u64 *)&conn->open, 1) >> 32;
	return conn;
}

/* The entry that counts the connection; NULL: it was evicted, whatever is there now. */
static __always_inline struct rw_kern_conn *joined(const struct rw_kern_key *key,
						   const struct rw_kern_conn_sk *sk)
{
	struct rw_kern_conn *conn = bpf_map_lookup_elem(&rw_conn, key);

	return conn && conn->born == sk->born ? conn : NULL;
}

/* Two connections of one source that meet here may lose one of two measurements. */
static __always_inline void note_rtt(struct rw_kern_conn *conn, __u32 srtt_us)
{
	if (!srtt_us)
		return;
	conn->srtt_us_last = srtt_us;
	if (!conn->srtt_us_min || srtt_us < conn->srtt_us_min)
		conn->srtt_us_min = srtt_us;
}

static __always_inline void on_open(struct bpf_sock_ops *ctx, struct bpf_sock *sock,
				    struct rw_kern_sock_stats *stats)
{
	struct rw_kern_conn_sk *sk = bpf_sk_storage_get(&rw_conn_sk, sock, NULL,
							BPF_SK_STORAGE_GET_F_CREATE);
	struct rw_kern_conn *conn;
	struct rw_kern_key key;

	if (!sk) {
		stats->sock_untracked++;
		return;
	}
	stats->sock_opened++;
	source_of(ctx, &key);
	conn = join(&key, sk, stats);
	if (!conn)
		return;
	__sync_fetch_and_add(&conn->opened, 1);
	note_rtt(conn, ctx->srtt_us >> 3);
}

/* Once in a while: it is called for every acknowledgement. */
static __always_inline void on_rtt(struct bpf_sock_ops *ctx, struct bpf_sock *sock,
				   struct rw_kern_sock_stats *stats)
{
	struct rw_kern_conn_sk *sk = bpf_sk_storage_get(&rw_conn_sk, sock, NULL, 0);
	__u32 window = bpf_ktime_get_ns() >> RW_KERN_RTT_SHIFT;
	struct rw_kern_conn *conn;
	struct rw_kern_key key;

	if (!sk || sk->window == window)
		return;
	sk->window = window;
	source_of(ctx, &key);
	conn = joined(&key, sk);
	if (!conn) {
		stats->sock_evicted += sk->born != 0;
		conn = join(&key, sk, stats);
	}
	if (conn)
		note_rtt(conn, ctx->srtt_us >> 3);
}

static __always_inline void on_close(struct bpf_sock_ops *ctx, struct bpf_sock *sock,
				     struct rw_kern_sock_stats *stats)
{
	struct rw_kern_conn_sk *sk = bpf_sk_storage_get(&rw_conn_sk, sock, NULL, 0);
	struct rw_kern_conn *conn;
	struct rw_kern_key key;

	if (!sk)
		return;
	stats->sock_closed++;
	source_of(ctx, &key);
	conn = joined(&key, sk);
	if (conn) {
		__sync_fetch_and_add((__u64 *)&conn->open, -1);
		__sync_fetch_and_add(&conn->closed, 1);
		note_rtt(conn, ctx->srtt_us >> 3);
	} else if (sk->born) {
		stats->sock_evicted++;
	}
	/* Whatever state follows, it is over once. */
	bpf_sk_storage_delete(&rw_conn_sk, sock);
}

/* Only from here on the socket calls us. It is not established yet: TCP fast open comes earlier. */
static __always_inline void on_accept(struct bpf_sock_ops *ctx)
{
	const struct rw_kern_cfg *cfg = rw_cfg_now();

	if (cfg && rw_in_scope(cfg, ctx->local_port))
		bpf_sock_ops_cb_flags_set(ctx,
					  BPF_SOCK_OPS_STATE_CB_FLAG | BPF_SOCK_OPS_RTT_CB_FLAG);
}

SEC("sockops")
int rw_sock(struct bpf_sock_ops *ctx)
{
	__u32 zero = 0;
	struct rw_kern_sock_stats *stats = bpf_map_lookup_elem(&rw_sock_stats, &zero);
	struct bpf_sock *sock = ctx->sk;

	if (!stats || !sock)
		return 1;
	switch (ctx->op) {
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		on_accept(ctx);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (ctx->args[1] == BPF_TCP_ESTABLISHED)
			on_open(ctx, sock, stats);
		else if (ctx->args[1] == BPF_TCP_CLOSE)
			on_close(ctx, sock, stats);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		on_rtt(ctx, sock, stats);
		break;
	}
	return 1;
}
