/* SPDX-License-Identifier: Apache-2.0 */
/* /readyz, here and on the admin listener: what is enforced where, and is it as configured? */
#ifndef RW_GATE_READY_H
#define RW_GATE_READY_H

#include "gate/gateway.h"
#include "gate/snapshot.h"

/*
 * Appends the JSON. *ready: false while draining, while an audit log that is required cannot be
 * written, and while a kernel side that is required is gone. Safe from any thread.
 */
int rw_ready_json(const struct rw_gateway *gw, const struct rw_snapshot *snap, bool draining,
		  struct rw_buf *out, bool *ready);

#endif
