/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steering, from the gateway's side: it hands its listeners to rw_steer and tells how busy its
 * workers are. File modes of the pins are enough: no capability is needed for any of this.
 *
 * One thread opens, takes and closes; the cells that rw_steering_load gives out are written by one
 * worker each, until rw_steering_close.
 */
#ifndef RW_KERN_STEER_H
#define RW_KERN_STEER_H

#include "kern/kern.h"

struct rw_steering;

/* One address: a listening socket per worker, all bound to it with SO_REUSEPORT. */
struct rw_steering_group {
	const int *fds;
	unsigned n; /* at most RW_KERN_WORKERS */
};

/* k is borrowed and outlives it. RW_EPERM: the file modes; RW_EUNSUP: a kernel side without it. */
int rw_steering_open(struct rw_steering **out, struct rw_kern *k, struct rw_error *e);
/*
 * From here on these sockets get the new connections of their addresses, and no other gateway's;
 * each group's in the order of the workers. Once. On failure the kernel's hash decides, between all
 * that listen.
 */
int rw_steering_take(struct rw_steering *s, const struct rw_steering_group *groups, unsigned n,
		     struct rw_error *e);
/* Where a worker says how busy it is. NULL before take and for more workers than there is room. */
struct rw_kern_load *rw_steering_load(struct rw_steering *s, unsigned worker);
/* Sockets that are still open stay where they are. */
void rw_steering_close(struct rw_steering *s);

/* What rw_steer counted, for all gateways together. */
int rw_steering_counters(struct rw_kern *k, struct rw_kern_steer_stats *out, struct rw_error *e);

#endif
