// SPDX-License-Identifier: Apache-2.0
// A bounded page is ordered by `published`, so what belongs to the window is what stands before the
// events from its end on; events without `published` and dead letters, too. What stands out of the
// order (some of another page, once more) is judged by itself.
//
// What is on record is compared the cheap way round: the page's own uuids are sorted, and each uuid
// of the few rows in question is looked up among them, so that nothing of the rows is kept.
#include "watch/had.h"

#include <errno.h>

enum { FORGET_ROWS = 100, FORGET_SLICES = 50 };

void had_fini(struct had *h) {
    free(h->outside);
    free(h->known);
    *h = (struct had){0};
}

// ---- which events ----

static bool is_behind(const struct had *h, const struct page_event *event) {
    return event->has_published && event->published_ms >= h->pair->window.until_ms;
}

static bool is_before(const struct had *h, const struct page_event *event) {
    return event->has_published && event->published_ms < h->pair->stream->since_ms;
}

// Where the events begin behind which nothing of the window comes; NULL: nowhere on this page.
static const char *find_end(const struct had *h) {
    const char *end = NULL;
    for (size_t i = h->page->event_count; i-- > 0;) {
        const struct page_event *event = &h->page->events[i];
        if (is_behind(h, event)) end = event->text.p;
        else if (event->has_published) break;
    }
    return end;
}

static void cut_at_end(struct had *h, const char *end) {
    h->reached_end = true;
    while (h->events > 0 && h->page->events[h->events - 1].text.p >= end) h->events--;
    while (h->dead > 0 && h->page->dead[h->dead - 1].letter.event.p >= end) h->dead--;
}

static void find_outside(struct had *h) {
    const char *end = find_end(h);
    if (end) cut_at_end(h, end);
    for (size_t i = 0; i < h->events; i++) {
        const struct page_event *event = &h->page->events[i];
        h->outside[i] = is_before(h, event) || is_behind(h, event);
    }
}

// Of a window all; of what polling brings, what was published before the pair began to poll.
bool had_is_to_be_kept(const struct had *h, size_t event) {
    const struct page_event *e = &h->page->events[event];
    if (h->outside[event]) return false;
    if (!pair_is_polling(h->pair)) return true;
    return e->has_published && e->published_ms < h->pair->start_ms;
}

static void note_range(struct had *h, int64_t at_ms) {
    if (!h->any || at_ms < h->first_ms) h->first_ms = at_ms;
    if (!h->any || at_ms > h->last_ms) h->last_ms = at_ms;
    h->any = true;
}

// ---- which of them are known ----

struct named {
    struct hash128 id;
    size_t event;
};

struct search {
    struct named *named; // of the page, sorted by id
    int64_t *instants;   // sorted
    size_t n, instant_count;
    bool *known;
};

static int by_id(const void *a, const void *b) {
    const struct named *x = a;
    const struct named *y = b;
    if (x->id.lo != y->id.lo) return x->id.lo < y->id.lo ? -1 : 1;
    return (x->id.hi > y->id.hi) - (x->id.hi < y->id.hi);
}

static int by_instant(const void *a, const void *b) {
    const int64_t *x = a;
    const int64_t *y = b;
    return (*x > *y) - (*x < *y);
}

static void compare_row(void *ctx, struct str uuids) {
    struct search *s = ctx;
    for (size_t at = 0; at + sizeof(struct hash128) <= uuids.n; at += sizeof(struct hash128)) {
        struct named wanted;
        memcpy(&wanted.id, uuids.p + at, sizeof wanted.id);
        const struct named *found = bsearch(&wanted, s->named, s->n, sizeof wanted, by_id);
        if (found) s->known[found->event] = true;
    }
}

static void fill_search(struct search *s, struct had *h) {
    for (size_t i = 0; i < h->events; i++) {
        const struct page_event *event = &h->page->events[i];
        if (!had_is_to_be_kept(h, i)) continue;
        s->named[s->n++] = (struct named){event->id, i};
        if (!event->has_published) continue;
        s->instants[s->instant_count++] = event->published_ms;
        note_range(h, event->published_ms);
    }
    qsort(s->named, s->n, sizeof *s->named, by_id);
    qsort(s->instants, s->instant_count, sizeof *s->instants, by_instant);
}

static int search_store(struct had *h, struct search *s, struct fault *fault) {
    fill_search(s, h);
    const struct store_had_query q = {.source = source_name(h->pair->source),
                                      .output = str_from(h->pair->output->opts->name),
                                      .instants = s->instants,
                                      .n = s->instant_count,
                                      .each = compare_row,
                                      .ctx = s};
    return store_had_find(h->pair->source->watch->opts.store, &q, fault);
}

static int find_known(struct had *h, struct fault *fault) {
    struct search s = {.known = h->known};
    if (h->events == 0 || (pair_is_polling(h->pair) && h->pair->start_ms == 0)) return 0;
    s.named = mem_new_array(h->events, sizeof *s.named);
    s.instants = mem_new_array(h->events, sizeof *s.instants);
    int e = s.named && s.instants ? search_store(h, &s, fault) : -ENOMEM;
    free(s.named);
    free(s.instants);
    return e;
}

int had_look(struct had *ret, const struct pair *p, struct fault *fault) {
    AUTO_FINI(had) struct had h = {.pair = p, .page = p->page};
    h.events = p->page->event_count;
    h.dead = p->page->dead_count;
    h.outside = mem_new_array(h.events, sizeof *h.outside);
    h.known = mem_new_array(h.events, sizeof *h.known);
    if (!h.outside || !h.known) return -ENOMEM;
    if (!pair_is_polling(p)) find_outside(&h);
    int e = find_known(&h, fault);
    if (e) return e;
    *ret = h;
    h = (struct had){0};
    return 0;
}

// ---- forgetting ----

// Pages come in the order of persistence, and nothing is logged before it is published: so all that
// was logged before the newest `published` of a page has been polled. An empty page says the same
// of the time when it was made.
static int64_t polled_until_ms(const struct page *page) {
    return page->received > 0 ? page->newest_ms : page->date_ms;
}

int64_t had_settled_ms(const struct page *page) { return polled_until_ms(page) - SETTLED_MS; }

int had_forget(const struct pair *p, bool *ret_left, struct fault *fault) {
    struct store *store = p->source->watch->opts.store;
    struct str source = source_name(p->source);
    struct str output = str_from(p->output->opts->name);
    int64_t before_ms = had_settled_ms(p->page);
    int64_t gone = FORGET_ROWS;
    for (int i = 0; i < FORGET_SLICES && gone == FORGET_ROWS; i++) {
        int e = store_had_forget(store, source, output, before_ms, FORGET_ROWS, &gone, fault);
        if (e) return e;
    }
    return store_had_any(store, source, output, ret_left, fault);
}
