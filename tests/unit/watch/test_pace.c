// SPDX-License-Identifier: Apache-2.0
// How many windows are asked at once, which are split, and how long it all takes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/time.h"
#include "watch/pace.h"

// A server whose answers take `latency_ms`, of which it makes at most `at_once` at the same time.
struct server {
    const char *what;
    int64_t latency_ms;
    int at_once;
    int64_t allowed, left_ms; // of the rate limit
    double pages_left;
    int64_t concurrency;
    int wanted; // windows in flight in the end
};

static const struct server servers[] = {
    {"at hand, a small limit", 20, 1, 54, 60000, 1e6, 0, 1},
    {"at hand, no limit: more at once is no quicker", 20, 1, 1000000, 60000, 1e6, 0, 1},
    {"two at once are quicker, three are not", 20, 2, 1000000, 60000, 1e6, 0, 2},
    {"300 ms a page, 600 a minute", 300, 100, 600, 60000, 1e6, 0, 3},
    {"a second a page, 120 a minute", 1000, 100, 120, 60000, 1e6, 0, 2},
    {"a second a page, 600 a minute: as many as there may be", 1000, 100, 600, 60000, 1e6, 0, 8},
    {"what concurrency allows", 1000, 100, 600, 60000, 1e6, 3, 3},
    {"the limit is spent", 1000, 100, 0, 30000, 1e6, 0, 1},
    {"near the end the limit does not bind", 1000, 100, 60, 60000, 30, 0, 8},
};

static void as_few_as_spend_the_budget_are_asked_at_once(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(servers); i++) {
        const struct server *s = &servers[i];
        const struct pace_view v = {.known = true,
                                    .allowed = s->allowed,
                                    .left_ms = s->left_ms,
                                    .pages_left = s->pages_left,
                                    .concurrency = s->concurrency};
        struct pace p = pace_make();
        for (int page = 0; page < 300; page++) {
            int queue = p.want > s->at_once ? p.want : s->at_once;
            pace_page(&p, s->latency_ms * queue / s->at_once);
            pace_want(&p, &v);
        }
        if (p.want != s->wanted) fail_msg("%s: %d at once", s->what, p.want);
    }
}

static void nothing_changes_before_the_budget_is_known(void **state) {
    struct pace p = pace_make();
    const struct pace_view v = {.pages_left = 1e6};
    (void)state;
    for (int i = 0; i < 100; i++) {
        pace_page(&p, 1000);
        assert_int_equal(pace_want(&p, &v), 1);
    }
}

static void a_limit_of_concurrency_that_shrinks_is_followed_at_once(void **state) {
    struct pace p = pace_make();
    const struct pace_view v = {.known = true, .allowed = 600, .pages_left = 1e6, .concurrency = 2};
    (void)state;
    p.want = 6;
    assert_int_equal(pace_want(&p, &v), 2);
}

struct rest_row {
    const char *what;
    struct pace_rest rest;
    double density, left; // events a millisecond; events to come
    int64_t split;        // with pages of 100, of four pages at least
};

static const struct rest_row rest_rows[] = {
    {"its own density", {0, 500, 1000, 5000, 0}, 1, 5000, 750},
    {"the others', when it has none", {0, 0, 1000, 0, 0}, 2, 2000, 500},
    {"nothing is known", {0, 0, 1000, 0, 0}, 0, 0, 0},
    {"a page that is on its way counts as had", {0, 500, 1000, 5000, 600}, 1, 4000, 800},
    {"a page beyond the end", {0, 500, 1000, 5000, 1200}, 1, 0, 0},
    {"too little to split", {0, 900, 1000, 2700, 0}, 1, 300, 0},
    {"too short to split", {0, 998, 1000, 998000, 0}, 1, 2000, 0},
    {"at its end", {0, 1000, 1000, 5000, 0}, 1, 0, 0},
};

static void the_rest_of_a_window_is_split_where_it_is_worth_it(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(rest_rows); i++) {
        const struct rest_row *row = &rest_rows[i];
        double left = pace_events_left(&row->rest, row->density);
        int64_t split = pace_split_at(&row->rest, row->density, 100, 4);
        if (left < row->left - 0.01 || left > row->left + 0.01)
            fail_msg("%s: %f events left", row->what, left);
        if (split != row->split) fail_msg("%s: split at %lld", row->what, (long long)split);
    }
}

static void what_a_split_costs_counts_where_the_limit_binds(void **state) {
    const struct pace_view free = {.known = true, .allowed = 600, .pages_left = 100};
    const struct pace_view bound = {.known = true, .allowed = 600, .pages_left = 590};
    (void)state;
    assert_true(pace_split_min(&free) < pace_split_min(&bound));
}

struct time_row {
    const char *what;
    double pages;
    int64_t allowed, left_ms, wanted_ms;
};

// A page takes a tenth of a second, 60 requests a minute are allowed.
static const struct time_row time_rows[] = {
    {"within what is allowed now", 30, 60, 50000, 3000},
    {"into the next minute", 70, 60, 50000, 51000},
    {"three minutes on", 60 + 130, 60, 50000, 50000 + 2 * 60000 + 1000},
    {"nothing left", 0, 60, 50000, 0},
};

static void the_time_left_counts_the_waits_for_the_limit(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(time_rows); i++) {
        const struct time_row *row = &time_rows[i];
        struct pace p = pace_make();
        const struct pace_view v = {.known = true,
                                    .allowed = row->allowed,
                                    .left_ms = row->left_ms,
                                    .pages_left = row->pages};
        pace_page(&p, 100);
        int64_t got = pace_time_left_ms(&p, &v, 60);
        if (got < row->wanted_ms - 1 || got > row->wanted_ms + 1)
            fail_msg("%s: %lld ms", row->what, (long long)got);
    }
}

static void without_a_page_nothing_is_said_of_the_time_left(void **state) {
    struct pace p = pace_make();
    const struct pace_view v = {.known = true, .allowed = 1, .pages_left = 1};
    (void)state;
    assert_int_equal(pace_time_left_ms(&p, &v, 60), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_few_as_spend_the_budget_are_asked_at_once),
        cmocka_unit_test(nothing_changes_before_the_budget_is_known),
        cmocka_unit_test(a_limit_of_concurrency_that_shrinks_is_followed_at_once),
        cmocka_unit_test(the_rest_of_a_window_is_split_where_it_is_worth_it),
        cmocka_unit_test(what_a_split_costs_counts_where_the_limit_binds),
        cmocka_unit_test(the_time_left_counts_the_waits_for_the_limit),
        cmocka_unit_test(without_a_page_nothing_is_said_of_the_time_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
