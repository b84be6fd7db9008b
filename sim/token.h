// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_TOKEN_H
#define SIM_TOKEN_H
// POST /oauth2/v1/token: the org authorization server's token endpoint, for client credentials.

#include "sim/call.h"

// Outcomes: CALL_E_REFUSED; CALL_E_DONE; negative errno.
int token_answer(struct call *call) MUST_USE;

#endif
