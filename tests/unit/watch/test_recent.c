// SPDX-License-Identifier: Apache-2.0
// The memory for what was delivered: it must never forget what is recent, nor grow without end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rand.h"
#include "watch/recent.h"

static struct hash128 id_of(uint64_t n) {
    struct rand r = rand_make(n);
    return (struct hash128){rand_next(&r), rand_next(&r)};
}

static void add(struct recent *r, uint64_t n) {
    assert_int_equal(recent_reserve(r, 1, (int64_t)n), 0);
    recent_add(r, id_of(n));
}

static void an_empty_memory_knows_nothing(void **state) {
    (void)state;
    AUTO_FINI(recent) struct recent r = {0};
    assert_false(recent_has(&r, id_of(1)));
}

static void the_last_half_is_always_known(void **state) {
    (void)state;
    AUTO_FINI(recent) struct recent r = {0};
    const uint64_t all = RECENT_MAX * 3 + 17;
    for (uint64_t n = 0; n < all; n++) {
        add(&r, n);
        uint64_t oldest_sure = n < RECENT_MAX / 2 ? 0 : n - RECENT_MAX / 2 + 1;
        assert_true(recent_has(&r, id_of(oldest_sure)));
    }
    assert_false(recent_has(&r, id_of(0)));
    assert_false(recent_has(&r, id_of(all)));
}

static void memory_is_bounded(void **state) {
    (void)state;
    AUTO_FINI(recent) struct recent r = {0};
    for (uint64_t n = 0; n < RECENT_MAX * 4; n++) add(&r, n);
    assert_true(r.young.cap + r.old.cap <= RECENT_MAX * 2);
}

static void it_says_from_when_on_it_knows_everything(void **state) {
    (void)state;
    AUTO_FINI(recent) struct recent r = {0};
    for (uint64_t n = 0; n < RECENT_MAX * 2; n++) {
        add(&r, n); // `n` stands for the newest published, too
        int64_t since = recent_since_ms(&r);
        assert_true(since >= 0 && (uint64_t)since <= n);
        assert_true(recent_has(&r, id_of((uint64_t)since)));
        if (n >= RECENT_MAX / 2) assert_true(n - (uint64_t)since >= RECENT_MAX / 2 - 1);
    }
}

static void adding_twice_counts_once(void **state) {
    (void)state;
    AUTO_FINI(recent) struct recent r = {0};
    for (int i = 0; i < 1000; i++) add(&r, 7);
    assert_int_equal(r.young.n, 1);
}

static void the_id_that_looks_like_a_free_slot_is_kept_too(void **state) {
    (void)state;
    AUTO_FINI(recent) struct recent r = {0};
    struct hash128 zero = {0, 0};
    assert_int_equal(recent_reserve(&r, 1, 0), 0);
    assert_false(recent_has(&r, zero));
    recent_add(&r, zero);
    assert_true(recent_has(&r, zero));
}

static void ids_that_share_a_slot_are_told_apart(void **state) {
    (void)state;
    AUTO_FINI(recent) struct recent r = {0};
    for (uint64_t n = 1; n <= 500; n++) {
        struct hash128 id = {.lo = 42, .hi = n};
        assert_int_equal(recent_reserve(&r, 1, 0), 0);
        assert_false(recent_has(&r, id));
        recent_add(&r, id);
        assert_true(recent_has(&r, id));
    }
}

static void one_reservation_serves_a_whole_page(void **state) {
    (void)state;
    AUTO_FINI(recent) struct recent r = {0};
    for (uint64_t page = 0; page < 100; page++) {
        assert_int_equal(recent_reserve(&r, 1000, 0), 0);
        for (uint64_t n = 0; n < 1000; n++) recent_add(&r, id_of(page * 1000 + n));
        for (uint64_t n = 0; n < 1000; n++) assert_true(recent_has(&r, id_of(page * 1000 + n)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_memory_knows_nothing),
        cmocka_unit_test(the_last_half_is_always_known),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(it_says_from_when_on_it_knows_everything),
        cmocka_unit_test(adding_twice_counts_once),
        cmocka_unit_test(the_id_that_looks_like_a_free_slot_is_kept_too),
        cmocka_unit_test(ids_that_share_a_slot_are_told_apart),
        cmocka_unit_test(one_reservation_serves_a_whole_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
