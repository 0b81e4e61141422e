/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a connection is from, as a balancer says: the PROXY protocol's version 2 (proxy-protocol.txt
 * 2.2) whole, in pieces and wrong, in front of a server; and lists of X-Forwarded-For.
 */
#include "desk.h"

#include "http/proxy.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define FROM4	  "\xcb\x00\x71\x09\xc0\x00\x02\x01\x30\x39\x01\xbb" /* 203.0.113.9:12345 */
#define FROM6                                                              \
	"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09" \
	"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x30\x39\x01\xbb"
#define TLV	 "\x03\x00\x04\x01\x02\x03\x04"
#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char *name;
	const char *bytes;
	size_t n;
	int rc;
	const char *client; /* NULL: untouched */
} headers[] = {
	{"TCP4", BYTES(SIGNATURE "\x21\x11\x00\x0c" FROM4), RW_OK, "203.0.113.9:12345"},
	{"TCP6", BYTES(SIGNATURE "\x21\x21\x00\x24" FROM6), RW_OK, "[2001:db8::9]:12345"},
	{"TLVs", BYTES(SIGNATURE "\x21\x11\x00\x13" FROM4 TLV), RW_OK, "203.0.113.9:12345"},
	{"LOCAL", BYTES(SIGNATURE "\x20\x00\x00\x00"), RW_OK, NULL},
	{"LOCAL with an address, which counts not", BYTES(SIGNATURE "\x20\x11\x00\x0c" FROM4),
	 RW_OK, NULL},
	{"UNSPEC", BYTES(SIGNATURE "\x21\x00\x00\x00"), RW_OK, NULL},
	{"UNSPEC with TLVs", BYTES(SIGNATURE "\x21\x00\x00\x07" TLV), RW_OK, NULL},
	{"version 1", BYTES("PROXY TCP4 203.0.113.9 192.0.2.1 1 2\r\n"), RW_EPROTO, NULL},
	{"no header", BYTES("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), RW_EPROTO, NULL},
	{"version 3", BYTES(SIGNATURE "\x31\x11\x00\x0c" FROM4), RW_EPROTO, NULL},
	{"no such command", BYTES(SIGNATURE "\x22\x11\x00\x0c" FROM4), RW_EPROTO, NULL},
	{"UDP", BYTES(SIGNATURE "\x21\x12\x00\x0c" FROM4), RW_EPROTO, NULL},
	{"a socket in the file system", BYTES(SIGNATURE "\x21\x31\x00\xd8"), RW_EPROTO, NULL},
	{"too short for its family", BYTES(SIGNATURE "\x21\x21\x00\x0c" FROM4), RW_EPROTO, NULL},
	{"longer than we read", BYTES(SIGNATURE "\x21\x11\xff\xff" FROM4), RW_EPROTO, NULL},
	{"not all there", BYTES(SIGNATURE "\x21\x11\x00\x0c\xcb"), RW_EAGAIN, NULL},
	{"nothing yet", BYTES(""), RW_EAGAIN, NULL},
};

enum { N_HEADERS = sizeof(headers) / sizeof(headers[0]) };

static void expect_client(const struct rw_addr *got, const char *want)
{
	char text[RW_ADDR_TEXT];

	if (want)
		assert_string_equal(rw_addr_text(got, true, text), want);
	else
		assert_int_equal(got->len, 0);
}

/* Each alike whole, in two pieces cut anywhere, and with what follows it left alone. */
static void every_header_is_read_alike_in_pieces(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_HEADERS; i++)
		for (size_t cut = 0; cut <= headers[i].n; cut++) {
			struct rw_proxy p = {0};
			struct rw_addr client = {0};
			struct rw_error e = {0};
			char all[128];
			size_t used, more;
			int rc;

			memcpy(all, headers[i].bytes, headers[i].n);
			memcpy(all + headers[i].n, "\x16\x03", 2);
			rc = rw_proxy_feed(&p, (uint8_t *)all, cut, &used, &client, &e);
			if (rc == RW_EAGAIN) {
				assert_int_equal(used, cut);
				more = headers[i].rc == RW_EAGAIN ? headers[i].n - cut
								  : headers[i].n + 2 - cut;
				rc = rw_proxy_feed(&p, (uint8_t *)all + cut, more, &used, &client,
						   &e);
				used += cut;
			}
			if (rc != headers[i].rc)
				fail_msg("%s, cut at %zu: %d", headers[i].name, cut, rc);
			if (rc == RW_OK)
				assert_int_equal(used, headers[i].n);
			if (rc == RW_EPROTO)
				assert_true(e.text[0]);
			expect_client(&client, headers[i].client);
		}
}

/* --- in front of a server ----------------------------------------------------------------------
 */

static bool believed = true;

static bool on_proxy(void *user, const struct rw_addr *peer)
{
	(void)user;
	assert_true(rw_addr_is_loopback(peer));
	return believed;
}

static void begin(struct desk *d, struct raw *r)
{
	static const struct rw_http_server_config cfg = {.proxy = true, .handshake_ns = 5 * S};
	struct rw_http_handler h = handler;

	h.on_proxy = on_proxy;
	*d = (struct desk){0};
	world_begin(&d->w);
	desk_serve(d, &cfg, &h);
	client(d, r, "");
}

static char from[RW_ADDR_TEXT], wire[RW_ADDR_TEXT];

static void note_peer(struct desk *d, struct rw_exchange *x)
{
	(void)d;
	rw_addr_text(&rw_exchange_peer(x)->peer, true, from);
	rw_addr_text(rw_exchange_wire(x), false, wire);
	answer(x, "hello");
}

/* The request in the same segment as the header's end must not be lost. */
static void request_behind_a_header_is_from_whom_it_names(void **state)
{
	static const char all[] = SIGNATURE "\x21\x11\x00\x13" FROM4 TLV GET("/x") GET("/x");

	(void)state;
	for (size_t cut = 1; cut < sizeof(all) - 1; cut += 3) {
		struct desk d;
		struct raw r;

		begin(&d, &r);
		d.then = note_peer;
		raw_bytes(&r, all, cut);
		run_for(&d.w, 5 * MS);
		raw_bytes(&r, all + cut, sizeof(all) - 1 - cut);
		run_until(&d.w, d.done == 2);
		assert_string_equal(from, "203.0.113.9:12345");
		assert_string_equal(wire, "127.0.0.1");
		assert_int_equal(d.bad, 0);
		desk_end(&d);
		raw_end(&r);
	}
}

/* Health checks of the balancer itself. */
static void local_connection_is_the_balancers_own(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	begin(&d, &r);
	d.then = note_peer;
	raw_bytes(&r, BYTES(SIGNATURE "\x20\x00\x00\x00" GET("/x")));
	run_until(&d.w, d.done == 1);
	assert_int_equal(strncmp(from, "127.0.0.1:", 10), 0);
	desk_end(&d);
	raw_end(&r);
}

static void connection_without_a_header_is_closed_unanswered(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	begin(&d, &r);
	raw_bytes(&r, BYTES(GET("/x")));
	run_until(&d.w, r.closed || r.eof);
	assert_int_equal(r.got.len, 0);
	assert_int_equal(d.bad, 1);
	assert_int_equal(d.bad_kind, RW_HTTP_BAD_MESSAGE);
	assert_int_equal(rw_http_server_conns(d.server), 0);
	desk_end(&d);
	raw_end(&r);
}

/* Else anybody could say who he is. */
static void header_of_a_stranger_is_not_read(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	believed = false;
	begin(&d, &r);
	raw_bytes(&r, BYTES(SIGNATURE "\x21\x11\x00\x0c" FROM4 GET("/x")));
	run_until(&d.w, r.closed || r.eof);
	believed = true;
	assert_int_equal(d.requests, 0);
	assert_int_equal(r.got.len, 0);
	desk_end(&d);
	raw_end(&r);
}

static void header_that_does_not_come_ends_the_connection(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	begin(&d, &r);
	raw_bytes(&r, BYTES(SIGNATURE));
	run_until(&d.w, r.closed || r.eof);
	assert_int_equal(d.bad, 1);
	assert_int_equal(rw_http_server_conns(d.server), 0);
	desk_end(&d);
	raw_end(&r);
}

static void server_is_freed_while_a_header_is_read(void **state)
{
	struct desk d;
	struct raw r;

	(void)state;
	begin(&d, &r);
	raw_bytes(&r, BYTES(SIGNATURE));
	run_until(&d.w, rw_http_server_conns(d.server) == 1);
	run_for(&d.w, 100 * MS);
	assert_int_equal(rw_http_server_conns(d.server), 1);
	desk_end(&d);
	raw_end(&r);
}

/* --- X-Forwarded-For ---------------------------------------------------------------------------
 */

static void lists_of_forwarders_are_read_from_their_end(void **state)
{
	static const struct {
		const char *list, *last; /* last NULL: not to be read */
		size_t left;
	} rows[] = {
		{"203.0.113.9", "203.0.113.9", 0},
		{"1.2.3.4, 203.0.113.9", "203.0.113.9", 7},
		{"1.2.3.4,\t203.0.113.9:8080 ", "203.0.113.9", 7},
		{"x,2001:db8::9", "2001:db8::9", 1},
		{"[2001:db8::9]", "2001:db8::9", 0},
		{"[2001:db8::9]:443", "2001:db8::9", 0},
		{"::ffff:203.0.113.9", "::ffff:203.0.113.9", 0},
		{"", NULL, 0},
		{" ", NULL, 0},
		{"1.2.3.4,", NULL, 7},
		{"unknown", NULL, 0},
		{"_hidden", NULL, 0},
		{"203.0.113", NULL, 0},
		{"0203.0.113.9", NULL, 0},
		{"203.0.113.9 203.0.113.8", NULL, 0},
		{"[2001:db8::9", NULL, 0},
		{"2001:db8::9%eth0", NULL, 0},
		{":80", NULL, 0},
		{"111111111111111111111111111111111111111111111111111111111111111", NULL, 0},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rw_slice list = rw_slice_str(rows[i].list);
		char text[RW_ADDR_TEXT];
		struct rw_addr a;
		bool got = rw_forwarded_last(&list, &a);

		if (got != !!rows[i].last)
			fail_msg("'%s'", rows[i].list);
		if (got)
			assert_string_equal(rw_addr_text(&a, false, text), rows[i].last);
		assert_int_equal(list.n, rows[i].left);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_header_is_read_alike_in_pieces),
		cmocka_unit_test(request_behind_a_header_is_from_whom_it_names),
		cmocka_unit_test(local_connection_is_the_balancers_own),
		cmocka_unit_test(connection_without_a_header_is_closed_unanswered),
		cmocka_unit_test(header_of_a_stranger_is_not_read),
		cmocka_unit_test(header_that_does_not_come_ends_the_connection),
		cmocka_unit_test(server_is_freed_while_a_header_is_read),
		cmocka_unit_test(lists_of_forwarders_are_read_from_their_end),
	};

	return cmocka_run_group_tests_name("proxy", tests, NULL, NULL);
}
