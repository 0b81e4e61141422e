/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/byte_set.h"

void rw_byte_set_put_range(struct rw_byte_set *s, unsigned from, unsigned last)
{
	for (unsigned c = from; c <= last; c++)
		rw_byte_set_put(s, c);
}

bool rw_byte_set_put_escape(struct rw_byte_set *s, char letter)
{
	struct rw_byte_set set = {{0}};

	switch (letter | 0x20) {
	case 'd':
		rw_byte_set_put_range(&set, '0', '9');
		break;
	case 'w':
		for (unsigned c = 0; c < 256; c++)
			if (rw_is_word_byte((unsigned char)c))
				rw_byte_set_put(&set, c);
		break;
	case 's':
		rw_byte_set_put(&set, ' ');
		rw_byte_set_put_range(&set, '\t', '\r');
		break;
	default:
		return false;
	}
	for (unsigned i = 0; i < 4; i++)
		s->in[i] |= letter & 0x20 ? set.in[i] : ~set.in[i];
	return true;
}

int rw_byte_escaped(char letter)
{
	switch (letter) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	default:
		return rw_is_word_byte((unsigned char)letter) ? -1 : (unsigned char)letter;
	}
}

/* One byte, or the end of a range, of a class. -1: not one byte; *failed: not understood. */
static int class_byte(struct rw_byte_set *set, const char **p, bool *failed)
{
	int c = (unsigned char)*(*p)++;

	if (c != '\\')
		return c;
	if (rw_byte_set_put_escape(set, **p)) {
		(*p)++;
		return -1;
	}
	c = **p ? rw_byte_escaped(*(*p)++) : -1;
	*failed |= c < 0;
	return c;
}

/* One member, or a range. */
static bool read_member(struct rw_byte_set *set, const char **p)
{
	bool failed = (*p)[0] == '[' && (*p)[1] == ':';
	int from = class_byte(set, p, &failed), last = from;

	if (from < 0)
		return !failed;
	if ((*p)[0] == '-' && (*p)[1] && (*p)[1] != ']') {
		(*p)++;
		last = class_byte(set, p, &failed);
	}
	if (failed || last < from)
		return false;
	rw_byte_set_put_range(set, (unsigned)from, (unsigned)last);
	return true;
}

bool rw_byte_set_read_class(struct rw_byte_set *s, const char **p)
{
	bool negated = **p == '^', first = true;

	*p += negated;
	for (; **p && (first || **p != ']'); first = false)
		if (!read_member(s, p))
			return false;
	if (**p != ']')
		return false;
	(*p)++;
	for (unsigned i = 0; negated && i < 4; i++)
		s->in[i] = ~s->in[i];
	return true;
}

void rw_byte_set_fold_case(struct rw_byte_set *s)
{
	for (unsigned c = 'a'; c <= 'z'; c++) {
		if (rw_byte_set_has(s, c) || rw_byte_set_has(s, c - 32)) {
			rw_byte_set_put(s, c);
			rw_byte_set_put(s, c - 32);
		}
	}
}
