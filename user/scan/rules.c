/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/rules.h"
#include "scan/leak_int.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "base/buf.h"

static const char *const category_names[RW_CAT_COUNT] = {"injection", "pii",   "secret",
							 "markup",    "topic", "leak"};
static const char *const action_names[] = {"allow", "flag", "mask", "block"};

const char *rw_category_name(enum rw_category c)
{
	return category_names[c];
}

const char *rw_action_name(enum rw_action a)
{
	return action_names[a];
}

bool rw_action_parse(const char *name, enum rw_action *out)
{
	for (unsigned a = RW_ACT_ALLOW; a <= RW_ACT_BLOCK; a++) {
		if (strcmp(name, action_names[a]) != 0)
			continue;
		*out = (enum rw_action)a;
		return true;
	}
	return false;
}

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

static int add_pack(struct rw_rules *r, EVP_MD_CTX *md, const char *name, struct rw_slice yaml,
		    struct rw_error *e)
{
	if (!EVP_DigestUpdate(md, name, strlen(name) + 1) || !EVP_DigestUpdate(md, yaml.p, yaml.n))
		return rw_fail(e, RW_EIO, "SHA-256 failed");
	return rw_pack_read(&r->set, name, yaml, e);
}

static int is_pack_name(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return d->d_name[0] != '.' && dot && !strcmp(dot, ".yaml");
}

static int add_dir(struct rw_rules *r, EVP_MD_CTX *md, const char *dir, struct rw_error *e)
{
	struct dirent **names = NULL;
	struct rw_buf path = {0}, yaml = {0};
	int n = scandir(dir, &names, is_pack_name, alphasort), rc = 0;

	if (n < 0)
		return rw_fail(e, RW_EIO, "cannot read the rules directory %s: %s", dir,
			       strerror(errno));
	for (int i = 0; i < n; i++) {
		if (!rc) {
			rw_buf_reset(&path);
			rw_buf_reset(&yaml);
			rc = rw_buf_addf(&path, "%s/%s", dir, names[i]->d_name);
			if (!rc)
				rc = rw_buf_add(&path, "", 1);
			if (!rc)
				rc = read_file(path.p, &yaml, e);
			if (!rc)
				rc = add_pack(r, md, names[i]->d_name, rw_buf_slice(&yaml), e);
		}
		free(names[i]);
	}
	free(names);
	rw_buf_free(&path);
	rw_buf_free(&yaml);
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

static int read_packs(struct rw_rules *r, const char *extra_dir, struct rw_error *e)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char sum[32];
	const char *name;
	struct rw_slice yaml;
	int rc = 0;

	if (!md || !EVP_DigestInit_ex(md, EVP_sha256(), NULL))
		rc = rw_fail(e, RW_ENOMEM, "no memory for the rules");
	for (unsigned i = 0; !rc && rw_pack_builtin(i, &name, &yaml); i++)
		rc = add_pack(r, md, name, yaml, e);
	if (!rc && extra_dir)
		rc = add_dir(r, md, extra_dir, e);
	if (!rc && !EVP_DigestFinal_ex(md, sum, NULL))
		rc = rw_fail(e, RW_EIO, "SHA-256 failed");
	if (!rc)
		put_hex(r->digest, sum, sizeof(sum));
	EVP_MD_CTX_free(md);
	return rc;
}

int rw_rules_load(struct rw_rules **out, const char *extra_dir, struct rw_error *e)
{
	struct rw_rules *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return rw_fail(e, RW_ENOMEM, "no memory for the rules");
	r->refs = 1;
	rw_ruleset_init(&r->set);
	rc = read_packs(r, extra_dir, e);
	if (!rc)
		rc = rw_leak_rules(r, e);
	if (!rc)
		rc = rw_rules_compile(r, e);
	if (!rc)
		rc = rw_concepts_load(&r->concepts, e);
	if (!rc)
		rc = rw_model_load(&r->model, r->concepts, e);
	if (!rc)
		rc = rw_rules_check(r, e);
	if (rc) {
		rw_rules_unref(r);
		return rc;
	}
	*out = r;
	return 0;
}

struct rw_rules *rw_rules_ref(struct rw_rules *r)
{
	r->refs++;
	return r;
}

void rw_rules_unref(struct rw_rules *r)
{
	if (!r || --r->refs)
		return;
	for (unsigned i = 0; i < r->n_pats; i++)
		pcre2_code_free(r->pats[i].code);
	free(r->pats);
	rw_concepts_free(r->concepts);
	rw_model_free(r->model);
	free(r->pieces);
	free(r->needles);
	free(r->links);
	for (unsigned i = 0; i < RW_DB_COUNT; i++) {
		hs_free_database(r->db[i]);
		rw_lexicon_free(r->words[i]);
	}
	rw_ruleset_free(&r->set);
	free(r);
}

unsigned rw_rules_count(const struct rw_rules *r)
{
	return r->set.n;
}

const struct rw_rule_info *rw_rules_info(const struct rw_rules *r, unsigned rule)
{
	return &r->set.rules[rule].info;
}

const struct rw_rule *rw_rules_rule(const struct rw_rules *r, unsigned rule)
{
	return &r->set.rules[rule];
}

const char *rw_rules_digest(const struct rw_rules *r)
{
	return r->digest;
}

uint16_t rw_rule_stronger(const struct rw_rules *r, uint16_t a, uint16_t b)
{
	unsigned sa = rw_rule_of(r, a)->info.severity, sb = rw_rule_of(r, b)->info.severity;

	if (sa != sb)
		return sa > sb ? a : b;
	return a < b ? a : b;
}
