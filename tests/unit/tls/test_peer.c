/* SPDX-License-Identifier: Apache-2.0 */
/* Against a peer that is none of ours: `openssl s_client` and `s_server` over real loopback. */
#include "unit/tls/world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

/* A child process with its input and output; killed with the test if it is still there. */
struct child {
	pid_t pid;
	int in, out; /* our ends, not blocking */
	struct rw_buf said;
};

static void child_begin(struct child *c, const char *const *argv)
{
	int in[2], out[2];

	memset(c, 0, sizeof(*c));
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (c->pid == 0) {
		alarm(30); /* also where the test is killed */
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	c->in = in[1];
	c->out = out[0];
	fcntl(c->out, F_SETFL, O_NONBLOCK);
}

/* What it wrote, as a string. */
static const char *child_said(struct child *c)
{
	char part[4096];
	ssize_t n;

	while ((n = read(c->out, part, sizeof(part))) > 0)
		assert_int_equal(rw_buf_add(&c->said, part, (size_t)n), RW_OK);
	assert_int_equal(rw_buf_reserve(&c->said, 1), RW_OK);
	c->said.p[c->said.len] = '\0';
	return c->said.p;
}

static void child_say(struct child *c, const char *text)
{
	assert_int_equal(write(c->in, text, strlen(text)), (ssize_t)strlen(text));
}

static bool child_ended(struct child *c)
{
	if (c->pid && waitpid(c->pid, NULL, WNOHANG) == c->pid)
		c->pid = 0;
	return !c->pid;
}

static void child_end(struct child *c)
{
	if (!child_ended(c)) {
		kill(c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
	}
	close(c->in);
	close(c->out);
	rw_buf_free(&c->said);
}

static void echo(struct side *s, const uint8_t *data, size_t n)
{
	assert_int_equal(rw_stream_write(s->st, data, n), RW_OK);
}

static void finish(struct side *s)
{
	rw_stream_finish(s->st);
}

static const char *port_of(const struct world *w)
{
	static char text[16];

	snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(w->addr.in4.sin_port));
	return text;
}

/* Both versions, the client's own verification, close_notify from its side. */
static void s_client_talks_to_our_server(void **state)
{
	static const char *const versions[] = {"-tls1_2", "-tls1_3"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct child c;
		struct world w;

		world_begin(&w, NULL, 1, "good");
		w.model = (struct side){.on_data = echo, .on_eof = finish};
		child_begin(&c,
			    (const char *const[]){"openssl", "s_client", "-connect", port_of(&w),
						  "-CAfile", in_dir("ca.crt"), "-verify_hostname",
						  "localhost", "-verify_return_error", "-alpn",
						  "h2,http/1.1", versions[i], "-brief", NULL});
		child_say(&c, "hello there\n");
		world_until(&w, strstr(child_said(&c), "hello there"));
		assert_non_null(strstr(c.said.p, "Verification: OK"));
		assert_non_null(strstr(c.said.p, i ? "TLSv1.3" : "TLSv1.2"));
		child_say(&c, "Q\n");
		world_until(&w, w.accepted[0].closes && child_ended(&c));
		assert_int_equal(w.accepted[0].eofs, 1);
		assert_true(w.accepted[0].clean);
		child_end(&c);
		world_end(&w);
	}
}

/* Our end first: it sees close_notify and leaves by itself. */
static void s_client_sees_our_close(void **state)
{
	struct child c;
	struct world w;

	(void)state;
	world_begin(&w, NULL, 1, "good");
	w.model = (struct side){.to_send = "bye\n", .n_to_send = 4, .finish_when_sent = true};
	child_begin(&c, (const char *const[]){"openssl", "s_client", "-connect", port_of(&w),
					      "-CAfile", in_dir("ca.crt"), "-quiet",
					      "-verify_return_error", NULL});
	world_until(&w, strstr(child_said(&c), "bye\n") && child_ended(&c));
	world_until(&w, w.accepted[0].closes);
	assert_int_equal(w.accepted[0].why.code, RW_OK);
	assert_null(strstr(c.said.p, "unexpected eof"));
	child_end(&c);
	world_end(&w);
}

/* SIGKILL: the kernel ends the connection without close_notify. */
static void s_client_that_is_killed_is_a_truncation(void **state)
{
	struct child c;
	struct world w;

	(void)state;
	world_begin(&w, NULL, 1, "good");
	w.model = (struct side){.on_data = echo};
	child_begin(&c, (const char *const[]){"openssl", "s_client", "-connect", port_of(&w),
					      "-CAfile", in_dir("ca.crt"), "-quiet", NULL});
	child_say(&c, "x\n");
	world_until(&w, strstr(child_said(&c), "x\n"));
	kill(c.pid, SIGKILL);
	world_until(&w, w.accepted[0].eofs);
	assert_false(w.accepted[0].clean);
	child_end(&c);
	world_end(&w);
}

static void s_client_that_speaks_only_h2_is_refused(void **state)
{
	struct child c;
	struct world w;

	(void)state;
	world_begin(&w, NULL, 1, "good");
	child_begin(&c, (const char *const[]){"openssl", "s_client", "-connect", port_of(&w),
					      "-alpn", "h2", "-brief", NULL});
	world_until(&w, child_ended(&c) && w.n_accepted && w.accepted[0].closes);
	assert_non_null(strstr(child_said(&c), "no application protocol"));
	assert_int_equal(w.accepted[0].opens, 0);
	assert_non_null(strstr(w.accepted[0].why.text, "HTTP/1.1 is the only protocol"));
	child_end(&c);
	world_end(&w);
}

/* A server that is not ours: name, version and answer are right, and it sees our end. */
static void our_client_talks_to_s_server(void **state)
{
	static const char *const versions[] = {"-tls1_2", "-tls1_3"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct side s = {.to_send = "drawer\n", .n_to_send = 7};
		struct rw_error e = {.text = ""};
		struct rw_stream_info info;
		char where[RW_ADDR_TEXT] = "";
		struct child c;
		struct world w;
		const char *at;

		world_begin(&w, NULL, 1, "good");
		child_begin(&c, (const char *const[]){"openssl", "s_server", "-accept",
						      "127.0.0.1:0", "-cert", in_dir("good.crt"),
						      "-key", in_dir("good.key"), "-rev", "-alpn",
						      "http/1.1", versions[i], NULL});
		world_until(&w, (at = strstr(child_said(&c), "ACCEPT ")) && strchr(at, '\n'));
		assert_int_equal(sscanf(at, "ACCEPT %63s", where), 1);
		assert_int_equal(rw_addr_parse(where, &w.addr, &e), RW_OK);
		world_connect(&w, &s);
		world_until(&w, s.got.len == 7);
		assert_memory_equal(s.got.p, "reward\n", 7);
		rw_stream_info(s.st, &info);
		assert_string_equal(info.version, i ? "TLSv1.3" : "TLSv1.2");
		assert_string_equal(info.alpn, "http/1.1");
		rw_stream_finish(s.st);
		world_until(&w, s.closes);
		assert_int_equal(s.why.code, RW_OK);
		world_until(&w, strstr(child_said(&c), "CONNECTION CLOSED"));
		child_end(&c);
		world_end(&w);
		side_end(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s_client_talks_to_our_server),
		cmocka_unit_test(s_client_sees_our_close),
		cmocka_unit_test(s_client_that_is_killed_is_a_truncation),
		cmocka_unit_test(s_client_that_speaks_only_h2_is_refused),
		cmocka_unit_test(our_client_talks_to_s_server),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, make_pki, remove_pki);
}
