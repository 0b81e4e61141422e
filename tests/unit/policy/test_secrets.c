/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: where they come from, and that no message ever shows one. */
#include "util.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define WITH_KEY(key) LISTENERS UPSTREAMS "    " key "\n" MODELS
#define SECRET	      "sk-0123456789abcdef"

static char dir[] = "/tmp/ringwall-test-XXXXXX";

static void put(const char *name, const char *content, mode_t mode)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static char *with_key_file(const char *name, char out[512])
{
	snprintf(out, 512, LISTENERS UPSTREAMS "    key_file: %s/%s\n" MODELS, dir, name);
	return out;
}

/* Loads what must fail, and returns the message after looking for the secret in it. */
static const char *message_of(const char *yaml)
{
	static struct rw_error e;
	struct rw_config *c;

	assert_true(rw_config_parse(&c, yaml, strlen(yaml), "f", &e) < 0);
	assert_null(strstr(e.text, "0123456789"));
	return e.text;
}

static void variable_is_filled_in(void **state)
{
	struct rw_config *c;

	(void)state;
	setenv("RW_TEST_KEY", SECRET, 1);
	setenv("RW_TEST_N", "7", 1);
	c = must_load(WITH_KEY("key: ${RW_TEST_KEY}") "workers: ${RW_TEST_N}\n");
	assert_string_equal(c->upstreams[0].key, SECRET);
	assert_int_equal(c->workers, 7);
	rw_config_free(c);
	c = must_load(WITH_KEY("key: \"a-${RW_TEST_N}-$${x}-$\""));
	assert_string_equal(c->upstreams[0].key, "a-7-${x}-$");
	rw_config_free(c);
}

/* An empty string went upstream as the key, and every request came back 401. */
static void unset_or_empty_variable_is_an_error(void **state)
{
	(void)state;
	unsetenv("RW_TEST_NONE");
	must_fail(WITH_KEY("key: ${RW_TEST_NONE}"),
		  "f:6:10: upstreams[0].key: the environment variable RW_TEST_NONE is not set");
	setenv("RW_TEST_NONE", "", 1);
	must_fail(WITH_KEY("key: ${RW_TEST_NONE}"),
		  "f:6:10: upstreams[0].key: the key must be 1 to 4096 visible ASCII characters "
		  "without blanks; what was found is not shown");
}

/* Values only: a variable must not be able to bring lines, keys or sections. */
static void variable_cannot_bring_structure(void **state)
{
	(void)state;
	setenv("RW_TEST_EVIL", "openai\nkernel: off", 1);
	must_fail(LISTENERS UPSTREAMS
		  "models:\n  - {name: \"${RW_TEST_EVIL}\", upstream: openai}\n",
		  "f:7:12: models[0].name: the text has control characters or is not UTF-8");
	must_fail(LEAST "${RW_TEST_EVIL}: 1\n",
		  "f:8:1: ${RW_TEST_EVIL}: there is no such key; known here: listeners, admin, "
		  "balancers, upstreams, models, auth, limits, timeouts, guards, state_dir, audit, "
		  "kernel, "
		  "strikes, workers, spin_us");
}

/* A line end in a key would end the Authorization header and begin another. */
static void key_with_a_line_end_inside_is_refused(void **state)
{
	(void)state;
	setenv("RW_TEST_KEY", SECRET "\r\nX-Evil: 1", 1);
	assert_non_null(
		strstr(message_of(WITH_KEY("key: ${RW_TEST_KEY}")), "f:6:10: upstreams[0].key"));
}

static void messages_never_show_what_was_found(void **state)
{
	(void)state;
	setenv("RW_TEST_KEY", SECRET, 1);
	message_of(WITH_KEY("key: [" SECRET "]"));
	message_of(WITH_KEY("key: \"" SECRET " x\""));
	message_of(WITH_KEY("key: ${" SECRET "}"));
	message_of(WITH_KEY("key: ${" SECRET));
	/* In the wrong place: the file's own text is shown, not what the variable holds. */
	message_of(LEAST "workers: ${RW_TEST_KEY}\n");
	message_of(LEAST "kernel: ${RW_TEST_KEY}\n");
	message_of(LISTENERS "upstreams:\n  - {name: openai, url: \"https://u:" SECRET "@h/\"}\n");
}

static void key_file_is_read_and_its_line_end_cut(void **state)
{
	struct rw_config *c;
	char yaml[512];

	(void)state;
	put("key", SECRET "\r\n\n", 0600);
	c = must_load(with_key_file("key", yaml));
	assert_string_equal(c->upstreams[0].key, SECRET);
	rw_config_free(c);
}

static void key_file_readable_by_everybody_is_refused(void **state)
{
	char yaml[512], want[256];

	(void)state;
	put("open", SECRET "\n", 0644);
	snprintf(want, sizeof(want),
		 "f:6:15: upstreams[0].key_file: '%s/open' can be read by everybody: chmod o-r it",
		 dir);
	must_fail(with_key_file("open", yaml), want);
	put("group", SECRET "\n", 0640); /* systemd and secret mounts do this */
	rw_config_free(must_load(with_key_file("group", yaml)));
}

static void key_file_that_is_no_key_is_refused_without_showing_it(void **state)
{
	char yaml[512], large[20000], path[128];

	(void)state;
	assert_non_null(strstr(message_of(with_key_file("none", yaml)), "No such file"));
	put("empty", "\n", 0600);
	assert_non_null(strstr(message_of(with_key_file("empty", yaml)), "is empty"));
	put("two", SECRET "\n" SECRET "\n", 0600);
	assert_non_null(strstr(message_of(with_key_file("two", yaml)), "not shown"));
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	put("large", large, 0600);
	assert_non_null(strstr(message_of(with_key_file("large", yaml)), "larger than 16 KiB"));
	/* A FIFO there must not stop the start for good. */
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_non_null(strstr(message_of(with_key_file("fifo", yaml)), "no regular file"));
	assert_non_null(strstr(message_of(with_key_file(".", yaml)), "no regular file"));
}

static void key_and_key_file_together_are_refused(void **state)
{
	char yaml[512];

	(void)state;
	put("key", SECRET "\n", 0600);
	snprintf(yaml, sizeof(yaml),
		 LISTENERS UPSTREAMS "    key: k\n    key_file: %s/key\n" MODELS, dir);
	must_fail(yaml,
		  "f:7:15: upstreams[0].key_file: there is a key already: give key or key_file");
}

/* `ringwall key list -c FILE` needs state_dir, not the provider's key. */
static void public_load_asks_for_no_secret(void **state)
{
	struct rw_error e;
	struct rw_config *c;
	char path[128];

	(void)state;
	unsetenv("RW_TEST_NONE");
	put("c.yaml",
	    LISTENERS "upstreams:\n"
		      "  - {name: openai, url: https://a/, key: \"${RW_TEST_NONE}\"}\n"
		      "  - {name: b, url: https://b/, key_file: /nonexistent}\n" MODELS
		      "  - {name: m, upstream: b}\nstate_dir: state\n",
	    0600);
	snprintf(path, sizeof(path), "%s/c.yaml", dir);
	assert_int_equal(rw_config_load(&c, path, &e), RW_EINVAL);
	assert_non_null(strstr(e.text, "RW_TEST_NONE"));
	assert_int_equal(rw_config_load_public(&c, path, &e), RW_OK);
	assert_null(c->upstreams[0].key);
	assert_null(c->upstreams[1].key);
	/* A service's working directory is /: a relative path is meant from the file's folder. */
	snprintf(path, sizeof(path), "%s/state", dir);
	assert_string_equal(c->state_dir, path);
	rw_config_free(c);
}

static void file_that_cannot_be_read_is_named(void **state)
{
	struct rw_error e;
	struct rw_config *c;

	(void)state;
	assert_int_equal(rw_config_load(&c, "/nonexistent/r.yaml", &e), RW_ENOTFOUND);
	assert_string_equal(e.text, "cannot read the configuration '/nonexistent/r.yaml': No such "
				    "file or directory");
	assert_int_equal(rw_config_load(&c, "/tmp", &e), RW_EIO);
	assert_string_equal(e.text, "cannot read the configuration '/tmp': Is a directory");
}

static void endless_file_ends(void **state)
{
	struct rw_error e;
	struct rw_config *c;

	(void)state;
	assert_int_equal(rw_config_load(&c, "/dev/zero", &e), RW_ELIMIT);
	assert_string_equal(e.text, "/dev/zero: larger than 1 MiB: this is no configuration");
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variable_is_filled_in),
		cmocka_unit_test(unset_or_empty_variable_is_an_error),
		cmocka_unit_test(variable_cannot_bring_structure),
		cmocka_unit_test(key_with_a_line_end_inside_is_refused),
		cmocka_unit_test(messages_never_show_what_was_found),
		cmocka_unit_test(key_file_is_read_and_its_line_end_cut),
		cmocka_unit_test(key_file_readable_by_everybody_is_refused),
		cmocka_unit_test(key_file_that_is_no_key_is_refused_without_showing_it),
		cmocka_unit_test(key_and_key_file_together_are_refused),
		cmocka_unit_test(public_load_asks_for_no_secret),
		cmocka_unit_test(file_that_cannot_be_read_is_named),
		cmocka_unit_test(endless_file_ends),
	};

	rw_log_set_level(RW_LOG_ERROR);
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
