/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall appliance`: its verbs, and configure. */
#include "cmd/appliance.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "cmd/cmd.h"
#include "cmd/named.h"
#include "cmd/verbs.h"
#include "policy/config.h"
#include "policy/peek.h"
#include "ring/sock.h"
#include "scan/scan.h"

#define DISK_NETWORK "/etc/ringwall/network.conf"
#define UDEV_DATA    "/run/udev/data"

enum { NETWORK_MAX = 16384, YAML_MAX = 1 << 20 };

void rw_appliance_no_options(int argc, char **argv, const char *doc)
{
	const struct argp argp = {.doc = doc};

	argp_err_exit_status = RW_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
}

bool rw_appliance_line(const char *file, char out[RW_APPLIANCE_LINE])
{
	FILE *f = fopen(file, "re");

	out[0] = '\0';
	if (!f)
		return false;
	if (fgets(out, RW_APPLIANCE_LINE, f))
		out[strcspn(out, "\n")] = '\0';
	fclose(f);
	return true;
}

int rw_appliance_version(char out[RW_APPLIANCE_VERSION], struct rw_error *e)
{
	char line[256] = "";
	FILE *f = fopen("/usr/lib/os-release", "re");

	out[0] = '\0';
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "IMAGE_VERSION=%*[\"]%63[^\"\n]", out) == 1 ||
		    sscanf(line, "IMAGE_VERSION=%63[^\"\n]", out) == 1)
			break;
	if (f)
		fclose(f);
	return out[0] ? RW_OK
		      : rw_fail(e, RW_EUNSUP,
				"this is not the appliance: /usr/lib/os-release has "
				"no IMAGE_VERSION");
}

int rw_appliance_port(const char *address, unsigned *port, struct rw_error *e)
{
	struct rw_addr a;
	int rc = rw_addr_parse(address, &a, e);

	/* Both kinds have it at the same place. */
	*port = rc ? 0 : ntohs(a.in4.sin_port);
	return rc;
}

bool rw_appliance_listens(const char *address)
{
	struct rw_addr a;
	int fd, rc;

	if (rw_addr_parse(address, &a, NULL))
		return false;
	if (a.sa.sa_family == AF_INET && a.in4.sin_addr.s_addr == htonl(INADDR_ANY))
		a.in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (a.sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a.in6.sin6_addr))
		a.in6.sin6_addr = in6addr_loopback;
	fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	rc = connect(fd, &a.sa, a.len);
	close(fd);
	return rc == 0;
}

/* --- configure ----------------------------------------------------------------------------------
 */

int rw_appliance_put(const char *file, struct rw_slice text, struct rw_error *e)
{
	char part[256];
	ssize_t written;
	int fd, rc = RW_OK;

	snprintf(part, sizeof(part), "%s.part", file);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return rw_fail(e, RW_EIO, "cannot make '%s': %s", part, strerror(errno));
	written = write(fd, text.p, text.n);
	if (written != (ssize_t)text.n) /* a short one has no errno: the disk is full */
		rc = rw_fail(e, RW_EIO, "cannot write '%s': %s", part,
			     strerror(written < 0 ? errno : ENOSPC));
	close(fd);
	if (!rc && rename(part, file))
		rc = rw_fail(e, RW_EIO, "cannot make '%s': %s", file, strerror(errno));
	return rc;
}

/* All of a file of at most max bytes. */
static int get(const char *file, size_t max, struct rw_buf *out)
{
	char part[4096];
	ssize_t n;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = RW_OK;

	out->max = max;
	if (fd < 0)
		return RW_EIO;
	while (!rc && (n = read(fd, part, sizeof(part))) > 0)
		rc = rw_buf_add(out, part, (size_t)n);
	if (!rc && n < 0)
		rc = RW_EIO;
	close(fd);
	return rc;
}

/* Whether the card has the name that it keeps, where there is an udev to give it. */
static bool is_named(int card)
{
	char path[64];

	snprintf(path, sizeof(path), UDEV_DATA "/n%d", card);
	return access(UDEV_DATA, F_OK) != 0 || access(path, F_OK) == 0;
}

/* The first network card there is: where packets for the gateway arrive. */
static void find_interface(char out[IF_NAMESIZE])
{
	struct ifaddrs *all, *i;

	out[0] = '\0';
	if (getifaddrs(&all))
		return;
	for (i = all; i && !out[0]; i = i->ifa_next) {
		const struct sockaddr_ll *a = (const struct sockaddr_ll *)(const void *)i->ifa_addr;

		if (a && i->ifa_addr->sa_family == AF_PACKET && a->sll_hatype == ARPHRD_ETHER &&
		    is_named(a->sll_ifindex))
			snprintf(out, IF_NAMESIZE, "%s", i->ifa_name);
	}
	freeifaddrs(all);
}

/* "8443,8444" of the listeners. */
static int add_ports(struct rw_buf *b, const struct rw_config *c, struct rw_error *e)
{
	unsigned port;
	int rc = RW_OK;

	for (unsigned i = 0; i < c->n_listeners && !rc; i++) {
		rc = rw_appliance_port(c->listeners[i].address, &port, e);
		rc = rc ? rc : rw_buf_addf(b, "%s%u", i ? "," : "", port);
	}
	return rc;
}

static int write_environment(const struct rw_config *c, struct rw_error *e)
{
	char interface[IF_NAMESIZE];
	struct rw_buf b = {0};
	int rc;

	find_interface(interface);
	rc = rw_buf_addf(&b, "RINGWALL_INTERFACE=%s\nRINGWALL_PORTS=", interface);
	rc = rc ? rc : add_ports(&b, c, e);
	rc = rc ? rc : rw_buf_add_str(&b, "\nRINGWALL_KERN_OPTIONS=--mode auto\n");
	rc = rc ? rc : rw_appliance_put(RW_APPLIANCE_RUN "/environment", rw_buf_slice(&b), e);
	rw_buf_free(&b);
	return rc;
}

/* Who may come in: to listeners, and to the admin listener unless that is this host's own. */
static int write_firewall(const struct rw_config *c, const char *admin, struct rw_error *e)
{
	struct rw_buf b = {0};
	struct rw_addr a;
	int rc = RW_OK;

	if (c) {
		rc = rw_buf_add_str(&b, "add element inet ringwall listeners { ");
		rc = rc ? rc : add_ports(&b, c, e);
		rc = rc ? rc : rw_buf_add_str(&b, " }\n");
	}
	if (!rc && admin[0] && !rw_addr_parse(admin, &a, NULL) && !rw_addr_is_loopback(&a))
		rc = rw_buf_addf(&b, "add element inet ringwall listeners { %u }\n",
				 ntohs(a.in4.sin_port));
	rc = rc ? rc : rw_appliance_put(RW_APPLIANCE_RUN "/firewall.nft", rw_buf_slice(&b), e);
	rw_buf_free(&b);
	return rc;
}

static void add_file_admin(char out[RW_PEEK_MAX])
{
	struct rw_buf b = {0};

	out[0] = '\0';
	if (!get(RW_CONFIG_FILE, YAML_MAX, &b))
		rw_config_peek_admin(rw_buf_slice(&b), out);
	rw_buf_free(&b);
}

static void keep_first(void *arg, const char *text)
{
	struct rw_error *e = arg;

	if (!e->code)
		rw_fail(e, RW_EINVAL, "%s", text);
}

/* What the engine would end with, at once and again and again, is said here instead. */
static int check_named(const struct rw_config *c, struct rw_error *e)
{
	struct rw_error first = {0};
	struct rw_rules *rules = NULL;
	int rc = RW_OK;

	if (rw_named_check(c, keep_first, &first))
		return rw_fail(e, (int)first.code, "%s: %s", c->file, first.text);
	if (c->rules_dir) /* those that are built in are known to be good, and take a second */
		rc = rw_rules_load(&rules, c->rules_dir, e);
	rw_rules_unref(rules);
	return rc;
}

/* *c is set, too, where it can be read and names what is not there: its admin address counts. */
static int load_config(struct rw_config **c, struct rw_error *e)
{
	int rc;

	if (access(RW_CONFIG_FILE, F_OK))
		return rw_fail(e, RW_ENOTFOUND,
			       "no configuration: attach a disk labelled RINGWALL with a "
			       "ringwall.yaml on it");
	rc = rw_config_load(c, RW_CONFIG_FILE, e);
	return rc ? rc : check_named(*c, e);
}

/* networkd, which got a copy of it (ringwall-network.service), says nothing of what it cannot use.
 */
static int check_network(struct rw_error *e)
{
	struct stat st;

	if (stat(DISK_NETWORK, &st))
		return errno == ENOENT ? RW_OK
				       : rw_fail(e, RW_EIO, "cannot read '%s': %s", DISK_NETWORK,
						 strerror(errno));
	if (!S_ISREG(st.st_mode))
		return rw_fail(e, RW_EINVAL, "'%s' is no file", DISK_NETWORK);
	if (st.st_size > NETWORK_MAX)
		return rw_fail(e, RW_ELIMIT, "'%s' has more than %d bytes", DISK_NETWORK,
			       NETWORK_MAX);
	return RW_OK;
}

static int configure(int argc, char **argv)
{
	struct rw_config *c = NULL;
	char admin[RW_PEEK_MAX] = "", line[RW_APPLIANCE_LINE];
	struct rw_error e;
	int rc, wrong;

	rw_appliance_no_options(
		argc, argv,
		"Reads the configuration disk, and writes what other units need to know of "
		"it into " RW_APPLIANCE_RUN ".");
	wrong = load_config(&c, &e);
	wrong = wrong ? wrong : check_network(&e);
	if (c && c->admin_address)
		snprintf(admin, sizeof(admin), "%s", c->admin_address);
	else if (wrong)
		add_file_admin(admin);
	snprintf(line, sizeof(line), "%s\n", wrong ? e.text : "configured");
	rc = rw_appliance_put(RW_APPLIANCE_STATUS, rw_slice_str(line), &e);
	rc = rc ? rc : rw_appliance_put(RW_APPLIANCE_ADMIN, rw_slice_str(admin), &e);
	rc = rc ? rc : write_firewall(wrong ? NULL : c, admin, &e);
	if (!rc && !wrong && c) {
		rc = write_environment(c, &e);
		rc = rc ? rc : rw_appliance_put(RW_APPLIANCE_VALID, RW_SLICE(""), &e);
	}
	rw_config_free(c);
	if (wrong)
		fprintf(stderr, "ringwall: %s", line);
	return rw_cmd_end(rc, &e);
}

int rw_cmd_appliance(int argc, char **argv)
{
	static const struct rw_verb verbs[] = {
		{"configure", configure, "read the configuration disk, at boot"},
		{"held", rw_cmd_held, "answer on the admin address why nothing is served"},
		{"console", rw_cmd_console, "show how things are, when that changes"},
		{"healthy", rw_cmd_healthy, "wait until the gateway listens"},
	};

	return rw_verbs_run(verbs, sizeof(verbs) / sizeof(verbs[0]), argc, argv);
}
