/* SPDX-License-Identifier: Apache-2.0 */
#include "limit/open.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/err.h"

struct cell {
	struct rw_source who;
	uint32_t n; /* 0: free */
};

/* Linear probing; at most half of the cells are taken, since there are twice as many as things. */
struct rw_open {
	uint64_t seed;
	uint32_t mask, most, all;
	struct cell cells[];
};

struct rw_open *rw_open_new(uint32_t most, uint64_t seed)
{
	uint32_t n = 2;
	struct rw_open *o;

	while (n < 2 * most)
		n *= 2;
	o = calloc(1, sizeof(*o) + n * sizeof(o->cells[0]));
	if (!o)
		return NULL;
	o->seed = seed;
	o->mask = n - 1;
	o->most = most;
	return o;
}

void rw_open_free(struct rw_open *o)
{
	free(o);
}

uint32_t rw_open_count(const struct rw_open *o)
{
	return o->all;
}

static uint32_t home_of(const struct rw_open *o, const struct rw_source *who)
{
	return (uint32_t)XXH3_64bits_withSeed(who, sizeof(*who), o->seed) & o->mask;
}

/* Its cell, or the free one where it belongs. */
static uint32_t find(const struct rw_open *o, const struct rw_source *who)
{
	uint32_t i = home_of(o, who);

	while (o->cells[i].n && memcmp(&o->cells[i].who, who, sizeof(*who)) != 0)
		i = (i + 1) & o->mask;
	return i;
}

/*
 * A bound of each alone lets a few fill all of it. Beyond a half, what one may have shrinks with
 * what is left, so that who comes next always finds room: n that take what they can get leave
 * two parts in n + 2.
 */
static uint32_t share(uint32_t each, uint32_t left, uint32_t all)
{
	uint64_t part = 2 * (uint64_t)each * left / all;

	return part >= each ? each : part ? (uint32_t)part : 1;
}

bool rw_open_begin(struct rw_open *o, const struct rw_source *who, uint32_t each, uint32_t all)
{
	struct cell *c = &o->cells[find(o, who)];

	all = all < o->most ? all : o->most;
	if (o->all >= all || c->n >= share(each, all - o->all, all))
		return false;
	c->who = *who;
	c->n++;
	o->all++;
	return true;
}

/* What stands behind a cell that becomes free, and was pushed there by it, moves up. */
static void vacate(struct rw_open *o, uint32_t hole)
{
	for (uint32_t i = (hole + 1) & o->mask; o->cells[i].n; i = (i + 1) & o->mask) {
		uint32_t home = home_of(o, &o->cells[i].who);

		if (((i - home) & o->mask) < ((i - hole) & o->mask))
			continue;
		o->cells[hole] = o->cells[i];
		o->cells[i].n = 0;
		hole = i;
	}
}

void rw_open_end(struct rw_open *o, const struct rw_source *who)
{
	uint32_t i = find(o, who);

	RW_BUG_ON(o->cells[i].n == 0);
	o->all--;
	if (--o->cells[i].n == 0)
		vacate(o, i);
}
