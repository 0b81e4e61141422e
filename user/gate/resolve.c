/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/resolve.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <string.h>

enum { ANSWER_MAX = 4096, DNS_HEADER = 12, FIXED = 10 /* type, class, TTL, length */ };

bool rw_resolve_is_address(const char *host)
{
	uint8_t addr[16];

	return inet_pton(AF_INET, host, addr) == 1 || inet_pton(AF_INET6, host, addr) == 1;
}

int rw_resolve(const char *host, uint16_t port, struct rw_addrs *out, struct rw_error *e)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	char service[8];
	int rc;

	*out = (struct rw_addrs){0};
	snprintf(service, sizeof(service), "%u", port);
	rc = getaddrinfo(host, service, &hints, &list);
	if (rc)
		return rw_fail(e, RW_EIO, "cannot resolve '%s': %s", host, gai_strerror(rc));
	for (struct addrinfo *a = list; a && out->n < RW_UPSTREAM_ADDRS; a = a->ai_next) {
		struct rw_addr *to = &out->at[out->n];

		if (a->ai_addrlen > sizeof(to->in6))
			continue;
		to->len = a->ai_addrlen;
		memcpy(&to->sa, a->ai_addr, a->ai_addrlen);
		out->n++;
	}
	freeaddrinfo(list);
	return out->n ? RW_OK : rw_fail(e, RW_EIO, "'%s' has no address", host);
}

/* --- how long ----------------------------------------------------------------------------------
 */

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

int rw_dns_ttl(const uint8_t *message, size_t n, uint32_t *seconds)
{
	const uint8_t *end = message + n, *p = message + DNS_HEADER;
	unsigned questions, answers;
	int name;

	if (n < DNS_HEADER)
		return RW_EINVAL;
	questions = get16(message + 4);
	answers = get16(message + 6);
	if (!answers)
		return RW_EINVAL;
	*seconds = UINT32_MAX;
	for (unsigned i = 0; i < questions + answers; i++) {
		size_t rest = i < questions ? 4 : FIXED;

		name = dn_skipname(p, end);
		if (name < 0 || (size_t)(end - p) < (size_t)name + rest)
			return RW_EINVAL;
		p += name;
		if (i >= questions) {
			uint32_t ttl = (uint32_t)get16(p + 4) << 16 | get16(p + 6);

			/* RFC 2181 8: the highest bit set is no time at all. */
			ttl = ttl >> 31 ? 0 : ttl;
			*seconds = ttl < *seconds ? ttl : *seconds;
			rest += get16(p + 8);
		}
		if ((size_t)(end - p) < rest)
			return RW_EINVAL;
		p += rest;
	}
	return RW_OK;
}

uint32_t rw_resolve_ttl(const char *host)
{
	static const int types[] = {ns_t_a, ns_t_aaaa};
	uint32_t least = UINT32_MAX, ttl;
	uint8_t answer[ANSWER_MAX];
	struct __res_state state = {0};

	if (res_ninit(&state))
		return RW_RESOLVE_TTL_UNKNOWN;
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		int n = res_nsearch(&state, host, ns_c_in, types[i], answer, sizeof(answer));

		n = n > (int)sizeof(answer) ? (int)sizeof(answer) : n;
		if (n > 0 && !rw_dns_ttl(answer, (size_t)n, &ttl) && ttl < least)
			least = ttl;
	}
	res_nclose(&state);
	return least == UINT32_MAX ? RW_RESOLVE_TTL_UNKNOWN : least;
}

/* --- comparing ---------------------------------------------------------------------------------
 */

bool rw_addr_equal(const struct rw_addr *a, const struct rw_addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr &&
		       a->in4.sin_port == b->in4.sin_port;
	return !memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) &&
	       a->in6.sin6_port == b->in6.sin6_port && a->in6.sin6_scope_id == b->in6.sin6_scope_id;
}

static bool all_in(const struct rw_addrs *a, const struct rw_addrs *b)
{
	for (unsigned i = 0; i < a->n; i++) {
		unsigned j = 0;

		while (j < b->n && !rw_addr_equal(&a->at[i], &b->at[j]))
			j++;
		if (j == b->n)
			return false;
	}
	return true;
}

bool rw_addrs_equal(const struct rw_addrs *a, const struct rw_addrs *b)
{
	return all_in(a, b) && all_in(b, a);
}
