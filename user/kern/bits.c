/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The presence bits in front of the bans and the allowlist. The program reads them while we
 * write: each word is stored whole, and a bit is set before its entry exists.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kern/internal.h"

enum {
	WORDS = 1024,
	NEAR4_WORDS = 1 << (RW_KERN_NEAR4_BITS - 6),
	NEAR6_WORDS = 1 << (RW_KERN_NEAR6_BITS - 6),
	PLEN4_BITS = 16,
	PLEN6_BITS = 32,
	NEAR4_PLEN = 24,
	NEAR6_PLEN = 48,
};

static uint32_t first4(const struct rw_prefix *p)
{
	return (uint32_t)p->addr[0] << 24 | (uint32_t)p->addr[1] << 16 | (uint32_t)p->addr[2] << 8 |
	       p->addr[3];
}

static uint64_t first6(const struct rw_prefix *p)
{
	return (uint64_t)first4(p) << 16 | (uint64_t)p->addr[4] << 8 | p->addr[5];
}

static void set(uint64_t *words, uint32_t n)
{
	__atomic_fetch_or(&words[n / 64], 1ULL << (n % 64), __ATOMIC_RELAXED);
}

static void set_all(uint64_t *words, uint32_t n_words)
{
	for (uint32_t i = 0; i < n_words; i++)
		__atomic_store_n(&words[i], UINT64_MAX, __ATOMIC_RELAXED);
}

/* The n bits from first; n is a power of two that divides first. */
static void set_range(uint64_t *words, uint32_t first, uint32_t n)
{
	if (n >= 64)
		set_all(words + first / 64, n / 64);
	else
		__atomic_fetch_or(&words[first / 64], ((1ULL << n) - 1) << (first % 64),
				  __ATOMIC_RELAXED);
}

/* How many prefixes of length bits lie in one of length plen. */
static uint32_t count_of(uint8_t plen, uint8_t bits)
{
	return plen < bits ? 1U << (bits - plen) : 1;
}

/* An IPv4 prefix shorter than /16 is several bits; an IPv6 one shorter than /32 may be any. */
static void mark(uint64_t *v4, uint64_t *v6, const struct rw_prefix *p)
{
	if (p->family == AF_INET)
		set_range(v4, first4(p) >> 16, count_of(p->plen, PLEN4_BITS));
	else if (p->plen >= PLEN6_BITS)
		set(v6, rw_kern_bit6(first4(p)));
	else
		set_all(v6, WORDS);
}

/* The same for the near bits of a ban. */
static void mark_near(struct rw_kern_bits *bits, const struct rw_prefix *p)
{
	uint32_t n;

	if (p->family == AF_INET) {
		set_range(bits->near4, first4(p) >> 8, count_of(p->plen, NEAR4_PLEN));
	} else if (p->plen >= PLEN6_BITS) {
		n = count_of(p->plen, NEAR6_PLEN);
		for (uint32_t i = 0; i < n; i++)
			set(bits->near6, rw_kern_near6(first6(p) + i));
	} else {
		set_all(bits->near6, NEAR6_WORDS);
	}
}

/* The near bits first: a program that sees the others then sees these. */
static void mark_ban(struct rw_kern_bits *bits, const struct rw_prefix *p)
{
	mark_near(bits, p);
	mark(bits->deny4, bits->deny6, p);
}

/* What the engine bans by: these lengths always find a place in the list. */
static const uint8_t reserved4[] = {32}, reserved6[] = {64, 56};

/* Places that are taken, or kept for a reserved length. */
static unsigned taken(const uint8_t list[RW_KERN_PLENS], int family, uint8_t plen)
{
	const uint8_t *reserved = family == AF_INET ? reserved4 : reserved6;
	size_t n = family == AF_INET ? sizeof(reserved4) : sizeof(reserved6);
	unsigned used = 0;

	while (used < RW_KERN_PLENS && list[used])
		used++;
	for (size_t i = 0; i < n; i++)
		if (reserved[i] != plen && !memchr(list, reserved[i] + 1, RW_KERN_PLENS))
			used++;
	return used;
}

/* Adds plen to a list that is kept longest first; false: there is no place for it. */
static bool add_plen(uint8_t list[RW_KERN_PLENS], int family, uint8_t plen)
{
	uint8_t entry = (uint8_t)(plen + 1), moved;

	if (memchr(list, entry, RW_KERN_PLENS))
		return true;
	if (taken(list, family, plen) >= RW_KERN_PLENS)
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
static void replace(uint64_t *words, const uint64_t *fresh, unsigned n_words)
{
	for (unsigned i = 0; i < n_words; i++)
		if (__atomic_load_n(&words[i], __ATOMIC_RELAXED) != fresh[i])
			__atomic_store_n(&words[i], fresh[i], __ATOMIC_RELAXED);
}

bool rw_bits_deny(struct rw_kern *k, const struct rw_prefix *p, bool in_trie)
{
	bool v4 = p->family == AF_INET, hashed;
	uint8_t *plens = v4 ? k->bits->deny4_plens : k->bits->deny6_plens;
	uint8_t list[RW_KERN_PLENS];

	memcpy(list, plens, sizeof(list));
	hashed = !in_trie && add_plen(list, p->family, p->plen);
	if (hashed)
		publish(plens, list);
	else
		__atomic_store_n(v4 ? &k->bits->cidr4 : &k->bits->cidr6, 1, __ATOMIC_RELEASE);
	mark_ban(k->bits, p);
	return hashed;
}

void rw_bits_allow(struct rw_kern *k, const struct rw_prefix *p)
{
	mark(k->bits->allow4, k->bits->allow6, p);
}

/* Where a ban is: its length in the list, or the trie in use. */
static void place(struct rw_kern_bits *bits, const struct rw_prefix *p, bool hashed)
{
	bool v4 = p->family == AF_INET;

	/* No place is left only if one was entered by hand, past us: it has no effect. */
	if (hashed)
		add_plen(v4 ? bits->deny4_plens : bits->deny6_plens, p->family, p->plen);
	else
		*(v4 ? &bits->cidr4 : &bits->cidr6) = 1;
	mark_ban(bits, p);
}

int rw_bits_rebuild(struct rw_kern *k, const struct rw_ban *bans, unsigned n_bans,
		    unsigned n_hashed, const struct rw_prefix *allows, unsigned n_allows,
		    struct rw_error *e)
{
	struct rw_kern_bits *fresh = calloc(1, sizeof(*fresh));

	if (!fresh)
		return rw_fail(e, RW_ENOMEM, "out of memory for the presence bits");
	for (unsigned i = 0; i < n_bans; i++)
		place(fresh, &bans[i].prefix, i < n_hashed);
	for (unsigned i = 0; i < n_allows; i++)
		mark(fresh->allow4, fresh->allow6, &allows[i]);
	replace(k->bits->near4, fresh->near4, NEAR4_WORDS);
	replace(k->bits->near6, fresh->near6, NEAR6_WORDS);
	replace(k->bits->deny4, fresh->deny4, WORDS);
	replace(k->bits->deny6, fresh->deny6, WORDS);
	replace(k->bits->allow4, fresh->allow4, WORDS);
	replace(k->bits->allow6, fresh->allow6, WORDS);
	publish(k->bits->deny4_plens, fresh->deny4_plens);
	publish(k->bits->deny6_plens, fresh->deny6_plens);
	__atomic_store_n(&k->bits->cidr4, fresh->cidr4, __ATOMIC_RELEASE);
	__atomic_store_n(&k->bits->cidr6, fresh->cidr6, __ATOMIC_RELEASE);
	free(fresh);
	return RW_OK;
}
