// SPDX-License-Identifier: Apache-2.0
// The log client against a scripted server: what each answer is taken for, and what a person is
// told of it.
#include <stdlib.h>

#include "../http/scripted.h"
#include "base/time.h"
#include "okta/log.h"
#include "okta/org-internal.h"

static const char key[] = "00secretTokenOfTheTest";

struct got {
    struct loop *loop;
    int calls, calls_wanted;
    struct okta_log_answer answer; // without what is borrowed
    char next[512], code[64], body[512], request_id[64];
    struct okta_log_call *call;
    struct okta_org *free_org; // in the callback
};

struct fixture {
    struct loop *loop;
    struct scripted server;
    struct okta_org *org;
    struct got got;
    struct buf into;
    char url[128], cursor_url[256];
};

static void copy(char *to, size_t size, struct str s) { snprintf(to, size, "%.*s", STR_ARG(s)); }

static void on_done(void *ctx, const struct okta_log_answer *answer) {
    struct got *got = ctx;
    got->calls++;
    got->answer = *answer;
    copy(got->next, sizeof got->next, answer->next);
    copy(got->code, sizeof got->code, answer->error_code);
    copy(got->body, sizeof got->body, answer->body);
    copy(got->request_id, sizeof got->request_id, answer->request_id);
    got->call = NULL;
    if (got->free_org) okta_org_free(got->free_org);
    if (got->calls >= got->calls_wanted) loop_stop(got->loop);
}

static struct okta_org *make_org(struct fixture *f) {
    struct okta_org_opts opts = {.url = f->url,
                                 .credentials = {.api_key = key},
                                 .http_client_timeout_ms = 5000,
                                 .http = {.user_agent = "gatehouse/test", .proxy_url = ""}};
    struct okta_org *org = NULL;
    struct fault fault = {{0}};
    if (okta_org_new(&org, f->loop, &opts, &fault) != 0) fail_msg("%s", fault.text);
    return org;
}

static struct fixture *start(const struct step *steps, size_t count) {
    struct fixture *f = mem_new(sizeof *f);
    assert_non_null(f);
    assert_int_equal(loop_new(&f->loop), 0);
    scripted_start(&f->server, f->loop, steps, count);
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d/api/v1/logs", f->server.port);
    snprintf(f->cursor_url, sizeof f->cursor_url, "%s?limit=1000&after=1627500044869_1", f->url);
    f->org = make_org(f);
    f->got = (struct got){.loop = f->loop, .calls_wanted = 1};
    f->into = buf_make(10000);
    return f;
}

static void finish(struct fixture *f) {
    okta_org_free(f->org);
    scripted_stop(&f->server);
    loop_free(f->loop);
    buf_fini(&f->into);
    free(f);
}

static struct okta_log_request request_for(struct fixture *f, const char *url) {
    return (struct okta_log_request){
        .url = url, .class = BUDGET_COLLECTION, .into = &f->into, .done = on_done, .ctx = &f->got};
}

static void fetch_url(struct fixture *f, const char *url) {
    f->got.calls = 0;
    struct okta_log_request request = request_for(f, url);
    assert_int_equal(okta_log_get(f->org, &request, &f->got.call), 0);
    assert_int_equal(f->got.calls, 0);
    run_loop(f->loop);
    assert_null(strstr(f->got.answer.fault.text, key));
}

static void fetch(struct fixture *f) { fetch_url(f, f->url); }

// "PORT" in a text becomes the server's port. To be freed.
static char *with_port(const struct fixture *f, const char *text) {
    struct buf out = buf_make(100000);
    struct str rest = str_from(text);
    for (size_t at; (at = str_find(rest, STR("PORT"))) < rest.n;) {
        buf_add_str(&out, str_sub(rest, 0, at));
        buf_addf(&out, "%d", f->server.port);
        rest = str_sub(rest, at + 4, rest.n);
    }
    buf_add_str(&out, rest);
    char *text_with_port = buf_take(&out);
    assert_non_null(text_with_port);
    return text_with_port;
}

#define JSON_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define NEXT "Link: <http://127.0.0.1:PORT/api/v1/logs?after=2>; rel=\"next\"\r\n"

struct page_row {
    const char *answer;
    enum okta_log_result result;
    const char *next; // of a page
    const char *says; // in the fault
};

static const struct page_row pages[] = {
    {JSON_HEAD "x-okta-request-id: req1\r\n"
               "Link: <http://127.0.0.1:PORT/api/v1/logs>; rel=\"self\"\r\n" NEXT
               "Content-Length: 9\r\n\r\n[{\"a\":1}]",
     OKTA_LOG_PAGE, "http://127.0.0.1:PORT/api/v1/logs?after=2", ""},
    {JSON_HEAD NEXT "Link: <http://127.0.0.1:PORT/api/v1/logs>; rel=\"self\"\r\n"
                    "Content-Length: 2\r\n\r\n[]",
     OKTA_LOG_PAGE, "http://127.0.0.1:PORT/api/v1/logs?after=2", ""},
    {JSON_HEAD "link: <http://127.0.0.1:PORT/s>; rel=self, <http://127.0.0.1:PORT/n?q=%22a+b%22>; "
               "rel=next\r\nContent-Length: 2\r\n\r\n[]",
     OKTA_LOG_PAGE, "http://127.0.0.1:PORT/n?q=%22a+b%22", ""},
    {JSON_HEAD "Link: </api/v1/logs?after=3>; rel=\"next\"\r\nContent-Length: 2\r\n\r\n[]",
     OKTA_LOG_PAGE, "http://127.0.0.1:PORT/api/v1/logs?after=3", ""},
    {"HTTP/1.1 200 OK\r\n" NEXT "Content-Length: 6\r\n\r\n [1]\r\n", OKTA_LOG_PAGE,
     "http://127.0.0.1:PORT/api/v1/logs?after=2", ""},
    // foreign
    {JSON_HEAD "Link: <https://127.0.0.1:PORT/n>; rel=\"next\"\r\nContent-Length: 2\r\n\r\n[]",
     OKTA_LOG_FOREIGN_LINK, NULL, "https://127.0.0.1"},
    {JSON_HEAD "Link: <http://evil.example/n>; rel=\"next\"\r\nContent-Length: 2\r\n\r\n[]",
     OKTA_LOG_FOREIGN_LINK, NULL, "evil.example"},
    {JSON_HEAD "Link: <http://127.0.0.1:1/n>; rel=\"next\"\r\nContent-Length: 2\r\n\r\n[]",
     OKTA_LOG_FOREIGN_LINK, NULL, "127.0.0.1:1"},
    // no page
    {JSON_HEAD "Link: <//evil.example/n>; rel=\"next\"\r\nContent-Length: 2\r\n\r\n[]",
     OKTA_LOG_BAD_PAGE, NULL, "next link"},
    {JSON_HEAD "Link: <http://127.0.0.1:PORT@evil.example/>; rel=\"next\"\r\nContent-Length: 2"
               "\r\n\r\n[]",
     OKTA_LOG_BAD_PAGE, NULL, "next link"},
    {JSON_HEAD "Link: <ftp://127.0.0.1:PORT/>; rel=\"next\"\r\nContent-Length: 2\r\n\r\n[]",
     OKTA_LOG_BAD_PAGE, NULL, "next link"},
    {JSON_HEAD "Link: <http://127.0.0.1:PORT/s>; rel=\"self\"\r\nContent-Length: 2\r\n\r\n[]",
     OKTA_LOG_BAD_PAGE, NULL, "no next link"},
    {JSON_HEAD "Content-Length: 2\r\n\r\n[]", OKTA_LOG_BAD_PAGE, NULL, "no next link"},
    {JSON_HEAD NEXT "Content-Length: 2\r\n\r\n{}", OKTA_LOG_BAD_PAGE, NULL, "begins: {}"},
    {JSON_HEAD NEXT "Content-Length: 0\r\n\r\n", OKTA_LOG_BAD_PAGE, NULL, "empty body"},
    {JSON_HEAD NEXT "Content-Length: 5\r\n\r\n[{\"a\"", OKTA_LOG_BAD_PAGE, NULL, "cut off"},
    {JSON_HEAD NEXT "Content-Length: 7\r\n\r\n\x01\xff\x1b[31m", OKTA_LOG_BAD_PAGE, NULL,
     "begins: ...[31m)"},
    {"HTTP/1.1 200 OK\r\nContent-Type: text/html;charset=utf-8\r\n" NEXT
     "Content-Length: 15\r\n\r\n<html>Sign in</",
     OKTA_LOG_BAD_PAGE, NULL, "web page"},
    {"HTTP/1.1 302 Found\r\nLocation: https://login.example/?session=s3cret\r\n"
     "Content-Length: 0\r\n\r\n",
     OKTA_LOG_BAD_PAGE, NULL, "https://login.example:"},
    {"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", OKTA_LOG_BAD_PAGE, NULL,
     "another page"},
    {"HTTP/1.1 204 No Content\r\n\r\n", OKTA_LOG_BAD_PAGE, NULL, "204"},
    {JSON_HEAD NEXT "Content-Length: 99999\r\n\r\n[", OKTA_LOG_BAD_PAGE, NULL, "too large"},
    {JSON_HEAD NEXT "Content-Length: 35\r\n\r\nAuthorization: SSWS 00secretTokenOfTheTest",
     OKTA_LOG_BAD_PAGE, NULL, "(not shown: it repeats the API token)"},
    {JSON_HEAD NEXT "Content-Length: 42\r\n\r\nAuthorization: SSWS 00secretTokenOfTheTest",
     OKTA_LOG_BAD_PAGE, NULL, "(not shown: it repeats the API token)"},
};

static void a_page_is_told_from_whatever_else_comes_with_200(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(pages); i++) {
        struct step step = {.end = STEP_CLOSE};
        struct fixture *f = start(&step, 1);
        AUTO_MEM char *answer = with_port(f, pages[i].answer);
        AUTO_MEM char *next = with_port(f, pages[i].next ? pages[i].next : "");
        step.bytes = answer;
        fetch(f);
        const struct got *got = &f->got;
        if (got->answer.result != pages[i].result || !strstr(got->answer.fault.text, pages[i].says))
            fail_msg("row %zu: %s: %s", i, okta_log_result_name(got->answer.result),
                     got->answer.fault.text);
        assert_string_equal(got->next, next);
        assert_null(strstr(got->answer.fault.text, "s3cret"));
        finish(f);
    }
}

static void a_request_carries_the_token_and_the_page_comes_with_its_details(void **state) {
    (void)state;
    struct step step = {.end = STEP_KEEP};
    struct fixture *f = start(&step, 1);
    AUTO_MEM char *answer =
        with_port(f, JSON_HEAD "x-okta-request-id: req1\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\n"
                               "X-Rate-Limit-Limit: 60\r\nX-Rate-Limit-Remaining: 59\r\n"
                               "X-Rate-Limit-Reset: 1795341630\r\n" NEXT
                               "Content-Length: 9\r\n\r\n[{\"a\":1}]");
    step.bytes = answer;
    fetch_url(f, f->cursor_url);
    assert_int_equal(f->got.answer.result, OKTA_LOG_PAGE);
    assert_string_equal(f->got.body, "[{\"a\":1}]");
    assert_string_equal(f->got.request_id, "req1");
    assert_int_equal(f->got.answer.status, 200);
    assert_int_equal(f->got.answer.date_ms, INT64_C(1795341600000));
    assert_true(scripted_saw(&f->server, 0, "GET /api/v1/logs?limit=1000&after=1627500044869_1 "));
    assert_true(scripted_saw(&f->server, 0, "Authorization: SSWS 00secretTokenOfTheTest\r\n"));
    assert_true(scripted_saw(&f->server, 0, "Accept: application/json\r\n"));
    assert_false(scripted_saw(&f->server, 0, "Accept: */*"));
    int64_t used, limit;
    assert_true(
        budget_used(okta_org_budget(f->org, OKTA_BUCKET_LOGS), time_mono_ms(), &used, &limit));
    assert_int_equal(used, 1);
    assert_int_equal(limit, 60);
    finish(f);
}

struct error_row {
    int status;
    const char *body;
    bool cursor;
    enum okta_log_result result;
    const char *code, *says;
};

#define E(code) "{\"errorCode\":\"" code "\",\"errorSummary\":\"in Okta's words\"}"

static const struct error_row errors[] = {
    {401, E("E0000011"), false, OKTA_LOG_REFUSED, "E0000011", "Security > API > Tokens"},
    {401, "", true, OKTA_LOG_REFUSED, "", "create a new one"},
    {403, E("E0000006"), false, OKTA_LOG_REFUSED, "E0000006", "Read-Only Administrator"},
    {403, E("E0000005"), false, OKTA_LOG_REFUSED, "E0000005", "no valid credentials"},
    {403, "", false, OKTA_LOG_REFUSED, "", "without a reason"},
    {403, "<h1>Blocked</h1>", false, OKTA_LOG_REFUSED, "", "<h1>Blocked</h1>"},
    {400, E("E0000001"), true, OKTA_LOG_BAD_CURSOR, "E0000001", "in Okta's words"},
    {400, E("E0000053"), false, OKTA_LOG_BAD_REQUEST, "E0000053", "in Okta's words"},
    {400,
     "{\"errorSummary\":\"one\",\"errorCauses\":[{\"errorSummary\":\"two\"}],\"errorCode\":null}",
     false, OKTA_LOG_BAD_REQUEST, "", "one; two"},
    {400, "{\"errorCode\":7,\"errorSummary\":[],\"errorCauses\":{}}", false, OKTA_LOG_BAD_REQUEST,
     "", "400"},
    {404, E("E0000007"), true, OKTA_LOG_BAD_CURSOR, "E0000007", "no such org or path"},
    {404, "", false, OKTA_LOG_BAD_REQUEST, "", "no such org or path"},
    {410, "", true, OKTA_LOG_BAD_CURSOR, "", "410"},
    {405, "", false, OKTA_LOG_BAD_REQUEST, "", "405"},
    {407, "", false, OKTA_LOG_RETRY, "", "proxy_url"},
    {408, "", false, OKTA_LOG_RETRY, "", "408"},
    {500, E("E0000009"), false, OKTA_LOG_RETRY, "E0000009", "took too long"},
    {501, "", false, OKTA_LOG_RETRY, "", "501"},
    {503, E("E0000010"), false, OKTA_LOG_RETRY, "E0000010", "read-only mode"},
    {504, "not json", true, OKTA_LOG_RETRY, "", "504: not json"},
    {500, "{\"errorCode\":\"x\\ny\"}", true, OKTA_LOG_RETRY, "", "500"},
    {500, "{\"errorSummary\":\"SSWS 00secretTokenOfTheTest\"}", true, OKTA_LOG_RETRY, "",
     "not shown"},
};

static void every_error_is_classified_and_says_what_to_do(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(errors); i++) {
        const struct error_row *row = &errors[i];
        char answer[1024];
        snprintf(answer, sizeof answer, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s",
                 row->status, strlen(row->body), row->body);
        const struct step step = {answer, 0, STEP_KEEP};
        struct fixture *f = start(&step, 1);
        fetch_url(f, row->cursor ? f->cursor_url : f->url);
        const struct got *got = &f->got;
        if (got->answer.result != row->result || !strstr(got->answer.fault.text, row->says))
            fail_msg("row %zu: %s: %s", i, okta_log_result_name(got->answer.result),
                     got->answer.fault.text);
        assert_string_equal(got->code, row->code);
        assert_int_equal(got->answer.status, row->status);
        finish(f);
    }
}

static void network_faults_are_to_be_retried_and_explained(void **state) {
    (void)state;
    const struct step steps[] = {{JSON_HEAD "Content-Length: 100\r\n\r\n[", 0, STEP_CLOSE},
                                 {"", 0, STEP_RESET}};
    struct fixture *f = start(steps, 2);
    for (int i = 0; i < 2; i++) {
        fetch(f);
        assert_int_equal(f->got.answer.result, OKTA_LOG_RETRY);
        assert_non_null(strstr(f->got.answer.fault.text, "connection broke"));
    }
    scripted_stop_listening(&f->server);
    fetch(f);
    assert_int_equal(f->got.answer.result, OKTA_LOG_RETRY);
    assert_non_null(strstr(f->got.answer.fault.text, "no connection"));
    assert_int_equal(f->got.answer.status, 0);
    finish(f);
}

struct tls_row {
    enum http_result result;
    const char *words, *says;
};

static const struct tls_row transports[] = {
    {HTTP_TLS, "SSL certificate problem: certificate has expired", "has expired"},
    {HTTP_TLS, "SSL certificate problem: certificate is not yet valid", "not valid yet"},
    {HTTP_TLS, "SSL: no alternative certificate subject name matches target host name 'x'",
     "another name"},
    {HTTP_TLS, "SSL certificate problem: self-signed certificate in certificate chain",
     "certificate_authorities"},
    {HTTP_TLS, "SSL certificate problem: unable to get local issuer certificate",
     "certificate_authorities"},
    {HTTP_TLS, "error:0A00010B:SSL routines::wrong version number", "does not speak TLS"},
    {HTTP_TLS, "error setting certificate file: /x", "SSL_CERT_FILE"},
    {HTTP_TLS, "handshake failure", "no secure connection"},
    {HTTP_DNS, "Could not resolve host: x", "does not resolve"},
    {HTTP_PROXY, "CONNECT tunnel failed, response 403", "proxy_url"},
    {HTTP_TIMEOUT, "Operation timed out", "in time"},
    {HTTP_FAILED, "Received HTTP/0.9 when not allowed", "request failed"},
};

static void each_kind_of_failure_has_one_clear_line(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(transports); i++) {
        struct http_response r = {.result = transports[i].result};
        fault_set(&r.fault, 0, "%s", transports[i].words);
        struct fault fault;
        okta_explain_transport("acme.okta.com", &r, &fault);
        if (!strstr(fault.text, transports[i].says) || !strstr(fault.text, transports[i].words))
            fail_msg("%s", fault.text);
        assert_null(strchr(fault.text, '\n'));
    }
}

#define LIMITED(limit)                                                                             \
    "HTTP/1.1 429 Too Many Requests\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\n"                    \
    "X-Rate-Limit-Limit: " limit "\r\nX-Rate-Limit-Remaining: 0\r\n"                               \
    "X-Rate-Limit-Reset: 1795341642\r\nContent-Length: 0\r\n\r\n"

static void a_429_says_how_long_to_wait_and_of_which_kind_it_is(void **state) {
    (void)state;
    const char *const answers[] = {LIMITED("60"), LIMITED("0")};
    for (int concurrency = 0; concurrency < 2; concurrency++) {
        const struct step step = {answers[concurrency], 0, STEP_KEEP};
        struct fixture *f = start(&step, 1);
        fetch(f);
        assert_int_equal(f->got.answer.result, OKTA_LOG_RATE_LIMITED);
        assert_int_equal(f->got.answer.concurrency, concurrency);
        assert_non_null(strstr(f->got.answer.fault.text,
                               concurrency ? "takes at once" : "rate limit is used up"));
        assert_in_range(f->got.answer.wait_ms, concurrency ? 1000 : 13000,
                        concurrency ? 5000 : 43000);
        finish(f);
    }
}

static void requests_wait_in_line_while_the_budget_says_so(void **state) {
    (void)state;
    struct step step = {.end = STEP_KEEP};
    struct fixture *f = start(&step, 1);
    // 2 of 3 may be used; the window ends at once, and a second later another one begins.
    AUTO_MEM char *answer = with_port(
        f, JSON_HEAD "Date: Sun, 22 Nov 2026 10:00:00 GMT\r\nX-Rate-Limit-Limit: 3\r\n"
                     "X-Rate-Limit-Remaining: 1\r\nX-Rate-Limit-Reset: 1795341600\r\n" NEXT
                     "Content-Length: 2\r\n\r\n[]");
    step.bytes = answer;
    struct okta_log_request request = request_for(f, f->url);
    struct okta_log_call *calls[3];
    for (int i = 0; i < 3; i++) assert_int_equal(okta_log_get(f->org, &request, &calls[i]), 0);
    f->got.calls_wanted = 1;
    int64_t from = time_mono_ms();
    run_loop(f->loop);
    assert_int_equal(f->server.asked, 1); // the first alone, as nothing was known
    okta_log_cancel(calls[1]);
    f->got.calls_wanted = 2;
    run_loop(f->loop);
    assert_true(time_mono_ms() - from >= 1000);
    assert_int_equal(f->server.asked, 2);
    finish(f);
}

static void who_has_priority_goes_first_whoever_came_first(void **state) {
    (void)state;
    struct step step = {.end = STEP_KEEP};
    struct fixture *f = start(&step, 1);
    AUTO_MEM char *answer = with_port(f, JSON_HEAD NEXT "Content-Length: 2\r\n\r\n[]");
    step.bytes = answer;
    static const struct {
        enum budget_class class;
        const char *name;
    } asked[] = {{BUDGET_BACKFILL, "b=1"}, {BUDGET_BACKFILL, "b=2"}, {BUDGET_COLLECTION, "c=1"}};
    static const char *const order[] = {"c=1", "b=1", "b=2"};
    for (size_t i = 0; i < LEN(asked); i++) {
        AUTO_FINI(buf) struct buf url = buf_make(1000);
        buf_addf(&url, "%s?%s", f->url, asked[i].name);
        struct okta_log_request request = request_for(f, buf_z(&url));
        request.class = asked[i].class;
        assert_int_equal(okta_log_get(f->org, &request, &f->got.call), 0);
    }
    f->got.calls_wanted = LEN(asked);
    run_loop(f->loop);
    for (size_t i = 0; i < LEN(order); i++)
        assert_non_null(strstr(f->server.requests[i], order[i]));
    finish(f);
}

static void a_bounded_query_ends_with_a_page_without_next_link(void **state) {
    (void)state;
    const struct step step = {JSON_HEAD "Content-Length: 9\r\n\r\n[{\"a\":1}]", 0, STEP_KEEP};
    struct fixture *f = start(&step, 1);
    AUTO_FINI(buf) struct buf url = buf_make(1000);
    okta_log_window_url(&url, f->url, INT64_C(1795341600000), INT64_C(1795345200000), 5);
    assert_non_null(strstr(buf_z(&url), "?limit=5&sortOrder=ASCENDING&since=2026-11-22T10%3A00%3A"
                                        "00.000Z&until=2026-11-22T11%3A00%3A00.000Z"));
    fetch_url(f, buf_z(&url));
    assert_int_equal(f->got.answer.result, OKTA_LOG_PAGE);
    assert_null(f->got.answer.next.p);
    assert_string_equal(f->got.body, "[{\"a\":1}]");
    finish(f);
}

static void a_cancelled_request_is_silent_wherever_it_stands(void **state) {
    (void)state;
    const struct step step = {"", 0, STEP_STALL};
    struct fixture *f = start(&step, 1);
    struct okta_log_request request = request_for(f, f->url);
    struct okta_log_call *calls[4];
    for (int i = 0; i < 4; i++) assert_int_equal(okta_log_get(f->org, &request, &calls[i]), 0);
    struct loop_timer *stop = NULL;
    assert_int_equal(loop_timer_new(&stop, f->loop, (void (*)(void *))loop_stop, f->loop), 0);
    loop_timer_set(stop, 50);
    run_loop(f->loop);
    assert_int_equal(f->server.asked, 1);
    okta_log_cancel(calls[3]);
    okta_log_cancel(calls[1]);
    okta_log_cancel(calls[0]);
    okta_log_cancel(calls[2]);
    assert_null(okta_log_cancel(NULL));
    loop_timer_set(stop, 20);
    run_loop(f->loop);
    assert_int_equal(f->got.calls, 0);
    loop_timer_free(stop);
    finish(f);
}

static void the_org_may_be_freed_in_the_callback_of_its_last_request(void **state) {
    (void)state;
    const struct step step = {"HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n", 0, STEP_KEEP};
    struct fixture *f = start(&step, 1);
    f->got.free_org = f->org;
    fetch(f);
    f->org = NULL;
    assert_int_equal(f->got.answer.result, OKTA_LOG_REFUSED);
    finish(f);
}

static void a_url_that_leaves_the_org_is_not_asked_for(void **state) {
    (void)state;
    const struct step step = {"", 0, STEP_STALL};
    struct fixture *f = start(&step, 1);
    static const char *const foreign[] = {
        "https://127.0.0.1:PORT/",     "http://127.0.0.2:PORT/", "http://127.0.0.1:1/",
        "http://127.0.0.1:PORT@evil/", "/api/v1/logs",           ""};
    for (size_t i = 0; i < LEN(foreign); i++) {
        AUTO_MEM char *url = with_port(f, foreign[i]);
        struct okta_log_request request = request_for(f, url);
        assert_false(okta_log_is_own(f->org, str_from(url)));
        assert_int_equal(okta_log_get(f->org, &request, &f->got.call), -EINVAL);
    }
    assert_true(okta_log_is_own(f->org, str_from(f->cursor_url)));
    finish(f);
}

struct settings_row {
    const char *url, *api_key, *says;
};

static const struct settings_row bad_settings[] = {
    {"acme.okta.com", "key", "https://"},
    {"ftp://acme.okta.com/", "key", "https://"},
    {"http://acme.okta.com/api/v1/logs", "key", "clear text"},
    {"https://acme-admin.okta.com/api/v1/logs", "key", "-admin"},
    {"https://joe:hunter2@acme.okta.com/", "key", "user name"},
    {"https://acme.okta.com/", "", "api_key"},
    {"https://acme.okta.com/", NULL, "api_key"},
    {"https://acme.okta.com/", "SSWS hunter2", "SSWS"},
    {"https://acme.okta.com/", "hunter2\r\nX: y", "line break"},
};

static void settings_that_cannot_work_are_refused_with_a_reason(void **state) {
    (void)state;
    struct loop *loop = NULL;
    assert_int_equal(loop_new(&loop), 0);
    for (size_t i = 0; i < LEN(bad_settings); i++) {
        struct okta_org_opts opts = {.url = bad_settings[i].url,
                                     .credentials.api_key = bad_settings[i].api_key,
                                     .http.user_agent = "x"};
        struct okta_org *org = NULL;
        struct fault fault = {{0}};
        assert_int_equal(okta_org_new(&org, loop, &opts, &fault), -EINVAL);
        if (!strstr(fault.text, bad_settings[i].says)) fail_msg("%s", fault.text);
        assert_null(strstr(fault.text, "hunter2"));
    }
    loop_free(loop);
}

static void the_first_url_asks_for_polling_with_milliseconds_and_z(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf url = buf_make(1000);
    okta_log_first_url(&url, "https://a.okta.com/api/v1/logs", INT64_C(1795341600000), 1000);
    assert_string_equal(buf_z(&url), "https://a.okta.com/api/v1/logs?limit=1000&sortOrder=ASCENDING"
                                     "&since=2026-11-22T10%3A00%3A00.000Z");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_told_from_whatever_else_comes_with_200),
        cmocka_unit_test(a_request_carries_the_token_and_the_page_comes_with_its_details),
        cmocka_unit_test(every_error_is_classified_and_says_what_to_do),
        cmocka_unit_test(network_faults_are_to_be_retried_and_explained),
        cmocka_unit_test(each_kind_of_failure_has_one_clear_line),
        cmocka_unit_test(a_429_says_how_long_to_wait_and_of_which_kind_it_is),
        cmocka_unit_test(requests_wait_in_line_while_the_budget_says_so),
        cmocka_unit_test(who_has_priority_goes_first_whoever_came_first),
        cmocka_unit_test(a_bounded_query_ends_with_a_page_without_next_link),
        cmocka_unit_test(a_cancelled_request_is_silent_wherever_it_stands),
        cmocka_unit_test(the_org_may_be_freed_in_the_callback_of_its_last_request),
        cmocka_unit_test(a_url_that_leaves_the_org_is_not_asked_for),
        cmocka_unit_test(settings_that_cannot_work_are_refused_with_a_reason),
        cmocka_unit_test(the_first_url_asks_for_polling_with_milliseconds_and_z),
    };
    return cmocka_run_group_tests_name("okta_log", tests, NULL, NULL);
}
