/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's files, by the kernel's word (Landlock): what it needs while it runs, and no others.
 */
#ifndef RW_CMD_CONFINE_H
#define RW_CMD_CONFINE_H

#include "policy/config.h"

/*
 * From here on nothing needs a capability: listeners are bound, pins are open. Nor may a crash
 * write keys and prompts to a core file. RW_EPERM where something is left.
 */
int rw_shed_privilege(struct rw_error *e);

/*
 * By Landlock, from here on, this thread, and those that it starts, may
 *	read	/etc, /usr, /run, /proc, /sys and /dev, and the folders of the files that c names;
 *	write	in state_dir and the folder of audit.file;
 *	execute	nothing;
 *	bind	no TCP port (Linux 6.7).
 * What is open stays open, connections are not its concern. *abi: of the kernel's Landlock. Without
 * privilege, after PR_SET_NO_NEW_PRIVS. RW_EUNSUP: this kernel has none, or a filter hides it, *e
 * says which; RW_EIO.
 */
int rw_confine(const struct rw_config *c, int *abi, struct rw_error *e);

#endif
