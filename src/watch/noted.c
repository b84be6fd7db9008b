// SPDX-License-Identifier: Apache-2.0
// How sources and outputs are and where their pairs stand, written down for `gatehouse status` a
// few times a minute while something changes.
#include <errno.h>

#include "watch/watch-internal.h"

enum { EVERY_MS = 15 * TIME_SECOND_MS, FIRST_MS = 2 * TIME_SECOND_MS };

struct watch_noted {
    struct watch *watch;
    struct loop_timer *timer;
    struct store_source *sources;
    struct store_output *outputs;
    struct fault *reasons; // of the outputs, then of the sources; the complaints are constants
    size_t source_count;
    struct store_stand *stands;
    size_t stand_count;
    bool writing;
    bool again;   // once more when that is done: the watch ends
    bool written; // once
};

static size_t count_pairs(const struct watch *w) {
    size_t n = 0;
    for (size_t i = 0; i < w->opts.source_count; i++) n += watch_pair_count(w, i);
    return n;
}

// That of a journal has nobody who could refuse it.
static void note_source(struct watch_noted *n, size_t i, int64_t now_ms) {
    struct watch_stats s;
    if (n->watch->opts.sources[i].journal) return;
    watch_source_stats(n->watch, i, &s);
    struct fault *reason = &n->reasons[n->watch->opts.output_count + n->source_count];
    fault_set(reason, 0, "%s", s.reason ? s.reason : "");
    n->sources[n->source_count++] =
        (struct store_source){.source = str_from(watch_source_name(n->watch, i)),
                              .at_ms = now_ms,
                              .failing_since_ms = s.failing_since_ms,
                              .complaint = str_from(s.trouble),
                              .reason = s.reason ? str_from(reason->text) : STR_NONE,
                              .stopped = s.stopped};
}

static void note_output(struct watch_noted *n, size_t i, int64_t now_ms) {
    struct watch_output_stats s;
    watch_output_stats(n->watch, i, &s);
    fault_set(&n->reasons[i], 0, "%s", s.reason ? s.reason : "");
    n->outputs[i] = (struct store_output){
        .output = str_from(s.name),
        .at_ms = now_ms,
        .deliveries = s.deliveries,
        .retries = s.retries,
        .filtered = s.filtered,
        .rejected = s.rejected,
        .failing_since_ms = s.failing_since_ms,
        .last_success_ms = s.last_success_ms,
        .complaint = str_from(s.complaint),
        .reason = s.reason ? str_from(n->reasons[i].text) : STR_NONE,
        .stopped = s.stopped,
    };
}

static void note_pairs(struct watch_noted *n, size_t source, int64_t now_ms) {
    for (size_t i = 0; i < watch_pair_count(n->watch, source); i++) {
        struct watch_pair_stats s;
        watch_pair_stats(n->watch, source, i, &s);
        n->stands[n->stand_count++] =
            (struct store_stand){.source = str_from(watch_source_name(n->watch, source)),
                                 .output = str_from(s.output),
                                 .at_ms = now_ms,
                                 .caught_up = s.caught_up,
                                 .lag_ms = s.lag_ms,
                                 .forgotten_in_ms = s.forgotten_in_ms};
    }
}

static void work(void *ctx) {
    struct watch_noted *n = ctx;
    const struct watch_opts *opts = &n->watch->opts;
    const struct store_noted noted = {.sources = n->sources,
                                      .source_count = n->source_count,
                                      .outputs = n->outputs,
                                      .output_count = opts->output_count,
                                      .stands = n->stands,
                                      .stand_count = n->stand_count};
    (void)!store_noted_put(opts->store, &noted, NULL);
}

static void write_down(struct watch_noted *n);

static void done(void *ctx) {
    struct watch_noted *n = ctx;
    n->writing = false;
    if (n->again) {
        n->again = false;
        write_down(n);
    }
    watch_job_done(n->watch);
    watch_check_finished(n->watch);
}

static void write_down(struct watch_noted *n) {
    struct watch *w = n->watch;
    int64_t now_ms = time_now_ms();
    n->stand_count = n->source_count = 0;
    for (size_t i = 0; i < w->opts.output_count; i++) note_output(n, i, now_ms);
    for (size_t i = 0; i < w->opts.source_count; i++) note_source(n, i, now_ms);
    for (size_t i = 0; i < w->opts.source_count; i++) note_pairs(n, i, now_ms);
    n->written = true;
    n->writing = watch_job(w, work, done, n) == 0;
}

static void on_timer(void *ctx) {
    struct watch_noted *n = ctx;
    if (n->watch->stopping) return;
    if (n->writing) watch_noted_note(n->watch);
    else write_down(n);
}

int watch_noted_init(struct watch *w) {
    struct watch_noted *n = mem_new(sizeof *n);
    w->noted = n;
    if (!n) return -ENOMEM;
    n->watch = w;
    n->sources = mem_new_array(w->opts.source_count, sizeof *n->sources);
    n->outputs = mem_new_array(w->opts.output_count, sizeof *n->outputs);
    n->reasons = mem_new_array(w->opts.output_count + w->opts.source_count, sizeof *n->reasons);
    n->stands = mem_new_array(count_pairs(w), sizeof *n->stands);
    if (!n->sources || !n->outputs || !n->reasons || !n->stands) return -ENOMEM;
    return loop_timer_new(&n->timer, w->opts.loop, on_timer, n);
}

void watch_noted_fini(struct watch *w) {
    struct watch_noted *n = TAKE(w->noted);
    if (!n) return;
    loop_timer_free(n->timer);
    free(n->sources);
    free(n->outputs);
    free(n->reasons);
    free(n->stands);
    free(n);
}

void watch_noted_note(struct watch *w) {
    struct watch_noted *n = w->noted;
    if (!n || w->stopping || loop_timer_is_set(n->timer)) return;
    loop_timer_set(n->timer, n->written ? EVERY_MS : FIRST_MS);
}

bool watch_noted_wait(const struct watch *w) {
    return w->noted && loop_timer_is_set(w->noted->timer);
}

// A watch that ends has the last word: what it found wrong in its last seconds is what `status` is
// asked about.
void watch_noted_end(struct watch *w) {
    struct watch_noted *n = w->noted;
    if (!n || !n->timer || !loop_timer_is_set(n->timer)) return;
    loop_timer_cancel(n->timer);
    if (n->writing) n->again = true;
    else write_down(n);
}
