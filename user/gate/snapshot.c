/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/snapshot.h"

#include "base/log.h"

#include <openssl/crypto.h>
#include <malloc.h>
#include <stdlib.h>

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
	rw_fronts_unref(s->fronts);
	routes_unref(s->routes);
	rw_targets_unref(s->targets);
	rw_redactor_unref(s->redactor);
	rw_canaries_unref(s->canaries);
	rw_rules_unref(s->rules);
	rw_keytable_unref(s->keys);
	free(s);
}

static int build_upstream_tls(struct rw_upstream *up, const struct rw_upstream_config *uc,
			      struct rw_tls_shared *shared, struct rw_error *e)
{
	struct rw_tls_client_config tc = {
		.ca_file = uc->ca_file,
		.name = uc->tls_name,
		.modern = uc->modern,
		.cert_file = uc->cert_file,
		.key_file = uc->key_file,
		.n_pins = uc->n_pins,
		.pins_report = uc->pins_report,
		.shared = shared,
	};

	for (unsigned i = 0; i < uc->n_pins; i++)
		tc.pins[i] = uc->pins[i].sha256;
	return rw_tls_client_make(&up->tls, &tc, e);
}

static int build_upstream(struct rw_routes *r, unsigned i, struct rw_tls_shared *shared,
			  struct rw_error *e)
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
	rc = build_upstream_tls(up, uc, shared, e);
	if (!rc)
		rw_front_choose_ktls(up->tls, uc->ktls, rw_config_passes(r->config, (int)i),
				     uc->name);
	return rc;
}

static int routes_new(struct rw_routes **out, struct rw_config *config,
		      struct rw_tls_shared *shared, struct rw_error *e)
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
		rc = build_upstream(r, i, shared, e);
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

static void note_cache(const char *text)
{
	rw_warn("%s", text);
}

/* From how many bytes on a block is one of the kernel's and not of the heap: while rules are
 * loaded, and behind that, when bodies of requests come and go. */
enum { APART_BYTES = 128 << 10, APART_BYTES_SERVING = 16 << 20 };

/* A pack with a mistake is left out at the start only, and where that is asked for. */
static int load_rules(struct rw_snapshot *s, struct rw_config *c, bool again, struct rw_error *e)
{
	const struct rw_rules_from from = {
		.dir = c->rules_dir,
		.shipped_dir = RW_COMPILED_RULES,
		.cache_dir = rw_arena_printf(&c->arena, "%s/cache", c->state_dir),
		.note = note_cache,
		.skip_bad = c->skip_bad_rules && !again};
	int rc;

	/* Databases and tables apart: in the heap they would leave holes that small blocks keep. */
	mallopt(M_MMAP_THRESHOLD, APART_BYTES);
	rc = rw_rules_load_from(&s->rules, &from, e);
	mallopt(M_MMAP_THRESHOLD, APART_BYTES_SERVING);
	mallopt(M_TRIM_THRESHOLD, 2 * APART_BYTES_SERVING);
	for (unsigned i = 0; !rc && i < rw_rules_skipped(s->rules); i++)
		rw_err("a pack of rules is left out: %s", rw_rules_skipped_why(s->rules, i));
	return rc;
}

int rw_snapshot_new(struct rw_snapshot **out, struct rw_config *config,
		    const struct rw_snapshot_parts *with, struct rw_error *e)
{
	struct rw_snapshot *s = calloc(1, sizeof(*s));
	int rc;

	if (!s) {
		rw_config_free(config);
		return rw_fail(e, RW_ENOMEM, "out of memory");
	}
	atomic_init(&s->refs, 1);
	s->generation = next_generation();
	s->keys = rw_keytable_ref(with->keys);
	rc = routes_new(&s->routes, config, with->tls, e);
	if (!rc)
		rc = rw_fronts_new(&s->fronts, config, with->tls, with->again, e);
	if (!rc)
		rc = resolve_all(s, config, e);
	if (!rc && with->rules)
		s->rules = rw_rules_ref(with->rules);
	else if (!rc)
		rc = load_rules(s, config, with->again, e);
	if (!rc)
		rc = build_redactor(s, config, e);
	if (!rc)
		rc = rw_config_canaries(config, &s->canaries, e);
	if (rc) {
		rw_snapshot_unref(s);
		return rc;
	}
	malloc_trim(0); /* tens of megabytes that compiling rules took, and an old snapshot's */
	*out = s;
	return RW_OK;
}

/* The same as old; the caller exchanges the part that is another. NULL: out of memory. */
static struct rw_snapshot *copy_of(const struct rw_snapshot *old, struct rw_error *e)
{
	struct rw_snapshot *s = calloc(1, sizeof(*s));

	if (!s) {
		rw_fail(e, RW_ENOMEM, "out of memory");
		return NULL;
	}
	atomic_init(&s->refs, 1);
	s->generation = next_generation();
	atomic_fetch_add(&old->routes->refs, 1);
	s->routes = old->routes;
	s->fronts = rw_fronts_ref(old->fronts);
	atomic_fetch_add(&old->targets->refs, 1);
	s->targets = old->targets;
	s->rules = rw_rules_ref(old->rules);
	s->redactor = rw_redactor_ref(old->redactor);
	s->canaries = rw_canaries_ref(old->canaries);
	s->keys = rw_keytable_ref(old->keys);
	return s;
}

int rw_snapshot_with_keys(struct rw_snapshot **out, const struct rw_snapshot *old,
			  struct rw_keytable *keys, struct rw_error *e)
{
	struct rw_snapshot *s = copy_of(old, e);

	if (!s)
		return RW_ENOMEM;
	rw_keytable_unref(s->keys);
	s->keys = rw_keytable_ref(keys);
	*out = s;
	return RW_OK;
}

int rw_snapshot_with_targets(struct rw_snapshot **out, const struct rw_snapshot *old,
			     struct rw_targets *targets, struct rw_error *e)
{
	struct rw_snapshot *s = copy_of(old, e);

	if (!s)
		return RW_ENOMEM;
	rw_targets_unref(s->targets);
	atomic_fetch_add(&targets->refs, 1);
	s->targets = targets;
	*out = s;
	return RW_OK;
}

int rw_snapshot_with_fronts(struct rw_snapshot **out, const struct rw_snapshot *old,
			    struct rw_fronts *fronts, struct rw_error *e)
{
	struct rw_snapshot *s = copy_of(old, e);

	if (!s)
		return RW_ENOMEM;
	rw_fronts_unref(s->fronts);
	s->fronts = rw_fronts_ref(fronts);
	*out = s;
	return RW_OK;
}

int rw_snapshot_model(const struct rw_snapshot *s, struct rw_slice model)
{
	const struct rw_config *c = s->routes->config;
	int any = -1;

	for (unsigned i = 0; i < c->n_models; i++) {
		if (rw_slice_is(model, c->models[i].name))
			return (int)i;
		if (!strcmp(c->models[i].name, "*"))
			any = (int)i;
	}
	return any;
}

int rw_snapshot_route(const struct rw_snapshot *s, struct rw_slice model)
{
	int i = rw_snapshot_model(s, model);

	return i < 0 ? i : (int)s->routes->config->models[i].upstream;
}
