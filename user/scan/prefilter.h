/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the prefilter reads of a pattern: a source that matches wherever the pattern
 * does, and maybe elsewhere, and that is cheap. A gap or a long repeat without an upper
 * bound costs Hyperscan nothing, while counting costs it much; and where a pattern
 * matches, its front matches, and is reported once and not at each further byte.
 */
#ifndef RW_SCAN_PREFILTER_H
#define RW_SCAN_PREFILTER_H

#include <stdbool.h>

#include "scan/pack.h"

enum { RW_PATTERN_MAX = 4096 }; /* bytes of a pattern's source with its NUL */

/* pattern is shorter than RW_PATTERN_MAX; so is what is written. */
void rw_prefilter_source(const char *pattern, char out[RW_PATTERN_MAX]);

/* The words as a pattern, in any case of letters. False: there are none, or too many. */
bool rw_prefilter_words(const struct rw_pack_list *words, char out[RW_PATTERN_MAX]);

/*
 * Puts in front of a source that one of the words was seen before, in any case of letters: what
 * looks like any number costs nothing where nobody talks about it. A source too long for that
 * stays.
 */
void rw_prefilter_after(const struct rw_pack_list *words, char source[RW_PATTERN_MAX]);

#endif
