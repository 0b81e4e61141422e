/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One load of a configuration, inside the room: what the loader, the setters and the cross
 * checks share. Lives on the loader's stack.
 */
#ifndef RW_POLICY_LOAD_H
#define RW_POLICY_LOAD_H

#include "policy/config.h"
#include "policy/schema.h"
#include "policy/tree.h"

enum { RW_LOAD_PATH = 160 };

struct rw_load {
	struct rw_config *cfg;
	const char *name;    /* the file, in messages */
	struct rw_slice dir; /* of the file, with its slash; empty: the working directory */
	bool public_only;    /* leave secrets alone */
	bool literal_secret; /* found: a key written into the file itself */
	struct rw_error *e;
	struct rw_error missing; /* the first required key that is not there; code 0: none */
	char path[RW_LOAD_PATH]; /* of the key at hand: "upstreams[1].url" */
};

/*
 * Stores what text (variables filled in) means at the row's place in base, its section's
 * struct. RW_EINVAL with why->text empty: no such value; else why has the sentence.
 */
int rw_load_set(struct rw_load *l, const struct rw_config_key *k, struct rw_slice text, void *base,
		struct rw_error *why);
/* Stores a count or number at place in base. */
void rw_load_store(void *base, struct rw_key_place place, uint64_t v);

/* Fills l->e with "NAME:LINE:COLUMN: PATH: sentence"; returns code. path may be "". */
int rw_load_fail(struct rw_load *l, const struct rw_tree_node *at, const char *path, int code,
		 const char *sentence);

/* What no single key can tell: names that must exist or be unique, values that must fit. */
int rw_load_cross(struct rw_load *l, const struct rw_tree_node *root);

#endif
