// SPDX-License-Identifier: Apache-2.0
// Both kinds of query are a walk through one of the store's orders from a place that the cursor
// names. Events without a filter are never parsed.
#include "sim/page.h"

#include <errno.h>
#include <stdio.h>

#include "base/parse.h"

#define NIL_UUID "00000000-0000-0000-0000-000000000000"

struct walk {
    enum store_order order;
    size_t place;
    size_t end; // for descending walks: how many places lie before the range's end, counted down
    bool down;
    size_t last;  // the place of the event looked at last
    size_t taken; // the place of the event that went into the page last
};

// Is it there for this query? Outcomes: 0 no; 1 yes; -ENOMEM.
static int is_wanted(const struct page_source *source, const struct query *q,
                     const struct store_event *event) {
    if (event->persisted_ms > source->now_ms) return 0;
    if (event->published_ms < source->now_ms - source->retention_ms) return 0;
    if (!q->filter && q->q.n == 0) return 1;
    const struct json *value;
    int e = json_read(source->reader, event->json, &value, NULL);
    if (e < 0) return e;
    if (e > 0) return 0;
    return (!q->filter || filter_match(q->filter, value)) && keywords_match(&q->q, value);
}

static bool walk_next(struct walk *w, const struct store *store, uint32_t *ret_id) {
    if (w->place >= w->end) return false;
    size_t place = w->down ? w->end - 1 : w->place;
    *ret_id = store_at(store, w->order, place);
    w->last = place;
    if (w->down) w->end--;
    else w->place++;
    return true;
}

// Fills the page, and looks one event further to know whether more waits.
static int fill(struct page *page, const struct page_source *source, const struct query *q,
                struct walk *w, size_t most) {
    uint32_t id;
    while (walk_next(w, source->store, &id)) {
        int wanted = is_wanted(source, q, store_get(source->store, id));
        if (wanted < 0) return wanted;
        if (!wanted) continue;
        page->more = page->n == most;
        if (page->more) return 0;
        page->ids[page->n++] = id;
        w->taken = w->last;
    }
    return 0;
}

static void set_polling_cursor(struct page *page, int64_t ms, size_t n) {
    snprintf(page->cursor, sizeof page->cursor, "%lld_%zu", (long long)ms, n);
}

static int polling_start(const struct page_source *source, const struct query *q, int64_t *ret_ms,
                         size_t *ret_n) {
    *ret_ms = q->since_ms;
    *ret_n = 0;
    if (!q->after.p) return 0;
    struct str n_text = q->after;
    struct str ms_text = str_split(&n_text, '_');
    uint64_t n;
    if (!parse_i64(ms_text, ret_ms) || *ret_ms < 0 || !n_text.p || !parse_u64(n_text, &n))
        return PAGE_E_CURSOR;
    const struct store *store = source->store;
    size_t first = store_first(store, STORE_BY_PERSISTED, *ret_ms);
    size_t after = store_first(store, STORE_BY_PERSISTED, *ret_ms + 1);
    if (n > after - first) return PAGE_E_CURSOR;
    *ret_n = (size_t)n;
    return 0;
}

static int read_polling(struct page *page, const struct page_source *source, const struct query *q,
                        size_t most) {
    int64_t ms;
    size_t n;
    int e = polling_start(source, q, &ms, &n);
    if (e) return e;
    struct store *store = source->store;
    struct walk w = {.order = STORE_BY_PERSISTED,
                     .place = store_first(store, STORE_BY_PERSISTED, ms) + n,
                     .end = store_first(store, STORE_BY_PERSISTED, source->now_ms + 1)};
    e = fill(page, source, q, &w, most);
    if (e) return e;
    page->has_next = true;
    page->caught_up = page->n == 0 && !page->more;
    if (page->n) {
        ms = store_get(store, page->ids[page->n - 1])->persisted_ms;
        n = w.taken - store_first(store, STORE_BY_PERSISTED, ms) + 1;
    }
    set_polling_cursor(page, ms, n);
    store_served(store, ms);
    return 0;
}

// Moves the walk behind the event that the cursor names.
static int bounded_start(const struct page_source *source, const struct query *q, struct walk *w) {
    if (!q->after.p || str_eqz(q->after, NIL_UUID)) return 0;
    uint32_t id;
    if (!store_find(source->store, q->after, &id)) return PAGE_E_CURSOR;
    size_t place = store_place_published(source->store, id);
    if (place < w->place || place >= w->end) return PAGE_E_CURSOR;
    if (w->down) w->end = place;
    else w->place = place + 1;
    return 0;
}

static int read_bounded(struct page *page, const struct page_source *source, const struct query *q,
                        size_t most) {
    struct walk w = {.order = STORE_BY_PUBLISHED,
                     .place = store_first(source->store, STORE_BY_PUBLISHED, q->since_ms),
                     .end = store_first(source->store, STORE_BY_PUBLISHED, q->until_ms),
                     .down = !q->ascending};
    int e = bounded_start(source, q, &w);
    if (!e) e = fill(page, source, q, &w, most);
    if (e) return e;
    page->has_next = page->more && q->limit > 0;
    struct str cursor = q->after.p ? q->after : STR(NIL_UUID);
    if (page->n) cursor = store_get(source->store, page->ids[page->n - 1])->uuid;
    snprintf(page->cursor, sizeof page->cursor, "%.*s", STR_ARG(cursor));
    return 0;
}

int page_read(struct page *ret, const struct page_source *source, const struct query *q,
              size_t most) {
    ret->n = 0;
    ret->more = ret->has_next = ret->caught_up = false;
    return q->polling ? read_polling(ret, source, q, most) : read_bounded(ret, source, q, most);
}
