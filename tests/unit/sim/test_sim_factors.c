// SPDX-License-Identifier: Apache-2.0
#include "mfa-test.h"

#include "sim/totp.h"

static void factors_are_listed_as_okta_lists_them(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = mfa_sim();
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, FACTORS_OF("ada%40a.test"));
    assert_int_equal(a.reply.status, 200);
    assert_int_equal(test_count(sim, &a), 7);
    static const char *const says[] = {
        "\"id\":\"" ADA_PUSH "\",\"factorType\":\"push\",\"provider\":\"OKTA\",\"vendorName\":"
        "\"OKTA\",\"status\":\"ACTIVE\",\"created\":\"2026-11-22T10:00:00.000Z\",\"lastUpdated\":"
        "\"2026-05-05T00:00:00.000Z\",\"profile\":{\"credentialId\":\"ada@a.test\",\"deviceType\":"
        "\"SmartPhone_Android\",\"name\":\"Pixel 8\"",
        "\"status\":\"PENDING_ACTIVATION\",\"created\":\"2020-01-01T00:00:00.000Z\","
        "\"lastUpdated\":"
        "\"2020-01-01T00:00:00.000Z\"",
        "\"verify\":{\"href\":\"http://org.test" VERIFY(ADA, ADA_TOTP) "\",\"hints\":{\"allow\":"
                                                                       "[\"POST\"]}}",
        "\"factorType\":\"token:hardware\",\"provider\":\"YUBICO\"",
        "\"id\":\"mbl",
        "\"id\":\"crp",
    };
    for (size_t i = 0; i < LEN(says); i++) assert_true(test_has(&a, says[i]));
    assert_false(test_has(&a, "123456"));
    assert_false(test_has(&a, SECRET));
    AUTO_FINI(test_answer)
    struct test_answer b = test_get(sim, FACTORS_OF(ADA) "/" ADA_PUSH);
    assert_true(test_has(&b, "{\"id\":\"" ADA_PUSH "\""));
}

static void what_is_not_there_is_not_found(void **state) {
    (void)state;
    static const struct {
        const char *url, *says;
    } rows[] = {
        {FACTORS_OF("nobody"), "Resource not found: nobody (User)\""},
        {FACTORS_OF(ADA) "/" BOB_PUSH, "Resource not found: " BOB_PUSH " (UserFactor)\""},
        {FACTORS_OF(ADA) "/", "E0000007"},
        {FACTORS_OF(ADA) "/x/y", "E0000007"},
        {FACTORS_OF(ADA) "/push/transactions/mst00000001xxxxxxxxx", "(FactorVerifyTransaction)"},
        {FACTORS_OF(ADA) "/push/transactions/%00", "E0000007"},
    };
    AUTO(sim) struct sim *sim = mfa_sim();
    for (size_t i = 0; i < LEN(rows); i++) mfa_poll(sim, rows[i].url, 404, rows[i].says);
}

static void wrong_factors_are_refused_by_the_control_api(void **state) {
    (void)state;
    static const struct {
        const char *factors, *says;
    } rows[] = {
        {"{}", "an array of factors"},
        {"[7]", "factor 1: expected an object"},
        {"[{}]", "factorType"},
        {"[{\"factorType\":\"pusch\"}]", "did you mean \\\"push\\\"?"},
        {"[{\"factorType\":\"push\"},{\"factorType\":\"push\",\"stauts\":\"ACTIVE\"}]",
         "factor 2: \\\"stauts\\\" is not known here; did you mean \\\"status\\\"?"},
        {"[{\"factorType\":\"push\",\"status\":\"GONE\"}]", "status: expected"},
        {"[{\"factorType\":\"push\",\"created\":\"today\"}]", "created: expected an instant"},
        {"[{\"factorType\":\"push\",\"id\":\"x\"},{\"factorType\":\"push\",\"id\":\"x\"}]",
         "is there already"},
        {"[{\"factorType\":\"token:software:totp\",\"secret\":\"18\"}]", "base32"},
        {"[{\"factorType\":\"token:software:totp\",\"codes\":[1]}]", "codes: expected"},
    };
    AUTO(sim) struct sim *sim = mfa_sim();
    for (size_t i = 0; i < LEN(rows); i++) {
        char body[512];
        snprintf(body, sizeof body, "{\"profile\":{\"login\":\"ada@a.test\"},\"factors\":%s}",
                 rows[i].factors);
        AUTO_FINI(test_answer)
        struct test_answer a = test_request(sim, "POST", "/_sim/users", NULL, body);
        if (!test_has(&a, rows[i].says)) print_error("%.*s\n", STR_ARG(buf_str(&a.reply.body)));
        assert_int_equal(a.reply.status, 400);
        assert_true(test_has(&a, rows[i].says));
    }
    // The user is as before.
    assert_int_equal(users_find(sim->users, STR("ada"))->factors.n, 7);
}

static void a_user_that_is_set_again_keeps_factors_that_are_not_given(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = mfa_sim();
    test_control(
        sim, "POST", "/_sim/users",
        "{\"profile\":{\"login\":\"ada@a.test\"},\"status\":\"ACTIVE\",\"phone\":\"deny\"}");
    const struct user *ada = users_find(sim->users, STR(ADA));
    assert_int_equal(ada->factors.n, 7);
    assert_int_equal(ada->phone.n, 1);
    test_control(sim, "POST", "/_sim/users",
                 "{\"profile\":{\"login\":\"ada@a.test\"},\"factors\":[]}");
    ada = users_find(sim->users, STR(ADA));
    assert_int_equal(ada->factors.n, 0);
    assert_int_equal(ada->phone.n, 1);
}

static void requests_that_are_not_well_formed_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *body, *type, *accept, *length, *url;
        int status;
        const char *says;
    } rows[] = {
        {NULL, NULL, NULL, NULL, "", 411, "411 Length Required"},
        {"{}", "application/json", NULL, NULL, "", 411, "411 Length Required"},
        {"{", "application/json", NULL, "1", "", 400, "E0000003"},
        {"[]", "application/json", NULL, "2", "", 400, "E0000003"},
        {"{\"passCode\":123456}", "application/json", NULL, "9", "", 400, "E0000003"},
        {"{\"useNumberMatchingChallenge\":1}", "application/json", NULL, "9", "", 400, "E0000003"},
        {"null\n", "application/json", NULL, "5", "", 400, "passCode"},
        {"{}", NULL, NULL, "2", "", 400, "E0000018"},
        {"{}", "text/plain", NULL, "2", "", 400, "E0000021"},
        {"{}", "application/x-www-form-urlencoded", NULL, "2", "", 400, "E0000021"},
        {"{}", "application/json", "text/html", "2", "", 406, "E0000122"},
        {"{}", "application/json; charset=utf-8", "text/html, */*;q=0.1", "2", "", 400, "passCode"},
        {"{}", "application/json", NULL, "2", "?tokenLifetimeSeconds=0", 400, "E0000001"},
        {"{}", "application/json", NULL, "2", "?tokenLifetimeSeconds=86401", 400, "E0000001"},
        {"{}", "application/json", NULL, "2", "?tokenLifetimeSeconds=x", 400, "E0000001"},
        {"{\"passCode\":\"123456\"}", "application/json", NULL, "9", "?tokenLifetimeSeconds=1", 200,
         "SUCCESS"},
    };
    AUTO(sim) struct sim *sim = mfa_sim();
    for (size_t i = 0; i < LEN(rows); i++) {
        char url[256];
        snprintf(url, sizeof url, VERIFY(ADA, ADA_TOTP) "%s", rows[i].url);
        struct test_ask ask = {.method = "POST",
                               .url = url,
                               .body = rows[i].body,
                               .authorization = TEST_TOKEN,
                               .content_type = rows[i].type,
                               .content_length = rows[i].length,
                               .accept = rows[i].accept};
        AUTO_FINI(test_answer) struct test_answer a = test_send(sim, &ask);
        if (a.reply.status != rows[i].status || !test_has(&a, rows[i].says))
            print_error("row %zu: %d %.*s\n", i, a.reply.status, STR_ARG(buf_str(&a.reply.body)));
        assert_int_equal(a.reply.status, rows[i].status);
        assert_true(test_has(&a, rows[i].says));
    }
    assert_int_equal(users_find(sim->users, STR(ADA))->phone.wrong_codes, 0);
}

static void codes_are_right_or_wrong(void **state) {
    (void)state;
    static const struct {
        const char *factor, *body;
        int status;
        const char *says;
    } rows[] = {
        {ADA_TOTP, "{\"passCode\":\"123456\"}", 200, "{\"factorResult\":\"SUCCESS\"}"},
        {ADA_TOTP, "{\"passCode\":\"123457\"}", 403,
         "\"errorCauses\":[{\"errorSummary\":\"Your passcode doesn't match our records. Please try "
         "again.\"}]"},
        {"token:software:totp", "{\"passCode\":\"123456\"}", 200, "SUCCESS"},
        {ADA_TOTP, NULL, 400, "E0000001"},
        {"ykkAda00000000000000", "{\"passCode\":\"cccc\"}", 423, "E0000180"},
        {"sms", "{}", 200, "{\"factorResult\":\"CHALLENGE\"}"},
        {"sms", "{\"passCode\":\"777777\"}", 200, "SUCCESS"},
        {"question", "{\"answer\":\"a blue one\"}", 200, "SUCCESS"},
        {"question", "{\"answer\":\"a red one\"}", 403, "E0000068"},
        {"signed_nonce", "{}", 403, "E0000079"},
        {"opfAda00000000000000", NULL, 410, "E0000154"},
        {"opfNobody00000000000", NULL, 404, "(UserFactor)"},
    };
    AUTO(sim) struct sim *sim = mfa_sim();
    for (size_t i = 0; i < LEN(rows); i++) {
        char url[256];
        snprintf(url, sizeof url, FACTORS_OF(ADA) "/%s/verify", rows[i].factor);
        mfa_expect(sim, url, rows[i].body, rows[i].status, rows[i].says);
    }
}

static void codes_by_time_are_good_once_and_near_their_time(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = mfa_sim();
    AUTO_FINI(buf) struct buf secret = buf_make(64);
    char code[TOTP_CODE_MAX], body[64];
    assert_true(totp_read_secret(&secret, STR(SECRET)));
    static const struct {
        int steps;
        int status;
        const char *says;
    } rows[] = {
        {-3, 403, "E0000083"}, {2, 403, "E0000083"},  {-1, 200, "SUCCESS"}, {0, 200, "SUCCESS"},
        {0, 403, "E0000082"},  {-1, 403, "E0000082"}, {1, 200, "SUCCESS"},  {99, 403, "E0000068"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        uint64_t step = totp_step(test_instant(NOW)) + (uint64_t)(int64_t)rows[i].steps;
        assert_int_equal(totp_code(buf_str(&secret), step, code), 0);
        snprintf(body, sizeof body, "{\"passCode\":\"%s\"}", code);
        mfa_expect(sim, VERIFY(ADA, ADA_TOTP), body, rows[i].status, rows[i].says);
    }
}

// RFC 6238 appendix B, the last six of its eight digits.
static void codes_by_time_are_those_of_the_rfc(void **state) {
    (void)state;
    static const struct {
        int64_t seconds;
        const char *code;
    } rows[] = {{59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
                {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
    AUTO_FINI(buf) struct buf secret = buf_make(64);
    assert_true(totp_read_secret(&secret, STR("gezdgnbvgy3tqojqgezdgnbvgy3tqojq")));
    assert_string_equal(buf_z(&secret), "12345678901234567890");
    for (size_t i = 0; i < LEN(rows); i++) {
        char code[TOTP_CODE_MAX];
        assert_int_equal(totp_code(buf_str(&secret), totp_step(rows[i].seconds * 1000), code), 0);
        assert_string_equal(code, rows[i].code);
    }
    static const char *const wrong[] = {"", "1", "A8", "A A", "===="};
    for (size_t i = 0; i < LEN(wrong); i++)
        assert_false(totp_read_secret(&secret, str_from(wrong[i])));
}

static void five_wrong_codes_in_a_row_lock_the_account(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = mfa_sim();
    const char *url = VERIFY(ADA, ADA_TOTP);
    for (int i = 0; i < 4; i++) mfa_expect(sim, url, "{\"passCode\":\"0\"}", 403, "E0000068");
    mfa_expect(sim, url, "{\"passCode\":\"123456\"}", 200, "SUCCESS");
    for (int i = 0; i < 4; i++) mfa_expect(sim, url, "{\"passCode\":\"0\"}", 403, "E0000068");
    // A push that is denied does not count, nor does it set the count back.
    char path[256];
    mfa_script(sim, ADA, "\"deny\"");
    mfa_push(sim, VERIFY(ADA, ADA_PUSH), NULL, path);
    mfa_poll(sim, path, 200, "REJECTED");
    mfa_expect(sim, VERIFY(ADA, "question"), "{\"answer\":\"no\"}", 403, "E0000069");
    mfa_expect(sim, url, "{\"passCode\":\"123456\"}", 403, "E0000069");
    mfa_expect(sim, VERIFY(ADA, ADA_PUSH), NULL, 403, "E0000069");
    mfa_poll(sim, "/api/v1/users/" ADA, 200, "\"status\":\"LOCKED_OUT\"");
    mfa_poll(sim, "/api/v1/logs?filter=eventType+eq+%22user.account.lock%22", 200, "LOCKED_OUT");
    mfa_poll(sim, "/api/v1/users?filter=status+eq+%22LOCKED_OUT%22", 200, ADA);
    test_control(sim, "POST", "/_sim/signals", "{\"user\":\"ada\",\"kind\":\"unlock\"}");
    mfa_expect(sim, url, "{\"passCode\":\"0\"}", 403, "E0000068");
    mfa_expect(sim, url, "{\"passCode\":\"123456\"}", 200, "SUCCESS");
}

static void users_that_are_not_active_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *status;
        int answer;
        const char *says;
    } rows[] = {
        {"SUSPENDED", 423, "E0000155"},   {"STAGED", 403, "E0000038"},
        {"PROVISIONED", 403, "E0000038"}, {"DEPROVISIONED", 403, "E0000038"},
        {"LOCKED_OUT", 403, "E0000069"},  {"PASSWORD_EXPIRED", 201, "WAITING"},
        {"RECOVERY", 201, "WAITING"},     {"ACTIVE", 201, "WAITING"},
    };
    AUTO(sim) struct sim *sim = mfa_sim();
    for (size_t i = 0; i < LEN(rows); i++) {
        char body[256];
        snprintf(body, sizeof body, "{\"profile\":{\"login\":\"bob@a.test\"},\"status\":\"%s\"}",
                 rows[i].status);
        test_control(sim, "POST", "/_sim/users", body);
        mfa_expect(sim, VERIFY(BOB, "push"), NULL, rows[i].answer, rows[i].says);
    }
    assert_int_equal(users_find(sim->users, STR(BOB))->phone.pushes, 3);
    assert_int_equal(users_find(sim->users, STR(BOB))->phone.verify.asked, 8);
    assert_int_equal(users_find(sim->users, STR(BOB))->phone.verify.refused, 5);
}

static void each_bucket_has_its_own_limit(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = mfa_sim();
    mfa_set(sim, "{\"factors_rate_limit\":6,\"verify_rate_limit\":4}");
    AUTO_FINI(test_answer) struct test_answer a = test_get(sim, FACTORS_OF(ADA));
    assert_string_equal(test_header(&a, "x-rate-limit-limit"), "3");
    assert_string_equal(test_header(&a, "x-rate-limit-remaining"), "2");
    char path[256];
    mfa_push(sim, VERIFY(ADA, "push"), NULL, path);
    mfa_push(sim, VERIFY(ADA, "push"), NULL, path);
    AUTO_FINI(test_answer) struct test_answer b = mfa_post(sim, VERIFY(ADA, "push"), NULL);
    assert_int_equal(b.reply.status, 429);
    assert_string_equal(test_header(&b, "x-rate-limit-limit"), "2");
    mfa_poll(sim, path, 200, "WAITING");
    mfa_poll(sim, path, 200, "WAITING");
    mfa_poll(sim, path, 429, "E0000047");
    test_control(sim, "POST", "/_sim/reset", "{}");
    test_control(sim, "POST", "/_sim/faults", "{\"kind\":\"500\",\"path\":\"poll\"}");
    mfa_poll(sim, FACTORS_OF(ADA), 200, ADA_PUSH);
    mfa_poll(sim, path, 500, "E0000009");
    assert_int_equal(users_find(sim->users, STR(ADA))->phone.pushes, 2);
}

static void wrong_methods_are_refused(void **state) {
    (void)state;
    static const char *const rows[][2] = {{"POST", FACTORS_OF(ADA)},
                                          {"GET", VERIFY(ADA, ADA_PUSH)},
                                          {"PUT", FACTORS_OF(ADA) "/push/transactions/x"},
                                          {"DELETE", FACTORS_OF(ADA) "/push"}};
    AUTO(sim) struct sim *sim = mfa_sim();
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(test_answer)
        struct test_answer a = test_request(sim, rows[i][0], rows[i][1], TEST_TOKEN, NULL);
        assert_int_equal(a.reply.status, 405);
        assert_true(test_has(&a, "E0000022"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factors_are_listed_as_okta_lists_them),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(wrong_factors_are_refused_by_the_control_api),
        cmocka_unit_test(a_user_that_is_set_again_keeps_factors_that_are_not_given),
        cmocka_unit_test(requests_that_are_not_well_formed_are_refused),
        cmocka_unit_test(codes_are_right_or_wrong),
        cmocka_unit_test(codes_by_time_are_good_once_and_near_their_time),
        cmocka_unit_test(codes_by_time_are_those_of_the_rfc),
        cmocka_unit_test(five_wrong_codes_in_a_row_lock_the_account),
        cmocka_unit_test(users_that_are_not_active_are_refused),
        cmocka_unit_test(each_bucket_has_its_own_limit),
        cmocka_unit_test(wrong_methods_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
