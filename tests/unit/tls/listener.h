/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners by their certificates' names, and what they count. */
#ifndef RW_TESTS_TLS_LISTENER_H
#define RW_TESTS_TLS_LISTENER_H

#include "unit/tls/util.h"

#include "tls/shared.h"

static struct rw_tls_shared *shared;

static inline const struct rw_tls_pair *pair_of(const char *name)
{
	static struct rw_tls_pair pairs[8];
	static char files[8][2][192];
	static unsigned next;
	unsigned i = next++ % 8;

	snprintf(files[i][0], sizeof(files[i][0]), "%s/%s.crt", test_dir, name);
	snprintf(files[i][1], sizeof(files[i][1]), "%s/%s.key", test_dir, name);
	pairs[i] = (struct rw_tls_pair){files[i][0], files[i][1], NULL};
	return &pairs[i];
}

static inline struct rw_tls_ctx *make(struct rw_tls_server_config *cfg, const char *const *names)
{
	struct rw_tls_pair pairs[8];
	struct rw_error e = {.text = ""};
	struct rw_tls_ctx *c = NULL;

	cfg->n_pairs = 0;
	while (names[cfg->n_pairs]) {
		pairs[cfg->n_pairs] = *pair_of(names[cfg->n_pairs]);
		cfg->n_pairs++;
	}
	cfg->pairs = pairs;
	if (rw_tls_server_make(&c, cfg, &e))
		fail_msg("%s", e.text);
	return c;
}

static inline uint64_t count(const char *name)
{
#define IF(counter, help)            \
	if (!strcmp(name, #counter)) \
		return rw_tls_shared_stats(shared)->counter;
	RW_TLS_COUNTERS(IF)
#undef IF
	fail_msg("no counter %s", name);
	return 0;
}

#endif
