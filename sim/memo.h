// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_MEMO_H
#define SIM_MEMO_H
// What has to be remembered until an instant and no longer: spent ids, access tokens. A table from
// hashes to values; what is over is not found any more and goes when room is made.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/mem.h"

struct memo_entry {
    struct hash128 key;
    int64_t until_ms; // exclusive
    void *value;      // owned, one piece of memory; may be NULL
    bool used;
};

struct memo {
    struct memo_entry *entries;
    size_t cap, n; // slots, and how many are used
};

void memo_fini(struct memo *m);

// The entry of that key, unless it is over; NULL. Borrowed until the next memo_add.
struct memo_entry *memo_find(const struct memo *m, struct hash128 key, int64_t now_ms);

// Adds an entry, or replaces the one of that key; `take_value` is consumed in every case. Outcomes:
// 0; -ENOMEM.
int memo_add(struct memo *m, struct hash128 key, int64_t until_ms, void *take_value,
             int64_t now_ms) MUST_USE;

// How many entries are not over.
size_t memo_count(const struct memo *m, int64_t now_ms);

#endif
