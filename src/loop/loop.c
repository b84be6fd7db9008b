// SPDX-License-Identifier: Apache-2.0
// A thin cover over libuv. A libuv handle must outlive the call that closes it until the loop has
// turned once more; so every object here is freed by the close callback, and what the caller sees
// is a plain `_free` that may be called from anywhere on the loop, even from the object's own
// callback.
#include "loop/loop.h"

#include <assert.h>
#include <signal.h>

#include "loop/loop-internal.h"

int loop_new(struct loop **ret) {
    AUTO(loop) struct loop *loop = mem_new(sizeof *loop);
    if (!loop) return -ENOMEM;
    int e = uv_loop_init(&loop->uv);
    if (e) return e;
    loop->ready = true;
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) return -errno;
    *ret = TAKE(loop);
    return 0;
}

struct loop *loop_free(struct loop *loop) {
    if (!loop) return NULL;
    if (loop->ready) {
        uv_run(&loop->uv, UV_RUN_NOWAIT); // lets what was freed last be closed
        int e = uv_loop_close(&loop->uv);
        assert(e == 0 && "something made on the loop outlives it");
        (void)e;
    }
    free(loop);
    return NULL;
}

int loop_run(struct loop *loop) {
    // libuv tells here whether something is still waiting, which is no failure.
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    return 0;
}

void loop_stop(struct loop *loop) { uv_stop(&loop->uv); }

// Timers

struct loop_timer {
    uv_timer_t uv; // first: libuv's handle is the object
    void (*fire)(void *ctx);
    void *ctx;
};

static void free_handle(uv_handle_t *handle) { free(handle); }

static void on_timer(uv_timer_t *uv) {
    struct loop_timer *t = (struct loop_timer *)uv;
    t->fire(t->ctx);
}

int loop_timer_new(struct loop_timer **ret, struct loop *loop, void (*fire)(void *ctx), void *ctx) {
    struct loop_timer *t = mem_new(sizeof *t);
    if (!t) return -ENOMEM;
    t->fire = fire;
    t->ctx = ctx;
    uv_timer_init(&loop->uv, &t->uv); // never fails
    *ret = t;
    return 0;
}

void loop_timer_set(struct loop_timer *t, int64_t delay_ms) {
    // libuv counts from the start of this turn of the loop; a callback that has worked for a while
    // would get its timer too early.
    uv_update_time(t->uv.loop);
    uv_timer_start(&t->uv, on_timer, delay_ms > 0 ? (uint64_t)delay_ms : 0, 0);
}

void loop_timer_cancel(struct loop_timer *t) { uv_timer_stop(&t->uv); }

bool loop_timer_is_set(const struct loop_timer *t) {
    return uv_is_active((const uv_handle_t *)&t->uv) != 0;
}

struct loop_timer *loop_timer_free(struct loop_timer *t) {
    if (t) uv_close((uv_handle_t *)&t->uv, free_handle);
    return NULL;
}

// Signals

struct loop_signal {
    uv_signal_t uv; // first: libuv's handle is the object
    void (*fire)(void *ctx, int signum);
    void *ctx;
};

static void on_signal(uv_signal_t *uv, int signum) {
    struct loop_signal *s = (struct loop_signal *)uv;
    s->fire(s->ctx, signum);
}

int loop_signal_new(struct loop_signal **ret, struct loop *loop, int signum,
                    void (*fire)(void *ctx, int signum), void *ctx) {
    AUTO_MEM struct loop_signal *s = mem_new(sizeof *s);
    if (!s) return -ENOMEM;
    s->fire = fire;
    s->ctx = ctx;
    int e = uv_signal_init(&loop->uv, &s->uv);
    if (e) return e;
    struct loop_signal *made = TAKE(s); // from here on only a close may free it
    e = uv_signal_start(&made->uv, on_signal, signum);
    if (e) {
        loop_signal_free(made);
        return e;
    }
    *ret = made;
    return 0;
}

struct loop_signal *loop_signal_free(struct loop_signal *s) {
    if (s) uv_close((uv_handle_t *)&s->uv, free_handle);
    return NULL;
}

// File descriptors

struct loop_watch {
    uv_poll_t uv; // first: libuv's handle is the object
    int events;   // asked for, LOOP_*
    void (*fire)(void *ctx, int ready);
    void *ctx;
};

static int to_uv(int events) {
    return (events & LOOP_READ ? UV_READABLE : 0) | (events & LOOP_WRITE ? UV_WRITABLE : 0);
}

static void on_ready(uv_poll_t *uv, int status, int events) {
    struct loop_watch *w = (struct loop_watch *)uv;
    int ready = (events & UV_READABLE ? LOOP_READ : 0) | (events & UV_WRITABLE ? LOOP_WRITE : 0);
    if (status < 0) {
        // libuv stops watching a descriptor with an error on it. The owner finds the error by
        // reading or writing; should it not react, it is to be told again.
        ready = w->events;
        if (uv_poll_start(uv, to_uv(w->events), on_ready) < 0) w->events = 0;
    }
    w->fire(w->ctx, ready);
}

int loop_watch_new(struct loop_watch **ret, struct loop *loop, int fd,
                   void (*fire)(void *ctx, int ready), void *ctx) {
    AUTO_MEM struct loop_watch *w = mem_new(sizeof *w);
    if (!w) return -ENOMEM;
    w->fire = fire;
    w->ctx = ctx;
    int e = uv_poll_init(&loop->uv, &w->uv, fd);
    if (e) return e;
    *ret = TAKE(w);
    return 0;
}

int loop_watch_set(struct loop_watch *w, int events) {
    w->events = events;
    return events ? uv_poll_start(&w->uv, to_uv(events), on_ready) : uv_poll_stop(&w->uv);
}

struct loop_watch *loop_watch_free(struct loop_watch *w) {
    if (w) uv_close((uv_handle_t *)&w->uv, free_handle);
    return NULL;
}
