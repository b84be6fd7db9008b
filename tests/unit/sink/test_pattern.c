// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "base/time.h"
#include "sink/pattern.h"

static const struct sink_doc plain = {
    .uuid = {"u-1", 3},
    .has_published = true,
    .published_ms = 1795348800123, // 2026-11-22T12:00:00.123Z, a Sunday
    .source = {"acme", 4},
    .event_type = {"user.session.start", 18},
    .outcome = {"SUCCESS", 7},
    .dataset = {"okta.system", 11},
    .name_space = {"default", 7},
    .document = {"{}", 2},
};

static struct sink_doc with_document(const char *json) {
    struct sink_doc doc = plain;
    doc.document = str_from(json);
    return doc;
}

static void expect_of(const struct sink_doc *doc, const char *text, const char *want) {
    AUTO(pattern) struct pattern *p = NULL;
    AUTO_FINI(buf) struct buf out = buf_make(1 << 16);
    struct fault fault = {0};
    if (pattern_new(&p, text, &fault)) fail_msg("%s: %s", text, fault.text);
    int r = pattern_expand(p, doc, &out, &fault);
    if (r) fail_msg("%s: %s", text, fault.text);
    assert_string_equal(buf_z(&out), want);
}

static void expect(const char *text, const char *want) { expect_of(&plain, text, want); }

static void expect_missing(const struct sink_doc *doc, const char *text, const char *field) {
    AUTO(pattern) struct pattern *p = NULL;
    AUTO_FINI(buf) struct buf out = buf_make(1 << 16);
    struct fault fault = {0};
    buf_addz(&out, "before");
    assert_int_equal(pattern_new(&p, text, &fault), 0);
    assert_int_equal(pattern_expand(p, doc, &out, &fault), -ENOENT);
    assert_non_null(strstr(fault.text, field));
    assert_string_equal(buf_z(&out), "before");
}

static void expect_wrong(const char *text, const char *why) {
    AUTO(pattern) struct pattern *p = NULL;
    struct fault fault = {0};
    assert_int_equal(pattern_new(&p, text, &fault), -EINVAL);
    if (!strstr(fault.text, why)) fail_msg("%s: \"%s\" is not in: %s", text, why, fault.text);
}

static void text_without_fields_is_itself(void **state) {
    (void)state;
    static const char *const texts[] = {"", "logs", "100%", "a % b", "%", "a}b:c", "[x]"};
    for (size_t i = 0; i < LEN(texts); i++) {
        AUTO(pattern) struct pattern *p = NULL;
        assert_int_equal(pattern_new(&p, texts[i], NULL), 0);
        assert_true(pattern_is_constant(p));
        assert_false(pattern_has_date(p));
        expect(texts[i], texts[i]);
    }
}

static void a_backslash_takes_the_meaning_away(void **state) {
    (void)state;
    expect("\\%{[x]}", "%{[x]}");
    expect("a\\\\b", "a\\b");
    expect("end\\", "end");
    expect("%{[none]:a\\}b\\:c}", "a}b:c");
}

static void facts_need_no_document(void **state) {
    (void)state;
    struct sink_doc doc = with_document("not JSON");
    expect_of(&doc, "logs-%{[data_stream.dataset]}-%{[data_stream][namespace]}",
              "logs-okta.system-default");
    expect_of(&doc, "%{[event.id]}/%{[okta.uuid]}", "u-1/u-1");
    expect_of(&doc, "%{[event.action]}|%{[okta.event_type]}|%{[okta.outcome.result]}",
              "user.session.start|user.session.start|SUCCESS");
    expect_missing(&doc, "%{[okta.actor.alternate_id]}", "okta.actor.alternate_id");
}

static void fields_are_read_from_the_document(void **state) {
    (void)state;
    struct sink_doc doc = with_document(
        "{\"a\":{\"b\":\"deep\",\"n\":12.50,\"yes\":true,\"no\":false,\"e\":\"\",\"z\":null,"
        "\"o\":{},\"l\":[\"x\"]},\"a.c\":\"dotted\",\"twice\":\"1\",\"twice\":\"2\","
        "\"okta\":{\"actor\":{\"alternate_id\":\"ada\"}}}");
    expect_of(&doc, "x-%{[a.b]}-%{[a][n]}", "x-deep-12.50");
    expect_of(&doc, "%{[a.yes]}%{[a.no]}", "truefalse");
    expect_of(&doc, "%{[a.c]} %{[twice]}", "dotted 2");
    expect_of(&doc, "%{[okta.actor.alternate_id]}", "ada");
    expect_of(&doc, "<%{[a.e]}>", "<>");
    expect_missing(&doc, "%{[a.z]}", "a.z");
    expect_missing(&doc, "%{[a.o]}", "a.o");
    expect_missing(&doc, "%{[a.l]}", "a.l");
    expect_missing(&doc, "%{[a.b.c]}", "a.b.c");
    expect_missing(&doc, "text %{[nowhere]}", "nowhere");
}

static void defaults_stand_in_for_what_is_missing_or_empty(void **state) {
    (void)state;
    struct sink_doc doc = with_document("{\"e\":\"\",\"v\":\"here\"}");
    expect_of(&doc, "%{[none]:other}", "other");
    expect_of(&doc, "%{[e]:other}", "other");
    expect_of(&doc, "%{[v]:other}", "here");
    expect_of(&doc, "<%{[none]:}>", "<>");
    expect_of(&doc, "%{[none]:two words}", "two words");
}

static void dates_are_of_the_event_and_in_utc(void **state) {
    (void)state;
    struct sink_doc fetched = with_document("{\"@timestamp\":\"2026-01-02T03:04:05.678Z\"}");
    expect("okta-%{+yyyy.MM.dd}", "okta-2026.11.22");
    expect_of(&fetched, "%{+yyyy.MM.dd}", "2026.11.22");
    fetched.has_published = false;
    expect_of(&fetched, "%{+yyyy-MM-dd'T'HH\\:mm\\:ss.SSS'Z'}", "2026-01-02T03:04:05.678Z");
    struct sink_doc none = with_document("{}");
    none.has_published = false;
    expect_missing(&none, "%{+yyyy}", "@timestamp");
    AUTO(pattern) struct pattern *p = NULL;
    assert_int_equal(pattern_new(&p, "a%{+yy}", NULL), 0);
    assert_true(pattern_has_date(p));
    assert_false(pattern_is_constant(p));
}

static void expect_date(const char *date, const char *letters, const char *want) {
    struct sink_doc doc = plain;
    char text[100];
    assert_true(time_parse_iso8601(str_from(date), &doc.published_ms));
    snprintf(text, sizeof text, "%%{+%s}", letters);
    expect_of(&doc, text, want);
}

static void letters_of_dates_are_those_of_beats(void **state) {
    (void)state;
    static const struct {
        const char *date, *letters, *want;
    } cases[] = {
        {"0006-08-01", "y.M.d", "6.8.1"},
        {"2006-08-01", "yy.MM.dd", "06.08.01"},
        {"2006-08-01", "yyy.MMM.dd", "2006.Aug.01"},
        {"2006-08-01", "YYYY.MMMM.d", "2006.August.1"},
        {"2006-08-01", "yyyyyy.MM.ddd", "002006.08.001"},
        {"2015-01-01", "xx.ww.e", "15.01.4"},
        {"2014-12-31", "xxxx.w.EEEE", "2015.1.Wednesday"},
        {"2016-01-03", "xxxx.ww.E", "2015.53.Sun"},
        {"2026-12-31", "xxxx.ww", "2026.53"},
        {"2024-12-31", "DDD", "366"},
        {"2000-01-01T08:05:24Z", "K\\:m\\:s a", "8:5:24 AM"},
        {"2000-01-01T20:05:24Z", "KK\\:mm\\:ss aa", "08:05:24 PM"},
        {"2000-01-01T20:05:24Z", "HHmmssz", "200524+00:00"},
        {"2000-01-01T01:02:03.123Z", "S SS SSS SSSS", "1 12 123 1230"},
        {"1969-12-31T23:59:59.007Z", "yyyy SSS", "1969 007"},
        {"2006-08-01", "--=++,_!/?[]()yy", "--=++,_!/?[]()06"},
        {"2006-08-01", "'plain' '' 'text'", "plain ' text"},
        {"2006-08-01", "'plain '' text'", "plain ' text"},
    };
    for (size_t i = 0; i < LEN(cases); i++)
        expect_date(cases[i].date, cases[i].letters, cases[i].want);
}

static void what_cannot_be_meant_is_refused_with_its_place(void **state) {
    (void)state;
    expect_wrong("ab%{[x]", "byte 3: the brace is not closed");
    expect_wrong("%{}", "nothing is named");
    expect_wrong("%{x}", "neither a field");
    expect_wrong("%{[x}", "the bracket of a field is not closed");
    expect_wrong("%{[x]y}", "a field is written in brackets");
    expect_wrong("%{[]}", "a field without a name");
    expect_wrong("%{[a]%{[b]}}", "one field inside another");
    expect_wrong("%{[a]:b:c}", "more than one default");
    expect_wrong("%{[a]:?b}", "only a default");
    expect_wrong("%{+yyyy:b}", "a date has no default");
    expect_wrong("%{+}", "without letters");
    expect_wrong("%{+yyyy.QQ}", "'Q'");
    expect_wrong("%{+hh}", "'h'");
    expect_wrong("%{+'x}", "not closed");
    expect_wrong("%{+yyyyyyyyyyyyyyyyyyyyy}", "more than 20");
}

static void a_name_that_is_too_long_is_an_error(void **state) {
    (void)state;
    AUTO(pattern) struct pattern *p = NULL;
    AUTO_FINI(buf) struct buf out = buf_make(10);
    assert_int_equal(pattern_new(&p, "%{[event.action]}", NULL), 0);
    assert_int_equal(pattern_expand(p, &plain, &out, NULL), -EMSGSIZE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_without_fields_is_itself),
        cmocka_unit_test(a_backslash_takes_the_meaning_away),
        cmocka_unit_test(facts_need_no_document),
        cmocka_unit_test(fields_are_read_from_the_document),
        cmocka_unit_test(defaults_stand_in_for_what_is_missing_or_empty),
        cmocka_unit_test(dates_are_of_the_event_and_in_utc),
        cmocka_unit_test(letters_of_dates_are_those_of_beats),
        cmocka_unit_test(what_cannot_be_meant_is_refused_with_its_place),
        cmocka_unit_test(a_name_that_is_too_long_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
