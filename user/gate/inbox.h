/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audit records on their way from the workers to the control thread. A mailbox may be full
 * while that thread waits for a name server, and records must not be lost then.
 *
 * Any thread puts; one thread takes. What is put in is kept in order, up to a bound in bytes.
 */
#ifndef RW_GATE_INBOX_H
#define RW_GATE_INBOX_H

#include <pthread.h>
#include <stdbool.h>

#include "base/buf.h"

struct rw_inbox {
	pthread_mutex_t lock;
	struct rw_buf lines; /* under lock */
	struct rw_buf taken; /* the taker's */
	bool told;	     /* under lock: the taker was told to look, and has not yet */
};

void rw_inbox_init(struct rw_inbox *in, size_t max_bytes);
void rw_inbox_free(struct rw_inbox *in);
/*
 * Copies whole lines. *tell: the taker should be told. RW_ELIMIT, RW_ENOMEM: nothing was
 * taken.
 */
int rw_inbox_put(struct rw_inbox *in, struct rw_slice lines, bool *tell);
/* All there is, valid until the next call. */
struct rw_slice rw_inbox_take(struct rw_inbox *in);

#endif
