/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: one JSON line per request, appended by the control thread, each linked to the
 * one before (chain.h).
 *
 * A record is made by a worker (rw_audit_record_json), travels as bytes and is
 * written here. When the disk is full or the file fails, records wait in a bounded queue and
 * are retried; rw_audit_ok turns false, so that the gate can refuse service; nothing
 * that was accepted is dropped. Texts, keys and secrets never enter a record.
 * To bring the file to its disk is the caller's, who has a way that does not wait.
 */
#ifndef RW_AUDIT_AUDIT_H
#define RW_AUDIT_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "scan/scan.h"

struct rw_audit_record {
	uint64_t time_ms;
	const char *request_id;
	const char *peer;	      /* address without port */
	const char *key_id;	      /* "" where none */
	const char *client_cert;      /* whom the client's certificate names; "" where none */
	struct rw_slice method, path; /* path without its query: keys may stand in it */
	struct rw_slice model;	      /* empty where none */
	unsigned status;
	const char *verdict; /* "allow", "flag", "mask", "block", "refuse" */
	const char *reason;  /* error code given to the caller; "" where none */
	bool stream, completed;
	uint64_t request_bytes, answer_bytes;
	uint64_t prompt_tokens, completion_tokens;
	uint64_t duration_us, upstream_us;
	uint64_t detector_asked, detector_failed, detector_us; /* external detectors */
	const char *upstream, *tls_backend;
	const char *upstream_error;   /* what it did wrong, in words; "" where nothing */
	const struct rw_rules *rules; /* names for the tallies */
	const struct rw_tally *request_findings, *answer_findings; /* may be NULL */
};
/*
 * Appends one line with its newline: a JSON object of the names above, with time as RFC 3339 and
 * each finding as {"rule","type","category","count"}. A path is cut at '?' or '#'. NULL texts
 * count as "". RW_ELIMIT, RW_ENOMEM: out is as it was. Safe from any thread.
 */
int rw_audit_record_json(const struct rw_audit_record *r, struct rw_buf *out);

/* Something that happened to no request: a ban, a suspension, what the kernel side told. */
struct rw_audit_event {
	uint64_t time_ms;
	const char *event;   /* "ban", "ban_drops", ... */
	const char *source;  /* address or prefix; NULL: nobody's */
	const char *key_id;  /* NULL: none */
	const char *verdict; /* of a ban; NULL: none */
	const char *reason;  /* NULL: none */
	uint64_t packets, seconds;
	bool shadow;
};
/* Like rw_audit_record_json. What is NULL or 0 is left out. */
int rw_audit_event_json(const struct rw_audit_event *ev, struct rw_buf *out);

/*
 * The record that accounts for what stands in the log and is none. sha256: its 32 bytes. RW_ENOMEM,
 * RW_ELIMIT: out is as it was.
 */
int rw_audit_stray_json(uint64_t time_ms, uint64_t bytes, const unsigned char *sha256,
			struct rw_buf *out);

struct rw_audit;
/*
 * Opens for append (0640), file and FILE.head, and goes on where the chain ended; a torn last line
 * is ended, and a record accounts for it. RW_EPERM, RW_EIO, RW_EINVAL (not a regular file or
 * device), RW_ENOMEM; *e says what to do. A full disk is no error here: see rw_audit_ok.
 */
int rw_audit_open(struct rw_audit **out, const char *file, size_t max_queue_bytes,
		  struct rw_error *e);
/*
 * Queues one or more whole records, newlines included, and tries to write. RW_ELIMIT: the
 * queue is full, RW_ENOMEM: no memory for it (nothing of line is taken).
 */
int rw_audit_write(struct rw_audit *a, struct rw_slice line);
/* Tries what waits; call on a tick. */
void rw_audit_retry(struct rw_audit *a);
/* False while records wait because the file cannot take them. Safe from any thread. */
bool rw_audit_ok(const struct rw_audit *a);
/* Why records wait, "" if none do; for the control thread. */
const char *rw_audit_error(const struct rw_audit *a);
/*
 * The file is no longer under its name, so that nothing more was written to it: the caller reopens.
 */
bool rw_audit_moved(const struct rw_audit *a);
/*
 * What is to be synced so that everything taken so far outlives a power cut; -1: records still
 * wait, there is nothing to ask for yet. The descriptor is good until reopen or close.
 */
int rw_audit_fd(const struct rw_audit *a);
/* A sync begins, of all that is in the file now. */
void rw_audit_syncing(struct rw_audit *a);
/*
 * How that went, as rw_loop_sync says. After a failure rw_audit_ok is false until one goes well:
 * what was written between them may be lost, since the kernel forgets pages that it could not
 * write.
 */
void rw_audit_synced(struct rw_audit *a, int rc);
/*
 * Closes and reopens by name (log rotation). A record of which the old file has only a part is
 * written whole to the new one. The old file is synced first, and waited for.
 * On failure it stays in use, also where it was moved away, until the next call.
 */
int rw_audit_reopen(struct rw_audit *a, struct rw_error *e);
/* Writes what waits if it can, and syncs; returns the number of records lost (0 is what is wanted).
 */
unsigned rw_audit_close(struct rw_audit *a);

#endif
