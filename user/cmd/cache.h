/* SPDX-License-Identifier: Apache-2.0 */
/* Where a command that somebody calls keeps compiled rules (scan/dbcache.h says what is trusted).
 */
#ifndef RW_CMD_CACHE_H
#define RW_CMD_CACHE_H

#include <stddef.h>

enum { RW_CACHE_DIR_ROOM = 4096 };

/*
 * The caller's own folder, $XDG_CACHE_HOME/ringwall or ~/.cache/ringwall, in room; the folder above
 * is made where it is missing. NULL: there is none, and rules are compiled each time.
 */
const char *rw_cache_dir(char room[RW_CACHE_DIR_ROOM]);

#endif
