/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other programs behind the pinned links, without one packet that nobody judges: a link is never
 * without a program. Maps are kept where their layout is the same; otherwise there is a new
 * one, filled before any program uses it.
 *
 * Nothing is changed before everything is loaded and filled. Killed in the middle of the changes,
 * the next upgrade makes them whole.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kern/internal.h"

enum { LINKS_MAX = 64 };

/* Entries of these go with their map into a new layout. */
static const enum rw_kern_map carried[] = {
	RW_MAP_CFG,   RW_MAP_PORTS, RW_MAP_ALLOW, RW_MAP_ALLOW_NET, RW_MAP_DENY4,
	RW_MAP_DENY6, RW_MAP_CIDR4, RW_MAP_CIDR6, RW_MAP_SYN_KEY,
};

/* What fills up again within a moment, or says what was a moment ago. */
static const enum rw_kern_map passing[] = {
	RW_MAP_BITS, RW_MAP_SKETCH,   RW_MAP_PROMO,	RW_MAP_RECENT,
	RW_MAP_TOLD, RW_MAP_EPISODES, RW_MAP_EVENTS,	RW_MAP_LOAD,
	RW_MAP_PICK, RW_MAP_LISTEN,   RW_MAP_SYN_METER, RW_MAP_SOCKETS,
};

/* Without these, less is allowed or protected than before; nothing here knows how to carry them. */
static const enum rw_kern_map irreplaceable[] = {RW_MAP_OUT_META, RW_MAP_OUT, RW_MAP_OUT_NET};

/* fds are -1 where there is none. */
struct upgrade {
	struct rw_programs s;
	bool edge; /* something is attached to an interface: rw_meta is there */
	struct rw_kern_meta before, after;
	struct {
		enum rw_kern_program program;
		int fd, prog_before; /* -1 where we may not have it by its id */
		uint32_t id_before;
	} links[LINKS_MAX];
	unsigned n_links;
	gid_t gid;    /* of the pins */
	bool force;   /* also where something is lost */
	bool halfway; /* some links have new programs, one does not */
	struct rw_kern_upgraded *out;
};

__attribute__((format(printf, 2, 3))) static void tell(struct upgrade *u, const char *fmt, ...)
{
	size_t n = strlen(u->out->text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(u->out->text + n, sizeof(u->out->text) - n, fmt, args);
	va_end(args);
}

static uint32_t prog_id(int fd)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);

	return bpf_prog_get_info_by_fd(fd, &info, &len) ? 0 : info.id;
}

/* --- what is there ------------------------------------------------------------------------------
 */

/* rw_meta is the one map whose layout is for ever. */
static int read_meta(struct upgrade *u, struct rw_error *e)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info), zero = 0;
	int err, fd = u->s.map[RW_MAP_META];

	u->edge = fd >= 0;
	if (!u->edge)
		return RW_OK;
	err = bpf_map_get_info_by_fd(fd, &info, &len);
	if (!err && info.value_size == sizeof(u->before))
		err = bpf_map_lookup_elem(fd, &zero, &u->before);
	if (err || info.value_size != sizeof(u->before) ||
	    memcmp(u->before.magic, RW_KERN_MAGIC, sizeof(u->before.magic)) != 0 ||
	    u->before.abi != RW_KERN_ABI)
		return rw_fail(e, RW_EUNSUP,
			       "what is pinned in " RW_PIN_ROOT
			       " cannot be upgraded: its rw_meta is not one of ringwall with "
			       "interface %d; 'ringwall kern detach', then attach again",
			       RW_KERN_ABI);
	if (!rw_interface_has((int)u->before.ifindex, u->before.mode, u->before.prog_id) &&
	    !rw_interface_has((int)u->before.ifindex, u->before.mode, u->before.prog_id_before))
		return rw_fail(
			e, RW_ENOTFOUND,
			"the link on %.16s is gone (interface removed?), so there is nothing "
			"to upgrade: 'ringwall kern detach', then attach again",
			u->before.interface);
	return RW_OK;
}

static int open_maps(struct upgrade *u, struct rw_error *e)
{
	char path[128];

	for (unsigned m = 0; m < RW_MAPS; m++) {
		snprintf(path, sizeof(path), RW_PIN_ROOT "/%s", rw_kern_maps[m].name);
		u->s.map[m] = bpf_obj_get(path);
		if (u->s.map[m] < 0 && u->s.map[m] != -ENOENT)
			return rw_kern_fail(e, u->s.map[m], "open the pinned maps");
	}
	return RW_OK;
}

/* "rw_xdp_link" is rw_xdp's, "rw_syn_100_link" is rw_syn's. */
static enum rw_kern_program program_of(const char *pin)
{
	enum rw_kern_program found = RW_PROGRAMS;
	size_t longest = 0;

	for (unsigned p = 0; p < RW_PROGRAMS; p++) {
		size_t n = strlen(rw_kern_programs[p].name);

		if (n > longest && !strncmp(pin, rw_kern_programs[p].name, n) && pin[n] == '_') {
			found = p;
			longest = n;
		}
	}
	return found;
}

static bool is_link(const char *pin)
{
	size_t n = strlen(pin), end = strlen(RW_LINK_END);

	return n > end && !strcmp(pin + n - end, RW_LINK_END);
}

static int add_link(struct upgrade *u, const char *pin, struct rw_error *e)
{
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info);
	enum rw_kern_program p = program_of(pin);
	char path[128];
	int fd;

	if (p == RW_PROGRAMS) {
		tell(u, "%s: unknown to this version, left as it is\n", pin);
		return RW_OK;
	}
	if (u->n_links == LINKS_MAX)
		return rw_fail(e, RW_ELIMIT, "more than %d links are pinned", LINKS_MAX);
	snprintf(path, sizeof(path), RW_PIN_ROOT "/%.64s", pin);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return rw_kern_fail(e, fd, "open a pinned link");
	u->links[u->n_links].program = p;
	u->links[u->n_links].fd = fd;
	if (bpf_link_get_info_by_fd(fd, &info, &len))
		info.prog_id = 0;
	u->links[u->n_links].id_before = info.prog_id;
	u->links[u->n_links].prog_before = bpf_prog_get_fd_by_id(info.prog_id);
	u->n_links++;
	return RW_OK;
}

static int open_links(struct upgrade *u, struct rw_error *e)
{
	DIR *dir = opendir(RW_PIN_ROOT);
	struct dirent *entry;
	int rc = RW_OK;

	if (!dir)
		return rw_kern_fail(e, -errno, "read " RW_PIN_ROOT);
	while (!rc && (entry = readdir(dir)))
		if (is_link(entry->d_name))
			rc = add_link(u, entry->d_name, e);
	closedir(dir);
	return rc || u->n_links || u->edge ? rc : rw_pins_missing(ENOENT, e);
}

/* --- what will be there
 * ---------------------------------------------------------------------------
 */

static int load(struct upgrade *u, struct rw_error *e)
{
	enum rw_kern_program judge = rw_programs_judge(u->before.mode);
	uint32_t which = 0;

	for (unsigned i = 0; i < u->n_links; i++)
		which |= 1U << u->links[i].program;
	if (u->edge && !(which >> judge & 1))
		return rw_fail(e, RW_EUNSUP,
			       "the link of %s is not among the pins in " RW_PIN_ROOT
			       ": 'ringwall kern detach', then attach again",
			       rw_kern_programs[judge].name);
	for (unsigned p = 0; p < RW_PROGRAMS && u->edge; p++) /* pinned, and attached by others */
		if (rw_kern_programs[p].target == RW_TARGET_LISTENERS)
			which |= 1U << p & rw_programs_of(u->before.mode);
	return rw_programs_load(&u->s, which, e);
}

static bool is_among(enum rw_kern_map m, const enum rw_kern_map *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == m)
			return true;
	return false;
}

#define IS_AMONG(m, list) is_among(m, list, sizeof(list) / sizeof((list)[0]))

/* Whether anything is in a map: an entry, in an array one that is not all zeros. */
static bool holds(int fd)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	size_t room;
	bool found = false;
	char *key, *value;
	void *at = NULL;

	if (bpf_map_get_info_by_fd(fd, &info, &len))
		return true;
	room = ((size_t)info.value_size + 7) / 8 * 8 * (size_t)libbpf_num_possible_cpus();
	key = calloc(1, info.key_size + 1);
	value = calloc(1, room);
	while (key && value && !found && !bpf_map_get_next_key(fd, at, key)) {
		at = key;
		if (bpf_map_lookup_elem(fd, key, value))
			continue;
		found = info.type != BPF_MAP_TYPE_ARRAY && info.type != BPF_MAP_TYPE_PERCPU_ARRAY;
		for (size_t i = 0; i < room && !found; i++)
			found = value[i] != 0;
	}
	found |= !key || !value;
	free(key);
	free(value);
	return found;
}

/* Refuses, unless it is forced, what would be lost and not come again by itself. */
static int check_losses(struct upgrade *u, struct rw_error *e)
{
	char lost[256] = "";
	size_t n = 0;

	for (unsigned m = 0; m < RW_MAPS && !u->force; m++) {
		if (u->s.old[m] < 0 || IS_AMONG(m, carried) || IS_AMONG(m, irreplaceable) ||
		    IS_AMONG(m, passing) || !holds(u->s.old[m]))
			continue;
		n += (size_t)snprintf(lost + n, sizeof(lost) - n, "%s%s", n ? ", " : "",
				      rw_kern_maps[m].name);
		if (n >= sizeof(lost))
			break;
	}
	if (!n)
		return RW_OK;
	return rw_fail(e, RW_EUNSUP,
		       "another layout now, and what is in it would be lost: %s. Nothing was "
		       "changed; 'ringwall kern upgrade --force' does it all the same, then load "
		       "the feeds again",
		       lost);
}

static int fill_maps(struct upgrade *u, struct rw_error *e)
{
	unsigned n, kept = 0;
	int rc = check_losses(u, e);

	for (unsigned m = 0; m < RW_MAPS && !rc; m++) {
		const char *name = rw_kern_maps[m].name;

		if (u->s.old[m] < 0) {
			kept += u->s.map[m] >= 0 && !u->s.made[m];
			continue;
		}
		if (IS_AMONG(m, irreplaceable))
			return rw_fail(
				e, RW_EUNSUP,
				"%s has another layout now, into which nothing is carried; "
				"nothing was changed: 'ringwall kern egress detach', upgrade, "
				"then 'kern egress attach'",
				name);
		u->out->replaced = true;
		if (!IS_AMONG(m, carried)) {
			tell(u, "%s: has another layout now and starts empty\n", name);
			continue;
		}
		rc = rw_carry_map(name, u->s.old[m], u->s.map[m], &n, e);
		tell(u, "%s: has another layout now, %u entries carried over\n", name, n);
	}
	if (!rc && (u->s.old[RW_MAP_CFG] >= 0 || u->s.old[RW_MAP_PORTS] >= 0))
		rc = rw_config_refill(u->s.map[RW_MAP_CFG], u->s.map[RW_MAP_PORTS], e);
	tell(u, "%u maps are kept as they are\n", kept);
	return rc;
}

static int put_meta(struct upgrade *u, const struct rw_kern_meta *meta, struct rw_error *e)
{
	uint32_t zero = 0;
	int err = bpf_map_update_elem(u->s.map[RW_MAP_META], &zero, meta, BPF_ANY);

	return err ? rw_kern_fail(e, err, "write rw_meta") : RW_OK;
}

/* Presence bits of what was carried over, by the code that keeps them in order otherwise. */
static int fill_bits(struct upgrade *u, struct rw_error *e)
{
	static const enum rw_kern_map behind[] = {RW_MAP_BITS,	RW_MAP_ALLOW, RW_MAP_ALLOW_NET,
						  RW_MAP_DENY4, RW_MAP_DENY6, RW_MAP_CIDR4,
						  RW_MAP_CIDR6};
	struct rw_ban *bans = NULL;
	struct rw_kern k;
	unsigned n;
	bool changed = false;
	int rc;

	for (unsigned i = 0; i < sizeof(behind) / sizeof(behind[0]); i++)
		changed |= u->s.old[behind[i]] >= 0;
	if (!changed)
		return RW_OK;
	rw_kern_init(&k);
	for (unsigned m = 0; m < RW_MAPS; m++)
		k.fd[m] = u->s.map[m] < 0 ? -1 : dup(u->s.map[m]);
	rc = rw_kern_adopt(&k, e);
	if (!rc)
		rc = rw_kern_bans(&k, &bans, &n, e);
	free(bans);
	rw_kern_release(&k);
	return rc;
}

/* --- the change ---------------------------------------------------------------------------------
 */

/* The first n links as they were. It wants the old programs by id, which not everybody may have. */
static bool swap_back(struct upgrade *u, unsigned n)
{
	bool all = true;

	for (unsigned i = 0; i < n; i++)
		all &= !bpf_link_update(u->links[i].fd, u->links[i].prog_before, NULL);
	return all;
}

static int swap_programs(struct upgrade *u, struct rw_error *e)
{
	for (unsigned i = 0; i < u->n_links; i++) {
		const char *name = rw_kern_programs[u->links[i].program].name;
		int prog = u->s.prog[u->links[i].program];
		int err = bpf_link_update(u->links[i].fd, prog, NULL);

		if (err) {
			u->halfway = !swap_back(u, i);
			return rw_fail(e, RW_EUNSUP,
				       "the link of %s does not take its new program (%s); %s: "
				       "'ringwall kern detach', then attach again",
				       name, strerror(-err),
				       u->halfway ? "others have taken theirs"
						  : "nothing was changed");
		}
		tell(u, "%s: program %u in the place of %u\n", name, prog_id(prog),
		     u->links[i].id_before);
	}
	return RW_OK;
}

static int swap_pins(struct upgrade *u, struct rw_error *e)
{
	char name[32];
	int rc = RW_OK;

	for (unsigned m = 0; m < RW_MAPS && !rc; m++)
		if (u->s.made[m])
			rc = rw_pin_over(u->s.map[m], rw_kern_maps[m].name, rw_kern_maps[m].mode,
					 u->gid, e);
	for (unsigned p = 0; p < RW_PROGRAMS && !rc; p++) {
		if (u->s.prog[p] < 0 || rw_kern_programs[p].target != RW_TARGET_LISTENERS)
			continue;
		snprintf(name, sizeof(name), "%s" RW_PROG_END, rw_kern_programs[p].name);
		rc = rw_pin_over(u->s.prog[p], name, 0640, u->gid, e);
		tell(u, "%s: used from the gateway's next start\n", rw_kern_programs[p].name);
	}
	return rc;
}

/* Both programs are named before the one takes the place of the other. */
static int announce(struct upgrade *u, struct rw_error *e)
{
	u->after = u->before;
	u->after.layout = rw_kern_layout();
	u->after.prog_id = prog_id(u->s.prog[rw_programs_judge(u->before.mode)]);
	u->after.prog_id_before = u->before.prog_id;
	u->after.generation += u->out->replaced;
	memset(u->after.version, 0, sizeof(u->after.version));
	snprintf(u->after.version, sizeof(u->after.version), "%s", RW_VERSION);
	return put_meta(u, &u->after, e);
}

static int change(struct upgrade *u, struct rw_error *e)
{
	int rc = u->edge ? announce(u, e) : RW_OK;

	if (!rc)
		rc = fill_bits(u, e);
	if (!rc)
		rc = swap_programs(u, e);
	if (rc && u->edge && !u->halfway)
		put_meta(u, &u->before, NULL);
	return rc ? rc : swap_pins(u, e);
}

static int upgrade_locked(struct upgrade *u, struct rw_error *e)
{
	int rc = open_maps(u, e);

	if (!rc)
		rc = read_meta(u, e);
	if (!rc)
		rc = open_links(u, e);
	if (!rc)
		rc = load(u, e);
	if (!rc)
		rc = fill_maps(u, e);
	return rc ? rc : change(u, e);
}

static void release(struct upgrade *u)
{
	for (unsigned i = 0; i < u->n_links; i++) {
		close(u->links[i].fd);
		if (u->links[i].prog_before >= 0)
			close(u->links[i].prog_before);
	}
	rw_programs_free(&u->s);
}

int rw_kern_upgrade(bool force, struct rw_kern_upgraded *out, struct rw_error *e)
{
	struct upgrade u = {.force = force, .out = out};
	struct stat st;
	int dir, rc = rw_kern_privileged(e);

	*out = (struct rw_kern_upgraded){0};
	if (rc)
		return rc;
	dir = open(RW_PIN_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return rw_pins_missing(errno, e);
	while ((rc = flock(dir, LOCK_EX)) && errno == EINTR)
		;
	if (rc || fstat(dir, &st)) {
		close(dir);
		return rw_kern_fail(e, -errno, "lock " RW_PIN_ROOT);
	}
	u.gid = st.st_gid;
	rw_programs_init(&u.s);
	rc = upgrade_locked(&u, e);
	release(&u);
	close(dir);
	return rc;
}
