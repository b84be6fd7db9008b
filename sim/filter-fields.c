// SPDX-License-Identifier: Apache-2.0
// The attributes of a LogEvent (okta-api.md section 1.8). A name that ends in a dot stands for
// everything below it: debugData, detailEntry and the like have no fixed members. `published` is
// missing on purpose: since, until and after say what it would say.
#include "base/mem.h"
#include "sim/filter.h"

static const char *const fields[] = {
    "uuid",
    "eventType",
    "legacyEventType",
    "displayMessage",
    "severity",
    "version",
    "actor.id",
    "actor.type",
    "actor.alternateId",
    "actor.displayName",
    "actor.detailEntry.",
    "client.id",
    "client.zone",
    "client.device",
    "client.ipAddress",
    "client.userAgent.rawUserAgent",
    "client.userAgent.os",
    "client.userAgent.browser",
    "client.geographicalContext.city",
    "client.geographicalContext.state",
    "client.geographicalContext.country",
    "client.geographicalContext.postalCode",
    "client.geographicalContext.geolocation.lat",
    "client.geographicalContext.geolocation.lon",
    "device.id",
    "device.name",
    "device.os_platform",
    "device.os_version",
    "device.managed",
    "device.registered",
    "device.device_integrator",
    "device.disk_encryption_type",
    "device.screen_lock_type",
    "device.jailbreak",
    "device.secure_hardware_present",
    "authenticationContext.authenticationProvider",
    "authenticationContext.authenticationStep",
    "authenticationContext.credentialProvider",
    "authenticationContext.credentialType",
    "authenticationContext.externalSessionId",
    "authenticationContext.rootSessionId",
    "authenticationContext.interface",
    "authenticationContext.issuer.id",
    "authenticationContext.issuer.type",
    "outcome.result",
    "outcome.reason",
    "target.id",
    "target.type",
    "target.alternateId",
    "target.displayName",
    "target.detailEntry.",
    "target.changeDetails.from.",
    "target.changeDetails.to.",
    "transaction.id",
    "transaction.type",
    "transaction.detail.",
    "debugContext.debugData.",
    "securityContext.asNumber",
    "securityContext.asOrg",
    "securityContext.isp",
    "securityContext.domain",
    "securityContext.isProxy",
    "securityContext.ipDetails.",
    "securityContext.risk.",
    "securityContext.userBehaviors.id",
    "securityContext.userBehaviors.name",
    "securityContext.userBehaviors.result",
    "securityContext.botProtection.level",
    "request.ipChain.ip",
    "request.ipChain.version",
    "request.ipChain.source",
    "request.ipChain.geographicalContext.",
    "request.ipChain.ipDetails.",
};

static const char *const plain_fields[] = {
    "debugContext.debugData.url",
    "debugContext.debugData.requestUri",
};

// The field that `name` is, or is below of; NULL.
static const char *field_of(struct str name) {
    for (size_t i = 0; i < LEN(fields); i++) {
        struct str field = str_from(fields[i]);
        bool open = field.p[field.n - 1] == '.';
        if (open ? name.n > field.n && str_starts(name, field) : str_eq(name, field))
            return fields[i];
    }
    return NULL;
}

// event_type to eventType. `n` bytes in place; gives the new length.
static size_t to_camel_case(char *p, size_t n) {
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        bool joins = p[i] == '_' && i + 1 < n && p[i + 1] >= 'a' && p[i + 1] <= 'z';
        if (joins) i++;
        p[at++] = (char)(joins ? p[i] - 'a' + 'A' : p[i]);
    }
    return at;
}

static bool find_field(struct str attribute, char *ret_path, size_t path_bytes) {
    if (attribute.n == 0 || attribute.n + 2 > path_bytes) return false;
    memcpy(ret_path, attribute.p, attribute.n);
    size_t n = attribute.n;
    if (!field_of(attribute)) {
        n = to_camel_case(ret_path, n);
        if (!field_of((struct str){ret_path, n})) return false;
    }
    if (ret_path[n - 1] == '.') return false;
    ret_path[n] = ret_path[n + 1] = '\0';
    for (size_t i = 0; i < n; i++)
        if (ret_path[i] == '.') ret_path[i] = '\0';
    return true;
}

static bool refuses(struct str attribute, enum filter_op op) {
    if (op != FILTER_CO && op != FILTER_SW && op != FILTER_EW) return false;
    for (size_t i = 0; i < LEN(plain_fields); i++)
        if (str_eqz(attribute, plain_fields[i])) return true;
    return false;
}

const struct filter_dialect filter_logs = {.find = find_field, .refuses = refuses, .has_not = true};
