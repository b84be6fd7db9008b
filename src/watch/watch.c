// SPDX-License-Identifier: Apache-2.0
#include "watch/watch.h"

#include <errno.h>

#include "watch/watch-internal.h"

static int make_parts(struct watch *w, struct fault *fault) {
    const struct watch_opts *o = &w->opts;
    w->outputs = mem_new_array(o->output_count, sizeof *w->outputs);
    w->sources = mem_new_array(o->source_count, sizeof *w->sources);
    if (!w->outputs || !w->sources) return -ENOMEM;
    for (size_t i = 0; i < o->output_count; i++) {
        int e = output_init(&w->outputs[i], w, &o->outputs[i]);
        if (e) return e;
    }
    for (size_t i = 0; i < o->source_count; i++) {
        int e = source_init(&w->sources[i], w, &o->sources[i], fault);
        if (e) return e;
    }
    return 0;
}

// Whoever is told that we have stopped may free us, so he is told from a turn of the loop of its
// own, not from within a source or an output.
static void say_stopped(void *ctx) {
    struct watch *w = ctx;
    void (*stopped)(void *) = TAKE(w->stopped);
    stopped(w->stopped_ctx);
}

int watch_new(struct watch **ret, const struct watch_opts *opts, struct fault *fault) {
    AUTO(watch) struct watch *w = mem_new(sizeof *w);
    if (!w) return -ENOMEM;
    w->opts = *opts;
    w->rand = rand_make(opts->seed);
    atomic_init(&w->stop, false);
    int e = loop_timer_new(&w->stop_timer, opts->loop, say_stopped, w);
    if (!e) e = make_parts(w, fault);
    if (!e) e = watch_budgets_init(w);
    if (!e) e = watch_noted_init(w);
    if (!e) e = stand_recall(w, fault);
    if (e) return e;
    *ret = TAKE(w);
    return 0;
}

struct watch *watch_free(struct watch *w) {
    if (!w) return NULL;
    for (size_t i = 0; w->sources && i < w->opts.source_count; i++) source_fini(&w->sources[i]);
    for (size_t i = 0; w->outputs && i < w->opts.output_count; i++) output_fini(&w->outputs[i]);
    loop_timer_free(w->stop_timer);
    watch_budgets_fini(w);
    watch_noted_fini(w);
    free(w->sources);
    free(w->outputs);
    free(w);
    return NULL;
}

void watch_start(struct watch *w) {
    for (size_t i = 0; i < w->opts.output_count; i++) output_join(&w->outputs[i]);
    for (size_t i = 0; i < w->opts.source_count; i++) source_start(&w->sources[i]);
}

static void wake_source(struct source *s) {
    struct stream *t = &s->poll;
    if (t->asking) t->woken = true;
    for (size_t i = 0; i < t->pair_count; i++) pair_wake(&t->pairs[i]);
    stream_step(t);
}

void watch_wake_journal(struct watch *w) {
    for (size_t i = 0; i < w->opts.source_count; i++)
        if (w->opts.sources[i].journal) wake_source(&w->sources[i]);
}

static void check_stopped(struct watch *w) {
    if (w->stopping && w->jobs == 0 && w->stopped) loop_timer_set(w->stop_timer, 0);
}

void watch_stop(struct watch *w, void (*stopped)(void *ctx), void *ctx) {
    w->stopping = true;
    w->stopped = stopped;
    w->stopped_ctx = ctx;
    atomic_store(&w->stop, true);
    watch_budgets_end(w);
    watch_noted_end(w);
    for (size_t i = 0; i < w->opts.output_count; i++) output_cancel(&w->outputs[i]);
    for (size_t i = 0; i < w->opts.source_count; i++) source_cancel(&w->sources[i]);
    check_stopped(w);
}

int watch_job(struct watch *w, void (*work)(void *), void (*done)(void *), void *ctx) {
    int e = loop_job(w->opts.loop, work, done, ctx);
    if (!e) w->jobs++;
    return e;
}

void watch_job_done(struct watch *w) { w->jobs--; }

void watch_check_finished(struct watch *w) {
    check_stopped(w);
    if (w->stopping || w->finished_said) return;
    for (size_t i = 0; i < w->opts.source_count; i++)
        if (!source_is_over(&w->sources[i])) return;
    w->finished_said = true;
    for (size_t i = 0; i < w->opts.source_count; i++) history_say_done(&w->sources[i].history);
    if (w->opts.finished) w->opts.finished(w->opts.ctx);
}

int64_t watch_backoff_between_ms(struct watch *w, int failures, int64_t init_ms, int64_t max_ms) {
    int64_t most = init_ms;
    for (int i = 0; i < failures && most < max_ms; i++) most *= 2;
    if (most > max_ms) most = max_ms;
    return most / 2 + (int64_t)rand_below(&w->rand, (uint64_t)most / 2 + 1);
}

int64_t watch_backoff_ms(struct watch *w, int failures) {
    return watch_backoff_between_ms(w, failures, TIME_SECOND_MS, TIME_MINUTE_MS);
}

void watch_step(struct watch *w) {
    for (size_t i = 0; i < w->opts.source_count; i++) {
        source_map_next(&w->sources[i]);
        source_step(&w->sources[i]);
        history_look(&w->sources[i].history);
    }
}

size_t watch_source_count(const struct watch *w) { return w->opts.source_count; }
const char *watch_source_name(const struct watch *w, size_t i) { return w->opts.sources[i].name; }
bool watch_failed(const struct watch *w) { return w->failed; }

bool watch_is_resting(const struct watch *w) {
    return w->jobs == 0 && !watch_budgets_wait(w) && !watch_noted_wait(w);
}

const struct budget *watch_source_budget(const struct watch *w, size_t i) {
    return source_budget(&w->sources[i]);
}

void watch_source_history(const struct watch *w, size_t i, struct watch_history *ret) {
    history_view(&w->sources[i].history, ret);
}

static bool is_named(const char *const *names, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return true;
    return n == 0;
}

bool watch_has_pair(const struct watch *w, size_t source, size_t output) {
    const struct watch_backfill *b = w->opts.backfill;
    if (!b) return true;
    return is_named(b->sources, b->source_count, w->opts.sources[source].name) &&
           is_named(b->outputs, b->output_count, w->opts.outputs[output].name);
}
