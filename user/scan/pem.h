/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a PEM private key (RFC 7468, RFC 1421 headers, OpenPGP armour), as it is found in
 * text: with real or escaped newlines, quotes and commas between the lines,
 * cut short. A state machine over a growing text.
 */
#ifndef RW_SCAN_PEM_H
#define RW_SCAN_PEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum {
	RW_PEM_HEAD_MAX = 80, /* "-----BEGIN ... PRIVATE KEY BLOCK-----" */
	RW_PEM_WORD = 16,     /* base64 this long is no word of prose */
	RW_PEM_GAP_MAX = 64,  /* longest stretch between two pieces of the body */
	RW_PEM_LINE_MAX = 200 /* a header line such as Proc-Type */
};

enum rw_pem_what {
	RW_PEM_MORE,   /* more text is needed */
	RW_PEM_CLOSED, /* the END line was found; end is behind it */
	RW_PEM_BROKEN, /* what follows end is no key */
};

struct rw_pem {
	size_t pos;   /* next byte to look at */
	size_t start; /* where the body starts */
	size_t end;   /* the key reaches to here for certain; start: there is no body so far */
	size_t gap;   /* where the stretch since the last piece began */
	size_t token; /* start of the piece being looked at */
};

/*
 * The length of a private key's BEGIN line at the front of text; 0: it is none;
 * -1: more text is needed to tell.
 */
long rw_pem_head(struct rw_slice text, bool eof);

void rw_pem_init(struct rw_pem *p, size_t at);
/* Walks on through text; at eof never RW_PEM_MORE. */
enum rw_pem_what rw_pem_walk(struct rw_pem *p, struct rw_slice text, bool eof);

#endif
