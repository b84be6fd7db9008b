// SPDX-License-Identifier: Apache-2.0
#ifndef OKTA_ASSERTION_H
#define OKTA_ASSERTION_H
// What is signed for Okta: client assertions (RFC 7523, okta-api section 3.3) and DPoP proofs (RFC
// 9449 section 4.2, okta-api section 3.7). Each call makes a new one with a `jti` of its own: none
// may be sent twice. Any thread.

#include "base/buf.h"
#include "crypto/key.h"

// Appends a client assertion for the token endpoint `token_url`. `okta_now_ms` is Okta's clock.
// Outcomes: 0; -ENOMEM; -EIO (no random bytes); -EINVAL (the key is public).
int okta_assertion(struct buf *out, const struct crypto_key *key, const char *client_id,
                   const char *token_url, int64_t okta_now_ms) MUST_USE;

struct okta_proof {
    const char *method; // "GET"
    const char *url;    // as requested; query and fragment are left out, the path is decoded
    struct str token;   // absent at the token endpoint
    struct str nonce;   // absent: none
    int64_t okta_now_ms;
};
// Appends a DPoP proof. Outcomes as okta_assertion.
int okta_dpop_proof(struct buf *out, const struct crypto_key *key,
                    const struct okta_proof *proof) MUST_USE;

// Appends scheme://host[:port]/path of a URL as a proof names it: default port left out, path
// percent-decoded, no query. Outcomes: 0; -EINVAL (no http URL); -ENOMEM.
int okta_htu(struct buf *out, struct str url) MUST_USE;

#endif
