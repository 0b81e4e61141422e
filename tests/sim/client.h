/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated applications: each plays a few requests on one connection and judges what comes back.
 */
#ifndef RW_TESTS_SIM_CLIENT_H
#define RW_TESTS_SIM_CLIENT_H

#include "ring/loop.h"
#include "ring/sim.h"
#include "ring/sock.h"
#include "tls/ctx.h"

struct client;

struct client_world {
	struct rw_sim *sim;
	struct rw_loop *loop;
	struct rw_addr gateway;
	struct rw_tls_ctx *tls; /* NULL: plain */
	const char *key;	/* a valid API key */
	/* Faults that break connections are on: an exchange may fail, but never lie. */
	bool may_break;
	bool verbose;
	const char
		*audit; /* the log, where an answer's end must not come before its record is safe */
	unsigned seen_whole; /* answers that came whole */
};

struct client *client_new(struct client_world *w, unsigned number);
void client_free(struct client *c);
bool client_finished(const struct client *c);
/* What went wrong, or NULL. */
const char *client_complaint(const struct client *c);

#endif
