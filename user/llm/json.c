/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/json.h"

#include "base/utf8.h"
#include "base/vec.h"

enum { KEY_MAX = 64 };

static uint32_t offset(const struct rw_json *j, const char *p)
{
	return (uint32_t)(p - j->base);
}

int rw_json_fail(struct rw_json *j, const char *what)
{
	return rw_fail(j->e, RW_EINVAL, "invalid JSON at byte %u: %s", offset(j, j->p), what);
}

int rw_json_init(struct rw_json *j, struct rw_slice body, unsigned depth, struct rw_error *e)
{
	if (body.n == 0)
		body.p = "";
	if (depth == 0)
		depth = RW_JSON_DEPTH;
	if (depth > RW_JSON_DEPTH_MAX)
		depth = RW_JSON_DEPTH_MAX;
	*j = (struct rw_json){
		.base = body.p, .p = body.p, .end = body.p + body.n, .depth_left = depth, .e = e};
	if (body.n >= UINT32_MAX)
		return rw_fail(e, RW_ELIMIT, "the JSON is larger than 4 GiB");
	return RW_OK;
}

/* What providers send has none where it may stand. */
static inline void skip_space(struct rw_json *j)
{
	while (j->p < j->end && (unsigned char)*j->p <= ' ' &&
	       (*j->p == ' ' || *j->p == '\n' || *j->p == '\r' || *j->p == '\t'))
		j->p++;
}

static bool take(struct rw_json *j, char c)
{
	if (j->p == j->end || *j->p != c)
		return false;
	j->p++;
	return true;
}

enum rw_json_type rw_json_peek(struct rw_json *j)
{
	skip_space(j);
	if (j->p == j->end)
		return RW_JSON_BAD;
	switch (*j->p) {
	case '{':
		return RW_JSON_OBJECT;
	case '[':
		return RW_JSON_ARRAY;
	case '"':
		return RW_JSON_STRING;
	case 't':
	case 'f':
		return RW_JSON_BOOL;
	case 'n':
		return RW_JSON_NULL;
	default:
		return *j->p == '-' || (*j->p >= '0' && *j->p <= '9') ? RW_JSON_NUMBER
								      : RW_JSON_BAD;
	}
}

/* --- strings ----------------------------------------------------------------------------- */

/* ASCII that stands for itself: no quote, backslash or control character. */
static bool plain(char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int skip_escape(struct rw_json *j)
{
	size_t left = (size_t)(j->end - j->p);

	if (left >= 2 && memchr("\"\\/bfnrt", j->p[1], 8)) {
		j->p += 2;
		return RW_OK;
	}
	if (left < 6 || j->p[1] != 'u')
		return rw_json_fail(j, "an escape sequence is wrong");
	for (int i = 2; i < 6; i++)
		if (hex_digit(j->p[i]) < 0)
			return rw_json_fail(j, "an escape sequence is wrong");
	j->p += 6;
	return RW_OK;
}

/* One character that is not plain ASCII: an escape or a UTF-8 sequence. */
static int skip_special(struct rw_json *j, bool *escaped)
{
	unsigned char c = (unsigned char)*j->p;
	size_t n;

	if (c == '\\') {
		*escaped = true;
		return skip_escape(j);
	}
	if (c < 0x20)
		return rw_json_fail(j, "a control character stands in a string");
	n = rw_utf8_len(j->p, (size_t)(j->end - j->p));
	if (n == 0)
		return rw_json_fail(j, "a string is not valid UTF-8");
	j->p += n;
	return RW_OK;
}

/* Where it is not plain any more, from p on. */
static const char *skip_plain(const char *p, const char *end)
{
	unsigned n;

	while (end - p >= 4 * RW_VEC &&
	       !rw_vec_any4(rw_vec_json_special(rw_vec_at(p)),
			    rw_vec_json_special(rw_vec_at(p + RW_VEC)),
			    rw_vec_json_special(rw_vec_at(p + 2 * RW_VEC)),
			    rw_vec_json_special(rw_vec_at(p + 3 * RW_VEC))))
		p += 4 * RW_VEC;
	while (end - p >= RW_VEC) {
		n = rw_vec_first(rw_vec_json_special(rw_vec_at(p)));
		p += n;
		if (n < RW_VEC)
			return p;
	}
	while (p < end && plain(*p))
		p++;
	return p;
}

int rw_json_string(struct rw_json *j, struct rw_span *out)
{
	bool escaped = false;
	const char *start;
	int rc;

	skip_space(j);
	if (!take(j, '"'))
		return rw_json_fail(j, "a string is expected");
	start = j->p;
	for (;;) {
		j->p = skip_plain(j->p, j->end);
		if (j->p == j->end)
			return rw_json_fail(j, "a string is not closed");
		if (*j->p == '"')
			break;
		rc = skip_special(j, &escaped);
		if (rc)
			return rc;
	}
	*out = (struct rw_span){offset(j, start), offset(j, j->p), escaped};
	j->p++;
	return RW_OK;
}

static uint32_t hex4(const char *p)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 4 | (uint32_t)hex_digit(p[i]);
	return v;
}

/* Reads the \uXXXX at p, with the low surrogate that may follow it; returns bytes read. */
static size_t read_u_escape(const char *p, size_t left, uint32_t *cp)
{
	uint32_t low;

	*cp = hex4(p + 2);
	if ((*cp & 0xfc00) != 0xd800 || left < 12 || p[6] != '\\' || p[7] != 'u')
		return 6;
	low = hex4(p + 8);
	if ((low & 0xfc00) != 0xdc00)
		return 6;
	*cp = 0x10000 + ((*cp & 0x3ff) << 10 | (low & 0x3ff));
	return 12;
}

size_t rw_json_unescape(struct rw_slice raw, char *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *p = raw.p, *end = raw.p + raw.n, *run;
	char *o = out;
	uint32_t cp;

	while (p < end) {
		run = memchr(p, '\\', (size_t)(end - p));
		if (!run)
			run = end;
		memcpy(o, p, (size_t)(run - p));
		o += run - p;
		p = run;
		if (p == end)
			break;
		if (p[1] == 'u') {
			p += read_u_escape(p, (size_t)(end - p), &cp);
			o += rw_utf8_put(o, cp);
		} else {
			*o++ = to[(const char *)memchr(from, p[1], 8) - from];
			p += 2;
		}
	}
	return (size_t)(o - out);
}

/* --- scalars ----------------------------------------------------------------------------- */

static bool skip_digits(struct rw_json *j)
{
	const char *start = j->p;

	while (j->p < j->end && *j->p >= '0' && *j->p <= '9')
		j->p++;
	return j->p > start;
}

static int skip_number(struct rw_json *j)
{
	bool good;

	take(j, '-');
	good = take(j, '0') || skip_digits(j);
	if (good && take(j, '.'))
		good = skip_digits(j);
	if (good && (take(j, 'e') || take(j, 'E'))) {
		if (!take(j, '+'))
			take(j, '-');
		good = skip_digits(j);
	}
	return good ? RW_OK : rw_json_fail(j, "a number is wrong");
}

int rw_json_u64(struct rw_json *j, uint64_t *out, bool *whole)
{
	const char *start;
	uint64_t v = 0;
	int rc;

	*whole = false;
	skip_space(j);
	start = j->p;
	rc = skip_number(j);
	if (rc)
		return rc;
	if (j->p - start > 19) /* 10^19 - 1 is the last that surely fits */
		return RW_OK;
	for (const char *p = start; p < j->p; p++) {
		if (*p < '0' || *p > '9')
			return RW_OK;
		v = v * 10 + (uint64_t)(*p - '0');
	}
	*whole = true;
	*out = v;
	return RW_OK;
}

static int skip_word(struct rw_json *j, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(j->end - j->p) < n || memcmp(j->p, word, n) != 0)
		return rw_json_fail(j, "a value is expected");
	j->p += n;
	return RW_OK;
}

int rw_json_bool(struct rw_json *j, bool *out)
{
	if (rw_json_peek(j) != RW_JSON_BOOL)
		return rw_json_fail(j, "true or false is expected");
	*out = *j->p == 't';
	return skip_word(j, *out ? "true" : "false");
}

/* --- objects and arrays ------------------------------------------------------------------ */

static int enter(struct rw_json *j)
{
	if (j->depth_left == 0)
		return rw_fail(j->e, RW_ELIMIT, "the JSON is nested too deeply at byte %u",
			       offset(j, j->p));
	j->depth_left--;
	return RW_OK;
}

/* Keys in small ASCII letters, nearly all, fold to themselves. */
static bool is_folded(struct rw_slice key)
{
	for (size_t i = 0; i < key.n; i++)
		if ((unsigned char)key.p[i] >= 0x80 || (key.p[i] >= 'A' && key.p[i] <= 'Z'))
			return false;
	return true;
}

/* What the key says, case folded as the most lenient reader does (Go folds U+017F and U+212A). */
static size_t fold(struct rw_slice key, char out[KEY_MAX])
{
	size_t n = 0, i = 0;

	while (i < key.n) {
		const unsigned char *p = (const unsigned char *)key.p + i;

		if (p[0] >= 'A' && p[0] <= 'Z') {
			out[n++] = (char)(p[0] | 0x20);
			i++;
		} else if (key.n - i >= 2 && p[0] == 0xc5 && p[1] == 0xbf) {
			out[n++] = 's';
			i += 2;
		} else if (key.n - i >= 3 && p[0] == 0xe2 && p[1] == 0x84 && p[2] == 0xaa) {
			out[n++] = 'k';
			i += 3;
		} else {
			out[n++] = (char)p[0];
			i++;
		}
	}
	return n;
}

static int find(const struct rw_json_shape *shape, struct rw_slice key)
{
	for (unsigned i = 0; i < shape->n; i++)
		if (shape->members[i].len == key.n &&
		    memcmp(shape->members[i].name, key.p, key.n) == 0)
			return (int)i;
	return -1;
}

static bool differs_in_case(const struct rw_json_shape *shape, struct rw_slice key)
{
	char folded[KEY_MAX] = {0};
	size_t n;

	if (key.n > KEY_MAX || is_folded(key))
		return false;
	n = fold(key, folded);
	return find(shape, rw_slice_of(folded, n)) >= 0;
}

/* Which member the key names: its index, -1 for none, or -2 for one in another case. */
static int identify(const struct rw_json *j, const struct rw_json_shape *shape, struct rw_span s)
{
	struct rw_slice key = rw_json_raw(j, s);
	char says[KEY_MAX * 6];
	int at;

	if (key.n > sizeof(says))
		return -1;
	if (s.escaped)
		key = rw_slice_of(says, rw_json_unescape(key, says));
	at = find(shape, key);
	return at < 0 && !shape->any_case && differs_in_case(shape, key) ? -2 : at;
}

static int read_member(struct rw_json *j, const struct rw_json_shape *shape, void *ctx,
		       uint64_t *seen)
{
	const char *at;
	struct rw_span key;
	int rc, i;

	skip_space(j);
	at = j->p;
	rc = rw_json_string(j, &key);
	if (rc)
		return rc;
	skip_space(j);
	if (!take(j, ':'))
		return rw_json_fail(j, "':' is expected");
	i = shape->n ? identify(j, shape, key) : -1;
	if (i == -2)
		return rw_fail(j->e, RW_EINVAL,
			       "the key at byte %u differs from a known one only in case",
			       offset(j, at));
	if (i < 0)
		return shape->other ? shape->other(j, ctx, 0) : rw_json_skip(j, NULL);
	if (*seen >> i & 1)
		return rw_fail(j->e, RW_EINVAL, "the key \"%s\" comes twice in an object (byte %u)",
			       shape->members[i].name, offset(j, at));
	*seen |= UINT64_C(1) << i;
	if (!shape->members[i].read)
		return rw_json_skip(j, NULL);
	return shape->members[i].read(j, ctx, shape->members[i].arg);
}

/* After a value: true when another one follows. */
static int next(struct rw_json *j, char close, bool *more)
{
	skip_space(j);
	*more = take(j, ',');
	if (*more)
		return RW_OK;
	if (!take(j, close))
		return rw_json_fail(j, close == '}' ? "',' or '}' is expected"
						    : "',' or ']' is expected");
	j->depth_left++;
	return RW_OK;
}

int rw_json_members(struct rw_json *j, const struct rw_json_shape *shape, void *ctx)
{
	bool more = true;
	uint64_t seen = 0;
	int rc;

	if (rw_json_peek(j) != RW_JSON_OBJECT)
		return rw_json_fail(j, "an object is expected");
	rc = enter(j);
	if (rc)
		return rc;
	j->p++;
	skip_space(j);
	if (j->p < j->end && *j->p == '}')
		return next(j, '}', &more);
	while (!rc && more) {
		rc = read_member(j, shape, ctx, &seen);
		if (!rc)
			rc = next(j, '}', &more);
	}
	return rc;
}

int rw_json_elements(struct rw_json *j, rw_json_fn *read, void *ctx, int arg)
{
	bool more = true;
	int rc;

	if (rw_json_peek(j) != RW_JSON_ARRAY)
		return rw_json_fail(j, "an array is expected");
	rc = enter(j);
	if (rc)
		return rc;
	j->p++;
	skip_space(j);
	if (j->p < j->end && *j->p == ']')
		return next(j, ']', &more);
	while (!rc && more) {
		rc = read(j, ctx, arg);
		if (!rc)
			rc = next(j, ']', &more);
	}
	return rc;
}

static int skip_element(struct rw_json *j, void *ctx, int arg)
{
	(void)ctx;
	(void)arg;
	return rw_json_skip(j, NULL);
}

static int skip_value(struct rw_json *j)
{
	static const struct rw_json_shape none = {0};
	struct rw_span s;

	switch (rw_json_peek(j)) {
	case RW_JSON_OBJECT:
		return rw_json_members(j, &none, NULL);
	case RW_JSON_ARRAY:
		return rw_json_elements(j, skip_element, NULL, 0);
	case RW_JSON_STRING:
		return rw_json_string(j, &s);
	case RW_JSON_NUMBER:
		return skip_number(j);
	case RW_JSON_BOOL:
		return skip_word(j, *j->p == 't' ? "true" : "false");
	case RW_JSON_NULL:
		return skip_word(j, "null");
	default:
		return rw_json_fail(j, "a value is expected");
	}
}

int rw_json_skip(struct rw_json *j, struct rw_span *span)
{
	const char *start;
	int rc;

	skip_space(j);
	start = j->p;
	rc = skip_value(j);
	if (!rc && span)
		*span = (struct rw_span){offset(j, start), offset(j, j->p), false};
	return rc;
}

int rw_json_end(struct rw_json *j)
{
	skip_space(j);
	return j->p == j->end ? RW_OK : rw_json_fail(j, "something follows the value");
}
