/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of bytes, and how patterns write them: classes and escapes as PCRE has them. */
#ifndef RW_SCAN_BYTE_SET_H
#define RW_SCAN_BYTE_SET_H

#include <stdbool.h>
#include <stdint.h>

struct rw_byte_set {
	uint64_t in[4];
};

static inline bool rw_byte_set_has(const struct rw_byte_set *s, unsigned c)
{
	return s->in[c / 64] >> c % 64 & 1;
}

static inline void rw_byte_set_put(struct rw_byte_set *s, unsigned c)
{
	s->in[c / 64] |= UINT64_C(1) << c % 64;
}

void rw_byte_set_put_range(struct rw_byte_set *s, unsigned from, unsigned last);

/* Of words, as \w has them. */
static inline bool rw_is_word_byte(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       c == '_';
}

/* Adds what \d, \W and their like are; false for another letter. */
bool rw_byte_set_put_escape(struct rw_byte_set *s, char letter);
/* The byte that \n, \. and their like stand for; -1: something else. */
int rw_byte_escaped(char letter);

/*
 * Adds a class, *p being behind its bracket and then behind its end. False: it has something that
 * is not understood here.
 */
bool rw_byte_set_read_class(struct rw_byte_set *s, const char **p);

/* Of each letter that is in, the other case, too. */
void rw_byte_set_fold_case(struct rw_byte_set *s);

#endif
