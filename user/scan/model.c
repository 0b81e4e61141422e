/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/model.h"

#include <math.h>
#include <stdlib.h>

#include "scan/decode.h"
#include "scan/packs.h"

enum { SLOT_BITS = 14, VIEW_BITS = 18, AT_BITS = 14, CELL_BYTES = RW_MODEL_CELL_BYTES };
enum { CELLS = RW_VIEW_TEXT_BYTES / CELL_BYTES + 1 };

/* Log-odds by words alone from which on a window's concepts are weighed: most texts never come
 * near. */
#define NEAR (-2.0)

_Static_assert(RW_VIEW_TEXT_BYTES <= 1 << AT_BITS, "a place in a view fits its bits");
_Static_assert(RW_MODEL_FEATURES_MAX * 2 <= 1 << SLOT_BITS, "the table of features has room");

/* As it stands in the file, lowest byte first, after the magic. */
struct header {
	char magic[8];
	uint32_t ngram_bits, n_features;
	/* For each scale: the window's log-odds are k0 + k1 * words / sqrt(number) + k2 * concepts.
	 */
	double k[RW_WINDOW_SCALES][3];
};

struct feature {
	uint32_t key;
	int32_t weight;
};

struct rw_model {
	struct header head;
	const int8_t *words;		/* by feature, in the binary */
	struct feature *features;	/* in the file's order */
	uint16_t slots[1 << SLOT_BITS]; /* of features, by key: index + 1 */
};

static unsigned slot_of(uint32_t key)
{
	return (key * 0x9e3779b1u) >> (32 - SLOT_BITS);
}

/* Index of the feature, or -1. */
static int find(const struct rw_model *m, uint32_t key)
{
	unsigned slot = slot_of(key);

	for (; m->slots[slot]; slot = (slot + 1) & ((1u << SLOT_BITS) - 1))
		if (m->features[m->slots[slot] - 1].key == key)
			return m->slots[slot] - 1;
	return -1;
}

static void insert(struct rw_model *m, unsigned i)
{
	unsigned slot = slot_of(m->features[i].key);

	while (m->slots[slot])
		slot = (slot + 1) & ((1u << SLOT_BITS) - 1);
	m->slots[slot] = (uint16_t)(i + 1);
}

int rw_model_load(struct rw_model **out, struct rw_error *e)
{
	struct rw_slice file = rw_pack_model();
	struct rw_model *m = calloc(1, sizeof(*m));
	size_t bytes;

	if (!m)
		return rw_fail(e, RW_ENOMEM, "no memory for the model");
	if (file.n >= sizeof(m->head))
		memcpy(&m->head, file.p, sizeof(m->head));
	bytes = m->head.n_features * sizeof(*m->features);
	if (memcmp(m->head.magic, "rwmodel1", 8) != 0 || m->head.ngram_bits != RW_NGRAM_BITS ||
	    m->head.n_features > RW_MODEL_FEATURES_MAX ||
	    file.n != sizeof(m->head) + bytes + (1u << RW_NGRAM_BITS)) {
		free(m);
		return rw_fail(e, RW_EINVAL, "model.bin is not for this version of the scanner");
	}
	m->features = malloc(bytes + 1);
	if (!m->features) {
		free(m);
		return rw_fail(e, RW_ENOMEM, "no memory for the model");
	}
	memcpy(m->features, file.p + sizeof(m->head), bytes);
	m->words = (const int8_t *)file.p + sizeof(m->head) + bytes;
	for (unsigned i = 0; i < m->head.n_features; i++)
		insert(m, i);
	*out = m;
	return 0;
}

void rw_model_free(struct rw_model *m)
{
	if (!m)
		return;
	free(m->features);
	free(m);
}

static void sum_words(const struct rw_model *m, const struct rw_concepts *c,
		      const struct rw_view *v, struct rw_model_scratch *s)
{
	struct rw_words words;
	struct rw_word w;
	int32_t sum = 0;
	unsigned singles = 0, row = 0, before = 0;

	rw_words_init(&words, rw_slice_of(v->bytes, v->n));
	s->n_words = s->waiting.n = 0;
	while (rw_words_next(&words, &w)) {
		/* Said over and over a word says nothing new; the sum of its weights would. */
		for (unsigned k = 0; k < RW_NGRAM_KINDS && !w.again; k++)
			sum += m->words[w.feature[k]];
		s->words[s->n_words++] = (struct rw_model_sum){(uint16_t)w.start, sum};
		rw_concepts_short(c, v, &w, &s->waiting);
		singles = w.letter_only ? singles + 1 : 0;
		row = w.end - w.start == before || (before == 2 && w.end - w.start == 3) ? row + 1
											 : 0;
		before = w.end - w.start;
		s->hints.spaced |= singles >= RW_CODED_RUN_MIN;
		s->hints.coded |= before >= RW_CODED_BYTES_MIN ||
				  (row >= RW_CODED_RUN_MIN &&
				   (before == 2 || before == 3 || before == 8));
	}
}

/* Whether the feature was not counted a moment ago. */
static bool fresh(struct rw_model_scratch *s, unsigned feature, uint32_t at)
{
	uint32_t seen = s->seen[feature];
	uint32_t before = seen & ((1u << AT_BITS) - 1);

	if (seen >> AT_BITS == s->views && at - before < RW_CONCEPT_APART)
		return false;
	s->seen[feature] = s->views << AT_BITS | at;
	return true;
}

/* Whether a feature there counts in a window that is near, or keeps one from counting. */
static bool is_near(const struct rw_model_scratch *s, size_t at)
{
	size_t cell = at / CELL_BYTES, last = cell + RW_CONCEPT_APART / CELL_BYTES;

	for (; cell <= last && cell < CELLS; cell++)
		if (s->near[cell])
			return true;
	return false;
}

static int sum_concepts(const struct rw_model *m, const struct rw_concepts *c, hs_scratch_t *hs,
			const struct rw_view *v, struct rw_model_scratch *s)
{
	uint32_t f[RW_CONCEPT_FEATURES];
	struct rw_turned turned;
	int n = rw_concepts_find(c, hs, v, &s->waiting, s->hits, &turned);
	int32_t sum = 0;

	if (n < 0)
		return n;
	s->hints.rotated = turned.rotated;
	s->hints.reversed = turned.reversed;
	if (++s->views == 1u << VIEW_BITS) {
		memset(s->seen, 0, sizeof(s->seen));
		s->views = 1;
	}
	s->n_concepts = 0;
	s->n_hits = (unsigned)n;
	for (unsigned i = 0; i < (unsigned)n; i++) {
		unsigned some;

		if (!is_near(s, s->hits[i].start))
			continue;
		some = rw_concepts_features(c, s->hits, i, f, NULL);

		for (unsigned k = 0; k < some; k++) {
			int at = find(m, f[k]);

			if (at < 0 || !fresh(s, (unsigned)at, s->hits[i].start))
				continue;
			sum += m->features[at].weight;
		}
		if (s->n_concepts < RW_MODEL_CONTRIBUTIONS_MAX)
			s->concepts[s->n_concepts++] =
				(struct rw_model_sum){(uint16_t)(s->hits[i].start), sum};
	}
	return 0;
}

/* First of n whose place is not before at; from: where to look from. */
static unsigned first_at(const struct rw_model_sum *sums, unsigned n, unsigned from, size_t at)
{
	while (from < n && sums[from].at < at)
		from++;
	return from;
}

static int32_t sum_of(const struct rw_model_sum *sums, unsigned first, unsigned end)
{
	return end > first ? sums[end - 1].sum - (first ? sums[first - 1].sum : 0) : 0;
}

static double base_of(const double *k, int32_t words, unsigned n)
{
	return k[0] + k[1] * words / sqrt(n ? n : 1);
}

/* Marks the cells of the windows whose words alone come near enough for concepts to matter. */
static void mark_scale(const struct rw_model *m, struct rw_model_scratch *s, size_t n,
		       unsigned scale)
{
	unsigned w0 = 0, w1 = 0, cells = rw_window_bytes[scale] / CELL_BYTES;

	for (size_t i = 0; i < rw_window_count(n, scale); i++) {
		size_t start = rw_window_start(i, scale);

		w0 = first_at(s->words, s->n_words, w0, start);
		w1 = first_at(s->words, s->n_words, w1, start + rw_window_bytes[scale]);
		if (base_of(m->head.k[scale], sum_of(s->words, w0, w1), w1 - w0) < NEAR)
			continue;
		for (size_t cell = start / CELL_BYTES; cell <= start / CELL_BYTES + cells; cell++)
			if (cell < CELLS)
				s->near[cell] = true;
	}
}

static void look_scale(const struct rw_model *m, const struct rw_model_scratch *s, size_t n,
		       unsigned scale, struct rw_model_best *best)
{
	const double *k = m->head.k[scale];
	unsigned w0 = 0, w1 = 0, c0 = 0, c1 = 0;

	for (size_t i = 0; i < rw_window_count(n, scale); i++) {
		size_t start = rw_window_start(i, scale), end = start + rw_window_bytes[scale];
		struct rw_model_best b = {.start = (uint32_t)start,
					  .end = (uint32_t)(end < n ? end : n)};

		w0 = first_at(s->words, s->n_words, w0, start);
		w1 = first_at(s->words, s->n_words, w1, end);
		b.words = sum_of(s->words, w0, w1);
		b.n_words = w1 - w0;
		b.z = base_of(k, b.words, b.n_words);
		if (b.z >= NEAR) {
			c0 = first_at(s->concepts, s->n_concepts, c0, start);
			c1 = first_at(s->concepts, s->n_concepts, c1, end);
			b.concepts = sum_of(s->concepts, c0, c1);
			b.z += k[2] * b.concepts;
		}
		if (b.z > best->z)
			*best = b;
	}
}

int rw_model_look(const struct rw_model *m, const struct rw_concepts *c, hs_scratch_t *hs,
		  const struct rw_view *v, struct rw_model_scratch *s, struct rw_model_best *best)
{
	int rc;

	*best = (struct rw_model_best){.z = -HUGE_VAL};
	s->hints = (struct rw_hints){0};
	memset(s->near, 0, sizeof(s->near));
	sum_words(m, c, v, s);
	for (unsigned k = 0; k < RW_WINDOW_SCALES; k++)
		mark_scale(m, s, v->n, k);
	rc = sum_concepts(m, c, hs, v, s);
	for (unsigned k = 0; !rc && k < RW_WINDOW_SCALES; k++)
		look_scale(m, s, v->n, k, best);
	return rc;
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
			some = rw_concepts_features(c, s->hits, i, f, parts);
		for (unsigned k = 0; k < some; k++) {
			int at = find(m, f[k]);
			int32_t weight = at < 0 ? 0 : m->features[at].weight;
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
