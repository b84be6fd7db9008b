// SPDX-License-Identifier: Apache-2.0
// The order of the checks: endpoint, method, credentials, faults that stand for the whole answer,
// rate, then the question itself.
#include "sim/okta.h"

#include "base/time.h"
#include "sim/access.h"
#include "sim/args.h"
#include "sim/factors-api.h"
#include "sim/logs.h"
#include "sim/metadata.h"
#include "sim/phone-count.h"
#include "sim/token.h"
#include "sim/transactions.h"
#include "sim/users.h"
#include "sim/verify.h"

#define LENGTH_PAGE                                                                                \
    "<html>\r\n<head><title>411 Length Required</title></head>\r\n<body>\r\n"                      \
    "<center><h1>411 Length Required</h1></center>\r\n<hr><center>nginx</center>\r\n"              \
    "</body>\r\n</html>\r\n"
#define LOGS_SCOPE "okta.logs.read"
#define USERS_SCOPE "okta.users.read"
#define MANAGE_SCOPE "okta.users.manage"
#define FACTORS "/api/v1/users/*/factors"
#define TRANSACTION FACTORS "/*/transactions/*"

static const struct endpoint endpoints[] = {
    {"GET", "/api/v1/logs", true, LIMITS_LOGS, RECORD_LOGS, FAULT_AT_LOGS, LOGS_SCOPE, logs_answer,
     false},
    {"GET", "/api/v1/users", true, LIMITS_USERS, RECORD_USERS, FAULT_AT_USERS, USERS_SCOPE,
     users_list, false},
    {"GET", "/api/v1/users/*", true, LIMITS_USER, RECORD_USERS, FAULT_AT_USERS, USERS_SCOPE,
     users_get, false},
    {"GET", FACTORS, true, LIMITS_FACTORS, RECORD_FACTORS, FAULT_AT_FACTORS, USERS_SCOPE,
     factors_list, false},
    {"GET", FACTORS "/*", true, LIMITS_FACTORS, RECORD_FACTORS, FAULT_AT_FACTORS, USERS_SCOPE,
     factors_get, false},
    {"POST", FACTORS "/*/verify", true, LIMITS_VERIFY, RECORD_VERIFY, FAULT_AT_VERIFY, MANAGE_SCOPE,
     verify_answer, true},
    {"GET", TRANSACTION, true, LIMITS_FACTORS, RECORD_POLL, FAULT_AT_POLL, USERS_SCOPE,
     transactions_poll, false},
    {"DELETE", TRANSACTION, true, LIMITS_FACTORS, RECORD_CANCEL, FAULT_AT_POLL, MANAGE_SCOPE,
     transactions_cancel, false},
    {"POST", "/oauth2/v1/token", true, LIMITS_TOKEN, RECORD_TOKEN, FAULT_AT_TOKEN, NULL,
     token_answer, true},
    {"GET", "/oauth2/v1/keys", false, 0, RECORD_OTHER, 0, NULL, metadata_keys, false},
    {"GET", "/.well-known/oauth-authorization-server", false, 0, RECORD_OTHER, 0, NULL,
     metadata_server, false},
    {"GET", "/.well-known/openid-configuration", false, 0, RECORD_OTHER, 0, NULL, metadata_openid,
     false},
};

// Segment by segment; "*" takes any that is not empty.
static bool is_at(const struct endpoint *endpoint, struct str path) {
    struct str pattern = str_from(endpoint->path);
    while (pattern.p && path.p) {
        struct str want = str_split(&pattern, '/'), is = str_split(&path, '/');
        bool any = str_eqz(want, "*") && is.n > 0;
        if (!any && !str_eq(want, is)) return false;
    }
    return !pattern.p && !path.p;
}

// The one of that method; else any at that path.
static const struct endpoint *find_endpoint(const struct request *request) {
    const struct endpoint *found = NULL;
    for (size_t i = 0; i < LEN(endpoints); i++) {
        if (!is_at(&endpoints[i], request->path)) continue;
        if (str_eqz(request->method, endpoints[i].method)) return &endpoints[i];
        if (!found) found = &endpoints[i];
    }
    return found;
}

static bool asks_with_cursor(const struct request *request) {
    AUTO_FINI(args) struct args args = {.n = 0};
    if (!request->query.p || args_parse(&args, request->query)) return false;
    return args_get(&args, "after").n > 0;
}

static void draw_header_faults(struct call *call) {
    const struct fault_rule *rule = call_draw(call, FAULT_HEADERS, FAULTS_ANY);
    if (!rule) return;
    if (rule->kind == FAULT_NO_RATE_HEADERS) call->no_rate_headers = true;
    else call->skew_ms = (rule->n >= 0 || rule->n < -1 ? rule->n : 3600) * TIME_SECOND_MS;
}

static uint64_t faults_that_fit(const struct call *call) {
    uint64_t fits = FAULTS_ANY;
    if (!asks_with_cursor(call->request)) fits &= ~FAULT_BIT(FAULT_BAD_CURSOR);
    bool has_access_token = call->note.client[0] != '\0';
    if (!has_access_token) fits &= ~FAULT_BIT(FAULT_EXPIRED_TOKEN);
    if (!has_access_token || !call->note.has_proof) fits &= ~FAULT_BIT(FAULT_USE_DPOP_NONCE);
    return fits;
}

// For the endpoints that ask for credentials.
static int answer_known(struct call *call) {
    int e = access_authenticate(call);
    if (e) return e;
    call->view =
        limits_look(&call->sim->limits, call->principal, call->endpoint->bucket, call->now_ms);
    const struct fault_rule *rule = call_draw(call, FAULT_INSTEAD, faults_that_fit(call));
    e = rule ? call_apply_instead(call, rule) : call_count(call);
    return e ? e : call->endpoint->answer(call);
}

static int answer_endpoint(struct call *call) {
    const struct endpoint *endpoint = call->endpoint;
    if (!endpoint) return call_refuse(call, API_NOT_FOUND);
    if (endpoint->limited) {
        limits_enter(&call->sim->limits);
        call->reply->counted = true;
        draw_header_faults(call);
    }
    if (!str_eqz(call->request->method, endpoint->method)) return call_refuse(call, API_BAD_METHOD);
    bool has_length = request_header(call->request, "content-length").p != NULL;
    if (endpoint->needs_length && !has_length) return call_answer_html(call, 411, LENGTH_PAGE);
    return endpoint->scope ? answer_known(call) : endpoint->answer(call);
}

static void answer_error(struct call *call) {
    struct reply *reply = call->reply;
    reply->status = api_error_status(call->error.kind);
    reply->n_headers = 0;
    buf_reset(&reply->body);
    api_error_write(&reply->body, &call->error, &call->sim->rand);
    call_add_headers(call, "application/json");
}

static int note_request(struct call *call) {
    struct record_note *note = &call->note;
    enum reply_delivery delivery = call->reply->delivery;
    bool sent = delivery != REPLY_NOTHING && delivery != REPLY_SILENCE;
    note->time_ms = call->now_ms;
    note->status = sent ? call->reply->status : 0;
    note->view = call->view;
    call->sim->record.bytes += call->reply->body.n;
    phone_count(call);
    return record_add(&call->sim->record, call->request, note);
}

static int answer(struct call *call) {
    int e = answer_endpoint(call);
    if (e == CALL_E_REFUSED) answer_error(call);
    if (e < 0) return e;
    return call->error.detail.error ? call->error.detail.error : note_request(call);
}

int okta_answer(struct sim *sim, const struct request *request, struct reply *reply) {
    struct call call = {.sim = sim,
                        .request = request,
                        .reply = reply,
                        .now_ms = simclock_now(&sim->clock),
                        .endpoint = find_endpoint(request),
                        .error = api_error_make()};
    reply->chunked = sim->settings.chunked;
    call.note.counted_as = call.endpoint ? call.endpoint->counted_as : RECORD_OTHER;
    call.note.has_proof = request_header_count(request, "dpop") > 0;
    if (call.endpoint && call.endpoint->limited)
        call.view = limits_look(&sim->limits, NULL, call.endpoint->bucket, call.now_ms);
    int e = answer(&call);
    api_error_fini(&call.error);
    return e;
}
