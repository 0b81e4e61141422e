/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service manager is told, in the protocol of sd_notify(3): ready, reloading, stopping,
 * alive. Where there is none (no NOTIFY_SOCKET), nothing is.
 *
 * The control thread's, but for the workers' answers. Alive means that control thread and all
 * workers have come round since the last time it was said: a worker that hangs is the gateway's
 * end, and the manager starts another.
 */
#ifndef RW_CMD_NOTIFY_H
#define RW_CMD_NOTIFY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "gate/gateway.h"
#include "ring/loop.h"

struct rw_notify {
	int fd;		  /* -1: nobody listens */
	uint64_t beat_ns; /* how often the workers are looked at; 0: nobody wants to know */
	bool stopping;	  /* the workers' loops may be gone: they are not asked any more */
	unsigned n_workers;
	unsigned asked;	      /* of the workers, since alive was said */
	atomic_uint answered; /* of those asked */
	struct rw_loop *loop;
	struct rw_timer timer;
	struct rw_loop *workers[RW_MAX_WORKERS];
};

/* Takes NOTIFY_SOCKET and WATCHDOG_USEC out of the environment. */
void rw_notify_open(struct rw_notify *n);
void rw_notify_close(struct rw_notify *n);

void rw_notify_ready(struct rw_notify *n, const char *status);
void rw_notify_reloading(struct rw_notify *n);
/* at_most_ms: how long it may take, which the manager waits whatever its unit says. */
void rw_notify_stopping(struct rw_notify *n, uint64_t at_most_ms);

/* One of the loops that have to be alive; before rw_notify_watch. */
void rw_notify_worker(struct rw_notify *n, struct rw_loop *worker);
/* From the thread of loop, which is control's. */
void rw_notify_watch(struct rw_notify *n, struct rw_loop *loop);

#endif
