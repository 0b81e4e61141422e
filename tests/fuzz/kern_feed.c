/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of feeds: no read beyond the line, and the same answer about its first word as
 * rw_prefix_parse, which asks inet_pton.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kern/feed.h"
#include "kern/internal.h"

/* The first word, as a string; false: none, or a comment. */
static bool first_word(const char *line, size_t n, char *out)
{
	size_t from = 0, to;

	while (from < n && line[from] && strchr(" \t\r\v\f", line[from]))
		from++;
	if (from == n || line[from] == '#' || line[from] == ';')
		return false;
	for (to = from; to < n && (!line[to] || !strchr(" \t\r\v\f,;|#", line[to]));)
		to++;
	memcpy(out, line + from, to - from);
	out[to - from] = '\0';
	if (strlen(out) != to - from) /* a zero byte makes it no address, whatever is before it */
		out[0] = '?';
	return true;
}

static void compare(const char *line, size_t n, const char *word)
{
	struct rw_prefix got, want, again;
	enum rw_feed_line what = rw_feed_parse(line, n, &got);
	struct rw_error e = {0};
	char text[64];
	int rc = rw_prefix_parse(word, &want, &e);

	RW_BUG_ON(what == RW_FEED_EMPTY);
	if (what == RW_FEED_NO_ADDRESS || (what == RW_FEED_RANGE && strchr(word, '-'))) {
		RW_BUG_ON(!rc);
		return;
	}
	if (what == RW_FEED_STRAY_BITS) {
		RW_BUG_ON(!rc || !strstr(e.text, "bits beyond"));
		return;
	}
	RW_BUG_ON(rc);
	if (what == RW_FEED_RANGE)
		return;
	if (want.family == AF_INET6 && !strchr(word, '/'))
		want.plen = 64;
	rw_prefix_mask(&want);
	RW_BUG_ON(want.family != got.family || want.plen != got.plen);
	RW_BUG_ON(memcmp(want.addr, got.addr, sizeof(got.addr)) != 0);
	if (what == RW_FEED_TOO_WIDE)
		return;
	rw_prefix_text(&got, text);
	RW_BUG_ON(rw_feed_parse(text, strlen(text), &again) != what);
	RW_BUG_ON(memcmp(&again, &got, sizeof(got)) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rw_prefix p;
	char *line, *word;

	if (n > 4096)
		return 0;
	line = malloc(n ? n : 1); /* exact, so that ASan sees a read too far */
	word = malloc(n + 8);
	if (line && word) {
		if (n)
			memcpy(line, data, n);
		if (first_word(line, n, word))
			compare(line, n, word);
		else
			RW_BUG_ON(rw_feed_parse(line, n, &p) != RW_FEED_EMPTY);
	}
	free(line);
	free(word);
	return 0;
}
