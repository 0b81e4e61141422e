/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/street_words.h"

#include <string.h>
#include <strings.h>

enum { WORD_MAX = 10 }; /* bytes of the longest */

#define WORD(word, kind) {sizeof(word) - 1, kind, word}
const struct rw_street_word rw_street_words[] = {
	WORD("street", RW_STREET_SUFFIX),
	WORD("st", RW_STREET_SUFFIX | RW_STREET_SHORT),
	WORD("road", RW_STREET_SUFFIX),
	WORD("rd", RW_STREET_SUFFIX | RW_STREET_SHORT),
	WORD("avenue", RW_STREET_SUFFIX | RW_STREET_OPENS | RW_STREET_NUMBERED),
	WORD("ave", RW_STREET_SUFFIX | RW_STREET_SHORT),
	WORD("av", RW_STREET_SUFFIX | RW_STREET_SHORT),
	WORD("boulevard", RW_STREET_SUFFIX | RW_STREET_OPENS | RW_STREET_NUMBERED),
	WORD("blvd", RW_STREET_SUFFIX | RW_STREET_SHORT),
	WORD("lane", RW_STREET_SUFFIX),
	WORD("ln", RW_STREET_SUFFIX | RW_STREET_SHORT),
	WORD("highway", RW_STREET_SUFFIX),
	WORD("hwy", RW_STREET_SUFFIX | RW_STREET_SHORT),
	WORD("parkway", RW_STREET_SUFFIX),
	WORD("pkwy", RW_STREET_SUFFIX | RW_STREET_SHORT),
	WORD("crescent", RW_STREET_SUFFIX),
	WORD("terrace", RW_STREET_SUFFIX),
	WORD("drive", RW_STREET_WEAK),
	WORD("dr", RW_STREET_WEAK | RW_STREET_SHORT),
	WORD("court", RW_STREET_WEAK),
	WORD("ct", RW_STREET_WEAK | RW_STREET_SHORT),
	WORD("way", RW_STREET_WEAK),
	WORD("place", RW_STREET_WEAK),
	WORD("pl", RW_STREET_WEAK | RW_STREET_SHORT),
	WORD("square", RW_STREET_WEAK),
	WORD("sq", RW_STREET_WEAK | RW_STREET_SHORT),
	WORD("close", RW_STREET_WEAK),
	WORD("trail", RW_STREET_WEAK),
	WORD("circle", RW_STREET_WEAK),
	WORD("row", RW_STREET_WEAK),
	WORD("walk", RW_STREET_WEAK),
	WORD("hill", RW_STREET_WEAK),
	WORD("grove", RW_STREET_WEAK),
	WORD("mews", RW_STREET_WEAK),
	WORD("gardens", RW_STREET_WEAK),
	WORD("apt", RW_STREET_UNIT | RW_STREET_SHORT),
	WORD("apartment", RW_STREET_UNIT),
	WORD("suite", RW_STREET_UNIT),
	WORD("ste", RW_STREET_UNIT | RW_STREET_SHORT),
	WORD("unit", RW_STREET_UNIT),
	WORD("flat", RW_STREET_UNIT),
	WORD("floor", RW_STREET_UNIT),
	WORD("room", RW_STREET_UNIT),
	WORD("rm", RW_STREET_UNIT | RW_STREET_SHORT),
	WORD("rue", RW_STREET_OPENS | RW_STREET_NUMBERED),
	WORD("chemin", RW_STREET_OPENS | RW_STREET_NUMBERED),
	WORD("quai", RW_STREET_OPENS | RW_STREET_NUMBERED),
	WORD("impasse", RW_STREET_OPENS | RW_STREET_NUMBERED),
	WORD("all\303\251e", RW_STREET_OPENS | RW_STREET_NUMBERED),
	WORD("bd", RW_STREET_NUMBERED | RW_STREET_SHORT),
	WORD("via", RW_STREET_OPENS | RW_STREET_WEAK),
	WORD("viale", RW_STREET_OPENS),
	WORD("piazza", RW_STREET_OPENS),
	WORD("corso", RW_STREET_OPENS),
	WORD("calle", RW_STREET_OPENS),
	WORD("avenida", RW_STREET_OPENS),
	WORD("paseo", RW_STREET_OPENS),
	WORD("carrer", RW_STREET_OPENS),
	WORD("rua", RW_STREET_OPENS),
	WORD("travessa", RW_STREET_OPENS),
	WORD("strada", RW_STREET_OPENS),
	WORD("bulevardul", RW_STREET_OPENS),
	WORD("ul", RW_STREET_OPENS | RW_STREET_SHORT),
	WORD("ulica", RW_STREET_OPENS),
	WORD("ulice", RW_STREET_OPENS),
	WORD("al", RW_STREET_OPENS | RW_STREET_SHORT),
	WORD("aleja", RW_STREET_OPENS),
	WORD("\xd1\x83\xd0\xbb", RW_STREET_OPENS | RW_STREET_SHORT),	   /* ul. */
	WORD("\xd1\x83\xd0\xbb\xd0\xb8\xd1\x86\xd0\xb0", RW_STREET_OPENS), /* ulitsa */
	WORD("de", RW_STREET_SMALL),
	WORD("del", RW_STREET_SMALL),
	WORD("della", RW_STREET_SMALL),
	WORD("dei", RW_STREET_SMALL),
	WORD("delle", RW_STREET_SMALL),
	WORD("degli", RW_STREET_SMALL),
	WORD("di", RW_STREET_SMALL),
	WORD("da", RW_STREET_SMALL),
	WORD("do", RW_STREET_SMALL),
	WORD("dos", RW_STREET_SMALL),
	WORD("das", RW_STREET_SMALL),
	WORD("du", RW_STREET_SMALL),
	WORD("des", RW_STREET_SMALL),
	WORD("la", RW_STREET_SMALL),
	WORD("le", RW_STREET_SMALL),
	WORD("les", RW_STREET_SMALL),
	WORD("el", RW_STREET_SMALL),
	WORD("los", RW_STREET_SMALL),
	WORD("las", RW_STREET_SMALL),
	WORD("of", RW_STREET_SMALL),
	WORD("the", RW_STREET_SMALL),
	WORD("strasse", RW_STREET_GERMAN),
	WORD("stra\303\237e", RW_STREET_GERMAN),
	WORD("str", RW_STREET_GERMAN | RW_STREET_SHORT),
	WORD("allee", RW_STREET_GERMAN),
	WORD("platz", RW_STREET_GERMAN),
	WORD("weg", RW_STREET_GERMAN),
	WORD("damm", RW_STREET_GERMAN),
	WORD("ring", RW_STREET_GERMAN),
	WORD("chaussee", RW_STREET_GERMAN),
};

const unsigned rw_street_n_words = sizeof(rw_street_words) / sizeof(rw_street_words[0]);

/* By the last five bits of their first byte: which lengths there are. */
static const uint16_t lengths[32] = {
	[1] = 0x02ec,  [2] = 0x0614,  [3] = 0x0164,  [4] = 0x003c,  [5] = 0x0004,
	[6] = 0x0030,  [7] = 0x00a0,  [8] = 0x0098,  [9] = 0x0080,  [12] = 0x001c,
	[13] = 0x0010, [15] = 0x0004, [16] = 0x00f4, [17] = 0x0410, [18] = 0x001c,
	[19] = 0x00ec, [20] = 0x01a8, [21] = 0x0034, [22] = 0x0028, [23] = 0x0018,
};

/* Ends of words that only streets have, where a number follows. */
static const char *const ends[] = {
	"strasse",  "stra\303\237e", "str",   "gasse",	"weg",	 "allee",	  "damm",
	"chaussee", "straat",	     "laan",  "gracht", "plein", "gatan",	  "v\xc3\xa4gen",
	"gaten",    "veien",	     "vegen", "vej",	"katu",	 "str\xc3\xa6ti", "braut",
};

unsigned rw_street_kind(struct rw_slice w)
{
	if (!w.n || w.n > WORD_MAX || !(lengths[w.p[0] & 31] & 1u << w.n))
		return 0;
	for (unsigned i = 0; i < rw_street_n_words; i++) {
		const struct rw_street_word *at = &rw_street_words[i];

		if (at->n == w.n && !((at->word[0] ^ w.p[0]) & 31) &&
		    !strncasecmp(at->word, w.p, w.n))
			return at->kind;
	}
	return 0;
}

bool rw_street_ending(struct rw_slice w)
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t n = strlen(ends[i]);

		if (w.n >= n + RW_STREET_STEM && !memcmp(w.p + w.n - n, ends[i], n))
			return true;
	}
	return false;
}
