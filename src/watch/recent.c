// SPDX-License-Identifier: Apache-2.0
#include "watch/recent.h"

#include <errno.h>

enum { GENERATION = RECENT_MAX / 2, FIRST_CAP = 1024 };

void recent_fini(struct recent *r) {
    free(r->young.slots);
    free(r->old.slots);
    *r = (struct recent){0};
}

static bool is_free(struct hash128 slot) { return slot.lo == 0 && slot.hi == 0; }

// The slot where `id` is, or where it would go. The set has at least one free slot.
static size_t find_slot(const struct recent_set *set, struct hash128 id) {
    size_t at = (size_t)id.lo & (set->cap - 1);
    while (!is_free(set->slots[at]) && !hash128_eq(set->slots[at], id))
        at = (at + 1) & (set->cap - 1);
    return at;
}

static bool set_has(const struct recent_set *set, struct hash128 id) {
    return set->n > 0 && !is_free(set->slots[find_slot(set, id)]);
}

// No id looks like a free slot.
static struct hash128 sound(struct hash128 id) {
    if (is_free(id)) id.lo = 1;
    return id;
}

bool recent_has(const struct recent *r, struct hash128 id) {
    id = sound(id);
    return set_has(&r->young, id) || set_has(&r->old, id);
}

static int set_grow(struct recent_set *set, size_t want) {
    size_t cap = set->cap ? set->cap : FIRST_CAP;
    while (cap / 4 * 3 < want) cap *= 2;
    if (cap == set->cap) return 0;
    struct recent_set grown = {
        .slots = mem_new_array(cap, sizeof *grown.slots), .cap = cap, .n = set->n};
    if (!grown.slots) return -ENOMEM;
    for (size_t i = 0; i < set->cap; i++)
        if (!is_free(set->slots[i])) grown.slots[find_slot(&grown, set->slots[i])] = set->slots[i];
    free(set->slots);
    *set = grown;
    return 0;
}

int recent_reserve(struct recent *r, size_t n, int64_t newest_ms) {
    if (r->young.n > 0 && r->young.n + n > GENERATION) {
        free(r->old.slots);
        r->old = r->young;
        r->old_since_ms = r->young_since_ms;
        r->young = (struct recent_set){0};
    }
    if (r->young.n == 0) r->young_since_ms = newest_ms;
    return set_grow(&r->young, r->young.n + n);
}

int64_t recent_since_ms(const struct recent *r) {
    return r->old.n > 0 ? r->old_since_ms : r->young_since_ms;
}

void recent_add(struct recent *r, struct hash128 id) {
    id = sound(id);
    size_t at = find_slot(&r->young, id);
    if (is_free(r->young.slots[at])) r->young.n++;
    r->young.slots[at] = id;
}
