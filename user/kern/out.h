/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the room: the handle that egress.h keeps opaque. */
#ifndef RW_KERN_OUT_H
#define RW_KERN_OUT_H

#include <sys/types.h>

#include "kern/egress.h"

struct rw_egress {
	int meta_fd, out_fd, net_fd, stats_fd, refused_fd;
	bool read_only;
	struct rw_kern_out_meta meta;
	struct rw_kern_out_stats *stats; /* one per possible CPU, scratch for reading */
	int cpus;
	dev_t dev; /* of rw_out_meta's pin: another one is another attachment */
	ino_t ino;
};

/* Enters a rule into a map that is rw_out_net. */
int rw_out_rule_put(int fd, const struct rw_egress_rule *r, struct rw_error *e);
/* CLOCK_MONOTONIC, which the program compares expiry with. */
uint64_t rw_out_now_ns(void);

#endif
