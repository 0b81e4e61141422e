/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall appliance held`: the health page of an appliance whose configuration cannot be used. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "cmd/appliance.h"
#include "cmd/cmd.h"
#include "cmd/verbs.h"
#include "ring/sock.h"

enum { REQUEST_MAX = 2048, BACKLOG = 8, PATIENCE_S = 2 };

static int listen_on(const char *address, int *fd, struct rw_error *e)
{
	struct rw_addr a;
	int on = 1, rc = rw_addr_parse(address, &a, e);

	if (rc)
		return rc;
	*fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return rw_fail(e, RW_EIO, "cannot make a socket: %s", strerror(errno));
	setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(*fd, &a.sa, a.len) || listen(*fd, BACKLOG))
		return rw_fail(e, RW_EIO, "cannot listen on %s: %s", address, strerror(errno));
	return RW_OK;
}

/* One answer to whatever is asked: the page is all there is. */
static void answer(int fd, const char *why)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	struct rw_buf b = {0};
	char request[REQUEST_MAX];

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (recv(fd, request, sizeof(request), 0) > 0 &&
	    !rw_buf_addf(&b,
			 "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; "
			 "charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
			 "Content-Length: %zu\r\nConnection: close\r\n\r\nheld: %s\n",
			 strlen(why) + sizeof("held: \n") - 1, why))
		(void)!send(fd, b.p, b.len, MSG_NOSIGNAL);
	rw_buf_free(&b);
	shutdown(fd, SHUT_RDWR);
	close(fd);
}

int rw_cmd_held(int argc, char **argv)
{
	char address[RW_APPLIANCE_LINE], why[RW_APPLIANCE_LINE];
	struct rw_error e = {.text = ""};
	int fd = -1, rc;

	rw_appliance_no_options(
		argc, argv,
		"Answers every request on the admin address with 503 and the reason why "
		"nothing is served.");
	rw_appliance_line(RW_APPLIANCE_STATUS, why);
	if (!rw_appliance_line(RW_APPLIANCE_ADMIN, address) || !address[0]) {
		fputs("ringwall: no admin address in the configuration: the console alone says why "
		      "nothing is served\n",
		      stderr);
		return RW_EXIT_OK;
	}
	rc = listen_on(address, &fd, &e);
	while (!rc) {
		int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (c >= 0)
			answer(c, why);
		else if (errno != ECONNABORTED && errno != EINTR)
			rc = rw_fail(&e, RW_EIO, "cannot accept on %s: %s", address,
				     strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return rw_cmd_end(rc, &e);
}
