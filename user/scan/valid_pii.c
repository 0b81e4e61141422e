/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/valid.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The digits of s up to an extension ("x123"), at most max of them; how many there are in all. */
static unsigned digits_of(struct rw_slice s, char *out, unsigned max)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.n && s.p[i] != 'x'; i++) {
		if (!is_digit(s.p[i]))
			continue;
		if (n < max)
			out[n] = s.p[i];
		n++;
	}
	return n;
}

static bool all_same(const char *digits, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		if (digits[i] != digits[0])
			return false;
	return true;
}

/* The byte right before the value, or 0 at the front of a text. */
static char byte_before(const struct rw_candidate *c)
{
	return c->before.n ? c->before.p[c->before.n - 1] : 0;
}

/* Not the user of "https://user:password@host", nor a name of a package at a version. */
bool rw_valid_email(struct rw_candidate *c)
{
	const char *at = memchr(c->value.p, '@', c->value.n);
	struct rw_slice b = c->before;

	if (!at || at == c->value.p || at[-1] == '.' || c->value.p[0] == '.' || c->value.n > 254 ||
	    at - c->value.p > 64 || memmem(at, c->value.n - (size_t)(at - c->value.p), "..", 2))
		return false;
	for (size_t i = b.n; i-- > 0 && (unsigned char)b.p[i] > ' ';) {
		if (b.p[i] != '/')
			continue;
		/* behind "://" it is a user, behind any other slash a path */
		if (i >= 2 && b.p[i - 1] == '/' && b.p[i - 2] == ':')
			return false;
		break;
	}
	return true;
}

/* 2 at most of what a phone number is not: a date, a price, a version, a piece of a longer number.
 */
static bool stands_alone(const struct rw_candidate *c)
{
	char b = byte_before(c);

	if (is_alnum(b) || b == '.' || b == '-' || b == '/' || b == '_' || b == '$' || b == '%')
		return false;
	return !is_alnum(c->after) && c->after != '-' && c->after != '_' && c->after != '%';
}

/* International numbers (ITU-T E.164): 8 to 15 digits behind the plus. */
bool rw_valid_phone(struct rw_candidate *c)
{
	char d[16];
	unsigned n = digits_of(c->value, d, sizeof(d));

	struct rw_candidate alone = *c;

	/* "+41 69 979 80 58-Fax"; digits behind the dash would have been taken */
	if (c->value.p[0] == '+' && c->after == '-')
		alone.after = ' ';
	return stands_alone(&alone) && n >= 7 && n <= 15 && !all_same(d, n);
}

/* A North American number: area and exchange start with 2 to 9. */
static bool is_nanp(const char *d, unsigned n)
{
	if (n == 11 && d[0] == '1') {
		d++;
		n--;
	}
	return n == 10 && d[0] >= '2' && d[3] >= '2' && !(d[1] == '1' && d[2] == '1');
}

/* A national number with its usual separators and no word that says it is a phone number. */
bool rw_valid_phone_local(struct rw_candidate *c)
{
	char d[16];
	unsigned n = digits_of(c->value, d, sizeof(d));

	if (!stands_alone(c) || n < RW_PHONE_LOCAL_DIGITS || n > 11 || all_same(d, n))
		return false;
	return is_nanp(d, n) || d[0] == '0';
}

static bool luhn(const char *d, unsigned n)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned v = (unsigned)(d[n - 1 - i] - '0');

		if (i % 2)
			v = v * 2 > 9 ? v * 2 - 9 : v * 2;
		sum += v;
	}
	return sum % 10 == 0;
}

/* "DE61 " in front: what follows are groups of an IBAN, or of what was meant as one. */
static bool in_iban(const struct rw_candidate *c)
{
	const char *p = c->before.p + c->before.n;

	return c->before.n >= 5 && p[-1] == ' ' && is_digit(p[-2]) && is_digit(p[-3]) &&
	       p[-4] >= 'A' && p[-4] <= 'Z' && p[-5] >= 'A' && p[-5] <= 'Z';
}

/* ISO/IEC 7812: the check digit, and a first digit and length that an issuer uses. */
bool rw_valid_luhn(struct rw_candidate *c)
{
	static const struct {
		unsigned short from, last; /* of the first four digits */
		unsigned short lengths;	   /* bit n - 12: n digits */
	} issuers[] = {
		{3400, 3499, 1u << 3},
		{3700, 3799, 1u << 3},
		{3000, 3059, 1u << 2 | 1u << 4},
		{3095, 3095, 1u << 2 | 1u << 4},
		{3600, 3699, 1u << 2 | 1u << 4},
		{3800, 3999, 1u << 2 | 1u << 4},
		{3500, 3599, 1u << 4 | 1u << 7},
		{4000, 4999, 1u << 1 | 1u << 4 | 1u << 7},
		{5100, 5599, 1u << 4},
		{2221, 2720, 1u << 4},
		{6000, 6999, 0xf0},
		{5000, 5099, 0xff},
		{5600, 5899, 0xff},
		{2131, 2131, 1u << 3},
		{6304, 6304, 0xff},
		{6759, 6763, 0xff},
		{1800, 1800, 1u << 3},
		{2014, 2149, 1u << 3},
	};
	char d[20], b = byte_before(c);
	unsigned n = digits_of(c->value, d, sizeof(d)), prefix;

	if (n < 12 || n > 19 || all_same(d, n) || !luhn(d, n))
		return false;
	if (is_alnum(b) || is_alnum(c->after) || b == '.' || b == '-' || in_iban(c))
		return false;
	prefix = (unsigned)(d[0] - '0') * 1000 + (unsigned)(d[1] - '0') * 100 +
		 (unsigned)(d[2] - '0') * 10 + (unsigned)(d[3] - '0');
	for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++)
		if (prefix >= issuers[i].from && prefix <= issuers[i].last &&
		    issuers[i].lengths & 1u << (n - 12))
			return true;
	return false;
}

/* Characters of an IBAN by country (the registry of ISO 13616); 0: no such country. */
static unsigned iban_length(const char *country)
{
	static const char lengths[] =
		"AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29"
		"ES24FI18FO18FR27GB22GE22GI23GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20"
		"LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MR27MT31MU30NL18NO15PK24PL28PS29PT25"
		"QA29RO24RS22SA24SC31SE24SI19SK24SM27ST25SV28TL23TN24TR26UA29VA22VG24XK20";

	for (size_t i = 0; i + 4 < sizeof(lengths); i += 4)
		if (!memcmp(lengths + i, country, 2))
			return (unsigned)(lengths[i + 2] - '0') * 10 +
			       (unsigned)(lengths[i + 3] - '0');
	return 0;
}

/*
 * ISO 13616: as long as its country says, remainder 1 modulo 97; in capitals, or all in small
 * letters. Groups behind it are cut off.
 */
bool rw_valid_iban(struct rw_candidate *c)
{
	bool small = c->value.p[0] >= 'a';
	const char country[2] = {(char)(c->value.p[0] - (small ? 32 : 0)),
				 (char)(c->value.p[1] - (small ? 32 : 0))};
	unsigned length = iban_length(country), n = 0, rest = 0;
	char s[34];
	size_t i = 0;

	for (; i < c->value.n && n < length; i++) {
		char x = c->value.p[i];

		if (x == ' ' || x == '-')
			continue;
		if (!is_digit(x) && small != (x >= 'a'))
			return false;
		s[n++] = small && !is_digit(x) ? (char)(x - 32) : x;
	}
	if (!length || n < length || (i < c->value.n && c->value.p[i] != ' '))
		return false;
	for (unsigned k = 0; k < n; k++) {
		char x = s[(k + 4) % n];

		rest = is_digit(x) ? (rest * 10 + (unsigned)(x - '0')) % 97
				   : (rest * 100 + (unsigned)(x - 'A') + 10) % 97;
	}
	c->value.n = i;
	return rest == 1;
}

/* Numbers that were issued: no area 000, 666 or from 900, no group 00, no serial 0000. */
bool rw_valid_ssn(struct rw_candidate *c)
{
	char d[10], b = byte_before(c);
	unsigned n = digits_of(c->value, d, sizeof(d));

	if (n != 9 || all_same(d, n) || is_alnum(b) || is_alnum(c->after) || b == '-' || b == '.' ||
	    b == '/' || c->after == '-')
		return false;
	if (!memcmp(d, "000", 3) || !memcmp(d, "666", 3) || d[0] == '9')
		return false;
	return memcmp(d + 3, "00", 2) != 0 && memcmp(d + 5, "0000", 4) != 0 &&
	       memcmp(d, "123456789", 9) != 0 && memcmp(d, "078051120", 9) != 0;
}

/* Whether one of the last words before the value is word. */
static bool after_word(const struct rw_candidate *c, const char *word)
{
	size_t n = strlen(word), from = c->before.n > 24 ? c->before.n - 24 : 0;

	for (size_t i = from; i + n <= c->before.n; i++)
		if (!strncasecmp(c->before.p + i, word, n))
			return true;
	return false;
}

/* Four numbers up to 255, that are no version and no piece of something longer. */
bool rw_valid_ipv4(struct rw_candidate *c)
{
	char b = byte_before(c);
	unsigned v = 0, parts = 0;

	if (is_alnum(b) || b == '.' || b == '-' || b == '_' || is_alnum(c->after) ||
	    c->after == '-' || c->after == '_')
		return false;
	for (size_t i = 0; i <= c->value.n; i++) {
		if (i < c->value.n && is_digit(c->value.p[i])) {
			v = v * 10 + (unsigned)(c->value.p[i] - '0');
			continue;
		}
		if (v > 255)
			return false;
		if (i < c->value.n && c->value.p[i] != '.')
			break;
		parts++;
		v = 0;
	}
	return parts == 4 && !after_word(c, "version") && !after_word(c, "release");
}

/* What the time of day has not: eight groups, or "::". */
bool rw_may_be_ipv6(struct rw_slice run)
{
	unsigned colons = 0;

	for (size_t i = 0; i < run.n; i++) {
		if (run.p[i] != ':')
			continue;
		if (++colons == 7 || (i && run.p[i - 1] == ':'))
			return true;
	}
	return false;
}

/* RFC 4291 2.2: eight groups, or fewer with one "::". Needs at least two groups written. */
bool rw_valid_ipv6(struct rw_candidate *c)
{
	unsigned groups = 0, digits = 0, gaps = 0;
	bool decimal = false;
	char b = byte_before(c);

	if (is_alnum(b) || b == ':' || b == '.' || b == '-' || is_alnum(c->after) ||
	    c->after == ':')
		return false;
	for (size_t i = 0; i < c->value.n; i++) {
		if (c->value.p[i] != ':') {
			decimal |= is_digit(c->value.p[i]);
			groups += !digits++;
			if (digits > 4)
				return false;
			continue;
		}
		digits = 0;
		if (i + 1 < c->value.n && c->value.p[i + 1] == ':') {
			gaps++;
			i++;
			if (i + 1 < c->value.n && c->value.p[i + 1] == ':')
				return false;
		} else if (i == 0 || i + 1 == c->value.n) {
			return false;
		}
	}
	if (!decimal) /* a::b is a name of C++ as well */
		return false;
	return gaps ? gaps == 1 && groups >= 2 && groups <= 7 : groups == 8;
}

/* A date of birth: the year is one that somebody alive may be born in, or has two digits. */
bool rw_valid_date(struct rw_candidate *c)
{
	unsigned digits = 0, n = 0;

	for (size_t i = 0; i <= c->value.n; i++) {
		const char *p = c->value.p + i;

		if (i < c->value.n && is_digit(*p)) {
			digits++;
			continue;
		}
		if (digits == 4)
			return !memcmp(p - 4, "19", 2) || !memcmp(p - 4, "20", 2);
		n += digits == 2;
		digits = 0;
	}
	return n > 0;
}
