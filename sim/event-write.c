// SPDX-License-Identifier: Apache-2.0
// Sections in the order in which Okta writes them. Who acts, what is aimed at and what debugData
// says comes from the event's kind and its story; everything else is the same for all.
#include "sim/event-write.h"

#include <stdio.h>

#include "base/time.h"
#include "sim/event-parts.h"
#include "json/write.h"

void event_uuid(char ret[40], const struct event *e) {
    // 100 ns since 1582-10-15, as RFC 9562 section 5.1 has it.
    uint64_t ticks = (uint64_t)e->published_ms * 10000 + e->number % 10000 + 0x01B21DD213814000u;
    unsigned clock = (unsigned)(e->number / 10000) & 0x3FFF;
    snprintf(ret, 40, "%08x-%04x-1%03x-%04x-%012llx", (unsigned)(ticks & 0xFFFFFFFF),
             (unsigned)(ticks >> 32) & 0xFFFF, (unsigned)(ticks >> 48) & 0x0FFF, clock | 0x8000,
             (unsigned long long)(e->node & 0xFFFFFFFFFFFF));
}

static void add_actor(struct buf *out, const struct event *e) {
    json_key(out, STR("actor"));
    switch (e->type->actor) {
    case ACTOR_USER:
    case ACTOR_ADMIN:
        if (!e->actor) break;
        event_add_party(out, e->actor->id, "User", e->actor->login, e->actor->name);
        return;
    case ACTOR_CLIENT:
        event_add_party(out, e->client->id, "PublicClientApp", e->client->id, e->client->label);
        return;
    case ACTOR_SYSTEM: break;
    }
    if (e->client_id) {
        event_add_party(out, e->client_id, "PublicClientApp", e->client_id, e->client_id);
        return;
    }
    event_add_party(out, "okta.b58d5b75-07d4-5f25-bf59-368a1261a405", "SystemPrincipal",
                    "system@okta.com", "Okta System");
}

static void add_user_agent(struct buf *out, const struct event *e) {
    json_key(out, STR("userAgent"));
    if (!e->agent) {
        json_add_null(out);
        return;
    }
    json_open(out, '{');
    event_add_text(out, "rawUserAgent", e->agent->raw);
    event_add_text(out, "os", e->agent->os);
    event_add_text(out, "browser", e->agent->browser);
    json_close(out, '}');
}

static void add_client(struct buf *out, const struct event *e) {
    json_key(out, STR("client"));
    json_open(out, '{');
    add_user_agent(out, e);
    event_add_text(out, "zone", "null");
    event_add_text(out, "device", e->agent ? e->agent->device : NULL);
    event_add_text(out, "id", e->type->actor == ACTOR_CLIENT ? e->client->id : e->client_id);
    event_add_text(out, "ipAddress", e->ip);
    event_add_geography(out, e->place);
    json_close(out, '}');
}

static void add_device(struct buf *out, const struct event *e) {
    json_key(out, STR("device"));
    bool known = e->actor && e->type->debug == DEBUG_LOG_ONLY && !e->new_device &&
                 e->agent == e->actor->desk;
    if (!known) {
        json_add_null(out);
        return;
    }
    json_open(out, '{');
    event_add_text(out, "id", e->actor->device_id);
    event_add_text(out, "name", e->actor->device_name);
    event_add_text(out, "os_platform", e->agent->platform);
    event_add_text(out, "os_version", e->agent->os_version);
    json_key(out, STR("managed"));
    json_add_bool(out, e->actor->number % 3 != 0);
    json_key(out, STR("registered"));
    json_add_bool(out, true);
    event_add_text(out, "device_integrator", NULL);
    event_add_text(out, "disk_encryption_type", "ALL_INTERNAL_VOLUMES");
    event_add_text(out, "screen_lock_type", "BIOMETRIC");
    event_add_text(out, "jailbreak", NULL);
    json_key(out, STR("secure_hardware_present"));
    json_add_bool(out, true);
    json_close(out, '}');
}

static void add_authentication(struct buf *out, const struct event *e) {
    const struct event_method_row *method = event_method(e->method);
    json_key(out, STR("authenticationContext"));
    json_open(out, '{');
    event_add_text(out, "authenticationProvider", method->authentication_provider);
    event_add_text(out, "credentialProvider", method->credential_provider);
    event_add_text(out, "credentialType", method->credential_type);
    event_add_text(out, "issuer", NULL);
    event_add_text(out, "interface", NULL);
    json_key(out, STR("authenticationStep"));
    json_add_i64(out, 0);
    event_add_text(out, "rootSessionId", e->session);
    event_add_text(out, "externalSessionId", e->session);
    json_close(out, '}');
}

static void add_outcome(struct buf *out, const struct event *e) {
    json_key(out, STR("outcome"));
    json_open(out, '{');
    event_add_text(out, "result", e->result);
    event_add_text(out, "reason", e->reason);
    json_close(out, '}');
}

static void add_risk_change(struct buf *out, const struct event *e) {
    json_key(out, STR("risk"));
    json_open(out, '{');
    event_add_text(out, "level", e->risk_now);
    event_add_text(out, "previousLevel", e->risk_before);
    json_close(out, '}');
}

static void add_security(struct buf *out, const struct event *e) {
    json_key(out, STR("securityContext"));
    json_open(out, '{');
    json_key(out, STR("asNumber"));
    if (e->place) json_add_i64(out, e->place->as_number);
    else json_add_null(out);
    event_add_text(out, "asOrg", e->place ? e->place->as_org : NULL);
    event_add_text(out, "isp", e->place ? e->place->isp : NULL);
    event_add_text(out, "domain", e->place ? e->place->domain : NULL);
    json_key(out, STR("isProxy"));
    if (e->place) json_add_bool(out, e->place->proxy);
    else json_add_null(out);
    if (e->risk_now) add_risk_change(out, e);
    json_close(out, '}');
}

static void add_transaction(struct buf *out, const struct event *e) {
    json_key(out, STR("transaction"));
    json_open(out, '{');
    event_add_text(out, "type", e->ip ? "WEB" : "JOB");
    event_add_text(out, "id", e->transaction);
    json_key(out, STR("detail"));
    json_open(out, '{');
    if (e->token_id) event_add_text(out, "requestApiTokenId", e->token_id);
    json_close(out, '}');
    json_close(out, '}');
}

static void add_request(struct buf *out, const struct event *e) {
    json_key(out, STR("request"));
    json_open(out, '{');
    json_key(out, STR("ipChain"));
    json_open(out, '[');
    if (e->ip) {
        json_open(out, '{');
        event_add_text(out, "ip", e->ip);
        event_add_geography(out, e->place);
        event_add_text(out, "version", "V4");
        event_add_text(out, "source", NULL);
        json_close(out, '}');
    }
    json_close(out, ']');
    json_close(out, '}');
}

void event_write(struct buf *out, const struct event *e, const char *uuid) {
    char published[TIME_RFC3339_MAX];
    time_format_rfc3339(e->published_ms, published);
    json_open(out, '{');
    add_actor(out, e);
    add_client(out, e);
    add_device(out, e);
    add_authentication(out, e);
    event_add_text(out, "displayMessage", e->type->message);
    event_add_text(out, "eventType", e->type->type);
    add_outcome(out, e);
    event_add_text(out, "published", published);
    add_security(out, e);
    event_add_text(out, "severity", e->type->severity);
    event_add_debug(out, e);
    bool failed_factor = e->method != METHOD_NONE && strcmp(e->result, "FAILURE") == 0 &&
                         e->type->legacy && strstr(e->type->legacy, "factor.attempt");
    event_add_text(out, "legacyEventType",
                   failed_factor ? "core.user.factor.attempt_fail" : e->type->legacy);
    add_transaction(out, e);
    event_add_text(out, "uuid", uuid);
    event_add_text(out, "version", "0");
    add_request(out, e);
    event_add_targets(out, e);
    json_close(out, '}');
}
