/* SPDX-License-Identifier: Apache-2.0 */
#include "ring/look.h"

#include <string.h>

/* A shorter look than this is not worth the calls around it. */
static const uint64_t least_ns = 4000;
/* Of the time between two waits this counts as work: the rest was somebody else's, preempted. */
static const uint64_t most_worked_ns = 250000;
/* What can be saved up for looks in vain: a burst after rest learns anew at this price. */
static const uint64_t most_credit_ns = 1000000;
/*
 * A look ends within a microsecond of its span, but for a preemption. What takes less than this is
 * housekeeping, by a thread of ours or of the kernel; a time slice is more.
 */
static const uint64_t slack_ns = 500000;
static const uint64_t first_pause_ns = 1000000, last_pause_ns = 2000000000;

enum {
	VAIN_SHARE = 8,	     /* for so many nanoseconds of work one may be looked away in vain */
	ALL_STRANGERS = 256, /* the scale of strangers */
	FEW_STRANGERS = ALL_STRANGERS / 4,
	MEMORY = 16,	    /* completions that strangers is about */
	UNDISTURBED = 2000, /* looks after which a preemption is forgotten */
};

void rw_look_init(struct rw_look *k, uint64_t max_ns)
{
	*k = (struct rw_look){.max_ns = max_ns};
	memset(k->recent, 0xff, sizeof(k->recent)); /* no slot */
}

void rw_look_saw(struct rw_look *k, uint32_t slot)
{
	unsigned share = k->strangers - k->strangers / MEMORY;

	for (unsigned i = 0; i < RW_LOOK_RECENT; i++)
		if (k->recent[i] == slot) {
			k->strangers = share;
			return;
		}
	k->recent[k->next] = slot;
	k->next = (k->next + 1) % RW_LOOK_RECENT;
	k->strangers = share + ALL_STRANGERS / MEMORY;
}

uint64_t rw_look_span(const struct rw_look *k, uint64_t now_ns, uint64_t timeout_ns)
{
	uint64_t span = k->span_ns[k->after_short];

	if (now_ns < k->paused_until_ns)
		return 0;

	if (span > timeout_ns)
		span = timeout_ns;
	/* A whole look or none: shorter ones would spend what a long enough one could be had for.
	 */
	return span < least_ns || span > k->credit_ns || k->strangers > FEW_STRANGERS ? 0 : span;
}

/* Twice what was needed, since the next may take a little longer; half where it was in vain. */
static uint64_t adapted(const struct rw_look *k, uint64_t span, uint64_t waited_ns)
{
	if (waited_ns > k->max_ns)
		return span / 2 < least_ns ? 0 : span / 2;
	if (2 * waited_ns > span)
		span = 2 * waited_ns < least_ns ? least_ns : 2 * waited_ns;
	return span < k->max_ns ? span : k->max_ns;
}

static void note_preemption(struct rw_look *k, uint64_t now_ns, uint64_t looked_ns)
{
	if (!looked_ns)
		return;
	if (looked_ns > k->max_ns + slack_ns) {
		k->undisturbed = 0;
		k->paused_ns = k->paused_ns ? k->paused_ns * 2 : first_pause_ns;
		if (k->paused_ns > last_pause_ns)
			k->paused_ns = last_pause_ns;
		k->paused_until_ns = now_ns + k->paused_ns;
	} else if (++k->undisturbed == UNDISTURBED) {
		k->paused_ns = 0;
	}
}

void rw_look_learn(struct rw_look *k, uint64_t now_ns, uint64_t waited_ns, uint64_t looked_ns,
		   bool found)
{
	uint64_t *span = &k->span_ns[k->after_short];
	uint64_t worked = now_ns - waited_ns - k->learned_ns;

	k->credit_ns += (worked < most_worked_ns ? worked : most_worked_ns) / VAIN_SHARE;
	if (k->credit_ns > most_credit_ns)
		k->credit_ns = most_credit_ns;
	if (!found)
		k->credit_ns -= looked_ns < k->credit_ns ? looked_ns : k->credit_ns;
	k->learned_ns = now_ns;
	note_preemption(k, now_ns, looked_ns);
	*span = adapted(k, *span, waited_ns);
	k->after_short = waited_ns <= k->max_ns;
}
