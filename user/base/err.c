/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>
#include <string.h>

static const char *const names[] = {
	[-RW_OK] = "ok",
	[-RW_ENOMEM] = "out of memory",
	[-RW_EINVAL] = "invalid input",
	[-RW_ELIMIT] = "limit exceeded",
	[-RW_ENOTFOUND] = "not found",
	[-RW_EIO] = "input/output error",
	[-RW_EPROTO] = "protocol error",
	[-RW_ECLOSED] = "connection closed",
	[-RW_ETIMEOUT] = "timed out",
	[-RW_EPERM] = "not permitted",
	[-RW_EBUSY] = "busy",
	[-RW_EAGAIN] = "try again",
	[-RW_EUNSUP] = "not supported here",
	[-RW_EEXIST] = "exists already",
	[-RW_ETLS] = "TLS failed",
};

const char *rw_err_name(int code)
{
	if (code > 0 || code <= -(int)(sizeof(names) / sizeof(names[0])))
		return "unknown error";
	return names[-code];
}

#undef rw_fail

int rw_fail(struct rw_error *e, int code, const char *fmt, ...)
{
	char text[sizeof(e->text)] = "";
	va_list ap;

	if (!e)
		return code;
	e->code = (enum rw_err)code;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* By way of text: the sentence may quote the one in *e. */
	memcpy(e->text, text, sizeof(text));
	return code;
}
