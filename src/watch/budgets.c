// SPDX-License-Identifier: Apache-2.0
// Where the rate budgets stand, written down for `gatehouse status` a few times a minute while
// something comes of the requests; a process that only asks whether there is news stays idle.
#include <errno.h>
#include <stdio.h>

#include "watch/watch-internal.h"

enum { EVERY_MS = 15 * TIME_SECOND_MS, FIRST_MS = 2 * TIME_SECOND_MS, EARLY_MAX = 32 };

struct watch_budgets {
    struct watch *watch;
    struct loop_timer *timer;
    struct store_budget *rows;
    char (*early)[EARLY_MAX]; // texts of the rows
    size_t n;
    bool writing;
    bool again;   // once more when that is done: the watch ends
    bool written; // once
    int64_t seen; // pages and refusals that were known then
};

static int64_t news(const struct watch *w) {
    int64_t sum = 0;
    for (size_t i = 0; i < w->opts.source_count; i++)
        sum += w->sources[i].stats.pages + w->sources[i].refused_ms;
    return sum;
}

static void add_row(struct watch_budgets *b, const struct source *s, enum okta_bucket bucket) {
    const struct budget *budget = s->opts->journal ? NULL : okta_org_budget(s->opts->org, bucket);
    int64_t used = 0;
    int64_t limit = 0;
    int64_t mono = time_mono_ms();
    if (!budget || !budget_used(budget, mono, &used, &limit)) return;
    snprintf(b->early[b->n], EARLY_MAX, "%g", budget->early_limit);
    b->rows[b->n] = (struct store_budget){
        .source = source_name(s),
        .bucket = str_from(okta_bucket_name(bucket)),
        .at_ms = time_now_ms(),
        .used = used,
        .allowed = limit,
        .reset_ms = time_now_ms() + budget->reset_mono_ms - mono,
        .early_limit = str_from(b->early[b->n]),
        .concurrency = okta_org_concurrency(s->opts->org)->most,
        .refused_ms = bucket == OKTA_BUCKET_LOGS ? s->refused_ms : 0,
    };
    b->n++;
}

static void work(void *ctx) {
    struct watch_budgets *b = ctx;
    (void)!store_budgets_put(b->watch->opts.store, b->rows, b->n, NULL);
}

static void write_down(struct watch_budgets *b);

static void done(void *ctx) {
    struct watch_budgets *b = ctx;
    b->writing = false;
    if (b->again) {
        b->again = false;
        write_down(b);
    }
    watch_job_done(b->watch);
    watch_check_finished(b->watch);
}

static void write_down(struct watch_budgets *b) {
    struct watch *w = b->watch;
    if (b->seen == news(w)) return;
    b->seen = news(w);
    b->n = 0;
    for (size_t i = 0; i < w->opts.source_count; i++)
        for (int bucket = 0; bucket < OKTA_BUCKET_COUNT; bucket++)
            add_row(b, &w->sources[i], (enum okta_bucket)bucket);
    b->written = true;
    b->writing = b->n > 0 && watch_job(w, work, done, b) == 0;
}

static void on_timer(void *ctx) {
    struct watch_budgets *b = ctx;
    if (!b->writing && !b->watch->stopping) write_down(b);
}

int watch_budgets_init(struct watch *w) {
    struct watch_budgets *b = mem_new(sizeof *b);
    w->budgets = b;
    if (!b) return -ENOMEM;
    b->watch = w;
    b->rows = mem_new_array(w->opts.source_count * OKTA_BUCKET_COUNT, sizeof *b->rows);
    b->early = mem_new_array(w->opts.source_count * OKTA_BUCKET_COUNT, sizeof *b->early);
    if (!b->rows || !b->early) return -ENOMEM;
    return loop_timer_new(&b->timer, w->opts.loop, on_timer, b);
}

void watch_budgets_fini(struct watch *w) {
    struct watch_budgets *b = TAKE(w->budgets);
    if (!b) return;
    loop_timer_free(b->timer);
    free(b->rows);
    free(b->early);
    free(b);
}

void watch_budgets_note(struct watch *w) {
    struct watch_budgets *b = w->budgets;
    if (!b || w->stopping || loop_timer_is_set(b->timer)) return;
    loop_timer_set(b->timer, b->written ? EVERY_MS : FIRST_MS);
}

bool watch_budgets_wait(const struct watch *w) {
    return w->budgets && loop_timer_is_set(w->budgets->timer);
}

void watch_budgets_end(struct watch *w) {
    struct watch_budgets *b = w->budgets;
    if (!b || !b->timer || !loop_timer_is_set(b->timer)) return;
    loop_timer_cancel(b->timer);
    if (b->writing) b->again = true;
    else write_down(b);
}
