/* SPDX-License-Identifier: Apache-2.0 */
/* The timer wheel. */
#include <string.h>

#include "ring/internal.h"

enum { NS_PER_TICK = 1000000 };

static const uint64_t slot_mask = RW_WHEEL_SLOTS - 1;

void rw_wheel_init(struct rw_wheel *w, uint64_t now_ns)
{
	memset(w, 0, sizeof(*w));
	w->tick = now_ns / NS_PER_TICK;
}

static void link_at(struct rw_timer **head, struct rw_timer *t)
{
	t->next = *head;
	t->pprev = head;
	if (t->next)
		t->next->pprev = &t->next;
	*head = t;
}

static void unlink_timer(struct rw_timer *t)
{
	*t->pprev = t->next;
	if (t->next)
		t->next->pprev = t->pprev;
	t->next = NULL;
	t->pprev = NULL;
}

static unsigned shift_of(unsigned level)
{
	return level * RW_WHEEL_BITS;
}

/* Puts t where it will be met first: the lowest level whose span reaches its tick. */
static void place(struct rw_wheel *w, struct rw_timer *t)
{
	uint64_t due = t->when_ns / NS_PER_TICK + (t->when_ns % NS_PER_TICK != 0);
	uint64_t far = w->tick + ((uint64_t)1 << shift_of(RW_WHEEL_LEVELS)) - 1;
	unsigned level = 0, slot;

	if (due <= w->tick)
		due = w->tick + 1;
	if (due > far)
		due = far; /* two years: looked at again then */
	/* Level k holds what differs from now in its digit k and in none above it. */
	while (level < RW_WHEEL_LEVELS - 1 &&
	       due >> shift_of(level + 1) != w->tick >> shift_of(level + 1))
		level++;
	slot = (unsigned)(due >> shift_of(level) & slot_mask);
	w->used[level] |= (uint64_t)1 << slot;
	link_at(&w->slots[level][slot], t);
}

void rw_wheel_set(struct rw_wheel *w, struct rw_timer *t, uint64_t when_ns)
{
	if (t->pprev)
		unlink_timer(t);
	t->when_ns = when_ns;
	place(w, t);
}

void rw_timer_cancel(struct rw_timer *t)
{
	if (t->pprev)
		unlink_timer(t);
}

/* Moves a slot's timers to *to: what is cancelled meanwhile leaves that list by itself. */
static void take_slot(struct rw_wheel *w, unsigned level, unsigned slot, struct rw_timer **to)
{
	*to = w->slots[level][slot];
	if (*to)
		(*to)->pprev = to;
	w->slots[level][slot] = NULL;
	w->used[level] &= ~((uint64_t)1 << slot);
}

/* The tick has reached the begin of a slot of this level: its timers go to lower ones. */
static void cascade(struct rw_wheel *w, unsigned level)
{
	struct rw_timer *list;
	struct rw_timer *t;

	take_slot(w, level, (unsigned)(w->tick >> shift_of(level) & slot_mask), &list);
	while ((t = list)) {
		uint64_t due = t->when_ns / NS_PER_TICK + (t->when_ns % NS_PER_TICK != 0);

		unlink_timer(t);
		if (due <= w->tick) /* this very tick: its slot is fired next */
			link_at(&w->slots[0][w->tick & slot_mask], t);
		else
			place(w, t);
	}
}

static void fire_tick(struct rw_wheel *w)
{
	struct rw_timer *list;
	struct rw_timer *t;

	for (unsigned level = RW_WHEEL_LEVELS - 1; level > 0; level--)
		if ((w->tick & (((uint64_t)1 << shift_of(level)) - 1)) == 0)
			cascade(w, level);
	take_slot(w, 0, (unsigned)(w->tick & slot_mask), &list);
	while ((t = list)) {
		unlink_timer(t);
		t->fn(t->arg);
	}
}

/*
 * The first tick after the present one at which this level has timers, rounded
 * down to the begin of their slot; UINT64_MAX: none.
 */
static uint64_t next_of_level(struct rw_wheel *w, unsigned level)
{
	uint64_t digit = w->tick >> shift_of(level);
	unsigned from = (unsigned)((digit + 1) & slot_mask);

	while (w->used[level]) {
		uint64_t bits = w->used[level];
		/* Rotated so that bit 0 is the slot after the present one. */
		uint64_t ahead = from ? bits >> from | bits << (RW_WHEEL_SLOTS - from) : bits;
		unsigned steps = (unsigned)__builtin_ctzll(ahead);
		unsigned slot = (from + steps) & (unsigned)slot_mask;

		if (w->slots[level][slot])
			return (digit + 1 + steps) << shift_of(level);
		w->used[level] &= ~((uint64_t)1 << slot); /* emptied by cancelling */
	}
	return UINT64_MAX;
}

/* What a level holds comes before all that those above it do. */
static uint64_t next_tick(struct rw_wheel *w)
{
	uint64_t tick = UINT64_MAX;

	for (unsigned level = 0; level < RW_WHEEL_LEVELS && tick == UINT64_MAX; level++)
		tick = next_of_level(w, level);
	return tick;
}

void rw_wheel_fire(struct rw_wheel *w, uint64_t now_ns)
{
	uint64_t now = now_ns / NS_PER_TICK;

	while (w->tick < now) {
		uint64_t next = next_tick(w);

		if (next > now) {
			w->tick = now;
			return;
		}
		w->tick = next;
		fire_tick(w);
	}
}

uint64_t rw_wheel_next_ns(struct rw_wheel *w)
{
	uint64_t tick = next_tick(w);

	return tick == UINT64_MAX ? UINT64_MAX : tick * NS_PER_TICK;
}
