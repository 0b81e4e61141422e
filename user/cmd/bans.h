/* SPDX-License-Identifier: Apache-2.0 */
/* Bans in words, for `deny list` and `top`. */
#ifndef RW_CMD_BANS_H
#define RW_CMD_BANS_H

#include <stdint.h>

#include "base/buf.h"
#include "kern/feed.h"

/* "9m12s", "for ever"; returns out. */
const char *rw_ban_left(uint64_t left_ns, char out[32]);

/* A table for people; nothing where there are none. */
void rw_feeds_print(const struct rw_feed *feeds, unsigned n);
/* Adds a JSON array. */
int rw_feeds_json(struct rw_buf *b, const struct rw_feed *feeds, unsigned n);

#endif
