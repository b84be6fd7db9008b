// SPDX-License-Identifier: Apache-2.0
#ifndef DAEMON_PROGRESS_H
#define DAEMON_PROGRESS_H
// One line on a terminal while the watch catches up: events, events per second, how far behind now.
// Silent when stderr is no terminal. Loop thread only (progress_clear: any thread, it only writes).

#include <stdbool.h>
#include <stdint.h>

struct watch;

struct progress {
    int fd; // -1: silent
    bool shown;
    int64_t started_mono_ms;
    int64_t last_mono_ms;
    int64_t last_events;
    double rate; // events per second, smoothed
};

struct progress progress_make(int fd);
void progress_show(struct progress *p, const struct watch *w);
// Takes the line away, so that a log record can be written. `ctx` is the struct progress.
void progress_clear(void *ctx);

#endif
