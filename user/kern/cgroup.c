/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of a cgroup, for programs to be attached to. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kern/internal.h"

/* A v1 hierarchy has directories, too, and would take no program. */
int rw_cgroup_open(const char *path, int *fd, uint64_t *id, struct rw_error *e)
{
	struct statfs fs;
	struct stat st;

	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return rw_fail(e, errno == EACCES ? RW_EPERM : RW_ENOTFOUND,
			       "cannot open cgroup %.200s: %s; a service's is under "
			       "/sys/fs/cgroup/system.slice, and there only while it runs",
			       path, strerror(errno));
	if (fstatfs(*fd, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC || fstat(*fd, &st)) {
		close(*fd);
		*fd = -1;
		return rw_fail(e, RW_EUNSUP,
			       "%.200s is not in a cgroup v2 hierarchy ('mount -t cgroup2' tells "
			       "where there is one)",
			       path);
	}
	*id = st.st_ino;
	return RW_OK;
}
