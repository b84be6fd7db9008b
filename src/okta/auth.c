// SPDX-License-Identifier: Apache-2.0
// What lets a request in: the API token, or an access token with the proof that its key is ours.
#include <errno.h>

#include "base/time.h"
#include "crypto/digest.h"
#include "okta/assertion.h"
#include "okta/challenge.h"
#include "okta/explain-internal.h"
#include "okta/org-internal.h"

enum {
    HEADER_MAX_BYTES = 64 * 1024,
    HEADER_USUAL_BYTES = 8 * 1024,
    SENDINGS_MAX = 3, // of one request, each with another token, nonce or clock
    CLOCK_STEP_MS = 5 * TIME_SECOND_MS,
    SECRET_BEGINNING = 8,
};

struct okta_auth {
    struct okta_org *org;
    enum okta_auth_method method;
    const char *api_key; // borrowed
    struct okta_tokens *tokens;
    struct buf nonce; // for proofs at the resources
};

enum okta_auth_method okta_auth_method(const struct okta_auth *auth) { return auth->method; }

static bool is_token(const char *key) {
    for (const char *at = key; *at; at++)
        if (*at <= ' ' || *at > '~') return false;
    return key[0] != '\0';
}

static int check_key(const char *key, struct fault *fault) {
    if (!key || !is_token(key))
        return fault_set(fault, -EINVAL,
                         "api_key is not an API token: it is empty, or holds a blank, a line "
                         "break or another character that no token has (the word SSWS does not "
                         "belong to it)");
    return 0;
}

int okta_auth_new(struct okta_auth **ret, struct okta_org *org,
                  const struct okta_credentials *credentials, bool allow_any_url,
                  struct fault *fault) {
    struct okta_auth *auth = mem_new(sizeof *auth);
    if (!auth) return -ENOMEM;
    *auth = (struct okta_auth){
        .org = org,
        .method = credentials->method,
        .api_key = credentials->api_key,
        .nonce = buf_make(HEADER_MAX_BYTES),
    };
    *ret = auth;
    if (auth->method == OKTA_AUTH_API_KEY) return check_key(auth->api_key, fault);
    return okta_tokens_new(&auth->tokens, org, credentials, allow_any_url, fault);
}

struct okta_auth *okta_auth_free(struct okta_auth *auth) {
    if (!auth) return NULL;
    okta_tokens_free(auth->tokens);
    buf_wipe(&auth->nonce);
    free(auth);
    return NULL;
}

bool okta_auth_ready(struct okta_auth *auth) {
    return !auth->tokens || okta_tokens_ready(auth->tokens);
}

const struct okta_failure *okta_auth_failure(const struct okta_auth *auth,
                                             const struct okta_call *call) {
    return auth->tokens ? okta_tokens_failure(auth->tokens, call) : NULL;
}

// ---- headers ----

struct buf *okta_headers_add(struct okta_headers *headers, const char *name) {
    struct buf *text = &headers->text[headers->n++];
    *text = buf_make(HEADER_MAX_BYTES);
    buf_reserve(text, HEADER_USUAL_BYTES); // growing would leave a copy behind
    buf_addf(text, "%s: ", name);
    return text;
}

void okta_headers_fini(struct okta_headers *headers) {
    for (size_t i = 0; i < headers->n; i++) buf_wipe(&headers->text[i]);
    buf_wipe(&headers->body);
}

int okta_add_proof(struct okta_call *call, struct okta_headers *headers,
                   const struct crypto_key *key, struct str token, struct str nonce) {
    call->clock_offset_ms = call->org->clock_offset_ms;
    buf_reset(&call->nonce);
    buf_add_str(&call->nonce, nonce);
    const struct okta_proof proof = {
        .method = call->method,
        .url = call->url,
        .token = token,
        .nonce = nonce,
        .okta_now_ms = okta_org_now_ms(call->org),
    };
    int e = okta_dpop_proof(okta_headers_add(headers, "DPoP"), key, &proof);
    return e ? e : call->nonce.error;
}

static int add_token(struct okta_auth *auth, struct okta_call *call, struct okta_headers *headers) {
    struct okta_access_token token = okta_tokens_get(auth->tokens);
    struct buf *out = okta_headers_add(headers, "Authorization");
    buf_addz(out, token.key ? "DPoP " : "Bearer ");
    buf_add_str(out, token.value);
    call->token_number = token.number;
    if (!token.key) return 0;
    return okta_add_proof(call, headers, token.key, token.value, buf_str(&auth->nonce));
}

int okta_auth_sign(struct okta_auth *auth, struct okta_call *call, struct okta_headers *headers) {
    if (call->bucket == OKTA_BUCKET_TOKEN)
        return okta_tokens_sign_request(auth->tokens, call, headers);
    if (auth->tokens) return add_token(auth, call, headers);
    buf_addf(okta_headers_add(headers, "Authorization"), "SSWS %s", auth->api_key);
    return 0;
}

// ---- answers ----

bool okta_keep_nonce(struct buf *nonce, const struct okta_call *call,
                     const struct http_response *response) {
    struct str told = http_header(response, "dpop-nonce");
    if (told.n == 0) return false;
    buf_reset(nonce);
    buf_add_str(nonce, told);
    return !str_eq(told, buf_str(&call->nonce));
}

bool okta_clock_was_off(const struct okta_call *call) {
    int64_t off = call->org->clock_offset_ms - call->clock_offset_ms;
    return off > CLOCK_STEP_MS || off < -CLOCK_STEP_MS;
}

static struct okta_challenge challenge_of(const struct http_response *response) {
    struct okta_challenge c = {.scheme = STR_NONE};
    okta_challenge_read(http_header(response, "www-authenticate"), &c);
    return c;
}

// Okta says of credentials in WWW-Authenticate (okta-api section 3.5). Other refusals come from
// whoever has already looked at what was asked, and may have begun with it; a new nonce comes with
// any answer.
static bool is_about_credentials(const struct okta_auth *auth,
                                 const struct http_response *response) {
    if (challenge_of(response).scheme.n) return true;
    if (str_trim(response->body).n == 0) return response->status == 401;
    return str_eq(okta_error_code(auth->org, response), STR("E0000011"));
}

// A proof was refused: would another one be let in?
static bool proof_again(struct okta_auth *auth, const struct okta_call *call,
                        const struct http_response *response) {
    if (!okta_tokens_get(auth->tokens).key) return false;
    if (okta_keep_nonce(&auth->nonce, call, response)) return true;
    return str_eqz(challenge_of(response).error, "invalid_dpop_proof") && okta_clock_was_off(call);
}

bool okta_auth_again(struct okta_auth *auth, struct okta_call *call,
                     const struct http_response *response) {
    if (call->bucket == OKTA_BUCKET_TOKEN) return okta_tokens_again(auth->tokens, call, response);
    bool refused = response->result == HTTP_OK && auth->tokens &&
                   (response->status == 400 || response->status == 401) &&
                   (!call->once || is_about_credentials(auth, response));
    if (!refused) {
        if (auth->tokens) okta_keep_nonce(&auth->nonce, call, response);
        return false;
    }
    bool again = proof_again(auth, call, response);
    if (response->status == 401 && !again) {
        okta_tokens_drop(auth->tokens, call->token_number);
        again = call->sendings < 2 || okta_tokens_get(auth->tokens).number != call->token_number;
    }
    return again && call->sendings < SENDINGS_MAX;
}

// The beginning of a secret is enough: the text may be cut. Tokens, assertions and proofs are JWTs,
// which all begin with "eyJ".
bool okta_auth_is_in(const struct okta_auth *auth, struct str text) {
    struct str token = auth->tokens ? okta_tokens_get(auth->tokens).value : STR_NONE;
    const struct str secrets[] = {
        str_sub(str_from(auth->api_key), 0, SECRET_BEGINNING),
        str_sub(token, 0, SECRET_BEGINNING),
        auth->tokens ? STR("eyJ") : STR_NONE,
    };
    for (size_t i = 0; text.n > 0 && i < LEN(secrets); i++)
        if (secrets[i].n > 0 && str_find(text, secrets[i]) < text.n) return true;
    return false;
}

void okta_org_token(const struct okta_org *org, struct okta_token_view *ret) {
    *ret = (struct okta_token_view){.used = false};
    if (org->auth->tokens) okta_tokens_view(org->auth->tokens, ret);
}
