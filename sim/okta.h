// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_OKTA_H
#define SIM_OKTA_H
// Okta's side of the simulator: its endpoints, and Okta's errors for every other path.

#include "sim/sim.h"

// Answers, and notes the request in the record. Outcomes: 0; negative: no answer can be made.
int okta_answer(struct sim *sim, const struct request *request, struct reply *reply) MUST_USE;

#endif
