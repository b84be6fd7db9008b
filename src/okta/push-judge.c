// SPDX-License-Identifier: Apache-2.0
// What an answer means: first its code, because statuses differ between Okta's endpoints, then its
// status (okta-api section 4.5). What no row knows is Okta's no when it is the request's fault
// (4xx), and strange else.
#include <errno.h>

#include "okta/explain-internal.h"
#include "okta/push-internal.h"

struct status_row {
    int from, to;
    const char *code; // of the body, or of WWW-Authenticate; "": none; NULL: any
    enum okta_ask_result result;
};

// The first row that fits.
static const struct status_row statuses[] = {
    {400, 599, OKTA_CODE_RATE_LIMIT, OKTA_ASK_RATE_LIMITED},
    {400, 599, "E0000067", OKTA_ASK_RETRY}, // the factor's service did not answer in time
    // our credentials
    {401, 401, NULL, OKTA_ASK_REFUSED},
    {400, 499, "E0000006", OKTA_ASK_REFUSED},
    {400, 499, "E0000011", OKTA_ASK_REFUSED},
    {403, 403, "E0000005", OKTA_ASK_REFUSED},
    {400, 403, "insufficient_scope", OKTA_ASK_REFUSED},
    {400, 403, "invalid_token", OKTA_ASK_REFUSED},
    {400, 403, "invalid_request", OKTA_ASK_REFUSED},
    {400, 403, "invalid_dpop_proof", OKTA_ASK_REFUSED},
    {400, 403, "use_dpop_nonce", OKTA_ASK_REFUSED},
    {403, 403, "", OKTA_ASK_REFUSED}, // a network zone, or somebody in between
    // in between, and Okta's own troubles
    {407, 408, NULL, OKTA_ASK_RETRY},
    {425, 425, NULL, OKTA_ASK_RETRY},
    {429, 429, "", OKTA_ASK_RATE_LIMITED},
    {400, 499, NULL, OKTA_ASK_DENIED},
    {500, 599, NULL, OKTA_ASK_RETRY},
};

static enum okta_ask_result result_of(int status, struct str code) {
    for (size_t i = 0; i < LEN(statuses); i++) {
        const struct status_row *row = &statuses[i];
        bool fits = status >= row->from && status <= row->to;
        if (fits && (!row->code || str_eqz(code, row->code))) return row->result;
    }
    return OKTA_ASK_STRANGE;
}

struct reading_row {
    const char *wanted;
    enum okta_ask_result (*read)(struct okta_ask *ask, const struct json *v,
                                 struct okta_answer *ret);
};

static const struct reading_row readings[] = {
    [OKTA_KIND_FIND] = {"a list of users", okta_read_users},
    [OKTA_KIND_LIST] = {"a list of factors", okta_read_factors},
    [OKTA_KIND_VERIFY] = {"a transaction", okta_read_transaction},
    [OKTA_KIND_POLL] = {"a transaction", okta_read_transaction},
    [OKTA_KIND_CANCEL] = {NULL, NULL}, // that it was taken is all there is to know
};

static enum okta_ask_result read_body(struct okta_ask *ask, const struct http_response *response,
                                      struct okta_answer *ret) {
    const struct reading_row *row = &readings[ask->kind];
    const struct json *v = NULL;
    if (!row->read) return OKTA_ASK_ANSWERED;
    int e = json_read(ask->call.org->reader, response->body, &v, NULL);
    if (e == -ENOMEM)
        return (enum okta_ask_result)fault_set(&ret->fault, OKTA_ASK_RETRY, "%s", error_text(e));
    if (!e) return row->read(ask, v, ret);
    okta_explain_body(ask->call.org, response, row->wanted, &ret->fault);
    return OKTA_ASK_STRANGE;
}

// Between here and Okta may stand something that repeats what it was sent.
static void hide_code(const struct okta_ask *ask, struct okta_answer *ret) {
    struct str code =
        str_sub(buf_str(&ask->call.body), ask->secret_at, ask->secret_at + ask->secret_n);
    struct str text = str_from(ret->fault.text);
    if (code.n == 0 || str_find(text, code) >= text.n) return;
    fault_set(&ret->fault, 0, "%s answered %d (not shown: it repeats the code)",
              ask->call.org->origin.host, ret->status);
}

static enum okta_ask_result judge_error(struct okta_ask *ask, const struct http_response *response,
                                        struct okta_answer *ret) {
    bool manage = ask->kind == OKTA_KIND_VERIFY || ask->kind == OKTA_KIND_CANCEL;
    okta_explain_push(ask->call.org, response, manage, &ret->error_code, &ret->fault);
    return result_of(response->status, ret->error_code);
}

static enum okta_ask_result judge(struct okta_ask *ask, const struct http_response *response,
                                  struct okta_answer *ret) {
    int status = response->status;
    if (response->result != HTTP_OK) {
        okta_explain_transport(ask->call.org->origin.host, response, &ret->fault);
        return response->result == HTTP_TOO_LARGE ? OKTA_ASK_STRANGE : OKTA_ASK_RETRY;
    }
    if (status >= 200 && status <= 299) return read_body(ask, response, ret);
    if (status < 300 || status > 399) return judge_error(ask, response, ret);
    okta_explain_redirect(&ask->call.org->origin, response, &ret->fault);
    return OKTA_ASK_STRANGE;
}

void okta_push_judge(struct okta_ask *ask, const struct http_response *response,
                     struct okta_answer *ret) {
    ret->status = response->status;
    ret->result = judge(ask, response, ret);
    hide_code(ask, ret);
}
