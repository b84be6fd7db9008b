// SPDX-License-Identifier: Apache-2.0
// What is signed for Okta, taken apart again and verified with the public key.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/jws.h"
#include "okta/assertion.h"
#include "json/read.h"

static const int64_t now_ms = INT64_C(1795341600000);

struct opened {
    struct crypto_jws jws;
    struct json_reader *header_reader, *payload_reader;
    const struct json *header, *payload;
};

static void open_jwt(struct opened *o, struct buf *text) {
    struct fault fault = {{0}};
    *o = (struct opened){.header = NULL};
    assert_int_equal(json_reader_new(&o->header_reader), 0);
    assert_int_equal(json_reader_new(&o->payload_reader), 0);
    assert_int_equal(text->error, 0);
    assert_int_equal(crypto_jws_parse(&o->jws, buf_str(text), &fault), 0);
    assert_int_equal(json_read(o->header_reader, buf_str(&o->jws.header), &o->header, &fault), 0);
    assert_int_equal(json_read(o->payload_reader, buf_str(&o->jws.payload), &o->payload, &fault),
                     0);
}

static void close_jwt(struct opened *o) {
    crypto_jws_fini(&o->jws);
    json_reader_free(o->header_reader);
    json_reader_free(o->payload_reader);
}

static void is_text(const struct json *object, const char *name, const char *value) {
    struct str s = json_str(json_get(object, name));
    if (!str_eqz(s, value)) fail_msg("%s is %.*s, not %s", name, STR_ARG(s), value);
}

static int64_t number(const struct json *object, const char *name) {
    int64_t value = -1;
    assert_true(json_i64(json_get(object, name), &value));
    return value;
}

struct kind_row {
    enum crypto_kind kind;
    const char *alg;
};

static const struct kind_row kinds[] = {
    {CRYPTO_RSA_2048, "RS256"},
    {CRYPTO_P256, "ES256"},
    {CRYPTO_P384, "ES384"},
    {CRYPTO_P521, "ES512"},
};

static void an_assertion_says_what_okta_wants_and_verifies(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(kinds); i++) {
        AUTO(crypto_key) struct crypto_key *key = NULL;
        AUTO_FINI(buf) struct buf text = buf_make(10000);
        struct opened o;
        assert_int_equal(crypto_key_generate(&key, kinds[i].kind), 0);
        assert_int_equal(
            okta_assertion(&text, key, "0oaTest", "https://acme.okta.com/oauth2/v1/token", now_ms),
            0);
        open_jwt(&o, &text);
        is_text(o.header, "alg", kinds[i].alg);
        is_text(o.payload, "iss", "0oaTest");
        is_text(o.payload, "sub", "0oaTest");
        is_text(o.payload, "aud", "https://acme.okta.com/oauth2/v1/token");
        assert_in_range(number(o.payload, "iat"), now_ms / 1000 - 60, now_ms / 1000 - 1);
        assert_in_range(number(o.payload, "exp"), now_ms / 1000 + 60, now_ms / 1000 + 3600);
        assert_true(json_str(json_get(o.payload, "jti")).n >= 16);
        assert_int_equal(crypto_jws_verify(&o.jws, key, crypto_key_alg(key)), 0);
        close_jwt(&o);
    }
}

static void the_kid_of_a_jwk_is_in_the_header_and_a_pem_has_none(void **state) {
    (void)state;
    AUTO(crypto_key) struct crypto_key *made = NULL;
    AUTO(crypto_key) struct crypto_key *key = NULL;
    AUTO_FINI(buf) struct buf jwk = buf_make(20000), text = buf_make(10000);
    AUTO_FINI(buf) struct buf plain = buf_make(10000);
    struct opened o;
    struct fault fault = {{0}};
    assert_int_equal(crypto_key_generate(&made, CRYPTO_P256), 0);
    assert_int_equal(crypto_key_private_jwk(made, &jwk), 0);
    assert_int_equal(crypto_key_from_jwk(&key, buf_str(&jwk), &fault), 0);
    assert_int_equal(okta_assertion(&text, key, "c", "https://a/oauth2/v1/token", now_ms), 0);
    open_jwt(&o, &text);
    struct str kid = json_str(json_get(o.header, "kid"));
    assert_true(kid.n > 0 && str_eq(kid, crypto_key_kid(key)));
    close_jwt(&o);
    assert_int_equal(okta_assertion(&plain, made, "c", "https://a/oauth2/v1/token", now_ms), 0);
    open_jwt(&o, &plain);
    if (crypto_key_kid(made).n == 0) assert_null(json_get(o.header, "kid"));
    close_jwt(&o);
}

static void no_two_are_alike(void **state) {
    (void)state;
    AUTO(crypto_key) struct crypto_key *key = NULL;
    struct str jtis[2];
    struct opened o[2];
    AUTO_FINI(buf) struct buf a = buf_make(10000), b = buf_make(10000);
    struct buf *texts[2] = {&a, &b};
    assert_int_equal(crypto_key_generate(&key, CRYPTO_P256), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(okta_assertion(texts[i], key, "c", "https://a/t", now_ms), 0);
        open_jwt(&o[i], texts[i]);
        jtis[i] = json_str(json_get(o[i].payload, "jti"));
    }
    assert_false(str_eq(jtis[0], jtis[1]));
    close_jwt(&o[0]);
    close_jwt(&o[1]);
}

static void a_proof_carries_the_public_key_and_what_the_request_is(void **state) {
    (void)state;
    AUTO(crypto_key) struct crypto_key *key = NULL;
    AUTO(crypto_key) struct crypto_key *public = NULL;
    AUTO_FINI(buf) struct buf text = buf_make(10000), jwk = buf_make(10000);
    struct opened o;
    struct fault fault = {{0}};
    // RFC 9449 section 7's token; its ath is given there.
    const struct okta_proof proof = {
        .method = "GET",
        .url = "https://acme.okta.com/api/v1/logs?limit=1&since=x#y",
        .token = STR("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
        .nonce = STR("eyJ7S_zG.eyJH0-Z.HX4w-7v"),
        .okta_now_ms = now_ms,
    };
    assert_int_equal(crypto_key_generate(&key, CRYPTO_RSA_2048), 0);
    assert_int_equal(okta_dpop_proof(&text, key, &proof), 0);
    open_jwt(&o, &text);
    is_text(o.header, "typ", "dpop+jwt");
    is_text(o.header, "alg", "RS256");
    is_text(o.payload, "htm", "GET");
    is_text(o.payload, "htu", "https://acme.okta.com/api/v1/logs");
    is_text(o.payload, "nonce", "eyJ7S_zG.eyJH0-Z.HX4w-7v");
    is_text(o.payload, "ath", "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    assert_true(json_str(json_get(o.payload, "jti")).n >= 16);
    assert_in_range(number(o.payload, "iat"), now_ms / 1000 - 60, now_ms / 1000 - 1);
    const struct json *embedded = json_get(o.header, "jwk");
    static const char *const secret[] = {"d", "p", "q", "dp", "dq", "qi", "k"};
    for (size_t i = 0; i < LEN(secret); i++) assert_null(json_get(embedded, secret[i]));
    assert_int_equal(crypto_key_public_jwk(key, false, &jwk), 0);
    assert_int_equal(crypto_key_from_jwk(&public, buf_str(&jwk), &fault), 0);
    assert_int_equal(crypto_jws_verify(&o.jws, public, CRYPTO_RS256), 0);
    close_jwt(&o);
}

static void a_proof_for_the_token_endpoint_has_no_ath_and_maybe_no_nonce(void **state) {
    (void)state;
    AUTO(crypto_key) struct crypto_key *key = NULL;
    AUTO_FINI(buf) struct buf text = buf_make(10000);
    struct opened o;
    const struct okta_proof proof = {
        .method = "POST", .url = "https://a.okta.com/oauth2/v1/token", .okta_now_ms = now_ms};
    assert_int_equal(crypto_key_generate(&key, CRYPTO_P256), 0);
    assert_int_equal(okta_dpop_proof(&text, key, &proof), 0);
    open_jwt(&o, &text);
    assert_null(json_get(o.payload, "ath"));
    assert_null(json_get(o.payload, "nonce"));
    close_jwt(&o);
}

struct htu_row {
    const char *url, *htu;
};

// Okta compares with the decoded path (okta-api section 3.7).
static const struct htu_row htus[] = {
    {"https://a.okta.com/api/v1/logs", "https://a.okta.com/api/v1/logs"},
    {"https://A.Okta.com:443/api/v1/logs?x=%41", "https://a.okta.com/api/v1/logs"},
    {"http://127.0.0.1:8080/x?y", "http://127.0.0.1:8080/x"},
    {"http://127.0.0.1:80/x", "http://127.0.0.1/x"},
    {"https://a.okta.com:8443#f", "https://a.okta.com:8443/"},
    {"https://a.okta.com/users/joe%40acme.com/x%2Fy", "https://a.okta.com/users/joe@acme.com/x/y"},
    {"https://a.okta.com/a%zz%4", "https://a.okta.com/a%zz%4"},
    {"https://a.okta.com?q=/x", "https://a.okta.com/"},
};

static void htu_is_without_query_over_the_decoded_path(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(htus); i++) {
        AUTO_FINI(buf) struct buf text = buf_make(10000);
        assert_int_equal(okta_htu(&text, str_from(htus[i].url)), 0);
        assert_string_equal(buf_z(&text), htus[i].htu);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_assertion_says_what_okta_wants_and_verifies),
        cmocka_unit_test(the_kid_of_a_jwk_is_in_the_header_and_a_pem_has_none),
        cmocka_unit_test(no_two_are_alike),
        cmocka_unit_test(a_proof_carries_the_public_key_and_what_the_request_is),
        cmocka_unit_test(a_proof_for_the_token_endpoint_has_no_ath_and_maybe_no_nonce),
        cmocka_unit_test(htu_is_without_query_over_the_decoded_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
