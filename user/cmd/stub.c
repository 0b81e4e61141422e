/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall stub`: the test upstream as a process of its own. */
#include "cmd/cmd.h"

#include <argp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "ring/uring.h"
#include "stub/stub.h"

struct options {
	const char *listen, *cert, *key, *dir, *answers;
	unsigned piece, delay_ms;
	bool plain;
};

static const struct argp_option option_table[] = {
	{"listen", 'l', "ADDRESS", 0, "where to listen (default 127.0.0.1:8444)", 0},
	{"cert", 'C', "FILE", 0, "certificate, PEM", 0},
	{"key", 'K', "FILE", 0, "its key, PEM", 0},
	{"self-signed", 's', "DIR", 0,
	 "make DIR/stub.crt and DIR/stub.key where they are not there", 0},
	{"plain", 'p', NULL, 0, "HTTP without TLS", 0},
	{"answers", 'a', "FILE", 0, "JSON object: part of a prompt -> answer", 0},
	{"piece", 'n', "BYTES", 0, "size of a stream's deltas (default 4)", 0},
	{"delay", 'd', "MS", 0, "between a stream's events (default 0)", 0},
	{0},
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'l':
		o->listen = arg;
		return 0;
	case 'C':
		o->cert = arg;
		return 0;
	case 'K':
		o->key = arg;
		return 0;
	case 's':
		o->dir = arg;
		return 0;
	case 'p':
		o->plain = true;
		return 0;
	case 'a':
		o->answers = arg;
		return 0;
	case 'n':
		o->piece = (unsigned)strtoul(arg, NULL, 10);
		return 0;
	case 'd':
		o->delay_ms = (unsigned)strtoul(arg, NULL, 10);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s'", arg);
		return 0;
	case ARGP_KEY_END:
		if (!o->plain && !o->dir && !(o->cert && o->key))
			argp_error(state, "say --cert and --key, --self-signed DIR, or --plain");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	option_table,
	on_option,
	NULL,
	"Runs a small OpenAI-compatible server for demonstrations, tests and benches.\v"
	"It echoes the last user message; x-stub-* request headers ask for other answers "
	"(see docs/internals/stub.md).",
	NULL,
	NULL,
	NULL,
};

static int tls_context(const struct options *o, struct rw_tls_ctx **out, struct rw_error *e)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "::1"};
	const char *cert = o->cert, *key = o->key;
	char paths[2][512], print[96];
	int rc;

	if (o->plain)
		return RW_OK;
	if (o->dir) {
		snprintf(paths[0], sizeof(paths[0]), "%s/stub.crt", o->dir);
		snprintf(paths[1], sizeof(paths[1]), "%s/stub.key", o->dir);
		cert = paths[0];
		key = paths[1];
		rc = rw_tls_selfsigned(cert, key, names, 3, print, e);
		if (rc && rc != RW_EEXIST)
			return rc;
	}
	return rw_tls_server_new(out, cert, key, e);
}

static int read_file(const char *path, struct rw_buf *out, struct rw_error *e)
{
	char part[4096];
	size_t n;
	FILE *f;

	if (!path)
		return RW_OK;
	f = fopen(path, "re");
	if (!f)
		return rw_fail(e, RW_EIO, "cannot read %s", path);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		if (rw_buf_add(out, part, n))
			break;
	fclose(f);
	return RW_OK;
}

static struct rw_loop *the_loop;
static volatile sig_atomic_t stopping;

static void on_signal(int sig)
{
	(void)sig;
	stopping = 1;
}

/* A signal interrupts the wait; this looks often enough not to need more. */
static void watch(void *arg)
{
	struct rw_timer *t = arg;

	if (stopping)
		rw_loop_stop(the_loop);
	else
		rw_timer_set(the_loop, t, rw_loop_now(the_loop) + 50000000, watch, t);
}

int rw_cmd_stub(int argc, char **argv)
{
	struct options o = {.listen = "127.0.0.1:8444"};
	const struct rw_loop_config lc = {.max_socks = 65536, .max_queued_bytes = 1u << 30};
	const struct sigaction sa = {.sa_handler = on_signal};
	struct rw_buf answers = {0};
	struct rw_timer timer = {0};
	struct rw_tls_ctx *tls = NULL;
	struct rw_stub *stub = NULL;
	struct rw_error e = {0};
	struct rw_io *io;
	struct rw_addr addr;
	char text[RW_ADDR_TEXT];
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	rc = rw_addr_parse(o.listen, &addr, &e);
	if (!rc)
		rc = tls_context(&o, &tls, &e);
	if (!rc)
		rc = read_file(o.answers, &answers, &e);
	if (!rc)
		rc = rw_uring_new(&io, 4096, 256, 16384, &e);
	if (!rc)
		rc = rw_loop_new(&the_loop, io, &lc, &e);
	if (!rc) {
		const struct rw_stub_config sc = {.piece_bytes = o.piece,
						  .delay_ms = o.delay_ms,
						  .answers = answers.p,
						  .answers_len = answers.len};

		rc = rw_stub_new(&stub, the_loop, &sc, tls, &addr, &e);
	}
	if (!rc) {
		rw_info("stub: listening on %s://%s", o.plain ? "http" : "https",
			rw_addr_text(rw_stub_addr(stub), true, text));
		watch(&timer);
		rc = rw_loop_run(the_loop);
	}
	if (rc)
		rw_err("stub: %s", e.text);
	rw_stub_free(stub);
	if (the_loop)
		rw_loop_free(the_loop);
	rw_tls_ctx_unref(tls);
	rw_buf_free(&answers);
	return rc ? RW_EXIT_FAIL : RW_EXIT_OK;
}
