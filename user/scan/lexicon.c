/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/lexicon.h"

#include <stdlib.h>

#include "base/err.h"
#include "scan/lexicon_int.h"

_Static_assert(RW_VIEW_TEXT_BYTES % (64 * RW_LEXICON_CELL_BYTES) == 0, "a view's cells fill words");
const uint64_t rw_lexicon_everywhere[RW_LEXICON_CELL_WORDS] = {
	[0 ... RW_LEXICON_CELL_WORDS - 1] = ~UINT64_C(0),
};

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

/* An entry with what it is sorted by. */
struct keyed {
	const struct rw_lexicon_entry *entry;
	uint64_t key;
	unsigned table;
};

static struct keyed keyed_of(const struct rw_lexicon_entry *e)
{
	return (struct keyed){.entry = e, .key = entry_key(e), .table = table_of(e)};
}

static int by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->entry->id < y->entry->id ? -1 : x->entry->id > y->entry->id;
}

static bool is_same_key(const struct keyed *a, const struct keyed *b)
{
	return a->table == b->table && a->key == b->key;
}

static const struct quad none = {{~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0)}, {0}};

/* Where the next entry of the slot goes. */
static struct quad *quad_of(struct rw_lexicon *w, struct slot *s)
{
	if (s->n < QUAD)
		return &s->entries;
	if (s->n == QUAD)
		s->more = w->n_more;
	if (s->n % QUAD == 0)
		w->more[w->n_more++] = none;
	return &w->more[w->n_more - 1];
}

/* Adds the entry; those of one key come one behind the other. */
static void add(struct rw_lexicon *w, struct tables *tables, const struct keyed *keyed)
{
	const struct rw_lexicon_entry *from = keyed->entry;
	unsigned table = keyed->table, at = table == LONG ? LONG_BYTES : 0;
	uint32_t n = from->n < ENTRY_BYTES ? from->n : ENTRY_BYTES;
	uint32_t what = (n - at) << WHAT_BYTES_SHIFT;
	struct table *t = &tables->of[table];
	uint64_t key = keyed->key, h = hash(key);
	struct slot *s = slot_of(t, slot_at(t, h), key);
	struct quad *q = quad_of(w, s);

	s->key = key;
	q->bytes[s->n % QUAD] = eight_of(from, at);
	if (from->n > ENTRY_BYTES) {
		q->what[s->n % QUAD] = what | WHAT_BEYOND | w->n_beyond;
		w->beyond[w->n_beyond++] = *from;
	} else {
		q->what[s->n % QUAD] = what | from->id;
	}
	s->n++;
	let_through(t->filter, h);
	if (table != SHORT)
		let_through(tables->no_short, hash(key_of(key, MIDDLE_BYTES)));
}

static int make_table(struct table *t)
{
	size_t n = (size_t)1 << t->bits;

	t->slots = aligned_alloc(sizeof(struct slot), n * sizeof(struct slot));
	for (size_t i = 0; t->slots && i < n; i++)
		t->slots[i] = (struct slot){.entries = none};
	return t->slots ? RW_OK : RW_ENOMEM;
}

/* Slots for each table, a third more at least than there are keys in it. The entries are sorted. */
static int make_slots(struct tables *tables, const struct keyed *sorted, unsigned n)
{
	unsigned in[TABLES] = {0};

	for (unsigned i = 0; i < n; i++)
		in[sorted[i].table] += !i || !is_same_key(&sorted[i - 1], &sorted[i]);
	for (unsigned t = 0; t < TABLES; t++) {
		tables->of[t].bits = 1;
		while (3u << tables->of[t].bits < 4 * in[t])
			tables->of[t].bits++;
		if (make_table(&tables->of[t]))
			return RW_ENOMEM;
	}
	return RW_OK;
}

size_t rw_lexicon_bytes(const struct rw_lexicon *w)
{
	size_t sum = w->bytes;

	for (unsigned want = 0; want < WANTS; want++)
		for (unsigned t = 0; t < TABLES; t++)
			sum += sizeof(struct slot) << w->tables[want].of[t].bits;
	return sum;
}

static int make_tables(struct rw_lexicon *w, struct tables *tables, const struct keyed *sorted,
		       unsigned n)
{
	if (make_slots(tables, sorted, n))
		return RW_ENOMEM;
	for (unsigned i = 0; i < n; i++)
		add(w, tables, &sorted[i]);
	return RW_OK;
}

/* Room for what is in no slot; plain entries are in two tables. The entries are sorted. */
static int make_rest(struct rw_lexicon *w, const struct keyed *sorted, unsigned n)
{
	size_t beyond = 0, more = 0;
	unsigned same = 0;

	for (unsigned i = 0; i < n; i++) {
		bool plain = !sorted[i].entry->extra;

		same = i && is_same_key(&sorted[i - 1], &sorted[i]) ? same + 1 : 0;
		more += same && same % QUAD == 0 ? WANTS : 0;
		beyond += sorted[i].entry->n > ENTRY_BYTES ? 1 + plain : 0;
	}
	w->more = calloc(more + 1, sizeof(*w->more));
	w->beyond = calloc(beyond + 1, sizeof(*w->beyond));
	w->bytes = sizeof(*w) + (more + 1) * sizeof(*w->more) + (beyond + 1) * sizeof(*w->beyond);
	return w->more && w->beyond ? RW_OK : RW_ENOMEM;
}

/* Moves the plain ones to the front, in their order; how many they are. */
static unsigned keep_plain(struct keyed *sorted, unsigned n)
{
	unsigned plain = 0;

	for (unsigned i = 0; i < n; i++)
		if (!sorted[i].entry->extra)
			sorted[plain++] = sorted[i];
	return plain;
}

struct rw_lexicon *rw_lexicon_new(const struct rw_lexicon_entry *entries, unsigned n)
{
	struct rw_lexicon *w = calloc(1, sizeof(*w));
	struct keyed *sorted = calloc(n + 1, sizeof(*sorted));

	RW_BUG_ON(n > RW_LEXICON_ENTRIES_MAX);
	for (unsigned i = 0; sorted && i < n; i++)
		sorted[i] = keyed_of(&entries[i]);
	if (sorted)
		qsort(sorted, n, sizeof(*sorted), by_key);
	if (!w || !sorted || make_rest(w, sorted, n) ||
	    make_tables(w, &w->tables[ALL], sorted, n) ||
	    make_tables(w, &w->tables[PLAIN], sorted, keep_plain(sorted, n))) {
		rw_lexicon_free(w);
		w = NULL;
	}
	free(sorted);
	return w;
}

void rw_lexicon_free(struct rw_lexicon *w)
{
	if (!w)
		return;
	for (unsigned want = 0; want < WANTS; want++)
		for (unsigned t = 0; t < TABLES; t++)
			free(w->tables[want].of[t].slots);
	free(w->more);
	free(w->beyond);
	free(w);
}

void rw_lexicon_find(const struct rw_lexicon *w, struct rw_slice text, const uint64_t *extra,
		     rw_lexicon_found_fn *found, void *arg)
{
	rw_lexicon_find_at[rw_level_here()](w, text, extra, found, arg);
}
