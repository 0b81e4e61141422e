/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies that nobody reads: from the upstream's connection to the client's, inside the kernel.
 *
 * Only data go that way, as many bytes as the framing says that come: the rest of a counted body,
 * or of a chunk. Framing is read and written here as ever, and so is what is short.
 */
#include "http/pool.h"
#include "http/server_int.h"

/*
 * A splice costs some turns until the receiver is at rest and four operations a record; and a chunk
 * of a piece is announced before it has come, so it must not be endless.
 */
static const uint64_t pass_from_bytes = 64 << 10, pass_most_bytes = 1 << 30;

void rw_fetch_pass(struct rw_fetch *f, struct rw_exchange *x)
{
	f->pass_to = x;
}

static uint64_t run_of(const struct rw_fetch *f)
{
	uint64_t run = rw_h1_run(f->conn->parser);

	return run < pass_from_bytes ? 0 : run < pass_most_bytes ? run : pass_most_bytes;
}

void rw_fetch_consider(struct rw_fetch *f)
{
	uint64_t n = f->pass_to && !f->paused ? run_of(f) : 0;

	if (n && rw_stream_may_splice(f->conn->stream) && rw_exchange_may_pass(f->pass_to, n))
		rw_stream_still(f->conn->stream);
}

/* What came until now was fed: what the framing still owes is what comes next. */
void rw_fetch_at_rest(struct rw_fetch *f)
{
	uint64_t n = f->pass_to && !f->paused ? run_of(f) : 0;

	if (!n || !rw_exchange_may_pass(f->pass_to, n) ||
	    rw_stream_splice(f->conn->stream, rw_exchange_stream(f->pass_to), n))
		return;
	f->passing = true;
	rw_exchange_pass(f->pass_to, n);
}

bool rw_fetch_passed(struct rw_fetch *f, size_t n, bool over)
{
	struct rw_upconn *c = f->conn;

	rw_fetch_bytes(f);
	f->passing &= !over;
	rw_exchange_passed(f->pass_to, n);
	if (n && c->fetch == f)
		f->cb.on_passed(f->user, n);
	return c->fetch == f;
}
