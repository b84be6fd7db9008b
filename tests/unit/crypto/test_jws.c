// SPDX-License-Identifier: Apache-2.0
// RFC 7515's and RFC 9449's signatures, and our own by every algorithm.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/jws.h"

#include "keys.h"
#include "vectors.h"

static int verify(const char *jws_text, const struct crypto_key *key, enum crypto_alg alg) {
    AUTO_FINI(crypto_jws) struct crypto_jws jws = {.signed_part = STR_NONE};
    struct fault fault = {{0}};
    int r = crypto_jws_parse(&jws, str_from(jws_text), &fault);
    if (r) fail_msg("%s", fault.text);
    return crypto_jws_verify(&jws, key, alg);
}

static void rfc_7515_a_2_is_made_to_the_letter(void **state) {
    (void)state;
    AUTO(crypto_key) struct crypto_key *key = jwk(A2_JWK);
    AUTO_FINI(buf) struct buf out = buf_make(4096);
    buf_addz(&out, "before:");
    assert_int_equal(crypto_jws_sign(&out, key, CRYPTO_RS256, STR("{\"alg\":\"RS256\"}"), STR(JOE)),
                     0);
    assert_text(buf_str(&out), "before:" A2_JWS);
    assert_int_equal(verify(A2_JWS, key, CRYPTO_RS256), 0);
}

struct vector {
    const char *key, *jws;
    enum crypto_alg alg;
    const char *payload;
};
static const struct vector vectors[] = {
    {A2_JWK, A2_JWS, CRYPTO_RS256, JOE},
    {A3_JWK, A3_JWS, CRYPTO_ES256, JOE},
    {A4_JWK, A4_JWS, CRYPTO_ES512, "Payload"},
    {DPOP_JWK, DPOP_PROOF, CRYPTO_ES256,
     "{\"jti\":\"-BwC3ESc6acc2lTc\",\"htm\":\"POST\",\"htu\":\"https://server.example.com/token\","
     "\"iat\":1562262616}"},
};

static void published_signatures_verify_by_their_algorithm_alone(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(vectors); i++) {
        AUTO(crypto_key) struct crypto_key *key = jwk(vectors[i].key);
        assert_int_equal(crypto_key_alg(key), vectors[i].alg);
        for (enum crypto_alg alg = 0; alg <= CRYPTO_ES512; alg++)
            assert_int_equal(verify(vectors[i].jws, key, alg),
                             alg == vectors[i].alg ? 0 : CRYPTO_E_BAD_SIGNATURE);
    }
}

static void published_signatures_come_apart(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(vectors); i++) {
        AUTO_FINI(crypto_jws) struct crypto_jws jws = {.signed_part = STR_NONE};
        assert_int_equal(crypto_jws_parse(&jws, str_from(vectors[i].jws), NULL), 0);
        assert_text(buf_str(&jws.payload), vectors[i].payload);
        size_t dot = jws.signed_part.n;
        assert_ptr_equal(jws.signed_part.p, vectors[i].jws);
        assert_int_equal(vectors[i].jws[dot], '.');
    }
}

static void one_changed_character_anywhere_is_noticed(void **state) {
    (void)state;
    for (size_t i = 1; i < LEN(vectors); i++) {
        AUTO(crypto_key) struct crypto_key *key = jwk(vectors[i].key);
        AUTO_FINI(buf) struct buf text = buf_make(4096);
        buf_addz(&text, vectors[i].jws);
        for (size_t at = 0; at < text.n; at += 3) {
            char was = text.p[at];
            text.p[at] = was == 'A' ? 'B' : 'A';
            AUTO_FINI(crypto_jws) struct crypto_jws jws = {.signed_part = STR_NONE};
            int r = crypto_jws_parse(&jws, buf_str(&text), NULL);
            if (r == 0) r = crypto_jws_verify(&jws, key, vectors[i].alg);
            assert_int_equal(r, 1);
            text.p[at] = was;
        }
    }
}

static const struct {
    enum crypto_kind kind;
    const char *name;
    enum crypto_alg first, last;
} kinds[] = {
    {CRYPTO_RSA_2048, "RSA 2048", CRYPTO_RS256, CRYPTO_RS512},
    {CRYPTO_RSA_3072, "RSA 3072", CRYPTO_RS256, CRYPTO_RS256},
    {CRYPTO_P256, "EC P-256", CRYPTO_ES256, CRYPTO_ES256},
    {CRYPTO_P384, "EC P-384", CRYPTO_ES384, CRYPTO_ES384},
    {CRYPTO_P521, "EC P-521", CRYPTO_ES512, CRYPTO_ES512},
};

// The public half as another reader of the published key would have it.
static struct crypto_key *public_half(const struct crypto_key *key) {
    AUTO_FINI(buf) struct buf text = buf_make(4096);
    assert_int_equal(crypto_key_public_jwk(key, true, &text), 0);
    struct crypto_key *half = read_key(crypto_key_from_jwk, buf_str(&text));
    assert_false(crypto_key_is_private(half));
    return half;
}

static void round_trip(const struct crypto_key *key, enum crypto_alg alg, size_t index) {
    AUTO(crypto_key) struct crypto_key *half = public_half(key);
    AUTO(crypto_key) struct crypto_key *other = NULL;
    AUTO_FINI(buf) struct buf out = buf_make(4096);
    assert_int_equal(crypto_jws_sign(&out, key, alg, STR("{}"), STR("{\"a\":1}")), 0);
    assert_int_equal(verify(buf_z(&out), half, alg), 0);
    for (enum crypto_alg wrong = 0; wrong <= CRYPTO_ES512; wrong++)
        if (wrong != alg) assert_int_equal(verify(buf_z(&out), half, wrong), 1);
    assert_int_equal(crypto_key_generate(&other, kinds[index].kind), 0);
    assert_int_equal(verify(buf_z(&out), other, alg), CRYPTO_E_BAD_SIGNATURE);
    assert_int_equal(crypto_jws_sign(&out, half, alg, STR("{}"), STR("{}")), -EINVAL);
}

static void every_algorithm_signs_and_verifies(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(kinds); i++) {
        AUTO(crypto_key) struct crypto_key *key = NULL;
        assert_int_equal(crypto_key_generate(&key, kinds[i].kind), 0);
        assert_string_equal(crypto_key_name(key), kinds[i].name);
        assert_true(crypto_key_is_private(key));
        assert_null(crypto_key_kid(key).p);
        assert_int_equal(crypto_key_alg(key), kinds[i].first);
        for (enum crypto_alg alg = kinds[i].first; alg <= kinds[i].last; alg++)
            round_trip(key, alg, i);
    }
}

// r and s are often shorter than the curve's order: they must keep their places.
static void ec_signatures_are_always_of_the_same_length(void **state) {
    (void)state;
    AUTO(crypto_key) struct crypto_key *key = jwk(A3_JWK);
    for (int i = 0; i < 600; i++) {
        AUTO_FINI(buf) struct buf out = buf_make(4096);
        assert_int_equal(crypto_jws_sign(&out, key, CRYPTO_ES256, STR("{}"), STR("{}")), 0);
        assert_int_equal(out.n, strlen("e30.e30.") + 86);
        assert_int_equal(verify(buf_z(&out), key, CRYPTO_ES256), 0);
    }
}

static void a_key_signs_only_by_what_fits_it(void **state) {
    (void)state;
    AUTO(crypto_key) struct crypto_key *rsa = jwk(A2_JWK);
    AUTO(crypto_key) struct crypto_key *ec = jwk(A3_JWK);
    AUTO_FINI(buf) struct buf out = buf_make(4096);
    buf_addz(&out, "before");
    for (enum crypto_alg alg = 0; alg <= CRYPTO_ES512; alg++) {
        bool is_rsa = alg <= CRYPTO_RS512;
        assert_int_equal(crypto_key_fits(rsa, alg), is_rsa);
        assert_int_equal(crypto_key_fits(ec, alg), alg == CRYPTO_ES256);
        const struct crypto_key *wrong = is_rsa ? ec : rsa;
        assert_int_equal(crypto_jws_sign(&out, wrong, alg, STR("{}"), STR("{}")), -EINVAL);
    }
    assert_text(buf_str(&out), "before");
}

static void what_does_not_fit_the_buffer_is_taken_back(void **state) {
    (void)state;
    AUTO(crypto_key) struct crypto_key *key = jwk(A3_JWK);
    for (size_t max = 0; max < strlen("e30.e30.") + 86; max++) {
        AUTO_FINI(buf) struct buf out = buf_make(max + 3);
        buf_addz(&out, "abc");
        assert_int_equal(crypto_jws_sign(&out, key, CRYPTO_ES256, STR("{}"), STR("{}")), -EMSGSIZE);
        assert_int_equal(out.n, 3);
    }
}

static void what_is_no_jws_is_refused(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",         ".",          "..",         "e30",       "e30.e30",       "e30.e30.e30.e30",
        "!.e30.AA", "e30.!.AA",   "e30.e30.!",  "e30=.e30.", "W10.e30.AA",    "bnVsbA.e30.AA",
        ".e30.AA",  "ey4.e30.AA", " e30.e30.A", "e30.e30.A", "e30.e30.AAAA ", "e3.e30.AA",
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct crypto_jws jws;
        struct fault fault = {{0}};
        if (crypto_jws_parse(&jws, str_from(rows[i]), &fault) != CRYPTO_E_NO_JWS)
            fail_msg("taken: %s", rows[i]);
        assert_int_equal(strncmp(fault.text, "not a JWS: ", 11), 0);
    }
}

static void an_empty_signature_comes_apart_and_never_verifies(void **state) {
    (void)state;
    AUTO(crypto_key) struct crypto_key *rsa = jwk(A2_JWK);
    AUTO(crypto_key) struct crypto_key *ec = jwk(A3_JWK);
    for (enum crypto_alg alg = 0; alg <= CRYPTO_ES512; alg++) {
        assert_int_equal(verify("eyJhbGciOiJub25lIn0.e30.", rsa, alg), CRYPTO_E_BAD_SIGNATURE);
        assert_int_equal(verify("eyJhbGciOiJub25lIn0.e30.", ec, alg), CRYPTO_E_BAD_SIGNATURE);
    }
    enum { ZEROS = 86 };
    char text[64 + ZEROS] = "e30.e30.";
    memset(text + 8, 'A', ZEROS); // r = s = 0
    assert_int_equal(verify(text, ec, CRYPTO_ES256), CRYPTO_E_BAD_SIGNATURE);
}

static void algorithms_have_the_names_that_jose_gives_them(void **state) {
    (void)state;
    static const char *const names[] = {"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"};
    for (enum crypto_alg alg = 0; alg <= CRYPTO_ES512; alg++) {
        enum crypto_alg found = alg ? 0 : CRYPTO_ES512;
        assert_string_equal(crypto_alg_name(alg), names[alg]);
        assert_true(crypto_alg_find(str_from(names[alg]), &found));
        assert_int_equal(found, alg);
    }
    static const char *const others[] = {"", "none", "HS256", "PS256", "EdDSA", "rs256", "RS2560"};
    enum crypto_alg found;
    for (size_t i = 0; i < LEN(others); i++)
        assert_false(crypto_alg_find(str_from(others[i]), &found));
    assert_false(crypto_alg_find(STR_NONE, &found));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_7515_a_2_is_made_to_the_letter),
        cmocka_unit_test(published_signatures_verify_by_their_algorithm_alone),
        cmocka_unit_test(published_signatures_come_apart),
        cmocka_unit_test(one_changed_character_anywhere_is_noticed),
        cmocka_unit_test(every_algorithm_signs_and_verifies),
        cmocka_unit_test(ec_signatures_are_always_of_the_same_length),
        cmocka_unit_test(a_key_signs_only_by_what_fits_it),
        cmocka_unit_test(what_does_not_fit_the_buffer_is_taken_back),
        cmocka_unit_test(what_is_no_jws_is_refused),
        cmocka_unit_test(an_empty_signature_comes_apart_and_never_verifies),
        cmocka_unit_test(algorithms_have_the_names_that_jose_gives_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
