/* SPDX-License-Identifier: Apache-2.0 */
/* What is worth a second look of a text whose disguise was undone. */
#include "scan/decode.h"

enum {
	CELL = RW_DECODED_CELL,
	CELLS = RW_VIEW_TEXT_BYTES / CELL,
	NEAR = RW_DECODED_NEAR / CELL,
};

_Static_assert(RW_DECODED_NEAR % CELL == 0, "what is near is so many cells");

/* The first cell from cell on with something new, or CELLS. */
static unsigned next_news(const struct rw_decoded *d, unsigned cell)
{
	while (cell < CELLS) {
		uint64_t rest = d->news[cell / 64] >> cell % 64;

		if (rest)
			return cell + (unsigned)__builtin_ctzll(rest);
		cell = (cell / 64 + 1) * 64;
	}
	return CELLS;
}

/* The cell behind the stretch around the cell: a next one that would begin within it is a part of
 * it. */
static unsigned stretch_end(const struct rw_decoded *d, unsigned cell)
{
	unsigned end = cell + NEAR + 1, next;

	while ((next = next_news(d, cell + 1)) < CELLS && next <= end + NEAR) {
		cell = next;
		end = cell + NEAR + 1;
	}
	return end;
}

static bool is_space(char c)
{
	return (unsigned char)c <= ' ';
}

/* Half a word at an edge would say something else than the text: it is left out where a cell has
 * room for that. */
static size_t first_word(const struct rw_decoded *d, size_t from)
{
	for (size_t i = from; from && i < from + CELL && i < d->n; i++)
		if (is_space(d->bytes[i]))
			return i;
	return from;
}

static size_t last_word(const struct rw_decoded *d, size_t to)
{
	for (size_t i = to; to < d->n && i + CELL > to; i--)
		if (is_space(d->bytes[i - 1]))
			return i;
	return to;
}

bool rw_decoded_next_news(const struct rw_decoded *d, size_t *at, size_t *from, size_t *to)
{
	unsigned cell = next_news(d, (unsigned)(*at / CELL));

	if (cell == CELLS || (size_t)cell * CELL >= d->n)
		return false;
	*at = (size_t)stretch_end(d, cell) * CELL;
	*from = cell > NEAR ? first_word(d, (size_t)(cell - NEAR) * CELL) : 0;
	*to = last_word(d, *at < d->n ? *at : d->n);
	return true;
}
