/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/peek.h"

#include <string.h>

static bool begins(struct rw_slice s, const char *word)
{
	return s.n >= strlen(word) && !memcmp(s.p, word, strlen(word));
}

/* Up to a blank, a comment, a quote or the end. False: nothing, or more than an address has. */
static bool take_value(struct rw_slice s, char out[RW_PEEK_MAX])
{
	size_t n = 0;

	while (s.n && (*s.p == ' ' || *s.p == '"'))
		s = rw_slice_of(s.p + 1, s.n - 1);
	while (n < s.n && s.p[n] && !strchr(" \t\r#\"", s.p[n]))
		n++;
	if (!n || n >= RW_PEEK_MAX)
		return false;
	memcpy(out, s.p, n);
	out[n] = '\0';
	return true;
}

bool rw_config_peek_admin(struct rw_slice yaml, char out[RW_PEEK_MAX])
{
	static const char key[] = "address:";
	bool inside = false;

	out[0] = '\0';
	while (yaml.n) {
		const char *end = memchr(yaml.p, '\n', yaml.n);
		struct rw_slice line = rw_slice_of(yaml.p, end ? (size_t)(end - yaml.p) : yaml.n);
		size_t used = line.n + (end ? 1 : 0), indent = 0;

		while (indent < line.n && line.p[indent] == ' ')
			indent++;
		if (line.n && !indent && *line.p != '#')
			inside = begins(line, "admin:");
		line = rw_slice_of(line.p + indent, line.n - indent);
		if (inside && indent && begins(line, key))
			return take_value(
				rw_slice_of(line.p + sizeof(key) - 1, line.n - sizeof(key) + 1),
				out);
		yaml = rw_slice_of(yaml.p + used, yaml.n - used);
	}
	return false;
}
