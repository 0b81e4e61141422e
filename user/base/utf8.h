/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF. */
#ifndef RW_BASE_UTF8_H
#define RW_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the valid sequence at p (1 to 4), or 0 if there is none in n bytes. */
size_t rw_utf8_len(const char *p, size_t n);
bool rw_utf8_valid(const char *p, size_t n);
/* Writes cp (at most U+10FFFF; a surrogate is written as its three-byte WTF-8 form); returns the
 * length. */
size_t rw_utf8_put(char out[4], uint32_t cp);

#endif
