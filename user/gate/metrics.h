/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters, one set per worker: written by its thread only, read by the
 * control thread, so relaxed atomics suffice. One table names them all; a new
 * counter is one line in RW_METRICS.
 */
#ifndef RW_GATE_METRICS_H
#define RW_GATE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

/* name (after ringwall_), "counter" or "gauge", what it counts */
#define RW_METRICS(X)                                                                              \
	X(requests_total, "counter", "requests whose head was read")                               \
	X(requests_active, "gauge", "requests not yet settled")                                    \
	X(answers_2xx_total, "counter", "answers with a status of 2xx")                            \
	X(answers_4xx_total, "counter", "answers with a status of 4xx")                            \
	X(answers_5xx_total, "counter", "answers with a status of 5xx")                            \
	X(refused_auth_total, "counter", "requests refused for want of a valid key")               \
	X(refused_rate_total, "counter", "requests refused over a rate")                           \
	X(refused_model_total, "counter", "requests for a model that is not allowed")              \
	X(refused_input_total, "counter", "requests refused as malformed or over a size")          \
	X(refused_overload_total, "counter", "requests refused for want of memory or connections") \
	X(blocked_requests_total, "counter", "prompts blocked by a guard")                         \
	X(blocked_answers_total, "counter", "answers blocked by a guard")                          \
	X(masked_requests_total, "counter", "prompts in which something was masked")               \
	X(masked_answers_total, "counter", "answers in which something was masked")                \
	X(flagged_requests_total, "counter", "prompts with findings that were let through")        \
	X(scans_total, "counter", "texts judged by POST /scan, by request")                        \
	X(texts_known_total, "counter", "texts known to be clean, not scanned again")              \
	X(conversations_known_total, "counter", "conversations known but for their last turn")     \
	X(detector_asked_total, "counter", "texts that external detectors were asked about")       \
	X(detector_cached_total, "counter", "texts of which it was known what they would say")     \
	X(detector_failed_total, "counter", "texts of which they said nothing usable in time")     \
	X(streams_total, "counter", "streamed answers begun")                                      \
	X(stream_events_total, "counter", "events of streamed answers")                            \
	X(passed_answers_total, "counter", "answers passed on unread, as models[].answers says")   \
	X(spliced_bytes_total, "counter", "of those, bytes that the kernel passed by itself")      \
	X(canceled_total, "counter", "requests whose client went away first")                      \
	X(upstream_errors_total, "counter", "fetches that failed or brought no usable answer")     \
	X(http_bad_total, "counter", "connections with malformed, slow or stalled HTTP or TLS")    \
	X(proxy_strangers_total, "counter", "connections closed: only balancers may open them")    \
	X(tls_refused_total, "counter", "connections reset at a bound of TLS handshakes")          \
	X(tls_handshaking, "gauge", "TLS handshakes of clients under way")                         \
	X(strikes_total, "counter", "strikes reported against addresses")                          \
	X(audit_refused_total, "counter", "requests refused or cut: no audit log can be kept")     \
	X(request_bytes_total, "counter", "bytes of request bodies")                               \
	X(answer_bytes_total, "counter", "bytes of answer bodies")                                 \
	X(prompt_tokens_total, "counter", "prompt tokens as upstreams reported")                   \
	X(completion_tokens_total, "counter", "completion tokens as upstreams reported")           \
	X(buffered_bytes, "gauge", "bytes of bodies held in memory")

/* Upper bounds of the latency histogram, in microseconds; one more bucket is +Inf. */
#define RW_LATENCY_BOUNDS_US                                                                   \
	100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, \
		2500000, 10000000, 60000000
enum { RW_LATENCY_BUCKETS = 17 };

#define RW_METRIC_FIELD(name, kind, help) _Atomic uint64_t name;
struct rw_metrics {
	RW_METRICS(RW_METRIC_FIELD)
	_Atomic uint64_t latency[RW_LATENCY_BUCKETS]; /* whole request, by bucket */
	_Atomic uint64_t latency_us_total;
};
#undef RW_METRIC_FIELD

/* Single writer: a load and a store, no locked instruction. */
static inline void rw_metric_add(_Atomic uint64_t *m, uint64_t n)
{
	atomic_store_explicit(m, atomic_load_explicit(m, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline void rw_metric_sub(_Atomic uint64_t *m, uint64_t n)
{
	atomic_store_explicit(m, atomic_load_explicit(m, memory_order_relaxed) - n,
			      memory_order_relaxed);
}

/* Counts an answer by its status. */
void rw_metrics_status(struct rw_metrics *m, unsigned status);
void rw_metrics_latency(struct rw_metrics *m, uint64_t us);
/* Adds all of from to into (which only the caller touches). */
void rw_metrics_sum(struct rw_metrics *into, const struct rw_metrics *from);

#endif
