// SPDX-License-Identifier: Apache-2.0
// okta.debug_context: Okta's debugData is a map without a contract, in which some values are texts
// that hold a JSON value or a printed Java map. Both of Elastic's forms: everything below
// `flattened` with the well-known members beside it, or (remove_flattened_debug) in place.
#include <errno.h>

#include "ecs/mapper-internal.h"
#include "json/write.h"

enum { PAIRS_MAX = 256 }; // a text of more pieces is not taken for a printed map

static struct str without_braces(struct str text) {
    if (text.n && text.p[0] == '{') text = str_sub(text, 1, text.n);
    if (text.n && text.p[text.n - 1] == '}') text = str_sub(text, 0, text.n - 1);
    return text;
}

static struct str next_piece(struct str *rest) {
    size_t at = str_find(*rest, STR(", "));
    struct str piece = str_sub(*rest, 0, at);
    *rest = at < rest->n ? str_sub(*rest, at + 2, rest->n) : STR_NONE;
    return piece;
}

// The next piece that is NAME=VALUE; pieces that are not are passed over.
static bool next_pair(struct str *rest, struct str *name, struct str *value) {
    while (rest->p) {
        struct str piece = next_piece(rest);
        size_t equals = str_find_char(piece, '=');
        if (equals == 0 || equals == piece.n) continue;
        *name = str_sub(piece, 0, equals);
        *value = str_sub(piece, equals + 1, piece.n);
        return true;
    }
    return false;
}

struct pieces {
    size_t all, pairs;
};

static struct pieces count_pieces(struct str text) {
    struct pieces count = {0};
    while (text.p && count.all <= PAIRS_MAX) {
        struct str piece = next_piece(&text);
        size_t equals = str_find_char(piece, '=');
        count.all++;
        if (equals > 0 && equals < piece.n) count.pairs++;
    }
    return count;
}

// Is a later pair of the same name? There are PAIRS_MAX pairs at most.
static bool is_repeated(const struct ecs_copy *c, struct str name, struct str rest) {
    struct str other, value;
    while (next_pair(&rest, &other, &value)) {
        bool same = other.n == name.n;
        for (size_t i = 0; same && i < name.n; i++) {
            unsigned char a = (unsigned char)name.p[i], b = (unsigned char)other.p[i];
            same = c->flags & COPY_FOLD ? ecs_fold[a] == ecs_fold[b] : a == b;
        }
        if (same) return true;
    }
    return false;
}

static void write_pairs(struct ecs_copy *c, struct str pairs) {
    struct ecs_mark mark = ecs_open(c->out, STR_NONE, '{');
    struct str name, value;
    while (next_pair(&pairs, &name, &value)) {
        if (is_repeated(c, name, pairs)) continue;
        ecs_copy_name(c, name);
        json_add_member(c->out, STR_NONE, value);
    }
    ecs_close(c->out, mark, '}');
}

static struct str text_of(const struct json *v) {
    return json_type(v) == JSON_STRING ? without_braces(json_str(v)) : STR_NONE;
}

// Parses a text; `*ret` stays when it is not JSON. Outcomes: 0; -ENOMEM.
static int parse(struct json_reader *reader, const struct json *v, bool *ret_parsed,
                 const struct json **ret) {
    if (json_type(v) != JSON_STRING) return 0;
    struct fault ignored;
    int e = json_read(reader, json_str(v), ret, &ignored);
    if (e == 0) *ret_parsed = true;
    return e == JSON_E_SYNTAX ? 0 : e;
}

// What stands behind `name` up to the next ", NAME=" or the end.
static struct str find_reasons(struct str text) {
    size_t at = str_find(text, STR("reasons="));
    if (at == text.n) return STR_NONE;
    struct str rest = str_sub(text, at + 8, text.n);
    struct str reasons = rest;
    reasons.n = 0;
    while (rest.p) {
        struct str piece = next_piece(&rest);
        if (reasons.n && str_find_char(piece, '=') < piece.n) break;
        reasons.n = (size_t)(piece.p + piece.n - reasons.p);
    }
    return reasons;
}

// The first word behind "level=", without the comma that follows it.
static struct str find_level(struct str text) {
    size_t at = str_find(text, STR("level="));
    if (at == text.n) return STR_NONE;
    struct str level = str_sub(text, at + 6, text.n);
    size_t n = 0;
    while (n < level.n && level.p[n] != ' ' && level.p[n] != '\t' && level.p[n] != '\n') n++;
    level = str_sub(level, 0, n);
    while (level.n && level.p[level.n - 1] == ',') level.n--;
    return level;
}

static void prepare_risk(struct ecs_debug *d, const struct json *risk) {
    d->risk = text_of(risk);
    d->risk_form = RISK_AS_IS;
    if (!d->risk.p) {
        d->level = ecs_text(json_get(risk, "level"));
        d->reasons = ecs_text(json_get(risk, "reasons"));
        return;
    }
    struct pieces count = count_pieces(d->risk);
    d->text_level = find_level(d->risk);
    d->text_reasons = find_reasons(d->risk);
    if (count.pairs == count.all && count.all <= PAIRS_MAX) {
        struct str rest = d->risk, name, value;
        d->risk_form = RISK_PAIRS;
        while (next_pair(&rest, &name, &value)) {
            if (str_eq(name, STR("level"))) d->level = value;
            if (str_eq(name, STR("reasons"))) d->reasons = value;
        }
    } else if (d->text_level.n || d->text_reasons.n) {
        d->risk_form = RISK_COMMAS;
        d->level = d->text_level;
        d->reasons = d->text_reasons;
    }
}

static void prefer(struct str *text, const struct json *v) {
    struct str better = ecs_text(v);
    if (better.n) *text = better;
}

int ecs_debug_prepare(struct ecs_mapper *m) {
    struct ecs_debug *d = &m->debug;
    *d = (struct ecs_debug){.log_only = m->event.slot[SLOT_LOG_ONLY]};
    int e = parse(m->log_only_reader, d->log_only, &d->log_only_was_text, &d->log_only);
    if (e) return e;
    struct str behaviors = text_of(m->event.slot[SLOT_BEHAVIORS]);
    struct pieces count = count_pieces(behaviors);
    if (count.pairs > 0 && count.all <= PAIRS_MAX) d->behaviors = behaviors;
    prepare_risk(d, m->event.slot[SLOT_RISK]);
    const struct json *risk = json_get(d->log_only, "risk");
    prefer(&d->level, json_get(risk, "level"));
    prefer(&d->reasons, json_get(risk, "reasons"));
    return 0;
}

static void write_log_only(struct ecs_copy *c, const struct json *v) {
    (void)v;
    unsigned flags = c->flags;
    if (c->mapper->debug.log_only_was_text) c->flags |= COPY_INNER;
    ecs_copy_value(c, c->mapper->debug.log_only);
    c->flags = flags;
}

static void write_behaviors(struct ecs_copy *c, const struct json *v) {
    struct str pairs = c->mapper->debug.behaviors, text = text_of(v);
    if (pairs.p) write_pairs(c, pairs);
    else if (json_type(v) != JSON_STRING) ecs_copy_value(c, v);
    else if (text.n) json_add_member(c->out, STR_NONE, text);
}

static void write_found_risk(struct ecs_copy *c, const struct ecs_debug *d) {
    struct ecs_mark mark = ecs_open(c->out, STR_NONE, '{');
    if (d->text_level.n) json_add_member(c->out, STR("\"level\":"), d->text_level);
    if (d->text_reasons.n) json_add_member(c->out, STR("\"reasons\":"), d->text_reasons);
    ecs_close(c->out, mark, '}');
}

static void write_risk(struct ecs_copy *c, const struct json *v) {
    const struct ecs_debug *d = &c->mapper->debug;
    if (!d->risk.p) ecs_copy_value(c, v);
    else if (d->risk_form == RISK_PAIRS) write_pairs(c, d->risk);
    else if (d->risk_form == RISK_COMMAS) write_found_risk(c, d);
    else if (d->risk.n) json_add_member(c->out, STR_NONE, d->risk);
}

static void write_tunnels(struct ecs_copy *c, const struct json *v) {
    bool parsed = false;
    const struct json *inner = v;
    int e = parse(c->mapper->inner_reader, v, &parsed, &inner);
    unsigned flags = c->flags;
    if (e) c->error = e;
    c->mapper->debug.bad_tunnels = !parsed;
    if (!parsed && c->mapper->remove_flattened_debug) return;
    if (parsed) c->flags |= COPY_INNER;
    ecs_copy_value(c, inner);
    c->flags = flags;
}

// Okta's own member gives way to the one that is derived.
static void write_risk_object(struct ecs_copy *c, const struct json *v) {
    if (c->mapper->debug.risk_form != RISK_COMMAS) ecs_copy_value(c, v);
}

static bool any_positive(const struct ecs_mapper *m);

static void write_risk_level(struct ecs_copy *c, const struct json *v) {
    if (!c->mapper->debug.level.n) ecs_copy_value(c, v);
}

static void write_risk_reasons(struct ecs_copy *c, const struct json *v) {
    if (!c->mapper->debug.reasons.n) ecs_copy_value(c, v);
}

static void write_risk_behaviors(struct ecs_copy *c, const struct json *v) {
    if (!any_positive(c->mapper)) ecs_copy_value(c, v);
}

static const struct ecs_rename flattened_rows[] = {
    RENAME("logOnlySecurityData", "logOnlySecurityData", write_log_only),
    RENAME("behaviors", "behaviors", write_behaviors),
    RENAME("risk", "risk", write_risk),
    RENAME("tunnels", "tunnels", write_tunnels),
    RENAME("risk_object", "risk_object", write_risk_object),
};
static const struct ecs_renames flattened = {
    flattened_rows, LEN(flattened_rows),
    NAME_LENGTH("logOnlySecurityData") | NAME_LENGTH("behaviors") | NAME_LENGTH("risk") |
        NAME_LENGTH("tunnels") | NAME_LENGTH("risk_object")};

static const struct ecs_rename in_place_rows[] = {
    RENAME("logOnlySecurityData", "logOnlySecurityData", write_log_only),
    RENAME("behaviors", "behaviors", write_behaviors),
    RENAME("risk", "risk", write_risk),
    RENAME("tunnels", "tunnels", write_tunnels),
    RENAME("risk_object", "risk_object", write_risk_object),
    RENAME("risk_level", "risk_level", write_risk_level),
    RENAME("risk_reasons", "risk_reasons", write_risk_reasons),
    RENAME("risk_behaviors", "risk_behaviors", write_risk_behaviors),
    RENAME("deviceFingerprint", "device_fingerprint", NULL),
    RENAME("dtHash", "dt_hash", NULL),
    RENAME("requestId", "request_id", NULL),
    RENAME("requestUri", "request_uri", NULL),
    RENAME("threatSuspected", "threat_suspected", NULL),
    RENAME("clientSecret", "client_secret", NULL),
    RENAME("requestedScopes", "requested_scopes", NULL),
    RENAME("grantedScopes", "granted_scopes", NULL),
    RENAME("grantType", "grant_type", NULL),
};
static const struct ecs_renames in_place = {in_place_rows, LEN(in_place_rows), UINT64_MAX};

// A list of what stands between commas, without blanks in front.
static void write_reasons(struct ecs_copy *c, struct str reasons) {
    struct ecs_mark mark = ecs_open(c->out, STR("\"risk_reasons\":"), '[');
    while (reasons.p) {
        struct str reason = str_trim(str_split(&reasons, ','));
        if (reason.n) json_add_member(c->out, STR_NONE, reason);
    }
    ecs_close(c->out, mark, ']');
}

static bool next_behavior(struct str *rest, struct json_iter *it, struct str *name,
                          struct str *value) {
    if (next_pair(rest, name, value)) return true;
    if (!it->in_object || !json_next(it)) return false;
    *name = it->key;
    *value = ecs_text(it->value);
    return true;
}

static bool any_positive(const struct ecs_mapper *m) {
    struct str rest = m->debug.behaviors, name, value;
    struct json_iter it = json_iter(m->event.slot[SLOT_BEHAVIORS]);
    while (next_behavior(&rest, &it, &name, &value))
        if (str_eq(value, STR("POSITIVE"))) return true;
    return false;
}

static void write_positive(struct ecs_copy *c) {
    const struct ecs_mapper *m = c->mapper;
    struct ecs_mark mark = ecs_open(c->out, STR("\"risk_behaviors\":"), '[');
    struct str rest = m->debug.behaviors, name, value;
    struct json_iter it = json_iter(m->event.slot[SLOT_BEHAVIORS]);
    while (next_behavior(&rest, &it, &name, &value))
        if (str_eq(value, STR("POSITIVE"))) json_add_member(c->out, STR_NONE, name);
    ecs_close(c->out, mark, ']');
}

// The members that both forms derive.
static void write_derived(struct ecs_copy *c) {
    const struct ecs_debug *d = &c->mapper->debug;
    if (d->level.n) json_add_member(c->out, STR("\"risk_level\":"), d->level);
    if (d->reasons.n) write_reasons(c, d->reasons);
    write_positive(c);
}

// The raw text of a risk whose reasons have commas, as Elastic keeps it.
static void write_raw_risk(struct ecs_copy *c) {
    const struct ecs_mapper *m = c->mapper;
    if (m->debug.risk_form == RISK_COMMAS)
        json_add_member(c->out, STR("\"risk_object\":"), json_str(m->event.slot[SLOT_RISK]));
}

#define NAMED(slot, name)                                                                          \
    { SLOT_##slot, sizeof("\"" name "\":") - 1, "\"" name "\":" }

static const struct {
    enum ecs_slot slot;
    size_t n;
    const char *name;
} beside[] = {
    NAMED(FINGERPRINT, "device_fingerprint"),
    NAMED(REQUEST_ID, "request_id"),
    NAMED(REQUEST_URI, "request_uri"),
    NAMED(THREAT_SUSPECTED, "threat_suspected"),
    NAMED(URL, "url"),
    NAMED(DT_HASH, "dt_hash"),
    NAMED(CLIENT_SECRET, "client_secret"),
    NAMED(REQUESTED_SCOPES, "requested_scopes"),
    NAMED(GRANTED_SCOPES, "granted_scopes"),
    NAMED(GRANT_TYPE, "grant_type"),
    NAMED(FACTOR, "factor"),
};

// okta.debug_context.debug_data.behaviors beside `flattened`, for the rules that ask for it.
static void write_behaviors_beside(struct ecs_copy *c) {
    const struct json *v = c->mapper->event.slot[SLOT_BEHAVIORS];
    if (!c->mapper->debug.behaviors.p && json_type(v) != JSON_OBJECT) return;
    size_t before = c->out->n;
    buf_add_str(c->out, STR("\"behaviors\":"));
    size_t behind = c->out->n;
    c->flags |= COPY_FOLD;
    write_behaviors(c, v);
    c->flags &= ~(unsigned)COPY_FOLD;
    if (c->out->n == behind) buf_cut(c->out, before);
}

static void write_flattened(struct ecs_copy *c, const struct json *data) {
    const struct ecs_mapper *m = c->mapper;
    struct ecs_mark mark = ecs_open(c->out, STR("\"flattened\":"), '{');
    ecs_copy_members(c, data, &flattened);
    write_raw_risk(c);
    ecs_close(c->out, mark, '}');
    for (size_t i = 0; i < LEN(beside); i++) {
        const struct json *v = m->event.slot[beside[i].slot];
        struct str name = {beside[i].name, beside[i].n};
        if (json_type(v) == JSON_STRING) json_add_member(c->out, name, json_str(v));
        else if (ecs_text(v).n || ecs_is_plain_list(v)) ecs_copy_named(c, name, v);
    }
    write_behaviors_beside(c);
    write_derived(c);
}

static void write_in_place(struct ecs_copy *c, const struct json *data) {
    c->flags |= COPY_FOLD;
    ecs_copy_members(c, data, &in_place);
    c->flags &= ~(unsigned)COPY_FOLD;
    write_raw_risk(c);
    write_derived(c);
}

void ecs_debug_write(struct ecs_copy *c) {
    const struct json *data = c->mapper->event.slot[SLOT_DEBUG_DATA];
    if (json_type(data) != JSON_OBJECT) return;
    struct ecs_mark context = ecs_open(c->out, STR("\"debug_context\":"), '{');
    struct ecs_mark mark = ecs_open(c->out, STR("\"debug_data\":"), '{');
    if (c->mapper->remove_flattened_debug) write_in_place(c, data);
    else write_flattened(c, data);
    ecs_close(c->out, mark, '}');
    ecs_close(c->out, context, '}');
}
