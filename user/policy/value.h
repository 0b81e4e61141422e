/* SPDX-License-Identifier: Apache-2.0 */
/* What a text of the configuration means. Pure: no I/O, no state, nothing allocated. */
#ifndef RW_POLICY_VALUE_H
#define RW_POLICY_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* Decimal digits only, no leading zero. RW_EINVAL: something else, or over 2^64 - 1. */
int rw_value_number(struct rw_slice s, uint64_t *out);
/* A whole number with its unit: ms, s, m, h; or B, KiB, MiB, GiB. */
int rw_value_duration(struct rw_slice s, uint64_t *ms);
int rw_value_size(struct rw_slice s, uint64_t *bytes);

enum { RW_VALUE_TEXT = 32 };
/* Back to text in the largest unit that is exact. Returns out. */
const char *rw_value_duration_text(uint64_t ms, char out[RW_VALUE_TEXT]);
const char *rw_value_size_text(uint64_t bytes, char out[RW_VALUE_TEXT]);

/* A numeric address with port: what two spellings of one address have in common. */
struct rw_value_address {
	uint8_t bytes[16]; /* IPv4 as v4-mapped (RFC 4291 2.5.5.2) */
	uint16_t port;
};
/* "192.0.2.1:8443" or "[2001:db8::1]:8443". */
int rw_value_address(struct rw_slice s, struct rw_value_address *out);
bool rw_value_same_address(const struct rw_value_address *a, const struct rw_value_address *b);
bool rw_value_is_loopback(const struct rw_value_address *a);
/* "192.0.2.7", "192.0.2.0/24", "2001:db8::/64": no bit is set beyond the length. */
bool rw_value_is_prefix(struct rw_slice s);

/* An http or https URL (RFC 3986) as an upstream wants it: no user, query, fragment or dot
 * segments. */
struct rw_value_url {
	bool tls;
	struct rw_slice host; /* without brackets */
	uint16_t port;
	struct rw_slice path; /* without trailing slashes: "" or "/v1" */
};
/* NULL, or a sentence that says what is wrong and shows nothing of s (there may be a password). */
const char *rw_value_url(struct rw_slice s, struct rw_value_url *out);
/* "localhost", 127.0.0.0/8 or ::1. */
bool rw_value_is_loopback_host(const char *host);

/* 1 to 63 of A-Z a-z 0-9 . _ - : what may stand in a metric's label and on a command line. */
bool rw_value_is_name(struct rw_slice s);
/* Valid UTF-8 without control characters. */
bool rw_value_is_text(struct rw_slice s);
/* Visible ASCII without blanks: what may stand in a header. */
bool rw_value_is_token(struct rw_slice s);

#endif
