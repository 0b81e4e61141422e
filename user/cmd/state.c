/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/state.h"

#include <string.h>
#include <unistd.h>

#include "policy/config.h"
#include "policy/schema.h"

int rw_cmd_state_dir(const char *config, const char *state, char **dir, struct rw_error *e)
{
	const char *file = config;
	struct rw_config *c = NULL;
	int rc = RW_OK;

	if (!file && !state && access(RW_CONFIG_FILE, F_OK) == 0)
		file = RW_CONFIG_FILE;
	if (file)
		rc = rw_config_load_public(&c, file, e);
	if (rc)
		return rc;
	*dir = strdup(c	      ? c->state_dir
		      : state ? state
			      : rw_config_key_find("", RW_SLICE("state_dir"))->def);
	rw_config_free(c);
	return *dir ? RW_OK : rw_fail(e, RW_ENOMEM, "out of memory");
}
