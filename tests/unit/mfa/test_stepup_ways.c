// SPDX-License-Identifier: Apache-2.0
// More than one: methods of a request, requests of one person, requests that come again with a
// number; and passes that are remembered.
#include "stepup-fixture.h"

static bool is_waiting(struct fixture *f) {
    const struct run *r = f->stepup->first_run;
    return r && r->machine.state == CHALLENGE_WAITING;
}

// ---- several methods

static void two_methods_that_lead_to_one_person_push_once(void **state) {
    struct fixture *f = *state;
    set_method(f, "second", "");
    f->okta.result = "SUCCESS";
    struct waiter *w = ask_as(f, &(struct asking){.methods = {"okta", "second", "okta"}});
    run_until(f, all_answered);
    assert_allowed(w);
    assert_int_equal(f->okta.asked[FAKE_VERIFY], 1);
}

static void a_code_is_tried_before_a_push_is_sent(void **state) {
    struct fixture *f = *state;
    set_method(f, "second", "");
    f->okta.instead[FAKE_VERIFY] = (struct fake_reply){403, "{\"errorCode\":\"E0000068\"}", -1};
    struct waiter *w = ask_as(
        f, &(struct asking){.methods = {"okta", "second"}, .credentials = {"second", "123456"}});
    run_until(f, all_answered);
    assert_denied(w, REASON_WRONG_CODE);
    assert_int_equal(f->okta.asked[FAKE_VERIFY], 1);
    assert_non_null(strstr(f->okta.verify_body, "passCode"));
}

static void a_code_does_not_stand_for_a_push(void **state) {
    struct fixture *f = *state;
    set_method(f, "second", "");
    f->okta.result = "SUCCESS";
    struct waiter *w = ask_as(
        f, &(struct asking){.methods = {"okta", "second"}, .credentials = {"second", "123456"}});
    run_until(f, all_answered);
    assert_allowed(w);
    assert_int_equal(f->okta.asked[FAKE_VERIFY], 2);
    assert_int_equal(w->challenge_count, 2);
}

// ---- several requests

static void another_request_for_the_same_person_is_refused_at_once(void **state) {
    struct fixture *f = *state;
    struct waiter *first = ask(f);
    run_until(f, is_waiting);
    struct waiter *second = ask(f);
    while (!second->answers) run_until(f, has_polled);
    assert_refused(second, "busy");
    assert_int_equal(first->answers, 0);
    f->okta.result = "SUCCESS";
    run_until(f, all_answered);
    assert_allowed(first);
    assert_int_equal(f->okta.asked[FAKE_VERIFY], 1);
}

static void requests_of_one_token_share_a_push_where_the_method_says_so(void **state) {
    struct fixture *f = *state;
    set_method(f, "okta", ",\"share_challenge\":true");
    struct waiter *a = ask(f), *b = ask(f);
    struct waiter *other = ask_as(f, &(struct asking){.token = "another-token"});
    run_until(f, is_waiting);
    struct waiter *late = ask(f);
    f->okta.result = "SUCCESS";
    run_until(f, all_answered);
    assert_allowed(a);
    assert_allowed(b);
    assert_allowed(late);
    assert_refused(other, "busy");
    assert_string_equal(a->challenges, late->challenges);
    assert_int_equal(f->okta.asked[FAKE_VERIFY], 1);
}

static bool first_gave_up(struct fixture *f) { return f->waiters[0].answers > 0; }

static void who_shares_a_push_goes_without_taking_it_along(void **state) {
    struct fixture *f = *state;
    set_method(f, "okta", ",\"share_challenge\":true");
    struct waiter *a = ask(f), *b = ask(f);
    run_until(f, is_waiting);
    stepup_give_up(f->stepup, a->ticket);
    run_until(f, first_gave_up);
    assert_denied(a, REASON_CANCELED);
    f->okta.result = "SUCCESS";
    run_until(f, all_answered);
    assert_allowed(b);
    assert_int_equal(f->okta.asked[FAKE_CANCEL], 0);
}

static void many_requests_at_once_push_once(void **state) {
    struct fixture *f = *state;
    enum { MANY = 1000 };
    for (int i = 0; i < MANY; i++) ask(f);
    run_until(f, is_waiting);
    f->okta.result = "SUCCESS";
    run_until(f, all_answered);
    int allowed = 0;
    for (int i = 0; i < MANY; i++) allowed += f->waiters[i].allowed;
    assert_int_equal(allowed, 1);
    assert_int_equal(f->okta.asked[FAKE_VERIFY], 1);
    assert_int_equal(f->okta.asked[FAKE_FIND], 1);
}

static void no_more_wait_than_the_setting_says(void **state) {
    struct fixture *f = *state;
    char id[64];
    f->stepup->settings.max_waiting = 1;
    fake_edit(&f->world, add_person, &(struct person){"bob@acme.test", id});
    struct waiter *alice = ask(f);
    run_until(f, is_waiting);
    struct waiter *bob = ask_as(f, &(struct asking){.entity_id = id});
    while (!bob->answers) run_until(f, has_polled);
    assert_refused(bob, "brake");
    f->okta.result = "SUCCESS";
    run_until(f, all_answered);
    assert_allowed(alice);
}

enum { PEOPLE = 300 };

static bool all_wait(struct fixture *f) {
    int waiting = 0;
    for (const struct run *r = f->stepup->first_run; r; r = r->next)
        waiting += r->machine.state == CHALLENGE_WAITING;
    return waiting == PEOPLE;
}

static void hundreds_wait_at_once_and_all_are_polled(void **state) {
    struct fixture *f = *state;
    for (int i = 0; i < PEOPLE; i++) {
        char alias[64], id[64];
        snprintf(alias, sizeof alias, "p%d@acme.test", i);
        fake_edit(&f->world, add_person, &(struct person){alias, id});
        ask_as(f, &(struct asking){.entity_id = id});
    }
    f->stepup->settings.poll_interval_ms = 1500;
    run_until(f, all_wait);
    f->okta.result = "SUCCESS";
    run_until(f, all_answered);
    for (int i = 0; i < PEOPLE; i++) assert_allowed(&f->waiters[i]);
    assert_int_equal(f->okta.asked[FAKE_VERIFY], PEOPLE);
}

// ---- passes

static bool remembers_from(struct fixture *f, const char *token, const char *address) {
    AUTO_FINI(buf) struct buf methods = buf_make(256);
    AUTO(state) struct state *s = state_now(f);
    list_add(&methods, STR("okta"));
    return stepup_remembers(f->stepup, s, list_of(&methods), str_from(token), str_from(address),
                            time_now_ms());
}

static bool remembers(struct fixture *f) { return remembers_from(f, "token-hash", "192.0.2.7"); }

static void a_pass_is_remembered_for_token_method_and_address(void **state) {
    struct fixture *f = *state;
    set_method(f, "okta", ",\"remember_s\":600");
    f->okta.result = "SUCCESS";
    assert_false(remembers(f));
    ask(f);
    run_until(f, all_answered);
    assert_true(remembers(f));
    assert_false(remembers_from(f, "another-token", "192.0.2.7"));
    assert_false(remembers_from(f, "token-hash", "192.0.2.8"));
    set_method(f, "okta", ",\"remember_s\":0");
    assert_false(remembers(f));
    set_method(f, "okta", ",\"remember_s\":600,\"id\":\"id-another\"");
    assert_false(remembers(f));
}

static void without_the_setting_no_pass_is_remembered(void **state) {
    struct fixture *f = *state;
    f->okta.result = "SUCCESS";
    ask(f);
    run_until(f, all_answered);
    set_method(f, "okta", ",\"remember_s\":600");
    assert_false(remembers(f));
}

static void what_is_remembered_is_not_asked_again_with_another_method(void **state) {
    struct fixture *f = *state;
    set_method(f, "okta", ",\"remember_s\":600");
    set_method(f, "second", ",\"share_challenge\":true");
    f->okta.result = "SUCCESS";
    ask(f);
    run_until(f, all_answered);
    struct waiter *w = ask_as(f, &(struct asking){.methods = {"okta", "second"}});
    run_until(f, all_answered);
    assert_allowed(w);
    assert_int_equal(w->challenge_count, 1);
}

static void passes_expire_and_are_bounded(void **state) {
    (void)state;
    AUTO(remember) struct remember *r = NULL;
    assert_int_equal(remember_new(&r), 0);
    char token[32];
    struct remember_key key = {STR_NONE, STR("m"), STR("a")};
    for (int i = 0; i < REMEMBER_MAX + 10; i++) {
        int n = snprintf(token, sizeof token, "%d", i);
        key.token_hash = (struct str){token, (size_t)n};
        remember_add(r, &key, 7, 60, 1000000);
    }
    assert_true(remember_has(r, &key, 60, 1000000 + 59999));
    assert_false(remember_has(r, &key, 60, 1000000 + 60000));
    assert_false(remember_has(r, &key, 10, 1000000 + 10000));
    assert_false(remember_has(r, &key, 60, 1000000 - TIME_HOUR_MS)); // the clock was set back
    key.token_hash = STR("0");
    assert_false(remember_has(r, &key, 60, 1000001));
    key.token_hash = STR("10");
    assert_true(remember_has(r, &key, 60, 1000001));
    remember_forget(r, 7);
    assert_false(remember_has(r, &key, 60, 1000001));
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(two_methods_that_lead_to_one_person_push_once),
        T(a_code_is_tried_before_a_push_is_sent),
        T(a_code_does_not_stand_for_a_push),
        T(another_request_for_the_same_person_is_refused_at_once),
        T(requests_of_one_token_share_a_push_where_the_method_says_so),
        T(who_shares_a_push_goes_without_taking_it_along),
        T(many_requests_at_once_push_once),
        T(no_more_wait_than_the_setting_says),
        T(hundreds_wait_at_once_and_all_are_polled),
        T(a_pass_is_remembered_for_token_method_and_address),
        T(without_the_setting_no_pass_is_remembered),
        T(what_is_remembered_is_not_asked_again_with_another_method),
        cmocka_unit_test(passes_expire_and_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
