/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/street.h"

#include <string.h>

#include "scan/street_words.h"

enum {
	NAMES_MAX = 5,	/* words of a street's name */
	SIGNS_MAX = 6,	/* white space and commas between the parts of an address */
	DIGITS_MAX = 5, /* of the number of a house */
	CITY_WORDS = 5,
};

/* Where an address is read, and what of the text it may see. */
struct reading {
	struct rw_slice text;
	size_t at;
	bool more;    /* behind the text's end there may be more */
	bool starved; /* and something asked for it */
};

static struct reading begin(struct rw_slice text, size_t start, bool eof)
{
	size_t n = text.n - start;
	bool whole = n > RW_STREET_MAX;

	return (struct reading){
		.text = rw_slice_of(text.p, whole ? start + RW_STREET_MAX : text.n),
		.at = start,
		.more = !eof && !whole,
	};
}

static long end(const struct reading *r, size_t start, bool ok)
{
	if (r->starved)
		return -1;
	return ok ? (long)(r->at - start) : 0;
}

static int look(struct reading *r, size_t ahead)
{
	if (r->at + ahead < r->text.n)
		return (unsigned char)r->text.p[r->at + ahead];
	r->starved |= r->more;
	return -1;
}

static bool take(struct reading *r, char c)
{
	bool is = look(r, 0) == c;

	r->at += is;
	return is;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

/* Beyond ASCII what UTF-8 writes with two bytes, but the signs that begin with 0xc2: Latin, Greek,
 * Cyrillic. */
static bool is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= 0x80 && c < 0xe0 && c != 0xc2);
}

static bool is_capital(int c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 0xc3 && c < 0xe0);
}

static bool joins_letters(int c)
{
	return c == '\'' || c == '-';
}

static bool is_name(struct rw_slice w)
{
	if (!w.n)
		return false;
	return is_capital((unsigned char)w.p[0]) ||
	       (w.n > 2 && w.p[1] == '\'' && is_capital((unsigned char)w.p[2]));
}

/* "Hauptstrasse", "Rooseveltlaan". */
static bool is_street(struct rw_slice w)
{
	return is_name(w) && rw_street_ending(w);
}

/* "Berliner", in front of "Allee". */
static bool is_of_town(struct rw_slice w)
{
	return is_name(w) && w.n > RW_STREET_STEM + 1 && !memcmp(w.p + w.n - 2, "er", 2);
}

static struct rw_slice word(struct reading *r)
{
	size_t from = r->at;
	int c = look(r, 0);

	while (is_letter(c) || (r->at > from && joins_letters(c) && is_letter(look(r, 1)))) {
		r->at++;
		c = look(r, 0);
	}
	return rw_slice_of(r->text.p + from, r->at - from);
}

/* The dot of "St.", "J.", "ul.". */
static void dot(struct reading *r, struct rw_slice w, unsigned kind)
{
	if (kind & RW_STREET_SHORT || w.n <= 2)
		take(r, '.');
}

/* Whether nothing goes on the word or number that ends here. */
static bool ended(struct reading *r)
{
	int c = look(r, 0);

	if (is_letter(c) || is_digit(c) || (c > 0 && strchr("_@=%", c)))
		return false;
	return !(c > 0 && strchr(".:,", c) &&
		 (is_digit(look(r, 1)) || (c != ',' && is_letter(look(r, 1)))));
}

static unsigned digits(struct reading *r)
{
	unsigned n = 0;

	for (; is_digit(look(r, 0)); n++)
		r->at++;
	return n;
}

/* "12", "12B": of a house. */
static bool plain_number(struct reading *r)
{
	unsigned n = digits(r);

	if (is_letter(look(r, 0)) && !is_letter(look(r, 1)))
		r->at++;
	return n && n <= DIGITS_MAX;
}

/* And "12-14", "5/7". */
static bool number(struct reading *r)
{
	if (!plain_number(r))
		return false;
	if ((look(r, 0) == '-' || look(r, 0) == '/') && is_digit(look(r, 1))) {
		r->at++;
		return plain_number(r) && ended(r);
	}
	return ended(r);
}

/* "5th", "42nd". */
static bool ordinal(struct reading *r)
{
	size_t from = r->at;
	struct rw_slice w;

	if (digits(r)) {
		w = word(r);
		if (w.n == 2 && memmem("st nd rd th", 11, w.p, 2))
			return true;
	}
	r->at = from;
	return false;
}

/* White space, one comma, line's end: between an address' parts. */
static bool gap(struct reading *r)
{
	size_t from = r->at;
	int c = look(r, 0);

	while (c > 0 && strchr(" ,\n", c) && r->at - from < SIGNS_MAX) {
		r->at++;
		c = look(r, 0);
	}
	return r->at > from;
}

/* ", Apt 4B", " Suite 200", " #12" */
static bool unit(struct reading *r)
{
	size_t from = r->at;
	struct rw_slice w;
	unsigned kind;

	if (!gap(r))
		return false;
	if (take(r, '#')) {
		kind = RW_STREET_UNIT;
	} else {
		w = word(r);
		kind = rw_street_kind(w);
		dot(r, w, kind);
		if (kind & RW_STREET_UNIT && take(r, ' '))
			take(r, '#');
	}
	if (kind & RW_STREET_UNIT && plain_number(r) && ended(r))
		return true;
	r->at = from;
	return false;
}

/* "97205", "97205-1234", and "SW1A 2AA" behind its first letters. */
static bool postcode(struct reading *r, struct rw_slice before)
{
	unsigned n = digits(r);

	if (before.n && before.n <= 2 && n <= 2) {
		if (is_capital(look(r, 0)))
			r->at++;
		return take(r, ' ') && digits(r) == 1 && word(r).n == 2;
	}
	if (n < 4 || n > 6)
		return false;
	if (look(r, 0) == '-' && is_digit(look(r, 1))) {
		r->at++;
		digits(r);
	}
	return ended(r);
}

/* ", Portland, OR 97205", ", London SW1A 2AA", ", 10115 Berlin" */
static bool place_behind(struct reading *r)
{
	struct rw_slice w, none = {0};

	if (!gap(r))
		return false;
	if (is_digit(look(r, 0)))
		return postcode(r, none) && take(r, ' ') && is_name(word(r));
	for (unsigned i = 0; i < CITY_WORDS; i++) {
		w = word(r);
		if (!is_name(w))
			return false;
		if (is_digit(look(r, 0)))
			return postcode(r, w);
		dot(r, w, 0);
		if (!gap(r))
			return false;
		if (is_digit(look(r, 0)))
			return postcode(r, none);
	}
	return false;
}

/* What goes on an address behind its street: whether there is something that only addresses have.
 */
static bool tail(struct reading *r)
{
	bool is = unit(r);
	size_t from;

	is |= unit(r);
	from = r->at;
	if (place_behind(r))
		return true;
	r->at = from;
	return is;
}

/* Words of a name, each behind a space: how many of them are no small ones. */
static unsigned names(struct reading *r)
{
	unsigned n = 0;
	size_t to = r->at;

	for (unsigned i = 0; i < NAMES_MAX && take(r, ' '); i++) {
		struct rw_slice w = word(r);
		unsigned kind = rw_street_kind(w);

		if (is_name(w)) {
			dot(r, w, kind);
			to = r->at;
			n++;
		} else if (!(kind & RW_STREET_SMALL)) {
			break;
		}
	}
	r->at = to;
	return n;
}

static bool goes_on(struct reading *r, bool (*how)(int))
{
	return look(r, 0) == ' ' && how(look(r, 1));
}

static bool is_small(int c)
{
	return c >= 'a' && c <= 'z';
}

/* Whether "at" or a colon stands in front: "Address: 12 Oak Drive". */
static bool is_told(struct rw_slice text, size_t start)
{
	const char *p = text.p + start;

	if (start >= 2 && p[-1] == ' ' && p[-2] == ':')
		return true;
	return start >= 3 && p[-1] == ' ' && p[-2] == 't' && p[-3] == 'a' &&
	       (start == 3 || !is_letter((unsigned char)p[-4]));
}

/* Behind the street's last word, w. told: an address was announced. */
static bool closes(struct reading *r, struct rw_slice w, unsigned kind, bool told)
{
	bool weak = kind & RW_STREET_WEAK || !is_capital((unsigned char)w.p[0]);

	dot(r, w, kind);
	if (!ended(r))
		return false;
	if (tail(r) || told)
		return true;
	return !weak && !goes_on(r, is_capital);
}

/* From behind the number: " Oak Avenue ...", " rue de la Paix". */
static bool numbered(struct reading *r, bool told, bool year)
{
	take(r, ',');
	for (unsigned i = 0; i <= NAMES_MAX && take(r, ' '); i++) {
		struct rw_slice w;
		unsigned kind;

		if (is_digit(look(r, 0))) {
			if (!i && ordinal(r))
				continue;
			if (!number(r))
				return false;
			if (!i) /* two numbers in front */
				continue;
			return tail(r);
		}
		w = word(r);
		kind = rw_street_kind(w);
		if (!i && kind & RW_STREET_NUMBERED) {
			dot(r, w, kind);
			return names(r) && ended(r) && !year;
		}
		if (i && kind & (RW_STREET_SUFFIX | RW_STREET_WEAK))
			return closes(r, w, year ? kind | RW_STREET_WEAK : kind, told && !year);
		if (!is_name(w) && !(i && kind & RW_STREET_SMALL))
			return false;
		dot(r, w, kind);
	}
	return false;
}

bool rw_street_may_follow(struct rw_slice behind)
{
	static const char small[] = "ru av bo bd ch qu im al";

	if (is_capital((unsigned char)behind.p[0]))
		return true;
	return is_small(behind.p[0]) && is_small(behind.p[1]) &&
	       memmem(small, sizeof(small), behind.p, 2);
}

long rw_street_numbered(struct rw_slice text, size_t start, bool eof)
{
	struct reading r = begin(text, start, eof);
	bool ok = number(&r), year;

	year = r.at - start == 4 &&
	       (!memcmp(text.p + start, "19", 2) || !memcmp(text.p + start, "20", 2));
	return end(&r, start, ok && numbered(&r, is_told(text, start), year));
}

/* Up to the space in front of the number. */
static bool name_in_front(struct reading *r)
{
	struct rw_slice w = word(r);
	unsigned kind = rw_street_kind(w);

	if (kind & RW_STREET_OPENS)
		return (!(kind & RW_STREET_SHORT) || take(r, '.')) && names(r);
	if (is_street(w)) /* "Substr 5" is none */
		return memcmp(w.p + w.n - 3, "str", 3) != 0 || take(r, '.');
	if (!is_of_town(w) || !take(r, ' '))
		return false;
	w = word(r);
	kind = rw_street_kind(w);
	dot(r, w, kind);
	return kind & RW_STREET_GERMAN;
}

long rw_street_named(struct rw_slice text, size_t start, bool eof)
{
	struct reading r = begin(text, start, eof);
	unsigned kind = rw_street_kind(word(&r));
	bool ok, small = is_small(text.p[start]);

	r.at = start;
	ok = name_in_front(&r) && take(&r, ' ') && number(&r);
	if (ok && !tail(&r)) /* "via Bluetooth 5", "Via Zoom 3 people" */
		ok = !(kind & RW_STREET_OPENS) ||
		     !((kind & RW_STREET_WEAK && small) || goes_on(&r, is_small));
	return end(&r, start, ok);
}

/* Bytes of the quote that ends at at: ' and those beyond ASCII, of which „Hauptstr. 5“ begins with
 * one; 0: none does. */
static unsigned quote_before(struct rw_slice text, size_t at)
{
	const unsigned char *p = (const unsigned char *)text.p + at;

	if (at >= 1 && p[-1] == '\'')
		return 1;
	if (at >= 2 && p[-2] == 0xc2 && (p[-1] == 0xab || p[-1] == 0xbb)) /* « » */
		return 2;
	if (at >= 3 && p[-3] == 0xe2 && p[-2] == 0x80 &&
	    memchr("\x98\x9a\x9c\x9d\x9e\xb9\xba", p[-1], 7))
		return 3;
	return 0;
}

/* Where a word begins behind the rest of a character that is no letter, and behind a ' that joins
 * no letters. */
static size_t behind_quote(struct rw_slice text, size_t at, size_t to)
{
	while (at < to && ((unsigned char)text.p[at] & 0xc0) == 0x80)
		at++;
	if (at < to && text.p[at] == '\'' &&
	    (!at || !(is_letter((unsigned char)text.p[at - 1]) || joins_letters(text.p[at - 1]))))
		at++;
	return at;
}

/* The word that ends at to, and the dot behind it: where it begins. */
static size_t word_before(struct rw_slice text, size_t floor, size_t to, struct rw_slice *w)
{
	size_t at = to;

	if (at > floor && text.p[at - 1] == '.')
		at--;
	*w = rw_slice_of(text.p + at, 0);
	while (at > floor && to - at <= RW_STREET_LEAD &&
	       (is_letter((unsigned char)text.p[at - 1]) || joins_letters(text.p[at - 1])))
		at--;
	at = behind_quote(text, at, (size_t)(w->p - text.p));
	*w = rw_slice_of(text.p + at, (size_t)(w->p - text.p) - at);
	return at;
}

/* Whether a word may begin at at. */
static bool is_start(struct rw_slice text, size_t at)
{
	return !at || strchr(" \n\t\"([{>,;:", text.p[at - 1]) || quote_before(text, at);
}

/* The longest name whose words end at to; the nearest where that is asked for. none: there is no
 * name. */
static size_t lead_before(struct rw_slice text, size_t floor, size_t to, size_t none, bool nearest)
{
	size_t found = none, last = to;
	unsigned after = 0;

	for (unsigned i = 0; i <= NAMES_MAX; i++) {
		struct rw_slice w;
		size_t at = word_before(text, floor, to, &w);
		unsigned kind;

		if (!w.n || last - at > RW_STREET_LEAD || (!i && nearest && !is_name(w)))
			break;
		kind = rw_street_kind(w);
		if (is_start(text, at) &&
		    ((kind & RW_STREET_OPENS && (i || !nearest)) || (!i && is_street(w)) ||
		     (is_of_town(w) && (nearest ? i == 1 && after & RW_STREET_GERMAN : i < 2)))) {
			found = at;
			if (nearest)
				break;
		}
		if ((!is_name(w) && !(kind & RW_STREET_SMALL)) || at == floor ||
		    text.p[at - 1] != ' ')
			break;
		after = kind;
		to = at - 1;
	}
	return found;
}

size_t rw_street_lead(struct rw_slice text, size_t floor, size_t at)
{
	if (at <= floor || text.p[at - 1] != ' ')
		return at;
	return lead_before(text, floor, at - 1, at, true);
}

size_t rw_street_open(struct rw_slice text, size_t floor)
{
	struct rw_slice w;
	size_t at, open = text.n;
	bool is_run = true;

	if (!text.n) /* nothing was ever there: no place to count from */
		return 0;
	at = word_before(text, floor, text.n, &w);
	/* A word that is cut: of what runs are made of alone it is one that is open anyway. */
	for (size_t i = at; i < text.n; i++)
		is_run &= (unsigned char)text.p[i] < 0x80 && text.p[i] != '\'';
	if (!is_run && is_start(text, at) && text.n - at <= RW_STREET_LEAD)
		open = at;
	if (at == floor || text.p[at - 1] != ' ')
		return open;
	return lead_before(text, floor, at - 1, open, false);
}
