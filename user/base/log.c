/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/utf8.h"

enum { LINE_MAX_BYTES = 2048 };

static _Atomic int threshold = RW_LOG_INFO;

static const char *const prefix[] = {
	[RW_LOG_DEBUG] = "ringwall: debug: ",
	[RW_LOG_INFO] = "ringwall: ",
	[RW_LOG_WARN] = "ringwall: warning: ",
	[RW_LOG_ERROR] = "ringwall: error: ",
};

void rw_log_set_level(enum rw_log_level level)
{
	atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

/*
 * One call, one line: nothing in a text can forge another or steer a terminal. Control
 * characters (C0, DEL, and C1 in UTF-8) become spaces, bytes that are no UTF-8 become '?'.
 */
static void make_harmless(char *line, size_t n)
{
	for (size_t i = 0, len; i < n; i += len) {
		len = rw_utf8_len(line + i, n - i);
		if (len == 0) {
			line[i] = '?';
			len = 1;
		} else if (len == 1 && ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)) {
			line[i] = ' ';
		} else if (len == 2 && (unsigned char)line[i] == 0xc2 &&
			   (unsigned char)line[i + 1] < 0xa0) {
			line[i] = line[i + 1] = ' ';
		}
	}
}

void rw_log(enum rw_log_level level, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;
	int n, m;

	if ((int)level < atomic_load_explicit(&threshold, memory_order_relaxed))
		return;
	n = snprintf(line, sizeof(line), "%s", prefix[level]);
	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	if (m < 0)
		return;
	n += m;
	if (n > LINE_MAX_BYTES - 2)
		n = LINE_MAX_BYTES - 2;
	make_harmless(line, (size_t)n);
	line[n++] = '\n';
	/* One write keeps lines of several threads whole. */
	ssize_t w = write(STDERR_FILENO, line, (size_t)n);
	(void)w;
}
