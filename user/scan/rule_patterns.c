/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/rule_patterns.h"

#include <string.h>

#include "scan/byte_set.h"
#include "scan/pack.h"

enum { NAMES_BYTES_MAX = 512 };

/*
 * "NAME_API_KEY = 'value'" in the ways that programs, shells, YAML, JSON and prose write it:
 * the name, what may go on with it, a sign or "is", quotes, the value.
 */
#define ASSIGNED_FROM "(?i:(?:"
#define ASSIGNED_TO \
	")[\\w .\"'`)\\]-]{0,40}(?:[:?|]{0,3}=>?|:{1,2}|->|,|>|is:?)\\s{0,3}[\"'`(]{0,3})("
#define ASSIGNED_END ")(?![A-Za-z0-9_-])"

/*
 * The names as a pattern: any of them, words joined by anything. Short ones stand by themselves or
 * as a part of aCamelName: "exa" is not in "example".
 */
static int write_names(const struct rw_rule *rule, char out[NAMES_BYTES_MAX], struct rw_error *e)
{
	static const char left[] = "(?:\\b|_)", right[] = "(?:\\b|_|(?-i:[A-Z]))";
	char *p = out;

	for (unsigned i = 0; i < rule->assigned_to.n; i++) {
		const char *name = rule->assigned_to.at[i].text;
		size_t length = strlen(name);

		if (length < 2 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789 ") != length)
			return rw_fail(e, RW_EINVAL,
				       "names under assigned_to are words in small letters, not %s",
				       name);
		if ((size_t)(p - out) + length * 7 + sizeof(left) + sizeof(right) > NAMES_BYTES_MAX)
			return rw_fail(e, RW_EINVAL, "too many names under assigned_to");
		if (i)
			*p++ = '|';
		if (length < 5)
			p = stpcpy(p, left);
		for (const char *c = name; *c; c++) {
			if (*c == ' ')
				p = stpcpy(p, "[_. -]?");
			else
				*p++ = *c;
		}
		if (length < 5)
			p = stpcpy(p, right);
	}
	*p = '\0';
	return 0;
}

/* Makes each pattern, which tells the value alone, one that asks for a name in front of it. */
static int ask_for_names(struct rw_arena *arena, struct rw_rule *rule, struct rw_error *e)
{
	char names[NAMES_BYTES_MAX];
	int rc = rule->assigned_to.n ? write_names(rule, names, e) : 0;

	for (unsigned i = 0; !rc && i < rule->patterns.n && rule->assigned_to.n; i++) {
		struct rw_pack_str *p = &rule->patterns.at[i];

		p->value = p->text;
		p->names = rw_arena_printf(arena, ASSIGNED_FROM "%s))", names);
		p->text = rw_arena_printf(arena, ASSIGNED_FROM "%s" ASSIGNED_TO "%s" ASSIGNED_END,
					  names, p->value);
		if (!p->text || !p->names)
			rc = rw_fail(e, RW_ENOMEM, "no memory for the rules");
	}
	return rc;
}

/* A word as a pattern of the folded view, a domain as one of bytes: what is of no word
 * is escaped, ASCII made small, a space any one. NULL: too long or too short. */
static const char *escape(struct rw_arena *arena, const char *text, const char *front,
			  const char *back)
{
	char out[NAMES_BYTES_MAX], *p = stpcpy(out, front);

	if (strlen(text) < 3 || strlen(text) * 2 + strlen(front) + strlen(back) >= sizeof(out))
		return NULL;
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (!rw_is_word_byte(c) && c != ' ' && c < 0x80)
			*p++ = '\\';
		*p++ = c >= 'A' && c <= 'Z' ? (char)(c + 32) : *text;
	}
	p = stpcpy(p, back);
	return rw_arena_copy(arena, rw_slice_of(out, (size_t)(p - out)));
}

/* Adds a pattern for each word and each domain behind those that the rule has. */
static int add_listed(struct rw_arena *arena, struct rw_rule *rule, struct rw_error *e)
{
	static const char front[] = "(?i)(?:[a-z0-9-]{1,63}\\.){0,6}\\b", back[] = "(?![a-z0-9-])";
	unsigned n = rule->patterns.n + rule->words.n + rule->domains.n;
	struct rw_pack_str *at;

	if (!rule->words.n && !rule->domains.n)
		return 0;
	at = rw_arena_alloc(arena, n * sizeof(*at));
	if (!at)
		return rw_fail(e, RW_ENOMEM, "no memory for the rules");
	if (rule->patterns.n)
		memcpy(at, rule->patterns.at, rule->patterns.n * sizeof(*at));
	rule->patterns.at = at;
	for (unsigned i = 0; i < rule->words.n + rule->domains.n; i++) {
		bool word = i < rule->words.n;
		const struct rw_pack_str *s = word ? &rule->words.at[i]
						   : &rule->domains.at[i - rule->words.n];
		size_t length = strlen(s->text);
		/* letters beyond ASCII have no boundaries */
		const char *before = !word					  ? front
				     : rw_is_word_byte((unsigned char)s->text[0]) ? "\\b"
										  : "";
		const char *behind = !word ? back
				     : length && rw_is_word_byte((unsigned char)s->text[length - 1])
					     ? "\\b"
					     : "";
		const char *pattern = escape(arena, s->text, before, behind);

		if (!pattern)
			return rw_fail(e, RW_EINVAL,
				       "a word or domain has 3 bytes to some 200, not %s", s->text);
		at[rule->patterns.n++] = (struct rw_pack_str){.text = pattern, .line = s->line};
	}
	return 0;
}

int rw_rule_make_patterns(struct rw_arena *arena, struct rw_rule *rule, struct rw_error *e)
{
	int rc = ask_for_names(arena, rule, e);

	return rc ? rc : add_listed(arena, rule, e);
}
