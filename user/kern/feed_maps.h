/* SPDX-License-Identifier: Apache-2.0 */
/* The maps of one load of feeds, between feed.c, which knows when, and feed_maps.c, which knows
 * how.
 */
#ifndef RW_KERN_FEED_MAPS_H
#define RW_KERN_FEED_MAPS_H

#include "kern/feed.h"
#include "kern/internal.h"

/* What is in force beside the entries. */
struct rw_feed_head {
	struct rw_kern_feed feeds[RW_KERN_FEEDS];
	uint32_t slot;
	bool in_force;
};

/* fds, -1 where not open. list: rw_list4, rw_list6, rw_list_net4, rw_list_net6. */
struct rw_feed_maps {
	int list[4];
	int view;
};

/* Makes and fills them, for head->slot; set is settled. Whatever comes of it, the caller frees. */
int rw_feed_maps_make(struct rw_feed_maps *maps, const struct rw_feed_head *head,
		      const struct rw_feed_set *set, const struct rw_feed_load *load,
		      struct rw_error *e);
void rw_feed_maps_free(struct rw_feed_maps *maps);

#endif
