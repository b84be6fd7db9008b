// SPDX-License-Identifier: Apache-2.0
// Requests that block: the server is scripted, on the test's loop; the exchange is used by a
// worker, as sinks do.
#include <errno.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdlib.h>

#include "http/exchange.h"
#include "loop/worker.h"
#include "scripted.h"
#include "tls_server.h"

struct fixture {
    struct loop *loop;
    struct loop_worker *worker;
    struct scripted server;
    struct http_exchange *exchange;
    char url[128];
    atomic_bool stop;

    // one request, and what came of it
    struct http_request request;
    bool repeatable;
    int sent; // what http_exchange_send gave
    struct http_response response;
};

static struct http_exchange *make_exchange(struct http_client_opts opts) {
    struct http_exchange *x = NULL;
    struct fault fault = {{0}};
    opts.user_agent = "gatehouse/test";
    if (http_exchange_new(&x, &opts, &fault) != 0) fail_msg("%s", fault.text);
    return x;
}

static struct fixture *start_with(const struct step *steps, size_t count,
                                  struct http_client_opts opts) {
    static const char *const headers[] = {"Authorization: ApiKey secret", "Accept: a/b"};
    struct fixture *f = mem_new(sizeof *f);
    assert_non_null(f);
    assert_int_equal(loop_new(&f->loop), 0);
    assert_int_equal(loop_worker_new(&f->worker, f->loop), 0);
    scripted_start(&f->server, f->loop, steps, count);
    f->exchange = make_exchange(opts);
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d/_bulk", f->server.port);
    f->request = (struct http_request){.method = "POST",
                                       .url = f->url,
                                       .headers = headers,
                                       .header_count = 2,
                                       .timeout_ms = 60000,
                                       .max_body_bytes = 1 << 20};
    f->repeatable = true;
    return f;
}

static struct fixture *start(const struct step *steps, size_t count) {
    return start_with(steps, count, (struct http_client_opts){0});
}

static void finish(struct fixture *f) {
    http_exchange_free(f->exchange);
    loop_worker_free(f->worker);
    scripted_stop(&f->server);
    loop_free(f->loop);
    free(f);
}

static void work(void *ctx) {
    struct fixture *f = ctx;
    f->sent = http_exchange_send(f->exchange, &f->request, f->repeatable, &f->stop, &f->response);
}

static void done(void *ctx) {
    struct fixture *f = ctx;
    loop_stop(f->loop);
}

static int send_it(struct fixture *f) {
    assert_int_equal(loop_worker_job(f->worker, work, done, f), 0);
    run_loop(f->loop);
    return f->sent;
}

static void expect_answer(struct fixture *f, int status, const char *body) {
    assert_int_equal(send_it(f), 0);
    if (f->response.result != HTTP_OK) fail_msg("%s", f->response.fault.text);
    assert_int_equal(f->response.status, status);
    assert_true(str_eqz(f->response.body, body));
}

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define OK_X OK_HEAD "Content-Length: 1\r\n\r\nx"

static void the_answer_is_there_when_the_call_returns(void **state) {
    (void)state;
    const struct step steps[] = {
        {OK_HEAD "Retry-After: 7\r\nContent-Length: 5\r\n\r\nhello", 0, STEP_KEEP},
        {"HTTP/1.1 429 Too Many\r\nContent-Length: 2\r\n\r\n{}", 0, STEP_KEEP}};
    struct fixture *f = start(steps, LEN(steps));
    f->request.body = STR("{\"create\":{}}\n");
    expect_answer(f, 200, "hello");
    assert_true(str_eqz(http_header(&f->response, "retry-after"), "7"));
    char expected[512];
    snprintf(expected, sizeof expected,
             "POST /_bulk HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: gatehouse/test\r\n"
             "Accept-Encoding: gzip\r\nAuthorization: ApiKey secret\r\nAccept: a/b\r\n"
             "Content-Length: 14\r\n",
             f->server.port);
    assert_string_equal(f->server.requests[0], expected);
    assert_string_equal(f->server.bodies[0], "{\"create\":{}}\n");
    expect_answer(f, 429, "{}");
    assert_null(http_header(&f->response, "retry-after").p);
    finish(f);
}

static void nothing_of_a_request_sticks_to_the_next(void **state) {
    (void)state;
    struct fixture *f = start(&(const struct step){OK_X, 0, STEP_KEEP}, 1);
    f->request.body = STR("abc");
    expect_answer(f, 200, "x");
    f->request.body = STR_NONE;
    f->request.header_count = 0;
    f->request.method = "GET";
    expect_answer(f, 200, "x");
    assert_true(scripted_saw(&f->server, 1, "GET /_bulk"));
    assert_false(scripted_saw(&f->server, 1, "Content-Length"));
    assert_false(scripted_saw(&f->server, 1, "secret"));
    assert_string_equal(f->server.bodies[1], "");
    finish(f);
}

static void a_long_body_goes_whole_over_one_connection(void **state) {
    (void)state;
    struct fixture *f = start(&(const struct step){OK_X, 0, STEP_KEEP}, 1);
    AUTO_FINI(buf) struct buf body = buf_make(1 << 21);
    while (body.n < 1500000) buf_addf(&body, "%zu,", body.n);
    f->request.body = buf_str(&body);
    for (size_t i = 0; i < 3; i++) {
        expect_answer(f, 200, "x");
        assert_string_equal(f->server.bodies[i], buf_z(&body));
        assert_false(scripted_saw(&f->server, i, "Expect"));
    }
    assert_int_equal(f->server.conn_count, 1);
    finish(f);
}

static void what_must_not_be_repeated_gets_a_connection_of_its_own(void **state) {
    (void)state;
    struct fixture *f = start(&(const struct step){OK_X, 0, STEP_KEEP}, 1);
    f->repeatable = false;
    for (size_t i = 0; i < 3; i++) expect_answer(f, 200, "x");
    assert_int_equal(f->server.conn_count, 3);
    finish(f);
}

// The second answer never comes: the connection that was kept dies instead.
static void only_what_is_repeatable_is_sent_again_when_a_kept_connection_was_dead(void **state) {
    (void)state;
    const struct step steps[] = {{OK_X, 0, STEP_KEEP}, {"", 0, STEP_CLOSE}, {OK_X, 0, STEP_KEEP}};
    for (int repeatable = 0; repeatable < 2; repeatable++) {
        struct fixture *f = start(steps, LEN(steps));
        expect_answer(f, 200, "x");
        f->repeatable = repeatable;
        assert_int_equal(send_it(f), 0);
        assert_int_equal(f->response.result, repeatable ? HTTP_OK : HTTP_BROKEN);
        assert_int_equal(f->server.asked, repeatable ? 3 : 2);
        finish(f);
    }
}

static size_t stop_when_asked(const struct scripted *s, const char *head) {
    (void)head;
    // The server is part of the fixture.
    struct fixture *f = (struct fixture *)((uintptr_t)s - offsetof(struct fixture, server));
    if (s->asked == 0) atomic_store(&f->stop, true);
    return s->asked == 0 ? 0 : 1;
}

static void a_stop_ends_the_waiting_and_the_exchange_goes_on(void **state) {
    (void)state;
    const struct step steps[] = {{OK_HEAD "Content-Length: 100\r\n\r\nhalf", 0, STEP_STALL},
                                 {OK_X, 0, STEP_KEEP}};
    struct fixture *f = start(steps, LEN(steps));
    f->server.choose = stop_when_asked;
    assert_int_equal(send_it(f), -ECANCELED);
    assert_int_equal(send_it(f), -ECANCELED);
    assert_int_equal(f->server.asked, 1);
    atomic_store(&f->stop, false);
    expect_answer(f, 200, "x");
    assert_int_equal(f->server.conn_count, 2); // the half answer's connection is not used again
    finish(f);
}

// The resolver that libcurl's thread calls, in the place of libc's: it takes as long as the test
// wants.
static struct {
    struct fixture *asked_by; // is stopped by it; NULL: nobody
    sem_t may_end, has_ended;
} resolver;

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret) {
    (void)name, (void)service, (void)hints, (void)ret;
    if (resolver.asked_by) atomic_store(&resolver.asked_by->stop, true);
    while (sem_wait(&resolver.may_end) != 0) continue;
    sem_post(&resolver.has_ended);
    return EAI_AGAIN;
}

static void send_to_a_name(struct fixture *f) {
    assert_int_equal(sem_init(&resolver.may_end, 0, 0), 0);
    assert_int_equal(sem_init(&resolver.has_ended, 0, 0), 0);
    f->request.url = "http://es.example:9200/";
    send_it(f);
    sem_post(&resolver.may_end);
    while (sem_wait(&resolver.has_ended) != 0) continue;
}

static void nobody_waits_for_a_resolver_that_takes_long(void **state) {
    (void)state;
    struct fixture *f = start(&(const struct step){OK_X, 0, STEP_KEEP}, 1);
    resolver.asked_by = f;
    send_to_a_name(f);
    assert_int_equal(f->sent, -ECANCELED);
    resolver.asked_by = NULL;
    atomic_store(&f->stop, false);
    f->request.timeout_ms = 50;
    send_to_a_name(f);
    assert_int_equal(f->sent, 0);
    assert_int_equal(f->response.result, HTTP_TIMEOUT);
    finish(f);
}

struct failure_row {
    struct step step;
    int64_t timeout_ms;
    enum http_result result;
    const char *words;
};

static const struct failure_row failure_rows[] = {
    {{"", 0, STEP_RESET}, 60000, HTTP_BROKEN, "reset"},
    {{OK_HEAD "Content-Length: 9\r\n\r\nhalf", 0, STEP_CLOSE}, 60000, HTTP_BROKEN, "closed"},
    {{OK_HEAD "Content-Length: 9\r\n\r\nhalf", 0, STEP_STALL}, 50, HTTP_TIMEOUT, "timed out"},
    {{OK_HEAD "Content-Length: 1048577\r\n\r\nx", 0, STEP_STALL}, 60000, HTTP_TOO_LARGE, "1048576"},
    {{"nonsense\r\n\r\n", 0, STEP_CLOSE}, 60000, HTTP_FAILED, "HTTP/0.9"},
};

static void no_answer_is_an_outcome_with_its_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(failure_rows); i++) {
        const struct failure_row *row = &failure_rows[i];
        struct fixture *f = start(&row->step, 1);
        f->request.timeout_ms = row->timeout_ms;
        assert_int_equal(send_it(f), 0);
        if (f->response.result != row->result || !strstr(f->response.fault.text, row->words))
            fail_msg("row %zu: %s: %s", i, http_result_name(f->response.result),
                     f->response.fault.text);
        finish(f);
    }
}

static void a_server_that_is_not_there_is_told(void **state) {
    (void)state;
    struct fixture *f = start(&(const struct step){OK_X, 0, STEP_KEEP}, 1);
    scripted_stop_listening(&f->server);
    assert_int_equal(send_it(f), 0);
    assert_int_equal(f->response.result, HTTP_CONNECT);
    assert_int_equal(f->response.status, 0);
    finish(f);
}

static void what_is_no_request_is_refused(void **state) {
    (void)state;
    struct fixture *f = start(&(const struct step){OK_X, 0, STEP_KEEP}, 1);
    f->request.method = "TRACE";
    assert_int_equal(send_it(f), -EINVAL);
    f->request.method = "GET";
    f->request.url = "es:9200";
    assert_int_equal(send_it(f), -EINVAL);
    f->request.url = f->url;
    expect_answer(f, 200, "x");
    finish(f);
}

static void the_body_goes_into_the_callers_buffer(void **state) {
    (void)state;
    struct fixture *f = start(&(const struct step){OK_X, 0, STEP_KEEP}, 1);
    AUTO_FINI(buf) struct buf into = buf_make(100);
    buf_addz(&into, "old");
    f->request.into = &into;
    expect_answer(f, 200, "x");
    assert_ptr_equal(f->response.body.p, into.p);
    assert_int_equal(into.n, 1);
    finish(f);
}

static void a_certificate_that_nobody_vouches_for_is_refused(void **state) {
    (void)state;
    struct tls_server tls;
    tls_server_prepare(&tls);
    tls_server_write(&tls, "answer", OK_X);
    tls_server_start(&tls);
    const char *authority = tls.certificate;
    const struct http_tls trusting = {.certificate_authorities = &authority,
                                      .certificate_authority_count = 1};
    for (int trusts = 0; trusts < 2; trusts++) {
        struct http_client_opts opts = {.tls = trusts ? trusting : (struct http_tls){0}};
        struct fixture *f = start_with(&(const struct step){OK_X, 0, STEP_KEEP}, 1, opts);
        snprintf(f->url, sizeof f->url, "https://localhost:%d/answer", tls.port);
        f->request.method = "GET";
        assert_int_equal(send_it(f), 0);
        assert_int_equal(f->response.result, trusts ? HTTP_OK : HTTP_TLS);
        finish(f);
    }
    tls_server_stop(&tls);
}

static void wrong_settings_are_refused_by_name(void **state) {
    (void)state;
    struct http_exchange *x = NULL;
    struct fault fault = {{0}};
    struct http_client_opts opts = {.user_agent = "a", .tls = {.key = "/nowhere/key.pem"}};
    assert_int_equal(http_exchange_new(&x, &opts, &fault), -EINVAL);
    assert_null(x);
    assert_non_null(strstr(fault.text, "ssl.certificate"));
    assert_null(http_exchange_free(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_is_there_when_the_call_returns),
        cmocka_unit_test(nothing_of_a_request_sticks_to_the_next),
        cmocka_unit_test(a_long_body_goes_whole_over_one_connection),
        cmocka_unit_test(what_must_not_be_repeated_gets_a_connection_of_its_own),
        cmocka_unit_test(only_what_is_repeatable_is_sent_again_when_a_kept_connection_was_dead),
        cmocka_unit_test(a_stop_ends_the_waiting_and_the_exchange_goes_on),
        cmocka_unit_test(nobody_waits_for_a_resolver_that_takes_long),
        cmocka_unit_test(no_answer_is_an_outcome_with_its_reason),
        cmocka_unit_test(a_server_that_is_not_there_is_told),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(the_body_goes_into_the_callers_buffer),
        cmocka_unit_test(a_certificate_that_nobody_vouches_for_is_refused),
        cmocka_unit_test(wrong_settings_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
