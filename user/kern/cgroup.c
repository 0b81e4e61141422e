/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of a cgroup, for programs to be attached to. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kern/egress.h"
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

/* Where cgroup v2 is mounted. */
static bool find_hierarchy(char *out, size_t n)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	bool found = false;

	while (f && !found && (m = getmntent(f))) {
		found = !strcmp(m->mnt_type, "cgroup2");
		if (found)
			snprintf(out, n, "%s", m->mnt_dir);
	}
	if (f)
		endmntent(f);
	return found;
}

int rw_cgroup_own(char *out, size_t n, struct rw_error *e)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[512], root[256];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		found = !strncmp(line, "0::/", 4);
	}
	if (f)
		fclose(f);
	if (!found || !find_hierarchy(root, sizeof(root)))
		return rw_fail(e, RW_EUNSUP,
			       "this process is in no cgroup v2 hierarchy that is mounted here");
	if (snprintf(out, n, "%s%s", root, line + 3) >= (int)n)
		return rw_fail(e, RW_ELIMIT, "the path of the cgroup is too long");
	return RW_OK;
}
