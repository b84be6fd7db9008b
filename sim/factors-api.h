// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_FACTORS_API_H
#define SIM_FACTORS_API_H
// GET /api/v1/users/{user}/factors and one of them (okta-api.md section 4.2).

#include "sim/call.h"

// Outcomes: CALL_E_REFUSED; CALL_E_DONE; negative errno.
int factors_list(struct call *call) MUST_USE;
int factors_get(struct call *call) MUST_USE;

// User and factor that the path's first two "*" name, borrowed. Outcomes: 0; CALL_E_REFUSED;
// -ENOMEM.
int factors_of_path(struct call *call, struct user **ret_user, struct factor **ret) MUST_USE;

// Appends the URL of a user.
void factors_add_user_url(struct buf *out, const struct call *call, const struct user *user);

#endif
