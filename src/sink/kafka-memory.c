// SPDX-License-Identifier: Apache-2.0
// A slot of the trail takes the uuids of several pages, as long as they are few and come soon after
// each other: so the ring goes back far enough for pages of one event and for those of a thousand
// (watch/recent.h remembers 65536). It is written anew with each of them.
#include <errno.h>

#include "sink/kafka-memory-internal.h"

enum { SLOT_IDS = 1000, SLOT_MS = 10 * 1000, GONE_MAX = 200 };

static struct kafka_note *note_free(struct kafka_note *n) {
    if (!n) return NULL;
    free(n->source);
    free(n->ids);
    free(n);
    return NULL;
}

void kafka_memory_fini(struct kafka_memory *m) {
    while (m->first) {
        struct kafka_note *n = m->first;
        m->first = n->next_note;
        note_free(n);
    }
}

void kafka_change_fini(struct kafka_change *c) {
    c->slot = note_free(c->slot);
    c->had = note_free(c->had);
    free(TAKE(c->gone));
}

static void push(struct kafka_memory *m, struct kafka_note *n) {
    n->next_note = m->first;
    m->first = n;
}

static void drop(struct kafka_memory *m, const struct kafka_note *gone) {
    struct kafka_note **at = &m->first;
    while (*at && *at != gone) at = &(*at)->next_note;
    if (!*at) return;
    struct kafka_note *n = *at;
    *at = n->next_note;
    note_free(n);
}

static void drop_ids(struct kafka_note *n) {
    free(TAKE(n->ids));
    n->id_count = 0;
}

static bool is_of(const struct kafka_note *n, enum kafka_kind kind, const char *source) {
    return n->kind == kind && strcmp(n->source, source) == 0;
}

static const struct kafka_note *newest_slot(const struct kafka_memory *m, const char *source) {
    const struct kafka_note *newest = NULL;
    for (const struct kafka_note *n = m->first; n; n = n->next_note)
        if (is_of(n, KAFKA_TRAIL, source) && (!newest || n->slot.number > newest->slot.number))
            newest = n;
    return newest;
}

// ---- what was found

int kafka_memory_found(struct kafka_memory *m, struct kafka_record *take_r) {
    struct kafka_note *n = mem_new(sizeof *n);
    if (!n) return -ENOMEM;
    *n = (struct kafka_note){.kind = take_r->kind,
                             .source = TAKE(take_r->source),
                             .slot = take_r->slot,
                             .had = take_r->had,
                             .ids = TAKE(take_r->ids),
                             .id_count = take_r->id_count};
    push(m, n);
    return 0;
}

static bool is_foreign(const struct kafka_lanes *l, const char *source, bool polling_only) {
    for (const struct kafka_lane *lane = l->first; lane; lane = lane->next_lane)
        if (lane->foreign && !(polling_only && lane->at.window) &&
            strcmp(lane->source, source) == 0)
            return true;
    return false;
}

// Whether a caller is to be told of it.
static bool is_news(const struct kafka_lanes *l, const struct kafka_note *n) {
    return is_foreign(l, n->source, n->kind == KAFKA_TRAIL);
}

static void drop_known(const struct kafka_memory *m, struct kafka_lane *lane) {
    for (const struct kafka_note *n = m->first; n && lane->doubt_count > 0; n = n->next_note)
        if (strcmp(n->source, lane->source) == 0 && (n->kind == KAFKA_HAD || !lane->at.window))
            kafka_lane_drop_known(lane, (struct kafka_ids){n->ids, n->id_count});
}

void kafka_memory_settle(struct kafka_memory *m, struct kafka_lanes *l) {
    for (struct kafka_lane *lane = l->first; lane; lane = lane->next_lane)
        if (lane->foreign || strcmp(lane->found_state, l->state) != 0) drop_known(m, lane);
    for (struct kafka_note *n = m->first, *next; n; n = next) {
        next = n->next_note;
        if (is_news(l, n)) continue;
        if (n->kind == KAFKA_HAD) drop_ids(n);
        else if (n != newest_slot(m, n->source)) drop(m, n);
    }
}

// ---- telling

static struct str text_of(const struct kafka_note *n) {
    return (struct str){(const char *)n->ids, n->id_count * sizeof *n->ids};
}

static int by_number(const void *a, const void *b) {
    const struct kafka_note *const *x = a, *const *y = b;
    return ((*x)->slot.number > (*y)->slot.number) - ((*x)->slot.number < (*y)->slot.number);
}

// From the oldest on behind which nothing is missing.
static size_t find_begin(const struct kafka_note *const *slots, size_t n) {
    size_t at = n - 1;
    while (at > 0 && !slots[at]->slot.first &&
           slots[at - 1]->slot.number == slots[at]->slot.number - 1)
        at--;
    return at;
}

static int tell_slots(const struct kafka_note *const *slots, size_t n,
                      int (*each)(void *ctx, const struct sink_memory *m), void *ctx) {
    int r = 0;
    for (size_t i = find_begin(slots, n); r == 0 && i < n; i++) {
        const struct sink_memory memory = {.source = str_from(slots[i]->source),
                                           .recent = text_of(slots[i]),
                                           .before_ms = slots[i]->slot.before_ms};
        if (memory.recent.n) r = each(ctx, &memory);
    }
    return r;
}

static int tell_trail(const struct kafka_memory *m, const char *source,
                      int (*each)(void *ctx, const struct sink_memory *m), void *ctx) {
    size_t all = 0, n = 0;
    for (const struct kafka_note *at = m->first; at; at = at->next_note)
        all += is_of(at, KAFKA_TRAIL, source);
    if (all == 0) return 0;
    AUTO_MEM const struct kafka_note **slots = mem_new_array(all, sizeof *slots);
    if (!slots) return -ENOMEM;
    for (const struct kafka_note *at = m->first; at; at = at->next_note)
        if (is_of(at, KAFKA_TRAIL, source)) slots[n++] = at;
    qsort(slots, n, sizeof *slots, by_number);
    return tell_slots(slots, n, each, ctx);
}

static int tell_had(const struct kafka_note *n, int (*each)(void *ctx, const struct sink_memory *m),
                    void *ctx) {
    const struct sink_memory memory = {.source = str_from(n->source),
                                       .had = text_of(n),
                                       .window = n->had.window,
                                       .first_ms = n->had.first_ms,
                                       .last_ms = n->had.last_ms,
                                       .fetched_ms = n->had.fetched_ms};
    return each(ctx, &memory);
}

int kafka_memory_tell(const struct kafka_memory *m, const struct kafka_lanes *l,
                      int (*each)(void *ctx, const struct sink_memory *m), void *ctx) {
    int r = 0;
    for (const struct kafka_lane *lane = l->first; r == 0 && lane; lane = lane->next_lane)
        if (lane->foreign && !lane->at.window) r = tell_trail(m, lane->source, each, ctx);
    for (const struct kafka_note *n = m->first; r == 0 && n; n = n->next_note)
        if (n->kind == KAFKA_HAD && is_news(l, n)) r = tell_had(n, each, ctx);
    return r;
}

// ---- what a transaction changes

// A note of the ids, behind those of another one (NULL: none).
static struct kafka_note *note_new(const char *source, enum kafka_kind kind,
                                   const struct kafka_note *behind, struct str ids) {
    struct kafka_note *n = mem_new(sizeof *n);
    if (!n) return NULL;
    size_t before = behind ? behind->id_count : 0, more = ids.n / sizeof *n->ids;
    n->kind = kind;
    n->source = mem_copy(source, strlen(source));
    n->ids = mem_new_array(before + more + 1, sizeof *n->ids);
    n->id_count = before + more;
    if (!n->source || !n->ids) return note_free(n);
    if (before) memcpy(n->ids, behind->ids, before * sizeof *n->ids);
    if (more) memcpy(n->ids + before, ids.p, more * sizeof *n->ids);
    return n;
}

static bool takes_more(const struct kafka_note *newest, const struct kafka_lane *lane,
                       const struct sink_memory *memory) {
    if (!newest || lane->gap) return false;
    int64_t later_ms = memory->before_ms - newest->slot.before_ms;
    return newest->id_count + memory->recent.n / sizeof *newest->ids <= SLOT_IDS && later_ms >= 0 &&
           later_ms < SLOT_MS;
}

static int make_slot(struct kafka_change *c, const struct kafka_memory *m,
                     const struct kafka_lane *lane, const struct sink_memory *memory) {
    const struct kafka_note *newest = newest_slot(m, lane->source);
    bool more = takes_more(newest, lane, memory);
    if (memory->recent.n == 0 && !lane->gap) return 0;
    c->slot = note_new(lane->source, KAFKA_TRAIL, more ? newest : NULL, memory->recent);
    if (!c->slot) return -ENOMEM;
    c->slot->slot = (struct kafka_slot){.number = newest ? newest->slot.number + 1 : 1,
                                        .before_ms = memory->before_ms,
                                        .first = lane->gap};
    if (more) c->slot->slot = newest->slot;
    return 0;
}

static int make_had(struct kafka_change *c, const struct kafka_lane *lane,
                    const struct sink_memory *memory) {
    if (memory->had.n == 0) return 0;
    c->had = note_new(lane->source, KAFKA_HAD, NULL, memory->had);
    if (!c->had) return -ENOMEM;
    c->had->had =
        (struct kafka_had){.window = memory->window,
                           .since_ms = memory->window ? lane->at.since_ms : 0,
                           .first_ms = memory->first_ms,
                           .last_ms = memory->last_ms,
                           .fetched_ms = memory->fetched_ms,
                           .sum = kafka_ids_sum((struct kafka_ids){c->had->ids, c->had->id_count})};
    return 0;
}

static bool is_done(const struct kafka_lane *lane, const char *source) {
    return lane->at.window && lane->at.done && strcmp(lane->source, source) == 0;
}

// Where the windows that are done and begin at or before the instant end; the instant: there are
// none.
static int64_t done_until_ms(const struct kafka_lanes *l, const char *source, int64_t at_ms) {
    int64_t until_ms = at_ms;
    for (const struct kafka_lane *lane = l->first; lane; lane = lane->next_lane)
        if (is_done(lane, source) && lane->at.since_ms <= at_ms && lane->at.until_ms > until_ms)
            until_ms = lane->at.until_ms;
    return until_ms;
}

// Whether windows that are done hold all of it: none brings it again.
static bool is_covered(const struct kafka_lanes *l, const struct kafka_note *n) {
    int64_t at_ms = n->had.first_ms, until_ms = done_until_ms(l, n->source, at_ms);
    while (until_ms > at_ms && until_ms <= n->had.last_ms) {
        at_ms = until_ms;
        until_ms = done_until_ms(l, n->source, at_ms);
    }
    return until_ms > n->had.last_ms;
}

// Whether the window that it was a page of may bring its end again.
static bool is_at_hand(const struct kafka_lanes *l, const struct kafka_note *n) {
    for (const struct kafka_lane *lane = l->first; lane; lane = lane->next_lane)
        if (lane->at.window && lane->at.since_ms == n->had.since_ms &&
            strcmp(lane->source, n->source) == 0)
            return !lane->at.done && n->had.last_ms >= lane->at.position_ms;
    return false;
}

// As the state forgets them (store/history.h, store_had_forget).
static bool can_go(const struct kafka_lanes *l, const struct kafka_note *n, int64_t before_ms) {
    if (!n->had.window) return is_covered(l, n);
    return n->had.fetched_ms < before_ms && (!is_at_hand(l, n) || is_covered(l, n));
}

static int choose_gone(struct kafka_change *c, const struct kafka_memory *m,
                       const struct kafka_lanes *l, const char *source, int64_t before_ms) {
    if (before_ms <= 0) return 0;
    c->gone = mem_new_array(GONE_MAX, sizeof *c->gone);
    if (!c->gone) return -ENOMEM;
    for (struct kafka_note *n = m->first; n && c->gone_count < GONE_MAX; n = n->next_note)
        if (is_of(n, KAFKA_HAD, source) && can_go(l, n, before_ms)) c->gone[c->gone_count++] = n;
    return 0;
}

int kafka_change_make(struct kafka_change *ret, const struct kafka_memory *m,
                      const struct kafka_lanes *l, const struct kafka_lane *lane,
                      const struct sink_position *at) {
    AUTO_FINI(kafka_change) struct kafka_change c = {0};
    const struct sink_memory *memory = at->memory;
    if (memory) {
        int r = make_slot(&c, m, lane, memory);
        if (r == 0) r = make_had(&c, lane, memory);
        if (r == 0) r = choose_gone(&c, m, l, lane->source, memory->forget_ms);
        if (r) return r;
    }
    *ret = c;
    c = (struct kafka_change){0};
    return 0;
}

// ---- it is committed

static void drop_trail(struct kafka_memory *m, const char *source) {
    for (struct kafka_note *n = m->first, *next; n; n = next) {
        next = n->next_note;
        if (is_of(n, KAFKA_TRAIL, source)) drop(m, n);
    }
}

void kafka_memory_apply(struct kafka_memory *m, const struct kafka_lane *lane,
                        struct kafka_change *take_c) {
    for (size_t i = 0; i < take_c->gone_count; i++) drop(m, take_c->gone[i]);
    if (take_c->slot) drop_trail(m, take_c->slot->source);
    if (take_c->slot) push(m, TAKE(take_c->slot));
    if (take_c->had) push(m, TAKE(take_c->had));
    for (struct kafka_note *n = m->first; n; n = n->next_note)
        if (is_of(n, KAFKA_HAD, lane->source)) drop_ids(n); // whoever was to be told has been
    kafka_change_fini(take_c);
}
