/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall kern`: its verbs, and the allowlist. */
#include "cmd/cmd.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/egress.h"
#include "cmd/kern.h"
#include "cmd/verbs.h"
#include "kern/kern.h"

/* --- allow --------------------------------------------------------------------------------------
 */

static int allow_list(struct rw_kern *k, struct rw_error *e)
{
	struct rw_prefix *prefixes;
	char text[64];
	unsigned n;
	int rc = rw_kern_allows(k, &prefixes, &n, e);

	for (unsigned i = 0; i < n; i++)
		puts(rw_prefix_text(&prefixes[i], text));
	free(prefixes);
	return rc;
}

static int allow(int argc, char **argv)
{
	static const char use[] = "Usage: ringwall kern allow add|del PREFIX\n"
				  "       ringwall kern allow list\n";
	bool list = argc == 2 && !strcmp(argv[1], "list");
	bool add = argc == 3 && !strcmp(argv[1], "add");
	bool del = argc == 3 && !strcmp(argv[1], "del");
	struct rw_prefix prefix;
	struct rw_error e;
	struct rw_kern *k;
	int rc = RW_OK;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?"))) {
		fputs(use, stdout);
		return RW_EXIT_OK;
	}
	if (!list && !add && !del) {
		fputs(use, stderr);
		return RW_EXIT_USAGE;
	}
	if (!list && rw_prefix_parse(argv[2], &prefix, &e)) {
		fprintf(stderr, "ringwall: %s\n", e.text);
		return RW_EXIT_USAGE;
	}
	rc = rw_kern_open(&k, &e);
	if (rc)
		return rw_cmd_end(rc, &e);
	rc = list ? allow_list(k, &e) : rw_kern_allow(k, &prefix, add, &e);
	rw_kern_close(k);
	return rw_cmd_end(rc, &e);
}

int rw_cmd_kern(int argc, char **argv)
{
	static const struct rw_verb verbs[] = {
		{"attach", rw_cmd_attach, "attach the packet filter to an interface"},
		{"set", rw_cmd_set, "change ports, rates and shadow mode while it works"},
		{"detach", rw_cmd_detach, "remove it, its maps and all bans"},
		{"status", rw_cmd_status, "show where it is attached and what it counted"},
		{"events", rw_cmd_events, "print what the program tells, as it happens"},
		{"allow", allow, "sources that are never banned or limited"},
		{"egress", rw_cmd_kern_egress, "contain what the gateway may connect to"},
	};

	return rw_verbs_run(verbs, sizeof(verbs) / sizeof(verbs[0]), argc, argv);
}
