// SPDX-License-Identifier: Apache-2.0
// Users, factors and pushes with access tokens: a verify goes again only when Okta says that it
// did not let it in, and a scope that is missing is named.
#include "push-test.h"

#define ANSWER(status, more, length, body)                                                         \
    "HTTP/1.1 " status "\r\nContent-Type: application/json\r\n" more "Content-Length: " length     \
    "\r\n\r\n" body
#define TOKEN(type, length, value)                                                                 \
    ANSWER("200 OK", "", length,                                                                   \
           "{\"token_type\":\"" type "\",\"expires_in\":3600,\"access_token\":\"" value "\"}")
#define BEARER(value) TOKEN("Bearer", "65", value)
#define BOUND(value) TOKEN("DPoP", "63", value)
#define WAITING ANSWER("201 X", "", "26", "{\"factorResult\":\"WAITING\"}")
#define EMPTY(status, more) ANSWER(status, more, "0", "")
#define INVALID "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"
#define NONCE "DPoP-Nonce: nonce1\r\n"

struct again_row {
    const char *refusal;
    bool dpop;
    int verifies; // that are sent, of which the last but the first is let in
};

static const struct again_row rows[] = {
    // Okta did not let it in
    {EMPTY("401 X", INVALID), false, 2},
    {EMPTY("401 X", ""), false, 2},
    {ANSWER("401 X", "", "24", "{\"errorCode\":\"E0000011\"}"), false, 2},
    {EMPTY("401 X", "WWW-Authenticate: DPoP error=\"use_dpop_nonce\"\r\n" NONCE), true, 2},
    {EMPTY("400 X", "WWW-Authenticate: DPoP error=\"use_dpop_nonce\"\r\n" NONCE), true, 2},
    {EMPTY("400 X", "WWW-Authenticate: DPoP error=\"invalid_dpop_proof\"\r\n" NONCE), true, 2},
    // it may have
    {ANSWER("400 X", NONCE, "24", "{\"errorCode\":\"E0000074\"}"), true, 1},
    {ANSWER("401 X", NONCE, "24", "{\"errorCode\":\"E0000004\"}"), true, 1},
    {EMPTY("400 X", NONCE), true, 1},
    {EMPTY("400 X", ""), false, 1},
    {EMPTY("500 X", NONCE INVALID), true, 1},
    {EMPTY("403 X", INVALID), false, 1},
    {EMPTY("429 X", ""), false, 1},
};

static int count(const struct fixture *f, const char *text) {
    int n = 0;
    for (size_t i = 0; i < f->server.asked; i++) n += scripted_saw(&f->server, i, text);
    return n;
}

static void check_bodies(const struct fixture *f, bool code) {
    const char *body = code ? "{\"passCode\":\"" CODE "\"}" : "";
    for (size_t i = 0; i < f->server.asked; i++)
        if (scripted_saw(&f->server, i, "/verify")) assert_string_equal(f->server.bodies[i], body);
}

static void a_verify_goes_again_only_when_it_was_not_let_in(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(rows) * 2; i++) {
        const struct again_row *row = &rows[i / 2];
        const char *token = row->dpop ? BOUND("token1") : BEARER("token1");
        // A token that is thrown away is followed by another one; a nonce is not.
        bool nonce = strstr(row->refusal, "Nonce");
        const char *next = row->verifies == 2 && !nonce ? BEARER("token2") : WAITING;
        const struct step steps[] = {{token, 0, STEP_KEEP},
                                     {row->refusal, 0, STEP_KEEP},
                                     {next, 0, STEP_KEEP},
                                     {WAITING, 0, STEP_KEEP}};
        struct fixture *f = start_as(steps, LEN(steps), OKTA_AUTH_OAUTH2, row->dpop);
        if (i % 2) try_code(f);
        else push(f, false);
        if (count(f, "/verify") != row->verifies || f->got.calls != 1)
            fail_msg("row %zu: %d times, %s", i / 2, count(f, "/verify"), f->got.answer.fault.text);
        assert_int_equal(f->got.answer.result == OKTA_ASK_ANSWERED, row->verifies == 2);
        check_bodies(f, i % 2);
        finish(f);
    }
}

static void a_verify_that_is_never_let_in_is_not_sent_for_ever(void **state) {
    (void)state;
    const struct step steps[] = {{BEARER("token1"), 0, STEP_KEEP},
                                 {EMPTY("401 X", INVALID), 0, STEP_KEEP},
                                 {BEARER("token2"), 0, STEP_KEEP},
                                 {EMPTY("401 X", INVALID), 0, STEP_KEEP}};
    struct fixture *f = start_as(steps, LEN(steps), OKTA_AUTH_OAUTH2, false);
    push(f, false);
    assert_int_equal(f->got.answer.result, OKTA_ASK_REFUSED);
    assert_string_equal(f->got.error_code, "invalid_token");
    assert_int_equal(count(f, "/verify"), 2);
    finish(f);
}

static void an_api_token_that_is_refused_is_not_tried_again(void **state) {
    (void)state;
    const struct step step = {ANSWER("401 X", "", "24", "{\"errorCode\":\"E0000011\"}"), 0,
                              STEP_KEEP};
    for (int what = FIND; what <= WITHDRAW; what++) {
        struct fixture *f = start(&step, 1);
        ask(f, (enum asked)what);
        assert_int_equal(f->got.answer.result, OKTA_ASK_REFUSED);
        assert_int_equal(f->server.asked, 1);
        finish(f);
    }
}

static void each_sending_has_a_proof_of_its_own(void **state) {
    (void)state;
    const struct step steps[] = {
        {BOUND("token1"), 0, STEP_KEEP},
        {EMPTY("401 X", "WWW-Authenticate: DPoP error=\"use_dpop_nonce\"\r\n" NONCE), 0, STEP_KEEP},
        {WAITING, 0, STEP_KEEP}};
    struct fixture *f = start_as(steps, LEN(steps), OKTA_AUTH_OAUTH2, true);
    const struct okta_asker asker = {STR("Browser/1"), STR("203.0.113.7")};
    wait_for_answer(
        f, okta_verify_push(f->org, USER, FACTOR, true, &asker, on_answer, &f->got, &f->ask));
    assert_int_equal(f->got.answer.result, OKTA_ASK_ANSWERED);
    for (size_t i = 1; i < 3; i++) {
        assert_true(scripted_saw(&f->server, i, "Authorization: DPoP token1\r\n"));
        assert_true(scripted_saw(&f->server, i, "\r\nDPoP: eyJ"));
        assert_true(scripted_saw(&f->server, i, "\r\nUser-Agent: Browser/1\r\n"));
        assert_true(scripted_saw(&f->server, i, "\r\nX-Forwarded-For: 203.0.113.7\r\n"));
        assert_true(scripted_saw(&f->server, i, "\r\nContent-Type: application/json\r\n"));
        assert_string_equal(f->server.bodies[i], "{\"useNumberMatchingChallenge\":true}");
    }
    assert_string_not_equal(strstr(f->server.requests[1], "\r\nDPoP: "),
                            strstr(f->server.requests[2], "\r\nDPoP: "));
    // The token's own request is the program's.
    assert_true(scripted_saw(&f->server, 0, "\r\nUser-Agent: gatehouse/test\r\n"));
    assert_false(scripted_saw(&f->server, 0, "X-Forwarded-For"));
    finish(f);
}

struct scope_row {
    enum asked what;
    const char *told, *scope; // in WWW-Authenticate; in the fault
};

static const struct scope_row scopes[] = {
    {FIND, "", "okta.users.read"},
    {LIST, "", "okta.users.read"},
    {POLL, "", "okta.users.read"},
    {PUSH, "", "okta.users.manage"},
    {TRY_CODE, "", "okta.users.manage"},
    {WITHDRAW, "", "okta.users.manage"},
    {PUSH, "scope=\"okta.users.manage.self\", ", "okta.users.manage.self"},
    {FIND, "scope=\"<script> and more\", ", "okta.users.read"},
};

static void a_scope_that_is_missing_is_named(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(scopes); i++) {
        char refusal[512];
        snprintf(refusal, sizeof refusal,
                 "HTTP/1.1 403 X\r\nWWW-Authenticate: Bearer realm=\"http://x\", %s"
                 "error=\"insufficient_scope\", error_description=\"in Okta's words\"\r\n"
                 "Content-Length: 0\r\n\r\n",
                 scopes[i].told);
        const struct step steps[] = {{BEARER("token1"), 0, STEP_KEEP}, {refusal, 0, STEP_KEEP}};
        struct fixture *f = start_as(steps, LEN(steps), OKTA_AUTH_OAUTH2, false);
        char says[128];
        snprintf(says, sizeof says, "lacks the scope %s: grant it in Applications",
                 scopes[i].scope);
        ask(f, scopes[i].what);
        assert_int_equal(f->got.answer.result, OKTA_ASK_REFUSED);
        assert_string_equal(f->got.error_code, "insufficient_scope");
        if (!strstr(f->got.answer.fault.text, says)) fail_msg("%s", f->got.answer.fault.text);
        assert_non_null(strstr(f->got.answer.fault.text, "in Okta's words"));
        assert_int_equal(f->server.asked, 2);
        finish(f);
    }
}

static const struct {
    const char *answer, *says;
} refusals[] = {
    {ANSWER("403 X", "", "24", "{\"errorCode\":\"E0000006\"}"), "Admin roles"},
    {ANSWER("403 X", "", "24", "{\"errorCode\":\"E0000005\"}"), "no valid credentials"},
    {EMPTY("403 X", ""), "grant okta.users.manage in Applications > the app > Okta API Scopes"},
    {ANSWER("403 X", "", "7", "<html/>"), "network zone"},
    {EMPTY("400 X", "WWW-Authenticate: DPoP error=\"invalid_dpop_proof\"\r\n"), "DPoP proof"},
    {EMPTY("400 X", "WWW-Authenticate: DPoP error=\"invalid_request\"\r\n"), "invalid_request"},
};

static void refusals_of_an_app_say_where_to_look(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(refusals); i++) {
        const struct step steps[] = {{BEARER("token1"), 0, STEP_KEEP},
                                     {refusals[i].answer, 0, STEP_KEEP}};
        struct fixture *f = start_as(steps, LEN(steps), OKTA_AUTH_OAUTH2, false);
        push(f, false);
        assert_int_equal(f->got.answer.result, OKTA_ASK_REFUSED);
        if (!strstr(f->got.answer.fault.text, refusals[i].says))
            fail_msg("%s", f->got.answer.fault.text);
        assert_int_equal(f->server.asked, 2);
        finish(f);
    }
}

static void without_a_token_nothing_is_sent(void **state) {
    (void)state;
    static const struct {
        const char *answer;
        enum okta_ask_result result;
    } no_tokens[] = {
        {ANSWER("401 X", "", "26", "{\"error\":\"invalid_client\"}"), OKTA_ASK_REFUSED},
        {EMPTY("503 X", ""), OKTA_ASK_RETRY},
    };
    for (size_t i = 0; i < LEN(no_tokens); i++) {
        const struct step step = {no_tokens[i].answer, 0, STEP_KEEP};
        struct fixture *f = start_as(&step, 1, OKTA_AUTH_OAUTH2, false);
        push(f, false);
        assert_int_equal(f->got.answer.result, no_tokens[i].result);
        assert_int_equal(f->got.answer.status, 0);
        assert_int_equal(count(f, "/verify"), 0);
        finish(f);
    }
}

static void a_verify_may_be_cancelled_while_the_token_is_awaited(void **state) {
    (void)state;
    const struct step steps[] = {{BEARER("token1"), 0, STEP_KEEP}, {WAITING, 0, STEP_KEEP}};
    struct fixture *f = start_as(steps, 2, OKTA_AUTH_OAUTH2, false);
    struct okta_ask *cancelled;
    assert_int_equal(
        okta_verify_push(f->org, USER, FACTOR, false, NULL, on_answer, &f->got, &cancelled), 0);
    assert_int_equal(okta_list_factors(f->org, USER, on_answer, &f->got, &f->ask), 0);
    okta_ask_cancel(cancelled);
    run_loop(f->loop);
    assert_int_equal(f->got.calls, 1);
    assert_int_equal(count(f, "/verify"), 0);
    assert_int_equal(count(f, "/factors "), 1);
    finish(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verify_goes_again_only_when_it_was_not_let_in),
        cmocka_unit_test(a_verify_that_is_never_let_in_is_not_sent_for_ever),
        cmocka_unit_test(an_api_token_that_is_refused_is_not_tried_again),
        cmocka_unit_test(each_sending_has_a_proof_of_its_own),
        cmocka_unit_test(a_scope_that_is_missing_is_named),
        cmocka_unit_test(refusals_of_an_app_say_where_to_look),
        cmocka_unit_test(without_a_token_nothing_is_sent),
        cmocka_unit_test(a_verify_may_be_cancelled_while_the_token_is_awaited),
    };
    return cmocka_run_group_tests_name("push_auth", tests, NULL, NULL);
}
