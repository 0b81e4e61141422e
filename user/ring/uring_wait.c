/* SPDX-License-Identifier: Apache-2.0 */
/* What completed, and waiting until something has. */
#include <errno.h>
#include <linux/tls.h>
#include <stdatomic.h>
#include <unistd.h>

#include "ring/poison.h"
#include "ring/uring_int.h"

/* The tag of the read that wake ends; no slot has it. */
static const uint64_t wake_tag = UINT64_MAX;

void rw_uring_watch_wake(struct rw_uring *u)
{
	struct io_uring_sqe *sqe = rw_uring_sqe(u);

	io_uring_prep_read(sqe, u->wake_fd, &u->wake_count, sizeof(u->wake_count), 0);
	io_uring_sqe_set_data64(sqe, wake_tag);
}

void rw_uring_wake(struct rw_io *io)
{
	uint64_t one = 1;
	ssize_t n = write(rw_uring_of(io)->wake_fd, &one, sizeof(one));

	(void)n; /* EAGAIN: the counter is full, so a wake is under way */
}

/*
 * recvmsg's header and the record's type off the bytes. FIN is a header alone, not 0
 * bytes; a record may be empty, too.
 */
static void translate_record(struct rw_io_done *d)
{
	const struct io_uring_recvmsg_out *out = (const void *)d->data;
	const struct cmsghdr *c = (const void *)(out + 1);

	if (d->res < RW_RECORD_HEAD) {
		d->res = RW_EIO;
		return;
	}
	d->res -= RW_RECORD_HEAD;
	d->data += RW_RECORD_HEAD;
	if (out->controllen >= CMSG_LEN(1) && c->cmsg_level == SOL_TLS &&
	    c->cmsg_type == TLS_GET_RECORD_TYPE)
		d->record = *CMSG_DATA(c);
	else if (d->res)
		d->res = RW_EIO; /* bytes of no record */
}

static void translate(struct rw_uring *u, const struct io_uring_cqe *cqe, struct rw_io_done *d)
{
	d->tag = cqe->user_data;
	d->res = cqe->res < 0 ? rw_uring_error(-cqe->res) : cqe->res;
	d->more = (cqe->flags & IORING_CQE_F_MORE) != 0;
	d->buffer = RW_IO_NO_BUFFER;
	d->record = 0;
	d->data = NULL;
	if (cqe->flags & IORING_CQE_F_BUFFER) {
		d->buffer = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
		d->data = u->mem + (size_t)d->buffer * u->io.recv_buffer_bytes;
		rw_unpoison(d->data, u->io.recv_buffer_bytes);
		u->in_ring--;
		if (rw_io_tag_op(d->tag) == RW_IO_RECORDS && d->res >= 0)
			translate_record(d);
	}
}

/* A lazy send that completes has failed, in part or whole, and tells that by itself. */
static void forget_lazy(struct rw_uring *u, uint64_t tag)
{
	for (unsigned i = 0; i < u->n_lazy; i++)
		if (u->lazy[i].tag == tag) {
			u->lazy[i] = u->lazy[--u->n_lazy];
			return;
		}
}

/* The others that were submitted have ended well. */
static unsigned reap_lazy(struct rw_uring *u, struct rw_io_done *out)
{
	struct io_uring_cqe *cqe;
	unsigned head, n;

	if (io_uring_sq_ready(&u->ring) || io_uring_cq_has_overflow(&u->ring))
		return 0;
	io_uring_for_each_cqe(&u->ring, head, cqe) if (rw_io_tag_op(cqe->user_data) == RW_IO_SEND)
		forget_lazy(u, cqe->user_data);
	n = u->n_lazy;
	for (unsigned i = 0; i < n; i++)
		out[i] = (struct rw_io_done){
			.tag = u->lazy[i].tag, .res = u->lazy[i].bytes, .buffer = RW_IO_NO_BUFFER};
	u->n_lazy = 0;
	return n;
}

static int reap(struct rw_uring *u, struct rw_io_done *out, unsigned max)
{
	struct io_uring_cqe *cqe;
	unsigned head, seen = 0, n = u->n_lazy ? reap_lazy(u, out) : 0;
	bool woken = false, starved = false;

	io_uring_for_each_cqe(&u->ring, head, cqe)
	{
		if (n == max)
			break;
		seen++;
		if (cqe->user_data == wake_tag) {
			woken = true;
			continue;
		}
		translate(u, cqe, &out[n]);
		if (out[n].data)
			rw_look_saw(&u->look, rw_io_tag_slot(out[n].tag));
		starved |= out[n++].res == RW_IO_STARVED;
	}
	io_uring_cq_advance(&u->ring, seen);
	u->io.overflow = *u->ring.cq.koverflow;
	if (starved && u->level < u->io.recv_buffers)
		u->level *= 2;
	rw_uring_fill(u);
	if (woken)
		rw_uring_watch_wake(u);
	return (int)n;
}

/* The ring's thread is the only one that writes: a load and a store, no locked instruction. */
static void count(_Atomic uint64_t *to, uint64_t n)
{
	atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static int block(struct rw_uring *u, uint64_t timeout_ns)
{
	struct __kernel_timespec ts = {
		.tv_sec = (long long)(timeout_ns / 1000000000),
		.tv_nsec = (long long)(timeout_ns % 1000000000),
	};
	struct io_uring_cqe *cqe;

	count(&u->io.waits.sleeps, 1);
	if (timeout_ns == UINT64_MAX)
		return io_uring_submit_and_wait(&u->ring, 1);
	return io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, &ts, NULL);
}

/* A completion, or what the kernel has to do in our name to bring some. */
static bool has_news(const struct rw_uring *u)
{
	return io_uring_cq_ready(&u->ring) ||
	       (__atomic_load_n(u->ring.sq.kflags, __ATOMIC_ACQUIRE) & IORING_SQ_TASKRUN);
}

/* There is something to do, and nothing for the kernel. */
static bool is_served(const struct rw_uring *u)
{
	return io_uring_cq_ready(&u->ring) && !io_uring_sq_ready(&u->ring) &&
	       !(__atomic_load_n(u->ring.sq.kflags, __ATOMIC_ACQUIRE) & IORING_SQ_TASKRUN);
}

/* Lets the other thread of a core have it, and costs less power than asking at once. */
static void relax(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
	atomic_signal_fence(memory_order_seq_cst);
}

static bool look_until(const struct rw_uring *u, uint64_t until_ns)
{
	enum { LOOKS = 16 }; /* between two looks at the clock */

	do {
		for (unsigned i = 0; i < LOOKS; i++) {
			if (has_news(u))
				return true;
			relax();
		}
	} while (rw_uring_now(NULL) < until_ns);
	return false;
}

static bool look(struct rw_uring *u, uint64_t span, uint64_t *looked_ns)
{
	struct rw_io_waits *w = &u->io.waits;
	uint64_t began = rw_uring_now(NULL);
	bool found = look_until(u, began + span);

	*looked_ns = rw_uring_now(NULL) - began;
	count(&w->looks, 1);
	count(&w->looks_vain, !found);
	count(&w->looked_ns, *looked_ns);
	return found;
}

static int look_and_block(struct rw_uring *u, uint64_t timeout_ns)
{
	uint64_t began = rw_uring_now(NULL), looked = 0, now;
	uint64_t span = rw_look_span(&u->look, began, timeout_ns);
	bool found = false;
	int rc;

	/* What was started goes out first, and may have ended at once. */
	if (span && (io_uring_sq_ready(&u->ring) || has_news(u))) {
		rc = io_uring_submit_and_get_events(&u->ring);
		if (rc < 0 || io_uring_cq_ready(&u->ring))
			return rc;
		began = rw_uring_now(NULL);
	}
	if (span)
		found = look(u, span, &looked);
	rc = found ? io_uring_get_events(&u->ring) : block(u, timeout_ns);
	now = rw_uring_now(NULL);
	rw_look_learn(&u->look, now, now - began, looked, found);
	return rc;
}

/* Where nobody looks, the wait submits and sleeps in one system call. */
void rw_uring_hurry(struct rw_io *io)
{
	struct rw_uring *u = rw_uring_of(io);

	if (!u->look.max_ns || !rw_look_span(&u->look, rw_uring_now(io), UINT64_MAX))
		return;
	io_uring_submit(&u->ring); /* what it does not take, the wait does */
	if (io_uring_sq_ready(&u->ring) == 0)
		u->n_msgs = 0;
}

int rw_uring_wait(struct rw_io *io, uint64_t timeout_ns, struct rw_io_done *out, unsigned max)
{
	struct rw_uring *u = rw_uring_of(io);
	int rc = rw_uring_enable(u);

	if (rc)
		return rc;
	if (is_served(u))
		rc = 0;
	else if (timeout_ns == 0 || io_uring_cq_ready(&u->ring))
		rc = io_uring_submit_and_get_events(&u->ring);
	else if (u->look.max_ns)
		rc = look_and_block(u, timeout_ns);
	else
		rc = block(u, timeout_ns);
	if (rc < 0 && rc != -ETIME && rc != -EINTR && rc != -EAGAIN && rc != -EBUSY)
		return rw_uring_error(-rc);
	if (io_uring_sq_ready(&u->ring) == 0)
		u->n_msgs = 0;
	return reap(u, out, max);
}
