/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_VARIABLE = 128 };

static bool in_variable(char c, bool first)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_')
		return true;
	return !first && c >= '0' && c <= '9';
}

/* name is what stands between the braces. */
static int expand_one(struct rw_slice name, struct rw_buf *out, struct rw_error *why)
{
	char text[MAX_VARIABLE + 1];
	const char *value;
	size_t i = 0;

	while (i < name.n && in_variable(name.p[i], i == 0))
		i++;
	/* Not shown: people do write ${the-key-itself}. */
	if (i < name.n || name.n == 0 || name.n > MAX_VARIABLE)
		return rw_fail(why, RW_EINVAL,
			       "what stands in ${ } is no variable's name (letters, digits and _); "
			       "for a literal ${ write $${");
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	value = getenv(text);
	if (!value)
		return rw_fail(why, RW_EINVAL, "the environment variable %s is not set", text);
	return rw_buf_add_str(out, value);
}

int rw_secret_expand(struct rw_slice text, struct rw_buf *out, struct rw_error *why)
{
	const char *p = text.p, *end = text.p + text.n, *close;
	int rc = RW_OK;

	while (p < end && !rc) {
		struct rw_slice rest = rw_slice_of(p, (size_t)(end - p));

		if (rw_slice_starts(rest, "$${")) {
			rc = rw_buf_add(out, "${", 2);
			p += 3;
		} else if (rw_slice_starts(rest, "${")) {
			close = memchr(p, '}', rest.n);
			if (!close)
				return rw_fail(why, RW_EINVAL,
					       "a ${ without its }; for a literal ${ write $${");
			rc = expand_one(rw_slice_of(p + 2, (size_t)(close - p) - 2), out, why);
			p = close + 1;
		} else {
			rc = rw_buf_add(out, p++, 1);
		}
	}
	if (rc == RW_ELIMIT)
		return rw_fail(why, rc, "too long after its variables are filled in");
	return rc;
}

static int cannot_read(const char *file, struct rw_error *why)
{
	return rw_fail(why, errno == EACCES ? RW_EPERM : RW_EIO, "cannot read '%s': %s", file,
		       strerror(errno));
}

static int check_file(const struct stat *st, const char *file, struct rw_error *why)
{
	if (!S_ISREG(st->st_mode))
		return rw_fail(why, RW_EINVAL, "'%s' is no regular file", file);
	if (st->st_mode & S_IROTH)
		return rw_fail(why, RW_EPERM, "'%s' can be read by everybody: chmod o-r it", file);
	return RW_OK;
}

/* Looked at before it is opened too: opening some devices does something, a FIFO waits. */
static int open_checked(const char *file, int *fd, struct rw_error *why)
{
	struct stat st;
	int rc;

	if (stat(file, &st) != 0)
		return cannot_read(file, why);
	rc = check_file(&st, file, why);
	if (rc)
		return rc;
	*fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (*fd < 0 || fstat(*fd, &st) != 0)
		return cannot_read(file, why);
	return check_file(&st, file, why);
}

static int read_all(int fd, struct rw_buf *out)
{
	ssize_t n;

	/* One byte of room over the bound tells a file at the bound from a larger one. */
	if (rw_buf_reserve(out, RW_SECRET_MAX_BYTES + 1))
		return RW_ENOMEM;
	do {
		n = read(fd, out->p + out->len, RW_SECRET_MAX_BYTES + 1 - out->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return RW_EIO;
		out->len += (size_t)n;
	} while (n != 0 && out->len <= RW_SECRET_MAX_BYTES);
	return out->len > RW_SECRET_MAX_BYTES ? RW_ELIMIT : RW_OK;
}

int rw_secret_read(const char *file, struct rw_buf *out, struct rw_error *why)
{
	struct rw_buf all = {0};
	int fd = -1, rc = open_checked(file, &fd, why);

	if (rc)
		goto out;
	rc = read_all(fd, &all);
	if (rc) {
		rw_fail(why, rc, "cannot read '%s': %s", file,
			rc == RW_ELIMIT ? "larger than 16 KiB" : rw_err_name(rc));
		goto out;
	}
	while (all.len && (all.p[all.len - 1] == '\n' || all.p[all.len - 1] == '\r'))
		all.len--;
	if (all.len == 0) {
		rc = rw_fail(why, RW_EINVAL, "'%s' is empty", file);
		goto out;
	}
	rc = rw_buf_add(out, all.p, all.len);
out:
	rw_buf_wipe(&all);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* --- keys of our own --------------------------------------------------------------------- */

enum { OWN_KEY_MAX = 64 };

static int fail_own(struct rw_error *e, const char *what, const char *file)
{
	return rw_fail(e, errno == EACCES || errno == EPERM ? RW_EPERM : RW_EIO,
		       "cannot %s the key %s: %s", what, file, strerror(errno));
}

/* Whole or not at all: two gateways that start together agree on the first one's. */
static int write_own(const char *file, const char *hex, size_t n, struct rw_error *e)
{
	char temp[4096];
	int fd, rc = RW_OK;

	if (snprintf(temp, sizeof(temp), "%s.XXXXXX", file) >= (int)sizeof(temp))
		return rw_fail(e, RW_EINVAL, "the path %.100s... is too long", file);
	fd = mkostemp(temp, O_CLOEXEC); /* O_EXCL and mode 0600 */
	if (fd < 0)
		return fail_own(e, "make", file);
	if (write(fd, hex, n) != (ssize_t)n || fsync(fd) || (link(temp, file) && errno != EEXIST))
		rc = fail_own(e, "write", file);
	close(fd);
	unlink(temp);
	return rc;
}

static int make_own(const char *file, size_t n, struct rw_error *e)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char key[OWN_KEY_MAX];
	char hex[2 * OWN_KEY_MAX];
	int rc;

	if (RAND_priv_bytes(key, (int)n) != 1)
		return rw_fail(e, RW_EIO, "no random bytes for the key %s", file);
	for (size_t i = 0; i < n; i++) {
		hex[2 * i] = digits[key[i] >> 4];
		hex[2 * i + 1] = digits[key[i] & 15];
	}
	rc = write_own(file, hex, 2 * n, e);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(hex, sizeof(hex));
	return rc;
}

int rw_secret_own(const char *file, unsigned char *key, size_t n, struct rw_error *e)
{
	struct rw_buf hex = {0};
	struct rw_error why = {0};
	int rc = RW_OK;

	RW_BUG_ON(n > OWN_KEY_MAX);
	if (access(file, F_OK) != 0)
		rc = make_own(file, n, e);
	if (rc)
		return rc;
	rc = rw_secret_read(file, &hex, &why);
	if (rc)
		rw_fail(e, rc, "%s: %s", file, why.text);
	for (size_t i = 0; i < n && !rc; i++) {
		int hi = hex.len == 2 * n ? OPENSSL_hexchar2int((unsigned char)hex.p[2 * i]) : -1;
		int lo = hex.len == 2 * n ? OPENSSL_hexchar2int((unsigned char)hex.p[2 * i + 1])
					  : -1;

		if (hi < 0 || lo < 0)
			rc = rw_fail(
				e, RW_EINVAL,
				"%s: it must hold %zu hexadecimal digits; move it away and a new "
				"key is made",
				file, 2 * n);
		else
			key[i] = (unsigned char)(hi << 4 | lo);
	}
	rw_buf_wipe(&hex);
	return rc;
}
