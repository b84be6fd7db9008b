// SPDX-License-Identifier: Apache-2.0
// What is known now, by kind: one function each that fills the kind's views.
#include <errno.h>

#include "api/audit.h"
#include "base/time.h"
#include "daemon/front.h"
#include "daemon/metrics-internal.h"
#include "daemon/plan.h"
#include "okta/org.h"
#include "store/store.h"

// Room for another view, zeroed but for its labels; NULL: no memory.
static void *add(struct metrics_views *views, struct str first, struct str second) {
    const struct metrics_labels labels = {{first, second}};
    if (mem_grow(&views->v, &views->cap, views->n + 1, views->bytes)) return NULL;
    char *view = views->v + views->n++ * views->bytes;
    memset(view, 0, views->bytes);
    memcpy(view, &labels, sizeof labels);
    return view;
}

static int add_count(struct metrics_views *views, struct str first, struct str second,
                     int64_t count) {
    struct count_view *view = add(views, first, second);
    if (!view) return -ENOMEM;
    view->count = count;
    return 0;
}

// ---- the process

static int look_process(struct metrics_views *views, const struct metrics_world *w) {
    struct process_view *view = add(views, STR_NONE, STR_NONE);
    if (!view) return -ENOMEM;
    process_stats(&view->stats);
    view->dead_letters = w->store ? store_dead_waiting(w->store) : -1;
    return 0;
}

static int look_build(struct metrics_views *views, const struct metrics_world *w) {
    (void)w;
    return add_count(views, STR(GATEHOUSE_VERSION), STR_NONE, 1);
}

static int look_log(struct metrics_views *views, const struct metrics_world *w) {
    static const char *const levels[LOG_LEVELS] = {"debug", "info", "warn", "error"};
    int e = 0;
    for (size_t i = 0; !e && i < LOG_LEVELS; i++)
        e = add_count(views, str_from(levels[i]), STR_NONE, atomic_load(&w->log_counts[i]));
    return e;
}

// ---- sources

static size_t source_count(const struct metrics_world *w) {
    return w->watch ? watch_source_count(w->watch) : 0;
}

static struct str source_name(const struct metrics_world *w, size_t i) {
    return str_from(watch_source_name(w->watch, i));
}

static void look_at_pairs(struct source_view *view, const struct watch *w, size_t source) {
    for (size_t i = 0; i < watch_pair_count(w, source); i++) {
        struct watch_pair_stats pair;
        watch_pair_stats(w, source, i, &pair);
        if (pair.published_ms > view->published_ms) view->published_ms = pair.published_ms;
        if (pair.committed_ms > view->committed_ms) view->committed_ms = pair.committed_ms;
    }
}

// Of a source that Okta refuses no more comes, whatever was to be fetched.
static void look_at_history(struct source_view *view, const struct watch *w, size_t source) {
    struct watch_history h;
    watch_source_history(w, source, &h);
    bool left = h.any && (!h.over || view->stats.stopped);
    view->history_share = left ? h.share : 1;
    view->history_windows = left ? h.left : 0;
    view->history_events = h.events;
    view->history_left_ms = left ? h.left_ms : -1;
}

static int look_sources(struct metrics_views *views, const struct metrics_world *w) {
    for (size_t i = 0; i < source_count(w); i++) {
        struct source_view *view = add(views, source_name(w, i), STR_NONE);
        if (!view) return -ENOMEM;
        watch_source_stats(w->watch, i, &view->stats);
        view->failing = view->stats.trouble != NULL;
        look_at_pairs(view, w->watch, i);
        look_at_history(view, w->watch, i);
    }
    return 0;
}

static int add_bucket(struct metrics_views *views, struct str source, enum okta_bucket bucket,
                      const struct okta_org *org) {
    const struct budget *b = okta_org_budget(org, bucket);
    int64_t used = -1;
    int64_t limit = -1;
    if (!b->known && b->refused == 0) return 0; // never asked
    struct bucket_view *view = add(views, source, str_from(okta_bucket_name(bucket)));
    if (!view) return -ENOMEM;
    bool known = budget_used(b, time_mono_ms(), &used, &limit);
    view->used = known ? used : b->known ? 0 : -1;
    view->limit = known ? limit : b->known ? b->limit : -1;
    view->early_limit = b->early_limit;
    view->refused = b->refused;
    view->concurrency = okta_org_concurrency(org)->most;
    return 0;
}

static int look_buckets(struct metrics_views *views, const struct metrics_world *w) {
    int e = 0;
    for (size_t i = 0; i < source_count(w); i++) {
        const struct watch_source_opts *source = &w->plan->sources[i];
        for (int b = 0; !e && !source->journal && b < OKTA_BUCKET_COUNT; b++)
            e = add_bucket(views, str_from(source->name), (enum okta_bucket)b, source->org);
    }
    return e;
}

// ---- outputs

static size_t output_count(const struct metrics_world *w) {
    return w->watch ? watch_output_count(w->watch) : 0;
}

static int look_outputs(struct metrics_views *views, const struct metrics_world *w) {
    for (size_t i = 0; i < output_count(w); i++) {
        struct watch_output_stats stats;
        watch_output_stats(w->watch, i, &stats);
        struct output_view *view = add(views, str_from(stats.name), STR_NONE);
        if (!view) return -ENOMEM;
        view->stats = stats;
        view->up = !stats.complaint && !stats.stopped;
    }
    return 0;
}

static int look_types(struct metrics_views *views, const struct metrics_world *w) {
    int e = 0;
    for (size_t i = 0; !e && i < output_count(w); i++) {
        struct watch_output_stats stats;
        watch_output_stats(w->watch, i, &stats);
        e = add_count(views, str_from(stats.name), str_from(stats.type), 1);
    }
    return e;
}

static int look_at_source_pairs(struct metrics_views *views, const struct metrics_world *w,
                                size_t source) {
    for (size_t i = 0; i < watch_pair_count(w->watch, source); i++) {
        struct watch_pair_stats stats;
        watch_pair_stats(w->watch, source, i, &stats);
        struct pair_view *view = add(views, source_name(w, source), str_from(stats.output));
        if (!view) return -ENOMEM;
        view->stats = stats;
    }
    return 0;
}

static int look_pairs(struct metrics_views *views, const struct metrics_world *w) {
    int e = 0;
    for (size_t i = 0; !e && i < source_count(w); i++) e = look_at_source_pairs(views, w, i);
    return e;
}

// ---- the gate

static int look_gate(struct metrics_views *views, const struct metrics_world *w) {
    if (!w->front) return 0;
    struct gate_view *view = add(views, STR_NONE, STR_NONE);
    if (!view) return -ENOMEM;
    front_stats(w->front, &view->gate, &view->stepup);
    if (w->audit) audit_journal_stats(w->audit, &view->audit);
    return 0;
}

// Statuses as they come: 1xx and others never do.
static int look_requests(struct metrics_views *views, const struct metrics_world *w) {
    static const char *const classes[GATE_CLASSES] = {
        [2] = "2xx", [3] = "3xx", [4] = "4xx", [5] = "5xx"};
    struct gate_stats gate;
    struct stepup_stats stepup;
    if (!w->front) return 0;
    front_stats(w->front, &gate, &stepup);
    int e = 0;
    for (size_t op = 0; op < GATE_OPERATIONS; op++)
        for (size_t i = 0; !e && i < GATE_CLASSES; i++)
            if (classes[i])
                e = add_count(views, str_from(audit_operations[op]), str_from(classes[i]),
                              gate.answered[op][i]);
    return e;
}

static int look_challenges(struct metrics_views *views, const struct metrics_world *w) {
    struct gate_stats gate;
    struct stepup_stats stepup;
    if (!w->front) return 0;
    front_stats(w->front, &gate, &stepup);
    int e = add_count(views, STR("allowed"), STR_NONE, stepup.outcomes[REASON_NONE]);
    for (int i = REASON_NONE + 1; !e && i < REASON_NUMBER; i++)
        e = add_count(views, str_from(challenge_reason_name((enum challenge_reason)i)), STR_NONE,
                      stepup.outcomes[i]);
    return e;
}

static int look_refusals(struct metrics_views *views, const struct metrics_world *w) {
    struct gate_stats gate;
    struct stepup_stats stepup;
    if (!w->front) return 0;
    front_stats(w->front, &gate, &stepup);
    int e = 0;
    for (int i = GUARD_CLEAR + 1; !e && i < GUARD_RULES; i++)
        e = add_count(views, str_from(guard_rows[i].name), STR_NONE, stepup.rules[i]);
    return e;
}

static const struct {
    size_t bytes;
    int (*look)(struct metrics_views *views, const struct metrics_world *w);
} kinds[METRICS_KINDS] = {
    [METRICS_PROCESS] = {sizeof(struct process_view), look_process},
    [METRICS_BUILD] = {sizeof(struct count_view), look_build},
    [METRICS_LOG] = {sizeof(struct count_view), look_log},
    [METRICS_SOURCE] = {sizeof(struct source_view), look_sources},
    [METRICS_BUCKET] = {sizeof(struct bucket_view), look_buckets},
    [METRICS_OUTPUT] = {sizeof(struct output_view), look_outputs},
    [METRICS_TYPE] = {sizeof(struct count_view), look_types},
    [METRICS_PAIR] = {sizeof(struct pair_view), look_pairs},
    [METRICS_GATE] = {sizeof(struct gate_view), look_gate},
    [METRICS_REQUESTS] = {sizeof(struct count_view), look_requests},
    [METRICS_CHALLENGES] = {sizeof(struct count_view), look_challenges},
    [METRICS_REFUSALS] = {sizeof(struct count_view), look_refusals},
};

int metrics_look(struct metrics_views views[METRICS_KINDS], const struct metrics_world *w) {
    int e = 0;
    for (size_t i = 0; !e && i < METRICS_KINDS; i++) {
        views[i] = (struct metrics_views){.bytes = kinds[i].bytes};
        e = kinds[i].look(&views[i], w);
    }
    return e;
}
