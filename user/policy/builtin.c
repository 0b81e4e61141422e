/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration in the binary: default.yaml as bytes, read-only. */
#include "policy/config.h"

__asm__(".section .rodata\n"
	".local rw_default_yaml, rw_default_yaml_end\n"
	"rw_default_yaml:\n"
	".incbin \"user/policy/default.yaml\"\n"
	"rw_default_yaml_end:\n"
	".previous\n");
extern const char rw_default_yaml[], rw_default_yaml_end[];

int rw_config_default(struct rw_config **out, struct rw_error *e)
{
	return rw_config_parse(out, rw_default_yaml,
			       (size_t)(rw_default_yaml_end - rw_default_yaml), "(built in)", e);
}
