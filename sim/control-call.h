// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_CONTROL_CALL_H
#define SIM_CONTROL_CALL_H
// One call of the control API while it is handled: control.c finds the handler, which fills in the
// answer or refuses with a text that says what was wrong.

#include "sim/args.h"
#include "sim/sim.h"

struct control_call {
    struct sim *sim;
    const struct request *request;
    const struct json *body; // an object or array; NULL when there is none
    const struct args *args;
    struct buf *out; // begins with "{", which control.c closes
    struct fault *fault;
};

// Outcome of a handler: refused; `fault` says why.
enum { CONTROL_E_BAD = 1 };

// Apps, access tokens, nonces (control-oauth.c).
int control_get_apps(struct control_call *call) MUST_USE;
int control_set_app(struct control_call *call) MUST_USE;
int control_remove_app(struct control_call *call) MUST_USE;
int control_revoke_tokens(struct control_call *call) MUST_USE;
int control_rotate_nonces(struct control_call *call) MUST_USE;

// Users (control-users.c).
int control_get_users(struct control_call *call) MUST_USE;
int control_set_users(struct control_call *call) MUST_USE;
int control_remove_users(struct control_call *call) MUST_USE;

#endif
