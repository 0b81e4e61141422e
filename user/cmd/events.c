/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall kern events`: what the kernel side tells, where no engine reads it. */
#include "cmd/kern.h"

#include <argp.h>
#include <signal.h>
#include <time.h>

#include "audit/audit.h"
#include "cmd/cmd.h"
#include "cmd/verbs.h"
#include "kern/events.h"

enum { EVERY_MS = 200, AT_ONCE = 4096 };

struct options {
	bool once, json;
};

static const struct argp_option option_table[] = {
	{"once", '1', NULL, 0, "print what is waiting, and end", 0},
	{"json", 'j', NULL, 0, "print a JSON object a line, as in the audit log", 0},
	{0},
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	(void)arg;
	switch (key) {
	case '1':
		o->once = true;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void print_json(const struct rw_event *ev, uint64_t at_ms)
{
	struct rw_buf line = {0};
	char source[64];
	const struct rw_audit_event record = {
		.time_ms = at_ms,
		.event = rw_event_name(ev),
		.source = ev->source.family ? rw_prefix_text(&ev->under, source) : NULL,
		.reason = ev->outcome ? rw_kern_counter_name(ev->outcome) : NULL,
		.packets = ev->count,
		.seconds = ev->lasted_ns / 1000000000,
		.shadow = ev->shadow,
	};

	if (!rw_audit_event_json(&record, &line))
		printf("%.*s", RW_SLICE_FMT(rw_buf_slice(&line)));
	rw_buf_free(&line);
}

static void on_event(void *arg, const struct rw_event *ev)
{
	const struct options *o = arg;
	uint64_t age_ns = clock_ns(CLOCK_MONOTONIC) - ev->at_ns;
	uint64_t at_ms = (clock_ns(CLOCK_REALTIME) - age_ns) / 1000000;
	time_t at_s = (time_t)(at_ms / 1000);
	char text[240], when[32];
	struct tm tm;

	if (o->json) {
		print_json(ev, at_ms);
		return;
	}
	strftime(when, sizeof(when), "%F %T", localtime_r(&at_s, &tm));
	printf("%s.%03u %s\n", when, (unsigned)(at_ms % 1000), rw_event_text(ev, text));
}

/* Until SIGINT or SIGTERM, which are blocked, or the reader of standard output leaves. */
static void follow(struct rw_events *r, struct options *o, const sigset_t *end)
{
	const struct timespec pause = {.tv_nsec = EVERY_MS * 1000000L};

	do {
		rw_events_read(r, AT_ONCE, clock_ns(CLOCK_MONOTONIC), on_event, o);
		if (fflush(stdout))
			return;
	} while (!o->once && sigtimedwait(end, NULL, &pause) < 0);
}

int rw_cmd_events(int argc, char **argv)
{
	static const struct argp argp = {
		option_table,
		on_option,
		NULL,
		"Prints what the kernel side tells, as it happens: first drops of banned and "
		"limited "
		"sources, bans that were over, floods.\v"
		"An event is told to one reader only. While the engine runs it is that reader, and "
		"its log and audit log have them.",
		NULL,
		NULL,
		NULL};
	struct options o = {0};
	struct rw_events *r = NULL;
	struct rw_kern *k;
	struct rw_error e;
	sigset_t end;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	sigemptyset(&end);
	sigaddset(&end, SIGINT);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	rc = rw_kern_open(&k, &e);
	if (!rc)
		rc = rw_events_open(&r, k, &e);
	if (!rc)
		follow(r, &o, &end);
	rw_events_close(r);
	rw_kern_close(k);
	return rw_cmd_end(rc, &e);
}
