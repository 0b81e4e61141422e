/* SPDX-License-Identifier: Apache-2.0 */
/* Prefixes: their text, their keys in the maps, and which one stands for a source. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "kern/internal.h"

enum { MAPPED_BITS = 96, SOURCE_PLEN6 = 64 };

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static unsigned full_plen(int family)
{
	return family == AF_INET ? 32 : 128;
}

void rw_prefix_mask(struct rw_prefix *p)
{
	for (unsigned i = 0; i < sizeof(p->addr); i++) {
		unsigned bits = p->plen > 8 * i ? p->plen - 8 * i : 0;

		if (bits < 8)
			p->addr[i] &= (uint8_t)(0xff00 >> bits);
	}
}

void rw_prefix_unmap(struct rw_prefix *p)
{
	if (p->family != AF_INET6 || p->plen < MAPPED_BITS || memcmp(p->addr, mapped, 12) != 0)
		return;
	p->family = AF_INET;
	p->plen = (uint8_t)(p->plen - MAPPED_BITS);
	memmove(p->addr, p->addr + 12, 4);
	memset(p->addr + 4, 0, 12);
}

static int parse_plen(const char *digits, unsigned max, uint8_t *out)
{
	unsigned n = 0;

	if (!*digits || strlen(digits) > 3)
		return RW_EINVAL;
	for (; *digits; digits++) {
		if (*digits < '0' || *digits > '9')
			return RW_EINVAL;
		n = 10 * n + (unsigned)(*digits - '0');
	}
	if (n > max)
		return RW_EINVAL;
	*out = (uint8_t)n;
	return RW_OK;
}

int rw_prefix_parse(const char *text, struct rw_prefix *out, struct rw_error *e)
{
	struct rw_prefix p = {.family = strchr(text, ':') ? AF_INET6 : AF_INET}, masked;
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char addr[INET6_ADDRSTRLEN], meant[64];

	if (n >= sizeof(addr))
		return rw_fail(e, RW_EINVAL, "'%.60s' is not an IP address or prefix", text);
	memcpy(addr, text, n);
	addr[n] = '\0';
	if (inet_pton(p.family, addr, p.addr) != 1)
		return rw_fail(e, RW_EINVAL,
			       "'%.60s' is not an IP address or prefix (as 192.0.2.7, 192.0.2.0/24 "
			       "or 2001:db8::/64)",
			       text);
	p.plen = (uint8_t)full_plen(p.family);
	if (slash && parse_plen(slash + 1, full_plen(p.family), &p.plen))
		return rw_fail(e, RW_EINVAL, "'%.60s': the prefix length is a number from 0 to %u",
			       text, full_plen(p.family));
	rw_prefix_unmap(&p);
	masked = p;
	rw_prefix_mask(&masked);
	if (memcmp(masked.addr, p.addr, sizeof(p.addr)) != 0)
		return rw_fail(e, RW_EINVAL, "'%.60s' has bits beyond its length: is %s meant?",
			       text, rw_prefix_text(&masked, meant));
	*out = p;
	return RW_OK;
}

const char *rw_prefix_text(const struct rw_prefix *p, char out[64])
{
	char addr[INET6_ADDRSTRLEN];

	if (!inet_ntop(p->family, p->addr, addr, sizeof(addr)))
		addr[0] = '\0';
	snprintf(out, 64, "%s/%u", addr, p->plen);
	return out;
}

struct rw_prefix rw_prefix_of(const struct sockaddr *sa)
{
	struct rw_prefix p = {.family = sa->sa_family};

	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		memcpy(p.addr, &in.sin_addr, 4);
		p.plen = 32;
	} else {
		struct sockaddr_in6 in6;

		RW_BUG_ON(sa->sa_family != AF_INET6);
		memcpy(&in6, sa, sizeof(in6));
		memcpy(p.addr, &in6.sin6_addr, 16);
		p.plen = 128;
		rw_prefix_unmap(&p);
		if (p.family == AF_INET6)
			p.plen = SOURCE_PLEN6;
	}
	rw_prefix_mask(&p);
	return p;
}

struct rw_kern_key4 rw_prefix_key4(const struct rw_prefix *p)
{
	struct rw_kern_key4 key = {.plen = p->plen};

	memcpy(key.addr, p->addr, 4);
	return key;
}

struct rw_kern_key rw_prefix_key(const struct rw_prefix *p)
{
	struct rw_kern_key key = {.plen = p->plen};

	if (p->family == AF_INET6) {
		memcpy(key.addr, p->addr, 16);
		return key;
	}
	key.plen += MAPPED_BITS;
	memcpy(key.addr, mapped, 12);
	memcpy(key.addr + 12, p->addr, 4);
	return key;
}

struct rw_prefix rw_prefix_from_key4(const struct rw_kern_key4 *key)
{
	struct rw_prefix p = {.family = AF_INET, .plen = (uint8_t)key->plen};

	memcpy(p.addr, key->addr, 4);
	return p;
}

struct rw_prefix rw_prefix_from_key(const struct rw_kern_key *key)
{
	struct rw_prefix p = {.family = AF_INET6, .plen = (uint8_t)key->plen};

	memcpy(p.addr, key->addr, 16);
	rw_prefix_unmap(&p);
	return p;
}
