// SPDX-License-Identifier: Apache-2.0
// While a request waits for a person, the library leaves its connection alone, and so would not
// notice that the client has gone. The system tells of it (EPOLLRDHUP), to a thread of its own.
//
// What the system hands back is the ticket of the waiting alone, and giving up a ticket that is
// over is nothing: so an answer may come at the same moment, and no link, exchange or connection is
// touched here. The library's thread takes a socket off before it goes on with it or closes it.
//
// What the peer has sent beyond its request is data, not an end. An end in one direction (a
// shutdown for writing) counts as gone: clients of this API keep their side open while they wait,
// and a person is not to be asked for a client that is not there any more.
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "api/server-internal.h"

enum { AT_ONCE = 64 };

static void *listen_for_ends(void *arg) {
    struct hangup *h = arg;
    struct epoll_event events[AT_ONCE];
    for (;;) {
        int n = epoll_wait(h->epoll_fd, events, AT_ONCE, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.u64 == 0) return NULL; // told to stop
            gate_give_up(h->gate, events[i].data.u64);
        }
    }
}

static int add(struct hangup *h, int fd, uint32_t what, uint64_t ticket) {
    struct epoll_event event = {.events = what, .data = {.u64 = ticket}};
    return epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int start(struct hangup *h) {
    h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    h->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (h->epoll_fd < 0 || h->stop_fd < 0) return -errno;
    int e = add(h, h->stop_fd, EPOLLIN, 0);
    if (!e) e = -pthread_create(&h->thread, NULL, listen_for_ends, h);
    h->running = e == 0;
    return e;
}

int hangup_start(struct hangup *h, struct gate *gate) {
    h->gate = gate;
    h->epoll_fd = h->stop_fd = -1;
    int e = start(h);
    h->begun = true;
    return e;
}

void hangup_stop(struct hangup *h) {
    if (!h->begun) return;
    if (h->running) {
        eventfd_write(h->stop_fd, 1);
        pthread_join(h->thread, NULL);
    }
    if (h->stop_fd >= 0) close(h->stop_fd);
    if (h->epoll_fd >= 0) close(h->epoll_fd);
    h->begun = h->running = false;
}

bool hangup_watch(struct hangup *h, int fd, uint64_t ticket) {
    // An end that has come already is told at once. ONESHOT: once is enough, and the socket stays
    // as it is until the answer has come.
    return add(h, fd, EPOLLRDHUP | EPOLLONESHOT, ticket) == 0;
}

void hangup_forget(struct hangup *h, int fd) { epoll_ctl(h->epoll_fd, EPOLL_CTL_DEL, fd, NULL); }
