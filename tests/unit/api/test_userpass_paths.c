// SPDX-License-Identifier: Apache-2.0
// auth/userpass/ as clients ask it, and the table of failed logins behind it.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/lockout.h"
#include "gate-fixture.h"
#include "paths.h"

#define USERS "auth/userpass/users"
#define LOGIN "auth/userpass/login"

static int setup(void **state) {
    static struct fixture f;
    fixture_open(&f);
    ask_for(&f, 204, "POST", "sys/auth/userpass", "root", "{\"type\":\"userpass\"}");
    ask_for(&f, 204, "POST", USERS "/alice", "root",
            "{\"password\":\"pw\",\"token_policies\":\"a\"}");
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    fixture_close(*state);
    return 0;
}

static const char *path_of(const char *name, const char *below) {
    char text[512];
    snprintf(text, sizeof text, "%s/%s", below, name);
    return paths_keep(str_from(text));
}

static void user(struct fixture *f, const char *name, const char *body) {
    refused(f, 204, NULL, "POST", path_of(name, USERS), "root", body);
}

static const char *login(struct fixture *f, const char *name, const char *member) {
    return asked(f, "POST", path_of(name, LOGIN), NULL, "{\"password\":\"pw\"}", member);
}

static const char *tuned(struct fixture *f, const char *body) {
    refused(f, 204, NULL, "POST", "sys/auth/userpass/tune", "root", body);
    return body;
}

// ---- users

static void what_no_user_can_be_is_refused_with_the_servers_words(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *body, *error;
    } rows[] = {
        {"{}", "must provide either password or password_hash"},
        {"{\"password\":\"\"}", "must provide either password or password_hash"},
        {"{\"password\":\"p\",\"password_hash\":\"x\"}",
         "only one of password or password_hash may be provided"},
        {"{\"password_hash\":\"x\"}", "password_hash is not a valid bcrypt hash"},
        {"{\"password_hash\":\"$2y$04$abcdefghijklmnopqrstuudMegMbPN37MbpdEfAtP66w1z0RBCtLG\"}",
         "bcrypt cost of 4 is too low, want 5 at minimum"},
        {"{\"password\":\"p\",\"token_ttl\":\"2h\",\"token_max_ttl\":\"1h\"}",
         "'token_ttl' cannot be greater than 'token_max_ttl'"},
        {"{\"password\":\"p\",\"token_type\":\"zzz\",\"token_num_uses\":-1}",
         "invalid 'token_type' value \"zzz\""},
        {"{\"password\":\"p\",\"token_type\":\"default-batch\"}",
         "invalid 'token_type' value \"default-batch\""},
        {"{\"password\":\"p\",\"token_num_uses\":-1}", "'token_num_uses' cannot be negative"},
        {"{\"password\":\"p\",\"token_bound_cidrs\":\"10.0.0.0/8,\"}",
         "error parsing address \"\": Unable to convert \"\" to an IPv4 or IPv6 address, or a UNIX "
         "Socket"},
        {"{\"password\":\"p\",\"token_bound_cidrs\":\"nope\",\"token_type\":\"zzz\"}",
         "error parsing address \"nope\": Unable to convert \"nope\" to an IPv4 or IPv6 address, "
         "or a "
         "UNIX Socket"},
        {"{\"password\":\"p\",\"token_type\":\"batch\",\"token_num_uses\":2,\"token_period\":"
         "\"1h\"}",
         "'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic tokens"},
        {"{\"password\":\"p\",\"token_type\":\"batch\",\"token_num_uses\":2}",
         "'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens with "
         "limited "
         "use count"},
        {"{\"password\":\"p\",\"token_ttl\":\"abc\"}",
         "error converting input for field \"token_ttl\": time: invalid duration \"abc\""},
        {"{\"password\":\"p\",\"token_strictly_bind_ip\":true,\"token_bound_cidrs\":\"::1\"}",
         "'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one"},
        {"{\"password\":\"a\\u0000b\"}", "a password has at most 511 bytes and no NUL among them"},
    };
    for (size_t i = 0; i < LEN(rows); i++)
        refused(f, 400, rows[i].error, "POST", USERS "/x", "root", rows[i].body);
    refused(f, 404, NULL, "GET", USERS "/x", "root", NULL);
    refused(f, 404, NULL, "POST", USERS "/a@b", "root", "{\"password\":\"p\"}");
    refused(f, 403, "permission denied", "GET", USERS "/alice", NULL, NULL);
}

static void a_change_keeps_what_it_does_not_name(void **state) {
    struct fixture *f = *state;
    user(f, "Bob",
         "{\"password\":\"pw\",\"token_ttl\":\"10m\",\"token_max_ttl\":\"3600\","
         "\"token_num_uses\":3,\"token_bound_cidrs\":[\"127.0.0.0/8\"],"
         "\"token_policies\":\"B , a,a\",\"token_type\":\"service\","
         "\"token_no_default_policy\":true}");
    user(f, "BOB", "{\"token_ttl\":\"20m\",\"token_max_ttl\":null}");
    assert_string_equal(asked(f, "GET", USERS "/bob", "root", NULL, "data"),
                        "{\"token_bound_cidrs\":[\"127.0.0.0/"
                        "8\"],\"token_explicit_max_ttl\":0,\"token_max_ttl\":3600,"
                        "\"token_no_default_policy\":true,\"token_num_uses\":3,\"token_period\":0,"
                        "\"token_policies\":[\"B\",\"a\",\"a\"],\"token_strictly_bind_ip\":false,"
                        "\"token_ttl\":1200,"
                        "\"token_type\":\"service\"}");
    assert_string_equal(login(f, "bob", "auth.policies"), "[\"a\",\"b\"]");
    assert_string_equal(asked(f, "LIST", USERS, "root", NULL, "data.keys"), "[\"alice\",\"bob\"]");
    refused(f, 204, NULL, "DELETE", USERS "/BOB", "root", NULL);
    refused(f, 204, NULL, "DELETE", USERS "/BOB", "root", NULL);
    refused(f, 404, NULL, "GET", USERS "/bob", "root", NULL);
}

static void old_names_read_back_under_both(void **state) {
    struct fixture *f = *state;
    user(f, "v", "{\"password\":\"p\",\"ttl\":\"1h\",\"token_ttl\":\"2h\",\"policies\":\"x\"}");
    assert_string_equal(asked(f, "GET", USERS "/v", "root", NULL, "data.ttl"), "7200");
    assert_string_equal(asked(f, "GET", USERS "/v", "root", NULL, "data.policies"), "[\"x\"]");
    user(f, "v", "{\"token_ttl\":\"3h\"}");
    assert_string_equal(asked(f, "GET", USERS "/v", "root", NULL, "data.ttl"), "null");
    refused(f, 204, NULL, "POST", USERS "/v/policies", "root", "{\"token_policies\":\"Y,y\"}");
    assert_string_equal(asked(f, "GET", USERS "/v", "root", NULL, "data.policies"), "null");
    assert_string_equal(asked(f, "GET", USERS "/v", "root", NULL, "data.token_policies"),
                        "[\"y\"]");
}

static void a_list_is_given_in_parts(void **state) {
    struct fixture *f = *state;
    user(f, "b", "{\"password\":\"p\"}");
    user(f, "c", "{\"password\":\"p\"}");
    assert_string_equal(
        asked(f, "LIST", USERS, "root", "{\"after\":\"alice\",\"limit\":\"1\"}", "data.keys"),
        "[\"b\"]");
    assert_string_equal(asked(f, "LIST", USERS, "root", "{\"after\":\"al\"}", "data.keys"),
                        "[\"alice\",\"b\",\"c\"]");
    refused(f, 404, NULL, "LIST", USERS, "root", "{\"after\":\"c\"}");
}

static void an_existing_user_needs_update_and_a_new_one_create(void **state) {
    struct fixture *f = *state;
    write_policy(f, "creating", "path \\\"auth/*\\\" { capabilities = [\\\"create\\\"] }");
    write_policy(f, "updating", "path \\\"auth/*\\\" { capabilities = [\\\"update\\\"] }");
    const char *creates = new_token(f, "root", "{\"policies\":[\"creating\"]}");
    const char *updates = new_token(f, "root", "{\"policies\":[\"updating\"]}");
    refused(f, 204, NULL, "POST", USERS "/New", creates, "{\"password\":\"p\"}");
    refused(f, 403, NULL, "POST", USERS "/NEW", creates, "{\"password\":\"p\"}");
    refused(f, 204, NULL, "POST", USERS "/NEW", updates, "{\"password\":\"p\"}");
    refused(f, 403, NULL, "POST", USERS "/newer", updates, "{\"password\":\"p\"}");
}

// ---- logging in

static void a_login_gives_a_token_of_the_user(void **state) {
    struct fixture *f = *state;
    struct said s = ask(f, "POST", LOGIN "/ALICE", NULL, "{\"password\":\"pw\"}");
    assert_int_equal(s.status, 200);
    const char *t = paths_keep(json_str(json_path(s.json, "auth.client_token")));
    assert_string_equal(paths_keep(json_str(json_path(s.json, "auth.metadata.username"))), "alice");
    assert_int_equal(json_str(json_path(s.json, "auth.entity_id")).n, 36);
    said_fini(&s);
    assert_string_equal(self(f, t, "policies"), "[\"a\",\"default\"]");
    assert_string_equal(self(f, t, "display_name"), "userpass-alice");
    assert_string_equal(self(f, t, "path"), LOGIN "/ALICE");
    assert_string_equal(self(f, t, "orphan"), "true");
    assert_string_equal(login(f, "alice", "auth.entity_id"), self(f, t, "entity_id"));
}

static void whoever_is_not_there_is_refused_as_a_wrong_password_is(void **state) {
    struct fixture *f = *state;
    const char *wrong = "invalid username or password";
    refused(f, 400, wrong, "POST", LOGIN "/alice", NULL, "{\"password\":\"nope\"}");
    refused(f, 400, wrong, "POST", LOGIN "/alice", NULL, "{\"password\":5}");
    refused(f, 400, wrong, "POST", LOGIN "/nobody", NULL, "{\"password\":\"nope\"}");
    refused(f, 400, "missing password", "POST", LOGIN "/alice", NULL, "{}");
    refused(f, 400, "missing password", "POST", LOGIN "/nobody", NULL, NULL);
    refused(f, 405, "unsupported operation", "GET", LOGIN "/alice", NULL, NULL);
}

static void a_changed_password_counts_at_once(void **state) {
    struct fixture *f = *state;
    refused(f, 204, NULL, "POST", USERS "/alice/password", "root", "{\"password\":\"new\"}");
    refused(f, 400, NULL, "POST", LOGIN "/alice", NULL, "{\"password\":\"pw\"}");
    refused(f, 200, NULL, "POST", LOGIN "/alice", NULL, "{\"password\":\"new\"}");
    refused(f, 400, "must provide either password or password_hash", "POST",
            USERS "/alice/password", "root", "{}");
    refused(f, 400, "1 error occurred:\n\t* username does not exist\n\n", "POST",
            USERS "/nobody/password", "root", "{\"password\":\"p\"}");
    user(f, "hashed",
         "{\"password_hash\":"
         "\"$2b$05$abcdefghijklmnopqrstuuqwWMzKt5N8p.u2GX5MuH1t19BMWuLOW\"}");
    refused(f, 200, NULL, "POST", LOGIN "/hashed", NULL, "{\"password\":\"p\"}");
}

static void the_kind_of_token_is_the_mounts_or_the_users(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *mount, *user, *kind;
    } rows[] = {
        {"default-service", "default", "service"},
        {"default-service", "batch", "batch"},
        {"default-batch", "default", "batch"},
        {"default-batch", "service", "service"},
        {"batch", "service", "batch"},
        {"service", "batch", "service"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char body[128];
        snprintf(body, sizeof body, "{\"token_type\":\"%s\"}", rows[i].mount);
        tuned(f, body);
        snprintf(body, sizeof body, "{\"token_type\":\"%s\"}", rows[i].user);
        user(f, "alice", body);
        assert_string_equal(login(f, "alice", "auth.token_type"), rows[i].kind);
    }
}

static void a_login_can_be_forbidden(void **state) {
    struct fixture *f = *state;
    user(f, "far", "{\"password\":\"pw\",\"token_bound_cidrs\":\"10.0.0.0/8\"}");
    refused(f, 400, "invalid username or password", "POST", LOGIN "/far", NULL,
            "{\"password\":\"x\"}");
    refused(f, 403, "permission denied", "POST", LOGIN "/far", NULL, "{\"password\":\"pw\"}");
    user(f, "rooty", "{\"password\":\"pw\",\"token_policies\":\"root\"}");
    refused(f, 400, "auth methods cannot create root tokens", "POST", LOGIN "/rooty", NULL,
            "{\"password\":\"pw\"}");
    const char *id = login(f, "alice", "auth.entity_id");
    char path[128];
    snprintf(path, sizeof path, "identity/entity/id/%s", id);
    refused(f, 204, NULL, "POST", path, "root", "{\"disabled\":true}");
    refused(f, 403, "permission denied", "POST", LOGIN "/alice", NULL, "{\"password\":\"pw\"}");
}

static void a_token_is_bound_to_where_its_login_came_from(void **state) {
    struct fixture *f = *state;
    user(f, "alice", "{\"token_strictly_bind_ip\":true}");
    const char *t = login(f, "alice", "auth.client_token");
    assert_string_equal(self(f, t, "bound_cidrs"), "[\"127.0.0.1\"]");
}

static void a_login_is_renewed_as_the_user_is_today(void **state) {
    struct fixture *f = *state;
    user(f, "alice", "{\"token_ttl\":\"1h\",\"token_max_ttl\":\"2h\"}");
    const char *t = login(f, "alice", "auth.client_token");
    const char *renew = "auth/token/renew-self";
    const char *lease = "auth.lease_duration";
    assert_string_equal(asked(f, "POST", renew, t, "{\"increment\":\"5h\"}", lease), "7200");
    assert_string_equal(asked(f, "POST", renew, t, "{}", lease), "3600");
    user(f, "alice", "{\"token_ttl\":\"90m\"}");
    assert_string_equal(asked(f, "POST", renew, t, "{}", lease), "5400");
    user(f, "alice", "{\"token_policies\":\"b\"}");
    refused(f, 400,
            "1 error occurred:\n\t* failed to renew entry: policies have changed, not renewing"
            "\n\n",
            "POST", renew, t, "{}");
    user(f, "alice", "{\"token_policies\":\"a\"}");
    refused(f, 204, NULL, "DELETE", USERS "/alice", "root", NULL);
    refused(f, 204, NULL, "POST", renew, t, "{}");
}

static void tokens_go_with_their_mount(void **state) {
    struct fixture *f = *state;
    const char *service = login(f, "alice", "auth.client_token");
    user(f, "alice", "{\"token_type\":\"batch\"}");
    const char *batch = login(f, "alice", "auth.client_token");
    assert_string_equal(self(f, batch, "type"), "batch");
    refused(f, 204, NULL, "DELETE", "sys/auth/userpass", "root", NULL);
    refused(f, 403, NULL, "GET", "auth/token/lookup-self", service, NULL);
    refused(f, 403, NULL, "GET", "auth/token/lookup-self", batch, NULL);
}

// ---- lockout

static void wrong_passwords_lock_a_user_for_a_while(void **state) {
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++)
        refused(f, 400, NULL, "POST", LOGIN "/alice", NULL, "{\"password\":\"x\"}");
    refused(f, 403, "permission denied", "POST", LOGIN "/alice", NULL, "{\"password\":\"x\"}");
    refused(f, 403, "permission denied", "POST", LOGIN "/ALICE", NULL, "{\"password\":\"pw\"}");
    const char *locked = asked(f, "GET", "sys/locked-users", "root", NULL, "data");
    assert_non_null(strstr(locked, "\"alias_identifiers\":[\"alice\"]"));
    assert_non_null(strstr(locked, "\"total\":1"));
    f->ahead_ms = 901000;
    refused(f, 200, NULL, "POST", LOGIN "/alice", NULL, "{\"password\":\"pw\"}");
    f->ahead_ms = 0;
}

static void an_operator_lets_a_locked_user_in(void **state) {
    struct fixture *f = *state;
    tuned(f, "{\"user_lockout_config\":{\"lockout_threshold\":2}}");
    for (int i = 0; i < 2; i++)
        refused(f, 400, NULL, "POST", LOGIN "/alice", NULL, "{\"password\":\"x\"}");
    refused(f, 403, NULL, "POST", LOGIN "/alice", NULL, "{\"password\":\"pw\"}");
    const char *accessor = asked(f, "GET", "sys/auth/userpass", "root", NULL, "data.accessor");
    char path[256];
    snprintf(path, sizeof path, "sys/locked-users/%s/unlock/alice", accessor);
    refused(f, 204, NULL, "POST", path, "root", NULL);
    refused(f, 200, NULL, "POST", LOGIN "/alice", NULL, "{\"password\":\"pw\"}");
    tuned(f, "{\"user_lockout_config\":{\"lockout_disable\":true}}");
    for (int i = 0; i < 3; i++)
        refused(f, 400, NULL, "POST", LOGIN "/alice", NULL, "{\"password\":\"x\"}");
    refused(f, 200, NULL, "POST", LOGIN "/alice", NULL, "{\"password\":\"pw\"}");
}

static void success_and_time_forget_failures(void **state) {
    (void)state;
    AUTO(lockout) struct lockout *l = NULL;
    assert_int_equal(lockout_new(&l), 0);
    const struct lockout_rules rules = lockout_rules(NULL);
    const struct str m = STR("A1"), u = STR("alice");
    assert_int_equal(rules.threshold, 5);
    for (int i = 0; i < 4; i++) lockout_failed(l, &rules, m, u, 1000);
    assert_false(lockout_is_locked(l, &rules, m, u, 1000));
    lockout_clear(l, m, u);
    for (int i = 0; i < 4; i++) lockout_failed(l, &rules, m, u, 1000);
    lockout_failed(l, &rules, m, u, 1000 + 901000);
    assert_false(lockout_is_locked(l, &rules, m, u, 902000));
    for (int i = 0; i < 4; i++) lockout_failed(l, &rules, m, u, 902000);
    assert_true(lockout_is_locked(l, &rules, m, u, 902000));
    assert_false(lockout_is_locked(l, &rules, m, STR("bob"), 902000));
    assert_false(lockout_is_locked(l, &rules, STR("A2"), u, 902000));
    assert_false(lockout_is_locked(l, &rules, m, u, 902000 + 900000));
    assert_false(lockout_is_locked(NULL, &rules, m, u, 0));
}

static void many_names_do_not_free_the_one_that_is_locked_last(void **state) {
    (void)state;
    AUTO(lockout) struct lockout *l = NULL;
    assert_int_equal(lockout_new(&l), 0);
    const struct lockout_rules rules = lockout_rules(NULL);
    for (int i = 0; i < 20000; i++) {
        char name[32];
        snprintf(name, sizeof name, "u%d", i);
        lockout_failed(l, &rules, STR("A1"), str_from(name), i);
    }
    for (int i = 0; i < 5; i++) lockout_failed(l, &rules, STR("A1"), STR("alice"), 30000);
    assert_true(lockout_is_locked(l, &rules, STR("A1"), STR("alice"), 30000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(what_no_user_can_be_is_refused_with_the_servers_words),
        T(a_change_keeps_what_it_does_not_name),
        T(old_names_read_back_under_both),
        T(a_list_is_given_in_parts),
        T(an_existing_user_needs_update_and_a_new_one_create),
        T(a_login_gives_a_token_of_the_user),
        T(whoever_is_not_there_is_refused_as_a_wrong_password_is),
        T(a_changed_password_counts_at_once),
        T(the_kind_of_token_is_the_mounts_or_the_users),
        T(a_login_can_be_forbidden),
        T(a_token_is_bound_to_where_its_login_came_from),
        T(a_login_is_renewed_as_the_user_is_today),
        T(tokens_go_with_their_mount),
        T(wrong_passwords_lock_a_user_for_a_while),
        T(an_operator_lets_a_locked_user_in),
        cmocka_unit_test(success_and_time_forget_failures),
        cmocka_unit_test(many_names_do_not_free_the_one_that_is_locked_last),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
