// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_ACCESS_H
#define SIM_ACCESS_H
// Access tokens, given out and looked at, and the credentials of requests to the API.

#include "sim/call.h"

// What a token is good for.
struct access_grant {
    const struct app *app;
    struct str scopes;      // words with blanks between them
    const char *thumbprint; // of the key that it is bound to; "": of none
    int64_t expires_ms;
};

// Makes a token, remembers it, and appends it to `out`. Outcomes: 0; negative errno.
int access_issue(struct call *call, const struct access_grant *grant, struct buf *out) MUST_USE;

// Makes all tokens invalid; gives their number.
size_t access_revoke_all(struct oauth *o, int64_t now_ms);

// Recognises an API token or an access token. Outcomes: 0 with call->principal; CALL_E_REFUSED;
// CALL_E_DONE (refused without a body, as Okta does it for access tokens); -ENOMEM.
int access_authenticate(struct call *call) MUST_USE;

// Answers without a body, with WWW-Authenticate in the request's scheme (okta-api.md sections 3.5
// and 3.7). Returns CALL_E_DONE.
int access_refuse(struct call *call, enum oauth_kind kind);

#endif
