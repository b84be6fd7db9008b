// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_OKTA_PUSH_TEST_H
#define TESTS_UNIT_OKTA_PUSH_TEST_H
// What the tests of users, factors and pushes share: an org before a scripted server, and what the
// last answer said, copied.

#include <stdlib.h>

#include "../http/scripted.h"
#include "base/time.h"
#include "crypto/key.h"
#include "okta/push.h"

#define API_KEY "00secretTokenOfTheTest"
#define CODE "424242"

enum { FACTORS_MAX = 4 };

struct got {
    struct loop *loop;
    int calls, calls_wanted;
    struct okta_answer answer; // without what is borrowed
    char error_code[64], result_text[64], poll[256], cancel[256], id[64];
    char users[2][3][64]; // id, login, status
    bool active[2];
    char factors[FACTORS_MAX][5][64]; // id, type, provider, status, name
    int64_t times[FACTORS_MAX][2];
    struct okta_org *free_org; // in the callback
};

struct fixture {
    struct loop *loop;
    struct scripted server;
    struct crypto_key *key;
    struct okta_org *org;
    struct okta_ask *ask;
    struct got got;
    char base[64], url[128];
};

static inline void copy(char *to, size_t size, struct str s) {
    snprintf(to, size, "%.*s", STR_ARG(s));
}

static inline void copy_users(struct got *got, const struct okta_answer *a) {
    for (size_t i = 0; i < a->user_count; i++) {
        copy(got->users[i][0], 64, a->users[i].id);
        copy(got->users[i][1], 64, a->users[i].login);
        copy(got->users[i][2], 64, a->users[i].status);
        got->active[i] = a->users[i].active;
    }
}

static inline void copy_factors(struct got *got, const struct okta_answer *a) {
    assert_true(a->factor_count <= FACTORS_MAX);
    for (size_t i = 0; i < a->factor_count; i++) {
        const struct okta_factor *f = &a->factors[i];
        const struct str texts[] = {f->id, f->type, f->provider, f->status, f->name};
        for (size_t k = 0; k < LEN(texts); k++) copy(got->factors[i][k], 64, texts[k]);
        got->times[i][0] = f->created_ms;
        got->times[i][1] = f->last_updated_ms;
    }
}

static inline void on_answer(void *ctx, const struct okta_answer *a) {
    struct got *got = ctx;
    got->calls++;
    got->answer = *a;
    copy(got->error_code, sizeof got->error_code, a->error_code);
    copy(got->result_text, sizeof got->result_text, a->transaction.result_text);
    copy(got->poll, sizeof got->poll, a->transaction.poll_url);
    copy(got->cancel, sizeof got->cancel, a->transaction.cancel_url);
    copy(got->id, sizeof got->id, a->transaction.id);
    copy_users(got, a);
    copy_factors(got, a);
    if ((a->result == OKTA_ASK_ANSWERED) != (a->fault.text[0] == '\0'))
        fail_msg("%s: %s", okta_ask_result_name(a->result), a->fault.text);
    assert_null(strstr(a->fault.text, API_KEY));
    assert_null(strstr(a->fault.text, CODE));
    if (got->free_org) okta_org_free(got->free_org);
    if (got->calls >= got->calls_wanted) loop_stop(got->loop);
}

static inline struct okta_org *make_org(struct fixture *f, enum okta_auth_method method,
                                        const struct crypto_key *dpop_key) {
    static const char *const scopes[] = {"okta.users.read", "okta.users.manage"};
    struct okta_org_opts opts = {.url = f->url,
                                 .credentials = {.method = method,
                                                 .api_key = API_KEY,
                                                 .okta_domain_url = f->base,
                                                 .client_id = "0oa1",
                                                 .key = f->key,
                                                 .scopes = scopes,
                                                 .scope_count = LEN(scopes),
                                                 .dpop_key = dpop_key},
                                 .http_client_timeout_ms = 5000,
                                 .http = {.user_agent = "gatehouse/test", .proxy_url = ""}};
    struct okta_org *org = NULL;
    struct fault fault = {{0}};
    if (okta_org_new(&org, f->loop, &opts, &fault) != 0) fail_msg("%s", fault.text);
    return org;
}

// Before a server that plays the steps.
static inline struct fixture *start_as(const struct step *steps, size_t n,
                                       enum okta_auth_method method, bool dpop) {
    struct fixture *f = mem_new(sizeof *f);
    assert_non_null(f);
    assert_int_equal(loop_new(&f->loop), 0);
    assert_int_equal(crypto_key_generate(&f->key, CRYPTO_P256), 0);
    scripted_start(&f->server, f->loop, steps, n);
    snprintf(f->base, sizeof f->base, "http://127.0.0.1:%d", f->server.port);
    snprintf(f->url, sizeof f->url, "%s/api/v1/logs", f->base);
    f->org = make_org(f, method, dpop ? f->key : NULL);
    f->got = (struct got){.loop = f->loop, .calls_wanted = 1};
    return f;
}

static inline struct fixture *start(const struct step *steps, size_t n) {
    return start_as(steps, n, OKTA_AUTH_API_KEY, false);
}

static inline void finish(struct fixture *f) {
    okta_org_free(f->org);
    scripted_stop(&f->server);
    loop_free(f->loop);
    crypto_key_free(f->key);
    free(f);
}

// "PORT" in a text becomes the server's port. To be freed.
static inline char *with_port(const struct fixture *f, const char *text) {
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

// A whole answer with that body. To be freed.
static inline char *answer_of(const struct fixture *f, int status, const char *headers,
                              const char *body) {
    AUTO_MEM char *text = with_port(f, body);
    struct buf out = buf_make(1 << 21);
    buf_addf(&out, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n",
             status, headers, strlen(text));
    buf_addf(&out, "\r\n%s", text);
    char *whole = buf_take(&out);
    assert_non_null(whole);
    return whole;
}

// ---- asking, until there is an answer ----

#define USER STR("00u1")
#define FACTOR STR("opf2")
#define TRANSACTION "/api/v1/users/00u1/factors/opf2/transactions/v2mst.3"

static inline void wait_for_answer(struct fixture *f, int outcome) {
    assert_int_equal(outcome, 0);
    assert_int_equal(f->got.calls, 0); // never from within
    run_loop(f->loop);
}

static inline void begin(struct fixture *f) {
    struct okta_org *free_org = f->got.free_org;
    f->got = (struct got){.loop = f->loop, .calls_wanted = 1, .free_org = free_org};
}

static inline void find(struct fixture *f, const char *name, bool by_email) {
    begin(f);
    wait_for_answer(f,
                    okta_find_user(f->org, str_from(name), by_email, on_answer, &f->got, &f->ask));
}

static inline void list(struct fixture *f) {
    begin(f);
    wait_for_answer(f, okta_list_factors(f->org, USER, on_answer, &f->got, &f->ask));
}

static inline void push(struct fixture *f, bool number) {
    begin(f);
    wait_for_answer(
        f, okta_verify_push(f->org, USER, FACTOR, number, NULL, on_answer, &f->got, &f->ask));
}

static inline void try_code(struct fixture *f) {
    begin(f);
    wait_for_answer(
        f, okta_verify_code(f->org, USER, FACTOR, STR(CODE), NULL, on_answer, &f->got, &f->ask));
}

static inline void poll_link(struct fixture *f, const char *link) {
    AUTO_MEM char *url = with_port(f, link);
    begin(f);
    wait_for_answer(
        f, okta_poll_push(f->org, USER, FACTOR, str_from(url), on_answer, &f->got, &f->ask));
}

static inline void poll_at(struct fixture *f) { poll_link(f, "http://127.0.0.1:PORT" TRANSACTION); }

static inline void withdraw(struct fixture *f) {
    AUTO_MEM char *url = with_port(f, "http://127.0.0.1:PORT" TRANSACTION);
    begin(f);
    wait_for_answer(f, okta_cancel_push(f->org, str_from(url), on_answer, &f->got, &f->ask));
}

enum asked { FIND, LIST, PUSH, TRY_CODE, POLL, WITHDRAW };

static inline void ask(struct fixture *f, enum asked what) {
    switch (what) {
    case FIND: find(f, "al@acme.com", false); break;
    case LIST: list(f); break;
    case PUSH: push(f, false); break;
    case TRY_CODE: try_code(f); break;
    case POLL: poll_at(f); break;
    case WITHDRAW: withdraw(f); break;
    default: fail();
    }
}

#endif
