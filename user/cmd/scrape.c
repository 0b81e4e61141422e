/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/scrape.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { BODY_MAX = 1 << 20, SECONDS = 2 };

static const char prefix[] = "ringwall_";

static time_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* Numeric host and port, so that no resolver can make a refreshing screen wait. */
static int resolve(const char *address, struct addrinfo **out, struct rw_error *e)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				       .ai_socktype = SOCK_STREAM};
	const char *colon = strrchr(address, ':'), *host = address;
	char name[64];
	size_t n = colon ? (size_t)(colon - address) : 0;

	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		host++;
		n -= 2;
	}
	if (!n || n >= sizeof(name))
		return rw_fail(e, RW_EINVAL, "'%.60s' is not an address as 127.0.0.1:9443",
			       address);
	memcpy(name, host, n);
	name[n] = '\0';
	if (getaddrinfo(name, colon + 1, &hints, out))
		return rw_fail(e, RW_EINVAL, "'%.60s' is not an address as 127.0.0.1:9443",
			       address);
	return RW_OK;
}

static int ask(const struct addrinfo *ai, const char *address, int *fd, struct rw_error *e)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
				      "Connection: close\r\n\r\n";
	const struct timeval patience = {.tv_sec = SECONDS};

	*fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return rw_fail(e, RW_EIO, "cannot make a socket: %s", strerror(errno));
	setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(*fd, ai->ai_addr, ai->ai_addrlen))
		return rw_fail(e, RW_ECLOSED, "no engine answers on %s: %s", address,
			       strerror(errno));
	if (send(*fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(request) - 1)
		return rw_fail(e, RW_ECLOSED, "the engine on %s hung up", address);
	return RW_OK;
}

static int read_all(int fd, const char *address, struct rw_buf *out, struct rw_error *e)
{
	time_t end = now_s() + SECONDS;
	char part[16384];
	ssize_t n;

	while ((n = recv(fd, part, sizeof(part), 0)) > 0) {
		if (rw_buf_add(out, part, (size_t)n))
			return rw_fail(e, RW_EPROTO, "%s sends more than metrics", address);
		if (now_s() > end)
			break;
	}
	if (n)
		return rw_fail(e, RW_ETIMEOUT, "the engine on %s does not answer in time", address);
	return RW_OK;
}

static int cut_head(const char *address, struct rw_buf *b, struct rw_error *e)
{
	static const char status[] = "HTTP/1.1 200";
	const char *end = b->len ? memmem(b->p, b->len, "\r\n\r\n", 4) : NULL;

	if (!end || b->len < sizeof(status) - 1 || memcmp(b->p, status, sizeof(status) - 1) != 0)
		return rw_fail(e, RW_EPROTO, "%s is not ringwall's admin listener", address);
	rw_buf_consume(b, (size_t)(end + 4 - b->p));
	return RW_OK;
}

int rw_scrape(const char *address, struct rw_buf *out, struct rw_error *e)
{
	struct addrinfo *ai = NULL;
	int fd = -1, rc = resolve(address, &ai, e);

	rw_buf_reset(out);
	out->max = BODY_MAX;
	if (!rc)
		rc = ask(ai, address, &fd, e);
	if (!rc)
		rc = read_all(fd, address, out, e);
	if (!rc)
		rc = cut_head(address, out, e);
	if (fd >= 0)
		close(fd);
	if (ai)
		freeaddrinfo(ai);
	return rc;
}

/* "ringwall_NAME VALUE" or "ringwall_NAME{...} VALUE"; adds the value to *sum. */
static bool take_line(struct rw_slice line, const char *name, double *sum)
{
	size_t n = sizeof(prefix) - 1 + strlen(name);
	const char *space = memrchr(line.p, ' ', line.n);
	char number[32];
	size_t digits;

	if (!space || line.n <= n || memcmp(line.p, prefix, sizeof(prefix) - 1) != 0 ||
	    memcmp(line.p + sizeof(prefix) - 1, name, strlen(name)) != 0 ||
	    (line.p[n] != ' ' && line.p[n] != '{'))
		return false;
	digits = line.n - (size_t)(space + 1 - line.p);
	if (!digits || digits >= sizeof(number))
		return false;
	memcpy(number, space + 1, digits);
	number[digits] = '\0';
	*sum += strtod(number, NULL);
	return true;
}

bool rw_scrape_value(struct rw_slice text, const char *name, double *value)
{
	bool found = false;

	*value = 0;
	while (text.n) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n;

		found |= take_line(rw_slice_of(text.p, n), name, value);
		n += end ? 1 : 0;
		text = rw_slice_of(text.p + n, text.n - n);
	}
	return found;
}
