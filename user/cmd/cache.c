/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* A program with more rights than its caller does not ask him where its files are. */
static const char *own_variable(const char *name)
{
	const char *value = secure_getenv(name);

	return value && *value == '/' ? value : NULL;
}

const char *rw_cache_dir(char room[RW_CACHE_DIR_ROOM])
{
	const char *base = own_variable("XDG_CACHE_HOME"), *tail = "";
	int n;

	if (!base) {
		base = own_variable("HOME");
		tail = "/.cache";
	}
	if (!base)
		return NULL;
	n = snprintf(room, RW_CACHE_DIR_ROOM, "%s%s", base, tail);
	if (n < 0 || n >= RW_CACHE_DIR_ROOM)
		return NULL;
	mkdir(room, 0700);
	n = snprintf(room, RW_CACHE_DIR_ROOM, "%s%s/ringwall", base, tail);
	return n > 0 && n < RW_CACHE_DIR_ROOM ? room : NULL;
}
