/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validators: what a pattern cannot say. Pure functions of a candidate and of the
 * bytes beside it, so that a stream and a whole text decide alike.
 */
#ifndef RW_SCAN_VALID_H
#define RW_SCAN_VALID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/*
 * A candidate: value is what would be masked; before is what stands in front of
 * it (the context window at most), after the byte behind it or -1.
 */
struct rw_candidate {
	struct rw_slice value;
	struct rw_slice before;
	int after;
};

struct rw_validator {
	const char *name;
	bool (*ok)(struct rw_candidate *c); /* may shorten the value */
	/* NULL, or whether a value may lie in the run at all: asked before it is looked for. */
	bool (*may)(struct rw_slice run);
	/* A run without so many digits, of which no letter is between two, has no value; 0: any. */
	uint8_t digits;
};

/* By the name that a pack uses; NULL: there is none. */
const struct rw_validator *rw_validator_find(const char *name);

/* Shannon entropy of the bytes in 1/100 bit per byte. */
unsigned rw_entropy_centibits(struct rw_slice s);
/* True for what people write where a secret goes: "changeme", "<token>", "xxxx", "${VAR}". */
bool rw_is_placeholder(struct rw_slice s);

bool rw_valid_email(struct rw_candidate *c);
bool rw_valid_phone(struct rw_candidate *c);
enum { RW_PHONE_LOCAL_DIGITS = 10 };
bool rw_valid_phone_local(struct rw_candidate *c);
bool rw_valid_luhn(struct rw_candidate *c);
bool rw_valid_iban(struct rw_candidate *c);
bool rw_valid_ssn(struct rw_candidate *c);
bool rw_valid_ipv4(struct rw_candidate *c);
bool rw_valid_ipv6(struct rw_candidate *c);
bool rw_may_be_ipv6(struct rw_slice run);
bool rw_valid_date(struct rw_candidate *c);
bool rw_valid_itin(struct rw_candidate *c);
bool rw_valid_aba(struct rw_candidate *c);
bool rw_valid_npi(struct rw_candidate *c);
bool rw_valid_nhs(struct rw_candidate *c);
bool rw_valid_nino(struct rw_candidate *c);
bool rw_valid_sin(struct rw_candidate *c);
bool rw_valid_cpf(struct rw_candidate *c);
bool rw_valid_cnpj(struct rw_candidate *c);
bool rw_valid_aadhaar(struct rw_candidate *c);
bool rw_valid_pan_india(struct rw_candidate *c);
bool rw_valid_nif(struct rw_candidate *c);
bool rw_valid_codice_fiscale(struct rw_candidate *c);
bool rw_valid_steuer_id(struct rw_candidate *c);
bool rw_valid_oib(struct rw_candidate *c);
bool rw_valid_nir(struct rw_candidate *c);
bool rw_valid_pesel(struct rw_candidate *c);
bool rw_valid_tfn(struct rw_candidate *c);
bool rw_valid_abn(struct rw_candidate *c);
bool rw_valid_bsn(struct rw_candidate *c);
bool rw_valid_personnummer(struct rw_candidate *c);
bool rw_valid_belgium(struct rw_candidate *c);
bool rw_valid_norway(struct rw_candidate *c);
bool rw_valid_hetu(struct rw_candidate *c);
bool rw_valid_ahv(struct rw_candidate *c);
bool rw_valid_nif_portugal(struct rw_candidate *c);
bool rw_valid_tckn(struct rw_candidate *c);
bool rw_valid_china(struct rw_candidate *c);
bool rw_valid_rrn(struct rw_candidate *c);
bool rw_valid_nric(struct rw_candidate *c);
bool rw_valid_south_africa(struct rw_candidate *c);
bool rw_valid_cuit(struct rw_candidate *c);
bool rw_valid_rut(struct rw_candidate *c);
bool rw_valid_curp(struct rw_candidate *c);
bool rw_valid_pps(struct rw_candidate *c);
bool rw_valid_cnp(struct rw_candidate *c);
bool rw_valid_vin(struct rw_candidate *c);
bool rw_valid_imei(struct rw_candidate *c);
bool rw_valid_bic(struct rw_candidate *c);
bool rw_valid_mac(struct rw_candidate *c);
bool rw_valid_base58check(struct rw_candidate *c);
bool rw_valid_bech32(struct rw_candidate *c);
bool rw_valid_ethereum(struct rw_candidate *c);
bool rw_valid_jwt(struct rw_candidate *c);
bool rw_valid_secret(struct rw_candidate *c);
bool rw_valid_basic_auth(struct rw_candidate *c);
bool rw_valid_password(struct rw_candidate *c);
bool rw_valid_url_password(struct rw_candidate *c);
bool rw_valid_api_key(struct rw_candidate *c);

#endif
