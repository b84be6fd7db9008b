// SPDX-License-Identifier: Apache-2.0
// As test_memory: each allocation fails once, on the way of one exchange with an engine from the
// client's making to the sentence about its answer. There is a whole answer or -ENOMEM, and the
// host behind the dead one is asked whenever there was memory. The engine is a child process, whose
// memory does not fail.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "elastic/engine.h"
#include "http/exchange.h"

#include "failmalloc.h"

enum { ATTEMPTS_MAX = 100000, BODY_BYTES = 3000, REQUEST_MAX = 65536 };

#define BODY "{\"error\":{\"type\":\"a\",\"reason\":\"b\"},\"status\":400}"
#define ANSWER                                                                                     \
    "HTTP/1.1 400 X\r\nRetry-After: 2\r\nConnection: close\r\nContent-Length: 48\r\n\r\n" BODY

static int port, dead_port;
static pid_t child;

// Until all of the body is there: what is not read would reset the connection.
static bool is_whole(const char *request, size_t n) {
    const char *end = strstr(request, "\r\n\r\n");
    const char *length = strstr(request, "Content-Length: ");
    size_t body = 0;
    if (!end) return false;
    if (length) length += strlen("Content-Length: ");
    for (; length && *length >= '0' && *length <= '9'; length++)
        body = body * 10 + (size_t)(*length - '0');
    return n >= (size_t)(end - request) + 4 + body;
}

static void serve_one(int fd) {
    static char request[REQUEST_MAX + 1];
    for (size_t n = 0; n < REQUEST_MAX;) {
        ssize_t got = recv(fd, request + n, REQUEST_MAX - n, 0);
        if (got <= 0) return;
        n += (size_t)got;
        request[n] = '\0';
        if (is_whole(request, n)) break;
    }
    if (send(fd, ANSWER, sizeof ANSWER - 1, MSG_NOSIGNAL) < 0) return;
}

static void serve(int listener) {
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) _exit(1);
        serve_one(fd);
        close(fd);
    }
}

static int bind_one(int *ret_port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

// The dead host's port stays bound, so that nobody else listens there.
static int dead;

static int start_engine(void **state) {
    (void)state;
    int listener = bind_one(&port);
    dead = bind_one(&dead_port);
    assert_int_equal(listen(listener, 16), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) serve(listener);
    close(listener);
    return 0;
}

static int stop_engine(void **state) {
    (void)state;
    close(dead);
    kill(child, SIGKILL);
    return waitpid(child, NULL, 0) == child ? 0 : -1;
}

// ---- through the engine's client

static bool is_answered(const struct elastic_answer *a, const struct fault *said) {
    return a->status == 400 && a->retry_after_ms == 2000 && str_eqz(a->body, BODY) &&
           strstr(said->text, "POST /_bulk: status 400");
}

static int ask(int level, bool *ret_whole) {
    static char body[BODY_BYTES];
    static const char *const headers[] = {"X-Found=Y"};
    char first[64], second[64];
    snprintf(first, sizeof first, "127.0.0.1:%d", dead_port);
    snprintf(second, sizeof second, "http://me:pw@127.0.0.1:%d/x", port);
    const char *const hosts[] = {first, second};
    const struct elastic_opts opts = {.hosts = hosts,
                                      .host_count = 2,
                                      .username = "a",
                                      .password = "b",
                                      .headers = headers,
                                      .header_count = 1,
                                      .compression_level = level,
                                      .timeout_ms = 10000,
                                      .proxy_disable = true};
    const struct elastic_request request = {
        .method = "POST", .path = "/_bulk", .body = {body, sizeof body}, .ndjson = true};
    AUTO(elastic) struct elastic *e = NULL;
    struct elastic_answer answer;
    struct fault fault = {{0}};
    int r = elastic_new(&e, &opts, NULL, &fault);
    if (!r) r = elastic_ask(e, &request, &answer, &fault);
    if (r) return r;
    assert_int_equal(elastic_say(&answer, "POST /_bulk", -EIO, &fault), -EIO);
    *ret_whole = is_answered(&answer, &fault);
    return 0;
}

// ---- through the exchange alone

static int send_plain(int level, bool *ret_whole) {
    (void)level;
    static const char *const headers[] = {"Content-Type: application/json"};
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    const struct http_client_opts opts = {.user_agent = "test", .proxy_url = ""};
    const struct http_request request = {.method = "POST",
                                         .url = url,
                                         .body = STR("{}"),
                                         .headers = headers,
                                         .header_count = 1,
                                         .timeout_ms = 10000,
                                         .max_body_bytes = 1000};
    AUTO(http_exchange) struct http_exchange *x = NULL;
    struct http_response response;
    int r = http_exchange_new(&x, &opts, NULL);
    if (!r) r = http_exchange_send(x, &request, true, NULL, &response);
    if (r) return r;
    *ret_whole = response.result == HTTP_OK && response.status == 400 &&
                 str_eqz(response.body, BODY) && http_header(&response, "Retry-After").n == 1;
    return 0;
}

static void fail_each(int (*play)(int level, bool *ret_whole), int level) {
    for (long n = 1; n < ATTEMPTS_MAX; n++) {
        bool whole = false;
        failmalloc_arm(n);
        int r = play(level, &whole);
        long count = failmalloc_disarm();
        if (r != (whole ? 0 : -ENOMEM)) fail_msg("allocation %ld: outcome %d", n, r);
        if (count >= n) continue;
        assert_true(whole && n > 10);
        return;
    }
    fail_msg("never got through");
}

static void asking_an_engine(void **state) {
    (void)state;
    fail_each(ask, 0);
}
static void asking_an_engine_with_a_packed_body(void **state) {
    (void)state;
    fail_each(ask, 1);
}
static void sending_by_an_exchange(void **state) {
    (void)state;
    fail_each(send_plain, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asking_an_engine),
        cmocka_unit_test(asking_an_engine_with_a_packed_body),
        cmocka_unit_test(sending_by_an_exchange),
    };
    return cmocka_run_group_tests(tests, start_engine, stop_engine);
}
