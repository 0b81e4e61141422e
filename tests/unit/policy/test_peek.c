/* SPDX-License-Identifier: Apache-2.0 */
#include "util.h"

#include "base/slice.h"
#include "policy/peek.h"

/* The console and the health page of an appliance hang on it, whatever else is wrong with the file.
 */
static void admin_address_is_found_in_a_file_with_mistakes(void **state)
{
	static const struct {
		const char *yaml, *address;
	} rows[] = {
		{"admin:\n  address: 127.0.0.1:9443\n", "127.0.0.1:9443"},
		{"x: [\nadmin: # ours\n# more\n\n  address: \"[::1]:9443\" # here", "[::1]:9443"},
		{"admin:\r\n  address: 0.0.0.0:9443\r\n", "0.0.0.0:9443"},
		{"listeners:\n  - address: 1.2.3.4:1\nadmin:\n  address: 5.6.7.8:2\n", "5.6.7.8:2"},
		{"listeners:\n  - address: 1.2.3.4:1\n", ""},
		{"admin:\nlisteners:\n  address: 1.2.3.4:1\n", ""},
		{"admin:\n  address:\n", ""},
		{"admin:\n  address: "
		 "0123456789012345678901234567890123456789012345678901234567890123",
		 ""},
		{"", ""},
	};
	char out[RW_PEEK_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(rw_config_peek_admin(rw_slice_str(rows[i].yaml), out),
				 rows[i].address[0] != '\0');
		assert_string_equal(out, rows[i].address);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(admin_address_is_found_in_a_file_with_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
