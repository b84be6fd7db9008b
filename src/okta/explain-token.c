// SPDX-License-Identifier: Apache-2.0
// The token endpoint's refusals (okta-api section 3.4): Okta says what was wrong in a sentence that
// may change, so the advice goes by the error's name and by what we know of the request.
#include <stdio.h>

#include "okta/org-internal.h"

enum for_whom { ANYBODY, KEY, SECRET };

struct token_advice {
    int status;        // 0: any
    const char *error; // NULL: any
    enum for_whom whom;
    const char *text;
};

// The first row that fits.
static const struct token_advice rows[] = {
    {401, "invalid_client", KEY,
     "Okta does not accept the signed assertion: check that client_id is the app's, that the "
     "private key's public half is registered and active in Applications > the app > Client "
     "Credentials > Public keys, that the app is an active API Services app whose client "
     "authentication is \"Public key / Private key\", and that okta_domain_url is this org's"},
    {401, "invalid_client", SECRET,
     "Okta does not accept client_id and api_key (the client secret): check both in Applications > "
     "the integration, and that it is an API service integration of the OIN; an ordinary API "
     "Services app needs a private key (auth_method: oauth2)"},
    {400, "invalid_scope", ANYBODY,
     "the app was not granted a scope that is asked for: grant it in Applications > the app > Okta "
     "API Scopes, or take it out of okta_scopes"},
    {0, "unauthorized_client", ANYBODY,
     "the app may not use client credentials: it must be an API Services app (or, with auth_method "
     "oin_app, an API service integration)"},
    {0, "unsupported_grant_type", ANYBODY,
     "client credentials are not enabled for the app: it must be an API Services app"},
    {400, "invalid_dpop_proof", ANYBODY,
     "the DPoP proof was not accepted: check that no proxy changes the URL on the way, and this "
     "machine's clock; or switch off \"Require Demonstrating Proof of Possession\" in the app's "
     "general settings"},
    {0, "use_dpop_nonce", ANYBODY,
     "Okta goes on asking for another DPoP nonce: a proxy on the way may remove the DPoP-Nonce "
     "header"},
    {403, "access_denied", ANYBODY,
     "a network zone or a policy of the org keeps the app from getting a token here: check "
     "Security "
     "> Networks and the app's network zone"},
    {0, "invalid_request", ANYBODY,
     "Okta misses something in the request: check that okta_domain_url is the org's own address "
     "(https://ORG.okta.com) and not a custom authorization server's"},
    {429, NULL, ANYBODY, "the rate limit for tokens is used up"},
    {404, NULL, ANYBODY,
     "there is no token endpoint: check okta_domain_url (https://ORG.okta.com, without a path)"},
    {407, NULL, ANYBODY, "the proxy wants a user name and password: set them in proxy_url"},
    {200, NULL, ANYBODY,
     "the answer is no token: this is not the token endpoint of an Okta org, or a captive portal "
     "or "
     "proxy stands between; check okta_domain_url"},
    {401, NULL, ANYBODY,
     "refused: check client_id, the key or secret, and that okta_domain_url is this org's"},
    {403, NULL, ANYBODY,
     "refused: check the org's network zones; a firewall or proxy may also answer so"},
};

static bool fits(const struct token_advice *row, int status, struct str error, enum for_whom whom) {
    if (row->status && row->status != status) return false;
    if (row->error && !str_eqz(error, row->error)) return false;
    return row->whom == ANYBODY || row->whom == whom;
}

static const char *find(int status, struct str error, enum for_whom whom) {
    for (size_t i = 0; i < LEN(rows); i++)
        if (fits(&rows[i], status, error, whom)) return rows[i].text;
    return NULL;
}

static void add_details(struct buf *out, const struct okta_token_context *context,
                        struct str error) {
    if (str_eqz(error, "invalid_client") && context->method == OKTA_AUTH_OAUTH2) {
        if (context->kid.n) buf_addf(out, "; the key's kid is %.*s", STR_ARG(context->kid));
        else buf_addz(out, "; the key has no kid, which an app with several keys needs");
    }
    if (str_eqz(error, "invalid_scope")) buf_addf(out, "; asked for: %s", context->scopes);
}

void okta_explain_token(struct okta_org *org, const struct http_response *response,
                        const struct okta_token_answer *answer,
                        const struct okta_token_context *context, struct fault *fault) {
    enum for_whom whom = context->method == OKTA_AUTH_OIN_APP ? SECRET : KEY;
    struct okta_quote error = okta_quote(org, answer->error, 64);
    struct okta_quote said = okta_quote(org, answer->error_description, OKTA_QUOTE_MAX);
    const char *text = find(response->status, answer->error, whom);
    AUTO_FINI(buf) struct buf out = buf_make(4 * (size_t)FAULT_TEXT_MAX);
    buf_addf(&out, "%s gave no access token, it answered %d", context->host, response->status);
    if (error.text[0]) buf_addf(&out, " %s", error.text);
    if (text) buf_addf(&out, ": %s", text);
    add_details(&out, context, answer->error);
    if (said.text[0]) buf_addf(&out, " (%s)", said.text);
    fault_set(fault, 0, "%.*s", STR_ARG(buf_str(&out)));
}
