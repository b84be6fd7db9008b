// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_STR_H
#define BASE_STR_H
// A borrowed piece of text or bytes: pointer and length, no NUL needed, NULs inside allowed.
// Whoever made it owns the bytes. An absent string has p == NULL.

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_NONE ((struct str){NULL, 0})
// For printf's "%.*s".
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_from(const char *z) { return (struct str){z, z ? strlen(z) : 0}; }

static inline bool str_eq(struct str a, struct str b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_eqz(struct str a, const char *z) { return str_eq(a, str_from(z)); }

// ASCII letters compare without case.
bool str_eq_nocase(struct str a, struct str b);

bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

// Order by bytes, then by length: for qsort and bsearch. <0, 0, >0.
int str_cmp(struct str a, struct str b);

// Position of the first `c` / of the first `needle`; s.n when there is none.
size_t str_find_char(struct str s, char c);
size_t str_find(struct str s, struct str needle);

// The part from `from` (inclusive) to `to` (exclusive); both are cut to s.n.
struct str str_sub(struct str s, size_t from, size_t to);

// Without blanks, tabs, CR and LF at both ends.
struct str str_trim(struct str s);

// Splits off what stands before the first `c`; the rest (without `c`) stays in `*rest`.
// When there is no `c`, returns everything and leaves `*rest` absent (p == NULL).
struct str str_split(struct str *rest, char c);

// The candidate nearest to `word` by edit distance, for "did you mean"; NULL when nothing is near
// (more than a third of the word's length, at least two, would have to change).
const char *str_nearest(struct str word, const char *const *candidates, size_t n);

#endif
