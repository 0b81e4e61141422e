/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/bans.h"
#include "kern/events.h"

#define NS_PER_S UINT64_C(1000000000)

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static int most_drops_first(const void *a, const void *b)
{
	const struct rw_ban *x = a, *y = b;

	return (x->drops < y->drops) - (x->drops > y->drops);
}

static int read_conns(struct rw_view *v, struct rw_kern *k, struct rw_error *e)
{
	int rc = rw_kern_conns_counters(k, &v->conns, e);

	if (rc == RW_ENOTFOUND)
		return RW_OK;
	v->conns_counted = true;
	return rc ? rc : rw_kern_conns(k, v->sources, RW_VIEW_SOURCES, &v->n_sources, e);
}

static int read_all(struct rw_view *v, struct rw_kern *k, struct rw_error *e)
{
	int rc = rw_kern_where(k, &v->where, e);

	if (!rc)
		rc = rw_kern_config(k, &v->cfg, e);
	if (!rc)
		rc = rw_kern_counters(k, &v->stats, e);
	if (!rc)
		rc = rw_steering_counters(k, &v->steer, e);
	if (!rc)
		rc = rw_kern_bans(k, &v->bans, &v->n_bans, e);
	if (!rc)
		rc = rw_kern_feeds(k, v->feeds, &v->n_feeds, e);
	if (!rc)
		rc = rw_kern_limited(k, v->limited, RW_VIEW_LIMITED, &v->n_limited, &v->limiters,
				     e);
	if (!rc)
		rc = rw_kern_pressures(k, &v->syn, &v->pkt, e);
	if (!rc)
		rc = rw_kern_states(k, &v->states, e);
	return rc ? rc : read_conns(v, k, e);
}

int rw_view_read(struct rw_view *v, struct rw_error *e)
{
	struct rw_kern *k;
	int rc;

	*v = (struct rw_view){.at_ns = now_ns()};
	rc = rw_kern_open(&k, e);
	if (rc)
		return rc;
	rc = read_all(v, k, e);
	rw_kern_close(k);
	if (rc)
		return rc;
	v->events_read = rw_events_taken();
	if (v->n_bans)
		qsort(v->bans, v->n_bans, sizeof(*v->bans), most_drops_first);
	return RW_OK;
}

void rw_view_free(struct rw_view *v)
{
	free(v->bans);
	v->bans = NULL;
}

/* --- lines --------------------------------------------------------------------------------------
 */

static void print_pressure(const char *label, const struct rw_kern_rate *rate,
			   const struct rw_kern_pressure *p)
{
	char sources[48] = "too many to tell";

	if (!rate->interval_ns)
		return;
	if (p->sources != UINT64_MAX)
		snprintf(sources, sizeof(sources), "about %" PRIu64, p->sources);
	printf("%-11ssketch %.1f%% busy (sources: %s), %.1f%% suspect\n", label, 100 * p->busy,
	       sources, 100 * p->hot);
}

static void print_going_on(uint64_t for_ns, const char *what)
{
	if (for_ns)
		printf("%-11s%s, for %" PRIu64 " s\n", "NOW", what, for_ns / NS_PER_S);
}

void rw_view_print_state(const struct rw_view *v)
{
	print_pressure("SYNs", &v->cfg.syn, &v->syn);
	print_pressure("packets", &v->cfg.pkt, &v->pkt);
	printf("%-11sread by %s; %" PRIu64 " over their caps, %" PRIu64 " lost\n", "events",
	       v->events_read ? "the engine or 'kern events'" : "nobody", v->stats.events_capped,
	       v->stats.events_lost);
	print_going_on(v->states.promote_capped_ns, "more heavy sources than get exact limiters");
	print_going_on(v->states.syn_budget_ns, "more new connections than the budget of all");
}

void rw_view_print_limited(const struct rw_view *v, unsigned room)
{
	char text[64];

	if (!v->limiters)
		return;
	printf("\nLIMITED  %u with exact limiters\n", v->limiters);
	for (unsigned i = 0; i < v->n_limited && i < room; i++) {
		if (!i)
			printf("%-32s %12s  %s\n", "SOURCE", "DROPS", "NOW");
		printf("%-32s %12" PRIu64 "  %s\n", rw_prefix_text(&v->limited[i].prefix, text),
		       v->limited[i].drops, v->limited[i].fast ? "too fast" : "quiet");
	}
}

/* How long ago an event told of the ban's drops: "12s", "-". */
static const char *told(const struct rw_view *v, const struct rw_ban *b, char out[16])
{
	uint64_t s = v->at_ns > b->told_ns ? (v->at_ns - b->told_ns) / NS_PER_S : 0;

	if (!b->told_ns)
		return "-";
	if (s < 600)
		snprintf(out, 16, "%us", (unsigned)s);
	else
		snprintf(out, 16, "%um", (unsigned)(s / 60 > 99999 ? 99999 : s / 60));
	return out;
}

void rw_view_print_bans(const struct rw_view *v, unsigned room)
{
	printf("\nBANS  %u\n", v->n_bans);
	for (unsigned i = 0; i < v->n_bans && i < room; i++) {
		const struct rw_ban *b = &v->bans[i];
		char prefix[64], left[32], ago[16];

		if (!i)
			printf("%-24s %-9s %-9s %-10s %10s %6s\n", "PREFIX", "VERDICT", "REASON",
			       "LEFT", "DROPS", "TOLD");
		printf("%-24s %-9s %-9s %-10s %10" PRIu64 " %6s\n",
		       rw_prefix_text(&b->prefix, prefix), rw_kern_verdict_name(b->verdict),
		       rw_kern_reason_name(b->reason), rw_ban_left(b->left_ns, left), b->drops,
		       told(v, b, ago));
	}
}

/* Smoothed, in ms: "0.4"; "-" where it is not known. */
static const char *rtt(uint32_t us, char out[16])
{
	if (!us)
		return "-";
	snprintf(out, 16, us < 10000 ? "%.2f" : "%.0f", us / 1000.0);
	return out;
}

void rw_view_print_sources(const struct rw_view *v, unsigned room)
{
	if (!v->conns_counted)
		return;
	printf("\nCONNECTIONS  %" PRIu64 " open\n", v->conns.sock_opened - v->conns.sock_closed);
	for (unsigned i = 0; i < v->n_sources && i < room; i++) {
		const struct rw_source_conns *s = &v->sources[i];
		char source[64], last[16], least[16];

		if (!i)
			printf("%-32s %10s %12s %10s %10s\n", "SOURCE", "OPEN", "OPENED", "RTT ms",
			       "LEAST ms");
		printf("%-32s %10u %12" PRIu64 " %10s %10s\n", rw_prefix_text(&s->source, source),
		       s->open, s->opened, rtt(s->srtt_us_last, last), rtt(s->srtt_us_min, least));
	}
}

/* --- JSON ---------------------------------------------------------------------------------------
 */

static int add_pressure(struct rw_buf *out, const char *name, const struct rw_kern_pressure *p)
{
	int rc = rw_buf_addf(out, "%s\"%s\":{\"busy\":%.8f,\"suspect\":%.8f,\"sources\":",
			     out->p[out->len - 1] == '{' ? "" : ",", name, p->busy, p->hot);

	if (rc)
		return rc;
	return p->sources == UINT64_MAX ? rw_buf_add_str(out, "null}")
					: rw_buf_addf(out, "%" PRIu64 "}", p->sources);
}

static int add_sources(const struct rw_view *v, struct rw_buf *out)
{
	char text[64];
	int rc = rw_buf_add_str(out, ",\"sources\":[");

	for (unsigned i = 0; !rc && i < v->n_sources; i++) {
		const struct rw_source_conns *s = &v->sources[i];

		rc = rw_buf_addf(out,
				 "%s{\"source\":\"%s\",\"open\":%u,\"opened\":%" PRIu64
				 ",\"closed\":%" PRIu64 ",\"srtt_us_last\":%u,\"srtt_us_min\":%u}",
				 i ? "," : "", rw_prefix_text(&s->source, text), s->open, s->opened,
				 s->closed, s->srtt_us_last, s->srtt_us_min);
	}
	return rc ? rc : rw_buf_add_str(out, "]");
}

int rw_view_json(const struct rw_view *v, struct rw_buf *out)
{
	char text[64];
	int rc = rw_buf_addf(out,
			     ",\"events_read\":%s,\"promote_capped_s\":%" PRIu64
			     ",\"syn_budget_s\":%" PRIu64 ",\"limiters\":%u,\"limited\":[",
			     v->events_read ? "true" : "false",
			     v->states.promote_capped_ns / NS_PER_S,
			     v->states.syn_budget_ns / NS_PER_S, v->limiters);

	for (unsigned i = 0; !rc && i < v->n_limited; i++)
		rc = rw_buf_addf(out, "%s{\"source\":\"%s\",\"drops\":%" PRIu64 ",\"fast\":%s}",
				 i ? "," : "", rw_prefix_text(&v->limited[i].prefix, text),
				 v->limited[i].drops, v->limited[i].fast ? "true" : "false");
	if (!rc)
		rc = rw_buf_add_str(out, "],\"sketch\":{");
	if (!rc && v->cfg.syn.interval_ns)
		rc = add_pressure(out, "syn", &v->syn);
	if (!rc && v->cfg.pkt.interval_ns)
		rc = add_pressure(out, "pkt", &v->pkt);
	if (!rc)
		rc = rw_buf_add_str(out, "}");
	return rc || !v->conns_counted ? rc : add_sources(v, out);
}
