// SPDX-License-Identifier: Apache-2.0
// Which factor is asked: the user of the tests has one of everything.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mfa/choice.h"

#define FACTOR(id_, type_, provider_, status_, name_, created)                                     \
    {                                                                                              \
        .id = {id_, sizeof id_ - 1}, .type = {type_, sizeof type_ - 1},                            \
        .provider = {provider_, sizeof provider_ - 1}, .status = {status_, sizeof status_ - 1},    \
        .name = {name_, sizeof name_ - 1}, .created_ms = (created)                                 \
    }

static const struct okta_factor all[] = {
    FACTOR("sms1", "sms", "OKTA", "ACTIVE", "", 900),
    FACTOR("opf1", "push", "OKTA", "ACTIVE", "Old phone", 100),
    FACTOR("opf2", "push", "OKTA", "ACTIVE", "iPhone", 300),
    FACTOR("opf3", "push", "OKTA", "ACTIVE", "iphone", 400),
    FACTOR("opf4", "push", "OKTA", "PENDING_ACTIVATION", "New phone", 800),
    FACTOR("opf5", "push", "CUSTOM", "ACTIVE", "Bank app", 350),
    FACTOR("ost1", "token:software:totp", "GOOGLE", "ACTIVE", "", 500),
    FACTOR("ost2", "token:software:totp", "OKTA", "ACTIVE", "", 500),
    FACTOR("ost3", "token:hardware", "YUBICO", "ACTIVE", "", 200),
    FACTOR("ost4", "token:hotp", "CUSTOM", "INACTIVE", "", 900),
    FACTOR("ufs1", "question", "OKTA", "ACTIVE", "", 999),
    FACTOR("fwf1", "signed_nonce", "OKTA", "ACTIVE", "iPhone", 999),
};

enum { USED_MAX = 3 };

static const struct okta_factor *choose(bool code, const char *device, const char *const *used,
                                        const char **ret_why) {
    AUTO_FINI(buf) struct buf ids = buf_make(4096);
    for (size_t i = 0; used && i < USED_MAX && used[i]; i++) list_add(&ids, str_from(used[i]));
    struct choice wanted = {.code = code, .device = str_from(device), .used = list_of(&ids)};
    return choice_make(&wanted, all, LEN(all), ret_why);
}

static void the_rule_decides(void **state) {
    (void)state;
    static const struct {
        bool code;
        const char *device;
        const char *used[USED_MAX];
        const char *id;
    } rows[] = {
        {false, NULL, {NULL}, "opf3"},
        {false, "", {NULL}, "opf3"},
        {false, NULL, {"opf1"}, "opf1"},
        {false, NULL, {"opf5", "opf1"}, "opf5"},
        {false, NULL, {"gone", "opf2", "opf3"}, "opf2"},
        {false, NULL, {"opf4", "ost1"}, "opf3"},
        {false, "iPhone", {NULL}, "opf3"},
        {false, "IPHONE", {"opf2"}, "opf3"},
        {false, "old PHONE", {"opf3"}, "opf1"},
        {false, "custom", {NULL}, "opf5"},
        {false, "OPF2", {NULL}, "opf2"},
        {false, "okta", {"opf1"}, "opf3"},
        {true, NULL, {NULL}, "ost2"},
        {true, NULL, {"ost3"}, "ost3"},
        {true, NULL, {"opf1", "ost1"}, "ost1"},
        {true, "google", {NULL}, "ost1"},
        {true, "YUBICO", {"ost1"}, "ost3"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        const char *why = NULL;
        const struct okta_factor *f = choose(rows[i].code, rows[i].device, rows[i].used, &why);
        if (!f) fail_msg("row %zu: %s", i, why);
        if (!str_eqz(f->id, rows[i].id)) fail_msg("row %zu: %.*s", i, STR_ARG(f->id));
        assert_null(why);
    }
}

static void nothing_is_chosen_that_is_not_meant(void **state) {
    (void)state;
    static const struct {
        bool code;
        const char *device;
        const char *why;
    } rows[] = {
        {false, "New phone", "no push-type MFA factor found for user"},
        {false, "opf4", "no push-type MFA factor found for user"},
        {false, "google", "no push-type MFA factor found for user"},
        {false, "nosuch", "no push-type MFA factor found for user"},
        {false, "iPhon", "no push-type MFA factor found for user"},
        {true, "iPhone", "no factor that takes a passcode found for user"},
        {true, "ost4", "no factor that takes a passcode found for user"},
        {true, "sms1", "no factor that takes a passcode found for user"},
        {true, "ufs1", "no factor that takes a passcode found for user"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        const char *why = NULL;
        const struct okta_factor *f = choose(rows[i].code, rows[i].device, NULL, &why);
        if (f) fail_msg("row %zu: %.*s", i, STR_ARG(f->id));
        assert_string_equal(why, rows[i].why);
    }
}

static void one_who_has_nothing_is_told_so(void **state) {
    (void)state;
    const struct choice wanted = {.code = false};
    const char *why = NULL;
    assert_null(choice_make(&wanted, NULL, 0, &why));
    assert_string_equal(why, "no MFA factors found for user");
    assert_null(choice_make(&wanted, all, 1, &why));
    assert_string_equal(why, "no push-type MFA factor found for user");
}

static void only_active_factors_count(void **state) {
    (void)state;
    static const char *const statuses[] = {
        "PENDING_ACTIVATION", "ENROLLED", "INACTIVE", "DISABLED", "EXPIRED",
        "NOT_SETUP",          "active",   "",         NULL};
    const struct choice wanted = {.code = false};
    for (size_t i = 0; i < LEN(statuses); i++) {
        struct okta_factor f = all[1];
        const char *why = NULL;
        f.status = str_from(statuses[i]);
        assert_null(choice_make(&wanted, &f, 1, &why));
    }
}

// Whatever Okta's order is, but for those that are alike in everything: of these its first.
static void the_order_of_the_list_does_not_matter(void **state) {
    (void)state;
    struct okta_factor turned[LEN(all)];
    const struct choice push = {.code = false}, code = {.code = true};
    const char *why = NULL;
    for (size_t i = 0; i < LEN(all); i++) turned[i] = all[LEN(all) - 1 - i];
    assert_true(str_eqz(choice_make(&push, turned, LEN(turned), &why)->id, "opf3"));
    assert_true(str_eqz(choice_make(&code, turned, LEN(turned), &why)->id, "ost2"));
    const struct okta_factor alike[] = {all[2], all[2]};
    assert_ptr_equal(choice_make(&push, alike, 2, &why), &alike[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rule_decides),
        cmocka_unit_test(nothing_is_chosen_that_is_not_meant),
        cmocka_unit_test(one_who_has_nothing_is_told_so),
        cmocka_unit_test(only_active_factors_count),
        cmocka_unit_test(the_order_of_the_list_does_not_matter),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("choice", tests, NULL, NULL);
}
