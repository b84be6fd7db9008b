// SPDX-License-Identifier: Apache-2.0
// Access tokens at the API, and proofs at both ends.
#include "oauth-test.h"

#define LOGS "/api/v1/logs"
#define LOGS_URL "http://org.test/api/v1/logs"

// GET with these credentials; `scheme` and `token` NULL: none.
static struct test_answer get(struct oauth_test *t, const char *url, const char *scheme,
                              const char *token, const char *proof) {
    AUTO_FINI(buf) struct buf value = buf_make(1 << 16);
    buf_addf(&value, "%s %s", scheme, token);
    struct test_ask ask = {
        .method = "GET", .url = url, .authorization = buf_z(&value), .proof = proof};
    return test_send(t->sim, &ask);
}

// An empty body, and the whole header.
static void expect_challenge(const struct test_answer *a, int status, const char *begins,
                             const char *scope, const char *ends) {
    char wanted[1024];
    snprintf(wanted, sizeof wanted,
             "%sauthorization_uri=\"http://org.test/oauth2/v1/authorize\", "
             "realm=\"http://org.test\", scope=\"%s\", %s",
             begins, scope, ends);
    const char *header = test_header(a, "www-authenticate");
    if (a->reply.status != status || !header || strcmp(header, wanted) != 0)
        print_error("wanted %d %s\ngot %d %s\n", status, wanted, a->reply.status,
                    header ? header : "no header");
    assert_int_equal(a->reply.status, status);
    assert_non_null(header);
    assert_string_equal(header, wanted);
    assert_int_equal(a->reply.body.n, 0);
    assert_null(test_header(a, "content-type"));
}

#define BEARER "Bearer "
#define DPOP "DPoP algs=\"RS256 RS384 RS512 ES256 ES384 ES512\", "
#define AT_LOGS ", resource=\"/api/v1/logs\""
#define LOGS_SCOPE "okta.logs.read"

static void a_bearer_token_opens_what_its_scopes_name(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    AUTO_MEM char *token = test_fetch(&t, "plain", TEST_FORM);
    AUTO_FINI(test_answer) struct test_answer a = get(&t, LOGS "?limit=5", "Bearer", token, NULL);
    assert_int_equal(a.reply.status, 200);
    assert_string_equal(test_header(&a, "x-rate-limit-remaining"), "49999");
    AUTO_FINI(test_answer) struct test_answer b = get(&t, "/api/v1/users", "bearer", token, NULL);
    expect_challenge(&b, 403, BEARER, "okta.users.read",
                     "error=\"insufficient_scope\", error_description=\"The access token provided "
                     "does not contain the required scopes.\", resource=\"/api/v1/users\"");
    // An app has a window of its own, beside those of API tokens.
    AUTO_FINI(test_answer) struct test_answer c = test_get(t.sim, LOGS);
    assert_string_equal(test_header(&c, "x-rate-limit-remaining"), "49999");
}

static void an_api_token_may_follow_its_scheme_without_a_blank(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = test_sim(TEST_NOW);
    static const char *const values[] = {"SSWSsecret-of-the-test", "ssws  secret-of-the-test "};
    for (size_t i = 0; i < LEN(values); i++) {
        AUTO_FINI(test_answer)
        struct test_answer a = test_request(sim, "GET", LOGS, values[i], NULL);
        assert_int_equal(a.reply.status, 200);
    }
    AUTO_FINI(test_answer) struct test_answer a = test_request(sim, "GET", LOGS, "SSWS", NULL);
    test_expect_error(&a, 401, "\"E0000011\"", "");
}

static void tokens_that_are_no_good_are_refused_without_a_body(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    AUTO_MEM char *token = test_fetch(&t, "plain", TEST_FORM);
    AUTO_FINI(test_answer) struct test_answer a = get(&t, LOGS, "Bearer", "nonsense", NULL);
    expect_challenge(&a, 401, BEARER, LOGS_SCOPE,
                     "error=\"invalid_token\", error_description=\"The access token is "
                     "invalid.\"" AT_LOGS);
    AUTO_FINI(test_answer) struct test_answer b = get(&t, LOGS, "DPoP", token, NULL);
    expect_challenge(&b, 401, DPOP, LOGS_SCOPE,
                     "error=\"invalid_token\", error_description=\"The presented access_token is "
                     "not DPoP bound.\"" AT_LOGS);
    test_control(t.sim, "POST", "/_sim/tokens/revoke", NULL);
    AUTO_FINI(test_answer) struct test_answer c = get(&t, LOGS, "Bearer", token, NULL);
    expect_challenge(&c, 401, BEARER, LOGS_SCOPE,
                     "error=\"invalid_token\", error_description=\"The access token has been "
                     "revoked.\"" AT_LOGS);
}

static void a_token_lives_as_long_as_was_said_by_our_clock(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    test_control(t.sim, "POST", "/_sim/settings", "{\"token_life\":\"10s\"}");
    AUTO_MEM char *token = test_fetch(&t, "plain", TEST_FORM);
    test_control(t.sim, "POST", "/_sim/clock", "{\"advance\":\"9s\"}");
    AUTO_FINI(test_answer) struct test_answer a = get(&t, LOGS, "Bearer", token, NULL);
    assert_int_equal(a.reply.status, 200);
    test_control(t.sim, "POST", "/_sim/clock", "{\"advance\":\"1s\"}");
    AUTO_FINI(test_answer) struct test_answer b = get(&t, LOGS, "Bearer", token, NULL);
    expect_challenge(&b, 401, BEARER, LOGS_SCOPE,
                     "error=\"invalid_token\", error_description=\"The token has "
                     "expired.\"" AT_LOGS);
}

static void a_token_is_worth_what_its_app_is(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    AUTO_MEM char *token = test_fetch(&t, "plain", TEST_FORM);
    test_control(t.sim, "POST", "/_sim/apps", "{\"client_id\":\"plain\",\"roles\":false}");
    AUTO_FINI(test_answer) struct test_answer a = get(&t, LOGS, "Bearer", token, NULL);
    test_expect_error(&a, 403, "\"E0000006\"", "permission");
    test_control(t.sim, "POST", "/_sim/apps",
                 "{\"client_id\":\"plain\",\"roles\":true,\"disabled\":true}");
    AUTO_FINI(test_answer) struct test_answer b = get(&t, LOGS, "Bearer", token, NULL);
    assert_int_equal(b.reply.status, 401);
    test_control(t.sim, "DELETE", "/_sim/apps?client_id=plain", NULL);
    AUTO_FINI(test_answer) struct test_answer c = get(&t, LOGS, "Bearer", token, NULL);
    assert_int_equal(c.reply.status, 401);
}

static void a_bound_token_needs_a_fresh_proof_for_each_request(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    AUTO_MEM char *token = test_fetch(&t, "bound", TEST_FORM);
    AUTO_MEM char *proof = test_proof(&t, &(struct test_proof){"GET", LOGS_URL, NULL, token});
    AUTO_FINI(test_answer) struct test_answer a = get(&t, LOGS "?limit=1", "DPoP", token, proof);
    assert_int_equal(a.reply.status, 200);
    AUTO_FINI(test_answer) struct test_answer b = get(&t, LOGS, "DPoP", token, proof);
    expect_challenge(&b, 400, DPOP, LOGS_SCOPE,
                     "error=\"invalid_dpop_proof\", error_description=\"The DPoP proof JWT has "
                     "already been used.\"" AT_LOGS);
    AUTO_FINI(test_answer) struct test_answer c = get(&t, LOGS, "DPoP", token, NULL);
    expect_challenge(&c, 400, DPOP, LOGS_SCOPE,
                     "error=\"invalid_request\", error_description=\"The resource request requires "
                     "a DPoP proof.\"" AT_LOGS);
    AUTO_FINI(test_answer) struct test_answer d = get(&t, LOGS, "Bearer", token, NULL);
    expect_challenge(&d, 400, DPOP, LOGS_SCOPE,
                     "error=\"invalid_request\", error_description=\"The resource request must use "
                     "the DPoP authentication scheme when using a DPoP bound token.\"" AT_LOGS);
}

static void a_proof_is_spent_by_a_request_over_the_limit(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    AUTO_MEM char *token = test_fetch(&t, "bound", TEST_FORM);
    AUTO_MEM char *proof = test_proof(&t, &(struct test_proof){"GET", LOGS_URL, NULL, token});
    test_control(t.sim, "POST", "/_sim/faults", "{\"kind\":\"rate_limit\"}");
    AUTO_FINI(test_answer) struct test_answer a = get(&t, LOGS, "DPoP", token, proof);
    assert_int_equal(a.reply.status, 429);
    AUTO_FINI(test_answer) struct test_answer b = get(&t, LOGS, "DPoP", token, proof);
    assert_int_equal(b.reply.status, 400);
}

static void several_proofs_are_one_too_many(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    AUTO_MEM char *token = test_fetch(&t, "bound", TEST_FORM);
    AUTO_MEM char *one = test_proof(&t, &(struct test_proof){"GET", LOGS_URL, NULL, token});
    AUTO_MEM char *two = test_proof(&t, &(struct test_proof){"GET", LOGS_URL, NULL, token});
    AUTO_FINI(buf) struct buf value = buf_make(1 << 16);
    buf_addf(&value, "DPoP %s", token);
    struct test_ask ask = {.method = "GET",
                           .url = LOGS,
                           .authorization = buf_z(&value),
                           .proof = one,
                           .other_proof = two};
    AUTO_FINI(test_answer) struct test_answer a = test_send(t.sim, &ask);
    expect_challenge(&a, 400, DPOP, LOGS_SCOPE,
                     "error=\"invalid_dpop_proof\", error_description=\"Multiple DPoP proof JWT "
                     "headers are not allowed.\"" AT_LOGS);
}

static void a_proof_of_another_key_does_not_open(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    AUTO_MEM char *token = test_fetch(&t, "bound", TEST_FORM);
    crypto_key_free(t.proof_key);
    assert_int_equal(crypto_key_generate(&t.proof_key, CRYPTO_P384), 0);
    AUTO_MEM char *proof = test_proof(&t, &(struct test_proof){"GET", LOGS_URL, NULL, token});
    AUTO_FINI(test_answer) struct test_answer a = get(&t, LOGS, "DPoP", token, proof);
    expect_challenge(&a, 400, DPOP, LOGS_SCOPE,
                     "error=\"invalid_dpop_proof\", error_description=\"The access_token is not "
                     "bound to the provided DPoP proof.\"" AT_LOGS);
}

// What a proof's claims can get wrong, at the token endpoint. JWK stands for the key.
#define HEADER "{\"typ\":\"dpop+jwt\",\"alg\":\"ES384\",\"jwk\":JWK}"
#define CLAIMS(htm, htu, iat)                                                                      \
    "{\"htm\":\"" htm "\",\"htu\":\"" htu "\",\"iat\":" iat ",\"jti\":\"x\"}"

static const struct {
    const char *header, *claims, *says;
} bad_proofs[] = {
    {"{\"typ\":\"JWT\",\"alg\":\"ES384\",\"jwk\":JWK}", "{}", "'typ' must be"},
    {"{\"alg\":\"ES384\",\"jwk\":JWK}", "{}", "'typ' must be"},
    {"{\"typ\":\"dpop+jwt\",\"alg\":\"none\",\"jwk\":JWK}", "{}", "signature algorithm"},
    {"{\"typ\":\"dpop+jwt\",\"alg\":\"HS256\",\"jwk\":JWK}", "{}", "signature algorithm"},
    {"{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":JWK}", "{}", "signature algorithm"},
    {"{\"typ\":\"dpop+jwt\",\"alg\":\"ES384\"}", "{}", "JWT is invalid"},
    {"{\"typ\":\"dpop+jwt\",\"alg\":\"ES384\",\"jwk\":\"x\"}", "{}", "JWT is invalid"},
    {"{\"typ\":\"dpop+jwt\",\"alg\":\"ES384\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}", "{}",
     "JWT is invalid"},
    {"{\"typ\":\"dpop+jwt\",\"alg\":\"ES384\",\"jwk\":{\"kty\":\"EC\"}}", "{}", "JWT is invalid"},
    {"[]", "{}", "cannot be parsed"},
    {HEADER, "7", "cannot be parsed"},
    {HEADER, "{}", "'htm' claim"},
    {HEADER, CLAIMS("post", TEST_URL, TEST_S), "'htm' claim"},
    {HEADER, CLAIMS("GET", TEST_URL, TEST_S), "'htm' claim"},
    {HEADER, CLAIMS("POST", "https://org.test/oauth2/v1/token", TEST_S), "'htu' claim"},
    {HEADER, CLAIMS("POST", "http://other.test/oauth2/v1/token", TEST_S), "'htu' claim"},
    {HEADER, CLAIMS("POST", TEST_URL "/", TEST_S), "'htu' claim"},
    {HEADER, CLAIMS("POST", TEST_URL "?x=1", TEST_S), "'htu' claim"},
    {HEADER, CLAIMS("POST", TEST_URL "#x", TEST_S), "'htu' claim"},
    {HEADER, CLAIMS("POST", "http://org.test:8080/oauth2/v1/token", TEST_S), "'htu' claim"},
    {HEADER, CLAIMS("POST", "/oauth2/v1/token", TEST_S), "'htu' claim"},
    {HEADER, CLAIMS("POST", TEST_URL, "\"1795341600\""), "'iat' claim"},
    {HEADER, CLAIMS("POST", TEST_URL, "1795341606"), "in the future"},
    {HEADER, CLAIMS("POST", TEST_URL, "1795341299"), "more than five minutes"},
    {HEADER, CLAIMS("POST", TEST_URL, TEST_S ",\"exp\":" TEST_S), "is expired"},
    {HEADER, "{\"htm\":\"POST\",\"htu\":\"" TEST_URL "\",\"iat\":" TEST_S "}", "'jti' claim"},
    {HEADER, CLAIMS("POST", TEST_URL, TEST_S), "requires nonce"},
};

static void put_jwk(struct buf *out, const char *template, const char *jwk) {
    struct str text = str_from(template);
    size_t at = str_find(text, STR("JWK"));
    buf_add_str(out, str_sub(text, 0, at));
    if (at < text.n) buf_addz(out, jwk);
    buf_add_str(out, str_sub(text, at + 3, text.n));
}

static void each_fault_of_a_proof_has_its_description(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    char jwk[2048];
    test_jwk(t.proof_key, NULL, jwk);
    for (size_t i = 0; i < LEN(bad_proofs); i++) {
        AUTO_FINI(buf) struct buf header = buf_make(4096);
        put_jwk(&header, bad_proofs[i].header, jwk);
        AUTO_MEM char *proof = test_sign(t.proof_key, buf_z(&header), bad_proofs[i].claims);
        AUTO_MEM char *assertion = test_assertion(&t, "bound");
        AUTO_FINI(test_answer) struct test_answer a = test_token(&t, TEST_FORM, assertion, proof);
        test_expect_error(&a, 400, "dpop", bad_proofs[i].says);
    }
}

static void a_proof_with_private_members_or_another_s_signature_is_refused(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    AUTO_FINI(buf) struct buf private_jwk = buf_make(1 << 16);
    AUTO_FINI(buf) struct buf header = buf_make(1 << 16);
    AUTO_FINI(buf) struct buf other = buf_make(8192);
    char jwk[2048];
    assert_int_equal(crypto_key_private_jwk(t.proof_key, &private_jwk), 0);
    put_jwk(&header, HEADER, buf_z(&private_jwk));
    AUTO_MEM char *proof = test_sign(t.proof_key, buf_z(&header), CLAIMS("POST", TEST_URL, TEST_S));
    AUTO_MEM char *assertion = test_assertion(&t, "bound");
    AUTO_FINI(test_answer) struct test_answer a = test_token(&t, TEST_FORM, assertion, proof);
    test_expect_error(&a, 400, "invalid_dpop_proof", "JWT is invalid");
    test_jwk(t.app_key, NULL, jwk);
    buf_addf(&other, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":%s}", jwk);
    AUTO_MEM char *forged = test_sign(t.other_key, buf_z(&other), CLAIMS("POST", TEST_URL, TEST_S));
    AUTO_MEM char *fresh = test_assertion(&t, "bound");
    AUTO_FINI(test_answer) struct test_answer b = test_token(&t, TEST_FORM, fresh, forged);
    test_expect_error(&b, 400, "invalid_dpop_proof", "signature is invalid");
}

static void an_app_that_wants_no_proof_does_not_look_at_it(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    AUTO_MEM char *assertion = test_assertion(&t, "plain");
    AUTO_FINI(test_answer) struct test_answer a = test_token(&t, TEST_FORM, assertion, "nonsense");
    assert_int_equal(a.reply.status, 200);
    assert_true(test_has(&a, "\"token_type\":\"Bearer\""));
    AUTO_MEM char *other = test_assertion(&t, "bound");
    AUTO_FINI(test_answer) struct test_answer b = test_token(&t, TEST_FORM, other, NULL);
    test_expect_error(&b, 400, "\"invalid_dpop_proof\"", "The DPoP proof JWT header is missing.");
    assert_null(test_header(&b, "dpop-nonce"));
}

static void the_url_of_a_proof_is_compared_with_the_decoded_path(void **state) {
    (void)state;
    static const struct {
        const char *path, *htu;
        int status;
    } rows[] = {
        {"/api/v1/users/a%40b.test", "http://org.test/api/v1/users/a@b.test", 404},
        {"/api/v1/users/a%40b.test", "http://org.test/api/v1/users/a%40b.test", 400},
        {"/api/v1/users/a@b.test", "http://ORG.test:80/api/v1/users/a@b.test", 404},
        {"/api/v1/users/A", "http://org.test/api/v1/users/a", 400},
        {"/api/v1/users?q=x", "http://org.test/api/v1/users", 200},
    };
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    AUTO_MEM char *token =
        test_fetch(&t, "bound", "grant_type=client_credentials&scope=okta.users.read");
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_MEM char *proof =
            test_proof(&t, &(struct test_proof){"GET", rows[i].htu, NULL, token});
        AUTO_FINI(test_answer) struct test_answer a = get(&t, rows[i].path, "DPoP", token, proof);
        if (a.reply.status != rows[i].status) print_error("row %zu\n", i);
        assert_int_equal(a.reply.status, rows[i].status);
    }
}

static void the_hash_must_be_of_the_token(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    AUTO_MEM char *token = test_fetch(&t, "bound", TEST_FORM);
    static const char *const hashed[] = {NULL, "another"};
    for (size_t i = 0; i < LEN(hashed); i++) {
        AUTO_MEM char *proof =
            test_proof(&t, &(struct test_proof){"GET", LOGS_URL, NULL, hashed[i]});
        AUTO_FINI(test_answer) struct test_answer a = get(&t, LOGS, "DPoP", token, proof);
        expect_challenge(
            &a, 400, DPOP, LOGS_SCOPE,
            "error=\"invalid_dpop_proof\", error_description=\"'ath' claim in the DPoP "
            "proof does not match the presented access_token.\"" AT_LOGS);
    }
}

static int ask_with_nonce(struct oauth_test *t, const char *nonce) {
    AUTO_MEM char *assertion = test_assertion(t, "bound");
    AUTO_MEM char *proof = test_proof(t, &(struct test_proof){"POST", TEST_URL, nonce, NULL});
    AUTO_FINI(test_answer) struct test_answer a = test_token(t, TEST_FORM, assertion, proof);
    return a.reply.status;
}

static void nonces_last_three_days_and_one_is_given_out_for_one(void **state) {
    (void)state;
    AUTO(sim) struct sim *sim = test_sim(TEST_NOW);
    struct nonces *n = &sim->oauth.nonces;
    const int64_t now_ms = 1795341600000;
    char first[NONCE_TEXT_MAX], second[NONCE_TEXT_MAX];
    snprintf(first, sizeof first, "%s", nonces_current(n, now_ms));
    assert_string_equal(nonces_current(n, now_ms + TIME_DAY_MS - 1), first);
    snprintf(second, sizeof second, "%s", nonces_current(n, now_ms + TIME_DAY_MS));
    assert_string_not_equal(first, second);
    assert_true(nonces_accept(n, str_from(first), now_ms + 3 * (int64_t)TIME_DAY_MS - 1));
    assert_false(nonces_accept(n, str_from(first), now_ms + 3 * (int64_t)TIME_DAY_MS));
    assert_true(nonces_accept(n, str_from(second), now_ms + 4 * (int64_t)TIME_DAY_MS - 1));
    assert_false(nonces_accept(n, STR(""), now_ms));
    assert_false(nonces_accept(n, STR_NONE, now_ms));
}

static void nonces_can_be_rotated_and_asked_for_at_resources(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    char nonce[NONCE_TEXT_MAX];
    snprintf(nonce, sizeof nonce, "%s", nonces_current(&t.sim->oauth.nonces, 1795341600000));
    assert_int_equal(ask_with_nonce(&t, nonce), 200);
    test_control(t.sim, "POST", "/_sim/nonces/rotate", NULL);
    assert_int_equal(ask_with_nonce(&t, nonce), 400);
    AUTO_MEM char *token = test_fetch(&t, "bound", TEST_FORM);
    test_control(t.sim, "POST", "/_sim/settings", "{\"nonce_at_resource\":true}");
    AUTO_MEM char *without = test_proof(&t, &(struct test_proof){"GET", LOGS_URL, NULL, token});
    AUTO_FINI(test_answer) struct test_answer a = get(&t, LOGS, "DPoP", token, without);
    expect_challenge(&a, 401, DPOP, LOGS_SCOPE,
                     "error=\"use_dpop_nonce\", error_description=\"Authorization server requires "
                     "nonce in DPoP proof.\"" AT_LOGS);
    const char *given = test_header(&a, "dpop-nonce");
    assert_non_null(given);
    AUTO_MEM char *with = test_proof(&t, &(struct test_proof){"GET", LOGS_URL, given, token});
    AUTO_FINI(test_answer) struct test_answer b = get(&t, LOGS, "DPoP", token, with);
    assert_int_equal(b.reply.status, 200);
}

static void tokens_can_be_dead_on_arrival_or_die_by_a_fault(void **state) {
    (void)state;
    AUTO_FINI(oauth_test) struct oauth_test t = oauth_test_make();
    test_control(t.sim, "POST", "/_sim/faults", "{\"kind\":\"dead_token\"}");
    AUTO_MEM char *dead = test_fetch(&t, "plain", TEST_FORM);
    AUTO_FINI(test_answer) struct test_answer a = get(&t, LOGS, "Bearer", dead, NULL);
    assert_int_equal(a.reply.status, 401);
    AUTO_MEM char *alive = test_fetch(&t, "plain", TEST_FORM);
    test_control(t.sim, "POST", "/_sim/faults", "{\"kind\":\"expired_token\"}");
    AUTO_FINI(test_answer) struct test_answer b = test_get(t.sim, LOGS);
    assert_int_equal(b.reply.status, 200);
    AUTO_FINI(test_answer) struct test_answer c = get(&t, LOGS, "Bearer", alive, NULL);
    assert_int_equal(c.reply.status, 401);
    AUTO_FINI(test_answer) struct test_answer d = get(&t, LOGS, "Bearer", alive, NULL);
    assert_int_equal(d.reply.status, 200);
}

static void what_was_spent_is_remembered_while_it_could_pass(void **state) {
    (void)state;
    struct memo m = {.entries = NULL};
    for (uint64_t i = 0; i < 5000; i++)
        assert_int_equal(memo_add(&m, (struct hash128){i * 7919, i}, (int64_t)i, NULL, 0), 0);
    assert_null(memo_find(&m, (struct hash128){0, 0}, 0));
    for (uint64_t i = 1; i < 5000; i++) {
        assert_non_null(memo_find(&m, (struct hash128){i * 7919, i}, (int64_t)i - 1));
        assert_null(memo_find(&m, (struct hash128){i * 7919, i}, (int64_t)i));
    }
    // What is over makes room.
    size_t cap = m.cap;
    for (uint64_t i = 0; i < 100000; i++)
        assert_int_equal(
            memo_add(&m, (struct hash128){i, i + 5000}, (int64_t)i + 10, NULL, (int64_t)i + 5000),
            0);
    assert_true(m.cap <= cap);
    memo_fini(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bearer_token_opens_what_its_scopes_name),
        cmocka_unit_test(an_api_token_may_follow_its_scheme_without_a_blank),
        cmocka_unit_test(tokens_that_are_no_good_are_refused_without_a_body),
        cmocka_unit_test(a_token_lives_as_long_as_was_said_by_our_clock),
        cmocka_unit_test(a_token_is_worth_what_its_app_is),
        cmocka_unit_test(a_bound_token_needs_a_fresh_proof_for_each_request),
        cmocka_unit_test(a_proof_is_spent_by_a_request_over_the_limit),
        cmocka_unit_test(several_proofs_are_one_too_many),
        cmocka_unit_test(a_proof_of_another_key_does_not_open),
        cmocka_unit_test(each_fault_of_a_proof_has_its_description),
        cmocka_unit_test(a_proof_with_private_members_or_another_s_signature_is_refused),
        cmocka_unit_test(an_app_that_wants_no_proof_does_not_look_at_it),
        cmocka_unit_test(the_url_of_a_proof_is_compared_with_the_decoded_path),
        cmocka_unit_test(the_hash_must_be_of_the_token),
        cmocka_unit_test(nonces_last_three_days_and_one_is_given_out_for_one),
        cmocka_unit_test(nonces_can_be_rotated_and_asked_for_at_resources),
        cmocka_unit_test(tokens_can_be_dead_on_arrival_or_die_by_a_fault),
        cmocka_unit_test(what_was_spent_is_remembered_while_it_could_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
