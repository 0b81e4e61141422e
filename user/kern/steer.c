/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway's seat: taking one, putting its sockets there, and taking the turn. */
#include "kern/steer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kern/internal.h"

#define LOADS_BYTES (RW_KERN_CELLS * sizeof(struct rw_kern_load))

struct rw_steering {
	struct rw_kern *k;
	int prog_fd;
	struct rw_kern_load *loads; /* mapped, of all seats */
	unsigned seat;		    /* RW_KERN_SEATS: none yet */
};

/* --- opening -------------------------------------------------------------------------------- */

int rw_steering_adopt(struct rw_steering **out, struct rw_kern *k, int prog_fd, struct rw_error *e)
{
	struct rw_steering *s = calloc(1, sizeof(*s));
	void *loads;
	int err;

	if (!s) {
		close(prog_fd);
		return rw_fail(e, RW_ENOMEM, "out of memory for steering");
	}
	loads = mmap(NULL, LOADS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, k->fd[RW_MAP_LOAD], 0);
	if (loads == MAP_FAILED) {
		err = -errno;
		close(prog_fd);
		free(s);
		return rw_kern_fail(e, err, "write rw_load");
	}
	*s = (struct rw_steering){k, prog_fd, loads, RW_KERN_SEATS};
	*out = s;
	return RW_OK;
}

int rw_steering_open(struct rw_steering **out, struct rw_kern *k, struct rw_error *e)
{
	LIBBPF_OPTS(bpf_obj_get_opts, reading, .file_flags = BPF_F_RDONLY);
	int fd = bpf_obj_get_opts(RW_PIN_ROOT "/rw_steer" RW_PROG_END, &reading);

	if (fd < 0)
		return rw_kern_fail(e, fd, "open " RW_PIN_ROOT "/rw_steer" RW_PROG_END);
	return rw_steering_adopt(out, k, fd, e);
}

void rw_steering_close(struct rw_steering *s)
{
	if (!s)
		return;
	munmap(s->loads, LOADS_BYTES);
	close(s->prog_fd);
	free(s);
}

/* --- seats ------------------------------------------------------------------------------------
 */

/* The kernel empties a slot when its socket closes, so this is right also after a crash. */
static bool seat_free(const struct rw_steering *s, unsigned seat)
{
	uint32_t first = rw_kern_socket(seat, 0, 0), end = rw_kern_socket(seat + 1, 0, 0);
	uint64_t cookie;

	for (uint32_t slot = first; slot < end; slot++)
		if (bpf_map_lookup_elem(s->k->fd[RW_MAP_SOCKETS], &slot, &cookie) != -ENOENT)
			return false;
	return true;
}

/* Turns that were left to the seat by whoever had it before. */
static int forget_turns(const struct rw_steering *s, struct rw_error *e)
{
	int fd = s->k->fd[RW_MAP_LISTEN], err;
	struct rw_kern_listener stale[RW_KERN_LISTENING], key;
	struct rw_kern_turn turn;
	unsigned n = 0;

	for (void *from = NULL; n < RW_KERN_LISTENING && !bpf_map_get_next_key(fd, from, &key);
	     from = &key)
		if (!bpf_map_lookup_elem(fd, &key, &turn) && turn.seat == s->seat)
			stale[n++] = key;
	for (unsigned i = 0; i < n; i++) {
		err = bpf_map_delete_elem(fd, &stale[i]);
		if (err && err != -ENOENT)
			return rw_kern_fail(e, err, "write rw_listen");
	}
	return RW_OK;
}

static int find_seat(struct rw_steering *s, struct rw_error *e)
{
	for (s->seat = 0; s->seat < RW_KERN_SEATS; s->seat++)
		if (seat_free(s, s->seat))
			return forget_turns(s, e);
	return rw_fail(e, RW_EBUSY,
		       "%d gateways are listening already ('bpftool map dump pinned " RW_PIN_ROOT
		       "/rw_listen' shows whose turn it is): end those that are not needed",
		       RW_KERN_SEATS);
}

/* --- taking the turn --------------------------------------------------------------------------
 */

static int listener_of(int fd, struct rw_kern_listener *key, struct rw_error *e)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	} addr = {0};
	socklen_t len = sizeof(addr);

	*key = (struct rw_kern_listener){0};
	if (getsockname(fd, &addr.sa, &len))
		return rw_kern_fail(e, -errno, "ask for a listener's address");
	if (addr.sa.sa_family == AF_INET6) {
		memcpy(key->addr, &addr.in6.sin6_addr, 16);
		key->port = ntohs(addr.in6.sin6_port);
	} else {
		key->addr[10] = key->addr[11] = 0xff;
		memcpy(key->addr + 12, &addr.in4.sin_addr, 4);
		key->port = ntohs(addr.in4.sin_port);
	}
	return RW_OK;
}

static int put_sockets(const struct rw_steering *s, const struct rw_steering_group *groups,
		       unsigned n, struct rw_error *e)
{
	for (unsigned g = 0; g < n; g++)
		for (unsigned w = 0; w < groups[g].n; w++) {
			uint32_t slot = rw_kern_socket(s->seat, g, w);
			uint64_t fd = (uint64_t)groups[g].fds[w];
			int err = bpf_map_update_elem(s->k->fd[RW_MAP_SOCKETS], &slot, &fd,
						      BPF_NOEXIST);

			if (err)
				return rw_kern_fail(e, err, "put a listener into rw_sockets");
		}
	return RW_OK;
}

static void take_sockets_back(const struct rw_steering *s, unsigned n)
{
	for (unsigned g = 0; g < n; g++)
		for (unsigned w = 0; w < RW_KERN_WORKERS; w++) {
			uint32_t slot = rw_kern_socket(s->seat, g, w);

			(void)bpf_map_delete_elem(s->k->fd[RW_MAP_SOCKETS], &slot);
		}
}

/*
 * The turn first, the program second: where another gateway has attached the program already,
 * writing the turn hands over; where the program is new to the group, attaching it does.
 */
static int take_turn(const struct rw_steering *s, const struct rw_steering_group *g,
		     unsigned listener, struct rw_error *e)
{
	struct rw_kern_turn turn = {.seat = s->seat, .listener = listener, .workers = g->n};
	struct rw_kern_listener key;
	int err, rc = listener_of(g->fds[0], &key, e);

	if (rc)
		return rc;
	err = bpf_map_update_elem(s->k->fd[RW_MAP_LISTEN], &key, &turn, BPF_ANY);
	if (err)
		return rw_kern_fail(e, err, "write rw_listen");
	if (setsockopt(g->fds[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &s->prog_fd,
		       sizeof(s->prog_fd)))
		return rw_kern_fail(e, -errno, "attach rw_steer to a listener");
	return RW_OK;
}

static int take(struct rw_steering *s, const struct rw_steering_group *groups, unsigned n,
		struct rw_error *e)
{
	int rc = find_seat(s, e);

	if (rc)
		return rc;
	memset(&s->loads[rw_kern_cell(s->seat, 0)], 0, RW_KERN_WORKERS * sizeof(*s->loads));
	rc = put_sockets(s, groups, n, e);
	for (unsigned g = 0; g < n && !rc; g++)
		rc = take_turn(s, &groups[g], g, e);
	if (rc) {
		take_sockets_back(s, n);
		(void)forget_turns(s, NULL);
	}
	return rc;
}

int rw_steering_take(struct rw_steering *s, const struct rw_steering_group *groups, unsigned n,
		     struct rw_error *e)
{
	int rc;

	RW_BUG_ON(s->seat != RW_KERN_SEATS);
	if (n > RW_KERN_LISTENERS)
		return rw_fail(e, RW_ELIMIT, "at most %d addresses can be steered",
			       RW_KERN_LISTENERS);
	for (unsigned g = 0; g < n; g++)
		if (groups[g].n > RW_KERN_WORKERS)
			return rw_fail(e, RW_ELIMIT, "at most %d workers can be steered to",
				       RW_KERN_WORKERS);
	rc = rw_kern_lock(s->k, e);
	if (rc)
		return rc;
	rc = take(s, groups, n, e);
	rw_kern_unlock(s->k);
	if (rc)
		s->seat = RW_KERN_SEATS;
	return rc;
}

struct rw_kern_load *rw_steering_load(struct rw_steering *s, unsigned worker)
{
	if (s->seat == RW_KERN_SEATS || worker >= RW_KERN_WORKERS)
		return NULL;
	return &s->loads[rw_kern_cell(s->seat, worker)];
}

/* --- counters ---------------------------------------------------------------------------------
 */

int rw_steering_counters(struct rw_kern *k, struct rw_kern_steer_stats *out, struct rw_error *e)
{
	struct rw_kern_steer_stats *each = calloc((size_t)k->cpus, sizeof(*each));
	uint32_t zero = 0;
	int err = each ? bpf_map_lookup_elem(k->fd[RW_MAP_STEER_STATS], &zero, each) : -ENOMEM;

	*out = (struct rw_kern_steer_stats){0};
#define SUM(name, help) out->name += each[i].name;
	for (int i = 0; i < k->cpus && !err; i++) {
		RW_KERN_STEER_COUNTERS(SUM)
	}
#undef SUM
	free(each);
	return err ? rw_kern_fail(e, err, "read what rw_steer counted") : RW_OK;
}
