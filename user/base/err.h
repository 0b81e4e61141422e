/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error codes and the message for people.
 *
 * Functions return 0 or a negative enum rw_err; results go out through
 * pointers. Where the most is known about what went wrong, once, a struct
 * rw_error is filled with a sentence that says what was wrong, where, and what
 * to do; callers pass it up unchanged. No secret ever goes into the text.
 */
#ifndef RW_BASE_ERR_H
#define RW_BASE_ERR_H

#include <stdio.h>
#include <stdlib.h>

enum rw_err {
	RW_OK = 0,
	RW_ENOMEM = -1,	   /* an allocation failed or a memory bound was reached */
	RW_EINVAL = -2,	   /* the input breaks a rule; the text says which */
	RW_ELIMIT = -3,	   /* a configured limit was exceeded */
	RW_ENOTFOUND = -4, /* the thing asked for is not there */
	RW_EIO = -5,	   /* the operating system refused or failed */
	RW_EPROTO = -6,	   /* the peer broke its protocol */
	RW_ECLOSED = -7,   /* the peer or we closed the connection */
	RW_ETIMEOUT = -8,  /* a deadline passed */
	RW_EPERM = -9,	   /* not allowed: privilege or policy */
	RW_EBUSY = -10,	   /* somebody else holds it, or all of them: later it may be free */
	RW_EAGAIN = -11,   /* not now; a callback tells when */
	RW_EUNSUP = -12,   /* this host or build cannot do it */
	RW_EEXIST = -13,   /* it is there already */
	RW_ETLS = -14, /* TLS with the peer failed: its certificate, an alert, a broken record */
};

struct rw_error {
	enum rw_err code;
	char text[480];
};

/* A short name for a code ("limit exceeded"); never NULL. */
const char *rw_err_name(int code);

/*
 * Fills *e (which may be NULL) with code and a printf-style sentence, and
 * returns code, so that "return rw_fail(e, RW_EINVAL, ...)" reads as one step. The
 * arguments may include e->text, to say more about what went wrong below.
 */
int rw_fail(struct rw_error *e, int code, const char *fmt, ...)
	__attribute__((cold, format(printf, 3, 4)));

#ifdef __clang_analyzer__
/* It looks at one file at a time and would take every failure for a possible success. */
#define rw_fail(e, code, ...) (rw_fail((e), (code), __VA_ARGS__), (code))
#endif

/* Impossible: the state cannot be trusted any more. Stays on in production. */
#define RW_BUG_ON(cond)                                                                     \
	do {                                                                                \
		if (__builtin_expect(!!(cond), 0)) {                                        \
			fprintf(stderr, "ringwall: BUG at %s:%d: %s\n", __FILE__, __LINE__, \
				#cond);                                                     \
			abort();                                                            \
		}                                                                           \
	} while (0)

#endif
