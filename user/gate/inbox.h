/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audit records on their way from the workers to the control thread. A mailbox may be full
 * while that thread waits for a name server, and records must not be lost then.
 *
 * Any thread puts; one thread takes. What is put in is kept in order, up to a bound in bytes.
 *
 * And the way back: who has to know when his records are on the disk puts them with a waiter, and
 * gets a place, which is the number of bytes ever put in. The taker says up to which place records
 * are safe, or will never be known to be, and has the waiters' loops look.
 */
#ifndef RW_GATE_INBOX_H
#define RW_GATE_INBOX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/buf.h"
#include "ring/loop.h"

/* Embedded by who waits, zeroed but for the first three; the rest is the inbox's, under its lock.
 */
struct rw_inbox_waiter {
	struct rw_loop *loop;
	void (*look)(void *arg); /* is posted to loop when there is news */
	void *arg;
	struct rw_inbox_waiter *next;
	bool listed;
	uint64_t place; /* of the last that it put in */
};

struct rw_inbox {
	pthread_mutex_t lock;
	struct rw_buf lines; /* under lock */
	struct rw_buf taken; /* the taker's */
	bool told;	     /* under lock: the taker was told to look, and has not yet */
	uint64_t place;	     /* under lock: bytes that were ever put in */
	uint64_t awaited;    /* under lock: up to this place somebody waits */
	struct rw_inbox_waiter *waiters; /* under lock */
	_Atomic uint64_t safe, failed;	 /* places, by the taker; failed goes first */
};

void rw_inbox_init(struct rw_inbox *in, size_t max_bytes);
void rw_inbox_free(struct rw_inbox *in);
/*
 * Copies whole lines. *tell: the taker should be told. w NULL: nobody waits for them; else
 * w->place is theirs. RW_ELIMIT, RW_ENOMEM: nothing was taken.
 */
int rw_inbox_put(struct rw_inbox *in, struct rw_slice lines, struct rw_inbox_waiter *w, bool *tell);
/* All there is, valid until the next call. *place: of its end; *awaited: up to where somebody
 * waits. */
struct rw_slice rw_inbox_take(struct rw_inbox *in, uint64_t *place, uint64_t *awaited);
/* The taker's word about everything up to place. Whoever waits is told, now or by the next call. */
void rw_inbox_settle(struct rw_inbox *in, uint64_t place, bool safe);
/* Tells again those whose mailbox was full. */
void rw_inbox_tell(struct rw_inbox *in);
/* w is not told any more; in its loop's thread, before that goes away. */
void rw_inbox_leave(struct rw_inbox *in, struct rw_inbox_waiter *w);

#endif
