/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "scan/valid.h"

enum { PLACEHOLDER_REACH = 128 }; /* bytes of a value that stand-ins are looked for in */

unsigned rw_entropy_centibits(struct rw_slice s)
{
	unsigned count[256] = {0};
	double bits = 0;

	for (size_t i = 0; i < s.n; i++)
		count[(unsigned char)s.p[i]]++;
	for (unsigned i = 0; i < 256; i++) {
		double p = (double)count[i] / (double)s.n;

		if (count[i])
			bits -= p * log2(p);
	}
	return (unsigned)(bits * 100);
}

/* One byte six times in a row, or most of the value the same byte. */
static bool is_filler(struct rw_slice s)
{
	size_t run = 1;

	for (size_t i = 1; i < s.n; i++) {
		run = s.p[i] == s.p[i - 1] ? run + 1 : 1;
		if (run >= 6)
			return true;
	}
	return false;
}

/* Ten marks, or half of it, are steps of one through the alphabet or the digits: "abcdefgh",
 * "12345678". */
static bool is_sequence(struct rw_slice s)
{
	size_t run = 1, stepped = 0;

	for (size_t i = 1; i <= s.n; i++) {
		if (i < s.n && s.p[i] == s.p[i - 1] + 1) {
			run++;
			continue;
		}
		if (run >= 10)
			return true;
		stepped += run >= 5 ? run : 0;
		run = 1;
	}
	return stepped >= 8 && stepped * 2 >= s.n;
}

/* A quarter of it and more is one mark: "xxxx", "****", "....", as people black things out. */
static bool is_blacked_out(const char *lower, size_t n)
{
	size_t marks = 0;

	for (size_t i = 3; i < n; i++)
		if (strchr("x*.", lower[i]) && lower[i - 1] == lower[i] &&
		    lower[i - 2] == lower[i] && lower[i - 3] == lower[i])
			marks += marks ? 1 : 4;
	return marks && marks * 4 >= n;
}

bool rw_is_placeholder(struct rw_slice s)
{
	static const char *const words[] = {
		"example", "changeme", "change_me", "placeholder", "your_",
		"your-",   "yourkey",  "yourtoken", "redacted",	   "dummy",
		"insert",  "replace",  "notreal",   "sample",	   "<",
		"${",	   "{{",       "todo",	    "secret_here",
	};

	char lower[PLACEHOLDER_REACH];
	size_t n = s.n < sizeof(lower) ? s.n : sizeof(lower);

	for (size_t i = 0; i < n; i++)
		lower[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
	for (size_t i = 0; n && i < sizeof(words) / sizeof(words[0]); i++)
		if (memmem(lower, n, words[i], strlen(words[i])))
			return true;
	return is_filler(s) || is_sequence(s) || is_blacked_out(lower, n);
}

/* The value of a base64url digit, or -1. */
static int base64url(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* RFC 7519: the first part decodes to the front of a JSON object with a name of letters. */
bool rw_valid_jwt(struct rw_candidate *c)
{
	unsigned bits = 0, have = 0, n = 0;
	char head[12];

	for (size_t i = 0; i < c->value.n && n < sizeof(head); i++) {
		int v = base64url(c->value.p[i]);

		if (v < 0)
			break;
		bits = bits << 6 | (unsigned)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			head[n++] = (char)(bits >> have & 0xff);
		}
	}
	if (n < 6 || memcmp(head, "{\"", 2) != 0)
		return false;
	for (unsigned i = 2; i < 5; i++)
		if (!((head[i] >= 'a' && head[i] <= 'z') || (head[i] >= 'A' && head[i] <= 'Z') ||
		      head[i] == '"' || head[i] == '5' || head[i] == 't'))
			return false;
	return !is_filler(c->value);
}

/* The value of a base64 digit, of either alphabet, or -1. */
static int base64(char c)
{
	return c == '+' ? 62 : c == '/' ? 63 : base64url(c);
}

/* RFC 7617: base64 of a user, a colon and a password that is no stand-in. */
bool rw_valid_basic_auth(struct rw_candidate *c)
{
	char plain[96];
	const char *colon;
	unsigned bits = 0, have = 0;
	size_t n = 0;

	for (size_t i = 0; i < c->value.n && c->value.p[i] != '=' && n < sizeof(plain); i++) {
		int v = base64(c->value.p[i]);

		if (v < 0)
			return false;
		bits = bits << 6 | (unsigned)v;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		plain[n] = (char)(bits >> have & 0xff);
		if (plain[n] < ' ' || plain[n] == 0x7f) /* beyond ASCII, too: char has a sign */
			return false;
		n++;
	}
	colon = memchr(plain, ':', n);
	return colon && colon + 4 < plain + n &&
	       !rw_is_placeholder(rw_slice_of(colon + 1, (size_t)(plain + n - colon - 1)));
}

/* A token of a provider: random enough, and no stand-in. */
bool rw_valid_secret(struct rw_candidate *c)
{
	return !rw_is_placeholder(c->value) && rw_entropy_centibits(c->value) >= 250;
}

static bool in_class(char c, char first, char last)
{
	return c >= first && c <= last;
}

/* "var.db_password1", "config.get(": names joined by dots, as programs write them. */
static bool is_code(struct rw_slice s)
{
	bool dot = false, start = true;

	for (size_t i = 0; i < s.n; i++) {
		char x = s.p[i];
		bool letter = in_class(x, 'a', 'z') || in_class(x, 'A', 'Z') || x == '_';

		if (x == '(' || x == '[')
			return i > 0 && !start;
		if (start ? !letter : !letter && !in_class(x, '0', '9') && x != '.')
			return false;
		start = x == '.';
		dot |= start;
	}
	return dot;
}

/* What stands where a password does and looks like one: mixed, and no name of a variable. */
bool rw_valid_password(struct rw_candidate *c)
{
	bool digit = false, letter = false;

	for (size_t i = 0; i < c->value.n; i++) {
		char x = c->value.p[i];

		digit |= in_class(x, '0', '9');
		letter |= in_class(x, 'a', 'z') || in_class(x, 'A', 'Z');
	}
	return digit && letter && c->value.p[0] != '$' && c->value.p[0] != '%' &&
	       !is_code(c->value) && !rw_is_placeholder(c->value) &&
	       rw_entropy_centibits(c->value) >= 250;
}

/* The password in a URL: the place says what it is, so all but stand-ins count. */
bool rw_valid_url_password(struct rw_candidate *c)
{
	static const char *const common[] = {"password", "passwd", "pass",	"pwd",	"secret",
					     "postgres", "root",   "admin",	"test", "user",
					     "guest",	 "mysql",  "mypassword"};

	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (rw_slice_caseis(c->value, common[i]))
			return false;
	return c->value.p[0] != '$' && !rw_is_placeholder(c->value);
}

/*
 * What stands behind a name like api_key: digits and letters mixed as chance mixes them, not the
 * words of a path or a variable. Dots mark code, dashes and underscores names, unless digits
 * abound.
 */
bool rw_valid_api_key(struct rw_candidate *c)
{
	unsigned digits = 0, upper = 0, lower = 0, marks = 0;

	for (size_t i = 0; i < c->value.n; i++) {
		char x = c->value.p[i];

		digits += in_class(x, '0', '9');
		upper += in_class(x, 'A', 'Z');
		lower += in_class(x, 'a', 'z');
		marks += x == '.' || x == '/' || x == '_' || x == '-';
	}
	/* a UUID is a name, mostly */
	if (c->value.n == 36 && c->value.p[8] == '-' && c->value.p[13] == '-' &&
	    c->value.p[18] == '-' && c->value.p[23] == '-')
		return false;
	if (digits < 2 || digits * 16 < c->value.n || upper + lower < 2)
		return false;
	return marks * 8 <= c->value.n && rw_valid_secret(c);
}
