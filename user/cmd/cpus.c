/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cpus.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

int rw_nth_cpu(unsigned n)
{
	cpu_set_t set;
	int cpu = -1;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) || CPU_COUNT(&set) == 0)
		return -1;
	for (n = n % (unsigned)CPU_COUNT(&set) + 1; n; n--)
		do
			cpu++;
		while (!CPU_ISSET((unsigned)cpu, &set));
	return cpu;
}

unsigned rw_count_cpus(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		return (unsigned)CPU_COUNT(&set);
	return (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
}

void rw_stay_on_cpu(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}
