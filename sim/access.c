// SPDX-License-Identifier: Apache-2.0
// A token looks as Okta's do, but what counts is the table: a text that is not in it is nothing.
#include "sim/access.h"

#include <errno.h>

#include "base/time.h"
#include "crypto/digest.h"
#include "crypto/jws.h"
#include "sim/proof.h"
#include "json/write.h"

enum { TOKEN_MAX_BYTES = 64 << 10, NAME_MAX_BYTES = 512, ID_BYTES = 32 };
#define DPOP_ALGS "RS256 RS384 RS512 ES256 ES384 ES512"

// What the table has of a token; client id and scopes lie behind it, each ended by NUL.
struct access {
    int64_t expires_ms;
    bool revoked;
    char thumbprint[OAUTH_THUMBPRINT_MAX];
    size_t client_n, scopes_n;
    char texts[];
};

static struct str client_of(const struct access *a) { return (struct str){a->texts, a->client_n}; }
static const char *scopes_of(const struct access *a) { return a->texts + a->client_n + 1; }

static struct access *access_new(const struct access_grant *grant) {
    struct str client = str_from(grant->app->client_id);
    struct access *a = mem_new(sizeof *a + client.n + grant->scopes.n + 2);
    if (!a) return NULL;
    a->expires_ms = grant->expires_ms;
    a->client_n = client.n;
    a->scopes_n = grant->scopes.n;
    memcpy(a->texts, client.p, client.n);
    memcpy(a->texts + client.n + 1, grant->scopes.p, grant->scopes.n);
    memcpy(a->thumbprint, grant->thumbprint, strlen(grant->thumbprint) + 1);
    return a;
}

static void add_text(struct buf *out, const char *key, struct str value) {
    json_key(out, str_from(key));
    json_add_text(out, value);
}

static void add_seconds(struct buf *out, const char *key, int64_t ms) {
    json_key(out, str_from(key));
    json_add_i64(out, ms / TIME_SECOND_MS);
}

static void add_origin(struct buf *out, const char *key, const struct call *call) {
    AUTO_FINI(buf) struct buf origin = buf_make(REQUEST_ORIGIN_MAX);
    request_add_origin(&origin, call->request);
    add_text(out, key, buf_str(&origin));
}

static int add_id(struct buf *out) {
    json_key(out, STR("jti"));
    buf_addz(out, "\"AT.");
    int e = crypto_random_text(out, ID_BYTES);
    buf_addc(out, '"');
    return e;
}

static void add_scopes(struct buf *out, struct str scopes) {
    json_key(out, STR("scp"));
    json_open(out, '[');
    while (scopes.n) json_add_text(out, str_split(&scopes, ' '));
    json_close(out, ']');
}

// The claims that recorded tokens have (okta-api.md section 3.4).
static int add_claims(struct buf *out, const struct call *call, const struct access_grant *grant) {
    struct str client = str_from(grant->app->client_id);
    json_open(out, '{');
    json_key(out, STR("ver"));
    json_add_i64(out, 1);
    int e = add_id(out);
    add_origin(out, "iss", call);
    add_origin(out, "aud", call);
    add_text(out, "sub", client);
    add_seconds(out, "iat", call->now_ms);
    add_seconds(out, "exp", grant->expires_ms);
    add_text(out, "cid", client);
    add_scopes(out, grant->scopes);
    if (grant->thumbprint[0]) {
        json_key(out, STR("cnf"));
        json_open(out, '{');
        add_text(out, "jkt", str_from(grant->thumbprint));
        json_close(out, '}');
    }
    json_close(out, '}');
    return e ? e : out->error;
}

static int add_head(struct buf *out, const struct crypto_key *key) {
    AUTO_FINI(buf) struct buf kid = buf_make(OAUTH_THUMBPRINT_MAX);
    int e = crypto_key_thumbprint(key, &kid);
    json_open(out, '{');
    add_text(out, "kid", buf_str(&kid));
    add_text(out, "typ", STR("application/okta-internal-at+jwt"));
    add_text(out, "alg", STR("RS256"));
    json_close(out, '}');
    return e ? e : out->error;
}

static int remember(struct call *call, const struct access_grant *grant, struct str text) {
    struct access *access = access_new(grant);
    if (!access) return -ENOMEM;
    // Remembered for a while after its end, so that it is told from one that never was.
    int64_t until_ms = grant->expires_ms + TIME_DAY_MS;
    return memo_add(&call->sim->oauth.tokens, hash128(text), until_ms, access, call->now_ms);
}

int access_issue(struct call *call, const struct access_grant *grant, struct buf *out) {
    AUTO_FINI(buf) struct buf head = buf_make(TOKEN_MAX_BYTES);
    AUTO_FINI(buf) struct buf claims = buf_make(TOKEN_MAX_BYTES);
    const struct crypto_key *key;
    size_t from = out->n;
    int e = oauth_key(&call->sim->oauth, &key);
    if (!e) e = add_head(&head, key);
    if (!e) e = add_claims(&claims, call, grant);
    if (!e) e = crypto_jws_sign(out, key, CRYPTO_RS256, buf_str(&head), buf_str(&claims));
    if (!e) e = out->error;
    return e ? e : remember(call, grant, str_sub(buf_str(out), from, out->n));
}

size_t access_revoke_all(struct oauth *o, int64_t now_ms) {
    size_t n = 0;
    for (size_t i = 0; i < o->tokens.cap; i++) {
        struct memo_entry *entry = &o->tokens.entries[i];
        struct access *access = entry->value;
        if (!entry->used || access->revoked || access->expires_ms <= now_ms) continue;
        access->revoked = true;
        n++;
    }
    return n;
}

// Whose challenge it is: a proof's faults are told in DPoP's scheme, the others in the request's.
static bool is_dpop_challenge(const struct call *call, enum oauth_kind kind) {
    struct str value = request_header(call->request, "authorization");
    return kind == OAUTH_TOKEN_IS_BOUND || str_eq_nocase(str_split(&value, ' '), STR("DPoP"));
}

int access_refuse(struct call *call, enum oauth_kind kind) {
    struct oauth *o = &call->sim->oauth;
    struct str host = request_header(call->request, "host");
    struct oauth_error error = {.kind = kind};
    AUTO_FINI(buf) struct buf text = buf_make(NAME_MAX_BYTES);
    oauth_error_describe(&text, &error);
    // RFC 9449 section 9: a resource that wants a nonce says so with 401.
    call->reply->status = kind == OAUTH_USE_NONCE ? 401 : oauth_error_status(kind);
    call_add_headers(call, NULL);
    if (kind == OAUTH_USE_NONCE)
        reply_header(call->reply, "dpop-nonce", "%s", nonces_current(&o->nonces, call->now_ms));
    reply_header(call->reply, "www-authenticate",
                 "%sauthorization_uri=\"http://%.*s/oauth2/v1/authorize\", realm=\"http://%.*s\", "
                 "scope=\"%s\", error=\"%s\", error_description=\"%.*s\", resource=\"%.*s\"",
                 is_dpop_challenge(call, kind) ? "DPoP algs=\"" DPOP_ALGS "\", " : "Bearer ",
                 STR_ARG(host), STR_ARG(host), call->endpoint->scope, oauth_error_name(kind),
                 STR_ARG(buf_str(&text)), STR_ARG(call->request->path));
    return CALL_E_DONE;
}

static int check_proof(struct call *call, const struct access *access, struct str token) {
    struct oauth *o = &call->sim->oauth;
    struct oauth_error error;
    char thumbprint[OAUTH_THUMBPRINT_MAX];
    struct proof_ask ask = {.request = call->request,
                            .access_token = token,
                            .nonce_required = o->nonce_at_resource,
                            .now_ms = call->now_ms};
    int e = proof_verify(o, &ask, thumbprint, &error);
    if (e) return e > 0 ? access_refuse(call, error.kind) : e;
    bool bound = strcmp(thumbprint, access->thumbprint) == 0;
    return bound ? 0 : access_refuse(call, OAUTH_PROOF_BINDING);
}

// Does the token go with the scheme that it came by?
static int check_scheme(struct call *call, const struct access *access, bool dpop,
                        struct str token) {
    bool bound = access->thumbprint[0] != '\0';
    if (!dpop) return bound ? access_refuse(call, OAUTH_TOKEN_IS_BOUND) : 0;
    if (!bound) return access_refuse(call, OAUTH_TOKEN_NOT_BOUND);
    if (!call->note.has_proof) return access_refuse(call, OAUTH_PROOF_REQUIRED);
    return check_proof(call, access, token);
}

static int check_token(struct call *call, const struct access *access, const struct app *app) {
    if (!access || !app || app->disabled) return access_refuse(call, OAUTH_TOKEN_INVALID);
    if (access->revoked) return access_refuse(call, OAUTH_TOKEN_REVOKED);
    if (access->expires_ms <= call->now_ms) return access_refuse(call, OAUTH_TOKEN_EXPIRED);
    return 0;
}

static void note_client(struct call *call, const char *client_id) {
    size_t n = strnlen(client_id, sizeof call->note.client - 1);
    memcpy(call->note.client, client_id, n);
}

static int authenticate_oauth(struct call *call, bool dpop, struct str token) {
    struct oauth *o = &call->sim->oauth;
    struct memo_entry *entry = memo_find(&o->tokens, hash128(token), call->now_ms);
    struct access *access = entry ? entry->value : NULL;
    struct app *app = access ? apps_find(&o->apps, client_of(access)) : NULL;
    int e = check_token(call, access, app);
    if (!e) e = check_scheme(call, access, dpop, token);
    if (e) return e;
    call->note.token_known = true;
    note_client(call, app->client_id);
    if (!app_has_word(scopes_of(access), str_from(call->endpoint->scope)))
        return access_refuse(call, OAUTH_SCOPE);
    call->principal = &app->principal;
    return app->roles ? 0 : call_refuse(call, API_NO_ROLE);
}

static int authenticate_ssws(struct call *call, struct str text) {
    struct limits_token *token = limits_find(&call->sim->limits, text);
    if (!token || token->role == LIMITS_REVOKED) return call_refuse(call, API_BAD_TOKEN);
    call->note.token_known = true;
    call->principal = &token->principal;
    call->token = token;
    if (token->role == LIMITS_ROLE_MISSING) return call_refuse(call, API_NO_ROLE);
    return 0;
}

int access_authenticate(struct call *call) {
    struct str value = request_header(call->request, "authorization");
    struct str scheme = str_split(&value, ' ');
    struct str token = value.p ? str_trim(value) : STR("");
    bool dpop = str_eq_nocase(scheme, STR("DPoP"));
    if (dpop || str_eq_nocase(scheme, STR("Bearer"))) return authenticate_oauth(call, dpop, token);
    // Okta's Python SDK 3 leaves the blank out.
    if (request_is_ssws(call->request, &token)) return authenticate_ssws(call, token);
    return call_refuse(call, API_NO_SESSION);
}
