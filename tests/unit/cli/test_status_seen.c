// SPDX-License-Identifier: Apache-2.0
// What `gatehouse status` makes of how sources and outputs were last seen.
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
    const struct store_source sources[] = {
        {.source = STR("acme"),
         .at_ms = now_ms - 5000,
         .failing_since_ms = now_ms - 400000,
         .complaint = STR("okta.refused"),
         .reason = STR("401, the token\nis not valid"),
         .stopped = true},
        {.source = STR("former"), .at_ms = now_ms},
        {.source = STR("slow"),
         .at_ms = now_ms,
         .failing_since_ms = now_ms - 1000,
         .complaint = STR("okta.unreachable"),
         .reason = STR("timed out")},
        {.source = STR("well"), .at_ms = now_ms - TIME_HOUR_MS * 3},
    };
    const struct store_noted noted = {.sources = sources,
                                      .source_count = LEN(sources),
                                      .outputs = outputs,
                                      .output_count = n,
                                      .stands = stands,
                                      .stand_count = stand_count};
    assert_int_equal(store_noted_put(s, &noted, NULL), 0);
    if (seen_load(ret, s, now_ms, &fault)) fail_msg("%s", fault.text);
}

static void configure(struct seen *s, const char *output) {
    assert_int_equal(seen_configured(s, STR("acme"), str_from(output)), 0);
}

static struct store_pair pair_of(const char *output) {
    return (struct store_pair){.source = STR("acme"), .output = str_from(output), .events = 5};
}

static void expect_lag(const struct seen *s, const struct store_pair *pair, const char *text) {
    AUTO_FINI(buf) struct buf out = buf_make(200);
    seen_add_lag(s, pair, &out);
    assert_string_equal(buf_z(&out), text);
}

static void tell(const struct seen *s, const char *output, struct buf *out) {
    seen_add_json(s, STR("acme"), str_from(output), out);
}

static void how_far_behind_a_pair_is_has_a_unit(void **state) {
    static const struct {
        int64_t lag_ms;
        const char *text;
    } rows[] = {{1, "0 s behind"},
                {59999, "59 s behind"},
                {60000, "1 min behind"},
                {2 * TIME_HOUR_MS - 1, "119 min behind"},
                {2 * TIME_HOUR_MS, "2 h behind"},
                {2 * TIME_DAY_MS, "2 days behind"}};
    const struct store_pair pair = pair_of("a");
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(seen) struct seen s;
        const struct store_stand stand = {
            .source = STR("acme"), .output = STR("a"), .at_ms = now_ms, .lag_ms = rows[i].lag_ms};
        load(state, &s, NULL, 0, &stand, 1);
        configure(&s, "a");
        expect_lag(&s, &pair, rows[i].text);
    }
}

// Nobody can say how far a pair is behind that has had nothing.
static void what_is_not_known_is_not_made_up(void **state) {
    AUTO_FINI(seen) struct seen s;
    AUTO_FINI(buf) struct buf json = buf_make(1000);
    const struct store_pair dead = pair_of("dead");
    const struct store_pair well = pair_of("well");
    const struct store_pair unseen = pair_of("unseen");
    const struct store_pair fresh = {.source = STR("acme"), .output = STR("fresh")};
    const struct store_pair past = pair_of("past");
    const struct store_pair former = pair_of("former");
    const struct store_stand stands[] = {
        {.source = STR("acme"), .output = STR("dead"), .at_ms = now_ms, .lag_ms = -1},
        {.source = STR("acme"), .output = STR("past"), .at_ms = now_ms},
        {.source = STR("acme"), .output = STR("former"), .at_ms = now_ms, .caught_up = true},
        {.source = STR("acme"), .output = STR("well"), .at_ms = now_ms, .caught_up = true}};
    load(state, &s, NULL, 0, stands, LEN(stands));
    configure(&s, "dead");
    configure(&s, "well");
    configure(&s, "unseen");
    configure(&s, "fresh");
    configure(&s, "past");
    expect_lag(&s, &dead, "history only");
    expect_lag(&s, &well, "caught up");
    expect_lag(&s, &unseen, "-");
    expect_lag(&s, &fresh, "nothing yet");
    expect_lag(&s, &past, "caught up but for the history");
    expect_lag(&s, &former, "not in the settings");
    tell(&s, "dead", &json);
    assert_null(strstr(buf_z(&json), "lag_seconds"));
    buf_reset(&json);
    tell(&s, "former", &json);
    assert_non_null(strstr(buf_z(&json), "\"configured\":false,\"caught_up\":true"));
}

static void print(const struct seen *s, struct buf *out, bool warning) {
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    assert_non_null(to);
    if (warning) seen_print_warning(s, STR("acme"), STR("a"), to);
    else seen_print(s, to);
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
        assert_int_equal(out.n, 0); // no concern of those settings
        configure(&s, "a");
        print(&s, &out, true);
        tell(&s, "a", &json);
        assert_string_equal(buf_z(&out), rows[i].text);
        if (rows[i].json) assert_non_null(strstr(buf_z(&json), rows[i].json));
        else assert_null(strstr(buf_z(&json), "forgotten"));
    }
}

static const struct store_output outputs[] = {
    {.output = STR("former"), .at_ms = 1795430390000, .complaint = STR("output.failed")},
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
    for (size_t i = 1; i < LEN(outputs); i++) configure(&s, outputs[i].output.p);
    configure(&s, "another");
    print(&s, &out, false);
    assert_string_equal(
        buf_z(&out),
        "output archive: ok, last delivered at 2026-11-23T10:33:20.000Z, 2 filtered (10 s ago)\n"
        "output search: failing since 2026-11-23T10:33:20.000Z: refused:\\u{a}\\u{1b}[2Jby the "
        "\"host\", 4 retries, 1 rejected (10 s ago)\n"
        "output stream: stopped: another collector has taken over (10 s ago)\n"
        "output another: nothing is known of it yet\n");
}

static void sources_are_told_with_what_okta_said(void **state) {
    AUTO_FINI(seen) struct seen s;
    AUTO_FINI(buf) struct buf out = buf_make(10000);
    load(state, &s, NULL, 0, NULL, 0);
    static const char *const names[] = {"new", "acme", "well", "slow"};
    for (size_t i = 0; i < LEN(names); i++)
        assert_int_equal(seen_configured_source(&s, str_from(names[i])), 0);
    print(&s, &out, false);
    assert_string_equal(
        buf_z(&out), "source acme: stopped since 2026-11-23T10:33:20.000Z: 401, the token\\u{a}is "
                     "not valid (5 s ago)\n"
                     "source slow: failing since 2026-11-23T10:39:59.000Z: timed out (0 s ago)\n"
                     "source well: ok (3 h ago)\n"
                     "source new: nothing is known of it yet\n");
}

static void machines_are_told_the_same(void **state) {
    AUTO_FINI(seen) struct seen s;
    AUTO_FINI(buf) struct buf out = buf_make(10000);
    const struct store_stand stand = {
        .source = STR("acme"), .output = STR("search"), .at_ms = now_ms, .lag_ms = 61000};
    load(state, &s, outputs, LEN(outputs), &stand, 1);
    configure(&s, "search");
    configure(&s, "another");
    tell(&s, "search", &out);
    assert_string_equal(
        buf_z(&out),
        "\"configured\":true,\"caught_up\":false,\"lag_seconds\":61,\"seen\":\"2026-11-23T10:40:00."
        "000Z\","
        "\"forgotten_in_seconds\":0,\"source_state\":{\"at\":\"2026-11-23T10:39:55.000Z\",\"ok\":"
        "false,\"stopped\":true,\"failing_since\":\"2026-11-23T10:33:20.000Z\",\"complaint\":"
        "\"okta.refused\",\"reason\":\"401, the token\\nis not "
        "valid\"},\"output_state\":{\"at\":\"2026-11-23T10:39:50.000Z\","
        "\"ok\":false,\"stopped\":false,\"failing_since\":\"2026-11-23T10:33:20.000Z\","
        "\"complaint\":\"output.failed\","
        "\"reason\":\"refused:\\n\\u001b[2Jby the \\\"host\\\"\",\"deliveries\":9,\"retries\":4,"
        "\"filtered\":0,\"rejected\":1}");
    buf_reset(&out);
    tell(&s, "another", &out);
    assert_null(strstr(buf_z(&out), "output_state"));
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
    configure(&s, "a");
    configure(&s, "new");
    assert_true(seen_next(&s, &at, &pair));
    assert_true(str_eq(pair.source, STR("acme")) && str_eq(pair.output, STR("b")));
    assert_true(seen_next(&s, &at, &pair));
    assert_true(str_eq(pair.source, STR("acme")) && str_eq(pair.output, STR("new")));
    assert_false(seen_next(&s, &at, &pair));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(how_far_behind_a_pair_is_has_a_unit),
        T(what_is_not_known_is_not_made_up),
        T(what_okta_will_forget_is_told_in_time),
        T(outputs_are_told_with_the_reasons_that_they_gave),
        T(sources_are_told_with_what_okta_said),
        T(machines_are_told_the_same),
        T(pairs_that_have_had_nothing_are_not_left_out),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("status_seen", tests, NULL, NULL);
}
