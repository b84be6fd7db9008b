// SPDX-License-Identifier: Apache-2.0
// Slices, and the words that "did you mean" offers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"

#define assert_str(s, z) assert_true(str_eqz((s), z))

static void equality_is_of_bytes_and_length(void **state) {
    (void)state;
    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_false(str_eq(STR("a"), STR("ab")));
    assert_true(str_eq(STR_NONE, STR("")));
}

static void case_is_ignored_for_ascii_letters_only(void **state) {
    (void)state;
    assert_true(str_eq_nocase(STR("X-Rate-Limit"), STR("x-rate-LIMIT")));
    assert_false(str_eq_nocase(STR("a["), STR("a{")));
    assert_false(str_eq_nocase(STR("ab"), STR("abc")));
    assert_false(str_eq_nocase(STR("\xC3\x84"), STR("\xC3\xA4")));
}

static void starts_and_ends_work_up_to_the_whole_string(void **state) {
    (void)state;
    assert_true(str_starts(STR("abc"), STR("")));
    assert_true(str_starts(STR("abc"), STR("abc")));
    assert_false(str_starts(STR("ab"), STR("abc")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_false(str_ends(STR("bc"), STR("abc")));
    assert_true(str_ends(STR("abc"), STR("")));
}

static int sign(int x) { return (x > 0) - (x < 0); }

static void order_is_by_bytes_then_by_length(void **state) {
    (void)state;
    assert_int_equal(sign(str_cmp(STR("a"), STR("b"))), -1);
    assert_int_equal(sign(str_cmp(STR("b"), STR("a"))), 1);
    assert_int_equal(sign(str_cmp(STR("a"), STR("aa"))), -1);
    assert_int_equal(sign(str_cmp(STR("\xFF"), STR("a"))), 1);
    assert_int_equal(str_cmp(STR("same"), STR("same")), 0);
    assert_int_equal(str_cmp(STR_NONE, STR("")), 0);
}

static void finding_gives_the_first_place_or_the_length(void **state) {
    (void)state;
    assert_int_equal(str_find_char(STR("a=b=c"), '='), 1);
    assert_int_equal(str_find_char(STR("abc"), '='), 3);
    assert_int_equal(str_find_char(STR_NONE, '='), 0);
    assert_int_equal(str_find(STR("xxabxab"), STR("ab")), 2);
    assert_int_equal(str_find(STR("xx"), STR("ab")), 2);
    assert_int_equal(str_find(STR("xx"), STR("")), 0);
}

static void parts_are_cut_to_what_is_there(void **state) {
    (void)state;
    assert_str(str_sub(STR("abcdef"), 2, 4), "cd");
    assert_str(str_sub(STR("abc"), 2, 99), "c");
    assert_str(str_sub(STR("abc"), 99, 100), "");
    assert_str(str_sub(STR("abc"), 2, 1), "");
    assert_null(str_sub(STR_NONE, 0, 5).p);
}

static void trimming_takes_blanks_at_both_ends_only(void **state) {
    (void)state;
    assert_str(str_trim(STR(" \t\r\n a b \n")), "a b");
    assert_str(str_trim(STR("   ")), "");
    assert_str(str_trim(STR_NONE), "");
}

static void splitting_walks_through_and_ends_absent(void **state) {
    (void)state;
    struct str rest = STR("a,,c");
    assert_str(str_split(&rest, ','), "a");
    assert_str(str_split(&rest, ','), "");
    assert_str(str_split(&rest, ','), "c");
    assert_null(rest.p);
}

static void a_separator_at_the_end_leaves_an_empty_rest(void **state) {
    (void)state;
    struct str rest = STR("a,");
    assert_str(str_split(&rest, ','), "a");
    assert_non_null(rest.p);
    assert_int_equal(rest.n, 0);
}

static const char *const keys[] = {"interval", "initial_interval", "api_key", "url", "limit"};

static void the_nearest_word_is_found(void **state) {
    (void)state;
    assert_string_equal(str_nearest(STR("intervals"), keys, LEN(keys)), "interval");
    assert_string_equal(str_nearest(STR("apikey"), keys, LEN(keys)), "api_key");
    assert_string_equal(str_nearest(STR("URL"), keys, LEN(keys)), "url");
    assert_string_equal(str_nearest(STR("limit"), keys, LEN(keys)), "limit");
}

static void nothing_is_offered_for_a_word_that_is_far_from_all(void **state) {
    (void)state;
    assert_null(str_nearest(STR("elasticsearch"), keys, LEN(keys)));
    assert_null(str_nearest(STR(""), keys, LEN(keys)));
    assert_null(str_nearest(STR("url"), keys, 0));
    static const char long_word[200] = "x";
    assert_null(str_nearest((struct str){long_word, sizeof long_word}, keys, LEN(keys)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_is_of_bytes_and_length),
        cmocka_unit_test(case_is_ignored_for_ascii_letters_only),
        cmocka_unit_test(starts_and_ends_work_up_to_the_whole_string),
        cmocka_unit_test(order_is_by_bytes_then_by_length),
        cmocka_unit_test(finding_gives_the_first_place_or_the_length),
        cmocka_unit_test(parts_are_cut_to_what_is_there),
        cmocka_unit_test(trimming_takes_blanks_at_both_ends_only),
        cmocka_unit_test(splitting_walks_through_and_ends_absent),
        cmocka_unit_test(a_separator_at_the_end_leaves_an_empty_rest),
        cmocka_unit_test(the_nearest_word_is_found),
        cmocka_unit_test(nothing_is_offered_for_a_word_that_is_far_from_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
