// SPDX-License-Identifier: Apache-2.0
// Where pairs begin, and which windows they are to have.
//
// What was published before an instant T is the windows' affair, what is published from then on the
// cursor's. A new pair polls from a little before T, and that is on record, with the windows,
// before anything is delivered: what is logged late, with a `published` before T, is brought by
// polling, and perhaps by a window, too; had.c recognises it.
#include <errno.h>

#include "watch/watch-internal.h"

// Okta refuses a `since` of more than 180 days ago; it keeps 90, so nothing is missed.
static const int64_t since_max_ms = 179 * (int64_t)TIME_DAY_MS;
static const int64_t retention_ms = 90 * (int64_t)TIME_DAY_MS;

static int64_t max_i64(int64_t a, int64_t b) { return a > b ? a : b; }

// ---- a pair's cursor ----

// How far a pair goes back when its cursor is refused. What comes again is recognised only as far
// as the uuids are remembered; a busy org fills that memory quickly, and then half of it is the way
// back.
static int64_t overlap_ms(const struct pair *p) {
    int64_t half = (p->published_ms - recent_since_ms(&p->recent)) / 2;
    return half < OVERLAP_MS ? half : OVERLAP_MS;
}

// A little before the newest that it has, or where it began. What a window has already of its first
// millisecond is recognised.
static int64_t since_again(const struct pair *p, int64_t now_ms) {
    if (!pair_is_polling(p)) return p->window.position_ms;
    if (p->published_ms) return p->published_ms - overlap_ms(p);
    if (p->start_ms) return p->start_ms - POLL_BEFORE_MS;
    return now_ms - p->source->opts->initial_interval_ms;
}

static int begin_new(struct pair *p, int64_t now_ms, int64_t *ret_since_ms) {
    int64_t since_ms =
        max_i64(now_ms - p->source->opts->initial_interval_ms, now_ms - since_max_ms);
    struct pair_begin *b = &p->begin;
    AUTO_FINI(range_list) struct range_list there = {0};
    int e = history_on_record(p->source->watch->opts.store, p, &there, NULL);
    if (e) return e;
    b->windows.n = 0;
    // On the loop thread, which looks at it while jobs run.
    p->start_ms = b->start_ms = since_ms;
    *ret_since_ms = since_ms;
    if (now_ms - since_ms <= PLAIN_MAX_MS && there.n == 0) return 0;
    p->start_ms = b->start_ms = now_ms;
    *ret_since_ms = now_ms - POLL_BEFORE_MS;
    const struct store_range wanted = {since_ms, now_ms};
    return range_missing(&b->windows, wanted, there.p, there.n);
}

int pair_start(struct pair *p, int64_t now_ms) {
    if (p->source->opts->journal) return pair_start_journal(p);
    int64_t since_ms;
    int e = 0;
    bool is_new = pair_is_polling(p) && p->is_new;
    if (is_new) e = begin_new(p, now_ms, &since_ms);
    else since_ms = max_i64(since_again(p, now_ms), now_ms - since_max_ms);
    return e ? e : pair_start_at(p, since_ms);
}

// ---- `backfill`: what is missing ----

struct plan {
    struct history *history;
    struct source *source;
    struct range_list *missing; // one per pair
    struct fault fault;
    int64_t now_ms;
    struct store_range wanted;
    bool reaches_now;
};

static int64_t resolve(const struct watch_instant *at, int64_t now_ms) {
    return at->ago ? now_ms - at->ms : at->ms;
}

static void resolve_range(struct plan *plan) {
    const struct watch_backfill *b = plan->source->watch->opts.backfill;
    const struct log *lg = plan->source->watch->opts.log;
    int64_t now = plan->now_ms;
    plan->wanted.since_ms = resolve(&b->since, now);
    plan->wanted.until_ms = resolve(&b->until, now);
    plan->reaches_now = plan->wanted.until_ms >= now - POLL_BEFORE_MS;
    if (plan->reaches_now) plan->wanted.until_ms = now;
    if (plan->wanted.since_ms < now - retention_ms - TIME_DAY_MS && plan->history->probing)
        log_warn(lg, "backfill.beyond_retention", KV_STR("source", plan->source->opts->name),
                 KV_STR("reason", "Okta keeps 90 days; what is older will most likely be missing"));
    plan->wanted.since_ms = max_i64(plan->wanted.since_ms, now - since_max_ms);
}

static int add_ranges(struct range_list *to, const struct store_range *some, size_t n) {
    int e = mem_grow(&to->p, &to->cap, to->n + n, sizeof *to->p);
    for (size_t i = 0; !e && i < n; i++) to->p[to->n++] = some[i];
    return e;
}

// A pair that polls has, or will have, everything from its start on.
static int find_missing(struct plan *plan, struct pair *p, struct range_list *ret) {
    AUTO_FINI(range_list) struct range_list there = {0};
    const struct store_range polled = {p->start_ms, INT64_MAX};
    int e = history_on_record(plan->source->watch->opts.store, p, &there, &plan->fault);
    if (!e && !p->is_new && p->start_ms == 0)
        return fault_set(
            &plan->fault, -EINVAL,
            "%s: where collection into %s began is not on record, because an older gatehouse began "
            "it; what is collected already would be delivered twice",
            plan->source->opts->name, p->output->opts->name);
    if (!e && !p->is_new) e = add_ranges(&there, &polled, 1);
    return e ? e : range_missing(ret, plan->wanted, there.p, there.n);
}

// What pairs miss alike becomes the same windows, so that they share the pages.
static int find_all(struct plan *plan) {
    struct stream *poll = &plan->source->poll;
    int e = 0;
    for (size_t i = 0; !e && i < poll->pair_count; i++)
        if (!pair_is_over(&poll->pairs[i]))
            e = find_missing(plan, &poll->pairs[i], &plan->missing[i]);
    for (size_t i = 0; !e && i < poll->pair_count; i++)
        for (size_t k = 0; !e && k < poll->pair_count; k++)
            e = range_cut(&plan->missing[i], &plan->missing[k]);
    return e;
}

// A new pair whose history reaches the present goes on from there when it is collected.
static int begin_pair(struct plan *plan, struct pair *p, struct range_list *missing) {
    const struct watch_source_opts *opts = plan->source->opts;
    AUTO_FINI(buf) struct buf url = buf_make(1 << 16);
    bool begins = p->is_new && plan->reaches_now;
    if (begins) okta_log_first_url(&url, opts->url, plan->now_ms - POLL_BEFORE_MS, opts->limit);
    if (url.error) return url.error;
    if (missing->n == 0 && !begins) return 0;
    p->begin.ids = mem_new_array(missing->n + 1, sizeof *p->begin.ids);
    if (!p->begin.ids) return -ENOMEM;
    const struct store_begin b = {
        .source = source_name(plan->source),
        .output = str_from(p->output->opts->name),
        .next = begins ? buf_str(&url) : STR_NONE,
        .start_ms = begins ? plan->now_ms : 0,
        .now_ms = time_now_ms(),
        .windows = missing->p,
        .window_count = missing->n,
    };
    int e = store_begin(plan->source->watch->opts.store, &b, p->begin.ids, &plan->fault);
    if (e) return e;
    p->begin.windows = *missing;
    *missing = (struct range_list){0};
    p->is_new = p->is_new && !begins;
    return 0;
}

static size_t count_missing(const struct plan *plan) {
    size_t n = 0;
    for (size_t i = 0; i < plan->source->poll.pair_count; i++) n += plan->missing[i].n;
    return n;
}

static int begin_all(struct plan *plan) {
    struct stream *poll = &plan->source->poll;
    int e = 0;
    for (size_t i = 0; !e && i < poll->pair_count; i++)
        if (!pair_is_over(&poll->pairs[i]))
            e = begin_pair(plan, &poll->pairs[i], &plan->missing[i]);
    for (size_t i = 0; !e && i < poll->pair_count; i++)
        e = history_add_begun(plan->history, &poll->pairs[i]);
    return e;
}

static int make_plan(struct plan *plan, struct history *h) {
    *plan = (struct plan){.history = h, .source = h->source, .now_ms = source_now_ms(h->source)};
    resolve_range(plan);
    plan->missing = mem_new_array(h->source->poll.pair_count, sizeof *plan->missing);
    if (!plan->missing) return -ENOMEM;
    return find_all(plan);
}

static void plan_fini(struct plan *plan) {
    for (size_t i = 0; plan->missing && i < plan->source->poll.pair_count; i++)
        range_list_fini(&plan->missing[i]);
    free(plan->missing);
}

static void give_up(struct history *h, const struct plan *plan, int e) {
    struct source *s = h->source;
    h->planning = false;
    s->watch->failed = true;
    log_error(s->watch->opts.log, "backfill.failed", KV_STR("source", s->opts->name),
              KV_STR("reason", plan->fault.text[0] ? plan->fault.text : error_text(e)));
    watch_check_finished(s->watch);
}

// ---- `backfill`: Okta's clock first ----

static void probe(struct history *h) {
    struct source *s = h->source;
    AUTO_FINI(buf) struct buf url = buf_make(1 << 16);
    okta_log_first_url(&url, s->opts->url, source_now_ms(s) - TIME_HOUR_MS, 1);
    const struct okta_log_request request = {
        .url = buf_z(&url),
        .class = BUDGET_BACKFILL,
        .into = &h->probe_body,
        .done = history_probed,
        .ctx = h,
    };
    h->probing = true;
    int e = request.url ? okta_log_get(s->opts->org, &request, &h->probe) : -ENOMEM;
    if (e) give_up(h, &(struct plan){0}, e);
}

static void plan_for_good(struct history *h) {
    struct plan plan;
    int e = make_plan(&plan, h);
    if (!e) e = begin_all(&plan);
    h->probing = false;
    if (e) give_up(h, &plan, e);
    plan_fini(&plan);
    h->planning = false;
    history_look(h);
}

static void probe_again(struct history *h, const struct okta_log_answer *a) {
    struct watch *w = h->source->watch;
    struct plan plan = {.fault = a->fault};
    bool hopeless = a->result == OKTA_LOG_REFUSED || ++h->probe_failures >= ONCE_TRIES;
    if (hopeless) {
        give_up(h, &plan, -EIO);
        return;
    }
    source_complain(h->source, NULL, "okta.unreachable", a->fault.text);
    int64_t wait = watch_backoff_ms(w, h->probe_failures - 1);
    loop_timer_set(h->timer, wait > a->wait_ms ? wait : a->wait_ms);
}

// Any answer with a Date will do: a clock that is ahead makes a request that Okta refuses.
void history_probed(void *ctx, const struct okta_log_answer *a) {
    struct history *h = ctx;
    struct source *s = h->source;
    h->probe = NULL;
    s->stats.requests++;
    bool told = a->result == OKTA_LOG_PAGE || a->result == OKTA_LOG_BAD_REQUEST;
    buf_fini(&h->probe_body);
    if (!told || (a->result == OKTA_LOG_BAD_REQUEST && !a->date_ms)) {
        probe_again(h, a);
        return;
    }
    if (a->date_ms) s->clock_offset_ms = a->date_ms - time_now_ms();
    s->clock_known = s->heard = true;
    source_complain(s, NULL, NULL, NULL);
    watch_budgets_note(s->watch);
    plan_for_good(h);
}

// Nothing is asked where nothing is missing.
void history_plan(struct history *h) {
    struct plan plan;
    int e = h->probing ? 0 : make_plan(&plan, h);
    if (h->probing) {
        probe(h);
        return;
    }
    if (e) give_up(h, &plan, e);
    else if (count_missing(&plan) > 0 || h->windows) probe(h);
    else {
        h->planning = false;
        log_info(h->source->watch->opts.log, "backfill.nothing_missing",
                 KV_STR("source", h->source->opts->name),
                 KV_STR("reason", "everything in this range has been delivered"));
        watch_check_finished(h->source->watch);
    }
    plan_fini(&plan);
}
