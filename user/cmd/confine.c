/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/confine.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const uint64_t read_file = LANDLOCK_ACCESS_FS_READ_FILE,
		      read_all = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

/* SQLite's database with its helpers, certificates and compiled rules; a log after its rotation. */
static const uint64_t write_all = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
				  LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |
				  LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |
				  LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
				  LANDLOCK_ACCESS_FS_REFER;

/* Resolver, roots of trust, libraries that are loaded late, credentials, what the kernel tells. */
static const char *const system_folders[] = {"/etc", "/usr",  "/lib", "/lib64",
					     "/run", "/proc", "/sys", "/dev"};

/* Each ABI has those of the one before. */
static uint64_t handled_files(int abi)
{
	uint64_t all = LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1; /* ABI 1: all up to this */

#ifdef RW_SANITIZE /* a report's symbols are another program's work */
	all &= ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE;
#endif
	if (abi >= 2)
		all |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		all |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		all |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	return all;
}

struct ruleset {
	int fd;
	uint64_t handled;
};

/* What is not there needs no rule. */
static int allow(const struct ruleset *r, const char *path, uint64_t access, struct rw_error *e)
{
	struct landlock_path_beneath_attr rule = {
		.parent_fd = open(path, O_PATH | O_CLOEXEC),
	};
	struct stat st;
	int rc = RW_OK;

	if (rule.parent_fd < 0)
		return RW_OK;
	if (fstat(rule.parent_fd, &st) || !S_ISDIR(st.st_mode))
		access &= read_file | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;
	rule.allowed_access = access & r->handled;
	if (syscall(SYS_landlock_add_rule, r->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
		rc = rw_fail(e, RW_EIO, "landlock: no rule for '%.200s': %s", path,
			     strerror(errno));
	close(rule.parent_fd);
	return rc;
}

/* A file's folder, since the file may be replaced; a folder, or a device, itself. Never all there
 * is. */
static int allow_around(const struct ruleset *r, const char *path, uint64_t access,
			struct rw_error *e)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	struct stat st;

	if (slash == path || (!stat(path, &st) && !S_ISREG(st.st_mode)))
		return allow(r, path, access, e);
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 1,
		 slash ? path : ".");
	return allow(r, folder, access, e);
}

/* A name may be a link: to another folder, which its next version will be in, too. */
static int allow_named(const struct ruleset *r, const char *path, uint64_t access,
		       struct rw_error *e)
{
	char *real = realpath(path, NULL);
	int rc = allow_around(r, path, access, e);

	if (!rc && real)
		rc = allow_around(r, real, access, e);
	free(real);
	return rc;
}

static int allow_all(const struct ruleset *r, const struct rw_config *c, struct rw_error *e)
{
	int rc = allow_named(r, c->file, read_all, e);

	for (size_t i = 0; !rc && i < sizeof(system_folders) / sizeof(system_folders[0]); i++)
		rc = allow(r, system_folders[i], read_all, e);
	for (const struct rw_config_path *p = c->paths; !rc && p; p = p->next)
		rc = allow_named(r, p->text, read_all, e);
	rc = rc ? rc : allow(r, c->state_dir, write_all, e);
	return rc || !c->audit_file ? rc : allow_named(r, c->audit_file, write_all, e);
}

static int explain(int err, struct rw_error *e)
{
	return rw_fail(e, RW_EUNSUP, "%s",
		       err == EOPNOTSUPP ? "landlock is not in the kernel's lsm= list"
		       : err == ENOSYS	 ? "this kernel has no landlock"
					 : "a filter of system calls hides landlock");
}

int rw_confine(const struct rw_config *c, int *abi, struct rw_error *e)
{
	struct landlock_ruleset_attr attr = {0};
	struct ruleset r;
	int rc;

	*abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (*abi < 1)
		return explain(errno, e);
	r.handled = attr.handled_access_fs = handled_files(*abi);
	if (*abi >= 4)
		attr.handled_access_net = LANDLOCK_ACCESS_NET_BIND_TCP;
	r.fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (r.fd < 0)
		return rw_fail(e, RW_EIO, "landlock: no set of rules: %s", strerror(errno));
	rc = allow_all(&r, c, e);
	if (!rc && syscall(SYS_landlock_restrict_self, r.fd, 0))
		rc = rw_fail(e, RW_EIO, "landlock: its rules are refused: %s", strerror(errno));
	close(r.fd);
	return rc;
}

/* --- privilege ----------------------------------------------------------------------------------
 */

int rw_shed_privilege(struct rw_error *e)
{
	const struct rlimit none = {0, 0};
	bool may_unbind; /* the bounding set, too; who may not is without the means to use it */

	setrlimit(RLIMIT_CORE, &none);
#ifndef RW_SANITIZE /* the leak check traces its own process, which this forbids */
	prctl(PR_SET_DUMPABLE, 0);
#endif
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return rw_fail(e, RW_EPERM, "cannot give up new privileges: %s", strerror(errno));
	if (capng_get_caps_process())
		return rw_fail(e, RW_EIO, "cannot read this process's capabilities from /proc");
	may_unbind = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	capng_clear(CAPNG_SELECT_ALL);
	if ((may_unbind && capng_apply(CAPNG_SELECT_BOUNDS)) || capng_apply(CAPNG_SELECT_CAPS) ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return rw_fail(e, RW_EPERM, "cannot drop capabilities: %s", strerror(errno));
	if (capng_get_caps_process() || capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
		return rw_fail(e, RW_EPERM,
			       "capabilities are left after dropping them all: not serving with "
			       "more rights than none");
	return RW_OK;
}
