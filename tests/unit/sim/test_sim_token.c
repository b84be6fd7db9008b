// SPDX-License-Identifier: Apache-2.0
// The token endpoint: every error of Okta's table, one row each.
#include "oauth-test.h"

#define GOOD_HEADER "{\"alg\":\"ES256\",\"kid\":\"k1\"}"
#define WHO "\"iss\":\"plain\",\"sub\":\"plain\","
#define AUD "\"aud\":\"" TEST_URL "\","
#define EXP "\"exp\":1795341900"

static void a_good_assertion_gets_a_bearer_token_of_an_hour(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    AUTO_MEM char *assertion = test_assertion(&t, "plain");
    AUTO_FINI(test_answer) struct test_answer a = test_token(&t, TEST_FORM, assertion, NULL);
    assert_int_equal(a.reply.status, 200);
    assert_true(test_has(&a, "\"token_type\":\"Bearer\",\"expires_in\":3600,"));
    assert_true(test_has(&a, "\"scope\":\"okta.logs.read\""));
    assert_string_equal(test_header(&a, "x-rate-limit-limit"), "1000");
    AUTO_MEM char *token = test_member(&a, "access_token");
    assert_in_range(strlen(token), 700, 2000);
}

static void each_fault_of_an_assertion_has_its_description(void **state) {
    (void)state;
    static const struct {
        const char *header, *claims, *says;
        bool other_key;
    } rows[] = {
        {"{\"alg\":\"none\",\"kid\":\"k1\"}", "{" WHO AUD EXP "}", "signature algorithm", false},
        {"{\"alg\":\"HS256\",\"kid\":\"k1\"}", "{" WHO AUD EXP "}", "signature algorithm", false},
        {"{\"alg\":\"ES384\",\"kid\":\"k1\"}", "{" WHO AUD EXP "}", "signature algorithm", false},
        {"{\"alg\":\"RS256\",\"kid\":\"k1\"}", "{" WHO AUD EXP "}", "signature algorithm", false},
        {"{\"kid\":\"k1\"}", "{" WHO AUD EXP "}", "signature algorithm", false},
        {GOOD_HEADER, "{\"iss\":\"plain\"," AUD EXP "}", "subject claim", false},
        {GOOD_HEADER, "{\"iss\":\"x\",\"sub\":\"x\"," AUD EXP "}", "subject claim", false},
        {GOOD_HEADER, "{\"sub\":\"plain\"," AUD EXP "}", "issuer claim", false},
        {GOOD_HEADER, "{\"iss\":\"bound\",\"sub\":\"plain\"," AUD EXP "}", "issuer claim", false},
        {"{\"alg\":\"ES256\",\"kid\":\"k2\"}", "{" WHO AUD EXP "}", "kid is invalid", false},
        {GOOD_HEADER, "{" WHO AUD EXP "}", "signature is invalid", true},
        {GOOD_HEADER, "{" WHO EXP "}", "audience", false},
        {GOOD_HEADER, "{" WHO "\"aud\":\"http://org.test\"," EXP "}", "audience", false},
        {GOOD_HEADER, "{" WHO "\"aud\":\"https://org.test/oauth2/v1/token\"," EXP "}", "audience",
         false},
        {GOOD_HEADER, "{" WHO "\"aud\":[\"" TEST_URL "\"]," EXP "}", "audience", false},
        {GOOD_HEADER, "{" WHO AUD "\"iat\":" TEST_S "}", "must contain the 'exp'", false},
        {GOOD_HEADER, "{" WHO AUD "\"exp\":\"1795341900\"}", "must contain the 'exp'", false},
        {GOOD_HEADER, "{" WHO AUD "\"exp\":" TEST_S "}", "is expired", false},
        {GOOD_HEADER, "{" WHO AUD "\"exp\":1795345206}", "too far into the future", false},
        {GOOD_HEADER, "{" WHO AUD "\"iat\":1795341606," EXP "}", "issued before the current",
         false},
        {GOOD_HEADER, "{" WHO AUD "\"iat\":\"now\"," EXP "}", "issued before the current", false},
        {GOOD_HEADER, "{" WHO AUD "\"jti\":7," EXP "}", "parsing", false},
        {GOOD_HEADER, "[]", "parsing", false},
    };
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    for (size_t i = 0; i < LEN(rows); i++) {
        const struct crypto_key *key = rows[i].other_key ? t.other_key : t.app_key;
        AUTO_MEM char *assertion = test_sign(key, rows[i].header, rows[i].claims);
        AUTO_FINI(test_answer) struct test_answer a = test_token(&t, TEST_FORM, assertion, NULL);
        test_expect_error(&a, 401, "\"invalid_client\"", rows[i].says);
    }
}

static void what_an_assertion_may_leave_out_or_stretch_is_taken(void **state) {
    (void)state;
    static const struct {
        const char *header, *claims;
    } rows[] = {
        {GOOD_HEADER, "{" WHO AUD EXP "}"},
        {"{\"alg\":\"ES256\"}", "{" WHO AUD EXP "}"},
        {"{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"JWT\"}", "{" WHO AUD EXP ".5}"},
        {GOOD_HEADER, "{" WHO AUD "\"exp\":1795345200}"},
        {GOOD_HEADER, "{" WHO AUD "\"iat\":1795341604," EXP "}"},
        {GOOD_HEADER, "{" WHO AUD "\"nbf\":1795341500,\"more\":{}," EXP "}"},
    };
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_MEM char *assertion = test_sign(t.app_key, rows[i].header, rows[i].claims);
        AUTO_FINI(test_answer) struct test_answer a = test_token(&t, TEST_FORM, assertion, NULL);
        if (a.reply.status != 200) print_error("row %zu\n", i);
        assert_int_equal(a.reply.status, 200);
    }
}

static void an_assertion_is_good_once(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    AUTO_MEM char *assertion = test_assertion(&t, "plain");
    AUTO_FINI(test_answer) struct test_answer a = test_token(&t, TEST_FORM, assertion, NULL);
    assert_int_equal(a.reply.status, 200);
    AUTO_FINI(test_answer) struct test_answer b = test_token(&t, TEST_FORM, assertion, NULL);
    test_expect_error(&b, 401, "\"invalid_client\"", "already been used");
}

static void an_assertion_is_spent_by_the_answer_that_wants_a_nonce(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    AUTO_MEM char *assertion = test_assertion(&t, "bound");
    AUTO_MEM char *first = test_proof(&t, &(struct test_proof){"POST", TEST_URL, NULL, NULL});
    AUTO_FINI(test_answer) struct test_answer a = test_token(&t, TEST_FORM, assertion, first);
    test_expect_error(&a, 400, "\"use_dpop_nonce\"", "requires nonce in DPoP proof");
    const char *nonce = test_header(&a, "dpop-nonce");
    assert_non_null(nonce);
    AUTO_MEM char *second = test_proof(&t, &(struct test_proof){"POST", TEST_URL, nonce, NULL});
    AUTO_FINI(test_answer) struct test_answer b = test_token(&t, TEST_FORM, assertion, second);
    test_expect_error(&b, 401, "\"invalid_client\"", "already been used");
    AUTO_MEM char *fresh = test_assertion(&t, "bound");
    AUTO_MEM char *third = test_proof(&t, &(struct test_proof){"POST", TEST_URL, nonce, NULL});
    AUTO_FINI(test_answer) struct test_answer c = test_token(&t, TEST_FORM, fresh, third);
    assert_int_equal(c.reply.status, 200);
    assert_true(test_has(&c, "\"token_type\":\"DPoP\""));
    assert_string_equal(test_header(&c, "dpop-nonce"), nonce);
}

static void each_fault_of_a_request_has_its_error(void **state) {
    (void)state;
#define CREDENTIALS "grant_type=client_credentials&scope="
    static const struct {
        const char *form;
        bool assertion;
        int status;
        const char *error, *says;
    } rows[] = {
        {"scope=okta.logs.read", true, 400, "\"invalid_request\"", "'grant_type' is missing"},
        {"grant_type=&scope=okta.logs.read", true, 400, "\"invalid_request\"", "'grant_type'"},
        {"grant_type=magic&scope=okta.logs.read", true, 400, "\"unsupported_grant_type\"",
         "not supported"},
        {TEST_FORM "&scope=okta.users.read", true, 400, "\"invalid_request\"", "same name"},
        {TEST_FORM "&x=%zz", true, 400, "\"invalid_request\"", "Invalid request"},
        {TEST_FORM, false, 401, "\"invalid_client\"", "No client credentials found"},
        {TEST_FORM "&client_assertion=x", false, 400, "\"invalid_request\"",
         "'client_assertion_type' is missing"},
        {TEST_FORM "&client_assertion_type=x", false, 400, "\"invalid_request\"",
         "'client_assertion' is missing"},
        {TEST_FORM "&client_assertion_type=x&client_assertion=x", false, 400, "\"invalid_request\"",
         "client_assertion_type is invalid"},
        {TEST_FORM "&client_secret=s&client_id=plain", false, 401, "\"invalid_client\"",
         "must use the private_key_jwt"},
        {TEST_FORM "&client_secret=s&client_id=nobody", false, 401, "\"invalid_client\"",
         "'client_id'"},
        {TEST_FORM "&client_secret=s", true, 400, "\"invalid_request\"",
         "multiple client credentials"},
        {TEST_FORM "&client_id=bound", true, 401, "\"invalid_client\"", "'client_id'"},
        {"grant_type=client_credentials", true, 400, "\"invalid_scope\"", "No scopes"},
        {CREDENTIALS, true, 400, "\"invalid_scope\"", "No scopes"},
        {CREDENTIALS "openid", true, 400, "\"invalid_scope\"", "'openid' scopes"},
        {CREDENTIALS "logs", true, 400, "\"invalid_scope\"", "not configured"},
        {CREDENTIALS "okta.factors.read", true, 400, "\"invalid_scope\"", "not configured"},
        {CREDENTIALS "okta.users.manage", true, 400, "\"invalid_scope\"", "exceeds the scope"},
        {CREDENTIALS "okta.logs.read+okta.apps.read", true, 400, "\"invalid_scope\"", "exceeds"},
    };
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_MEM char *assertion = rows[i].assertion ? test_assertion(&t, "plain") : NULL;
        AUTO_FINI(test_answer) struct test_answer a = test_token(&t, rows[i].form, assertion, NULL);
        test_expect_error(&a, rows[i].status, rows[i].error, rows[i].says);
    }
}

static void the_way_of_asking_is_checked(void **state) {
    (void)state;
    static const struct {
        const char *method, *url, *type, *length;
        int status;
        const char *says;
    } rows[] = {
        {"GET", "/oauth2/v1/token", NULL, NULL, 405, "E0000022"},
        {"POST", "/oauth2/v1/token", "application/x-www-form-urlencoded", NULL, 411, "Length"},
        {"POST", "/oauth2/v1/token", "application/json", "2", 400, "invalid_request"},
        {"POST", "/oauth2/v1/token", NULL, "2", 400, "invalid_request"},
        {"POST", "/oauth2/v1/token?client_secret=x", "application/x-www-form-urlencoded", "2", 400,
         "query parameters"},
        {"POST", "/oauth2/default/v1/token", "application/x-www-form-urlencoded", "2", 404,
         "E0000007"},
    };
    AUTO(sim) struct sim *sim = test_sim(TEST_NOW);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct test_ask ask = {.method = rows[i].method,
                               .url = rows[i].url,
                               .content_type = rows[i].type,
                               .content_length = rows[i].length,
                               .body = "{}"};
        AUTO_FINI(test_answer) struct test_answer a = test_send(sim, &ask);
        test_expect_error(&a, rows[i].status, rows[i].says, "");
    }
}

static void the_form_may_stand_in_the_query(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    AUTO_FINI(buf) struct buf url = buf_make(1 << 16);
    AUTO_MEM char *assertion = test_assertion(&t, "plain");
    buf_addf(&url,
             "/oauth2/v1/token?" TEST_FORM "&client_assertion_type=" TEST_TYPE
             "&client_assertion=%s",
             assertion);
    struct test_ask ask = {.method = "POST",
                           .url = buf_z(&url),
                           .content_type = "application/x-www-form-urlencoded",
                           .content_length = "0"};
    AUTO_FINI(test_answer) struct test_answer a = test_send(t.sim, &ask);
    test_expect_error(&a, 200, "Bearer", "");
    AUTO_FINI(test_answer)
    struct test_answer b = test_request(t.sim, "GET", "/_sim/requests", NULL, NULL);
    assert_false(test_has(&b, assertion));
    ask.body = "scope=okta.logs.read";
    AUTO_FINI(test_answer) struct test_answer c = test_send(t.sim, &ask);
    test_expect_error(&c, 400, "\"invalid_request\"", "same name");
}

static void what_an_app_lacks_is_told(void **state) {
    (void)state;
    static const struct {
        const char *more;
        int status;
        const char *error, *says;
    } rows[] = {
        {",\"disabled\":true", 401, "\"invalid_client\"", "Client authentication failed"},
        {",\"application_type\":\"web\"", 401, "\"invalid_client\"", "'application_type'"},
        {",\"grant_types\":[\"authorization_code\"]", 400, "\"unauthorized_client\"",
         "Configured grant types: [authorization_code]."},
    };
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    char jwk[2048];
    test_jwk(t.app_key, "k1", jwk);
    for (size_t i = 0; i < LEN(rows); i++) {
        test_add_app(&t, "app", jwk, rows[i].more);
        AUTO_MEM char *assertion = test_assertion(&t, "app");
        AUTO_FINI(test_answer) struct test_answer a = test_token(&t, TEST_FORM, assertion, NULL);
        test_expect_error(&a, rows[i].status, rows[i].error, rows[i].says);
        test_control(t.sim, "DELETE", "/_sim/apps?client_id=app", NULL);
    }
    test_add_app(&t, "app", "", "");
    AUTO_MEM char *assertion = test_assertion(&t, "app");
    AUTO_FINI(test_answer) struct test_answer a = test_token(&t, TEST_FORM, assertion, NULL);
    test_expect_error(&a, 401, "\"invalid_client\"", "does not have a JWKSet");
}

static void an_app_with_several_keys_needs_a_kid_and_may_change_them(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    char one[2048], two[2048], both[4200], change[2300];
    test_jwk(t.app_key, "k1", one);
    test_jwk(t.other_key, "k2", two);
    snprintf(both, sizeof both, "%s,%s", one, two);
    test_add_app(&t, "app", both, "");
    static const char claims[] =
        "{\"iss\":\"app\",\"sub\":\"app\",\"aud\":\"" TEST_URL "\",\"exp\":1795341900}";
    AUTO_MEM char *nameless = test_sign(t.other_key, "{\"alg\":\"ES256\"}", claims);
    AUTO_MEM char *named = test_sign(t.other_key, "{\"alg\":\"ES256\",\"kid\":\"k2\"}", claims);
    AUTO_FINI(test_answer) struct test_answer a = test_token(&t, TEST_FORM, nameless, NULL);
    test_expect_error(&a, 401, "\"invalid_client\"", "kid is invalid");
    AUTO_FINI(test_answer) struct test_answer b = test_token(&t, TEST_FORM, named, NULL);
    assert_int_equal(b.reply.status, 200);
    test_control(t.sim, "POST", "/_sim/apps", "{\"client_id\":\"app\",\"remove_keys\":[\"k2\"]}");
    AUTO_FINI(test_answer) struct test_answer c = test_token(&t, TEST_FORM, named, NULL);
    test_expect_error(&c, 401, "\"invalid_client\"", "kid is invalid");
    snprintf(change, sizeof change, "{\"client_id\":\"app\",\"add_keys\":[%s]}", two);
    test_control(t.sim, "POST", "/_sim/apps", change);
    AUTO_FINI(test_answer) struct test_answer d = test_token(&t, TEST_FORM, named, NULL);
    assert_int_equal(d.reply.status, 200);
}

static void the_key_s_own_algorithm_binds(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    AUTO(crypto_key) struct crypto_key *rsa = NULL;
    AUTO_FINI(buf) struct buf signed_by_384 = buf_make(1 << 16);
    char jwk[2048], with_alg[2200];
    assert_int_equal(crypto_key_generate(&rsa, CRYPTO_RSA_2048), 0);
    test_jwk(rsa, "k1", jwk);
    snprintf(with_alg, sizeof with_alg, "%.*s,\"alg\":\"RS256\"}", (int)strlen(jwk) - 1, jwk);
    int e = crypto_jws_sign(&signed_by_384, rsa, CRYPTO_RS384,
                            STR("{\"alg\":\"RS384\",\"kid\":\"k1\"}"),
                            STR("{\"iss\":\"app\",\"sub\":\"app\"," AUD EXP "}"));
    assert_int_equal(e, 0);
    test_add_app(&t, "app", jwk, "");
    AUTO_FINI(test_answer)
    struct test_answer a = test_token(&t, TEST_FORM, buf_z(&signed_by_384), NULL);
    assert_int_equal(a.reply.status, 200);
    test_add_app(&t, "app", with_alg, "");
    AUTO_FINI(test_answer)
    struct test_answer b = test_token(&t, TEST_FORM, buf_z(&signed_by_384), NULL);
    test_expect_error(&b, 401, "\"invalid_client\"", "signature algorithm");
}

static struct test_answer ask_basic(struct oauth_test *t, const char *value, const char *body) {
    struct test_ask ask = {.method = "POST",
                           .url = "/oauth2/v1/token",
                           .authorization = value,
                           .content_type = "application/x-www-form-urlencoded; charset=utf-8",
                           .content_length = "1",
                           .body = body};
    return test_send(t->sim, &ask);
}

static void a_secret_is_for_integrations_and_in_the_header_only(void **state) {
    (void)state;
    static const struct {
        const char *value, *body;
        int status;
        const char *says;
    } rows[] = {
        // oin:p:ss/+%, as it is, and with both parts form-encoded
        {"Basic b2luOnA6c3MvKyU=", TEST_FORM, 200, "Bearer"},
        {"basic b2luOnAlM0FzcyUyRiUyQiUyNQ==", TEST_FORM, 200, "Bearer"},
        {"Basic b2luOndyb25n", TEST_FORM, 401, "secret supplied"},
        {"Basic bm9ib2R5OnM=", TEST_FORM, 401, "'client_id'"},
        {"Basic cGxhaW46cw==", TEST_FORM, 401, "must use the private_key_jwt"},
        {"Basic b2lu", TEST_FORM, 401, "not valid client credentials"},
        {"Basic !", TEST_FORM, 401, "not valid client credentials"},
        {"Basic", TEST_FORM, 401, "not valid client credentials"},
        {"Bearer x", TEST_FORM, 401, "not valid client credentials"},
        {"Basic b2luOnA6c3MvKyU=", TEST_FORM "&client_secret=s", 400, "multiple client"},
        {NULL, TEST_FORM "&client_id=oin&client_secret=p%3Ass%2F%2B%25", 401, "OAuth Integration"},
    };
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    test_add_app(&t, "oin", "", ",\"auth\":\"client_secret_basic\",\"client_secret\":\"p:ss/+%\"");
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(test_answer)
        struct test_answer a = ask_basic(&t, rows[i].value, rows[i].body);
        test_expect_error(&a, rows[i].status, rows[i].says, "");
    }
}

static void too_many_requests_get_oktas_error_and_spend_the_assertion(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    test_control(t.sim, "POST", "/_sim/settings", "{\"token_rate_limit\":4}");
    for (int i = 0; i < 2; i++) free(test_fetch(&t, "plain", TEST_FORM));
    AUTO_MEM char *assertion = test_assertion(&t, "plain");
    AUTO_FINI(test_answer) struct test_answer a = test_token(&t, TEST_FORM, assertion, NULL);
    test_expect_error(&a, 429, "\"E0000047\"", "rate limit");
    assert_string_equal(test_header(&a, "x-rate-limit-limit"), "2");
    assert_string_equal(test_header(&a, "x-rate-limit-remaining"), "0");
    // Another app has a window of its own, and so has the log.
    free(test_fetch(&t, "bound", TEST_FORM));
    AUTO_FINI(test_answer) struct test_answer b = test_get(t.sim, "/api/v1/logs");
    assert_int_equal(b.reply.status, 200);
    assert_string_equal(test_header(&b, "x-rate-limit-limit"), "50000");
    test_control(t.sim, "POST", "/_sim/clock", "{\"advance\":\"61s\"}");
    AUTO_FINI(test_answer) struct test_answer c = test_token(&t, TEST_FORM, assertion, NULL);
    test_expect_error(&c, 401, "\"invalid_client\"", "already been used");
}

static void faults_strike_token_requests_where_they_are_told_to(void **state) {
    (void)state;
    static const struct {
        const char *fault;
        int status;
        const char *says;
    } rows[] = {
        {"{\"kind\":\"500\",\"path\":\"token\"}", 500, "\"server_error\""},
        {"{\"kind\":\"503\",\"path\":\"token\"}", 503, "\"E0000010\""},
        {"{\"kind\":\"504\",\"path\":\"token\"}", 504, "Gateway"},
        {"{\"kind\":\"rate_limit\",\"path\":\"token\"}", 429, "\"E0000047\""},
        {"{\"kind\":\"use_dpop_nonce\"}", 400, "\"use_dpop_nonce\""},
        {"{\"kind\":\"invalid_client\"}", 401, "\"invalid_client\""},
        {"{\"kind\":\"access_denied\"}", 403, "\"access_denied\""},
        {"{\"kind\":\"temporarily_unavailable\"}", 400, "\"temporarily_unavailable\""},
        {"{\"kind\":\"html\",\"path\":\"token\"}", 200, "Sign In"},
    };
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    for (size_t i = 0; i < LEN(rows); i++) {
        test_control(t.sim, "POST", "/_sim/faults", rows[i].fault);
        AUTO_FINI(test_answer) struct test_answer logs = test_get(t.sim, "/api/v1/logs");
        assert_int_equal(logs.reply.status, 200);
        AUTO_MEM char *assertion = test_assertion(&t, "plain");
        AUTO_MEM char *proof = test_proof(&t, &(struct test_proof){"POST", TEST_URL, NULL, NULL});
        AUTO_FINI(test_answer) struct test_answer a = test_token(&t, TEST_FORM, assertion, proof);
        test_expect_error(&a, rows[i].status, rows[i].says, "");
        free(test_fetch(&t, "plain", TEST_FORM));
    }
}

static void secrets_do_not_get_into_the_record(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    test_add_app(&t, "oin", "",
                 ",\"auth\":\"client_secret_basic\",\"client_secret\":\"hush-hush\"");
    AUTO_FINI(test_answer)
    struct test_answer a = ask_basic(&t, "Basic b2luOmh1c2gtaHVzaA==", TEST_FORM);
    assert_int_equal(a.reply.status, 200);
    AUTO_MEM char *token = test_member(&a, "access_token");
    AUTO_FINI(buf) struct buf bearer = buf_make(4096);
    buf_addf(&bearer, "Bearer %s", token);
    AUTO_FINI(test_answer)
    struct test_answer b = test_request(t.sim, "GET", "/api/v1/logs", buf_z(&bearer), NULL);
    assert_int_equal(b.reply.status, 200);
    free(test_fetch(&t, "bound", TEST_FORM));
    static const char *const urls[] = {"/_sim/requests", "/_sim/stats", "/_sim/apps"};
    for (size_t i = 0; i < LEN(urls); i++) {
        AUTO_FINI(test_answer)
        struct test_answer c = test_request(t.sim, "GET", urls[i], NULL, NULL);
        assert_false(test_has(&c, "hush"));
        assert_false(test_has(&c, "b2luO"));
        assert_false(test_has(&c, token));
        assert_false(test_has(&c, "eyJ"));
    }
    AUTO_FINI(test_answer)
    struct test_answer c = test_request(t.sim, "GET", "/_sim/requests", NULL, NULL);
    assert_true(
        test_has(&c, "\"authorization\":{\"scheme\":\"Basic\",\"match\":true,\"client\":\"oin\"}"));
    assert_true(test_has(&c, "\"scheme\":\"Bearer\",\"match\":true,\"client\":\"oin\"}"));
    assert_true(test_has(&c, "\"dpop\":true"));
}

static void wrong_apps_are_refused_with_the_member_s_name(void **state) {
    (void)state;
    static const struct {
        const char *body, *says;
    } rows[] = {
        {"{}", "client_id: expected"},
        {"[7]", "app 1: client_id"},
        {"{\"client_id\":\"a b\"}", "client_id: expected"},
        {"{\"client_id\":\"a\",\"auth\":\"none\"}", "auth: expected private_key_jwt"},
        {"{\"client_id\":\"a\",\"auth\":\"client_secret_basic\"}", "client_secret:"},
        {"{\"client_id\":\"a\",\"scopes\":\"x\"}", "scopes: expected an array"},
        {"{\"client_id\":\"a\",\"scope\":[]}", "did you mean \\\"scopes\\\""},
        {"{\"client_id\":\"a\",\"roles\":1}", "roles: expected true or false"},
        {"{\"client_id\":\"a\",\"share\":101}", "share: expected"},
        {"{\"client_id\":\"a\",\"jwks\":[]}", "jwks: expected"},
        {"{\"client_id\":\"a\",\"jwks\":{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}}", "jwks: "},
        {"{\"client_id\":\"plain\",\"remove_keys\":[\"k9\"]}", "there is no key \\\"k9\\\""},
    };
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(test_answer)
        struct test_answer a = test_request(t.sim, "POST", "/_sim/apps", NULL, rows[i].body);
        test_expect_error(&a, 400, rows[i].says, "");
    }
    assert_null(apps_find(&t.sim->oauth.apps, STR("a")));
}

static void metadata_and_keys_are_open_and_unlimited(void **state) {
    (void)state;
    static const struct {
        const char *url, *says;
    } rows[] = {
        {"/.well-known/oauth-authorization-server",
         "\"token_endpoint\":\"https://org.test/oauth2/v1/token\""},
        {"/.well-known/openid-configuration", "\"userinfo_endpoint\""},
        {"/oauth2/v1/keys", "\"kty\":\"RSA\""},
    };
    AUTO(sim) struct sim *sim = test_sim(TEST_NOW);
    for (size_t i = 0; i < LEN(rows); i++) {
        struct test_ask ask = {.method = "GET", .url = rows[i].url, .tls = true};
        AUTO_FINI(test_answer) struct test_answer a = test_send(sim, &ask);
        test_expect_error(&a, 200, rows[i].says, "");
        assert_null(test_header(&a, "x-rate-limit-limit"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_assertion_gets_a_bearer_token_of_an_hour),
        cmocka_unit_test(each_fault_of_an_assertion_has_its_description),
        cmocka_unit_test(what_an_assertion_may_leave_out_or_stretch_is_taken),
        cmocka_unit_test(an_assertion_is_good_once),
        cmocka_unit_test(an_assertion_is_spent_by_the_answer_that_wants_a_nonce),
        cmocka_unit_test(each_fault_of_a_request_has_its_error),
        cmocka_unit_test(the_way_of_asking_is_checked),
        cmocka_unit_test(the_form_may_stand_in_the_query),
        cmocka_unit_test(what_an_app_lacks_is_told),
        cmocka_unit_test(an_app_with_several_keys_needs_a_kid_and_may_change_them),
        cmocka_unit_test(the_key_s_own_algorithm_binds),
        cmocka_unit_test(a_secret_is_for_integrations_and_in_the_header_only),
        cmocka_unit_test(too_many_requests_get_oktas_error_and_spend_the_assertion),
        cmocka_unit_test(faults_strike_token_requests_where_they_are_told_to),
        cmocka_unit_test(secrets_do_not_get_into_the_record),
        cmocka_unit_test(wrong_apps_are_refused_with_the_member_s_name),
        cmocka_unit_test(metadata_and_keys_are_open_and_unlimited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
