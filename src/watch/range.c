// SPDX-License-Identifier: Apache-2.0
#include "watch/range.h"

#include <errno.h>

void range_list_fini(struct range_list *l) {
    free(l->p);
    *l = (struct range_list){0};
}

static int append(struct range_list *l, int64_t since_ms, int64_t until_ms) {
    if (since_ms >= until_ms) return 0;
    int e = mem_grow(&l->p, &l->cap, l->n + 1, sizeof *l->p);
    if (e) return e;
    l->p[l->n++] = (struct store_range){since_ms, until_ms};
    return 0;
}

// How far what is there reaches without a gap from an instant; the instant itself when nothing
// covers it.
static int64_t covered_until(const struct store_range *have, size_t n, int64_t at_ms) {
    for (size_t i = 0; i < n; i++) {
        if (have[i].since_ms > at_ms || have[i].until_ms <= at_ms) continue;
        at_ms = have[i].until_ms;
        i = (size_t)-1; // what was passed over may go on from here
    }
    return at_ms;
}

static int64_t next_since(const struct store_range *have, size_t n, int64_t at_ms, int64_t end_ms) {
    for (size_t i = 0; i < n; i++)
        if (have[i].since_ms > at_ms && have[i].since_ms < end_ms &&
            have[i].until_ms > have[i].since_ms)
            end_ms = have[i].since_ms;
    return end_ms;
}

int range_missing(struct range_list *ret, struct store_range wanted, const struct store_range *have,
                  size_t n) {
    int64_t at_ms = wanted.since_ms;
    while ((at_ms = covered_until(have, n, at_ms)) < wanted.until_ms) {
        int64_t end_ms = next_since(have, n, at_ms, wanted.until_ms);
        int e = append(ret, at_ms, end_ms);
        if (e) return e;
        at_ms = end_ms;
    }
    return 0;
}

// The first place strictly inside the range where `other` has an end; the range's own end when
// there is none.
static int64_t first_end(const struct store_range *range, const struct range_list *other) {
    int64_t at_ms = range->until_ms;
    for (size_t i = 0; i < other->n; i++) {
        const int64_t ends[] = {other->p[i].since_ms, other->p[i].until_ms};
        for (size_t k = 0; k < LEN(ends); k++)
            if (ends[k] > range->since_ms && ends[k] < at_ms) at_ms = ends[k];
    }
    return at_ms;
}

int range_cut(struct range_list *l, const struct range_list *other) {
    struct range_list pieces = {0};
    int e = 0;
    for (size_t i = 0; !e && i < l->n; i++) {
        struct store_range rest = l->p[i];
        while (!e && rest.since_ms < rest.until_ms) {
            int64_t at_ms = first_end(&rest, other);
            e = append(&pieces, rest.since_ms, at_ms);
            rest.since_ms = at_ms;
        }
    }
    if (e) {
        range_list_fini(&pieces);
        return e;
    }
    range_list_fini(l);
    *l = pieces;
    return 0;
}
