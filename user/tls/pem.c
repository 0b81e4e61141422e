/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys from PEM files, with what is wrong with them in words. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "tls/internal.h"

enum { MAX_PEM = 4 << 20 };

static int no_file(const char *what, const char *file, struct rw_error *e)
{
	int err = errno;

	return rw_fail(e,
		       err == ENOENT   ? RW_ENOTFOUND
		       : err == EACCES ? RW_EPERM
				       : RW_EIO,
		       "%s %s cannot be read: %s", what, file, strerrordesc_np(err));
}

static int check_mode(const char *what, const char *file, int fd, bool secret, size_t *size,
		      struct rw_error *e)
{
	struct stat st;

	if (fstat(fd, &st))
		return no_file(what, file, e);
	if (!S_ISREG(st.st_mode))
		return rw_fail(e, RW_EINVAL, "%s %s is not a regular file", what, file);
	if (secret && (st.st_mode & (S_IRWXG | S_IRWXO)))
		return rw_fail(e, RW_EPERM,
			       "%s %s may be read by others than its owner (mode %04o): run chmod "
			       "600 %s",
			       what, file, (unsigned)st.st_mode & 07777, file);
	if (st.st_size > MAX_PEM)
		return rw_fail(e, RW_ELIMIT, "%s %s has more than %d bytes", what, file, MAX_PEM);
	*size = (size_t)st.st_size;
	return RW_OK;
}

/* The whole file into out, which is reserved first: a key must not be left in freed memory. */
static int read_file(const char *what, const char *file, bool secret, struct rw_buf *out,
		     struct rw_error *e)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t size = 0;
	ssize_t n = 1;
	int rc;

	if (fd < 0)
		return no_file(what, file, e);
	rc = check_mode(what, file, fd, secret, &size, e);
	if (!rc && rw_buf_reserve(out, size))
		rc = rw_fail(e, RW_ENOMEM, "no memory for %s %s", what, file);
	while (!rc && n > 0 && out->len < size) {
		n = read(fd, out->p + out->len, size - out->len);
		if (n < 0)
			rc = no_file(what, file, e);
		else
			out->len += (size_t)n;
	}
	close(fd);
	return rc;
}

static BIO *open_pem(const struct rw_buf *b)
{
	return BIO_new_mem_buf(b->len ? b->p : "", (int)b->len);
}

/* At the end of a file that was all right, OpenSSL finds no further start line. */
static bool is_end(void)
{
	unsigned long code = ERR_peek_last_error();

	return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

/* Hands each certificate of the file to add; *n counts them. */
static int each_certificate(const char *what, const char *file,
			    bool (*add)(void *to, X509 *x, unsigned i), void *to,
			    struct rw_error *e)
{
	struct rw_buf pem = {0};
	unsigned n = 0;
	bool ok = true;
	BIO *b = NULL;
	X509 *x;
	int rc = read_file(what, file, false, &pem, e);

	if (rc)
		goto out;
	ERR_clear_error();
	b = open_pem(&pem);
	while (ok && b && (x = PEM_read_bio_X509_AUX(b, NULL, NULL, NULL))) {
		ok = add(to, x, n++);
		X509_free(x);
	}
	if (n == 0 && is_end())
		rc = rw_fail(e, RW_EINVAL,
			     "%s %s holds no certificate: it should have '-----BEGIN "
			     "CERTIFICATE-----' in it (PEM)",
			     what, file);
	else if (!is_end())
		rc = rw_fail(e, RW_EINVAL, "%s %s: certificate %u cannot be used: %s", what, file,
			     ok ? n + 1 : n, rw_tls_reason());
out:
	ERR_clear_error();
	BIO_free(b);
	rw_buf_free(&pem);
	return rc;
}

static bool add_to_cert(void *to, X509 *x, unsigned i)
{
	struct rw_tls_cert *c = to;

	if (!X509_up_ref(x))
		return false;
	if (i == 0) {
		c->leaf = x;
		return true;
	}
	if (!c->chain)
		c->chain = sk_X509_new_null();
	if (c->chain && sk_X509_push(c->chain, x))
		return true;
	X509_free(x);
	return false;
}

bool rw_tls_cert_expired(const struct rw_tls_cert *c)
{
	return X509_cmp_current_time(X509_get0_notAfter(c->leaf)) < 0;
}

void rw_tls_cert_free(struct rw_tls_cert *c)
{
	X509_free(c->leaf);
	OSSL_STACK_OF_X509_free(c->chain);
	EVP_PKEY_free(c->key);
	OPENSSL_free(c->staple);
	*c = (struct rw_tls_cert){0};
}

/* There is no terminal to ask at. */
static int note_passphrase(char *buf, int size, int rwflag, void *asked)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	*(bool *)asked = true;
	return -1;
}

static int parse_key(EVP_PKEY **out, const char *file, const struct rw_buf *pem, struct rw_error *e)
{
	bool asked = false;
	BIO *b = open_pem(pem);

	ERR_clear_error();
	*out = b ? PEM_read_bio_PrivateKey(b, NULL, note_passphrase, &asked) : NULL;
	BIO_free(b);
	if (*out)
		return RW_OK;
	if (asked)
		return rw_fail(e, RW_EINVAL,
			       "private key %s is protected by a passphrase, and nobody is there "
			       "to type it: run (umask 077; openssl pkey -in %s -out NEW) and use "
			       "NEW",
			       file, file);
	return rw_fail(e, RW_EINVAL,
		       "private key %s cannot be used: %s (it should have '-----BEGIN PRIVATE "
		       "KEY-----' in it)",
		       file, rw_tls_reason());
}

static int load_key(struct rw_tls_cert *c, const char *cert_file, const char *key_file,
		    struct rw_error *e)
{
	struct rw_buf pem = {0};
	int rc = read_file("private key", key_file, true, &pem, e);

	if (!rc)
		rc = parse_key(&c->key, key_file, &pem, e);
	if (!rc && X509_check_private_key(c->leaf, c->key) != 1)
		rc = rw_fail(e, RW_EINVAL,
			     "private key %s does not belong to the (first) certificate in %s",
			     key_file, cert_file);
	rw_buf_wipe(&pem);
	ERR_clear_error();
	return rc;
}

int rw_tls_load_cert(struct rw_tls_cert *c, const char *cert_file, const char *key_file,
		     struct rw_error *e)
{
	int rc = each_certificate("certificate", cert_file, add_to_cert, c, e);

	return rc ? rc : load_key(c, cert_file, key_file, e);
}

static bool add_to_store(void *to, X509 *x, unsigned i)
{
	(void)i;
	return X509_STORE_add_cert(SSL_CTX_get_cert_store(to), x);
}

static bool add_to_clients(void *to, X509 *x, unsigned i)
{
	return add_to_store(to, x, i) && SSL_CTX_add_client_CA(to, x);
}

static int load_file(SSL_CTX *ctx, const char *ca_file, bool (*add)(void *, X509 *, unsigned),
		     struct rw_error *e)
{
	/* Whoever names an intermediate CA trusts it, and need not have the root as well. */
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
	return each_certificate("CA file", ca_file, add, ctx, e);
}

int rw_tls_load_clients(SSL_CTX *ctx, const char *ca_file, struct rw_error *e)
{
	return load_file(ctx, ca_file, add_to_clients, e);
}

int rw_tls_load_trust(SSL_CTX *ctx, const char *ca_file, struct rw_error *e)
{
	if (ca_file)
		return load_file(ctx, ca_file, add_to_store, e);
	return SSL_CTX_set_default_verify_paths(ctx) == 1
		       ? RW_OK
		       : rw_fail(e, RW_EIO, "the system's CA certificates: %s", rw_tls_reason());
}
