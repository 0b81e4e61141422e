/* SPDX-License-Identifier: Apache-2.0 */
/* A new configuration while requests are under way. */
#include "world.h"

#define TWO_UPSTREAMS                                                                \
	"  - name: one\n    url: http://" UPSTREAM "/v1\n    key: sk-provider-one\n" \
	"  - name: two\n    url: http://" OTHER "/v1\n    key: sk-provider-two\n"    \
	"models:\n  - {name: m, upstream: one}\n  - {name: n, upstream: two}\n"
#define SWAPPED_UPSTREAMS                                                         \
	"  - name: two\n    url: http://" OTHER "/v1\n    key: sk-provider-two\n" \
	"models:\n  - {name: m, upstream: two}\n"

static void publish(struct world *w, const char *upstreams)
{
	struct rw_snapshot *old = rw_control_snapshot(w->control), *snap;
	struct rw_error e = {0};

	if (rw_snapshot_new(&snap, make_config(w, upstreams, ""),
			    &(const struct rw_snapshot_parts){
				    .keys = old->keys, .rules = the_rules, .tls = w->gw.tls},
			    &e))
		fail_msg("%s", e.text);
	assert_int_equal(rw_worker_publish(w->w, snap), RW_OK);
	rw_snapshot_unref(snap);
	run_for(w, 10 * MS);
}

/*
 * An upstream's pool was looked up by its place in the list: a request that began before a
 * reload took its provider's key to whoever stood in that place afterwards.
 */
static void request_of_before_the_reload_goes_where_its_key_belongs(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, TWO_UPSTREAMS, "");
	w.up.answer = w.other.answer = JSON_OK("fine");
	say(&w, CHAT "Authorization: Bearer %s\r\nContent-Length: 57\r\n\r\n{\"model\":\"m\",",
	    w.key);
	run_for(&w, 20 * MS);
	publish(&w, SWAPPED_UPSTREAMS);
	say(&w, "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}");
	run_until(&w, answered(&w));
	assert_int_equal(status_of(&w), 200);
	assert_int_equal(w.up.requests, 1);
	assert_int_equal(w.other.requests, 0);
	assert_true(has(&w.up.got, "Bearer sk-provider-one"));
	assert_int_equal(ask(&w, "", "again"), 200);
	assert_int_equal(w.other.requests, 1);
	assert_true(has(&w.other.got, "Bearer sk-provider-two"));
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_of_before_the_reload_goes_where_its_key_belongs),
	};

	return cmocka_run_group_tests(tests, load_rules, drop_rules);
}
