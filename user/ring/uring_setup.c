/* SPDX-License-Identifier: Apache-2.0 */
/* Making a ring, restricting it, and explaining why it could not be had. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ring/poison.h"
#include "ring/uring.h"
#include "ring/uring_int.h"

enum { DEFAULT_ENTRIES = 1024, DEFAULT_BUFFERS = 256, DEFAULT_BUFFER_BYTES = 16384 };
enum { MIN_CQ = 4096, FIRST_LEVEL = 16, MAX_BUFFERS = 32768, BUFFER_GROUP = 0 };

/* Everything uring.c starts; the kernel refuses the rest once the ring is enabled. */
static const uint8_t opcodes[] = {
	IORING_OP_ACCEPT,  IORING_OP_CONNECT,  IORING_OP_RECV,	       IORING_OP_SEND,
	IORING_OP_SENDMSG, IORING_OP_SHUTDOWN, IORING_OP_ASYNC_CANCEL, IORING_OP_CLOSE,
	IORING_OP_READ,	   IORING_OP_RECVMSG,  IORING_OP_POLL_ADD,     IORING_OP_SPLICE,
	IORING_OP_FSYNC,
};

static int explain(int err, struct rw_error *e)
{
	struct utsname un = {0};
	char level = '?';
	FILE *f;

	uname(&un);
	switch (err) {
	case ENOSYS:
		return rw_fail(
			e, RW_EUNSUP,
			"io_uring is not there (ENOSYS): this kernel (%s) is built without it, "
			"or a seccomp profile hides it; containers need a profile that allows "
			"io_uring_setup, io_uring_enter and io_uring_register",
			un.release);
	case EPERM:
	case EACCES:
		f = fopen("/proc/sys/kernel/io_uring_disabled", "re");
		if (f) {
			level = (char)fgetc(f);
			fclose(f);
		}
		if (level == '1' || level == '2')
			return rw_fail(
				e, RW_EPERM,
				"io_uring is switched off: kernel.io_uring_disabled is %c; run "
				"\"sysctl kernel.io_uring_disabled=0\"%s",
				level,
				level == '1' ? ", or put this user into the group that "
					       "kernel.io_uring_group names"
					     : "");
		return rw_fail(
			e, RW_EPERM,
			"io_uring is forbidden here (EPERM) though kernel.io_uring_disabled "
			"allows it: a seccomp profile is in the way; containers need one that "
			"allows io_uring_setup, io_uring_enter and io_uring_register");
	case EINVAL:
		return rw_fail(
			e, RW_EUNSUP,
			"io_uring of this kernel (%s) is too old: Linux 6.1 or newer is needed",
			un.release);
	case EMFILE:
	case ENFILE:
		return rw_fail(e, RW_ELIMIT,
			       "no descriptor is left for io_uring: raise the limit of open files "
			       "(LimitNOFILE=, ulimit -n)");
	default:
		return rw_fail(e, rw_uring_error(err), "io_uring could not be set up: %s",
			       strerror(err));
	}
}

static int make_ring(struct rw_uring *u, unsigned entries)
{
	struct io_uring_params p;
	unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			 IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL |
			 IORING_SETUP_TASKRUN_FLAG;
	int rc;

	for (int attempt = 0; attempt < 2; attempt++) {
		memset(&p, 0, sizeof(p));
		/* NO_SQARRAY (6.6) saves an indirection per operation. */
		p.flags = attempt == 0 ? flags | IORING_SETUP_NO_SQARRAY : flags;
		p.cq_entries = entries * 4 > MIN_CQ ? entries * 4 : MIN_CQ;
		rc = io_uring_queue_init_params(entries, &u->ring, &p);
		if (rc != -EINVAL)
			break;
	}
	return rc;
}

static int restrict_ring(struct rw_uring *u)
{
	enum { N = sizeof(opcodes) };
	struct io_uring_restriction r[N + 2] = {0};

	for (unsigned i = 0; i < N; i++) {
		r[i].opcode = IORING_RESTRICTION_SQE_OP;
		r[i].sqe_op = opcodes[i];
	}
	r[N].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	r[N].sqe_flags = IOSQE_BUFFER_SELECT | IOSQE_CQE_SKIP_SUCCESS;
	/* Leaving is always allowed, or the thread would keep the ring alive. */
	r[N + 1].opcode = IORING_RESTRICTION_REGISTER_OP;
	r[N + 1].register_op = IORING_UNREGISTER_RING_FDS;
	return io_uring_register_restrictions(&u->ring, r, N + 2);
}

static void *map(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int make_buffers(struct rw_uring *u)
{
	unsigned n = u->io.recv_buffers;
	struct io_uring_buf_reg reg = {.ring_entries = n, .bgid = BUFFER_GROUP};
	int rc;

	u->bufs_bytes = n * sizeof(struct io_uring_buf);
	u->mem_bytes = (size_t)n * u->io.recv_buffer_bytes;
	u->bufs = map(u->bufs_bytes);
	u->mem = map(u->mem_bytes);
	u->spare = calloc(n, sizeof(*u->spare));
	if (!u->bufs || !u->mem || !u->spare)
		return -ENOMEM;
	reg.ring_addr = (uint64_t)(uintptr_t)u->bufs;
	rc = io_uring_register_buf_ring(&u->ring, &reg, 0);
	if (rc)
		return rc;
	io_uring_buf_ring_init(u->bufs);
	for (unsigned i = n; i-- > 0;)
		u->spare[u->n_spare++] = (uint16_t)i;
	rw_poison(u->mem, u->mem_bytes);
	u->level = n < FIRST_LEVEL ? n : FIRST_LEVEL;
	rw_uring_fill(u);
	return 0;
}

static bool power_of_two(unsigned n)
{
	return n && (n & (n - 1)) == 0;
}

static int check(unsigned entries, unsigned buffers, unsigned bytes, struct rw_error *e)
{
	if (!power_of_two(entries) || entries > 32768)
		return rw_fail(e, RW_EINVAL,
			       "io_uring: entries is %u, not a power of two up to 32768", entries);
	if (!power_of_two(buffers) || buffers > MAX_BUFFERS)
		return rw_fail(e, RW_EINVAL,
			       "io_uring: recv_buffers is %u, not a power of two up to %d", buffers,
			       MAX_BUFFERS);
	if (bytes < 64 || bytes > 1 << 20)
		return rw_fail(e, RW_EINVAL,
			       "io_uring: recv_buffer_bytes is %u, not between 64 and 1048576",
			       bytes);
	return RW_OK;
}

int rw_uring_new(struct rw_io **out, unsigned entries, unsigned recv_buffers,
		 unsigned recv_buffer_bytes, struct rw_error *e)
{
	struct rw_uring *u;
	int rc;

	entries = entries ? entries : DEFAULT_ENTRIES;
	recv_buffers = recv_buffers ? recv_buffers : DEFAULT_BUFFERS;
	recv_buffer_bytes = recv_buffer_bytes ? recv_buffer_bytes : DEFAULT_BUFFER_BYTES;
	rc = check(entries, recv_buffers, recv_buffer_bytes, e);
	if (rc)
		return rc;
	u = calloc(1, sizeof(*u));
	if (!u)
		return rw_fail(e, RW_ENOMEM, "io_uring: out of memory");
	u->io.ops = &rw_uring_ops;
	u->io.recv_buffers = recv_buffers;
	u->io.recv_buffer_bytes = recv_buffer_bytes;
	u->ring.ring_fd = -1;
	u->wake_fd = -1;
	rc = make_ring(u, entries);
	if (rc) {
		u->ring.ring_fd = -1;
		goto fail;
	}
	rc = make_buffers(u);
	if (rc)
		goto fail;
	rc = restrict_ring(u);
	if (rc)
		goto fail;
	u->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (u->wake_fd < 0 || getrandom(&u->random, sizeof(u->random), 0) != sizeof(u->random)) {
		rc = -errno;
		goto fail;
	}
	rw_uring_watch_wake(u);
	*out = &u->io;
	return RW_OK;
fail:
	rw_uring_destroy(&u->io);
	return explain(-rc, e);
}

void rw_uring_spin(struct rw_io *io, uint64_t max_ns)
{
	rw_look_init(&rw_uring_of(io)->look, max_ns);
}

int rw_uring_enable(struct rw_uring *u)
{
	if (__builtin_expect(u->enabled, 1))
		return pthread_equal(u->owner, pthread_self()) ? RW_OK : RW_EPERM;
	/* Saves the look-up of the descriptor per system call; fine if it cannot be had. */
	(void)io_uring_register_ring_fd(&u->ring);
	if (io_uring_enable_rings(&u->ring))
		return RW_EIO;
	u->owner = pthread_self();
	u->enabled = true;
	return RW_OK;
}

void rw_uring_destroy(struct rw_io *io)
{
	struct rw_uring *u = rw_uring_of(io);

	if (u->ring.ring_fd >= 0)
		io_uring_queue_exit(&u->ring);
	if (u->mem) {
		rw_unpoison(u->mem, u->mem_bytes);
		munmap(u->mem, u->mem_bytes);
	}
	if (u->bufs)
		munmap(u->bufs, u->bufs_bytes);
	if (u->wake_fd >= 0)
		close(u->wake_fd);
	free(u->spare);
	free(u);
}

int rw_uring_probe(struct rw_error *e)
{
	struct io_uring_probe *probe = io_uring_get_probe();
	struct rw_io *io = NULL;
	int rc = rw_uring_new(&io, 8, 2, 4096, e);

	for (size_t i = 0; !rc && i < sizeof(opcodes); i++)
		if (probe && !io_uring_opcode_supported(probe, opcodes[i]))
			rc = rw_fail(e, RW_EUNSUP, "io_uring of this kernel lacks operation %u",
				     opcodes[i]);
	if (io)
		rw_uring_destroy(io);
	io_uring_free_probe(probe);
	return rc;
}
