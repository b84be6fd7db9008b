// SPDX-License-Identifier: Apache-2.0
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H
// The program seen from outside: /metrics, /healthz and /readyz (docs/metrics.md), where
// `metrics.address` says so. What is told is made on the loop when somebody asks, so it is never
// old; whoever asks while the loop is held up is told so (503) after a moment. Loop thread.

#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/log.h"

struct audit_journal;
struct front;
struct loop;
struct metrics;
struct plan;
struct store;
struct watch;

enum { METRICS_PATIENCE_MS = 2000 };

// The program's parts as they are now; all borrowed, for as long as one answer is made.
struct metrics_world {
    const struct watch *watch;      // NULL: nothing is collected
    const struct plan *plan;        // what the watch was made of
    const struct front *front;      // NULL: no gate
    struct audit_journal *audit;    // NULL: none
    const struct store *store;      // NULL: in memory
    const atomic_llong *log_counts; // LOG_LEVELS of them
    bool ready;                     // everything has been started,
    bool ending;                    // and is being ended
};

struct metrics_opts {
    struct loop *loop;
    const struct log *log;
    const char *address; // of the settings
    void (*look)(void *ctx, struct metrics_world *ret);
    void *ctx;
};

// Listens. Outcomes: 0; -EINVAL, -EADDRINUSE, ... with fault.
int metrics_new(struct metrics **ret, const struct metrics_opts *opts,
                struct fault *fault) MUST_USE;
// Whoever waits is answered 503. NULL-safe; returns NULL.
struct metrics *metrics_free(struct metrics *m);
DEFINE_AUTO_FREE(metrics)

// Appends one line that says how the program is: for systemd.
void metrics_write_status(struct buf *out, const struct metrics_world *w);

// Appends docs/metrics.md.
void metrics_write_markdown(struct buf *out);

#endif
