// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_LIMITS_H
#define SIM_LIMITS_H
// API tokens, the minute windows, and how many requests are in progress (okta-api.md section 2).
//
// A window lasts 60 seconds from its first request. A token is held to its share of the org's
// ceiling, and all tokens together to the ceiling.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

enum { LIMITS_WINDOW_MS = 60000 };

enum limits_role { LIMITS_OK, LIMITS_ROLE_MISSING, LIMITS_REVOKED };

struct limits_window {
    int64_t start_ms;
    uint64_t used; // 0: not begun
};

struct limits_token {
    char *text;
    enum limits_role role;
    uint64_t share_percent; // 0: as the org's default
    struct limits_window window;
};

struct limits {
    struct limits_token *tokens;
    size_t n_tokens, cap_tokens;
    struct limits_window org;
    uint64_t ceiling;       // requests per window of the whole org
    uint64_t share_percent; // of one token, 1..100
    uint64_t concurrency;
    uint64_t in_progress;
    // For the statistics.
    uint64_t highest_in_progress;
    uint64_t highest_used, highest_limit; // of the fullest token window so far
};

// What a response says about the window.
struct limits_view {
    uint64_t limit, remaining;
    int64_t reset_s; // since 1970
};

// Outcomes of limits_admit.
enum { LIMITS_E_RATE = 1, LIMITS_E_CONCURRENCY };

void limits_fini(struct limits *l);

// Adds a token, or changes the one of that text. Outcomes: 0; -ENOMEM.
int limits_set_token(struct limits *l, struct str text, enum limits_role role,
                     uint64_t share_percent) MUST_USE;

// The token of that text; NULL.
struct limits_token *limits_find(struct limits *l, struct str text);

// Counts one request of the token in, unless there is no room for it. `view` is written in every
// case. Outcomes: 0; LIMITS_E_RATE; LIMITS_E_CONCURRENCY.
int limits_admit(struct limits *l, struct limits_token *token, int64_t now_ms,
                 struct limits_view *view) MUST_USE;

// What the window says without counting anything: the token's, or the org's for NULL.
struct limits_view limits_look(struct limits *l, const struct limits_token *token, int64_t now_ms);

// A request to /api/v1/logs begins and ends.
void limits_enter(struct limits *l);
void limits_leave(struct limits *l);

// Begins all windows anew.
void limits_clear_windows(struct limits *l);

#endif
