// SPDX-License-Identifier: Apache-2.0
// The order of the checks: faults that stand for the whole answer, method, credentials, rate, then
// the question itself. Faults of the body come last, over whatever the answer was.
#include "sim/logs.h"

#include <errno.h>

#include "base/time.h"
#include "sim/logs-internal.h"

#define JSON_TYPE "application/json"
#define HTML_TYPE "text/html;charset=utf-8"
#define SIGN_IN_PAGE                                                                               \
    "<!DOCTYPE html>\n<html><head><title>Sign In</title></head>"                                   \
    "<body><div id=\"signin-container\"></div></body></html>\n"
#define GATEWAY_PAGE                                                                               \
    "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n"                     \
    "<center><h1>504 Gateway Time-out</h1></center>\r\n<hr><center>nginx</center>\r\n"             \
    "</body>\r\n</html>\r\n"

const struct fault_rule *logs_draw(struct logs_call *call, enum fault_slot slot, uint64_t fits) {
    const struct fault_rule *rule = faults_draw(&call->sim->faults, slot, fits);
    if (rule && call->note.n_faults < RECORD_FAULTS_MAX)
        call->note.faults[call->note.n_faults++] = rule->kind;
    return rule;
}

static int refuse(struct logs_call *call, enum api_error_kind kind) {
    return api_error_set(&call->error, LOGS_E_REFUSED, kind, "%.*s", STR_ARG(call->request->path));
}

// An OAuth token that is no good is refused without a body (okta-api.md section 3.5).
static int refuse_oauth(struct logs_call *call, struct str scheme) {
    call->reply->status = 401;
    logs_add_headers(call, NULL);
    reply_header(call->reply, "www-authenticate",
                 "%.*s authorization_uri=\"http://%.*s/oauth2/v1/authorize\", "
                 "realm=\"http://%.*s\", scope=\"okta.logs.read\", error=\"invalid_token\", "
                 "error_description=\"The access token is invalid.\", resource=\"%.*s\"",
                 STR_ARG(scheme), STR_ARG(request_header(call->request, "host")),
                 STR_ARG(request_header(call->request, "host")), STR_ARG(call->request->path));
    return 0;
}

// Outcomes: 0 with call->token set, or with a whole answer; LOGS_E_REFUSED.
static int authenticate(struct logs_call *call) {
    struct str value = request_header(call->request, "authorization");
    struct str scheme = str_split(&value, ' ');
    if (str_eq_nocase(scheme, STR("Bearer")) || str_eq_nocase(scheme, STR("DPoP")))
        return refuse_oauth(call, scheme);
    if (!str_eq_nocase(scheme, STR("SSWS"))) return refuse(call, API_NO_SESSION);
    struct limits_token *token = limits_find(&call->sim->limits, str_trim(value));
    if (!token || token->role == LIMITS_REVOKED) return refuse(call, API_BAD_TOKEN);
    call->note.token_known = true;
    if (token->role == LIMITS_ROLE_MISSING) return refuse(call, API_NO_ROLE);
    call->token = token;
    call->view = limits_look(&call->sim->limits, token, call->now_ms);
    return 0;
}

static int admit(struct logs_call *call) {
    struct record *record = &call->sim->record;
    int e = limits_admit(&call->sim->limits, call->token, call->now_ms, &call->view);
    if (e == LIMITS_E_RATE) record->throttled_rate++;
    if (e == LIMITS_E_CONCURRENCY) record->throttled_concurrency++;
    return e ? refuse(call, API_RATE) : 0;
}

static int throttle(struct logs_call *call, const struct fault_rule *rule) {
    bool rate = rule->kind == FAULT_RATE_LIMIT;
    call->view.remaining = 0;
    if (!rate) call->view.limit = 0;
    if (rule->n >= 0) call->view.reset_s = call->now_ms / TIME_SECOND_MS + rule->n;
    else if (!rate) call->view.reset_s = call->now_ms / TIME_SECOND_MS + 1;
    if (rate) call->sim->record.throttled_rate++;
    else call->sim->record.throttled_concurrency++;
    return refuse(call, API_RATE);
}

static int answer_html(struct logs_call *call, int status, const char *page) {
    call->reply->status = status;
    buf_reset(&call->reply->body);
    buf_addz(&call->reply->body, page);
    logs_add_headers(call, HTML_TYPE);
    return 0;
}

static int apply_instead(struct logs_call *call, const struct fault_rule *rule) {
    switch ((int)rule->kind) {
    case FAULT_RATE_LIMIT:
    case FAULT_CONCURRENCY: return throttle(call, rule);
    case FAULT_500:
        return refuse(call, str_eqz(str_from(rule->text), "E0000053") ? API_INTERNAL_LOG
                                                                      : API_SLOW_QUERY);
    case FAULT_503: return refuse(call, API_READ_ONLY);
    case FAULT_504: return answer_html(call, 504, GATEWAY_PAGE);
    case FAULT_BAD_CURSOR: return refuse(call, API_BAD_AFTER);
    default: call->reply->delivery = REPLY_NOTHING; return 0;
    }
}

static bool asks_with_cursor(const struct request *request) {
    AUTO_FINI(args) struct args args = {.n = 0};
    if (!request->query.p || args_parse(&args, request->query)) return false;
    return args_get(&args, "after").n > 0;
}

static void draw_header_faults(struct logs_call *call) {
    const struct fault_rule *rule = logs_draw(call, FAULT_HEADERS, FAULTS_ANY);
    if (!rule) return;
    if (rule->kind == FAULT_NO_RATE_HEADERS) call->no_rate_headers = true;
    else call->skew_ms = (rule->n >= 0 || rule->n < -1 ? rule->n : 3600) * TIME_SECOND_MS;
}

static bool is_logs_path(const struct request *request) {
    return str_eqz(request->path, "/api/v1/logs");
}

// Everything in front of the question: outcomes 0 with a token, or a whole answer without one;
// LOGS_E_REFUSED.
static int enter(struct logs_call *call) {
    if (!is_logs_path(call->request)) return refuse(call, API_NOT_FOUND);
    limits_enter(&call->sim->limits);
    call->reply->counted = true;
    draw_header_faults(call);
    if (!str_eqz(call->request->method, "GET")) return refuse(call, API_BAD_METHOD);
    int e = authenticate(call);
    if (e || !call->token) return e;
    uint64_t fits = FAULTS_ANY;
    if (!asks_with_cursor(call->request)) fits &= ~FAULT_BIT(FAULT_BAD_CURSOR);
    const struct fault_rule *rule = logs_draw(call, FAULT_INSTEAD, fits);
    if (!rule) return admit(call);
    call->token = NULL;
    return apply_instead(call, rule);
}

static int answer_page(struct logs_call *call) {
    int e = logs_page(call);
    if (e) return e;
    struct reply *reply = call->reply;
    call->note.bytes = reply->body.n;
    const struct fault_rule *rule = logs_draw(call, FAULT_BODY, FAULTS_ANY);
    if (rule && rule->kind == FAULT_HTML) {
        reply->n_headers = 0;
        return answer_html(call, 200, SIGN_IN_PAGE);
    }
    if (rule && (rule->kind == FAULT_WRONG_JSON || rule->kind == FAULT_NOT_ARRAY))
        logs_apply_body_fault(call, rule);
    logs_add_headers(call, JSON_TYPE);
    e = logs_pack(call);
    if (!e && rule) logs_apply_delivery_fault(call, rule);
    return e;
}

static void answer_error(struct logs_call *call) {
    struct reply *reply = call->reply;
    reply->status = api_error_status(call->error.kind);
    reply->n_headers = 0;
    buf_reset(&reply->body);
    api_error_write(&reply->body, &call->error, &call->sim->rand);
    logs_add_headers(call, JSON_TYPE);
}

static int answer(struct logs_call *call) {
    int e = enter(call);
    if (!e && call->token) e = answer_page(call);
    if (e < 0) return e;
    if (e > 0) answer_error(call);
    return call->error.detail.error;
}

static int note_request(struct logs_call *call) {
    struct record_note *note = &call->note;
    bool sent = call->reply->delivery != REPLY_NOTHING;
    note->time_ms = call->now_ms;
    note->status = sent ? call->reply->status : 0;
    note->view = call->view;
    call->sim->record.bytes += call->reply->body.n;
    return record_add(&call->sim->record, call->request, note);
}

int logs_answer(struct sim *sim, const struct request *request, struct reply *reply) {
    struct logs_call call = {.sim = sim,
                             .request = request,
                             .reply = reply,
                             .now_ms = simclock_now(&sim->clock),
                             .error = api_error_make()};
    reply->chunked = sim->settings.chunked;
    call.view = limits_look(&sim->limits, NULL, call.now_ms);
    int e = answer(&call);
    api_error_fini(&call.error);
    return e ? e : note_request(&call);
}
