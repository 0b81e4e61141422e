/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusals: every way the gateway itself says no, as data, in the dialect that
 * the caller's SDK raises as the right exception (wire facts: status -> class;
 * x-should-retry stops retries that cannot help; Retry-After stays below the 60 s that
 * SDKs honour).
 */
#include "gate/refuse.h"
#include "gate/request.h"

#include <inttypes.h>

static const struct {
	unsigned status;
	const char *type, *code;
	const char *message;
	bool retry;	  /* may the same request work later? */
	unsigned retry_s; /* when, where nobody knows better; 0: not said */
	size_t counter;	  /* offset in struct rw_metrics */
} refusals[RW_REFUSALS] = {
#define AT(metric) offsetof(struct rw_metrics, metric)
	[RW_REFUSE_AUDIT] = {503, "server_error", "audit_unavailable",
			     "This gateway cannot keep its audit log and serves nothing meanwhile",
			     true, 10, AT(audit_refused_total)},
	[RW_REFUSE_MEMORY] = {503, "server_error", "overloaded",
			      "This gateway is at a bound of memory or connections; send the "
			      "request again",
			      true, 2, AT(refused_overload_total)},
	[RW_REFUSE_NO_PATH] = {404, "invalid_request_error", "unknown_url",
			       "This gateway does not serve that path", false, 0,
			       AT(refused_input_total)},
	[RW_REFUSE_METHOD] = {405, "invalid_request_error", "method_not_allowed",
			      "That path takes another method", false, 0, AT(refused_input_total)},
	[RW_REFUSE_NO_KEY] = {401, "invalid_request_error", "missing_api_key",
			      "You did not provide an API key: send the gateway's key as "
			      "'Authorization: Bearer ...'",
			      false, 0, AT(refused_auth_total)},
	[RW_REFUSE_BAD_KEY] = {401, "invalid_request_error", "invalid_api_key",
			       "That API key is unknown to this gateway, or was revoked", false, 0,
			       AT(refused_auth_total)},
	[RW_REFUSE_SUSPENDED] = {429, "rate_limit_error", "key_suspended",
				 "That API key is suspended: too many of its prompts were blocked",
				 true, 60, AT(refused_auth_total)},
	[RW_REFUSE_RATE_ADDRESS] = {429, "rate_limit_error", "rate_limit_exceeded",
				    "Too many requests from your address", true, 1,
				    AT(refused_rate_total)},
	[RW_REFUSE_RATE_KEY] = {429, "rate_limit_error", "rate_limit_exceeded",
				"Too many requests with this API key", true, 1,
				AT(refused_rate_total)},
	[RW_REFUSE_TOO_LARGE] = {413, "invalid_request_error", "request_too_large",
				 "The request's body is larger than this gateway takes", false, 0,
				 AT(refused_input_total)},
	[RW_REFUSE_ENCODING] = {415, "invalid_request_error", "unsupported_encoding",
				"This gateway reads request bodies and takes no content-encoding",
				false, 0, AT(refused_input_total)},
	[RW_REFUSE_MEDIA_TYPE] = {415, "invalid_request_error", "unsupported_media_type",
				  "This gateway reads request bodies as application/json in UTF-8",
				  false, 0, AT(refused_input_total)},
	[RW_REFUSE_BODY] = {400, "invalid_request_error", "invalid_body",
			    "The request's body cannot be read", false, 0, AT(refused_input_total)},
	[RW_REFUSE_MODEL] = {404, "invalid_request_error", "model_not_found",
			     "That model does not exist here or is not allowed", false, 0,
			     AT(refused_model_total)},
	[RW_REFUSE_BLOCKED] = {400, "invalid_request_error", "content_policy_violation",
			       "The request was blocked by a guard", false, 0, 0},
	[RW_REFUSE_SCANNER] = {500, "server_error", "scanner_failed",
			       "The request could not be scanned and was not sent on", false, 0, 0},
	[RW_REFUSE_DETECTOR] = {503, "server_error", "detector_unavailable",
				"A detector that has to see the request said nothing usable in "
				"time",
				true, 2, 0},
	[RW_REFUSE_ANSWER_BLOCKED] = {502, "server_error", "answer_blocked",
				      "The model's answer was blocked by a guard", false, 0, 0},
	[RW_REFUSE_ANSWER_SCANNER] = {500, "server_error", "scanner_failed",
				      "The model's answer could not be scanned and was not passed "
				      "on",
				      false, 0, 0},
	[RW_REFUSE_UPSTREAM_DOWN] = {502, "server_error", "upstream_unavailable",
				     "The model provider cannot be reached", true, 1,
				     AT(upstream_errors_total)},
	[RW_REFUSE_UPSTREAM_TIMEOUT] = {504, "server_error", "upstream_timeout",
					"The model provider did not answer in time", true, 1,
					AT(upstream_errors_total)},
	[RW_REFUSE_UPSTREAM_AUTH] = {502, "server_error", "upstream_refused_key",
				     "The model provider refused the gateway's own key", false, 0,
				     AT(upstream_errors_total)},
	[RW_REFUSE_UPSTREAM_ANSWER] = {502, "server_error", "upstream_bad_answer",
				       "The model provider's answer cannot be read and was not "
				       "passed on",
				       false, 0, AT(upstream_errors_total)},
#undef AT
};

enum { SDK_RETRY_MAX_MS = 60000 };

const char *rw_refuse_explain(const char *code)
{
	for (unsigned i = 0; i < RW_REFUSALS; i++)
		if (refusals[i].code && !strcmp(refusals[i].code, code))
			return refusals[i].message;
	return NULL;
}

/* ;at="user[0] 9-22 token, user[3] 0-12 token": where the rule's first findings are. */
static int add_places(struct rw_buf *b, const struct rw_tally *t, uint16_t rule)
{
	const char *before = ";at=\"", *after = "";
	int rc = RW_OK;

	for (unsigned i = 0; i < t->n_places && !rc; i++) {
		const struct rw_place *p = &t->places[i];

		if (p->rule != rule)
			continue;
		rc = rw_buf_addf(
			b, "%s%s[%u] %u-%u %s", before, p->where, p->index, p->start, p->end,
			p->action == RW_ACT_MASK ? rw_redact_name((enum rw_redact)p->as)
						 : rw_action_name((enum rw_action)p->action));
		before = ", ";
		after = "\"";
	}
	return rc ? rc : rw_buf_add_str(b, after);
}

/* "pii.email;n=2, secret.aws_key;n=1": which rules fired and how often, never what they found. */
static struct rw_slice findings_text(struct rw_request *r, const struct rw_tally *t)
{
	struct rw_buf b = {.max = 1024};
	char *text;

	for (unsigned i = 0; i < t->n; i++) {
		const struct rw_rule_info *ri = rw_rules_info(r->snap->rules, t->at[i].rule);

		size_t whole = b.len;

		if (rw_buf_addf(&b, "%s%s;n=%u", i ? ", " : "", ri->id, t->at[i].count) ||
		    (r->places_asked && add_places(&b, t, t->at[i].rule))) {
			b.len = whole; /* over the bound: the first ones are told, audit has all */
			break;
		}
	}
	text = rw_arena_copy(&r->arena, rw_buf_slice(&b));
	rw_buf_free(&b);
	return rw_slice_str(text);
}

static size_t add_findings(struct rw_request *r, struct rw_http_field *f, struct rw_slice name,
			   const struct rw_tally *t)
{
	*f = (struct rw_http_field){name, t->n ? findings_text(r, t) : (struct rw_slice){0}};
	return f->value.n ? 1 : 0;
}

size_t rw_own_fields(struct rw_request *r, struct rw_http_field *f, size_t n)
{
	f[n++] = (struct rw_http_field){RW_SLICE("x-ringwall-request-id"), rw_slice_str(r->id)};
	if ((r->endpoint != RW_EP_CHAT && r->endpoint != RW_EP_SCAN) || !r->verdict[0])
		return n;
	f[n++] = (struct rw_http_field){RW_SLICE("x-ringwall-verdict"), rw_slice_str(r->verdict)};
	n += add_findings(r, &f[n], RW_SLICE("x-ringwall-findings"), &r->found);
	n += add_findings(r, &f[n], RW_SLICE("x-ringwall-answer-findings"), &r->answer_found);
	return n;
}

/* f has room for five more. */
static void send_json(struct rw_request *r, unsigned status, struct rw_http_field *f, size_t n,
		      struct rw_slice text)
{
	f[n++] = (struct rw_http_field){RW_SLICE("content-type"), RW_SLICE("application/json")};
	n = rw_own_fields(r, f, n);
	r->answered = true;
	r->status = status;
	r->answer_bytes += text.n;
	rw_metrics_status(&r->w->metrics, status);
	rw_request_last(r);
	/* A failed write closes the connection, and on_done tells. */
	if (rw_exchange_head(r->x, status, f, n, (int64_t)text.n) ||
	    rw_exchange_body(r->x, text.p, text.n))
		return;
	rw_request_end(r);
}

enum rw_step rw_answer_json(struct rw_request *r, unsigned status, struct rw_slice text)
{
	struct rw_http_field f[8];

	send_json(r, status, f, 0, text);
	return RW_STEP_DONE;
}

/* What is said beside the body. Texts are copied when the head is written, so they may be here. */
struct extra {
	struct rw_http_field at[9];
	size_t n;
	char seconds[24], ms[24];
};

static void add(struct extra *x, struct rw_slice name, struct rw_slice value)
{
	x->at[x->n++] = (struct rw_http_field){name, value};
}

static void add_retry(struct extra *x, enum rw_refusal kind, uint64_t retry_ns)
{
	uint64_t ms = retry_ns ? (retry_ns + 999999) / 1000000 : refusals[kind].retry_s * 1000ull;

	if (ms > SDK_RETRY_MAX_MS)
		ms = SDK_RETRY_MAX_MS;
	if (!refusals[kind].retry)
		add(x, RW_SLICE("x-should-retry"), RW_SLICE("false"));
	if (!refusals[kind].retry || !ms)
		return;
	snprintf(x->seconds, sizeof(x->seconds), "%" PRIu64, (ms + 999) / 1000);
	snprintf(x->ms, sizeof(x->ms), "%" PRIu64, ms);
	add(x, RW_SLICE("retry-after"), rw_slice_str(x->seconds));
	add(x, RW_SLICE("retry-after-ms"), rw_slice_str(x->ms));
}

static void add_extra(struct extra *x, enum rw_refusal kind, const char *detail, uint64_t retry_ns)
{
	add_retry(x, kind, retry_ns);
	if (kind == RW_REFUSE_METHOD)
		add(x, RW_SLICE("allow"), rw_slice_str(detail)); /* RFC 9110 15.5.6 */
	if (refusals[kind].status == 401)
		add(x, RW_SLICE("www-authenticate"), RW_SLICE("Bearer")); /* RFC 9110 15.5.2 */
}

/* Whose findings a block is to be explained by; NULL: it is no block. */
static const struct rw_tally *blamed(const struct rw_request *r, enum rw_refusal kind)
{
	return kind == RW_REFUSE_BLOCKED	  ? &r->found
	       : kind == RW_REFUSE_ANSWER_BLOCKED ? &r->answer_found
						  : NULL;
}

static void put_message(struct rw_request *r, enum rw_refusal kind, const char *detail, char *out,
			size_t room)
{
	const struct rw_tally *t = blamed(r, kind);

	if (t)
		snprintf(out, room, "%s (%.*s; request %s)", refusals[kind].message,
			 RW_SLICE_FMT(findings_text(r, t)), r->id);
	else
		snprintf(out, room, "%s%s%s (request %s)", refusals[kind].message,
			 detail ? ": " : "", detail ? detail : "", r->id);
}

enum rw_step rw_refuse(struct rw_request *r, enum rw_refusal kind, const char *detail,
		       uint64_t retry_ns)
{
	struct rw_buf text = {.max = 8192};
	struct extra x = {0};
	char message[1536];

	RW_BUG_ON(r->answered);
	if (refusals[kind].counter)
		rw_metric_add((_Atomic uint64_t *)(void *)((char *)&r->w->metrics +
							   refusals[kind].counter),
			      1);
	r->reason = refusals[kind].code;
	r->verdict = blamed(r, kind) ? "block" : "refuse";
	put_message(r, kind, detail, message, sizeof(message));
	add_extra(&x, kind, detail, retry_ns);
	if (rw_openai_error(&text, refusals[kind].type, refusals[kind].code, message))
		rw_buf_reset(&text); /* status and code still tell */
	send_json(r, refusals[kind].status, x.at, x.n, rw_buf_slice(&text));
	rw_buf_free(&text);
	return RW_STEP_DONE;
}

void rw_refuse_body(void *user, unsigned status, const char *text, struct rw_buf *out,
		    const char **content_type)
{
	const char *type = status >= 500 ? "server_error" : "invalid_request_error";
	const char *code = status >= 500 ? "overloaded" : "malformed_request";
	struct rw_metrics *m = &((struct rw_worker *)user)->metrics;

	rw_metrics_status(m, status);
	rw_metric_add(status >= 500 ? &m->refused_overload_total : &m->refused_input_total, 1);
	*content_type = "application/json";
	if (rw_openai_error(out, type, code, text))
		rw_buf_reset(out);
}
