// SPDX-License-Identifier: Apache-2.0
// How challenges end that are not decided by the person: time, callers that go, a gate that stops,
// is sealed or cannot keep what it has to keep, sources that change.
#include "okta/org.h"
#include "stepup-fixture.h"

static bool is_waiting(struct fixture *f) {
    const struct run *r = f->stepup->first_run;
    return r && r->machine.state == CHALLENGE_WAITING;
}

static int64_t out_until(struct fixture *f) {
    AUTO(state) struct state *s = state_now(f);
    const struct guarded *g = guarded_of(s, "alice@acme.test");
    assert_non_null(g);
    return g->out_until_ms;
}

// ---- time

// The push is out, and the time of the demand that waits for it is up.
static struct waiter *ask_in_vain(struct fixture *f) {
    struct waiter *w = ask(f);
    run_until(f, is_waiting);
    f->stepup->settings.wait_ms = 1;
    demand_look_deadlines(f->stepup);
    f->stepup->settings.wait_ms = WAIT_MS;
    return w;
}

static void when_the_time_is_up_the_push_is_taken_back(void **state) {
    struct fixture *f = *state;
    struct waiter *w = ask_in_vain(f);
    run_until(f, all_answered);
    assert_denied(w, REASON_TIMED_OUT);
    assert_int_equal(f->okta.asked[FAKE_CANCEL], 1);
    assert_int_equal(out_until(f), 0); // already: who asks again at once finds the way free
    f->okta.result = "SUCCESS";
    struct waiter *again = ask(f);
    run_until(f, all_answered);
    assert_allowed(again);
}

static void a_push_that_cannot_be_taken_back_stays_out(void **state) {
    struct fixture *f = *state;
    f->okta.instead[FAKE_CANCEL] = (struct fake_reply){500, "", -1};
    struct waiter *w = ask_in_vain(f);
    run_until(f, all_answered);
    assert_denied(w, REASON_TIMED_OUT);
    run_until(f, nothing_runs);
    assert_true(out_until(f) > time_now_ms());
    struct waiter *again = ask(f);
    run_until(f, all_answered);
    assert_refused(again, "busy");
}

static void what_okta_says_of_the_transaction_counts_as_taken_back(void **state) {
    struct fixture *f = *state;
    f->okta.instead[FAKE_CANCEL] = (struct fake_reply){404, "{\"errorCode\":\"E0000007\"}", -1};
    ask_in_vain(f);
    run_until(f, all_answered);
    run_until(f, nothing_runs);
    assert_int_equal(out_until(f), 0);
}

static bool time_is_up(struct fixture *f) {
    const struct run *r = f->stepup->first_run;
    return r && run_is_over(r) && r->noted && !r->changing && has_cancelled(f);
}

static void whose_time_is_up_is_answered_when_the_way_is_free(void **state) {
    struct fixture *f = *state;
    f->okta.hold[FAKE_CANCEL] = true;
    struct waiter *w = ask_in_vain(f);
    run_until(f, time_is_up);
    assert_int_equal(w->answers, 0);
    assert_true(out_until(f) > 0);
    fake_release(&f->okta, FAKE_CANCEL);
    run_until(f, all_answered);
    assert_denied(w, REASON_TIMED_OUT);
    assert_int_equal(out_until(f), 0);
}

static void but_he_does_not_wait_for_long(void **state) {
    struct fixture *f = *state;
    f->okta.hold[FAKE_CANCEL] = true;
    struct waiter *w = ask_in_vain(f);
    run_until(f, all_answered);
    assert_denied(w, REASON_TIMED_OUT);
    assert_true(out_until(f) > 0);
}

static void a_transaction_that_expires_ends_the_wait(void **state) {
    struct fixture *f = *state;
    f->stepup->settings.wait_ms = 10 * LIMIT_MS;
    f->okta.life_ms = 400;
    struct waiter *w = ask(f);
    run_until(f, all_answered);
    assert_denied(w, REASON_TIMED_OUT);
    assert_int_equal(f->okta.asked[FAKE_VERIFY], 1);
}

static void no_poll_goes_before_its_interval(void **state) {
    struct fixture *f = *state;
    f->stepup->settings.wait_ms = 300;
    f->stepup->settings.poll_interval_ms = LIMIT_MS;
    f->okta.result = "SUCCESS";
    struct waiter *w = ask(f);
    run_until(f, all_answered);
    assert_denied(w, REASON_TIMED_OUT);
    assert_int_equal(f->okta.asked[FAKE_POLL], 0);
}

static void what_okta_puts_off_too_long_is_not_waited_for(void **state) {
    struct fixture *f = *state;
    f->stepup->settings.wait_ms = 950; // less than until the second try
    f->okta.instead[FAKE_FIND] = (struct fake_reply){503, "", -1};
    struct waiter *w = ask(f);
    run_until(f, all_answered);
    assert_denied(w, REASON_OKTA);
    assert_int_equal(f->okta.asked[FAKE_FIND], 1);
}

// ---- callers that go

static void who_gives_up_is_answered_and_the_push_taken_back(void **state) {
    struct fixture *f = *state;
    struct waiter *w = ask(f);
    run_until(f, is_waiting);
    f->okta.hold[FAKE_CANCEL] = true;
    stepup_give_up(f->stepup, w->ticket);
    stepup_give_up(f->stepup, w->ticket);
    run_until(f, all_answered); // without waiting for Okta
    assert_denied(w, REASON_CANCELED);
    run_until(f, has_cancelled);
    assert_true(out_until(f) > 0);
    fake_release(&f->okta, FAKE_CANCEL);
    run_until(f, nothing_runs);
    assert_int_equal(out_until(f), 0);
    stepup_give_up(f->stepup, w->ticket); // nothing
    stepup_give_up(f->stepup, 4711);
}

static void a_verify_that_is_answered_late_is_taken_back(void **state) {
    struct fixture *f = *state;
    f->okta.hold[FAKE_VERIFY] = true;
    struct waiter *w = ask(f);
    run_until(f, has_verified);
    stepup_give_up(f->stepup, w->ticket);
    run_until(f, all_answered);
    assert_denied(w, REASON_CANCELED);
    assert_true(out_until(f) > 0);
    fake_release(&f->okta, FAKE_VERIFY);
    run_until(f, has_cancelled);
    run_until(f, nothing_runs);
    assert_int_equal(out_until(f), 0);
    assert_int_equal(f->okta.asked[FAKE_POLL], 0);
}

static void a_late_approval_is_none(void **state) {
    struct fixture *f = *state;
    f->okta.hold[FAKE_POLL] = true;
    struct waiter *w = ask(f);
    run_until(f, has_polled);
    stepup_give_up(f->stepup, w->ticket);
    run_until(f, all_answered);
    f->okta.result = "SUCCESS";
    fake_release(&f->okta, FAKE_POLL);
    run_until(f, nothing_runs);
    assert_denied(w, REASON_CANCELED);
    assert_int_equal(fake_documents(&f->world, "success", NULL, NULL), 0);
}

static void giving_up_at_any_moment_ends_it(void **state) {
    struct fixture *f = *state;
    static const enum okta_kind kinds[] = {FAKE_FIND, FAKE_LIST};
    for (size_t i = 0; i < LEN(kinds); i++) {
        f->okta.hold[kinds[i]] = true;
        struct waiter *w = ask(f);
        int before = f->okta.asked[kinds[i]];
        while (f->okta.asked[kinds[i]] == before) run_until(f, nothing_changes);
        stepup_give_up(f->stepup, w->ticket);
        run_until(f, all_answered);
        assert_denied(w, REASON_CANCELED);
        fake_release(&f->okta, kinds[i]);
    }
    assert_int_equal(f->okta.asked[FAKE_VERIFY], 0);
}

static bool is_admitting(struct fixture *f) {
    const struct run *r = f->stepup->first_run;
    return r && r->machine.state == CHALLENGE_ADMITTING;
}

static void who_goes_while_the_guard_is_asked_leaves_no_trace_of_a_push(void **state) {
    struct fixture *f = *state;
    run_until(f, nothing_changes);
    fake_hold_changes(&f->world, true);
    struct waiter *w = ask(f);
    f->stepup->past = PAST_SETTLED;
    run_until(f, is_admitting);
    stepup_give_up(f->stepup, w->ticket);
    fake_hold_changes(&f->world, false);
    run_until(f, all_answered);
    run_until(f, nothing_runs);
    assert_denied(w, REASON_CANCELED);
    assert_int_equal(f->okta.asked[FAKE_VERIFY], 0);
    assert_int_equal(out_until(f), 0);
}

// ---- what cannot be kept

static void without_a_durable_note_nothing_leaves(void **state) {
    struct fixture *f = *state;
    run_until(f, nothing_changes);
    fake_fail_changes(&f->world, -EIO, 0);
    struct waiter *failed = ask(f);
    run_until(f, all_answered);
    fake_fail_changes(&f->world, 0, 0);
    fake_refuse_changes(&f->world, -EAGAIN);
    struct waiter *refused = ask(f);
    run_until(f, all_answered);
    assert_denied(failed, REASON_STATE);
    assert_denied(refused, REASON_STATE);
    assert_int_equal(f->okta.asked[FAKE_VERIFY], 0);
}

static void an_approval_that_cannot_be_kept_is_none(void **state) {
    struct fixture *f = *state;
    run_until(f, nothing_changes);
    f->okta.result = "SUCCESS";
    fake_fail_changes(&f->world, -EIO, 1); // the admission is kept
    struct waiter *w = ask(f);
    run_until(f, all_answered);
    assert_denied(w, REASON_STATE);
    fake_fail_changes(&f->world, 0, 0);
    assert_int_equal(fake_documents(&f->world, "success", NULL, NULL), 0);
}

static void an_approval_that_cannot_be_audited_is_none(void **state) {
    struct fixture *f = *state;
    f->okta.result = "SUCCESS";
    fake_deafen(&f->world, true);
    struct waiter *w = ask(f);
    run_until(f, all_answered);
    assert_denied(w, REASON_STATE);
}

static void sealing_ends_what_waits(void **state) {
    struct fixture *f = *state;
    struct waiter *w = ask(f);
    run_until(f, is_waiting);
    fake_seal(&f->world, true);
    run_until(f, all_answered);
    assert_denied(w, REASON_STOPPED);
    run_until(f, nothing_runs);
    assert_int_equal(f->okta.asked[FAKE_CANCEL], 1);
    struct waiter *sealed = ask(f);
    run_until(f, all_answered);
    assert_false(sealed->allowed);
    fake_seal(&f->world, false);
}

static int add_open(struct draft *d, const void *id) {
    const struct attempt a = {.id = str_from(id),
                              .method = STR("okta"),
                              .org = STR("127.0.0.1"),
                              .login = STR("alice@acme.test"),
                              .began_ms = time_now_ms(),
                              .sent_ms = time_now_ms()};
    return attempt_put(d, &a);
}

static void what_was_open_before_the_start_is_interrupted_once(void **state) {
    struct fixture *f = *state;
    run_until(f, nothing_changes);
    fake_edit(&f->world, add_open, "c-0123456789abcdef");
    f->stepup->past = PAST_UNKNOWN;
    f->okta.result = "SUCCESS";
    struct waiter *w = ask(f);
    run_until(f, all_answered);
    assert_allowed(w);
    AUTO(state) struct state *s = state_now(f);
    assert_int_equal(attempt_by_id(s, STR("c-0123456789abcdef"))->outcome, TRAIL_INTERRUPTED);
    assert_int_equal(attempt_of(s, w)->outcome, TRAIL_ALLOWED);
    assert_int_equal(fake_documents(&f->world, "c-0123456789abcdef", "interrupted", NULL), 1);
}

// ---- stopping

static void stopping_denies_what_waits_and_takes_pushes_back(void **state) {
    struct fixture *f = *state;
    struct waiter *w = ask(f);
    run_until(f, is_waiting);
    stepup_stop(f->stepup, on_stopped, f);
    struct waiter *late = ask(f);
    assert_int_equal(late->ticket, 0);
    run_until(f, is_stopped);
    assert_denied(w, REASON_STOPPED);
    assert_int_equal(f->okta.asked[FAKE_CANCEL], 1);
    assert_int_equal(out_until(f), 0);
}

static void stopping_does_not_wait_for_an_okta_that_says_nothing(void **state) {
    struct fixture *f = *state;
    f->okta.hold[FAKE_CANCEL] = true;
    struct waiter *w = ask(f);
    run_until(f, is_waiting);
    stepup_stop(f->stepup, on_stopped, f);
    run_until(f, is_stopped);
    assert_denied(w, REASON_STOPPED);
}

static void stopping_denies_demands_that_have_just_come(void **state) {
    struct fixture *f = *state;
    struct waiter *w = ask(f);
    stepup_stop(f->stepup, on_stopped, f);
    run_until(f, is_stopped);
    assert_denied(w, REASON_STOPPED);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(when_the_time_is_up_the_push_is_taken_back),
        T(a_push_that_cannot_be_taken_back_stays_out),
        T(what_okta_says_of_the_transaction_counts_as_taken_back),
        T(whose_time_is_up_is_answered_when_the_way_is_free),
        T(but_he_does_not_wait_for_long),
        T(a_transaction_that_expires_ends_the_wait),
        T(no_poll_goes_before_its_interval),
        T(what_okta_puts_off_too_long_is_not_waited_for),
        T(who_gives_up_is_answered_and_the_push_taken_back),
        T(a_verify_that_is_answered_late_is_taken_back),
        T(a_late_approval_is_none),
        T(giving_up_at_any_moment_ends_it),
        T(who_goes_while_the_guard_is_asked_leaves_no_trace_of_a_push),
        T(without_a_durable_note_nothing_leaves),
        T(an_approval_that_cannot_be_kept_is_none),
        T(an_approval_that_cannot_be_audited_is_none),
        T(sealing_ends_what_waits),
        T(what_was_open_before_the_start_is_interrupted_once),
        T(stopping_denies_what_waits_and_takes_pushes_back),
        T(stopping_does_not_wait_for_an_okta_that_says_nothing),
        T(stopping_denies_demands_that_have_just_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
