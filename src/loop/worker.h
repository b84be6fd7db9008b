// SPDX-License-Identifier: Apache-2.0
#ifndef LOOP_WORKER_H
#define LOOP_WORKER_H
// A thread of its own for jobs that may wait long for somebody else (an engine that is down): the
// pool of loop_job has few threads, and none of them may be held up by it. One job at a time. Loop
// thread only.

#include "loop/loop.h"

struct loop_worker;

// The thread starts with the first job. An idle worker does not keep the loop running. Outcomes: 0;
// -ENOMEM, -errno (libuv has no descriptor to be woken by).
int loop_worker_new(struct loop_worker **ret, struct loop *loop) MUST_USE;
// Ends the thread. No job may be running or waiting for its `done`; from within `done` is fine.
// NULL-safe, returns NULL.
struct loop_worker *loop_worker_free(struct loop_worker *w);
DEFINE_AUTO_FREE(loop_worker)

// As loop_job, on this thread: `work` there (1 MB of stack, signals blocked), then `done` on the
// loop, which may give the next job. Outcomes: 0; -EBUSY (a job runs); -ENOMEM, -EAGAIN (no
// thread).
int loop_worker_job(struct loop_worker *w, void (*work)(void *ctx), void (*done)(void *ctx),
                    void *ctx) MUST_USE;

#endif
