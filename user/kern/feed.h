/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds: lists of sources that others have made, each with a name, loaded whole.
 *
 * Up to RW_KERN_FEEDS of them lie side by side. A load replaces the feed of that name and leaves
 * the others and all bans as they are; the program judges by the old lists until the new ones are
 * complete, and a load that fails changes nothing. The kernel holds the union; each entry knows
 * which feeds list it. Making maps and looking into the ones in force needs root (CAP_BPF,
 * CAP_PERFMON, CAP_SYS_ADMIN); bans need none of that and are written independently.
 */
#ifndef RW_KERN_FEED_H
#define RW_KERN_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kern/kern.h"

/* --- lines (feed_line.c) ---------------------------------------------------------------------- */

enum rw_feed_line {
	RW_FEED_PREFIX,	  /* *out is filled */
	RW_FEED_RESERVED, /* the same, but it touches private or reserved addresses */
	RW_FEED_EMPTY,	  /* or a comment */
	/* from here on: bad */
	RW_FEED_NO_ADDRESS,
	RW_FEED_STRAY_BITS,
	RW_FEED_TOO_WIDE,
	RW_FEED_RANGE,
};

/*
 * One line without its end. An address or prefix, then whatever the list adds after a space, comma,
 * semicolon, bar or hash. A bare IPv6 address stands for its /64, as in `ringwall deny`.
 */
enum rw_feed_line rw_feed_parse(const char *line, size_t n, struct rw_prefix *out);
/* What is wrong with a bad line, in words. */
const char *rw_feed_line_text(enum rw_feed_line what);

/* --- sets (feed_set.c) ------------------------------------------------------------------------ */

/* Prefixes of one family; the address as a number, IPv4 in the upper half of hi. */
struct rw_feed_item {
	uint64_t hi, lo;
	uint16_t feeds; /* bit n: feed n lists it; RW_FEED_ALLOW: it is allowlisted */
	uint8_t plen;
	/* filled by rw_feed_settle: */
	uint8_t verdict, feed, at; /* as in struct rw_kern_listed; at is its plen */
};

enum { RW_FEED_ALLOW = 1 << RW_KERN_FEEDS };

struct rw_feed_items {
	struct rw_feed_item *item;
	size_t n, room;
};

struct rw_feed_set {
	struct rw_feed_items v4, v6;
};

void rw_feed_set_free(struct rw_feed_set *set);
/* feeds: which list it; 0: the fresh one. */
int rw_feed_add(struct rw_feed_set *set, const struct rw_prefix *p, uint16_t feeds,
		struct rw_error *e);

struct rw_feed_settled {
	size_t covered; /* duplicates, and what another entry of the fresh feed covers */
	size_t allowed; /* entries of the fresh feed that the allowlist covers */
};
/*
 * Sorts and merges; drops what is allowlisted from the feed numbered fresh; then gives each entry
 * the strictest verdict of what covers it. verdicts: of each feed.
 */
int rw_feed_settle(struct rw_feed_set *set, unsigned fresh,
		   const enum rw_kern_verdict verdicts[RW_KERN_FEEDS], struct rw_feed_settled *out,
		   struct rw_error *e);

/* --- the kernel (feed.c) ---------------------------------------------------------------------- */

struct rw_feed {
	char name[16];
	enum rw_kern_verdict verdict;
	uint32_t entries4, entries6;
	uint64_t loaded_s; /* since 1970 */
	uint64_t drops;
};

struct rw_feed_load {
	const char *name;
	enum rw_kern_verdict verdict;
	/* Called now and then with the entries that are in the kernel; may be NULL. */
	void (*progress)(void *arg, size_t done, size_t total);
	void *arg;
};

/* 1 to 15 letters, digits, '.', '_', '-'. */
bool rw_feed_name_ok(const char *name);
/* Adds the allowlist for rw_feed_settle, where nothing is loaded; rw_kern_feed_load does by itself.
 */
int rw_kern_feed_allows(struct rw_kern *k, struct rw_feed_set *set, struct rw_error *e);
/*
 * Makes set, whose entries were added for the fresh feed, the feed of that name. RW_EINVAL: there
 * is nothing in it. RW_ELIMIT: too many feeds or entries. *feed gets what is in force then.
 */
int rw_kern_feed_load(struct rw_kern *k, const struct rw_feed_load *load, struct rw_feed_set *set,
		      struct rw_feed_settled *settled, struct rw_feed *feed, struct rw_error *e);
/* Takes a feed away. RW_ENOTFOUND. */
int rw_kern_feed_clear(struct rw_kern *k, const char *name, struct rw_error *e);
/*
 * Names and lists as they are in force, where a load was killed before it had written them; so does
 * each load and clear. Fails without root, and while somebody loads.
 */
int rw_kern_feed_mend(struct rw_kern *k, struct rw_error *e);
/* All feeds; needs read access only. */
int rw_kern_feeds(struct rw_kern *k, struct rw_feed out[RW_KERN_FEEDS], unsigned *n,
		  struct rw_error *e);

#endif
