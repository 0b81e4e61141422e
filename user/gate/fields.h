/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which header fields pass the gateway. Everything unknown does, in both directions; what
 * stays behind stands in two tables, with hop-by-hop fields (RFC 9110 7.6.1) and our own names.
 */
#ifndef RW_GATE_FIELDS_H
#define RW_GATE_FIELDS_H

#include "http/h1.h"

/* name is a field of h: does it go on to the upstream, or to the client? */
bool rw_field_goes_up(const struct rw_h1_head *h, struct rw_slice name);
bool rw_field_goes_down(const struct rw_h1_head *h, struct rw_slice name);
/* content-encoding says something other than identity: the body cannot be read. */
bool rw_fields_encoded(const struct rw_h1_head *h);

/*
 * content-type says something else than JSON in UTF-8: the upstream might read another body than
 * the one that was scanned. Not to say it is no contradiction.
 */
bool rw_fields_not_json(const struct rw_h1_head *h);

#endif
