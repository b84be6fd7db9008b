// SPDX-License-Identifier: Apache-2.0
// The challenge told as stories, one line each step; and the reasons: their texts are Vault's where
// Vault has one, and docs/mfa.md lists them all. (test_challenge_model tries every order.)
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "mfa/challenge.h"

enum { PUSH = 1, STRANGER = 2 }; // transactions

static struct challenge_event now(const struct challenge *c, enum challenge_event_kind kind) {
    return (struct challenge_event){.kind = kind, .asked = c->asked};
}

static enum challenge_action happens(struct challenge *c, enum challenge_event_kind kind) {
    struct challenge_event e = now(c, kind);
    return challenge_step(c, &e);
}

static enum challenge_action fails(struct challenge *c, enum challenge_event_kind kind,
                                   enum challenge_reason reason) {
    struct challenge_event e = now(c, kind);
    e.reason = reason;
    return challenge_step(c, &e);
}

static enum challenge_action answers(struct challenge *c, enum okta_factor_result result,
                                     uint32_t transaction) {
    struct challenge_event e = now(c, EVENT_ANSWERED);
    e.result = result;
    e.transaction = transaction;
    return challenge_step(c, &e);
}

static void is_denied(const struct challenge *c, enum challenge_reason reason) {
    assert_int_equal(c->state, CHALLENGE_DENIED);
    assert_string_equal(challenge_reason_name(c->reason), challenge_reason_name(reason));
}

// Up to where the verify has left.
static struct challenge verifying(bool code) {
    struct challenge c = challenge_make(code);
    assert_int_equal(happens(&c, EVENT_START), ACTION_FIND);
    assert_int_equal(happens(&c, EVENT_FOUND), ACTION_LIST);
    assert_int_equal(happens(&c, EVENT_CHOSEN), ACTION_ADMIT);
    assert_int_equal(happens(&c, EVENT_ADMITTED), ACTION_VERIFY);
    assert_int_equal(c.pushed, !code);
    return c;
}

static struct challenge waiting(void) {
    struct challenge c = verifying(false);
    assert_int_equal(answers(&c, OKTA_FACTOR_WAITING, PUSH), ACTION_WAIT);
    assert_int_equal(c.transaction, PUSH);
    return c;
}

static struct challenge polling(void) {
    struct challenge c = waiting();
    assert_int_equal(happens(&c, EVENT_POLL_TIME), ACTION_POLL);
    return c;
}

// ---- stories

static void a_push_is_sent_waited_for_and_allowed(void **state) {
    (void)state;
    struct challenge c = polling();
    assert_int_equal(answers(&c, OKTA_FACTOR_WAITING, PUSH), ACTION_WAIT);
    assert_int_equal(happens(&c, EVENT_POLL_TIME), ACTION_POLL);
    assert_int_equal(answers(&c, OKTA_FACTOR_SUCCESS, PUSH), ACTION_FINISH);
    assert_int_equal(c.state, CHALLENGE_ALLOWED);
    assert_int_equal(c.reason, REASON_NONE);
    assert_false(c.pushed);
    assert_true(challenge_is_over(&c));
}

static void a_right_code_allows_at_once(void **state) {
    (void)state;
    struct challenge c = verifying(true);
    assert_int_equal(answers(&c, OKTA_FACTOR_SUCCESS, 0), ACTION_FINISH);
    assert_int_equal(c.state, CHALLENGE_ALLOWED);
}

static void any_other_answer_to_a_code_denies(void **state) {
    (void)state;
    static const struct {
        enum okta_factor_result result;
        uint32_t transaction;
        enum challenge_reason reason;
    } rows[] = {
        {OKTA_FACTOR_WAITING, 0, REASON_UNKNOWN_STATUS},
        {OKTA_FACTOR_REJECTED, 0, REASON_WRONG_CODE},
        {OKTA_FACTOR_TIMEOUT, 0, REASON_UNKNOWN_STATUS},
        {OKTA_FACTOR_OTHER, 0, REASON_UNKNOWN_STATUS},
        {OKTA_FACTOR_SUCCESS, PUSH, REASON_FOREIGN_LINK},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct challenge c = verifying(true);
        assert_int_equal(answers(&c, rows[i].result, rows[i].transaction), ACTION_FINISH);
        is_denied(&c, rows[i].reason);
    }
    struct challenge c = verifying(true);
    assert_int_equal(fails(&c, EVENT_FAILED, REASON_WRONG_CODE), ACTION_FINISH);
    is_denied(&c, REASON_WRONG_CODE);
}

static void a_push_has_to_be_answered_with_waiting(void **state) {
    (void)state;
    static const struct {
        enum okta_factor_result result;
        uint32_t transaction;
        enum challenge_reason reason;
        enum challenge_action action;
        bool pushed;
    } rows[] = {
        {OKTA_FACTOR_SUCCESS, PUSH, REASON_NOT_WAITING, ACTION_FINISH, false},
        {OKTA_FACTOR_SUCCESS, 0, REASON_NOT_WAITING, ACTION_FINISH, false},
        {OKTA_FACTOR_REJECTED, PUSH, REASON_NOT_WAITING, ACTION_FINISH, false},
        {OKTA_FACTOR_TIMEOUT, PUSH, REASON_NOT_WAITING, ACTION_FINISH, false},
        {OKTA_FACTOR_OTHER, PUSH, REASON_NOT_WAITING, ACTION_WITHDRAW, true},
        {OKTA_FACTOR_OTHER, 0, REASON_NOT_WAITING, ACTION_FINISH, true},
        {OKTA_FACTOR_WAITING, 0, REASON_FOREIGN_LINK, ACTION_FINISH, true},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct challenge c = verifying(false);
        assert_int_equal(answers(&c, rows[i].result, rows[i].transaction), rows[i].action);
        is_denied(&c, rows[i].reason);
        assert_int_equal(c.pushed, rows[i].pushed);
    }
}

static void a_poll_denies_for_what_okta_says(void **state) {
    (void)state;
    static const struct {
        enum okta_factor_result result;
        uint32_t transaction;
        enum challenge_reason reason;
        enum challenge_action action;
    } rows[] = {
        {OKTA_FACTOR_REJECTED, PUSH, REASON_REJECTED, ACTION_FINISH},
        {OKTA_FACTOR_TIMEOUT, PUSH, REASON_TIMED_OUT, ACTION_FINISH},
        {OKTA_FACTOR_OTHER, PUSH, REASON_UNKNOWN_STATUS, ACTION_WITHDRAW},
        {OKTA_FACTOR_SUCCESS, STRANGER, REASON_FOREIGN_LINK, ACTION_WITHDRAW},
        {OKTA_FACTOR_SUCCESS, 0, REASON_FOREIGN_LINK, ACTION_WITHDRAW},
        {OKTA_FACTOR_WAITING, STRANGER, REASON_FOREIGN_LINK, ACTION_WITHDRAW},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct challenge c = polling();
        assert_int_equal(answers(&c, rows[i].result, rows[i].transaction), rows[i].action);
        is_denied(&c, rows[i].reason);
        assert_int_equal(c.pushed, rows[i].action == ACTION_WITHDRAW);
    }
}

static void a_transaction_that_okta_has_forgotten_needs_no_cancelling(void **state) {
    (void)state;
    struct challenge c = polling();
    assert_int_equal(fails(&c, EVENT_FAILED, REASON_EXPIRED), ACTION_FINISH);
    is_denied(&c, REASON_EXPIRED);
    assert_false(c.pushed);
    c = polling();
    assert_int_equal(fails(&c, EVENT_FAILED, REASON_OKTA), ACTION_WITHDRAW);
    is_denied(&c, REASON_OKTA);
    assert_true(c.pushed);
}

static void whoever_goes_away_takes_the_push_along(void **state) {
    (void)state;
    struct challenge c = challenge_make(false);
    assert_int_equal(fails(&c, EVENT_END, REASON_CANCELED), ACTION_FINISH);
    is_denied(&c, REASON_CANCELED);
    assert_false(c.pushed);
    c = waiting();
    assert_int_equal(fails(&c, EVENT_END, REASON_CANCELED), ACTION_WITHDRAW);
    is_denied(&c, REASON_CANCELED);
    c = polling();
    assert_int_equal(fails(&c, EVENT_END, REASON_SIGNAL), ACTION_WITHDRAW);
    is_denied(&c, REASON_SIGNAL);
}

// Its answer will tell the link, to whoever waits for that.
static void a_push_whose_answer_has_not_come_cannot_be_taken_back_yet(void **state) {
    (void)state;
    struct challenge c = verifying(false);
    uint32_t asked = c.asked;
    assert_int_equal(fails(&c, EVENT_END, REASON_TIMED_OUT), ACTION_FINISH);
    is_denied(&c, REASON_TIMED_OUT);
    assert_true(c.pushed);
    struct challenge_event late = {
        .kind = EVENT_ANSWERED, .asked = asked, .transaction = PUSH, .result = OKTA_FACTOR_SUCCESS};
    assert_int_equal(challenge_step(&c, &late), ACTION_NONE);
    is_denied(&c, REASON_TIMED_OUT);
}

static void what_okta_did_not_take_is_asked_again_under_a_new_number(void **state) {
    (void)state;
    struct challenge c = challenge_make(false);
    assert_int_equal(happens(&c, EVENT_START), ACTION_FIND);
    struct challenge_event late = now(&c, EVENT_FOUND);
    assert_int_equal(happens(&c, EVENT_AGAIN), ACTION_REPEAT);
    assert_int_equal(challenge_step(&c, &late), ACTION_NONE);
    assert_int_equal(happens(&c, EVENT_FOUND), ACTION_LIST);
    assert_int_equal(happens(&c, EVENT_AGAIN), ACTION_REPEAT);
    assert_int_equal(happens(&c, EVENT_CHOSEN), ACTION_ADMIT);
    assert_int_equal(happens(&c, EVENT_AGAIN), ACTION_NONE);
    assert_int_equal(happens(&c, EVENT_ADMITTED), ACTION_VERIFY);
    assert_int_equal(happens(&c, EVENT_AGAIN), ACTION_REPEAT);
    assert_int_equal(answers(&c, OKTA_FACTOR_WAITING, PUSH), ACTION_WAIT);
    assert_int_equal(happens(&c, EVENT_AGAIN), ACTION_NONE);
    assert_int_equal(happens(&c, EVENT_POLL_TIME), ACTION_POLL);
    late = now(&c, EVENT_ANSWERED);
    assert_int_equal(happens(&c, EVENT_AGAIN), ACTION_REPEAT);
    late.result = OKTA_FACTOR_SUCCESS;
    late.transaction = PUSH;
    assert_int_equal(challenge_step(&c, &late), ACTION_NONE);
    assert_int_equal(c.state, CHALLENGE_POLLING);
}

static void a_denial_without_a_reason_gets_one(void **state) {
    (void)state;
    struct challenge c = polling();
    assert_int_equal(fails(&c, EVENT_END, REASON_NONE), ACTION_WITHDRAW);
    is_denied(&c, REASON_UNKNOWN_STATUS);
}

// ---- reasons

static void reasons_are_vaults_to_the_letter(void **state) {
    (void)state;
    static const struct {
        enum challenge_reason reason;
        const char *text;
    } rows[] = {
        {REASON_NO_ENTITY, "entity is nil"},
        {REASON_NO_METHOD, "MFA method configuration not present"},
        {REASON_NO_ALIAS, "could not find alias in entity matching the MFA's mount accessor"},
        {REASON_NO_USER, "no users found for e-mail address"},
        {REASON_TWO_USERS, "more than one user found for e-mail address"},
        {REASON_NO_FACTORS, "no MFA factors found for user"},
        {REASON_NO_PUSH_FACTOR, "no push-type MFA factor found for user"},
        {REASON_NOT_WAITING, "expected WAITING status for push status"},
        {REASON_REJECTED, "push verification explicitly rejected"},
        {REASON_TIMED_OUT, "push verification timed out"},
        {REASON_UNKNOWN_STATUS, "unknown status code"},
        {REASON_CANCELED, "push verification operation canceled"},
        {REASON_WRONG_CODE, "invalid passcode"},
    };
    for (size_t i = 0; i < LEN(rows); i++)
        assert_string_equal(challenge_reason_text(rows[i].reason), rows[i].text);
}

static void each_reason_has_a_name_and_a_text_of_its_own(void **state) {
    (void)state;
    for (int a = REASON_NONE + 1; a < REASONS; a++) {
        const char *name = challenge_reason_name((enum challenge_reason)a);
        const char *text = challenge_reason_text((enum challenge_reason)a);
        assert_non_null(name);
        assert_true(*name && *text);
        for (int b = a + 1; b < REASONS; b++) {
            assert_string_not_equal(name, challenge_reason_name((enum challenge_reason)b));
            assert_string_not_equal(text, challenge_reason_text((enum challenge_reason)b));
        }
    }
    assert_string_equal(challenge_reason_name(REASONS), "none");
    assert_string_equal(challenge_reason_text((enum challenge_reason) - 1), "");
}

static void read_page(struct buf *out) {
    const char *root = getenv("GATEHOUSE_SOURCE");
    if (!root) fail_msg("GATEHOUSE_SOURCE is not set");
    char path[4096], piece[4096];
    snprintf(path, sizeof path, "%s/docs/mfa.md", root);
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s cannot be read", path);
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, file)) > 0) buf_add(out, piece, n);
    fclose(file);
    assert_int_equal(out->error, 0);
}

// The rows of the table, in the order of the reasons: | `name` | text | what to do |
static void docs_mfa_md_lists_every_reason(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf page = buf_make(1 << 20);
    read_page(&page);
    struct str rest = buf_str(&page);
    rest = str_sub(rest, str_find(rest, STR("| reason | text |")), rest.n);
    str_split(&rest, '\n');
    str_split(&rest, '\n');
    for (int i = REASON_NONE + 1; i < REASONS; i++) {
        AUTO_FINI(buf) struct buf row = buf_make(4096);
        buf_addf(&row, "| `%s` | %s | ", challenge_reason_name((enum challenge_reason)i),
                 challenge_reason_text((enum challenge_reason)i));
        struct str line = str_split(&rest, '\n');
        if (!str_starts(line, buf_str(&row)))
            fail_msg("docs/mfa.md has\n%.*s\nwhere there should be\n%.*s", STR_ARG(line),
                     STR_ARG(buf_str(&row)));
    }
    if (str_starts(rest, STR("|"))) fail_msg("docs/mfa.md lists a reason that is none");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_push_is_sent_waited_for_and_allowed),
        cmocka_unit_test(a_right_code_allows_at_once),
        cmocka_unit_test(any_other_answer_to_a_code_denies),
        cmocka_unit_test(a_push_has_to_be_answered_with_waiting),
        cmocka_unit_test(a_poll_denies_for_what_okta_says),
        cmocka_unit_test(a_transaction_that_okta_has_forgotten_needs_no_cancelling),
        cmocka_unit_test(whoever_goes_away_takes_the_push_along),
        cmocka_unit_test(a_push_whose_answer_has_not_come_cannot_be_taken_back_yet),
        cmocka_unit_test(what_okta_did_not_take_is_asked_again_under_a_new_number),
        cmocka_unit_test(a_denial_without_a_reason_gets_one),
        cmocka_unit_test(reasons_are_vaults_to_the_letter),
        cmocka_unit_test(each_reason_has_a_name_and_a_text_of_its_own),
        cmocka_unit_test(docs_mfa_md_lists_every_reason),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("challenge", tests, NULL, NULL);
}
