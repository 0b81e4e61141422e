/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What userspace decided: rates, secrets of the sketch, shadow mode. */
#ifndef RW_BPF_CFG_H
#define RW_BPF_CFG_H

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rw_kern_cfg);
} rw_cfg SEC(".maps");

#endif
