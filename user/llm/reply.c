/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway itself says, in the OpenAI dialect. */
#include "llm/openai.h"

static int add_member(struct rw_buf *out, const char *before, const char *value)
{
	int rc = rw_buf_add_str(out, before);

	return rc ? rc : rw_buf_add_json(out, rw_slice_str(value));
}

int rw_openai_error(struct rw_buf *out, const char *type, const char *code, const char *message)
{
	int rc = add_member(out, "{\"error\":{\"message\":", message);

	if (!rc)
		rc = add_member(out, ",\"type\":", type);
	if (!rc)
		rc = rw_buf_add_str(out, ",\"param\":null,\"code\":");
	if (!rc)
		rc = code ? rw_buf_add_json(out, rw_slice_str(code)) : rw_buf_add_str(out, "null");
	return rc ? rc : rw_buf_add_str(out, "}}");
}

int rw_openai_models(struct rw_buf *out, const char *const *models, unsigned n, uint64_t created_s)
{
	int rc = rw_buf_add_str(out, "{\"object\":\"list\",\"data\":[");

	for (unsigned i = 0; i < n && !rc; i++) {
		rc = add_member(out, i ? ",{\"id\":" : "{\"id\":", models[i]);
		if (!rc)
			rc = rw_buf_add_str(out, ",\"object\":\"model\",\"created\":");
		if (!rc)
			rc = rw_buf_add_u64(out, created_s);
		if (!rc)
			rc = rw_buf_add_str(out, ",\"owned_by\":\"ringwall\"}");
	}
	return rc ? rc : rw_buf_add_str(out, "]}");
}
