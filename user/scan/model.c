/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/model.h"

#include <math.h>
#include <stdlib.h>

#include "scan/decode.h"
#include "scan/packs.h"

enum { SLOT_BITS = 14, VIEW_BITS = 18, AT_BITS = 14, CELL_BYTES = RW_MODEL_CELL_BYTES };
enum { CELLS = RW_VIEW_TEXT_BYTES / CELL_BYTES + 1, ROOTS = 257 };

/* Log-odds by words alone from which on a window's concepts are weighed: most texts never come
 * near. */
#define NEAR (-2.0)

_Static_assert(RW_VIEW_TEXT_BYTES <= 1 << AT_BITS, "a place in a view fits its bits");
_Static_assert(RW_VIEW_TEXT_BYTES / 256 + RW_VIEW_TEXT_BYTES / 80 + 4 < RW_MODEL_WINDOWS_MAX,
	       "all windows of a view have room");
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
	double roots[ROOTS];		/* 1 / sqrt(n), for as many words as fit a window */
	struct feature *features;	/* in the file's order */
	uint16_t slots[1 << SLOT_BITS]; /* of features, by key: index + 1 */
	struct rw_concept_asked asked;
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

static bool has_feature(void *m, uint32_t key)
{
	return find(m, key) >= 0;
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
	rw_concepts_ask(c, has_feature, m, &m->asked);
	for (unsigned n = 0; n < ROOTS; n++)
		m->roots[n] = 1 / sqrt(n ? n : 1);
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

/* Whether the feature was not counted a moment ago. */
static bool fresh(struct rw_model_scratch *s, unsigned feature, uint32_t at)
{
	uint32_t last = s->counted[feature];
	uint32_t before = last & ((1u << AT_BITS) - 1);

	if (last >> AT_BITS == s->views && at - before < RW_CONCEPT_APART)
		return false;
	s->counted[feature] = s->views << AT_BITS | at;
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

		if (!is_near(s, s->hits[i].start))
			continue;
		some = rw_concepts_features(c, &m->asked, s->hits, i, f, NULL);

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
}

/* How many words start before at, which may be behind the view of n bytes. */
static unsigned words_before(const struct rw_model_scratch *s, size_t n, size_t at)
{
	return at < n ? rw_words_before(&s->words, at) : s->words.n;
}

/* One window by its words alone. */
static void weigh_words(const struct rw_model *m, const struct rw_model_scratch *s, size_t n,
			unsigned scale, size_t index, struct rw_model_best *b)
{
	const double *k = m->head.k[scale];
	size_t start = rw_window_start(index, scale), end = start + rw_window_bytes[scale];
	unsigned w0 = words_before(s, n, start), w1 = words_before(s, n, end);

	b->start = (uint32_t)start;
	b->end = (uint32_t)(end < n ? end : n);
	b->words = s->sums[w1] - s->sums[w0];
	b->n_words = w1 - w0;
	b->concepts = 0;
	b->z = k[0] + k[1] * b->words * m->roots[b->n_words];
}

/* Finds the windows whose words alone come near enough for concepts to matter, and the best of the
 * others. */
static void look_scale(const struct rw_model *m, struct rw_model_scratch *s, size_t n,
		       unsigned scale, struct rw_model_best *best)
{
	unsigned cells = rw_window_bytes[scale] / CELL_BYTES;
	struct rw_model_best b;

	for (size_t i = 0; i < rw_window_count(n, scale); i++) {
		weigh_words(m, s, n, scale, i, &b);
		if (b.z < NEAR) {
			if (b.z > best->z)
				*best = b;
			continue;
		}
		s->windows[s->n_windows++] = (struct rw_model_window){(uint16_t)scale, (uint16_t)i,
								      b.z};
		for (size_t cell = b.start / CELL_BYTES; cell <= b.start / CELL_BYTES + cells;
		     cell++)
			if (cell < CELLS)
				s->near[cell] = true;
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

/* The windows that are near, with their concepts. */
static void look_near(const struct rw_model *m, struct rw_model_scratch *s, size_t n,
		      struct rw_model_best *best)
{
	unsigned from = 0, scale = 0;

	for (unsigned i = 0; i < s->n_windows; i++) {
		const struct rw_model_window *w = &s->windows[i];
		size_t start = rw_window_start(w->index, w->scale);
		int32_t concepts;
		double z;

		from = w->scale == scale ? from : 0;
		scale = w->scale;
		concepts = concepts_in(s, &from, start, start + rw_window_bytes[scale]);
		z = w->z + m->head.k[scale][2] * concepts;
		if (z <= best->z)
			continue;
		weigh_words(m, s, n, scale, w->index, best);
		best->concepts = concepts;
		best->z = z;
	}
}

bool rw_model_begin(const struct rw_model *m, const struct rw_view *v, struct rw_model_scratch *s,
		    struct rw_model_best *best)
{
	*best = (struct rw_model_best){.z = -HUGE_VAL};
	s->n_windows = s->n_concepts = s->n_hits = 0;
	memset(s->near, 0, sizeof(s->near));
	rw_words_init(&s->words, rw_slice_of(v->bytes, v->n));
	rw_words_weigh(&s->words, m->words, s->sums, &s->hints.words);
	for (unsigned k = 0; k < RW_WINDOW_SCALES; k++)
		look_scale(m, s, v->n, k, best);
	return s->n_windows > 0;
}

void rw_model_end(const struct rw_model *m, const struct rw_concepts *c, const struct rw_view *v,
		  struct rw_model_scratch *s, struct rw_model_best *best)
{
	struct rw_turned turned = rw_concepts_turned(&s->seen);

	s->hints.rotated = turned.rotated;
	s->hints.reversed = turned.reversed;
	if (!s->n_windows)
		return;
	sum_concepts(m, c, s);
	look_near(m, s, v->n, best);
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
