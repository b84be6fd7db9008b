// SPDX-License-Identifier: Apache-2.0
// A pattern is pieces with stars between: the first and the last piece are where the text begins
// and ends, those between are looked for from left to right. The leftmost place is always a good
// one, so nothing is tried twice.
#include "watch/filter.h"

static bool is_same(struct str a, struct str b, bool nocase) {
    return nocase ? str_eq_nocase(a, b) : str_eq(a, b);
}

static size_t find_nocase(struct str text, struct str piece) {
    for (size_t at = 0; at + piece.n <= text.n; at++)
        if (str_eq_nocase(str_sub(text, at, at + piece.n), piece)) return at;
    return text.n;
}

// Takes everything up to the piece's end off the text.
static bool pass_piece(struct str *text, struct str piece, bool nocase) {
    if (piece.n == 0) return true;
    size_t at = nocase ? find_nocase(*text, piece) : str_find(*text, piece);
    if (at == text->n) return false;
    *text = str_sub(*text, at + piece.n, text->n);
    return true;
}

bool filter_matches(struct str pattern, struct str text, bool nocase) {
    struct str rest = pattern;
    struct str first = str_split(&rest, '*');
    if (!rest.p) return is_same(first, text, nocase);
    if (!is_same(first, str_sub(text, 0, first.n), nocase)) return false;
    text = str_sub(text, first.n, text.n);
    for (;;) {
        struct str piece = str_split(&rest, '*');
        if (!rest.p) // the last one
            return piece.n <= text.n &&
                   is_same(piece, str_sub(text, text.n - piece.n, text.n), nocase);
        if (!pass_piece(&text, piece, nocase)) return false;
    }
}

static bool any_matches(const char *const *patterns, size_t n, struct str text, bool nocase) {
    for (size_t i = 0; i < n; i++)
        if (filter_matches(str_from(patterns[i]), text, nocase)) return true;
    return false;
}

bool filter_is_any(const struct watch_filter *f) {
    return f->event_type_count > 0 || f->exclude_event_type_count > 0 || f->outcome_count > 0;
}

bool filter_wants(const struct watch_filter *f, struct str event_type, struct str outcome) {
    if (outcome.n == 0) outcome = STR("NONE");
    if (f->event_type_count > 0 &&
        !any_matches(f->event_types, f->event_type_count, event_type, false))
        return false;
    if (any_matches(f->exclude_event_types, f->exclude_event_type_count, event_type, false))
        return false;
    return f->outcome_count == 0 || any_matches(f->outcomes, f->outcome_count, outcome, true);
}
