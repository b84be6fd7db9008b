// SPDX-License-Identifier: Apache-2.0
// A step-up from the asking to the answer: every way to be allowed, and every reason not to be.
#include "stepup-fixture.h"

// ---- allowed

static void an_approved_push_allows(void **state) {
    struct fixture *f = *state;
    struct waiter *w = ask(f);
    assert_true(w->ticket != 0);
    run_until(f, has_polled);
    assert_int_equal(w->answers, 0);
    f->okta.result = "SUCCESS";
    run_until(f, all_answered);
    assert_allowed(w);
    assert_int_equal(f->okta.asked[FAKE_VERIFY], 1);
    AUTO(state) struct state *s = state_now(f);
    const struct attempt *a = attempt_of(s, w);
    assert_non_null(a);
    assert_int_equal(a->outcome, TRAIL_ALLOWED);
    assert_true(str_eqz(a->transaction, "tx1") && str_eqz(a->factor_id, "opf1"));
    assert_true(a->sent_ms > 0 && a->decided_ms >= a->sent_ms);
    const struct guarded *g = guarded_of(s, "alice@acme.test");
    assert_non_null(g);
    assert_int_equal(g->out_until_ms, 0);
    assert_true(list_has(g->used, STR("opf1")));
    assert_int_equal(fake_documents(&f->world, "mfa-challenge", "allowed", w->challenges), 1);
}

static void the_push_says_who_asks(void **state) {
    struct fixture *f = *state;
    f->okta.result = "SUCCESS";
    ask(f);
    run_until(f, all_answered);
    assert_non_null(strstr(f->okta.verify_head, "User-Agent: vault-cli/1\r\n"));
    assert_non_null(strstr(f->okta.verify_head, "X-Forwarded-For: 192.0.2.7\r\n"));
}

static void a_right_code_allows_without_a_push(void **state) {
    struct fixture *f = *state;
    struct waiter *w = ask_with(f, "123456");
    run_until(f, all_answered);
    assert_allowed(w);
    assert_int_equal(f->okta.asked[FAKE_POLL], 0);
    assert_non_null(strstr(f->okta.verify_body, "123456"));
    assert_int_equal(fake_documents(&f->world, "123456", NULL, NULL), 0);
}

static void the_next_request_finds_the_way_free(void **state) {
    struct fixture *f = *state;
    f->okta.result = "SUCCESS";
    for (int i = 0; i < 3; i++) {
        struct waiter *w = ask(f);
        run_until(f, all_answered);
        assert_allowed(w);
    }
}

// ---- before Okta is asked

static void without_an_entity_nothing_is_asked(void **state) {
    struct fixture *f = *state;
    struct waiter *none = ask_as(f, &(struct asking){.entity_id = ""});
    struct waiter *gone = ask_as(f, &(struct asking){.entity_id = "no-such-entity"});
    run_until(f, all_answered);
    assert_denied(none, REASON_NO_ENTITY);
    assert_denied(gone, REASON_NO_ENTITY);
    assert_int_equal(f->okta.asked[FAKE_FIND], 0);
    assert_int_equal(fake_documents(&f->world, "no_entity", NULL, NULL), 2);
}

static void an_unknown_method_denies(void **state) {
    struct fixture *f = *state;
    struct waiter *w = ask_as(f, &(struct asking){.methods = {"okta", "nowhere"}});
    run_until(f, all_answered);
    assert_denied(w, REASON_NO_METHOD);
    assert_int_equal(f->okta.asked[FAKE_FIND], 0);
}

static void an_entity_without_alias_on_the_mount_is_denied(void **state) {
    struct fixture *f = *state;
    set_method(f, "okta", ",\"mount_accessor\":\"other\"");
    struct waiter *w = ask(f);
    run_until(f, all_answered);
    assert_denied(w, REASON_NO_ALIAS);
}

static void a_credential_that_means_nothing_is_denied(void **state) {
    struct fixture *f = *state;
    struct waiter *w = ask_with(f, "x=y");
    run_until(f, all_answered);
    assert_denied(w, REASON_CREDENTIAL);
    assert_int_equal(f->okta.asked[FAKE_FIND], 0);
}

static void a_format_that_cannot_be_filled_in_is_denied(void **state) {
    struct fixture *f = *state;
    set_method(f, "okta", ",\"username_format\":\"{{alias.metadata.none}}\"");
    struct waiter *w = ask(f);
    run_until(f, all_answered);
    assert_denied(w, REASON_USERNAME);
}

static void a_source_that_does_not_exist_is_denied(void **state) {
    struct fixture *f = *state;
    set_method(f, "okta", ",\"okta_source\":\"nowhere\"");
    struct waiter *w = ask(f);
    run_until(f, all_answered);
    assert_denied(w, REASON_OKTA);
}

static void a_check_that_fails_spares_the_push_of_another_method(void **state) {
    struct fixture *f = *state;
    set_method(f, "second", ",\"mount_accessor\":\"other\"");
    struct waiter *w = ask_as(f, &(struct asking){.methods = {"okta", "second"}});
    run_until(f, all_answered);
    assert_denied(w, REASON_NO_ALIAS);
    assert_int_equal(f->okta.asked[FAKE_FIND], 0);
}

// ---- users and factors

struct finding {
    const char *status, *factors;
    enum challenge_reason reason;
    int users;
    bool code;
};

#define FACTOR(type, status)                                                                       \
    "[{\"id\":\"f1\",\"factorType\":\"" type "\",\"provider\":\"OKTA\","                           \
    "\"status\":\"" status "\"}]"

static const struct finding findings[] = {
    {"ACTIVE", NULL, REASON_NO_USER, 0, false},
    {"ACTIVE", NULL, REASON_TWO_USERS, 2, false},
    {"SUSPENDED", NULL, REASON_USER_INACTIVE, 1, false},
    {"LOCKED_OUT", NULL, REASON_LOCKED_OUT, 1, false},
    {"ACTIVE", "[]", REASON_NO_FACTORS, 1, false},
    {"ACTIVE", FACTOR("push", "PENDING_ACTIVATION"), REASON_NO_PUSH_FACTOR, 1, false},
    {"ACTIVE", FACTOR("sms", "ACTIVE"), REASON_NO_PUSH_FACTOR, 1, false},
    {"ACTIVE", FACTOR("push", "ACTIVE"), REASON_NO_CODE_FACTOR, 1, true},
};

static void who_cannot_be_asked_is_not_asked(void **state) {
    struct fixture *f = *state;
    for (size_t i = 0; i < LEN(findings); i++) {
        f->okta.users = findings[i].users;
        f->okta.status = findings[i].status;
        f->okta.factors = findings[i].factors;
        struct waiter *w = findings[i].code ? ask_with(f, "123456") : ask(f);
        run_until(f, all_answered);
        assert_denied(w, findings[i].reason);
        assert_int_equal(f->okta.asked[FAKE_VERIFY], 0);
        AUTO(state) struct state *s = state_now(f);
        assert_null(attempt_of(s, w)); // an attacker could fill the state
        assert_int_equal(fake_documents(&f->world, w->challenges, NULL, NULL), 1);
    }
}

// ---- what becomes of a push

struct result {
    const char *verified, *result;
    enum challenge_reason reason;
    bool pauses; // the guard takes it for a denial
};

static const struct result results[] = {
    {"SUCCESS", "SUCCESS", REASON_NOT_WAITING, false},
    {"REJECTED", "WAITING", REASON_NOT_WAITING, false},
    {"WAITING", "TIMEOUT", REASON_TIMED_OUT, false},
    {"WAITING", "CANCELLED", REASON_UNKNOWN_STATUS, false},
    {"WAITING", "success", REASON_UNKNOWN_STATUS, false},
    {"WAITING", "REJECTED", REASON_REJECTED, true},
};

static void nothing_but_success_allows(void **state) {
    struct fixture *f = *state;
    for (size_t i = 0; i < LEN(results); i++) {
        f->okta.verified = results[i].verified;
        f->okta.result = results[i].result;
        struct waiter *w = ask(f);
        run_until(f, all_answered);
        assert_denied(w, results[i].reason);
        run_until(f, nothing_runs);
        AUTO(state) struct state *s = state_now(f);
        const struct attempt *a = attempt_of(s, w);
        assert_non_null(a);
        assert_int_equal(a->outcome, TRAIL_DENIED);
        assert_int_equal(a->reason, results[i].reason);
        assert_int_equal(guarded_of(s, "alice@acme.test")->denials, results[i].pauses);
    }
}

static void after_a_denial_nothing_is_asked_of_okta(void **state) {
    struct fixture *f = *state;
    f->okta.result = "REJECTED";
    struct waiter *denied = ask(f);
    run_until(f, all_answered);
    assert_denied(denied, REASON_REJECTED);
    int finds = f->okta.asked[FAKE_FIND];
    struct waiter *w = ask(f);
    run_until(f, all_answered);
    assert_refused(w, "pause");
    assert_int_equal(f->okta.asked[FAKE_FIND], finds);
    assert_int_equal(fake_documents(&f->world, "mfa-refused", "pause", NULL), 1);
    struct stepup_stats stats;
    stepup_stats(f->stepup, &stats);
    assert_int_equal(stats.outcomes[REASON_REJECTED], 1);
    assert_int_equal(stats.outcomes[REASON_GUARD], 1);
    assert_int_equal(stats.rules[GUARD_PAUSE], 1);
    assert_int_equal(stats.denied, 1);
    assert_int_equal(stats.refused, 1);
    assert_int_equal(stats.outcomes[REASON_NONE] + stats.allowed, 0);
}

// ---- Okta's troubles

struct trouble {
    enum okta_kind kind;
    struct fake_reply reply;
    bool code;
    enum challenge_reason reason; // REASON_NONE: it is got over
    int verifies;
};

#define ERROR(code) "{\"errorCode\":\"" code "\",\"errorSummary\":\"no\"}"

static const struct trouble troubles[] = {
    {FAKE_FIND, {503, "", 1}, false, REASON_NONE, 1},
    {FAKE_LIST, {500, "", 1}, false, REASON_NONE, 1},
    {FAKE_FIND, {401, ERROR("E0000011"), -1}, false, REASON_OKTA, 0},
    {FAKE_LIST, {200, "[", -1}, false, REASON_OKTA, 0},
    {FAKE_VERIFY, {503, "", -1}, false, REASON_OKTA, 1},
    {FAKE_VERIFY, {429, ERROR("E0000047"), 1}, false, REASON_NONE, 2},
    {FAKE_VERIFY, {403, ERROR("E0000038"), -1}, false, REASON_USER_INACTIVE, 1},
    {FAKE_VERIFY, {403, ERROR("E0000068"), -1}, true, REASON_WRONG_CODE, 1},
    {FAKE_VERIFY, {403, ERROR("E0000082"), -1}, true, REASON_WRONG_CODE, 1},
    {FAKE_VERIFY, {403, ERROR("E0000069"), -1}, true, REASON_LOCKED_OUT, 1},
    {FAKE_VERIFY, {0, NULL, -1}, true, REASON_OKTA, 1},
    {FAKE_POLL, {500, "", 1}, false, REASON_NONE, 1},
    {FAKE_POLL, {0, NULL, 1}, false, REASON_NONE, 1},
    {FAKE_POLL, {404, ERROR("E0000007"), -1}, false, REASON_EXPIRED, 1},
    {FAKE_POLL, {404, ERROR("E0000191"), -1}, false, REASON_EXPIRED, 1},
    {FAKE_POLL, {410, ERROR("E0000154"), -1}, false, REASON_EXPIRED, 1},
    {FAKE_POLL, {401, ERROR("E0000011"), -1}, false, REASON_OKTA, 1},
};

static void clear_guard_of(struct fixture *f, const char *login);

static void troubles_deny_or_are_got_over(void **state) {
    struct fixture *f = *state;
    f->okta.result = "SUCCESS";
    for (size_t i = 0; i < LEN(troubles); i++) {
        const struct trouble *t = &troubles[i];
        int verifies = f->okta.asked[FAKE_VERIFY];
        f->okta.instead[t->kind] = t->reply;
        struct waiter *w = t->code ? ask_with(f, "123456") : ask(f);
        run_until(f, all_answered);
        if ((t->reason == REASON_NONE) != w->allowed) fail_msg("row %zu", i);
        if (t->reason) assert_denied(w, t->reason);
        assert_int_equal(f->okta.asked[FAKE_VERIFY] - verifies, t->verifies);
        f->okta.instead[t->kind].times = 0;
        run_until(f, nothing_runs);
        clear_guard_of(f, "alice@acme.test");
    }
}

static int forget_guard(struct draft *d, const void *login) {
    const struct guarded *g = guarded_of(d->state, login);
    return g ? draft_delete(d, g) : 0;
}

static void clear_guard_of(struct fixture *f, const char *login) {
    fake_edit(&f->world, forget_guard, login);
}

static void a_verify_of_which_nobody_knows_stays_out(void **state) {
    struct fixture *f = *state;
    f->okta.instead[FAKE_VERIFY] = (struct fake_reply){503, "", -1};
    struct waiter *w = ask(f);
    run_until(f, all_answered);
    assert_denied(w, REASON_OKTA);
    run_until(f, nothing_runs);
    struct waiter *again = ask(f);
    run_until(f, all_answered);
    assert_refused(again, "busy");
    assert_int_equal(f->okta.asked[FAKE_VERIFY], 1);
}

static void a_push_that_okta_refused_to_send_is_not_out(void **state) {
    struct fixture *f = *state;
    f->okta.instead[FAKE_VERIFY] = (struct fake_reply){403, ERROR("E0000038"), 1};
    struct waiter *w = ask(f);
    run_until(f, all_answered);
    assert_denied(w, REASON_USER_INACTIVE);
    f->okta.result = "SUCCESS";
    struct waiter *again = ask(f);
    run_until(f, all_answered);
    assert_allowed(again);
}

static int lock_by_id(struct draft *d, const void *user_id) {
    const struct guard_limits limits = guard_defaults();
    const struct guard_subject who = {
        .org = STR("127.0.0.1"), .login = STR("another-name"), .user_id = str_from(user_id)};
    const struct guard_note note = {
        .news = NEWS_SUSPICIOUS, .event = STR("u-1"), .at_ms = time_now_ms()};
    return guard_note(d, &limits, &who, &note, time_now_ms());
}

static void who_is_locked_by_another_name_is_found_out_by_his_id(void **state) {
    struct fixture *f = *state;
    fake_edit(&f->world, lock_by_id, "00ualice40acme.test0");
    struct waiter *w = ask(f);
    run_until(f, all_answered);
    assert_refused(w, "lock");
    assert_int_equal(f->okta.asked[FAKE_FIND], 1);
    assert_int_equal(f->okta.asked[FAKE_LIST], 0);
    assert_int_equal(fake_documents(&f->world, "mfa-refused", "reported suspicious", NULL), 1);
}

static void a_link_that_leads_elsewhere_is_not_followed(void **state) {
    struct fixture *f = *state;
    f->okta.href = "http://127.0.0.1:1/api/v1/users/00u/factors/opf1/transactions/tx1";
    struct waiter *w = ask(f);
    run_until(f, all_answered);
    assert_denied(w, REASON_FOREIGN_LINK);
    assert_int_equal(f->okta.asked[FAKE_POLL] + f->okta.asked[FAKE_CANCEL], 0);
}

static void wrong_codes_are_counted_and_no_more_than_allowed_are_tried(void **state) {
    struct fixture *f = *state;
    f->okta.instead[FAKE_VERIFY] = (struct fake_reply){403, ERROR("E0000068"), -1};
    for (int i = 0; i < 5; i++) {
        struct waiter *w = ask_with(f, "123456");
        run_until(f, all_answered);
        if (i < f->settings.guard.max_codes) assert_denied(w, REASON_WRONG_CODE);
        else assert_refused(w, "codes");
    }
    assert_int_equal(f->okta.asked[FAKE_VERIFY], f->settings.guard.max_codes);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(an_approved_push_allows),
        T(the_push_says_who_asks),
        T(a_right_code_allows_without_a_push),
        T(the_next_request_finds_the_way_free),
        T(without_an_entity_nothing_is_asked),
        T(an_unknown_method_denies),
        T(an_entity_without_alias_on_the_mount_is_denied),
        T(a_credential_that_means_nothing_is_denied),
        T(a_format_that_cannot_be_filled_in_is_denied),
        T(a_source_that_does_not_exist_is_denied),
        T(a_check_that_fails_spares_the_push_of_another_method),
        T(who_cannot_be_asked_is_not_asked),
        T(nothing_but_success_allows),
        T(after_a_denial_nothing_is_asked_of_okta),
        T(troubles_deny_or_are_got_over),
        T(a_verify_of_which_nobody_knows_stays_out),
        T(a_push_that_okta_refused_to_send_is_not_out),
        T(who_is_locked_by_another_name_is_found_out_by_his_id),
        T(a_link_that_leads_elsewhere_is_not_followed),
        T(wrong_codes_are_counted_and_no_more_than_allowed_are_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
