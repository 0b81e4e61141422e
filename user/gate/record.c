/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records on their way from the inbox into the audit log, and the log on its way to the disk: one
 * sync for all that came meanwhile, so that as many answers wait for it as there are.
 */
#include <inttypes.h>

#include "base/log.h"
#include "gate/control_int.h"

/* Ticks between two syncs of a log that nobody waits for: a second. */
enum { IDLE_SYNC_TICKS = 4 };

static void audit_state(struct rw_control *c)
{
	bool ok = !c->audit || rw_audit_ok(c->audit);
	bool required = c->snap->routes->config->audit_required;

	atomic_store_explicit(&c->gw->audit_ok, ok, memory_order_relaxed);
	if (ok == c->audit_was_ok)
		return;
	c->audit_was_ok = ok;
	if (ok)
		rw_info("audit log: writing again%s",
			atomic_load(&c->stats.audit_lost) || c->stats.audit_sync_failed
				? ""
				: ", nothing was lost");
	else
		rw_err("audit log: %s; %s", rw_audit_error(c->audit),
		       required ? "refusing requests until it can be written (audit.required)"
		       : rw_audit_fd(c->audit) < 0 ? "records wait in memory"
						   : "serving on");
}

void rw_control_audit_lost(struct rw_control *c, uint64_t n)
{
	atomic_fetch_add_explicit(&c->stats.audit_lost, n, memory_order_relaxed);
	rw_err("audit log: no room for %" PRIu64 " records, they are lost", n);
}

static uint64_t count_lines(struct rw_slice lines)
{
	uint64_t n = 0;

	for (size_t i = 0; i < lines.n; i++)
		n += lines.p[i] == '\n';
	return n;
}

/* --- to the disk ------------------------------------------------------------------------------ */

static void settle(struct rw_control *c, uint64_t place, bool safe)
{
	c->sync.settled = place;
	rw_inbox_settle(&c->inbox, place, safe);
}

static void sync_if_awaited(struct rw_control *c);

static void synced(void *arg, int rc)
{
	struct rw_control *c = arg;
	bool safe = rc == RW_OK || rc == RW_EINVAL; /* the latter: a device */

	c->sync.busy = false;
	if (!c->sync.moot) {
		c->stats.audit_sync_failed += !safe;
		rw_audit_synced(c->audit, rc);
		settle(c, c->sync.asked, safe);
		audit_state(c);
	}
	c->sync.moot = false;
	sync_if_awaited(c);
}

static void begin_sync(struct rw_control *c)
{
	int fd = rw_audit_fd(c->audit);

	if (c->sync.busy || fd < 0 || rw_loop_sync(c->loop, fd, synced, c))
		return;
	rw_audit_syncing(c->audit);
	c->sync.busy = true;
	c->sync.dirty = false;
	c->sync.idle_ticks = 0;
	c->sync.asked = c->sync.taken;
}

/* Whose record cannot be written now is not kept waiting for a disk that may stay full. */
static void sync_if_awaited(struct rw_control *c)
{
	if (c->sync.awaited <= c->sync.settled)
		return;
	if (rw_audit_fd(c->audit) < 0)
		settle(c, c->sync.taken, false);
	else
		begin_sync(c);
}

/* --- into the file ---------------------------------------------------------------------------- */

void rw_control_take_records(void *arg)
{
	struct rw_control *c = arg;
	struct rw_slice lines = rw_inbox_take(&c->inbox, &c->sync.taken, &c->sync.awaited);

	if (!c->audit)
		return;
	if (lines.n && rw_audit_write(c->audit, lines)) {
		rw_control_audit_lost(c, count_lines(lines));
		settle(c, c->sync.taken, false);
	} else if (lines.n) {
		c->sync.dirty = true;
	}
	if (rw_audit_moved(c->audit))
		rw_control_reopen_log(c);
	audit_state(c);
	sync_if_awaited(c);
}

void rw_control_tick_records(struct rw_control *c)
{
	if (!c->audit)
		return;
	rw_audit_retry(c->audit);
	rw_control_take_records(c);
	rw_inbox_tell(&c->inbox);
	if ((c->sync.dirty && ++c->sync.idle_ticks >= IDLE_SYNC_TICKS) || !rw_audit_ok(c->audit))
		begin_sync(c);
}

int rw_control_audit(struct rw_control *c, struct rw_slice lines, struct rw_inbox_waiter *w)
{
	bool tell;
	int rc = rw_inbox_put(&c->inbox, lines, w, &tell);

	if (rc)
		rw_control_audit_lost(c, count_lines(lines));
	else if (tell) /* where it fails, the tick looks */
		(void)rw_loop_post(c->loop, rw_control_take_records, c);
	return rc;
}

struct rw_inbox *rw_control_inbox(struct rw_control *c)
{
	return &c->inbox;
}

void rw_control_record(struct rw_control *c, const struct rw_audit_event *ev)
{
	struct rw_audit_event stamped = *ev;
	struct rw_buf line = {0};

	if (!c->audit)
		return;
	stamped.time_ms = rw_loop_wall_ms(c->loop);
	if (rw_audit_event_json(&stamped, &line) || rw_audit_write(c->audit, rw_buf_slice(&line)))
		rw_control_audit_lost(c, 1);
	else
		c->sync.dirty = true;
	rw_buf_free(&line);
	if (rw_audit_moved(c->audit))
		rw_control_reopen_log(c);
}

/* --- life ------------------------------------------------------------------------------------- */

void rw_control_reopen_log(struct rw_control *c)
{
	struct rw_error why = {0};

	if (!c->audit)
		return;
	if (rw_audit_reopen(c->audit, &why)) {
		rw_err("audit log: %s", why.text);
		return;
	}
	/* The old file was synced and waited for; what is under way says nothing of the new one. */
	c->sync.moot = c->sync.busy;
	if (rw_audit_fd(c->audit) >= 0)
		settle(c, c->sync.taken, rw_audit_ok(c->audit));
	audit_state(c);
}

unsigned rw_control_end_records(struct rw_control *c)
{
	unsigned lost;

	rw_control_take_records(c);
	rw_loop_sync_drop(c->loop);
	lost = c->audit ? rw_audit_close(c->audit) : 0;
	if (lost)
		rw_err("audit log: %u records could not be written and are lost", lost);
	rw_inbox_free(&c->inbox);
	return lost;
}
