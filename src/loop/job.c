// SPDX-License-Identifier: Apache-2.0
// Blocking jobs go to libuv's pool of worker threads, which keeps those that wait in order. The
// pool has four threads unless the operator says otherwise by libuv's own UV_THREADPOOL_SIZE.
#include "loop/loop-internal.h"

struct job {
    uv_work_t uv;
    void (*work)(void *ctx);
    void (*done)(void *ctx);
    void *ctx;
};

static void on_work(uv_work_t *uv) {
    struct job *job = uv->data;
    job->work(job->ctx);
}

static void on_worked(uv_work_t *uv, int status) {
    (void)status; // jobs are never cancelled
    AUTO_MEM struct job *job = uv->data;
    job->done(job->ctx);
}

int loop_job(struct loop *loop, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx) {
    struct job *job = mem_new(sizeof *job);
    if (!job) return -ENOMEM;
    *job = (struct job){.uv.data = job, .work = work, .done = done, .ctx = ctx};
    int e = uv_queue_work(&loop->uv, &job->uv, on_work, on_worked);
    if (e) free(job);
    return e;
}
