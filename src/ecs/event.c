// SPDX-License-Identifier: Apache-2.0
// One pass over each object that holds something of interest. A name is looked up by its length,
// which leaves one to three candidates.
#include "ecs/event-internal.h"

#include "base/word.h"

struct member {
    enum ecs_slot parent; // SLOT_NONE: the event itself
    enum ecs_slot slot;
    uint8_t n;
    const char *name;
};

#define ROW(parent, slot, name)                                                                    \
    { SLOT_##parent, SLOT_##slot, sizeof(name) - 1, name }

static const struct member members[] = {
    ROW(NONE, UUID, "uuid"),
    ROW(NONE, PUBLISHED, "published"),
    ROW(NONE, EVENT_TYPE, "eventType"),
    ROW(NONE, VERSION, "version"),
    ROW(NONE, SEVERITY, "severity"),
    ROW(NONE, DISPLAY_MESSAGE, "displayMessage"),
    ROW(NONE, ACTOR, "actor"),
    ROW(NONE, CLIENT, "client"),
    ROW(NONE, DEVICE, "device"),
    ROW(NONE, AUTH, "authenticationContext"),
    ROW(NONE, OUTCOME, "outcome"),
    ROW(NONE, SECURITY, "securityContext"),
    ROW(NONE, DEBUG, "debugContext"),
    ROW(NONE, TRANSACTION, "transaction"),
    ROW(NONE, REQUEST, "request"),
    ROW(NONE, TARGET, "target"),
    ROW(ACTOR, ACTOR_ID, "id"),
    ROW(ACTOR, ACTOR_TYPE, "type"),
    ROW(ACTOR, ACTOR_ALTERNATE_ID, "alternateId"),
    ROW(ACTOR, ACTOR_DISPLAY_NAME, "displayName"),
    ROW(CLIENT, CLIENT_ID, "id"),
    ROW(CLIENT, CLIENT_ZONE, "zone"),
    ROW(CLIENT, CLIENT_DEVICE, "device"),
    ROW(CLIENT, CLIENT_IP, "ipAddress"),
    ROW(CLIENT, AGENT, "userAgent"),
    ROW(CLIENT, GEO, "geographicalContext"),
    ROW(AGENT, AGENT_RAW, "rawUserAgent"),
    ROW(AGENT, AGENT_OS, "os"),
    ROW(AGENT, AGENT_BROWSER, "browser"),
    ROW(GEO, GEO_CITY, "city"),
    ROW(GEO, GEO_STATE, "state"),
    ROW(GEO, GEO_COUNTRY, "country"),
    ROW(GEO, GEO_LOCATION, "geolocation"),
    ROW(AUTH, AUTH_PROVIDER, "authenticationProvider"),
    ROW(AUTH, AUTH_CREDENTIAL_PROVIDER, "credentialProvider"),
    ROW(AUTH, AUTH_CREDENTIAL_TYPE, "credentialType"),
    ROW(AUTH, AUTH_ISSUER, "issuer"),
    ROW(AUTH, AUTH_INTERFACE, "interface"),
    ROW(AUTH, AUTH_STEP, "authenticationStep"),
    ROW(AUTH, AUTH_ROOT_SESSION, "rootSessionId"),
    ROW(AUTH, AUTH_EXTERNAL_SESSION, "externalSessionId"),
    ROW(OUTCOME, OUTCOME_RESULT, "result"),
    ROW(OUTCOME, OUTCOME_REASON, "reason"),
    ROW(SECURITY, AS_NUMBER, "asNumber"),
    ROW(SECURITY, AS_ORG, "asOrg"),
    ROW(SECURITY, ISP, "isp"),
    ROW(SECURITY, DOMAIN, "domain"),
    ROW(SECURITY, IS_PROXY, "isProxy"),
    ROW(DEBUG, DEBUG_DATA, "debugData"),
    ROW(DEBUG_DATA, LOG_ONLY, "logOnlySecurityData"),
    ROW(DEBUG_DATA, BEHAVIORS, "behaviors"),
    ROW(DEBUG_DATA, RISK, "risk"),
    ROW(DEBUG_DATA, TUNNELS, "tunnels"),
    ROW(DEBUG_DATA, FINGERPRINT, "deviceFingerprint"),
    ROW(DEBUG_DATA, REQUEST_ID, "requestId"),
    ROW(DEBUG_DATA, REQUEST_URI, "requestUri"),
    ROW(DEBUG_DATA, THREAT_SUSPECTED, "threatSuspected"),
    ROW(DEBUG_DATA, URL, "url"),
    ROW(DEBUG_DATA, DT_HASH, "dtHash"),
    ROW(DEBUG_DATA, CLIENT_SECRET, "clientSecret"),
    ROW(DEBUG_DATA, REQUESTED_SCOPES, "requestedScopes"),
    ROW(DEBUG_DATA, GRANTED_SCOPES, "grantedScopes"),
    ROW(DEBUG_DATA, GRANT_TYPE, "grantType"),
    ROW(DEBUG_DATA, FACTOR, "factor"),
    ROW(TRANSACTION, TRANSACTION_ID, "id"),
    ROW(TRANSACTION, TRANSACTION_TYPE, "type"),
    ROW(TRANSACTION, DETAIL, "detail"),
    ROW(DETAIL, DETAIL_REQUEST_TOKEN, "requestApiTokenId"),
    ROW(DETAIL, DETAIL_ROOT_TOKEN, "rootApiTokenId"),
    ROW(REQUEST, IP_CHAIN, "ipChain"),
};

// The objects in which members are looked for; a parent stands before its children.
static const enum ecs_slot objects[EVENT_OBJECTS] = {
    SLOT_NONE,        SLOT_ACTOR,   SLOT_CLIENT,   SLOT_AGENT, SLOT_GEO,
    SLOT_AUTH,        SLOT_OUTCOME, SLOT_SECURITY, SLOT_DEBUG, SLOT_DEBUG_DATA,
    SLOT_TRANSACTION, SLOT_DETAIL,  SLOT_REQUEST,
};

enum { NO_ROW = UINT8_MAX };

static size_t object_of(enum ecs_slot parent) {
    size_t i = 0;
    while (objects[i] != parent) i++;
    return i;
}

void ecs_event_index_init(struct ecs_event_index *index) {
    memset(index, NO_ROW, sizeof *index);
    for (size_t i = 0; i < LEN(members); i++) {
        uint8_t *first = &index->first[object_of(members[i].parent)][members[i].n];
        index->next[i] = *first;
        *first = (uint8_t)i;
    }
}

// memcmp for two names of the same length, without a call: in pieces that overlap at the end.
static bool same_name(const char *a, const char *b, size_t n) {
    uint64_t difference = 0;
    if (n >= 8) {
        for (size_t i = 0; i + 8 < n; i += 8) difference |= word_load(a + i) ^ word_load(b + i);
        return (difference | (word_load(a + n - 8) ^ word_load(b + n - 8))) == 0;
    }
    if (n >= 4)
        return word_load_half(a) == word_load_half(b) &&
               word_load_half(a + n - 4) == word_load_half(b + n - 4);
    for (size_t i = 0; i < n; i++) difference |= (uint64_t)(unsigned char)(a[i] ^ b[i]);
    return difference == 0;
}

// flatten: pulls in what lies in the json room (with link-time optimisation), a tenth of all work.
static __attribute__((flatten)) void read_members(struct ecs_event *event,
                                                  const struct ecs_event_index *index,
                                                  size_t object, const struct json *v) {
    struct json_iter it = json_iter(v);
    while (json_next(&it)) {
        if (it.key.n >= EVENT_NAME_MAX) continue;
        uint8_t row = index->first[object][it.key.n];
        while (row != NO_ROW && !same_name(members[row].name, it.key.p, it.key.n))
            row = index->next[row];
        if (row != NO_ROW)
            event->slot[members[row].slot] = json_is_empty(it.value) ? NULL : it.value;
    }
}

void ecs_event_read(struct ecs_event *event, const struct ecs_event_index *index,
                    const struct json *object) {
    memset(event, 0, sizeof *event);
    read_members(event, index, 0, object);
    for (size_t i = 1; i < EVENT_OBJECTS; i++) {
        const struct json *v = event->slot[objects[i]];
        if (json_type(v) == JSON_OBJECT) read_members(event, index, i, v);
    }
}
