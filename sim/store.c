// SPDX-License-Identifier: Apache-2.0
// Bytes live in large chunks that never move, so that a page is made by copying slices. Each order
// is an array of event ids; what was added is sorted by itself and merged in from the back, which
// costs next to nothing in the usual case that it belongs at the end.
#include "sim/store.h"

#include <errno.h>

#include "base/hash.h"

enum { CHUNK_BYTES = 16 << 20, SLOTS_MIN = 1024, UUID_SEED = 7 };

struct chunk {
    struct chunk *before;
    size_t n, cap;
    char bytes[];
};

struct store {
    struct chunk *chunk; // the newest; the others hang behind it
    struct store_event *events;
    size_t n, cap;
    uint32_t *order[2]; // by enum store_order; `settled` ids each
    size_t order_cap[2];
    size_t settled;
    uint32_t *slots; // uuid to id + 1, open addressing; 0: free
    size_t n_slots;
    int64_t served_ms;
};

int store_new(struct store **ret) {
    AUTO(store) struct store *s = mem_new(sizeof *s);
    if (!s) return -ENOMEM;
    s->served_ms = INT64_MIN;
    s->slots = mem_new_array(SLOTS_MIN, sizeof *s->slots);
    if (!s->slots) return -ENOMEM;
    s->n_slots = SLOTS_MIN;
    *ret = TAKE(s);
    return 0;
}

struct store *store_free(struct store *s) {
    if (!s) return NULL;
    while (s->chunk) {
        struct chunk *before = s->chunk->before;
        free(s->chunk);
        s->chunk = before;
    }
    free(s->events);
    free(s->order[STORE_BY_PERSISTED]);
    free(s->order[STORE_BY_PUBLISHED]);
    free(s->slots);
    free(s);
    return NULL;
}

static char *room_for(struct store *s, size_t n) {
    struct chunk *c = s->chunk;
    if (!c || c->cap - c->n < n) {
        size_t cap = n > CHUNK_BYTES ? n : CHUNK_BYTES;
        c = malloc(sizeof *c + cap);
        if (!c) return NULL;
        *c = (struct chunk){.before = s->chunk, .cap = cap};
        s->chunk = c;
    }
    char *p = c->bytes + c->n;
    c->n += n;
    return p;
}

static size_t slot_of(const struct store *s, struct str uuid) {
    size_t at = (size_t)hash64(uuid, UUID_SEED) & (s->n_slots - 1);
    while (s->slots[at] && !str_eq(s->events[s->slots[at] - 1].uuid, uuid))
        at = (at + 1) & (s->n_slots - 1);
    return at;
}

static int slots_reserve(struct store *s) {
    if ((s->n + 1) * 2 <= s->n_slots) return 0;
    uint32_t *bigger = mem_new_array(s->n_slots * 2, sizeof *bigger);
    if (!bigger) return -ENOMEM;
    free(s->slots);
    s->slots = bigger;
    s->n_slots *= 2;
    for (size_t i = 0; i < s->n; i++) s->slots[slot_of(s, s->events[i].uuid)] = (uint32_t)i + 1;
    return 0;
}

int store_add(struct store *s, const struct store_event *event) {
    if (s->n >= UINT32_MAX - 1) return -EFBIG;
    int e = mem_grow(&s->events, &s->cap, s->n + 1, sizeof *s->events);
    if (!e) e = slots_reserve(s);
    if (e) return e;
    char *p = room_for(s, event->json.n + event->uuid.n);
    if (!p) return -ENOMEM;
    memcpy(p, event->json.p, event->json.n);
    if (event->uuid.n) memcpy(p + event->json.n, event->uuid.p, event->uuid.n);
    struct store_event *own = &s->events[s->n];
    *own = *event;
    own->json.p = p;
    own->uuid.p = p + event->json.n;
    if (own->persisted_ms < s->served_ms) own->persisted_ms = s->served_ms;
    s->slots[slot_of(s, own->uuid)] = (uint32_t)++s->n;
    return 0;
}

static int compare_persisted(const struct store *s, uint32_t a, uint32_t b) {
    int64_t x = s->events[a].persisted_ms, y = s->events[b].persisted_ms;
    if (x != y) return x < y ? -1 : 1;
    return a < b ? -1 : a > b;
}

static int compare_published(const struct store *s, uint32_t a, uint32_t b) {
    int64_t x = s->events[a].published_ms, y = s->events[b].published_ms;
    if (x != y) return x < y ? -1 : 1;
    int by_uuid = str_cmp(s->events[a].uuid, s->events[b].uuid);
    if (by_uuid) return by_uuid;
    return a < b ? -1 : a > b;
}

typedef int compare_ids(const struct store *s, uint32_t a, uint32_t b);
static compare_ids *const compare[] = {compare_persisted, compare_published};

struct sorting {
    const struct store *store;
    compare_ids *compare;
};

static int sorting_compare(const void *a, const void *b, void *ctx) {
    const struct sorting *sorting = ctx;
    return sorting->compare(sorting->store, *(const uint32_t *)a, *(const uint32_t *)b);
}

// Merges the sorted ids `fresh` into `ids`, which has room for both, from the back.
static void merge(const struct store *s, compare_ids *less, uint32_t *ids, size_t n,
                  const uint32_t *fresh, size_t n_fresh) {
    while (n_fresh) {
        if (n && less(s, ids[n - 1], fresh[n_fresh - 1]) > 0) {
            ids[n + n_fresh - 1] = ids[n - 1];
            n--;
        } else {
            ids[n + n_fresh - 1] = fresh[n_fresh - 1];
            n_fresh--;
        }
    }
}

int store_settle(struct store *s) {
    size_t n_fresh = s->n - s->settled;
    if (n_fresh == 0) return 0;
    AUTO_MEM uint32_t *fresh = mem_new_array(n_fresh, sizeof *fresh);
    if (!fresh) return -ENOMEM;
    for (int i = 0; i < 2; i++) {
        int e = mem_grow(&s->order[i], &s->order_cap[i], s->n, sizeof **s->order);
        if (e) return e;
    }
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < n_fresh; k++) fresh[k] = (uint32_t)(s->settled + k);
        struct sorting sorting = {s, compare[i]};
        qsort_r(fresh, n_fresh, sizeof *fresh, sorting_compare, &sorting);
        merge(s, compare[i], s->order[i], s->settled, fresh, n_fresh);
    }
    s->settled = s->n;
    return 0;
}

size_t store_count(const struct store *s) { return s->settled; }

const struct store_event *store_get(const struct store *s, uint32_t id) { return &s->events[id]; }

uint32_t store_at(const struct store *s, enum store_order order, size_t place) {
    return s->order[order][place];
}

size_t store_first(const struct store *s, enum store_order order, int64_t ms) {
    size_t from = 0, to = s->settled;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct store_event *e = &s->events[s->order[order][middle]];
        int64_t time_ms = order == STORE_BY_PERSISTED ? e->persisted_ms : e->published_ms;
        if (time_ms < ms) from = middle + 1;
        else to = middle;
    }
    return from;
}

size_t store_place_published(const struct store *s, uint32_t id) {
    size_t from = 0, to = s->settled;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (compare_published(s, s->order[STORE_BY_PUBLISHED][middle], id) < 0) from = middle + 1;
        else to = middle;
    }
    return from;
}

bool store_find(const struct store *s, struct str uuid, uint32_t *ret_id) {
    uint32_t slot = s->slots[slot_of(s, uuid)];
    if (!slot || slot - 1 >= s->settled) return false;
    *ret_id = slot - 1;
    return true;
}

void store_served(struct store *s, int64_t ms) {
    if (ms > s->served_ms) s->served_ms = ms;
}
