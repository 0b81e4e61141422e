/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all TLS contexts of a process share and what outlives a reload: the keys of session
 * tickets, and counters.
 *
 * Tickets are sealed with keys that are random, never leave the process (its locked memory,
 * where it may lock any) and change with time: the current one seals, it and its two
 * predecessors open. So a ticket is good for RW_TICKET_LIFE_S at least, and what was
 * recorded cannot be opened with what the process holds three periods later.
 *
 * Made and rotated by the control thread. Workers use the keys under a lock, once a
 * handshake, for as long as 80 bytes are copied. Reference-counted.
 */
#ifndef RW_TLS_SHARED_H
#define RW_TLS_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { RW_TICKET_PERIOD_S = 3600, RW_TICKET_LIFE_S = 2 * RW_TICKET_PERIOD_S, RW_TICKET_KEYS = 3 };

/* name (after ringwall_tls_), what it counts */
#define RW_TLS_COUNTERS(X)                                                           \
	X(handshakes, "handshakes that clients completed")                           \
	X(resumptions, "of those, with a ticket")                                    \
	X(handshakes_failed, "clients' handshakes that failed")                      \
	X(upstream_handshakes, "handshakes completed with upstreams")                \
	X(upstream_resumptions, "of those, with a session kept")                     \
	X(upstream_failed, "handshakes with upstreams that failed")                  \
	X(unknown_names, "clients that asked for a name that no certificate has")    \
	X(staples, "OCSP responses stapled")                                         \
	X(staples_expired, "OCSP responses not stapled because their time was over") \
	X(pin_mismatches, "upstreams' certificates without any of the pinned keys")  \
	X(records_openssl, "connections that stayed with OpenSSL's records")         \
	X(records_aead, "connections that went on without OpenSSL")                  \
	X(records_ktls, "of those, the ones that the kernel took over")              \
	X(ktls_refused, "connections that the kernel was to take over and did not")  \
	X(ktls_stuck, "connections ended because the kernel cannot change their keys")

struct rw_tls_stats {
#define RW_TLS_COUNTER(name, help) _Atomic uint64_t name;
	RW_TLS_COUNTERS(RW_TLS_COUNTER)
#undef RW_TLS_COUNTER
};

struct rw_tls_shared;

int rw_tls_shared_new(struct rw_tls_shared **out, uint64_t now_s, struct rw_error *e);
struct rw_tls_shared *rw_tls_shared_ref(struct rw_tls_shared *s);
/* NULL is allowed. The keys are wiped with the last reference. */
void rw_tls_shared_unref(struct rw_tls_shared *s);
/* A new key, where the current one has had its time (monotonic seconds). True: there is one. */
bool rw_tls_shared_rotate(struct rw_tls_shared *s, uint64_t now_s);
struct rw_tls_stats *rw_tls_shared_stats(struct rw_tls_shared *s);

/*
 * Sets aside locked memory, left out of core files, for private keys and ticket keys: once, before
 * the first is loaded. False: it cannot be locked (RLIMIT_MEMLOCK); then it is only set aside.
 */
bool rw_tls_lock_secrets(unsigned workers);

#endif
