/* SPDX-License-Identifier: Apache-2.0 */
/* What the validators of official numbers share: digits of a candidate, and the usual check sums.
 */
#ifndef RW_SCAN_VALID_ID_H
#define RW_SCAN_VALID_ID_H

#include "scan/valid.h"

enum { DIGITS_MAX = 20 };

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static inline char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

/* The letters and digits of the value, letters in capitals; how many, or 0 where there are too
 * many. */
static inline unsigned marks_of(const struct rw_candidate *c, char out[DIGITS_MAX])
{
	unsigned n = 0;

	for (size_t i = 0; i < c->value.n; i++) {
		char x = upper(c->value.p[i]);

		if (!is_digit(x) && !is_upper(x))
			continue;
		if (n == DIGITS_MAX)
			return 0;
		out[n++] = x;
	}
	return n;
}

/* As marks_of, into numbers; 0 where there is a letter, or one digit only, again and again. */
static inline unsigned digits_of(const struct rw_candidate *c, unsigned out[DIGITS_MAX])
{
	char marks[DIGITS_MAX];
	unsigned n = marks_of(c, marks);
	bool same = true;

	for (unsigned i = 0; i < n; i++) {
		if (!is_digit(marks[i]))
			return 0;
		out[i] = (unsigned)(marks[i] - '0');
		same &= out[i] == out[0];
	}
	return same ? 0 : n;
}

static inline bool is_mark(int c)
{
	return c >= 0 && (is_digit((char)c) || is_upper(upper((char)c)));
}

/* No piece of something longer. */
static inline bool stands_alone(const struct rw_candidate *c)
{
	char b = c->before.n ? c->before.p[c->before.n - 1] : ' ';

	return !is_mark((unsigned char)b) && !is_mark(c->after) && b != '-' && b != '_' &&
	       b != '.' && b != '+' && c->after != '-' && c->after != '_';
}

/* The sum of n numbers, each by its weight. */
static inline unsigned weigh(const unsigned *d, const unsigned char *weights, unsigned n)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += d[i] * weights[i];
	return sum;
}

static inline bool luhn(const unsigned *d, unsigned n)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned v = d[n - 1 - i] * (i % 2 + 1);

		sum += v > 9 ? v - 9 : v;
	}
	return sum % 10 == 0;
}

static inline unsigned two(const unsigned *d)
{
	return d[0] * 10 + d[1];
}

static inline bool is_day(unsigned month, unsigned day)
{
	return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/* ISO 7064 mod 11,10 over n digits, the check digit last. */
static inline bool mod_11_10(const unsigned *d, unsigned n)
{
	unsigned p = 10;

	for (unsigned i = 0; i + 1 < n; i++) {
		p = (p + d[i]) % 10;
		p = (p ? p : 10) * 2 % 11;
	}
	return (11 - p) % 10 == d[n - 1];
}

#endif
