/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Street addresses, read forward from where one may begin: a number in front of a street's name
 * ("12 Oak Avenue, Apt 4B, Portland, OR 97205", "33 avenue de Provence"), or a name in front of
 * its number ("Villacher Straße 89", "Via Roma 12"). A name alone is none.
 *
 * Pure functions of the bytes from RW_STREET_LEAD before the start to RW_STREET_MAX behind it.
 */
#ifndef RW_SCAN_STREET_H
#define RW_SCAN_STREET_H

#include <stdbool.h>

#include "base/slice.h"

enum {
	RW_STREET_MAX = 120,   /* bytes of the longest address */
	RW_STREET_LEAD = 64,   /* and of a name in front of its number */
	RW_STREET_NUMBER = 12, /* and of the number, or two, that one begins with */
};

/* Whether a street may follow a number and a space, by the two bytes behind them: a capital, or
 * "rue", "avenue" and the like. */
bool rw_street_may_follow(struct rw_slice behind);

/* The bytes of the address that begins with the number at start. 0: there is none; -1: more is
 * needed to tell. */
long rw_street_numbered(struct rw_slice text, size_t start, bool eof);

/* The same of the address that begins with the name at start, from rw_street_lead. */
long rw_street_named(struct rw_slice text, size_t start, bool eof);

/* Where the street's name begins whose number may be at at, not before floor; at: nowhere. */
size_t rw_street_lead(struct rw_slice text, size_t floor, size_t at);

/* From where on a text that goes on may end in such a name; text.n: nowhere. */
size_t rw_street_open(struct rw_slice text, size_t floor);

#endif
