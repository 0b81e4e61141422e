/* SPDX-License-Identifier: Apache-2.0 */
/* Validators: one table of values that are and values that only look it. */
#include "scan_test.h"
#include "scan/shape.h"
#include "scan/valid.h"

static const struct {
	const char *validator, *before, *value;
	int after;
	bool ok;
} table[] = {
	{"luhn", "", "4242424242424242", -1, true},
	{"luhn", "", "4242 4242 4242 4242", '.', true},
	{"luhn", "", "378282246310005", -1, true},
	{"luhn", "", "3530111333300000", -1, true},
	{"luhn", "", "4242424242424243", -1, false}, /* check digit */
	{"luhn", "", "0000000000000000", -1, false}, /* passes Luhn */
	{"luhn", "", "9999999999999995", -1, false}, /* passes Luhn, no issuer */
	{"luhn", "v1.", "4242424242424242", -1, false},
	{"luhn", "", "42424242424", -1, false},
	{"iban_mod97", "", "DE89370400440532013000", -1, true},
	{"iban_mod97", "", "GB82 WEST 1234 5698 7654 32", -1, true},
	{"iban_mod97", "", "NO9386011117947", -1, true},
	{"iban_mod97", "", "DE89370400440532013001", -1, false},
	{"iban_mod97", "", "DE8937040044053201300", -1, false},
	{"iban_mod97", "", "ZZ89370400440532013000", -1, false},
	{"ssn", "", "536-22-8726", -1, true},
	{"ssn", "", "536228726", -1, true},
	{"ssn", "", "000-22-8726", -1, false},
	{"ssn", "", "666-22-8726", -1, false},
	{"ssn", "", "912-22-8726", -1, false},
	{"ssn", "", "536-00-8726", -1, false},
	{"ssn", "", "536-22-0000", -1, false},
	{"ssn", "", "078-05-1120", -1, false}, /* printed on a wallet's sample card */
	{"ssn", "X-", "536-22-8726", -1, false},
	{"ipv4", "", "203.0.113.9", -1, true},
	{"ipv4", "", "255.255.255.255", '.', true},
	{"ipv4", "", "203.0.113.256", -1, false},
	{"ipv4", "version ", "1.2.3.4", -1, false},
	{"ipv4", "v", "1.2.3.4", -1, false},
	{"ipv6", "", "2001:db8::1", -1, true},
	{"ipv6", "", "fe80:0:0:0:1:2:3:4", -1, true},
	{"ipv6", "", "2001:db8::1::2", -1, false},
	{"ipv6", "", "1:2:3:4:5:6:7", -1, false},
	{"ipv6", "", "2001:db8:::1", -1, false},
	{"ipv6", "", "12345::1", -1, false},
	{"ipv6", "", "abc::def", -1, false}, /* C++ */
	{"email", "", "a.b@example.com", -1, true},
	{"email", "https://example.com/", "a.b@example.com", -1, true},
	{"email", "https://", "a.b@example.com", -1, false},
	{"email", "", "a.@example.com", -1, false},
	{"email", "", "a@example..com", -1, false},
	{"phone", "", "+44 7700 900995", -1, true},
	{"phone", "n", "+447700900995", -1, false},
	{"phone", "", "+12 34", -1, false},
	{"phone", "", "+4477009009951234567", -1, false},
	{"phone_local", "", "(415) 555-0146", -1, true},
	{"phone_local", "", "415-555-0146x22", -1, true},
	{"phone_local", "", "020 7946 0928", -1, true},
	{"phone_local", "", "415-155-0146", -1, false},
	{"phone_local", "a-", "415-555-0146", -1, false},
	{"date", "", "May 25, 1992", -1, true},
	{"date", "", "1953-11-14", -1, true},
	{"date", "", "25/05/2192", -1, false},
	{"date", "", "8/25/66", -1, true},
	{"iban_mod97", "", "de89370400440532013000", -1, true},
	{"iban_mod97", "", "De89370400440532013000", -1, false},
	{"luhn", "DE61 ", "4242 4242 4242 4242", ' ', false}, /* groups of an IBAN */
	{"phone", "", "+41 69 979 80 58", '-', true},
	{"aba", "", "021000021", -1, true},
	{"aba", "", "021000022", -1, false},
	{"aba", "", "991000021", -1, false}, /* no such district */
	{"nino", "", "AB123456C", -1, true},
	{"nino", "", "GB123456C", -1, false},
	{"nif", "", "X1234567L", -1, true},
	{"nif", "", "X1234567M", -1, false},
	{"nir", "", "2 69 05 2A 588 157 80", -1, false},
	{"hetu", "", "131052-308T", -1, true},
	{"hetu", "", "139952-308T", -1, false},
	{"vin", "", "11111111111111111", -1, false},
	{"mac", "f:", "5e:ed:0c:1a:7f:93", -1, true},
	{"mac", "93:", "5e:ed:0c:1a:7f:93", -1, false},
	{"bech32", "", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", -1, true},
	{"bech32", "", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", -1, false},
	{"base58check", "", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", -1, true},
	{"base58check", "", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", -1, false},
	{"ethereum", "", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", -1, true},
	{"ethereum", "", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", -1, false},
	{"jwt", "", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.x", -1, true},
	{"jwt", "", "eyJBB.eyJCC.eyJDDDD", -1, false},
	{"secret", "", "Ic2Ak5orf6s3bJhBnYtemPGz", -1, true},
	{"secret", "", "xxxxxxxxxxxxxxxxxxxxxxxx", -1, false},
	{"secret", "", "YOUR_API_KEY_GOES_HERE12", -1, false},
	{"secret", "", "AKIAIOSFODNN7EXAMPLE", -1, false},
	{"secret", "", "0123456789abcdef01234567", -1, false},
	{"secret", "", "12345678IUJRRPM6785410137UFWXKHP52817625", -1, true}, /* not half of it */
	{"secret", "", "q7Zr4Xk9klmnopqrstuvwxW2m5Tb8Nc3Hj6", -1, false},
	{"secret", "", "q7Zr4Xk9xxxxW2m5Tb8Nc3Hj6Gd1Pv", -1, true}, /* by chance, or in part */
	{"secret", "", "q7Zrxxxxxxxxxxxx", -1, false},
	{"basic_auth", "", "dXNlcjpwYTU1dzByZA==", -1, true},
	{"basic_auth", "", "dXNlcjo=", -1, false},	       /* no password */
	{"basic_auth", "", "dXNlcjpjaGFuZ2VtZQ==", -1, false}, /* user:changeme */
	{"basic_auth", "", "c2hvcnQgdGV4dCBvbmx5", -1, false},
	{"api_key", "", "5eed0c1a-7f93-4b2d-8645-eed0c1a7f93b", -1, false}, /* a UUID */
	{"password", "", "Zloi%3330PqWD", -1, true},
	{"password", "", "${DB_PASSWORD_1}", -1, false},
	{"password", "", "var.db_password1", -1, false},
	{"password", "", "changeme123", -1, false},
	{"password", "", "expired", -1, false},
	{"url_password", "", "RPsiCQEVMDXq", -1, true},
	{"url_password", "", "password", -1, false},
	{"url_password", "", "$DB_PASS", -1, false},
	{"api_key", "", "8797327c941a727e14c3dbb445b162dc", -1, true},
	{"api_key", "", "projects/my-project/secrets/name1", -1, false},
	{"api_key", "", "aVeryLongVariableNameIndeed", -1, false},
};

static void values_and_look_alikes_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct rw_validator *v = rw_validator_find(table[i].validator);
		struct rw_candidate c = {rw_slice_str(table[i].value),
					 rw_slice_str(table[i].before), table[i].after};

		assert_non_null(v);
		if (v->ok(&c) != table[i].ok)
			fail_msg("%s takes '%s' for the wrong thing", v->name, table[i].value);
	}
}

/* "... 32 THE BANK": the words behind an IBAN were masked with it, or made it none. */
static void iban_ends_where_its_country_says(void **state)
{
	struct rw_candidate c = {RW_SLICE("BE71 0961 2345 6769 THE BANK"), {"", 0}, -1};

	(void)state;
	assert_true(rw_valid_iban(&c));
	assert_int_equal(c.value.n, 19);
}

static void entropy_is_in_hundredths_of_a_bit(void **state)
{
	(void)state;
	assert_int_equal(rw_entropy_centibits(RW_SLICE("aaaaaaaa")), 0);
	assert_int_equal(rw_entropy_centibits(RW_SLICE("abababab")), 100);
	assert_int_equal(rw_entropy_centibits(RW_SLICE("abcdefgh")), 300);
	assert_int_equal(rw_entropy_centibits(RW_SLICE("")), 0);
}

static unsigned number_of(const char *run)
{
	struct rw_shape_seen seen;

	rw_shape_see(rw_slice_str(run), strlen(run), &seen);
	return seen.counts[RW_COUNT_NUMBER];
}

/* A date is told from a number before any pattern is tried. */
static void a_run_without_ten_digits_is_no_phone(void **state)
{
	unsigned least = rw_validator_find("phone_local")->digits;

	(void)state;
	assert_true(number_of("(415) 555-0187x12") >= least);
	assert_true(number_of("id:0489 25 37 29") >= least);
	assert_true(number_of("2026-01-02T03:15:30Z") < least);
	assert_true(number_of("415-555-018") < least);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_and_look_alikes_are_told_apart),
		cmocka_unit_test(iban_ends_where_its_country_says),
		cmocka_unit_test(a_run_without_ten_digits_is_no_phone),
		cmocka_unit_test(entropy_is_in_hundredths_of_a_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
