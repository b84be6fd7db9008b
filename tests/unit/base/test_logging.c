// SPDX-License-Identifier: Apache-2.0
// Log records, faults, hashes and seeded numbers: what other rooms show and store.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/rand.h"

enum { STAMP_BYTES = 24 };

// A logger into a pipe, and what came out of it.
struct tap {
    int ends[2];
    struct log log;
    char text[4096];
    int calls;
};

static void count_call(void *ctx) { ((struct tap *)ctx)->calls++; }

static void tap_open(struct tap *t, enum log_format format) {
    assert_int_equal(pipe(t->ends), 0);
    t->calls = 0;
    t->log = (struct log){.fd = t->ends[1],
                          .level = LOG_INFO,
                          .format = format,
                          .before = count_call,
                          .before_ctx = t};
}

static const char *tap_read(struct tap *t) {
    close(t->ends[1]);
    ssize_t n = read(t->ends[0], t->text, sizeof t->text - 1);
    close(t->ends[0]);
    assert_true(n >= 0);
    t->text[n] = '\0';
    return t->text;
}

static void a_text_record_has_time_level_name_and_pairs(void **state) {
    (void)state;
    struct tap t;
    tap_open(&t, LOG_TEXT);
    log_warn(&t.log, "a.b", KV_STR("s", "x"), KV_INT("n", -5), KV_NUM("f", 0.5));
    const char *text = tap_read(&t);
    assert_int_equal(text[10], 'T');
    assert_int_equal(text[STAMP_BYTES - 1], 'Z');
    assert_string_equal(text + STAMP_BYTES, " WARN  a.b s=x n=-5 f=0.5\n");
}

static void a_json_record_quotes_strings_but_not_numbers(void **state) {
    (void)state;
    struct tap t;
    tap_open(&t, LOG_JSON);
    log_error(&t.log, "a.b", KV_STR("s", "x"), KV_INT("n", 5));
    const char *text = tap_read(&t);
    assert_memory_equal(text, "{\"time\":\"", 9);
    assert_string_equal(text + 9 + STAMP_BYTES,
                        "\",\"level\":\"ERROR\",\"name\":\"a.b\",\"s\":\"x\",\"n\":5}\n");
}

static void hostile_values_stay_on_one_line(void **state) {
    (void)state;
    struct tap t;
    tap_open(&t, LOG_TEXT);
    log_info(&t.log, "a", KV_STR("s", "two\nlines \"q\" \x1b[31m"), KV_STR("empty", ""),
             KV_STR("eq", "a=b"));
    assert_string_equal(tap_read(&t) + STAMP_BYTES,
                        " INFO  a s=\"two\\nlines \\\"q\\\" \\u001b[31m\" empty=\"\" eq=\"a=b\"\n");
}

static void records_below_the_level_are_not_written(void **state) {
    (void)state;
    struct tap t;
    tap_open(&t, LOG_TEXT);
    log_debug(&t.log, "no");
    log_info(&t.log, "yes");
    log_info(NULL, "nobody");
    assert_string_equal(tap_read(&t) + STAMP_BYTES, " INFO  yes\n");
    assert_int_equal(t.calls, 1);
}

static void written_records_are_counted_by_level(void **state) {
    (void)state;
    struct tap t;
    atomic_llong counts[LOG_LEVELS] = {0};
    tap_open(&t, LOG_TEXT);
    t.log.counts = counts;
    log_debug(&t.log, "not.written");
    log_warn(&t.log, "a");
    log_warn(&t.log, "b");
    log_error(&t.log, "c");
    (void)tap_read(&t);
    assert_int_equal(counts[LOG_DEBUG], 0);
    assert_int_equal(counts[LOG_INFO], 0);
    assert_int_equal(counts[LOG_WARN], 2);
    assert_int_equal(counts[LOG_ERROR], 1);
}

static void a_fault_gives_its_code_back_and_takes_no_offence_at_null(void **state) {
    (void)state;
    struct fault f;
    assert_int_equal(fault_set(&f, -EINVAL, "%s: %d", "line", 7), -EINVAL);
    assert_string_equal(f.text, "line: 7");
    assert_int_equal(fault_set(NULL, 3, "x"), 3);
}

static void a_long_fault_is_never_cut_inside_a_character(void **state) {
    (void)state;
    const char *characters[] = {"a", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    for (size_t k = 0; k < LEN(characters); k++) {
        AUTO_FINI(buf) struct buf long_text = buf_make(10000);
        size_t width = strlen(characters[k]);
        for (int i = 0; i < 1500; i++) buf_addz(&long_text, characters[k]);
        struct fault f;
        fault_set(&f, -1, "%s", buf_z(&long_text));
        size_t n = strlen(f.text);
        assert_true(n < FAULT_TEXT_MAX && n >= FAULT_TEXT_MAX - 4);
        assert_int_equal(n % width, 0);
    }
}

static void errors_have_words(void **state) {
    (void)state;
    assert_string_equal(error_text(-ENOENT), "No such file or directory");
    assert_string_equal(error_text(-99999), "unknown error");
}

static void hashes_are_what_earlier_releases_stored(void **state) {
    (void)state;
    // Values of version 0.1.0: these must never change.
    struct hash128 h = hash128(STR("gatehouse"));
    assert_true(hash64(STR(""), 0) == 0x184b4659e9207615u);
    assert_true(hash64(STR("the first sixteen bytes, and more"), 7) == 0xed6503f21409b4ebu);
    assert_true(h.lo == 0xa2f8ab74162728c1u && h.hi == 0xe17ef9af5f454dbeu);
}

static void hashes_see_length_seed_and_every_byte(void **state) {
    (void)state;
    assert_true(hash64(STR("a"), 0) != hash64(STR("a\0"), 0));
    assert_true(hash64(STR("a"), 0) != hash64(STR("a"), 1));
    char text[40] = {0};
    struct str s = {text, sizeof text};
    uint64_t base = hash64(s, 0);
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = 1;
        assert_true(hash64(s, 0) != base);
        assert_false(hash128_eq(hash128(s), hash128(str_sub(s, 0, 39))));
        text[i] = 0;
    }
}

static void the_same_seed_gives_the_same_numbers(void **state) {
    (void)state;
    struct rand a = rand_make(42);
    struct rand b = rand_make(42);
    struct rand c = rand_make(43);
    bool differs = false;
    for (int i = 0; i < 100; i++) {
        uint64_t x = rand_next(&a);
        assert_true(x == rand_next(&b));
        differs |= x != rand_next(&c);
    }
    assert_true(differs);
}

static void numbers_stay_in_range_and_reach_all_of_it(void **state) {
    (void)state;
    struct rand r = rand_make(7);
    int seen[10] = {0};
    for (int i = 0; i < 10000; i++) {
        uint64_t x = rand_below(&r, 10);
        assert_true(x < 10);
        seen[x]++;
        double unit = rand_unit(&r);
        assert_true(unit >= 0 && unit < 1);
    }
    for (int i = 0; i < 10; i++) assert_in_range(seen[i], 800, 1200);
    assert_int_equal(rand_below(&r, 1), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_record_has_time_level_name_and_pairs),
        cmocka_unit_test(a_json_record_quotes_strings_but_not_numbers),
        cmocka_unit_test(hostile_values_stay_on_one_line),
        cmocka_unit_test(records_below_the_level_are_not_written),
        cmocka_unit_test(written_records_are_counted_by_level),
        cmocka_unit_test(a_fault_gives_its_code_back_and_takes_no_offence_at_null),
        cmocka_unit_test(a_long_fault_is_never_cut_inside_a_character),
        cmocka_unit_test(errors_have_words),
        cmocka_unit_test(hashes_are_what_earlier_releases_stored),
        cmocka_unit_test(hashes_see_length_seed_and_every_byte),
        cmocka_unit_test(the_same_seed_gives_the_same_numbers),
        cmocka_unit_test(numbers_stay_in_range_and_reach_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
