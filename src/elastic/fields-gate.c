// SPDX-License-Identifier: Apache-2.0
// What the gate's own documents have beside ECS (api/audit.c, mfa/document.c), and the fields that
// tell a data stream from another.
#include "elastic/fields-internal.h"

#include "base/mem.h"

static const struct elastic_field rows[] = {
    {"gatehouse", FIELD_FREE},
    {"gatehouse.gate.accessor_hash", FIELD_KEYWORD},
    {"gatehouse.gate.entity_name", FIELD_KEYWORD},
    {"gatehouse.gate.identity_policies", FIELD_KEYWORD},
    {"gatehouse.gate.issued_accessor_hash", FIELD_KEYWORD},
    {"gatehouse.gate.mfa.challenge_ids", FIELD_KEYWORD},
    {"gatehouse.gate.mfa.result", FIELD_KEYWORD},
    {"gatehouse.gate.mfa.rule", FIELD_KEYWORD},
    {"gatehouse.gate.mfa_methods", FIELD_KEYWORD},
    {"gatehouse.gate.mount.accessor", FIELD_KEYWORD},
    {"gatehouse.gate.mount.path", FIELD_KEYWORD},
    {"gatehouse.gate.mount.type", FIELD_KEYWORD},
    {"gatehouse.gate.namespace", FIELD_KEYWORD},
    {"gatehouse.gate.operation", FIELD_KEYWORD},
    {"gatehouse.gate.policies", FIELD_KEYWORD},
    {"gatehouse.gate.token_hash", FIELD_KEYWORD},
    {"gatehouse.gate.token_type", FIELD_KEYWORD},
    {"gatehouse.gate.wrap_ttl_s", FIELD_LONG},
    {"gatehouse.mfa.began", FIELD_DATE},
    {"gatehouse.mfa.challenge_id", FIELD_KEYWORD},
    {"gatehouse.mfa.entity.id", FIELD_KEYWORD},
    {"gatehouse.mfa.entity.name", FIELD_KEYWORD},
    {"gatehouse.mfa.factor.id", FIELD_KEYWORD},
    {"gatehouse.mfa.factor.name", FIELD_KEYWORD},
    {"gatehouse.mfa.factor.provider", FIELD_KEYWORD},
    {"gatehouse.mfa.guard.detail", FIELD_KEYWORD},
    {"gatehouse.mfa.guard.reason", FIELD_KEYWORD},
    {"gatehouse.mfa.guard.rule", FIELD_KEYWORD},
    {"gatehouse.mfa.guard.until", FIELD_DATE},
    {"gatehouse.mfa.kind", FIELD_KEYWORD},
    {"gatehouse.mfa.method", FIELD_KEYWORD},
    {"gatehouse.mfa.method_id", FIELD_KEYWORD},
    {"gatehouse.mfa.number_matching", FIELD_BOOLEAN},
    {"gatehouse.mfa.okta.events.published", FIELD_DATE},
    {"gatehouse.mfa.okta.events.transaction_id", FIELD_KEYWORD},
    {"gatehouse.mfa.okta.events.type", FIELD_KEYWORD},
    {"gatehouse.mfa.okta.events.uuid", FIELD_KEYWORD},
    {"gatehouse.mfa.org", FIELD_KEYWORD},
    {"gatehouse.mfa.outcome", FIELD_KEYWORD},
    {"gatehouse.mfa.reason", FIELD_KEYWORD},
    {"gatehouse.mfa.requester", FIELD_KEYWORD},
    {"gatehouse.mfa.signal", FIELD_KEYWORD},
    {"gatehouse.mfa.transaction_id", FIELD_KEYWORD},
};

const struct elastic_fields elastic_gate_fields = {rows, LEN(rows)};

static const struct elastic_field okta_stream[] = {
    {"data_stream.dataset", FIELD_CONSTANT, NULL}, {"data_stream.namespace", FIELD_CONSTANT, NULL},
    {"data_stream.type", FIELD_CONSTANT, "logs"},  {"event.dataset", FIELD_CONSTANT, "okta.system"},
    {"event.module", FIELD_CONSTANT, "okta"},
};

static const struct elastic_field gate_stream[] = {
    {"data_stream.dataset", FIELD_CONSTANT, NULL}, {"data_stream.namespace", FIELD_CONSTANT, NULL},
    {"data_stream.type", FIELD_CONSTANT, "logs"},  {"event.dataset", FIELD_CONSTANT, NULL},
    {"event.module", FIELD_CONSTANT, "gatehouse"},
};

static const struct elastic_field any_stream[] = {
    {"data_stream.dataset", FIELD_KEYWORD, NULL}, {"data_stream.namespace", FIELD_KEYWORD, NULL},
    {"data_stream.type", FIELD_KEYWORD, NULL},    {"event.dataset", FIELD_KEYWORD, NULL},
    {"event.module", FIELD_KEYWORD, NULL},
};

const struct elastic_fields elastic_okta_stream = {okta_stream, LEN(okta_stream)};
const struct elastic_fields elastic_gate_stream = {gate_stream, LEN(gate_stream)};
const struct elastic_fields elastic_any_stream = {any_stream, LEN(any_stream)};
