/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract about SYN cookies (bpf/syn.h), for kern_abi.h, which includes it.
 *
 * The kernel writes rw_syn_meter; `ringwall kern attach` writes rw_syn_key, once.
 */
#ifndef RINGWALL_KERN_SYN_H
#define RINGWALL_KERN_SYN_H

#ifndef __bpf__
#include <stdint.h>
#endif

#include "ringwall/kern_assert.h"

/* What a cookie may offer: what the kernel will grant when it makes the connection. */
enum rw_kern_offer {
	RW_KERN_OFFER_TIMESTAMPS = 1, /* without, none of the others */
	RW_KERN_OFFER_SACK = 2,
	RW_KERN_OFFER_WINDOW_SCALE = 4,
	RW_KERN_OFFER_ECN = 8,
};

/* In rw_cfg: what cookies say. */
struct rw_kern_cookie {
	uint16_t mss4; /* what we receive at most, by family */
	uint16_t mss6;
	uint8_t window_scale;
	uint8_t offers; /* of enum rw_kern_offer */
	uint16_t pad;
};

/* rw_syn_key: index 0. Secret: who knows it opens connections from any address. */
struct rw_kern_syn_key {
	uint64_t key[2];
};

/* rw_syn_meter: index 0. */
struct rw_kern_syn_meter {
	uint64_t tat_ns; /* theoretical arrival time of all SYNs together */
	uint64_t period; /* when the last cookie was sent (bpf/cookie.h), + 1; 0: never */
};

RW_KERN_VALUE(RW_KERN_OFFER_TIMESTAMPS, 1);
RW_KERN_VALUE(RW_KERN_OFFER_SACK, 2);
RW_KERN_VALUE(RW_KERN_OFFER_WINDOW_SCALE, 4);
RW_KERN_VALUE(RW_KERN_OFFER_ECN, 8);
RW_KERN_SIZE(rw_kern_cookie, 8);
RW_KERN_AT(rw_kern_cookie, mss6, 2);
RW_KERN_AT(rw_kern_cookie, offers, 5);
RW_KERN_SIZE(rw_kern_syn_key, 16);
RW_KERN_SIZE(rw_kern_syn_meter, 16);
RW_KERN_AT(rw_kern_syn_meter, period, 8);

#endif
