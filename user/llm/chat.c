/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a request: one table for each kind of object tells which of its members
 * hold text and which tell what the request means.
 */
#include "llm/openai.h"

#include "llm/json.h"

enum { TEXTS_MAX = 8192, MESSAGES_MAX = 2048, TEXTS_FIRST = 16 };
enum { NO_MESSAGE = -1 };

struct parse {
	struct rw_chat *chat;
	struct rw_arena *a;
	unsigned texts_max, messages_max, texts_cap;
	int message; /* the one that is being read, for error texts */
	enum rw_role role;
	bool has_model, has_messages;
};

/* Wrong meaning in right JSON: what is a sentence's end, naming the member. */
static int wrong(struct rw_json *j, const struct parse *p, const char *what)
{
	if (p->message == NO_MESSAGE)
		return rw_fail(j->e, RW_EINVAL, "%s", what);
	return rw_fail(j->e, RW_EINVAL, "messages[%d]: %s", p->message, what);
}

static int no_memory(struct rw_json *j)
{
	return rw_fail(j->e, RW_ENOMEM, "out of memory for this request");
}

static bool skip_null(struct rw_json *j, int *rc)
{
	if (rw_json_peek(j) != RW_JSON_NULL)
		return false;
	*rc = rw_json_skip(j, NULL);
	return true;
}

/* What the string says, in the arena. */
static int copy_string(struct rw_json *j, const struct parse *p, struct rw_span s,
		       struct rw_slice *out)
{
	struct rw_slice raw = rw_json_raw(j, s);
	char *copy = rw_arena_copy(p->a, raw);

	if (!copy)
		return no_memory(j);
	*out = rw_slice_of(copy, s.escaped ? rw_json_unescape(raw, copy) : raw.n);
	return RW_OK;
}

/* --- texts ------------------------------------------------------------------------------- */

static int grow_texts(struct rw_json *j, struct parse *p)
{
	unsigned cap = p->texts_cap ? p->texts_cap * 2 : TEXTS_FIRST;
	struct rw_text *more = rw_arena_alloc(p->a, cap * sizeof(*more));

	if (!more)
		return no_memory(j);
	if (p->chat->n_texts)
		memcpy(more, p->chat->texts, p->chat->n_texts * sizeof(*more));
	p->chat->texts = more;
	p->texts_cap = cap;
	return RW_OK;
}

static int add_text(struct rw_json *j, struct parse *p)
{
	struct rw_span s;
	struct rw_text *t;
	int rc = rw_json_string(j, &s);

	if (rc)
		return rc;
	if (p->chat->n_texts == p->texts_max)
		return rw_fail(j->e, RW_ELIMIT, "the request holds more than %u texts",
			       p->texts_max);
	if (p->chat->n_texts == p->texts_cap) {
		rc = grow_texts(j, p);
		if (rc)
			return rc;
	}
	t = &p->chat->texts[p->chat->n_texts++];
	*t = (struct rw_text){.role = p->role, .raw_start = s.start, .raw_end = s.end};
	return copy_string(j, p, s, &t->text);
}

static int read_all_texts(struct rw_json *j, void *ctx, int arg);

/* Where text is expected in a form that the specification does not know: every string counts. */
static int read_all_texts(struct rw_json *j, void *ctx, int arg)
{
	static const struct rw_json_shape all = {.other = read_all_texts};

	switch (rw_json_peek(j)) {
	case RW_JSON_STRING:
		return add_text(j, ctx);
	case RW_JSON_OBJECT:
		return rw_json_members(j, &all, ctx);
	case RW_JSON_ARRAY:
		return rw_json_elements(j, read_all_texts, ctx, arg);
	default:
		return rw_json_skip(j, NULL);
	}
}

/* A string that is JSON itself; some send the object. */
static int read_arguments(struct rw_json *j, void *ctx, int arg)
{
	struct parse *p = ctx;
	bool string = rw_json_peek(j) == RW_JSON_STRING;
	int rc = read_all_texts(j, p, arg);

	if (!rc && string)
		p->chat->texts[p->chat->n_texts - 1].json = true;
	return rc;
}

/* --- content ----------------------------------------------------------------------------- */

static int read_content(struct rw_json *j, void *ctx, int arg);

/* A part's kind is not asked: whatever it calls itself, its text is text. */
static int read_part(struct rw_json *j, void *ctx, int arg)
{
	static const struct rw_json_member members[] = {
		RW_MEMBER("type", NULL, 0),
		RW_MEMBER("text", read_all_texts, 0),
		RW_MEMBER("refusal", read_all_texts, 0),
		RW_MEMBER("thinking", read_all_texts, 0),
		RW_MEMBER("reasoning", read_all_texts, 0),
		RW_MEMBER("content", read_content, 0), /* a part of parts: tool results */
		RW_MEMBER("output", read_all_texts, 0),
		RW_MEMBER("input", read_all_texts, 0),
		RW_MEMBER("arguments", read_arguments, 0),
	};
	static const struct rw_json_shape part = {RW_SHAPE(members), false, NULL};

	(void)arg;
	switch (rw_json_peek(j)) {
	case RW_JSON_OBJECT:
		return rw_json_members(j, &part, ctx);
	case RW_JSON_STRING:
		return add_text(j, ctx);
	default:
		return wrong(j, ctx, "\"content\" may hold parts (objects) and strings only");
	}
}

static int read_content(struct rw_json *j, void *ctx, int arg)
{
	int rc;

	if (skip_null(j, &rc))
		return rc;
	switch (rw_json_peek(j)) {
	case RW_JSON_STRING:
		return add_text(j, ctx);
	case RW_JSON_ARRAY:
		return rw_json_elements(j, read_part, ctx, arg);
	default:
		return wrong(j, ctx, "\"content\" must be a string, an array of parts or null");
	}
}

/* --- messages ---------------------------------------------------------------------------- */

static int read_function(struct rw_json *j, void *ctx, int arg)
{
	static const struct rw_json_member members[] = {
		RW_MEMBER("name", NULL, 0), RW_MEMBER("arguments", read_arguments, 0),
		RW_MEMBER("input", read_all_texts, 0), /* a custom tool's */
	};
	static const struct rw_json_shape function = {RW_SHAPE(members), false, NULL};

	(void)arg;
	if (rw_json_peek(j) == RW_JSON_OBJECT)
		return rw_json_members(j, &function, ctx);
	return rw_json_skip(j, NULL); /* "function_call": "auto" */
}

static int read_tool_call(struct rw_json *j, void *ctx, int arg)
{
	static const struct rw_json_member members[] = {
		RW_MEMBER("id", NULL, 0),
		RW_MEMBER("type", NULL, 0),
		RW_MEMBER("function", read_function, 0),
		RW_MEMBER("custom", read_function, 0),
	};
	static const struct rw_json_shape call = {RW_SHAPE(members), false, NULL};

	(void)arg;
	if (rw_json_peek(j) != RW_JSON_OBJECT)
		return wrong(j, ctx, "\"tool_calls\" may hold objects only");
	return rw_json_members(j, &call, ctx);
}

static int read_tool_calls(struct rw_json *j, void *ctx, int arg)
{
	int rc;

	if (skip_null(j, &rc))
		return rc;
	if (rw_json_peek(j) != RW_JSON_ARRAY)
		return wrong(j, ctx, "\"tool_calls\" must be an array");
	return rw_json_elements(j, read_tool_call, ctx, arg);
}

static int read_role(struct rw_json *j, void *ctx, int arg)
{
	static const struct {
		const char *name;
		enum rw_role role;
	} roles[] = {
		{"user", RW_ROLE_USER},	       {"system", RW_ROLE_SYSTEM},
		{"developer", RW_ROLE_SYSTEM}, {"assistant", RW_ROLE_ASSISTANT},
		{"tool", RW_ROLE_TOOL},	       {"function", RW_ROLE_TOOL},
	};
	struct parse *p = ctx;
	struct rw_slice name = {0};
	struct rw_span s;
	int rc;

	(void)arg;
	if (rw_json_peek(j) != RW_JSON_STRING)
		return wrong(j, p, "\"role\" must be a string");
	rc = rw_json_string(j, &s);
	if (!rc)
		rc = copy_string(j, p, s, &name);
	if (rc)
		return rc;
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (rw_slice_is(name, roles[i].name))
			p->role = roles[i].role;
	return RW_OK;
}

static int read_message_object(struct rw_json *j, struct parse *p)
{
	static const struct rw_json_member members[] = {
		RW_MEMBER("role", read_role, 0),
		RW_MEMBER("content", read_content, 0),
		RW_MEMBER("refusal", read_all_texts, 0),
		RW_MEMBER("reasoning_content", read_all_texts, 0),
		RW_MEMBER("reasoning", read_all_texts, 0),
		RW_MEMBER("thinking", read_all_texts, 0),
		RW_MEMBER("tool_calls", read_tool_calls, 0),
		RW_MEMBER("function_call", read_function, 0),
		RW_MEMBER("arguments", read_arguments, 0), /* items of "input" */
		RW_MEMBER("output", read_all_texts, 0),
		RW_MEMBER("summary", read_all_texts, 0),
		RW_MEMBER("text", read_all_texts, 0),
	};
	static const struct rw_json_shape message = {RW_SHAPE(members), false, NULL};
	unsigned first = p->chat->n_texts;
	int rc;

	p->role = RW_ROLE_OTHER;
	rc = rw_json_members(j, &message, p);
	/* The role may stand behind the texts. */
	for (unsigned i = first; i < p->chat->n_texts; i++)
		p->chat->texts[i].role = p->role;
	p->role = RW_ROLE_USER;
	return rc;
}

static int read_message(struct rw_json *j, void *ctx, int arg)
{
	struct parse *p = ctx;
	int rc;

	(void)arg;
	p->message = (int)p->chat->n_messages;
	if (p->chat->n_messages == p->messages_max)
		return rw_fail(j->e, RW_ELIMIT, "the request holds more than %u messages",
			       p->messages_max);
	p->chat->n_messages++;
	if (rw_json_peek(j) != RW_JSON_OBJECT)
		return wrong(j, p, "a message must be an object");
	rc = read_message_object(j, p);
	p->message = NO_MESSAGE;
	return rc;
}

static int read_messages(struct rw_json *j, void *ctx, int arg)
{
	struct parse *p = ctx;

	if (rw_json_peek(j) != RW_JSON_ARRAY)
		return wrong(j, p, "\"messages\" must be an array");
	p->has_messages = true;
	return rw_json_elements(j, read_message, p, arg);
}

/* --- the other places for prompts -------------------------------------------------------- */

/* "prompt" and "input": a string, strings, or messages. */
static int read_prompt_element(struct rw_json *j, void *ctx, int arg)
{
	(void)arg;
	switch (rw_json_peek(j)) {
	case RW_JSON_STRING:
		return add_text(j, ctx);
	case RW_JSON_OBJECT:
		return read_message_object(j, ctx);
	default:
		return wrong(j, ctx, "prompts as token numbers cannot be scanned: send text");
	}
}

static int read_prompt(struct rw_json *j, void *ctx, int arg)
{
	struct parse *p = ctx;
	int rc;

	if (skip_null(j, &rc))
		return rc;
	p->has_messages = true;
	if (rw_json_peek(j) == RW_JSON_ARRAY)
		return rw_json_elements(j, read_prompt_element, p, arg);
	return read_prompt_element(j, p, arg);
}

static int read_prediction(struct rw_json *j, void *ctx, int arg)
{
	static const struct rw_json_member members[] = {
		RW_MEMBER("type", NULL, 0),
		RW_MEMBER("content", read_content, 0),
	};
	static const struct rw_json_shape prediction = {RW_SHAPE(members), false, NULL};
	int rc;

	(void)arg;
	return skip_null(j, &rc) ? rc : rw_json_members(j, &prediction, ctx);
}

/* Everything that the model is told about tools and formats, at any depth of their schemas. */
static int read_descriptions(struct rw_json *j, void *ctx, int arg);

static int read_description(struct rw_json *j, void *ctx, int arg)
{
	/* A string is a description; an object is a property that is called so. */
	return rw_json_peek(j) == RW_JSON_STRING ? add_text(j, ctx)
						 : read_descriptions(j, ctx, arg);
}

static int read_descriptions(struct rw_json *j, void *ctx, int arg)
{
	static const struct rw_json_member members[] = {
		RW_MEMBER("description", read_description, 0),
	};
	static const struct rw_json_shape schema = {RW_SHAPE(members), true, read_descriptions};

	switch (rw_json_peek(j)) {
	case RW_JSON_OBJECT:
		return rw_json_members(j, &schema, ctx);
	case RW_JSON_ARRAY:
		return rw_json_elements(j, read_descriptions, ctx, arg);
	default:
		return rw_json_skip(j, NULL);
	}
}

static int with_role(struct rw_json *j, struct parse *p, enum rw_role role, rw_json_fn *read)
{
	int rc;

	p->role = role;
	rc = read(j, p, 0);
	p->role = RW_ROLE_USER;
	return rc;
}

static int read_tools(struct rw_json *j, void *ctx, int arg)
{
	(void)arg;
	return with_role(j, ctx, RW_ROLE_OTHER, read_descriptions);
}

static int read_instructions(struct rw_json *j, void *ctx, int arg)
{
	(void)arg;
	return with_role(j, ctx, RW_ROLE_SYSTEM, read_all_texts);
}

/* --- the root ---------------------------------------------------------------------------- */

static int read_model(struct rw_json *j, void *ctx, int arg)
{
	struct parse *p = ctx;
	struct rw_span s;
	int rc;

	(void)arg;
	if (rw_json_peek(j) != RW_JSON_STRING)
		return wrong(j, p, "\"model\" must be a string");
	rc = rw_json_string(j, &s);
	if (!rc)
		rc = copy_string(j, p, s, &p->chat->model);
	p->has_model = true;
	return rc;
}

static int read_flag(struct rw_json *j, const struct parse *p, bool *out, const char *what)
{
	int rc;

	if (skip_null(j, &rc))
		return rc;
	if (rw_json_peek(j) != RW_JSON_BOOL)
		return wrong(j, p, what);
	return rw_json_bool(j, out);
}

static int read_stream(struct rw_json *j, void *ctx, int arg)
{
	struct parse *p = ctx;

	(void)arg;
	return read_flag(j, p, &p->chat->stream, "\"stream\" must be true or false");
}

static int read_include_usage(struct rw_json *j, void *ctx, int arg)
{
	struct parse *p = ctx;

	(void)arg;
	return read_flag(j, p, &p->chat->include_usage,
			 "\"stream_options.include_usage\" must be true or false");
}

static int read_stream_options(struct rw_json *j, void *ctx, int arg)
{
	static const struct rw_json_member members[] = {
		RW_MEMBER("include_usage", read_include_usage, 0),
	};
	static const struct rw_json_shape options = {RW_SHAPE(members), false, NULL};
	int rc;

	(void)arg;
	if (skip_null(j, &rc))
		return rc;
	if (rw_json_peek(j) != RW_JSON_OBJECT)
		return wrong(j, ctx, "\"stream_options\" must be an object");
	return rw_json_members(j, &options, ctx);
}

static const struct rw_json_member root_members[] = {
	RW_MEMBER("model", read_model, 0),
	RW_MEMBER("messages", read_messages, 0),
	RW_MEMBER("stream", read_stream, 0),
	RW_MEMBER("stream_options", read_stream_options, 0),
	RW_MEMBER("tools", read_tools, 0),
	RW_MEMBER("functions", read_tools, 0),
	RW_MEMBER("response_format", read_tools, 0),
	RW_MEMBER("prediction", read_prediction, 0),
	RW_MEMBER("instructions", read_instructions, 0),
	RW_MEMBER("prompt", read_prompt, 0),
	RW_MEMBER("suffix", read_all_texts, 0),
	RW_MEMBER("input", read_prompt, 0),
};
static const struct rw_json_shape root = {RW_SHAPE(root_members), false, NULL};

static unsigned or_default(unsigned v, unsigned fallback)
{
	return v ? v : fallback;
}

/* POST /scan: a text, several, or messages. */
static const struct rw_json_member scan_members[] = {
	RW_MEMBER("text", read_prompt, 0),
	RW_MEMBER("texts", read_prompt, 0),
	RW_MEMBER("messages", read_messages, 0),
	RW_MEMBER("model", read_model, 0),
};
static const struct rw_json_shape scan_root = {RW_SHAPE(scan_members), false, NULL};

static int parse(struct parse *p, const struct rw_json_shape *shape, struct rw_chat *out,
		 struct rw_arena *a, struct rw_slice body, const struct rw_chat_limits *limits,
		 struct rw_error *e)
{
	struct rw_json j;
	int rc;

	*p = (struct parse){.chat = out,
			    .a = a,
			    .texts_max = or_default(limits->texts, TEXTS_MAX),
			    .messages_max = or_default(limits->messages, MESSAGES_MAX),
			    .message = NO_MESSAGE,
			    .role = RW_ROLE_USER};
	*out = (struct rw_chat){0};
	rc = rw_json_init(&j, body, limits->depth, e);
	if (!rc)
		rc = rw_json_members(&j, shape, p);
	return rc ? rc : rw_json_end(&j);
}

int rw_chat_parse(struct rw_chat *out, struct rw_arena *a, struct rw_slice body,
		  const struct rw_chat_limits *limits, struct rw_error *e)
{
	struct parse p;
	int rc = parse(&p, &root, out, a, body, limits, e);

	if (rc)
		return rc;
	if (!p.has_model || p.chat->model.n == 0)
		return rw_fail(e, RW_EINVAL, "\"model\" is missing");
	if (!p.has_messages)
		return rw_fail(e, RW_EINVAL, "\"messages\" is missing");
	return RW_OK;
}

int rw_scan_parse(struct rw_chat *out, struct rw_arena *a, struct rw_slice body,
		  const struct rw_chat_limits *limits, struct rw_error *e)
{
	struct parse p;
	int rc = parse(&p, &scan_root, out, a, body, limits, e);

	if (!rc && !p.has_messages)
		rc = rw_fail(e, RW_EINVAL, "\"text\" or \"messages\" is missing");
	return rc;
}
