/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is suspended, until when: a few identities (keys), asked for on every request.
 *
 * One thread writes, any thread asks, without locks. A fixed number of sets of 8; in a full one the
 * suspension that ends first makes way. An identity is a number that is never 0.
 */
#ifndef RW_LIMIT_SUSPEND_H
#define RW_LIMIT_SUSPEND_H

#include <stdint.h>

struct rw_suspended;
/* NULL: no memory. */
struct rw_suspended *rw_suspended_new(void);
void rw_suspended_free(struct rw_suspended *s);
void rw_suspend(struct rw_suspended *s, uint64_t id, uint64_t until_ns, uint64_t now_ns);
/* How long still, in ns; 0: it is not. */
uint64_t rw_suspended_left(const struct rw_suspended *s, uint64_t id, uint64_t now_ns);

#endif
