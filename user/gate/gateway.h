/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all workers of one gateway share. Everything that changes after start is
 * atomic; the rest is set before the first worker runs.
 */
#ifndef RW_GATE_GATEWAY_H
#define RW_GATE_GATEWAY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "limit/suspend.h"
#include "limit/table.h"

struct rw_control;
struct rw_steering;
struct rw_tls_shared;
struct rw_worker;

enum { RW_MAX_WORKERS = 256 };

/* Where denials and packet rates are enforced now, for /readyz and metrics. */
enum rw_enforced {
	RW_ENFORCED_OFF,     /* kernel: off in the configuration */
	RW_ENFORCED_MISSING, /* preferred, but not to be had: rates in the engine only */
	RW_ENFORCED_GENERIC, /* XDP in generic mode */
	RW_ENFORCED_TCX,     /* TCX behind the driver */
	RW_ENFORCED_NATIVE,  /* XDP in the driver */
};

struct rw_gateway {
	struct rw_limits *key_cells, *address_cells;
	struct rw_suspended *suspended; /* keys; the control thread writes */
	struct rw_control *control;
	struct rw_tls_shared *tls; /* ticket keys, counters; the control thread's to rotate */
	atomic_int kernel;	   /* enum rw_enforced */
	atomic_bool contained;	   /* the kernel lets us connect to upstreams and services only */
	atomic_bool audit_ok;
	atomic_bool draining;	      /* set once: nothing is published to workers any more */
	atomic_bool hurry;	      /* a second signal: the drain ends now */
	struct rw_steering *steering; /* NULL: a hash of addresses chooses the worker */
	unsigned n_workers;
	struct rw_worker *workers[RW_MAX_WORKERS];
};

/* "off", "missing", "generic", "native" */
const char *rw_enforced_name(enum rw_enforced k);

#endif
