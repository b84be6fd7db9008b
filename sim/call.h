// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_CALL_H
#define SIM_CALL_H
// One request to Okta's side while it is answered: okta.c finds the endpoint, access.c looks at the
// credentials, the endpoint's own file makes the body, call-headers.c and call-body.c send it off.

#include "sim/oauth.h"
#include "sim/sim.h"

struct call;

// One row of okta.c's table.
struct endpoint {
    const char *method;
    const char *path; // a segment "*" is any one
    bool limited;     // by `bucket`
    enum limits_bucket bucket;
    enum record_endpoint counted_as;
    unsigned fault_place; // FAULT_AT_...
    const char *scope;    // what an access token needs; NULL: no credentials are asked for
    int (*answer)(struct call *call);
    bool needs_length; // refused with 411 when it comes without Content-Length
};

struct call {
    struct sim *sim;
    const struct request *request;
    struct reply *reply;
    int64_t now_ms;
    const struct endpoint *endpoint;    // NULL: there is none
    struct limits_principal *principal; // NULL: none was recognised
    const struct limits_token *token;   // the API token; NULL: none, or an access token
    struct limits_view view;
    struct api_error error;
    int64_t skew_ms; // of Date and Reset, by a fault
    bool no_rate_headers;
    struct hash128 body_key; // names the body's content: the same events, the same key
    bool has_body_key;
    struct record_note note;
};

// Outcomes of the steps below.
enum {
    CALL_E_REFUSED = 1, // the request is refused with call->error
    CALL_E_DONE,        // the reply is complete: nothing is to be added
};

// Sets the error; `detail` is the path. Returns CALL_E_REFUSED.
int call_refuse(struct call *call, enum api_error_kind kind);

// Appends what stands for the n-th "*" of the endpoint's path, percent-decoded.
void call_add_segment(struct buf *out, const struct call *call, size_t n);

// Draws a fault and notes it; NULL: none strikes.
const struct fault_rule *call_draw(struct call *call, enum fault_slot slot, uint64_t fits);

// What a fault that stands for the whole answer does. Outcomes: CALL_E_REFUSED; CALL_E_DONE.
int call_apply_instead(struct call *call, const struct fault_rule *rule);

// Answers with an HTML page. Returns CALL_E_DONE.
int call_answer_html(struct call *call, int status, const char *page);

// Counts the request against the limits. Outcomes: 0; CALL_E_REFUSED.
int call_count(struct call *call);

// Sends a body that is complete: faults, headers, compression. Outcomes: CALL_E_DONE; -ENOMEM;
// -EIO.
int call_finish(struct call *call);

// Adds the headers that every answer has (okta-api.md section 1.7), rate limit included.
void call_add_headers(struct call *call, const char *content_type);

// Adds the Link fields. `next` absent: only self.
void call_add_links(struct call *call, struct str self, struct str next);

// Faults of a body: those of its text before it is packed, those of its way after that.
void call_apply_body_fault(struct call *call, const struct fault_rule *rule);
void call_apply_delivery_fault(struct call *call, const struct fault_rule *rule);

// Packs the body with gzip where the client takes it and it is worth while. Outcomes: 0; -ENOMEM;
// -EIO.
int call_pack(struct call *call) MUST_USE;

#endif
