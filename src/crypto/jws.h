// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_JWS_H
#define CRYPTO_JWS_H
// Compact JWS (RFC 7515 section 7.1): header.payload.signature. EC signatures are r || s (RFC 7518
// section 3.4).

#include "crypto/key.h"

// Signs and appends the compact form. `header` and `payload` are JSON texts and are taken as they
// are: the caller has put "alg" in. Outcomes: 0; -EINVAL (the key is public, or does not fit
// `alg`); -ENOMEM; -EIO (OpenSSL gives no right signature: it was short of memory before).
int crypto_jws_sign(struct buf *out, const struct crypto_key *key, enum crypto_alg alg,
                    struct str header, struct str payload) MUST_USE;

// A compact JWS taken apart; slices borrow from its text, buffers are its own.
struct crypto_jws {
    struct str signed_part;                // header.payload as they came
    struct buf header, payload, signature; // decoded
};
void crypto_jws_fini(struct crypto_jws *jws);
DEFINE_AUTO_FINI(crypto_jws)

// Outcome of crypto_jws_parse: not three base64url parts with a JSON object in the first (the
// payload is not looked into).
enum { CRYPTO_E_NO_JWS = 1 };
// Outcomes: 0; CRYPTO_E_NO_JWS; -ENOMEM.
int crypto_jws_parse(struct crypto_jws *ret, struct str text, struct fault *fault) MUST_USE;

// Outcome of crypto_jws_verify: the signature is not this key's by that algorithm.
enum { CRYPTO_E_BAD_SIGNATURE = 1 };
// `alg` is the caller's choice, after he has looked at the header; "none" does not exist here.
// Outcomes: 0; CRYPTO_E_BAD_SIGNATURE (also when the key does not fit `alg`); -ENOMEM.
int crypto_jws_verify(const struct crypto_jws *jws, const struct crypto_key *key,
                      enum crypto_alg alg) MUST_USE;

#endif
