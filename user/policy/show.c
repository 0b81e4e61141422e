/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/show.h"

enum { SHOWN_BYTES = 40, LONGEST_WORD = 32, FAR = 255 };

const char *rw_show(struct rw_slice s, char out[RW_SHOWN])
{
	size_t n = s.n < SHOWN_BYTES ? s.n : SHOWN_BYTES, i;

	for (i = 0; i < n; i++)
		out[i] = s.p[i] >= 0x20 && s.p[i] < 0x7f ? s.p[i] : '?';
	if (s.n > n)
		for (unsigned dots = 0; dots < 3; dots++)
			out[i++] = '.';
	out[i] = '\0';
	return out;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

/* Optimal string alignment: Levenshtein with swaps of neighbours. */
unsigned rw_distance(struct rw_slice a, const char *b)
{
	unsigned d[LONGEST_WORD + 1][LONGEST_WORD + 1];
	size_t n = strlen(b);

	if (a.n > LONGEST_WORD || n > LONGEST_WORD)
		return FAR;
	for (unsigned i = 0; i <= a.n; i++)
		d[i][0] = i;
	for (unsigned j = 0; j <= n; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= a.n; i++)
		for (size_t j = 1; j <= n; j++) {
			unsigned cost = a.p[i - 1] != b[j - 1];

			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost);
			if (i > 1 && j > 1 && a.p[i - 1] == b[j - 2] && a.p[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	return d[a.n][n];
}

bool rw_is_near(struct rw_slice a, const char *b)
{
	size_t n = strlen(b);

	return rw_distance(a, b) <= (n < 4 ? 1 : n / 3);
}
