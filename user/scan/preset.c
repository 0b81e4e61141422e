/* SPDX-License-Identifier: Apache-2.0 */
/* Presets: where the line for injection is drawn, and whether anything is done about what is found.
 */
#include "scan/scan.h"

void rw_guard_preset(struct rw_guard *g, enum rw_preset p)
{
	static const uint8_t lines[] = {
		[RW_PRESET_BALANCED] = RW_INJECTION_BALANCED,
		[RW_PRESET_STRICT] = RW_INJECTION_STRICT,
		[RW_PRESET_PERMISSIVE] = RW_INJECTION_PERMISSIVE,
		[RW_PRESET_OBSERVE] = RW_INJECTION_BALANCED,
	};

	if (!g->threshold[RW_CAT_INJECTION])
		g->threshold[RW_CAT_INJECTION] = lines[p];
	for (unsigned c = 0; p == RW_PRESET_OBSERVE && c < RW_CAT_COUNT; c++)
		if (g->action[c] > RW_ACT_FLAG)
			g->action[c] = RW_ACT_FLAG;
}
