/* SPDX-License-Identifier: Apache-2.0 */
/* Lazy sends on the real io_uring: which of them wake the loop, and that each ends as a plain one.
 */
#include "unit/ring/pair.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ring/internal.h"
#include "ring/uring_int.h"

/* --- at the seam ----------------------------------------------------------------------- */

enum { LOTS = 4 << 20 };

/* A connection whose one end, fd[0], is sent to by the ring. */
struct seam {
	struct rw_io *io;
	int fd[2];
	uint64_t tag;
	unsigned told; /* completions of the kernel's */
};

/* small: a socket's own buffer holds little. */
static void tcp_pair(int fd[2], bool small)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);
	int ls = socket(AF_INET, SOCK_STREAM, 0), bytes = 8192;

	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(ls, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(ls, 1), 0);
	assert_int_equal(getsockname(ls, (struct sockaddr *)&at, &n), 0);
	if (small)
		assert_int_equal(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)),
				 0);
	assert_int_equal(connect(fd[0], (struct sockaddr *)&at, n), 0);
	fd[1] = accept(ls, NULL, NULL);
	assert_true(fd[1] >= 0);
	close(ls);
}

static void seam_begin(struct seam *s, bool small)
{
	struct rw_error e = {0};
	struct rw_io_done d[4];

	*s = (struct seam){.tag = rw_io_tag(0, 0, RW_IO_SEND)};
	if (rw_uring_new(&s->io, 8, 4, 64, &e))
		fail_msg("%s", e.text);
	assert_int_equal(s->io->ops->wait(s->io, 0, d, 4), 0);
	tcp_pair(s->fd, small);
}

static void seam_end(struct seam *s)
{
	s->io->ops->destroy(s->io);
	close(s->fd[0]);
	if (s->fd[1] >= 0)
		close(s->fd[1]);
}

/* What the send ended with; fails where it has not ended. */
static int ended(struct seam *s, bool lazy, const struct iovec *iov, unsigned n)
{
	struct rw_uring *u = rw_uring_of(s->io);
	unsigned before = *u->ring.cq.ktail;
	struct rw_io_done d[4];

	s->io->ops->send(s->io, s->fd[0], iov, n, lazy, s->tag);
	assert_int_equal(s->io->ops->wait(s->io, 0, d, 4), 1);
	assert_true(d[0].tag == s->tag);
	assert_false(d[0].more);
	s->told = *u->ring.cq.ktail - before;
	return d[0].res;
}

static void fill(struct seam *s)
{
	static uint8_t bytes[65536];

	while (send(s->fd[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

static size_t read_all(struct seam *s)
{
	static uint8_t bytes[65536];
	size_t all = 0;
	ssize_t n;

	while ((n = recv(s->fd[1], bytes, sizeof(bytes), 0)) > 0)
		all += (size_t)n;
	return all;
}

/* Else the completion of each send ends a wait that is for the answer. */
static void what_goes_whole_is_told_without_a_completion(void **state)
{
	struct iovec iov[] = {{"hello, ", 7}, {"world", 5}};
	char got[16];
	struct seam s;

	(void)state;
	seam_begin(&s, false);
	assert_int_equal(ended(&s, true, iov, 1), 7);
	assert_int_equal(s.told, 0);
	assert_int_equal(ended(&s, true, iov, 2), 12); /* by sendmsg */
	assert_int_equal(s.told, 0);
	assert_int_equal(ended(&s, false, iov + 1, 1), 5);
	assert_int_equal(s.told, 1);
	shutdown(s.fd[0], SHUT_WR);
	assert_int_equal(recv(s.fd[1], got, sizeof(got), MSG_WAITALL), 16);
	assert_memory_equal(got, "hello, hello, wo", 16);
	seam_end(&s);
}

/* A part that is taken for the whole is a hole in the stream. */
static void what_goes_in_part_tells_how_much(void **state)
{
	struct iovec iov = {calloc(1, LOTS), LOTS}, half = {iov.iov_base, LOTS / 2};
	struct iovec two[] = {half, half};
	size_t sent;
	struct seam s;

	(void)state;
	assert_non_null(iov.iov_base);
	for (unsigned n = 1; n <= 2; n++) {
		seam_begin(&s, true);
		sent = (size_t)ended(&s, true, n == 1 ? &iov : two, n);
		assert_true(sent > 0 && sent < LOTS);
		assert_int_equal(s.told, 1);
		shutdown(s.fd[0], SHUT_WR);
		assert_int_equal(read_all(&s), sent); /* and nothing is sent on behind our back */
		seam_end(&s);
	}
	free(iov.iov_base);
}

/* It would wait in the kernel, and nobody would know. */
static void where_there_is_no_room_it_says_so(void **state)
{
	struct iovec iov = {"hello", 5};
	struct rw_io_done d[4];
	struct seam s;

	(void)state;
	seam_begin(&s, true);
	fill(&s);
	assert_int_equal(ended(&s, true, &iov, 1), RW_EAGAIN);
	assert_int_equal(s.told, 1);
	/* The plain one that is started then waits, and ends when there is room. */
	s.io->ops->send(s.io, s.fd[0], &iov, 1, false, s.tag);
	assert_int_equal(s.io->ops->wait(s.io, 0, d, 4), 0);
	for (int n = 0; n == 0;) {
		static uint8_t bytes[65536];

		assert_true(recv(s.fd[1], bytes, sizeof(bytes), 0) > 0);
		n = s.io->ops->wait(s.io, 1000000, d, 4);
	}
	assert_int_equal(d[0].res, 5);
	seam_end(&s);
}

static void where_the_peer_is_gone_it_fails(void **state)
{
	const struct linger now = {.l_onoff = 1};
	struct iovec iov = {"hello", 5};
	struct seam s;

	(void)state;
	for (int lazy = 0; lazy < 2; lazy++) {
		seam_begin(&s, false);
		assert_int_equal(setsockopt(s.fd[1], SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
		close(s.fd[1]);
		s.fd[1] = -1;
		assert_int_equal(ended(&s, lazy, &iov, 1), RW_ECLOSED);
		assert_int_equal(s.told, 1);
		seam_end(&s);
	}
}

/* Of many in one turn, one that fails is found among those that did not. */
static void one_failure_among_many_is_its_own(void **state)
{
	enum { N = 5, BAD = 2 };
	struct iovec iov = {"hello", 5};
	struct rw_io_done d[2 * N];
	struct seam s[N];

	(void)state;
	for (unsigned i = 0; i < N; i++)
		seam_begin(&s[i], false);
	shutdown(s[BAD].fd[0], SHUT_WR);
	for (unsigned i = 0; i < N; i++)
		s[0].io->ops->send(s[0].io, s[i].fd[0], &iov, 1, true, rw_io_tag(i, 7, RW_IO_SEND));
	assert_int_equal(s[0].io->ops->wait(s[0].io, 0, d, 2 * N), N);
	for (unsigned seen = 0, i = 0; i < N; i++) {
		uint32_t slot = rw_io_tag_slot(d[i].tag);

		assert_false(seen >> slot & 1); /* each once */
		seen |= 1u << slot;
		assert_int_equal(rw_io_tag_generation(d[i].tag), 7);
		assert_int_equal(d[i].res, slot == BAD ? RW_ECLOSED : 5);
	}
	for (unsigned i = 0; i < N; i++)
		seam_end(&s[i]);
}

/* --- sockets --------------------------------------------------------------------------- */

enum { PIECE = 40000, PIECES = 50 };

struct feed {
	const uint8_t *at;
	unsigned pieces;
};

static void next_piece(struct peer *p)
{
	struct feed *f = p->more;

	if (!f->pieces || rw_sock_queued(p->sock))
		return;
	assert_int_equal(rw_sock_send(p->sock, f->at, PIECE), RW_OK);
	f->at += PIECE;
	f->pieces--;
}

static void stop_receiving(struct peer *p, const uint8_t *data, size_t n)
{
	(void)data;
	(void)n;
	rw_sock_recv(p->sock, false);
}

/* A receiver that pauses at every piece, and a sender without much room: short sends, and none. */
static void a_slow_receiver_gets_every_byte(void **state)
{
	uint8_t *bytes = pattern((size_t)PIECES * PIECE, 9);
	int small = 8192;

	(void)state;
	for (int lazy = 0; lazy < 2; lazy++) {
		struct feed f = {bytes, PIECES};
		struct peer c = {.on_drain = next_piece, .more = &f}, *a;
		unsigned no_room = 0;
		struct pair w;

		pair_begin(&w, NULL);
		pair_connect(&w, &c);
		pair_until(&w, w.n_accepted == 1 && c.connects == 1);
		a = &w.accepted[0];
		a->on_data = stop_receiving;
		assert_int_equal(
			setsockopt(c.sock->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
		rw_sock_lazy(c.sock, lazy);
		next_piece(&c);
		while (a->n_got < (size_t)PIECES * PIECE) {
			size_t before = a->n_got;

			for (unsigned i = 0; i < 5; i++) {
				pair_turn(&w);
				no_room += c.sock->no_room;
			}
			rw_sock_recv(a->sock, true);
			pair_until(&w, a->n_got > before);
		}
		assert_memory_equal(a->got, bytes, (size_t)PIECES * PIECE);
		pair_until(&w, rw_sock_queued(c.sock) == 0 && c.drains >= PIECES);
		assert_true(rw_loop_stats(w.client)->short_sends > 0);
		assert_true((no_room > 0) == (lazy != 0));
		assert_int_equal(rw_loop_stats(w.client)->queued_bytes, 0);
		pair_end(&w);
		assert_int_equal(c.close_err, RW_OK);
		peer_end(&c);
	}
	free(bytes);
}

/* What is shut behind a lazy send waits for its end, which nothing else tells. */
static void fin_goes_behind_a_lazy_send(void **state)
{
	struct peer c = {0};
	struct pair w;

	(void)state;
	pair_open(&w, &c);
	rw_sock_lazy(c.sock, true);
	assert_int_equal(rw_sock_send(c.sock, "hello", 5), RW_OK);
	assert_int_equal(rw_loop_turn(w.client, 0), RW_OK);
	rw_sock_shutdown(c.sock);
	pair_until(&w, w.accepted[0].eofs == 1);
	assert_int_equal(w.accepted[0].n_got, 5);
	pair_end(&w);
	peer_end(&c);
}

static int close_err_of_a_sender(bool lazy)
{
	struct peer c = {0};
	struct pair w;
	int err;

	pair_open(&w, &c);
	rw_sock_lazy(c.sock, lazy);
	assert_int_equal(rw_sock_send(c.sock, "hello", 5), RW_OK);
	rw_sock_recv(w.accepted[0].sock, false); /* unread bytes: RST, not FIN */
	pair_turns(&w, 5);
	rw_sock_abort(w.accepted[0].sock);
	for (unsigned i = 0; c.closes == 0; i++) {
		assert_true(i < 10000);
		(void)rw_sock_send(c.sock, "hello", 5);
		pair_turn(&w);
	}
	err = c.close_err;
	pair_end(&w);
	peer_end(&c);
	return err;
}

static void a_peer_that_is_gone_ends_both_alike(void **state)
{
	(void)state;
	assert_int_equal(close_err_of_a_sender(false), RW_ECLOSED);
	assert_int_equal(close_err_of_a_sender(true), RW_ECLOSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_whole_is_told_without_a_completion),
		cmocka_unit_test(what_goes_in_part_tells_how_much),
		cmocka_unit_test(where_there_is_no_room_it_says_so),
		cmocka_unit_test(where_the_peer_is_gone_it_fails),
		cmocka_unit_test(one_failure_among_many_is_its_own),
		cmocka_unit_test(a_slow_receiver_gets_every_byte),
		cmocka_unit_test(fin_goes_behind_a_lazy_send),
		cmocka_unit_test(a_peer_that_is_gone_ends_both_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
