/* SPDX-License-Identifier: Apache-2.0 */
/* Is anybody else listening where we are to listen? */
#ifndef RW_CMD_CLAIM_H
#define RW_CMD_CLAIM_H

#include "policy/config.h"

/*
 * Workers share their ports (SO_REUSEPORT), and so would a second gateway that was started by
 * mistake: each would get half of the connections, and nobody would be told. RW_EBUSY then.
 */
int rw_claim(const struct rw_config *c, struct rw_error *e);

#endif
