/* SPDX-License-Identifier: Apache-2.0 */
/* What is worth a second look of a text whose disguise was undone. */
#include "base/err.h"
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

/* The end of the stretch around the cell: a next one that would begin within it is a part of it. */
static size_t stretch_end(const struct rw_decoded *d, unsigned cell, unsigned *next)
{
	unsigned end = cell + NEAR + 1;

	while ((*next = next_news(d, cell + 1)) < CELLS && *next <= end + NEAR) {
		cell = *next;
		end = cell + NEAR + 1;
	}
	return (size_t)end * CELL < d->n ? (size_t)end * CELL : d->n;
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

/* Moves [from, to) down to the end of what was kept, behind a line end. */
static size_t keep(struct rw_decoded *d, size_t kept, size_t from, size_t to)
{
	if (kept) {
		RW_BUG_ON(kept >= from);
		d->bytes[kept] = '\n';
		d->origin[kept] = d->origin[from];
		kept++;
	}
	memmove(d->bytes + kept, d->bytes + from, to - from);
	memmove(d->origin + kept, d->origin + from, (to - from) * sizeof(d->origin[0]));
	return kept + to - from;
}

void rw_decoded_keep_news(struct rw_decoded *d)
{
	size_t kept = 0;
	unsigned next;

	for (unsigned cell = next_news(d, 0); cell < CELLS && (size_t)cell * CELL < d->n;
	     cell = next) {
		size_t from = cell > NEAR ? (size_t)(cell - NEAR) * CELL : 0;
		size_t to = stretch_end(d, cell, &next);

		from = first_word(d, from);
		to = last_word(d, to);
		kept = from || kept ? keep(d, kept, from, to) : to;
	}
	d->n = kept;
}
