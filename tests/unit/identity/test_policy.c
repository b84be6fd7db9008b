// SPDX-License-Identifier: Apache-2.0
// Texts of policies: what is said of wrong ones is what the real server says, asked 2026-11-23, but
// where a comment says otherwise; and the record.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "acl-fixture.h"

enum { TEXT_MAX_BYTES = 1 << 20 };

static int parse(const char *text, struct fault *fault) {
    AUTO(policy_rules) struct policy_rules *rules = NULL;
    return policy_rules_parse(&rules, str_from(text), fault);
}

static void assert_fault(const char *text, const char *want) {
    struct fault fault = {{0}};
    int r = parse(text, &fault);
    if (r != POLICY_E_TEXT) fail_msg("%s: %d", text, r);
    if (strcmp(fault.text, want) != 0) fail_msg("%s:\n%s, not\n%s", text, fault.text, want);
}

static void assert_good(const char *text) {
    struct fault fault = {{0}};
    int r = parse(text, &fault);
    if (r) fail_msg("%s: %d %s", text, r, fault.text);
}

// Inside path "a" { ... }.
static void assert_block_fault(const char *block, const char *want) {
    char text[1024];
    snprintf(text, sizeof text, "path \"a\" { %s }", block);
    assert_fault(text, want);
}

static void what_means_something_is_taken(void **state) {
    (void)state;
    static const char *const blocks[] = {
        "",
        "capabilities = []",
        "capabilities = [\"create\", \"read\", \"update\", \"delete\", \"list\", \"sudo\", "
        "\"deny\"]",
        "capabilities = [\"patch\", \"scan\"]",
        "policy = \"write\"",
        "comment = 5",
        "comment = [\"x\", {}]",
        "allowed_parameters = { \"a\" = [1, true, \"x*\"] \"*\" = [] }",
        "denied_parameters { a = [[\"x\"], {b = 1}] }",
        "required_parameters = [\"a\", 1]",
        "min_wrapping_ttl = 5 max_wrapping_ttl = \"1h30m\"",
        "min_wrapping_ttl = \"-5\"",
        "min_wrapping_ttl = \"\"",
        "min_wrapping_ttl = \"5d\"",
        "min_wrapping_ttl = 5.5",
        "min_wrapping_ttl = \"90s\" max_wrapping_ttl = \"0\"",
        "mfa_methods = [\"m\", \"n\"]",
        "expiration = \"2030-01-01T00:00:00Z\"",
        "expiration = 1893456000",
        "expiration = \"\"",
        "pagination_limit = \"5\"",
        "pagination_limit = -1",
        "list_scan_response_keys_filter_path = \"\"",
        "control_group = { ttl = \"1h\" factor \"f\" { controlled_capabilities = [\"read\"] "
        "identity { group_names = [\"g\"] approvals = 1 } } }",
    };
    for (size_t i = 0; i < LEN(blocks); i++) {
        char text[1024];
        snprintf(text, sizeof text, "path \"a\" { %s }", blocks[i]);
        assert_good(text);
    }
    assert_good("");
    assert_good("# c");
    assert_good("name = \"n\"");
    assert_good(
        "{\"path\":{\"a\":{\"control_group\":{\"factor\":[{\"f\":{\"controlled_capabilities\":"
        "[\"read\"],\"identity\":{\"group_names\":[\"g\"],\"approvals\":1}}}]}}}}");
    // There a JSON object whose members are all objects counts as a path.
    assert_good("{\"path\":{\"a\":{\"allowed_parameters\":{\"x\":[]}}}}");
}

static void keys_are_known(void **state) {
    (void)state;
    assert_block_fault("zzz = 1",
                       "path \"a\": 1 error occurred:\n\t* invalid key \"zzz\" on line 1\n\n");
    assert_block_fault("zz=1\nyy=2",
                       "path \"a\": 2 errors occurred:\n\t* invalid key \"zz\" on line "
                       "1\n\t* invalid key \"yy\" on line 2\n\n");
    assert_block_fault(
        "Capabilities = [\"read\"]",
        "path \"a\": 1 error occurred:\n\t* invalid key \"Capabilities\" on line 1\n\n");
    assert_fault("zzz = 1", "1 error occurred:\n\t* invalid key \"zzz\" on line 1\n\n");
    // There: on line 0.
    assert_fault("\nfoo \"a\" {}", "1 error occurred:\n\t* invalid key \"foo\" on line 2\n\n");
    assert_fault("{\n\"path\":{\n\"a\":{\n\"zzz\":1}}}",
                 "path \"a\": 1 error occurred:\n\t* invalid key \"zzz\" on line 4\n\n");
}

static void values_have_their_shapes(void **state) {
    (void)state;
    static const struct {
        const char *block, *fault;
    } rows[] = {
        {"capabilities = \"read\"", "At 1:27: unknown slice type: *ast.LiteralType"},
        {"capabilities = [true]",
         "At 1:28: root.Capabilities[0]: unknown type for string *ast.LiteralType"},
        {"capabilities = [[\"read\"]]",
         "At 1:28: root.Capabilities[0]: unknown type for string *ast.ListType"},
        {"capabilities = [{}]",
         "At 1:28: root.Capabilities[0]: unknown type for string *ast.ObjectType"},
        {"policy = [\"read\"]", "At 1:21: root.Policy: unknown type for string *ast.ListType"},
        {"allowed_parameters = \"x\"",
         "At 1:33: root.allowed_parameters: not an object type for map (*ast.LiteralType)"},
        {"allowed_parameters = [\"x\"]",
         "At 1:33: root.allowed_parameters: not an object type for map (*ast.ListType)"},
        {"allowed_parameters = {\"a\"=1}", "At 1:38: unknown slice type: *ast.LiteralType"},
        {"denied_parameters = \"x\"",
         "At 1:32: root.denied_parameters: not an object type for map (*ast.LiteralType)"},
        {"required_parameters = \"x\"", "At 1:34: unknown slice type: *ast.LiteralType"},
        {"required_parameters = [1, true]",
         "At 1:38: root.required_parameters[1]: unknown type for string *ast.LiteralType"},
        {"mfa_methods = \"x\"", "At 1:26: unknown slice type: *ast.LiteralType"},
        {"expiration = true", "At 1:25: root.expiration: unknown type for string *ast.LiteralType"},
        {"pagination_limit = 1.5", "At 1:31: root.pagination_limit: unknown type *ast.LiteralType"},
        {"pagination_limit = \"x\"", "strconv.ParseInt: parsing \"x\": invalid syntax"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char want[512];
        snprintf(want, sizeof want, "path \"a\": path \"a\": %s", rows[i].fault);
        assert_block_fault(rows[i].block, want);
    }
    assert_fault("name = [\"x\"]", "At 1:8: root.name: unknown type for string *ast.ListType");
}

static void values_are_valid(void **state) {
    (void)state;
    static const struct {
        const char *block, *fault;
    } rows[] = {
        {"capabilities = [\"fly\"]", "path \"a\": invalid capability \"fly\""},
        {"capabilities = [1]", "path \"a\": invalid capability \"1\""},
        {"capabilities = [\"\"]", "path \"a\": invalid capability \"\""},
        {"capabilities = [\"READ\"]", "path \"a\": invalid capability \"READ\""},
        {"capabilities = [\"recover\"]", "path \"a\": invalid capability \"recover\""},
        {"capabilities = [\"re\\\"ad\"]", "path \"a\": invalid capability \"re\\\"ad\""},
        {"policy = \"fly\"", "path \"a\": invalid policy \"fly\""},
        {"policy = <<E\nread\nE\n", "path \"a\": invalid policy \"read\\n\""},
        {"expiration = \"x\"",
         "path \"a\": invalid expiration time: could not parse string as date and time"},
        {"expiration = \"2030-01-01\"",
         "path \"a\": invalid expiration time: could not parse string as date and time"},
        {"min_wrapping_ttl = \"abc\"",
         "error parsing min_wrapping_ttl: time: invalid duration \"abc\""},
        {"max_wrapping_ttl = \"x\"",
         "error parsing max_wrapping_ttl: time: invalid duration \"x\""},
        {"min_wrapping_ttl = true",
         "error parsing min_wrapping_ttl: could not parse duration from input"},
        {"min_wrapping_ttl = \"2m\" max_wrapping_ttl = \"1m\"",
         "max_wrapping_ttl cannot be less than min_wrapping_ttl"},
        // There it is a template that is checked, and then filters; here it would not.
        {"capabilities = [\"list\"] list_scan_response_keys_filter_path = \"x\"",
         "list_scan_response_keys_filter_path is not supported"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char want[512];
        snprintf(want, sizeof want, "path \"a\": %s", rows[i].fault);
        assert_block_fault(rows[i].block, want);
    }
}

static void control_groups_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *group, *fault;
    } rows[] = {
        {"{}", "requires at least one factor but had none"},
        {"\"x\"", "cannot check HCL keys of type *ast.LiteralType"},
        {"{ zz = 1 }", "invalid key \"zz\" on line 1"},
        {"{ ttl = \"x\" }", "path control_group: invalid ttl: time: invalid duration \"x\""},
        {"{ factor \"x\" { identity { group_names = [\"g\"] approvals = 1 } } }",
         "factor 0: missing controlled capabilities"},
        {"{ factor \"x\" { controlled_capabilities=[\"read\"] } }",
         "factor 0: missing required approvals"},
        {"{ factor \"x\" { controlled_capabilities=[\"read\"] identity { group_names = [] "
         "approvals "
         "= 1 } } }",
         "factor 0: missing approving groups"},
        {"{ factor \"x\" { controlled_capabilities=[\"fly\"] identity { group_names = [\"g\"] "
         "approvals = 1 } } }",
         "path control_group Operation(s) not valid: fly"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char block[512], want[512];
        snprintf(block, sizeof block, "control_group = %s", rows[i].group);
        snprintf(want, sizeof want,
                 "path \"a\": error handling control_group: 1 error occurred:\n\t* %s\n\n",
                 rows[i].fault);
        assert_block_fault(block, want);
    }
}

static void paths_are_checked(void **state) {
    (void)state;
    static const char braces[] = "failed to validate policy templating: unbalanced templating "
                                 "characters";
    static const char *const unbalanced[] = {
        "a/{{",        "a/}}",  "a/{{identity.entity.name", "a/{{identity.entity.id}", "a/{{x}}{{",
        "a/{{{{x}}}}", "a/+*{{"};
    for (size_t i = 0; i < LEN(unbalanced); i++) {
        char text[256], want[256];
        snprintf(text, sizeof text, "path \"%s\" { zz = 1 }", unbalanced[i]);
        snprintf(want, sizeof want, "path \"%s\": %s", unbalanced[i], braces);
        assert_fault(text, want);
    }
    assert_fault("path \"a/+*\" { capabilities = [\"fly\"] }",
                 "path \"a/+*\": path \"a/+*\": invalid use of wildcards ('+*' is forbidden)");
    // There: path "a" and path "path" are meant.
    assert_fault("\n path \"a\" \"b\" {}",
                 "At 2:2: a path block has one path: path \"secret/*\" { ... }");
    assert_fault("path {}", "At 1:1: a path block has one path: path \"secret/*\" { ... }");
    assert_fault("path \"a\\tb\" { capabilities = [\"fly\"] }",
                 "path \"a\\tb\": path \"a\\tb\": invalid capability \"fly\"");
}

static void the_first_fault_is_the_one_that_is_told(void **state) {
    (void)state;
    assert_block_fault(
        "capabilities=[\"fly\"] allowed_parameters=\"x\"",
        "path \"a\": path \"a\": At 1:52: root.allowed_parameters: not an object type "
        "for map (*ast.LiteralType)");
    assert_block_fault("capabilities=[\"fly\"] policy=\"x\"",
                       "path \"a\": path \"a\": invalid policy \"x\"");
    assert_block_fault("capabilities=[\"fly\"] min_wrapping_ttl=\"x\"",
                       "path \"a\": path \"a\": invalid capability \"fly\"");
    assert_block_fault("capabilities=[\"fly\"] expiration=\"x\"",
                       "path \"a\": path \"a\": invalid expiration time: could not parse string as "
                       "date and time");
    assert_fault("path \"a\" {zz=1}\n zz=2",
                 "1 error occurred:\n\t* invalid key \"zz\" on line 2\n\n");
}

static void long_texts_are_cut_in_messages(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf text = buf_make(TEXT_MAX_BYTES);
    struct fault fault = {{0}};
    buf_addz(&text, "path \"");
    for (int i = 0; i < 100000; i++) buf_addc(&text, 'x');
    buf_addz(&text, "\" { capabilities = [\"fly\"] }");
    assert_int_equal(parse(buf_z(&text), &fault), POLICY_E_TEXT);
    assert_true(strlen(fault.text) < FAULT_TEXT_MAX);
    assert_true(str_starts(str_from(fault.text), STR("path \"xxx")));
}

static void a_policy_survives_encoding(void **state) {
    (void)state;
    struct policy want = {.name = STR("n"),
                          .text = STR("path \"a\" { capabilities = [\"read\"] } # \"ä\"\n"),
                          .modified_ms = 5,
                          .version = 7,
                          .expires_ms = 9,
                          .cas_required = true,
                          .allow_wildcards = true};
    struct policy *made = NULL;
    assert_int_equal(policy_make_from(&made, &want, NULL), 0);
    AUTO_FINI(buf) struct buf text = buf_make(TEXT_MAX_BYTES);
    policy_type.encode(made, &text);
    record_drop(made);
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v;
    void *again = NULL;
    assert_int_equal(json_reader_new(&reader), 0);
    assert_int_equal(json_read(reader, buf_str(&text), &v, NULL), 0);
    assert_int_equal(policy_type.decode(&again, v, NULL), 0);
    const struct policy *p = again;
    assert_true(str_eq(p->name, want.name) && str_eq(p->text, want.text));
    assert_int_equal(p->modified_ms, 5);
    assert_int_equal(p->version, 7);
    assert_int_equal(p->expires_ms, 9);
    assert_true(p->cas_required && p->allow_wildcards && !p->allow_slashes);
    assert_non_null(p->rules);
    record_drop(again);
}

static void a_stored_policy_that_does_not_parse_is_refused(void **state) {
    (void)state;
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v;
    void *made = NULL;
    struct fault fault = {{0}};
    assert_int_equal(json_reader_new(&reader), 0);
    assert_int_equal(json_read(reader, STR("{\"name\":\"n\",\"text\":\"path\"}"), &v, NULL), 0);
    assert_int_equal(policy_type.decode(&made, v, &fault), -EINVAL);
    assert_true(fault.text[0] != '\0');
    assert_null(made);
}

static void assert_capabilities(struct fixture *f, const char *path, const char *want) {
    AUTO_FINI(buf) struct buf packed = buf_make(TEXT_MAX_BYTES);
    AUTO_FINI(buf) struct buf text = buf_make(TEXT_MAX_BYTES);
    assert_int_equal(acl_capabilities(fixture_caller(f), str_from(path), &packed), 0);
    list_write(&text, list_of(&packed));
    if (strcmp(buf_z(&text), want) != 0) fail_msg("%s: %s, not %s", path, buf_z(&text), want);
}

// What `bao policy read default` grants.
static void the_default_policy_grants_what_the_real_one_grants(void **state) {
    (void)state;
    static const struct {
        const char *path, *capabilities;
    } rows[] = {
        {"auth/token/lookup-self", "[\"read\"]"},
        {"auth/token/renew-self", "[\"update\"]"},
        {"auth/token/revoke-self", "[\"update\"]"},
        {"sys/capabilities-self", "[\"update\"]"},
        {"identity/entity/id/11111111-2222-3333-4444-555555555555", "[\"read\"]"},
        {"identity/entity/id/other", "[\"deny\"]"},
        {"identity/entity/name/ann", "[\"read\"]"},
        {"identity/entity/name/bob", "[\"deny\"]"},
        {"sys/internal/ui/resultant-acl", "[\"read\"]"},
        {"sys/leases/renew", "[\"update\"]"},
        {"sys/leases/lookup", "[\"update\"]"},
        {"cubbyhole/a/b", "[\"create\",\"delete\",\"list\",\"read\",\"update\"]"},
        {"sys/wrapping/wrap", "[\"update\"]"},
        {"sys/wrapping/lookup", "[\"update\"]"},
        {"sys/wrapping/unwrap", "[\"update\"]"},
        {"sys/tools/hash", "[\"update\"]"},
        {"sys/tools/hash/sha2-256", "[\"update\"]"},
        {"identity/oidc/provider/x/authorize", "[\"read\",\"update\"]"},
        {"identity/oidc/provider/x/token", "[\"deny\"]"},
        {"secret/x", "[\"deny\"]"},
        {"sys/mounts", "[\"deny\"]"},
    };
    struct fixture f;
    fixture_open(&f);
    fixture_add(&f, policy_default_text);
    fixture_entity(&f, "ann", (struct list){STR_NONE});
    for (size_t i = 0; i < LEN(rows); i++)
        assert_capabilities(&f, rows[i].path, rows[i].capabilities);
    fixture_close(&f);
}

static void a_wrapping_token_may_do_little(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    fixture_add(&f, policy_response_wrapping_text);
    assert_capabilities(&f, "cubbyhole/response", "[\"create\",\"read\"]");
    assert_capabilities(&f, "sys/wrapping/unwrap", "[\"update\"]");
    assert_capabilities(&f, "auth/token/revoke-self", "[\"update\"]");
    assert_capabilities(&f, "auth/token/lookup-self", "[\"deny\"]");
    assert_capabilities(&f, "cubbyhole/x", "[\"deny\"]");
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_means_something_is_taken),
        cmocka_unit_test(keys_are_known),
        cmocka_unit_test(values_have_their_shapes),
        cmocka_unit_test(values_are_valid),
        cmocka_unit_test(control_groups_are_checked),
        cmocka_unit_test(paths_are_checked),
        cmocka_unit_test(the_first_fault_is_the_one_that_is_told),
        cmocka_unit_test(long_texts_are_cut_in_messages),
        cmocka_unit_test(a_policy_survives_encoding),
        cmocka_unit_test(a_stored_policy_that_does_not_parse_is_refused),
        cmocka_unit_test(the_default_policy_grants_what_the_real_one_grants),
        cmocka_unit_test(a_wrapping_token_may_do_little),
    };
    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
