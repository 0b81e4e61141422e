/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How exact the limiter is, with time in the test's hand: against references, and with all
 * processors on one source.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "kernel/rig.h"

/* --- against references ---------------------------------------------------------------------- */

enum { STEPS = 300, PER_STEP = 4, BURST = 12, SOURCES = 6 };

/* A token bucket by the book. */
struct reference {
	uint64_t tolerance_ns;
	uint64_t tat_ns;
	uint64_t admitted;
};

static void reference_send(struct reference *r, uint64_t interval_ns, uint64_t now_ns)
{
	if (r->tat_ns < now_ns)
		r->tat_ns = now_ns;
	if (r->tat_ns > now_ns + r->tolerance_ns)
		return;
	r->tat_ns += interval_ns;
	r->admitted++;
}

/* What a source sends in a step. */
static unsigned below_its_rate(unsigned step)
{
	(void)step;
	return PER_STEP - 1;
}

static unsigned always_too_much(unsigned step)
{
	(void)step;
	return 10 * PER_STEP;
}

static unsigned floods_and_pauses(unsigned step)
{
	return step / 30 % 2 ? 0 : 5 * PER_STEP;
}

static unsigned whole_bursts(unsigned step)
{
	return step % (BURST / PER_STEP + 1) ? 0 : BURST;
}

static unsigned at_random(unsigned step)
{
	return step * 2654435761u >> 16 & (2 * PER_STEP - 1);
}

static unsigned random_bursts(unsigned step)
{
	return at_random(step) ? 0 : 3 * BURST;
}

static const struct source {
	const char *name, *src;
	unsigned (*sends)(unsigned step);
	bool conforms; /* and so is never to lose a packet */
} sources[SOURCES] = {
	{"below its rate", "192.0.2.1", below_its_rate, true},
	{"always too much", "192.0.2.2", always_too_much, false},
	{"floods and pauses", "192.0.2.3", floods_and_pauses, false},
	{"whole bursts", "2001:db8:1::1", whole_bursts, true},
	{"at random", "2001:db8:2::1", at_random, false},
	{"random bursts", "192.0.2.6", random_bursts, false},
};

/*
 * The program's time is jiffies times tick_ns, so tick_ns, counted up by one, is a clock in the
 * test's hand, each step as long as the jiffies since boot. This finds out how long.
 */
static uint64_t step_ns(struct rig *r)
{
	struct rw_prefix p = rig_prefix("198.51.100.1");
	struct rw_kern_key key = rw_prefix_key(&p);
	struct rw_kern_source source;

	r->cfg.tick_ns = 1;
	rw_kern_rate_fill(&r->cfg.pkt, UINT32_MAX, 2, 1);
	rig_config(r);
	for (unsigned i = 0; i < 2; i++)
		rig_expect_from(r, "198.51.100.1", ACK, RW_KERN_N_pass);
	assert_int_equal(bpf_map_lookup_elem(r->k.fd[RW_MAP_SOURCE], &key, &source), 0);
	rig_reset(r);
	return source.first_ns;
}

static uint64_t passed_of(struct rig *r, const char *src, unsigned n)
{
	uint64_t before = rig_counters(r).pass;
	struct packet p;

	packet_build(&p, &(struct packet_make){.src = src});
	while (n--)
		rig_run(r, p.bytes, p.n);
	return rig_counters(r).pass - before;
}

/*
 * Sketch, promotion and exact limiter together let through no more than a bucket with two bursts (a
 * source that hovers at the threshold has the sketch's, and what its exact limiter saved up), and
 * no less than one that saves nothing up; who keeps to the rate and its burst loses nothing.
 */
static void every_source_gets_what_the_references_allow(void **state)
{
	struct rig *r = *state;
	uint64_t step = step_ns(r), interval = step / PER_STEP;
	uint64_t sent[SOURCES] = {0}, got[SOURCES] = {0};
	struct reference most[SOURCES] = {0}, least[SOURCES] = {0};

	rw_kern_rate_fill(&r->cfg.pkt, interval, BURST, step);
	for (unsigned t = 1; t <= STEPS; t++) {
		r->cfg.tick_ns = t;
		rig_config(r);
		for (unsigned i = 0; i < SOURCES; i++) {
			unsigned n = sources[i].sends(t);

			most[i].tolerance_ns = (2 * BURST - 1) * interval;
			least[i].tolerance_ns = (PER_STEP - 1) * interval;
			for (unsigned j = 0; j < n; j++) {
				reference_send(&most[i], interval, t * step);
				reference_send(&least[i], interval, t * step);
			}
			sent[i] += n;
			got[i] += passed_of(r, sources[i].src, n);
		}
	}
	for (unsigned i = 0; i < SOURCES; i++)
		print_message("%-18s sent %5llu passed %5llu of %5llu to %5llu\n", sources[i].name,
			      (unsigned long long)sent[i], (unsigned long long)got[i],
			      (unsigned long long)least[i].admitted,
			      (unsigned long long)most[i].admitted);
	for (unsigned i = 0; i < SOURCES; i++) {
		assert_in_range(got[i], least[i].admitted * 95 / 100, most[i].admitted);
		if (sources[i].conforms)
			assert_int_equal(got[i], sent[i]);
	}
}

/* --- one source on several processors --------------------------------------------------------- */

enum { ROUNDS = 100, PER_ROUND = 100, SENT_PER_ROUND = 5 * PER_ROUND, CPUS_MAX = 64 };

struct sender {
	pthread_t thread;
	int prog;
	unsigned cpu;
	pthread_barrier_t *begin, *end; /* of a round */
};

static void *send_in_rounds(void *arg)
{
	const struct sender *me = arg;
	const char *failed = NULL;
	struct packet p;
	uint8_t out[PACKET_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.bytes, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = SENT_PER_ROUND);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(me->cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	packet_build(&p, &(struct packet_make){0});
	opts.data_size_in = (uint32_t)p.n;
	for (unsigned i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(me->begin);
		if (bpf_prog_test_run_opts(me->prog, &opts))
			failed = "BPF_PROG_TEST_RUN failed";
		pthread_barrier_wait(me->end);
	}
	return (void *)(uintptr_t)failed;
}

/*
 * How far, in thousandths, the packets of one source that floods from these CPUs at once are from
 * its rate. The clock stands still while they send, and goes on between the rounds.
 */
static long error_with(struct rig *r, unsigned n_cpus, const unsigned *cpus)
{
	const long want = ROUNDS * PER_ROUND;
	uint64_t step = step_ns(r);
	struct sender senders[CPUS_MAX];
	pthread_barrier_t begin, end;
	struct rw_kern_stats s;
	void *failed;

	rw_kern_rate_fill(&r->cfg.pkt, step / PER_ROUND, 2 * PER_ROUND, step);
	pthread_barrier_init(&begin, NULL, n_cpus + 1);
	pthread_barrier_init(&end, NULL, n_cpus + 1);
	for (unsigned i = 0; i < n_cpus; i++) {
		senders[i] = (struct sender){.prog = r->programs.prog[r->judge],
					     .cpu = cpus[i],
					     .begin = &begin,
					     .end = &end};
		assert_int_equal(
			pthread_create(&senders[i].thread, NULL, send_in_rounds, &senders[i]), 0);
	}
	for (r->cfg.tick_ns = 1; r->cfg.tick_ns <= ROUNDS; r->cfg.tick_ns++) {
		rig_config(r);
		pthread_barrier_wait(&begin);
		pthread_barrier_wait(&end);
	}
	for (unsigned i = 0; i < n_cpus; i++) {
		assert_int_equal(pthread_join(senders[i].thread, &failed), 0);
		assert_null(failed);
	}
	pthread_barrier_destroy(&begin);
	pthread_barrier_destroy(&end);
	s = rig_counters(r);
	assert_int_equal(s.rx, (uint64_t)n_cpus * ROUNDS * SENT_PER_ROUND);
	/* too many are: what the sketch let through while CPUs wrote over each other, a burst for
	 * each at most, and a packet for each lost swap */
	assert_in_range(s.pass, want, (uint64_t)want + 2 * PER_ROUND * n_cpus + s.cas_lost);
	print_message("%u CPUs: %llu passed of %ld, %llu because of a lost swap\n", n_cpus,
		      (unsigned long long)s.pass, want, (unsigned long long)s.cas_lost);
	return ((long)s.pass - want) * 1000 / want;
}

static unsigned cpus_here(unsigned *cpus)
{
	cpu_set_t set;
	unsigned n = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (unsigned i = 0; i < CPU_SETSIZE && n < CPUS_MAX; i++)
		if (CPU_ISSET(i, &set))
			cpus[n++] = i;
	return n;
}

static void one_cpu_is_within_5_percent(void **state)
{
	unsigned cpus[CPUS_MAX];

	cpus_here(cpus);
	assert_in_range(error_with(*state, 1, cpus) + 1000, 950, 1050);
}

/* Over the rate only by what lost swaps let through: at most one packet a CPU and collision. */
static void all_cpus_on_one_source_are_within_10_percent(void **state)
{
	unsigned cpus[CPUS_MAX], n = cpus_here(cpus);

	assert_true(n > 1); /* with one CPU there is nothing to prove here */
	assert_in_range(error_with(*state, n, cpus) + 1000, 900, 1100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(every_source_gets_what_the_references_allow),
		RIG_TEST(one_cpu_is_within_5_percent),
		RIG_TEST(all_cpus_on_one_source_are_within_10_percent),
	};

	return rig_run_group("limiter", tests);
}
