/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TLS connection costs, by record back-end. In memory: bytes while it is idle, time for a
 * record of 32 B, 1 KB and 16 KB, sealed and opened. Then through two streams over loopback, with
 * what the socket and the ring cost; there the kernel's records, too, where it has any. With a
 * number as argument it makes that part of the records only: where the processor is emulated.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "ring/io.h"
#include "ring/ktls.h"
#include "ring/loop.h"
#include "ring/uring.h"
#include "tls/ctx.h"
#include "tls/record.h"

enum { IDLE = 500, ROUNDS = 5 };

static struct rw_tls_ctx *server_tls, *client_tls;
static unsigned part = 1;

struct end {
	struct rw_record *rec;
	struct rw_buf out;
	bool open;
};

static int sink(void *user, const uint8_t *data, size_t n)
{
	struct end *e = user;

	return rw_buf_add(&e->out, data, n);
}

static size_t feed(struct end *to, struct end *from)
{
	static uint8_t plain[RW_RECORD_ROOM];
	struct rw_slice in = rw_buf_slice(&from->out);
	struct rw_error e = {.text = ""};
	enum rw_record_event ev;
	size_t n, all = 0;

	do {
		ev = to->rec->ops->read(to->rec, &in, plain, sizeof(plain), &n, &e);
		all += n;
		to->open |= ev == RW_RECORD_OPEN;
		RW_BUG_ON(ev == RW_RECORD_ERROR);
	} while (ev != RW_RECORD_WANT);
	rw_buf_reset(&from->out);
	return all;
}

static void connect_ends(struct end *c, struct end *s)
{
	memset(c, 0, sizeof(*c));
	memset(s, 0, sizeof(*s));
	RW_BUG_ON(rw_record_openssl_new(&s->rec, server_tls, NULL, sink, s));
	RW_BUG_ON(rw_record_openssl_new(&c->rec, client_tls, "localhost", sink, c));
	feed(c, s);
	while (c->out.len || s->out.len) {
		feed(s, c);
		feed(c, s);
	}
	/* A request and its answer, as every connection has had that idles. */
	RW_BUG_ON(!c->open || !s->open || c->rec->ops->write(c->rec, "ping", 4) ||
		  feed(s, c) != 4 || s->rec->ops->write(s->rec, "pong", 4) || feed(c, s) != 4);
}

static void lean(struct end *e)
{
	RW_BUG_ON(rw_record_hand_over(&e->rec, sink, e));
}

static void end_free(struct end *e)
{
	e->rec->ops->free(e->rec);
	rw_buf_free(&e->out);
}

static size_t allocated(void)
{
	return mallinfo2().uordblks;
}

/* Bytes of the server's end. */
static double idle_bytes(bool handed_over)
{
	static struct end c[IDLE], s[IDLE];
	size_t with, without;

	for (int i = 0; i < IDLE; i++) {
		connect_ends(&c[i], &s[i]);
		if (handed_over)
			lean(&s[i]);
		rw_buf_free(&s[i].out);
	}
	with = allocated();
	for (int i = 0; i < IDLE; i++)
		s[i].rec->ops->free(s[i].rec);
	without = allocated();
	for (int i = 0; i < IDLE; i++)
		end_free(&c[i]);
	return (double)(with - without) / (double)IDLE;
}

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Sealed by one end and opened by the other, ns a record: the best of some rounds. */
static void record_ns(bool handed_over, size_t n, double *sealed, double *opened)
{
	unsigned batch = n > 4096 ? 16 : 256, count = (n > 4096 ? 4000 : 40000) / part;
	struct end c, s;
	char *data = calloc(1, n);

	connect_ends(&c, &s);
	if (handed_over) {
		lean(&s);
		lean(&c);
	}
	*sealed = *opened = 1e9;
	for (int r = 0; r < ROUNDS; r++) {
		double up = 0, down = 0, t;

		for (unsigned i = 0; i < count / batch; i++) {
			t = cpu_ns();
			for (unsigned k = 0; k < batch; k++)
				RW_BUG_ON(s.rec->ops->write(s.rec, data, n));
			up += cpu_ns() - t;
			t = cpu_ns();
			RW_BUG_ON(feed(&c, &s) != batch * n);
			down += cpu_ns() - t;
		}
		up /= count / batch * batch;
		down /= count / batch * batch;
		*sealed = up < *sealed ? up : *sealed;
		*opened = down < *opened ? down : *opened;
	}
	end_free(&c);
	end_free(&s);
	free(data);
}

/* --- over loopback --------------------------------------------------------------------- */

struct side {
	struct rw_stream *st;
	size_t got;
	bool open;
};

static struct side sides[2];
static struct rw_loop *loops[2];

static void on_open(void *user)
{
	((struct side *)user)->open = true;
}

static void on_data(void *user, const uint8_t *data, size_t n)
{
	(void)data;
	((struct side *)user)->got += n;
}

static const struct rw_stream_cb stream_cb = {.on_open = on_open, .on_data = on_data};

static void on_accept(void *user, struct rw_sock *sock, const struct rw_addr *peer)
{
	(void)peer;
	sides[0].st = rw_stream_accept(loops[0], sock, user, &stream_cb, &sides[0]);
	RW_BUG_ON(!sides[0].st);
}

static void turn_both(void)
{
	for (int i = 0; i < 2; i++)
		RW_BUG_ON(rw_loop_turn(loops[i], 0));
}

/* From one side to the other, until it is there. */
static void pass(int from, const char *data, size_t n)
{
	size_t want = sides[!from].got + n;

	RW_BUG_ON(rw_stream_write(sides[from].st, data, n));
	while (sides[!from].got < want)
		turn_both();
}

/* Microseconds of both ends and the kernel for a record there and one back. */
static void through_streams(const char *name, bool tls, enum rw_ktls_mode ktls)
{
	static const size_t sizes[] = {32, 1024, 16384};
	static char data[16384];
	struct rw_listener *listener;
	struct rw_error e = {.text = ""};
	struct rw_addr addr;
	struct rw_io *io;

	memset(sides, 0, sizeof(sides));
	for (int i = 0; i < 2; i++) {
		RW_BUG_ON(rw_uring_new(&io, 0, 0, 0, &e));
		RW_BUG_ON(rw_loop_new(&loops[i], io, NULL, &e));
	}
	rw_tls_ctx_ktls(server_tls, ktls);
	rw_tls_ctx_ktls(client_tls, ktls);
	RW_BUG_ON(rw_addr_parse("127.0.0.1:0", &addr, &e));
	RW_BUG_ON(rw_listener_start(loops[0], &addr, on_accept, tls ? server_tls : NULL, &listener,
				    &e));
	sides[1].st = rw_stream_connect(loops[1], rw_listener_addr(listener),
					tls ? client_tls : NULL, "localhost", &stream_cb,
					&sides[1]);
	while (!sides[0].open || !sides[1].open)
		turn_both();
	for (int i = 0; i < 50; i++) { /* until both are where they stay */
		pass(i % 2, data, 4);
		turn_both();
	}
	printf("%-8s", rw_stream_backend(sides[0].st));
	RW_BUG_ON(strcmp(rw_stream_backend(sides[0].st), name) != 0);
	for (int s = 0; s < 3; s++) {
		int records = 1000 / (int)part;
		double best = 1e18;

		for (int r = 0; r < ROUNDS; r++) {
			double t = cpu_ns();

			for (int i = 0; i < records; i++)
				pass(i % 2, data, sizes[s]);
			t = cpu_ns() - t;
			best = t < best ? t : best;
		}
		printf(" %16.2f", best / 1000 / records);
	}
	printf("\n");
	for (int i = 1; i >= 0; i--)
		rw_loop_free(loops[i]);
}

static void all_through_streams(void)
{
	printf("\n%-8s %s\n", "", "us a record through two streams and loopback, both ends");
	printf("%-8s %16s %16s %16s\n", "backend", "32 B", "1 KB", "16 KB");
	through_streams("plain", false, RW_KTLS_OFF);
	through_streams("aead", true, RW_KTLS_OFF);
	if (rw_ktls_caps()->usable)
		through_streams("ktls", true, RW_KTLS_ON);
	else
		printf("%-8s not here: %s\n", "ktls", rw_ktls_caps()->why);
}

static void make_contexts(void)
{
	static const char *const names[] = {"localhost"};
	char dir[] = "/tmp/rw-bench-XXXXXX", cert[64], key[64], print[96];
	struct rw_error e = {.text = ""};

	rw_log_set_level(RW_LOG_ERROR);
	RW_BUG_ON(!mkdtemp(dir));
	snprintf(cert, sizeof(cert), "%s/crt", dir);
	snprintf(key, sizeof(key), "%s/key", dir);
	RW_BUG_ON(rw_tls_selfsigned(cert, key, names, 1, print, &e));
	RW_BUG_ON(rw_tls_server_new(&server_tls, cert, key, &e));
	RW_BUG_ON(rw_tls_client_new(&client_tls, cert, &e));
	unlink(cert);
	unlink(key);
	rmdir(dir);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = {32, 1024, 16384};
	static const char *const names[] = {"openssl", "aead"};

	if (argc > 1)
		part = (unsigned)strtoul(argv[1], NULL, 10);
	RW_BUG_ON(part < 1 || part > 100);
	make_contexts();
	printf("%-8s %10s   %s\n", "", "idle",
	       "ns a record, sealed + opened (TLS 1.3, AES-128-GCM)");
	printf("%-8s %10s  %16s %16s %16s\n", "backend", "bytes", "32 B", "1 KB", "16 KB");
	for (int b = 0; b < 2; b++) {
		printf("%-8s %10.0f ", names[b], idle_bytes(b));
		for (size_t i = 0; i < 3; i++) {
			double sealed, opened;

			record_ns(b, sizes[i], &sealed, &opened);
			printf(" %7.0f + %-6.0f", sealed, opened);
		}
		printf("\n");
	}
	all_through_streams();
	rw_tls_ctx_unref(server_tls);
	rw_tls_ctx_unref(client_tls);
	return 0;
}
