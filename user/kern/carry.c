/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of a map into one of another layout: by the names of their fields, which the kernel knows
 * of both. What only the old one has is lost, what only the new one has is 0.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kern/internal.h"

/* A place in memory, and the type of what is there. */
struct place {
	const struct btf *btf;
	uint32_t type;
	char *at;
};

static void carry(const struct place *from, const struct place *to);

static const struct btf_type *type_of(struct place *p)
{
	p->type = (uint32_t)btf__resolve_type(p->btf, p->type);
	return btf__type_by_id(p->btf, p->type);
}

static const struct btf_member *member(const struct place *p, const struct btf_type *t,
				       const char *name)
{
	const struct btf_member *m = btf_members(t);

	for (unsigned i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(p->btf, m[i].name_off), name))
			return &m[i];
	return NULL;
}

static void carry_struct(const struct place *from, const struct btf_type *from_type,
			 const struct place *to, const struct btf_type *to_type)
{
	const struct btf_member *m = btf_members(to_type), *old;

	for (unsigned i = 0; i < btf_vlen(to_type); i++) {
		old = member(from, from_type, btf__name_by_offset(to->btf, m[i].name_off));
		if (old)
			carry(&(struct place){from->btf, old->type, from->at + old->offset / 8},
			      &(struct place){to->btf, m[i].type, to->at + m[i].offset / 8});
	}
}

static void carry_array(const struct place *from, const struct btf_type *from_type,
			const struct place *to, const struct btf_type *to_type)
{
	const struct btf_array *a = btf_array(from_type), *b = btf_array(to_type);
	size_t step_a = (size_t)btf__resolve_size(from->btf, a->type);
	size_t step_b = (size_t)btf__resolve_size(to->btf, b->type);

	for (uint32_t i = 0; i < a->nelems && i < b->nelems; i++)
		carry(&(struct place){from->btf, a->type, from->at + i * step_a},
		      &(struct place){to->btf, b->type, to->at + i * step_b});
}

/* Numbers may have grown or shrunk: little-endian, as everything that XDP is run on here. */
static void carry(const struct place *from, const struct place *to)
{
	struct place a = *from, b = *to;
	const struct btf_type *ta = type_of(&a), *tb = type_of(&b);

	if (!ta || !tb || btf_kind(ta) != btf_kind(tb))
		return;
	if (btf_is_composite(ta))
		carry_struct(&a, ta, &b, tb);
	else if (btf_is_array(ta))
		carry_array(&a, ta, &b, tb);
	else
		memcpy(b.at, a.at, ta->size < tb->size ? ta->size : tb->size);
}

/* A map with the types of its keys and values. */
struct typed {
	struct bpf_map_info info;
	struct btf *btf;
	char *key, *value;
};

static int typed_open(int fd, struct typed *t)
{
	uint32_t len = sizeof(t->info);
	int err = bpf_map_get_info_by_fd(fd, &t->info, &len);

	if (err)
		return err;
	if (!t->info.btf_id)
		return -ENODATA;
	t->btf = btf__load_from_kernel_by_id(t->info.btf_id);
	t->key = calloc(1, t->info.key_size);
	t->value = calloc(1, t->info.value_size);
	if (!t->btf)
		return -errno;
	return t->key && t->value ? 0 : -ENOMEM;
}

static void typed_close(struct typed *t)
{
	btf__free(t->btf);
	free(t->key);
	free(t->value);
}

static int carry_entries(int from_fd, struct typed *from, int to_fd, struct typed *to, unsigned *n)
{
	void *at = NULL;
	int err;

	while (!(err = bpf_map_get_next_key(from_fd, at, from->key))) {
		at = from->key;
		if (bpf_map_lookup_elem(from_fd, from->key, from->value))
			continue;
		memset(to->key, 0, to->info.key_size);
		memset(to->value, 0, to->info.value_size);
		carry(&(struct place){from->btf, from->info.btf_key_type_id, from->key},
		      &(struct place){to->btf, to->info.btf_key_type_id, to->key});
		carry(&(struct place){from->btf, from->info.btf_value_type_id, from->value},
		      &(struct place){to->btf, to->info.btf_value_type_id, to->value});
		err = bpf_map_update_elem(to_fd, to->key, to->value, BPF_ANY);
		if (err)
			return err;
		(*n)++;
	}
	return err == -ENOENT ? 0 : err;
}

int rw_carry_map(const char *name, int from_fd, int to_fd, unsigned *n, struct rw_error *e)
{
	struct typed from = {0}, to = {0};
	int err = typed_open(from_fd, &from);

	*n = 0;
	if (!err)
		err = typed_open(to_fd, &to);
	if (!err)
		err = carry_entries(from_fd, &from, to_fd, &to, n);
	typed_close(&from);
	typed_close(&to);
	if (!err)
		return RW_OK;
	if (err == -EPERM)
		return rw_fail(e, RW_EPERM,
			       "%s has another layout now, and to carry its entries over needs "
			       "CAP_SYS_ADMIN: run this as root",
			       name);
	return rw_fail(e, RW_EUNSUP,
		       "the entries of %s cannot be carried over into its new layout (%s); "
		       "nothing was changed: 'ringwall kern detach', then attach again",
		       name,
		       err == -ENODATA			 ? "the old map has no types"
		       : err == -E2BIG || err == -ENOSPC ? "they are more than it holds"
							 : strerror(-err));
}
