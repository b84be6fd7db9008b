// SPDX-License-Identifier: Apache-2.0
// Open addressing. Nothing is ever taken out singly: a full table is copied into a fresh one
// without what is over.
#include "sim/memo.h"

#include <errno.h>

enum { LEAST_SLOTS = 64 };

void memo_fini(struct memo *m) {
    for (size_t i = 0; i < m->cap; i++) free(m->entries[i].value);
    free(m->entries);
    *m = (struct memo){.entries = NULL};
}

// The slot of that key, or the free one where it would go.
static struct memo_entry *slot_of(const struct memo *m, struct hash128 key) {
    size_t i = (size_t)key.lo & (m->cap - 1);
    while (m->entries[i].used && !hash128_eq(m->entries[i].key, key)) i = (i + 1) & (m->cap - 1);
    return &m->entries[i];
}

struct memo_entry *memo_find(const struct memo *m, struct hash128 key, int64_t now_ms) {
    if (!m->cap) return NULL;
    struct memo_entry *entry = slot_of(m, key);
    return entry->used && now_ms < entry->until_ms ? entry : NULL;
}

size_t memo_count(const struct memo *m, int64_t now_ms) {
    size_t n = 0;
    for (size_t i = 0; i < m->cap; i++) n += m->entries[i].used && now_ms < m->entries[i].until_ms;
    return n;
}

// At most half of the slots are used afterwards.
static int make_room(struct memo *m, int64_t now_ms) {
    if (m->n + 1 <= m->cap / 4 * 3) return 0;
    struct memo fresh = {.cap = LEAST_SLOTS};
    while (fresh.cap < (memo_count(m, now_ms) + 1) * 2) fresh.cap *= 2;
    fresh.entries = mem_new_array(fresh.cap, sizeof *fresh.entries);
    if (!fresh.entries) return -ENOMEM;
    for (size_t i = 0; i < m->cap; i++) {
        struct memo_entry *old = &m->entries[i];
        if (!old->used || now_ms >= old->until_ms) continue;
        *slot_of(&fresh, old->key) = *old;
        old->value = NULL;
        fresh.n++;
    }
    memo_fini(m);
    *m = fresh;
    return 0;
}

int memo_add(struct memo *m, struct hash128 key, int64_t until_ms, void *take_value,
             int64_t now_ms) {
    int e = make_room(m, now_ms);
    if (e) {
        free(take_value);
        return e;
    }
    struct memo_entry *entry = slot_of(m, key);
    if (!entry->used) m->n++;
    free(entry->value);
    *entry =
        (struct memo_entry){.key = key, .until_ms = until_ms, .value = take_value, .used = true};
    return 0;
}
