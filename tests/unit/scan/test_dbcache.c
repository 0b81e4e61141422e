/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled rules on disk: used when they are what they should be, and never else. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scan/rules.h"
#include "scan_test.h"

static char dir[64], cache[80];
static char noted[8192];

static void note(const char *text)
{
	size_t n = strlen(noted);

	snprintf(noted + n, sizeof(noted) - n, "%s\n", text);
}

static const char *path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", cache, name);
	return path;
}

/* The n-th file of the cache whose name ends so, or NULL. */
static const char *file_of(const char *suffix, unsigned n)
{
	static char path[512];
	struct dirent *d;
	DIR *folder = opendir(cache);
	bool found = false;

	while (folder && !found && (d = readdir(folder)) != NULL) {
		size_t name = strlen(d->d_name), end = strlen(suffix);

		if (d->d_name[0] == '.' || name < end ||
		    strcmp(d->d_name + name - end, suffix) != 0 || n--)
			continue;
		snprintf(path, sizeof(path), "%s", path_of(d->d_name));
		found = true;
	}
	if (folder)
		closedir(folder);
	return found ? path : NULL;
}

static const char *file_at(unsigned n)
{
	return file_of("", n);
}

static unsigned files(void)
{
	unsigned n = 0;

	while (file_at(n))
		n++;
	return n;
}

static void load_from(const struct rw_rules_from *from)
{
	static struct rw_findings f;
	struct rw_scanner *s = NULL;
	struct rw_rules *r = NULL;
	struct rw_error e;

	noted[0] = '\0';
	assert_int_equal(rw_rules_load_from(&r, from, &e), 0);
	assert_int_equal(rw_scanner_new(&s, r, &e), 0);
	assert_int_equal(
		rw_scan_text(s, r, RW_SLICE("mail jane.doe@example.com"), 1u << RW_CAT_PII, &f), 0);
	assert_int_equal(f.n, 1);
	rw_scanner_free(s);
	rw_rules_unref(r);
}

static void load(void)
{
	load_from(&(const struct rw_rules_from){.cache_dir = cache, .note = note});
}

static int begin(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/ringwall-cache-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(cache, sizeof(cache), "%s/cache", dir);
	return 0;
}

static int end(void **state)
{
	const char *path;

	(void)state;
	chmod(cache, 0700);
	while ((path = file_at(0)) != NULL)
		unlink(path);
	rmdir(cache);
	unlink(cache);
	return rmdir(dir);
}

static void compiled_rules_are_kept_for_us_alone_and_used(void **state)
{
	struct stat st, again;
	unsigned n;

	(void)state;
	load();
	n = files();
	assert_true(n >= 1);
	assert_string_equal(noted, "");
	assert_int_equal(stat(cache, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(file_at(0), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	load();
	assert_int_equal(files(), n);
	assert_int_equal(stat(file_at(0), &again), 0);
	assert_int_equal(again.st_ino, st.st_ino); /* not written anew */
	assert_string_equal(noted, "");
}

/* One bit, the end cut off, another's bytes: each is seen, told, and made anew. */
static void damage_each_way(const char *suffix)
{
	load();
	for (unsigned how = 0; how < 3; how++) {
		const char *path = file_of(suffix, 0);
		FILE *f = fopen(path, "r+");
		struct stat before, after;

		assert_non_null(f);
		assert_int_equal(stat(path, &before), 0);
		if (how == 0) {
			fseek(f, before.st_size / 2, SEEK_SET);
			int c = fgetc(f);
			fseek(f, before.st_size / 2, SEEK_SET);
			fputc(c ^ 1, f);
		}
		fclose(f);
		if (how == 1)
			assert_int_equal(truncate(path, before.st_size / 2), 0);
		if (how == 2)
			assert_int_equal(truncate(path, 0), 0);
		load();
		assert_non_null(strstr(noted, "damaged"));
		assert_int_equal(stat(path, &after), 0);
		assert_int_equal(after.st_size, before.st_size);
		load();
		assert_string_equal(noted, "");
	}
}

static void a_damaged_file_is_made_anew(void **state)
{
	(void)state;
	damage_each_way(".hsdb");
	damage_each_way(".width");
}

/* Taken from the cache they say what Hyperscan says. */
static void widths_that_were_kept_are_those_of_the_patterns(void **state)
{
	const struct rw_rules_from from = {.cache_dir = cache, .note = note};
	struct rw_rules *made = NULL, *kept = NULL;
	const char *path;

	(void)state;
	load();
	assert_int_equal(rw_rules_load(&made, NULL, NULL), 0);
	assert_int_equal(rw_rules_load_from(&kept, &from, NULL), 0);
	assert_string_equal(noted, "");
	assert_int_equal(kept->n_pats, made->n_pats);
	for (unsigned i = 0; i < made->n_pats; i++)
		assert_int_equal(kept->pats[i].width, made->pats[i].width);
	rw_rules_unref(made);
	rw_rules_unref(kept);
	/* They are kept where they are looked for: without them another file is written. */
	while ((path = file_of(".width", 0)) != NULL)
		unlink(path);
	load();
	assert_non_null(file_of(".width", 0));
}

/* What others can write is not read, and nothing is written where others can. */
static void what_others_may_write_is_not_trusted(void **state)
{
	char other[600];
	const char *path;

	(void)state;
	load();
	path = file_at(0);
	assert_int_equal(chmod(path, 0666), 0);
	load();
	assert_non_null(strstr(noted, "not a file of ours"));
	snprintf(other, sizeof(other), "%s.real", path);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
	load();
	assert_non_null(strstr(noted, "cannot be opened"));
	assert_int_equal(chmod(cache, 0777), 0);
	load();
	assert_non_null(strstr(noted, "not a folder of ours"));
}

/* An image is built on one machine and started on another. */
static void rules_compiled_for_every_processor_serve_ours(void **state)
{
	unsigned kinds, one, databases = 0;

	(void)state;
	load();
	one = files();
	while (file_of(".hsdb", databases))
		databases++;
	while (file_at(0))
		unlink(file_at(0));
	load_from(&(const struct rw_rules_from){
		.cache_dir = cache, .note = note, .every_processor = true});
	kinds = files();
	assert_int_equal(kinds, one + 3 * databases);
	load(); /* ours is one of them: none is added */
	assert_int_equal(files(), kinds);
	load_from(&(const struct rw_rules_from){
		.cache_dir = dir, .shipped_dir = cache, .note = note});
	assert_string_equal(noted, "");
	/* Nor written where it could be: end() finds dir empty but for the cache. */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(compiled_rules_are_kept_for_us_alone_and_used,
						begin, end),
		cmocka_unit_test_setup_teardown(a_damaged_file_is_made_anew, begin, end),
		cmocka_unit_test_setup_teardown(widths_that_were_kept_are_those_of_the_patterns,
						begin, end),
		cmocka_unit_test_setup_teardown(rules_compiled_for_every_processor_serve_ours,
						begin, end),
		cmocka_unit_test_setup_teardown(what_others_may_write_is_not_trusted, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
