/* SPDX-License-Identifier: Apache-2.0 */
/* The pack of concepts: YAML in, words out. Nothing here matches; see concept.h. */
#ifndef RW_SCAN_CONCEPT_PACK_H
#define RW_SCAN_CONCEPT_PACK_H

#include "scan/concept.h"

/* As the folded view has it. alone_*: no letter may stand there. */
struct rw_concept_word {
	const char *text;
	uint8_t len;
	bool alone_before, alone_behind;
	uint16_t concept;
};

struct rw_concept_case {
	const char *text;
	unsigned line;
	uint16_t concept;
	bool must;
};

struct rw_concept_pack {
	struct rw_arena arena;
	struct rw_concept concepts[RW_CONCEPTS_MAX];
	unsigned n;
	struct rw_concept_word *words;
	unsigned n_words;
	struct rw_concept_case *cases;
	unsigned n_cases;
};

/* Reads the pack in the binary. *e names line and concept. */
int rw_concept_pack_read(struct rw_concept_pack *p, struct rw_error *e);
void rw_concept_pack_free(struct rw_concept_pack *p);

#endif
