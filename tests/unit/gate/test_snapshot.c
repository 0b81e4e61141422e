/* SPDX-License-Identifier: Apache-2.0 */
/* Routing by model, and what a snapshot shares with the next. */
#include "world.h"

#define UPSTREAMS                                                                    \
	"  - name: one\n    url: http://" UPSTREAM "/v1\n    key: sk-provider-one\n" \
	"  - name: two\n    url: http://" OTHER "/v1\n"                              \
	"models:\n  - {name: exact, upstream: two}\n  - {name: \"*\", upstream: one}\n"

static int route(const struct rw_snapshot *s, const char *model)
{
	return rw_snapshot_route(s, rw_slice_str(model));
}

/* "*" admits every other model, but must not take one that is named. */
static void exact_name_goes_before_the_star(void **state)
{
	struct rw_model_config models[] = {{.name = "*", .upstream = 0},
					   {.name = "gpt-4o", .upstream = 1}};
	struct rw_config c = {.n_models = 2};
	struct rw_routes routes = {.config = &c};
	struct rw_snapshot s = {.routes = &routes};

	(void)state;
	memcpy(c.models, models, sizeof(models));
	assert_int_equal(route(&s, "gpt-4o"), 1);
	assert_int_equal(route(&s, "gpt-4o-mini"), 0);
	assert_int_equal(route(&s, "GPT-4O"), 0);
	assert_int_equal(route(&s, "*"), 0);
	c.n_models = 0;
	assert_int_equal(route(&s, "gpt-4o"), -1);
	assert_int_equal(route(&s, "*"), -1);
	c.models[0] = models[1];
	c.n_models = 1;
	assert_int_equal(route(&s, "gpt-4"), -1);
	assert_int_equal(route(&s, ""), -1);
}

/* A request for a model goes to its upstream, with that one's key or without any. */
static void each_upstream_gets_its_own_key_only(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, UPSTREAMS, "");
	w.up.answer = w.other.answer = JSON_OK("x");
	assert_int_equal(ask(&w, "", "hi"), 200); /* model m: the star */
	assert_true(has(&w.up.got, "authorization: Bearer sk-provider-one\r\n"));
	rw_buf_reset(&w.c.got);
	say(&w,
	    CHAT "Authorization: Bearer %s\r\nContent-Length: 61\r\n\r\n"
		 "{\"model\":\"exact\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
	    w.key);
	run_until(&w, answered(&w));
	assert_int_equal(status_of(&w), 200);
	assert_int_equal(w.other.requests, 1);
	assert_false(has(&w.other.got, "uthorization"));
	world_end(&w);
}

/* New keys are no reason to close the upstreams' connections or compile rules. */
static void snapshot_with_other_keys_shares_all_the_rest(void **state)
{
	struct rw_snapshot *old, *now;
	struct rw_error e = {0};
	struct world w;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	old = rw_control_snapshot(w.control);
	assert_int_equal(rw_snapshot_with_keys(&now, old, old->keys, &e), RW_OK);
	assert_ptr_equal(now->routes, old->routes);
	assert_ptr_equal(now->rules, old->rules);
	assert_true(now->generation > old->generation);
	assert_int_equal(rw_worker_publish(w.w, now), RW_OK);
	struct rw_pools *pools = w.w->pools;
	run_for(&w, 10 * MS);
	assert_int_equal(atomic_load(&w.w->generation), now->generation);
	assert_ptr_equal(w.w->pools, pools);
	rw_snapshot_unref(now);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_name_goes_before_the_star),
		cmocka_unit_test(each_upstream_gets_its_own_key_only),
		cmocka_unit_test(snapshot_with_other_keys_shares_all_the_rest),
	};

	return cmocka_run_group_tests(tests, load_rules, drop_rules);
}
