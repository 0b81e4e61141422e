/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration from memory. A file is taken whole or not at all, twice the same way; what is
 * taken keeps every promise of config.h, and no message shows what a variable holds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "policy/config.h"
#include "policy/value.h"

#define SECRET "Xy7-fuzz-secret"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	rw_log_set_level(RW_LOG_ERROR);
	return setenv("K", SECRET, 1);
}

static void check_listeners(const struct rw_config *c)
{
	struct rw_value_address a;

	RW_BUG_ON(c->n_listeners < 1 || c->n_listeners > RW_MAX_LISTENERS);
	for (unsigned i = 0; i < c->n_listeners; i++) {
		const struct rw_listener_config *l = &c->listeners[i];

		RW_BUG_ON(rw_value_address(rw_slice_str(l->address), &a));
		RW_BUG_ON(!l->first.cert_file != !l->first.key_file);
		RW_BUG_ON(!l->tls && !l->plain_anywhere && !rw_value_is_loopback(&a));
	}
}

static void check_upstreams(const struct rw_config *c)
{
	RW_BUG_ON(c->n_upstreams < 1 || c->n_upstreams > RW_MAX_UPSTREAMS);
	for (unsigned i = 0; i < c->n_upstreams; i++) {
		const struct rw_upstream_config *u = &c->upstreams[i];
		size_t n = strlen(u->path);

		RW_BUG_ON(!rw_value_is_name(rw_slice_str(u->name)));
		RW_BUG_ON(!u->host[0] || !u->port || strpbrk(u->host, "[]/@ \r\n"));
		RW_BUG_ON(n && (u->path[0] != '/' || u->path[n - 1] == '/'));
		RW_BUG_ON(strstr(u->path, "/../") || strpbrk(u->path, "%?# \r\n"));
		RW_BUG_ON(u->key && !rw_value_is_token(rw_slice_str(u->key)));
		RW_BUG_ON(!u->tls && !u->insecure_plain && !rw_value_is_loopback_host(u->host));
		RW_BUG_ON(!u->connect_ms || !u->first_byte_ms || !u->between_ms);
	}
	RW_BUG_ON(c->n_models < 1 || c->n_models > RW_MAX_MODELS);
	for (unsigned i = 0; i < c->n_models; i++)
		RW_BUG_ON(!c->models[i].name[0] || c->models[i].upstream >= c->n_upstreams);
}

static void check_rest(const struct rw_config *c)
{
	RW_BUG_ON(c->audit_required && !c->audit_file);
	RW_BUG_ON(c->request.action[RW_CAT_INJECTION] == RW_ACT_MASK);
	RW_BUG_ON(c->answer.action[RW_CAT_INJECTION] == RW_ACT_MASK);
	RW_BUG_ON(c->max_memory_bytes < c->max_body_bytes + c->max_answer_bytes);
	RW_BUG_ON(c->ban_max_ms < c->ban_ms || !c->state_dir[0]);
	RW_BUG_ON(!c->key_rate.burst || !c->address_rate.burst || !c->max_connections);
}

/* The fuzzer learns the secret from our own comparison; a file that spells it may be shown. */
static bool spells_secret(const uint8_t *data, size_t size)
{
	return size && (memmem(data, size, SECRET, 8) || memchr(data, '\\', size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rw_config *c = NULL, *again = NULL;
	struct rw_error e = {.text = ""}, e2 = {.text = ""};
	int rc = rw_config_parse(&c, (const char *)data, size, "f", &e);

	RW_BUG_ON(rc != rw_config_parse(&again, (const char *)data, size, "f", &e2));
	RW_BUG_ON(strcmp(e.text, e2.text) != 0);
	if (rc) {
		RW_BUG_ON(c || e.code != rc || strncmp(e.text, "f:", 2) != 0);
		RW_BUG_ON(strpbrk(e.text, "\r\n\x1b") != NULL);
		RW_BUG_ON(strstr(e.text, SECRET) && !spells_secret(data, size));
		return 0;
	}
	check_listeners(c);
	check_upstreams(c);
	check_rest(c);
	rw_config_free(c);
	rw_config_free(again);
	return 0;
}
