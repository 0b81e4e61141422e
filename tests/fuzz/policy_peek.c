/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a configuration with mistakes: the admin address that is found stands in them as it
 * is, without blanks, and every other key of the file may be cut off in front of it.
 */
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "policy/peek.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rw_slice yaml = rw_slice_of((const char *)data, size);
	char out[RW_PEEK_MAX];
	bool found = rw_config_peek_admin(yaml, out);
	const char *at;

	RW_BUG_ON(!memchr(out, '\0', sizeof(out)) || found != (out[0] != '\0'));
	if (!found)
		return 0;
	RW_BUG_ON(strpbrk(out, " \t\r\n#\""));
	at = memmem(data, size, "admin:", 6);
	RW_BUG_ON(!at || !memmem(at, size - (size_t)(at - (const char *)data), out, strlen(out)));
	return 0;
}
