/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole gateway on the simulator: control thread, workers, stub upstream and
 * clients in one thread, from a seed.
 *
 *	sim DIR FROM TO        runs the seeds FROM..TO; DIR holds gateway.crt and gateway.key
 *	sim DIR SEED           runs one, and says what happens
 *
 * After every scenario: every client got the truth or a broken connection, every request was
 * settled and audited, and no socket, byte or request is left.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD is, but nothing else reaches every caller */
#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/log.h"
#include "gate/control.h"
#include "gate/worker.h"
#include "sim/client.h"
#include "stub/stub.h"

enum {
	MAX_CLIENTS = 8,
	MAX_WORKERS = 2,
	MAX_STEPS = 3000000,
};

static const uint64_t DRAIN_NS = 30000000000;
static const uint64_t LONGEST_NS = 900000000000; /* of simulated time */

/* Made once: rules take a second to compile. */
struct fixture {
	const char *dir;
	struct rw_rules *rules;
	char key[RW_KEY_TEXT];
	bool verbose;
};

struct scenario {
	struct fixture *f;
	struct rw_sim *sim;
	struct rw_gateway gw;
	struct rw_control *control;
	struct rw_loop *control_loop, *stub_loop, *client_loop;
	struct rw_loop *loops[MAX_WORKERS];
	struct rw_worker *workers[MAX_WORKERS];
	bool stopped[MAX_WORKERS];
	unsigned n_workers;
	struct rw_stub *stub;
	struct rw_tls_ctx *server_tls, *client_tls; /* not shared: RSA blinding remembers */
	struct client_world world;
	struct client *clients[MAX_CLIENTS];
	unsigned n_clients;
	struct rw_error error;
	char complaint[640];
};

#define MUST(call)                                                        \
	do {                                                              \
		if (call) {                                               \
			fprintf(stderr, "sim: %s: %s\n", #call, e->text); \
			exit(2);                                          \
		}                                                         \
	} while (0)

/* --- chance --------------------------------------------------------------------------------------
 */

/* OpenSSL's random bytes follow from the seed too: they decide lengths (a ticket's, say). */
static uint64_t random_state;

static int seeded_bytes(unsigned char *buf, int n)
{
	for (int i = 0; i < n; i++) {
		random_state = random_state * 6364136223846793005u + 1442695040888963407u;
		buf[i] = (unsigned char)(random_state >> 56);
	}
	return 1;
}

static int seeded_status(void)
{
	return 1;
}

static const RAND_METHOD seeded = {
	.bytes = seeded_bytes, .pseudorand = seeded_bytes, .status = seeded_status};

/* And its clock, which tickets carry: it asks by this name. */
int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	(void)tz;
	*tv = (struct timeval){.tv_sec = 1800000000};
	return 0;
}

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

static struct rw_loop *new_loop(struct scenario *s)
{
	const struct rw_loop_config lc = {.max_socks = 256};
	struct rw_error *e = &s->error;
	struct rw_loop *l;
	struct rw_io *io;

	MUST(rw_sim_io_new(&io, s->sim, 16, 4096, e));
	MUST(rw_loop_new(&l, io, &lc, e));
	return l;
}

static void write_config(struct scenario *s, bool tls, struct rw_buf *out)
{
	const char *dir = s->f->dir;

	rw_buf_addf(out, "listeners:\n  - address: 127.0.0.1:8443\n");
	if (tls)
		rw_buf_addf(out, "    tls: {cert_file: %s/gateway.crt, key_file: %s/gateway.key}\n",
			    dir, dir);
	else
		rw_buf_addf(out, "    tls: off\n");
	rw_buf_addf(out,
		    "upstreams:\n  - name: stub\n    url: %s://127.0.0.1:8444/v1\n"
		    "    key: provider-key\n",
		    tls ? "https" : "http");
	if (tls)
		rw_buf_addf(out, "    ca_file: %s/gateway.crt\n", dir);
	rw_buf_addf(out,
		    "models:\n  - {name: stub, upstream: stub}\n"
		    "state_dir: %s/state\naudit: {file: %s/audit.jsonl, required: true}\n"
		    "kernel: off\nstrikes: {threshold: 1000000}\n"
		    "timeouts: {header: 2s, body: 2s, idle: 4s, write_stall: 5s, drain: 30s}\n",
		    dir, dir);
}

static void start_gateway(struct scenario *s, bool tls)
{
	struct rw_error *e = &s->error;
	struct rw_config *config;
	struct rw_buf yaml = {0};
	char audit[512];

	snprintf(audit, sizeof(audit), "%s/audit.jsonl", s->f->dir);
	unlink(audit);
	write_config(s, tls, &yaml);
	MUST(rw_config_parse(&config, yaml.p, yaml.len, "sim.yaml", e));
	rw_buf_free(&yaml);
	s->gw.key_cells = rw_limits_new(64, rw_sim_random(s->sim));
	s->gw.address_cells = rw_limits_new(64, rw_sim_random(s->sim));
	s->gw.suspended = rw_suspended_new();
	s->control_loop = new_loop(s);
	MUST(rw_control_new(&s->control, &s->gw, s->control_loop, config, s->f->rules, e));
	s->n_workers = 1 + (unsigned)(rw_sim_random(s->sim) % MAX_WORKERS);
	for (unsigned i = 0; i < s->n_workers; i++) {
		s->loops[i] = new_loop(s);
		MUST(rw_worker_new(&s->workers[i], &s->gw, i, s->loops[i],
				   rw_control_snapshot(s->control), e));
		s->gw.workers[s->gw.n_workers++] = s->workers[i];
	}
}

static void make_tls(struct scenario *s, bool tls)
{
	struct rw_error *e = &s->error;
	char cert[512], key[512];

	if (!tls)
		return;
	snprintf(cert, sizeof(cert), "%s/gateway.crt", s->f->dir);
	snprintf(key, sizeof(key), "%s/gateway.key", s->f->dir);
	MUST(rw_tls_server_new(&s->server_tls, cert, key, e));
	MUST(rw_tls_client_new(&s->client_tls, cert, e));
}

static void start_peers(struct scenario *s, bool tls)
{
	const struct rw_stub_config sc = {.piece_bytes = 1 +
							 (unsigned)(rw_sim_random(s->sim) % 30)};
	struct rw_error *e = &s->error;
	struct rw_addr addr;

	s->stub_loop = new_loop(s);
	MUST(rw_addr_parse("127.0.0.1:8444", &addr, e));
	make_tls(s, tls);
	MUST(rw_stub_new(&s->stub, s->stub_loop, &sc, s->server_tls, &addr, e));
	s->client_loop = new_loop(s);
	s->world.sim = s->sim;
	s->world.loop = s->client_loop;
	s->world.tls = s->client_tls;
	s->world.key = s->f->key;
	s->world.verbose = s->f->verbose;
	MUST(rw_addr_parse("127.0.0.1:8443", &s->world.gateway, e));
	s->n_clients = 1 + (unsigned)(rw_sim_random(s->sim) % MAX_CLIENTS);
	for (unsigned i = 0; i < s->n_clients; i++)
		s->clients[i] = client_new(&s->world, i);
}

/* --- letting it play
 * ------------------------------------------------------------------------------ */

static void complain(struct scenario *s, const char *what)
{
	if (!s->complaint[0])
		snprintf(s->complaint, sizeof(s->complaint), "%s", what);
}

static bool turn_all(struct scenario *s)
{
	rw_loop_turn(s->control_loop, UINT64_MAX);
	for (unsigned i = 0; i < s->n_workers; i++)
		rw_loop_turn(s->loops[i], UINT64_MAX);
	rw_loop_turn(s->stub_loop, UINT64_MAX);
	rw_loop_turn(s->client_loop, UINT64_MAX);
	return rw_sim_step(s->sim);
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
		turn_all(s);
	if (!clients_finished(s)) {
		complain(s, "a client never came to an end");
		return;
	}
	rw_sim_set_knobs(s->sim, &calm);
	for (unsigned i = 0; i < s->n_workers; i++)
		rw_worker_drain(s->workers[i], DRAIN_NS);
	for (steps = 0; steps < MAX_STEPS && !is_quiet(s) && rw_sim_now(s->sim) < end; steps++)
		turn_all(s);
	if (!is_quiet(s))
		complain(s, "the drain did not come to an end");
	/* the last audit batch is on its way */
	for (steps = 0; steps < 200; steps++)
		turn_all(s);
}

/* --- judging
 * --------------------------------------------------------------------------------------- */

static uint64_t count_audit(const struct scenario *s)
{
	char path[512];
	uint64_t n = 0;
	int ch;
	FILE *f;

	snprintf(path, sizeof(path), "%s/audit.jsonl", s->f->dir);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while ((ch = getc(f)) != EOF)
		n += ch == '\n';
	fclose(f);
	return n;
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

static void close_all(struct scenario *s)
{
	for (unsigned i = 0; i < s->n_workers; i++)
		rw_worker_close(s->workers[i]);
	rw_stub_free(s->stub);
	for (unsigned i = 0; i < s->n_workers; i++) {
		rw_loop_free(s->loops[i]);
		rw_worker_free(s->workers[i]);
	}
	rw_loop_free(s->client_loop);
	rw_loop_free(s->stub_loop);
	for (unsigned i = 0; i < s->n_clients; i++)
		client_free(s->clients[i]);
	rw_control_free(s->control);
	rw_loop_free(s->control_loop);
	rw_sim_free(s->sim);
	rw_tls_ctx_unref(s->server_tls);
	rw_tls_ctx_unref(s->client_tls);
	rw_limits_free(s->gw.key_cells);
	rw_limits_free(s->gw.address_cells);
	rw_suspended_free(s->gw.suspended);
}

/* Returns the trace's hash; *whole counts the answers that came whole. */
static uint64_t run_seed(struct fixture *f, uint64_t seed, unsigned *whole, char complaint[640])
{
	struct scenario *s = calloc(1, sizeof(*s));
	bool tls = seed % 5 == 3;
	struct rw_sim_knobs knobs;
	uint64_t hash;

	s->f = f;
	random_state = seed;
	knobs = choose_knobs(seed, &s->world.may_break);
	rw_sim_new(&s->sim, seed, &knobs);
	start_gateway(s, tls);
	start_peers(s, tls);
	play(s);
	judge(s);
	*whole += s->world.seen_whole;
	hash = rw_sim_trace_hash(s->sim);
	if (f->verbose)
		printf("sim: seed %" PRIu64 ": %u workers, %u clients, %s, %u whole answers, "
		       "%.3f s of simulated time, trace %016" PRIx64 "\n",
		       seed, s->n_workers, s->n_clients, tls ? "TLS" : "plain", s->world.seen_whole,
		       (double)rw_sim_now(s->sim) / 1e9, hash);
	close_all(s);
	snprintf(complaint, 640, "%s", s->complaint);
	free(s);
	return hash;
}

static void make_fixture(struct fixture *f, const char *dir)
{
	struct rw_error error = {0}, *e = &error;
	struct rw_keystore *ks;
	struct rw_key key;
	char state[512], name[512];
	FILE *saved;

	f->dir = dir;
	MUST(rw_rules_load(&f->rules, NULL, e));
	snprintf(state, sizeof(state), "%s/state", dir);
	snprintf(name, sizeof(name), "%s/key", dir);
	saved = fopen(name, "re");
	if (saved && fgets(f->key, sizeof(f->key), saved)) { /* the same folder, the same bytes */
		fclose(saved);
		return;
	}
	MUST(rw_keystore_open(&ks, state, e));
	MUST(rw_keystore_add(ks, "sim", 0, &key, f->key, e));
	rw_keystore_close(ks);
	saved = fopen(name, "we");
	if (!saved || fputs(f->key, saved) < 0 || fclose(saved)) {
		perror(name);
		exit(2);
	}
}

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
	make_fixture(&f, argv[1]);
	RAND_set_rand_method(&seeded);
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
