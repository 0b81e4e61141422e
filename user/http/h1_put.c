/* SPDX-License-Identifier: Apache-2.0 */
/* Heads back to bytes, and looking into heads. Nothing is written that the parser would refuse. */
#include <inttypes.h>

#include "http/h1_impl.h"

const struct rw_slice *rw_h1_find(const struct rw_h1_head *h, const char *name)
{
	size_t n = strlen(name);

	for (unsigned i = 0; i < h->n_headers; i++)
		if (h->headers[i].name.n == n && strncasecmp(h->headers[i].name.p, name, n) == 0)
			return &h->headers[i].value;
	return NULL;
}

/* True where list, comma-separated, has the token name. */
static bool list_has(struct rw_slice list, struct rw_slice name)
{
	const char *p = list.p, *end = list.p + list.n;

	while (p < end) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		const char *stop = comma ? comma : end;

		while (p < stop && (*p == ' ' || *p == '\t'))
			p++;
		while (stop > p && (stop[-1] == ' ' || stop[-1] == '\t'))
			stop--;
		if ((size_t)(stop - p) == name.n && name.n && strncasecmp(p, name.p, name.n) == 0)
			return true;
		p = comma ? comma + 1 : end;
	}
	return false;
}

bool rw_h1_named(const rw_h1_names set, struct rw_slice name)
{
	if (name.n == 0 || name.n >= RW_H1_NAME_BYTES)
		return false;
	for (unsigned i = 0; i < RW_H1_NAMES && set[name.n][i]; i++)
		/* Letters differ in case by this bit; what else differs by it, strncasecmp sees. */
		if (((set[name.n][i][0] ^ name.p[0]) & ~0x20) == 0 &&
		    strncasecmp(set[name.n][i], name.p, name.n) == 0)
			return true;
	return false;
}

bool rw_h1_own_field(struct rw_slice name)
{
	static const rw_h1_names own = {
		[4] = {"Host"},
		[6] = {"Expect"},
		[7] = {"Upgrade", "Trailer"},
		[10] = {"Connection", "Keep-Alive"},
		[14] = {"Content-Length"},
		[17] = {"Transfer-Encoding"},
	};

	return rw_h1_named(own, name);
}

bool rw_h1_frames(struct rw_slice name)
{
	static const rw_h1_names framing = {
		[7] = {"Upgrade"},
		[10] = {"Connection"},
		[14] = {"Content-Length"},
		[16] = {"Proxy-Connection"},
		[17] = {"Transfer-Encoding"},
	};

	return rw_h1_named(framing, name);
}

bool rw_h1_hop_by_hop(const struct rw_h1_head *h, struct rw_slice name)
{
	static const rw_h1_names always = {
		[2] = {"TE"},
		[6] = {"Expect"},
		[7] = {"Trailer", "Upgrade"},
		[10] = {"Connection", "Keep-Alive"},
		[14] = {"HTTP2-Settings"},
		[16] = {"Proxy-Connection"},
		[17] = {"Transfer-Encoding"},
		[18] = {"Proxy-Authenticate"},
		[19] = {"Proxy-Authorization"},
		[25] = {"Proxy-Authentication-Info"},
	};

	if (rw_h1_named(always, name))
		return true;
	for (unsigned i = 0; h->connection_names && i < h->n_headers; i++)
		if (rw_slice_caseis(h->headers[i].name, "Connection") &&
		    list_has(h->headers[i].value, name))
			return true;
	return false;
}

/* --- serialising ----------------------------------------------------------------------------- */

/* Several pieces as one append: all or nothing. */
static int put(struct rw_buf *b, const struct rw_slice *parts, size_t n_parts)
{
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < n_parts; i++)
		n += parts[i].n;
	rc = rw_buf_reserve(b, n);
	for (size_t i = 0; !rc && i < n_parts; i++)
		if (parts[i].n) {
			memcpy(b->p + b->len, parts[i].p, parts[i].n);
			b->len += parts[i].n;
		}
	return rc;
}

#define PUT(b, ...)                                      \
	put((b), (const struct rw_slice[]){__VA_ARGS__}, \
	    sizeof((const struct rw_slice[]){__VA_ARGS__}) / sizeof(struct rw_slice))

int rw_h1_put_request_line(struct rw_buf *b, struct rw_slice method, struct rw_slice target)
{
	if (!rw_h1_known_method(method) || !target.n || target.p[0] != '/' ||
	    !rw_h1_all(target, RW_H1_TARGET))
		return RW_EINVAL;
	return PUT(b, method, RW_SLICE(" "), target, RW_SLICE(" HTTP/1.1\r\n"));
}

int rw_h1_put_status_line(struct rw_buf *b, unsigned status)
{
	char code[3];

	if (status < 100 || status > 599 || status == 101)
		return RW_EINVAL;
	code[0] = (char)('0' + status / 100);
	code[1] = (char)('0' + status / 10 % 10);
	code[2] = (char)('0' + status % 10);
	return PUT(b, RW_SLICE("HTTP/1.1 "), rw_slice_of(code, 3), RW_SLICE(" "),
		   rw_slice_str(rw_h1_reason(status)), RW_SLICE("\r\n"));
}

static bool is_ows(char c)
{
	return c == ' ' || c == '\t';
}

/* name: value, and the line's end. */
static char *put_line(char *p, struct rw_slice name, struct rw_slice value)
{
	memcpy(p, name.p, name.n);
	p += name.n;
	memcpy(p, ": ", 2);
	p += 2;
	if (value.n)
		memcpy(p, value.p, value.n);
	p += value.n;
	memcpy(p, "\r\n", 2);
	return p + 2;
}

static size_t line_bytes(struct rw_slice name, struct rw_slice value)
{
	return name.n + value.n + 4;
}

int rw_h1_put_header(struct rw_buf *b, struct rw_slice name, struct rw_slice value)
{
	int rc;

	if (!name.n || !rw_h1_all(name, RW_H1_TCHAR) || !rw_h1_is_value(value))
		return RW_EINVAL;
	if (value.n && (is_ows(value.p[0]) || is_ows(value.p[value.n - 1])))
		return RW_EINVAL;
	rc = rw_buf_reserve(b, line_bytes(name, value));
	if (!rc)
		b->len = (size_t)(put_line(b->p + b->len, name, value) - b->p);
	return rc;
}

size_t rw_h1_lines_room(const struct rw_h1_head *h)
{
	size_t n = 0;

	for (unsigned i = 0; i < h->n_headers; i++)
		n += line_bytes(h->headers[i].name, h->headers[i].value);
	return n;
}

struct rw_h1_lines rw_h1_lines_of(const struct rw_h1_head *h, rw_h1_goes goes, char *out)
{
	char *p = out;

	for (unsigned i = 0; i < h->n_headers; i++)
		if (!rw_h1_own_field(h->headers[i].name) && goes(h, h->headers[i].name))
			p = put_line(p, h->headers[i].name, h->headers[i].value);
	return (struct rw_h1_lines){{out, (size_t)(p - out)}};
}

enum { MAX_DIGITS = 24 };

/* value in the given base (10 or 16) at the end of out; returns where it begins. */
static struct rw_slice digits(uint64_t value, unsigned base, char out[MAX_DIGITS])
{
	size_t i = MAX_DIGITS;

	do {
		out[--i] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	return rw_slice_of(&out[i], MAX_DIGITS - i);
}

int rw_h1_put_header_num(struct rw_buf *b, const char *name, uint64_t value)
{
	char text[MAX_DIGITS];

	return rw_h1_put_header(b, rw_slice_str(name), digits(value, 10, text));
}

int rw_h1_put_end(struct rw_buf *b)
{
	return rw_buf_add(b, "\r\n", 2);
}

int rw_h1_put_chunk(struct rw_buf *b, const void *data, size_t n)
{
	char text[MAX_DIGITS];

	if (!n) /* a chunk of no bytes would end the body */
		return RW_OK;
	return PUT(b, digits(n, 16, text), RW_SLICE("\r\n"), rw_slice_of(data, n),
		   RW_SLICE("\r\n"));
}

int rw_h1_put_last_chunk(struct rw_buf *b)
{
	return rw_buf_add(b, "0\r\n\r\n", 5);
}

const char *rw_h1_reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *reason;
	} known[] = {
		{100, "Continue"},
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{206, "Partial Content"},
		{301, "Moved Permanently"},
		{302, "Found"},
		{303, "See Other"},
		{304, "Not Modified"},
		{307, "Temporary Redirect"},
		{308, "Permanent Redirect"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{402, "Payment Required"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{410, "Gone"},
		{411, "Length Required"},
		{412, "Precondition Failed"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{415, "Unsupported Media Type"},
		{416, "Range Not Satisfiable"},
		{417, "Expectation Failed"},
		{421, "Misdirected Request"},
		{422, "Unprocessable Content"},
		{424, "Failed Dependency"},
		{425, "Too Early"},
		{426, "Upgrade Required"},
		{428, "Precondition Required"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{451, "Unavailable For Legal Reasons"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{529, "Overloaded"},
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].status == status)
			return known[i].reason;
	return "";
}
