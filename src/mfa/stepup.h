// SPDX-License-Identifier: Apache-2.0
#ifndef MFA_STEPUP_H
#define MFA_STEPUP_H
// Step-up MFA (reference 3): the methods that a policy demands are asked for before a request goes
// through. Challenges live on the loop thread, one small object each; who waits for one is told by
// a callback. No thread waits.
//
//   server thread: stepup_ask -> mailbox -> loop: user, factors, guard, verify, poll -> done
//
// Several methods of a demand: those with a code first, then pushes, one after another, and the
// first that fails ends it. Two methods that lead to the same user of the same org share a push.

#include "base/log.h"
#include "identity/list.h"
#include "mfa/guard.h"
#include "mfa/method.h"
#include "mfa/reason.h"
#include "mfa/refusals.h"

struct http_client_opts;
struct loop;
struct okta_org;
struct stepup;

struct stepup_settings {
    int64_t wait_ms;          // for a person, all methods together; default 50,000
    int64_t poll_interval_ms; // default 4,000
    int64_t max_waiting;      // challenges at once; default 20,000; beyond: refused
    const char *okta_url; // every method with an api_token is asked for here instead of at its own
                          // org: a simulator on loopback; NULL: its own
    const struct http_client_opts *http; // for orgs of methods with an api_token
    double rate_limit_early_limit;       // 0: default
    int64_t http_client_timeout_ms;      // 0: default
    struct guard_limits guard;
};

// The world as the gate gives it. Each of these may be called from any thread.
struct stepup_world {
    void *ctx;
    // The newest snapshot, one reference; NULL: sealed.
    struct state *(*state)(void *ctx);
    // Has `make` work on a draft of the newest state, on the gate's writer thread, makes the result
    // durable, and calls `done` there (r: 0; what `make` gave, when nothing was kept; -EPERM:
    // sealed; -errno). Outcomes: 0; -ENOMEM, -EAGAIN: neither will be called.
    int (*change)(void *ctx, int (*make)(void *arg, struct draft *d),
                  void (*done)(void *arg, int r), void *arg);
    // As gate_opts.audit; NULL: nowhere.
    bool (*audit)(void *audit_ctx, struct str document);
    void *audit_ctx;
};

// Settings and world are copied; what they point to (strings) is borrowed until stepup_free.
// Outcomes: 0; -errno with fault (TLS files that cannot be read).
int stepup_new(struct stepup **ret, struct loop *loop, const struct log *log,
               const struct stepup_settings *settings, const struct stepup_world *world,
               struct fault *fault) MUST_USE;
// Denies what waits (REASON_STOPPED) and everything that is asked afterwards, takes pushes back as
// far as Okta answers within a few seconds; then calls `done`, on the loop. Once.
void stepup_stop(struct stepup *s, void (*done)(void *ctx), void *ctx);
// After the gate's threads have ended. NULL-safe; returns NULL.
struct stepup *stepup_free(struct stepup *s);
DEFINE_AUTO_FREE(stepup)

// The orgs of sources, which methods may name (method.okta_source); instead of those given before.
// Waiting challenges go on with the org of the same name; without one, they are denied. Before the
// old orgs are freed. Loop thread. Outcomes: 0; -ENOMEM (then there are none).
struct stepup_source {
    const char *name;
    struct okta_org *org;
    const char *url;       // its log
    const char *client_id; // of its OAuth app: who it is in Okta's log; NULL: signs in by a token
};
int stepup_use_sources(struct stepup *s, const struct stepup_source *sources, size_t n) MUST_USE;

// An event of a source's log for which signal_wants said yes. Loop thread.
void stepup_observe(struct stepup *s, const char *source, struct str event);

// ---- for the gate; any thread

// A request that needs methods. All texts are copied.
struct stepup_demand {
    struct list methods;     // names, as the policies have them
    struct list credentials; // X-Vault-MFA, as in struct request; wiped after use
    struct str token_hash;
    struct str entity_id; // empty: none
    struct str request_id, path, operation;
    struct str fingerprint; // of operation, path and data: a number's challenge is good for the
                            // very same request alone
    struct str remote_address, user_agent;
};
struct stepup_outcome {
    bool allowed;
    enum challenge_reason reason;
    const char *rule;       // the guard's; NULL: none
    struct str message;     // for the caller instead of "permission denied"; absent: none
    struct list challenges; // ids, for the audit document
};
// Whether all methods have been passed a short while ago by this token from this address
// (method.remember_s).
bool stepup_remembers(struct stepup *s, const struct state *state, struct list methods,
                      struct str token_hash, struct str remote_address, int64_t now_ms);
// `done` is called once, on the loop thread; what it gets lives until it returns. Gives a ticket
// for stepup_give_up, not 0; 0: no memory, or it is stopping: `done` will not be called.
uint64_t stepup_ask(struct stepup *s, const struct stepup_demand *demand,
                    void (*done)(void *ctx, const struct stepup_outcome *o), void *ctx);
// Nobody waits for it any more: `done` is called soon (REASON_CANCELED), unless it has been. A
// ticket that is over is nothing.
void stepup_give_up(struct stepup *s, uint64_t ticket);

struct stepup_stats {
    int64_t waiting, pushes, allowed, denied, refused;
    int64_t outcomes[REASONS];  // of challenges, those not even begun among them; REASON_NONE:
                                // allowed
    int64_t rules[GUARD_RULES]; // of the guard, that refused one
    int64_t unlogged;           // pushes that Okta has logged nothing of
};
void stepup_stats(struct stepup *s, struct stepup_stats *ret);
// What the guard has refused of late; any thread.
struct refusal stepup_refusals(const struct stepup *s, struct str org, struct str login);
const struct guard_limits *stepup_limits(const struct stepup *s); // how the guard judges

#endif
