/* SPDX-License-Identifier: Apache-2.0 */
#include "http/proxy.h"

#include <arpa/inet.h>
#include <string.h>

enum {
	VERSION = 2,
	LOCAL = 0,
	PROXY = 1,
	UNKNOWN = 0x00,
	TCP4 = 0x11,
	TCP6 = 0x21,
	BYTES4 = 12, /* two addresses, two ports */
	ADDRESS_TEXT = INET6_ADDRSTRLEN + 8
};

static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";

static size_t announced(const struct rw_proxy *p)
{
	return (size_t)p->head[14] << 8 | p->head[15];
}

/* How many bytes the family has of addresses; 0: none that count; -1: a family that TCP has not. */
static int address_bytes(uint8_t command, uint8_t family)
{
	if (command == LOCAL || family == UNKNOWN)
		return 0;
	return family == TCP4 ? BYTES4 : family == TCP6 ? RW_PROXY_ADDRESSES : -1;
}

/* What can be said against the fixed part as far as it is there. */
static int check(const struct rw_proxy *p, struct rw_error *e)
{
	size_t n = p->n < sizeof(signature) ? p->n : sizeof(signature);
	int bytes;

	if (memcmp(p->head, signature, n) != 0)
		return rw_fail(e, RW_EPROTO, "the connection does not begin with a PROXY header");
	if (p->n > 12 && (p->head[12] >> 4 != VERSION || (p->head[12] & 15) > PROXY))
		return rw_fail(e, RW_EPROTO, "a PROXY header of another version or command: 0x%02x",
			       p->head[12]);
	if (p->n < RW_PROXY_FIXED)
		return RW_OK;
	bytes = address_bytes(p->head[12] & 15, p->head[13]);
	if (bytes < 0)
		return rw_fail(e, RW_EPROTO, "a PROXY header of no TCP connection: 0x%02x",
			       p->head[13]);
	if (announced(p) < (size_t)bytes || announced(p) > RW_PROXY_MAX_BYTES)
		return rw_fail(e, RW_EPROTO, "a PROXY header of %zu bytes", announced(p));
	return RW_OK;
}

static void client_of(const struct rw_proxy *p, struct rw_addr *client)
{
	const uint8_t *at = p->head + RW_PROXY_FIXED;

	if ((p->head[12] & 15) == LOCAL || p->head[13] == UNKNOWN)
		return;
	memset(client, 0, sizeof(*client));
	if (p->head[13] == TCP4) {
		client->len = sizeof(client->in4);
		client->in4.sin_family = AF_INET;
		memcpy(&client->in4.sin_addr, at, 4);
		memcpy(&client->in4.sin_port, at + 8, 2);
	} else {
		client->len = sizeof(client->in6);
		client->in6.sin6_family = AF_INET6;
		memcpy(&client->in6.sin6_addr, at, 16);
		memcpy(&client->in6.sin6_port, at + 32, 2);
	}
}

/* Moves bytes into the header up to `to`; what is beyond the addresses is only counted. */
static void take(struct rw_proxy *p, size_t to, const uint8_t *data, size_t n, size_t *used)
{
	size_t k = to - p->n < n - *used ? to - p->n : n - *used;
	size_t room = p->n < sizeof(p->head) ? sizeof(p->head) - p->n : 0;

	if (room)
		memcpy(p->head + p->n, data + *used, k < room ? k : room);
	p->n = (uint16_t)(p->n + k);
	*used += k;
}

int rw_proxy_feed(struct rw_proxy *p, const uint8_t *data, size_t n, size_t *used,
		  struct rw_addr *client, struct rw_error *e)
{
	int rc;

	*used = 0;
	if (p->n < RW_PROXY_FIXED) {
		take(p, RW_PROXY_FIXED, data, n, used);
		rc = check(p, e);
		if (rc)
			return rc;
	}
	if (p->n < RW_PROXY_FIXED)
		return RW_EAGAIN;
	take(p, RW_PROXY_FIXED + announced(p), data, n, used);
	if (p->n < RW_PROXY_FIXED + announced(p))
		return RW_EAGAIN;
	client_of(p, client);
	return RW_OK;
}

/* --- X-Forwarded-For ---------------------------------------------------------------------------
 */

static struct rw_slice trimmed(const char *from, const char *to)
{
	while (from < to && (*from == ' ' || *from == '\t'))
		from++;
	while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
		to--;
	return rw_slice_of(from, (size_t)(to - from));
}

/* The address in "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80".
 */
static struct rw_slice without_port(struct rw_slice s)
{
	const char *colon = memchr(s.p, ':', s.n), *end;

	if (s.n && s.p[0] == '[') {
		end = memchr(s.p, ']', s.n);
		return end ? rw_slice_of(s.p + 1, (size_t)(end - s.p - 1)) : rw_slice_of(s.p, 0);
	}
	if (colon && !memchr(colon + 1, ':', s.n - (size_t)(colon + 1 - s.p)))
		s.n = (size_t)(colon - s.p);
	return s;
}

bool rw_forwarded_last(struct rw_slice *list, struct rw_addr *out)
{
	const char *comma = list->n ? memrchr(list->p, ',', list->n) : NULL;
	struct rw_slice one = trimmed(comma ? comma + 1 : list->p, list->p + list->n);
	char text[ADDRESS_TEXT];

	list->n = comma ? (size_t)(comma - list->p) : 0;
	if (!one.n)
		return false;
	one = without_port(one);
	if (!one.n || one.n >= sizeof(text) || memchr(one.p, 0, one.n))
		return false;
	memcpy(text, one.p, one.n);
	text[one.n] = '\0';
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &out->in4.sin_addr) == 1) {
		out->len = sizeof(out->in4);
		out->in4.sin_family = AF_INET;
		return true;
	}
	if (inet_pton(AF_INET6, text, &out->in6.sin6_addr) == 1) {
		out->len = sizeof(out->in6);
		out->in6.sin6_family = AF_INET6;
		return true;
	}
	return false;
}
