/* SPDX-License-Identifier: Apache-2.0 */
/* A record's JSON. Runs in the workers, once a request. */
#include "audit/audit.h"
#include "audit/chain.h"
#include "scan/redact.h"

#include <string.h>

enum { TYPICAL_BYTES = 1024 };

/* Civil time of a day count since 1970, proleptic Gregorian: no time zone lock, no libc. */
static void civil(uint64_t days, unsigned *year, unsigned *month, unsigned *day)
{
	/* Eras of 400 years from 0000-03-01, so that the leap day is a year's last. */
	uint64_t d = days + 719468, era = d / 146097, doe = d % 146097;
	uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	uint64_t mp = (5 * doy + 2) / 153;

	*day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
	*month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	*year = (unsigned)(yoe + era * 400 + (*month <= 2));
}

static char *digits(char *p, unsigned v, int width)
{
	for (int i = width - 1; i >= 0; i--, v /= 10)
		p[i] = (char)('0' + v % 10);
	return p + width;
}

/* RFC 3339 in UTC with milliseconds, quoted: "2026-01-31T23:59:59.999Z" */
static int add_time(struct rw_buf *out, uint64_t ms)
{
	char text[] = "\"0000-00-00T00:00:00.000Z\"";
	unsigned year, month, day, s = (unsigned)(ms / 1000 % 86400);

	civil(ms / 86400000, &year, &month, &day);
	digits(text + 1, year, 4);
	digits(text + 6, month, 2);
	digits(text + 9, day, 2);
	digits(text + 12, s / 3600, 2);
	digits(text + 15, s / 60 % 60, 2);
	digits(text + 18, s % 60, 2);
	digits(text + 21, (unsigned)(ms % 1000), 3);
	return rw_buf_add(out, text, sizeof(text) - 1);
}

/* The three below take names with their punctuation: ,"status": */
static int add_text(struct rw_buf *out, const char *name, struct rw_slice value)
{
	int rc = rw_buf_add_str(out, name);

	return rc ? rc : rw_buf_add_json(out, value);
}

static int add_number(struct rw_buf *out, const char *name, uint64_t value)
{
	int rc = rw_buf_add_str(out, name);

	return rc ? rc : rw_buf_add_u64(out, value);
}

static int add_bool(struct rw_buf *out, const char *name, bool value)
{
	int rc = rw_buf_add_str(out, name);

	return rc ? rc : rw_buf_add_str(out, value ? "true" : "false");
}

static int add_findings(struct rw_buf *out, const char *name, const struct rw_rules *rules,
			const struct rw_tally *t)
{
	int rc = rw_buf_add_str(out, name);

	for (unsigned i = 0; !rc && rules && t && i < t->n; i++) {
		const struct rw_rule_info *info = rw_rules_info(rules, t->at[i].rule);

		rc = add_text(out, i ? ",{\"rule\":" : "{\"rule\":", rw_slice_str(info->id));
		if (!rc)
			rc = add_text(out, ",\"type\":", rw_slice_str(info->type));
		if (!rc)
			rc = add_text(out, ",\"category\":",
				      rw_slice_str(rw_category_name(info->category)));
		if (!rc)
			rc = add_number(out, ",\"count\":", t->at[i].count);
		if (!rc)
			rc = rw_buf_add_str(out, "}");
	}
	return rc ? rc : rw_buf_add_str(out, "]");
}

/* Where the first of them are; a value never is. */
static int add_place(struct rw_buf *out, const struct rw_rules *rules, const struct rw_place *p)
{
	int rc = add_text(out, "{\"rule\":", rw_slice_str(rw_rules_info(rules, p->rule)->id));

	if (!rc)
		rc = add_text(out, ",\"action\":",
			      rw_slice_str(rw_action_name((enum rw_action)p->action)));
	if (!rc && p->action == RW_ACT_MASK)
		rc = add_text(out, ",\"as\":", rw_slice_str(rw_redact_name((enum rw_redact)p->as)));
	if (!rc)
		rc = add_text(out, ",\"in\":", rw_slice_str(p->where));
	if (!rc)
		rc = add_number(out, ",\"index\":", p->index);
	if (!rc)
		rc = add_number(out, ",\"start\":", p->start);
	if (!rc && p->end)
		rc = add_number(out, ",\"end\":", p->end);
	return rc ? rc : rw_buf_add_str(out, "}");
}

static int add_places(struct rw_buf *out, const char *name, const struct rw_rules *rules,
		      const struct rw_tally *t)
{
	int rc = rw_buf_add_str(out, name);

	for (unsigned i = 0; !rc && rules && t && i < t->n_places; i++) {
		rc = i ? rw_buf_add(out, ",", 1) : RW_OK;
		if (!rc)
			rc = add_place(out, rules, &t->places[i]);
	}
	return rc ? rc : rw_buf_add_str(out, "]");
}

/* Keys may stand in a query: whoever forgot to cut it off does not get it logged. */
static struct rw_slice without_query(struct rw_slice path)
{
	for (size_t i = 0; i < path.n; i++)
		if (path.p[i] == '?' || path.p[i] == '#')
			return rw_slice_of(path.p, i);
	return path;
}

static int add_record(const struct rw_audit_record *r, struct rw_buf *out)
{
	const struct {
		struct rw_slice name;
		struct rw_slice value;
	} texts[] = {
		{RW_SLICE(",\"request_id\":"), rw_slice_str(r->request_id)},
		{RW_SLICE(",\"peer\":"), rw_slice_str(r->peer)},
		{RW_SLICE(",\"key_id\":"), rw_slice_str(r->key_id)},
		{RW_SLICE(",\"client_cert\":"), rw_slice_str(r->client_cert)},
		{RW_SLICE(",\"method\":"), r->method},
		{RW_SLICE(",\"path\":"), without_query(r->path)},
		{RW_SLICE(",\"model\":"), r->model},
		{RW_SLICE(",\"verdict\":"), rw_slice_str(r->verdict)},
		{RW_SLICE(",\"reason\":"), rw_slice_str(r->reason)},
		{RW_SLICE(",\"upstream\":"), rw_slice_str(r->upstream)},
		{RW_SLICE(",\"upstream_error\":"), rw_slice_str(r->upstream_error)},
		{RW_SLICE(",\"tls_backend\":"), rw_slice_str(r->tls_backend)},
	};
	const struct {
		struct rw_slice name;
		uint64_t value;
	} numbers[] = {
		{RW_SLICE(",\"status\":"), r->status},
		{RW_SLICE(",\"request_bytes\":"), r->request_bytes},
		{RW_SLICE(",\"answer_bytes\":"), r->answer_bytes},
		{RW_SLICE(",\"prompt_tokens\":"), r->prompt_tokens},
		{RW_SLICE(",\"completion_tokens\":"), r->completion_tokens},
		{RW_SLICE(",\"duration_us\":"), r->duration_us},
		{RW_SLICE(",\"upstream_us\":"), r->upstream_us},
		{RW_SLICE(",\"detector_asked\":"), r->detector_asked},
		{RW_SLICE(",\"detector_failed\":"), r->detector_failed},
		{RW_SLICE(",\"detector_us\":"), r->detector_us},
	};
	int rc = rw_buf_add_str(out, "{\"time\":");

	if (!rc)
		rc = add_time(out, r->time_ms);
	for (size_t i = 0; !rc && i < sizeof(texts) / sizeof(texts[0]); i++) {
		rc = rw_buf_add_slice(out, texts[i].name);
		if (!rc)
			rc = rw_buf_add_json(out, texts[i].value);
	}
	for (size_t i = 0; !rc && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		rc = rw_buf_add_slice(out, numbers[i].name);
		if (!rc)
			rc = rw_buf_add_u64(out, numbers[i].value);
	}
	if (!rc)
		rc = add_bool(out, ",\"stream\":", r->stream);
	if (!rc)
		rc = add_bool(out, ",\"completed\":", r->completed);
	if (!rc)
		rc = add_findings(out, ",\"request_findings\":[", r->rules, r->request_findings);
	if (!rc)
		rc = add_findings(out, ",\"answer_findings\":[", r->rules, r->answer_findings);
	if (!rc)
		rc = add_places(out, ",\"request_places\":[", r->rules, r->request_findings);
	if (!rc)
		rc = add_places(out, ",\"answer_places\":[", r->rules, r->answer_findings);
	return rc ? rc : rw_buf_add_str(out, "}\n");
}

int rw_audit_record_json(const struct rw_audit_record *r, struct rw_buf *out)
{
	size_t before = out->len;
	int rc;

	if (!out->max || out->max - out->len >= TYPICAL_BYTES)
		(void)rw_buf_reserve(out, TYPICAL_BYTES); /* one allocation, not three; if not: */
	rc = add_record(r, out);
	if (rc)
		out->len = before;
	return rc;
}

static int add_event(const struct rw_audit_event *ev, struct rw_buf *out)
{
	const struct {
		const char *name, *value;
	} texts[] = {
		{",\"event\":", ev->event},   {",\"source\":", ev->source},
		{",\"key_id\":", ev->key_id}, {",\"verdict\":", ev->verdict},
		{",\"reason\":", ev->reason},
	};
	int rc = rw_buf_add_str(out, "{\"time\":");

	if (!rc)
		rc = add_time(out, ev->time_ms);
	for (size_t i = 0; !rc && i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].value)
			rc = add_text(out, texts[i].name, rw_slice_str(texts[i].value));
	if (!rc && ev->packets)
		rc = add_number(out, ",\"packets\":", ev->packets);
	if (!rc && ev->seconds)
		rc = add_number(out, ",\"seconds\":", ev->seconds);
	if (!rc && ev->shadow)
		rc = add_bool(out, ",\"shadow\":", true);
	return rc ? rc : rw_buf_add_str(out, "}\n");
}

int rw_audit_stray_json(uint64_t time_ms, uint64_t bytes, const unsigned char *sha256,
			struct rw_buf *out)
{
	char stray[RW_CHAIN_STRAY];
	int rc = rw_buf_reserve(out, RW_CHAIN_STRAY + 64);

	if (rc)
		return rc;
	rw_chain_stray(bytes, sha256, stray);
	(void)rw_buf_add_str(out, "{\"time\":"); /* there is room */
	(void)add_time(out, time_ms);
	(void)rw_buf_add_str(out, stray);
	return rw_buf_add_str(out, "}\n");
}

int rw_audit_event_json(const struct rw_audit_event *ev, struct rw_buf *out)
{
	size_t before = out->len;
	int rc = add_event(ev, out);

	if (rc)
		out->len = before;
	return rc;
}
