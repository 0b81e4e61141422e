/* SPDX-License-Identifier: Apache-2.0 */
/* One setter per kind of key: text in, a field of the configuration out. */
#include <string.h>

#include "policy/load.h"
#include "policy/secret.h"
#include "policy/show.h"
#include "policy/value.h"

void rw_load_store(void *base, struct rw_key_place place, uint64_t v)
{
	char *to = (char *)base + place.offset;

	RW_BUG_ON(place.size != sizeof(bool) && place.size != sizeof(uint32_t) &&
		  place.size != sizeof(uint64_t));
	if (place.size == sizeof(bool))
		*(bool *)to = v != 0;
	else if (place.size == sizeof(uint32_t))
		*(uint32_t *)to = (uint32_t)v;
	else
		*(uint64_t *)to = v;
}

static const char **text_place(const struct rw_config_key *k, void *base)
{
	RW_BUG_ON(k->to.size != sizeof(const char *));
	return (const char **)((char *)base + k->to.offset);
}

static int store_copy(struct rw_load *l, const struct rw_config_key *k, struct rw_slice text,
		      void *base)
{
	const char *copy = rw_arena_copy(&l->cfg->arena, text);

	if (!copy)
		return RW_ENOMEM;
	*text_place(k, base) = copy;
	return RW_OK;
}

static int store_ranged(const struct rw_config_key *k, int rc, uint64_t v, void *base)
{
	RW_BUG_ON(k->to.size == sizeof(bool)); /* would be kept as a truth value */
	if (rc || v < k->min || v > k->max)
		return RW_EINVAL;
	rw_load_store(base, k->to, v);
	return RW_OK;
}

static int set_number(struct rw_load *l, const struct rw_config_key *k, struct rw_slice text,
		      void *base, struct rw_error *why)
{
	uint64_t v = 0;
	int rc = rw_value_number(text, &v);

	(void)l;
	(void)why;
	return store_ranged(k, rc, v, base);
}

static int set_duration(struct rw_load *l, const struct rw_config_key *k, struct rw_slice text,
			void *base, struct rw_error *why)
{
	uint64_t v = 0;
	int rc = rw_value_duration(text, &v);

	(void)l;
	(void)why;
	return store_ranged(k, rc, v, base);
}

static int set_size(struct rw_load *l, const struct rw_config_key *k, struct rw_slice text,
		    void *base, struct rw_error *why)
{
	uint64_t v = 0;
	int rc = rw_value_size(text, &v);

	(void)l;
	(void)why;
	return store_ranged(k, rc, v, base);
}

static int set_bool(struct rw_load *l, const struct rw_config_key *k, struct rw_slice text,
		    void *base, struct rw_error *why)
{
	bool v = rw_slice_is(text, "true");

	(void)l;
	(void)why;
	if (!v && !rw_slice_is(text, "false"))
		return RW_EINVAL;
	rw_load_store(base, k->to, v);
	return RW_OK;
}

static int set_choice(struct rw_load *l, const struct rw_config_key *k, struct rw_slice text,
		      void *base, struct rw_error *why)
{
	(void)l;
	for (const struct rw_key_choice *c = k->choices; c->word; c++) {
		if (!rw_slice_is(text, c->word))
			continue;
		if (c->refused)
			return rw_fail(why, RW_EINVAL, "'%s' cannot be had here: %s", c->word,
				       c->refused);
		rw_load_store(base, k->to, (uint64_t)c->value);
		return RW_OK;
	}
	return RW_EINVAL;
}

static int set_text(struct rw_load *l, const struct rw_config_key *k, struct rw_slice text,
		    void *base, struct rw_error *why)
{
	if (text.n < k->min || text.n > k->max)
		return RW_EINVAL;
	if (!rw_value_is_text(text))
		return rw_fail(why, RW_EINVAL, "the text has control characters or is not UTF-8");
	return store_copy(l, k, text, base);
}

static int set_name(struct rw_load *l, const struct rw_config_key *k, struct rw_slice text,
		    void *base, struct rw_error *why)
{
	(void)why;
	return rw_value_is_name(text) ? store_copy(l, k, text, base) : RW_EINVAL;
}

/* The path that is meant, and noted as one that was named. */
static const char *resolve(struct rw_load *l, struct rw_slice text)
{
	bool relative = text.p[0] != '/';
	struct rw_arena *a = &l->cfg->arena;
	const char *path = rw_arena_printf(a, "%.*s%.*s", relative ? (int)l->dir.n : 0,
					   l->dir.n ? l->dir.p : "", RW_SLICE_FMT(text));
	struct rw_config_path *named = rw_arena_alloc(a, sizeof(*named));

	if (!path || !named)
		return NULL;
	*named = (struct rw_config_path){l->cfg->paths, path};
	l->cfg->paths = named;
	return path;
}

static int check_path(const struct rw_config_key *k, struct rw_slice text, struct rw_error *why)
{
	if (text.n < k->min || text.n > k->max)
		return RW_EINVAL;
	if (!rw_value_is_text(text))
		return rw_fail(why, RW_EINVAL, "the path has control characters or is not UTF-8");
	return RW_OK;
}

static int set_file(struct rw_load *l, const struct rw_config_key *k, struct rw_slice text,
		    void *base, struct rw_error *why)
{
	int rc = check_path(k, text, why);

	if (rc)
		return rc;
	*text_place(k, base) = resolve(l, text);
	return *text_place(k, base) ? RW_OK : RW_ENOMEM;
}

static int set_address(struct rw_load *l, const struct rw_config_key *k, struct rw_slice text,
		       void *base, struct rw_error *why)
{
	struct rw_value_address a;

	(void)why;
	return rw_value_address(text, &a) ? RW_EINVAL : store_copy(l, k, text, base);
}

static int set_prefix(struct rw_load *l, const struct rw_config_key *k, struct rw_slice text,
		      void *base, struct rw_error *why)
{
	(void)why;
	return rw_value_is_prefix(text) ? store_copy(l, k, text, base) : RW_EINVAL;
}

static int set_url(struct rw_load *l, const struct rw_config_key *k, struct rw_slice text,
		   void *base, struct rw_error *why)
{
	struct rw_upstream_config *u = base;
	struct rw_value_url url;
	const char *wrong = rw_value_url(text, &url);
	char *host;

	(void)k;
	if (wrong)
		return rw_fail(why, RW_EINVAL, "%s", wrong);
	host = rw_arena_copy(&l->cfg->arena, url.host);
	u->path = rw_arena_copy(&l->cfg->arena, url.path);
	if (!host || !u->path)
		return RW_ENOMEM;
	for (char *p = host; *p; p++) /* one spelling for SNI, verification and pools */
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	u->host = host;
	u->port = url.port;
	u->tls = url.tls;
	return RW_OK;
}

static int store_secret(struct rw_load *l, const struct rw_config_key *k, struct rw_slice text,
			void *base, struct rw_error *why)
{
	if (*text_place(k, base))
		return rw_fail(why, RW_EINVAL, "there is a key already: give key or key_file");
	if (text.n < k->min || text.n > k->max || !rw_value_is_token(text))
		return rw_fail(why, RW_EINVAL,
			       "the key must be 1 to %llu visible ASCII characters without blanks; "
			       "what was found is not shown",
			       (unsigned long long)k->max);
	return store_copy(l, k, text, base);
}

static int set_secret_file(struct rw_load *l, const struct rw_config_key *k, struct rw_slice text,
			   void *base, struct rw_error *why)
{
	int rc = check_path(k, text, why);
	struct rw_buf content = {0};
	const char *file;

	if (rc)
		return rc;
	file = resolve(l, text);
	if (!file)
		return RW_ENOMEM;
	rc = rw_secret_read(file, &content, why);
	if (!rc)
		rc = store_secret(l, k, rw_buf_slice(&content), base, why);
	rw_buf_wipe(&content);
	return rc;
}

static int set_upstream(struct rw_load *l, const struct rw_config_key *k, struct rw_slice text,
			void *base, struct rw_error *why)
{
	const struct rw_config *c = l->cfg;
	char shown[RW_SHOWN];

	if (l->missing.code) /* perhaps of the very upstream: that is said instead */
		return RW_OK;
	for (unsigned i = 0; i < c->n_upstreams; i++)
		if (rw_slice_is(text, c->upstreams[i].name)) {
			rw_load_store(base, k->to, i);
			return RW_OK;
		}
	for (unsigned i = 0; i < c->n_upstreams; i++)
		if (rw_is_near(text, c->upstreams[i].name))
			return rw_fail(why, RW_EINVAL,
				       "there is no upstream '%s'; did you mean '%s'?",
				       rw_show(text, shown), c->upstreams[i].name);
	return rw_fail(why, RW_EINVAL, "there is no upstream '%s' under upstreams",
		       rw_show(text, shown));
}

int rw_load_set(struct rw_load *l, const struct rw_config_key *k, struct rw_slice text, void *base,
		struct rw_error *why)
{
	static int (*const setters[RW_KIND_KINDS])(struct rw_load *, const struct rw_config_key *,
						   struct rw_slice, void *, struct rw_error *) = {
		[RW_KIND_CHOICE] = set_choice,	   [RW_KIND_CHOICE_OR_SECTION] = set_choice,
		[RW_KIND_BOOL] = set_bool,	   [RW_KIND_NUMBER] = set_number,
		[RW_KIND_DURATION] = set_duration, [RW_KIND_SIZE] = set_size,
		[RW_KIND_TEXT] = set_text,	   [RW_KIND_NAME] = set_name,
		[RW_KIND_FILE] = set_file,	   [RW_KIND_ADDRESS] = set_address,
		[RW_KIND_PREFIX] = set_prefix,	   [RW_KIND_URL] = set_url,
		[RW_KIND_SECRET] = store_secret,   [RW_KIND_SECRET_FILE] = set_secret_file,
		[RW_KIND_UPSTREAM] = set_upstream,
	};

	why->text[0] = '\0';
	return setters[k->kind](l, k, text, base, why);
}
