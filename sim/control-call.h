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
    struct reply *reply;
    struct buf *out; // the reply's body; begins with "{", which control.c closes
    struct fault *fault;
};

// Outcome of a handler: refused; `fault` says why.
enum { CONTROL_E_BAD = 1 };

// A member with a number.
void control_add_number(struct buf *out, const char *key, int64_t value);
void control_add_text(struct buf *out, const char *key, const char *value);
void control_add_instant(struct buf *out, const char *key, int64_t ms);

// The user that a member of the body, or an argument, names. Outcomes: 0; CONTROL_E_BAD.
int control_find_user(struct control_call *call, struct str name, struct user **ret) MUST_USE;

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

// Phones and pushes (control-phones.c).
int control_get_phones(struct control_call *call) MUST_USE;
int control_set_phone(struct control_call *call) MUST_USE;
int control_get_pushes(struct control_call *call) MUST_USE;
int control_answer_push(struct control_call *call) MUST_USE;
int control_forget_pushes(struct control_call *call) MUST_USE;
int control_signal(struct control_call *call) MUST_USE;
int control_phone_page(struct control_call *call) MUST_USE;

#endif
