/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verifier made of every program in build/bpf: how many instructions it walked, held
 * against verifier.list, and that every look-up became a direct call. Run from the top of the tree.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/rig.h"

#define LIST "tests/kernel/verifier.list"

enum { BUDGET = 25000, MAX_INSNS = 1 << 16 };

/* The number on the program's line of the list; 0: it has none. */
static unsigned listed(const char *program)
{
	FILE *f = fopen(LIST, "re");
	char line[256], name[64];
	unsigned n, found = 0;

	if (!f)
		fail_msg("%s is not here: run from the top of the tree", LIST);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %u", name, &n) == 2 && !strcmp(name, program))
			found = n;
	fclose(f);
	return found;
}

static int64_t symbol(const char *wanted)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], name[256];
	unsigned long address, found = 0;

	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx %*c %255s", &address, name) == 2 && !strcmp(name, wanted))
			found = address;
	fclose(f);
	assert_true(found != 0);
	return (int64_t)found;
}

typedef void (*check)(const char *name, const struct bpf_prog_info *info);

static void each_program(check f)
{
	static struct bpf_insn insns[MAX_INSNS];
	struct bpf_program *prog;
	glob_t objects;

	if (glob("build/bpf/*.bpf.o", 0, NULL, &objects))
		fail_msg("no objects in build/bpf: run from the top of the tree, after `make`");
	for (size_t i = 0; i < objects.gl_pathc; i++) {
		struct bpf_object *obj = bpf_object__open_file(objects.gl_pathv[i], NULL);

		if (!obj || bpf_object__load(obj))
			fail_msg("%s does not load", objects.gl_pathv[i]);
		bpf_object__for_each_program(prog, obj)
		{
			struct bpf_prog_info info = {.xlated_prog_insns = (uintptr_t)insns,
						     .xlated_prog_len = sizeof(insns)};
			uint32_t len = sizeof(info);

			assert_int_equal(
				bpf_prog_get_info_by_fd(bpf_program__fd(prog), &info, &len), 0);
			f(bpf_program__name(prog), &info);
		}
		bpf_object__close(obj);
	}
	globfree(&objects);
}

static unsigned wrong; /* programs that are not as listed */

static void check_work(const char *name, const struct bpf_prog_info *info)
{
	unsigned n = listed(name);

	print_message("%-16s %6u of %u\n", name, info->verified_insns, n);
	wrong += !n || n > BUDGET || info->verified_insns > n;
	if (!n)
		print_error("%s is not in " LIST ": add the line '%s %u'\n", name, name,
			    info->verified_insns);
	else if (info->verified_insns > n)
		print_error("%s has grown: find out what made it more, and if that is worth it, "
			    "write %u in " LIST "\n",
			    name, info->verified_insns);
	else if (n > BUDGET)
		print_error("%s: %u in " LIST " is over the budget of %u\n", name, n, BUDGET);
}

/* Older kernels have less patience, and a loader on a small machine is not kept waiting. */
static void verifier_walks_no_more_than_listed(void **state)
{
	(void)state;
	each_program(check_work);
	assert_int_equal(wrong, 0);
}

static int64_t lookup_at; /* where the general look-up is, as calls count */

static void check_lookups(const char *name, const struct bpf_prog_info *info)
{
	const struct bpf_insn *insn = (const void *)(uintptr_t)info->xlated_prog_insns;

	for (unsigned i = 0; i < info->xlated_prog_len / sizeof(*insn); i++)
		if (insn[i].code == (BPF_JMP | BPF_CALL) && !insn[i].src_reg &&
		    insn[i].imm == lookup_at)
			fail_msg("%s, instruction %u: a look-up in one of several maps, which is "
				 "no direct call. Use RW_LOOKUP (bpf/deny.h)",
				 name, i);
}

/* clang made one look-up of two on two branches: 25 ns more for each ban. */
static void every_lookup_knows_its_map(void **state)
{
	(void)state;
	lookup_at = symbol("bpf_map_lookup_elem") - symbol("__bpf_call_base");
	each_program(check_lookups);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifier_walks_no_more_than_listed),
		cmocka_unit_test(every_lookup_knows_its_map),
	};

	return cmocka_run_group_tests_name("instructions", tests, NULL, NULL);
}
