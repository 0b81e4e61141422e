/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/text.h"

#include "base/utf8.h"

static int write_u(struct rw_buf *out, unsigned cp)
{
	static const char hex[] = "0123456789abcdef";
	const char esc[6] = {
		'\\', 'u', hex[cp >> 12 & 15], hex[cp >> 8 & 15], hex[cp >> 4 & 15], hex[cp & 15]};

	return rw_buf_add(out, esc, sizeof(esc));
}

static int write_ascii(struct rw_buf *out, char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *at = memchr(from, c, sizeof(from) - 1);
	char esc[2] = {'\\'};

	if (!at)
		return write_u(out, (unsigned char)c);
	esc[1] = to[at - from];
	return rw_buf_add(out, esc, sizeof(esc));
}

/* What cannot stand as it is; *n is set to the bytes of text it takes. */
static int write_special(struct rw_buf *out, const char *p, size_t left, size_t *n)
{
	unsigned cp = rw_text_surrogate(p, left);

	*n = cp ? 3 : 1;
	if (cp)
		return write_u(out, cp);
	if ((unsigned char)*p < 0x80)
		return write_ascii(out, *p);
	return rw_buf_add(out, "\xef\xbf\xbd", 3);
}

int rw_text_write(struct rw_buf *out, struct rw_slice text)
{
	size_t run = 0, i = 0, n;
	unsigned char c;
	int rc = RW_OK;

	while (i < text.n && !rc) {
		c = (unsigned char)text.p[i];
		n = c >= 0x80 ? rw_utf8_len(text.p + i, text.n - i)
			      : (c >= 0x20 && c != '"' && c != '\\');
		if (n) {
			i += n;
			continue;
		}
		rc = rw_buf_add(out, text.p + run, i - run);
		if (!rc)
			rc = write_special(out, text.p + i, text.n - i, &n);
		i += n;
		run = i;
	}
	return rc || run == i ? rc : rw_buf_add(out, text.p + run, i - run);
}
