// SPDX-License-Identifier: Apache-2.0
// Instants to text and back, in the forms of RFC 3339, ISO 8601 and HTTP.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/time.h"

static int64_t parsed(const char *text) {
    int64_t ms = INT64_MIN;
    if (!time_parse_iso8601(str_from(text), &ms)) fail_msg("not read: %s", text);
    return ms;
}

static void known_instants_are_written_as_rfc3339(void **state) {
    (void)state;
    const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {1795341845678, "2026-11-22T10:04:05.678Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {-62167219200000, "0000-01-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char text[TIME_RFC3339_MAX];
        time_format_rfc3339(rows[i].ms, text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(parsed(rows[i].text), rows[i].ms);
    }
}

static void years_beyond_four_digits_are_cut_to_the_range(void **state) {
    (void)state;
    char text[TIME_RFC3339_MAX];
    time_format_rfc3339(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    time_format_rfc3339(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00.000Z");
}

static void any_instant_comes_back_and_agrees_with_libc(void **state) {
    (void)state;
    struct rand r = rand_make(1);
    for (int i = 0; i < 2000; i++) {
        int64_t ms = (int64_t)rand_below(&r, 253402300800000);
        char text[TIME_RFC3339_MAX];
        char expected[TIME_RFC3339_MAX];
        time_format_rfc3339(ms, text);
        assert_int_equal(parsed(text), ms);
        time_t seconds = (time_t)(ms / 1000);
        struct tm tm;
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
        assert_memory_equal(text, expected, 19);
    }
}

static void the_forms_of_iso8601_mean_the_same_instant(void **state) {
    (void)state;
    const char *same[] = {
        "2026-11-22T10:00:00Z",      "2026-11-22T10:00:00.000Z", "2026-11-22T10:00",
        "2026-11-22T12:00:00+02:00", "2026-11-22T12:00+0200",    "2026-11-22T12:00:00.0+02",
        "2026-11-22T05:30:00-04:30", "2026-11-22T10:00:00,000Z", "2026-11-22T10:00:00.000999999Z",
    };
    for (size_t i = 0; i < LEN(same); i++) assert_int_equal(parsed(same[i]), 1795341600000);
    assert_int_equal(parsed("2026-11-22"), 1795305600000);
    assert_int_equal(parsed("2026-11-22T10:00:00.12Z"), 1795341600120);
    assert_int_equal(parsed("2024-02-29"), parsed("2024-03-01") - TIME_DAY_MS);
}

static void what_no_calendar_has_is_refused(void **state) {
    (void)state;
    const char *bad[] = {
        "",
        "2026",
        "2026-13-01",
        "2026-00-10",
        "2026-02-29",
        "2026-04-31",
        "1900-02-29",
        "2026-11-22 10:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T10:60:00Z",
        "2026-11-22T10:00:60Z",
        "2026-11-22T10:00:00.Z",
        "2026-11-22T10:00:00+2:00",
        "2026-11-22T10:00:00z",
        "2026-11-22T10:00:00Zx",
        "2026-11-22T",
        "20261122T100000Z",
        "2026-11-22T10:00:00+",
        "1795341600000",
    };
    for (size_t i = 0; i < LEN(bad); i++) {
        int64_t ms = 42;
        if (time_parse_iso8601(str_from(bad[i]), &ms)) fail_msg("was read: %s", bad[i]);
        assert_int_equal(ms, 42);
    }
}

static void http_dates_go_both_ways(void **state) {
    (void)state;
    int64_t ms;
    assert_true(time_parse_http(STR("Sun, 06 Nov 1994 08:49:37 GMT"), &ms));
    assert_int_equal(ms, 784111777000);
    char text[TIME_RFC3339_MAX];
    time_format_http(784111777999, text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    time_format_http(0, text);
    assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
    time_format_http(-1000, text);
    assert_string_equal(text, "Wed, 31 Dec 1969 23:59:59 GMT");
}

static void other_http_dates_are_refused(void **state) {
    (void)state;
    const char *bad[] = {
        "",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT",
    };
    int64_t ms;
    for (size_t i = 0; i < LEN(bad); i++)
        if (time_parse_http(str_from(bad[i]), &ms)) fail_msg("was read: %s", bad[i]);
}

static void the_clocks_tell_plausible_times_and_do_not_go_back(void **state) {
    (void)state;
    int64_t wall = time_now_ms();
    assert_true(wall / 1000 >= (int64_t)time(NULL) - 2 && wall / 1000 <= (int64_t)time(NULL) + 2);
    int64_t before = time_mono_ms();
    assert_true(time_mono_ms() >= before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_instants_are_written_as_rfc3339),
        cmocka_unit_test(years_beyond_four_digits_are_cut_to_the_range),
        cmocka_unit_test(any_instant_comes_back_and_agrees_with_libc),
        cmocka_unit_test(the_forms_of_iso8601_mean_the_same_instant),
        cmocka_unit_test(what_no_calendar_has_is_refused),
        cmocka_unit_test(http_dates_go_both_ways),
        cmocka_unit_test(other_http_dates_are_refused),
        cmocka_unit_test(the_clocks_tell_plausible_times_and_do_not_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
