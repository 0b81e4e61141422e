/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/head.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_BYTES = 192 };

/* Takes its room on the disk at once: a log that fills this later leaves its head. */
static void reserve(int fd)
{
	char blank[HEAD_BYTES];
	struct stat st;

	memset(blank, ' ', sizeof(blank));
	blank[HEAD_BYTES - 2] = '\n';
	if (fstat(fd, &st) == 0 && st.st_size == 0 && pwrite(fd, blank, HEAD_BYTES - 1, 0) < 0)
		return; /* whoever writes it says so */
}

int rw_head_open(const char *log, struct rw_error *e)
{
	char file[PATH_MAX];
	int fd;

	snprintf(file, sizeof(file), "%s.head", log);
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd >= 0)
		reserve(fd);
	else
		rw_fail(e, errno == EACCES || errno == EPERM || errno == EROFS ? RW_EPERM : RW_EIO,
			"cannot open %s, which goes with the audit log: %s; let ringwall write "
			"there, or change audit.file",
			file, strerror(errno));
	return fd;
}

static void print(const struct rw_head *h, char out[HEAD_BYTES])
{
	char hex[RW_CHAIN_HEX], text[HEAD_BYTES];

	rw_chain_hex(h->at.digest, hex);
	snprintf(text, sizeof(text),
		 "{\"seq\":%" PRIu64 ",\"sha256\":\"%s\",\"end\":%" PRIu64 ",\"bytes\":%" PRIu64
		 "}",
		 h->at.seq, hex, h->end, h->bytes);
	snprintf(out, HEAD_BYTES, "%-*s", HEAD_BYTES - 2, text);
	out[HEAD_BYTES - 2] = '\n';
	out[HEAD_BYTES - 1] = '\0';
}

/* What stands behind the name; 0 where it does not stand there. */
static uint64_t number_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static bool digest_of(const char *text, unsigned char out[RW_CHAIN_DIGEST])
{
	static const char name[] = "\"sha256\":\"";
	const char *at = strstr(text, name);

	return at && strlen(at) >= sizeof(name) + RW_CHAIN_HEX &&
	       rw_chain_unhex(at + sizeof(name) - 1, out);
}

bool rw_head_read(int fd, struct rw_head *out)
{
	char text[HEAD_BYTES] = "", again[HEAD_BYTES];

	if (pread(fd, text, HEAD_BYTES - 1, 0) != HEAD_BYTES - 1 ||
	    !digest_of(text, out->at.digest))
		return false;
	out->at.seq = number_of(text, "\"seq\":");
	out->end = number_of(text, "\"end\":");
	out->bytes = number_of(text, "\"bytes\":");
	print(out, again); /* the one way to write it, or it is none */
	return !memcmp(text, again, HEAD_BYTES - 1) && out->end > out->bytes;
}

bool rw_head_write(int fd, const struct rw_head *h)
{
	char text[HEAD_BYTES];
	struct rw_head now;

	if (rw_head_read(fd, &now) && now.at.seq > h->at.seq)
		return true;
	print(h, text);
	return pwrite(fd, text, HEAD_BYTES - 1, 0) == HEAD_BYTES - 1;
}

void rw_head_lock(int fd)
{
	while (fd >= 0 && flock(fd, LOCK_EX) && errno == EINTR)
		;
}

void rw_head_unlock(int fd)
{
	if (fd >= 0)
		(void)flock(fd, LOCK_UN);
}
