// SPDX-License-Identifier: Apache-2.0
// What `gatehouse status` makes of how the outputs were last seen.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"
#include "cli/seen.h"
#include "store/scratch.h"

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

static const int64_t now_ms = 1795430400000; // 2026-11-23T10:40:00Z

static void load(void **state, struct seen *ret, const struct store_output *outputs, size_t n,
                 const struct store_stand *stands, size_t stand_count) {
    AUTO(store) struct store *s = NULL;
    struct fault fault = {{0}};
    if (store_open(&s, scratch_path(*state, "st"), STORE_WRITE, &fault)) fail_msg("%s", fault.text);
    assert_int_equal(store_outputs_put(s, outputs, n, stands, stand_count, NULL), 0);
    if (seen_load(ret, s, now_ms, &fault)) fail_msg("%s", fault.text);
}

static void expect_lag(const struct seen *s, const char *output, const char *text) {
    AUTO_FINI(buf) struct buf out = buf_make(200);
    seen_add_lag(s, STR("acme"), str_from(output), &out);
    assert_string_equal(buf_z(&out), text);
}

static void how_far_behind_a_pair_is_has_a_unit(void **state) {
    static const struct {
        int64_t lag_ms;
        const char *text;
    } rows[] = {{0, "0 s behind"},
                {59999, "59 s behind"},
                {60000, "1 min behind"},
                {2 * TIME_HOUR_MS - 1, "119 min behind"},
                {2 * TIME_HOUR_MS, "2 h behind"},
                {2 * TIME_DAY_MS, "2 days behind"}};
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(seen) struct seen s;
        const struct store_stand stands[] = {
            {.source = STR("acme"), .output = STR("a"), .lag_ms = rows[i].lag_ms},
            {.source = STR("acme"), .output = STR("b"), .caught_up = true}};
        load(state, &s, NULL, 0, stands, 2);
        expect_lag(&s, "a", rows[i].text);
        expect_lag(&s, "b", "caught up");
        expect_lag(&s, "c", "-");
    }
}

static void print(const struct seen *s, struct buf *out, bool warning) {
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    assert_non_null(to);
    if (warning) seen_print_warning(s, STR("acme"), STR("a"), to);
    else seen_print_outputs(s, to);
    fclose(to);
    buf_add(out, text, n);
    free(text);
}

// What was seen an hour ago has an hour less.
static void what_okta_will_forget_is_told_in_time(void **state) {
    static const struct {
        int64_t forgotten_in_ms;
        const char *text, *json;
    } rows[] = {
        {-1, "", NULL},
        {46 * (int64_t)TIME_DAY_MS, "", "\"forgotten_in_seconds\":3970800"},
        {10 * (int64_t)TIME_DAY_MS, "  Okta forgets what it has not had in 9 days\n",
         "\"forgotten_in_seconds\":860400"},
        {2 * TIME_HOUR_MS, "  Okta forgets what it has not had in 60 min\n",
         "\"forgotten_in_seconds\":3600"},
        {TIME_MINUTE_MS, "  Okta forgets what it has not had now\n", "\"forgotten_in_seconds\":0"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(seen) struct seen s;
        AUTO_FINI(buf) struct buf out = buf_make(1000);
        AUTO_FINI(buf) struct buf json = buf_make(1000);
        const struct store_stand stand = {.source = STR("acme"),
                                          .output = STR("a"),
                                          .at_ms = now_ms - TIME_HOUR_MS,
                                          .forgotten_in_ms = rows[i].forgotten_in_ms};
        load(state, &s, NULL, 0, &stand, 1);
        print(&s, &out, true);
        seen_add_json(&s, STR("acme"), STR("a"), &json);
        assert_string_equal(buf_z(&out), rows[i].text);
        if (rows[i].json) assert_non_null(strstr(buf_z(&json), rows[i].json));
        else assert_null(strstr(buf_z(&json), "forgotten"));
    }
}

static const struct store_output outputs[] = {
    {.output = STR("archive"),
     .at_ms = 1795430390000,
     .deliveries = 5,
     .filtered = 2,
     .last_success_ms = 1795430000000},
    {.output = STR("search"),
     .at_ms = 1795430390000,
     .deliveries = 9,
     .retries = 4,
     .rejected = 1,
     .failing_since_ms = 1795430000000,
     .complaint = STR("output.failed"),
     .reason = STR("refused:\n\x1b[2Jby the \"host\"")},
    {.output = STR("stream"),
     .at_ms = 1795430390000,
     .complaint = STR("output.fenced"),
     .reason = STR("another collector has taken over"),
     .stopped = true},
};

static void outputs_are_told_with_the_reasons_that_they_gave(void **state) {
    AUTO_FINI(seen) struct seen s;
    AUTO_FINI(buf) struct buf out = buf_make(10000);
    load(state, &s, outputs, LEN(outputs), NULL, 0);
    print(&s, &out, false);
    assert_string_equal(
        buf_z(&out),
        "output archive: ok, last delivered at 2026-11-23T10:33:20.000Z, 2 filtered (10 s ago)\n"
        "output search: failing since 2026-11-23T10:33:20.000Z: refused:\\u{a}\\u{1b}[2Jby the "
        "\"host\", 4 retries, 1 rejected (10 s ago)\n"
        "output stream: stopped: another collector has taken over (10 s ago)\n");
}

static void machines_are_told_the_same(void **state) {
    AUTO_FINI(seen) struct seen s;
    AUTO_FINI(buf) struct buf out = buf_make(10000);
    const struct store_stand stand = {
        .source = STR("acme"), .output = STR("search"), .at_ms = now_ms, .lag_ms = 61000};
    load(state, &s, outputs, LEN(outputs), &stand, 1);
    seen_add_json(&s, STR("acme"), STR("search"), &out);
    assert_string_equal(
        buf_z(&out),
        "\"caught_up\":false,\"lag_seconds\":61,\"seen\":\"2026-11-23T10:40:00.000Z\","
        "\"forgotten_in_seconds\":0,\"output_state\":{\"at\":\"2026-11-23T10:39:50.000Z\","
        "\"ok\":false,\"stopped\":false,\"failing_since\":\"2026-11-23T10:33:20.000Z\","
        "\"complaint\":\"output.failed\","
        "\"reason\":\"refused:\\n\\u001b[2Jby the \\\"host\\\"\",\"deliveries\":9,\"retries\":4,"
        "\"filtered\":0,\"rejected\":1}");
    buf_reset(&out);
    seen_add_json(&s, STR("acme"), STR("unknown"), &out);
    assert_int_equal(out.n, 0);
}

static void pairs_that_have_had_nothing_are_not_left_out(void **state) {
    AUTO_FINI(seen) struct seen s;
    struct store_pair pair;
    size_t at = 0;
    const struct store_stand stands[] = {{.source = STR("acme"), .output = STR("a")},
                                         {.source = STR("acme"), .output = STR("b")},
                                         {.source = STR("b"), .output = STR("a")}};
    load(state, &s, NULL, 0, stands, 3);
    seen_note(&s, STR("acme"), STR("a"));
    seen_note(&s, STR("b"), STR("a"));
    seen_note(&s, STR("c"), STR("a"));
    assert_true(seen_next(&s, &at, &pair));
    assert_true(str_eq(pair.source, STR("acme")) && str_eq(pair.output, STR("b")));
    assert_false(seen_next(&s, &at, &pair));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(how_far_behind_a_pair_is_has_a_unit),
        T(what_okta_will_forget_is_told_in_time),
        T(outputs_are_told_with_the_reasons_that_they_gave),
        T(machines_are_told_the_same),
        T(pairs_that_have_had_nothing_are_not_left_out),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("status_seen", tests, NULL, NULL);
}
