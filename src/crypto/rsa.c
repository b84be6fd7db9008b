// SPDX-License-Identifier: Apache-2.0
// The primes of an RSA key from its two exponents (NIST SP 800-56B appendix C.1). e*d - 1 is a
// multiple of the order of every number modulo n. Halving that exponent for some base leads,
// for half of all bases, to a square root of 1 that is neither 1 nor -1, and such a root has one of
// the primes in common with n.
#include <errno.h>
#include <openssl/core_names.h>

#include "crypto/key-internal.h"

// Half of all bases work: that so many fail in a row does not happen to a product of two primes.
enum { BASES_MAX = 100 };

const char *const crypto_rsa_members[RSA_MEMBERS] = {"n", "e", "d", "p", "q", "dp", "dq", "qi"};
const char *const crypto_rsa_openssl_names[RSA_MEMBERS] = {
    OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
    OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
    OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

struct search {
    const BIGNUM *n;
    BIGNUM *n_minus_1;
    BIGNUM *odd; // e*d - 1 without its factors 2, of which there were `halvings`
    int halvings;
    BIGNUM *x, *y, *base;
    BN_CTX *ctx;
};

enum { FOUND = 1, NEXT_BASE, FAILED };

// From x = base^odd by squaring to 1. A root of 1 that is not trivial is left in x.
static int square_up(struct search *s) {
    for (int i = 0; i < s->halvings; i++) {
        if (!BN_mod_sqr(s->y, s->x, s->n, s->ctx)) return -ENOMEM;
        if (BN_is_one(s->y)) return BN_cmp(s->x, s->n_minus_1) == 0 ? NEXT_BASE : FOUND;
        BN_swap(s->x, s->y);
    }
    return FAILED; // base^(e*d-1) is not 1: d is another key's
}

static int try_base(struct search *s) {
    BN_set_flags(s->odd, BN_FLG_CONSTTIME);
    if (!BN_mod_exp(s->x, s->base, s->odd, s->n, s->ctx)) return -ENOMEM;
    if (BN_is_one(s->x)) return NEXT_BASE;
    return square_up(s);
}

static int prepare(struct search *s, BIGNUM *const *m) {
    bool ok = BN_mul(s->odd, m[RSA_E], m[RSA_D], s->ctx) && BN_sub_word(s->odd, 1) &&
              BN_copy(s->n_minus_1, s->n) && BN_sub_word(s->n_minus_1, 1) &&
              BN_set_word(s->base, 2);
    if (!ok) return -ENOMEM;
    if (BN_is_zero(s->odd) || BN_is_negative(s->odd)) return CRYPTO_E_NO_KEY;
    while (!BN_is_bit_set(s->odd, s->halvings)) s->halvings++;
    return BN_rshift(s->odd, s->odd, s->halvings) ? 0 : -ENOMEM;
}

// Leaves a prime of n in `p`.
static int find_prime(struct search *s, BIGNUM *p) {
    for (int i = 0; i < BASES_MAX; i++) {
        int r = try_base(s);
        if (r < 0) return r;
        if (r == FAILED) return CRYPTO_E_NO_KEY;
        if (r == FOUND) return BN_sub_word(s->x, 1) && BN_gcd(p, s->x, s->n, s->ctx) ? 0 : -ENOMEM;
        if (!BN_add_word(s->base, 1)) return -ENOMEM;
    }
    return CRYPTO_E_NO_KEY;
}

static int search(BIGNUM *const *m, BN_CTX *ctx, BIGNUM *p) {
    AUTO_OPENSSL(bn) BIGNUM *n_minus_1 = BN_new();
    AUTO_OPENSSL(bn) BIGNUM *odd = BN_new();
    AUTO_OPENSSL(bn) BIGNUM *x = BN_new();
    AUTO_OPENSSL(bn) BIGNUM *y = BN_new();
    AUTO_OPENSSL(bn) BIGNUM *base = BN_new();
    if (!n_minus_1 || !odd || !x || !y || !base) return -ENOMEM;
    struct search s = {.n = m[RSA_N],
                       .n_minus_1 = n_minus_1,
                       .odd = odd,
                       .x = x,
                       .y = y,
                       .base = base,
                       .ctx = ctx};
    int r = prepare(&s, m);
    return r ? r : find_prime(&s, p);
}

// d modulo (prime - 1).
static bool exponent(BIGNUM *ret, const BIGNUM *d, const BIGNUM *prime, BN_CTX *ctx) {
    AUTO_OPENSSL(bn) BIGNUM *less = BN_dup(prime);
    return less && BN_sub_word(less, 1) && BN_mod(ret, d, less, ctx);
}

static bool derive(BIGNUM *const *m, BN_CTX *ctx) {
    if (!BN_div(m[RSA_Q], NULL, m[RSA_N], m[RSA_P], ctx)) return false;
    if (BN_cmp(m[RSA_P], m[RSA_Q]) < 0) BN_swap(m[RSA_P], m[RSA_Q]);
    return exponent(m[RSA_DP], m[RSA_D], m[RSA_P], ctx) &&
           exponent(m[RSA_DQ], m[RSA_D], m[RSA_Q], ctx) &&
           BN_mod_inverse(m[RSA_QI], m[RSA_Q], m[RSA_P], ctx);
}

// ---- do the parts belong together?

// a * b is 1 modulo `modulus`.
static bool are_inverse(const BIGNUM *a, const BIGNUM *b, const BIGNUM *modulus, BN_CTX *ctx) {
    AUTO_OPENSSL(bn) BIGNUM *product = BN_new();
    return product && BN_mod_mul(product, a, b, modulus, ctx) && BN_is_one(product);
}

// One prime with its exponent: that of d, and the inverse of e.
static bool prime_fits(BIGNUM *const *m, int prime, int exponent_of, BN_CTX *ctx) {
    AUTO_OPENSSL(bn) BIGNUM *want = BN_new();
    AUTO_OPENSSL(bn) BIGNUM *less = BN_dup(m[prime]);
    if (!want || !less || BN_cmp(m[prime], BN_value_one()) <= 0) return false;
    return exponent(want, m[RSA_D], m[prime], ctx) && BN_cmp(want, m[exponent_of]) == 0 &&
           BN_sub_word(less, 1) && are_inverse(m[RSA_E], m[exponent_of], less, ctx);
}

// (2^d)^e is 2 modulo n, as it is when p and q are primes.
static bool goes_round(BIGNUM *const *m, BN_CTX *ctx) {
    AUTO_OPENSSL(bn) BIGNUM *x = BN_new();
    AUTO_OPENSSL(bn) BIGNUM *d = BN_dup(m[RSA_D]);
    if (!x || !d || !BN_set_word(x, 2)) return false;
    BN_set_flags(d, BN_FLG_CONSTTIME);
    return BN_mod_exp(x, x, d, m[RSA_N], ctx) && BN_mod_exp(x, x, m[RSA_E], m[RSA_N], ctx) &&
           BN_is_word(x, 2);
}

int crypto_rsa_check(const struct crypto_rsa *rsa) {
    BIGNUM *const *m = rsa->part;
    AUTO_OPENSSL(bn_ctx) BN_CTX *ctx = BN_CTX_secure_new();
    AUTO_OPENSSL(bn) BIGNUM *product = BN_new();
    if (!ctx || !product) return openssl_failed(-ENOMEM);
    bool ok = BN_mul(product, m[RSA_P], m[RSA_Q], ctx) && BN_cmp(product, m[RSA_N]) == 0 &&
              BN_is_odd(m[RSA_N]) && BN_cmp(m[RSA_D], m[RSA_N]) < 0 &&
              prime_fits(m, RSA_P, RSA_DP, ctx) && prime_fits(m, RSA_Q, RSA_DQ, ctx) &&
              are_inverse(m[RSA_QI], m[RSA_Q], m[RSA_P], ctx) && goes_round(m, ctx);
    return openssl_outcome(ok, CRYPTO_E_NO_KEY);
}

// ---- from and to OpenSSL

void crypto_rsa_fini(struct crypto_rsa *rsa) {
    for (int i = 0; i < RSA_MEMBERS; i++) BN_clear_free(rsa->part[i]);
    *rsa = (struct crypto_rsa){0};
}

int crypto_rsa_export(const EVP_PKEY *pkey, bool is_private, struct crypto_rsa *ret) {
    for (int i = 0; i < (is_private ? RSA_MEMBERS : RSA_D); i++)
        if (!EVP_PKEY_get_bn_param(pkey, crypto_rsa_openssl_names[i], &ret->part[i]))
            return openssl_failed(CRYPTO_E_NO_KEY);
    return 0;
}

int crypto_rsa_complete(struct crypto_rsa *rsa) {
    BIGNUM **m = rsa->part;
    AUTO_OPENSSL(bn_ctx) BN_CTX *ctx = BN_CTX_secure_new();
    if (!ctx) return openssl_failed(-ENOMEM);
    if (!BN_is_odd(m[RSA_N]) || BN_is_one(m[RSA_N])) return CRYPTO_E_NO_KEY;
    for (int i = RSA_P; i < RSA_MEMBERS; i++)
        if (!(m[i] = BN_new())) return openssl_failed(-ENOMEM);
    int r = search(m, ctx, m[RSA_P]);
    if (r == 0 && !derive(m, ctx)) r = CRYPTO_E_NO_KEY;
    return r ? openssl_failed(r) : 0;
}
