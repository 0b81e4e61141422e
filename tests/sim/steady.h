/* SPDX-License-Identifier: Apache-2.0 */
/* A load without chance, so that a profile of it is the same each time. */
#ifndef RW_TESTS_SIM_STEADY_H
#define RW_TESTS_SIM_STEADY_H

#include "sim/scene.h"

/*
 * n chats (2 KB prompt, 1 KB answer) on one connection, or one chat whose answer is a stream of n
 * events; TLS on both legs, all guards on. 0: all came.
 */
int steady_run(struct fixture *f, unsigned n, bool stream);

#endif
