/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load of chat completions, for what wrk cannot measure: requests that arrive when they are due
 * and not when the answer before is there (latency counts from when they were due, so a stall is
 * not hidden by the load that it held up), a connection for each request, and streams whose every
 * event is timed against the stamp that the stub put into it.
 *
 * One thread, on the gateway's own client side. Prints one JSON object.
 */
#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/buf.h"
#include "base/log.h"
#include "hist.h"
#include "http/client.h"
#include "llm/sse.h"
#include "ring/uring.h"

enum { MAX_HEADERS = 16, MAX_EVENT = 1 << 20, LATE_NS = 50000000 };

static const uint64_t second_ns = 1000000000;

struct options {
	const char *address, *host, *ca, *body, *headers[MAX_HEADERS];
	unsigned n_headers, connections, rate, seconds, ramp_ms, skip_ms;
	bool stream, churn;
};

struct load {
	struct options o;
	struct rw_loop *loop;
	struct rw_pool *pool;
	struct rw_tls_ctx *tls;
	struct rw_addr addr;
	struct rw_buf body;
	struct rw_http_field fields[MAX_HEADERS + 1];
	uint64_t began, ends, due, counts; /* from then on */
	unsigned running, started;
	uint64_t done, refused, broken, events, late;
	struct rw_hist latency, first, event;
	struct rw_error why; /* of the first that broke */
};

/* One request, and in a closed loop those after it. */
struct job {
	struct load *ld;
	struct rw_pool *pool; /* its own where each request has a connection of its own */
	struct rw_fetch *fetch;
	uint64_t due, started;
	unsigned status, events;
	struct rw_sse sse;
	struct rw_task next;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * second_ns + (uint64_t)t.tv_nsec;
}

/* --- one request ------------------------------------------------------------------------------ */

static void start(struct job *j, uint64_t due);

static void on_head(void *user, const struct rw_h1_head *head)
{
	struct job *j = user;

	j->status = head->status;
}

/* The event's age, by the stamp in its "obfuscation": "<ns>". */
static void time_event(struct job *j, struct rw_slice data)
{
	static const char mark[] = "\"obfuscation\":\"";
	const char *p = memmem(data.p, data.n, mark, sizeof(mark) - 1);
	uint64_t now = now_ns(), stamp = p ? strtoull(p + sizeof(mark) - 1, NULL, 10) : 0;
	struct load *ld = j->ld;

	if (!stamp || stamp > now)
		return;
	ld->events++;
	if (now < ld->counts)
		return;
	ld->late += now - stamp > (uint64_t)LATE_NS;
	rw_hist_add(j->events++ ? &ld->event : &ld->first, now - stamp);
}

static void on_body(void *user, const char *data, size_t n)
{
	struct job *j = user;
	struct rw_slice in = rw_slice_of(data, n);
	struct rw_sse_block b;

	if (!j->ld->o.stream)
		return;
	while (rw_sse_next(&j->sse, &in, &b) == 1)
		if (b.has_data)
			time_event(j, b.data);
}

static void job_free(struct job *j)
{
	rw_task_cancel(&j->next);
	if (j->pool != j->ld->pool)
		rw_pool_release(j->pool);
	rw_sse_free(&j->sse);
	j->ld->running--;
	free(j);
}

static void go_on(void *arg)
{
	struct job *j = arg;

	if (j->ld->o.rate || now_ns() >= j->ld->ends)
		job_free(j);
	else
		start(j, now_ns());
}

static void on_done(void *user, const struct rw_error *why)
{
	struct job *j = user;
	struct load *ld = j->ld;

	j->fetch = NULL;
	if (why->code) {
		if (!ld->broken++)
			ld->why = *why;
	} else if (j->status != 200) {
		ld->refused++;
	} else {
		ld->done++;
		if (j->started >= ld->counts)
			rw_hist_add(&ld->latency, now_ns() - j->due);
	}
	rw_task_set(ld->loop, &j->next, go_on, j);
}

static struct rw_pool *make_pool(struct load *ld)
{
	const struct rw_pool_config cfg = {.max_idle = 65535, .max_conns = 65535};

	return rw_pool_new(ld->loop, &cfg, &ld->addr, 1, ld->o.host, ld->tls);
}

static void start(struct job *j, uint64_t due)
{
	static const struct rw_fetch_cb cb = {
		.on_head = on_head,
		.on_body = on_body,
		.on_done = on_done,
	};
	struct load *ld = j->ld;
	const struct rw_fetch_request rq = {
		.method = RW_SLICE("POST"),
		.target = RW_SLICE("/v1/chat/completions"),
		.fields = ld->fields,
		.n_fields = ld->o.n_headers + 1,
		.body = rw_buf_slice(&ld->body),
	};
	struct rw_error e = {0};

	if (ld->o.churn) {
		if (j->pool != ld->pool)
			rw_pool_release(j->pool);
		j->pool = make_pool(ld);
		RW_BUG_ON(!j->pool);
	}
	rw_sse_free(&j->sse);
	j->sse = (struct rw_sse){.max_bytes = MAX_EVENT};
	j->due = due;
	j->started = now_ns();
	j->events = 0;
	j->status = 0;
	j->fetch = rw_fetch_start(j->pool, &rq, &cb, j, &e);
	if (!j->fetch)
		on_done(j, &e);
}

static void add_job(struct load *ld, uint64_t due)
{
	struct job *j = calloc(1, sizeof(*j));

	RW_BUG_ON(!j);
	j->ld = ld;
	j->pool = ld->pool;
	ld->running++;
	ld->started++;
	start(j, due);
}

/* --- the whole -------------------------------------------------------------------------------- */

/* Starts what is due; the time until the next is. */
static uint64_t begin_due(struct load *ld)
{
	const struct options *o = &ld->o;
	uint64_t now = now_ns(), step;

	if (o->rate) {
		step = second_ns / o->rate;
		for (; ld->due <= now && ld->due < ld->ends; ld->due += step)
			if (ld->running < o->connections)
				add_job(ld, ld->due);
			else
				ld->broken++; /* more under way than it may have: it is lost */
	} else {
		step = (uint64_t)o->ramp_ms * 1000000 / o->connections;
		for (; ld->started < o->connections && ld->due <= now; ld->due += step)
			add_job(ld, now);
	}
	return ld->due > now && ld->due < ld->ends ? ld->due - now : 10000000;
}

static int play(struct load *ld)
{
	uint64_t wait, over;

	ld->began = ld->due = now_ns();
	ld->ends = ld->began + ld->o.seconds * second_ns;
	ld->counts = ld->began + (uint64_t)ld->o.skip_ms * 1000000;
	over = ld->ends + 5 * second_ns; /* for what is under way */
	while (now_ns() < ld->ends || (ld->running && now_ns() < over && !ld->o.stream)) {
		wait = now_ns() < ld->ends ? begin_due(ld) : 10000000;
		if (rw_loop_turn(ld->loop, wait) < 0)
			return RW_EIO;
	}
	return RW_OK;
}

static void report(const struct load *ld)
{
	double seconds = (double)(now_ns() - ld->began) / 1e9;
	struct rw_buf why = {0};

	printf("{\"seconds\":%.3f,\"done\":%lu,\"refused\":%lu,\"broken\":%lu,\"running\":%u,"
	       "\"latency\":",
	       seconds, (unsigned long)ld->done, (unsigned long)ld->refused,
	       (unsigned long)ld->broken, ld->running);
	rw_hist_print(&ld->latency, stdout);
	if (ld->o.stream) {
		printf(",\"events\":%lu,\"late\":%lu,\"first\":", (unsigned long)ld->events,
		       (unsigned long)ld->late);
		rw_hist_print(&ld->first, stdout);
		printf(",\"event\":");
		rw_hist_print(&ld->event, stdout);
	}
	rw_buf_add_json(&why, rw_slice_str(ld->why.text));
	printf(",\"why\":%.*s}\n", (int)why.len, why.p);
	rw_buf_free(&why);
}

static int read_body(struct load *ld, struct rw_error *e)
{
	FILE *f = fopen(ld->o.body, "re");
	char part[65536];
	size_t n;

	if (!f)
		return rw_fail(e, RW_EIO, "cannot read %s", ld->o.body);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		if (rw_buf_add(&ld->body, part, n))
			break;
	fclose(f);
	return RW_OK;
}

static int set_fields(struct load *ld, struct rw_error *e)
{
	ld->fields[0] = (struct rw_http_field){RW_SLICE("content-type"),
					       RW_SLICE("application/json")};
	for (unsigned i = 0; i < ld->o.n_headers; i++) {
		const char *h = ld->o.headers[i], *colon = strstr(h, ": ");

		if (!colon)
			return rw_fail(e, RW_EINVAL, "no header: '%s'", h);
		ld->fields[i + 1] = (struct rw_http_field){rw_slice_of(h, (size_t)(colon - h)),
							   rw_slice_str(colon + 2)};
	}
	return RW_OK;
}

static int set_up(struct load *ld, struct rw_error *e)
{
	const struct rw_loop_config lc = {.max_socks = 65535, .max_queued_bytes = 1u << 30};
	struct rlimit files;
	struct rw_io *io;
	int rc;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	rc = read_body(ld, e);
	if (!rc)
		rc = set_fields(ld, e);
	if (!rc)
		rc = rw_addr_parse(ld->o.address, &ld->addr, e);
	if (!rc && ld->o.ca)
		rc = rw_tls_client_new(&ld->tls, ld->o.ca, e);
	if (!rc)
		rc = rw_uring_new(&io, 4096, 1024, 16384, e);
	if (!rc)
		rc = rw_loop_new(&ld->loop, io, &lc, e);
	if (rc)
		return rc;
	ld->pool = make_pool(ld);
	return ld->pool ? RW_OK : rw_fail(e, RW_ENOMEM, "out of memory");
}

/* --- options ---------------------------------------------------------------------------------- */

static const struct argp_option option_table[] = {
	{"address", 'a', "ADDR:PORT", 0, "where to connect", 0},
	{"host", 'n', "NAME", 0, "the name in Host, to verify", 0},
	{"ca", 'C', "FILE", 0, "what to trust; without, plain HTTP", 0},
	{"body", 'b', "FILE", 0, "the request's body", 0},
	{"header", 'H', "NAME: VALUE", 0, "a header more", 0},
	{"connections", 'c', "N", 0, "requests under way (closed loop), or at most (open loop)", 0},
	{"rate", 'r', "N", 0, "requests a second, whatever becomes of those before", 0},
	{"seconds", 's', "N", 0, "how long", 0},
	{"ramp", 'm', "MS", 0, "in which the connections begin", 0},
	{"skip", 'k', "MS", 0, "what comes earlier is not timed: connections are new", 0},
	{"stream", 'S', NULL, 0, "answers are streams; time their events", 0},
	{"churn", 'u', NULL, 0, "a new connection for each request", 0},
	{0},
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'a':
		o->address = arg;
		return 0;
	case 'n':
		o->host = arg;
		return 0;
	case 'C':
		o->ca = arg;
		return 0;
	case 'b':
		o->body = arg;
		return 0;
	case 'H':
		if (o->n_headers == MAX_HEADERS)
			argp_error(state, "at most %d headers", MAX_HEADERS);
		o->headers[o->n_headers++] = arg;
		return 0;
	case 'c':
		o->connections = (unsigned)strtoul(arg, NULL, 10);
		return 0;
	case 'r':
		o->rate = (unsigned)strtoul(arg, NULL, 10);
		return 0;
	case 's':
		o->seconds = (unsigned)strtoul(arg, NULL, 10);
		return 0;
	case 'm':
		o->ramp_ms = (unsigned)strtoul(arg, NULL, 10);
		return 0;
	case 'k':
		o->skip_ms = (unsigned)strtoul(arg, NULL, 10);
		return 0;
	case 'S':
		o->stream = true;
		return 0;
	case 'u':
		o->churn = true;
		return 0;
	case ARGP_KEY_END:
		if (!o->address || !o->host || !o->body || !o->connections)
			argp_error(state, "--address, --host, --body and --connections are needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		option_table, on_option, NULL, "A load of chat completions.", NULL, NULL, NULL};
	static struct load ld = {.o = {.connections = 1, .seconds = 5}};
	struct rw_error e = {0};
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &ld.o);
	rc = set_up(&ld, &e);
	if (!rc)
		rc = play(&ld);
	if (rc) {
		rw_err("load: %s", e.text);
		return 1;
	}
	report(&ld);
	fflush(stdout);
	_Exit(0); /* what is under way ends with the process */
}
