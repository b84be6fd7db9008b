// SPDX-License-Identifier: Apache-2.0
// Access tokens against a scripted server: when one is asked for, what is sent with it, and what
// becomes of requests that wait for one.
#include <stdlib.h>

#include "../http/scripted.h"
#include "base/time.h"
#include "crypto/key.h"
#include "okta/log.h"

enum { CALLS_MAX = 4 };

struct got {
    struct loop *loop;
    int calls, calls_wanted;
    enum okta_log_result results[CALLS_MAX];
    struct fault fault; // of the last
};

struct fixture {
    struct loop *loop;
    struct scripted server;
    struct okta_org *org;
    struct crypto_key *key;
    struct got got;
    struct buf into[CALLS_MAX];
    int keys_made;
    char url[128], base[64];
};

static void on_done(void *ctx, const struct okta_log_answer *answer) {
    struct got *got = ctx;
    got->results[got->calls++] = answer->result;
    got->fault = answer->fault;
    if (got->calls >= got->calls_wanted) loop_stop(got->loop);
}

static void on_key_made(void *ctx, const struct crypto_key *key) {
    struct fixture *f = ctx;
    assert_true(crypto_key_is_private(key));
    f->keys_made++;
}

static struct okta_org *make_org(struct fixture *f, enum okta_auth_method method) {
    static const char *const scopes[] = {"okta.logs.read", "okta.users.read"};
    struct okta_org_opts opts = {.url = f->url,
                                 .credentials = {.method = method,
                                                 .api_key = "secret:of/the+app",
                                                 .okta_domain_url = f->base,
                                                 .client_id = "0oa+1",
                                                 .key = f->key,
                                                 .scopes = scopes,
                                                 .scope_count = LEN(scopes),
                                                 .dpop_key_made = on_key_made,
                                                 .ctx = f},
                                 .http_client_timeout_ms = 5000,
                                 .http = {.user_agent = "gatehouse/test", .proxy_url = ""}};
    struct okta_org *org = NULL;
    struct fault fault = {{0}};
    if (okta_org_new(&org, f->loop, &opts, &fault) != 0) fail_msg("%s", fault.text);
    return org;
}

static struct fixture *start(const struct step *steps, size_t n, enum okta_auth_method method) {
    struct fixture *f = mem_new(sizeof *f);
    assert_non_null(f);
    assert_int_equal(loop_new(&f->loop), 0);
    assert_int_equal(crypto_key_generate(&f->key, CRYPTO_P256), 0);
    scripted_start(&f->server, f->loop, steps, n);
    snprintf(f->base, sizeof f->base, "http://127.0.0.1:%d", f->server.port);
    snprintf(f->url, sizeof f->url, "%s/api/v1/logs", f->base);
    f->org = make_org(f, method);
    for (size_t i = 0; i < CALLS_MAX; i++) f->into[i] = buf_make(10000);
    return f;
}

static void finish(struct fixture *f) {
    okta_org_free(f->org);
    scripted_stop(&f->server);
    loop_free(f->loop);
    crypto_key_free(f->key);
    for (size_t i = 0; i < CALLS_MAX; i++) buf_fini(&f->into[i]);
    free(f);
}

// Asks for `n` pages at once and waits for all answers.
static void fetch(struct fixture *f, int n) {
    struct okta_log_call *call;
    f->got = (struct got){.loop = f->loop, .calls_wanted = n};
    for (int i = 0; i < n; i++) {
        const struct okta_log_request request = {.url = f->url,
                                                 .class = BUDGET_COLLECTION,
                                                 .into = &f->into[i],
                                                 .done = on_done,
                                                 .ctx = &f->got};
        assert_int_equal(okta_log_get(f->org, &request, &call), 0);
    }
    run_loop(f->loop);
}

static bool asked(const struct fixture *f, size_t i, const char *what) {
    return i < f->server.asked && strstr(f->server.requests[i], what);
}

#define ANSWER(status, more, length, body)                                                         \
    "HTTP/1.1 " status "\r\nContent-Type: application/json\r\n" more "Content-Length: " length     \
    "\r\n\r\n" body
#define TOKEN(value, life)                                                                         \
    ANSWER("200 OK", "", "79",                                                                     \
           "{\"token_type\":\"Bearer\",\"expires_in\":" life ",\"access_token\":\"" value          \
           "\",\"scope\":\"a.b\"}")
#define PAGE ANSWER("200 OK", "Link: </api/v1/logs?after=2>; rel=\"next\"\r\n", "2", "[]")
#define REFUSED ANSWER("401 X", "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n", "0", "")
#define INVALID_CLIENT ANSWER("401 X", "", "26", "{\"error\":\"invalid_client\"}")

static void one_token_is_asked_for_and_serves_all_requests(void **state) {
    (void)state;
    const struct step steps[] = {{TOKEN("token1", "3600"), 0, STEP_KEEP}, {PAGE, 0, STEP_KEEP}};
    struct fixture *f = start(steps, 2, OKTA_AUTH_OAUTH2);
    struct okta_token_view view;
    fetch(f, 3);
    for (int i = 0; i < 3; i++) assert_int_equal(f->got.results[i], OKTA_LOG_PAGE);
    assert_int_equal(f->server.asked, 4);
    assert_true(asked(f, 0, "POST /oauth2/v1/token"));
    assert_true(asked(f, 0, "Content-Type: application/x-www-form-urlencoded"));
    assert_false(asked(f, 0, "Authorization:"));
    assert_non_null(strstr(f->server.bodies[0], "grant_type=client_credentials"));
    assert_non_null(strstr(f->server.bodies[0], "&scope=okta.logs.read%20okta.users.read&"));
    assert_non_null(strstr(f->server.bodies[0], "&client_assertion=eyJ"));
    for (size_t i = 1; i < 4; i++) assert_true(asked(f, i, "Authorization: Bearer token1\r\n"));
    okta_org_token(f->org, &view);
    assert_true(view.used && view.present && !view.dpop);
    assert_int_equal(view.renewals, 1);
    assert_string_equal(view.scope, "a.b");
    finish(f);
}

static void a_client_secret_goes_into_basic_form_encoded(void **state) {
    (void)state;
    const struct step steps[] = {{TOKEN("token1", "3600"), 0, STEP_KEEP}, {PAGE, 0, STEP_KEEP}};
    struct fixture *f = start(steps, 2, OKTA_AUTH_OIN_APP);
    fetch(f, 1);
    // 0oa%2B1:secret%3Aof%2Fthe%2Bapp
    assert_true(
        asked(f, 0, "Authorization: Basic MG9hJTJCMTpzZWNyZXQlM0FvZiUyRnRoZSUyQmFwcA==\r\n"));
    assert_null(strstr(f->server.bodies[0], "client_assertion"));
    assert_null(strstr(f->server.bodies[0], "secret"));
    finish(f);
}

static void a_refused_token_is_replaced_once(void **state) {
    (void)state;
    const struct step steps[] = {{TOKEN("token1", "3600"), 0, STEP_KEEP},
                                 {REFUSED, 0, STEP_KEEP},
                                 {TOKEN("token2", "3600"), 0, STEP_KEEP},
                                 {PAGE, 0, STEP_KEEP}};
    struct fixture *f = start(steps, 4, OKTA_AUTH_OAUTH2);
    fetch(f, 1);
    assert_int_equal(f->got.results[0], OKTA_LOG_PAGE);
    assert_int_equal(f->server.asked, 4);
    assert_true(asked(f, 3, "Bearer token2\r\n"));
    assert_string_not_equal(f->server.bodies[0], f->server.bodies[2]); // a fresh assertion
    finish(f);
}

static void a_token_that_is_refused_again_ends_it(void **state) {
    (void)state;
    const struct step steps[] = {{TOKEN("token1", "3600"), 0, STEP_KEEP},
                                 {REFUSED, 0, STEP_KEEP},
                                 {TOKEN("token2", "3600"), 0, STEP_KEEP},
                                 {REFUSED, 0, STEP_KEEP}};
    struct fixture *f = start(steps, 4, OKTA_AUTH_OAUTH2);
    fetch(f, 1);
    assert_int_equal(f->got.results[0], OKTA_LOG_REFUSED);
    assert_non_null(strstr(f->got.fault.text, "nor was a fresh one"));
    assert_int_equal(f->server.asked, 4);
    finish(f);
}

static void without_a_token_all_that_wait_are_told_why_and_the_next_asks_again(void **state) {
    (void)state;
    const struct step steps[] = {{INVALID_CLIENT, 0, STEP_KEEP},
                                 {TOKEN("token1", "3600"), 0, STEP_KEEP},
                                 {PAGE, 0, STEP_KEEP}};
    struct fixture *f = start(steps, 3, OKTA_AUTH_OAUTH2);
    fetch(f, 3);
    for (int i = 0; i < 3; i++) assert_int_equal(f->got.results[i], OKTA_LOG_REFUSED);
    assert_non_null(strstr(f->got.fault.text, "invalid_client: Okta does not accept the signed"));
    assert_int_equal(f->server.asked, 1);
    fetch(f, 1);
    assert_int_equal(f->got.results[0], OKTA_LOG_PAGE);
    finish(f);
}

struct failure_row {
    struct step step;
    enum okta_log_result result;
    const char *says;
};

static const struct failure_row failures[] = {
    {{ANSWER("500 X", "", "0", ""), 0, STEP_KEEP}, OKTA_LOG_RETRY, "answered 500"},
    {{ANSWER("429 X", "", "24", "{\"errorCode\":\"E0000047\"}"), 0, STEP_KEEP},
     OKTA_LOG_RETRY,
     "rate limit for tokens"},
    {{"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", 0, STEP_KEEP},
     OKTA_LOG_RETRY,
     "the answer is no token"},
    {{"HTTP/1.1 302 X\r\nLocation: https://login.example/x\r\nContent-Length: 0\r\n\r\n", 0,
      STEP_KEEP},
     OKTA_LOG_RETRY,
     "https://login.example"},
    {{"", 0, STEP_CLOSE}, OKTA_LOG_RETRY, "127.0.0.1: "},
    {{ANSWER("404 X", "", "0", ""), 0, STEP_KEEP}, OKTA_LOG_REFUSED, "okta_domain_url"},
    {{ANSWER("400 X", "", "25", "{\"error\":\"invalid_scope\"}"), 0, STEP_KEEP},
     OKTA_LOG_REFUSED,
     "asked for: okta.logs.read okta.users.read"},
    {{ANSWER("403 X", "", "25", "{\"error\":\"access_denied\"}"), 0, STEP_KEEP},
     OKTA_LOG_REFUSED,
     "Networks"},
    {{ANSWER("200 OK", "", "46", "{\"token_type\":\"DPoP\",\"access_token\":\"a.b.c.d\"}"), 0,
      STEP_KEEP},
     OKTA_LOG_RETRY,
     "the answer is no token"},
};

static void each_failure_of_the_token_endpoint_is_told_apart(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(failures); i++) {
        struct fixture *f = start(&failures[i].step, 1, OKTA_AUTH_OAUTH2);
        fetch(f, 1);
        if (f->got.results[0] != failures[i].result || !strstr(f->got.fault.text, failures[i].says))
            fail_msg("row %zu: %s: %s", i, okta_log_result_name(f->got.results[0]),
                     f->got.fault.text);
        finish(f);
    }
}

static void an_app_that_demands_proofs_gets_one_with_its_nonce(void **state) {
    (void)state;
    const struct step steps[] = {
        {ANSWER("400 X", "", "30", "{\"error\":\"invalid_dpop_proof\"}"), 0, STEP_KEEP},
        {ANSWER("400 X", "dpop-nonce: n1\r\n", "26", "{\"error\":\"use_dpop_nonce\"}"), 0,
         STEP_KEEP},
        {ANSWER("200 OK", "", "45", "{\"token_type\":\"DPoP\",\"access_token\":\"token1\"}"), 0,
         STEP_KEEP},
        {ANSWER("400 X", "DPoP-Nonce: n2\r\nWWW-Authenticate: DPoP error=\"use_dpop_nonce\"\r\n",
                "0", ""),
         0, STEP_KEEP},
        {PAGE, 0, STEP_KEEP}};
    struct fixture *f = start(steps, 5, OKTA_AUTH_OAUTH2);
    fetch(f, 1);
    assert_int_equal(f->got.results[0], OKTA_LOG_PAGE);
    assert_int_equal(f->server.asked, 5);
    assert_int_equal(f->keys_made, 1);
    assert_false(asked(f, 0, "DPoP: "));
    for (size_t i = 1; i < 5; i++) assert_true(asked(f, i, "DPoP: eyJ"));
    assert_true(asked(f, 4, "Authorization: DPoP token1\r\n"));
    finish(f);
}

static void endless_demands_for_another_nonce_end(void **state) {
    (void)state;
    const struct step steps[] = {
        {ANSWER("400 X", "dpop-nonce: n1\r\n", "26", "{\"error\":\"use_dpop_nonce\"}"), 0,
         STEP_KEEP},
        {ANSWER("400 X", "dpop-nonce: n2\r\n", "26", "{\"error\":\"use_dpop_nonce\"}"), 0,
         STEP_KEEP},
        {ANSWER("400 X", "dpop-nonce: n3\r\n", "26", "{\"error\":\"use_dpop_nonce\"}"), 0,
         STEP_KEEP},
        {ANSWER("400 X", "dpop-nonce: n4\r\n", "26", "{\"error\":\"use_dpop_nonce\"}"), 0,
         STEP_KEEP},
        {ANSWER("400 X", "dpop-nonce: n5\r\n", "26", "{\"error\":\"use_dpop_nonce\"}"), 0,
         STEP_KEEP},
        {ANSWER("400 X", "dpop-nonce: n6\r\n", "26", "{\"error\":\"use_dpop_nonce\"}"), 0,
         STEP_KEEP},
    };
    struct fixture *f = start(steps, 6, OKTA_AUTH_OAUTH2);
    fetch(f, 1);
    assert_int_equal(f->got.results[0], OKTA_LOG_REFUSED);
    assert_int_equal(f->server.asked, 5);
    finish(f);
}

static void what_waits_for_a_token_can_be_cancelled(void **state) {
    (void)state;
    const struct step step = {"", 0, STEP_STALL};
    struct fixture *f = start(&step, 1, OKTA_AUTH_OAUTH2);
    struct okta_log_call *call = NULL;
    struct loop_timer *stop = NULL;
    const struct okta_log_request request = {.url = f->url,
                                             .class = BUDGET_COLLECTION,
                                             .into = &f->into[0],
                                             .done = on_done,
                                             .ctx = &f->got};
    assert_int_equal(loop_timer_new(&stop, f->loop, (void (*)(void *))loop_stop, f->loop), 0);
    assert_int_equal(okta_log_get(f->org, &request, &call), 0);
    loop_timer_set(stop, 50);
    run_loop(f->loop);
    assert_int_equal(f->server.asked, 1);
    okta_log_cancel(call);
    loop_timer_free(stop);
    finish(f); // with the request for the token still under way
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_token_is_asked_for_and_serves_all_requests),
        cmocka_unit_test(a_client_secret_goes_into_basic_form_encoded),
        cmocka_unit_test(a_refused_token_is_replaced_once),
        cmocka_unit_test(a_token_that_is_refused_again_ends_it),
        cmocka_unit_test(without_a_token_all_that_wait_are_told_why_and_the_next_asks_again),
        cmocka_unit_test(each_failure_of_the_token_endpoint_is_told_apart),
        cmocka_unit_test(an_app_that_demands_proofs_gets_one_with_its_nonce),
        cmocka_unit_test(endless_demands_for_another_nonce_end),
        cmocka_unit_test(what_waits_for_a_token_can_be_cancelled),
    };
    return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
