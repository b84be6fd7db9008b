// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_LOGS_INTERNAL_H
#define SIM_LOGS_INTERNAL_H
// One request to Okta's side while it is answered; logs.c decides, logs-page.c makes pages,
// logs-headers.c the headers.

#include "sim/logs.h"

struct logs_call {
    struct sim *sim;
    const struct request *request;
    struct reply *reply;
    int64_t now_ms;
    struct limits_token *token; // NULL: none was recognised
    struct limits_view view;
    struct api_error error;
    int64_t skew_ms; // of Date and Reset, by a fault
    bool no_rate_headers;
    struct hash128 body_key; // names the body's content: the same events, the same key
    bool has_body_key;
    struct record_note note;
};

// Outcome of the steps below: the request is refused with call->error.
enum { LOGS_E_REFUSED = 1 };

// Draws a fault and notes it; NULL: none strikes.
const struct fault_rule *logs_draw(struct logs_call *call, enum fault_slot slot, uint64_t fits);

// Makes the page that the request asks for: body and links. Outcomes: 0; LOGS_E_REFUSED; -ENOMEM.
int logs_page(struct logs_call *call) MUST_USE;

// Adds the headers that every answer has (okta-api.md section 1.7), rate limit included.
void logs_add_headers(struct logs_call *call, const char *content_type);

// Adds the Link fields. `next` absent: only self.
void logs_add_links(struct logs_call *call, struct str self, struct str next);

// Faults of a body: those of its text before it is packed, those of its way after that.
void logs_apply_body_fault(struct logs_call *call, const struct fault_rule *rule);
void logs_apply_delivery_fault(struct logs_call *call, const struct fault_rule *rule);

// Packs the body with gzip where the client takes it and it is worth while. Outcomes: 0; -ENOMEM;
// -EIO.
int logs_pack(struct logs_call *call) MUST_USE;

#endif
