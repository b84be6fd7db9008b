// SPDX-License-Identifier: Apache-2.0
// The thread takes a job from one slot and puts it back there when it is done; the loop is woken
// and calls `done`. The loop waits for a job that runs, as it does for the pool's; an idle worker
// keeps it from nothing.
#include "loop/worker.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>

#include "loop/loop-internal.h"

// What libcurl, OpenSSL, librdkafka and SQLite need is a tenth of it; a resolver's library, which
// nobody chooses, may want more.
enum { STACK_BYTES = 1024 * 1024 };

enum state { IDLE, GIVEN, FINISHED };

struct loop_worker {
    uv_async_t async; // first: libuv's handle is the object
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex; // over everything below
    pthread_cond_t changed;
    bool ending;
    enum state state;
    void (*work)(void *ctx);
    void (*done)(void *ctx);
    void *ctx;
};

// Waits for a job; false when the thread is to end.
static bool next_job(struct loop_worker *w, void (**ret_work)(void *ctx), void **ret_ctx) {
    pthread_mutex_lock(&w->mutex);
    while (!w->ending && w->state != GIVEN) pthread_cond_wait(&w->changed, &w->mutex);
    bool given = w->state == GIVEN;
    *ret_work = w->work;
    *ret_ctx = w->ctx;
    pthread_mutex_unlock(&w->mutex);
    return given;
}

static void *run(void *p) {
    struct loop_worker *w = p;
    void (*work)(void *ctx);
    void *ctx;
    while (next_job(w, &work, &ctx)) {
        work(ctx);
        pthread_mutex_lock(&w->mutex);
        w->state = FINISHED;
        pthread_mutex_unlock(&w->mutex);
        uv_async_send(&w->async);
    }
    return NULL;
}

// `done` may give the next job, and may free the worker: nothing is touched after it.
static void on_wake(uv_async_t *uv) {
    struct loop_worker *w = (struct loop_worker *)uv;
    pthread_mutex_lock(&w->mutex);
    bool finished = w->state == FINISHED;
    if (finished) w->state = IDLE;
    void (*done)(void *ctx) = w->done;
    void *ctx = w->ctx;
    pthread_mutex_unlock(&w->mutex);
    if (!finished) return;
    uv_unref((uv_handle_t *)&w->async);
    done(ctx);
}

// Signals are the loop's: a job's system calls are not to be interrupted by them.
static int start_quietly(struct loop_worker *w, const pthread_attr_t *attr) {
    sigset_t all, before;
    sigfillset(&all);
    int r = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (r) return -r;
    r = pthread_create(&w->thread, attr, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    w->has_thread = r == 0;
    return -r;
}

static int start_thread(struct loop_worker *w) {
    pthread_attr_t attr;
    int r = -pthread_attr_init(&attr);
    if (r) return r;
    r = -pthread_attr_setstacksize(&attr, STACK_BYTES);
    if (!r) r = start_quietly(w, &attr);
    pthread_attr_destroy(&attr);
    return r;
}

int loop_worker_job(struct loop_worker *w, void (*work)(void *ctx), void (*done)(void *ctx),
                    void *ctx) {
    if (!w->has_thread) {
        int r = start_thread(w);
        if (r) return r;
    }
    pthread_mutex_lock(&w->mutex);
    bool idle = w->state == IDLE;
    if (idle) {
        w->state = GIVEN;
        w->work = work;
        w->done = done;
        w->ctx = ctx;
        uv_ref((uv_handle_t *)&w->async);
        pthread_cond_signal(&w->changed);
    }
    pthread_mutex_unlock(&w->mutex);
    return idle ? 0 : -EBUSY;
}

static int init_locks(struct loop_worker *w) {
    int r = -pthread_mutex_init(&w->mutex, NULL);
    if (r) return r;
    r = -pthread_cond_init(&w->changed, NULL);
    if (r) pthread_mutex_destroy(&w->mutex);
    return r;
}

static void destroy(struct loop_worker *w) {
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}

int loop_worker_new(struct loop_worker **ret, struct loop *loop) {
    struct loop_worker *w = mem_new(sizeof *w);
    if (!w) return -ENOMEM;
    int r = init_locks(w);
    if (r) {
        free(w);
        return r;
    }
    r = uv_async_init(&loop->uv, &w->async, on_wake);
    if (r) {
        destroy(w);
        return r;
    }
    uv_unref((uv_handle_t *)&w->async);
    *ret = w;
    return 0;
}

static void on_closed(uv_handle_t *handle) { destroy((struct loop_worker *)handle); }

static void end_thread(struct loop_worker *w) {
    pthread_mutex_lock(&w->mutex);
    assert(w->state == IDLE && "a job outlives its worker");
    w->ending = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
}

struct loop_worker *loop_worker_free(struct loop_worker *w) {
    if (!w) return NULL;
    if (w->has_thread) end_thread(w);
    uv_close((uv_handle_t *)&w->async, on_closed);
    return NULL;
}
