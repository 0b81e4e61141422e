/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/pools.h"

#include <stdlib.h>

static uint64_t ms_to_ns(uint32_t ms)
{
	return (uint64_t)ms * 1000000;
}

int rw_pools_new(struct rw_pools **out, struct rw_loop *l, const struct rw_snapshot *snap,
		 struct rw_error *e)
{
	const struct rw_routes *routes = snap->routes;
	const struct rw_config *c = routes->config;
	struct rw_pools *p = calloc(1, sizeof(*p));

	if (!p)
		return rw_fail(e, RW_ENOMEM, "out of memory for the upstreams");
	p->refs = 1;
	p->routes = routes;
	for (unsigned i = 0; i < c->n_upstreams; i++) {
		const struct rw_upstream_config *uc = &c->upstreams[i];
		const struct rw_upstream *up = &routes->upstreams[i];
		const struct rw_addrs *to = &snap->targets->at[i];
		const struct rw_pool_config pc = {
			.connect_ns = ms_to_ns(uc->connect_ms),
			.first_byte_ns = ms_to_ns(uc->first_byte_ms),
			.between_ns = ms_to_ns(uc->between_ms),
			/* as many as clients may come; 0 would be fewer */
			.max_conns = c->max_connections * c->n_listeners,
		};

		p->at[i] = rw_pool_new(l, &pc, to->at, to->n, up->host, up->tls);
		if (!p->at[i]) {
			rw_pools_unref(p);
			return rw_fail(e, RW_ENOMEM, "out of memory for upstream %s", uc->name);
		}
	}
	*out = p;
	return RW_OK;
}

void rw_pools_retarget(struct rw_pools *p, const struct rw_snapshot *snap)
{
	for (unsigned i = 0; i < snap->routes->config->n_upstreams; i++)
		rw_pool_retarget(p->at[i], snap->targets->at[i].at, snap->targets->at[i].n);
}

struct rw_pools *rw_pools_ref(struct rw_pools *p)
{
	p->refs++;
	return p;
}

void rw_pools_unref(struct rw_pools *p)
{
	if (!p || --p->refs)
		return;
	for (unsigned i = 0; i < RW_MAX_UPSTREAMS; i++)
		if (p->at[i])
			rw_pool_release(p->at[i]);
	free(p);
}
