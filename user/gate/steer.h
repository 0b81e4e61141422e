/* SPDX-License-Identifier: Apache-2.0 */
/* Giving the listeners of all workers to the kernel side, which then chooses among them. */
#ifndef RW_GATE_STEER_H
#define RW_GATE_STEER_H

#include "gate/gateway.h"
#include "kern/kern.h"

/*
 * Every new connection is ours from here on, also where another gateway still listens. Workers have
 * listened and do not run yet; admin_fd is the admin listener or -1, k may be NULL. Where it
 * cannot be had the kernel's hash goes on choosing, and the log says why.
 */
void rw_gateway_steer(struct rw_gateway *gw, struct rw_kern *k, int admin_fd);
/* Once the workers have ended. */
void rw_gateway_unsteer(struct rw_gateway *gw);

#endif
