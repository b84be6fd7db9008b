// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H
// Who makes a token request: the client's credentials, of the kinds that Okta takes for its own
// scopes (okta-api.md sections 3.3 and 3.6).

#include "sim/args.h"
#include "sim/oauth.h"
#include "sim/request.h"

struct client_ask {
    const struct request *request;
    const struct args *form;
    int64_t now_ms;
};

// Outcomes: 0 with the app; OAUTH_E_REFUSED with `error`; -ENOMEM.
int client_authenticate(struct oauth *o, const struct client_ask *ask, struct app **ret,
                        struct oauth_error *error) MUST_USE;

#endif
