/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of egress containment as people write them, and lists of what its maps hold. */
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "kern/internal.h"
#include "kern/out.h"

static const uint16_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};

/* --- rules -------------------------------------------------------------------------------------
 */

static bool parse_port(const char *digits, uint16_t *out)
{
	unsigned long n;
	char *end;

	if (*digits < '0' || *digits > '9')
		return false;
	errno = 0;
	n = strtoul(digits, &end, 10);
	if (*end || errno || n < 1 || n > 65535)
		return false;
	*out = (uint16_t)n;
	return true;
}

int rw_egress_rule_parse(const char *text, uint16_t port, enum rw_kern_out_why why,
			 struct rw_egress_rule *out, struct rw_error *e)
{
	const char *close = text[0] == '[' ? strchr(text, ']') : NULL;
	const char *first = strchr(text, ':');
	const char *colon = close ? (close[1] == ':' ? close + 1 : NULL) : first;
	const char *end;
	char prefix[64];

	if (!close && first && strchr(first + 1, ':')) /* bare IPv6 */
		colon = NULL;
	end = close ? close : colon ? colon : text + strlen(text);
	*out = (struct rw_egress_rule){.port = port, .why = why};
	if (colon && !parse_port(colon + 1, &out->port))
		return rw_fail(e, RW_EINVAL, "'%.80s': the port is a number from 1 to 65535", text);
	if ((size_t)(end - text) >= sizeof(prefix) || (close && close[1] && close[1] != ':'))
		return rw_fail(e, RW_EINVAL,
			       "'%.80s' is not an address or prefix, with a port or without (as "
			       "10.0.0.5:8000, 10.0.0.0/8 or [fd00::5]:8000)",
			       text);
	text += close != NULL;
	snprintf(prefix, sizeof(prefix), "%.*s", (int)(end - text), text);
	return rw_prefix_parse(prefix, &out->prefix, e);
}

const char *rw_egress_rule_text(const struct rw_egress_rule *r, char out[80])
{
	char prefix[64];

	rw_prefix_text(&r->prefix, prefix);
	if (r->prefix.plen == (r->prefix.family == AF_INET ? 32 : 128))
		*strchr(prefix, '/') = '\0';
	if (!r->port)
		snprintf(out, 80, "%s", prefix);
	else if (r->prefix.family == AF_INET6)
		snprintf(out, 80, "[%s]:%u", prefix, r->port);
	else
		snprintf(out, 80, "%s:%u", prefix, r->port);
	return out;
}

static struct rw_kern_out_net_key rule_key(const struct rw_egress_rule *r, uint16_t proto)
{
	struct rw_kern_key p = rw_prefix_key(&r->prefix);
	struct rw_kern_out_net_key key = {
		.plen = RW_KERN_OUT_PROTO_BITS + p.plen, .proto = proto, .port = r->port};

	memcpy(key.addr, p.addr, sizeof(key.addr));
	return key;
}

int rw_out_rule_put(int fd, const struct rw_egress_rule *r, struct rw_error *e)
{
	const struct rw_kern_out_net value = {.why = r->why};
	int err = 0;

	for (unsigned i = 0; i < sizeof(protocols) / sizeof(protocols[0]) && !err; i++) {
		struct rw_kern_out_net_key key = rule_key(r, protocols[i]);

		err = bpf_map_update_elem(fd, &key, &value, BPF_ANY);
	}
	if (err == -ENOSPC)
		return rw_fail(e, RW_ELIMIT, "at most %d services can be listed",
			       RW_KERN_OUT_NETS / 2);
	return err ? rw_kern_fail(e, err, "list a service") : RW_OK;
}

int rw_egress_rule(struct rw_egress *g, const struct rw_egress_rule *r, bool on, struct rw_error *e)
{
	char text[80];
	int err = 0;

	if (on)
		return rw_out_rule_put(g->net_fd, r, e);
	for (unsigned i = 0; i < sizeof(protocols) / sizeof(protocols[0]) && !err; i++) {
		struct rw_kern_out_net_key key = rule_key(r, protocols[i]);

		err = bpf_map_delete_elem(g->net_fd, &key);
	}
	if (err == -ENOENT)
		return rw_fail(e, RW_ENOTFOUND, "%s is not listed", rw_egress_rule_text(r, text));
	return err ? rw_kern_fail(e, err, "take a service from the list") : RW_OK;
}

/* --- lists -------------------------------------------------------------------------------------
 */

struct list {
	const struct rw_egress *g;
	void *items;
	size_t each;
	unsigned n, room;
	uint64_t now_ns;
	bool failed;
};

static void *list_add(struct list *l)
{
	unsigned room = l->room ? 2 * l->room : 16;
	void *more;

	if (l->n == l->room) {
		more = realloc(l->items, room * l->each);
		if (!more) {
			l->failed = true;
			return NULL;
		}
		l->items = more;
		l->room = room;
	}
	return (char *)l->items + l->n++ * l->each;
}

static int list_end(struct list *l, int rc, void *out, unsigned *n, struct rw_error *e)
{
	if (!rc && l->failed)
		rc = rw_fail(e, RW_ENOMEM, "out of memory for a list of destinations");
	if (rc) {
		free(l->items);
		l->items = NULL;
		l->n = 0;
	}
	memcpy(out, &l->items, sizeof(l->items));
	*n = l->n;
	return rc;
}

static struct rw_prefix host_of(const uint8_t addr[16])
{
	struct rw_kern_key key = {.plen = 128};

	memcpy(key.addr, addr, sizeof(key.addr));
	return rw_prefix_from_key(&key);
}

static void on_upstream(void *arg, const void *k, const void *v)
{
	const struct rw_kern_out_key *key = k;
	const struct rw_kern_out *out = v;
	struct rw_egress_upstream *u;
	struct list *l = arg;

	if (out->expires_ns <= l->now_ns) {
		if (!l->g->read_only)
			bpf_map_delete_elem(l->g->out_fd, key);
		return;
	}
	u = list_add(l);
	if (!u)
		return;
	*u = (struct rw_egress_upstream){.addr = host_of(key->addr),
					 .port = key->port,
					 .left_ns = out->expires_ns - l->now_ns};
	memcpy(u->upstream, out->upstream, sizeof(u->upstream));
}

int rw_egress_upstreams(struct rw_egress *g, struct rw_egress_upstream **out, unsigned *n,
			struct rw_error *e)
{
	struct list l = {.g = g, .each = sizeof(**out), .now_ns = rw_out_now_ns()};
	int rc = rw_kern_scan_hash(g->out_fd, sizeof(struct rw_kern_out_key),
				   sizeof(struct rw_kern_out), on_upstream, &l, e);

	return list_end(&l, rc, out, n, e);
}

/* Each rule is there for TCP and for UDP: one line. */
static void on_rule(void *arg, const void *k, const void *v)
{
	const struct rw_kern_out_net_key *key = k;
	const struct rw_kern_out_net *net = v;
	struct rw_kern_key p = {.plen = key->plen - RW_KERN_OUT_PROTO_BITS};
	struct rw_egress_rule *r;

	if (key->proto != IPPROTO_TCP)
		return;
	memcpy(p.addr, key->addr, sizeof(p.addr));
	r = list_add(arg);
	if (r)
		*r = (struct rw_egress_rule){
			.prefix = rw_prefix_from_key(&p), .port = key->port, .why = net->why};
}

int rw_egress_rules(struct rw_egress *g, struct rw_egress_rule **out, unsigned *n,
		    struct rw_error *e)
{
	struct list l = {.g = g, .each = sizeof(**out)};
	int rc = rw_kern_scan_trie(g->net_fd, sizeof(struct rw_kern_out_net_key),
				   sizeof(struct rw_kern_out_net), on_rule, &l, e);

	return list_end(&l, rc, out, n, e);
}

static void on_refused(void *arg, const void *k, const void *v)
{
	const struct rw_kern_out_key *key = k;
	struct rw_egress_refused *r = list_add(arg);

	if (!r)
		return;
	*r = (struct rw_egress_refused){
		.addr = host_of(key->addr), .port = key->port, .proto = key->proto};
	memcpy(&r->seen, v, sizeof(r->seen));
}

static int latest_first(const void *a, const void *b)
{
	const struct rw_egress_refused *x = a, *y = b;

	return (x->seen.last_ns < y->seen.last_ns) - (x->seen.last_ns > y->seen.last_ns);
}

int rw_egress_refused(struct rw_egress *g, struct rw_egress_refused **out, unsigned *n,
		      struct rw_error *e)
{
	struct list l = {.g = g, .each = sizeof(**out)};
	int rc = rw_kern_scan_hash(g->refused_fd, sizeof(struct rw_kern_out_key),
				   sizeof(struct rw_kern_out_refused), on_refused, &l, e);

	rc = list_end(&l, rc, out, n, e);
	if (*n)
		qsort(*out, *n, sizeof(**out), latest_first);
	return rc;
}
