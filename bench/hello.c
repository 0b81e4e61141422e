/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offers TLS handshakes at a rate, whatever becomes of those before: each is a new connection that
 * sends the same ClientHello, waits for the server's answer, and goes. That costs the server a key
 * exchange and a signature and us nothing, as a flood is.
 *
 *   hello ADDRESS PORT RATE SECONDS HELLO-FILE SOURCE...
 *
 * Prints one JSON object: how many were offered, answered (and how soon), refused (reset before an
 * answer) and not answered.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_OPEN = 8192, MAX_SOURCES = 16, MAX_HELLO = 16384, GIVE_UP_MS = 10000 };

static const uint64_t second_ns = 1000000000, ms_ns = 1000000;

static struct {
	int fd; /* -1: free */
	uint64_t began;
	bool sent;
} conns[MAX_OPEN];

static struct {
	struct sockaddr_in to, from[MAX_SOURCES];
	unsigned n_from, rate;
	char hello[MAX_HELLO];
	size_t n_hello;
	int epoll;
	unsigned open, next_free;
	uint64_t offered, answered, refused, unanswered, held_back, longest_ns, all_ns;
} h;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * second_ns + (uint64_t)t.tv_nsec;
}

static void drop(unsigned i)
{
	const struct linger reset = {1, 0};

	setsockopt(conns[i].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(conns[i].fd);
	conns[i].fd = -1;
	h.open--;
	h.next_free = i;
}

static void offer(uint64_t now)
{
	const struct sockaddr_in *from = &h.from[h.offered % h.n_from];
	unsigned i = h.next_free;
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT};
	int one = 1;

	h.offered++;
	if (h.open == MAX_OPEN) {
		h.held_back++;
		return;
	}
	while (conns[i].fd >= 0)
		i = (i + 1) % MAX_OPEN;
	conns[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	conns[i].began = now;
	conns[i].sent = false;
	h.open++;
	setsockopt(conns[i].fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	ev.data.u32 = i;
	if (conns[i].fd < 0 || bind(conns[i].fd, (const struct sockaddr *)from, sizeof(*from)) ||
	    (connect(conns[i].fd, (const struct sockaddr *)&h.to, sizeof(h.to)) &&
	     errno != EINPROGRESS) ||
	    epoll_ctl(h.epoll, EPOLL_CTL_ADD, conns[i].fd, &ev)) {
		h.held_back++;
		drop(i);
		return;
	}
	h.next_free = (i + 1) % MAX_OPEN;
}

static void on_event(const struct epoll_event *got, uint64_t now)
{
	unsigned i = got->data.u32;
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = i};
	char part[4096];
	ssize_t n;

	if (!conns[i].sent && (got->events & EPOLLOUT) && !(got->events & (EPOLLERR | EPOLLHUP))) {
		if (send(conns[i].fd, h.hello, h.n_hello, MSG_NOSIGNAL) == (ssize_t)h.n_hello) {
			conns[i].sent = true;
			epoll_ctl(h.epoll, EPOLL_CTL_MOD, conns[i].fd, &ev);
			return;
		}
	}
	n = recv(conns[i].fd, part, sizeof(part), 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		uint64_t took = now - conns[i].began;

		h.answered++;
		h.all_ns += took;
		h.longest_ns = took > h.longest_ns ? took : h.longest_ns;
	} else {
		h.refused++;
	}
	drop(i);
}

static void give_up(uint64_t now, uint64_t after_ns)
{
	for (unsigned i = 0; i < MAX_OPEN; i++)
		if (conns[i].fd >= 0 && now - conns[i].began >= after_ns) {
			h.unanswered++;
			drop(i);
		}
}

static void play(unsigned seconds)
{
	uint64_t began = now_ns(), ends = began + seconds * second_ns, now, looked = began;
	struct epoll_event events[512];

	while ((now = now_ns()) < ends) {
		uint64_t due = (now - began) / 1000 * h.rate / 1000000;
		int n;

		for (unsigned burst = 0; h.offered < due && burst < 256; burst++)
			offer(now);
		n = epoll_wait(h.epoll, events, 512, 1);
		now = now_ns();
		for (int k = 0; k < n; k++)
			on_event(&events[k], now);
		if (now - looked > 100 * ms_ns) {
			give_up(now, GIVE_UP_MS * ms_ns);
			looked = now;
		}
	}
	give_up(now_ns(), 0);
	printf("{\"seconds\":%.3f,\"offered\":%lu,\"answered\":%lu,\"refused\":%lu,"
	       "\"unanswered\":%lu,\"held_back\":%lu,\"mean_ms\":%.2f,\"longest_ms\":%.2f}\n",
	       (double)(now_ns() - began) / 1e9, (unsigned long)h.offered,
	       (unsigned long)h.answered, (unsigned long)h.refused, (unsigned long)h.unanswered,
	       (unsigned long)h.held_back,
	       h.answered ? (double)h.all_ns / (double)h.answered / 1e6 : 0.0,
	       (double)h.longest_ns / 1e6);
}

static bool read_hello(const char *file)
{
	FILE *f = fopen(file, "re");

	if (!f)
		return false;
	h.n_hello = fread(h.hello, 1, sizeof(h.hello), f);
	fclose(f);
	return h.n_hello > 0;
}

int main(int argc, char **argv)
{
	struct rlimit files;

	if (argc < 7 || argc > 6 + MAX_SOURCES || !read_hello(argv[5])) {
		fprintf(stderr, "usage: hello ADDRESS PORT RATE SECONDS HELLO-FILE SOURCE...\n");
		return 2;
	}
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	h.to.sin_family = AF_INET;
	h.to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	inet_pton(AF_INET, argv[1], &h.to.sin_addr);
	h.rate = (unsigned)strtoul(argv[3], NULL, 10);
	for (h.n_from = 0; h.n_from < (unsigned)argc - 6; h.n_from++) {
		h.from[h.n_from].sin_family = AF_INET;
		inet_pton(AF_INET, argv[6 + h.n_from], &h.from[h.n_from].sin_addr);
	}
	for (unsigned i = 0; i < MAX_OPEN; i++)
		conns[i].fd = -1;
	h.epoll = epoll_create1(EPOLL_CLOEXEC);
	play((unsigned)strtoul(argv[4], NULL, 10));
	return 0;
}
