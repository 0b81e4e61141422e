/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets: how the way of receiving changes, and keys for the kernel. */
#include <linux/tls.h>
#include <netinet/tcp.h>

#include "ring/internal.h"

void rw_sock_still(struct rw_sock *s)
{
	if (s->dying || s->finishing)
		return;
	s->still = true;
	rw_sock_touch(s);
}

void rw_sock_receive(struct rw_sock *s)
{
	s->still = false;
	s->some = 0;
	rw_sock_touch(s);
}

void rw_sock_recv_some(struct rw_sock *s, size_t n)
{
	s->some = n;
	rw_sock_still(s);
}

static int set_key(struct rw_sock *s, int name, const void *key, size_t n)
{
	static const char ulp[] = "tls";
	const struct rw_io_ops *ops = s->loop->io->ops;
	int rc;

	if (s->dying || s->fd < 0)
		return RW_ECLOSED;
	if (!s->ulp) {
		rc = ops->set_option(s->loop->io, s->fd, SOL_TCP, TCP_ULP, ulp, sizeof(ulp) - 1);
		if (rc)
			return rc;
		s->ulp = true;
	}
	return ops->set_option(s->loop->io, s->fd, SOL_TLS, name, key, n);
}

int rw_sock_ktls_tx(struct rw_sock *s, const void *key, size_t n)
{
	RW_BUG_ON(rw_sock_busy(s, RW_IO_SEND)); /* it would be sealed by who knows which key */
	return set_key(s, TLS_TX, key, n);
}

int rw_sock_ktls_rx(struct rw_sock *s, const void *key, size_t n)
{
	int rc;

	RW_BUG_ON(!s->records && (rw_sock_busy(s, RW_IO_RECV) || s->held.bytes));
	rc = set_key(s, TLS_RX, key, n);
	if (rc)
		return rc;
	s->records = true;
	s->no_key = false;
	rw_sock_receive(s);
	return RW_OK;
}
