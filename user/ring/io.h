/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The raw seam to the kernel: the only way bytes, connections and time come in
 * and go out. Behind it stand io_uring (uring.h) and a simulator (sim.h); above
 * it only loop.c, sock.c and listener.c call it. Everybody else uses sock.h.
 *
 * Contract: one thread per struct rw_io, but for wake. An operation is started
 * with a tag and ends with exactly one completion whose `more` is false; a
 * multishot one (accept, recv, records) gives any number with `more` true before. Until
 * that last completion was returned by wait, the operation is in flight, and:
 *   - memory it reads (send data, a connect address) stays as it is;
 *   - no second operation uses its tag;
 *   - its descriptor is not closed: closing does not end operations, it hides
 *     them (io_uring_cancelation(7)).
 * One send, one recv and one accept at most are in flight per descriptor: the
 * kernel interleaves the bytes of two sends. Operations are submitted by the
 * next wait, in order, so a turn costs one system call.
 */
#ifndef RW_RING_IO_H
#define RW_RING_IO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/err.h"
#include "ring/sock.h"

struct rw_io;

/* What an operation is; the low bits of its tag. RW_IO_CANCEL + op is the cancel of op. */
enum rw_io_op {
	RW_IO_NONE, /* the close of a descriptor that never got a slot: its own number is the slot
		     */
	RW_IO_ACCEPT,
	RW_IO_CONNECT,
	RW_IO_RECV,
	RW_IO_RECORDS, /* a recv of a socket whose records the kernel opens */
	RW_IO_READABLE,
	RW_IO_SPLICE_IN,  /* from a socket into a pipe */
	RW_IO_SPLICE_OUT, /* from there into a socket */
	RW_IO_SEND,
	RW_IO_SHUTDOWN,
	RW_IO_CLOSE,
	RW_IO_CLOSE_LISTENER,
	RW_IO_SYNC, /* of a file */
	RW_IO_CANCEL,
	RW_IO_OPS = 2 * RW_IO_CANCEL,
};

/*
 * A tag is {generation:32, slot:24, op:8}: never a pointer, so a completion
 * for something that is gone is recognised instead of believed.
 */
enum { RW_IO_MAX_SLOTS = 1 << 24 };

static inline uint64_t rw_io_tag(uint32_t slot, uint32_t generation, unsigned op)
{
	return (uint64_t)generation << 32 | (uint64_t)slot << 8 | op;
}

static inline unsigned rw_io_tag_op(uint64_t tag)
{
	return (unsigned)(tag & 0xff);
}

static inline uint32_t rw_io_tag_slot(uint64_t tag)
{
	return (uint32_t)tag >> 8;
}

static inline uint32_t rw_io_tag_generation(uint64_t tag)
{
	return (uint32_t)(tag >> 32);
}

/* Results beyond enum rw_err, which go no further than sock.c and listener.c. */
enum {
	RW_IO_CANCELLED = -100,
	RW_IO_STARVED = -101, /* recv: no buffer was free; arm again when some are back */
	RW_IO_NOFILES = -102, /* accept, socket: the descriptor limit is reached */
	RW_IO_NO_KEY = -103,  /* records: the peer's next ones need its next key */
};

enum { RW_IO_NO_BUFFER = 0xffff };

/*
 * How an operation went. res: bytes (recv, send; a recv's 0 is FIN), a
 * descriptor (accept), 0, a negative enum rw_err or one of the above. A cancel
 * ends with 0 (its target ends soon), RW_ENOTFOUND (it has ended) or RW_EAGAIN
 * (it could not be reached just now: ask again).
 */
struct rw_io_done {
	uint64_t tag;
	const uint8_t *data; /* recv: where the bytes are, valid until buffer is given back */
	int32_t res;
	uint16_t buffer; /* recv: to be given back by give_back; RW_IO_NO_BUFFER: none */
	uint8_t record;	 /* records: what type these bytes are of; 0: FIN */
	bool more;
};

/* The most iovecs that one send takes. */
enum { RW_IO_MAX_IOV = 16 };

struct rw_io_ops {
	/* Listens with SO_REUSEPORT and TCP_NODELAY; writes the real port into addr. */
	int (*listen)(struct rw_io *io, struct rw_addr *addr, int *fd, struct rw_error *e);
	/* A stream socket with TCP_NODELAY: the descriptor or a negative error. */
	int (*socket)(struct rw_io *io, const struct rw_addr *addr);
	int (*peer)(struct rw_io *io, int fd, struct rw_addr *out);

	/*
	 * setsockopt, at once. RW_EUNSUP: there is no such option here; RW_ENOTFOUND: a module
	 * or an algorithm is missing; RW_ECLOSED: not a connection any more that may; RW_EBUSY,
	 * RW_EINVAL, RW_EPERM.
	 */
	int (*set_option)(struct rw_io *io, int fd, int level, int name, const void *value,
			  size_t n);

	void (*accept)(struct rw_io *io, int fd, uint64_t tag);
	void (*connect)(struct rw_io *io, int fd, const struct rw_addr *addr, uint64_t tag);
	void (*recv)(struct rw_io *io, int fd, uint64_t tag);
	/* As recv, but once, and of at most n bytes. */
	void (*recv_some)(struct rw_io *io, int fd, size_t n, uint64_t tag);
	/*
	 * As recv, of a socket with a kernel TLS key to receive by: record says the type of
	 * each piece. Only where set_option has set such a key.
	 */
	void (*recv_records)(struct rw_io *io, int fd, uint64_t tag);
	/*
	 * The array is copied; what it points at is not. 1 <= n <= RW_IO_MAX_IOV. lazy: where it
	 * ends at once and whole, that ends no wait, and is told with what does; where nothing can
	 * be sent at once it ends with RW_EAGAIN.
	 */
	void (*send)(struct rw_io *io, int fd, const struct iovec *iov, unsigned n, bool lazy,
		     uint64_t tag);
	/* As send, as records of this type: where set_option has set a key to send by. */
	void (*send_record)(struct rw_io *io, int fd, uint8_t type, const struct iovec *iov,
			    unsigned n, uint64_t tag);
	/* Ends with 0 once a recv would bring something, be it FIN or an error. */
	void (*readable)(struct rw_io *io, int fd, uint64_t tag);
	/* Both ends close by abandon. RW_EUNSUP, RW_IO_NOFILES. */
	int (*pipe)(struct rw_io *io, int fd[2]);
	/*
	 * Moves n bytes at most; one of the two is a pipe. wait false: RW_EAGAIN where nothing is
	 * there. Of a socket whose records the kernel opens RW_EINVAL: one is next that is not
	 * data.
	 */
	void (*splice)(struct rw_io *io, int from, int to, size_t n, bool wait, uint64_t tag);
	/* FIN after what was sent. */
	void (*shutdown)(struct rw_io *io, int fd, uint64_t tag);
	/* Cancels the operation with tag target. */
	void (*cancel)(struct rw_io *io, uint64_t target, uint64_t tag);
	/* reset: RST, so that the peer cannot take a cut answer for a whole one. */
	void (*close)(struct rw_io *io, int fd, bool reset, uint64_t tag);

	/*
	 * What was written to a file goes to its disk (fdatasync). RW_EINVAL: no file that has
	 * one; RW_EIO: the disk did not take it, and may never: trying again proves nothing.
	 */
	void (*sync)(struct rw_io *io, int fd, uint64_t tag);

	/* Closes at once: only when no completion will be waited for any more. */
	void (*abandon)(struct rw_io *io, int fd);

	void (*give_back)(struct rw_io *io, unsigned buffer);

	/*
	 * Submits what was started, waits until something completed, wake was
	 * called or timeout_ns passed; returns how many were written to out, or
	 * a negative error when the back-end is broken.
	 */
	int (*wait)(struct rw_io *io, uint64_t timeout_ns, struct rw_io_done *out, unsigned max);
	/* Submits what was started now, if the next wait would look before it sleeps. */
	void (*hurry)(struct rw_io *io);
	/* Ends a wait of the loop's thread, now or its next one. Any thread. */
	void (*wake)(struct rw_io *io);

	uint64_t (*now_ns)(struct rw_io *io);
	uint64_t (*wall_ms)(struct rw_io *io);
	uint64_t (*random)(struct rw_io *io);

	void (*destroy)(struct rw_io *io);
};

/* How its thread waited. Written by that thread, read by any. */
struct rw_io_waits {
	_Atomic uint64_t sleeps;
	_Atomic uint64_t looks; /* before a sleep, or in its place; see look.h */
	_Atomic uint64_t looks_vain, looked_ns;
};

/* What a back-end begins with. */
struct rw_io {
	const struct rw_io_ops *ops;
	unsigned recv_buffers;
	unsigned recv_buffer_bytes;
	uint64_t overflow; /* completions that did not fit the queue: should stay 0 */
	bool closing;	   /* the loop waits for its last completions; set by rw_loop_free */
	struct rw_io_waits waits;
};

#endif
