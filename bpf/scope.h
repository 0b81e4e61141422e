/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What is protected: TCP ports. All else passes untouched. */
#ifndef RW_BPF_SCOPE_H
#define RW_BPF_SCOPE_H

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RW_KERN_CFGS);
	__type(key, __u32);
	__type(value, struct rw_kern_ports);
} rw_ports SEC(".maps");

static __always_inline bool rw_in_scope(const struct rw_kern_cfg *cfg, __u16 port)
{
	__u32 index = cfg->index;
	struct rw_kern_ports *ports = bpf_map_lookup_elem(&rw_ports, &index);

	return ports && ports->word[port / 64] >> (port % 64) & 1;
}

#endif
