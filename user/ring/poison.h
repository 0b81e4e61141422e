/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receive buffers belong to the kernel from give_back until the completion that
 * hands them out again. Under ASan, touching one in between is caught.
 */
#ifndef RW_RING_POISON_H
#define RW_RING_POISON_H

#if defined(__SANITIZE_ADDRESS__)
#define RW_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RW_ASAN 1
#endif
#endif

#ifdef RW_ASAN
#include <sanitizer/asan_interface.h>
#define rw_poison(p, n)	  ASAN_POISON_MEMORY_REGION((p), (n))
#define rw_unpoison(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#else
#define rw_poison(p, n)	  ((void)(p), (void)(n))
#define rw_unpoison(p, n) ((void)(p), (void)(n))
#endif

#endif
