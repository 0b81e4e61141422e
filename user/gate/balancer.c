/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/balancer.h"

#include <string.h>

#include "http/proxy.h"

enum { HOPS_MAX = 16 };

void rw_balancers_take(struct rw_balancers *b, const struct rw_config *cfg)
{
	b->n = cfg->n_balancers;
	for (unsigned i = 0; i < b->n; i++) { /* the configuration was checked */
		RW_BUG_ON(rw_prefix_parse(cfg->balancers[i].prefix, &b->prefix[i], NULL));
		b->forwarded_for[i] = cfg->balancers[i].forwarded_for;
	}
}

/* Whether one of the two lies within the other. */
static bool overlap(const struct rw_prefix *a, const struct rw_prefix *b)
{
	unsigned plen = a->plen < b->plen ? a->plen : b->plen;
	uint8_t rest = (uint8_t)(0xff00 >> plen % 8);

	return a->family == b->family && !memcmp(a->addr, b->addr, plen / 8) &&
	       (plen % 8 == 0 || !((a->addr[plen / 8] ^ b->addr[plen / 8]) & rest));
}

bool rw_balancers_overlap(const struct rw_balancers *b, const struct rw_source *who)
{
	struct rw_prefix p = {.family = who->n == 4 ? AF_INET : AF_INET6,
			      .plen = (uint8_t)(8 * who->n)};

	memcpy(p.addr, who->bytes, who->n);
	for (unsigned i = 0; i < b->n; i++)
		if (overlap(&p, &b->prefix[i]))
			return true;
	return false;
}

/* Which of them the address is; b->n: none. With forwarding: of those that write the header. */
static unsigned which(const struct rw_balancers *b, const struct rw_addr *a, bool forwarding)
{
	struct rw_prefix p = {.family = AF_INET6, .plen = 128};
	unsigned i;

	if (a->sa.sa_family == AF_INET || IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr)) {
		p = rw_prefix_of(&a->sa); /* a whole address, unmapped */
	} else {
		memcpy(p.addr, &a->in6.sin6_addr, sizeof(p.addr));
	}
	for (i = 0; i < b->n; i++)
		if (p.plen >= b->prefix[i].plen && overlap(&p, &b->prefix[i]) &&
		    (!forwarding || b->forwarded_for[i]))
			break;
	return i;
}

bool rw_balancers_has(const struct rw_balancers *b, const struct rw_addr *a)
{
	return which(b, a, false) < b->n;
}

static bool is_forwarded_for(struct rw_slice name)
{
	static const char wanted[] = "x-forwarded-for";

	return name.n == sizeof(wanted) - 1 && !strncasecmp(name.p, wanted, name.n);
}

struct rw_addr rw_balancers_client(const struct rw_balancers *b, const struct rw_addr *peer,
				   const struct rw_h1_head *head)
{
	struct rw_addr at = *peer, before;
	unsigned hops = 0;

	/* Each hop adds the address that it sees, so the list is read from its end. */
	for (unsigned i = head->n_headers; i-- > 0 && b->n;) {
		struct rw_slice list = head->headers[i].value;

		if (!is_forwarded_for(head->headers[i].name))
			continue;
		while (list.n) {
			if (which(b, &at, true) == b->n || hops++ == HOPS_MAX)
				return at;
			if (!rw_forwarded_last(&list, &before))
				return *peer;
			at = before;
		}
	}
	return at;
}
