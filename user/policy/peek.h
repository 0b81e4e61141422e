/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a configuration that has mistakes elsewhere, for whoever has to say so. */
#ifndef RW_POLICY_PEEK_H
#define RW_POLICY_PEEK_H

#include <stdbool.h>

#include "base/slice.h"

enum { RW_PEEK_MAX = 64 };

/*
 * admin.address: what stands behind the first indented "address:" below a line "admin:". No YAML:
 * other ways to write it are not found. out ends with a NUL. False: there is none, and out is "".
 */
bool rw_config_peek_admin(struct rw_slice yaml, char out[RW_PEEK_MAX]);

#endif
