/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/gateway.h"

const char *rw_enforced_name(enum rw_enforced k)
{
	static const char *const names[] = {
		[RW_ENFORCED_OFF] = "off",	   [RW_ENFORCED_MISSING] = "missing",
		[RW_ENFORCED_GENERIC] = "generic", [RW_ENFORCED_TCX] = "tcx",
		[RW_ENFORCED_NATIVE] = "native",
	};

	return names[k];
}
