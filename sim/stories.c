// SPDX-License-Identifier: Apache-2.0
// Each story fills one `struct scene` (who, where, with what, in which session) and then tells
// event after event in it. Sign-ins dominate, as they do in real logs.
#include "sim/stories.h"

#include <stdio.h>

#include "base/time.h"

struct scene {
    struct event event; // what all events of the story share
    int64_t at_ms;
    char session[32], transaction[32], ip[COMPANY_IP_MAX];
};

static unsigned draw(struct teller *t, unsigned n) { return (unsigned)rand_below(&t->rand, n); }
static bool chance(struct teller *t, unsigned percent) { return draw(t, 100) < percent; }

static void draw_id(struct teller *t, char *ret, size_t n, const char *prefix) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t at = strlen(prefix);
    memcpy(ret, prefix, at);
    for (; at < n; at++) ret[at] = letters[draw(t, sizeof letters - 1)];
    ret[n] = '\0';
}

static const struct person *anyone(struct teller *t) {
    return &t->company->people[draw(t, COMPANY_PEOPLE)];
}

static const struct person *an_admin(struct teller *t) {
    return &t->company->people[draw(t, COMPANY_ADMINS)];
}

// Popular things come first in their lists and are drawn more often.
static unsigned draw_popular(struct teller *t, unsigned n) {
    unsigned a = draw(t, n), b = draw(t, n);
    return a < b ? a : b;
}

static void next_request(struct teller *t, struct scene *s) { draw_id(t, s->transaction, 22, "Z"); }

static void set_place(struct scene *s, const struct person *p) {
    s->event.place = p->place;
    s->event.agent = p->desk;
    snprintf(s->ip, sizeof s->ip, "%s", p->ip);
}

static void scene_begin(struct teller *t, struct scene *s, const struct person *actor,
                        int64_t at_ms) {
    unsigned policy = draw_popular(t, COMPANY_POLICIES);
    *s = (struct scene){.at_ms = at_ms};
    s->event = (struct event){.company = t->company,
                              .actor = actor,
                              .subject = actor,
                              .app = &t->company->apps[draw_popular(t, COMPANY_APPS)],
                              .client = &t->company->clients[draw_popular(t, COMPANY_CLIENTS)],
                              .group = &t->company->groups[draw(t, COMPANY_GROUPS)],
                              .policy = &t->company->policies[policy],
                              .rule = &t->company->rules[policy],
                              .result = "SUCCESS",
                              .ip = s->ip};
    draw_id(t, s->session, 25, "102");
    next_request(t, s);
    set_place(s, actor);
}

// Most events reach the log within seconds, some after a minute or more, so that they stand behind
// younger ones.
static int64_t draw_delay_ms(struct teller *t) {
    unsigned kind = draw(t, 1000);
    if (kind < 970) return 150 + draw(t, 3000);
    if (kind < 998) return 5000 + draw(t, 90000);
    return 120000 + draw(t, 1800000);
}

static void store_event(struct teller *t, const struct event *e) {
    char uuid[40];
    event_uuid(uuid, e);
    buf_reset(&t->buf);
    event_write(&t->buf, e, uuid);
    int64_t persisted_ms = e->published_ms + draw_delay_ms(t);
    struct store_event stored = {.published_ms = e->published_ms,
                                 .persisted_ms =
                                     persisted_ms < t->until_ms ? persisted_ms : t->until_ms,
                                 .json = buf_str(&t->buf),
                                 .uuid = str_from(uuid)};
    t->error = t->buf.error ? t->buf.error : store_add(t->store, &stored);
    t->left--;
}

// Tells one event `after_ms` behind the last one. A story that runs into the end of the time ends
// there.
static void tell(struct teller *t, struct scene *s, const char *type, int64_t after_ms) {
    s->at_ms += after_ms;
    if (t->left == 0 || t->error || s->at_ms > t->until_ms) return;
    struct event e = s->event;
    e.type = event_type_find(type);
    e.published_ms = s->at_ms;
    e.number = t->number++;
    e.node = t->node;
    e.session = s->event.session ? s->session : NULL;
    e.transaction = s->transaction;
    e.rand = &t->rand;
    store_event(t, &e);
}

static void tell_with(struct teller *t, struct scene *s, const char *type, int64_t after_ms,
                      const char *result, const char *reason) {
    struct event before = s->event;
    s->event.result = result;
    s->event.reason = reason;
    tell(t, s, type, after_ms);
    s->event = before;
}

static void set_extras(struct scene *s, const struct event_extra *extras, size_t n) {
    memset(s->event.extras, 0, sizeof s->event.extras);
    memcpy(s->event.extras, extras, n * sizeof *extras);
}

static void answer_factor(struct teller *t, struct scene *s, enum event_method method,
                          const char *result, const char *reason) {
    s->event.method = method;
    tell_with(t, s, "user.authentication.auth_via_mfa", 900 + draw(t, 6000), result, reason);
    s->event.method = METHOD_NONE;
    memset(s->event.extras, 0, sizeof s->event.extras);
}

// The outcomes of a push, as debugData tells them apart.
static const struct {
    const char *response, *number, *result, *reason;
} push_answers[] = {
    {"OV_RESPONSE_APPROVE", "OV_WITH_CHALLENGE_RESPONSE_VALID", "SUCCESS", NULL},
    {"OV_RESPONSE_APPROVE", "OV_WITH_CHALLENGE_RESPONSE_NOT_APPLICABLE", "SUCCESS", NULL},
    {"OV_RESPONSE_DENY", "OV_WITH_CHALLENGE_RESPONSE_NOT_APPLICABLE", "FAILURE",
     "INVALID_CREDENTIALS"},
    {"OV_RESPONSE_APPROVE", "OV_WITH_CHALLENGE_RESPONSE_INVALID", "FAILURE", "INVALID_CREDENTIALS"},
};
enum { PUSH_NUMBER, PUSH_PLAIN, PUSH_DENIED, PUSH_WRONG_NUMBER };

static void send_push(struct teller *t, struct scene *s) {
    const struct event_extra extras[] = {{"deviceCategory", "PHONE"},
                                         {"devicePlatform", s->event.subject->phone->platform}};
    next_request(t, s);
    set_extras(s, extras, LEN(extras));
    tell(t, s, "system.push.send_factor_verify_push", 700 + draw(t, 900));
}

static void answer_push(struct teller *t, struct scene *s, int answer) {
    const struct event_extra extras[] = {
        {"pushOnlyResponseType", push_answers[answer].response},
        {"pushWithNumberChallengeResponseType", push_answers[answer].number},
        {"authenticatorVersion", "9.29.0"}};
    set_extras(s, extras, LEN(extras));
    answer_factor(t, s, METHOD_PUSH, push_answers[answer].result, push_answers[answer].reason);
}

// Proves the second factor; false when that fails.
static bool prove(struct teller *t, struct scene *s) {
    static const enum event_method others[] = {METHOD_FASTPASS, METHOD_FASTPASS, METHOD_TOTP,
                                               METHOD_SMS, METHOD_WEBAUTHN};
    if (chance(t, 40)) {
        answer_factor(t, s, others[draw(t, LEN(others))], "SUCCESS", NULL);
        return true;
    }
    unsigned kind = draw(t, 100);
    int answer = kind < 60   ? PUSH_NUMBER
                 : kind < 96 ? PUSH_PLAIN
                 : kind < 98 ? PUSH_DENIED
                             : PUSH_WRONG_NUMBER;
    send_push(t, s);
    answer_push(t, s, answer);
    return answer == PUSH_NUMBER || answer == PUSH_PLAIN;
}

static void use_applications(struct teller *t, struct scene *s) {
    unsigned n = 1 + draw(t, 5);
    for (unsigned i = 0; i < n; i++) {
        static const struct event_extra extras[] = {{"signOnMode", "SAML 2.0"},
                                                    {"initiationType", "SP_INITIATED"}};
        next_request(t, s);
        s->event.app = &t->company->apps[draw_popular(t, COMPANY_APPS)];
        tell_with(t, s, "policy.evaluate_sign_on", 2000 + draw(t, 600000), "ALLOW",
                  "Sign-on policy evaluation resulted in AUTHENTICATED");
        set_extras(s, extras, LEN(extras));
        tell(t, s, "user.authentication.sso", 120 + draw(t, 700));
        memset(s->event.extras, 0, sizeof s->event.extras);
    }
}

static void look_unusual(struct teller *t, struct scene *s) {
    s->event.new_device = true;
    s->event.risk = RISK_MEDIUM;
    s->event.agent = s->event.actor->phone;
    company_ip(s->ip, s->event.actor->place, &t->rand);
}

static void story_sign_in(struct teller *t, struct scene *s) {
    s->event.signs_in = true;
    if (chance(t, 8)) look_unusual(t, s);
    answer_factor(t, s, METHOD_PASSWORD, "SUCCESS", NULL);
    tell_with(t, s, "policy.evaluate_sign_on", 80 + draw(t, 300), "CHALLENGE",
              "Sign-on policy evaluation resulted in CHALLENGE");
    if (!prove(t, s)) return;
    s->event.session = s->session;
    next_request(t, s);
    tell(t, s, "user.session.start", 60 + draw(t, 200));
    tell(t, s, "user.authentication.verify", 5 + draw(t, 60));
    if (s->event.new_device)
        tell(t, s, "system.email.new_device_notification.sent_message", 300 + draw(t, 900));
    use_applications(t, s);
    next_request(t, s);
    if (chance(t, 35)) tell(t, s, "user.session.end", 600000 + draw(t, 6 * TIME_HOUR_MS));
}

static void story_applications(struct teller *t, struct scene *s) {
    s->event.signs_in = true;
    s->event.session = s->session;
    use_applications(t, s);
}

static void story_mistyped(struct teller *t, struct scene *s) {
    s->event.signs_in = true;
    unsigned n = 1 + draw(t, 2);
    for (unsigned i = 0; i < n; i++) {
        next_request(t, s);
        answer_factor(t, s, METHOD_PASSWORD, "FAILURE", "INVALID_CREDENTIALS");
        tell_with(t, s, "user.session.start", 40 + draw(t, 100), "FAILURE", "INVALID_CREDENTIALS");
    }
    story_sign_in(t, s);
}

static void come_from_afar(struct teller *t, struct scene *s) {
    s->event.place = company_strange_place(&t->rand);
    s->event.agent = company_strange_agent();
    s->event.signs_in = true;
    s->event.new_device = true;
    s->event.risk = RISK_HIGH;
    company_ip(s->ip, s->event.place, &t->rand);
}

// One password tried on many accounts.
static void story_spray(struct teller *t, struct scene *s) {
    come_from_afar(t, s);
    tell(t, s, "security.attack.start", 0);
    unsigned n = 5 + draw(t, 20);
    for (unsigned i = 0; i < n; i++) {
        s->event.actor = s->event.subject = anyone(t);
        next_request(t, s);
        answer_factor(t, s, METHOD_PASSWORD, "FAILURE", "INVALID_CREDENTIALS");
        tell_with(t, s, "user.session.start", 50, "FAILURE", "INVALID_CREDENTIALS");
        if (chance(t, 20)) tell_with(t, s, "user.account.lock", 30, "FAILURE", "LOCKED_OUT");
    }
    static const struct event_extra extras[] = {
        {"threatDetections", "{Password Spray=HIGH, Login Failures=MEDIUM}"}};
    set_extras(s, extras, LEN(extras));
    tell_with(t, s, "security.threat.detected", 800, "DENY", "Password Spray");
    tell(t, s, "security.attack.end", 60000 + draw(t, 600000));
}

// Pushes until somebody taps.
static void story_push_bombing(struct teller *t, struct scene *s) {
    come_from_afar(t, s);
    answer_factor(t, s, METHOD_PASSWORD, "SUCCESS", NULL);
    unsigned n = 3 + draw(t, 8);
    for (unsigned i = 0; i < n; i++) {
        send_push(t, s);
        if (chance(t, 70)) answer_push(t, s, chance(t, 25) ? PUSH_WRONG_NUMBER : PUSH_DENIED);
        s->at_ms += 5000 + draw(t, 30000);
    }
    tell(t, s, "user.risk.detect", 1000);
    if (chance(t, 50)) {
        tell(t, s, "user.account.report_suspicious_activity_by_enduser", 40000);
        return;
    }
    answer_push(t, s, PUSH_PLAIN);
    s->event.session = s->session;
    tell(t, s, "user.session.start", 100);
    use_applications(t, s);
}

static void story_tokens(struct teller *t, struct scene *s) {
    static const struct event_extra extras[] = {{"grantType", "client_credentials"},
                                                {"requestedScopes", "okta.logs.read"},
                                                {"grantedScopes", "okta.logs.read"}};
    s->event.agent = company_strange_agent();
    set_extras(s, extras, LEN(extras));
    if (chance(t, 4)) {
        tell_with(t, s, "app.oauth2.token.grant.access_token", 0, "FAILURE", "invalid_client");
        tell_with(t, s, "app.oauth2.invalid_client_credentials", 10, "FAILURE",
                  "invalid_client_credentials");
        return;
    }
    tell(t, s, "app.oauth2.token.grant.access_token", 0);
}

static void as_admin(struct teller *t, struct scene *s) {
    const struct person *admin = an_admin(t);
    s->event.actor = admin;
    s->event.session = s->session;
    set_place(s, admin);
}

static void story_onboarding(struct teller *t, struct scene *s) {
    as_admin(t, s);
    tell(t, s, "user.lifecycle.create", 0);
    tell(t, s, "user.lifecycle.activate", 400 + draw(t, 2000));
    unsigned n = 1 + draw(t, 4);
    for (unsigned i = 0; i < n; i++) {
        next_request(t, s);
        s->event.group = &t->company->groups[i];
        s->event.app = &t->company->apps[draw(t, COMPANY_APPS)];
        tell(t, s, "group.user_membership.add", 300 + draw(t, 3000));
        tell(t, s, "application.user_membership.add", 200 + draw(t, 900));
    }
    s->event.actor = s->event.subject;
    set_place(s, s->event.actor);
    s->event.method = METHOD_PUSH;
    tell(t, s, "user.mfa.factor.activate", 600000 + draw(t, 3600000));
    tell(t, s, "device.enrollment.create", 400);
    tell(t, s, "system.email.mfa_enroll_notification.sent_message", 900);
}

static void story_offboarding(struct teller *t, struct scene *s) {
    as_admin(t, s);
    tell(t, s, "user.session.clear", 0);
    unsigned n = 1 + draw(t, 4);
    for (unsigned i = 0; i < n; i++) {
        s->event.app = &t->company->apps[draw(t, COMPANY_APPS)];
        tell(t, s, "application.user_membership.remove", 200 + draw(t, 900));
    }
    tell(t, s, "user.lifecycle.deactivate", 500);
}

static void story_reset_factors(struct teller *t, struct scene *s) {
    as_admin(t, s);
    tell(t, s, "user.mfa.factor.reset_all", 0);
    tell(t, s, "system.email.mfa_reset_notification.sent_message", 700 + draw(t, 2000));
}

// Changes that say what was before.
static const struct {
    const char *type, *changed, *from, *to;
} changes[] = {
    {"policy.rule.update", "status", "ACTIVE", "INACTIVE"},
    {"policy.rule.update", "factorMode", "1FA", "2FA"},
    {"application.lifecycle.update", "signOnMode", "SAML_1_1", "SAML_2_0"},
    {"user.account.update_profile", "department", "Sales", "Sales Engineering"},
    {"user.account.update_profile", "title", "Engineer", "Senior Engineer"},
    {"group.profile.update", "description", "Everybody in sales", "Sales, EMEA only"},
    {"zone.update", "gateways", "198.18.0.0/24", "198.18.0.0/23"},
    {"policy.lifecycle.update", "priority", "2", "1"},
};

static void story_change(struct teller *t, struct scene *s) {
    size_t i = draw(t, LEN(changes));
    as_admin(t, s);
    s->event.changed = changes[i].changed;
    s->event.from = changes[i].from;
    s->event.to = changes[i].to;
    tell(t, s, changes[i].type, 0);
}

// Something that is no story: one event of any kind that happens by itself.
static void story_single(struct teller *t, struct scene *s) {
    const struct event_type *type = event_type_draw(&t->rand);
    bool warns = strcmp(type->severity, "WARN") == 0;
    if (type->actor == ACTOR_ADMIN) as_admin(t, s);
    if (type->actor == ACTOR_SYSTEM && chance(t, 50)) {
        s->event.ip = NULL; // a job of Okta's own
        s->event.place = NULL;
        s->event.agent = NULL;
    }
    if (type->actor == ACTOR_USER) s->event.session = s->session;
    if (strchr(type->targets, 'E')) s->event.method = METHOD_TOTP;
    bool fails = warns || chance(t, 3);
    tell_with(t, s, type->type, 0, fails ? (warns ? "DENY" : "FAILURE") : "SUCCESS",
              fails ? "Refused by policy" : NULL);
}

static const struct {
    unsigned weight; // of a thousand stories
    void (*tell)(struct teller *t, struct scene *s);
} stories[] = {
    {500, story_sign_in},  {150, story_applications}, {45, story_mistyped},
    {3, story_spray},      {3, story_push_bombing},   {80, story_tokens},
    {6, story_onboarding}, {4, story_offboarding},    {5, story_reset_factors},
    {24, story_change},    {180, story_single},
};

void story_tell(struct teller *t, int64_t at_ms) {
    struct scene s;
    scene_begin(t, &s, anyone(t), at_ms);
    unsigned at = draw(t, 1000);
    size_t i = 0;
    while (at >= stories[i].weight) at -= stories[i++].weight;
    stories[i].tell(t, &s);
}
