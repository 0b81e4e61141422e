/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of feeds. A million of them are to be read in a fraction of a second: no copy of IPv4. */
#include <arpa/inet.h>
#include <string.h>

#include "kern/feed.h"
#include "kern/internal.h"

enum {
	/* Wider prefixes are a mistake in the list, or the end of the service. */
	WIDEST4 = 8,
	WIDEST6 = 16,
	HOST_PLEN6 = 64,
};

/* --- what nobody on the internet has ---------------------------------------------------------- */

struct range {
	uint8_t addr[16];
	uint8_t plen;
};

static const struct range reserved4[] = {
	{{0}, 8},	  {{10}, 8},	   {{100, 64}, 10},  {{127}, 8},
	{{169, 254}, 16}, {{172, 16}, 12}, {{192, 168}, 16}, {{224}, 3},
};

static const struct range reserved6[] = {
	{{0}, 8},
	{{0xfc}, 7},
	{{0xfe, 0x80}, 10},
	{{0xff}, 8},
};

/* Whether one covers the other. */
static bool overlap(const struct range *r, const struct rw_prefix *p)
{
	struct rw_prefix a = *p, b = {.plen = r->plen < p->plen ? r->plen : p->plen};

	memcpy(b.addr, r->addr, sizeof(b.addr));
	a.plen = b.plen;
	rw_prefix_mask(&a);
	rw_prefix_mask(&b);
	return !memcmp(a.addr, b.addr, sizeof(a.addr));
}

static bool reserved(const struct rw_prefix *p)
{
	const struct range *r = p->family == AF_INET ? reserved4 : reserved6;
	size_t n = p->family == AF_INET ? sizeof(reserved4) / sizeof(*r)
					: sizeof(reserved6) / sizeof(*r);

	for (size_t i = 0; i < n; i++)
		if (overlap(&r[i], p))
			return true;
	return false;
}

/* --- one line --------------------------------------------------------------------------------- */

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static bool ends_token(char c)
{
	return blank(c) || c == ',' || c == ';' || c == '|' || c == '#';
}

/* A number of at most three digits; returns what follows it, NULL: none. */
static const char *small_number(const char *at, const char *end, unsigned *out)
{
	const char *from = at;
	unsigned n = 0;

	for (; at < end && at - from < 3 && *at >= '0' && *at <= '9'; at++)
		n = 10 * n + (unsigned)(*at - '0');
	*out = n;
	return at == from ? NULL : at;
}

/* All of the token as a dotted quad. A leading zero is refused: some read such numbers as octal. */
static bool quad(const char *at, const char *end, uint8_t addr[4])
{
	const char *from;
	unsigned n;

	for (unsigned i = 0; i < 4; i++) {
		if (i && (at == end || *at++ != '.'))
			return false;
		from = at;
		at = small_number(from, end, &n);
		if (!at || n > 255 || (*from == '0' && at - from > 1))
			return false;
		addr[i] = (uint8_t)n;
	}
	return at == end;
}

static bool address6(const char *at, const char *end, uint8_t addr[16])
{
	char text[INET6_ADDRSTRLEN];
	size_t n = (size_t)(end - at);

	if (n >= sizeof(text))
		return false;
	memcpy(text, at, n);
	text[n] = '\0';
	return strlen(text) == n && inet_pton(AF_INET6, text, addr) == 1;
}

/* The token, all of it; *bare: without a length. */
static bool prefix(const char *at, const char *end, struct rw_prefix *p, bool *bare)
{
	const char *slash = memchr(at, '/', (size_t)(end - at));
	const char *stop = slash ? slash : end;
	unsigned plen;

	*bare = !slash;
	*p = (struct rw_prefix){.family = AF_INET, .plen = 32};
	if (!quad(at, stop, p->addr)) {
		p->family = AF_INET6;
		p->plen = 128;
		memset(p->addr, 0, sizeof(p->addr));
		if (!address6(at, stop, p->addr))
			return false;
	}
	if (!slash)
		return true;
	if (small_number(slash + 1, end, &plen) != end || plen > p->plen)
		return false;
	p->plen = (uint8_t)plen;
	return true;
}

/* Lists of ranges have "first last" or "first-last": taking the first for all would be wrong. */
static bool second_address(const char *at, const char *end)
{
	const char *from;
	uint8_t addr[16];

	while (at < end && (blank(*at) || *at == ',' || *at == '|' || *at == '-'))
		at++;
	for (from = at; at < end && !ends_token(*at);)
		at++;
	return quad(from, at, addr) || address6(from, at, addr);
}

enum rw_feed_line rw_feed_parse(const char *line, size_t n, struct rw_prefix *out)
{
	const char *at = line, *end = line + n, *from;
	struct rw_prefix masked;
	const char *dash;
	bool bare;

	while (at < end && blank(*at))
		at++;
	if (at == end || *at == '#' || *at == ';')
		return RW_FEED_EMPTY;
	for (from = at; at < end && !ends_token(*at);)
		at++;
	if (!prefix(from, at, out, &bare)) {
		dash = memchr(from, '-', (size_t)(at - from));
		return dash && prefix(from, dash, out, &bare) ? RW_FEED_RANGE : RW_FEED_NO_ADDRESS;
	}
	if (bare && second_address(at, end))
		return RW_FEED_RANGE;
	rw_prefix_unmap(out);
	if (bare && out->family == AF_INET6)
		out->plen = HOST_PLEN6;
	masked = *out;
	rw_prefix_mask(&masked);
	if (!bare && memcmp(masked.addr, out->addr, sizeof(masked.addr)) != 0)
		return RW_FEED_STRAY_BITS;
	*out = masked;
	if (out->plen < (out->family == AF_INET ? WIDEST4 : WIDEST6))
		return RW_FEED_TOO_WIDE;
	return reserved(out) ? RW_FEED_RESERVED : RW_FEED_PREFIX;
}

const char *rw_feed_line_text(enum rw_feed_line what)
{
	switch (what) {
	case RW_FEED_NO_ADDRESS:
		return "does not begin with an IP address or prefix";
	case RW_FEED_STRAY_BITS:
		return "has bits beyond its prefix length";
	case RW_FEED_TOO_WIDE:
		return "is wider than a /8 (IPv6: a /16)";
	case RW_FEED_RANGE:
		return "is a range: write it as prefixes, one a line";
	case RW_FEED_PREFIX:
	case RW_FEED_RESERVED:
	case RW_FEED_EMPTY:
		break;
	}
	return "is fine";
}
