// SPDX-License-Identifier: Apache-2.0
#ifndef OKTA_EXPLAIN_INTERNAL_H
#define OKTA_EXPLAIN_INTERNAL_H
// Answers with an error status, for people: explain.c reads them and writes the line; what is to be
// done about them are rows, in explain-log.c for the log and in explain-push.c for users, factors
// and pushes.

#include "okta/log.h"

#define OKTA_CODE_RATE_LIMIT "E0000047"

enum okta_body_rule { OKTA_ANY_BODY, OKTA_EMPTY_BODY };

struct okta_advice {
    int status;       // 0: any
    const char *code; // Okta's errorCode, or the `error` of WWW-Authenticate; NULL: any
    enum okta_body_rule body;
    const char *text; // "{scope}" in it becomes the scope that was missing
};

// The first row that fits: of the way in which the org signs in, then of `common`.
struct okta_advices {
    const struct okta_advice *key, *token, *common;
    size_t key_count, token_count, common_count;
    const char *scope; // that requests of this kind need, where Okta does not say it
};

// What the answer means and what to do about it. `ret_code`: as in okta_advice; absent: none.
// Borrowed from the org's reader or the response.
void okta_explain_error(struct okta_org *org, const struct http_response *response,
                        const struct okta_advices *advices, struct str *ret_code,
                        struct fault *fault);

// The errorCode of an answer's body alone, likewise; absent: none.
struct str okta_error_code(struct okta_org *org, const struct http_response *response);

// explain-log.c. Sets `ret->error_code` and `ret->fault`.
void okta_explain_status(struct okta_org *org, const struct http_response *response,
                         struct okta_log_answer *ret);
// explain-push.c. `manage`: it needed okta.users.manage, else okta.users.read.
void okta_explain_push(struct okta_org *org, const struct http_response *response, bool manage,
                       struct str *ret_code, struct fault *fault);

#endif
