// SPDX-License-Identifier: Apache-2.0
// The server over real sockets in front of a real gate in memory. (What it says on the wire is
// tested in tests/live/test_gate_wire.py.)
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/server.h"
#include "connect.h"
#include "gate-fixture.h"

enum { CLIENTS = 16, REQUESTS = 40 };

static void open_server(struct server **ret, struct fixture *f, const struct server_opts *more) {
    struct server_opts opts = *more;
    struct fault fault = {""};
    fixture_open(f);
    opts.gate = f->gate;
    opts.address = "127.0.0.1:0";
    if (server_new(ret, &opts, &fault)) fail_msg("%s", fault.text);
}

static void close_server(struct server *s, struct fixture *f) {
    server_free(s);
    fixture_close(f);
}

static int connect_to(const struct server *s) { return connect_to_address(server_address(s)); }

static bool send_all(int fd, struct str text) {
    while (text.n > 0) {
        ssize_t n = send(fd, text.p, text.n, MSG_NOSIGNAL);
        if (n <= 0) return false;
        text = str_sub(text, (size_t)n, text.n);
    }
    return true;
}

// Reads until the peer closes, or (when `answers` is not 0) until that many answers have come.
static void receive(int fd, struct buf *out, int answers) {
    char piece[4096];
    for (;;) {
        int seen = 0;
        for (struct str rest = buf_str(out); rest.n > 0; seen++) {
            size_t at = str_find(rest, STR("HTTP/1.1 "));
            if (at == rest.n) break;
            rest = str_sub(rest, at + 9, rest.n);
        }
        struct str text = buf_str(out);
        bool whole = str_ends(text, STR("}\n")) || str_ends(text, STR("\r\n\r\n"));
        if (answers && seen >= answers && whole) return;
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0) return;
        buf_add(out, piece, (size_t)n);
    }
}

#define HEAD " HTTP/1.1\r\nHost: x\r\nX-Vault-Token: root\r\n"

static int status_of(const struct buf *answer) {
    uint64_t status = 0;
    struct str text = buf_str(answer);
    if (!str_starts(text, STR("HTTP/1.1 "))) return 0;
    assert_true(parse_u64(str_sub(text, 9, 12), &status));
    return (int)status;
}

// One request on a connection of its own; its status, 0 when there was no answer.
static int status_for(const struct server *s, const char *text) {
    int fd = connect_to(s);
    AUTO_FINI(buf) struct buf answer = buf_make(1 << 20);
    if (send_all(fd, str_from(text))) receive(fd, &answer, 1);
    close(fd);
    return status_of(&answer);
}

static void reads_and_writes_are_answered(void **state) {
    (void)state;
    struct fixture f;
    struct server *s;
    open_server(&s, &f, &(struct server_opts){.threads = 1});
    assert_int_equal(
        status_for(s, "PUT /v1/secret/a" HEAD "Content-Length: 9\r\n\r\n{\"k\":\"v\"}"), 204);
    assert_int_equal(status_for(s, "GET /v1/secret/a" HEAD "\r\n"), 200);
    assert_int_equal(status_for(s, "GET /v1/secret/b" HEAD "\r\n"), 404);
    assert_int_equal(status_for(s, "GET /v1/secret/a HTTP/1.1\r\nHost: x\r\n\r\n"), 403);
    close_server(s, &f);
}

struct client {
    pthread_t thread;
    const struct server *server;
    int number, good;
    bool endless;
};

static int one_round(int fd, int number, int round) {
    char text[512];
    snprintf(text, sizeof text,
             "PUT /v1/secret/%d" HEAD "Content-Length: 9\r\n\r\n{\"k\":\"v\"}"
             "GET /v1/secret/%d" HEAD "\r\n"
             "DELETE /v1/secret/none-%d-%d" HEAD "Content-Length: 3\r\n\r\nabc",
             number, number, number, round);
    AUTO_FINI(buf) struct buf answer = buf_make(1 << 20);
    if (send_all(fd, str_from(text))) receive(fd, &answer, 3);
    struct str all = buf_str(&answer);
    return status_of(&answer) == 204 && str_find(all, STR("HTTP/1.1 200")) < all.n;
}

static void *run_client(void *arg) {
    struct client *c = arg;
    for (int round = 0; round < REQUESTS || c->endless;) {
        int fd = connect_to(c->server);
        bool good = true;
        for (int i = 0; i < 10 && good; i++, round++) {
            good = one_round(fd, c->number, round);
            c->good += good;
        }
        // Some hang up in the middle of a request.
        if (round % 20 == 0)
            (void)send_all(fd, STR("PUT /v1/secret/x" HEAD "Content-Length: 9\r\n\r\n{"));
        close(fd);
        if (!good) break;
    }
    return NULL;
}

static void run_clients(int threads) {
    struct fixture f;
    struct server *s;
    struct client clients[CLIENTS];
    open_server(&s, &f, &(struct server_opts){.threads = threads});
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.server = s, .number = i};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        assert_int_equal(clients[i].good, REQUESTS);
    }
    close_server(s, &f);
}

static void many_clients_get_their_own_answers(void **state) {
    (void)state;
    run_clients(1);
}

static void several_threads_serve_as_one(void **state) {
    (void)state;
    run_clients(3);
}

static void the_server_ends_while_requests_come(void **state) {
    (void)state;
    struct fixture f;
    struct server *s;
    open_server(&s, &f, &(struct server_opts){.threads = 2});
    int fds[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = connect_to(s);
        // Writes under way, requests half sent, and connections that say nothing.
        if (i % 3 == 0)
            assert_true(send_all(
                fds[i], STR("PUT /v1/secret/a" HEAD "Content-Length: 9\r\n\r\n{\"k\":\"v\"}")));
        if (i % 3 == 1) assert_true(send_all(fds[i], STR("PUT /v1/secret/a" HEAD)));
    }
    close_server(s, &f);
    for (int i = 0; i < CLIENTS; i++) {
        AUTO_FINI(buf) struct buf answer = buf_make(1 << 20);
        receive(fds[i], &answer, 0); // returns: the connection was closed
        close(fds[i]);
        // 503: it came too late.
        int status = answer.n > 0 ? status_of(&answer) : 204;
        if (status != 204 && status != 503) fail_msg("%d", status);
    }
}

// The server gives up on a client, however busily that drips.
static void drip(const struct server *s, const char *begin, const char *more) {
    int fd = connect_to(s);
    assert_true(send_all(fd, str_from(begin)));
    struct timeval pause = {.tv_usec = 20000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof pause);
    for (;;) {
        char c;
        ssize_t n = recv(fd, &c, 1, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN)) break;
        if (n < 0 && !send_all(fd, str_from(more))) break;
    }
    close(fd);
}

static void slow_clients_are_hung_up_on(void **state) {
    (void)state;
    struct fixture f;
    struct server *s;
    open_server(&s, &f, &(struct server_opts){.headers_timeout_ms = 100, .idle_timeout_ms = 1000});
    drip(s, "GET /v1/secret/a HTTP/1.1\r\nHost: x\r\n", "X-A: b\r\n");
    drip(s, "PUT /v1/secret/a" HEAD "Content-Length: 10000000\r\n\r\n", "a");
    drip(s, "PUT /v1/secret/a" HEAD "Transfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n");
    drip(s, "", "\r\n");
    drip(s, "GET /v1/sys", "a");
    drip(s, "GET /v1/sys/health" HEAD "\r\n", "G");
    close_server(s, &f);
}

static void large_bodies_share_a_bounded_memory(void **state) {
    (void)state;
    enum { BODY = 1000000, SENDERS = 12, SMALL = 8192 };
    struct fixture f;
    struct server *s;
    open_server(&s, &f, &(struct server_opts){.body_max = BODY});
    AUTO_FINI(buf) struct buf text = buf_make(2 << 20);
    buf_addf(&text, "PUT /v1/secret/a" HEAD "Content-Length: %d\r\n\r\n", BODY);
    for (int i = 0; i < BODY - 1; i++) buf_addc(&text, ' ');
    int fds[SENDERS], refused = 0;
    for (int i = 0; i < SENDERS; i++) {
        fds[i] = connect_to(s);
        // What has been sent is then mostly with the server, not on its way.
        setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &(int){SMALL}, sizeof(int));
        assert_true(send_all(fds[i], buf_str(&text)));
    }
    for (int i = 0; i < SENDERS; i++) {
        AUTO_FINI(buf) struct buf answer = buf_make(1 << 20);
        assert_true(send_all(fds[i], STR("\n")));
        receive(fds[i], &answer, 1);
        close(fds[i]);
        refused += status_of(&answer) == 503;
        if (status_of(&answer) != 503) assert_int_equal(status_of(&answer) / 100, 4);
    }
    assert_in_range(refused, SENDERS / 2, SENDERS - 1);
    // What they held is free again.
    assert_int_equal(status_for(s, "GET /v1/sys/health" HEAD "\r\n"), 200);
    close_server(s, &f);
}

static void a_body_that_is_too_large_is_refused_however_it_comes(void **state) {
    (void)state;
    struct fixture f;
    struct server *s;
    open_server(&s, &f, &(struct server_opts){.body_max = 16});
    assert_int_equal(
        status_for(s, "PUT /v1/secret/a" HEAD "Content-Length: 16\r\n\r\n{\"k\":\"12345678\"}\n"),
        204);
    assert_int_equal(
        status_for(s, "PUT /v1/secret/a" HEAD "Content-Length: 17\r\n\r\n{\"k\":\"12345678\"} \n"),
        413);
    assert_int_equal(status_for(s, "PUT /v1/secret/a" HEAD "Content-Length: 1700\r\n\r\n"), 413);
    assert_int_equal(
        status_for(s, "PUT /v1/secret/a" HEAD
                      "Transfer-Encoding: chunked\r\n\r\n9\r\n{\"k\":\"123\r\n8\r\n45678\"}"
                      "\n\r\n0\r\n\r\n"),
        413);
    close_server(s, &f);
}

static void an_address_that_cannot_be_meant_is_named(void **state) {
    (void)state;
    static const struct {
        const char *address, *text;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1: an address is HOST:PORT"},
        {"::1:8200", "stands in brackets"},
        {"0.0.0.0:0", "0.0.0.0:0: without TLS the gate listens on this machine itself only"},
        {"[::]:0", "without TLS"},
        {":0", "without TLS"},
        {"127.0.0.1:http", "127.0.0.1:http: "},
    };
    struct fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct server *s = NULL;
        struct fault fault = {""};
        const struct server_opts opts = {.gate = f.gate, .address = rows[i].address};
        assert_true(server_new(&s, &opts, &fault) < 0);
        if (!strstr(fault.text, rows[i].text)) fail_msg("%s: %s", rows[i].address, fault.text);
    }
    fixture_close(&f);
}

static void an_address_in_use_is_said_to_be(void **state) {
    (void)state;
    struct fixture f;
    struct server *s, *second = NULL;
    open_server(&s, &f, &(struct server_opts){.threads = 1});
    struct fault fault = {""};
    const struct server_opts opts = {.gate = f.gate, .address = server_address(s)};
    assert_int_equal(server_new(&second, &opts, &fault), -EADDRINUSE);
    assert_non_null(strstr(fault.text, server_address(s)));
    close_server(s, &f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_are_answered),
        cmocka_unit_test(many_clients_get_their_own_answers),
        cmocka_unit_test(several_threads_serve_as_one),
        cmocka_unit_test(the_server_ends_while_requests_come),
        cmocka_unit_test(slow_clients_are_hung_up_on),
        cmocka_unit_test(large_bodies_share_a_bounded_memory),
        cmocka_unit_test(a_body_that_is_too_large_is_refused_however_it_comes),
        cmocka_unit_test(an_address_that_cannot_be_meant_is_named),
        cmocka_unit_test(an_address_in_use_is_said_to_be),
    };
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
