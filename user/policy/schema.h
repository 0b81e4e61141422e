/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of keys. Everything that is known about a key stands in its row:
 * the loader, the messages, `ringwall check --keys` and the tests are driven by it. To
 * add a key: a row here, a field in struct rw_config, a line in docs/ringwall.example.yaml.
 */
#ifndef RW_POLICY_SCHEMA_H
#define RW_POLICY_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum rw_key_kind {
	RW_KIND_SECTION,
	RW_KIND_LIST,		   /* of sections */
	RW_KIND_CHOICE,		   /* one of the words in choices */
	RW_KIND_CHOICE_OR_SECTION, /* a word, or the keys below; then the default word holds */
	RW_KIND_BOOL,
	RW_KIND_NUMBER,
	RW_KIND_DURATION, /* stored as ms */
	RW_KIND_SIZE,	  /* stored as bytes */
	RW_KIND_TEXT,
	RW_KIND_NAME,
	RW_KIND_FILE,	 /* a path; a relative one is meant from the configuration's folder */
	RW_KIND_ADDRESS, /* numeric, with port */
	RW_KIND_PREFIX,	 /* numeric, a length may follow */
	RW_KIND_URL,
	RW_KIND_SECRET,
	RW_KIND_SECRET_FILE,
	RW_KIND_UPSTREAM, /* the name of an upstream, stored as its index */
	RW_KIND_KINDS
};

struct rw_key_choice {
	const char *word;
	int value;
	const char *refused; /* not NULL: why this word, though plausible, cannot be had */
};

/* Where a value goes: bytes from the start of its section's struct, and the width there. */
struct rw_key_place {
	size_t offset, size;
};

struct rw_config_key {
	const char *path; /* "upstreams[].timeouts.connect" */
	enum rw_key_kind kind;
	bool required;
	const char *def;   /* as it would be written; NULL: none */
	uint64_t min, max; /* of a number, ms, bytes, items of a list, bytes of a text */
	const struct rw_key_choice *choices;
	struct rw_key_place to;	   /* lists: the array, and the size of an item */
	struct rw_key_place count; /* lists: how many there are */
	const char *doc;	   /* one line */
};

extern const struct rw_config_key rw_config_keys[];
extern const unsigned rw_config_n_keys;

/* The row of word in the section whose path is prefix ("" at the top), or NULL. */
const struct rw_config_key *rw_config_key_find(const char *prefix, struct rw_slice word);
/* The last word of the row's path if the row stands directly in that section, else NULL. */
const char *rw_config_key_in(const struct rw_config_key *k, const char *prefix);
/* "a whole number from 0 to 100": what a message expects and the reference says. */
int rw_config_key_expects(const struct rw_config_key *k, struct rw_buf *out);
/* What to say to a word that is no key of the section: "did you mean ...?" or the keys there are.
 */
int rw_config_key_suggest(const char *prefix, struct rw_slice word, struct rw_buf *out);
/* The reference: every key as a row of a Markdown table. */
int rw_config_reference(struct rw_buf *out);

#endif
