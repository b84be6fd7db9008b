// SPDX-License-Identifier: Apache-2.0
#ifndef OKTA_PUSH_INTERNAL_H
#define OKTA_PUSH_INTERNAL_H
// What the files behind okta/push.h share:
//
//   push.c        what is asked                push-judge.c  what an answer's status means
//   push-read.c   what an answer's body says   push-link.c   where its links lead

#include "okta/org-internal.h"
#include "okta/push.h"

enum okta_ask_kind {
    OKTA_KIND_FIND,
    OKTA_KIND_LIST,
    OKTA_KIND_VERIFY,
    OKTA_KIND_POLL,
    OKTA_KIND_CANCEL
};

enum {
    OKTA_NAME_MAX_BYTES = 1024, // of a login; Okta's own limit is 100 characters
    OKTA_ID_MAX_BYTES = 128,
    OKTA_USERS_MAX = 2,
};

struct okta_ask {
    struct okta_call call; // first
    enum okta_ask_kind kind;
    bool by_email;
    size_t secret_at, secret_n; // the code, in the call's body
    struct buf texts;           // what the following lie in
    size_t name_n, user_n, factor_n, transaction_n;
    struct buf into; // the answer's body
    struct okta_user users[OKTA_USERS_MAX];
    struct okta_factor *factors;
    okta_ask_done *done;
    void *ctx;
};

// ---- push-link.c ----

// Of which transaction a link is expected to be.
struct okta_place {
    const struct okta_org *org;
    struct str user_id, factor_id; // absent: any
    struct str transaction_id;     // absent: any
};
struct okta_place okta_ask_place(const struct okta_ask *ask);

// What an id is made of: what needs no encoding in a path, because DPoP proofs hold the decoded
// path (okta-api section 3.7), and no dots alone, which would lead elsewhere.
bool okta_is_id(struct str s);

// Whether the URL is the org's own, or of one of Okta's domains, and its path the transaction's,
// once it is decoded.
// `*ret_id` (of the transaction) borrows from the URL.
bool okta_transaction_link(const struct okta_place *place, struct str url, struct str *ret_id);
// Appends such a link at the org's own origin, where it is followed.
void okta_own_link(const struct okta_org *org, struct str url, struct buf *out);

// ---- push-read.c: bodies with a status of success. Any JSON ----

// Each fills in its part of `ret`, and a fault unless the outcome is OKTA_ASK_ANSWERED. Slices
// borrow from the JSON, arrays from the ask.
enum okta_ask_result okta_read_users(struct okta_ask *ask, const struct json *v,
                                     struct okta_answer *ret);
enum okta_ask_result okta_read_factors(struct okta_ask *ask, const struct json *v,
                                       struct okta_answer *ret);
enum okta_ask_result okta_read_transaction(struct okta_ask *ask, const struct json *v,
                                           struct okta_answer *ret);

// ---- push-judge.c ----

// What an answer is: whatever it is of, but for users, factors and so on, which it holds on
// success.
void okta_push_judge(struct okta_ask *ask, const struct http_response *response,
                     struct okta_answer *ret);

#endif
