// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_EVENT_PARTS_H
#define SIM_EVENT_PARTS_H
// Pieces of a LogEvent that event-write.c puts together. Failures stick in `out`.

#include "sim/event-write.h"

struct event_method_row {
    const char *authentication_provider, *credential_provider, *credential_type;
    const char *factor;     // debugData.factor
    const char *key_type;   // debugData.keyTypeUsedForAuthentication
    const char *enrollment; // displayName of the AuthenticatorEnrollment
    const char *method_used;
};

const struct event_method_row *event_method(enum event_method method);

// A member with a string; NULL: null.
void event_add_text(struct buf *out, const char *key, const char *value);

// {id, type, alternateId, displayName, detailEntry: null} as a value.
void event_add_party(struct buf *out, const char *id, const char *type, const char *alternate_id,
                     const char *name);

// The members geographicalContext, debugContext and target.
void event_add_geography(struct buf *out, const struct place *place);
void event_add_debug(struct buf *out, const struct event *e);
void event_add_targets(struct buf *out, const struct event *e);

#endif
