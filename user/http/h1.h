/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 messages: bytes in, head, body and end out; and heads back to bytes.
 *
 * llhttp (strict, every lenient flag off) splits the bytes; our validator adds
 * what it does not check (RFC 9112 and engine rules: exactly one Host, no
 * TE with CL, no chunk extensions kept, bounded sizes ...). No I/O, no time.
 * A message in doubt is RW_EPROTO (or RW_ELIMIT over a bound): the parser is then
 * dead and the connection must be closed, before any byte of it went upstream.
 */
#ifndef RW_HTTP_H1_H
#define RW_HTTP_H1_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum rw_h1_side { RW_H1_REQUESTS, RW_H1_RESPONSES };

struct rw_h1_limits {
	uint32_t head_bytes; /* request or status line and headers; 0: 32768 */
	uint32_t headers;    /* count; 0: 100 */
	uint64_t body_bytes; /* 0: unbounded */
};

struct rw_h1_header {
	struct rw_slice name;  /* as it came; compare without case */
	struct rw_slice value; /* without surrounding white space */
};

enum { RW_H1_MAX_HEADERS = 128 };

struct rw_h1_head {
	struct rw_slice method; /* requests */
	struct rw_slice target; /* requests: origin-form "/path?query" */
	unsigned status;	/* responses */
	unsigned minor;		/* HTTP/1.minor: 0 or 1 */
	bool keep_alive;
	bool expect_continue;
	bool chunked;
	bool has_length;
	bool connection_names; /* Connection names fields, too, not only what becomes of it */
	uint64_t length;       /* where has_length */
	unsigned n_headers;
	struct rw_h1_header headers[RW_H1_MAX_HEADERS];
};

/* A non-zero return of a callback pauses nothing: it kills the parser with that error. */
struct rw_h1_events {
	/* The head is gone when on_head returns. 1xx responses come here too, with no body and no
	 * end. */
	int (*on_head)(void *user, const struct rw_h1_head *head);
	int (*on_body)(void *user, const char *data, size_t n);
	int (*on_end)(void *user);
};

struct rw_h1;

struct rw_h1 *rw_h1_new(enum rw_h1_side side, const struct rw_h1_limits *limits,
			const struct rw_h1_events *ev, void *user);
void rw_h1_free(struct rw_h1 *p);
/* Back to the start, also from dead: for a parser that gets its next connection. */
void rw_h1_reset(struct rw_h1 *p);
/* From the next message on; only between messages. */
void rw_h1_set_limits(struct rw_h1 *p, const struct rw_h1_limits *limits);
/*
 * The memory of heads in progress, shared by the parsers of one thread, so that a connection
 * that is idle, or whose body goes on for minutes, holds none of it and a busy one finds it
 * warm. It must outlive the parsers that use it. Without one, a parser keeps its own.
 */
struct rw_h1_store;
struct rw_h1_store *rw_h1_store_new(void);
void rw_h1_store_free(struct rw_h1_store *st);
void rw_h1_use_store(struct rw_h1 *p, struct rw_h1_store *st);
/* Responses: the next message answers a HEAD request (has no body). */
void rw_h1_expect_head_only(struct rw_h1 *p, bool on);
/*
 * Feeds n bytes. Stops after the end of a message: *used tells how many were
 * taken, the rest belongs to the next message. RW_OK, RW_EPROTO, RW_ELIMIT, or
 * what a callback returned; *e tells what is wrong in a sentence.
 */
int rw_h1_feed(struct rw_h1 *p, const char *data, size_t n, size_t *used, struct rw_error *e);
/* So many bytes of body come next, before anything else can: 0 where that is not known. */
uint64_t rw_h1_run(const struct rw_h1 *p);
/* n of them, at most rw_h1_run, went elsewhere: as rw_h1_feed, without on_body. */
int rw_h1_skip(struct rw_h1 *p, uint64_t n, struct rw_error *e);
/* The peer closed: RW_OK where the message may end so (or none had begun), else RW_EPROTO. */
int rw_h1_eof(struct rw_h1 *p, struct rw_error *e);
/* True between messages: nothing of the next one has come. */
bool rw_h1_idle(const struct rw_h1 *p);
/* What a dead parser's peer should be answered: 400, 413 or 431; 0 while it lives. */
unsigned rw_h1_status(const struct rw_h1 *p);

/*
 * A set of field names, each at its length: that tells most names from all of them. What stands
 * at [n] has n bytes; case does not count.
 */
enum { RW_H1_NAME_BYTES = 32, RW_H1_NAMES = 3 };
typedef const char *rw_h1_names[RW_H1_NAME_BYTES][RW_H1_NAMES];
bool rw_h1_named(const rw_h1_names set, struct rw_slice name);

/* First header of that name, or NULL. */
const struct rw_slice *rw_h1_find(const struct rw_h1_head *h, const char *name);
/* True for Connection, Keep-Alive, TE, Transfer-Encoding, ... and what Connection names. */
bool rw_h1_hop_by_hop(const struct rw_h1_head *h, struct rw_slice name);

/* Serialising: refuse (RW_EINVAL) what would not parse back to the same. */
int rw_h1_put_request_line(struct rw_buf *b, struct rw_slice method, struct rw_slice target);
int rw_h1_put_status_line(struct rw_buf *b, unsigned status);
int rw_h1_put_header(struct rw_buf *b, struct rw_slice name, struct rw_slice value);
int rw_h1_put_header_num(struct rw_buf *b, const char *name, uint64_t value);
int rw_h1_put_end(struct rw_buf *b);

/*
 * Fields of a head that the parser has read, on their way on: a line each, as rw_h1_put_header
 * writes it. rw_h1_lines_of makes them and nobody else, so nothing is read a second time where
 * they are written. The bytes are borrowed.
 */
struct rw_h1_lines {
	struct rw_slice bytes;
};
typedef bool (*rw_h1_goes)(const struct rw_h1_head *h, struct rw_slice name);
/* So many bytes are enough for out, whichever of them go. */
size_t rw_h1_lines_room(const struct rw_h1_head *h);
/* Those that go, but what the server and the pool write by themselves. h is of rw_h1_feed. */
struct rw_h1_lines rw_h1_lines_of(const struct rw_h1_head *h, rw_h1_goes goes, char *out);
/* A whole chunk: size, data and their CRLFs. Nothing where n is 0; rw_h1_put_last_chunk ends. */
int rw_h1_put_chunk(struct rw_buf *b, const void *data, size_t n);
int rw_h1_put_last_chunk(struct rw_buf *b);
/* "Too Many Requests" for 429; "" where unknown. */
const char *rw_h1_reason(unsigned status);

#endif
