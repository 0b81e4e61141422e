/* SPDX-License-Identifier: Apache-2.0 */
/* A load without chance, so that a profile of it is the same each time. */
#ifndef RW_TESTS_SIM_STEADY_H
#define RW_TESTS_SIM_STEADY_H

#include "sim/scene.h"

enum steady_load {
	STEADY_CHAT,   /* 2 KB prompt, 1 KB answer; all guards on */
	STEADY_PLAIN,  /* the same, and no guard is */
	STEADY_STREAM, /* events of one answer; all guards on */
};

/* n chats on one connection, or n events; TLS on both legs. 0: all came. */
int steady_run(struct fixture *f, unsigned n, enum steady_load load);

#endif
