/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the ring of events, and the states of the whole, whose end nothing in the kernel tells.
 */
#include "kern/events.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "kern/internal.h"

enum { STATES = 2 };

struct rw_events {
	struct rw_kern *k;
	struct ring_buffer *ring;
	int lock_fd;
	bool open[STATES]; /* whose beginning was told, or was before our time */
	rw_event_fn fn;	   /* of the read under way */
	void *arg;
};

static const enum rw_kern_event_kind states[STATES] = {RW_KERN_EVENT_promote_capped,
						       RW_KERN_EVENT_syn_budget};

/* --- words ------------------------------------------------------------------------------------ */

const char *rw_event_name(const struct rw_event *ev)
{
	static const char *const names[][2] = {
#define NAME(name, help) {#name, #name "_ended"},
		RW_KERN_EVENT_KINDS(NAME)
#undef NAME
	};

	return names[ev->kind][ev->ended];
}

static const char *help_of(enum rw_kern_event_kind kind)
{
	static const char *const texts[] = {
#define HELP(name, help) help,
		RW_KERN_EVENT_KINDS(HELP)
#undef HELP
	};

	return texts[kind];
}

static bool whole(const struct rw_prefix *p)
{
	return p->plen == (p->family == AF_INET ? 32 : 128);
}

const char *rw_event_text(const struct rw_event *ev, char out[240])
{
	char source[64], under[64], rest[96] = "";

	if (!ev->source.family) {
		if (ev->ended)
			snprintf(rest, sizeof(rest), ": over, after %" PRIu64 " s",
				 ev->lasted_ns / 1000000000);
		snprintf(out, 240, "%s%s", help_of(ev->kind), rest);
		return out;
	}
	if (ev->outcome)
		snprintf(rest, sizeof(rest), " (%s%s, %" PRIu64 " so far)",
			 ev->shadow ? "would_" : "", rw_kern_counter_name(ev->outcome), ev->count);
	rw_prefix_text(&ev->source, source);
	*strchr(source, '/') = '\0';
	if (!whole(&ev->under))
		snprintf(out, 240, "%s of %s: %s%s", source, rw_prefix_text(&ev->under, under),
			 help_of(ev->kind), rest);
	else
		snprintf(out, 240, "%s: %s%s", source, help_of(ev->kind), rest);
	return out;
}

/* --- the ring -----------------------------------------------------------------------------------
 */

static int on_record(void *ctx, void *data, size_t n)
{
	struct rw_events *r = ctx;
	struct rw_event ev = {0};
	struct rw_kern_event raw;
	struct rw_kern_key key;

	if (n != sizeof(raw))
		return 0;
	memcpy(&raw, data, sizeof(raw));
	if ((unsigned)raw.kind >= RW_KERN_EVENTS || (unsigned)raw.outcome >= RW_KERN_N)
		return 0;
	ev.kind = raw.kind;
	ev.outcome = raw.outcome;
	ev.shadow = raw.shadow != 0;
	ev.count = raw.count;
	ev.at_ns = raw.at_ns;
	for (unsigned i = 0; i < STATES; i++)
		if (states[i] == raw.kind) {
			r->open[i] = true;
			r->fn(r->arg, &ev);
			return 0;
		}
	memcpy(key.addr, raw.addr, sizeof(key.addr));
	key.plen = 128;
	ev.source = rw_prefix_from_key(&key);
	ev.under = ev.source;
	ev.under.plen = (uint8_t)(raw.plen - (128 - ev.source.plen));
	rw_prefix_mask(&ev.under);
	r->fn(r->arg, &ev);
	return 0;
}

static bool read_states(const struct rw_events *r, struct rw_kern_episode out[STATES])
{
	struct rw_kern_episodes all;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(r->k->fd[RW_MAP_EPISODES], &zero, &all))
		return false;
	out[0] = all.promote_capped;
	out[1] = all.syn_budget;
	return true;
}

static unsigned tell_ends(struct rw_events *r, uint64_t now_ns)
{
	struct rw_kern_episode at[STATES];
	unsigned n = 0;

	if (!read_states(r, at))
		return 0;
	for (unsigned i = 0; i < STATES; i++) {
		struct rw_event ev = {.kind = states[i], .ended = true, .at_ns = at[i].last_ns};

		if (!r->open[i] || rw_kern_going_on(&at[i], now_ns))
			continue;
		r->open[i] = false;
		ev.lasted_ns = at[i].last_ns - at[i].since_ns;
		r->fn(r->arg, &ev);
		n++;
	}
	return n;
}

unsigned rw_events_read(struct rw_events *r, unsigned max, uint64_t now_ns, rw_event_fn fn,
			void *arg)
{
	int n;

	r->fn = fn;
	r->arg = arg;
	n = ring_buffer__consume_n(r->ring, max);
	return (n > 0 ? (unsigned)n : 0) + tell_ends(r, now_ns);
}

/* --- being the reader ---------------------------------------------------------------------------
 */

static int be_the_only_one(struct rw_events *r, struct rw_error *e)
{
	if (r->k->lock_fd < 0)
		return RW_OK; /* maps that nobody else has */
	r->lock_fd = open(RW_READER_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->lock_fd < 0)
		return rw_kern_fail(e, -errno, "open " RW_READER_DIR);
	if (!flock(r->lock_fd, LOCK_EX | LOCK_NB))
		return RW_OK;
	return rw_fail(e, RW_EBUSY,
		       "somebody reads the kernel's events already: the engine while it runs (they "
		       "are in its log and audit log), or another 'ringwall kern events'");
}

int rw_events_open(struct rw_events **out, struct rw_kern *k, struct rw_error *e)
{
	struct rw_events *r = calloc(1, sizeof(*r));
	struct rw_kern_episode at[STATES];
	int rc;

	*out = NULL;
	if (!r)
		return rw_fail(e, RW_ENOMEM, "out of memory for the kernel's events");
	r->k = k;
	r->lock_fd = -1;
	rc = k->read_only ? rw_kern_fail(e, -EPERM, "read the kernel's events")
			  : be_the_only_one(r, e);
	if (!rc) {
		r->ring = ring_buffer__new(k->fd[RW_MAP_EVENTS], on_record, r, NULL);
		rc = r->ring ? RW_OK : rw_kern_fail(e, -errno, "map rw_events");
	}
	if (rc) {
		rw_events_close(r);
		return rc;
	}
	if (read_states(r, at))
		for (unsigned i = 0; i < STATES; i++)
			r->open[i] = rw_kern_going_on(&at[i], rw_kern_now_ns());
	*out = r;
	return RW_OK;
}

bool rw_events_taken(void)
{
	int fd = open(RW_READER_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool taken = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB);

	if (fd >= 0)
		close(fd);
	return taken;
}

void rw_events_close(struct rw_events *r)
{
	if (!r)
		return;
	ring_buffer__free(r->ring);
	if (r->lock_fd >= 0)
		close(r->lock_fd);
	free(r);
}
