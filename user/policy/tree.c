/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/tree.h"

#include <string.h>
#include <yaml.h>

#include "policy/show.h"

enum { ARENA_BYTES = 8 * 1024 * 1024 };

struct builder {
	struct rw_tree *tree;
	struct rw_slice yaml;
	const char *name;
	struct rw_error *e;
	yaml_parser_t parser;
	unsigned nodes;
};

static uint32_t from_one(size_t zero_based)
{
	return (uint32_t)zero_based + 1;
}

static int fail_at(struct builder *b, const yaml_mark_t *m, int code, const char *sentence)
{
	return rw_fail(b->e, code, "%s:%u:%u: %s", b->name, from_one(m->line), from_one(m->column),
		       sentence);
}

/* For bytes that the reader refused: libyaml gives no mark there, only an offset. */
static yaml_mark_t mark_of_offset(struct rw_slice yaml, size_t offset)
{
	yaml_mark_t m = {.index = offset};

	for (size_t i = 0; i < offset && i < yaml.n; i++) {
		m.column++;
		if (yaml.p[i] == '\n') {
			m.line++;
			m.column = 0;
		}
	}
	return m;
}

static struct rw_slice line_of(struct rw_slice yaml, size_t line)
{
	const char *p = yaml.p, *end = yaml.p + yaml.n, *nl;

	for (; line && p < end; line--) {
		nl = memchr(p, '\n', (size_t)(end - p));
		p = nl ? nl + 1 : end;
	}
	nl = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
	return rw_slice_of(p, (size_t)((nl ? nl : end) - p));
}

static bool contains(struct rw_slice s, const char *what)
{
	return s.n && memmem(s.p, s.n, what, strlen(what)) != NULL;
}

/* libyaml says what it expected; people need to hear which of the usual slips it was. */
static const char *hint(struct rw_slice line)
{
	for (size_t i = 0; i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'); i++)
		if (line.p[i] == '\t')
			return "; the line is indented with a tab: use spaces";
	if (contains(line, ": *") || contains(line, "- *"))
		return "; write \"*\" with quotes";
	if (contains(line, ": ${"))
		return "; inside { } write \"${NAME}\" with quotes";
	return "";
}

static int fail_yaml(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;
	yaml_mark_t m = p->problem_mark;
	char text[240];

	if (p->error == YAML_MEMORY_ERROR)
		return rw_fail(b->e, RW_ENOMEM, "%s: out of memory", b->name);
	if (p->error == YAML_READER_ERROR)
		m = mark_of_offset(b->yaml, p->problem_offset);
	snprintf(text, sizeof(text), "this is not YAML: %s%s",
		 p->problem ? p->problem : "unreadable", hint(line_of(b->yaml, m.line)));
	return fail_at(b, &m, RW_EINVAL, text);
}

static int next_event(struct builder *b, yaml_event_t *ev)
{
	return yaml_parser_parse(&b->parser, ev) ? RW_OK : fail_yaml(b);
}

/* A scalar may be a secret: libyaml's copy does not stay in freed memory. */
static void drop_event(yaml_event_t *ev)
{
	if (ev->type == YAML_SCALAR_EVENT && ev->data.scalar.value)
		explicit_bzero(ev->data.scalar.value, ev->data.scalar.length);
	yaml_event_delete(ev);
}

static const char *refused(const yaml_event_t *ev)
{
	static const char anchor[] = "anchors (&name) are not supported: write the value out";
	static const char tag[] = "tags (!name) are not supported: leave it out";

	switch (ev->type) {
	case YAML_ALIAS_EVENT:
		return "aliases (*name) are not supported: write the value out, or quote the text";
	case YAML_SCALAR_EVENT:
		return ev->data.scalar.anchor ? anchor : ev->data.scalar.tag ? tag : NULL;
	case YAML_SEQUENCE_START_EVENT:
		return ev->data.sequence_start.anchor ? anchor
		       : ev->data.sequence_start.tag  ? tag
						      : NULL;
	case YAML_MAPPING_START_EVENT:
		return ev->data.mapping_start.anchor ? anchor
		       : ev->data.mapping_start.tag  ? tag
						     : NULL;
	default:
		return NULL;
	}
}

static int keep_text(struct builder *b, const yaml_event_t *ev, struct rw_slice *out)
{
	const char *value = (const char *)ev->data.scalar.value;
	size_t n = ev->data.scalar.length, at = b->tree->text.len;

	if (memchr(value, 0, n))
		return fail_at(b, &ev->start_mark, RW_EINVAL, "the text contains a NUL byte");
	/* Reserved as a whole at the start: earlier slices stay valid. */
	if (rw_buf_add(&b->tree->text, value, n))
		return fail_at(b, &ev->start_mark, RW_ELIMIT, "the file's texts are too long");
	*out = rw_slice_of(b->tree->text.p + at, n);
	return RW_OK;
}

static int new_node(struct builder *b, const yaml_event_t *ev, enum rw_tree_kind kind,
		    struct rw_tree_node **out)
{
	struct rw_tree_node *n;

	if (++b->nodes > RW_TREE_MAX_NODES)
		return fail_at(b, &ev->start_mark, RW_ELIMIT, "the file has too many values");
	n = rw_arena_alloc(&b->tree->arena, sizeof(*n));
	if (!n)
		return rw_fail(b->e, RW_ENOMEM, "%s: out of memory", b->name);
	n->kind = kind;
	n->line = from_one(ev->start_mark.line);
	n->column = from_one(ev->start_mark.column);
	*out = n;
	return RW_OK;
}

static void append(struct rw_tree_node *parent, struct rw_tree_node *n)
{
	if (parent->last)
		parent->last->next = n;
	else
		parent->child = n;
	parent->last = n;
	parent->n++;
}

static int build(struct builder *b, const yaml_event_t *ev, unsigned depth,
		 struct rw_tree_node **out);

static int build_list(struct builder *b, struct rw_tree_node *list, unsigned depth)
{
	struct rw_tree_node *item;
	yaml_event_t ev;
	bool end;
	int rc;

	for (;;) {
		rc = next_event(b, &ev);
		if (rc)
			return rc;
		end = ev.type == YAML_SEQUENCE_END_EVENT;
		if (!end) {
			rc = build(b, &ev, depth + 1, &item);
			if (!rc)
				append(list, item);
		}
		drop_event(&ev);
		if (rc || end)
			return rc;
	}
}

static int fail_duplicate(struct builder *b, const yaml_event_t *ev, const struct rw_tree_node *old,
			  struct rw_slice key)
{
	char shown[RW_SHOWN], text[240];

	snprintf(text, sizeof(text), "the key '%s' is there twice, first on line %u; keep one",
		 rw_show(key, shown), old->key_line);
	return fail_at(b, &ev->start_mark, RW_EINVAL, text);
}

static int check_key(struct builder *b, const yaml_event_t *ev, const struct rw_tree_node *map,
		     struct rw_slice *key)
{
	const char *why = refused(ev);
	int rc;

	if (why)
		return fail_at(b, &ev->start_mark, RW_EINVAL, why);
	if (ev->type != YAML_SCALAR_EVENT)
		return fail_at(b, &ev->start_mark, RW_EINVAL,
			       "a key must be a word; to use ${NAME} here, write it with quotes");
	rc = keep_text(b, ev, key);
	if (rc)
		return rc;
	if (rw_slice_is(*key, "<<"))
		return fail_at(b, &ev->start_mark, RW_EINVAL,
			       "merge keys (<<) are not supported: write the keys out");
	for (const struct rw_tree_node *c = map->child; c; c = c->next)
		if (rw_slice_eq(c->key, *key))
			return fail_duplicate(b, ev, c, *key);
	if (map->n >= RW_TREE_MAX_KEYS)
		return fail_at(b, &ev->start_mark, RW_ELIMIT, "too many keys in one section");
	return RW_OK;
}

/* Key and value; *end where the section ended instead. */
static int build_pair(struct builder *b, struct rw_tree_node *map, unsigned depth, bool *end)
{
	struct rw_tree_node *value;
	struct rw_slice key;
	yaml_event_t kev, vev;
	int rc;

	rc = next_event(b, &kev);
	if (rc)
		return rc;
	*end = kev.type == YAML_MAPPING_END_EVENT;
	if (*end)
		goto out;
	rc = check_key(b, &kev, map, &key);
	if (rc)
		goto out;
	rc = next_event(b, &vev);
	if (rc)
		goto out;
	rc = build(b, &vev, depth + 1, &value);
	drop_event(&vev);
	if (rc)
		goto out;
	value->key = key;
	value->key_line = from_one(kev.start_mark.line);
	value->key_column = from_one(kev.start_mark.column);
	append(map, value);
out:
	drop_event(&kev);
	return rc;
}

static int build(struct builder *b, const yaml_event_t *ev, unsigned depth,
		 struct rw_tree_node **out)
{
	const char *why = refused(ev);
	bool end = false;
	int rc;

	if (why)
		return fail_at(b, &ev->start_mark, RW_EINVAL, why);
	if (depth > RW_TREE_MAX_DEPTH)
		return fail_at(b, &ev->start_mark, RW_ELIMIT, "nested too deeply");
	if (ev->type == YAML_SCALAR_EVENT) {
		rc = new_node(b, ev, RW_TREE_TEXT, out);
		if (rc)
			return rc;
		(*out)->quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
		return keep_text(b, ev, &(*out)->text);
	}
	if (ev->type == YAML_SEQUENCE_START_EVENT) {
		rc = new_node(b, ev, RW_TREE_LIST, out);
		return rc ? rc : build_list(b, *out, depth);
	}
	/* The grammar has ends only where a list or section reads them. */
	RW_BUG_ON(ev->type != YAML_MAPPING_START_EVENT);
	rc = new_node(b, ev, RW_TREE_MAP, out);
	while (!rc && !end)
		rc = build_pair(b, *out, depth, &end);
	return rc;
}

/* The root: exactly one document, and a section. */
static int build_document(struct builder *b, const yaml_event_t *ev)
{
	if (ev->type == YAML_STREAM_START_EVENT || ev->type == YAML_STREAM_END_EVENT ||
	    ev->type == YAML_DOCUMENT_END_EVENT)
		return RW_OK;
	if (ev->type == YAML_DOCUMENT_START_EVENT) {
		if (b->tree->root)
			return fail_at(b, &ev->start_mark, RW_EINVAL,
				       "a second document begins here; keep everything in one");
		return RW_OK;
	}
	if (ev->type == YAML_SCALAR_EVENT && !ev->data.scalar.length &&
	    ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return fail_at(b, &ev->start_mark, RW_EINVAL, "the file is empty");
	if (ev->type != YAML_MAPPING_START_EVENT && !refused(ev))
		return fail_at(b, &ev->start_mark, RW_EINVAL,
			       "the file must consist of \"key: value\" lines");
	return build(b, ev, 0, &b->tree->root);
}

static int run(struct builder *b)
{
	yaml_event_t ev;
	bool end = false;
	int rc = RW_OK;

	while (!rc && !end) {
		rc = next_event(b, &ev);
		if (rc)
			break;
		end = ev.type == YAML_STREAM_END_EVENT;
		rc = build_document(b, &ev);
		drop_event(&ev);
	}
	if (!rc && !b->tree->root)
		rc = rw_fail(b->e, RW_EINVAL, "%s:1:1: the file is empty", b->name);
	return rc;
}

/* What libyaml read ahead is still in its buffers; its struct is public. */
static void wipe_parser(yaml_parser_t *p)
{
	if (p->raw_buffer.start)
		explicit_bzero(p->raw_buffer.start,
			       (size_t)(p->raw_buffer.end - p->raw_buffer.start));
	if (p->buffer.start)
		explicit_bzero(p->buffer.start, (size_t)(p->buffer.end - p->buffer.start));
}

static int check_bytes(struct rw_slice yaml, const char *name, struct rw_error *e)
{
	const char *nul = yaml.n ? memchr(yaml.p, 0, yaml.n) : NULL;
	yaml_mark_t m;

	if (yaml.n > RW_TREE_MAX_BYTES)
		return rw_fail(e, RW_ELIMIT, "%s: larger than 1 MiB: this is no configuration",
			       name);
	if (!nul)
		return RW_OK;
	m = mark_of_offset(yaml, (size_t)(nul - yaml.p));
	return rw_fail(e, RW_EINVAL, "%s:%u:%u: a NUL byte; the file must be UTF-8 text", name,
		       from_one(m.line), from_one(m.column));
}

int rw_tree_parse(struct rw_tree *t, struct rw_slice yaml, const char *name, struct rw_error *e)
{
	struct builder b = {.tree = t, .yaml = yaml, .name = name, .e = e};
	int rc;

	*t = (struct rw_tree){0};
	rw_arena_init(&t->arena, ARENA_BYTES);
	rc = check_bytes(yaml, name, e);
	if (rc)
		return rc;
	if (rw_slice_starts(yaml, "\xef\xbb\xbf")) /* a byte order mark, as some editors leave */
		b.yaml = yaml = rw_slice_of(yaml.p + 3, yaml.n - 3);
	/* The worst escape, "\L", makes three bytes of two characters. */
	t->text.max = 2 * yaml.n + 1;
	if (rw_buf_reserve(&t->text, t->text.max) || !yaml_parser_initialize(&b.parser)) {
		rw_tree_free(t);
		return rw_fail(e, RW_ENOMEM, "%s: out of memory", name);
	}
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)yaml.p, yaml.n);
	rc = run(&b);
	wipe_parser(&b.parser);
	yaml_parser_delete(&b.parser);
	if (rc)
		rw_tree_free(t);
	return rc;
}

void rw_tree_free(struct rw_tree *t)
{
	rw_buf_wipe(&t->text);
	rw_arena_free(&t->arena);
	t->root = NULL;
}

const struct rw_tree_node *rw_tree_get(const struct rw_tree_node *map, const char *key)
{
	if (!map || map->kind != RW_TREE_MAP)
		return NULL;
	for (const struct rw_tree_node *c = map->child; c; c = c->next)
		if (rw_slice_is(c->key, key))
			return c;
	return NULL;
}

const struct rw_tree_node *rw_tree_at(const struct rw_tree_node *list, unsigned index)
{
	const struct rw_tree_node *c;

	if (!list || list->kind != RW_TREE_LIST)
		return NULL;
	for (c = list->child; c && index; c = c->next)
		index--;
	return c;
}
