/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An upgrade from a version whose tables had another layout. That version is rw_xdp compiled with
 * one field more at the start of a ban, of the bits, the configuration and the key of the cookies
 * (scripts/build.mk).
 * Runs in a network and a bpffs of its own.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "kernel/rig.h"

#include <arpa/inet.h>
#include <linux/bpf_common.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define VARIANT "build/bpf/variant/rw_xdp.bpf.o"
#define LINK	RW_PIN_ROOT "/rw_xdp_link"

enum { FIELD = 8, HOUR_S = 3600 };

static const enum rw_kern_map changed[] = {RW_MAP_CFG,	 RW_MAP_BITS,  RW_MAP_DENY4,  RW_MAP_DENY6,
					   RW_MAP_CIDR4, RW_MAP_CIDR6, RW_MAP_SYN_KEY};

/* --- a world -------------------------------------------------------------------------------- */

static int own_world(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd, rc;

	if (unshare(CLONE_NEWNS | CLONE_NEWNET) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", RW_BPFFS, "bpf", 0, NULL))
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	rc = ioctl(fd, SIOCSIFFLAGS, &lo);
	close(fd);
	return rc;
}

static int packet_socket(void)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = (int)if_nametoindex("lo")};
	int yes = 1, fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes)), 0);
	return fd;
}

static void send_from(int fd, const char *src)
{
	struct packet p;

	packet_build(&p, &(struct packet_make){.src = src, .flags = SYN});
	memset(p.bytes, 0, 12); /* the addresses of lo */
	assert_int_equal(send(fd, p.bytes, p.n, 0), p.n);
}

/* How many frames came through to where the stack begins. */
static unsigned came_through(int fd)
{
	char frame[PACKET_MAX];
	unsigned n = 0;

	while (recv(fd, frame, sizeof(frame), MSG_DONTWAIT) > 0)
		n++;
	return n;
}

static struct rw_kern *opened(void)
{
	struct rw_error e = {0};
	struct rw_kern *k;

	if (rw_kern_open(&k, &e))
		fail_msg("%s", e.text);
	return k;
}

static uint32_t running_program(void)
{
	uint32_t id = 0;

	assert_int_equal(bpf_xdp_query_id((int)if_nametoindex("lo"), 0, &id), 0);
	return id;
}

/* --- the version before --------------------------------------------------------------------------
 */

static bool has_changed(const char *name)
{
	for (unsigned i = 0; i < sizeof(changed) / sizeof(changed[0]); i++)
		if (!strcmp(name, rw_kern_maps[changed[i]].name))
			return true;
	return false;
}

static int pinned(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), RW_PIN_ROOT "/%s", name);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	return fd;
}

/* The entries as the version before has them: a field in front of each value. */
static void age_map(const char *name, int old_fd)
{
	static char value[FIELD + sizeof(struct rw_kern_bits)];
	char path[128], key[32];
	int fd = pinned(name);
	void *at = NULL;

	while (!bpf_map_get_next_key(fd, at, key)) {
		assert_int_equal(bpf_map_lookup_elem(fd, key, value + FIELD), 0);
		assert_int_equal(bpf_map_update_elem(old_fd, key, value, BPF_ANY), 0);
		at = key;
	}
	close(fd);
	snprintf(path, sizeof(path), RW_PIN_ROOT "/%s", name);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bpf_obj_pin(old_fd, path), 0);
}

static void age_meta(int prog_fd)
{
	struct rw_kern_meta meta;
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info), zero = 0;
	int fd = pinned("rw_meta");

	assert_int_equal(bpf_prog_get_info_by_fd(prog_fd, &info, &len), 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &zero, &meta), 0);
	meta.prog_id = info.id;
	meta.layout ^= 1;
	snprintf(meta.version, sizeof(meta.version), "0.0.9");
	assert_int_equal(bpf_map_update_elem(fd, &zero, &meta, BPF_ANY), 0);
	close(fd);
}

/* Puts the version before in the place of ours: its program, its maps, their pins. */
static void age(void)
{
	struct bpf_object *obj = bpf_object__open_file(VARIANT, NULL);
	int link = bpf_obj_get(LINK), prog;
	struct bpf_map *map;

	assert_non_null(obj);
	bpf_object__for_each_map(map, obj)
	{
		if (!has_changed(bpf_map__name(map))) {
			int fd = pinned(bpf_map__name(map));

			assert_int_equal(bpf_map__reuse_fd(map, fd), 0);
			close(fd);
		}
	}
	assert_int_equal(bpf_object__load(obj), 0);
	bpf_object__for_each_map(map, obj)
	{
		if (has_changed(bpf_map__name(map)))
			age_map(bpf_map__name(map), bpf_map__fd(map));
	}
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "rw_xdp"));
	assert_int_equal(bpf_link_update(link, prog, NULL), 0);
	age_meta(prog);
	close(link);
	bpf_object__close(obj);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void ban(struct rw_kern *k, const char *text, uint64_t ttl_s, enum rw_kern_verdict verdict)
{
	struct rw_prefix p = rig_prefix(text);

	assert_int_equal(
		rw_kern_deny(k, &p, ttl_s * 1000000000, verdict, RW_KERN_REASON_OPERATOR, NULL),
		RW_OK);
}

/* More prefix lengths than the hashes have places for: the last of each family are in a trie. */
static const char *const many4[] = {"10.1.0.0/16", "10.2.0.0/17", "10.3.0.0/18", "10.4.0.0/19",
				    "10.5.0.0/20", "10.6.0.0/21", "10.7.0.0/22", "10.8.0.0/23"};
static const char *const many6[] = {"2001:db8:1::/48", "2001:db8:2::/49", "2001:db8:3::/50",
				    "2001:db8:4::/51", "2001:db8:5::/52", "2001:db8:6::/53",
				    "2001:db8:7::/54", "2001:db8:8::/55"};

enum { MANY = sizeof(many4) / sizeof(many4[0]), BANS = 3 + 2 * MANY };

static unsigned entries(const char *name)
{
	int fd = pinned(name);
	char key[32];
	void *at = NULL;
	unsigned n = 0;

	for (; !bpf_map_get_next_key(fd, at, key); n++)
		at = key;
	close(fd);
	return n;
}

static int attach(void **state)
{
	static const struct rw_kern_attach a = {
		.interface = "lo",
		.mode = RW_KERN_MODE_GENERIC,
		.limits = {.ports = {443, 8443},
			   .n_ports = 2,
			   .syn_per_second = 50,
			   .syn_burst = 60},
	};
	struct rw_prefix friend = rig_prefix("192.0.2.9");
	struct rw_kern_attached done;
	struct rw_error e = {0};
	struct rw_kern *k;

	(void)state;
	if (rw_kern_attach(&a, &done, &e)) {
		print_error("%s\n", e.text);
		return -1;
	}
	k = opened();
	ban(k, "192.0.2.7", 0, RW_KERN_VERDICT_DROP_ALL);
	ban(k, "198.51.100.0/24", HOUR_S, RW_KERN_VERDICT_DROP_SYN);
	ban(k, "2001:db8::/64", 0, RW_KERN_VERDICT_LIMIT);
	for (unsigned i = 0; i < MANY; i++) {
		ban(k, many4[i], HOUR_S, RW_KERN_VERDICT_DROP_ALL);
		ban(k, many6[i], 0, RW_KERN_VERDICT_DROP_SYN);
	}
	assert_true(entries("rw_cidr4") > 0 && entries("rw_cidr6") > 0);
	assert_int_equal(rw_kern_allow(k, &friend, true, NULL), RW_OK);
	rw_kern_close(k);
	return 0;
}

static int detach(void **state)
{
	(void)state;
	return rw_kern_detach(NULL);
}

static void other_layout_is_refused_and_upgrade_named(void **state)
{
	struct rw_error e = {0};
	struct rw_kern *k;

	(void)state;
	age();
	assert_int_equal(rw_kern_open(&k, &e), RW_EUNSUP);
	assert_non_null(strstr(e.text, "0.0.9"));
	assert_non_null(strstr(e.text, "kern upgrade"));
}

static void expect_ban(const struct rw_ban *bans, unsigned n, const char *prefix,
		       enum rw_kern_verdict verdict, bool for_ever)
{
	char text[64];

	for (unsigned i = 0; i < n; i++) {
		if (strcmp(rw_prefix_text(&bans[i].prefix, text), prefix) != 0)
			continue;
		assert_int_equal(bans[i].verdict, verdict);
		assert_int_equal(bans[i].reason, RW_KERN_REASON_OPERATOR);
		assert_int_equal(bans[i].left_ns == UINT64_MAX, for_ever);
		assert_in_range(bans[i].left_ns / 1000000000, for_ever ? 1 : HOUR_S - 600,
				UINT64_MAX);
		return;
	}
	fail_msg("%s is not banned any more", prefix);
}

static void expect_carried(const struct rw_kern_cfg *before)
{
	struct rw_kern *k = opened();
	struct rw_prefix *allows;
	struct rw_kern_cfg now;
	struct rw_ban *bans;
	unsigned n;

	assert_int_equal(rw_kern_bans(k, &bans, &n, NULL), RW_OK);
	assert_int_equal(n, BANS);
	for (unsigned i = 0; i < MANY; i++) {
		expect_ban(bans, n, many4[i], RW_KERN_VERDICT_DROP_ALL, false);
		expect_ban(bans, n, many6[i], RW_KERN_VERDICT_DROP_SYN, true);
	}
	expect_ban(bans, n, "192.0.2.7/32", RW_KERN_VERDICT_DROP_ALL, true);
	expect_ban(bans, n, "198.51.100.0/24", RW_KERN_VERDICT_DROP_SYN, false);
	expect_ban(bans, n, "2001:db8::/64", RW_KERN_VERDICT_LIMIT, true);
	free(bans);
	assert_int_equal(rw_kern_allows(k, &allows, &n, NULL), RW_OK);
	assert_int_equal(n, 1);
	free(allows);
	assert_int_equal(rw_kern_config(k, &now, NULL), RW_OK);
	assert_memory_equal(&now, before, sizeof(now));
	rw_kern_close(k);
}

static struct rw_kern_syn_key syn_key(void)
{
	struct rw_kern_syn_key key;
	uint32_t zero = 0;
	int fd = pinned("rw_syn_key");

	assert_int_equal(bpf_map_lookup_elem(fd, &zero, &key), 0);
	assert_true(key.key[0] && key.key[1]);
	close(fd);
	return key;
}

struct load {
	int fd;
	atomic_bool end;
	atomic_uint sent;
	pthread_t thread;
};

static void *send_banned(void *arg)
{
	struct load *load = arg;

	while (!atomic_load(&load->end)) {
		send_from(load->fd, "192.0.2.7");
		atomic_fetch_add(&load->sent, 1);
	}
	return NULL;
}

static void send_some(struct load *load)
{
	unsigned from = atomic_load(&load->sent);

	while (atomic_load(&load->sent) < from + 1000)
		sched_yield();
}

/* The old tables are read while packets are judged by them; then, at once, by the new. */
static void bans_and_limits_go_into_the_new_layout_under_packets(void **state)
{
	struct rw_kern *engine = opened(), *k = opened();
	struct load load = {.fd = packet_socket()};
	struct rw_prefix p = rig_prefix("203.0.113.1");
	struct rw_kern_upgraded done;
	struct rw_kern_cfg before;
	struct rw_error e = {0};
	struct rw_kern_syn_key key = syn_key(), now;
	uint32_t old;

	(void)state;
	assert_int_equal(rw_kern_config(k, &before, NULL), RW_OK);
	rw_kern_close(k);
	age();
	old = running_program();
	assert_int_equal(pthread_create(&load.thread, NULL, send_banned, &load), 0);
	send_some(&load);
	if (rw_kern_upgrade(false, &done, &e))
		fail_msg("%s", e.text);
	send_some(&load);
	atomic_store(&load.end, true);
	pthread_join(load.thread, NULL);
	assert_int_equal(came_through(load.fd), 0);
	send_from(load.fd, "192.0.2.9");
	send_from(load.fd, "198.51.100.3");
	send_from(load.fd, "10.1.2.3");
	send_from(load.fd, "10.8.1.3");
	assert_int_equal(came_through(load.fd), 1);
	close(load.fd);

	assert_int_not_equal(running_program(), old);
	assert_true(done.replaced);
	assert_non_null(strstr(done.text, "rw_syn_key: has another layout now, 1 entries"));
	assert_int_equal(entries("rw_deny4") + entries("rw_cidr4"), 2 + MANY);
	assert_int_equal(entries("rw_deny6") + entries("rw_cidr6"), 1 + MANY);
	assert_true(entries("rw_cidr4") > 0 && entries("rw_cidr6") > 0);
	now = syn_key();
	assert_memory_equal(&now, &key, sizeof(key));
	expect_carried(&before);
	assert_int_equal(
		rw_kern_deny(engine, &p, 0, RW_KERN_VERDICT_DROP_ALL, RW_KERN_REASON_OPERATOR, &e),
		RW_EUNSUP);
	assert_non_null(strstr(e.text, "start it again"));
	rw_kern_close(engine);
	assert_int_equal(rw_kern_upgrade(false, &done, &e), RW_OK);
	assert_false(done.replaced);
}

/* What cannot be carried over must not be lost: then nothing changes at all. */
static void failed_upgrade_changes_nothing(void **state)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "rw_deny4", 8, 40, 16, NULL);
	struct rw_kern_meta before, after;
	struct rw_kern_upgraded done;
	struct rw_error e = {0};
	uint32_t zero = 0, prog;
	struct stat pin, pin_after;
	int meta;

	(void)state;
	age();
	prog = running_program();
	meta = pinned("rw_meta");
	assert_int_equal(bpf_map_lookup_elem(meta, &zero, &before), 0);
	assert_int_equal(unlink(RW_PIN_ROOT "/rw_deny4"), 0);
	assert_int_equal(bpf_obj_pin(fd, RW_PIN_ROOT "/rw_deny4"), 0);
	assert_int_equal(stat(RW_PIN_ROOT "/rw_deny6", &pin), 0);
	assert_int_equal(rw_kern_upgrade(false, &done, &e), RW_EUNSUP);
	assert_non_null(strstr(e.text, "rw_deny4"));
	assert_non_null(strstr(e.text, "nothing was changed"));
	assert_int_equal(running_program(), prog);
	assert_int_equal(bpf_map_lookup_elem(meta, &zero, &after), 0);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(stat(RW_PIN_ROOT "/rw_deny6", &pin_after), 0);
	assert_int_equal(pin.st_ino, pin_after.st_ino);
	assert_int_not_equal(access(RW_PIN_ROOT "/rw_deny6_new", F_OK), 0);
	close(meta);
	close(fd);
}

/* Puts another map under the name of one of ours. */
static int pin_other(const char *name, enum bpf_map_type type, uint32_t value, uint32_t entries)
{
	char path[128];
	int fd = bpf_map_create(type, name, 4, value, entries, NULL);

	assert_true(fd >= 0);
	snprintf(path, sizeof(path), RW_PIN_ROOT "/%s", name);
	unlink(path);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	return fd;
}

/* Nothing carries feeds: to go without them is for the operator to say, and only where there are.
 */
static void upgrade_that_would_empty_feeds_wants_force(void **state)
{
	int fd = pin_other("rw_feeds", BPF_MAP_TYPE_ARRAY, sizeof(struct rw_kern_feed) + FIELD,
			   RW_KERN_FEEDS);
	char value[sizeof(struct rw_kern_feed) + FIELD] = {[FIELD] = 'a'};
	uint32_t zero = 0, prog = running_program();
	struct rw_kern_upgraded done;
	struct rw_error e = {0};

	(void)state;
	assert_int_equal(bpf_map_update_elem(fd, &zero, value, BPF_ANY), 0);
	assert_int_equal(rw_kern_upgrade(false, &done, &e), RW_EUNSUP);
	assert_non_null(strstr(e.text, "lost: rw_feeds."));
	assert_non_null(strstr(e.text, "--force"));
	assert_int_equal(running_program(), prog);
	assert_int_equal(rw_kern_upgrade(true, &done, &e), RW_OK);
	assert_non_null(strstr(done.text, "rw_feeds: has another layout now and starts empty"));
	assert_int_not_equal(running_program(), prog);
	close(fd);
	close(pin_other("rw_feeds", BPF_MAP_TYPE_ARRAY, sizeof(value), RW_KERN_FEEDS));
	assert_int_equal(rw_kern_upgrade(false, &done, &e), RW_OK);
}

/* A sketch fills up again by itself, whatever was in it. */
static void upgrade_loses_what_comes_again_without_being_told(void **state)
{
	int fd = pin_other("rw_promo", BPF_MAP_TYPE_ARRAY, 64, 1);
	struct rw_kern_upgraded done;
	char value[64] = {1};
	struct rw_error e = {0};
	uint32_t zero = 0;

	(void)state;
	assert_int_equal(bpf_map_update_elem(fd, &zero, value, BPF_ANY), 0);
	assert_int_equal(rw_kern_upgrade(false, &done, &e), RW_OK);
	assert_non_null(strstr(done.text, "rw_promo: has another layout now and starts empty"));
	close(fd);
}

/* A link of another kind under the name of one of ours: it refuses the program that it is given. */
static void pin_stubborn_link(void)
{
	struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = TCX_NEXT},
				  {.code = BPF_JMP | BPF_EXIT}};
	int prog = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "foreign", "GPL", code, 2, NULL);
	int link = bpf_link_create(prog, (int)if_nametoindex("lo"), BPF_TCX_INGRESS, NULL);

	assert_int_equal(bpf_obj_pin(link, RW_PIN_ROOT "/rw_connect4_link"), 0);
	close(link);
	close(prog);
}

/* What the gateway may connect to: nothing carries it, and less of it than before must not be. */
static void egress_of_another_layout_is_refused_whatever_is_said(void **state)
{
	static const char *const names[] = {"rw_out_meta", "rw_out", "rw_out_net"};
	struct rw_kern_upgraded done;
	struct rw_error e = {0};
	uint32_t prog = running_program();

	(void)state;
	pin_stubborn_link();
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[128];

		close(pin_other(names[i], BPF_MAP_TYPE_ARRAY, 8, 1));
		assert_int_equal(rw_kern_upgrade(true, &done, &e), RW_EUNSUP);
		assert_non_null(strstr(e.text, names[i]));
		assert_non_null(strstr(e.text, "egress detach"));
		assert_int_equal(running_program(), prog);
		snprintf(path, sizeof(path), RW_PIN_ROOT "/%s", names[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(unlink(RW_PIN_ROOT "/rw_connect4_link"), 0);
}

/* Links that had their new program already get the old one back. bpffs lists the newest pin first.
 */
static void link_that_refuses_undoes_the_others(void **state)
{
	struct rw_kern_upgraded done;
	struct rw_error e = {0};
	uint32_t prog = running_program();

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		int link = bpf_obj_get(LINK);

		if (!i)
			pin_stubborn_link();
		assert_int_equal(rw_kern_upgrade(false, &done, &e), RW_EUNSUP);
		assert_non_null(strstr(e.text, "rw_connect4"));
		assert_non_null(strstr(e.text, "nothing was changed"));
		assert_int_equal(running_program(), prog);
		rw_kern_close(opened());
		assert_int_equal(unlink(LINK), 0);
		assert_int_equal(bpf_obj_pin(link, LINK), 0);
		close(link);
	}
	assert_int_equal(unlink(RW_PIN_ROOT "/rw_connect4_link"), 0);
	assert_int_equal(rw_kern_upgrade(false, &done, &e), RW_OK);
	assert_int_not_equal(running_program(), prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(other_layout_is_refused_and_upgrade_named, attach,
						detach),
		cmocka_unit_test_setup_teardown(
			bans_and_limits_go_into_the_new_layout_under_packets, attach, detach),
		cmocka_unit_test_setup_teardown(failed_upgrade_changes_nothing, attach, detach),
		cmocka_unit_test_setup_teardown(link_that_refuses_undoes_the_others, attach,
						detach),
		cmocka_unit_test_setup_teardown(upgrade_that_would_empty_feeds_wants_force, attach,
						detach),
		cmocka_unit_test_setup_teardown(upgrade_loses_what_comes_again_without_being_told,
						attach, detach),
		cmocka_unit_test_setup_teardown(
			egress_of_another_layout_is_refused_whatever_is_said, attach, detach),
	};

	if (own_world()) {
		fprintf(stderr, "cannot make a network and a bpffs: run as root\n");
		return 1;
	}
	return cmocka_run_group_tests_name("upgrade", tests, NULL, NULL);
}
