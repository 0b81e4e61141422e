/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/named.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ident/keys.h"
#include "tls/ctx.h"

struct problems {
	void (*say)(void *arg, const char *text);
	void *arg;
	unsigned n;
};

static void problem(struct problems *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void problem(struct problems *p, const char *fmt, ...)
{
	char text[4608];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p->say(p->arg, text);
	p->n++;
}

/* False where file is set and something is wrong with it. */
static bool look_at(struct problems *p, const char *key, const char *file, bool secret)
{
	struct stat st;

	if (!file)
		return true;
	if (stat(file, &st) != 0)
		problem(p, "%s: cannot read '%s': %s", key, file, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		problem(p, "%s: '%s' is no regular file", key, file);
	else if (secret && (st.st_mode & S_IROTH))
		problem(p, "%s: '%s' can be read by everybody: chmod o-r it", key, file);
	else
		return true;
	return false;
}

static void check_folder_of(struct problems *p, const char *key, const char *file)
{
	const char *slash = file ? strrchr(file, '/') : NULL;
	char folder[4200];
	struct stat st;

	if (!slash || slash == file)
		return;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - file), file);
	if (stat(folder, &st) != 0)
		problem(p, "%s: no folder for '%s': %s", key, file, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		problem(p, "%s: '%s' is no directory", key, folder);
}

static void check_state_dir(struct problems *p, const char *dir)
{
	struct stat st;

	if (stat(dir, &st) != 0)
		check_folder_of(p, "state_dir", dir);
	else if (!S_ISDIR(st.st_mode))
		problem(p, "state_dir: '%s' is no directory", dir);
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		problem(p,
			"state_dir: others may write to '%s': use a directory of its own, chmod "
			"700",
			dir);
}

static bool check_certificate(struct problems *p, const char *at,
			      const struct rw_certificate_config *x)
{
	char key[80];
	bool good;

	snprintf(key, sizeof(key), "%s.cert_file", at);
	good = look_at(p, key, x->cert_file, false);
	snprintf(key, sizeof(key), "%s.key_file", at);
	return look_at(p, key, x->key_file, true) && good;
}

/* As the engine will load them: whether key and certificate fit, whether there is any CA. */
static void check_context(struct problems *p, const struct rw_listener_config *l, const char *at)
{
	struct rw_tls_pair pairs[1 + RW_MAX_CERTIFICATES];
	struct rw_tls_server_config sc = {
		.pairs = pairs,
		.n_pairs = 1 + l->n_more,
		.client_ca_file = l->client_ca_file,
	};
	struct rw_tls_ctx *tls = NULL;
	struct rw_error e = {.text = ""};

	for (unsigned i = 0; i < sc.n_pairs; i++) {
		const struct rw_certificate_config *x = i ? &l->more[i - 1] : &l->first;

		pairs[i] = (struct rw_tls_pair){x->cert_file, x->key_file, x->ocsp_file};
	}
	if (rw_tls_server_make(&tls, &sc, &e))
		problem(p, "%s: %s", at, e.text);
	rw_tls_ctx_unref(tls);
}

static void check_listener(struct problems *p, const struct rw_listener_config *l, unsigned i)
{
	char at[64];
	bool good;

	snprintf(at, sizeof(at), "listeners[%u].tls", i);
	good = check_certificate(p, at, &l->first);
	for (unsigned j = 0; j < l->n_more; j++) {
		snprintf(at, sizeof(at), "listeners[%u].tls.certificates[%u]", i, j);
		good = check_certificate(p, at, &l->more[j]) && good;
	}
	snprintf(at, sizeof(at), "listeners[%u].tls.client_ca_file", i);
	good = look_at(p, at, l->client_ca_file, false) && good;
	snprintf(at, sizeof(at), "listeners[%u].tls", i);
	if (good && l->first.cert_file)
		check_context(p, l, at);
}

static void check_upstream(struct problems *p, const struct rw_upstream_config *u, unsigned i)
{
	const struct rw_tls_client_config cc = {
		.ca_file = u->ca_file, .cert_file = u->cert_file, .key_file = u->key_file};
	struct rw_tls_ctx *tls = NULL;
	struct rw_error e = {.text = ""};
	char key[64];
	bool good;

	snprintf(key, sizeof(key), "upstreams[%u].ca_file", i);
	good = look_at(p, key, u->ca_file, false);
	snprintf(key, sizeof(key), "upstreams[%u].tls.cert_file", i);
	good = look_at(p, key, u->cert_file, false) && good;
	snprintf(key, sizeof(key), "upstreams[%u].tls.key_file", i);
	good = look_at(p, key, u->key_file, true) && good;
	if (good && u->tls && rw_tls_client_make(&tls, &cc, &e))
		problem(p, "upstreams[%u]: %s", i, e.text);
	rw_tls_ctx_unref(tls);
}

static void check_keys(struct problems *p, const char *file)
{
	struct rw_error e = {.text = ""};
	struct rw_key *keys = NULL;
	unsigned n;

	if (file && rw_keylist_read(file, &keys, &n, &e))
		problem(p, "auth.keys_file: %s", e.text);
	free(keys);
}

unsigned rw_named_check(const struct rw_config *c, void (*say)(void *arg, const char *text),
			void *arg)
{
	struct problems problems = {say, arg, 0}, *p = &problems;

	for (unsigned i = 0; i < c->n_listeners; i++)
		check_listener(p, &c->listeners[i], i);
	for (unsigned i = 0; i < c->n_upstreams; i++)
		check_upstream(p, &c->upstreams[i], i);
	check_state_dir(p, c->state_dir);
	check_folder_of(p, "audit.file", c->audit_file);
	check_keys(p, c->keys_file);
	return p->n;
}
