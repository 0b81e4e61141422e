/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request on its way through the gate.
 *
 * Owned by its worker, from on_request to on_done of its exchange; recycled
 * then. Its arena holds what lives as long as it does. It keeps the snapshot and the pools
 * it began with.
 */
#ifndef RW_GATE_REQUEST_H
#define RW_GATE_REQUEST_H

#include "base/arena.h"
#include "gate/worker.h"
#include "limit/strikes.h"
#include "llm/openai.h"
#include "scan/redact.h"

enum rw_endpoint {
	RW_EP_NONE, /* a path that is not served */
	RW_EP_HEALTHZ,
	RW_EP_READYZ,
	RW_EP_MODELS,
	RW_EP_CHAT,
	RW_EP_SCAN,
};

/* How the upstream's answer reaches the client. */
enum rw_answer_mode {
	RW_ANSWER_NONE,	  /* no head yet */
	RW_ANSWER_WHOLE,  /* kept until whole, guarded, then sent */
	RW_ANSWER_STREAM, /* guarded event by event */
	RW_ANSWER_PASSED, /* not read */
};

/* What POST /scan found so far. (judge.c) */
struct rw_judged {
	bool begun;
	int rule; /* that explains the verdict; -1: nothing was found */
	enum rw_action action;
	unsigned score, risk;
	unsigned told, more; /* findings in the answer, and beyond its bound */
};

enum { RW_REQUEST_ID = 20, RW_OWN_FIELDS = 4 };

struct rw_request {
	struct rw_request *next_idle;
	struct rw_worker *w;
	struct rw_snapshot *snap;
	struct rw_pools *pools; /* of snap's routes */
	struct rw_exchange *x;
	struct rw_arena arena;
	unsigned stage; /* index into the table of stages */
	uint64_t begun_ns;
	char id[RW_REQUEST_ID];

	/* from the head */
	enum rw_endpoint endpoint;
	const char *allow; /* another method, or methods, are right for the path; else NULL */
	struct rw_slice method, path, query; /* query with its '?', or empty */
	struct rw_slice credential;	     /* wiped once identified, or at settling */
	bool encoded, not_json;		     /* what its head says of the body */
	bool places_asked;		     /* findings are told with their places */
	uint64_t announced_bytes;	     /* by Content-Length; else 0 */
	struct rw_h1_lines lines;	     /* what goes on to the upstream */
	const struct rw_key *key;	     /* NULL: anonymous, or by_cert */
	bool by_cert;			     /* its connection's certificate says who it is */
	struct rw_addr client;		     /* who asks, also behind a balancer */
	struct rw_source source;	     /* he, as rates count him */

	/* the body and what it says */
	struct rw_buf body, rewritten;
	size_t charged_bytes; /* counted in the worker's buffered_bytes */
	bool body_whole, body_refused;
	struct rw_chat chat;
	unsigned next_text;	    /* scanning goes on here */
	struct rw_consult *consult; /* what external detectors are asked and said, or NULL */
	struct {
		uint32_t asked, failed; /* texts */
		uint64_t ns;
	} consulted;
	struct rw_edit *edits;
	unsigned n_edits;
	struct rw_tally found;
	struct rw_judged judged;
	struct rw_vault *vault; /* made when it is first needed, kept when recycled */
	bool vault_begun;
	struct rw_said turns[RW_TURNS_MAX]; /* the last of the user, with what each is like alone */
	unsigned n_turns;
	bool blocked; /* by what its texts say */
	struct rw_task yield;

	/* the way out and back */
	int upstream;
	struct rw_fetch *fetch;
	uint64_t fetch_ns, first_byte_ns;
	enum rw_answer_mode mode;
	unsigned answer_status;
	struct rw_h1_lines answer_lines; /* what goes on to the client */
	struct rw_buf answer, out;	 /* a whole one: as it came, and as it goes */
	size_t sent;			 /* of out */
	struct rw_answer_stream *stream;
	struct rw_timer hold; /* asks for what the stream holds */
	struct rw_tally answer_found;
	struct rw_usage usage;

	/* for settling */
	bool answered;		    /* a head went to the client */
	unsigned status;	    /* it said this */
	const char *reason;	    /* error code of a refusal; "" */
	const char *upstream_error; /* what the upstream did wrong, in words; "" */
	const char *verdict;
	uint64_t answer_bytes;
	bool recorded;		      /* the audit record is made */
	bool uncommitted;	      /* and the answer's end waits for the disk to have it */
	uint64_t place;		      /* of the record, once it is on its way; else 0 */
	uint64_t passed_left;	      /* of a counted answer that is passed */
	TAILQ_ENTRY(rw_request) link; /* in the worker's uncommitted */
};

/* What a stage says: go on, wait for a callback to resume, or the request is answered. */
enum rw_step { RW_STEP_NEXT, RW_STEP_WAIT, RW_STEP_DONE };

/* Runs stages from where the request stands until one waits or answers. (stages.c) */
void rw_request_run(struct rw_request *r);

/* What is done about a text of that role. (guard.c) */
struct rw_guard rw_request_guard(const struct rw_request *r, enum rw_role role);
/*
 * As rw_scan_text, with this request's rules; a text that was clean before, said with the same key,
 * is known to be (guards.remember). Of *f evidence is set for injection alone then. (guard.c)
 */
int rw_request_scan(struct rw_request *r, struct rw_slice text, unsigned categories,
		    struct rw_findings *f);
/* Notes a text that was scanned. */
void rw_request_turn(struct rw_request *r, const struct rw_text *t, const struct rw_findings *f);
/* The action over the noted turns together, or a negative rw_err. */
int rw_request_conversation(struct rw_request *r);

/* Refusals in the caller's dialect: a table of kinds, one call. (refuse.c) */
enum rw_refusal {
	RW_REFUSE_AUDIT,
	RW_REFUSE_MEMORY,
	RW_REFUSE_NO_PATH,
	RW_REFUSE_METHOD,
	RW_REFUSE_NO_KEY,
	RW_REFUSE_BAD_KEY,
	RW_REFUSE_SUSPENDED,
	RW_REFUSE_RATE_ADDRESS,
	RW_REFUSE_RATE_KEY,
	RW_REFUSE_TOO_LARGE,
	RW_REFUSE_ENCODING,
	RW_REFUSE_MEDIA_TYPE,
	RW_REFUSE_BODY,
	RW_REFUSE_MODEL,
	RW_REFUSE_BLOCKED,
	RW_REFUSE_SCANNER,
	RW_REFUSE_DETECTOR,
	RW_REFUSE_ANSWER_BLOCKED,
	RW_REFUSE_ANSWER_SCANNER,
	RW_REFUSE_UPSTREAM_DOWN,
	RW_REFUSE_UPSTREAM_TIMEOUT,
	RW_REFUSE_UPSTREAM_AUTH,
	RW_REFUSE_UPSTREAM_ANSWER,
	RW_REFUSALS
};
/* detail (may be NULL) is added to the message: it must hold no content. retry_ns 0: by kind. */
enum rw_step rw_refuse(struct rw_request *r, enum rw_refusal kind, const char *detail,
		       uint64_t retry_ns);
/* A small answer of our own; text is JSON. */
enum rw_step rw_answer_json(struct rw_request *r, unsigned status, struct rw_slice text);
/* Adds our own headers (id, verdict, findings), RW_OWN_FIELDS at most; returns the new count. */
size_t rw_own_fields(struct rw_request *r, struct rw_http_field *fields, size_t n);
/* The answer that the server makes by itself, counted here; user is the worker. */
void rw_refuse_body(void *user, unsigned status, const char *text, struct rw_buf *out,
		    const char **content_type);

/*
 * Redaction. (redact.c) The guard with this request's vault; in_answer: for the way back. Its
 * vault is begun at the first call and ended by rw_redact_settle, which wipes it.
 */
int rw_redact_guard(struct rw_request *r, const struct rw_guard *of, bool in_answer,
		    struct rw_guard *out);
/* Makes an edit of the text with its findings redacted. */
int rw_redact_text(struct rw_request *r, const struct rw_text *t, const struct rw_findings *f);
/*
 * Scans and redacts a text that is JSON itself, under the guard, and counts what is found.
 * RW_EPERM: a finding blocks.
 */
int rw_redact_arguments(struct rw_request *r, const struct rw_text *t, const struct rw_guard *of);
void rw_redact_settle(struct rw_request *r);

/*
 * External detectors. (consult.c) Asks those that are configured about the texts that are not
 * blocked already; then what they found joins what is found here.
 */
enum rw_step rw_request_consult(struct rw_request *r);
void rw_consult_join(const struct rw_request *r, unsigned text, struct rw_findings *f);
/* Cancels what is under way. */
void rw_consult_settle(struct rw_request *r);

/* Answers POST /scan. (judge.c) */
enum rw_step rw_request_judge(struct rw_request *r);

/* Sends the request to its upstream and brings the answer back. (answer.c) */
enum rw_step rw_request_forward(struct rw_request *r);
/* The client takes bytes again. */
void rw_answer_drained(struct rw_request *r);
/* Takes over what a stream found so far, and ends it. Does nothing where there is none. */
void rw_answer_settle(struct rw_request *r);

/*
 * An answer's end. (commit.c) rw_request_last: what is written from now on holds the last of it;
 * rw_request_end: it is whole. Where audit.sync is request, both leave when the disk has the
 * record, and where it cannot have it the connection is cut, or not, as audit.required says.
 */
bool rw_request_syncs(const struct rw_request *r);
void rw_request_last(struct rw_request *r);
void rw_request_end(struct rw_request *r);
/* The client is gone, or has its answer. */
void rw_request_uncommit(struct rw_request *r);

/* Writes the audit record, once; false: it is lost. (settle.c) */
bool rw_request_record(struct rw_request *r, bool completed);
/* Audit record, counters; then the request is recycled. */
struct rw_request *rw_request_new(struct rw_worker *w, struct rw_exchange *x);
void rw_request_settle(struct rw_request *r, bool completed);
void rw_request_free_idle(struct rw_worker *w);
/* Counts bytes against the worker's memory bound: false when it would be passed. */
bool rw_request_charge(struct rw_request *r, size_t bytes);
/* b, whose length was charged, is not needed any more. */
void rw_request_drop(struct rw_request *r, struct rw_buf *b);
/* The caller's key is not needed any more. */
void rw_request_wipe(struct rw_request *r);
void rw_request_strike(struct rw_request *r, enum rw_strike kind);

#endif
