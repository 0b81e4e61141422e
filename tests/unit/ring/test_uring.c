/* SPDX-License-Identifier: Apache-2.0 */
/* What only the real kernel can show: threads, restrictions, refusals, socket options. */
#include "unit/ring/pair.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ring/internal.h"
#include "ring/uring_int.h"

/* --- threads --------------------------------------------------------------------------- */

enum { POSTERS = 3, POSTS = 2000 };

struct threads {
	struct rw_loop *loop;
	atomic_uint next_poster;
	unsigned seen[POSTERS];
	unsigned total;
	struct rw_timer timer;
	bool fired;
};

struct letter {
	struct threads *x;
	unsigned poster, number;
};

static void got_letter(void *arg)
{
	struct letter *m = arg;
	struct threads *x = m->x;

	assert_int_equal(m->number, x->seen[m->poster]);
	x->seen[m->poster]++;
	x->total++;
	free(m);
}

static void *poster_main(void *arg)
{
	struct threads *x = arg;
	unsigned me = atomic_fetch_add(&x->next_poster, 1);

	for (unsigned i = 0; i < POSTS; i++) {
		struct letter *m = malloc(sizeof(*m));

		if (!m)
			abort();
		*m = (struct letter){x, me, i};
		while (rw_loop_post(x->loop, got_letter, m) == RW_ENOMEM)
			usleep(100); /* at its bound the mailbox says so */
	}
	return NULL;
}

static void *loop_main(void *arg)
{
	struct threads *x = arg;

	return (void *)(intptr_t)rw_loop_run(x->loop);
}

static void stop_loop(void *arg)
{
	rw_loop_stop(arg);
}

static void on_timer(void *arg)
{
	struct threads *x = arg;

	x->fired = true;
}

static struct rw_loop *looking_loop(uint64_t spin_ns)
{
	struct rw_error e = {0};
	struct rw_loop *l;
	struct rw_io *io;

	if (rw_uring_new(&io, 64, 0, 0, &e) || rw_loop_new(&l, io, NULL, &e))
		fail_msg("%s", e.text);
	rw_uring_spin(io, spin_ns);
	return l;
}

static struct rw_loop *uring_loop(void)
{
	return looking_loop(0);
}

static void post_to(struct rw_loop *l)
{
	struct threads x = {.loop = l};
	pthread_t posters[POSTERS], runner;
	void *rc;

	pthread_create(&runner, NULL, loop_main, &x);
	for (unsigned i = 0; i < POSTERS; i++)
		pthread_create(&posters[i], NULL, poster_main, &x);
	for (unsigned i = 0; i < POSTERS; i++)
		pthread_join(posters[i], NULL);
	assert_int_equal(rw_loop_post(x.loop, stop_loop, x.loop), RW_OK);
	pthread_join(runner, &rc);
	assert_ptr_equal(rc, NULL);
	assert_int_equal(x.total, POSTERS * POSTS);
	/* The thread that ran it is gone; freeing from here works all the same. */
	rw_loop_free(x.loop);
}

/* Made in one thread, run in another, posted to from three: in order, and a post wakes it. */
static void post_from_other_thread(void **state)
{
	(void)state;
	post_to(uring_loop());
}

/* The same where the thread looks before it sleeps: what comes between the two is not slept over.
 */
static void a_thread_that_looks_first_is_woken_too(void **state)
{
	(void)state;
	post_to(looking_loop(1000));
	post_to(looking_loop(1000000));
}

struct handover {
	struct rw_loop *loop;
	struct peer server, client;
	struct rw_listener *listener;
};

static void handover_accept(void *user, struct rw_sock *s, const struct rw_addr *from)
{
	struct handover *h = user;

	(void)from;
	h->server.sock = s;
	rw_sock_bind(s, &peer_cb, &h->server);
	rw_loop_stop(h->loop);
}

/* Sockets that are open when their thread has ended are closed, and on_close is called. */
static void free_after_the_thread_ended(void **state)
{
	struct handover h = {.loop = uring_loop()};
	struct threads x = {.loop = h.loop};
	struct rw_error e = {0};
	struct rw_addr a;
	pthread_t runner;
	void *rc;

	(void)state;
	assert_int_equal(rw_addr_parse("127.0.0.1:0", &a, &e), RW_OK);
	assert_int_equal(rw_listener_start(h.loop, &a, handover_accept, &h, &h.listener, &e),
			 RW_OK);
	h.client.sock = rw_sock_connect(h.loop, rw_listener_addr(h.listener), &peer_cb, &h.client);
	pthread_create(&runner, NULL, loop_main, &x);
	pthread_join(runner, &rc);
	assert_ptr_equal(rc, NULL);
	assert_non_null(h.server.sock);
	rw_loop_free(h.loop);
	assert_int_equal(h.server.closes, 1);
	assert_int_equal(h.client.closes, 1);
	peer_end(&h.server);
	peer_end(&h.client);
}

static void wait_for_timer(struct rw_loop *l)
{
	struct threads x = {.loop = l};

	rw_timer_set(x.loop, &x.timer, rw_loop_now(x.loop) + 3000000, on_timer, &x);
	while (!x.fired)
		assert_int_equal(rw_loop_turn(x.loop, UINT64_MAX), RW_OK);
	assert_true(rw_loop_now(x.loop) >= x.timer.when_ns);
}

/* A loop that waits for a connection that says nothing still fires its timers. */
static void timers_fire_without_completions(void **state)
{
	struct rw_loop *l = uring_loop();

	(void)state;
	wait_for_timer(l);
	rw_loop_free(l);
}

/* Looking covers at most what is left until a timer, and never more than its bound. */
static void timers_fire_while_the_thread_looks(void **state)
{
	struct rw_loop *l = looking_loop(10000000);

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		wait_for_timer(l);
	rw_loop_free(l);
}

/* --- the ring -------------------------------------------------------------------------- */

/* A ring that a bug or an intruder could use to open files would be a hole. */
static void other_operations_are_refused(void **state)
{
	struct rw_error e = {0};
	struct rw_io_done d[4];
	struct io_uring_cqe *cqe;
	struct rw_uring *u;
	struct rw_io *io;

	(void)state;
	assert_int_equal(rw_uring_new(&io, 8, 4, 64, &e), RW_OK);
	assert_int_equal(io->ops->wait(io, 0, d, 4), 0);
	u = rw_uring_of(io);
	io_uring_prep_openat(io_uring_get_sqe(&u->ring), AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
	io_uring_submit(&u->ring);
	assert_int_equal(io_uring_wait_cqe(&u->ring, &cqe), 0);
	assert_int_equal(cqe->res, -EACCES);
	io_uring_cqe_seen(&u->ring, cqe);
	/* And nothing more can be registered. */
	assert_int_equal(io_uring_register_files_sparse(&u->ring, 1), -EACCES);
	io->ops->destroy(io);
}

/* More operations in one turn than the ring holds: they go out early, none is lost. */
static void more_than_entries_in_one_turn(void **state)
{
	enum { PEERS = 40, BYTES = 40000 };
	struct peer c[PEERS] = {0};
	uint8_t *bytes = pattern(BYTES, 1);
	struct rw_error e = {0};
	struct pair w = {0};
	struct rw_io *io;

	(void)state;
	assert_int_equal(rw_uring_new(&io, 4, 16, 4096, &e), RW_OK);
	assert_int_equal(rw_loop_new(&w.server, io, NULL, &e), RW_OK);
	assert_int_equal(rw_uring_new(&io, 4, 16, 4096, &e), RW_OK);
	assert_int_equal(rw_loop_new(&w.client, io, NULL, &e), RW_OK);
	assert_int_equal(rw_addr_parse("[::1]:0", &w.addr, &e), RW_OK);
	assert_int_equal(rw_listener_start(w.server, &w.addr, pair_on_accept, &w, &w.listener, &e),
			 RW_OK);
	w.addr = *rw_listener_addr(w.listener);
	for (unsigned i = 0; i < PEERS; i++)
		pair_connect(&w, &c[i]);
	pair_until(&w, w.n_accepted == PEERS);
	/* Several chunks each: more messages than are kept, too. */
	for (unsigned i = 0; i < PEERS; i++)
		assert_int_equal(rw_sock_send(c[i].sock, bytes, BYTES), RW_OK);
	for (unsigned i = 0; i < PEERS; i++) {
		pair_until(&w, w.accepted[i].n_got == BYTES);
		assert_memory_equal(w.accepted[i].got, bytes, BYTES);
	}
	pair_end(&w);
	for (unsigned i = 0; i < PEERS; i++)
		peer_end(&c[i]);
	free(bytes);
}

/* Few buffers are in use, and warm; a burst that they do not do for brings more. */
static void burst_deepens_the_buffer_ring(void **state)
{
	enum { PEERS = 48 };
	struct peer c[PEERS] = {0};
	struct rw_uring *u;
	struct pair w;
	unsigned level;

	(void)state;
	pair_begin_with(&w, 1, NULL, NULL, 64, 1024);
	u = rw_uring_of(w.server->io);
	level = u->level;
	assert_true(level < 64);
	assert_int_equal(u->in_ring, level);
	for (unsigned i = 0; i < PEERS; i++)
		pair_connect(&w, &c[i]);
	pair_until(&w, w.n_accepted == PEERS);
	pair_turns(&w, 3);
	for (unsigned i = 0; i < PEERS; i++)
		assert_int_equal(rw_sock_send(c[i].sock, "hello", 5), RW_OK);
	assert_int_equal(rw_loop_turn(w.client, 0), RW_OK); /* all of them at once */
	for (unsigned i = 0; i < PEERS; i++)
		pair_until(&w, w.accepted[i].n_got == 5);
	assert_true(rw_loop_stats(w.server)->enobufs > 0);
	assert_true(u->level > level);
	assert_int_equal(u->in_ring, u->level);
	assert_int_equal(u->in_ring + u->n_spare, 64);
	pair_end(&w);
	for (unsigned i = 0; i < PEERS; i++)
		peer_end(&c[i]);
}

static int nodelay(const struct peer *p)
{
	socklen_t n = sizeof(int);
	int on = -1;

	assert_int_equal(getsockopt(p->sock->fd, IPPROTO_TCP, TCP_NODELAY, &on, &n), 0);
	return on;
}

/* Small events that wait for an ACK stall streams by 40 ms. */
static void nodelay_on_both_sides(void **state)
{
	struct peer c = {0};
	struct pair w;

	(void)state;
	pair_open(&w, &c);
	assert_int_equal(nodelay(&c), 1);
	assert_int_equal(nodelay(&w.accepted[0]), 1);
	pair_end(&w);
	peer_end(&c);
}

/* What is written in one turn leaves as one send. */
static void sends_of_one_turn_are_one(void **state)
{
	struct peer c = {0};
	struct pair w;

	(void)state;
	pair_open(&w, &c);
	for (int i = 0; i < 100; i++)
		assert_int_equal(rw_sock_send(c.sock, "0123456789", 10), RW_OK);
	pair_until(&w, w.accepted[0].n_got == 1000);
	assert_int_equal(rw_loop_stats(w.client)->sends, 1);
	pair_end(&w);
	peer_end(&c);
}

/* --- refusals -------------------------------------------------------------------------- */

/* Runs rw_uring_new in a child whose io_uring_setup fails with err; 0: its text has want. */
static int refused_with(int err, const char *want)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = 4, .filter = code};
	struct rw_error e = {0};
	struct rw_io *io;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
			_exit(2);
		_exit(rw_uring_new(&io, 0, 0, 0, &e) < 0 && strstr(e.text, want) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Containers forbid io_uring by default: "Operation not permitted" helps nobody. */
static void refusal_names_its_cause(void **state)
{
	(void)state;
	assert_int_equal(refused_with(EPERM, "seccomp"), 0);
	assert_int_equal(refused_with(ENOSYS, "seccomp"), 0);
	assert_int_equal(refused_with(EINVAL, "Linux 6.1"), 0);
	assert_int_equal(refused_with(EMFILE, "LimitNOFILE"), 0);
}

/* A port in use, an address of somebody else: said with the address. */
static void listen_errors_are_explained(void **state)
{
	struct rw_listener *ls = NULL;
	struct rw_loop *l = uring_loop();
	char text[RW_ADDR_TEXT];
	struct rw_error e = {0};
	struct rw_addr a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(rw_addr_parse("127.0.0.1:0", &a, &e), RW_OK);
	assert_int_equal(bind(fd, &a.sa, a.len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, &a.sa, &a.len), 0);
	assert_int_equal(rw_listener_start(l, &a, NULL, NULL, &ls, &e), RW_EBUSY);
	assert_non_null(strstr(e.text, rw_addr_text(&a, true, text)));
	assert_int_equal(rw_addr_parse("192.0.2.1:0", &a, &e), RW_OK);
	assert_int_equal(rw_listener_start(l, &a, NULL, NULL, &ls, &e), RW_ENOTFOUND);
	assert_null(ls);
	close(fd);
	rw_loop_free(l);
}

/* Out of descriptors, a listener must neither spin nor stay deaf. */
static void accept_survives_the_descriptor_limit(void **state)
{
	struct rlimit before, tight;
	struct peer c = {0};
	int fds[4096], n = 0;
	struct pair w;

	(void)state;
	pair_begin(&w, NULL);
	pair_connect(&w, &c); /* has its descriptor already */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	tight = (struct rlimit){256, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	while (n < 4096 && (fds[n] = dup(0)) >= 0)
		n++;
	pair_until(&w, rw_timer_armed(&w.listener->retry));
	assert_int_equal(w.n_accepted, 0);
	while (n)
		close(fds[--n]);
	pair_until(&w, w.n_accepted == 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	pair_end(&w);
	peer_end(&c);
}

/* Nonsense is refused with its name before the kernel sees it. */
static void bad_sizes_are_explained(void **state)
{
	struct rw_error e = {0};
	struct rw_io *io;

	(void)state;
	assert_int_equal(rw_uring_new(&io, 100, 0, 0, &e), RW_EINVAL);
	assert_non_null(strstr(e.text, "entries"));
	assert_int_equal(rw_uring_new(&io, 0, 3, 0, &e), RW_EINVAL);
	assert_int_equal(rw_uring_new(&io, 0, 65536, 0, &e), RW_EINVAL);
	assert_non_null(strstr(e.text, "recv_buffers"));
	assert_int_equal(rw_uring_new(&io, 0, 0, 1, &e), RW_EINVAL);
}

/* --- files ----------------------------------------------------------------------------- */

struct syncs {
	unsigned n;
	int rc;
};

static void on_synced(void *arg, int rc)
{
	struct syncs *s = arg;

	s->n++;
	s->rc = rc;
}

/* As the audit log does it: what has no disk says so, and only one is under way. */
static void file_is_synced_beside_the_loop(void **state)
{
	char path[] = "/tmp/ringwall-sync-XXXXXX";
	int fd = mkstemp(path), device = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct rw_loop *l = uring_loop();
	struct syncs s = {0};

	(void)state;
	assert_true(fd >= 0 && device >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(rw_loop_sync(l, fd, on_synced, &s), RW_OK);
	assert_int_equal(rw_loop_sync(l, fd, on_synced, &s), RW_EBUSY);
	while (!s.n)
		assert_int_equal(rw_loop_turn(l, 1000000000), RW_OK);
	assert_int_equal(s.rc, RW_OK);
	assert_int_equal(rw_loop_sync(l, device, on_synced, &s), RW_OK);
	while (s.n < 2)
		assert_int_equal(rw_loop_turn(l, 1000000000), RW_OK);
	assert_int_equal(s.rc, RW_EINVAL);
	assert_int_equal(rw_loop_sync(l, fd, on_synced, &s), RW_OK);
	rw_loop_sync_drop(l);
	rw_loop_free(l); /* waits for it, and tells nobody */
	assert_int_equal(s.n, 2);
	close(device);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_is_synced_beside_the_loop),
		cmocka_unit_test(post_from_other_thread),
		cmocka_unit_test(a_thread_that_looks_first_is_woken_too),
		cmocka_unit_test(free_after_the_thread_ended),
		cmocka_unit_test(timers_fire_without_completions),
		cmocka_unit_test(timers_fire_while_the_thread_looks),
		cmocka_unit_test(other_operations_are_refused),
		cmocka_unit_test(more_than_entries_in_one_turn),
		cmocka_unit_test(burst_deepens_the_buffer_ring),
		cmocka_unit_test(nodelay_on_both_sides),
		cmocka_unit_test(sends_of_one_turn_are_one),
		cmocka_unit_test(refusal_names_its_cause),
		cmocka_unit_test(listen_errors_are_explained),
		cmocka_unit_test(accept_survives_the_descriptor_limit),
		cmocka_unit_test(bad_sizes_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
