/* SPDX-License-Identifier: Apache-2.0 */
/* Which header fields pass, seen from both ends of a whole exchange. */
#include "world.h"

#define ANSWER(fields)                                                                             \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n" fields "\r\n" \
	"{}"

static void unknown_fields_pass_in_both_directions(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	w.up.answer = ANSWER("X-New-Thing: down\r\nx-request-id: req_1\r\nRetry-After: 7\r\n");
	assert_int_equal(ask(&w, "X-New-Thing: up\r\nOpenAI-Organization: org\r\n", "hi"), 200);
	assert_true(has(&w.up.got, "X-New-Thing: up\r\n"));
	assert_true(has(&w.up.got, "OpenAI-Organization: org\r\n"));
	assert_true(has(&w.c.got, "X-New-Thing: down\r\n"));
	assert_true(has(&w.c.got, "x-request-id: req_1\r\n"));
	assert_true(has(&w.c.got, "Retry-After: 7\r\n"));
	world_end(&w);
}

/* A caller's key, in whatever dialect's header, is for the gateway; the provider gets its own. */
static void credentials_and_cookies_stay_here(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	w.up.answer = ANSWER("");
	assert_int_equal(ask(&w,
			     "api-key: rw-secret\r\nX-API-Key: rw-secret\r\n"
			     "x-goog-api-key: rw-secret\r\nCookie: session=rw-secret\r\n"
			     "Proxy-Authorization: Basic rw-secret\r\n",
			     "hi"),
			 200);
	assert_false(has(&w.up.got, "rw-secret"));
	assert_false(has(&w.up.got, w.key));
	assert_int_equal(count(text_of(&w.up.got), "uthorization: "), 1);
	assert_true(has(&w.up.got, "authorization: Bearer sk-provider-one\r\n"));
	world_end(&w);
}

/* RFC 9110 7.6.1: they speak about one connection, also those that Connection names. */
static void hop_by_hop_fields_stay_on_their_hop(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	w.up.answer = ANSWER("Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
			     "Proxy-Authenticate: Basic\r\nTrailer: x\r\n");
	assert_int_equal(ask(&w,
			     "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n"
			     "TE: trailers\r\n",
			     "hi"),
			 200);
	assert_false(has(&w.up.got, "X-Hop"));
	assert_false(has(&w.up.got, "Keep-Alive"));
	assert_false(has(&w.up.got, "TE: "));
	assert_false(has(&w.c.got, "X-Hop"));
	assert_false(has(&w.c.got, "Keep-Alive"));
	assert_false(has(&w.c.got, "Proxy-Authenticate"));
	world_end(&w);
}

/* Applications decide by x-ringwall-verdict: neither side may say it in the gateway's place. */
static void our_own_names_cannot_be_forged(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	w.up.answer = ANSWER("X-Ringwall-Verdict: forged\r\nx-ringwall-request-id: forged\r\n");
	assert_int_equal(ask(&w, "x-ringwall-verdict: forged\r\n", "hi"), 200);
	assert_false(has(&w.up.got, "forged"));
	assert_false(has(&w.c.got, "forged"));
	assert_int_equal(count(text_of(&w.c.got), "x-ringwall-request-id: rq_"), 1);
	assert_int_equal(count(text_of(&w.c.got), "x-ringwall-verdict: allow"), 1);
	world_end(&w);
}

/* Masking changes bodies; a cookie or HSTS of the provider's is about another host. */
static void what_would_be_wrong_behind_a_gateway_stays_behind(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, ONE_UPSTREAM, "");
	w.up.answer = ANSWER("Set-Cookie: __cf_bm=shared\r\nAlt-Svc: h3=\":443\"\r\n"
			     "Strict-Transport-Security: max-age=1\r\nETag: \"x\"\r\n"
			     "Content-Digest: sha-256=:x:\r\nRepr-Digest: sha-256=:x:\r\n"
			     "Digest: x\r\nContent-MD5: x\r\nDate: never\r\n");
	assert_int_equal(ask(&w,
			     "Content-Digest: sha-256=:x:\r\nRepr-Digest: sha-256=:x:\r\n"
			     "Digest: x\r\nContent-MD5: x\r\nAccept-Encoding: br\r\n",
			     "hi"),
			 200);
	assert_false(has(&w.up.got, "Digest"));
	assert_false(has(&w.up.got, "MD5"));
	assert_true(has(&w.up.got, "accept-encoding: identity\r\n"));
	assert_false(has(&w.up.got, "br\r\n"));
	for (const char *const *name = (const char *const[]){"ookie", "lt-", "trict-", "ETag",
							     "igest", "MD5", "never", NULL};
	     *name; name++)
		assert_false(has(&w.c.got, *name));
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_fields_pass_in_both_directions),
		cmocka_unit_test(credentials_and_cookies_stay_here),
		cmocka_unit_test(hop_by_hop_fields_stay_on_their_hop),
		cmocka_unit_test(our_own_names_cannot_be_forged),
		cmocka_unit_test(what_would_be_wrong_behind_a_gateway_stays_behind),
	};

	return cmocka_run_group_tests(tests, load_rules, drop_rules);
}
