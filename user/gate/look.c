/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel side tells, into the log (a few lines a tick), metrics and the audit log. */
#include <inttypes.h>

#include "base/log.h"
#include "gate/control_int.h"

enum {
	EVENTS_PER_LOOK = 2048,
	LINES_PER_LOOK = 5,
	RETRY_TICKS = 8, /* two seconds */
};

static void record(struct rw_control *c, const struct rw_event *ev)
{
	char source[64];

	rw_control_record(
		c, &(struct rw_audit_event){
			   .event = rw_event_name(ev),
			   .source = ev->source.family ? rw_prefix_text(&ev->under, source) : NULL,
			   .reason = ev->outcome ? rw_kern_counter_name(ev->outcome) : NULL,
			   .packets = ev->count,
			   .seconds = ev->lasted_ns / 1000000000,
			   .shadow = ev->shadow,
		   });
}

static void on_event(void *arg, const struct rw_event *ev)
{
	struct rw_control *c = arg;
	char text[240];

	if (!ev->ended)
		c->stats.events[ev->kind]++;
	record(c, ev);
	if (c->events.lines >= LINES_PER_LOOK) {
		c->events.unsaid++;
		return;
	}
	c->events.lines++;
	rw_info("kernel: %s", rw_event_text(ev, text));
}

static void become_reader(struct rw_control *c)
{
	struct rw_kern_watch *w = &c->events;
	struct rw_error e;

	if (w->wait) {
		w->wait--;
		return;
	}
	w->wait = RETRY_TICKS;
	if (!rw_events_open(&w->reader, c->kern, &e)) {
		w->busy_said = false;
		return;
	}
	if (!w->busy_said)
		rw_warn("the kernel's events are not in this log: %s", e.text);
	w->busy_said = true;
}

void rw_control_look(struct rw_control *c)
{
	struct rw_kern_watch *w = &c->events;

	if (!c->kern)
		return;
	if (!w->reader)
		become_reader(c);
	if (!w->reader)
		return;
	w->lines = 0;
	w->unsaid = 0;
	rw_events_read(w->reader, EVENTS_PER_LOOK, rw_loop_now(c->loop), on_event, c);
	if (w->unsaid)
		rw_info("kernel: and %" PRIu64 " events more just now%s", w->unsaid,
			c->audit ? " (the audit log has them)" : "");
}
