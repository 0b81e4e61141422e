/* SPDX-License-Identifier: Apache-2.0 */
/* What the parser must understand, however the bytes are cut, and what it writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "http/h1_impl.h"
#include "transcript.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

struct taken {
	const char *trap;
	const char *bytes;
	const char *want;
};

static const struct taken requests[] = {
	{"plain", "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n", "H GET/a?b=c0 1.1 keep [Host=x] E\n"},
	{"length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
	 "H POST/0 1.1 keep 5 [Host=x|Content-Length=5] B hello E\n"},
	{"length_zero", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
	 "H POST/0 1.1 keep 0 [Host=x|Content-Length=0] E\n"},
	{"chunks_joined",
	 "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
	 "5\r\nhello\r\n00A\r\n, world...\r\n0\r\n\r\n",
	 "H POST/0 1.1 keep chunked [Host=x|Transfer-Encoding=Chunked] B hello, world... E\n"},
	{"extensions_and_trailers_are_dropped",
	 "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "5;a=b;c=\"d\"\r\nhello\r\n0;z\r\nX-Sum: 1\r\nY: \r\n\r\n",
	 "H POST/0 1.1 keep chunked [Host=x|Transfer-Encoding=chunked] B hello E\n"},
	{"chunk_data_that_looks_like_the_end",
	 "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "5\r\n0\r\n\r\n\r\n0\r\n\r\n",
	 "H POST/0 1.1 keep chunked [Host=x|Transfer-Encoding=chunked] B 0\r\n\r\n E\n"},
	{"chunk_size_of_16_digits",
	 "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "0000000000000001\r\na\r\n0000000000000000\r\n\r\n",
	 "H POST/0 1.1 keep chunked [Host=x|Transfer-Encoding=chunked] B a E\n"},
	{"pipelined",
	 "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\n"
	 "Content-Length: 1\r\n\r\naGET /3 HTTP/1.1\r\nHost: x\r\n\r\n",
	 "H GET/10 1.1 keep [Host=x] E\n"
	 "H POST/20 1.1 keep 1 [Host=x|Content-Length=1] B a E\n"
	 "H GET/30 1.1 keep [Host=x] E\n"},
	{"one_empty_line_before_a_request_is_forgiven",
	 "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n\r\n",
	 "H GET/0 1.1 keep [Host=x] E\nH GET/0 1.1 keep [Host=x] E\n"},
	{"white_space_around_values",
	 "GET / HTTP/1.1\r\nHost:\t x \t\r\nA:\r\nB: \r\nC:c d\r\n\r\n",
	 "H GET/0 1.1 keep [Host=x|A=|B=|C=c d] E\n"},
	{"obs_text_in_values", "GET / HTTP/1.1\r\nHost: x\r\nA: \xc3\xa9\r\n\r\n",
	 "H GET/0 1.1 keep [Host=x|A=\xc3\xa9] E\n"},
	{"close", "GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n",
	 "H GET/0 1.1 [Host=x|Connection=foo, Close] E\n"},
	{"close_wins_over_keep_alive",
	 "GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
	 "H GET/0 1.0 [Host=x|Connection=keep-alive|Connection=close] E\n"},
	{"http_1_0", "GET / HTTP/1.0\r\nHost: x\r\n\r\n", "H GET/0 1.0 [Host=x] E\n"},
	{"http_1_0_keep_alive", "GET / HTTP/1.0\r\nHost: x\r\nConnection: Keep-Alive\r\n\r\n",
	 "H GET/0 1.0 keep [Host=x|Connection=Keep-Alive] E\n"},
	{"absolute_form_is_reduced", "GET http://X:80/a HTTP/1.1\r\nHost: x:80\r\n\r\n",
	 "H GET/a0 1.1 keep [Host=x:80] E\n"},
	{"absolute_form_without_path", "GET HTTPS://x HTTP/1.1\r\nHost: x\r\n\r\n",
	 "H GET/0 1.1 keep [Host=x] E\n"},
	{"target_of_a_gemini_call",
	 "POST /v1beta/models/g:generateContent?alt=sse HTTP/1.1\r\nHost: [::1]:8443\r\n"
	 "Content-Length: 0\r\n\r\n",
	 "H POST/v1beta/models/g:generateContent?alt=sse0 1.1 keep 0 "
	 "[Host=[::1]:8443|Content-Length=0] E\n"},
	{"double_slash_target", "GET //a HTTP/1.1\r\nHost: x\r\n\r\n",
	 "H GET//a0 1.1 keep [Host=x] E\n"},
	{"expect",
	 "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\na",
	 "H POST/0 1.1 keep expect 1 [Host=x|Expect=100-Continue|Content-Length=1] B a E\n"},
	{"expect_without_body_means_nothing",
	 "GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
	 "H GET/0 1.1 keep [Host=x|Expect=100-continue] E\n"},
	{"expect_from_1_0_means_nothing",
	 "POST / HTTP/1.0\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na",
	 "H POST/0 1.0 1 [Host=x|Expect=100-continue|Content-Length=1] B a E\n"},
	{"get_with_body", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na",
	 "H GET/0 1.1 keep 1 [Host=x|Content-Length=1] B a E\n"},
	{"delete_patch_put_options_head",
	 "DELETE /a HTTP/1.1\r\nHost: x\r\n\r\nPATCH /a HTTP/1.1\r\nHost: x\r\n\r\n"
	 "PUT /a HTTP/1.1\r\nHost: x\r\n\r\nOPTIONS /a HTTP/1.1\r\nHost: x\r\n\r\n"
	 "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n",
	 "H DELETE/a0 1.1 keep [Host=x] E\nH PATCH/a0 1.1 keep [Host=x] E\n"
	 "H PUT/a0 1.1 keep [Host=x] E\nH OPTIONS/a0 1.1 keep [Host=x] E\n"
	 "H HEAD/a0 1.1 keep [Host=x] E\n"},
	{"names_of_all_that_tokens_have",
	 "GET / HTTP/1.1\r\nHost: x\r\nlong-Name-of-letters!#$%&'*+-.^_`|~09azAZ: 1\r\n"
	 "another-name-of-thirty-two-bytes: 2\r\nsixteen-letters-: 3\r\nb: 4\r\n\r\n",
	 "H GET/0 1.1 keep [Host=x|long-Name-of-letters!#$%&'*+-.^_`|~09azAZ=1|"
	 "another-name-of-thirty-two-bytes=2|sixteen-letters-=3|b=4] E\n"},
	{"framing_among_other_fields",
	 "POST / HTTP/1.1\r\nA: 1\r\nHost: x\r\ncontent-LENGTH: 1\r\nB: 2\r\nC: 3\r\n\r\na"
	 "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nA: 1\r\nHost: x\r\nConnection: close"
	 "\r\n\r\n1\r\na\r\n0\r\n\r\n",
	 "H POST/0 1.1 keep 1 [A=1|Host=x|content-LENGTH=1|B=2|C=3] B a E\n"
	 "H POST/0 1.1 chunked [Transfer-Encoding=chunked|A=1|Host=x|Connection=close] B a E\n"},
	{"nothing", "", ""},
};

static const struct taken responses[] = {
	{"length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
	 "H 200 1.1 keep 2 [Content-Length=2] B hi E\n"},
	{"no_reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
	 "H 200 1.1 keep 0 [Content-Length=0] E\n"},
	{"empty_reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
	 "H 200 1.1 keep 0 [Content-Length=0] E\n"},
	{"until_eof_is_not_kept", "HTTP/1.1 200 OK\r\nA: b\r\n\r\nhi", "H 200 1.1 [A=b] B hi E\n"},
	{"until_eof_empty", "HTTP/1.1 200 OK\r\n\r\n", "H 200 1.1 [] E\n"},
	{"until_eof_from_1_0_keep_alive",
	 "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
	 "H 200 1.0 [Connection=keep-alive] B HTTP/1.1 200 OK\r\n\r\n E\n"},
	{"continue_then_final",
	 "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
	 "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
	 "H 100 1.1 keep []H 103 1.1 keep [Link=x]H 200 1.1 keep 1 [Content-Length=1] B a E\n"},
	{"no_content", "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
	 "H 204 1.1 keep [] E\nH 204 1.1 keep [] E\n"},
	{"no_content_with_zero_length", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
	 "H 204 1.1 keep 0 [Content-Length=0] E\n"},
	{"not_modified_has_no_body",
	 "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 x\r\n\r\n",
	 "H 304 1.1 keep 5 [Content-Length=5] E\nH 204 1.1 keep [] E\n"},
	{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
	 "H 200 1.1 keep chunked [Transfer-Encoding=chunked] B hi E\n"},
	{"upgrade_offered_is_ignored",
	 "HTTP/1.1 426 Upgrade Required\r\nUpgrade: h2c\r\nConnection: upgrade\r\n"
	 "Content-Length: 0\r\n\r\n",
	 "H 426 1.1 keep 0 [Upgrade=h2c|Connection=upgrade|Content-Length=0] E\n"},
	{"error_with_close", "HTTP/1.1 500 x\r\nConnection: close\r\nContent-Length: 1\r\n\r\na",
	 "H 500 1.1 1 [Connection=close|Content-Length=1] B a E\n"},
};

static const struct taken responses_to_head[] = {
	{"head_answer_has_no_body",
	 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
	 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
	 "H 200 1.1 keep 5 [Content-Length=5] E\n"
	 "H 200 1.1 keep chunked [Transfer-Encoding=chunked] E\nH 200 1.1 keep [] E\n"},
};

static void take_all(const struct taken *all, size_t n_all, enum rw_h1_side side, bool head_only)
{
	struct rw_h1_limits limits = {0};
	uint64_t seed = 7;

	for (size_t i = 0; i < n_all; i++) {
		for (int k = 0; k < 16; k++) {
			struct transcript t = {0};
			tr_cut cut = k == 0 ? cut_whole : k == 1 ? cut_bytes : cut_random;

			tr_run(&t, side, &limits, head_only, all[i].bytes, strlen(all[i].bytes),
			       cut, &seed);
			if (strcmp(t.text.p, all[i].want) != 0)
				fail_msg("%s cut %d:\n%s\nwanted:\n%s", all[i].trap, k, t.text.p,
					 all[i].want);
			tr_free(&t);
		}
	}
}

static void requests_are_understood_however_cut(void **state)
{
	(void)state;
	take_all(requests, COUNT(requests), RW_H1_REQUESTS, false);
}

static void responses_are_understood_however_cut(void **state)
{
	(void)state;
	take_all(responses, COUNT(responses), RW_H1_RESPONSES, false);
	take_all(responses_to_head, COUNT(responses_to_head), RW_H1_RESPONSES, true);
}

/* The next message's bytes must stay with the caller: a pooled connection depends on it. */
static void feed_stops_exactly_at_the_end_of_a_message(void **state)
{
	static const struct {
		const char *first;
	} all[] = {
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
		 "chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: "
		 "v\r\n\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct rw_h1_limits limits = {0};
		struct transcript t = {0};
		struct rw_h1 *p = rw_h1_new(RW_H1_REQUESTS, &limits, &tr_events, &t);
		struct rw_buf b = {0};
		size_t used, n = strlen(all[i].first);
		struct rw_error e;

		rw_buf_add_str(&b, all[i].first);
		rw_buf_add_str(&b, "\x16garbage that must not be looked at");
		assert_true(rw_h1_idle(p));
		assert_int_equal(rw_h1_feed(p, b.p, b.len, &used, &e), RW_OK);
		assert_int_equal(used, n);
		assert_int_equal(t.ends, 1);
		assert_true(rw_h1_idle(p));
		assert_int_equal(rw_h1_feed(p, b.p + used, b.len - used, &used, &e), RW_EPROTO);
		assert_int_equal(t.heads, 1);
		rw_h1_free(p);
		rw_buf_free(&b);
		tr_free(&t);
	}
}

/* bytes are fed; NULL: so many are skipped. */
struct skip_step {
	const char *bytes;
	unsigned skip;
	uint64_t run; /* afterwards */
	unsigned ends;
};

/* What went past the parser is as good as what it read; what is not data cannot be skipped. */
static void skipped_bytes_are_counted_as_if_they_were_fed(void **state)
{
	static const struct skip_step
		counted[] =
			{
				{"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", 0, 100000, 0},
				{NULL, 99000, 1000, 0},
				{"abc", 0, 997, 0},
				{NULL, 997, 0, 1},
				{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, 0, 2},
			},
		chunked[] =
			{
				{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 0, 0},
				{"1", 0, 0, 0},
				{"0000\r\n", 0, 65536, 0},
				{"de", 0, 65534, 0},
				{NULL, 65534, 0, 0},
				{"\r\n3\r\n", 0, 3, 0},
				{NULL, 3, 0, 0},
				{"\r\n0\r\n", 0, 0, 0},
				{"\r\n", 0, 0, 1},
			},
		until_eof[] = {
			{"HTTP/1.1 200 OK\r\n\r\n", 0, 0, 0},
			{"abc", 0, 0, 0},
		};
	static const struct {
		const struct skip_step *steps;
		size_t n;
		const char *body;
	} all[] = {{counted, COUNT(counted), "abc"},
		   {chunked, COUNT(chunked), "de"},
		   {until_eof, COUNT(until_eof), "abc"}};

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct rw_h1_limits limits = {0};
		struct transcript t = {0};
		struct rw_h1 *p = rw_h1_new(RW_H1_RESPONSES, &limits, &tr_events, &t);
		struct rw_error e = {0};
		size_t used;

		assert_int_equal(rw_h1_run(p), 0);
		for (size_t k = 0; k < all[i].n; k++) {
			const struct skip_step *s = &all[i].steps[k];

			if (s->bytes)
				assert_int_equal(
					rw_h1_feed(p, s->bytes, strlen(s->bytes), &used, &e),
					RW_OK);
			else
				assert_int_equal(rw_h1_skip(p, s->skip, &e), RW_OK);
			assert_int_equal(rw_h1_run(p), s->run);
			assert_int_equal(t.ends, s->ends);
		}
		rw_buf_add(&t.text, "", 1);
		assert_non_null(strstr(strstr(t.text.p, " B ") + 3, all[i].body));
		rw_h1_free(p);
		tr_free(&t);
	}
}

struct limit_case {
	const char *trap;
	const char *bytes;
	struct rw_h1_limits limits;
	unsigned status;
	unsigned heads;
};

/* Bounds hold however the bytes are cut, and a body over its bound is not told first. */
static void limits_are_exact_and_name_their_status(void **state)
{
	static const char get[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"; /* 27 bytes */
	static const char body[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
	static const char chunks[] = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
				     "\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
	static const char four[] = "GET / HTTP/1.1\r\nHost: x\r\na: 1\r\na: 2\r\na: 3\r\n\r\n";
	const struct limit_case all[] = {
		{"head_fits", get, {.head_bytes = 27}, 0, 1},
		{"head_does_not_fit", get, {.head_bytes = 26}, 431, 0},
		{"headers_fit", four, {.headers = 4}, 0, 1},
		{"headers_do_not_fit", four, {.headers = 3}, 431, 0},
		{"body_fits", body, {.body_bytes = 5}, 0, 1},
		{"body_does_not_fit", body, {.body_bytes = 4}, 413, 0},
		{"chunks_fit", chunks, {.body_bytes = 5}, 0, 1},
		{"chunks_do_not_fit", chunks, {.body_bytes = 4}, 413, 1},
	};
	uint64_t seed = 3;

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		for (int k = 0; k < 8; k++) {
			struct transcript t = {0};
			tr_cut cut = k == 0 ? cut_whole : k == 1 ? cut_bytes : cut_random;
			char tail[64];
			int rc = tr_run(&t, RW_H1_REQUESTS, &all[i].limits, false, all[i].bytes,
					strlen(all[i].bytes), cut, &seed);

			snprintf(tail, sizeof tail, "(%u)", all[i].status);
			if (rc != (all[i].status ? RW_ELIMIT : RW_OK) || t.heads != all[i].heads ||
			    (rc && !strstr(t.text.p, tail)))
				fail_msg("%s cut %d: %s", all[i].trap, k, t.text.p);
			tr_free(&t);
		}
	}
}

static void until_eof_body_over_its_bound_is_cut_there(void **state)
{
	static const char bytes[] = "HTTP/1.1 200 OK\r\n\r\nhello";
	const struct rw_h1_limits limits = {.body_bytes = 4};

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct transcript t = {0};

		tr_run(&t, RW_H1_RESPONSES, &limits, false, bytes, sizeof bytes - 1,
		       k ? cut_bytes : cut_whole, NULL);
		assert_string_equal(t.text.p, "H 200 1.1 [] B hell!limit exceeded(413)");
		tr_free(&t);
	}
}

/* --- names ----------------------------------------------------------------------------------- */

static void a_name_is_found_at_its_length_in_any_case(void **state)
{
	static const rw_h1_names set = {[2] = {"TE"},
					[4] = {"date", "Etag", "host"},
					[31] = {"x-name-of-thirty-one-characters"}};

	(void)state;
	assert_true(rw_h1_named(set, RW_SLICE("te")));
	assert_true(rw_h1_named(set, RW_SLICE("HOST")));
	assert_true(rw_h1_named(set, RW_SLICE("eTAG")));
	assert_true(rw_h1_named(set, RW_SLICE("X-Name-Of-Thirty-One-Characters")));
	assert_false(rw_h1_named(set, RW_SLICE("")));
	assert_false(rw_h1_named(set, RW_SLICE("t")));
	assert_false(rw_h1_named(set, RW_SLICE("dat\x05")));
	assert_false(rw_h1_named(set, RW_SLICE("hos")));
	assert_false(rw_h1_named(set, RW_SLICE("x-name-of-thirty-one-characters-")));
}

/* A name that stood at another length than its own would never be found. */
static void every_name_of_one_hop_is_known(void **state)
{
	static const char *const own[] = {"Host",	    "Expect",		"Upgrade",
					  "Trailer",	    "Connection",	"Keep-Alive",
					  "Content-Length", "Transfer-Encoding"};
	static const char *const hop[] = {"TE",
					  "Expect",
					  "Trailer",
					  "Upgrade",
					  "Connection",
					  "Keep-Alive",
					  "HTTP2-Settings",
					  "Proxy-Connection",
					  "Transfer-Encoding",
					  "Proxy-Authenticate",
					  "Proxy-Authorization",
					  "Proxy-Authentication-Info"};
	static const char *const frames[] = {"upgrade", "CONNECTION", "Content-Length",
					     "Proxy-Connection", "Transfer-Encoding"};
	const struct rw_h1_head head = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(frames); i++)
		assert_true(rw_h1_frames(rw_slice_str(frames[i])));
	for (size_t i = 0; i < COUNT(own); i++)
		assert_true(rw_h1_own_field(rw_slice_str(own[i])));
	for (size_t i = 0; i < COUNT(hop); i++)
		assert_true(rw_h1_hop_by_hop(&head, rw_slice_str(hop[i])));
	assert_false(rw_h1_own_field(RW_SLICE("Accept")));
	assert_false(rw_h1_hop_by_hop(&head, RW_SLICE("Accept")));
}

/* --- callbacks ------------------------------------------------------------------------------- */

struct refuser {
	const char *at; /* "head", "body" or "end" */
	unsigned calls;
};

static int refuse_head(void *user, const struct rw_h1_head *h)
{
	struct refuser *r = user;

	(void)h;
	r->calls++;
	return strcmp(r->at, "head") == 0 ? RW_EPERM : 0;
}

static int refuse_body(void *user, const char *data, size_t n)
{
	struct refuser *r = user;

	(void)data;
	(void)n;
	r->calls++;
	return strcmp(r->at, "body") == 0 ? RW_EPERM : 0;
}

static int refuse_end(void *user)
{
	struct refuser *r = user;

	r->calls++;
	return strcmp(r->at, "end") == 0 ? RW_EPERM : 0;
}

static void a_callback_that_refuses_is_the_last_one(void **state)
{
	static const char bytes[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"
				    "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	static const struct rw_h1_events ev = {refuse_head, refuse_body, refuse_end};
	static const char *const where[] = {"head", "body", "end"};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct refuser r = {.at = where[i]};
		struct rw_h1_limits limits = {0};
		struct rw_h1 *p = rw_h1_new(RW_H1_REQUESTS, &limits, &ev, &r);
		struct rw_error e;
		size_t used;

		assert_int_equal(rw_h1_feed(p, bytes, sizeof bytes - 1, &used, &e), RW_EPERM);
		assert_int_equal(r.calls, i + 1);
		assert_int_equal(rw_h1_feed(p, bytes, sizeof bytes - 1, &used, &e), RW_EPROTO);
		assert_int_equal(r.calls, i + 1);
		rw_h1_reset(p);
		r.at = "";
		assert_int_equal(rw_h1_feed(p, bytes, sizeof bytes - 1, &used, &e), RW_OK);
		rw_h1_free(p);
	}
}

struct late {
	const struct rw_h1_head *head;
	unsigned right, ends;
};

static int late_head(void *user, const struct rw_h1_head *h)
{
	struct late *l = user;

	l->head = h;
	l->right += rw_slice_is(h->target, "/path") &&
		    rw_slice_is(*rw_h1_find(h, "x-LATE"), "value");
	return 0;
}

static int late_body(void *user, const char *data, size_t n)
{
	(void)user;
	(void)data;
	(void)n;
	return 0;
}

static int late_end(void *user)
{
	((struct late *)user)->ends++;
	return 0;
}

/* From memory of its own each byte: the head may not point into bytes long gone. */
static void feed_apart(struct rw_h1 *p, const char *bytes, size_t n)
{
	struct rw_error e;
	size_t used;

	for (size_t i = 0; i < n; i++) {
		char *one = malloc(1);

		*one = bytes[i];
		assert_int_equal(rw_h1_feed(p, one, 1, &used, &e), RW_OK);
		free(one);
	}
}

/* A stream's body goes on for minutes: four kilobytes of head do not wait for its end. */
static void a_body_in_progress_holds_no_head(void **state)
{
	static const char bytes[] = "POST /path HTTP/1.1\r\nHost: x\r\nX-Late: value\r\n"
				    "Content-Length: 3\r\n\r\nabc";
	static const struct rw_h1_events ev = {late_head, late_body, late_end};
	struct late l[2] = {{0}, {0}};
	struct rw_h1_limits limits = {0};
	struct rw_h1_store *st = rw_h1_store_new();
	struct rw_h1 *p[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		p[i] = rw_h1_new(RW_H1_REQUESTS, &limits, &ev, &l[i]);
		rw_h1_use_store(p[i], st);
		feed_apart(p[i], bytes, sizeof bytes - 3);
	}
	assert_ptr_equal(l[0].head, l[1].head);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(l[i].right, 1);
		assert_false(rw_h1_idle(p[i]));
		feed_apart(p[i], "bc", 2);
		assert_int_equal(l[i].ends, 1);
		assert_true(rw_h1_idle(p[i]));
		rw_h1_free(p[i]);
	}
	rw_h1_store_free(st);
}

static void parsers_share_a_store_and_not_a_message(void **state)
{
	static const char bytes[] = "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer s\r\n\r\n";
	struct rw_h1_store *st = rw_h1_store_new();
	struct rw_h1_limits limits = {0};
	struct transcript t = {0};
	struct rw_h1 *p[4];
	struct rw_error e;
	size_t used;

	(void)state;
	for (int i = 0; i < 4; i++) {
		p[i] = rw_h1_new(RW_H1_REQUESTS, &limits, &tr_events, &t);
		rw_h1_use_store(p[i], st);
	}
	/* Interleaved: each has a message of its own while it lasts. */
	for (size_t k = 0; k < sizeof bytes - 1; k++)
		for (int i = 0; i < 4; i++)
			assert_int_equal(rw_h1_feed(p[i], bytes + k, 1, &used, &e), RW_OK);
	assert_int_equal(t.ends, 4);
	for (int i = 0; i < 4; i++)
		rw_h1_free(p[i]);
	rw_h1_store_free(st);
	tr_free(&t);
}

/* --- looking into heads ---------------------------------------------------------------------- */

static void hop_by_hop_is_the_fixed_list_and_what_connection_names(void **state)
{
	struct rw_h1_head h = {.n_headers = 3, .connection_names = true};
	static const char *const yes[] = {"connection", "KEEP-ALIVE", "te",
					  "Trailer",	"upgrade",    "transfer-encoding",
					  "x-a",	"X-B",	      "proxy-authorization"};
	static const char *const no[] = {"content-type", "x-c", "", "x-", "authorization"};

	(void)state;
	h.headers[0] = (struct rw_h1_header){RW_SLICE("Connection"), RW_SLICE("close, x-a")};
	h.headers[1] = (struct rw_h1_header){RW_SLICE("X-C"), RW_SLICE("1")};
	h.headers[2] = (struct rw_h1_header){RW_SLICE("connection"), RW_SLICE(",, x-b ,")};
	for (size_t i = 0; i < COUNT(yes); i++)
		assert_true(rw_h1_hop_by_hop(&h, rw_slice_str(yes[i])));
	for (size_t i = 0; i < COUNT(no); i++)
		assert_false(rw_h1_hop_by_hop(&h, rw_slice_str(no[i])));
	assert_null(rw_h1_find(&h, "x-d"));
	assert_true(rw_slice_is(*rw_h1_find(&h, "x-c"), "1"));
}

/* --- writing --------------------------------------------------------------------------------- */

/* A header value from a prompt, a model name or an upstream must not split the answer. */
static void what_would_not_parse_back_is_not_written(void **state)
{
	static const struct rw_slice bad_values[] = {
		{"a\r\nb: c", 7}, {"a\nb", 3}, {"a\rb", 3}, {"a\0b", 3}, {"\x7f", 1},
		{" a", 2},	  {"a ", 2},   {"\ta", 2},  {"a\t", 2},
	};
	static const char *const bad_names[] = {"", "a b", "a:", "a\r\n", "\xc3\xa9", "a\t"};
	static const char *const bad_targets[] = {"",	   "a",	 "*",	      "/a b",
						  "/\r\n", "/#", "http://a/", "/\xc3\xa9"};
	static const unsigned bad_status[] = {0, 99, 101, 600, 1000};
	struct rw_buf b = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(bad_values); i++)
		assert_int_equal(rw_h1_put_header(&b, RW_SLICE("x"), bad_values[i]), RW_EINVAL);
	for (size_t i = 0; i < COUNT(bad_names); i++)
		assert_int_equal(rw_h1_put_header(&b, rw_slice_str(bad_names[i]), RW_SLICE("v")),
				 RW_EINVAL);
	for (size_t i = 0; i < COUNT(bad_targets); i++)
		assert_int_equal(
			rw_h1_put_request_line(&b, RW_SLICE("GET"), rw_slice_str(bad_targets[i])),
			RW_EINVAL);
	for (size_t i = 0; i < COUNT(bad_status); i++)
		assert_int_equal(rw_h1_put_status_line(&b, bad_status[i]), RW_EINVAL);
	assert_int_equal(rw_h1_put_request_line(&b, RW_SLICE("get"), RW_SLICE("/")), RW_EINVAL);
	assert_int_equal(rw_h1_put_request_line(&b, RW_SLICE("CONNECT"), RW_SLICE("/")), RW_EINVAL);
	assert_int_equal(b.len, 0);
	rw_buf_free(&b);
}

static void heads_and_chunks_are_written_as_the_rfc_says(void **state)
{
	struct rw_buf b = {0};
	static const char want[] = "POST /v1?a=b HTTP/1.1\r\nHost: x\r\nEmpty: \r\n"
				   "content-length: 18446744073709551615\r\n\r\n"
				   "HTTP/1.1 429 Too Many Requests\r\nHTTP/1.1 299 \r\n"
				   "1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n";

	(void)state;
	assert_int_equal(rw_h1_put_request_line(&b, RW_SLICE("POST"), RW_SLICE("/v1?a=b")), 0);
	assert_int_equal(rw_h1_put_header(&b, RW_SLICE("Host"), RW_SLICE("x")), 0);
	assert_int_equal(rw_h1_put_header(&b, RW_SLICE("Empty"), RW_SLICE("")), 0);
	assert_int_equal(rw_h1_put_header_num(&b, "content-length", UINT64_MAX), 0);
	assert_int_equal(rw_h1_put_end(&b), 0);
	assert_int_equal(rw_h1_put_status_line(&b, 429), 0);
	assert_int_equal(rw_h1_put_status_line(&b, 299), 0);
	assert_int_equal(rw_h1_put_chunk(&b, "abcdefghijklmnopqrstuvwxyz", 26), 0);
	assert_int_equal(rw_h1_put_chunk(&b, "", 0), 0); /* would end the body */
	assert_int_equal(rw_h1_put_last_chunk(&b), 0);
	assert_int_equal(b.len, sizeof want - 1);
	assert_memory_equal(b.p, want, b.len);
	rw_buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_understood_however_cut),
		cmocka_unit_test(responses_are_understood_however_cut),
		cmocka_unit_test(feed_stops_exactly_at_the_end_of_a_message),
		cmocka_unit_test(skipped_bytes_are_counted_as_if_they_were_fed),
		cmocka_unit_test(limits_are_exact_and_name_their_status),
		cmocka_unit_test(until_eof_body_over_its_bound_is_cut_there),
		cmocka_unit_test(a_name_is_found_at_its_length_in_any_case),
		cmocka_unit_test(every_name_of_one_hop_is_known),
		cmocka_unit_test(a_callback_that_refuses_is_the_last_one),
		cmocka_unit_test(a_body_in_progress_holds_no_head),
		cmocka_unit_test(parsers_share_a_store_and_not_a_message),
		cmocka_unit_test(hop_by_hop_is_the_fixed_list_and_what_connection_names),
		cmocka_unit_test(what_would_not_parse_back_is_not_written),
		cmocka_unit_test(heads_and_chunks_are_written_as_the_rfc_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
