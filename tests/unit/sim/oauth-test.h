// SPDX-License-Identifier: Apache-2.0
#ifndef OAUTH_TEST_H
#define OAUTH_TEST_H
// A simulator with apps, and a client that makes assertions and proofs for it. The clock stands at
// TEST_S.

#include "sim-test.h"

#include "crypto/digest.h"
#include "crypto/jws.h"

#define TEST_NOW "2026-11-22T10:00:00Z"
#define TEST_S "1795341600"
#define TEST_URL "http://org.test/oauth2/v1/token"
#define TEST_TYPE "urn%%3Aietf%%3Aparams%%3Aoauth%%3Aclient-assertion-type%%3Ajwt-bearer"

struct oauth_test {
    struct sim *sim;
    struct crypto_key *app_key, *other_key, *proof_key;
    unsigned n; // makes ids differ
};

static inline void oauth_test_fini(struct oauth_test *t) {
    sim_free(t->sim);
    crypto_key_free(t->app_key);
    crypto_key_free(t->other_key);
    crypto_key_free(t->proof_key);
}
DEFINE_AUTO_FINI(oauth_test)

// `keys` is put between the brackets of jwks.keys, `more` behind the last member.
static inline void test_add_app(struct oauth_test *t, const char *client_id, const char *keys,
                                const char *more) {
    AUTO_FINI(buf) struct buf body = buf_make(1 << 16);
    buf_addf(&body,
             "{\"client_id\":\"%s\",\"scopes\":[\"okta.logs.read\",\"okta.users.read\"],"
             "\"jwks\":{\"keys\":[%s]}%s}",
             client_id, keys, more);
    test_control(t->sim, "POST", "/_sim/apps", buf_z(&body));
}

// The public JWK with a kid.
static inline void test_jwk(const struct crypto_key *key, const char *kid, char ret[2048]) {
    AUTO_FINI(buf) struct buf jwk = buf_make(2000);
    assert_int_equal(crypto_key_public_jwk(key, false, &jwk), 0);
    assert_int_equal(jwk.error, 0);
    if (kid) snprintf(ret, 2048, "%.*s,\"kid\":\"%s\"}", (int)jwk.n - 1, jwk.p, kid);
    else snprintf(ret, 2048, "%.*s", (int)jwk.n, jwk.p);
}

// Apps: "plain" (kid k1), "bound" (the same key, with DPoP).
static inline struct oauth_test oauth_test_make(void) {
    struct oauth_test t = {.sim = test_sim(TEST_NOW)};
    char jwk[2048];
    assert_int_equal(crypto_key_generate(&t.app_key, CRYPTO_P256), 0);
    assert_int_equal(crypto_key_generate(&t.other_key, CRYPTO_P256), 0);
    assert_int_equal(crypto_key_generate(&t.proof_key, CRYPTO_P384), 0);
    test_jwk(t.app_key, "k1", jwk);
    test_add_app(&t, "plain", jwk, "");
    test_add_app(&t, "bound", jwk, ",\"dpop\":true");
    return t;
}

// Compact; ended by NUL. The caller frees.
static inline char *test_sign(const struct crypto_key *key, const char *header,
                              const char *claims) {
    AUTO_FINI(buf) struct buf out = buf_make(1 << 16);
    int e = crypto_jws_sign(&out, key, crypto_key_alg(key), str_from(header), str_from(claims));
    assert_int_equal(e, 0);
    char *text = buf_take(&out);
    assert_non_null(text);
    return text;
}

// A good assertion of an app, fresh at every call.
static inline char *test_assertion(struct oauth_test *t, const char *client_id) {
    char claims[512];
    snprintf(claims, sizeof claims,
             "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"" TEST_URL "\",\"iat\":" TEST_S
             ",\"exp\":1795341900,\"jti\":\"a%u\"}",
             client_id, client_id, t->n++);
    return test_sign(t->app_key, "{\"alg\":\"ES256\",\"kid\":\"k1\"}", claims);
}

struct test_proof {
    const char *method, *url, *nonce, *token;
};

// A good proof, fresh at every call.
static inline char *test_proof(struct oauth_test *t, const struct test_proof *p) {
    AUTO_FINI(buf) struct buf claims = buf_make(8192);
    AUTO_FINI(buf) struct buf header = buf_make(4096);
    char jwk[2048];
    uint8_t digest[CRYPTO_SHA256_BYTES];
    test_jwk(t->proof_key, NULL, jwk);
    buf_addf(&header, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES384\",\"jwk\":%s}", jwk);
    buf_addf(&claims, "{\"htm\":\"%s\",\"htu\":\"%s\",\"iat\":" TEST_S ",\"jti\":\"p%u\"",
             p->method, p->url, t->n++);
    if (p->nonce) buf_addf(&claims, ",\"nonce\":\"%s\"", p->nonce);
    if (p->token) {
        assert_int_equal(crypto_sha256(str_from(p->token), digest), 0);
        buf_addz(&claims, ",\"ath\":\"");
        crypto_base64url(&claims, (struct str){(const char *)digest, sizeof digest});
        buf_addc(&claims, '"');
    }
    buf_addc(&claims, '}');
    return test_sign(t->proof_key, buf_z(&header), buf_z(&claims));
}

// A token request with this form, and an assertion behind it unless that is NULL.
static inline struct test_answer test_token(struct oauth_test *t, const char *form,
                                            const char *assertion, const char *proof) {
    AUTO_FINI(buf) struct buf body = buf_make(1 << 16);
    buf_addz(&body, form);
    if (assertion)
        buf_addf(&body, "&client_assertion_type=" TEST_TYPE "&client_assertion=%s", assertion);
    struct test_ask ask = {.method = "POST",
                           .url = "/oauth2/v1/token",
                           .content_type = "application/x-www-form-urlencoded",
                           .content_length = "1",
                           .proof = proof,
                           .body = buf_z(&body)};
    return test_send(t->sim, &ask);
}

#define TEST_FORM "grant_type=client_credentials&scope=okta.logs.read"

// A string member of a JSON body, ended by NUL. The caller frees.
static inline char *test_member(const struct test_answer *a, const char *key) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v;
    assert_int_equal(json_reader_new(&reader), 0);
    assert_int_equal(json_read(reader, buf_str(&a->reply.body), &v, NULL), 0);
    struct str text = json_str(json_get(v, key));
    assert_non_null(text.p);
    char *copy = mem_copy(text.p, text.n);
    assert_non_null(copy);
    return copy;
}

static inline void test_expect_error(const struct test_answer *a, int status, const char *error,
                                     const char *description) {
    if (a->reply.status != status || !test_has(a, error) || !test_has(a, description))
        print_error("wanted %d %s %s, got %d %.*s\n", status, error, description, a->reply.status,
                    STR_ARG(buf_str(&a->reply.body)));
    assert_int_equal(a->reply.status, status);
    assert_true(test_has(a, error));
    assert_true(test_has(a, description));
}

// An access token of that app. The caller frees.
static inline char *test_fetch(struct oauth_test *t, const char *client_id, const char *form) {
    AUTO_MEM char *assertion = test_assertion(t, client_id);
    AUTO_MEM char *proof = test_proof(
        t, &(struct test_proof){"POST", TEST_URL,
                                nonces_current(&t->sim->oauth.nonces, 1795341600000), NULL});
    AUTO_FINI(test_answer) struct test_answer a = test_token(t, form, assertion, proof);
    if (a.reply.status != 200) print_error("%.*s\n", STR_ARG(buf_str(&a.reply.body)));
    assert_int_equal(a.reply.status, 200);
    return test_member(&a, "access_token");
}

#endif
