// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H
// The control API below /_sim/: events, clock, faults, tokens, settings, and what was asked. JSON,
// no credentials, only from this machine. docs/simulator.md describes each call.

#include "sim/sim.h"

// Outcomes: 0; negative: no answer can be made.
int control_answer(struct sim *sim, const struct request *request, struct reply *reply) MUST_USE;

#endif
