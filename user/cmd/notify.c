/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

enum { NS_PER_US = 1000, BEATS = 4 /* in the time after which the manager loses patience */ };

/* A path, or '@' and a name in the abstract namespace. */
static int connect_to(const char *where)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t n = strlen(where);
	int fd;

	if ((where[0] != '/' && where[0] != '@') || n < 2 || n >= sizeof(to.sun_path))
		return -1;
	memcpy(to.sun_path, where, n);
	if (where[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&to,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* WATCHDOG_PID: the variables may be an ancestor's. */
static uint64_t watchdog_us(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!us || (pid && strtoull(pid, NULL, 10) != (unsigned long long)getpid()))
		return 0;
	return strtoull(us, NULL, 10);
}

void rw_notify_open(struct rw_notify *n)
{
	const char *where = getenv("NOTIFY_SOCKET");

	*n = (struct rw_notify){.fd = -1};
	if (where) {
		n->fd = connect_to(where);
		if (n->fd < 0)
			rw_warn("NOTIFY_SOCKET: nobody can be told there that ringwall is ready");
		n->beat_ns = watchdog_us() * NS_PER_US / BEATS;
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void rw_notify_close(struct rw_notify *n)
{
	rw_timer_cancel(&n->timer);
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

/* Lost where the manager does not read: it asks for nothing twice, nor do we wait for it. */
static void say(struct rw_notify *n, const char *text)
{
	if (n->fd >= 0)
		(void)!send(n->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void rw_notify_ready(struct rw_notify *n, const char *status)
{
	char text[512];

	snprintf(text, sizeof(text), "READY=1\nSTATUS=%s", status);
	say(n, text);
}

void rw_notify_reloading(struct rw_notify *n)
{
	char text[64];
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		 (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / NS_PER_US);
	say(n, text);
}

void rw_notify_stopping(struct rw_notify *n, uint64_t at_most_ms)
{
	char text[96];

	n->stopping = true;
	snprintf(text, sizeof(text), "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=%" PRIu64,
		 at_most_ms * 1000);
	say(n, text);
}

void rw_notify_worker(struct rw_notify *n, struct rw_loop *worker)
{
	n->workers[n->n_workers++] = worker;
}

static void answer(void *arg)
{
	atomic_fetch_add((atomic_uint *)arg, 1);
}

static void beat(void *arg)
{
	struct rw_notify *n = arg;

	if (n->stopping || atomic_load(&n->answered) == n->n_workers) {
		say(n, "WATCHDOG=1");
		n->asked = 0;
		atomic_store(&n->answered, 0);
	}
	while (!n->stopping && n->asked < n->n_workers &&
	       rw_loop_post(n->workers[n->asked], answer, &n->answered) == RW_OK)
		n->asked++;
	rw_timer_set(n->loop, &n->timer, rw_loop_now(n->loop) + n->beat_ns, beat, n);
}

void rw_notify_watch(struct rw_notify *n, struct rw_loop *loop)
{
	n->loop = loop;
	if (n->fd >= 0 && n->beat_ns)
		rw_timer_set(loop, &n->timer, rw_loop_now(loop), beat, n);
}
