// SPDX-License-Identifier: Apache-2.0
// The server for those who watch the program, over real sockets.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/monitor.h"
#include "connect.h"

enum { LARGE_BYTES = 4 << 20 };

struct world {
    atomic_int asked[MONITOR_PAGES];
    int status;
    size_t bytes; // of the body
};

static int answer(void *ctx, enum monitor_page page, struct buf *ret_body) {
    struct world *w = ctx;
    w->asked[page]++;
    buf_addf(ret_body, "page %d\n", (int)page);
    while (ret_body->n < w->bytes && !ret_body->error) buf_addz(ret_body, "a line of many\n");
    return w->status;
}

static struct monitor *open_ok(struct world *w) {
    struct monitor *m = NULL;
    struct fault fault = {""};
    const struct monitor_opts opts = {.address = "127.0.0.1:0", .answer = answer, .ctx = w};
    if (monitor_new(&m, &opts, &fault)) fail_msg("%s", fault.text);
    return m;
}

static int connect_to(const struct monitor *m) { return connect_to_address(monitor_address(m)); }

// Everything that comes until the peer ends.
static void talk(const struct monitor *m, const char *request, struct buf *out) {
    char piece[65536];
    int fd = connect_to(m);
    buf_reset(out);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    for (ssize_t n; (n = recv(fd, piece, sizeof piece, 0)) > 0;) buf_add(out, piece, (size_t)n);
    close(fd);
    assert_int_equal(out->error, 0);
}

static bool holds(const struct buf *out, const char *text) {
    return str_find(buf_str(out), str_from(text)) < out->n;
}

static void each_page_is_asked_for_and_ends_its_connection(void **state) {
    (void)state;
    static const char *const paths[MONITOR_PAGES] = {"/metrics", "/healthz", "/readyz"};
    struct world w = {.status = 200};
    AUTO(monitor) struct monitor *m = open_ok(&w);
    AUTO_FINI(buf) struct buf got = buf_make(1 << 20);
    for (size_t i = 0; i < MONITOR_PAGES; i++) {
        AUTO_FINI(buf) struct buf request = buf_make(200);
        AUTO_FINI(buf) struct buf body = buf_make(200);
        buf_addf(&request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", paths[i]);
        buf_addf(&body, "\r\n\r\npage %zu\n", i);
        talk(m, buf_z(&request), &got);
        assert_true(str_starts(buf_str(&got), STR("HTTP/1.1 200 ")));
        assert_true(str_ends(buf_str(&got), buf_str(&body)));
        assert_true(holds(&got, "Connection: close"));
        assert_int_equal(w.asked[i], 1);
    }
    talk(m, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", &got);
    assert_true(holds(&got, "Content-Type: text/plain; version=0.0.4; charset=utf-8"));
}

static void the_status_is_the_one_that_was_given(void **state) {
    (void)state;
    struct world w = {.status = 503};
    AUTO(monitor) struct monitor *m = open_ok(&w);
    AUTO_FINI(buf) struct buf got = buf_make(1 << 20);
    talk(m, "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", &got);
    assert_true(str_starts(buf_str(&got), STR("HTTP/1.1 503 ")));
    assert_true(str_ends(buf_str(&got), STR("page 2\n")));
}

static void what_is_not_there_is_not_asked_for(void **state) {
    (void)state;
    static const struct {
        const char *request, *answer;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 404 "},
        {"GET /metricsx HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 404 "},
        {"GET /../metrics HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 404 "},
        {"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 405 "},
        {"BREW /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 405 "},
    };
    struct world w = {.status = 200};
    AUTO(monitor) struct monitor *m = open_ok(&w);
    AUTO_FINI(buf) struct buf got = buf_make(1 << 20);
    for (size_t i = 0; i < LEN(rows); i++) {
        talk(m, rows[i].request, &got);
        if (!str_starts(buf_str(&got), str_from(rows[i].answer))) fail_msg("%s", rows[i].request);
    }
    assert_int_equal(w.asked[MONITOR_METRICS], 0);
}

static void a_head_has_no_body_and_a_large_page_is_whole(void **state) {
    (void)state;
    struct world w = {.status = 200, .bytes = LARGE_BYTES};
    AUTO(monitor) struct monitor *m = open_ok(&w);
    AUTO_FINI(buf) struct buf got = buf_make(16 << 20);
    talk(m, "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n", &got);
    assert_true(str_ends(buf_str(&got), STR("\r\n\r\n")));
    talk(m, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", &got);
    assert_true(got.n > LARGE_BYTES);
    assert_true(str_ends(buf_str(&got), STR("a line of many\n")));
}

static void headers_without_end_are_refused(void **state) {
    (void)state;
    struct world w = {.status = 200};
    AUTO(monitor) struct monitor *m = open_ok(&w);
    AUTO_FINI(buf) struct buf got = buf_make(1 << 20);
    AUTO_FINI(buf) struct buf request = buf_make(1 << 20);
    buf_addz(&request, "GET /metrics HTTP/1.1\r\nHost: a\r\n");
    while (request.n < 20000) buf_addz(&request, "X-More: of the same\r\n");
    buf_addz(&request, "\r\n");
    talk(m, buf_z(&request), &got);
    assert_int_equal(w.asked[MONITOR_METRICS], 0);
    assert_false(holds(&got, "200 OK"));
}

static void an_address_that_cannot_be_meant_or_is_taken_is_named(void **state) {
    (void)state;
    struct world w = {.status = 200};
    AUTO(monitor) struct monitor *first = open_ok(&w);
    const struct {
        const char *address;
        int outcome;
    } rows[] = {{"nonsense", -EINVAL}, {"::1:0", -EINVAL}, {monitor_address(first), -EADDRINUSE}};
    for (size_t i = 0; i < LEN(rows); i++) {
        struct fault fault = {""};
        struct monitor *m = NULL;
        const struct monitor_opts opts = {.address = rows[i].address, .answer = answer, .ctx = &w};
        assert_int_equal(monitor_new(&m, &opts, &fault), rows[i].outcome);
        assert_non_null(strstr(fault.text, rows[i].address));
        assert_null(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_page_is_asked_for_and_ends_its_connection),
        cmocka_unit_test(the_status_is_the_one_that_was_given),
        cmocka_unit_test(what_is_not_there_is_not_asked_for),
        cmocka_unit_test(a_head_has_no_body_and_a_large_page_is_whole),
        cmocka_unit_test(headers_without_end_are_refused),
        cmocka_unit_test(an_address_that_cannot_be_meant_or_is_taken_is_named),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
