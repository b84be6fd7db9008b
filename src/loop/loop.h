// SPDX-License-Identifier: Apache-2.0
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H
// The event loop: timers, signals, wake-ups from other threads, file descriptors, blocking jobs.
//
// One thread owns the loop; every function here is to be called on it unless said otherwise, and
// every callback runs on it. This room is the only includer of uv.h.

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

struct loop;

// Outcomes: 0; -errno. The loop blocks SIGPIPE for the process.
int loop_new(struct loop **ret) MUST_USE;
// Everything made on the loop must have been freed before (timers, watches, signals, jobs
// finished).
struct loop *loop_free(struct loop *loop);
DEFINE_AUTO_FREE(loop)

// Runs callbacks until loop_stop() is called or nothing is left to wait for. Outcomes: 0; -errno.
int loop_run(struct loop *loop) MUST_USE;
void loop_stop(struct loop *loop);

// Timers: one-shot; setting a set timer moves it.
struct loop_timer;
int loop_timer_new(struct loop_timer **ret, struct loop *loop, void (*fire)(void *ctx),
                   void *ctx) MUST_USE;
void loop_timer_set(struct loop_timer *t, int64_t delay_ms); // negative counts as 0
void loop_timer_cancel(struct loop_timer *t);
bool loop_timer_is_set(const struct loop_timer *t);
struct loop_timer *loop_timer_free(struct loop_timer *t);
DEFINE_AUTO_FREE(loop_timer)

// Signals.
struct loop_signal;
int loop_signal_new(struct loop_signal **ret, struct loop *loop, int signum,
                    void (*fire)(void *ctx, int signum), void *ctx) MUST_USE;
struct loop_signal *loop_signal_free(struct loop_signal *s);
DEFINE_AUTO_FREE(loop_signal)

// Readiness of a file descriptor (not owned). Bits of `events` and `ready`.
enum { LOOP_READ = 1, LOOP_WRITE = 2 };
struct loop_watch;
int loop_watch_new(struct loop_watch **ret, struct loop *loop, int fd,
                   void (*fire)(void *ctx, int ready), void *ctx) MUST_USE;
int loop_watch_set(struct loop_watch *w, int events) MUST_USE; // 0: pause
struct loop_watch *loop_watch_free(struct loop_watch *w);
DEFINE_AUTO_FREE(loop_watch)

// Blocking work: `work` runs on a worker thread (at most 4 at once, the others queue), then `done`
// on the loop. Nothing is freed by the loop: `ctx` belongs to the caller until `done`. A job that
// has been started is always finished; stopping is a flag that `work` looks at. Outcomes: 0;
// -ENOMEM.
int loop_job(struct loop *loop, void (*work)(void *ctx), void (*done)(void *ctx),
             void *ctx) MUST_USE;

#endif
