/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TLS connection costs in userspace, by record back-end: memory while it is idle, and time
 * for a record of 32 B, 1 KB and 16 KB, sealed and opened. Both ends are in memory: no socket.
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
#include "tls/ctx.h"
#include "tls/record.h"

enum { IDLE = 500, ROUNDS = 5 };

static struct rw_tls_ctx *server_tls, *client_tls;

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
	return (double)(with - without) / IDLE;
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
	unsigned batch = n > 4096 ? 16 : 256, count = n > 4096 ? 4000 : 40000;
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

int main(void)
{
	static const size_t sizes[] = {32, 1024, 16384};
	static const char *const names[] = {"openssl", "aead"};

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
	rw_tls_ctx_unref(server_tls);
	rw_tls_ctx_unref(client_tls);
	return 0;
}
