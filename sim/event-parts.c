// SPDX-License-Identifier: Apache-2.0
// debugData is a free map of strings, some of which look like maps again: `{level=LOW}` and JSON in
// a string. What stands in it depends on the story.
#include "sim/event-parts.h"

#include <stdio.h>

#include "json/write.h"

static const struct event_method_row methods[] = {
    [METHOD_NONE] = {NULL, NULL, NULL, NULL, NULL, NULL, NULL},
    [METHOD_PASSWORD] = {"OKTA_AUTHENTICATION_PROVIDER", "OKTA_CREDENTIAL_PROVIDER", "PASSWORD",
                         "PASSWORD_AS_FACTOR", NULL, "Password", "Password"},
    [METHOD_PUSH] = {"FACTOR_PROVIDER", "OKTA_CREDENTIAL_PROVIDER", "OTP", "OKTA_VERIFY_PUSH", NULL,
                     "Okta Verify", "Get a push notification"},
    [METHOD_FASTPASS] = {"FACTOR_PROVIDER", "OKTA_CREDENTIAL_PROVIDER", "ASSERTION", "SIGNED_NONCE",
                         "PROOF_OF_POSSESSION", "Okta Verify", "Use Okta FastPass"},
    [METHOD_TOTP] = {"FACTOR_PROVIDER", "OKTA_CREDENTIAL_PROVIDER", "OTP", "OKTA_SOFT_TOKEN", NULL,
                     "Okta Verify", "Enter a code"},
    [METHOD_SMS] = {"FACTOR_PROVIDER", "OKTA_CREDENTIAL_PROVIDER", "SMS", "SMS_FACTOR", NULL,
                    "Phone", "SMS"},
    [METHOD_WEBAUTHN] = {"FACTOR_PROVIDER", "YUBIKEY", "ASSERTION", "FIDO_WEBAUTHN", NULL,
                         "Security Key or Biometric", "WebAuthn"},
};

const struct event_method_row *event_method(enum event_method method) { return &methods[method]; }

void event_add_text(struct buf *out, const char *key, const char *value) {
    json_key(out, str_from(key));
    if (value) json_add_str(out, str_from(value));
    else json_add_null(out);
}

static void add_party_members(struct buf *out, const char *id, const char *type,
                              const char *alternate_id, const char *name) {
    event_add_text(out, "id", id);
    event_add_text(out, "type", type);
    event_add_text(out, "alternateId", alternate_id);
    event_add_text(out, "displayName", name);
}

void event_add_party(struct buf *out, const char *id, const char *type, const char *alternate_id,
                     const char *name) {
    json_open(out, '{');
    add_party_members(out, id, type, alternate_id, name);
    event_add_text(out, "detailEntry", NULL);
    json_close(out, '}');
}

void event_add_geography(struct buf *out, const struct place *place) {
    json_key(out, STR("geographicalContext"));
    if (!place) {
        json_add_null(out);
        return;
    }
    json_open(out, '{');
    event_add_text(out, "city", place->city);
    event_add_text(out, "state", place->state);
    event_add_text(out, "country", place->country);
    event_add_text(out, "postalCode", place->postal_code);
    json_key(out, STR("geolocation"));
    json_open(out, '{');
    json_key(out, STR("lat"));
    json_add_raw(out, str_from(place->lat));
    json_key(out, STR("lon"));
    json_add_raw(out, str_from(place->lon));
    json_close(out, '}');
    json_close(out, '}');
}

static const char *const risk_names[] = {
    [RISK_LOW] = "LOW", [RISK_MEDIUM] = "MEDIUM", [RISK_HIGH] = "HIGH"};

static void add_formatted(struct buf *out, const char *key, const char *format, ...)
    PRINTF_LIKE(3, 4);
static void add_formatted(struct buf *out, const char *key, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    event_add_text(out, key, text);
}

static const char *sign(bool positive) { return positive ? "POSITIVE" : "NEGATIVE"; }

static void add_risk(struct buf *out, const struct event *e) {
    const char *odd = sign(e->new_device), *far = sign(e->risk == RISK_HIGH);
    const char *reasons = e->risk == RISK_HIGH ? "reasons=Anomalous Location, Suspected Threat, "
                                               : "reasons=Anomalous Device, ";
    add_formatted(out, "risk", "{%slevel=%s}", e->risk == RISK_LOW ? "" : reasons,
                  risk_names[e->risk]);
    add_formatted(out, "behaviors",
                  "{New Geo-Location=%s, New Device=%s, New IP=%s, New State=%s, New Country=%s, "
                  "Velocity=%s, New City=%s}",
                  far, odd, odd, far, far, far, far);
    if (e->actor) event_add_text(out, "deviceFingerprint", e->actor->fingerprint);
}

static void add_log_only(struct buf *out, const struct event *e) {
    const char *odd = sign(e->new_device), *far = sign(e->risk == RISK_HIGH);
    add_formatted(out, "logOnlySecurityData",
                  "{\"risk\":{\"level\":\"%s\"},\"behaviors\":{\"New Geo-Location\":\"%s\","
                  "\"New Device\":\"%s\",\"New IP\":\"%s\",\"New State\":\"%s\","
                  "\"New Country\":\"%s\",\"Velocity\":\"%s\",\"New City\":\"%s\"}}",
                  risk_names[e->risk], far, odd, odd, far, far, far, far);
}

static void add_sign_in_data(struct buf *out, const struct event *e) {
    if (e->type->debug == DEBUG_RISK) add_risk(out, e);
    if (e->type->debug == DEBUG_LOG_ONLY) add_log_only(out, e);
    if (e->type->debug != DEBUG_PLAIN)
        event_add_text(out, "threatSuspected", e->risk == RISK_HIGH ? "true" : "false");
}

static void add_debug_data(struct buf *out, const struct event *e) {
    const struct event_method_row *method = event_method(e->method);
    event_add_text(out, "requestId", e->transaction);
    const char *uri = e->uri ? e->uri : e->type->uri;
    event_add_text(out, "requestUri", uri);
    add_formatted(out, "url", "%s?", uri);
    add_formatted(out, "dtHash", "%016llx%016llx%016llx%016llx",
                  (unsigned long long)rand_next(e->rand), (unsigned long long)rand_next(e->rand),
                  (unsigned long long)rand_next(e->rand), (unsigned long long)rand_next(e->rand));
    if (e->signs_in) add_sign_in_data(out, e);
    if (method->factor) event_add_text(out, "factor", method->factor);
    if (method->factor) event_add_text(out, "factorIntent", "AUTHENTICATION");
    if (method->key_type) event_add_text(out, "keyTypeUsedForAuthentication", method->key_type);
    for (size_t i = 0; i < EVENT_EXTRAS_MAX && e->extras[i].key; i++)
        event_add_text(out, e->extras[i].key, e->extras[i].value);
}

void event_add_debug(struct buf *out, const struct event *e) {
    json_key(out, STR("debugContext"));
    json_open(out, '{');
    json_key(out, STR("debugData"));
    json_open(out, '{');
    if (e->ip) add_debug_data(out, e);
    json_close(out, '}');
    json_close(out, '}');
}

// Targets that have no life of their own: their ids are drawn each time.
static const struct {
    char letter;
    const char *prefix, *type, *name;
} passing_targets[] = {
    {'T', "00T", "Token", "access token"},
    {'Z', "nzo", "NetworkZoneEntity", "Blocked networks"},
    {'I', "0oa", "IdentityProvider", "Partner SAML"},
    {'M', "eml", "email", "Message"},
    {'H', "who", "Hook", "Claims enrichment"},
    {'B', "rlb", "Bucket UUID", "/api/v1/users"},
    {'L', "irb", "ROLE", "Read-only Administrator"},
    {'S', "osc", "Schema", "Okta User"},
    {'F', "flo", "Flow", "Contractor offboarding"},
};

struct target {
    char id[COMPANY_ID_MAX];
    const char *type, *alternate_id, *name;
};

static void set_target(struct target *t, const char *id, const char *type, const char *alternate_id,
                       const char *name) {
    snprintf(t->id, sizeof t->id, "%s", id);
    t->type = type;
    t->alternate_id = alternate_id;
    t->name = name;
}

static void set_passing(struct target *t, const struct event *e, char letter) {
    for (size_t i = 0; i < LEN(passing_targets); i++) {
        if (passing_targets[i].letter != letter) continue;
        company_id(t->id, passing_targets[i].prefix, e->rand);
        t->type = passing_targets[i].type;
        t->alternate_id = "unknown";
        t->name = passing_targets[i].name;
    }
}

static void choose_target(struct target *t, const struct event *e, char letter) {
    const struct person *p = e->subject;
    switch (letter) {
    case 'U': set_target(t, p->id, "User", p->login, p->name); return;
    case 'A': set_target(t, e->app->id, "AppInstance", e->app->label, e->app->label); return;
    case 'G': set_target(t, e->group->id, "UserGroup", "unknown", e->group->label); return;
    case 'R': set_target(t, e->rule->id, "Rule", "unknown", e->rule->label); return;
    case 'O': set_target(t, e->company->org_id, "Org", "unknown", "northwind-kayaks"); return;
    case 'D': set_target(t, p->device_id, "Device", "unknown", p->device_name); return;
    case 'C':
        set_target(t, e->client->id, "PublicClientApp", e->client->id, e->client->label);
        return;
    case 'E':
        set_target(t, e->method == METHOD_PASSWORD ? p->password_id : p->factor_id,
                   "AuthenticatorEnrollment", "unknown", event_method(e->method)->enrollment);
        return;
    default: set_passing(t, e, letter);
    }
}

// P is a policy, but an application user behind an A.
static void choose_any_target(struct target *t, const struct event *e, const char *letter) {
    bool app_user = *letter == 'P' && letter > e->type->targets && letter[-1] == 'A';
    if (app_user) {
        company_id(t->id, "0ua", e->rand);
        t->type = "AppUser";
        t->alternate_id = e->subject->login;
        t->name = e->subject->name;
    } else if (*letter == 'P') {
        set_target(t, e->policy->id, "PolicyEntity", "unknown", e->policy->label);
    } else {
        choose_target(t, e, *letter);
    }
}

static void add_detail(struct buf *out, const struct event *e, const struct target *t) {
    json_key(out, STR("detailEntry"));
    bool enrollment = strcmp(t->type, "AuthenticatorEnrollment") == 0;
    if (!enrollment || !event_method(e->method)->method_used) {
        json_add_null(out);
        return;
    }
    json_open(out, '{');
    event_add_text(out, "methodTypeUsed", event_method(e->method)->method_used);
    event_add_text(out, "methodUsedVerifiedProperties", "[USER_PRESENCE]");
    json_close(out, '}');
}

static void add_changes(struct buf *out, const struct event *e) {
    json_key(out, STR("changeDetails"));
    if (!e->changed) {
        json_add_null(out);
        return;
    }
    json_open(out, '{');
    json_key(out, STR("from"));
    json_open(out, '{');
    event_add_text(out, e->changed, e->from);
    json_close(out, '}');
    json_key(out, STR("to"));
    json_open(out, '{');
    event_add_text(out, e->changed, e->to);
    json_close(out, '}');
    json_close(out, '}');
}

void event_add_targets(struct buf *out, const struct event *e) {
    json_key(out, STR("target"));
    if (!*e->type->targets) {
        json_add_null(out);
        return;
    }
    json_open(out, '[');
    for (const char *letter = e->type->targets; *letter; letter++) {
        struct target t = {.type = "Unknown", .alternate_id = "unknown", .name = "Unknown"};
        choose_any_target(&t, e, letter);
        json_open(out, '{');
        add_party_members(out, t.id, t.type, t.alternate_id, t.name);
        add_detail(out, e, &t);
        if (letter == e->type->targets) add_changes(out, e);
        json_close(out, '}');
    }
    json_close(out, ']');
}
