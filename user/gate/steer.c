/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/steer.h"

#include <stdlib.h>

#include "base/log.h"
#include "gate/worker.h"
#include "kern/steer.h"

/* The addresses as kern/ wants them. *fds is malloc'd; the groups point into it. */
static unsigned gather(const struct rw_gateway *gw, int *fds, int *admin_fd,
		       struct rw_steering_group groups[RW_MAX_LISTENERS + 1])
{
	unsigned n = 0;

	for (unsigned i = 0; i < RW_MAX_LISTENERS && gw->workers[0]->servers[i]; i++) {
		groups[n++] = (struct rw_steering_group){fds, gw->n_workers};
		for (unsigned w = 0; w < gw->n_workers; w++)
			*fds++ = rw_http_server_fd(gw->workers[w]->servers[i]);
	}
	if (*admin_fd >= 0)
		groups[n++] = (struct rw_steering_group){admin_fd, 1};
	return n;
}

static int take(struct rw_gateway *gw, struct rw_kern *k, int admin_fd, struct rw_error *e)
{
	struct rw_steering_group groups[RW_MAX_LISTENERS + 1];
	int *fds = calloc((size_t)RW_MAX_LISTENERS * gw->n_workers, sizeof(*fds));
	int rc = fds ? rw_steering_open(&gw->steering, k, e)
		     : rw_fail(e, RW_ENOMEM, "out of memory for steering");

	if (!rc)
		rc = rw_steering_take(gw->steering, groups, gather(gw, fds, &admin_fd, groups), e);
	free(fds);
	return rc;
}

void rw_gateway_steer(struct rw_gateway *gw, struct rw_kern *k, int admin_fd)
{
	struct rw_error e = {0};

	if (!k)
		return;
	if (take(gw, k, admin_fd, &e)) {
		rw_gateway_unsteer(gw);
		rw_warn("%s; new connections are spread by a hash of their addresses, not by load",
			e.text);
		return;
	}
	for (unsigned i = 0; i < gw->n_workers; i++)
		gw->workers[i]->load = rw_steering_load(gw->steering, i);
}

void rw_gateway_unsteer(struct rw_gateway *gw)
{
	rw_steering_close(gw->steering);
	gw->steering = NULL;
}
