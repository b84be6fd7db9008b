// SPDX-License-Identifier: Apache-2.0
#include "base/str.h"

#include <stdint.h>

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

bool str_eq_nocase(struct str a, struct str b) {
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i])) return false;
    return true;
}

bool str_starts(struct str s, struct str prefix) {
    return s.n >= prefix.n && str_eq(str_sub(s, 0, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix) {
    return s.n >= suffix.n && str_eq(str_sub(s, s.n - suffix.n, s.n), suffix);
}

int str_cmp(struct str a, struct str b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    if (order) return order;
    return a.n < b.n ? -1 : a.n > b.n;
}

size_t str_find_char(struct str s, char c) {
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? (size_t)(at - s.p) : s.n;
}

size_t str_find(struct str s, struct str needle) {
    if (needle.n == 0) return 0;
    const char *at = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    return at ? (size_t)(at - s.p) : s.n;
}

struct str str_sub(struct str s, size_t from, size_t to) {
    if (to > s.n) to = s.n;
    if (from > to) from = to;
    return (struct str){s.p ? s.p + from : NULL, to - from};
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

struct str str_trim(struct str s) {
    while (s.n && is_blank(s.p[0])) s = str_sub(s, 1, s.n);
    while (s.n && is_blank(s.p[s.n - 1])) s.n--;
    return s;
}

struct str str_split(struct str *rest, char c) {
    struct str all = *rest;
    size_t at = str_find_char(all, c);
    *rest = at < all.n ? str_sub(all, at + 1, all.n) : STR_NONE;
    return str_sub(all, 0, at);
}

enum { NEAREST_MAX_WORD = 63 };

static size_t min3(size_t a, size_t b, size_t c) {
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

// Levenshtein's distance with one row of memory.
static size_t edit_distance(struct str a, struct str b) {
    size_t row[NEAREST_MAX_WORD + 1];
    for (size_t j = 0; j <= b.n; j++) row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t above = row[j];
            size_t change = diagonal + (lower(a.p[i - 1]) != lower(b.p[j - 1]));
            row[j] = min3(above + 1, row[j - 1] + 1, change);
            diagonal = above;
        }
    }
    return row[b.n];
}

const char *str_nearest(struct str word, const char *const *candidates, size_t n) {
    if (word.n == 0 || word.n > NEAREST_MAX_WORD) return NULL;
    size_t limit = word.n / 3 < 2 ? 2 : word.n / 3;
    const char *best = NULL;
    for (size_t i = 0; i < n; i++) {
        struct str candidate = str_from(candidates[i]);
        if (candidate.n > NEAREST_MAX_WORD) continue;
        size_t distance = edit_distance(word, candidate);
        if (distance > limit) continue;
        best = candidates[i];
        limit = distance ? distance - 1 : 0;
        if (distance == 0) break;
    }
    return best;
}
