/* SPDX-License-Identifier: Apache-2.0 */
/* The contract's enums as people and programs read them. */
#include <string.h>

#include "kern/kern.h"

const char *rw_kern_counter_name(enum rw_kern_counter c)
{
	static const char *const names[] = {
#define NAME(name, help) #name,
		RW_KERN_COUNTERS(NAME)
#undef NAME
	};

	return (unsigned)c < RW_KERN_N ? names[c] : "unknown";
}

enum rw_kern_counter rw_kern_counter_real(enum rw_kern_counter c)
{
	if (c == RW_KERN_N_would_tx_cookie)
		return RW_KERN_N_tx_cookie;
	if (c >= RW_KERN_N_would_drop_malformed && c <= RW_KERN_N_would_drop_pkt_rate)
		return c - RW_KERN_SHADOW;
	return c;
}

const char *rw_kern_verdict_name(enum rw_kern_verdict v)
{
	switch (v) {
	case RW_KERN_VERDICT_LIMIT:
		return "limit";
	case RW_KERN_VERDICT_DROP_SYN:
		return "drop_syn";
	case RW_KERN_VERDICT_DROP_ALL:
		return "drop_all";
	}
	return "unknown";
}

bool rw_kern_verdict_of(const char *name, enum rw_kern_verdict *out)
{
	for (unsigned v = RW_KERN_VERDICT_LIMIT; v <= RW_KERN_VERDICT_DROP_ALL; v++)
		if (!strcmp(name, rw_kern_verdict_name(v))) {
			*out = v;
			return true;
		}
	return false;
}

const char *rw_kern_reason_name(enum rw_kern_reason r)
{
	switch (r) {
	case RW_KERN_REASON_OPERATOR:
		return "operator";
	case RW_KERN_REASON_STRIKES:
		return "strikes";
	case RW_KERN_REASON_NET:
		return "net";
	}
	return "unknown";
}

bool rw_kern_reason_of(const char *name, enum rw_kern_reason *out)
{
	for (unsigned r = RW_KERN_REASON_OPERATOR; r <= RW_KERN_REASON_NET; r++)
		if (!strcmp(name, rw_kern_reason_name(r))) {
			*out = r;
			return true;
		}
	return false;
}
