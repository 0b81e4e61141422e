/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/fronts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "ring/ktls.h"

enum { PATH_BYTES = 4200 }; /* a configured path has at most 4096 */

/* --- where a listener's certificate is ----------------------------------------------------- */

/* The configured one, or the self-signed one under state_dir; paths live as long as room does. */
static struct rw_certificate_config first_of(const struct rw_config *c, unsigned i,
					     char room[2][PATH_BYTES])
{
	const struct rw_listener_config *l = &c->listeners[i];

	if (l->first.cert_file)
		return l->first;
	snprintf(room[0], PATH_BYTES, "%s/selfsigned.crt", c->state_dir);
	snprintf(room[1], PATH_BYTES, "%s/selfsigned.key", c->state_dir);
	return (struct rw_certificate_config){room[0], room[1], NULL};
}

static struct rw_tls_pair pair_of(const struct rw_certificate_config *x)
{
	return (struct rw_tls_pair){x->cert_file, x->key_file, x->ocsp_file};
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

/* --- stamps ---------------------------------------------------------------------------------- */

static void mix(uint64_t *h, uint64_t v)
{
	*h = (*h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	*h ^= *h >> 29;
}

static void mix_file(uint64_t *h, const char *file)
{
	struct stat st;

	if (!file)
		return;
	if (stat(file, &st)) {
		mix(h, 1);
		return;
	}
	mix(h, (uint64_t)st.st_ino);
	mix(h, (uint64_t)st.st_size);
	mix(h, (uint64_t)st.st_mtim.tv_sec);
	mix(h, (uint64_t)st.st_mtim.tv_nsec);
	mix(h, st.st_mode);
}

static void mix_certificate(uint64_t *h, const struct rw_certificate_config *x)
{
	mix_file(h, x->cert_file);
	mix_file(h, x->key_file);
	mix_file(h, x->ocsp_file);
}

uint64_t rw_fronts_stamp(const struct rw_config *c)
{
	char room[2][PATH_BYTES];
	uint64_t h = 0;

	for (unsigned i = 0; i < c->n_listeners; i++) {
		const struct rw_listener_config *l = &c->listeners[i];
		struct rw_certificate_config first = first_of(c, i, room);

		if (!l->tls)
			continue;
		mix_certificate(&h, &first);
		for (unsigned j = 0; j < l->n_more; j++)
			mix_certificate(&h, &l->more[j]);
		mix_file(&h, l->client_ca_file);
	}
	return h;
}

/* What was asked for and cannot be had is said at each start, and at each reload. */
void rw_front_choose_ktls(struct rw_tls_ctx *tls, enum rw_ktls_word word, bool passes,
			  const char *whose)
{
	static const enum rw_ktls_mode modes[] = {
		[RW_KTLS_WORD_AUTO] = RW_KTLS_AUTO,
		[RW_KTLS_WORD_ON] = RW_KTLS_ON,
		[RW_KTLS_WORD_OFF] = RW_KTLS_OFF,
	};

	rw_tls_ctx_ktls(tls, modes[word]);
	if (word == RW_KTLS_WORD_AUTO && passes && rw_ktls_caps()->usable && rw_ktls_caps()->rekey)
		rw_tls_ctx_ktls(tls, RW_KTLS_ON);
	if (word != RW_KTLS_WORD_ON)
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

/* --- making ---------------------------------------------------------------------------------- */

static int build(struct rw_tls_ctx **out, const struct rw_config *c, unsigned i,
		 struct rw_tls_shared *shared, bool again, struct rw_error *e)
{
	const struct rw_listener_config *l = &c->listeners[i];
	struct rw_tls_pair pairs[1 + RW_MAX_CERTIFICATES];
	char room[2][PATH_BYTES];
	struct rw_certificate_config first = first_of(c, i, room);
	int rc;

	pairs[0] = pair_of(&first);
	for (unsigned j = 0; j < l->n_more; j++)
		pairs[j + 1] = pair_of(&l->more[j]);
	const struct rw_tls_server_config tc = {
		.pairs = pairs,
		.n_pairs = l->n_more + 1,
		.refuse_unknown = l->refuse_unknown,
		.refuse_expired = again,
		.profile = l->modern ? RW_TLS_MODERN : RW_TLS_INTERMEDIATE,
		.client_ca_file = l->client_ca_file,
		.client_required = l->client_cert == RW_CLIENT_CERT_REQUIRED,
		.shared = shared,
	};
	rc = rw_tls_server_make(out, &tc, e);
	if (!rc)
		rw_front_choose_ktls(*out, l->ktls, rw_config_passes(c, -1), l->address);
	return rc;
}

/* Before the files are stamped: what we make ourselves is no change. */
static int make_missing(const struct rw_config *c, struct rw_error *e)
{
	char room[2][PATH_BYTES];
	int rc = RW_OK;

	for (unsigned i = 0; !rc && i < c->n_listeners; i++) {
		if (!c->listeners[i].tls || c->listeners[i].first.cert_file)
			continue;
		first_of(c, i, room);
		rc = selfsigned(c, room[0], room[1], e);
	}
	return rc;
}

int rw_fronts_new(struct rw_fronts **out, const struct rw_config *c, struct rw_tls_shared *shared,
		  bool again, struct rw_error *e)
{
	struct rw_fronts *f;
	int rc = make_missing(c, e);

	if (rc)
		return rc;
	f = calloc(1, sizeof(*f));
	if (!f)
		return rw_fail(e, RW_ENOMEM, "out of memory");
	atomic_init(&f->refs, 1);
	f->stamp = rw_fronts_stamp(c);
	for (unsigned i = 0; !rc && i < c->n_listeners; i++)
		if (c->listeners[i].tls)
			rc = build(&f->tls[i], c, i, shared, again, e);
	if (rc)
		rw_fronts_unref(f);
	else
		*out = f;
	return rc;
}

struct rw_fronts *rw_fronts_ref(struct rw_fronts *f)
{
	atomic_fetch_add(&f->refs, 1);
	return f;
}

void rw_fronts_unref(struct rw_fronts *f)
{
	if (!f || atomic_fetch_sub(&f->refs, 1) != 1)
		return;
	for (unsigned i = 0; i < RW_MAX_LISTENERS; i++)
		rw_tls_ctx_unref(f->tls[i]);
	free(f);
}
