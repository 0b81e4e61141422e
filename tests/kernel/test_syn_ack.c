/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rw_syn takes for a cookie that came back. A frame that is run by hand is at no interface, so
 * the kernel makes no connection of it: a right cookie ends in cookie_failed here, and in a
 * connection in test_syn.py.
 */
#include "kernel/syn_rig.h"

#include <bpf/btf.h>

#define NEXT ((uint32_t)-1)
enum { DROP = 2 };

static int listener;

/* An ACK as of a client that got a cookie. */
struct ack_make {
	const char *src;
	unsigned age; /* periods since then */
	uint8_t mss, options;
	uint8_t flags; /* default ACK */
	unsigned tags, payload;
	uint16_t port;
};

static void make_ack(struct packet *p, const struct ack_make *make)
{
	static const uint8_t stamps[] = {1, 1, 8, 10, 9, 9, 9, 9};
	bool stamped = make->options & STAMPED;
	struct packet_make m = {.src = make->src,
				.flags = make->flags ? make->flags : ACK,
				.tags = make->tags,
				.payload = make->payload,
				.port = make->port,
				.tcp_options = stamped ? 12 : 0};
	struct ref_cookie c;

	packet_build(p, &m);
	c = cookie_of(p);
	c.period = period_now() - make->age;
	c.mss = make->mss;
	c.options = make->options;
	put32(p, p->l4 + 4, SEQ + 1u);
	put32(p, p->l4 + 8, ref_cookie_seq(&c, KEY) + 1);
	if (stamped) {
		memcpy(p->bytes + p->l4 + 20, stamps, sizeof(stamps));
		put32(p, p->l4 + 28, ref_cookie_timestamp(&c, KEY));
	}
}

/* Runs rw_syn: asserts the verdict, and that this counter rose and no other; RW_KERN_N: none. */
static void expect(const struct packet *p, uint32_t verdict, enum rw_kern_counter want)
{
	struct rw_kern_stats before = rig_counters(&rig), after;
	const uint64_t *b = (const uint64_t *)&before, *a = (const uint64_t *)&after;
	struct packet out;
	uint32_t got = run(RW_PROGRAM_SYN, p, &out);

	after = rig_counters(&rig);
	for (enum rw_kern_counter i = 0; i < RW_KERN_N; i++)
		if (a[i] != b[i] + (i == want))
			fail_msg("%s rose by %d, and %s was wanted", rig_counter_names[i],
				 (int)(a[i] - b[i]),
				 want < RW_KERN_N ? rig_counter_names[want] : "none");
	assert_int_equal(got, verdict);
	assert_int_equal(out.n, p->n);
	assert_memory_equal(out.bytes, p->bytes, p->n);
}

static void expect_ack(const struct ack_make *make, uint32_t verdict, enum rw_kern_counter want)
{
	struct packet p;

	make_ack(&p, make);
	expect(&p, verdict, want);
}

/* As after a cookie in this period. */
static int setup_ack(void **state)
{
	setup(state);
	set_meter(0, period_now() + 1);
	return 0;
}

#define RIGHT	RW_KERN_N_cookie_failed
#define REFUSED RW_KERN_N_cookie_refused
#define EXPIRED RW_KERN_N_cookie_expired

static const struct ack_make clients[] = {
	{.options = NO_SCALE},
	{.options = STAMPED | SACKED | 7, .mss = 3},
	{.options = STAMPED | ECNED | NO_SCALE, .mss = 1},
	{.src = V6, .options = NO_SCALE},
	{.src = V6, .options = STAMPED | SACKED | ECNED | 14, .mss = 2},
};
enum { N_CLIENTS = sizeof(clients) / sizeof(clients[0]) };

static void right_cookies_are_taken(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_CLIENTS; i++) {
		struct ack_make m = clients[i];

		expect_ack(&m, DROP, RIGHT);
		m.flags = PSH | ACK; /* its ACK was lost: the first data says the same */
		m.payload = 100;
		expect_ack(&m, DROP, RIGHT);
		m.flags = FIN | ACK;
		expect_ack(&m, DROP, RIGHT);
		m.tags = 1; /* beside one that the stack has taken off: on the VLAN device, then */
		expect_ack(&m, NEXT, RW_KERN_N);
	}
}

/* Away from the end of a period, so that the test is in one. */
static void wait_for_room_in_period(void)
{
	struct timespec t;

	do {
		usleep(10000);
		clock_gettime(CLOCK_MONOTONIC, &t);
	} while (((uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec) % (1ULL << 36) >
		 (1ULL << 36) - 3000000000);
}

/* Good in the period that it was made in and the next, then not. */
static void cookies_expire(void **state)
{
	static const enum rw_kern_counter by_age[] = {RIGHT, RIGHT, EXPIRED, EXPIRED, REFUSED};

	(void)state;
	wait_for_room_in_period();
	for (unsigned i = 0; i < N_CLIENTS; i++)
		for (unsigned age = 0; age < sizeof(by_age) / sizeof(by_age[0]); age++) {
			struct ack_make m = clients[i];

			m.age = age;
			expect_ack(&m, DROP, by_age[age]);
		}
}

/* A demonstration hashed one byte of an IPv6 source: any address could use another's cookie. */
static void every_bit_of_what_a_cookie_says_counts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_CLIENTS; i++) {
		struct packet p;
		bool v6;
		size_t from, end;

		make_ack(&p, &clients[i]);
		v6 = p.bytes[p.ip] >> 4 == 6;
		from = 8 * (p.ip + (v6 ? 8 : 12));
		end = 8 * (p.l4 + 12); /* addresses, ports, both numbers */
		for (size_t bit = from; bit < end; bit++) {
			if (bit / 16 == (p.l4 + 2) / 2)
				continue; /* another port is not ours */
			p.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			expect(&p, DROP, REFUSED);
			p.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		expect(&p, DROP, RIGHT);
	}
}

/* The options that a client echoes are under the code, too. */
static void options_cannot_be_changed(void **state)
{
	struct packet p;

	(void)state;
	make_ack(&p, &clients[1]);
	for (unsigned bit = 0; bit < 6; bit++) {
		p.bytes[p.l4 + 31] ^= (uint8_t)(1 << bit);
		expect(&p, DROP, REFUSED);
		p.bytes[p.l4 + 31] ^= (uint8_t)(1 << bit);
	}
	memset(p.bytes + p.l4 + 20, 1, 12); /* no timestamp any more */
	expect(&p, DROP, REFUSED);
}

/* While nobody was sent a cookie, an ACK is the stack's, which answers with RST. */
static void without_cookies_about_nothing_is_looked_at(void **state)
{
	struct packet p;

	(void)state;
	make_ack(&p, &clients[0]);
	p.bytes[p.l4 + 8] ^= 1;
	set_meter(UINT64_MAX / 2, 0);
	expect(&p, NEXT, RW_KERN_N);
	set_meter(UINT64_MAX / 2, period_now() + 1 - 5);
	expect(&p, NEXT, RW_KERN_N);
}

static void what_is_no_ack_to_a_protected_port_is_not_looked_at(void **state)
{
	static const uint8_t flags[] = {SYN, SYN | ACK, RST, RST | ACK};

	(void)state;
	for (unsigned i = 0; i < sizeof(flags); i++)
		expect_ack(&(struct ack_make){.flags = flags[i]}, NEXT, RW_KERN_N);
	rig_protect_only(444); /* 443 has a listener, and is not protected any more */
	expect_ack(&(struct ack_make){.src = V6}, NEXT, RW_KERN_N);
}

static void no_listener_is_the_stacks(void **state)
{
	(void)state;
	rig_protect_only(444);
	expect_ack(&(struct ack_make){.port = 444}, NEXT, RW_KERN_N);
}

/* Whatever it carries: no packet of an open connection may be taken for a forged cookie. */
static void open_connections_are_not_touched(void **state)
{
	struct connection c = connect_to(listener);
	struct packet p;

	(void)state;
	make_ack(&p, &(struct ack_make){.src = "::1", .options = NO_SCALE});
	memcpy(p.bytes + p.ip + 24, &in6addr_loopback, 16);
	expect(&p, DROP, REFUSED); /* of nobody, so far */
	memcpy(p.bytes + p.l4, &c.port, 2);
	expect(&p, NEXT, RW_KERN_N);
	close(c.client);
	close(c.server);
}

static void malformed_acks_are_not_looked_at(void **state)
{
	struct packet p;
	size_t whole;

	(void)state;
	make_ack(&p, &clients[1]);
	whole = p.n;
	for (p.n = 14 + 20; p.n < p.l4 + 20; p.n++)
		expect(&p, NEXT, RW_KERN_N);
	p.n = whole;
	p.bytes[p.l4 + 12] = 0x40; /* a TCP header of 16 bytes */
	expect(&p, NEXT, RW_KERN_N);
	p.bytes[p.l4 + 12] = 0xf0; /* longer than the packet */
	expect(&p, NEXT, RW_KERN_N);
}

static void kernel_without_the_function_is_refused_in_words(void **state)
{
	struct btf *none = btf__new_empty(), *kernel = btf__load_vmlinux_btf();
	struct rw_error e = {0};

	(void)state;
	assert_int_equal(rw_syn_supported(kernel, &e), RW_OK);
	assert_int_equal(rw_syn_supported(none, &e), RW_EUNSUP);
	assert_non_null(strstr(e.text, "without --syn-budget"));
	assert_int_equal(rw_syn_supported(NULL, &e), RW_EUNSUP);
	btf__free(none);
	btf__free(kernel);
}

static void verifier_work_stays_under_5000_instructions(void **state)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);

	(void)state;
	assert_int_equal(bpf_prog_get_info_by_fd(rig.programs.prog[RW_PROGRAM_SYN], &info, &len),
			 0);
	print_message("%u instructions\n", info.verified_insns);
	assert_in_range(info.verified_insns, 1, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(right_cookies_are_taken, setup_ack),
		cmocka_unit_test_setup(cookies_expire, setup_ack),
		cmocka_unit_test_setup(every_bit_of_what_a_cookie_says_counts, setup_ack),
		cmocka_unit_test_setup(options_cannot_be_changed, setup_ack),
		cmocka_unit_test_setup(without_cookies_about_nothing_is_looked_at, setup_ack),
		cmocka_unit_test_setup(what_is_no_ack_to_a_protected_port_is_not_looked_at,
				       setup_ack),
		cmocka_unit_test_setup(no_listener_is_the_stacks, setup_ack),
		cmocka_unit_test_setup(open_connections_are_not_touched, setup_ack),
		cmocka_unit_test_setup(malformed_acks_are_not_looked_at, setup_ack),
		cmocka_unit_test(kernel_without_the_function_is_refused_in_words),
		cmocka_unit_test(verifier_work_stays_under_5000_instructions),
	};
	int failed;

	listener = make_listener();
	if (listener < 0 || rig_new(&rig)) {
		fprintf(stderr, "no network of its own, or a program does not load: run as root\n");
		return 1;
	}
	failed = cmocka_run_group_tests_name("ACKs", tests, NULL, NULL);
	rig_free(&rig);
	return failed;
}
