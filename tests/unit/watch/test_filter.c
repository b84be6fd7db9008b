// SPDX-License-Identifier: Apache-2.0
// Which events an output wants, by patterns.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/rand.h"
#include "watch/filter.h"

static bool matches(const char *pattern, const char *text) {
    return filter_matches(str_from(pattern), str_from(text), false);
}

static void a_star_stands_for_anything(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"user.session.start", "user.session.start", true},
        {"user.session.start", "user.session.started", false},
        {"user.session.start", "a.user.session.start", false},
        {"user.session.*", "user.session.start", true},
        {"user.session.*", "user.session.", true},
        {"user.session.*", "user.session", false},
        {"*.start", "user.session.start", true},
        {"*.start", "start", false},
        {"*", "", true},
        {"*", "anything", true},
        {"**", "anything", true},
        {"", "", true},
        {"", "a", false},
        {"user.*.start", "user.session.start", true},
        {"user.*.start", "user.start", false},
        {"user.*start", "user.start", true},
        {"a*b*c", "abc", true},
        {"a*b*c", "a-b-b-c-c", true},
        {"a*b*c", "acb", false},
        {"*b*", "abc", true},
        {"*bb*", "abc", false},
        {"ab*ba", "aba", false}, // ends may not overlap
        {"*ab*ab", "ab", false},
        {"USER.*", "user.session", false},
    };
    for (size_t i = 0; i < LEN(cases); i++)
        if (matches(cases[i].pattern, cases[i].text) != cases[i].matches)
            fail_msg("%s and %s", cases[i].pattern, cases[i].text);
}

// The same by trying everything.
static bool matches_slowly(const char *pattern, const char *text) {
    if (*pattern == '\0') return *text == '\0';
    if (*pattern != '*') return *pattern == *text && matches_slowly(pattern + 1, text + 1);
    for (;; text++) {
        if (matches_slowly(pattern + 1, text)) return true;
        if (*text == '\0') return false;
    }
}

static void fill(struct rand *rand, char *text, size_t most, const char *letters, uint64_t n) {
    size_t length = (size_t)rand_below(rand, most);
    for (size_t i = 0; i < length; i++) text[i] = letters[rand_below(rand, n)];
    text[length] = '\0';
}

static void any_pattern_says_what_trying_everything_says(void **state) {
    (void)state;
    struct rand rand = rand_make(7);
    char pattern[8];
    char text[12];
    for (int i = 0; i < 50000; i++) {
        fill(&rand, pattern, sizeof pattern, "ab*", 3);
        fill(&rand, text, sizeof text, "ab", 2);
        if (matches(pattern, text) != matches_slowly(pattern, text))
            fail_msg("%s and %s", pattern, text);
    }
}

static void many_stars_cost_no_more_than_their_number(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf pattern = buf_make(1 << 20);
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    for (int i = 0; i < 10000; i++) buf_addz(&pattern, "*a");
    buf_addz(&pattern, "*b");
    for (int i = 0; i < 100000; i++) buf_addc(&text, 'a');
    assert_false(filter_matches(buf_str(&pattern), buf_str(&text), false));
}

static const char *const sessions[] = {"user.session.*", "system.*"};
static const char *const ends[] = {"*.end"};
static const char *const bad[] = {"failure", "DENY", "none"};

static void an_output_gets_what_its_lists_say(void **state) {
    (void)state;
    const struct watch_filter f = {.event_types = sessions,
                                   .event_type_count = LEN(sessions),
                                   .exclude_event_types = ends,
                                   .exclude_event_type_count = LEN(ends),
                                   .outcomes = bad,
                                   .outcome_count = LEN(bad)};
    assert_true(filter_is_any(&f));
    assert_true(filter_wants(&f, STR("user.session.start"), STR("FAILURE")));
    assert_true(filter_wants(&f, STR("system.push"), STR("deny")));
    assert_true(filter_wants(&f, STR("system.push"), STR_NONE));
    assert_false(filter_wants(&f, STR("system.push"), STR("SUCCESS")));
    assert_false(filter_wants(&f, STR("user.session.end"), STR("FAILURE")));
    assert_false(filter_wants(&f, STR("group.add"), STR("FAILURE")));
    assert_false(filter_wants(&f, STR_NONE, STR("FAILURE")));
}

static void without_lists_everything_is_wanted(void **state) {
    (void)state;
    const struct watch_filter none = {0};
    assert_false(filter_is_any(&none));
    assert_true(filter_wants(&none, STR_NONE, STR_NONE));
    const struct watch_filter f = {.exclude_event_types = ends, .exclude_event_type_count = 1};
    assert_true(filter_is_any(&f));
    assert_true(filter_wants(&f, STR_NONE, STR_NONE));
    assert_false(filter_wants(&f, STR("a.end"), STR_NONE));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_star_stands_for_anything),
        cmocka_unit_test(any_pattern_says_what_trying_everything_says),
        cmocka_unit_test(many_stars_cost_no_more_than_their_number),
        cmocka_unit_test(an_output_gets_what_its_lists_say),
        cmocka_unit_test(without_lists_everything_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
