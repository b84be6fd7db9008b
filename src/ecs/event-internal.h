// SPDX-License-Identifier: Apache-2.0
#ifndef ECS_EVENT_INTERNAL_H
#define ECS_EVENT_INTERNAL_H
// One Okta LogEvent taken apart: the members that the mapping asks for, each in its slot.

#include <stdint.h>

#include "json/read.h"

enum ecs_slot {
    SLOT_UUID,
    SLOT_PUBLISHED,
    SLOT_EVENT_TYPE,
    SLOT_VERSION,
    SLOT_SEVERITY,
    SLOT_DISPLAY_MESSAGE,
    SLOT_ACTOR,
    SLOT_ACTOR_ID,
    SLOT_ACTOR_TYPE,
    SLOT_ACTOR_ALTERNATE_ID,
    SLOT_ACTOR_DISPLAY_NAME,
    SLOT_CLIENT,
    SLOT_CLIENT_ID,
    SLOT_CLIENT_ZONE,
    SLOT_CLIENT_DEVICE,
    SLOT_CLIENT_IP,
    SLOT_AGENT,
    SLOT_AGENT_RAW,
    SLOT_AGENT_OS,
    SLOT_AGENT_BROWSER,
    SLOT_GEO,
    SLOT_GEO_CITY,
    SLOT_GEO_STATE,
    SLOT_GEO_COUNTRY,
    SLOT_GEO_LOCATION,
    SLOT_DEVICE,
    SLOT_AUTH,
    SLOT_AUTH_PROVIDER,
    SLOT_AUTH_CREDENTIAL_PROVIDER,
    SLOT_AUTH_CREDENTIAL_TYPE,
    SLOT_AUTH_ISSUER,
    SLOT_AUTH_INTERFACE,
    SLOT_AUTH_STEP,
    SLOT_AUTH_ROOT_SESSION,
    SLOT_AUTH_EXTERNAL_SESSION,
    SLOT_OUTCOME,
    SLOT_OUTCOME_RESULT,
    SLOT_OUTCOME_REASON,
    SLOT_SECURITY,
    SLOT_AS_NUMBER,
    SLOT_AS_ORG,
    SLOT_ISP,
    SLOT_DOMAIN,
    SLOT_IS_PROXY,
    SLOT_DEBUG,
    SLOT_DEBUG_DATA,
    SLOT_LOG_ONLY,
    SLOT_BEHAVIORS,
    SLOT_RISK,
    SLOT_TUNNELS,
    SLOT_FINGERPRINT,
    SLOT_REQUEST_ID,
    SLOT_REQUEST_URI,
    SLOT_THREAT_SUSPECTED,
    SLOT_URL,
    SLOT_DT_HASH,
    SLOT_CLIENT_SECRET,
    SLOT_REQUESTED_SCOPES,
    SLOT_GRANTED_SCOPES,
    SLOT_GRANT_TYPE,
    SLOT_FACTOR,
    SLOT_TRANSACTION,
    SLOT_TRANSACTION_ID,
    SLOT_TRANSACTION_TYPE,
    SLOT_DETAIL,
    SLOT_DETAIL_REQUEST_TOKEN,
    SLOT_DETAIL_ROOT_TOKEN,
    SLOT_REQUEST,
    SLOT_IP_CHAIN,
    SLOT_TARGET,
    SLOT_COUNT,
    SLOT_NONE = SLOT_COUNT
};

// NULL: missing, null, an empty text, or an empty object or list.
struct ecs_event {
    const struct json *slot[SLOT_COUNT];
};

enum { EVENT_OBJECTS = 13, EVENT_NAME_MAX = 24 };

// Finds a member's slot by the object it stands in and the length of its name.
struct ecs_event_index {
    uint8_t first[EVENT_OBJECTS][EVENT_NAME_MAX];
    uint8_t next[SLOT_COUNT];
};

void ecs_event_index_init(struct ecs_event_index *index);

// Takes an object apart. Where names repeat, the last member counts. The values belong to the
// reader.
void ecs_event_read(struct ecs_event *event, const struct ecs_event_index *index,
                    const struct json *object);

#endif
