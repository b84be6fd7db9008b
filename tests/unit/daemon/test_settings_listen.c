// SPDX-License-Identifier: Apache-2.0
// Where the gate and the metrics listen.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "settings-fixture.h"

static void test_without_listen_there_is_no_gate(void **state) {
    (void)state;
    AUTO_FINI(result) struct result r = accepted(SMALL, NULL, 0);
    assert_null(r.settings->listen.address);
}

static void test_listen_has_defaults_and_needs_an_address(void **state) {
    (void)state;
    static const char *const set[] = {"listen.address=[::1]:0"};
    AUTO_FINI(result) struct result r = accepted(SMALL, set, 1);
    const struct settings_listen *l = &r.settings->listen;
    assert_string_equal(l->address, "[::1]:0");
    assert_null(l->tls_cert_file);
    assert_false(l->tls_disable);
    assert_int_equal(l->max_request_size, 32 << 20);
    assert_int_equal(l->idle_timeout_ms, 60000);
    assert_string_equal(l->vault_version, "1.17.0");
    refused("listen: {tls_disable: true}\n" SMALL, "listen.address: is missing", NULL, 0);
}

static void test_metrics_need_an_address(void **state) {
    (void)state;
    static const char *const set[] = {"metrics.address=[::1]:0"};
    AUTO_FINI(result) struct result none = accepted(SMALL, NULL, 0);
    AUTO_FINI(result) struct result some = accepted(SMALL, set, 1);
    assert_null(none.settings->metrics.address);
    assert_string_equal(some.settings->metrics.address, "[::1]:0");
    assert_false(settings_same_metrics(&none.settings->metrics, &some.settings->metrics));
    assert_true(settings_same_metrics(&some.settings->metrics, &some.settings->metrics));
    refused("metrics: {}\n" SMALL, "metrics.address: is missing", NULL, 0);
    refused("metrics: {address: 9600}\n" SMALL, "metrics.address: expected HOST:PORT", NULL, 0);
    refused("metrics: {adresz: a}\n" SMALL, "did you mean address?", NULL, 0);
}

static void accept(const char *text) {
    struct result r = accepted(text, NULL, 0);
    result_fini(&r);
}

static void test_plain_http_beyond_this_machine_needs_to_be_asked_for(void **state) {
    (void)state;
    static const char *const far[] = {"0.0.0.0:0",   "[::]:8200",         ":8200",
                                      "0:8200",      "192.0.2.7:8200",    "[2001:db8::7]:8200",
                                      "128.0.0.1:1", "[fe80::1%lo]:8200", "[::ffff:127.0.0.1]:1"};
    for (size_t i = 0; i < LEN(far); i++) {
        char text[512];
        snprintf(text, sizeof text, "listen: {address: \"%s\"}\n" SMALL, far[i]);
        refused(text, "g.yml:1:19: listen.address: without TLS the gate listens on this machine",
                NULL, 0);
        snprintf(text, sizeof text, "listen: {address: \"%s\", tls_disable: true}\n" SMALL, far[i]);
        accept(text);
        snprintf(text, sizeof text,
                 "listen: {address: \"%s\", tls_cert_file: /there.pem, "
                 "tls_key_file: /there.pem}\n" SMALL,
                 far[i]);
        accept(text);
    }
    static const char *const near[] = {"127.0.0.1:0", "127.8.7.6:1", "127.1:1",
                                       "[::1]:1",     "localhost:1", "gate.example:8200"};
    for (size_t i = 0; i < LEN(near); i++) {
        char text[512];
        snprintf(text, sizeof text, "listen: {address: \"%s\"}\n" SMALL, near[i]);
        accept(text);
    }
}

static void test_gate_and_metrics_do_not_share_an_address(void **state) {
    (void)state;
    static const struct {
        const char *gate, *metrics;
        bool clash;
    } rows[] = {
        {"127.0.0.1:9600", "127.0.0.1:9600", true}, {"[::1]:9600", "[::1]:9600", true},
        {"LocalHost:9600", "localhost:9600", true}, {"0.0.0.0:9600", "127.0.0.1:9600", true},
        {"127.0.0.1:9600", ":9600", true},          {"127.0.0.1:9600", "127.0.0.1:9601", false},
        {"127.0.0.1:0", "127.0.0.1:0", false},      {"127.0.0.1:9600", "127.0.0.2:9600", false},
        {"0.0.0.0:9600", "[::1]:9600", false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "metrics: {address: \"%s\"}\nlisten: {tls_disable: true, address: \"%s\"}\n" SMALL,
                 rows[i].metrics, rows[i].gate);
        if (rows[i].clash) {
            refused(text, "g.yml:1:20: metrics.address: the gate listens there", NULL, 0);
            continue;
        }
        accept(text);
    }
}

static void test_listen_refuses_what_cannot_be_meant(void **state) {
    (void)state;
    static const struct {
        const char *listen, *expected;
    } rows[] = {
        {"address: \"127.0.0.1\"", "listen.address: expected HOST:PORT"},
        {"address: \"127.0.0.1:99999\"", "listen.address: expected HOST:PORT"},
        {"address: \"::1:8200\"", "listen.address: expected HOST:PORT"},
        {"address: \"a:1\", tls_cert_file: /dev/null", "listen.tls_key_file: is missing"},
        {"address: \"a:1\", tls_key_file: /dev/null", "listen.tls_cert_file: is missing"},
        {"address: \"a:1\", tls_key_file: /dev/null, tls_cert_file: /dev/null, tls_disable: true",
         "listen.tls_disable: plain http is asked for"},
        {"address: \"a:1\", tls_cert_file: /nonexistent/x, tls_key_file: /dev/null",
         "/nonexistent/x"},
        {"address: \"a:1\", vault_version: \"1.17\"", "listen.vault_version: expected a version"},
        {"address: \"a:1\", vault_version: \"1.17.0+\"",
         "listen.vault_version: expected a version"},
        {"address: \"a:1\", vault_version: \"01.17.0\"",
         "listen.vault_version: expected a version"},
        {"address: \"a:1\", max_request_size: 12B", "listen.max_request_size"},
        {"address: \"a:1\", adresz: b", "did you mean address?"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char text[512];
        snprintf(text, sizeof text, "listen: {%s}\n" SMALL, rows[i].listen);
        refused(text, rows[i].expected, NULL, 0);
    }
}

static void test_vault_versions_may_carry_a_suffix(void **state) {
    (void)state;
    static const char *const versions[] = {"listen.vault_version=1.17.0+ent",
                                           "listen.vault_version=2.0.0-rc1+ent.hsm"};
    for (size_t i = 0; i < LEN(versions); i++) {
        const char *const sets[] = {"listen.address=127.0.0.1:8200", versions[i]};
        AUTO_FINI(result) struct result r = accepted(SMALL, sets, LEN(sets));
        assert_string_equal(r.settings->listen.vault_version, strchr(versions[i], '=') + 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_listen_there_is_no_gate),
        cmocka_unit_test(test_listen_has_defaults_and_needs_an_address),
        cmocka_unit_test(test_metrics_need_an_address),
        cmocka_unit_test(test_plain_http_beyond_this_machine_needs_to_be_asked_for),
        cmocka_unit_test(test_gate_and_metrics_do_not_share_an_address),
        cmocka_unit_test(test_listen_refuses_what_cannot_be_meant),
        cmocka_unit_test(test_vault_versions_may_carry_a_suffix),
    };
    return cmocka_run_group_tests_name("settings_listen", tests, NULL, NULL);
}
