// SPDX-License-Identifier: Apache-2.0
// RFC 7515's, 7517's, 7638's and 9449's keys, and what is no key or not one that Okta takes.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "crypto/digest.h"
#include "crypto/jws.h"

#include "keys.h"
#include "vectors.h"

static void thumbprints_are_the_published_ones(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"{" KEYS_RSA_PUBLIC "}", KEYS_RSA_THUMBPRINT},
        {"{" KEYS_RSA_PUBLIC ",\"d\":\"" KEYS_RSA_D "\"}", KEYS_RSA_THUMBPRINT},
        {DPOP_JWK, DPOP_THUMBPRINT},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO(crypto_key) struct crypto_key *key = jwk(rows[i][0]);
        AUTO_FINI(buf) struct buf out = buf_make(1000);
        assert_int_equal(crypto_key_thumbprint(key, &out), 0);
        assert_text(buf_str(&out), rows[i][1]);
    }
}

// The private JWK without what describes it.
static void assert_private(const struct crypto_key *key, const char *members) {
    AUTO_FINI(buf) struct buf out = buf_make(20000);
    assert_int_equal(crypto_key_private_jwk(key, &out), 0);
    size_t at = str_find(buf_str(&out), STR(",\"kid\""));
    assert_text(str_sub(buf_str(&out), 0, at), members);
}

#define A2_WRITTEN                                                                                 \
    "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"" A2_N "\",\"d\":\"" A2_D "\"," A2_PRIMES

static void an_rsa_key_is_whole_with_its_primes_and_without(void **state) {
    (void)state;
    static const char *const rows[] = {A2_JWK, "{" A2_SHORT "}",
                                       "{" A2_SHORT ",\"p\":null,\"qi\":null}"};
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO(crypto_key) struct crypto_key *key = jwk(rows[i]);
        assert_string_equal(crypto_key_name(key), "RSA 2048");
        assert_private(key, A2_WRITTEN);
    }
}

static void the_primes_of_another_published_key_are_found_from_d(void **state) {
    (void)state;
    AUTO(crypto_key)
    struct crypto_key *key = jwk("{" KEYS_RSA_PUBLIC ",\"d\":\"" KEYS_RSA_D "\"}");
    AUTO_FINI(buf) struct buf out = buf_make(20000);
    assert_int_equal(crypto_key_private_jwk(key, &out), 0);
    assert_true(str_find(buf_str(&out), STR("\"p\":\"" KEYS_RSA_P "\"")) < out.n);
}

static void ec_keys_are_written_as_they_were_read(void **state) {
    (void)state;
    AUTO(crypto_key) struct crypto_key *small = jwk(A3_JWK);
    AUTO(crypto_key) struct crypto_key *large = jwk(A4_JWK);
    assert_private(small, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" A3_X "\",\"y\":\"" A3_Y
                          "\",\"d\":\"" A3_D "\"");
    assert_private(large, "{\"crv\":\"P-521\",\"kty\":\"EC\",\"x\":\"" A4_X "\",\"y\":\"" A4_Y
                          "\",\"d\":\"" A4_D "\"");
}

static void the_public_jwk_is_what_the_console_takes(void **state) {
    (void)state;
    AUTO(crypto_key) struct crypto_key *named = jwk("{" A3_PUBLIC ",\"kid\":\"k\\\"1\"}");
    AUTO(crypto_key) struct crypto_key *nameless = jwk(DPOP_JWK);
    AUTO_FINI(buf) struct buf out = buf_make(4000);
    assert_int_equal(crypto_key_public_jwk(named, true, &out), 0);
    assert_text(buf_str(&out), "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" A3_X "\",\"y\":\"" A3_Y
                               "\",\"kid\":\"k\\\"1\",\"use\":\"sig\",\"alg\":\"ES256\"}");
    buf_reset(&out);
    assert_int_equal(crypto_key_public_jwk(nameless, true, &out), 0);
    assert_true(str_find(buf_str(&out), STR("\"kid\":\"" DPOP_THUMBPRINT "\"")) < out.n);
    buf_reset(&out);
    assert_int_equal(crypto_key_public_jwk(named, false, &out), 0);
    assert_text(buf_str(&out),
                "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" A3_X "\",\"y\":\"" A3_Y "\"}");
}

static void nothing_private_is_in_the_public_jwk(void **state) {
    (void)state;
    static const char *const rows[] = {A2_JWK, A3_JWK, A4_JWK};
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO(crypto_key) struct crypto_key *key = jwk(rows[i]);
        AUTO_FINI(buf) struct buf out = buf_make(4000);
        assert_int_equal(crypto_key_public_jwk(key, true, &out), 0);
        AUTO(crypto_key) struct crypto_key *half = read_key(crypto_key_from_jwk, buf_str(&out));
        assert_false(crypto_key_is_private(half));
        AUTO_FINI(buf) struct buf secret = buf_make(20000);
        assert_int_equal(crypto_key_private_jwk(half, &secret), -EINVAL);
        assert_int_equal(crypto_key_private_pem(half, &secret), -EINVAL);
        assert_int_equal(secret.n, 0);
        static const char *const members[] = {"\"d\"",  "\"p\"",  "\"q\"",
                                              "\"dp\"", "\"dq\"", "\"qi\""};
        for (size_t m = 0; m < LEN(members); m++)
            assert_int_equal(str_find(buf_str(&out), str_from(members[m])), out.n);
    }
}

static void what_the_jwk_says_of_itself_is_remembered(void **state) {
    (void)state;
    AUTO(crypto_key)
    struct crypto_key *key = jwk(
        "{" A2_SHORT ",\"kid\":\"one\",\"use\":\"sig\",\"alg\":\"RS384\",\"key_ops\":[\"sign\"]}");
    assert_text(crypto_key_kid(key), "one");
    assert_int_equal(crypto_key_alg(key), CRYPTO_RS384);
    AUTO(crypto_key) struct crypto_key *empty = jwk("{" A2_SHORT ",\"kid\":\"\",\"alg\":null}");
    assert_null(crypto_key_kid(empty).p);
    assert_int_equal(crypto_key_alg(empty), CRYPTO_RS256);
}

static void a_set_with_one_key_is_that_key(void **state) {
    (void)state;
    AUTO(crypto_key) struct crypto_key *key = jwk("{\"keys\":[" A3_JWK "]}");
    assert_true(crypto_key_is_private(key));
    refused(crypto_key_from_jwk, STR("{\"keys\":[" A3_JWK "," A3_JWK "]}"), CRYPTO_E_NO_KEY,
            "holds 2");
    refused(crypto_key_from_jwk, STR("{\"keys\":[]}"), CRYPTO_E_NO_KEY, "exactly one key");
    refused(crypto_key_from_jwk, STR("{\"keys\":[1]}"), CRYPTO_E_NO_KEY, "not an object");
}

struct row {
    const char *text;
    int outcome;
    const char *words;
};

#define RSA_1024_N                                                                                 \
    "gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICA" \
    "gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIE"

static const struct row bad[] = {
    {"", CRYPTO_E_NO_KEY, "not JSON"},
    {"{", CRYPTO_E_NO_KEY, "not JSON"},
    {"[]", CRYPTO_E_NO_KEY, "not an object"},
    {"\"-----BEGIN\"", CRYPTO_E_NO_KEY, "not an object"},
    {"{}", CRYPTO_E_NO_KEY, "\"kty\""},
    {"{\"kty\":7}", CRYPTO_E_NO_KEY, "\"kty\""},
    {"{\"kty\":\"rsa\"}", CRYPTO_E_NO_KEY, "\"kty\""},
    {"{\"kty\":\"oct\",\"k\":\"AyM1\"}", CRYPTO_E_UNFIT, "symmetric"},
    {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}", CRYPTO_E_UNFIT, "OKP"},
    {"{\"kty\":\"EC\"}", CRYPTO_E_NO_KEY, "\"crv\" is missing"},
    {"{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" A3_X "\",\"y\":\"" A3_Y "\"}", CRYPTO_E_UNFIT,
     "another curve"},
    {"{\"kty\":\"EC\",\"crv\":\"P-256\"}", CRYPTO_E_NO_KEY, "\"x\" is missing"},
    {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" A3_X "\"}", CRYPTO_E_NO_KEY, "\"y\" is missing"},
    {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"" A3_Y "\"}", CRYPTO_E_NO_KEY,
     "\"x\" has 3 bytes; P-256 has 32"},
    {"{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" A3_X "\",\"y\":\"" A3_Y "\"}", CRYPTO_E_NO_KEY,
     "P-384 has 48"},
    {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" A3_Y "\",\"y\":\"" A3_X "\"}", CRYPTO_E_NO_KEY,
     "do not make a key"},
    {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" A3_X "\",\"y\":\"" A3_Y "\",\"d\":\"AA\"}",
     CRYPTO_E_NO_KEY, "\"d\" has 1 bytes"},
    {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" A3_X "\",\"y\":\"" A3_Y "\",\"d\":\"" A3_X "\"}",
     CRYPTO_E_NO_KEY, "do not belong together"},
    {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" A3_X "\",\"y\":\"" A3_Y "\",\"d\":7}",
     CRYPTO_E_NO_KEY, "\"d\" is not a string"},
    {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" A3_X "=\",\"y\":\"" A3_Y "\"}", CRYPTO_E_NO_KEY,
     "\"x\" is not base64url"},
    {"{" A3_PUBLIC ",\"use\":\"enc\"}", CRYPTO_E_UNFIT, "\"use\" is not sig"},
    {"{" KEYS_EC ",\"use\":\"enc\",\"kid\":\"1\"}", CRYPTO_E_UNFIT, "\"use\" is not sig"},
    {"{" A3_PUBLIC ",\"alg\":\"ES384\"}", CRYPTO_E_UNFIT,
     "\"alg\" does not fit its key (EC P-256: ES256)"},
    {"{" A3_PUBLIC ",\"alg\":\"RS256\"}", CRYPTO_E_UNFIT, "\"alg\" does not fit"},
    {"{" A2_PUBLIC ",\"alg\":\"PS256\"}", CRYPTO_E_UNFIT, "RS256, RS384, RS512"},
    {"{" A2_PUBLIC ",\"alg\":256}", CRYPTO_E_UNFIT, "\"alg\" does not fit"},
    {"{" A2_PUBLIC ",\"kid\":1}", CRYPTO_E_NO_KEY, "\"kid\" is not a string"},
    {"{" A2_PUBLIC ",\"kid\":\"a\\u0000b\"}", CRYPTO_E_NO_KEY, "\"kid\" is not a name"},
    {"{\"kty\":\"RSA\",\"e\":\"AQAB\"}", CRYPTO_E_NO_KEY, "\"n\" is missing"},
    {"{\"kty\":\"RSA\",\"n\":\"" A2_N "\"}", CRYPTO_E_NO_KEY, "\"e\" is missing"},
    {"{\"kty\":\"RSA\",\"n\":\"" A2_N "\",\"e\":\"\"}", CRYPTO_E_NO_KEY, "\"e\" is empty"},
    {"{\"kty\":\"RSA\",\"n\":\"" A2_N "\",\"e\":\"Ag\"}", CRYPTO_E_NO_KEY, "exponent must be odd"},
    {"{\"kty\":\"RSA\",\"n\":\"" A2_N "\",\"e\":\"AQ\"}", CRYPTO_E_NO_KEY, "exponent must be odd"},
    {"{\"kty\":\"RSA\",\"n\":\"" A2_N "\",\"e\":\"AQAAAAAAAAAB\"}", CRYPTO_E_NO_KEY, "below 2^64"},
    {"{\"kty\":\"RSA\",\"n\":\"" RSA_1024_N "\",\"e\":\"AQAB\"}", CRYPTO_E_UNFIT, "1024 bits"},
    {"{" A2_SHORT ",\"oth\":[]}", CRYPTO_E_UNFIT, "more than two primes"},
    {"{" A2_PUBLIC ",\"d\":\"" KEYS_RSA_D "\"}", CRYPTO_E_NO_KEY, "\"d\" does not belong"},
    {"{" A2_PUBLIC ",\"d\":\"AA\"}", CRYPTO_E_NO_KEY, "\"d\" does not belong"},
    {"{" A2_PUBLIC ",\"d\":\"AQ\"}", CRYPTO_E_NO_KEY, "\"d\" does not belong"},
    {"{" A2_SHORT ",\"p\":\"" A2_P "\"}", CRYPTO_E_NO_KEY, "\"q\" is missing"},
    {"{" A2_SHORT ",\"p\":\"" A2_P "\",\"q\":\"" A2_Q "\",\"dp\":\"" A2_DP "\",\"dq\":\"" A2_DQ
     "\"}",
     CRYPTO_E_NO_KEY, "\"qi\" is missing"},
    // The parts in each other's places.
    {"{" A2_SHORT ",\"p\":\"" A2_Q "\",\"q\":\"" A2_P "\",\"dp\":\"" A2_DP "\",\"dq\":\"" A2_DQ
     "\",\"qi\":\"" A2_QI "\"}",
     CRYPTO_E_NO_KEY, "do not belong together"},
    {"{" A2_SHORT ",\"p\":\"" A2_P "\",\"q\":\"" A2_Q "\",\"dp\":\"" A2_DQ "\",\"dq\":\"" A2_DP
     "\",\"qi\":\"" A2_QI "\"}",
     CRYPTO_E_NO_KEY, "do not belong together"},
    {"{" A2_SHORT ",\"p\":\"" A2_P "\",\"q\":\"" A2_Q "\",\"dp\":\"" A2_DP "\",\"dq\":\"" A2_DQ
     "\",\"qi\":\"" A2_DP "\"}",
     CRYPTO_E_NO_KEY, "do not belong together"},
    {"{" A2_SHORT ",\"p\":\"" KEYS_RSA_P "\",\"q\":\"" A2_Q "\",\"dp\":\"" A2_DP
     "\",\"dq\":\"" A2_DQ "\",\"qi\":\"" A2_QI "\"}",
     CRYPTO_E_NO_KEY, "do not belong together"},
    {"{" A2_PUBLIC ",\"d\":\"" KEYS_RSA_D "\"," A2_PRIMES "}", CRYPTO_E_NO_KEY,
     "do not belong together"},
};

// Of a key nothing may get into a message, which ends up in a log.
static void assert_says_nothing_of_the_key(const char *text) {
    static const char *const secrets[] = {A2_D, A2_P, A2_Q, A3_D, KEYS_RSA_D, "AyM1"};
    for (size_t i = 0; i < LEN(secrets); i++) {
        char part[8] = "";
        size_t n = strlen(secrets[i]) < 7 ? strlen(secrets[i]) : 7;
        memcpy(part, secrets[i], n);
        assert_null(strstr(text, part));
    }
}

static void bad_keys_are_refused_with_the_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(bad); i++) {
        struct crypto_key *key = NULL;
        struct fault fault = {{0}};
        refused(crypto_key_from_jwk, str_from(bad[i].text), bad[i].outcome, bad[i].words);
        assert_int_equal(crypto_key_from_jwk(&key, str_from(bad[i].text), NULL), bad[i].outcome);
        assert_int_equal(crypto_key_from_jwk(&key, str_from(bad[i].text), &fault), bad[i].outcome);
        assert_says_nothing_of_the_key(fault.text);
    }
}

static void keys_that_are_too_long_are_refused_before_they_cost_anything(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    buf_addz(&text, "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"");
    size_t member = text.n;
    while (text.n < member + 1026 / 3 * 4) buf_addz(&text, "____");
    buf_addz(&text, "\"}");
    refused(crypto_key_from_jwk, buf_str(&text), CRYPTO_E_UNFIT, "at most 8192");
    buf_cut(&text, text.n - 2);
    while (text.n < 30000) buf_addz(&text, "____");
    buf_addz(&text, "\"}");
    refused(crypto_key_from_jwk, buf_str(&text), CRYPTO_E_NO_KEY, "\"n\" is too long");
    while (text.n < 70000) buf_addz(&text, "    ");
    refused(crypto_key_from_jwk, buf_str(&text), CRYPTO_E_NO_KEY, "longer than");
}

static void a_zero_byte_in_front_of_a_number_is_no_harm(void **state) {
    (void)state;
    AUTO(crypto_key)
    struct crypto_key *key =
        jwk("{\"kty\":\"RSA\",\"n\":\"" A2_N "\",\"e\":\"AAEAAQ\",\"d\":\"" A2_D "\"}");
    assert_private(key, A2_WRITTEN);
}

// ---- from d alone, for keys of our own

// A key of OpenSSL's making with an uncommon exponent, as a JWK of n, e and d.
static void write_short(const EVP_PKEY *pkey, struct buf *out) {
    static const char *const names[][2] = {{"{\"kty\":\"RSA\",\"n\":\"", OSSL_PKEY_PARAM_RSA_N},
                                           {"\",\"e\":\"", OSSL_PKEY_PARAM_RSA_E},
                                           {"\",\"d\":\"", OSSL_PKEY_PARAM_RSA_D}};
    for (size_t i = 0; i < LEN(names); i++) {
        BIGNUM *number = NULL;
        unsigned char bytes[1024];
        assert_int_equal(EVP_PKEY_get_bn_param(pkey, names[i][1], &number), 1);
        int n = BN_bn2bin(number, bytes);
        BN_free(number);
        buf_addz(out, names[i][0]);
        crypto_base64url(out, (struct str){(const char *)bytes, (size_t)n});
    }
    buf_addz(out, "\"}");
}

static EVP_PKEY *make_rsa(unsigned long exponent) {
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *e = BN_new();
    BN_set_word(e, exponent);
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048), 1);
    assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e), 1);
    assert_int_equal(EVP_PKEY_generate(ctx, &pkey), 1);
    BN_free(e);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static void the_primes_are_found_for_every_exponent(void **state) {
    (void)state;
    static const unsigned long exponents[] = {3, 17, 65537, 4294967297UL};
    for (size_t i = 0; i < LEN(exponents); i++) {
        EVP_PKEY *pkey = make_rsa(exponents[i]);
        AUTO_FINI(buf) struct buf text = buf_make(10000);
        write_short(pkey, &text);
        EVP_PKEY_free(pkey);
        AUTO(crypto_key) struct crypto_key *key = read_key(crypto_key_from_jwk, buf_str(&text));
        AUTO_FINI(buf) struct buf out = buf_make(10000);
        assert_int_equal(crypto_jws_sign(&out, key, CRYPTO_RS256, STR("{}"), STR("{}")), 0);
        AUTO_FINI(crypto_jws) struct crypto_jws jws = {.signed_part = STR_NONE};
        assert_int_equal(crypto_jws_parse(&jws, buf_str(&out), NULL), 0);
        assert_int_equal(crypto_jws_verify(&jws, key, CRYPTO_RS256), 0);
    }
}

static void freeing_nothing_is_fine(void **state) {
    (void)state;
    assert_null(crypto_key_free(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thumbprints_are_the_published_ones),
        cmocka_unit_test(an_rsa_key_is_whole_with_its_primes_and_without),
        cmocka_unit_test(the_primes_of_another_published_key_are_found_from_d),
        cmocka_unit_test(ec_keys_are_written_as_they_were_read),
        cmocka_unit_test(the_public_jwk_is_what_the_console_takes),
        cmocka_unit_test(nothing_private_is_in_the_public_jwk),
        cmocka_unit_test(what_the_jwk_says_of_itself_is_remembered),
        cmocka_unit_test(a_set_with_one_key_is_that_key),
        cmocka_unit_test(bad_keys_are_refused_with_the_reason),
        cmocka_unit_test(keys_that_are_too_long_are_refused_before_they_cost_anything),
        cmocka_unit_test(a_zero_byte_in_front_of_a_number_is_no_harm),
        cmocka_unit_test(the_primes_are_found_for_every_exponent),
        cmocka_unit_test(freeing_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
