/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate for the first start, where none is configured. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "tls/ctx_int.h"

enum { DAYS = 365 };

static bool add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext && X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

static bool add_names(X509 *x, const char *const *names, unsigned n)
{
	struct rw_buf san = {0};
	unsigned char addr[16];
	bool ok = true;

	for (unsigned i = 0; ok && i < n; i++) {
		bool ip = inet_pton(AF_INET, names[i], addr) == 1 ||
			  inet_pton(AF_INET6, names[i], addr) == 1;

		ok = rw_buf_addf(&san, "%s%s:%s", i ? "," : "", ip ? "IP" : "DNS", names[i]) == 0;
	}
	ok = ok && rw_buf_add(&san, "", 1) == 0 && add_extension(x, NID_subject_alt_name, san.p);
	rw_buf_free(&san);
	return ok;
}

static X509 *make_cert(EVP_PKEY *key, const char *const *names, unsigned n)
{
	X509 *x = X509_new();
	X509_NAME *name = x ? X509_get_subject_name(x) : NULL;
	unsigned char serial[16];
	BIGNUM *bn = NULL;
	bool ok;

	ok = name && RAND_bytes(serial, sizeof(serial)) == 1;
	serial[0] &= 0x7f; /* positive, RFC 5280 4.1.2.2 */
	bn = ok ? BN_bin2bn(serial, sizeof(serial), NULL) : NULL;
	ok = ok && bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) &&
	     X509_set_version(x, X509_VERSION_3) &&
	     X509_gmtime_adj(X509_getm_notBefore(x), -3600) &&
	     X509_gmtime_adj(X509_getm_notAfter(x), DAYS * 86400L) && X509_set_pubkey(x, key) &&
	     X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					(const unsigned char *)"ringwall self-signed", -1, -1, 0) &&
	     X509_set_issuer_name(x, name) && add_names(x, names, n) &&
	     add_extension(x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	     add_extension(x, NID_ext_key_usage, "serverAuth") && X509_sign(x, key, EVP_sha256());
	BN_free(bn);
	if (ok)
		return x;
	X509_free(x);
	return NULL;
}

/* temp, fsync, link: an existing file is never replaced, a half-written one never seen. */
static int write_new(const char *path, mode_t mode, X509 *cert, EVP_PKEY *key, struct rw_error *e)
{
	char temp[512];
	FILE *f = NULL;
	bool ok;
	int fd, rc;

	if (snprintf(temp, sizeof(temp), "%s.%d", path, (int)getpid()) >= (int)sizeof(temp))
		return rw_fail(e, RW_EINVAL, "%s: the path is too long", path);
	unlink(temp); /* of an earlier process with our number that died here */
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	f = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!f) {
		rc = rw_fail(e, RW_EIO, "cannot write %s: %s", temp, strerror(errno));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	ok = cert ? PEM_write_X509(f, cert)
		  : PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	ok = ok && fflush(f) == 0 && fsync(fd) == 0;
	ok = fclose(f) == 0 && ok;
	rc = RW_OK;
	if (!ok || link(temp, path))
		rc = rw_fail(e, errno == EEXIST ? RW_EEXIST : RW_EIO, "cannot write %s: %s", path,
			     strerror(errno));
	unlink(temp);
	return rc;
}

static void fingerprint_of(X509 *x, char out[96])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	size_t at = 0;

	out[0] = '\0';
	if (!X509_digest(x, EVP_sha256(), md, &n))
		return;
	for (unsigned i = 0; i < n && at + 4 < 96 + 1; i++)
		at += (size_t)snprintf(out + at, 96 - at, "%s%02X", i ? ":" : "", md[i]);
}

int rw_tls_selfsigned(const char *cert_file, const char *key_file, const char *const *names,
		      unsigned n_names, char fingerprint[96], struct rw_error *e)
{
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	int rc;

	if (access(cert_file, F_OK) == 0 || access(key_file, F_OK) == 0)
		return rw_fail(e, RW_EEXIST, "%s and %s are left as they are", cert_file, key_file);
	key = EVP_EC_gen("P-256");
	cert = key ? make_cert(key, names, n_names) : NULL;
	if (!cert) {
		char why[160];

		rc = rw_fail(e, RW_EIO, "cannot make a self-signed certificate: %s",
			     rw_tls_why(why, sizeof(why)));
		goto out;
	}
	fingerprint_of(cert, fingerprint);
	/* The key first: a certificate without its key would be taken for a configured one. */
	rc = write_new(key_file, 0600, NULL, key, e);
	if (!rc)
		rc = write_new(cert_file, 0644, cert, NULL, e);
out:
	X509_free(cert);
	EVP_PKEY_free(key);
	return rc;
}
