// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rand.h"
#include "http/concurrency.h"

static const struct rate_headers zeros = {.present = true, .reset_s = 1};
static const struct rate_headers minute = {
    .present = true, .limit = 600, .remaining = 0, .reset_s = 1};
static const struct rate_headers nothing = {.present = false};

static void send(struct concurrency *c, enum budget_class class, int n) {
    for (int i = 0; i < n; i++) concurrency_sent(c, class);
}

static void answer(struct concurrency *c, int status, const struct rate_headers *h, int n) {
    for (int i = 0; i < n; i++) concurrency_answered(c, BUDGET_PUSH, status, h);
}

// How many may go now without any answer.
static int burst(struct concurrency c, enum budget_class class) {
    int n = 0;
    for (; concurrency_wait_ms(&c, class) == 0; n++) concurrency_sent(&c, class);
    return n;
}

static void no_class_takes_all(void **state) {
    (void)state;
    struct concurrency c = concurrency_make();
    assert_int_equal(burst(c, BUDGET_PUSH), 24);
    assert_int_equal(burst(c, BUDGET_COLLECTION), 24);
    assert_int_equal(burst(c, BUDGET_BACKFILL), 16);
    send(&c, BUDGET_PUSH, 24);
    assert_int_equal(burst(c, BUDGET_COLLECTION), 8);
    send(&c, BUDGET_COLLECTION, 1);
    assert_int_equal(burst(c, BUDGET_BACKFILL), 7);
    for (c = concurrency_make(); c.most > 0; c.most--)
        for (int class = 0; class < BUDGET_CLASS_COUNT; class ++)
            assert_in_range(burst(c, (enum budget_class) class), 1, c.most);
}

static void answer_one_by_one(struct concurrency *c, int n) {
    for (int i = 0; i < n; i++) {
        send(c, BUDGET_PUSH, 1);
        answer(c, 200, &nothing, 1);
    }
}

static void how_many_may_be_in_flight_is_learned_from_refusals(void **state) {
    (void)state;
    struct concurrency c = concurrency_make();
    send(&c, BUDGET_PUSH, 20);
    answer(&c, 429, &zeros, 1);
    assert_int_equal(c.most, 10);
    assert_true(concurrency_wait_ms(&c, BUDGET_PUSH) > 0); // nineteen are in flight
    answer(&c, 0, &nothing, 19);
    assert_int_equal(burst(c, BUDGET_PUSH), 8);
    // Back to what was not too much in a round each, on from there in eight.
    answer_one_by_one(&c, 9);
    assert_int_equal(c.most, 10);
    answer_one_by_one(&c, 1);
    assert_int_equal(c.most, 11);
    for (int most = 11; most < 19; most++) answer_one_by_one(&c, most);
    assert_int_equal(c.most, 19);
    answer_one_by_one(&c, 8 * 19 - 1);
    assert_int_equal(c.most, 19);
    answer_one_by_one(&c, 1);
    assert_int_equal(c.most, 20);
    answer_one_by_one(&c, 5000);
    assert_int_equal(c.most, 32);
}

static void one_refusal_leaves_a_quarter(void **state) {
    (void)state;
    static const int most[] = {8, 2, 1, 1};
    struct concurrency c = concurrency_make();
    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        send(&c, BUDGET_PUSH, 2);
        answer(&c, 429, &zeros, 1);
        answer(&c, 200, &nothing, 1);
        assert_int_equal(c.most, most[i]);
    }
    assert_int_equal(burst(c, BUDGET_PUSH), 1);
}

// Others fill the org: of what it takes of us nothing is learned.
static void a_request_that_was_alone_says_nothing(void **state) {
    (void)state;
    struct concurrency c = concurrency_make();
    for (int i = 0; i < 10; i++) {
        send(&c, BUDGET_COLLECTION, 1);
        concurrency_answered(&c, BUDGET_COLLECTION, 429, &zeros);
    }
    assert_int_equal(c.most, 32);
}

static void what_was_sent_before_a_refusal_says_nothing_again(void **state) {
    (void)state;
    struct concurrency c = concurrency_make();
    send(&c, BUDGET_PUSH, 24);
    answer(&c, 429, &zeros, 24);
    assert_int_equal(c.most, 12);
    send(&c, BUDGET_PUSH, 9);
    answer(&c, 429, &zeros, 9);
    assert_int_equal(c.most, 4);
}

static void only_the_concurrency_limit_counts(void **state) {
    (void)state;
    static const int statuses[] = {0, 200, 400, 429, 500};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct concurrency c = concurrency_make();
        send(&c, BUDGET_PUSH, 10);
        answer(&c, statuses[i], &minute, 10);
        assert_int_equal(c.most, 32);
        assert_int_equal(c.in_flight, 0);
    }
    // No answer is none in the row towards one more.
    struct concurrency c = {.most = 1};
    send(&c, BUDGET_PUSH, 1);
    answer(&c, 0, &nothing, 1);
    assert_int_equal(c.most, 1);
}

// Sends as much as may go of a class to an org that takes `limit` at once; how many it refused.
static int fill(struct concurrency *c, enum budget_class class, int limit) {
    int refused = 0;
    while (concurrency_wait_ms(c, class) == 0) {
        concurrency_sent(c, class);
        if (c->in_flight <= limit) continue;
        concurrency_answered(c, class, 429, &zeros);
        refused++;
    }
    return refused;
}

static void the_limit_is_found_whatever_it_is(void **state) {
    (void)state;
    enum { ANSWERS = 10000 };
    for (int limit = 1; limit <= 40; limit++) {
        struct concurrency c = concurrency_make();
        struct rand rand = rand_make((uint64_t)limit);
        int refused = 0;
        for (int answers = 0; answers < ANSWERS;) {
            for (int i = 0; i < BUDGET_CLASS_COUNT; i++)
                refused += fill(&c, (enum budget_class)i, limit);
            assert_in_range(c.most, limit / 2, limit < 32 ? limit + 1 : 32);
            int class = (int)rand_below(&rand, BUDGET_CLASS_COUNT);
            if (!c.by_class[class]) continue;
            concurrency_answered(&c, (enum budget_class) class, 200, &nothing);
            answers++;
        }
        if (limit >= 32) assert_int_equal(refused, 0);
        assert_in_range(refused, 0, ANSWERS / 8 + 10);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_class_takes_all),
        cmocka_unit_test(how_many_may_be_in_flight_is_learned_from_refusals),
        cmocka_unit_test(one_refusal_leaves_a_quarter),
        cmocka_unit_test(a_request_that_was_alone_says_nothing),
        cmocka_unit_test(what_was_sent_before_a_refusal_says_nothing_again),
        cmocka_unit_test(only_the_concurrency_limit_counts),
        cmocka_unit_test(the_limit_is_found_whatever_it_is),
    };
    return cmocka_run_group_tests_name("concurrency", tests, NULL, NULL);
}
