// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_MFA_FAKE_OKTA_H
#define TESTS_UNIT_MFA_FAKE_OKTA_H
// An Okta org on loopback, on the test's own loop: as much of users, factors and transactions as a
// step-up asks for. A test says what it answers, request by request if need be, and can keep an
// answer back until it has seen what happens meanwhile.

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
#include "base/time.h"
#include "loop/loop.h"

enum okta_kind { FAKE_FIND, FAKE_LIST, FAKE_VERIFY, FAKE_POLL, FAKE_CANCEL, FAKE_KINDS };

struct fake_conn {
    struct fake_okta *okta;
    struct fake_conn *next;
    int fd;
    struct loop_watch *watch;
    struct buf in, out;
    size_t sent;
    bool held; // its answer is kept back
    enum okta_kind kind;
    char path[1024];
};

// Instead of the usual answer.
struct fake_reply {
    int status; // 0: the connection is cut
    const char *body;
    int times; // so often; -1: always
};

struct fake_okta {
    struct loop *loop;
    int fd, port;
    struct loop_watch *watch;
    struct fake_conn *conns;
    int asked[FAKE_KINDS];
    // What it answers.
    int users;            // that a name finds
    const char *status;   // of the user
    const char *factors;  // JSON; NULL: the usual ones
    const char *verified; // factorResult of a verify
    const char *result;   // and of a poll
    int number;           // -1: none
    bool forced;          // the number comes without being asked for
    bool late_number;     // and only in polls
    const char *href;     // of poll and cancel instead of their own
    int64_t life_ms;      // of a transaction
    struct fake_reply instead[FAKE_KINDS];
    bool hold[FAKE_KINDS];
    // What it saw.
    char verify_head[4096], verify_body[512];
    int transactions;
};

static const char fake_factors[] =
    "[{\"id\":\"opf1\",\"factorType\":\"push\",\"provider\":\"OKTA\",\"status\":\"ACTIVE\","
    "\"created\":\"2026-01-01T00:00:00.000Z\",\"profile\":{\"name\":\"Phone\"}},"
    "{\"id\":\"ost1\",\"factorType\":\"token:software:totp\",\"provider\":\"OKTA\","
    "\"status\":\"ACTIVE\",\"created\":\"2026-01-01T00:00:00.000Z\"}]";

// ---- wire

static inline void fake_conn_write(struct fake_conn *c) {
    ssize_t n =
        c->out.n > c->sent ? send(c->fd, c->out.p + c->sent, c->out.n - c->sent, MSG_NOSIGNAL) : 0;
    if (n > 0) c->sent += (size_t)n;
    if (c->sent == c->out.n) {
        buf_reset(&c->out);
        c->sent = 0;
    }
    assert_int_equal(loop_watch_set(c->watch, c->out.n ? LOOP_READ | LOOP_WRITE : LOOP_READ), 0);
}

static inline void fake_conn_close(struct fake_conn *c) {
    if (c->fd < 0) return;
    c->watch = loop_watch_free(c->watch);
    close(c->fd);
    c->fd = -1;
    c->held = false;
    buf_fini(&c->in);
    buf_fini(&c->out);
}

static inline void fake_send(struct fake_conn *c, int status, const char *body) {
    char date[TIME_RFC3339_MAX];
    int64_t now_ms = time_now_ms();
    if (status == 0) {
        fake_conn_close(c);
        return;
    }
    time_format_http(now_ms, date);
    // A 429 is that of the concurrency limit, which is over soon.
    int limit = status == 429 ? 0 : 1000000;
    buf_addf(&c->out,
             "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nDate: %s\r\n"
             "X-Rate-Limit-Limit: %d\r\nX-Rate-Limit-Remaining: %d\r\n"
             "X-Rate-Limit-Reset: %lld\r\nContent-Length: %zu\r\n\r\n%s",
             status, date, limit, limit, (long long)(now_ms / 1000 + 60), strlen(body), body);
    fake_conn_write(c);
}

// ---- answers

static inline void fake_add_transaction(struct fake_okta *o, struct buf *out, const char *result,
                                        const char *base, bool number) {
    char expires[TIME_RFC3339_MAX];
    time_format_rfc3339(time_now_ms() + o->life_ms, expires);
    buf_addf(out, "{\"factorResult\":\"%s\",\"expiresAt\":\"%s\",", result, expires);
    if (number) buf_addf(out, "\"_embedded\":{\"challenge\":{\"correctAnswer\":%d}},", o->number);
    buf_addf(out, "\"_links\":{\"poll\":{\"href\":\"%s\"},\"cancel\":{\"href\":\"%s\"}}}", base,
             base);
}

static inline void fake_answer_find(struct fake_conn *c) {
    struct fake_okta *o = c->okta;
    AUTO_FINI(buf) struct buf out = buf_make(1 << 16);
    struct str path = str_from(c->path);
    size_t from = str_find(path, STR("%22")) + 3;
    struct str login = str_sub(path, from, path.n);
    login = str_sub(login, 0, str_find(login, STR("%22")));
    buf_addc(&out, '[');
    for (int i = 0; i < o->users; i++) {
        buf_addf(&out, "%s{\"id\":\"00u", i ? "," : "");
        for (size_t k = 0; k < login.n; k++)
            if (login.p[k] != '%') buf_addc(&out, login.p[k]);
        AUTO_FINI(buf) struct buf plain = buf_make(4096);
        for (size_t k = 0; k < login.n; k++) {
            bool at = str_starts(str_sub(login, k, login.n), STR("%40"));
            buf_addc(&plain, at ? '@' : login.p[k]);
            if (at) k += 2;
        }
        buf_addf(&out,
                 "%d\",\"status\":\"%s\",\"profile\":{\"login\":\"%.*s\",\"email\":\"%.*s\"}}", i,
                 o->status, STR_ARG(buf_str(&plain)), STR_ARG(buf_str(&plain)));
    }
    buf_addc(&out, ']');
    fake_send(c, 200, buf_z(&out));
}

static inline void fake_answer_verify(struct fake_conn *c) {
    struct fake_okta *o = c->okta;
    AUTO_FINI(buf) struct buf base = buf_make(4096);
    AUTO_FINI(buf) struct buf out = buf_make(1 << 16);
    bool code = strstr(o->verify_body, "passCode") != NULL;
    bool asked = strstr(o->verify_body, "useNumberMatchingChallenge") != NULL;
    struct str path = str_from(c->path);
    if (code) {
        fake_send(c, 200, "{\"factorResult\":\"SUCCESS\"}");
        return;
    }
    buf_addf(&base, "http://127.0.0.1:%d%.*s/transactions/tx%d", o->port,
             STR_ARG(str_sub(path, 0, str_find(path, STR("/verify")))), ++o->transactions);
    bool number = o->number >= 0 && !o->late_number && (asked || o->forced);
    fake_add_transaction(o, &out, o->verified, o->href ? o->href : buf_z(&base), number);
    fake_send(c, 201, buf_z(&out));
}

static inline void fake_answer_poll(struct fake_conn *c) {
    struct fake_okta *o = c->okta;
    AUTO_FINI(buf) struct buf base = buf_make(4096);
    AUTO_FINI(buf) struct buf out = buf_make(1 << 16);
    buf_addf(&base, "http://127.0.0.1:%d%s", o->port, c->path);
    bool waits = strcmp(o->result, "WAITING") == 0;
    if (waits) fake_add_transaction(o, &out, o->result, buf_z(&base), o->number >= 0);
    else buf_addf(&out, "{\"factorResult\":\"%s\"}", o->result);
    fake_send(c, 200, buf_z(&out));
}

static inline void fake_answer(struct fake_conn *c) {
    struct fake_okta *o = c->okta;
    struct fake_reply *r = &o->instead[c->kind];
    c->held = false;
    if (r->times != 0) {
        if (r->times > 0) r->times--;
        fake_send(c, r->status, r->body ? r->body : "");
        return;
    }
    switch (c->kind) {
    case FAKE_FIND: fake_answer_find(c); return;
    case FAKE_LIST: fake_send(c, 200, o->factors ? o->factors : fake_factors); return;
    case FAKE_VERIFY: fake_answer_verify(c); return;
    case FAKE_POLL: fake_answer_poll(c); return;
    default: fake_send(c, 204, ""); return;
    }
}

// Gives the answers of that kind that were kept back, and keeps no more back.
static inline void fake_release(struct fake_okta *o, enum okta_kind kind) {
    o->hold[kind] = false;
    for (struct fake_conn *c = o->conns; c; c = c->next)
        if (c->held && c->kind == kind) fake_answer(c);
}

// ---- requests

static inline enum okta_kind fake_kind(struct str method, struct str path) {
    if (str_eqz(method, "DELETE")) return FAKE_CANCEL;
    if (str_eqz(method, "POST")) return FAKE_VERIFY;
    if (str_find(path, STR("/transactions/")) < path.n) return FAKE_POLL;
    return str_find(path, STR("/factors")) < path.n ? FAKE_LIST : FAKE_FIND;
}

static inline size_t fake_body_length(struct str head) {
    const struct str name = STR("\r\nContent-Length: ");
    size_t at = str_find(head, name);
    uint64_t n = 0;
    if (at >= head.n) return 0;
    struct str rest = str_sub(head, at + name.n, head.n);
    assert_true(parse_u64(str_trim(str_split(&rest, '\r')), &n));
    return (size_t)n;
}

static inline void fake_take_request(struct fake_conn *c) {
    struct fake_okta *o = c->okta;
    struct str in = buf_str(&c->in);
    size_t end = str_find(in, STR("\r\n\r\n"));
    if (end >= in.n) return;
    struct str head = str_sub(in, 0, end + 2);
    size_t body_n = fake_body_length(head);
    if (in.n < end + 4 + body_n) return;
    struct str rest = head;
    struct str method = str_split(&rest, ' '), path = str_split(&rest, ' ');
    c->kind = fake_kind(method, path);
    snprintf(c->path, sizeof c->path, "%.*s", STR_ARG(path));
    if (c->kind == FAKE_VERIFY) {
        snprintf(o->verify_head, sizeof o->verify_head, "%.*s", STR_ARG(head));
        snprintf(o->verify_body, sizeof o->verify_body, "%.*s", (int)body_n, in.p + end + 4);
    }
    o->asked[c->kind]++;
    buf_reset(&c->in);
    c->held = o->hold[c->kind];
    if (!c->held) fake_answer(c);
}

static inline void fake_conn_ready(void *ctx, int ready) {
    struct fake_conn *c = ctx;
    if (ready & LOOP_READ) {
        char part[4096];
        ssize_t n = recv(c->fd, part, sizeof part, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            fake_conn_close(c);
            return;
        }
        if (n > 0) buf_add(&c->in, part, (size_t)n);
        fake_take_request(c);
    }
    if (c->fd >= 0 && c->out.n) fake_conn_write(c);
}

static inline void fake_accept(void *ctx, int ready) {
    (void)ready;
    struct fake_okta *o = ctx;
    int fd = accept4(o->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    struct fake_conn *c = o->conns;
    while (c && c->fd >= 0) c = c->next;
    if (!c) {
        c = mem_new(sizeof *c);
        assert_non_null(c);
        c->next = o->conns;
        o->conns = c;
    }
    *c = (struct fake_conn){
        .okta = o, .next = c->next, .fd = fd, .in = buf_make(1 << 20), .out = buf_make(1 << 20)};
    assert_int_equal(loop_watch_new(&c->watch, o->loop, fd, fake_conn_ready, c), 0);
    assert_int_equal(loop_watch_set(c->watch, LOOP_READ), 0);
}

static inline void fake_start(struct fake_okta *o, struct loop *loop) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *o = (struct fake_okta){.loop = loop,
                            .users = 1,
                            .status = "ACTIVE",
                            .verified = "WAITING",
                            .result = "WAITING",
                            .number = -1,
                            .life_ms = 300000};
    o->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(o->fd >= 0);
    assert_int_equal(bind(o->fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(o->fd, 1024), 0);
    assert_int_equal(getsockname(o->fd, (struct sockaddr *)&address, &size), 0);
    o->port = ntohs(address.sin_port);
    assert_int_equal(loop_watch_new(&o->watch, loop, o->fd, fake_accept, o), 0);
    assert_int_equal(loop_watch_set(o->watch, LOOP_READ), 0);
}

static inline void fake_stop(struct fake_okta *o) {
    for (struct fake_conn *c = o->conns, *next; c; c = next) {
        next = c->next;
        fake_conn_close(c);
        free(c);
    }
    loop_watch_free(o->watch);
    close(o->fd);
}

#endif
