/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/word_set.h"

#include <string.h>

enum { WORD_MAX = 64 };

/* Words of everyday text, by length, a space behind each: to look for them alone says nothing. */
static const char *const common[] = {
	[2] = "of to in is it he on as at be or by we an do if up so go no my us me ",
	[3] = "the and you was for are his one had but not all can use she how out her "
	      "him has two see way who its now day did get may new any our too why let "
	      "own put end ",
	[4] = "that with they this have from word what were when your said each will "
	      "many then them some make like into time look more than been call find "
	      "long down come made part over work does very well just most know take "
	      "only also back give even want good much same must such here tell show "
	      "used need help text data list name line file last next both ",
	[5] = "there which their other about these would write could first where after "
	      "right using think names under never while might still again those often "
	      "every https ",
	[6] = "number people before please should always around ",
	[7] = "because through between another ",
	[11] = "information ",
};

enum { COMMON_BYTES = sizeof(common) / sizeof(common[0]) };

static bool is_common(const char *p, size_t n)
{
	const char *at = n < COMMON_BYTES ? common[n] : NULL;

	for (; at && *at; at += n + 1)
		if (!memcmp(at, p, n))
			return true;
	return false;
}

/* Nothing but one everyday word. */
static bool is_everyday(const struct rw_factor_word *w)
{
	const char *p = w->text;
	size_t n = w->n;

	while (n && *p == ' ') {
		p++;
		n--;
	}
	while (n && p[n - 1] == ' ')
		n--;
	return is_common(p, n);
}

unsigned rw_word_set_cost(const struct rw_word_set *s)
{
	static const unsigned by_length[] = {100000, 20000, 2000, 100, 30, 10, 4, 2};
	unsigned sum = 0;

	for (unsigned i = 0; i < s->n; i++) {
		sum += s->at[i].n < 8 ? by_length[s->at[i].n] : 1;
		sum += is_everyday(&s->at[i]) ? 3000 : 0;
	}
	return sum;
}

bool rw_word_set_add(struct rw_word_set *s, struct rw_factor_word w)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->at[i].n == w.n && !memcmp(s->at[i].text, w.text, w.n))
			return true;
	if (s->n == RW_FACTOR_WORDS_MAX)
		return false;
	s->at[s->n++] = w;
	return true;
}

void rw_word_set_empty(struct rw_word_set *s)
{
	*s = (struct rw_word_set){.n = 1, .at = {{.text = ""}}};
}

bool rw_word_set_append(struct rw_word_set *a, const struct rw_word_set *b, struct rw_arena *arena)
{
	struct rw_word_set out = {.begins = a->begins, .ends = b->ends};

	if (a->n == 1 && a->at[0].n == 0)
		out.begins |= b->begins;
	for (unsigned i = 0; i < a->n; i++) {
		for (unsigned k = 0; k < b->n; k++) {
			uint32_t n = a->at[i].n + b->at[k].n;
			char *text = n <= WORD_MAX ? rw_arena_alloc(arena, n + 1) : NULL;

			if (!text)
				return false;
			memcpy(text, a->at[i].text, a->at[i].n);
			memcpy(text + a->at[i].n, b->at[k].text, b->at[k].n);
			if (!rw_word_set_add(
				    &out,
				    (struct rw_factor_word){
					    text, n, (a->at[i].n ? &a->at[i] : &b->at[k])->begins}))
				return false;
		}
	}
	*a = out;
	return true;
}

bool rw_word_set_usable(const struct rw_word_set *s)
{
	for (unsigned i = 0; i < s->n; i++)
		if (!s->at[i].n)
			return false;
	return s->n > 0;
}
