/* SPDX-License-Identifier: Apache-2.0 */
/* Where a stream's tests run: on the simulator and on io_uring, over TLS, kernel TLS and plain. */
#ifndef RW_TESTS_TLS_PLACES_H
#define RW_TESTS_TLS_PLACES_H

#include "unit/tls/world.h"

#include "ring/ktls.h"

static const struct rw_sim_knobs calm;

struct place {
	const struct rw_sim_knobs *knobs; /* NULL: io_uring */
	const char *cert;		  /* NULL: plain */
	bool kernel;			  /* tries kernel TLS, which refuses at the last moment */
};

static inline void begin(struct world *w, void **state)
{
	const struct place *p = *state;

	world_begin(w, p->knobs, 1, p->cert);
	if (p->kernel)
		world_use_kernel(w);
}

static inline bool is_tls(void **state)
{
	return ((const struct place *)*state)->cert;
}

static inline void assert_why(const struct side *s, int code, const char *part)
{
	assert_int_equal(s->closes, 1);
	if ((int)s->why.code != code || !strstr(s->why.text, part))
		fail_msg("not %d with '%s' but %d: %s", code, part, (int)s->why.code, s->why.text);
}

static inline void echo(struct side *s, const uint8_t *data, size_t n)
{
	assert_int_equal(rw_stream_write(s->st, data, n), RW_OK);
}

/* Whatever was decrypted, undecrypted or under way waits, in order, whenever the pause comes. */
static inline void pause_each_time(struct side *s, const uint8_t *data, size_t n)
{
	(void)data;
	(void)n;
	rw_stream_recv(s->st, false);
	s->deaf = true;
}

static __attribute__((unused)) struct place tls_sim = {&calm, "good", false},
					    tls_uring = {NULL, "good", false};
static __attribute__((unused)) struct place kernel_sim = {&calm, "good", true},
					    kernel_uring = {NULL, "good", true};
static __attribute__((unused)) struct place plain_sim = {&calm, NULL, false},
					    plain_uring = {NULL, NULL, false};

#define ON(test, place) {#test "/" #place, test, NULL, NULL, &(place)}
#define TLS(test)	ON(test, tls_sim), ON(test, tls_uring)
#define KERNEL(test)	ON(test, kernel_sim), ON(test, kernel_uring)
#define BOTH(test)	TLS(test), ON(test, plain_sim), ON(test, plain_uring)

/* Runs them in a world with a CA, where kernel TLS is pretended to be. */
static inline int run_in_places(const struct CMUnitTest *tests, size_t n, const char *name)
{
	const struct rw_ktls_caps caps = {
		.usable = true, .tls12 = {true, true, true}, .tls13 = {true, true, true}};

	rw_ktls_pretend(&caps);
	return _cmocka_run_group_tests(name, tests, n, make_pki, remove_pki);
}

#endif
