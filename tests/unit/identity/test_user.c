// SPDX-License-Identifier: Apache-2.0
// Users' records, passwords, and the addresses that users and tokens are bound to.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "identity/cidr.h"
#include "identity/names.h"
#include "identity/user.h"

static const struct state_schema schema = {{[RECORD_USER] = &user_type}};

// ---- passwords

static void a_password_is_right_for_its_own_hash_only(void **state) {
    (void)state;
    AUTO_WIPED struct buf hash = buf_make(1000);
    AUTO_WIPED struct buf other = buf_make(1000);
    assert_int_equal(user_hash(STR("sesame"), &hash, NULL), 0);
    assert_int_equal(user_hash(STR("sesame"), &other, NULL), 0);
    assert_false(str_eq(buf_str(&hash), buf_str(&other)));
    assert_true(str_starts(buf_str(&hash), STR("$y$")));
    assert_int_equal(user_check(STR("sesame"), buf_str(&hash)), 0);
    assert_int_equal(user_check(STR("sesame"), buf_str(&other)), 0);
    assert_int_equal(user_check(STR("Sesame"), buf_str(&hash)), USER_E_WRONG);
    assert_int_equal(user_check(STR(""), buf_str(&hash)), USER_E_WRONG);
    assert_int_equal(user_check(STR("sesame\0x"), buf_str(&hash)), USER_E_WRONG);
}

static void no_hash_and_no_real_hash_are_always_wrong(void **state) {
    (void)state;
    static char large[1000];
    memset(large, '$', sizeof large);
    const struct str hashes[] = {STR_NONE,  STR(""),        STR("*0"),    STR("*1"),
                                 STR("$y"), STR("$y$j9T$"), STR("plain"), {large, sizeof large}};
    for (size_t i = 0; i < LEN(hashes); i++) {
        assert_int_equal(user_check(STR("p"), hashes[i]), USER_E_WRONG);
        assert_int_equal(user_check(hashes[i].p ? hashes[i] : STR(""), hashes[i]), USER_E_WRONG);
    }
}

static void what_crypt_cannot_take_is_refused_with_a_reason(void **state) {
    (void)state;
    static char large[512];
    memset(large, 'x', sizeof large);
    AUTO_WIPED struct buf hash = buf_make(1000);
    struct fault fault = {{0}};
    assert_int_equal(user_hash(STR("a\0b"), &hash, &fault), -EINVAL);
    assert_non_null(strstr(fault.text, "NUL"));
    assert_int_equal(user_hash((struct str){large, 512}, &hash, &fault), -EINVAL);
    assert_int_equal(hash.n, 0);
    assert_int_equal(user_hash((struct str){large, 511}, &hash, &fault), 0);
    assert_int_equal(user_check((struct str){large, 511}, buf_str(&hash)), 0);
    assert_int_equal(user_check((struct str){large, 510}, buf_str(&hash)), USER_E_WRONG);
}

#define BCRYPT "abcdefghijklmnopqrstuuMjZS2xFp2QiVUxsjQ41LGDYTTR2MLNK"

static void bcrypt_made_elsewhere_is_taken(void **state) {
    (void)state;
    // "p" at cost 5, by libxcrypt.
    static const char hash[] = "$2b$05$abcdefghijklmnopqrstuuqwWMzKt5N8p.u2GX5MuH1t19BMWuLOW";
    struct fault fault = {{0}};
    assert_int_equal(user_check_bcrypt(str_from(hash), &fault), 0);
    assert_int_equal(user_check(STR("p"), str_from(hash)), 0);
    assert_int_equal(user_check(STR("q"), str_from(hash)), USER_E_WRONG);
    static const char *const bad[] = {
        "",
        "abc",
        "$2a$10$short",
        "$2x$10$" BCRYPT,
        "$2a$3x$" BCRYPT,
        "$2a$99$" BCRYPT,
        "$2a$10$" BCRYPT "x",
        "$y$j9T$abc$dkhTX6twK1M9a.jP1tGGifxtIwjewXGX1.OUHBDVSSBxxxxxxx",
    };
    for (size_t i = 0; i < LEN(bad); i++) {
        assert_int_equal(user_check_bcrypt(str_from(bad[i]), &fault), -EINVAL);
        assert_string_equal(fault.text, "password_hash is not a valid bcrypt hash");
    }
    assert_int_equal(user_check_bcrypt(STR("$2y$04$" BCRYPT), &fault), -EINVAL);
    assert_string_equal(fault.text, "bcrypt cost of 4 is too low, want 5 at minimum");
}

// ---- records

static void a_user_comes_back_from_json(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf policies = buf_make(1000);
    AUTO(state) struct state *empty = NULL;
    AUTO_FINI(draft) struct draft d = {.state = NULL};
    assert_int_equal(state_new(&empty, &schema), 0);
    assert_int_equal(draft_begin(&d, empty), 0);
    list_add(&policies, STR("a"));
    const struct user want = {.mount_uuid = STR("m"),
                              .name = STR("alice"),
                              .password_hash = STR("h"),
                              .token_policies = list_of(&policies),
                              .token_ttl_s = 1,
                              .token_max_ttl_s = 2,
                              .token_explicit_max_ttl_s = 3,
                              .token_period_s = 4,
                              .token_num_uses = 5,
                              .token_no_default_policy = true,
                              .token_strictly_bind_ip = true,
                              .token_type = STR("batch"),
                              .legacy = USER_LEGACY_TTL};
    assert_int_equal(user_put(&d, &want), 0);
    const struct user *u = user_get(d.state, STR("m"), STR("alice"));
    assert_non_null(u);
    assert_null(user_get(d.state, STR("n"), STR("alice")));
    assert_null(user_get(d.state, STR("m"), STR("alic")));
    AUTO_FINI(buf) struct buf json = buf_make(10000);
    AUTO_FINI(buf) struct buf twice = buf_make(10000);
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    AUTO_RECORD void *again = NULL;
    user_type.encode(u, &json);
    assert_int_equal(json_reader_new(&reader), 0);
    assert_int_equal(json_read(reader, buf_str(&json), &v, NULL), 0);
    assert_int_equal(user_type.decode(&again, v, NULL), 0);
    user_type.encode(again, &twice);
    assert_true(str_eq(buf_str(&json), buf_str(&twice)));
    assert_int_equal(((const struct user *)again)->token_num_uses, 5);
}

static void names_are_folded_sorted_and_there_once(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf given = buf_make(1000);
    AUTO_FINI(buf) struct buf folded = buf_make(1000);
    AUTO_FINI(buf) struct buf text = buf_make(1000);
    static const char *const names[] = {" b ", "A", "a", "", "  ", "B", "default"};
    for (size_t i = 0; i < LEN(names); i++) list_add(&given, str_from(names[i]));
    assert_int_equal(names_fold(list_of(&given), &folded), 0);
    list_write(&text, list_of(&folded));
    assert_true(str_eqz(buf_str(&text), "[\"a\",\"b\",\"default\"]"));
}

// ---- addresses

static void addresses_are_told_from_other_texts(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        {"10.0.0.0/8", true},  {"127.0.0.1", true},     {"0.0.0.0/0", true},
        {"1.2.3.4/32", true},  {"::1", true},           {"::/0", true},
        {"fe80::1/64", true},  {"::1/128", true},       {"1.2.3.4/24", true},
        {"", false},           {"nope", false},         {"1.2.3.4/33", false},
        {"::1/129", false},    {"1.2.3.4/", false},     {"1.2.3/8", false},
        {"300.1.1.1", false},  {"127.0.0.1:80", false}, {" 127.0.0.1", false},
        {"1.2.3.4/-1", false}, {"/8", false},
    };
    for (size_t i = 0; i < LEN(rows); i++)
        if (cidr_is_valid(str_from(rows[i].text)) != rows[i].valid) fail_msg("%s", rows[i].text);
}

static void an_address_lies_in_a_network_or_not(void **state) {
    (void)state;
    static const struct {
        const char *network, *address;
        bool inside;
    } rows[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.1.2.3/8", "10.9.9.9", true},
        {"192.168.128.0/17", "192.168.200.1", true},
        {"192.168.128.0/17", "192.168.127.255", false},
        {"0.0.0.0/0", "8.8.8.8", true},
        {"0.0.0.0/0", "::1", false},
        {"::/0", "::1", true},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"127.0.0.1", "::ffff:127.0.0.1", true},
        {"::ffff:127.0.0.1", "127.0.0.1", true},
        {"fe80::/10", "febf::1", true},
        {"fe80::/10", "fec0::1", false},
        {"::1/128", "::1", true},
        {"::1", "nothing", false},
        {"127.0.0.1", "", false},
        {"not one", "127.0.0.1", false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf list = buf_make(100);
        list_add(&list, str_from(rows[i].network));
        if (cidr_list_has(list_of(&list), str_from(rows[i].address)) != rows[i].inside)
            fail_msg("%s in %s", rows[i].address, rows[i].network);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_is_right_for_its_own_hash_only),
        cmocka_unit_test(no_hash_and_no_real_hash_are_always_wrong),
        cmocka_unit_test(what_crypt_cannot_take_is_refused_with_a_reason),
        cmocka_unit_test(bcrypt_made_elsewhere_is_taken),
        cmocka_unit_test(a_user_comes_back_from_json),
        cmocka_unit_test(names_are_folded_sorted_and_there_once),
        cmocka_unit_test(addresses_are_told_from_other_texts),
        cmocka_unit_test(an_address_lies_in_a_network_or_not),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
