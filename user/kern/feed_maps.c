/* SPDX-License-Identifier: Apache-2.0 */
/* The maps of one load of feeds: as large as it takes, filled in batches. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kern/feed_maps.h"
#include "kern/skel.h"

enum {
	BATCH = 16384,
	/* Fewer than these, and than one in so many, are not worth a probe of each packet. */
	FEW = 4096,
	FEW_OF = 16,
};

/* --- which lengths have a place in the hash ----------------------------------------------------
 */

struct lengths {
	size_t count[129];
	bool hashed[129];
	size_t n_hashed;	      /* entries */
	uint8_t plens[RW_KERN_PLENS]; /* as in struct rw_kern_feed_view */
};

static unsigned most_frequent(const struct lengths *l)
{
	unsigned best = 129;

	for (unsigned p = 0; p < 129; p++)
		if (l->count[p] && !l->hashed[p] && (best == 129 || l->count[p] > l->count[best]))
			best = p;
	return best;
}

/* The frequent ones, until few entries are left or the places are taken. */
static void choose(const struct rw_feed_items *items, struct lengths *l)
{
	unsigned n = 0;

	*l = (struct lengths){0};
	for (size_t i = 0; i < items->n; i++)
		l->count[items->item[i].plen]++;
	for (unsigned used = 0; used < RW_KERN_PLENS && l->n_hashed < items->n; used++) {
		size_t left = items->n - l->n_hashed;
		unsigned p = most_frequent(l);

		if (used && left <= FEW && left <= items->n / FEW_OF)
			break;
		l->hashed[p] = true;
		l->n_hashed += l->count[p];
	}
	for (unsigned p = 129; p-- > 0;)
		if (l->hashed[p])
			l->plens[n++] = (uint8_t)(p + 1);
}

/* --- filling -----------------------------------------------------------------------------------
 */

struct progress {
	const struct rw_feed_load *load;
	size_t done, total;
};

struct batch {
	union {
		struct rw_kern_key4 v4[BATCH];
		struct rw_kern_key v6[BATCH];
	} keys;
	struct rw_kern_listed values[BATCH];
	uint32_t n;
};

static void put_bytes(uint8_t *to, uint64_t n)
{
	for (unsigned i = 0; i < 8; i++)
		to[i] = (uint8_t)(n >> (56 - 8 * i));
}

static void add(struct batch *b, const struct rw_feed_item *i, bool v4)
{
	uint8_t addr[16];

	put_bytes(addr, i->hi);
	put_bytes(addr + 8, i->lo);
	if (v4) {
		b->keys.v4[b->n].plen = i->plen;
		memcpy(b->keys.v4[b->n].addr, addr, 4);
	} else {
		b->keys.v6[b->n].plen = i->plen;
		memcpy(b->keys.v6[b->n].addr, addr, 16);
	}
	b->values[b->n++] = (struct rw_kern_listed){
		.verdict = i->verdict,
		.feeds = i->feeds,
		.feed = i->feed,
		.plen = i->at,
	};
}

static int flush(int fd, struct batch *b, struct progress *p, struct rw_error *e)
{
	uint32_t n = b->n;
	int err = n ? bpf_map_update_batch(fd, &b->keys, b->values, &n, NULL) : 0;

	if (err)
		return rw_kern_fail(e, err, "enter a feed");
	p->done += b->n;
	if (p->load && p->load->progress && b->n)
		p->load->progress(p->load->arg, p->done, p->total);
	b->n = 0;
	return RW_OK;
}

/* The entries of hashed lengths, or the others. */
static int fill(int fd, const struct rw_feed_items *items, const struct lengths *l, bool hashed,
		bool v4, struct progress *p, struct rw_error *e)
{
	struct batch *b = calloc(1, sizeof(*b));
	int rc = RW_OK;

	if (!b)
		return rw_fail(e, RW_ENOMEM, "out of memory for entering a feed");
	for (size_t i = 0; i < items->n && !rc; i++) {
		if (l->hashed[items->item[i].plen] != hashed)
			continue;
		add(b, &items->item[i], v4);
		if (b->n == BATCH)
			rc = flush(fd, b, p, e);
	}
	if (!rc)
		rc = flush(fd, b, p, e);
	free(b);
	return rc;
}

/* --- presence ----------------------------------------------------------------------------------
 */

static void mark4(struct rw_kern_feed_view *view, const struct rw_feed_item *i)
{
	uint32_t at = (uint32_t)(i->hi >> 40), n = i->plen < 24 ? 1U << (24 - i->plen) : 1;

	for (; n && at % 64; n--, at++)
		view->bits4[at / 64] |= 1ULL << (at % 64);
	for (; n >= 64; n -= 64, at += 64)
		view->bits4[at / 64] = UINT64_MAX;
	for (; n; n--, at++)
		view->bits4[at / 64] |= 1ULL << (at % 64);
}

static void mark6(struct rw_kern_feed_view *view, const struct rw_feed_item *i)
{
	uint32_t bit = rw_kern_bit6((uint32_t)(i->hi >> 32));

	if (i->plen < 32)
		memset(view->bits6, 0xff, sizeof(view->bits6));
	else
		view->bits6[bit / 64] |= 1ULL << (bit % 64);
}

static int fill_view(int fd, const struct rw_feed_head *head, const struct rw_feed_set *set,
		     const struct lengths *v4, const struct lengths *v6, struct rw_error *e)
{
	struct rw_kern_feed_view *view = mmap(NULL, sizeof(*view), PROT_READ | PROT_WRITE,
					      MAP_SHARED, fd, 0);

	if (view == MAP_FAILED)
		return rw_kern_fail(e, -errno, "map a new list");
	memcpy(view->plens4, v4->plens, sizeof(view->plens4));
	memcpy(view->plens6, v6->plens, sizeof(view->plens6));
	view->nets4 = set->v4.n - v4->n_hashed;
	view->nets6 = set->v6.n - v6->n_hashed;
	view->slot = head->slot;
	memcpy(view->feeds, head->feeds, sizeof(view->feeds));
	for (size_t i = 0; i < set->v4.n; i++)
		mark4(view, &set->v4.item[i]);
	for (size_t i = 0; i < set->v6.n; i++)
		mark6(view, &set->v6.item[i]);
	munmap(view, sizeof(*view));
	return RW_OK;
}

/* --- making ------------------------------------------------------------------------------------
 */

static int load_failed(int err, size_t n, struct rw_error *e)
{
	if (err == -EPERM || err == -EACCES)
		return rw_fail(e, RW_EPERM,
			       "not allowed to make tables in the kernel: run 'ringwall feed' as "
			       "root");
	if (err == -ENOMEM)
		return rw_fail(e, RW_ENOMEM, "the kernel has no memory for a feed of %zu prefixes",
			       n);
	return rw_kern_fail(e, err, "make tables for a feed");
}

static int make(struct rw_feed_maps *maps, const size_t sizes[4], size_t n, struct rw_error *e)
{
	struct rw_lists *skel = rw_lists__open();
	struct bpf_map *map[4];
	int err = skel ? 0 : -errno;

	if (skel) {
		map[0] = skel->maps.rw_list4;
		map[1] = skel->maps.rw_list6;
		map[2] = skel->maps.rw_list_net4;
		map[3] = skel->maps.rw_list_net6;
		for (unsigned i = 0; i < 4 && !err; i++)
			err = bpf_map__set_max_entries(map[i], sizes[i] ? (uint32_t)sizes[i] : 1);
		if (!err)
			err = rw_lists__load(skel);
		for (unsigned i = 0; i < 4 && !err; i++)
			maps->list[i] = dup(bpf_map__fd(map[i]));
		if (!err)
			maps->view = dup(bpf_map__fd(skel->maps.rw_list_view));
	}
	rw_lists__destroy(skel);
	return err ? load_failed(err, n, e) : RW_OK;
}

int rw_feed_maps_make(struct rw_feed_maps *maps, const struct rw_feed_head *head,
		      const struct rw_feed_set *set, const struct rw_feed_load *load,
		      struct rw_error *e)
{
	struct progress p = {.load = load, .total = set->v4.n + set->v6.n};
	struct lengths v4, v6;
	size_t sizes[4];
	int rc;

	*maps = (struct rw_feed_maps){{-1, -1, -1, -1}, -1};
	choose(&set->v4, &v4);
	choose(&set->v6, &v6);
	sizes[0] = v4.n_hashed;
	sizes[1] = v6.n_hashed;
	sizes[2] = set->v4.n - v4.n_hashed;
	sizes[3] = set->v6.n - v6.n_hashed;
	rc = make(maps, sizes, p.total, e);
	if (!rc)
		rc = fill(maps->list[0], &set->v4, &v4, true, true, &p, e);
	if (!rc)
		rc = fill(maps->list[1], &set->v6, &v6, true, false, &p, e);
	if (!rc)
		rc = fill(maps->list[2], &set->v4, &v4, false, true, &p, e);
	if (!rc)
		rc = fill(maps->list[3], &set->v6, &v6, false, false, &p, e);
	return rc ? rc : fill_view(maps->view, head, set, &v4, &v6, e);
}

void rw_feed_maps_free(struct rw_feed_maps *maps)
{
	for (unsigned i = 0; i < 4; i++)
		if (maps->list[i] >= 0)
			close(maps->list[i]);
	if (maps->view >= 0)
		close(maps->view);
}
