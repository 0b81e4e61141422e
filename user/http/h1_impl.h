/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the http room: what h1.c is put together from. Pure functions over
 * bytes: the strict reading of a complete head (h1_head.c) and of the framing of
 * a chunked body (h1_chunk.c).
 */
#ifndef RW_HTTP_H1_IMPL_H
#define RW_HTTP_H1_IMPL_H

#include "http/h1.h"

/* What a byte may be part of; RFC 9110 5.6.2 and 5.5, RFC 3986. */
enum {
	RW_H1_TCHAR = 1,  /* tokens: methods, field names */
	RW_H1_VALUE = 2,  /* field values: visible, SP, HTAB, 0x80 and above */
	RW_H1_TARGET = 4, /* request-target: visible ASCII but '#' and '\' */
	RW_H1_HOST = 8,	  /* reg-name as it is used, without percent signs */
	RW_H1_DIGIT = 16,
};
extern const uint8_t rw_h1_bytes[256];

/* True where every byte of s is of the class; an empty s is. */
bool rw_h1_all(struct rw_slice s, unsigned cls);
/* The same as rw_h1_all(s, RW_H1_VALUE), faster: values are most of a head. */
bool rw_h1_is_value(struct rw_slice s);
bool rw_h1_known_method(struct rw_slice m);

/* Fields that the server and the pool write by themselves: refused from those who use them. */
bool rw_h1_own_field(struct rw_slice name);

/* Fields by which a reader finds a message's end, or another protocol behind it. */
bool rw_h1_frames(struct rw_slice name);

/* How the body that follows a head is delimited. */
enum rw_h1_body { RW_H1_NO_BODY, RW_H1_LENGTH, RW_H1_CHUNKED, RW_H1_UNTIL_EOF };

/*
 * Reads raw[0..n), a whole head that ends in an empty line and whose every LF
 * follows a CR, into *h; slices point into raw (an absolute-form target is
 * reduced). head_only: a response to HEAD. RW_OK, RW_EPROTO, or RW_ELIMIT for
 * too many headers.
 */
int rw_h1_head_read(enum rw_h1_side side, const char *raw, size_t n, uint32_t max_headers,
		    bool head_only, struct rw_h1_head *h, enum rw_h1_body *body,
		    struct rw_error *e);

/*
 * A chunked body's framing, walked byte by byte (data is skipped). It keeps
 * nothing of extensions and trailers but their number.
 */
struct rw_h1_chunks {
	unsigned state;
	unsigned digits;      /* of the size being read */
	uint64_t left;	      /* size being read, then data still to come */
	uint64_t total;	      /* data announced so far */
	uint64_t limit;	      /* on total; 0: none */
	uint32_t extra_bytes; /* of extensions and trailers, whole message */
};

/* Bytes of data that come next, whatever they are. */
uint64_t rw_h1_chunks_run(const struct rw_h1_chunks *c);
void rw_h1_chunks_init(struct rw_h1_chunks *c, uint64_t limit_bytes);
/*
 * Walks data; *good tells how many bytes obey (up to the error, or to the end of
 * the message, then *end). RW_OK, RW_EPROTO, or RW_ELIMIT where the size of a
 * chunk passes the limit.
 */
int rw_h1_chunks_walk(struct rw_h1_chunks *c, const char *data, size_t n, size_t *good, bool *end,
		      struct rw_error *e);

#endif
