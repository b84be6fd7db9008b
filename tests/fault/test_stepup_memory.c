// SPDX-License-Identifier: Apache-2.0
// The n-th allocation fails, for every n, while a challenge goes its way: whoever asked is answered
// once; nobody is let through without a record and a document that say so; no push leaves that is
// not on record; and nothing is lost. Okta is a few functions here, which need no memory.
#include "../unit/mfa/stepup-fixture.h"

#include "failmalloc.h"
#include "okta/push.h"

enum { ATTEMPTS_MAX = 20000 };

// ---- Okta

struct okta_ask {
    struct loop_timer *timer;
    okta_ask_done *done;
    void *ctx;
    void (*answer)(struct okta_answer *a);
};

static struct okta_ask the_ask; // a run has one at a time
static int verifies, cancels, shown;
static bool verified_off_record;
static struct fixture *now;

static void answer_user(struct okta_answer *a) {
    static const struct okta_user user = {
        {"00u1", 4}, {"alice@acme.test", 15}, {"ACTIVE", 6}, true};
    a->users = &user;
    a->user_count = 1;
}

static void answer_factors(struct okta_answer *a) {
    static const struct okta_factor factor = {
        .id = {"opf1", 4}, .type = {"push", 4}, .provider = {"OKTA", 4}, .status = {"ACTIVE", 6}};
    a->factors = &factor;
    a->factor_count = 1;
}

static void answer_verify(struct okta_answer *a) {
    a->status = 201;
    a->transaction = (struct okta_transaction){.result = OKTA_FACTOR_WAITING,
                                               .poll_url = STR("http://o/poll"),
                                               .cancel_url = STR("http://o/poll"),
                                               .id = STR("tx1"),
                                               .number = shown};
}

static void answer_poll(struct okta_answer *a) {
    a->transaction = (struct okta_transaction){.result = OKTA_FACTOR_SUCCESS, .number = -1};
}

static void answer_cancel(struct okta_answer *a) { a->status = 204; }

static void on_time(void *ctx) {
    struct okta_ask *ask = ctx;
    struct okta_answer a = {.result = OKTA_ASK_ANSWERED, .status = 200};
    ask->answer(&a);
    ask->done(ask->ctx, &a);
}

static int answer_soon(void (*answer)(struct okta_answer *a), okta_ask_done *done, void *ctx,
                       struct okta_ask **ret) {
    the_ask.answer = answer;
    the_ask.done = done;
    the_ask.ctx = ctx;
    loop_timer_set(the_ask.timer, 0);
    *ret = &the_ask;
    return 0;
}

int __wrap_okta_find_user(struct okta_org *org, struct str name, bool by_email, okta_ask_done *done,
                          void *ctx, struct okta_ask **ret);
int __wrap_okta_find_user(struct okta_org *org, struct str name, bool by_email, okta_ask_done *done,
                          void *ctx, struct okta_ask **ret) {
    (void)org, (void)name, (void)by_email;
    return answer_soon(answer_user, done, ctx, ret);
}

int __wrap_okta_list_factors(struct okta_org *org, struct str user_id, okta_ask_done *done,
                             void *ctx, struct okta_ask **ret);
int __wrap_okta_list_factors(struct okta_org *org, struct str user_id, okta_ask_done *done,
                             void *ctx, struct okta_ask **ret) {
    (void)org, (void)user_id;
    return answer_soon(answer_factors, done, ctx, ret);
}

int __wrap_okta_verify_push(struct okta_org *org, struct str user_id, struct str factor_id,
                            bool number, const struct okta_asker *asker, okta_ask_done *done,
                            void *ctx, struct okta_ask **ret);
int __wrap_okta_verify_push(struct okta_org *org, struct str user_id, struct str factor_id,
                            bool number, const struct okta_asker *asker, okta_ask_done *done,
                            void *ctx, struct okta_ask **ret) {
    (void)org, (void)user_id, (void)factor_id, (void)number, (void)asker;
    struct state *s = fake_state(&now->world);
    verifies++;
    if (state_count(s, RECORD_CHALLENGE) == 0) verified_off_record = true;
    state_free(s);
    return answer_soon(answer_verify, done, ctx, ret);
}

int __wrap_okta_poll_push(struct okta_org *org, struct str user_id, struct str factor_id,
                          struct str url, okta_ask_done *done, void *ctx, struct okta_ask **ret);
int __wrap_okta_poll_push(struct okta_org *org, struct str user_id, struct str factor_id,
                          struct str url, okta_ask_done *done, void *ctx, struct okta_ask **ret) {
    (void)org, (void)user_id, (void)factor_id, (void)url;
    return answer_soon(answer_poll, done, ctx, ret);
}

int __wrap_okta_cancel_push(struct okta_org *org, struct str url, okta_ask_done *done, void *ctx,
                            struct okta_ask **ret);
int __wrap_okta_cancel_push(struct okta_org *org, struct str url, okta_ask_done *done, void *ctx,
                            struct okta_ask **ret) {
    (void)org, (void)url;
    cancels++;
    return answer_soon(answer_cancel, done, ctx, ret);
}

struct okta_ask *__wrap_okta_ask_cancel(struct okta_ask *ask);
struct okta_ask *__wrap_okta_ask_cancel(struct okta_ask *ask) {
    if (ask) loop_timer_cancel(ask->timer);
    return NULL;
}

// ---- one way through

static struct okta_org *org;

static void begin(struct fixture *f) {
    const struct okta_org_opts opts = {
        .url = f->url, .credentials = {.api_key = "k"}, .http = f->http};
    const struct stepup_source source = {.name = "acme", .url = f->url};
    struct fault fault = {{0}};
    now = f;
    verifies = cancels = 0;
    shown = -1;
    verified_off_record = false;
    assert_int_equal(okta_org_new(&org, f->loop, &opts, &fault), 0);
    struct stepup_source with_org = source;
    with_org.org = org;
    assert_int_equal(stepup_use_sources(f->stepup, &with_org, 1), 0);
    set_method(f, "okta", ",\"okta_source\":\"acme\",\"remember_s\":60");
    assert_int_equal(loop_timer_new(&the_ask.timer, f->loop, on_time, &the_ask), 0);
    assert_int_equal(loop_timer_new(&f->look, f->loop, look, f), 0);
    run_on(f, nothing_changes);
}

static void end(struct fixture *f) {
    stepup_stop(f->stepup, on_stopped, f);
    run_on(f, is_stopped);
    f->look = loop_timer_free(f->look);
    the_ask.timer = loop_timer_free(the_ask.timer);
    assert_int_equal(stepup_use_sources(f->stepup, NULL, 0), 0);
    org = okta_org_free(org);
}

static int count_allowed(const struct fixture *f) {
    int n = 0;
    for (int i = 0; i < f->asked; i++) n += f->waiters[i].allowed;
    return n;
}

static void check(struct fixture *f) {
    struct state *s = state_now(f);
    assert_true(verifies <= 1 && !verified_off_record && count_allowed(f) <= 1);
    for (int i = 0; i < f->asked; i++) {
        const struct waiter *w = &f->waiters[i];
        assert_int_equal(w->answers, w->ticket ? 1 : 0);
        if (!w->allowed) continue;
        const struct attempt *a = attempt_of(s, w);
        assert_true(a && a->outcome == TRAIL_ALLOWED);
        assert_int_equal(fake_documents(&f->world, "mfa-challenge", "success", NULL), 1);
    }
    state_free(s);
}

// ---- what is played; each ends with the request allowed if no memory is lacking

static void play_approval(struct fixture *f) {
    ask(f);
    run_on(f, all_answered);
}

static void play_number(struct fixture *f) {
    shown = 42;
    const struct waiter *w = ask(f);
    run_on(f, all_answered);
    ask_with(f, w->challenges);
    run_on(f, all_answered);
}

static bool is_polling(struct fixture *f) {
    return all_answered(f) || the_ask.answer == answer_poll;
}

static void play_departure(struct fixture *f) {
    const struct waiter *w = ask(f);
    run_on(f, is_polling);
    stepup_give_up(f->stepup, w->ticket);
    run_on(f, all_answered);
    run_on(f, nothing_runs);
    the_ask.answer = NULL;
    if (verifies == 0) ask(f);
    run_on(f, all_answered);
}

static void play_signals(struct fixture *f) {
    static const char head[] = "{\"uuid\":\"u-1\",\"published\":\"2026-11-22T10:00:00.123Z\","
                               "\"actor\":{\"id\":\"00u1\",\"type\":\"User\","
                               "\"alternateId\":\"alice@acme.test\"},\"eventType\":";
    static const char *const types[] = {"\"system.push.send_factor_verify_push\"}",
                                        "\"user.account.lock\"}"};
    char event[512];
    play_approval(f);
    for (size_t i = 0; i < LEN(types); i++) {
        snprintf(event, sizeof event, "%s%s", head, types[i]);
        stepup_observe(f->stepup, "acme", str_from(event));
    }
    run_on(f, nothing_changes);
}

static void play_sweep(struct fixture *f) {
    play_approval(f);
    sweep_tick(f->stepup);
    run_on(f, nothing_changes);
}

// True: there were fewer than n allocations, and so none failed.
static bool go_through(void (*play)(struct fixture *f), long n) {
    void *state = NULL;
    setup(&state);
    struct fixture *f = state;
    begin(f);
    failmalloc_arm(n);
    play(f);
    bool all = failmalloc_disarm() < n;
    check(f);
    if (all && play != play_departure) assert_int_equal(count_allowed(f), 1);
    end(f);
    teardown(&state);
    return all;
}

static void whichever_fails(void (*play)(struct fixture *f)) {
    assert_true(go_through(play, ATTEMPTS_MAX)); // what is made once and kept is there then
    long n = 1;
    while (!go_through(play, n)) assert_true(++n < ATTEMPTS_MAX);
    assert_true(n > 20);
}

static void nobody_is_let_through_for_want_of_memory(void **state) {
    (void)state;
    whichever_fails(play_approval);
}

static void no_number_is_good_twice_for_want_of_memory(void **state) {
    (void)state;
    whichever_fails(play_number);
}

static void who_goes_is_answered_without_memory(void **state) {
    (void)state;
    whichever_fails(play_departure);
}

static void signals_that_cannot_be_kept_harm_nothing(void **state) {
    (void)state;
    whichever_fails(play_signals);
}

static void sweeping_without_memory_harms_nothing(void **state) {
    (void)state;
    whichever_fails(play_sweep);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_let_through_for_want_of_memory),
        cmocka_unit_test(no_number_is_good_twice_for_want_of_memory),
        cmocka_unit_test(who_goes_is_answered_without_memory),
        cmocka_unit_test(signals_that_cannot_be_kept_harm_nothing),
        cmocka_unit_test(sweeping_without_memory_harms_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
