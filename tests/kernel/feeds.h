/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds for the tests, loaded by the code of production. */
#ifndef RW_TESTS_KERNEL_FEEDS_H
#define RW_TESTS_KERNEL_FEEDS_H

#include "kern/feed.h"
#include "kernel/rig.h"

static inline void feeds_add(struct rw_feed_set *set, const char *prefix)
{
	struct rw_prefix p = rig_prefix(prefix);

	assert_int_equal(rw_feed_add(set, &p, 0, NULL), RW_OK);
}

/* Frees the set, whatever comes of it. */
static inline int feeds_try_set(struct rig *r, const char *name, enum rw_kern_verdict verdict,
				struct rw_feed_set *set, struct rw_error *e)
{
	struct rw_feed_load load = {.name = name, .verdict = verdict};
	struct rw_feed_settled settled;
	struct rw_feed feed;
	int rc = rw_kern_feed_load(&r->k, &load, set, &settled, &feed, e);

	rw_feed_set_free(set);
	rig_forget(r);
	return rc;
}

static inline void feeds_clear(struct rig *r, const char *name)
{
	assert_int_equal(rw_kern_feed_clear(&r->k, name, NULL), RW_OK);
	rig_forget(r);
}

/* prefixes: until NULL. */
static inline int feeds_try(struct rig *r, const char *name, enum rw_kern_verdict verdict,
			    const char *const *prefixes, struct rw_error *e)
{
	struct rw_feed_set set = {0};

	for (; *prefixes; prefixes++)
		feeds_add(&set, *prefixes);
	return feeds_try_set(r, name, verdict, &set, e);
}

#define FEED(r, name, verdict, ...)                                                       \
	do {                                                                              \
		struct rw_error feed_error = {0};                                         \
		if (feeds_try(r, name, verdict, (const char *const[]){__VA_ARGS__, NULL}, \
			      &feed_error))                                               \
			fail_msg("%s", feed_error.text);                                  \
	} while (0)

/* The feed of that name, which must be there. */
static inline struct rw_feed feeds_get(struct rig *r, const char *name)
{
	struct rw_feed feeds[RW_KERN_FEEDS];
	unsigned n;

	assert_int_equal(rw_kern_feeds(&r->k, feeds, &n, NULL), RW_OK);
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(feeds[i].name, name))
			return feeds[i];
	fail_msg("there is no feed '%s'", name);
	return (struct rw_feed){0};
}

static inline unsigned feeds_count(struct rig *r)
{
	struct rw_feed feeds[RW_KERN_FEEDS];
	unsigned n;

	assert_int_equal(rw_kern_feeds(&r->k, feeds, &n, NULL), RW_OK);
	return n;
}

#endif
