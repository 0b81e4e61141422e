/* SPDX-License-Identifier: Apache-2.0 */
/* Millions of prefixes: sorted, merged, and each told what covers it. */
#include <stdlib.h>
#include <string.h>

#include "kern/feed.h"
#include "kern/internal.h"

void rw_feed_set_free(struct rw_feed_set *set)
{
	free(set->v4.item);
	free(set->v6.item);
	*set = (struct rw_feed_set){0};
}

static uint64_t number(const uint8_t *bytes)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < 8; i++)
		n = n << 8 | bytes[i];
	return n;
}

int rw_feed_add(struct rw_feed_set *set, const struct rw_prefix *p, uint16_t feeds,
		struct rw_error *e)
{
	struct rw_feed_items *items = p->family == AF_INET ? &set->v4 : &set->v6;

	if (items->n == items->room) {
		size_t room = items->room ? 2 * items->room : 4096;
		struct rw_feed_item *more = realloc(items->item, room * sizeof(*more));

		if (!more)
			return rw_fail(e, RW_ENOMEM, "out of memory for %zu prefixes", room);
		items->item = more;
		items->room = room;
	}
	/* The bytes beyond an IPv4 address are 0. */
	items->item[items->n++] = (struct rw_feed_item){
		.hi = number(p->addr), .lo = number(p->addr + 8), .feeds = feeds, .plen = p->plen};
	return RW_OK;
}

/* --- order: by address, the wider prefix first ------------------------------------------------ */

enum { DIGITS = 17 }; /* bytes that count: the length, then the address from its end */

static unsigned digit(const struct rw_feed_item *i, unsigned d)
{
	if (!d)
		return i->plen;
	if (d < 9)
		return i->lo >> (8 * (d - 1)) & 0xff;
	return i->hi >> (8 * (d - 9)) & 0xff;
}

/* Least digit first; a digit that all have in common, as most of IPv4's, costs nothing more. */
static int sort(struct rw_feed_items *items, struct rw_error *e)
{
	struct rw_feed_item *from = items->item, *to;
	size_t(*count)[256] = calloc(DIGITS, sizeof(*count)), n = items->n;

	to = malloc((n ? n : 1) * sizeof(*to));
	if (!to || !count) {
		free(to);
		free(count);
		return rw_fail(e, RW_ENOMEM, "out of memory for sorting %zu prefixes", n);
	}
	for (size_t i = 0; i < n; i++)
		for (unsigned d = 0; d < DIGITS; d++)
			count[d][digit(&from[i], d)]++;
	for (unsigned d = 0; d < DIGITS && n; d++) {
		struct rw_feed_item *was = from;
		size_t at = 0;

		if (count[d][digit(from, d)] == n)
			continue;
		for (unsigned v = 0; v < 256; v++) {
			size_t c = count[d][v];

			count[d][v] = at;
			at += c;
		}
		for (size_t i = 0; i < n; i++)
			to[count[d][digit(&from[i], d)]++] = from[i];
		from = to;
		to = was;
	}
	items->item = from;
	items->room = n;
	free(to);
	free(count);
	return RW_OK;
}

/* --- merging ---------------------------------------------------------------------------------- */

static uint64_t mask(unsigned bits)
{
	return bits ? ~0ULL << (64 - (bits < 64 ? bits : 64)) : 0;
}

static bool covers(const struct rw_feed_item *wide, const struct rw_feed_item *i)
{
	unsigned low = wide->plen > 64 ? wide->plen - 64U : 0;

	return (i->hi & mask(wide->plen)) == wide->hi && (i->lo & mask(low)) == wide->lo;
}

/* Equal neighbours become one. Returns how many the feeds in bit had too many. */
static size_t unite(struct rw_feed_items *items, uint16_t bit)
{
	struct rw_feed_item *to = items->item;
	size_t extra = 0;

	for (size_t i = 1; i < items->n; i++) {
		const struct rw_feed_item *next = &items->item[i];

		if (next->hi != to->hi || next->lo != to->lo || next->plen != to->plen) {
			*++to = *next;
			continue;
		}
		extra += (to->feeds & next->feeds & bit) != 0;
		to->feeds |= next->feeds;
	}
	if (items->n)
		items->n = (size_t)(to - items->item) + 1;
	return extra;
}

/* What covers the entry at hand, the widest first; all that begin an address fit. */
struct cover {
	struct rw_feed_item wide[130];
	unsigned n;
};

/* Leaves what covers i; returns the narrowest, NULL: nothing. Its feeds are those of all of them.
 */
static const struct rw_feed_item *narrow(struct cover *cover, const struct rw_feed_item *i)
{
	while (cover->n && !covers(&cover->wide[cover->n - 1], i))
		cover->n--;
	return cover->n ? &cover->wide[cover->n - 1] : NULL;
}

/* The strictest verdict of the feeds that list i, and of what covers it. */
static void judge(struct rw_feed_item *i, const struct rw_feed_item *wide,
		  const enum rw_kern_verdict verdicts[RW_KERN_FEEDS])
{
	i->verdict = wide ? wide->verdict : 0;
	i->feed = wide ? wide->feed : 0;
	i->at = wide ? wide->at : 0;
	for (unsigned f = 0; f < RW_KERN_FEEDS; f++) {
		if (!(i->feeds >> f & 1) || verdicts[f] <= i->verdict)
			continue;
		i->verdict = (uint8_t)verdicts[f];
		i->feed = (uint8_t)f;
		i->at = i->plen;
	}
}

static void merge(struct rw_feed_items *items, unsigned fresh,
		  const enum rw_kern_verdict verdicts[RW_KERN_FEEDS], struct rw_feed_settled *out)
{
	const uint16_t bit = (uint16_t)(1U << fresh);
	struct cover cover = {.n = 0};
	size_t kept = 0;

	for (size_t n = 0; n < items->n; n++)
		if (!items->item[n].feeds)
			items->item[n].feeds = bit;
	out->covered += unite(items, bit);
	for (size_t n = 0; n < items->n; n++) {
		struct rw_feed_item i = items->item[n];
		const struct rw_feed_item *wide = narrow(&cover, &i);
		uint16_t above = wide ? wide->feeds : 0;

		if (i.feeds & bit && (above | i.feeds) & RW_FEED_ALLOW) {
			out->allowed++;
			i.feeds &= (uint16_t)~bit;
		}
		out->covered += (i.feeds & above & bit) != 0;
		i.feeds &= (uint16_t)~(above & ~RW_FEED_ALLOW);
		judge(&i, wide, verdicts);
		if (i.feeds & ~RW_FEED_ALLOW)
			items->item[kept++] = i;
		if (!i.feeds)
			continue;
		i.feeds |= above;
		cover.wide[cover.n++] = i;
	}
	for (size_t n = 0; n < kept; n++)
		items->item[n].feeds &= (uint16_t)~RW_FEED_ALLOW;
	items->n = kept;
}

int rw_feed_settle(struct rw_feed_set *set, unsigned fresh,
		   const enum rw_kern_verdict verdicts[RW_KERN_FEEDS], struct rw_feed_settled *out,
		   struct rw_error *e)
{
	int rc = sort(&set->v4, e);

	*out = (struct rw_feed_settled){0};
	if (!rc)
		rc = sort(&set->v6, e);
	if (rc)
		return rc;
	merge(&set->v4, fresh, verdicts, out);
	merge(&set->v6, fresh, verdicts, out);
	return RW_OK;
}
