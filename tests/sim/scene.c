/* SPDX-License-Identifier: Apache-2.0 */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD is, but nothing else reaches every caller */
#include "sim/scene.h"

#include <openssl/rand.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/log.h"

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

void scene_seed(uint64_t seed)
{
	random_state = seed;
	RAND_set_rand_method(&seeded);
}

/* --- setting the scene ------------------------------------------------------------------------ */

struct rw_loop *scene_loop(struct scenario *s)
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
		    "state_dir: %s/state\naudit: {file: %s/audit.jsonl, required: true, sync: %s}\n"
		    "kernel: off\nstrikes: {threshold: 1000000}\n"
		    "timeouts: {header: 2s, body: 2s, idle: 4s, write_stall: 5s, drain: 30s}\n",
		    dir, dir, s->sync ? "request" : "interval");
	if (s->more)
		rw_buf_add_str(out, s->more);
}

void scene_gateway(struct scenario *s, bool tls, unsigned workers)
{
	struct rw_error *e = &s->error;
	struct rw_config *config;
	struct rw_buf yaml = {0};
	char head[sizeof(s->audit) + 8];

	snprintf(s->audit, sizeof(s->audit), "%s/audit.jsonl", s->f->dir);
	unlink(s->audit);
	snprintf(head, sizeof(head), "%s.head", s->audit);
	unlink(head);
	write_config(s, tls, &yaml);
	MUST(rw_config_parse(&config, yaml.p, yaml.len, "sim.yaml", e));
	rw_buf_free(&yaml);
	s->gw.key_cells = rw_limits_new(64, rw_sim_random(s->sim));
	s->gw.address_cells = rw_limits_new(64, rw_sim_random(s->sim));
	s->gw.suspended = rw_suspended_new();
	s->control_loop = scene_loop(s);
	MUST(rw_control_new(&s->control, &s->gw, s->control_loop, config, s->f->rules, e));
	s->n_workers = workers;
	for (unsigned i = 0; i < s->n_workers; i++) {
		s->loops[i] = scene_loop(s);
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

void scene_peers(struct scenario *s, bool tls)
{
	const struct rw_stub_config sc = {
		.piece_bytes = 1 + (unsigned)(rw_sim_random(s->sim) % 30),
		.answers = s->answers,
		.answers_len = s->answers ? strlen(s->answers) : 0,
	};
	struct rw_error *e = &s->error;
	struct rw_addr addr;

	s->stub_loop = scene_loop(s);
	MUST(rw_addr_parse("127.0.0.1:8444", &addr, e));
	make_tls(s, tls);
	MUST(rw_stub_new(&s->stub, s->stub_loop, &sc, s->server_tls, &addr, e));
	s->client_loop = scene_loop(s);
	s->world.sim = s->sim;
	s->world.loop = s->client_loop;
	s->world.tls = s->client_tls;
	s->world.key = s->f->key;
	s->world.audit = s->sync ? s->audit : NULL;
	s->world.verbose = s->f->verbose;
	MUST(rw_addr_parse("127.0.0.1:8443", &s->world.gateway, e));
}

/* --- playing ---------------------------------------------------------------------------------- */

/* A function of its own: what a profile counts as the gateway's work. */
static __attribute__((noinline)) void turn_workers(struct scenario *s)
{
	for (unsigned i = 0; i < s->n_workers; i++)
		rw_loop_turn(s->loops[i], UINT64_MAX);
}

bool scene_turn(struct scenario *s)
{
	rw_loop_turn(s->control_loop, UINT64_MAX);
	turn_workers(s);
	rw_loop_turn(s->stub_loop, UINT64_MAX);
	rw_loop_turn(s->client_loop, UINT64_MAX);
	return rw_sim_step(s->sim);
}

void scene_close(struct scenario *s)
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

void scene_fixture(struct fixture *f, const char *dir)
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
