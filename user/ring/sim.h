/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator behind the seam: a world with a clock, a seed and a network, in
 * which the real loops, sockets and everything above them run in one thread.
 * Whatever happens follows from the seed: a failing one replays.
 *
 * Contract: a world has any number of ends (struct rw_io), each to be given to
 * a loop. Turn all loops, then rw_sim_step, again and again. An address is
 * local to the world; every end can listen on any and connect to any. The world
 * also checks the rules of io.h and stops the process (RW_BUG_ON) where the code
 * above breaks one: two sends at once, close with operations in flight, a
 * buffer given back twice, a tag used twice at once, a descriptor of nobody.
 *
 *	rw_sim_new(&w, seed, &knobs);
 *	rw_sim_io_new(&io, w, 0, 0, &e);   rw_loop_new(&gateway, io, ...);
 *	rw_sim_io_new(&io, w, 0, 0, &e);   rw_loop_new(&client, io, ...);
 *	while (!done && rw_sim_step(w)) {
 *		rw_loop_turn(gateway, UINT64_MAX);
 *		rw_loop_turn(client, UINT64_MAX);
 *	}
 *	rw_loop_free(...); rw_sim_free(w);
 */
#ifndef RW_RING_SIM_H
#define RW_RING_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct rw_io;
struct rw_sim;

/*
 * What may go wrong. Chances are in 1/10000 of the occasions named; zeroes are
 * a network without faults.
 */
struct rw_sim_knobs {
	uint64_t latency_ns;	/* up to this long from end to end; 0: 50 us exactly */
	uint32_t window_bytes;	/* unread bytes per direction; 0: 64 KiB */
	uint16_t late;		/* a completion comes late, behind younger ones */
	uint16_t short_send;	/* a send takes only some of what fits */
	uint16_t split;		/* a receive hands over only some of what is there */
	uint16_t starve;	/* a receive finds no buffer, though there are some */
	uint16_t recv_ends;	/* a multishot ends with its data */
	uint16_t cancel_missed; /* a cancel cannot reach its target: RW_EAGAIN */
	uint16_t ghost;		/* a completion of something long gone comes once more */
	uint16_t reset;		/* a send is followed by RST, somewhere in its bytes */
	uint16_t cut;		/* a send is followed by an early FIN, somewhere in its bytes */
	uint16_t refuse;	/* a connect is refused */
	uint16_t slow_connect;	/* a connect takes up to 3 s */
	uint16_t connect_fails; /* no descriptor for a connect */
	uint16_t sync_fails;	/* a file's bytes do not reach its disk */
	uint16_t clock_jump;	/* a step lets up to 2 s more pass, and moves wall time at will */
};

/* Everything at once, tuned so that most exchanges still get through. */
extern const struct rw_sim_knobs rw_sim_all_faults;

int rw_sim_new(struct rw_sim **out, uint64_t seed, const struct rw_sim_knobs *knobs);
/* After the loops of its ends were freed. */
void rw_sim_free(struct rw_sim *s);

/* One end of the world, to be given to rw_loop_new. 0: 256 buffers of 16384 bytes. */
int rw_sim_io_new(struct rw_io **out, struct rw_sim *s, unsigned recv_buffers,
		  unsigned recv_buffer_bytes, struct rw_error *e);

/*
 * When every end has had nothing to do at the present moment, lets time pass to
 * the next event or timer. False: nothing will ever happen any more.
 */
bool rw_sim_step(struct rw_sim *s);

/* Changes what may go wrong from now on, e.g. to let a world come to rest. */
void rw_sim_set_knobs(struct rw_sim *s, const struct rw_sim_knobs *knobs);

uint64_t rw_sim_now(const struct rw_sim *s);
/* How long the file was whose sync ended well last: what a power cut would have left of it. */
uint64_t rw_sim_synced_bytes(const struct rw_sim *s);
/* The seed's stream of chance, for decisions of the test itself. */
uint64_t rw_sim_random(struct rw_sim *s);
/* A hash over everything that was started and completed, with its time. */
uint64_t rw_sim_trace_hash(const struct rw_sim *s);

#endif
