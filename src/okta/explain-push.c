// SPDX-License-Identifier: Apache-2.0
// What a person can do about an error of users, factors and pushes (okta-api sections 3.5 and 4.5).
#include "okta/explain-internal.h"
#include "okta/org-internal.h"

#define ROLE_ADVICE                                                                                \
    "give the token's owner a role that may manage users (Organization Administrator, or Group "   \
    "Administrator of all groups concerned) in Security > Administrators"

// For API tokens.
static const struct okta_advice key_advices[] = {
    {401, "E0000015", OKTA_ANY_BODY,
     "the org lacks the feature, or the token's owner may not use it: ask Okta's support, or take "
     "a token of another administrator"},
    {0, "E0000011", OKTA_ANY_BODY,
     "the API token is not valid (revoked, expired after 30 days without use, or its owner was "
     "deactivated): create a new one in Security > API > Tokens, and write it to the method"},
    {401, NULL, OKTA_ANY_BODY,
     "the API token was not accepted: create a new one in Security > API > Tokens, and check that "
     "it belongs to this org"},
    {0, "E0000006", OKTA_ANY_BODY,
     "the API token is valid, but its owner may not do this: " ROLE_ADVICE},
    {403, "E0000005", OKTA_ANY_BODY,
     "Okta saw no valid credentials: check the API token, and that a proxy does not remove the "
     "Authorization header"},
    {403, "", OKTA_EMPTY_BODY,
     "refused without a reason: the token is not allowed from this network (check its network "
     "zone in Security > API > Tokens), or its owner lacks a role: " ROLE_ADVICE},
    {403, "", OKTA_ANY_BODY,
     "refused: check the API token's network zone in Security > API > Tokens, and its owner's "
     "role; a firewall or proxy may also answer so"},
};

#define APP_ROLE_ADVICE                                                                            \
    "assign the app a role that may manage users (Organization Administrator, or Group "           \
    "Administrator of all groups concerned) in Applications > the app > Admin roles"

#define PROOF_ADVICE                                                                               \
    "the DPoP proof was not accepted: check that no proxy changes the URL on the way, and this "   \
    "machine's clock"

// For access tokens: most refusals have no body.
static const struct okta_advice token_advices[] = {
    {0, "insufficient_scope", OKTA_ANY_BODY,
     "the access token lacks the scope {scope}: grant it in Applications > the app > Okta API "
     "Scopes, and have it in okta_scopes"},
    {0, "invalid_token", OKTA_ANY_BODY,
     "the access token was not accepted (revoked, meant for another org, or bound to another "
     "key): check that okta_domain_url and url belong to the same org"},
    {0, "invalid_dpop_proof", OKTA_ANY_BODY, PROOF_ADVICE},
    {0, "use_dpop_nonce", OKTA_ANY_BODY, PROOF_ADVICE},
    {401, "E0000015", OKTA_ANY_BODY,
     "the org lacks the feature, or the app may not use it: ask Okta's support"},
    {401, NULL, OKTA_ANY_BODY,
     "the access token was not accepted: check that okta_domain_url and url belong to the same "
     "org"},
    {0, "E0000006", OKTA_ANY_BODY,
     "the access token is valid, but the app may not do this: " APP_ROLE_ADVICE},
    {403, "E0000005", OKTA_ANY_BODY,
     "Okta saw no valid credentials: check that a proxy does not remove the Authorization header"},
    {403, "", OKTA_EMPTY_BODY,
     "refused without a reason: grant {scope} in Applications > the app > Okta API "
     "Scopes; " APP_ROLE_ADVICE},
    {403, "", OKTA_ANY_BODY,
     "refused: check the app's network zone, its scopes and its admin role; a firewall or proxy "
     "may also answer so"},
};

static const struct okta_advice common_advices[] = {
    {0, OKTA_CODE_RATE_LIMIT, OKTA_ANY_BODY, "the rate limit is used up"},
    {0, "E0000068", OKTA_ANY_BODY, "the code is wrong"},
    {0, "E0000069", OKTA_ANY_BODY,
     "the user is locked out after too many failed attempts: unlock them in Directory > People > "
     "the person, once they say that it was they"},
    {0, "E0000073", OKTA_ANY_BODY, "the user said no"},
    {0, "E0000079", OKTA_ANY_BODY, "the factor or transaction is in no state that permits this"},
    {0, "E0000082", OKTA_ANY_BODY, "the code was used before: wait for the next one"},
    {0, "E0000083", OKTA_ANY_BODY,
     "the code is out of its time: check the clock of the phone or token"},
    {0, "E0000074", OKTA_ANY_BODY, "the factor's service failed"},
    {0, "E0000067", OKTA_ANY_BODY, "the factor's service did not answer in time"},
    {0, "E0000038", OKTA_ANY_BODY,
     "the user's status does not permit this: look at it in Directory > People > the person"},
    {0, "E0000154", OKTA_ANY_BODY,
     "the factor is not active: look at the user's authenticators in Directory > People > the "
     "person"},
    {0, "E0000155", OKTA_ANY_BODY,
     "the user is not active: activate them in Directory > People > the person"},
    {0, "E0000156", OKTA_ANY_BODY, "Okta does not take the user's id"},
    {0, "E0000180", OKTA_ANY_BODY,
     "the factor is suspended: look at the user's devices in Directory > Devices"},
    {0, "E0000007", OKTA_ANY_BODY, "Okta knows no such user, factor or transaction (any more)"},
    {0, "E0000191", OKTA_ANY_BODY, "the time for an answer is over"},
    {0, "E0000113", OKTA_ANY_BODY, "the user has to answer another challenge first"},
    {404, NULL, OKTA_ANY_BODY, "there is no such org or path: check the org's name and base URL"},
    {407, NULL, OKTA_ANY_BODY, "the proxy wants a user name and password: set them in proxy_url"},
    {411, NULL, OKTA_ANY_BODY, "the request's length was missing: a proxy has taken it away"},
    {429, "", OKTA_ANY_BODY, "the rate limit is used up"},
    {429, NULL, OKTA_ANY_BODY, "this user or phone was asked too often: wait a while"},
    {500, "E0000009", OKTA_ANY_BODY, "Okta failed or took too long"},
    {503, "E0000010", OKTA_ANY_BODY, "Okta is in read-only mode"},
};

static const struct okta_advices to_read = {
    .key = key_advices,
    .key_count = LEN(key_advices),
    .token = token_advices,
    .token_count = LEN(token_advices),
    .common = common_advices,
    .common_count = LEN(common_advices),
    .scope = "okta.users.read",
};

static const struct okta_advices to_manage = {
    .key = key_advices,
    .key_count = LEN(key_advices),
    .token = token_advices,
    .token_count = LEN(token_advices),
    .common = common_advices,
    .common_count = LEN(common_advices),
    .scope = "okta.users.manage",
};

void okta_explain_push(struct okta_org *org, const struct http_response *response, bool manage,
                       struct str *ret_code, struct fault *fault) {
    okta_explain_error(org, response, manage ? &to_manage : &to_read, ret_code, fault);
}
