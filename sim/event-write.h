// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_EVENT_WRITE_H
#define SIM_EVENT_WRITE_H
// One generated event as the JSON of a LogEvent (okta-api.md section 1.8), nulls included.

#include "base/buf.h"
#include "sim/company.h"
#include "sim/event-types.h"

enum event_risk { RISK_LOW, RISK_MEDIUM, RISK_HIGH };

// How a person proved something; NONE: the event is about something else.
enum event_method {
    METHOD_NONE,
    METHOD_PASSWORD,
    METHOD_PUSH,
    METHOD_FASTPASS,
    METHOD_TOTP,
    METHOD_SMS,
    METHOD_WEBAUTHN
};

struct event_extra {
    const char *key, *value;
};
enum { EVENT_EXTRAS_MAX = 8 };

struct event {
    const struct event_type *type;
    const struct company *company;
    int64_t published_ms;
    uint64_t number; // makes the uuid unique among those of one node
    uint64_t node;
    const struct person *actor;   // by the type's kind of actor; a system event has none
    const struct person *subject; // target user
    const struct thing *app, *client, *group, *policy, *rule;
    const struct place *place; // NULL: the request came from inside
    const struct agent *agent;
    const char *ip;
    const char *session;         // NULL: none
    const char *transaction;     // request id
    const char *result, *reason; // reason NULL: null
    enum event_method method;
    enum event_risk risk;
    bool new_device;                             // what the behaviours say
    bool signs_in;                               // debugData carries risk and behaviours
    struct event_extra extras[EVENT_EXTRAS_MAX]; // of debugData; value NULL: end
    const char *changed, *from, *to;             // changeDetails of the first target; NULL: none
    // Of what the API was asked for; NULL: not by the API, or as the type has it.
    const char *uri;                    // of the request
    const char *client_id;              // the app that asked
    const char *token_id;               // the API token that asked
    const char *risk_now, *risk_before; // securityContext.risk
    struct rand *rand;
};

// The uuid of an event: form 1, 36 characters and a NUL.
void event_uuid(char ret[40], const struct event *e);

// Appends the event. Failures stick in `out`.
void event_write(struct buf *out, const struct event *e, const char *uuid);

#endif
