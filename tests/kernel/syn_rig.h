/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of SYN cookies share: a rig over its budget, a network of its own, a listener. */
#ifndef RW_TESTS_KERNEL_SYN_RIG_H
#define RW_TESTS_KERNEL_SYN_RIG_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* unshare */
#endif
#include "kernel/rig.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "kernel/cookie_ref.h"

#define V6 "2001:db8:1:2::7"

enum {
	HOP = 0,
	ROUTING = 43,
	AUTH = 51,
	DEST = 60,
	SEQ = 0x89abcdef,
	TSVAL = 0x01020304,
	SCALE = 10,
	MSS4 = 1460,
	MSS6 = 1440,
	ALL_OFFERS = 15,
	SACKED = 16,
	ECNED = 32,
	STAMPED = 64,
	NO_SCALE = 15,
};

static const uint8_t KEY[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static struct rig rig;

/* --- frames
 * ---------------------------------------------------------------------------------------- */

static inline void put32(struct packet *p, size_t at, uint32_t v)
{
	packet_put16(p, at, v >> 16);
	packet_put16(p, at + 2, v & 0xffff);
}

static inline uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

/* The cookie of the client that sent p, or an ACK like it. */
static inline struct ref_cookie cookie_of(const struct packet *p)
{
	bool v6 = p->bytes[p->ip] >> 4 == 6;
	size_t bytes = v6 ? 16 : 4, src = p->ip + (v6 ? 8 : 12);
	struct ref_cookie c = {.family = v6 ? 6 : 4, .seq = SEQ};

	memcpy(c.src, p->bytes + src, bytes);
	memcpy(c.dst, p->bytes + src + bytes, bytes);
	memcpy(c.sport, p->bytes + p->l4, 2);
	memcpy(c.dport, p->bytes + p->l4 + 2, 2);
	return c;
}

static inline uint32_t period_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint32_t)(((uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec) >> 36);
}

/* --- running
 * ---------------------------------------------------------------------------------------- */

static inline struct rw_kern_syn_meter meter(void)
{
	struct rw_kern_syn_meter m;
	uint32_t zero = 0;

	assert_int_equal(bpf_map_lookup_elem(rig.k.fd[RW_MAP_SYN_METER], &zero, &m), 0);
	return m;
}

static inline void set_meter(uint64_t tat_ns, uint64_t period)
{
	rig_put(&rig, RW_MAP_SYN_METER,
		&(struct rw_kern_syn_meter){.tat_ns = tat_ns, .period = period});
}

/* Over the budget for ever; everything is offered. */
static inline int setup(void **state)
{
	(void)state;
	rig_reset(&rig);
	rw_syn_budget(1000, &rig.cfg.budget);
	rig.cfg.cookie.mss4 = MSS4;
	rig.cfg.cookie.mss6 = MSS6;
	rig.cfg.cookie.window_scale = SCALE;
	rig.cfg.cookie.offers = ALL_OFFERS;
	rig_config(&rig);
	rig_put(&rig, RW_MAP_SYN_KEY, KEY);
	set_meter(UINT64_MAX / 2, 0);
	return 0;
}

/* Runs a program over the frame, which stays; out gets what it made of it. */
static inline uint32_t run(enum rw_kern_program prog, const struct packet *p, struct packet *out)
{
	uint8_t in[PACKET_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = (uint32_t)p->n,
		    .data_out = out->bytes, .data_size_out = sizeof(out->bytes), .repeat = 1);

	memset(out, 0, sizeof(*out));
	memcpy(in, p->bytes, p->n);
	assert_int_equal(bpf_prog_test_run_opts(rig.programs.prog[prog], &opts), 0);
	out->n = opts.data_size_out;
	return opts.retval;
}

/* A network of this process's own, with a listener on every address; its descriptor. */
static inline int make_listener(void)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(RIG_PORT)};
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd;

	if (unshare(CLONE_NEWNET))
		return -1;
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)) || listen(fd, 16))
		return -1;
	return fd;
}

struct connection {
	int client, server;
	in_port_t port; /* the client's, in wire order; both addresses are ::1 */
};

static inline struct connection connect_to(int listener)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6,
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT,
				  .sin6_port = htons(RIG_PORT)};
	struct sockaddr_in6 from;
	socklen_t len = sizeof(from);
	struct connection c = {.client = socket(AF_INET6, SOCK_STREAM, 0)};

	assert_int_equal(connect(c.client, (const struct sockaddr *)&to, sizeof(to)), 0);
	c.server = accept(listener, (struct sockaddr *)&from, &len);
	assert_true(c.server >= 0);
	c.port = from.sin6_port;
	return c;
}

static inline void rig_protect_only(unsigned port)
{
	struct rw_kern_ports ports = {0};

	ports.word[port / 64] = 1ULL << port % 64;
	rig_put(&rig, RW_MAP_PORTS, &ports);
}

#endif
