/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "policy/load.h"
#include "policy/show.h"
#include "policy/value.h"

/* An item of a top-level list, or a key of it; path and node for the message. */
struct place {
	const struct rw_tree_node *node;
	char path[RW_LOAD_PATH];
};

static struct place at(const struct rw_tree_node *root, const char *list, unsigned i,
		       const char *key)
{
	const struct rw_tree_node *item = rw_tree_at(rw_tree_get(root, list), i);
	struct place p = {.node = rw_tree_get(item, key)};

	if (!p.node)
		p.node = item;
	snprintf(p.path, sizeof(p.path), "%s[%u].%s", list, i, key);
	return p;
}

static int fail(struct rw_load *l, const struct place *p, const char *sentence)
{
	return rw_load_fail(l, p->node, p->path, RW_EINVAL, sentence);
}

static int fail_twin(struct rw_load *l, const struct place *p, const char *list, unsigned other)
{
	char text[96];

	snprintf(text, sizeof(text), "the same as in %s[%u]", list, other);
	return fail(l, p, text);
}

static int check_plain(struct rw_load *l, const struct rw_tree_node *root, unsigned i)
{
	const struct rw_listener_config *c = &l->cfg->listeners[i];
	struct place p = at(root, "listeners", i, "tls");
	struct rw_value_address a;

	if (c->tls)
		return RW_OK;
	RW_BUG_ON(rw_value_address(rw_slice_str(c->address), &a));
	if (rw_value_is_loopback(&a))
		return RW_OK;
	if (!c->plain_anywhere)
		return fail(
			l, &p,
			"off is for loopback addresses: keys and prompts would be readable on "
			"the network; use TLS, or set plain_anywhere: true if something in front "
			"encrypts");
	if (!l->public_only)
		rw_warn("%s: %s serves plain HTTP off loopback: keys and prompts are readable on "
			"the "
			"network",
			l->name, c->address);
	return RW_OK;
}

static int check_proxy(struct rw_load *l, const struct rw_tree_node *root, unsigned i)
{
	struct place p = at(root, "listeners", i, "proxy_protocol");

	if (!l->cfg->listeners[i].proxy_protocol || l->cfg->n_balancers)
		return RW_OK;
	return fail(l, &p,
		    "true closes every connection but those of balancers, and there is none under "
		    "balancers");
}

static int check_client_cert(struct rw_load *l, const struct rw_tree_node *root, unsigned i)
{
	const struct rw_listener_config *c = &l->cfg->listeners[i];
	struct place p = at(root, "listeners", i, "tls");

	if (c->client_cert != RW_CLIENT_CERT_OFF && !c->client_ca_file)
		return fail(l, &p,
			    "client_cert needs client_ca_file: who signs clients' certificates");
	if (c->client_cert == RW_CLIENT_CERT_OFF && c->client_ca_file)
		return fail(l, &p,
			    "client_ca_file says nothing with client_cert: off; set that to "
			    "optional or "
			    "required");
	return RW_OK;
}

static bool same_address(const char *a, const char *b)
{
	struct rw_value_address x, y;

	RW_BUG_ON(rw_value_address(rw_slice_str(a), &x) || rw_value_address(rw_slice_str(b), &y));
	return x.port != 0 && rw_value_same_address(&x, &y);
}

static int check_listeners(struct rw_load *l, const struct rw_tree_node *root)
{
	const struct rw_config *c = l->cfg;
	int rc;

	for (unsigned i = 0; i < c->n_listeners; i++) {
		struct place p = at(root, "listeners", i, "address");

		for (unsigned j = 0; j < i; j++)
			if (same_address(c->listeners[i].address, c->listeners[j].address))
				return fail_twin(l, &p, "listeners", j);
		rc = check_plain(l, root, i);
		rc = rc ? rc : check_proxy(l, root, i);
		rc = rc ? rc : check_client_cert(l, root, i);
		if (rc)
			return rc;
	}
	return RW_OK;
}

static int check_admin(struct rw_load *l, const struct rw_tree_node *root)
{
	const struct rw_config *c = l->cfg;
	const struct rw_tree_node *n = rw_tree_get(rw_tree_get(root, "admin"), "address");
	struct rw_value_address a;

	if (!c->admin_address)
		return RW_OK;
	for (unsigned i = 0; i < c->n_listeners; i++)
		if (same_address(c->admin_address, c->listeners[i].address))
			return rw_load_fail(l, n, "admin.address", RW_EINVAL,
					    "a listener has this address already");
	RW_BUG_ON(rw_value_address(rw_slice_str(c->admin_address), &a));
	if (!rw_value_is_loopback(&a) && !l->public_only)
		rw_warn("%s: admin.address is not loopback: whoever reaches it reads the metrics",
			l->name);
	return RW_OK;
}

static bool is_used(const struct rw_config *c, unsigned upstream)
{
	for (unsigned i = 0; i < c->n_models; i++)
		if (c->models[i].upstream == upstream)
			return true;
	for (unsigned i = 0; i < c->n_detectors; i++)
		if (c->detectors[i].upstream == upstream)
			return true;
	return false;
}

/* Base64 of 32 bytes: the length was looked at, the last of it is what pads. */
static bool is_pin(const char *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	return strspn(text, digits) == 43 && text[43] == '=';
}

static int check_upstream_tls(struct rw_load *l, const struct rw_tree_node *root, unsigned i)
{
	const struct rw_upstream_config *u = &l->cfg->upstreams[i];
	struct place p = at(root, "upstreams", i, "tls");

	if (!u->tls && (u->tls_name || u->modern || u->cert_file || u->key_file || u->n_pins))
		return fail(l, &p, "the URL is http: there is no TLS to say anything of");
	if (!u->cert_file != !u->key_file)
		return fail(l, &p, "cert_file and key_file go together");
	for (unsigned j = 0; j < u->n_pins; j++)
		if (!is_pin(u->pins[j].sha256))
			return fail(l, &p,
				    "a pin is the base64 of a SHA-256: 43 characters and '='; "
				    "docs/operating.md has the command that makes one");
	if (u->n_pins == 1 && !u->pins_report && !l->public_only)
		rw_warn("%s: upstream %s has one pin: when its key changes the gateway is cut off; "
			"pin "
			"a second one, of a key in reserve or of its CA",
			l->name, u->name);
	return RW_OK;
}

static int check_upstream(struct rw_load *l, const struct rw_tree_node *root, unsigned i)
{
	const struct rw_upstream_config *u = &l->cfg->upstreams[i];
	struct place name = at(root, "upstreams", i, "name"), url = at(root, "upstreams", i, "url");

	for (unsigned j = 0; j < i; j++)
		if (strcmp(u->name, l->cfg->upstreams[j].name) == 0)
			return fail_twin(l, &name, "upstreams", j);
	if (!is_used(l->cfg, i))
		return fail(l, &name,
			    "no model and no detector uses this upstream; add one under models, or "
			    "remove it");
	if (check_upstream_tls(l, root, i))
		return RW_EINVAL;
	if (u->tls || rw_value_is_loopback_host(u->host))
		return RW_OK;
	if (!u->insecure_plain)
		return fail(l, &url,
			    "http is for loopback: the key and prompts would be readable on the "
			    "network; use https, or set insecure_plain: true");
	if (!l->public_only)
		rw_warn("%s: upstream %s is plain HTTP: its key and all prompts are readable on "
			"the "
			"network",
			l->name, u->name);
	return RW_OK;
}

static int check_model(struct rw_load *l, const struct rw_tree_node *root, unsigned i)
{
	const struct rw_config *c = l->cfg;
	const char *name = c->models[i].name;
	struct place p = at(root, "models", i, "name");

	for (unsigned j = 0; j < i; j++)
		if (strcmp(name, c->models[j].name) == 0)
			return fail_twin(l, &p, "models", j);
	if (strchr(name, '*') && strcmp(name, "*") != 0)
		return fail(l, &p,
			    "patterns are not supported: name the model, or \"*\" for every");
	if (strcmp(name, "*") == 0 && i + 1 < c->n_models)
		return fail(l, &p,
			    "\"*\" must be the last: models after it would never be reached");
	if (c->models[i].pass_answers && !l->public_only)
		rw_warn("%s: answers of model %s are passed: no guard reads them", l->name, name);
	return RW_OK;
}

static int check_detector(struct rw_load *l, const struct rw_tree_node *root, unsigned i)
{
	const struct rw_detector_config *d = &l->cfg->detectors[i];
	const struct rw_tree_node *list = rw_tree_get(rw_tree_get(root, "guards"), "detectors");
	const struct rw_tree_node *item = rw_tree_at(list, i);
	bool judge = d->protocol == RW_DETECTOR_JUDGE;
	char path[RW_LOAD_PATH];

	snprintf(path, sizeof(path), "guards.detectors[%u]", i);
	for (unsigned j = 0; j < i; j++)
		if (strcmp(d->name, l->cfg->detectors[j].name) == 0)
			return rw_load_fail(l, item, path, RW_EINVAL,
					    "another detector has this name");
	if (judge && !d->model)
		return rw_load_fail(l, item, path, RW_EINVAL, "a judge needs the name of a model");
	if (!judge && d->model)
		return rw_load_fail(l, item, path, RW_EINVAL, "model is for a judge");
	return RW_OK;
}

static int check_audit(struct rw_load *l, const struct rw_tree_node *root)
{
	const struct rw_tree_node *n = rw_tree_get(rw_tree_get(root, "audit"), "required");

	if (l->cfg->audit_file || !l->cfg->audit_required)
		return RW_OK;
	if (n)
		return rw_load_fail(l, n, "audit.required", RW_EINVAL,
				    "an audit log can be required only where audit.file is set");
	l->cfg->audit_required = false; /* its default speaks of a file that there is */
	return RW_OK;
}

static int check_auth(struct rw_load *l, const struct rw_tree_node *root)
{
	const struct rw_tree_node *n = rw_tree_get(rw_tree_get(root, "auth"), "client_cert");

	if (!l->cfg->certs_accepted)
		return RW_OK;
	for (unsigned i = 0; i < l->cfg->n_listeners; i++)
		if (l->cfg->listeners[i].client_cert != RW_CLIENT_CERT_OFF)
			return RW_OK;
	return rw_load_fail(l, n, "auth.client_cert", RW_EINVAL,
			    "no listener asks for a certificate: set client_cert and "
			    "client_ca_file under its tls");
}

static int check_sizes(struct rw_load *l, const struct rw_tree_node *root)
{
	const struct rw_config *c = l->cfg;
	const struct rw_tree_node *limits = rw_tree_get(root, "limits"), *n;

	n = rw_tree_get(limits, "memory");
	if (c->max_memory_bytes < c->max_body_bytes + c->max_answer_bytes)
		return rw_load_fail(l,
				    n	     ? n
				    : limits ? limits
					     : root,
				    "limits.memory", RW_EINVAL,
				    "must hold one body and one answer: raise it, or lower "
				    "limits.body or limits.answer");
	n = rw_tree_get(rw_tree_get(root, "strikes"), "ban_max");
	if (c->ban_max_ms < c->ban_ms)
		return rw_load_fail(l, n ? n : rw_tree_get(root, "strikes"), "strikes.ban_max",
				    RW_EINVAL, "must not be shorter than strikes.ban");
	return RW_OK;
}

int rw_load_cross(struct rw_load *l, const struct rw_tree_node *root)
{
	int rc = check_listeners(l, root);

	rc = rc ? rc : check_admin(l, root);
	for (unsigned i = 0; i < l->cfg->n_upstreams && !rc; i++)
		rc = check_upstream(l, root, i);
	for (unsigned i = 0; i < l->cfg->n_models && !rc; i++)
		rc = check_model(l, root, i);
	for (unsigned i = 0; i < l->cfg->n_detectors && !rc; i++)
		rc = check_detector(l, root, i);
	rc = rc ? rc : check_auth(l, root);
	rc = rc ? rc : check_audit(l, root);
	return rc ? rc : check_sizes(l, root);
}
