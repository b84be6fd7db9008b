// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_LIMITS_H
#define SIM_LIMITS_H
// API tokens, the minute windows, and how many requests are in progress (okta-api.md section 2).
//
// Each bucket (a group of endpoints) has a ceiling of its own. A window lasts 60 seconds from its
// first request. A principal (an API token or an app) is held to its share of a bucket's ceiling,
// and all principals together to the ceiling.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"
#include "sim/company.h"

enum { LIMITS_WINDOW_MS = 60000 };

enum limits_role { LIMITS_OK, LIMITS_ROLE_MISSING, LIMITS_REVOKED };

enum limits_bucket {
    LIMITS_LOGS,    // /api/v1/logs
    LIMITS_TOKEN,   // /oauth2/v1/token
    LIMITS_USERS,   // /api/v1/users
    LIMITS_USER,    // /api/v1/users/{id or login}
    LIMITS_FACTORS, // below it: factors, and transactions
    LIMITS_VERIFY,
    LIMITS_BUCKETS
};

struct limits_window {
    int64_t start_ms;
    uint64_t used; // 0: not begun
};

// Who a request is counted for.
struct limits_principal {
    uint64_t share_percent; // 0: as the org's default
    struct limits_window windows[LIMITS_BUCKETS];
};

struct limits_token {
    char *text;
    char id[COMPANY_ID_MAX]; // "00T...", the same for the same text: what the System Log says
    enum limits_role role;
    struct limits_principal principal;
};

// How full any principal's window got so far.
struct limits_highest {
    uint64_t used, limit;
};

struct limits {
    struct limits_token *tokens;
    size_t n_tokens, cap_tokens;
    struct limits_window org[LIMITS_BUCKETS];
    uint64_t ceilings[LIMITS_BUCKETS]; // requests per window of the whole org
    uint64_t share_percent;            // of one principal, 1..100
    uint64_t concurrency;
    uint64_t in_progress;
    // For the statistics.
    uint64_t highest_in_progress;
    struct limits_highest highest[LIMITS_BUCKETS];
};

// What a response says about the window.
struct limits_view {
    uint64_t limit, remaining;
    int64_t reset_s; // since 1970
};

// Outcomes of limits_admit.
enum { LIMITS_E_RATE = 1, LIMITS_E_CONCURRENCY };

void limits_fini(struct limits *l);

// "logs", "token", "users", "user", "factors", "verify".
const char *limits_bucket_name(enum limits_bucket bucket);

// Adds a token, or changes the one of that text. Outcomes: 0; -ENOMEM.
int limits_set_token(struct limits *l, struct str text, enum limits_role role,
                     uint64_t share_percent) MUST_USE;

// The token of that text; NULL. Borrowed until the next limits_set_token.
struct limits_token *limits_find(struct limits *l, struct str text);

// Counts one request of the principal in, unless there is no room for it; NULL: for the org alone.
// `view` is written in every case. Outcomes: 0; LIMITS_E_RATE; LIMITS_E_CONCURRENCY.
int limits_admit(struct limits *l, struct limits_principal *principal, enum limits_bucket bucket,
                 int64_t now_ms, struct limits_view *view) MUST_USE;

// What the window says without counting anything: the principal's, or the org's for NULL.
struct limits_view limits_look(const struct limits *l, const struct limits_principal *principal,
                               enum limits_bucket bucket, int64_t now_ms);

// A request to a limited endpoint begins and ends.
void limits_enter(struct limits *l);
void limits_leave(struct limits *l);

// Begins the windows of the org and of all tokens anew.
void limits_clear_windows(struct limits *l);

// Begins a principal's windows anew.
void limits_clear_principal(struct limits_principal *principal);

#endif
