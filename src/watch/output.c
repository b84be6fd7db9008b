// SPDX-License-Identifier: Apache-2.0
// An output serves one pair at a time, in the order in which they came: what a sink promises rests
// on nobody writing between its deliver and its commit.
//
// One that does not take what it is given, or has been at it for long, is in trouble: pairs that
// poll keep the page that it has, windows keep one, and everybody else goes on without it.
#include <errno.h>

#include "watch/watch-internal.h"

// A delivery that takes longer holds others up no more.
enum { STUCK_MS = 3 * TIME_SECOND_MS };
enum { BACKOFF_INIT_MS = TIME_SECOND_MS, BACKOFF_MAX_MS = TIME_MINUTE_MS };

static const struct log *log_of(const struct output *o) { return o->watch->opts.log; }

static void on_timer(void *ctx) {
    struct output *o = ctx;
    if (o->watch->stopping || o->stopped) return;
    if (!o->busy) {
        output_join(o);
        return;
    }
    o->stuck = true;
    output_release_windows(o);
    watch_step(o->watch);
}

int output_init(struct output *o, struct watch *w, const struct watch_output_opts *opts) {
    o->watch = w;
    o->opts = opts;
    outlet_init(&o->outlet, opts, w->opts.store, &w->stop);
    int e = 0;
    if (opts->type->waits) e = loop_worker_new(&o->worker, w->opts.loop);
    if (!e && (opts->type->waits || opts->type->positions))
        e = loop_timer_new(&o->timer, w->opts.loop, on_timer, o);
    return e ? e : output_join_init(o);
}

void output_fini(struct output *o) {
    o->worker = loop_worker_free(o->worker);
    o->timer = loop_timer_free(o->timer);
    output_join_fini(o);
    outlet_fini(&o->outlet);
}

void output_cancel(struct output *o) {
    if (o->timer) loop_timer_cancel(o->timer);
}

// ---- trouble

void output_complain(struct output *o, const char *what, const char *text) {
    if (o->stopped) return;
    if (what) fault_set(&o->reason, 0, "%s", text);
    if (o->complaint == what) return;
    o->complaint = what;
    o->failing_since_ms = what ? time_now_ms() : 0;
    if (what) log_warn(log_of(o), what, KV_STR("output", o->opts->name), KV_STR("reason", text));
    else log_info(log_of(o), "output.recovered", KV_STR("output", o->opts->name));
    watch_noted_note(o->watch);
}

void output_failed(struct output *o, const char *text) {
    output_complain(o, "output.failed", text);
    output_release_windows(o);
    stand_warn(o->watch);
    watch_noted_note(o->watch);
}

bool output_is_in_trouble(const struct output *o) { return o->holding_up > 0 || o->stuck; }

int64_t output_backoff_ms(const struct output *o, int failures) {
    int64_t init_ms = o->opts->backoff_init_ms ? o->opts->backoff_init_ms : BACKOFF_INIT_MS;
    int64_t max_ms = o->opts->backoff_max_ms ? o->opts->backoff_max_ms : BACKOFF_MAX_MS;
    return watch_backoff_between_ms(o->watch, failures, init_ms, max_ms);
}

static void give_up_page(struct pair *p) {
    source_give_back(p->source, TAKE(p->page));
    p->state = PAIR_IDLE;
    p->due_mono_ms = 0;
}

// `held_up`: also the one that it has not taken.
static void release_windows(struct output *o, bool held_up) {
    struct pair **at = &o->first_waiting;
    while (*at) {
        struct pair *p = *at;
        if (pair_is_polling(p) || (p->held_up && !held_up)) {
            at = &p->next_waiting;
            continue;
        }
        *at = TAKE(p->next_waiting);
        give_up_page(p);
    }
}

void output_release_windows(struct output *o) { release_windows(o, false); }

void output_is_free(struct output *o) {
    if (!output_is_in_trouble(o)) watch_step(o->watch);
}

static void stop_pairs(const struct output *o, struct stream *t) {
    for (size_t i = 0; i < t->pair_count; i++)
        if (t->pairs[i].output == o && !pair_is_over(&t->pairs[i])) pair_stop(&t->pairs[i]);
}

void output_give_up(struct output *o, struct pair *p) {
    struct watch *w = o->watch;
    release_windows(o, true);
    pair_stop(p);
    for (size_t i = 0; i < w->opts.source_count; i++)
        for (struct stream *t = w->sources[i].history.windows; t; t = t->next) stop_pairs(o, t);
    watch_step(w);
}

void output_stop(struct output *o, const char *text) {
    struct watch *w = o->watch;
    if (o->stopped) return;
    o->stopped = true;
    o->complaint = "output.stopped";
    fault_set(&o->reason, 0, "%s", text);
    if (!o->failing_since_ms) o->failing_since_ms = time_now_ms();
    log_error(log_of(o), "output.stopped", KV_STR("output", o->opts->name), KV_STR("reason", text));
    o->first_waiting = NULL;
    for (size_t i = 0; i < w->opts.source_count; i++) {
        stop_pairs(o, &w->sources[i].poll);
        for (struct stream *t = w->sources[i].history.windows; t; t = t->next) stop_pairs(o, t);
    }
    watch_noted_note(w);
    watch_step(w);
}

// ---- serving

int output_job(struct output *o, void (*work)(void *), void (*done)(void *), void *ctx) {
    if (!o->worker) return watch_job(o->watch, work, done, ctx);
    int e = loop_worker_job(o->worker, work, done, ctx);
    if (!e) o->watch->jobs++;
    return e;
}

static void serve_next(struct output *o);

static void work(void *ctx) { delivery_run(((struct output *)ctx)->serving); }

static void is_done(struct output *o) {
    bool was_stuck = o->stuck;
    o->busy = o->stuck = false;
    if (o->timer) loop_timer_cancel(o->timer);
    pair_delivered(TAKE(o->serving));
    if (was_stuck) output_is_free(o);
}

static void done(void *ctx) {
    struct output *o = ctx;
    watch_job_done(o->watch);
    is_done(o);
    serve_next(o);
}

static void serve_next(struct output *o) {
    if (o->busy || !o->first_waiting || o->watch->stopping) return;
    struct pair *p = o->first_waiting;
    o->first_waiting = TAKE(p->next_waiting);
    o->serving = p;
    o->busy = true;
    if (o->timer) loop_timer_set(o->timer, STUCK_MS);
    int e = output_job(o, work, done, o);
    if (!e) return;
    p->delivery = (struct delivery){.error = e};
    fault_set(&p->delivery.fault, e, "no memory for a job");
    is_done(o);
}

void output_enqueue(struct output *o, struct pair *p) {
    struct pair **at = &o->first_waiting;
    p->state = PAIR_DELIVERING;
    while (*at && (!pair_is_polling(p) || pair_is_polling(*at))) at = &(*at)->next_waiting;
    p->next_waiting = *at;
    *at = p;
    serve_next(o);
}
