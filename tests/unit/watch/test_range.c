// SPDX-License-Identifier: Apache-2.0
// What of the history is missing, and where it is cut.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/range.h"

enum { MOST = 5 };

// Ranges; the list ends at the first that is all zeros.
struct missing_row {
    const char *what;
    struct store_range wanted, have[MOST], missing[MOST];
};

static const struct missing_row missing_rows[] = {
    {"nothing is there", {10, 20}, {{0}}, {{10, 20}}},
    {"all of it is there", {10, 20}, {{10, 20}}, {{0}}},
    {"more than it is there", {10, 20}, {{5, 25}}, {{0}}},
    {"the beginning is missing", {10, 20}, {{15, 20}}, {{10, 15}}},
    {"the end is missing", {10, 20}, {{10, 15}}, {{15, 20}}},
    {"the middle is missing", {10, 20}, {{15, 22}, {8, 12}}, {{12, 15}}},
    {"only the middle is there", {10, 20}, {{12, 15}}, {{10, 12}, {15, 20}}},
    {"ranges that overlap", {10, 40}, {{12, 20}, {15, 18}, {19, 25}}, {{10, 12}, {25, 40}}},
    {"ranges that touch", {10, 40}, {{20, 30}, {10, 20}, {30, 40}}, {{0}}},
    {"what is beside it does not count", {10, 20}, {{1, 10}, {20, 30}}, {{10, 20}}},
    {"an empty range covers nothing", {10, 20}, {{15, 15}}, {{10, 20}}},
    {"nothing is wanted", {20, 20}, {{0}}, {{0}}},
    {"without end", {10, 20}, {{14, INT64_MAX}}, {{10, 14}}},
};

static size_t count(const struct store_range *ranges) {
    size_t n = 0;
    while (n < MOST && ranges[n].until_ms) n++;
    return n;
}

static void assert_ranges(const char *what, const struct range_list *got,
                          const struct store_range *wanted) {
    if (got->n != count(wanted)) fail_msg("%s: %zu ranges", what, got->n);
    for (size_t i = 0; i < got->n; i++)
        if (got->p[i].since_ms != wanted[i].since_ms || got->p[i].until_ms != wanted[i].until_ms)
            fail_msg("%s: range %zu is %lld to %lld", what, i, (long long)got->p[i].since_ms,
                     (long long)got->p[i].until_ms);
}

static void what_is_missing_is_found(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(missing_rows); i++) {
        const struct missing_row *row = &missing_rows[i];
        AUTO_FINI(range_list) struct range_list got = {0};
        assert_int_equal(range_missing(&got, row->wanted, row->have, count(row->have)), 0);
        assert_ranges(row->what, &got, row->missing);
    }
}

struct cut_row {
    const char *what;
    struct store_range list[MOST], other[MOST], cut[MOST];
};

static const struct cut_row cut_rows[] = {
    {"nothing to cut at", {{10, 20}}, {{0}}, {{10, 20}}},
    {"the same ranges", {{10, 20}}, {{10, 20}}, {{10, 20}}},
    {"an end inside", {{10, 20}}, {{5, 15}}, {{10, 15}, {15, 20}}},
    {"both ends inside", {{10, 20}}, {{12, 15}}, {{10, 12}, {12, 15}, {15, 20}}},
    {"several ranges", {{10, 20}, {30, 40}}, {{15, 35}}, {{10, 15}, {15, 20}, {30, 35}, {35, 40}}},
    {"ends beside", {{10, 20}}, {{1, 5}, {20, 30}}, {{10, 20}}},
};

static struct range_list list_of(const struct store_range *ranges) {
    struct range_list l = {0};
    assert_int_equal(mem_grow(&l.p, &l.cap, MOST, sizeof *l.p), 0);
    for (; l.n < count(ranges); l.n++) l.p[l.n] = ranges[l.n];
    return l;
}

static void what_two_have_in_common_becomes_the_same_ranges(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(cut_rows); i++) {
        AUTO_FINI(range_list) struct range_list list = list_of(cut_rows[i].list);
        AUTO_FINI(range_list) struct range_list other = list_of(cut_rows[i].other);
        assert_int_equal(range_cut(&list, &other), 0);
        assert_ranges(cut_rows[i].what, &list, cut_rows[i].cut);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_missing_is_found),
        cmocka_unit_test(what_two_have_in_common_becomes_the_same_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
