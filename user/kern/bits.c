/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The presence bits in front of the bans and the allowlist. The program reads them while we
 * write: each word is stored whole, and a bit is set before its entry exists.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kern/internal.h"

enum { WORDS = 1024, PLEN4_BITS = 16, PLEN6_BITS = 32 };

static uint32_t first4(const struct rw_prefix *p)
{
	return (uint32_t)p->addr[0] << 24 | (uint32_t)p->addr[1] << 16 | (uint32_t)p->addr[2] << 8 |
	       p->addr[3];
}

static void set(uint64_t *words, uint32_t n)
{
	__atomic_fetch_or(&words[n / 64], 1ULL << (n % 64), __ATOMIC_RELAXED);
}

/* An IPv4 prefix shorter than /16 is several bits; an IPv6 one shorter than /32 may be any. */
static void mark(uint64_t *v4, uint64_t *v6, const struct rw_prefix *p)
{
	if (p->family == AF_INET) {
		uint32_t n = p->plen < PLEN4_BITS ? 1U << (PLEN4_BITS - p->plen) : 1;

		for (uint32_t i = 0; i < n; i++)
			set(v4, (first4(p) >> 16) + i);
	} else if (p->plen >= PLEN6_BITS) {
		set(v6, rw_kern_bit6(first4(p)));
	} else {
		for (uint32_t i = 0; i < WORDS; i++)
			__atomic_store_n(&v6[i], UINT64_MAX, __ATOMIC_RELAXED);
	}
}

/* Adds plen to a list that is kept longest first; false: it is full. */
static bool add_plen(uint8_t list[RW_KERN_PLENS], uint8_t plen)
{
	uint8_t entry = (uint8_t)(plen + 1), moved;

	if (memchr(list, entry, RW_KERN_PLENS))
		return true;
	if (list[RW_KERN_PLENS - 1])
		return false;
	for (unsigned i = 0; i < RW_KERN_PLENS; i++) {
		if (list[i] > entry)
			continue;
		moved = list[i];
		list[i] = entry;
		entry = moved;
	}
	return true;
}

/* The eight lengths as one word: the program never sees half a change. */
static void publish(uint8_t *to, const uint8_t from[RW_KERN_PLENS])
{
	uint64_t word;

	_Static_assert(sizeof(word) == RW_KERN_PLENS, "the lengths are one word");
	memcpy(&word, from, sizeof(word));
	__atomic_store_n((uint64_t *)(void *)to, word, __ATOMIC_RELEASE);
}

/* Words that are right already are left in the caches of the CPUs that read them. */
static void replace(uint64_t *words, const uint64_t *fresh)
{
	for (unsigned i = 0; i < WORDS; i++)
		if (__atomic_load_n(&words[i], __ATOMIC_RELAXED) != fresh[i])
			__atomic_store_n(&words[i], fresh[i], __ATOMIC_RELAXED);
}

int rw_bits_deny(struct rw_kern *k, const struct rw_prefix *p, struct rw_error *e)
{
	uint8_t *plens = p->family == AF_INET ? k->bits->deny4_plens : k->bits->deny6_plens;
	uint8_t list[RW_KERN_PLENS];

	memcpy(list, plens, sizeof(list));
	if (!add_plen(list, p->plen))
		return rw_fail(e, RW_ELIMIT,
			       "bans use %d different prefix lengths already, which is the bound: "
			       "lift those of one length, or ban by another length than /%u",
			       RW_KERN_PLENS, p->plen);
	publish(plens, list);
	mark(k->bits->deny4, k->bits->deny6, p);
	return RW_OK;
}

void rw_bits_allow(struct rw_kern *k, const struct rw_prefix *p)
{
	mark(k->bits->allow4, k->bits->allow6, p);
}

int rw_bits_rebuild(struct rw_kern *k, const struct rw_ban *bans, unsigned n_bans,
		    const struct rw_prefix *allows, unsigned n_allows, struct rw_error *e)
{
	struct rw_kern_bits *fresh = calloc(1, sizeof(*fresh));

	if (!fresh)
		return rw_fail(e, RW_ENOMEM, "out of memory for the presence bits");
	for (unsigned i = 0; i < n_bans; i++) {
		const struct rw_prefix *p = &bans[i].prefix;

		/* A ninth length can only have been entered by hand, past us: it has no effect. */
		add_plen(p->family == AF_INET ? fresh->deny4_plens : fresh->deny6_plens, p->plen);
		mark(fresh->deny4, fresh->deny6, p);
	}
	for (unsigned i = 0; i < n_allows; i++)
		mark(fresh->allow4, fresh->allow6, &allows[i]);
	replace(k->bits->deny4, fresh->deny4);
	replace(k->bits->deny6, fresh->deny6);
	replace(k->bits->allow4, fresh->allow4);
	replace(k->bits->allow6, fresh->allow6);
	publish(k->bits->deny4_plens, fresh->deny4_plens);
	publish(k->bits->deny6_plens, fresh->deny6_plens);
	free(fresh);
	return RW_OK;
}
