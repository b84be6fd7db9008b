// SPDX-License-Identifier: Apache-2.0
// One row per event type that can tell something, and how to read it. Events are written by a
// service that may leave out any field, write "null" for one, or change its type: a field that is
// not what it should be was not told, and what rests on it is not concluded.
#include "mfa/signal.h"

#include "base/time.h"

// ---- pieces of an event

// A text that says something; absent for everything else.
static struct str told(const struct json *v) {
    static const char *const nothing[] = {"", "null", "unknown"};
    struct str text = json_str(v);
    for (size_t i = 0; i < LEN(nothing); i++)
        if (str_eq_nocase(text, str_from(nothing[i]))) return STR_NONE;
    return text;
}

static struct str told_at(const struct json *v, const char *dotted) {
    return told(json_path(v, dotted));
}

static bool is(struct str text, const char *what) { return str_eq_nocase(text, str_from(what)); }

// The first element of that type in a list of actors or targets; NULL.
static const struct json *of_type(const struct json *list, const char *type) {
    if (json_type(list) != JSON_ARRAY) return NULL;
    struct json_iter it = json_iter(list);
    while (json_next(&it))
        if (is(told(json_get(it.value, "type")), type)) return it.value;
    return NULL;
}

static struct str debug_text(const struct json *event, const char *key) {
    return told(json_get(json_path(event, "debugContext.debugData"), key));
}

static bool has_succeeded(const struct json *event) {
    return is(told_at(event, "outcome.result"), "SUCCESS");
}

// ---- a factor was checked

// Factors that are neither a push nor a code: no challenge of the gate is like them.
static const char *const other_factors[] = {
    "PASSWORD_AS_FACTOR", "SIGNED_NONCE", "FIDO_U2F", "FIDO_WEBAUTHN", "FIDO2_WEBAUTHN", "PASSWORD",
};

static bool is_other_factor(struct str factor) {
    for (size_t i = 0; i < LEN(other_factors); i++)
        if (is(factor, other_factors[i])) return true;
    return false;
}

// What the authenticator's enrolment among the targets says was done: "Get a push notification".
static struct str method_used(const struct json *event) {
    const struct json *enrolment = of_type(json_get(event, "target"), "AuthenticatorEnrollment");
    return told(json_path(enrolment, "detailEntry.methodTypeUsed"));
}

struct push_answer {
    struct str tap, number; // absent: not told
};

static struct push_answer push_answer(const struct json *event) {
    struct push_answer a = {debug_text(event, "pushOnlyResponseType"),
                            debug_text(event, "pushWithNumberChallengeResponseType")};
    if (is(a.number, "OV_WITH_CHALLENGE_RESPONSE_NOT_APPLICABLE")) a.number = STR_NONE;
    return a;
}

// Tapped yes, and a number that was not the one: only somebody who sees another number than the one
// that signs in does that, or nobody's.
static bool is_wrong_number(const struct push_answer *a) {
    if (is(a->number, "OV_WITH_CHALLENGE_RESPONSE_INVALID")) return true;
    return is(a->tap, "OV_RESPONSE_APPROVE") && is(a->number, "OV_WITH_CHALLENGE_RESPONSE_ERROR");
}

static bool has_failed(const struct json *event) {
    static const char *const results[] = {"FAILURE", "DENY", "UNANSWERED", "ABANDONED"};
    struct str result = told_at(event, "outcome.result");
    for (size_t i = 0; i < LEN(results); i++)
        if (is(result, results[i])) return true;
    return false;
}

static bool is_push(struct str factor, struct str method, const struct push_answer *a) {
    return is(factor, "OKTA_VERIFY_PUSH") || is(method, "Get a push notification") || a->tap.p ||
           a->number.p;
}

static void read_factor(const struct json *event, struct signal *s) {
    const struct push_answer a = push_answer(event);
    struct str factor = debug_text(event, "factor"), method = method_used(event);
    s->push = is_push(factor, method, &a);
    if (is(a.tap, "OV_RESPONSE_DENY")) s->kind = SIGNAL_DENIED;
    else if (!s->push && (is_other_factor(factor) || is(method, "Password"))) s->kind = SIGNAL_NONE;
    else if (has_succeeded(event)) s->kind = SIGNAL_VERIFIED;
    else if (is_wrong_number(&a)) s->kind = SIGNAL_WRONG_NUMBER;
    else if (has_failed(event)) s->kind = SIGNAL_FAILED;
}

// ---- the others

static void read_sent(const struct json *event, struct signal *s) {
    (void)event;
    s->kind = SIGNAL_PUSH_SENT;
    s->push = true;
}

static void read_denied(const struct json *event, struct signal *s) {
    (void)event;
    s->kind = SIGNAL_DENIED;
    s->push = true;
}

static void read_suspicious(const struct json *event, struct signal *s) {
    (void)event;
    s->kind = SIGNAL_SUSPICIOUS;
}

// Its outcome is FAILURE: of the sign-in that led to it.
static void read_locked(const struct json *event, struct signal *s) {
    (void)event;
    s->kind = SIGNAL_LOCKED;
}

static void read_unlocked(const struct json *event, struct signal *s) {
    if (has_succeeded(event)) s->kind = SIGNAL_UNLOCKED;
}

// The value of `level` in "{reasons=Anomalous Device, level=MEDIUM}", which may hold previousLevel
// too.
static struct str level_in(struct str map) {
    struct str rest = map;
    while (rest.p) {
        struct str part = str_trim(str_split(&rest, ','));
        if (str_starts(part, STR("{"))) part = str_trim(str_sub(part, 1, part.n));
        if (str_ends(part, STR("}"))) part = str_trim(str_sub(part, 0, part.n - 1));
        struct str value = part, key = str_trim(str_split(&value, '='));
        if (str_eqz(key, "level")) return str_trim(value);
    }
    return STR_NONE;
}

static struct str risk_level(const struct json *event) {
    struct str level = told_at(event, "securityContext.risk.level");
    const struct json *risk = json_path(event, "debugContext.debugData.risk");
    if (!level.p) level = told(json_get(risk, "level"));
    if (!level.p) level = level_in(told(risk));
    return level.p ? level : debug_text(event, "riskLevel");
}

// MEDIUM says neither: who was high stays so.
static void read_risk_change(const struct json *event, struct signal *s) {
    struct str level = risk_level(event);
    if (is(level, "HIGH")) s->kind = SIGNAL_RISK_HIGH;
    if (is(level, "LOW")) s->kind = SIGNAL_RISK_LOW;
}

// One detection: its level is not the user's when it is low.
static void read_risk_detect(const struct json *event, struct signal *s) {
    if (is(risk_level(event), "HIGH")) s->kind = SIGNAL_RISK_HIGH;
}

static const struct row {
    const char *type;
    void (*read)(const struct json *event, struct signal *s);
} rows[] = {
    {"user.authentication.auth_via_mfa", read_factor},
    {"system.push.send_factor_verify_push", read_sent},
    {"user.mfa.okta_verify.deny_push", read_denied},
    {"user.mfa.okta_verify.deny_push_upgrade_needed", read_denied},
    {"user.account.report_suspicious_activity_by_enduser", read_suspicious},
    {"user.account.lock", read_locked},
    {"user.account.lock.limit", read_locked},
    {"user.account.unlock", read_unlocked},
    {"user.account.unlock_by_admin", read_unlocked},
    {"user.risk.change", read_risk_change},
    {"user.risk.detect", read_risk_detect},
};

static const struct row *row_of(struct str event_type) {
    for (size_t i = 0; i < LEN(rows); i++)
        if (str_eqz(event_type, rows[i].type)) return &rows[i];
    return NULL;
}

bool signal_wants(struct str event_type) { return row_of(event_type) != NULL; }

// ---- whom, by whom

static void read_user(const struct json *event, struct signal *s) {
    const struct json *user = of_type(json_get(event, "target"), "User");
    const struct json *actor = json_get(event, "actor");
    struct str type = told(json_get(actor, "type"));
    if (!user && (!type.p || is(type, "User"))) user = actor;
    s->user_id = told(json_get(user, "id"));
    s->login = told(json_get(user, "alternateId"));
}

static void read_requester(const struct json *event, struct signal *s) {
    const struct json *actor = json_get(event, "actor");
    s->requester = told_at(event, "transaction.detail.requestApiTokenId");
    if (!s->requester.p && is(told(json_get(actor, "type")), "PublicClientApp"))
        s->requester = told(json_get(actor, "id"));
    if (!s->requester.p) s->requester = told_at(event, "client.id");
}

int signal_read(struct json_reader *reader, struct str event, struct signal *ret) {
    const struct json *v = NULL;
    struct fault fault;
    int r = json_read(reader, event, &v, &fault);
    if (r < 0) return r;
    if (r || json_type(v) != JSON_OBJECT) return SIGNAL_E_BROKEN;
    const struct json *enrolment = of_type(json_get(v, "target"), "AuthenticatorEnrollment");
    struct signal s = {
        .uuid = told(json_get(v, "uuid")),
        .event_type = told(json_get(v, "eventType")),
        .factor_id = told(json_get(enrolment, "id")),
        .transaction_id = told_at(v, "transaction.id"),
    };
    time_parse_iso8601(json_str(json_get(v, "published")), &s.published_ms);
    read_user(v, &s);
    read_requester(v, &s);
    const struct row *row = row_of(s.event_type);
    if (row) row->read(v, &s);
    *ret = s;
    return 0;
}

// ---- what it means

static const struct {
    const char *name;
    bool tells;
    enum guard_news news;
} kinds[] = {
    [SIGNAL_NONE] = {"none", false, 0},
    [SIGNAL_PUSH_SENT] = {"push_sent", false, 0},
    [SIGNAL_VERIFIED] = {"verified", false, 0},
    [SIGNAL_DENIED] = {"denied", true, NEWS_DENIED},
    [SIGNAL_FAILED] = {"failed", false, 0},
    [SIGNAL_WRONG_NUMBER] = {"wrong_number", true, NEWS_WRONG_NUMBER},
    [SIGNAL_SUSPICIOUS] = {"suspicious", true, NEWS_SUSPICIOUS},
    [SIGNAL_LOCKED] = {"locked", true, NEWS_LOCKED},
    [SIGNAL_UNLOCKED] = {"unlocked", true, NEWS_UNLOCKED},
    [SIGNAL_RISK_HIGH] = {"risk_high", true, NEWS_RISK_HIGH},
    [SIGNAL_RISK_LOW] = {"risk_low", true, NEWS_RISK_LOW},
};

const char *signal_name(enum signal_kind k) { return kinds[k].name; }

bool signal_news(const struct signal *s, enum guard_news *ret) {
    if (!kinds[s->kind].tells) return false;
    *ret = kinds[s->kind].news;
    return true;
}
