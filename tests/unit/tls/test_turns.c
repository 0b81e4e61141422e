/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes of many clients at once, and certificates that are exchanged meanwhile. */
#include "unit/tls/world.h"

#include "tls/turns.h"

static struct rw_turns *turns;
static struct rw_stream *last;

static void accept_in_turn(void *user, struct rw_sock *sock, const struct rw_addr *from)
{
	struct world *w = user;

	world_on_accept(w, sock, from);
	last = w->accepted[w->n_accepted - 1].st;
	rw_stream_take_turns(last, turns);
}

/* A listener of its own: the world's takes no turns. */
static void begin(struct world *w, const struct rw_sim_knobs *knobs, uint64_t seed, unsigned steps)
{
	struct rw_error e = {.text = ""};

	world_begin(w, knobs, seed, "good");
	rw_listener_stop(w->listener);
	world_turns(w, 4);
	turns = rw_turns_new(w->server, steps);
	assert_non_null(turns);
	assert_int_equal(rw_addr_parse("127.0.0.1:0", &w->addr, &e), RW_OK);
	if (rw_listener_start(w->server, &w->addr, accept_in_turn, w, &w->listener, &e))
		fail_msg("%s", e.text);
	w->addr = *rw_listener_addr(w->listener);
}

static void end(struct world *w, struct side *clients, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (clients[i].st)
			rw_stream_abort(clients[i].st);
	for (unsigned i = 0; i < w->n_accepted; i++)
		if (w->accepted[i].st)
			rw_stream_abort(w->accepted[i].st);
	rw_turns_free(turns);
	rw_listener_stop(w->listener);
	rw_loop_free(w->server);
	rw_loop_free(w->client);
	if (w->sim)
		rw_sim_free(w->sim);
	rw_tls_ctx_unref(w->server_tls);
	rw_tls_ctx_unref(w->client_tls);
	for (unsigned i = 0; i < n; i++)
		side_end(&clients[i]);
	for (unsigned i = 0; i < w->n_accepted; i++)
		side_end(&w->accepted[i]);
}

static unsigned opens(const struct side *s, unsigned n)
{
	unsigned all = 0;

	for (unsigned i = 0; i < n; i++)
		all += (unsigned)s[i].opens;
	return all;
}

/* The most handshakes that one turn of the server's loop completed. */
static unsigned most_in_a_turn(unsigned steps)
{
	static const struct rw_sim_knobs none;
	struct side clients[24] = {0};
	unsigned most = 0;
	struct world w;

	begin(&w, &none, 1, steps);
	for (unsigned i = 0; i < 24; i++)
		world_connect(&w, &clients[i]);
	for (unsigned t = 0; opens(clients, 24) < 24 || opens(w.accepted, w.n_accepted) < 24; t++) {
		unsigned before = opens(w.accepted, w.n_accepted), now;

		assert_true(t < 10000);
		world_turn(&w);
		now = opens(w.accepted, w.n_accepted) - before;
		most = now > most ? now : most;
	}
	end(&w, clients, 24);
	return most;
}

/* Between two events of a running stream there are so many handshakes, however many come. */
static void a_flood_of_handshakes_takes_turns(void **state)
{
	(void)state;
	assert_true(most_in_a_turn(1000) > 8);
	/* A turn has two rounds. */
	assert_int_equal(most_in_a_turn(3), 6);
	assert_int_equal(most_in_a_turn(1), 2);
}

/* Cuts, short sends, resets and late completions: who is not broken off gets through, whole. */
static void waiting_loses_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct rw_sim_knobs all = rw_sim_all_faults;
		struct side clients[8] = {0};
		char *text = noise(40000, seed);
		unsigned done = 0;
		struct world w;

		begin(&w, &all, seed, 1 + (unsigned)(seed % 2));
		for (unsigned i = 0; i < 8; i++) {
			clients[i].to_send = text;
			clients[i].n_to_send = 1 + 5000 * i;
			clients[i].finish_when_sent = true;
			world_connect(&w, &clients[i]);
		}
		for (unsigned t = 0; done < w.n_accepted || w.n_accepted == 0 || t < 3000; t++) {
			if (t > 100000)
				fail_msg("seed %lu hangs", (unsigned long)seed);
			world_turn(&w);
			for (unsigned i = done = 0; i < w.n_accepted; i++)
				done += w.accepted[i].eofs || w.accepted[i].closes;
		}
		for (unsigned i = 0; i < w.n_accepted; i++) {
			const struct side *s = &w.accepted[i];

			assert_memory_equal(s->got.p ? s->got.p : "", text, s->got.len);
			if (s->eofs && s->clean)
				assert_int_equal((s->got.len - 1) % 5000, 0);
		}
		end(&w, clients, 8);
		free(text);
	}
}

static void who_gives_up_while_waiting_is_forgotten(void **state)
{
	static const struct rw_sim_knobs none;
	struct side clients[16] = {0};
	struct world w;

	(void)state;
	begin(&w, &none, 1, 1);
	for (unsigned i = 0; i < 16; i++)
		world_connect(&w, &clients[i]);
	world_until(&w, opens(w.accepted, w.n_accepted) == 3);
	for (unsigned i = 0; i < 16; i++)
		if (!clients[i].opens)
			rw_stream_abort(clients[i].st);
	for (unsigned i = 3; i < 8; i++) /* and ours that wait */
		if (w.accepted[i].st && !w.accepted[i].opens)
			rw_stream_abort(w.accepted[i].st);
	world_turns(&w, 200);
	for (unsigned i = 0; i < w.n_accepted; i++)
		assert_true(w.accepted[i].opens || w.accepted[i].closes);
	end(&w, clients, 16);
}

/* --- the line itself ----------------------------------------------------------------------- */

static char said[64];

static void say(void *arg)
{
	size_t n = strlen(said);

	said[n] = *(const char *)arg;
	said[n + 1] = '\0';
}

static void the_line_is_a_line(void **state)
{
	static const struct rw_sim_knobs none;
	struct rw_turn who[7] = {0};
	struct rw_turns *t;
	struct world w;
	char names[] = "abcdefg";

	(void)state;
	said[0] = '\0';
	world_begin(&w, &none, 1, NULL);
	t = rw_turns_new(w.server, 2);
	assert_true(rw_turns_take(t, &who[0], say, &names[0]));
	assert_true(rw_turns_take(t, &who[1], say, &names[1]));
	for (unsigned i = 2; i < 6; i++)
		assert_false(rw_turns_take(t, &who[i], say, &names[i]));
	rw_turn_cancel(&who[3]);
	rw_turn_cancel(&who[3]);
	rw_loop_turn(w.server, 0); /* the first round's two were taken already */
	assert_string_equal(said, "ce");
	/* Who comes now stands behind who waits, though there would be room. */
	assert_false(rw_turns_take(t, &who[6], say, &names[6]));
	rw_loop_turn(w.server, 0);
	assert_string_equal(said, "cefg");
	assert_true(rw_turns_take(t, &who[0], say, &names[0]));
	assert_true(rw_turns_take(t, &who[0], say, &names[0]));
	assert_false(rw_turns_take(t, &who[0], say, &names[0]));
	rw_turns_free(t);
	assert_false(rw_turn_waits(&who[0]));
	rw_turn_cancel(&who[0]);
	rw_listener_stop(w.listener);
	rw_loop_free(w.server);
	rw_loop_free(w.client);
	rw_sim_free(w.sim);
}

/* Four hundred clients at once had each its sixty kilobytes: all began, and waited for their end
 * behind all. */
static void what_has_begun_ends_before_others_begin(void **state)
{
	static const struct rw_sim_knobs none;
	struct rw_turn who[4] = {0};
	struct rw_turns *t;
	struct world w;
	char names[] = "abcd";

	(void)state;
	said[0] = '\0';
	world_begin(&w, &none, 1, NULL);
	t = rw_turns_new(w.server, 1);
	assert_true(rw_turns_take(t, &who[0], say, &names[0]));
	for (unsigned i = 1; i < 4; i++)
		assert_false(rw_turns_take(t, &who[i], say, &names[i]));
	assert_false(rw_turns_take(t, &who[0], say, &names[0]));
	rw_loop_turn(w.server, 0);
	assert_string_equal(said, "a");
	/* A third step is no better than a first: messages may be sent byte by byte. */
	assert_false(rw_turns_take(t, &who[0], say, &names[0]));
	for (unsigned i = 0; i < 4; i++)
		rw_loop_turn(w.server, 0);
	assert_string_equal(said, "abcda");
	rw_turns_free(t);
	rw_listener_stop(w.listener);
	rw_loop_free(w.server);
	rw_loop_free(w.client);
	rw_sim_free(w.sim);
}

/* --- reloads ------------------------------------------------------------------------------ */

static void answer(struct side *s, const uint8_t *data, size_t n)
{
	assert_int_equal(rw_stream_write(s->st, data, n), RW_OK);
}

/* Connections that are open, and those whose handshake is under way, go on with the old one. */
static void a_hundred_reloads_break_no_connection(void **state)
{
	static const struct rw_sim_knobs none;
	struct side clients[MAX_SIDES] = {0};
	struct world w;

	(void)state;
	for (unsigned round = 0; round < 4; round++) {
		memset(clients, 0, sizeof(clients));
		begin(&w, &none, round + 1, 2);
		w.model.on_data = answer;
		for (unsigned i = 0; i < 25; i++) {
			struct rw_tls_ctx *old = w.server_tls;

			clients[i].to_send = "hello";
			clients[i].n_to_send = 5;
			world_connect(&w, &clients[i]);
			world_turns(&w, 1 + i % 5);
			w.server_tls = server_ctx("good");
			rw_tls_ctx_unref(old);
		}
		for (unsigned i = 0; i < 25; i++)
			world_until(&w, clients[i].got.len == 5);
		for (unsigned i = 0; i < 25; i++)
			assert_int_equal(clients[i].closes, 0);
		end(&w, clients, 25);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_of_handshakes_takes_turns),
		cmocka_unit_test(waiting_loses_nothing),
		cmocka_unit_test(who_gives_up_while_waiting_is_forgotten),
		cmocka_unit_test(the_line_is_a_line),
		cmocka_unit_test(what_has_begun_ends_before_others_begin),
		cmocka_unit_test(a_hundred_reloads_break_no_connection),
	};

	return cmocka_run_group_tests(tests, make_pki, remove_pki);
}
