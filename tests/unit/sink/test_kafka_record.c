// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "sink/kafka-internal.h"

static const char our_state[] = "00112233445566778899aabbccddeeff";

static const struct sink_position polling = {.source = {"acme", 4},
                                             .next = {"https://x/?after=1&b=\"", 22},
                                             .published_ms = 1795348800123,
                                             .start_ms = 5};
static const struct sink_position window = {.source = {"acme", 4},
                                            .window = true,
                                            .since_ms = -7,
                                            .until_ms = 9,
                                            .position_ms = 8,
                                            .done = true};

static struct hash128 ids[3000];

static void make_ids(void) {
    for (size_t i = 0; i < LEN(ids); i++) {
        char text[20];
        int n = snprintf(text, sizeof text, "u%zu", i);
        ids[i] = hash128((struct str){text, (size_t)n});
    }
}

static int read(struct kafka_record *r, struct str text) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    assert_int_equal(json_reader_new(&reader), 0);
    return kafka_record_read(r, reader, text);
}

static void check_same(const struct sink_position *a, const struct sink_position *b) {
    assert_true(str_eq(a->source, b->source));
    assert_true(!a->next.p == !b->next.p && str_eq(a->next, b->next));
    assert_int_equal(a->published_ms, b->published_ms);
    assert_int_equal(a->start_ms, b->start_ms);
    assert_int_equal(a->window, b->window);
    assert_int_equal(a->since_ms, b->since_ms);
    assert_int_equal(a->until_ms, b->until_ms);
    assert_int_equal(a->position_ms, b->position_ms);
    assert_int_equal(a->done, b->done);
}

static void write(struct buf *out, const struct sink_position *at, size_t n, size_t open) {
    struct kafka_record r = {.seq = 42, .at = *at, .ids = ids, .id_count = n, .open_count = open};
    memcpy(r.state, our_state, sizeof our_state);
    kafka_record_write(out, &r);
}

static void round_trip(const struct sink_position *at, size_t n, size_t open) {
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    AUTO_FINI(kafka_record) struct kafka_record r = {.seq = 0};
    write(&text, at, n, open);
    assert_int_equal(read(&r, buf_str(&text)), 0);
    assert_string_equal(r.state, our_state);
    assert_int_equal(r.seq, 42);
    check_same(&r.at, at);
    assert_int_equal(r.id_count, n);
    assert_int_equal(r.open_count, open);
    assert_memory_equal(r.ids, ids, n * sizeof *ids);
}

static void what_is_written_is_read(void **state) {
    (void)state;
    make_ids();
    for (size_t n = 0; n < 20; n++) {
        round_trip(&polling, n, n / 2);
        round_trip(&window, n, n);
    }
    round_trip(&polling, LEN(ids), 1000);
}

static void what_is_remembered_is_read(void **state) {
    (void)state;
    make_ids();
    const struct kafka_slot slot = {.number = 129, .before_ms = 1795348800123, .first = true};
    const struct kafka_had had = {
        .window = true, .since_ms = -7, .first_ms = -5, .last_ms = 8, .fetched_ms = 1795348800123};
    for (size_t n = 0; n < 20; n++) {
        AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
        AUTO_FINI(kafka_record) struct kafka_record a = {.seq = 0}, b = {.seq = 0};
        const struct kafka_ids some = {ids, n};
        kafka_slot_write(&text, our_state, STR("acme"), &slot, some);
        assert_int_equal(read(&a, buf_str(&text)), 0);
        assert_int_equal(a.kind, KAFKA_TRAIL);
        assert_int_equal(a.slot.number, slot.number);
        assert_int_equal(a.slot.before_ms, slot.before_ms);
        assert_true(a.slot.first);
        assert_int_equal(a.id_count, n);
        assert_memory_equal(a.ids, ids, n * sizeof *ids);
        buf_reset(&text);
        kafka_had_write(&text, our_state, STR("acme"), &had, some);
        assert_int_equal(read(&b, buf_str(&text)), 0);
        assert_int_equal(b.kind, KAFKA_HAD);
        assert_true(str_eqz(b.at.source, "acme") && b.had.window);
        assert_int_equal(b.had.since_ms, -7);
        assert_int_equal(b.had.first_ms, -5);
        assert_int_equal(b.had.last_ms, 8);
        assert_int_equal(b.had.fetched_ms, had.fetched_ms);
        assert_true(b.had.sum == kafka_ids_sum(some));
        assert_memory_equal(b.ids, ids, n * sizeof *ids);
    }
}

// What polling brought has no window.
static void of_polling_there_is_no_window(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    AUTO_FINI(kafka_record) struct kafka_record r = {.seq = 0};
    const struct kafka_had had = {.first_ms = 1, .last_ms = 2, .fetched_ms = 3};
    kafka_had_write(&text, our_state, STR("acme"), &had, (struct kafka_ids){ids, 1});
    assert_int_equal(read(&r, buf_str(&text)), 0);
    assert_false(r.had.window);
}

static void a_page_of_1000_takes_22_kilobytes(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    write(&text, &polling, 1000, 0);
    assert_true(text.n < 22000);
}

static void expect_key(const struct sink_position *at, const char *want) {
    AUTO_FINI(buf) struct buf key = buf_make(1000);
    kafka_record_key(&key, "gate", at);
    assert_string_equal(buf_z(&key), want);
}

static void each_window_has_a_key_of_its_own(void **state) {
    (void)state;
    expect_key(&polling, "gate|acme");
    expect_key(&window, "gate|acme|-7");
    expect_key(&(struct sink_position){.source = STR("")}, "gate|");
}

// The trail is a ring; what may come again is named alike by all who have it.
static void what_is_remembered_has_keys_that_no_position_has(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf key = buf_make(1000);
    const struct kafka_slot slot = {.number = 3 * KAFKA_TRAIL_SLOTS + 5};
    const struct kafka_had had = {.fetched_ms = 77, .sum = 0xabcU};
    kafka_slot_key(&key, "gate", STR("acme"), &slot);
    assert_string_equal(buf_z(&key), "gate|acme#5");
    buf_reset(&key);
    kafka_had_key(&key, "gate", STR("acme"), &had);
    assert_string_equal(buf_z(&key), "gate|acme|had|77|0000000000000abc");
}

#define HEAD "{\"v\":1,\"state\":\"00112233445566778899aabbccddeeff\",\"seq\":1,\"source\":\"a\","

static void anything_else_is_odd(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "null",
        HEAD "\"published\":0,\"start\":0}",
        HEAD "\"published\":0,\"start\":0,\"uuids\":\"A\"}",
        HEAD "\"published\":0,\"start\":0,\"uuids\":\"AAAAAAAAAAAAAAAAAAAAA\"}",
        HEAD "\"published\":0,\"start\":0,\"uuids\":\"AAAAAAAAAAAAAAAAAAAAA!\"}",
        HEAD "\"published\":0,\"start\":0,\"uuids\":\"AAAAAAAAAAAAAAAAAAAAAAA\"}",
        HEAD "\"published\":0,\"start\":0,\"open\":1,\"uuids\":\"\"}",
        HEAD "\"published\":0,\"start\":0,\"open\":-1,\"uuids\":\"\"}",
        HEAD "\"published\":0,\"start\":\"\",\"uuids\":\"\"}",
        HEAD "\"published\":0,\"start\":0,\"window\":{},\"uuids\":\"\"}",
        HEAD "\"trail\":0,\"before\":0,\"uuids\":\"\"}",
        HEAD "\"trail\":1,\"uuids\":\"\"}",
        HEAD "\"trail\":1,\"before\":0}",
        HEAD "\"trail\":\"1\",\"before\":0,\"uuids\":\"\"}",
        HEAD "\"had\":1,\"uuids\":\"\"}",
        HEAD "\"had\":{\"first\":1,\"last\":2},\"uuids\":\"\"}",
        HEAD "\"had\":{\"first\":1,\"last\":2,\"fetched\":3,\"since\":\"\"},\"uuids\":\"\"}",
        HEAD "\"had\":{\"first\":1,\"last\":2,\"fetched\":3},\"uuids\":\"!\"}",
        "{\"v\":2,\"state\":\"00112233445566778899aabbccddeeff\",\"seq\":1,\"source\":\"a\","
        "\"published\":0,\"start\":0,\"uuids\":\"\"}",
        "{\"v\":1,\"state\":\"00112233445566778899aabbccddeef\",\"seq\":1,\"source\":\"a\","
        "\"published\":0,\"start\":0,\"uuids\":\"\"}",
        "{\"v\":1,\"state\":\"00112233445566778899aabbccddeefG\",\"seq\":1,\"source\":\"a\","
        "\"published\":0,\"start\":0,\"uuids\":\"\"}",
        "{\"v\":1,\"state\":\"00112233445566778899aabbccddeeff\",\"seq\":0,\"source\":\"a\","
        "\"published\":0,\"start\":0,\"uuids\":\"\"}",
        "{\"v\":1,\"state\":\"00112233445566778899aabbccddeeff\",\"seq\":1,\"source\":null,"
        "\"published\":0,\"start\":0,\"uuids\":\"\"}",
    };
    for (size_t i = 0; i < LEN(texts); i++) {
        AUTO_FINI(kafka_record) struct kafka_record r = {.seq = 0};
        if (read(&r, str_from(texts[i])) != KAFKA_RECORD_E_ODD) fail_msg("taken: %s", texts[i]);
    }
    AUTO_FINI(kafka_record) struct kafka_record good = {.seq = 0};
    const char *text = HEAD "\"published\":0,\"start\":0,\"uuids\":\"AAAAAAAAAAAAAAAAAAAAAA==\"}";
    assert_int_equal(read(&good, str_from(text)), 0);
    assert_int_equal(good.id_count, 1);
    assert_int_equal(good.open_count, 1); // of a version that did not say
}

static void a_mark_says_where_each_lane_is(void **state) {
    (void)state;
    static const char text[] =
        "{\"state\":\"00112233445566778899aabbccddeeff\",\"lanes\":["
        "{\"source\":\"acme\",\"seq\":3},{\"source\":\"acme\",\"since\":-7,\"seq\":1,"
        "\"state\":\"ffffffffffffffffffffffffffffffff\"}]}";
    struct kafka_lanes lanes = {.first = NULL};
    struct kafka_lane *lane = NULL;
    AUTO_FINI(buf) struct buf out = buf_make(1 << 20);
    assert_int_equal(kafka_lanes_read_mark(&lanes, str_from(text), NULL), 0);
    kafka_lanes_write_mark(&lanes, NULL, 0, false, &out);
    assert_string_equal(buf_z(&out), text);
    buf_reset(&out);
    assert_int_equal(kafka_lanes_get(&lanes, &window, &lane), 0);
    assert_int_equal(lane->base_seq, 1);
    kafka_lanes_write_mark(&lanes, lane, 2, true, &out);
    assert_non_null(strstr(buf_z(&out), "\"since\":-7,\"seq\":2,\"open\":true}]}"));
    kafka_lanes_fini(&lanes);
}

static void a_mark_of_another_sink_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "x", "{}", "{\"state\":\"short\"}",
        "{\"state\":\"00112233445566778899aabbccddeeff\",\"lanes\":[{\"seq\":1}]}",
        "{\"state\":\"00112233445566778899aabbccddeeff\",\"lanes\":[{\"source\":\"a\"}]}"};
    for (size_t i = 0; i < LEN(texts); i++) {
        struct kafka_lanes lanes = {.first = NULL};
        struct fault fault = {0};
        assert_int_equal(kafka_lanes_read_mark(&lanes, str_from(texts[i]), &fault), -EINVAL);
        assert_true(fault.text[0]);
        kafka_lanes_fini(&lanes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_is_remembered_is_read),
        cmocka_unit_test(of_polling_there_is_no_window),
        cmocka_unit_test(a_page_of_1000_takes_22_kilobytes),
        cmocka_unit_test(each_window_has_a_key_of_its_own),
        cmocka_unit_test(what_is_remembered_has_keys_that_no_position_has),
        cmocka_unit_test(anything_else_is_odd),
        cmocka_unit_test(a_mark_says_where_each_lane_is),
        cmocka_unit_test(a_mark_of_another_sink_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
