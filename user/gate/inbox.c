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

int rw_inbox_put(struct rw_inbox *in, struct rw_slice lines, bool *tell)
{
	int rc;

	pthread_mutex_lock(&in->lock);
	rc = rw_buf_add_slice(&in->lines, lines);
	*tell = !rc && !in->told;
	in->told |= !rc;
	pthread_mutex_unlock(&in->lock);
	return rc;
}

struct rw_slice rw_inbox_take(struct rw_inbox *in)
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
	pthread_mutex_unlock(&in->lock);
	in->taken = full;
	return rw_buf_slice(&in->taken);
}
