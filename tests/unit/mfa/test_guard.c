// SPDX-License-Identifier: Apache-2.0
// The guard's rules, each by histories: what happened when, and what the guard said to it.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "guard-fixture.h"

enum { S = 1000, START_S = 1700000000, STEPS_MAX = 24, LIFE_S = 300 };

static const struct guard_limits limits = {.max_pushes = 3,
                                           .window_ms = 600 * S,
                                           .pause_ms = 60 * S,
                                           .max_pause_ms = 200 * S,
                                           .max_codes = 3,
                                           .brake = 0.9};

static int64_t at(int64_t second) { return (START_S + second) * S; }

// ---- histories

enum what { END, PUSH, CODE, ASK, NEWS, EVENT, KEPT, CLEAR_ALL };

struct step {
    enum what what;
    int64_t at_s;
    enum guard_news news;
    enum guard_rule rule;
    int64_t until_s;   // of the verdict; 0: none
    int64_t was_s;     // of an event: when it was published
    const char *event; // its uuid
};

// A push (a code) is to leave: what the guard says, and until when.
#define PUSH_AT(s, rule_, until)                                                                   \
    { .what = PUSH, .at_s = (s), .rule = GUARD_##rule_, .until_s = (until) }
#define CODE_AT(s, rule_)                                                                          \
    { .what = CODE, .at_s = (s), .rule = GUARD_##rule_ }
// It is only asked, by the login.
#define ASK_AT(s, rule_, until)                                                                    \
    { .what = ASK, .at_s = (s), .rule = GUARD_##rule_, .until_s = (until) }
// Of our own last challenge; and with a push that could not be taken back.
#define OURS_AT(s, news_)                                                                          \
    { .what = NEWS, .at_s = (s), .news = NEWS_##news_ }
#define KEPT_AT(s, news_)                                                                          \
    { .what = KEPT, .at_s = (s), .news = NEWS_##news_ }
// Of Okta's log: arrives then, was published then.
#define EVENT_AT(s, was, uuid, news_)                                                              \
    { .what = EVENT, .at_s = (s), .was_s = (was), .event = (uuid), .news = NEWS_##news_ }
#define CLEARED_AT(s)                                                                              \
    { .what = CLEAR_ALL, .at_s = (s) }

static const struct history {
    const char *says;
    struct step steps[STEPS_MAX];
} histories[] = {
    {"a push that is out keeps the next one back until it is answered",
     {PUSH_AT(1, CLEAR, 0), PUSH_AT(2, BUSY, 301), OURS_AT(9, APPROVED), PUSH_AT(10, CLEAR, 0)}},
    {"a push that nobody answers is out until its time",
     {PUSH_AT(1, CLEAR, 0), PUSH_AT(300, BUSY, 301), PUSH_AT(301, CLEAR, 0)}},
    {"a push that ended without an answer is out no more",
     {PUSH_AT(1, CLEAR, 0), OURS_AT(51, UNANSWERED), PUSH_AT(52, CLEAR, 0)}},
    {"a push that could not be taken back stays out",
     {PUSH_AT(1, CLEAR, 0), KEPT_AT(51, UNANSWERED), PUSH_AT(52, BUSY, 301)}},
    {"the window is full after so many pushes, until the oldest leaves it",
     {PUSH_AT(0, CLEAR, 0), OURS_AT(1, APPROVED), PUSH_AT(100, CLEAR, 0), OURS_AT(101, APPROVED),
      PUSH_AT(200, CLEAR, 0), OURS_AT(201, APPROVED), PUSH_AT(599, USER_RATE, 600),
      PUSH_AT(600, CLEAR, 0), OURS_AT(601, APPROVED), PUSH_AT(602, USER_RATE, 700)}},
    {"a denial makes a pause",
     {PUSH_AT(0, CLEAR, 0), OURS_AT(5, DENIED), PUSH_AT(6, PAUSE, 65), PUSH_AT(64, PAUSE, 65),
      PUSH_AT(65, CLEAR, 0)}},
    {"the pause doubles with each denial, up to the longest",
     {EVENT_AT(0, 0, "a", DENIED), ASK_AT(1, PAUSE, 60), EVENT_AT(100, 100, "b", DENIED),
      ASK_AT(101, PAUSE, 220), EVENT_AT(300, 300, "c", DENIED), ASK_AT(301, PAUSE, 500),
      EVENT_AT(600, 600, "d", DENIED), ASK_AT(601, PAUSE, 800)}},
    {"an approval forgets the denials",
     {EVENT_AT(0, 0, "a", DENIED), EVENT_AT(1, 1, "b", DENIED), PUSH_AT(200, CLEAR, 0),
      OURS_AT(201, APPROVED), EVENT_AT(300, 300, "c", DENIED), ASK_AT(301, PAUSE, 360)}},
    {"a pause counts from the denial, however late the log tells of it",
     {EVENT_AT(1000, 970, "a", DENIED), ASK_AT(1001, PAUSE, 1030), EVENT_AT(1002, 100, "b", DENIED),
      ASK_AT(1003, PAUSE, 1030)}},
    {"an event from a clock that is ahead counts from now",
     {EVENT_AT(10, 5000, "a", DENIED), ASK_AT(11, PAUSE, 70)}},
    {"the same event counts once",
     {EVENT_AT(0, 0, "a", DENIED), EVENT_AT(1, 0, "a", DENIED), ASK_AT(2, PAUSE, 60)}},
    {"a denial elsewhere counts while our own push is out",
     {PUSH_AT(0, CLEAR, 0), EVENT_AT(5, 5, "a", DENIED), ASK_AT(6, PAUSE, 65)}},
    {"a wrong number locks until an administrator clears it",
     {PUSH_AT(0, CLEAR, 0), OURS_AT(5, DENIED), EVENT_AT(9, 5, "a", WRONG_NUMBER),
      ASK_AT(90000, LOCK, 0), PUSH_AT(90001, LOCK, 0), CLEARED_AT(90002),
      PUSH_AT(90003, CLEAR, 0)}},
    {"a report of suspicious activity locks, and an approval does not lift it",
     {PUSH_AT(0, CLEAR, 0), EVENT_AT(1, 1, "a", SUSPICIOUS), OURS_AT(2, APPROVED),
      PUSH_AT(9000, LOCK, 0)}},
    {"Okta's lock is lifted when Okta unlocks the account",
     {EVENT_AT(0, 0, "a", LOCKED), PUSH_AT(9000, LOCK, 0), EVENT_AT(9001, 9001, "b", UNLOCKED),
      PUSH_AT(9002, CLEAR, 0)}},
    {"Okta's unlocking lifts no other lock",
     {EVENT_AT(0, 0, "a", SUSPICIOUS), EVENT_AT(1, 1, "b", LOCKED), EVENT_AT(2, 2, "c", UNLOCKED),
      PUSH_AT(3, LOCK, 0)}},
    {"a wrong number stays when Okta lifts its own lock, whichever came first",
     {EVENT_AT(0, 0, "a", LOCKED), EVENT_AT(1, 1, "b", WRONG_NUMBER), EVENT_AT(2, 2, "c", UNLOCKED),
      PUSH_AT(3, LOCK, 0)}},
    {"a lock that is told of after the unlocking that followed it does not count",
     {EVENT_AT(10, 8, "a", UNLOCKED), EVENT_AT(11, 7, "b", LOCKED), PUSH_AT(12, CLEAR, 0)}},
    {"an unlocking that is told of late does not lift a later lock",
     {EVENT_AT(10, 8, "a", LOCKED), EVENT_AT(11, 7, "b", UNLOCKED), PUSH_AT(12, LOCK, 0)}},
    {"high risk keeps pushes back until it is low",
     {EVENT_AT(0, 0, "a", RISK_HIGH), PUSH_AT(9000, RISK, 0), EVENT_AT(9001, 9001, "b", RISK_LOW),
      PUSH_AT(9002, CLEAR, 0)}},
    {"of two words on the risk the one that was published later counts",
     {EVENT_AT(10, 9, "a", RISK_LOW), EVENT_AT(11, 8, "b", RISK_HIGH), PUSH_AT(12, CLEAR, 0)}},
    {"a right code lifts lock, risk, pause and wrong codes",
     {EVENT_AT(0, 0, "a", WRONG_NUMBER), EVENT_AT(0, 0, "b", RISK_HIGH),
      EVENT_AT(0, 0, "c", DENIED), CODE_AT(1, CLEAR), OURS_AT(2, CODE_WRONG), CODE_AT(3, CLEAR),
      OURS_AT(4, CODE_RIGHT), PUSH_AT(5, CLEAR, 0), CODE_AT(6, CLEAR), CODE_AT(7, CLEAR),
      CODE_AT(8, CLEAR), CODE_AT(9, CODES)}},
    {"what was before a right code is not told against it afterwards",
     {CODE_AT(9, CLEAR), OURS_AT(10, CODE_RIGHT), EVENT_AT(20, 5, "a", WRONG_NUMBER),
      PUSH_AT(21, CLEAR, 0)}},
    {"codes are counted before they are checked, so that many at once are few",
     {CODE_AT(1, CLEAR), CODE_AT(1, CLEAR), CODE_AT(1, CLEAR), CODE_AT(1, CODES),
      CODE_AT(100000, CODES)}},
    {"wrong codes are not counted twice",
     {CODE_AT(1, CLEAR), OURS_AT(2, CODE_WRONG), CODE_AT(3, CLEAR), OURS_AT(4, CODE_WRONG),
      CODE_AT(5, CLEAR), OURS_AT(6, CODE_WRONG), CODE_AT(7, CODES)}},
    {"a wrong code that is told of after a right one counts",
     {CODE_AT(1, CLEAR), CODE_AT(1, CLEAR), OURS_AT(2, CODE_RIGHT), OURS_AT(3, CODE_WRONG),
      CODE_AT(4, CLEAR), CODE_AT(5, CLEAR), CODE_AT(6, CODES)}},
    {"wrong codes keep no push back, and an approved one forgets them",
     {CODE_AT(1, CLEAR), CODE_AT(2, CLEAR), CODE_AT(3, CLEAR), CODE_AT(4, CODES),
      PUSH_AT(5, CLEAR, 0), OURS_AT(6, APPROVED), CODE_AT(7, CLEAR)}},
    {"a pause, a lock, high risk and a push that is out keep no code back",
     {PUSH_AT(0, CLEAR, 0), EVENT_AT(1, 1, "a", DENIED), CODE_AT(2, CLEAR),
      EVENT_AT(3, 3, "b", RISK_HIGH), CODE_AT(4, CLEAR), EVENT_AT(5, 5, "c", SUSPICIOUS),
      CODE_AT(6, CLEAR)}},
    {"clearing lifts everything but a push that is out",
     {PUSH_AT(0, CLEAR, 0), EVENT_AT(1, 1, "a", DENIED), EVENT_AT(1, 1, "b", SUSPICIOUS),
      EVENT_AT(1, 1, "c", RISK_HIGH), CODE_AT(2, CLEAR), CODE_AT(2, CLEAR), CODE_AT(2, CLEAR),
      CLEARED_AT(3), CODE_AT(4, CLEAR), PUSH_AT(5, BUSY, 300), PUSH_AT(300, CLEAR, 0)}},
    {"clearing empties the window",
     {PUSH_AT(0, CLEAR, 0), OURS_AT(1, APPROVED), PUSH_AT(2, CLEAR, 0), OURS_AT(3, APPROVED),
      PUSH_AT(4, CLEAR, 0), OURS_AT(5, APPROVED), PUSH_AT(6, USER_RATE, 600), CLEARED_AT(7),
      PUSH_AT(8, CLEAR, 0)}},
    {"what was published before the clearing counts no more, what comes after it does",
     {EVENT_AT(0, 0, "a", DENIED), CLEARED_AT(10), EVENT_AT(11, 9, "b", SUSPICIOUS),
      ASK_AT(12, CLEAR, 0), EVENT_AT(13, 11, "c", SUSPICIOUS), ASK_AT(14, LOCK, 0)}},
    {"of several rules the gravest is told",
     {PUSH_AT(0, CLEAR, 0), ASK_AT(1, BUSY, 300), EVENT_AT(2, 2, "a", DENIED), ASK_AT(3, PAUSE, 62),
      EVENT_AT(4, 4, "b", RISK_HIGH), ASK_AT(5, RISK, 0), EVENT_AT(6, 6, "c", LOCKED),
      ASK_AT(7, LOCK, 0)}},
};

static const struct guard_subject eve = {.org = {"acme.okta.com", 13},
                                         .login = {"Eve@Example.com", 15},
                                         .user_id = {"00u1", 4},
                                         .entity_id = {"e-1", 3},
                                         .entity_name = {"Eve", 3}};
static const struct guard_subject by_login = {.org = {"acme.okta.com", 13},
                                              .login = {"eve@example.COM", 15}};

static void is_verdict(const struct guard_verdict *v, const struct step *s, const char *says,
                       size_t i) {
    int64_t until_ms = s->until_s ? at(s->until_s) : 0;
    bool times = s->what != CODE;
    if (v->rule == s->rule && (!times || v->until_ms == until_ms)) return;
    fail_msg("%s: step %zu: %s until %lld instead of %s until %lld", says, i,
             guard_rows[v->rule].name, (long long)(v->until_ms / S - START_S),
             guard_rows[s->rule].name, (long long)s->until_s);
}

static void admit(struct draft *d, const struct step *s, struct buf *challenge, const char *says,
                  size_t i) {
    struct guard_verdict v = {.rule = GUARD_RULES};
    AUTO_FINI(buf) struct buf id = buf_make(64);
    buf_addf(&id, "c-%zu", i);
    assert_int_equal(guard_admit(d, &limits, &eve, s->what == CODE, 0, buf_str(&id),
                                 at(s->at_s + LIFE_S), at(s->at_s), &v),
                     0);
    is_verdict(&v, s, says, i);
    if (v.rule != GUARD_CLEAR || s->what == CODE) return;
    buf_reset(challenge);
    buf_add_str(challenge, buf_str(&id));
}

static void note(struct draft *d, const struct step *s, const struct buf *challenge) {
    bool ours = s->what != EVENT;
    const struct guard_note n = {.news = s->news,
                                 .challenge = ours ? buf_str(challenge) : STR_NONE,
                                 .factor = STR("opf1"),
                                 .event = str_from(s->event),
                                 .at_ms = at(ours ? s->at_s : s->was_s),
                                 .still_out = s->what == KEPT};
    assert_int_equal(guard_note(d, &limits, &eve, &n, at(s->at_s)), 0);
}

static void take(struct draft *d, const struct step *s, struct buf *challenge, const char *says,
                 size_t i) {
    if (s->what == PUSH || s->what == CODE) admit(d, s, challenge, says, i);
    if (s->what == NEWS || s->what == EVENT || s->what == KEPT) note(d, s, challenge);
    if (s->what == CLEAR_ALL)
        assert_int_equal(guard_clear(d, guard_user(d->state, &eve), at(s->at_s)), 0);
    if (s->what == CLEAR_ALL && guard_entity(d->state, eve.entity_id))
        assert_int_equal(guard_clear(d, guard_entity(d->state, eve.entity_id), at(s->at_s)), 0);
    if (s->what != ASK) return;
    const struct guard_verdict v = guard_judge(d->state, &limits, &by_login, false, 0, at(s->at_s));
    is_verdict(&v, s, says, i);
}

static void histories_end_as_they_should(void **state) {
    (void)state;
    for (size_t h = 0; h < LEN(histories); h++) {
        AUTO_FINI(buf) struct buf challenge = buf_make(64);
        AUTO_FINI(draft) struct draft d = {.state = NULL};
        guard_open(&d);
        for (size_t i = 0; i < STEPS_MAX && histories[h].steps[i].what != END; i++)
            take(&d, &histories[h].steps[i], &challenge, histories[h].says, i);
        const struct guarded *g = guard_user(d.state, &eve);
        if (g) comes_back(&guarded_type, g);
    }
}

// ---- single facts

static struct guard_verdict let(struct draft *d, const struct guard_subject *who, double used,
                                const char *challenge, int64_t now_s) {
    struct guard_verdict v = {.rule = GUARD_RULES};
    assert_int_equal(guard_admit(d, &limits, who, false, used, str_from(challenge),
                                 at(now_s + LIFE_S), at(now_s), &v),
                     0);
    return v;
}

static void tell(struct draft *d, const struct guard_subject *who, enum guard_news news,
                 const char *event, int64_t now_s) {
    const struct guard_note n = {.news = news, .event = str_from(event), .at_ms = at(now_s)};
    assert_int_equal(guard_note(d, &limits, who, &n, at(now_s)), 0);
}

static void the_brake_stops_pushes_and_codes_alike(void **state) {
    struct draft *d = *state;
    for (int code = 0; code < 2; code++) {
        struct guard_verdict v = guard_judge(d->state, &limits, &eve, code, 0.9, at(0));
        assert_int_equal(v.rule, GUARD_BRAKE);
        assert_int_equal(v.until_ms, at(60));
        assert_int_equal(guard_judge(d->state, &limits, &eve, code, 0.89, at(0)).rule, GUARD_CLEAR);
        assert_int_equal(guard_judge(d->state, &limits, &eve, code, 0, at(0)).rule, GUARD_CLEAR);
    }
    assert_int_equal(let(d, &eve, 1, "c-1", 0).rule, GUARD_BRAKE);
    struct guard_limits without = limits;
    without.brake = 1;
    assert_int_equal(guard_judge(d->state, &without, &eve, false, 1, at(0)).rule, GUARD_CLEAR);
    assert_int_equal(state_count(d->state, RECORD_GUARD), 0);
}

static void one_entity_asks_for_many_users_no_more_often_than_for_one(void **state) {
    struct draft *d = *state;
    static const char *const ids[] = {"00u1", "00u2", "00u3", "00u4"};
    struct guard_subject who = eve;
    for (size_t i = 0; i < LEN(ids); i++) {
        who.user_id = who.login = str_from(ids[i]);
        struct guard_verdict v = let(d, &who, 0, "c", (int64_t)i);
        assert_int_equal(v.rule, i < 3 ? GUARD_CLEAR : GUARD_ENTITY_RATE);
        assert_int_equal(v.until_ms, i < 3 ? 0 : at(600));
    }
    who.entity_id = STR("e-2");
    assert_int_equal(let(d, &who, 0, "c", 5).rule, GUARD_CLEAR);
    assert_int_equal(guard_pushes(guard_entity(d->state, STR("e-1")), &limits, at(5)), 3);
    assert_int_equal(guard_pushes(guard_entity(d->state, STR("e-1")), &limits, at(601)), 1);
}

static void users_of_different_orgs_are_different_users(void **state) {
    struct draft *d = *state;
    struct guard_subject other = eve;
    other.org = STR("other.okta.com");
    tell(d, &eve, NEWS_SUSPICIOUS, "a", 0);
    assert_int_equal(let(d, &eve, 0, "c", 1).rule, GUARD_LOCK);
    assert_int_equal(let(d, &other, 0, "c", 1).rule, GUARD_CLEAR);
    other = by_login;
    other.org = STR("acme.okta.com:8443");
    assert_null(guard_user(d->state, &other));
}

static void a_lock_says_why_and_by_which_event(void **state) {
    struct draft *d = *state;
    static const struct {
        enum guard_news news;
        const char *reason;
    } rows[] = {{NEWS_WRONG_NUMBER, "wrong number"},
                {NEWS_SUSPICIOUS, "reported suspicious activity"},
                {NEWS_LOCKED, "locked by Okta"}};
    for (size_t i = 0; i < LEN(rows); i++) {
        struct guard_subject who = {.org = STR("o"), .user_id = str_from(rows[i].reason)};
        tell(d, &who, rows[i].news, "event-1", 0);
        const struct guarded *g = guard_user(d->state, &who);
        assert_true(str_eqz(g->lock_reason, rows[i].reason));
        assert_true(str_eqz(g->lock_event, "event-1"));
        assert_int_equal(g->locked_ms, at(0));
        const struct guard_verdict v = let(d, &who, 0, "c", 1);
        assert_true(str_eqz(v.detail, rows[i].reason));
        comes_back(&guarded_type, g);
    }
}

static void the_last_sixteen_events_are_remembered(void **state) {
    struct draft *d = *state;
    char uuid[32];
    for (int i = 0; i < 40; i++) {
        snprintf(uuid, sizeof uuid, "event-%d", i);
        tell(d, &eve, NEWS_DENIED, uuid, i);
    }
    const struct guarded *g = guard_user(d->state, &eve);
    assert_int_equal(list_count(g->seen), 16);
    assert_true(list_has(g->seen, STR("event-39")) && list_has(g->seen, STR("event-24")));
    assert_false(list_has(g->seen, STR("event-23")));
    assert_int_equal(g->denials, 40);
    tell(d, &eve, NEWS_DENIED, "event-24", 41);
    assert_int_equal(guard_user(d->state, &eve)->denials, 40);
}

static void factors_that_worked_are_remembered_the_latest_first(void **state) {
    struct draft *d = *state;
    char factor[32];
    for (int i = 0; i < 12; i++) {
        snprintf(factor, sizeof factor, "opf%d", i % 10);
        const struct guard_note n = {.news = i % 2 ? NEWS_APPROVED : NEWS_CODE_RIGHT,
                                     .factor = str_from(factor)};
        assert_int_equal(guard_note(d, &limits, &eve, &n, at(i)), 0);
    }
    struct str rest = guard_user(d->state, &eve)->used.packed, first, second;
    assert_int_equal(list_count(guard_user(d->state, &eve)->used), 8);
    assert_true(list_next(&rest, &first) && list_next(&rest, &second));
    assert_true(str_eqz(first, "opf1") && str_eqz(second, "opf0"));
    assert_false(list_has((struct list){rest}, STR("opf1")));
    const struct guard_note n = {.news = NEWS_DENIED, .factor = STR("opf9")};
    assert_int_equal(guard_note(d, &limits, &eve, &n, at(20)), 0);
    rest = guard_user(d->state, &eve)->used.packed;
    assert_true(list_next(&rest, &first) && str_eqz(first, "opf1"));
}

static void a_user_is_found_by_login_and_by_the_name_asked_for(void **state) {
    struct draft *d = *state;
    struct guard_subject who = eve;
    tell(d, &who, NEWS_SUSPICIOUS, "a", 0);
    who.login = STR("EVE@mail.example");
    assert_int_equal(let(d, &who, 0, "c", 1).rule, GUARD_LOCK);
    const struct guarded *g = guard_user(d->state, &eve);
    assert_true(str_eqz(g->login, "eve@example.com") && str_eqz(g->asked, "eve@mail.example"));
    who.user_id = STR_NONE;
    assert_ptr_equal(guard_user(d->state, &who), g);
    assert_ptr_equal(guard_user(d->state, &by_login), g);
    who.login = STR("eve");
    assert_null(guard_user(d->state, &who));
    who.login = STR("");
    assert_null(guard_user(d->state, &who));
    comes_back(&guarded_type, g);
}

static void a_name_that_was_asked_for_stays_when_the_log_tells_the_login(void **state) {
    struct draft *d = *state;
    struct guard_subject who = eve;
    who.login = STR("Eve@mail.example");
    assert_int_equal(let(d, &who, 0, "c", 0).rule, GUARD_CLEAR);
    tell(d, &eve, NEWS_SUSPICIOUS, "a", 1);
    const struct guarded *g = guard_user(d->state, &by_login);
    assert_non_null(g);
    who.user_id = STR_NONE;
    assert_ptr_equal(guard_user(d->state, &who), g);
    assert_int_equal(guard_judge(d->state, &limits, &who, false, 0, at(2)).rule, GUARD_LOCK);
}

static void a_refusal_is_written_down_only_when_it_taught_a_name(void **state) {
    struct draft *d = *state;
    tell(d, &eve, NEWS_SUSPICIOUS, "a", 0);
    size_t before = d->n;
    for (int i = 0; i < 100; i++) assert_int_equal(let(d, &eve, 0, "c", i).rule, GUARD_LOCK);
    assert_int_equal(d->n, before);
}

static void the_log_tells_a_new_login(void **state) {
    struct draft *d = *state;
    struct guard_subject who = eve;
    tell(d, &who, NEWS_DENIED, "a", 0);
    who.login = STR("Eva@example.com");
    tell(d, &who, NEWS_DENIED, "b", 1);
    assert_true(str_eqz(guard_user(d->state, &eve)->login, "eva@example.com"));
    assert_null(guard_user(d->state, &by_login));
}

static void of_two_users_of_a_login_the_one_touched_last_is_meant(void **state) {
    struct draft *d = *state;
    struct guard_subject second = eve;
    second.user_id = STR("00u2");
    tell(d, &second, NEWS_SUSPICIOUS, "a", 1);
    tell(d, &eve, NEWS_DENIED, "b", 2);
    assert_true(str_eqz(guard_user(d->state, &by_login)->user_id, "00u1"));
    tell(d, &second, NEWS_DENIED, "c", 3);
    assert_true(str_eqz(guard_user(d->state, &by_login)->user_id, "00u2"));
}

static void news_without_an_id_are_about_whom_the_login_is_known_of(void **state) {
    struct draft *d = *state;
    tell(d, &by_login, NEWS_SUSPICIOUS, "a", 0);
    assert_int_equal(state_count(d->state, RECORD_GUARD), 0);
    tell(d, &eve, NEWS_UNANSWERED, "b", 0);
    assert_int_equal(state_count(d->state, RECORD_GUARD), 0);
    assert_int_equal(let(d, &eve, 0, "c", 0).rule, GUARD_CLEAR);
    tell(d, &by_login, NEWS_SUSPICIOUS, "c", 1);
    assert_int_equal(let(d, &eve, 0, "c", 1).rule, GUARD_LOCK);
    const struct guard_subject nobody = {.login = eve.login, .user_id = eve.user_id};
    tell(d, &nobody, NEWS_DENIED, "d", 2);
    assert_int_equal(guard_user(d->state, &eve)->denials, 0);
}

static void nothing_is_admitted_for_nobody(void **state) {
    struct draft *d = *state;
    struct guard_verdict v;
    assert_int_equal(guard_admit(d, &limits, &by_login, false, 0, STR("c"), at(9), at(0), &v),
                     -EINVAL);
    const struct guard_subject nowhere = {.user_id = eve.user_id};
    assert_int_equal(guard_admit(d, &limits, &nowhere, true, 0, STR("c"), at(9), at(0), &v),
                     -EINVAL);
    assert_int_equal(state_count(d->state, RECORD_GUARD), 0);
}

static void a_clock_that_was_wrong_keeps_nobody_out_for_ever(void **state) {
    struct draft *d = *state;
    const int64_t year = 365LL * 86400;
    assert_int_equal(let(d, &eve, 0, "c", year).rule, GUARD_CLEAR);
    tell(d, &eve, NEWS_DENIED, NULL, year);
    const struct guard_verdict v = let(d, &eve, 0, "c-2", 0);
    assert_int_equal(v.rule, GUARD_CLEAR);
    assert_int_equal(guard_pushes(guard_user(d->state, &eve), &limits, at(0)), 1);
    assert_int_equal(let(d, &eve, 0, "c-3", -30).rule, GUARD_BUSY);
}

static void a_push_is_never_out_for_longer_than_an_hour(void **state) {
    struct draft *d = *state;
    struct guard_verdict v;
    assert_int_equal(guard_admit(d, &limits, &eve, false, 0, STR("c"), INT64_MAX, at(0), &v), 0);
    assert_int_equal(guard_user(d->state, &eve)->out_until_ms, at(3600));
    assert_int_equal(let(d, &eve, 0, "c", 3599).until_ms, at(3600));
    assert_int_equal(let(d, &eve, 0, "c", 3600).rule, GUARD_CLEAR);
}

static void another_challenge_does_not_release_a_push(void **state) {
    struct draft *d = *state;
    assert_int_equal(let(d, &eve, 0, "c-1", 0).rule, GUARD_CLEAR);
    const struct guard_note n = {.news = NEWS_UNANSWERED, .challenge = STR("c-2")};
    assert_int_equal(guard_note(d, &limits, &eve, &n, at(1)), 0);
    assert_int_equal(let(d, &eve, 0, "c-3", 2).rule, GUARD_BUSY);
}

static void people_call_them_by_login_other_name_or_id(void **state) {
    struct draft *d = *state;
    assert_int_equal(let(d, &eve, 0, "c", 0).rule, GUARD_CLEAR);
    const struct guarded *user = guard_user(d->state, &eve);
    const struct guarded *entity = guard_entity(d->state, eve.entity_id);
    assert_true(guard_is_called(user, STR("eve@example.com")) &&
                guard_is_called(user, STR("00U1")));
    assert_true(guard_is_called(entity, STR("eve")) && guard_is_called(entity, STR("e-1")));
    assert_false(guard_is_called(user, STR("eve")) || guard_is_called(user, STR("")));
    const struct guard_subject u = guard_subject_of(user), e = guard_subject_of(entity);
    assert_ptr_equal(guard_user(d->state, &u), user);
    assert_ptr_equal(guard_entity(d->state, e.entity_id), entity);
    struct tree_walk walk = guard_walk(d->state);
    assert_ptr_equal(tree_next(&walk), entity);
    assert_ptr_equal(tree_next(&walk), user);
    assert_null(tree_next(&walk));
}

static void what_nobody_needs_to_know_is_forgotten(void **state) {
    struct draft *d = *state;
    const int64_t days = 86400;
    struct guard_subject locked = eve, risky = eve, guessing = eve;
    struct guard_verdict v;
    locked.user_id = STR("00u2");
    risky.user_id = STR("00u3");
    guessing.user_id = STR("00u4");
    assert_int_equal(let(d, &eve, 0, "c", 0).rule, GUARD_CLEAR);
    tell(d, &locked, NEWS_SUSPICIOUS, "a", 0);
    tell(d, &risky, NEWS_RISK_HIGH, "b", 0);
    assert_int_equal(guard_admit(d, &limits, &guessing, true, 0, STR("c"), 0, at(0), &v), 0);
    assert_int_equal(guard_sweep(d, &limits, at(599), 100), 0);
    assert_int_equal(state_count(d->state, RECORD_GUARD), 5);
    assert_int_equal(guard_sweep(d, &limits, at(600), 100), 0);
    assert_null(guard_entity(d->state, eve.entity_id));
    assert_int_equal(guard_sweep(d, &limits, at(90 * days - 1), 100), 0);
    assert_non_null(guard_user(d->state, &eve));
    assert_int_equal(guard_sweep(d, &limits, at(90 * days), 100), 0);
    assert_null(guard_user(d->state, &eve));
    assert_int_equal(state_count(d->state, RECORD_GUARD), 3);
}

static void a_sweep_takes_no_more_than_it_was_told_to(void **state) {
    struct draft *d = *state;
    char id[32];
    for (int i = 0; i < 50; i++) {
        snprintf(id, sizeof id, "00u%d", i);
        const struct guard_subject who = {.org = STR("o"), .user_id = str_from(id)};
        assert_int_equal(let(d, &who, 0, "c", 0).rule, GUARD_CLEAR);
    }
    assert_int_equal(guard_sweep(d, &limits, at(91 * 86400), 20), 0);
    assert_int_equal(state_count(d->state, RECORD_GUARD), 30);
    assert_int_equal(guard_sweep(d, &limits, at(91 * 86400), 100), 0);
    assert_int_equal(state_count(d->state, RECORD_GUARD), 0);
}

static void records_that_are_none_are_refused(void **state) {
    (void)state;
    is_no_record(&guarded_type, "{\"org\":\"a\"}", "member \"subject\" is missing");
    is_no_record(&guarded_type, "{\"subject\":\"a\"}", "member \"user_id\" is missing");
    is_no_record(&guarded_type, "{\"subject\":\"a\",\"denials\":\"3\"}",
                 "member \"denials\" is of the wrong type");
    is_no_record(&guarded_type, "[]", "not a JSON object");
}

static void every_rule_has_its_row(void **state) {
    (void)state;
    for (size_t i = 0; i < GUARD_RULES; i++) {
        assert_true(strlen(guard_rows[i].name) > 2 && strlen(guard_rows[i].reason) > 10);
        assert_int_equal(i == GUARD_CLEAR, !guard_rows[i].pushes && !guard_rows[i].codes);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(guard_rows[i].name, guard_rows[k].name);
    }
    const struct guard_limits l = guard_defaults();
    assert_true(l.max_codes < 5 && l.pause_ms <= l.max_pause_ms && l.max_pushes > 0);
}

#define row(test) cmocka_unit_test_setup_teardown(test, guard_setup, guard_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        row(histories_end_as_they_should),
        row(the_brake_stops_pushes_and_codes_alike),
        row(one_entity_asks_for_many_users_no_more_often_than_for_one),
        row(users_of_different_orgs_are_different_users),
        row(a_lock_says_why_and_by_which_event),
        row(the_last_sixteen_events_are_remembered),
        row(factors_that_worked_are_remembered_the_latest_first),
        row(a_user_is_found_by_login_and_by_the_name_asked_for),
        row(a_name_that_was_asked_for_stays_when_the_log_tells_the_login),
        row(a_refusal_is_written_down_only_when_it_taught_a_name),
        row(the_log_tells_a_new_login),
        row(of_two_users_of_a_login_the_one_touched_last_is_meant),
        row(news_without_an_id_are_about_whom_the_login_is_known_of),
        row(nothing_is_admitted_for_nobody),
        row(a_clock_that_was_wrong_keeps_nobody_out_for_ever),
        row(a_push_is_never_out_for_longer_than_an_hour),
        row(another_challenge_does_not_release_a_push),
        row(people_call_them_by_login_other_name_or_id),
        row(what_nobody_needs_to_know_is_forgotten),
        row(a_sweep_takes_no_more_than_it_was_told_to),
        row(records_that_are_none_are_refused),
        row(every_rule_has_its_row),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
