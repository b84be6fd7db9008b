// SPDX-License-Identifier: Apache-2.0
#ifndef DAEMON_PROGRESS_H
#define DAEMON_PROGRESS_H
// One line on a terminal while the watch catches up: events, events per second, how far behind now;
// while it fetches history a bar, the rate limit's requests, and the time left. Where stderr is no
// terminal, `backfill` logs the same now and then, and the others are silent. Loop thread only
// (progress_clear: any thread, it only writes).

#include <stdbool.h>
#include <stdint.h>

struct log;
struct watch;

struct progress {
    int fd; // -1: silent
    bool shown;
    int64_t started_mono_ms;
    int64_t last_mono_ms;
    int64_t last_events;
    double rate; // events per second, smoothed
    int percent_logged;
    int64_t logged_mono_ms;
};

struct progress progress_make(int fd);
void progress_show(struct progress *p, const struct watch *w);
// The history's progress as a record, every ten seconds at most, or when another percent is done.
void progress_log(struct progress *p, const struct watch *w, const struct log *log);
// Takes the line away, so that a log record can be written. `ctx` is the struct progress.
void progress_clear(void *ctx);

#endif
