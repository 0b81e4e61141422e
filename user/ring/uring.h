/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The io_uring back-end of the seam: one ring per loop.
 *
 * The ring is made disabled and bound, with its restrictions in force, to the
 * thread that waits first: it may be made in one thread and run in another,
 * and operations may be started before, as many as entries. From then on no
 * other thread can submit, and no operation outside the dozen used here is accepted.
 */
#ifndef RW_RING_URING_H
#define RW_RING_URING_H

#include "base/err.h"

struct rw_io;

/*
 * entries: operations started per turn without an extra system call (a power
 * of two; 0: 1024). recv_buffers: a power of two up to 32768 (0: 256) of
 * recv_buffer_bytes each (0: 16384), address space at first: memory is used
 * as deep as bursts have needed. RW_EPERM or RW_EUNSUP: *e says whether a
 * seccomp profile, kernel.io_uring_disabled or an old kernel is in the way.
 */
int rw_uring_new(struct rw_io **out, unsigned entries, unsigned recv_buffers,
		 unsigned recv_buffer_bytes, struct rw_error *e);

/*
 * Before the thread sleeps it looks for completions where that pays, for max_ns at most (look.h);
 * 0, as a ring is made: it sleeps at once.
 */
void rw_uring_spin(struct rw_io *io, uint64_t max_ns);

/* Can a ring be had here, with every operation that is used? RW_OK, or as rw_uring_new. */
int rw_uring_probe(struct rw_error *e);

#endif
