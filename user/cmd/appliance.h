/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the image runs at boot, in the order of its units: configure reads the configuration disk
 * and writes what other programs need to know into RW_APPLIANCE_RUN; held answers in the engine's
 * place where that configuration cannot be used; console shows how things are; healthy says whether
 * a boot may be called good. docs/appliance.md.
 */
#ifndef RW_CMD_APPLIANCE_H
#define RW_CMD_APPLIANCE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"

/* Root's; read by everybody. */
#define RW_APPLIANCE_RUN    "/run/ringwall-image"
/* One line for people: "configured", or why not. */
#define RW_APPLIANCE_STATUS RW_APPLIANCE_RUN "/status"
/* There where the configuration can be used. */
#define RW_APPLIANCE_VALID  RW_APPLIANCE_RUN "/valid"
/* The admin listener's address, also where the rest of the configuration is wrong. */
#define RW_APPLIANCE_ADMIN  RW_APPLIANCE_RUN "/admin"
/* One line: why the last update was not installed; empty where it was. */
#define RW_APPLIANCE_UPDATE RW_APPLIANCE_RUN "/update"
/* There where a TPM opened /var: /etc/crypttab of the image names it. */
#define RW_APPLIANCE_SEALED "/dev/mapper/ringwall-var"

enum { RW_APPLIANCE_LINE = 512, RW_APPLIANCE_VERSION = 64 };

int rw_cmd_held(int argc, char **argv);
int rw_cmd_console(int argc, char **argv);
int rw_cmd_healthy(int argc, char **argv);

/* Answers --help with doc; ends where there is any argument. */
void rw_appliance_no_options(int argc, char **argv, const char *doc);
/* The first line of a file, "" where it has none. False: it cannot be read. */
bool rw_appliance_line(const char *file, char out[RW_APPLIANCE_LINE]);
/* Writes a file, whole or not at all. */
int rw_appliance_put(const char *file, struct rw_slice text, struct rw_error *e);
/* The image's version, of /usr/lib/os-release. RW_EUNSUP: this is no appliance. */
int rw_appliance_version(char out[RW_APPLIANCE_VERSION], struct rw_error *e);
/* Whether somebody listens on "0.0.0.0:8443": every interface is asked for over loopback. */
bool rw_appliance_listens(const char *address);
/* RW_EINVAL: it is no numeric address with a port. */
int rw_appliance_port(const char *address, unsigned *port, struct rw_error *e);

#endif
