// SPDX-License-Identifier: Apache-2.0
// The descriptor stays readable as long as letters are left, so that the loop comes back for them
// after it has looked after everything else.
#include "loop/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop/loop.h"

enum { LETTERS_AT_ONCE = 64 };

struct mailbox {
    struct loop_watch *watch;
    int fd;                // eventfd; -1: none
    pthread_mutex_t mutex; // over everything below
    struct letter *first, *last;
};

static void unlink_letter(struct mailbox *m, struct letter *l) {
    *(l->prev ? &l->prev->next : &m->first) = l->next;
    *(l->next ? &l->next->prev : &m->last) = l->prev;
    l->prev = l->next = NULL;
    l->posted = false;
}

static struct letter *take(struct mailbox *m) {
    pthread_mutex_lock(&m->mutex);
    struct letter *l = m->first;
    if (l) unlink_letter(m, l);
    pthread_mutex_unlock(&m->mutex);
    return l;
}

static void wake(struct mailbox *m) {
    const uint64_t once = 1;
    if (write(m->fd, &once, sizeof once) < 0) return; // it is readable already
}

static void on_wake(void *ctx, int ready) {
    struct mailbox *m = ctx;
    uint64_t times;
    (void)ready;
    if (read(m->fd, &times, sizeof times) < 0) return;
    for (int i = 0; i < LETTERS_AT_ONCE; i++) {
        struct letter *l = take(m);
        if (!l) return;
        l->read(l);
    }
    wake(m);
}

void mailbox_post(struct mailbox *m, struct letter *l) {
    pthread_mutex_lock(&m->mutex);
    bool was_empty = !m->first;
    if (!l->posted) {
        l->posted = true;
        l->prev = m->last;
        l->next = NULL;
        *(m->last ? &m->last->next : &m->first) = l;
        m->last = l;
    }
    pthread_mutex_unlock(&m->mutex);
    if (was_empty) wake(m);
}

void mailbox_take_back(struct mailbox *m, struct letter *l) {
    pthread_mutex_lock(&m->mutex);
    if (l->posted) unlink_letter(m, l);
    pthread_mutex_unlock(&m->mutex);
}

void mailbox_read_all(struct mailbox *m) {
    for (struct letter *l; (l = take(m));) l->read(l);
}

static int start(struct mailbox *m, struct loop *loop) {
    m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (m->fd < 0) return -errno;
    int r = loop_watch_new(&m->watch, loop, m->fd, on_wake, m);
    return r ? r : loop_watch_set(m->watch, LOOP_READ);
}

int mailbox_new(struct mailbox **ret, struct loop *loop) {
    struct mailbox *made = mem_new(sizeof *made);
    if (!made) return -ENOMEM;
    int r = -pthread_mutex_init(&made->mutex, NULL);
    if (r) {
        free(made);
        return r;
    }
    AUTO(mailbox) struct mailbox *m = made;
    m->fd = -1;
    r = start(m, loop);
    if (r) return r;
    *ret = TAKE(m);
    return 0;
}

struct mailbox *mailbox_free(struct mailbox *m) {
    if (!m) return NULL;
    for (struct letter *l; (l = take(m));)
        if (l->drop) l->drop(l);
    loop_watch_free(m->watch);
    if (m->fd >= 0) close(m->fd);
    pthread_mutex_destroy(&m->mutex);
    free(m);
    return NULL;
}
