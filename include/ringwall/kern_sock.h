/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract of rw_sock: the connections of each source, as its TCP sockets tell. The kernel is
 * the only writer.
 *
 * A source has an entry in rw_conn from its first established connection on: a SYN alone, which
 * anybody can send in anybody's name, never makes one. Where there is no room the entry that was
 * not used for longest makes way, and with it the count of its open connections. Those that are
 * still in use join a new entry, so that a source that matters is counted right.
 */
#ifndef RINGWALL_KERN_SOCK_H
#define RINGWALL_KERN_SOCK_H

#ifndef __bpf__
#include <stdint.h>
#endif

#include "ringwall/kern_assert.h"

enum {
	RW_KERN_CONNS = 16384, /* sources, or the next times CPUs */
	RW_KERN_CONNS_PER_CPU = 512,
	RW_KERN_RTT_SHIFT =
		28, /* log2 of the ns in which a connection's time is taken once: 268 ms */
};

/* What rw_sock counted: X(name, what). */
#define RW_KERN_SOCK_COUNTERS(X)                                                          \
	X(sock_opened, "connections established to protected ports")                      \
	X(sock_closed, "of them, ended")                                                  \
	X(sock_evicted, "times that one was no longer counted with its source: too many") \
	X(sock_untracked, "times that one could not be counted: no memory")

/* rw_sock_stats, per CPU: index 0. */
#define RW_KERN_FIELD(name, help) uint64_t name;
struct rw_kern_sock_stats {
	RW_KERN_SOCK_COUNTERS(RW_KERN_FIELD)
};
#undef RW_KERN_FIELD

/*
 * rw_conn (LRU): of a source, which stands there as in rw_source. open and born are changed as one
 * number of 64 bits: who adds himself to open learns from the same step which entry it was.
 */
struct rw_kern_conn {
	uint32_t open;
	uint32_t born;	 /* of this entry, at random, not 0 */
	uint64_t opened; /* since the entry is there */
	uint64_t closed;
	uint32_t srtt_us_min; /* smoothed round-trip time; 0: not known yet */
	uint32_t srtt_us_last;
};

/* rw_conn_sk, with each socket. */
struct rw_kern_conn_sk {
	uint32_t born;	 /* of the entry that counts it; 0: none */
	uint32_t window; /* of time, in which its round-trip time was taken last */
};

RW_KERN_SIZE(rw_kern_sock_stats, 32);
RW_KERN_SIZE(rw_kern_conn, 32);
RW_KERN_AT(rw_kern_conn, born, 4);
RW_KERN_AT(rw_kern_conn, opened, 8);
RW_KERN_AT(rw_kern_conn, srtt_us_min, 24);
RW_KERN_SIZE(rw_kern_conn_sk, 8);

#endif
