/* SPDX-License-Identifier: Apache-2.0 */
/* Key lists: keys by their hashes, in a text that is made elsewhere and only read here. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/buf.h"
#include "ident/keys.h"
#include "ident/text.h"

enum { MAX_BYTES = 4 << 20, HEX_DIGITS = 2 * RW_KEY_HASH_BYTES };

/* Takes a word and the blanks before it from the line; empty where there is none. */
static struct rw_slice take_word(struct rw_slice *line)
{
	size_t from = 0, to;

	while (from < line->n && (line->p[from] == ' ' || line->p[from] == '\t'))
		from++;
	for (to = from; to < line->n && line->p[to] != ' ' && line->p[to] != '\t';)
		to++;
	struct rw_slice word = rw_slice_of(line->p + from, to - from);

	*line = rw_slice_of(line->p + to, line->n - to);
	return word;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The same on every machine that has the list; of the key itself it says nothing. */
static void name_by_hash(struct rw_key *k)
{
	const unsigned char *h = k->hash;

	snprintf(k->id, sizeof(k->id), "k_%02x%02x%02x%02x%02x%02x", h[0], h[1], h[2], h[3], h[4],
		 h[5]);
}

static bool take_hash(struct rw_slice word, struct rw_key *k)
{
	if (word.n != 7 + HEX_DIGITS || !rw_slice_starts(word, "sha256:"))
		return false;
	for (size_t i = 0; i < HEX_DIGITS; i++) {
		int digit = hex(word.p[7 + i]);

		if (digit < 0)
			return false;
		k->hash[i / 2] = (unsigned char)(k->hash[i / 2] << 4 | digit);
	}
	name_by_hash(k);
	return true;
}

static bool take_rate(struct rw_slice word, struct rw_key *k)
{
	uint32_t rate = 0;

	if (word.n < 6 || word.n > 13 || !rw_slice_starts(word, "rate="))
		return false;
	for (size_t i = 5; i < word.n; i++) {
		if (word.p[i] < '0' || word.p[i] > '9')
			return false;
		rate = rate * 10 + (uint32_t)(word.p[i] - '0');
	}
	k->rate_per_minute = rate;
	return rate <= RW_KEY_MAX_RATE;
}

/* What is refused is not repeated: it may be a key, pasted into the wrong place. */
static int take_line(struct rw_slice line, struct rw_key *k, struct rw_error *e)
{
	struct rw_slice name = take_word(&line), hash = take_word(&line), rate = take_word(&line);
	int rc = rw_key_check_name(name, e);

	*k = (struct rw_key){0};
	if (rc)
		return rc;
	memcpy(k->name, name.p, name.n);
	if (!take_hash(hash, k))
		return rw_fail(e, RW_EINVAL,
			       "behind the name stands sha256: and 64 digits of 0-9 a-f, as "
			       "`ringwall key add NAME --list FILE` writes them");
	if (rate.n && !take_rate(rate, k))
		return rw_fail(e, RW_EINVAL, "behind the hash may stand rate=N, N from 0 to %d",
			       RW_KEY_MAX_RATE);
	if (take_word(&line).n)
		return rw_fail(e, RW_EINVAL, "behind NAME, HASH and rate=N nothing may stand");
	return RW_OK;
}

/* By their hashes, so that what is there twice stands together. */
static int by_hash(const void *a, const void *b)
{
	return memcmp(((const struct rw_key *)a)->hash, ((const struct rw_key *)b)->hash,
		      RW_KEY_HASH_BYTES);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct rw_key *)a)->name, ((const struct rw_key *)b)->name);
}

static int check_twice(struct rw_key *keys, unsigned n, const char *file, struct rw_error *e)
{
	int (*const orders[])(const void *, const void *) = {by_hash, by_name};

	for (size_t o = 0; o < 2; o++) {
		qsort(keys, n, sizeof(*keys), orders[o]);
		for (unsigned i = 1; i < n; i++)
			if (orders[o](&keys[i - 1], &keys[i]) == 0)
				return rw_fail(e, RW_EINVAL, "%.200s: %s '%s' %s twice", file,
					       o ? "the name" : "the key of", keys[i].name,
					       o ? "is there" : "is listed");
	}
	return RW_OK;
}

static unsigned count_lines(struct rw_slice text)
{
	unsigned n = 1;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

int rw_keylist_parse(struct rw_slice text, const char *file, struct rw_key **out, unsigned *n_out,
		     struct rw_error *e)
{
	struct rw_key *keys = calloc(count_lines(text), sizeof(*keys));
	struct rw_error why = {0};
	unsigned n = 0, number = 1;
	int rc = RW_OK;

	if (!keys)
		return rw_fail(e, RW_ENOMEM, "out of memory for the keys of %.200s", file);
	for (; text.n && !rc; number++) {
		const char *eol = memchr(text.p, '\n', text.n);
		struct rw_slice line = rw_slice_of(text.p, eol ? (size_t)(eol - text.p) : text.n);
		struct rw_slice first, rest;

		text = rw_slice_of(text.p + line.n + !!eol, text.n - line.n - !!eol);
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		rest = line;
		first = take_word(&rest);
		if (!first.n || first.p[0] == '#')
			continue;
		rc = take_line(line, &keys[n++], &why);
		if (rc)
			rw_fail(e, rc, "%.200s:%u: %s", file, number, why.text);
	}
	rc = rc ? rc : check_twice(keys, n, file, e);
	if (rc) {
		free(keys);
		return rc;
	}
	*out = keys;
	*n_out = n;
	return RW_OK;
}

static int open_list(const char *file, struct rw_error *e)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return rw_fail(e,
			       errno == ENOENT	 ? RW_ENOTFOUND
			       : errno == EACCES ? RW_EPERM
						 : RW_EIO,
			       "cannot read the list of keys %.200s: %s", file, strerror(errno));
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return fd;
	close(fd);
	return rw_fail(e, RW_EPERM,
		       "the list of keys %.200s must be a file that only its owner can write "
		       "(chmod go-w)",
		       file);
}

int rw_keylist_read(const char *file, struct rw_key **keys, unsigned *n, struct rw_error *e)
{
	struct rw_buf b = {.max = MAX_BYTES};
	char part[4096];
	int fd = open_list(file, e), rc = RW_OK;
	ssize_t got = 0;

	if (fd < 0)
		return fd;
	while (!rc && (got = read(fd, part, sizeof(part))) > 0)
		rc = rw_buf_add(&b, part, (size_t)got);
	if (rc)
		rw_fail(e, rc, "the list of keys %.200s is larger than %d MiB", file,
			MAX_BYTES >> 20);
	else if (got < 0)
		rc = rw_fail(e, RW_EIO, "cannot read the list of keys %.200s: %s", file,
			     strerror(errno));
	close(fd);
	rc = rc ? rc : rw_keylist_parse(rw_buf_slice(&b), file, keys, n, e);
	rw_buf_free(&b);
	return rc;
}

uint64_t rw_keylist_stamp(const char *file)
{
	struct stat st;

	if (!file || stat(file, &st))
		return 0;
	const uint64_t what[] = {(uint64_t)st.st_dev,	       (uint64_t)st.st_ino,
				 (uint64_t)st.st_size,	       (uint64_t)st.st_mtim.tv_sec,
				 (uint64_t)st.st_mtim.tv_nsec, (uint64_t)st.st_ctim.tv_sec,
				 (uint64_t)st.st_ctim.tv_nsec};

	return XXH3_64bits(what, sizeof(what)) | 1;
}

void rw_keylist_line(const struct rw_key *k, char out[RW_KEYLIST_LINE])
{
	char digits[HEX_DIGITS + 1], rate[24] = "";

	for (size_t i = 0; i < RW_KEY_HASH_BYTES; i++)
		snprintf(digits + 2 * i, 3, "%02x", k->hash[i]);
	if (k->rate_per_minute)
		snprintf(rate, sizeof(rate), " rate=%u", k->rate_per_minute);
	snprintf(out, RW_KEYLIST_LINE, "%s sha256:%s%s\n", k->name, digits, rate);
}

int rw_keylist_make(const char *name, uint32_t rate_per_minute, struct rw_key *out,
		    char text[RW_KEY_TEXT], struct rw_error *e)
{
	struct rw_key k = {.rate_per_minute = rate_per_minute};
	int rc = rw_key_check_name(rw_slice_str(name), e);

	if (rc)
		return rc;
	memcpy(k.name, name, strlen(name) + 1);
	if (rw_key_make(text) || rw_key_hash(rw_slice_str(text), k.hash)) {
		explicit_bzero(text, RW_KEY_TEXT);
		return rw_fail(e, RW_EIO, "the system has no random numbers to make a key from");
	}
	name_by_hash(&k);
	*out = k;
	return RW_OK;
}

static int check_free(const char *file, const char *name, struct rw_error *e)
{
	struct rw_key *keys = NULL;
	unsigned n = 0;
	int rc = rw_keylist_read(file, &keys, &n, e);

	if (rc == RW_ENOTFOUND)
		return RW_OK;
	for (unsigned i = 0; i < n && !rc; i++)
		if (strcmp(keys[i].name, name) == 0)
			rc = rw_fail(e, RW_EEXIST,
				     "%.200s has a key with the name '%s': delete its line, or "
				     "choose another name",
				     file, name);
	free(keys);
	return rc;
}

/* An editor may have left the last line without its end. */
static bool in_a_line(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);
	char last;

	return end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n';
}

int rw_keylist_append(const char *file, const struct rw_key *k, struct rw_error *e)
{
	char line[1 + RW_KEYLIST_LINE] = "\n";
	int rc = check_free(file, k->name, e), fd;
	ssize_t written;

	if (rc)
		return rc;
	fd = open(file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return rw_fail(e, RW_EIO, "cannot write %.200s: %s", file, strerror(errno));
	rw_keylist_line(k, line + in_a_line(fd));
	written = write(fd, line, strlen(line));
	if (written != (ssize_t)strlen(line))
		rc = rw_fail(e, RW_EIO, "cannot write %.200s: %s", file,
			     strerror(written < 0 ? errno : ENOSPC));
	close(fd);
	return rc;
}
