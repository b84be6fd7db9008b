// SPDX-License-Identifier: Apache-2.0
// What becomes of a stream's request: the answer, its mapping, and what the pairs do that it was
// for.
#include <errno.h>

#include "watch/watch-internal.h"

// A local clock further off than this is corrected and warned of.
enum { SKEW_MS = 60 * TIME_SECOND_MS };

static const struct log *log_of(const struct stream *t) { return t->source->watch->opts.log; }

// Calls `act` for each pair whose page is being asked for.
static void each_asking(struct stream *t, void (*act)(struct pair *, void *), void *ctx) {
    for (size_t i = 0; i < t->pair_count; i++)
        if (t->pairs[i].state == PAIR_ASKING) act(&t->pairs[i], ctx);
}

void stream_drop_page(struct stream *t) { source_give_back(t->source, TAKE(t->asking)); }

struct retry {
    int64_t now_mono_ms;
    int64_t at_least_ms;
};

static void ask_again(struct pair *p, void *ctx) {
    const struct retry *r = ctx;
    pair_ask_again(p, r->now_mono_ms, r->at_least_ms);
}

void stream_fail(struct stream *t, const char *what, const char *text, int64_t at_least_ms) {
    struct retry r = {.now_mono_ms = time_mono_ms(), .at_least_ms = at_least_ms};
    source_complain(t->source, t, what, text);
    stand_warn(t->source->watch);
    each_asking(t, ask_again, &r);
    stream_drop_page(t);
}

void stream_hand_over(struct pair *p, struct page *page) {
    p->page = page_ref(page);
    p->failures = 0;
    output_enqueue(p->output, p);
}

// A window's page does not wait for an output that got into trouble meanwhile.
static void hand_over(struct pair *p, void *ctx) {
    bool in_vain = !pair_is_polling(p) && output_is_in_trouble(p->output) && !p->held_up;
    if (in_vain) p->state = PAIR_IDLE;
    else stream_hand_over(p, ctx);
}

// ---- the mapped page ----

// Okta's clock minus the newest event: is there nothing more to be expected now?
static bool is_end(const struct stream *t, const struct page *page) {
    const struct watch_source_opts *opts = t->source->opts;
    if (t->bounded) return false;
    if (opts->journal) return !page->more && !t->woken;
    if (page->received == 0 || strcmp(page->cursor, page->next) == 0) return true;
    if (page->received >= (size_t)opts->limit) return false;
    int64_t now = page->date_ms ? page->date_ms : source_now_ms(t->source);
    return page->newest_ms > now - opts->interval_ms;
}

static void report_page(struct stream *t, const struct page *page) {
    struct source *s = t->source;
    s->stats.events += (int64_t)page->received;
    if (page->received == 0) return;
    s->stats.pages++;
    if (!s->opts->journal) watch_budgets_note(s->watch);
    // A history has very many pages, and so has the journal of a busy gate.
    enum log_level level = t->bounded || s->opts->journal ? LOG_DEBUG : LOG_INFO;
    LOG_AT(log_of(t), level, s->opts->journal ? "gate.page" : "okta.page",
           KV_STR("source", s->opts->name), KV_INT("events", page->received),
           KV_INT("bytes", page->body.n),
           KV_INT("behind_s", page->newest_ms ? (source_now_ms(s) - page->newest_ms) / 1000 : 0));
    s->stats.undated += (int64_t)page->undated;
    if (page->undated > 0 && !s->undated_said)
        log_warn(log_of(t), "okta.published_unreadable", KV_STR("source", s->opts->name),
                 KV_INT("events", page->undated));
    if (page->undated > 0) s->undated_said = true;
}

static void page_is_mapped(struct stream *t) {
    struct page *page = t->asking;
    t->broken_in_a_row = 0;
    page->caught_up = is_end(t, page);
    source_complain(t->source, t, NULL, NULL);
    report_page(t, page);
    source_tell(t->source, page);
    each_asking(t, hand_over, page);
    stream_drop_page(t);
}

void stream_mapped(struct stream *t) {
    t->mapped = t->splitting;
    if (t->mapped) return; // called again when the split is over
    t->mapping = false;
    if (t->source->watch->stopping) stream_drop_page(t);
    else if (t->map_error == 0) page_is_mapped(t);
    else if (t->map_error == PAGE_E_BROKEN) {
        t->broken_in_a_row++;
        stream_fail(t, "okta.page_broken", t->map_fault.text, 0);
    } else {
        const char *text = t->map_fault.text;
        stream_fail(t, "watch.map_failed", *text ? text : error_text(t->map_error), 0);
    }
    stream_step(t);
}

// ---- our clock and Okta's ----

// `now_ms` is read once for all pairs, so that they stand together.
static void restart_new(struct pair *p, void *ctx) {
    const int64_t *now_ms = ctx;
    p->state = PAIR_IDLE;
    p->due_mono_ms = 0;
    if (p->is_new && pair_start(p, *now_ms) != 0) pair_stop(p);
}

static void find_new(struct pair *p, void *ctx) {
    if (p->is_new && pair_is_polling(p)) *(bool *)ctx = true;
}

// The very first request was made up by our clock. Where that was off, it has to be made again by
// Okta's.
static bool started_wrong(struct stream *t, int64_t date_ms) {
    struct source *s = t->source;
    bool first = !s->clock_known;
    bool any_new = false;
    if (!date_ms) return false;
    s->clock_known = true;
    s->clock_offset_ms = date_ms - time_now_ms();
    bool off = s->clock_offset_ms > SKEW_MS || s->clock_offset_ms < -SKEW_MS;
    if (!first || !off) return false;
    log_warn(log_of(t), "watch.clock_off", KV_STR("source", s->opts->name),
             KV_INT("behind_okta_s", s->clock_offset_ms / 1000));
    each_asking(t, find_new, &any_new);
    return any_new;
}

static bool start_again(struct stream *t, int64_t date_ms) {
    if (!started_wrong(t, date_ms)) return false;
    int64_t now_ms = source_now_ms(t->source);
    each_asking(t, restart_new, &now_ms);
    stream_drop_page(t);
    return true;
}

// ---- answers ----

static int take_next(struct page *page, struct str next) {
    if (!next.p) return 0;
    page->next = mem_copy(next.p, next.n);
    return page->next ? 0 : -ENOMEM;
}

static void on_page(struct stream *t, const struct okta_log_answer *a) {
    if (start_again(t, a->date_ms)) return;
    if (!t->source->heard) history_look(&t->source->history);
    t->source->heard = true;
    int e = take_next(t->asking, a->next);
    t->asking->date_ms = a->date_ms;
    t->sent_ms = a->http ? a->http->elapsed_ms : 0;
    t->answered_mono_ms = time_mono_ms();
    if (e) {
        stream_fail(t, "watch.no_memory", "no memory for the next link", 0);
    } else if (!t->asking->next && !t->bounded) {
        stream_fail(t, "okta.page_refused", "the page has no next link", 0);
    } else {
        t->mapping = true;
        source_map(t);
    }
}

static void go_back(struct pair *p, void *ctx) {
    const int64_t *now_ms = ctx;
    p->state = PAIR_IDLE;
    p->due_mono_ms = 0;
    if (p->failures++ > 0) pair_ask_again(p, time_mono_ms(), 0);
    if (!pair_is_over(p) && pair_start(p, *now_ms) != 0) pair_stop(p);
}

static void cursor_refused(struct stream *t, const char *text) {
    int64_t now_ms = source_now_ms(t->source);
    source_complain(t->source, t, "okta.cursor_refused", text);
    each_asking(t, go_back, &now_ms);
    stream_drop_page(t);
}

static void stop_pair(struct pair *p, void *ctx) {
    (void)ctx;
    pair_stop(p);
}

// Credentials or role are refused: nothing but a person can help. What is being delivered is
// finished.
static void refuse(struct stream *t, const char *text) {
    struct source *s = t->source;
    source_refuse(s, text);
    each_asking(t, stop_pair, NULL);
    stream_drop_page(t);
    source_step(s);
}

// A clock that is ahead makes a `since` in the future, which Okta refuses.
static void bad_request(struct stream *t, const struct okta_log_answer *a) {
    const struct watch_opts *opts = &t->source->watch->opts;
    if (start_again(t, a->date_ms)) return;
    if (opts->once) refuse(t, a->fault.text);
    else stream_fail(t, "okta.bad_request", a->fault.text, t->source->opts->interval_ms);
}

static void rate_limited(struct stream *t, const struct okta_log_answer *a) {
    source_complain(t->source, t, a->concurrency ? "okta.concurrency_limited" : "okta.rate_limited",
                    a->fault.text);
    t->source->refused_ms = time_now_ms();
    watch_budgets_note(t->source->watch);
    for (size_t i = 0; i < t->pair_count; i++)
        if (t->pairs[i].state == PAIR_ASKING) {
            t->pairs[i].state = PAIR_IDLE;
            t->pairs[i].due_mono_ms = time_mono_ms() + a->wait_ms;
        }
    stream_drop_page(t);
}

static void on_answer(void *ctx, const struct okta_log_answer *a) {
    struct stream *t = ctx;
    t->call = NULL;
    t->source->stats.requests++;
    switch (a->result) {
    case OKTA_LOG_PAGE: on_page(t, a); break;
    case OKTA_LOG_RATE_LIMITED: rate_limited(t, a); break;
    case OKTA_LOG_RETRY: stream_fail(t, "okta.unreachable", a->fault.text, 0); break;
    case OKTA_LOG_BAD_PAGE: stream_fail(t, "okta.page_refused", a->fault.text, 0); break;
    case OKTA_LOG_FOREIGN_LINK: stream_fail(t, "okta.foreign_link", a->fault.text, 0); break;
    case OKTA_LOG_REFUSED: refuse(t, a->fault.text); break;
    case OKTA_LOG_BAD_REQUEST: bad_request(t, a); break;
    case OKTA_LOG_BAD_CURSOR: cursor_refused(t, a->fault.text); break;
    }
    stream_step(t);
}

static int send(struct stream *t) {
    const struct okta_log_request request = {
        .url = t->asking->cursor,
        .class = t->bounded ? BUDGET_BACKFILL : BUDGET_COLLECTION,
        .into = &t->asking->body,
        .done = on_answer,
        .ctx = t,
    };
    return okta_log_get(t->source->opts->org, &request, &t->call);
}

// The journal is at hand: what it answers is found by the job.
static void read_journal(struct stream *t) {
    t->asking->date_ms = time_now_ms();
    t->woken = false;
    t->mapping = true;
    source_map(t);
}

int stream_ask(struct stream *t, struct pair *first) {
    bool journal = t->source->opts->journal;
    int e = source_take_page(t->source, &t->asking);
    if (e) return e;
    t->asking->cursor = mem_copy(first->cursor, strlen(first->cursor));
    if (!t->asking->cursor) return -ENOMEM;
    t->asking->asked_mono_ms = time_mono_ms();
    if (!journal) e = send(t);
    if (e) return e;
    for (size_t i = 0; i < t->pair_count; i++) {
        struct pair *p = &t->pairs[i];
        if (p->state != PAIR_IDLE || !p->cursor || strcmp(p->cursor, t->asking->cursor) != 0 ||
            !output_is_joined(p->output))
            continue;
        p->state = PAIR_ASKING;
        p->asked_mono_ms = t->asking->asked_mono_ms;
    }
    if (journal) read_journal(t);
    return 0;
}
