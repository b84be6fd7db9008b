// SPDX-License-Identifier: Apache-2.0
// A stream asks for one page at a time: for the pair that has waited longest, and with it for all
// that stand at the same cursor. While some of those are still busy with the page before, it gives
// them a moment, so that outputs of unequal speed go on sharing their fetches.
//
// An output that is in trouble is tried with the one page that it did not take; its pairs in other
// windows wait, so that no more than a page waits for it.
#include <errno.h>

#include "base/parse.h"
#include "watch/watch-internal.h"

// How long the quick pairs wait for the slow ones of their group.
enum { GRACE_MS = 1000 };

static const struct log *log_of(const struct stream *t) { return t->source->watch->opts.log; }

static void on_timer(void *ctx) { stream_step(ctx); }

int stream_init(struct stream *t, struct source *s, size_t pair_count) {
    t->source = s;
    t->pairs = mem_new_array(pair_count, sizeof *t->pairs);
    if (!t->pairs) return -ENOMEM;
    return loop_timer_new(&t->timer, s->watch->opts.loop, on_timer, t);
}

void stream_fini(struct stream *t) {
    t->call = okta_log_cancel(t->call);
    for (size_t i = 0; i < t->pair_count; i++) pair_fini(&t->pairs[i]);
    free(t->pairs);
    t->asking = page_unref(t->asking);
    t->timer = loop_timer_free(t->timer);
}

void stream_cancel(struct stream *t) {
    t->call = okta_log_cancel(t->call);
    if (t->timer) loop_timer_cancel(t->timer);
}

bool stream_is_over(const struct stream *t) {
    for (size_t i = 0; i < t->pair_count; i++)
        if (!pair_is_over(&t->pairs[i])) return false;
    return true;
}

// ---- choosing what to do ----

static bool same_cursor(const struct pair *p, const char *cursor) {
    return p->cursor && cursor && strcmp(p->cursor, cursor) == 0;
}

static bool is_own(const struct pair *p) {
    int64_t number;
    if (p->source->opts->journal) return parse_i64(str_from(p->cursor), &number);
    return okta_log_is_own(p->source->opts->org, str_from(p->cursor));
}

static void warn_moved(const struct pair *p) {
    log_warn(log_of(p->stream), "watch.org_moved", KV_STR("source", p->source->opts->name),
             KV_STR("output", p->output->opts->name),
             KV_STR("reason",
                    "the stored cursor belongs to another URL; going on by time at the new one"));
}

// Idle pairs without a cursor get one, new ones the same, so that they stand together.
static int make_up_cursors(struct stream *t) {
    int64_t now_ms = source_now_ms(t->source);
    for (size_t i = 0; i < t->pair_count; i++) {
        struct pair *p = &t->pairs[i];
        if (p->state != PAIR_IDLE || !output_is_joined(p->output)) continue;
        if (p->cursor && is_own(p)) continue;
        if (p->cursor) warn_moved(p);
        int e = pair_start(p, now_ms);
        if (e) return e;
    }
    return 0;
}

// Its output has a page that it did not take: that one first. Or where the pair stands is not known
// yet.
static bool must_wait(const struct pair *p) {
    if (!output_is_joined(p->output)) return true;
    return !pair_is_polling(p) && output_is_in_trouble(p->output) && !p->held_up;
}

// In a window nobody runs ahead of a pair that can go on: once it stands at the same cursor, both
// share their pages, where otherwise each would be fetched twice to the end.
static bool is_ahead(const struct stream *t, const struct pair *p) {
    for (size_t i = 0; t->bounded && i < t->pair_count; i++) {
        const struct pair *other = &t->pairs[i];
        if (pair_is_over(other) || other->held_up || output_is_in_trouble(other->output)) continue;
        if (other->window.position_ms < p->window.position_ms) return true;
    }
    return false;
}

// The idle pair that is due and was asked for longest ago; NULL when there is none.
static struct pair *choose(struct stream *t, int64_t now) {
    struct pair *best = NULL;
    for (size_t i = 0; i < t->pair_count; i++) {
        struct pair *p = &t->pairs[i];
        if (p->state != PAIR_IDLE || p->due_mono_ms > now) continue;
        if (must_wait(p) || is_ahead(t, p)) continue;
        if (!best || p->asked_mono_ms < best->asked_mono_ms) best = p;
    }
    return best;
}

// A page that another pair still holds and that begins where this one stands.
static struct page *find_live_page(const struct stream *t, const struct pair *p) {
    for (size_t i = 0; i < t->pair_count; i++) {
        struct page *page = t->pairs[i].page;
        if (page && page->received > 0 && same_cursor(p, page->cursor) &&
            page_has_form(page, p->output->opts->form))
            return page;
    }
    return NULL;
}

// How long to wait for pairs that are about to arrive at the same cursor.
static int64_t grace_ms(const struct stream *t, const struct pair *p, int64_t now) {
    int64_t grace = 0;
    for (size_t i = 0; i < t->pair_count; i++) {
        const struct pair *other = &t->pairs[i];
        if (other->state != PAIR_DELIVERING || other->failures > 0) continue;
        if (!same_cursor(p, other->page->next)) continue;
        int64_t left = other->page->asked_mono_ms + GRACE_MS - now;
        if (left > grace) grace = left;
    }
    return grace;
}

static void retry_due(struct stream *t, int64_t now) {
    for (size_t i = 0; i < t->pair_count; i++) {
        struct pair *p = &t->pairs[i];
        if (p->state == PAIR_RETRY && p->due_mono_ms <= now) output_enqueue(p->output, p);
    }
}

// Starts the next request, or says in how many milliseconds to look again (0: nothing to wait for).
static int64_t ask_next(struct stream *t, int64_t now) {
    struct pair *p = choose(t, now);
    if (!p) return 0;
    struct page *live = p->cursor ? find_live_page(t, p) : NULL;
    if (live) {
        p->asked_mono_ms = now;
        stream_hand_over(p, live);
        return 1;
    }
    int64_t grace = p->cursor ? grace_ms(t, p, now) : 0;
    if (grace > 0) return grace;
    int e = make_up_cursors(t);
    if (!e) e = stream_ask(t, p);
    if (!e) return 0;
    source_complain(t->source, t, "watch.cannot_ask", error_text(e));
    pair_ask_again(p, now, 0);
    stream_drop_page(t);
    return 1;
}

static int64_t next_due_ms(const struct stream *t, int64_t now) {
    int64_t wait = INT64_MAX;
    for (size_t i = 0; i < t->pair_count; i++) {
        const struct pair *p = &t->pairs[i];
        if (p->state != PAIR_IDLE && p->state != PAIR_RETRY) continue;
        if (p->due_mono_ms == INT64_MAX) continue; // waits to be woken
        int64_t left = p->due_mono_ms - now;
        if (left > 0 && left < wait) wait = left;
    }
    return wait;
}

static void stop_idle_pairs(struct stream *t) {
    for (size_t i = 0; i < t->pair_count; i++)
        if (t->pairs[i].state == PAIR_IDLE) pair_stop(&t->pairs[i]);
}

static bool may_ask(const struct stream *t) { return !t->asking && (!t->bounded || t->active); }

static void step(struct stream *t) {
    int64_t now = time_mono_ms();
    retry_due(t, now);
    if (t->source->stopped) stop_idle_pairs(t);
    int64_t look_again = may_ask(t) ? ask_next(t, now) : 0;
    int64_t wait = next_due_ms(t, now);
    if (look_again > 0 && look_again < wait) wait = look_again;
    if (wait < INT64_MAX) loop_timer_set(t->timer, wait);
    else loop_timer_cancel(t->timer);
}

void stream_step(struct stream *t) {
    if (!t->source->watch->stopping && !t->splitting) step(t);
    if (t->bounded && stream_is_over(t)) history_look(&t->source->history);
    watch_check_finished(t->source->watch);
}
