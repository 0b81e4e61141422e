/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scene: the whole gateway (control thread, workers), its upstream and its clients' loop on one
 * simulator, in one thread.
 */
#ifndef RW_TESTS_SIM_SCENE_H
#define RW_TESTS_SIM_SCENE_H

#include <stdio.h>
#include <stdlib.h>

#include "gate/control.h"
#include "gate/worker.h"
#include "sim/client.h"
#include "stub/stub.h"

enum {
	MAX_CLIENTS = 8,
	MAX_WORKERS = 2,
};

/* Made once: rules take a second to compile. */
struct fixture {
	const char *dir;
	struct rw_rules *rules;
	char key[RW_KEY_TEXT];
	bool verbose;
};

struct scenario {
	struct fixture *f;
	struct rw_sim *sim;
	const char *more;    /* lines of configuration; NULL: none */
	const char *answers; /* what the stub says to whom, as its option; NULL: echo */
	bool sync;	     /* each answer waits for its record */
	char audit[512];
	struct rw_gateway gw;
	struct rw_control *control;
	struct rw_loop *control_loop, *stub_loop, *client_loop;
	struct rw_loop *loops[MAX_WORKERS];
	struct rw_worker *workers[MAX_WORKERS];
	bool stopped[MAX_WORKERS];
	unsigned n_workers;
	struct rw_stub *stub;
	struct rw_tls_ctx *server_tls, *client_tls; /* not shared: RSA blinding remembers */
	struct client_world world;
	struct client *clients[MAX_CLIENTS];
	unsigned n_clients;
	struct rw_error error;
	char complaint[640];
};

#define MUST(call)                                                        \
	do {                                                              \
		if (call) {                                               \
			fprintf(stderr, "sim: %s: %s\n", #call, e->text); \
			exit(2);                                          \
		}                                                         \
	} while (0)

/* What is decided by chance follows from the seed, also in OpenSSL and in its clock. */
void scene_seed(uint64_t seed);
/* Rules, and a key in DIR that is made once. */
void scene_fixture(struct fixture *f, const char *dir);
/* One on s->sim, its clients, workers and upstream; s->f and s->sim are set. */
struct rw_loop *scene_loop(struct scenario *s);
void scene_gateway(struct scenario *s, bool tls, unsigned workers);
void scene_peers(struct scenario *s, bool tls);
/* Everybody's turn, then the simulator's. False: nothing is left to happen. */
bool scene_turn(struct scenario *s);
void scene_close(struct scenario *s);

#endif
