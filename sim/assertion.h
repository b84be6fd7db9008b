// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_ASSERTION_H
#define SIM_ASSERTION_H
// The client assertion of a token request (okta-api.md section 3.3; RFC 7523), checked in full.

#include "sim/oauth.h"

struct assertion_ask {
    struct str text;     // the compact JWS
    struct str endpoint; // the URL that was called: what `aud` must be
    int64_t now_ms;
};

// Checks an assertion and spends its jti. Outcomes: 0 with the app; OAUTH_E_REFUSED with `error`;
// -ENOMEM.
int assertion_verify(struct oauth *o, const struct assertion_ask *ask, struct app **ret,
                     struct oauth_error *error) MUST_USE;

#endif
