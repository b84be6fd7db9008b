// SPDX-License-Identifier: Apache-2.0
#ifndef WATCH_RECENT_H
#define WATCH_RECENT_H
// The uuids of the events that a pair delivered last, as 128-bit hashes: what arrives again,
// because Okta repeats it or because a refused cursor made us go back, is recognised.
//
// Two generations: when the young one is full it becomes the old one, and the oldest are forgotten.
// So between RECENT_MAX / 2 and RECENT_MAX of them are known. One thread at a time.

#include <stdbool.h>

#include "base/error.h"
#include "base/hash.h"

enum { RECENT_MAX = 65536 };

struct recent_set {
    struct hash128 *slots; // open addressing; all bits zero: free
    size_t cap, n;
};

struct recent {
    struct recent_set young, old;
    int64_t young_since_ms, old_since_ms; // newest published when each generation began
};

void recent_fini(struct recent *r);
DEFINE_AUTO_FINI(recent)

bool recent_has(const struct recent *r, struct hash128 id);

// Makes room so that the next `n` recent_add cannot fail. `newest_ms`: the newest `published` that
// was delivered so far. Outcomes: 0; -ENOMEM.
int recent_reserve(struct recent *r, size_t n, int64_t newest_ms) MUST_USE;

// Of what was delivered after the newest `published` was this, everything is known.
int64_t recent_since_ms(const struct recent *r);
void recent_add(struct recent *r, struct hash128 id);

#endif
