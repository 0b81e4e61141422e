/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * No program: the maps of one load of feeds. `ringwall feed load` makes them in the sizes it needs,
 * fills them and hands them to the outer maps of feed.h.
 */
#include <vmlinux.h>

#include <bpf/bpf_helpers.h>

#include "ringwall/kern_abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rw_kern_feed_view);
} rw_list_view SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct rw_kern_key4);
	__type(value, struct rw_kern_listed);
} rw_list4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct rw_kern_key);
	__type(value, struct rw_kern_listed);
} rw_list6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct rw_kern_key4);
	__type(value, struct rw_kern_listed);
} rw_list_net4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct rw_kern_key);
	__type(value, struct rw_kern_listed);
} rw_list_net6 SEC(".maps");
