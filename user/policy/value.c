/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/value.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/err.h"
#include "base/utf8.h"

enum { MAX_HOST = 253, MAX_NAME = 63 };

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit durations[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {0}};
static const struct unit sizes[] = {
	{"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {0}};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Digits at the start of s; *rest is what follows. */
static int digits(struct rw_slice s, uint64_t *out, struct rw_slice *rest)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < s.n && is_digit(s.p[i]); i++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return RW_EINVAL;
	if (i == 0 || (i > 1 && s.p[0] == '0'))
		return RW_EINVAL;
	*out = v;
	*rest = rw_slice_of(s.p + i, s.n - i);
	return RW_OK;
}

int rw_value_number(struct rw_slice s, uint64_t *out)
{
	struct rw_slice rest;

	return digits(s, out, &rest) || rest.n ? RW_EINVAL : RW_OK;
}

static int with_unit(struct rw_slice s, const struct unit *units, uint64_t *out)
{
	struct rw_slice rest;
	uint64_t v;

	if (digits(s, &v, &rest))
		return RW_EINVAL;
	for (const struct unit *u = units; u->name; u++)
		if (rw_slice_is(rest, u->name))
			return __builtin_mul_overflow(v, u->factor, out) ? RW_EINVAL : RW_OK;
	return RW_EINVAL;
}

int rw_value_duration(struct rw_slice s, uint64_t *ms)
{
	return with_unit(s, durations, ms);
}

int rw_value_size(struct rw_slice s, uint64_t *bytes)
{
	return with_unit(s, sizes, bytes);
}

static const char *unit_text(uint64_t v, const struct unit *units, char out[RW_VALUE_TEXT])
{
	const struct unit *best = units;

	for (const struct unit *u = units; u->name; u++)
		if (v % u->factor == 0 && v)
			best = u;
	snprintf(out, RW_VALUE_TEXT, "%" PRIu64 "%s", v / best->factor, best->name);
	return out;
}

const char *rw_value_duration_text(uint64_t ms, char out[RW_VALUE_TEXT])
{
	return unit_text(ms, durations, out);
}

const char *rw_value_size_text(uint64_t bytes, char out[RW_VALUE_TEXT])
{
	return unit_text(bytes, sizes, out);
}

static int port(struct rw_slice s, uint16_t *out)
{
	uint64_t v;

	if (rw_value_number(s, &v) || v > UINT16_MAX)
		return RW_EINVAL;
	*out = (uint16_t)v;
	return RW_OK;
}

static int ip(struct rw_slice s, bool v6, uint8_t out[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char text[INET6_ADDRSTRLEN];

	if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, 0, s.n))
		return RW_EINVAL;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (v6)
		return inet_pton(AF_INET6, text, out) == 1 ? RW_OK : RW_EINVAL;
	memcpy(out, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, out + 12) == 1 ? RW_OK : RW_EINVAL;
}

/* "host:port", "[host]:port" or, with *has_port false, the host alone. */
static int split_host(struct rw_slice s, struct rw_slice *host, bool *v6,
		      struct rw_slice *port_text, bool *has_port)
{
	const char *end;

	*v6 = s.n && s.p[0] == '[';
	end = s.n ? memchr(s.p, *v6 ? ']' : ':', s.n) : NULL;
	if (*v6 && !end)
		return RW_EINVAL;
	if (*v6)
		*host = rw_slice_of(s.p + 1, (size_t)(end++ - s.p) - 1);
	else
		*host = rw_slice_of(s.p, end ? (size_t)(end - s.p) : s.n);
	*has_port = end && end < s.p + s.n;
	if (!*has_port)
		return RW_OK;
	if (*end != ':')
		return RW_EINVAL;
	*port_text = rw_slice_of(end + 1, (size_t)(s.p + s.n - end) - 1);
	return RW_OK;
}

int rw_value_address(struct rw_slice s, struct rw_value_address *out)
{
	struct rw_slice host, port_text;
	bool v6, has_port;

	if (split_host(s, &host, &v6, &port_text, &has_port) || !has_port)
		return RW_EINVAL;
	return ip(host, v6, out->bytes) || port(port_text, &out->port) ? RW_EINVAL : RW_OK;
}

bool rw_value_is_prefix(struct rw_slice s)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const char *slash = s.n ? memchr(s.p, '/', s.n) : NULL;
	struct rw_slice addr = rw_slice_of(s.p, slash ? (size_t)(slash - s.p) : s.n);
	bool v6 = addr.n && memchr(addr.p, ':', addr.n);
	unsigned first = v6 ? 0 : 96; /* bit of the address in bytes */
	uint64_t plen = 128 - first;
	uint8_t bytes[16];

	if (ip(addr, v6, bytes) || (v6 && !memcmp(bytes, mapped, sizeof(mapped))))
		return false;
	if (slash && (rw_value_number(rw_slice_of(slash + 1, s.n - addr.n - 1), &plen) ||
		      plen > 128 - first))
		return false;
	for (unsigned i = first + (unsigned)plen; i < 128; i++)
		if (bytes[i / 8] >> (7 - i % 8) & 1)
			return false;
	return true;
}

bool rw_value_same_address(const struct rw_value_address *a, const struct rw_value_address *b)
{
	return a->port == b->port && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool rw_value_is_loopback(const struct rw_value_address *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t one[16] = {[15] = 1};

	if (memcmp(a->bytes, mapped, sizeof(mapped)) == 0)
		return a->bytes[12] == 127;
	return memcmp(a->bytes, one, sizeof(one)) == 0;
}

/* Letters, digits, '-', '_' in labels; what has digits and dots only must be a whole IPv4 address.
 */
static bool is_dns_name(struct rw_slice s)
{
	bool numeric = true;
	uint8_t bytes[16];

	if (s.n == 0 || s.n > MAX_HOST || s.p[0] == '.' || s.p[0] == '-' || s.p[s.n - 1] == '.')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_' && s.p[i] != '.')
			return false;
		if (s.p[i] == '.' && s.p[i - 1] == '.')
			return false;
		numeric = numeric && (is_digit(s.p[i]) || s.p[i] == '.');
	}
	return !numeric || !ip(s, false, bytes);
}

static const char *check_path(struct rw_slice s)
{
	/* RFC 3986 3.3 without percent-encoding, behind which "..", "/" and "?" could hide. */
	static const struct rw_slice marks = {"-._~!$&'()*+,;=:@/", 18};

	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && !memchr(marks.p, s.p[i], marks.n))
			return "the URL's path has a character that must not stand there; expected "
			       "something like https://api.example.com/v1";
	/* The engine puts this in front of a request's path as it is: it must mean one thing. */
	for (size_t i = 0, start = 0; i <= s.n; i++) {
		if (i < s.n && s.p[i] != '/')
			continue;
		if (rw_slice_is(rw_slice_of(s.p + start, i - start), ".") ||
		    rw_slice_is(rw_slice_of(s.p + start, i - start), ".."))
			return "the URL's path must not contain . or .. segments";
		start = i + 1;
	}
	return NULL;
}

static const char *url_authority(struct rw_slice s, struct rw_value_url *out)
{
	struct rw_slice port_text;
	uint8_t bytes[16];
	bool v6, has_port;

	if (s.n && memchr(s.p, '@', s.n))
		return "the URL must not contain a user or password: give the key as key or "
		       "key_file";
	if (split_host(s, &out->host, &v6, &port_text, &has_port))
		return "the URL's host is not understood; an IPv6 address stands in [brackets]";
	if (v6 ? ip(out->host, true, bytes) != 0 : !is_dns_name(out->host))
		return "the URL's host is neither a name nor an address";
	out->port = out->tls ? 443 : 80;
	if (has_port && (port(port_text, &out->port) || out->port == 0))
		return "the URL's port must be a number from 1 to 65535";
	return NULL;
}

const char *rw_value_url(struct rw_slice s, struct rw_value_url *out)
{
	static const char http[] = "http://", https[] = "https://";
	const char *why;
	size_t n;

	if (s.n >= sizeof(https) - 1 && !strncasecmp(s.p, https, sizeof(https) - 1))
		out->tls = true;
	else if (s.n >= sizeof(http) - 1 && !strncasecmp(s.p, http, sizeof(http) - 1))
		out->tls = false;
	else
		return "expected a URL that begins with https:// or http://";
	n = out->tls ? sizeof(https) - 1 : sizeof(http) - 1;
	s = rw_slice_of(s.p + n, s.n - n);
	if (s.n && (memchr(s.p, '?', s.n) || memchr(s.p, '#', s.n)))
		return "the URL must not contain a query (?) or fragment (#)";
	for (n = 0; n < s.n && s.p[n] != '/';)
		n++;
	out->path = rw_slice_of(s.p + n, s.n - n);
	why = url_authority(rw_slice_of(s.p, n), out);
	if (why)
		return why;
	while (out->path.n && out->path.p[out->path.n - 1] == '/')
		out->path.n--;
	return check_path(out->path);
}

bool rw_value_is_loopback_host(const char *host)
{
	struct rw_slice s = rw_slice_str(host);
	struct rw_value_address a = {0};

	if (rw_slice_caseis(s, "localhost"))
		return true;
	return !ip(s, strchr(host, ':') != NULL, a.bytes) && rw_value_is_loopback(&a);
}

bool rw_value_is_name(struct rw_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '.' && s.p[i] != '_' && s.p[i] != '-')
			return false;
	return s.n >= 1 && s.n <= MAX_NAME;
}

bool rw_value_is_text(struct rw_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return rw_utf8_valid(s.p, s.n);
}

bool rw_value_is_token(struct rw_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
			return false;
	return s.n > 0;
}
