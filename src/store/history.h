// SPDX-License-Identifier: Apache-2.0
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H
// What is on record of a pair's history: windows of `published`, done or under way, the uuids of
// what may come a second time by the other way, and where a running process stands with its rate
// budgets. A page of a window is committed by store_commit. Thread-safe, as store/store.h.

#include "store/store.h"

// since counts in, until does not.
struct store_range {
    int64_t since_ms, until_ms;
};

// Windows of a pair do not overlap. Those that are done melt into one where they touch.
struct store_window {
    int64_t id;
    struct str source, output;
    int64_t since_ms, until_ms;
    int64_t
        position_ms; // newest published that was delivered; since_ms at first, until_ms when done
    struct str next; // URL to ask next; absent: none yet, or done
    int64_t events, pages;
    bool done;
};

// By source, output and since. The callback borrows, must not call the store, and returns non-zero
// to stop. Outcomes: 0; -errno; STORE_E_CORRUPT.
int store_windows(struct store *s, int (*each)(void *ctx, const struct store_window *w), void *ctx,
                  struct fault *fault) MUST_USE;

// Puts a pair on record before anything of it is asked or delivered, with windows to be done, in
// one transaction.
struct store_begin {
    struct str source, output;
    struct str next;  // absent: the cursor stays as it is (a new pair gets none)
    int64_t start_ms; // 0: as it is
    int64_t now_ms;
    const struct store_range *windows;
    size_t window_count;
};
// `ret_ids` takes window_count numbers. Outcomes: 0; -EINVAL (an empty window); -errno with fault.
int store_begin(struct store *s, const struct store_begin *b, int64_t *ret_ids,
                struct fault *fault) MUST_USE;

// Cuts windows (of several pairs, the same range) in two at an instant, in one transaction: each
// ends there, and a new one takes the rest. `ret_ids` takes n numbers. Outcomes: 0; -ESTALE (one is
// done, has come further, or is gone: nothing was changed); -EUCLEAN; -errno.
int store_windows_split(struct store *s, const int64_t *ids, size_t n, int64_t at_ms,
                        int64_t *ret_ids, struct fault *fault) MUST_USE;

// Calls `each` with the uuids of rows of the pair that may hold an event published at one of the
// instants (sorted, oldest first). The callback must not call the store. Outcomes: 0; -errno;
// -EUCLEAN.
struct store_had_query {
    struct str source, output;
    const int64_t *instants;
    size_t n;
    void (*each)(void *ctx, struct str uuids);
    void *ctx;
};
int store_had_find(struct store *s, const struct store_had_query *q, struct fault *fault) MUST_USE;

// Forgets rows that nothing can meet any more, at most `most` in one transaction: those of windows'
// pages made before `before_ms` (Okta's clock, by which polling has had everything logged until
// then), and polled ones within windows that are done. `ret` is how many went. Outcomes: 0; -errno.
int store_had_forget(struct store *s, struct str source, struct str output, int64_t before_ms,
                     int64_t most, int64_t *ret, struct fault *fault) MUST_USE;
// Whether the pair has any of windows: polled ones alone wait for a window that may never come.
int store_had_any(struct store *s, struct str source, struct str output, bool *ret,
                  struct fault *fault) MUST_USE;

// Where another state has left pairs of an output, as the output's place itself tells: put on
// record in place of what is there, in one transaction.
struct store_stood {
    struct str source;
    struct str next;      // cursor; absent: it stays as it is, or the window has none
    int64_t published_ms; // 0: as it is
    int64_t start_ms;     // 0: as it is
    bool window;          // else the row is of the polling
    bool missing;         // a window to be done where none is on record, once all others are
    int64_t since_ms, until_ms, position_ms;
    bool done;
};
// What the other state remembered of a page.
struct store_remembered {
    struct str source;
    struct str recent;    // as store_commit.recent_append; oldest first, a source's one after the
                          // other: they take the place of what there is, but for the newest dead
                          // letters, whose page may come again
    int64_t before_ms;    // newest published before they came
    struct store_had had; // takes the place of the same one of ours
    bool window;          // `had` is of a window's page
};
struct store_join {
    struct str output;
    int64_t now_ms;
    const struct store_stood *rows; // windows do not overlap, but for those that are missing
    size_t n;
    const struct store_remembered *remembered;
    size_t remembered_count;
    int64_t recent_max; // as in store_commit
};
// Of windows on record the parts that others replace are gone; the rest keeps what is done of it.
// Outcomes: 0; -EINVAL (an empty window); -EUCLEAN; -errno.
int store_join(struct store *s, const struct store_join *j, struct fault *fault) MUST_USE;

// A bucket of an org's rate budget as the running process last saw it, by source.
struct store_budget {
    struct str source, bucket;
    int64_t at_ms;
    int64_t used, allowed;  // requests of the window, and the window's limit
    int64_t reset_ms;       // when the window ends; wall clock
    struct str early_limit; // "0.9", as in the settings
    int64_t concurrency;    // requests at once, as learned
    int64_t refused_ms;     // the last 429; 0: none
};
int store_budgets_put(struct store *s, const struct store_budget *rows, size_t n,
                      struct fault *fault) MUST_USE;
int store_budgets(struct store *s, int (*each)(void *ctx, const struct store_budget *b), void *ctx,
                  struct fault *fault) MUST_USE;

// How the running process last saw what it works with: for `gatehouse status`, nothing rests on it.
// A source, as far as Okta's answers go:
struct store_source {
    struct str source;
    int64_t at_ms;                // when this was written
    int64_t failing_since_ms;     // 0: it does not fail
    struct str complaint, reason; // absent: all is well
    bool stopped;                 // for good
};
// An output:
struct store_output {
    struct str output;
    int64_t at_ms;                                   // when this was written
    int64_t deliveries, retries, filtered, rejected; // of that process
    int64_t failing_since_ms;                        // 0: it does not fail
    int64_t last_success_ms;
    struct str complaint, reason; // absent: all is well
    bool stopped;                 // for good
};
// And a pair of both:
struct store_stand {
    struct str source, output;
    int64_t at_ms;
    bool caught_up;
    int64_t lag_ms;          // watch_pair_stats; -1: it has had nothing yet
    int64_t forgotten_in_ms; // watch_pair_stats; -1: nothing is
};
struct store_noted {
    const struct store_source *sources;
    const struct store_output *outputs;
    const struct store_stand *stands;
    size_t source_count, output_count, stand_count;
};
// Each takes the place of what was noted of the same one before.
int store_noted_put(struct store *s, const struct store_noted *n, struct fault *fault) MUST_USE;
// The callbacks borrow and must not call the store; non-zero stops.
int store_sources(struct store *s, int (*each)(void *ctx, const struct store_source *r), void *ctx,
                  struct fault *fault) MUST_USE;
int store_outputs(struct store *s, int (*each)(void *ctx, const struct store_output *o), void *ctx,
                  struct fault *fault) MUST_USE;
int store_stands(struct store *s, int (*each)(void *ctx, const struct store_stand *t), void *ctx,
                 struct fault *fault) MUST_USE;

#endif
