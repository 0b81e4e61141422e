/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listeners' TLS: what their certificate files, clients' CAs and OCSP responses held when
 * they were read. A part of a snapshot of its own, because files change without the configuration.
 * Made by the control thread, immutable, reference-counted.
 */
#ifndef RW_GATE_FRONTS_H
#define RW_GATE_FRONTS_H

#include <stdatomic.h>

#include "policy/config.h"
#include "tls/ctx.h"
#include "tls/shared.h"

struct rw_fronts {
	atomic_uint refs;
	uint64_t stamp; /* of the files, as they were just before they were read */
	struct rw_tls_ctx *tls[RW_MAX_LISTENERS]; /* NULL: plain */
};

/* again: others are in use, which are better than a certificate that has expired. May block. */
int rw_fronts_new(struct rw_fronts **out, const struct rw_config *c, struct rw_tls_shared *shared,
		  bool again, struct rw_error *e);
struct rw_fronts *rw_fronts_ref(struct rw_fronts *f);
void rw_fronts_unref(struct rw_fronts *f);
/* Whether tls, whose it is, shall use kernel TLS. */
/* passes: answers go through that nobody reads. */
void rw_front_choose_ktls(struct rw_tls_ctx *tls, enum rw_ktls_word word, bool passes,
			  const char *whose);
/* Changes when one of the files does: by name, size, inode or time. */
uint64_t rw_fronts_stamp(const struct rw_config *c);

#endif
