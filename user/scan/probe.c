/* SPDX-License-Identifier: Apache-2.0 */
/* The prefilter at work: words and Hyperscan tell what comes, and pieces make patterns of it. */
#include "scan/match.h"

/* The needle came at at: which patterns does that complete? */
static void on_needle(struct rw_probe *p, const struct rw_needle *n, size_t at)
{
	struct rw_scanner *s = p->s;
	uint64_t now = s->behind + at;

	for (uint32_t i = 0; i < n->n_links; i++) {
		uint32_t k = p->r->links[n->links + i];
		const struct rw_piece *piece = &p->r->pieces[k];

		if (!piece->first && now - s->came[k - 1] > piece->reach)
			continue;
		s->came[k] = now;
		if (piece->last)
			p->hit(p, piece->pat, at);
	}
}

static int on_pattern(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
		      void *arg)
{
	struct rw_probe *p = arg;

	(void)from;
	(void)flags;
	on_needle(p, &p->r->needles[id], (size_t)to);
	return 0;
}

void rw_probe_begin(struct rw_probe *p)
{
	RW_BUG_ON(p->text.n > RW_REACH_FAR);
	/* What came before is out of every reach. */
	p->s->behind += 2 * (uint64_t)RW_REACH_FAR;
}

void rw_probe_word(struct rw_probe *p, uint32_t needle, size_t start)
{
	const struct rw_needle *n = &p->r->needles[needle];
	size_t end = start + n->n;

	if (n->n && end < p->text.n && rw_is_word_byte((unsigned char)p->text.p[end]))
		return;
	on_needle(p, n, start);
}

int rw_probe_run(struct rw_probe *p, enum rw_db db)
{
	const hs_database_t *d = p->r->db[db];

	if (!d)
		return 0;
	return hs_scan(d, p->text.p, (unsigned)p->text.n, 0, p->s->scratch, on_pattern, p) ==
			       HS_SUCCESS
		       ? 0
		       : RW_EIO;
}
