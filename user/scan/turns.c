/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation: what its turns say together that none says alone. */
#include "scan/decode.h"
#include "scan/match.h"

enum {
	TURN_WEAK = 2500, /* hundredths of a per cent; less is no sign of anything */
	TURNS_WEAK = 3,	  /* signs that make a trajectory */
};

#define WEIGHT 0.5  /* of a sign in the last turn */
#define KEEP   0.85 /* of a sign's weight, one turn later */

/*
 * How sure several weak signs make: as if each were a chance of its own, older ones with less
 * weight. 0 where there are too few, or where the last turn shows none.
 */
static unsigned trajectory(const struct rw_said *turns, unsigned n)
{
	double calm = 1, weight = WEIGHT;
	unsigned signs = 0;

	if (!n || turns[n - 1].score < TURN_WEAK)
		return 0;
	for (unsigned i = n; i-- > 0;) {
		if (turns[i].score >= TURN_WEAK) {
			signs++;
			calm *= 1 - weight * turns[i].score / 10000;
		}
		weight *= KEEP;
	}
	return signs < TURNS_WEAK ? 0 : (unsigned)(10000 * (1 - calm));
}

/* Appends a turn as a line. */
static size_t put_turn(char *out, size_t len, struct rw_slice t)
{
	t = rw_turn_end(t);
	memcpy(out + len, "user:", 5);
	len += 5;
	for (size_t i = 0; i < t.n; i++)
		out[len++] = t.p[i] == '\n' ? ' ' : t.p[i];
	out[len++] = '\n';
	return len;
}

/* Whether turns are put together by what is quoted in them, however far apart. */
static bool brings_quotes(const struct rw_said *turns, unsigned from, unsigned n)
{
	for (unsigned i = from; i < n; i++)
		if (memchr(turns[i].text.p, '"', turns[i].text.n))
			return true;
	return false;
}

/*
 * Bytes that are there in any view: letters and digits of ASCII. Where turns are joined signs at
 * their ends go, and a label in front, which ends with a colon or =; folding drops spaces and what
 * cannot be seen.
 */
static size_t sure_bytes(struct rw_slice turn)
{
	size_t sure = 0;

	for (size_t i = 0; i < turn.n; i++) {
		unsigned char c = (unsigned char)turn.p[i];

		if (i < RW_TURN_LABEL_BYTES && (c == ':' || c == '='))
			sure = 0;
		sure += (unsigned)(c | 0x20) - 'a' < 26 || (unsigned)c - '0' < 10;
	}
	return sure;
}

/* From which turn on they are read. In front of what is new stands as much as around anything that
 * is. */
static unsigned read_from(const struct rw_said *turns, unsigned first, unsigned n, unsigned known)
{
	size_t before = 0;

	if (known < first || brings_quotes(turns, known, n))
		return first;
	while (known > first && before < RW_DECODED_NEAR)
		before += sure_bytes(rw_turn_end(turns[--known].text));
	return known;
}

static int read_turns(struct rw_scanner *s, const struct rw_rules *r, const struct rw_said *turns,
		      unsigned from, unsigned n, struct rw_findings *out, bool *plain)
{
	size_t len = 0;
	int rc;

	out->n = out->more = out->score = 0;
	out->n_signals = 0;
	memset(out->evidence, 0, sizeof(out->evidence));
	for (unsigned i = from; i < n; i++)
		len = put_turn(s->turns, len, turns[i].text);
	s->disguised = false;
	rc = rw_injections(s, r, rw_slice_of(s->turns, len), 1u << RW_CAT_INJECTION, true, out);
	*plain = !out->n && !out->more && !s->disguised;
	return rc;
}

static void rise(const struct rw_rules *r, unsigned rising, struct rw_findings *out)
{
	out->evidence[RW_CAT_INJECTION] = (uint16_t)rising;
	if (rising >= RW_INJECTION_STRICT * 100 && r->found_by[RW_BY_MODEL] >= 0)
		rw_findings_add(out, r,
				(struct rw_finding){.end = RW_TURN_BYTES,
						    .rule = (uint16_t)r->found_by[RW_BY_MODEL],
						    .score = (uint8_t)(rising / 100),
						    .via = RW_VIA_TURNS});
}

int rw_scan_turns(struct rw_scanner *s, const struct rw_rules *r, const struct rw_said *turns,
		  unsigned n, unsigned known, struct rw_findings *out, bool *plain)
{
	unsigned first = n > RW_TURNS_MAX ? n - RW_TURNS_MAX : 0;
	unsigned from = read_from(turns, first, n, known), rising;
	int rc = read_turns(s, r, turns, n - first > 1 ? from : n, n, out, plain);

	/* What is found in a part of it is judged beside all of it. */
	if (!rc && !*plain && from > first)
		rc = read_turns(s, r, turns, first, n, out, plain);
	rising = trajectory(turns + first, n - first);
	if (!rc && rising > out->evidence[RW_CAT_INJECTION])
		rise(r, rising, out);
	return rc;
}
