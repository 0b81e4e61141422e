/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that a burst took and gave back to the allocator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gate/rest.h"
#include "gate/worker.h"

enum { PIECES = 16384, PIECE_BYTES = 2048 };

/* Every second piece is freed: the hole under the last one keeps all of them from the system. */
static void take_and_free(char *kept[PIECES])
{
	for (unsigned i = 0; i < PIECES; i++) {
		kept[i] = malloc(PIECE_BYTES);
		assert_non_null(kept[i]);
		memset(kept[i], 1, PIECE_BYTES);
	}
	for (unsigned i = 0; i < PIECES - 1; i++) {
		free(kept[i]);
		kept[i] = NULL;
	}
}

static unsigned trims(struct rw_rest *r, const struct rw_gateway *gw, unsigned ticks)
{
	unsigned n = 0;

	while (ticks--)
		n += rw_rest_tick(r, gw);
	return n;
}

/* So many ticks, in each of which something begins. */
static unsigned busy_trims(struct rw_rest *r, struct rw_gateway *gw, unsigned ticks)
{
	unsigned n = 0;

	while (ticks--) {
		atomic_fetch_add(&gw->workers[0]->metrics.requests_total, 1);
		n += rw_rest_tick(r, gw);
	}
	return n;
}

/* A thousand streams that began together kept eight megabytes of their handshakes, for as long as
 * they went on. */
static void a_burst_is_given_back_once_nothing_new_begins(void **state)
{
	static struct rw_gateway gw;
	static struct rw_worker w;
	static char *kept[PIECES];
	struct rw_rest r = {0};
	uint64_t before;

	(void)state;
	gw.workers[gw.n_workers++] = &w;
	/* What the start took; a sanitizer's shadow and quarantine grow for a while. */
	for (unsigned i = 0; i < 20 && trims(&r, &gw, 40); i++)
		;
	before = r.kept_bytes;
	assert_int_equal(trims(&r, &gw, 40), 0);
	take_and_free(kept);
	atomic_store(&w.metrics.requests_active, 1); /* and goes on */
	assert_int_equal(busy_trims(&r, &gw, 40), 0);
	atomic_store(&w.metrics.tls_handshaking, 1);
	assert_int_equal(trims(&r, &gw, 40), 0);
	atomic_store(&w.metrics.tls_handshaking, 0);
	assert_int_equal(trims(&r, &gw, 3), 0); /* not yet: more may begin */
	assert_true(trims(&r, &gw, 40) >= 1);
#ifdef RW_SANITIZE /* an allocator of its own, which keeps what it wants */
	before = UINT64_MAX / 2;
#endif
	assert_in_range(r.kept_bytes, 1, before + (8u << 20));
	free(kept[PIECES - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_is_given_back_once_nothing_new_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
