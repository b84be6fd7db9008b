// SPDX-License-Identifier: Apache-2.0
#ifndef OKTA_ORG_INTERNAL_H
#define OKTA_ORG_INTERNAL_H
// What the files behind okta/log.h share: org.c (the org, its queue and budget), log.c (what an
// answer is), explain.c (what to tell a person), link.c, rate.c.

#include "base/buf.h"
#include "loop/loop.h"
#include "okta/log.h"
#include "json/read.h"

struct okta_org {
    struct http_client *client;
    struct loop_timer *timer; // the first of `waiting` may go
    struct budget budget;
    struct http_origin origin;
    char *authorization; // the whole header; wiped when freed
    struct str api_key;  // inside `authorization`
    int64_t timeout_ms;
    struct json_reader *reader; // for error objects
    struct okta_log_call *waiting, **waiting_end;
    int running; // requests handed to the client
};

struct okta_log_call {
    struct okta_org *org;
    struct okta_log_call *next; // in waiting
    struct http_call *http;     // NULL while waiting
    char *url;
    struct buf next_url; // a next link that had to be made absolute
    struct buf *into;
    bool want_certificate;
    void (*done)(void *ctx, const struct okta_log_answer *answer);
    void *ctx;
};

// log.c. What the answer is. Borrowed from the response, the call and the org's reader.
void okta_log_judge(struct okta_log_call *call, const struct http_response *response,
                    struct okta_log_answer *ret);

// explain.c: the texts of faults. None holds a secret.
// Why there is no answer.
void okta_explain_transport(const struct okta_org *org, const struct http_response *response,
                            struct fault *fault);
// What an answer with an error status means and what to do about it. Sets `ret->error_code`, too.
void okta_explain_status(struct okta_org *org, const struct http_response *response,
                         struct okta_log_answer *ret);
// A 3xx: where to.
void okta_explain_redirect(const struct okta_org *org, const struct http_response *response,
                           struct fault *fault);
// A 200 whose body is no page.
void okta_explain_body(const struct okta_org *org, const struct http_response *response,
                       struct fault *fault);

#endif
