/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where secrets come from. What was read never enters a message; *why gets a
 * sentence without the place, which the caller knows.
 */
#ifndef RW_POLICY_SECRET_H
#define RW_POLICY_SECRET_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum { RW_SECRET_MAX_BYTES = 16 * 1024 };

/*
 * Appends text with each ${NAME} replaced by the environment variable, and $${ by ${.
 * RW_EINVAL names the variable that is not set. Not for use while another thread calls setenv.
 */
int rw_secret_expand(struct rw_slice text, struct rw_buf *out, struct rw_error *why);
/*
 * Appends the file's content without line ends behind it. Refused (RW_EPERM) where others may
 * read the file, also where it is empty, larger than 16 KiB or no regular file.
 */
int rw_secret_read(const char *file, struct rw_buf *out, struct rw_error *why);

/*
 * A key of this gateway's own: n random bytes that are made on the first call and kept in file
 * (mode 0600) as hex. RW_EPERM where others may read it.
 */
int rw_secret_own(const char *file, unsigned char *key, size_t n, struct rw_error *e);

#endif
