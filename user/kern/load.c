/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs: which there are, loading their objects with maps in common, their links and pins.
 * A new program is a row in each of the tables here, and its maps are rows in kern.c.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kern/internal.h"
#include "kern/skel.h"

static const struct {
	const char *name;
	const void *(*elf)(size_t *n);
} objects[RW_OBJECTS] = {
	[RW_OBJECT_XDP] = {"rw_xdp", rw_xdp__elf_bytes},
	[RW_OBJECT_TCX] = {"rw_tcx", rw_tcx__elf_bytes},
	[RW_OBJECT_SYN] = {"rw_syn", rw_syn__elf_bytes},
	[RW_OBJECT_STEER] = {"rw_steer", rw_steer__elf_bytes},
	[RW_OBJECT_EGRESS] = {"rw_egress", rw_egress__elf_bytes},
	[RW_OBJECT_SOCK] = {"rw_sock", rw_sock__elf_bytes},
};

#define IN(mode) (1U << RW_KERN_MODE_##mode)
#define IN_ALL	 (IN(NATIVE) | IN(GENERIC) | IN(TCX))

const struct rw_kern_program_kind rw_kern_programs[RW_PROGRAMS] = {
	[RW_PROGRAM_XDP] = {"rw_xdp", RW_OBJECT_XDP, RW_TARGET_INTERFACE, BPF_XDP,
			    IN(NATIVE) | IN(GENERIC)},
	[RW_PROGRAM_TCX] = {"rw_tcx", RW_OBJECT_TCX, RW_TARGET_INTERFACE, BPF_TCX_INGRESS, IN(TCX)},
	[RW_PROGRAM_SYN] = {"rw_syn", RW_OBJECT_SYN, RW_TARGET_INTERFACE, BPF_TCX_INGRESS, IN_ALL},
	[RW_PROGRAM_STEER] = {"rw_steer", RW_OBJECT_STEER, RW_TARGET_LISTENERS,
			      BPF_SK_REUSEPORT_SELECT_OR_MIGRATE, IN_ALL},
#define CGROUP(name, attach) {name, RW_OBJECT_EGRESS, RW_TARGET_CGROUP, BPF_CGROUP_##attach, 0}
	[RW_PROGRAM_CONNECT4] = CGROUP("rw_connect4", INET4_CONNECT),
	[RW_PROGRAM_CONNECT6] = CGROUP("rw_connect6", INET6_CONNECT),
	[RW_PROGRAM_SENDMSG4] = CGROUP("rw_sendmsg4", UDP4_SENDMSG),
	[RW_PROGRAM_SENDMSG6] = CGROUP("rw_sendmsg6", UDP6_SENDMSG),
	[RW_PROGRAM_EGRESS] = CGROUP("rw_egress", INET_EGRESS),
#undef CGROUP
	[RW_PROGRAM_SOCK] = {"rw_sock", RW_OBJECT_SOCK, RW_TARGET_CGROUP, BPF_CGROUP_SOCK_OPS, 0},
};

uint32_t rw_programs_of(enum rw_kern_mode mode)
{
	uint32_t which = 0;

	for (unsigned p = 0; p < RW_PROGRAMS; p++)
		which |= (rw_kern_programs[p].modes >> mode & 1) << p;
	return which;
}

/* --- loading ----------------------------------------------------------------------------------
 */

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

static int load_failed(enum rw_kern_object o, int err, char *log, struct rw_error *e)
{
	if (err == -EPERM)
		return rw_fail(e, RW_EPERM,
			       "the kernel refused to load %s although the capabilities are "
			       "there: is it locked down, or is BPF forbidden by seccomp or an "
			       "LSM?",
			       objects[o].name);
	if (o == RW_OBJECT_SYN && err != -ENOMEM && rw_syn_explain(e))
		return RW_EUNSUP;
	return rw_fail(e, RW_EUNSUP, "this kernel does not take %s (%s): %.300s", objects[o].name,
		       strerror(-err), last_words(log));
}

static bool same_layout(const struct bpf_map *map, int fd)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);

	return !bpf_map_get_info_by_fd(fd, &info, &len) && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.max_entries == bpf_map__max_entries(map) &&
	       info.map_flags == bpf_map__map_flags(map);
}

/* What an object takes over from us before it is loaded: maps that are there, sizes per CPU. */
static int prepare_map(struct rw_programs *s, struct bpf_object *obj, enum rw_kern_map m)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, rw_kern_maps[m].name);
	int cpus = libbpf_num_possible_cpus(), err = 0;
	uint32_t least = rw_kern_maps[m].per_cpu * (uint32_t)(cpus > 0 ? cpus : 1);

	if (!map)
		return 0;
	if (bpf_map__max_entries(map) < least)
		err = bpf_map__set_max_entries(map, least);
	if (err || s->map[m] < 0)
		return err;
	if (same_layout(map, s->map[m]))
		return bpf_map__reuse_fd(map, s->map[m]);
	s->old[m] = s->map[m];
	s->map[m] = -1;
	return 0;
}

/* The maps that the object made, and its programs. */
static int collect(struct rw_programs *s, enum rw_kern_object o)
{
	for (unsigned m = 0; m < RW_MAPS; m++) {
		int fd = bpf_object__find_map_fd_by_name(s->object[o], rw_kern_maps[m].name);

		if (fd < 0 || s->map[m] >= 0)
			continue;
		s->made[m] = true;
		s->map[m] = dup(fd);
		if (s->map[m] < 0)
			return -errno;
	}
	for (unsigned p = 0; p < RW_PROGRAMS; p++)
		if (rw_kern_programs[p].object == o) {
			s->prog[p] = bpf_program__fd(bpf_object__find_program_by_name(
				s->object[o], rw_kern_programs[p].name));
			RW_BUG_ON(s->prog[p] < 0);
		}
	return 0;
}

static int load_object(struct rw_programs *s, enum rw_kern_object o, struct rw_error *e)
{
	char *log = calloc(1, VERIFIER_LOG);
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = objects[o].name,
		    .kernel_log_buf = log, .kernel_log_size = VERIFIER_LOG);
	libbpf_print_fn_t before;
	size_t n;
	const void *elf = objects[o].elf(&n);
	int err = 0, rc;

	if (!log)
		return rw_fail(e, RW_ENOMEM, "out of memory for loading %s", objects[o].name);
	before = libbpf_set_print(keep_silent);
	s->object[o] = bpf_object__open_mem(elf, n, &opts);
	if (!s->object[o])
		err = -errno;
	for (unsigned m = 0; m < RW_MAPS && !err; m++)
		err = prepare_map(s, s->object[o], m);
	if (!err)
		err = bpf_object__load(s->object[o]);
	if (!err)
		err = collect(s, o);
	rc = err ? load_failed(o, err, log, e) : RW_OK;
	libbpf_set_print(before);
	free(log);
	if (rc) { /* another way of attaching tries again, and is to hear the same */
		bpf_object__close(s->object[o]);
		s->object[o] = NULL;
	}
	return rc;
}

void rw_programs_init(struct rw_programs *s)
{
	*s = (struct rw_programs){0};
	for (unsigned m = 0; m < RW_MAPS; m++)
		s->map[m] = s->old[m] = -1;
	for (unsigned p = 0; p < RW_PROGRAMS; p++)
		s->prog[p] = s->link[p] = -1;
}

int rw_programs_load(struct rw_programs *s, uint32_t which, struct rw_error *e)
{
	int rc = RW_OK;

	for (unsigned p = 0; p < RW_PROGRAMS && !rc; p++)
		if (which >> p & 1 && !s->object[rw_kern_programs[p].object])
			rc = load_object(s, rw_kern_programs[p].object, e);
	return rc;
}

/* --- links and pins ---------------------------------------------------------------------------
 */

/* On TCX each goes before all that are there: ahead of others' programs, which may end the walk. */
static uint32_t link_flags(enum bpf_attach_type attach, enum rw_kern_mode mode)
{
	switch (attach) {
	case BPF_XDP:
		return mode == RW_KERN_MODE_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	case BPF_TCX_INGRESS:
		return BPF_F_BEFORE;
	default:
		return 0;
	}
}

static void unlink_all(struct rw_programs *s)
{
	for (unsigned p = 0; p < RW_PROGRAMS; p++)
		if (s->link[p] >= 0) {
			close(s->link[p]);
			s->link[p] = -1;
		}
}

int rw_programs_link(struct rw_programs *s, uint32_t which, const int target[RW_TARGETS],
		     enum rw_kern_mode mode)
{
	for (unsigned p = RW_PROGRAMS; p-- > 0;) {
		const struct rw_kern_program_kind *kind = &rw_kern_programs[p];
		LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = link_flags(kind->attach, mode));
		int fd;

		if (!(which >> p & 1) || kind->target == RW_TARGET_LISTENERS)
			continue;
		fd = bpf_link_create(s->prog[p], target[kind->target], kind->attach, &opts);
		if (fd < 0) {
			unlink_all(s);
			return fd;
		}
		s->link[p] = fd;
	}
	return 0;
}

void rw_programs_free(struct rw_programs *s)
{
	unlink_all(s);
	for (unsigned m = 0; m < RW_MAPS; m++) {
		if (s->map[m] >= 0)
			close(s->map[m]);
		if (s->old[m] >= 0)
			close(s->old[m]);
	}
	for (unsigned o = 0; o < RW_OBJECTS; o++)
		bpf_object__close(s->object[o]);
	rw_programs_init(s);
}

int rw_programs_pin_maps(const struct rw_programs *s, gid_t gid, struct rw_error *e)
{
	int rc = RW_OK;

	for (unsigned m = 0; m < RW_MAPS && !rc; m++)
		if (s->map[m] >= 0)
			rc = rw_pin(s->map[m], rw_kern_maps[m].name, rw_kern_maps[m].mode, gid, e);
	return rc;
}

int rw_programs_pin(const struct rw_programs *s, gid_t gid, struct rw_error *e)
{
	char name[32];
	int rc = RW_OK;

	for (unsigned p = 0; p < RW_PROGRAMS && !rc; p++) {
		if (s->prog[p] < 0 || rw_kern_programs[p].target != RW_TARGET_LISTENERS)
			continue;
		snprintf(name, sizeof(name), "%s" RW_PROG_END, rw_kern_programs[p].name);
		rc = rw_pin(s->prog[p], name, 0640, gid, e);
	}
	return rc;
}

int rw_programs_pin_links(const struct rw_programs *s, struct rw_error *e)
{
	char name[32];
	int rc = RW_OK;

	for (unsigned p = 0; p < RW_PROGRAMS && !rc; p++) {
		if (s->link[p] < 0)
			continue;
		snprintf(name, sizeof(name), "%s" RW_LINK_END, rw_kern_programs[p].name);
		rc = rw_pin(s->link[p], name, 0600, 0, e);
	}
	return rc;
}

void rw_programs_unpin(const struct rw_programs *s)
{
	char name[32];

	for (unsigned p = 0; p < RW_PROGRAMS; p++) {
		const struct rw_kern_program_kind *kind = &rw_kern_programs[p];
		bool pinned = kind->target == RW_TARGET_LISTENERS && s->prog[p] >= 0;

		snprintf(name, sizeof(name), "%s%s", kind->name,
			 pinned ? RW_PROG_END : RW_LINK_END);
		if (pinned || s->link[p] >= 0)
			rw_unpin(name);
	}
	for (unsigned m = 0; m < RW_MAPS; m++)
		if (s->map[m] >= 0)
			rw_unpin(rw_kern_maps[m].name);
	rw_pins_tidy();
}
