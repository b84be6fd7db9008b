// SPDX-License-Identifier: Apache-2.0
// How the gate asks for MFA, whom it believes about addresses, and whether two settings are the
// same.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "settings-fixture.h"

static void test_mfa_is_set_without_being_told(void **state) {
    (void)state;
    AUTO_FINI(result) struct result r = accepted(SMALL, NULL, 0);
    const struct settings_mfa *m = &r.settings->mfa;
    assert_int_equal(m->wait_ms, 50000);
    assert_int_equal(m->poll_interval_ms, 4000);
    assert_int_equal(m->max_waiting, 20000);
    assert_null(m->okta_url);
    assert_null(m->proxy_url);
    assert_int_equal(m->no_proxy_count, 0);
    assert_int_equal(m->http_client_timeout_ms, 10000);
    assert_true(m->rate_limit_early_limit == 0.9);
    assert_int_equal(m->ssl.verification_mode, SETTINGS_VERIFY_FULL);
    assert_int_equal(m->guard.max_pushes, 10);
    assert_int_equal(m->guard.window_ms, 600000);
    assert_int_equal(m->guard.pause_ms, 60000);
    assert_int_equal(m->guard.max_pause_ms, 3600000);
    assert_int_equal(m->guard.max_codes, 3);
    assert_true(m->guard.brake == 0.9);
}

static void test_a_short_wait_is_asked_about_in_time(void **state) {
    (void)state;
    AUTO_FINI(result) struct result r = accepted("mfa: {wait: 3s}\n" SMALL, NULL, 0);
    assert_int_equal(r.settings->mfa.poll_interval_ms, 1500);
}

static void test_mfa_takes_what_it_is_told(void **state) {
    (void)state;
    static const char *const sets[] = {"mfa.guard.max_codes=4", "mfa.no_proxy=a.b,.c"};
    AUTO_FINI(result)
    struct result r = accepted(SMALL "mfa:\n"
                                     "  wait: 90s\n"
                                     "  okta_url: https://localhost:8443/\n"
                                     "  proxy_url: http://me:pw@proxy:1\n"
                                     "  ssl: {verification_mode: none}\n"
                                     "  guard: {pause: 2h, max_pause: 2h, brake: 1}\n",
                               sets, LEN(sets));
    const struct settings_mfa *m = &r.settings->mfa;
    assert_int_equal(m->wait_ms, 90000);
    assert_string_equal(m->okta_url, "https://localhost:8443"); // paths begin with the slash
    assert_string_equal(m->proxy_url, "http://me:pw@proxy:1");
    assert_int_equal(m->no_proxy_count, 2);
    assert_int_equal(m->guard.max_codes, 4);
    assert_int_equal(m->guard.max_pause_ms, 7200000);
    assert_true(m->guard.brake == 1.0);
    assert_int_equal(r.settings->warning_count, 1);
    assert_non_null(strstr(r.settings->warnings[0], "mfa: ssl.verification_mode is none"));
    AUTO_FINI(buf) struct buf shown = buf_make(1 << 20);
    settings_show(r.settings, &shown);
    assert_null(strstr(buf_z(&shown), "pw@"));
    assert_non_null(strstr(buf_z(&shown), "max_codes: 4"));
}

static void test_mfa_refuses_what_cannot_be_meant(void **state) {
    (void)state;
    static const struct {
        const char *mfa, *expected;
    } rows[] = {
        {"wait: 500ms",
         "mfa.wait: '500ms' is wrong, expected a duration with its unit from 1s to 5m"},
        {"wait: 301s",
         "mfa.wait: '301s' is wrong, expected a duration with its unit from 1s to 5m"},
        {"wait: 50", "mfa.wait: needs a unit"},
        {"wait: 3s, poll_interval: 4s", "mfa.poll_interval: is longer than `wait`"},
        {"poll_interval: 999ms", "mfa.poll_interval: '999ms' is wrong"},
        {"max_waiting: 0", "mfa.max_waiting: '0' is wrong, expected a whole number from 1"},
        {"okta_url: \"https://acme.okta.com\"", "mfa.okta_url: acme.okta.com is not this machine"},
        {"okta_url: \"http://127.0.0.1.evil.com\"", "127.0.0.1.evil.com is not this machine"},
        {"okta_url: \"http://127.0.0.1:1/api/v1\"", "mfa.okta_url: has /api/v1 behind the host"},
        {"okta_url: \"http://127.0.0.1:1/?x\"", "mfa.okta_url: has /?x behind the host"},
        {"okta_url: \"http://me:pw@127.0.0.1:1\"", "mfa.okta_url: "},
        {"okta_url: \"ftp://127.0.0.1\"", "mfa.okta_url: "},
        {"http_client_timeout: 2m", "mfa.http_client_timeout: '2m' is wrong"},
        {"ssl: {supported_protocols: [TLSv1]}", "mfa.ssl.supported_protocols: expected TLSv1.2"},
        {"guard: {max_codes: 5}",
         "mfa.guard.max_codes: '5' is wrong, expected a whole number from 1 to 4"},
        {"guard: {max_codes: 0}", "mfa.guard.max_codes: '0' is wrong"},
        {"guard: {max_pushes: 0}", "mfa.guard.max_pushes: "},
        {"guard: {max_pause: 30s}", "mfa.guard.max_pause: is shorter than `pause`"},
        {"guard: {brake: 1.1}",
         "mfa.guard.brake: '1.1' is wrong, expected a number from 0.01 to 1"},
        {"guarrd: {brake: 1}", "did you mean guard?"},
        {"api_token: x", "mfa.api_token: no such key"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char text[512];
        snprintf(text, sizeof text, "mfa: {%s}\n" SMALL, rows[i].mfa);
        refused(text, rows[i].expected, NULL, 0);
    }
    refused("mfa: x\n" SMALL, "mfa: expected the keys of one mfa table", NULL, 0);
}

static void test_mistakes_in_mfa_show_no_password(void **state) {
    (void)state;
    AUTO_FINI(result)
    struct result r =
        parse_all("mfa: {okta_url: \"http://me:00pw@127.0.0.1:1\"}\n" SMALL, 0, NULL, 0);
    assert_int_equal(r.rc, SETTINGS_E_WRONG);
    assert_null(strstr(buf_z(&r.text), "00pw"));
}

static void test_trusted_proxies_are_addresses_and_networks(void **state) {
    (void)state;
    static const char *const sets[] = {
        "listen.address=127.0.0.1:8200",
        "listen.x_forwarded_for_authorized_addrs=10.0.0.0/8,::1,2001:db8::/32,192.0.2.7"};
    AUTO_FINI(result) struct result r = accepted(SMALL, sets, LEN(sets));
    const struct settings_listen *l = &r.settings->listen;
    assert_int_equal(l->x_forwarded_for_authorized_addr_count, 4);
    assert_string_equal(l->x_forwarded_for_authorized_addrs[2], "2001:db8::/32");
    AUTO_FINI(result) struct result none = accepted(SMALL, sets, 1);
    assert_int_equal(none.settings->listen.x_forwarded_for_authorized_addr_count, 0);
    static const char *const wrong[] = {"proxy.example.com", "10.0.0.0/33", "10.0.0.1:80", "[::1]",
                                        "10.0.0.0/",         "10/8"};
    for (size_t i = 0; i < LEN(wrong); i++) {
        char text[512], expected[256];
        snprintf(text, sizeof text,
                 "listen: {address: \"a:1\", x_forwarded_for_authorized_addrs: [\"::1\", "
                 "\"%s\"]}\n" SMALL,
                 wrong[i]);
        snprintf(expected, sizeof expected,
                 "listen.x_forwarded_for_authorized_addrs: expected addresses and networks, such "
                 "as 10.0.0.0/8; found '%s'",
                 wrong[i]);
        refused(text, expected, NULL, 0);
    }
}

// ---- the same, or not

static bool same_after(const char *set,
                       bool (*same)(const struct settings *, const struct settings *)) {
    const char *const both[] = {"listen.address=127.0.0.1:8200", set};
    AUTO_FINI(result) struct result before = accepted(SMALL, both, 1);
    AUTO_FINI(result) struct result after = accepted(SMALL, both, set ? 2 : 1);
    return same(before.settings, after.settings) && same(after.settings, before.settings);
}

static bool same_mfa(const struct settings *a, const struct settings *b) {
    return settings_same_mfa(&a->mfa, &b->mfa);
}

static bool same_listen(const struct settings *a, const struct settings *b) {
    return settings_same_listen(&a->listen, &b->listen);
}

static void test_every_key_of_mfa_makes_a_difference(void **state) {
    (void)state;
    static const char *const keys[] = {"mfa.wait=49s",
                                       "mfa.poll_interval=5s",
                                       "mfa.max_waiting=1",
                                       "mfa.okta_url=http://127.0.0.1:1",
                                       "mfa.ssl.verification_mode=none",
                                       "mfa.ssl.supported_protocols=TLSv1.3",
                                       "mfa.proxy_url=http://p:1",
                                       "mfa.no_proxy=a",
                                       "mfa.http_client_timeout=1s",
                                       "mfa.rate_limit_early_limit=0.5",
                                       "mfa.guard.max_pushes=1",
                                       "mfa.guard.window=1m",
                                       "mfa.guard.pause=2m",
                                       "mfa.guard.max_pause=2h",
                                       "mfa.guard.max_codes=1",
                                       "mfa.guard.brake=0.5"};
    assert_true(same_after(NULL, same_mfa));
    assert_true(same_after("mfa.guard.max_codes=3", same_mfa)); // what it is already
    assert_true(same_after("listen.idle_timeout=1s", same_mfa));
    for (size_t i = 0; i < LEN(keys); i++)
        if (same_after(keys[i], same_mfa)) fail_msg("%s makes no difference", keys[i]);
}

static void test_every_key_of_listen_makes_a_difference(void **state) {
    (void)state;
    static const char *const keys[] = {"listen.address=127.0.0.1:8201",
                                       "listen.tls_disable=true",
                                       "listen.max_request_size=1MB",
                                       "listen.idle_timeout=1s",
                                       "listen.x_forwarded_for_authorized_addrs=::1",
                                       "listen.vault_version=1.17.0+ent"};
    assert_true(same_after(NULL, same_listen));
    for (size_t i = 0; i < LEN(keys); i++)
        if (same_after(keys[i], same_listen)) fail_msg("%s makes no difference", keys[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mfa_is_set_without_being_told),
        cmocka_unit_test(test_a_short_wait_is_asked_about_in_time),
        cmocka_unit_test(test_mfa_takes_what_it_is_told),
        cmocka_unit_test(test_mfa_refuses_what_cannot_be_meant),
        cmocka_unit_test(test_mistakes_in_mfa_show_no_password),
        cmocka_unit_test(test_trusted_proxies_are_addresses_and_networks),
        cmocka_unit_test(test_every_key_of_mfa_makes_a_difference),
        cmocka_unit_test(test_every_key_of_listen_makes_a_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
