/* SPDX-License-Identifier: Apache-2.0 */
/* Bans and the allowlist: entries in the maps, each announced by its presence bits first. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "kern/internal.h"

/* --- lists ------------------------------------------------------------------------------------ */

/* Growing arrays of what a scan finds; failed is set where memory ran out. */
struct found {
	struct rw_ban *bans;
	struct rw_prefix *prefixes;
	unsigned n, room;
	unsigned n_hashed; /* the first so many bans are in hashes, the others in tries */
	bool failed;
};

static bool grow(struct found *f, void **array, size_t each)
{
	unsigned room = f->room ? 2 * f->room : 64;
	void *more;

	if (f->n < f->room)
		return true;
	more = realloc(*array, room * each);
	if (!more) {
		f->failed = true;
		return false;
	}
	*array = more;
	f->room = room;
	return true;
}

static void add_ban(struct found *f, struct rw_prefix prefix, const struct rw_kern_ban *ban)
{
	uint64_t now = rw_kern_now_ns();
	uint64_t left = !ban->expires_ns	? UINT64_MAX
			: ban->expires_ns > now ? ban->expires_ns - now
						: 0;

	if (!grow(f, (void **)&f->bans, sizeof(*f->bans)))
		return;
	f->bans[f->n++] = (struct rw_ban){
		.prefix = prefix,
		.left_ns = left,
		.verdict = ban->verdict,
		.reason = ban->reason,
		.drops = ban->drops,
		.since_ns = ban->since_ns,
		.told_ns = ban->told_ns,
	};
}

static void on_ban4(void *arg, const void *key, const void *value)
{
	add_ban(arg, rw_prefix_from_key4(key), value);
}

static void on_ban6(void *arg, const void *key, const void *value)
{
	add_ban(arg, rw_prefix_from_key(key), value);
}

static void on_allow(void *arg, const void *key, const void *value)
{
	struct found *f = arg;

	(void)value;
	if (grow(f, (void **)&f->prefixes, sizeof(*f->prefixes)))
		f->prefixes[f->n++] = rw_prefix_from_key(key);
}

/* A trie's value begins with the ban. */
_Static_assert(offsetof(struct rw_kern_cidr, ban) == 0, "on_ban4 and on_ban6 read both");

static int all_bans(struct rw_kern *k, struct found *f, struct rw_error *e)
{
	int rc = rw_kern_scan_hash(k->fd[RW_MAP_DENY4], sizeof(struct rw_kern_key4),
				   sizeof(struct rw_kern_ban), on_ban4, f, e);

	if (!rc)
		rc = rw_kern_scan_hash(k->fd[RW_MAP_DENY6], sizeof(struct rw_kern_key),
				       sizeof(struct rw_kern_ban), on_ban6, f, e);
	f->n_hashed = f->n;
	if (!rc)
		rc = rw_kern_scan_trie(k->fd[RW_MAP_CIDR4], sizeof(struct rw_kern_key4),
				       sizeof(struct rw_kern_cidr), on_ban4, f, e);
	if (!rc)
		rc = rw_kern_scan_trie(k->fd[RW_MAP_CIDR6], sizeof(struct rw_kern_key),
				       sizeof(struct rw_kern_cidr), on_ban6, f, e);
	if (!rc && f->failed)
		rc = rw_fail(e, RW_ENOMEM, "out of memory for the list of bans");
	return rc;
}

static int all_allows(struct rw_kern *k, struct found *f, struct rw_error *e)
{
	int rc = rw_kern_scan_hash(k->fd[RW_MAP_ALLOW], sizeof(struct rw_kern_key),
				   sizeof(struct rw_kern_allow), on_allow, f, e);

	if (!rc)
		rc = rw_kern_scan_trie(k->fd[RW_MAP_ALLOW_NET], sizeof(struct rw_kern_key),
				       sizeof(struct rw_kern_allow), on_allow, f, e);
	if (!rc && f->failed)
		rc = rw_fail(e, RW_ENOMEM, "out of memory for the allowlist");
	return rc;
}

/* --- entries ------------------------------------------------------------------------------------
 */

/* Bans of one family: of frequent prefix lengths in a hash, of others in a trie. */
static int hash_fd(const struct rw_kern *k, const struct rw_prefix *p)
{
	return k->fd[p->family == AF_INET ? RW_MAP_DENY4 : RW_MAP_DENY6];
}

static int trie_fd(const struct rw_kern *k, const struct rw_prefix *p)
{
	return k->fd[p->family == AF_INET ? RW_MAP_CIDR4 : RW_MAP_CIDR6];
}

union ban_key {
	struct rw_kern_key4 v4;
	struct rw_kern_key v6;
};

static union ban_key ban_key(const struct rw_prefix *p)
{
	union ban_key key = {0};

	if (p->family == AF_INET)
		key.v4 = rw_prefix_key4(p);
	else
		key.v6 = rw_prefix_key(p);
	return key;
}

/* A look-up in a trie finds what covers p, too. */
static bool in_trie(const struct rw_kern *k, const struct rw_prefix *p, struct rw_kern_cidr *cidr)
{
	union ban_key key = ban_key(p);

	return !bpf_map_lookup_elem(trie_fd(k, p), &key, cidr) && cidr->plen == p->plen;
}

static int ban_put(struct rw_kern *k, const struct rw_prefix *p, const struct rw_kern_ban *ban,
		   bool hashed)
{
	struct rw_kern_cidr cidr = {.ban = *ban, .plen = p->plen};
	union ban_key key = ban_key(p);

	return hashed ? bpf_map_update_elem(hash_fd(k, p), &key, ban, BPF_ANY)
		      : bpf_map_update_elem(trie_fd(k, p), &key, &cidr, BPF_ANY);
}

static int ban_remove(struct rw_kern *k, const struct rw_prefix *p)
{
	union ban_key key = ban_key(p);
	int err = bpf_map_delete_elem(hash_fd(k, p), &key);

	return err == -ENOENT ? bpf_map_delete_elem(trie_fd(k, p), &key) : err;
}

/* Hosts are in the hash, everything shorter in the trie. */
static int allow_fd(const struct rw_kern *k, const struct rw_prefix *p)
{
	bool host = p->plen == (p->family == AF_INET ? 32 : 128);

	return k->fd[host ? RW_MAP_ALLOW : RW_MAP_ALLOW_NET];
}

/* Whether an allowed prefix covers all of p: such a ban would do nothing. */
static bool covered(const struct rw_kern *k, const struct rw_prefix *p)
{
	struct rw_kern_key key = rw_prefix_key(p);
	struct rw_kern_allow allow;

	return !bpf_map_lookup_elem(allow_fd(k, p), &key, &allow) ||
	       !bpf_map_lookup_elem(k->fd[RW_MAP_ALLOW_NET], &key, &allow);
}

/* Leaves live bans in the list, and removes the others from the maps if we may. */
static void drop_expired(struct rw_kern *k, struct found *f)
{
	unsigned live = 0, hashed = 0;

	for (unsigned i = 0; i < f->n; i++) {
		if (f->bans[i].left_ns) {
			hashed += i < f->n_hashed;
			f->bans[live++] = f->bans[i];
		} else if (!k->read_only) {
			ban_remove(k, &f->bans[i].prefix);
		}
	}
	f->n = live;
	f->n_hashed = hashed;
}

/*
 * Lists the live bans; removes the others and the bits that nothing needs any more. The caller
 * holds the lock, so none of them can have been renewed since it was read.
 */
static int tidy(struct rw_kern *k, struct found *bans, struct rw_error *e)
{
	struct found allows = {0};
	int rc = all_bans(k, bans, e);

	if (!rc)
		rc = all_allows(k, &allows, e);
	if (!rc) {
		drop_expired(k, bans);
		rc = rw_bits_rebuild(k, bans->bans, bans->n, bans->n_hashed, allows.prefixes,
				     allows.n, e);
	}
	free(allows.prefixes);
	return rc;
}

static bool ban_get(const struct rw_kern *k, const struct rw_prefix *p, struct rw_kern_ban *ban)
{
	union ban_key key = ban_key(p);
	struct rw_kern_cidr cidr;

	if (!bpf_map_lookup_elem(hash_fd(k, p), &key, ban))
		return true;
	if (!in_trie(k, p, &cidr))
		return false;
	*ban = cidr.ban;
	return true;
}

/* The operator's word stands: a strike would end his ban with its own. */
static bool operators(const struct rw_kern *k, const struct rw_prefix *p)
{
	struct rw_kern_ban ban;

	return ban_get(k, p, &ban) && ban.reason == RW_KERN_REASON_OPERATOR &&
	       (!ban.expires_ns || ban.expires_ns > rw_kern_now_ns());
}

/* Whether the ban may be entered; its presence bits are set then, and *hashed says where to. */
static int announce(struct rw_kern *k, const struct rw_ban_order *o, bool *hashed,
		    struct rw_error *e)
{
	bool by_operator = o->reason == RW_KERN_REASON_OPERATOR;
	struct rw_kern_cidr cidr;
	char text[64];

	*hashed = false;
	if (covered(k, &o->prefix))
		return rw_fail(
			e, by_operator ? RW_EPERM : RW_EEXIST,
			"%s is allowlisted and cannot be banned: 'ringwall kern allow del' first",
			rw_prefix_text(&o->prefix, text));
	if (!by_operator && operators(k, &o->prefix))
		return rw_fail(e, RW_EEXIST, "%s is banned by the operator already",
			       rw_prefix_text(&o->prefix, text));
	*hashed = rw_bits_deny(k, &o->prefix, in_trie(k, &o->prefix, &cidr));
	return RW_OK;
}

static struct rw_kern_ban entry_of(const struct rw_ban_order *o)
{
	uint64_t now = rw_kern_now_ns();
	struct rw_kern_ban ban = {.since_ns = o->since_ns ? o->since_ns : now,
				  .verdict = o->verdict,
				  .reason = o->reason};

	if (o->ttl_ns)
		ban.expires_ns = o->ttl_ns < UINT64_MAX - now ? now + o->ttl_ns : UINT64_MAX;
	return ban;
}

static int put_one(struct rw_kern *k, const struct rw_ban_order *o, bool hashed, struct rw_error *e)
{
	struct rw_kern_ban ban = entry_of(o);
	int err = ban_put(k, &o->prefix, &ban, hashed);

	if (err == -E2BIG && hashed)
		return rw_fail(e, RW_ELIMIT, "%d bans are in force, which is the bound",
			       RW_KERN_BANS);
	if (err == -ENOSPC && !hashed)
		return rw_fail(
			e, RW_ELIMIT,
			"%d bans of unusual prefix lengths are in force, which is the bound: "
			"ban by another length than /%u",
			RW_KERN_CIDRS, o->prefix.plen);
	return err ? rw_kern_fail(e, err, "enter a ban") : RW_OK;
}

/* What has expired may be in the way. */
static int put_after_tidying(struct rw_kern *k, const struct rw_ban_order *o, struct rw_error *e)
{
	struct found bans = {0};
	bool hashed = false;
	int rc = tidy(k, &bans, e);

	free(bans.bans);
	if (!rc)
		rc = announce(k, o, &hashed, e);
	return rc ? rc : put_one(k, o, hashed, e);
}

/* A family's share of what is announced for its hash, in one call. False: some may not be there. */
static bool put_batch(struct rw_kern *k, int family, const struct rw_ban_order *orders, unsigned n,
		      const bool *hashed)
{
	struct rw_kern_key4 keys4[RW_BAN_BATCH];
	struct rw_kern_key keys6[RW_BAN_BATCH];
	struct rw_kern_ban bans[RW_BAN_BATCH];
	uint32_t count = 0;

	for (unsigned i = 0; i < n; i++) {
		if (!hashed[i] || orders[i].prefix.family != family)
			continue;
		keys4[count] = rw_prefix_key4(&orders[i].prefix);
		keys6[count] = rw_prefix_key(&orders[i].prefix);
		bans[count++] = entry_of(&orders[i]);
	}
	if (count == 0)
		return true;
	if (family == AF_INET)
		return !bpf_map_update_batch(k->fd[RW_MAP_DENY4], keys4, bans, &count, NULL);
	return !bpf_map_update_batch(k->fd[RW_MAP_DENY6], keys6, bans, &count, NULL);
}

void rw_kern_deny_all(struct rw_kern *k, struct rw_ban_order *orders, unsigned n, rw_ban_done done)
{
	struct rw_error e[RW_BAN_BATCH];
	int rc[RW_BAN_BATCH] = {0}, locked;
	bool hashed[RW_BAN_BATCH] = {false}, whole = false;

	RW_BUG_ON(n > RW_BAN_BATCH);
	if (!n)
		return;
	locked = rw_kern_lock(k, &e[0]);
	for (unsigned i = 0; i < n; i++) {
		rw_prefix_mask(&orders[i].prefix);
		e[i] = e[locked ? 0 : i];
		rc[i] = locked ? locked : announce(k, &orders[i], &hashed[i], &e[i]);
	}
	if (!locked)
		whole = put_batch(k, AF_INET, orders, n, hashed) &&
			put_batch(k, AF_INET6, orders, n, hashed);
	for (unsigned i = 0; i < n && !locked; i++) {
		if (!rc[i] && !(whole && hashed[i]))
			rc[i] = put_one(k, &orders[i], hashed[i], &e[i]);
		if (rc[i] == RW_ELIMIT)
			rc[i] = put_after_tidying(k, &orders[i], &e[i]);
	}
	if (!locked)
		rw_kern_unlock(k);
	for (unsigned i = 0; i < n; i++)
		done(&orders[i], rc[i], &e[i]);
}

struct one {
	int rc;
	struct rw_error *e;
};

static void on_one(const struct rw_ban_order *o, int rc, const struct rw_error *e)
{
	struct one *one = o->user;

	one->rc = rc;
	if (rc && one->e)
		*one->e = *e;
}

int rw_kern_deny(struct rw_kern *k, const struct rw_prefix *p, uint64_t ttl_ns,
		 enum rw_kern_verdict verdict, enum rw_kern_reason reason, struct rw_error *e)
{
	struct one one = {.e = e};
	struct rw_ban_order o = {
		.prefix = *p, .ttl_ns = ttl_ns, .verdict = verdict, .reason = reason, .user = &one};

	rw_kern_deny_all(k, &o, 1, on_one);
	return one.rc;
}

int rw_kern_undeny(struct rw_kern *k, const struct rw_prefix *p, struct rw_error *e)
{
	struct rw_prefix prefix = *p;
	char text[64];
	int err, rc = rw_kern_lock(k, e);

	if (rc)
		return rc;
	rw_prefix_mask(&prefix);
	err = ban_remove(k, &prefix);
	if (err == -ENOENT)
		rc = rw_fail(e, RW_ENOTFOUND,
			     "%s is not banned ('ringwall deny list' shows what is)",
			     rw_prefix_text(&prefix, text));
	else if (err)
		rc = rw_kern_fail(e, err, "lift a ban");
	rw_kern_unlock(k);
	return rc;
}

int rw_kern_bans(struct rw_kern *k, struct rw_ban **bans, unsigned *n, struct rw_error *e)
{
	struct found f = {0};
	int rc;

	*bans = NULL;
	*n = 0;
	if (k->read_only) {
		rc = all_bans(k, &f, e);
		drop_expired(k, &f);
	} else {
		rc = rw_kern_lock(k, e);
		if (rc)
			return rc;
		rc = tidy(k, &f, e);
		rw_kern_unlock(k);
	}
	if (rc) {
		free(f.bans);
		return rc;
	}
	*bans = f.bans;
	*n = f.n;
	return RW_OK;
}

int rw_kern_bans_of(struct rw_kern *k, const struct rw_prefix *prefixes, unsigned n, rw_bans_fn fn,
		    void *arg, struct rw_error *e)
{
	struct found f = {0};
	int rc = rw_kern_lock(k, e);

	if (rc)
		return rc;
	for (unsigned i = 0; i < n; i++) {
		struct rw_prefix prefix = prefixes[i];
		struct rw_kern_ban ban;

		rw_prefix_mask(&prefix);
		if (!ban_get(k, &prefix, &ban))
			ban = (struct rw_kern_ban){.expires_ns = 1}; /* over */
		add_ban(&f, prefix, &ban);
	}
	rc = f.failed ? rw_fail(e, RW_ENOMEM, "out of memory for the list of bans")
		      : fn(arg, f.bans, f.n, e);
	rw_kern_unlock(k);
	free(f.bans);
	return rc;
}

int rw_kern_allow(struct rw_kern *k, const struct rw_prefix *p, bool on, struct rw_error *e)
{
	struct rw_kern_allow allow = {.reason = RW_KERN_REASON_OPERATOR};
	struct rw_prefix prefix = *p;
	struct rw_kern_key key;
	char text[64];
	int err, rc = rw_kern_lock(k, e);

	if (rc)
		return rc;
	rw_prefix_mask(&prefix);
	key = rw_prefix_key(&prefix);
	if (on) {
		rw_bits_allow(k, &prefix);
		err = bpf_map_update_elem(allow_fd(k, &prefix), &key, &allow, BPF_ANY);
	} else {
		err = bpf_map_delete_elem(allow_fd(k, &prefix), &key);
	}
	if (on && (err == -E2BIG || err == -ENOSPC))
		rc = rw_fail(e, RW_ELIMIT,
			     "the allowlist is full (%d hosts, %d prefixes): allow a wider prefix",
			     RW_KERN_ALLOW_HOSTS, RW_KERN_ALLOW_NETS);
	else if (err == -ENOENT)
		rc = rw_fail(e, RW_ENOTFOUND, "%s is not allowlisted",
			     rw_prefix_text(&prefix, text));
	else if (err)
		rc = rw_kern_fail(e, err, "change the allowlist");
	rw_kern_unlock(k);
	return rc;
}

int rw_kern_allows(struct rw_kern *k, struct rw_prefix **prefixes, unsigned *n, struct rw_error *e)
{
	struct found f = {0};
	int rc = all_allows(k, &f, e);

	*prefixes = NULL;
	*n = 0;
	if (rc) {
		free(f.prefixes);
		return rc;
	}
	*prefixes = f.prefixes;
	*n = f.n;
	return RW_OK;
}
