/* SPDX-License-Identifier: Apache-2.0 */
#include "kern/can.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/netdev.h>
#include <net/if.h>
#include <unistd.h>

static enum rw_can program_type(enum bpf_prog_type type)
{
	int rc;

	errno = 0;
	rc = libbpf_probe_bpf_prog_type(type, NULL);
	if (rc < 0 || (rc == 0 && errno == EPERM))
		return RW_CAN_UNKNOWN;
	return rc ? RW_CAN : RW_CAN_NOT;
}

/* Asked of the loopback interface: a kernel without TCX does not know the attach type. */
static enum rw_can tcx(void)
{
	LIBBPF_OPTS(bpf_prog_query_opts, opts);
	int rc = bpf_prog_query_opts((int)if_nametoindex("lo"), BPF_TCX_INGRESS, &opts);

	if (rc == -EPERM || rc == -EACCES)
		return RW_CAN_UNKNOWN;
	return rc ? RW_CAN_NOT : RW_CAN;
}

void rw_kern_can(struct rw_kern_can *out)
{
	libbpf_set_print(NULL); /* its words about what is missing are for programmers */
	out->xdp = program_type(BPF_PROG_TYPE_XDP);
	out->cgroup = program_type(BPF_PROG_TYPE_CGROUP_SOCK_ADDR);
	/* Without privilege the probe says no, whatever there is. */
	if (out->xdp == RW_CAN_NOT && geteuid() != 0)
		out->xdp = out->cgroup = RW_CAN_UNKNOWN;
	out->tcx = tcx();
	out->btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0 ? RW_CAN : RW_CAN_NOT;
}

enum rw_can rw_kern_can_native(int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);

	if (bpf_xdp_query(ifindex, 0, &opts))
		return RW_CAN_UNKNOWN;
	return opts.feature_flags & NETDEV_XDP_ACT_BASIC ? RW_CAN : RW_CAN_NOT;
}
