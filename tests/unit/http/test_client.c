// SPDX-License-Identifier: Apache-2.0
// The client against a scripted server on the same loop, and against openssl's server for TLS.
#include <errno.h>
#include <stdlib.h>

#include "base/time.h"
#include "http/client.h"
#include "scripted.h"
#include "tls_server.h"

struct got {
    struct loop *loop;
    int calls;
    int calls_wanted; // the loop stops after so many
    enum http_result result;
    struct fault fault;
    int status;
    char *body;
    size_t body_n;
    char headers[2048]; // "name=value\n" each
    size_t header_count;
    int64_t connect_ms, certificate_expires_ms;
    char tls_version[16];
    void (*also)(struct got *got); // called in the callback
    struct http_client *client;
    struct http_call *call;
    const char *url;
};

static void copy_headers(struct got *got, const struct http_response *r) {
    size_t n = 0;
    got->header_count = r->header_count;
    for (size_t i = 0; i < r->header_count && n < sizeof got->headers; i++)
        n += (size_t)snprintf(got->headers + n, sizeof got->headers - n, "%.*s=%.*s\n",
                              STR_ARG(r->headers[i].name), STR_ARG(r->headers[i].value));
}

static void on_done(void *ctx, const struct http_response *r) {
    struct got *got = ctx;
    got->calls++;
    got->result = r->result;
    got->fault = r->fault;
    got->status = r->status;
    free(got->body);
    got->body = mem_copy(r->body.p ? r->body.p : "", r->body.n);
    got->body_n = r->body.n;
    got->connect_ms = r->connect_ms;
    got->certificate_expires_ms = r->certificate_expires_ms;
    memcpy(got->tls_version, r->tls_version, sizeof got->tls_version);
    copy_headers(got, r);
    got->call = NULL;
    if (got->also) got->also(got);
    if (got->calls >= got->calls_wanted) loop_stop(got->loop);
}

struct fixture {
    struct loop *loop;
    struct scripted server;
    struct http_client *client;
    struct got got;
    char url[128];
};

static struct http_client *make_client(struct loop *loop, struct http_client_opts opts) {
    struct http_client *c = NULL;
    struct fault fault = {{0}};
    opts.user_agent = "gatehouse/test";
    if (http_client_new(&c, loop, &opts, &fault) != 0) fail_msg("%s", fault.text);
    return c;
}

static struct fixture *start_with(const struct step *steps, size_t count,
                                  struct http_client_opts opts) {
    struct fixture *f = mem_new(sizeof *f);
    assert_non_null(f);
    assert_int_equal(loop_new(&f->loop), 0);
    scripted_start(&f->server, f->loop, steps, count);
    f->client = make_client(f->loop, opts);
    f->got = (struct got){.loop = f->loop, .calls_wanted = 1, .client = f->client};
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d/a?b=c%%20d", f->server.port);
    f->got.url = f->url;
    return f;
}

static struct fixture *start(const struct step *steps, size_t count) {
    return start_with(steps, count, (struct http_client_opts){0});
}

static void finish(struct fixture *f) {
    http_client_free(f->client);
    scripted_stop(&f->server);
    loop_free(f->loop);
    free(f->got.body);
    free(f);
}

static struct http_request request_for(struct got *got) {
    static const char *const headers[] = {"Authorization: SSWS secret", "Accept: application/json"};
    return (struct http_request){.url = got->url,
                                 .headers = headers,
                                 .header_count = 2,
                                 .timeout_ms = 5000,
                                 .max_body_bytes = 1 << 20,
                                 .done = on_done,
                                 .ctx = got};
}

static void run_request(struct fixture *f, const struct http_request *request) {
    f->got.calls = 0;
    assert_int_equal(http_send(f->client, request, &f->got.call), 0);
    run_loop(f->loop);
    assert_int_equal(f->got.calls, f->got.calls_wanted);
}

static void fetch(struct fixture *f) {
    struct http_request request = request_for(&f->got);
    run_request(f, &request);
}

#define ONE(text) ((const struct step[]){{text, 0, STEP_KEEP}})
#define ONE_THEN(text, end) ((const struct step[]){{text, 0, end}})
#define OK_HEAD "HTTP/1.1 200 OK\r\n"

static void a_request_says_what_it_should_and_no_more(void **state) {
    (void)state;
    struct fixture *f = start(ONE(OK_HEAD "Content-Length: 5\r\n\r\nhello"), 1);
    fetch(f);
    assert_int_equal(f->got.result, HTTP_OK);
    assert_int_equal(f->got.status, 200);
    assert_string_equal(f->got.body, "hello");
    char expected[512];
    snprintf(expected, sizeof expected,
             "GET /a?b=c%%20d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: "
             "gatehouse/test\r\nAccept-Encoding: gzip\r\nAuthorization: SSWS secret\r\nAccept: "
             "application/json\r\n",
             f->server.port);
    assert_string_equal(f->server.requests[0], expected);
    finish(f);
}

struct method_row {
    const char *method, *body, *head;
};

static const struct method_row method_rows[] = {
    {"POST", "a=b&c=d", "POST /a?b=c%20d HTTP/1.1\r\n"},
    {"POST", NULL, "POST /a?b=c%20d HTTP/1.1\r\n"},
    {"PUT", NULL, "PUT /a?b=c%20d HTTP/1.1\r\n"},
    {"PATCH", "{}", "PATCH /a?b=c%20d HTTP/1.1\r\n"},
    {"DELETE", NULL, "DELETE /a?b=c%20d HTTP/1.1\r\n"},
    {"GET", NULL, "GET /a?b=c%20d HTTP/1.1\r\n"},
    {NULL, NULL, "GET /a?b=c%20d HTTP/1.1\r\n"},
};

// All on one client, so that nothing of a request may stick to the next.
static void method_and_body_are_those_of_the_request(void **state) {
    (void)state;
    struct fixture *f = start(ONE(OK_HEAD "Content-Length: 1\r\n\r\nx"), 1);
    for (size_t i = 0; i < LEN(method_rows); i++) {
        const struct method_row *row = &method_rows[i];
        struct http_request request = request_for(&f->got);
        request.method = row->method;
        request.body = str_from(row->body);
        run_request(f, &request);
        const char *body = row->body ? row->body : "";
        char length[64];
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
        bool has_length = i < 4;
        assert_true(str_starts(str_from(f->server.requests[i]), str_from(row->head)));
        assert_int_equal(scripted_saw(&f->server, i, length), has_length);
        assert_int_equal(scripted_saw(&f->server, i, "Content-Length"), has_length);
        assert_false(scripted_saw(&f->server, i, "Content-Type"));
        assert_false(scripted_saw(&f->server, i, "Expect"));
        assert_string_equal(f->server.bodies[i], body);
    }
    finish(f);
}

static void a_request_head_asks_for_no_body(void **state) {
    (void)state;
    struct fixture *f = start(ONE_THEN(OK_HEAD "Content-Length: 100\r\n\r\n", STEP_CLOSE), 1);
    struct http_request request = request_for(&f->got);
    request.method = "HEAD";
    run_request(f, &request);
    assert_int_equal(f->got.result, HTTP_OK);
    assert_int_equal(f->got.body_n, 0);
    finish(f);
}

static void a_long_body_is_sent_whole_and_without_being_asked_for(void **state) {
    (void)state;
    struct fixture *f = start(ONE(OK_HEAD "Content-Length: 1\r\n\r\nx"), 1);
    AUTO_FINI(buf) struct buf body = buf_make(1 << 20);
    while (body.n < 900000) buf_addf(&body, "%zu,", body.n);
    struct http_request request = request_for(&f->got);
    static const char *const headers[] = {"content-type: application/json"};
    request.headers = headers;
    request.header_count = 1;
    request.method = "POST";
    request.body = buf_str(&body);
    run_request(f, &request);
    assert_string_equal(f->server.bodies[0], buf_z(&body));
    assert_true(scripted_saw(&f->server, 0, "content-type: application/json\r\n"));
    assert_false(scripted_saw(&f->server, 0, "x-www-form-urlencoded"));
    finish(f);
}

// The second answer never comes: the connection that was kept dies instead.
static void a_post_is_never_sent_twice(void **state) {
    (void)state;
    const struct step steps[] = {{OK_HEAD "Content-Length: 1\r\n\r\nx", 0, STEP_KEEP},
                                 {"", 0, STEP_CLOSE},
                                 {OK_HEAD "Content-Length: 1\r\n\r\nx", 0, STEP_KEEP}};
    for (int post = 0; post < 2; post++) {
        struct fixture *f = start(steps, LEN(steps));
        fetch(f);
        struct http_request request = request_for(&f->got);
        request.method = post ? "POST" : "GET";
        run_request(f, &request);
        assert_int_equal(f->got.result, post ? HTTP_BROKEN : HTTP_OK);
        assert_int_equal(f->server.asked, post ? 2 : 3);
        finish(f);
    }
}

static void an_unknown_method_is_refused(void **state) {
    (void)state;
    struct fixture *f = start(ONE(""), 1);
    static const char *const names[] = {"", "get", "GET / HTTP/1.1\r\nX:", "TRACE"};
    for (size_t i = 0; i < LEN(names); i++) {
        struct http_request request = request_for(&f->got);
        request.method = names[i];
        assert_int_equal(http_send(f->client, &request, &f->got.call), -EINVAL);
    }
    finish(f);
}

static void headers_are_those_of_the_final_answer_in_order_and_repeated(void **state) {
    (void)state;
    struct fixture *f =
        start(ONE("HTTP/1.1 103 Early Hints\r\nLink: </early>; rel=next\r\n\r\n" OK_HEAD
                  "Link:  <http://a/self>; rel=\"self\" \r\nX-Empty:\r\nlink: <http://a/next>; "
                  "rel=\"next\"\r\nX-Folded: one\r\n  two\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "2\r\nab\r\n0\r\nX-Trailer: no\r\n\r\n"),
              1);
    fetch(f);
    assert_int_equal(f->got.result, HTTP_OK);
    assert_string_equal(f->got.headers,
                        "Link=<http://a/self>; rel=\"self\"\nX-Empty=\nlink=<http://a/next>; "
                        "rel=\"next\"\nX-Folded=one two\nTransfer-Encoding=chunked\n");
    assert_string_equal(f->got.body, "ab");
    finish(f);
}

static void the_first_header_of_a_name_is_found_whatever_its_case(void **state) {
    (void)state;
    const struct http_header list[] = {{STR("Link"), STR("1")}, {STR("LINK"), STR("2")}};
    struct http_response r = {.headers = list, .header_count = 2};
    assert_true(str_eqz(http_header(&r, "lINK"), "1"));
    assert_null(http_header(&r, "Lin").p);
}

struct status_row {
    const char *answer;
    int status;
};

static const struct status_row status_rows[] = {
    {"HTTP/1.1 204 No Content\r\n\r\n", 204},
    {"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 301},
    {"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", 302},
    {"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 2\r\n\r\n{}", 401},
    {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403},
    {"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n", 429},
    {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 503},
};

static void every_status_is_an_answer_and_no_redirect_is_followed(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(status_rows); i++) {
        struct fixture *f = start(ONE(status_rows[i].answer), 1);
        fetch(f);
        assert_int_equal(f->got.result, HTTP_OK);
        assert_int_equal(f->got.status, status_rows[i].status);
        assert_int_equal(f->server.asked, 1);
        finish(f);
    }
}

// A whole answer with the gzipped output of a command as its body.
static void gzipped(struct buf *ret, const char *command) {
    AUTO_FINI(buf) struct buf body = buf_make(1 << 20);
    char line[256];
    snprintf(line, sizeof line, "%s | gzip -nc", command);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    char part[4096];
    size_t n;
    while ((n = fread(part, 1, sizeof part, pipe)) > 0) buf_add(&body, part, n);
    assert_int_equal(pclose(pipe), 0);
    *ret = buf_make(1 << 21);
    buf_addf(ret, OK_HEAD "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", body.n);
    buf_add_str(ret, buf_str(&body));
    assert_int_equal(ret->error, 0);
}

static void a_gzipped_body_arrives_unpacked(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf answer = buf_make(0);
    gzipped(&answer, "printf '[%050000d]' 7");
    const struct step step = {answer.p, answer.n, STEP_KEEP};
    struct fixture *f = start(&step, 1);
    fetch(f);
    assert_int_equal(f->got.result, HTTP_OK);
    assert_int_equal(f->got.body_n, 50002);
    assert_memory_equal(f->got.body + 49998, "007]", 4);
    finish(f);
}

static void the_size_limit_counts_what_is_unpacked(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf bomb = buf_make(0);
    gzipped(&bomb, "head -c 50000000 /dev/zero");
    const struct step steps[] = {
        {bomb.p, bomb.n, STEP_KEEP},
        {OK_HEAD "Content-Length: 9999999999\r\n\r\nx", 0, STEP_STALL},
        {OK_HEAD "Transfer-Encoding: chunked\r\n\r\nb\r\nxxxxxxxxxxx\r\n", 0, STEP_STALL},
        {OK_HEAD "Transfer-Encoding: chunked\r\n\r\na\r\nxxxxxxxxxx\r\n0\r\n\r\n", 0, STEP_KEEP},
    };
    struct fixture *f = start(steps, LEN(steps));
    for (size_t i = 0; i < LEN(steps); i++) {
        AUTO_FINI(buf) struct buf into = buf_make(i == 0 ? 1 << 20 : 10);
        struct http_request request = request_for(&f->got);
        request.into = &into;
        run_request(f, &request);
        assert_int_equal(f->got.result, i < 3 ? HTTP_TOO_LARGE : HTTP_OK);
        if (i < 3) assert_non_null(strstr(f->got.fault.text, "larger than"));
        assert_true(into.cap <= into.max);
    }
    finish(f);
}

struct broken_row {
    const char *bytes;
    enum step_end end;
    enum http_result result;
    int status;
};

static const struct broken_row broken_rows[] = {
    {OK_HEAD "Content-Length: 100\r\n\r\n[1,2", STEP_CLOSE, HTTP_BROKEN, 200},
    {OK_HEAD "Content-Length: 100\r\n\r\n[1,2", STEP_RESET, HTTP_BROKEN, 200},
    {OK_HEAD "Content-Length: 100\r\nX: 1\r\n\r\n", STEP_CLOSE, HTTP_BROKEN, 200},
    {OK_HEAD "Transfer-Encoding: chunked\r\n\r\n4\r\n[1,2\r\n", STEP_CLOSE, HTTP_BROKEN, 200},
    {OK_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n", STEP_CLOSE, HTTP_BROKEN, 200},
    {OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnogz", STEP_KEEP, HTTP_BROKEN,
     200},
    {"", STEP_CLOSE, HTTP_BROKEN, 0},
    {"", STEP_RESET, HTTP_BROKEN, 0},
    {"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", STEP_CLOSE, HTTP_FAILED, 0},
};

static void a_cut_or_garbled_answer_is_told_from_a_whole_one(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(broken_rows); i++) {
        const struct broken_row *row = &broken_rows[i];
        struct fixture *f = start(ONE_THEN(row->bytes, row->end), 1);
        fetch(f);
        if (f->got.result != row->result)
            fail_msg("row %zu: %s (%s)", i, http_result_name(f->got.result), f->got.fault.text);
        assert_int_equal(f->got.status, row->status);
        assert_true(strlen(f->got.fault.text) > 0);
        finish(f);
    }
}

static void a_stalled_answer_ends_with_the_timeout(void **state) {
    (void)state;
    const struct step steps[] = {{"", 0, STEP_STALL},
                                 {OK_HEAD "Content-Length: 9\r\n\r\n[", 0, STEP_STALL}};
    struct fixture *f = start(steps, 2);
    for (int i = 0; i < 2; i++) {
        struct http_request request = request_for(&f->got);
        request.timeout_ms = 100;
        int64_t from = time_mono_ms();
        run_request(f, &request);
        assert_int_equal(f->got.result, HTTP_TIMEOUT);
        assert_in_range(time_mono_ms() - from, 90, 5000);
    }
    finish(f);
}

static void nobody_listening_and_no_such_name_are_told_apart(void **state) {
    (void)state;
    struct fixture *f = start(ONE(""), 1);
    scripted_stop_listening(&f->server);
    fetch(f);
    assert_int_equal(f->got.result, HTTP_CONNECT);
    // A label longer than DNS allows never leaves the machine.
    f->got.url =
        "http://"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid/";
    fetch(f);
    assert_int_equal(f->got.result, HTTP_DNS);
    assert_int_equal(f->got.status, 0);
    finish(f);
}

static void too_many_headers_are_refused(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf answer = buf_make(1 << 20);
    buf_addz(&answer, OK_HEAD);
    for (int i = 0; i < 10; i++) buf_addf(&answer, "X-%d: %050000d\r\n", i, i);
    buf_addz(&answer, "\r\n");
    const struct step step = {answer.p, answer.n, STEP_CLOSE};
    struct fixture *f = start(&step, 1);
    fetch(f);
    assert_int_equal(f->got.result, HTTP_FAILED);
    assert_non_null(strstr(f->got.fault.text, "headers"));
    finish(f);
}

static void connections_are_used_again_unless_that_is_switched_off(void **state) {
    (void)state;
    for (int off = 0; off < 2; off++) {
        struct fixture *f = start_with(ONE(OK_HEAD "Content-Length: 1\r\n\r\nx"), 1,
                                       (struct http_client_opts){.disable_keep_alive = off});
        for (int i = 0; i < 3; i++) fetch(f);
        assert_int_equal(f->server.conn_count, off ? 3 : 1);
        assert_int_equal(f->server.asked, 3);
        finish(f);
    }
}

static void the_body_goes_into_the_callers_buffer_and_begins_anew(void **state) {
    (void)state;
    struct fixture *f = start(ONE(OK_HEAD "Content-Length: 5\r\n\r\nhello"), 1);
    AUTO_FINI(buf) struct buf into = buf_make(100);
    buf_addz(&into, "old");
    struct http_request request = request_for(&f->got);
    request.into = &into;
    for (int i = 0; i < 2; i++) {
        run_request(f, &request);
        assert_true(str_eqz(buf_str(&into), "hello"));
    }
    finish(f);
}

static void a_cancelled_request_is_silent(void **state) {
    (void)state;
    struct fixture *f = start(ONE_THEN("", STEP_STALL), 1);
    struct http_request request = request_for(&f->got);
    assert_int_equal(http_send(f->client, &request, &f->got.call), 0);
    assert_null(http_cancel(f->got.call));
    assert_null(http_cancel(NULL));
    // Another one, cancelled when the server has it.
    assert_int_equal(http_send(f->client, &request, &f->got.call), 0);
    struct loop_timer *stop = NULL;
    assert_int_equal(loop_timer_new(&stop, f->loop, (void (*)(void *))loop_stop, f->loop), 0);
    loop_timer_set(stop, 50);
    run_loop(f->loop);
    assert_int_equal(f->server.asked, 1);
    http_cancel(f->got.call);
    loop_timer_set(stop, 20);
    run_loop(f->loop);
    assert_int_equal(f->got.calls, 0);
    loop_timer_free(stop);
    finish(f);
}

static void again(struct got *got) {
    struct http_request request = request_for(got);
    if (got->calls < 4) assert_int_equal(http_send(got->client, &request, &got->call), 0);
}

static void a_callback_may_start_the_next_request(void **state) {
    (void)state;
    struct fixture *f = start(ONE(OK_HEAD "Content-Length: 1\r\n\r\nx"), 1);
    f->got.also = again;
    f->got.calls_wanted = 4;
    fetch(f);
    assert_int_equal(f->server.asked, 4);
    assert_int_equal(f->server.conn_count, 1);
    finish(f);
}

static void free_client(struct got *got) { got->client = http_client_free(got->client); }

static void a_callback_may_free_the_client_with_requests_in_flight(void **state) {
    (void)state;
    const struct step steps[] = {{OK_HEAD "Content-Length: 1\r\n\r\nx", 0, STEP_KEEP},
                                 {"", 0, STEP_STALL}};
    struct fixture *f = start(steps, 2);
    struct got other = {.loop = f->loop, .calls_wanted = 1, .url = f->url};
    struct http_request stalled = request_for(&other);
    struct http_request request = request_for(&f->got);
    f->got.also = free_client;
    assert_int_equal(http_send(f->client, &request, &f->got.call), 0);
    assert_int_equal(http_send(f->client, &stalled, &other.call), 0);
    run_loop(f->loop);
    // Whichever of the two came first was answered, and has freed the client.
    if (other.calls) f->got.client = http_client_free(f->got.client);
    f->client = NULL;
    assert_int_equal(f->got.calls + other.calls, 1);
    free(other.body);
    finish(f);
}

enum { LANES = 30 };

static void many_requests_at_once_each_get_their_answer(void **state) {
    (void)state;
    struct fixture *f = start(ONE(OK_HEAD "Content-Length: 5\r\n\r\nhello"), 1);
    f->got.calls_wanted = LANES;
    struct http_request request = request_for(&f->got);
    for (int i = 0; i < LANES; i++)
        assert_int_equal(http_send(f->client, &request, &f->got.call), 0);
    run_loop(f->loop);
    assert_int_equal(f->got.calls, LANES);
    assert_int_equal(f->server.asked, LANES);
    finish(f);
}

static void a_url_that_is_none_is_refused_at_once(void **state) {
    (void)state;
    struct fixture *f = start(ONE(""), 1);
    static const char *const urls[] = {"", "ftp://a/", "http://user:pw@127.0.0.1/", "http://a b/"};
    for (size_t i = 0; i < LEN(urls); i++) {
        struct http_request request = request_for(&f->got);
        request.url = urls[i];
        assert_int_equal(http_send(f->client, &request, &f->got.call), -EINVAL);
    }
    finish(f);
}

// Proxies

static void a_proxy_that_refuses_is_named_and_never_sees_the_token(void **state) {
    (void)state;
    static const char *const refusals[] = {
        "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\ndenied",
        "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    };
    for (size_t i = 0; i < LEN(refusals); i++) {
        struct fixture *f = start(ONE(refusals[i]), 1);
        char proxy[128];
        snprintf(proxy, sizeof proxy, "http://joe:hunter2@127.0.0.1:%d", f->server.port);
        http_client_free(f->client);
        f->client = make_client(f->loop, (struct http_client_opts){.proxy_url = proxy});
        f->got.url = "https://acme.okta.com/";
        setenv("no_proxy", "*", 1); // is about the environment's proxy only
        fetch(f);
        unsetenv("no_proxy");
        assert_int_equal(f->got.result, HTTP_PROXY);
        assert_null(strstr(f->got.fault.text, "hunter2"));
        assert_true(scripted_saw(&f->server, 0, "CONNECT acme.okta.com:443"));
        assert_true(scripted_saw(&f->server, 0, "Proxy-Authorization: Basic am9lOmh1bnRlcjI="));
        assert_false(scripted_saw(&f->server, 0, "SSWS"));
        finish(f);
    }
}

static void a_proxy_that_is_not_there_is_not_taken_for_the_server(void **state) {
    (void)state;
    struct fixture *f = start(ONE(""), 1);
    char proxy[128];
    snprintf(proxy, sizeof proxy, "http://joe:hunter2@127.0.0.1:%d", f->server.port);
    scripted_stop_listening(&f->server);
    http_client_free(f->client);
    f->client = make_client(f->loop, (struct http_client_opts){.proxy_url = proxy});
    f->got.url = "https://acme.okta.com/";
    fetch(f);
    assert_int_equal(f->got.result, HTTP_PROXY);
    assert_null(strstr(f->got.fault.text, "hunter2"));
    http_client_free(f->client);
    f->client = make_client(f->loop, (struct http_client_opts){0});
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", f->server.port);
    setenv("https_proxy", proxy, 1);
    fetch(f);
    unsetenv("https_proxy");
    assert_int_equal(f->got.result, HTTP_PROXY);
    finish(f);
}

static void a_plain_proxy_forwards_what_needs_no_tunnel(void **state) {
    (void)state;
    struct fixture *f = start(ONE(OK_HEAD "Content-Length: 2\r\n\r\n[]"), 1);
    char proxy[128];
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", f->server.port);
    http_client_free(f->client);
    f->client = make_client(f->loop, (struct http_client_opts){.proxy_url = proxy});
    f->got.url = "http://127.0.0.1:1/x";
    fetch(f);
    assert_int_equal(f->got.result, HTTP_OK);
    assert_true(scripted_saw(&f->server, 0, "GET http://127.0.0.1:1/x HTTP/1.1"));
    finish(f);
}

// What the server saw tells who was asked: a proxy is sent the whole URL.
static void no_proxy_counts_for_the_environments_proxy_beside_its_own_list(void **state) {
    (void)state;
    static const struct {
        const char *ours, *theirs;
        bool direct;
    } rows[] = {
        {"elsewhere.example,127.0.0.1", NULL, true},
        {"a.example,*", NULL, true},
        {"elsewhere.example", "127.0.0.1", true},
        {"elsewhere.example", "*", true},
        {"elsewhere.example", "other.example", false},
        {NULL, "127.0.0.1", true},
        {NULL, NULL, false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct fixture *f = start(ONE(OK_HEAD "Content-Length: 2\r\n\r\n[]"), 1);
        char here[128];
        snprintf(here, sizeof here, "http://127.0.0.1:%d", f->server.port);
        setenv("http_proxy", here, 1);
        if (rows[i].theirs) setenv("NO_PROXY", rows[i].theirs, 1);
        http_client_free(f->client);
        f->client = make_client(f->loop, (struct http_client_opts){.no_proxy = rows[i].ours});
        fetch(f);
        unsetenv("http_proxy");
        unsetenv("NO_PROXY");
        assert_int_equal(f->got.result, HTTP_OK);
        assert_int_equal(scripted_saw(&f->server, 0, "GET http://127.0.0.1:"), !rows[i].direct);
        finish(f);
    }
}

static void a_proxy_url_that_is_none_is_refused_without_repeating_it(void **state) {
    (void)state;
    static const char *const urls[] = {"gopher://joe:hunter2@x:1", "http://joe:hunter2@x:port",
                                       "http://joe:hunter2@"};
    struct loop *loop = NULL;
    assert_int_equal(loop_new(&loop), 0);
    for (size_t i = 0; i < LEN(urls); i++) {
        struct http_client_opts opts = {.proxy_url = urls[i], .user_agent = "x"};
        struct http_client *c = NULL;
        struct fault fault = {{0}};
        assert_int_equal(http_client_new(&c, loop, &opts, &fault), -EINVAL);
        assert_non_null(strstr(fault.text, "proxy_url"));
        assert_null(strstr(fault.text, "hunter2"));
    }
    loop_free(loop);
}

// TLS

struct tls_fixture {
    struct fixture *f;
    struct tls_server tls;
    char url[128], wrong_name[128];
};

static struct tls_fixture tls_start(void) {
    struct tls_fixture t = {.f = start(ONE(""), 1)};
    tls_server_prepare(&t.tls);
    tls_server_write(&t.tls, "page", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n[]");
    tls_server_start(&t.tls);
    snprintf(t.url, sizeof t.url, "https://localhost:%d/page", t.tls.port);
    snprintf(t.wrong_name, sizeof t.wrong_name, "https://127.0.0.1:%d/page", t.tls.port);
    return t;
}

static void tls_finish(struct tls_fixture *t) {
    finish(t->f);
    tls_server_stop(&t->tls);
}

static void tls_fetch(struct tls_fixture *t, const char *url, struct http_client_opts opts) {
    http_client_free(t->f->client);
    t->f->client = make_client(t->f->loop, opts);
    t->f->got.url = url;
    struct http_request request = request_for(&t->f->got);
    request.want_certificate = true;
    run_request(t->f, &request);
}

static void a_certificate_is_trusted_only_by_those_who_were_told_to(void **state) {
    (void)state;
    struct tls_fixture t = tls_start();
    struct got *got = &t.f->got;
    const char *const files[] = {t.tls.certificate};
    const struct http_client_opts trusting = {
        .tls = {.certificate_authorities = files, .certificate_authority_count = 1}};

    tls_fetch(&t, t.url, (struct http_client_opts){0});
    assert_int_equal(got->result, HTTP_TLS);
    assert_non_null(strstr(got->fault.text, "certificate"));

    tls_fetch(&t, t.url, trusting);
    if (got->result != HTTP_OK) fail_msg("%s", got->fault.text);
    assert_string_equal(got->body, "[]");
    assert_string_equal(got->tls_version, "TLSv1.3");
    int64_t left = got->certificate_expires_ms - time_now_ms();
    assert_in_range(left, 2 * (int64_t)TIME_DAY_MS, 3 * (int64_t)TIME_DAY_MS + TIME_MINUTE_MS);

    tls_fetch(&t, t.wrong_name, trusting);
    assert_int_equal(got->result, HTTP_TLS);
    assert_non_null(strstr(got->fault.text, "subject name"));

    tls_fetch(&t, t.wrong_name, (struct http_client_opts){.tls.verify = HTTP_VERIFY_NONE});
    assert_int_equal(got->result, HTTP_OK);
    tls_finish(&t);
}

static void ssl_cert_file_is_honoured(void **state) {
    (void)state;
    struct tls_fixture t = tls_start();
    const char *before = getenv("SSL_CERT_FILE");
    AUTO_MEM char *saved = before ? mem_copy(before, strlen(before)) : NULL;
    setenv("SSL_CERT_FILE", t.tls.certificate, 1);
    tls_fetch(&t, t.url, (struct http_client_opts){0});
    if (saved) setenv("SSL_CERT_FILE", saved, 1);
    else unsetenv("SSL_CERT_FILE");
    if (t.f->got.result != HTTP_OK) fail_msg("%s", t.f->got.fault.text);
    tls_finish(&t);
}

static void authorities_that_cannot_be_read_are_refused_by_name(void **state) {
    (void)state;
    struct loop *loop = NULL;
    assert_int_equal(loop_new(&loop), 0);
    static const char *const paths[] = {"/nonexistent/ca.pem", "/dev/null", "/tmp"};
    for (size_t i = 0; i < LEN(paths); i++) {
        struct http_client_opts opts = {
            .tls = {.certificate_authorities = &paths[i], .certificate_authority_count = 1},
            .user_agent = "x"};
        struct http_client *c = NULL;
        struct fault fault = {{0}};
        assert_int_equal(http_client_new(&c, loop, &opts, &fault), -EINVAL);
        assert_non_null(strstr(fault.text, paths[i]));
    }
    loop_free(loop);
}

int main(void) {
    static const char *const environment[] = {"http_proxy", "https_proxy", "HTTPS_PROXY",
                                              "all_proxy",  "ALL_PROXY",   "no_proxy",
                                              "NO_PROXY"};
    for (size_t i = 0; i < LEN(environment); i++) unsetenv(environment[i]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_says_what_it_should_and_no_more),
        cmocka_unit_test(method_and_body_are_those_of_the_request),
        cmocka_unit_test(a_request_head_asks_for_no_body),
        cmocka_unit_test(a_long_body_is_sent_whole_and_without_being_asked_for),
        cmocka_unit_test(a_post_is_never_sent_twice),
        cmocka_unit_test(an_unknown_method_is_refused),
        cmocka_unit_test(headers_are_those_of_the_final_answer_in_order_and_repeated),
        cmocka_unit_test(the_first_header_of_a_name_is_found_whatever_its_case),
        cmocka_unit_test(every_status_is_an_answer_and_no_redirect_is_followed),
        cmocka_unit_test(a_gzipped_body_arrives_unpacked),
        cmocka_unit_test(the_size_limit_counts_what_is_unpacked),
        cmocka_unit_test(a_cut_or_garbled_answer_is_told_from_a_whole_one),
        cmocka_unit_test(a_stalled_answer_ends_with_the_timeout),
        cmocka_unit_test(nobody_listening_and_no_such_name_are_told_apart),
        cmocka_unit_test(too_many_headers_are_refused),
        cmocka_unit_test(connections_are_used_again_unless_that_is_switched_off),
        cmocka_unit_test(the_body_goes_into_the_callers_buffer_and_begins_anew),
        cmocka_unit_test(a_cancelled_request_is_silent),
        cmocka_unit_test(a_callback_may_start_the_next_request),
        cmocka_unit_test(a_callback_may_free_the_client_with_requests_in_flight),
        cmocka_unit_test(many_requests_at_once_each_get_their_answer),
        cmocka_unit_test(a_url_that_is_none_is_refused_at_once),
        cmocka_unit_test(a_proxy_that_refuses_is_named_and_never_sees_the_token),
        cmocka_unit_test(a_proxy_that_is_not_there_is_not_taken_for_the_server),
        cmocka_unit_test(a_plain_proxy_forwards_what_needs_no_tunnel),
        cmocka_unit_test(no_proxy_counts_for_the_environments_proxy_beside_its_own_list),
        cmocka_unit_test(a_proxy_url_that_is_none_is_refused_without_repeating_it),
        cmocka_unit_test(a_certificate_is_trusted_only_by_those_who_were_told_to),
        cmocka_unit_test(ssl_cert_file_is_honoured),
        cmocka_unit_test(authorities_that_cannot_be_read_are_refused_by_name),
    };
    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
