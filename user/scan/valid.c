/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/valid.h"

static const struct rw_validator validators[] = {
	{"email", rw_valid_email},
	{"phone", rw_valid_phone},
	{"phone_local", rw_valid_phone_local},
	{"luhn", rw_valid_luhn},
	{"iban_mod97", rw_valid_iban},
	{"ssn", rw_valid_ssn},
	{"ipv4", rw_valid_ipv4},
	{"ipv6", rw_valid_ipv6},
	{"date", rw_valid_date},
	{"jwt", rw_valid_jwt},
	{"secret", rw_valid_secret},
	{"password", rw_valid_password},
	{"api_key", rw_valid_api_key},
	{"url_password", rw_valid_url_password},
};

const struct rw_validator *rw_validator_find(const char *name)
{
	for (size_t i = 0; i < sizeof(validators) / sizeof(validators[0]); i++)
		if (!strcmp(validators[i].name, name))
			return &validators[i];
	return NULL;
}

const char *rw_validator_names(void)
{
	return ", email, phone, phone_local, luhn, iban_mod97, ssn, ipv4, ipv6, date, jwt, secret, "
	       "password, api_key, url_password";
}
