// SPDX-License-Identifier: Apache-2.0
// Windows of the history: as few are asked at once as spend the rate budget. When another is wanted
// and none waits, the one with the most to come is split in two; that is also how the last ones
// share what is left. A split costs at most about one page that both sides read.
//
// Decisions are made in turns of the loop of their own (history_look), never from within a stream.
#include <errno.h>

#include "watch/watch-internal.h"

static int64_t max_i64(int64_t a, int64_t b) { return a > b ? a : b; }

static struct store *store_of(const struct history *h) { return h->source->watch->opts.store; }

// ---- windows on record become streams ----

static bool has_output(const struct stream *t, const struct output *o) {
    for (size_t i = 0; i < t->pair_count; i++)
        if (t->pairs[i].output == o) return true;
    return false;
}

static struct stream *find_stream(const struct history *h, const struct store_window *w,
                                  const struct output *o) {
    for (struct stream *t = h->windows; t; t = t->next)
        if (t->since_ms == w->since_ms && t->until_ms == w->until_ms && !t->asked &&
            !has_output(t, o))
            return t;
    return NULL;
}

static int make_stream(struct history *h, int64_t since_ms, int64_t until_ms, struct stream **ret) {
    struct stream *t = mem_new(sizeof *t);
    if (!t) return -ENOMEM;
    int e = stream_init(t, h->source, h->source->poll.pair_count);
    if (e) {
        stream_fini(t);
        free(t);
        return e;
    }
    t->bounded = true;
    t->since_ms = since_ms;
    t->until_ms = until_ms;
    struct stream **at = &h->windows;
    while (*at && (*at)->since_ms < since_ms) at = &(*at)->next;
    t->next = *at;
    *at = t;
    h->any = true;
    h->said_done = false;
    *ret = t;
    return 0;
}

// The pair that polls for the same output.
static struct pair *find_poll(const struct history *h, struct str output) {
    struct stream *poll = &h->source->poll;
    for (size_t i = 0; i < poll->pair_count; i++)
        if (str_eqz(output, poll->pairs[i].output->opts->name)) return &poll->pairs[i];
    return NULL;
}

// A window of a pair joins those of other pairs with the same ends.
static int add_window(struct history *h, const struct store_window *w, struct pair *poll) {
    struct stream *t = find_stream(h, w, poll->output);
    int e = t ? 0 : make_stream(h, w->since_ms, w->until_ms, &t);
    if (e) return e;
    char *cursor = w->next.p ? mem_copy(w->next.p, w->next.n) : NULL;
    if (w->next.p && !cursor) return -ENOMEM;
    struct pair *p = &t->pairs[t->pair_count++];
    p->stream = t;
    p->source = h->source;
    p->output = poll->output;
    p->cursor = cursor;
    p->window = (struct pair_window){.id = w->id,
                                     .position_ms = w->position_ms,
                                     .until_ms = w->until_ms,
                                     .events = w->events,
                                     .poll = poll};
    h->events += w->events;
    return 0;
}

struct taking_up {
    struct history *history;
    const struct output *only; // NULL: all that have joined
    int error;
};

static int take_up(void *ctx, const struct store_window *w) {
    struct taking_up *taking = ctx;
    struct history *h = taking->history;
    struct pair *poll = find_poll(h, w->output);
    if (w->done || !poll || !str_eq(w->source, source_name(h->source))) return 0;
    if (taking->only ? poll->output != taking->only : !output_is_joined(poll->output)) return 0;
    taking->error = add_window(h, w, poll);
    return taking->error;
}

int history_take_up(struct history *h, const struct output *o, struct fault *fault) {
    struct taking_up taking = {.history = h, .only = o};
    int e = store_windows(store_of(h), take_up, &taking, fault);
    if (e) return e < 0 ? e : -EIO;
    return taking.error;
}

int history_add_begun(struct history *h, struct pair *p) {
    struct pair_begin *b = &p->begin;
    int e = 0;
    for (size_t i = 0; !e && i < b->windows.n; i++) {
        const struct store_window w = {.id = b->ids[i],
                                       .since_ms = b->windows.p[i].since_ms,
                                       .until_ms = b->windows.p[i].until_ms,
                                       .position_ms = b->windows.p[i].since_ms};
        e = add_window(h, &w, p);
    }
    b->windows.n = 0;
    history_look(h);
    return e;
}

struct recording {
    const struct pair *pair;
    struct range_list *ret;
    int error;
};

static int record(void *ctx, const struct store_window *w) {
    struct recording *r = ctx;
    bool ours = str_eq(w->source, source_name(r->pair->source)) &&
                str_eqz(w->output, r->pair->output->opts->name);
    if (!ours) return 0;
    r->error = mem_grow(&r->ret->p, &r->ret->cap, r->ret->n + 1, sizeof *r->ret->p);
    if (r->error) return r->error;
    r->ret->p[r->ret->n++] = (struct store_range){w->since_ms, w->until_ms};
    return 0;
}

int history_on_record(struct store *store, const struct pair *p, struct range_list *ret,
                      struct fault *fault) {
    struct recording r = {.pair = p, .ret = ret};
    int e = store_windows(store, record, &r, fault);
    return e > 0 ? -EIO : e ? e : r.error;
}

// ---- what is left ----

static bool is_active(const struct stream *t) { return t->active && !stream_is_over(t); }

static struct pace_rest rest_of(const struct pair *p) {
    return (struct pace_rest){.since_ms = p->stream->since_ms,
                              .position_ms = p->window.position_ms,
                              .until_ms = p->stream->until_ms,
                              .events = p->window.events,
                              .newest_held_ms = p->page ? p->page->newest_ms : 0};
}

// Events a millisecond and pair, over all that windows have brought.
static double density(const struct history *h) {
    int64_t passed = h->passed_ms;
    for (const struct stream *t = h->windows; t; t = t->next)
        for (size_t i = 0; i < t->pair_count; i++) {
            bool over = pair_is_over(&t->pairs[i]);
            passed += (over ? t->until_ms : t->pairs[i].window.position_ms) - t->since_ms;
        }
    return passed > 0 ? (double)h->events / (double)passed : 0;
}

// Of a stream's pairs all together, or of the one that has the most to come.
struct still_left {
    double all, most;
};

static struct still_left left_of(const struct stream *t, double mean) {
    struct still_left left = {0};
    for (size_t i = 0; i < t->pair_count; i++) {
        if (pair_is_over(&t->pairs[i])) continue;
        struct pace_rest r = rest_of(&t->pairs[i]);
        double events = pace_events_left(&r, mean);
        left.all += events;
        if (events > left.most) left.most = events;
    }
    return left;
}

static struct still_left events_left(const struct history *h) {
    struct still_left sum = {0};
    double mean = density(h);
    for (const struct stream *t = h->windows; t; t = t->next) {
        struct still_left left = left_of(t, mean);
        sum.all += left.all;
        sum.most += left.most;
    }
    return sum;
}

static double events_per_page(const struct history *h) {
    double most = h->source->opts->limit;
    double mean = h->pages > 0 ? (double)h->events / (double)h->pages : most;
    return mean > most || mean < 1 ? most : mean;
}

// Requests of a window of the rate limit that may be spent.
static int64_t share_of(const struct budget *b) {
    int64_t share = b->early_limit < 1 ? (int64_t)(b->early_limit * (double)b->limit)
                                       : b->limit - (int64_t)b->early_limit;
    return share > 1 ? share : 1;
}

static struct pace_view view_budget(const struct history *h) {
    const struct budget *b = source_budget(h->source);
    int64_t now = time_mono_ms();
    int64_t used = 0;
    int64_t limit = 0;
    struct pace_view v = {.pages_left = events_left(h).most / events_per_page(h),
                          .concurrency = concurrency_most_of(
                              okta_org_concurrency(h->source->opts->org), BUDGET_BACKFILL)};
    v.known = budget_used(b, now, &used, &limit);
    if (!v.known) return v;
    v.allowed = share_of(b) > used ? share_of(b) - used : 0;
    v.left_ms = b->reset_mono_ms > now ? b->reset_mono_ms - now : 0;
    return v;
}

// ---- splitting ----

static bool is_splittable(const struct stream *t) {
    for (size_t i = 0; i < t->pair_count; i++)
        if (t->pairs[i].state == PAIR_DELIVERING) return false;
    return !t->splitting && !stream_is_over(t);
}

// Behind the pair that has come furthest; 0: not worth it.
static int64_t split_at(const struct history *h, const struct stream *t, double mean,
                        double min_pages) {
    struct pace_rest furthest = {.until_ms = t->until_ms};
    for (size_t i = 0; i < t->pair_count; i++) {
        if (pair_is_over(&t->pairs[i])) continue;
        struct pace_rest r = rest_of(&t->pairs[i]);
        int64_t held_ms = max_i64(furthest.newest_held_ms, r.newest_held_ms);
        if (r.position_ms >= furthest.position_ms) furthest = r;
        furthest.newest_held_ms = held_ms;
    }
    return pace_split_at(&furthest, mean, events_per_page(h), min_pages);
}

static struct stream *choose_to_split(const struct history *h, const struct pace_view *v,
                                      int64_t *ret_at_ms) {
    struct stream *best = NULL;
    double min_pages = pace_split_min(v);
    double most = 0;
    double mean = density(h);
    for (struct stream *t = h->windows; t; t = t->next) {
        int64_t at_ms = is_splittable(t) ? split_at(h, t, mean, min_pages) : 0;
        double left = left_of(t, mean).most;
        if (!at_ms || left <= most) continue;
        best = t;
        most = left;
        *ret_at_ms = at_ms;
    }
    return best;
}

static void forget_split(struct history_split *x) {
    free(x->ids);
    free(x->new_ids);
    free(x->pairs);
    *x = (struct history_split){0};
}

static void split_work(void *ctx) {
    struct history *h = ctx;
    struct history_split *x = &h->split;
    x->error = store_windows_split(store_of(h), x->ids, x->n, x->at_ms, x->new_ids, &x->fault);
}

static int take_up_rest(struct history *h) {
    struct history_split *x = &h->split;
    int e = 0;
    for (size_t i = 0; !e && i < x->n; i++) {
        struct pair *p = x->pairs[i];
        const struct store_window w = {.id = x->new_ids[i],
                                       .since_ms = x->at_ms,
                                       .until_ms = p->window.until_ms,
                                       .position_ms = x->at_ms};
        p->window.until_ms = x->at_ms;
        e = add_window(h, &w, p->window.poll);
    }
    x->stream->until_ms = x->at_ms;
    return e;
}

static void split_done(void *ctx) {
    struct history *h = ctx;
    struct history_split *x = &h->split;
    struct stream *t = x->stream;
    watch_job_done(h->source->watch);
    int e = x->error ? x->error : take_up_rest(h);
    if (e)
        log_warn(h->source->watch->opts.log, "backfill.split_failed",
                 KV_STR("source", h->source->opts->name),
                 KV_STR("reason", x->fault.text[0] ? x->fault.text : error_text(e)));
    forget_split(x);
    t->splitting = false;
    if (t->mapped) stream_mapped(t);
    else stream_step(t);
    history_look(h);
}

static int prepare_split(struct history_split *x, struct stream *t, int64_t at_ms) {
    x->stream = t;
    x->at_ms = at_ms;
    x->ids = mem_new_array(t->pair_count, sizeof *x->ids);
    x->new_ids = mem_new_array(t->pair_count, sizeof *x->new_ids);
    x->pairs = mem_new_array(t->pair_count, sizeof *x->pairs);
    if (!x->ids || !x->new_ids || !x->pairs) return -ENOMEM;
    for (size_t i = 0; i < t->pair_count; i++) {
        if (pair_is_over(&t->pairs[i])) continue;
        x->ids[x->n] = t->pairs[i].window.id;
        x->pairs[x->n++] = &t->pairs[i];
    }
    return 0;
}

static void split(struct history *h, const struct pace_view *v) {
    int64_t at_ms = 0;
    struct stream *t = h->split.stream ? NULL : choose_to_split(h, v, &at_ms);
    if (!t) return;
    int e = prepare_split(&h->split, t, at_ms);
    if (!e) e = watch_job(h->source->watch, split_work, split_done, h);
    if (e) forget_split(&h->split);
    else t->splitting = true;
}

// ---- who may ask ----

static bool is_held_up(const struct stream *t) {
    for (size_t i = 0; i < t->pair_count; i++)
        if (!pair_is_over(&t->pairs[i]) && !output_is_in_trouble(t->pairs[i].output)) return false;
    return true;
}

static int count_active(const struct history *h) {
    int n = 0;
    for (const struct stream *t = h->windows; t; t = t->next) n += is_active(t) && !is_held_up(t);
    return n;
}

static struct stream *find_waiting(const struct history *h) {
    for (struct stream *t = h->windows; t; t = t->next)
        if (!t->active && !stream_is_over(t) && !is_held_up(t)) return t;
    return NULL;
}

static void activate(struct stream *t) {
    t->active = t->asked = true;
    stream_step(t);
}

static void rest_one(struct history *h) {
    for (struct stream *t = h->windows; t; t = t->next)
        if (is_active(t) && !t->asking) {
            t->active = false;
            return;
        }
}

static void drop_over(struct history *h) {
    struct stream **at = &h->windows;
    while (*at) {
        struct stream *t = *at;
        bool stopped = false;
        for (size_t i = 0; i < t->pair_count; i++) stopped |= t->pairs[i].state == PAIR_STOPPED;
        if (!stream_is_over(t) || stopped || t->asking || t->splitting) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        h->passed_ms += (t->until_ms - t->since_ms) * (int64_t)t->pair_count;
        source_complain(h->source, t, NULL, NULL);
        stream_fini(t);
        free(t);
    }
}

// The last windows of a watch that is finished are still there.
void history_say_done(struct history *h) {
    if (!h->any || h->said_done || h->source->stopped || !history_is_over(h)) return;
    h->said_done = true;
    log_info(h->source->watch->opts.log, "history.done", KV_STR("source", h->source->opts->name),
             KV_INT("events", h->events));
}

static void rest(struct history *h) {
    if (!h->any || h->windows || h->said_done) return;
    source_history_is_over(h->source);
    history_say_done(h);
}

// Not one whose output has been at its first page for long.
static bool begins_soon(const struct pair *p) {
    return p->is_new && p->state == PAIR_DELIVERING && !output_is_in_trouble(p->output);
}

// Pairs that are about to have the same windows share their pages only if they begin together.
static bool others_begin(const struct history *h) {
    const struct stream *poll = &h->source->poll;
    for (size_t i = 0; i < poll->pair_count; i++)
        if (begins_soon(&poll->pairs[i])) return true;
    return false;
}

static void look(struct history *h) {
    drop_over(h);
    rest(h);
    if (!h->source->heard || h->source->stopped || others_begin(h)) return;
    struct pace_view v = view_budget(h);
    int want = pace_want(&h->pace, &v);
    int active = count_active(h);
    for (; active > want; active--) rest_one(h);
    for (struct stream *t; active < want && (t = find_waiting(h)); active++) activate(t);
    if (active < want) split(h, &v);
}

// Those that were given up do not count.
static bool have_joined(const struct history *h) {
    const struct stream *poll = &h->source->poll;
    for (size_t i = 0; i < poll->pair_count; i++)
        if (!pair_is_over(&poll->pairs[i]) && !output_is_joined(poll->pairs[i].output))
            return false;
    return true;
}

static void on_timer(void *ctx) {
    struct history *h = ctx;
    if (h->source->watch->stopping) return;
    if (stream_is_over(&h->source->poll)) h->planning = false; // nobody is left to plan for
    if (!h->planning) look(h);
    else if (have_joined(h)) history_plan(h);
    watch_check_finished(h->source->watch);
}

void history_look(struct history *h) {
    bool is_set = h->planning && h->probing; // or will be
    if (!is_set && !h->source->watch->stopping) loop_timer_set(h->timer, 0);
}

// ---- the history itself ----

int history_init(struct history *h, struct source *s, struct fault *fault) {
    h->source = s;
    h->pace = pace_make();
    h->probe_body = buf_make(PAGE_BODY_MAX_BYTES);
    h->planning = s->watch->opts.backfill && s->poll.pair_count > 0;
    int e = loop_timer_new(&h->timer, s->watch->opts.loop, on_timer, h);
    return e ? e : history_take_up(h, NULL, fault);
}

void history_fini(struct history *h) {
    h->probe = okta_log_cancel(h->probe);
    while (h->windows) {
        struct stream *t = h->windows;
        h->windows = t->next;
        stream_fini(t);
        free(t);
    }
    buf_fini(&h->probe_body);
    h->timer = loop_timer_free(h->timer);
}

void history_start(struct history *h) {
    if (h->planning || h->windows) history_look(h);
}

void history_cancel(struct history *h) {
    h->probe = okta_log_cancel(h->probe);
    if (h->timer) loop_timer_cancel(h->timer);
}

void history_note_page(struct history *h, struct pair *p) {
    struct stream *t = p->stream;
    int64_t events = p->delivery.taken + p->delivery.filtered + p->delivery.rejected;
    h->events += events;
    p->window.events += events;
    h->pages++;
    if (p->failures == 0) pace_page(&h->pace, t->sent_ms + time_mono_ms() - t->answered_mono_ms);
    history_look(h);
}

bool history_is_over(const struct history *h) {
    if (h->planning || h->split.stream) return false;
    for (const struct stream *t = h->windows; t; t = t->next)
        if (!stream_is_over(t)) return false;
    return true;
}

void history_view(const struct history *h, struct watch_history *ret) {
    *ret = (struct watch_history){.any = h->any || h->planning,
                                  .over = history_is_over(h),
                                  .events = h->events,
                                  .pages = h->pages,
                                  .in_flight = count_active(h),
                                  .left_ms = -1};
    for (const struct stream *t = h->windows; t; t = t->next)
        ret->left += h->source->stopped || !stream_is_over(t);
    if (!ret->any) return;
    double all = (double)h->events + events_left(h).all;
    bool done = ret->over && !h->source->stopped;
    ret->share = done ? 1 : all > 0 ? (double)h->events / all : 0;
    struct pace_view v = view_budget(h);
    if (!ret->over)
        ret->left_ms = pace_time_left_ms(&h->pace, &v, share_of(source_budget(h->source)));
}
