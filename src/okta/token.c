// SPDX-License-Identifier: Apache-2.0
// The access token of an org (okta-api sections 3.3 to 3.7). One request for it at a time: who
// needs a token waits in his line until it is there. It is renewed ahead of its end while the old
// one goes on being used, lives in memory only, and is wiped.
#include "okta/token.h"

#include <errno.h>
#include <stdio.h>

#include "base/time.h"
#include "crypto/digest.h"
#include "okta/assertion.h"
#include "okta/org-internal.h"

#define TOKEN_PATH "/oauth2/v1/token"

enum {
    ANSWER_MAX_BYTES = 1 << 20,
    TOKEN_MAX_BYTES = 64 * 1024,
    FORM_MAX_BYTES = 256 * 1024,
    FORM_USUAL_BYTES = 8 * 1024,
    SENDINGS_MAX = 5,                     // of one request: for a proof, a nonce, the clock
    RENEW_AHEAD_MS = 5 * TIME_MINUTE_MS,  // before the end, or a quarter of a shorter life
    UNUSABLE_MS = 10 * TIME_SECOND_MS,    // a request needs a moment to arrive; or a tenth
    RENEW_RETRY_MS = 30 * TIME_SECOND_MS, // after a renewal that failed while the old one serves
};

struct okta_tokens {
    struct okta_org *org;
    struct okta_credentials given; // what it points to is borrowed
    char *url;
    struct http_origin origin;
    char *scopes;

    struct buf value; // the token; empty: none
    bool is_dpop;
    uint64_t number; // of tokens had
    int64_t unusable_mono_ms, renew_mono_ms;
    int64_t expires_ms;
    char *granted;

    struct crypto_key *made_key;
    const struct crypto_key *dpop_key; // given or made; NULL: no proofs
    struct buf nonce;                  // of the token endpoint

    bool asking;
    struct okta_call call;
    struct buf body; // of its answer
    struct okta_failure failure;
    uint64_t failed_upto; // the failure is for calls up to this number
    bool answered;
    struct http_response answer; // without what was borrowed
};

// ---- making ----

static int make_url(const struct http_origin *o, char **ret) {
    AUTO_FINI(buf) struct buf text = buf_make(4096);
    http_origin_add(&text, o);
    buf_addz(&text, TOKEN_PATH);
    *ret = buf_take(&text);
    return *ret ? 0 : -ENOMEM;
}

static int join_scopes(struct okta_tokens *t) {
    AUTO_FINI(buf) struct buf text = buf_make(FORM_MAX_BYTES);
    for (size_t i = 0; i < t->given.scope_count; i++)
        buf_addf(&text, "%s%s", i ? " " : "", t->given.scopes[i]);
    t->scopes = buf_take(&text);
    return t->scopes ? 0 : -ENOMEM;
}

static int check_given(const struct okta_credentials *c, struct fault *fault) {
    if (!c->okta_domain_url || !c->client_id)
        return fault_set(fault, -EINVAL, "okta_domain_url and client_id are needed for a token");
    if (c->method == OKTA_AUTH_OAUTH2 && !c->key)
        return fault_set(fault, -EINVAL, "the service app's private key is missing");
    if (c->method == OKTA_AUTH_OIN_APP && (!c->api_key || !c->api_key[0]))
        return fault_set(fault, -EINVAL, "the app's client secret is missing");
    return 0;
}

int okta_tokens_new(struct okta_tokens **ret, struct okta_org *org,
                    const struct okta_credentials *credentials, bool allow_any_url,
                    struct fault *fault) {
    int e = check_given(credentials, fault);
    if (e) return e;
    struct okta_tokens *t = mem_new(sizeof *t);
    if (!t) return -ENOMEM;
    t->given = *credentials;
    t->org = org;
    t->dpop_key = credentials->dpop_key;
    t->value = buf_make(TOKEN_MAX_BYTES);
    t->nonce = buf_make(TOKEN_MAX_BYTES);
    t->body = buf_make(ANSWER_MAX_BYTES);
    *ret = t;
    e = http_origin_parse(str_from(credentials->okta_domain_url), &t->origin, fault);
    if (!e && !allow_any_url) e = okta_check_host(&t->origin, "okta_domain_url", fault);
    if (!e) e = make_url(&t->origin, &t->url);
    return e ? e : join_scopes(t);
}

struct okta_tokens *okta_tokens_free(struct okta_tokens *t) {
    if (!t) return NULL;
    if (t->asking) okta_call_cancel(&t->call);
    okta_call_fini(&t->call);
    buf_wipe(&t->value);
    buf_wipe(&t->nonce);
    buf_wipe(&t->body);
    crypto_key_free(t->made_key);
    free(t->granted);
    free(t->scopes);
    free(t->url);
    free(t);
    return NULL;
}

// ---- the request ----

static void add_field(struct buf *form, const char *name, struct str value) {
    if (form->n) buf_addc(form, '&');
    buf_addf(form, "%s=", name);
    http_add_encoded(form, value);
}

static int add_assertion(struct okta_tokens *t, struct buf *form) {
    AUTO_FINI(buf) struct buf assertion = buf_make(FORM_MAX_BYTES);
    int e = okta_assertion(&assertion, t->given.key, t->given.client_id, t->url,
                           okta_org_now_ms(t->org));
    add_field(form, "client_assertion_type",
              STR("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
    add_field(form, "client_assertion", buf_str(&assertion));
    return e ? e : assertion.error;
}

// RFC 4648 section 4, which Basic wants.
static void add_base64(struct buf *out, struct str bytes) {
    size_t from = out->n;
    crypto_base64url(out, bytes);
    for (size_t i = from; i < out->n; i++) {
        if (out->p[i] == '-') out->p[i] = '+';
        if (out->p[i] == '_') out->p[i] = '/';
    }
    while ((out->n - from) % 4 && !out->error) buf_addc(out, '=');
}

// RFC 6749 section 2.3.1: both parts are form-encoded first.
static int add_basic(const struct okta_tokens *t, struct okta_headers *headers) {
    AUTO_FINI(buf) struct buf pair = buf_make(FORM_MAX_BYTES);
    http_add_encoded(&pair, str_from(t->given.client_id));
    buf_addc(&pair, ':');
    http_add_encoded(&pair, str_from(t->given.api_key));
    struct buf *out = okta_headers_add(headers, "Authorization");
    buf_addz(out, "Basic ");
    add_base64(out, buf_str(&pair));
    int e = pair.error;
    buf_wipe(&pair);
    return e;
}

int okta_tokens_sign_request(struct okta_tokens *t, struct okta_call *call,
                             struct okta_headers *headers) {
    struct buf *form = &headers->body;
    *form = buf_make(FORM_MAX_BYTES);
    buf_reserve(form, FORM_USUAL_BYTES); // growing would leave a copy behind
    call->clock_offset_ms = t->org->clock_offset_ms;
    add_field(form, "grant_type", STR("client_credentials"));
    add_field(form, "scope", str_from(t->scopes));
    buf_addz(okta_headers_add(headers, "Content-Type"), "application/x-www-form-urlencoded");
    int e = t->given.method == OKTA_AUTH_OAUTH2 ? add_assertion(t, form) : add_basic(t, headers);
    if (!e && t->dpop_key)
        e = okta_add_proof(call, headers, t->dpop_key, STR_NONE, buf_str(&t->nonce));
    return e ? e : form->error;
}

static void on_done(struct okta_call *call, const struct okta_result *result);

static struct okta_tokens *tokens_of(struct okta_call *call) {
    return (struct okta_tokens *)(void *)((char *)call - offsetof(struct okta_tokens, call));
}

static void fail(struct okta_tokens *t, bool final, const struct fault *fault) {
    t->failure = (struct okta_failure){.final = final, .fault = *fault};
    t->failed_upto = t->org->calls;
    t->renew_mono_ms = time_mono_ms() + RENEW_RETRY_MS;
    okta_org_look(t->org);
}

static void ask(struct okta_tokens *t) {
    if (t->asking) return;
    int e = okta_call_init(&t->call, t->org, str_from(t->url));
    if (e) {
        struct fault fault;
        fault_set(&fault, 0, "%s", error_text(e));
        fail(t, false, &fault);
        return;
    }
    t->asking = true;
    t->call.bucket = OKTA_BUCKET_TOKEN;
    t->call.class = BUDGET_PUSH;
    t->call.method = "POST";
    t->call.into = &t->body;
    t->call.want_certificate = true;
    t->call.done = on_done;
    okta_call_submit(&t->call);
}

bool okta_tokens_ready(struct okta_tokens *t) {
    int64_t now = time_mono_ms();
    bool usable = t->value.n > 0 && now < t->unusable_mono_ms;
    if (!usable || now >= t->renew_mono_ms) ask(t);
    return usable;
}

// While the old token serves, a renewal that failed is nobody's failure.
const struct okta_failure *okta_tokens_failure(const struct okta_tokens *t,
                                               const struct okta_call *call) {
    bool usable = t->value.n > 0 && time_mono_ms() < t->unusable_mono_ms;
    return !usable && call->number <= t->failed_upto ? &t->failure : NULL;
}

// ---- the answer ----

// The app demands a proof: a key is made, small and quick to sign with.
static bool make_key(struct okta_tokens *t) {
    if (t->dpop_key) return false;
    if (crypto_key_generate(&t->made_key, CRYPTO_P256) != 0) return false;
    t->dpop_key = t->made_key;
    if (t->given.dpop_key_made) t->given.dpop_key_made(t->given.ctx, t->made_key);
    return true;
}

bool okta_tokens_again(struct okta_tokens *t, struct okta_call *call,
                       const struct http_response *response) {
    struct okta_token_answer answer;
    bool new_nonce = okta_keep_nonce(&t->nonce, call, response);
    bool refused =
        response->result == HTTP_OK && (response->status == 400 || response->status == 401);
    if (!refused || call->sendings >= SENDINGS_MAX) return false;
    if (okta_token_read(t->org->reader, response->body, &answer) != 0) return false;
    if (str_eqz(answer.error, "use_dpop_nonce") || str_eqz(answer.error, "invalid_dpop_proof")) {
        if (!t->dpop_key) return make_key(t);
        if (new_nonce) return true;
    }
    return okta_clock_was_off(call);
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// A token's life began when Okta made it, at some moment since it was asked for: `ago_ms` at most.
static int keep(struct okta_tokens *t, const struct okta_token_answer *answer, int64_t ago_ms) {
    int64_t life_ms = answer->expires_in_s * 1000;
    int64_t asked = time_mono_ms() - ago_ms;
    char *granted = answer->scope.p ? mem_copy(answer->scope.p, answer->scope.n) : NULL;
    if (answer->scope.p && !granted) return -ENOMEM;
    buf_wipe(&t->value);
    buf_add_str(&t->value, answer->access_token);
    free(t->granted);
    t->granted = granted;
    t->number++;
    t->is_dpop = answer->is_dpop;
    t->expires_ms = time_now_ms() - ago_ms + life_ms;
    t->unusable_mono_ms = asked + life_ms - least(UNUSABLE_MS, life_ms / 10);
    t->renew_mono_ms = asked + life_ms - least(RENEW_AHEAD_MS, life_ms / 4);
    return t->value.error;
}

static void explain(struct okta_tokens *t, const struct http_response *response,
                    const struct okta_token_answer *answer, struct fault *fault) {
    if (response->status >= 300 && response->status < 400) {
        okta_explain_redirect(&t->origin, response, fault);
        return;
    }
    const struct okta_token_context context = {
        .host = t->origin.host,
        .kid = t->given.key ? crypto_key_kid(t->given.key) : STR_NONE,
        .method = t->given.method,
        .scopes = t->scopes,
        .had_proof = t->dpop_key != NULL,
    };
    okta_explain_token(t->org, response, answer, &context, fault);
}

// Final is what asking again cannot change.
static bool is_final(int status) {
    return status >= 400 && status < 500 && status != 407 && status != 408 && status != 425 &&
           status != 429;
}

static void take_answer(struct okta_tokens *t, const struct http_response *response) {
    struct okta_token_answer answer = {.is_token = false};
    struct fault fault = {{0}};
    if (response->result != HTTP_OK) {
        okta_explain_transport(t->origin.host, response, &fault);
        fail(t, false, &fault);
        return;
    }
    int e = okta_token_read(t->org->reader, response->body, &answer);
    bool usable = response->status == 200 && answer.is_token && (!answer.is_dpop || t->dpop_key);
    if (!e && usable) e = keep(t, &answer, response->elapsed_ms);
    if (!e && usable) {
        t->failure = (struct okta_failure){.final = false};
        t->failed_upto = 0;
        return;
    }
    if (e) fault_set(&fault, 0, "%s", error_text(e));
    else explain(t, response, &answer, &fault);
    fail(t, !e && is_final(response->status), &fault);
}

// What of an answer can be kept when its memory is gone.
static void remember(struct okta_tokens *t, const struct http_response *response) {
    t->answered = true;
    t->answer = *response;
    t->answer.headers = NULL;
    t->answer.header_count = 0;
    t->answer.body = STR_NONE;
}

static void on_done(struct okta_call *call, const struct okta_result *result) {
    struct okta_tokens *t = tokens_of(call);
    t->asking = false;
    if (result->response) {
        remember(t, result->response);
        take_answer(t, result->response);
    } else {
        fail(t, result->failure->final, &result->failure->fault);
    }
    buf_wipe(&t->body);
    okta_call_fini(call);
    okta_org_look(t->org);
}

void okta_tokens_drop(struct okta_tokens *t, uint64_t number) {
    if (number == t->number) buf_wipe(&t->value);
}

struct okta_access_token okta_tokens_get(const struct okta_tokens *t) {
    return (struct okta_access_token){
        .value = buf_str(&t->value),
        .number = t->number,
        .key = t->is_dpop ? t->dpop_key : NULL,
    };
}

void okta_tokens_view(const struct okta_tokens *t, struct okta_token_view *ret) {
    *ret = (struct okta_token_view){
        .used = true,
        .present = t->value.n > 0 && time_mono_ms() < t->unusable_mono_ms,
        .dpop = t->is_dpop,
        .expires_ms = t->expires_ms,
        .scope = t->granted,
        .renewals = (int64_t)t->number,
        .fault = t->failure.fault,
        .answered = t->answered,
        .answer = t->answer,
    };
}
