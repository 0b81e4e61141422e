/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions of an upstream to resume. Shared by the workers, since a ticket is good for any
 * of them: the lock is held for a few pointers, once or twice a handshake.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tls/internal.h"

enum { SESSIONS = 32 }; /* a server sends two tickets a handshake; a pool keeps 64 idle */

struct kept {
	SSL_SESSION *session;
	char *host;
};

struct rw_tls_sessions {
	pthread_mutex_t lock;
	struct kept at[SESSIONS]; /* the newest last */
	unsigned n;
};

struct rw_tls_sessions *rw_tls_sessions_new(void)
{
	struct rw_tls_sessions *t = calloc(1, sizeof(*t));

	if (t && pthread_mutex_init(&t->lock, NULL)) {
		free(t);
		return NULL;
	}
	return t;
}

static void drop(struct kept *k)
{
	SSL_SESSION_free(k->session);
	free(k->host);
}

void rw_tls_sessions_free(struct rw_tls_sessions *t)
{
	if (!t)
		return;
	while (t->n)
		drop(&t->at[--t->n]);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static void take_out(struct rw_tls_sessions *t, unsigned i)
{
	t->n--;
	memmove(&t->at[i], &t->at[i + 1], (t->n - i) * sizeof(t->at[0]));
}

void rw_tls_sessions_put(struct rw_tls_sessions *t, const char *host, SSL_SESSION *session)
{
	struct kept new = {session, strdup(host)}, old = {0};

	if (!new.host) {
		SSL_SESSION_free(session);
		return;
	}
	pthread_mutex_lock(&t->lock);
	if (t->n == SESSIONS) {
		old = t->at[0];
		take_out(t, 0);
	}
	t->at[t->n++] = new;
	pthread_mutex_unlock(&t->lock);
	drop(&old);
}

static bool is_over(const SSL_SESSION *s)
{
	return SSL_SESSION_get_time_ex(s) + SSL_SESSION_get_timeout(s) <= time(NULL);
}

/* A session is the host's alone: what it was verified for must not serve another name. */
SSL_SESSION *rw_tls_sessions_take(struct rw_tls_sessions *t, const char *host)
{
	SSL_SESSION *got = NULL;

	pthread_mutex_lock(&t->lock);
	for (unsigned i = t->n; i-- > 0 && !got;) {
		struct kept k = t->at[i];

		if (strcmp(k.host, host) != 0)
			continue;
		if (!is_over(k.session) && SSL_SESSION_is_resumable(k.session) &&
		    SSL_SESSION_up_ref(k.session))
			got = k.session;
		if (!got || SSL_SESSION_get_protocol_version(got) >= TLS1_3_VERSION) {
			take_out(t, i);
			drop(&k);
		}
	}
	pthread_mutex_unlock(&t->lock);
	return got;
}
