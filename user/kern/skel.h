/* SPDX-License-Identifier: Apache-2.0 */
/* The program and its maps as bpftool generated them; its code is not held to our warnings. */
#ifndef RW_KERN_SKEL_H
#define RW_KERN_SKEL_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include "rw_xdp.skel.h"
#pragma GCC diagnostic pop

#endif
