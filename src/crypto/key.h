// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_KEY_H
#define CRYPTO_KEY_H
// Asymmetric keys for signing: RSA of 2048 to 8192 bits, EC P-256, P-384 and P-521. As JWK (RFC
// 7517, RFC 7518 section 6) and as PEM (PKCS#8, PKCS#1, SEC1, SubjectPublicKeyInfo). A key is
// immutable once made; any thread may sign with it, one at a time.

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

// The JWS algorithms that Okta takes (RFC 7518 section 3.1).
enum crypto_alg {
    CRYPTO_RS256,
    CRYPTO_RS384,
    CRYPTO_RS512,
    CRYPTO_ES256,
    CRYPTO_ES384,
    CRYPTO_ES512,
};
enum { CRYPTO_ALG_COUNT = CRYPTO_ES512 + 1 };
const char *crypto_alg_name(enum crypto_alg alg); // "RS256"
bool crypto_alg_find(struct str name, enum crypto_alg *ret);

enum crypto_kind {
    CRYPTO_RSA_2048,
    CRYPTO_RSA_3072,
    CRYPTO_RSA_4096,
    CRYPTO_P256,
    CRYPTO_P384,
    CRYPTO_P521
};

struct crypto_key;

// Outcomes of the readers beyond 0 and -ENOMEM: `fault` says what, never with a part of the key.
// (OpenSSL does not always tell a lack of memory as such: it may come out as one of these.)
enum {
    CRYPTO_E_NO_KEY = 1, // not a JWK, not PEM, damaged, an encrypted PEM, more than one key
    CRYPTO_E_UNFIT,      // a key, but not one that Okta takes: short RSA, another curve, symmetric
};

// A JWK, private (has "d") or public. RSA: n, e, and for a private one d, p, q, dp, dq, qi (all; or
// d alone, from which the rest is computed). EC: crv, x, y, d. "kid", "alg" and "use" are
// remembered; a "use" other than sig, or an "alg" that does not fit the key, is CRYPTO_E_UNFIT. A
// private part that does not belong to the public part is CRYPTO_E_NO_KEY. Members that are not
// known are ignored; a JWK Set with exactly one key is taken for that key.
int crypto_key_from_jwk(struct crypto_key **ret, struct str json, struct fault *fault) MUST_USE;

// Exactly one block: PRIVATE KEY, RSA PRIVATE KEY, EC PRIVATE KEY or PUBLIC KEY ("EC PARAMETERS"
// before it is passed over). Blanks around it and text before the first block are fine. "ENCRYPTED
// PRIVATE KEY" and "Proc-Type: 4,ENCRYPTED" give CRYPTO_E_NO_KEY with the command that decrypts.
int crypto_key_from_pem(struct crypto_key **ret, struct str pem, struct fault *fault) MUST_USE;

// A new key. Blocks for up to seconds with RSA 4096: never on the loop thread. Outcomes: 0;
// -ENOMEM; -EIO.
int crypto_key_generate(struct crypto_key **ret, enum crypto_kind kind) MUST_USE;

// Gives a key that was just made its name (else the thumbprint is its kid). Before it is shared.
// Outcomes: 0; -ENOMEM.
int crypto_key_set_kid(struct crypto_key *key, struct str kid) MUST_USE;

struct crypto_key *crypto_key_free(struct crypto_key *key); // NULL-safe; wipes; returns NULL
DEFINE_AUTO_FREE(crypto_key)

bool crypto_key_is_private(const struct crypto_key *key);
struct str crypto_key_kid(const struct crypto_key *key); // of the JWK; absent when it had none
// "RSA 2048", "EC P-256": for people.
const char *crypto_key_name(const struct crypto_key *key);

// The alg that the JWK named, else RS256 for RSA and the one that belongs to the curve.
enum crypto_alg crypto_key_alg(const struct crypto_key *key);
// Whether the key can sign or verify by that alg.
bool crypto_key_fits(const struct crypto_key *key, enum crypto_alg alg);

// RFC 7638: base64url of the SHA-256 of the canonical public JWK, appended. Outcomes: 0; -ENOMEM.
int crypto_key_thumbprint(const struct crypto_key *key, struct buf *out) MUST_USE;

// Public members only, compact, appended: {"kty":...}. With `described`: kid (the JWK's, else the
// thumbprint), use "sig" and alg too, as Okta's console takes it. As ever in json/write.h, a comma
// comes before it where one is needed. Outcomes: 0; -ENOMEM.
int crypto_key_public_jwk(const struct crypto_key *key, bool described, struct buf *out) MUST_USE;
// With the private members, kid, use and alg. The caller wipes. Outcomes: 0; -ENOMEM; -EINVAL for a
// public key.
int crypto_key_private_jwk(const struct crypto_key *key, struct buf *out) MUST_USE;
int crypto_key_private_pem(const struct crypto_key *key, struct buf *out) MUST_USE; // PKCS#8
int crypto_key_public_pem(const struct crypto_key *key, struct buf *out) MUST_USE;

#endif
