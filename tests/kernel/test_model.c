/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs in the kernel against the model on the host, over frames that nobody wrote by hand:
 * rows of rows.h with sources of all kinds, some bytes changed, some cut. The same frames each
 * time. tests/fuzz/kern_run.c looks further, for as long as one likes.
 */
#include "kernel/model.h"
#include "kernel/rows.h"

enum { MUTANTS = 30000 };

static struct rig rig;

static uint64_t next_random(void)
{
	static uint64_t state = 1;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static unsigned below(unsigned n)
{
	return (unsigned)(next_random() >> 16) % n;
}

/* Sources at the edges of what model.h bans, lists and allows. */
static const char *const sources[] = {
	"192.0.2.1",	 "203.0.113.1",	    "203.0.113.2",     "203.0.113.3",
	"203.0.113.130", "203.0.113.200",   "198.18.5.9",      "198.19.7.7",
	"198.20.0.1",	 "100.64.0.1",	    "198.51.100.129",  "2001:db8:f::1",
	"2001:db8:b::1", "2001:db8:b::a",   "2001:db8:c::1",   "2001:db8:c:5::1",
	"2001:db8:a::1", "2001:db8:d:d::d", "2001:db8:e:1::1", "2001:db8:e:100::1",
	"233.252.0.7",	 "233.252.0.8",	    "233.252.0.65",    "233.252.0.81",
	"198.19.9.9",	 "2001:db8:9::1",   "2001:db8:9:1::1",
};

/* A frame of a row, from another source of the same family, with up to three bytes changed. */
static void mutate(struct packet *p)
{
	struct row row = rows[below(N_ROWS)];
	const char *src = sources[below(sizeof(sources) / sizeof(sources[0]))];
	bool v6 = row.make.src && strchr(row.make.src, ':');
	size_t headers;

	if (v6 == !!strchr(src, ':'))
		row.make.src = src;
	if (!below(3))
		row.make.flags = below(2) ? SYN : (uint8_t)next_random();
	row_build(p, &row);
	headers = p->l4 + 20 < p->n ? p->l4 + 20 : p->n;
	for (unsigned i = below(4); i; i--)
		p->bytes[12 + below((unsigned)headers - 12)] = below(2) ? (uint8_t)next_random()
									: (uint8_t)below(64);
	if (!below(4))
		p->n = 14 + below((unsigned)p->n - 14);
}

static void agree_on_every_mutant(void **state)
{
	unsigned seen[RW_KERN_N] = {0};

	(void)state;
	for (unsigned i = 0; i < MUTANTS; i++) {
		enum rw_kern_counter want;
		struct packet p;

		mutate(&p);
		if (!rig_takes(&rig, p.bytes, p.n))
			continue;
		want = model_outcome(p.bytes, p.n);
		seen[want]++;
		rig_expect_frame(&rig, p.bytes, p.n, want);
	}
	/* Without these the comparison says little. */
	for (enum rw_kern_counter i = RW_KERN_N_pass_other; i <= RW_KERN_N_drop_flags; i++) {
		print_message("%6u %s\n", seen[i], rig_counter_names[i]);
		assert_true(seen[i] > 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(agree_on_every_mutant)};
	int failed;

	if (rig_new(&rig)) {
		fprintf(stderr, "the programs do not load: run as root\n");
		return 1;
	}
	model_enter(&rig);
	rig.judge = RW_PROGRAM_XDP;
	failed = cmocka_run_group_tests_name("model, rw_xdp", tests, NULL, NULL);
	rig.judge = RW_PROGRAM_TCX;
	failed += cmocka_run_group_tests_name("model, rw_tcx", tests, NULL, NULL);
	rig_free(&rig);
	return failed;
}
