/* SPDX-License-Identifier: Apache-2.0 */
/* The pinned maps: opening them, checking that they are ours, reading what the kernel counted. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kern/internal.h"

const struct rw_kern_map_kind rw_kern_maps[RW_MAPS] = {
	[RW_MAP_META] = {"rw_meta", 0640, true, 0},
	[RW_MAP_CFG] = {"rw_cfg", 0640, true, 0},
	[RW_MAP_PORTS] = {"rw_ports", 0640, false, 0},
	[RW_MAP_BITS] = {"rw_bits", 0660, true, 0},
	[RW_MAP_ALLOW] = {"rw_allow", 0660, true, 0},
	[RW_MAP_ALLOW_NET] = {"rw_allow_net", 0660, true, 0},
	[RW_MAP_DENY4] = {"rw_deny4", 0660, true, 0},
	[RW_MAP_DENY6] = {"rw_deny6", 0660, true, 0},
	[RW_MAP_CIDR4] = {"rw_cidr4", 0660, true, 0},
	[RW_MAP_CIDR6] = {"rw_cidr6", 0660, true, 0},
	[RW_MAP_STATS] = {"rw_stats", 0640, true, 0},
	[RW_MAP_SOURCE] = {"rw_source", 0640, true, RW_KERN_SOURCES_PER_CPU},
	[RW_MAP_SKETCH] = {"rw_sketch", 0640, true, 0},
	[RW_MAP_PROMO] = {"rw_promo", 0640, false, 0},
	[RW_MAP_RECENT] = {"rw_recent", 0640, false, 1},
	[RW_MAP_TOLD] = {"rw_told", 0640, false, 0},
	[RW_MAP_EPISODES] = {"rw_episodes", 0640, true, 0},
	[RW_MAP_EVENTS] = {"rw_events", 0660, true, 0},
	[RW_MAP_FEED_VIEW] = {"rw_feed_view", 0640, false, 0},
	[RW_MAP_FEED4] = {"rw_feed4", 0640, false, 0},
	[RW_MAP_FEED6] = {"rw_feed6", 0640, false, 0},
	[RW_MAP_FEED_NET4] = {"rw_feed_net4", 0640, false, 0},
	[RW_MAP_FEED_NET6] = {"rw_feed_net6", 0640, false, 0},
	[RW_MAP_FEEDS] = {"rw_feeds", 0640, true, 0},
	[RW_MAP_FEED_DROPS] = {"rw_feed_drops", 0640, true, 0},
	[RW_MAP_LISTEN] = {"rw_listen", 0660, true, 0},
	[RW_MAP_SOCKETS] = {"rw_sockets", 0660, true, 0},
	[RW_MAP_LOAD] = {"rw_load", 0660, true, 0},
	[RW_MAP_PICK] = {"rw_pick", 0640, true, 0},
	[RW_MAP_STEER_STATS] = {"rw_steer_stats", 0640, true, 0},
	[RW_MAP_OUT_META] = {"rw_out_meta", 0640, false, 0},
	[RW_MAP_OUT] = {"rw_out", 0660, false, 0},
	[RW_MAP_OUT_NET] = {"rw_out_net", 0640, false, 0},
	[RW_MAP_OUT_STATS] = {"rw_out_stats", 0640, false, 0},
	[RW_MAP_OUT_REFUSED] = {"rw_out_refused", 0640, false, RW_KERN_SOURCES_PER_CPU},
	[RW_MAP_SYN_KEY] = {"rw_syn_key", 0600, false, 0},
	[RW_MAP_SYN_METER] = {"rw_syn_meter", 0640, false, 0},
	[RW_MAP_CONN] = {"rw_conn", 0640, false, RW_KERN_CONNS_PER_CPU},
	[RW_MAP_CONN_SK] = {"rw_conn_sk", 0640, false, 0},
	[RW_MAP_SOCK_STATS] = {"rw_sock_stats", 0640, false, 0},
};

const char *rw_kern_mode_name(enum rw_kern_mode mode)
{
	static const char *const names[] = {
		[RW_KERN_MODE_AUTO] = "auto",
		[RW_KERN_MODE_NATIVE] = "native",
		[RW_KERN_MODE_GENERIC] = "generic",
		[RW_KERN_MODE_TCX] = "tcx",
	};

	return mode < sizeof(names) / sizeof(names[0]) ? names[mode] : NULL;
}

int rw_kern_fail(struct rw_error *e, int err, const char *what)
{
	switch (-err) {
	case EPERM:
	case EACCES:
		return rw_fail(e, RW_EPERM,
			       "not allowed to %s: run as root, or as a member of the group given "
			       "to 'ringwall kern attach --group'",
			       what);
	case ENOMEM:
		return rw_fail(e, RW_ENOMEM, "the kernel has no memory to %s", what);
	default:
		return rw_fail(e, RW_EIO, "cannot %s: %s", what, strerror(-err));
	}
}

uint64_t rw_kern_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* --- opening -------------------------------------------------------------------------------- */

/* The pins of a ringwall with another ABI lie beside where ours would be. */
static int other_version(struct rw_error *e)
{
	const char *own = strrchr(RW_PIN_ROOT, '/') + 1; /* with pins of egress alone */
	DIR *dir = opendir(RW_PIN_PARENT);
	struct dirent *entry;
	int rc = RW_OK;

	while (dir && (entry = readdir(dir)) && !rc)
		if (entry->d_name[0] == 'v' && strcmp(entry->d_name, own) != 0)
			rc = rw_fail(
				e, RW_EUNSUP,
				"a ringwall with another kernel interface is attached (%s/%.32s, "
				"this one is v%d): detach it with the version that attached it",
				RW_PIN_PARENT, entry->d_name, RW_KERN_ABI);
	if (dir)
		closedir(dir);
	return rc;
}

/* Why the directory of the pins did not open. */
int rw_pins_missing(int err, struct rw_error *e)
{
	static const char *const way[] = {RW_BPFFS, RW_PIN_PARENT, RW_PIN_ROOT};

	if (err == ENOENT) {
		int rc = other_version(e);

		return rc ? rc
			  : rw_fail(e, RW_ENOTFOUND,
				    "the kernel side is not attached (no " RW_PIN_ROOT
				    "): run 'ringwall kern attach -i INTERFACE -p PORT' as root");
	}
	if (err == EACCES)
		for (unsigned i = 0; i < sizeof(way) / sizeof(way[0]); i++)
			if (access(way[i], X_OK))
				return rw_fail(
					e, RW_EPERM, "not allowed to enter %s: %s", way[i],
					i ? "run as root, or as a member of the group given to "
					    "'ringwall kern attach --group'"
					  : "run as root, or let others through with 'chmod 711 "
					    "" RW_BPFFS "'");
	return rw_kern_fail(e, -err, "read " RW_PIN_ROOT);
}

/* Read-write where the file mode grants it; reading is enough for an exporter. */
static int open_map(struct rw_kern *k, enum rw_kern_map m, struct rw_error *e)
{
	LIBBPF_OPTS(bpf_obj_get_opts, reading, .file_flags = BPF_F_RDONLY);
	char path[128], what[160];
	bool ours_to_write = rw_kern_maps[m].mode & 0020;

	snprintf(path, sizeof(path), RW_PIN_ROOT "/%s", rw_kern_maps[m].name);
	if (ours_to_write && !k->read_only) {
		k->fd[m] = bpf_obj_get(path);
		k->read_only = k->fd[m] == -EACCES || k->fd[m] == -EPERM;
	}
	if (k->fd[m] < 0)
		k->fd[m] = bpf_obj_get_opts(path, &reading);
	if (k->fd[m] >= 0)
		return RW_OK;
	if (m == RW_MAP_META && k->fd[m] == -ENOENT) /* another program's pins alone */
		return rw_pins_missing(ENOENT, e);
	snprintf(what, sizeof(what), "open %s", path);
	return rw_kern_fail(e, k->fd[m], what);
}

static int check_meta(const struct rw_kern_meta *meta, struct rw_error *e)
{
	if (memcmp(meta->magic, RW_KERN_MAGIC, sizeof(meta->magic)) != 0)
		return rw_fail(e, RW_EUNSUP,
			       RW_PIN_ROOT
			       "/rw_meta is not ringwall's: something else made it, or an "
			       "attach was interrupted; 'ringwall kern detach' clears it");
	if (meta->abi != RW_KERN_ABI || meta->layout != rw_kern_layout())
		return rw_fail(e, RW_EUNSUP,
			       "the kernel side was attached by ringwall %.16s with interface %u "
			       "(layout %016llx), this is " RW_VERSION " with interface %d: run "
			       "'ringwall kern upgrade', or 'kern detach' and attach again",
			       meta->version, meta->abi, (unsigned long long)meta->layout,
			       RW_KERN_ABI);
	return RW_OK;
}

void rw_kern_init(struct rw_kern *k)
{
	*k = (struct rw_kern){.lock_fd = -1};
	for (unsigned i = 0; i < RW_MAPS; i++)
		k->fd[i] = -1;
}

int rw_kern_adopt(struct rw_kern *k, struct rw_error *e)
{
	uint32_t zero = 0;
	int rc, err = bpf_map_lookup_elem(k->fd[RW_MAP_META], &zero, &k->meta);

	if (err)
		return rw_kern_fail(e, err, "read rw_meta");
	rc = check_meta(&k->meta, e);
	if (rc)
		return rc;
	k->cpus = libbpf_num_possible_cpus();
	if (k->cpus < 1)
		return rw_kern_fail(e, k->cpus, "count the CPUs");
	k->stats = calloc((size_t)k->cpus, sizeof(*k->stats));
	if (!k->stats)
		return rw_fail(e, RW_ENOMEM, "out of memory for the counters");
	k->bits = mmap(NULL, sizeof(*k->bits), k->read_only ? PROT_READ : PROT_READ | PROT_WRITE,
		       MAP_SHARED, k->fd[RW_MAP_BITS], 0);
	if (k->bits == MAP_FAILED) {
		k->bits = NULL;
		return rw_kern_fail(e, -errno, "map rw_bits");
	}
	return RW_OK;
}

void rw_kern_release(struct rw_kern *k)
{
	if (k->bits)
		munmap(k->bits, sizeof(*k->bits));
	free(k->stats);
	for (unsigned i = 0; i < RW_MAPS; i++)
		if (k->fd[i] >= 0)
			close(k->fd[i]);
	if (k->lock_fd >= 0)
		close(k->lock_fd);
	rw_kern_init(k);
}

int rw_kern_open(struct rw_kern **out, struct rw_error *e)
{
	struct rw_kern *k = malloc(sizeof(*k));
	int rc = RW_OK;

	*out = NULL;
	if (!k)
		return rw_fail(e, RW_ENOMEM, "out of memory for the kernel side");
	rw_kern_init(k);
	k->lock_fd = open(RW_PIN_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (k->lock_fd < 0)
		rc = rw_pins_missing(errno, e);
	for (unsigned i = 0; i < RW_MAPS && !rc; i++)
		if (rw_kern_maps[i].needed)
			rc = open_map(k, i, e);
	if (!rc)
		rc = rw_kern_adopt(k, e);
	if (rc) {
		rw_kern_close(k);
		return rc;
	}
	*out = k;
	return RW_OK;
}

void rw_kern_close(struct rw_kern *k)
{
	if (!k)
		return;
	rw_kern_release(k);
	free(k);
}

/* An upgrade to another layout leaves us with maps that no program reads any more. */
static int check_current(struct rw_kern *k, struct rw_error *e)
{
	struct rw_kern_meta now;
	uint32_t zero = 0;
	int err = bpf_map_lookup_elem(k->fd[RW_MAP_META], &zero, &now);

	if (err)
		return rw_kern_fail(e, err, "read rw_meta");
	if (now.layout != k->meta.layout || now.generation != k->meta.generation)
		return rw_fail(e, RW_EUNSUP,
			       "'ringwall kern upgrade' (to %.16s) has replaced the maps that this "
			       "process opened: start it again",
			       now.version);
	k->meta = now; /* the program's id */
	return RW_OK;
}

int rw_kern_lock(struct rw_kern *k, struct rw_error *e)
{
	int rc;

	if (k->read_only)
		return rw_fail(
			e, RW_EPERM,
			"not allowed to change bans: run as root, or as a member of the group "
			"given to 'ringwall kern attach --group'");
	if (k->lock_fd < 0)
		return RW_OK;
	while (flock(k->lock_fd, LOCK_EX))
		if (errno != EINTR)
			return rw_kern_fail(e, -errno, "lock " RW_PIN_ROOT);
	rc = check_current(k, e);
	if (rc)
		rw_kern_unlock(k);
	return rc;
}

void rw_kern_unlock(struct rw_kern *k)
{
	if (k->lock_fd >= 0)
		flock(k->lock_fd, LOCK_UN);
}

/* --- reading --------------------------------------------------------------------------------- */

int rw_kern_counters(struct rw_kern *k, struct rw_kern_stats *out, struct rw_error *e)
{
	uint32_t zero = 0;
	int err = bpf_map_lookup_elem(k->fd[RW_MAP_STATS], &zero, k->stats);

	if (err)
		return rw_kern_fail(e, err, "read the kernel's counters");
	*out = (struct rw_kern_stats){0};
#define SUM(name, help) out->name += k->stats[i].name;
	for (int i = 0; i < k->cpus; i++) {
		RW_KERN_COUNTERS(SUM)
	}
#undef SUM
	return RW_OK;
}

int rw_kern_config(struct rw_kern *k, struct rw_kern_cfg *out, struct rw_error *e)
{
	uint32_t at = 0;
	int err = bpf_map_lookup_elem(k->fd[RW_MAP_CFG], &at, out);

	if (!err && out->active) {
		at = out->active;
		err = bpf_map_lookup_elem(k->fd[RW_MAP_CFG], &at, out);
	}
	return err ? rw_kern_fail(e, err, "read rw_cfg") : RW_OK;
}

int rw_kern_where(struct rw_kern *k, struct rw_kern_where *out, struct rw_error *e)
{
	const char *mode = rw_kern_mode_name(k->meta.mode);
	struct rw_kern_cfg cfg;
	char name[IF_NAMESIZE];
	int rc = check_current(k, e);

	if (!rc)
		rc = rw_kern_config(k, &cfg, e);
	if (rc)
		return rc;
	*out = (struct rw_kern_where){.shadow = cfg.shadow != 0};
	snprintf(out->mode, sizeof(out->mode), "%s", mode ? mode : "unknown");
	/* It may have been renamed since. */
	snprintf(out->interface, sizeof(out->interface), "%.*s", (int)sizeof(k->meta.interface),
		 if_indextoname(k->meta.ifindex, name) ? name : k->meta.interface);
	out->link_alive = rw_interface_has((int)k->meta.ifindex, k->meta.mode, k->meta.prog_id) ||
			  rw_interface_has((int)k->meta.ifindex, k->meta.mode,
					   k->meta.prog_id_before);
	return RW_OK;
}
