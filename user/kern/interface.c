/* SPDX-License-Identifier: Apache-2.0 */
/* The interface to attach to: whether it can be judged at all, and who else has programs on it. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kern/internal.h"

enum { PROGRAMS_MAX = 64 }; /* of one hook: the kernel's own bound */

/* The programs parse Ethernet: on another kind of link every packet would be malformed to them. */
static int check_ethernet(const char *interface, struct rw_error *e)
{
	struct ifreq req = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), failed;

	if (fd < 0)
		return rw_kern_fail(e, -errno, "open a socket");
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", interface);
	failed = ioctl(fd, SIOCGIFHWADDR, &req);
	close(fd);
	if (failed)
		return rw_kern_fail(e, -errno, "ask for the type of an interface");
	if (req.ifr_hwaddr.sa_family == ARPHRD_ETHER || req.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK)
		return RW_OK;
	return rw_fail(e, RW_EUNSUP,
		       "%s does not carry Ethernet frames (a tunnel?), which is what the programs "
		       "parse: attach to the interface beneath it",
		       interface);
}

int rw_interface_find(const char *interface, int *ifindex, struct rw_error *e)
{
	*ifindex = (int)if_nametoindex(interface);
	if (!*ifindex)
		return rw_fail(e, RW_ENOTFOUND,
			       "there is no interface '%.32s' ('ip link' lists them)", interface);
	return check_ethernet(interface, e);
}

/* "id 7, name 'rw_xdp'", as much of it as we may know. */
static const char *program_text(uint32_t id, char out[64])
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd >= 0) {
		bpf_prog_get_info_by_fd(fd, &info, &len);
		close(fd);
	}
	snprintf(out, 64, info.name[0] ? "id %u, name '%.16s'" : "id %u", id, info.name);
	return out;
}

/* The id of the link that holds an XDP program on the interface; 0: none, or not ours to know. */
static uint32_t xdp_link_id(int ifindex, uint32_t prog_id)
{
	uint32_t id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		struct bpf_link_info info = {0};
		uint32_t len = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (bpf_link_get_info_by_fd(fd, &info, &len))
			info.type = BPF_LINK_TYPE_UNSPEC;
		close(fd);
		if (info.type == BPF_LINK_TYPE_XDP && info.prog_id == prog_id &&
		    info.xdp.ifindex == (uint32_t)ifindex)
			return id;
	}
	return 0;
}

static int check_xdp(const char *interface, int ifindex, struct rw_error *e)
{
	uint32_t id = 0, link;
	char who[64], how[96];

	if (bpf_xdp_query_id(ifindex, 0, &id) || !id)
		return RW_OK;
	link = xdp_link_id(ifindex, id);
	if (link)
		snprintf(how, sizeof(how),
			 "held by link %u: 'bpftool link detach id %u' removes it", link, link);
	else
		snprintf(how, sizeof(how),
			 "'ip link set dev %.16s xdp off' removes it, unless a link holds it",
			 interface);
	return rw_fail(e, RW_EBUSY,
		       "%s has an XDP program already: %s (%s), and an interface takes one; "
		       "'--mode tcx' attaches beside it",
		       interface, program_text(id, who), how);
}

/* A second verdict of ours on one packet would count it twice; others' programs are only told. */
static int check_tcx(const char *interface, int ifindex, char *note, size_t room,
		     struct rw_error *e)
{
	uint32_t progs[PROGRAMS_MAX] = {0}, links[PROGRAMS_MAX] = {0};
	LIBBPF_OPTS(bpf_prog_query_opts, opts, .prog_ids = progs, .link_ids = links,
		    .count = PROGRAMS_MAX);
	const char *ours = rw_kern_programs[RW_PROGRAM_TCX].name;
	char who[64];
	size_t n = 0;

	if (bpf_prog_query_opts(ifindex, BPF_TCX_INGRESS, &opts))
		return RW_OK; /* a kernel without TCX says so when the link is made */
	for (unsigned i = 0; i < opts.count && i < PROGRAMS_MAX; i++) {
		program_text(progs[i], who);
		if (strstr(who, ours))
			return rw_fail(e, RW_EBUSY,
				       "%s has a TCX program of ringwall already: %s, held by link "
				       "%u, but not by pins in " RW_PIN_ROOT
				       ": 'bpftool link detach id %u' removes it",
				       interface, who, links[i], links[i]);
		if (n < room)
			n += (size_t)snprintf(note + n, room - n, "%s%s", n ? "; " : "", who);
	}
	return RW_OK;
}

int rw_interface_check(const char *interface, int ifindex, enum rw_kern_mode mode, char *note,
		       size_t room, struct rw_error *e)
{
	*note = '\0';
	return mode == RW_KERN_MODE_TCX ? check_tcx(interface, ifindex, note, room, e)
					: check_xdp(interface, ifindex, e);
}

/* Asking TCX wants CAP_NET_ADMIN; without it only the end of the interface is seen. */
static bool has_tcx(int ifindex, uint32_t prog_id)
{
	uint32_t progs[PROGRAMS_MAX] = {0};
	LIBBPF_OPTS(bpf_prog_query_opts, opts, .prog_ids = progs, .count = PROGRAMS_MAX);
	char name[IF_NAMESIZE];
	int err = bpf_prog_query_opts(ifindex, BPF_TCX_INGRESS, &opts);

	if (err == -EPERM)
		return if_indextoname((unsigned)ifindex, name) != NULL;
	for (unsigned i = 0; !err && i < opts.count && i < PROGRAMS_MAX; i++)
		if (progs[i] == prog_id)
			return true;
	return false;
}

bool rw_interface_has(int ifindex, enum rw_kern_mode mode, uint32_t prog_id)
{
	uint32_t id = 0;

	if (mode == RW_KERN_MODE_TCX)
		return has_tcx(ifindex, prog_id);
	/* By netlink, which needs no privilege; the link's own pin is root's. */
	return !bpf_xdp_query_id(ifindex, 0, &id) && id == prog_id;
}
