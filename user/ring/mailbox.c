/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that other threads want run in the loop's. */
#include "ring/internal.h"

void rw_mailbox_init(struct rw_mailbox *m)
{
	pthread_mutex_init(&m->lock, NULL);
	atomic_init(&m->waiting, 0);
	m->first = 0;
}

void rw_mailbox_free(struct rw_mailbox *m)
{
	pthread_mutex_destroy(&m->lock);
}

int rw_mailbox_put(struct rw_mailbox *m, struct rw_mail mail, bool *was_empty)
{
	unsigned n;

	pthread_mutex_lock(&m->lock);
	n = atomic_load_explicit(&m->waiting, memory_order_relaxed);
	if (n < RW_MAILBOX) {
		m->mail[(m->first + n) % RW_MAILBOX] = mail;
		atomic_store_explicit(&m->waiting, n + 1, memory_order_relaxed);
	}
	pthread_mutex_unlock(&m->lock);
	*was_empty = n == 0;
	return n < RW_MAILBOX ? RW_OK : RW_ENOMEM;
}

static unsigned take(struct rw_mailbox *m, struct rw_mail *out, unsigned max)
{
	unsigned n, waiting;

	pthread_mutex_lock(&m->lock);
	waiting = atomic_load_explicit(&m->waiting, memory_order_relaxed);
	n = waiting < max ? waiting : max;
	for (unsigned i = 0; i < n; i++)
		out[i] = m->mail[(m->first + i) % RW_MAILBOX];
	m->first = (m->first + n) % RW_MAILBOX;
	atomic_store_explicit(&m->waiting, waiting - n, memory_order_relaxed);
	pthread_mutex_unlock(&m->lock);
	return n;
}

void rw_mailbox_run(struct rw_mailbox *m)
{
	struct rw_mail batch[64];
	/* Only what is there now: a function that posts itself again does not stop the loop. */
	unsigned left = atomic_load_explicit(&m->waiting, memory_order_relaxed);

	while (left) {
		unsigned n = take(m, batch, left < 64 ? left : 64);

		for (unsigned i = 0; i < n; i++)
			batch[i].fn(batch[i].arg);
		left -= n;
	}
}
