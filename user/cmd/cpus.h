/* SPDX-License-Identifier: Apache-2.0 */
/* The cores that this process may use: a container's are rarely 0 to n - 1. */
#ifndef RW_CMD_CPUS_H
#define RW_CMD_CPUS_H

unsigned rw_count_cpus(void);
/* The n-th of them, counted round; -1 where the kernel does not tell. */
int rw_nth_cpu(unsigned n);
/* For the calling thread; -1: anywhere. */
void rw_stay_on_cpu(int cpu);

#endif
