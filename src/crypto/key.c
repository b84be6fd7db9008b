// SPDX-License-Identifier: Apache-2.0
// What a key is, whatever it was read from: OpenSSL's object, and what we want to know of it
// without asking again. Everything that becomes a key goes through crypto_key_adopt.
#include "crypto/key.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <stdio.h>

#include "crypto/key-internal.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, RSA_EXPONENT_BITS_MAX = 64 };

// ---- algorithms and curves

static const struct {
    const char *name, *digest;
} algs[CRYPTO_ALG_COUNT] = {
    [CRYPTO_RS256] = {"RS256", "SHA256"}, [CRYPTO_RS384] = {"RS384", "SHA384"},
    [CRYPTO_RS512] = {"RS512", "SHA512"}, [CRYPTO_ES256] = {"ES256", "SHA256"},
    [CRYPTO_ES384] = {"ES384", "SHA384"}, [CRYPTO_ES512] = {"ES512", "SHA512"},
};

const struct crypto_curve crypto_curves[] = {
    {"P-256", "prime256v1", 32, CRYPTO_ES256},
    {"P-384", "secp384r1", 48, CRYPTO_ES384},
    {"P-521", "secp521r1", 66, CRYPTO_ES512},
};

const char *crypto_alg_name(enum crypto_alg alg) { return algs[alg].name; }
const char *crypto_alg_digest(enum crypto_alg alg) { return algs[alg].digest; }

bool crypto_alg_find(struct str name, enum crypto_alg *ret) {
    for (size_t i = 0; i < LEN(algs); i++) {
        if (!str_eqz(name, algs[i].name)) continue;
        *ret = (enum crypto_alg)i;
        return true;
    }
    return false;
}

const struct crypto_curve *crypto_curve_find(struct str crv) {
    for (size_t i = 0; i < LEN(crypto_curves); i++)
        if (str_eqz(crv, crypto_curves[i].crv)) return &crypto_curves[i];
    return NULL;
}

// ---- taking in

static int unfit(struct fault *fault, const char *what) {
    return fault_set(fault, CRYPTO_E_UNFIT,
                     "%s; Okta takes RSA of 2048 bits and more, and EC on P-256, P-384 and P-521",
                     what);
}

// Of a public key OpenSSL would test by chance whether n is a product of primes: that costs
// milliseconds and says nothing about whose key it is.
static int check_rsa_numbers(const EVP_PKEY *pkey, struct fault *fault) {
    AUTO_OPENSSL(bn) BIGNUM *n = NULL;
    AUTO_OPENSSL(bn) BIGNUM *e = NULL;
    if (!EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) ||
        !EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e))
        return openssl_failed(CRYPTO_E_NO_KEY);
    if (!BN_is_odd(n)) return fault_set(fault, CRYPTO_E_NO_KEY, "the RSA modulus is even");
    if (!BN_is_odd(e) || BN_is_one(e) || BN_num_bits(e) > RSA_EXPONENT_BITS_MAX)
        return fault_set(fault, CRYPTO_E_NO_KEY,
                         "the RSA public exponent must be odd, above 1 and below 2^64");
    return 0;
}

static int adopt_rsa(struct crypto_key *key, EVP_PKEY *pkey, struct fault *fault) {
    char what[64];
    int bits = EVP_PKEY_get_bits(pkey);
    snprintf(what, sizeof what, "an RSA key of %d bits", bits);
    if (bits < RSA_BITS_MIN) return unfit(fault, what);
    if (bits > RSA_BITS_MAX)
        return fault_set(fault, CRYPTO_E_UNFIT, "%s; at most %d are taken", what, RSA_BITS_MAX);
    AUTO_OPENSSL(bn) BIGNUM *third = NULL;
    if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR3, &third))
        return unfit(fault, "an RSA key of more than two primes");
    ERR_clear_error(); // it has none
    key->rsa_bytes = ((size_t)bits + 7) / 8;
    key->alg = CRYPTO_RS256;
    snprintf(key->name, sizeof key->name, "RSA %d", bits);
    return check_rsa_numbers(pkey, fault);
}

// A curve that is written out in numbers may differ from the one that it looks like.
static bool is_spelled_out(const EVP_PKEY *pkey) {
    int explicit_numbers = 1;
    return !EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                                   &explicit_numbers) ||
           explicit_numbers;
}

static int adopt_ec(struct crypto_key *key, EVP_PKEY *pkey, struct fault *fault) {
    char group[64] = "";
    size_t n = 0;
    if (is_spelled_out(pkey)) {
        int r = openssl_failed(CRYPTO_E_UNFIT);
        return r < 0 ? r : unfit(fault, "an EC key whose curve is written out instead of named");
    }
    if (EVP_PKEY_get_group_name(pkey, group, sizeof group, &n) != 1) {
        int r = openssl_failed(CRYPTO_E_UNFIT);
        return r < 0 ? r : unfit(fault, "an EC key on a curve without a name");
    }
    for (size_t i = 0; i < LEN(crypto_curves); i++)
        if (strcmp(group, crypto_curves[i].group) == 0) key->curve = &crypto_curves[i];
    char what[96];
    snprintf(what, sizeof what, "an EC key on the curve %s", group);
    if (!key->curve) return unfit(fault, what);
    key->alg = key->curve->alg;
    snprintf(key->name, sizeof key->name, "EC %s", key->curve->crv);
    return 0;
}

static int adopt_kind(struct crypto_key *key, EVP_PKEY *pkey, struct fault *fault) {
    if (EVP_PKEY_is_a(pkey, "RSA")) return adopt_rsa(key, pkey, fault);
    if (EVP_PKEY_is_a(pkey, "EC")) return adopt_ec(key, pkey, fault);
    const char *type = EVP_PKEY_get0_type_name(pkey);
    char what[64];
    snprintf(what, sizeof what, "a key of the type %s", type ? type : "unknown");
    return unfit(fault, what);
}

static int check_rsa(const struct crypto_key *key, const EVP_PKEY *pkey) {
    if (!key->is_private) return 0;
    AUTO_FINI(crypto_rsa) struct crypto_rsa rsa = {{0}};
    int r = crypto_rsa_export(pkey, true, &rsa);
    return r ? r : crypto_rsa_check(&rsa);
}

static int check_ec(const struct crypto_key *key, EVP_PKEY *pkey) {
    AUTO_OPENSSL(pkey_ctx) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (!ctx) return openssl_failed(-ENOMEM);
    int ok = key->is_private ? EVP_PKEY_check(ctx) : EVP_PKEY_public_check_quick(ctx);
    return openssl_outcome(ok == 1, CRYPTO_E_NO_KEY);
}

static int check_parts(const struct crypto_key *key, EVP_PKEY *pkey, struct fault *fault) {
    int r = key->curve ? check_ec(key, pkey) : check_rsa(key, pkey);
    if (r <= 0) return r;
    return fault_set(fault, r,
                     key->is_private ? "the parts of the %s key do not belong together"
                                     : "the %s key is not a point of its curve",
                     key->name);
}

int crypto_key_adopt(struct crypto_key **ret, EVP_PKEY **take_pkey, bool is_private,
                     struct fault *fault) {
    AUTO(crypto_key) struct crypto_key *key = mem_new(sizeof *key);
    if (!key) return -ENOMEM;
    key->is_private = is_private;
    int r = adopt_kind(key, *take_pkey, fault);
    if (r == 0) r = check_parts(key, *take_pkey, fault);
    if (r) return r;
    key->pkey = TAKE(*take_pkey);
    *ret = TAKE(key);
    return 0;
}

int crypto_key_generate(struct crypto_key **ret, enum crypto_kind kind) {
    static const struct {
        size_t bits;
        const char *group;
    } kinds[] = {
        [CRYPTO_RSA_2048] = {2048, NULL}, [CRYPTO_RSA_3072] = {3072, NULL},
        [CRYPTO_RSA_4096] = {4096, NULL}, [CRYPTO_P256] = {0, "prime256v1"},
        [CRYPTO_P384] = {0, "secp384r1"}, [CRYPTO_P521] = {0, "secp521r1"},
    };
    AUTO_OPENSSL(pkey)
    EVP_PKEY *pkey = kinds[kind].group ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", kinds[kind].group)
                                       : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", kinds[kind].bits);
    if (!pkey) return openssl_failed(-EIO);
    int r = crypto_key_adopt(ret, &pkey, true, NULL);
    return r > 0 ? -EIO : r;
}

int crypto_key_set_kid(struct crypto_key *key, struct str kid) {
    char *copy = mem_copy(kid.p, kid.n);
    if (!copy) return -ENOMEM;
    free(key->kid);
    key->kid = copy;
    return 0;
}

struct crypto_key *crypto_key_free(struct crypto_key *key) {
    if (!key) return NULL;
    EVP_PKEY_free(key->pkey); // wipes
    free(key->kid);
    free(key);
    return NULL;
}

// ---- asking

bool crypto_key_is_private(const struct crypto_key *key) { return key->is_private; }
struct str crypto_key_kid(const struct crypto_key *key) {
    return str_from(key->kid);
}
const char *crypto_key_name(const struct crypto_key *key) { return key->name; }
enum crypto_alg crypto_key_alg(const struct crypto_key *key) { return key->alg; }

bool crypto_key_fits(const struct crypto_key *key, enum crypto_alg alg) {
    return key->curve ? alg == key->curve->alg : alg <= CRYPTO_RS512;
}
