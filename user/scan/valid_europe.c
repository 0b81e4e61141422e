/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that European states give out: their check digits, as each issuer publishes them. */
#include "scan/valid_id.h"

/* United Kingdom: NHS number, mod 11. */
bool rw_valid_nhs(struct rw_candidate *c)
{
	static const unsigned char w[] = {10, 9, 8, 7, 6, 5, 4, 3, 2, 1};
	unsigned d[DIGITS_MAX];

	return digits_of(c, d) == 10 && stands_alone(c) && weigh(d, w, 10) % 11 == 0;
}

/* United Kingdom: National Insurance number, prefixes that HMRC gives out. */
bool rw_valid_nino(struct rw_candidate *c)
{
	static const char never[] = "BG GB KN NK NT TN ZZ";
	char m[DIGITS_MAX + 1] = {0};

	if (marks_of(c, m) != 9 || !stands_alone(c) || strchr("DFIQUV", m[0]) ||
	    strchr("DFIOQUV", m[1]) || m[8] > 'D')
		return false;
	for (unsigned i = 0; never[i]; i += 3) {
		if (m[0] == never[i] && m[1] == never[i + 1])
			return false;
		if (!never[i + 2])
			break;
	}
	return true;
}

/* Spain: NIF, or NIE with X, Y, Z for 0, 1, 2: the letter is the number mod 23. */
bool rw_valid_nif(struct rw_candidate *c)
{
	char m[DIGITS_MAX + 1] = {0};
	unsigned number = 0;

	if (marks_of(c, m) != 9 || !stands_alone(c))
		return false;
	if (m[0] >= 'X' && m[0] <= 'Z')
		m[0] = (char)('0' + m[0] - 'X');
	for (unsigned i = 0; i < 8; i++) {
		if (!is_digit(m[i]))
			return false;
		number = number * 10 + (unsigned)(m[i] - '0');
	}
	return number && "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23] == m[8];
}

/* Italy: codice fiscale, the last letter of odd and even places. */
bool rw_valid_codice_fiscale(struct rw_candidate *c)
{
	static const unsigned char odd[] = {1,	0,  5, 7, 9, 13, 15, 17, 19, 21, 2,  4,	 18,
					    20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23};
	char m[DIGITS_MAX + 1] = {0};
	unsigned sum = 0;

	if (marks_of(c, m) != 16 || !is_upper(m[15]) || !stands_alone(c))
		return false;
	for (unsigned i = 0; i < 15; i++) {
		unsigned v = (unsigned)(is_digit(m[i]) ? m[i] - '0' : m[i] - 'A');

		sum += i % 2 ? v : odd[v];
	}
	return (char)('A' + sum % 26) == m[15];
}

/* Germany: tax identification number, mod 11,10; of the first ten digits one stands twice or
 * thrice. */
bool rw_valid_steuer_id(struct rw_candidate *c)
{
	unsigned d[DIGITS_MAX], count[10] = {0}, repeated = 0, most = 0;

	if (digits_of(c, d) != 11 || !d[0] || !stands_alone(c))
		return false;
	for (unsigned i = 0; i < 10; i++)
		count[d[i]]++;
	for (unsigned i = 0; i < 10; i++) {
		repeated += count[i] > 1;
		most = count[i] > most ? count[i] : most;
	}
	return repeated == 1 && most <= 3 && mod_11_10(d, 11);
}

/* Croatia: OIB, mod 11,10. */
bool rw_valid_oib(struct rw_candidate *c)
{
	unsigned d[DIGITS_MAX];

	return digits_of(c, d) == 11 && stands_alone(c) && mod_11_10(d, 11);
}

/* France: NIR, key 97 less the number mod 97; 2A and 2B are Corsica. */
bool rw_valid_nir(struct rw_candidate *c)
{
	char m[DIGITS_MAX];
	unsigned long long number = 0;
	unsigned month;

	if (marks_of(c, m) != 15 || (m[0] != '1' && m[0] != '2') || !stands_alone(c))
		return false;
	for (unsigned i = 0; i < 13; i++) {
		if (i == 6 && m[5] == '2' && (m[6] == 'A' || m[6] == 'B')) {
			number = number / 10 * 10 + 1; /* the 2 before counts as 1 */
			number = number * 10 + (m[6] == 'A' ? 9 : 8);
			continue;
		}
		if (!is_digit(m[i]))
			return false;
		number = number * 10 + (unsigned)(m[i] - '0');
	}
	month = (unsigned)(m[3] - '0') * 10 + (unsigned)(m[4] - '0');
	return is_digit(m[13]) && is_digit(m[14]) && month >= 1 && (month <= 12 || month >= 20) &&
	       97 - number % 97 == (unsigned)(m[13] - '0') * 10 + (unsigned)(m[14] - '0');
}

/* Poland: PESEL, weights 1 3 7 9, a date of birth in front (the month tells the century). */
bool rw_valid_pesel(struct rw_candidate *c)
{
	static const unsigned char w[] = {1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1};
	unsigned d[DIGITS_MAX];

	return digits_of(c, d) == 11 && stands_alone(c) && weigh(d, w, 11) % 10 == 0 &&
	       is_day(two(d + 2) % 20, two(d + 4));
}

/* Netherlands: BSN, the eleven test. */
bool rw_valid_bsn(struct rw_candidate *c)
{
	static const unsigned char w[] = {9, 8, 7, 6, 5, 4, 3, 2};
	unsigned d[DIGITS_MAX];

	return digits_of(c, d) == 9 && stands_alone(c) && weigh(d, w, 8) % 11 == d[8];
}

/* Sweden: personal number, Luhn over the last ten, a date in front (days from 61: a coordination
 * number). */
bool rw_valid_personnummer(struct rw_candidate *c)
{
	unsigned d[DIGITS_MAX], n = digits_of(c, d), *t = d + (n == 12 ? 2 : 0);

	return (n == 10 || n == 12) && stands_alone(c) && luhn(t, 10) &&
	       is_day(two(t + 2), two(t + 4) > 60 ? two(t + 4) - 60 : two(t + 4));
}

/* Belgium: national number, 97 less the number mod 97; those born from 2000 on have a 2 in front.
 */
bool rw_valid_belgium(struct rw_candidate *c)
{
	unsigned d[DIGITS_MAX];
	unsigned long long number = 0;

	if (digits_of(c, d) != 11 || !stands_alone(c) || two(d + 2) > 12)
		return false;
	for (unsigned i = 0; i < 9; i++)
		number = number * 10 + d[i];
	return 97 - number % 97 == two(d + 9) || 97 - (2000000000 + number) % 97 == two(d + 9);
}

/* Norway: birth number, two mod 11 check digits. */
bool rw_valid_norway(struct rw_candidate *c)
{
	static const unsigned char a[] = {3, 7, 6, 1, 8, 9, 4, 5, 2, 1};
	static const unsigned char b[] = {5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1};
	unsigned d[DIGITS_MAX];

	return digits_of(c, d) == 11 && stands_alone(c) && is_day(two(d + 2) % 40, two(d) % 40) &&
	       weigh(d, a, 10) % 11 == 0 && weigh(d, b, 11) % 11 == 0;
}

/* Finland: personal identity code, the number mod 31. */
bool rw_valid_hetu(struct rw_candidate *c)
{
	char m[DIGITS_MAX + 1] = {0};
	unsigned number = 0, n = 0;

	for (size_t i = 0; i < c->value.n; i++) {
		if (i == 6) /* the sign of the century */
			continue;
		if (n == 10)
			return false;
		m[n++] = upper(c->value.p[i]);
	}
	for (unsigned i = 0; i < 9; i++) {
		if (!is_digit(m[i]))
			return false;
		number = number * 10 + (unsigned)(m[i] - '0');
	}
	return n == 10 && stands_alone(c) &&
	       is_day((unsigned)(m[2] - '0') * 10 + (unsigned)(m[3] - '0'),
		      (unsigned)(m[0] - '0') * 10 + (unsigned)(m[1] - '0')) &&
	       "0123456789ABCDEFHJKLMNPRSTUVWXY"[number % 31] == m[9];
}

/* Switzerland: AHV number, 756 in front, check digit as of an EAN. */
bool rw_valid_ahv(struct rw_candidate *c)
{
	static const unsigned char w[] = {1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1};
	unsigned d[DIGITS_MAX];

	return digits_of(c, d) == 13 && stands_alone(c) && weigh(d, w, 13) % 10 == 0;
}

/* Portugal: NIF, mod 11. */
bool rw_valid_nif_portugal(struct rw_candidate *c)
{
	static const unsigned char w[] = {9, 8, 7, 6, 5, 4, 3, 2};
	unsigned d[DIGITS_MAX], rest;

	if (digits_of(c, d) != 9 || !stands_alone(c) || !strchr("1235689", (int)('0' + d[0])))
		return false;
	rest = weigh(d, w, 8) % 11;
	return d[8] == (rest < 2 ? 0 : 11 - rest);
}

/* Turkey: T.C. identity number. */
bool rw_valid_tckn(struct rw_candidate *c)
{
	unsigned d[DIGITS_MAX], odd, even, sum = 0;

	if (digits_of(c, d) != 11 || !d[0] || !stands_alone(c))
		return false;
	odd = d[0] + d[2] + d[4] + d[6] + d[8];
	even = d[1] + d[3] + d[5] + d[7];
	for (unsigned i = 0; i < 10; i++)
		sum += d[i];
	return (odd * 7 + 100 - even) % 10 == d[9] && sum % 10 == d[10];
}

/* Ireland: PPS number, a letter of a weighted sum. */
bool rw_valid_pps(struct rw_candidate *c)
{
	char m[DIGITS_MAX];
	unsigned n = marks_of(c, m), sum = 0;

	if (n < 8 || n > 9 || !is_upper(m[7]) || !stands_alone(c))
		return false;
	for (unsigned i = 0; i < 7; i++) {
		if (!is_digit(m[i]))
			return false;
		sum += (unsigned)(m[i] - '0') * (8 - i);
	}
	if (n == 9 && m[8] != 'W')
		sum += (unsigned)(m[8] - 'A' + 1) * 9;
	return m[7] == "WABCDEFGHIJKLMNOPQRSTUV"[sum % 23];
}

/* Romania: CNP, a weighted sum mod 11, a date behind the first digit. */
bool rw_valid_cnp(struct rw_candidate *c)
{
	static const unsigned char w[] = {2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9};
	unsigned d[DIGITS_MAX], rest;

	if (digits_of(c, d) != 13 || !d[0] || !stands_alone(c) || !is_day(two(d + 3), two(d + 5)))
		return false;
	rest = weigh(d, w, 12) % 11;
	return d[12] == (rest == 10 ? 1 : rest);
}
