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
	{"itin", rw_valid_itin},
	{"aba", rw_valid_aba},
	{"npi", rw_valid_npi},
	{"nhs", rw_valid_nhs},
	{"nino", rw_valid_nino},
	{"sin", rw_valid_sin},
	{"cpf", rw_valid_cpf},
	{"cnpj", rw_valid_cnpj},
	{"aadhaar", rw_valid_aadhaar},
	{"pan_india", rw_valid_pan_india},
	{"nif", rw_valid_nif},
	{"codice_fiscale", rw_valid_codice_fiscale},
	{"steuer_id", rw_valid_steuer_id},
	{"oib", rw_valid_oib},
	{"nir", rw_valid_nir},
	{"pesel", rw_valid_pesel},
	{"tfn", rw_valid_tfn},
	{"abn", rw_valid_abn},
	{"bsn", rw_valid_bsn},
	{"personnummer", rw_valid_personnummer},
	{"belgium", rw_valid_belgium},
	{"norway", rw_valid_norway},
	{"hetu", rw_valid_hetu},
	{"ahv", rw_valid_ahv},
	{"nif_portugal", rw_valid_nif_portugal},
	{"tckn", rw_valid_tckn},
	{"china", rw_valid_china},
	{"rrn", rw_valid_rrn},
	{"nric", rw_valid_nric},
	{"south_africa", rw_valid_south_africa},
	{"cuit", rw_valid_cuit},
	{"rut", rw_valid_rut},
	{"curp", rw_valid_curp},
	{"pps", rw_valid_pps},
	{"cnp", rw_valid_cnp},
	{"vin", rw_valid_vin},
	{"imei", rw_valid_imei},
	{"bic", rw_valid_bic},
	{"mac", rw_valid_mac},
	{"base58check", rw_valid_base58check},
	{"bech32", rw_valid_bech32},
	{"ethereum", rw_valid_ethereum},
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
