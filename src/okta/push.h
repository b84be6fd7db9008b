// SPDX-License-Identifier: Apache-2.0
#ifndef OKTA_PUSH_H
#define OKTA_PUSH_H
// Users, their factors, and pushes: okta-api sections 4.1 to 4.6. One function per request; each is
// sent when the rate budget lets it go (class BUDGET_PUSH). A verify is sent once at most, unless
// Okta itself said that it did not take it (401 with a new token, 429 told to the caller): another
// one would be another push. Loop thread only.

#include "okta/org.h"

struct okta_user {
    struct str id, login, status; // status as told: "LOCKED_OUT"
    bool active;                  // ACTIVE, PASSWORD_EXPIRED or RECOVERY: may be asked for a push
};

struct okta_factor {
    struct str id, type, provider, status; // "push", "OKTA", "ACTIVE"
    struct str name;                       // of the device: profile.name; else empty
    int64_t created_ms, last_updated_ms;   // 0: not told
};

// factorResult. Nothing but SUCCESS ever allows (okta-api section 4.4).
enum okta_factor_result {
    OKTA_FACTOR_OTHER, // everything else, and nothing at all: also what zeroed memory says
    OKTA_FACTOR_SUCCESS,
    OKTA_FACTOR_WAITING,
    OKTA_FACTOR_REJECTED,
    OKTA_FACTOR_TIMEOUT,
};

struct okta_transaction {
    enum okta_factor_result result;
    struct str result_text; // as told; absent: not told
    // Checked to be the org's, and to lead to this very user and factor; absent when they were not
    // told. `id` is the last part of the poll link.
    struct str poll_url, cancel_url, id;
    int64_t expires_ms; // by Okta's clock; 0: not told
    int number;         // that has to be tapped on the phone (number matching); -1: none
};

enum okta_ask_result {
    OKTA_ASK_ANSWERED,     // what was asked for is there
    OKTA_ASK_RATE_LIMITED, // 429: Okta has done nothing; ask again after wait_ms
    OKTA_ASK_RETRY, // network, 5xx, time-out: what may be repeated may be asked again; of a verify
                    // nobody knows whether it was taken
    OKTA_ASK_REFUSED, // 401, or 403 for want of a scope or role: our credentials; fault says
    OKTA_ASK_DENIED,  // Okta says no about this user, factor, code or transaction: 4xx with
                      // `error_code` (E0000068: wrong code; E0000069: locked out; E0000007: gone)
    OKTA_ASK_STRANGE, // an answer that is not what was asked for, a link that leads elsewhere:
                      // fault
};
const char *okta_ask_result_name(enum okta_ask_result r); // "rate_limited"

struct okta_answer {
    enum okta_ask_result result;
    struct fault fault;    // one line for a person, never a secret; empty when answered
    int status;            // 0: none
    struct str error_code; // "E0000068"; absent: none
    int64_t wait_ms;       // with OKTA_ASK_RATE_LIMITED: a second or more
    int64_t date_ms;       // the response's Date; 0: absent
    // By what was asked; borrowed until the callback returns.
    const struct okta_user *users;
    size_t user_count; // 0, 1, or 2 for "more than one"
    const struct okta_factor *factors;
    size_t factor_count;
    struct okta_transaction transaction; // of verify and poll
};

struct okta_ask;                                                         // a request on its way
typedef void okta_ask_done(void *ctx, const struct okta_answer *answer); // once, unless cancelled

// Who has this login (profile.login), or with `by_email` this address (profile.email)? The name
// goes into a filter string, escaped. Outcomes of all: 0, `*ret` is valid until `done`; -ENOMEM;
// -EINVAL (a text that cannot be asked for, such as an empty one: nothing is sent).
int okta_find_user(struct okta_org *org, struct str name, bool by_email, okta_ask_done *done,
                   void *ctx, struct okta_ask **ret) MUST_USE;
int okta_list_factors(struct okta_org *org, struct str user_id, okta_ask_done *done, void *ctx,
                      struct okta_ask **ret) MUST_USE;

// What Okta shows on the phone of who asks: the end user's own. Absent: not said. Bytes that are
// not printable ASCII are left out; of a user agent 500 bytes are sent, and of addresses all or,
// when they take more, none. NULL in its place: nothing is said.
struct okta_asker {
    struct str user_agent, forwarded_for;
};
int okta_verify_push(struct okta_org *org, struct str user_id, struct str factor_id,
                     bool number_matching, const struct okta_asker *asker, okta_ask_done *done,
                     void *ctx, struct okta_ask **ret) MUST_USE;
// The code (secret) is copied, and wiped after use.
int okta_verify_code(struct okta_org *org, struct str user_id, struct str factor_id,
                     struct str code, const struct okta_asker *asker, okta_ask_done *done,
                     void *ctx, struct okta_ask **ret) MUST_USE;
// `poll_url` and `cancel_url` are a transaction's. A cancel is answered when it was taken.
int okta_poll_push(struct okta_org *org, struct str user_id, struct str factor_id,
                   struct str poll_url, okta_ask_done *done, void *ctx,
                   struct okta_ask **ret) MUST_USE;
int okta_cancel_push(struct okta_org *org, struct str cancel_url, okta_ask_done *done, void *ctx,
                     struct okta_ask **ret) MUST_USE;
struct okta_ask *okta_ask_cancel(struct okta_ask *ask); // NULL-safe; returns NULL

#endif
