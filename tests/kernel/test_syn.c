/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SYN cookies: every byte of the answers, held against an implementation of their own
 * (cookie_ref.h), and who gets none.
 */
#include "kernel/syn_rig.h"

static int listener;

#define CHAIN(...) \
	.chain = (const uint8_t[]){__VA_ARGS__}, .n_chain = sizeof((const uint8_t[]){__VA_ARGS__})

/* --- what a SYN offers, and what its answer has to say ------------------------------------------
 */

#define OPT_MSS(n)   2, 4, (n) >> 8, (n) & 0xff
#define OPT_SACK     4, 2
#define OPT_TS	     8, 10, 1, 2, 3, 4, 0, 0, 0, 0
#define OPT_SCALE(n) 3, 3, n
#define NOP	     1
#define LINUX	     OPT_MSS(1460), OPT_SACK, OPT_TS, NOP, OPT_SCALE(7)
#define OPTIONS(...) \
	.options = (const uint8_t[]){__VA_ARGS__}, .n = sizeof((const uint8_t[]){__VA_ARGS__})

struct offer {
	const char *name;
	const uint8_t *options;
	unsigned n;
	uint8_t flags;	    /* beside SYN */
	uint8_t mss4, mss6; /* wanted index */
	uint8_t want;	    /* options in the cookie */
	bool has_mss;
};

static const struct offer offers[] = {
	{"as Linux sends it", OPTIONS(LINUX), 0, 3, 3, STAMPED | SACKED | 7, true},
	{"with ECN", OPTIONS(LINUX), ECE | CWR, 3, 3, STAMPED | SACKED | ECNED | 7, true},
	{"half of ECN is none", OPTIONS(LINUX), ECE, 3, 3, STAMPED | SACKED | 7, true},
	{"nothing", NULL, 0, 0, 0, 0, NO_SCALE, false},
	{"MSS alone", OPTIONS(OPT_MSS(1400)), 0, 1, 1, NO_SCALE, true},
	{"MSS below the least", OPTIONS(OPT_MSS(100)), 0, 0, 0, NO_SCALE, true},
	{"MSS just below an entry", OPTIONS(OPT_MSS(1439)), 0, 1, 2, NO_SCALE, true},
	{"MSS at an entry", OPTIONS(OPT_MSS(1440)), 0, 2, 3, NO_SCALE, true},
	{"MSS of jumbo frames", OPTIONS(OPT_MSS(8960)), 0, 3, 3, NO_SCALE, true},
	{"no timestamps, so nothing else",
	 OPTIONS(OPT_MSS(1460), NOP, OPT_SCALE(7), NOP, NOP, OPT_SACK), ECE | CWR, 3, 3, NO_SCALE,
	 true},
	{"timestamps alone", OPTIONS(OPT_TS), 0, 0, 0, STAMPED | NO_SCALE, false},
	{"timestamps and scale", OPTIONS(OPT_TS, OPT_SCALE(2)), 0, 0, 0, STAMPED | 2, false},
	{"scale of 0", OPTIONS(OPT_TS, OPT_SCALE(0)), 0, 0, 0, STAMPED, false},
	{"scale beyond 14 is 14", OPTIONS(OPT_TS, OPT_SCALE(200)), 0, 0, 0, STAMPED | 14, false},
	{"40 bytes of options",
	 OPTIONS(NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP,
		 NOP, NOP, NOP, NOP, LINUX),
	 0, 3, 3, STAMPED | SACKED | 7, true},
	{"unknown option is skipped", OPTIONS(254, 6, 8, 10, 2, 4, LINUX), 0, 3, 3,
	 STAMPED | SACKED | 7, true},
	{"what follows the end is not read", OPTIONS(OPT_MSS(1460), 0, OPT_TS), 0, 3, 3, NO_SCALE,
	 true},
	{"option of length 0 ends the list", OPTIONS(OPT_MSS(1460), 254, 0, OPT_TS), 0, 3, 3,
	 NO_SCALE, true},
	{"option beyond the header ends it", OPTIONS(OPT_MSS(1460), 8, 10, 1, 2), 0, 3, 3, NO_SCALE,
	 true},
	{"option of a wrong length says nothing", OPTIONS(2, 3, 5, 3, 4, 1, 1, NOP), 0, 0, 0,
	 NO_SCALE, false},
};
enum { N_OFFERS = sizeof(offers) / sizeof(offers[0]) };

static void assert_answered(uint32_t verdict)
{
	enum { TCX_REDIRECTED = 7 };

	assert_int_equal(verdict, rig.judge == RW_PROGRAM_XDP ? (uint32_t)XDP_TX : TCX_REDIRECTED);
}

static void make_syn(struct packet *p, const struct packet_make *make, const struct offer *o)
{
	struct packet_make m = *make;

	m.flags = SYN | o->flags;
	m.tcp_options = (o->n + 3) / 4 * 4;
	packet_build(p, &m);
	memcpy(p->bytes, (const uint8_t[]){2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9}, 12);
	put32(p, p->l4 + 4, SEQ);
	if (o->n)
		memcpy(p->bytes + p->l4 + 20, o->options, o->n);
}

/* --- answers
 * ---------------------------------------------------------------------------------------- */

/* The IP header of an answer to p. */
static void expect_ip(const struct packet *p, const struct packet *a, size_t tcp_bytes)
{
	const uint8_t *ip = a->bytes + p->ip, *asked = p->bytes + p->ip;

	if (asked[0] >> 4 == 6) {
		assert_int_equal(get32(ip), 0x60000000);
		assert_int_equal(get16(ip + 4), tcp_bytes);
		assert_int_equal(ip[6], TCP);
		assert_int_equal(ip[7], 64);
		assert_memory_equal(ip + 8, asked + 24, 16);
		assert_memory_equal(ip + 24, asked + 8, 16);
		return;
	}
	assert_int_equal(ip[0], 0x45);
	assert_int_equal(ip[1], 0);
	assert_int_equal(get16(ip + 2), 20 + tcp_bytes);
	assert_int_equal(get32(ip + 4), 0x4000);
	assert_int_equal(ip[8], 64);
	assert_int_equal(ip[9], TCP);
	assert_memory_equal(ip + 12, asked + 16, 4);
	assert_memory_equal(ip + 16, asked + 12, 4);
	assert_int_equal(ref_fold(ref_add(0, ip, 20)), 0xffff);
}

static void expect_tcp_checksum(const struct packet *p, const struct packet *a, const uint8_t *tcp,
				size_t tcp_bytes)
{
	bool v6 = p->bytes[p->ip] >> 4 == 6;
	const uint8_t *addresses = a->bytes + p->ip + (v6 ? 8 : 12);
	uint32_t sum = ref_add((uint32_t)tcp_bytes + TCP, addresses, v6 ? 32 : 8);

	assert_int_equal(ref_fold(ref_add(sum, tcp, tcp_bytes)), 0xffff);
}

/* The options of the answer, as the offer and the cookie have it; returns their length. */
static size_t wanted_options(const struct offer *o, const struct ref_cookie *c, uint8_t *to)
{
	struct packet w = {.n = 0};
	unsigned mss = c->family == 6 ? MSS6 : MSS4;

	if (o->has_mss) {
		put32(&w, w.n, 2 << 24 | 4 << 16 | mss);
		w.n += 4;
	}
	if (c->options & STAMPED) {
		put32(&w, w.n,
		      (c->options & SACKED ? 4 << 24 | 2 << 16 : 1 << 24 | 1 << 16) | 8 << 8 | 10);
		put32(&w, w.n + 4, ref_cookie_timestamp(c, KEY));
		put32(&w, w.n + 8, TSVAL);
		w.n += 12;
		if ((c->options & NO_SCALE) != NO_SCALE) {
			put32(&w, w.n, 1 << 24 | 3 << 16 | 3 << 8 | SCALE);
			w.n += 4;
		}
	}
	memcpy(to, w.bytes, w.n);
	return w.n;
}

/* That a is the whole right answer to the SYN p, made in one of two periods. */
static void expect_answer(const struct packet *p, const struct packet *a, const struct offer *o,
			  uint8_t want, const uint32_t periods[2])
{
	struct ref_cookie c = cookie_of(p);
	const uint8_t *tcp = a->bytes + p->ip + (c.family == 6 ? 40 : 20);
	uint8_t wanted[40];
	size_t n, bytes;

	c.mss = c.family == 6 ? o->mss6 : o->mss4;
	c.options = want;
	c.period = periods[0];
	if (get32(tcp + 4) != ref_cookie_seq(&c, KEY))
		c.period = periods[1];
	n = wanted_options(o, &c, wanted);
	bytes = 20 + n;

	expect_ip(p, a, bytes);
	assert_memory_equal(a->bytes, p->bytes + 6, 6);
	assert_memory_equal(a->bytes + 6, p->bytes, 6);
	assert_memory_equal(a->bytes + 12, p->bytes + 12, p->ip - 12);
	assert_int_equal(get16(tcp), RIG_PORT);
	assert_int_equal(get16(tcp + 2), 40000);
	assert_int_equal(get32(tcp + 4), ref_cookie_seq(&c, KEY));
	assert_int_equal(get32(tcp + 8), SEQ + 1u);
	assert_int_equal(tcp[12], bytes / 4 << 4);
	assert_int_equal(tcp[13], SYN | ACK | (want & ECNED ? ECE : 0));
	assert_int_equal(get16(tcp + 14), 29200);
	assert_int_equal(get16(tcp + 18), 0);
	assert_memory_equal(tcp + 20, wanted, n);
	expect_tcp_checksum(p, a, tcp, bytes);

	n = (size_t)(tcp - a->bytes) + bytes;
	assert_in_range(a->n, n, n > 60 ? n : 60);
	assert_true(a->n <= p->n);
}

/* Sends the SYN and checks the answer: want: the options that it grants. */
static void expect_granted(const struct packet_make *make, const struct offer *o, uint8_t want)
{
	struct rw_kern_stats before = rig_counters(&rig), after;
	uint32_t periods[2] = {period_now(), 0};
	struct packet p, a;

	make_syn(&p, make, o);
	assert_answered(run(rig.judge, &p, &a));
	periods[1] = period_now();
	after = rig_counters(&rig);
	assert_int_equal(rig_outcome(&before, &after), RW_KERN_N_tx_cookie);
	expect_answer(&p, &a, o, want, periods);
	assert_in_range(meter().period, periods[0] + 1, periods[1] + 1);
}

static const struct packet_make shapes[] = {
	{0},
	{.tags = 1},
	{.tags = 2},
	{.options = 4},
	{.options = 40, .tags = 2},
	{.payload = 100},
	{.src = V6},
	{.src = V6, .tags = 1},
	{.src = V6, .tags = 2},
	{.src = V6, .payload = 700},
	{.src = V6, CHAIN(HOP)},
	{.src = V6, CHAIN(ROUTING), .tags = 1},
	{.src = V6, CHAIN(AUTH)},
	{.src = V6, CHAIN(HOP, DEST, ROUTING, DEST, DEST, DEST), .tags = 2},
};
enum { N_SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static void answers_are_right_to_the_byte(void **state)
{
	(void)state;
	for (unsigned s = 0; s < N_SHAPES; s++)
		for (unsigned i = 0; i < N_OFFERS; i++)
			expect_granted(&shapes[s], &offers[i], offers[i].want);
}

/* What a sysctl forbids the kernel would refuse when the cookie comes back. */
static void only_what_is_configured_is_offered(void **state)
{
	static const struct {
		uint8_t offers, want;
	} rows[] = {
		{0, NO_SCALE},
		{ALL_OFFERS - RW_KERN_OFFER_TIMESTAMPS, NO_SCALE},
		{RW_KERN_OFFER_TIMESTAMPS, STAMPED | NO_SCALE},
		{ALL_OFFERS - RW_KERN_OFFER_SACK, STAMPED | ECNED | 7},
		{ALL_OFFERS - RW_KERN_OFFER_WINDOW_SCALE, STAMPED | ECNED | SACKED | NO_SCALE},
		{ALL_OFFERS - RW_KERN_OFFER_ECN, STAMPED | SACKED | 7},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rig.cfg.cookie.offers = rows[i].offers;
		rig_config(&rig);
		expect_granted(&shapes[0], &offers[1], rows[i].want);
	}
}

/* A frame that Ethernet padded is not answered with one that it would not take. */
static void padded_frame_stays_60_bytes(void **state)
{
	struct packet p, a;

	(void)state;
	make_syn(&p, &shapes[0], &offers[3]);
	p.n = 60;
	assert_answered(run(rig.judge, &p, &a));
	assert_int_equal(a.n, 60);
}

static void siphash_of_the_reference_is_the_papers(void **state)
{
	uint8_t message[15];

	(void)state;
	for (unsigned i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)i;
	assert_true(ref_siphash(KEY, message, sizeof(message)) == 0xa129ca6149be45e5);
}

/* --- who gets none ---------------------------------------------------------------------------- */

/* The frame as it is ends in this counter, and stays as it is unless it is answered. */
static void expect_unanswered(const struct packet *p, enum rw_kern_counter want)
{
	rig_expect_frame(&rig, p->bytes, p->n, want);
	assert_int_equal(meter().period, 0);
}

/* A host's name for itself, broadcast, multicast: an answer would go to many, or come back. */
static void sources_that_nobody_has_are_dropped(void **state)
{
	static const char *const sources[] = {
		"0.0.0.0", "0.1.2.3", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "ff02::1"};
	struct packet p;

	(void)state;
	for (unsigned i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		make_syn(&p, &(struct packet_make){.src = sources[i]}, &offers[0]);
		expect_unanswered(&p, RW_KERN_N_drop_malformed);
	}
}

static void frames_to_many_are_left_to_the_stack(void **state)
{
	struct packet p;

	(void)state;
	make_syn(&p, &shapes[0], &offers[0]);
	p.bytes[0] = 0x33;
	expect_unanswered(&p, RW_KERN_N_pass);
}

/* Nobody listens, or not here: the stack refuses, or forwards. */
static void port_without_listener_is_left_to_the_stack(void **state)
{
	struct packet p;

	(void)state;
	rig_protect_only(444);
	make_syn(&p, &(struct packet_make){.port = 444}, &offers[0]);
	expect_unanswered(&p, RW_KERN_N_pass);
}

/* A connection is there, or a socket that remembers one: the stack knows what to do. */
static void syn_into_a_connection_is_left_to_the_stack(void **state)
{
	struct connection c = connect_to(listener);
	struct packet p;

	(void)state;
	make_syn(&p, &(struct packet_make){.src = "::1"}, &offers[0]);
	memcpy(p.bytes + p.ip + 24, &in6addr_loopback, 16);
	memcpy(p.bytes + p.l4, &c.port, 2);
	expect_unanswered(&p, RW_KERN_N_pass);
	close(c.client);
	expect_unanswered(&p, RW_KERN_N_pass);
	close(c.server);
}

static void only_syns_are_answered(void **state)
{
	static const uint8_t flags[] = {ACK, SYN | ACK, RST, FIN | ACK, PSH | ACK};

	(void)state;
	for (unsigned i = 0; i < sizeof(flags); i++)
		rig_expect_from(&rig, "192.0.2.1", flags[i], RW_KERN_N_pass);
	rig_expect_from(&rig, "192.0.2.1", SYN | FIN, RW_KERN_N_drop_flags);
}

static void banned_and_limited_sources_get_no_cookie(void **state)
{
	(void)state;
	rig_ban(&rig, "192.0.2.1", RW_KERN_VERDICT_DROP_ALL);
	rig_ban(&rig, "2001:db8:1:2::/64", RW_KERN_VERDICT_DROP_SYN);
	rig_expect_from(&rig, "192.0.2.1", SYN, RW_KERN_N_drop_denied);
	rig_expect_from(&rig, V6, SYN, RW_KERN_N_drop_denied_syn);
	rw_kern_rate_fill(&rig.cfg.syn, 1000000000000, 2, rig.cfg.tick_ns);
	rig_config(&rig);
	for (unsigned i = 0; i < 2; i++)
		expect_granted(&(struct packet_make){.src = "192.0.2.9"}, &offers[0],
			       offers[0].want);
	rig_expect_from(&rig, "192.0.2.9", SYN, RW_KERN_N_drop_syn_rate);
}

/* Their address can be forged as any other; and a cookie costs them nothing. */
static void allowlisted_sources_get_cookies(void **state)
{
	(void)state;
	rig_allow(&rig, "192.0.2.1");
	expect_granted(&shapes[0], &offers[0], offers[0].want);
	rig_expect_from(&rig, "192.0.2.1", ACK, RW_KERN_N_pass_allowed);
}

static void shadow_mode_answers_nothing(void **state)
{
	struct packet p;

	(void)state;
	rig.cfg.shadow = 1;
	rig_config(&rig);
	make_syn(&p, &shapes[0], &offers[0]);
	expect_unanswered(&p, RW_KERN_N_would_tx_cookie);
}

static void without_a_budget_nothing_is_answered(void **state)
{
	struct packet p;

	(void)state;
	rw_syn_budget(0, &rig.cfg.budget);
	rig_config(&rig);
	make_syn(&p, &shapes[0], &offers[0]);
	expect_unanswered(&p, RW_KERN_N_pass);
}

/* --- the budget ---------------------------------------------------------------------------------
 */

/* Intervals so long that no test takes one: 3 and a half pass, then none. */
static void budget_is_counted_over_all_sources(void **state)
{
	const uint64_t interval = 1000000000000;
	char source[32];
	uint64_t least;

	(void)state;
	rig.cfg.budget = (struct rw_kern_rate){.interval_ns = interval,
					       .sketch_threshold_ns = interval * 7 / 2,
					       .sketch_cap_ns = interval * 6};
	rig_config(&rig);
	set_meter(0, 0);
	for (unsigned i = 1; i <= 4; i++) {
		snprintf(source, sizeof(source), "192.0.%u.1", i);
		rig_expect_from(&rig, source, SYN, RW_KERN_N_pass);
		rig_expect_from(&rig, source, ACK, RW_KERN_N_pass);
	}
	least = meter().tat_ns;
	for (unsigned i = 0; i < 100; i++)
		expect_granted(&shapes[i % N_SHAPES], &offers[0], offers[0].want);
	/* What it remembers of a flood has a bound, or the flood's end would not be noticed. */
	assert_in_range(meter().tat_ns, least + interval, least + 3 * interval);
}

/* Also in shadow mode, where it is all there is. */
static void flood_is_one_episode(void **state)
{
	struct rw_kern_episodes first, all;
	struct packet p;
	uint32_t zero = 0;

	(void)state;
	rig.cfg.shadow = 1;
	rig_config(&rig);
	make_syn(&p, &shapes[0], &offers[0]);
	expect_unanswered(&p, RW_KERN_N_would_tx_cookie);
	assert_int_equal(bpf_map_lookup_elem(rig.k.fd[RW_MAP_EPISODES], &zero, &first), 0);
	assert_true(first.syn_budget.since_ns > 0);
	usleep(20000); /* more than a tick of the clock */
	expect_unanswered(&p, RW_KERN_N_would_tx_cookie);
	assert_int_equal(bpf_map_lookup_elem(rig.k.fd[RW_MAP_EPISODES], &zero, &all), 0);
	assert_int_equal(all.syn_budget.since_ns, first.syn_budget.since_ns);
	assert_true(all.syn_budget.last_ns > first.syn_budget.last_ns);
}

static void budget_of_zero_is_none_and_any_other_a_seconds_worth(void **state)
{
	struct rw_kern_rate r;

	(void)state;
	rw_syn_budget(0, &r);
	assert_int_equal(r.interval_ns, 0);
	rw_syn_budget(1000000, &r);
	assert_int_equal(r.interval_ns, 1000);
	assert_int_equal(r.sketch_threshold_ns, 1000000000);
	assert_true(r.sketch_cap_ns > r.sketch_threshold_ns);
	assert_int_equal(r.per_second, 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_of_the_reference_is_the_papers),
		cmocka_unit_test_setup(answers_are_right_to_the_byte, setup),
		cmocka_unit_test_setup(only_what_is_configured_is_offered, setup),
		cmocka_unit_test_setup(padded_frame_stays_60_bytes, setup),
		cmocka_unit_test_setup(sources_that_nobody_has_are_dropped, setup),
		cmocka_unit_test_setup(frames_to_many_are_left_to_the_stack, setup),
		cmocka_unit_test_setup(port_without_listener_is_left_to_the_stack, setup),
		cmocka_unit_test_setup(syn_into_a_connection_is_left_to_the_stack, setup),
		cmocka_unit_test_setup(only_syns_are_answered, setup),
		cmocka_unit_test_setup(banned_and_limited_sources_get_no_cookie, setup),
		cmocka_unit_test_setup(allowlisted_sources_get_cookies, setup),
		cmocka_unit_test_setup(shadow_mode_answers_nothing, setup),
		cmocka_unit_test_setup(without_a_budget_nothing_is_answered, setup),
		cmocka_unit_test_setup(budget_is_counted_over_all_sources, setup),
		cmocka_unit_test_setup(flood_is_one_episode, setup),
		cmocka_unit_test(budget_of_zero_is_none_and_any_other_a_seconds_worth),
	};
	int failed;

	listener = make_listener();
	if (listener < 0 || rig_new(&rig)) {
		fprintf(stderr,
			"no network of its own, or the program does not load: run as root\n");
		return 1;
	}
	rig.judge = RW_PROGRAM_XDP;
	failed = cmocka_run_group_tests_name("answers of rw_xdp", tests, NULL, NULL);
	rig.judge = RW_PROGRAM_TCX;
	failed += cmocka_run_group_tests_name("answers of rw_tcx", tests, NULL, NULL);
	rig_free(&rig);
	return failed;
}
