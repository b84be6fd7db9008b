// SPDX-License-Identifier: Apache-2.0
// What is sent for users, factors and pushes, how often, and what becomes of it when somebody
// stops waiting.
#include "push-test.h"

#include "okta/org-internal.h"

#define OK(body_length, body)                                                                      \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " body_length            \
    "\r\n\r\n" body
#define WAITING                                                                                    \
    "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n"         \
    "{\"factorResult\":\"WAITING\"}"

struct name_row {
    const char *name;
    bool by_email;
    const char *line; // of the request
};

static const struct name_row names[] = {
    {"al@acme.com", false, "?filter=profile.login%20eq%20%22al%40acme.com%22&limit=2 HTTP/1.1"},
    {"al@acme.com", true, "?filter=profile.email%20eq%20%22al%40acme.com%22&limit=2 HTTP/1.1"},
    {"a\" or status eq \"ACTIVE", false,
     "?filter=profile.login%20eq%20%22a%5C%22%20or%20status%20eq%20%5C%22ACTIVE%22&limit=2 "},
    {"back\\slash\\", false, "?filter=profile.login%20eq%20%22back%5C%5Cslash%5C%5C%22&limit=2 "},
    {"a&limit=200#x+y%41/?", false,
     "?filter=profile.login%20eq%20%22a%26limit%3D200%23x%2By%2541%2F%3F%22&limit=2 "},
    {"J\xc3\xbcrgen", false, "?filter=profile.login%20eq%20%22J%C3%BCrgen%22&limit=2 "},
};

static void a_name_stands_in_the_filter_as_what_it_is(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(names); i++) {
        const struct step step = {OK("2", "[]"), 0, STEP_KEEP};
        struct fixture *f = start(&step, 1);
        find(f, names[i].name, names[i].by_email);
        assert_int_equal(f->got.answer.result, OKTA_ASK_ANSWERED);
        assert_int_equal(f->got.answer.user_count, 0);
        assert_true(scripted_saw(&f->server, 0, "GET /api/v1/users?"));
        if (!scripted_saw(&f->server, 0, names[i].line)) fail_msg("%s", f->server.requests[0]);
        assert_true(scripted_saw(&f->server, 0, "Authorization: SSWS " API_KEY "\r\n"));
        finish(f);
    }
}

static void what_cannot_be_asked_for_is_not_sent(void **state) {
    (void)state;
    const struct step step = {"", 0, STEP_STALL};
    struct fixture *f = start(&step, 1);
    const struct str bad_names[] = {STR(""),     STR_NONE,    STR("a\nb"),  {"a\0b", 3},
                                    STR("\x7f"), STR("\xff"), STR("a\xc3"), STR("\xed\xa0\x80")};
    const struct str bad_ids[] = {STR(""),      STR_NONE,   STR("."),   STR(".."),   STR("a/b"),
                                  STR("a%2Fb"), STR("a b"), STR("a?b"), STR("../x"), {"a\0b", 3}};
    const struct str bad_codes[] = {STR(""), STR_NONE, STR("12 34"), STR("12\n"), STR("\xc3\xbc")};
    char long_text[2000];
    memset(long_text, 'a', sizeof long_text);
    const struct str too_long = {long_text, sizeof long_text};
    struct okta_ask *a = NULL;
    void *ctx = &f->got;
    for (size_t i = 0; i < LEN(bad_names); i++)
        assert_int_equal(okta_find_user(f->org, bad_names[i], false, on_answer, ctx, &a), -EINVAL);
    assert_int_equal(okta_find_user(f->org, too_long, false, on_answer, ctx, &a), -EINVAL);
    for (size_t i = 0; i < LEN(bad_ids); i++) {
        struct str id = bad_ids[i];
        assert_int_equal(okta_list_factors(f->org, id, on_answer, ctx, &a), -EINVAL);
        assert_int_equal(okta_verify_push(f->org, id, FACTOR, false, NULL, on_answer, ctx, &a),
                         -EINVAL);
        assert_int_equal(okta_verify_push(f->org, USER, id, false, NULL, on_answer, ctx, &a),
                         -EINVAL);
        assert_int_equal(okta_verify_code(f->org, USER, id, STR(CODE), NULL, on_answer, ctx, &a),
                         -EINVAL);
        assert_int_equal(okta_poll_push(f->org, USER, id, str_from(f->url), on_answer, ctx, &a),
                         -EINVAL);
    }
    assert_int_equal(okta_list_factors(f->org, too_long, on_answer, ctx, &a), -EINVAL);
    for (size_t i = 0; i < LEN(bad_codes); i++)
        assert_int_equal(
            okta_verify_code(f->org, USER, FACTOR, bad_codes[i], NULL, on_answer, ctx, &a),
            -EINVAL);
    assert_int_equal(okta_verify_code(f->org, USER, FACTOR, too_long, NULL, on_answer, ctx, &a),
                     -EINVAL);
    assert_null(a);
    assert_int_equal(f->server.asked, 0);
    finish(f);
}

static const char *const foreign_links[] = {
    "http://127.0.0.2:PORT" TRANSACTION,
    "https://127.0.0.1:PORT" TRANSACTION,
    "http://127.0.0.1:PORT/api/v1/users/00u1/factors/opf2/transactions/",
    "http://127.0.0.1:PORT/api/v1/users/00u1",
    "http://127.0.0.1:PORT/api/v1/users/../factors/opf2/transactions/t",
    TRANSACTION,
    "",
};

static void a_link_that_leaves_the_org_is_not_followed(void **state) {
    (void)state;
    const struct step step = {"", 0, STEP_STALL};
    struct fixture *f = start(&step, 1);
    struct okta_ask *a = NULL;
    for (size_t i = 0; i < LEN(foreign_links); i++) {
        AUTO_MEM char *url = with_port(f, foreign_links[i]);
        struct str link = str_from(url);
        assert_int_equal(okta_poll_push(f->org, USER, FACTOR, link, on_answer, &f->got, &a),
                         -EINVAL);
        assert_int_equal(okta_cancel_push(f->org, link, on_answer, &f->got, &a), -EINVAL);
    }
    AUTO_MEM char *url = with_port(f, "http://127.0.0.1:PORT" TRANSACTION);
    struct str link = str_from(url);
    assert_int_equal(okta_poll_push(f->org, STR("00u2"), FACTOR, link, on_answer, &f->got, &a),
                     -EINVAL);
    assert_int_equal(okta_poll_push(f->org, USER, STR("opf1"), link, on_answer, &f->got, &a),
                     -EINVAL);
    assert_int_equal(f->server.asked, 0);
    finish(f);
}

// The org may be known by a domain of its own, which is another name of the host in the link.
static void a_link_to_oktas_own_host_is_followed_at_the_org(void **state) {
    (void)state;
    const struct step step = {WAITING, 0, STEP_KEEP};
    struct fixture *f = start(&step, 1);
    poll_link(f, "https://acme.okta.com" TRANSACTION);
    assert_int_equal(f->got.answer.result, OKTA_ASK_ANSWERED);
    assert_int_equal(f->server.asked, 1);
    finish(f);
}

static void a_push_is_an_empty_post_with_its_length(void **state) {
    (void)state;
    const struct step step = {WAITING, 0, STEP_KEEP};
    struct fixture *f = start(&step, 1);
    push(f, false);
    assert_int_equal(f->got.answer.result, OKTA_ASK_ANSWERED);
    assert_int_equal(f->got.answer.status, 201);
    assert_true(scripted_saw(&f->server, 0, "POST /api/v1/users/00u1/factors/opf2/verify HTTP/"));
    assert_true(scripted_saw(&f->server, 0, "\r\nContent-Length: 0\r\n"));
    assert_false(scripted_saw(&f->server, 0, "Content-Type:"));
    assert_true(scripted_saw(&f->server, 0, "\r\nUser-Agent: gatehouse/test\r\n"));
    assert_false(scripted_saw(&f->server, 0, "X-Forwarded-For"));
    assert_true(scripted_saw(&f->server, 0, "\r\nAccept: application/json\r\n"));
    assert_string_equal(f->server.bodies[0], "");
    finish(f);
}

static void number_matching_and_codes_are_json(void **state) {
    (void)state;
    const struct step step = {WAITING, 0, STEP_KEEP};
    struct fixture *f = start(&step, 1);
    push(f, true);
    assert_string_equal(f->server.bodies[0], "{\"useNumberMatchingChallenge\":true}");
    assert_true(scripted_saw(&f->server, 0, "\r\nContent-Length: 35\r\n"));
    try_code(f);
    assert_string_equal(f->server.bodies[1], "{\"passCode\":\"" CODE "\"}");
    begin(f);
    wait_for_answer(f, okta_verify_code(f->org, USER, FACTOR, STR("a\"\\b"), NULL, on_answer,
                                        &f->got, &f->ask));
    assert_string_equal(f->server.bodies[2], "{\"passCode\":\"a\\\"\\\\b\"}");
    for (size_t i = 0; i < 3; i++) {
        assert_true(scripted_saw(&f->server, i, "POST /api/v1/users/00u1/factors/opf2/verify "));
        assert_true(scripted_saw(&f->server, i, "\r\nContent-Type: application/json\r\n"));
    }
    finish(f);
}

struct asker_row {
    struct okta_asker asker;
    const char *agent, *forwarded; // lines; NULL: none
};

#define HUNDRED                                                                                    \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"  \
    "123456789"
#define FIVE_HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED

static const struct asker_row askers[] = {
    {{STR("Mozilla/5.0 (X11)"), STR("203.0.113.7, 10.0.0.1")},
     "\r\nUser-Agent: Mozilla/5.0 (X11)\r\n",
     "\r\nX-Forwarded-For: 203.0.113.7, 10.0.0.1\r\n"},
    {{STR("a\r\nX-Evil: b"), STR("1.2.3.4\r\n\r\nGET /")},
     "\r\nUser-Agent: aX-Evil: b\r\n",
     "\r\nX-Forwarded-For: 1.2.3.4GET /\r\n"},
    {{STR(" \xc3\xbc curl\x01\x7f/8 "), STR_NONE}, "\r\nUser-Agent: curl/8\r\n", NULL},
    {{STR("\r\n"), STR(" ")}, "\r\nUser-Agent: gatehouse/test\r\n", NULL},
    {{STR_NONE, STR("::1")}, "\r\nUser-Agent: gatehouse/test\r\n", "\r\nX-Forwarded-For: ::1\r\n"},
    {{STR(FIVE_HUNDRED "x"), STR(FIVE_HUNDRED "x")}, "\r\nUser-Agent: " FIVE_HUNDRED "\r\n", NULL},
};

static void the_push_says_who_asks_and_nothing_else(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(askers); i++) {
        const struct step step = {WAITING, 0, STEP_KEEP};
        struct fixture *f = start(&step, 1);
        const struct okta_asker *asker = &askers[i].asker;
        wait_for_answer(
            f, okta_verify_push(f->org, USER, FACTOR, i % 2, asker, on_answer, &f->got, &f->ask));
        if (!scripted_saw(&f->server, 0, askers[i].agent)) fail_msg("%s", f->server.requests[0]);
        assert_null(strstr(strstr(f->server.requests[0], "User-Agent:") + 1, "User-Agent:"));
        assert_false(scripted_saw(&f->server, 0, "\nX-Evil"));
        if (askers[i].forwarded) assert_true(scripted_saw(&f->server, 0, askers[i].forwarded));
        else assert_false(scripted_saw(&f->server, 0, "X-Forwarded-For"));
        finish(f);
    }
}

static void polls_and_cancels_go_to_the_link_as_it_is(void **state) {
    (void)state;
    const struct step steps[] = {{WAITING, 0, STEP_KEEP},
                                 {"HTTP/1.1 204 No Content\r\n\r\n", 0, STEP_KEEP},
                                 {OK("0", ""), 0, STEP_KEEP},
                                 {OK("2", "[]"), 0, STEP_KEEP}};
    struct fixture *f = start(steps, LEN(steps));
    poll_at(f);
    assert_int_equal(f->got.answer.transaction.result, OKTA_FACTOR_WAITING);
    assert_true(scripted_saw(&f->server, 0, "GET " TRANSACTION " HTTP/"));
    withdraw(f);
    assert_int_equal(f->got.answer.result, OKTA_ASK_ANSWERED);
    assert_int_equal(f->got.answer.status, 204);
    assert_true(scripted_saw(&f->server, 1, "DELETE " TRANSACTION " HTTP/"));
    withdraw(f);
    assert_int_equal(f->got.answer.result, OKTA_ASK_ANSWERED);
    list(f);
    assert_true(scripted_saw(&f->server, 3, "GET /api/v1/users/00u1/factors HTTP/"));
    finish(f);
}

// ---- once ----

static const struct step failures[] = {
    {"", 0, STEP_CLOSE},
    {"", 0, STEP_RESET},
    {"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{", 0, STEP_CLOSE},
    {"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n", 0, STEP_KEEP},
    {"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n", 0, STEP_CLOSE},
    {"HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n", 0, STEP_KEEP},
    {"HTTP/1.1 401 X\r\nWWW-Authenticate: Bearer error=\"invalid_token\"\r\nDPoP-Nonce: n\r\n"
     "Content-Length: 0\r\n\r\n",
     0, STEP_KEEP},
    {"HTTP/1.1 400 X\r\nDPoP-Nonce: n\r\nContent-Length: 0\r\n\r\n", 0, STEP_KEEP},
    {"HTTP/1.1 429 X\r\nContent-Length: 0\r\n\r\n", 0, STEP_KEEP},
    {"HTTP/1.1 302 X\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 0, STEP_KEEP},
    {"HTTP/1.1 408 X\r\nContent-Length: 0\r\n\r\n", 0, STEP_CLOSE},
};

static void stop_later(struct fixture *f, struct loop_timer **ret, int64_t ms) {
    if (!*ret)
        assert_int_equal(loop_timer_new(ret, f->loop, (void (*)(void *))loop_stop, f->loop), 0);
    loop_timer_set(*ret, ms);
    run_loop(f->loop);
}

static void a_verify_is_sent_once_whatever_comes_of_it(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(failures); i++) {
        // A connection that was used before, and that the server then closes, is the case in which
        // HTTP clients send again by themselves.
        const struct step steps[] = {{OK("2", "[]"), 0, STEP_KEEP}, failures[i]};
        struct loop_timer *later = NULL;
        struct fixture *f = start(steps, 2);
        list(f);
        if (i % 2) try_code(f);
        else push(f, false);
        assert_int_not_equal(f->got.answer.result, OKTA_ASK_ANSWERED);
        assert_int_equal(f->got.answer.transaction.result, OKTA_FACTOR_OTHER);
        assert_int_equal(f->got.answer.transaction.number, -1);
        stop_later(f, &later, 20);
        assert_int_equal(f->server.asked, 2);
        assert_int_equal(f->got.calls, 1);
        loop_timer_free(later);
        finish(f);
    }
}

static void nobody_knows_of_a_verify_without_an_answer(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct fixture *f = start(&failures[i], 1);
        push(f, false);
        assert_int_equal(f->got.answer.result, OKTA_ASK_RETRY);
        assert_non_null(strstr(f->got.answer.fault.text, "connection broke"));
        finish(f);
    }
    struct fixture *f = start(failures, 1);
    scripted_stop_listening(&f->server);
    push(f, false);
    assert_int_equal(f->got.answer.result, OKTA_ASK_RETRY);
    assert_int_equal(f->got.answer.status, 0);
    assert_non_null(strstr(f->got.answer.fault.text, "no connection"));
    finish(f);
}

// ---- the rate budgets ----

#define TOLD(status, limit, remaining, length, body)                                               \
    "HTTP/1.1 " status " X\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\nX-Rate-Limit-Limit: " limit   \
    "\r\nX-Rate-Limit-Remaining: " remaining "\r\nX-Rate-Limit-Reset: 1795341642\r\n"              \
    "Content-Length: " length "\r\n\r\n" body

static int64_t wait_of(const struct fixture *f, enum okta_bucket bucket) {
    return budget_wait_ms(okta_org_budget(f->org, bucket), BUDGET_PUSH, time_mono_ms());
}

static const enum okta_bucket buckets[] = {
    [FIND] = OKTA_BUCKET_USERS,      [LIST] = OKTA_BUCKET_FACTORS, [PUSH] = OKTA_BUCKET_VERIFY,
    [TRY_CODE] = OKTA_BUCKET_VERIFY, [POLL] = OKTA_BUCKET_FACTORS, [WITHDRAW] = OKTA_BUCKET_FACTORS,
};

static void a_429_holds_its_own_bucket_only_and_says_how_long(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(buckets); i++) {
        const struct step step = {TOLD("429", "600", "0", "0", ""), 0, STEP_KEEP};
        struct fixture *f = start(&step, 1);
        ask(f, (enum asked)i);
        assert_int_equal(f->got.answer.result, OKTA_ASK_RATE_LIMITED);
        assert_int_equal(f->got.answer.status, 429);
        assert_int_equal(f->got.answer.date_ms, INT64_C(1795341600000));
        assert_in_range(f->got.answer.wait_ms, 13000, 43000);
        for (int b = 0; b < OKTA_BUCKET_COUNT; b++)
            assert_int_equal(wait_of(f, (enum okta_bucket)b) > 0,
                             (enum okta_bucket)b == buckets[i]);
        assert_int_equal(f->server.asked, 1);
        finish(f);
    }
}

static void a_429_of_the_concurrency_limit_is_waited_out_briefly(void **state) {
    (void)state;
    const struct step step = {TOLD("429", "0", "0", "0", ""), 0, STEP_KEEP};
    struct fixture *f = start(&step, 1);
    push(f, false);
    assert_int_equal(f->got.answer.result, OKTA_ASK_RATE_LIMITED);
    assert_in_range(f->got.answer.wait_ms, 1000, 5000);
    finish(f);
}

// Who provokes it would otherwise hold up everybody's pushes.
static void a_429_about_one_user_holds_nobody_else_up(void **state) {
    (void)state;
    const struct step step = {TOLD("429", "600", "598", "24", "{\"errorCode\":\"E0000109\"}"), 0,
                              STEP_KEEP};
    struct fixture *f = start(&step, 1);
    push(f, false);
    assert_int_equal(f->got.answer.result, OKTA_ASK_DENIED);
    assert_string_equal(f->got.error_code, "E0000109");
    assert_int_equal(wait_of(f, OKTA_BUCKET_VERIFY), 0);
    finish(f);
}

static void each_kind_of_request_is_counted_in_its_bucket(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(buckets); i++) {
        const struct step step = {TOLD("200", "600", "599", "2", "[]"), 0, STEP_KEEP};
        struct fixture *f = start(&step, 1);
        ask(f, (enum asked)i);
        for (int b = 0; b < OKTA_BUCKET_COUNT; b++) {
            const struct budget *budget = okta_org_budget(f->org, (enum okta_bucket)b);
            int64_t sent = budget->spent[BUDGET_PUSH] + budget->spent_before[BUDGET_PUSH];
            assert_int_equal(sent, (enum okta_bucket)b == buckets[i]);
        }
        finish(f);
    }
}

static void buckets_have_names(void **state) {
    (void)state;
    static const char *const all[] = {"token", "logs", "users", "factors", "verify"};
    assert_int_equal(LEN(all), OKTA_BUCKET_COUNT);
    for (size_t i = 0; i < LEN(all); i++)
        assert_string_equal(okta_bucket_name((enum okta_bucket)i), all[i]);
}

static int order_at(const struct fixture *f, const char *text) {
    for (size_t i = 0; i < f->server.asked; i++)
        if (scripted_saw(&f->server, i, text)) return (int)i;
    return -1;
}

// Classes count within a bucket; here somebody else's reading of factors stands in it, too.
static void a_push_goes_first_whoever_came_first(void **state) {
    (void)state;
    const struct step step = {OK("2", "[]"), 0, STEP_KEEP};
    struct fixture *f = start(&step, 1);
    struct okta_ask *asks[3];
    const struct str ids[] = {STR("a"), STR("b"), STR("c")};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(okta_list_factors(f->org, ids[i], on_answer, &f->got, &asks[i]), 0);
    // The second is put back behind the third, as if a later class had asked.
    struct okta_call *call = (struct okta_call *)(void *)asks[1];
    void (*done)(struct okta_call *, const struct okta_result *) = call->done;
    okta_call_cancel(call);
    call->class = BUDGET_BACKFILL;
    call->done = done;
    okta_call_submit(call);
    f->got.calls_wanted = 3;
    run_loop(f->loop);
    assert_int_equal(order_at(f, "/users/a/"), 0);
    assert_int_equal(order_at(f, "/users/c/"), 1);
    assert_int_equal(order_at(f, "/users/b/"), 2);
    finish(f);
}

// ---- stopping ----

static void a_cancelled_ask_is_silent_wherever_it_stands(void **state) {
    (void)state;
    const struct step step = {"", 0, STEP_STALL};
    struct fixture *f = start(&step, 1);
    struct okta_ask *asks[5];
    struct loop_timer *later = NULL;
    void *ctx = &f->got;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(
            okta_verify_code(f->org, USER, FACTOR, STR(CODE), NULL, on_answer, ctx, &asks[i]), 0);
    okta_ask_cancel(asks[2]); // before anything has happened
    assert_int_equal(okta_verify_push(f->org, USER, FACTOR, true, NULL, on_answer, ctx, &asks[4]),
                     0);
    stop_later(f, &later, 50);
    assert_int_equal(f->server.asked, 1); // the first is under way, the others are in line
    okta_ask_cancel(asks[4]);             // the last in line
    okta_ask_cancel(asks[0]);             // under way
    okta_ask_cancel(asks[1]);
    okta_ask_cancel(asks[3]);
    assert_null(okta_ask_cancel(NULL));
    stop_later(f, &later, 20);
    assert_int_equal(f->got.calls, 0);
    assert_int_equal(f->server.asked, 1);
    loop_timer_free(later);
    finish(f);
}

struct chain {
    struct fixture *f;
    struct okta_ask *other;
};

static void cancel_other(void *ctx, const struct okta_answer *a) {
    struct chain *chain = ctx;
    (void)a;
    chain->other = okta_ask_cancel(chain->other);
    loop_stop(chain->f->loop);
}

static void an_ask_may_be_cancelled_in_another_ones_callback(void **state) {
    (void)state;
    const struct step step = {OK("2", "[]"), 0, STEP_KEEP};
    for (int in_line = 0; in_line < 2; in_line++) {
        struct fixture *f = start(&step, 1);
        struct chain chain = {.f = f};
        struct okta_ask *first;
        assert_int_equal(okta_list_factors(f->org, USER, cancel_other, &chain, &first), 0);
        int e = in_line ? okta_list_factors(f->org, USER, on_answer, &f->got, &chain.other)
                        : okta_find_user(f->org, STR("a"), false, on_answer, &f->got, &chain.other);
        assert_int_equal(e, 0);
        run_loop(f->loop);
        if (!in_line && f->got.calls) chain.other = NULL; // it was quicker
        assert_null(chain.other);
        finish(f);
    }
}

static void the_org_may_be_freed_in_the_callback_of_its_last_request(void **state) {
    (void)state;
    const struct step step = {OK("2", "[]"), 0, STEP_KEEP};
    for (size_t i = 0; i < LEN(buckets); i++) {
        struct fixture *f = start(&step, 1);
        f->got.free_org = f->org;
        ask(f, (enum asked)i);
        f->org = NULL;
        finish(f);
    }
}

static void many_that_wait_are_taken_back_in_any_order(void **state) {
    (void)state;
    enum { MANY = 5000 };
    const struct step step = {"", 0, STEP_STALL};
    struct fixture *f = start(&step, 1);
    static struct okta_ask *asks[MANY];
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(okta_list_factors(f->org, USER, on_answer, &f->got, &asks[i]), 0);
    for (size_t i = 0; i < MANY; i++) okta_ask_cancel(asks[(i * 1667) % MANY]);
    assert_int_equal(okta_list_factors(f->org, USER, on_answer, &f->got, &asks[0]), 0);
    okta_ask_cancel(asks[0]);
    assert_int_equal(f->got.calls, 0);
    finish(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_stands_in_the_filter_as_what_it_is),
        cmocka_unit_test(what_cannot_be_asked_for_is_not_sent),
        cmocka_unit_test(a_link_that_leaves_the_org_is_not_followed),
        cmocka_unit_test(a_link_to_oktas_own_host_is_followed_at_the_org),
        cmocka_unit_test(a_push_is_an_empty_post_with_its_length),
        cmocka_unit_test(number_matching_and_codes_are_json),
        cmocka_unit_test(the_push_says_who_asks_and_nothing_else),
        cmocka_unit_test(polls_and_cancels_go_to_the_link_as_it_is),
        cmocka_unit_test(a_verify_is_sent_once_whatever_comes_of_it),
        cmocka_unit_test(nobody_knows_of_a_verify_without_an_answer),
        cmocka_unit_test(a_429_holds_its_own_bucket_only_and_says_how_long),
        cmocka_unit_test(a_429_of_the_concurrency_limit_is_waited_out_briefly),
        cmocka_unit_test(a_429_about_one_user_holds_nobody_else_up),
        cmocka_unit_test(each_kind_of_request_is_counted_in_its_bucket),
        cmocka_unit_test(buckets_have_names),
        cmocka_unit_test(a_push_goes_first_whoever_came_first),
        cmocka_unit_test(a_cancelled_ask_is_silent_wherever_it_stands),
        cmocka_unit_test(an_ask_may_be_cancelled_in_another_ones_callback),
        cmocka_unit_test(the_org_may_be_freed_in_the_callback_of_its_last_request),
        cmocka_unit_test(many_that_wait_are_taken_back_in_any_order),
    };
    return cmocka_run_group_tests_name("push", tests, NULL, NULL);
}
