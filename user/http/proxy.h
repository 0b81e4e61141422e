/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a connection is from, where a load balancer stands between: by the header of the PROXY
 * protocol, version 2 (HAProxy's proxy-protocol.txt), or by X-Forwarded-For (see balancer.h of the
 * gate for who is believed).
 *
 * Pure: bytes in, an address out. A header is read as its bytes come, and what of it is not an
 * address of TCP is passed over without being kept.
 */
#ifndef RW_HTTP_PROXY_H
#define RW_HTTP_PROXY_H

#include "base/buf.h"
#include "base/err.h"
#include "ring/sock.h"

enum {
	RW_PROXY_FIXED = 16,	  /* signature, version and command, family, length */
	RW_PROXY_ADDRESSES = 36,  /* of IPv6, the longest that counts */
	RW_PROXY_MAX_BYTES = 4096 /* of what the length announces; certificates go in there, too */
};

/* A header that is being read. All zeros at first. */
struct rw_proxy {
	uint8_t head[RW_PROXY_FIXED + RW_PROXY_ADDRESSES];
	uint16_t n; /* bytes of the header so far, kept or passed over */
};

/*
 * Takes what belongs to the header from data, *used bytes. RW_EAGAIN: there is more to come. RW_OK:
 * it is whole; *client is who is behind the balancer, and untouched where the balancer speaks for
 * itself (LOCAL) or does not know. RW_EPROTO: this is none; *e says why. Not to be called again
 * after the last two.
 */
int rw_proxy_feed(struct rw_proxy *p, const uint8_t *data, size_t n, size_t *used,
		  struct rw_addr *client, struct rw_error *e);

/*
 * Takes the last entry from a list of X-Forwarded-For: an address, with or without a port. False:
 * there is none, or it is no address; then nobody knows who it was.
 */
bool rw_forwarded_last(struct rw_slice *list, struct rw_addr *out);

#endif
