/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict reading of a head: RFC 9110 5 and 7, RFC 9112 3 to 6, without the
 * tolerance those allow. Whatever two implementations are known to read
 * differently is refused.
 */
#include "base/vec.h"
#include "http/h1_impl.h"

#define ANY    (RW_H1_TCHAR | RW_H1_VALUE | RW_H1_TARGET)
#define NAMECH (ANY | RW_H1_HOST)
#define DELIM  (RW_H1_VALUE | RW_H1_TARGET)

const uint8_t rw_h1_bytes[256] = {
	['\t'] = RW_H1_VALUE,
	[' '] = RW_H1_VALUE,
	['0' ... '9'] = NAMECH | RW_H1_DIGIT,
	['A' ... 'Z'] = NAMECH,
	['a' ... 'z'] = NAMECH,
	['-'] = NAMECH,
	['.'] = NAMECH,
	['_'] = NAMECH,
	['!'] = ANY,
	['$'] = ANY,
	['%'] = ANY,
	['&'] = ANY,
	['\''] = ANY,
	['*'] = ANY,
	['+'] = ANY,
	['^'] = ANY,
	['`'] = ANY,
	['|'] = ANY,
	['~'] = ANY,
	['"'] = DELIM,
	['('] = DELIM,
	[')'] = DELIM,
	[','] = DELIM,
	['/'] = DELIM,
	[':'] = DELIM,
	[';'] = DELIM,
	['<'] = DELIM,
	['='] = DELIM,
	['>'] = DELIM,
	['?'] = DELIM,
	['@'] = DELIM,
	['['] = DELIM,
	[']'] = DELIM,
	['{'] = DELIM,
	['}'] = DELIM,
	['#'] = RW_H1_TCHAR | RW_H1_VALUE,
	['\\'] = RW_H1_VALUE,
	[0x80 ... 0xff] = RW_H1_VALUE,
};

/* What is counted and remembered of the headers that decide about framing. */
struct notes {
	enum rw_h1_side side;
	struct rw_h1_head *h;
	struct rw_slice host;
	unsigned hosts, lengths, encodings;
	bool close, keep_alive;
	struct rw_error *e;
};

bool rw_h1_all(struct rw_slice s, unsigned cls)
{
	unsigned ok = cls;

	for (size_t i = 0; i < s.n; i++)
		ok &= rw_h1_bytes[(unsigned char)s.p[i]];
	return ok;
}

/* Is one of them below SP, or DEL? The tab is, and is looked at again. */
static bool has_control(const char *p)
{
	rw_vec v = rw_vec_at(p);

	return rw_vec_any(((v >= 0) & (v < ' ')) | (v == 0x7f));
}

bool rw_h1_is_value(struct rw_slice s)
{
	while (s.n >= RW_VEC) {
		if (has_control(s.p) && !rw_h1_all(rw_slice_of(s.p, RW_VEC), RW_H1_VALUE))
			return false;
		s.p += RW_VEC;
		s.n -= RW_VEC;
	}
	return rw_h1_all(s, RW_H1_VALUE);
}

bool rw_h1_known_method(struct rw_slice m)
{
	static const char *const known[] = {"GET",    "POST",  "HEAD",	 "PUT",
					    "DELETE", "PATCH", "OPTIONS"};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (rw_slice_is(m, known[i]))
			return true;
	return false;
}

static bool is_ows(char c)
{
	return c == ' ' || c == '\t';
}

static struct rw_slice trim(const char *p, const char *end)
{
	while (p < end && is_ows(*p))
		p++;
	while (end > p && is_ows(end[-1]))
		end--;
	return rw_slice_of(p, (size_t)(end - p));
}

/* --- the headers that matter to framing ------------------------------------------------------ */

static int see_host(struct notes *k, struct rw_slice v)
{
	struct rw_slice name = v;
	const char *colon;

	if (k->side != RW_H1_REQUESTS)
		return RW_OK;
	if (k->hosts++)
		return rw_fail(k->e, RW_EPROTO, "more than one Host header");
	k->host = v;
	if (v.n && v.p[0] == '[') {
		const char *close = memchr(v.p, ']', v.n);

		if (!close || close == v.p + 1)
			return rw_fail(k->e, RW_EPROTO, "the Host header is not a name");
		for (const char *c = v.p + 1; c < close; c++)
			if (!strchr("0123456789abcdefABCDEF:.", *c) || !*c)
				return rw_fail(k->e, RW_EPROTO, "the Host header is not a name");
		name = rw_slice_of("ip", 2);
		colon = close + 1 < v.p + v.n ? close + 1 : NULL;
	} else {
		colon = v.n ? memchr(v.p, ':', v.n) : NULL;
		if (colon)
			name.n = (size_t)(colon - v.p);
	}
	if (!name.n || !rw_h1_all(name, RW_H1_HOST) ||
	    (colon &&
	     (*colon != ':' ||
	      !rw_h1_all(rw_slice_of(colon + 1, (size_t)(v.p + v.n - colon - 1)), RW_H1_DIGIT))))
		return rw_fail(k->e, RW_EPROTO, "the Host header is not a name");
	return RW_OK;
}

static int see_length(struct notes *k, struct rw_slice v)
{
	uint64_t n = 0;

	if (k->lengths++)
		return rw_fail(k->e, RW_EPROTO, "more than one Content-Length header");
	if (!v.n || !rw_h1_all(v, RW_H1_DIGIT))
		return rw_fail(k->e, RW_EPROTO, "Content-Length is not a number");
	for (size_t i = 0; i < v.n; i++) {
		unsigned digit = (unsigned)(v.p[i] - '0');

		if (n > ((uint64_t)INT64_MAX - digit) / 10)
			return rw_fail(k->e, RW_EPROTO, "Content-Length is out of range");
		n = n * 10 + digit;
	}
	k->h->has_length = true;
	k->h->length = n;
	return RW_OK;
}

static int see_encoding(struct notes *k, struct rw_slice v)
{
	if (k->encodings++)
		return rw_fail(k->e, RW_EPROTO, "more than one Transfer-Encoding header");
	if (!rw_slice_caseis(v, "chunked"))
		return rw_fail(k->e, RW_EPROTO, "Transfer-Encoding is not just \"chunked\"");
	k->h->chunked = true;
	return RW_OK;
}

/* The next element of a comma-separated list; false at its end. */
static bool list_next(struct rw_slice *list, struct rw_slice *item)
{
	const char *end = list->p + list->n, *comma;

	if (!list->n)
		return false;
	comma = memchr(list->p, ',', list->n);
	*item = trim(list->p, comma ? comma : end);
	*list = comma ? rw_slice_of(comma + 1, (size_t)(end - comma - 1)) : rw_slice_of(end, 0);
	return true;
}

static int see_connection(struct notes *k, struct rw_slice v)
{
	struct rw_slice item;

	while (list_next(&v, &item)) {
		if (!rw_h1_all(item, RW_H1_TCHAR))
			return rw_fail(k->e, RW_EPROTO, "Connection is not a list of tokens");
		if (rw_slice_caseis(item, "close"))
			k->close = true;
		else if (rw_slice_caseis(item, "keep-alive"))
			k->keep_alive = true;
		else
			k->h->connection_names |= item.n != 0;
	}
	return RW_OK;
}

static int see_expect(struct notes *k, struct rw_slice v)
{
	if (k->side != RW_H1_REQUESTS)
		return RW_OK;
	if (!rw_slice_caseis(v, "100-continue"))
		return rw_fail(k->e, RW_EPROTO, "Expect is not \"100-continue\"");
	k->h->expect_continue = true;
	return RW_OK;
}

static int see_upgrade(struct notes *k, struct rw_slice v)
{
	(void)v;
	if (k->side != RW_H1_REQUESTS)
		return RW_OK;
	return rw_fail(k->e, RW_EPROTO, "Upgrade is not served here: speak plain HTTP/1.1");
}

/* CGI-like upstreams take an underscore for a dash: these would be a second framing to them. */
static int see_lookalike(struct notes *k, struct rw_slice v)
{
	(void)v;
	return rw_fail(k->e, RW_EPROTO, "a framing header is spelled with an underscore");
}

static const struct {
	struct rw_slice name;
	int (*see)(struct notes *k, struct rw_slice value);
} watched[] = {
	{{"Host", 4}, see_host},
	{{"Expect", 6}, see_expect},
	{{"Upgrade", 7}, see_upgrade},
	{{"Connection", 10}, see_connection},
	{{"Content-Length", 14}, see_length},
	{{"HTTP2-Settings", 14}, see_upgrade},
	{{"Content_Length", 14}, see_lookalike},
	{{"Transfer-Encoding", 17}, see_encoding},
	{{"Transfer_Encoding", 17}, see_lookalike},
};

static int see_field(struct notes *k, struct rw_slice name, struct rw_slice value)
{
	/* Most names have none of these lengths. */
	const uint32_t lengths = 1u << 4 | 1u << 6 | 1u << 7 | 1u << 10 | 1u << 14 | 1u << 17;

	if (name.n > 31 || !(lengths >> name.n & 1))
		return RW_OK;
	for (size_t i = 0; i < sizeof watched / sizeof *watched; i++)
		if (watched[i].name.n == name.n &&
		    strncasecmp(watched[i].name.p, name.p, name.n) == 0)
			return watched[i].see(k, value);
	return RW_OK;
}

/* --- lines ----------------------------------------------------------------------------------- */

/* What is neither a letter nor a dash: nearly all names are of these. */
static rw_vec no_letters(rw_vec v)
{
	rw_vec small = v | 0x20;

	return ~(((small >= 'a') & (small <= 'z')) | (v == '-'));
}

/* The first byte that no token has; a token alone ends at end. */
static const char *token_end(const char *p, const char *end)
{
	unsigned n = RW_VEC;

	for (; n == RW_VEC && end - p >= RW_VEC; p += n)
		n = rw_vec_first(no_letters(rw_vec_at(p)));
	while (p < end && rw_h1_bytes[(unsigned char)*p] & RW_H1_TCHAR)
		p++;
	return p;
}

/* What stands where the name ends, and is not the colon. */
static int bad_name(struct notes *k, const char *p, const char *colon, const char *end)
{
	if (is_ows(*p))
		return rw_fail(k->e, RW_EPROTO, "a header line begins with white space");
	if (colon == end)
		return rw_fail(k->e, RW_EPROTO, "a header line has no colon");
	return rw_fail(k->e, RW_EPROTO, "a header's name is empty or not a token");
}

static int read_field(struct notes *k, const char *p, const char *end, uint32_t max_headers)
{
	const char *colon = token_end(p, end);
	struct rw_slice name, value;

	if (colon == p || colon == end || *colon != ':')
		return bad_name(k, p, colon, end);
	name = rw_slice_of(p, (size_t)(colon - p));
	value = trim(colon + 1, end);
	if (!rw_h1_is_value(value))
		return rw_fail(k->e, RW_EPROTO, "a control character in the value of %.*s",
			       (int)(name.n < 64 ? name.n : 64), name.p);
	if (k->h->n_headers == max_headers)
		return rw_fail(k->e, RW_ELIMIT, "more than %u headers", max_headers);
	k->h->headers[k->h->n_headers++] = (struct rw_h1_header){name, value};
	return see_field(k, name, value);
}

static int read_version(struct notes *k, struct rw_slice v)
{
	if (rw_slice_is(v, "HTTP/1.1"))
		k->h->minor = 1;
	else if (rw_slice_is(v, "HTTP/1.0"))
		k->h->minor = 0;
	else
		return rw_fail(k->e, RW_EPROTO, "the version is neither HTTP/1.1 nor HTTP/1.0");
	return RW_OK;
}

static int read_request_line(struct notes *k, const char *p, const char *end)
{
	const char *sp1 = memchr(p, ' ', (size_t)(end - p));
	const char *sp2 = sp1 ? memchr(sp1 + 1, ' ', (size_t)(end - sp1 - 1)) : NULL;
	struct rw_slice m, t;

	if (!sp2)
		return rw_fail(k->e, RW_EPROTO,
			       "the request line is not \"METHOD target HTTP/1.1\"");
	m = rw_slice_of(p, (size_t)(sp1 - p));
	t = rw_slice_of(sp1 + 1, (size_t)(sp2 - sp1 - 1));
	if (!rw_h1_known_method(m))
		return rw_fail(k->e, RW_EPROTO, "the method is not one that is served here");
	if (!t.n || !rw_h1_all(t, RW_H1_TARGET))
		return rw_fail(k->e, RW_EPROTO,
			       "the request target is empty or has bytes that "
			       "must be percent-encoded");
	k->h->method = m;
	k->h->target = t;
	return read_version(k, rw_slice_of(sp2 + 1, (size_t)(end - sp2 - 1)));
}

static int read_status_line(struct notes *k, const char *p, const char *end)
{
	size_t n = (size_t)(end - p);
	int rc;

	if (n < 12 || p[8] != ' ' || !rw_h1_all(rw_slice_of(p + 9, 3), RW_H1_DIGIT) ||
	    (n > 12 && p[12] != ' '))
		return rw_fail(k->e, RW_EPROTO, "the status line is not \"HTTP/1.1 200 reason\"");
	rc = read_version(k, rw_slice_of(p, 8));
	if (rc)
		return rc;
	k->h->status = (unsigned)(p[9] - '0') * 100 + (unsigned)(p[10] - '0') * 10 +
		       (unsigned)(p[11] - '0');
	if (k->h->status < 100 || k->h->status > 599)
		return rw_fail(k->e, RW_EPROTO, "status %u is out of range", k->h->status);
	if (k->h->status == 101)
		return rw_fail(k->e, RW_EPROTO, "the upstream switched protocols unasked");
	if (!rw_h1_all(rw_slice_of(p + 12, n - 12), RW_H1_VALUE))
		return rw_fail(k->e, RW_EPROTO, "a control character in the status line");
	return RW_OK;
}

/* --- the head as a whole --------------------------------------------------------------------- */

/* "http://authority/path" becomes "/path" where authority is what Host says. */
static int reduce_target(struct notes *k)
{
	static const char *const schemes[] = {"http://", "https://"};
	struct rw_slice *t = &k->h->target, auth = {0};
	const char *slash;

	if (t->p[0] == '/')
		return RW_OK;
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		size_t n = strlen(schemes[i]);

		if (t->n > n && strncasecmp(t->p, schemes[i], n) == 0)
			auth = rw_slice_of(t->p + n, t->n - n);
	}
	if (!auth.n)
		return rw_fail(k->e, RW_EPROTO, "the request target does not begin with \"/\"");
	slash = memchr(auth.p, '/', auth.n);
	*t = slash ? rw_slice_of(slash, (size_t)(auth.p + auth.n - slash)) : RW_SLICE("/");
	if (slash)
		auth.n = (size_t)(slash - auth.p);
	if (auth.n != k->host.n || strncasecmp(auth.p, k->host.p, auth.n) != 0)
		return rw_fail(k->e, RW_EPROTO, "the request target names another host than Host");
	return RW_OK;
}

static int finish_request(struct notes *k, enum rw_h1_body *body)
{
	struct rw_h1_head *h = k->h;

	if (!k->hosts)
		return rw_fail(k->e, RW_EPROTO, "the Host header is missing");
	*body = h->chunked ? RW_H1_CHUNKED : h->has_length ? RW_H1_LENGTH : RW_H1_NO_BODY;
	/* RFC 9110 10.1.1: ignored from HTTP/1.0, and pointless without a body. */
	if (h->minor == 0 || *body == RW_H1_NO_BODY || (h->has_length && !h->length))
		h->expect_continue = false;
	return reduce_target(k);
}

static int finish_response(struct notes *k, bool head_only, enum rw_h1_body *body)
{
	struct rw_h1_head *h = k->h;

	if (h->status < 200 || h->status == 204) {
		/* RFC 9112 6.1, 6.3: no body can follow, so what announces one is a doubt. */
		if (h->chunked || h->length)
			return rw_fail(k->e, RW_EPROTO, "status %u announces a body", h->status);
		*body = RW_H1_NO_BODY;
	} else if (head_only || h->status == 304) {
		*body = RW_H1_NO_BODY;
	} else {
		*body = h->chunked ? RW_H1_CHUNKED : h->has_length ? RW_H1_LENGTH : RW_H1_UNTIL_EOF;
	}
	return RW_OK;
}

int rw_h1_head_read(enum rw_h1_side side, const char *raw, size_t n, uint32_t max_headers,
		    bool head_only, struct rw_h1_head *h, enum rw_h1_body *body, struct rw_error *e)
{
	struct notes k = {.side = side, .h = h, .e = e};
	const char *p = raw, *end = raw + n - 2, *lf;
	int rc;

	/* Not the array: it is large and n_headers bounds it. */
	memset(h, 0, offsetof(struct rw_h1_head, headers));
	lf = memchr(p, '\n', n);
	rc = side == RW_H1_REQUESTS ? read_request_line(&k, p, lf - 1)
				    : read_status_line(&k, p, lf - 1);
	for (p = lf + 1; !rc && p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(raw + n - p));
		rc = read_field(&k, p, lf - 1, max_headers);
	}
	if (rc)
		return rc;
	if (h->chunked && h->has_length)
		return rw_fail(e, RW_EPROTO, "both Content-Length and Transfer-Encoding");
	if (h->chunked && h->minor == 0)
		return rw_fail(e, RW_EPROTO, "Transfer-Encoding on HTTP/1.0");
	h->keep_alive = !k.close && (h->minor == 1 || k.keep_alive);
	return side == RW_H1_REQUESTS ? finish_request(&k, body)
				      : finish_response(&k, head_only, body);
}
