// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_OAUTH_ERROR_H
#define SIM_OAUTH_ERROR_H
// What goes wrong at the token endpoint and with access tokens (okta-api.md sections 3.4, 3.5 and
// 3.7): the status, the error and the description of each case, as Okta's catalogue has them.

#include "base/buf.h"

enum oauth_kind {
    // 401 invalid_client
    OAUTH_NO_CREDENTIALS,
    OAUTH_BAD_CLIENT,
    OAUTH_BAD_BASIC,
    OAUTH_BAD_CLIENT_ID,
    OAUTH_BAD_SECRET,
    OAUTH_NEEDS_ASSERTION,
    OAUTH_NEEDS_ASSERTION_OR_BASIC,
    OAUTH_NOT_SERVICE,
    OAUTH_ASSERTION_PARSE,
    OAUTH_ASSERTION_ALG,
    OAUTH_ASSERTION_ISS,
    OAUTH_ASSERTION_SUB,
    OAUTH_ASSERTION_NO_KEYS,
    OAUTH_ASSERTION_KID,
    OAUTH_ASSERTION_SIGNATURE,
    OAUTH_ASSERTION_AUD,
    OAUTH_ASSERTION_NO_EXP,
    OAUTH_ASSERTION_EXPIRED,
    OAUTH_ASSERTION_EXP_FAR,
    OAUTH_ASSERTION_IAT,
    OAUTH_ASSERTION_JTI,
    OAUTH_ASSERTION_USED,
    // 400 invalid_request
    OAUTH_MEDIA_TYPE,
    OAUTH_BAD_FORM,
    OAUTH_IN_QUERY,
    OAUTH_REPEATED,
    OAUTH_MISSING,
    OAUTH_TWO_CREDENTIALS,
    OAUTH_ASSERTION_TYPE,
    // the grant and the scopes
    OAUTH_UNSUPPORTED_GRANT,
    OAUTH_UNAUTHORIZED,
    OAUTH_NO_SCOPES,
    OAUTH_OPENID_SCOPE,
    OAUTH_UNKNOWN_SCOPE,
    OAUTH_UNGRANTED_SCOPE,
    // 400 invalid_dpop_proof, at the token endpoint and at resources
    OAUTH_PROOF_MISSING,
    OAUTH_PROOF_SEVERAL,
    OAUTH_PROOF_PARSE,
    OAUTH_PROOF_TYP,
    OAUTH_PROOF_ALG,
    OAUTH_PROOF_JWK,
    OAUTH_PROOF_SIGNATURE,
    OAUTH_PROOF_HTM,
    OAUTH_PROOF_HTU,
    OAUTH_PROOF_IAT,
    OAUTH_PROOF_FUTURE,
    OAUTH_PROOF_OLD,
    OAUTH_PROOF_EXPIRED,
    OAUTH_PROOF_JTI,
    OAUTH_PROOF_USED,
    OAUTH_PROOF_ATH,
    OAUTH_PROOF_BINDING,
    OAUTH_USE_NONCE,
    // by faults
    OAUTH_ACCESS_DENIED,
    OAUTH_SERVER_ERROR,
    OAUTH_UNAVAILABLE,
    // access tokens at resources
    OAUTH_TOKEN_INVALID,
    OAUTH_TOKEN_EXPIRED,
    OAUTH_TOKEN_REVOKED,
    OAUTH_TOKEN_NOT_BOUND,
    OAUTH_TOKEN_IS_BOUND,
    OAUTH_PROOF_REQUIRED,
    OAUTH_SCOPE,
    OAUTH_KINDS
};

// One refusal to be. `detail` is borrowed, and named by some descriptions.
struct oauth_error {
    enum oauth_kind kind;
    struct str detail;
};

// Outcome of the functions that check something: refused; `error` says how.
enum { OAUTH_E_REFUSED = 1 };

// Sets the error and returns OAUTH_E_REFUSED, so that a refusal is one line.
int oauth_refuse(struct oauth_error *error, enum oauth_kind kind);
int oauth_refuse_with(struct oauth_error *error, enum oauth_kind kind, struct str detail);

int oauth_error_status(enum oauth_kind kind);
const char *oauth_error_name(enum oauth_kind kind); // "invalid_client"

// Appends the description, with the detail in its place.
void oauth_error_describe(struct buf *out, const struct oauth_error *error);

// Appends {"error": ..., "error_description": ...}.
void oauth_error_write(struct buf *out, const struct oauth_error *error);

#endif
