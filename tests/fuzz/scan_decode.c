/* SPDX-License-Identifier: Apache-2.0 */
/* Views and decoders over any bytes: in bounds, never longer than the text but for spaces between
 * words, each byte from a place in it. */
#include "base/err.h"
#include "scan/decode.h"
#include "scan/ngram.h"

static struct rw_view view;
static struct rw_decoded d, again;

/* Each byte from a place in the text; a word may have a space in front. */
static void check_parted(const struct rw_decoded *at, size_t n)
{
	RW_BUG_ON(at->n > 2 * n);
	for (size_t i = 0; i < at->n; i++)
		RW_BUG_ON(at->origin[i] >= n);
}

static void check(const struct rw_decoded *at, size_t n)
{
	RW_BUG_ON(at->n > n);
	check_parted(at, n);
}

/* Words lie in the view, in order, and their features in the model. */
static void words(struct rw_slice text)
{
	static struct rw_words w;
	struct rw_word word;
	uint32_t end = 0;

	rw_view_fold(&view, text);
	RW_BUG_ON(view.n > text.n);
	rw_words_init(&w, rw_slice_of(view.bytes, view.n));
	while (rw_words_next(&w, &word)) {
		RW_BUG_ON(word.start < end || word.end <= word.start || word.end > view.n);
		end = word.end;
		for (unsigned k = 0; k < RW_NGRAM_KINDS; k++)
			RW_BUG_ON(word.feature[k] >> RW_NGRAM_BITS);
	}
}

/* Stretches lie in the text, in order and apart, and each byte that is new is in one. */
static void news(void)
{
	size_t at = 0, from, to, last = 0;

	while (rw_decoded_next_news(&d, &at, &from, &to)) {
		RW_BUG_ON(from >= to || to > d.n || from < last);
		for (size_t i = last; i < from; i++)
			RW_BUG_ON(rw_decoded_told(&d, i));
		last = to;
	}
	for (size_t i = last; i < d.n; i++)
		RW_BUG_ON(rw_decoded_told(&d, i));
}

static bool some_begin_more(void *arg, struct rw_slice token, size_t left)
{
	RW_BUG_ON(!left || left >= token.n || token.n > 2 * RW_CODED_BYTES_MIN);
	return (token.n + *(const size_t *)arg) & 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rw_slice text = rw_slice_of((const char *)data, n);

	if (n > RW_VIEW_TEXT_BYTES)
		return 0;
	words(text);
	rw_decode_hints_at[rw_level_here()](text);
	rw_decode(&d, text, n & 1);
	check(&d, n);
	words(rw_slice_of(d.bytes, d.n));
	rw_decode(&again, rw_slice_of(d.bytes, d.n), false);
	check(&again, d.n);
	news();
	rw_decode_together(&d, text);
	check_parted(&d, n);
	words(rw_slice_of(d.bytes, d.n));
	news();
	rw_decode_rotated(&d, text, (unsigned)(n % 26));
	check(&d, n);
	rw_decode_reversed(&d, text, n & 1);
	check(&d, n);
	RW_BUG_ON(d.n != n);
	rw_decode_mirrored(&d, text);
	check(&d, n);
	rw_decode_unbroken(&d, text);
	check(&d, n);
	rw_decode_spelled(&d, text);
	check(&d, n);
	news();
	rw_decode_numbered(&d, text);
	check(&d, n);
	news();
	rw_decode_joined(&d, text, n & 1, n & 2);
	check(&d, n);
	news();
	rw_decode_spaced(&d, text);
	check(&d, n);
	news();
	for (unsigned how = 0, ways = rw_decode_turns_ways(text); how < RW_TURNS_WAYS; how++) {
		const struct rw_glue glue = {some_begin_more, &text.n};
		bool some = rw_decode_turns(&d, text, (enum rw_turns)how, how & 1 ? NULL : &glue);

		RW_BUG_ON(!some && ways >> how & 1);
		check(&d, n);
		news();
	}
	return 0;
}
