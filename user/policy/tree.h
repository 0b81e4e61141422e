/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML as a tree of texts, lists and sections, each with its place in the file.
 *
 * A deliberate subset of YAML 1.1: one document; no anchors, aliases, merge
 * keys or tags; keys are plain text and unique in their section; no NUL
 * bytes. Scalars stay text: what they mean is decided by the table of keys, so
 * that "off", "010" and "1e3" are never surprises.
 */
#ifndef RW_POLICY_TREE_H
#define RW_POLICY_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum {
	RW_TREE_MAX_BYTES = 1024 * 1024,
	RW_TREE_MAX_DEPTH = 8,
	RW_TREE_MAX_NODES = 16384,
	RW_TREE_MAX_KEYS = 64, /* in one section */
};

enum rw_tree_kind { RW_TREE_TEXT, RW_TREE_LIST, RW_TREE_MAP };

struct rw_tree_node {
	enum rw_tree_kind kind;
	bool quoted;	       /* texts: '' and "" are texts, an empty plain one is nothing */
	uint32_t line, column; /* where the value begins, from 1; the column counts characters */
	uint32_t key_line, key_column;
	struct rw_slice key;		   /* in a section */
	struct rw_slice text;		   /* texts; no NUL in it, not terminated */
	struct rw_tree_node *child, *next; /* first child; next sibling */
	struct rw_tree_node *last;
	unsigned n; /* children */
};

/* Owns nodes (arena) and their texts (one buffer that never moves, wiped on free). */
struct rw_tree {
	struct rw_arena arena;
	struct rw_buf text;
	struct rw_tree_node *root; /* a section */
};

/*
 * Parses yaml; name stands for the file in messages. On error (RW_EINVAL,
 * RW_ELIMIT, RW_ENOMEM) *e has "NAME:LINE:COLUMN: ..." and *t is empty.
 */
int rw_tree_parse(struct rw_tree *t, struct rw_slice yaml, const char *name, struct rw_error *e);
void rw_tree_free(struct rw_tree *t);
/* The value of key in a section, or NULL; also NULL where map is NULL or no section. */
const struct rw_tree_node *rw_tree_get(const struct rw_tree_node *map, const char *key);
/* The value at index of a list, or NULL. */
const struct rw_tree_node *rw_tree_at(const struct rw_tree_node *list, unsigned index);

#endif
