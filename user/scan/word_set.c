/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/word_set.h"

#include <string.h>

enum { WORD_MAX = 64 };

/* Words of everyday text: to look for them alone says nothing. */
static const char *const common[] = {
	"the",	   "of",     "and",    "to",	 "in",	    "is",	   "you",    "that",
	"it",	   "he",     "was",    "for",	 "on",	    "are",	   "as",     "with",
	"his",	   "they",   "at",     "be",	 "this",    "have",	   "from",   "or",
	"one",	   "had",    "by",     "word",	 "but",	    "not",	   "what",   "all",
	"were",	   "we",     "when",   "your",	 "can",	    "said",	   "there",  "use",
	"an",	   "each",   "which",  "she",	 "do",	    "how",	   "their",  "if",
	"will",	   "up",     "other",  "about",	 "out",	    "many",	   "then",   "them",
	"these",   "so",     "some",   "her",	 "would",   "make",	   "like",   "him",
	"into",	   "time",   "has",    "look",	 "two",	    "more",	   "write",  "go",
	"see",	   "number", "no",     "way",	 "could",   "people",	   "my",     "than",
	"first",   "been",   "call",   "who",	 "its",	    "now",	   "find",   "long",
	"down",	   "day",    "did",    "get",	 "come",    "made",	   "may",    "part",
	"over",	   "new",    "any",    "work",	 "because", "does",	   "very",   "well",
	"where",   "just",   "most",   "know",	 "take",    "only",	   "us",     "me",
	"our",	   "after",  "also",   "back",	 "give",    "even",	   "want",   "good",
	"through", "much",   "before", "right",	 "too",	    "same",	   "must",   "such",
	"here",	   "why",    "tell",   "show",	 "please",  "using",	   "used",   "need",
	"help",	   "let",    "think",  "text",	 "data",    "information", "list",   "name",
	"names",   "line",   "file",   "should", "between", "under",	   "never",  "last",
	"another", "while",  "might",  "still",	 "own",	    "put",	   "end",    "next",
	"again",   "both",   "always", "those",	 "often",   "every",	   "around", "https",
};

static bool is_common(const char *p, size_t n)
{
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (strlen(common[i]) == n && !memcmp(common[i], p, n))
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
