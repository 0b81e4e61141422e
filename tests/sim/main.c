/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole gateway on the simulator: control thread, workers, stub upstream and
 * clients in one thread, from a seed.
 *
 *	sim DIR FROM TO        runs the seeds FROM..TO; DIR holds gateway.crt and gateway.key
 *	sim DIR SEED           runs one, and says what happens
 *	sim DIR chat N         N chats one after the other, without faults, for a profile
 *	sim DIR plain N        the same, with no guard on
 *	sim DIR event N        one chat, whose answer is a stream of N events
 *
 * After every scenario: every client got the truth or a broken connection, every request was
 * settled and audited, and no socket, byte or request is left.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "audit/reader.h"
#include "base/log.h"
#include "sim/scene.h"
#include "sim/steady.h"

enum { MAX_STEPS = 3000000 };

static const uint64_t DRAIN_NS = 30000000000;
static const uint64_t LONGEST_NS = 900000000000; /* of simulated time */

/* --- setting the scene ---------------------------------------------------------------------------
 */

/* None, one kind of fault, or everything at once. */
static struct rw_sim_knobs choose_knobs(uint64_t seed, bool *may_break)
{
	struct rw_sim_knobs k = {.latency_ns = seed % 7 * 300000};

	*may_break = false;
	switch (seed % 12) {
	case 0:
		break;
	case 1:
		k.late = 2000;
		break;
	case 2:
		k.short_send = 5000;
		break;
	case 3:
		k.split = 7000;
		break;
	case 4:
		k.starve = 2000;
		k.recv_ends = 1000;
		break;
	case 5:
		k.cancel_missed = 5000;
		k.ghost = 500;
		break;
	case 6:
		k.window_bytes = 3000;
		break;
	case 7:
		k.late = k.short_send = k.split = k.starve = k.recv_ends = 1500;
		break;
	case 8:
		k.reset = 100;
		*may_break = true;
		break;
	case 9:
		k.cut = 100;
		*may_break = true;
		break;
	case 10:
		k.refuse = 2000;
		k.slow_connect = 2000;
		*may_break = true;
		break;
	default:
		k = rw_sim_all_faults;
		*may_break = true;
	}
	return k;
}

/* --- letting it play
 * ------------------------------------------------------------------------------ */

static void complain(struct scenario *s, const char *what)
{
	if (!s->complaint[0])
		snprintf(s->complaint, sizeof(s->complaint), "%s", what);
}

static bool clients_finished(const struct scenario *s)
{
	for (unsigned i = 0; i < s->n_clients; i++)
		if (!client_finished(s->clients[i]))
			return false;
	return true;
}

static bool is_quiet(const struct scenario *s)
{
	for (unsigned i = 0; i < s->n_workers; i++)
		if (atomic_load(&s->workers[i]->metrics.requests_active) ||
		    rw_http_server_conns(s->workers[i]->servers[0]))
			return false;
	return true;
}

static void play(struct scenario *s)
{
	static const struct rw_sim_knobs calm = {0};
	const uint64_t end = rw_sim_now(s->sim) + LONGEST_NS;
	unsigned steps = 0;

	while (!clients_finished(s) && steps++ < MAX_STEPS && rw_sim_now(s->sim) < end)
		scene_turn(s);
	if (!clients_finished(s)) {
		complain(s, "a client never came to an end");
		return;
	}
	rw_sim_set_knobs(s->sim, &calm);
	for (unsigned i = 0; i < s->n_workers; i++)
		rw_worker_drain(s->workers[i], DRAIN_NS);
	for (steps = 0; steps < MAX_STEPS && !is_quiet(s) && rw_sim_now(s->sim) < end; steps++)
		scene_turn(s);
	if (!is_quiet(s))
		complain(s, "the drain did not come to an end");
	/* the last audit batch is on its way */
	for (steps = 0; steps < 200; steps++)
		scene_turn(s);
}

/* --- judging
 * --------------------------------------------------------------------------------------- */

/* The records of the log, whose chain is whole whatever its syncs did. */
static uint64_t count_audit(struct scenario *s)
{
	struct rw_reading r = {0};
	struct rw_walk w = {0};
	struct rw_error e;
	char path[512];

	snprintf(path, sizeof(path), "%s/audit.jsonl", s->f->dir);
	r.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (r.fd < 0)
		return 0;
	if (rw_walk_file(&w, &r, &e) || rw_walk_end(&w) || w.first > 1 || w.strays)
		complain(s, "the audit log's chain is broken");
	close(r.fd);
	rw_walk_free(&w);
	return w.records;
}

static void judge(struct scenario *s)
{
	uint64_t requests = 0, audited = count_audit(s);
	char text[200];

	for (unsigned i = 0; i < s->n_clients; i++)
		if (client_complaint(s->clients[i]))
			complain(s, client_complaint(s->clients[i]));
	for (unsigned i = 0; i < s->n_workers; i++) {
		struct rw_metrics *m = &s->workers[i]->metrics;

		requests += atomic_load(&m->requests_total);
		if (atomic_load(&m->requests_active))
			complain(s, "requests were never settled");
		if (atomic_load(&m->buffered_bytes))
			complain(s, "bytes are still charged to nobody");
	}
	if (audited != requests) {
		snprintf(text, sizeof(text), "%" PRIu64 " requests, %" PRIu64 " audit records",
			 requests, audited);
		complain(s, text);
	}
}

/* Returns the trace's hash; *whole counts the answers that came whole. */
static uint64_t run_seed(struct fixture *f, uint64_t seed, unsigned *whole, char complaint[640])
{
	struct scenario *s = calloc(1, sizeof(*s));
	bool tls = seed % 5 == 3;
	struct rw_sim_knobs knobs;
	uint64_t hash;

	s->f = f;
	s->sync = seed % 7 < 3;
	scene_seed(seed);
	knobs = choose_knobs(seed, &s->world.may_break);
	rw_sim_new(&s->sim, seed, &knobs);
	scene_gateway(s, tls, 1 + (unsigned)(rw_sim_random(s->sim) % MAX_WORKERS));
	scene_peers(s, tls);
	s->n_clients = 1 + (unsigned)(rw_sim_random(s->sim) % MAX_CLIENTS);
	for (unsigned i = 0; i < s->n_clients; i++)
		s->clients[i] = client_new(&s->world, i);
	play(s);
	judge(s);
	*whole += s->world.seen_whole;
	hash = rw_sim_trace_hash(s->sim);
	if (f->verbose)
		printf("sim: seed %" PRIu64 ": %u workers, %u clients, %s, %u whole answers, "
		       "%.3f s of simulated time, trace %016" PRIx64 "\n",
		       seed, s->n_workers, s->n_clients, tls ? "TLS" : "plain", s->world.seen_whole,
		       (double)rw_sim_now(s->sim) / 1e9, hash);
	scene_close(s);
	snprintf(complaint, 640, "%s", s->complaint);
	free(s);
	return hash;
}

static const struct {
	const char *name;
	enum steady_load load;
} loads[] = {
	{"chat", STEADY_CHAT},
	{"plain", STEADY_PLAIN},
	{"event", STEADY_STREAM},
};

int main(int argc, char **argv)
{
	struct fixture f = {.verbose = argc == 3};
	uint64_t from, to, failed = 0;
	unsigned whole = 0;
	char complaint[640];

	if (argc < 3) {
		fprintf(stderr, "usage: sim DIR FROM TO | sim DIR SEED\n");
		return 2;
	}
	rw_log_set_level(f.verbose ? RW_LOG_DEBUG : RW_LOG_ERROR);
	from = strtoull(argv[2], NULL, 10);
	to = argc > 3 ? strtoull(argv[3], NULL, 10) : from;
	scene_fixture(&f, argv[1]);
	for (unsigned i = 0; argc > 3 && i < sizeof(loads) / sizeof(loads[0]); i++)
		if (strcmp(argv[2], loads[i].name) == 0)
			return steady_run(&f, (unsigned)to, loads[i].load);
	for (uint64_t seed = from; seed <= to; seed++) {
		uint64_t hash = run_seed(&f, seed, &whole, complaint);

		/* Now and then: the same seed must give the same world again. */
		if (!complaint[0] && (seed % 25 == 3 || seed % 25 == 4 || f.verbose)) {
			unsigned again = 0;

			if (run_seed(&f, seed, &again, complaint) != hash && !complaint[0])
				snprintf(complaint, sizeof(complaint),
					 "the same seed gave another trace");
		}
		if (!complaint[0])
			continue;
		failed++;
		printf("sim: seed %" PRIu64 " FAILED: %s\n     replay: %s %s %" PRIu64 "\n", seed,
		       complaint, argv[0], argv[1], seed);
		fflush(stdout);
	}
	printf("sim: seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " failed, %u answers came whole\n",
	       from, to, failed, whole);
	rw_rules_unref(f.rules);
	return failed ? 1 : 0;
}
