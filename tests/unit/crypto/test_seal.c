// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/seal.h"

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define BASE64 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define OTHER "0123456789ABCDEF0123456789abcdef0123456789ABCDEF0123456789abcdef"

static struct crypto_sealer *sealer(const char *key) {
    struct crypto_sealer *s = NULL;
    struct fault fault = {{0}};
    if (crypto_sealer_new(&s, str_from(key), &fault)) fail_msg("%s", fault.text);
    return s;
}

static void seal(const struct crypto_sealer *s, struct str name, struct str value,
                 struct buf *out) {
    assert_int_equal(crypto_seal(s, name, value, out), 0);
}

static void what_was_sealed_comes_back(void **state) {
    (void)state;
    static char large[100000];
    memset(large, 'x', sizeof large);
    const struct str values[] = {
        {"", 0},         {NULL, 0},
        {"v", 1},        {"a secret value", 14},
        {"\0\xFF\0", 3}, {large, sizeof large},
    };
    AUTO(crypto_sealer) struct crypto_sealer *s = sealer(HEX);
    for (size_t i = 0; i < LEN(values); i++) {
        AUTO_FINI(buf) struct buf sealed = buf_make(1 << 20);
        AUTO_FINI(buf) struct buf value = buf_make(1 << 20);
        seal(s, STR("name"), values[i], &sealed);
        assert_int_equal(sealed.n, 1 + 8 + 12 + values[i].n + 16);
        assert_int_equal(sealed.p[0], 1);
        buf_addz(&value, "before");
        assert_int_equal(crypto_unseal(s, STR("name"), buf_str(&sealed), &value), 0);
        assert_true(str_eq(str_sub(buf_str(&value), 6, value.n), values[i]));
        assert_true(str_starts(buf_str(&value), STR("before")));
    }
}

static void one_key_has_many_spellings(void **state) {
    (void)state;
    static const char *const spellings[] = {
        HEX,    "  " HEX "\r\n", "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
        BASE64, BASE64 "=",      BASE64 "=\n",
    };
    AUTO(crypto_sealer) struct crypto_sealer *s = sealer(HEX);
    AUTO_FINI(buf) struct buf sealed = buf_make(1000);
    seal(s, STR("name"), STR("value"), &sealed);
    for (size_t i = 0; i < LEN(spellings); i++) {
        AUTO(crypto_sealer) struct crypto_sealer *same = sealer(spellings[i]);
        AUTO_FINI(buf) struct buf value = buf_make(1000);
        assert_int_equal(crypto_unseal(same, STR("name"), buf_str(&sealed), &value), 0);
    }
}

static void both_alphabets_of_base64_are_taken(void **state) {
    (void)state;
    AUTO(crypto_sealer)
    struct crypto_sealer *a = sealer("++++////++++////++++////++++////++++////++8=");
    AUTO(crypto_sealer)
    struct crypto_sealer *b = sealer("----____----____----____----____----____--8");
    AUTO_FINI(buf) struct buf sealed = buf_make(1000);
    AUTO_FINI(buf) struct buf value = buf_make(1000);
    seal(a, STR("name"), STR("value"), &sealed);
    assert_int_equal(crypto_unseal(b, STR("name"), buf_str(&sealed), &value), 0);
}

static void what_is_no_key_is_refused_without_being_repeated(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",
        "correct horse battery staple",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1g",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f0",
        BASE64 "==",
        BASE64 "A",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9", // bits that mean nothing
        "AAECAwQFBgcICQoL DA0ODxAREhMUFRYXGBkaGxwdHh8",
        "=AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct crypto_sealer *s = NULL;
        struct fault fault = {{0}};
        assert_int_equal(crypto_sealer_new(&s, str_from(rows[i]), &fault), -EINVAL);
        assert_null(s);
        assert_non_null(strstr(fault.text, "expected 32 bytes as 64 hex digits or as base64"));
        assert_null(strstr(fault.text, "0001020304"));
        assert_null(strstr(fault.text, "AAECAwQF"));
        assert_null(strstr(fault.text, "horse"));
    }
}

static void the_same_value_is_sealed_differently_each_time(void **state) {
    (void)state;
    AUTO(crypto_sealer) struct crypto_sealer *s = sealer(HEX);
    AUTO_FINI(buf) struct buf a = buf_make(1000);
    AUTO_FINI(buf) struct buf b = buf_make(1000);
    seal(s, STR("name"), STR("value"), &a);
    seal(s, STR("name"), STR("value"), &b);
    assert_memory_equal(a.p, b.p, 9); // version and key id
    assert_memory_not_equal(a.p + 9, b.p + 9, 12);
    assert_memory_not_equal(a.p + 21, b.p + 21, 5);
    assert_int_equal(str_find(buf_str(&a), STR("value")), a.n);
}

static void records_that_changed_places_are_noticed(void **state) {
    (void)state;
    AUTO(crypto_sealer) struct crypto_sealer *s = sealer(HEX);
    AUTO_FINI(buf) struct buf a = buf_make(1000);
    AUTO_FINI(buf) struct buf out = buf_make(1000);
    static const char *const others[] = {"", "b", "A", "aa", "a "};
    seal(s, STR("a"), STR("value of a"), &a);
    for (size_t i = 0; i < LEN(others); i++)
        assert_int_equal(crypto_unseal(s, str_from(others[i]), buf_str(&a), &out),
                         CRYPTO_E_DAMAGED);
    assert_int_equal(out.n, 0);
}

static void another_master_key_is_named_so(void **state) {
    (void)state;
    AUTO(crypto_sealer) struct crypto_sealer *s = sealer(HEX);
    AUTO(crypto_sealer) struct crypto_sealer *other = sealer(OTHER);
    AUTO_FINI(buf) struct buf sealed = buf_make(1000);
    AUTO_FINI(buf) struct buf out = buf_make(1000);
    seal(s, STR("name"), STR("value"), &sealed);
    assert_int_equal(crypto_unseal(other, STR("name"), buf_str(&sealed), &out), CRYPTO_E_OTHER_KEY);
    assert_int_equal(out.n, 0);
}

static void every_flipped_bit_is_noticed(void **state) {
    (void)state;
    AUTO(crypto_sealer) struct crypto_sealer *s = sealer(HEX);
    AUTO_FINI(buf) struct buf sealed = buf_make(1000);
    AUTO_FINI(buf) struct buf out = buf_make(1000);
    seal(s, STR("name"), STR("value"), &sealed);
    buf_addz(&out, "as it was");
    for (size_t at = 0; at < sealed.n; at++)
        for (int bit = 0; bit < 8; bit++) {
            sealed.p[at] = (char)(sealed.p[at] ^ 1 << bit);
            int expected = at >= 1 && at < 9 ? CRYPTO_E_OTHER_KEY : CRYPTO_E_DAMAGED;
            assert_int_equal(crypto_unseal(s, STR("name"), buf_str(&sealed), &out), expected);
            sealed.p[at] = (char)(sealed.p[at] ^ 1 << bit);
        }
    assert_true(str_eqz(buf_str(&out), "as it was"));
    assert_int_equal(crypto_unseal(s, STR("name"), buf_str(&sealed), &out), 0);
}

static void every_cut_and_addition_is_noticed(void **state) {
    (void)state;
    AUTO(crypto_sealer) struct crypto_sealer *s = sealer(HEX);
    AUTO_FINI(buf) struct buf sealed = buf_make(1000);
    AUTO_FINI(buf) struct buf out = buf_make(1000);
    seal(s, STR("name"), STR("value"), &sealed);
    for (size_t n = 0; n < sealed.n; n++)
        assert_int_equal(crypto_unseal(s, STR("name"), str_sub(buf_str(&sealed), 0, n), &out),
                         CRYPTO_E_DAMAGED);
    buf_addc(&sealed, 0);
    assert_int_equal(crypto_unseal(s, STR("name"), buf_str(&sealed), &out), CRYPTO_E_DAMAGED);
    assert_int_equal(crypto_unseal(s, STR("name"), STR_NONE, &out), CRYPTO_E_DAMAGED);
}

static void what_does_not_fit_the_buffer_is_left_out(void **state) {
    (void)state;
    AUTO(crypto_sealer) struct crypto_sealer *s = sealer(HEX);
    AUTO_FINI(buf) struct buf small = buf_make(41);
    assert_int_equal(crypto_seal(s, STR("name"), STR("value"), &small), -EMSGSIZE);
    assert_int_equal(small.n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_comes_back),
        cmocka_unit_test(one_key_has_many_spellings),
        cmocka_unit_test(both_alphabets_of_base64_are_taken),
        cmocka_unit_test(what_is_no_key_is_refused_without_being_repeated),
        cmocka_unit_test(the_same_value_is_sealed_differently_each_time),
        cmocka_unit_test(records_that_changed_places_are_noticed),
        cmocka_unit_test(another_master_key_is_named_so),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(every_cut_and_addition_is_noticed),
        cmocka_unit_test(what_does_not_fit_the_buffer_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
