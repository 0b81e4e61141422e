/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/control.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "gate/control_int.h"
#include "gate/worker.h"

enum {
	TICK_NS = 250 * 1000 * 1000,
	AUDIT_QUEUE_BYTES = 64 * 1024 * 1024,
	NS_PER_S = 1000000000,
};

#define BUILT_IN "(built in)" /* rw_config.file where there is none */

static const struct rw_config *config_of(const struct rw_control *c)
{
	return c->snap->routes->config;
}

/* --- the kernel side
 * ------------------------------------------------------------------------------ */

static int kern_state(struct rw_control *c, struct rw_error *e)
{
	struct rw_kern_where where;
	int rc = rw_kern_where(c->kern, &where, e);

	if (rc)
		return rc;
	if (!where.link_alive)
		return rw_fail(e, RW_ENOTFOUND, "the link on %s is gone (interface removed?)",
			       where.interface);
	for (enum rw_enforced as = RW_ENFORCED_GENERIC; as <= RW_ENFORCED_NATIVE; as++)
		if (!strcmp(where.mode, rw_enforced_name(as)))
			atomic_store(&c->gw->kernel, as);
	return RW_OK;
}

static int open_kern(struct rw_control *c, struct rw_error *e)
{
	const struct rw_config *cfg = config_of(c);
	int rc;

	if (cfg->kernel == RW_KERNEL_OFF) {
		atomic_store(&c->gw->kernel, RW_ENFORCED_OFF);
		return RW_OK;
	}
	rc = rw_kern_open(&c->kern, e);
	if (!rc)
		rc = kern_state(c, e);
	if (!rc)
		return RW_OK;
	rw_kern_close(c->kern);
	c->kern = NULL;
	if (cfg->kernel == RW_KERNEL_REQUIRED) {
		struct rw_error why = *e;

		return rw_fail(e, rc,
			       "%.300s; 'kernel: required' in %.60s wants it: run 'ringwall kern "
			       "attach' first, or set 'kernel: preferred' to serve without",
			       why.text, cfg->file);
	}
	atomic_store(&c->gw->kernel, RW_ENFORCED_MISSING);
	rw_warn("%s; serving without the kernel side: no bans, no packet rates", e->text);
	return RW_OK;
}

/* The link may come and go while we run (kern detach, a removed interface): notice and say it. */
static void watch_kern(struct rw_control *c)
{
	int was = atomic_load(&c->gw->kernel);
	struct rw_error e = {0};

	if (!c->kern || was < RW_ENFORCED_MISSING)
		return;
	if (kern_state(c, &e) == RW_OK) {
		if (was == RW_ENFORCED_MISSING)
			rw_info("the kernel side is back");
		return;
	}
	atomic_store(&c->gw->kernel, RW_ENFORCED_MISSING);
	if (was != RW_ENFORCED_MISSING)
		rw_err("the kernel side is gone: %s; run 'ringwall kern attach' again and restart",
		       e.text);
}

/* --- snapshots ---------------------------------------------------------------------------------
 */

static void publish(struct rw_control *c, struct rw_snapshot *snap)
{
	struct rw_snapshot *old = c->snap;

	c->snap = snap;
	for (unsigned i = 0; i < c->gw->n_workers; i++)
		if (rw_worker_publish(c->gw->workers[i], snap))
			rw_err("worker %u did not take the new configuration: out of memory", i);
	rw_snapshot_unref(old);
}

/* A worker that had no memory for a snapshot gets it again: a revoked key must not live on there.
 */
static void catch_up(struct rw_control *c)
{
	if (atomic_load(&c->gw->draining))
		return;
	for (unsigned i = 0; i < c->gw->n_workers; i++)
		if (atomic_load_explicit(&c->gw->workers[i]->generation, memory_order_relaxed) !=
		    c->snap->generation)
			(void)rw_worker_publish(c->gw->workers[i], c->snap);
}

static void refresh_keys(struct rw_control *c)
{
	struct rw_keytable *keys = NULL;
	struct rw_snapshot *snap;
	struct rw_error e = {0};
	uint64_t stamp;
	int rc;

	if (atomic_load(&c->gw->draining))
		return;
	/* A list is written in more than one step: it is read once it has been still for a tick. */
	stamp = rw_keylist_stamp(config_of(c)->keys_file);
	c->keys_stale |= rw_keystore_changed(c->store) ||
			 (stamp != c->list_read && stamp == c->list_seen);
	c->list_seen = stamp;
	if (!c->keys_stale)
		return;
	rc = rw_keytable_new(&keys, c->store, config_of(c)->keys_file, &e);
	if (!rc)
		rc = rw_snapshot_with_keys(&snap, c->snap, keys, &e);
	rw_keytable_unref(keys);
	if (rc) {
		if (!c->keys_failing)
			rw_err("keys changed but cannot be read: %s; the old ones stay until they "
			       "can",
			       e.text);
		c->keys_failing = true;
		return;
	}
	c->keys_stale = c->keys_failing = false;
	c->list_read = stamp;
	rw_info("keys changed: %u valid now", rw_keytable_count(snap->keys));
	publish(c, snap);
}

/* Upstreams' names are asked anew, and the kernel's refusals told. */
static void watch_upstreams(struct rw_control *c)
{
	struct rw_targets *targets = NULL;
	struct rw_snapshot *snap;
	struct rw_error e = {0};
	int rc;

	if (atomic_load(&c->gw->draining))
		return;
	rc = rw_reach_tick(&c->reach, c->snap, rw_loop_now(c->loop), &targets, &e);
	atomic_store(&c->gw->contained, c->reach.contained);
	if (!rc && targets)
		rc = rw_snapshot_with_targets(&snap, c->snap, targets, &e);
	if (!rc && targets)
		publish(c, snap);
	if (rc)
		rw_err("upstreams' new addresses were not taken up: %s", e.text);
	rw_targets_unref(targets);
}

/*
 * Certificates, clients' CAs and OCSP responses change without anybody saying so. A change is
 * looked at once it has been still for a tick: a certificate and its key are two files.
 */
static void watch_fronts(struct rw_control *c)
{
	uint64_t now = rw_fronts_stamp(config_of(c)), before = c->fronts_seen;
	struct rw_fronts *fronts = NULL;
	struct rw_snapshot *snap;
	struct rw_error e = {0};
	int rc;

	c->fronts_seen = now;
	if (now == c->snap->fronts->stamp || now != before || now == c->fronts_refused ||
	    atomic_load(&c->gw->draining))
		return;
	rc = rw_fronts_new(&fronts, config_of(c), c->gw->tls, true, &e);
	if (!rc)
		rc = rw_snapshot_with_fronts(&snap, c->snap, fronts, &e);
	rw_fronts_unref(fronts);
	if (rc) {
		c->stats.cert_reloads_failed++;
		c->fronts_refused = now;
		rw_err("certificate files changed and cannot be used: %s; the old ones stay until "
		       "they "
		       "change again",
		       e.text);
		return;
	}
	c->stats.cert_reloads++;
	rw_info("certificate files changed: taken, generation %" PRIu64, snap->generation);
	publish(c, snap);
}

/* What sockets and files already hold cannot change under them; better to say so than to ignore it.
 */
static int check_reloadable(const struct rw_control *c, const struct rw_config *now,
			    struct rw_error *e)
{
	const struct rw_config *old = config_of(c);
	bool same = old->n_listeners == now->n_listeners && old->workers == now->workers &&
		    old->spin_us == now->spin_us && now->max_connections <= c->connections &&
		    old->kernel == now->kernel && !strcmp(old->state_dir, now->state_dir) &&
		    !strcmp(old->admin_address ? old->admin_address : "",
			    now->admin_address ? now->admin_address : "") &&
		    !strcmp(old->audit_file ? old->audit_file : "",
			    now->audit_file ? now->audit_file : "");

	for (unsigned i = 0; same && i < now->n_listeners; i++)
		same = !strcmp(old->listeners[i].address, now->listeners[i].address) &&
		       old->listeners[i].tls == now->listeners[i].tls &&
		       old->listeners[i].proxy_protocol == now->listeners[i].proxy_protocol;
	if (same)
		return RW_OK;
	return rw_fail(
		e, RW_EINVAL,
		"%s: listeners, admin, workers, spin_us, kernel, state_dir and audit.file need a "
		"restart to change, and limits.connections to be raised above %u; the old "
		"configuration stays",
		now->file, c->connections);
}

static int load_again(struct rw_control *c, struct rw_config **out, struct rw_error *e)
{
	const struct rw_config *old = config_of(c);
	int rc = strcmp(old->file, BUILT_IN) ? rw_config_load(out, old->file, e)
					     : rw_config_default(out, e);

	if (rc)
		return rc;
	rc = check_reloadable(c, *out, e);
	if (rc)
		rw_config_free(*out);
	return rc;
}

/* cfg is taken over. */
static int snapshot_again(struct rw_control *c, struct rw_config *cfg, struct rw_snapshot **out,
			  struct rw_error *e)
{
	uint64_t stamp = rw_keylist_stamp(cfg->keys_file);
	struct rw_keytable *keys;
	int rc = rw_keytable_new(&keys, c->store, cfg->keys_file, e);

	if (rc) {
		rw_config_free(cfg);
		return rc;
	}
	rc = rw_snapshot_new(
		out, cfg,
		&(const struct rw_snapshot_parts){.keys = keys, .tls = c->gw->tls, .again = true},
		e);
	rw_keytable_unref(keys);
	if (!rc)
		c->list_read = stamp;
	return rc;
}

int rw_control_reload(struct rw_control *c, struct rw_error *e)
{
	struct rw_config *cfg;
	struct rw_snapshot *snap;
	int rc;

	rw_control_reopen_log(c);
	if (atomic_load(&c->gw->draining))
		return rw_fail(e, RW_EBUSY, "shutting down: no reload now");
	rc = load_again(c, &cfg, e);
	rc = rc ? rc : snapshot_again(c, cfg, &snap, e);
	if (!rc) {
		rc = rw_reach_admit(&c->reach, snap, rw_loop_now(c->loop), e);
		if (rc)
			rw_snapshot_unref(snap);
	}
	if (rc) {
		c->stats.reloads_failed++;
		return rc;
	}
	rw_control_punish_as(c, cfg);
	publish(c, snap);
	c->stats.reloads++;
	rw_info("%s: taken, generation %" PRIu64, cfg->file, snap->generation);
	return RW_OK;
}

/* --- life ----------------------------------------------------------------------------------------
 */

static void tick(void *arg)
{
	struct rw_control *c = arg;

	rw_control_tick_records(c);
	catch_up(c);
	refresh_keys(c);
	watch_kern(c);
	rw_control_look(c);
	watch_upstreams(c);
	watch_fronts(c);
	rw_rest_tick(&c->rest, c->gw);
	rw_tls_shared_rotate(c->gw->tls, rw_loop_now(c->loop) / NS_PER_S);
	rw_timer_set(c->loop, &c->tick, rw_loop_now(c->loop) + TICK_NS, tick, c);
}

static int first_snapshot(struct rw_control *c, struct rw_config *config, struct rw_rules *rules,
			  struct rw_error *e)
{
	struct rw_keytable *keys = NULL;
	int rc = rw_keystore_open(&c->store, config->state_dir, e);

	c->list_read = rw_keylist_stamp(config->keys_file);
	if (!rc)
		rc = rw_keytable_new(&keys, c->store, config->keys_file, e);
	if (!rc)
		rc = rw_tls_shared_new(&c->gw->tls, rw_loop_now(c->loop) / NS_PER_S, e);
	if (rc) {
		rw_keytable_unref(keys);
		rw_config_free(config);
		return rc;
	}
	rc = rw_snapshot_new(
		&c->snap, config,
		&(const struct rw_snapshot_parts){.keys = keys, .rules = rules, .tls = c->gw->tls},
		e);
	rw_keytable_unref(keys);
	return rc;
}

int rw_control_new(struct rw_control **out, struct rw_gateway *gw, struct rw_loop *loop,
		   struct rw_config *config, struct rw_rules *rules, struct rw_error *e)
{
	struct rw_control *c = calloc(1, sizeof(*c));
	int rc;

	if (!c) {
		rw_config_free(config);
		return rw_fail(e, RW_ENOMEM, "out of memory");
	}
	c->gw = gw;
	c->loop = loop;
	c->audit_was_ok = true;
	c->connections = config->max_connections;
	rw_inbox_init(&c->inbox, AUDIT_QUEUE_BYTES);
	atomic_store(&gw->audit_ok, true);
	rc = first_snapshot(c, config, rules, e);
	if (!rc)
		rc = rw_reach_init(&c->reach, e);
	if (!rc)
		rc = rw_reach_admit(&c->reach, c->snap, rw_loop_now(loop), e);
	if (rc)
		goto fail;
	atomic_store(&gw->contained, c->reach.contained);
	rc = rw_control_punish_new(c, config, e);
	if (!rc && config->audit_file)
		rc = rw_audit_open(&c->audit, config->audit_file, AUDIT_QUEUE_BYTES, e);
	if (!rc)
		rc = open_kern(c, e);
	if (rc)
		goto fail;
	rw_control_restore_bans(c);
	rw_control_look(c);
	gw->control = c;
	rw_timer_set(loop, &c->tick, rw_loop_now(loop) + TICK_NS, tick, c);
	*out = c;
	return RW_OK;
fail:
	rw_control_free(c);
	return rc;
}

unsigned rw_control_free(struct rw_control *c)
{
	unsigned lost;

	rw_timer_cancel(&c->tick);
	rw_control_keep_bans(c);
	lost = rw_control_end_records(c);
	rw_events_close(c->events.reader);
	rw_kern_close(c->kern);
	rw_banstore_close(c->banstore);
	rw_task_cancel(&c->push);
	rw_task_cancel(&c->keep);
	rw_reach_free(&c->reach);
	rw_strikes_free(c->strikes);
	rw_strikes_free(c->key_strikes);
	rw_snapshot_unref(c->snap);
	rw_tls_shared_unref(c->gw->tls);
	c->gw->tls = NULL;
	rw_keystore_close(c->store);
	c->gw->control = NULL;
	free(c);
	return lost;
}

struct rw_snapshot *rw_control_snapshot(struct rw_control *c)
{
	return c->snap;
}

struct rw_kern *rw_control_kern(struct rw_control *c)
{
	return c->kern;
}

struct rw_egress *rw_control_egress(struct rw_control *c)
{
	return c->reach.egress;
}

const struct rw_control_stats *rw_control_stats(const struct rw_control *c)
{
	return &c->stats;
}

const char *rw_control_audit_error(const struct rw_control *c)
{
	return c->audit ? rw_audit_error(c->audit) : "";
}
