/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by uring.c (operations), uring_wait.c and uring_setup.c (making and unmaking). */
#ifndef RW_RING_URING_INT_H
#define RW_RING_URING_INT_H

#include <liburing.h>
#include <pthread.h>
#include <sys/socket.h>

#include "ring/io.h"
#include "ring/look.h"

/* Messages with more than one piece that can wait for one submission. */
enum { RW_URING_MSGS = 64 };
/* Lazy sends of a turn, fewer than a turn takes completions. */
enum { RW_URING_LAZY = 32 };

/* What stands before the bytes of a record in its buffer. */
enum {
	RW_RECORD_CONTROL = CMSG_SPACE(1),
	RW_RECORD_HEAD = sizeof(struct io_uring_recvmsg_out) + RW_RECORD_CONTROL,
};

struct rw_uring_msg {
	struct msghdr head;
	struct iovec iov[RW_IO_MAX_IOV];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(1)];
};

/*
 * Receive buffers: the kernel takes them from the ring in the order they were
 * put there, so a ring with all of them would walk through the whole memory
 * and every byte would come cold. Only `level` of them are in the ring; the
 * rest waits on a stack and goes in when a burst starves a receiver.
 */
struct rw_uring {
	struct rw_io io;
	struct io_uring ring;
	bool enabled;
	pthread_t owner; /* who enabled it, and the only one who may wait */

	int wake_fd;
	uint64_t wake_count; /* where the read of wake_fd lands */

	struct io_uring_buf_ring *bufs;
	size_t bufs_bytes;
	uint8_t *mem;
	size_t mem_bytes;
	uint16_t *spare;
	unsigned n_spare;
	unsigned level, in_ring;

	struct rw_uring_msg msgs[RW_URING_MSGS];
	unsigned n_msgs;

	/*
	 * Sends that end without a completion where all goes well: they do not wait for room, so
	 * once they are submitted they have ended.
	 */
	struct rw_uring_lazy {
		uint64_t tag;
		int32_t bytes;
	} lazy[RW_URING_LAZY];
	unsigned n_lazy;

	uint64_t random;
	struct rw_look look;
};

static inline struct rw_uring *rw_uring_of(struct rw_io *io)
{
	return (struct rw_uring *)io; /* io is its first member */
}

/* In uring.c. */
extern const struct rw_io_ops rw_uring_ops;
void rw_uring_fill(struct rw_uring *u);
struct io_uring_sqe *rw_uring_sqe(struct rw_uring *u);
uint64_t rw_uring_now(struct rw_io *io);
int rw_uring_error(int err);

/* In uring_wait.c. */
void rw_uring_watch_wake(struct rw_uring *u);
void rw_uring_wake(struct rw_io *io);
void rw_uring_hurry(struct rw_io *io);
int rw_uring_wait(struct rw_io *io, uint64_t timeout_ns, struct rw_io_done *out, unsigned max);

/* In uring_setup.c: binds the ring to the calling thread. */
int rw_uring_enable(struct rw_uring *u);
void rw_uring_destroy(struct rw_io *io);

#endif
