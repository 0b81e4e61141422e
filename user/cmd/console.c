/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ringwall appliance console`: one screen of how things are, printed when it changes, for a
 * terminal and a serial line alike; `ringwall appliance healthy`.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "cmd/appliance.h"
#include "cmd/cmd.h"
#include "cmd/verbs.h"
#include "ident/keys.h"
#include "kern/kern.h"
#include "policy/config.h"

enum { PEM_MAX = 65536, EVERY_S = 2, HEALTHY_S = 120 };

/* The first certificate of a PEM file, by its SHA-256 as browsers and openssl show it. */
static int add_fingerprint(struct rw_buf *out, const char *file)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END";
	char pem[PEM_MAX + 1], *from, *to;
	unsigned char der[PEM_MAX], digest[EVP_MAX_MD_SIZE];
	unsigned n_digest;
	EVP_ENCODE_CTX *d;
	int n = 0, last = 0, rc = RW_OK;
	FILE *f = fopen(file, "re");
	size_t got = f ? fread(pem, 1, PEM_MAX, f) : 0;

	if (f)
		fclose(f);
	pem[got] = '\0';
	from = strstr(pem, begin);
	to = from ? strstr(from, end) : NULL;
	if (!to)
		return rw_buf_add_str(out, "not there yet");
	from += sizeof(begin) - 1;
	d = EVP_ENCODE_CTX_new();
	if (!d)
		return RW_ENOMEM;
	EVP_DecodeInit(d);
	if (EVP_DecodeUpdate(d, der, &n, (unsigned char *)from, (int)(to - from)) < 0 ||
	    EVP_DecodeFinal(d, der + n, &last) < 0 ||
	    !EVP_Digest(der, (size_t)n + (size_t)last, digest, &n_digest, EVP_sha256(), NULL))
		rc = rw_buf_add_str(out, "unreadable");
	else
		for (unsigned i = 0; i < n_digest && !rc; i++)
			rc = rw_buf_addf(out, "%s%02X", i ? ":" : "", digest[i]);
	EVP_ENCODE_CTX_free(d);
	return rc;
}

static int add_addresses(struct rw_buf *b)
{
	struct ifaddrs *all = NULL;
	char text[INET6_ADDRSTRLEN];
	int rc = rw_buf_add_str(b, "addresses    ");

	if (getifaddrs(&all))
		return rw_buf_add_str(b, "unknown\n");
	for (struct ifaddrs *i = all; i && !rc; i = i->ifa_next) {
		const struct sockaddr *a = i->ifa_addr;
		const struct sockaddr_in *a4 = (const void *)a;
		const struct sockaddr_in6 *a6 = (const void *)a;

		if (!a || (i->ifa_flags & IFF_LOOPBACK) ||
		    (a->sa_family != AF_INET && a->sa_family != AF_INET6))
			continue;
		if (inet_ntop(a->sa_family,
			      a->sa_family == AF_INET ? (const void *)&a4->sin_addr
						      : (const void *)&a6->sin6_addr,
			      text, sizeof(text)))
			rc = rw_buf_addf(b, "%s %s  ", i->ifa_name, text);
	}
	freeifaddrs(all);
	return rc ? rc : rw_buf_add_str(b, "\n");
}

static int add_kernel(struct rw_buf *b)
{
	struct rw_kern_stats stats;
	struct rw_kern_where where;
	const uint64_t *values = (const uint64_t *)&stats;
	struct rw_kern *k;
	uint64_t drops = 0;
	int rc = rw_kern_open(&k, NULL);

	if (rc)
		return rw_buf_add_str(b, "kernel       not attached\n");
	rc = rw_kern_where(k, &where, NULL);
	rc = rc ? rc : rw_kern_counters(k, &stats, NULL);
	for (unsigned i = 0; i < RW_KERN_N && !rc; i++)
		if (!strncmp(rw_kern_counter_name((enum rw_kern_counter)i), "drop_", 5))
			drops += values[i];
	rc = rc ? rw_buf_add_str(b, "kernel       unknown\n")
		: rw_buf_addf(b, "kernel       XDP %s on %s%s, %" PRIu64 " packets dropped\n",
			      where.mode, where.interface,
			      where.link_alive ? "" : " (THE LINK IS GONE)", drops);
	rw_kern_close(k);
	return rc;
}

/* How the image's own repart.d made it. */
static int add_disk(struct rw_buf *b)
{
	return rw_buf_add_str(b, access(RW_APPLIANCE_SEALED, F_OK)
					 ? "disk         /var not encrypted\n"
					 : "disk         /var encrypted, opened by the TPM\n");
}

static int add_gateway(struct rw_buf *b, const struct rw_config *c)
{
	char file[4200];
	int rc = RW_OK;

	for (unsigned i = 0; i < c->n_listeners && !rc; i++) {
		const struct rw_listener_config *l = &c->listeners[i];

		rc = rw_buf_addf(b, "listener     %s, %s\n", l->address,
				 rw_appliance_listens(l->address) ? "answers" : "no answer");
		if (!l->tls || rc)
			continue;
		snprintf(file, sizeof(file), "%s/selfsigned.crt", c->state_dir);
		rc = rw_buf_add_str(b, "certificate  SHA-256 ");
		rc = rc ? rc : add_fingerprint(b, l->first.cert_file ? l->first.cert_file : file);
		rc = rc ? rc : rw_buf_add_str(b, "\n");
	}
	return rc ? rc
		  : rw_buf_addf(b, "admin        %s\n",
				c->admin_address ? c->admin_address : "off");
}

/* Whose hashes the configuration disk has; those made here are the engine's to know. */
static int add_keys(struct rw_buf *b, const struct rw_config *c)
{
	struct rw_key *keys = NULL;
	struct rw_error e;
	unsigned n;
	int rc;

	if (!c->keys_file)
		return RW_OK;
	rc = rw_keylist_read(c->keys_file, &keys, &n, &e);
	free(keys);
	return rc ? rw_buf_addf(b, "keys         none taken: %s\n", e.text)
		  : rw_buf_addf(b, "keys         %u on the configuration disk\n", n);
}

static int draw(struct rw_buf *b, const struct rw_config *c)
{
	char status[RW_APPLIANCE_LINE], update[RW_APPLIANCE_LINE];
	char version[RW_APPLIANCE_VERSION];
	int rc;

	rw_buf_reset(b);
	if (rw_appliance_version(version, NULL))
		snprintf(version, sizeof(version), "unknown");
	if (!rw_appliance_line(RW_APPLIANCE_STATUS, status))
		snprintf(status, sizeof(status), "starting");
	rc = rw_buf_addf(b, "\nringwall " RW_VERSION ", image %s\nstate        %s%s\n", version,
			 access(RW_APPLIANCE_VALID, F_OK) ? "HELD, nothing is served: " : "",
			 status);
	rc = rc ? rc : add_addresses(b);
	rc = rc ? rc : add_disk(b);
	if (!rc && rw_appliance_line(RW_APPLIANCE_UPDATE, update) && update[0])
		rc = rw_buf_addf(b, "update       %s\n", update);
	rc = rc || !c ? rc : add_gateway(b, c);
	rc = rc || !c ? rc : add_keys(b, c);
	return rc || !c ? rc : add_kernel(b);
}

int rw_cmd_console(int argc, char **argv)
{
	struct rw_buf now = {0}, shown = {0};
	struct rw_config *c = NULL;
	int rc = RW_OK;

	rw_appliance_no_options(argc, argv, "Prints how things are, again each time that changes.");
	if (!access(RW_APPLIANCE_VALID, F_OK))
		(void)!rw_config_load_public(&c, RW_CONFIG_FILE, NULL);
	while (!rc) {
		rc = draw(&now, c);
		if (!rc &&
		    (now.len != shown.len || (now.len && memcmp(now.p, shown.p, now.len) != 0))) {
			fwrite(now.p, 1, now.len, stdout);
			if (fflush(stdout)) {
				fprintf(stderr, "ringwall: cannot print: %s\n", strerror(errno));
				break;
			}
			rw_buf_reset(&shown);
			rc = rc ? rc : rw_buf_add_slice(&shown, rw_buf_slice(&now));
		}
		sleep(EVERY_S);
	}
	rw_buf_free(&now);
	rw_buf_free(&shown);
	rw_config_free(c);
	return RW_EXIT_FAIL;
}

int rw_cmd_healthy(int argc, char **argv)
{
	struct rw_config *c = NULL;
	struct rw_error e;
	unsigned good = 0;
	int rc;

	rw_appliance_no_options(
		argc, argv, "Waits until every listener takes connections, two minutes at most.");
	rc = rw_config_load_public(&c, RW_CONFIG_FILE, &e);
	for (unsigned s = 0; s < HEALTHY_S && !rc && good < c->n_listeners; s++) {
		for (good = 0; good < c->n_listeners; good++)
			if (!rw_appliance_listens(c->listeners[good].address))
				break;
		if (good < c->n_listeners)
			sleep(1);
	}
	if (!rc && good < c->n_listeners)
		rc = rw_fail(&e, RW_ETIMEOUT, "nothing listens on %s after %d s",
			     c->listeners[good].address, HEALTHY_S);
	rw_config_free(c);
	return rw_cmd_end(rc, &e);
}
