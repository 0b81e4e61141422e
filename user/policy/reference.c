/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys in words: for messages, for suggestions, for the reference. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "policy/schema.h"
#include "policy/show.h"
#include "policy/value.h"

const char *rw_config_key_in(const struct rw_config_key *k, const char *prefix)
{
	size_t n = strlen(prefix);
	const char *word = k->path;

	if (n) {
		if (strncmp(k->path, prefix, n) != 0 || k->path[n] != '.')
			return NULL;
		word = k->path + n + 1;
	}
	return strchr(word, '.') ? NULL : word;
}

const struct rw_config_key *rw_config_key_find(const char *prefix, struct rw_slice word)
{
	for (unsigned i = 0; i < rw_config_n_keys; i++) {
		const char *own = rw_config_key_in(&rw_config_keys[i], prefix);

		if (own && rw_slice_is(word, own))
			return &rw_config_keys[i];
	}
	return NULL;
}

static int add_choices(const struct rw_config_key *k, struct rw_buf *out)
{
	const char *before = "";
	int rc = RW_OK;

	for (const struct rw_key_choice *c = k->choices; c->word && !rc; c++) {
		if (c->refused)
			continue;
		rc = rw_buf_addf(out, "%s%s", before, c->word);
		before = ", ";
	}
	return rc;
}

static int range(const struct rw_config_key *k, const char *what, const char *units,
		 const char *(*text)(uint64_t v, char out[RW_VALUE_TEXT]), struct rw_buf *out)
{
	char lo[RW_VALUE_TEXT], hi[RW_VALUE_TEXT];

	return rw_buf_addf(out, "%s from %s to %s%s", what, text(k->min, lo), text(k->max, hi),
			   units);
}

static const char *number_text(uint64_t v, char out[RW_VALUE_TEXT])
{
	snprintf(out, RW_VALUE_TEXT, "%" PRIu64, v);
	return out;
}

int rw_config_key_expects(const struct rw_config_key *k, struct rw_buf *out)
{
	static const char *const fixed[RW_KIND_KINDS] = {
		[RW_KIND_SECTION] = "a section of keys",
		[RW_KIND_BOOL] = "true or false",
		[RW_KIND_NAME] = "1 to 63 of A-Z a-z 0-9 . _ -",
		[RW_KIND_ADDRESS] = "an address with port like 127.0.0.1:8443 or [::1]:8443",
		[RW_KIND_PREFIX] = "an address or prefix like 192.0.2.7 or 2001:db8::/64",
		[RW_KIND_URL] = "a URL like https://api.example.com/v1",
		[RW_KIND_FILE] = "a path",
		[RW_KIND_SECRET] = "visible ASCII without blanks, or ${NAME}",
		[RW_KIND_SECRET_FILE] = "the path of a file with the key in it",
		[RW_KIND_UPSTREAM] = "the name of one of the upstreams",
	};
	int rc;

	switch (k->kind) {
	case RW_KIND_NUMBER:
		return range(k, "a whole number", "", number_text, out);
	case RW_KIND_DURATION:
		return range(k, "a duration", " (units ms, s, m, h)", rw_value_duration_text, out);
	case RW_KIND_SIZE:
		return range(k, "a size", " (units B, KiB, MiB, GiB)", rw_value_size_text, out);
	case RW_KIND_TEXT:
		return rw_buf_addf(out, "text of %" PRIu64 " to %" PRIu64 " bytes", k->min, k->max);
	case RW_KIND_LIST:
		return rw_buf_addf(out, "a list of %" PRIu64 " to %" PRIu64 " sections", k->min,
				   k->max);
	case RW_KIND_CHOICE:
	case RW_KIND_CHOICE_OR_SECTION:
		rc = rw_buf_add_str(out, "one of ");
		rc = rc ? rc : add_choices(k, out);
		if (!rc && k->kind == RW_KIND_CHOICE_OR_SECTION)
			rc = rw_buf_add_str(out, ", or a section of keys");
		return rc;
	default:
		RW_BUG_ON(!fixed[k->kind]);
		return rw_buf_add_str(out, fixed[k->kind]);
	}
}

/* A word that is spelt right but stands in the wrong section. */
static const struct rw_config_key *elsewhere(struct rw_slice word)
{
	const struct rw_config_key *found = NULL;

	for (unsigned i = 0; i < rw_config_n_keys; i++) {
		const char *last = strrchr(rw_config_keys[i].path, '.');

		if (!rw_slice_is(word, last ? last + 1 : rw_config_keys[i].path))
			continue;
		if (found)
			return NULL;
		found = &rw_config_keys[i];
	}
	return found;
}

static const char *nearest(const char *prefix, struct rw_slice word)
{
	const char *best = NULL;

	for (unsigned i = 0; i < rw_config_n_keys; i++) {
		const char *own = rw_config_key_in(&rw_config_keys[i], prefix);

		if (own && rw_is_near(word, own) &&
		    (!best || rw_distance(word, own) < rw_distance(word, best)))
			best = own;
	}
	return best;
}

int rw_config_key_suggest(const char *prefix, struct rw_slice word, struct rw_buf *out)
{
	const struct rw_config_key *other;
	const char *own = nearest(prefix, word), *before = "";
	int rc;

	if (own)
		return rw_buf_addf(out, "did you mean '%s'?", own);
	other = elsewhere(word);
	if (other)
		return rw_buf_addf(out, "did you mean '%s'?", other->path);
	rc = rw_buf_add_str(out, "known here: ");
	for (unsigned i = 0; i < rw_config_n_keys && !rc; i++) {
		own = rw_config_key_in(&rw_config_keys[i], prefix);
		if (!own)
			continue;
		rc = rw_buf_addf(out, "%s%s", before, own);
		before = ", ";
	}
	return rc;
}

static const char *default_text(const struct rw_config_key *k)
{
	return k->required ? "(required)" : k->def ? k->def : "";
}

int rw_config_reference(struct rw_buf *out)
{
	int rc = rw_buf_add_str(out, "| key | value | default | what it is |\n|---|---|---|---|\n");

	for (unsigned i = 0; i < rw_config_n_keys && !rc; i++) {
		const struct rw_config_key *k = &rw_config_keys[i];

		rc = rw_buf_addf(out, "| `%s` | ", k->path);
		rc = rc ? rc : rw_config_key_expects(k, out);
		rc = rc ? rc : rw_buf_addf(out, " | %s | %s |\n", default_text(k), k->doc);
	}
	return rc;
}
