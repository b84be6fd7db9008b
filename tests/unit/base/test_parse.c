// SPDX-License-Identifier: Apache-2.0
// Text to numbers: whole text or nothing. Each table holds texts and what they mean.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/parse.h"

static void whole_numbers_up_to_their_limits_are_read(void **state) {
    (void)state;
    uint64_t u = 1;
    assert_true(parse_u64(STR("0"), &u) && u == 0);
    assert_true(parse_u64(STR("007"), &u) && u == 7);
    assert_true(parse_u64(STR("18446744073709551615"), &u) && u == UINT64_MAX);
    int64_t i;
    assert_true(parse_i64(STR("-9223372036854775808"), &i) && i == INT64_MIN);
    assert_true(parse_i64(STR("9223372036854775807"), &i) && i == INT64_MAX);
    assert_true(parse_i64(STR("-0"), &i) && i == 0);
}

static void what_is_not_a_whole_number_is_refused_and_changes_nothing(void **state) {
    (void)state;
    const struct str bad[] = {
        STR(""),    STR(" 1"), STR("1 "),  STR("+1"),    STR("1.0"), STR("0x1"),
        STR("1e3"), STR("-"),  STR("--1"), STR("1_000"), STR("1\0"), STR_NONE,
    };
    for (size_t k = 0; k < LEN(bad); k++) {
        uint64_t u = 42;
        int64_t i = 42;
        assert_false(parse_u64(bad[k], &u));
        assert_false(parse_i64(bad[k], &i));
        assert_true(u == 42 && i == 42);
    }
}

static void overflow_is_refused(void **state) {
    (void)state;
    uint64_t u;
    int64_t i;
    assert_false(parse_u64(STR("18446744073709551616"), &u));
    assert_false(parse_u64(STR("99999999999999999999999"), &u));
    assert_false(parse_i64(STR("9223372036854775808"), &i));
    assert_false(parse_i64(STR("-9223372036854775809"), &i));
    assert_false(parse_u64(STR("-1"), &u));
}

static void decimal_fractions_are_read(void **state) {
    (void)state;
    const struct {
        struct str text;
        double value;
    } rows[] = {{STR("0.9"), 0.9}, {STR("-1.5e3"), -1500}, {STR("1E-2"), 0.01}, {STR("3"), 3}};
    for (size_t i = 0; i < LEN(rows); i++) {
        double value;
        assert_true(parse_double(rows[i].text, &value));
        assert_true(fabs(value - rows[i].value) < 1e-12);
    }
}

static void infinity_and_names_are_not_fractions(void **state) {
    (void)state;
    const struct str bad[] = {STR("inf"), STR("nan"), STR("1e999"), STR("0x10"), STR("1,5"),
                              STR(""),    STR("."),   STR("1\0"),   STR("1.2.3")};
    double value;
    for (size_t i = 0; i < LEN(bad); i++) assert_false(parse_double(bad[i], &value));
    char many_digits[PARSE_DOUBLE_MAX_BYTES + 1];
    memset(many_digits, '1', sizeof many_digits);
    many_digits[1] = '.';
    assert_false(parse_double((struct str){many_digits, sizeof many_digits}, &value));
    assert_true(parse_double((struct str){many_digits, sizeof many_digits - 1}, &value));
}

static void truth_has_the_spellings_of_beats(void **state) {
    (void)state;
    const struct str yes[] = {STR("true"), STR("yes"), STR("on"), STR("TRUE"), STR("On")};
    const struct str no[] = {STR("false"), STR("no"), STR("off"), STR("False")};
    bool value = false;
    for (size_t i = 0; i < LEN(yes); i++) assert_true(parse_bool(yes[i], &value) && value);
    for (size_t i = 0; i < LEN(no); i++) assert_true(parse_bool(no[i], &value) && !value);
    assert_false(parse_bool(STR("1"), &value));
    assert_false(parse_bool(STR("y"), &value));
    assert_false(parse_bool(STR(""), &value));
}

static void durations_need_units_and_add_up(void **state) {
    (void)state;
    const struct {
        struct str text;
        int64_t ms;
    } rows[] = {
        {STR("0"), 0},           {STR("60s"), 60000},     {STR("24h"), 86400000},
        {STR("1h30m"), 5400000}, {STR("500ms"), 500},     {STR("90d"), 7776000000},
        {STR("1.5s"), 1500},     {STR("2m0.5s"), 120500}, {STR("0s"), 0},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        int64_t ms;
        assert_true(parse_duration_ms(rows[i].text, &ms));
        assert_int_equal(ms, rows[i].ms);
    }
}

static void durations_without_sense_are_refused(void **state) {
    (void)state;
    const struct str bad[] = {STR(""),    STR("60"),    STR("s"),    STR("-1s"),
                              STR("1 h"), STR("1w"),    STR("1sm"),  STR("1h30"),
                              STR("1S"),  STR("1..5s"), STR("1e3s"), STR("99999999999999999d"),
                              STR_NONE};
    int64_t ms = 42;
    for (size_t i = 0; i < LEN(bad); i++) assert_false(parse_duration_ms(bad[i], &ms));
    assert_int_equal(ms, 42);
}

static void sizes_are_read_with_and_without_units(void **state) {
    (void)state;
    const struct {
        struct str text;
        uint64_t bytes;
    } rows[] = {
        {STR("0"), 0},           {STR("512"), 512},       {STR("512B"), 512},
        {STR("64KiB"), 65536},   {STR("10MB"), 10485760}, {STR("10 MB"), 10485760},
        {STR("2G"), 2147483648}, {STR("1K"), 1024},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        uint64_t bytes;
        assert_true(parse_bytes(rows[i].text, &bytes));
        assert_int_equal(bytes, rows[i].bytes);
    }
}

static void sizes_without_sense_are_refused(void **state) {
    (void)state;
    const struct str bad[] = {STR(""),
                              STR("MB"),
                              STR("-1"),
                              STR("1.5MB"),
                              STR("1T"),
                              STR("1kb"),
                              STR("18446744073709551615K")};
    uint64_t bytes;
    for (size_t i = 0; i < LEN(bad); i++) assert_false(parse_bytes(bad[i], &bytes));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_up_to_their_limits_are_read),
        cmocka_unit_test(what_is_not_a_whole_number_is_refused_and_changes_nothing),
        cmocka_unit_test(overflow_is_refused),
        cmocka_unit_test(decimal_fractions_are_read),
        cmocka_unit_test(infinity_and_names_are_not_fractions),
        cmocka_unit_test(truth_has_the_spellings_of_beats),
        cmocka_unit_test(durations_need_units_and_add_up),
        cmocka_unit_test(durations_without_sense_are_refused),
        cmocka_unit_test(sizes_are_read_with_and_without_units),
        cmocka_unit_test(sizes_without_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
