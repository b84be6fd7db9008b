// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_CONTROL_SETTINGS_H
#define SIM_CONTROL_SETTINGS_H
// What the control API can change, read from JSON objects. Unknown members are refused.

#include "base/error.h"
#include "sim/sim.h"

// Outcome of all: refused; `fault` says which member and what was expected.
enum { CONTROL_SETTINGS_E_BAD = 1 };

// A duration such as "24h"; `ret` stays when the member is absent. Outcomes: 0;
// CONTROL_SETTINGS_E_BAD.
int control_read_duration(const struct json *object, const char *key, int64_t *ret_ms,
                          struct fault *fault) MUST_USE;

// {now: instant, advance: duration, speed: number}, each optional. Outcomes: 0;
// CONTROL_SETTINGS_E_BAD.
int control_read_clock(const struct json *object, int64_t *now_ms, double *speed,
                       struct fault *fault) MUST_USE;

// {token, role: ok|missing|revoked, share}. Outcomes: 0; CONTROL_SETTINGS_E_BAD; -ENOMEM.
int control_set_token(struct sim *sim, const struct json *object, struct fault *fault) MUST_USE;

// Outcomes: 0; CONTROL_SETTINGS_E_BAD (what stood before the bad member is changed already).
int control_set_settings(struct sim *sim, const struct json *object, struct fault *fault) MUST_USE;

// Appends all settings as members.
void control_add_settings(struct buf *out, const struct sim *sim);

#endif
