// SPDX-License-Identifier: Apache-2.0
// Documents on a descriptor, one a line. The descriptor may be shared (a terminal, a shell's pipe),
// so it stays blocking: each piece is small enough that a pipe which poll calls writable takes it
// whole, and between pieces the stop flag is looked at. What a reader has seen cannot be taken
// back: a page that failed half-way is written again, so a document may come twice.
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "sink/types-internal.h"

enum { WAIT_MS = 200 };

struct out {
    struct sink sink;
    struct sink_host host;
    int fd;
    bool torn; // a line was begun and not ended
    size_t n;
    char piece[PIPE_BUF];
};

static int out_open(struct sink **ret, const struct sink_opts *opts, const struct sink_host *host,
                    struct str mark, struct fault *fault) {
    (void)mark;
    struct pollfd p = {.fd = opts->fd, .events = POLLOUT};
    if (poll(&p, 1, 0) < 0 || p.revents & POLLNVAL)
        return fault_set(fault, -EBADF, "%s: standard output is closed", opts->name);
    struct out *o = mem_new(sizeof *o);
    if (!o) return fault_set(fault, -ENOMEM, "%s: no memory", opts->name);
    o->sink.type = &sink_stdout;
    o->host = *host;
    o->fd = opts->fd;
    *ret = &o->sink;
    return 0;
}

// Outcomes: 0, the descriptor takes a piece; -ECANCELED; -errno.
static int wait_writable(struct out *o) {
    for (;;) {
        if (sink_stopped(&o->host)) return -ECANCELED;
        struct pollfd p = {.fd = o->fd, .events = POLLOUT};
        int n = poll(&p, 1, WAIT_MS);
        if (n < 0 && errno != EINTR) return -errno;
        if (n > 0) return 0; // errors, too: the write tells which
    }
}

static int flush_piece(struct out *o) {
    size_t at = 0;
    int r = 0;
    while (r == 0 && at < o->n) {
        r = wait_writable(o);
        if (r) break;
        ssize_t n = write(o->fd, o->piece + at, o->n - at);
        if (n > 0) at += (size_t)n;
        else if (n < 0 && errno != EINTR && errno != EAGAIN) r = -errno;
    }
    if (at > 0) o->torn = o->piece[at - 1] != '\n';
    o->n = 0;
    return r;
}

static int put(struct out *o, struct str s) {
    while (s.n > 0) {
        size_t room = sizeof o->piece - o->n;
        size_t n = s.n < room ? s.n : room;
        memcpy(o->piece + o->n, s.p, n);
        o->n += n;
        s = str_sub(s, n, s.n);
        int r = o->n == sizeof o->piece ? flush_piece(o) : 0;
        if (r) return r;
    }
    return 0;
}

static int put_page(struct out *o, const struct sink_doc *docs, size_t n) {
    int r = o->torn ? put(o, STR("\n")) : 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = put(o, docs[i].document);
        if (r == 0) r = put(o, STR("\n"));
    }
    return r ? r : flush_piece(o);
}

static int out_deliver(struct sink *s, const struct sink_doc *docs, size_t n, int64_t now_ms,
                       struct sink_reply *replies, struct fault *fault) {
    (void)now_ms;
    struct out *o = (struct out *)s;
    int r = n ? put_page(o, docs, n) : 0;
    if (r == -EPIPE) return fault_set(fault, r, "standard output: the reader has gone");
    if (r) return fault_set(fault, r, "standard output: %s", error_text(r));
    for (size_t i = 0; i < n; i++) replies[i] = (struct sink_reply){.verdict = SINK_DELIVERED};
    return 0;
}

static int out_sync(struct sink *s, const struct sink_position *at, struct buf *ret_mark,
                    struct fault *fault) {
    (void)s, (void)at, (void)ret_mark, (void)fault;
    return 0;
}

static void out_committed(struct sink *s) { (void)s; }

static int out_rollback(struct sink *s, struct fault *fault) {
    (void)fault;
    ((struct out *)s)->n = 0;
    return 0;
}

static struct sink *out_free(struct sink *s) {
    free(s);
    return NULL;
}

const struct sink_type sink_stdout = {
    .name = "stdout",
    .guarantee = "at least once",
    .open = out_open,
    .deliver = out_deliver,
    .sync = out_sync,
    .committed = out_committed,
    .rollback = out_rollback,
    .free = out_free,
};
