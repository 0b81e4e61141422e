/* SPDX-License-Identifier: Apache-2.0 */
/* Canaries: those of the configuration, and those of a file, one a line. */
#include "policy/config.h"
#include "policy/secret.h"

struct list {
	struct rw_slice at[RW_CANARIES + 1]; /* one more, so that too many are told */
	unsigned n;
};

static void add(struct list *l, struct rw_slice text)
{
	while (text.n && (unsigned char)text.p[text.n - 1] <= ' ')
		text.n--;
	if (text.n && text.p[0] != '#' && l->n <= RW_CANARIES)
		l->at[l->n++] = text;
}

static void add_lines(struct list *l, struct rw_slice text)
{
	while (text.n) {
		const char *lf = memchr(text.p, '\n', text.n);
		size_t n = lf ? (size_t)(lf - text.p) : text.n;

		add(l, rw_slice_of(text.p, n));
		n += lf != NULL;
		text = rw_slice_of(text.p + n, text.n - n);
	}
}

int rw_config_canaries(const struct rw_config *c, struct rw_canaries **out, struct rw_error *e)
{
	struct list list = {.n = 0};
	struct rw_buf file = {0};
	struct rw_error why = {0};
	int rc = RW_OK;

	*out = NULL;
	for (unsigned i = 0; i < c->n_canaries; i++)
		if (c->canaries[i].text)
			list.at[list.n++] = rw_slice_str(c->canaries[i].text);
	if (c->canary_file) {
		rc = rw_secret_read(c->canary_file, &file, &why);
		if (rc)
			rw_fail(e, rc, "guards.leaks.canary_file %.200s: %s", c->canary_file,
				why.text);
	}
	if (!rc) {
		add_lines(&list, rw_buf_slice(&file));
		rc = rw_canaries_new(out, list.at, list.n, &why);
		if (rc)
			rw_fail(e, rc, "guards.leaks: %s", why.text);
	}
	rw_buf_wipe(&file);
	return rc;
}
