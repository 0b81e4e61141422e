/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/rest.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gate/worker.h"

enum { QUIET_TICKS = 4 };
/* Less is not worth the page faults of the next burst. */
static const uint64_t least_bytes = 4u << 20;

static uint64_t now(const _Atomic uint64_t *m)
{
	return atomic_load_explicit(m, memory_order_relaxed);
}

/* Since the last tick nothing new was asked for, and no handshake is under way. Streams that go on
 * allocate nothing. */
static bool is_quiet(struct rw_rest *r, const struct rw_gateway *gw)
{
	uint64_t asked = 0, handshaking = 0;
	bool same;

	for (unsigned i = 0; i < gw->n_workers; i++) {
		asked += now(&gw->workers[i]->metrics.requests_total);
		handshaking += now(&gw->workers[i]->metrics.tls_handshaking);
	}
	same = asked == r->asked && !handshaking;
	r->asked = asked;
	return same;
}

/* Memory of the process that is no file's; 0: nobody says. */
static uint64_t own_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	uint64_t pages[3] = {0}; /* all, resident, of these a file's */
	char line[128], *at = line;
	bool read;

	if (!f)
		return 0;
	read = fgets(line, sizeof(line), f) != NULL;
	fclose(f);
	for (unsigned i = 0; read && i < 3; i++)
		pages[i] = strtoull(at, &at, 10);
	return (pages[1] - pages[2]) * (uint64_t)sysconf(_SC_PAGESIZE);
}

bool rw_rest_tick(struct rw_rest *r, const struct rw_gateway *gw)
{
	r->quiet = is_quiet(r, gw) ? r->quiet + 1 : 0;
	if (r->quiet < QUIET_TICKS)
		return false;
	r->quiet = 0;
	if (own_bytes() < r->kept_bytes + least_bytes)
		return false;
	malloc_trim(0);
	r->kept_bytes = own_bytes();
	return true;
}
