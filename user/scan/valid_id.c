/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that states and banks outside Europe give out, and things': their check digits, as each
 * issuer publishes them. */
#include "scan/valid_id.h"

/* United States: a taxpayer's number, 9xx with a group that the IRS gives out. */
bool rw_valid_itin(struct rw_candidate *c)
{
	unsigned d[DIGITS_MAX], group;

	if (digits_of(c, d) != 9 || d[0] != 9 || !stands_alone(c))
		return false;
	group = two(d + 3);
	return (group >= 50 && group <= 65) || (group >= 70 && group <= 88) ||
	       (group >= 90 && group <= 92) || (group >= 94 && group <= 99);
}

/* United States: a bank's routing number, weights 3 7 1, in the Federal Reserve's ranges. */
bool rw_valid_aba(struct rw_candidate *c)
{
	static const unsigned char w[] = {3, 7, 1, 3, 7, 1, 3, 7, 1};
	unsigned d[DIGITS_MAX], first;

	if (digits_of(c, d) != 9 || !stands_alone(c) || weigh(d, w, 9) % 10)
		return false;
	first = two(d);
	return first <= 12 || (first >= 21 && first <= 32) || (first >= 61 && first <= 72) ||
	       first == 80;
}

/* United States: a provider of health care, Luhn with 80840 in front. */
bool rw_valid_npi(struct rw_candidate *c)
{
	unsigned d[5 + DIGITS_MAX] = {8, 0, 8, 4, 0};

	return digits_of(c, d + 5) == 10 && (d[5] == 1 || d[5] == 2) && stands_alone(c) &&
	       luhn(d, 15);
}

/* Canada: social insurance number, Luhn; none begins with 0 or 8. */
bool rw_valid_sin(struct rw_candidate *c)
{
	unsigned d[DIGITS_MAX];

	return digits_of(c, d) == 9 && d[0] != 0 && d[0] != 8 && stands_alone(c) && luhn(d, 9);
}

/* Brazil: the last two digits of n are mod 11 of those before, weights going up from 2 to at most
 * top. */
static bool brazil(const unsigned *d, unsigned n, unsigned top)
{
	for (unsigned k = n - 2; k < n; k++) {
		unsigned sum = 0, w = 2, rest;

		for (unsigned i = k; i-- > 0; w = w == top ? 2 : w + 1)
			sum += d[i] * w;
		rest = sum % 11;
		if (d[k] != (rest < 2 ? 0 : 11 - rest))
			return false;
	}
	return true;
}

bool rw_valid_cpf(struct rw_candidate *c)
{
	unsigned d[DIGITS_MAX];

	return digits_of(c, d) == 11 && stands_alone(c) && brazil(d, 11, 12);
}

bool rw_valid_cnpj(struct rw_candidate *c)
{
	unsigned d[DIGITS_MAX];

	return digits_of(c, d) == 14 && stands_alone(c) && brazil(d, 14, 9);
}

/* India: Aadhaar, Verhoeff's scheme; none begins with 0 or 1. */
bool rw_valid_aadhaar(struct rw_candidate *c)
{
	static const unsigned char product[10][10] = {
		{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 2, 3, 4, 0, 6, 7, 8, 9, 5},
		{2, 3, 4, 0, 1, 7, 8, 9, 5, 6}, {3, 4, 0, 1, 2, 8, 9, 5, 6, 7},
		{4, 0, 1, 2, 3, 9, 5, 6, 7, 8}, {5, 9, 8, 7, 6, 0, 4, 3, 2, 1},
		{6, 5, 9, 8, 7, 1, 0, 4, 3, 2}, {7, 6, 5, 9, 8, 2, 1, 0, 4, 3},
		{8, 7, 6, 5, 9, 3, 2, 1, 0, 4}, {9, 8, 7, 6, 5, 4, 3, 2, 1, 0},
	};
	static const unsigned char turn[8][10] = {
		{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4},
		{5, 8, 0, 3, 7, 9, 6, 1, 4, 2}, {8, 9, 1, 6, 0, 4, 3, 5, 2, 7},
		{9, 4, 5, 3, 1, 2, 6, 8, 7, 0}, {4, 2, 8, 6, 5, 7, 3, 9, 0, 1},
		{2, 7, 9, 3, 8, 0, 6, 4, 1, 5}, {7, 0, 4, 6, 9, 1, 3, 2, 5, 8},
	};
	unsigned d[DIGITS_MAX], check = 0;

	if (digits_of(c, d) != 12 || d[0] < 2 || !stands_alone(c))
		return false;
	for (unsigned i = 0; i < 12; i++)
		check = product[check][turn[i % 8][d[11 - i]]];
	return check == 0;
}

/* India: permanent account number; the fourth letter says what the holder is. */
bool rw_valid_pan_india(struct rw_candidate *c)
{
	char m[DIGITS_MAX + 1] = {0};

	return marks_of(c, m) == 10 && stands_alone(c) && strchr("ABCFGHJLPT", m[3]) &&
	       memcmp(m + 5, "0000", 4) != 0;
}

/* Australia: tax file number, mod 11. */
bool rw_valid_tfn(struct rw_candidate *c)
{
	static const unsigned char w[] = {1, 4, 3, 7, 5, 8, 6, 9, 10};
	unsigned d[DIGITS_MAX];

	return digits_of(c, d) == 9 && stands_alone(c) && weigh(d, w, 9) % 11 == 0;
}

/* Australia: business number, mod 89 after one is taken off the first digit. */
bool rw_valid_abn(struct rw_candidate *c)
{
	static const unsigned char w[] = {10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19};
	unsigned d[DIGITS_MAX];

	if (digits_of(c, d) != 11 || !d[0] || !stands_alone(c))
		return false;
	d[0]--;
	return weigh(d, w, 11) % 89 == 0;
}

/* China: resident identity card, ISO 7064 mod 11-2. */
bool rw_valid_china(struct rw_candidate *c)
{
	char m[DIGITS_MAX];
	unsigned check = 0;

	if (marks_of(c, m) != 18 || !stands_alone(c))
		return false;
	for (unsigned i = 0; i < 17; i++) {
		if (!is_digit(m[i]))
			return false;
		check = (check + (unsigned)(m[i] - '0')) * 2 % 11;
	}
	check = (12 - check) % 11;
	return m[17] == (check == 10 ? 'X' : (char)('0' + check));
}

/* South Korea: resident registration number, mod 11. */
bool rw_valid_rrn(struct rw_candidate *c)
{
	static const unsigned char w[] = {2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5};
	unsigned d[DIGITS_MAX];

	return digits_of(c, d) == 13 && stands_alone(c) && is_day(two(d + 2), two(d + 4)) &&
	       (11 - weigh(d, w, 12) % 11) % 10 == d[12];
}

/* Singapore: NRIC and FIN, a letter of a weighted sum. */
bool rw_valid_nric(struct rw_candidate *c)
{
	static const unsigned char w[] = {2, 7, 6, 5, 4, 3, 2};
	char m[DIGITS_MAX];
	unsigned d[7], sum;

	if (marks_of(c, m) != 9 || !stands_alone(c))
		return false;
	for (unsigned i = 0; i < 7; i++) {
		if (!is_digit(m[i + 1]))
			return false;
		d[i] = (unsigned)(m[i + 1] - '0');
	}
	sum = weigh(d, w, 7) + (m[0] == 'T' || m[0] == 'G' ? 4 : m[0] == 'M' ? 3 : 0);
	if (m[0] == 'S' || m[0] == 'T')
		return m[8] == "JZIHGFEDCBA"[sum % 11];
	if (m[0] == 'M')
		return m[8] == "KLJNPQRTUWX"[10 - sum % 11];
	return m[8] == "XWUTRQPNMLK"[sum % 11];
}

/* South Africa: identity number, Luhn, a date in front. */
bool rw_valid_south_africa(struct rw_candidate *c)
{
	unsigned d[DIGITS_MAX];

	return digits_of(c, d) == 13 && stands_alone(c) && is_day(two(d + 2), two(d + 4)) &&
	       d[10] <= 1 && luhn(d, 13);
}

/* Argentina: CUIT and CUIL, mod 11. */
bool rw_valid_cuit(struct rw_candidate *c)
{
	static const unsigned char w[] = {5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1};
	unsigned d[DIGITS_MAX];

	return digits_of(c, d) == 11 && stands_alone(c) && weigh(d, w, 11) % 11 == 0;
}

/* Chile: RUT, mod 11 with K for ten. */
bool rw_valid_rut(struct rw_candidate *c)
{
	char m[DIGITS_MAX];
	unsigned n = marks_of(c, m), sum = 0, w = 2;

	if (n < 8 || n > 9 || !stands_alone(c))
		return false;
	for (unsigned i = n - 1; i-- > 0; w = w == 7 ? 2 : w + 1) {
		if (!is_digit(m[i]))
			return false;
		sum += (unsigned)(m[i] - '0') * w;
	}
	return m[n - 1] == "0K987654321"[sum % 11];
}

/* Mexico: CURP, the last digit of a weighted sum; N with tilde has a place of its own. */
bool rw_valid_curp(struct rw_candidate *c)
{
	char m[DIGITS_MAX];
	unsigned sum = 0;

	if (marks_of(c, m) != 18 || !is_digit(m[17]) || !stands_alone(c))
		return false;
	for (unsigned i = 0; i < 17; i++) {
		unsigned v = is_digit(m[i]) ? (unsigned)(m[i] - '0')
					    : (unsigned)(m[i] - 'A') + 10 + (m[i] > 'N');

		sum += v * (18 - i);
	}
	return (10 - sum % 10) % 10 == (unsigned)(m[17] - '0');
}

/* Vehicles: ISO 3779, the ninth mark as North America has it. */
bool rw_valid_vin(struct rw_candidate *c)
{
	static const unsigned char w[] = {8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2};
	static const char values[] = "12345678 12345 7 923456789";
	char m[DIGITS_MAX];
	unsigned sum = 0, digits = 0;

	if (marks_of(c, m) != 17 || !stands_alone(c))
		return false;
	for (unsigned i = 0; i < 17; i++) {
		char v = is_digit(m[i]) ? m[i] : values[m[i] - 'A'];

		if (v == ' ')
			return false;
		digits += is_digit(m[i]);
		sum += (unsigned)(v - '0') * w[i];
	}
	return digits >= 4 && digits < 17 && m[8] == "0123456789X"[sum % 11];
}

/* Phones: IMEI, Luhn over 15 digits. */
bool rw_valid_imei(struct rw_candidate *c)
{
	unsigned d[DIGITS_MAX];

	return digits_of(c, d) == 15 && stands_alone(c) && luhn(d, 15);
}

/* ISO 9362: a bank's code; the fifth and sixth letter are a country. */
bool rw_valid_bic(struct rw_candidate *c)
{
	static const char countries[] =
		"ADAEAFAGAIALAMAOARATAUAWAZBABBBDBEBFBGBHBIBJBMBNBOBRBSBTBWBYBZCACDCFCGCHCICLCMCNCO"
		"CRCUCVCYCZDEDJDKDMDODZECEEEGERESETFIFJFRGAGBGDGEGGGHGIGLGMGNGQGRGTGYHKHNHRHTHUIDIE"
		"ILIMINIQIRISITJEJMJOJPKEKGKHKMKNKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMGMKMLMMMNMO"
		"MRMTMUMVMWMXMYMZNANCNENGNINLNONPNZOMPAPEPFPGPHPKPLPSPTPYQAROSRSRURWSASBSCSDSESGSIS"
		"K"
		"SLSMSNSRSVSYSZTDTGTHTJTMTNTOTRTTTWTZUAUGUSUYUZVAVCVEVGVNVUWSXKYEZAZMZW";
	char m[DIGITS_MAX];
	unsigned n = marks_of(c, m);

	if ((n != 8 && n != 11) || n != c->value.n || !stands_alone(c))
		return false;
	for (unsigned i = 0; i + 2 < sizeof(countries); i += 2)
		if (countries[i] == m[4] && countries[i + 1] == m[5])
			return true;
	return false;
}

/* IEEE 802: six octets, neither all zero nor all ones. */
bool rw_valid_mac(struct rw_candidate *c)
{
	unsigned zeros = 0, ones = 0, marks = 0;
	struct rw_slice b = c->before;

	/* more octets behind, or in front */
	if (c->after == ':' || (b.n > 2 && b.p[b.n - 1] == ':' && is_mark(b.p[b.n - 2]) &&
				is_mark(b.p[b.n - 3]) && (b.n == 3 || !is_mark(b.p[b.n - 4]))))
		return false;
	for (size_t i = 0; i < c->value.n; i++) {
		char x = upper(c->value.p[i]);

		marks += is_mark(x);
		zeros += x == '0';
		ones += x == 'F';
	}
	return marks == 12 && zeros < 12 && ones < 12 && stands_alone(c);
}
