/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ringwall doctor`: what the kernel of this host can do, what ringwall does without it, and what
 * to do about that. Nothing is changed, but that a module may be loaded by asking for it.
 */
#include "cmd/cmd.h"

#include <linux/landlock.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "cmd/verbs.h"
#include "kern/can.h"
#include "ring/ktls.h"
#include "ring/uring.h"

enum { ROWS_MAX = 64, INTERFACES_MAX = 16 };

struct row {
	const char *part;
	char what[32];
	enum rw_can can;
	char text[360]; /* what it means here */
};

struct report {
	struct row rows[ROWS_MAX];
	unsigned n;
	bool sick; /* something is missing that ringwall cannot do without */
};

__attribute__((format(printf, 5, 6))) static void add(struct report *r, const char *part,
						      const char *what, enum rw_can can,
						      const char *fmt, ...)
{
	struct row *row = &r->rows[r->n];
	va_list ap;

	if (r->n == ROWS_MAX)
		return;
	r->n++;
	row->part = part;
	row->can = can;
	snprintf(row->what, sizeof(row->what), "%s", what);
	va_start(ap, fmt);
	vsnprintf(row->text, sizeof(row->text), fmt, ap);
	va_end(ap);
}

static enum rw_can yes_if(bool b)
{
	return b ? RW_CAN : RW_CAN_NOT;
}

/* --- what is looked at ----------------------------------------------------------------- */

static void look_at_uring(struct report *r)
{
	struct rw_error e = {.text = ""};

	if (rw_uring_probe(&e)) {
		r->sick = true;
		add(r, "io_uring", "ring", RW_CAN_NOT, "%s; ringwall serve cannot run", e.text);
		return;
	}
	add(r, "io_uring", "ring", RW_CAN, "with every operation that is used");
}

static void look_at_ciphers(struct report *r, const char *version, const bool *there)
{
	for (unsigned i = 0; i < RW_KTLS_CIPHERS; i++) {
		char what[32];

		snprintf(what, sizeof(what), "%s %s", version, rw_ktls_cipher_name(i));
		add(r, "kernel TLS", what, yes_if(there[i]),
		    there[i] ? "both directions" : "its connections stay in userspace");
	}
}

static void look_at_ktls(struct report *r)
{
	const struct rw_ktls_caps *c = rw_ktls_caps();

	add(r, "TLS records", "aead", RW_CAN,
	    "the default: sealed and opened in userspace, without OpenSSL's connection object");
	if (!c->usable) {
		add(r, "TLS records", "ktls", RW_CAN_NOT,
		    "%s; with ktls: on connections stay in userspace, with a warning", c->why);
		return;
	}
	add(r, "TLS records", "ktls", RW_CAN,
	    c->rekey ? "with ktls: on; auto takes it where a model's answers are passed, since "
		       "what is scanned has to come to userspace"
		     : "with ktls: on; auto leaves it off on a kernel that cannot change keys");
	add(r, "kernel TLS", "splice", RW_CAN,
	    "answers that are passed (models[].answers) go from one connection to the other "
	    "inside the kernel");
	look_at_ciphers(r, "1.3", c->tls13);
	look_at_ciphers(r, "1.2", c->tls12);
	add(r, "kernel TLS", "key changes", yes_if(c->rekey),
	    c->rekey ? "KeyUpdate is followed both ways"
		     : "Linux 6.14 can; here a connection of TLS 1.3 with ktls: on ends when its "
		       "peer changes keys");
}

static void look_at_interfaces(struct report *r)
{
	struct if_nameindex *all = if_nameindex();

	for (unsigned i = 0; all && all[i].if_index && i < INTERFACES_MAX; i++) {
		enum rw_can native = rw_kern_can_native((int)all[i].if_index);

		if (!strcmp(all[i].if_name, "lo"))
			continue;
		add(r, "XDP", all[i].if_name, native,
		    native == RW_CAN	   ? "native: `ringwall kern attach -i %s`"
		    : native == RW_CAN_NOT ? "the driver of %s does not run XDP; --mode auto takes "
					     "TCX, --mode generic is slower"
					   : "the driver of %s does not say",
		    all[i].if_name);
	}
	if (all)
		if_freenameindex(all);
}

static const char *unless_unknown(enum rw_can can, const char *yes, const char *no)
{
	return can == RW_CAN	   ? yes
	       : can == RW_CAN_NOT ? no
				   : "cannot be asked without CAP_BPF and "
				     "CAP_NET_ADMIN: run as root";
}

static void look_at_bpf(struct report *r)
{
	struct rw_kern_can c;

	rw_kern_can(&c);
	add(r, "BPF", "XDP programs", c.xdp, "%s",
	    unless_unknown(c.xdp, "denied addresses are dropped before a socket exists",
			   "there is no kernel side: kernel: off, or preferred"));
	add(r, "BPF", "TCX", c.tcx, "%s",
	    unless_unknown(c.tcx, "for interfaces whose driver takes no XDP",
			   "Linux 6.6 is needed: without native XDP, generic XDP is left"));
	add(r, "BPF", "cgroup programs", c.cgroup, "%s",
	    unless_unknown(c.cgroup, "`ringwall kern egress` can hold the gateway to its upstreams",
			   "`ringwall kern egress` cannot be had"));
	add(r, "BPF", "BTF", c.btf,
	    c.btf == RW_CAN ? "/sys/kernel/btf/vmlinux"
			    : "a kernel with CONFIG_DEBUG_INFO_BTF is needed for the kernel side");
	look_at_interfaces(r);
}

static void look_at_landlock(struct report *r)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi > 0)
		add(r, "hardening", "landlock", RW_CAN,
		    "ABI %ld: serve opens what its configuration names, and no other file", abi);
	else
		add(r, "hardening", "landlock", RW_CAN_NOT,
		    "not built in, or not in the kernel's lsm= list: files are guarded by modes "
		    "and the unit alone");
}

static void look_at_limits(struct report *r)
{
	struct rlimit files = {0}, lock = {0};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	FILE *f = fopen("/proc/sys/net/core/somaxconn", "re");
	char word[32] = "0";

	getrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_MEMLOCK, &lock);
	if (f && !fgets(word, sizeof(word), f))
		word[0] = '0';
	if (f)
		fclose(f);
	add(r, "limits", "processors", RW_CAN, "%ld, a worker each", cpus);
	/* Two legs of 4096 connections a worker, the defaults of limits.connections. */
	add(r, "limits", "open files", yes_if(files.rlim_cur >= (rlim_t)cpus * 2 * 4096 + 256),
	    "%llu; each connection takes two, so %ld workers of 4096 want %ld (LimitNOFILE=)",
	    (unsigned long long)files.rlim_cur, cpus, cpus * 2 * 4096 + 256);
	add(r, "limits", "locked memory", yes_if(lock.rlim_cur >= 64 << 10),
	    "%llu KiB; private keys are kept out of swap in it (LimitMEMLOCK=)",
	    (unsigned long long)lock.rlim_cur >> 10);
	add(r, "limits", "backlog", yes_if(strtol(word, NULL, 10) >= 1024),
	    "net.core.somaxconn is %ld; 1024 is asked for", strtol(word, NULL, 10));
}

/* --- how it is told -------------------------------------------------------------------- */

static const char *const words[] = {
	[RW_CAN_NOT] = "no", [RW_CAN] = "yes", [RW_CAN_UNKNOWN] = "unknown"};

static void print_text(const struct report *r)
{
	const char *part = "";

	for (unsigned i = 0; i < r->n; i++) {
		const struct row *row = &r->rows[i];

		if (strcmp(part, row->part) != 0)
			printf("%s%s\n", i ? "\n" : "", row->part);
		part = row->part;
		printf("  %-22s %-8s %s\n", row->what, words[row->can], row->text);
	}
}

static int print_json(const struct report *r)
{
	struct rw_buf b = {0};
	int rc = rw_buf_add_str(&b, "[");

	for (unsigned i = 0; !rc && i < r->n; i++) {
		const struct row *row = &r->rows[i];
		const struct {
			const char *key, *value;
		} all[] = {{"part", row->part},
			   {"what", row->what},
			   {"can", words[row->can]},
			   {"text", row->text}};

		rw_buf_add_str(&b, i ? ",\n {" : "\n {");
		for (int k = 0; k < 4; k++) {
			rw_buf_addf(&b, "%s\"%s\": ", k ? ", " : "", all[k].key);
			rw_buf_add_json(&b, rw_slice_str(all[k].value));
		}
		rc = rw_buf_add_str(&b, "}");
	}
	if (!rc)
		rc = rw_buf_add_str(&b, "\n]\n");
	if (!rc)
		fwrite(b.p, 1, b.len, stdout);
	rw_buf_free(&b);
	return rc;
}

int rw_cmd_doctor(int argc, char **argv)
{
	static struct report r;
	struct utsname un = {0};
	bool json = rw_cmd_wants_json(argc, argv,
				      "Says what the kernel of this host can do, what ringwall "
				      "does without it, and what to do about that. Exit status 1: "
				      "ringwall cannot run here.");
	int rc = 0;

	uname(&un);
	add(&r, "kernel", un.release, RW_CAN, "%s", un.machine);
	look_at_uring(&r);
	look_at_ktls(&r);
	look_at_bpf(&r);
	look_at_landlock(&r);
	look_at_limits(&r);
	if (json)
		rc = print_json(&r);
	else
		print_text(&r);
	if (rc || fflush(stdout) != 0) {
		fprintf(stderr, "ringwall: cannot write the report\n");
		return RW_EXIT_FAIL;
	}
	return r.sick ? RW_EXIT_FAIL : RW_EXIT_OK;
}
