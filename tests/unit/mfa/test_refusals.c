// SPDX-License-Identifier: Apache-2.0
// Refusals are counted by org and login, whatever its case, and many of them push out others
// instead of taking memory.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "mfa/refusals.h"

static void they_are_counted_by_org_and_login(void **state) {
    (void)state;
    AUTO(refusals) struct refusals *r = NULL;
    assert_int_equal(refusals_new(&r), 0);
    refusals_note(r, STR("acme"), STR("Eve"), GUARD_PAUSE, 1000);
    refusals_note(r, STR("acme"), STR("eve"), GUARD_LOCK, 2000);
    refusals_note(r, STR("other"), STR("eve"), GUARD_BUSY, 3000);
    struct refusal of_eve = refusals_of(r, STR("acme"), STR("EVE"));
    assert_int_equal(of_eve.times, 2);
    assert_int_equal(of_eve.last_ms, 2000);
    assert_int_equal(of_eve.rule, GUARD_LOCK);
    assert_int_equal(refusals_of(r, STR("other"), STR("eve")).times, 1);
    assert_int_equal(refusals_of(r, STR("acme"), STR("adam")).times, 0);
}

static void whoever_came_last_is_known(void **state) {
    (void)state;
    AUTO(refusals) struct refusals *r = NULL;
    char login[32];
    assert_int_equal(refusals_new(&r), 0);
    for (int i = 0; i < 20000; i++) {
        snprintf(login, sizeof login, "u%d", i);
        refusals_note(r, STR("acme"), str_from(login), GUARD_BUSY, i + 1);
        assert_int_equal(refusals_of(r, STR("acme"), str_from(login)).times, 1);
    }
    int known = 0;
    for (int i = 0; i < 20000; i++) {
        snprintf(login, sizeof login, "u%d", i);
        known += refusals_of(r, STR("acme"), str_from(login)).times == 1;
    }
    assert_in_range(known, 1000, 1024);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_counted_by_org_and_login),
        cmocka_unit_test(whoever_came_last_is_known),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
