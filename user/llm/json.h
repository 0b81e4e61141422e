/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict JSON reader (RFC 8259) that tells where each string stands in the bytes.
 *
 * A body must be changed in place with every other byte as it came, so what is
 * needed of a value is its position, not a tree. Everything is validated, what is
 * skipped too: grammar, UTF-8, escapes, depth, trailing bytes. Two things differ from
 * a plain parser on purpose. A lone surrogate escape is accepted: providers cut
 * "\ud83d\ude00" between two deltas. And in objects whose members matter, a key that comes
 * twice, or in another case ("Content": some servers match keys without regard to it), is
 * refused, because the next reader may see another value than we did.
 *
 * No allocation. Recursion is bounded by the depth limit.
 */
#ifndef RW_LLM_JSON_H
#define RW_LLM_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum { RW_JSON_DEPTH = 64, RW_JSON_DEPTH_MAX = 512 };

/* Where reading stands. The bytes are borrowed and outlive it. One thread. */
struct rw_json {
	const char *base, *p, *end;
	unsigned depth_left;
	struct rw_error *e; /* filled by the call that fails; may be NULL */
};

enum rw_json_type {
	RW_JSON_BAD, /* the end, or a byte that begins no value */
	RW_JSON_OBJECT,
	RW_JSON_ARRAY,
	RW_JSON_STRING,
	RW_JSON_NUMBER,
	RW_JSON_BOOL,
	RW_JSON_NULL,
};

/* Offsets of a value in the bytes; of a string between its quotes. */
struct rw_span {
	uint32_t start, end;
	bool escaped; /* a string: it holds a backslash */
};

/* Reads one value, wholly: that is what every reader below has to do. */
typedef int rw_json_fn(struct rw_json *j, void *ctx, int arg);

struct rw_json_member {
	const char *name; /* lower case */
	uint8_t len;
	rw_json_fn *read; /* NULL: known, but not looked at */
	int arg;
};
#define RW_MEMBER(name, read, arg) {name, sizeof(name) - 1, read, arg}

/* An object's members that matter, at most 64. */
struct rw_json_shape {
	const struct rw_json_member *members;
	unsigned n;
	bool any_case;	   /* keys that differ from a member's only in case are not refused */
	rw_json_fn *other; /* for keys that are no member; NULL: skipped */
};
#define RW_SHAPE(table) (table), sizeof(table) / sizeof((table)[0])

/* RW_ELIMIT where body is too large for 32-bit offsets. depth 0: RW_JSON_DEPTH. */
int rw_json_init(struct rw_json *j, struct rw_slice body, unsigned depth, struct rw_error *e);
/*
 * All below return 0, RW_EINVAL (the error's text names what and at which byte, never
 * content), RW_ELIMIT for depth, or what the reader called returned.
 */
int rw_json_members(struct rw_json *j, const struct rw_json_shape *shape, void *ctx);
/* Calls read for each element. */
int rw_json_elements(struct rw_json *j, rw_json_fn *read, void *ctx, int arg);
int rw_json_string(struct rw_json *j, struct rw_span *out);
int rw_json_bool(struct rw_json *j, bool *out);
/* *whole tells whether the number was a plain integer that fits; only then is *out set. */
int rw_json_u64(struct rw_json *j, uint64_t *out, bool *whole);
/* Any value. span may be NULL; its escaped is false. */
int rw_json_skip(struct rw_json *j, struct rw_span *span);
/* Nothing but white space is left. */
int rw_json_end(struct rw_json *j);

/* The type of the value that comes next, from its first byte. */
enum rw_json_type rw_json_peek(struct rw_json *j);
/* Fails here: "invalid JSON at byte N: what". */
int rw_json_fail(struct rw_json *j, const char *what);

static inline struct rw_slice rw_json_raw(const struct rw_json *j, struct rw_span s)
{
	return rw_slice_of(j->base + s.start, s.end - s.start);
}

/*
 * Writes what a string that was read says; lone surrogates as their three-byte WTF-8 form. out
 * has room for raw.n bytes. Returns the length.
 */
size_t rw_json_unescape(struct rw_slice raw, char *out);

#endif
