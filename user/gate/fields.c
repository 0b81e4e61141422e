/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/fields.h"

/* Said to us alone, or said anew by us. */
static const struct rw_slice stays_here[] = {
	{"host", 4},
	{"content-length", 14},
	{"accept-encoding", 15},
	{"content-encoding", 16},
	/* whoever serves the caller knows its credentials, the provider gets the gateway's own */
	{"authorization", 13},
	{"api-key", 7},
	{"x-api-key", 9},
	{"x-goog-api-key", 14},
	{"cookie", 6},
	/* of a body in which something may be masked */
	{"digest", 6},
	{"content-md5", 11},
	{"content-digest", 14},
	{"repr-digest", 11},
};

static const struct rw_slice stays_there[] = {
	{"content-length", 14},
	{"content-encoding", 16},
	{"date", 4},
	/* about the upstream's own host, which the client does not talk to */
	{"alt-svc", 7},
	{"strict-transport-security", 25},
	{"set-cookie", 10},
	/* of a body in which something may be masked */
	{"etag", 4},
	{"digest", 6},
	{"content-md5", 11},
	{"content-digest", 14},
	{"repr-digest", 11},
};

static bool listed(const struct rw_slice *list, size_t n, struct rw_slice name)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].n == name.n && strncasecmp(list[i].p, name.p, name.n) == 0)
			return true;
	return false;
}

/* Only the gateway speaks in its own name. */
static bool is_ours(struct rw_slice name)
{
	static const struct rw_slice prefix = {"x-ringwall-", 11};

	return name.n >= prefix.n && strncasecmp(name.p, prefix.p, prefix.n) == 0;
}

bool rw_field_goes_up(const struct rw_h1_head *h, struct rw_slice name)
{
	return !is_ours(name) && !rw_h1_hop_by_hop(h, name) &&
	       !listed(stays_here, sizeof(stays_here) / sizeof(stays_here[0]), name);
}

bool rw_field_goes_down(const struct rw_h1_head *h, struct rw_slice name)
{
	return !is_ours(name) && !rw_h1_hop_by_hop(h, name) &&
	       !listed(stays_there, sizeof(stays_there) / sizeof(stays_there[0]), name);
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
