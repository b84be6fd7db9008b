// SPDX-License-Identifier: Apache-2.0
#ifndef WATCH_RANGE_H
#define WATCH_RANGE_H
// Ranges of time: what of the history is missing, and where to cut it. Pure.

#include "base/error.h"
#include "store/history.h"

struct range_list {
    struct store_range *p; // by since, disjoint, none empty
    size_t n, cap;
};

void range_list_fini(struct range_list *l);
DEFINE_AUTO_FINI(range_list)

// Appends what of `wanted` none of `have` covers (in any order, may overlap). Outcomes: 0; -ENOMEM.
int range_missing(struct range_list *ret, struct store_range wanted, const struct store_range *have,
                  size_t n) MUST_USE;

// Cuts each range of `l` at the ends of the ranges of `other` that lie inside it, so that what both
// have in common is the same ranges in both. Outcomes: 0; -ENOMEM.
int range_cut(struct range_list *l, const struct range_list *other) MUST_USE;

#endif
