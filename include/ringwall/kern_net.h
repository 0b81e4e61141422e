/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * What kind of destination an address is. Pure; read by both compilers, so that what the engine
 * leaves out of a DNS answer is what the kernel would refuse.
 *
 * An address is two numbers of 64 bits, most significant byte first; IPv4 stands here as
 * ::ffff:a.b.c.d. An IPv4 address inside of a NAT64 one (RFC 6052, 64:ff9b::/96) counts as itself:
 * behind such a gateway 64:ff9b::a9fe:a9fe is the metadata service, too.
 */
#ifndef RINGWALL_KERN_NET_H
#define RINGWALL_KERN_NET_H

#ifndef __bpf__ /* there, vmlinux.h has defined them */
#include <stdint.h>
#endif

enum rw_kern_net {
	RW_KERN_NET_PUBLIC = 0,
	RW_KERN_NET_METADATA = 1, /* credentials of the machine; and link-local, where they live */
	RW_KERN_NET_LOOPBACK = 2, /* this host */
	RW_KERN_NET_PRIVATE = 3,
	RW_KERN_NET_SPECIAL = 4, /* multicast, reserved, tunnels that hide an address */
};

#define RW_KERN_NET4(a, b, c, d) \
	(0xffff00000000ULL | (uint64_t)(a) << 24 | (uint64_t)(b) << 16 | (uint64_t)(c) << 8 | (d))
#define RW_KERN_NET6(a, b, c, d) \
	((uint64_t)(a) << 48 | (uint64_t)(b) << 32 | (uint64_t)(c) << 16 | (uint64_t)(d))

/*
 * X(high, low, prefix length, class): the first that matches counts. Where the services are that
 * hand out credentials: all clouds' 169.254.169.254 and neighbours, Alibaba, Azure's wire server,
 * Oracle Classic; over IPv6 AWS, Google, Oracle, Scaleway, Linode, Alibaba.
 */
#define RW_KERN_NETS(X)                                                                    \
	X(0, RW_KERN_NET4(169, 254, 0, 0), 112, METADATA)                                  \
	X(0, RW_KERN_NET4(100, 100, 100, 200), 128, METADATA)                              \
	X(0, RW_KERN_NET4(168, 63, 129, 16), 128, METADATA)                                \
	X(0, RW_KERN_NET4(192, 0, 0, 192), 128, METADATA)                                  \
	X(0, RW_KERN_NET4(0, 0, 0, 0), 104, LOOPBACK) /* connecting to it means oneself */ \
	X(0, RW_KERN_NET4(127, 0, 0, 0), 104, LOOPBACK)                                    \
	X(0, RW_KERN_NET4(10, 0, 0, 0), 104, PRIVATE)                                      \
	X(0, RW_KERN_NET4(172, 16, 0, 0), 108, PRIVATE)                                    \
	X(0, RW_KERN_NET4(192, 168, 0, 0), 112, PRIVATE)                                   \
	X(0, RW_KERN_NET4(100, 64, 0, 0), 106, PRIVATE)                                    \
	X(0, RW_KERN_NET4(198, 18, 0, 0), 111, PRIVATE)                                    \
	X(0, RW_KERN_NET4(192, 0, 0, 0), 120, SPECIAL)                                     \
	X(0, RW_KERN_NET4(224, 0, 0, 0), 99, SPECIAL) /* and reserved, and broadcast */    \
	X(0, RW_KERN_NET4(0, 0, 0, 0), 96, PUBLIC)                                         \
	X(0, 0, 127, LOOPBACK) /* ::1, and :: which means it */                            \
	X(RW_KERN_NET6(0xfd00, 0xec2, 0, 0), 0, 32, METADATA)                              \
	X(RW_KERN_NET6(0xfd20, 0xce, 0, 0), 0x254, 128, METADATA)                          \
	X(RW_KERN_NET6(0xfd00, 0xc1, 0, 0), 0xa9fea9feULL, 128, METADATA)                  \
	X(RW_KERN_NET6(0xfd00, 0x42, 0, 0), 0x42, 128, METADATA)                           \
	X(RW_KERN_NET6(0xfd00, 0xa9fe, 0xa9fe, 0), 1, 128, METADATA)                       \
	X(RW_KERN_NET6(0xfd00, 0x100, 0, 0), 0x1000200ULL, 128, METADATA)                  \
	X(RW_KERN_NET6(0xfe80, 0, 0, 0), 0, 10, METADATA)                                  \
	X(RW_KERN_NET6(0xfec0, 0, 0, 0), 0, 10, PRIVATE)                                   \
	X(RW_KERN_NET6(0xfc00, 0, 0, 0), 0, 7, PRIVATE)                                    \
	X(RW_KERN_NET6(0x64, 0xff9b, 1, 0), 0, 48, PRIVATE)                                \
	X(RW_KERN_NET6(0x2001, 0, 0, 0), 0, 32, SPECIAL) /* Teredo */                      \
	X(RW_KERN_NET6(0x2002, 0, 0, 0), 0, 16, SPECIAL) /* 6to4 */                        \
	X(RW_KERN_NET6(0x2000, 0, 0, 0), 0, 3, PUBLIC)                                     \
	X(0, 0, 0, SPECIAL)

/* The mask of the first n bits of 64, for constants. */
#define RW_KERN_NET_MASK(n) ((n) <= 0 ? 0 : (n) >= 64 ? ~0ULL : ~(~0ULL >> ((n) & 63)))

static inline __attribute__((always_inline)) enum rw_kern_net rw_kern_net_of(uint64_t hi,
									     uint64_t lo)
{
	if (hi == RW_KERN_NET6(0x64, 0xff9b, 0, 0) && !(lo >> 32)) {
		hi = 0;
		lo |= 0xffff00000000ULL;
	}
#define RW_KERN_NET_TRY(high, low, plen, class)                      \
	if ((hi & RW_KERN_NET_MASK(plen)) == (high) &&               \
	    (lo & RW_KERN_NET_MASK((plen) - 64)) == (uint64_t)(low)) \
		return RW_KERN_NET_##class;
	RW_KERN_NETS(RW_KERN_NET_TRY)
#undef RW_KERN_NET_TRY
	return RW_KERN_NET_SPECIAL; /* not reached: the last row takes all */
}

#endif
