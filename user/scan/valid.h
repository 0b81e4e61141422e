/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validators: what a pattern cannot say. Pure functions of a candidate and of the
 * bytes beside it, so that a stream and a whole text decide alike.
 */
#ifndef RW_SCAN_VALID_H
#define RW_SCAN_VALID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/*
 * A candidate: value is what would be masked; before is what stands in front of
 * it (the context window at most), after the byte behind it or -1.
 */
struct rw_candidate {
	struct rw_slice value;
	struct rw_slice before;
	int after;
};

struct rw_validator {
	const char *name;
	bool (*ok)(struct rw_candidate *c); /* may shorten the value */
};

/* By the name that a pack uses; NULL: there is none. */
const struct rw_validator *rw_validator_find(const char *name);
/* "luhn, iban, ..." for messages. */
const char *rw_validator_names(void);

/* Shannon entropy of the bytes in 1/100 bit per byte. */
unsigned rw_entropy_centibits(struct rw_slice s);
/* True for what people write where a secret goes: "changeme", "<token>", "xxxx", "${VAR}". */
bool rw_is_placeholder(struct rw_slice s);

bool rw_valid_email(struct rw_candidate *c);
bool rw_valid_phone(struct rw_candidate *c);
bool rw_valid_phone_local(struct rw_candidate *c);
bool rw_valid_luhn(struct rw_candidate *c);
bool rw_valid_iban(struct rw_candidate *c);
bool rw_valid_ssn(struct rw_candidate *c);
bool rw_valid_ipv4(struct rw_candidate *c);
bool rw_valid_ipv6(struct rw_candidate *c);
bool rw_valid_date(struct rw_candidate *c);
bool rw_valid_jwt(struct rw_candidate *c);
bool rw_valid_secret(struct rw_candidate *c);
bool rw_valid_password(struct rw_candidate *c);
bool rw_valid_url_password(struct rw_candidate *c);
bool rw_valid_api_key(struct rw_candidate *c);

#endif
