/* SPDX-License-Identifier: Apache-2.0 */
/* The AEAD back-end against a peer that seals whatever the test wants, and against OpenSSL. */
#include "unit/tls/util.h"

#include "tls/internal.h"
#include "unit/tls/seal.h"

/* Our end, and the key that its peer seals with. */
struct duel {
	struct end end;
	struct rw_tls_keys k;
	struct rw_tls_way theirs, ours; /* the peer's, and ours as the peer knows it */
};

static void begin(struct duel *d, int version, bool server)
{
	memset(d, 0, sizeof(*d));
	d->k.version = version;
	d->k.server = server;
	d->k.suite = rw_tls_suite_find(version == TLS1_3_VERSION ? 0x1301 : 0xc02b);
	d->k.max_fragment = RW_RECORD_MAX;
	seal_key(&d->theirs, d->k.suite, version);
	d->ours = d->k.rx = d->k.tx = d->theirs;
	assert_int_equal(rw_record_aead_new(&d->end.rec, &d->k, end_sink, &d->end), RW_OK);
	d->end.opens = 1;
}

static enum rw_record_event hear(struct duel *d, const struct seal_spec *s)
{
	static uint8_t out[SEAL_ROOM];
	size_t n = seal_record(d->k.suite, &d->theirs, d->k.version, s, out);

	return end_feed(&d->end, (const char *)out, n);
}

static enum rw_record_event hear_message(struct duel *d, uint8_t type, const void *data, size_t n)
{
	return hear(d, &(const struct seal_spec){.type = type, .data = data, .n = n});
}

static enum rw_record_event hear_data(struct duel *d, const char *text)
{
	return hear_message(d, SSL3_RT_APPLICATION_DATA, text, strlen(text));
}

/* The next record that our end has sent, opened: its type. */
static int sent(struct duel *d, char *text, size_t room)
{
	struct rw_tls_keys k = d->k;
	struct rw_slice in = {d->end.out.p, 0};
	uint8_t plain[RW_RECORD_ROOM];
	struct rw_error e = {.text = ""};
	struct rw_record *r;
	enum rw_record_event ev;
	size_t n;
	int type = SSL3_RT_APPLICATION_DATA;

	assert_true(d->end.out.len >= 5);
	in.n = 5 + ((size_t)(uint8_t)in.p[3] << 8 | (uint8_t)in.p[4]);
	assert_true(in.n <= d->end.out.len);
	k.server = !k.server;
	k.rx = k.tx = d->ours;
	assert_int_equal(rw_record_aead_new(&r, &k, end_sink, &(struct end){0}), RW_OK);
	ev = r->ops->read(r, &in, plain, sizeof(plain), &n, &e);
	snprintf(text, room, "%.*s", (int)n, (const char *)plain);
	if (ev == RW_RECORD_ERROR || ev == RW_RECORD_EOF)
		type = SSL3_RT_ALERT;
	else if (n == 0)
		type = SSL3_RT_HANDSHAKE;
	if (type == SSL3_RT_ALERT)
		snprintf(text, room, "%s", ev == RW_RECORD_EOF ? "close notify" : e.text);
	d->ours.seq++;
	rw_buf_consume(&d->end.out, (size_t)(in.p - d->end.out.p));
	r->ops->free(r);
	return type;
}

static void assert_alert(struct duel *d, const char *name)
{
	char text[600];

	assert_int_equal(d->end.last, RW_RECORD_ERROR);
	assert_int_equal(d->end.e.code, RW_EPROTO);
	assert_int_equal(sent(d, text, sizeof(text)), SSL3_RT_ALERT);
	if (!strstr(text, name))
		fail_msg("'%s' is not in: %s", name, text);
	assert_int_equal(d->end.out.len, 0);
}

static void over(struct duel *d)
{
	rw_tls_keys_wipe(&d->k);
	end_free(&d->end);
}

/* --- what is wrong --------------------------------------------------------------------- */

/* Each with the alert of RFC 8446 6.2; and the connection is over for good. */
static void wrong_records_get_their_alert(void **state)
{
	static char big[20000];
	static const struct {
		int version;
		bool server;
		struct seal_spec spec;
		const char *alert;
	} all[] = {
#define ANY13 TLS1_3_VERSION, true
		{ANY13, {.type = 23, .data = big, .n = 16385}, "record overflow"},
		{ANY13, {.type = 23, .data = big, .n = 16384, .zeros = 300}, "record overflow"},
		{ANY13, {.no_type = true, .data = big, .zeros = 5}, "unexpected message"},
		{ANY13, {.type = 20, .data = "\x01", .n = 1}, "unexpected message"},
		{ANY13, {.type = 24, .data = "\x01", .n = 1}, "unexpected message"},
		{ANY13, {.type = 21, .data = "\x02", .n = 1}, "decode error"},
		{ANY13, {.type = 21, .data = "\x02\x28\x02\x28", .n = 4}, "decode error"},
		{ANY13, {.type = 22, .data = big, .n = 0}, "unexpected message"},
		/* a KeyUpdate with something behind it, cut, or of another length or meaning */
		{ANY13, {.type = 22, .data = "\x18\0\0\1\0\x18", .n = 6}, "unexpected message"},
		{ANY13, {.type = 22, .data = "\x18\0\0\1", .n = 4}, "unexpected message"},
		{ANY13, {.type = 22, .data = "\x18\0\0\2\0", .n = 5}, "unexpected message"},
		{ANY13, {.type = 22, .data = "\x18\0\0\1\2", .n = 5}, "illegal parameter"},
		/* tickets are for clients; nobody begins another handshake */
		{ANY13, {.type = 22, .data = "\x04\0\0\1\0", .n = 5}, "unexpected message"},
		{ANY13, {.type = 22, .data = "\x01\0\0\1\0", .n = 5}, "unexpected message"},
		{TLS1_3_VERSION,
		 false,
		 {.type = 22, .data = "\x0d\0\0\1\0", .n = 5},
		 "unexpected message"},
		{TLS1_3_VERSION,
		 false,
		 {.type = 22, .data = "\x04\1\0\1\0", .n = 5},
		 "illegal parameter"},
		{TLS1_2_VERSION,
		 true,
		 {.type = 22, .data = "\x01\0\0\0", .n = 4},
		 "handshake failure"},
		{TLS1_2_VERSION, true, {.type = 23, .data = big, .n = 16385}, "record overflow"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct duel d;

		begin(&d, all[i].version, all[i].server);
		assert_int_equal(hear_data(&d, "right"), RW_RECORD_WANT);
		assert_int_equal(hear(&d, &all[i].spec), RW_RECORD_ERROR);
		assert_int_equal(d.end.got.len, 5);
		assert_alert(&d, all[i].alert);
		assert_int_equal(hear_data(&d, "more"), RW_RECORD_ERROR);
		assert_int_equal(d.end.got.len, 5);
		assert_int_equal(d.end.rec->ops->write(d.end.rec, "x", 1), RW_ECLOSED);
		over(&d);
	}
}

/* What cannot be opened, or is none: also in pieces. */
static void bytes_that_are_no_record_get_their_alert(void **state)
{
	static const struct {
		int version;
		const char *bytes;
		size_t n;
		const char *alert;
	} all[] = {
		{TLS1_3_VERSION, "GET / HTTP/1.1\r\n\r\n", 18, "unexpected message"},
		{TLS1_3_VERSION, "\x15\3\3\0\2\2\x28", 7, "unexpected message"}, /* plain alert */
		{TLS1_3_VERSION, "\x14\3\3\0\1\1", 6, "unexpected message"},	 /* CCS, too late */
		{TLS1_3_VERSION, "\x17\3\1\0\2ab", 7, "protocol version"},
		{TLS1_3_VERSION, "\x17\3\3\x41\1", 5, "record overflow"},
		{TLS1_3_VERSION, "\x17\3\3\0\0", 5, "bad record mac"},
		{TLS1_3_VERSION,
		 "\x17\3\3\0\x10"
		 "0123456789abcdef",
		 21, "bad record mac"},
		{TLS1_2_VERSION,
		 "\x17\3\3\0\7"
		 "1234567",
		 12, "bad record mac"},
		{TLS1_2_VERSION, "\x17\3\3\x44\1", 5, "record overflow"},
		{TLS1_2_VERSION, "\x13\3\3\0\1x", 6, "unexpected message"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (int cut = 0; cut < 2; cut++) {
			struct duel d;

			begin(&d, all[i].version, true);
			for (size_t at = 0; cut && at < all[i].n; at++)
				end_feed(&d.end, all[i].bytes + at, 1);
			if (!cut)
				end_feed(&d.end, all[i].bytes, all[i].n);
			assert_alert(&d, all[i].alert);
			over(&d);
		}
}

/* A number used twice, or skipped: the nonce would not be one (RFC 8446 5.3). */
static void a_record_out_of_order_is_refused(void **state)
{
	(void)state;
	for (int back = 0; back < 2; back++) {
		struct duel d;

		begin(&d, TLS1_3_VERSION, true);
		assert_int_equal(hear_data(&d, "one"), RW_RECORD_WANT);
		d.theirs.seq += back ? (uint64_t)-1 : 1;
		assert_int_equal(hear_data(&d, "two"), RW_RECORD_ERROR);
		assert_alert(&d, "bad record mac");
		assert_int_equal(d.end.got.len, 3);
		over(&d);
	}
}

/* CVE-2004-0079's kin: records without data cost us and bring nothing. Among data they are fine. */
static void a_flood_of_empty_records_is_ended(void **state)
{
	static const struct seal_spec empty[] = {
		{.type = 23, .data = ""},
		{.type = 23, .data = "", .zeros = 1000},
		{.type = 21, .data = "\x01\x5a", .n = 2}, /* user_canceled */
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct duel d;
		int n = 0;

		begin(&d, TLS1_3_VERSION, true);
		for (; n < 100; n++) {
			assert_int_equal(hear(&d, &empty[i]), RW_RECORD_WANT);
			assert_int_equal(hear_data(&d, "x"), RW_RECORD_WANT);
		}
		for (n = 0; n < 1000 && hear(&d, &empty[i]) == RW_RECORD_WANT;)
			n++;
		assert_true(n < 64);
		assert_alert(&d, "unexpected message");
		over(&d);
	}
}

/* --- what is right --------------------------------------------------------------------- */

static void padding_is_dropped(void **state)
{
	static const size_t zeros[] = {0, 1, 100, 16383};
	struct duel d;

	(void)state;
	begin(&d, TLS1_3_VERSION, true);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(hear(&d,
				      &(const struct seal_spec){
					      .type = 23, .data = "a", .n = 1, .zeros = zeros[i]}),
				 RW_RECORD_WANT);
	/* Zeros are data where a type stands behind them. */
	assert_int_equal(hear_message(&d, 23, "\0\0", 2), RW_RECORD_WANT);
	assert_int_equal(d.end.got.len, 6);
	assert_memory_equal(d.end.got.p, "aaaa\0\0", 6);
	over(&d);
}

/* Requests that came together get one answer, under the old key; then both keys are the next. */
static void key_updates_are_followed_and_answered_once(void **state)
{
	static const char asks[] = {24, 0, 0, 1, 1}, tells[] = {24, 0, 0, 1, 0};
	uint8_t wire[3 * 64];
	size_t n = 0;
	struct duel d;
	char text[64];

	(void)state;
	begin(&d, TLS1_3_VERSION, true);
	for (int i = 0; i < 3; i++) {
		const struct seal_spec s = {.type = 22, .data = i == 1 ? tells : asks, .n = 5};

		n += seal_record(d.k.suite, &d.theirs, d.k.version, &s, wire + n);
		assert_int_equal(rw_tls_update_13(d.k.suite, &d.theirs), RW_OK);
	}
	assert_int_equal(end_feed(&d.end, (const char *)wire, n), RW_RECORD_WANT);
	assert_int_equal(hear_data(&d, "after"), RW_RECORD_WANT);
	assert_int_equal(d.end.got.len, 5);
	assert_int_equal(sent(&d, text, sizeof(text)), SSL3_RT_HANDSHAKE);
	assert_int_equal(d.end.out.len, 0);
	assert_int_equal(rw_tls_update_13(d.k.suite, &d.ours), RW_OK);
	assert_int_equal(d.end.rec->ops->write(d.end.rec, "new", 3), RW_OK);
	assert_int_equal(sent(&d, text, sizeof(text)), SSL3_RT_APPLICATION_DATA);
	assert_string_equal(text, "new");
	over(&d);
}

/* RFC 8446 5.5: our own key is changed before AES-GCM has sealed too much under it. */
static void our_key_changes_before_it_wears_out(void **state)
{
	struct rw_tls_keys k;
	struct duel d;
	char text[64];

	(void)state;
	begin(&d, TLS1_3_VERSION, true);
	k = d.k;
	end_free(&d.end);
	d.ours.seq = k.tx.seq = (1 << 24) - 1;
	assert_int_equal(rw_record_aead_new(&d.end.rec, &k, end_sink, &d.end), RW_OK);
	assert_int_equal(d.end.rec->ops->write(d.end.rec, "old", 3), RW_OK);
	assert_int_equal(sent(&d, text, sizeof(text)), SSL3_RT_APPLICATION_DATA);
	assert_int_equal(d.end.rec->ops->write(d.end.rec, "new", 3), RW_OK);
	assert_int_equal(sent(&d, text, sizeof(text)), SSL3_RT_HANDSHAKE);
	assert_int_equal(rw_tls_update_13(d.k.suite, &d.ours), RW_OK);
	assert_int_equal(sent(&d, text, sizeof(text)), SSL3_RT_APPLICATION_DATA);
	assert_string_equal(text, "new");
	over(&d);
}

/* A client drops what comes too late to be of use, in whatever pieces. */
static void late_tickets_are_dropped(void **state)
{
	static uint8_t ticket[400] = {4, 0, 1, 140};
	struct duel d;

	(void)state;
	begin(&d, TLS1_3_VERSION, false);
	assert_int_equal(hear_message(&d, 22, ticket, 400), RW_RECORD_WANT);
	for (size_t at = 0; at < 400; at += 40)
		assert_int_equal(hear_message(&d, 22, ticket + at, 40), RW_RECORD_WANT);
	assert_int_equal(hear_data(&d, "data"), RW_RECORD_WANT);
	/* In the middle of one nothing else may come (RFC 8446 5.1). */
	assert_int_equal(hear_message(&d, 22, ticket, 3), RW_RECORD_WANT);
	assert_int_equal(hear_data(&d, "data"), RW_RECORD_ERROR);
	assert_alert(&d, "unexpected message");
	assert_int_equal(d.end.got.len, 4);
	over(&d);
}

/* TLS 1.2's warnings and HelloRequest are no end; a fatal alert is. */
static void alerts_of_tls12(void **state)
{
	struct duel d;
	char text[600];

	(void)state;
	begin(&d, TLS1_2_VERSION, false);
	assert_int_equal(hear_message(&d, 21, "\x01\x70", 2), RW_RECORD_WANT);
	assert_int_equal(hear_message(&d, 22, "\0\0\0\0", 4), RW_RECORD_WANT);
	assert_int_equal(d.end.out.len, 5 + 8 + 2 + 16); /* no_renegotiation, and only that */
	assert_int_equal(sent(&d, text, sizeof(text)), SSL3_RT_HANDSHAKE); /* a warning: no end */
	assert_int_equal(hear_data(&d, "data"), RW_RECORD_WANT);
	assert_int_equal(hear_message(&d, 21, "\x02\x28", 2), RW_RECORD_ERROR);
	assert_non_null(strstr(d.end.e.text, "handshake failure"));
	assert_int_equal(d.end.out.len, 0); /* an alert is not answered */
	over(&d);
}

/* RFC 6066 4: who asked for short records gets no longer ones. */
static void a_maximum_fragment_length_is_kept(void **state)
{
	struct rw_tls_ctx *sc = server_ctx("good");
	char data[2000] = "", got[2000];
	struct raw r;
	struct end e;
	size_t n, have = 0;

	(void)state;
	lean_ends = true;
	raw_begin(&r, false, 0);
	assert_true(SSL_CTX_set_tlsext_max_fragment_length(r.ctx, TLSEXT_max_fragment_length_512));
	raw_start(&r, false);
	end_begin(&e, sc, NULL);
	raw_converse(&r, &e);
	assert_true(e.lean);
	assert_int_equal(e.rec->ops->write(e.rec, data, sizeof(data)), RW_OK);
	for (size_t at = 0; at < e.out.len; at += 5 + n) {
		n = (size_t)(uint8_t)e.out.p[at + 3] << 8 | (uint8_t)e.out.p[at + 4];
		assert_true(n <= 512 + 17);
	}
	raw_converse(&r, &e);
	while (have < sizeof(data) && SSL_read_ex(r.ssl, got, sizeof(got), &n) == 1)
		have += n;
	assert_int_equal(have, sizeof(data));
	end_free(&e);
	raw_free(&r);
	rw_tls_ctx_unref(sc);
}

/* --- against OpenSSL ------------------------------------------------------------------- */

static void exchange(struct raw *r, struct end *e)
{
	char text[64];

	for (int i = 0; i < 3; i++) {
		size_t before = e->got.len;

		assert_int_equal(e->rec->ops->write(e->rec, "ping", 4), RW_OK);
		raw_converse(r, e);
		assert_int_equal(SSL_read(r->ssl, text, sizeof(text)), 4);
		assert_int_equal(SSL_write(r->ssl, "pong", 4), 4);
		raw_converse(r, e);
		assert_int_equal(e->got.len, before + 4);
		if (SSL_version(r->ssl) == TLS1_3_VERSION)
			assert_true(SSL_key_update(r->ssl, i ? SSL_KEY_UPDATE_REQUESTED
							     : SSL_KEY_UPDATE_NOT_REQUESTED));
	}
	assert_true(e->lean);
	e->rec->ops->close(e->rec);
	raw_converse(r, e);
	assert_int_equal(SSL_read(r->ssl, text, sizeof(text)), 0);
	assert_true(SSL_get_shutdown(r->ssl) & SSL_RECEIVED_SHUTDOWN);
	SSL_shutdown(r->ssl);
	raw_converse(r, e);
	assert_int_equal(e->last, RW_RECORD_EOF);
}

/* Every suite, both roles, with KeyUpdates and close_notify both ways. */
static void every_suite_agrees_with_openssl(void **state)
{
	static const struct {
		int version;
		const char *suite;
	} all[] = {
		{TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256"},
		{TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384"},
		{TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256"},
		{TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256"},
		{TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384"},
		{TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305"},
	};
	struct rw_tls_ctx *sc = server_ctx("good"), *cc = client_ctx("ca.crt");

	(void)state;
	lean_ends = true;
	for (size_t i = 0; i < 6; i++)
		for (int server = 0; server < 2; server++) {
			struct raw r;
			struct end e;

			raw_begin(&r, server, all[i].version);
			assert_true(all[i].version == TLS1_3_VERSION
					    ? SSL_CTX_set_ciphersuites(r.ctx, all[i].suite)
					    : SSL_CTX_set_cipher_list(r.ctx, all[i].suite));
			raw_start(&r, server);
			end_begin(&e, server ? cc : sc, server ? "localhost" : NULL);
			end_feed(&e, NULL, 0);
			raw_converse(&r, &e);
			assert_int_equal(e.opens, 1);
			exchange(&r, &e);
			end_free(&e);
			raw_free(&r);
		}
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(cc);
}

/* The number of tickets is a setting: each is a record under the new key. */
static void tickets_before_the_hand_over_are_counted(void **state)
{
	static const size_t tickets[] = {0, 1, 2, 7};

	(void)state;
	lean_ends = true;
	for (size_t i = 0; i < 4; i++) {
		struct rw_tls_ctx *sc = server_ctx("good");
		struct raw r;
		struct end e;

		assert_true(SSL_CTX_set_num_tickets(sc->ssl, tickets[i]));
		raw_begin(&r, false, 0);
		raw_start(&r, false);
		end_begin(&e, sc, NULL);
		raw_converse(&r, &e);
		exchange(&r, &e);
		end_free(&e);
		raw_free(&r);
		rw_tls_ctx_unref(sc);
	}
}

/* One flight: Finished, two requests and half of a third, in any pieces. */
static void requests_behind_finished_are_not_lost(void **state)
{
	struct rw_tls_ctx *sc = server_ctx("good");
	static const size_t cuts[] = {100000, 1, 23};

	(void)state;
	lean_ends = true;
	for (size_t i = 0; i < 3; i++) {
		char flight[4096];
		struct raw r;
		struct end e;
		int n;

		raw_begin(&r, false, TLS1_3_VERSION);
		raw_start(&r, false);
		end_begin(&e, sc, NULL);
		raw_step(&r);
		n = BIO_read(r.out, flight, sizeof(flight));
		end_feed(&e, flight, (size_t)n);
		assert_true(BIO_write(r.in, e.out.p, (int)e.out.len) > 0);
		rw_buf_reset(&e.out);
		raw_step(&r);
		assert_true(SSL_is_init_finished(r.ssl));
		for (int k = 0; k < 3; k++)
			assert_int_equal(SSL_write(r.ssl, "request", 7), 7);
		n = BIO_read(r.out, flight, sizeof(flight));
		for (int at = 0; at < n - 5;) {
			size_t left = (size_t)(n - 5 - at), k = left < cuts[i] ? left : cuts[i];

			end_feed(&e, flight + at, k);
			at += (int)k;
		}
		assert_true(e.lean);
		assert_int_equal(e.got.len, 14);
		end_feed(&e, flight + n - 5, 5);
		assert_int_equal(e.got.len, 21);
		exchange(&r, &e);
		end_free(&e);
		raw_free(&r);
	}
	rw_tls_ctx_unref(sc);
}

/* A KeyUpdate before a client could hand over: what was seen of the keys is of the past. */
static void a_key_update_before_the_hand_over_keeps_openssl(void **state)
{
	struct rw_tls_ctx *cc = client_ctx("ca.crt");
	struct raw r;
	struct end e;

	(void)state;
	lean_ends = true;
	raw_begin(&r, true, TLS1_3_VERSION);
	raw_start(&r, true);
	end_begin(&e, cc, "localhost");
	end_feed(&e, NULL, 0);
	raw_converse(&r, &e);
	assert_true(SSL_key_update(r.ssl, SSL_KEY_UPDATE_REQUESTED));
	raw_converse(&r, &e);
	assert_int_equal(SSL_write(r.ssl, "pong", 4), 4);
	raw_converse(&r, &e);
	assert_int_equal(e.got.len, 4);
	assert_false(e.lean);
	assert_int_equal(rw_record_hand_over(&e.rec, end_sink, &e), RW_EUNSUP);
	end_free(&e);
	raw_free(&r);
	rw_tls_ctx_unref(cc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_records_get_their_alert),
		cmocka_unit_test(bytes_that_are_no_record_get_their_alert),
		cmocka_unit_test(a_record_out_of_order_is_refused),
		cmocka_unit_test(a_flood_of_empty_records_is_ended),
		cmocka_unit_test(padding_is_dropped),
		cmocka_unit_test(key_updates_are_followed_and_answered_once),
		cmocka_unit_test(our_key_changes_before_it_wears_out),
		cmocka_unit_test(late_tickets_are_dropped),
		cmocka_unit_test(alerts_of_tls12),
		cmocka_unit_test(a_maximum_fragment_length_is_kept),
		cmocka_unit_test(every_suite_agrees_with_openssl),
		cmocka_unit_test(tickets_before_the_hand_over_are_counted),
		cmocka_unit_test(requests_behind_finished_are_not_lost),
		cmocka_unit_test(a_key_update_before_the_hand_over_keeps_openssl),
	};

	return cmocka_run_group_tests(tests, make_pki, remove_pki);
}
