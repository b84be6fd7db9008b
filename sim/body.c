// SPDX-License-Identifier: Apache-2.0
#include "sim/body.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/time.h"

enum { BLOCK_BYTES = 64 << 10 };

struct body {
    struct parking *parking;
    struct MHD_Connection *connection;
    struct buf bytes;
    enum reply_delivery delivery;
    size_t deliver_bytes, step_bytes;
    int64_t delay_ms;
    int64_t next_ms; // monotonic: when the next step may go
    bool parked, broken;
    bool *gone; // of one that asks again, borrowed; NULL: nobody wants to know
    struct body *next;
};

static int socket_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

void body_close_hard(struct MHD_Connection *connection) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_of(connection), SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

// While a connection is suspended the HTTP library does not look at its socket, so we do.
static void park(struct body *b) {
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLHUP | EPOLLERR, .data.ptr = b};
    epoll_ctl(b->parking->epoll_fd, EPOLL_CTL_ADD, socket_of(b->connection), &event);
    b->next = b->parking->first;
    b->parking->first = b;
    b->parked = true;
    MHD_suspend_connection(b->connection);
}

static void unpark(struct body *b) {
    struct body **at = &b->parking->first;
    while (*at && *at != b) at = &(*at)->next;
    if (*at) *at = b->next;
    b->parked = false;
    epoll_ctl(b->parking->epoll_fd, EPOLL_CTL_DEL, socket_of(b->connection), NULL);
    MHD_resume_connection(b->connection);
    // These belong to no response that would free them.
    if (b->delivery == REPLY_SILENCE || b->delivery == REPLY_AGAIN) free(b);
}

static bool has_time(const struct body *b) {
    return b->delivery == REPLY_SLOW || b->delivery == REPLY_AGAIN;
}

void parking_wake_askers(struct parking *p) {
    struct body *b = p->first;
    while (b) {
        struct body *next = b->next;
        if (b->delivery == REPLY_AGAIN) unpark(b);
        b = next;
    }
}

void parking_wake(struct parking *p, int64_t mono_ms, bool all) {
    struct body *b = p->first;
    while (b) {
        struct body *next = b->next;
        bool due = has_time(b) && b->next_ms <= mono_ms;
        if (all) b->broken = true;
        if (due || all) unpark(b);
        b = next;
    }
}

void parking_gone(struct body *b) {
    b->broken = true;
    if (b->gone) *b->gone = true;
    unpark(b);
}

int parking_timeout_ms(const struct parking *p, int64_t mono_ms) {
    int64_t least = -1;
    for (const struct body *b = p->first; b; b = b->next) {
        if (!has_time(b)) continue;
        int64_t left = b->next_ms > mono_ms ? b->next_ms - mono_ms : 0;
        if (least < 0 || left < least) least = left;
    }
    return (int)(least > 60000 ? 60000 : least);
}

static ssize_t copy_out(struct body *b, uint64_t at, char *out, size_t n) {
    size_t left = b->bytes.n - (size_t)at;
    if (n > left) n = left;
    memcpy(out, b->bytes.p + at, n);
    return (ssize_t)n;
}

static ssize_t read_slowly(struct body *b, uint64_t at, char *out, size_t n) {
    int64_t now_ms = time_mono_ms();
    if (now_ms < b->next_ms) {
        park(b);
        return 0;
    }
    b->next_ms = now_ms + b->delay_ms;
    return copy_out(b, at, out, n < b->step_bytes ? n : b->step_bytes);
}

// Up to `deliver_bytes` as usual, then the end that the fault wants.
static ssize_t read_partly(struct body *b, uint64_t at, char *out, size_t n) {
    size_t left = at < b->deliver_bytes ? b->deliver_bytes - (size_t)at : 0;
    if (left > 0) return copy_out(b, at, out, n < left ? n : left);
    if (b->delivery == REPLY_STALL) {
        park(b);
        return 0;
    }
    body_close_hard(b->connection);
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t body_read(void *cls, uint64_t at, char *out, size_t n) {
    struct body *b = cls;
    if (b->broken) return MHD_CONTENT_READER_END_WITH_ERROR;
    if (b->delivery == REPLY_RESET || b->delivery == REPLY_STALL) return read_partly(b, at, out, n);
    if (at >= b->bytes.n) return MHD_CONTENT_READER_END_OF_STREAM;
    return b->delivery == REPLY_SLOW ? read_slowly(b, at, out, n) : copy_out(b, at, out, n);
}

static void body_free(void *cls) {
    struct body *b = cls;
    buf_fini(&b->bytes);
    free(b);
}

int body_keep_silent(struct parking *parking, struct MHD_Connection *connection) {
    struct body *b = mem_new(sizeof *b);
    if (!b) return -ENOMEM;
    *b = (struct body){.parking = parking, .connection = connection, .delivery = REPLY_SILENCE};
    park(b);
    return 0;
}

int body_ask_again(struct parking *parking, struct MHD_Connection *connection, int64_t delay_ms,
                   bool *gone) {
    struct body *b = mem_new(sizeof *b);
    if (!b) return -ENOMEM;
    *b = (struct body){.parking = parking, .connection = connection, .delivery = REPLY_AGAIN};
    b->next_ms = time_mono_ms() + delay_ms;
    b->gone = gone;
    park(b);
    return 0;
}

struct MHD_Response *body_response(struct parking *parking, struct MHD_Connection *connection,
                                   struct reply *reply) {
    struct body *b = mem_new(sizeof *b);
    if (!b) return NULL;
    *b = (struct body){.parking = parking,
                       .connection = connection,
                       .bytes = reply->body,
                       .delivery = reply->delivery,
                       .deliver_bytes = reply->deliver_bytes,
                       .step_bytes = reply->step_bytes,
                       .delay_ms = reply->delay_ms};
    if (b->deliver_bytes > b->bytes.n) b->deliver_bytes = b->bytes.n;
    reply->body = buf_make(0);
    uint64_t size = reply->chunked ? MHD_SIZE_UNKNOWN : b->bytes.n;
    struct MHD_Response *response =
        MHD_create_response_from_callback(size, BLOCK_BYTES, body_read, b, body_free);
    if (!response) body_free(b);
    return response;
}
