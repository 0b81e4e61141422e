/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract of rw_steer: which worker of which gateway gets a new connection.
 *
 * A gateway that listens has a seat: its number among those that listen at once. rw_listen says
 * for each address whose turn it is; another gateway takes over by writing its own seat there.
 * A seat is free when none of its sockets listens: the kernel clears a slot of rw_sockets when its
 * socket is closed, however its process ended.
 *
 * Writers: the gateways write rw_listen and rw_sockets under the lock on the directory of the pins,
 * and rw_load, where each worker has a cell of its own; the kernel writes rw_pick, rw_steer_stats.
 */
#ifndef RINGWALL_KERN_STEER_H
#define RINGWALL_KERN_STEER_H

#ifndef __bpf__
#include <stdint.h>
#endif

#include "ringwall/kern_assert.h"

enum {
	RW_KERN_SEATS = 4,	/* one serves, one takes over; spare ones for those that hang */
	RW_KERN_LISTENERS = 32, /* addresses of a gateway */
	RW_KERN_WORKERS = 256,
	RW_KERN_CELLS = RW_KERN_SEATS * RW_KERN_WORKERS, /* of rw_load and rw_pick */
	RW_KERN_SOCKETS = RW_KERN_LISTENERS * RW_KERN_CELLS,
	RW_KERN_LISTENING = 128,   /* addresses of all gateways */
	RW_KERN_WINDOW_SHIFT = 26, /* log2 of the ns for which a choice counts by itself: 67 ms */
};

/* What rw_steer counted: X(name, what). A new connection counts in one of the first two. */
#define RW_KERN_STEER_COUNTERS(X)                                                \
	X(steer_chosen, "new connections given to the less busy of two workers") \
	X(steer_fallback, "new connections and moves left to the kernel's hash") \
	X(steer_migrated, "unaccepted connections moved from a listener that closed")

/* rw_steer_stats, per CPU: index 0. */
#define RW_KERN_FIELD(name, help) uint64_t name;
struct rw_kern_steer_stats {
	RW_KERN_STEER_COUNTERS(RW_KERN_FIELD)
};
#undef RW_KERN_FIELD

/* Key of rw_listen. IPv4 stands here as ::ffff:a.b.c.d. */
struct rw_kern_listener {
	uint8_t addr[16];
	uint16_t port;
	uint16_t zero;
};

/* rw_listen: who is to get the address's new connections. */
struct rw_kern_turn {
	uint32_t seat;
	uint32_t listener; /* the address's number there */
	uint32_t workers;
};

/* rw_load: how busy a worker is. Index: rw_kern_cell(). A cache line each. */
struct rw_kern_load {
	uint32_t connections; /* open */
	uint32_t requests;    /* under way: a stream that lives for minutes is one */
	uint32_t accepted;    /* connections ever; wraps */
} __attribute__((aligned(64)));

/*
 * rw_pick: what a worker was given in this window of time, and its accepted of the window's begin:
 * what is missing between the two is on its way. Index: rw_kern_cell(). Not kept where there is
 * but one worker.
 */
struct rw_kern_pick {
	uint64_t chosen; /* ever */
	uint64_t window;
	uint32_t recent;
	uint32_t accepted;
} __attribute__((aligned(64)));

static inline __attribute__((always_inline)) uint32_t rw_kern_cell(uint32_t seat, uint32_t worker)
{
	return seat * RW_KERN_WORKERS + worker;
}

/* The index in rw_sockets. */
static inline __attribute__((always_inline)) uint32_t rw_kern_socket(uint32_t seat,
								     uint32_t listener,
								     uint32_t worker)
{
	return (seat * RW_KERN_LISTENERS + listener) * RW_KERN_WORKERS + worker;
}

RW_KERN_SIZE(rw_kern_steer_stats, 24);
RW_KERN_AT(rw_kern_steer_stats, steer_migrated, 16);
RW_KERN_SIZE(rw_kern_listener, 20);
RW_KERN_AT(rw_kern_listener, port, 16);
RW_KERN_SIZE(rw_kern_turn, 12);
RW_KERN_AT(rw_kern_turn, workers, 8);
RW_KERN_SIZE(rw_kern_load, 64);
RW_KERN_AT(rw_kern_load, requests, 4);
RW_KERN_AT(rw_kern_load, accepted, 8);
RW_KERN_SIZE(rw_kern_pick, 64);
RW_KERN_AT(rw_kern_pick, window, 8);
RW_KERN_AT(rw_kern_pick, recent, 16);
RW_KERN_AT(rw_kern_pick, accepted, 20);
RW_KERN_VALUE(RW_KERN_SOCKETS, 32768);

#endif
