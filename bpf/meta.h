/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whose these maps are. No program reads it; every attachment has it. */
#ifndef RW_BPF_META_H
#define RW_BPF_META_H

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rw_kern_meta);
} rw_meta SEC(".maps");

#endif
