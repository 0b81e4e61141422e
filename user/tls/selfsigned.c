/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate for a first start without one. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "tls/internal.h"

enum { DAY = 24 * 60 * 60, LIFE_DAYS = 365, SERIAL_BITS = 127, CN_MAX = 64 };

bool rw_tls_is_address(const char *host)
{
	unsigned char raw[16];

	return inet_pton(AF_INET, host, raw) == 1 || inet_pton(AF_INET6, host, raw) == 1;
}

/* --- the certificate ------------------------------------------------------------------- */

static bool is_dns_name(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= 253 &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_*") == n;
}

static GENERAL_NAME *general_name(const char *name)
{
	bool address = rw_tls_is_address(name);
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_STRING *value = address ? a2i_IPADDRESS(name) : ASN1_IA5STRING_new();

	if (!g || !value || (!address && !ASN1_STRING_set(value, name, -1))) {
		GENERAL_NAME_free(g);
		ASN1_STRING_free(value);
		return NULL;
	}
	GENERAL_NAME_set0_value(g, address ? GEN_IPADD : GEN_DNS, value);
	return g;
}

static bool add_names(X509 *x, const char *const *names, unsigned n)
{
	GENERAL_NAMES *all = GENERAL_NAMES_new();
	bool ok = all;

	for (unsigned i = 0; ok && i < n; i++) {
		GENERAL_NAME *g = general_name(names[i]);

		ok = g && sk_GENERAL_NAME_push(all, g) > 0;
		if (!ok)
			GENERAL_NAME_free(g);
	}
	ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
	GENERAL_NAMES_free(all);
	return ok;
}

/*
 * An end entity, not a CA: who trusts this file trusts this one key for these names, and a
 * key that leaks cannot sign for others.
 */
static bool add_extensions(X509 *x)
{
	static const struct {
		int nid;
		const char *value;
	} all[] = {
		{NID_basic_constraints, "critical,CA:FALSE"},
		{NID_key_usage, "critical,digitalSignature"},
		{NID_ext_key_usage, "serverAuth"},
		{NID_subject_key_identifier, "hash"},
	};
	X509V3_CTX ctx;
	bool ok = true;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	for (size_t i = 0; ok && i < sizeof(all) / sizeof(all[0]); i++) {
		X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, all[i].nid, all[i].value);

		ok = ext && X509_add_ext(x, ext, -1);
		X509_EXTENSION_free(ext);
	}
	return ok;
}

static bool set_serial(X509 *x)
{
	BIGNUM *n = BN_new();
	bool ok = n && BN_rand(n, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
		  BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));

	BN_free(n);
	return ok;
}

/* Clocks differ: it is valid since an hour ago. */
static bool fill(X509 *x, EVP_PKEY *key, const char *const *names, unsigned n)
{
	X509_NAME *who = X509_get_subject_name(x);
	char cn[CN_MAX + 1];

	snprintf(cn, sizeof(cn), "%s", names[0]);
	return X509_set_version(x, X509_VERSION_3) && set_serial(x) &&
	       X509_gmtime_adj(X509_getm_notBefore(x), -3600) &&
	       X509_gmtime_adj(X509_getm_notAfter(x), (long)LIFE_DAYS * DAY) &&
	       X509_NAME_add_entry_by_txt(who, "O", MBSTRING_ASC,
					  (const unsigned char *)"ringwall self-signed", -1, -1,
					  0) &&
	       X509_NAME_add_entry_by_txt(who, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1,
					  -1, 0) &&
	       X509_set_issuer_name(x, who) && X509_set_pubkey(x, key) && add_names(x, names, n) &&
	       add_extensions(x) && X509_sign(x, key, EVP_sha256());
}

static bool fingerprint_of(const X509 *x, char out[96])
{
	static const char hex[] = "0123456789ABCDEF";
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n;

	if (!X509_digest(x, EVP_sha256(), md, &n) || n != 32)
		return false;
	for (unsigned i = 0; i < n; i++) {
		*out++ = hex[md[i] >> 4];
		*out++ = hex[md[i] & 15];
		*out++ = i + 1 < n ? ':' : '\0';
	}
	return true;
}

/* --- the files ------------------------------------------------------------------------- */

static int cannot_write(const char *file, struct rw_error *e)
{
	return rw_fail(e, errno == EACCES || errno == EPERM || errno == EROFS ? RW_EPERM : RW_EIO,
		       "%s cannot be written: %s", file, strerrordesc_np(errno));
}

static bool write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n);

		if (k < 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

/* The name is on disk when its directory is; some file systems cannot say so, and need not. */
static void sync_directory(const char *file)
{
	const char *slash = strrchr(file, '/');
	char dir[4096];
	int fd;

	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - file) + 1 : 1, slash ? file : ".");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* A file that is there is left alone, also one that came this moment. */
static int rename_new(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	/* Some file systems cannot say "no replace". */
	return errno == EINVAL ? rename(from, to) : -1;
}

static int write_file(const char *file, mode_t mode, const char *data, size_t n, struct rw_error *e)
{
	char temp[4096];
	int fd, rc = RW_OK;

	if (snprintf(temp, sizeof(temp), "%s.XXXXXX", file) >= (int)sizeof(temp))
		return rw_fail(e, RW_EINVAL, "the path %.100s... is too long", file);
	fd = mkostemp(temp, O_CLOEXEC); /* O_EXCL and mode 0600 */
	if (fd < 0)
		return cannot_write(file, e);
	if (!write_all(fd, data, n) || fchmod(fd, mode) || fsync(fd))
		rc = cannot_write(file, e);
	else if (rename_new(temp, file))
		rc = errno == EEXIST ? rw_fail(e, RW_EEXIST, "%s is there already", file)
				     : cannot_write(file, e);
	close(fd);
	if (rc)
		unlink(temp);
	else
		sync_directory(file);
	return rc;
}

/* OpenSSL wipes the memory of such a BIO when it grows and when it is freed. */
static int write_key(const char *file, EVP_PKEY *key, struct rw_error *e)
{
	BIO *b = BIO_new(BIO_s_secmem());
	char *pem;
	long n;
	int rc;

	if (!b || !PEM_write_bio_PKCS8PrivateKey(b, key, NULL, NULL, 0, NULL, NULL)) {
		BIO_free(b);
		return rw_fail(e, RW_ENOMEM, "no memory for a key");
	}
	n = BIO_get_mem_data(b, &pem);
	rc = write_file(file, 0600, pem, (size_t)n, e);
	BIO_free(b);
	return rc;
}

static int write_cert(const char *file, X509 *x, struct rw_error *e)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *pem;
	long n;
	int rc;

	if (!b || !PEM_write_bio_X509(b, x)) {
		BIO_free(b);
		return rw_fail(e, RW_ENOMEM, "no memory for a certificate");
	}
	n = BIO_get_mem_data(b, &pem);
	rc = write_file(file, 0644, pem, (size_t)n, e);
	BIO_free(b);
	return rc;
}

static int check_free(const char *cert_file, const char *key_file, struct rw_error *e)
{
	bool cert = access(cert_file, F_OK) == 0, key = access(key_file, F_OK) == 0;

	if (!cert && !key)
		return RW_OK;
	if (cert && key)
		return rw_fail(e, RW_EEXIST, "%s and %s are there already", cert_file, key_file);
	return rw_fail(e, RW_EINVAL,
		       "%s is there but %s is not: put that back, or remove the other so that both "
		       "are made anew",
		       cert ? cert_file : key_file, cert ? key_file : cert_file);
}

static int check_names(const char *const *names, unsigned n, struct rw_error *e)
{
	if (n == 0)
		return rw_fail(e, RW_EINVAL, "a certificate needs a name or an address");
	for (unsigned i = 0; i < n; i++)
		if (!rw_tls_is_address(names[i]) && !is_dns_name(names[i]))
			return rw_fail(e, RW_EINVAL,
				       "'%.100s' is neither a DNS name nor an address", names[i]);
	return RW_OK;
}

int rw_tls_selfsigned(const char *cert_file, const char *key_file, const char *const *names,
		      unsigned n_names, char fingerprint[96], struct rw_error *e)
{
	EVP_PKEY *key = NULL;
	X509 *x = NULL;
	int rc = check_names(names, n_names, e);

	if (!rc)
		rc = check_free(cert_file, key_file, e);
	if (rc)
		return rc;
	key = EVP_EC_gen("P-256");
	x = X509_new();
	if (!key || !x || !fill(x, key, names, n_names) || !fingerprint_of(x, fingerprint)) {
		rc = rw_fail(e, RW_EIO, "a certificate cannot be made: %s", rw_tls_reason());
		goto out;
	}
	rc = write_key(key_file, key, e);
	if (rc)
		goto out;
	rc = write_cert(cert_file, x, e);
	if (rc)
		unlink(key_file); /* ours, and of no use alone */
out:
	X509_free(x);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return rc;
}
