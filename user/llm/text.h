/* SPDX-License-Identifier: Apache-2.0 */
/* Writing text into JSON. */
#ifndef RW_LLM_TEXT_H
#define RW_LLM_TEXT_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Adds text as the inside of a JSON string, without quotes. Escaped is only what must be: the
 * quote, the backslash, control characters, and surrogates (three-byte WTF-8), which
 * UTF-8 cannot carry. Bytes that are no UTF-8 become U+FFFD. RW_ENOMEM, RW_ELIMIT.
 */
int rw_text_write(struct rw_buf *out, struct rw_slice text);

/* The WTF-8 surrogate at p: its code point, or 0 if there is none in n bytes. */
static inline unsigned rw_text_surrogate(const char *p, size_t n)
{
	const unsigned char *s = (const unsigned char *)p;

	if (n < 3 || s[0] != 0xed || (s[1] & 0xe0) != 0xa0 || (s[2] & 0xc0) != 0x80)
		return 0;
	return 0xd000u | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
}

#endif
