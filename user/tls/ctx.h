/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TLS listener or an upstream is configured with. Made by the control
 * thread, immutable and shared by all workers afterwards (but for an upstream's
 * sessions, which have a lock); reference-counted, because connections outlive the
 * snapshot that made them.
 */
#ifndef RW_TLS_CTX_H
#define RW_TLS_CTX_H

#include <stdbool.h>

#include "base/err.h"

struct rw_tls_ctx;
struct rw_tls_shared;

/* How many certificates a listener has at most, and pins an upstream. */
enum { RW_TLS_CERTS = 32, RW_TLS_PINS = 8 };

enum rw_tls_profile {
	RW_TLS_INTERMEDIATE, /* TLS 1.2 with ECDHE and AEAD, and 1.3 */
	RW_TLS_MODERN,	     /* TLS 1.3 */
};

struct rw_tls_pair {
	const char *cert_file; /* PEM chain, the server's own first */
	const char *key_file;  /* PEM key, refused (RW_EPERM) if others may read it */
	const char *ocsp_file; /* a response (DER) to staple; NULL: none */
};

struct rw_tls_server_config {
	/*
	 * Which certificate a client gets is decided by the names in them: exact, then
	 * wildcard. Two for one name may have keys of different kinds. The first, and those of
	 * other kinds for its first name, are for clients that send no name.
	 */
	const struct rw_tls_pair *pairs;
	unsigned n_pairs;
	bool refuse_unknown; /* a name that no certificate has; else it gets the first */
	bool refuse_expired; /* else it is only warned of */
	enum rw_tls_profile profile;
	const char *client_ca_file; /* whose clients' certificates are good; NULL: none is asked */
	bool client_required;
	struct rw_tls_shared *shared; /* ticket keys and counters; NULL: no tickets, no counters */
};
int rw_tls_server_make(struct rw_tls_ctx **out, const struct rw_tls_server_config *cfg,
		       struct rw_error *e);
/* One certificate, and the rest as it is usual. */
int rw_tls_server_new(struct rw_tls_ctx **out, const char *cert_file, const char *key_file,
		      struct rw_error *e);

/* Verification is always on: chain, validity and name. */
struct rw_tls_client_config {
	const char *ca_file; /* PEM bundle to trust instead of the system's; NULL: the system's */
	const char *name;    /* to verify and to send as SNI instead of the host's; NULL: that */
	bool modern;	     /* TLS 1.3 only */
	const char *cert_file, *key_file; /* our own certificate; NULL: none */
	/*
	 * SHA-256 of public keys (SPKI), base64: one of them must be in the verified chain.
	 * pins_report: where none is, that is counted and logged, and the connection goes on.
	 */
	const char *pins[RW_TLS_PINS];
	unsigned n_pins;
	bool pins_report;
	struct rw_tls_shared *shared; /* counters; NULL: none */
};
int rw_tls_client_make(struct rw_tls_ctx **out, const struct rw_tls_client_config *cfg,
		       struct rw_error *e);
int rw_tls_client_new(struct rw_tls_ctx **out, const char *ca_file, struct rw_error *e);

/*
 * Whether the kernel seals and opens the records of its connections. AUTO: not, since what is read
 * anyway is cheaper in userspace (docs/internals/tls.md); who knows better says ON. Before the
 * context is shared.
 */
enum rw_ktls_mode { RW_KTLS_AUTO, RW_KTLS_ON, RW_KTLS_OFF };
void rw_tls_ctx_ktls(struct rw_tls_ctx *c, enum rw_ktls_mode mode);

struct rw_tls_ctx *rw_tls_ctx_ref(struct rw_tls_ctx *c);
void rw_tls_ctx_unref(struct rw_tls_ctx *c);

/* Is text a pin: base64 of 32 bytes? */
bool rw_tls_is_pin(const char *text);

/*
 * Makes a self-signed P-256 certificate for the names (DNS names or IP
 * addresses) and its key (mode 0600), both PEM, via temporary files and rename;
 * existing files are left alone (RW_EEXIST). Writes the SHA-256 fingerprint as
 * hex with colons.
 */
int rw_tls_selfsigned(const char *cert_file, const char *key_file, const char *const *names,
		      unsigned n_names, char fingerprint[96], struct rw_error *e);

#endif
