// SPDX-License-Identifier: Apache-2.0
#ifndef API_LEASE_H
#define API_LEASE_H
// How long a token may live, as OpenBao reckons it (asked of the server), and handing one out.

#include "api/call.h"

struct lease_ask {
    const struct mount *mount; // whose limits hold
    int64_t ttl_ms;            // asked for; 0: the mount's default
    int64_t period_s;          // 0: not periodic
    int64_t max_ttl_s;         // of the user; 0: the mount's
    int64_t explicit_max_ttl_s;
    int64_t created_ms;
};
// The time from now on. What was cut is told in the call's warnings. Outcomes: 0; LEASE_E_OVER: the
// longest time has passed (ret is not written).
enum { LEASE_E_OVER = 1 };
int lease_settle(struct call *c, const struct lease_ask *ask, int64_t *ret_ms) MUST_USE;

// Makes the token (want->kind tells which kind; `id` as token_create has it) and answers with it.
// Outcomes: 0; TOKEN_E_TAKEN (nothing was answered); -errno.
int lease_grant(struct call *c, struct token *want, struct str id) MUST_USE;

// Go's way to write a duration, without the zero parts: "768h", "1h30m", "7s", "0s".
void lease_write_duration(struct buf *out, int64_t ms);

// A duration that a client wrote as text, with Go's words when it is none. Empty: 0. Outcomes: 0;
// LEASE_E_TEXT with fault.
enum { LEASE_E_TEXT = 1 };
int lease_read_duration(struct str text, int64_t *ret_ms, struct fault *fault) MUST_USE;

#endif
