/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/dbcache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <xxhash.h>

#define DATABASE ".hsdb"
#define WIDTHS	 ".width"

enum {
	NAME_BYTES = 32,
	SUM_BYTES = sizeof(XXH128_canonical_t),
	FILE_BYTES_MAX = 64 << 20,
	PATH_ROOM = 4096,
	NOTE_ROOM = 4400
};

static void tell(void (*note)(const char *text), const char *path, const char *what)
{
	char text[NOTE_ROOM];

	if (!note)
		return;
	snprintf(text, sizeof(text), "the compiled rules in %s are not used: %s", path, what);
	note(text);
}

/* Against damage: whoever can write the folder can write a sum, too. */
static XXH128_canonical_t sum_of(const void *p, size_t n)
{
	XXH128_canonical_t out;

	XXH128_canonicalFromHash(&out, XXH3_128bits(p, n));
	return out;
}

bool rw_dbcache_processor(hs_platform_info_t *out)
{
	*out = (hs_platform_info_t){0};
	if (hs_populate_platform(out) != HS_SUCCESS)
		return false;
	/* Tuning tells Atoms from the rest; without, what one machine compiled serves them all. */
	out->tune = HS_TUNE_FAMILY_GENERIC;
	return true;
}

static bool add_text(EVP_MD_CTX *md, const char *text)
{
	return EVP_DigestUpdate(md, text, strlen(text) + 1) == 1;
}

/* Of the files' layout, and of what was asked of a pattern before its width was kept. */
#define FORMAT "2"

static bool begin_name(EVP_MD_CTX *md)
{
	return md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
	       add_text(md, FORMAT " " RW_VERSION " " __VERSION__) && add_text(md, hs_version());
}

/* The hash, as the file's name; frees md. */
static bool end_name(EVP_MD_CTX *md, bool ok, const char *dir, const char *suffix,
		     char out[PATH_ROOM])
{
	unsigned char sum[NAME_BYTES];
	int n = snprintf(out, PATH_ROOM, "%s/", dir);

	ok = ok && n > 0 && n < PATH_ROOM - 80 && EVP_DigestFinal_ex(md, sum, NULL) == 1;
	EVP_MD_CTX_free(md);
	for (unsigned i = 0; ok && i < NAME_BYTES; i++)
		n += snprintf(out + n, PATH_ROOM - (size_t)n, "%02x", sum[i]);
	if (ok)
		snprintf(out + n, PATH_ROOM - (size_t)n, "%s", suffix);
	return ok;
}

/* Of all that the database depends on. */
static bool name_of(const char *dir, const struct rw_sack *s, const hs_platform_info_t *cpu,
		    char out[PATH_ROOM])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = begin_name(md) && EVP_DigestUpdate(md, &cpu->tune, sizeof(cpu->tune)) == 1 &&
		  EVP_DigestUpdate(md, &cpu->cpu_features, sizeof(cpu->cpu_features)) == 1;

	for (unsigned i = 0; ok && i < s->n; i++)
		ok = add_text(md, s->sources[i]) &&
		     EVP_DigestUpdate(md, &s->flags[i], sizeof(s->flags[i])) == 1 &&
		     EVP_DigestUpdate(md, &s->ids[i], sizeof(s->ids[i])) == 1;
	return end_name(md, ok, dir, DATABASE, out);
}

/* Of all that the widths depend on. */
static bool name_of_widths(const char *dir, const struct rw_sources *s, char out[PATH_ROOM])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = begin_name(md);

	for (unsigned i = 0; ok && i < s->n; i++)
		ok = add_text(md, s->at[i]) &&
		     EVP_DigestUpdate(md, &s->kinds[i], sizeof(s->kinds[i])) == 1;
	return end_name(md, ok, dir, WIDTHS, out);
}

/* Nobody but us and root may have written it. */
static bool is_ours(const struct stat *st)
{
	return (st->st_uid == geteuid() || st->st_uid == 0) && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static bool folder_is_ours(const char *dir)
{
	struct stat st;

	return lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) && is_ours(&st);
}

/* The file's bytes; NULL: it is not there (*why NULL) or not to be used. */
static char *read_file(const char *path, size_t *n, const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	char *bytes = NULL;

	*why = fd < 0 && errno != ENOENT ? "it cannot be opened" : NULL;
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !is_ours(&st))
		*why = "it is not a file of ours alone";
	else if (st.st_size <= SUM_BYTES || st.st_size > FILE_BYTES_MAX)
		*why = "it is damaged";
	if (!*why) {
		*n = (size_t)st.st_size;
		bytes = malloc(*n);
	}
	if (bytes && read(fd, bytes, *n) != (ssize_t)*n) {
		*why = "it cannot be read";
		free(bytes);
		bytes = NULL;
	}
	futimens(fd, NULL); /* used now */
	close(fd);
	return bytes;
}

/* What the file says, behind its sum; to be freed by its first byte. NULL as read_file. */
static char *read_kept(const char *path, size_t *n, const char **why)
{
	char *bytes = read_file(path, n, why);
	XXH128_canonical_t sum;

	if (!bytes)
		return NULL;
	sum = sum_of(bytes + SUM_BYTES, *n - SUM_BYTES);
	if (memcmp(&sum, bytes, SUM_BYTES) != 0) {
		*why = "it is damaged";
		free(bytes);
		return NULL;
	}
	*n -= SUM_BYTES;
	return bytes;
}

bool rw_dbcache_get(const char *dir, const struct rw_sack *s, hs_database_t **db,
		    void (*note)(const char *text))
{
	char path[PATH_ROOM], *bytes;
	hs_platform_info_t cpu;
	const char *why;
	size_t n = 0;
	bool ok;

	if (!folder_is_ours(dir) || !rw_dbcache_processor(&cpu) || !name_of(dir, s, &cpu, path))
		return false;
	bytes = read_kept(path, &n, &why);
	ok = bytes && hs_deserialize_database(bytes + SUM_BYTES, n, db) == HS_SUCCESS;
	if (bytes && !ok)
		why = "it is damaged";
	free(bytes);
	if (why)
		tell(note, path, why);
	return ok;
}

bool rw_dbcache_get_widths(const char *dir, const struct rw_sources *s, uint32_t *widths,
			   void (*note)(const char *text))
{
	char path[PATH_ROOM], *bytes;
	const char *why;
	size_t n = 0;
	bool ok;

	if (!folder_is_ours(dir) || !name_of_widths(dir, s, path))
		return false;
	bytes = read_kept(path, &n, &why);
	ok = bytes && n == s->n * sizeof(*widths);
	if (ok)
		memcpy(widths, bytes + SUM_BYTES, n);
	else if (bytes)
		why = "it is damaged";
	free(bytes);
	if (why)
		tell(note, path, why);
	return ok;
}

static bool write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

static int is_cached(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return dot && (!strcmp(dot, DATABASE) || !strcmp(dot, WIDTHS));
}

/* Removes what was not used for longest, beyond the number that is kept. */
static void prune(const char *dir)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, is_cached, NULL), extra = n - RW_DBCACHE_FILES;

	for (; extra > 0; extra--) {
		char path[PATH_ROOM], oldest[PATH_ROOM] = "";
		time_t least = 0;

		for (int i = 0; i < n; i++) {
			struct stat st;

			if (snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name) >=
				    PATH_ROOM ||
			    lstat(path, &st) || (*oldest && st.st_mtime >= least))
				continue;
			least = st.st_mtime;
			memcpy(oldest, path, sizeof(oldest));
		}
		if (!*oldest || unlink(oldest))
			break;
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

/* Aside, synced, renamed: a file of that name is whole or not there. */
static bool write_file(const char *dir, const char *path, const char *bytes, size_t n)
{
	const XXH128_canonical_t sum = sum_of(bytes, n);
	char aside[PATH_ROOM + 8];
	int fd, folder;
	bool ok;

	snprintf(aside, sizeof(aside), "%s.XXXXXX", path);
	fd = mkostemp(aside, O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = write_all(fd, (const char *)sum.digest, SUM_BYTES) && write_all(fd, bytes, n) &&
	     !fsync(fd);
	close(fd);
	ok = ok && !rename(aside, path);
	if (!ok) {
		unlink(aside);
		return false;
	}
	folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder >= 0) {
		fsync(folder);
		close(folder);
	}
	return true;
}

static bool folder_to_write(const char *dir, void (*note)(const char *text))
{
	mkdir(dir, 0700);
	if (folder_is_ours(dir))
		return true;
	tell(note, dir, "it is not a folder of ours alone");
	return false;
}

static void keep(const char *dir, const char *path, const void *bytes, size_t n,
		 void (*note)(const char *text))
{
	if (!write_file(dir, path, bytes, n))
		tell(note, path, "it cannot be written");
	else
		prune(dir);
}

void rw_dbcache_put(const char *dir, const struct rw_sack *s, const hs_platform_info_t *cpu,
		    const hs_database_t *db, void (*note)(const char *text))
{
	char path[PATH_ROOM], *bytes = NULL;
	size_t n = 0;

	if (!folder_to_write(dir, note) || !name_of(dir, s, cpu, path) ||
	    hs_serialize_database(db, &bytes, &n) != HS_SUCCESS)
		return;
	keep(dir, path, bytes, n, note);
	free(bytes);
}

void rw_dbcache_put_widths(const char *dir, const struct rw_sources *s, const uint32_t *widths,
			   void (*note)(const char *text))
{
	char path[PATH_ROOM];

	if (folder_to_write(dir, note) && name_of_widths(dir, s, path))
		keep(dir, path, widths, s->n * sizeof(*widths), note);
}
