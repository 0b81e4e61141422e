/* SPDX-License-Identifier: Apache-2.0 */
/* Bans in words, for `deny list` and `top`. */
#ifndef RW_CMD_BANS_H
#define RW_CMD_BANS_H

#include <stdint.h>

/* "9m12s", "for ever"; returns out. */
const char *rw_ban_left(uint64_t left_ns, char out[32]);

#endif
