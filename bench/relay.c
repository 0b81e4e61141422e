/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor for a proxy: what comes in on one socket goes out on another, on the gateway's own
 * ring, and nobody looks at it. `relay LISTEN UPSTREAM`, until it is killed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "ring/loop.h"
#include "ring/sock.h"
#include "ring/uring.h"

struct pair {
	struct way {
		struct pair *pair;
		struct way *other;
		struct rw_sock *sock;
	} client, upstream;
	bool up;
	unsigned open;
};

static struct rw_loop *loop;
static struct rw_addr upstream;

static void on_connect(void *user, int err)
{
	struct way *w = user;

	w->pair->up = err == 0;
	if (w->pair->up && w->other->sock)
		rw_sock_recv(w->other->sock, true);
}

static void on_data(void *user, const uint8_t *data, size_t n)
{
	struct way *w = user;

	if (!w->other->sock || rw_sock_send(w->other->sock, data, n))
		rw_sock_abort(w->sock);
	else if (rw_sock_queued(w->other->sock) > rw_sock_high_mark())
		rw_sock_recv(w->sock, false);
}

static void on_drain(void *user)
{
	struct way *w = user;

	if (w->other->sock && w->pair->up)
		rw_sock_recv(w->other->sock, true);
}

static void on_eof(void *user)
{
	struct way *w = user;

	if (w->other->sock)
		rw_sock_finish(w->other->sock);
	rw_sock_finish(w->sock);
}

static void on_close(void *user, int err)
{
	struct way *w = user;

	(void)err;
	w->sock = NULL;
	if (w->other->sock)
		rw_sock_finish(w->other->sock);
	if (--w->pair->open == 0)
		free(w->pair);
}

static const struct rw_sock_cb cb = {
	.on_connect = on_connect,
	.on_data = on_data,
	.on_eof = on_eof,
	.on_drain = on_drain,
	.on_close = on_close,
};

static void on_accept(void *user, struct rw_sock *s, const struct rw_addr *peer)
{
	struct pair *p = calloc(1, sizeof(*p));

	(void)user;
	(void)peer;
	RW_BUG_ON(!p);
	p->client = (struct way){p, &p->upstream, s};
	p->upstream = (struct way){p, &p->client, NULL};
	p->open = 1;
	rw_sock_bind(s, &cb, &p->client);
	rw_sock_lazy(s, true);
	rw_sock_recv(s, false);
	p->upstream.sock = rw_sock_connect(loop, &upstream, &cb, &p->upstream);
	if (!p->upstream.sock) {
		rw_sock_abort(s);
		return;
	}
	rw_sock_lazy(p->upstream.sock, true);
	p->open++;
}

int main(int argc, char **argv)
{
	const struct rw_loop_config lc = {.max_socks = 65536};
	struct rw_listener *ls;
	struct rw_error e = {0};
	struct rw_addr at;
	struct rw_io *io;
	int rc = argc == 3 ? RW_OK : rw_fail(&e, RW_EINVAL, "usage: relay LISTEN UPSTREAM");

	if (!rc)
		rc = rw_addr_parse(argv[1], &at, &e);
	if (!rc)
		rc = rw_addr_parse(argv[2], &upstream, &e);
	if (!rc)
		rc = rw_uring_new(&io, 4096, 1024, 16384, &e);
	if (!rc)
		rc = rw_loop_new(&loop, io, &lc, &e);
	if (!rc)
		rc = rw_listener_start(loop, &at, on_accept, NULL, &ls, &e);
	if (!rc)
		rc = rw_loop_run(loop);
	rw_err("relay: %s", e.text);
	return 1;
}
