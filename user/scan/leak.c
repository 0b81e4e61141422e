/* SPDX-License-Identifier: Apache-2.0 */
/* Leaks of the system prompt, and the rules that leaks are reported under. */
#include <string.h>

#include "scan/leak_int.h"

/* Fingerprints of the sequences, open addressing; 0 is free, the lowest bit says that it was
 * repeated. */
struct rw_echo {
	uint32_t mask;
	unsigned total, repeated, limit;
	bool told;
	uint32_t slots[];
};

int rw_leak_rules(struct rw_rules *r, struct rw_error *e)
{
	static const struct rw_rule rules[] = {
		{.info = {"leak.system_prompt", "SYSTEM_PROMPT", RW_CAT_LEAK, 70},
		 .pack = "built in"},
		{.info = {"leak.canary", "CANARY", RW_CAT_LEAK, 100}, .pack = "built in"},
	};
	int rc = RW_OK;

	r->leak_rule = (int)r->set.n;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]) && !rc; i++)
		rc = rw_ruleset_add(&r->set, &rules[i], e);
	return rc;
}

/* --- words ------------------------------------------------------------------------------- */

enum { FNV_PRIME_LOW = 0x1b3 };

/* What counts as part of a word. */
static const bool in_word[256] = {
	['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, [0x80 ... 0xff] = true};

/* FNV-1a, whatever the case. */
static uint64_t add_byte(uint64_t word, unsigned char c)
{
	if (!word)
		word = UINT64_C(0xcbf29ce484222325);
	c |= c >= 'A' && c <= 'Z' ? 0x20 : 0;
	return (word ^ c) * (UINT64_C(1) << 40 | FNV_PRIME_LOW);
}

/* The sequence that the word ends, as a fingerprint; 0: there are too few words. */
static uint32_t end_word(struct rw_echo_walk *w)
{
	uint64_t h = 0;

	w->words[w->n++ % RW_ECHO_WORDS] = w->word;
	w->word = 0;
	if (w->n < RW_ECHO_WORDS)
		return 0;
	for (unsigned i = 0; i < RW_ECHO_WORDS; i++) {
		h = (h ^ w->words[(w->n + i) % RW_ECHO_WORDS]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return (uint32_t)(h >> 32) | 2;
}

/* --- a system text ----------------------------------------------------------------------- */

/* The slot of the sequence, or the free one where it would be. */
static uint32_t *find(struct rw_echo *e, uint32_t print)
{
	uint32_t at = print >> 2;

	while (e->slots[at & e->mask] && (e->slots[at & e->mask] | 1) != (print | 1))
		at++;
	return &e->slots[at & e->mask];
}

static void note(struct rw_echo *e, uint32_t print)
{
	uint32_t *slot;

	if (!print || e->total == RW_ECHO_SEQUENCES)
		return;
	slot = find(e, print);
	e->total += !*slot;
	*slot = print & ~1u;
}

static void note_text(struct rw_echo *e, struct rw_slice text)
{
	struct rw_echo_walk w = {0};

	for (size_t i = 0; i < text.n && e->total < RW_ECHO_SEQUENCES; i++) {
		if (in_word[(unsigned char)text.p[i]])
			w.word = add_byte(w.word, (unsigned char)text.p[i]);
		else if (w.word)
			note(e, end_word(&w));
	}
	if (w.word)
		note(e, end_word(&w));
}

/* Twice as many slots as there can be sequences: a word has a byte and one behind it. */
static uint32_t slots_for(const struct rw_slice *texts, unsigned n)
{
	uint32_t slots = 64;
	size_t bytes = 0;

	for (unsigned i = 0; i < n; i++)
		bytes += texts[i].n;
	while (slots < 2 * RW_ECHO_SEQUENCES && slots < bytes)
		slots *= 2;
	return slots;
}

int rw_echo_new(struct rw_echo **out, struct rw_arena *a, const struct rw_slice *texts, unsigned n,
		const struct rw_echo_limits *limits)
{
	uint32_t slots = slots_for(texts, n);
	struct rw_echo *e = rw_arena_alloc(a, sizeof(*e) + slots * sizeof(e->slots[0]));
	unsigned by_words = limits->words > RW_ECHO_WORDS ? limits->words - RW_ECHO_WORDS + 1 : 1;

	*out = NULL;
	if (!e)
		return RW_ENOMEM;
	e->mask = slots - 1;
	for (unsigned i = 0; i < n; i++)
		note_text(e, texts[i]);
	if (e->total < RW_ECHO_LEAST)
		return RW_OK;
	e->limit = (e->total * limits->percent + 99) / 100;
	if (e->limit > by_words)
		e->limit = by_words;
	*out = e;
	return RW_OK;
}

/* --- an answer --------------------------------------------------------------------------- */

/* True: now it is too much. */
static bool repeat(struct rw_echo *e, uint32_t print)
{
	uint32_t *slot = print ? find(e, print) : NULL;

	if (!slot || !*slot || *slot & 1)
		return false;
	*slot |= 1;
	e->repeated++;
	if (e->told || e->repeated < e->limit)
		return false;
	e->told = true;
	return true;
}

long rw_echo_feed(struct rw_echo *e, struct rw_echo_walk *w, struct rw_slice text, bool end)
{
	uint64_t word = w->word;

	if (e->told)
		return -1;
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (in_word[c]) {
			word = add_byte(word, c);
			continue;
		}
		if (!word)
			continue;
		w->word = word;
		word = 0;
		if (repeat(e, end_word(w)))
			return (long)i + 1;
	}
	w->word = word;
	return end && word && repeat(e, end_word(w)) ? (long)text.n : -1;
}
