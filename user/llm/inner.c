/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/inner.h"

#include "base/err.h"

/* Length of the label at p ("[EMAIL_ADDRESS]"), or 0. */
static size_t label_len(const char *p, size_t n)
{
	size_t i = 1;

	if (n < 3 || p[0] != '[' || p[1] < 'A' || p[1] > 'Z')
		return 0;
	while (i < n &&
	       ((p[i] >= 'A' && p[i] <= 'Z') || (p[i] >= '0' && p[i] <= '9') || p[i] == '_'))
		i++;
	return i < n && p[i] == ']' ? i + 1 : 0;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static void follow(struct rw_inner *in, char c)
{
	switch (in->state) {
	case RW_INNER_VALUE:
		if (c == '"')
			in->state = RW_INNER_STRING;
		return;
	case RW_INNER_ESCAPE:
		in->state = c == 'u' ? RW_INNER_HEX : RW_INNER_STRING;
		in->hex_left = 4;
		return;
	case RW_INNER_HEX:
		if (is_hex(c)) {
			if (--in->hex_left == 0)
				in->state = RW_INNER_STRING;
			return;
		}
		in->state = RW_INNER_STRING;
		break;
	case RW_INNER_STRING:
		break;
	}
	if (c == '"')
		in->state = RW_INNER_VALUE;
	else if (c == '\\')
		in->state = RW_INNER_ESCAPE;
}

/* A label stands where the text is now. */
static int write_label(struct rw_inner *in, struct rw_slice label, struct rw_buf *out)
{
	static const char zeros[] = "0000";
	bool bare = in->state == RW_INNER_VALUE;
	int rc = RW_OK;

	if (bare)
		rc = rw_buf_add(out, "\"", 1);
	if (in->state == RW_INNER_ESCAPE) /* what was escaped is masked: the backslash stays */
		rc = rw_buf_add(out, "\\", 1);
	if (in->state == RW_INNER_HEX)
		rc = rw_buf_add(out, zeros, in->hex_left);
	if (!rc)
		rc = rw_buf_add_slice(out, label);
	if (!rc && bare)
		rc = rw_buf_add(out, "\"", 1);
	if (!bare)
		in->state = RW_INNER_STRING;
	return rc;
}

int rw_inner_write(struct rw_inner *in, struct rw_slice text, bool masked, struct rw_buf *out)
{
	size_t run = 0, i = 0, n;
	int rc = RW_OK;

	while (i < text.n && !rc) {
		n = masked ? label_len(text.p + i, text.n - i) : 0;
		if (!n) {
			follow(in, text.p[i++]);
			continue;
		}
		rc = rw_buf_add(out, text.p + run, i - run);
		if (!rc)
			rc = write_label(in, rw_slice_of(text.p + i, n), out);
		i += n;
		run = i;
	}
	return rc || run == i ? rc : rw_buf_add(out, text.p + run, i - run);
}
