/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/chunk.h"

#include <stdlib.h>

const struct rw_field_form rw_field_forms[RW_FIELD_COUNT] = {
	[RW_FIELD_CONTENT] = {"\"delta\":{\"content\":\"", NULL, "\"}", false, "content"},
	[RW_FIELD_PART] = {"\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"", NULL, "\"}]}",
			   false, "content"},
	[RW_FIELD_REFUSAL] = {"\"delta\":{\"refusal\":\"", NULL, "\"}", false, "refusal"},
	[RW_FIELD_REASONING_CONTENT] = {"\"delta\":{\"reasoning_content\":\"", NULL, "\"}", false,
					"reasoning_content"},
	[RW_FIELD_REASONING] = {"\"delta\":{\"reasoning\":\"", NULL, "\"}", false, "reasoning"},
	[RW_FIELD_THINKING] = {"\"delta\":{\"thinking\":\"", NULL, "\"}", false, "thinking"},
	[RW_FIELD_DETAIL_TEXT] = {"\"delta\":{\"reasoning_details\":[{\"type\":\"reasoning.text\","
				  "\"index\":",
				  ",\"text\":\"", "\"}]}", false, "reasoning_details"},
	[RW_FIELD_DETAIL_SUMMARY] = {"\"delta\":{\"reasoning_details\":[{\"type\":"
				     "\"reasoning.summary\",\"index\":",
				     ",\"summary\":\"", "\"}]}", false, "reasoning_details"},
	[RW_FIELD_TRANSCRIPT] = {"\"delta\":{\"audio\":{\"transcript\":\"", NULL, "\"}}", false,
				 "transcript"},
	[RW_FIELD_TOOL_ARGUMENTS] = {"\"delta\":{\"tool_calls\":[{\"index\":",
				     ",\"function\":{\"arguments\":\"", "\"}}]}", true,
				     "arguments"},
	[RW_FIELD_TOOL_INPUT] = {"\"delta\":{\"tool_calls\":[{\"index\":",
				 ",\"custom\":{\"input\":\"", "\"}}]}", false, "input"},
	[RW_FIELD_CALL_ARGUMENTS] = {"\"delta\":{\"function_call\":{\"arguments\":\"", NULL, "\"}}",
				     true, "arguments"},
	[RW_FIELD_TEXT] = {"\"text\":\"", NULL, "\"", false, "text"},
};

#define NAME(literal) {literal, sizeof(literal) - 1}
const struct rw_slice rw_envelope_names[RW_ENVELOPE] = {
	NAME("\"id\":"),
	NAME("\"object\":"),
	NAME("\"created\":"),
	NAME("\"model\":"),
	NAME("\"system_fingerprint\":"),
};
#undef NAME

struct reader {
	struct rw_chunk *c;
	bool stream, lanes; /* lanes: inside a delta */
	uint64_t choice, index;
	bool has_error;
};

/* --- spots ------------------------------------------------------------------------------- */

static int grow_spots(struct rw_json *j, struct rw_chunk *c)
{
	unsigned cap = c->cap ? c->cap * 2 : 4;
	struct rw_spot *more;

	if (c->n == RW_SPOTS_MAX)
		return rw_fail(j->e, RW_ELIMIT, "the answer holds more than %u texts",
			       (unsigned)RW_SPOTS_MAX);
	more = realloc(c->spots, cap * sizeof(*more));
	if (!more)
		return rw_fail(j->e, RW_ENOMEM, "out of memory for this answer");
	c->spots = more;
	c->cap = cap;
	return RW_OK;
}

static int add_spot(struct rw_json *j, struct reader *r, enum rw_spot_kind kind,
		    enum rw_field field, struct rw_span at)
{
	int rc = r->c->n == r->c->cap ? grow_spots(j, r->c) : RW_OK;

	if (!rc)
		r->c->spots[r->c->n++] = (struct rw_spot){.kind = kind, .field = field, .at = at};
	return rc;
}

static int add_text(struct rw_json *j, struct reader *r, enum rw_spot_kind kind,
		    enum rw_field field)
{
	struct rw_span at;
	int rc = rw_json_string(j, &at);

	return rc ? rc : add_spot(j, r, kind, field, at);
}

/* --- texts ------------------------------------------------------------------------------- */

static int read_all_texts(struct rw_json *j, void *ctx, int arg)
{
	static const struct rw_json_shape all = {.other = read_all_texts};

	switch (rw_json_peek(j)) {
	case RW_JSON_STRING:
		return add_text(j, ctx, RW_SPOT_TEXT, 0);
	case RW_JSON_OBJECT:
		return rw_json_members(j, &all, ctx);
	case RW_JSON_ARRAY:
		return rw_json_elements(j, read_all_texts, ctx, arg);
	default:
		return rw_json_skip(j, NULL);
	}
}

/* arg is the field. In a form that is not known, each string is a text of its own. */
static int read_text(struct rw_json *j, void *ctx, int arg)
{
	struct reader *r = ctx;

	if (rw_json_peek(j) != RW_JSON_STRING)
		return read_all_texts(j, r, 0);
	return add_text(j, r, r->lanes ? RW_SPOT_LANE : RW_SPOT_TEXT, (enum rw_field)arg);
}

static int read_part(struct rw_json *j, void *ctx, int arg)
{
	static const struct rw_json_member members[] = {
		RW_MEMBER("type", NULL, 0),
		RW_MEMBER("text", read_text, RW_FIELD_PART),
		RW_MEMBER("refusal", read_text, RW_FIELD_REFUSAL),
		RW_MEMBER("thinking", read_all_texts, 0),
	};
	static const struct rw_json_shape part = {RW_SHAPE(members), false, NULL};

	if (rw_json_peek(j) != RW_JSON_OBJECT)
		return read_text(j, ctx, arg);
	return rw_json_members(j, &part, ctx);
}

static int read_content(struct rw_json *j, void *ctx, int arg)
{
	if (rw_json_peek(j) == RW_JSON_ARRAY)
		return rw_json_elements(j, read_part, ctx, RW_FIELD_PART);
	return read_text(j, ctx, arg);
}

/* --- tool calls and reasoning details: elements that carry an index ---------------------- */

static int read_index(struct rw_json *j, void *ctx, int arg)
{
	struct reader *r = ctx;
	bool whole = false;
	int rc;

	(void)arg;
	if (rw_json_peek(j) == RW_JSON_NULL)
		return rw_json_skip(j, NULL);
	rc = rw_json_u64(j, &r->index, &whole);
	return rc || whole ? rc : rw_json_fail(j, "an index is no whole number");
}

static int read_function(struct rw_json *j, void *ctx, int arg)
{
	static const struct rw_json_member members[] = {
		RW_MEMBER("name", NULL, 0),
		RW_MEMBER("arguments", read_text, RW_FIELD_TOOL_ARGUMENTS),
		RW_MEMBER("input", read_text, RW_FIELD_TOOL_INPUT),
	};
	static const struct rw_json_shape function = {RW_SHAPE(members), false, NULL};

	(void)arg;
	if (rw_json_peek(j) != RW_JSON_OBJECT)
		return read_all_texts(j, ctx, 0);
	return rw_json_members(j, &function, ctx);
}

static const struct rw_json_member tool_call_members[] = {
	RW_MEMBER("id", NULL, 0),
	RW_MEMBER("type", NULL, 0),
	RW_MEMBER("index", read_index, 0),
	RW_MEMBER("function", read_function, 0),
	RW_MEMBER("custom", read_function, 0),
};
static const struct rw_json_shape tool_call = {RW_SHAPE(tool_call_members), false, NULL};

static const struct rw_json_member detail_members[] = {
	RW_MEMBER("id", NULL, 0),
	RW_MEMBER("type", NULL, 0),
	RW_MEMBER("index", read_index, 0),
	RW_MEMBER("text", read_text, RW_FIELD_DETAIL_TEXT),
	RW_MEMBER("summary", read_text, RW_FIELD_DETAIL_SUMMARY),
};
static const struct rw_json_shape detail = {RW_SHAPE(detail_members), false, NULL};

struct indexed {
	struct reader *r;
	const struct rw_json_shape *shape;
	uint64_t position;
};

static int read_indexed(struct rw_json *j, void *ctx, int arg)
{
	struct indexed *list = ctx;
	unsigned first = list->r->c->n;
	int rc;

	if (rw_json_peek(j) != RW_JSON_OBJECT)
		return read_all_texts(j, list->r, arg);
	list->r->index = list->position++; /* some leave it out */
	rc = rw_json_members(j, list->shape, list->r);
	/* It may stand behind the texts. */
	for (unsigned i = first; i < list->r->c->n; i++)
		list->r->c->spots[i].index = list->r->index;
	list->r->index = 0;
	return rc;
}

static int read_list(struct rw_json *j, struct reader *r, const struct rw_json_shape *shape)
{
	struct indexed list = {.r = r, .shape = shape};

	if (rw_json_peek(j) != RW_JSON_ARRAY)
		return read_all_texts(j, r, 0);
	return rw_json_elements(j, read_indexed, &list, 0);
}

static int read_tool_calls(struct rw_json *j, void *ctx, int arg)
{
	(void)arg;
	return read_list(j, ctx, &tool_call);
}

static int read_details(struct rw_json *j, void *ctx, int arg)
{
	(void)arg;
	return read_list(j, ctx, &detail);
}

static int read_function_call(struct rw_json *j, void *ctx, int arg)
{
	static const struct rw_json_member members[] = {
		RW_MEMBER("name", NULL, 0),
		RW_MEMBER("arguments", read_text, RW_FIELD_CALL_ARGUMENTS),
	};
	static const struct rw_json_shape call = {RW_SHAPE(members), false, NULL};

	(void)arg;
	if (rw_json_peek(j) != RW_JSON_OBJECT)
		return read_all_texts(j, ctx, 0);
	return rw_json_members(j, &call, ctx);
}

static int read_audio(struct rw_json *j, void *ctx, int arg)
{
	static const struct rw_json_member members[] = {
		RW_MEMBER("id", NULL, 0),
		RW_MEMBER("data", NULL, 0),
		RW_MEMBER("transcript", read_text, RW_FIELD_TRANSCRIPT),
	};
	static const struct rw_json_shape audio = {RW_SHAPE(members), false, NULL};

	(void)arg;
	if (rw_json_peek(j) != RW_JSON_OBJECT)
		return rw_json_skip(j, NULL);
	return rw_json_members(j, &audio, ctx);
}

/* --- choices ----------------------------------------------------------------------------- */

/* arg: the texts go on in later chunks. */
static int read_message(struct rw_json *j, void *ctx, int arg)
{
	static const struct rw_json_member members[] = {
		RW_MEMBER("role", NULL, 0),
		RW_MEMBER("content", read_content, RW_FIELD_CONTENT),
		RW_MEMBER("refusal", read_text, RW_FIELD_REFUSAL),
		RW_MEMBER("reasoning_content", read_text, RW_FIELD_REASONING_CONTENT),
		RW_MEMBER("reasoning", read_text, RW_FIELD_REASONING),
		RW_MEMBER("thinking", read_text, RW_FIELD_THINKING),
		RW_MEMBER("reasoning_details", read_details, 0),
		RW_MEMBER("audio", read_audio, 0),
		RW_MEMBER("tool_calls", read_tool_calls, 0),
		RW_MEMBER("function_call", read_function_call, 0),
	};
	static const struct rw_json_shape message = {RW_SHAPE(members), false, NULL};
	struct reader *r = ctx;
	int rc;

	if (rw_json_peek(j) != RW_JSON_OBJECT)
		return read_all_texts(j, r, 0);
	r->lanes = r->stream && arg;
	rc = rw_json_members(j, &message, r);
	r->lanes = false;
	return rc;
}

static int read_choice_text(struct rw_json *j, void *ctx, int arg)
{
	struct reader *r = ctx;
	int rc;

	r->lanes = r->stream;
	rc = read_text(j, r, arg);
	r->lanes = false;
	return rc;
}

static int read_logprobs(struct rw_json *j, void *ctx, int arg)
{
	bool null = rw_json_peek(j) == RW_JSON_NULL;
	struct rw_span at;
	int rc = rw_json_skip(j, &at);

	(void)arg;
	return rc || null ? rc : add_spot(j, ctx, RW_SPOT_LOGPROBS, 0, at);
}

/* Some send "" until there is one. */
static int read_finish(struct rw_json *j, void *ctx, int arg)
{
	struct rw_span at;
	int rc;

	(void)arg;
	if (rw_json_peek(j) != RW_JSON_STRING)
		return rw_json_skip(j, NULL);
	rc = rw_json_string(j, &at);
	return rc || at.start == at.end ? rc : add_spot(j, ctx, RW_SPOT_FINISH, 0, at);
}

static int read_choice_index(struct rw_json *j, void *ctx, int arg)
{
	struct reader *r = ctx;
	uint64_t keep = r->index;
	int rc;

	r->index = r->choice;
	rc = read_index(j, r, arg);
	r->choice = r->index;
	r->index = keep;
	return rc;
}

struct choices {
	struct reader *r;
	uint64_t position;
};

static int read_choice(struct rw_json *j, void *ctx, int arg)
{
	static const struct rw_json_member members[] = {
		RW_MEMBER("index", read_choice_index, 0),
		RW_MEMBER("delta", read_message, 1),
		RW_MEMBER("message", read_message, 0),
		RW_MEMBER("text", read_choice_text, RW_FIELD_TEXT),
		RW_MEMBER("logprobs", read_logprobs, 0),
		RW_MEMBER("finish_reason", read_finish, 0),
	};
	static const struct rw_json_shape choice = {RW_SHAPE(members), false, NULL};
	struct choices *list = ctx;
	struct reader *r = list->r;
	unsigned first = r->c->n;
	int rc;

	(void)arg;
	r->choice = list->position++;
	rc = rw_json_members(j, &choice, r);
	for (unsigned i = first; i < r->c->n; i++)
		r->c->spots[i].choice = r->choice;
	return rc;
}

static int read_choices(struct rw_json *j, void *ctx, int arg)
{
	struct reader *r = ctx;
	struct choices list = {.r = r};

	if (rw_json_peek(j) == RW_JSON_NULL)
		return rw_json_skip(j, NULL);
	r->c->has_choices = true;
	return rw_json_elements(j, read_choice, &list, arg);
}

/* --- the root ---------------------------------------------------------------------------- */

/* Scalars hold no line ends, so they can be put into an event as they are. */
static int read_envelope(struct rw_json *j, void *ctx, int arg)
{
	struct reader *r = ctx;
	enum rw_json_type type = rw_json_peek(j);
	bool scalar = type != RW_JSON_OBJECT && type != RW_JSON_ARRAY;

	return rw_json_skip(j, scalar ? &r->c->envelope[arg] : NULL);
}

static int read_tokens(struct rw_json *j, void *ctx, int arg)
{
	struct rw_usage *u = ctx;
	bool whole;
	int rc;

	if (rw_json_peek(j) != RW_JSON_NUMBER)
		return rw_json_skip(j, NULL);
	rc = rw_json_u64(j, arg ? &u->completion_tokens : &u->prompt_tokens, &whole);
	u->known |= !rc && whole;
	return rc;
}

static int read_usage(struct rw_json *j, void *ctx, int arg)
{
	static const struct rw_json_member members[] = {
		RW_MEMBER("prompt_tokens", read_tokens, 0),
		RW_MEMBER("completion_tokens", read_tokens, 1),
	};
	static const struct rw_json_shape usage = {RW_SHAPE(members), false, NULL};
	struct reader *r = ctx;

	(void)arg;
	if (rw_json_peek(j) != RW_JSON_OBJECT)
		return rw_json_skip(j, NULL);
	return rw_json_members(j, &usage, &r->c->usage);
}

static int read_error(struct rw_json *j, void *ctx, int arg)
{
	struct reader *r = ctx;

	r->has_error = rw_json_peek(j) != RW_JSON_NULL;
	return read_all_texts(j, r, arg);
}

static int read_unknown(struct rw_json *j, void *ctx, int arg)
{
	struct reader *r = ctx;

	(void)arg;
	if (rw_json_peek(j) != RW_JSON_STRING)
		return rw_json_skip(j, NULL);
	return rw_json_string(j, &r->c->padding);
}

static int read_root(struct rw_json *j, struct reader *r)
{
	static const struct rw_json_member members[] = {
		RW_MEMBER("id", read_envelope, 0),
		RW_MEMBER("object", read_envelope, 1),
		RW_MEMBER("created", read_envelope, 2),
		RW_MEMBER("model", read_envelope, 3),
		RW_MEMBER("system_fingerprint", read_envelope, 4),
		RW_MEMBER("choices", read_choices, 0),
		RW_MEMBER("usage", read_usage, 0),
		RW_MEMBER("error", read_error, 0),
	};
	static const struct rw_json_shape root = {RW_SHAPE(members), false, read_unknown};
	int rc = rw_json_members(j, &root, r);

	return rc ? rc : rw_json_end(j);
}

int rw_chunk_read(struct rw_chunk *c, struct rw_slice json, bool stream, struct rw_error *e)
{
	struct reader r = {.c = c, .stream = stream};
	struct rw_json j;
	int rc;

	*c = (struct rw_chunk){.spots = c->spots, .cap = c->cap};
	rc = rw_json_init(&j, json, 0, e);
	if (!rc)
		rc = read_root(&j, &r);
	if (rc || c->has_choices || r.has_error)
		return rc;
	c->n = 0;
	rc = rw_json_init(&j, json, 0, e);
	return rc ? rc : read_all_texts(&j, &r, 0);
}

void rw_chunk_free(struct rw_chunk *c)
{
	free(c->spots);
	*c = (struct rw_chunk){0};
}
