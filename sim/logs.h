// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_LOGS_H
#define SIM_LOGS_H
// GET /api/v1/logs.

#include "sim/call.h"

// Makes the page that the request asks for. Outcomes: CALL_E_REFUSED; CALL_E_DONE; -ENOMEM; -EIO.
int logs_answer(struct call *call) MUST_USE;

#endif
