/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by sim.c (clock, chance, events), sim_net.c (virtual TCP) and sim_io.c (the seam). */
#ifndef RW_RING_SIM_INT_H
#define RW_RING_SIM_INT_H

#include <sys/queue.h>

#include "ring/io.h"
#include "ring/sim.h"

struct sim_end;
struct sim_sock;

/*
 * An operation between its start and the moment its last completion was
 * returned by wait. over: that completion has been decided; nothing changes it.
 */
struct sim_op {
	struct sim_end *end;
	struct sim_sock *sock; /* NULL: a cancel, or the sync of a file */
	uint64_t tag, target;
	uint64_t last_at; /* its completions keep their order */
	unsigned refs;	  /* the end's list, and events that point here */
	bool over;
	bool reset;  /* a close with RST */
	bool lazy;   /* a send whose end, if all of it goes at once, ends no wait */
	int file;    /* of a sync */
	size_t some; /* a receive of so many bytes at most; 0: any, again and again */
	unsigned n_iov;
	struct iovec iov[RW_IO_MAX_IOV];
	struct rw_addr addr;
	TAILQ_ENTRY(sim_op) link;	/* in flight */
	STAILQ_ENTRY(sim_op) submitted; /* started, not seen by the kernel yet */
};

/*
 * A descriptor. What was sent to it lies in ring: `arrived` bytes from `head` can
 * be read, `travelling` more are in the network.
 */
struct sim_sock {
	int fd;
	struct sim_end *end;
	bool listens, connected, closed;
	bool fin_sent, fin_arrived, reset;
	struct rw_addr local, remote;
	struct sim_sock *peer;
	struct sim_op *op[RW_IO_CANCEL]; /* in flight, by kind */
	uint8_t *ring;
	uint32_t window, head, arrived, travelling;
	uint64_t last_arrival; /* what comes from the peer keeps its order */
	STAILQ_HEAD(sim_backlog, sim_sock) backlog;
	STAILQ_ENTRY(sim_sock) backlog_link;
	SLIST_ENTRY(sim_sock) all_link;
};

enum sim_what {
	SIM_COMPLETE,
	SIM_EXEC,
	SIM_SYN,
	SIM_BYTES,
	SIM_FIN,
	SIM_RST,
	SIM_WINDOW,
	SIM_GHOST
};

struct sim_event {
	uint64_t at, seq;
	enum sim_what what;
	uint32_t n;
	struct sim_op *op;
	struct sim_sock *sock;
	struct sim_end *end;
	struct rw_io_done done;
};

struct sim_ready {
	struct rw_io_done done;
	struct sim_op *op;
};

/* One struct rw_io of the world. */
struct sim_end {
	struct rw_io io;
	struct rw_sim *sim;
	unsigned index;
	bool left;     /* its loop was freed */
	unsigned idle; /* waits in a row that found nothing, with nothing started between */
	uint64_t wake_at;
	TAILQ_HEAD(sim_in_flight, sim_op) in_flight;
	STAILQ_HEAD(sim_submitted, sim_op) submitted;
	struct sim_ready *ready; /* completions to be returned: a ring */
	unsigned first_ready, n_ready, ready_room;
	uint8_t *mem;
	uint16_t *free_buffers;
	unsigned n_free_buffers;
	bool *buffer_out;
	SLIST_ENTRY(sim_end) link;
};

struct rw_sim {
	uint64_t now, wall_offset_ms;
	uint64_t random, test_random, hash, seq;
	struct rw_sim_knobs knobs;
	struct sim_event *heap;
	unsigned n_events, event_room;
	struct sim_sock **fds; /* index: descriptor; NULL: free */
	unsigned n_fds;
	uint16_t next_port;
	uint64_t synced_bytes;
	unsigned n_ends;
	SLIST_HEAD(sim_ends, sim_end) ends, gone; /* what still travels finds the gone so */
	SLIST_HEAD(sim_socks, sim_sock) socks;
};

/* --- sim.c ----------------------------------------------------------------------------- */

void *sim_alloc(void *old, size_t n); /* stops the process where memory is out */
uint64_t sim_random(struct rw_sim *s);
/* 0 <= result < n */
uint64_t sim_below(struct rw_sim *s, uint64_t n);
bool sim_chance(struct rw_sim *s, uint16_t per_10000);
void sim_trace(struct rw_sim *s, uint64_t word);
uint64_t sim_latency(struct rw_sim *s);
/* How late a thing is that may be late. */
uint64_t sim_lateness(struct rw_sim *s);
void sim_push(struct rw_sim *s, const struct sim_event *ev);
/* Everything that is due at the present moment. */
void sim_run_due(struct rw_sim *s);
/* When the next event is; UINT64_MAX: never. */
uint64_t sim_next_event(const struct rw_sim *s);
void sim_advance(struct rw_sim *s, uint64_t to);
uint64_t sim_wall_ms(const struct rw_sim *s);
void sim_op_unref(struct sim_op *op);
/* Decides a completion of op. more = false is its last. */
void sim_complete(struct sim_op *op, int res, bool more, const struct rw_io_done *buffer);

/* --- sim_net.c ------------------------------------------------------------------------- */

struct sim_sock *sim_sock_new(struct sim_end *end);
void sim_sock_free(struct sim_sock *k);
/* Does what op asks for, or leaves it waiting. */
void sim_exec(struct sim_op *op);
void sim_happen(struct rw_sim *s, const struct sim_event *ev);

/* --- sim_io.c -------------------------------------------------------------------------- */

/* Is there anything to tell but what is told with something else? */
bool sim_has_news(const struct sim_end *end);
void sim_deliver(struct sim_end *end, const struct rw_io_done *d, struct sim_op *op);

#endif
