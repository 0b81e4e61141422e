/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's audit records on their way to the control thread, and answers that wait for them.
 *
 * Where audit.sync is request, the end of an answer is held in its connection until the disk has
 * the record. Nothing blocks: records leave at the turn's end, the control thread syncs all that
 * came meanwhile at once, and has this worker look (inbox.h).
 */
#include "gate/control.h"
#include "gate/request.h"

enum {
	/* Two hundred records: fewer than one in a hundred of a busy worker's answers waits while
	 * they are linked. */
	AUDIT_BATCH_BYTES = 128 * 1024,
	/*
	 * How long a record that nobody waits for may wait for company. Each batch has the control
	 * thread woken: where it shares a processor with us, in the middle of some answer.
	 */
	AUDIT_BATCH_NS = 20 * 1000 * 1000,
};

static void let_go(struct rw_request *r)
{
	TAILQ_REMOVE(&r->w->uncommitted, r, link);
	r->uncommitted = false;
	rw_exchange_release(r->x);
}

/* There will be no proof that the disk has the record. */
static void give_up(struct rw_request *r)
{
	struct rw_exchange *x = r->x;
	bool cut = r->snap->routes->config->audit_required;

	let_go(r);
	if (!cut)
		return;
	rw_metric_add(&r->w->metrics.audit_refused_total, 1);
	rw_exchange_abort(x);
}

/* safe is read first: it may be beyond failed only after that was set. */
static void look(void *arg)
{
	struct rw_worker *w = arg;
	const struct rw_inbox *in = rw_control_inbox(w->gw->control);
	uint64_t safe = atomic_load(&in->safe), failed = atomic_load(&in->failed);
	struct rw_request *r, *next;

	for (r = TAILQ_FIRST(&w->uncommitted); r && r->place; r = next) {
		next = TAILQ_NEXT(r, link);
		if (r->place <= failed)
			give_up(r);
		else if (r->place <= safe)
			let_go(r);
		else
			break;
	}
}

/* Those whose records are in the batch that is on its way: the last ones. place 0: it is lost. */
static void place_all(struct rw_worker *w, uint64_t place)
{
	struct rw_request *r = TAILQ_LAST(&w->uncommitted, rw_uncommitted), *before;

	for (; r && !r->place; r = before) {
		before = TAILQ_PREV(r, rw_uncommitted, link);
		if (place)
			r->place = place;
		else
			give_up(r);
	}
}

void rw_worker_flush_audit(void *arg)
{
	struct rw_worker *w = arg;
	const struct rw_request *last = TAILQ_LAST(&w->uncommitted, rw_uncommitted);
	bool awaited = last && !last->place;
	int rc;

	if (w->audit.len == 0)
		return;
	if (awaited && !w->waiter.loop)
		w->waiter = (struct rw_inbox_waiter){.loop = w->loop, .look = look, .arg = w};
	rc = rw_control_audit(w->gw->control, rw_buf_slice(&w->audit), awaited ? &w->waiter : NULL);
	rw_buf_reset(&w->audit);
	if (awaited)
		place_all(w, rc ? 0 : w->waiter.place);
}

bool rw_worker_audit(struct rw_worker *w, const struct rw_audit_record *rec)
{
	int rc;

	if (w->audit.len > AUDIT_BATCH_BYTES)
		rw_worker_flush_audit(w);
	rc = rw_audit_record_json(rec, &w->audit);
	if (rc && w->audit.len) { /* what is there makes room */
		rw_worker_flush_audit(w);
		rc = rw_audit_record_json(rec, &w->audit);
	}
	if (rc)
		rw_control_audit_lost(w->gw->control, 1);
	else if (!rw_timer_armed(&w->audit_timer))
		rw_timer_set(w->loop, &w->audit_timer, rw_loop_now(w->loop) + AUDIT_BATCH_NS,
			     rw_worker_flush_audit, w);
	return rc == RW_OK;
}

void rw_worker_end_audit(struct rw_worker *w)
{
	RW_BUG_ON(!TAILQ_EMPTY(&w->uncommitted));
	rw_timer_cancel(&w->audit_timer);
	rw_task_cancel(&w->audit_task);
	rw_worker_flush_audit(w);
	rw_buf_free(&w->audit);
	if (w->waiter.loop)
		rw_inbox_leave(rw_control_inbox(w->gw->control), &w->waiter);
}

/* --- a request's side ---------------------------------------------------------------------------
 */

bool rw_request_syncs(const struct rw_request *r)
{
	const struct rw_config *c = r->snap->routes->config;

	return c->audit_file && c->audit_sync == RW_AUDIT_REQUEST && r->endpoint != RW_EP_HEALTHZ &&
	       r->endpoint != RW_EP_READYZ;
}

void rw_request_last(struct rw_request *r)
{
	if (rw_request_syncs(r))
		rw_exchange_hold(r->x);
}

void rw_request_end(struct rw_request *r)
{
	struct rw_worker *w = r->w;
	bool recorded;

	rw_request_last(r);
	if (rw_exchange_end(r->x) || !rw_request_syncs(r))
		return;
	recorded = rw_request_record(r, true);
	r->uncommitted = true;
	TAILQ_INSERT_TAIL(&w->uncommitted, r, link);
	if (recorded)
		rw_task_set(w->loop, &w->audit_task, rw_worker_flush_audit, w);
	else
		give_up(r);
}

void rw_request_uncommit(struct rw_request *r)
{
	if (!r->uncommitted)
		return;
	TAILQ_REMOVE(&r->w->uncommitted, r, link);
	r->uncommitted = false;
}
