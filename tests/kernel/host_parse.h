/* SPDX-License-Identifier: Apache-2.0 */
/* bpf/parse.h, compiled for the host: the code that the kernel runs, without the kernel. */
#ifndef RW_TESTS_KERNEL_HOST_PARSE_H
#define RW_TESTS_KERNEL_HOST_PARSE_H

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <stdbool.h>
#include <stdint.h>

/* What parse.h wants of vmlinux.h and libbpf. */
struct frame {
	long data, data_end;
};
#define RW_CTX		    struct frame
#define rw_tags_aside(ctx)  ((void)(ctx), 0U)
#define rw_super_bytes(ctx) ((void)(ctx), 0U)
#define __noinline	    static __attribute__((noinline))
#define bpf_ntohs	    ntohs
#define bpf_ntohl	    ntohl
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpointer-arith"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include "../../bpf/parse.h"
#pragma GCC diagnostic pop

#endif
