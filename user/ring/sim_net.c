/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual TCP: windows, latency, FIN and RST, and every way in which they come badly. */
#include "ring/sim_int.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ring/poison.h"

static const uint64_t slow_connect_ns = 3000000000;

/* --- descriptors ----------------------------------------------------------------------- */

struct sim_sock *sim_sock_new(struct sim_end *end)
{
	struct rw_sim *s = end->sim;
	struct sim_sock *k = sim_alloc(NULL, sizeof(*k));
	unsigned fd = 3;

	while (fd < s->n_fds && s->fds[fd]) /* the lowest free one, as the kernel does */
		fd++;
	if (fd >= s->n_fds) {
		unsigned n = fd + 64;

		s->fds = sim_alloc(s->fds, n * sizeof(struct sim_sock *));
		memset(s->fds + s->n_fds, 0, (n - s->n_fds) * sizeof(struct sim_sock *));
		s->n_fds = n;
	}
	s->fds[fd] = k;
	k->fd = (int)fd;
	k->end = end;
	k->window = s->knobs.window_bytes;
	k->local.in4.sin_family = AF_INET;
	k->local.in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	k->local.len = sizeof(k->local.in4);
	k->remote = k->local;
	STAILQ_INIT(&k->backlog);
	SLIST_INSERT_HEAD(&s->socks, k, all_link);
	return k;
}

void sim_sock_free(struct sim_sock *k)
{
	free(k->ring);
	free(k);
}

static bool reaches(const struct rw_addr *listens, const struct rw_addr *to)
{
	if (listens->sa.sa_family != to->sa.sa_family)
		return false;
	if (to->sa.sa_family == AF_INET)
		return listens->in4.sin_port == to->in4.sin_port &&
		       (listens->in4.sin_addr.s_addr == INADDR_ANY ||
			listens->in4.sin_addr.s_addr == to->in4.sin_addr.s_addr);
	return listens->in6.sin6_port == to->in6.sin6_port &&
	       (IN6_IS_ADDR_UNSPECIFIED(&listens->in6.sin6_addr) ||
		IN6_ARE_ADDR_EQUAL(&listens->in6.sin6_addr, &to->in6.sin6_addr));
}

static struct sim_sock *find_listener(struct rw_sim *s, const struct rw_addr *addr)
{
	struct sim_sock *k, *found = NULL;
	unsigned n = 0;

	SLIST_FOREACH(k, &s->socks, all_link)
	{
		if (!k->listens || k->closed || !reaches(&k->local, addr))
			continue;
		if (sim_below(s, ++n) == 0) /* any of those that share the address */
			found = k;
	}
	return found;
}

/* --- the way of bytes ------------------------------------------------------------------ */

static void send_event(struct sim_sock *to, enum sim_what what, uint32_t n)
{
	struct rw_sim *s = to->end->sim;
	struct sim_event ev = {.what = what, .sock = to, .n = n, .at = s->now + sim_latency(s)};

	if (ev.at < to->last_arrival)
		ev.at = to->last_arrival;
	to->last_arrival = ev.at;
	sim_push(s, &ev);
}

static void put_bytes(struct sim_sock *to, const struct iovec *iov, uint32_t n)
{
	uint32_t at = (to->head + to->arrived + to->travelling) % to->window;

	if (!to->ring)
		to->ring = sim_alloc(NULL, to->window);
	to->travelling += n;
	for (; n; iov++) {
		const uint8_t *from = iov->iov_base;
		uint32_t left = iov->iov_len < n ? (uint32_t)iov->iov_len : n;

		n -= left;
		while (left) {
			uint32_t k = to->window - at < left ? to->window - at : left;

			memcpy(to->ring + at, from, k);
			at = (at + k) % to->window;
			from += k;
			left -= k;
		}
	}
}

static void get_bytes(struct sim_sock *k, uint8_t *out, uint32_t n)
{
	uint32_t first = k->window - k->head < n ? k->window - k->head : n;

	memcpy(out, k->ring + k->head, first);
	memcpy(out + first, k->ring, n - first);
	k->head = (k->head + n) % k->window;
	k->arrived -= n;
}

/* A network that fails in the middle: only some of the n bytes get through. */
static bool fail_midway(struct sim_sock *k, const struct iovec *iov, uint32_t n)
{
	struct rw_sim *s = k->end->sim;
	bool reset = sim_chance(s, s->knobs.reset);
	uint32_t through;

	if (!reset && !sim_chance(s, s->knobs.cut))
		return false;
	through = (uint32_t)sim_below(s, n + 1);
	put_bytes(k->peer, iov, through);
	send_event(k->peer, SIM_BYTES, through);
	send_event(k->peer, reset ? SIM_RST : SIM_FIN, 0);
	send_event(k, SIM_RST, 0);
	k->fin_sent = true;
	return true;
}

static void exec_send(struct sim_op *op)
{
	struct sim_sock *k = op->sock, *to = k->peer;
	struct rw_sim *s = op->end->sim;
	size_t total = 0;
	uint32_t room, n;

	for (unsigned i = 0; i < op->n_iov; i++)
		total += op->iov[i].iov_len;
	if (k->reset || k->fin_sent || !k->connected) {
		sim_complete(op, RW_ECLOSED, false, NULL);
		return;
	}
	if (to->closed) { /* into the void; the answer is RST */
		send_event(k, SIM_RST, 0);
		sim_complete(op, (int)total, false, NULL);
		return;
	}
	room = to->window - to->arrived - to->travelling;
	if (room == 0) {
		if (op->lazy)
			sim_complete(op, RW_EAGAIN, false, NULL);
		return; /* until the window opens */
	}
	n = total < room ? (uint32_t)total : room;
	if (sim_chance(s, s->knobs.short_send))
		n = 1 + (uint32_t)sim_below(s, n);
	op->lazy &= n == total;
	if (!fail_midway(k, op->iov, n)) {
		put_bytes(to, op->iov, n);
		send_event(to, SIM_BYTES, n);
	}
	sim_complete(op, (int)n, false, NULL);
}

static bool take_buffer(struct sim_end *end, struct rw_io_done *d)
{
	struct rw_sim *s = end->sim;
	uint8_t *p;

	if (end->n_free_buffers == 0 || sim_chance(s, s->knobs.starve))
		return false;
	d->buffer = end->free_buffers[--end->n_free_buffers];
	end->buffer_out[d->buffer] = true;
	p = end->mem + (size_t)d->buffer * end->io.recv_buffer_bytes;
	rw_unpoison(p, end->io.recv_buffer_bytes);
	d->data = p;
	return true;
}

/* Hands over what has arrived, as far as buffers go. */
static void pump_recv(struct sim_sock *k)
{
	struct rw_sim *s = k->end->sim;
	struct sim_op *op = k->op[RW_IO_RECV];
	bool opened = false;

	while (op && !op->over && k->arrived) {
		struct rw_io_done d = {0};
		uint32_t n = k->end->io.recv_buffer_bytes;

		if (!take_buffer(k->end, &d)) {
			sim_complete(op, RW_IO_STARVED, false, NULL);
			break;
		}
		n = k->arrived < n ? k->arrived : n;
		if (op->some && op->some < n)
			n = (uint32_t)op->some;
		if (sim_chance(s, s->knobs.split))
			n = 1 + (uint32_t)sim_below(s, n);
		get_bytes(k, k->end->mem + (size_t)d.buffer * k->end->io.recv_buffer_bytes, n);
		opened = true;
		sim_complete(op, (int)n, !op->some && !sim_chance(s, s->knobs.recv_ends), &d);
	}
	if (opened && k->peer && !k->peer->closed)
		send_event(k->peer, SIM_WINDOW, 0);
	if (!op || op->over || k->arrived)
		return;
	if (k->reset)
		sim_complete(op, RW_ECLOSED, false, NULL);
	else if (k->fin_arrived)
		sim_complete(op, 0, false, NULL);
}

static void took_reset(struct sim_sock *k)
{
	struct sim_op *op = k->op[RW_IO_SEND];

	k->reset = true;
	if (op && !op->over)
		sim_complete(op, RW_ECLOSED, false, NULL);
	pump_recv(k);
}

/* --- connecting and parting ------------------------------------------------------------ */

static void pump_accept(struct sim_sock *k)
{
	struct sim_op *op = k->op[RW_IO_ACCEPT];
	struct sim_sock *c;

	while (op && !op->over && (c = STAILQ_FIRST(&k->backlog))) {
		STAILQ_REMOVE_HEAD(&k->backlog, backlog_link);
		sim_complete(op, c->fd, true, NULL);
	}
}

static void exec_connect(struct sim_op *op)
{
	struct rw_sim *s = op->end->sim;
	struct sim_event ev = {.what = SIM_SYN, .op = op, .at = s->now + sim_latency(s)};

	if (sim_chance(s, s->knobs.slow_connect))
		ev.at += sim_below(s, slow_connect_ns);
	sim_push(s, &ev);
}

static void took_syn(struct sim_op *op)
{
	struct sim_sock *k = op->sock, *to, *c;
	struct rw_sim *s = op->end->sim;

	if (op->over)
		return;
	to = find_listener(s, &op->addr);
	if (!to || sim_chance(s, s->knobs.refuse)) {
		sim_complete(op, RW_ECLOSED, false, NULL);
		return;
	}
	c = sim_sock_new(to->end);
	c->connected = k->connected = true;
	c->peer = k;
	k->peer = c;
	k->local.in4.sin_port = htons(s->next_port++);
	k->remote = op->addr;
	c->local = op->addr;
	c->remote = k->local;
	op->last_at = s->now + sim_latency(s); /* the answer's way back */
	sim_complete(op, RW_OK, false, NULL);
	STAILQ_INSERT_TAIL(&to->backlog, c, backlog_link);
	pump_accept(to);
}

static void close_sock(struct sim_sock *k, bool reset)
{
	struct sim_sock *c;

	k->closed = true;
	k->end->sim->fds[k->fd] = NULL;
	while ((c = STAILQ_FIRST(&k->backlog))) {
		STAILQ_REMOVE_HEAD(&k->backlog, backlog_link);
		close_sock(c, true);
	}
	if (!k->peer || k->peer->closed)
		return;
	if (reset || k->arrived || k->travelling)
		send_event(k->peer, SIM_RST, 0);
	else if (!k->fin_sent)
		send_event(k->peer, SIM_FIN, 0);
	k->fin_sent = true;
}

static void exec_shutdown(struct sim_op *op)
{
	struct sim_sock *k = op->sock;

	if (k->reset) {
		sim_complete(op, RW_ECLOSED, false, NULL);
		return;
	}
	if (!k->fin_sent && !k->peer->closed)
		send_event(k->peer, SIM_FIN, 0);
	k->fin_sent = true;
	sim_complete(op, RW_OK, false, NULL);
}

static void exec_cancel(struct sim_op *op)
{
	struct rw_sim *s = op->end->sim;
	struct sim_op *t;

	TAILQ_FOREACH(t, &op->end->in_flight, link)
	{
		if (t->tag == op->target)
			break;
	}
	if (!t || t->over) {
		sim_complete(op, RW_ENOTFOUND, false, NULL);
	} else if (sim_chance(s, s->knobs.cancel_missed)) {
		sim_complete(op, RW_EAGAIN, false, NULL);
	} else {
		/* Which of the two comes first is for lateness to decide. */
		sim_complete(t, RW_IO_CANCELLED, false, NULL);
		sim_complete(op, RW_OK, false, NULL);
	}
}

/* A disk is no network, but it has its time as well. */
static void exec_sync(struct sim_op *op)
{
	struct rw_sim *s = op->end->sim;
	bool fails = sim_chance(s, s->knobs.sync_fails);
	struct stat st;

	fails |= fstat(op->file, &st) != 0;
	if (!fails)
		s->synced_bytes = (uint64_t)st.st_size;
	op->last_at = s->now + sim_latency(s);
	sim_complete(op, fails ? RW_EIO : RW_OK, false, NULL);
}

void sim_exec(struct sim_op *op)
{
	if (op->over)
		return;
	switch (rw_io_tag_op(op->tag)) {
	case RW_IO_ACCEPT:
		pump_accept(op->sock);
		break;
	case RW_IO_CONNECT:
		exec_connect(op);
		break;
	case RW_IO_RECV:
		pump_recv(op->sock);
		break;
	case RW_IO_SEND:
		exec_send(op);
		break;
	case RW_IO_SHUTDOWN:
		exec_shutdown(op);
		break;
	case RW_IO_NONE:
	case RW_IO_CLOSE:
	case RW_IO_CLOSE_LISTENER:
		close_sock(op->sock, op->reset);
		sim_complete(op, RW_OK, false, NULL);
		break;
	case RW_IO_SYNC:
		exec_sync(op);
		break;
	default:
		exec_cancel(op);
	}
}

/* Bytes for a socket that is closed are answered with RST. */
static void took_bytes(struct sim_sock *k, uint32_t n)
{
	k->travelling -= n;
	if (k->closed) {
		if (!k->peer->closed)
			send_event(k->peer, SIM_RST, 0);
		return;
	}
	if (k->reset)
		return;
	k->arrived += n;
	pump_recv(k);
}

void sim_happen(struct rw_sim *s, const struct sim_event *ev)
{
	struct sim_sock *k = ev->sock;

	(void)s;
	if (ev->what == SIM_SYN) {
		took_syn(ev->op);
		return;
	}
	if (ev->what == SIM_BYTES) {
		took_bytes(k, ev->n);
		return;
	}
	if (k->closed)
		return;
	switch (ev->what) {
	case SIM_FIN:
		k->fin_arrived = true;
		pump_recv(k);
		break;
	case SIM_RST:
		took_reset(k);
		break;
	default: /* SIM_WINDOW */
		if (k->op[RW_IO_SEND])
			sim_exec(k->op[RW_IO_SEND]);
	}
}
