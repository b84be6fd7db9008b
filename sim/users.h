// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_USERS_H
#define SIM_USERS_H
// GET /api/v1/users and /api/v1/users/{id, login or short login} (okta-api.md section 4.1).

#include "sim/call.h"

// Outcomes: CALL_E_REFUSED; CALL_E_DONE; negative errno.
int users_list(struct call *call) MUST_USE;
int users_get(struct call *call) MUST_USE;

// The user that the path's first "*" names, borrowed. Outcomes: 0; CALL_E_REFUSED; -ENOMEM.
int users_of_path(struct call *call, struct user **ret) MUST_USE;

#endif
