/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/concept_pack.h"

#include <stdlib.h>
#include <yaml.h>

#include "scan/packs.h"

enum { CASES_MAX = 1024, BLOCK_BYTES = 4096 };

struct reader {
	struct rw_concept_pack *p;
	struct rw_error *e;
	yaml_document_t *doc;
	struct rw_view *view;
	/* What is left of the block that words are copied into: an allocation for each would cost
	 * as much again as they are long. */
	char *block;
	size_t left;
};

static yaml_node_t *node(const struct reader *rd, int id)
{
	return yaml_document_get_node(rd->doc, id);
}

static int fail(const struct reader *rd, const yaml_node_t *at, const char *what)
{
	const char *id = rd->p->n ? rd->p->concepts[rd->p->n - 1].id : NULL;

	return rw_fail(rd->e, RW_EINVAL, "concepts.yaml:%zu: %s%s%s", at->start_mark.line + 1,
		       id ? id : "", id ? ": " : "", what);
}

static const char *text(const yaml_node_t *at)
{
	return at->type == YAML_SCALAR_NODE ? (const char *)at->data.scalar.value : NULL;
}

/* Whether the letter at p is of a script that sets no spaces. */
static bool spaceless(const char *p)
{
	unsigned char c = (unsigned char)*p;

	return (c >= 0xe3 && c <= 0xed) || c >= 0xf0 ||
	       (c == 0xe0 && ((unsigned char)p[1] == 0xb8 || (unsigned char)p[1] == 0xb9));
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c & (char)0x80;
}

static const char *last_char(const char *p, size_t n)
{
	const char *at = p + n - 1;

	while (at > p && (*at & 0xc0) == 0x80)
		at--;
	return at;
}

/* A copy of what is in the view, with a zero behind it. NULL: no memory. */
static const char *keep_view(struct reader *rd)
{
	size_t n = rd->view->n + 1;
	char *at;

	if (n > rd->left) {
		rd->block = rw_arena_bytes(&rd->p->arena, BLOCK_BYTES);
		rd->left = rd->block ? BLOCK_BYTES : 0;
	}
	if (n > rd->left)
		return NULL;
	at = rd->block;
	memcpy(at, rd->view->bytes, n - 1);
	at[n - 1] = '\0';
	rd->block += n;
	rd->left -= n;
	return at;
}

static int read_word(struct reader *rd, const yaml_node_t *at, const char *s, size_t n)
{
	struct rw_concept_pack *p = rd->p;
	struct rw_concept_word *w = &p->words[p->n_words];
	bool open_before = n && *s == '*', open_behind = n > 1 && s[n - 1] == '*';

	if (p->n_words == RW_CONCEPT_WORDS_MAX)
		return fail(rd, at, "too many words");
	if (open_before && s[1] > 0)
		return fail(rd, at,
			    "a word of ASCII is looked for where it begins: no star in front");
	s += open_before;
	n -= (size_t)open_before + open_behind;
	if (!n || n > RW_CONCEPT_WORD_BYTES || memchr(s, '*', n))
		return fail(rd, at, "a word of some letters is wanted; a star begins or ends it");
	rw_view_fold(rd->view, rw_slice_of(s, n));
	n = rd->view->n;
	if (!n)
		return fail(rd, at, "nothing of this word is left in the view");
	w->text = keep_view(rd);
	if (!w->text)
		return rw_fail(rd->e, RW_ENOMEM, "no memory for the concepts");
	w->len = (uint8_t)n;
	w->concept = (uint16_t)(p->n - 1);
	w->alone_before = !open_before && is_letter(*w->text) && !spaceless(w->text);
	w->alone_behind = !open_behind && is_letter(w->text[n - 1]) &&
			  !spaceless(last_char(w->text, n));
	p->n_words++;
	return 0;
}

static int each(struct reader *rd, const yaml_node_t *list,
		int (*read)(struct reader *rd, const yaml_node_t *at))
{
	int rc = 0;

	if (list->type != YAML_SEQUENCE_NODE)
		return fail(rd, list, "a list is wanted here");
	for (const yaml_node_item_t *i = list->data.sequence.items.start;
	     !rc && i < list->data.sequence.items.top; i++)
		rc = read(rd, node(rd, *i));
	return rc;
}

/* The words of a language: one string, for a node of YAML for each would take ten times the room.
 */
static int read_language(struct reader *rd, const yaml_node_t *at)
{
	static const char between[] = " | ";
	const char *s = text(at), *end;
	int rc = s ? 0 : fail(rd, at, "words are a string, with ' | ' between them");

	for (; !rc && s; s = end ? end + sizeof(between) - 1 : NULL) {
		end = strstr(s, between);
		rc = read_word(rd, at, s, end ? (size_t)(end - s) : strlen(s));
	}
	return rc;
}

static int read_words(struct reader *rd, const yaml_node_t *map)
{
	int rc = 0;

	if (map->type != YAML_MAPPING_NODE)
		return fail(rd, map, "words is a mapping: language to words");
	for (const yaml_node_pair_t *i = map->data.mapping.pairs.start;
	     !rc && i < map->data.mapping.pairs.top; i++)
		rc = read_language(rd, node(rd, i->value));
	return rc;
}

static int add_case(struct reader *rd, const yaml_node_t *at, bool must)
{
	struct rw_concept_pack *p = rd->p;
	const char *s = text(at);

	if (!s || p->n_cases == CASES_MAX)
		return fail(rd, at, s ? "too many cases" : "a case is a string");
	p->cases[p->n_cases++] = (struct rw_concept_case){
		.text = rw_arena_copy(&p->arena, rw_slice_str(s)),
		.line = (unsigned)at->start_mark.line + 1,
		.concept = (uint16_t)(p->n - 1),
		.must = must,
	};
	return p->cases[p->n_cases - 1].text
		       ? 0
		       : rw_fail(rd->e, RW_ENOMEM, "no memory for the concepts");
}

static int read_match(struct reader *rd, const yaml_node_t *at)
{
	return add_case(rd, at, true);
}

static int read_no_match(struct reader *rd, const yaml_node_t *at)
{
	return add_case(rd, at, false);
}

static uint32_t key_of(const char *id)
{
	uint32_t h = 2166136261u;

	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * 16777619u;
	return h ? h : 1;
}

static int set_id(struct reader *rd, const yaml_node_t *at)
{
	struct rw_concept *c = &rd->p->concepts[rd->p->n - 1];
	const char *s = text(at);

	c->id = s ? rw_arena_copy(&rd->p->arena, rw_slice_str(s)) : NULL;
	if (!c->id)
		return fail(rd, at, "an id is a string");
	c->key = key_of(c->id);
	for (unsigned i = 0; i + 1 < rd->p->n; i++)
		if (rd->p->concepts[i].key == c->key)
			return fail(rd, at, "the id stands twice");
	return 0;
}

static int read_match_list(struct reader *rd, const yaml_node_t *at)
{
	return each(rd, at, read_match);
}

static int read_no_match_list(struct reader *rd, const yaml_node_t *at)
{
	return each(rd, at, read_no_match);
}

/* A concept's keys, all of them needed, read in this order. */
static const struct {
	const char *name;
	int (*read)(struct reader *rd, const yaml_node_t *at);
} keys[] = {
	{"id", set_id},
	{"words", read_words},
	{"match", read_match_list},
	{"no_match", read_no_match_list},
};

enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

static const yaml_node_t *value_of(const struct reader *rd, const yaml_node_t *map,
				   const char *name)
{
	for (const yaml_node_pair_t *i = map->data.mapping.pairs.start;
	     i < map->data.mapping.pairs.top; i++) {
		const char *key = text(node(rd, i->key));

		if (key && !strcmp(key, name))
			return node(rd, i->value);
	}
	return NULL;
}

static int read_concept(struct reader *rd, const yaml_node_t *map)
{
	int rc = 0;

	if (map->type != YAML_MAPPING_NODE || rd->p->n == RW_CONCEPTS_MAX)
		return fail(rd, map, "a concept is a mapping, and there are not too many");
	if (map->data.mapping.pairs.top - map->data.mapping.pairs.start != KEYS)
		return fail(rd, map, "a concept has id, words, match and no_match");
	rd->p->n++;
	for (unsigned k = 0; !rc && k < KEYS; k++) {
		const yaml_node_t *v = value_of(rd, map, keys[k].name);

		rc = v ? keys[k].read(rd, v)
		       : fail(rd, map, "a concept has id, words, match and no_match");
	}
	return rc;
}

static int read_root(struct reader *rd)
{
	const yaml_node_t *root = yaml_document_get_root_node(rd->doc), *list;

	if (!root || root->type != YAML_MAPPING_NODE)
		return rw_fail(rd->e, RW_EINVAL, "concepts.yaml: a mapping is wanted");
	list = value_of(rd, root, "concepts");
	return list ? each(rd, list, read_concept)
		    : rw_fail(rd->e, RW_EINVAL, "concepts.yaml: there is no list of concepts");
}

/* Gives back the room for words that there are not. */
static int keep_words(struct rw_concept_pack *p, struct rw_error *e)
{
	struct rw_concept_word *words = realloc(p->words, (p->n_words + 1) * sizeof(*words));

	if (!words)
		return rw_fail(e, RW_ENOMEM, "no memory for the concepts");
	p->words = words;
	return RW_OK;
}

int rw_concept_pack_read(struct rw_concept_pack *p, struct rw_error *e)
{
	struct rw_slice yaml = rw_pack_concepts();
	struct reader rd = {.p = p, .e = e, .view = malloc(sizeof(*rd.view))};
	yaml_parser_t parser;
	yaml_document_t doc;
	int rc;

	rw_arena_init(&p->arena, 0);
	p->words = calloc(RW_CONCEPT_WORDS_MAX, sizeof(*p->words));
	p->cases = calloc(CASES_MAX, sizeof(*p->cases));
	if (!p->words || !p->cases || !rd.view || !yaml_parser_initialize(&parser)) {
		free(rd.view);
		return rw_fail(e, RW_ENOMEM, "no memory for the concepts");
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)yaml.p, yaml.n);
	if (!yaml_parser_load(&parser, &doc)) {
		rc = rw_fail(e, RW_EINVAL, "concepts.yaml:%zu: not YAML: %s",
			     parser.problem_mark.line + 1,
			     parser.problem ? parser.problem : "unreadable");
	} else {
		rd.doc = &doc;
		rc = read_root(&rd);
		yaml_document_delete(&doc);
	}
	yaml_parser_delete(&parser);
	free(rd.view);
	return rc ? rc : keep_words(p, e);
}

void rw_concept_pack_free(struct rw_concept_pack *p)
{
	free(p->words);
	free(p->cases);
	rw_arena_free(&p->arena);
}
