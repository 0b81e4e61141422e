/* SPDX-License-Identifier: Apache-2.0 */
#include "kern/conns.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "kern/internal.h"

/* Opened when first asked for: whoever only bans has no use for it. */
static int open_map(struct rw_kern *k, enum rw_kern_map m, struct rw_error *e)
{
	LIBBPF_OPTS(bpf_obj_get_opts, reading, .file_flags = BPF_F_RDONLY);
	char path[128], what[160];
	int fd;

	if (k->fd[m] >= 0)
		return RW_OK;
	snprintf(path, sizeof(path), RW_PIN_ROOT "/%s", rw_kern_maps[m].name);
	fd = bpf_obj_get_opts(path, &reading);
	if (fd >= 0) {
		k->fd[m] = fd;
		return RW_OK;
	}
	if (fd == -ENOENT)
		return rw_fail(e, RW_ENOTFOUND,
			       "connections are not counted: attach with --cgroup PATH, the "
			       "gateway's cgroup or one above it");
	snprintf(what, sizeof(what), "open %s", path);
	return rw_kern_fail(e, fd, what);
}

/* The best of what was seen so far, in order. */
struct best {
	struct rw_source_conns *of;
	unsigned n, room;
};

static int more_open(const void *a, const void *b)
{
	const struct rw_source_conns *x = a, *y = b;

	if (x->open != y->open)
		return x->open < y->open ? 1 : -1;
	return (x->opened < y->opened) - (x->opened > y->opened);
}

/* By insertion: room is a screenful, and most sources fail the first comparison. */
static void consider(void *arg, const void *key, const void *value)
{
	const struct rw_kern_conn *conn = value;
	struct best *best = arg;
	const struct rw_source_conns one = {
		.source = rw_prefix_from_key(key),
		.open = conn->open,
		.opened = conn->opened,
		.closed = conn->closed,
		.srtt_us_min = conn->srtt_us_min,
		.srtt_us_last = conn->srtt_us_last,
	};
	unsigned at;

	if (best->n == best->room && more_open(&one, &best->of[best->n - 1]) >= 0)
		return;
	at = best->n < best->room ? best->n++ : best->n - 1;
	for (; at > 0 && more_open(&one, &best->of[at - 1]) < 0; at--)
		best->of[at] = best->of[at - 1];
	best->of[at] = one;
}

int rw_kern_conns(struct rw_kern *k, struct rw_source_conns *top, unsigned room, unsigned *n,
		  struct rw_error *e)
{
	struct best best = {.of = top, .room = room};
	int rc = open_map(k, RW_MAP_CONN, e);

	if (!rc)
		rc = rw_kern_scan_hash(k->fd[RW_MAP_CONN], sizeof(struct rw_kern_key),
				       sizeof(struct rw_kern_conn), consider, &best, e);
	*n = best.n;
	return rc;
}

int rw_kern_conns_counters(struct rw_kern *k, struct rw_kern_sock_stats *out, struct rw_error *e)
{
	struct rw_kern_sock_stats *each;
	uint32_t zero = 0;
	int err, rc = open_map(k, RW_MAP_SOCK_STATS, e);

	*out = (struct rw_kern_sock_stats){0};
	if (rc)
		return rc;
	each = calloc((size_t)k->cpus, sizeof(*each));
	err = each ? bpf_map_lookup_elem(k->fd[RW_MAP_SOCK_STATS], &zero, each) : -ENOMEM;
#define SUM(name, help) out->name += each[i].name;
	for (int i = 0; i < k->cpus && !err; i++) {
		RW_KERN_SOCK_COUNTERS(SUM)
	}
#undef SUM
	free(each);
	return err ? rw_kern_fail(e, err, "read what rw_sock counted") : RW_OK;
}
