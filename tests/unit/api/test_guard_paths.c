// SPDX-License-Identifier: Apache-2.0
// sys/mfa/guard and sys/mfa/challenge: what they show of what the gate knows, and clearing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gate-open.h"
#include "mfa/trail.h"

// ---- a change of the gate's state

struct change {
    void (*make)(struct draft *d);
    pthread_mutex_t mutex;
    pthread_cond_t made;
    bool there;
    int r;
};

static int make(void *arg, struct draft *d) {
    struct change *c = arg;
    c->make(d);
    return 0;
}

static void made(void *arg, int r) {
    struct change *c = arg;
    pthread_mutex_lock(&c->mutex);
    c->r = r;
    c->there = true;
    pthread_cond_signal(&c->made);
    pthread_mutex_unlock(&c->mutex);
}

static void change(void (*how)(struct draft *d)) {
    struct change c = {.make = how};
    pthread_mutex_init(&c.mutex, NULL);
    pthread_cond_init(&c.made, NULL);
    assert_int_equal(gate_change(f.gate, make, made, &c), 0);
    pthread_mutex_lock(&c.mutex);
    while (!c.there) pthread_cond_wait(&c.made, &c.mutex);
    pthread_mutex_unlock(&c.mutex);
    pthread_cond_destroy(&c.made);
    pthread_mutex_destroy(&c.mutex);
    assert_int_equal(c.r, 0);
}

static struct guard_subject eve_in(const char *org) {
    return (struct guard_subject){.org = str_from(org),
                                  .login = STR("Eve@Example.com"),
                                  .user_id = STR("00u1"),
                                  .entity_id = STR("e-1"),
                                  .entity_name = STR("eve@example.com")};
}

static void tell(struct draft *d, const char *org, enum guard_news news) {
    const struct guard_limits limits = guard_defaults();
    const struct guard_subject who = eve_in(org);
    const struct guard_note note = {
        .news = news, .event = STR("uuid-1"), .at_ms = time_now_ms() - 1000};
    assert_int_equal(guard_note(d, &limits, &who, &note, time_now_ms()), 0);
}

static void push(struct draft *d, const char *org) {
    const struct guard_limits limits = guard_defaults();
    const struct guard_subject who = eve_in(org);
    struct guard_verdict v;
    int64_t now_ms = time_now_ms();
    assert_int_equal(
        guard_admit(d, &limits, &who, false, 0, STR("c-1"), now_ms + 300000, now_ms, &v), 0);
    assert_int_equal(v.rule, GUARD_CLEAR);
}

static void lock_and_pause(struct draft *d) {
    push(d, "acme.okta.com");
    tell(d, "acme.okta.com", NEWS_SUSPICIOUS);
    tell(d, "other.okta.com", NEWS_DENIED);
}

// ---- the guard

static const struct json *subject(const struct said *s, const char *type, const char *org) {
    const struct json *all = said_data(s, "subjects");
    for (size_t i = 0; i < json_count(all); i++) {
        const struct json *one = json_at(all, i);
        if (!str_eqz(json_str(json_get(one, "type")), type)) continue;
        if (!org || str_eqz(json_str(json_get(one, "org")), org)) return one;
    }
    fail_msg("no %s of %s in %.*s", type, org ? org : "any org", STR_ARG(buf_str(&s->text)));
    return NULL;
}

static void is(const struct json *v, const char *path, const char *wanted) {
    struct str text = json_str(json_path(v, path));
    if (!str_eqz(text, wanted)) fail_msg("%s: %.*s instead of %s", path, STR_ARG(text), wanted);
}

static bool has_time(const struct json *v, const char *path) {
    int64_t ms = 0;
    return time_parse_iso8601(json_str(json_path(v, path)), &ms);
}

static void a_read_tells_everything_of_that_name(void **state) {
    (void)state;
    change(lock_and_pause);
    struct said s = ask(&f, "GET", "sys/mfa/guard/EVE@example.com", "root", NULL);
    assert_int_equal(s.status, 200);
    assert_int_equal(json_count(said_data(&s, "subjects")), 3);
    const struct json *locked = subject(&s, "user", "acme.okta.com");
    is(locked, "name", "eve@example.com");
    is(locked, "user_id", "00u1");
    is(locked, "push.rule", "lock");
    is(locked, "push.detail", "reported suspicious activity");
    assert_int_equal(json_type(json_path(locked, "push.until")), JSON_NULL);
    is(locked, "code.rule", "clear");
    assert_true(json_bool(json_path(locked, "code.allowed")));
    is(locked, "lock_event", "uuid-1");
    is(locked, "out_challenge", "c-1");
    assert_true(has_time(locked, "out_until") && has_time(locked, "locked_since"));
    assert_true(str_eqz(json_number(json_get(locked, "pushes")), "1"));
    const struct json *paused = subject(&s, "user", "other.okta.com");
    is(paused, "push.rule", "pause");
    is(paused, "push.setting", "mfa.guard.pause");
    assert_true(has_time(paused, "push.until"));
    assert_true(str_eqz(json_number(json_get(paused, "denials")), "1"));
    const struct json *entity = subject(&s, "entity", NULL);
    is(entity, "entity_id", "e-1");
    is(entity, "push.rule", "clear");
    assert_true(str_eqz(json_number(json_get(entity, "pushes")), "1"));
    assert_null(json_get(entity, "code"));
    said_fini(&s);
    ask_for(&f, 200, "GET", "sys/mfa/guard/00U1", "root", NULL);
    ask_for(&f, 200, "GET", "sys/mfa/guard/e-1", "root", NULL);
}

static void a_list_says_which_rule_speaks(void **state) {
    (void)state;
    ask_for(&f, 404, "LIST", "sys/mfa/guard", "root", NULL);
    change(lock_and_pause);
    struct said s = ask(&f, "LIST", "sys/mfa/guard", "root", NULL);
    assert_int_equal(s.status, 200);
    assert_int_equal(json_count(said_data(&s, "keys")), 1);
    const struct json *info = json_get(said_data(&s, "key_info"), "eve@example.com");
    is(info, "rule", "lock");
    assert_false(json_bool(json_get(info, "allowed")));
    assert_true(str_eqz(json_number(json_get(info, "subjects")), "3"));
    is(info, "type", "user");
    is(info, "reason", guard_rows[GUARD_LOCK].reason);
    is(info, "detail", "reported suspicious activity");
    said_fini(&s);
}

static void clearing_lifts_all_and_asks_for_nobody(void **state) {
    (void)state;
    change(lock_and_pause);
    ask_for(&f, 204, "DELETE", "sys/mfa/guard/Eve@Example.COM", "root", NULL);
    struct said s = ask(&f, "GET", "sys/mfa/guard/eve@example.com", "root", NULL);
    const struct json *cleared = subject(&s, "user", "acme.okta.com");
    is(cleared, "push.rule", "busy");
    assert_true(has_time(cleared, "cleared"));
    assert_true(str_eqz(json_number(json_get(cleared, "pushes")), "0"));
    is(subject(&s, "user", "other.okta.com"), "push.rule", "clear");
    said_fini(&s);
    s = ask(&f, "DELETE", "sys/mfa/guard/nobody", "root", NULL);
    assert_int_equal(s.status, 200);
    assert_true(str_eqz(json_str(json_at(json_get(s.json, "warnings"), 0)),
                        "the guard knows nobody of that name"));
    said_fini(&s);
    ask_for(&f, 404, "GET", "sys/mfa/guard/nobody", "root", NULL);
}

static void names_may_hold_anything(void **state) {
    (void)state;
    ask_for(&f, 404, "GET", "sys/mfa/guard/a+b c/d@x", "root", NULL);
    ask_for(&f, 200, "DELETE", "sys/mfa/guard/a+b c/d@x", "root", NULL);
    ask_for(&f, 403, "GET", "sys/mfa/guard/eve", "no-token", NULL);
    ask_for(&f, 405, "PUT", "sys/mfa/guard/eve", "root", "{}");
}

// ---- challenges

static void put(struct draft *d, const char *id, int64_t began_ms) {
    const struct attempt a = {.id = str_from(id),
                              .method = STR("my_okta"),
                              .method_id = STR("m-1"),
                              .org = STR("acme.okta.com"),
                              .user_id = STR("00u1"),
                              .login = STR("eve@example.com"),
                              .entity_id = STR("e-1"),
                              .entity_name = STR("eve"),
                              .factor_id = STR("opf1"),
                              .factor_name = STR("Eve's phone"),
                              .factor_provider = STR("OKTA"),
                              .transaction = STR("mst1"),
                              .request_id = STR("r-1"),
                              .path = STR("secret/a"),
                              .operation = STR("read"),
                              .remote_address = STR("10.0.0.1"),
                              .user_agent = STR("bao"),
                              .began_ms = began_ms,
                              .sent_ms = began_ms + 1,
                              .decided_ms = began_ms + 2,
                              .number = true,
                              .outcome = TRAIL_DENIED,
                              .reason = REASON_REJECTED};
    assert_int_equal(attempt_put(d, &a), 0);
}

static void two_challenges(struct draft *d) {
    put(d, "c-old", 1700000000000);
    put(d, "c-new", 1700000001000);
    const struct signal s = {.uuid = STR("u-1"),
                             .transaction_id = STR("t-1"),
                             .event_type = STR("system.push.send_factor_verify_push"),
                             .published_ms = 1700000000000,
                             .requester = STR("00T1")};
    assert_int_equal(trail_join(d, STR("c-old"), &s), 0);
}

static void a_challenge_is_shown_with_what_okta_logged(void **state) {
    (void)state;
    static const char *const wanted[][2] = {
        {"id", "c-old"},
        {"method", "my_okta"},
        {"method_id", "m-1"},
        {"org", "acme.okta.com"},
        {"user_id", "00u1"},
        {"login", "eve@example.com"},
        {"entity_id", "e-1"},
        {"entity_name", "eve"},
        {"factor_id", "opf1"},
        {"factor_name", "Eve's phone"},
        {"factor_provider", "OKTA"},
        {"transaction", "mst1"},
        {"request_id", "r-1"},
        {"path", "secret/a"},
        {"operation", "read"},
        {"remote_address", "10.0.0.1"},
        {"user_agent", "bao"},
        {"requester", "00T1"},
        {"rule", ""},
        {"kind", "push"},
        {"outcome", "denied"},
        {"reason", "rejected"},
        {"began", "2023-11-14T22:13:20.000Z"},
        {"sent", "2023-11-14T22:13:20.001Z"},
        {"decided", "2023-11-14T22:13:20.002Z"},
    };
    change(two_challenges);
    struct said s = ask(&f, "GET", "sys/mfa/challenge/c-old", "root", NULL);
    assert_int_equal(s.status, 200);
    const struct json *data = json_get(s.json, "data");
    for (size_t i = 0; i < LEN(wanted); i++) is(data, wanted[i][0], wanted[i][1]);
    assert_true(json_bool(json_get(data, "number_matching")));
    const struct json *entry = json_at(json_get(data, "okta_events"), 0);
    is(entry, "uuid", "u-1");
    is(entry, "transaction_id", "t-1");
    is(entry, "type", "system.push.send_factor_verify_push");
    is(entry, "published", "2023-11-14T22:13:20.000Z");
    assert_int_equal(json_count(json_get(data, "okta_events")), 1);
    said_fini(&s);
    ask_for(&f, 404, "GET", "sys/mfa/challenge/c-none", "root", NULL);
}

static void the_newest_come_first(void **state) {
    (void)state;
    ask_for(&f, 404, "LIST", "sys/mfa/challenge", "root", NULL);
    change(two_challenges);
    struct said s = ask(&f, "LIST", "sys/mfa/challenge", "root", NULL);
    assert_int_equal(s.status, 200);
    const struct json *keys = said_data(&s, "keys");
    assert_int_equal(json_count(keys), 2);
    assert_true(str_eqz(json_str(json_at(keys, 0)), "c-new"));
    assert_true(str_eqz(json_str(json_at(keys, 1)), "c-old"));
    is(json_get(said_data(&s, "key_info"), "c-new"), "reason", "rejected");
    is(json_get(said_data(&s, "key_info"), "c-new"), "login", "eve@example.com");
    const struct json *old = json_get(said_data(&s, "key_info"), "c-old");
    is(old, "id", "c-old");
    is(json_at(json_get(old, "okta_events"), 0), "uuid", "u-1");
    assert_int_equal(json_count(json_get(s.json, "warnings")), 0);
    said_fini(&s);
}

static void many_challenges(struct draft *d) {
    char id[32];
    for (int i = 0; i < 1003; i++) {
        snprintf(id, sizeof id, "c-%04d", i);
        put(d, id, 1700000000000 + i);
    }
}

static void a_long_list_says_how_many_are_left_out(void **state) {
    (void)state;
    change(many_challenges);
    struct said s = ask(&f, "LIST", "sys/mfa/challenge", "root", NULL);
    const struct json *keys = said_data(&s, "keys");
    assert_int_equal(json_count(keys), 1000);
    assert_true(str_eqz(json_str(json_at(keys, 0)), "c-1002"));
    assert_true(str_eqz(json_str(json_at(keys, 999)), "c-0003"));
    assert_true(str_eqz(json_str(json_at(json_get(s.json, "warnings"), 0)),
                        "3 older challenges are not listed"));
    said_fini(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        row(a_read_tells_everything_of_that_name),       row(a_list_says_which_rule_speaks),
        row(clearing_lifts_all_and_asks_for_nobody),     row(names_may_hold_anything),
        row(a_challenge_is_shown_with_what_okta_logged), row(the_newest_come_first),
        row(a_long_list_says_how_many_are_left_out),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("guard_paths", tests, NULL, NULL);
}
