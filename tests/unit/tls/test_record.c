/* SPDX-License-Identifier: Apache-2.0 */
/* The record back-end, fed by memory: what any cut of the bytes, and any peer, makes of it. */
#include "unit/tls/util.h"

static const struct cuts whole, single = {.max = 1}, mixed = {.max = 700, .seed = 42};

static void assert_says(const struct end *e, const char *part)
{
	assert_int_equal(e->last, RW_RECORD_ERROR);
	assert_int_equal(e->e.code, RW_EPROTO);
	if (!strstr(e->e.text, part))
		fail_msg("'%s' is not in: %s", part, e->e.text);
}

static void write_ok(struct end *e, const char *data, size_t n)
{
	assert_int_equal(e->rec->ops->write(e->rec, data, n), RW_OK);
}

static struct rw_stream_info info_of(const struct end *e)
{
	struct rw_stream_info i = {.version = "", .cipher = "", .alpn = ""};

	e->rec->ops->info(e->rec, &i);
	return i;
}

/* The whole life of a connection, its bytes cut as c says. */
static void live(struct cuts c)
{
	struct rw_tls_ctx *sc = server_ctx("good"), *cc = client_ctx("ca.crt");
	size_t n = 1 << 20;
	char *up = noise(n, 1), *down = noise(n, 2);
	struct end client, server;

	end_begin(&server, sc, NULL);
	end_begin(&client, cc, "localhost");
	assert_string_equal(info_of(&client).version, "");
	handshake(&client, &server, c);
	assert_int_equal(client.opens, 1);
	assert_int_equal(server.opens, 1);
	assert_string_equal(info_of(&server).backend, lean_ends ? "aead" : "openssl");
	assert_string_equal(info_of(&server).version, "TLSv1.3");
	assert_string_equal(info_of(&server).cipher, "TLS_AES_128_GCM_SHA256");
	assert_string_equal(info_of(&server).alpn, "http/1.1");
	assert_string_equal(info_of(&client).alpn, "http/1.1");
	n = c.max == 1 ? 100000 : n;
	write_ok(&client, up, n);
	write_ok(&server, down, n);
	converse(&client, &server, c);
	assert_int_equal(server.got.len, n);
	assert_int_equal(client.got.len, n);
	assert_memory_equal(server.got.p, up, n);
	assert_memory_equal(client.got.p, down, n);
	assert_string_equal(info_of(&client).backend, lean_ends ? "aead" : "openssl");
	assert_string_equal(info_of(&client).alpn, "http/1.1");
	client.rec->ops->close(client.rec);
	converse(&client, &server, c);
	assert_int_equal(server.last, RW_RECORD_EOF);
	/* The other direction is still open (RFC 8446 6.1). */
	write_ok(&server, "bye", 3);
	server.rec->ops->close(server.rec);
	converse(&client, &server, c);
	assert_int_equal(client.last, RW_RECORD_EOF);
	assert_memory_equal(client.got.p + n, "bye", 3);
	end_free(&client);
	end_free(&server);
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(cc);
	free(up);
	free(down);
}

static void a_connection_lives_whole(void **state)
{
	(void)state;
	live(whole);
}

/* A ClientHello with a hybrid key share exceeds one segment: one read is never enough. */
static void a_connection_lives_one_byte_at_a_time(void **state)
{
	(void)state;
	live(single);
}

static void a_connection_lives_in_random_cuts(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 8; seed++)
		live((struct cuts){.max = 20000, .seed = seed});
}

/* A read with little room must not lose the rest of a record. */
static void a_record_is_read_in_small_pieces(void **state)
{
	struct rw_tls_ctx *sc = server_ctx("good"), *cc = client_ctx("ca.crt");
	char *up = noise(50000, 3);
	struct end client, server;

	(void)state;
	end_begin(&server, sc, NULL);
	end_begin(&client, cc, "localhost");
	handshake(&client, &server, whole);
	server.room = 7;
	write_ok(&client, up, 50000);
	client.rec->ops->close(client.rec);
	converse(&client, &server, mixed);
	assert_int_equal(server.got.len, 50000);
	assert_memory_equal(server.got.p, up, 50000);
	assert_int_equal(server.last, RW_RECORD_EOF);
	end_free(&client);
	end_free(&server);
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(cc);
	free(up);
}

/* Ten events of a stream in one segment are one call above, not ten. */
static void small_records_are_gathered(void **state)
{
	struct rw_tls_ctx *sc = server_ctx("good"), *cc = client_ctx("ca.crt");
	uint8_t plain[RW_RECORD_MAX];
	struct end client, server;
	struct rw_slice in;
	size_t n;

	(void)state;
	end_begin(&server, sc, NULL);
	end_begin(&client, cc, "localhost");
	handshake(&client, &server, whole);
	for (int i = 0; i < 10; i++)
		write_ok(&server, "data: x\n\n", 9);
	server.rec->ops->close(server.rec);
	in = rw_buf_slice(&server.out);
	assert_int_equal(
		client.rec->ops->read(client.rec, &in, plain, sizeof(plain), &n, &client.e),
		RW_RECORD_EOF);
	assert_int_equal(n, 90);
	end_free(&client);
	end_free(&server);
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(cc);
}

static void each_version_alone_is_spoken(void **state)
{
	static const struct {
		int version;
		const char *name;
	} all[] = {{TLS1_2_VERSION, "TLSv1.2"}, {TLS1_3_VERSION, "TLSv1.3"}};
	struct rw_tls_ctx *sc = server_ctx("good"), *cc = client_ctx("ca.crt");
	char text[16];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct raw r;
		struct end e;

		raw_begin(&r, false, all[i].version);
		raw_start(&r, false);
		end_begin(&e, sc, NULL);
		raw_converse(&r, &e);
		assert_int_equal(e.opens, 1);
		assert_string_equal(info_of(&e).version, all[i].name);
		assert_string_equal(info_of(&e).alpn, ""); /* none was offered: that is fine */
		assert_int_equal(SSL_write(r.ssl, "ping", 4), 4);
		raw_converse(&r, &e);
		assert_int_equal(e.got.len, 4);
		write_ok(&e, "pong", 4);
		raw_converse(&r, &e);
		assert_int_equal(SSL_read(r.ssl, text, sizeof(text)), 4);
		end_free(&e);
		raw_free(&r);

		raw_begin(&r, true, all[i].version);
		raw_start(&r, true);
		end_begin(&e, cc, "127.0.0.1");
		end_feed(&e, NULL, 0);
		raw_converse(&r, &e);
		assert_int_equal(e.opens, 1);
		assert_string_equal(info_of(&e).version, all[i].name);
		/* An address is verified but never sent as SNI (RFC 6066 3). */
		assert_null(SSL_get_servername(r.ssl, TLSEXT_NAMETYPE_host_name));
		end_free(&e);
		raw_free(&r);
	}
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(cc);
}

static void a_name_is_sent_as_sni(void **state)
{
	struct rw_tls_ctx *cc = client_ctx("ca.crt");
	struct raw r;
	struct end e;

	(void)state;
	raw_begin(&r, true, 0);
	raw_start(&r, true);
	end_begin(&e, cc, "localhost");
	end_feed(&e, NULL, 0);
	raw_converse(&r, &e);
	assert_int_equal(e.opens, 1);
	assert_string_equal(SSL_get_servername(r.ssl, TLSEXT_NAMETYPE_host_name), "localhost");
	end_free(&e);
	raw_free(&r);
	rw_tls_ctx_unref(cc);
}

/* The hybrid where both know it; both shares in the first flight, so that none is asked again. */
static void the_hybrid_group_comes_first(void **state)
{
	struct rw_tls_ctx *sc = server_ctx("good"), *cc = client_ctx("ca.crt");
	static struct {
		char peer[32];
		const char *agreed;
	} all[] = {
		{"X25519MLKEM768:X25519", "X25519MLKEM768"},
		{"X25519:X25519MLKEM768", "X25519MLKEM768"},
		{"X25519", "x25519"},
		{"P-256", "secp256r1"},
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct raw r;
		struct end e;

		raw_begin(&r, false, 0);
		assert_true(SSL_CTX_set1_groups_list(r.ctx, all[i].peer));
		raw_start(&r, false);
		end_begin(&e, sc, NULL);
		raw_converse(&r, &e);
		assert_int_equal(e.opens, 1);
		assert_string_equal(SSL_get0_group_name(r.ssl), all[i].agreed);
		end_free(&e);
		raw_free(&r);
	}
	{
		struct raw r;
		struct end e;

		raw_begin(&r, true, 0);
		assert_true(SSL_CTX_set1_groups_list(r.ctx, "X25519"));
		raw_start(&r, true);
		end_begin(&e, cc, "localhost");
		end_feed(&e, NULL, 0);
		/* One ClientHello, one flight back: no HelloRetryRequest. */
		assert_true(BIO_write(r.in, e.out.p, (int)e.out.len) > 0);
		rw_buf_reset(&e.out);
		SSL_do_handshake(r.ssl);
		raw_converse(&r, &e);
		assert_int_equal(e.opens, 1);
		assert_string_equal(SSL_get0_group_name(r.ssl), "x25519");
		end_free(&e);
		raw_free(&r);
	}
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(cc);
}

/* RFC 7301 3.2: no common protocol is fatal, and said so; a proxy for h1 must not get h2 bytes. */
static void a_client_that_offers_only_h2_is_told(void **state)
{
	struct rw_tls_ctx *sc = server_ctx("good");
	struct raw r;
	struct end e;

	(void)state;
	raw_begin(&r, false, 0);
	assert_int_equal(SSL_CTX_set_alpn_protos(r.ctx, (const unsigned char *)"\x02h2", 3), 0);
	raw_start(&r, false);
	end_begin(&e, sc, NULL);
	raw_converse(&r, &e);
	assert_string_equal(r.said, "tlsv1 alert no application protocol");
	assert_says(&e, "HTTP/1.1 is the only protocol");
	assert_int_equal(e.opens, 0);
	end_free(&e);
	raw_free(&r);
	rw_tls_ctx_unref(sc);
}

static void h2_first_and_h1_second_is_h1(void **state)
{
	struct rw_tls_ctx *sc = server_ctx("good");
	struct raw r;
	struct end e;

	(void)state;
	raw_begin(&r, false, 0);
	assert_int_equal(
		SSL_CTX_set_alpn_protos(r.ctx, (const unsigned char *)"\x02h2\x08http/1.1", 12), 0);
	raw_start(&r, false);
	end_begin(&e, sc, NULL);
	raw_converse(&r, &e);
	assert_int_equal(e.opens, 1);
	assert_string_equal(info_of(&e).alpn, "http/1.1");
	end_free(&e);
	raw_free(&r);
	rw_tls_ctx_unref(sc);
}

/* What a peer must be to be let in. */
static void weak_peers_are_refused(void **state)
{
	static const struct {
		int version;
		const char *ciphers, *says;
	} all[] = {
		{TLS1_1_VERSION, "DEFAULT@SECLEVEL=0", "TLS 1.2 or 1.3 with ECDHE"},
		{TLS1_2_VERSION, "AES128-GCM-SHA256", "TLS 1.2 or 1.3 with ECDHE"},
		{TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", "TLS 1.2 or 1.3 with ECDHE"},
	};
	struct rw_tls_ctx *sc = server_ctx("good");

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct raw r;
		struct end e;

		raw_begin(&r, false, all[i].version);
		assert_true(SSL_CTX_set_cipher_list(r.ctx, all[i].ciphers));
		raw_start(&r, false);
		end_begin(&e, sc, NULL);
		raw_converse(&r, &e);
		assert_says(&e, all[i].says);
		end_free(&e);
		raw_free(&r);
	}
	rw_tls_ctx_unref(sc);
}

/* The usual misconfigurations of an upstream, each with what to do. */
static void a_certificate_is_refused_in_words(void **state)
{
	static const struct {
		const char *server, *ca, *host, *says;
	} all[] = {
		{"expired", "ca.crt", "localhost", "certificate has expired; its owner"},
		{"other", "ca.crt", "localhost", "'localhost' is refused: hostname mismatch"},
		{"other", "ca.crt", "127.0.0.1", "'127.0.0.1' is refused: IP address mismatch"},
		{"good", "alone.crt", "localhost", "its CA is not trusted here"},
		{"alone", "ca.crt", "localhost", "it is self-signed"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct rw_tls_ctx *sc = server_ctx(all[i].server), *cc = client_ctx(all[i].ca);
		struct end client, server;

		end_begin(&server, sc, NULL);
		end_begin(&client, cc, all[i].host);
		handshake(&client, &server, whole);
		assert_says(&client, all[i].says);
		assert_int_equal(client.opens, 0);
		/* It was told by an alert, and says what that means for an operator. */
		assert_says(&server, "certificate");
		end_free(&client);
		end_free(&server);
		rw_tls_ctx_unref(sc);
		rw_tls_ctx_unref(cc);
	}
}

/* A certificate for *.example must not stand for every host, nor a name for an address. */
static void a_host_that_cannot_be_verified_is_refused(void **state)
{
	struct rw_tls_ctx *cc = client_ctx("ca.crt");
	struct rw_record *r = NULL;
	char longer[300];

	(void)state;
	memset(longer, 'a', sizeof(longer));
	longer[299] = '\0';
	assert_int_equal(rw_record_openssl_new(&r, cc, "", end_sink, NULL), RW_EINVAL);
	assert_int_equal(rw_record_openssl_new(&r, cc, NULL, end_sink, NULL), RW_EINVAL);
	assert_int_equal(rw_record_openssl_new(&r, cc, longer, end_sink, NULL), RW_EINVAL);
	assert_null(r);
	rw_tls_ctx_unref(cc);
}

/* The operator's most common mistake, from both sides. */
static void plain_http_is_recognised(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	static const char answer[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	struct rw_tls_ctx *sc = server_ctx("good"), *cc = client_ctx("ca.crt");
	struct end e;

	(void)state;
	end_begin(&e, sc, NULL);
	end_feed(&e, request, sizeof(request) - 1);
	assert_says(&e, "plain HTTP to a TLS port");
	end_free(&e);
	end_begin(&e, cc, "localhost");
	end_feed(&e, NULL, 0);
	end_feed(&e, answer, sizeof(answer) - 1);
	assert_says(&e, "does not speak TLS");
	end_free(&e);
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(cc);
}

/* After an error nothing is taken, said or sent any more. */
static void an_error_is_terminal(void **state)
{
	struct rw_tls_ctx *sc = server_ctx("good"), *cc = client_ctx("ca.crt");
	struct end client, server;
	uint8_t plain[64];
	struct rw_slice in;
	size_t n, sent;

	(void)state;
	end_begin(&server, sc, NULL);
	end_begin(&client, cc, "localhost");
	handshake(&client, &server, whole);
	write_ok(&client, "one", 3);
	carry(&client, &server, &(struct cuts){0});
	write_ok(&client, "two", 3);
	client.out.p[client.out.len - 1] ^= 1;
	converse(&client, &server, whole);
	assert_says(&server, "decryption failed or bad record mac");
	assert_int_equal(server.got.len, 3); /* what was right before it counts */
	assert_says(&client, "bad record mac");
	assert_int_equal(server.rec->ops->write(server.rec, "x", 1), RW_ECLOSED);
	sent = server.out.len;
	server.rec->ops->close(server.rec);
	assert_int_equal(server.out.len, sent);
	in = RW_SLICE("anything");
	assert_int_equal(
		server.rec->ops->read(server.rec, &in, plain, sizeof(plain), &n, &server.e),
		RW_RECORD_ERROR);
	assert_int_equal(n, 0);
	assert_int_equal(in.n, 8);
	end_free(&client);
	end_free(&server);
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(cc);
}

/* Ciphertext that could not be queued is a hole in the record stream. */
static void a_sink_that_fails_ends_it(void **state)
{
	struct rw_tls_ctx *sc = server_ctx("good"), *cc = client_ctx("ca.crt");
	struct end client, server;

	(void)state;
	end_begin(&server, sc, NULL);
	end_begin(&client, cc, "localhost");
	handshake(&client, &server, whole);
	server.sink_err = RW_ENOMEM;
	assert_int_equal(server.rec->ops->write(server.rec, "x", 1), RW_ENOMEM);
	server.sink_err = 0;
	assert_int_equal(server.rec->ops->write(server.rec, "x", 1), RW_ECLOSED);
	assert_int_equal(end_feed(&server, NULL, 0), RW_RECORD_ERROR);
	end_free(&server);
	end_free(&client);

	end_begin(&client, cc, "localhost");
	client.sink_err = RW_ELIMIT;
	assert_int_equal(end_feed(&client, NULL, 0), RW_RECORD_ERROR);
	assert_int_equal(client.e.code, RW_ELIMIT);
	end_free(&client);
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(cc);
}

/* CVE-2009-3555 and CPU abuse: TLS 1.2 renegotiation is refused, whoever asks for it. */
static void renegotiation_is_refused(void **state)
{
	struct rw_tls_ctx *sc = server_ctx("good"), *cc = client_ctx("ca.crt");

	(void)state;
	for (int as_client = 0; as_client < 2; as_client++) {
		char before[64] = "", after[64] = "", none;
		struct raw r;
		struct end e;

		raw_begin(&r, as_client, TLS1_2_VERSION);
		raw_start(&r, as_client);
		end_begin(&e, as_client ? cc : sc, as_client ? "localhost" : NULL);
		end_feed(&e, NULL, 0);
		raw_converse(&r, &e);
		assert_int_equal(e.opens, 1);
		SSL_get_finished(r.ssl, before, sizeof(before));
		assert_int_equal(SSL_renegotiate(r.ssl), 1);
		for (int i = 0; i < 4; i++) {
			raw_converse(&r, &e);
			assert_true(SSL_read(r.ssl, &none, 1) <= 0);
		}
		/* A second handshake would have left another Finished. */
		SSL_get_finished(r.ssl, after, sizeof(after));
		assert_memory_equal(before, after, sizeof(before));
		assert_int_equal(e.got.len, 0);
		end_free(&e);
		raw_free(&r);
	}
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(cc);
}

/* A peer may ask for new keys at any time (RFC 8446 4.6.3); our answer goes with the next write. */
static void a_key_update_is_followed(void **state)
{
	struct rw_tls_ctx *sc = server_ctx("good");
	char text[16];
	struct raw r;
	struct end e;

	(void)state;
	raw_begin(&r, false, TLS1_3_VERSION);
	raw_start(&r, false);
	end_begin(&e, sc, NULL);
	raw_converse(&r, &e);
	assert_int_equal(SSL_key_update(r.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	assert_int_equal(SSL_write(r.ssl, "ping", 4), 4);
	raw_converse(&r, &e);
	assert_int_equal(e.got.len, 4);
	write_ok(&e, "pong", 4);
	raw_converse(&r, &e);
	assert_int_equal(SSL_read(r.ssl, text, sizeof(text)), 4);
	end_free(&e);
	raw_free(&r);
	rw_tls_ctx_unref(sc);
}

/* Stateless tickets: a second connection resumes, and no early data is promised. */
static void a_client_may_resume_but_send_no_early_data(void **state)
{
	struct rw_tls_ctx *sc = server_ctx("good");
	SSL_SESSION *session;
	struct raw r, again;
	char text[4];
	struct end e;

	(void)state;
	raw_begin(&r, false, TLS1_3_VERSION);
	raw_start(&r, false);
	end_begin(&e, sc, NULL);
	raw_converse(&r, &e);
	assert_int_equal(SSL_read(r.ssl, text, sizeof(text)), -1); /* takes the tickets */
	session = SSL_get1_session(r.ssl);
	assert_true(SSL_SESSION_is_resumable(session));
	assert_int_equal(SSL_SESSION_get_max_early_data(session), 0);
	end_free(&e);
	raw_begin(&again, false, TLS1_3_VERSION);
	raw_start(&again, false);
	assert_int_equal(SSL_set_session(again.ssl, session), 1);
	end_begin(&e, sc, NULL);
	raw_converse(&again, &e);
	assert_int_equal(e.opens, 1);
	assert_int_equal(SSL_session_reused(again.ssl), 1);
	SSL_SESSION_free(session);
	end_free(&e);
	raw_free(&again);
	raw_free(&r);
	rw_tls_ctx_unref(sc);
}

/* A context is dropped by a reload while its connections live on. */
static void a_connection_outlives_its_context(void **state)
{
	struct rw_tls_ctx *sc = server_ctx("good"), *cc = client_ctx("ca.crt");
	struct end client, server;

	(void)state;
	end_begin(&server, sc, NULL);
	end_begin(&client, cc, "localhost");
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(cc);
	handshake(&client, &server, whole);
	write_ok(&client, "x", 1);
	converse(&client, &server, whole);
	assert_int_equal(server.got.len, 1);
	end_free(&client);
	end_free(&server);
}

/* Errors that somebody else left in OpenSSL's queue are not this connection's. */
static void a_stale_error_queue_is_not_believed(void **state)
{
	struct rw_tls_ctx *sc = server_ctx("good"), *cc = client_ctx("ca.crt");
	struct end client, server;

	(void)state;
	end_begin(&server, sc, NULL);
	end_begin(&client, cc, "localhost");
	ERR_raise(ERR_LIB_EVP, ERR_R_INTERNAL_ERROR);
	handshake(&client, &server, single);
	assert_int_equal(server.opens, 1);
	ERR_raise(ERR_LIB_EVP, ERR_R_INTERNAL_ERROR);
	write_ok(&client, "x", 1);
	ERR_raise(ERR_LIB_EVP, ERR_R_INTERNAL_ERROR);
	converse(&client, &server, single);
	assert_int_equal(server.got.len, 1);
	assert_int_equal(server.last, RW_RECORD_WANT);
	end_free(&client);
	end_free(&server);
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(cc);
}

/* Whatever comes instead of a ClientHello: an error or silence, never a crash or plaintext. */
static void garbage_is_an_error_or_waits(void **state)
{
	struct rw_tls_ctx *sc = server_ctx("good"), *cc = client_ctx("ca.crt");

	(void)state;
	for (uint64_t seed = 1; seed < 300; seed++) {
		char *bytes = noise(600, seed);
		struct end e;

		end_begin(&e, seed & 1 ? sc : cc, seed & 1 ? NULL : "localhost");
		end_feed(&e, NULL, 0);
		if (seed % 3) { /* looks like a handshake record at least */
			bytes[0] = 22;
			bytes[1] = bytes[2] = 3;
			bytes[3] = 1;
		}
		end_feed(&e, bytes, 600);
		assert_int_equal(e.opens, 0);
		assert_true(e.last == RW_RECORD_ERROR || e.last == RW_RECORD_WANT);
		end_free(&e);
		free(bytes);
	}
	rw_tls_ctx_unref(sc);
	rw_tls_ctx_unref(cc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_lives_whole),
		cmocka_unit_test(a_connection_lives_one_byte_at_a_time),
		cmocka_unit_test(a_connection_lives_in_random_cuts),
		cmocka_unit_test(a_record_is_read_in_small_pieces),
		cmocka_unit_test(small_records_are_gathered),
		cmocka_unit_test(each_version_alone_is_spoken),
		cmocka_unit_test(a_name_is_sent_as_sni),
		cmocka_unit_test(the_hybrid_group_comes_first),
		cmocka_unit_test(a_client_that_offers_only_h2_is_told),
		cmocka_unit_test(h2_first_and_h1_second_is_h1),
		cmocka_unit_test(weak_peers_are_refused),
		cmocka_unit_test(a_certificate_is_refused_in_words),
		cmocka_unit_test(a_host_that_cannot_be_verified_is_refused),
		cmocka_unit_test(plain_http_is_recognised),
		cmocka_unit_test(an_error_is_terminal),
		cmocka_unit_test(a_sink_that_fails_ends_it),
		cmocka_unit_test(renegotiation_is_refused),
		cmocka_unit_test(a_key_update_is_followed),
		cmocka_unit_test(a_client_may_resume_but_send_no_early_data),
		cmocka_unit_test(a_connection_outlives_its_context),
		cmocka_unit_test(a_stale_error_queue_is_not_believed),
		cmocka_unit_test(garbage_is_an_error_or_waits),
	};

	const struct CMUnitTest lean[] = {
		cmocka_unit_test(a_connection_lives_whole),
		cmocka_unit_test(a_connection_lives_one_byte_at_a_time),
		cmocka_unit_test(a_connection_lives_in_random_cuts),
		cmocka_unit_test(a_record_is_read_in_small_pieces),
		cmocka_unit_test(small_records_are_gathered),
		cmocka_unit_test(each_version_alone_is_spoken),
		cmocka_unit_test(an_error_is_terminal),
		cmocka_unit_test(a_sink_that_fails_ends_it),
		cmocka_unit_test(renegotiation_is_refused),
		cmocka_unit_test(a_key_update_is_followed),
		cmocka_unit_test(a_client_may_resume_but_send_no_early_data),
		cmocka_unit_test(a_connection_outlives_its_context),
		cmocka_unit_test(a_stale_error_queue_is_not_believed),
	};
	int failed = cmocka_run_group_tests(tests, make_pki, remove_pki);

	/* The same again, handed over. */
	lean_ends = true;
	return failed + cmocka_run_group_tests(lean, make_pki, remove_pki);
}
