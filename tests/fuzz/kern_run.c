/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rw_xdp and rw_tcx in the kernel against the model on the host (tests/kernel/model.h): the same
 * counter for every frame, and no byte of it changed. Loads BPF programs, so it runs as root.
 */
#include "base/err.h"
#include "kernel/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct rig rig;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (rig_new(&rig)) {
		fprintf(stderr, "the programs do not load: run as root\n");
		exit(1);
	}
	model_enter(&rig);
	return 0;
}

/* The first byte says which program; the IP header stands aligned to 4, as in the kernel. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t room[PACKET_MAX + 2] __attribute__((aligned(8)));
	uint8_t *frame = room + 2;

	if (n < 1 + 14 || n > PACKET_MAX)
		return 0;
	rig.judge = data[0] & 1 ? RW_PROGRAM_TCX : RW_PROGRAM_XDP;
	memcpy(frame, data + 1, --n);
	if (rig_takes(&rig, frame, n))
		rig_expect_frame(&rig, frame, n, model_outcome(frame, n));
	return 0;
}
