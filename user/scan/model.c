/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/model.h"

#include <math.h>
#include <stdlib.h>

#include "scan/decode.h"
#include "scan/packs.h"
#include "scan/swar.h"

enum { SLOT_BITS = 15, VIEW_BITS = 18, AT_BITS = 14, CELL_BYTES = RW_LEXICON_CELL_BYTES };
enum { CELLS = RW_VIEW_TEXT_BYTES / CELL_BYTES, ROOTS = 257 };

/*
 * By scale, log-odds by words alone from which on a window's concepts are weighed: most texts never
 * come near. In large ones concepts stand out less, and what stands out is in a small one. Of
 * languages that the training has little of words say next to nothing, while concepts know them;
 * where a script tells such a one, less is asked of its words.
 */
static const double near_line[RW_WINDOW_SCALES] = {-0.45, -1.8};
static const double near_line_wide[RW_WINDOW_SCALES] = {-0.45, -3.5};
/* One byte beyond ASCII in so many makes a window wide (in the view letters that look Latin are no
 * such bytes), and so many make it worth looking for one. */
enum { WIDE_PART = 6, WIDE_BYTES_MIN = 8 };

_Static_assert(RW_VIEW_TEXT_BYTES <= 1 << AT_BITS, "a place in a view fits its bits");
_Static_assert(RW_VIEW_TEXT_BYTES / 256 + RW_VIEW_TEXT_BYTES / 80 + 4 < RW_MODEL_WINDOWS_MAX,
	       "all windows of a view have room");
_Static_assert(160 / 2 % RW_MODEL_STRETCH_BYTES == 0 && 512 / 2 % RW_MODEL_STRETCH_BYTES == 0,
	       "windows are made of whole stretches");
_Static_assert(RW_MODEL_FEATURES_MAX * 2 <= 1 << SLOT_BITS, "the table of features has room");

/*
 * As it stands in the file, lowest byte first. For each scale: a window's log-odds are k0 + k1 *
 * words / sqrt(number) + k2 * concepts; where these are over ask, they are mix * themselves + c0 +
 * c1 * characters / sqrt(a third of their number).
 */
struct header {
	char magic[8];
	uint32_t ngram_bits, chars_bits, n_features, pad;
	struct {
		double k[3], ask, mix, c[2];
	} of[RW_WINDOW_SCALES];
};

struct feature {
	uint32_t key;
	int32_t weight;
};

struct rw_model {
	struct header head;
	const int8_t *words, *chars;   /* by feature, in the binary */
	double roots[ROOTS];	       /* 1 / sqrt(n), for as many words as fit a window */
	struct feature *features;      /* in the file's order */
	struct rw_concept_asked asked; /* by that */
};

/* The features by their keys, while it is loaded: index + 1. */
struct by_key {
	const struct rw_model *m;
	uint16_t slots[1 << SLOT_BITS];
};

/* Where the key is, or a free slot for it. */
static unsigned slot_of(const struct by_key *t, uint32_t key)
{
	unsigned slot = (key * 0x9e3779b1u) >> (32 - SLOT_BITS);

	while (t->slots[slot] && t->m->features[t->slots[slot] - 1].key != key)
		slot = (slot + 1) & ((1u << SLOT_BITS) - 1);
	return slot;
}

static int number_of(void *t, uint32_t key)
{
	const struct by_key *by_key = t;

	return by_key->slots[slot_of(by_key, key)] - 1;
}

static int ask(struct rw_model *m, const struct rw_concepts *c)
{
	struct by_key *t = calloc(1, sizeof(*t));
	int rc = RW_ENOMEM;

	if (!t)
		return rc;
	t->m = m;
	for (unsigned i = 0; i < m->head.n_features; i++)
		t->slots[slot_of(t, m->features[i].key)] = (uint16_t)(i + 1);
	rc = rw_concepts_ask(c, number_of, t, &m->asked);
	free(t);
	return rc;
}

int rw_model_load(struct rw_model **out, const struct rw_concepts *c, struct rw_error *e)
{
	struct rw_slice file = rw_pack_model();
	struct rw_model *m = calloc(1, sizeof(*m));
	size_t bytes;

	if (!m)
		return rw_fail(e, RW_ENOMEM, "no memory for the model");
	if (file.n >= sizeof(m->head))
		memcpy(&m->head, file.p, sizeof(m->head));
	bytes = m->head.n_features * sizeof(*m->features);
	if (memcmp(m->head.magic, "rwmodel2", 8) != 0 || m->head.ngram_bits != RW_NGRAM_BITS ||
	    m->head.chars_bits != RW_CHARS_BITS || m->head.n_features > RW_MODEL_FEATURES_MAX ||
	    file.n != sizeof(m->head) + bytes + (1u << RW_NGRAM_BITS) + (1u << RW_CHARS_BITS) ||
	    file.p[sizeof(m->head) + bytes]) { /* of feature 0, which is none */
		free(m);
		return rw_fail(e, RW_EINVAL, "model.bin is not for this version of the scanner");
	}
	m->features = malloc(bytes + 1);
	if (m->features)
		memcpy(m->features, file.p + sizeof(m->head), bytes);
	if (!m->features || ask(m, c)) {
		rw_model_free(m);
		return rw_fail(e, RW_ENOMEM, "no memory for the model");
	}
	m->words = (const int8_t *)file.p + sizeof(m->head) + bytes;
	m->chars = m->words + (1u << RW_NGRAM_BITS);
	for (unsigned n = 0; n < ROOTS; n++)
		m->roots[n] = 1 / sqrt(n ? n : 1);
	*out = m;
	return 0;
}

void rw_model_free(struct rw_model *m)
{
	if (!m)
		return;
	rw_concepts_asked_free(&m->asked);
	free(m->features);
	free(m);
}

/* Whether the feature was not counted a moment ago; now it was. Which is no branch to be guessed.
 */
static inline bool fresh(struct rw_model_scratch *s, unsigned feature, uint32_t at)
{
	uint32_t last = s->counted[feature];
	uint32_t before = last & ((1u << AT_BITS) - 1);
	bool is = (last >> AT_BITS != s->views) | (at - before >= RW_CONCEPT_APART);

	s->counted[feature] = is ? s->views << AT_BITS | at : last;
	return is;
}

/* The cells of [from, to) of the view. */
static void mark(uint64_t *cells, size_t from, size_t to)
{
	for (size_t cell = from / CELL_BYTES; cell * CELL_BYTES < to && cell < CELLS; cell++)
		cells[cell / 64] |= UINT64_C(1) << cell % 64;
}

/* Marks where a feature counts in the window or keeps one from counting, and where what is of such
 * a feature may start. */
static void mark_near(struct rw_model_scratch *s, size_t start, unsigned bytes)
{
	size_t weighed = start < RW_CONCEPT_APART ? 0 : start - RW_CONCEPT_APART;
	size_t sought = weighed < RW_CONCEPT_REACH ? 0 : weighed - RW_CONCEPT_REACH;

	mark(s->weighed, weighed, start + bytes);
	mark(s->sought, sought, start + bytes);
}

static bool is_weighed(const struct rw_model_scratch *s, size_t at)
{
	return s->weighed[at / CELL_BYTES / 64] >> at / CELL_BYTES % 64 & 1;
}

static void sum_concepts(const struct rw_model *m, const struct rw_concepts *c,
			 struct rw_model_scratch *s)
{
	uint32_t f[RW_CONCEPT_FEATURES];
	int32_t sum = 0;

	if (++s->views == 1u << VIEW_BITS) {
		memset(s->counted, 0, sizeof(s->counted));
		s->views = 1;
	}
	s->n_hits = rw_concepts_hits(c, &s->seen, s->hits);
	for (unsigned i = 0; i < s->n_hits; i++) {
		unsigned some;

		if (!is_weighed(s, s->hits[i].start))
			continue;
		some = rw_concepts_features(c, &m->asked, s->hits, i, f, NULL);

		for (unsigned k = 0; k < some; k++)
			sum += fresh(s, f[k], s->hits[i].start) ? m->features[f[k]].weight : 0;
		if (s->n_concepts < RW_MODEL_CONTRIBUTIONS_MAX)
			s->concepts[s->n_concepts++] =
				(struct rw_model_sum){(uint16_t)(s->hits[i].start), sum};
	}
}

/* How many words start before at, which may be behind the view of n bytes. */
static unsigned words_before(const struct rw_model_scratch *s, size_t n, size_t at)
{
	return at < n ? rw_words_before(&s->words, at) : s->words.n;
}

/* One window by its words alone: those from w0 on up to w1. */
static inline void weigh_words(const struct rw_model *m, const struct rw_model_scratch *s, size_t n,
			       unsigned scale, size_t index, unsigned w0, unsigned w1,
			       struct rw_model_best *b)
{
	const double *k = m->head.of[scale].k;
	size_t start = rw_window_start(index, scale), end = start + rw_window_bytes[scale];

	b->start = (uint32_t)start;
	b->end = (uint32_t)(end < n ? end : n);
	b->words = s->sums[w1] - s->sums[w0];
	b->n_words = w1 - w0;
	b->concepts = b->chars = 0;
	b->z = k[0] + k[1] * b->words * m->roots[b->n_words];
}

/* How many bytes are beyond ASCII. */
static uint32_t count_beyond(const char *p, size_t n)
{
	uint32_t sum = 0;

	for (; n >= 8; p += 8, n -= 8)
		sum += (uint32_t)((rw_load8(p) >> 7 & RW_ALL8(1)) * RW_ALL8(1) >> 56);
	for (; n; p++, n--)
		sum += (unsigned char)*p >> 7;
	return sum;
}

static bool is_wide(const char *p, size_t n)
{
	return count_beyond(p, n) * WIDE_PART >= n;
}

/* Finds the windows whose words alone come near enough for concepts to matter, and the best of the
 * others; wide: some may be. A window's half is the next one's start. */
static void look_scale(const struct rw_model *m, struct rw_model_scratch *s,
		       const struct rw_view *v, bool wide, unsigned scale,
		       struct rw_model_best *best)
{
	size_t n = v->n;
	unsigned w0 = 0, half = words_before(s, n, rw_window_start(1, scale)), w1;
	struct rw_model_best b;

	for (size_t i = 0; i < rw_window_count(n, scale); i++, w0 = half, half = w1) {
		w1 = words_before(s, n, rw_window_start(i + 2, scale));
		weigh_words(m, s, n, scale, i, w0, w1, &b);
		if (b.z < near_line[scale] && !(wide && b.z >= near_line_wide[scale] &&
						is_wide(v->bytes + b.start, b.end - b.start))) {
			if (b.z > best->z)
				*best = b;
			continue;
		}
		s->windows[s->n_windows++] = (struct rw_model_window){(uint16_t)scale, (uint16_t)i,
								      b.z};
		mark_near(s, b.start, rw_window_bytes[scale]);
	}
}

/* The sum of the concepts that start in [start, end); from: where to look from. */
static int32_t concepts_in(const struct rw_model_scratch *s, unsigned *from, size_t start,
			   size_t end)
{
	const struct rw_model_sum *at = s->concepts;
	unsigned first = *from, last;

	while (first < s->n_concepts && at[first].at < start)
		first++;
	for (last = first; last < s->n_concepts && at[last].at < end;)
		last++;
	*from = first;
	return last > first ? at[last - 1].sum - (first ? at[first - 1].sum : 0) : 0;
}

/* The sequences that begin in [from, to) of the view and end at stop at last. */
static int32_t sum_chars(const struct rw_model *m, const struct rw_view *v, size_t from, size_t to,
			 size_t stop)
{
	int32_t sum = 0;

	for (size_t i = from; i < to; i++)
		for (unsigned k = RW_CHARS_LEAST; k <= RW_CHARS_MOST && i + k <= stop; k++)
			sum += m->chars[rw_chars_feature(v->bytes + i, k)];
	return sum;
}

/* The same of a stretch, up to the view's end; windows overlap, and it is summed once. */
static int32_t chars_of(const struct rw_model *m, struct rw_model_scratch *s,
			const struct rw_view *v, size_t stretch)
{
	uint64_t bit = UINT64_C(1) << stretch % 64, *known = &s->chars_known[stretch / 64];
	size_t from = stretch * RW_MODEL_STRETCH_BYTES, to = from + RW_MODEL_STRETCH_BYTES;

	if (!(*known & bit))
		s->chars[stretch] = sum_chars(m, v, from, to < v->n ? to : v->n, v->n);
	*known |= bit;
	return s->chars[stretch];
}

/* The sequences in [start, end): without those that begin there and end behind it. */
static int32_t chars_in(const struct rw_model *m, struct rw_model_scratch *s,
			const struct rw_view *v, size_t start, size_t end)
{
	size_t last = end - start < RW_CHARS_MOST ? start : end - (RW_CHARS_MOST - 1);
	int32_t sum = sum_chars(m, v, last, end, end) - sum_chars(m, v, last, end, v->n);

	for (size_t at = start; at < end; at += RW_MODEL_STRETCH_BYTES)
		sum += chars_of(m, s, v, at / RW_MODEL_STRETCH_BYTES);
	return sum;
}

/* The log-odds of a window that words and concepts gave z, where its characters are asked. */
static double ask_chars(const struct rw_model *m, struct rw_model_scratch *s,
			const struct rw_view *v, unsigned scale, size_t start, double z,
			int32_t *chars)
{
	size_t n = v->n - start < rw_window_bytes[scale] ? v->n - start : rw_window_bytes[scale];
	double number = rw_chars_count(n) / (double)RW_CHARS_KINDS;

	*chars = chars_in(m, s, v, start, start + n);
	return m->head.of[scale].mix * z + m->head.of[scale].c[0] +
	       m->head.of[scale].c[1] * *chars / sqrt(number > 1 ? number : 1);
}

/* The windows that are near, with their concepts and, where these come nearer, characters. */
static void look_near(const struct rw_model *m, struct rw_model_scratch *s, const struct rw_view *v,
		      struct rw_model_best *best)
{
	size_t n = v->n;
	unsigned from = 0, scale = 0;

	for (unsigned i = 0; i < s->n_windows; i++) {
		const struct rw_model_window *w = &s->windows[i];
		size_t start = rw_window_start(w->index, w->scale);
		int32_t concepts, chars = 0;
		double z;

		from = w->scale == scale ? from : 0;
		scale = w->scale;
		concepts = concepts_in(s, &from, start, start + rw_window_bytes[scale]);
		z = w->z + m->head.of[scale].k[2] * concepts;
		if (z > m->head.of[scale].ask)
			z = ask_chars(m, s, v, scale, start, z, &chars);
		if (z <= best->z)
			continue;
		weigh_words(m, s, n, scale, w->index, words_before(s, n, start),
			    words_before(s, n, start + rw_window_bytes[scale]), best);
		best->concepts = concepts;
		best->chars = chars;
		best->z = z;
	}
}

bool rw_model_begin(const struct rw_model *m, const struct rw_view *v, struct rw_model_scratch *s,
		    struct rw_model_best *best)
{
	bool wide = count_beyond(v->bytes, v->n) >= WIDE_BYTES_MIN;

	*best = (struct rw_model_best){.z = -HUGE_VAL};
	s->n_windows = s->n_concepts = s->n_hits = 0;
	memset(s->weighed, 0, sizeof(s->weighed));
	memset(s->sought, 0, sizeof(s->sought));
	memset(s->chars_known, 0, sizeof(s->chars_known));
	rw_words_init(&s->words, rw_slice_of(v->bytes, v->n));
	rw_words_weigh(&s->words, m->words, s->sums, &s->hints.words);
	for (unsigned k = 0; k < RW_WINDOW_SCALES; k++)
		look_scale(m, s, v, wide, k, best);
	return s->n_windows > 0;
}

void rw_model_end(const struct rw_model *m, const struct rw_concepts *c, const struct rw_view *v,
		  struct rw_model_scratch *s, struct rw_model_best *best)
{
	s->hints.turned = rw_concepts_turned(&s->seen);
	if (!s->n_windows)
		return;
	sum_concepts(m, c, s);
	look_near(m, s, v, best);
}

unsigned rw_model_explain(const struct rw_model *m, const struct rw_concepts *c,
			  const struct rw_model_scratch *s, const struct rw_model_best *best,
			  struct rw_concept_parts out[], unsigned most)
{
	struct rw_concept_parts parts[RW_CONCEPT_FEATURES];
	uint32_t f[RW_CONCEPT_FEATURES];
	int32_t weights[8] = {0};
	unsigned n = 0;

	RW_BUG_ON(most > sizeof(weights) / sizeof(weights[0]));
	for (unsigned i = 0; i < s->n_hits; i++) {
		unsigned some = 0;

		if (s->hits[i].start >= best->start && s->hits[i].start < best->end)
			some = rw_concepts_features(c, &m->asked, s->hits, i, f, parts);
		for (unsigned k = 0; k < some; k++) {
			int32_t weight = m->features[f[k]].weight;
			unsigned place = n;

			while (place && weights[place - 1] < weight)
				place--;
			if (weight <= 0 || place == most ||
			    (place && weights[place - 1] == weight &&
			     !memcmp(&out[place - 1], &parts[k], sizeof(parts[k]))))
				continue;
			n += n < most;
			for (unsigned j = n - 1; j > place; j--) {
				out[j] = out[j - 1];
				weights[j] = weights[j - 1];
			}
			out[place] = parts[k];
			weights[place] = weight;
		}
	}
	return n;
}

unsigned rw_model_score(double z)
{
	return (unsigned)(10000 / (1 + exp(-z)) + 0.5);
}
