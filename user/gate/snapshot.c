/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/snapshot.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "ring/ktls.h"
#include "policy/secret.h"

static void routes_unref(struct rw_routes *r)
{
	if (!r || atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	for (unsigned i = 0; i < RW_MAX_UPSTREAMS; i++) {
		rw_tls_ctx_unref(r->upstreams[i].tls);
		if (r->upstreams[i].authorization)
			OPENSSL_cleanse(r->upstreams[i].authorization,
					strlen(r->upstreams[i].authorization));
	}
	for (unsigned i = 0; i < RW_MAX_LISTENERS; i++)
		rw_tls_ctx_unref(r->listener_tls[i]);
	rw_config_free(r->config);
	free(r);
}

struct rw_targets *rw_targets_new(const struct rw_targets *like)
{
	struct rw_targets *t = calloc(1, sizeof(*t));

	if (t && like)
		memcpy(t->at, like->at, sizeof(t->at));
	if (t)
		atomic_init(&t->refs, 1);
	return t;
}

void rw_targets_unref(struct rw_targets *t)
{
	if (t && atomic_fetch_sub(&t->refs, 1) == 1)
		free(t);
}

struct rw_snapshot *rw_snapshot_ref(struct rw_snapshot *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void rw_snapshot_unref(struct rw_snapshot *s)
{
	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	routes_unref(s->routes);
	rw_targets_unref(s->targets);
	rw_redactor_unref(s->redactor);
	rw_rules_unref(s->rules);
	rw_keytable_unref(s->keys);
	free(s);
}

/* What was asked for and cannot be had is said at each start, and at each reload. */
static void choose_ktls(struct rw_tls_ctx *tls, enum rw_ktls_word word, const char *whose)
{
	static const enum rw_ktls_mode modes[] = {
		[RW_KTLS_WORD_AUTO] = RW_KTLS_AUTO,
		[RW_KTLS_WORD_ON] = RW_KTLS_ON,
		[RW_KTLS_WORD_OFF] = RW_KTLS_OFF,
	};

	rw_tls_ctx_ktls(tls, modes[word]);
	if (modes[word] != RW_KTLS_ON)
		return;
	if (!rw_ktls_caps()->usable)
		rw_warn("ktls is on for %s, but kernel TLS cannot be had: %s; its records stay in "
			"userspace",
			whose, rw_ktls_caps()->why);
	else if (!rw_ktls_caps()->rekey)
		rw_warn("ktls is on for %s, and this kernel cannot change keys (Linux 6.14 can): "
			"connections of TLS 1.3 end when the other side changes its key",
			whose);
}

static int build_upstream(struct rw_routes *r, unsigned i, struct rw_error *e)
{
	const struct rw_upstream_config *uc = &r->config->upstreams[i];
	struct rw_upstream *up = &r->upstreams[i];
	const char *open = strchr(uc->host, ':') ? "[" : "";
	const char *close = *open ? "]" : "";
	int rc;

	if (uc->port == (uc->tls ? 443 : 80))
		snprintf(up->host, sizeof(up->host), "%s%s%s", open, uc->host, close);
	else
		snprintf(up->host, sizeof(up->host), "%s%s%s:%u", open, uc->host, close, uc->port);
	if (uc->key) {
		up->authorization = rw_arena_printf(&r->config->arena, "Bearer %s", uc->key);
		if (!up->authorization)
			return rw_fail(e, RW_ENOMEM, "out of memory");
	}
	if (!uc->tls)
		return RW_OK;
	rc = rw_tls_client_new(&up->tls, uc->ca_file, e);
	if (!rc)
		choose_ktls(up->tls, uc->ktls, uc->name);
	return rc;
}

/* A first start without a certificate makes one and says so: the operator sees what to trust. */
static int selfsigned(const struct rw_config *c, const char *cert, const char *key,
		      struct rw_error *e)
{
	char host[256] = "", print[96];
	const char *names[] = {"localhost", "127.0.0.1", "::1", host};
	unsigned n = 3;
	int rc;

	if (gethostname(host, sizeof(host) - 1) == 0 && host[0])
		n = 4;
	rc = rw_tls_selfsigned(cert, key, names, n, print, e);
	if (rc == RW_EEXIST)
		return RW_OK;
	if (rc)
		return rc;
	rw_warn("no certificate is configured: made a self-signed one in %s (SHA-256 %s); "
		"clients must trust that file, or set listeners.tls.cert_file in %s",
		cert, print, c->file);
	return RW_OK;
}

static int build_listener(struct rw_routes *r, unsigned i, struct rw_error *e)
{
	const struct rw_listener_config *lc = &r->config->listeners[i];
	const char *cert = lc->cert_file, *key = lc->key_file;
	struct rw_arena *a = &r->config->arena;
	int rc;

	if (!lc->tls)
		return RW_OK;
	if (!cert) {
		cert = rw_arena_printf(a, "%s/selfsigned.crt", r->config->state_dir);
		key = rw_arena_printf(a, "%s/selfsigned.key", r->config->state_dir);
		if (!cert || !key)
			return rw_fail(e, RW_ENOMEM, "out of memory");
		rc = selfsigned(r->config, cert, key, e);
		if (rc)
			return rc;
	}
	rc = rw_tls_server_new(&r->listener_tls[i], cert, key, e);
	if (!rc)
		choose_ktls(r->listener_tls[i], lc->ktls, lc->address);
	return rc;
}

static int routes_new(struct rw_routes **out, struct rw_config *config, struct rw_error *e)
{
	struct rw_routes *r = calloc(1, sizeof(*r));
	int rc = RW_OK;

	if (!r) {
		rw_config_free(config);
		return rw_fail(e, RW_ENOMEM, "out of memory");
	}
	atomic_init(&r->refs, 1);
	r->config = config;
	for (unsigned i = 0; !rc && i < config->n_upstreams; i++)
		rc = build_upstream(r, i, e);
	for (unsigned i = 0; !rc && i < config->n_listeners; i++)
		rc = build_listener(r, i, e);
	if (rc) {
		routes_unref(r);
		return rc;
	}
	*out = r;
	return RW_OK;
}

static int resolve_all(struct rw_snapshot *s, const struct rw_config *c, struct rw_error *e)
{
	struct rw_error why = {0};

	s->targets = rw_targets_new(NULL);
	if (!s->targets)
		return rw_fail(e, RW_ENOMEM, "out of memory");
	for (unsigned i = 0; i < c->n_upstreams; i++)
		if (rw_resolve(c->upstreams[i].host, c->upstreams[i].port, &s->targets->at[i],
			       &why))
			return rw_fail(e, (int)why.code,
				       "upstream %s: %.300s; check the name in upstreams.url and "
				       "/etc/resolv.conf",
				       c->upstreams[i].name, why.text);
	return RW_OK;
}

static uint64_t next_generation(void)
{
	static atomic_uint_fast64_t last;

	return atomic_fetch_add(&last, 1) + 1;
}

/* The key is read, or made, only where something is made with it. */
static int build_redactor(struct rw_snapshot *s, struct rw_config *c, struct rw_error *e)
{
	unsigned char key[RW_REDACT_KEY_BYTES] = {0};
	const char *file;
	int rc = RW_OK;

	if (rw_redact_needs_key(&c->redact)) {
		file = rw_arena_printf(&c->arena, "%s/redaction.key", c->state_dir);
		rc = file ? rw_secret_own(file, key, sizeof(key), e)
			  : rw_fail(e, RW_ENOMEM, "out of memory");
	}
	if (!rc)
		rc = rw_redactor_new(&s->redactor, s->rules, &c->redact, key, e);
	OPENSSL_cleanse(key, sizeof(key));
	return rc;
}

int rw_snapshot_new(struct rw_snapshot **out, struct rw_config *config, struct rw_keytable *keys,
		    struct rw_rules *rules, struct rw_error *e)
{
	struct rw_snapshot *s = calloc(1, sizeof(*s));
	int rc;

	if (!s) {
		rw_config_free(config);
		return rw_fail(e, RW_ENOMEM, "out of memory");
	}
	atomic_init(&s->refs, 1);
	s->generation = next_generation();
	s->keys = rw_keytable_ref(keys);
	rc = routes_new(&s->routes, config, e);
	if (!rc)
		rc = resolve_all(s, config, e);
	if (!rc && rules)
		s->rules = rw_rules_ref(rules);
	else if (!rc)
		rc = rw_rules_load(&s->rules, config->rules_dir, e);
	if (!rc)
		rc = build_redactor(s, config, e);
	if (rc) {
		rw_snapshot_unref(s);
		return rc;
	}
	*out = s;
	return RW_OK;
}

static int derive(struct rw_snapshot **out, const struct rw_snapshot *old, struct rw_keytable *keys,
		  struct rw_targets *targets, struct rw_error *e)
{
	struct rw_snapshot *s = calloc(1, sizeof(*s));

	if (!s)
		return rw_fail(e, RW_ENOMEM, "out of memory");
	atomic_init(&s->refs, 1);
	s->generation = next_generation();
	atomic_fetch_add(&old->routes->refs, 1);
	s->routes = old->routes;
	atomic_fetch_add(&targets->refs, 1);
	s->targets = targets;
	s->rules = rw_rules_ref(old->rules);
	s->redactor = rw_redactor_ref(old->redactor);
	s->keys = rw_keytable_ref(keys);
	*out = s;
	return RW_OK;
}

int rw_snapshot_with_keys(struct rw_snapshot **out, const struct rw_snapshot *old,
			  struct rw_keytable *keys, struct rw_error *e)
{
	return derive(out, old, keys, old->targets, e);
}

int rw_snapshot_with_targets(struct rw_snapshot **out, const struct rw_snapshot *old,
			     struct rw_targets *targets, struct rw_error *e)
{
	return derive(out, old, old->keys, targets, e);
}

int rw_snapshot_route(const struct rw_snapshot *s, struct rw_slice model)
{
	const struct rw_config *c = s->routes->config;
	int any = -1;

	for (unsigned i = 0; i < c->n_models; i++) {
		if (rw_slice_is(model, c->models[i].name))
			return (int)c->models[i].upstream;
		if (!strcmp(c->models[i].name, "*"))
			any = (int)c->models[i].upstream;
	}
	return any;
}
