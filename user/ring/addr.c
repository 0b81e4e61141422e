/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as people write them: "192.0.2.1:8443", "[2001:db8::1]:8443". */
#include <arpa/inet.h>
#include <string.h>

#include "ring/sock.h"

static int parse_port(const char *p, uint16_t *out)
{
	unsigned v = 0;

	if (*p == '\0')
		return RW_EINVAL;
	for (; *p; p++) {
		if (*p < '0' || *p > '9')
			return RW_EINVAL;
		v = v * 10 + (unsigned)(*p - '0');
		if (v > 65535)
			return RW_EINVAL;
	}
	*out = (uint16_t)v;
	return RW_OK;
}

int rw_addr_parse(const char *text, struct rw_addr *out, struct rw_error *e)
{
	char host[INET6_ADDRSTRLEN];
	bool v6 = text[0] == '[';
	const char *begin = text + v6;
	const char *end = v6 ? strchr(text, ']') : strrchr(text, ':');
	const char *port = end ? end + v6 : NULL;
	uint16_t n;

	memset(out, 0, sizeof(*out));
	if (!port || *port != ':')
		return rw_fail(
			e, RW_EINVAL,
			"\"%s\" is not ADDRESS:PORT (an IPv6 address goes in brackets, as in "
			"[::1]:8443)",
			text);
	if (parse_port(port + 1, &n))
		return rw_fail(e, RW_EINVAL, "\"%s\": the port must be a number from 0 to 65535",
			       text);
	if ((size_t)(end - begin) >= sizeof(host))
		return rw_fail(e, RW_EINVAL, "\"%s\": the address is too long", text);
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = '\0';
	if (v6 && inet_pton(AF_INET6, host, &out->in6.sin6_addr) == 1) {
		out->in6.sin6_family = AF_INET6;
		out->in6.sin6_port = htons(n);
		out->len = sizeof(out->in6);
		return RW_OK;
	}
	if (!v6 && inet_pton(AF_INET, host, &out->in4.sin_addr) == 1) {
		out->in4.sin_family = AF_INET;
		out->in4.sin_port = htons(n);
		out->len = sizeof(out->in4);
		return RW_OK;
	}
	return rw_fail(e, RW_EINVAL,
		       "\"%s\": \"%s\" is not an %s address (names are not resolved here)", text,
		       host, v6 ? "IPv6" : "IPv4");
}

/* inet_ntop is a printf: dear for what every request's record has. */
static void put_ipv4(const struct in_addr *a, char *out)
{
	const uint8_t *b = (const uint8_t *)&a->s_addr;

	for (unsigned i = 0; i < 4; i++) {
		if (b[i] >= 100)
			*out++ = (char)('0' + b[i] / 100);
		if (b[i] >= 10)
			*out++ = (char)('0' + b[i] / 10 % 10);
		*out++ = (char)('0' + b[i] % 10);
		*out++ = i < 3 ? '.' : '\0';
	}
}

const char *rw_addr_text(const struct rw_addr *a, bool with_port, char out[RW_ADDR_TEXT])
{
	bool v6 = a->sa.sa_family == AF_INET6, brackets = v6 && with_port;
	unsigned port = ntohs(v6 ? a->in6.sin6_port : a->in4.sin_port);
	size_t n;

	out[0] = '[';
	if (v6)
		inet_ntop(AF_INET6, &a->in6.sin6_addr, out + brackets, INET6_ADDRSTRLEN);
	else
		put_ipv4(&a->in4.sin_addr, out);
	n = strlen(out);
	if (with_port)
		snprintf(out + n, RW_ADDR_TEXT - n, "%s:%u", brackets ? "]" : "", port);
	return out;
}

bool rw_addr_is_loopback(const struct rw_addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return ntohl(a->in4.sin_addr.s_addr) >> 24 == 127;
	if (IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
		return a->in6.sin6_addr.s6_addr[12] == 127;
	return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}
