/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event loop: a back-end of the seam (io.h), its sockets, timers, buffers
 * and mailbox. A worker is a thread that runs one; the control thread runs one
 * too; a test runs several on the simulator in one thread.
 */
#ifndef RW_RING_LOOP_H
#define RW_RING_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct rw_io;
struct rw_loop;

struct rw_loop_config {
	unsigned max_socks;	 /* sockets at once, both legs; 0: 4096 */
	size_t max_queued_bytes; /* all send queues together; 0: 64 MiB */
	/* What the back-end is made with; the loop itself asks the back-end. */
	unsigned recv_buffers;	    /* a power of two; 0: 256 */
	unsigned recv_buffer_bytes; /* 0: 16384 */
};

/* What the loop counted since it began; read by its own thread. */
struct rw_loop_stats {
	uint64_t accepts, connects, recvs, sends, short_sends;
	uint64_t enobufs;     /* receivers starved and re-armed */
	uint64_t stale;	      /* completions for a generation that is gone: harmless, counted */
	uint64_t cq_overflow; /* should stay 0 */
	uint64_t socks_live, queued_bytes;
	uint64_t spliced_bytes;
};

/* How the loop's thread waited since it began. */
struct rw_loop_waits {
	uint64_t sleeps;
	uint64_t looks;	     /* for what comes next, before a sleep or in its place (look.h) */
	uint64_t looks_vain; /* those behind which it slept all the same */
	uint64_t looked_ns;
};

/*
 * Takes ownership of io (io_uring: ring/uring.h, simulator: ring/sim.h), freed
 * with the loop, also when this fails. The thread that turns the loop first owns
 * it from then on; it may be another than this one. cfg NULL: the defaults.
 */
int rw_loop_new(struct rw_loop **out, struct rw_io *io, const struct rw_loop_config *cfg,
		struct rw_error *e);
/*
 * Frees the loop; every socket must be gone or is aborted and waited for (its
 * on_close is called). In the loop's thread, or after that has ended.
 */
void rw_loop_free(struct rw_loop *l);

/* One turn: waits for events at most max_wait_ns, handles them, fires timers. <0: back-end failed.
 */
int rw_loop_turn(struct rw_loop *l, uint64_t max_wait_ns);
/* Turns until rw_loop_stop; rw_loop_stop may be called from a callback or, by post, from afar. */
int rw_loop_run(struct rw_loop *l);
void rw_loop_stop(struct rw_loop *l);

/* This turn's events were as many as a turn takes: others wait. What may wait itself, should. */
bool rw_loop_busy(const struct rw_loop *l);

/* Monotonic nanoseconds, read once per turn: cheap, and simulated time in the simulator. */
uint64_t rw_loop_now(const struct rw_loop *l);
/* The same clock, read now: for what is measured within a turn. */
uint64_t rw_loop_clock(struct rw_loop *l);
/* Unix time in milliseconds. */
uint64_t rw_loop_wall_ms(const struct rw_loop *l);
/* Random bytes from the back-end (seeded in the simulator). Not for keys: OpenSSL makes those. */
uint64_t rw_loop_random(struct rw_loop *l);
const struct rw_loop_stats *rw_loop_stats(struct rw_loop *l);
/* Adds to *sum; from any thread. */
void rw_loop_waits(struct rw_loop *l, struct rw_loop_waits *sum);

/*
 * Runs fn(arg) in l's thread, in order of posting from one thread. Safe from
 * any thread. RW_ENOMEM at the mailbox's bound (then fn will not run).
 */
int rw_loop_post(struct rw_loop *l, void (*fn)(void *arg), void *arg);

/*
 * Brings what was written to a file to its disk, while the loop goes on: done(arg, rc) comes later,
 * once. rc 0, RW_EINVAL (nothing of the kind can be done with fd) or RW_EIO (what was written since
 * the last one may be lost, and a later 0 says nothing of it). One at a time, and fd stays open
 * until then: RW_EBUSY. rw_loop_sync_drop: done will not be called; before arg goes away.
 */
int rw_loop_sync(struct rw_loop *l, int fd, void (*done)(void *arg, int rc), void *arg);
void rw_loop_sync_drop(struct rw_loop *l);

/*
 * Timers: embed a struct rw_timer, zeroed once. Setting an armed timer moves
 * it. It fires once, at or after when_ns (within the wheel's 1 ms), in the
 * loop's thread. The owner cancels it before freeing what embeds it.
 */
struct rw_timer {
	struct rw_timer *next, **pprev;
	uint64_t when_ns;
	void (*fn)(void *arg);
	void *arg;
};
void rw_timer_set(struct rw_loop *l, struct rw_timer *t, uint64_t when_ns, void (*fn)(void *arg),
		  void *arg);
void rw_timer_cancel(struct rw_timer *t);
static inline bool rw_timer_armed(const struct rw_timer *t)
{
	return t->pprev != NULL;
}

/*
 * Tasks: embed a struct rw_task, zeroed once. It runs once, before the loop next
 * waits, after the callbacks of this turn's events and timers and before what was
 * asked of sockets is started: so a turn's small writes are gathered into one. A
 * task set from a task runs in the next turn, which then does not wait. Setting
 * one that is set changes nothing. The owner cancels it before freeing what
 * embeds it.
 */
struct rw_tasks {
	struct rw_task *first, **last; /* in the order they were set */
};
struct rw_task {
	struct rw_task *next, **pprev;
	struct rw_tasks *in; /* NULL: not set */
	unsigned round;
	void (*fn)(void *arg);
	void *arg;
};
void rw_task_set(struct rw_loop *l, struct rw_task *t, void (*fn)(void *arg), void *arg);
/*
 * The same, but after what was asked of sockets is started and, where the loop is about to look
 * for what comes next rather than to sleep, on its way: for what nobody waits for.
 */
void rw_task_after(struct rw_loop *l, struct rw_task *t, void (*fn)(void *arg), void *arg);
void rw_task_cancel(struct rw_task *t);

#endif
