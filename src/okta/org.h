// SPDX-License-Identifier: Apache-2.0
#ifndef OKTA_ORG_H
#define OKTA_ORG_H
// An org: one base URL, one set of credentials, one HTTP client, one rate budget per bucket, shared
// by everything that talks to it: collection, backfill, and what the gate asks. Loop thread only.

#include "base/error.h"
#include "http/budget.h"
#include "http/client.h"
#include "http/concurrency.h"
#include "http/url.h"

struct crypto_key;
struct loop;
struct okta_org;

// How requests are signed in (okta-api: authentication).
enum okta_auth_method {
    OKTA_AUTH_API_KEY, // Authorization: SSWS token
    OKTA_AUTH_OAUTH2,  // service app: a token for a signed assertion (private_key_jwt)
    OKTA_AUTH_OIN_APP, // service integration of the OIN: a token for a client secret
};

// Strings and keys are borrowed until okta_org_free.
struct okta_credentials {
    enum okta_auth_method method;
    const char *api_key;         // the SSWS token; with OIN_APP the client secret
    const char *okta_domain_url; // https://acme.okta.com, base of the token endpoint
    const char *client_id;
    const struct crypto_key *key; // private; OAUTH2 only
    const char *const *scopes;
    size_t scope_count;
    // The key that tokens are bound to (RFC 9449). NULL: tokens are asked for without a proof, and
    // when the app turns out to demand one, a key is made.
    const struct crypto_key *dpop_key;
    // Told, on the loop, of a key that was made, so that it can be kept. May be NULL.
    void (*dpop_key_made)(void *ctx, const struct crypto_key *key);
    void *ctx;
};

struct okta_org_opts {
    const char *url; // https://acme.okta.com/api/v1/logs: where requests may go
    struct okta_credentials credentials;
    double rate_limit_early_limit; // 0: default
    int64_t http_client_timeout_ms;
    bool allow_any_url; // plain http beyond loopback and console hosts, said explicitly
    struct http_client_opts http;
};

// Outcomes: 0; -ENOMEM; -EINVAL with fault.
int okta_org_new(struct okta_org **ret, struct loop *loop, const struct okta_org_opts *opts,
                 struct fault *fault) MUST_USE;
struct okta_org *okta_org_free(struct okta_org *org); // no request may be in flight
DEFINE_AUTO_FREE(okta_org)

// Which rate limit a request counts against (okta-api section 2.4).
enum okta_bucket {
    OKTA_BUCKET_TOKEN,
    OKTA_BUCKET_LOGS,
    OKTA_BUCKET_USERS,   // users found
    OKTA_BUCKET_FACTORS, // factors listed, transactions polled and cancelled
    OKTA_BUCKET_VERIFY   // pushes sent and codes tried: counted with sign-ins, not with the above
};
enum { OKTA_BUCKET_COUNT = OKTA_BUCKET_VERIFY + 1 };
const char *okta_bucket_name(enum okta_bucket b); // "logs"

const struct budget *okta_org_budget(const struct okta_org *org, enum okta_bucket bucket);
const struct concurrency *okta_org_concurrency(const struct okta_org *org);

// Okta's clock minus ours, in milliseconds, by the last Date that Okta sent; false: none was sent.
bool okta_org_clock(const struct okta_org *org, int64_t *ret_offset_ms);

// What is known of the access token, for `test okta` and `status`. Never the token itself.
struct okta_token_view {
    bool used;                   // this org signs in by tokens
    bool present;                // one is there and has not expired
    bool dpop;                   // it is bound to a key
    int64_t expires_ms;          // wall clock
    const char *scope;           // granted, as told; NULL when nothing was told
    int64_t renewals;            // tokens got so far
    bool answered;               // the token endpoint was asked at least once:
    struct http_response answer; // how its last answer went; without what is borrowed
    struct fault fault;          // why the last request for one failed; empty when it did not
};
void okta_org_token(const struct okta_org *org, struct okta_token_view *ret);

#endif
