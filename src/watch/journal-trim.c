// SPDX-License-Identifier: Apache-2.0
// What every output has of the journal is forgotten, not page by page but a second's worth at a
// time: it is one more transaction.
#include <errno.h>

#include "base/parse.h"
#include "store/journal.h"
#include "watch/watch-internal.h"

enum { EVERY_MS = TIME_SECOND_MS };

struct journal_trim {
    struct source *source;
    struct loop_timer *timer;
    bool running;
    int64_t forgotten; // up to this number
    int64_t until;     // what the job forgets
    int error;
    struct fault fault;
};

// The number that every pair has passed. One that has not begun stands at 0.
static int64_t passed_by_all(const struct source *s) {
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < s->poll.pair_count; i++) {
        const struct pair *p = &s->poll.pairs[i];
        int64_t number = 0;
        if (!p->cursor || !parse_i64(str_from(p->cursor), &number)) return 0;
        if (number < least) least = number;
    }
    return least == INT64_MAX ? 0 : least;
}

static void work(void *ctx) {
    struct journal_trim *t = ctx;
    t->fault.text[0] = '\0';
    t->error = journal_forget(t->source->watch->opts.store, t->until, &t->fault);
}

// What could not be forgotten is forgotten later: nobody misses it.
static void done(void *ctx) {
    struct journal_trim *t = ctx;
    struct watch *w = t->source->watch;
    t->running = false;
    if (t->error == 0) t->forgotten = t->until;
    else log_warn(w->opts.log, "gate.journal_not_trimmed", KV_STR("reason", t->fault.text));
    watch_job_done(w);
    watch_check_finished(w);
}

static void on_timer(void *ctx) {
    struct journal_trim *t = ctx;
    struct watch *w = t->source->watch;
    t->until = passed_by_all(t->source);
    if (t->running || w->stopping || t->until <= t->forgotten) return;
    t->running = watch_job(w, work, done, t) == 0;
}

int journal_trim_init(struct source *s) {
    struct journal_trim *t = mem_new(sizeof *t);
    s->trim = t;
    if (!t) return -ENOMEM;
    t->source = s;
    return loop_timer_new(&t->timer, s->watch->opts.loop, on_timer, t);
}

void journal_trim_fini(struct source *s) {
    struct journal_trim *t = TAKE(s->trim);
    if (!t) return;
    loop_timer_free(t->timer);
    free(t);
}

void journal_trim_note(struct source *s) {
    if (s->watch->stopping || loop_timer_is_set(s->trim->timer)) return;
    loop_timer_set(s->trim->timer, EVERY_MS);
}

void journal_trim_cancel(struct source *s) {
    if (s->trim && s->trim->timer) loop_timer_cancel(s->trim->timer);
}
