/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an audit log, and as its head. What the reader finds in a file is what is found line
 * by line; a record that links binds every byte before it, and a head that is taken can be written
 * in one way only.
 */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "audit/head.h"
#include "audit/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	RW_BUG_ON(fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET));
	return fd;
}

static void by_file(const uint8_t *data, size_t size, struct rw_walk *w)
{
	struct rw_reading r = {.fd = file_of(data, size)};

	RW_BUG_ON(rw_walk_file(w, &r, NULL));
	RW_BUG_ON(r.bytes != size || r.unended != (size && data[size - 1] != '\n'));
	RW_BUG_ON(r.last_end > size || (r.last_end && data[r.last_end - 1] != '\n'));
	close(r.fd);
	rw_walk_end(w);
}

static void by_line(const uint8_t *data, size_t size, struct rw_walk *w)
{
	const char *p = (const char *)data, *end;

	for (w->line = 1; size && (end = memchr(p, '\n', size)); w->line++) {
		size_t n = (size_t)(end - p);

		rw_walk_line(w, rw_slice_of(p, n), true);
		p += n + 1;
		size -= n + 1;
	}
	if (size)
		RW_BUG_ON(rw_walk_cut(w, rw_slice_of(p, size)));
	rw_walk_end(w);
}

static void as_head(const uint8_t *data, size_t size)
{
	struct rw_head h, again;
	int fd = file_of(data, size), other;

	if (rw_head_read(fd, &h)) {
		other = file_of(data, 0);
		RW_BUG_ON(!rw_head_write(other, &h) || !rw_head_read(other, &again));
		RW_BUG_ON(memcmp(&h.at, &again.at, sizeof(h.at)) != 0 || h.end != again.end ||
			  h.bytes != again.bytes);
		close(other);
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rw_walk a = {0}, b = {0};

	by_file(data, size, &a);
	by_line(data, size, &b);
	RW_BUG_ON(a.at.seq != b.at.seq || memcmp(a.at.digest, b.at.digest, sizeof(a.at.digest)));
	RW_BUG_ON(a.records != b.records || a.first != b.first || a.strays != b.strays);
	RW_BUG_ON(a.pending != b.pending || (a.pending && (a.pending_bytes != b.pending_bytes ||
							   a.fault_line != b.fault_line)));
	rw_walk_free(&a);
	rw_walk_free(&b);
	as_head(data, size);
	return 0;
}
