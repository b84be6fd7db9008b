// SPDX-License-Identifier: Apache-2.0
// Policies and decisions, with the first allocation failing, then the second, and so on: each run
// ends with 0 or -ENOMEM, and a decision that was made is the right one. Leaks are what the
// sanitized build sees.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "acl-fixture.h"
#include "failmalloc.h"

enum { ATTEMPTS_MAX = 100000, TEXT_MAX_BYTES = 1 << 20 };

static void fail_each(int (*scenario)(void *), void *ctx) {
    for (long n = 1; n < ATTEMPTS_MAX; n++) {
        failmalloc_arm(n);
        int e = scenario(ctx);
        long count = failmalloc_disarm();
        if (e != 0 && e != -ENOMEM) fail_msg("allocation %ld failed: outcome %d", n, e);
        if (count >= n) continue;
        assert_int_equal(e, 0);
        assert_true(n > 1);
        return;
    }
    fail_msg("never got through");
}

static const char hcl_text[] =
    "name = \"n\"\n"
    "path \"a/{{identity.entity.name}}/*\" {\n"
    "  capabilities = [\"create\", \"update\"]\n"
    "  comment = <<-EOF\n    x\n    EOF\n"
    "  allowed_parameters = { \"a\" = [\"1\", 2, [true], {k = 1.5}] \"*\" = [] }\n"
    "  denied_parameters = { B = [] }\n"
    "  required_parameters = [\"q\"]\n"
    "  min_wrapping_ttl = \"1h\" max_wrapping_ttl = 7200\n"
    "  mfa_methods = [\"m\", \"n\"]\n"
    "  control_group = { factor \"f\" { controlled_capabilities = [\"read\"]\n"
    "    identity { group_names = [\"g\"] approvals = 1 } } }\n"
    "}\n"
    "path \"a/+/c*\" { policy = \"write\" mfa_methods = [\"o\"] }\n"
    "path \"a/b\" { capabilities = [\"deny\"] expiration = 1 }\n";

static const char json_text[] =
    "{\"path\":{\"a/b/*\":{\"capabilities\":[\"update\",\"list\"],\"required_parameters\":[\"r\"]},"
    "\"c\\u0041\":{\"mfa_methods\":[\"m\"],\"comment\":null}}}";

static int make(void *text) {
    struct policy want = {.name = STR("p"), .text = str_from(text)};
    struct policy *made = NULL;
    int r = policy_make_from(&made, &want, NULL);
    record_drop(made);
    return r;
}

static void making_policies(void **state) {
    (void)state;
    char hcl[sizeof hcl_text], json[sizeof json_text];
    memcpy(hcl, hcl_text, sizeof hcl);
    memcpy(json, json_text, sizeof json);
    fail_each(make, hcl);
    fail_each(make, json);
}

// A text that is refused is still refused, or there was no memory to say so.
static int refuse(void *text) {
    struct fault fault = {{0}};
    struct policy_rules *rules = NULL;
    int r = policy_rules_parse(&rules, str_from(text), &fault);
    policy_rules_free(rules);
    if (r == POLICY_E_TEXT) return fault.text[0] ? 0 : -EPROTO;
    return r == 0 ? -EPROTO : r;
}

static void refusing_policies(void **state) {
    (void)state;
    static const char *const texts[] = {
        "path \"a\" { capabilities = [\"fly\"] }",
        "path \"a\" { zz = 1 }",
        "zz = 1",
        "path \"a\" { control_group = { zz = 1 } }",
        "path \"a\" { min_wrapping_ttl = \"x\" }",
        "path \"a\" { pagination_limit = \"x\" }",
    };
    for (size_t i = 0; i < LEN(texts); i++) {
        char text[128];
        snprintf(text, sizeof text, "%s", texts[i]);
        fail_each(refuse, text);
    }
}

static int decide(void *ctx) {
    AUTO_FINI(acl_verdict) struct acl_verdict v = {0};
    int r = acl_decide(fixture_caller(ctx), STR("a/ann/c"), true, &v);
    if (r) return r;
    bool right = v.capabilities == (ACL_CREATE | ACL_UPDATE) &&
                 list_count(list_of(&v.mfa_methods)) == 2 && v.min_wrapping_ms == 3600000 &&
                 !acl_check_parameters(&v, NULL);
    return right ? 0 : -EPROTO;
}

static int show(void *ctx) {
    AUTO_FINI(buf) struct buf out = buf_make(TEXT_MAX_BYTES);
    int r = acl_write_resultant(fixture_caller(ctx), &out);
    if (r) return r;
    buf_reset(&out);
    r = acl_capabilities(fixture_caller(ctx), STR("a/ann/c"), &out);
    if (r) return r;
    return list_count(list_of(&out)) == 2 ? 0 : -EPROTO;
}

static void deciding_and_showing(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    fixture_add(&f, hcl_text);
    fixture_add(&f, json_text);
    for (int i = 0; i < 40; i++) fixture_add(&f, "path \"z\" {}"); // more than are kept at hand
    fixture_entity(&f, "ann", (struct list){STR_NONE});
    fail_each(decide, &f);
    fail_each(show, &f);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(making_policies),
        cmocka_unit_test(refusing_policies),
        cmocka_unit_test(deciding_and_showing),
    };
    return cmocka_run_group_tests_name("acl_memory", tests, NULL, NULL);
}
