/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attach and detach. The link and the maps are pinned, so that what is enforced does not
 * depend on any process of ours being alive.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/if_link.h>
#include <linux/magic.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kern/internal.h"
#include "kern/skel.h"

/* --- what stands in the way ---------------------------------------------------------------------
 */

/*
 * CAP_PERFMON: without it the verifier wants speculation barriers around pointer arithmetic, and
 * has none for packet pointers; no parser of packets passes.
 */
static int check_privilege(struct rw_error *e)
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
		       "attaching and detaching need the capabilities CAP_BPF, CAP_NET_ADMIN and "
		       "CAP_PERFMON; this process lacks %s: run it as root",
		       missing);
}

static int check_bpffs(struct rw_error *e)
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

/* Who else has an XDP program on the interface; XDP links are exclusive. */
static int check_interface_free(const char *interface, int ifindex, struct rw_error *e)
{
	struct bpf_prog_info info = {0};
	uint32_t id = 0, len = sizeof(info);
	int fd;

	if (bpf_xdp_query_id(ifindex, 0, &id) || !id)
		return RW_OK;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd >= 0) {
		bpf_prog_get_info_by_fd(fd, &info, &len);
		close(fd);
	}
	return rw_fail(
		e, RW_EBUSY,
		"%s has an XDP program already: id %u, name '%.16s' ('bpftool net show dev %s' "
		"tells more; 'ip link set dev %s xdp off' removes it, unless a link holds it); an "
		"interface "
		"takes one",
		interface, id, info.name, interface, interface);
}

/* --- configuration -------------------------------------------------------------------------------
 */

static int make_config(const struct rw_kern_attach *a, struct rw_kern_cfg *cfg,
		       struct rw_kern_ports *ports, struct rw_error *e)
{
	int rc;

	*cfg = (struct rw_kern_cfg){.tick_ns = rw_kern_tick_ns(), .shadow = a->shadow};
	*ports = (struct rw_kern_ports){0};
	if (!a->n_ports || a->n_ports > RW_KERN_PORTS)
		return rw_fail(e, RW_EINVAL, "name 1 to %d TCP ports to protect", RW_KERN_PORTS);
	cfg->n_ports = a->n_ports;
	for (unsigned i = 0; i < a->n_ports; i++) {
		if (!a->ports[i])
			return rw_fail(e, RW_EINVAL, "0 is not a TCP port");
		cfg->ports[i] = a->ports[i];
		ports->word[a->ports[i] / 64] |= 1ULL << (a->ports[i] % 64);
	}
	if (getrandom(cfg->hash, sizeof(cfg->hash), 0) != sizeof(cfg->hash))
		return rw_kern_fail(e, -errno, "get random bytes");
	for (unsigned i = 0; i < RW_KERN_SKETCH_ROWS; i++)
		cfg->hash[i] |= 1;
	rc = rw_kern_rate("SYN", a->syn_per_second, a->syn_burst, cfg->tick_ns, &cfg->syn, e);
	if (!rc)
		rc = rw_kern_rate("packet", a->pkt_per_second, a->pkt_burst, cfg->tick_ns,
				  &cfg->pkt, e);
	return rc;
}

static int find_group(const char *name, gid_t *gid, struct rw_error *e)
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

/* --- loading
 * -------------------------------------------------------------------------------------- */

enum { VERIFIER_LOG = 65536 };

static int keep_silent(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

/* The verifier's verdict is the line before the last, "processed N insns ...". */
static const char *last_words(char *log)
{
	char *end = strstr(log, "\nprocessed ");
	const char *line;

	if (!end)
		return "no more is known";
	*end = '\0';
	line = strrchr(log, '\n');
	return line ? line + 1 : log;
}

static int load_failed(int err, char *log, struct rw_error *e)
{
	if (err == -EPERM)
		return rw_fail(e, RW_EPERM,
			       "the kernel refused to load the program although the capabilities "
			       "are there: is it locked down, or is BPF forbidden by seccomp or an "
			       "LSM?");
	return rw_fail(e, RW_EUNSUP, "this kernel does not take the program (%s): %.300s",
		       strerror(-err), last_words(log));
}

static int load(struct rw_xdp **out, struct rw_error *e)
{
	char *log = calloc(1, VERIFIER_LOG);
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_buf = log,
		    .kernel_log_size = VERIFIER_LOG);
	libbpf_print_fn_t before;
	int cpus = libbpf_num_possible_cpus(), err = 0, rc;
	uint32_t sources = RW_KERN_SOURCES_PER_CPU * (uint32_t)(cpus > 0 ? cpus : 1);
	struct rw_xdp *skel;

	if (!log)
		return rw_fail(e, RW_ENOMEM, "out of memory for loading the program");
	before = libbpf_set_print(keep_silent);
	skel = rw_xdp__open_opts(&opts);
	if (!skel)
		err = -errno;
	if (!err && sources > RW_KERN_SOURCES_MIN)
		err = bpf_map__set_max_entries(skel->maps.rw_source, sources);
	if (!err)
		err = rw_xdp__load(skel);
	libbpf_set_print(before);
	*out = skel;
	rc = err ? load_failed(err, log, e) : RW_OK;
	free(log);
	return rc;
}

static int put(const struct bpf_map *map, const void *value, struct rw_error *e)
{
	uint32_t zero = 0;
	int err = bpf_map_update_elem(bpf_map__fd(map), &zero, value, BPF_ANY);

	return err ? rw_kern_fail(e, err, "write the configuration maps") : RW_OK;
}

/* Native, or generic if that is allowed; *fd is the link. */
static int make_link(const struct rw_kern_attach *a, int prog, int ifindex, enum rw_kern_mode *mode,
		     int *fd, struct rw_error *e)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	int err;

	*mode = RW_KERN_MODE_NATIVE;
	*fd = bpf_link_create(prog, ifindex, BPF_XDP, &opts);
	if (*fd < 0 && *fd != -EBUSY && a->generic) {
		opts.flags = XDP_FLAGS_SKB_MODE;
		*mode = RW_KERN_MODE_GENERIC;
		*fd = bpf_link_create(prog, ifindex, BPF_XDP, &opts);
	}
	if (*fd >= 0)
		return RW_OK;
	err = *fd;
	if (err == -EBUSY || err == -EEXIST) {
		int rc = check_interface_free(a->interface, ifindex, e);

		return rc ? rc
			  : rw_fail(e, RW_EBUSY, "%s has another XDP program already",
				    a->interface);
	}
	if (err == -EPERM)
		return rw_kern_fail(e, err, "attach to an interface");
	return rw_fail(e, RW_EUNSUP,
		       "the driver of %s does not take XDP natively (%s): a virtio card wants "
		       "spare queues "
		       "and LRO/GRO_HW off ('ethtool -K %s gro-hw off lro off'), others a smaller "
		       "MTU; or attach with "
		       "--generic, which is slower",
		       a->interface, strerror(-err), a->interface);
}

static int pin_maps(const struct rw_xdp *skel, gid_t gid, struct rw_error *e)
{
	int rc = RW_OK;

	for (unsigned i = 0; i < RW_MAPS && !rc; i++) {
		const struct rw_kern_map_kind *kind = &rw_kern_maps[i];
		int fd = bpf_object__find_map_fd_by_name(skel->obj, kind->name);

		RW_BUG_ON(fd < 0);
		rc = rw_pin(fd, kind->name, kind->mode, gid, e);
	}
	return rc;
}

/* --- the two verbs
 * ---------------------------------------------------------------------------------- */

static int write_maps(const struct rw_kern_attach *a, const struct rw_xdp *skel, struct rw_error *e)
{
	struct rw_kern_ports ports;
	struct rw_kern_cfg cfg;
	int rc = make_config(a, &cfg, &ports, e);

	if (!rc)
		rc = put(skel->maps.rw_cfg, &cfg, e);
	return rc ? rc : put(skel->maps.rw_ports, &ports, e);
}

static int write_meta(const struct rw_kern_attach *a, const struct rw_xdp *skel, int ifindex,
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
	int err = bpf_prog_get_info_by_fd(bpf_program__fd(skel->progs.rw_xdp), &info, &len);

	if (err)
		return rw_kern_fail(e, err, "ask for the program's id");
	meta.prog_id = info.id;
	memcpy(meta.magic, RW_KERN_MAGIC, sizeof(meta.magic));
	snprintf(meta.interface, sizeof(meta.interface), "%s", a->interface);
	snprintf(meta.version, sizeof(meta.version), "%s", RW_VERSION);
	return put(skel->maps.rw_meta, &meta, e);
}

/* Everything from the directory on; undone whole where a step fails. */
static int attach_pinned(const struct rw_kern_attach *a, const struct rw_xdp *skel, int ifindex,
			 gid_t gid, enum rw_kern_mode *mode, struct rw_error *e)
{
	int link = -1, rc = rw_pins_make(gid, e);

	if (rc)
		return rc;
	rc = pin_maps(skel, gid, e);
	if (!rc)
		rc = make_link(a, bpf_program__fd(skel->progs.rw_xdp), ifindex, mode, &link, e);
	if (!rc)
		rc = write_meta(a, skel, ifindex, *mode, e);
	if (!rc)
		rc = rw_pin(link, RW_LINK_NAME, 0600, 0, e);
	if (rc)
		rw_pins_remove(NULL);
	if (link >= 0)
		close(link);
	return rc;
}

int rw_kern_attach(const struct rw_kern_attach *a, const char **mode, struct rw_error *e)
{
	struct rw_xdp *skel = NULL;
	enum rw_kern_mode how = RW_KERN_MODE_NATIVE;
	int ifindex = (int)if_nametoindex(a->interface);
	gid_t gid;
	int rc = check_privilege(e);

	if (!rc)
		rc = check_bpffs(e);
	if (!rc && !ifindex)
		rc = rw_fail(e, RW_ENOTFOUND,
			     "there is no interface '%.32s' ('ip link' lists them)", a->interface);
	if (!rc)
		rc = find_group(a->group, &gid, e);
	if (!rc)
		rc = check_not_attached(e);
	if (!rc)
		rc = check_interface_free(a->interface, ifindex, e);
	if (!rc)
		rc = load(&skel, e);
	if (!rc)
		rc = write_maps(a, skel, e);
	if (!rc)
		rc = attach_pinned(a, skel, ifindex, gid, &how, e);
	rw_xdp__destroy(skel);
	if (!rc && mode)
		*mode = how == RW_KERN_MODE_NATIVE ? "native" : "generic";
	return rc;
}

int rw_kern_detach(struct rw_error *e)
{
	int link, rc = check_privilege(e);

	if (rc)
		return rc;
	if (access(RW_PIN_ROOT, F_OK) && errno == ENOENT)
		return rw_fail(e, RW_ENOTFOUND, "nothing is attached: there is no " RW_PIN_ROOT);
	link = bpf_obj_get(RW_PIN_ROOT "/" RW_LINK_NAME);
	if (link >= 0) {
		bpf_link_detach(link); /* at once, should anybody else hold the link open */
		close(link);
	}
	return rw_pins_remove(e);
}
