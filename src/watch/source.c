// SPDX-License-Identifier: Apache-2.0
// A source asks for one page at a time: for the pair that has waited longest, and with it for all
// that stand at the same cursor. While some of those are still busy with the page before, it gives
// them a moment, so that outputs of unequal speed go on sharing their fetches.
#include <errno.h>

#include "watch/watch-internal.h"

// How long the quick pairs wait for the slow ones of their group.
enum { GRACE_MS = 1000 };
// A local clock further off than this is corrected and warned of.
enum { SKEW_MS = 60 * TIME_SECOND_MS };
// A page that stays broken so often has its broken events taken for dead letters.
enum { BROKEN_TRIES = 5 };

static const struct log *log_of(const struct source *s) { return s->watch->opts.log; }

static int make_pairs(struct source *s, struct fault *fault) {
    s->pairs = mem_new_array(s->opts->output_count, sizeof *s->pairs);
    if (!s->pairs) return -ENOMEM;
    for (size_t i = 0; i < s->opts->output_count; i++) {
        struct pair *p = &s->pairs[i];
        p->source = s;
        p->output = &s->watch->outputs[s->opts->outputs[i]];
        s->pair_count++;
        int e = pair_load(p, s->watch->opts.store, fault);
        if (e) return e;
    }
    return 0;
}

static void on_timer(void *ctx) { source_step(ctx); }

int source_init(struct source *s, struct watch *w, const struct watch_source_opts *opts,
                struct fault *fault) {
    s->watch = w;
    s->opts = opts;
    int e = ecs_mapper_new(&s->mapper, &opts->ecs);
    if (!e) e = loop_timer_new(&s->timer, w->opts.loop, on_timer, s);
    return e ? e : make_pairs(s, fault);
}

void source_fini(struct source *s) {
    s->call = okta_log_cancel(s->call);
    for (size_t i = 0; i < s->pair_count; i++) pair_fini(&s->pairs[i]);
    free(s->pairs);
    s->asking = page_unref(s->asking);
    s->spare = page_unref(s->spare);
    s->timer = loop_timer_free(s->timer);
    s->mapper = ecs_mapper_free(s->mapper);
}

void source_cancel(struct source *s) {
    s->call = okta_log_cancel(s->call);
    loop_timer_cancel(s->timer);
}

bool source_is_over(const struct source *s) {
    for (size_t i = 0; i < s->pair_count; i++)
        if (!pair_is_over(&s->pairs[i])) return false;
    return true;
}

int64_t source_now_ms(const struct source *s) { return time_now_ms() + s->clock_offset_ms; }

void source_complain(struct source *s, const char *what, const char *text) {
    if (s->complaint == what) return;
    s->complaint = what;
    if (what) log_warn(log_of(s), what, KV_STR("source", s->opts->name), KV_STR("reason", text));
    else log_info(log_of(s), "source.recovered", KV_STR("source", s->opts->name));
}

// ---- the page that is being asked for ----

static bool same_cursor(const struct pair *p, const char *cursor) {
    return p->cursor && strcmp(p->cursor, cursor) == 0;
}

// Calls `act` for each pair whose page is being asked for.
static void each_asking(struct source *s, void (*act)(struct pair *, void *), void *ctx) {
    for (size_t i = 0; i < s->pair_count; i++)
        if (s->pairs[i].state == PAIR_ASKING) act(&s->pairs[i], ctx);
}

void source_give_back(struct source *s, struct page *take_page) {
    bool reusable = take_page && take_page->refs == 1 && !take_page->caught_up;
    if (reusable && !s->spare) s->spare = TAKE(take_page);
    page_unref(take_page);
}

static void drop_page(struct source *s) { source_give_back(s, TAKE(s->asking)); }

static int take_empty_page(struct source *s) {
    s->asking = TAKE(s->spare);
    if (!s->asking) return page_new(&s->asking);
    page_reset(s->asking);
    return 0;
}

struct retry {
    int64_t now_mono_ms;
    int64_t at_least_ms;
};

static void ask_again(struct pair *p, void *ctx) {
    const struct retry *r = ctx;
    pair_ask_again(p, r->now_mono_ms, r->at_least_ms);
}

static void fail(struct source *s, const char *what, const char *text, int64_t at_least_ms) {
    struct retry r = {.now_mono_ms = time_mono_ms(), .at_least_ms = at_least_ms};
    source_complain(s, what, text);
    each_asking(s, ask_again, &r);
    drop_page(s);
}

static void hand_over(struct pair *p, void *ctx) {
    p->page = page_ref(ctx);
    p->failures = 0;
    output_enqueue(p->output, p);
}

// ---- mapping ----

static void map_work(void *ctx) {
    struct source *s = ctx;
    const struct page_map_opts opts = {
        .mapper = s->mapper,
        .source = s->opts->name,
        .fetched_ms = time_now_ms(),
        .accept_broken = s->broken_in_a_row >= BROKEN_TRIES,
        .stop = &s->watch->stop,
    };
    s->map_fault.text[0] = '\0';
    s->map_error = page_map(s->asking, &opts, &s->map_fault);
}

// Okta's clock minus the newest event: is there nothing more to be expected now?
static bool is_end(const struct source *s, const struct page *page) {
    if (page->received == 0 || strcmp(page->cursor, page->next) == 0) return true;
    if (page->received >= (size_t)s->opts->limit) return false;
    int64_t now = page->date_ms ? page->date_ms : source_now_ms(s);
    return page->newest_ms > now - s->opts->interval_ms;
}

static void report_page(struct source *s, const struct page *page) {
    s->stats.events += (int64_t)page->received;
    if (page->received == 0) return;
    s->stats.pages++;
    log_info(log_of(s), "okta.page", KV_STR("source", s->opts->name),
             KV_INT("events", page->received), KV_INT("bytes", page->body.n),
             KV_INT("behind_s", page->newest_ms ? (source_now_ms(s) - page->newest_ms) / 1000 : 0));
    s->stats.undated += (int64_t)page->undated;
    if (page->undated > 0 && !s->undated_said)
        log_warn(log_of(s), "okta.published_unreadable", KV_STR("source", s->opts->name),
                 KV_INT("events", page->undated));
    if (page->undated > 0) s->undated_said = true;
}

static void page_is_mapped(struct source *s) {
    struct page *page = s->asking;
    s->broken_in_a_row = 0;
    page->caught_up = is_end(s, page);
    source_complain(s, NULL, NULL);
    report_page(s, page);
    each_asking(s, hand_over, page);
    drop_page(s);
}

static void map_done(void *ctx) {
    struct source *s = ctx;
    s->mapping = false;
    watch_job_done(s->watch);
    if (s->watch->stopping) drop_page(s);
    else if (s->map_error == 0) page_is_mapped(s);
    else if (s->map_error == PAGE_E_BROKEN) {
        s->broken_in_a_row++;
        fail(s, "okta.page_broken", s->map_fault.text, 0);
    } else {
        fail(s, "watch.map_failed", error_text(s->map_error), 0);
    }
    source_step(s);
}

static void map(struct source *s) {
    s->mapping = true;
    int e = watch_job(s->watch, map_work, map_done, s);
    if (!e) return;
    s->mapping = false;
    fail(s, "watch.map_failed", error_text(e), 0);
}

// ---- answers ----

// Okta refuses a `since` of more than 180 days ago; it keeps 90, so nothing is missed.
static const int64_t since_max_ms = 179 * (int64_t)TIME_DAY_MS;

// How far a pair goes back when its cursor is refused. What comes again is recognised only as far
// as the uuids are remembered; a busy org fills that memory quickly, and then half of it is the way
// back.
static int64_t overlap_ms(const struct pair *p) {
    int64_t half = (p->published_ms - recent_since_ms(&p->recent)) / 2;
    return half < OVERLAP_MS ? half : OVERLAP_MS;
}

// Where a pair without a usable cursor begins: a little before the newest that it has, or the
// initial interval ago. `now_ms` is read once for all pairs, so that they stand together.
static int64_t since_for(const struct pair *p, int64_t now_ms) {
    int64_t oldest_ms = now_ms - since_max_ms;
    int64_t since_ms = p->published_ms ? p->published_ms - overlap_ms(p)
                                       : now_ms - p->source->opts->initial_interval_ms;
    return since_ms > oldest_ms ? since_ms : oldest_ms;
}

static void restart_new(struct pair *p, void *ctx) {
    const int64_t *now_ms = ctx;
    p->state = PAIR_IDLE;
    p->due_mono_ms = 0;
    if (p->is_new && pair_start_at(p, since_for(p, *now_ms)) != 0) pair_stop(p);
}

static void find_new(struct pair *p, void *ctx) {
    if (p->is_new) *(bool *)ctx = true;
}

// The very first request was made up by our clock. Where that was off, it has to be made again by
// Okta's.
static bool started_wrong(struct source *s, int64_t date_ms) {
    bool first = !s->clock_known;
    bool any_new = false;
    if (!date_ms) return false;
    s->clock_known = true;
    s->clock_offset_ms = date_ms - time_now_ms();
    bool off = s->clock_offset_ms > SKEW_MS || s->clock_offset_ms < -SKEW_MS;
    if (!first || !off) return false;
    log_warn(log_of(s), "watch.clock_off", KV_STR("source", s->opts->name),
             KV_INT("behind_okta_s", s->clock_offset_ms / 1000));
    each_asking(s, find_new, &any_new);
    return any_new;
}

static bool start_again(struct source *s, int64_t date_ms) {
    if (!started_wrong(s, date_ms)) return false;
    int64_t now_ms = source_now_ms(s);
    each_asking(s, restart_new, &now_ms);
    drop_page(s);
    return true;
}

static void on_page(struct source *s, const struct okta_log_answer *a) {
    if (start_again(s, a->date_ms)) return;
    s->asking->next = mem_copy(a->next.p, a->next.n);
    s->asking->date_ms = a->date_ms;
    if (s->asking->next) map(s);
    else fail(s, "watch.no_memory", "no memory for the next link", 0);
}

static void go_back(struct pair *p, void *ctx) {
    const int64_t *now_ms = ctx;
    p->state = PAIR_IDLE;
    p->due_mono_ms = 0;
    if (p->failures++ > 0) pair_ask_again(p, time_mono_ms(), 0);
    if (!pair_is_over(p) && pair_start_at(p, since_for(p, *now_ms)) != 0) pair_stop(p);
}

static void cursor_refused(struct source *s, const char *text) {
    int64_t now_ms = source_now_ms(s);
    source_complain(s, "okta.cursor_refused", text);
    each_asking(s, go_back, &now_ms);
    drop_page(s);
}

static void stop_pair(struct pair *p, void *ctx) {
    (void)ctx;
    pair_stop(p);
}

// Credentials or role are refused: nothing but a person can help. What is being delivered is
// finished.
static void refuse(struct source *s, const char *text) {
    s->stopped = true;
    s->complaint = "okta.refused";
    log_error(log_of(s), "okta.refused", KV_STR("source", s->opts->name), KV_STR("reason", text));
    each_asking(s, stop_pair, NULL);
    s->watch->failed = true;
    drop_page(s);
}

// A clock that is ahead makes a `since` in the future, which Okta refuses.
static void bad_request(struct source *s, const struct okta_log_answer *a) {
    if (start_again(s, a->date_ms)) return;
    if (s->watch->opts.once) refuse(s, a->fault.text);
    else fail(s, "okta.bad_request", a->fault.text, s->opts->interval_ms);
}

static void rate_limited(struct source *s, const struct okta_log_answer *a) {
    source_complain(s, a->concurrency ? "okta.concurrency_limited" : "okta.rate_limited",
                    a->fault.text);
    for (size_t i = 0; i < s->pair_count; i++)
        if (s->pairs[i].state == PAIR_ASKING) {
            s->pairs[i].state = PAIR_IDLE;
            s->pairs[i].due_mono_ms = time_mono_ms() + a->wait_ms;
        }
    drop_page(s);
}

static void on_answer(void *ctx, const struct okta_log_answer *a) {
    struct source *s = ctx;
    s->call = NULL;
    s->stats.requests++;
    switch (a->result) {
    case OKTA_LOG_PAGE: on_page(s, a); break;
    case OKTA_LOG_RATE_LIMITED: rate_limited(s, a); break;
    case OKTA_LOG_RETRY: fail(s, "okta.unreachable", a->fault.text, 0); break;
    case OKTA_LOG_BAD_PAGE: fail(s, "okta.page_refused", a->fault.text, 0); break;
    case OKTA_LOG_FOREIGN_LINK: fail(s, "okta.foreign_link", a->fault.text, 0); break;
    case OKTA_LOG_REFUSED: refuse(s, a->fault.text); break;
    case OKTA_LOG_BAD_REQUEST: bad_request(s, a); break;
    case OKTA_LOG_BAD_CURSOR: cursor_refused(s, a->fault.text); break;
    }
    source_step(s);
}

// ---- choosing what to do ----

static void warn_moved(const struct pair *p) {
    log_warn(log_of(p->source), "watch.org_moved", KV_STR("source", p->source->opts->name),
             KV_STR("output", p->output->opts->name),
             KV_STR("reason",
                    "the stored cursor belongs to another URL; going on by time at the new one"));
}

// Idle pairs without a cursor get one, new ones the same, so that they stand together.
static int make_up_cursors(struct source *s) {
    int64_t now_ms = source_now_ms(s);
    for (size_t i = 0; i < s->pair_count; i++) {
        struct pair *p = &s->pairs[i];
        if (p->state != PAIR_IDLE) continue;
        if (p->cursor && okta_log_is_own(s->opts->org, str_from(p->cursor))) continue;
        if (p->cursor) warn_moved(p);
        int e = pair_start_at(p, since_for(p, now_ms));
        if (e) return e;
    }
    return 0;
}

static int ask(struct source *s, struct pair *first) {
    int e = take_empty_page(s);
    if (e) return e;
    s->asking->cursor = mem_copy(first->cursor, strlen(first->cursor));
    if (!s->asking->cursor) return -ENOMEM;
    s->asking->asked_mono_ms = time_mono_ms();
    const struct okta_log_request request = {
        .url = s->asking->cursor,
        .into = &s->asking->body,
        .done = on_answer,
        .ctx = s,
    };
    e = okta_log_get(s->opts->org, &request, &s->call);
    if (e) return e;
    for (size_t i = 0; i < s->pair_count; i++) {
        struct pair *p = &s->pairs[i];
        if (p->state != PAIR_IDLE || !same_cursor(p, s->asking->cursor)) continue;
        p->state = PAIR_ASKING;
        p->asked_mono_ms = s->asking->asked_mono_ms;
    }
    return 0;
}

// The idle pair that is due and was asked for longest ago; NULL when there is none.
static struct pair *choose(struct source *s, int64_t now) {
    struct pair *best = NULL;
    for (size_t i = 0; i < s->pair_count; i++) {
        struct pair *p = &s->pairs[i];
        if (p->state != PAIR_IDLE || p->due_mono_ms > now) continue;
        if (!best || p->asked_mono_ms < best->asked_mono_ms) best = p;
    }
    return best;
}

// A page that another pair still holds and that begins where this one stands.
static struct page *find_live_page(const struct source *s, const struct pair *p) {
    for (size_t i = 0; i < s->pair_count; i++) {
        struct page *page = s->pairs[i].page;
        if (page && page->received > 0 && same_cursor(p, page->cursor)) return page;
    }
    return NULL;
}

// How long to wait for pairs that are about to arrive at the same cursor.
static int64_t grace_ms(const struct source *s, const struct pair *p, int64_t now) {
    int64_t grace = 0;
    for (size_t i = 0; i < s->pair_count; i++) {
        const struct pair *other = &s->pairs[i];
        if (other->state != PAIR_DELIVERING || other->failures > 0) continue;
        if (!same_cursor(p, other->page->next)) continue;
        int64_t left = other->page->asked_mono_ms + GRACE_MS - now;
        if (left > grace) grace = left;
    }
    return grace;
}

static void retry_due(struct source *s, int64_t now) {
    for (size_t i = 0; i < s->pair_count; i++) {
        struct pair *p = &s->pairs[i];
        if (p->state == PAIR_RETRY && p->due_mono_ms <= now) output_enqueue(p->output, p);
    }
}

// Starts the next request, or says in how many milliseconds to look again (0: nothing to wait for).
static int64_t ask_next(struct source *s, int64_t now) {
    struct pair *p = choose(s, now);
    if (!p) return 0;
    struct page *live = p->cursor ? find_live_page(s, p) : NULL;
    if (live) {
        p->asked_mono_ms = now;
        hand_over(p, live);
        return 1;
    }
    int64_t grace = p->cursor ? grace_ms(s, p, now) : 0;
    if (grace > 0) return grace;
    int e = make_up_cursors(s);
    if (!e) e = ask(s, p);
    if (!e) return 0;
    source_complain(s, "watch.cannot_ask", error_text(e));
    pair_ask_again(p, now, 0);
    drop_page(s);
    return 1;
}

static int64_t next_due_ms(const struct source *s, int64_t now) {
    int64_t wait = INT64_MAX;
    for (size_t i = 0; i < s->pair_count; i++) {
        const struct pair *p = &s->pairs[i];
        if (p->state != PAIR_IDLE && p->state != PAIR_RETRY) continue;
        int64_t left = p->due_mono_ms - now;
        if (left > 0 && left < wait) wait = left;
    }
    return wait;
}

static void stop_idle_pairs(struct source *s) {
    for (size_t i = 0; i < s->pair_count; i++)
        if (s->pairs[i].state == PAIR_IDLE) pair_stop(&s->pairs[i]);
}

static void step(struct source *s) {
    int64_t now = time_mono_ms();
    retry_due(s, now);
    if (s->stopped) stop_idle_pairs(s);
    int64_t look_again = s->asking ? 0 : ask_next(s, now);
    int64_t wait = next_due_ms(s, now);
    if (look_again > 0 && look_again < wait) wait = look_again;
    if (wait < INT64_MAX) loop_timer_set(s->timer, wait);
    else loop_timer_cancel(s->timer);
}

void source_step(struct source *s) {
    if (!s->watch->stopping) step(s);
    watch_check_finished(s->watch);
}
