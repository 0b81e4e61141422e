/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/lexicon.h"

#include <stdlib.h>

#include "base/err.h"
#include "scan/lexicon_int.h"

bool rw_lexicon_holds(const char *text, size_t n)
{
	unsigned bytes = n ? short_key_bytes(text, n) : 0;

	if (!bytes || bytes > n || memchr(text, 0, n))
		return false;
	return rw_begins_word((unsigned char)*text) || text[1] != ' ' || *text == '[' ||
	       *text == '<';
}

static unsigned table_of(const struct rw_lexicon_entry *e)
{
	return e->n >= LONG_BYTES ? LONG : e->n >= MIDDLE_BYTES ? MIDDLE : SHORT;
}

/* Eight bytes of the text from at on; zeros stand behind its end. */
static uint64_t eight_of(const struct rw_lexicon_entry *e, size_t at)
{
	char out[8] = "";

	if (e->n > at)
		memcpy(out, e->text + at, e->n - at < 8 ? e->n - at : 8);
	return rw_load8(out);
}

static uint64_t entry_key(const struct rw_lexicon_entry *e)
{
	unsigned table = table_of(e);

	return key_of(eight_of(e, 0), table == SHORT  ? short_key_bytes(e->text, e->n)
				      : table == LONG ? LONG_BYTES
						      : MIDDLE_BYTES);
}

static int by_key(const void *a, const void *b)
{
	const struct rw_lexicon_entry *x = *(const struct rw_lexicon_entry *const *)a;
	const struct rw_lexicon_entry *y = *(const struct rw_lexicon_entry *const *)b;
	uint64_t keys[2] = {entry_key(x), entry_key(y)};

	if (table_of(x) != table_of(y))
		return table_of(x) < table_of(y) ? -1 : 1;
	if (keys[0] != keys[1])
		return keys[0] < keys[1] ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* Adds the entry, which is the i-th by tables and keys. */
static void add(struct rw_lexicon *w, unsigned i, const struct rw_lexicon_entry *from)
{
	unsigned table = table_of(from), at = table == LONG ? LONG_BYTES : 0;
	uint32_t n = from->n < ENTRY_BYTES ? from->n : ENTRY_BYTES;
	struct table *t = &w->tables[table];
	uint64_t key = entry_key(from), h = hash(key);
	struct slot *s = slot_of(t, slot_at(t, h), key);

	w->bytes[i] = eight_of(from, at);
	w->what[i] = (n - at) << WHAT_BYTES_SHIFT | from->id;
	if (from->n > ENTRY_BYTES) {
		w->what[i] = (n - at) << WHAT_BYTES_SHIFT | WHAT_BEYOND | w->n_beyond;
		w->beyond[w->n_beyond++] = *from;
	}
	if (!s->n)
		*s = (struct slot){.key = key, .first = (uint16_t)i};
	s->n++;
	for (unsigned want = from->extra ? RW_LEXICON_ALL : 0; want < RW_LEXICON_WANTS; want++)
		t->filters[want][h >> (64 - FILTER_BITS)] |= UINT64_C(1) << (h >> 40 & 63) |
							     UINT64_C(1) << (h >> 34 & 63);
}

/* Slots for each table, twice as many at least as there are keys in it. The entries are sorted. */
static int make_slots(struct rw_lexicon *w, const struct rw_lexicon_entry **sorted, unsigned n)
{
	unsigned in[TABLES] = {0};

	for (unsigned i = 0; i < n; i++)
		in[table_of(sorted[i])] += !i || table_of(sorted[i]) != table_of(sorted[i - 1]) ||
					   entry_key(sorted[i]) != entry_key(sorted[i - 1]);
	for (unsigned t = 0; t < TABLES; t++) {
		w->tables[t].bits = 1;
		while (1u << w->tables[t].bits < 2 * in[t])
			w->tables[t].bits++;
		w->tables[t].slots = calloc((size_t)1 << w->tables[t].bits, sizeof(struct slot));
		if (!w->tables[t].slots)
			return RW_ENOMEM;
	}
	return 0;
}

static int make_columns(struct rw_lexicon *w, const struct rw_lexicon_entry *entries, unsigned n)
{
	unsigned beyond = 0;

	for (unsigned i = 0; i < n; i++)
		beyond += entries[i].n > ENTRY_BYTES;
	w->bytes = calloc(n + ENTRIES_PAD, sizeof(*w->bytes));
	w->what = calloc(n + ENTRIES_PAD, sizeof(*w->what));
	w->beyond = calloc(beyond + 1, sizeof(*w->beyond));
	return w->bytes && w->what && w->beyond ? 0 : RW_ENOMEM;
}

struct rw_lexicon *rw_lexicon_new(const struct rw_lexicon_entry *entries, unsigned n)
{
	struct rw_lexicon *w = calloc(1, sizeof(*w));
	const struct rw_lexicon_entry **sorted = calloc(n + 1, sizeof(*sorted));

	RW_BUG_ON(n > RW_LEXICON_ENTRIES_MAX);
	for (unsigned i = 0; sorted && i < n; i++)
		sorted[i] = &entries[i];
	if (sorted)
		qsort(sorted, n, sizeof(*sorted), by_key);
	if (!w || !sorted || make_slots(w, sorted, n) || make_columns(w, entries, n)) {
		rw_lexicon_free(w);
		w = NULL;
	}
	for (unsigned i = 0; w && i < n; i++)
		add(w, i, sorted[i]);
	free(sorted);
	return w;
}

void rw_lexicon_free(struct rw_lexicon *w)
{
	if (!w)
		return;
	for (unsigned t = 0; t < TABLES; t++)
		free(w->tables[t].slots);
	free(w->bytes);
	free(w->what);
	free(w->beyond);
	free(w);
}

void rw_lexicon_find(const struct rw_lexicon *w, struct rw_slice text, enum rw_lexicon_want want,
		     rw_lexicon_found_fn *found, void *arg)
{
	rw_lexicon_find_at[rw_level_here()](w, text, want, found, arg);
}
