/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain that makes the audit log tamper-evident, without I/O.
 *
 * Each record ends in its number and the SHA-256 of the line before it, without its newline:
 *
 *	{"time":...,"seq":42,"prev":"<64 digits of 0-9 a-f>"}
 *
 * The first record has seq 1 and a prev of zeros. The chain goes on from file to file. So whoever
 * has noted a record's digest can tell that nothing before it was changed, taken out or put in
 * (Schneier and Kelsey 1999; RFC 9162 says why a log's head belongs into other hands, too).
 *
 * What stands in the log and is no record of the chain, the rest of a line that a power cut or a
 * full disk tore, is *stray*. The record behind it accounts for it by its length and digest
 * (rw_chain_stray), and links to the last record before it. So the log is never rewritten, and
 * every byte of it is bound.
 */
#ifndef RW_AUDIT_CHAIN_H
#define RW_AUDIT_CHAIN_H

#include <openssl/sha.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	RW_CHAIN_DIGEST = 32,
	RW_CHAIN_HEX = 2 * RW_CHAIN_DIGEST + 1, /* as text, terminated */
	RW_CHAIN_STRAY = 160,
};

/* The last record: its number, and the SHA-256 of its line. All zeros: none yet. */
struct rw_chain {
	uint64_t seq;
	unsigned char digest[RW_CHAIN_DIGEST];
};

void rw_chain_hex(const unsigned char digest[RW_CHAIN_DIGEST], char out[RW_CHAIN_HEX]);
/* False: not 64 digits of 0-9 a-f. text has at least 64 bytes. */
bool rw_chain_unhex(const char *text, unsigned char digest[RW_CHAIN_DIGEST]);

void rw_chain_digest(struct rw_slice line, unsigned char out[RW_CHAIN_DIGEST]);
/*
 * Appends line, a JSON object with its newline, as the next record of the chain. RW_ENOMEM,
 * RW_ELIMIT: c and out are as they were.
 */
int rw_chain_add(struct rw_chain *c, struct rw_slice line, struct rw_buf *out);
/* What a record, without its newline, says of itself. False: it is none. */
bool rw_chain_read(struct rw_slice line, uint64_t *seq, unsigned char prev[RW_CHAIN_DIGEST]);
/* The end of the line that accounts for so many stray bytes of that digest, before its link. */
void rw_chain_stray(uint64_t bytes, const unsigned char digest[RW_CHAIN_DIGEST],
		    char out[RW_CHAIN_STRAY]);

/* --- walking along a log ---------------------------------------------------------------------- */

enum rw_walk_fault { RW_WALK_NO_RECORD, RW_WALK_SEQ, RW_WALK_PREV };

/*
 * Where a walk is. Lines are fed in order, of all files in a row. A zeroed struct is valid before
 * the first; with at and begun set it goes on from there. One thread; freed by rw_walk_free.
 */
struct rw_walk {
	unsigned file; /* the caller's: where the line is that it feeds */
	uint64_t line;
	struct rw_chain at; /* the last record that links */
	bool begun;	    /* at counts: else the walk begins at the first record that it meets */
	uint64_t first;	    /* number of the first record that was met; 0: none yet */
	uint64_t records;
	uint64_t strays, stray_bytes; /* that a record accounts for */
	/* Stray and not accounted for so far. */
	bool pending, inside; /* inside: the last piece ended in the middle of a line */
	uint64_t pending_bytes;
	SHA256_CTX pending_sum;
	enum rw_walk_fault fault; /* of the first of it */
	uint64_t fault_seq;	  /* the number that it says; 0: none */
	unsigned fault_file;
	uint64_t fault_line;
	struct rw_buf cut; /* what the file before ended in, without newline */
	unsigned cut_file;
	uint64_t cut_line;
};

/*
 * A line without its newline. whole false: a piece of one that is longer than any record. True:
 * it is a record and links; then nothing is pending.
 */
bool rw_walk_line(struct rw_walk *w, struct rw_slice line, bool whole);
/* A file ended in the middle of a line. RW_ENOMEM, RW_ELIMIT. */
int rw_walk_cut(struct rw_walk *w, struct rw_slice tail);
/* After the last file: what it ended in is stray, too. True: something is pending. */
bool rw_walk_end(struct rw_walk *w);
/* The digest of what is pending. */
void rw_walk_sum(const struct rw_walk *w, unsigned char digest[RW_CHAIN_DIGEST]);
void rw_walk_free(struct rw_walk *w);

#endif
