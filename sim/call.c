// SPDX-License-Identifier: Apache-2.0
// What every endpoint does the same way: faults that stand for the whole answer, the rate limit,
// and sending a body off.
#include "sim/call.h"

#include "base/time.h"
#include "sim/access.h"
#include "sim/args.h"

#define JSON_TYPE "application/json"
#define HTML_TYPE "text/html;charset=utf-8"
#define SIGN_IN_PAGE                                                                               \
    "<!DOCTYPE html>\n<html><head><title>Sign In</title></head>"                                   \
    "<body><div id=\"signin-container\"></div></body></html>\n"
#define GATEWAY_PAGE                                                                               \
    "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n"                     \
    "<center><h1>504 Gateway Time-out</h1></center>\r\n<hr><center>nginx</center>\r\n"             \
    "</body>\r\n</html>\r\n"

const struct fault_rule *call_draw(struct call *call, enum fault_slot slot, uint64_t fits) {
    const struct fault_rule *rule =
        faults_draw(&call->sim->faults, slot, call->endpoint->fault_place, fits);
    if (rule && call->note.n_faults < RECORD_FAULTS_MAX)
        call->note.faults[call->note.n_faults++] = rule->kind;
    return rule;
}

int call_refuse(struct call *call, enum api_error_kind kind) {
    return api_error_set(&call->error, CALL_E_REFUSED, kind, "%.*s", STR_ARG(call->request->path));
}

void call_add_segment(struct buf *out, const struct call *call, size_t n) {
    struct str pattern = str_from(call->endpoint->path), path = call->request->path;
    while (pattern.p && path.p) {
        struct str want = str_split(&pattern, '/'), is = str_split(&path, '/');
        if (!str_eqz(want, "*") || n-- > 0) continue;
        size_t from = out->n;
        if (args_decode(out, is, false)) return;
        buf_cut(out, from);
        buf_add_str(out, is);
        return;
    }
}

static int throttle(struct call *call, const struct fault_rule *rule) {
    bool rate = rule->kind == FAULT_RATE_LIMIT;
    call->view.remaining = 0;
    if (!rate) call->view.limit = 0;
    if (rule->n >= 0) call->view.reset_s = call->now_ms / TIME_SECOND_MS + rule->n;
    else if (!rate) call->view.reset_s = call->now_ms / TIME_SECOND_MS + 1;
    if (rate) call->sim->record.throttled_rate++;
    else call->sim->record.throttled_concurrency++;
    return call_refuse(call, API_RATE);
}

int call_answer_html(struct call *call, int status, const char *page) {
    call->reply->status = status;
    buf_reset(&call->reply->body);
    buf_addz(&call->reply->body, page);
    call_add_headers(call, HTML_TYPE);
    return CALL_E_DONE;
}

int call_apply_instead(struct call *call, const struct fault_rule *rule) {
    bool log_code = str_eqz(str_from(rule->text), "E0000053");
    switch ((int)rule->kind) {
    case FAULT_RATE_LIMIT:
    case FAULT_CONCURRENCY: return throttle(call, rule);
    case FAULT_500: return call_refuse(call, log_code ? API_INTERNAL_LOG : API_SLOW_QUERY);
    case FAULT_503: return call_refuse(call, API_READ_ONLY);
    case FAULT_504: return call_answer_html(call, 504, GATEWAY_PAGE);
    case FAULT_BAD_CURSOR: return call_refuse(call, API_BAD_AFTER);
    case FAULT_EXPIRED_TOKEN: return access_refuse(call, OAUTH_TOKEN_EXPIRED);
    case FAULT_USE_DPOP_NONCE: return access_refuse(call, OAUTH_USE_NONCE);
    case FAULT_STALL_BEFORE: call->reply->delivery = REPLY_SILENCE; return CALL_E_DONE;
    default: call->reply->delivery = REPLY_NOTHING; return CALL_E_DONE;
    }
}

int call_count(struct call *call) {
    struct record *record = &call->sim->record;
    int e = limits_admit(&call->sim->limits, call->principal, call->endpoint->bucket, call->now_ms,
                         &call->view);
    if (e == LIMITS_E_RATE) record->throttled_rate++;
    if (e == LIMITS_E_CONCURRENCY) record->throttled_concurrency++;
    return e ? call_refuse(call, API_RATE) : 0;
}

int call_finish(struct call *call) {
    struct reply *reply = call->reply;
    call->note.bytes = reply->body.n;
    const struct fault_rule *rule =
        call->endpoint->limited ? call_draw(call, FAULT_BODY, FAULTS_ANY) : NULL;
    if (rule && rule->kind == FAULT_HTML) {
        reply->n_headers = 0;
        return call_answer_html(call, 200, SIGN_IN_PAGE);
    }
    if (rule && (rule->kind == FAULT_WRONG_JSON || rule->kind == FAULT_NOT_ARRAY))
        call_apply_body_fault(call, rule);
    call_add_headers(call, JSON_TYPE);
    int e = call_pack(call);
    if (e) return e;
    if (rule) call_apply_delivery_fault(call, rule);
    return CALL_E_DONE;
}
