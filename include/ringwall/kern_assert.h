/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* Assertions that the layout of what lies in the pinned maps is as both compilers should have it.
 */
#ifndef RINGWALL_KERN_ASSERT_H
#define RINGWALL_KERN_ASSERT_H

#define RW_KERN_SIZE(type, n) \
	_Static_assert(sizeof(struct type) == (n), "size of struct " #type " is ABI")
#define RW_KERN_AT(type, field, n)                                    \
	_Static_assert(__builtin_offsetof(struct type, field) == (n), \
		       "offset of " #type "." #field " is ABI")
#define RW_KERN_VALUE(name, n) _Static_assert((name) == (n), "value of " #name " is ABI")

#endif
