/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of kern_abi.h as the two compilers understood it: sizes, offsets, names and
 * values in the object's BTF against ours; and what is refused in pins that are not ours.
 */
#include "kernel/rig.h"

#include <bpf/btf.h>

static const struct btf *btf_of(struct rig *r)
{
	return bpf_object__btf(r->programs.object[RW_OBJECT_XDP]);
}

static const struct btf_type *struct_of(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	if (id < 0)
		fail_msg("struct %s is not in the object's BTF", name);
	return btf__type_by_id(btf, (unsigned)id);
}

static void expect_member(const struct btf *btf, const char *type, const char *member,
			  size_t offset)
{
	const struct btf_type *t = struct_of(btf, type);
	const struct btf_member *m = btf_members(t);

	for (unsigned i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, m[i].name_off), member)) {
			assert_int_equal(btf_member_bit_offset(t, i), 8 * offset);
			return;
		}
	fail_msg("struct %s has no member %s in the object's BTF", type, member);
}

#define SAME_SIZE(type) assert_int_equal(struct_of(btf_of(r), #type)->size, sizeof(struct type))
#define SAME_AT(type, member) \
	expect_member(btf_of(r), #type, #member, offsetof(struct type, member))

static void both_compilers_lay_out_alike(void **state)
{
	struct rig *r = *state;

	SAME_SIZE(rw_kern_stats);
	SAME_SIZE(rw_kern_ban);
	SAME_AT(rw_kern_ban, expires_ns);
	SAME_AT(rw_kern_ban, drops);
	SAME_AT(rw_kern_ban, verdict);
	SAME_AT(rw_kern_ban, reason);
	SAME_SIZE(rw_kern_recents);
	SAME_AT(rw_kern_recent, span);
	SAME_AT(rw_kern_recent, plen);
	SAME_SIZE(rw_kern_cfg);
	SAME_AT(rw_kern_cfg, hash);
	SAME_AT(rw_kern_cfg, syn);
	SAME_AT(rw_kern_cfg, pkt);
	SAME_AT(rw_kern_cfg, shadow);
	SAME_AT(rw_kern_cfg, ports);
	SAME_AT(rw_kern_cfg, budget);
	SAME_AT(rw_kern_cfg, cookie);
	SAME_SIZE(rw_kern_cookie);
	SAME_AT(rw_kern_cookie, mss6);
	SAME_AT(rw_kern_cookie, window_scale);
	SAME_AT(rw_kern_cookie, offers);
	SAME_SIZE(rw_kern_syn_key);
	SAME_SIZE(rw_kern_syn_meter);
	SAME_AT(rw_kern_syn_meter, period);
	SAME_AT(rw_kern_cfg, active);
	SAME_AT(rw_kern_cfg, index);
	SAME_SIZE(rw_kern_rate);
	SAME_AT(rw_kern_rate, sketch_cap_ns);
	SAME_SIZE(rw_kern_bits);
	SAME_AT(rw_kern_bits, deny6_plens);
	SAME_AT(rw_kern_bits, deny6);
	SAME_AT(rw_kern_bits, allow6);
	SAME_AT(rw_kern_bits, near6);
	SAME_SIZE(rw_kern_key);
	SAME_AT(rw_kern_key, addr);
	SAME_SIZE(rw_kern_key4);
	SAME_SIZE(rw_kern_source);
	SAME_AT(rw_kern_source, tat_pkt_ns);
	SAME_SIZE(rw_kern_sketch);
	SAME_SIZE(rw_kern_meta);
	SAME_AT(rw_kern_meta, layout);
	SAME_AT(rw_kern_meta, interface);
}

static void every_counter_has_its_name_and_place(void **state)
{
	struct rig *r = *state;

#define COUNTER(name, help) expect_member(btf_of(r), "rw_kern_stats", #name, 8 * RW_KERN_N_##name);
	RW_KERN_COUNTERS(COUNTER)
#undef COUNTER
}

/* Shadow mode finds its counters by distance. */
static void shadow_counters_stand_in_the_order_of_the_drops(void **state)
{
	(void)state;
	for (unsigned i = RW_KERN_N_drop_malformed; i <= RW_KERN_N_drop_pkt_rate; i++) {
		char want[64];

		snprintf(want, sizeof(want), "would_%s", rig_counter_names[i]);
		assert_string_equal(rig_counter_names[i + RW_KERN_SHADOW], want);
	}
}

static void expect_enumerator(const struct btf *btf, const char *type, const char *name, int value)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_ENUM);
	const struct btf_type *t;

	assert_true(id > 0);
	t = btf__type_by_id(btf, (unsigned)id);
	for (unsigned i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_enum(t)[i].name_off), name)) {
			assert_int_equal(btf_enum(t)[i].val, value);
			return;
		}
	fail_msg("%s is not in enum %s of the object's BTF", name, type);
}

/* bpftool prints them by these names. */
static void enums_are_readable(void **state)
{
	struct rig *r = *state;
	const struct btf *btf = btf_of(r);

	expect_enumerator(btf, "rw_kern_verdict", "RW_KERN_VERDICT_LIMIT", RW_KERN_VERDICT_LIMIT);
	expect_enumerator(btf, "rw_kern_verdict", "RW_KERN_VERDICT_DROP_SYN",
			  RW_KERN_VERDICT_DROP_SYN);
	expect_enumerator(btf, "rw_kern_verdict", "RW_KERN_VERDICT_DROP_ALL",
			  RW_KERN_VERDICT_DROP_ALL);
	expect_enumerator(btf, "rw_kern_reason", "RW_KERN_REASON_OPERATOR",
			  RW_KERN_REASON_OPERATOR);
	expect_enumerator(btf, "rw_kern_reason", "RW_KERN_REASON_STRIKES", RW_KERN_REASON_STRIKES);
	expect_enumerator(btf, "rw_kern_mode", "RW_KERN_MODE_NATIVE", RW_KERN_MODE_NATIVE);
	expect_enumerator(btf, "rw_kern_mode", "RW_KERN_MODE_GENERIC", RW_KERN_MODE_GENERIC);
	expect_enumerator(btf, "rw_kern_mode", "RW_KERN_MODE_TCX", RW_KERN_MODE_TCX);
}

/* A map that is missing from the table would be neither pinned nor shared between the programs. */
static void every_map_is_in_the_table(void **state)
{
	struct rig *r = *state;
	bool used[RW_MAPS] = {0};
	const struct bpf_map *map;

	for (unsigned o = 0; o < RW_OBJECTS; o++)
		bpf_object__for_each_map(map, r->programs.object[o])
		{
			unsigned i = 0;

			while (i < RW_MAPS && strcmp(bpf_map__name(map), rw_kern_maps[i].name) != 0)
				i++;
			if (i == RW_MAPS)
				fail_msg("map %s is not in rw_kern_maps", bpf_map__name(map));
			used[i] = true;
		}
	for (unsigned i = 0; i < RW_MAPS; i++)
		if (!used[i])
			fail_msg("no program has map %s", rw_kern_maps[i].name);
}

static enum bpf_map_type map_type(const struct rig *r, const char *name)
{
	return bpf_map__type(bpf_object__find_map_by_name(r->programs.object[RW_OBJECT_XDP], name));
}

/* Bans and the allowlist must not be at the mercy of traffic. */
static void bans_and_allowlist_are_never_evicted(void **state)
{
	struct rig *r = *state;

	assert_int_equal(map_type(r, "rw_deny4"), BPF_MAP_TYPE_HASH);
	assert_int_equal(map_type(r, "rw_deny6"), BPF_MAP_TYPE_HASH);
	assert_int_equal(map_type(r, "rw_allow"), BPF_MAP_TYPE_HASH);
	assert_int_equal(map_type(r, "rw_allow_net"), BPF_MAP_TYPE_LPM_TRIE);
}

static void expect_refused(struct rig *r, const struct rw_kern_meta *meta, const char *word)
{
	struct rw_error e = {0};
	struct rw_kern k;

	rig_put(r, RW_MAP_META, meta);
	rw_kern_init(&k);
	for (unsigned i = 0; i < RW_MAPS; i++)
		k.fd[i] = dup(r->k.fd[i]);
	assert_int_equal(rw_kern_adopt(&k, &e), RW_EUNSUP);
	assert_non_null(strstr(e.text, word));
	assert_non_null(strstr(e.text, "kern detach"));
	rw_kern_release(&k);
	rig_put(r, RW_MAP_META, &r->k.meta);
}

/* An upgraded engine that believed old pins would write entries of another shape into them. */
static void pins_of_another_abi_are_refused_in_words(void **state)
{
	struct rig *r = *state;
	struct rw_kern_meta meta = r->k.meta;

	meta.abi = RW_KERN_ABI + 1;
	snprintf(meta.version, sizeof(meta.version), "9.9.9");
	expect_refused(r, &meta, "9.9.9");
	meta = r->k.meta;
	meta.layout ^= 1;
	expect_refused(r, &meta, "layout");
	memset(&meta, 0, sizeof(meta));
	expect_refused(r, &meta, "not ringwall's");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_compilers_lay_out_alike),
		cmocka_unit_test(every_counter_has_its_name_and_place),
		cmocka_unit_test(shadow_counters_stand_in_the_order_of_the_drops),
		cmocka_unit_test(enums_are_readable),
		cmocka_unit_test(every_map_is_in_the_table),
		cmocka_unit_test(bans_and_allowlist_are_never_evicted),
		cmocka_unit_test(pins_of_another_abi_are_refused_in_words),
	};

	return cmocka_run_group_tests_name("abi", tests, rig_group_setup, rig_group_teardown);
}
