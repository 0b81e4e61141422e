/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/record.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yyjson.h>

#include "gate/refuse.h"

enum { SAY_BYTES = 4096 };

/* A model's name or a path is the caller's word: nothing in it moves a terminal (C0, C1, DEL). */
static void disarm(char *s)
{
	for (unsigned char *p = (unsigned char *)s; *p; p++)
		if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
			*p = '?';
}

__attribute__((format(printf, 2, 3))) static void say(const char *what, const char *fmt, ...)
{
	char text[SAY_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	disarm(text);
	printf("%-10s %s\n", what, text);
}

/* A member that is a text with something in it; NULL otherwise. */
static const char *text_of(yyjson_val *o, const char *name)
{
	const char *s = yyjson_get_str(yyjson_obj_get(o, name));

	return s && *s ? s : NULL;
}

static const char *text_or(yyjson_val *o, const char *name, const char *otherwise)
{
	const char *s = text_of(o, name);

	return s ? s : otherwise;
}

static uint64_t number_of(yyjson_val *o, const char *name)
{
	return yyjson_get_uint(yyjson_obj_get(o, name));
}

/* What is no refusal of the gateway. */
static const char *explain(const char *reason)
{
	static const struct {
		const char *reason, *text;
	} others[] = {
		{"client_gone", "The caller left before it had all of its answer"},
		{"client_stalled", "The caller took nothing of its answer for too long"},
		{"gateway_stopped", "The gateway stopped, and the time for draining was over"},
		{"upstream_broke_off", "The provider's stream ended before it was complete"},
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcmp(reason, others[i].reason))
			return others[i].text;
	return rw_refuse_explain(reason);
}

static void say_findings(yyjson_val *o, const char *member, const char *where)
{
	size_t i, n;
	yyjson_val *f;

	yyjson_arr_foreach(yyjson_obj_get(o, member), i, n, f)
	{
		say("found", "%s (%s, %s) %" PRIu64 " times in the %s", text_or(f, "rule", "?"),
		    text_or(f, "type", "?"), text_or(f, "category", "?"), number_of(f, "count"),
		    where);
	}
}

static void say_places(yyjson_val *o, const char *member, const char *where)
{
	size_t i, n;
	yyjson_val *p;

	yyjson_arr_foreach(yyjson_obj_get(o, member), i, n, p)
	{
		say("place", "%s in the %s's %s[%" PRIu64 "], from byte %" PRIu64 ": %s",
		    text_or(p, "rule", "?"), where, text_or(p, "in", "text"), number_of(p, "index"),
		    number_of(p, "start"), text_or(p, "action", "?"));
	}
}

static void say_result(yyjson_val *o)
{
	const char *reason = text_of(o, "reason"), *text = reason ? explain(reason) : NULL;
	const char *upstream = text_of(o, "upstream"), *broke = text_of(o, "upstream_error");

	say("verdict", "%s", text_or(o, "verdict", "none"));
	say("answered", "%" PRIu64 "%s%s after %.3f ms, %s", number_of(o, "status"),
	    reason ? " " : "", reason ? reason : "", (double)number_of(o, "duration_us") / 1000,
	    yyjson_get_bool(yyjson_obj_get(o, "completed")) ? "complete" : "not complete");
	if (text)
		say("why", "%s", text);
	if (upstream)
		say("upstream", "%s%s%s", upstream, broke ? ": " : "", broke ? broke : "");
	else
		say("upstream", "none: nothing left the gateway");
}

static void say_request(yyjson_val *o)
{
	const char *key = text_of(o, "key_id"), *cert = text_of(o, "client_cert");
	const char *model = text_of(o, "model");

	say("request", "%s", text_of(o, "request_id"));
	say("time", "%s", text_or(o, "time", ""));
	say("caller", "%s, %s%s%s", text_or(o, "peer", "unknown address"),
	    key ? key : "no valid key", cert ? ", certificate of " : "", cert ? cert : "");
	say("asked", "%s %s%s%s", text_or(o, "method", ""), text_or(o, "path", ""),
	    model ? ", model " : "", model ? model : "");
}

int rw_cmd_print_record(struct rw_slice line, struct rw_error *e)
{
	yyjson_doc *doc = yyjson_read(line.p, line.n, 0);
	yyjson_val *o = yyjson_doc_get_root(doc);

	if (!text_of(o, "request_id")) {
		yyjson_doc_free(doc);
		return rw_fail(e, RW_EINVAL, "the record cannot be read");
	}
	say_request(o);
	say_result(o);
	say_findings(o, "request_findings", "request");
	say_findings(o, "answer_findings", "answer");
	say_places(o, "request_places", "request");
	say_places(o, "answer_places", "answer");
	yyjson_doc_free(doc);
	return RW_OK;
}
