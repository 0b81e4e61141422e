/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's own numbers, read from its admin listener as a monitoring system reads them. */
#ifndef RW_CMD_SCRAPE_H
#define RW_CMD_SCRAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * GET /metrics from address ("127.0.0.1:9443", "[::1]:9443"), blocking for at most two seconds.
 * out gets the body; what was in it is gone. RW_EINVAL: the address. RW_ECLOSED: nobody
 * listens. RW_EPROTO: no 200, or more than a megabyte. RW_ETIMEOUT.
 */
int rw_scrape(const char *address, struct rw_buf *out, struct rw_error *e);

/*
 * The value of a metric in Prometheus text, summed over its labels; "requests_total" finds
 * ringwall_requests_total. False: it is not there.
 */
bool rw_scrape_value(struct rw_slice text, const char *name, double *value);

#endif
