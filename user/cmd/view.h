/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel side at one moment, as `kern status` and `top` show it. Lines have 80 columns. */
#ifndef RW_CMD_VIEW_H
#define RW_CMD_VIEW_H

#include "base/buf.h"
#include "kern/conns.h"
#include "kern/feed.h"
#include "kern/kern.h"
#include "kern/steer.h"

enum { RW_VIEW_LIMITED = 16, RW_VIEW_SOURCES = 16 };

struct rw_view {
	uint64_t at_ns; /* CLOCK_MONOTONIC */
	struct rw_kern_where where;
	struct rw_kern_cfg cfg;
	struct rw_kern_stats stats;
	struct rw_kern_steer_stats steer;
	struct rw_ban *bans; /* malloc'd; most drops first */
	unsigned n_bans;
	struct rw_feed feeds[RW_KERN_FEEDS];
	unsigned n_feeds;
	struct rw_limited limited[RW_VIEW_LIMITED]; /* most drops first */
	unsigned n_limited, limiters;		    /* limiters: sources that have one */
	struct rw_kern_pressure syn, pkt;
	struct rw_kern_states states;
	bool events_read;
	bool conns_counted; /* a cgroup was given, and what follows is known */
	struct rw_kern_sock_stats conns;
	struct rw_source_conns sources[RW_VIEW_SOURCES]; /* most open connections first */
	unsigned n_sources;
};

/* The caller frees also where it fails. */
int rw_view_read(struct rw_view *v, struct rw_error *e);
void rw_view_free(struct rw_view *v);

/* States of the whole, the sketch, events: a line each where there is something to say. */
void rw_view_print_state(const struct rw_view *v);
/* With a heading, at most room of them; nothing without any. */
void rw_view_print_limited(const struct rw_view *v, unsigned room);
void rw_view_print_bans(const struct rw_view *v, unsigned room);
void rw_view_print_sources(const struct rw_view *v, unsigned room);
/* The same as members of a JSON object, each with a comma before it. */
int rw_view_json(const struct rw_view *v, struct rw_buf *out);

#endif
