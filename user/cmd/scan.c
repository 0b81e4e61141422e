/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall scan`: text in, verdicts out, by the same rules as the gateway. */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <yyjson.h>

#include "base/buf.h"
#include "cmd/cache.h"
#include "cmd/cmd.h"
#include "cmd/progress.h"
#include "scan/scan.h"

enum {
	OPT_JSONL = 256,
	OPT_CATEGORIES,
	OPT_RULES,
	OPT_PRESET,
	OPT_PROGRESS,
	OPT_INJECTION, /* then the other categories, in their order */
	TEXT_BYTES_MAX = 1 << 30,
};

struct scan_job {
	bool jsonl;
	const char *rules_dir;
	unsigned categories;
	struct rw_guard guard, of_data; /* the latter: of documents and tools' results */
	enum rw_preset preset;
	char **files;
	int n_files;

	struct rw_rules *rules;
	struct rw_scanner *scanner;
	struct rw_findings findings;
	struct rw_buf out;
	bool bad;  /* some input could not be scanned */
	bool gone; /* nobody reads our output any more */
	struct rw_progress progress;
};

static const struct argp_option options[] = {
	{"jsonl", OPT_JSONL, NULL, 0,
	 "input is lines of {\"id\": ..., \"text\": \"...\"}, with \"role\" if you like, or "
	 "\"messages\" instead of \"text\"",
	 0},
	{"categories", OPT_CATEGORIES, "LIST", 0,
	 "look for these only: injection, pii, secret, markup, topic (default: all)", 0},
	{"injection", OPT_INJECTION + RW_CAT_INJECTION, "ACTION", 0,
	 "allow, flag, mask or block (default: block)", 0},
	{"pii", OPT_INJECTION + RW_CAT_PII, "ACTION", 0, "(default: mask)", 0},
	{"secrets", OPT_INJECTION + RW_CAT_SECRET, "ACTION", 0, "(default: mask)", 0},
	{"markup", OPT_INJECTION + RW_CAT_MARKUP, "ACTION", 0, "(default: mask)", 0},
	{"topics", OPT_INJECTION + RW_CAT_TOPIC, "ACTION", 0, "(default: block)", 0},
	{"preset", OPT_PRESET, "NAME", 0,
	 "how sure a finding of injection must be: strict, balanced, permissive, observe "
	 "(default: balanced)",
	 0},
	{"progress", OPT_PROGRESS, NULL, 0,
	 "say on standard error how far it is, also where that is no terminal", 0},
	{"rules", OPT_RULES, "DIR", 0, "rule packs (*.yaml) to add to the built-in ones", 0},
	{0},
};

/* A category by its name, or "secrets"; false for anything else. */
static bool parse_category(const char *name, unsigned *out)
{
	for (unsigned c = 0; c < RW_CAT_LEAK; c++) {
		if (strcmp(name, rw_category_name((enum rw_category)c)) != 0)
			continue;
		*out = c;
		return true;
	}
	*out = RW_CAT_SECRET;
	return !strcmp(name, "secrets");
}

static void parse_categories(struct scan_job *job, char *list, struct argp_state *state)
{
	char *rest = NULL;
	unsigned c;

	job->categories = 0;
	for (char *name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		if (!parse_category(name, &c))
			argp_error(state,
				   "there is no category '%s': injection, pii, secret, "
				   "markup, topic",
				   name);
		job->categories |= 1u << c;
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct scan_job *job = state->input;

	if (key >= OPT_INJECTION && key < OPT_INJECTION + RW_CAT_LEAK) {
		if (!rw_action_parse(arg, &job->guard.action[key - OPT_INJECTION]))
			argp_error(state, "there is no action '%s': allow, flag, mask, block", arg);
		return 0;
	}
	switch (key) {
	case OPT_JSONL:
		job->jsonl = true;
		return 0;
	case OPT_CATEGORIES:
		parse_categories(job, arg, state);
		return 0;
	case OPT_RULES:
		job->rules_dir = arg;
		return 0;
	case OPT_PRESET:
		if (!rw_preset_parse(arg, &job->preset))
			argp_error(state,
				   "there is no preset '%s': strict, balanced, permissive, observe",
				   arg);
		return 0;
	case OPT_PROGRESS:
		job->progress.asked = true;
		return 0;
	case ARGP_KEY_ARGS:
		job->files = state->argv + state->next;
		job->n_files = state->argc - state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "[FILE...]",
	.doc = "Scan text and print a verdict.\vWithout a FILE, or where it is -, standard input "
	       "is read. Each text gives one line of JSON: the action, a score of 0 to 100, and "
	       "the "
	       "findings with their byte offsets. Compiled rules are kept for the next call in "
	       "$XDG_CACHE_HOME/ringwall or ~/.cache/ringwall.",
};

static int write_findings(struct scan_job *job)
{
	const struct rw_findings *f = &job->findings;
	int rc = rw_buf_add_str(&job->out, ",\"findings\":[");

	for (unsigned i = 0; !rc && i < f->n; i++) {
		const struct rw_rule_info *info = rw_rules_info(job->rules, f->at[i].rule);

		rc = rw_buf_add_str(&job->out, i ? ",{\"rule\":" : "{\"rule\":");
		if (!rc)
			rc = rw_buf_add_json(&job->out, rw_slice_str(info->id));
		if (!rc)
			rc = rw_buf_addf(&job->out, ",\"category\":\"%s\",\"type\":",
					 rw_category_name(info->category));
		if (!rc)
			rc = rw_buf_add_json(&job->out, rw_slice_str(info->type));
		if (!rc)
			rc = rw_buf_addf(&job->out, ",\"start\":%u,\"end\":%u,\"score\":%u",
					 f->at[i].start, f->at[i].end, f->at[i].score);
		if (!rc && f->at[i].via)
			rc = rw_buf_addf(&job->out, ",\"via\":\"%s\"",
					 rw_via_name((enum rw_via)f->at[i].via));
		if (!rc)
			rc = rw_buf_add_str(&job->out, "}");
	}
	if (!rc && f->more)
		return rw_buf_addf(&job->out, "],\"more\":%u}\n", f->more);
	return rc ? rc : rw_buf_add_str(&job->out, "]}\n");
}

/* "signals": which concepts behind which the model saw, strongest first. */
static int write_signals(struct scan_job *job)
{
	const struct rw_findings *f = &job->findings;
	int rc = 0;

	for (unsigned i = 0; !rc && i < f->n_signals; i++) {
		const struct rw_signal *s = &f->signals[i];

		rc = rw_buf_add_str(&job->out, i ? ",\"" : ",\"signals\":[\"");
		for (unsigned k = 0; !rc && k < s->n; k++)
			rc = rw_buf_addf(&job->out, "%s%s", k ? " > " : "",
					 rw_rules_concept(job->rules, s->concept[k]));
		if (!rc)
			rc = rw_buf_add_str(&job->out, i + 1 < f->n_signals ? "\"" : "\"]");
	}
	return rc;
}

/* "score": the strongest evidence, to a hundredth; "scores": the same by category. */
static int write_scores(struct scan_job *job, const char *id, enum rw_action action)
{
	const uint16_t *by = job->findings.evidence;
	unsigned most = 0;
	const char *comma = "";
	int rc;

	for (unsigned c = 0; c < RW_CAT_COUNT; c++)
		most = by[c] > most ? by[c] : most;
	rc = rw_buf_addf(&job->out, "{\"id\":%s,\"action\":\"%s\",\"score\":%u.%02u,\"scores\":{",
			 id, rw_action_name(action), most / 100, most % 100);
	for (unsigned c = 0; !rc && c < RW_CAT_COUNT; c++) {
		if (!by[c])
			continue;
		rc = rw_buf_addf(&job->out, "%s\"%s\":%u.%02u", comma,
				 rw_category_name((enum rw_category)c), by[c] / 100, by[c] % 100);
		comma = ",";
	}
	if (!rc)
		rc = rw_buf_add_str(&job->out, "}");
	return rc ? rc : write_signals(job);
}

/* Scans one text and prints its verdict under the guard; id is JSON. */
static void scan_one(struct scan_job *job, const char *id, struct rw_slice text,
		     const struct rw_guard *guard, unsigned categories)
{
	enum rw_action action;
	int rc = rw_scan_text(job->scanner, job->rules, text, categories, &job->findings);

	if (rc) {
		fprintf(stderr, "ringwall: the text %s could not be scanned: %s\n", id,
			rw_err_name(rc));
		job->bad = true;
		return;
	}
	action = rw_guard_verdict(guard, job->rules, &job->findings);
	rw_buf_reset(&job->out);
	rc = write_scores(job, id, action);
	if (!rc)
		rc = write_findings(job);
	if (rc) {
		fprintf(stderr, "ringwall: no memory for a verdict\n");
		job->bad = true;
		return;
	}
	if (fwrite(job->out.p, 1, job->out.len, stdout) != job->out.len)
		job->gone = true;
}

static void bad_line(struct scan_job *job, const char *file, unsigned long line, const char *why)
{
	fprintf(stderr, "ringwall: %s:%lu: %s\n", file, line, why);
	job->bad = true;
}

/*
 * A conversation as lines of its speakers, without what the application itself says: system prompts
 * and earlier answers.
 */
static int write_messages(struct rw_buf *out, yyjson_val *messages)
{
	size_t i, n;
	yyjson_val *m;
	int rc = 0;

	yyjson_arr_foreach(messages, i, n, m)
	{
		yyjson_val *role = yyjson_obj_get(m, "role"), *text = yyjson_obj_get(m, "content");

		if (!yyjson_is_str(text) || yyjson_equals_str(role, "system") ||
		    yyjson_equals_str(role, "assistant"))
			continue;
		if (!rc)
			rc = rw_buf_add_str(out,
					    yyjson_equals_str(role, "tool") ? "tool: " : "user: ");
		if (!rc)
			rc = rw_buf_add(out, yyjson_get_str(text), yyjson_get_len(text));
		if (!rc)
			rc = rw_buf_add(out, "\n", 1);
	}
	return rc;
}

static void scan_messages(struct scan_job *job, const char *id, yyjson_val *messages)
{
	struct rw_buf text = {.max = TEXT_BYTES_MAX};

	if (write_messages(&text, messages)) {
		fprintf(stderr, "ringwall: no memory for the conversation %s\n", id);
		job->bad = true;
	} else {
		scan_one(job, id, rw_buf_slice(&text), &job->guard, job->categories);
	}
	rw_buf_wipe(&text);
}

static void scan_line(struct scan_job *job, const char *file, unsigned long number, char *line,
		      size_t n)
{
	yyjson_doc *doc = yyjson_read(line, n, 0);
	yyjson_val *root = yyjson_doc_get_root(doc);
	yyjson_val *text = yyjson_obj_get(root, "text"), *id = yyjson_obj_get(root, "id");
	yyjson_val *messages = yyjson_obj_get(root, "messages");
	yyjson_val *role = yyjson_obj_get(root, "role");
	unsigned categories = job->categories;
	bool data = yyjson_equals_str(role, "tool") || yyjson_equals_str(role, "document");
	char *id_json = id ? yyjson_val_write(id, 0, NULL) : NULL;

	if (yyjson_equals_str(role, "system"))
		categories &= ~(1u << RW_CAT_INJECTION); /* the application's own */
	if (!doc)
		bad_line(job, file, number, "not JSON");
	else if (yyjson_is_arr(messages))
		scan_messages(job, id_json ? id_json : "null", messages);
	else if (!yyjson_is_str(text))
		bad_line(job, file, number, "no string under \"text\"");
	else
		scan_one(job, id_json ? id_json : "null",
			 rw_slice_of(yyjson_get_str(text), yyjson_get_len(text)),
			 data ? &job->of_data : &job->guard, categories);
	free(id_json);
	yyjson_doc_free(doc);
}

static void scan_lines(struct scan_job *job, const char *file, FILE *f)
{
	char *line = NULL;
	size_t cap = 0;
	unsigned long number = 0;
	ssize_t n;

	while (!job->gone && (n = getline(&line, &cap, f)) >= 0) {
		size_t whole = (size_t)n;

		number++;
		while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			n--;
		if (n > 0)
			scan_line(job, file, number, line, (size_t)n);
		rw_progress_done(&job->progress, whole);
	}
	free(line);
}

static void scan_whole(struct scan_job *job, const char *file, FILE *f)
{
	struct rw_buf text = {.max = TEXT_BYTES_MAX}, id = {0};
	char chunk[16384];
	size_t n;
	int rc = 0;

	while (!rc && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		rc = rw_buf_add(&text, chunk, n);
	if (!rc)
		rc = rw_buf_add_json(&id, rw_slice_str(file));
	if (!rc)
		rc = rw_buf_add(&id, "", 1);
	if (rc) {
		fprintf(stderr, "ringwall: %s is larger than can be scanned as one text\n", file);
		job->bad = true;
	} else if (!ferror(f)) {
		scan_one(job, id.p, rw_buf_slice(&text), &job->guard, job->categories);
		rw_progress_done(&job->progress, text.len);
	}
	rw_buf_wipe(&text);
	rw_buf_free(&id);
}

static void scan_file(struct scan_job *job, const char *file)
{
	bool in = !strcmp(file, "-");
	FILE *f = in ? stdin : fopen(file, "re");

	if (!f) {
		fprintf(stderr, "ringwall: cannot open %s: %s\n", file, strerror(errno));
		job->bad = true;
		return;
	}
	if (job->jsonl)
		scan_lines(job, file, f);
	else
		scan_whole(job, file, f);
	if (ferror(f)) {
		fprintf(stderr, "ringwall: cannot read %s: %s\n", file, strerror(errno));
		job->bad = true;
	}
	if (!in)
		fclose(f);
}

static int run(struct scan_job *job)
{
	char room[RW_CACHE_DIR_ROOM];
	const struct rw_rules_from from = {.dir = job->rules_dir, .cache_dir = rw_cache_dir(room)};
	struct rw_error e;

	if (rw_rules_load_from(&job->rules, &from, &e) ||
	    rw_scanner_new(&job->scanner, job->rules, &e)) {
		fprintf(stderr, "ringwall: %s\n", e.text);
		return RW_EXIT_FAIL;
	}
	rw_progress_begin(&job->progress, job->files, job->n_files);
	if (!job->n_files)
		scan_file(job, "-");
	for (int i = 0; i < job->n_files && !job->gone; i++)
		scan_file(job, job->files[i]);
	rw_progress_end(&job->progress);
	if (fflush(stdout) != 0 && errno != EPIPE) {
		fprintf(stderr, "ringwall: cannot write the verdicts: %s\n", strerror(errno));
		job->bad = true;
	}
	return job->bad || job->gone ? RW_EXIT_FAIL : RW_EXIT_OK;
}

int rw_cmd_scan(int argc, char **argv)
{
	struct scan_job *job = calloc(1, sizeof(*job));
	int status;

	if (!job)
		return RW_EXIT_FAIL;
	job->categories = (1u << RW_CAT_COUNT) - 1;
	job->guard.action[RW_CAT_INJECTION] = RW_ACT_BLOCK;
	job->guard.action[RW_CAT_PII] = RW_ACT_MASK;
	job->guard.action[RW_CAT_SECRET] = RW_ACT_MASK;
	job->guard.action[RW_CAT_MARKUP] = RW_ACT_MASK;
	job->guard.action[RW_CAT_TOPIC] = RW_ACT_BLOCK;
	argp_err_exit_status = RW_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, job);
	job->of_data = job->guard;
	rw_guard_preset(&job->guard, job->preset, false);
	rw_guard_preset(&job->of_data, job->preset, true);
	signal(SIGPIPE, SIG_IGN); /* a reader that has seen enough is no crash */
	status = run(job);
	rw_scanner_free(job->scanner);
	rw_rules_unref(job->rules);
	rw_buf_free(&job->out);
	free(job);
	return status;
}
