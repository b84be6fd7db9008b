// SPDX-License-Identifier: Apache-2.0
// Buffers and memory: what grows, what refuses to grow, and what sticks.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

#define assert_text(b, z) assert_true(str_eqz(buf_str(b), z))

static void appending_keeps_every_byte_in_order(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf b = buf_make(1 << 20);
    for (int i = 0; i < 5000; i++) buf_addc(&b, (char)i);
    assert_int_equal(b.error, 0);
    assert_int_equal(b.n, 5000);
    for (int i = 0; i < 5000; i++) assert_int_equal(b.p[i], (char)i);
}

static void appending_nothing_allocates_nothing(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf b = buf_make(10);
    buf_add(&b, NULL, 0);
    buf_add_str(&b, STR_NONE);
    buf_addz(&b, "");
    assert_null(b.p);
    assert_int_equal(b.error, 0);
}

static void the_maximum_is_reached_but_not_passed(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf b = buf_make(4);
    buf_addz(&b, "abcd");
    assert_int_equal(b.error, 0);
    buf_addc(&b, 'e');
    assert_int_equal(b.error, -EMSGSIZE);
    assert_text(&b, "abcd");
}

static void the_first_error_sticks_until_reset(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf b = buf_make(4);
    buf_addz(&b, "abcde");
    buf_addc(&b, 'x');
    assert_int_equal(b.error, -EMSGSIZE);
    assert_int_equal(b.n, 0);
    assert_null(buf_z(&b));
    assert_null(buf_take(&b));
    buf_reset(&b);
    buf_addc(&b, 'x');
    assert_int_equal(b.error, 0);
    assert_text(&b, "x");
}

static void a_size_that_would_overflow_is_refused(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf b = buf_make(SIZE_MAX);
    buf_addc(&b, 'x');
    assert_false(buf_reserve(&b, SIZE_MAX));
    assert_int_equal(b.error, -EMSGSIZE);
}

static void formatted_text_is_appended_whole(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf b = buf_make(1 << 16);
    buf_addf(&b, "%s=%d;", "a", 7);
    buf_addf(&b, "%0500d", 1);
    assert_int_equal(b.n, 504);
    assert_true(str_starts(buf_str(&b), STR("a=7;000")));
}

static void formatted_text_past_the_maximum_is_an_error(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf b = buf_make(8);
    buf_addf(&b, "%s", "123456789");
    assert_int_equal(b.error, -EMSGSIZE);
    assert_int_equal(b.n, 0);
}

static void whole_numbers_are_written_to_their_limits(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf b = buf_make(1000);
    const int64_t values[] = {0, 9, 10, -1, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < LEN(values); i++) {
        buf_add_i64(&b, values[i]);
        buf_addc(&b, ' ');
    }
    buf_add_u64(&b, UINT64_MAX);
    assert_text(&b, "0 9 10 -1 9223372036854775807 -9223372036854775808 18446744073709551615");
}

static void cutting_shortens_and_never_lengthens(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf b = buf_make(100);
    buf_addz(&b, "abcdef");
    buf_cut(&b, 10);
    assert_text(&b, "abcdef");
    buf_cut(&b, 2);
    assert_text(&b, "ab");
}

static void shrinking_gives_large_memory_back_and_keeps_small(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf b = buf_make(1 << 20);
    assert_true(buf_reserve(&b, 10000));
    buf_shrink(&b, 1 << 20);
    assert_true(b.cap >= 10000);
    buf_shrink(&b, 100);
    assert_int_equal(b.cap, 0);
    buf_addc(&b, 'x');
    assert_int_equal(b.error, 0);
}

static void taking_hands_over_a_terminated_string_and_leaves_it_empty(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf b = buf_make(100);
    buf_addz(&b, "abc");
    AUTO_MEM char *text = buf_take(&b);
    assert_string_equal(text, "abc");
    assert_null(b.p);
    assert_int_equal(b.max, 100);
}

static void a_full_buffer_has_no_room_for_the_terminator(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf b = buf_make(3);
    buf_addz(&b, "abc");
    assert_null(buf_z(&b));
}

static void arrays_grow_and_keep_their_elements(void **state) {
    (void)state;
    AUTO_MEM int *array = NULL;
    size_t cap = 0;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(mem_grow(&array, &cap, (size_t)i + 1, sizeof *array), 0);
        array[i] = i;
    }
    for (int i = 0; i < 1000; i++) assert_int_equal(array[i], i);
}

static void an_array_too_large_to_address_changes_nothing(void **state) {
    (void)state;
    AUTO_MEM char *array = NULL;
    size_t cap = 0;
    assert_int_equal(mem_grow(&array, &cap, 5, 16), 0);
    const char *before = array;
    size_t cap_before = cap;
    assert_int_equal(mem_grow(&array, &cap, SIZE_MAX / 8, 16), -ENOMEM);
    assert_int_equal(mem_grow(&array, &cap, SIZE_MAX, 1), -ENOMEM);
    assert_ptr_equal(array, before);
    assert_int_equal(cap, cap_before);
    volatile size_t too_many = SIZE_MAX / 2;
    assert_null(mem_new_array(too_many, 4));
}

static void new_memory_is_zero_and_copies_are_terminated(void **state) {
    (void)state;
    AUTO_MEM char *zeroes = mem_new_array(64, 3);
    assert_non_null(zeroes);
    for (int i = 0; i < 192; i++) assert_int_equal(zeroes[i], 0);
    AUTO_MEM char *copy = mem_copy("a\0bc", 3);
    assert_memory_equal(copy, "a\0b", 4);
    AUTO_MEM char *empty = mem_copy(NULL, 0);
    assert_string_equal(empty, "");
    AUTO_MEM void *nothing = mem_new(0);
    assert_non_null(nothing);
}

static void take_leaves_null_behind(void **state) {
    (void)state;
    AUTO_MEM char *p = mem_copy("x", 1);
    AUTO_MEM char *q = TAKE(p);
    assert_null(p);
    assert_string_equal(q, "x");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appending_keeps_every_byte_in_order),
        cmocka_unit_test(appending_nothing_allocates_nothing),
        cmocka_unit_test(the_maximum_is_reached_but_not_passed),
        cmocka_unit_test(the_first_error_sticks_until_reset),
        cmocka_unit_test(a_size_that_would_overflow_is_refused),
        cmocka_unit_test(formatted_text_is_appended_whole),
        cmocka_unit_test(formatted_text_past_the_maximum_is_an_error),
        cmocka_unit_test(whole_numbers_are_written_to_their_limits),
        cmocka_unit_test(cutting_shortens_and_never_lengthens),
        cmocka_unit_test(shrinking_gives_large_memory_back_and_keeps_small),
        cmocka_unit_test(taking_hands_over_a_terminated_string_and_leaves_it_empty),
        cmocka_unit_test(a_full_buffer_has_no_room_for_the_terminator),
        cmocka_unit_test(arrays_grow_and_keep_their_elements),
        cmocka_unit_test(an_array_too_large_to_address_changes_nothing),
        cmocka_unit_test(new_memory_is_zero_and_copies_are_terminated),
        cmocka_unit_test(take_leaves_null_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
