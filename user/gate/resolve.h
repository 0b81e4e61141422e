/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an upstream is: its name's addresses, and how long the answer holds.
 *
 * The addresses are the system's (getaddrinfo: /etc/hosts, nsswitch, the order of RFC 6724); the
 * time is the DNS's own, which that call does not tell.
 */
#ifndef RW_GATE_RESOLVE_H
#define RW_GATE_RESOLVE_H

#include "ring/sock.h"

enum { RW_UPSTREAM_ADDRS = 16, RW_RESOLVE_TTL_UNKNOWN = 30 };

struct rw_addrs {
	struct rw_addr at[RW_UPSTREAM_ADDRS];
	unsigned n;
};

/* host is an address: there is nothing to ask. */
bool rw_resolve_is_address(const char *host);
/* Blocks. */
int rw_resolve(const char *host, uint16_t port, struct rw_addrs *out, struct rw_error *e);
/* Blocks. Seconds that the DNS gives the name; RW_RESOLVE_TTL_UNKNOWN where it does not know it. */
uint32_t rw_resolve_ttl(const char *host);
/* The least time to live of the answers in a DNS message; RW_EINVAL: none, or not one. */
int rw_dns_ttl(const uint8_t *message, size_t n, uint32_t *seconds);
/* The same addresses, in whatever order. */
bool rw_addrs_equal(const struct rw_addrs *a, const struct rw_addrs *b);
bool rw_addr_equal(const struct rw_addr *a, const struct rw_addr *b);

/*
 * A thread that asks, so that a name server that does not answer keeps nobody waiting. One
 * question at a time. All calls are one thread's, the owner's.
 */
struct rw_resolver;

struct rw_resolved {
	unsigned slot; /* as asked */
	int rc;
	uint32_t ttl_s;
	struct rw_addrs addrs;
	struct rw_error why; /* of rc */
};

/* Its thread begins with the first question, with the privileges of that moment. */
struct rw_resolver *rw_resolver_new(void);
/* Does not wait for an answer that is under way. */
void rw_resolver_free(struct rw_resolver *r);
/* false: one is being asked. host is copied. */
bool rw_resolver_ask(struct rw_resolver *r, unsigned slot, const char *host, uint16_t port);
/* The answer, once. */
bool rw_resolver_take(struct rw_resolver *r, struct rw_resolved *out);

#endif
