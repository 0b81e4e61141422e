/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The configuration, which may be changed between any two packets, but not during one. */
#ifndef RW_BPF_CFG_H
#define RW_BPF_CFG_H

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, RW_KERN_CFGS);
	__type(key, __u32);
	__type(value, struct rw_kern_cfg);
} rw_cfg SEC(".maps");

static __always_inline const struct rw_kern_cfg *rw_cfg_at(__u32 index)
{
	return bpf_map_lookup_elem(&rw_cfg, &index);
}

/*
 * What is in force now. To be asked once per packet: what comes later in its way takes the same
 * entry, by its index.
 */
static __always_inline const struct rw_kern_cfg *rw_cfg_now(void)
{
	const struct rw_kern_cfg *first = rw_cfg_at(0);
	__u32 active = first ? *(const volatile __u32 *)&first->active : 0;

	return active ? rw_cfg_at(active) : first;
}

#endif
