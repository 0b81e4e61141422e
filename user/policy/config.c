/* SPDX-License-Identifier: Apache-2.0 */
/* The loader: walks the table of keys over the tree of the file. */
#include "policy/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "policy/load.h"
#include "policy/secret.h"
#include "policy/show.h"

enum { ARENA_BYTES = 4 * 1024 * 1024, MAX_VALUE_BYTES = 64 * 1024 };

int rw_load_fail(struct rw_load *l, const struct rw_tree_node *at, const char *path, int code,
		 const char *sentence)
{
	return rw_fail(l->e, code, "%s:%u:%u: %s%s%s", l->name, at->line, at->column, path,
		       path[0] ? ": " : "", sentence);
}

/* Steps into a key or an item; the caller restores with l->path[mark] = 0. */
static size_t enter(struct rw_load *l, const char *word, int index)
{
	size_t mark = strlen(l->path), room = sizeof(l->path) - mark;

	if (index >= 0)
		snprintf(l->path + mark, room, "[%d]", index);
	else
		snprintf(l->path + mark, room, "%s%s", mark ? "." : "", word);
	return mark;
}

static bool is_nothing(const struct rw_tree_node *n)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	if (n->kind != RW_TREE_TEXT || n->quoted)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (rw_slice_is(n->text, words[i]))
			return true;
	return false;
}

static int add_found(const struct rw_config_key *k, const struct rw_tree_node *n,
		     struct rw_buf *out)
{
	char shown[RW_SHOWN];

	if (is_nothing(n))
		return rw_buf_add_str(out, "nothing");
	if (n->kind == RW_TREE_MAP)
		return rw_buf_add_str(out, "a section");
	if (n->kind == RW_TREE_LIST)
		return rw_buf_add_str(out, "a list");
	if (k->kind == RW_KIND_SECRET)
		return rw_buf_add_str(out, "something that is not shown");
	return rw_buf_addf(out, "'%s'", rw_show(n->text, shown));
}

/* The text as it stands in the file is shown, never what variables made of it. */
static int fail_expected(struct rw_load *l, const struct rw_config_key *k,
			 const struct rw_tree_node *n)
{
	struct rw_buf s = {0};
	int rc = rw_buf_add_str(&s, "expected ");

	rc = rc ? rc : rw_config_key_expects(k, &s);
	rc = rc ? rc : rw_buf_add_str(&s, ", found ");
	rc = rc ? rc : add_found(k, n, &s);
	rc = rc ? rc : rw_buf_add(&s, "", 1);
	rc = rw_load_fail(l, n, l->path, RW_EINVAL, rc ? "not understood" : s.p);
	rw_buf_free(&s);
	return rc;
}

static int set_text(struct rw_load *l, const struct rw_config_key *k, const struct rw_tree_node *n,
		    void *base)
{
	struct rw_buf value = {.max = MAX_VALUE_BYTES};
	struct rw_error why = {.text = ""};
	bool secret = k->kind == RW_KIND_SECRET || k->kind == RW_KIND_SECRET_FILE;
	int rc;

	if (is_nothing(n) || n->kind != RW_TREE_TEXT)
		return fail_expected(l, k, n);
	if (secret && l->public_only)
		return RW_OK;
	rc = rw_secret_expand(n->text, &value, &why);
	if (!rc)
		rc = rw_load_set(l, k, rw_buf_slice(&value), base, &why);
	if (k->kind == RW_KIND_SECRET && n->text.n && !memmem(n->text.p, n->text.n, "${", 2))
		l->literal_secret = true;
	rw_buf_wipe(&value);
	if (rc == RW_EINVAL && !why.text[0])
		return fail_expected(l, k, n);
	if (rc)
		return rw_load_fail(l, n, l->path, rc, why.text[0] ? why.text : rw_err_name(rc));
	return RW_OK;
}

static void set_default(struct rw_load *l, const struct rw_config_key *k, void *base)
{
	struct rw_error why;
	int rc;

	if (!k->def)
		return;
	rc = rw_load_set(l, k, rw_slice_str(k->def), base, &why);
	RW_BUG_ON(rc && rc != RW_ENOMEM);
}

static int check_known(struct rw_load *l, const char *prefix, const struct rw_tree_node *map)
{
	for (const struct rw_tree_node *c = map->child; c; c = c->next) {
		struct rw_tree_node at = {.line = c->key_line, .column = c->key_column};
		struct rw_buf s = {0};
		char shown[RW_SHOWN];
		int rc;

		if (rw_config_key_find(prefix, c->key))
			continue;
		enter(l, rw_show(c->key, shown), -1);
		rc = rw_buf_add_str(&s, "there is no such key; ");
		rc = rc ? rc : rw_config_key_suggest(prefix, c->key, &s);
		rc = rc ? rc : rw_buf_add(&s, "", 1);
		rc = rw_load_fail(l, &at, l->path, RW_EINVAL, rc ? "there is no such key" : s.p);
		rw_buf_free(&s);
		return rc;
	}
	return RW_OK;
}

static int load_section(struct rw_load *l, const char *prefix, const struct rw_tree_node *map,
			void *base);

static int load_list(struct rw_load *l, const struct rw_config_key *k, const struct rw_tree_node *n,
		     void *base)
{
	char *items = (char *)base + k->to.offset;
	char prefix[RW_LOAD_PATH];
	unsigned i = 0;
	int rc = RW_OK;

	if (n->kind != RW_TREE_LIST || n->n < k->min || n->n > k->max)
		return fail_expected(l, k, n);
	snprintf(prefix, sizeof(prefix), "%s[]", k->path);
	/* Counted before it is filled: what a half-made configuration holds is wiped too. */
	rw_load_store(base, k->count, n->n);
	for (const struct rw_tree_node *c = n->child; c && !rc; c = c->next, i++) {
		static const struct rw_config_key item = {.path = "", .kind = RW_KIND_SECTION};
		size_t mark = enter(l, NULL, (int)i);

		rc = c->kind == RW_TREE_MAP ? load_section(l, prefix, c, items + i * k->to.size)
					    : fail_expected(l, &item, c);
		l->path[mark] = '\0';
	}
	return rc;
}

/* Told only when all that is there is right: a wrong value is what somebody just wrote. */
static int note_missing(struct rw_load *l, const struct rw_tree_node *map)
{
	struct rw_error *e = l->e;

	if (l->missing.code)
		return RW_OK;
	l->e = &l->missing;
	rw_load_fail(l, map, l->path, RW_EINVAL, "this key is missing");
	l->e = e;
	return RW_OK;
}

/* n is NULL where the file does not have the key. */
static int load_key(struct rw_load *l, const struct rw_config_key *k, const struct rw_tree_node *n,
		    const struct rw_tree_node *map, void *base)
{
	if (!n && k->required)
		return note_missing(l, map);
	switch (k->kind) {
	case RW_KIND_SECTION:
		if (n && n->kind != RW_TREE_MAP && !is_nothing(n))
			return fail_expected(l, k, n);
		return load_section(l, k->path, n && n->kind == RW_TREE_MAP ? n : NULL, base);
	case RW_KIND_LIST:
		if (!k->required && (!n || is_nothing(n)))
			return RW_OK;
		return load_list(l, k, n, base);
	case RW_KIND_CHOICE_OR_SECTION:
		set_default(l, k, base);
		if (n && n->kind == RW_TREE_MAP)
			return load_section(l, k->path, n, base);
		return n ? set_text(l, k, n, base) : RW_OK;
	default:
		set_default(l, k, base);
		return n ? set_text(l, k, n, base) : RW_OK;
	}
}

static int load_section(struct rw_load *l, const char *prefix, const struct rw_tree_node *map,
			void *base)
{
	int rc = map ? check_known(l, prefix, map) : RW_OK;

	for (unsigned i = 0; i < rw_config_n_keys && !rc; i++) {
		const struct rw_config_key *k = &rw_config_keys[i];
		const char *word = rw_config_key_in(k, prefix);
		size_t mark;

		if (!word)
			continue;
		mark = enter(l, word, -1);
		rc = load_key(l, k, rw_tree_get(map, word), map, base);
		l->path[mark] = '\0';
	}
	return rc;
}

static struct rw_slice folder_of(const char *name)
{
	const char *slash = strrchr(name, '/');

	return rw_slice_of(name, slash ? (size_t)(slash - name) + 1 : 0);
}

static int load_tree(struct rw_load *l, const struct rw_tree *tree)
{
	int rc;

	rw_arena_init(&l->cfg->arena, ARENA_BYTES);
	l->cfg->file = rw_arena_copy(&l->cfg->arena, rw_slice_str(l->name));
	if (!l->cfg->file)
		return rw_fail(l->e, RW_ENOMEM, "%s: out of memory", l->name);
	rc = load_section(l, "", tree->root, l->cfg);
	if (!rc && l->missing.code)
		rc = rw_fail(l->e, l->missing.code, "%s", l->missing.text);
	return rc ? rc : rw_load_cross(l, tree->root);
}

static int parse(struct rw_load *l, struct rw_config **out, struct rw_slice yaml)
{
	struct rw_tree tree;
	int rc = rw_tree_parse(&tree, yaml, l->name, l->e);

	if (rc)
		return rc;
	l->dir = folder_of(l->name);
	l->cfg = calloc(1, sizeof(*l->cfg));
	rc = l->cfg ? load_tree(l, &tree) : rw_fail(l->e, RW_ENOMEM, "%s: out of memory", l->name);
	rw_tree_free(&tree);
	if (rc)
		rw_config_free(l->cfg);
	else
		*out = l->cfg;
	return rc;
}

int rw_config_parse(struct rw_config **out, const char *yaml, size_t n, const char *name,
		    struct rw_error *e)
{
	struct rw_load l = {.name = name, .e = e};

	return parse(&l, out, rw_slice_of(yaml, n));
}

/* Up to one byte more than is allowed, so that the tree's own check sees what is too large. */
static int read_file(int fd, struct rw_buf *out)
{
	ssize_t n;

	do {
		if (rw_buf_reserve(out, 64 * 1024))
			return RW_ENOMEM;
		n = read(fd, out->p + out->len, out->cap - out->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return RW_EIO;
		out->len += (size_t)n;
	} while (n != 0 && out->len <= RW_TREE_MAX_BYTES);
	return RW_OK;
}

static int open_file(const char *file, int *fd, struct stat *st, struct rw_error *e)
{
	*fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (*fd >= 0 && fstat(*fd, st) == 0 && !S_ISDIR(st->st_mode))
		return RW_OK;
	if (*fd >= 0 && S_ISDIR(st->st_mode))
		errno = EISDIR;
	return rw_fail(e,
		       errno == EACCES	 ? RW_EPERM
		       : errno == ENOENT ? RW_ENOTFOUND
					 : RW_EIO,
		       "cannot read the configuration '%s': %s", file, strerror(errno));
}

static int load(struct rw_config **out, const char *file, bool public_only, struct rw_error *e)
{
	struct rw_load l = {.name = file, .public_only = public_only, .e = e};
	struct rw_buf yaml = {0};
	struct stat st = {0};
	int fd, rc;

	rc = open_file(file, &fd, &st, e);
	if (rc)
		goto out;
	rc = read_file(fd, &yaml);
	if (rc) {
		rw_fail(e, rc, "cannot read the configuration '%s': %s", file, rw_err_name(rc));
		goto out;
	}
	rc = parse(&l, out, rw_buf_slice(&yaml));
	if (!rc && l.literal_secret && (st.st_mode & S_IROTH))
		rw_warn("%s has an upstream's key in it and can be read by everybody: chmod o-r it",
			file);
out:
	rw_buf_wipe(&yaml);
	if (fd >= 0)
		close(fd);
	return rc;
}

int rw_config_load(struct rw_config **out, const char *file, struct rw_error *e)
{
	return load(out, file, false, e);
}

int rw_config_load_public(struct rw_config **out, const char *file, struct rw_error *e)
{
	return load(out, file, true, e);
}

static void wipe(const char *secret)
{
	/* The arena's memory is ours to write; const is for the readers. */
	if (secret)
		explicit_bzero((void *)(uintptr_t)secret, strlen(secret));
}

void rw_config_free(struct rw_config *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->n_upstreams; i++)
		wipe(c->upstreams[i].key);
	for (unsigned i = 0; i < c->n_canaries; i++)
		wipe(c->canaries[i].text);
	rw_arena_free(&c->arena);
	free(c);
}

bool rw_config_passes(const struct rw_config *c, int upstream)
{
	for (unsigned i = 0; i < c->n_models; i++)
		if (c->models[i].pass_answers &&
		    (upstream < 0 || c->models[i].upstream == (unsigned)upstream))
			return true;
	return false;
}
