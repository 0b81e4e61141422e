/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the gate's tests share: control thread, one worker, raw upstreams and a raw client on the
 * simulator. The upstream's answers are bytes that the test writes.
 */
#ifndef RW_TESTS_GATE_WORLD_H
#define RW_TESTS_GATE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate/control.h"
#include "gate/worker.h"
#include "ring/io.h"
#include "ring/sim.h"

#define MS	 1000000ull
#define S	 1000000000ull
#define UPSTREAM "127.0.0.1:8444"
#define OTHER	 "127.0.0.1:8445"
#define CHAT	 "POST /v1/chat/completions HTTP/1.1\r\nHost: gw\r\n"
#define JSON_OK(body)                                                                    \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" \
	"{\"choices\":[{\"index\":0,\"message\":{\"content\":\"" body "\"}}]}"

/* A raw upstream: what it was sent last, and the bytes that it answers each whole request with. */
struct upstream {
	struct rw_listener *listener;
	struct rw_sock *sock; /* the latest */
	struct rw_buf got;
	const char *answer; /* NULL: none yet */
	bool then_close;    /* FIN behind it */
	unsigned conns, requests, closed;
};

struct client {
	struct rw_stream *st;
	struct rw_buf got;
	bool open, eof, closed;
	struct rw_buf to_send;
};

struct world {
	struct rw_sim *sim;
	struct rw_loop *control_loop, *near, *far; /* near runs the worker */
	struct rw_loop *extra;			   /* of the test, or NULL */
	struct rw_gateway gw;
	struct rw_control *control;
	struct rw_worker *w;
	struct upstream up, other;
	struct client c;
	struct rw_timer alarm;
	bool rang;
	char dir[64], file[96], audit[96];
	char key[RW_KEY_TEXT], key_id[RW_KEY_ID];
};

static struct rw_rules *the_rules; /* compiled once a program */

static inline int load_rules(void **state)
{
	struct rw_error e = {0};

	(void)state;
	if (rw_rules_load(&the_rules, NULL, &e))
		fail_msg("%s", e.text);
	return 0;
}

static inline int drop_rules(void **state)
{
	(void)state;
	rw_rules_unref(the_rules);
	return 0;
}

/* --- time ------------------------------------------------------------------------------------ */

static inline void world_turn(struct world *w)
{
	rw_loop_turn(w->control_loop, UINT64_MAX);
	rw_loop_turn(w->near, UINT64_MAX);
	rw_loop_turn(w->far, UINT64_MAX);
	if (w->extra)
		rw_loop_turn(w->extra, UINT64_MAX);
}

static inline void world_rang(void *arg)
{
	((struct world *)arg)->rang = true;
}

static inline void run_for(struct world *w, uint64_t ns)
{
	w->rang = false;
	rw_timer_set(w->far, &w->alarm, rw_loop_now(w->far) + ns, world_rang, w);
	do {
		world_turn(w);
	} while (!w->rang && rw_sim_step(w->sim));
	assert_true(w->rang);
}

#define run_until(w, condition)                                          \
	do {                                                             \
		uint64_t run_end = rw_sim_now((w)->sim) + 300 * S;       \
		while (!(condition) && rw_sim_now((w)->sim) < run_end) { \
			world_turn(w);                                   \
			if (!(condition))                                \
				rw_sim_step((w)->sim);                   \
		}                                                        \
		if (!(condition))                                        \
			fail_msg("never: %s", #condition);               \
	} while (0)

/* --- upstreams ------------------------------------------------------------------------------- */

static inline const char *text_of(struct rw_buf *b)
{
	assert_int_equal(rw_buf_reserve(b, 1), RW_OK);
	b->p[b->len] = 0;
	return b->p;
}

static inline bool has(struct rw_buf *b, const char *what)
{
	return strstr(text_of(b), what) != NULL;
}

static inline bool is_whole(struct rw_buf *b)
{
	const char *p = text_of(b), *end = strstr(p, "\r\n\r\n"), *n;

	if (!end)
		return false;
	n = strcasestr(p, "content-length: ");
	return b->len >= (size_t)(end + 4 - p) + (n && n < end ? strtoul(n + 16, NULL, 10) : 0);
}

static inline void upstream_say(struct upstream *u)
{
	rw_sock_send(u->sock, u->answer, strlen(u->answer));
	if (u->then_close || strcasestr(u->answer, "connection: close"))
		rw_sock_finish(u->sock);
}

static inline void upstream_data(void *user, const uint8_t *data, size_t n)
{
	struct upstream *u = user;

	if (is_whole(&u->got))
		rw_buf_reset(&u->got);
	rw_buf_add(&u->got, data, n);
	if (!is_whole(&u->got))
		return;
	u->requests++;
	if (u->answer)
		upstream_say(u);
}

static inline void upstream_eof(void *user)
{
	rw_sock_finish(((struct upstream *)user)->sock);
}

static inline void upstream_close(void *user, int err)
{
	(void)err;
	((struct upstream *)user)->closed++;
}

static inline void upstream_accept(void *user, struct rw_sock *s, const struct rw_addr *peer)
{
	static const struct rw_sock_cb cb = {
		.on_data = upstream_data, .on_eof = upstream_eof, .on_close = upstream_close};
	struct upstream *u = user;

	(void)peer;
	u->conns++;
	u->sock = s;
	rw_buf_reset(&u->got);
	rw_sock_bind(s, &cb, u);
}

static inline void upstream_begin(struct world *w, struct upstream *u, const char *at)
{
	struct rw_addr addr;
	struct rw_error e = {0};

	assert_int_equal(rw_addr_parse(at, &addr, &e), RW_OK);
	if (rw_listener_start(w->far, &addr, upstream_accept, u, &u->listener, &e))
		fail_msg("%s", e.text);
}

/* --- the client ------------------------------------------------------------------------------ */

static inline void client_push(struct client *c)
{
	size_t n;

	while (c->open && c->to_send.len && rw_stream_queued(c->st) < rw_sock_high_mark()) {
		n = c->to_send.len < 65536 ? c->to_send.len : 65536;
		if (rw_stream_write(c->st, c->to_send.p, n))
			return;
		rw_buf_consume(&c->to_send, n);
	}
}

static inline void client_drain(void *user)
{
	client_push(user);
}

static inline void client_open(void *user)
{
	((struct client *)user)->open = true;
	client_push(user);
}

static inline void client_data(void *user, const uint8_t *data, size_t n)
{
	rw_buf_add(&((struct client *)user)->got, data, n);
}

static inline void client_eof(void *user, bool clean)
{
	(void)clean;
	((struct client *)user)->eof = true;
	rw_stream_finish(((struct client *)user)->st);
}

static inline void client_close(void *user, const struct rw_error *why)
{
	struct client *c = user;

	(void)why;
	c->closed = true;
	c->open = false;
	c->st = NULL;
}

/* Bytes to the gateway, over a new connection where there is none. */
static inline void say_bytes(struct world *w, const char *data, size_t n)
{
	static const struct rw_stream_cb cb = {
		.on_open = client_open,
		.on_data = client_data,
		.on_eof = client_eof,
		.on_drain = client_drain,
		.on_close = client_close,
	};
	struct client *c = &w->c;
	struct rw_addr addr;

	rw_buf_add(&c->to_send, data, n);
	if (!c->st) {
		assert_int_equal(rw_addr_parse("127.0.0.1:8443", &addr, NULL), RW_OK);
		c->eof = c->closed = false;
		c->st = rw_stream_connect(w->far, &addr, NULL, "gw", &cb, c);
		assert_non_null(c->st);
	}
	client_push(c);
}

static inline void __attribute__((format(printf, 2, 3))) say(struct world *w, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	assert_true(vasprintf(&text, fmt, ap) >= 0);
	va_end(ap);
	say_bytes(w, text, strlen(text));
	free(text);
}

/* A chat with the valid key; headers: more lines, each with its line end. */
static inline void say_chat(struct world *w, const char *headers, const char *content)
{
	struct rw_buf b = {0};

	rw_buf_add_str(&b, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":");
	rw_buf_add_json(&b, rw_slice_str(content));
	rw_buf_add_str(&b, "}]}");
	say(w, CHAT "Authorization: Bearer %s\r\n%sContent-Length: %zu\r\n\r\n%.*s", w->key,
	    headers, b.len, (int)b.len, b.p);
	rw_buf_free(&b);
}

static inline bool answered(struct world *w)
{
	return is_whole(&w->c.got) || w->c.eof || w->c.closed;
}

/* The status of the answer that came; the rest is in w->c.got. */
static inline unsigned status_of(struct world *w)
{
	const char *p = text_of(&w->c.got);

	return strncmp(p, "HTTP/1.1 ", 9) ? 0 : (unsigned)strtoul(p + 9, NULL, 10);
}

static inline unsigned ask(struct world *w, const char *headers, const char *content)
{
	rw_buf_reset(&w->c.got);
	say_chat(w, headers, content);
	run_until(w, answered(w));
	run_for(w, 20 * MS);
	return status_of(w);
}

/* --- the gateway ----------------------------------------------------------------------------- */

static inline struct rw_loop *new_loop(struct world *w)
{
	struct rw_error e = {0};
	struct rw_loop *l;
	struct rw_io *io;

	assert_int_equal(rw_sim_io_new(&io, w->sim, 0, 0, &e), RW_OK);
	assert_int_equal(rw_loop_new(&l, io, NULL, &e), RW_OK);
	return l;
}

/* more: YAML that goes behind what every test needs. */
static inline struct rw_config *make_config(struct world *w, const char *upstreams,
					    const char *more)
{
	struct rw_error e = {0};
	struct rw_config *cfg;
	FILE *f = fopen(w->file, "we");

	assert_non_null(f);
	fprintf(f,
		"listeners:\n  - address: 127.0.0.1:8443\n    tls: off\n"
		"upstreams:\n%s"
		"state_dir: %s/state\nkernel: off\n%s",
		upstreams, w->dir, more);
	fclose(f);
	chmod(w->file, 0600);
	if (rw_config_load(&cfg, w->file, &e))
		fail_msg("%s", e.text);
	return cfg;
}

#define ONE_UPSTREAM                                                                 \
	"  - name: one\n    url: http://" UPSTREAM "/v1\n    key: sk-provider-one\n" \
	"models:\n  - {name: m, upstream: one}\n"

static inline void make_key(struct world *w)
{
	struct rw_error e = {0};
	struct rw_keystore *ks;
	struct rw_key key;
	char state[96];

	snprintf(state, sizeof(state), "%s/state", w->dir);
	if (rw_keystore_open(&ks, state, &e) || rw_keystore_add(ks, "test", 0, &key, w->key, &e))
		fail_msg("%s", e.text);
	rw_keystore_close(ks);
	snprintf(w->key_id, sizeof(w->key_id), "%s", key.id);
}

/* audit: what its section says beside the file. */
static inline void world_begin_as(struct world *w, const char *upstreams, const char *audit,
				  const char *more)
{
	static const struct rw_sim_knobs none;
	struct rw_error e = {0};
	char text[1024];

	*w = (struct world){0};
	snprintf(w->dir, sizeof(w->dir), "/tmp/rw-gate-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->file, sizeof(w->file), "%s/ringwall.yaml", w->dir);
	snprintf(w->audit, sizeof(w->audit), "%s/audit.jsonl", w->dir);
	make_key(w);
	assert_int_equal(rw_sim_new(&w->sim, 1, &none), RW_OK);
	w->control_loop = new_loop(w);
	w->near = new_loop(w);
	w->far = new_loop(w);
	w->gw.key_cells = rw_limits_new(64, 1);
	w->gw.address_cells = rw_limits_new(64, 2);
	w->gw.suspended = rw_suspended_new();
	snprintf(text, sizeof(text), "audit: {file: %s, %s}\n%s", w->audit, audit, more);
	if (rw_control_new(&w->control, &w->gw, w->control_loop, make_config(w, upstreams, text),
			   the_rules, &e) ||
	    rw_worker_new(&w->w, &w->gw, 0, w->near, rw_control_snapshot(w->control), &e))
		fail_msg("%s", e.text);
	w->gw.workers[w->gw.n_workers++] = w->w;
	upstream_begin(w, &w->up, UPSTREAM);
	upstream_begin(w, &w->other, OTHER);
}

static inline void world_begin(struct world *w, const char *upstreams, const char *more)
{
	world_begin_as(w, upstreams, "required: true", more);
}

static inline void remove_all(struct world *w)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", w->dir);
	assert_int_equal(system(command), 0);
}

/* Nothing may be left: no request, no byte, and no callback into what is gone (ASan). */
static inline void world_end(struct world *w)
{
	rw_worker_close(w->w);
	rw_loop_free(w->near);
	assert_int_equal(atomic_load(&w->w->metrics.requests_active), 0);
	assert_int_equal(atomic_load(&w->w->metrics.buffered_bytes), 0);
	rw_worker_free(w->w);
	rw_loop_free(w->far);
	rw_loop_turn(w->control_loop, 0);
	rw_control_free(w->control);
	rw_loop_free(w->control_loop);
	rw_sim_free(w->sim);
	rw_limits_free(w->gw.key_cells);
	rw_limits_free(w->gw.address_cells);
	rw_suspended_free(w->gw.suspended);
	rw_buf_free(&w->up.got);
	rw_buf_free(&w->other.got);
	rw_buf_free(&w->c.got);
	rw_buf_free(&w->c.to_send);
	remove_all(w);
}

/* Longer than records wait for company: all that were made are in the file. */
static inline void write_records(struct world *w)
{
	run_for(w, 50 * MS);
}

/* The whole audit file; the caller frees. */
static inline char *audit_text(struct world *w)
{
	char *text = calloc(1, 1 << 20);
	FILE *f;

	write_records(w);
	f = fopen(w->audit, "re");
	assert_non_null(text);
	assert_non_null(f);
	text[fread(text, 1, (1 << 20) - 1, f)] = 0;
	fclose(f);
	return text;
}

static inline unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

#endif
