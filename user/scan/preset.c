/* SPDX-License-Identifier: Apache-2.0 */
/* Presets: where the lines for injection are drawn, and whether anything is done about what is
 * found. */
#include <string.h>

#include "scan/scan.h"

static const struct {
	const char *name;
	uint8_t line, alone[2]; /* in prompts; in data */
} presets[] = {
	[RW_PRESET_BALANCED] = {"balanced",
				RW_INJECTION_BALANCED,
				{RW_ALONE_BALANCED, RW_ALONE_BALANCED_DATA}},
	[RW_PRESET_STRICT] = {"strict",
			      RW_INJECTION_STRICT,
			      {RW_ALONE_STRICT, RW_ALONE_STRICT_DATA}},
	[RW_PRESET_PERMISSIVE] = {"permissive",
				  RW_INJECTION_PERMISSIVE,
				  {RW_ALONE_NEVER, RW_ALONE_NEVER}},
	[RW_PRESET_OBSERVE] = {"observe",
			       RW_INJECTION_BALANCED,
			       {RW_ALONE_BALANCED, RW_ALONE_BALANCED_DATA}},
};

bool rw_preset_parse(const char *name, enum rw_preset *out)
{
	for (unsigned p = 0; p < sizeof(presets) / sizeof(presets[0]); p++) {
		if (strcmp(name, presets[p].name) != 0)
			continue;
		*out = (enum rw_preset)p;
		return true;
	}
	return false;
}

void rw_guard_preset(struct rw_guard *g, enum rw_preset p, bool data)
{
	if (!g->threshold[RW_CAT_INJECTION])
		g->threshold[RW_CAT_INJECTION] = presets[p].line;
	if (!g->alone)
		g->alone = presets[p].alone[data];
	for (unsigned c = 0; p == RW_PRESET_OBSERVE && c < RW_CAT_COUNT; c++)
		if (g->action[c] > RW_ACT_FLAG)
			g->action[c] = RW_ACT_FLAG;
}
