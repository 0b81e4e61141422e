/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's TLS can do on this host, found out once by trying: a connection over loopback
 * for each cipher. Any thread; the first one waits for the trial, which takes milliseconds, more
 * where it loads modules. That needs CAP_NET_ADMIN, so it should be asked before that is given up.
 */
#ifndef RW_RING_KTLS_H
#define RW_RING_KTLS_H

#include <stdbool.h>

enum rw_ktls_cipher { RW_KTLS_AES_128, RW_KTLS_AES_256, RW_KTLS_CHACHA20, RW_KTLS_CIPHERS };

struct rw_ktls_caps {
	bool usable;		     /* some cipher is */
	bool tls12[RW_KTLS_CIPHERS]; /* both directions */
	bool tls13[RW_KTLS_CIPHERS];
	bool rekey;    /* TLS 1.3: keys may change while it runs (Linux 6.14) */
	char why[200]; /* not usable: why, and what to do */
};

const struct rw_ktls_caps *rw_ktls_caps(void);
/* "AES-128-GCM" ... */
const char *rw_ktls_cipher_name(enum rw_ktls_cipher c);
/* From now on caps says this instead: for tests, which have no other kernel. */
void rw_ktls_pretend(const struct rw_ktls_caps *caps);

#endif
