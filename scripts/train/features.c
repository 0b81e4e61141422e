/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the model reads of texts, for scripts/train/train.py: JSON lines of {"text": ...} in; out,
 * as 32-bit words of this machine, a record for each window of each text: its line (from 0), size
 * of the scale, start, end, words, number of features of words, of concepts, of characters, then
 * these.
 */
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include "scan/ngram.h"
#include "scan/windows.h"

enum { SEEN_BITS = 20, HEAD = 8 };

static struct {
	struct rw_view view;
	struct rw_word words[RW_VIEW_TEXT_BYTES];
	struct rw_words reader;
	struct rw_concept_seen seen;
	struct rw_concept_hit hits[RW_CONCEPT_HITS_MAX];
	uint32_t key[1 << SEEN_BITS], at[1 << SEEN_BITS]; /* of concept features: seen where */
	uint32_t feature[RW_CONCEPT_HITS_MAX * 4], where[RW_CONCEPT_HITS_MAX * 4];
	uint32_t out[1 << 20];
} s;

static struct rw_concepts *concepts;
static struct rw_lexicon *lexicon;

/* Features of concepts that count, with where they end. */
static unsigned concept_features(unsigned n_hits)
{
	uint32_t f[RW_CONCEPT_FEATURES];
	unsigned n = 0;

	memset(s.key, 0, sizeof(s.key));
	for (unsigned i = 0; i < n_hits; i++) {
		unsigned some = rw_concepts_features(concepts, NULL, s.hits, i, f, NULL);

		for (unsigned k = 0; k < some; k++) {
			unsigned slot = f[k] & ((1u << SEEN_BITS) - 1);

			if (s.key[slot] == f[k] && s.hits[i].start - s.at[slot] < RW_CONCEPT_APART)
				continue;
			s.key[slot] = f[k];
			s.at[slot] = s.hits[i].start;
			if (n == sizeof(s.feature) / sizeof(s.feature[0]))
				return n;
			s.feature[n] = f[k];
			s.where[n++] = s.hits[i].start;
		}
	}
	return n;
}

static void put_window(uint32_t line, uint32_t scale, uint32_t start, unsigned n_words,
		       unsigned n_features)
{
	uint32_t end = start + scale, *head = s.out;
	unsigned n = HEAD;
	size_t stop = end < s.view.n ? end : s.view.n;

	head[0] = line;
	head[1] = scale;
	head[2] = start;
	head[3] = end;
	head[4] = 0;
	for (unsigned i = 0; i < n_words; i++) {
		if (s.words[i].start < start || s.words[i].start >= end)
			continue;
		head[4]++;
		for (unsigned k = 0; k < RW_NGRAM_KINDS; k++)
			if (s.words[i].feature[k])
				s.out[n++] = s.words[i].feature[k] | k << 24;
	}
	head[5] = n - HEAD;
	for (unsigned i = 0; i < n_features; i++)
		if (s.where[i] >= start && s.where[i] < end)
			s.out[n++] = s.feature[i];
	head[6] = n - HEAD - head[5];
	for (size_t i = start; i < stop; i++)
		for (unsigned k = RW_CHARS_LEAST; k <= RW_CHARS_MOST && i + k <= stop; k++)
			s.out[n++] = rw_chars_feature(s.view.bytes + i, k);
	head[7] = n - HEAD - head[5] - head[6];
	fwrite(s.out, sizeof(*s.out), n, stdout);
}

static void on_words(void *arg, const struct rw_lexicon_hit *hits, unsigned n)
{
	(void)arg;
	for (unsigned i = 0; i < n; i++)
		rw_concepts_note(concepts, &s.view, hits[i].id, hits[i].start, &s.seen);
}

static void look(uint32_t line, struct rw_slice text)
{
	unsigned n_words = 0, n_features;

	rw_view_fold(&s.view, text);
	rw_words_init(&s.reader, rw_slice_of(s.view.bytes, s.view.n));
	while (rw_words_next(&s.reader, &s.words[n_words]))
		n_words++;
	rw_concepts_begin(&s.seen);
	rw_lexicon_find(lexicon, rw_slice_of(s.view.bytes, s.view.n), rw_lexicon_everywhere,
			on_words, NULL);
	n_features = concept_features(rw_concepts_hits(concepts, &s.seen, s.hits));
	for (unsigned k = 0; k < RW_WINDOW_SCALES; k++)
		for (size_t i = 0; i < rw_window_count(s.view.n, k); i++)
			put_window(line, rw_window_bytes[k], (uint32_t)rw_window_start(i, k),
				   n_words, n_features);
}

static void look_all(uint32_t line, struct rw_slice text)
{
	for (size_t at = 0; at < text.n || at == 0; at += RW_VIEW_TEXT_BYTES)
		look(line, rw_slice_of(text.p + at, text.n - at < RW_VIEW_TEXT_BYTES
							    ? text.n - at
							    : RW_VIEW_TEXT_BYTES));
}

int main(void)
{
	struct rw_error e = {.text = ""};
	char *line = NULL;
	size_t cap = 0;
	uint32_t number = 0;

	if (rw_concepts_load(&concepts, &e) || !(lexicon = rw_concepts_lexicon(concepts))) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	for (ssize_t n; (n = getline(&line, &cap, stdin)) >= 0; number++) {
		yyjson_doc *doc = yyjson_read(line, (size_t)n, 0);
		yyjson_val *text = yyjson_obj_get(yyjson_doc_get_root(doc), "text");

		look_all(number, rw_slice_of(yyjson_get_str(text), yyjson_get_len(text)));
		yyjson_doc_free(doc);
	}
	free(line);
	rw_lexicon_free(lexicon);
	rw_concepts_free(concepts);
	return 0;
}
