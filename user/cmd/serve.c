/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ringwall serve`: the gateway. Puts the rooms together, one thread per core and
 * the control thread, which is main's; then waits for signals.
 */
#include "cmd/cmd.h"

#include <argp.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/log.h"
#include "cmd/claim.h"
#include "cmd/confine.h"
#include "cmd/cpus.h"
#include "cmd/notify.h"
#include "gate/control.h"
#include "gate/steer.h"
#include "gate/worker.h"
#include "policy/config.h"
#include "ring/uring.h"
#include "tls/shared.h"

enum {
	DRAIN_ROOM_MS = 15000, /* beyond timeouts.drain: the last audit batches, and freeing */
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
	int cpu; /* -1: any */
};

struct options {
	const char *config;
	bool debug;
	bool take_over;
};

struct serve {
	struct options options;
	struct rw_gateway gw;
	struct rw_loop *loop;
	struct rw_control *control;
	struct rw_admin *admin;
	struct rw_notify notify;
	struct thread threads[RW_MAX_WORKERS];
	unsigned running; /* control thread's count of workers that have not ended */
	bool failed;	  /* a ring broke: the exit status tells */
	bool confined;	  /* what was not named at the start cannot be opened */
	pthread_t signals;
	bool signals_on;
	atomic_bool leaving; /* SIGUSR2 is for the signal thread */
	sigset_t signal_set;
};

/* --- options ------------------------------------------------------------------------------------
 */

enum { OPT_TAKE_OVER = 256 };

static const struct argp_option option_table[] = {
	{"config", 'c', "FILE", 0, "configuration (default " RW_CONFIG_FILE ", else built in)", 0},
	{"debug", 'd', NULL, 0, "log more", 0},
	{"take-over", OPT_TAKE_OVER, NULL, 0,
	 "start beside a gateway with the same addresses and take its new connections", 0},
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
	case OPT_TAKE_OVER:
		o->take_over = true;
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

/* What must not get lost when a mailbox is full for a moment; a thread that is ending can wait. */
static void post(struct rw_loop *l, void (*fn)(void *arg), void *arg)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	for (unsigned tries = 0; rw_loop_post(l, fn, arg) && tries < 10000; tries++)
		nanosleep(&pause, NULL);
}

static void worker_ended(void *arg)
{
	struct serve *sv = arg;

	if (--sv->running == 0)
		rw_loop_stop(sv->loop);
}

/* Nothing is published from here on; the workers end when their requests have. */
static void drain(struct serve *sv)
{
	const struct rw_config *c = rw_control_snapshot(sv->control)->routes->config;

	if (atomic_exchange(&sv->gw.draining, true))
		return;
	rw_notify_stopping(&sv->notify, (uint64_t)c->drain_ms + DRAIN_ROOM_MS);
	for (unsigned i = 0; i < sv->gw.n_workers; i++)
		if (rw_worker_drain(sv->gw.workers[i], (uint64_t)c->drain_ms * 1000000))
			rw_err("worker %u: out of memory for the order to drain", i);
}

/* A gateway of fewer workers than configured would look well and be slow: it ends instead. */
static void worker_failed(void *arg)
{
	struct serve *sv = arg;

	sv->failed = true;
	drain(sv);
	worker_ended(sv);
}

static void *worker_main(void *arg)
{
	struct thread *t = arg;
	struct serve *sv = t->sv;

	rw_stay_on_cpu(t->cpu);
	if (rw_loop_run(t->loop)) {
		rw_err("worker %u: its ring failed; the gateway ends", t->worker->id);
		/* Others may be posting to its loop: main frees both once all is still. */
		post(sv->loop, worker_failed, sv);
		return NULL;
	}
	rw_worker_close(t->worker);
	rw_loop_free(t->loop);
	t->loop = NULL;
	post(sv->loop, worker_ended, sv);
	return NULL;
}

static void stop(void *arg)
{
	struct serve *sv = arg;

	if (atomic_load(&sv->gw.draining)) {
		rw_info("second signal: ending the drain");
		atomic_store(&sv->gw.hurry, true);
		return;
	}
	rw_info("draining: at most %u ms for what is under way",
		rw_control_snapshot(sv->control)->routes->config->drain_ms);
	drain(sv);
}

/* Says that it serves, to the service manager and in the log. */
static void ready(struct serve *sv, const char *word)
{
	const struct rw_snapshot *s = rw_control_snapshot(sv->control);
	char status[256];

	snprintf(status, sizeof(status), "%u workers%s, %u rules, %u keys, kernel: %s",
		 sv->gw.n_workers, sv->gw.steering ? " chosen by load" : "",
		 rw_rules_count(s->rules), rw_keytable_count(s->keys),
		 rw_enforced_name((enum rw_enforced)atomic_load(&sv->gw.kernel)));
	rw_info("%s: %s", word, status);
	rw_notify_ready(&sv->notify, status);
}

static void reload(void *arg)
{
	struct serve *sv = arg;
	struct rw_error e = {0};

	rw_notify_reloading(&sv->notify);
	if (rw_control_reload(sv->control, &e)) {
		rw_err("reload: %s%s", e.text,
		       e.code == RW_EPERM && sv->confined
			       ? "; a folder that was not named at the start wants a restart"
			       : "");
		rw_notify_ready(&sv->notify,
				"the configuration was refused, the old one serves: see the log");
		return;
	}
	ready(sv, "reloaded");
}

static void *signal_main(void *arg)
{
	struct serve *sv = arg;
	int sig;

	while (sigwait(&sv->signal_set, &sig) == 0) {
		if (sig != SIGUSR2)
			post(sv->loop, sig == SIGHUP ? reload : stop, sv);
		else if (atomic_load(&sv->leaving))
			break;
	}
	return NULL;
}

static int start_threads(struct serve *sv, struct rw_error *e)
{
	int rc;

	for (unsigned i = 0; i < sv->gw.n_workers; i++) {
		struct thread *t = &sv->threads[i];

		t->cpu = rw_nth_cpu(i);
		rc = pthread_create(&t->id, NULL, worker_main, t);
		if (rc)
			return rw_fail(e, RW_EIO, "cannot start worker %u: %s", i, strerror(rc));
		t->started = true;
		sv->running++;
	}
	rc = pthread_create(&sv->signals, NULL, signal_main, sv);
	if (rc)
		return rw_fail(e, RW_EIO, "cannot start the signal thread: %s", strerror(rc));
	sv->signals_on = true;
	return RW_OK;
}

/* However far the start came, and whatever failed since. */
static void end_threads(struct serve *sv)
{
	if (sv->control && sv->gw.n_workers) {
		atomic_store(&sv->gw.hurry, true);
		drain(sv);
	}
	for (unsigned i = 0; i < RW_MAX_WORKERS; i++)
		if (sv->threads[i].started)
			pthread_join(sv->threads[i].id, NULL);
	if (!sv->signals_on)
		return;
	atomic_store(&sv->leaving, true);
	pthread_kill(sv->signals, SIGUSR2);
	pthread_join(sv->signals, NULL);
}

/* --- setting up ---------------------------------------------------------------------------------
 */

static int make_loop(struct rw_loop **out, const struct rw_config *c, struct rw_error *e)
{
	/* Each listener's, those that are told 503 with them, and an upstream's for each. */
	const struct rw_loop_config lc = {
		.max_socks =
			(c->max_connections + c->max_connections / 8 + 1) * c->n_listeners * 2 + 64,
		.max_queued_bytes = c->max_memory_bytes,
		.recv_buffers = RECV_BUFFERS,
		.recv_buffer_bytes = RECV_BUFFER_BYTES,
	};
	struct rw_io *io;
	int rc = rw_uring_new(&io, URING_ENTRIES, RECV_BUFFERS, RECV_BUFFER_BYTES, e);

	if (rc)
		return rc;
	rw_uring_spin(io, (uint64_t)c->spin_us * 1000);
	return rw_loop_new(out, io, &lc, e);
}

static int make_workers(struct serve *sv, struct rw_error *e)
{
	struct rw_snapshot *snap = rw_control_snapshot(sv->control);
	const struct rw_config *c = snap->routes->config;
	unsigned n = c->workers ? c->workers : rw_count_cpus();
	int rc = sv->options.take_over ? RW_OK : rw_claim(c, e);

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

/* The kernel's word behind ours: nothing is opened from here on but what has been named. */
static int confine(struct serve *sv, struct rw_error *e)
{
	int abi, rc = rw_confine(rw_control_snapshot(sv->control)->routes->config, &abi, e);

	if (rc == RW_EUNSUP) {
		rw_warn("files are guarded by their modes alone: %s", e->text);
		return RW_OK;
	}
	if (!rc)
		rw_info("files: those that the configuration names, by landlock (ABI %d)", abi);
	sv->confined = !rc;
	return rc;
}

/* Only a file that is not there makes way: one that cannot be read must not be passed over. */
static int load_config(struct rw_config **out, const char *file, struct rw_error *e)
{
	if (file)
		return rw_config_load(out, file, e);
	if (access(RW_CONFIG_FILE, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR))
		return rw_config_load(out, RW_CONFIG_FILE, e);
	rw_info("no configuration was named and there is no " RW_CONFIG_FILE
		": using the one that is built in");
	return rw_config_default(out, e);
}

static void steer(struct serve *sv)
{
	rw_gateway_steer(&sv->gw, rw_control_kern(sv->control), rw_admin_fd(sv->admin));
	if (sv->options.take_over && !sv->gw.steering)
		rw_warn("--take-over without the kernel side: the other gateway goes on getting a "
			"share of the new connections until it ends, and those that it has not "
			"accepted by then are reset");
}

static int set_up(struct serve *sv, struct rw_error *e)
{
	struct rw_config *config = NULL;
	int rc = load_config(&config, sv->options.config, e);

	if (rc)
		return rc;
	if (!rw_tls_lock_secrets(config->workers ? config->workers : rw_count_cpus()))
		rw_warn("private keys cannot be locked in memory (RLIMIT_MEMLOCK, LimitMEMLOCK=): "
			"they may be swapped out");
	rc = make_loop(&sv->loop, config, e);
	if (rc) {
		rw_config_free(config);
		return rc;
	}
	sv->gw.key_cells = rw_limits_new(KEY_CELLS, rw_loop_random(sv->loop));
	sv->gw.address_cells = rw_limits_new(ADDRESS_CELLS, rw_loop_random(sv->loop));
	sv->gw.suspended = rw_suspended_new();
	if (!sv->gw.key_cells || !sv->gw.address_cells || !sv->gw.suspended) {
		rw_config_free(config);
		return rw_fail(e, RW_ENOMEM, "out of memory for the rate tables");
	}
	rc = rw_control_new(&sv->control, &sv->gw, sv->loop, config, NULL, e);
	if (!rc)
		rc = make_workers(sv, e);
	if (!rc && config->admin_address)
		rc = rw_admin_new(&sv->admin, &sv->gw, sv->control, sv->loop, config->admin_address,
				  e);
	if (!rc)
		rc = rw_shed_privilege(e);
	if (!rc)
		steer(sv);
	return rc ? rc : confine(sv, e);
}

/* Threads have ended or were never started; frees in the order of dependence. Audit records lost.
 */
static unsigned tear_down(struct serve *sv)
{
	unsigned lost = 0;

	for (unsigned i = 0; i < RW_MAX_WORKERS; i++) {
		struct thread *t = &sv->threads[i];

		if (!t->loop) /* its own thread closed it, or it was never made */
			continue;
		if (t->worker)
			rw_worker_close(t->worker);
		rw_loop_free(t->loop);
	}
	rw_admin_free(sv->admin);
	rw_gateway_unsteer(&sv->gw);
	if (sv->loop && sv->control) {
		rw_loop_turn(sv->loop, 0); /* what is still in the mailbox */
		lost = rw_control_free(sv->control);
	}
	for (unsigned i = 0; i < RW_MAX_WORKERS; i++)
		rw_worker_free(sv->threads[i].worker);
	if (sv->loop)
		rw_loop_free(sv->loop);
	rw_limits_free(sv->gw.key_cells);
	rw_limits_free(sv->gw.address_cells);
	rw_suspended_free(sv->gw.suspended);
	return lost;
}

static void announce(struct serve *sv)
{
	const struct rw_snapshot *s = rw_control_snapshot(sv->control);
	const struct rw_config *c = s->routes->config;

	for (unsigned i = 0; i < c->n_listeners; i++)
		rw_info("listening on %s://%s", c->listeners[i].tls ? "https" : "http",
			c->listeners[i].address);
	if (c->admin_address)
		rw_info("admin on http://%s (/metrics, /healthz, /readyz)", c->admin_address);
	ready(sv, "ready");
	if (c->keys_required && rw_keytable_count(s->keys) == 0)
		rw_warn("there is no API key yet, so every request is refused: make one with "
			"'ringwall key add NAME --state %s'",
			c->state_dir);
}

static void watch(struct serve *sv)
{
	for (unsigned i = 0; i < sv->gw.n_workers; i++)
		rw_notify_worker(&sv->notify, sv->threads[i].loop);
	rw_notify_watch(&sv->notify, sv->loop);
}

int rw_cmd_serve(int argc, char **argv)
{
	struct serve *sv = calloc(1, sizeof(*sv));
	struct rw_error e = {0};
	int rc;

	if (!sv)
		return RW_EXIT_FAIL;
	argp_parse(&argp, argc, argv, 0, NULL, &sv->options);
	if (sv->options.debug)
		rw_log_set_level(RW_LOG_DEBUG);
	rw_notify_open(&sv->notify);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&sv->signal_set);
	for (size_t i = 0; i < 4; i++)
		sigaddset(&sv->signal_set, (int[]){SIGTERM, SIGINT, SIGHUP, SIGUSR2}[i]);
	pthread_sigmask(SIG_BLOCK, &sv->signal_set, NULL);

	rc = set_up(sv, &e);
	if (!rc)
		rc = start_threads(sv, &e);
	if (!rc) {
		announce(sv);
		watch(sv);
		if (rw_loop_run(sv->loop))
			rc = rw_fail(&e, RW_EIO, "the control thread's ring failed");
		else if (sv->failed)
			rc = rw_fail(&e, RW_EIO, "a worker's ring failed");
	}
	if (rc)
		rw_err("%s", e.text);
	end_threads(sv);
	rw_notify_close(&sv->notify);
	if (tear_down(sv) && !rc)
		rc = RW_EIO; /* said already */
	free(sv);
	if (!rc)
		rw_info("stopped");
	return rc == RW_OK ? RW_EXIT_OK : rc == RW_EPERM ? RW_EXIT_PERM : RW_EXIT_FAIL;
}
