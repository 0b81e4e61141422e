/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attach and detach. Links and maps are pinned, so that what is enforced does not
 * depend on any process of ours being alive.
 */
#include <bpf/bpf.h>
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kern/internal.h"

/* --- what stands in the way ---------------------------------------------------------------------
 */

/*
 * CAP_PERFMON: without it the verifier wants speculation barriers around pointer arithmetic, and
 * has none for packet pointers; no parser of packets passes.
 */
int rw_kern_privileged(struct rw_error *e)
{
	static const struct {
		unsigned cap;
		const char *name;
	} needed[] = {{CAP_BPF, "CAP_BPF"},
		      {CAP_NET_ADMIN, "CAP_NET_ADMIN"},
		      {CAP_PERFMON, "CAP_PERFMON"}};
	char missing[64] = "";
	size_t n = 0;

	if (capng_get_caps_process())
		return rw_fail(e, RW_EIO, "cannot read this process's capabilities from /proc");
	for (unsigned i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!capng_have_capability(CAPNG_EFFECTIVE, needed[i].cap))
			n += (size_t)snprintf(missing + n, sizeof(missing) - n, "%s%s",
					      n ? ", " : "", needed[i].name);
	if (!n)
		return RW_OK;
	return rw_fail(e, RW_EPERM,
		       "changing the kernel side needs the capabilities CAP_BPF, CAP_NET_ADMIN and "
		       "CAP_PERFMON; this process lacks %s: run it as root",
		       missing);
}

int rw_kern_has_bpffs(struct rw_error *e)
{
	struct statfs fs;

	if (statfs(RW_BPFFS, &fs) || fs.f_type != BPF_FS_MAGIC)
		return rw_fail(e, RW_EUNSUP,
			       RW_BPFFS
			       " is not a BPF filesystem: mount one with 'mount -t bpf bpf "
			       "" RW_BPFFS "' (in a container: from the host)");
	return RW_OK;
}

/* Pins of ours that are there already: an attachment, or what is left of one. */
static int check_not_attached(struct rw_error *e)
{
	struct rw_kern_where where;
	struct rw_kern *k;
	struct rw_error why = {0};
	int rc = rw_kern_open(&k, &why);

	if (rc == RW_ENOTFOUND)
		return RW_OK;
	if (rc)
		return rw_fail(e, RW_EBUSY, "%s", why.text);
	rc = rw_kern_where(k, &where, &why);
	rw_kern_close(k);
	if (rc)
		return rw_fail(e, RW_EBUSY, "%s", why.text);
	if (where.link_alive)
		return rw_fail(
			e, RW_EBUSY,
			"ringwall is attached to %s (%s) already: 'ringwall kern status' shows it, "
			"'ringwall kern detach' removes it",
			where.interface, where.mode);
	return rw_fail(e, RW_EBUSY,
		       "pins of an earlier attachment to %s are in " RW_PIN_ROOT
		       ", whose interface is gone or in another network namespace: 'ringwall kern "
		       "detach' removes them",
		       where.interface);
}

int rw_kern_find_group(const char *name, gid_t *gid, struct rw_error *e)
{
	struct group *group;

	*gid = 0;
	if (!name)
		return RW_OK;
	group = getgrnam(name);
	if (!group)
		return rw_fail(e, RW_ENOTFOUND, "there is no group '%.64s'", name);
	*gid = group->gr_gid;
	return RW_OK;
}

/* --- attaching
 * ------------------------------------------------------------------------------------ */

static int put(const struct rw_programs *s, enum rw_kern_map m, uint32_t index, const void *value,
	       struct rw_error *e)
{
	int err = bpf_map_update_elem(s->map[m], &index, value, BPF_ANY);

	return err ? rw_kern_fail(e, err, "write the configuration maps") : RW_OK;
}

static int link_failed(const struct rw_kern_attach *a, enum rw_kern_mode mode, int err,
		       struct rw_error *e)
{
	if (err == -EPERM)
		return rw_kern_fail(e, err, "attach to an interface");
	if (mode == RW_KERN_MODE_NATIVE)
		return rw_fail(e, RW_EUNSUP,
			       "the driver of %s does not take XDP natively (%s): a virtio card "
			       "wants spare queues and LRO/GRO_HW off ('ethtool -K %s gro-hw off "
			       "lro off'), others a smaller MTU; or attach behind the driver with "
			       "'--mode tcx', which is slower",
			       a->interface, strerror(-err), a->interface);
	return rw_fail(e, RW_EUNSUP, "%s does not take a program in %s mode (%s)%s", a->interface,
		       rw_kern_mode_name(mode), strerror(-err),
		       mode == RW_KERN_MODE_TCX ? ": TCX needs a kernel of 6.6 or newer" : "");
}

/* The secrets of sketch and cookies are made here, and stay for the life of the attachment. */
static int write_config(const struct rw_kern_attach *a, const struct rw_programs *s,
			struct rw_error *e)
{
	struct rw_kern_cfg cfg = {.tick_ns = rw_kern_tick_ns()};
	struct rw_kern_syn_key key;
	struct rw_kern_ports ports;
	int rc;

	if (getrandom(cfg.hash, sizeof(cfg.hash), 0) != sizeof(cfg.hash))
		return rw_kern_fail(e, -errno, "get random bytes");
	for (unsigned i = 0; i < RW_KERN_SKETCH_ROWS; i++)
		cfg.hash[i] |= 1;
	rc = rw_config_fill(&a->limits, &cfg, &ports, e);
	if (!rc && a->limits.syn_budget)
		rc = rw_syn_cookie(a->interface, &cfg.cookie, e);
	if (!rc)
		rc = rw_syn_make_key(&key, e);
	if (!rc)
		rc = put(s, RW_MAP_SYN_KEY, 0, &key, e);
	for (cfg.index = 0; cfg.index < RW_KERN_CFGS && !rc; cfg.index++) {
		rc = put(s, RW_MAP_CFG, cfg.index, &cfg, e);
		if (!rc)
			rc = put(s, RW_MAP_PORTS, cfg.index, &ports, e);
	}
	return rc;
}

static int write_meta(const struct rw_kern_attach *a, const struct rw_programs *s, int ifindex,
		      enum rw_kern_mode mode, struct rw_error *e)
{
	struct rw_kern_meta meta = {
		.abi = RW_KERN_ABI,
		.mode = mode,
		.layout = rw_kern_layout(),
		.ifindex = (uint32_t)ifindex,
	};
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	int err = bpf_prog_get_info_by_fd(s->prog[rw_programs_judge(mode)], &info, &len);

	if (err)
		return rw_kern_fail(e, err, "ask for the program's id");
	meta.prog_id = info.id;
	memcpy(meta.magic, RW_KERN_MAGIC, sizeof(meta.magic));
	snprintf(meta.interface, sizeof(meta.interface), "%s", a->interface);
	snprintf(meta.version, sizeof(meta.version), "%s", RW_VERSION);
	return put(s, RW_MAP_META, 0, &meta, e);
}

/* What the mode wants; without a budget there are no cookies to take. */
static uint32_t programs_for(const struct rw_kern_attach *a, enum rw_kern_mode mode)
{
	uint32_t which = rw_programs_of(mode);

	return a->limits.syn_budget ? which : which & ~(1U << RW_PROGRAM_SYN);
}

/* Loads, fills and attaches what the mode wants. Nothing is pinned yet: it ends with our fds. */
static int attach_as(const struct rw_kern_attach *a, struct rw_programs *s, int ifindex,
		     enum rw_kern_mode mode, char *note, size_t room, struct rw_error *e)
{
	const int target[RW_TARGETS] = {[RW_TARGET_INTERFACE] = ifindex};
	uint32_t which = programs_for(a, mode);
	int err, rc = rw_interface_check(a->interface, ifindex, mode, note, room, e);

	if (!rc)
		rc = rw_programs_load(s, which, e);
	if (!rc)
		rc = write_config(a, s, e);
	if (!rc)
		rc = write_meta(a, s, ifindex, mode, e);
	if (rc)
		return rc;
	err = rw_programs_link(s, which, target, mode);
	return err ? link_failed(a, mode, err, e) : RW_OK;
}

/* In the mode asked for, or natively or else, for a reason that is told, with TCX. */
static int attach_somehow(const struct rw_kern_attach *a, struct rw_programs *s, int ifindex,
			  struct rw_kern_attached *out, struct rw_error *e)
{
	struct rw_error why = {0};
	char others[128];
	int rc;

	out->mode = a->mode ? a->mode : RW_KERN_MODE_NATIVE;
	rc = attach_as(a, s, ifindex, out->mode, others, sizeof(others), &why);
	if (!a->mode && (rc == RW_EBUSY || rc == RW_EUNSUP)) {
		snprintf(out->note, sizeof(out->note), "%s", why.text);
		out->mode = RW_KERN_MODE_TCX;
		rc = attach_as(a, s, ifindex, out->mode, others, sizeof(others), &why);
	}
	if (rc)
		return rw_fail(e, rc, "%s", why.text);
	if (others[0])
		snprintf(out->note + strlen(out->note), sizeof(out->note) - strlen(out->note),
			 "%sbehind ringwall's, other programs see what it passes: %s",
			 out->note[0] ? "; " : "", others);
	if (a->limits.syn_budget && out->mode == RW_KERN_MODE_NATIVE &&
	    rw_syn_hides_tags(a->interface))
		snprintf(out->note + strlen(out->note), sizeof(out->note) - strlen(out->note),
			 "%s%s takes VLAN tags off before XDP sees them, so SYN cookies would go "
			 "out without: 'ethtool -K %s rxvlan off'",
			 out->note[0] ? "; " : "", a->interface, a->interface);
	return RW_OK;
}

/* Of the ports that are protected, in the cgroup and below it. */
static int watch_sockets(const struct rw_kern_attach *a, struct rw_programs *s,
			 enum rw_kern_mode mode, struct rw_error *e)
{
	int target[RW_TARGETS] = {0}, err;
	uint64_t id;
	int rc = rw_cgroup_open(a->cgroup, &target[RW_TARGET_CGROUP], &id, e);

	if (rc)
		return rc;
	rc = rw_programs_load(s, 1U << RW_PROGRAM_SOCK, e);
	if (!rc) {
		err = rw_programs_link(s, 1U << RW_PROGRAM_SOCK, target, mode);
		rc = err ? rw_kern_fail(e, err, "attach to a cgroup") : RW_OK;
	}
	close(target[RW_TARGET_CGROUP]);
	return rc;
}

/* Maps before links, so that a link never stands without them; undone whole where a step fails. */
static int pin_all(const struct rw_kern_attach *a, const struct rw_programs *s, gid_t gid,
		   struct rw_error *e)
{
	int rc = rw_pins_make(gid, e);

	if (rc)
		return rc;
	rc = rw_programs_pin_maps(s, gid, e);
	if (!rc)
		rc = rw_programs_pin(s, gid, e);
	if (!rc)
		rc = rw_programs_pin_links(s, e);
	if (!rc && a->limits.syn_budget)
		rc = rw_syn_link_vlans(s->prog[RW_PROGRAM_SYN], a->interface, e);
	if (rc) {
		rmdir(RW_READER_DIR);
		rw_programs_unpin(s);
	}
	return rc;
}

/* --- the two verbs
 * ---------------------------------------------------------------------------------- */

int rw_kern_attach(const struct rw_kern_attach *a, struct rw_kern_attached *out, struct rw_error *e)
{
	struct rw_programs s;
	int ifindex = 0;
	gid_t gid = 0;
	int rc = rw_kern_privileged(e);

	*out = (struct rw_kern_attached){0};
	rw_programs_init(&s);
	if (!rc)
		rc = rw_kern_has_bpffs(e);
	if (!rc)
		rc = rw_interface_find(a->interface, &ifindex, e);
	if (!rc)
		rc = rw_kern_find_group(a->group, &gid, e);
	if (!rc)
		rc = check_not_attached(e);
	if (!rc)
		rc = attach_somehow(a, &s, ifindex, out, e);
	if (!rc && a->cgroup)
		rc = watch_sockets(a, &s, out->mode, e);
	if (!rc)
		rc = pin_all(a, &s, gid, e);
	rw_programs_free(&s);
	return rc;
}

int rw_kern_detach(struct rw_error *e)
{
	int rc = rw_kern_privileged(e);

	if (rc)
		return rc;
	if (access(RW_PIN_ROOT, F_OK) && errno == ENOENT)
		return rw_fail(e, RW_ENOTFOUND, "nothing is attached: there is no " RW_PIN_ROOT);
	return rw_pins_remove(e);
}
