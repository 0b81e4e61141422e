/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SYN cookies (bpf/syn.h): what to offer, and rw_syn at the TCX ingress of the interface.
 *
 * Of two VLAN tags the first is off when TCX sees the packet, and behind the other the stack takes
 * no connection; so rw_syn is on the interface's VLAN devices, too.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kern/internal.h"

#define NS_PER_S 1000000000ULL

enum {
	HOLD_SECONDS = 2, /* of silence until SYNs pass again */
	IP4_TCP = 40,	  /* headers */
	IP6_TCP = 60,
	SCALE_MAX = 14,
	VLANS_MAX = 64,
};

/* --- what to offer ---------------------------------------------------------------------------- */

/* A number of /proc/sys/net, of this network namespace; -1: there is none. The first of several is
 * at index 0. */
static long sysctl_number(const char *name, int index)
{
	char path[96], text[96] = "", *next = text;
	long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fgets(text, sizeof(text), f))
		for (int i = 0; i <= index && *next; i++)
			value = strtol(next, &next, 10);
	fclose(f);
	return value;
}

/* As the kernel chooses it for a socket whose buffer grows by itself. */
static uint8_t window_scale(void)
{
	long space = sysctl_number("ipv4/tcp_rmem", 2), core = sysctl_number("core/rmem_max", 0);
	uint8_t scale = 0;

	if (core > space)
		space = core;
	for (; space > 65535 && scale < SCALE_MAX; scale++)
		space /= 2;
	return scale;
}

static uint8_t offers(void)
{
	static const struct {
		const char *name;
		uint8_t offer;
	} table[] = {
		{"ipv4/tcp_timestamps", RW_KERN_OFFER_TIMESTAMPS},
		{"ipv4/tcp_sack", RW_KERN_OFFER_SACK},
		{"ipv4/tcp_window_scaling", RW_KERN_OFFER_WINDOW_SCALE},
		{"ipv4/tcp_ecn", RW_KERN_OFFER_ECN},
	};
	uint8_t all = 0;

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (sysctl_number(table[i].name, 0) > 0)
			all |= table[i].offer;
	return all;
}

static int interface_mtu(const char *interface, uint32_t *mtu, struct rw_error *e)
{
	struct ifreq ifr = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", interface);
	if (fd < 0 || ioctl(fd, SIOCGIFMTU, &ifr))
		err = -errno;
	if (fd >= 0)
		close(fd);
	*mtu = (uint32_t)ifr.ifr_mtu;
	return err ? rw_kern_fail(e, err, "ask for the MTU of the interface") : RW_OK;
}

/* --- what the kernel must have ------------------------------------------------------------------
 */

static int check_sysctl(struct rw_error *e)
{
	long cookies = sysctl_number("ipv4/tcp_syncookies", 0);

	if (cookies < 0)
		return rw_fail(e, RW_EUNSUP,
			       "this kernel was built without SYN cookies (CONFIG_SYN_COOKIES): "
			       "attach without --syn-budget");
	if (!cookies)
		return rw_fail(e, RW_EUNSUP,
			       "net.ipv4.tcp_syncookies is 0, and then the kernel takes no cookies "
			       "of ours either: set it to 1, or attach without --syn-budget");
	return RW_OK;
}

int rw_syn_supported(const struct btf *kernel, struct rw_error *e)
{
	if (kernel && btf__find_by_name_kind(kernel, "bpf_sk_assign_tcp_reqsk", BTF_KIND_FUNC) >= 0)
		return RW_OK;
	return rw_fail(e, RW_EUNSUP,
		       "this kernel cannot make connections from our SYN cookies (it has no "
		       "bpf_sk_assign_tcp_reqsk): attach without --syn-budget, or with a "
		       "newer kernel");
}

int rw_syn_explain(struct rw_error *e)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	int rc = RW_OK;

	if (kernel || errno != ENOMEM)
		rc = rw_syn_supported(kernel, e);
	btf__free(kernel);
	return rc;
}

/* --- configuration ------------------------------------------------------------------------------
 */

void rw_syn_budget(uint32_t per_second, struct rw_kern_rate *out)
{
	*out = (struct rw_kern_rate){.per_second = per_second, .burst = per_second};
	if (!per_second)
		return;
	out->interval_ns = (NS_PER_S + per_second - 1) / per_second;
	out->tolerance_ns = NS_PER_S;
	out->sketch_threshold_ns = NS_PER_S;
	out->sketch_cap_ns = (1 + HOLD_SECONDS) * NS_PER_S;
}

int rw_syn_cookie(const char *interface, struct rw_kern_cookie *out, struct rw_error *e)
{
	uint32_t mtu;
	int rc = check_sysctl(e);

	if (!rc)
		rc = interface_mtu(interface, &mtu, e);
	if (rc)
		return rc;
	if (mtu > UINT16_MAX) /* of lo */
		mtu = UINT16_MAX;
	*out = (struct rw_kern_cookie){
		.mss4 = (uint16_t)(mtu - IP4_TCP),
		.mss6 = (uint16_t)(mtu - IP6_TCP),
		.window_scale = window_scale(),
		.offers = offers(),
	};
	return RW_OK;
}

int rw_syn_make_key(struct rw_kern_syn_key *out, struct rw_error *e)
{
	if (getrandom(out, sizeof(*out), 0) != sizeof(*out))
		return rw_kern_fail(e, -errno, "get random bytes");
	return RW_OK;
}

/* --- attaching ----------------------------------------------------------------------------------
 */

/* The VLAN devices on an interface, from the kernel's table "name | id | interface". */
static unsigned vlans_on(const char *interface, int out[VLANS_MAX])
{
	FILE *f = fopen("/proc/net/vlan/config", "re");
	char line[128], name[IF_NAMESIZE], on[IF_NAMESIZE];
	unsigned n = 0;

	while (f && n < VLANS_MAX && fgets(line, sizeof(line), f))
		if (sscanf(line, "%15s | %*u | %15s", name, on) == 2 && !strcmp(on, interface)) {
			out[n] = (int)if_nametoindex(name);
			n += out[n] != 0;
		}
	if (f)
		fclose(f);
	return n;
}

bool rw_syn_hides_tags(const char *interface)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq ifr = {.ifr_data = (char *)&flags};
	int vlans[VLANS_MAX], fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool hides;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", interface);
	hides = vlans_on(interface, vlans) && fd >= 0 && !ioctl(fd, SIOCETHTOOL, &ifr) &&
		flags.data & ETH_FLAG_RXVLAN;
	if (fd >= 0)
		close(fd);
	return hides;
}

static int link_one(int prog, int ifindex, const char *pin, struct rw_error *e)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = BPF_F_BEFORE);
	int rc, link = bpf_link_create(prog, ifindex, BPF_TCX_INGRESS, &opts);

	if (link < 0)
		return rw_kern_fail(e, link, "attach rw_syn to a VLAN device");
	rc = rw_pin(link, pin, 0600, 0, e);
	close(link);
	return rc;
}

int rw_syn_link_vlans(int prog, const char *interface, struct rw_error *e)
{
	int vlans[VLANS_MAX], rc = RW_OK;
	unsigned n = vlans_on(interface, vlans), done = 0;
	char pin[32];

	while (done < n && !rc) {
		snprintf(pin, sizeof(pin), "rw_syn_%d" RW_LINK_END, vlans[done++]);
		rc = link_one(prog, vlans[done - 1], pin, e);
	}
	while (rc && done > 0) {
		snprintf(pin, sizeof(pin), "rw_syn_%d" RW_LINK_END, vlans[--done]);
		rw_unpin(pin);
	}
	return rc;
}
