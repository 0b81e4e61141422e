/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rw_sock on real sockets: what is counted of a source, when, and what an eviction leaves. The
 * program is attached to the cgroup that this process is in, and looks at one port of its own, so
 * that it sees nobody else's sockets.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "kern/conns.h"
#include "kernel/rig.h"

enum { BACKLOG = 512 };

struct conn_rig {
	struct rw_programs programs;
	struct rw_kern k;
	unsigned port;
};

static struct conn_rig rig;

/* --- sockets ---------------------------------------------------------------------------------- */

union address {
	struct sockaddr sa;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

static socklen_t address_of(const char *host, unsigned port, union address *a)
{
	*a = (union address){0};
	if (strchr(host, ':')) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons((uint16_t)port);
		assert_int_equal(inet_pton(AF_INET6, host, &a->in6.sin6_addr), 1);
		return sizeof(a->in6);
	}
	a->in4.sin_family = AF_INET;
	a->in4.sin_port = htons((uint16_t)port);
	assert_int_equal(inet_pton(AF_INET, host, &a->in4.sin_addr), 1);
	return sizeof(a->in4);
}

static int listen_at(const char *host, unsigned port)
{
	union address a;
	socklen_t len = address_of(host, port, &a);
	int one = 1, fd = socket(a.sa.sa_family, SOCK_STREAM, 0);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, &a.sa, len), 0);
	assert_int_equal(listen(fd, BACKLOG), 0);
	return fd;
}

/* A connection and both its ends. */
struct link {
	int client, server;
};

static struct link link_up(int listener, const char *from, const char *to, unsigned port)
{
	union address a;
	socklen_t len = address_of(from, 0, &a);
	struct link l = {.client = socket(a.sa.sa_family, SOCK_STREAM, 0)};

	assert_int_equal(bind(l.client, &a.sa, len), 0);
	len = address_of(to, port, &a);
	assert_int_equal(connect(l.client, &a.sa, len), 0);
	l.server = accept(listener, NULL, NULL);
	assert_true(l.server >= 0);
	return l;
}

static struct link link_from(int listener, const char *from)
{
	return link_up(listener, from, "127.0.0.1", rig.port);
}

static void hang_up(struct link l)
{
	close(l.server);
	close(l.client);
}

/* Reset: there is no TIME_WAIT, both ends are gone when this returns. */
static void cut(struct link l)
{
	const struct linger now = {.l_onoff = 1};

	setsockopt(l.server, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	hang_up(l);
}

/* --- what is counted -------------------------------------------------------------------------- */

static struct rw_source_conns of(const char *source)
{
	struct rw_prefix want = rig_prefix(source);
	struct rw_source_conns all[16], found = {.source.family = 0};
	unsigned n;

	assert_int_equal(rw_kern_conns(&rig.k, all, 16, &n, NULL), RW_OK);
	assert_true(n < 16);
	for (unsigned i = 0; i < n; i++)
		if (!memcmp(&all[i].source, &want, sizeof(want)))
			found = all[i];
	return found;
}

static bool known(const char *source)
{
	return of(source).source.family != 0;
}

static struct rw_kern_sock_stats counters(void)
{
	struct rw_kern_sock_stats s;

	assert_int_equal(rw_kern_conns_counters(&rig.k, &s, NULL), RW_OK);
	return s;
}

static void an_established_connection_is_counted_until_it_ends(void **state)
{
	int listener = listen_at("127.0.0.1", rig.port);
	struct link a = link_from(listener, "127.0.0.2"), b = link_from(listener, "127.0.0.2");
	struct rw_source_conns c = of("127.0.0.2");

	(void)state;
	assert_int_equal(c.open, 2);
	assert_int_equal(c.opened, 2);
	assert_int_equal(c.closed, 0);
	assert_true(c.srtt_us_min > 0 && c.srtt_us_last >= c.srtt_us_min &&
		    c.srtt_us_last < 1000000);
	cut(a);
	assert_int_equal(of("127.0.0.2").open, 1);
	hang_up(b);
	c = of("127.0.0.2");
	assert_int_equal(c.open, 0);
	assert_int_equal(c.closed, 2);
	assert_int_equal(counters().sock_opened, 2);
	assert_int_equal(counters().sock_closed, 2);
	close(listener);
}

/* Sources are counted apart, IPv6 by /64, and IPv4 as itself where a dual-stack socket met it. */
static void sources_are_what_they_are_elsewhere(void **state)
{
	int four = listen_at("127.0.0.1", rig.port), six = listen_at("::1", rig.port);
	struct link l[] = {link_from(four, "127.0.0.2"), link_from(four, "127.0.0.3"),
			   link_up(six, "::1", "::1", rig.port)};

	(void)state;
	assert_int_equal(of("127.0.0.2").open, 1);
	assert_int_equal(of("127.0.0.3").open, 1);
	assert_int_equal(of("::/64").open, 1);
	for (unsigned i = 0; i < 3; i++)
		cut(l[i]);
	close(four);
	close(six);
	six = listen_at("::", rig.port);
	l[0] = link_from(six, "127.0.0.4");
	assert_int_equal(of("127.0.0.4").open, 1);
	cut(l[0]);
	close(six);
}

/* Anybody can send a SYN in anybody's name; the answer goes there, and nothing comes back. */
static void a_syn_alone_makes_no_entry(void **state)
{
	const int one = 1;
	int listener = listen_at("127.0.0.1", rig.port), fd;
	struct {
		struct {
			uint8_t vihl, tos;
			uint16_t len, id, off;
			uint8_t ttl, proto;
			uint16_t sum;
			uint32_t from, to;
		} ip;
		uint16_t sport, dport;
		uint32_t seq, ack;
		uint8_t off, flags;
		uint16_t window, sum, urgent;
	} syn = {
		.ip = {.vihl = 0x45,
		       .ttl = 64,
		       .proto = IPPROTO_TCP,
		       .from = inet_addr("192.0.2.9"),
		       .to = inet_addr("127.0.0.1")},
		.sport = htons(4000),
		.dport = htons((uint16_t)rig.port),
		.seq = htonl(1),
		.off = 5 << 4,
		.flags = 2,
		.window = htons(1000),
	};
	union address to;
	socklen_t len = address_of("127.0.0.1", 0, &to);
	uint32_t sum = IPPROTO_TCP + 20;
	FILE *f;
	unsigned half_open = 0;
	char line[256];

	(void)state;
	for (const uint16_t *w = (uint16_t *)&syn.ip.from; w < (uint16_t *)(&syn + 1); w++)
		sum += ntohs(*w);
	sum = (sum & 0xffff) + (sum >> 16);
	syn.sum = htons((uint16_t)~(sum + (sum >> 16)));
	fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &one, sizeof(one)), 0);
	assert_int_equal(sendto(fd, &syn, 40, 0, &to.sa, len), 40);
	close(fd);
	/* The kernel took it for a SYN, or this test shows nothing. */
	f = fopen("/proc/thread-self/net/tcp", "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		half_open += strstr(line, "090200C0:0FA0 03 ") != NULL;
	fclose(f);
	assert_int_equal(half_open, 1);
	assert_false(known("192.0.2.9"));
	assert_int_equal(counters().sock_opened, 0);
	close(listener);
}

/* The gateway connects, too: to its upstreams, which are nobody's sources. */
static void what_the_cgroup_opens_itself_is_not_counted(void **state)
{
	int listener = listen_at("127.0.0.1", rig.port + 1);
	struct link l = link_up(listener, "127.0.0.2", "127.0.0.1", rig.port + 1);

	(void)state;
	assert_int_equal(counters().sock_opened, 0);
	assert_false(known("127.0.0.2") || known("127.0.0.1"));
	cut(l);
	close(listener);
}

/* A port that is no longer protected: what was counted must be counted off. */
static void a_port_that_is_given_up_keeps_no_connections(void **state)
{
	const struct rw_kern_ports none = {0};
	uint32_t zero = 0;
	int listener = listen_at("127.0.0.1", rig.port);
	struct link l = link_from(listener, "127.0.0.2");

	(void)state;
	assert_int_equal(bpf_map_update_elem(rig.k.fd[RW_MAP_PORTS], &zero, &none, BPF_ANY), 0);
	cut(link_from(listener, "127.0.0.2"));
	assert_int_equal(of("127.0.0.2").opened, 1);
	cut(l);
	assert_int_equal(of("127.0.0.2").open, 0);
	close(listener);
}

/* A round-trip time that grew is told while the connection goes on, and the least one stays. */
static void round_trip_time_is_told_while_it_lives(void **state)
{
	const struct rw_kern_conn far = {
		.open = 7, .born = 1, .srtt_us_min = 5, .srtt_us_last = 900000};
	int listener = listen_at("127.0.0.1", rig.port);
	struct link l = link_from(listener, "127.0.0.2");
	struct rw_kern_key key = {0};
	struct rw_kern_conn mine;
	char byte = 0;

	(void)state;
	assert_int_equal(bpf_map_get_next_key(rig.k.fd[RW_MAP_CONN], NULL, &key), 0);
	assert_int_equal(bpf_map_lookup_elem(rig.k.fd[RW_MAP_CONN], &key, &mine), 0);
	mine.srtt_us_min = far.srtt_us_min;
	mine.srtt_us_last = far.srtt_us_last;
	assert_int_equal(bpf_map_update_elem(rig.k.fd[RW_MAP_CONN], &key, &mine, BPF_EXIST), 0);
	usleep(2 << (RW_KERN_RTT_SHIFT - 10));
	assert_int_equal(send(l.server, &byte, 1, 0), 1);
	assert_int_equal(recv(l.client, &byte, 1, 0), 1);
	assert_true(of("127.0.0.2").srtt_us_last < far.srtt_us_last);
	assert_int_equal(of("127.0.0.2").srtt_us_min, far.srtt_us_min);
	cut(l);
	close(listener);
}

/* --- evictions -------------------------------------------------------------------------------- */

static void evict(const char *source)
{
	struct rw_prefix p = rig_prefix(source);
	struct rw_kern_key key = rw_prefix_key(&p);

	assert_int_equal(bpf_map_delete_elem(rig.k.fd[RW_MAP_CONN], &key), 0);
}

/* Its end must not be taken from what another entry of the same source counts: that went below 0.
 */
static void the_end_of_an_evicted_one_takes_nothing_from_others(void **state)
{
	int listener = listen_at("127.0.0.1", rig.port);
	struct link old = link_from(listener, "127.0.0.2"), now;

	(void)state;
	evict("127.0.0.2");
	now = link_from(listener, "127.0.0.2");
	cut(old);
	assert_int_equal(of("127.0.0.2").open, 1);
	assert_int_equal(counters().sock_evicted, 1);
	cut(now);
	assert_int_equal(of("127.0.0.2").open, 0);
	assert_int_equal(counters().sock_evicted, 1);
	close(listener);
}

static void an_evicted_one_that_closes_makes_no_entry(void **state)
{
	int listener = listen_at("127.0.0.1", rig.port);
	struct link l = link_from(listener, "127.0.0.2");

	(void)state;
	evict("127.0.0.2");
	cut(l);
	assert_false(known("127.0.0.2"));
	assert_int_equal(counters().sock_evicted, 1);
	assert_int_equal(counters().sock_closed, 1);
	close(listener);
}

/* Streams live for minutes: one whose source was evicted is counted again as soon as it is used. */
static void an_evicted_one_in_use_is_counted_again(void **state)
{
	int listener = listen_at("127.0.0.1", rig.port);
	struct link l = link_from(listener, "127.0.0.2");
	char byte = 0;

	(void)state;
	evict("127.0.0.2");
	usleep(2 << (RW_KERN_RTT_SHIFT - 10));
	assert_int_equal(send(l.server, &byte, 1, 0), 1);
	assert_int_equal(recv(l.client, &byte, 1, 0), 1);
	assert_int_equal(of("127.0.0.2").open, 1);
	assert_int_equal(of("127.0.0.2").opened, 0);
	assert_int_equal(counters().sock_evicted, 1);
	cut(l);
	assert_int_equal(of("127.0.0.2").open, 0);
	close(listener);
}

/* --- races ------------------------------------------------------------------------------------ */

enum { ROUNDS = 20000, HELD = 5, CPUS_MAX = 8 };

struct visitor {
	pthread_t thread;
	int cpu, listener;
	char at[16]; /* an address each, so that they do not wait for each other */
	struct link held[HELD];
};

static void *come_and_go(void *arg)
{
	struct visitor *v = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)v->cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct link l = link_up(v->listener, "127.0.0.2", v->at, rig.port);

		if (i < HELD)
			v->held[i] = l;
		else
			cut(l);
	}
	return NULL;
}

/* All connections of one source, from every CPU at once: not one may be missing, or too many. */
static void counts_are_exact_from_all_cpus(void **state)
{
	struct visitor v[CPUS_MAX];
	unsigned n = 0;
	cpu_set_t set;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE && n < CPUS_MAX; cpu++)
		if (CPU_ISSET((unsigned)cpu, &set)) {
			v[n].cpu = cpu;
			snprintf(v[n].at, sizeof(v[n].at), "127.0.1.%u", n + 1);
			v[n].listener = listen_at(v[n].at, rig.port);
			n++;
		}
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(pthread_create(&v[i].thread, NULL, come_and_go, &v[i]), 0);
	for (unsigned i = 0; i < n; i++)
		pthread_join(v[i].thread, NULL);
	assert_int_equal(of("127.0.0.2").opened, n * ROUNDS);
	assert_int_equal(of("127.0.0.2").closed, n * (ROUNDS - HELD));
	assert_int_equal(of("127.0.0.2").open, n * HELD);
	for (unsigned i = 0; i < n; i++) {
		for (unsigned h = 0; h < HELD; h++)
			cut(v[i].held[h]);
		close(v[i].listener);
	}
	assert_int_equal(of("127.0.0.2").open, 0);
	assert_int_equal(counters().sock_opened, n * ROUNDS);
	assert_int_equal(counters().sock_evicted + counters().sock_untracked, 0);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void most_open_connections_come_first(void **state)
{
	static const char *const from[] = {"127.0.0.2", "127.0.0.3", "127.0.0.3",
					   "127.0.0.4", "127.0.0.4", "127.0.0.4"};
	enum { N = sizeof(from) / sizeof(from[0]) };
	int listener = listen_at("127.0.0.1", rig.port);
	struct rw_source_conns top[2];
	struct link l[N];
	unsigned n;
	char text[64];

	(void)state;
	for (unsigned i = 0; i < N; i++)
		l[i] = link_from(listener, from[i]);
	assert_int_equal(rw_kern_conns(&rig.k, top, 2, &n, NULL), RW_OK);
	assert_int_equal(n, 2);
	assert_string_equal(rw_prefix_text(&top[0].source, text), "127.0.0.4/32");
	assert_int_equal(top[0].open, 3);
	assert_string_equal(rw_prefix_text(&top[1].source, text), "127.0.0.3/32");
	for (unsigned i = 0; i < N; i++)
		cut(l[i]);
	close(listener);
}

/* --- the rig ---------------------------------------------------------------------------------- */

/* The directory of this process's cgroup v2. */
static int open_own_cgroup(void)
{
	char line[512], mount[256] = "", path[1024], own[256] = "";
	FILE *f = fopen("/proc/self/mounts", "re");

	assert_non_null(f);
	while (!mount[0] && fgets(line, sizeof(line), f))
		if (strstr(line, " cgroup2 "))
			assert_int_equal(sscanf(line, "%*s %255s", mount), 1);
	fclose(f);
	f = fopen("/proc/self/cgroup", "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "0::", 3))
			assert_int_equal(sscanf(line + 3, "%255s", own), 1);
	fclose(f);
	snprintf(path, sizeof(path), "%s%s", mount, own);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int group_setup(void **state)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	struct rtentry nowhere = {.rt_flags = RTF_UP, .rt_dev = ifr.ifr_name};
	union address a;
	int fd;

	/* What is sent there comes to lo and is dropped: nobody answers. */
	address_of("192.0.2.0", 0, &a);
	nowhere.rt_dst = a.sa;
	address_of("255.255.255.0", 0, &a);
	nowhere.rt_genmask = a.sa;

	*state = NULL;
	if (unshare(CLONE_NEWNET))
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
	assert_int_equal(ioctl(fd, SIOCADDRT, &nowhere), 0);
	close(fd);
	rig.port = 20000 + (unsigned)getpid() % 20000;
	return 0;
}

static int setup(void **state)
{
	struct rw_kern_ports ports = {0};
	struct rw_kern_cfg cfg = {0};
	int target[RW_TARGETS] = {0};
	struct rw_error e = {0};
	uint32_t zero = 0;

	(void)state;
	rw_kern_init(&rig.k);
	rw_programs_init(&rig.programs);
	if (rw_programs_load(&rig.programs, 1U << RW_PROGRAM_SOCK, &e)) {
		print_error("%s\n", e.text);
		return -1;
	}
	for (unsigned m = 0; m < RW_MAPS; m++)
		if (rig.programs.map[m] >= 0)
			rig.k.fd[m] = dup(rig.programs.map[m]);
	rig.k.cpus = libbpf_num_possible_cpus();
	ports.word[rig.port / 64] = 1ULL << (rig.port % 64);
	assert_int_equal(bpf_map_update_elem(rig.k.fd[RW_MAP_CFG], &zero, &cfg, BPF_ANY), 0);
	assert_int_equal(bpf_map_update_elem(rig.k.fd[RW_MAP_PORTS], &zero, &ports, BPF_ANY), 0);
	target[RW_TARGET_CGROUP] = open_own_cgroup();
	assert_true(target[RW_TARGET_CGROUP] >= 0);
	assert_int_equal(
		rw_programs_link(&rig.programs, 1U << RW_PROGRAM_SOCK, target, RW_KERN_MODE_NATIVE),
		0);
	close(target[RW_TARGET_CGROUP]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rw_kern_release(&rig.k);
	rw_programs_free(&rig.programs);
	return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_established_connection_is_counted_until_it_ends),
		TEST(sources_are_what_they_are_elsewhere),
		TEST(a_syn_alone_makes_no_entry),
		TEST(what_the_cgroup_opens_itself_is_not_counted),
		TEST(a_port_that_is_given_up_keeps_no_connections),
		TEST(round_trip_time_is_told_while_it_lives),
		TEST(the_end_of_an_evicted_one_takes_nothing_from_others),
		TEST(an_evicted_one_that_closes_makes_no_entry),
		TEST(an_evicted_one_in_use_is_counted_again),
		TEST(counts_are_exact_from_all_cpus),
		TEST(most_open_connections_come_first),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
