// SPDX-License-Identifier: Apache-2.0
// A connection is ended by shutting its socket down: the library then sees the end of the stream
// and does the rest in its own thread. The list's lock is what keeps the socket open meanwhile: the
// library takes a link from the list before it closes the socket.
#include <errno.h>
#include <sys/socket.h>
#include <time.h>

#include "api/server-internal.h"
#include "base/time.h"

enum { LOOK_EVERY_MS = 1000 };

void link_allow(struct link *l, int64_t allowed_ms) {
    atomic_store(&l->due_ms, allowed_ms ? time_mono_ms() + allowed_ms : 0);
}

static void end_late_ones(struct warden *w) {
    int64_t now = time_mono_ms();
    for (struct link *l = w->links; l; l = l->next) {
        int64_t due = atomic_load(&l->due_ms);
        if (due == 0 || due > now) continue;
        shutdown(l->fd, SHUT_RDWR);
        atomic_store(&l->due_ms, 0);
    }
}

static void wait_a_while(struct warden *w) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LOOK_EVERY_MS / 1000;
    if (w->links) pthread_cond_timedwait(&w->changed, &w->lock, &until);
    else pthread_cond_wait(&w->changed, &w->lock);
}

static void *watch(void *arg) {
    struct warden *w = arg;
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        end_late_ones(w);
        wait_a_while(w);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int warden_start(struct warden *w) {
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, &attr);
    pthread_condattr_destroy(&attr);
    int e = pthread_create(&w->thread, NULL, watch, w);
    w->running = e == 0;
    return -e;
}

void warden_stop(struct warden *w) {
    if (!w->running) return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    w->running = false;
}

void warden_add(struct warden *w, struct link *l) {
    pthread_mutex_lock(&w->lock);
    if (!w->links) pthread_cond_signal(&w->changed);
    l->next = w->links;
    if (l->next) l->next->previous = l;
    w->links = l;
    pthread_mutex_unlock(&w->lock);
}

void warden_remove(struct warden *w, struct link *l) {
    pthread_mutex_lock(&w->lock);
    if (l->next) l->next->previous = l->previous;
    if (l->previous) l->previous->next = l->next;
    else w->links = l->next;
    pthread_mutex_unlock(&w->lock);
}
