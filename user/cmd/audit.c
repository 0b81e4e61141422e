/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall audit`: whether the log's chain is whole, and what it says of one request. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/verify.h"
#include "cmd/cmd.h"
#include "cmd/progress.h"
#include "cmd/record.h"
#include "cmd/verbs.h"
#include "policy/config.h"

/* --- options ------------------------------------------------------------------------------------
 */

enum { OPT_HEAD = 256, OPT_PROGRESS };

struct options {
	const char *config;
	char **paths; /* of argv */
	unsigned n_paths;
	const char *id; /* show's */
	bool wants_id, json, progress;
	struct rw_verify_head heads[RW_VERIFY_HEADS];
	unsigned n_heads;
};

static const struct argp_option common_options[] = {
	{"config", 'c', "FILE", 0,
	 "where no LOG is named: this configuration's audit.file and what was rotated away from it "
	 "(default " RW_CONFIG_FILE ")",
	 0},
	{"json", 'j', NULL, 0, "print the result as JSON", 0},
	{"progress", OPT_PROGRESS, NULL, 0, "say how far it is, also where this is no terminal", 0},
	{0},
};

static const struct argp_option verify_options[] = {
	{"head", OPT_HEAD, "SEQ:SHA256", 0,
	 "a head that an earlier verify printed: the record must be there, with that digest; may "
	 "be "
	 "given more than once",
	 0},
	{0},
};

/* "41:<64 hex digits>" */
static void take_head(struct options *o, const char *arg, struct argp_state *state)
{
	struct rw_verify_head *h = &o->heads[o->n_heads];
	char *colon;

	if (o->n_heads == RW_VERIFY_HEADS - 1) {
		argp_error(state, "at most %d heads", RW_VERIFY_HEADS - 1);
		return;
	}
	errno = 0;
	h->at.seq = strtoull(arg, &colon, 10);
	if (*arg < '0' || *arg > '9' || errno || *colon != ':' || strlen(colon + 1) != 64 ||
	    !rw_chain_unhex(colon + 1, h->at.digest))
		argp_error(state, "'%s' is not a head as verify prints it, NUMBER:SHA256", arg);
	h->from = "--head";
	o->n_heads++;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'c':
		o->config = arg;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case OPT_PROGRESS:
		o->progress = true;
		return 0;
	case OPT_HEAD:
		take_head(o, arg, state);
		return 0;
	case ARGP_KEY_ARGS:
		o->paths = state->argv + state->next;
		o->n_paths = (unsigned)(state->argc - state->next);
		if (o->wants_id) {
			o->id = *o->paths++;
			o->n_paths--;
		}
		return 0;
	case ARGP_KEY_END:
		if (o->wants_id && !o->id)
			argp_error(state, "ID is missing");
		if (o->config && o->n_paths)
			argp_error(state, "--config and LOG each say where the log is: give one");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp common_argp = {common_options, on_option, NULL, NULL, NULL, NULL, NULL};
static const struct argp_child with_common[] = {{&common_argp, 0, NULL, 0}, {0}};

/* The parser's state is the child's, too. */
static error_t on_verb_option(int key, char *arg, struct argp_state *state)
{
	if (key == ARGP_KEY_INIT) {
		state->child_inputs[0] = state->input;
		return 0;
	}
	return key == OPT_HEAD ? on_option(key, arg, state) : ARGP_ERR_UNKNOWN;
}

/* --- the log ------------------------------------------------------------------------------------
 */

struct job {
	const struct options *o;
	struct rw_log_files files;
	struct rw_verify v;
	struct rw_progress progress;
	char log[PATH_MAX]; /* of the configuration */
};

/* What FILE.head says, where there is one. */
static void expect_head(struct job *j, const char *log)
{
	char file[PATH_MAX];
	struct rw_head head;
	int fd;

	snprintf(file, sizeof(file), "%s.head", log);
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	if (j->v.n_heads == RW_VERIFY_HEADS || !rw_head_read(fd, &head))
		fprintf(stderr, "ringwall: note: %s is passed over: it cannot be read\n", file);
	else
		j->v.heads[j->v.n_heads++] = (struct rw_verify_head){.from = "its .head file",
								     .at = head.at};
	close(fd);
}

static int add_path(struct job *j, const char *path, bool rotated, struct rw_error *e)
{
	unsigned before = j->files.n;
	int rc = rw_log_files_add(&j->files, path, rotated, e);

	for (unsigned i = before; !rc && i < j->files.n; i++)
		expect_head(j, j->files.file[i].name);
	return rc;
}

static int configured_log(struct job *j, struct rw_error *e)
{
	struct rw_config *c;
	int rc = rw_config_load_public(&c, j->o->config ? j->o->config : RW_CONFIG_FILE, e);

	if (rc)
		return rc;
	if (c->audit_file)
		snprintf(j->log, sizeof(j->log), "%s", c->audit_file);
	else
		rc = rw_fail(e, RW_ENOTFOUND, "%s has no audit.file: name the log", c->file);
	rw_config_free(c);
	return rc;
}

static void on_progress(void *arg, size_t n)
{
	struct job *j = arg;

	rw_progress_done(&j->progress, n);
	j->progress.texts = j->v.walk.records;
}

static void print_passed(struct rw_slice lines)
{
	while (lines.n) {
		size_t n = (size_t)((const char *)memchr(lines.p, '\n', lines.n) - lines.p);

		fprintf(stderr, "ringwall: note: %.*s\n", (int)n, lines.p);
		lines = rw_slice_of(lines.p + n + 1, lines.n - n - 1);
	}
}

/* Where everything is; the heads are read before the log, which may grow meanwhile. */
static int gather(struct job *j, const struct options *o, struct rw_error *e)
{
	int rc = RW_OK;

	j->o = o;
	memcpy(j->v.heads, o->heads, sizeof(o->heads));
	j->v.n_heads = o->n_heads;
	j->v.progress = on_progress;
	j->v.arg = j;
	for (unsigned i = 0; i < o->n_paths && !rc; i++)
		rc = add_path(j, o->paths[i], false, e);
	if (!o->n_paths)
		rc = configured_log(j, e);
	if (!rc && !o->n_paths)
		rc = add_path(j, j->log, true, e);
	rw_log_files_sort(&j->files);
	print_passed(rw_buf_slice(&j->files.passed));
	if (!rc && !j->files.n)
		rc = rw_fail(e, RW_ENOTFOUND, "there is no audit log with a chain there");
	return rc;
}

/* A result that nobody could be told is none. */
static int end(int rc, struct rw_error *e)
{
	if (fflush(stdout) && !rc)
		rc = rw_fail(e, RW_EIO, "cannot print: %s", strerror(errno));
	return rw_cmd_end(rc, e);
}

/* --- verify -------------------------------------------------------------------------------------
 */

static void print_whole(const struct job *j)
{
	const struct rw_walk *w = &j->v.walk;
	char hex[RW_CHAIN_HEX];

	rw_chain_hex(w->at.digest, hex);
	if (j->o->json) {
		printf("{\"whole\":true,\"records\":%" PRIu64 ",\"first\":%" PRIu64
		       ",\"last\":%" PRIu64 ",\"head\":\"%" PRIu64 ":%s\",\"files\":%u,"
		       "\"stray\":%" PRIu64 ",\"stray_bytes\":%" PRIu64 ",\"tail_bytes\":%" PRIu64
		       "}\n",
		       w->records, w->first, w->at.seq, w->at.seq, hex, j->files.n, w->strays,
		       w->stray_bytes, j->v.tail_bytes);
		return;
	}
	printf("whole: %" PRIu64 " records, %" PRIu64 " to %" PRIu64 ", in %u %s\nhead %" PRIu64
	       ":%s\n",
	       w->records, w->first, w->at.seq, j->files.n, j->files.n == 1 ? "file" : "files",
	       w->at.seq, hex);
}

static void print_notes(const struct job *j)
{
	const struct rw_walk *w = &j->v.walk;

	if (w->first > 1)
		fprintf(stderr,
			"ringwall: note: the log begins with record %" PRIu64
			": what was before it is not here\n",
			w->first);
	if (w->strays)
		fprintf(stderr,
			"ringwall: note: in %" PRIu64 " places stand %" PRIu64
			" bytes that are no record, each accounted for by the record behind it "
			"(torn by a crash or a full disk)\n",
			w->strays, w->stray_bytes);
	if (j->v.tail_bytes)
		fprintf(stderr,
			"ringwall: note: the last %" PRIu64 " bytes are a record without its end: "
			"it is being written, or was torn and the gateway has not been started "
			"since\n",
			j->v.tail_bytes);
}

static void print_broken(const struct job *j, int rc, const struct rw_error *e)
{
	struct rw_buf text = {0};

	if (j->o->json && rc == RW_EINVAL && !rw_buf_add_json(&text, rw_slice_str(e->text)))
		printf("{\"whole\":false,\"why\":%.*s}\n", (int)text.len, text.p);
	rw_buf_free(&text);
}

static int verify(int argc, char **argv)
{
	static const struct argp argp = {
		verify_options,
		on_verb_option,
		"[LOG|FOLDER|-]...",
		"Walks along the chain of the audit log and says whether it is whole, or where it "
		"is "
		"first broken.\v"
		"The files may be given in any order; - is standard input. The head that it "
		"prints, kept "
		"elsewhere, shows later by --head that nothing up to it was changed since. Exit "
		"status 1: "
		"broken.",
		with_common,
		NULL,
		NULL};
	struct options o = {0};
	struct job j = {0};
	struct rw_error e = {0};
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	rc = gather(&j, &o, &e);
	if (!rc) {
		char **names = calloc(j.files.n, sizeof(*names));

		for (unsigned i = 0; names && i < j.files.n; i++)
			names[i] = j.files.file[i].name;
		j.progress = (struct rw_progress){.asked = o.progress, .what = "records"};
		if (names)
			rw_progress_begin(&j.progress, names, (int)j.files.n);
		free(names);
		rc = rw_verify_run(&j.v, &j.files, &e);
		rw_progress_end(&j.progress);
	}
	if (rc) {
		print_broken(&j, rc, &e);
	} else {
		print_notes(&j);
		print_whole(&j);
	}
	rw_verify_free(&j.v);
	rw_log_files_free(&j.files);
	return end(rc, &e);
}

/* --- show ---------------------------------------------------------------------------------------
 */

struct found {
	struct job job;
	struct rw_buf line; /* empty: not yet */
	char file[PATH_MAX];
	uint64_t line_no;
	bool linked;
};

/* A request's id is ours, and has no letter that JSON escapes. */
static void look_at(void *arg, const char *file, uint64_t line_no, struct rw_slice line,
		    bool linked)
{
	struct found *f = arg;
	char want[96];
	int n = snprintf(want, sizeof(want), "\"request_id\":\"%s\"", f->job.o->id);

	if (f->line.len || !memmem(line.p, line.n, want, (size_t)n))
		return;
	(void)rw_buf_add_slice(&f->line, line); /* without memory it is not found */
	snprintf(f->file, sizeof(f->file), "%s", file);
	f->line_no = line_no;
	f->linked = linked;
}

static bool is_id(const char *id)
{
	return strlen(id) < 64 && !id[strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz_-")];
}

static int show_found(const struct found *f, int chain, const struct rw_error *why,
		      struct rw_error *e)
{
	int rc;

	if (!f->line.len)
		return rw_fail(e, RW_ENOTFOUND,
			       "there is no record of %s in %u %s; a request has its record when "
			       "it is over",
			       f->job.o->id, f->job.files.n,
			       f->job.files.n == 1 ? "file" : "files");
	if (f->job.o->json) {
		printf("%.*s\n", (int)f->line.len, f->line.p);
		rc = RW_OK;
	} else {
		rc = rw_cmd_print_record(rw_buf_slice(&f->line), e);
		printf("%-10s %s:%" PRIu64 ", %s\n", "record", f->file, f->line_no,
		       f->linked ? "linked to those before it" : "NOT linked to those before it");
	}
	if (rc || !chain)
		return rc;
	return rw_fail(e, chain, "the log is not whole: %.400s", why->text);
}

static int show(int argc, char **argv)
{
	static const struct argp argp = {
		NULL,
		on_verb_option,
		"ID [LOG|FOLDER|-]...",
		"Explains what became of one request, from its audit record.\v"
		"ID is what the caller has in x-ringwall-request-id, and in the message of a "
		"refusal. "
		"The "
		"log's chain is verified on the way: exit status 1 where it is broken, or nothing "
		"is "
		"found.",
		with_common,
		NULL,
		NULL};
	struct options o = {.wants_id = true};
	struct found f = {0};
	struct rw_error e = {0}, why = {0};
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (!is_id(o.id)) {
		fprintf(stderr, "ringwall: '%s' is no request's id\n", o.id);
		return RW_EXIT_USAGE;
	}
	rc = gather(&f.job, &o, &e);
	if (!rc) {
		f.job.v.each = look_at;
		f.job.v.progress = NULL;
		f.job.v.arg = &f;
		rc = rw_verify_run(&f.job.v, &f.job.files, &why);
		rc = show_found(&f, rc, &why, &e);
	}
	rw_buf_free(&f.line);
	rw_verify_free(&f.job.v);
	rw_log_files_free(&f.job.files);
	return end(rc, &e);
}

int rw_cmd_audit(int argc, char **argv)
{
	static const struct rw_verb verbs[] = {
		{"verify", verify, "say whether the audit log is whole"},
		{"show", show, "explain what became of a request"},
	};

	return rw_verbs_run(verbs, sizeof(verbs) / sizeof(verbs[0]), argc, argv);
}
