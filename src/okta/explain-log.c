// SPDX-License-Identifier: Apache-2.0
// What a person can do about an error of the log.
#include "okta/explain-internal.h"
#include "okta/org-internal.h"

#define ROLE_ADVICE                                                                                \
    "give the token's owner a role that may read the System Log (Read-Only Administrator or "      \
    "Report Administrator) in Security > Administrators"

// For API tokens. The first row that fits.
static const struct okta_advice key_advices[] = {
    {401, "E0000011", OKTA_ANY_BODY,
     "the API token is not valid (revoked, expired after 30 days without use, or its owner was "
     "deactivated): create a new one in Security > API > Tokens"},
    {401, "E0000015", OKTA_ANY_BODY,
     "the org lacks the feature, or the token's owner may not use it: ask Okta's support, or "
     "take a token of another administrator"},
    {401, NULL, OKTA_ANY_BODY,
     "the API token was not accepted: create a new one in Security > API > Tokens, and check that "
     "it belongs to this org"},
    {403, "E0000006", OKTA_ANY_BODY,
     "the API token is valid, but its owner may not read the System Log: " ROLE_ADVICE},
    {403, "E0000005", OKTA_ANY_BODY,
     "Okta saw no valid credentials: check that api_key is set to an API token of this org, and "
     "that a proxy does not remove the Authorization header"},
    {403, NULL, OKTA_EMPTY_BODY,
     "refused without a reason: the token is not allowed from this network (check its network "
     "zone in Security > API > Tokens), or its owner lacks a role: " ROLE_ADVICE},
    {403, NULL, OKTA_ANY_BODY,
     "refused: check the API token's network zone in Security > API > Tokens, and its owner's "
     "role; a firewall or proxy may also answer so"},
};

#define APP_ROLE_ADVICE                                                                            \
    "assign the app a role that may read the System Log (Read-Only Administrator or Report "       \
    "Administrator) in Applications > the app > Admin roles"

// For access tokens (okta-api section 3.5): most refusals have no body.
static const struct okta_advice token_advices[] = {
    {403, "insufficient_scope", OKTA_ANY_BODY,
     "the access token lacks a scope: grant okta.logs.read in Applications > the app > Okta API "
     "Scopes, and have it in okta_scopes"},
    {401, "invalid_token", OKTA_ANY_BODY,
     "the access token was not accepted, nor was a fresh one (revoked, meant for another org, or "
     "bound to another key): check that okta_domain_url and url belong to the same org"},
    {400, "invalid_dpop_proof", OKTA_ANY_BODY,
     "the DPoP proof was not accepted: check that no proxy changes the URL on the way, and this "
     "machine's clock"},
    {401, "invalid_dpop_proof", OKTA_ANY_BODY,
     "the DPoP proof was not accepted: check that no proxy changes the URL on the way, and this "
     "machine's clock"},
    {403, "E0000006", OKTA_ANY_BODY,
     "the access token is valid, but the app may not read the System Log: " APP_ROLE_ADVICE},
    {403, "E0000005", OKTA_ANY_BODY,
     "Okta saw no valid credentials: check that a proxy does not remove the Authorization header"},
    {403, NULL, OKTA_EMPTY_BODY,
     "refused without a reason: grant okta.logs.read in Applications > the app > Okta API Scopes, "
     "and " APP_ROLE_ADVICE},
    {403, NULL, OKTA_ANY_BODY,
     "refused: check the app's network zone, its scopes and its admin role; a firewall or proxy "
     "may also answer so"},
    {401, NULL, OKTA_ANY_BODY,
     "the access token was not accepted: check that okta_domain_url and url belong to the same "
     "org"},
};

static const struct okta_advice common_advices[] = {
    {404, NULL, OKTA_ANY_BODY,
     "there is no such org or path: check url (https://ORG.okta.com/api/v1/logs)"},
    {407, NULL, OKTA_ANY_BODY, "the proxy wants a user name and password: set them in proxy_url"},
    {429, NULL, OKTA_ANY_BODY, "the rate limit is used up"},
    {500, "E0000009", OKTA_ANY_BODY, "Okta failed or took too long"},
    {503, "E0000010", OKTA_ANY_BODY, "Okta is in read-only mode"},
};

static const struct okta_advices advices = {
    .key = key_advices,
    .key_count = LEN(key_advices),
    .token = token_advices,
    .token_count = LEN(token_advices),
    .common = common_advices,
    .common_count = LEN(common_advices),
    .scope = "okta.logs.read",
};

void okta_explain_status(struct okta_org *org, const struct http_response *response,
                         struct okta_log_answer *ret) {
    okta_explain_error(org, response, &advices, &ret->error_code, &ret->fault);
}
