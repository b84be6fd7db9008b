// SPDX-License-Identifier: Apache-2.0
#ifndef DAEMON_PLAN_H
#define DAEMON_PLAN_H
// What the settings ask for, built: orgs with their HTTP clients and budgets, user-agent rules, geo
// databases, and the options of the watch that point to all that. Nothing of it asks anybody
// anything, and of the state only keys of our own are read, so a new plan can be made and found
// wrong while the old one is at work. Loop thread only.

#include "base/log.h"
#include "daemon/plan-outputs.h"
#include "watch/watch.h"

struct loop;
struct settings;
struct settings_source;
struct plan_orgs;
struct stepup_source;
struct store;

struct plan {
    const struct settings *settings; // borrowed
    char host[256];                  // of this machine
    struct plan_orgs *orgs;
    struct ecs_useragents *useragents;
    struct ecs_geo *geo;
    struct watch_source_opts *sources; // those of the settings, and the gate's own behind them
    size_t source_count;
    struct plan_outputs outputs;
    size_t *chosen_outputs;
};

// `store` keeps the keys that orgs make; NULL: they live in memory only (`test okta`).
// Outcomes: 0; -ENOMEM; -EINVAL with fault (a file that cannot be read, a URL).
int plan_new(struct plan **ret, struct loop *loop, const struct settings *settings,
             struct store *store, const struct log *log, struct fault *fault) MUST_USE;
struct plan *plan_free(struct plan *p); // NULL-safe, half-built-safe; returns NULL
DEFINE_AUTO_FREE(plan)

// What methods may name in `okta_source` (mfa/stepup.h: stepup_use_sources): the sources that ask
// Okta, at most settings->source_count of them, into `ret`; gives their number. Texts and orgs are
// borrowed from the plan. A source that signs in with OAuth serves for that only if its
// `okta_scopes` hold okta.users.read and okta.users.manage, too; what Okta does not permit, it says
// when it is asked.
size_t plan_stepup_sources(const struct plan *p, struct stepup_source *ret);

// The parts of a plan that need no network: what mapping needs. Used by `map` alone.
// A missing user-agent file is warned of on `log`, and user_agent.* then holds the original only.
int plan_useragents(struct ecs_useragents **ret, const struct settings *settings,
                    const struct log *log) MUST_USE;
struct ecs_opts plan_ecs(const struct settings_source *source, struct ecs_useragents *useragents,
                         const struct ecs_geo *geo); // all but agent_name; borrows everything
int plan_geo(struct ecs_geo **ret, const struct settings *settings, struct fault *fault) MUST_USE;

#endif
