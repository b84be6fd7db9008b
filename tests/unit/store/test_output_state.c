// SPDX-License-Identifier: Apache-2.0
// How sources and outputs were last seen: kept, replaced one by one, read back; and a state from
// before.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sqlite3.h>

#include "scratch.h"
#include "store/history.h"

static struct store *open_ok(void **state) {
    struct store *s = NULL;
    struct fault fault = {{0}};
    if (store_open(&s, scratch_path(*state, "st"), STORE_WRITE, &fault)) fail_msg("%s", fault.text);
    return s;
}

static int note_source(void *ctx, const struct store_source *r) {
    buf_addf(ctx, "%.*s@%lld since %lld %.*s:%.*s%s;", STR_ARG(r->source), (long long)r->at_ms,
             (long long)r->failing_since_ms, STR_ARG(r->complaint), STR_ARG(r->reason),
             r->stopped ? " stopped" : "");
    assert_true(!r->complaint.p == !r->reason.p);
    return 0;
}

static int note_output(void *ctx, const struct store_output *o) {
    buf_addf(ctx, "%.*s@%lld %lld/%lld/%lld/%lld since %lld last %lld %.*s:%.*s%s;",
             STR_ARG(o->output), (long long)o->at_ms, (long long)o->deliveries,
             (long long)o->retries, (long long)o->filtered, (long long)o->rejected,
             (long long)o->failing_since_ms, (long long)o->last_success_ms, STR_ARG(o->complaint),
             STR_ARG(o->reason), o->stopped ? " stopped" : "");
    assert_true(!o->complaint.p == !o->reason.p);
    return 0;
}

static int note_stand(void *ctx, const struct store_stand *t) {
    buf_addf(ctx, "%.*s>%.*s@%lld %d %lld %lld;", STR_ARG(t->source), STR_ARG(t->output),
             (long long)t->at_ms, t->caught_up, (long long)t->lag_ms,
             (long long)t->forgotten_in_ms);
    return 0;
}

static int stop_at_once(void *ctx, const struct store_output *o) {
    (void)note_output(ctx, o);
    return 1;
}

static const struct store_output search = {.output = STR("search"),
                                           .at_ms = 10,
                                           .deliveries = 9,
                                           .retries = 3,
                                           .filtered = 7,
                                           .rejected = 1,
                                           .failing_since_ms = 5,
                                           .last_success_ms = 4,
                                           .complaint = STR("output.failed"),
                                           .reason = STR("connection refused")};
static const struct store_output archive = {.output = STR("archive"), .at_ms = 10, .deliveries = 2};
static const struct store_stand stand = {.source = STR("acme"),
                                         .output = STR("search"),
                                         .at_ms = 10,
                                         .lag_ms = 60000,
                                         .forgotten_in_ms = -1};

static void put(struct store *s, const struct store_noted *n) {
    assert_int_equal(store_noted_put(s, n, NULL), 0);
}

static void the_last_state_of_a_source_is_kept(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    AUTO_FINI(buf) struct buf got = buf_make(1000);
    const struct store_source rows[] = {
        {.source = STR("well"), .at_ms = 10},
        {.source = STR("acme"),
         .at_ms = 10,
         .failing_since_ms = 5,
         .complaint = STR("okta.refused"),
         .reason = STR("401"),
         .stopped = true},
    };
    put(s, &(struct store_noted){.sources = rows, .source_count = 2});
    assert_int_equal(store_sources(s, note_source, &got, NULL), 0);
    assert_string_equal(buf_z(&got), "acme@10 since 5 okta.refused:401 stopped;well@10 since 0 :;");
    buf_reset(&got);
    const struct store_source mended = {.source = STR("acme"), .at_ms = 20};
    put(s, &(struct store_noted){.sources = &mended, .source_count = 1});
    assert_int_equal(store_sources(s, note_source, &got, NULL), 0);
    assert_string_equal(buf_z(&got), "acme@20 since 0 :;well@10 since 0 :;");
}

static void the_last_state_of_an_output_is_kept(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    AUTO_FINI(buf) struct buf got = buf_make(1000);
    const struct store_output rows[] = {search, archive};
    put(s, &(struct store_noted){
               .outputs = rows, .output_count = 2, .stands = &stand, .stand_count = 1});
    assert_int_equal(store_outputs(s, note_output, &got, NULL), 0);
    assert_string_equal(buf_z(&got), "archive@10 2/0/0/0 since 0 last 0 :;"
                                     "search@10 9/3/7/1 since 5 last 4 "
                                     "output.failed:connection refused;");
    buf_reset(&got);
    assert_int_equal(store_stands(s, note_stand, &got, NULL), 0);
    assert_string_equal(buf_z(&got), "acme>search@10 0 60000 -1;");
}

static void a_later_state_takes_the_place_of_the_earlier_one_alone(void **state) {
    struct store *s = open_ok(state);
    AUTO_FINI(buf) struct buf got = buf_make(1000);
    const struct store_output rows[] = {search, archive};
    struct store_output well = archive;
    struct store_stand there = stand;
    put(s, &(struct store_noted){
               .outputs = rows, .output_count = 2, .stands = &stand, .stand_count = 1});
    well.output = search.output;
    well.stopped = there.caught_up = true;
    there.forgotten_in_ms = 77;
    put(s, &(struct store_noted){
               .outputs = &well, .output_count = 1, .stands = &there, .stand_count = 1});
    store_free(s);
    s = open_ok(state);
    assert_int_equal(store_outputs(s, note_output, &got, NULL), 0);
    assert_int_equal(store_stands(s, note_stand, &got, NULL), 0);
    assert_string_equal(buf_z(&got), "archive@10 2/0/0/0 since 0 last 0 :;"
                                     "search@10 2/0/0/0 since 0 last 0 : stopped;"
                                     "acme>search@10 1 60000 77;");
    store_free(s);
}

static void whoever_has_heard_enough_is_told_no_more(void **state) {
    AUTO(store) struct store *s = open_ok(state);
    AUTO_FINI(buf) struct buf got = buf_make(1000);
    const struct store_output rows[] = {search, archive};
    put(s, &(struct store_noted){.outputs = rows, .output_count = 2});
    assert_int_equal(store_outputs(s, stop_at_once, &got, NULL), 0);
    assert_string_equal(buf_z(&got), "archive@10 2/0/0/0 since 0 last 0 :;");
}

static void sql(void **state, const char *text) {
    sqlite3 *db = NULL;
    char *why = NULL;
    assert_int_equal(sqlite3_open(scratch_path(*state, "st/state.db"), &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK) fail_msg("%s", why);
    sqlite3_close(db);
}

static void a_state_of_format_3_is_brought_up_to_date(void **state) {
    AUTO_FINI(buf) struct buf got = buf_make(1000);
    store_free(open_ok(state));
    sql(state, "DROP TABLE output; DROP TABLE stand; DROP TABLE source; PRAGMA user_version = 3;");
    struct store *s = NULL;
    struct fault fault = {{0}};
    assert_int_equal(store_open(&s, scratch_path(*state, "st"), STORE_READ, &fault), -ENOTSUP);
    s = open_ok(state);
    put(s, &(struct store_noted){
               .outputs = &archive, .output_count = 1, .stands = &stand, .stand_count = 1});
    assert_int_equal(store_outputs(s, note_output, &got, NULL), 0);
    assert_string_equal(buf_z(&got), "archive@10 2/0/0/0 since 0 last 0 :;");
    store_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_last_state_of_a_source_is_kept, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(the_last_state_of_an_output_is_kept, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_later_state_takes_the_place_of_the_earlier_one_alone,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(whoever_has_heard_enough_is_told_no_more, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(a_state_of_format_3_is_brought_up_to_date, scratch_setup,
                                        scratch_teardown),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("output_state", tests, NULL, NULL);
}
