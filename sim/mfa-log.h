// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_MFA_LOG_H
#define SIM_MFA_LOG_H
// What Okta's System Log has of pushes, codes and locks (okta-api.md section 5). Outcomes of all:
// 0; -ENOMEM; -EFBIG.

#include "sim/factors.h"
#include "sim/pushes.h"

struct sim;

// Whom an event is about, and who made Okta ask. NULL: not known, or nobody.
struct mfa_who {
    const char *user_id, *login, *name, *factor_id;
    const char *user_agent, *ip;
    const char *forwarded;            // X-Forwarded-For: counts when the setting trusts it
    const char *client_id, *token_id; // of an app, of an API token
    enum event_method method;
};

int mfa_log_push(struct sim *sim, const struct push *push) MUST_USE;

// How a push ended. A withdrawn or unanswered one logs nothing (unless the setting wants the
// latter).
int mfa_log_answer(struct sim *sim, const struct push *push) MUST_USE;

int mfa_log_code(struct sim *sim, const struct mfa_who *who, bool right, int64_t now_ms) MUST_USE;
int mfa_log_lock(struct sim *sim, const struct mfa_who *who, int64_t now_ms) MUST_USE;

// Something that happened elsewhere, by its name: "denial", "wrong_number", "suspicious", "lock",
// "unlock", "risk", "push", "approval". `level` is of a risk, "HIGH"; NULL: HIGH. False: there is
// none of that name.
bool mfa_log_knows(struct str signal);
int mfa_log_signal(struct sim *sim, struct str signal, const struct mfa_who *who, const char *level,
                   int64_t now_ms) MUST_USE;

// The names, with blanks between them.
const char *mfa_log_signals(void);

#endif
