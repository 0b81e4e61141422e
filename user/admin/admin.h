/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin listener: /metrics (Prometheus text), /healthz, /readyz. Runs on the control
 * thread's loop, plain HTTP; keep it on loopback or behind something that authenticates.
 */
#ifndef RW_ADMIN_ADMIN_H
#define RW_ADMIN_ADMIN_H

#include "gate/control.h"

struct rw_admin;

/* RW_EBUSY: the address is in use. */
int rw_admin_new(struct rw_admin **out, struct rw_gateway *gw, struct rw_control *control,
		 struct rw_loop *loop, const char *address, struct rw_error *e);
/* NULL is fine. */
void rw_admin_free(struct rw_admin *a);

/* The listening descriptor; -1 where a is NULL. */
int rw_admin_fd(const struct rw_admin *a);

/* The Prometheus text of all counters, kernel and engine. (prometheus.c) */
int rw_admin_metrics(struct rw_gateway *gw, struct rw_control *control, struct rw_buf *out);

#endif
