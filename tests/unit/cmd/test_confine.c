/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a confined process can open. Each case is a process of its own: there is no way back. A
 * kernel without Landlock fails here: the suite's kernels have it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/confine.h"

static char top[] = "/tmp/ringwall-confine-XXXXXX";
static struct rw_config config;
static struct rw_config_path paths[3];
static char names[8][96];

/* The same for a file of the test's folder. */
static const char *at(unsigned i, const char *name)
{
	snprintf(names[i], sizeof(names[i]), "%s/%s", top, name);
	return names[i];
}

static void put(const char *name)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fclose(f);
}

static int begin(void **state)
{
	static const char *const folders[] = {"conf", "certs", "versions", "state", "log", "other"};
	char path[128], link[128];

	(void)state;
	assert_non_null(mkdtemp(top));
	for (size_t i = 0; i < 6; i++) {
		snprintf(path, sizeof(path), "%s/%s", top, folders[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	put("conf/ringwall.yaml");
	put("certs/key.pem");
	put("versions/1.pem");
	put("other/secret");
	snprintf(link, sizeof(link), "%s/certs/cert.pem", top);
	snprintf(path, sizeof(path), "%s/versions/1.pem", top);
	assert_int_equal(symlink(path, link), 0);
	paths[0] = (struct rw_config_path){&paths[1], at(0, "certs/key.pem")};
	paths[1] = (struct rw_config_path){NULL, at(1, "certs/cert.pem")};
	config = (struct rw_config){
		.file = at(2, "conf/ringwall.yaml"),
		.paths = paths,
		.state_dir = at(3, "state"),
		.audit_file = at(4, "log/audit.jsonl"),
	};
	return 0;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

static int open_in_top(const char *name, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	fd = open(path, flags | O_CLOEXEC, 0600);
	return fd < 0 ? errno : (close(fd), 0);
}

/* check's result in a confined process: its errno, or 0. 255: it could not be confined. */
static int confined(int (*check)(const void *arg), const void *arg)
{
	int status, abi, rc;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct rw_error e = {.text = ""};

		rc = rw_shed_privilege(&e);
		rc = rc ? rc : rw_confine(&config, &abi, &e);
		if (rc)
			fprintf(stderr, "%s\n", e.text);
		_exit(rc ? 255 : check(arg));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

struct opening {
	const char *name;
	int flags, want;
};

static int try_open(const void *arg)
{
	const struct opening *o = arg;

	return o->name[0] == '/' ? (open(o->name, o->flags | O_CLOEXEC) < 0 ? errno : 0)
				 : open_in_top(o->name, o->flags);
}

static void what_is_named_can_be_opened_and_nothing_else(void **state)
{
	static const struct opening cases[] = {
		{"conf/ringwall.yaml", O_RDONLY, 0},
		{"conf/ringwall.yaml", O_RDWR, EACCES},
		{"conf/new", O_WRONLY | O_CREAT, EACCES},
		{"certs/cert.pem", O_RDONLY, 0}, /* a link to */
		{"versions/1.pem", O_RDONLY, 0},
		{"state/ringwall.db", O_RDWR | O_CREAT, 0},
		{"log/audit.jsonl", O_RDWR | O_APPEND | O_CREAT, 0},
		{"log/audit.jsonl", O_WRONLY | O_TRUNC, 0},
		{"other/secret", O_RDONLY, EACCES},
		{"other/new", O_WRONLY | O_CREAT, EACCES},
		{"/etc/passwd", O_RDONLY, 0},
		{"/proc/self/stat", O_RDONLY, 0},
		{"/root", O_RDONLY | O_DIRECTORY, EACCES},
		{"/tmp", O_RDONLY | O_DIRECTORY, EACCES},
		{"/dev/null", O_WRONLY, EACCES},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int got = confined(try_open, &cases[i]);

		if (got != cases[i].want)
			fail_msg("%s: %s instead of %s", cases[i].name, strerror(got),
				 strerror(cases[i].want));
	}
}

/* Certificates are replaced by renaming; so is the next version of a link. */
static int try_replaced(const void *arg)
{
	return open_in_top(arg, O_RDONLY);
}

static void files_that_come_later_in_a_named_folder_can_be_read(void **state)
{
	(void)state;
	put("certs/next.pem");
	put("versions/2.pem");
	assert_int_equal(confined(try_replaced, "certs/next.pem"), 0);
	assert_int_equal(confined(try_replaced, "versions/2.pem"), 0);
}

#ifndef RW_SANITIZE
static int try_exec(const void *arg)
{
	execl(arg, arg, NULL);
	return errno;
}

static void nothing_can_be_executed(void **state)
{
	(void)state;
	assert_int_equal(confined(try_exec, "/usr/bin/true"), EACCES);
}
#endif

static int try_bind(const void *arg)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_port = htons(*(const uint16_t *)arg);
	return bind(fd, (struct sockaddr *)&a, sizeof(a)) ? errno : 0;
}

static void no_port_can_be_bound(void **state)
{
	static const uint16_t port = 28443;

	(void)state;
	assert_int_equal(confined(try_bind, &port), EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_named_can_be_opened_and_nothing_else),
		cmocka_unit_test(files_that_come_later_in_a_named_folder_can_be_read),
#ifndef RW_SANITIZE
		cmocka_unit_test(nothing_can_be_executed),
#endif
		cmocka_unit_test(no_port_can_be_bound),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
