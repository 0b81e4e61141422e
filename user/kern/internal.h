/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the room: the maps by name, and the handle that kern.h keeps opaque. tests/kernel fills
 * a handle from maps of its own that nobody has pinned.
 */
#ifndef RW_KERN_INTERNAL_H
#define RW_KERN_INTERNAL_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kern/kern.h"

#define RW_BPFFS      "/sys/fs/bpf"
#define RW_PIN_PARENT "/sys/fs/bpf/ringwall"
#define RW_LINK_END   "_link"		    /* a link is pinned as its program's name and this */
#define RW_READER_DIR RW_PIN_ROOT "/reader" /* empty: who reads the events holds its lock */
#define RW_PROG_END   "_prog"		    /* and so is a program that gateways attach */

enum rw_kern_map {
	RW_MAP_META,
	RW_MAP_CFG,
	RW_MAP_PORTS,
	RW_MAP_BITS,
	RW_MAP_ALLOW,
	RW_MAP_ALLOW_NET,
	RW_MAP_DENY4,
	RW_MAP_DENY6,
	RW_MAP_CIDR4,
	RW_MAP_CIDR6,
	RW_MAP_STATS,
	RW_MAP_SOURCE,
	RW_MAP_SKETCH,
	RW_MAP_PROMO,
	RW_MAP_RECENT,
	RW_MAP_TOLD,
	RW_MAP_EPISODES,
	RW_MAP_EVENTS,
	RW_MAP_FEED_VIEW,
	RW_MAP_FEED4,
	RW_MAP_FEED6,
	RW_MAP_FEED_NET4,
	RW_MAP_FEED_NET6,
	RW_MAP_FEEDS,
	RW_MAP_FEED_DROPS,
	RW_MAP_LISTEN,
	RW_MAP_SOCKETS,
	RW_MAP_LOAD,
	RW_MAP_PICK,
	RW_MAP_STEER_STATS,
	RW_MAP_OUT_META,
	RW_MAP_OUT,
	RW_MAP_OUT_NET,
	RW_MAP_OUT_STATS,
	RW_MAP_OUT_REFUSED,
	RW_MAP_SYN_KEY,
	RW_MAP_SYN_METER,
	RW_MAP_CONN,
	RW_MAP_CONN_SK,
	RW_MAP_SOCK_STATS,
	RW_MAPS,
};

struct rw_kern_map_kind {
	const char *name; /* of the map and of its pin */
	mode_t mode;	  /* of the pin: 0660 where the group of `kern attach` bans, else 0640 */
	bool needed;	  /* opened by rw_kern_open; the others are bpftool's to read */
	uint32_t per_cpu; /* at least so many entries per CPU, or as the object says if 0 */
};
extern const struct rw_kern_map_kind rw_kern_maps[RW_MAPS];

/* Owned by one thread. fds are -1 where not open; all other fields are valid after rw_kern_adopt.
 */
struct rw_kern {
	int fd[RW_MAPS];
	int lock_fd; /* the directory of the pins, for flock; -1: nobody else bans */
	bool read_only;
	struct rw_kern_meta meta;
	struct rw_kern_bits *bits;   /* mapped, shared with the program */
	struct rw_kern_stats *stats; /* one per possible CPU, scratch for reading */
	int cpus;
};

/* Reads meta and maps bits. k->fd is filled; on failure the caller still frees. */
int rw_kern_adopt(struct rw_kern *k, struct rw_error *e);
void rw_kern_init(struct rw_kern *k);
/* Unmaps, closes every fd and frees; k itself stays. */
void rw_kern_release(struct rw_kern *k);

/* CLOCK_MONOTONIC, which the program compares expiry with. */
uint64_t rw_kern_now_ns(void);
/* The program's clock in the limiters, about. */
uint64_t rw_kern_jiffies_ns(uint64_t tick_ns);
static inline bool rw_kern_going_on(const struct rw_kern_episode *at, uint64_t now_ns)
{
	return at->last_ns && now_ns < at->last_ns + RW_KERN_EPISODE_QUIET_NS;
}
/* err is a negative errno of libbpf; what completes "cannot ...". */
int rw_kern_fail(struct rw_error *e, int err, const char *what);

/* Excludes other writers of bans; no-op without lock_fd. */
int rw_kern_lock(struct rw_kern *k, struct rw_error *e);
void rw_kern_unlock(struct rw_kern *k);

/* --- programs (load.c) ------------------------------------------------------------------------ */

/* Each is one bpf/NAME.bpf.c. Maps of the same name are one map. */
enum rw_kern_object {
	RW_OBJECT_XDP,
	RW_OBJECT_TCX,
	RW_OBJECT_SYN,
	RW_OBJECT_STEER,
	RW_OBJECT_EGRESS,
	RW_OBJECT_SOCK,
	RW_OBJECTS,
};

/* What a program is attached to: an index into the targets of rw_programs_link. */
enum rw_kern_target {
	RW_TARGET_INTERFACE, /* its ifindex */
	RW_TARGET_LISTENERS, /* a gateway's own, which it does itself: here the program is pinned */
	RW_TARGET_CGROUP,    /* an fd of its directory */
	RW_TARGETS,
};

/* Those of one hook in the order in which they run. */
enum rw_kern_program {
	RW_PROGRAM_XDP,
	RW_PROGRAM_TCX,
	RW_PROGRAM_SYN,
	RW_PROGRAM_STEER,
	RW_PROGRAM_CONNECT4,
	RW_PROGRAM_CONNECT6,
	RW_PROGRAM_SENDMSG4,
	RW_PROGRAM_SENDMSG6,
	RW_PROGRAM_EGRESS,
	RW_PROGRAM_SOCK,
	RW_PROGRAMS,
};

struct rw_kern_program_kind {
	const char *name; /* in its object */
	enum rw_kern_object object;
	enum rw_kern_target target;
	enum bpf_attach_type attach;
	uint32_t modes; /* of `kern attach` that want it, bits 1 << RW_KERN_MODE_* */
};
extern const struct rw_kern_program_kind rw_kern_programs[RW_PROGRAMS];

/*
 * Programs, their maps and links on the way into the kernel. Valid after rw_programs_init; fds are
 * -1 where there is nothing. What is pinned outlives it.
 */
struct rw_programs {
	struct bpf_object *object[RW_OBJECTS];
	int map[RW_MAPS];
	int old[RW_MAPS];      /* was map, but has another layout than the programs want */
	bool made[RW_MAPS];    /* map is new: no pin of it is there */
	int prog[RW_PROGRAMS]; /* the objects close them */
	int link[RW_PROGRAMS];
};
void rw_programs_init(struct rw_programs *s);
/*
 * Loads the objects of the programs in which, bits 1 << RW_PROGRAM_*. A map that s has is used
 * if its layout is right; otherwise it becomes old, and one is made, as where there is none.
 * RW_EUNSUP: the verifier's words.
 */
int rw_programs_load(struct rw_programs *s, uint32_t which, struct rw_error *e);
/* The program that gives the verdict in a mode. */
static inline enum rw_kern_program rw_programs_judge(enum rw_kern_mode mode)
{
	return mode == RW_KERN_MODE_TCX ? RW_PROGRAM_TCX : RW_PROGRAM_XDP;
}
/* The programs that a mode wants, as bits. */
uint32_t rw_programs_of(enum rw_kern_mode mode);
/* Attaches the loaded programs in which: all, or none and a negative errno. */
int rw_programs_link(struct rw_programs *s, uint32_t which, const int target[RW_TARGETS],
		     enum rw_kern_mode mode);
/* Pins the maps, or the links: maps first, so that a link never stands without its maps. */
int rw_programs_pin_maps(const struct rw_programs *s, gid_t gid, struct rw_error *e);
/* Pins the programs that others attach. */
int rw_programs_pin(const struct rw_programs *s, gid_t gid, struct rw_error *e);
int rw_programs_pin_links(const struct rw_programs *s, struct rw_error *e);
/* Takes away the pins of what s has, and the directory if nothing is left in it. */
void rw_programs_unpin(const struct rw_programs *s);
void rw_programs_free(struct rw_programs *s);

/* --- interfaces (interface.c) ----------------------------------------------------------------- */

/* RW_ENOTFOUND, or RW_EUNSUP: it carries something else than Ethernet. */
int rw_interface_find(const char *interface, int *ifindex, struct rw_error *e);
/*
 * RW_EBUSY names who has the place that the mode wants. note gets whose programs are on the same
 * hook and in nobody's way, or "".
 */
int rw_interface_check(const char *interface, int ifindex, enum rw_kern_mode mode, char *note,
		       size_t room, struct rw_error *e);
/* Whether the program is attached there in that mode. */
bool rw_interface_has(int ifindex, enum rw_kern_mode mode, uint32_t prog_id);

/* --- steering (steer.c) ---------------------------------------------------------------------- */

struct rw_steering;
/* Of maps in k->fd and a program; takes prog_fd over. */
int rw_steering_adopt(struct rw_steering **out, struct rw_kern *k, int prog_fd, struct rw_error *e);

/* --- what stands in the way (attach.c) ---------------------------------------------------------
 */

int rw_kern_has_bpffs(struct rw_error *e);
/* The group's id; 0 where name is NULL. */
int rw_kern_find_group(const char *name, gid_t *gid, struct rw_error *e);

/* --- cgroups (cgroup.c) ----------------------------------------------------------------------- */

/* *fd is the directory, *id what the kernel calls it. RW_ENOTFOUND, RW_EPERM, RW_EUNSUP: not v2. */
int rw_cgroup_open(const char *path, int *fd, uint64_t *id, struct rw_error *e);

/* --- pins (pins.c) --------------------------------------------------------------------------- */

/* Makes RW_PIN_ROOT, for gid to enter; gid 0: root only. */
int rw_pins_make(gid_t gid, struct rw_error *e);
/* Pins a map, program or link as name. mode is cut to its owner's bits where gid is 0. */
int rw_pin(int fd, const char *name, mode_t mode, gid_t gid, struct rw_error *e);
/* The same over a pin that may be there: who opens the name finds the one or the other. */
int rw_pin_over(int fd, const char *name, mode_t mode, gid_t gid, struct rw_error *e);
/* Why RW_PIN_ROOT did not open. */
int rw_pins_missing(int err, struct rw_error *e);
/* A pinned map, to read and write. */
int rw_pins_open(enum rw_kern_map m, int *fd, struct rw_error *e);
/* The directory alone, for what is attached without a packet filter; there already: as well. */
int rw_pins_make_root(gid_t gid, struct rw_error *e);
/* Removes one pin; a link is detached at once. 0 or a negative errno. */
int rw_unpin(const char *name);
/* Removes the directories if nothing is left in them. */
void rw_pins_tidy(void);
/* Detaches the links and removes every pin; programs and maps go with the last of them. */
int rw_pins_remove(struct rw_error *e);

/* --- SYN cookies (syn.c) ---------------------------------------------------------------------- */

struct btf;

/* Whether a kernel with these types can have them; NULL: it has none. */
int rw_syn_supported(const struct btf *kernel, struct rw_error *e);
/* The same of this kernel, for when it did not take rw_syn: to read its types takes a while. RW_OK:
 * that is not why. */
int rw_syn_explain(struct rw_error *e);
/* A second's worth passes at once; over it, SYNs pass again when it has been quiet for a while. */
void rw_syn_budget(uint32_t per_second, struct rw_kern_rate *out);
/* What cookies say on the interface. RW_EUNSUP: the kernel lacks what they need. */
int rw_syn_cookie(const char *interface, struct rw_kern_cookie *out, struct rw_error *e);
int rw_syn_make_key(struct rw_kern_syn_key *out, struct rw_error *e);
/* Whether the interface has VLAN devices, and takes their tags off before XDP sees a frame. */
bool rw_syn_hides_tags(const char *interface);
/* Attaches rw_syn to the VLAN devices on the interface, too, and pins the links: all or none. */
int rw_syn_link_vlans(int prog, const char *interface, struct rw_error *e);

/* --- keys (prefix.c) ------------------------------------------------------------------------ */

/* Clears the bits beyond plen. */
void rw_prefix_mask(struct rw_prefix *p);
/* ::ffff:a.b.c.d is the IPv4 address that the packet will carry. */
void rw_prefix_unmap(struct rw_prefix *p);
struct rw_kern_key4 rw_prefix_key4(const struct rw_prefix *p);
/* mapped: IPv4 as ::ffff:a.b.c.d, which rw_allow and rw_source want. */
struct rw_kern_key rw_prefix_key(const struct rw_prefix *p);
struct rw_prefix rw_prefix_from_key4(const struct rw_kern_key4 *key);
struct rw_prefix rw_prefix_from_key(const struct rw_kern_key *key);

/* --- configuration (config.c) ---------------------------------------------------------------- */

/* Whether this process may load, attach and change; RW_EPERM names the capabilities it lacks. */
int rw_kern_privileged(struct rw_error *e);
/* Ports, rates and shadow mode of *cfg, whose tick_ns is set, and the ports' bits. */
int rw_config_fill(const struct rw_kern_limits *l, struct rw_kern_cfg *cfg,
		   struct rw_kern_ports *ports, struct rw_error *e);
/* Computes anew what follows from the limits in both entries, before any program reads them. */
int rw_config_refill(int cfg_fd, int ports_fd, struct rw_error *e);
/* Puts *cfg and *ports into force, between two packets. One caller at a time. */
int rw_config_turn(int cfg_fd, int ports_fd, const struct rw_kern_cfg *cfg,
		   const struct rw_kern_ports *ports, struct rw_error *e);

/* --- upgrade (carry.c) ----------------------------------------------------------------------- */

/* Copies the entries of a map into an empty one of another layout; n gets how many. */
int rw_carry_map(const char *name, int from_fd, int to_fd, unsigned *n, struct rw_error *e);

/* --- rates (rate.c) -------------------------------------------------------------------------- */

/* The length of a tick of the program's clock. */
uint64_t rw_kern_tick_ns(void);
/*
 * What the program wants for per_second packets of one source with the given burst; 0 per_second:
 * unlimited, 0 burst: a second's worth. what ("SYN") is for the error.
 */
int rw_kern_rate(const char *what, uint32_t per_second, uint32_t burst, uint64_t tick_ns,
		 struct rw_kern_rate *out, struct rw_error *e);
/* The same from the interval between packets; burst is at least 2. */
void rw_kern_rate_fill(struct rw_kern_rate *out, uint64_t interval_ns, uint32_t burst,
		       uint64_t tick_ns);

/* --- reading a whole map (scan.c) ------------------------------------------------------------ */

typedef void (*rw_kern_each)(void *arg, const void *key, const void *value);
/* Calls each for every entry of a hash map. Entries that come or go meanwhile may be missed. */
int rw_kern_scan_hash(int fd, size_t key_bytes, size_t value_bytes, rw_kern_each each, void *arg,
		      struct rw_error *e);
/* The same for a trie, which has no batch operation. */
int rw_kern_scan_trie(int fd, size_t key_bytes, size_t value_bytes, rw_kern_each each, void *arg,
		      struct rw_error *e);

/* --- presence (bits.c); the caller holds the lock --------------------------------------------- */

/*
 * Announces a ban before it is entered. True: it belongs into the hash; false: into the trie,
 * because it is there already (in_trie) or the hashes have no place for its prefix length.
 */
bool rw_bits_deny(struct rw_kern *k, const struct rw_prefix *p, bool in_trie);
void rw_bits_allow(struct rw_kern *k, const struct rw_prefix *p);
/*
 * Makes the bits exactly those of the given entries, of which the first n_hashed bans are in hashes
 * and the others in tries. No bit of a listed entry is ever clear.
 */
int rw_bits_rebuild(struct rw_kern *k, const struct rw_ban *bans, unsigned n_bans,
		    unsigned n_hashed, const struct rw_prefix *allows, unsigned n_allows,
		    struct rw_error *e);

#endif
