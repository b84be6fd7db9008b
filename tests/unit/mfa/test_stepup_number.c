// SPDX-License-Identifier: Apache-2.0
// Number matching in two phases: the number is told, the challenge goes on by itself, and the very
// same request gets the decision, once.
#include "stepup-fixture.h"

static void show(struct fixture *f, struct waiter **ret) {
    f->okta.number = 42;
    *ret = ask_with(f, "number");
    run_until(f, all_answered);
    assert_denied(*ret, REASON_NUMBER);
}

static struct waiter *come_again(struct fixture *f, const struct waiter *first) {
    return ask_with(f, first->challenges);
}

static bool is_decided(struct fixture *f) {
    return f->stepup->first_run && f->stepup->first_run->noted && !f->stepup->first_run->changing;
}
static bool has_joined(struct fixture *f) { return f->stepup->first_run->first_waiter != NULL; }

static void the_number_is_told_at_once(void **state) {
    struct fixture *f = *state;
    struct waiter *w = NULL;
    show(f, &w);
    char wanted[512];
    snprintf(wanted, sizeof wanted,
             "tap 42 on your phone, then repeat the request with X-Vault-MFA: okta:%s",
             w->challenges);
    assert_string_equal(w->message, wanted);
    assert_int_equal(strlen(w->challenges), RUN_ID_BYTES);
    assert_non_null(strstr(f->okta.verify_body, "useNumberMatchingChallenge"));
}

static void who_comes_again_waits_for_the_decision(void **state) {
    struct fixture *f = *state;
    struct waiter *w = NULL;
    show(f, &w);
    struct waiter *again = come_again(f, w);
    run_until(f, has_joined);
    f->okta.result = "SUCCESS";
    run_until(f, all_answered);
    assert_allowed(again);
    assert_string_equal(again->challenges, w->challenges);
    assert_int_equal(f->okta.asked[FAKE_VERIFY], 1);
    AUTO(state) struct state *s = state_now(f);
    assert_int_equal(attempt_of(s, w)->outcome, TRAIL_ALLOWED);
    assert_true(attempt_of(s, w)->number);
}

static void what_was_decided_meanwhile_is_told_once(void **state) {
    struct fixture *f = *state;
    struct waiter *w = NULL;
    show(f, &w);
    f->okta.result = "SUCCESS";
    run_until(f, is_decided);
    AUTO(state) struct state *before = state_now(f);
    assert_int_equal(attempt_of(before, w)->outcome, TRAIL_OPEN); // a restart interrupts it
    assert_int_equal(guarded_of(before, "alice@acme.test")->out_until_ms, 0);
    struct waiter *again = come_again(f, w);
    run_until(f, all_answered);
    assert_allowed(again);
    struct waiter *third = come_again(f, w);
    run_until(f, all_answered);
    assert_denied(third, REASON_EXPIRED);
    AUTO(state) struct state *after = state_now(f);
    assert_int_equal(attempt_of(after, w)->outcome, TRAIL_ALLOWED);
}

static void a_denial_is_told_to_who_comes_again(void **state) {
    struct fixture *f = *state;
    struct waiter *w = NULL;
    show(f, &w);
    f->okta.result = "REJECTED";
    run_until(f, is_decided);
    struct waiter *again = come_again(f, w);
    run_until(f, all_answered);
    assert_denied(again, REASON_REJECTED);
}

static void an_approval_that_nobody_comes_for_lapses(void **state) {
    struct fixture *f = *state;
    struct waiter *w = NULL;
    show(f, &w);
    f->okta.result = "SUCCESS";
    run_until(f, is_decided);
    f->stepup->first_run->end_mono_ms = time_mono_ms();
    run_settle(f->stepup->first_run);
    run_until(f, nothing_runs);
    AUTO(state) struct state *s = state_now(f);
    assert_int_equal(attempt_of(s, w)->outcome, TRAIL_DENIED);
    assert_int_equal(attempt_of(s, w)->reason, REASON_TIMED_OUT);
    assert_int_equal(fake_documents(&f->world, w->challenges, "timed_out", NULL), 1);
    assert_int_equal(fake_documents(&f->world, w->challenges, "success", NULL), 0);
    struct waiter *again = come_again(f, w);
    run_until(f, all_answered);
    assert_denied(again, REASON_EXPIRED);
}

static void nobody_else_gets_the_decision(void **state) {
    struct fixture *f = *state;
    struct waiter *w = NULL;
    set_method(f, "second", "");
    show(f, &w);
    const struct asking others[] = {
        {.credentials = {"okta", w->challenges}, .token = "token-hasi"},
        {.credentials = {"okta", w->challenges}, .fingerprint = "another"},
        {.methods = {"second"}, .credentials = {"second", w->challenges}},
    };
    f->okta.result = "SUCCESS";
    for (size_t i = 0; i < LEN(others); i++) {
        struct waiter *other = ask_as(f, &others[i]);
        run_until(f, all_answered);
        assert_denied(other, REASON_OTHER_REQUEST);
    }
    struct waiter *again = come_again(f, w);
    run_until(f, all_answered);
    assert_allowed(again);
}

static void a_challenge_without_a_number_is_nobodys_to_join(void **state) {
    struct fixture *f = *state;
    struct waiter *first = ask(f);
    run_until(f, has_polled);
    struct waiter *other = ask_with(f, f->stepup->first_run->id);
    while (!other->answers) run_until(f, has_polled);
    assert_denied(other, REASON_OTHER_REQUEST);
    f->okta.result = "SUCCESS";
    run_until(f, all_answered);
    assert_allowed(first);
}

static void a_number_that_okta_forces_is_told(void **state) {
    struct fixture *f = *state;
    f->okta.number = 7;
    f->okta.forced = true;
    struct waiter *w = ask(f);
    run_until(f, all_answered);
    assert_denied(w, REASON_NUMBER);
    assert_non_null(strstr(w->message, "tap 7 on"));
    assert_null(strstr(f->okta.verify_body, "useNumberMatchingChallenge"));
}

static void a_number_that_comes_with_a_poll_is_told(void **state) {
    struct fixture *f = *state;
    f->okta.number = 55;
    f->okta.late_number = true;
    struct waiter *w = ask_with(f, "number");
    run_until(f, all_answered);
    assert_denied(w, REASON_NUMBER);
}

static void a_method_can_demand_numbers(void **state) {
    struct fixture *f = *state;
    set_method(f, "okta", ",\"number_matching\":true");
    f->okta.number = 10;
    struct waiter *w = ask(f);
    run_until(f, all_answered);
    assert_denied(w, REASON_NUMBER);
}

static void without_a_number_it_goes_on_as_a_push(void **state) {
    struct fixture *f = *state;
    f->okta.result = "SUCCESS";
    struct waiter *w = ask_with(f, "number");
    run_until(f, all_answered);
    assert_allowed(w);
}

static void giving_up_does_not_end_it(void **state) {
    struct fixture *f = *state;
    struct waiter *w = NULL;
    show(f, &w);
    struct waiter *again = come_again(f, w);
    run_until(f, has_joined);
    stepup_give_up(f->stepup, again->ticket);
    run_until(f, all_answered);
    assert_denied(again, REASON_CANCELED);
    struct waiter *third = come_again(f, w);
    run_until(f, has_joined);
    f->okta.result = "SUCCESS";
    run_until(f, all_answered);
    assert_allowed(third);
    assert_int_equal(f->okta.asked[FAKE_CANCEL], 0);
}

static void methods_that_were_passed_before_the_number_count(void **state) {
    struct fixture *f = *state;
    set_method(f, "second", "");
    f->okta.number = 42;
    const struct asking first = {.methods = {"okta", "second"},
                                 .credentials = {"okta", "number", "second", "123456"}};
    struct waiter *w = ask_as(f, &first);
    run_until(f, all_answered);
    assert_denied(w, REASON_NUMBER);
    f->okta.result = "SUCCESS";
    const struct asking second = {.methods = {"okta", "second"},
                                  .credentials = {"okta", w->challenges, "second", "123456"}};
    struct waiter *again = ask_as(f, &second);
    run_until(f, all_answered);
    assert_allowed(again);
    assert_int_equal(f->okta.asked[FAKE_VERIFY], 2); // the code was tried once
}

static void two_methods_of_one_person_take_one_number(void **state) {
    struct fixture *f = *state;
    set_method(f, "second", "");
    f->okta.number = 42;
    const struct asking first = {.methods = {"okta", "second"}, .credentials = {"okta", "number"}};
    struct waiter *w = ask_as(f, &first);
    run_until(f, all_answered);
    assert_denied(w, REASON_NUMBER);
    f->okta.result = "SUCCESS";
    const struct asking second = {.methods = {"okta", "second"},
                                  .credentials = {"okta", w->challenges}};
    struct waiter *again = ask_as(f, &second);
    run_until(f, all_answered);
    assert_allowed(again);
    assert_int_equal(f->okta.asked[FAKE_VERIFY], 1);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_number_is_told_at_once),
        T(who_comes_again_waits_for_the_decision),
        T(what_was_decided_meanwhile_is_told_once),
        T(a_denial_is_told_to_who_comes_again),
        T(an_approval_that_nobody_comes_for_lapses),
        T(nobody_else_gets_the_decision),
        T(a_challenge_without_a_number_is_nobodys_to_join),
        T(a_number_that_okta_forces_is_told),
        T(a_number_that_comes_with_a_poll_is_told),
        T(a_method_can_demand_numbers),
        T(without_a_number_it_goes_on_as_a_push),
        T(giving_up_does_not_end_it),
        T(methods_that_were_passed_before_the_number_count),
        T(two_methods_of_one_person_take_one_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
