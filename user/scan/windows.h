/* SPDX-License-Identifier: Apache-2.0 */
/* The windows of a view that the model looks at: of two sizes, each half over the next. */
#ifndef RW_SCAN_WINDOWS_H
#define RW_SCAN_WINDOWS_H

#include "scan/concept.h"

enum { RW_WINDOW_SCALES = 2 };

/* A prompt fits the large one; what is hidden in a document stands out in the small one. */
static const unsigned rw_window_bytes[RW_WINDOW_SCALES] = {512, 160};

static inline size_t rw_window_start(size_t window, unsigned scale)
{
	return window * (rw_window_bytes[scale] / 2);
}

/* How many cover n bytes: at least one. */
static inline size_t rw_window_count(size_t n, unsigned scale)
{
	unsigned bytes = rw_window_bytes[scale], half = bytes / 2;

	return n <= bytes ? 1 : 1 + (n - bytes + half - 1) / half;
}

#endif
