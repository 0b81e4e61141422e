/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that asks name servers. */
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "gate/resolve.h"

enum state { IDLE, ASKED, ANSWERED };

struct rw_resolver {
	pthread_mutex_t lock;
	pthread_cond_t asked;
	bool running; /* the owner's: there is a thread */
	/* under lock */
	enum state state;
	bool closed; /* the owner is gone: who comes last frees */
	char host[NI_MAXHOST];
	uint16_t port;
	struct rw_resolved answer;
};

static void destroy(struct rw_resolver *r)
{
	pthread_cond_destroy(&r->asked);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static void *ask(void *arg)
{
	struct rw_resolver *r = arg;
	struct rw_resolved answer;
	char host[NI_MAXHOST];
	uint16_t port;

	pthread_mutex_lock(&r->lock);
	while (!r->closed) {
		if (r->state != ASKED) {
			pthread_cond_wait(&r->asked, &r->lock);
			continue;
		}
		memcpy(host, r->host, sizeof(host));
		port = r->port;
		answer = (struct rw_resolved){.slot = r->answer.slot};
		pthread_mutex_unlock(&r->lock);
		answer.rc = rw_resolve(host, port, &answer.addrs, &answer.why);
		if (!answer.rc)
			answer.ttl_s = rw_resolve_ttl(host);
		pthread_mutex_lock(&r->lock);
		r->answer = answer;
		r->state = ANSWERED;
	}
	pthread_mutex_unlock(&r->lock);
	destroy(r);
	return NULL;
}

struct rw_resolver *rw_resolver_new(void)
{
	struct rw_resolver *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->asked, NULL);
	return r;
}

void rw_resolver_free(struct rw_resolver *r)
{
	if (!r)
		return;
	if (!r->running) {
		destroy(r);
		return;
	}
	pthread_mutex_lock(&r->lock);
	r->closed = true;
	pthread_cond_signal(&r->asked);
	pthread_mutex_unlock(&r->lock);
}

static bool start(struct rw_resolver *r)
{
	pthread_t id;

	if (!r->running && !pthread_create(&id, NULL, ask, r)) {
		pthread_detach(id);
		r->running = true;
	}
	return r->running;
}

bool rw_resolver_ask(struct rw_resolver *r, unsigned slot, const char *host, uint16_t port)
{
	bool free_now;

	if (!start(r))
		return false;
	pthread_mutex_lock(&r->lock);
	free_now = r->state == IDLE;
	if (free_now) {
		snprintf(r->host, sizeof(r->host), "%s", host);
		r->port = port;
		r->answer.slot = slot;
		r->state = ASKED;
		pthread_cond_signal(&r->asked);
	}
	pthread_mutex_unlock(&r->lock);
	return free_now;
}

bool rw_resolver_take(struct rw_resolver *r, struct rw_resolved *out)
{
	bool there;

	pthread_mutex_lock(&r->lock);
	there = r->state == ANSWERED;
	if (there) {
		*out = r->answer;
		r->state = IDLE;
	}
	pthread_mutex_unlock(&r->lock);
	return there;
}
