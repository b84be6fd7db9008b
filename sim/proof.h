// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_PROOF_H
#define SIM_PROOF_H
// The DPoP proof of a request (okta-api.md section 3.7; RFC 9449 section 4.3), checked in full.

#include "sim/oauth.h"
#include "sim/request.h"

struct proof_ask {
    const struct request *request;
    struct str access_token; // absent at the token endpoint, where no `ath` is wanted
    bool nonce_required;
    int64_t now_ms;
};

// Checks the request's proof and spends its jti. Outcomes: 0 with the thumbprint of its key;
// OAUTH_E_REFUSED with `error`; -ENOMEM.
int proof_verify(struct oauth *o, const struct proof_ask *ask, char ret[OAUTH_THUMBPRINT_MAX],
                 struct oauth_error *error) MUST_USE;

#endif
