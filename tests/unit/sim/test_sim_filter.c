// SPDX-License-Identifier: Apache-2.0
#include "sim-test.h"

#include "sim/filter.h"
#include "sim/keywords.h"

static const char event[] =
    "{\"eventType\":\"user.session.start\",\"severity\":\"WARN\",\"displayMessage\":\"User login "
    "to "
    "Okta\",\"outcome\":{\"result\":\"FAILURE\",\"reason\":null},"
    "\"target\":[{\"id\":\"A\",\"type\":\"User\"},{\"id\":\"B\",\"type\":\"AppInstance\"}],"
    "\"securityContext\":{\"asNumber\":3320,\"isProxy\":false},"
    "\"debugContext\":{\"debugData\":{\"risk\":\"{level=HIGH}\",\"url\":\"/login\"}},"
    "\"device\":{\"os_platform\":\"OSX\"},\"actor\":{\"alternateId\":\"ann-lee@example.org\"}}";

static bool matches(const char *filter) {
    AUTO(filter) struct filter *f = NULL;
    AUTO(json_reader) struct json_reader *reader = NULL;
    AUTO_FINI(api_error) struct api_error error = api_error_make();
    const struct json *v;
    int e = filter_compile(&f, &filter_logs, str_from(filter), &error);
    if (e) print_error("%s: %.*s\n", filter, STR_ARG(buf_str(&error.detail)));
    assert_int_equal(e, 0);
    assert_int_equal(json_reader_new(&reader), 0);
    assert_int_equal(json_read(reader, STR(event), &v, NULL), 0);
    return filter_match(f, v);
}

static void every_operator_compares_as_scim_says(void **state) {
    (void)state;
    static const char *const yes[] = {
        "eventType eq \"user.session.start\"",
        "eventType EQ \"user.session.start\"",
        "eventType ne \"x\"",
        "eventType sw \"user.\"",
        "eventType ew \".start\"",
        "eventType co \"session\"",
        "eventType gt \"user.a\"",
        "eventType le \"user.session.start\"",
        "securityContext.asNumber eq 3320",
        "securityContext.asNumber ge 9",
        "securityContext.asNumber lt 10000",
        "securityContext.isProxy eq false",
        "outcome.result pr",
        "event_type pr",
        "device.os_platform eq \"OSX\"",
        "debugContext.debugData.risk co \"level=HIGH\"",
        "outcome.reason ne \"x\"",
    };
    static const char *const no[] = {
        "eventType eq \"User.session.start\"",
        "eventType ne \"user.session.start\"",
        "outcome.reason pr",
        "client.ipAddress pr",
        "securityContext.asNumber gt 3320",
        "eventType gt \"user.t\"",
        "transaction.id eq \"x\"",
        "debugContext.debugData.none pr",
    };
    for (size_t i = 0; i < LEN(yes); i++) {
        if (!matches(yes[i])) print_error("should match: %s\n", yes[i]);
        assert_true(matches(yes[i]));
    }
    for (size_t i = 0; i < LEN(no); i++) {
        if (matches(no[i])) print_error("should not match: %s\n", no[i]);
        assert_false(matches(no[i]));
    }
}

static void and_binds_tighter_than_or_and_groups_come_first(void **state) {
    (void)state;
    assert_true(matches("severity eq \"WARN\" or severity eq \"x\" and severity eq \"y\""));
    assert_false(matches("(severity eq \"WARN\" or severity eq \"x\") and severity eq \"y\""));
    assert_true(matches("not (severity eq \"x\") AND severity pr"));
    assert_false(matches("not (severity eq \"WARN\")"));
}

static void targets_match_when_any_of_them_does(void **state) {
    (void)state;
    assert_true(matches("target.id eq \"A\" and target.id eq \"B\""));
    assert_false(matches("target.id eq \"C\""));
    assert_false(matches("target.id ne \"A\""));
}

static void what_okta_refuses_is_refused_with_its_code(void **state) {
    (void)state;
    static const struct {
        const char *filter;
        enum api_error_kind kind;
    } rows[] = {
        {"eventType xx \"a\"", API_FILTER_SYNTAX},
        {"eventType", API_FILTER_SYNTAX},
        {"eventType eq", API_FILTER_SYNTAX},
        {"eventType eq abc", API_FILTER_SYNTAX},
        {"eventType eq \"a", API_FILTER_SYNTAX},
        {"eventType eq \"\\x\"", API_FILTER_SYNTAX},
        {"(eventType pr", API_FILTER_SYNTAX},
        {"eventType pr)", API_FILTER_SYNTAX},
        {"not eventType pr", API_FILTER_SYNTAX},
        {"eventType pr and", API_FILTER_SYNTAX},
        {"", API_FILTER_SYNTAX},
        {"EventType eq \"a\"", API_FILTER_FIELD},
        {"published gt \"2026-01-01T00:00:00Z\"", API_FILTER_FIELD},
        {"debugContext.debugData. pr", API_FILTER_FIELD},
        {"target[id eq \"a\"] pr", API_FILTER_FIELD},
        {"debugContext.debugData.url co \"a\"", API_FILTER_COMBINATION},
        {"debugContext.debugData.requestUri sw \"a\"", API_FILTER_COMBINATION},
        {"securityContext.asNumber co 3", API_FILTER_COMBINATION},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO(filter) struct filter *f = NULL;
        AUTO_FINI(api_error) struct api_error error = api_error_make();
        int e = filter_compile(&f, &filter_logs, str_from(rows[i].filter), &error);
        if (e != FILTER_E_REFUSED || error.kind != rows[i].kind)
            print_error("%s: %d %d\n", rows[i].filter, e, (int)error.kind);
        assert_int_equal(e, FILTER_E_REFUSED);
        assert_int_equal(error.kind, rows[i].kind);
    }
}

static void the_message_names_the_operator_and_its_position(void **state) {
    (void)state;
    AUTO(filter) struct filter *f = NULL;
    AUTO_FINI(api_error) struct api_error error = api_error_make();
    AUTO_FINI(buf) struct buf out = buf_make(4096);
    struct rand rand = rand_make(1);
    assert_int_equal(filter_compile(&f, &filter_logs, STR("eventType xx \"a\""), &error),
                     FILTER_E_REFUSED);
    api_error_write(&out, &error, &rand);
    assert_non_null(strstr(buf_z(&out), "\"errorCode\":\"E0000053\""));
    assert_non_null(strstr(buf_z(&out),
                           "Invalid filter 'eventType xx \\\"a\\\"': Unrecognized attribute "
                           "operator 'xx' at position 10. Expected: eq,co,sw,pr,gt,ge,lt,le"));
}

static void deep_nesting_is_refused_rather_than_followed(void **state) {
    (void)state;
    char text[4096];
    memset(text, '(', 2000);
    snprintf(text + 2000, sizeof text - 2000, "eventType pr");
    AUTO(filter) struct filter *f = NULL;
    AUTO_FINI(api_error) struct api_error error = api_error_make();
    assert_int_equal(filter_compile(&f, &filter_logs, str_from(text), &error), FILTER_E_REFUSED);
    assert_int_equal(error.kind, API_FILTER_SYNTAX);
}

static bool finds(const char *q) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    AUTO_FINI(api_error) struct api_error error = api_error_make();
    struct keywords k;
    const struct json *v;
    assert_int_equal(json_reader_new(&reader), 0);
    assert_int_equal(json_read(reader, STR(event), &v, NULL), 0);
    assert_int_equal(keywords_parse(&k, str_from(q), &error), 0);
    return keywords_match(&k, v);
}

static void keywords_match_whole_tokens_without_case(void **state) {
    (void)state;
    assert_true(finds("LOGIN okta"));
    assert_true(finds("ann-lee@example.org"));
    assert_true(finds("ann"));
    assert_true(finds("lee@example.org"));
    assert_true(finds("3320"));
    assert_false(finds("logi"));
    assert_false(finds("login nobody"));
}

static void keywords_are_at_most_ten_of_forty_characters(void **state) {
    (void)state;
    AUTO_FINI(api_error) struct api_error error = api_error_make();
    struct keywords k;
    // Forty characters of two bytes each are still forty.
    char wide[2 * 41 + 1] = "";
    for (int i = 0; i < 40; i++) memcpy(wide + 2 * i, "é", 3);
    assert_int_equal(keywords_parse(&k, str_from(wide), &error), 0);
    memcpy(wide + 80, "é", 3);
    assert_int_equal(keywords_parse(&k, str_from(wide), &error), KEYWORDS_E_REFUSED);
    assert_int_equal(error.kind, API_Q_LONG);
    assert_int_equal(keywords_parse(&k, STR("a b c d e f g h i  j"), &error), 0);
    assert_int_equal(k.n, 10);
    assert_int_equal(keywords_parse(&k, STR("a b c d e f g h i j k"), &error), KEYWORDS_E_REFUSED);
    assert_int_equal(error.kind, API_Q_MANY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_compares_as_scim_says),
        cmocka_unit_test(and_binds_tighter_than_or_and_groups_come_first),
        cmocka_unit_test(targets_match_when_any_of_them_does),
        cmocka_unit_test(what_okta_refuses_is_refused_with_its_code),
        cmocka_unit_test(the_message_names_the_operator_and_its_position),
        cmocka_unit_test(deep_nesting_is_refused_rather_than_followed),
        cmocka_unit_test(keywords_match_whole_tokens_without_case),
        cmocka_unit_test(keywords_are_at_most_ten_of_forty_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
