// SPDX-License-Identifier: Apache-2.0
// Whatever happens in whatever order: no window holds more pushes than it may, no user has two
// pushes out at once, a pause grows until an approval or a clearing ends it, and what the guard
// knows is the same after a restart.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rand.h"
#include "guard-fixture.h"

enum { USERS = 3, ENTITIES = 2, STEPS = 3000, SEEDS = 20, HOURS = 6, LIFE_MS = 120000 };

static const struct guard_limits limits = {.max_pushes = 4,
                                           .window_ms = 60000,
                                           .pause_ms = 5000,
                                           .max_pause_ms = 70000,
                                           .max_codes = 3,
                                           .brake = 0.9};

// What must hold is kept beside, in the plainest way.
struct seen {
    int64_t pushes[STEPS]; // when they left, since the last clearing
    size_t n;
    int64_t out_until_ms; // 0: none
    char out[32];
    int64_t pause_ms;   // the last pause's length
    int64_t codes;      // let through in a row
    bool locked, risky; // by the news that came in order
};

struct world {
    struct draft d;
    struct rand rand;
    int64_t now_ms;
    struct seen users[USERS], entities[ENTITIES];
    size_t challenges, events, admitted, refused;
};

static struct guard_subject subject(size_t user, size_t entity) {
    static const char *const ids[USERS] = {"00uA", "00uB", "00uC"};
    static const char *const entities[ENTITIES] = {"e-1", "e-2"};
    return (struct guard_subject){.org = STR("acme"),
                                  .login = str_from(ids[user]),
                                  .user_id = str_from(ids[user]),
                                  .entity_id = str_from(entities[entity]),
                                  .entity_name = str_from(entities[entity])};
}

static size_t in_window(const struct seen *s, int64_t now_ms) {
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) n += s->pushes[i] > now_ms - limits.window_ms;
    return n;
}

static void has_left(struct seen *s, int64_t now_ms) {
    s->pushes[s->n++] = now_ms;
    assert_true(in_window(s, now_ms) <= (size_t)limits.max_pushes);
}

static void push(struct world *w, size_t user, size_t entity) {
    struct seen *s = &w->users[user];
    struct guard_verdict v;
    char id[32];
    snprintf(id, sizeof id, "c-%zu", w->challenges++);
    const struct guard_subject who = subject(user, entity);
    const struct guard_verdict judged = guard_judge(w->d.state, &limits, &who, false, 0, w->now_ms);
    assert_int_equal(guard_admit(&w->d, &limits, &who, false, 0, str_from(id), w->now_ms + LIFE_MS,
                                 w->now_ms, &v),
                     0);
    assert_int_equal(v.rule, judged.rule);
    assert_int_equal(v.until_ms, judged.until_ms);
    assert_true(v.until_ms == 0 || v.until_ms > w->now_ms);
    if (v.rule != GUARD_CLEAR) {
        w->refused++;
        return;
    }
    w->admitted++;
    assert_true(s->out_until_ms <= w->now_ms && !s->locked && !s->risky);
    s->out_until_ms = w->now_ms + LIFE_MS;
    memcpy(s->out, id, sizeof id);
    has_left(s, w->now_ms);
    has_left(&w->entities[entity], w->now_ms);
}

static void code(struct world *w, size_t user, size_t entity) {
    struct guard_verdict v;
    const struct guard_subject who = subject(user, entity);
    assert_int_equal(guard_admit(&w->d, &limits, &who, true, 0, STR("c"), 0, w->now_ms, &v), 0);
    if (v.rule == GUARD_CLEAR) assert_true(++w->users[user].codes <= limits.max_codes);
}

static const struct guarded *known(struct world *w, size_t user) {
    const struct guard_subject who = subject(user, 0);
    return guard_user(w->d.state, &who);
}

// How long the pause that an event at `at_ms` made is.
static void pause_has_grown(struct world *w, size_t user, int64_t at_ms, int64_t before_ms) {
    struct seen *s = &w->users[user];
    const struct guarded *g = known(w, user);
    int64_t pause_ms = g->paused_until_ms - at_ms;
    if (at_ms < g->cleared_ms || g->paused_until_ms == before_ms) return;
    assert_true(pause_ms >= s->pause_ms && pause_ms <= limits.max_pause_ms);
    assert_true(g->paused_until_ms > before_ms);
    s->pause_ms = pause_ms;
}

static void note(struct world *w, size_t user, enum guard_news news, bool ours) {
    struct seen *s = &w->users[user];
    char event[32];
    snprintf(event, sizeof event, "event-%zu", w->events++);
    const struct guard_subject who = subject(user, 0);
    const struct guard_note n = {.news = news,
                                 .challenge = ours ? str_from(s->out) : STR_NONE,
                                 .event = ours ? STR_NONE : str_from(event),
                                 .factor = STR("opf1"),
                                 .at_ms = w->now_ms};
    int64_t before_ms = known(w, user) ? known(w, user)->paused_until_ms : 0;
    assert_int_equal(guard_note(&w->d, &limits, &who, &n, w->now_ms), 0);
    if (ours) s->out_until_ms = 0;
    if (news == NEWS_DENIED) pause_has_grown(w, user, w->now_ms, before_ms);
    if (news == NEWS_APPROVED || news == NEWS_CODE_RIGHT) s->pause_ms = s->codes = 0;
    if (news == NEWS_CODE_RIGHT) s->locked = s->risky = false;
    if (news == NEWS_SUSPICIOUS || news == NEWS_WRONG_NUMBER) s->locked = true;
    if (news == NEWS_RISK_HIGH) s->risky = true;
    if (news == NEWS_RISK_LOW) s->risky = false;
}

static void clear(struct world *w, size_t user, size_t entity) {
    const struct guard_subject who = subject(user, entity);
    struct seen *s = &w->users[user];
    if (!known(w, user)) return;
    assert_int_equal(guard_clear(&w->d, known(w, user), w->now_ms), 0);
    s->n = 0;
    s->pause_ms = s->codes = 0;
    s->locked = s->risky = false;
    const struct guarded *e = guard_entity(w->d.state, who.entity_id);
    if (!e) return;
    assert_int_equal(guard_clear(&w->d, e, w->now_ms), 0);
    w->entities[entity].n = 0;
}

// Everything is written down, forgotten, and read again.
static void restart(struct world *w) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    AUTO_FINI(draft) struct draft old = w->d;
    struct tree_walk walk = guard_walk(old.state);
    const struct guarded *g;
    const struct json *v = NULL;
    struct fault fault = {{0}};
    assert_int_equal(json_reader_new(&reader), 0);
    guard_open(&w->d);
    while ((g = tree_next(&walk))) {
        AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
        void *made = NULL;
        guarded_type.encode(g, &text);
        assert_int_equal(json_read(reader, buf_str(&text), &v, &fault), 0);
        assert_int_equal(guarded_type.decode(&made, v, &fault), 0);
        assert_int_equal(draft_put(&w->d, made), 0);
    }
}

// News that locks for good is rare, or nothing else would ever happen.
static void step(struct world *w) {
    size_t user = rand_below(&w->rand, USERS), entity = rand_below(&w->rand, ENTITIES);
    uint64_t dice = rand_below(&w->rand, 100);
    w->now_ms += (int64_t)rand_below(&w->rand, 3000);
    bool out = w->users[user].out_until_ms > w->now_ms;
    if (dice < 55) push(w, user, entity);
    else if (dice < 70 && out) note(w, user, NEWS_APPROVED, true);
    else if (dice < 74 && out) note(w, user, NEWS_DENIED, true);
    else if (dice < 77 && out) note(w, user, NEWS_UNANSWERED, true);
    else if (dice < 80) note(w, user, NEWS_DENIED, false);
    else if (dice < 86) code(w, user, entity);
    else if (dice < 89) note(w, user, NEWS_CODE_RIGHT, false);
    else if (dice < 90) note(w, user, NEWS_SUSPICIOUS, false);
    else if (dice < 92) note(w, user, NEWS_RISK_HIGH, false);
    else if (dice < 95) note(w, user, NEWS_RISK_LOW, false);
    else if (dice < 98) restart(w);
    else clear(w, user, entity);
}

static void random_histories_never_break_a_promise(void **state) {
    (void)state;
    static struct world w;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        w = (struct world){.rand = rand_make(seed), .now_ms = 1700000000000};
        guard_open(&w.d);
        for (size_t i = 0; i < STEPS; i++) step(&w);
        assert_true(w.admitted > 50 && w.refused > 50);
        draft_fini(&w.d);
    }
}

// One who asks every second, whatever he is answered, for some hours of the guard's time.
static void an_attacker_gets_no_more_than_the_window_allows(void **state) {
    (void)state;
    static struct world w;
    w = (struct world){.now_ms = 1700000000000};
    guard_open(&w.d);
    for (size_t asked = 0; asked < HOURS * 3600; asked++, w.now_ms += 1000) {
        push(&w, 0, asked % ENTITIES);
        if (w.users[0].out_until_ms > w.now_ms && asked % 3 == 0)
            note(&w, 0, NEWS_UNANSWERED, true);
    }
    assert_true(w.admitted <= HOURS * 60 * (size_t)limits.max_pushes);
    assert_true(w.admitted > HOURS * 20);
    draft_fini(&w.d);
}

// Nobody approves: each denial's pause is at least as long as the last one's, until the longest.
static void pauses_grow_until_the_longest(void **state) {
    (void)state;
    static struct world w;
    w = (struct world){.now_ms = 1700000000000};
    guard_open(&w.d);
    for (int i = 0; i < 200; i++, w.now_ms += limits.max_pause_ms) note(&w, 0, NEWS_DENIED, false);
    assert_int_equal(w.users[0].pause_ms, limits.max_pause_ms);
    assert_int_equal(known(&w, 0)->denials, 200);
    draft_fini(&w.d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories_never_break_a_promise),
        cmocka_unit_test(an_attacker_gets_no_more_than_the_window_allows),
        cmocka_unit_test(pauses_grow_until_the_longest),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("guard_properties", tests, NULL, NULL);
}
