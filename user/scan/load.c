/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packs to a rule set: those of the binary, then the operator's. A pack that does not read,
 * compile or pass its own cases ends the load, or is left out where that is asked for.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "scan/leak_int.h"
#include "scan/rules.h"

/* A pack of the operator's. */
struct file {
	char *path;
	const char *name; /* in path */
	bool skip;
};

struct loader {
	struct file *files;
	unsigned n;
	char **skipped; /* why each was left out */
	unsigned n_skipped;
};

/* Reads a pack of the operator's whole. */
static int read_file(const char *path, struct rw_buf *out, struct rw_error *e)
{
	FILE *f = fopen(path, "re");
	char chunk[8192];
	size_t n;
	int rc = 0;

	if (!f)
		return rw_fail(e, RW_EIO, "cannot open the rule pack %s: %s", path,
			       strerror(errno));
	while (!rc && (n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
		rc = rw_buf_add(out, chunk, n);
		if (out->len > RW_PACK_BYTES_MAX)
			rc = RW_ELIMIT;
	}
	if (rc)
		rw_fail(e, rc, "the rule pack %s is larger than %d bytes", path, RW_PACK_BYTES_MAX);
	else if (ferror(f))
		rc = rw_fail(e, RW_EIO, "cannot read the rule pack %s", path);
	fclose(f);
	return rc;
}

static int is_pack_name(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return d->d_name[0] != '.' && dot && !strcmp(dot, ".yaml");
}

static int add_file(struct loader *l, const char *dir, const char *name, struct rw_error *e)
{
	struct file *files = realloc(l->files, (l->n + 1) * sizeof(*files));
	struct file *f = files ? &files[l->n] : NULL;
	const char *slash;

	l->files = files ? files : l->files;
	if (!f || asprintf(&f->path, "%s%s%s", dir, *dir ? "/" : "", name) < 0)
		return rw_fail(e, RW_ENOMEM, "no memory for the rules");
	slash = strrchr(f->path, '/');
	f->name = slash ? slash + 1 : f->path;
	f->skip = false;
	l->n++;
	return 0;
}

static int add_dir(struct loader *l, const char *dir, struct rw_error *e)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, is_pack_name, alphasort), rc = 0;

	if (n < 0)
		return rw_fail(e, RW_EIO, "cannot read the rules directory %s: %s", dir,
			       strerror(errno));
	for (int i = 0; i < n; i++) {
		if (!rc)
			rc = add_file(l, dir, names[i]->d_name, e);
		free(names[i]);
	}
	free(names);
	return rc;
}

static void put_hex(char out[65], const unsigned char *bytes, unsigned n)
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < n; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * n] = '\0';
}

static int add_pack(struct rw_rules *r, EVP_MD_CTX *md, const char *name, struct rw_slice yaml,
		    struct rw_error *e)
{
	r->at_pack = name;
	if (!EVP_DigestUpdate(md, name, strlen(name) + 1) || !EVP_DigestUpdate(md, yaml.p, yaml.n))
		return rw_fail(e, RW_EIO, "SHA-256 failed");
	return rw_pack_read(&r->set, name, yaml, e);
}

static int read_packs(struct rw_rules *r, const struct loader *l, struct rw_error *e)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct rw_buf text = {0};
	unsigned char sum[32];
	const char *name;
	struct rw_slice yaml;
	int rc = 0;

	if (!md || !EVP_DigestInit_ex(md, EVP_sha256(), NULL))
		rc = rw_fail(e, RW_ENOMEM, "no memory for the rules");
	for (unsigned i = 0; !rc && rw_pack_builtin(i, &name, &yaml); i++)
		rc = add_pack(r, md, name, yaml, e);
	for (unsigned i = 0; !rc && i < l->n; i++) {
		if (l->files[i].skip)
			continue;
		rw_buf_reset(&text);
		r->at_pack = l->files[i].name;
		rc = read_file(l->files[i].path, &text, e);
		if (!rc)
			rc = add_pack(r, md, l->files[i].name, rw_buf_slice(&text), e);
	}
	if (!rc && !EVP_DigestFinal_ex(md, sum, NULL))
		rc = rw_fail(e, RW_EIO, "SHA-256 failed");
	if (!rc)
		put_hex(r->digest, sum, sizeof(sum));
	rw_buf_free(&text);
	EVP_MD_CTX_free(md);
	return rc;
}

/* Makes the set of what is not skipped. */
static int make(struct rw_rules *r, const struct loader *l, struct rw_error *e)
{
	int rc;

	r->refs = 1;
	rw_ruleset_init(&r->set);
	rc = rw_concepts_load(&r->concepts, e);
	if (!rc)
		rc = rw_model_load(&r->model, r->concepts, e);
	if (!rc)
		rc = read_packs(r, l, e);
	if (!rc)
		rc = rw_leak_rules(r, e);
	if (!rc)
		rc = rw_rules_compile(r, e);
	r->at_pack = rc ? r->at_pack : NULL;
	return rc ? rc : rw_rules_check(r, e);
}

/* Leaves the pack out next time, if it is the operator's. */
static bool skip(struct loader *l, const char *pack, const struct rw_error *e)
{
	char **skipped = realloc(l->skipped, (l->n_skipped + 1) * sizeof(*skipped));

	l->skipped = skipped ? skipped : l->skipped;
	for (unsigned i = 0; skipped && pack && i < l->n; i++) {
		if (l->files[i].skip || strcmp(l->files[i].name, pack) != 0)
			continue;
		l->skipped[l->n_skipped] = strdup(e->text);
		l->files[i].skip = true;
		return l->skipped[l->n_skipped] != NULL && ++l->n_skipped;
	}
	return false;
}

static void loader_free(struct loader *l)
{
	for (unsigned i = 0; i < l->n; i++)
		free(l->files[i].path);
	for (unsigned i = 0; i < l->n_skipped; i++)
		free(l->skipped[i]);
	free(l->files);
	free(l->skipped);
}

/* Each round leaves one pack more out, so it ends. */
static int load(struct rw_rules **out, struct loader *l, const struct rw_rules_from *from,
		struct rw_error *e)
{
	for (;;) {
		struct rw_rules *r = calloc(1, sizeof(*r));
		int rc;
		bool again;

		if (!r)
			return rw_fail(e, RW_ENOMEM, "no memory for the rules");
		r->from = from;
		rc = make(r, l, e);
		r->from = NULL;
		if (!rc) {
			r->skipped = l->skipped;
			r->n_skipped = l->n_skipped;
			l->skipped = NULL;
			l->n_skipped = 0;
			*out = r;
			return 0;
		}
		again = from->skip_bad && rc != RW_ENOMEM && skip(l, r->at_pack, e);
		rw_rules_unref(r);
		if (!again)
			return rc;
	}
}

int rw_rules_load_from(struct rw_rules **out, const struct rw_rules_from *from, struct rw_error *e)
{
	struct loader l = {.n = 0};
	int rc = from->dir ? add_dir(&l, from->dir, e) : 0;

	for (unsigned i = 0; !rc && i < from->n_files; i++)
		rc = add_file(&l, "", from->files[i], e);
	if (!rc)
		rc = load(out, &l, from, e);
	loader_free(&l);
	return rc;
}

int rw_rules_load(struct rw_rules **out, const char *extra_dir, struct rw_error *e)
{
	return rw_rules_load_from(out, &(const struct rw_rules_from){.dir = extra_dir}, e);
}
