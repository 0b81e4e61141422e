/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ringwall update`: the appliance's own system, by systemd-sysupdate. This decides where updates
 * come from and which system starts next; downloading, checking of signatures and writing are that
 * program's.
 */
#include <argp.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "cmd/appliance.h"
#include "cmd/cmd.h"
#include "cmd/verbs.h"

#define TEMPLATES   "/usr/lib/ringwall/sysupdate"
#define DEFINITIONS "/run/ringwall-update"
#define MARK	    "@SOURCE@"
#define SYSUPDATE   "/usr/lib/systemd/systemd-sysupdate"
#define ENTRIES	    "/boot/EFI/Linux"
/* On the configuration disk: the update itself, or a line that says where it is. */
#define DISK_UPDATE "/etc/ringwall/update"
#define DISK_URL    "/etc/ringwall/update.url"

enum { TEMPLATE_MAX = 8192, SOURCE_MAX = 512 };

struct options {
	const char *from;
	bool reboot, if_there;
};

static const struct argp_option option_table[] = {
	{"from", 'f', "DIR|URL", 0,
	 "a folder or an https URL with SHA256SUMS and its signature; else what the configuration "
	 "disk has: a folder 'update', or an URL in 'update.url'",
	 0},
	{"reboot", 'r', NULL, 0, "start what was installed, or what was gone back to", 0},
	{"if-there", 'i', NULL, 0, "no source is no failure", 0},
	{0},
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'f':
		o->from = arg;
		return 0;
	case 'r':
		o->reboot = true;
		return 0;
	case 'i':
		o->if_there = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	option_table,
	on_option,
	NULL,
	"Updates of the appliance's system, which are signed by whoever made its image.",
	NULL,
	NULL,
	NULL,
};

/* --- where from ---------------------------------------------------------------------------------
 */

/* It becomes a line of a definition: nothing that could begin another one, or mean something there.
 */
static int check_source(const char *s, struct rw_error *e)
{
	for (const char *p = s; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-._~:/[]@?=&+,", *p))
			return rw_fail(e, RW_EINVAL,
				       "'%.100s' is no folder or URL to update from: letters, "
				       "digits and -._~:/[]@?=&+, are allowed",
				       s);
	return RW_OK;
}

static int find_source(const struct options *o, char out[SOURCE_MAX], struct rw_error *e)
{
	char line[RW_APPLIANCE_LINE];
	const char *from = o->from;
	struct stat st;
	int n;

	if (!from && stat(DISK_UPDATE, &st) == 0 && S_ISDIR(st.st_mode))
		from = DISK_UPDATE;
	if (!from && rw_appliance_line(DISK_URL, line) && line[0])
		from = line;
	if (!from)
		return rw_fail(e, RW_ENOTFOUND,
			       "nowhere to update from: name it with --from, or on the "
			       "configuration disk by a folder 'update' or a file 'update.url'");
	if (strncmp(from, "https://", 8) != 0 && from[0] != '/')
		return rw_fail(e, RW_EINVAL, "'%.100s' is neither a path from / nor an https URL",
			       from);
	n = snprintf(out, SOURCE_MAX, "%s%s/", from[0] == '/' ? "file://" : "", from);
	if (n >= SOURCE_MAX)
		return rw_fail(e, RW_ELIMIT, "the name of what to update from is too long");
	return check_source(out, e);
}

/* --- definitions --------------------------------------------------------------------------------
 */

/* The template, and where in it the source belongs. */
static int read_template(const char *name, char text[TEMPLATE_MAX + 1], char **mark,
			 struct rw_error *e)
{
	char path[512];
	bool failed;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), TEMPLATES "/%s", name);
	f = fopen(path, "re");
	if (!f)
		return rw_fail(e, RW_EIO, "cannot read '%s': %s", path, strerror(errno));
	n = fread(text, 1, TEMPLATE_MAX + 1, f);
	failed = ferror(f);
	fclose(f);
	if (failed || n > TEMPLATE_MAX)
		return rw_fail(e, RW_EIO, "cannot read '%s': it %s", path,
			       failed ? "could be opened, but not read"
				      : "is longer than a definition may be");
	text[n] = '\0';
	*mark = strstr(text, MARK);
	return *mark ? RW_OK
		     : rw_fail(e, RW_EINVAL, "'%s' does not say where " MARK " belongs", path);
}

static int write_definition(const char *name, const char *source, struct rw_error *e)
{
	char path[512], text[TEMPLATE_MAX + 1], *mark;
	FILE *f;
	int rc = read_template(name, text, &mark, e);

	if (rc)
		return rc;
	snprintf(path, sizeof(path), DEFINITIONS "/%s", name);
	f = fopen(path, "we");
	if (!f)
		return rw_fail(e, RW_EIO, "cannot make '%s': %s", path, strerror(errno));
	rc = fprintf(f, "%.*s%s%s", (int)(mark - text), text, source, mark + sizeof(MARK) - 1);
	if (fclose(f) || rc < 0)
		return rw_fail(e, RW_EIO, "cannot write '%s': %s", path, strerror(errno));
	return RW_OK;
}

static int write_definitions(const char *source, struct rw_error *e)
{
	unsigned found = 0;
	struct dirent *d;
	int rc = RW_OK;
	DIR *dir;

	if (mkdir(DEFINITIONS, 0755) && errno != EEXIST)
		return rw_fail(e, errno == EACCES ? RW_EPERM : RW_EIO,
			       "cannot make " DEFINITIONS ": %s", strerror(errno));
	dir = opendir(TEMPLATES);
	if (!dir)
		return rw_fail(e, RW_EUNSUP,
			       "this is not the appliance: " TEMPLATES " is not there; the package "
			       "is updated by apt");
	while (!rc && (d = readdir(dir)) != NULL)
		if (strstr(d->d_name, ".transfer")) {
			rc = write_definition(d->d_name, source, e);
			found++;
		}
	closedir(dir);
	return rc || found ? rc : rw_fail(e, RW_EUNSUP, TEMPLATES " is empty");
}

/* Its exit status; what it says goes where ours goes. */
static int run(const char *verb, int *status, struct rw_error *e)
{
	char program[] = SYSUPDATE, definitions[] = "--definitions=" DEFINITIONS;
	char verify[] = "--verify=yes", word[16];
	char *const line[] = {program, definitions, verify, word, NULL};
	int rc, how;
	pid_t pid;

	snprintf(word, sizeof(word), "%s", verb);
	rc = posix_spawn(&pid, SYSUPDATE, NULL, NULL, line, environ);
	if (rc)
		return rw_fail(e, RW_EUNSUP, "cannot run " SYSUPDATE ": %s", strerror(rc));
	while (waitpid(pid, &how, 0) < 0)
		if (errno != EINTR)
			return rw_fail(e, RW_EIO, "cannot wait for " SYSUPDATE ": %s",
				       strerror(errno));
	*status = WIFEXITED(how) ? WEXITSTATUS(how) : RW_EXIT_FAIL;
	return RW_OK;
}

static int reboot_now(struct rw_error *e)
{
	fflush(stdout);
	execl("/usr/bin/systemctl", "systemctl", "reboot", NULL);
	return rw_fail(e, RW_EIO, "cannot run systemctl: %s", strerror(errno));
}

/* For the console, whose reader has no journal. Where from is not said: an URL may have a password.
 */
static void report(int rc, int status, const struct rw_error *e)
{
	char line[RW_APPLIANCE_LINE] = "";

	if (rc)
		snprintf(line, sizeof(line), "%s\n", e->text);
	else if (status)
		snprintf(line, sizeof(line),
			 "not installed: systemd-sysupdate ended with status %d (a signature, a "
			 "checksum, the way there, room)\n",
			 status);
	(void)!rw_appliance_put(RW_APPLIANCE_UPDATE, rw_slice_str(line), NULL);
}

/*
 * Starts what it installed, and nothing else: a version that was installed before and is not
 * running is one that was gone back from.
 */
static int sysupdate(int argc, char **argv, const char *verb, bool installs)
{
	struct options o = {0};
	int status = 0, up_to_date = 1, rc;
	char source[SOURCE_MAX];
	struct rw_error e;

	argp_err_exit_status = RW_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	rc = find_source(&o, source, &e);
	if (rc == RW_ENOTFOUND && o.if_there)
		return RW_EXIT_OK;
	rc = rc ? rc : write_definitions(source, &e);
	if (!rc && installs)
		rc = run("check-new", &up_to_date, &e);
	rc = rc ? rc : run(verb, &status, &e);
	if (installs)
		report(rc, status, &e);
	if (!rc && !status && o.reboot && !up_to_date)
		rc = reboot_now(&e);
	return rc ? rw_cmd_end(rc, &e) : status;
}

static int check(int argc, char **argv)
{
	return sysupdate(argc, argv, "check-new", false);
}

static int apply(int argc, char **argv)
{
	return sysupdate(argc, argv, "update", true);
}

/* --- rollback -----------------------------------------------------------------------------------
 */

/* "ringwall_V.efi", "ringwall_V+2-1.efi"; tries left of one without a count: -1. */
static bool parse_entry(const char *name, char version[RW_APPLIANCE_VERSION], long *left)
{
	static const char prefix[] = "ringwall_", suffix[] = ".efi";
	const char *end, *plus;
	size_t n;

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return false;
	end = name + strlen(name) - (sizeof(suffix) - 1); /* the prefix is longer */
	name += sizeof(prefix) - 1;
	if (end <= name || strcmp(end, suffix) != 0)
		return false;
	plus = strchr(name, '+');
	*left = plus ? strtol(plus + 1, NULL, 10) : -1;
	n = (size_t)((plus ? plus : end) - name);
	if (!n || n >= RW_APPLIANCE_VERSION)
		return false;
	memcpy(version, name, n);
	version[n] = '\0';
	return true;
}

/*
 * The boot loader takes an entry whose tries are used up last of all: so this version is counted
 * out, if there is another that is not.
 */
static int count_out(const char *running, struct rw_error *e)
{
	char ours[256] = "", other[RW_APPLIANCE_VERSION] = "", version[RW_APPLIANCE_VERSION];
	char from[320], to[320];
	struct dirent *d;
	long left;
	DIR *dir = opendir(ENTRIES);

	if (!dir)
		return rw_fail(e, RW_EIO, "cannot read " ENTRIES ": %s", strerror(errno));
	while ((d = readdir(dir)) != NULL) {
		if (!parse_entry(d->d_name, version, &left))
			continue;
		if (!strcmp(version, running))
			snprintf(ours, sizeof(ours), "%s", d->d_name);
		else if (left)
			snprintf(other, sizeof(other), "%s", version);
	}
	closedir(dir);
	if (!ours[0] || !other[0])
		return rw_fail(e, RW_ENOTFOUND, "there is no other version than %s to go back to",
			       running);
	snprintf(from, sizeof(from), ENTRIES "/%s", ours);
	snprintf(to, sizeof(to), ENTRIES "/ringwall_%s+0-0.efi", running);
	if (rename(from, to))
		return rw_fail(e, RW_EIO, "cannot rename '%s': %s", from, strerror(errno));
	sync();
	printf("%s starts next; %s is only taken if that fails\n", other, running);
	return RW_OK;
}

static int rollback(int argc, char **argv)
{
	struct options o = {0};
	struct rw_error e;
	char running[RW_APPLIANCE_VERSION];
	int rc;

	argp_err_exit_status = RW_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	rc = rw_appliance_version(running, &e);
	rc = rc ? rc : count_out(running, &e);
	if (!rc && o.reboot)
		rc = reboot_now(&e);
	return rw_cmd_end(rc, &e);
}

int rw_cmd_update(int argc, char **argv)
{
	static const struct rw_verb verbs[] = {
		{"check", check, "say whether there is a newer system"},
		{"apply", apply,
		 "install it beside the running one, which starts no more after it"},
		{"rollback", rollback, "go back to the system before this one"},
	};

	return rw_verbs_run(verbs, sizeof(verbs) / sizeof(verbs[0]), argc, argv);
}
