// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_VERIFY_H
#define SIM_VERIFY_H
// POST /api/v1/users/{user}/factors/{factor}/verify (okta-api.md sections 4.3, 4.5 and 4.6).

#include "sim/call.h"

// Outcomes: CALL_E_REFUSED; CALL_E_DONE; negative errno.
int verify_answer(struct call *call) MUST_USE;

#endif
