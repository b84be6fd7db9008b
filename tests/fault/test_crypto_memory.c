// SPDX-License-Identifier: Apache-2.0
// As test_memory, for the room `crypto`: OpenSSL's allocations are counted and fail, too. Each
// scenario has gone through once before, so that what OpenSSL makes once and keeps is there.
//
// OpenSSL does not always say that memory was what it lacked. So a key may be refused, a signature
// may not verify and a key may not be made (-EIO); but what was said to have worked has worked.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/crypto.h>

#include "base/hash.h"
#include "crypto/jws.h"
#include "crypto/seal.h"

#include "failmalloc.h"
#include "vectors.h"

enum { ATTEMPTS_MAX = 100000, TEXT_MAX = 1 << 16 };

static bool is_allowed(int e) {
    return e == 0 || e == -ENOMEM || e == -EIO || e == CRYPTO_E_NO_KEY || e == CRYPTO_E_UNFIT ||
           e == CRYPTO_E_BAD_SIGNATURE;
}

static bool is_first_run;

// An outcome that nothing may lead to.
enum { WRONG = -1 };

static void fail_each(int (*scenario)(void)) {
    is_first_run = true;
    assert_int_equal(scenario(), 0);
    is_first_run = false;
    assert_int_equal(scenario(), 0);
    for (long n = 1; n < ATTEMPTS_MAX; n++) {
        failmalloc_arm(n);
        int e = scenario();
        long count = failmalloc_disarm();
        if (!is_allowed(e)) fail_msg("allocation %ld failed: outcome %d", n, e);
        if (count >= n) continue;
        assert_int_equal(e, 0);
        assert_true(n > 1);
        return;
    }
    fail_msg("never got through");
}

// Written without a failure means written as it was when there was memory enough.
static int check_text(struct str jwk, struct str pem, struct str thumbprint) {
    static uint64_t good; // of this scenario, from its first run
    uint64_t now = hash64(jwk, hash64(pem, hash64(thumbprint, 0)));
    if (is_first_run) good = now;
    return now == good ? 0 : WRONG;
}

static int write_and_read_again(const struct crypto_key *key) {
    AUTO_FINI(buf) struct buf jwk = buf_make(TEXT_MAX);
    AUTO_FINI(buf) struct buf pem = buf_make(TEXT_MAX);
    AUTO_FINI(buf) struct buf thumbprint = buf_make(TEXT_MAX);
    AUTO(crypto_key) struct crypto_key *again = NULL;
    int e = crypto_key_private_jwk(key, &jwk);
    if (e == 0) e = crypto_key_private_pem(key, &pem);
    if (e == 0) e = crypto_key_public_pem(key, &pem);
    if (e == 0) e = crypto_key_thumbprint(key, &thumbprint);
    if (e == 0) e = crypto_key_from_jwk(&again, buf_str(&jwk), NULL);
    if (e == 0) e = thumbprint.error;
    return e ? e : check_text(buf_str(&jwk), buf_str(&pem), buf_str(&thumbprint));
}

static int from_jwk(const char *text) {
    AUTO(crypto_key) struct crypto_key *key = NULL;
    int e = crypto_key_from_jwk(&key, str_from(text), NULL);
    return e ? e : write_and_read_again(key);
}

// The long way of an RSA key: its primes are looked for.
static int rsa_jwk_without_primes(void) {
    AUTO(crypto_key) struct crypto_key *key = NULL;
    AUTO_FINI(buf) struct buf jwk = buf_make(TEXT_MAX);
    int e = crypto_key_from_jwk(&key, STR("{" A2_SHORT "}"), NULL);
    if (e == 0) e = crypto_key_private_jwk(key, &jwk);
    return e ? e : check_text(buf_str(&jwk), STR_NONE, STR_NONE);
}
static int ec_jwk(void) { return from_jwk(A3_JWK); }

static struct buf pems[2]; // made before anything fails

static int from_pem(void) {
    for (size_t i = 0; i < LEN(pems); i++) {
        AUTO(crypto_key) struct crypto_key *key = NULL;
        int e = crypto_key_from_pem(&key, buf_str(&pems[i]), NULL);
        if (e) return e;
    }
    return 0;
}

static const struct crypto_key *keys[2];

static int sign_and_verify(const struct crypto_key *key) {
    AUTO_FINI(buf) struct buf out = buf_make(TEXT_MAX);
    AUTO_FINI(crypto_jws) struct crypto_jws jws = {.signed_part = STR_NONE};
    enum crypto_alg alg = crypto_key_alg(key);
    int e = crypto_jws_sign(&out, key, alg, STR("{}"), STR("{}"));
    if (e == 0) e = crypto_jws_parse(&jws, buf_str(&out), NULL);
    return e ? e : crypto_jws_verify(&jws, key, alg);
}

static int signing_by_rsa(void) { return sign_and_verify(keys[0]); }
static int signing_by_ec(void) { return sign_and_verify(keys[1]); }

static int making_ec(void) {
    AUTO(crypto_key) struct crypto_key *key = NULL;
    return crypto_key_generate(&key, CRYPTO_P256);
}

static int sealing(void) {
    AUTO(crypto_sealer) struct crypto_sealer *s = NULL;
    AUTO_FINI(buf) struct buf sealed = buf_make(TEXT_MAX);
    AUTO_FINI(buf) struct buf value = buf_make(TEXT_MAX);
    int e = crypto_sealer_new(
        &s, STR("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"), NULL);
    if (e == 0) e = crypto_seal(s, STR("name"), STR("value"), &sealed);
    if (e == 0) e = crypto_unseal(s, STR("name"), buf_str(&sealed), &value);
    if (e == 0) e = value.error;
    return e || str_eqz(buf_str(&value), "value") ? e : WRONG;
}

static void reading_and_writing_rsa_keys(void **state) {
    (void)state;
    fail_each(rsa_jwk_without_primes);
}

static void reading_and_writing_ec_keys(void **state) {
    (void)state;
    fail_each(ec_jwk);
}

static void reading_pem(void **state) {
    (void)state;
    fail_each(from_pem);
}

static void signing_and_verifying(void **state) {
    (void)state;
    fail_each(signing_by_rsa);
    fail_each(signing_by_ec);
}

// What one failure leaves behind in the key must not spoil the next signature. Where in the life of
// OpenSSL's blinding factors a failure strikes shifts from round to round.
static void after_a_failed_signature_the_next_is_right(void **state) {
    enum { ROUNDS = 6, ALLOCATIONS = 60 };
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        for (long n = 1; n < ALLOCATIONS; n++) {
            failmalloc_arm(n);
            int e = signing_by_rsa();
            (void)failmalloc_disarm();
            assert_true(is_allowed(e));
            assert_int_equal(signing_by_rsa(), 0);
        }
    }
}

static void making_a_key(void **state) {
    (void)state;
    fail_each(making_ec);
}

static void sealing_and_opening(void **state) {
    (void)state;
    fail_each(sealing);
}

static int make_keys(void **state) {
    static const char *const texts[] = {A2_JWK, A3_JWK};
    (void)state;
    for (size_t i = 0; i < LEN(texts); i++) {
        struct crypto_key *key = NULL;
        pems[i] = buf_make(TEXT_MAX);
        if (crypto_key_from_jwk(&key, str_from(texts[i]), NULL)) return -1;
        keys[i] = key;
        if (crypto_key_private_pem(key, &pems[i])) return -1;
    }
    return 0;
}

static int free_keys(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(keys); i++) {
        crypto_key_free((struct crypto_key *)(uintptr_t)keys[i]);
        buf_fini(&pems[i]);
    }
    return 0;
}

static void *ask(size_t n, const char *file, int line) {
    (void)file, (void)line;
    return malloc(n);
}

static void *ask_again(void *p, size_t n, const char *file, int line) {
    (void)file, (void)line;
    return realloc(p, n);
}

static void give_back(void *p, const char *file, int line) {
    (void)file, (void)line;
    free(p);
}

int main(void) {
    if (!CRYPTO_set_mem_functions(ask, ask_again, give_back)) return 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_and_writing_rsa_keys),
        cmocka_unit_test(reading_and_writing_ec_keys),
        cmocka_unit_test(reading_pem),
        cmocka_unit_test(signing_and_verifying),
        cmocka_unit_test(after_a_failed_signature_the_next_is_right),
        cmocka_unit_test(making_a_key),
        cmocka_unit_test(sealing_and_opening),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
