/* SPDX-License-Identifier: Apache-2.0 */
/* Egress containment: attaching it to a cgroup, and taking it away. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kern/internal.h"
#include "kern/out.h"

enum { PROGRAMS = 5 };

static const enum rw_kern_program programs[PROGRAMS] = {
	RW_PROGRAM_EGRESS,   RW_PROGRAM_CONNECT4, RW_PROGRAM_CONNECT6,
	RW_PROGRAM_SENDMSG4, RW_PROGRAM_SENDMSG6,
};

static const enum rw_kern_map maps[] = {RW_MAP_OUT_META, RW_MAP_OUT, RW_MAP_OUT_NET,
					RW_MAP_OUT_STATS, RW_MAP_OUT_REFUSED};

/* --- what is there -----------------------------------------------------------------------------
 */

/* Another cgroup that lives: to contain two would be to contain neither as asked. */
static int check_free(uint64_t id, bool *ours, struct rw_error *e)
{
	struct rw_egress_where where;
	struct rw_egress *g;
	struct stat st;
	int rc;

	*ours = !access(RW_PIN_ROOT "/rw_out_meta", F_OK);
	if (!*ours)
		return RW_OK;
	rc = rw_egress_open(&g, e);
	if (rc == RW_EUNSUP) /* what an interrupted attach or another version left */
		return RW_OK;
	if (rc)
		return rc;
	rw_egress_where(g, &where);
	rw_egress_close(g);
	if (!where.alive || (!stat(where.cgroup, &st) && st.st_ino == id))
		return RW_OK;
	return rw_fail(e, RW_EBUSY,
		       "egress of cgroup %.200s is contained already: 'ringwall kern egress "
		       "detach' ends that",
		       where.cgroup);
}

static void unpin_all(void)
{
	char name[32];

	for (unsigned i = 0; i < PROGRAMS; i++) {
		snprintf(name, sizeof(name), "%s" RW_LINK_END, rw_kern_programs[programs[i]].name);
		rw_unpin(name);
	}
	for (unsigned i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		rw_unpin(rw_kern_maps[maps[i]].name);
}

/* --- attaching ---------------------------------------------------------------------------------
 */

static int write_meta(const struct rw_egress_attach *a, const struct rw_programs *s, uint64_t id,
		      struct rw_error *e)
{
	struct rw_kern_out_meta meta = {
		.abi = RW_KERN_ABI,
		.layout = rw_kern_out_layout(),
		.cgroup_id = id,
	};
	uint32_t zero = 0;
	int err;

	memcpy(meta.magic, RW_KERN_MAGIC, sizeof(meta.magic));
	snprintf(meta.version, sizeof(meta.version), "%s", RW_VERSION);
	snprintf(meta.cgroup, sizeof(meta.cgroup), "%s", a->cgroup);
	err = bpf_map_update_elem(s->map[RW_MAP_OUT_META], &zero, &meta, BPF_ANY);
	return err ? rw_kern_fail(e, err, "write rw_out_meta") : RW_OK;
}

/* Before the first program is attached: there is no moment in which less is allowed than was asked.
 */
static int write_maps(const struct rw_egress_attach *a, const struct rw_programs *s, uint64_t id,
		      struct rw_error *e)
{
	int rc = write_meta(a, s, id, e);

	for (unsigned i = 0; i < a->n_rules && !rc; i++)
		rc = rw_out_rule_put(s->map[RW_MAP_OUT_NET], &a->rules[i], e);
	return rc;
}

static int link_all(struct rw_programs *s, uint32_t which, int cgroup, struct rw_error *e)
{
	const int target[RW_TARGETS] = {[RW_TARGET_CGROUP] = cgroup};
	int err = rw_programs_link(s, which, target, RW_KERN_MODE_NATIVE);

	return err ? rw_kern_fail(e, err, "attach to the cgroup") : RW_OK;
}

/* The links stand already: what is replaced goes only now, so both judge for a moment. */
static int pin(const struct rw_programs *s, gid_t gid, bool ours, struct rw_error *e)
{
	int rc = rw_pins_make_root(gid, e);

	if (rc)
		return rc;
	if (ours)
		unpin_all();
	rc = rw_programs_pin_maps(s, gid, e);
	if (!rc)
		rc = rw_programs_pin_links(s, e);
	if (rc)
		rw_programs_unpin(s);
	return rc;
}

int rw_egress_attach(const struct rw_egress_attach *a, struct rw_error *e)
{
	uint32_t which = 0;
	struct rw_programs s;
	uint64_t id = 0;
	bool ours = false;
	int cgroup = -1;
	gid_t gid = 0;
	int rc = rw_kern_privileged(e);

	rw_programs_init(&s);
	for (unsigned i = 0; i < PROGRAMS; i++)
		which |= 1U << programs[i];
	if (!rc)
		rc = rw_kern_has_bpffs(e);
	if (!rc)
		rc = rw_cgroup_open(a->cgroup, &cgroup, &id, e);
	if (!rc)
		rc = rw_kern_find_group(a->group, &gid, e);
	if (!rc)
		rc = check_free(id, &ours, e);
	if (!rc)
		rc = rw_programs_load(&s, which, e);
	if (!rc)
		rc = write_maps(a, &s, id, e);
	if (!rc)
		rc = link_all(&s, which, cgroup, e);
	if (!rc)
		rc = pin(&s, gid, ours, e);
	rw_programs_free(&s);
	if (cgroup >= 0)
		close(cgroup);
	return rc;
}

int rw_egress_detach(struct rw_error *e)
{
	int rc = rw_kern_privileged(e);

	if (rc)
		return rc;
	if (access(RW_PIN_ROOT "/rw_out_meta", F_OK))
		return rw_fail(e, RW_ENOTFOUND,
			       "egress is not contained: there is no " RW_PIN_ROOT "/rw_out_meta");
	unpin_all();
	rw_pins_tidy();
	return RW_OK;
}
