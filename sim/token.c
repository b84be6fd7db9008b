// SPDX-License-Identifier: Apache-2.0
// The request is judged in full before faults and the rate limit have their say, so that an answer
// of any kind spends the assertion and the proof that came with the request, as Okta's do.
#include "sim/token.h"

#include "base/time.h"
#include "sim/access.h"
#include "sim/args.h"
#include "sim/client.h"
#include "sim/proof.h"
#include "json/write.h"

#define GRANT "client_credentials"
#define GRANTS                                                                                     \
    "authorization_code, implicit, password, refresh_token, client_credentials, "                  \
    "urn:ietf:params:oauth:grant-type:device_code"

struct token_request {
    struct call *call;
    struct args form;
    struct app *app; // NULL: not authenticated
    char thumbprint[OAUTH_THUMBPRINT_MAX];
    struct oauth_error error;
};

static void token_request_fini(struct token_request *t) { args_fini(&t->form); }
DEFINE_AUTO_FINI(token_request)

static struct str field(const struct token_request *t, const char *name) {
    return args_get(&t->form, name);
}

static bool is_form(struct str content_type) {
    struct str media_type = str_trim(str_split(&content_type, ';'));
    return str_eq_nocase(media_type, STR("application/x-www-form-urlencoded"));
}

// Okta's SDK for Go sends all of its form in the query, and Okta takes it; but no secret.
static bool has_secret_in_query(struct str query) {
    AUTO_FINI(args) struct args args = {.n = 0};
    return query.p && args_parse(&args, query) == 0 && args_get(&args, "client_secret").p;
}

static int read_form(struct token_request *t) {
    const struct request *request = t->call->request;
    AUTO_FINI(buf) struct buf whole = buf_make(request->query.n + request->body.n + 1);
    if (!is_form(request_header(request, "content-type")))
        return oauth_refuse(&t->error, OAUTH_MEDIA_TYPE);
    if (has_secret_in_query(request->query)) return oauth_refuse(&t->error, OAUTH_IN_QUERY);
    buf_add_str(&whole, request->query);
    buf_addc(&whole, '&');
    buf_add_str(&whole, str_trim(request->body));
    int e = whole.error ? whole.error : args_parse(&t->form, buf_str(&whole));
    if (e) return e > 0 ? oauth_refuse(&t->error, OAUTH_BAD_FORM) : e;
    return args_repeat(&t->form) ? oauth_refuse(&t->error, OAUTH_REPEATED) : 0;
}

static int check_grant(struct token_request *t) {
    struct str grant = field(t, "grant_type");
    if (!grant.n) return oauth_refuse_with(&t->error, OAUTH_MISSING, STR("grant_type"));
    if (str_eqz(grant, GRANT)) return 0;
    return oauth_refuse_with(&t->error, OAUTH_UNSUPPORTED_GRANT, STR(GRANTS));
}

static int check_client(struct token_request *t) {
    struct call *call = t->call;
    struct client_ask ask = {.request = call->request, .form = &t->form, .now_ms = call->now_ms};
    int e = client_authenticate(&call->sim->oauth, &ask, &t->app, &t->error);
    if (e) return e;
    call->principal = &t->app->principal;
    call->note.token_known = true;
    memcpy(call->note.client, t->app->client_id,
           strnlen(t->app->client_id, sizeof call->note.client - 1));
    if (app_has_word(t->app->grants, STR(GRANT))) return 0;
    return oauth_refuse_with(&t->error, OAUTH_UNAUTHORIZED, str_from(t->app->grants));
}

// An app that does not ask for proofs gets a Bearer token, whatever it sends.
static int check_proof(struct token_request *t) {
    struct oauth *o = &t->call->sim->oauth;
    if (!t->app->dpop) return 0;
    if (!t->call->note.has_proof) return oauth_refuse(&t->error, OAUTH_PROOF_MISSING);
    struct proof_ask ask = {.request = t->call->request,
                            .nonce_required = o->nonce_required,
                            .now_ms = t->call->now_ms};
    return proof_verify(o, &ask, t->thumbprint, &t->error);
}

// okta.<something>.read or .manage; okta.factors.* is not one of them.
static bool is_okta_scope(struct str scope) {
    bool named = str_starts(scope, STR("okta.")) && !str_starts(scope, STR("okta.factors."));
    return named && (str_ends(scope, STR(".read")) || str_ends(scope, STR(".manage")));
}

static bool is_openid_scope(struct str scope) {
    static const char names[] = "openid profile email address phone offline_access groups";
    return app_has_word(names, scope);
}

static int check_scope(struct token_request *t, struct str scope) {
    if (is_openid_scope(scope)) return oauth_refuse(&t->error, OAUTH_OPENID_SCOPE);
    if (!is_okta_scope(scope)) return oauth_refuse(&t->error, OAUTH_UNKNOWN_SCOPE);
    if (app_has_word(t->app->scopes, scope)) return 0;
    return oauth_refuse(&t->error, OAUTH_UNGRANTED_SCOPE);
}

static int check_scopes(struct token_request *t) {
    struct str rest = str_trim(field(t, "scope"));
    if (!rest.n) return oauth_refuse(&t->error, OAUTH_NO_SCOPES);
    int e = 0;
    while (!e && rest.p) e = check_scope(t, str_split(&rest, ' '));
    return e;
}

static int judge(struct token_request *t) {
    int e = read_form(t);
    if (!e) e = check_grant(t);
    if (!e) e = check_client(t);
    if (!e) e = check_proof(t);
    if (!e) e = check_scopes(t);
    return e;
}

static int answer_refusal(struct token_request *t) {
    struct call *call = t->call;
    struct nonces *nonces = &call->sim->oauth.nonces;
    call->reply->status = oauth_error_status(t->error.kind);
    oauth_error_write(&call->reply->body, &t->error);
    call_add_headers(call, "application/json");
    if (t->error.kind == OAUTH_USE_NONCE)
        reply_header(call->reply, "dpop-nonce", "%s", nonces_current(nonces, call->now_ms));
    return CALL_E_DONE;
}

static void count_issue(struct token_request *t) {
    struct oauth *o = &t->call->sim->oauth;
    o->issued++;
    if (t->app->issued++) o->renewed++;
}

static void add_text(struct buf *out, const char *key, struct str value) {
    json_key(out, str_from(key));
    json_add_text(out, value);
}

static int write_token(struct token_request *t, const struct access_grant *grant, int64_t life_ms) {
    AUTO_FINI(buf) struct buf token = buf_make(1 << 20);
    struct buf *out = &t->call->reply->body;
    int e = access_issue(t->call, grant, &token);
    if (e) return e;
    json_open(out, '{');
    add_text(out, "token_type", grant->thumbprint[0] ? STR("DPoP") : STR("Bearer"));
    json_key(out, STR("expires_in"));
    json_add_i64(out, life_ms / TIME_SECOND_MS);
    add_text(out, "access_token", buf_str(&token));
    add_text(out, "scope", grant->scopes);
    json_close(out, '}');
    return out->error;
}

static int answer_token(struct token_request *t) {
    struct call *call = t->call;
    struct oauth *o = &call->sim->oauth;
    bool dead = call_draw(call, FAULT_PAGE, FAULT_BIT(FAULT_DEAD_TOKEN)) != NULL;
    struct access_grant grant = {.app = t->app,
                                 .scopes = str_trim(field(t, "scope")),
                                 .thumbprint = t->thumbprint,
                                 .expires_ms = call->now_ms + (dead ? 0 : o->token_life_ms)};
    int e = write_token(t, &grant, o->token_life_ms);
    if (e) return e;
    count_issue(t);
    if (t->app->dpop)
        reply_header(call->reply, "dpop-nonce", "%s", nonces_current(&o->nonces, call->now_ms));
    return call_finish(call);
}

// Faults that have a form of their own here.
static const struct {
    enum fault_kind fault;
    enum oauth_kind error;
} token_faults[] = {
    {FAULT_500, OAUTH_SERVER_ERROR},          {FAULT_USE_DPOP_NONCE, OAUTH_USE_NONCE},
    {FAULT_INVALID_CLIENT, OAUTH_BAD_CLIENT}, {FAULT_ACCESS_DENIED, OAUTH_ACCESS_DENIED},
    {FAULT_UNAVAILABLE, OAUTH_UNAVAILABLE},
};

static int apply_fault(struct token_request *t, const struct fault_rule *rule) {
    for (size_t i = 0; i < LEN(token_faults); i++) {
        if (token_faults[i].fault != rule->kind) continue;
        t->error = (struct oauth_error){.kind = token_faults[i].error};
        return answer_refusal(t);
    }
    return call_apply_instead(t->call, rule);
}

// Only requests of a client that is who it says are struck.
static const struct fault_rule *draw_fault(struct token_request *t) {
    uint64_t fits = FAULTS_ANY;
    if (!t->call->note.has_proof) fits &= ~FAULT_BIT(FAULT_USE_DPOP_NONCE);
    return t->app ? call_draw(t->call, FAULT_INSTEAD, fits) : NULL;
}

int token_answer(struct call *call) {
    AUTO_FINI(token_request) struct token_request t = {.call = call};
    int judged = judge(&t);
    if (judged < 0) return judged;
    call->view = limits_look(&call->sim->limits, call->principal, LIMITS_TOKEN, call->now_ms);
    const struct fault_rule *rule = draw_fault(&t);
    int e = rule ? apply_fault(&t, rule) : call_count(call);
    if (e) return e;
    return judged ? answer_refusal(&t) : answer_token(&t);
}
