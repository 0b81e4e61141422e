/* SPDX-License-Identifier: Apache-2.0 */
/* Canaries: one automaton (Aho and Corasick) over letters and digits. */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "scan/leak_int.h"

enum { SYMBOLS = 36, NO_SYMBOL = 255 };

struct state {
	uint16_t next[SYMBOLS];
	uint16_t suffix; /* the longest other state that ends the same way */
	uint8_t depth;	 /* letters that lead here */
	uint8_t whole;	 /* letters of the longest canary that ends here */
};

struct rw_canaries {
	_Atomic unsigned refs;
	unsigned n;
	bool first[256]; /* bytes that a canary may begin with */
	struct state states[];
};

static uint8_t symbol_of(char c)
{
	if (c >= 'a' && c <= 'z')
		return (uint8_t)(c - 'a');
	if (c >= 'A' && c <= 'Z')
		return (uint8_t)(c - 'A');
	return c >= '0' && c <= '9' ? (uint8_t)(c - '0' + 26) : NO_SYMBOL;
}

static unsigned letters_of(struct rw_slice text)
{
	unsigned n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += symbol_of(text.p[i]) != NO_SYMBOL;
	return n;
}

static void add(struct rw_canaries *c, struct rw_slice text)
{
	uint16_t at = 0;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t s = symbol_of(text.p[i]);

		if (s == NO_SYMBOL)
			continue;
		if (!c->states[at].next[s]) {
			c->states[c->n].depth = (uint8_t)(c->states[at].depth + 1);
			c->states[at].next[s] = (uint16_t)c->n++;
		}
		at = c->states[at].next[s];
	}
	c->states[at].whole = c->states[at].depth;
}

/* Breadth first: what a state lacks it has from its suffix. */
static int link_up(struct rw_canaries *c)
{
	uint16_t *queue = calloc(c->n, sizeof(*queue));
	unsigned head = 0, tail = 0;

	if (!queue)
		return RW_ENOMEM;
	queue[tail++] = 0;
	while (head < tail) {
		uint16_t at = queue[head++];
		struct state *s = &c->states[at];

		for (unsigned k = 0; k < SYMBOLS; k++) {
			uint16_t suffix = at ? c->states[s->suffix].next[k] : 0, next = s->next[k];

			if (!next) {
				s->next[k] = suffix;
				continue;
			}
			c->states[next].suffix = suffix;
			if (!c->states[next].whole)
				c->states[next].whole = c->states[suffix].whole;
			queue[tail++] = next;
		}
	}
	free(queue);
	return RW_OK;
}

static int check(const struct rw_slice *texts, unsigned n, struct rw_error *e)
{
	if (n > RW_CANARIES)
		return rw_fail(e, RW_EINVAL, "there are %u canaries; there may be %u", n,
			       (unsigned)RW_CANARIES);
	for (unsigned i = 0; i < n; i++)
		if (letters_of(texts[i]) < RW_CANARY_MIN || letters_of(texts[i]) > RW_CANARY_MAX)
			return rw_fail(e, RW_EINVAL,
				       "canary %u has %u letters and digits; it needs %u to %u",
				       i + 1, letters_of(texts[i]), (unsigned)RW_CANARY_MIN,
				       (unsigned)RW_CANARY_MAX);
	return RW_OK;
}

int rw_canaries_new(struct rw_canaries **out, const struct rw_slice *texts, unsigned n,
		    struct rw_error *e)
{
	struct rw_canaries *c;
	unsigned states = 1;
	int rc = check(texts, n, e);

	*out = NULL;
	if (rc || n == 0)
		return rc;
	for (unsigned i = 0; i < n; i++)
		states += letters_of(texts[i]);
	c = calloc(1, sizeof(*c) + states * sizeof(c->states[0]));
	if (!c)
		return rw_fail(e, RW_ENOMEM, "no memory for canaries");
	c->refs = 1;
	c->n = 1;
	for (unsigned i = 0; i < n; i++)
		add(c, texts[i]);
	for (unsigned b = 0; b < 256; b++)
		c->first[b] = symbol_of((char)b) != NO_SYMBOL &&
			      c->states[0].next[symbol_of((char)b)];
	if (link_up(c)) {
		rw_canaries_unref(c);
		return rw_fail(e, RW_ENOMEM, "no memory for canaries");
	}
	*out = c;
	return RW_OK;
}

struct rw_canaries *rw_canaries_ref(struct rw_canaries *c)
{
	if (c)
		c->refs++;
	return c;
}

void rw_canaries_unref(struct rw_canaries *c)
{
	if (!c || --c->refs)
		return;
	OPENSSL_cleanse(c->states, c->n * sizeof(c->states[0]));
	free(c);
}

/* --- a lane's walk ----------------------------------------------------------------------- */

static uint32_t letter_at(const struct rw_canary_walk *w, unsigned back)
{
	return w->at[(w->n - back) % RW_CANARY_MAX];
}

size_t rw_canary_skip(const struct rw_canaries *c, const struct rw_canary_walk *w,
		      struct rw_slice text)
{
	size_t n = 0;

	while (!w->state && n < text.n && !c->first[(unsigned char)text.p[n]])
		n++;
	return n;
}

long rw_canary_step(const struct rw_canaries *c, struct rw_canary_walk *w, char byte, size_t at)
{
	uint8_t s = symbol_of(byte);

	if (s == NO_SYMBOL) {
		if (w->state && ++w->gap > RW_CANARY_GAP)
			w->state = 0;
		return -1;
	}
	w->gap = 0;
	w->at[w->n++ % RW_CANARY_MAX] = (uint32_t)at;
	w->state = c->states[w->state].next[s];
	return c->states[w->state].whole ? (long)letter_at(w, c->states[w->state].whole) : -1;
}

size_t rw_canary_open(const struct rw_canaries *c, const struct rw_canary_walk *w, size_t at)
{
	return w->state ? letter_at(w, c->states[w->state].depth) : at;
}

void rw_canary_rebase(struct rw_canary_walk *w, size_t n)
{
	for (unsigned i = 0; i < RW_CANARY_MAX; i++)
		w->at[i] -= w->at[i] < n ? w->at[i] : (uint32_t)n;
}
