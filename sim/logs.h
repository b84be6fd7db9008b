// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_LOGS_H
#define SIM_LOGS_H
// Okta's side of the simulator: GET /api/v1/logs, and Okta's errors for every other path.

#include "sim/sim.h"

// Answers, and notes the request in the record. Outcomes: 0; negative: no answer can be made.
int logs_answer(struct sim *sim, const struct request *request, struct reply *reply) MUST_USE;

#endif
