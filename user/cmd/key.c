/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall key`: adds, lists and revokes API keys in the state directory. */
#include "cmd/cmd.h"

#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "cmd/state.h"
#include "ident/keys.h"
#include "policy/config.h"
#include "policy/schema.h"
#include "policy/value.h"

enum { TIME_TEXT = 32 };

/* --- options ------------------------------------------------------------------------------------
 */

struct action;

struct options {
	const struct action *action;
	const char *name;
	const char *config, *state, *list;
	uint32_t rate;
	bool has_rate, json;
};

struct action {
	const char *word;
	bool has_name;
	int (*run)(const struct options *o, struct rw_keystore *ks, const char *dir,
		   struct rw_error *e);
};

static int add_key(const struct options *o, struct rw_keystore *ks, const char *dir,
		   struct rw_error *e);
static int list_keys(const struct options *o, struct rw_keystore *ks, const char *dir,
		     struct rw_error *e);
static int revoke_key(const struct options *o, struct rw_keystore *ks, const char *dir,
		      struct rw_error *e);

static const struct action actions[] = {
	{"add", true, add_key}, {"list", false, list_keys}, {"revoke", true, revoke_key}};

static const struct argp_option option_table[] = {
	{"config", 'c', "FILE", 0,
	 "use this configuration's state_dir (default " RW_CONFIG_FILE " where there is one)", 0},
	{"state", 's', "DIR", 0, "use this state directory", 0},
	{"list", 'l', "FILE", 0,
	 "add, list: not in a state directory but in this list, which auth.keys_file names", 0},
	{"rate", 'r', "N", 0, "add: requests a minute for this key, 0 for the configuration's", 0},
	{"json", 'j', NULL, 0, "list: as JSON", 0},
	{0},
};

static const struct action *find_action(const char *word)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].word, word) == 0)
			return &actions[i];
	return NULL;
}

static void take_argument(struct options *o, const char *arg, struct argp_state *state)
{
	if (!o->action) {
		o->action = find_action(arg);
		if (!o->action)
			argp_error(state, "the first argument is add, list or revoke");
	} else if (o->action->has_name && !o->name) {
		o->name = arg;
	} else {
		/* Not repeated: it may be a key. */
		argp_error(state, "one argument too many");
	}
}

static void check_options(const struct options *o, struct argp_state *state)
{
	if (!o->action) {
		argp_error(state, "say add, list or revoke");
		return; /* argp_error does not come back, but no compiler knows */
	}
	if (o->action->has_name && !o->name)
		argp_error(state, "say the key's name");
	if ((o->config != NULL) + (o->state != NULL) + (o->list != NULL) > 1)
		argp_error(state, "--config, --state and --list each say where the keys are: give "
				  "one");
	if (o->list && o->action->run == revoke_key)
		argp_error(state, "from a list a key is revoked by deleting its line");
	if (o->has_rate && o->action->run != add_key)
		argp_error(state, "--rate belongs to add");
	if (o->json && o->action->run != list_keys)
		argp_error(state, "--json belongs to list");
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	uint64_t rate;

	switch (key) {
	case 'c':
		o->config = arg;
		return 0;
	case 's':
		o->state = arg;
		return 0;
	case 'l':
		o->list = arg;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'r':
		if (rw_value_number(rw_slice_str(arg), &rate) || rate > RW_KEY_MAX_RATE)
			argp_error(state, "--rate is a whole number from 0 to %d, not '%s'",
				   RW_KEY_MAX_RATE, arg);
		o->rate = (uint32_t)rate;
		o->has_rate = true;
		return 0;
	case ARGP_KEY_ARG:
		take_argument(o, arg, state);
		return 0;
	case ARGP_KEY_END:
		check_options(o, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	option_table,
	on_option,
	"add NAME\nlist\nrevoke ID|NAME",
	"Adds, lists and revokes API keys.\v"
	"`add` prints the key alone on standard output, this once; what is kept is its hash. A "
	"running gateway takes changes up by itself. A name is 1 to 63 of A-Z a-z 0-9 . _ - and "
	"can be "
	"used again once its key is revoked. A list is a text with a line for each key, its name "
	"and "
	"hash, that can be carried to where no command can be given, an appliance's configuration "
	"disk.",
	NULL,
	NULL,
	NULL,
};

/* --- actions ------------------------------------------------------------------------------------
 */

/* By write(2): standard output's buffer would keep a copy. */
static bool print_key(const char *text)
{
	char line[RW_KEY_TEXT + 1];
	int n = snprintf(line, sizeof(line), "%s\n", text);
	ssize_t written = write(STDOUT_FILENO, line, (size_t)n);

	explicit_bzero(line, sizeof(line));
	return written == n;
}

static int add_key(const struct options *o, struct rw_keystore *ks, const char *dir,
		   struct rw_error *e)
{
	char text[RW_KEY_TEXT];
	struct rw_key k;
	bool shown;
	int rc, err;

	rc = rw_keystore_add(ks, o->name, o->rate, &k, text, e);
	if (rc)
		return rc;
	shown = print_key(text);
	err = errno;
	explicit_bzero(text, sizeof(text));
	if (!shown) {
		/* Nobody has it: a key that cannot be used must not look as if it could. */
		rc = rw_keystore_revoke(ks, k.id, e);
		return rc ? rc
			  : rw_fail(e, RW_EIO, "cannot print the key: %s; it is revoked again",
				    strerror(err));
	}
	fprintf(stderr,
		"ringwall: key %s ('%s') added in %s. The line above is the key: keep it now, only "
		"its "
		"hash is stored.\n",
		k.id, k.name, dir);
	return RW_OK;
}

static int revoke_key(const struct options *o, struct rw_keystore *ks, const char *dir,
		      struct rw_error *e)
{
	int rc = rw_keystore_revoke(ks, o->name, e);

	if (!rc)
		fprintf(stderr, "ringwall: '%s' is revoked in %s\n", o->name, dir);
	return rc;
}

/* RFC 3339, UTC, seconds. */
static const char *time_text(uint64_t ms, char out[TIME_TEXT])
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(out, TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(out, TIME_TEXT, "?");
	return out;
}

static int print_json(const struct rw_key *keys, unsigned n)
{
	struct rw_buf b = {0};
	char at[TIME_TEXT];
	int rc = rw_buf_add_str(&b, "[");

	for (unsigned i = 0; i < n && !rc; i++) {
		const struct rw_key *k = &keys[i];

		rc = rw_buf_addf(&b, "%s\n  {\"id\": \"%s\", \"name\": ", i ? "," : "", k->id);
		rc = rc ? rc : rw_buf_add_json(&b, rw_slice_str(k->name));
		rc = rc ? rc
			: rw_buf_addf(&b, ", \"created\": %s%s%s, \"state\": \"%s\", \"revoked\": ",
				      k->created_ms ? "\"" : "",
				      k->created_ms ? time_text(k->created_ms, at) : "null",
				      k->created_ms ? "\"" : "",
				      k->revoked_ms ? "revoked" : "live");
		rc = rc		     ? rc
		     : k->revoked_ms ? rw_buf_addf(&b, "\"%s\"", time_text(k->revoked_ms, at))
				     : rw_buf_add_str(&b, "null");
		rc = rc ? rc : rw_buf_addf(&b, ", \"rate_per_minute\": %u}", k->rate_per_minute);
	}
	rc = rc ? rc : rw_buf_add_str(&b, n ? "\n]\n" : "]\n");
	if (!rc)
		fwrite(b.p, 1, b.len, stdout);
	rw_buf_free(&b);
	return rc;
}

static int print_table(const struct rw_key *keys, unsigned n)
{
	char created[TIME_TEXT], revoked[TIME_TEXT], rate[24];

	printf("%-14s  %-24s  %-20s  %-28s  %s\n", "ID", "NAME", "CREATED", "STATE", "RATE");
	for (unsigned i = 0; i < n; i++) {
		const struct rw_key *k = &keys[i];
		char state[TIME_TEXT + 16] = "live";

		if (k->revoked_ms)
			snprintf(state, sizeof(state), "revoked %s",
				 time_text(k->revoked_ms, revoked));
		snprintf(rate, sizeof(rate), "%u/min", k->rate_per_minute);
		printf("%-14s  %-24s  %-20s  %-28s  %s\n", k->id, k->name,
		       k->created_ms ? time_text(k->created_ms, created) : "listed", state,
		       k->rate_per_minute ? rate : "configured");
	}
	return RW_OK;
}

static int print_keys(const struct options *o, const struct rw_key *keys, unsigned n,
		      struct rw_error *e)
{
	int rc = o->json ? print_json(keys, n) : print_table(keys, n);
	if (rc)
		return rw_fail(e, rc, "out of memory");
	if (fflush(stdout) != 0)
		return rw_fail(e, RW_EIO, "cannot print the list: %s", strerror(errno));
	return RW_OK;
}

static int list_keys(const struct options *o, struct rw_keystore *ks, const char *dir,
		     struct rw_error *e)
{
	struct rw_key *keys;
	unsigned n;
	int rc = rw_keystore_list(ks, &keys, &n, e);

	(void)dir;
	if (rc)
		return rc;
	rc = print_keys(o, keys, n, e);
	free(keys);
	return rc;
}

/* --- the same of a list ------------------------------------------------------------------------
 */

static int add_listed(const struct options *o, struct rw_error *e)
{
	char text[RW_KEY_TEXT];
	struct rw_key k;
	int rc, err;

	rc = rw_keylist_make(o->name, o->rate, &k, text, e);
	if (rc)
		return rc;
	rc = rw_keylist_append(o->list, &k, e);
	if (!rc && !print_key(text)) {
		err = errno;
		rc = rw_fail(e, RW_EIO,
			     "cannot print the key: %s; delete the line of '%s' in %.200s",
			     strerror(err), k.name, o->list);
	}
	explicit_bzero(text, sizeof(text));
	if (!rc)
		fprintf(stderr,
			"ringwall: key %s ('%s') added to %s. The line above is the key: keep it "
			"now, the list has its hash.\n",
			k.id, k.name, o->list);
	return rc;
}

static int list_listed(const struct options *o, struct rw_error *e)
{
	struct rw_key *keys;
	unsigned n;
	int rc = rw_keylist_read(o->list, &keys, &n, e);

	if (rc)
		return rc;
	rc = print_keys(o, keys, n, e);
	free(keys);
	return rc;
}

/* --- where the keys are -------------------------------------------------------------------------
 */

/* Only `add` makes a store: a wrong directory must not look like one without keys. */
static int check_there(const struct options *o, const char *dir, struct rw_error *e)
{
	char file[4200];

	if (o->action->run == add_key)
		return RW_OK;
	snprintf(file, sizeof(file), "%s/ringwall.db", dir);
	if (access(file, F_OK) == 0 || errno != ENOENT)
		return RW_OK;
	return rw_fail(e, RW_ENOTFOUND,
		       "there are no keys in '%s' yet: `ringwall key add NAME` makes the first",
		       dir);
}

static int run_stored(const struct options *o, struct rw_error *e)
{
	struct rw_keystore *ks = NULL;
	char *dir = NULL;
	int rc = rw_cmd_state_dir(o->config, o->state, &dir, e);

	rc = rc ? rc : check_there(o, dir, e);
	rc = rc ? rc : rw_keystore_open(&ks, dir, e);
	rc = rc ? rc : o->action->run(o, ks, dir, e);
	rw_keystore_close(ks);
	free(dir);
	return rc;
}

int rw_cmd_key(int argc, char **argv)
{
	struct options o = {0};
	struct rw_error e = {.text = ""};
	int rc;

	argp_err_exit_status = RW_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (!o.list)
		rc = run_stored(&o, &e);
	else
		rc = o.action->run == add_key ? add_listed(&o, &e) : list_listed(&o, &e);
	if (rc)
		fprintf(stderr, "ringwall: %s\n", e.text);
	return rc == RW_OK ? RW_EXIT_OK : rc == RW_EPERM ? RW_EXIT_PERM : RW_EXIT_FAIL;
}
