// SPDX-License-Identifier: Apache-2.0
#ifndef API_USERPASS_HANDLERS_H
#define API_USERPASS_HANDLERS_H
// What the files of the userpass backend share.

#include "api/call.h"

struct user;

// The user of the field `username`; NULL.
const struct user *userpass_user(const struct call *c);

// userpass-login.c
// Appends the policies that a login gets: the user's, folded, and default unless it is forbidden.
// Outcomes: 0; -ENOMEM.
int userpass_policies(const struct user *u, struct buf *out) MUST_USE;
int userpass_prepare_login(struct call *c);
int userpass_login(struct call *c);

#endif
