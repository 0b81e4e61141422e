/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/prefilter.h"

#include <stdio.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

enum {
	/* Repeats bounded by less stay as they are. */
	GAP_FROM = 16,
	LOOSE_FROM = 200,
	/* More of a last repeat tells little and costs states. */
	TAIL_MAX = 16,
};

/* Reads a number of at most four digits at *p, which is moved on. */
static bool read_count(const char **p, unsigned *out)
{
	const char *from = *p;

	*out = 0;
	while (**p >= '0' && **p <= '9' && *p - from < 4)
		*out = *out * 10 + (unsigned)(*(*p)++ - '0');
	return *p > from;
}

/* Reads "{m,n}" or "{m}" at p: its length, or 0 where it is none. */
static size_t read_repeat(const char *p, unsigned *m, unsigned *n)
{
	const char *from = p;

	*m = *n = 0;
	if (*p++ != '{' || !read_count(&p, m))
		return 0;
	*n = *m;
	if (*p == ',' && (p++, !read_count(&p, n)))
		return 0;
	if (*p++ != '}')
		return 0;
	return (size_t)(p - from);
}

/* The length of the class at p; *gap: a space is in it, or all but a few bytes. */
static size_t read_class(const char *p, bool *gap)
{
	size_t n = p[1] == '^' ? 2 : 1;

	n += p[n] == ']';
	*gap = p[1] == '^';
	for (; p[n] && p[n] != ']'; n++) {
		if (p[n] == '\\' && p[n + 1])
			n++;
		*gap |= p[n] == ' ';
	}
	return n + (p[n] == ']');
}

/* Takes the upper bounds off gaps and long repeats. out has room for the source. */
static void loosen(const char *p, char *out)
{
	unsigned m, n;
	size_t atom, repeat;
	bool gap;

	while (*p) {
		gap = *p == '.';
		atom = *p == '[' ? read_class(p, &gap) : *p == '\\' && p[1] ? 2 : 1;
		repeat = read_repeat(p + atom, &m, &n);
		if (repeat && ((gap && n >= GAP_FROM) || n >= LOOSE_FROM)) {
			if (gap)
				*out++ = '.';
			else
				out = mempcpy(out, p, atom);
			out += m ? snprintf(out, repeat + 1, "{%u,}", m)
				 : snprintf(out, repeat + 1, "*");
		} else {
			out = mempcpy(out, p, atom + repeat);
		}
		p += atom + repeat;
	}
	*out = '\0';
}

/* Whether the source up to n ends in a lookahead without groups of its own; where it starts. */
static bool ends_in_lookahead(const char *p, size_t n, size_t *at)
{
	size_t i = n;

	if (!n || p[n - 1] != ')')
		return false;
	while (--i && p[i - 1] != ')' && p[i - 1] != '(')
		;
	if (!i || p[i - 1] != '(' || p[i] != '?' || (p[i + 1] != '!' && p[i + 1] != '='))
		return false;
	*at = i - 1;
	return true;
}

/*
 * Cuts a source that ends in a repeat down to the least of it, at most TAIL_MAX, and what looks at
 * the byte behind it off.
 */
static void cut_tail(char *p)
{
	size_t n = strlen(p), closing = 0, from;
	unsigned m, most;

	for (;;) {
		if (n > 2 && p[n - 3] != '\\' && p[n - 2] == '\\' && p[n - 1] == 'b')
			n -= 2;
		else if (!ends_in_lookahead(p, n, &n))
			break;
	}
	for (; n > 2 && p[n - 1] == ')' && p[n - 2] != '\\'; n--)
		closing++;
	for (from = n; from > 1 && p[from - 1] != '{'; from--)
		;
	if (from < 3 || !n || p[n - 1] != '}' || p[from - 2] == '\\' ||
	    read_repeat(p + from - 1, &m, &most) != n - from + 1 || m == 0)
		return;
	m = m < TAIL_MAX ? m : TAIL_MAX;
	n = from - 1 + (size_t)snprintf(p + from - 1, n - from + 2, "{%u}", m);
	memset(p + n, ')', closing);
	p[n + closing] = '\0';
}

void rw_prefilter_source(const char *pattern, char out[RW_PATTERN_MAX])
{
	char cut[RW_PATTERN_MAX];

	memcpy(cut, pattern, strlen(pattern) + 1);
	cut_tail(cut);
	loosen(cut, out);
}

/* Appends a word, with what is no letter and no digit escaped; NULL: no room. */
static char *put_word(char *out, const char *end, const char *word)
{
	for (; *word; word++) {
		if (end - out < 8)
			return NULL;
		if ((unsigned char)*word < 0x80 && !strchr(LETTERS " ", *word))
			*out++ = '\\';
		*out++ = *word;
	}
	return out;
}

bool rw_prefilter_words(const struct rw_pack_list *words, char out[RW_PATTERN_MAX])
{
	const char *end = &out[RW_PATTERN_MAX - 1];
	char *p = stpcpy(out, "(?i:");

	for (unsigned i = 0; p && i < words->n; i++) {
		if (i)
			*p++ = '|';
		p = put_word(p, end, words->at[i].text);
	}
	if (!words->n || !p)
		return false;
	stpcpy(p, ")");
	return true;
}

void rw_prefilter_after(const struct rw_pack_list *words, char source[RW_PATTERN_MAX])
{
	char all[RW_PATTERN_MAX], *p;

	if (!rw_prefilter_words(words, all) ||
	    RW_PATTERN_MAX - strlen(all) < strlen(source) + sizeof(".*(?:)"))
		return;
	p = stpcpy(stpcpy(stpcpy(all + strlen(all), ".*(?:"), source), ")");
	memcpy(source, all, (size_t)(p - all) + 1);
}
