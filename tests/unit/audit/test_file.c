/* SPDX-License-Identifier: Apache-2.0 */
/* The audit file: full disks, torn lines, rotation, and that nothing accepted is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/audit.h"
#include "audit/head.h"
#include "audit/reader.h"

enum { QUEUE_BYTES = 1 << 20, TEXT_MAX = 1 << 21 };

static char dir[64], path[128];

/* A disk of three pages, one of them the head's, in a mount namespace of this process alone. */
static int small_disk(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/ringwall-audit-XXXXXX");
	if (!mkdtemp(dir) || unshare(CLONE_NEWNS) || mount("", "/", "", MS_REC | MS_PRIVATE, "") ||
	    mount("audit", dir, "tmpfs", 0, "size=12k,mode=0755"))
		return -1;
	snprintf(path, sizeof(path), "%s/audit.jsonl", dir);
	return 0;
}

static int small_disk_gone(void **state)
{
	(void)state;
	return umount(dir) || rmdir(dir);
}

static void disk_size(const char *size)
{
	assert_int_equal(mount("audit", dir, "tmpfs", MS_REMOUNT, size), 0);
}

static void more_space(bool more)
{
	disk_size(more ? "size=4m" : "size=12k");
}

static int fresh(void **state)
{
	char head[160];

	(void)state;
	unlink(path);
	snprintf(head, sizeof(head), "%s.head", path);
	unlink(head);
	more_space(false);
	return 0;
}

/* The file's content, terminated; freed by the caller. */
static char *content(const char *file)
{
	char *text = malloc(TEXT_MAX);
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got;

	assert_non_null(text);
	assert_true(fd >= 0);
	while ((got = read(fd, text + n, TEXT_MAX - 1 - n)) > 0)
		n += (size_t)got;
	close(fd);
	text[n] = '\0';
	return text;
}

/* Takes each line's link away, which tests of what is in the file are not about. */
static void unlink_lines(char *text)
{
	char *to = text;
	uint64_t seq;
	unsigned char prev[RW_CHAIN_DIGEST];

	for (char *end; *text; text = end) {
		size_t n = strcspn(text, "\n"), kept = n;

		end = text + n + (text[n] == '\n');
		if (rw_chain_read(rw_slice_of(text, n), &seq, prev)) {
			kept = (size_t)((char *)memmem(text, n, ",\"seq\":", 7) - text);
			text[kept++] = '}';
		}
		memmove(to, text, kept);
		to += kept;
		if (end > text + n)
			*to++ = '\n';
	}
	*to = '\0';
}

static void assert_file(const char *file, const char *want)
{
	char *text = content(file);

	unlink_lines(text);
	assert_string_equal(text, want);
	free(text);
}

/* The chain through the files is whole; *w tells more. */
static void assert_whole(const char *const *files, unsigned n, struct rw_walk *w)
{
	struct rw_error e = {0};

	*w = (struct rw_walk){0};
	for (unsigned i = 0; i < n; i++) {
		struct rw_reading r = {.fd = open(files[i], O_RDONLY | O_CLOEXEC)};

		assert_true(r.fd >= 0);
		assert_int_equal(rw_walk_file(w, &r, &e), RW_OK);
		close(r.fd);
	}
	if (rw_walk_end(w))
		fail_msg("broken at line %lu of file %u", (unsigned long)w->fault_line,
			 w->fault_file);
	rw_walk_free(w);
}

static void put_file(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void add_to_file(const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static struct rw_audit *opened(void)
{
	struct rw_audit *a = NULL;
	struct rw_error e = {0};

	if (rw_audit_open(&a, path, QUEUE_BYTES, &e))
		fail_msg("%s", e.text);
	return a;
}

static int put(struct rw_audit *a, unsigned i)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "{\"n\":%u,\"pad\":\"0123456789abcdef\"}\n", i);

	return rw_audit_write(a, rw_slice_of(line, (size_t)n));
}

/* Lines 0 to n - 1, each whole, once and in order; torn pieces may stand between them. */
static void assert_records(const char *text, unsigned n, unsigned torn_allowed)
{
	unsigned next = 0, torn = 0, i;
	const char *end;

	for (; *text; text = end + 1) {
		end = strchr(text, '\n');
		assert_non_null(end);
		if (end[-1] == '}' && sscanf(text, "{\"n\":%u,", &i) == 1)
			assert_int_equal(i, next++);
		else
			torn++;
	}
	assert_int_equal(next, n);
	assert_in_range(torn, 0, torn_allowed);
}

/* Fills the disk; returns how many records were accepted. */
static unsigned fill(struct rw_audit *a)
{
	unsigned n = 0;

	while (rw_audit_ok(a) && n < 1000)
		assert_int_equal(put(a, n++), RW_OK);
	assert_false(rw_audit_ok(a));
	assert_string_equal(rw_audit_error(a), "No space left on device");
	return n;
}

static void records_are_appended_and_the_mode_is_0640(void **state)
{
	struct rw_audit *a;
	struct stat st;

	(void)state;
	put_file("{\"older\":1}\n");
	unlink(path);
	umask(0);
	a = opened();
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(rw_audit_write(a, RW_SLICE("{\"a\":1}\n")), RW_OK);
	assert_int_equal(rw_audit_write(a, RW_SLICE("{\"b\":1}\n{\"c\":1}\n")), RW_OK);
	assert_true(rw_audit_ok(a));
	assert_string_equal(rw_audit_error(a), "");
	assert_int_equal(rw_audit_close(a), 0);
	a = opened();
	assert_int_equal(rw_audit_write(a, RW_SLICE("{\"d\":1}\n")), RW_OK);
	assert_int_equal(rw_audit_close(a), 0);
	assert_file(path, "{\"a\":1}\n{\"b\":1}\n{\"c\":1}\n{\"d\":1}\n");
}

/* The write that meets the end of the disk is short: half a line is in the file, half waits. */
static void disk_full_loses_nothing_once_space_returns(void **state)
{
	struct rw_audit *a = opened();
	unsigned n = fill(a);
	char *text;

	(void)state;
	for (int i = 0; i < 500; i++)
		assert_int_equal(put(a, n++), RW_OK);
	rw_audit_retry(a);
	assert_false(rw_audit_ok(a));
	more_space(true);
	rw_audit_retry(a);
	assert_true(rw_audit_ok(a));
	assert_string_equal(rw_audit_error(a), "");
	assert_int_equal(put(a, n++), RW_OK);
	assert_int_equal(rw_audit_close(a), 0);
	text = content(path);
	assert_records(text, n, 0);
	free(text);
}

/* Space comes back by writing on, without a tick in between. */
static void the_next_write_tries_what_waits_first(void **state)
{
	struct rw_audit *a = opened();
	unsigned n = fill(a);
	char *text;

	(void)state;
	more_space(true);
	assert_int_equal(put(a, n++), RW_OK);
	assert_true(rw_audit_ok(a));
	assert_int_equal(rw_audit_close(a), 0);
	text = content(path);
	assert_records(text, n, 0);
	free(text);
}

/* Memory is bounded: at the bound a record is refused whole, and the ones before it stay. */
static void the_queue_is_bounded(void **state)
{
	struct rw_audit *a = NULL;
	struct rw_error e;
	unsigned n = 0;
	char *text;

	(void)state;
	put_file("");
	assert_int_equal(rw_audit_open(&a, path, 2000, &e), RW_OK);
	while (put(a, n) == RW_OK)
		assert_true(++n < 1000);
	assert_int_equal(put(a, n), RW_ELIMIT);
	assert_false(rw_audit_ok(a));
	more_space(true);
	rw_audit_retry(a);
	assert_int_equal(put(a, n++), RW_OK);
	assert_int_equal(rw_audit_close(a), 0);
	text = content(path);
	assert_records(text, n, 0);
	free(text);
}

static void close_counts_what_is_lost(void **state)
{
	struct rw_audit *a = NULL;
	struct rw_error e;

	(void)state;
	assert_int_equal(rw_audit_open(&a, "/dev/full", QUEUE_BYTES, &e), RW_OK);
	assert_int_equal(rw_audit_write(a, RW_SLICE("{\"a\":1}\n{\"b\":1}\n")), RW_OK);
	assert_int_equal(rw_audit_write(a, RW_SLICE("{\"c\":1}\n")), RW_OK);
	assert_false(rw_audit_ok(a));
	assert_int_equal(rw_audit_close(a), 3);
}

/* A crash in the middle of a write: the next record must not become part of the torn one. */
static void a_torn_last_line_is_ended(void **state)
{
	struct rw_audit *a;
	struct rw_walk w;
	char *text;

	(void)state;
	a = opened();
	assert_int_equal(put(a, 0), RW_OK);
	assert_int_equal(put(a, 1), RW_OK);
	assert_int_equal(rw_audit_close(a), 0);
	add_to_file("{\"torn\":");
	a = opened();
	assert_int_equal(put(a, 2), RW_OK);
	assert_int_equal(rw_audit_close(a), 0);
	text = content(path);
	assert_non_null(strstr(text, "\n{\"torn\":\n{\"time\":"));
	assert_non_null(strstr(text, "\"event\":\"audit_stray\",\"bytes\":8,"));
	assert_records(text, 3, 2);
	free(text);
	assert_whole(&(const char *){path}, 1, &w);
	assert_int_equal(w.strays, 1);
	assert_int_equal(w.at.seq, 4);
}

/* The repair itself meets a full disk: it waits as a record does, and no record passes it. */
static void a_torn_last_line_on_a_full_disk_is_ended_first(void **state)
{
	struct rw_audit *a;
	struct rw_walk w;
	char *text, big[8193];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	put_file(big);
	a = opened();
	assert_false(rw_audit_ok(a));
	assert_int_equal(put(a, 0), RW_OK);
	more_space(true);
	rw_audit_retry(a);
	assert_true(rw_audit_ok(a));
	assert_int_equal(rw_audit_close(a), 0);
	text = content(path);
	assert_memory_equal(text, big, sizeof(big) - 1);
	assert_int_equal(text[sizeof(big) - 1], '\n');
	assert_records(text + sizeof(big), 1, 1);
	free(text);
	assert_whole(&(const char *){path}, 1, &w);
	assert_int_equal(w.at.seq, 2);
}

static void rotation_goes_on_in_a_new_file(void **state)
{
	struct rw_audit *a = opened();
	struct rw_walk w;
	char old[160];
	struct rw_error e;

	(void)state;
	snprintf(old, sizeof(old), "%s.1", path);
	assert_int_equal(rw_audit_write(a, RW_SLICE("{\"a\":1}\n")), RW_OK);
	assert_int_equal(rename(path, old), 0);
	assert_false(rw_audit_moved(a));
	assert_int_equal(rw_audit_write(a, RW_SLICE("{\"b\":1}\n")), RW_OK);
	assert_true(rw_audit_moved(a)); /* noticed, and nothing was written behind its back */
	assert_int_equal(rw_audit_reopen(a, &e), RW_OK);
	assert_false(rw_audit_moved(a));
	assert_true(rw_audit_ok(a));
	assert_int_equal(rw_audit_write(a, RW_SLICE("{\"c\":1}\n")), RW_OK);
	assert_int_equal(rw_audit_close(a), 0);
	assert_file(old, "{\"a\":1}\n");
	assert_file(path, "{\"b\":1}\n{\"c\":1}\n");
	assert_whole((const char *[]){old, path}, 2, &w);
	assert_int_equal(w.at.seq, 3);
	unlink(old);
}

/*
 * Half of a record is in the full file that is moved away: the new one gets it whole, and
 * none of those that were written before it once more.
 */
static void rotation_of_a_full_file_splits_no_record(void **state)
{
	struct rw_audit *a = opened();
	struct rw_walk w;
	unsigned n = fill(a), whole = 0;
	char old[160], *text, *end;
	struct rw_error e;

	(void)state;
	for (int i = 0; i < 300; i++)
		assert_int_equal(put(a, n++), RW_OK);
	disk_size("size=16k"); /* one page more: a hundred of those that wait, and a part */
	rw_audit_retry(a);
	assert_false(rw_audit_ok(a));
	snprintf(old, sizeof(old), "%s.1", path);
	assert_int_equal(rename(path, old), 0);
	assert_int_equal(rw_audit_reopen(a, &e), RW_OK);
	more_space(true);
	rw_audit_retry(a);
	assert_true(rw_audit_ok(a));
	assert_int_equal(rw_audit_close(a), 0);
	assert_whole((const char *[]){old, path}, 2, &w);
	assert_int_equal(w.at.seq, n);
	assert_int_equal(w.strays, 0);
	text = content(old);
	end = strrchr(text, '\n');
	assert_true(end && end[1] != '\0'); /* this disk does cut a record */
	end[1] = '\0';
	for (const char *p = text; *p; p++)
		whole += *p == '\n';
	assert_records(text, whole, 0);
	free(text);
	text = content(path);
	assert_int_equal(strncmp(text, "{\"n\":", 5), 0);
	assert_int_equal(strtoul(text + 5, NULL, 10), whole);
	for (const char *p = text; *p; p++)
		whole += *p == '\n';
	assert_int_equal(whole, n);
	free(text);
	unlink(old);
}

/* A reload without a rotation, on a full disk: the same file is opened again. */
static void reopening_the_same_full_file_loses_nothing(void **state)
{
	struct rw_audit *a = opened();
	unsigned n = fill(a);
	struct rw_error e;
	char *text;

	(void)state;
	assert_int_equal(rw_audit_reopen(a, &e), RW_OK);
	assert_int_equal(put(a, n++), RW_OK);
	more_space(true);
	rw_audit_retry(a);
	assert_int_equal(rw_audit_close(a), 0);
	text = content(path);
	assert_records(text, n, 1);
	free(text);
}

static void a_failed_reopen_keeps_the_old_file(void **state)
{
	struct rw_audit *a = opened();
	char old[160];
	struct rw_error e;

	(void)state;
	snprintf(old, sizeof(old), "%s.1", path);
	assert_int_equal(rename(path, old), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(rw_audit_reopen(a, &e), RW_EIO);
	assert_non_null(strstr(e.text, path));
	assert_int_equal(rw_audit_write(a, RW_SLICE("{\"a\":1}\n")), RW_OK);
	assert_true(rw_audit_ok(a));
	assert_int_equal(rw_audit_close(a), 0);
	assert_file(old, "{\"a\":1}\n");
	unlink(old);
	rmdir(path);
}

static void what_cannot_be_opened_says_what_to_do(void **state)
{
	struct rw_audit *a = NULL;
	struct rw_error e;
	char missing[160];

	(void)state;
	snprintf(missing, sizeof(missing), "%s/no/audit.jsonl", dir);
	assert_int_equal(rw_audit_open(&a, missing, QUEUE_BYTES, &e), RW_EIO);
	assert_non_null(strstr(e.text, missing));
	assert_non_null(strstr(e.text, "No such file or directory"));
	assert_non_null(strstr(e.text, "audit.file"));
	assert_null(a);
}

/* A FIFO without a reader would hang the control thread in open. */
static void a_fifo_is_refused_and_does_not_hang(void **state)
{
	struct rw_audit *a = NULL;
	struct rw_error e;

	(void)state;
	assert_int_equal(mkfifo(path, 0640), 0);
	assert_int_equal(rw_audit_open(&a, path, QUEUE_BYTES, &e), RW_EINVAL);
	assert_non_null(strstr(e.text, "not a regular file"));
}

/* Closed, killed, moved away while nobody ran: each start goes on with the next number. */
static void the_chain_goes_on_over_restarts(void **state)
{
	char old[160];
	struct rw_audit *a;
	struct rw_walk w;
	unsigned n = 0;

	(void)state;
	more_space(true);
	snprintf(old, sizeof(old), "%s.1", path);
	for (unsigned i = 0; i < 4; i++) {
		a = opened();
		for (unsigned j = 0; j < 3; j++)
			assert_int_equal(put(a, n++), RW_OK);
		rw_audit_close(a);
	}
	assert_int_equal(rename(path, old), 0);
	a = opened();
	assert_int_equal(put(a, n++), RW_OK);
	rw_audit_close(a);
	assert_whole((const char *[]){old, path}, 2, &w);
	assert_int_equal(w.at.seq, n);
	unlink(old);
}

/* SIGKILL: nothing is closed, and the head is as old as the last sync. */
static void a_killed_writer_leaves_nothing_to_repair(void **state)
{
	struct rw_walk w;
	pid_t pid;
	int status;

	(void)state;
	more_space(true);
	for (unsigned i = 0; i < 3; i++) {
		pid = fork();
		if (pid == 0) {
			struct rw_audit *a = opened();

			put(a, 3 * i);
			put(a, 3 * i + 1);
			rw_audit_syncing(a);
			put(a, 3 * i + 2); /* the head does not know of it */
			rw_audit_synced(a, RW_OK);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	assert_whole(&(const char *){path}, 1, &w);
	assert_int_equal(w.at.seq, 9);
}

/* The end of a log was cut off while nobody ran: the next record's number tells. */
static void a_log_that_lost_its_end_shows_it(void **state)
{
	struct rw_audit *a = opened();
	struct rw_walk w = {0};
	struct rw_reading r = {0};
	struct rw_error e;
	char *text;

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(put(a, i), RW_OK);
	rw_audit_close(a);
	text = content(path);
	assert_int_equal(truncate(path, strstr(text, "{\"n\":3") - text), 0);
	free(text);
	a = opened();
	assert_int_equal(put(a, 5), RW_OK);
	rw_audit_close(a);
	r.fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(rw_walk_file(&w, &r, &e), RW_OK);
	close(r.fd);
	assert_true(rw_walk_end(&w));
	assert_int_equal(w.at.seq, 3);
	assert_int_equal(w.fault, RW_WALK_SEQ);
	assert_int_equal(w.fault_seq, 6);
	rw_walk_free(&w);
}

/* Before this version lines had no link: the first record accounts for all of them. */
static void a_log_without_a_chain_is_accounted_for(void **state)
{
	struct rw_audit *a;
	struct rw_walk w;

	(void)state;
	put_file("{\"old\":1}\n{\"old\":2}\n");
	a = opened();
	assert_int_equal(put(a, 0), RW_OK);
	rw_audit_close(a);
	assert_whole(&(const char *){path}, 1, &w);
	assert_int_equal(w.at.seq, 2);
	assert_int_equal(w.stray_bytes, 19);
}

/* A hand-over: for a while two gateways write, and the log is rotated meanwhile. */
static void two_writers_make_one_chain(void **state)
{
	struct rw_audit *a = opened(), *b = opened();
	struct rw_walk w;
	struct rw_error e;
	char old[160];

	(void)state;
	more_space(true);
	snprintf(old, sizeof(old), "%s.1", path);
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(put(i % 3 ? a : b, i), RW_OK);
	assert_int_equal(rename(path, old), 0);
	assert_int_equal(rw_audit_reopen(b, &e), RW_OK);
	assert_int_equal(put(b, 9), RW_OK);
	assert_int_equal(put(a, 10), RW_OK);
	assert_true(rw_audit_moved(a));
	assert_int_equal(rw_audit_reopen(a, &e), RW_OK);
	for (unsigned i = 11; i < 20; i++)
		assert_int_equal(put(i % 2 ? a : b, i), RW_OK);
	rw_audit_close(b);
	rw_audit_close(a);
	assert_whole((const char *[]){old, path}, 2, &w);
	assert_int_equal(w.at.seq, 20);
	assert_int_equal(w.strays, 0);
	unlink(old);
}

/* The disk is full for both of them, and the one finds half a record of the other's. */
static void two_writers_on_a_full_disk_make_one_chain(void **state)
{
	struct rw_audit *a = opened(), *b = opened();
	struct rw_walk w;
	unsigned n = fill(a);

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(put(i % 3 ? a : b, n++), RW_OK);
	disk_size("size=16k");
	rw_audit_retry(b);
	rw_audit_retry(a);
	rw_audit_retry(b);
	more_space(true);
	rw_audit_retry(a);
	rw_audit_retry(b);
	assert_true(rw_audit_ok(a) && rw_audit_ok(b));
	rw_audit_close(b);
	rw_audit_close(a);
	assert_whole(&(const char *){path}, 1, &w);
	assert_int_equal(w.records - w.strays, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(records_are_appended_and_the_mode_is_0640, fresh),
		cmocka_unit_test_setup(disk_full_loses_nothing_once_space_returns, fresh),
		cmocka_unit_test_setup(the_next_write_tries_what_waits_first, fresh),
		cmocka_unit_test_setup(the_queue_is_bounded, fresh),
		cmocka_unit_test_setup(close_counts_what_is_lost, fresh),
		cmocka_unit_test_setup(a_torn_last_line_is_ended, fresh),
		cmocka_unit_test_setup(a_torn_last_line_on_a_full_disk_is_ended_first, fresh),
		cmocka_unit_test_setup(rotation_goes_on_in_a_new_file, fresh),
		cmocka_unit_test_setup(rotation_of_a_full_file_splits_no_record, fresh),
		cmocka_unit_test_setup(reopening_the_same_full_file_loses_nothing, fresh),
		cmocka_unit_test_setup(a_failed_reopen_keeps_the_old_file, fresh),
		cmocka_unit_test_setup(what_cannot_be_opened_says_what_to_do, fresh),
		cmocka_unit_test_setup(a_fifo_is_refused_and_does_not_hang, fresh),
		cmocka_unit_test_setup(the_chain_goes_on_over_restarts, fresh),
		cmocka_unit_test_setup(a_killed_writer_leaves_nothing_to_repair, fresh),
		cmocka_unit_test_setup(a_log_that_lost_its_end_shows_it, fresh),
		cmocka_unit_test_setup(a_log_without_a_chain_is_accounted_for, fresh),
		cmocka_unit_test_setup(two_writers_make_one_chain, fresh),
		cmocka_unit_test_setup(two_writers_on_a_full_disk_make_one_chain, fresh),
	};

	return cmocka_run_group_tests(tests, small_disk, small_disk_gone);
}
