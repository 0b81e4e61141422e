/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TLS listener or an upstream is configured with. Made by the control
 * thread, immutable and shared by all workers afterwards; reference-counted,
 * because connections outlive the snapshot that made them.
 */
#ifndef RW_TLS_CTX_H
#define RW_TLS_CTX_H

#include "base/err.h"

struct rw_tls_ctx;

/* cert_file: PEM chain; key_file: PEM key, refused (RW_EPERM) if others may read it. */
int rw_tls_server_new(struct rw_tls_ctx **out, const char *cert_file, const char *key_file,
		      struct rw_error *e);
/* ca_file: PEM bundle to trust instead of the system's; NULL: the system's. Verification is on. */
int rw_tls_client_new(struct rw_tls_ctx **out, const char *ca_file, struct rw_error *e);
struct rw_tls_ctx *rw_tls_ctx_ref(struct rw_tls_ctx *c);
void rw_tls_ctx_unref(struct rw_tls_ctx *c);

/*
 * Makes a self-signed P-256 certificate for the names (DNS names or IP
 * addresses) and its key (mode 0600), both PEM, via temporary files and rename;
 * existing files are left alone (RW_EEXIST). Writes the SHA-256 fingerprint as
 * hex with colons.
 */
int rw_tls_selfsigned(const char *cert_file, const char *key_file, const char *const *names,
		      unsigned n_names, char fingerprint[96], struct rw_error *e);

#endif
