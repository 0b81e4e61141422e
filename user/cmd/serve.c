/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ringwall serve`: the gateway. Puts the rooms together, one thread per core and
 * the control thread, which is main's; then waits for signals.
 */
#include "cmd/cmd.h"

#include <argp.h>
#include <cap-ng.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/log.h"
#include "gate/control.h"
#include "gate/worker.h"
#include "policy/config.h"
#include "ring/uring.h"

#define DEFAULT_CONFIG "/etc/ringwall/ringwall.yaml"

enum {
	KEY_CELLS = 16384,
	ADDRESS_CELLS = 262144,
	RECV_BUFFERS = 256,
	RECV_BUFFER_BYTES = 16384,
	URING_ENTRIES = 4096,
};

struct thread {
	struct serve *sv;
	struct rw_worker *worker;
	struct rw_loop *loop;
	pthread_t id;
	bool started;
	unsigned cpu;
};

struct serve {
	struct rw_gateway gw;
	struct rw_loop *loop;
	struct rw_control *control;
	struct rw_admin *admin;
	struct thread threads[RW_MAX_WORKERS];
	unsigned running; /* control thread's count of workers that have not ended */
	pthread_t signals;
	sigset_t signal_set;
};

/* --- options ------------------------------------------------------------------------------------
 */

struct options {
	const char *config;
	bool debug;
};

static const struct argp_option option_table[] = {
	{"config", 'c', "FILE", 0, "configuration (default " DEFAULT_CONFIG ", else built in)", 0},
	{"debug", 'd', NULL, 0, "log more", 0},
	{0},
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'c':
		o->config = arg;
		return 0;
	case 'd':
		o->debug = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s'", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	option_table,
	on_option,
	NULL,
	"Runs the gateway.\v"
	"SIGTERM drains (a second one ends the drain), SIGHUP reads the configuration again.",
	NULL,
	NULL,
	NULL,
};

/* --- threads ------------------------------------------------------------------------------------
 */

static void worker_ended(void *arg)
{
	struct serve *sv = arg;

	if (--sv->running == 0)
		rw_loop_stop(sv->loop);
}

static void *worker_main(void *arg)
{
	struct thread *t = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(t->cpu, &set);
	/* Best effort: in a container the core may not be ours to take. */
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	if (rw_loop_run(t->loop))
		rw_err("worker %u: its ring failed; it serves nothing any more", t->worker->id);
	rw_worker_close(t->worker);
	rw_loop_free(t->loop);
	rw_loop_post(t->sv->loop, worker_ended, t->sv);
	return NULL;
}

static void stop(void *arg)
{
	struct serve *sv = arg;
	const struct rw_config *c = rw_control_snapshot(sv->control)->routes->config;

	if (atomic_exchange(&sv->gw.draining, true)) {
		rw_info("second signal: ending the drain");
		atomic_store(&sv->gw.hurry, true);
		return;
	}
	rw_info("draining: at most %u ms for what is under way", c->drain_ms);
	for (unsigned i = 0; i < sv->gw.n_workers; i++)
		if (rw_worker_drain(sv->gw.workers[i], (uint64_t)c->drain_ms * 1000000))
			rw_err("worker %u: out of memory for the order to drain", i);
}

static void reload(void *arg)
{
	struct serve *sv = arg;
	struct rw_error e = {0};

	if (rw_control_reload(sv->control, &e))
		rw_err("reload: %s", e.text);
}

static void *signal_main(void *arg)
{
	struct serve *sv = arg;
	int sig;

	while (sigwait(&sv->signal_set, &sig) == 0) {
		if (sig == SIGUSR2) /* ours: main is about to leave */
			return NULL;
		rw_loop_post(sv->loop, sig == SIGHUP ? reload : stop, sv);
	}
	return NULL;
}

static int start_threads(struct serve *sv, struct rw_error *e)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (pthread_create(&sv->signals, NULL, signal_main, sv))
		return rw_fail(e, RW_EIO, "cannot start the signal thread: %s", strerror(errno));
	for (unsigned i = 0; i < sv->gw.n_workers; i++) {
		struct thread *t = &sv->threads[i];

		t->cpu = i % (unsigned)cpus;
		if (pthread_create(&t->id, NULL, worker_main, t))
			return rw_fail(e, RW_EIO, "cannot start worker %u: %s", i, strerror(errno));
		t->started = true;
		sv->running++;
	}
	return RW_OK;
}

/* --- setting up ---------------------------------------------------------------------------------
 */

static int make_loop(struct rw_loop **out, const struct rw_config *c, struct rw_error *e)
{
	const struct rw_loop_config lc = {
		.max_socks = c->max_connections * 2 + 64,
		.max_queued_bytes = c->max_memory_bytes,
		.recv_buffers = RECV_BUFFERS,
		.recv_buffer_bytes = RECV_BUFFER_BYTES,
	};
	struct rw_io *io;
	int rc = rw_uring_new(&io, URING_ENTRIES, RECV_BUFFERS, RECV_BUFFER_BYTES, e);

	return rc ? rc : rw_loop_new(out, io, &lc, e);
}

static int make_workers(struct serve *sv, struct rw_error *e)
{
	struct rw_snapshot *snap = rw_control_snapshot(sv->control);
	const struct rw_config *c = snap->routes->config;
	unsigned n = c->workers ? c->workers : (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	int rc = RW_OK;

	if (n > RW_MAX_WORKERS)
		n = RW_MAX_WORKERS;
	for (unsigned i = 0; !rc && i < n; i++) {
		struct thread *t = &sv->threads[i];

		t->sv = sv;
		rc = make_loop(&t->loop, c, e);
		if (!rc)
			rc = rw_worker_new(&t->worker, &sv->gw, i, t->loop, snap, e);
		if (!rc)
			sv->gw.workers[sv->gw.n_workers++] = t->worker;
	}
	return rc;
}

/*
 * From here on nothing needs a capability: listeners are bound, pins are open.
 * Nor may a crash write keys and prompts to a core file.
 */
static int shed_privilege(struct rw_error *e)
{
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
#ifndef RW_SANITIZE /* the leak check traces its own process, which this forbids */
	prctl(PR_SET_DUMPABLE, 0);
#endif
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	capng_clear(CAPNG_SELECT_BOTH);
	/* Clearing the bounding set itself needs CAP_SETPCAP: without it there is nothing to shed.
	 */
	if (capng_apply(CAPNG_SELECT_CAPS))
		return rw_fail(e, RW_EPERM, "cannot drop capabilities: %s", strerror(errno));
	return RW_OK;
}

static int load_config(struct rw_config **out, const char *file, struct rw_error *e)
{
	if (file)
		return rw_config_load(out, file, e);
	if (access(DEFAULT_CONFIG, F_OK) == 0)
		return rw_config_load(out, DEFAULT_CONFIG, e);
	return rw_config_default(out, e);
}

static int set_up(struct serve *sv, const char *file, struct rw_error *e)
{
	struct rw_config *config = NULL;
	int rc = load_config(&config, file, e);

	if (rc)
		return rc;
	rc = make_loop(&sv->loop, config, e);
	if (rc) {
		rw_config_free(config);
		return rc;
	}
	sv->gw.key_cells = rw_limits_new(KEY_CELLS, rw_loop_random(sv->loop));
	sv->gw.address_cells = rw_limits_new(ADDRESS_CELLS, rw_loop_random(sv->loop));
	if (!sv->gw.key_cells || !sv->gw.address_cells) {
		rw_config_free(config);
		return rw_fail(e, RW_ENOMEM, "out of memory for the rate tables");
	}
	rc = rw_control_new(&sv->control, &sv->gw, sv->loop, config, NULL, e);
	if (!rc)
		rc = make_workers(sv, e);
	if (!rc && config->admin_address)
		rc = rw_admin_new(&sv->admin, &sv->gw, sv->control, sv->loop, config->admin_address,
				  e);
	return rc ? rc : shed_privilege(e);
}

/* Threads have ended or were never started; frees in the order of dependence. */
static void tear_down(struct serve *sv)
{
	for (unsigned i = 0; i < RW_MAX_WORKERS; i++) {
		struct thread *t = &sv->threads[i];

		if (t->started) {
			pthread_join(t->id, NULL);
		} else {
			if (t->worker)
				rw_worker_close(t->worker);
			if (t->loop)
				rw_loop_free(t->loop);
		}
	}
	rw_admin_free(sv->admin);
	if (sv->loop && sv->control) {
		/* The last audit batches are in the mailbox. */
		rw_loop_turn(sv->loop, 0);
		rw_loop_turn(sv->loop, 0);
		rw_control_free(sv->control);
	}
	for (unsigned i = 0; i < RW_MAX_WORKERS; i++)
		rw_worker_free(sv->threads[i].worker);
	if (sv->loop)
		rw_loop_free(sv->loop);
	rw_limits_free(sv->gw.key_cells);
	rw_limits_free(sv->gw.address_cells);
}

static void announce(const struct serve *sv)
{
	const struct rw_snapshot *s = rw_control_snapshot(sv->control);
	const struct rw_config *c = s->routes->config;

	for (unsigned i = 0; i < c->n_listeners; i++)
		rw_info("listening on %s://%s", c->listeners[i].tls ? "https" : "http",
			c->listeners[i].address);
	if (c->admin_address)
		rw_info("admin on http://%s (/metrics, /healthz, /readyz)", c->admin_address);
	rw_info("ready: %u workers, %u rules, %u keys, kernel: %s", sv->gw.n_workers,
		rw_rules_count(s->rules), rw_keytable_count(s->keys),
		rw_enforced_name((enum rw_enforced)atomic_load(&sv->gw.kernel)));
	if (c->keys_required && rw_keytable_count(s->keys) == 0)
		rw_warn("there is no API key yet, so every request is refused: make one with "
			"'ringwall key add NAME --state %s'",
			c->state_dir);
}

int rw_cmd_serve(int argc, char **argv)
{
	struct options o = {0};
	struct serve *sv = calloc(1, sizeof(*sv));
	struct rw_error e = {0};
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (!sv)
		return RW_EXIT_FAIL;
	if (o.debug)
		rw_log_set_level(RW_LOG_DEBUG);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&sv->signal_set);
	for (size_t i = 0; i < 4; i++)
		sigaddset(&sv->signal_set, (int[]){SIGTERM, SIGINT, SIGHUP, SIGUSR2}[i]);
	pthread_sigmask(SIG_BLOCK, &sv->signal_set, NULL);

	rc = set_up(sv, o.config, &e);
	if (!rc)
		rc = start_threads(sv, &e);
	if (!rc) {
		announce(sv);
		if (rw_loop_run(sv->loop))
			rc = rw_fail(&e, RW_EIO, "the control thread's ring failed");
		pthread_kill(sv->signals, SIGUSR2);
		pthread_join(sv->signals, NULL);
	}
	if (rc)
		rw_err("%s", e.text);
	tear_down(sv);
	free(sv);
	if (!rc)
		rw_info("stopped");
	return rc == RW_OK ? RW_EXIT_OK : rc == RW_EPERM ? RW_EXIT_PERM : RW_EXIT_FAIL;
}
