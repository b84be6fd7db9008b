// SPDX-License-Identifier: Apache-2.0
#ifndef DAEMON_PLAN_ORGS_H
#define DAEMON_PLAN_ORGS_H
// The orgs that the sources ask: one for each URL, way to sign in and way there, so that one budget
// and one access token serve all sources of it. With them what they borrow: keys, tracers. Loop
// thread only.

#include "base/error.h"
#include "base/log.h"

struct loop;
struct okta_org;
struct settings;
struct store;

struct plan_orgs;

// `settings` and `store` are borrowed. Keys that were made for DPoP are read from the store, and
// kept there when an org makes one, if settings->master_key can seal them; `store` may be NULL.
// Outcomes: 0; -ENOMEM; -EINVAL with fault; -errno with fault (a trace that cannot be written).
int plan_orgs_new(struct plan_orgs **ret, struct loop *loop, const struct settings *settings,
                  struct store *store, const struct log *log, struct fault *fault) MUST_USE;
struct plan_orgs *plan_orgs_free(struct plan_orgs *p); // NULL-safe; returns NULL
DEFINE_AUTO_FREE(plan_orgs)

// Warns of each tracer that cannot write, once each time it begins.
void plan_orgs_say_trouble(const struct plan_orgs *p);

// The org that the source asks.
struct okta_org *plan_orgs_of(const struct plan_orgs *p, size_t source);

#endif
