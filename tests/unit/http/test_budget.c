// SPDX-License-Identifier: Apache-2.0
// Traces by hand, then a simulated server with Okta's window logic against thousands of random
// schedules: it must never have to refuse, and the share must be used.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/time.h"
#include "http/budget.h"

enum { NOW = 5000000 }; // of the monotonic clock
static const int64_t date_ms = INT64_C(1795341600000);

// Headers of an answer whose window ends `left_s` after its Date.
static struct rate_headers told(int64_t limit, int64_t remaining, int64_t left_s) {
    return (struct rate_headers){.present = true,
                                 .limit = limit,
                                 .remaining = remaining,
                                 .reset_s = date_ms / 1000 + left_s,
                                 .date_ms = date_ms};
}

static void ask(struct budget *b, int status, struct rate_headers h, int64_t mono_ms) {
    budget_sent(b, BUDGET_COLLECTION);
    budget_answered(b, status, &h, mono_ms);
}

// How many may go now without any answer.
static int burst(struct budget b, int64_t mono_ms) {
    int n = 0;
    while (n < 100000 && budget_wait_ms(&b, BUDGET_COLLECTION, mono_ms) == 0) {
        budget_sent(&b, BUDGET_COLLECTION);
        n++;
    }
    return n;
}

struct share_row {
    double early;
    int64_t limit, remaining;
    int may_go;
};

static const struct share_row shares[] = {
    {0, 20, 19, 17},      // default 90 %: 18 of 20, one is spent
    {0, 10, 9, 8},        // 9 of 10
    {0, 100, 50, 40},     // what others have used counts
    {0, 2, 2, 1},         // one of two
    {0, 1, 1, 1},         // the only one there is
    {0, 1, 0, 0},         //
    {0, 3, 2, 1},         // 2 of 3
    {0.5, 100, 99, 49},   // half
    {0.5, 100, 50, 0},    // half is gone
    {0.29, 100, 99, 27},  // 0.29 * 100 is 28.999...: as Elastic computes it
    {1, 100, 99, 98},     // stop when 1 remains
    {10, 100, 99, 89},    // stop when 10 remain
    {500, 100, 100, 1},   // stricter than the limit: one per window all the same
    {0.001, 100, 100, 1}, // same
    {-1, 10, 9, 8},       // no meaning: the default
    {0.9, 600, 599, 539}, //
};

static void the_early_limit_has_elastics_two_meanings(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(shares); i++) {
        struct budget b = budget_make(shares[i].early, 1);
        ask(&b, 200, told(shares[i].limit, shares[i].remaining, 30), NOW);
        if (burst(b, NOW) != shares[i].may_go)
            fail_msg("row %zu: %d may go, not %d", i, burst(b, NOW), shares[i].may_go);
    }
}

static void while_nothing_is_known_one_request_at_a_time_may_go(void **state) {
    (void)state;
    struct budget b = budget_make(0, 1);
    assert_int_equal(burst(b, NOW), 1);
    budget_sent(&b, BUDGET_COLLECTION);
    assert_true(budget_wait_ms(&b, BUDGET_COLLECTION, NOW) > 0);
    budget_answered(&b, 200, &(struct rate_headers){.present = false}, NOW);
    assert_int_equal(burst(b, NOW), 1);
    int64_t used, limit;
    assert_false(budget_used(&b, NOW, &used, &limit));
}

struct wait_row {
    int64_t left_s;
    int64_t wait_ms;
};

static const struct wait_row waits[] = {
    {0, 1000},
    {1, 2000},
    {30, 31000},
    {60, 61000},
    {-1, 1000},
    {-2, 1000},  // ended while the answer was under way
    {62, 61000}, // more than a window: cut
    // Date and Reset do not fit: a whole window, by our own clock
    {-3, 61000},
    {-7200, 61000},
    {7200, 61000},
};

static void a_spent_window_is_waited_for_by_reset_minus_date_and_a_second(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(waits); i++) {
        struct budget b = budget_make(0, 1);
        ask(&b, 200, told(10, 1, waits[i].left_s), NOW);
        assert_int_equal(budget_wait_ms(&b, BUDGET_COLLECTION, NOW), waits[i].wait_ms);
        assert_int_equal(budget_wait_ms(&b, BUDGET_COLLECTION, NOW + waits[i].wait_ms - 1), 1);
        assert_int_equal(burst(b, NOW + waits[i].wait_ms), 1); // a probe
    }
}

static void a_missing_date_is_not_replaced_by_the_local_clock(void **state) {
    (void)state;
    struct budget b = budget_make(0, 1);
    struct rate_headers h = told(10, 1, 5);
    h.date_ms = 0;
    ask(&b, 200, h, NOW);
    assert_int_equal(budget_wait_ms(&b, BUDGET_COLLECTION, NOW), 61000);
    // A later answer of the same window with a Date makes it shorter.
    ask(&b, 200, told(10, 1, 5), NOW + 1000);
    assert_int_equal(budget_wait_ms(&b, BUDGET_COLLECTION, NOW + 1000), 6000);
}

static void answers_out_of_order_do_not_raise_what_remains(void **state) {
    (void)state;
    struct budget b = budget_make(1, 1);
    ask(&b, 200, told(100, 99, 30), NOW);
    for (int i = 0; i < 3; i++) budget_sent(&b, BUDGET_COLLECTION);
    assert_int_equal(burst(b, NOW), 95);
    struct rate_headers third = told(100, 96, 30), second = told(100, 97, 30),
                        first = told(100, 98, 30);
    budget_answered(&b, 200, &third, NOW);
    assert_in_range(burst(b, NOW), 93, 95);
    budget_answered(&b, 200, &first, NOW);
    assert_in_range(burst(b, NOW), 94, 95);
    budget_answered(&b, 200, &second, NOW);
    assert_int_equal(burst(b, NOW), 95); // and nothing of the share is lost either
}

static void an_answer_of_the_window_before_changes_nothing(void **state) {
    (void)state;
    struct budget b = budget_make(1, 1);
    ask(&b, 200, told(100, 40, 1), NOW);
    budget_sent(&b, BUDGET_COLLECTION);
    ask(&b, 200, told(100, 99, 61), NOW + 1000);
    assert_int_equal(burst(b, NOW + 1000), 97);
    struct rate_headers late = told(100, 39, 1);
    budget_answered(&b, 200, &late, NOW + 1100);
    assert_int_equal(burst(b, NOW + 1100), 98);
}

static void lost_requests_count_as_used(void **state) {
    (void)state;
    struct budget b = budget_make(1, 1);
    ask(&b, 200, told(100, 99, 30), NOW);
    for (int i = 0; i < 5; i++) ask(&b, 0, (struct rate_headers){.present = false}, NOW);
    assert_int_equal(burst(b, NOW), 93);
    ask(&b, 200, told(100, 98, 30), NOW); // whether they are in it cannot be known
    assert_int_equal(burst(b, NOW), 92);
}

static void the_concurrency_limit_is_waited_out_for_a_growing_random_while(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct budget b = budget_make(0, seed);
        ask(&b, 200, told(100, 99, 30), NOW);
        int64_t now = NOW;
        for (int64_t n = 1; n <= 10; n++) {
            struct rate_headers h = told(0, 0, 40);
            assert_true(budget_is_concurrency(429, &h));
            ask(&b, 429, h, now);
            int64_t wait = budget_wait_ms(&b, BUDGET_COLLECTION, now);
            int64_t factor = INT64_C(1) << (n < 7 ? n - 1 : 6);
            assert_in_range(wait, factor < 60 ? 1000 * factor : 60000,
                            factor < 12 ? 5000 * factor : 60000);
            now += wait;
            if (now < NOW + 31000) assert_int_equal(budget_wait_ms(&b, BUDGET_COLLECTION, now), 0);
        }
        ask(&b, 200, told(100, 50, 200), now);
        ask(&b, 429, told(0, 0, 40), now);
        assert_in_range(budget_wait_ms(&b, BUDGET_COLLECTION, now), 1000,
                        5000); // a success starts anew
    }
}

// A crowd that was sent together is refused together.
static void what_is_refused_together_is_one_refusal(void **state) {
    (void)state;
    const struct rate_headers silent = {.present = false};
    const struct rate_headers zeros = told(0, 0, 40);
    for (int i = 0; i < 2; i++) {
        struct budget b = budget_make(0, 1);
        ask(&b, 200, told(100, 99, 30), NOW);
        for (int n = 0; n < 12; n++) budget_sent(&b, BUDGET_PUSH);
        for (int n = 0; n < 12; n++) budget_answered(&b, 429, i ? &silent : &zeros, NOW + n);
        assert_int_equal(b.refused, 12);
        assert_in_range(budget_wait_ms(&b, BUDGET_PUSH, NOW + 12), 900, 5000);
    }
}

static void a_429_of_the_minute_waits_for_the_reset(void **state) {
    (void)state;
    struct budget b = budget_make(0, 1);
    ask(&b, 429, told(10, 0, 42), NOW);
    assert_int_equal(budget_wait_ms(&b, BUDGET_COLLECTION, NOW), 43000);
    assert_int_equal(burst(b, NOW + 43000), 1);
    struct rate_headers h = told(10, 0, 42);
    assert_false(budget_is_concurrency(429, &h));
    // Even one that says that something remains.
    ask(&b, 429, told(10, 7, 10), NOW + 43000);
    assert_int_equal(budget_wait_ms(&b, BUDGET_COLLECTION, NOW + 43000), 11000);
    assert_int_equal(b.refused, 2);
}

static void a_429_without_usable_headers_backs_off_from_a_second_to_a_minute(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct budget b = budget_make(0, seed);
        int64_t now = NOW;
        for (int64_t n = 1; n <= 10; n++) {
            struct rate_headers h = {.present = false};
            if (n % 2) h = told(10, 0, 100000); // absurd
            ask(&b, 429, h, now);
            int64_t wait = budget_wait_ms(&b, BUDGET_COLLECTION, now);
            int64_t whole = n < 6 ? INT64_C(1000) << n : 60000;
            if (whole > 60000) whole = 60000;
            assert_in_range(wait, whole / 2, whole);
            now += wait;
        }
    }
}

static int burst_of(struct budget b, enum budget_class class) {
    int n = 0;
    while (n < 100000 && budget_wait_ms(&b, class, NOW) == 0) {
        budget_sent(&b, class);
        n++;
    }
    return n;
}

// A window of 100 in which 5 pushes and 7 polls were sent, then the answer that begins the next.
static struct budget second_window(int64_t limit, int pushes, int polls) {
    struct budget b = budget_make(0, 1);
    struct rate_headers later = told(limit, limit - 1, 60);
    later.reset_s += 60;
    ask(&b, 200, told(limit, limit, 30), NOW - 1000);
    for (int i = 0; i < pushes; i++) budget_sent(&b, BUDGET_PUSH);
    for (int i = 0; i < polls; i++) budget_sent(&b, BUDGET_COLLECTION);
    for (int i = 0; i < pushes + polls; i++)
        budget_answered(&b, 200, &(struct rate_headers){.present = false}, NOW - 1000);
    budget_sent(&b, BUDGET_BACKFILL);
    budget_answered(&b, 200, &later, NOW);
    return b;
}

static void a_later_class_leaves_to_the_earlier_ones_what_they_used_before(void **state) {
    (void)state;
    struct budget b = second_window(100, 5, 7);
    assert_int_equal(burst_of(b, BUDGET_PUSH), 89);
    assert_int_equal(burst_of(b, BUDGET_COLLECTION), 84);
    assert_int_equal(burst_of(b, BUDGET_BACKFILL), 77);
    // What they use now is not kept twice.
    for (int i = 0; i < 7; i++) budget_sent(&b, BUDGET_COLLECTION);
    assert_int_equal(burst_of(b, BUDGET_BACKFILL), 77);
    // Never more than a quarter of the share is kept.
    assert_int_equal(burst_of(second_window(100, 0, 80), BUDGET_BACKFILL), 67);
    assert_int_equal(burst_of(second_window(2, 1, 1), BUDGET_BACKFILL), 0);
}

static void what_is_used_is_told_for_people(void **state) {
    (void)state;
    struct budget b = budget_make(0, 1);
    ask(&b, 200, told(50, 40, 30), NOW);
    budget_sent(&b, BUDGET_COLLECTION);
    int64_t used, limit;
    assert_true(budget_used(&b, NOW, &used, &limit));
    assert_int_equal(used, 11);
    assert_int_equal(limit, 50);
    assert_false(budget_used(&b, NOW + 31000, &used, &limit));
}

static void absurd_numbers_are_survived(void **state) {
    (void)state;
    static const int64_t numbers[] = {0, 1, 2, 1000, INT64_MAX - 1, INT64_MAX};
    struct budget b = budget_make(0.999999999999, 1);
    for (size_t i = 0; i < 6 * 6 * 6 * 6; i++) {
        struct rate_headers h = {.present = true,
                                 .limit = numbers[i % 6],
                                 .remaining = numbers[i / 6 % 6],
                                 .reset_s = numbers[i / 36 % 6],
                                 .date_ms = numbers[i / 216 % 6]};
        ask(&b, i % 5 ? 200 : 429, h, NOW + (int64_t)i);
        assert_in_range(budget_wait_ms(&b, BUDGET_COLLECTION, NOW + (int64_t)i), 0, 62000);
    }
}

// The simulated server and its clients

enum { LANES_MAX = 6, RUN_MS = 900000 };
enum lane_state { IDLE, UNDERWAY, RETURNING };

struct lane {
    enum lane_state state;
    int64_t at_ms; // of its next event
    int status;
    struct rate_headers answer;
};

struct world {
    uint64_t seed;
    struct rand rand;
    struct budget budget;
    // the server
    int64_t limit;
    int64_t allowed; // the share
    bool aligned;    // windows follow each other; else each begins with its first request
    bool reset_up;   // Reset is rounded up, else down
    int64_t window_end_ms, used;
    int64_t skew_ms; // of the server's clock
    int windows_full, windows;
    // the clients
    struct lane lanes[LANES_MAX];
    size_t lane_count;
    int64_t latency_ms, think_ms;
    uint64_t loss_percent;
};

static int64_t up_to(struct world *w, int64_t max) {
    return (int64_t)rand_below(&w->rand, (uint64_t)max + 1);
}

static void next_window(struct world *w, int64_t now) {
    if (w->window_end_ms) {
        w->windows++;
        w->windows_full += w->used == w->allowed;
    }
    int64_t length = 60000;
    if (!w->window_end_ms || !w->aligned)
        w->window_end_ms = now + (w->aligned ? up_to(w, 59999) + 1 : length);
    while (w->window_end_ms <= now) w->window_end_ms += length;
    w->used = 0;
}

static void serve(struct world *w, struct lane *lane) {
    int64_t now = lane->at_ms;
    if (now >= w->window_end_ms) next_window(w, now);
    w->used++;
    // A lost answer may have been the one that told of the others: then into the reserve, but no
    // further.
    if (w->used > (w->loss_percent ? w->limit : w->allowed))
        fail_msg("seed %d: %d of %d requests used (%zu lanes, latency %d, think %d, loss %d, %s)",
                 (int)w->seed, (int)w->used, (int)w->limit, w->lane_count, (int)w->latency_ms,
                 (int)w->think_ms, (int)w->loss_percent, w->aligned ? "aligned" : "from the first");
    int64_t clock = now + w->skew_ms;
    int64_t end = w->window_end_ms + w->skew_ms;
    bool lost = rand_below(&w->rand, 100) < w->loss_percent;
    lane->status = lost ? 0 : 200;
    lane->answer = (struct rate_headers){
        .present = !lost,
        .limit = w->limit,
        .remaining = w->limit - w->used,
        .reset_s = (end + (w->reset_up ? 999 : 0)) / 1000,
        .date_ms = clock / 1000 * 1000,
    };
    lane->state = RETURNING;
    lane->at_ms += 1 + up_to(w, w->latency_ms);
}

static void answer(struct world *w, struct lane *lane) {
    budget_answered(&w->budget, lane->status, &lane->answer, lane->at_ms);
    lane->state = IDLE;
    int64_t now = lane->at_ms;
    lane->at_ms += up_to(w, w->think_ms);
    for (size_t i = 0; i < w->lane_count; i++) // those that wait may ask again
        if (w->think_ms == 0 && w->lanes[i].state == IDLE) w->lanes[i].at_ms = now;
}

static void try_to_send(struct world *w, struct lane *lane) {
    int64_t wait = budget_wait_ms(&w->budget, BUDGET_COLLECTION, lane->at_ms);
    if (wait > 0) {
        lane->at_ms += wait;
        return;
    }
    budget_sent(&w->budget, BUDGET_COLLECTION);
    lane->state = UNDERWAY;
    lane->at_ms += 1 + up_to(w, w->latency_ms);
}

static struct lane *earliest(struct world *w) {
    struct lane *first = &w->lanes[0];
    for (size_t i = 1; i < w->lane_count; i++)
        if (w->lanes[i].at_ms < first->at_ms) first = &w->lanes[i];
    return first;
}

static void run_world(struct world *w) {
    static void (*const steps[])(struct world *, struct lane *) = {
        [IDLE] = try_to_send, [UNDERWAY] = serve, [RETURNING] = answer};
    for (struct lane *lane; (lane = earliest(w))->at_ms < NOW + RUN_MS;)
        steps[lane->state](w, lane);
}

static struct world make_world(uint64_t seed) {
    static const int64_t limits[] = {1, 2, 3, 5, 10, 20, 50, 100, 150};
    struct world w = {.seed = seed, .rand = rand_make(seed), .budget = budget_make(0, seed)};
    w.limit = limits[rand_below(&w.rand, LEN(limits))];
    w.allowed = (int64_t)(0.9 * (double)w.limit);
    if (w.allowed < 1) w.allowed = 1;
    w.aligned = rand_below(&w.rand, 2);
    w.reset_up = rand_below(&w.rand, 2);
    w.skew_ms = date_ms + up_to(&w, 1000000);
    w.lane_count = 1 + (size_t)rand_below(&w.rand, LANES_MAX);
    for (size_t i = 0; i < LANES_MAX; i++) w.lanes[i].at_ms = NOW + up_to(&w, 1000);
    return w;
}

static void no_schedule_ever_provokes_a_429(void **state) {
    (void)state;
    static const int64_t latencies[] = {5, 100, 1000, 5000, 50000};
    static const int64_t thinking[] = {0, 100, 3000, 30000};
    for (uint64_t seed = 0; seed < 6000; seed++) {
        struct world w = make_world(seed);
        w.latency_ms = latencies[rand_below(&w.rand, LEN(latencies))];
        w.think_ms = thinking[rand_below(&w.rand, LEN(thinking))];
        // Probes of an unknown limit may all be lost, so a limit of one or two proves nothing.
        w.loss_percent = w.limit >= 10 && rand_below(&w.rand, 2) ? 10 : 0;
        run_world(&w);
    }
}

static void the_share_is_really_used_in_every_window(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct world w = make_world(seed);
        w.latency_ms = 80;
        run_world(&w);
        assert_true(w.windows >= 13);
        // The first window may have begun before the first request.
        if (w.windows_full < w.windows - 1)
            fail_msg("seed %d: %d of %d windows used, limit %d, %zu lanes", (int)seed,
                     w.windows_full, w.windows, (int)w.limit, w.lane_count);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_early_limit_has_elastics_two_meanings),
        cmocka_unit_test(while_nothing_is_known_one_request_at_a_time_may_go),
        cmocka_unit_test(a_spent_window_is_waited_for_by_reset_minus_date_and_a_second),
        cmocka_unit_test(a_missing_date_is_not_replaced_by_the_local_clock),
        cmocka_unit_test(answers_out_of_order_do_not_raise_what_remains),
        cmocka_unit_test(an_answer_of_the_window_before_changes_nothing),
        cmocka_unit_test(lost_requests_count_as_used),
        cmocka_unit_test(the_concurrency_limit_is_waited_out_for_a_growing_random_while),
        cmocka_unit_test(what_is_refused_together_is_one_refusal),
        cmocka_unit_test(a_429_of_the_minute_waits_for_the_reset),
        cmocka_unit_test(a_429_without_usable_headers_backs_off_from_a_second_to_a_minute),
        cmocka_unit_test(a_later_class_leaves_to_the_earlier_ones_what_they_used_before),
        cmocka_unit_test(what_is_used_is_told_for_people),
        cmocka_unit_test(absurd_numbers_are_survived),
        cmocka_unit_test(no_schedule_ever_provokes_a_429),
        cmocka_unit_test(the_share_is_really_used_in_every_window),
    };
    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
