/* SPDX-License-Identifier: Apache-2.0 */
/* The programs and their maps as bpftool generated them; its code is not held to our warnings. */
#ifndef RW_KERN_SKEL_H
#define RW_KERN_SKEL_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include "rw_egress.skel.h"
#include "rw_lists.skel.h"
#include "rw_sock.skel.h"
#include "rw_steer.skel.h"
#include "rw_syn.skel.h"
#include "rw_tcx.skel.h"
#include "rw_xdp.skel.h"
#pragma GCC diagnostic pop

#endif
