/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel TLS, where there is one: the traps of handing a connection over, each by its name. Run by
 * test_ktls.py under the kernels of `make vmtest`. With an argument: what happens without the
 * module ("no-module") or without one cipher's algorithm ("no-cipher").
 */
#include "unit/tls/world.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "ring/ktls.h"

static void begin(struct world *w)
{
	world_begin(w, NULL, 1, "good");
	world_use_kernel(w);
}

static void end(struct world *w)
{
	const struct rw_loop_stats *s = rw_loop_stats(w->server), *c = rw_loop_stats(w->client);

	assert_int_equal(s->stale + c->stale + s->cq_overflow + c->cq_overflow, 0);
	world_end(w);
}

static const char *backend(const struct side *s)
{
	static struct rw_stream_info info;

	rw_stream_info(s->st, &info);
	return info.backend;
}

/* A line of the kernel's own counters. */
static long stat_of(const char *name)
{
	FILE *f = fopen("/proc/net/tls_stat", "r");
	char word[64];
	long value, found = -1;

	assert_non_null(f);
	while (fscanf(f, "%63s %ld", word, &value) == 2)
		if (!strcmp(word, name))
			found = value;
	fclose(f);
	assert_true(found >= 0);
	return found;
}

static void echo(struct side *s, const uint8_t *data, size_t n)
{
	assert_int_equal(rw_stream_write(s->st, data, n), RW_OK);
}

static void finish(struct side *s)
{
	rw_stream_finish(s->st);
}

/* --- both ends ours -------------------------------------------------------------------- */

static void ping(struct world *w, struct side *c)
{
	size_t before = c->got.len;

	assert_int_equal(rw_stream_write(c->st, "ping", 4), RW_OK);
	world_until(w, c->got.len == before + 4);
}

/* After one answer both ends are the kernel's. */
static void into_kernel(struct world *w, struct side *c)
{
	world_connect(w, c);
	world_until(w, c->opens);
	ping(w, c);
	ping(w, c);
	world_until(w,
		    count_of(w->server_tls, records_ktls) && count_of(w->client_tls, records_ktls));
	assert_string_equal(backend(c), "ktls");
	assert_string_equal(backend(&w->accepted[0]), "ktls");
}

static void both_ways(int version, const char *suites, const char *name)
{
	size_t n = 1 << 20;
	char *up = noise(n, 1), *down = noise(n, 2);
	struct rw_stream_info info;
	struct side c = {0};
	struct world w;
	long errors = stat_of("TlsDecryptError");

	begin(&w);
	assert_true(SSL_CTX_set_max_proto_version(w.client_tls->ssl, version));
	assert_true(version == TLS1_3_VERSION ? SSL_CTX_set_ciphersuites(w.client_tls->ssl, suites)
					      : SSL_CTX_set_cipher_list(w.client_tls->ssl, suites));
	w.model = (struct side){.on_data = echo, .on_eof = finish};
	into_kernel(&w, &c);
	rw_stream_info(c.st, &info);
	assert_string_equal(info.cipher, name);
	assert_string_equal(info.alpn, "http/1.1");
	assert_true(stat_of("TlsCurrTxSw") >= 2 && stat_of("TlsCurrRxSw") >= 2);
	rw_buf_reset(&c.got);
	rw_buf_reset(&w.accepted[0].got);
	w.accepted[0].on_data = NULL;
	w.accepted[0].to_send = down;
	w.accepted[0].n_to_send = n;
	c.to_send = up;
	c.n_to_send = n;
	side_push(&c);
	side_push(&w.accepted[0]);
	world_until(&w, c.got.len == n && w.accepted[0].got.len == n);
	assert_memory_equal(c.got.p, down, n);
	assert_memory_equal(w.accepted[0].got.p, up, n);
	rw_stream_finish(c.st);
	world_until(&w, c.closes && w.accepted[0].closes);
	assert_int_equal(w.accepted[0].eofs, 1);
	assert_true(w.accepted[0].clean); /* our close_notify went out as a record of type 21 */
	assert_int_equal(stat_of("TlsDecryptError"), errors);
	end(&w);
	side_end(&c);
	free(up);
	free(down);
}

static void every_version_and_cipher_goes_both_ways(void **state)
{
	(void)state;
	both_ways(TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256");
	both_ways(TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384");
	both_ways(TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256");
	both_ways(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256");
	both_ways(TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384");
	both_ways(TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305");
}

/* Bytes and control records that come while receiving is off wait in order, with their types. */
static void a_pause_keeps_records_in_order(void **state)
{
	size_t n = 200000;
	char *down = noise(n, 3);
	struct side c = {0};
	struct world w;

	(void)state;
	begin(&w);
	w.model = (struct side){.on_data = echo};
	into_kernel(&w, &c);
	rw_buf_reset(&c.got);
	rw_stream_recv(c.st, false);
	c.deaf = true;
	assert_int_equal(rw_stream_write(w.accepted[0].st, down, n), RW_OK);
	rw_stream_finish(w.accepted[0].st);
	world_turns(&w, 200);
	assert_int_equal(c.got.len, 0);
	c.deaf = false;
	rw_stream_recv(c.st, true);
	world_until(&w, c.eofs);
	assert_true(c.clean);
	assert_int_equal(c.got.len, n);
	assert_memory_equal(c.got.p, down, n);
	end(&w);
	side_end(&c);
	free(down);
}

/* rec_seq is what was sealed, not a constant: two tickets are only the default. */
static void tickets_already_sent_are_counted(void **state)
{
	static const size_t tickets[] = {0, 1, 5};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct side c = {0};
		struct world w;

		begin(&w);
		assert_true(SSL_CTX_set_num_tickets(w.server_tls->ssl, tickets[i]));
		w.model = (struct side){.on_data = echo};
		into_kernel(&w, &c);
		ping(&w, &c);
		end(&w);
		side_end(&c);
	}
}

/* --- a peer that is not ours ----------------------------------------------------------- */

/* OpenSSL in userspace on a socket of its own, step by step between the world's turns. */
struct peer {
	struct raw r;
	int fd;
};

static void peer_begin(struct peer *p, struct world *w)
{
	raw_begin(&p->r, false, 0);
	raw_start(&p->r, false);
	p->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(p->fd >= 0);
	assert_int_equal(connect(p->fd, &w->addr.sa, w->addr.len), 0);
	fcntl(p->fd, F_SETFL, O_NONBLOCK);
}

static size_t peer_take_out(struct peer *p, char *out, size_t room)
{
	int n = BIO_read(p->r.out, out, (int)room);

	ERR_clear_error();
	return n > 0 ? (size_t)n : 0;
}

static void peer_put(const struct peer *p, const char *data, size_t n)
{
	assert_int_equal(send(p->fd, data, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* What came for it. False: the connection has ended. */
static bool peer_hear(struct peer *p)
{
	char part[16384];
	ssize_t n;

	while ((n = recv(p->fd, part, sizeof(part), 0)) > 0)
		assert_int_equal(BIO_write(p->r.in, part, (int)n), n);
	return n != 0;
}

static void peer_flush(struct peer *p)
{
	char part[16384];
	size_t n;

	while ((n = peer_take_out(p, part, sizeof(part))))
		peer_put(p, part, n);
}

/* Until its handshake is done; what it would send then is not sent yet. */
static void peer_shake(struct peer *p, struct world *w)
{
	for (int i = 0; !SSL_is_init_finished(p->r.ssl); i++) {
		assert_true(i < 10000);
		if (i)
			peer_flush(p);
		world_turn(w);
		peer_hear(p);
		raw_step(&p->r);
		if (i == 0)
			peer_flush(p);
	}
}

static void peer_expect(struct peer *p, struct world *w, const char *text, size_t n)
{
	char got[256];
	size_t have = 0;

	for (int i = 0; have < n; i++) {
		size_t k;

		assert_true(i < 10000);
		world_turn(w);
		peer_hear(p);
		while (SSL_read_ex(p->r.ssl, got + have, sizeof(got) - have, &k) == 1)
			have += k;
		peer_flush(p);
		ERR_clear_error();
	}
	assert_int_equal(have, n);
	assert_memory_equal(got, text, n);
}

static void peer_say(struct peer *p, const char *text)
{
	assert_int_equal(SSL_write(p->r.ssl, text, (int)strlen(text)), (int)strlen(text));
	peer_flush(p);
}

static void peer_end(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	raw_free(&p->r);
}

static void peer_in_kernel(struct peer *p, struct world *w)
{
	begin(w);
	w->model = (struct side){.on_data = echo, .on_eof = finish};
	peer_begin(p, w);
	peer_shake(p, w);
	peer_flush(p);
	world_until(w, count_of(w->server_tls, records_ktls));
	peer_say(p, "first");
	peer_expect(p, w, "first", 5);
}

/* Two requests behind Finished, in one segment: opened in userspace, and counted. */
static void requests_that_came_with_finished_are_counted(void **state)
{
	struct world w;
	struct peer p;

	(void)state;
	begin(&w);
	w.model = (struct side){.on_data = echo};
	peer_begin(&p, &w);
	peer_shake(&p, &w);
	assert_int_equal(SSL_write(p.r.ssl, "one", 3), 3);
	assert_int_equal(SSL_write(p.r.ssl, "two", 3), 3);
	peer_flush(&p);
	peer_expect(&p, &w, "onetwo", 6);
	world_until(&w, count_of(w.server_tls, records_ktls));
	peer_say(&p, "three");
	peer_expect(&p, &w, "three", 5);
	peer_end(&p);
	end(&w);
}

/* A record cut by the hand-over: the kernel would take its middle for a header, for good. */
static void half_a_record_is_finished_in_userspace(void **state)
{
	static const size_t cuts[] = {1, 4, 5, 6, 21};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		char flight[4096];
		struct world w;
		struct peer p;
		size_t n, all;

		begin(&w);
		w.model = (struct side){.on_data = echo};
		peer_begin(&p, &w);
		peer_shake(&p, &w);
		n = peer_take_out(&p, flight, sizeof(flight));
		assert_int_equal(SSL_write(p.r.ssl, "request", 7), 7);
		all = n + peer_take_out(&p, flight + n, sizeof(flight) - n);
		peer_put(&p, flight, n + cuts[i]);
		world_until(&w, w.n_accepted && w.accepted[0].opens);
		world_turns(&w, 50);
		assert_int_equal(count_of(w.server_tls, records_ktls), 0);
		peer_put(&p, flight + n + cuts[i], all - n - cuts[i]);
		peer_expect(&p, &w, "request", 7);
		world_until(&w, count_of(w.server_tls, records_ktls));
		peer_say(&p, "another");
		peer_expect(&p, &w, "another", 7);
		peer_end(&p);
		end(&w);
	}
}

/* CLOSE_WAIT: the ULP says ENOTCONN. Who closed its side after the request still gets its answer.
 */
static void a_half_closed_client_stays_in_userspace(void **state)
{
	struct world w;
	struct peer p;

	(void)state;
	begin(&w);
	w.model = (struct side){.on_data = echo};
	peer_begin(&p, &w);
	peer_shake(&p, &w);
	assert_int_equal(SSL_write(p.r.ssl, "last", 4), 4);
	SSL_shutdown(p.r.ssl);
	peer_flush(&p);
	shutdown(p.fd, SHUT_WR);
	peer_expect(&p, &w, "last", 4);
	assert_int_equal(count_of(w.server_tls, records_ktls), 0);
	peer_end(&p);
	end(&w);
}

static void close_notify_goes_both_ways(void **state)
{
	struct world w;
	struct peer p;

	(void)state;
	peer_in_kernel(&p, &w);
	SSL_shutdown(p.r.ssl);
	peer_flush(&p);
	world_until(&w, w.accepted[0].eofs);
	assert_true(w.accepted[0].clean);
	for (int i = 0; !(SSL_get_shutdown(p.r.ssl) & SSL_RECEIVED_SHUTDOWN); i++) {
		char none;

		assert_true(i < 10000);
		world_turn(&w);
		peer_hear(&p);
		SSL_read(p.r.ssl, &none, 1);
	}
	peer_end(&p);
	end(&w);
}

/* A FIN is res 40 of recvmsg, not 0; and without close_notify, or inside a record, it is a cut. */
static void a_fin_without_close_notify_is_a_truncation(void **state)
{
	(void)state;
	for (int inside = 0; inside < 2; inside++) {
		char record[64];
		struct world w;
		struct peer p;

		peer_in_kernel(&p, &w);
		if (inside) {
			assert_int_equal(SSL_write(p.r.ssl, "cut", 3), 3);
			assert_true(peer_take_out(&p, record, sizeof(record)) > 9);
			peer_put(&p, record, 9);
		}
		shutdown(p.fd, SHUT_WR);
		world_until(&w, w.accepted[0].eofs);
		assert_false(w.accepted[0].clean);
		assert_int_equal(w.accepted[0].got.len, 5);
		peer_end(&p);
		end(&w);
	}
}

/* EBADMSG, EMSGSIZE, EINVAL: sticky, and no alert can be sent any more. */
static void a_bad_record_ends_the_connection(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} all[] = {
		{"\x17\x03\x03\x00\x20"
		 "0123456789abcdef0123456789abcdef",
		 37},
		{"\x17\x03\x03\xff\xff", 5},
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27},
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world w;
		struct peer p;

		peer_in_kernel(&p, &w);
		peer_put(&p, all[i].bytes, all[i].n);
		world_until(&w, w.accepted[0].closes);
		assert_int_equal((int)w.accepted[0].why.code, RW_ETLS);
		assert_non_null(strstr(w.accepted[0].why.text, "the kernel could not open"));
		assert_int_equal(w.accepted[0].got.len, 5);
		peer_end(&p);
		end(&w);
	}
}

/*
 * A KeyUpdate in mid-stream, ours asked for: from Linux 6.14 on it is followed both ways, as often
 * as it comes; before, the end is clean, counted, and says why.
 */
static void a_key_update_is_followed_or_ends_cleanly(void **state)
{
	struct world w;
	struct peer p;

	(void)state;
	peer_in_kernel(&p, &w);
	for (int i = 0; i < 3; i++) {
		assert_true(SSL_key_update(p.r.ssl, SSL_KEY_UPDATE_REQUESTED));
		assert_int_equal(SSL_do_handshake(p.r.ssl), 1);
		peer_flush(&p);
		if (!rw_ktls_caps()->rekey)
			break;
		peer_say(&p, "under the next key");
		peer_expect(&p, &w, "under the next key", 18);
		peer_say(&p, "more");
		peer_expect(&p, &w, "more", 4);
	}
	if (!rw_ktls_caps()->rekey) {
		world_until(&w, w.accepted[0].closes);
		assert_int_equal((int)w.accepted[0].why.code, RW_EUNSUP);
		assert_int_equal(count_of(w.server_tls, ktls_stuck), 1);
		peer_hear(&p);
		raw_step(&p.r);
		assert_int_equal(SSL_read(p.r.ssl, &(char){0}, 1), 0);
		assert_true(SSL_get_shutdown(p.r.ssl) & SSL_RECEIVED_SHUTDOWN);
	} else {
		assert_int_equal(count_of(w.server_tls, ktls_stuck), 0);
		assert_true(stat_of("TlsRxRekeyOk") >= 3 && stat_of("TlsTxRekeyOk") >= 3);
	}
	peer_end(&p);
	end(&w);
}

/* More than the socket takes: sends end short, and the records stay whole. */
static void short_sends_keep_records_whole(void **state)
{
	size_t n = 3 << 20, have = 0, k;
	char *down = noise(n, 5), *got = malloc(n);
	struct world w;
	struct peer p;

	(void)state;
	peer_in_kernel(&p, &w);
	w.accepted[0].to_send = down;
	w.accepted[0].n_to_send = n;
	side_push(&w.accepted[0]);
	world_turns(&w, 50); /* nobody reads */
	for (int i = 0; have < n; i++) {
		assert_true(i < 100000);
		world_turn(&w);
		peer_hear(&p);
		while (have < n && SSL_read_ex(p.r.ssl, got + have, n - have, &k) == 1)
			have += k;
		ERR_clear_error();
	}
	assert_memory_equal(got, down, n);
	assert_true(rw_loop_stats(w.server)->short_sends > 0);
	peer_end(&p);
	end(&w);
	free(down);
	free(got);
}

/* --- what may be missing --------------------------------------------------------------- */

static void userspace_goes_on(int version, const char *suites)
{
	struct side c = {0};
	struct world w;

	begin(&w);
	assert_true(SSL_CTX_set_max_proto_version(w.client_tls->ssl, version));
	assert_true(SSL_CTX_set_ciphersuites(w.client_tls->ssl, suites));
	w.model = (struct side){.on_data = echo};
	world_connect(&w, &c);
	world_until(&w, c.opens);
	ping(&w, &c);
	ping(&w, &c);
	world_turns(&w, 20);
	assert_string_equal(backend(&c), "aead");
	assert_string_equal(backend(&w.accepted[0]), "aead");
	assert_int_equal(count_of(w.server_tls, ktls_refused), 1);
	end(&w);
	side_end(&c);
}

static void without_the_module_userspace_goes_on(void **state)
{
	(void)state;
	assert_false(rw_ktls_caps()->usable);
	assert_non_null(strstr(rw_ktls_caps()->why, "modprobe tls"));
	userspace_goes_on(TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256");
}

static void without_its_cipher_userspace_goes_on(void **state)
{
	(void)state;
	assert_true(rw_ktls_caps()->usable);
	assert_false(rw_ktls_caps()->tls13[RW_KTLS_CHACHA20]);
	userspace_goes_on(TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_version_and_cipher_goes_both_ways),
		cmocka_unit_test(a_pause_keeps_records_in_order),
		cmocka_unit_test(tickets_already_sent_are_counted),
		cmocka_unit_test(requests_that_came_with_finished_are_counted),
		cmocka_unit_test(half_a_record_is_finished_in_userspace),
		cmocka_unit_test(a_half_closed_client_stays_in_userspace),
		cmocka_unit_test(close_notify_goes_both_ways),
		cmocka_unit_test(a_fin_without_close_notify_is_a_truncation),
		cmocka_unit_test(a_bad_record_ends_the_connection),
		cmocka_unit_test(a_key_update_is_followed_or_ends_cleanly),
		cmocka_unit_test(short_sends_keep_records_whole),
	};
	const struct CMUnitTest no_module[] = {
		cmocka_unit_test(without_the_module_userspace_goes_on),
	};
	const struct CMUnitTest no_cipher[] = {
		cmocka_unit_test(without_its_cipher_userspace_goes_on),
	};

	alarm(300);
	if (argc > 1 && !strcmp(argv[1], "no-module"))
		return cmocka_run_group_tests(no_module, make_pki, remove_pki);
	if (argc > 1 && !strcmp(argv[1], "no-cipher"))
		return cmocka_run_group_tests(no_cipher, make_pki, remove_pki);
	return cmocka_run_group_tests(tests, make_pki, remove_pki);
}
