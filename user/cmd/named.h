/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration names must be there: files, folders, the list of keys. */
#ifndef RW_CMD_NAMED_H
#define RW_CMD_NAMED_H

#include "policy/config.h"

/*
 * Looks at everything that c names, loads certificates and keys as the engine will, changes
 * nothing; say is called with a sentence for each thing that is wrong. Returns how many there are.
 * Rule packs are not among them: who loads those, checks.
 */
unsigned rw_named_check(const struct rw_config *c, void (*say)(void *arg, const char *text),
			void *arg);

#endif
