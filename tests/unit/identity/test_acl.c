// SPDX-License-Identifier: Apache-2.0
// What the table (test_acl_table.c) can't say: what a verdict carries beside capabilities, answers
// about all of a caller's rules, and that it does not matter how rules are spread over policies.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/hash.h"

#include "acl-fixture.h"

enum { TEXT_MAX_BYTES = 1 << 20 };

static struct fixture *open_fixture(void) {
    static struct fixture f;
    fixture_open(&f);
    return &f;
}

static struct acl_verdict decide(struct fixture *f, const char *path) {
    struct acl_verdict v;
    assert_int_equal(acl_decide(fixture_caller(f), str_from(path), false, &v), 0);
    return v;
}

static unsigned capabilities(struct fixture *f, const char *path) {
    AUTO_FINI(acl_verdict) struct acl_verdict v = decide(f, path);
    return v.capabilities;
}

static void assert_methods(const struct acl_verdict *v, const char *want) {
    AUTO_FINI(buf) struct buf text = buf_make(TEXT_MAX_BYTES);
    list_write(&text, list_of(&v->mfa_methods));
    assert_string_equal(buf_z(&text), want);
}

static void methods_are_united_over_the_winning_pattern(void **state) {
    (void)state;
    struct fixture *f = open_fixture();
    fixture_add(f,
                "path \"a/*\" { capabilities = [\"read\"] mfa_methods = [\"m\", \"n\", \"m\"] }");
    fixture_add(f, "path \"a/*\" { capabilities = [\"read\"] mfa_methods = [\"o\", \"n\"] }");
    fixture_add(f, "path \"a/*\" { capabilities = [\"read\"] }");
    fixture_add(f, "path \"a/b\" { capabilities = [\"read\"] }");
    AUTO_FINI(acl_verdict) struct acl_verdict wide = decide(f, "a/x");
    AUTO_FINI(acl_verdict) struct acl_verdict narrow = decide(f, "a/b");
    assert_methods(&wide, "[\"m\",\"n\",\"o\"]");
    assert_methods(&narrow, "[]");
    fixture_close(f);
}

static void a_denial_carries_nothing_else(void **state) {
    (void)state;
    struct fixture *f = open_fixture();
    fixture_add(f,
                "path \"a\" { capabilities = [\"read\"] mfa_methods = [\"m\"] min_wrapping_ttl = 5 "
                "pagination_limit = 3 required_parameters = [\"x\"] }");
    fixture_add(f, "path \"a\" { capabilities = [\"deny\"] }");
    AUTO_FINI(acl_verdict) struct acl_verdict v = decide(f, "a");
    assert_true(v.matched);
    assert_int_equal(v.capabilities, ACL_DENY);
    assert_methods(&v, "[]");
    assert_true(v.min_wrapping_ms == 0 && v.list_limit == 0);
    assert_true(acl_check_parameters(&v, NULL));
    fixture_close(f);
}

static void nothing_matched_is_nothing_allowed(void **state) {
    (void)state;
    struct fixture *f = open_fixture();
    fixture_add(f, "path \"a\" { capabilities = [\"read\"] }");
    AUTO_FINI(acl_verdict) struct acl_verdict v = decide(f, "b");
    assert_false(v.matched);
    assert_int_equal(v.capabilities, 0);
    AUTO_FINI(acl_verdict) struct acl_verdict none = {0};
    assert_int_equal(none.capabilities, 0);
    fixture_close(f);
}

static void limits_are_the_smallest(void **state) {
    (void)state;
    struct fixture *f = open_fixture();
    fixture_add(
        f, "path \"a\" { capabilities = [\"read\"] min_wrapping_ttl = \"10s\" max_wrapping_ttl "
           "= \"1500s\" pagination_limit = 7 }");
    fixture_add(f, "path \"a\" { capabilities = [\"read\"] min_wrapping_ttl = \"1500ms\" "
                   "max_wrapping_ttl = 100 pagination_limit = 9 }");
    fixture_add(f, "path \"a\" { capabilities = [\"list\"] }");
    AUTO_FINI(acl_verdict) struct acl_verdict v = decide(f, "a");
    assert_int_equal(v.capabilities, ACL_READ | ACL_LIST);
    assert_int_equal(v.min_wrapping_ms, 1500);
    assert_int_equal(v.max_wrapping_ms, 100000);
    assert_int_equal(v.list_limit, 7);
    assert_false(acl_check_wrapping(&v, 0));
    assert_false(acl_check_wrapping(&v, 1));
    assert_true(acl_check_wrapping(&v, 2) && acl_check_wrapping(&v, 100));
    assert_false(acl_check_wrapping(&v, 101) || acl_check_wrapping(&v, INT64_MAX));
    fixture_close(f);
}

static void what_a_control_group_controls_is_refused_but_named(void **state) {
    (void)state;
    struct fixture *f = open_fixture();
    fixture_add(f,
                "path \"a\" { capabilities = [\"read\", \"list\"] control_group = { factor \"f\" { "
                "controlled_capabilities = [\"read\", \"sudo\"] identity { group_names = [\"g\"] "
                "approvals = 1 } } } }");
    AUTO_FINI(acl_verdict) struct acl_verdict v = decide(f, "a");
    assert_int_equal(v.capabilities, ACL_LIST);
    assert_int_equal(v.controlled, ACL_READ);
    fixture_close(f);
}

static void policies_come_from_the_token_and_from_the_entity(void **state) {
    (void)state;
    struct fixture *f = open_fixture();
    fixture_add(f, "path \"a\" { capabilities = [\"read\"] }");
    fixture_add(f, "path \"a\" { capabilities = [\"list\"] }");
    AUTO_FINI(buf) struct buf identity = buf_make(TEXT_MAX_BYTES);
    list_add(&identity, STR("p1"));
    list_add(&identity, STR("gone"));
    struct acl_caller caller = *fixture_caller(f);
    AUTO_FINI(buf) struct buf own = buf_make(TEXT_MAX_BYTES);
    list_add(&own, STR("p0"));
    list_add(&own, STR("p1"));
    caller.policies = list_of(&own);
    caller.identity_policies = list_of(&identity);
    AUTO_FINI(acl_verdict) struct acl_verdict both = {0};
    assert_int_equal(acl_decide(&caller, STR("a"), false, &both), 0);
    assert_int_equal(both.capabilities, ACL_READ | ACL_LIST);
    caller.policies = (struct list){STR_NONE};
    AUTO_FINI(acl_verdict) struct acl_verdict one = {0};
    assert_int_equal(acl_decide(&caller, STR("a"), false, &one), 0);
    assert_int_equal(one.capabilities, ACL_LIST);
    fixture_close(f);
}

static void an_expired_policy_is_not_there(void **state) {
    (void)state;
    struct fixture *f = open_fixture();
    int64_t now = f->caller.now_ms;
    fixture_put(f, (struct policy){.name = STR("old"),
                                   .text = STR("path \"a\" { capabilities = [\"deny\"] }"),
                                   .expires_ms = now});
    fixture_put(f, (struct policy){.name = STR("new"),
                                   .text = STR("path \"a\" { capabilities = [\"read\"] }"),
                                   .expires_ms = now + 1});
    assert_int_equal(capabilities(f, "a"), ACL_READ);
    f->caller.now_ms++;
    assert_int_equal(capabilities(f, "a"), 0);
    fixture_close(f);
}

static void a_rule_expires_at_its_instant(void **state) {
    (void)state;
    struct fixture *f = open_fixture();
    fixture_add(f, "path \"a\" { capabilities = [\"read\"] expiration = 1700000001 }");
    f->caller.now_ms = INT64_C(1700000000999);
    assert_int_equal(capabilities(f, "a"), ACL_READ);
    f->caller.now_ms++;
    assert_int_equal(capabilities(f, "a"), 0);
    fixture_close(f);
}

static void root_may_do_everything(void **state) {
    (void)state;
    struct fixture *f = open_fixture();
    f->caller.root = true;
    assert_int_equal(capabilities(f, "any/thing"), 511 & ~ACL_DENY);
    assert_true(acl_sees(fixture_caller(f), STR("kv/")));
    AUTO_FINI(buf) struct buf out = buf_make(TEXT_MAX_BYTES);
    assert_int_equal(acl_write_resultant(fixture_caller(f), &out), 0);
    assert_string_equal(buf_z(&out), "{\"root\":true}");
    buf_reset(&out);
    assert_int_equal(acl_capabilities(fixture_caller(f), STR("x"), &out), 0);
    assert_true(list_has(list_of(&out), STR("root")) && list_count(list_of(&out)) == 1);
    fixture_close(f);
}

static void more_policies_than_fit_are_all_asked(void **state) {
    (void)state;
    struct fixture *f = open_fixture();
    for (int i = 0; i < 100; i++) {
        char text[100];
        snprintf(text, sizeof text, "path \"a/%d\" { capabilities = [\"read\"] }", i);
        fixture_add(f, text);
    }
    for (int i = 0; i < 101; i++) {
        char path[32];
        snprintf(path, sizeof path, "a/%d", i);
        assert_int_equal(capabilities(f, path), i < 100 ? ACL_READ : 0);
    }
    fixture_close(f);
}

static void constraints_of_many_policies_all_count(void **state) {
    (void)state;
    struct fixture *f = open_fixture();
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *data;
    for (int i = 0; i < 40; i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "path \"a\" { capabilities = [\"update\"] denied_parameters = { \"k%d\" = [] } }",
                 i);
        fixture_add(f, text);
    }
    AUTO_FINI(acl_verdict) struct acl_verdict v = decide(f, "a");
    assert_int_equal(json_reader_new(&reader), 0);
    assert_int_equal(json_read(reader, STR("{\"k39\":1}"), &data, NULL), 0);
    assert_false(acl_check_parameters(&v, data));
    assert_int_equal(json_read(reader, STR("{\"k40\":1}"), &data, NULL), 0);
    assert_true(acl_check_parameters(&v, data));
    fixture_close(f);
}

// The answers of the real server, asked 2026-11-23.
static void the_resultant_acl_has_the_real_shape(void **state) {
    (void)state;
    static const struct {
        const char *policies[4];
        const char *exact, *glob;
    } rows[] = {
        {{"path \"a\" {capabilities=[\"read\"]}"}, "\"a\":{\"capabilities\":[\"read\"]}", ""},
        {{"path \"a/+/b\" {capabilities=[\"read\"]}", "path \"a*\" {capabilities=[\"list\"]}"},
         "",
         "\"a\":{\"capabilities\":[\"list\"]}"},
        {{"path \"a/+b\" {capabilities=[\"read\"]}", "path \"+b/c\" {capabilities=[\"read\"]}"},
         "\"+b/c\":{\"capabilities\":[\"read\"]}",
         ""},
        {{"path \"a\" {capabilities=[]}"}, "\"a\":{\"capabilities\":[\"deny\"]}", ""},
        {{"path \"a\" {capabilities=[\"read\"] mfa_methods=[\"x\"] min_wrapping_ttl=\"90s\" "
          "max_wrapping_ttl=\"100500ms\" comment=\"hi\" pagination_limit=3}"},
         "\"a\":{\"capabilities\":[\"read\"],\"max_wrapping_ttl\":100,\"min_wrapping_ttl\":90}",
         ""},
        {{"path \"a\" {capabilities=[\"create\"] allowed_parameters={\"*\"=[] "
          "\"a\"=[\"1\",2,true,1.5,[\"x\"],0x1F]} denied_parameters={\"z\"=[] } "
          "required_parameters=[\"q\",\"a\"]}"},
         "\"a\":{\"allowed_parameters\":{\"*\":[],\"a\":[\"1\",2,true,1.5,[\"x\"],31]},"
         "\"capabilities\":[\"create\"],\"denied_parameters\":{\"z\":[]},"
         "\"required_parameters\":[\"q\",\"a\"]}",
         ""},
        {{"path \"a\" {capabilities=[\"create\"] allowed_parameters={\"a\"=[\"1\",\"2\"]}}",
          "path \"a\" {capabilities=[\"update\"] allowed_parameters={\"a\"=[\"2\",\"3\"]}}",
          "path \"a\" {capabilities=[\"update\"] allowed_parameters={\"a\"=[\"4\"]}}"},
         "\"a\":{\"allowed_parameters\":{\"a\":[\"4\",\"2\",\"3\",\"1\",\"2\"]},"
         "\"capabilities\":[\"create\",\"update\"]}",
         ""},
        {{"path \"a\" {capabilities=[\"create\"] denied_parameters={\"A\"=[\"1\"]}}",
          "path \"a\" {capabilities=[\"update\"] denied_parameters={\"a\"=[] \"b\"=[\"2\"]}}"},
         "\"a\":{\"capabilities\":[\"create\",\"update\"],\"denied_parameters\":{\"a\":[],\"b\":["
         "\"2\"]}}",
         ""},
        {{"path \"a\" {capabilities=[\"create\"] required_parameters=[\"x\"]}",
          "path \"a\" {capabilities=[\"update\"] required_parameters=[\"y\",\"x\"]}"},
         "\"a\":{\"capabilities\":[\"create\",\"update\"],\"required_parameters\":[\"x\",\"y\"]}",
         ""},
        {{"path \"a\" {capabilities=[\"read\"] expiration=\"2001-01-01T00:00:00Z\"}"}, "", ""},
        {{"path \"*\" {capabilities=[\"read\"]}", "path \"\" {capabilities=[\"read\"]}"},
         "\"\":{\"capabilities\":[\"read\"]}",
         "\"\":{\"capabilities\":[\"read\"]}"},
        {{"path \"a*\" {capabilities=[\"read\"]}", "path \"a*\" {capabilities=[\"deny\"]}"},
         "",
         "\"a\":{\"capabilities\":[\"deny\"]}"},
        {{"path \"b/{{identity.entity.name}}/*\" {capabilities=[\"read\"]}",
          "path \"a/{{identity.entity.metadata.none}}\" {capabilities=[\"read\"]}"},
         "",
         "\"b/ann/\":{\"capabilities\":[\"read\"]}"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct fixture *f = open_fixture();
        for (size_t k = 0; k < LEN(rows[i].policies) && rows[i].policies[k]; k++)
            fixture_add(f, rows[i].policies[k]);
        fixture_entity(f, "ann", (struct list){STR_NONE});
        char want[1024];
        snprintf(want, sizeof want, "{\"exact_paths\":{%s},\"glob_paths\":{%s},\"root\":false}",
                 rows[i].exact, rows[i].glob);
        AUTO_FINI(buf) struct buf out = buf_make(TEXT_MAX_BYTES);
        assert_int_equal(acl_write_resultant(fixture_caller(f), &out), 0);
        assert_string_equal(buf_z(&out), want);
        fixture_close(f);
    }
}

static void what_gives_something_below_a_mount_shows_it(void **state) {
    (void)state;
    static const struct {
        const char *path, *capability;
        bool kv, userpass; // kv/ and auth/userpass/
    } rows[] = {
        {"kv/w/x", "read", true, false},
        {"kv/*", "read", true, false},
        {"kv*", "read", true, false},
        {"*", "read", true, true},
        {"k*", "list", true, false},
        {"+/w/x", "list", true, false},
        {"+/+", "list", true, true},
        {"kv/+/x", "list", true, false},
        {"kv", "list", true, false},
        {"kv/", "list", true, false},
        {"+", "list", true, false},
        {"kv/w/x", "sudo", true, false},
        {"auth/userpass/*", "read", false, true},
        {"auth/*", "read", false, true},
        {"auth/+/users/*", "read", false, true},
        {"auth/+", "read", false, true},
        {"sys/mounts/kv", "read", false, false},
        {"kvx/*", "read", false, false},
        {"auth/user*", "read", false, true},
        {"+/user*", "read", true, true},
        {"+/x*", "read", true, false},
        {"kv/w/x", "deny", false, false},
        // There a rule with a wildcard shows the mount also when it denies.
        {"kv/*", "deny", false, false},
        {"*", "deny", false, false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct fixture *f = open_fixture();
        char text[200];
        snprintf(text, sizeof text, "path \"%s\" { capabilities = [\"%s\"] }", rows[i].path,
                 rows[i].capability);
        fixture_add(f, text);
        bool kv = acl_sees(fixture_caller(f), STR("kv/"));
        bool userpass = acl_sees(fixture_caller(f), STR("auth/userpass/"));
        if (kv != rows[i].kv || userpass != rows[i].userpass)
            fail_msg("%s: kv %d, userpass %d", rows[i].path, kv, userpass);
        fixture_close(f);
    }
}

static void what_another_policy_denies_is_not_shown(void **state) {
    (void)state;
    struct fixture *f = open_fixture();
    fixture_add(f, "path \"kv/*\" { capabilities = [\"read\"] }");
    fixture_add(f, "path \"kv/*\" { capabilities = [\"deny\"] }");
    fixture_add(f, "path \"no/*\" { capabilities = [] }");
    fixture_add(f, "path \"old/*\" { capabilities = [\"read\"] expiration = 1 }");
    assert_false(acl_sees(fixture_caller(f), STR("kv/")));
    assert_false(acl_sees(fixture_caller(f), STR("no/")));
    assert_false(acl_sees(fixture_caller(f), STR("old/")));
    fixture_add(f, "path \"kv/a\" { capabilities = [\"read\"] }");
    assert_true(acl_sees(fixture_caller(f), STR("kv/")));
    fixture_close(f);
}

static void a_forbidden_value_denies_whatever_is_asked(void **state) {
    (void)state;
    struct fixture *f = open_fixture();
    fixture_add(f, "path \"n/{{identity.entity.name}}\" { capabilities = [\"read\"] }\n"
                   "path \"a\" { capabilities = [\"read\"] }");
    fixture_entity(f, "a*b", (struct list){STR_NONE});
    AUTO_FINI(acl_verdict) struct acl_verdict v = decide(f, "a");
    assert_int_equal(v.capabilities, ACL_DENY);
    assert_true(v.bad_template);
    assert_false(acl_sees(fixture_caller(f), STR("a/")));
    AUTO_FINI(buf) struct buf out = buf_make(TEXT_MAX_BYTES);
    assert_int_equal(acl_write_resultant(fixture_caller(f), &out), 0);
    assert_string_equal(buf_z(&out), "{\"exact_paths\":{},\"glob_paths\":{},\"root\":false}");
    fixture_close(f);
}

// Pieces that make patterns and paths which often meet.
static void random_path(uint64_t *seed, bool pattern, char *out) {
    static const char *const pieces[] = {"a", "b", "ab", "ba", "/", "/", "+/", "/+", "a/b"};
    size_t n = 1 + hash64(STR("n"), (*seed)++) % 5;
    *out = '\0';
    for (size_t i = 0; i < n; i++) {
        const char *piece = pieces[hash64(STR("p"), (*seed)++) % LEN(pieces)];
        if (!pattern && strchr(piece, '+')) piece = "/a";
        memcpy(out + strlen(out), piece, strlen(piece) + 1);
    }
    size_t end = strlen(out);
    if (!pattern || hash64(STR("s"), (*seed)++) % 2) return;
    snprintf(out + end, 4, "%s", end && out[end - 1] == '+' ? "/*" : "*");
}

enum { SPREAD_RULES = 12, SPREAD_ROUNDS = 400, SPREAD_PATHS = 30 };

static void add_rule(struct buf *text, uint64_t *seed) {
    static const char *const names[] = {"read", "list", "update", "delete", "sudo", "create"};
    char pattern[64];
    random_path(seed, true, pattern);
    buf_addf(text, "path \"%s\" { capabilities = [\"%s\"] }\n", pattern,
             names[hash64(STR("c"), (*seed)++) % LEN(names)]);
}

// One policy, found by bisection, against as many as there are rules.
static void it_does_not_matter_how_rules_are_spread(void **state) {
    (void)state;
    uint64_t seed = 1;
    unsigned found = 0;
    for (int round = 0; round < SPREAD_ROUNDS; round++) {
        struct fixture together, apart;
        AUTO_FINI(buf) struct buf all = buf_make(TEXT_MAX_BYTES);
        fixture_open(&together);
        fixture_open(&apart);
        for (int i = 0; i < SPREAD_RULES; i++) {
            size_t start = all.n;
            add_rule(&all, &seed);
            fixture_add(&apart, buf_z(&all) + start);
        }
        fixture_add(&together, buf_z(&all));
        for (int i = 0; i < SPREAD_PATHS; i++) {
            char path[64];
            random_path(&seed, false, path);
            unsigned a = capabilities(&together, path), b = capabilities(&apart, path);
            if (a != b) fail_msg("%s%s: %u and %u", buf_z(&all), path, a, b);
            found += a != 0;
        }
        fixture_close(&together);
        fixture_close(&apart);
    }
    assert_true(found > SPREAD_ROUNDS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods_are_united_over_the_winning_pattern),
        cmocka_unit_test(a_denial_carries_nothing_else),
        cmocka_unit_test(nothing_matched_is_nothing_allowed),
        cmocka_unit_test(limits_are_the_smallest),
        cmocka_unit_test(what_a_control_group_controls_is_refused_but_named),
        cmocka_unit_test(policies_come_from_the_token_and_from_the_entity),
        cmocka_unit_test(an_expired_policy_is_not_there),
        cmocka_unit_test(a_rule_expires_at_its_instant),
        cmocka_unit_test(root_may_do_everything),
        cmocka_unit_test(more_policies_than_fit_are_all_asked),
        cmocka_unit_test(constraints_of_many_policies_all_count),
        cmocka_unit_test(the_resultant_acl_has_the_real_shape),
        cmocka_unit_test(what_gives_something_below_a_mount_shows_it),
        cmocka_unit_test(what_another_policy_denies_is_not_shown),
        cmocka_unit_test(a_forbidden_value_denies_whatever_is_asked),
        cmocka_unit_test(it_does_not_matter_how_rules_are_spread),
    };
    return cmocka_run_group_tests_name("acl", tests, NULL, NULL);
}
