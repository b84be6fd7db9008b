// SPDX-License-Identifier: Apache-2.0
// What is told of sources, outputs and pairs, and the warning that comes before Okta forgets what
// an output has not had.
#include <errno.h>

#include "watch/watch-internal.h"

enum { RETENTION_DAYS = 90, WARN_DAYS = 15, ALARM_DAYS = 3 };

static int64_t max_i64(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t min_i64(int64_t a, int64_t b) { return a < b ? a : b; }

static const int64_t day_ms = TIME_DAY_MS;

// ---- how long what a pair has not had is still to be had

// Of the pair's windows, where the one that is furthest behind stands; INT64_MAX: it has none.
static int64_t windows_stand_ms(const struct pair *poll) {
    int64_t stand = INT64_MAX;
    for (const struct stream *t = poll->source->history.windows; t; t = t->next)
        for (size_t i = 0; i < t->pair_count; i++) {
            const struct pair *p = &t->pairs[i];
            if (p->window.poll == poll && p->state != PAIR_FINISHED)
                stand = min_i64(stand, p->window.position_ms);
        }
    return stand;
}

// A pair that has had nothing yet stands where it begins.
static int64_t polling_stands_ms(const struct pair *p) {
    int64_t stand = max_i64(p->published_ms, p->caught_up_ms);
    if (stand == 0) stand = p->start_ms;
    if (stand) return stand;
    return source_now_ms(p->source) - p->source->opts->initial_interval_ms;
}

int64_t stand_forgotten_in_ms(const struct pair *p) {
    if (p->source->opts->journal) return -1;
    int64_t stand = windows_stand_ms(p);
    if (!p->caught_up && !p->source->watch->opts.backfill)
        stand = min_i64(stand, polling_stands_ms(p));
    if (stand == INT64_MAX) return -1;
    return max_i64(stand + RETENTION_DAYS * day_ms - source_now_ms(p->source), 0);
}

// ---- the warning

static const char *trouble_of(const struct pair *p) {
    if (p->output->complaint) return p->output->reason.text;
    return p->source->complaint;
}

static void warn(struct pair *p, int64_t left_ms, const char *reason) {
    const struct log *lg = p->source->watch->opts.log;
    bool little = left_ms < ALARM_DAYS * day_ms;
    int64_t now_ms = time_now_ms();
    if (now_ms - p->warned_ms < day_ms && (p->warned_of_little || !little)) return;
    p->warned_ms = now_ms;
    p->warned_of_little = little;
    LOG_AT(lg, little ? LOG_ERROR : LOG_WARN, "output.forgotten_soon",
           KV_STR("source", p->source->opts->name), KV_STR("output", p->output->opts->name),
           KV_INT("days_left", left_ms / day_ms), KV_STR("reason", reason));
}

static void look_at(struct pair *p) {
    const char *trouble = trouble_of(p);
    int64_t left_ms = trouble ? stand_forgotten_in_ms(p) : -1;
    if (left_ms >= 0 && left_ms < WARN_DAYS * day_ms) {
        warn(p, left_ms, trouble);
        return;
    }
    p->warned_ms = 0;
    p->warned_of_little = false;
}

void stand_warn(struct watch *w) {
    for (size_t i = 0; i < w->opts.source_count; i++)
        for (size_t k = 0; k < w->sources[i].poll.pair_count; k++)
            look_at(&w->sources[i].poll.pairs[k]);
}

// ---- what the process before this one knew

static void recall_one(struct watch *w, const struct store_stand *stand) {
    for (size_t i = 0; i < w->opts.source_count; i++) {
        struct stream *poll = &w->sources[i].poll;
        if (!str_eqz(stand->source, w->opts.sources[i].name)) continue;
        for (size_t k = 0; k < poll->pair_count; k++)
            if (str_eqz(stand->output, poll->pairs[k].output->opts->name))
                poll->pairs[k].caught_up_ms = stand->at_ms;
    }
}

static int recall(void *ctx, const struct store_stand *stand) {
    if (stand->caught_up) recall_one(ctx, stand);
    return 0;
}

static int recall_success(void *ctx, const struct store_output *noted) {
    const struct watch *w = ctx;
    for (size_t i = 0; i < w->opts.output_count; i++)
        if (str_eqz(noted->output, w->outputs[i].opts->name))
            w->outputs[i].last_success_ms = noted->last_success_ms;
    return 0;
}

int stand_recall(struct watch *w, struct fault *fault) {
    int e = store_stands(w->opts.store, recall, w, fault);
    if (!e) e = store_outputs(w->opts.store, recall_success, w, fault);
    return e > 0 ? -EIO : e;
}

// ---- figures

static int64_t lag_ms(const struct pair *p) {
    if (p->caught_up) return 0;
    if (p->published_ms == 0) return -1;
    return max_i64(source_now_ms(p->source) - p->published_ms, 0);
}

void watch_source_stats(const struct watch *w, size_t i, struct watch_stats *ret) {
    const struct source *s = &w->sources[i];
    *ret = s->stats;
    ret->stopped = s->stopped;
    ret->complaint = s->complaint;
    ret->trouble = s->complaint;
    ret->reason = s->complaint ? s->reason.text : NULL;
    ret->failing_since_ms = s->failing_since_ms;
    ret->caught_up = history_is_over(&s->history);
    for (size_t k = 0; k < s->poll.pair_count; k++) {
        const struct pair *p = &s->poll.pairs[k];
        int64_t lag = lag_ms(p);
        ret->lag_ms = lag < 0 || ret->lag_ms < 0 ? -1 : max_i64(ret->lag_ms, lag);
        if (!p->caught_up) ret->caught_up = false;
        if (!ret->complaint) ret->complaint = p->output->complaint;
    }
}

size_t watch_output_count(const struct watch *w) { return w->opts.output_count; }

void watch_output_stats(const struct watch *w, size_t output, struct watch_output_stats *ret) {
    const struct output *o = &w->outputs[output];
    *ret = (struct watch_output_stats){
        .name = o->opts->name,
        .type = o->opts->type->name,
        .complaint = o->complaint,
        .reason = o->complaint ? o->reason.text : NULL,
        .stopped = o->stopped,
        .failing_since_ms = o->complaint ? o->failing_since_ms : 0,
        .last_success_ms = o->last_success_ms,
        .deliveries = o->deliveries,
        .retries = o->retries,
        .delivered = o->counts.delivered,
        .repeated = o->counts.repeated,
        .filtered = o->counts.filtered,
        .rejected = o->counts.rejected,
    };
}

size_t watch_pair_count(const struct watch *w, size_t source) {
    return w->sources[source].poll.pair_count;
}

void watch_pair_stats(const struct watch *w, size_t source, size_t pair,
                      struct watch_pair_stats *ret) {
    const struct pair *p = &w->sources[source].poll.pairs[pair];
    *ret = (struct watch_pair_stats){
        .output = p->output->opts->name,
        .caught_up = p->caught_up && windows_stand_ms(p) == INT64_MAX,
        .stopped = p->state == PAIR_STOPPED,
        .published_ms = p->published_ms,
        .committed_ms = p->committed_ms,
        .lag_ms = lag_ms(p),
        .delivered = p->counts.delivered,
        .repeated = p->counts.repeated,
        .filtered = p->counts.filtered,
        .rejected = p->counts.rejected,
        .unmappable = p->counts.unmappable,
        .forgotten_in_ms = stand_forgotten_in_ms(p),
    };
}
