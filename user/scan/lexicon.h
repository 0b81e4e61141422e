/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds texts where words begin: at a byte of words behind one that is none, at the first byte of
 * a character beyond ASCII, at [ or <, or at another sign with no space behind it. The bytes there
 * tell by a table of bits that nothing begins so, which is the answer nearly always. Hyperscan
 * would do, but spends a tenth of a microsecond on each word that it meets, and everyday text is
 * full of them.
 */
#ifndef RW_SCAN_LEXICON_H
#define RW_SCAN_LEXICON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "scan/byte_set.h"
#include "scan/level.h"
#include "scan/view.h"

enum {
	RW_LEXICON_BYTES_MIN = 4, /* of the beginning of a longer word */
	RW_LEXICON_ENTRIES_MAX = 1 << 18,
};

struct rw_lexicon;

/*
 * Where in a text extra entries are looked for, too, a bit for each of its cells, the lowest first:
 * they cost, where they are many. NULL: nowhere.
 */
enum {
	RW_LEXICON_CELL_BYTES = 64,
	RW_LEXICON_CELL_WORDS = RW_VIEW_TEXT_BYTES / RW_LEXICON_CELL_BYTES / 64, /* of a view's */
};
extern const uint64_t rw_lexicon_everywhere[RW_LEXICON_CELL_WORDS]; /* in a view */

/* text lives as long as the table, which holds it. */
struct rw_lexicon_entry {
	const char *text;
	uint32_t n, id;
	bool extra; /* found only where that is asked for */
};

/*
 * Whether a table can hold the text: it begins as above; of letters it is RW_LEXICON_BYTES_MIN
 * long, or is then found as a whole word only (behind it, too, is no byte of words); and
 * there is no zero in it.
 */
bool rw_lexicon_holds(const char *text, size_t n);

/* At most RW_LEXICON_ENTRIES_MAX of them. NULL: no memory. */
struct rw_lexicon *rw_lexicon_new(const struct rw_lexicon_entry *entries, unsigned n);
void rw_lexicon_free(struct rw_lexicon *w);
size_t rw_lexicon_bytes(const struct rw_lexicon *w); /* of memory, its entries' texts apart */

/* Texts of the table that stand in a text, and where they start. */
struct rw_lexicon_hit {
	uint32_t id, start;
};
typedef void rw_lexicon_found_fn(void *arg, const struct rw_lexicon_hit *hits, unsigned n);

/*
 * Calls found with what stands in text, some at a time, by where they start; of those that start in
 * one place the long first (of eight bytes, of six), and then by their ids. Extra ones are found
 * where extra says, and some around.
 */
void rw_lexicon_find(const struct rw_lexicon *w, struct rw_slice text, const uint64_t *extra,
		     rw_lexicon_found_fn *found, void *arg);

typedef void rw_lexicon_find_fn(const struct rw_lexicon *w, struct rw_slice text,
				const uint64_t *extra, rw_lexicon_found_fn *found, void *arg);
RW_AT_LEVELS(rw_lexicon_find_fn, rw_lexicon_find);

/* Whether a word that begins with c is found wherever it stands behind a boundary. */
static inline bool rw_begins_word(unsigned char c)
{
	return rw_is_word_byte(c) || c >= 0xc0;
}

#endif
