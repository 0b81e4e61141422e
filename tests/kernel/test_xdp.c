/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rw_xdp and rw_tcx take for TCP to a protected port, and drop for its headers alone. Every
 * case asserts the verdict, the one counter that rose, and that no byte of the frame changed.
 */
#include "kernel/rows.h"

static struct rig rig;

static void as_the_row_says(void **state)
{
	const struct row *row = *state;
	struct packet p;

	row_build(&p, row);
	rig_expect_frame(&rig, p.bytes, p.n, row->want);
}

/* Shadow mode: what would be dropped passes, and is counted apart. */
static void shadow_drops_nothing(void **state)
{
	struct packet p;

	(void)state;
	rig.cfg.shadow = 1;
	rig_config(&rig);
	for (unsigned i = 0; i < N_ROWS; i++) {
		enum rw_kern_counter want = rows[i].want;

		row_build(&p, &rows[i]);
		if (want >= RW_KERN_N_drop_malformed)
			want += RW_KERN_SHADOW;
		rig_expect_frame(&rig, p.bytes, p.n, want);
	}
}

/* A packet cut anywhere is never taken for a whole one, nor read past its end. */
static void every_truncation_is_malformed(void **state)
{
	struct packet p;

	(void)state;
	for (unsigned i = 0; i < N_ROWS; i++) {
		if (rows[i].want != PASS)
			continue;
		row_build(&p, &rows[i]);
		for (size_t n = 14; n < p.n; n++)
			if (rig_takes(&rig, p.bytes, n))
				rig_expect_frame(&rig, p.bytes, n, MALFORMED);
	}
}

/* Ethernet pads short frames: what follows the IP packet is not part of it. */
static void padding_is_ignored(void **state)
{
	const char *const sources[] = {"192.0.2.1", V6};
	struct packet p;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		packet_build(&p, &(struct packet_make){.src = sources[i]});
		rig_expect_frame(&rig, p.bytes, p.n + 46, PASS);
	}
}

/* Suricata's bypass read ports 20 bytes after the IP header began: options shifted them. */
static void ports_are_found_behind_options(void **state)
{
	struct packet p;

	(void)state;
	packet_build(&p, &(struct packet_make){.options = 4, .port = 22});
	packet_put16(&p, p.ip + 20 + 2, RIG_PORT);
	rig_expect_frame(&rig, p.bytes, p.n, OTHER);
}

/* RFC 7112: a first fragment without its TCP header would hide the port in the second. */
static void first_fragment_without_ports_is_malformed(void **state)
{
	struct packet p;

	(void)state;
	packet_build(&p, &(struct packet_make){.src = V6, CHAIN(FRAGMENT, DEST), .frag = 1});
	packet_put16(&p, p.ip + 4, 16);
	rig_expect_frame(&rig, p.bytes, p.n, MALFORMED);
}

/*
 * BIG TCP: what GRO put together may be longer than an IP header can say, which then says 0. In a
 * single packet 0 is a lie.
 */
static void length_0_is_believed_of_super_segments_only(void **state)
{
	const char *const sources[] = {"192.0.2.1", V6};
	uint8_t out[PACKET_MAX];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct __sk_buff skb = {.gso_size = i / 2 ? 100 : 0};
		struct packet p;
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.bytes, .data_out = out,
			    .data_size_out = sizeof(out), .ctx_in = &skb,
			    .ctx_size_in = sizeof(skb));

		packet_build(&p, &(struct packet_make){.src = sources[i % 2], .payload = 900});
		packet_put16(&p, p.ip + (i % 2 ? 4 : 2), 0);
		opts.data_size_in = (uint32_t)p.n;
		assert_int_equal(bpf_prog_test_run_opts(rig.programs.prog[RW_PROGRAM_TCX], &opts),
				 0);
		assert_int_equal(opts.retval, (uint32_t)(i / 2 ? TCX_NEXT : TCX_DROP));
	}
	assert_int_equal(rig_counters(&rig).pass, 2);
	assert_int_equal(rig_counters(&rig).drop_malformed, 2);
}

static int setup(void **state)
{
	(void)state;
	rig_reset(&rig);
	return 0;
}

int main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test_setup(shadow_drops_nothing, setup),
		cmocka_unit_test_setup(every_truncation_is_malformed, setup),
		cmocka_unit_test_setup(padding_is_ignored, setup),
		cmocka_unit_test_setup(ports_are_found_behind_options, setup),
		cmocka_unit_test_setup(first_fragment_without_ports_is_malformed, setup),
		cmocka_unit_test_setup(length_0_is_believed_of_super_segments_only, setup),
	};
	struct CMUnitTest table[N_ROWS];
	int failed;

	for (unsigned i = 0; i < N_ROWS; i++)
		table[i] = (struct CMUnitTest){.name = rows[i].name,
					       .test_func = as_the_row_says,
					       .initial_state = (void *)(uintptr_t)&rows[i]};
	if (rig_new(&rig)) {
		fprintf(stderr, "the programs do not load: run as root\n");
		return 1;
	}
	rig.judge = RW_PROGRAM_XDP;
	failed = _cmocka_run_group_tests("headers, rw_xdp", table, N_ROWS, NULL, NULL);
	failed += cmocka_run_group_tests_name("frames, rw_xdp", others, NULL, NULL);
	rig.judge = RW_PROGRAM_TCX;
	failed += _cmocka_run_group_tests("headers, rw_tcx", table, N_ROWS, NULL, NULL);
	failed += cmocka_run_group_tests_name("frames, rw_tcx", others, NULL, NULL);
	rig_free(&rig);
	return failed;
}
