/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: one loop, its listeners, upstream pools, scratch and counters.
 *
 * Everything in it is touched by its loop's thread only, but for the metrics and the
 * generation (single writer, many readers) and rw_worker_publish and rw_worker_drain, which post.
 */
#ifndef RW_GATE_WORKER_H
#define RW_GATE_WORKER_H

#include <sys/queue.h>

#include "audit/audit.h"
#include "base/buf.h"
#include "gate/balancer.h"
#include "gate/gateway.h"
#include "gate/inbox.h"
#include "gate/metrics.h"
#include "gate/pools.h"
#include "gate/snapshot.h"
#include "gate/text_key.h"
#include "http/server.h"
#include "kern/steer.h"
#include "ring/loop.h"

struct rw_clean;
struct rw_open;
struct rw_recall;
struct rw_request;
struct rw_turns;

struct rw_worker {
	struct rw_gateway *gw;
	unsigned id;
	struct rw_loop *loop;
	struct rw_snapshot *snap;
	_Atomic uint64_t generation; /* snap's: the control thread sees who stayed behind */
	struct rw_scanner *scanner;

	struct rw_http_server *servers[RW_MAX_LISTENERS];
	struct rw_pools *pools;	       /* of snap's routes */
	struct rw_balancers balancers; /* of snap's configuration */

	struct rw_request *idle_requests; /* recycled, LIFO */
	unsigned idle_count;
	uint64_t buffered_bytes;
	struct rw_buf events; /* what a stream gives out, handed on within the call */

	/* What the http room said last against a connection; its exchange's end follows. */
	struct {
		bool set;
		enum rw_http_bad kind;
		struct rw_addr peer;
	} bad;

	unsigned connections, accepted; /* open; ever */
	struct rw_turns *turns;		/* of clients' TLS handshakes */
	struct rw_open *handshakes;	/* under way, by source */
	struct rw_kern_load
		*load; /* where the kernel side sees how busy we are; NULL: nobody asks */

	struct rw_text_hash text_hash; /* of what is remembered of texts */
	struct rw_clean *clean;	       /* texts without findings; NULL: none was long enough */
	struct rw_recall *recall;      /* what external detectors said; NULL: none was asked */
	bool detector_down[RW_MAX_DETECTORS]; /* by index: its last answer was none */

	struct rw_buf audit; /* lines not yet handed to the control thread */
	struct rw_timer audit_timer;
	/* Answers whose end waits for their record, in the order of these; of each the place.
	 * (commit.c) */
	TAILQ_HEAD(rw_uncommitted, rw_request) uncommitted;
	struct rw_inbox_waiter waiter;
	struct rw_task audit_task;

	bool draining, closing; /* closing: what is not settled yet is cut off */
	struct rw_timer drain_timer;
	uint64_t drain_deadline_ns;

	struct rw_metrics metrics;
};

/* Listens (so that "port in use" is an error of the start), ready for loop's thread to run. */
int rw_worker_new(struct rw_worker **out, struct rw_gateway *gw, unsigned id, struct rw_loop *loop,
		  struct rw_snapshot *snap, struct rw_error *e);
/*
 * Aborts what is left and lets go of everything that hangs on the loop; called by the
 * loop's thread, before rw_loop_free. The counters stay readable until rw_worker_free.
 */
void rw_worker_close(struct rw_worker *w);
void rw_worker_free(struct rw_worker *w);

/* Takes a reference of snap for new requests. Safe from any thread. */
int rw_worker_publish(struct rw_worker *w, struct rw_snapshot *snap);
/*
 * No new connections; the loop stops when the last request is settled, the deadline passed or
 * gw->hurry is set. Call once: the loop may be gone at any time after.
 */
int rw_worker_drain(struct rw_worker *w, uint64_t within_ns);

/* Says how busy the worker is, for new connections to go elsewhere. */
static inline void rw_worker_busy(const struct rw_worker *w)
{
	if (!w->load)
		return;
	__atomic_store_n(&w->load->accepted, w->accepted, __ATOMIC_RELAXED);
	__atomic_store_n(&w->load->connections, w->connections, __ATOMIC_RELAXED);
	__atomic_store_n(
		&w->load->requests,
		(uint32_t)atomic_load_explicit(&w->metrics.requests_active, memory_order_relaxed),
		__ATOMIC_RELAXED);
}

/* Appends a record to the batch that goes to the control thread. False: it is lost. (commit.c) */
bool rw_worker_audit(struct rw_worker *w, const struct rw_audit_record *rec);
/* The batch goes now; arg is the rw_worker. */
void rw_worker_flush_audit(void *arg);
/* No request is left. */
void rw_worker_end_audit(struct rw_worker *w);

#endif
