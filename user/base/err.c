/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>

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
};

const char *rw_err_name(int code)
{
	if (code > 0 || (size_t)-code >= sizeof(names) / sizeof(names[0]))
		return "unknown error";
	return names[-code];
}

int rw_fail(struct rw_error *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	e->code = (enum rw_err)code;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return code;
}
