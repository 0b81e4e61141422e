/* SPDX-License-Identifier: Apache-2.0 */
/* An upstream's bytes; the first byte chooses the bounds and whether HEAD was asked. */
#include "http_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rw_h1_limits limits = {0};
	bool head_only;

	if (n < 1)
		return 0;
	head_only = data[0] & 8;
	if (data[0] & 1)
		limits.head_bytes = 64u + data[0];
	if (data[0] & 2)
		limits.body_bytes = 1u + data[0];
	if (data[0] & 4)
		limits.headers = 3;
	check_cuts(RW_H1_RESPONSES, head_only, &limits, (const char *)data + 1, n - 1);
	check_again(RW_H1_RESPONSES, head_only, (const char *)data + 1, n - 1);
	return 0;
}
