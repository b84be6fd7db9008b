// SPDX-License-Identifier: Apache-2.0
// The same writer as for generated events: a person and an agent are made up from what is known of
// who was asked and who asked.
#include "sim/mfa-log.h"

#include <stdio.h>

#include "base/time.h"
#include "sim/sim.h"

enum { EVENT_MAX_BYTES = 1 << 20, URI_MAX = 160, ADDRESS_MAX = 64 };
#define NOWHERE "127.0.0.1"
#define RESPONSE "pushOnlyResponseType"
#define NUMBER_RESPONSE "pushWithNumberChallengeResponseType"

struct telling {
    struct event event;
    struct person person;
    struct agent agent;
    char transaction[COMPANY_ID_MAX], uri[URI_MAX], address[ADDRESS_MAX];
    int64_t at_ms;
};

static const char *or_empty(const char *text) { return text ? text : ""; }

// The address that the log shows: the one that is told, when who tells it is trusted.
static void set_address(struct telling *t, const struct sim *sim, const struct mfa_who *who) {
    struct str told = str_from(who->forwarded);
    struct str first = told.p ? str_trim(str_split(&told, ',')) : STR_NONE;
    bool trusted = sim->pushes.trusted_proxy && first.n && first.n < sizeof t->address;
    struct str address = trusted ? first : str_from(who->ip);
    if (!address.n) address = STR(NOWHERE);
    snprintf(t->address, sizeof t->address, "%.*s", STR_ARG(address));
}

static void begin(struct telling *t, struct sim *sim, const struct mfa_who *who, int64_t at_ms) {
    *t = (struct telling){.at_ms = at_ms};
    snprintf(t->person.id, sizeof t->person.id, "%s", or_empty(who->user_id));
    snprintf(t->person.login, sizeof t->person.login, "%s", or_empty(who->login));
    snprintf(t->person.name, sizeof t->person.name, "%s", or_empty(who->name));
    snprintf(t->person.factor_id, sizeof t->person.factor_id, "%s", or_empty(who->factor_id));
    company_id(t->transaction, "Z", &sim->pushes.rand);
    set_address(t, sim, who);
    t->agent = (struct agent){
        .raw = who->user_agent, .os = "Unknown", .browser = "UNKNOWN", .device = "Unknown"};
    t->event = (struct event){.company = generator_company(sim->generator),
                              .actor = &t->person,
                              .subject = &t->person,
                              .published_ms = at_ms,
                              .agent = &t->agent,
                              .ip = t->address,
                              .transaction = t->transaction,
                              .result = "SUCCESS",
                              .client_id = who->client_id,
                              .token_id = who->token_id,
                              .rand = &sim->pushes.rand};
    bool by_api = who->client_id || who->token_id;
    if (by_api && who->factor_id)
        snprintf(t->uri, sizeof t->uri, "/api/v1/users/%s/factors/%s/verify", t->person.id,
                 who->factor_id);
    if (t->uri[0]) t->event.uri = t->uri;
}

static int tell(struct telling *t, struct sim *sim, const char *type) {
    AUTO_FINI(buf) struct buf text = buf_make(EVENT_MAX_BYTES);
    char uuid[40];
    t->event.type = event_type_find(type);
    t->event.number = sim->pushes.events++;
    t->event.node = SIM_LOG_NODE;
    event_uuid(uuid, &t->event);
    event_write(&text, &t->event, uuid);
    if (text.error) return text.error;
    struct store_event stored = {.published_ms = t->at_ms,
                                 .persisted_ms = t->at_ms,
                                 .json = buf_str(&text),
                                 .uuid = str_from(uuid)};
    int e = store_add(sim->store, &stored);
    return e ? e : store_settle(sim->store);
}

static void add_extra(struct telling *t, const char *key, const char *value) {
    size_t i = 0;
    while (i < EVENT_EXTRAS_MAX && t->event.extras[i].key) i++;
    if (i < EVENT_EXTRAS_MAX) t->event.extras[i] = (struct event_extra){key, value};
}

static void fail(struct telling *t, const char *reason) {
    t->event.result = "FAILURE";
    t->event.reason = reason;
}

// ---- pushes

static const char *text_or_null(const char *text) { return *text ? text : NULL; }

static struct mfa_who who_of(const struct push *push) {
    return (struct mfa_who){.user_id = push->texts[PUSH_USER],
                            .login = push->texts[PUSH_LOGIN],
                            .name = push->texts[PUSH_NAME],
                            .factor_id = push->texts[PUSH_FACTOR],
                            .user_agent = text_or_null(push->texts[PUSH_AGENT]),
                            .ip = push->texts[PUSH_ADDRESS],
                            .forwarded = push->texts[PUSH_FORWARDED],
                            .client_id = text_or_null(push->texts[PUSH_CLIENT]),
                            .token_id = text_or_null(push->texts[PUSH_TOKEN]),
                            .method = METHOD_PUSH};
}

static int tell_push(struct sim *sim, const struct mfa_who *who, int64_t at_ms) {
    struct telling t;
    begin(&t, sim, who, at_ms);
    if (who->client_id || who->token_id) t.event.actor = NULL; // Okta itself, or the app
    add_extra(&t, "deviceCategory", "PHONE");
    add_extra(&t, "devicePlatform", "IOS");
    return tell(&t, sim, "system.push.send_factor_verify_push");
}

int mfa_log_push(struct sim *sim, const struct push *push) {
    struct mfa_who who = who_of(push);
    return tell_push(sim, &who, push->asked_ms);
}

#define CHALLENGE(result) "OV_WITH_CHALLENGE_RESPONSE_" result

// How an ended push looks; with a number where one was shown.
static const struct answer {
    const char *response, *number, *plain_number;
    bool good;
} answers[PUSH_STATES] = {
    [PUSH_APPROVED] = {"OV_RESPONSE_APPROVE", CHALLENGE("VALID"), CHALLENGE("NOT_APPLICABLE"),
                       true},
    [PUSH_DENIED] = {"OV_RESPONSE_DENY", CHALLENGE("NOT_APPLICABLE"), CHALLENGE("NOT_APPLICABLE"),
                     false},
    [PUSH_WRONG_NUMBER] = {"OV_RESPONSE_APPROVE", CHALLENGE("INVALID"), CHALLENGE("INVALID"),
                           false},
    [PUSH_CANCELLED] = {"OV_RESPONSE_ERROR", CHALLENGE("ERROR"), CHALLENGE("NOT_APPLICABLE"),
                        false},
    [PUSH_UNKNOWN] = {"OV_RESPONSE_ERROR", CHALLENGE("ERROR"), CHALLENGE("NOT_APPLICABLE"), false},
};

static int tell_answer(struct sim *sim, const struct mfa_who *who, enum push_state state,
                       bool with_number, int64_t at_ms) {
    const struct answer *answer = &answers[state];
    struct telling t;
    begin(&t, sim, who, at_ms);
    if (state == PUSH_DENIED && sim->pushes.engine == PUSHES_CLASSIC) {
        fail(&t, "User rejected Okta push verify");
        return tell(&t, sim, "user.mfa.okta_verify.deny_push");
    }
    t.event.method = METHOD_PUSH;
    if (!answer->good) fail(&t, "INVALID_CREDENTIALS");
    add_extra(&t, RESPONSE, answer->response);
    add_extra(&t, NUMBER_RESPONSE, with_number ? answer->number : answer->plain_number);
    add_extra(&t, "authenticatorVersion", "9.29.0");
    return tell(&t, sim, "user.authentication.auth_via_mfa");
}

static int tell_unanswered(struct sim *sim, const struct mfa_who *who, int64_t at_ms) {
    struct telling t;
    begin(&t, sim, who, at_ms);
    t.event.method = METHOD_PUSH;
    t.event.result = "UNANSWERED";
    return tell(&t, sim, "user.authentication.auth_via_mfa");
}

int mfa_log_answer(struct sim *sim, const struct push *push) {
    struct mfa_who who = who_of(push);
    bool logs = push->state != PUSH_EXPIRED || sim->pushes.log_unanswered;
    if (!logs) return 0;
    if (push->state == PUSH_EXPIRED) return tell_unanswered(sim, &who, push->ended_ms);
    return tell_answer(sim, &who, push->state, push->correct != PUSH_NO_NUMBER, push->ended_ms);
}

// ---- codes and locks

int mfa_log_code(struct sim *sim, const struct mfa_who *who, bool right, int64_t now_ms) {
    struct telling t;
    begin(&t, sim, who, now_ms);
    t.event.method = who->method;
    if (!right) fail(&t, "INVALID_CREDENTIALS");
    return tell(&t, sim, "user.authentication.auth_via_mfa");
}

int mfa_log_lock(struct sim *sim, const struct mfa_who *who, int64_t now_ms) {
    struct telling t;
    begin(&t, sim, who, now_ms);
    fail(&t, "LOCKED_OUT");
    return tell(&t, sim, "user.account.lock");
}

// ---- what happened elsewhere

static int signal_push(struct sim *sim, const struct mfa_who *who, const char *level, int64_t ms) {
    (void)level;
    return tell_push(sim, who, ms);
}

static int signal_approval(struct sim *sim, const struct mfa_who *who, const char *level,
                           int64_t ms) {
    (void)level;
    return tell_answer(sim, who, PUSH_APPROVED, false, ms);
}

static int signal_denial(struct sim *sim, const struct mfa_who *who, const char *level,
                         int64_t ms) {
    (void)level;
    return tell_answer(sim, who, PUSH_DENIED, false, ms);
}

static int signal_wrong_number(struct sim *sim, const struct mfa_who *who, const char *level,
                               int64_t ms) {
    (void)level;
    return tell_answer(sim, who, PUSH_WRONG_NUMBER, true, ms);
}

static int signal_suspicious(struct sim *sim, const struct mfa_who *who, const char *level,
                             int64_t ms) {
    struct telling t;
    (void)level;
    begin(&t, sim, who, ms);
    add_extra(&t, "suspiciousActivityEventType",
              "system.email.mfa_enroll_notification.sent_message");
    return tell(&t, sim, "user.account.report_suspicious_activity_by_enduser");
}

static int signal_lock(struct sim *sim, const struct mfa_who *who, const char *level, int64_t ms) {
    (void)level;
    return mfa_log_lock(sim, who, ms);
}

static int signal_unlock(struct sim *sim, const struct mfa_who *who, const char *level,
                         int64_t ms) {
    struct telling t;
    (void)level;
    begin(&t, sim, who, ms);
    return tell(&t, sim, "user.account.unlock");
}

static int signal_risk(struct sim *sim, const struct mfa_who *who, const char *level, int64_t ms) {
    char risk[64];
    struct telling t;
    begin(&t, sim, who, ms);
    t.event.risk_now = level;
    t.event.risk_before = strcmp(level, "LOW") == 0 ? "HIGH" : "LOW";
    snprintf(risk, sizeof risk, "{detectionName=Session Influenced, level=%s}", level);
    add_extra(&t, "risk", risk);
    add_extra(&t, "previousRiskLevel", t.event.risk_before);
    return tell(&t, sim, "user.risk.change");
}

static const struct {
    const char *name;
    int (*tell)(struct sim *sim, const struct mfa_who *who, const char *level, int64_t ms);
} signals[] = {
    {"push", signal_push},
    {"approval", signal_approval},
    {"denial", signal_denial},
    {"wrong_number", signal_wrong_number},
    {"suspicious", signal_suspicious},
    {"lock", signal_lock},
    {"unlock", signal_unlock},
    {"risk", signal_risk},
};

const char *mfa_log_signals(void) {
    return "push approval denial wrong_number suspicious lock unlock risk";
}

bool mfa_log_knows(struct str signal) {
    for (size_t i = 0; i < LEN(signals); i++)
        if (str_eqz(signal, signals[i].name)) return true;
    return false;
}

int mfa_log_signal(struct sim *sim, struct str signal, const struct mfa_who *who, const char *level,
                   int64_t now_ms) {
    for (size_t i = 0; i < LEN(signals); i++)
        if (str_eqz(signal, signals[i].name))
            return signals[i].tell(sim, who, level ? level : "HIGH", now_ms);
    return 0;
}
