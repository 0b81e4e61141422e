/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's side of the seam, and the checks of its rules. */
#include "ring/sim_int.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "ring/poison.h"

enum { DEFAULT_BUFFERS = 256, DEFAULT_BUFFER_BYTES = 16384 };

static struct sim_end *end_of(struct rw_io *io)
{
	return (struct sim_end *)io; /* io is its first member */
}

/* --- rules ----------------------------------------------------------------------------- */

static struct sim_sock *sock_of(struct sim_end *end, int fd)
{
	struct rw_sim *s = end->sim;

	RW_BUG_ON(fd < 0 || (unsigned)fd >= s->n_fds || !s->fds[fd]); /* of nobody */
	RW_BUG_ON(s->fds[fd]->end != end);			      /* of somebody else */
	return s->fds[fd];
}

static bool is_close(unsigned kind)
{
	return kind == RW_IO_NONE || kind == RW_IO_CLOSE || kind == RW_IO_CLOSE_LISTENER;
}

static struct sim_op *start(struct rw_io *io, int fd, uint64_t tag)
{
	struct sim_end *end = end_of(io);
	struct sim_op *op = sim_alloc(NULL, sizeof(*op)), *other;
	unsigned kind = rw_io_tag_op(tag);

	op->end = end;
	op->tag = tag;
	op->refs = 1;
	TAILQ_FOREACH(other, &end->in_flight, link)
	{
		RW_BUG_ON(other->tag == tag); /* a tag used twice at once */
		if (fd < 0 || !other->sock || other->sock->fd != fd || other->sock->closed)
			continue;
		/* Two sends interleave; a closed descriptor hides what is in flight. */
		RW_BUG_ON(rw_io_tag_op(other->tag) == kind);
		RW_BUG_ON(is_close(kind) || is_close(rw_io_tag_op(other->tag)));
	}
	if (fd >= 0) {
		op->sock = sock_of(end, fd);
		if (kind < RW_IO_CANCEL)
			op->sock->op[kind] = op;
	}
	TAILQ_INSERT_TAIL(&end->in_flight, op, link);
	STAILQ_INSERT_TAIL(&end->submitted, op, submitted);
	end->idle = 0;
	sim_trace(end->sim, tag);
	sim_trace(end->sim, (uint64_t)fd);
	return op;
}

/* --- operations ------------------------------------------------------------------------ */

static int sim_listen(struct rw_io *io, struct rw_addr *addr, int *fd, struct rw_error *e)
{
	struct sim_sock *k = sim_sock_new(end_of(io));

	(void)e;
	if (addr->in4.sin_port == 0) /* at the same place in both families' addresses */
		addr->in4.sin_port = htons(k->end->sim->next_port++);
	k->local = *addr;
	k->listens = true;
	*fd = k->fd;
	return RW_OK;
}

static int sim_socket(struct rw_io *io, const struct rw_addr *addr)
{
	struct sim_end *end = end_of(io);

	(void)addr;
	if (sim_chance(end->sim, end->sim->knobs.connect_fails))
		return RW_IO_NOFILES;
	return sim_sock_new(end)->fd;
}

static int sim_peer(struct rw_io *io, int fd, struct rw_addr *out)
{
	struct sim_sock *k = sock_of(end_of(io), fd);

	*out = k->remote;
	return k->reset ? RW_ECLOSED : RW_OK;
}

/* There is no kernel TLS here: those above find that out by this and do without. */
static int sim_set_option(struct rw_io *io, int fd, int level, int name, const void *value,
			  size_t n)
{
	(void)sock_of(end_of(io), fd);
	(void)level;
	(void)name;
	(void)value;
	(void)n;
	return RW_EUNSUP;
}

static void sim_recv_records(struct rw_io *io, int fd, uint64_t tag)
{
	(void)io;
	(void)fd;
	(void)tag;
	RW_BUG_ON(true); /* set_option has set no key */
}

static void sim_send_record(struct rw_io *io, int fd, uint8_t type, const struct iovec *iov,
			    unsigned n, uint64_t tag)
{
	(void)type;
	(void)iov;
	(void)n;
	sim_recv_records(io, fd, tag);
}

static void sim_readable(struct rw_io *io, int fd, uint64_t tag)
{
	sim_recv_records(io, fd, tag);
}

/* Only between sockets with keys of the kernel's. */
static int sim_pipe(struct rw_io *io, int fd[2])
{
	(void)io;
	(void)fd;
	return RW_EUNSUP;
}

static void sim_splice(struct rw_io *io, int from, int to, size_t n, bool wait, uint64_t tag)
{
	(void)to;
	(void)n;
	(void)wait;
	sim_recv_records(io, from, tag);
}

static void sim_accept(struct rw_io *io, int fd, uint64_t tag)
{
	RW_BUG_ON(!start(io, fd, tag)->sock->listens);
}

static void sim_connect(struct rw_io *io, int fd, const struct rw_addr *addr, uint64_t tag)
{
	struct sim_op *op = start(io, fd, tag);

	RW_BUG_ON(op->sock->connected || op->sock->listens);
	op->addr = *addr;
}

static void sim_recv(struct rw_io *io, int fd, uint64_t tag)
{
	RW_BUG_ON(!start(io, fd, tag)->sock->connected);
}

static void sim_recv_some(struct rw_io *io, int fd, size_t n, uint64_t tag)
{
	struct sim_op *op = start(io, fd, tag);

	RW_BUG_ON(!op->sock->connected || n == 0);
	op->some = n;
}

static void sim_send(struct rw_io *io, int fd, const struct iovec *iov, unsigned n, bool lazy,
		     uint64_t tag)
{
	struct sim_op *op = start(io, fd, tag);

	RW_BUG_ON(!op->sock->connected || n == 0 || n > RW_IO_MAX_IOV);
	memcpy(op->iov, iov, n * sizeof(*iov)); /* but not the data: it is read when it is sent */
	op->n_iov = n;
	op->lazy = lazy;
}

static void sim_shutdown(struct rw_io *io, int fd, uint64_t tag)
{
	RW_BUG_ON(!start(io, fd, tag)->sock->connected);
}

static void sim_cancel(struct rw_io *io, uint64_t target, uint64_t tag)
{
	start(io, -1, tag)->target = target;
}

static void sim_close(struct rw_io *io, int fd, bool reset, uint64_t tag)
{
	start(io, fd, tag)->reset = reset;
}

static void sim_sync(struct rw_io *io, int fd, uint64_t tag)
{
	start(io, -1, tag)->file = fd;
}

static void sim_abandon(struct rw_io *io, int fd)
{
	(void)io;
	(void)fd;
	RW_BUG_ON(true); /* here every completion comes */
}

static void sim_give_back(struct rw_io *io, unsigned buffer)
{
	struct sim_end *end = end_of(io);

	RW_BUG_ON(buffer >= io->recv_buffers || !end->buffer_out[buffer]); /* given back twice */
	end->buffer_out[buffer] = false;
	end->free_buffers[end->n_free_buffers++] = (uint16_t)buffer;
	rw_poison(end->mem + (size_t)buffer * io->recv_buffer_bytes, io->recv_buffer_bytes);
}

/* --- waiting --------------------------------------------------------------------------- */

void sim_deliver(struct sim_end *end, const struct rw_io_done *d, struct sim_op *op)
{
	if (end->left)
		return;
	if (end->n_ready == end->ready_room) {
		unsigned n = end->ready_room ? 2 * end->ready_room : 64;
		struct sim_ready *more = sim_alloc(NULL, n * sizeof(*more));

		for (unsigned i = 0; i < end->n_ready; i++)
			more[i] = end->ready[(end->first_ready + i) % end->ready_room];
		free(end->ready);
		end->ready = more;
		end->ready_room = n;
		end->first_ready = 0;
	}
	if (op)
		op->refs++;
	end->ready[(end->first_ready + end->n_ready++) % end->ready_room] = (struct sim_ready){*d,
											       op};
}

static void submit(struct sim_end *end)
{
	struct rw_sim *s = end->sim;
	struct sim_op *op;

	while ((op = STAILQ_FIRST(&end->submitted))) {
		uint64_t late = sim_lateness(s);
		struct sim_event ev = {.what = SIM_EXEC, .op = op, .at = s->now + late};

		STAILQ_REMOVE_HEAD(&end->submitted, submitted);
		op->lazy &= !late; /* lazy is what ends at once */
		if (late)
			sim_push(s, &ev);
		else
			sim_exec(op);
	}
}

/* After a close, one that the kernel should not send any more. */
static void haunt(struct sim_end *end, uint64_t tag)
{
	struct rw_sim *s = end->sim;
	struct sim_event ev = {.what = SIM_GHOST, .end = end};

	if (rw_io_tag_op(tag) != RW_IO_CLOSE || !sim_chance(s, s->knobs.ghost))
		return;
	ev.at = s->now + sim_below(s, 20000000);
	ev.done.tag =
		rw_io_tag(rw_io_tag_slot(tag), rw_io_tag_generation(tag),
			  RW_IO_CONNECT + (unsigned)sim_below(s, RW_IO_CLOSE - RW_IO_CONNECT + 1));
	ev.done.res = (int)sim_below(s, 100);
	ev.done.more = sim_below(s, 2);
	ev.done.buffer = RW_IO_NO_BUFFER;
	sim_push(s, &ev);
}

static void trace_done(struct sim_end *end, const struct rw_io_done *d)
{
	struct rw_sim *s = end->sim;

	sim_trace(s, s->now);
	sim_trace(s, end->index);
	sim_trace(s, d->tag);
	sim_trace(s, (uint64_t)d->res << 17 | (uint64_t)d->buffer << 1 | d->more);
	for (int i = 0; d->data && i < d->res; i++)
		sim_trace(s, d->data[i]);
}

static bool ends_wait(const struct sim_ready *r)
{
	return !r->op || !r->op->lazy || r->done.res < 0;
}

bool sim_has_news(const struct sim_end *end)
{
	for (unsigned i = 0; i < end->n_ready; i++)
		if (ends_wait(&end->ready[(end->first_ready + i) % end->ready_room]))
			return true;
	return false;
}

static unsigned deliver(struct sim_end *end, struct rw_io_done *out, unsigned max)
{
	unsigned n = 0;

	if (end->sim->now < end->wake_at && !end->io.closing && !sim_has_news(end))
		return 0;
	for (; n < max && end->n_ready; n++) {
		struct sim_ready *r = &end->ready[end->first_ready];
		struct sim_op *op = r->op;

		out[n] = r->done;
		end->first_ready = (end->first_ready + 1) % end->ready_room;
		end->n_ready--;
		trace_done(end, &out[n]);
		if (!op)
			continue;
		if (!out[n].more) {
			if (op->sock && op->sock->op[rw_io_tag_op(op->tag)] == op)
				op->sock->op[rw_io_tag_op(op->tag)] = NULL;
			TAILQ_REMOVE(&end->in_flight, op, link);
			sim_op_unref(op);
			haunt(end, out[n].tag);
		}
		sim_op_unref(op);
	}
	return n;
}

/* Nobody looks here: time moves when all have done what they can. */
static void sim_hurry(struct rw_io *io)
{
	(void)io;
}

static int sim_wait(struct rw_io *io, uint64_t timeout_ns, struct rw_io_done *out, unsigned max)
{
	struct sim_end *end = end_of(io);
	struct rw_sim *s = end->sim;
	unsigned n;

	submit(end);
	sim_run_due(s);
	end->wake_at = timeout_ns > UINT64_MAX - s->now ? UINT64_MAX : s->now + timeout_ns;
	/* A loop that says goodbye is turned by itself, without steps of the world. */
	while (io->closing && end->n_ready == 0 && s->now < end->wake_at) {
		uint64_t next = sim_next_event(s);

		sim_advance(s, next < end->wake_at ? next : end->wake_at);
	}
	n = deliver(end, out, max);
	end->idle = n ? 0 : end->idle + 1;
	return (int)n;
}

static void sim_wake(struct rw_io *io)
{
	end_of(io)->idle = 0;
}

static uint64_t sim_now_ns(struct rw_io *io)
{
	return end_of(io)->sim->now;
}

static uint64_t sim_wall(struct rw_io *io)
{
	return sim_wall_ms(end_of(io)->sim);
}

static uint64_t sim_io_random(struct rw_io *io)
{
	return sim_random(end_of(io)->sim);
}

/* --- an end's life --------------------------------------------------------------------- */

static void sim_destroy(struct rw_io *io)
{
	struct sim_end *end = end_of(io);
	struct rw_sim *s = end->sim;

	RW_BUG_ON(!TAILQ_EMPTY(&end->in_flight));
	for (unsigned i = 0; i < s->n_fds; i++)
		RW_BUG_ON(s->fds[i] && s->fds[i]->end == end && !s->fds[i]->peer); /* a leak */
	SLIST_REMOVE(&s->ends, end, sim_end, link);
	SLIST_INSERT_HEAD(&s->gone, end, link);
	end->left = true;
	rw_unpoison(end->mem, (size_t)io->recv_buffers * io->recv_buffer_bytes);
	free(end->mem);
	free(end->free_buffers);
	free(end->buffer_out);
	free(end->ready);
}

static const struct rw_io_ops sim_ops = {
	.listen = sim_listen,
	.socket = sim_socket,
	.peer = sim_peer,
	.set_option = sim_set_option,
	.accept = sim_accept,
	.connect = sim_connect,
	.recv = sim_recv,
	.recv_some = sim_recv_some,
	.recv_records = sim_recv_records,
	.readable = sim_readable,
	.pipe = sim_pipe,
	.splice = sim_splice,
	.send = sim_send,
	.send_record = sim_send_record,
	.shutdown = sim_shutdown,
	.cancel = sim_cancel,
	.close = sim_close,
	.sync = sim_sync,
	.abandon = sim_abandon,
	.give_back = sim_give_back,
	.wait = sim_wait,
	.hurry = sim_hurry,
	.wake = sim_wake,
	.now_ns = sim_now_ns,
	.wall_ms = sim_wall,
	.random = sim_io_random,
	.destroy = sim_destroy,
};

int rw_sim_io_new(struct rw_io **out, struct rw_sim *s, unsigned recv_buffers,
		  unsigned recv_buffer_bytes, struct rw_error *e)
{
	struct sim_end *end;
	unsigned n = recv_buffers ? recv_buffers : DEFAULT_BUFFERS;
	unsigned bytes = recv_buffer_bytes ? recv_buffer_bytes : DEFAULT_BUFFER_BYTES;

	if (n >= RW_IO_NO_BUFFER)
		return rw_fail(e, RW_EINVAL, "simulator: recv_buffers is %u, not below %d", n,
			       RW_IO_NO_BUFFER);
	end = sim_alloc(NULL, sizeof(*end));
	end->io.ops = &sim_ops;
	end->io.recv_buffers = n;
	end->io.recv_buffer_bytes = bytes;
	end->sim = s;
	end->index = s->n_ends++;
	end->wake_at = UINT64_MAX;
	TAILQ_INIT(&end->in_flight);
	STAILQ_INIT(&end->submitted);
	end->mem = sim_alloc(NULL, (size_t)n * bytes);
	end->free_buffers = sim_alloc(NULL, n * sizeof(*end->free_buffers));
	end->buffer_out = sim_alloc(NULL, n * sizeof(*end->buffer_out));
	for (unsigned i = n; i-- > 0;)
		end->free_buffers[end->n_free_buffers++] = (uint16_t)i;
	rw_poison(end->mem, (size_t)n * bytes);
	SLIST_INSERT_HEAD(&s->ends, end, link);
	*out = &end->io;
	return RW_OK;
}
