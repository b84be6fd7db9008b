// SPDX-License-Identifier: Apache-2.0
#ifndef API_LOCKOUT_H
#define API_LOCKOUT_H
// Failed logins: after so many of them a user is locked for a while (Vault: user lockout; reference
// 5.2). In memory only, and of a fixed size: whoever tries many names pushes out what he did
// himself before anything else is forgotten. Any thread.
//
// Names that no user has are counted like others, so that a lock does not say who exists.

#include "identity/mount.h"

struct lockout;

struct lockout_rules {
    int64_t threshold;       // failures that lock
    int64_t duration_s;      // of a lock
    int64_t counter_reset_s; // after so long without a failure they are forgotten
    bool disabled;
};
// The mount's, with the defaults (5, 15 min, 15 min) for what was not tuned.
struct lockout_rules lockout_rules(const struct mount *m);

// Outcomes: 0; -EIO (no random bytes); -ENOMEM.
int lockout_new(struct lockout **ret) MUST_USE;
struct lockout *lockout_free(struct lockout *l);
DEFINE_AUTO_FREE(lockout)

// All take NULL for a table: nothing is locked. `name`: the user's, in lower case.
bool lockout_is_locked(struct lockout *l, const struct lockout_rules *rules, struct str accessor,
                       struct str name, int64_t now_ms);
// One failed login.
void lockout_failed(struct lockout *l, const struct lockout_rules *rules, struct str accessor,
                    struct str name, int64_t now_ms);
// A login that went well, or an operator (sys/locked-users/:accessor/unlock/:name).
void lockout_clear(struct lockout *l, struct str accessor, struct str name);

// Calls `each` for every user that is locked, in no order, with the table held still: `each` must
// not call it. Of mounts that are gone, nothing.
void lockout_each(struct lockout *l, const struct state *s, int64_t now_ms,
                  void (*each)(void *ctx, struct str accessor, struct str name), void *ctx);

#endif
