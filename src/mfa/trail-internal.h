// SPDX-License-Identifier: Apache-2.0
#ifndef MFA_TRAIL_INTERNAL_H
#define MFA_TRAIL_INTERNAL_H
// What the trail's two files share.

#include "mfa/trail.h"

enum { TRAIL_TEXT_MAX = 1 << 20, TRAIL_ORDER_BYTES = 8 };

// Attempts that began at `from_ms` or later, the oldest first.
struct tree_walk trail_from(const struct state *s, int64_t from_ms);

// Of one of Okta's entries in attempt.events.
struct trail_entry {
    struct str uuid, transaction_id, type, published;
};
bool trail_next_entry(struct str *rest, struct trail_entry *ret);

#endif
