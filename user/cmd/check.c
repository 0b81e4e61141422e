/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall check`: reads a configuration, looks at what it names, and says what it means. */
#include "cmd/cmd.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cmd/named.h"
#include "policy/config.h"
#include "policy/schema.h"
#include "policy/value.h"
#include "scan/scan.h"

enum { MODELS_SHOWN = 8 };

#define CREDENTIALS "/etc/credstore"

struct options {
	const char *config;
	bool keys;
};

static const struct argp_option option_table[] = {
	{"config", 'c', "FILE", 0, "configuration (default " RW_CONFIG_FILE ")", 0},
	{"keys", 'k', NULL, 0, "print every key there is, as a Markdown table", 0},
	{0},
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'c':
		o->config = arg;
		return 0;
	case 'k':
		o->keys = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s'; a configuration is named with -c",
			   arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	option_table,
	on_option,
	NULL,
	"Reads a configuration and says what is wrong with it, or what it means.\v"
	"Loads the rule packs and runs their tests; changes nothing, connects to nothing, shows no "
	"secret. Status 0: ok; 1: something is wrong. Where CREDENTIALS_DIRECTORY is not "
	"set, " CREDENTIALS " stands for it: there the service manager takes them from.",
	NULL,
	NULL,
	NULL,
};

/* --- what it means ------------------------------------------------------------------------------
 */

static const char *title(unsigned i, const char *word)
{
	return i ? "" : word;
}

static void print_listeners(const struct rw_config *c)
{
	static const char *const clients[] = {
		[RW_CLIENT_CERT_OFF] = "",
		[RW_CLIENT_CERT_OPTIONAL] = ", clients' certificates welcome",
		[RW_CLIENT_CERT_REQUIRED] = ", clients' certificates required",
	};

	for (unsigned i = 0; i < c->n_listeners; i++) {
		const struct rw_listener_config *l = &c->listeners[i];
		char more[32] = "";

		if (l->n_more)
			snprintf(more, sizeof(more), " and %u more", l->n_more);
		printf("%-10s %s, %s%s%s%s\n", title(i, "listeners"), l->address,
		       !l->tls		    ? "plain HTTP"
		       : l->first.cert_file ? l->first.cert_file
					    : "TLS, self-signed",
		       more, l->modern ? ", TLS 1.3 only" : "", clients[l->client_cert]);
	}
	printf("%-10s %s\n", "admin", c->admin_address ? c->admin_address : "off");
}

static void print_upstreams(const struct rw_config *c)
{
	for (unsigned i = 0; i < c->n_upstreams; i++) {
		const struct rw_upstream_config *u = &c->upstreams[i];
		bool v6 = strchr(u->host, ':') != NULL;

		printf("%-10s %s: %s://%s%s%s:%u%s, %s\n", title(i, "upstreams"), u->name,
		       u->tls ? "https" : "http", v6 ? "[" : "", u->host, v6 ? "]" : "", u->port,
		       u->path, u->key ? "with a key" : "without a key");
	}
	for (unsigned i = 0; i < c->n_models && i < MODELS_SHOWN; i++)
		printf("%-10s %s by %s\n", title(i, "models"),
		       strcmp(c->models[i].name, "*") == 0 ? "every other" : c->models[i].name,
		       c->upstreams[c->models[i].upstream].name);
	if (c->n_models > MODELS_SHOWN)
		printf("%-10s and %u more\n", "", c->n_models - MODELS_SHOWN);
}

static void print_rate(const char *word, const char *what, const struct rw_rate *r)
{
	if (r->per_minute)
		printf("%-10s %u a minute for %s, %u at once\n", word, r->per_minute, what,
		       r->burst);
	else
		printf("%-10s any number for %s\n", word, what);
}

static void print_limits(const struct rw_config *c)
{
	char a[RW_VALUE_TEXT], b[RW_VALUE_TEXT];

	print_rate("limits", "a key", &c->key_rate);
	print_rate("", "an address", &c->address_rate);
	printf("%-10s body %s, answer %s", "", rw_value_size_text(c->max_body_bytes, a),
	       rw_value_size_text(c->max_answer_bytes, b));
	printf(", %u messages, headers %s\n", c->max_messages,
	       rw_value_size_text(c->max_header_bytes, a));
	printf("%-10s %u connections and %s in each worker\n", "", c->max_connections,
	       rw_value_size_text(c->max_memory_bytes, a));
}

static void print_guard(const char *word, const char *what, const struct rw_guard *g)
{
	printf("%-10s %s: ", word, what);
	for (unsigned i = 0; i < RW_CAT_LEAK; i++)
		printf("%s%s %s", i ? ", " : "", rw_category_name((enum rw_category)i),
		       rw_action_name(g->action[i]));
	putchar('\n');
}

static void print_summary(const struct rw_config *c, const struct rw_rules *r)
{
	static const char *const kernel[] = {[RW_KERNEL_REQUIRED] = "required",
					     [RW_KERNEL_PREFERRED] = "preferred",
					     [RW_KERNEL_OFF] = "off"};

	print_listeners(c);
	print_upstreams(c);
	printf("%-10s %s%s%s\n", "keys", c->keys_required ? "required" : "optional",
	       c->keys_file ? ", also those listed in " : "", c->keys_file ? c->keys_file : "");
	print_limits(c);
	print_guard("guards", "request", &c->request);
	print_guard("", "answer", &c->answer);
	printf("%-10s %u rules, %s%s, digest %.12s\n", "rules", rw_rules_count(r),
	       c->rules_dir ? "built in and from " : "built in", c->rules_dir ? c->rules_dir : "",
	       rw_rules_digest(r));
	printf("%-10s %s\n", "state", c->state_dir);
	printf("%-10s %s%s%s\n", "audit", c->audit_file ? c->audit_file : "off",
	       c->audit_required ? ", required" : "",
	       !c->audit_file			   ? ""
	       : c->audit_sync == RW_AUDIT_REQUEST ? ", each record before its answer's end"
						   : ", synced once a second");
	printf("%-10s %s\n", "kernel", kernel[c->kernel]);
}

/* --- main ---------------------------------------------------------------------------------------
 */

static int print_keys(void)
{
	struct rw_buf b = {0};
	int rc = rw_config_reference(&b);

	if (!rc)
		fwrite(b.p, 1, b.len, stdout);
	rw_buf_free(&b);
	return rc || fflush(stdout) != 0 ? RW_EXIT_FAIL : RW_EXIT_OK;
}

static int fail(const struct rw_error *e)
{
	fprintf(stderr, "ringwall: %s\n", e->text);
	return e->code == RW_EPERM ? RW_EXIT_PERM : RW_EXIT_FAIL;
}

static void print_problem(void *arg, const char *text)
{
	const struct rw_config *c = arg;

	fprintf(stderr, "ringwall: %s: %s\n", c->file, text);
}

int rw_cmd_check(int argc, char **argv)
{
	struct options o = {.config = RW_CONFIG_FILE};
	struct rw_rules *rules = NULL;
	struct rw_config *c = NULL;
	struct rw_redactor *redactor = NULL;
	struct rw_canaries *canaries = NULL;
	unsigned wrong;
	struct rw_error e;
	int rc;

	argp_err_exit_status = RW_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (o.keys)
		return print_keys();
	setenv("CREDENTIALS_DIRECTORY", CREDENTIALS, false);
	if (rw_config_load(&c, o.config, &e))
		return fail(&e);
	wrong = rw_named_check(c, print_problem, c);
	if (rw_rules_load(&rules, c->rules_dir, &e)) {
		rc = fail(&e);
		goto out;
	}
	if (rw_redactor_new(&redactor, rules, &c->redact, NULL, &e)) {
		rc = fail(&e);
		goto out;
	}
	if (rw_config_canaries(c, &canaries, &e)) {
		rc = fail(&e);
		goto out;
	}
	rc = wrong ? RW_EXIT_FAIL : RW_EXIT_OK;
	if (!rc) {
		print_summary(c, rules);
		puts("ok");
	}
	if (fflush(stdout) != 0) {
		fprintf(stderr, "ringwall: cannot print: %s\n", strerror(errno));
		rc = RW_EXIT_FAIL;
	}
out:
	rw_redactor_unref(redactor);
	rw_canaries_unref(canaries);
	rw_rules_unref(rules);
	rw_config_free(c);
	return rc;
}
