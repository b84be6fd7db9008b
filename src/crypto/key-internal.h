// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_KEY_INTERNAL_H
#define CRYPTO_KEY_INTERNAL_H
// What the files about keys share.

#include "crypto/key.h"
#include "crypto/openssl-internal.h"

enum { CRYPTO_NAME_MAX = 24 };

// One row per curve, in the order of ES256, ES384, ES512.
struct crypto_curve {
    const char *crv;   // as JWK calls it
    const char *group; // as OpenSSL does
    size_t bytes;      // of a coordinate, of d, of r and of s
    enum crypto_alg alg;
};
extern const struct crypto_curve crypto_curves[];
const struct crypto_curve *crypto_curve_find(struct str crv); // NULL: another one

struct crypto_key {
    EVP_PKEY *pkey;
    const struct crypto_curve *curve; // NULL: RSA
    size_t rsa_bytes;                 // of the modulus; 0: EC
    bool is_private;
    enum crypto_alg alg;
    char *kid; // NULL: none
    char name[CRYPTO_NAME_MAX];
};

// The digest of an alg, as OpenSSL calls it.
const char *crypto_alg_digest(enum crypto_alg alg);

// Makes a key of what OpenSSL has read, when it is one that Okta takes and its parts belong
// together. `*take_pkey` is taken on success. Outcomes: as the readers'.
int crypto_key_adopt(struct crypto_key **ret, EVP_PKEY **take_pkey, bool is_private,
                     struct fault *fault) MUST_USE;

// The members of an RSA key, in the order of RFC 7518 section 6.3. Of a public key all behind RSA_E
// are NULL.
enum { RSA_N, RSA_E, RSA_D, RSA_P, RSA_Q, RSA_DP, RSA_DQ, RSA_QI, RSA_MEMBERS };
extern const char *const crypto_rsa_members[RSA_MEMBERS];       // as JWK calls them
extern const char *const crypto_rsa_openssl_names[RSA_MEMBERS]; // as OpenSSL does
struct crypto_rsa {
    BIGNUM *part[RSA_MEMBERS]; // owned
};
void crypto_rsa_fini(struct crypto_rsa *rsa); // wipes
DEFINE_AUTO_FINI(crypto_rsa)

// Reads what OpenSSL has. `ret` must be empty; the caller releases it, also after a failure.
// Outcomes: 0; CRYPTO_E_NO_KEY: a part is missing; -ENOMEM.
int crypto_rsa_export(const EVP_PKEY *pkey, bool is_private, struct crypto_rsa *ret) MUST_USE;
// Computes p, q, dp, dq and qi, which must be NULL, from n, e and d. Outcomes: 0; CRYPTO_E_NO_KEY:
// d does not belong to n and e; -ENOMEM.
int crypto_rsa_complete(struct crypto_rsa *rsa) MUST_USE;
// Do the parts of a private key belong together? Much cheaper than OpenSSL's check, which proves
// the primes to be primes anew. Outcomes: 0; CRYPTO_E_NO_KEY; -ENOMEM.
int crypto_rsa_check(const struct crypto_rsa *rsa) MUST_USE;

#endif
