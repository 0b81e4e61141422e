/* SPDX-License-Identifier: Apache-2.0 */
/* A file's bytes on their way to the disk. */
#include "ring/internal.h"

int rw_loop_sync(struct rw_loop *l, int fd, void (*done)(void *arg, int rc), void *arg)
{
	struct rw_sync *s = &l->sync;

	if (s->busy)
		return RW_EBUSY;
	*s = (struct rw_sync){true, s->generation + 1, done, arg};
	l->io->ops->sync(l->io, fd, rw_io_tag(0, s->generation, RW_IO_SYNC));
	return RW_OK;
}

void rw_loop_sync_drop(struct rw_loop *l)
{
	l->sync.done = NULL;
}

void rw_sync_done(struct rw_loop *l, const struct rw_io_done *d)
{
	struct rw_sync *s = &l->sync;

	if (!s->busy || rw_io_tag_generation(d->tag) != s->generation) {
		l->stats.stale++;
		return;
	}
	s->busy = false;
	if (s->done)
		s->done(s->arg, d->res == RW_OK || d->res == RW_EINVAL ? d->res : RW_EIO);
}
