/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration's tests share: one that is right, and how to expect an error. */
#ifndef RW_TESTS_POLICY_UTIL_H
#define RW_TESTS_POLICY_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "policy/config.h"

#define LISTENERS "listeners:\n  - address: 127.0.0.1:8443\n"
#define UPSTREAMS "upstreams:\n  - name: openai\n    url: https://api.openai.com/v1\n"
#define MODELS	  "models:\n  - {name: gpt-4o-mini, upstream: openai}\n"
/* The least that is right: seven lines. */
#define LEAST	  LISTENERS UPSTREAMS MODELS

static inline struct rw_config *must_load(const char *yaml)
{
	struct rw_error e = {.text = ""};
	struct rw_config *c = NULL;

	if (rw_config_parse(&c, yaml, strlen(yaml), "f", &e))
		fail_msg("expected to load, but: %s", e.text);
	return c;
}

/* The whole message, so that place, path and sentence are all checked. */
static inline void must_fail(const char *yaml, const char *message)
{
	struct rw_error e = {.text = ""};
	struct rw_config *c = NULL;

	if (!rw_config_parse(&c, yaml, strlen(yaml), "f", &e))
		fail_msg("loaded, but expected: %s", message);
	assert_null(c);
	assert_string_equal(e.text, message);
}

#endif
