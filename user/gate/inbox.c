/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/inbox.h"

enum { KEEP_BYTES = 1 << 20 };

void rw_inbox_init(struct rw_inbox *in, size_t max_bytes)
{
	*in = (struct rw_inbox){.lines.max = max_bytes, .taken.max = max_bytes};
	pthread_mutex_init(&in->lock, NULL);
}

void rw_inbox_free(struct rw_inbox *in)
{
	rw_buf_free(&in->lines);
	rw_buf_free(&in->taken);
	pthread_mutex_destroy(&in->lock);
}

static void list(struct rw_inbox *in, struct rw_inbox_waiter *w)
{
	w->place = in->awaited = in->place;
	if (w->listed)
		return;
	w->listed = true;
	w->next = in->waiters;
	in->waiters = w;
}

int rw_inbox_put(struct rw_inbox *in, struct rw_slice lines, struct rw_inbox_waiter *w, bool *tell)
{
	int rc;

	pthread_mutex_lock(&in->lock);
	rc = rw_buf_add_slice(&in->lines, lines);
	*tell = !rc && !in->told;
	in->told |= !rc;
	in->place += rc ? 0 : lines.n;
	if (!rc && w)
		list(in, w);
	pthread_mutex_unlock(&in->lock);
	return rc;
}

struct rw_slice rw_inbox_take(struct rw_inbox *in, uint64_t *place, uint64_t *awaited)
{
	size_t max = in->lines.max;
	struct rw_buf full;

	if (in->taken.cap > KEEP_BYTES)
		rw_buf_free(&in->taken);
	rw_buf_reset(&in->taken);
	pthread_mutex_lock(&in->lock);
	full = in->lines;
	in->lines = in->taken;
	in->lines.max = max;
	in->told = false;
	*place = in->place;
	*awaited = in->awaited;
	pthread_mutex_unlock(&in->lock);
	in->taken = full;
	return rw_buf_slice(&in->taken);
}

void rw_inbox_tell(struct rw_inbox *in)
{
	uint64_t safe = atomic_load(&in->safe), failed = atomic_load(&in->failed);
	struct rw_inbox_waiter **at, *w;

	/* Under the lock, so that a loop whose waiter is listed is still there. */
	pthread_mutex_lock(&in->lock);
	for (at = &in->waiters; (w = *at);) {
		bool told = rw_loop_post(w->loop, w->look, w->arg) == RW_OK;

		if (told && w->place <= (safe > failed ? safe : failed)) {
			*at = w->next;
			w->listed = false;
		} else {
			at = &w->next;
		}
	}
	pthread_mutex_unlock(&in->lock);
}

void rw_inbox_settle(struct rw_inbox *in, uint64_t place, bool safe)
{
	atomic_store(safe ? &in->safe : &in->failed, place);
	rw_inbox_tell(in);
}

void rw_inbox_leave(struct rw_inbox *in, struct rw_inbox_waiter *w)
{
	struct rw_inbox_waiter **at;

	pthread_mutex_lock(&in->lock);
	for (at = &in->waiters; *at && *at != w;)
		at = &(*at)->next;
	if (*at)
		*at = w->next;
	w->listed = false;
	pthread_mutex_unlock(&in->lock);
}
