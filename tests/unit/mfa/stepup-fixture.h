// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_MFA_STEPUP_FIXTURE_H
#define TESTS_UNIT_MFA_STEPUP_FIXTURE_H
// A step-up between a fake Okta and a fake gate, with a few people in it.

#include "fake-okta.h"

#include "fake-world.h"
#include "http/client.h"
#include "mfa/stepup-internal.h"

enum { WAITERS_MAX = 2100, POLL_MS = 10, WAIT_MS = 8000, LIMIT_MS = 20000 };

struct waiter {
    struct fixture *f;
    uint64_t ticket;
    int answers;
    bool allowed;
    enum challenge_reason reason;
    const char *rule;
    char message[256];
    char challenges[256]; // the last one
    size_t challenge_count;
};

struct fixture {
    struct loop *loop;
    struct fake_okta okta;
    struct fake_world world;
    struct stepup *stepup;
    struct stepup_settings settings;
    struct http_client_opts http;
    char url[64];
    struct loop_timer *look;
    bool (*until)(struct fixture *f);
    int64_t give_up_mono_ms;
    struct waiter waiters[WAITERS_MAX];
    int asked;
    char entity_id[64];
    bool stopped;
};

#define ACCESSOR "auth_userpass_1"

// ---- the state

struct person {
    const char *alias;
    char *entity_id;
};

static inline int add_person(struct draft *d, const void *arg) {
    const struct person *p = arg;
    const struct entity *e = NULL;
    struct list none = {STR_NONE};
    int r = entity_of_login(d, STR(ACCESSOR), str_from(p->alias), none, time_now_ms(), &e);
    if (r == 0) snprintf(p->entity_id, 64, "%.*s", STR_ARG(e->id));
    return r;
}

static inline int put_method(struct draft *d, const void *json) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    void *made = NULL;
    assert_int_equal(json_reader_new(&reader), 0);
    assert_int_equal(json_read(reader, str_from(json), &v, NULL), 0);
    assert_int_equal(method_type.decode(&made, v, NULL), 0);
    return draft_put(d, made);
}

// `more`: further members, each with a comma before it.
static inline void set_method(struct fixture *f, const char *name, const char *more) {
    char json[1024];
    snprintf(json, sizeof json,
             "{\"type\":\"okta\",\"name\":\"%s\",\"id\":\"id-%s\",\"mount_accessor\":\"" ACCESSOR
             "\",\"username_format\":\"\",\"org_name\":\"acme\",\"api_token\":\"secretToken\","
             "\"base_url\":\"okta.com\",\"production\":true%s}",
             name, name, more);
    fake_edit(&f->world, put_method, json);
}

// ---- beginning and end

static inline void make_stepup(struct fixture *f) {
    const struct stepup_world world = {.ctx = &f->world,
                                       .state = fake_state,
                                       .change = fake_take_change,
                                       .audit = fake_audit,
                                       .audit_ctx = &f->world};
    struct fault fault = {{0}};
    int r = stepup_new(&f->stepup, f->loop, NULL, &f->settings, &world, &fault);
    if (r) fail_msg("%s", fault.text);
}

static inline int setup(void **state) {
    struct fixture *f = mem_new(sizeof *f);
    assert_non_null(f);
    assert_int_equal(loop_new(&f->loop), 0);
    fake_start(&f->okta, f->loop);
    fake_world_start(&f->world);
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d", f->okta.port);
    f->http = (struct http_client_opts){.user_agent = "gatehouse/test", .proxy_url = ""};
    f->settings = (struct stepup_settings){.wait_ms = WAIT_MS,
                                           .poll_interval_ms = POLL_MS,
                                           .max_waiting = WAITERS_MAX,
                                           .okta_url = f->url,
                                           .http = &f->http,
                                           .http_client_timeout_ms = 5000,
                                           .guard = guard_defaults()};
    f->settings.guard.max_pushes = 1000;
    fake_edit(&f->world, add_person, &(struct person){"alice@acme.test", f->entity_id});
    set_method(f, "okta", "");
    make_stepup(f);
    *state = f;
    return 0;
}

static inline void look(void *ctx) {
    struct fixture *f = ctx;
    if (f->until(f)) loop_stop(f->loop);
    else if (time_mono_ms() > f->give_up_mono_ms) fail_msg("it never came to that");
    else loop_timer_set(f->look, 1);
}

// With f->look, made before.
static inline void run_on(struct fixture *f, bool (*until)(struct fixture *f)) {
    f->until = until;
    f->give_up_mono_ms = time_mono_ms() + LIMIT_MS;
    loop_timer_set(f->look, 0);
    assert_int_equal(loop_run(f->loop), 0);
}

// Runs the loop until something is the case; a test that waits for ever fails instead.
static inline void run_until(struct fixture *f, bool (*until)(struct fixture *f)) {
    assert_int_equal(loop_timer_new(&f->look, f->loop, look, f), 0);
    run_on(f, until);
    f->look = loop_timer_free(f->look);
}

static inline void on_stopped(void *ctx) {
    struct fixture *f = ctx;
    assert_false(f->stopped);
    f->stopped = true;
}
static inline bool is_stopped(struct fixture *f) { return f->stopped; }
static inline bool all_answered(struct fixture *f) {
    for (int i = 0; i < f->asked; i++)
        if (f->waiters[i].ticket && !f->waiters[i].answers) return false;
    return true;
}

static inline int teardown(void **state) {
    struct fixture *f = *state;
    if (!f->stopped) {
        stepup_stop(f->stepup, on_stopped, f);
        run_until(f, is_stopped);
    }
    assert_true(all_answered(f));
    fake_world_end_thread(&f->world);
    stepup_free(f->stepup);
    fake_stop(&f->okta);
    fake_world_free(&f->world);
    loop_free(f->loop);
    for (int i = 0; i < f->asked; i++) assert_true(f->waiters[i].answers <= 1);
    free(f);
    return 0;
}

// ---- asking

static inline void on_outcome(void *ctx, const struct stepup_outcome *o) {
    struct waiter *w = ctx;
    struct str rest = o->challenges.packed, id;
    w->answers++;
    w->allowed = o->allowed;
    w->reason = o->reason;
    w->rule = o->rule;
    w->challenge_count = list_count(o->challenges);
    snprintf(w->message, sizeof w->message, "%.*s", STR_ARG(o->message));
    while (list_next(&rest, &id))
        snprintf(w->challenges, sizeof w->challenges, "%.*s", STR_ARG(id));
}

struct asking {
    const char *methods[3];     // none: "okta"
    const char *credentials[6]; // method, credential, ...
    const char *token, *entity_id, *fingerprint;
};

static inline struct list packed(struct buf *out, const char *const *texts, size_t n) {
    for (size_t i = 0; i < n && texts[i]; i++) list_add(out, str_from(texts[i]));
    return list_of(out);
}

static inline struct waiter *ask_as(struct fixture *f, const struct asking *a) {
    static const char *const usual[] = {"okta"};
    AUTO_FINI(buf) struct buf methods = buf_make(4096), credentials = buf_make(4096);
    struct waiter *w = &f->waiters[f->asked++];
    assert_true(f->asked <= WAITERS_MAX);
    const struct stepup_demand d = {
        .methods = a->methods[0] ? packed(&methods, a->methods, LEN(a->methods))
                                 : packed(&methods, usual, 1),
        .credentials = packed(&credentials, a->credentials, LEN(a->credentials)),
        .token_hash = str_from(a->token ? a->token : "token-hash"),
        .entity_id = str_from(a->entity_id ? a->entity_id : f->entity_id),
        .request_id = STR("req-1"),
        .path = STR("secret/prod"),
        .operation = STR("read"),
        .fingerprint = str_from(a->fingerprint ? a->fingerprint : "fingerprint"),
        .remote_address = STR("192.0.2.7"),
        .user_agent = STR("vault-cli/1"),
    };
    *w = (struct waiter){.f = f};
    w->ticket = stepup_ask(f->stepup, &d, on_outcome, w);
    return w;
}

static inline struct waiter *ask(struct fixture *f) {
    return ask_as(f, &(struct asking){.token = NULL});
}

static inline struct waiter *ask_with(struct fixture *f, const char *credential) {
    return ask_as(f, &(struct asking){.credentials = {"okta", credential}});
}

// ---- what the state says

static inline struct state *state_now(struct fixture *f) {
    struct state *s = fake_state(&f->world);
    assert_non_null(s);
    return s;
}

// NULL: no record. Borrowed from the snapshot.
static inline const struct attempt *attempt_of(const struct state *s, const struct waiter *w) {
    return attempt_by_id(s, str_from(w->challenges));
}

static inline const struct guarded *guarded_of(const struct state *s, const char *login) {
    const struct guard_subject who = {.org = STR("127.0.0.1"), .login = str_from(login)};
    return guard_user(s, &who);
}

static inline void assert_denied(const struct waiter *w, enum challenge_reason reason) {
    assert_int_equal(w->answers, 1);
    assert_false(w->allowed);
    assert_string_equal(challenge_reason_name(w->reason), challenge_reason_name(reason));
}

static inline void assert_refused(const struct waiter *w, const char *rule) {
    assert_denied(w, REASON_GUARD);
    assert_string_equal(w->rule, rule);
}

static inline void assert_allowed(const struct waiter *w) {
    assert_int_equal(w->answers, 1);
    if (!w->allowed) fail_msg("denied: %s", challenge_reason_name(w->reason));
}

static inline bool asked_of(const struct fixture *f, enum okta_kind kind) {
    return f->okta.asked[kind] > 0;
}
static inline bool has_verified(struct fixture *f) { return asked_of(f, FAKE_VERIFY); }
static inline bool has_polled(struct fixture *f) { return asked_of(f, FAKE_POLL); }
static inline bool has_cancelled(struct fixture *f) { return asked_of(f, FAKE_CANCEL); }
static inline bool nothing_runs(struct fixture *f) { return !f->stepup->first_run; }
static inline bool nothing_changes(struct fixture *f) { return f->stepup->changes == 0; }

#endif
