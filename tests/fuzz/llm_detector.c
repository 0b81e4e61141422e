/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of detectors elsewhere: what is believed lies in the text, between its characters. */
#include <stdint.h>
#include <string.h>

#include "llm/detector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rw_detections found;

/* The first byte says how long the text is, the answer follows it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char own[] = "\xc3\xa9 Jane \xf0\x9f\x98\x80 Doe, 12 Acacia Avenue";
	struct rw_slice text = rw_slice_of(own, sizeof(own) - 1), answer;
	struct rw_error e = {0};
	unsigned score = 0;

	if (!size)
		return 0;
	if (data[0] & 1)
		text.n = 9; /* shorter than most places in an answer */
	answer = rw_slice_of((const char *)data + 1, size - 1);
	if (!rw_presidio_read(answer, text, data[0] >> 1, &found, &e)) {
		RW_BUG_ON(found.n > RW_DETECTED_MAX);
		for (unsigned i = 0; i < found.n; i++) {
			const struct rw_detected *d = &found.at[i];

			RW_BUG_ON(d->start >= d->end || d->end > text.n || d->score > 100);
			RW_BUG_ON(((unsigned char)own[d->start] & 0xc0) == 0x80);
			RW_BUG_ON(d->end < text.n && ((unsigned char)own[d->end] & 0xc0) == 0x80);
			RW_BUG_ON(strnlen(d->type, sizeof(d->type)) == sizeof(d->type));
		}
	} else {
		RW_BUG_ON(!e.text[0]);
	}
	if (!rw_judge_read(answer, &score, &e))
		RW_BUG_ON(score > 100);
	return 0;
}
