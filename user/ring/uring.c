/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/uring_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ring/poison.h"

enum {
	BACKLOG = 1024,
	BUFFER_GROUP = 0,
};

static const struct {
	int from;
	int to;
} errors[] = {
	{ECANCELED, RW_IO_CANCELLED},
	{ENOBUFS, RW_IO_STARVED},
	{EMFILE, RW_IO_NOFILES},
	{ENFILE, RW_IO_NOFILES},
	{ECONNRESET, RW_ECLOSED},
	{EPIPE, RW_ECLOSED},
	{ENOTCONN, RW_ECLOSED},
	{ECONNABORTED, RW_ECLOSED},
	{ECONNREFUSED, RW_ECLOSED},
	{ETIMEDOUT, RW_ETIMEOUT},
	{ENOENT, RW_ENOTFOUND},
	{EALREADY, RW_EAGAIN},
	{EAGAIN, RW_EAGAIN},
	{EINTR, RW_IO_CANCELLED}, /* a splice that a cancel found at work */
	{EPERM, RW_EPERM},
	{EACCES, RW_EPERM},
	{EADDRINUSE, RW_EBUSY},
	{EADDRNOTAVAIL, RW_ENOTFOUND},
	{ENOMEM, RW_ENOMEM},
	{EAFNOSUPPORT, RW_EUNSUP},
	{EINVAL, RW_EINVAL},
	{EBUSY, RW_EBUSY},
	{EEXIST, RW_EEXIST},
	{ENOPROTOOPT, RW_EUNSUP},
	{EOPNOTSUPP, RW_EUNSUP},
	{EKEYEXPIRED, RW_IO_NO_KEY},
	/* Of kernel TLS: a record that does not fit its tag, or is too long. */
	{EBADMSG, RW_EPROTO},
	{EMSGSIZE, RW_EPROTO},
};

/* err is positive. What is not in the table is the operating system's refusal. */
int rw_uring_error(int err)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].from == err)
			return errors[i].to;
	return RW_EIO;
}

/* --- what needs no ring ---------------------------------------------------------------- */

static int listen_error(int err, const struct rw_addr *addr, struct rw_error *e)
{
	char text[RW_ADDR_TEXT];
	int code = rw_uring_error(err);

	rw_addr_text(addr, true, text);
	switch (code) {
	case RW_EBUSY:
		return rw_fail(e, code,
			       "cannot listen on %s: another process listens there; stop it or "
			       "choose another port (ss -ltnp shows who it is)",
			       text);
	case RW_EPERM:
		return rw_fail(e, code,
			       "cannot listen on %s: ports below 1024 need CAP_NET_BIND_SERVICE; "
			       "grant it or choose a higher port",
			       text);
	case RW_ENOTFOUND:
		return rw_fail(e, code,
			       "cannot listen on %s: no interface of this host has that address",
			       text);
	default:
		return rw_fail(e, code, "cannot listen on %s: %s", text, strerror(err));
	}
}

static int set_flag(int fd, int level, int name)
{
	int one = 1;

	return setsockopt(fd, level, name, &one, sizeof(one));
}

static int uring_listen(struct rw_io *io, struct rw_addr *addr, int *out, struct rw_error *e)
{
	int err, fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

	(void)io;
	if (fd < 0)
		return listen_error(errno, addr, e);
	/* What is accepted inherits TCP_NODELAY: no system call per connection. */
	if (set_flag(fd, SOL_SOCKET, SO_REUSEADDR) || set_flag(fd, SOL_SOCKET, SO_REUSEPORT) ||
	    set_flag(fd, IPPROTO_TCP, TCP_NODELAY) ||
	    (addr->sa.sa_family == AF_INET6 && set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY)) ||
	    bind(fd, &addr->sa, addr->len) || listen(fd, BACKLOG) ||
	    getsockname(fd, &addr->sa, &addr->len)) {
		err = errno;
		close(fd);
		return listen_error(err, addr, e);
	}
	*out = fd;
	return RW_OK;
}

static int uring_socket(struct rw_io *io, const struct rw_addr *addr)
{
	int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

	(void)io;
	if (fd < 0)
		return rw_uring_error(errno);
	(void)set_flag(fd, IPPROTO_TCP, TCP_NODELAY); /* cannot fail on a TCP socket */
	return fd;
}

static int uring_peer(struct rw_io *io, int fd, struct rw_addr *out)
{
	(void)io;
	out->len = sizeof(out->in6);
	return getpeername(fd, &out->sa, &out->len) ? rw_uring_error(errno) : RW_OK;
}

static int uring_set_option(struct rw_io *io, int fd, int level, int name, const void *value,
			    size_t n)
{
	(void)io;
	return setsockopt(fd, level, name, value, (socklen_t)n) ? rw_uring_error(errno) : RW_OK;
}

/* --- operations ------------------------------------------------------------------------ */

/* More was started in one turn than fits: one more system call makes room. */
static void submit_early(struct rw_uring *u)
{
	RW_BUG_ON(rw_uring_enable(u) != RW_OK);
	for (int attempt = 0; io_uring_sq_ready(&u->ring); attempt++) {
		RW_BUG_ON(attempt == 1000); /* the kernel has had no memory for that long */
		io_uring_submit(&u->ring);
	}
	u->n_msgs = 0;
}

struct io_uring_sqe *rw_uring_sqe(struct rw_uring *u)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	if (!sqe) {
		submit_early(u);
		sqe = io_uring_get_sqe(&u->ring);
	}
	RW_BUG_ON(!sqe);
	return sqe;
}

static void uring_accept(struct rw_io *io, int fd, uint64_t tag)
{
	struct io_uring_sqe *sqe = rw_uring_sqe(rw_uring_of(io));

	io_uring_prep_multishot_accept(sqe, fd, NULL, NULL, SOCK_CLOEXEC);
	io_uring_sqe_set_data64(sqe, tag);
}

static void uring_connect(struct rw_io *io, int fd, const struct rw_addr *addr, uint64_t tag)
{
	struct io_uring_sqe *sqe = rw_uring_sqe(rw_uring_of(io));

	io_uring_prep_connect(sqe, fd, &addr->sa, addr->len);
	io_uring_sqe_set_data64(sqe, tag);
}

static void uring_recv(struct rw_io *io, int fd, uint64_t tag)
{
	struct io_uring_sqe *sqe = rw_uring_sqe(rw_uring_of(io));

	io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = BUFFER_GROUP;
	io_uring_sqe_set_data64(sqe, tag);
}

static void uring_recv_some(struct rw_io *io, int fd, size_t n, uint64_t tag)
{
	struct io_uring_sqe *sqe = rw_uring_sqe(rw_uring_of(io));

	io_uring_prep_recv(sqe, fd, NULL, n, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = BUFFER_GROUP;
	io_uring_sqe_set_data64(sqe, tag);
}

/*
 * Plain recv would end at each record that is not data, with EIO and nothing. With room for
 * the type, each change of it begins a completion of its own.
 */
static void uring_recv_records(struct rw_io *io, int fd, uint64_t tag)
{
	static struct msghdr head = {.msg_controllen = RW_RECORD_CONTROL};
	struct io_uring_sqe *sqe = rw_uring_sqe(rw_uring_of(io));

	io_uring_prep_recvmsg_multishot(sqe, fd, &head, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = BUFFER_GROUP;
	io_uring_sqe_set_data64(sqe, tag);
}

/* A message with more than one piece, or of a type. The kernel copies all of it when it is
 * submitted. */
static struct io_uring_sqe *put_message(struct rw_uring *u, int fd, uint8_t type,
					const struct iovec *iov, unsigned n, int flags)
{
	struct io_uring_sqe *sqe = rw_uring_sqe(u);
	struct rw_uring_msg *m = &u->msgs[u->n_msgs++];
	struct cmsghdr *c;

	memcpy(m->iov, iov, n * sizeof(*iov));
	m->head = (struct msghdr){.msg_iov = m->iov, .msg_iovlen = n};
	if (type) {
		m->head.msg_control = m->control;
		m->head.msg_controllen = sizeof(m->control);
		c = CMSG_FIRSTHDR(&m->head);
		c->cmsg_level = SOL_TLS;
		c->cmsg_type = TLS_SET_RECORD_TYPE;
		c->cmsg_len = CMSG_LEN(1);
		*CMSG_DATA(c) = type;
	}
	io_uring_prep_sendmsg(sqe, fd, &m->head, (unsigned)flags);
	return sqe;
}

static void make_room_for_messages(struct rw_uring *u)
{
	if (u->n_msgs == RW_URING_MSGS)
		submit_early(u);
}

static void uring_send_record(struct rw_io *io, int fd, uint8_t type, const struct iovec *iov,
			      unsigned n, uint64_t tag)
{
	struct rw_uring *u = rw_uring_of(io);

	io_uring_sqe_set_data64(put_message(u, fd, type, iov, n, MSG_NOSIGNAL), tag);
	make_room_for_messages(u);
}

/*
 * No completion where all of it went. MSG_WAITALL makes less of it a failure, which completes, and
 * MSG_DONTWAIT too little room, instead of a wait for more.
 */
static void be_lazy(struct rw_uring *u, struct io_uring_sqe *sqe, const struct iovec *iov,
		    unsigned n, uint64_t tag)
{
	struct rw_uring_lazy *z = &u->lazy[u->n_lazy++];

	*z = (struct rw_uring_lazy){.tag = tag};
	for (unsigned i = 0; i < n; i++)
		z->bytes += (int32_t)iov[i].iov_len;
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

static void uring_send(struct rw_io *io, int fd, const struct iovec *iov, unsigned n, bool lazy,
		       uint64_t tag)
{
	struct rw_uring *u = rw_uring_of(io);
	struct io_uring_sqe *sqe;
	int flags = MSG_NOSIGNAL;

	lazy = lazy && u->n_lazy < RW_URING_LAZY;
	if (lazy)
		flags |= MSG_DONTWAIT | MSG_WAITALL;
	if (n > 1) {
		sqe = put_message(u, fd, 0, iov, n, flags);
	} else {
		sqe = rw_uring_sqe(u);
		io_uring_prep_send(sqe, fd, iov->iov_base, iov->iov_len, flags);
	}
	if (lazy)
		be_lazy(u, sqe, iov, n, tag);
	io_uring_sqe_set_data64(sqe, tag);
	make_room_for_messages(u);
}

static void uring_readable(struct rw_io *io, int fd, uint64_t tag)
{
	struct io_uring_sqe *sqe = rw_uring_sqe(rw_uring_of(io));

	io_uring_prep_poll_add(sqe, fd, POLLIN);
	io_uring_sqe_set_data64(sqe, tag);
}

static int uring_pipe(struct rw_io *io, int fd[2])
{
	(void)io;
	return pipe2(fd, O_CLOEXEC) ? rw_uring_error(errno) : RW_OK;
}

/* The kernel does these on a thread of its own, always: one that waits keeps nobody. */
static void uring_splice(struct rw_io *io, int from, int to, size_t n, bool wait, uint64_t tag)
{
	struct io_uring_sqe *sqe = rw_uring_sqe(rw_uring_of(io));

	io_uring_prep_splice(sqe, from, -1, to, -1, (unsigned)n, wait ? 0 : SPLICE_F_NONBLOCK);
	io_uring_sqe_set_data64(sqe, tag);
}

static void uring_shutdown(struct rw_io *io, int fd, uint64_t tag)
{
	struct io_uring_sqe *sqe = rw_uring_sqe(rw_uring_of(io));

	io_uring_prep_shutdown(sqe, fd, SHUT_WR);
	io_uring_sqe_set_data64(sqe, tag);
}

static void uring_cancel(struct rw_io *io, uint64_t target, uint64_t tag)
{
	struct io_uring_sqe *sqe = rw_uring_sqe(rw_uring_of(io));

	/* By tag: a look-up. By descriptor the kernel would walk every armed operation. */
	io_uring_prep_cancel64(sqe, target, 0);
	io_uring_sqe_set_data64(sqe, tag);
}

static void uring_close(struct rw_io *io, int fd, bool reset, uint64_t tag)
{
	struct io_uring_sqe *sqe = rw_uring_sqe(rw_uring_of(io));
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	if (reset)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	io_uring_prep_close(sqe, fd);
	io_uring_sqe_set_data64(sqe, tag);
}

/* The kernel does these on a thread of its own, too. */
static void uring_sync(struct rw_io *io, int fd, uint64_t tag)
{
	struct io_uring_sqe *sqe = rw_uring_sqe(rw_uring_of(io));

	io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
	io_uring_sqe_set_data64(sqe, tag);
}

static void uring_abandon(struct rw_io *io, int fd)
{
	(void)io;
	close(fd);
}

/* --- buffers --------------------------------------------------------------------------- */

static void put_buffer(struct rw_uring *u, uint16_t id)
{
	uint8_t *p = u->mem + (size_t)id * u->io.recv_buffer_bytes;

	rw_poison(p, u->io.recv_buffer_bytes);
	io_uring_buf_ring_add(u->bufs, p, u->io.recv_buffer_bytes, id,
			      io_uring_buf_ring_mask(u->io.recv_buffers), 0);
	io_uring_buf_ring_advance(u->bufs, 1);
	u->in_ring++;
}

/* Brings the ring up to its level. */
void rw_uring_fill(struct rw_uring *u)
{
	while (u->in_ring < u->level && u->n_spare)
		put_buffer(u, u->spare[--u->n_spare]);
}

static void uring_give_back(struct rw_io *io, unsigned buffer)
{
	struct rw_uring *u = rw_uring_of(io);

	RW_BUG_ON(buffer >= io->recv_buffers || u->n_spare + u->in_ring >= io->recv_buffers);
	if (u->in_ring < u->level) {
		put_buffer(u, (uint16_t)buffer);
		return;
	}
	rw_poison(u->mem + (size_t)buffer * io->recv_buffer_bytes, io->recv_buffer_bytes);
	u->spare[u->n_spare++] = (uint16_t)buffer;
}

/* --- time and chance ------------------------------------------------------------------- */

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t rw_uring_now(struct rw_io *io)
{
	(void)io;
	return clock_ns(CLOCK_MONOTONIC);
}

static uint64_t uring_wall(struct rw_io *io)
{
	(void)io;
	return clock_ns(CLOCK_REALTIME) / 1000000;
}

/* splitmix64, seeded by getrandom. */
static uint64_t uring_random(struct rw_io *io)
{
	uint64_t z = rw_uring_of(io)->random += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

const struct rw_io_ops rw_uring_ops = {
	.listen = uring_listen,
	.socket = uring_socket,
	.peer = uring_peer,
	.set_option = uring_set_option,
	.accept = uring_accept,
	.connect = uring_connect,
	.recv = uring_recv,
	.recv_some = uring_recv_some,
	.recv_records = uring_recv_records,
	.send = uring_send,
	.send_record = uring_send_record,
	.readable = uring_readable,
	.pipe = uring_pipe,
	.splice = uring_splice,
	.shutdown = uring_shutdown,
	.cancel = uring_cancel,
	.close = uring_close,
	.sync = uring_sync,
	.abandon = uring_abandon,
	.give_back = uring_give_back,
	.wait = rw_uring_wait,
	.hurry = rw_uring_hurry,
	.wake = rw_uring_wake,
	.now_ns = rw_uring_now,
	.wall_ms = uring_wall,
	.random = uring_random,
	.destroy = rw_uring_destroy,
};
