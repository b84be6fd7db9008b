// SPDX-License-Identifier: Apache-2.0
// auth/token/ and cubbyhole/ as clients ask them. Texts and numbers are those that OpenBao gave.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate-fixture.h"
#include "paths.h"

#define CREATE "auth/token/create"
#define MAKER "path \\\"auth/token/create\\\" { capabilities = [\\\"update\\\"] }"
#define MIGHTY "path \\\"auth/token/create*\\\" { capabilities = [\\\"update\\\", \\\"sudo\\\"] }"

static int setup(void **state) {
    static struct fixture f;
    fixture_open(&f);
    write_policy(&f, "maker", MAKER);
    write_policy(&f, "mighty", MIGHTY);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    fixture_close(*state);
    return 0;
}

// ---- making

static void what_cannot_be_made_is_refused_with_the_servers_words(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *body, *error;
    } rows[] = {
        {"{\"ttl\":\"abc\"}", "time: invalid duration \"abc\""},
        {"{\"ttl\":1.5}", "time: missing unit in duration \"1.5\""},
        {"{\"ttl\":\" 1h\"}", "time: invalid duration \" 1h\""},
        {"{\"lease\":\"abc\"}", "time: invalid duration \"abc\""},
        {"{\"ttl\":-5}", "ttl must be positive"},
        {"{\"explicit_max_ttl\":\"-5\"}", "explicit_max_ttl must be positive"},
        {"{\"period\":\"-5\",\"ttl\":\"-1\"}", "period must be positive"},
        {"{\"num_uses\":-1,\"ttl\":\"abc\"}", "number of uses cannot be negative"},
        {"{\"type\":\"zzz\",\"num_uses\":-1}", "invalid 'token_type' value"},
        {"{\"type\":\"BATCH\"}", "invalid 'token_type' value"},
        {"{\"type\":\"batch\",\"num_uses\":2,\"explicit_max_ttl\":\"1h\"}",
         "batch tokens cannot have \"explicit_max_ttl\" set"},
        {"{\"type\":\"batch\",\"num_uses\":2}", "batch tokens cannot have \"num_uses\" set"},
        {"{\"type\":\"batch\",\"period\":\"1h\"}", "batch tokens cannot have \"period\" set"},
        {"{\"type\":\"batch\"}", "batch tokens cannot be root tokens"},
        {"{\"entity_alias\":\"x\"}",
         "'entity_alias' is only allowed in combination with token role"},
        {"{\"policies\":[\"response-wrapping\"],\"ttl\":\"abc\"}",
         "cannot assign policy \"response-wrapping\""},
        {"{\"id\":\"s.x\"}", "custom token ID cannot have the 's.' prefix"},
        {"{\"id\":\"hvs.x\"}", "custom token ID cannot have the 'hvs.' prefix"},
        {"{\"id\":\"b.x\"}", "custom token ID cannot have a '.' in the value"},
        {"{\"id\":\"root\"}", "cannot create a token with a duplicate ID"},
        {"{\"policies\":{\"a\":1}}", NULL},
        {"{\"renewable\":\"x\"}", NULL},
    };
    size_t before = 0;
    for (size_t i = 0; i < LEN(rows); i++)
        refused(f, 400, rows[i].error, "POST", CREATE, "root", rows[i].body);
    struct said s = ask(f, "LIST", "auth/token/accessors", "root", NULL);
    before = json_count(said_data(&s, "keys"));
    said_fini(&s);
    assert_int_equal(before, 1);
    refused(f, 400, "unknown role x", "POST", CREATE "/x", "root", "{}");
    refused(f, 405, "1 error occurred:\n\t* unsupported operation\n\n", "GET", CREATE, "root",
            NULL);
}

static void times_are_cut_to_what_is_permitted_and_said_to_be(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *body, *seconds, *warnings;
    } rows[] = {
        {"{\"policies\":[\"default\"]}", "2764800", "null"},
        {"{\"policies\":[\"default\"],\"ttl\":3600}", "3600", "null"},
        {"{\"policies\":[\"default\"],\"ttl\":\"2d\"}", "172800", "null"},
        {"{\"policies\":[\"default\"],\"ttl\":\"1.5h\"}", "5400", "null"},
        {"{\"policies\":[\"default\"],\"lease\":\"30m\"}", "1800", "null"},
        {"{\"policies\":[\"default\"],\"ttl\":\"\"}", "2764800", "null"},
        {"{\"policies\":[\"default\"],\"ttl\":\"999999h30m15s\"}", "2764800",
         "[\"TTL of \\\"999999h30m15s\\\" exceeded the effective max_ttl of \\\"768h\\\"; TTL "
         "value is "
         "capped accordingly\"]"},
        {"{\"policies\":[\"default\"],\"explicit_max_ttl\":\"1h30m5s\",\"ttl\":\"2h0m5s\"}", "5405",
         "[\"TTL of \\\"2h5s\\\" exceeded the effective max_ttl of \\\"1h30m5s\\\"; TTL value is "
         "capped accordingly\"]"},
        {"{\"policies\":[\"default\"],\"explicit_max_ttl\":\"30m\"}", "1800",
         "[\"TTL of \\\"768h\\\" exceeded the effective max_ttl of \\\"30m\\\"; TTL value is "
         "capped "
         "accordingly\"]"},
        {"{\"policies\":[\"default\"],\"period\":\"1h\",\"ttl\":\"2h\"}", "3600", "null"},
        {"{\"policies\":[\"default\"],\"period\":\"1000h\"}", "2764800",
         "[\"period of \\\"1000h\\\" exceeded the effective max_ttl of \\\"768h\\\"; period value "
         "is "
         "capped accordingly\"]"},
        {"{\"policies\":[\"default\"],\"period\":\"1h\",\"explicit_max_ttl\":\"30m\"}", "1800",
         "[\"period of \\\"1h\\\" exceeded the effective max_ttl of \\\"30m\\\"; period value is "
         "capped "
         "accordingly\"]"},
        {"{\"ttl\":\"1h\"}", "3600", "null"},
        {"{\"explicit_max_ttl\":\"1h\"}", "3600", "null"},
        {"{}", "0", "null"},
        {"{\"policies\":[\"default\",\"nosuch\"],\"ttl\":\"1h\"}", "3600",
         "[\"Policy \\\"nosuch\\\" does not exist\"]"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct said s = ask(f, "POST", CREATE, "root", rows[i].body);
        AUTO_FINI(buf) struct buf warnings = buf_make(4000);
        assert_int_equal(s.status, 200);
        assert_int_equal(json_add_value(&warnings, json_get(s.json, "warnings")), 0);
        assert_string_equal(paths_keep(json_number(json_path(s.json, "auth.lease_duration"))),
                            rows[i].seconds);
        assert_string_equal(paths_keep(buf_str(&warnings)), rows[i].warnings);
        said_fini(&s);
    }
}

static void policies_are_the_parents_or_fewer(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *parent, *child, *policies; // policies NULL: refused
    } rows[] = {
        {"{\"policies\":[\"maker\"]}", "{}", "[\"default\",\"maker\"]"},
        {"{\"policies\":[\"maker\"]}", "{\"policies\":[\"default\"]}", "[\"default\"]"},
        {"{\"policies\":[\"maker\"]}", "{\"policies\":[\" MAKER \",\"maker\"]}",
         "[\"default\",\"maker\"]"},
        {"{\"policies\":[\"maker\"]}", "{\"policies\":[\"other\"]}", NULL},
        {"{\"policies\":[\"maker\"]}", "{\"policies\":[\"root\"]}", NULL},
        {"{\"policies\":[\"maker\"],\"no_default_policy\":true}", "{}", "[\"maker\"]"},
        {"{\"policies\":[\"maker\"],\"no_default_policy\":true}", "{\"policies\":[\"maker\"]}",
         "[\"maker\"]"},
        {"{\"policies\":[\"maker\"],\"no_default_policy\":true}", "{\"policies\":[\"default\"]}",
         NULL},
        {"{\"policies\":[\"maker\"],\"no_default_policy\":true}", "{\"policies\":[\" \"]}", "[]"},
        {"{\"policies\":[\"maker\"]}", "{\"no_default_policy\":true}", "[\"maker\"]"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        const char *parent = new_token(f, "root", rows[i].parent);
        if (rows[i].policies)
            assert_string_equal(asked(f, "POST", CREATE, parent, rows[i].child, "auth.policies"),
                                rows[i].policies);
        else
            refused(f, 400, "child policies must be subset of parent", "POST", CREATE, parent,
                    rows[i].child);
    }
}

static void sudo_may_what_others_may_not(void **state) {
    struct fixture *f = *state;
    const char *maker = new_token(f, "root", "{\"policies\":[\"maker\"]}");
    refused(f, 400, "root or sudo privileges required to specify token id", "POST", CREATE, maker,
            "{\"id\":\"zzz\"}");
    refused(f, 400, "root or sudo privileges required to create orphan token", "POST", CREATE,
            maker, "{\"no_parent\":true}");
    refused(f, 400, "root or sudo privileges required to create periodic token", "POST", CREATE,
            maker, "{\"period\":\"1h\"}");
    refused(f, 403, NULL, "POST", "auth/token/create-orphan", maker, "{}");
    const char *mighty = new_token(f, "root", "{\"policies\":[\"mighty\"]}");
    refused(f, 400, "root tokens may not be created without parent token being root", "POST",
            CREATE, mighty, "{\"policies\":[\"root\"]}");
    const char *own =
        "{\"id\":\"own\",\"policies\":[\"default\"],\"period\":\"1h\",\"no_parent\":true}";
    assert_string_equal(new_token(f, mighty, own), "own");
    assert_string_equal(self(f, "own", "orphan"), "true");
    assert_string_equal(self(f, "own", "period"), "3600");
    const char *orphan = asked(f, "POST", "auth/token/create-orphan", mighty,
                               "{\"policies\":[\"default\"]}", "auth.client_token");
    assert_string_equal(self(f, orphan, "orphan"), "true");
    assert_string_equal(self(f, orphan, "path"), "auth/token/create-orphan");
}

static void only_a_root_token_that_stays_makes_others_that_stay(void **state) {
    struct fixture *f = *state;
    const char *token = new_token(f, "root", "{\"ttl\":\"1h\"}");
    refused(f, 400, "expiring root tokens cannot create non-expiring root tokens", "POST", CREATE,
            token, "{}");
    assert_string_equal(asked(f, "POST", CREATE, token, "{\"ttl\":\"10h\"}", "auth.lease_duration"),
                        "36000");
}

static void display_names_hold_letters_digits_and_dashes(void **state) {
    struct fixture *f = *state;
    static const char *const rows[][2] = {
        {"a b/c@d", "token-a-b-c-d"},
        {"---", "token---"},
        {"my--name", "token-my--name"},
        {"my name!", "token-my-name"},
        {"  x ", "token---x"},
        {"A_1.c", "token-A-1-c"},
        {"", "token"},
        {"\xc3\x9cn\xc3\xaf", "token--n"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char body[256];
        snprintf(body, sizeof body, "{\"policies\":[\"default\"],\"display_name\":\"%s\"}",
                 rows[i][0]);
        assert_string_equal(self(f, new_token(f, "root", body), "display_name"), rows[i][1]);
    }
}

// ---- looking

static void a_token_looks_at_itself_and_root_at_all(void **state) {
    struct fixture *f = *state;
    const char *t =
        new_token(f, "root", "{\"policies\":[\"default\"],\"ttl\":\"1h\",\"meta\":{\"k\":5}}");
    assert_string_equal(self(f, t, "id"), t);
    assert_string_equal(self(f, t, "meta"), "{\"k\":\"5\"}");
    assert_string_equal(self(f, t, "creation_ttl"), "3600");
    const char *accessor = self(f, t, "accessor");
    char body[256];
    snprintf(body, sizeof body, "{\"accessor\":\"%s\"}", accessor);
    assert_string_equal(
        asked(f, "POST", "auth/token/lookup", "root", token_body(t, ""), "data.accessor"),
        accessor);
    assert_string_equal(asked(f, "POST", "auth/token/lookup-accessor", "root", body, "data.id"),
                        "");
    assert_string_equal(asked(f, "GET", "auth/token/lookup", "root", NULL, "data.id"), "root");
    refused(f, 403, "bad token", "POST", "auth/token/lookup", "root", "{\"token\":\"s.bogus\"}");
    refused(f, 400, "1 error occurred:\n\t* invalid accessor\n\n", "POST",
            "auth/token/lookup-accessor", "root", "{\"accessor\":\"zz\"}");
    refused(f, 400, "1 error occurred:\n\t* missing accessor\n\n", "POST",
            "auth/token/lookup-accessor", "root", "{}");
    refused(f, 403, "permission denied", "GET", "auth/token/lookup-self", "s.bogus", NULL);
    refused(f, 403, "permission denied", "GET", "auth/token/lookup-self", NULL, NULL);
    refused(f, 403, NULL, "LIST", "auth/token/accessors", t, NULL);
}

static void a_limited_token_says_what_is_left_and_ends(void **state) {
    struct fixture *f = *state;
    const char *t = new_token(f, "root", "{\"policies\":[\"default\",\"maker\"],\"num_uses\":4}");
    assert_string_equal(self(f, t, "num_uses"), "3");
    refused(f, 403, NULL, "GET", "secret/denied", t, NULL);
    refused(f, 400, "restricted use token cannot generate child tokens", "POST", CREATE, t, "{}");
    assert_string_equal(self(f, t, "num_uses"), "-1");
    refused(f, 403, "permission denied", "GET", "auth/token/lookup-self", t, NULL);
    refused(f, 403, "bad token", "POST", "auth/token/lookup", "root", token_body(t, ""));
}

static void an_expired_token_is_no_token(void **state) {
    struct fixture *f = *state;
    const char *t = new_token(f, "root", "{\"policies\":[\"default\"],\"ttl\":\"10s\"}");
    const char *c = new_token(f, "root", "{\"policies\":[\"default\"],\"ttl\":\"500ms\"}");
    f->ahead_ms = 2000;
    assert_string_equal(self(f, t, "num_uses"), "0");
    refused(f, 403, "permission denied", "GET", "auth/token/lookup-self", c, NULL);
    f->ahead_ms = 11000;
    refused(f, 403, "permission denied", "GET", "auth/token/lookup-self", t, NULL);
    refused(f, 403, "bad token", "POST", "auth/token/lookup", "root", token_body(t, ""));
    refused(f, 400, "token not found", "POST", "auth/token/renew", "root", token_body(t, ""));
    f->ahead_ms = 0;
}

// ---- renewing

static const char *renewed(struct fixture *f, const char *token, const char *body) {
    return asked(f, "POST", "auth/token/renew-self", token, body, "auth.lease_duration");
}

static void renewing_gives_what_is_asked_or_what_was_given_last(void **state) {
    struct fixture *f = *state;
    const char *t = new_token(f, "root", "{\"policies\":[\"default\"],\"ttl\":\"1h\"}");
    assert_string_equal(renewed(f, t, "{}"), "3600");
    assert_string_equal(renewed(f, t, "{\"increment\":\"1.5h\"}"), "5400");
    assert_string_equal(renewed(f, t, "{\"increment\":\"\"}"), "5400");
    assert_string_equal(self(f, t, "creation_ttl"), "3600");
    f->ahead_ms = 1000;
    assert_string_equal(renewed(f, t, "{\"increment\":\"100000h\"}"), "2764799");
    f->ahead_ms = 0;
    refused(f, 400, NULL, "POST", "auth/token/renew-self", t, "{\"increment\":\"-5\"}");
    refused(f, 400, NULL, "POST", "auth/token/renew-self", t, "{\"increment\":\"abc\"}");
    refused(f, 400, "lease is not renewable", "POST", "auth/token/renew-self", "root", "{}");
    refused(f, 400, "missing token ID", "POST", "auth/token/renew", "root", "{}");
    const char *stays = new_token(f, "root", "{\"policies\":[\"default\"],\"renewable\":false}");
    refused(f, 400, "lease is not renewable", "POST", "auth/token/renew-self", stays, "{}");
}

static void renewing_ends_at_the_explicit_maximum(void **state) {
    struct fixture *f = *state;
    const char *t = new_token(
        f, "root", "{\"policies\":[\"default\"],\"explicit_max_ttl\":\"10s\",\"ttl\":\"8s\"}");
    const char *p = new_token(
        f, "root", "{\"policies\":[\"default\"],\"explicit_max_ttl\":\"10s\",\"period\":\"8s\"}");
    f->ahead_ms = 3200;
    assert_string_equal(renewed(f, t, "{\"increment\":\"1h\"}"), "7");
    assert_string_equal(
        asked(f, "POST", "auth/token/renew-self", p, "{}", "warnings"),
        "[\"TTL of \\\"8s\\\" exceeded the effective max_ttl of \\\"7s\\\"; TTL value is capped "
        "accordingly\"]");
    f->ahead_ms = 0;
}

static void a_periodic_token_lives_on_by_its_period(void **state) {
    struct fixture *f = *state;
    const char *t = new_token(f, "root", "{\"policies\":[\"default\"],\"period\":\"1h\"}");
    f->ahead_ms = 3000000;
    assert_string_equal(renewed(f, t, "{\"increment\":\"3h\"}"), "3600");
    f->ahead_ms = 6000000;
    assert_string_equal(renewed(f, t, "{\"increment\":\"3m\"}"), "3600");
    f->ahead_ms = 0;
}

// ---- ending

static void revoking_ends_the_children_and_revoking_as_an_orphan_does_not(void **state) {
    struct fixture *f = *state;
    const char *parent = new_token(f, "root", "{\"policies\":[\"maker\"]}");
    const char *child = new_token(f, parent, "{}");
    refused(f, 204, NULL, "POST", "auth/token/revoke-orphan", "root", token_body(parent, ""));
    assert_string_equal(self(f, child, "orphan"), "true");
    const char *grandchild = new_token(f, child, "{}");
    refused(f, 204, NULL, "POST", "auth/token/revoke", "root", token_body(child, ""));
    refused(f, 403, "permission denied", "GET", "auth/token/lookup-self", grandchild, NULL);
    refused(f, 204, NULL, "POST", "auth/token/revoke", "root", token_body(child, ""));
    refused(f, 400, "missing token ID", "POST", "auth/token/revoke", "root", "{}");
    refused(f, 400, "token to revoke not found", "POST", "auth/token/revoke-orphan", "root",
            "{\"token\":\"s.bogus\"}");
    const char *t = new_token(f, "root", "{\"policies\":[\"default\"]}");
    refused(f, 204, NULL, "POST", "auth/token/revoke-self", t, NULL);
    refused(f, 403, "permission denied", "POST", "auth/token/revoke-self", t, NULL);
    assert_string_equal(
        asked(f, "POST", "auth/token/revoke-accessor", "root", "{\"accessor\":\"zz\"}", "warnings"),
        "[\"No token found with this accessor\"]");
}

static void a_batch_token_cannot_what_needs_a_record(void **state) {
    struct fixture *f = *state;
    const char *b =
        new_token(f, "root", "{\"policies\":[\"maker\"],\"type\":\"batch\",\"ttl\":\"1h\"}");
    assert_string_equal(self(f, b, "type"), "batch");
    assert_string_equal(self(f, b, "accessor"), "");
    refused(f, 400, "batch tokens cannot create more tokens", "POST", CREATE, b, "{}");
    refused(f, 400, "batch tokens cannot be renewed", "POST", "auth/token/renew-self", b, "{}");
    refused(f, 400, "batch tokens cannot be revoked", "POST", "auth/token/revoke-self", b, "{}");
    refused(f, 400, "batch tokens cannot be revoked", "POST", "auth/token/revoke", "root",
            token_body(b, ""));
    refused(f, 400, "cubbyhole operations are only supported by 'service' type tokens", "POST",
            "cubbyhole/a", b, "{\"a\":1}");
    refused(f, 400, "cubbyhole operations are only supported by 'service' type tokens", "GET",
            "cubbyhole/a", b, NULL);
}

// ---- the cubbyhole

static void a_cubbyhole_is_seen_by_its_token_only(void **state) {
    struct fixture *f = *state;
    const char *t = new_token(f, "root", "{\"policies\":[\"default\"]}");
    refused(f, 404, NULL, "LIST", "cubbyhole", t, NULL);
    refused(f, 204, NULL, "POST", "cubbyhole/a/b", t, "{\"x\":1.50,\"y\":null}");
    refused(f, 204, NULL, "PUT", "cubbyhole/c", t, "{\"x\":\"1\"}");
    assert_string_equal(asked(f, "GET", "cubbyhole/a/b", t, NULL, "data"),
                        "{\"x\":1.50,\"y\":null}");
    assert_string_equal(asked(f, "LIST", "cubbyhole", t, NULL, "data.keys"), "[\"a/\",\"c\"]");
    assert_string_equal(asked(f, "LIST", "cubbyhole/a", t, NULL, "data.keys"), "[\"b\"]");
    refused(f, 404, NULL, "GET", "cubbyhole/a/b", "root", NULL);
    refused(f, 404, NULL, "GET", "cubbyhole/a/", t, NULL);
    refused(f, 400, "1 error occurred:\n\t* missing data fields\n\n", "PUT", "cubbyhole/a", t,
            "{}");
    refused(f, 204, NULL, "DELETE", "cubbyhole/a/b", t, NULL);
    refused(f, 204, NULL, "DELETE", "cubbyhole/a/b", t, NULL);
    refused(f, 404, NULL, "GET", "cubbyhole/a/b", t, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(what_cannot_be_made_is_refused_with_the_servers_words),
        T(times_are_cut_to_what_is_permitted_and_said_to_be),
        T(policies_are_the_parents_or_fewer),
        T(sudo_may_what_others_may_not),
        T(only_a_root_token_that_stays_makes_others_that_stay),
        T(display_names_hold_letters_digits_and_dashes),
        T(a_token_looks_at_itself_and_root_at_all),
        T(a_limited_token_says_what_is_left_and_ends),
        T(an_expired_token_is_no_token),
        T(renewing_gives_what_is_asked_or_what_was_given_last),
        T(renewing_ends_at_the_explicit_maximum),
        T(a_periodic_token_lives_on_by_its_period),
        T(revoking_ends_the_children_and_revoking_as_an_orphan_does_not),
        T(a_batch_token_cannot_what_needs_a_record),
        T(a_cubbyhole_is_seen_by_its_token_only),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
