// SPDX-License-Identifier: Apache-2.0
// What the System Log has of pushes, codes and what happened elsewhere, and whom it names.
#include "mfa-test.h"

#include "oauth-test.h"

#define PUSH VERIFY(ADA, ADA_PUSH)
#define NUMBERED "{\"useNumberMatchingChallenge\":true}"
#define EVENTS "/api/v1/logs?filter=eventType+eq+%22"

static void expect_event(struct sim *sim, const char *url, const char *const *says, size_t n) {
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, url);
    assert_int_equal(a.reply.status, 200);
    assert_int_equal(test_count(sim, &a), 1);
    for (size_t i = 0; i < n; i++) {
        if (!test_has(&a, says[i]))
            print_error("%s not in\n%.*s\n", says[i], STR_ARG(buf_str(&a.reply.body)));
        assert_true(test_has(&a, says[i]));
    }
}

static void a_push_names_whom_it_asks_and_who_asked(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = mfa_sim();
    char path[256], token[64];
    const struct limits_token *known = limits_find(&sim->limits, STR("secret-of-the-test"));
    assert_int_equal(strncmp(known->id, "00T", 3), 0);
    assert_int_equal(strlen(known->id), 20);
    snprintf(token, sizeof token, "\"detail\":{\"requestApiTokenId\":\"%s\"}", known->id);
    mfa_push(sim, PUSH, NULL, path);
    const char *says[] = {
        "\"actor\":{\"id\":\"okta.b58d5b75-07d4-5f25-bf59-368a1261a405\",\"type\":"
        "\"SystemPrincipal\"",
        "\"client\":{\"userAgent\":{\"rawUserAgent\":\"Gatehouse-Test/1\"",
        "\"id\":null,\"ipAddress\":\"127.0.0.1\"",
        "\"published\":\"2026-11-22T10:00:00.000Z\"",
        "\"requestUri\":\"" PUSH "\"",
        "\"deviceCategory\":\"PHONE\",\"devicePlatform\":",
        "\"target\":[{\"id\":\"" ADA "\",\"type\":\"User\",\"alternateId\":\"ada@a.test\","
        "\"displayName\":\"Ada Vole\"",
        token,
    };
    expect_event(sim, "/api/v1/logs", says, LEN(says));
}

static void an_address_that_is_told_counts_when_its_teller_is_trusted(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = mfa_sim();
    char path[256];
    mfa_set(sim, "{\"trusted_proxy\":true}");
    mfa_push(sim, PUSH, NULL, path);
    const char *says[] = {"\"ipAddress\":\"203.0.113.9\"", "\"ipChain\":[{\"ip\":\"203.0.113.9\""};
    expect_event(sim, "/api/v1/logs", says, LEN(says));
}

static void answers_are_told_apart(void **state) {
    (void)state;
#define MFA "user.authentication.auth_via_mfa"
    static const struct {
        const char *script, *body, *engine, *type, *outcome, *data;
    } rows[] = {
        {"approve", NULL, "identity", MFA, "{\"result\":\"SUCCESS\",\"reason\":null}",
         "\"pushOnlyResponseType\":\"OV_RESPONSE_APPROVE\",\"pushWithNumberChallengeResponseType\":"
         "\"OV_WITH_CHALLENGE_RESPONSE_NOT_APPLICABLE\""},
        {"approve", NUMBERED, "identity", MFA, "{\"result\":\"SUCCESS\",\"reason\":null}",
         "\"pushOnlyResponseType\":\"OV_RESPONSE_APPROVE\",\"pushWithNumberChallengeResponseType\":"
         "\"OV_WITH_CHALLENGE_RESPONSE_VALID\""},
        {"deny", NULL, "identity", MFA,
         "{\"result\":\"FAILURE\",\"reason\":\"INVALID_CREDENTIALS\"}",
         "\"pushOnlyResponseType\":\"OV_RESPONSE_DENY\""},
        {"deny", NULL, "classic", "user.mfa.okta_verify.deny_push", "{\"result\":\"FAILURE\"",
         "\"requestUri\":\"" PUSH "\""},
        {"approve", NULL, "classic", MFA, "{\"result\":\"SUCCESS\"", "OV_RESPONSE_APPROVE"},
        {"wrong_number", NUMBERED, "identity", MFA,
         "{\"result\":\"FAILURE\",\"reason\":\"INVALID_CREDENTIALS\"}",
         "\"pushOnlyResponseType\":\"OV_RESPONSE_APPROVE\",\"pushWithNumberChallengeResponseType\":"
         "\"OV_WITH_CHALLENGE_RESPONSE_INVALID\""},
        {"cancel", NULL, "identity", MFA, "{\"result\":\"FAILURE\"", "OV_RESPONSE_ERROR"},
        {"unknown", NULL, "identity", MFA, "{\"result\":\"FAILURE\"", "OV_RESPONSE_ERROR"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO(sim) struct sim *sim = mfa_sim();
        char path[256], text[128], type[128], outcome[128];
        snprintf(text, sizeof text, "{\"engine\":\"%s\"}", rows[i].engine);
        mfa_set(sim, text);
        snprintf(text, sizeof text, "\"%s\"", rows[i].script);
        mfa_script(sim, ADA, text);
        mfa_push(sim, PUSH, rows[i].body, path);
        snprintf(type, sizeof type, "%s%s%%22", EVENTS, rows[i].type);
        snprintf(outcome, sizeof outcome, "\"outcome\":%s", rows[i].outcome);
        const char *says[] = {outcome, rows[i].data, "\"requestApiTokenId\":\"00T",
                              "\"rawUserAgent\":\"Gatehouse-Test/1\"",
                              "\"actor\":{\"id\":\"" ADA "\",\"type\":\"User\""};
        expect_event(sim, type, says, LEN(says));
        AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
        assert_int_equal(test_count(sim, &a), 2);
        bool enrolled =
            test_has(&a, "{\"id\":\"" ADA_PUSH "\",\"type\":\"AuthenticatorEnrollment\"");
        assert_int_equal(enrolled, strcmp(rows[i].type, MFA) == 0);
    }
}

static void codes_are_logged_right_or_wrong(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = mfa_sim();
    mfa_expect(sim, VERIFY(ADA, ADA_TOTP), "{\"passCode\":\"1\"}", 403, "E0000068");
    const char *wrong[] = {"\"FAILURE\",\"reason\":\"INVALID_CREDENTIALS\"",
                           "\"factor\":\"OKTA_SOFT_TOKEN\"", "core.user.factor.attempt_fail",
                           "{\"id\":\"" ADA_TOTP "\",\"type\":\"AuthenticatorEnrollment\""};
    expect_event(sim, "/api/v1/logs", wrong, LEN(wrong));
    mfa_expect(sim, VERIFY(ADA, ADA_TOTP), "{\"passCode\":\"123456\"}", 200, "SUCCESS");
    const char *right[] = {"core.user.factor.attempt_success", "\"requestApiTokenId\":\"00T"};
    expect_event(sim, "/api/v1/logs?filter=outcome.result+eq+%22SUCCESS%22", right, LEN(right));
}

static void answers_come_behind_what_a_poll_has_seen(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = mfa_sim();
    char path[256];
    mfa_script(sim, ADA, "{\"do\":\"deny\",\"after\":\"3s\"}");
    mfa_push(sim, PUSH, NULL, path);
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, "/api/v1/logs");
    assert_int_equal(test_count(sim, &a), 1);
    mfa_advance(sim, "10s");
    // Nobody has polled the push: it was answered all the same, three seconds after it was asked.
    AUTO_FINI(test_answer) struct test_answer b = test_get(sim, a.next);
    assert_int_equal(test_count(sim, &b), 1);
    assert_true(test_has(&b, "\"published\":\"2026-11-22T10:00:03.000Z\""));
    AUTO_FINI(test_answer) struct test_answer c = test_get(sim, b.next);
    assert_int_equal(test_count(sim, &c), 0);
}

static void what_happens_elsewhere_is_nobodys_request(void **state) {
    (void)state;
    static const struct {
        const char *kind, *type, *says;
    } rows[] = {
        {"push", "system.push.send_factor_verify_push", "\"actor\":{\"id\":\"" ADA "\""},
        {"approval", "user.authentication.auth_via_mfa", "OV_RESPONSE_APPROVE"},
        {"denial", "user.authentication.auth_via_mfa", "OV_RESPONSE_DENY"},
        {"wrong_number", "user.authentication.auth_via_mfa", "OV_WITH_CHALLENGE_RESPONSE_INVALID"},
        {"suspicious", "user.account.report_suspicious_activity_by_enduser",
         "\"actor\":{\"id\":\"" ADA "\""},
        {"lock", "user.account.lock", "LOCKED_OUT"},
        {"unlock", "user.account.unlock", "\"SUCCESS\""},
        {"risk", "user.risk.change", "\"risk\":{\"level\":\"MEDIUM\",\"previousLevel\":\"LOW\"}"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO(sim) struct sim *sim = mfa_sim();
        char body[256], type[128];
        snprintf(body, sizeof body,
                 "{\"user\":\"ada\",\"kind\":\"%s\",\"level\":\"MEDIUM\",\"ip\":\"198.51.100.9\"}",
                 rows[i].kind);
        test_control(sim, "POST", "/_sim/signals", body);
        snprintf(type, sizeof type, "%s%s%%22", EVENTS, rows[i].type);
        const char *says[] = {rows[i].says, "\"detail\":{}", "\"ipAddress\":\"198.51.100.9\"",
                              "{\"id\":\"" ADA "\",\"type\":\"User\""};
        expect_event(sim, type, says, LEN(says));
        const struct user *ada = users_find(sim->users, STR("ada"));
        assert_string_equal(ada->status, strcmp(rows[i].kind, "lock") ? "ACTIVE" : "LOCKED_OUT");
    }
}

static void signals_that_are_none_are_refused(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = mfa_sim();
    static const char *const bodies[] = {"{\"user\":\"ada\"}", "{\"kind\":\"denial\"}",
                                         "{\"user\":\"ada\",\"kind\":\"nap\"}",
                                         "{\"user\":\"ada\",\"kind\":\"risk\",\"level\":7}",
                                         "{\"user\":\"ada\",\"kind\":\"risk\",\"lvl\":\"LOW\"}"};
    for (size_t i = 0; i < LEN(bodies); i++) {
        AUTO_FINI(test_answer)
        struct test_answer a = test_request(sim, "POST", "/_sim/signals", NULL, bodies[i]);
        assert_int_equal(a.reply.status, 400);
    }
    assert_int_equal(store_count(sim->store), 0);
}

// ---- apps

// Adds Ada and an app with these scopes, whose token is left in `ret`.
static void prepare_app(struct oauth_test *t, const char *scopes, char ret[4096]) {
    char jwk[2048], body[4096], form[256];
    sim_free(t->sim);
    t->sim = mfa_sim();
    test_jwk(t->app_key, "k1", jwk);
    snprintf(body, sizeof body,
             "{\"client_id\":\"0oaGate0000000000000\",\"scopes\":[\"okta.users.read\","
             "\"okta.users.manage\"],\"jwks\":{\"keys\":[%s]}}",
             jwk);
    test_control(t->sim, "POST", "/_sim/apps", body);
    snprintf(form, sizeof form, "grant_type=client_credentials&scope=%s", scopes);
    AUTO_MEM char *assertion = test_assertion(t, "0oaGate0000000000000");
    AUTO_FINI(test_answer) struct test_answer a = test_token(t, form, assertion, NULL);
    AUTO_MEM char *token = test_member(&a, "access_token");
    snprintf(ret, 4096, "Bearer %s", token);
}

static struct test_answer ask_as_app(struct oauth_test *t, const char *method, const char *url,
                                     const char *token) {
    struct test_ask ask = {
        .method = method, .url = url, .authorization = token, .content_length = "0"};
    return test_send(t->sim, &ask);
}

static void an_app_that_asks_is_the_actor(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    char token[4096];
    prepare_app(&t, "okta.users.manage", token);
    AUTO_FINI(test_answer) struct test_answer a = ask_as_app(&t, "POST", PUSH, token);
    assert_int_equal(a.reply.status, 201);
    const char *says[] = {
        "\"actor\":{\"id\":\"0oaGate0000000000000\",\"type\":\"PublicClientApp\"",
        "\"id\":\"0oaGate0000000000000\",\"ipAddress\"",
        "\"detail\":{}",
    };
    expect_event(t.sim, "/api/v1/logs", says, LEN(says));
    assert_string_equal(t.sim->pushes.each[0]->texts[PUSH_CLIENT], "0oaGate0000000000000");
    assert_string_equal(t.sim->pushes.each[0]->texts[PUSH_TOKEN], "");
}

static void scopes_say_what_may_be_asked(void **state) {
    (void)state;
#define WAITING FACTORS_OF(ADA) "/" ADA_PUSH "/transactions/mst00000001xxxxxxxxx"
    static const struct {
        const char *scopes, *method, *url, *needs; // NULL: has it
    } rows[] = {
        {"okta.users.read", "GET", FACTORS_OF(ADA), NULL},
        {"okta.users.read", "GET", FACTORS_OF(ADA) "/push", NULL},
        {"okta.users.read", "GET", WAITING, NULL},
        {"okta.users.read", "POST", PUSH, "okta.users.manage"},
        {"okta.users.read", "DELETE", WAITING, "okta.users.manage"},
        {"okta.users.manage", "POST", PUSH, NULL},
        {"okta.users.manage", "DELETE", WAITING, NULL},
        {"okta.users.manage", "GET", FACTORS_OF(ADA), "okta.users.read"},
        {"okta.users.manage", "GET", WAITING, "okta.users.read"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
        char token[4096], scope[64];
        prepare_app(&t, rows[i].scopes, token);
        AUTO_FINI(test_answer)
        struct test_answer a = ask_as_app(&t, rows[i].method, rows[i].url, token);
        if (!rows[i].needs) {
            assert_int_not_equal(a.reply.status, 403);
            continue;
        }
        assert_int_equal(a.reply.status, 403);
        assert_int_equal(a.reply.body.n, 0);
        snprintf(scope, sizeof scope, "scope=\"%s\", error=\"insufficient_scope\"", rows[i].needs);
        assert_non_null(strstr(test_header(&a, "www-authenticate"), scope));
        assert_int_equal(t.sim->pushes.n, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_push_names_whom_it_asks_and_who_asked),
        cmocka_unit_test(an_address_that_is_told_counts_when_its_teller_is_trusted),
        cmocka_unit_test(answers_are_told_apart),
        cmocka_unit_test(codes_are_logged_right_or_wrong),
        cmocka_unit_test(answers_come_behind_what_a_poll_has_seen),
        cmocka_unit_test(what_happens_elsewhere_is_nobodys_request),
        cmocka_unit_test(signals_that_are_none_are_refused),
        cmocka_unit_test(an_app_that_asks_is_the_actor),
        cmocka_unit_test(scopes_say_what_may_be_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
