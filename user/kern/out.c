/* SPDX-License-Identifier: Apache-2.0 */
/* The maps of egress containment: opening them, counters, and the verdict on a destination. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kern/internal.h"
#include "kern/out.h"

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

uint64_t rw_out_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* --- opening -----------------------------------------------------------------------------------
 */

static int open_one(int *fd, enum rw_kern_map m, bool read_only, struct rw_error *e)
{
	LIBBPF_OPTS(bpf_obj_get_opts, how, .file_flags = read_only ? BPF_F_RDONLY : 0);
	char path[128], what[160];

	snprintf(path, sizeof(path), RW_PIN_ROOT "/%s", rw_kern_maps[m].name);
	*fd = bpf_obj_get_opts(path, &how);
	if (*fd >= 0)
		return RW_OK;
	if (*fd == -ENOENT)
		return rw_fail(e, RW_ENOTFOUND,
			       "egress is not contained (no %s): 'ringwall kern egress attach "
			       "--cgroup PATH' does that",
			       path);
	snprintf(what, sizeof(what), "open %s", path);
	return rw_kern_fail(e, *fd, what);
}

/* Written where the file mode grants it: rw_out by the engine's group, rw_out_net by root. */
static int open_writable(int *fd, enum rw_kern_map m, bool *read_only, struct rw_error *e)
{
	int rc = open_one(fd, m, false, e);

	if (rc != RW_EPERM)
		return rc;
	if (read_only)
		*read_only = true;
	return open_one(fd, m, true, e);
}

static int open_maps(struct rw_egress *g, struct rw_error *e)
{
	int rc = open_one(&g->meta_fd, RW_MAP_OUT_META, true, e);

	if (!rc)
		rc = open_writable(&g->out_fd, RW_MAP_OUT, &g->read_only, e);
	if (!rc)
		rc = open_writable(&g->net_fd, RW_MAP_OUT_NET, NULL, e);
	if (!rc)
		rc = open_one(&g->stats_fd, RW_MAP_OUT_STATS, true, e);
	return rc ? rc : open_one(&g->refused_fd, RW_MAP_OUT_REFUSED, true, e);
}

static int check_meta(struct rw_egress *g, struct rw_error *e)
{
	uint32_t zero = 0;
	int err = bpf_map_lookup_elem(g->meta_fd, &zero, &g->meta);

	if (err)
		return rw_kern_fail(e, err, "read rw_out_meta");
	if (memcmp(g->meta.magic, RW_KERN_MAGIC, sizeof(g->meta.magic)) != 0 ||
	    g->meta.abi != RW_KERN_ABI || g->meta.layout != rw_kern_out_layout())
		return rw_fail(
			e, RW_EUNSUP,
			"egress is contained by ringwall %.16s with another layout than this "
			"one's (" RW_VERSION "): run 'ringwall kern egress attach' again",
			g->meta.version);
	return RW_OK;
}

int rw_egress_open(struct rw_egress **out, struct rw_error *e)
{
	struct rw_egress *g = calloc(1, sizeof(*g));
	struct stat st;
	int rc;

	*out = NULL;
	if (!g)
		return rw_fail(e, RW_ENOMEM, "out of memory for egress containment");
	g->meta_fd = g->out_fd = g->net_fd = g->stats_fd = g->refused_fd = -1;
	if (!stat(RW_PIN_ROOT "/rw_out_meta", &st)) {
		g->dev = st.st_dev;
		g->ino = st.st_ino;
	}
	rc = open_maps(g, e);
	if (!rc)
		rc = check_meta(g, e);
	g->cpus = libbpf_num_possible_cpus();
	if (!rc && g->cpus > 0)
		g->stats = calloc((size_t)g->cpus, sizeof(*g->stats));
	if (!rc && !g->stats)
		rc = rw_fail(e, RW_ENOMEM, "out of memory for the counters");
	if (rc) {
		rw_egress_close(g);
		return rc;
	}
	*out = g;
	return RW_OK;
}

void rw_egress_close(struct rw_egress *g)
{
	if (!g)
		return;
	for (unsigned i = 0; i < 5; i++) {
		int fd = (int[]){g->meta_fd, g->out_fd, g->net_fd, g->stats_fd, g->refused_fd}[i];

		if (fd >= 0)
			close(fd);
	}
	free(g->stats);
	free(g);
}

bool rw_egress_stale(const struct rw_egress *g)
{
	struct stat st;

	return stat(RW_PIN_ROOT "/rw_out_meta", &st) || st.st_ino != g->ino || st.st_dev != g->dev;
}

/* A UDP socket's connect sends nothing. Only a program on our own cgroup says EPERM to it. */
bool rw_egress_contained(void)
{
	const struct sockaddr_in dummy = {.sin_family = AF_INET,
					  .sin_addr.s_addr = htonl(RW_KERN_OUT_PROBE_ADDR)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool contained;

	if (fd < 0)
		return false;
	contained = connect(fd, (const struct sockaddr *)&dummy, sizeof(dummy)) != 0 &&
		    errno == EPERM;
	close(fd);
	return contained;
}

/* --- what it is --------------------------------------------------------------------------------
 */

void rw_egress_where(const struct rw_egress *g, struct rw_egress_where *out)
{
	struct stat st;

	snprintf(out->cgroup, sizeof(out->cgroup), "%s", g->meta.cgroup);
	out->alive = !stat(out->cgroup, &st) && st.st_ino == g->meta.cgroup_id;
}

int rw_egress_counters(struct rw_egress *g, struct rw_kern_out_stats *out, struct rw_error *e)
{
	uint32_t zero = 0;
	int err = bpf_map_lookup_elem(g->stats_fd, &zero, g->stats);

	if (err)
		return rw_kern_fail(e, err, "read the counters of egress");
	*out = (struct rw_kern_out_stats){0};
#define SUM(name, help) out->name += g->stats[i].name;
	for (int i = 0; i < g->cpus; i++) {
		RW_KERN_OUT_COUNTERS(SUM)
	}
#undef SUM
	return RW_OK;
}

static uint64_t sum(const struct rw_kern_out_stats *s, unsigned first, unsigned last)
{
	uint64_t n = 0;

	for (unsigned i = first; i <= last; i++)
		n += ((const uint64_t *)s)[i];
	return n;
}

uint64_t rw_egress_refusals(const struct rw_kern_out_stats *s)
{
	return sum(s, RW_KERN_OUT_N_refuse_metadata, RW_KERN_OUT_N_refuse_protocol);
}

uint64_t rw_egress_drops(const struct rw_kern_out_stats *s)
{
	return sum(s, RW_KERN_OUT_N_drop_metadata, RW_KERN_OUT_N_drop_malformed);
}

const char *rw_egress_reason(enum rw_kern_out_reason reason)
{
	static const char *const names[] = {
		[RW_KERN_OUT_METADATA] = "metadata service or link-local",
		[RW_KERN_OUT_LOOPBACK] = "this host, and not listed",
		[RW_KERN_OUT_PRIVATE] = "private, and not listed",
		[RW_KERN_OUT_SPECIAL] = "multicast, reserved or a tunnel",
		[RW_KERN_OUT_UNLISTED] = "no upstream's address and port",
		[RW_KERN_OUT_EXPIRED] = "no upstream's address any more",
		[RW_KERN_OUT_PROTOCOL] = "neither TCP nor UDP",
		[RW_KERN_OUT_MALFORMED] = "headers that cannot be read",
	};

	return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : "unknown";
}

/* --- destinations ------------------------------------------------------------------------------
 */

static void key_of(const struct sockaddr *sa, struct rw_kern_out_key *key)
{
	*key = (struct rw_kern_out_key){.proto = IPPROTO_TCP};
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		memcpy(key->addr, mapped, sizeof(mapped));
		memcpy(key->addr + sizeof(mapped), &in.sin_addr, 4);
		key->port = ntohs(in.sin_port);
	} else {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		memcpy(key->addr, &in6.sin6_addr, 16);
		key->port = ntohs(in6.sin6_port);
	}
}

static uint64_t eight(const uint8_t *p)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < 8; i++)
		n = n << 8 | p[i];
	return n;
}

enum rw_kern_net rw_egress_net(const struct sockaddr *sa)
{
	struct rw_kern_out_key key;

	key_of(sa, &key);
	return rw_kern_net_of(eight(key.addr), eight(key.addr + 8));
}

/* The longest rule for this port, or for all; as in bpf/egress.h. */
static bool listed(const struct rw_egress *g, const struct rw_kern_out_key *to,
		   struct rw_kern_out_net *found)
{
	struct rw_kern_out_net_key key = {
		.plen = RW_KERN_OUT_PROTO_BITS + 128, .proto = to->proto, .port = to->port};

	memcpy(key.addr, to->addr, sizeof(key.addr));
	if (!bpf_map_lookup_elem(g->net_fd, &key, found))
		return true;
	key.port = 0;
	return !bpf_map_lookup_elem(g->net_fd, &key, found);
}

bool rw_egress_may(const struct rw_egress *g, const struct sockaddr *sa,
		   enum rw_kern_out_reason *reason)
{
	enum rw_kern_net net = rw_egress_net(sa);
	struct rw_kern_out_net rule;
	struct rw_kern_out_key key;

	*reason = RW_KERN_OUT_METADATA;
	if (net == RW_KERN_NET_METADATA) /* a name server there is no upstream */
		return false;
	if (!g || net == RW_KERN_NET_PUBLIC)
		return true;
	*reason = (enum rw_kern_out_reason)(net - 1);
	key_of(sa, &key);
	return listed(g, &key, &rule);
}

int rw_egress_put(struct rw_egress *g, const struct sockaddr *sa, const char *upstream,
		  uint64_t for_ns, struct rw_error *e)
{
	struct rw_kern_out out = {.expires_ns = rw_out_now_ns() + for_ns};
	struct rw_kern_out_key key;
	int err;

	if (g->read_only)
		return rw_fail(e, RW_EPERM,
			       "not allowed to list upstreams' addresses: run as a member of the "
			       "group given to 'ringwall kern egress attach --group'");
	key_of(sa, &key);
	snprintf(out.upstream, sizeof(out.upstream), "%s", upstream);
	err = bpf_map_update_elem(g->out_fd, &key, &out, BPF_ANY);
	return err ? rw_kern_fail(e, err, "list an upstream's address") : RW_OK;
}
