// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_EVENT_TYPES_H
#define SIM_EVENT_TYPES_H
// The kinds of events that are generated, as data.

#include <stddef.h>
#include <stdint.h>

#include "base/rand.h"

enum event_actor { ACTOR_USER, ACTOR_ADMIN, ACTOR_SYSTEM, ACTOR_CLIENT };

// What debugData says of a sign-in's risk.
enum event_debug { DEBUG_PLAIN, DEBUG_RISK, DEBUG_LOG_ONLY };

struct event_type {
    const char *type, *legacy, *message; // legacy NULL: null in the event
    const char *severity;
    enum event_actor actor;
    // One letter per target, see event-write.c: User, Application, aPp user, Group, Policy, Rule,
    // Token, Enrollment, Zone, Org, Device, Identity provider, Client, email template, Hook,
    // Bucket, admin roLe, Schema, Flow.
    const char *targets;
    const char *uri;
    unsigned weight; // how often it happens by itself, outside a story; 0: only in stories
    enum event_debug debug;
};

// The kind of that name, which must exist.
const struct event_type *event_type_find(const char *type);

// One of those with a weight, as often as its weight says.
const struct event_type *event_type_draw(struct rand *rand);

// All kinds, for tests.
const struct event_type *event_types(size_t *ret_n);

#endif
