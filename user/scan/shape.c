/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/shape.h"

#include <string.h>

#include "scan/lanes.h"
#include "scan/lexicon.h"

enum { RUN_MAX = 240 /* bytes of a run that is counted; a longer one may be anything */ };

enum {
	DIGIT = 1,
	LETTER = 2,
	BETWEEN = 4,
	WORD = 8,
};

static const uint8_t kinds[256] = {
	['0' ... '9'] = DIGIT | WORD,
	['a' ... 'z'] = LETTER | WORD,
	['A' ... 'Z'] = LETTER | WORD,
	['_'] = WORD,
	[' '] = BETWEEN,
	['-'] = BETWEEN,
	['.'] = BETWEEN,
	['/'] = BETWEEN,
	['('] = BETWEEN,
	[')'] = BETWEEN,
	['+'] = BETWEEN,
};

static unsigned longer(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

void rw_shape_see(struct rw_slice run, struct rw_shape_seen *out)
{
	unsigned digits = 0, group = 0, alnum = 0, before = 0, of[256] = {0}, upper = 0, all = 0;
	unsigned most_digits = 0, most_group = 0, most_alnum = 0;

	memset(out, 0, sizeof(*out));
	if (run.n > RUN_MAX) {
		memset(out, 0xff, sizeof(*out));
		return;
	}
	for (size_t i = 0; i < run.n; i++) {
		unsigned char c = (unsigned char)run.p[i];
		unsigned kind = kinds[c], digit = kind & DIGIT;

		rw_byte_set_put(&out->bytes, c);
		if (!(before & WORD))
			rw_byte_set_put(&out->starts, c);
		before = kind;
		of[c]++;
		all += digit;
		upper += c >= 'A' && c <= 'Z';
		digits = digit ? digits + 1 : 0;
		group = kind & (DIGIT | BETWEEN) ? group + digit : 0;
		alnum = kind & (DIGIT | LETTER) ? alnum + 1 : 0;
		most_digits = longer(most_digits, digits);
		most_group = longer(most_group, group);
		most_alnum = longer(most_alnum, alnum);
	}
	out->counts[RW_COUNT_DIGIT] = (uint8_t)all;
	out->counts[RW_COUNT_AT] = (uint8_t)of['@'];
	out->counts[RW_COUNT_COLON] = (uint8_t)of[':'];
	out->counts[RW_COUNT_DOT] = (uint8_t)of['.'];
	out->counts[RW_COUNT_UPPER] = (uint8_t)upper;
	out->counts[RW_COUNT_DASH] = (uint8_t)of['-'];
	out->counts[RW_COUNT_RUN] = (uint8_t)most_digits;
	out->counts[RW_COUNT_GROUP] = (uint8_t)most_group;
	out->counts[RW_COUNT_ALNUM] = (uint8_t)most_alnum;
}

static bool meet(const struct rw_byte_set *a, const struct rw_byte_set *b)
{
	return (a->in[0] & b->in[0]) | (a->in[1] & b->in[1]) | (a->in[2] & b->in[2]) |
	       (a->in[3] & b->in[3]);
}

bool rw_shape_fits(const struct rw_shape *s, const struct rw_shape_seen *seen)
{
	rw_lanes least, counts;

	memcpy(&least, s->least, sizeof(least));
	memcpy(&counts, seen->counts, sizeof(counts));
	return rw_lanes_bits((rw_lanes)(counts < least)) == 0 &&
	       meet(&s->first, s->at_word ? &seen->starts : &seen->bytes);
}
