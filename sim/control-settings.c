// SPDX-License-Identifier: Apache-2.0
// One row per setting: its type, its bounds, and where its value lies in the simulator.
#include "sim/control-settings.h"

#include <stddef.h>

#include "base/parse.h"
#include "base/time.h"
#include "json/write.h"

enum setting_type { SETTING_NUMBER, SETTING_BOOL, SETTING_DURATION, SETTING_CHOICE };

struct setting {
    const char *key;
    enum setting_type type;
    size_t offset;          // in struct sim: uint64_t, bool, int64_t in ms, or an enum
    uint64_t min, max;      // of numbers
    const char *choices[4]; // in the order of the enum
};

static const struct setting settings[] = {
    {"rate_limit",
     SETTING_NUMBER,
     offsetof(struct sim, limits.ceilings[LIMITS_LOGS]),
     1,
     1000000000,
     {NULL}},
    {"token_share", SETTING_NUMBER, offsetof(struct sim, limits.share_percent), 1, 100, {NULL}},
    {"concurrency", SETTING_NUMBER, offsetof(struct sim, limits.concurrency), 0, 1000000, {NULL}},
    {"token_rate_limit",
     SETTING_NUMBER,
     offsetof(struct sim, limits.ceilings[LIMITS_TOKEN]),
     1,
     1000000000,
     {NULL}},
    {"users_rate_limit",
     SETTING_NUMBER,
     offsetof(struct sim, limits.ceilings[LIMITS_USERS]),
     1,
     1000000000,
     {NULL}},
    {"user_rate_limit",
     SETTING_NUMBER,
     offsetof(struct sim, limits.ceilings[LIMITS_USER]),
     1,
     1000000000,
     {NULL}},
    {"factors_rate_limit",
     SETTING_NUMBER,
     offsetof(struct sim, limits.ceilings[LIMITS_FACTORS]),
     1,
     1000000000,
     {NULL}},
    {"verify_rate_limit",
     SETTING_NUMBER,
     offsetof(struct sim, limits.ceilings[LIMITS_VERIFY]),
     1,
     1000000000,
     {NULL}},
    {"push_life", SETTING_DURATION, offsetof(struct sim, pushes.life_ms), 0, 0, {NULL}},
    {"push_memory", SETTING_DURATION, offsetof(struct sim, pushes.memory_ms), 0, 0, {NULL}},
    {"number_matching",
     SETTING_CHOICE,
     offsetof(struct sim, pushes.numbers),
     0,
     0,
     {"asked", "always", "never"}},
    {"number_shown",
     SETTING_CHOICE,
     offsetof(struct sim, pushes.shown),
     0,
     0,
     {"at_once", "in_polls"}},
    {"cancelled_poll",
     SETTING_CHOICE,
     offsetof(struct sim, pushes.cancelled),
     0,
     0,
     {"CANCELLED", "CANCELED", "gone"}},
    {"engine", SETTING_CHOICE, offsetof(struct sim, pushes.engine), 0, 0, {"identity", "classic"}},
    {"phones",
     SETTING_CHOICE,
     offsetof(struct sim, pushes.usual),
     0,
     0,
     {"ignore", "approve", "deny"}},
    {"log_unanswered", SETTING_BOOL, offsetof(struct sim, pushes.log_unanswered), 0, 0, {NULL}},
    {"trusted_proxy", SETTING_BOOL, offsetof(struct sim, pushes.trusted_proxy), 0, 0, {NULL}},
    {"token_life", SETTING_DURATION, offsetof(struct sim, oauth.token_life_ms), 0, 0, {NULL}},
    {"clock_leeway", SETTING_DURATION, offsetof(struct sim, oauth.leeway_ms), 0, 0, {NULL}},
    {"nonce_required", SETTING_BOOL, offsetof(struct sim, oauth.nonce_required), 0, 0, {NULL}},
    {"nonce_at_resource",
     SETTING_BOOL,
     offsetof(struct sim, oauth.nonce_at_resource),
     0,
     0,
     {NULL}},
    {"nonce_period", SETTING_DURATION, offsetof(struct sim, oauth.nonces.period_ms), 0, 0, {NULL}},
    {"nonce_life", SETTING_DURATION, offsetof(struct sim, oauth.nonces.life_ms), 0, 0, {NULL}},
    {"retention", SETTING_DURATION, offsetof(struct sim, settings.retention_ms), 0, 0, {NULL}},
    {"gzip", SETTING_BOOL, offsetof(struct sim, settings.gzip), 0, 0, {NULL}},
    {"chunked", SETTING_BOOL, offsetof(struct sim, settings.chunked), 0, 0, {NULL}},
    {"link_style",
     SETTING_CHOICE,
     offsetof(struct sim, settings.link_style),
     0,
     0,
     {"separate", "joined"}},
    {"link_order",
     SETTING_CHOICE,
     offsetof(struct sim, settings.link_order),
     0,
     0,
     {"mixed", "self_first", "next_first"}},
};

static int bad(struct fault *fault, const char *key, const char *expected) {
    return fault_set(fault, CONTROL_SETTINGS_E_BAD, "%s: expected %s", key, expected);
}

int control_read_duration(const struct json *object, const char *key, int64_t *ret_ms,
                          struct fault *fault) {
    const struct json *v = json_get(object, key);
    if (!v || parse_duration_ms(json_str(v), ret_ms)) return 0;
    return bad(fault, key, "a duration such as \"24h\"");
}

static bool is_known(struct str key, const char *const *known, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_eqz(key, known[i])) return true;
    return false;
}

static int refuse_unknown(const struct json *object, const char *const *known, size_t n,
                          struct fault *fault) {
    struct json_iter it = json_iter(object);
    while (json_next(&it)) {
        if (is_known(it.key, known, n)) continue;
        const char *near = str_nearest(it.key, known, n);
        return fault_set(fault, CONTROL_SETTINGS_E_BAD, "\"%.*s\" is not known here%s%s%s",
                         STR_ARG(it.key), near ? "; did you mean \"" : "", near ? near : "",
                         near ? "\"?" : "");
    }
    return 0;
}

int control_read_clock(const struct json *object, int64_t *now_ms, double *speed,
                       struct fault *fault) {
    static const char *const known[] = {"now", "advance", "speed"};
    int e = refuse_unknown(object, known, LEN(known), fault);
    if (e) return e;
    const struct json *now = json_get(object, "now");
    if (now && !time_parse_iso8601(json_str(now), now_ms))
        return bad(fault, "now", "an instant such as \"2026-11-22T10:00:00Z\"");
    int64_t advance_ms = 0;
    e = control_read_duration(object, "advance", &advance_ms, fault);
    if (e) return e;
    *now_ms += advance_ms;
    struct str text = json_number(json_get(object, "speed"));
    if (!json_get(object, "speed")) return 0;
    bool good = text.p && parse_double(text, speed) && *speed >= 0 && *speed <= 1e6;
    return good ? 0 : bad(fault, "speed", "a number from 0 to 1000000");
}

int control_set_token(struct sim *sim, const struct json *object, struct fault *fault) {
    static const char *const known[] = {"token", "role", "share"};
    static const char *const roles[] = {"ok", "missing", "revoked"};
    int e = refuse_unknown(object, known, LEN(known), fault);
    if (e) return e;
    struct str text = json_str(json_get(object, "token"));
    if (text.n == 0) return bad(fault, "token", "a string");
    const struct json *role_json = json_get(object, "role");
    size_t role = 0;
    while (role_json && role < LEN(roles) && !str_eqz(json_str(role_json), roles[role])) role++;
    if (role == LEN(roles)) return bad(fault, "role", "ok, missing or revoked");
    int64_t share = 0;
    const struct json *share_json = json_get(object, "share");
    if (share_json && !(json_i64(share_json, &share) && share >= 1 && share <= 100))
        return bad(fault, "share", "a percentage from 1 to 100");
    return limits_set_token(&sim->limits, text, (enum limits_role)role, (uint64_t)share);
}

static int set_choice(unsigned *place, const struct setting *s, struct str text,
                      struct fault *fault) {
    for (unsigned i = 0; i < LEN(s->choices) && s->choices[i]; i++) {
        if (!str_eqz(text, s->choices[i])) continue;
        *place = i;
        return 0;
    }
    return fault_set(fault, CONTROL_SETTINGS_E_BAD, "%s: expected %s, %s%s%s", s->key,
                     s->choices[0], s->choices[1], s->choices[2] ? " or " : "",
                     s->choices[2] ? s->choices[2] : "");
}

static int set_number(uint64_t *place, const struct setting *s, const struct json *v,
                      struct fault *fault) {
    uint64_t n;
    struct str text = json_number(v);
    if (!text.p || !parse_u64(text, &n) || n < s->min || n > s->max)
        return fault_set(fault, CONTROL_SETTINGS_E_BAD,
                         "%s: expected a whole number from %llu to %llu", s->key,
                         (unsigned long long)s->min, (unsigned long long)s->max);
    *place = n;
    return 0;
}

static int set_one(struct sim *sim, const struct setting *s, const struct json *v,
                   struct fault *fault) {
    void *place = (char *)sim + s->offset;
    switch (s->type) {
    case SETTING_NUMBER: return set_number(place, s, v, fault);
    case SETTING_CHOICE: return set_choice(place, s, json_str(v), fault);
    case SETTING_DURATION:
        if (parse_duration_ms(json_str(v), place)) return 0;
        return bad(fault, s->key, "a duration such as \"90d\"");
    case SETTING_BOOL:
        if (json_type(v) != JSON_BOOL) return bad(fault, s->key, "true or false");
        *(bool *)place = json_bool(v);
        return 0;
    }
    return 0;
}

int control_set_settings(struct sim *sim, const struct json *object, struct fault *fault) {
    const char *known[LEN(settings)];
    for (size_t i = 0; i < LEN(settings); i++) known[i] = settings[i].key;
    int e = refuse_unknown(object, known, LEN(known), fault);
    for (size_t i = 0; !e && i < LEN(settings); i++) {
        const struct json *v = json_get(object, settings[i].key);
        if (v) e = set_one(sim, &settings[i], v, fault);
    }
    return e;
}

static void add_setting(struct buf *out, const struct sim *sim, const struct setting *s) {
    const void *place = (const char *)sim + s->offset;
    json_key(out, str_from(s->key));
    switch (s->type) {
    case SETTING_NUMBER: json_add_i64(out, (int64_t) * (const uint64_t *)place); break;
    case SETTING_CHOICE: json_add_str(out, str_from(s->choices[*(const unsigned *)place])); break;
    case SETTING_DURATION:
        buf_addf(out, "\"%llds\"", (long long)(*(const int64_t *)place / TIME_SECOND_MS));
        break;
    case SETTING_BOOL: json_add_bool(out, *(const bool *)place); break;
    }
}

void control_add_settings(struct buf *out, const struct sim *sim) {
    for (size_t i = 0; i < LEN(settings); i++) add_setting(out, sim, &settings[i]);
}
