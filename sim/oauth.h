// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_OAUTH_H
#define SIM_OAUTH_H
// What the authorization server remembers: apps, spent ids, nonces, the access tokens it gave out.

#include "base/buf.h"
#include "crypto/key.h"
#include "sim/apps.h"
#include "sim/memo.h"
#include "sim/nonces.h"
#include "sim/oauth-error.h"
#include "json/read.h"

// Longest thumbprint: base64url of a SHA-256.
enum { OAUTH_THUMBPRINT_MAX = 48 };

struct oauth {
    struct apps apps;
    struct json_reader *header, *claims; // of the JWS that is being looked at
    struct memo spent;                   // ids of assertions and proofs
    struct memo tokens;                  // struct access, by the hash of the token's text
    struct nonces nonces;
    struct crypto_key *key; // signs access tokens; NULL until the first is wanted
    // Settings.
    int64_t token_life_ms;
    int64_t leeway_ms;      // how far ahead of ours a client's clock may be
    bool nonce_required;    // at the token endpoint
    bool nonce_at_resource; // and at resources
    // For the statistics.
    uint64_t issued, renewed; // renewed: to an app that had fetched one before
};

// Outcomes: 0; -ENOMEM.
int oauth_init(struct oauth *o, uint64_t seed) MUST_USE;
void oauth_fini(struct oauth *o);

// Outcome of oauth_spend: the id is known already.
enum { OAUTH_E_SPENT = 1 };
// Remembers an id until an instant; `space` keeps ids of different makers apart. Outcomes: 0;
// OAUTH_E_SPENT; -ENOMEM; -EMSGSIZE.
int oauth_spend(struct oauth *o, struct str space, struct str id, int64_t until_ms,
                int64_t now_ms) MUST_USE;

// The key that signs access tokens; made at the first call, which takes a moment. Outcomes: 0;
// negative from making it.
int oauth_key(struct oauth *o, const struct crypto_key **ret) MUST_USE;

// A number of seconds since 1970, whole or not, as JSON has it. False when it is something else.
bool oauth_read_seconds(const struct json *v, int64_t *ret_ms);

#endif
