// SPDX-License-Identifier: Apache-2.0
#ifndef DAEMON_METRICS_INTERNAL_H
#define DAEMON_METRICS_INTERNAL_H
// The metrics as data: what there is a sample each of (kinds), what is known of each (views), and
// one row per metric that names a member of a view. A new metric is one new row.

#include "api/gate.h"
#include "daemon/audit-journal.h"
#include "daemon/metrics.h"
#include "daemon/process.h"
#include "metrics/text.h"
#include "mfa/stepup.h"
#include "watch/watch.h"

// What a metric has a sample each of.
enum metrics_kind {
    METRICS_PROCESS,
    METRICS_BUILD,
    METRICS_LOG,
    METRICS_SOURCE,
    METRICS_BUCKET,
    METRICS_OUTPUT,
    METRICS_TYPE,
    METRICS_PAIR,
    METRICS_GATE,
    METRICS_REQUESTS,
    METRICS_CHALLENGES,
    METRICS_REFUSALS,
    METRICS_KINDS
};

// What the member is that a row names, and when there is no sample.
enum metrics_form {
    AS_COUNT,         // int64_t
    AS_KNOWN,         // int64_t; negative: none
    AS_FLAG,          // bool: 1 or 0
    AS_SHARE,         // double
    AS_SECONDS,       // int64_t, milliseconds
    AS_KNOWN_SECONDS, // the same; negative: none
    AS_INSTANT,       // the same, wall clock; 0: none
};

enum { METRICS_LABELS = 2 };

// What views begin with.
struct metrics_labels {
    struct str value[METRICS_LABELS]; // in the order of the kind's names; borrowed
};

struct metrics_row {
    struct metrics_family family;
    enum metrics_kind kind;
    size_t at; // of the member, in the kind's view
    enum metrics_form form;
};
extern const struct metrics_row metrics_rows[];
extern const size_t metrics_row_count;

extern const char *const metrics_label_names[METRICS_KINDS][METRICS_LABELS]; // NULL: no more
size_t metrics_label_count(enum metrics_kind kind);

// The views of one kind, side by side.
struct metrics_views {
    char *v; // each `bytes` long
    size_t n, cap, bytes;
};
// Outcomes: 0; -ENOMEM.
int metrics_look(struct metrics_views views[METRICS_KINDS], const struct metrics_world *w) MUST_USE;

// Appends all rows.
int metrics_write(struct buf *out, const struct metrics_world *w) MUST_USE; // 0; -errno

// Whether requests and what waits can be served, and all that is wrong, a line each, appended.
bool metrics_is_ready(struct buf *out, const struct metrics_world *w);

// ---- views

struct process_view {
    struct metrics_labels labels;
    struct process_stats stats;
    int64_t dead_letters; // -1: there is no state
};

struct count_view { // one number: of a level, a reason, an outcome, a rule; and for infos 1
    struct metrics_labels labels;
    int64_t count;
};

struct source_view {
    struct metrics_labels labels;
    struct watch_stats stats;
    bool failing;
    int64_t published_ms, committed_ms; // the newest of its pairs
    double history_share;
    int64_t history_windows, history_events, history_left_ms;
};

struct bucket_view {
    struct metrics_labels labels;
    int64_t used, limit; // -1: not known now
    double early_limit;
    int64_t refused, concurrency;
};

struct output_view {
    struct metrics_labels labels;
    struct watch_output_stats stats;
    bool up;
};

struct pair_view {
    struct metrics_labels labels;
    struct watch_pair_stats stats;
};

struct gate_view {
    struct metrics_labels labels;
    struct gate_stats gate;
    struct stepup_stats stepup;
    struct audit_journal_stats audit;
};

#endif
