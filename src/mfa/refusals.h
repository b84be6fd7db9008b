// SPDX-License-Identifier: Apache-2.0
#ifndef MFA_REFUSALS_H
#define MFA_REFUSALS_H
// How often the guard has refused whom since the gate began, for people who look. In memory, a
// fixed number: an attacker's refusals write nothing to the disk and take no memory. Where two
// users fall into one place, the later one has it. Any thread.

#include "mfa/guard.h"

struct refusals;

int refusals_new(struct refusals **ret) MUST_USE;   // 0; -ENOMEM
struct refusals *refusals_free(struct refusals *r); // NULL-safe; returns NULL
DEFINE_AUTO_FREE(refusals)

struct refusal {
    int64_t times;
    int64_t last_ms;
    enum guard_rule rule; // the last time
};
// `login` as asked for, any case.
void refusals_note(struct refusals *r, struct str org, struct str login, enum guard_rule rule,
                   int64_t now_ms);
// All zero: none that is known.
struct refusal refusals_of(struct refusals *r, struct str org, struct str login);

#endif
