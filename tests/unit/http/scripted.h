// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_HTTP_SCRIPTED_H
#define TESTS_UNIT_HTTP_SCRIPTED_H
// A server on loopback that lives on the test's own loop: it answers the n-th request with the n-th
// step of a script, byte for byte, and keeps what it was asked. The last step repeats.

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/parse.h"
#include "loop/loop.h"

enum step_end {
    STEP_KEEP,  // the connection stays open for the next request
    STEP_CLOSE, // closed when all is sent
    STEP_RESET, // reset (RST) when all is sent
    STEP_STALL, // nothing more happens
};

struct step {
    const char *bytes;
    size_t n; // 0: up to the NUL
    enum step_end end;
};

enum { CONNS_MAX = 64, REQUESTS_MAX = 256 };

struct conn {
    struct scripted *server;
    int fd;
    struct loop_watch *watch;
    struct buf in;
    const struct step *step; // being answered
    size_t sent;
};

struct scripted {
    struct loop *loop;
    int fd;
    int port;
    struct loop_watch *watch;
    struct conn conns[CONNS_MAX];
    size_t conn_count; // accepted so far
    const struct step *steps;
    size_t step_count;
    // The step for a request; NULL: the n-th for the n-th.
    size_t (*choose)(const struct scripted *s, const char *head);
    size_t asked;
    char *requests[REQUESTS_MAX]; // heads, as received
    char *bodies[REQUESTS_MAX];
};

static inline void conn_close(struct conn *c, bool reset) {
    if (c->fd < 0) return;
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    if (reset) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    loop_watch_free(c->watch);
    close(c->fd);
    buf_fini(&c->in);
    c->fd = -1;
}

static inline size_t step_size(const struct step *s) { return s->n ? s->n : strlen(s->bytes); }

static inline size_t announced_length(struct str head) {
    const struct str name = STR("\r\nContent-Length: ");
    size_t at = str_find(head, name);
    if (at >= head.n) return 0;
    struct str rest = str_sub(head, at + name.n, head.n);
    uint64_t length = 0;
    assert_true(parse_u64(str_trim(str_split(&rest, '\r')), &length));
    return (size_t)length;
}

static inline void conn_take_request(struct conn *c) {
    struct scripted *s = c->server;
    struct str in = buf_str(&c->in);
    size_t end = str_find(in, STR("\r\n\r\n"));
    if (c->step || end >= in.n) return;
    size_t body_n = announced_length(str_sub(in, 0, end + 2));
    if (in.n < end + 4 + body_n) return;
    assert_true(s->asked < REQUESTS_MAX);
    s->requests[s->asked] = mem_copy(in.p, end + 2);
    s->bodies[s->asked] = mem_copy(in.p + end + 4, body_n);
    size_t which = s->asked < s->step_count ? s->asked : s->step_count - 1;
    if (s->choose) which = s->choose(s, s->requests[s->asked]);
    s->asked++;
    buf_reset(&c->in);
    c->step = &s->steps[which];
    c->sent = 0;
}

static inline void conn_finish_step(struct conn *c) {
    enum step_end end = c->step->end;
    if (end == STEP_CLOSE || end == STEP_RESET) {
        conn_close(c, end == STEP_RESET);
        return;
    }
    if (end == STEP_KEEP) c->step = NULL;
    assert_int_equal(loop_watch_set(c->watch, LOOP_READ), 0);
}

static inline void conn_write(struct conn *c) {
    if (!c->step || c->sent > step_size(c->step)) return;
    size_t left = step_size(c->step) - c->sent;
    ssize_t n = left ? send(c->fd, c->step->bytes + c->sent, left, MSG_NOSIGNAL) : 0;
    if (n < 0 && errno != EAGAIN) {
        conn_close(c, false); // the client has gone
        return;
    }
    if (n > 0) c->sent += (size_t)n;
    if (c->sent == step_size(c->step)) conn_finish_step(c);
    else assert_int_equal(loop_watch_set(c->watch, LOOP_READ | LOOP_WRITE), 0);
}

static inline void conn_ready(void *ctx, int ready) {
    struct conn *c = ctx;
    if (ready & LOOP_READ) {
        char part[4096];
        ssize_t n = recv(c->fd, part, sizeof part, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            conn_close(c, false);
            return;
        }
        if (n > 0) buf_add(&c->in, part, (size_t)n);
        conn_take_request(c);
    }
    if (c->step && c->sent < step_size(c->step)) conn_write(c);
    else if (c->step && step_size(c->step) == 0 && c->step->end != STEP_STALL) conn_finish_step(c);
}

static inline void scripted_accept(void *ctx, int ready) {
    (void)ready;
    struct scripted *s = ctx;
    int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    assert_true(s->conn_count < CONNS_MAX);
    struct conn *c = &s->conns[s->conn_count++];
    *c = (struct conn){.server = s, .fd = fd, .in = buf_make(1 << 24)};
    assert_int_equal(loop_watch_new(&c->watch, s->loop, fd, conn_ready, c), 0);
    assert_int_equal(loop_watch_set(c->watch, LOOP_READ), 0);
}

static inline void scripted_start(struct scripted *s, struct loop *loop, const struct step *steps,
                                  size_t count) {
    *s = (struct scripted){.loop = loop, .steps = steps, .step_count = count};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(s->fd >= 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(s->fd, CONNS_MAX), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&address, &size), 0);
    s->port = ntohs(address.sin_port);
    assert_int_equal(loop_watch_new(&s->watch, loop, s->fd, scripted_accept, s), 0);
    assert_int_equal(loop_watch_set(s->watch, LOOP_READ), 0);
}

// Nobody listens at the port any more; open connections go on.
static inline void scripted_stop_listening(struct scripted *s) {
    if (s->fd < 0) return;
    s->watch = loop_watch_free(s->watch);
    close(s->fd);
    s->fd = -1;
}

static inline void scripted_stop(struct scripted *s) {
    scripted_stop_listening(s);
    for (size_t i = 0; i < s->conn_count; i++) conn_close(&s->conns[i], false);
    for (size_t i = 0; i < s->asked; i++) {
        free(s->requests[i]);
        free(s->bodies[i]);
    }
}

// Whether the n-th request held the text.
static inline bool scripted_saw(const struct scripted *s, size_t n, const char *text) {
    return n < s->asked && strstr(s->requests[n], text) != NULL;
}

static inline void scripted_overdue(void *ctx) {
    (void)ctx;
    fail_msg("nothing happened for ten seconds");
}

// Runs the loop until loop_stop(); a test that waits for ever fails instead.
static inline void run_loop(struct loop *loop) {
    struct loop_timer *guard = NULL;
    assert_int_equal(loop_timer_new(&guard, loop, scripted_overdue, NULL), 0);
    loop_timer_set(guard, 10000);
    assert_int_equal(loop_run(loop), 0);
    loop_timer_free(guard);
}

// Runs a program that is expected to succeed, without its output.
static inline void run_program(const char *command) {
    int status = system(command);
    if (status != 0) fail_msg("%s: status %d", command, status);
}

#endif
