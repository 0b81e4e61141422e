/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/fields.h"

/*
 * Said to us alone, or said anew by us: Host, lengths and encodings. Whoever serves the caller
 * knows its credentials, the provider gets the gateway's own. Digests are of a body in which
 * something may be masked.
 */
static const rw_h1_names stays_here = {
	[4] = {"host"},
	[6] = {"cookie", "digest"},
	[7] = {"api-key"},
	[9] = {"x-api-key"},
	[11] = {"content-md5", "repr-digest"},
	[13] = {"authorization"},
	[14] = {"content-length", "x-goog-api-key", "content-digest"},
	[15] = {"accept-encoding"},
	[16] = {"content-encoding"},
};

/* alt-svc, HSTS and cookies are about the upstream's own host, which the client does not talk to.
 */
static const rw_h1_names stays_there = {
	[4] = {"date", "etag"},
	[6] = {"digest"},
	[7] = {"alt-svc"},
	[10] = {"set-cookie"},
	[11] = {"content-md5", "repr-digest"},
	[14] = {"content-length", "content-digest"},
	[16] = {"content-encoding"},
	[25] = {"strict-transport-security"},
};

/* Only the gateway speaks in its own name. */
static bool is_ours(struct rw_slice name)
{
	static const struct rw_slice prefix = {"x-ringwall-", 11};

	/* Many fields begin with x-. */
	return name.n >= prefix.n && (name.p[2] | 0x20) == 'r' &&
	       strncasecmp(name.p, prefix.p, prefix.n) == 0;
}

bool rw_field_goes_up(const struct rw_h1_head *h, struct rw_slice name)
{
	return !is_ours(name) && !rw_h1_hop_by_hop(h, name) && !rw_h1_named(stays_here, name);
}

bool rw_field_goes_down(const struct rw_h1_head *h, struct rw_slice name)
{
	return !is_ours(name) && !rw_h1_hop_by_hop(h, name) && !rw_h1_named(stays_there, name);
}

bool rw_fields_encoded(const struct rw_h1_head *h)
{
	for (unsigned i = 0; i < h->n_headers; i++)
		if (rw_slice_caseis(h->headers[i].name, "content-encoding") &&
		    h->headers[i].value.n && !rw_slice_caseis(h->headers[i].value, "identity"))
			return true;
	return false;
}

static struct rw_slice trimmed(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return rw_slice_of(p, (size_t)(end - p));
}

/* "application/json", perhaps "; charset=utf-8"; RFC 8259 11 knows no other parameter. */
static bool is_json(struct rw_slice v)
{
	const char *end = v.p + v.n, *semicolon = v.n ? memchr(v.p, ';', v.n) : NULL;
	struct rw_slice parameter;

	if (!rw_slice_caseis(trimmed(v.p, semicolon ? semicolon : end), "application/json"))
		return false;
	if (!semicolon)
		return true;
	parameter = trimmed(semicolon + 1, end);
	return parameter.n == 0 || rw_slice_caseis(parameter, "charset=utf-8") ||
	       rw_slice_caseis(parameter, "charset=\"utf-8\"");
}

bool rw_fields_not_json(const struct rw_h1_head *h)
{
	for (unsigned i = 0; i < h->n_headers; i++)
		if (rw_slice_caseis(h->headers[i].name, "content-type") &&
		    !is_json(h->headers[i].value))
			return true;
	return false;
}
