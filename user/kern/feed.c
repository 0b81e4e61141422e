/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds in the kernel: the lists in force, read back; the new ones, made aside and exchanged with
 * one pointer (bpf/feed.h tells how the program sees it).
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kern/feed.h"
#include "kern/feed_maps.h"

static const enum rw_kern_map outers[] = {RW_MAP_FEED4, RW_MAP_FEED6, RW_MAP_FEED_NET4,
					  RW_MAP_FEED_NET6};

bool rw_feed_name_ok(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"0123456789._-");

	return n && !name[n] && n < sizeof(((struct rw_kern_feed *)0)->name);
}

/* --- before and after --------------------------------------------------------------------------
 */

static int fail(struct rw_error *e, int err, const char *what)
{
	if (err == -EPERM || err == -EACCES)
		return rw_fail(e, RW_EPERM, "not allowed to %s: run 'ringwall feed' as root", what);
	return rw_kern_fail(e, err, what);
}

/*
 * The maps that nobody but root writes; and the lock, which is not that of bans: a load takes long.
 * how: LOCK_EX, or with LOCK_NB, so that it fails where somebody loads just now.
 */
static int begin(struct rw_kern *k, int how, int *lock, struct rw_error *e)
{
	char path[128];

	*lock = -1;
	if (k->lock_fd < 0)
		return RW_OK;
	for (enum rw_kern_map m = RW_MAP_FEED_VIEW; m <= RW_MAP_FEEDS; m++) {
		int fd;

		snprintf(path, sizeof(path), RW_PIN_ROOT "/%s", rw_kern_maps[m].name);
		fd = bpf_obj_get(path);
		if (fd < 0)
			return fail(e, fd, "change feeds");
		if (k->fd[m] >= 0)
			close(k->fd[m]);
		k->fd[m] = fd;
	}
	*lock = open(RW_PIN_PARENT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*lock < 0)
		return fail(e, -errno, "open " RW_PIN_PARENT);
	while (flock(*lock, how))
		if (errno != EINTR)
			return fail(e, -errno, "lock " RW_PIN_PARENT);
	return RW_OK;
}

static void end(int lock)
{
	if (lock >= 0)
		close(lock);
}

/* The inner map in a place of an outer one; *fd -1: none. */
static int inner(const struct rw_kern *k, enum rw_kern_map m, uint32_t at, int *fd,
		 struct rw_error *e)
{
	uint32_t id;
	int err = bpf_map_lookup_elem(k->fd[m], &at, &id);

	*fd = -1;
	if (err == -ENOENT)
		return RW_OK;
	if (!err) {
		*fd = bpf_map_get_fd_by_id(id);
		err = *fd < 0 ? *fd : 0;
	}
	return err ? fail(e, err, "look into the feeds in force") : RW_OK;
}

/* --- the lists in force ------------------------------------------------------------------------
 */

/* Copies what view says of feeds, lengths and slot; zeros where none is in force. */
static int read_view(const struct rw_kern *k, struct rw_feed_head *head, struct rw_error *e)
{
	const struct rw_kern_feed_view *view;
	int fd, rc = inner(k, RW_MAP_FEED_VIEW, 0, &fd, e);

	*head = (struct rw_feed_head){.slot = 1};
	if (rc || fd < 0)
		return rc;
	view = mmap(NULL, sizeof(*view), PROT_READ, MAP_SHARED, fd, 0);
	if (view == MAP_FAILED) {
		rc = fail(e, -errno, "map the feeds in force");
	} else {
		head->slot = (uint32_t)view->slot;
		head->in_force = true;
		memcpy(head->feeds, view->feeds, sizeof(head->feeds));
		munmap((void *)(uintptr_t)view, sizeof(*view));
	}
	close(fd);
	return rc;
}

/* Gathers the entries of all feeds but one. */
struct gather {
	struct rw_feed_set *set;
	uint16_t but;
	struct rw_error *e;
	int rc;
};

static void take(struct gather *g, struct rw_prefix p, const struct rw_kern_listed *listed)
{
	uint16_t feeds = (uint16_t)(listed->feeds & ~g->but);

	if (feeds && !g->rc)
		g->rc = rw_feed_add(g->set, &p, feeds, g->e);
}

static void on_entry4(void *arg, const void *key, const void *value)
{
	take(arg, rw_prefix_from_key4(key), value);
}

static void on_entry6(void *arg, const void *key, const void *value)
{
	take(arg, rw_prefix_from_key(key), value);
}

static int read_list(struct rw_kern *k, unsigned which, uint32_t slot, struct gather *g)
{
	bool v4 = outers[which] == RW_MAP_FEED4 || outers[which] == RW_MAP_FEED_NET4;
	bool trie = outers[which] == RW_MAP_FEED_NET4 || outers[which] == RW_MAP_FEED_NET6;
	size_t key = v4 ? sizeof(struct rw_kern_key4) : sizeof(struct rw_kern_key);
	int fd, rc = inner(k, outers[which], slot, &fd, g->e);

	if (rc || fd < 0)
		return rc;
	rc = (trie ? rw_kern_scan_trie : rw_kern_scan_hash)(fd, key, sizeof(struct rw_kern_listed),
							    v4 ? on_entry4 : on_entry6, g, g->e);
	close(fd);
	return rc ? rc : g->rc;
}

/* Adds what the other feeds list. */
static int read_others(struct rw_kern *k, const struct rw_feed_head *head, unsigned but,
		       struct rw_feed_set *set, struct rw_error *e)
{
	struct gather g = {.set = set, .but = (uint16_t)(1U << but), .e = e};
	int rc = RW_OK;

	for (unsigned i = 0; i < sizeof(outers) / sizeof(outers[0]) && head->in_force && !rc; i++)
		rc = read_list(k, i, head->slot, &g);
	return rc;
}

int rw_kern_feed_allows(struct rw_kern *k, struct rw_feed_set *set, struct rw_error *e)
{
	struct rw_prefix *allows;
	unsigned n;
	int rc = rw_kern_allows(k, &allows, &n, e);

	for (unsigned i = 0; i < n && !rc; i++)
		rc = rw_feed_add(set, &allows[i], RW_FEED_ALLOW, e);
	free(allows);
	return rc;
}

/* --- the exchange ------------------------------------------------------------------------------
 */

/* What a slot holds goes; what is not there is gone already. */
static void empty_slot(struct rw_kern *k, uint32_t slot)
{
	for (unsigned i = 0; i < sizeof(outers) / sizeof(outers[0]); i++)
		bpf_map_delete_elem(k->fd[outers[i]], &slot);
}

/*
 * In the order that bpf/feed.h relies on. The update of the view returns when no program runs that
 * has read the old one.
 */
static int exchange(struct rw_kern *k, const struct rw_feed_maps *maps, uint32_t slot,
		    struct rw_error *e)
{
	uint32_t zero = 0, old = !slot;
	int err = 0;

	for (unsigned i = 0; i < sizeof(outers) / sizeof(outers[0]) && !err; i++)
		err = bpf_map_update_elem(k->fd[outers[i]], &slot, &maps->list[i], BPF_ANY);
	if (!err)
		err = bpf_map_update_elem(k->fd[RW_MAP_FEED_VIEW], &zero, &maps->view, BPF_ANY);
	empty_slot(k, err ? slot : old);
	return err ? fail(e, err, "put the new feeds in force") : RW_OK;
}

/* For people; the program does not read it. */
static int tell(struct rw_kern *k, const struct rw_feed_head *head, struct rw_error *e)
{
	int err = 0;

	for (uint32_t i = 0; i < RW_KERN_FEEDS && !err; i++)
		err = bpf_map_update_elem(k->fd[RW_MAP_FEEDS], &i, &head->feeds[i], BPF_ANY);
	return err ? fail(e, err, "write rw_feeds") : RW_OK;
}

/*
 * What a load that was killed after its exchange has left: names that are not those in force, and
 * lists that nobody reads.
 */
static int mend(struct rw_kern *k, const struct rw_feed_head *head, struct rw_error *e)
{
	empty_slot(k, !head->slot);
	if (!head->in_force)
		empty_slot(k, head->slot);
	return tell(k, head, e);
}

static int withdraw(struct rw_kern *k, struct rw_error *e)
{
	uint32_t zero = 0;
	int err = bpf_map_delete_elem(k->fd[RW_MAP_FEED_VIEW], &zero);

	if (err && err != -ENOENT)
		return fail(e, err, "take the feeds out of force");
	empty_slot(k, 0);
	empty_slot(k, 1);
	return RW_OK;
}

static void count(struct rw_feed_head *head, const struct rw_feed_set *set)
{
	for (unsigned f = 0; f < RW_KERN_FEEDS; f++) {
		head->feeds[f].entries4 = head->feeds[f].entries6 = 0;
		for (size_t i = 0; i < set->v4.n; i++)
			head->feeds[f].entries4 += set->v4.item[i].feeds >> f & 1;
		for (size_t i = 0; i < set->v6.n; i++)
			head->feeds[f].entries6 += set->v6.item[i].feeds >> f & 1;
	}
}

/* Merges the set and makes it all that is in force. head is what it is to be. */
static int put_in_force(struct rw_kern *k, struct rw_feed_head *head, unsigned fresh,
			struct rw_feed_set *set, struct rw_feed_settled *settled,
			const struct rw_feed_load *load, struct rw_error *e)
{
	enum rw_kern_verdict verdicts[RW_KERN_FEEDS];
	struct rw_feed_maps maps;
	int rc;

	for (unsigned f = 0; f < RW_KERN_FEEDS; f++)
		verdicts[f] = head->feeds[f].verdict;
	rc = rw_feed_settle(set, fresh, verdicts, settled, e);
	if (rc)
		return rc;
	count(head, set);
	if (set->v4.n > RW_KERN_LISTED || set->v6.n > RW_KERN_LISTED)
		return rw_fail(e, RW_ELIMIT,
			       "all feeds together would have %zu IPv4 and %zu IPv6 prefixes; the "
			       "bound is %d of each: what was in force stays",
			       set->v4.n, set->v6.n, RW_KERN_LISTED);
	if (load && !head->feeds[fresh].entries4 && !head->feeds[fresh].entries6)
		return rw_fail(e, RW_EINVAL,
			       "the allowlist covers all of it: what was in force stays");
	if (!set->v4.n && !set->v6.n) {
		rc = withdraw(k, e);
		return rc ? rc : tell(k, head, e);
	}
	head->slot = !head->slot;
	rc = rw_feed_maps_make(&maps, head, set, load, e);
	if (!rc)
		rc = exchange(k, &maps, head->slot, e);
	rw_feed_maps_free(&maps);
	return rc ? rc : tell(k, head, e);
}

/* --- the verbs ---------------------------------------------------------------------------------
 */

/* Where the feed of that name is, or may be: RW_KERN_FEEDS, where there is no place. */
static unsigned find(const struct rw_feed_head *head, const char *name, bool place)
{
	unsigned found = RW_KERN_FEEDS;

	for (unsigned f = 0; f < RW_KERN_FEEDS; f++) {
		if (!strcmp(head->feeds[f].name, name))
			return f;
		if (place && !head->feeds[f].name[0] && found == RW_KERN_FEEDS)
			found = f;
	}
	return found;
}

static int drops_of(struct rw_kern *k, uint32_t feed, uint64_t *drops, struct rw_error *e)
{
	struct rw_kern_feed_drops *each = calloc((size_t)k->cpus, sizeof(*each));
	int err;

	*drops = 0;
	if (!each)
		return rw_fail(e, RW_ENOMEM, "out of memory for the feeds' counters");
	err = bpf_map_lookup_elem(k->fd[RW_MAP_FEED_DROPS], &feed, each);
	for (int i = 0; i < k->cpus && !err; i++)
		*drops += each[i].drops;
	free(each);
	return err ? rw_kern_fail(e, err, "read the feeds' counters") : RW_OK;
}

/* What is to be in force for this load; *at: its place. */
static int plan(struct rw_kern *k, const struct rw_feed_load *load, struct rw_feed_head *head,
		unsigned *at, struct rw_error *e)
{
	struct rw_kern_feed *feed;
	int rc = RW_OK;

	*at = find(head, load->name, true);
	if (*at == RW_KERN_FEEDS)
		return rw_fail(
			e, RW_ELIMIT,
			"%d feeds are loaded, which is the bound: 'ringwall feed list' shows "
			"them, 'ringwall feed clear NAME' takes one away",
			RW_KERN_FEEDS);
	feed = &head->feeds[*at];
	if (!feed->name[0]) {
		snprintf(feed->name, sizeof(feed->name), "%s", load->name);
		rc = drops_of(k, *at, &feed->drops_before, e);
	}
	feed->verdict = load->verdict;
	feed->loaded_s = (uint64_t)time(NULL);
	return rc;
}

static int describe(struct rw_kern *k, uint32_t at, const struct rw_kern_feed *feed,
		    struct rw_feed *out, struct rw_error *e)
{
	uint64_t drops;
	int rc = drops_of(k, at, &drops, e);

	*out = (struct rw_feed){
		.verdict = feed->verdict,
		.entries4 = feed->entries4,
		.entries6 = feed->entries6,
		.loaded_s = feed->loaded_s,
		.drops = drops - feed->drops_before,
	};
	memcpy(out->name, feed->name, sizeof(out->name));
	return rc;
}

/* Takes the lock and reads what is in force. The caller ends it, whatever comes of it. */
static int begin_with(struct rw_kern *k, int how, int *lock, struct rw_feed_head *head,
		      struct rw_error *e)
{
	int rc = begin(k, how, lock, e);

	if (!rc)
		rc = read_view(k, head, e);
	return rc ? rc : mend(k, head, e);
}

int rw_kern_feed_mend(struct rw_kern *k, struct rw_error *e)
{
	struct rw_feed_head head;
	int lock, rc = begin_with(k, LOCK_EX | LOCK_NB, &lock, &head, e);

	end(lock);
	return rc;
}

int rw_kern_feed_load(struct rw_kern *k, const struct rw_feed_load *load, struct rw_feed_set *set,
		      struct rw_feed_settled *settled, struct rw_feed *feed, struct rw_error *e)
{
	struct rw_feed_head head;
	unsigned at = 0;
	int lock, rc;

	if (!rw_feed_name_ok(load->name))
		return rw_fail(e, RW_EINVAL,
			       "'%.32s' is not a name: 1 to 15 letters, digits, '.', '_' or '-'",
			       load->name);
	if (!set->v4.n && !set->v6.n)
		return rw_fail(e, RW_EINVAL,
			       "there is no prefix in it: what was in force stays ('ringwall feed "
			       "clear NAME' takes a feed away)");
	rc = begin_with(k, LOCK_EX, &lock, &head, e);
	if (!rc)
		rc = plan(k, load, &head, &at, e);
	if (!rc)
		rc = read_others(k, &head, at, set, e);
	if (!rc)
		rc = rw_kern_feed_allows(k, set, e);
	if (!rc)
		rc = put_in_force(k, &head, at, set, settled, load, e);
	if (!rc)
		rc = describe(k, at, &head.feeds[at], feed, e);
	end(lock);
	return rc;
}

int rw_kern_feed_clear(struct rw_kern *k, const char *name, struct rw_error *e)
{
	struct rw_feed_settled settled;
	struct rw_feed_set set = {0};
	struct rw_feed_head head;
	unsigned at = RW_KERN_FEEDS;
	int lock, rc = begin_with(k, LOCK_EX, &lock, &head, e);

	if (!rc && *name)
		at = find(&head, name, false);
	if (!rc && at == RW_KERN_FEEDS)
		rc = rw_fail(
			e, RW_ENOTFOUND,
			"there is no feed '%.32s' ('ringwall feed list' shows which there are)",
			name);
	if (!rc)
		rc = read_others(k, &head, at, &set, e);
	if (!rc) {
		head.feeds[at] = (struct rw_kern_feed){0};
		rc = put_in_force(k, &head, at, &set, &settled, NULL, e);
	}
	rw_feed_set_free(&set);
	end(lock);
	return rc;
}

int rw_kern_feeds(struct rw_kern *k, struct rw_feed out[RW_KERN_FEEDS], unsigned *n,
		  struct rw_error *e)
{
	struct rw_kern_feed feed;
	int rc = RW_OK;

	*n = 0;
	for (uint32_t i = 0; i < RW_KERN_FEEDS && !rc; i++) {
		int err = bpf_map_lookup_elem(k->fd[RW_MAP_FEEDS], &i, &feed);

		if (err)
			rc = rw_kern_fail(e, err, "read rw_feeds");
		else if (feed.name[0])
			rc = describe(k, i, &feed, &out[(*n)++], e);
	}
	return rc;
}
