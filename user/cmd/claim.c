/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/claim.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ring/sock.h"

/* A socket without SO_REUSEPORT is refused where anybody listens. */
static int claim(const char *address, struct rw_error *e)
{
	struct rw_addr addr;
	int fd, on = 1, rc = rw_addr_parse(address, &addr, e);

	if (rc)
		return rc;
	fd = socket(addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return RW_OK; /* listening will tell */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (addr.sa.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, &addr.sa, addr.len) && errno == EADDRINUSE)
		rc = rw_fail(e, RW_EBUSY,
			     "cannot listen on %s: another process listens there, perhaps another "
			     "ringwall; stop it, take over from it with --take-over, or choose "
			     "another port "
			     "(ss -ltnp shows who it is)",
			     address);
	close(fd);
	return rc;
}

int rw_claim(const struct rw_config *c, struct rw_error *e)
{
	int rc = c->admin_address ? claim(c->admin_address, e) : RW_OK;

	for (unsigned i = 0; !rc && i < c->n_listeners; i++)
		rc = claim(c->listeners[i].address, e);
	return rc;
}
