/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract of egress containment: what lies in the maps of rw_egress. As kern_abi.h, of which
 * it is the second half: fixed-width types, asserted under both compilers.
 *
 * Every map has one writer. The engine: rw_out, where upstreams are, until when. Root, by `ringwall
 * kern egress`: rw_out_net (services, name servers, whatever is not public) and rw_out_meta. The
 * kernel: rw_out_stats, rw_out_refused. So an engine that was taken over cannot let itself into a
 * private network.
 */
#ifndef RINGWALL_KERN_EGRESS_H
#define RINGWALL_KERN_EGRESS_H

#include "ringwall/kern_abi.h"
#include "ringwall/kern_net.h"

enum {
	RW_KERN_OUT_ADDRS = 4096,	      /* of upstreams at once, expired ones included */
	RW_KERN_OUT_NETS = 256,		      /* services */
	RW_KERN_OUT_REFUSED = 4096,	      /* destinations remembered */
	RW_KERN_OUT_NAME = 24,		      /* of an upstream, cut; and NUL */
	RW_KERN_OUT_PROTO_BITS = 32,	      /* of a rw_kern_out_net_key before the address */
	RW_KERN_OUT_PROBE_ADDR = 0xc0000008U, /* 192.0.0.8, RFC 7600's dummy address */
};

/* After so long without one, a refusal of the same destination is news again. */
#define RW_KERN_OUT_WINDOW_NS 60000000000ULL

/* Why a destination was refused. The order is that of the counters. */
enum rw_kern_out_reason {
	RW_KERN_OUT_METADATA = 0,
	RW_KERN_OUT_LOOPBACK = 1,
	RW_KERN_OUT_PRIVATE = 2,
	RW_KERN_OUT_SPECIAL = 3,
	RW_KERN_OUT_UNLISTED = 4,
	RW_KERN_OUT_EXPIRED = 5,
	RW_KERN_OUT_PROTOCOL = 6,
	RW_KERN_OUT_MALFORMED = 7, /* packets only */
};

/* Why a destination is listed in rw_out_net. */
enum rw_kern_out_why {
	RW_KERN_OUT_SERVICE = 1,
	RW_KERN_OUT_DNS = 2, /* alone may have a metadata address: clouds put their resolvers there
			      */
	RW_KERN_OUT_UPSTREAM = 3,
};

/*
 * The counters: X(name, what it counts). A connect, or a datagram to a destination named in the
 * call, counts in exactly one of allow_*, refuse_*, udp_connects and probes; a packet in exactly
 * one of packets and drop_*. The drop_* are in the order of the refuse_*: no honest process gets
 * there.
 */
#define RW_KERN_OUT_COUNTERS(X)                                                         \
	X(allow_upstream, "allowed: an upstream's address")                             \
	X(allow_service, "allowed: a service listed by root")                           \
	X(allow_dns, "allowed: a name server")                                          \
	X(udp_connects, "UDP sockets bound to a public address, which sends nothing")   \
	X(probes, "the engine asked whether it is contained")                           \
	X(refuse_metadata, "refused: metadata service or link-local")                   \
	X(refuse_loopback, "refused: this host, and not listed")                        \
	X(refuse_private, "refused: private address, and not listed")                   \
	X(refuse_special, "refused: multicast, reserved or tunnel address")             \
	X(refuse_unlisted, "refused: no upstream's address and port")                   \
	X(refuse_expired, "refused: was an upstream's address, its time is over")       \
	X(refuse_protocol, "refused: neither TCP nor UDP")                              \
	X(packets, "packets that passed")                                               \
	X(drop_metadata, "packets dropped: metadata service or link-local")             \
	X(drop_loopback, "packets dropped: this host, and not listed")                  \
	X(drop_private, "packets dropped: private address, and not listed")             \
	X(drop_special, "packets dropped: multicast, reserved or tunnel address")       \
	X(drop_unlisted, "packets dropped: no upstream's address and port")             \
	X(drop_expired, "packets dropped: was an upstream's address, its time is over") \
	X(drop_protocol, "packets dropped: neither TCP nor UDP")                        \
	X(drop_malformed, "packets dropped: headers that cannot be read")               \
	X(note_failed, "refusals whose destination could not be remembered")

/* rw_out_stats, per CPU: index 0. */
#define RW_KERN_OUT_FIELD(name, help) uint64_t name;
struct rw_kern_out_stats {
	RW_KERN_OUT_COUNTERS(RW_KERN_OUT_FIELD)
};
#undef RW_KERN_OUT_FIELD

#define RW_KERN_OUT_INDEX(name, help) RW_KERN_OUT_N_##name,
enum rw_kern_out_counter { RW_KERN_OUT_COUNTERS(RW_KERN_OUT_INDEX) RW_KERN_OUT_N };
#undef RW_KERN_OUT_INDEX

/* rw_out, rw_out_refused: IPv4 as ::ffff:a.b.c.d; numbers in the machine's order. */
struct rw_kern_out_key {
	uint8_t addr[16];
	uint16_t port;
	uint16_t proto; /* IPPROTO_*; in rw_out TCP */
};

/* rw_out. Counts for public addresses only, and for new connections only. */
struct rw_kern_out {
	uint64_t expires_ns; /* CLOCK_MONOTONIC */
	char upstream[RW_KERN_OUT_NAME];
};

/* rw_out_net (LPM): proto and port whole, then the address; port 0: every port. */
struct rw_kern_out_net_key {
	uint32_t plen; /* 32 + 96 + an IPv4 prefix's length */
	uint16_t proto;
	uint16_t port;
	uint8_t addr[16];
};

struct rw_kern_out_net {
	enum rw_kern_out_why why;
};

/* rw_out_refused (LRU). */
struct rw_kern_out_refused {
	uint64_t count;
	uint64_t first_ns; /* of this run of refusals: no pause of RW_KERN_OUT_WINDOW_NS in it */
	uint64_t last_ns;
	enum rw_kern_out_reason reason;
	uint32_t packets; /* 1: last met by the backstop, as a packet */
};

/* rw_out_meta: index 0. */
struct rw_kern_out_meta {
	char magic[8];
	uint32_t abi;
	uint32_t reserved;
	uint64_t layout; /* rw_kern_out_layout() of who attached */
	uint64_t cgroup_id;
	char version[16];
	char cgroup[208]; /* path, as given; cut */
};

static inline uint64_t rw_kern_out_layout(void)
{
	const uint64_t sizes[] = {
		sizeof(struct rw_kern_out_stats),
		sizeof(struct rw_kern_out_key),
		sizeof(struct rw_kern_out),
		sizeof(struct rw_kern_out_net_key),
		sizeof(struct rw_kern_out_refused),
		sizeof(struct rw_kern_out_meta),
		RW_KERN_OUT_N_packets,
	};
	uint64_t h = 0xcbf29ce484222325ULL;

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		h = (h ^ sizes[i]) * 0x100000001b3ULL;
	return h;
}

RW_KERN_VALUE(RW_KERN_NET_METADATA, 1);
RW_KERN_VALUE(RW_KERN_NET_SPECIAL, 4);
RW_KERN_VALUE(sizeof(enum rw_kern_out_reason), 4);
RW_KERN_VALUE(sizeof(enum rw_kern_out_why), 4);
RW_KERN_VALUE(RW_KERN_OUT_N, 22);
RW_KERN_VALUE(RW_KERN_OUT_N_refuse_metadata + (int)RW_KERN_OUT_METADATA,
	      RW_KERN_OUT_N_refuse_metadata);
RW_KERN_VALUE(RW_KERN_OUT_N_refuse_metadata + (int)RW_KERN_OUT_PROTOCOL,
	      RW_KERN_OUT_N_refuse_protocol);
RW_KERN_VALUE(RW_KERN_OUT_N_drop_metadata + (int)RW_KERN_OUT_PROTOCOL, RW_KERN_OUT_N_drop_protocol);
RW_KERN_VALUE(RW_KERN_OUT_N_drop_metadata + (int)RW_KERN_OUT_MALFORMED,
	      RW_KERN_OUT_N_drop_malformed);
RW_KERN_SIZE(rw_kern_out_stats, 8 * RW_KERN_OUT_N);
RW_KERN_SIZE(rw_kern_out_key, 20);
RW_KERN_AT(rw_kern_out_key, port, 16);
RW_KERN_SIZE(rw_kern_out, 32);
RW_KERN_AT(rw_kern_out, upstream, 8);
RW_KERN_SIZE(rw_kern_out_net_key, 24);
RW_KERN_AT(rw_kern_out_net_key, addr, 8);
RW_KERN_SIZE(rw_kern_out_net, 4);
RW_KERN_SIZE(rw_kern_out_refused, 32);
RW_KERN_AT(rw_kern_out_refused, reason, 24);
RW_KERN_SIZE(rw_kern_out_meta, 256);
RW_KERN_AT(rw_kern_out_meta, cgroup_id, 24);
RW_KERN_AT(rw_kern_out_meta, cgroup, 48);

#endif
