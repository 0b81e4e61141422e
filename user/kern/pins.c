/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of the pins: making it, pinning into it, and taking all of it away. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kern/internal.h"

/* No group means the owner only, whoever else is in the owner's group. */
static int give(const char *path, mode_t mode, gid_t gid)
{
	return (gid && chown(path, (uid_t)-1, gid)) || chmod(path, gid ? mode : mode & 0700);
}

static int make_dir(const char *path, gid_t gid, struct rw_error *e)
{
	char what[160];

	/* The mode is set apart: mkdir's is cut by the umask. What is there is opened, not closed.
	 */
	if (mkdir(path, 0700) ? errno == EEXIST && (!gid || !give(path, 0750, gid))
			      : !give(path, 0750, gid))
		return RW_OK;
	snprintf(what, sizeof(what), "make %s", path);
	return rw_kern_fail(e, -errno, what);
}

int rw_pins_make_root(gid_t gid, struct rw_error *e)
{
	int rc = make_dir(RW_PIN_PARENT, gid, e);

	return rc ? rc : make_dir(RW_PIN_ROOT, gid, e);
}

int rw_pins_make(gid_t gid, struct rw_error *e)
{
	int rc = rw_pins_make_root(gid, e);

	return rc ? rc : make_dir(RW_READER_DIR, gid, e);
}

int rw_pin(int fd, const char *name, mode_t mode, gid_t gid, struct rw_error *e)
{
	char path[128], what[160];
	int err;

	snprintf(path, sizeof(path), RW_PIN_ROOT "/%s", name);
	err = bpf_obj_pin(fd, path);
	if (!err && give(path, mode, gid))
		err = -errno;
	if (!err)
		return RW_OK;
	snprintf(what, sizeof(what), "pin %s", path);
	return rw_kern_fail(e, err, what);
}

int rw_pin_over(int fd, const char *name, mode_t mode, gid_t gid, struct rw_error *e)
{
	char fresh[64], from[128], to[128];
	int rc;

	snprintf(fresh, sizeof(fresh), "%s_new", name);
	snprintf(from, sizeof(from), RW_PIN_ROOT "/%s", fresh);
	snprintf(to, sizeof(to), RW_PIN_ROOT "/%s", name);
	unlink(from); /* of an upgrade that was killed */
	rc = rw_pin(fd, fresh, mode, gid, e);
	if (!rc && rename(from, to))
		rc = rw_kern_fail(e, -errno, "replace a pin");
	return rc;
}

int rw_pins_open(enum rw_kern_map m, int *fd, struct rw_error *e)
{
	char path[128], what[160];

	snprintf(path, sizeof(path), RW_PIN_ROOT "/%s", rw_kern_maps[m].name);
	*fd = bpf_obj_get(path);
	if (*fd >= 0)
		return RW_OK;
	snprintf(what, sizeof(what), "open %s", path);
	return rw_kern_fail(e, *fd, what);
}

/* At once, should anybody else hold the link open. Any version's, not only those we have rows for.
 */
static void detach_link(const char *name)
{
	size_t n = strlen(name), end = strlen(RW_LINK_END);
	char path[128];
	int fd;

	if (n < end || strcmp(name + n - end, RW_LINK_END) != 0)
		return;
	snprintf(path, sizeof(path), RW_PIN_ROOT "/%.64s", name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return;
	bpf_link_detach(fd);
	close(fd);
}

static int remove_pin(int dir, const struct dirent *entry)
{
	const char *name = entry->d_name;

	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return 0;
	detach_link(name);
	return unlinkat(dir, name, entry->d_type == DT_DIR ? AT_REMOVEDIR : 0);
}

int rw_unpin(const char *name)
{
	char path[128];

	detach_link(name);
	snprintf(path, sizeof(path), RW_PIN_ROOT "/%.64s", name);
	return unlink(path) ? -errno : 0;
}

void rw_pins_tidy(void)
{
	if (!rmdir(RW_PIN_ROOT))
		rmdir(RW_PIN_PARENT);
}

int rw_pins_remove(struct rw_error *e)
{
	DIR *dir = opendir(RW_PIN_ROOT);
	struct dirent *entry;
	int err = dir ? 0 : errno;

	while (dir && (entry = readdir(dir)))
		if (remove_pin(dirfd(dir), entry))
			err = errno;
	if (dir)
		closedir(dir);
	if (!err && rmdir(RW_PIN_ROOT))
		err = errno;
	/* Another version may live beside us, and the parent be somebody else's who made it for us.
	 */
	if (!err)
		rmdir(RW_PIN_PARENT);
	return err ? rw_kern_fail(e, -err, "remove " RW_PIN_ROOT) : RW_OK;
}
