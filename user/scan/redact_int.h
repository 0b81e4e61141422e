/* SPDX-License-Identifier: Apache-2.0 */
/* Redaction inside the room: between the masker, the vault and the makers of values. */
#ifndef RW_SCAN_REDACT_INT_H
#define RW_SCAN_REDACT_INT_H

#include "scan/redact.h"
#include "scan/rules.h"

/* Adds what stands in place of value. */
int rw_redact_put(const struct rw_guard *g, const struct rw_rules *r, const struct rw_finding *f,
		  struct rw_slice value, struct rw_buf *out);
/* How findings of the rule are written under the guard. */
enum rw_redact rw_redactor_kind_in(const struct rw_guard *g, unsigned rule);
/* "[TYPE]" */
int rw_redact_label(const struct rw_rule_info *info, struct rw_buf *out);

/* What a token of this vault stands for; token is the whole of it with its brackets. */
bool rw_vault_restore(const struct rw_vault *v, struct rw_slice token, struct rw_slice *value);
/* Whether text may go on to be a token of this vault. */
bool rw_vault_may_begin(const struct rw_vault *v, struct rw_slice text);

/*
 * A value of the same form that is nobody's, from seed alone: false where none was found. out
 * has room for RW_SYNTH_MAX bytes.
 */
enum { RW_SYNTH_MAX = 512 };
bool rw_synth(const struct rw_rule *rule, struct rw_slice value, uint64_t seed, char *out,
	      size_t *n);

#endif
