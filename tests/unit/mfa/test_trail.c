// SPDX-License-Identifier: Apache-2.0
// The trail: which entry of Okta's log belongs to which challenge, and what becomes of challenges
// in time.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "guard-fixture.h"

enum { S = 1000 };
static const int64_t start_ms = 1700000000000;

static int64_t at(int64_t second) { return start_ms + second * S; }

// A push to Eve, sent at second 1 and decided at second 10.
static struct attempt push_of(const char *id) {
    return (struct attempt){.id = str_from(id),
                            .method = STR("my_okta"),
                            .method_id = STR("m-1"),
                            .org = STR("acme"),
                            .user_id = STR("00u1"),
                            .login = STR("Eve"),
                            .factor_id = STR("opf1"),
                            .factor_name = STR("Eve's phone"),
                            .factor_provider = STR("OKTA"),
                            .transaction = STR("mst1"),
                            .began_ms = at(0),
                            .sent_ms = at(1),
                            .decided_ms = at(10),
                            .outcome = TRAIL_ALLOWED};
}

static void put(struct draft *d, const struct attempt *a) {
    assert_int_equal(attempt_put(d, a), 0);
}

static struct signal entry_at(enum signal_kind kind, int64_t second) {
    return (struct signal){.kind = kind,
                           .uuid = STR("u-1"),
                           .event_type = kind == SIGNAL_PUSH_SENT
                                             ? STR("system.push.send_factor_verify_push")
                                             : STR("user.authentication.auth_via_mfa"),
                           .published_ms = at(second),
                           .user_id = STR("00u1"),
                           .login = STR("eve"),
                           .push = true,
                           .transaction_id = STR("t-1")};
}

static struct buf ours(void) {
    struct buf b = buf_make(1 << 10);
    list_add(&b, STR("0oaOurs"));
    list_add(&b, STR("00TOurs"));
    return b;
}

static enum trail_match match(struct draft *d, const struct signal *s, const struct attempt **ret) {
    AUTO_FINI(buf) struct buf requesters = ours();
    *ret = NULL;
    return trail_match(d->state, STR("acme"), s, list_of(&requesters), ret);
}

static void is_about(struct draft *d, const struct signal *s, const char *id) {
    const struct attempt *a = NULL;
    enum trail_match m = match(d, s, &a);
    if (m != TRAIL_JOINED || !str_eqz(a->id, id))
        fail_msg("%d %.*s instead of %s", m, STR_ARG(a ? a->id : STR("-")), id);
}

static void is_not_ours(struct draft *d, const struct signal *s, enum trail_match wanted) {
    const struct attempt *a = NULL;
    assert_int_equal(match(d, s, &a), wanted);
    assert_null(a);
}

// ---- joining

static void an_entry_joins_by_user_kind_factor_requester_and_time(void **state) {
    struct draft *d = *state;
    struct attempt a = push_of("c-1");
    a.requester = STR("0oaOurs");
    put(d, &a);
    struct signal s = entry_at(SIGNAL_PUSH_SENT, 1);
    is_about(d, &s, "c-1");
    s.requester = STR("0oaOurs");
    is_about(d, &s, "c-1");
    s.factor_id = STR("opf1");
    is_about(d, &s, "c-1");
    s.factor_id = STR("pfd7");
    is_about(d, &s, "c-1");
    s.factor_id = STR("opf2");
    is_not_ours(d, &s, TRAIL_ALARM);
    s.factor_id = STR_NONE;
    s.user_id = STR("00u2");
    is_not_ours(d, &s, TRAIL_ALARM);
    s.user_id = STR_NONE;
    s.login = STR("EVE");
    is_about(d, &s, "c-1");
    s.login = STR("adam");
    is_not_ours(d, &s, TRAIL_ALARM);
    s = entry_at(SIGNAL_PUSH_SENT, 1);
    s.requester = STR("0oaOther");
    is_not_ours(d, &s, TRAIL_FOREIGN);
    s = entry_at(SIGNAL_VERIFIED, 10);
    is_about(d, &s, "c-1");
    s.push = false;
    is_not_ours(d, &s, TRAIL_FOREIGN);
    const struct attempt *ret = NULL;
    s.push = true;
    assert_int_equal(trail_match(d->state, STR("other"), &s, (struct list){STR_NONE}, &ret),
                     TRAIL_FOREIGN);
}

static void codes_and_pushes_are_told_apart(void **state) {
    struct draft *d = *state;
    struct attempt a = push_of("c-code");
    a.code = true;
    put(d, &a);
    static const struct {
        enum signal_kind kind;
        bool push;
        bool joined;
    } rows[] = {
        {SIGNAL_VERIFIED, false, true},   {SIGNAL_FAILED, false, true},
        {SIGNAL_VERIFIED, true, false},   {SIGNAL_FAILED, true, false},
        {SIGNAL_PUSH_SENT, true, false},  {SIGNAL_DENIED, true, false},
        {SIGNAL_LOCKED, false, false},    {SIGNAL_SUSPICIOUS, false, false},
        {SIGNAL_UNLOCKED, false, false},  {SIGNAL_NONE, false, false},
        {SIGNAL_RISK_HIGH, false, false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct signal s = entry_at(rows[i].kind, 10);
        s.push = rows[i].push;
        if (rows[i].joined) is_about(d, &s, "c-code");
        else is_not_ours(d, &s, TRAIL_FOREIGN);
    }
}

static void the_time_has_to_fit(void **state) {
    struct draft *d = *state;
    struct attempt a = push_of("c-1");
    put(d, &a);
    static const struct {
        int64_t second;
        bool fits;
    } rows[] = {{-120, false}, {-119, true}, {1, true}, {60, true}, {730, true}, {731, false}};
    for (size_t i = 0; i < LEN(rows); i++) {
        struct signal s = entry_at(SIGNAL_VERIFIED, rows[i].second);
        if (rows[i].fits) is_about(d, &s, "c-1");
        else is_not_ours(d, &s, TRAIL_FOREIGN);
    }
    a.decided_ms = 0;
    a.outcome = TRAIL_OPEN;
    put(d, &a);
    struct signal s = entry_at(SIGNAL_VERIFIED, 3600);
    is_about(d, &s, "c-1");
    a.sent_ms = 0;
    put(d, &a);
    s = entry_at(SIGNAL_VERIFIED, 1);
    is_not_ours(d, &s, TRAIL_FOREIGN);
}

static void of_several_the_nearest_without_such_an_entry_is_meant(void **state) {
    struct draft *d = *state;
    static const char *const ids[] = {"c-0", "c-1", "c-2"};
    for (size_t i = 0; i < LEN(ids); i++) {
        struct attempt a = push_of(ids[i]);
        a.began_ms = at((int64_t)i * 60);
        a.sent_ms = at((int64_t)i * 60 + 1);
        a.decided_ms = at((int64_t)i * 60 + 10);
        put(d, &a);
    }
    static const char *const order[] = {"c-1", "c-0", "c-2"};
    struct signal s = entry_at(SIGNAL_PUSH_SENT, 58);
    for (size_t i = 0; i < LEN(order); i++) {
        char uuid[16];
        snprintf(uuid, sizeof uuid, "u-%zu", i);
        s.uuid = str_from(uuid);
        s.published_ms = at(i == 0 ? 58 : 20);
        is_about(d, &s, order[i]);
        assert_int_equal(trail_join(d, str_from(order[i]), &s), 0);
        is_about(d, &s, order[i]);
    }
    s.uuid = STR("one more");
    is_not_ours(d, &s, TRAIL_FOREIGN);
    s.requester = STR("00TOurs");
    is_not_ours(d, &s, TRAIL_ALARM);
    s = entry_at(SIGNAL_VERIFIED, 69);
    s.uuid = STR("its answer");
    is_about(d, &s, "c-1");
}

// Somebody who has just approved the gate's push denies another one, elsewhere: the guard has to
// hear of it.
static void an_entry_does_not_join_what_it_contradicts(void **state) {
    struct draft *d = *state;
    static const struct {
        enum trail_outcome outcome;
        enum challenge_reason reason;
        enum signal_kind kind;
        bool joins;
    } rows[] = {
        {TRAIL_ALLOWED, REASON_NONE, SIGNAL_VERIFIED, true},
        {TRAIL_ALLOWED, REASON_NONE, SIGNAL_DENIED, false},
        {TRAIL_ALLOWED, REASON_NONE, SIGNAL_WRONG_NUMBER, false},
        {TRAIL_DENIED, REASON_REJECTED, SIGNAL_DENIED, true},
        {TRAIL_DENIED, REASON_REJECTED, SIGNAL_WRONG_NUMBER, true},
        {TRAIL_DENIED, REASON_REJECTED, SIGNAL_VERIFIED, false},
        {TRAIL_DENIED, REASON_TIMED_OUT, SIGNAL_VERIFIED, true},
        {TRAIL_DENIED, REASON_TIMED_OUT, SIGNAL_DENIED, true},
        {TRAIL_OPEN, REASON_NONE, SIGNAL_DENIED, true},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct attempt a = push_of("c-1");
        a.outcome = rows[i].outcome;
        a.reason = rows[i].reason;
        put(d, &a);
        struct signal s = entry_at(rows[i].kind, 9);
        if (rows[i].joins) is_about(d, &s, "c-1");
        else is_not_ours(d, &s, TRAIL_FOREIGN);
    }
}

static void what_a_challenge_cannot_cause_is_no_alarm(void **state) {
    struct draft *d = *state;
    static const struct {
        enum signal_kind kind;
        bool alarms;
    } rows[] = {
        {SIGNAL_PUSH_SENT, true}, {SIGNAL_VERIFIED, true},     {SIGNAL_DENIED, true},
        {SIGNAL_FAILED, true},    {SIGNAL_WRONG_NUMBER, true}, {SIGNAL_UNLOCKED, true},
        {SIGNAL_LOCKED, false},   {SIGNAL_SUSPICIOUS, false},  {SIGNAL_RISK_HIGH, false},
        {SIGNAL_RISK_LOW, false}, {SIGNAL_NONE, false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct signal s = entry_at(rows[i].kind, 1);
        s.requester = STR("0oaOurs");
        is_not_ours(d, &s, rows[i].alarms ? TRAIL_ALARM : TRAIL_FOREIGN);
        s.requester = STR_NONE;
        is_not_ours(d, &s, TRAIL_FOREIGN);
    }
}

static void of_a_joined_entry_the_guard_hears_a_wrong_number_alone(void **state) {
    (void)state;
    enum guard_news news = NEWS_APPROVED;
    struct signal s = {.kind = SIGNAL_DENIED};
    assert_false(trail_news(TRAIL_JOINED, &s, &news));
    assert_true(trail_news(TRAIL_FOREIGN, &s, &news) && news == NEWS_DENIED);
    assert_true(trail_news(TRAIL_ALARM, &s, &news));
    s.kind = SIGNAL_WRONG_NUMBER;
    assert_true(trail_news(TRAIL_JOINED, &s, &news) && news == NEWS_WRONG_NUMBER);
    s.kind = SIGNAL_VERIFIED;
    assert_false(trail_news(TRAIL_FOREIGN, &s, &news));
}

static void joining_keeps_okta_s_entries_and_who_we_are(void **state) {
    struct draft *d = *state;
    struct attempt a = push_of("c-1");
    put(d, &a);
    struct signal s = entry_at(SIGNAL_PUSH_SENT, 1);
    assert_int_equal(trail_join(d, STR("c-1"), &s), 0);
    assert_int_equal(attempt_by_id(d->state, STR("c-1"))->requester.n, 0);
    s = entry_at(SIGNAL_VERIFIED, 9);
    s.uuid = STR("u-2");
    s.requester = STR("00TOurs");
    assert_int_equal(trail_join(d, STR("c-1"), &s), 0);
    assert_int_equal(trail_join(d, STR("c-1"), &s), 0);
    assert_int_equal(trail_join(d, STR("c-none"), &s), 0);
    const struct attempt *joined = attempt_by_id(d->state, STR("c-1"));
    static const char *const wanted[] = {
        "u-1", "t-1", "system.push.send_factor_verify_push", "2023-11-14T22:13:21.000Z",
        "u-2", "t-1", "user.authentication.auth_via_mfa",    "2023-11-14T22:13:29.000Z"};
    struct str rest = joined->events.packed, item;
    for (size_t i = 0; i < LEN(wanted); i++)
        assert_true(list_next(&rest, &item) && str_eqz(item, wanted[i]));
    assert_int_equal(rest.n, 0);
    comes_back(&attempt_type, joined);
    AUTO_FINI(buf) struct buf who = buf_make(1 << 10);
    assert_int_equal(trail_requesters(d->state, STR("acme"), &who), 0);
    assert_int_equal(list_count(list_of(&who)), 1);
    assert_true(list_has(list_of(&who), STR("00TOurs")));
    buf_reset(&who);
    assert_int_equal(trail_requesters(d->state, STR("other"), &who), 0);
    assert_int_equal(who.n, 0);
}

static void no_more_than_eight_entries_are_kept(void **state) {
    struct draft *d = *state;
    struct attempt a = push_of("c-1");
    put(d, &a);
    for (int i = 0; i < 20; i++) {
        char uuid[16];
        snprintf(uuid, sizeof uuid, "u-%d", i);
        struct signal s = entry_at(SIGNAL_FAILED, 9);
        s.uuid = str_from(uuid);
        assert_int_equal(trail_join(d, STR("c-1"), &s), 0);
    }
    const struct attempt *joined = attempt_by_id(d->state, STR("c-1"));
    assert_int_equal(list_count(joined->events), 4 * TRAIL_EVENTS_MAX);
    assert_false(list_has(joined->events, STR("u-8")));
}

// ---- in time

static void they_are_walked_through_from_the_oldest(void **state) {
    struct draft *d = *state;
    static const int64_t seconds[] = {50, 3, 20, 3000000, 7};
    static const char *const ids[] = {"c-d", "c-a", "c-c", "c-e", "c-b"};
    for (size_t i = 0; i < LEN(ids); i++) {
        struct attempt a = push_of(ids[i]);
        a.began_ms = at(seconds[i]);
        put(d, &a);
    }
    static const char *const order[] = {"c-a", "c-b", "c-c", "c-d", "c-e"};
    struct tree_walk walk = attempt_walk(d->state);
    for (size_t i = 0; i < LEN(order); i++) {
        const struct attempt *a = tree_next(&walk);
        assert_true(a && str_eqz(a->id, order[i]));
    }
    assert_null(tree_next(&walk));
}

static void what_was_open_when_the_gate_ended_is_interrupted(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf ids = buf_make(1 << 10);
    struct attempt a = push_of("c-done");
    put(d, &a);
    a = push_of("c-open");
    a.outcome = TRAIL_OPEN;
    a.decided_ms = 0;
    put(d, &a);
    list_add(&ids, STR("before"));
    assert_int_equal(trail_interrupt(d, at(99), &ids), 0);
    assert_int_equal(list_count(list_of(&ids)), 2);
    assert_true(list_has(list_of(&ids), STR("c-open")));
    const struct attempt *open = attempt_by_id(d->state, STR("c-open"));
    assert_int_equal(open->outcome, TRAIL_INTERRUPTED);
    assert_int_equal(open->reason, REASON_STOPPED);
    assert_int_equal(open->decided_ms, at(99));
    assert_int_equal(attempt_by_id(d->state, STR("c-done"))->outcome, TRAIL_ALLOWED);
    comes_back(&attempt_type, open);
    assert_int_equal(trail_interrupt(d, at(100), &ids), 0);
    assert_int_equal(list_count(list_of(&ids)), 2);
}

static void after_an_hour_without_an_entry_that_is_told_once(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf ids = buf_make(1 << 10);
    struct attempt a = push_of("c-1");
    put(d, &a);
    a = push_of("c-joined");
    put(d, &a);
    const struct signal s = entry_at(SIGNAL_PUSH_SENT, 1);
    assert_int_equal(trail_join(d, STR("c-joined"), &s), 0);
    a = push_of("c-refused");
    a.sent_ms = 0;
    put(d, &a);
    assert_int_equal(trail_sweep(d, at(3600), 100, &ids), 0);
    assert_int_equal(ids.n, 0);
    assert_int_equal(trail_sweep(d, at(3601), 100, &ids), 0);
    assert_int_equal(list_count(list_of(&ids)), 1);
    assert_true(list_has(list_of(&ids), STR("c-1")));
    assert_true(attempt_by_id(d->state, STR("c-1"))->noted);
    assert_int_equal(trail_sweep(d, at(9999), 100, &ids), 0);
    assert_int_equal(list_count(list_of(&ids)), 1);
}

static void after_a_day_they_are_dropped_so_many_at_a_time(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf ids = buf_make(1 << 16);
    for (int i = 0; i < 50; i++) {
        char id[16];
        snprintf(id, sizeof id, "c-%02d", i);
        struct attempt a = push_of(id);
        a.sent_ms = 0;
        put(d, &a);
    }
    struct attempt young = push_of("c-young");
    young.began_ms = at(1);
    put(d, &young);
    assert_int_equal(trail_sweep(d, at(86400) - 1, 100, &ids), 0);
    assert_int_equal(state_count(d->state, RECORD_CHALLENGE), 51);
    assert_int_equal(trail_sweep(d, at(86400), 20, &ids), 0);
    assert_int_equal(state_count(d->state, RECORD_CHALLENGE), 31);
    assert_int_equal(trail_sweep(d, at(86400), 100, &ids), 0);
    assert_int_equal(state_count(d->state, RECORD_CHALLENGE), 1);
    assert_non_null(attempt_by_id(d->state, STR("c-young")));
}

static void records_come_back_as_they_were(void **state) {
    struct draft *d = *state;
    struct attempt a = push_of("c-1");
    a.rule = STR("pause");
    a.user_agent = STR("curl/8 \"x\"");
    a.number = a.noted = true;
    for (int r = 0; r < REASONS; r++) {
        a.reason = (enum challenge_reason)r;
        a.outcome = (enum trail_outcome)(r % 4);
        put(d, &a);
        comes_back(&attempt_type, attempt_by_id(d->state, STR("c-1")));
    }
    is_no_record(&attempt_type, "{}", "member \"id\" is missing");
    is_no_record(&attempt_type, "{\"id\":\"c-1\",\"outcome\":\"maybe\"}",
                 "member \"outcome\" is not an outcome");
    is_no_record(&attempt_type, "{\"id\":\"c-1\",\"outcome\":\"open\",\"reason\":\"mood\"}",
                 "member \"reason\" is not a reason");
}

#define row(test) cmocka_unit_test_setup_teardown(test, guard_setup, guard_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        row(an_entry_joins_by_user_kind_factor_requester_and_time),
        row(codes_and_pushes_are_told_apart),
        row(the_time_has_to_fit),
        row(of_several_the_nearest_without_such_an_entry_is_meant),
        row(an_entry_does_not_join_what_it_contradicts),
        row(what_a_challenge_cannot_cause_is_no_alarm),
        row(of_a_joined_entry_the_guard_hears_a_wrong_number_alone),
        row(joining_keeps_okta_s_entries_and_who_we_are),
        row(no_more_than_eight_entries_are_kept),
        row(they_are_walked_through_from_the_oldest),
        row(what_was_open_when_the_gate_ended_is_interrupted),
        row(after_an_hour_without_an_entry_that_is_told_once),
        row(after_a_day_they_are_dropped_so_many_at_a_time),
        row(records_come_back_as_they_were),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("trail", tests, NULL, NULL);
}
