/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/pack.h"

#include <stdlib.h>
#include <yaml.h>

#include "scan/rule_patterns.h"
#include "scan/valid.h"

void rw_ruleset_init(struct rw_ruleset *set)
{
	*set = (struct rw_ruleset){0};
	rw_arena_init(&set->arena, 0);
}

void rw_ruleset_free(struct rw_ruleset *set)
{
	free(set->rules);
	free(set->disabled);
	rw_arena_free(&set->arena);
	*set = (struct rw_ruleset){0};
}

/* One pack being read. rule is the one at hand, for messages; its id may be NULL still. */
struct reader {
	struct rw_ruleset *set;
	struct rw_error *e;
	const char *pack;
	yaml_document_t *doc;
	const struct rw_rule *rule;
	enum rw_category category;
	bool has_category;
	bool rule_has_category, disabled;
};

static unsigned line_of(const yaml_node_t *node)
{
	return (unsigned)node->start_mark.line + 1;
}

/* "pack:line: rule id: text" */
static int fail(struct reader *rd, const yaml_node_t *node, const char *text, const char *arg)
{
	const char *id = rd->rule ? rd->rule->info.id : NULL;

	return rw_fail(rd->e, RW_EINVAL, "%s:%u: %s%s%s%s%s", rd->pack, line_of(node),
		       rd->rule ? "rule " : "", rd->rule ? (id ? id : "without an id yet") : "",
		       rd->rule ? ": " : "", text, arg ? arg : "");
}

static const char *scalar(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

/* A scalar without NUL bytes, copied into the set's arena. */
static int read_string(struct reader *rd, const yaml_node_t *node, const char **out)
{
	const char *s = scalar(node);

	if (!s || strlen(s) != node->data.scalar.length)
		return fail(rd, node, "a string is wanted here", NULL);
	*out = rw_arena_copy(&rd->set->arena, rw_slice_str(s));
	return *out ? 0 : rw_fail(rd->e, RW_ENOMEM, "no memory for the rules");
}

static int read_number(struct reader *rd, const yaml_node_t *node, unsigned least, unsigned most,
		       unsigned *out)
{
	const char *s = scalar(node);
	char *end = NULL;
	unsigned long v = s && *s >= '0' && *s <= '9' ? strtoul(s, &end, 10) : 0;

	if (!end || *end || v < least || v > most)
		return fail(rd, node, "a whole number is wanted here, in bounds (docs/rules.md)",
			    NULL);
	*out = (unsigned)v;
	return 0;
}

static int read_list(struct reader *rd, const yaml_node_t *node, struct rw_pack_list *out)
{
	const yaml_node_item_t *item;
	size_t n;
	int rc = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return fail(rd, node, "a list is wanted here", NULL);
	n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	out->n = 0;
	out->at = rw_arena_alloc(&rd->set->arena, n * sizeof(*out->at) + 1);
	if (!out->at)
		return rw_fail(rd->e, RW_ENOMEM, "no memory for the rules");
	for (item = node->data.sequence.items.start; !rc && item < node->data.sequence.items.top;
	     item++) {
		const yaml_node_t *v = yaml_document_get_node(rd->doc, *item);

		out->at[out->n].line = line_of(v);
		rc = read_string(rd, v, &out->at[out->n++].text);
	}
	return rc;
}

static int read_category(struct reader *rd, const yaml_node_t *node, enum rw_category *out)
{
	const char *s = scalar(node);

	for (unsigned c = 0; s && c < RW_CAT_LEAK; c++) {
		if (strcmp(s, rw_category_name((enum rw_category)c)) != 0)
			continue;
		*out = (enum rw_category)c;
		return 0;
	}
	return fail(rd, node, "the category is injection, pii, secret, markup or topic", NULL);
}

static int key_id(struct reader *rd, const yaml_node_t *v, struct rw_rule *rule)
{
	return read_string(rd, v, &rule->info.id);
}

static int key_type(struct reader *rd, const yaml_node_t *v, struct rw_rule *rule)
{
	return read_string(rd, v, &rule->info.type);
}

static int key_category(struct reader *rd, const yaml_node_t *v, struct rw_rule *rule)
{
	rd->rule_has_category = true;
	return read_category(rd, v, &rule->info.category);
}

static int key_severity(struct reader *rd, const yaml_node_t *v, struct rw_rule *rule)
{
	return read_number(rd, v, 1, 100, &rule->info.severity);
}

static int key_patterns(struct reader *rd, const yaml_node_t *v, struct rw_rule *rule)
{
	return read_list(rd, v, &rule->patterns);
}

static int key_context(struct reader *rd, const yaml_node_t *v, struct rw_rule *rule)
{
	return read_list(rd, v, &rule->context);
}

static int key_assigned_to(struct reader *rd, const yaml_node_t *v, struct rw_rule *rule)
{
	return read_list(rd, v, &rule->assigned_to);
}

static int key_words(struct reader *rd, const yaml_node_t *v, struct rw_rule *rule)
{
	return read_list(rd, v, &rule->words);
}

static int key_domains(struct reader *rd, const yaml_node_t *v, struct rw_rule *rule)
{
	return read_list(rd, v, &rule->domains);
}

static int key_match(struct reader *rd, const yaml_node_t *v, struct rw_rule *rule)
{
	return read_list(rd, v, &rule->match);
}

static int key_no_match(struct reader *rd, const yaml_node_t *v, struct rw_rule *rule)
{
	return read_list(rd, v, &rule->no_match);
}

static int key_entropy(struct reader *rd, const yaml_node_t *v, struct rw_rule *rule)
{
	return read_number(rd, v, 0, 800, &rule->entropy_centibits);
}

/* Those that find values by themselves; any: of whatever category. */
static const struct finder {
	const char *name;
	enum rw_category category;
	bool any;
} finders[RW_FOUND_BYS] = {
	[RW_BY_PEM] = {"pem", .category = RW_CAT_SECRET},
	[RW_BY_STREET] = {"street", .category = RW_CAT_PII},
	[RW_BY_MODEL] = {"model", .category = RW_CAT_INJECTION},
	[RW_BY_DETECTOR] = {"external", .any = true},
};

static int key_validator(struct reader *rd, const yaml_node_t *v, struct rw_rule *rule)
{
	const char *name = scalar(v);

	for (unsigned by = RW_BY_PATTERNS + 1; name && by < RW_FOUND_BYS; by++)
		if (!strcmp(name, finders[by].name)) {
			rule->by = (enum rw_found_by)by;
			return 0;
		}
	rule->validator = name ? rw_validator_find(name) : NULL;
	return rule->validator
		       ? 0
		       : fail(rd, v,
			      "there is no such validator (docs/rules.md): ", name ? name : "");
}

static int key_enabled(struct reader *rd, const yaml_node_t *v, struct rw_rule *rule)
{
	const char *s = scalar(v);

	(void)rule;
	if (!s || (strcmp(s, "true") != 0 && strcmp(s, "false") != 0))
		return fail(rd, v, "true or false is wanted here", NULL);
	rd->disabled = !strcmp(s, "false");
	return 0;
}

static const struct {
	const char *name;
	int (*read)(struct reader *rd, const yaml_node_t *value, struct rw_rule *rule);
} rule_keys[] = {
	{"id", key_id},
	{"type", key_type},
	{"category", key_category},
	{"severity", key_severity},
	{"patterns", key_patterns},
	{"context", key_context},
	{"assigned_to", key_assigned_to},
	{"words", key_words},
	{"domains", key_domains},
	{"match", key_match},
	{"no_match", key_no_match},
	{"entropy", key_entropy},
	{"validator", key_validator},
	{"enabled", key_enabled},
};

/* What a rule must have whose values are found without patterns. */
static int check_finder(struct reader *rd, const yaml_node_t *node, const struct rw_rule *rule)
{
	const struct finder *finder = &finders[rule->by];
	const struct rw_rule *other;
	char text[80];

	if (rule->by == RW_BY_PATTERNS || finder->any)
		return 0;
	if (rule->info.category != finder->category) {
		snprintf(text, sizeof(text), "the validator %s is for the category ", finder->name);
		return fail(rd, node, text, rw_category_name(finder->category));
	}
	for (unsigned i = 0; i < rd->set->n; i++) {
		other = &rd->set->rules[i];
		if (other->by == rule->by && strcmp(other->info.id, rule->info.id) != 0)
			return fail(rd, node,
				    "its validator is that of another rule; replace it by its id, ",
				    other->info.id);
	}
	return 0;
}

/* What a whole rule must have. */
static int check_rule(struct reader *rd, const yaml_node_t *node, const struct rw_rule *rule)
{
	if (!rule->info.id || !*rule->info.id)
		return fail(rd, node, "it has no id", NULL);
	if (!rule->info.type || !*rule->info.type)
		return fail(rd, node, "it has no type", NULL);
	if (!rd->rule_has_category)
		return fail(rd, node, "neither it nor the pack has a category", NULL);
	if (!rule->info.severity)
		return fail(rd, node, "it has no severity (1 to 100)", NULL);
	if (rule->words.n && rule->info.category != RW_CAT_TOPIC)
		return fail(rd, node, "words are for the category topic", NULL);
	if (rule->domains.n && rule->info.category != RW_CAT_MARKUP)
		return fail(rd, node, "domains are for the category markup", NULL);
	if ((rule->by != RW_BY_PATTERNS) ==
	    (rule->patterns.n + rule->words.n + rule->domains.n != 0))
		return fail(rd, node,
			    "it needs patterns, or the validator pem, street, model or external "
			    "and none",
			    NULL);
	if (rule->patterns.n > RW_RULE_PATTERNS_MAX)
		return fail(rd, node, "it has too many patterns; make it two rules", NULL);
	if (rule->by == RW_BY_DETECTOR && rule->match.n + rule->no_match.n)
		return fail(rd, node, "what a detector elsewhere finds has no cases here", NULL);
	if (rule->by != RW_BY_DETECTOR && (!rule->match.n || !rule->no_match.n))
		return fail(rd, node, "it needs cases under match and under no_match", NULL);
	return check_finder(rd, node, rule);
}

/* What it says of names, words and domains as patterns. */
static int make_patterns(struct reader *rd, const yaml_node_t *node, struct rw_rule *rule)
{
	struct rw_error why;
	int rc = rw_rule_make_patterns(&rd->set->arena, rule, &why);

	return rc == RW_EINVAL ? fail(rd, node, why.text, NULL)
	       : rc	       ? rw_fail(rd->e, rc, "%s", why.text)
			       : 0;
}

static struct rw_rule *find_rule(struct rw_ruleset *set, const char *id)
{
	for (unsigned i = 0; i < set->n; i++)
		if (!strcmp(set->rules[i].info.id, id))
			return &set->rules[i];
	return NULL;
}

static void take_out(struct rw_ruleset *set, struct rw_rule *rule)
{
	struct rw_rule *end = set->rules + set->n--;

	memmove(rule, rule + 1, (size_t)(end - (rule + 1)) * sizeof(*rule));
}

/* Replaces the rule of that id where there is one, else appends. */
int rw_ruleset_add(struct rw_ruleset *set, const struct rw_rule *rule, struct rw_error *e)
{
	unsigned cap = set->cap ? set->cap * 2 : 64;
	struct rw_rule *p;

	if (set->n == set->cap) {
		p = realloc(set->rules, cap * sizeof(*p));
		if (!p)
			return rw_fail(e, RW_ENOMEM, "no memory for the rules");
		set->rules = p;
		set->cap = cap;
	}
	set->rules[set->n++] = *rule;
	return 0;
}

static int put_rule(struct reader *rd, const yaml_node_t *node, const struct rw_rule *rule)
{
	struct rw_ruleset *set = rd->set;
	struct rw_rule *at = find_rule(set, rule->info.id);

	if (at && at->pack == rule->pack)
		return fail(rd, node, "the id stands twice in this pack", NULL);
	if (at) {
		const char *replaces = at->replaces ? at->replaces : at->pack;

		*at = *rule;
		at->replaces = replaces;
		return 0;
	}
	if (set->n == RW_RULES_MAX)
		return fail(rd, node, "too many rules", NULL);
	return rw_ruleset_add(set, rule, rd->e);
}

static int disable(struct reader *rd, const yaml_node_t *node, const char *id)
{
	struct rw_rule_disabled *all;
	struct rw_rule *rule = find_rule(rd->set, id);

	if (!rule)
		return fail(rd, node, "there is no rule to disable with the id ", id);
	all = realloc(rd->set->disabled, (rd->set->n_disabled + 1) * sizeof(*all));
	if (!all)
		return rw_fail(rd->e, RW_ENOMEM, "no memory for the rules");
	rd->set->disabled = all;
	all[rd->set->n_disabled++] = (struct rw_rule_disabled){rule->info.id, rule->pack, rd->pack};
	take_out(rd->set, rule);
	return 0;
}

static int read_key(struct reader *rd, const yaml_node_pair_t *pair, struct rw_rule *rule)
{
	const yaml_node_t *key = yaml_document_get_node(rd->doc, pair->key);
	const char *name = scalar(key);

	for (size_t i = 0; name && i < sizeof(rule_keys) / sizeof(rule_keys[0]); i++)
		if (!strcmp(name, rule_keys[i].name))
			return rule_keys[i].read(rd, yaml_document_get_node(rd->doc, pair->value),
						 rule);
	return fail(rd, key, "unknown key ", name);
}

static int read_rule(struct reader *rd, const yaml_node_t *node)
{
	struct rw_rule rule = {.pack = rd->pack, .line = line_of(node)};
	const yaml_node_pair_t *pair;
	int rc = 0;

	rd->rule = &rule;
	rd->disabled = false;
	rd->rule_has_category = rd->has_category;
	rule.info.category = rd->category;
	if (node->type != YAML_MAPPING_NODE)
		rc = fail(rd, node, "a rule is a mapping of keys", NULL);
	for (pair = node->data.mapping.pairs.start; !rc && pair < node->data.mapping.pairs.top;
	     pair++)
		rc = read_key(rd, pair, &rule);
	if (!rc && rd->disabled && rule.info.id)
		rc = disable(rd, node, rule.info.id);
	else if (!rc)
		rc = check_rule(rd, node, &rule);
	if (!rc && !rd->disabled)
		rc = make_patterns(rd, node, &rule);
	if (!rc && !rd->disabled)
		rc = put_rule(rd, node, &rule);
	rd->rule = NULL;
	return rc;
}

static int read_rules(struct reader *rd, const yaml_node_t *node)
{
	const yaml_node_item_t *item;
	int rc = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return fail(rd, node, "rules is a list", NULL);
	for (item = node->data.sequence.items.start; !rc && item < node->data.sequence.items.top;
	     item++)
		rc = read_rule(rd, yaml_document_get_node(rd->doc, *item));
	return rc;
}

static int read_disable(struct reader *rd, const yaml_node_t *node)
{
	struct rw_pack_list ids;
	int rc = read_list(rd, node, &ids);

	for (unsigned i = 0; !rc && i < ids.n; i++)
		rc = disable(rd, node, ids.at[i].text);
	return rc;
}

static int read_pack_category(struct reader *rd, const yaml_node_t *node)
{
	rd->has_category = true;
	return read_category(rd, node, &rd->category);
}

/* In the order in which they are read, whatever the order in the file. */
static const struct {
	const char *name;
	int (*read)(struct reader *rd, const yaml_node_t *value);
} pack_keys[] = {
	{"category", read_pack_category},
	{"disable", read_disable},
	{"rules", read_rules},
};

enum { PACK_KEYS = sizeof(pack_keys) / sizeof(pack_keys[0]) };

static int read_root(struct reader *rd, const yaml_node_t *root)
{
	const yaml_node_t *values[PACK_KEYS] = {NULL};
	const yaml_node_pair_t *pair;
	int rc = 0;

	if (root->type != YAML_MAPPING_NODE)
		return fail(rd, root, "a pack is a mapping with the key rules", NULL);
	for (pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(rd->doc, pair->key);
		const char *name = scalar(key);
		size_t i = 0;

		while (i < PACK_KEYS && (!name || strcmp(name, pack_keys[i].name) != 0))
			i++;
		if (i == PACK_KEYS)
			return fail(rd, key, "unknown key ", name);
		values[i] = yaml_document_get_node(rd->doc, pair->value);
	}
	for (size_t i = 0; !rc && i < PACK_KEYS; i++)
		if (values[i])
			rc = pack_keys[i].read(rd, values[i]);
	return rc;
}

int rw_pack_read(struct rw_ruleset *set, const char *pack, struct rw_slice yaml, struct rw_error *e)
{
	struct reader rd = {.set = set, .e = e};
	yaml_parser_t parser;
	yaml_document_t doc;
	const yaml_node_t *root;
	int rc = 0;

	rd.pack = rw_arena_copy(&set->arena, rw_slice_str(pack));
	if (!rd.pack || !yaml_parser_initialize(&parser))
		return rw_fail(e, RW_ENOMEM, "no memory for the rules");
	yaml_parser_set_input_string(&parser, (const unsigned char *)(yaml.n ? yaml.p : ""),
				     yaml.n);
	if (!yaml_parser_load(&parser, &doc)) {
		rc = rw_fail(e, RW_EINVAL, "%s:%zu: not YAML: %s", pack,
			     parser.problem_mark.line + 1,
			     parser.problem ? parser.problem : "unreadable");
		goto out;
	}
	rd.doc = &doc;
	root = yaml_document_get_root_node(&doc);
	rc = root ? read_root(&rd, root) : rw_fail(e, RW_EINVAL, "%s: the pack is empty", pack);
	yaml_document_delete(&doc);
out:
	yaml_parser_delete(&parser);
	return rc;
}
