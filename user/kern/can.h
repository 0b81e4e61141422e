/* SPDX-License-Identifier: Apache-2.0 */
/* What this host's kernel can do for the programs of bpf/, found out without changing anything. */
#ifndef RW_KERN_CAN_H
#define RW_KERN_CAN_H

enum rw_can {
	RW_CAN_NOT,
	RW_CAN,
	RW_CAN_UNKNOWN
}; /* unknown: it may not be asked without CAP_BPF */

struct rw_kern_can {
	enum rw_can xdp;    /* programs of that kind load */
	enum rw_can tcx;    /* multi-program tc hooks (Linux 6.6) */
	enum rw_can cgroup; /* egress is enforced by cgroup programs */
	enum rw_can btf;    /* the kernel's own types, which the programs are fitted to */
};

void rw_kern_can(struct rw_kern_can *out);
/* Does the driver of this interface run XDP itself? RW_CAN_NOT: generic XDP or TCX is left. */
enum rw_can rw_kern_can_native(int ifindex);

#endif
