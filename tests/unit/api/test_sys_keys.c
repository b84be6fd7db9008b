// SPDX-License-Identifier: Apache-2.0
// First start, seal, unseal, health and a change of the master key, asked of a gate as clients do.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "gate-fixture.h"

static struct fixture f;
static char key_hex[128], key_base64[128], root[128];

static int setup_empty(void **state) {
    (void)state;
    struct fault fault = {{0}};
    const struct gate_opts opts = {.version = "1.17.0+ent"};
    f = (struct fixture){.gate = NULL};
    return gate_new(&f.gate, &opts, &fault);
}

static int teardown(void **state) {
    (void)state;
    fixture_close(&f);
    return 0;
}

static void says(int status, const char *method, const char *path, const char *body,
                 const char *piece) {
    ask_saying(&f, NULL, status, method, path, body, piece);
}

static void copy(char *to, size_t n, const struct json *v) {
    assert_true(json_str(v).n > 0 && json_str(v).n < n);
    snprintf(to, n, "%.*s", STR_ARG(json_str(v)));
}

static void init_gate(void) {
    struct said s =
        ask(&f, "PUT", "sys/init", NULL, "{\"secret_shares\":1,\"secret_threshold\":1}");
    assert_int_equal(s.status, 200);
    copy(key_hex, sizeof key_hex, json_at(json_get(s.json, "keys"), 0));
    copy(key_base64, sizeof key_base64, json_at(json_get(s.json, "keys_base64"), 0));
    copy(root, sizeof root, json_get(s.json, "root_token"));
    assert_int_equal(strlen(key_hex), 64);
    assert_int_equal(strlen(key_base64), 44);
    said_fini(&s);
}

static void unseal_with(const char *key) {
    char body[256];
    snprintf(body, sizeof body, "{\"key\":\"%s\"}", key);
    says(200, "PUT", "sys/unseal", body, "\"sealed\":false");
}

static int setup(void **state) {
    if (setup_empty(state)) return -1;
    init_gate();
    unseal_with(key_hex);
    return 0;
}

static void an_empty_gate_says_so(void **state) {
    (void)state;
    says(501, "GET", "sys/health", NULL, "{\"initialized\":false,\"sealed\":true,\"standby\":true");
    says(501, "HEAD", "sys/health", NULL, NULL);
    says(298, "GET", "sys/health", "{\"uninitcode\":\"298\"}", NULL);
    says(200, "GET", "sys/init", NULL, "{\"initialized\":false}");
    says(200, "GET", "sys/seal-status", NULL, "\"t\":0,\"n\":0");
    says(200, "GET", "sys/leader", NULL, "{\"ha_enabled\":false}");
    says(400, "PUT", "sys/unseal", "{\"key\":\"aa\"}", "Vault is not initialized");
    ask_saying(&f, "x", 503, "GET", "sys/mounts", NULL, "Vault is sealed");
    says(503, "GET", "nosuch", NULL, "Vault is sealed");
}

static void a_first_start_takes_one_share(void **state) {
    (void)state;
    static const struct {
        const char *body, *why;
    } rows[] = {
        {"{}", "invalid seal configuration: shares must be at least one"},
        {"{\"secret_shares\":-1,\"secret_threshold\":1}", "shares must be at least one"},
        {"{\"secret_shares\":1,\"secret_threshold\":2}", "threshold cannot be larger than shares"},
        {"{\"secret_shares\":2,\"secret_threshold\":1}",
         "threshold must be greater than one for multiple shares"},
        {"{\"secret_shares\":300,\"secret_threshold\":3}", "shares must be less than 256"},
        {"{\"secret_shares\":5,\"secret_threshold\":3}",
         "only one key share is supported: secret_shares and secret_threshold must be 1"},
        {"{\"secret_shares\":\"1\",\"secret_threshold\":\"1\"}",
         "failed to decode JSON input: json: cannot unmarshal string into Go struct field "
         "InitRequest.secret_shares of type int"},
        {"{\"secret_shares\":1,\"secret_threshold\":1,\"pgp_keys\":[\"a\",\"b\"]}",
         "count mismatch between number of provided PGP keys and number of shares"},
        {"{\"secret_shares\":1,\"secret_threshold\":1,\"pgp_keys\":[\"a\"]}",
         "pgp_keys are not supported"},
        {"{\"recovery_shares\":1,\"recovery_threshold\":1}",
         "parameters recovery_shares,recovery_threshold not applicable to seal type shamir"},
    };
    for (size_t i = 0; i < LEN(rows); i++) says(400, "PUT", "sys/init", rows[i].body, rows[i].why);
    init_gate();
    says(400, "PUT", "sys/init", "{\"secret_shares\":1,\"secret_threshold\":1}",
         "Vault is already initialized");
}

static void after_the_first_start_the_gate_is_sealed_until_it_has_the_key(void **state) {
    (void)state;
    init_gate();
    says(503, "GET", "sys/health", NULL, "{\"initialized\":true,\"sealed\":true,\"standby\":true");
    says(299, "GET", "sys/health", "{\"sealedcode\":\"299\"}", NULL);
    ask_saying(&f, root, 503, "GET", "sys/mounts", NULL, "Vault is sealed");
    says(400, "PUT", "sys/unseal", "{\"key\":\"zz!\"}",
         "'key' must be a valid hex or base64 string");
    says(400, "PUT", "sys/unseal", "{\"key\":\"abcd\"}",
         "invalid key: key is shorter than minimum 16 bytes");
    says(400, "PUT", "sys/unseal",
         "{\"key\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
         "unable to retrieve stored keys: invalid key");
    says(400, "PUT", "sys/unseal", "{}",
         "'key' must be specified in request body as JSON, or 'reset' set to true");
    says(200, "PUT", "sys/unseal", "{\"reset\":true}", "\"sealed\":true");
    unseal_with(key_base64);
    says(200, "GET", "sys/health", NULL, "\"cluster_name\":\"vault-cluster-");
    ask_saying(&f, root, 200, "GET", "sys/mounts", NULL, NULL);
    ask_saying(&f, root, 404, "GET", "secret/a", NULL, "no handler for route");
}

static void unsealing_tells_of_the_cluster(void **state) {
    (void)state;
    init_gate();
    char body[256];
    snprintf(body, sizeof body, "{\"key\":\"%s\"}", key_hex);
    says(200, "POST", "sys/unseal", body, "\"cluster_name\":\"vault-cluster-");
}

static void an_unsealed_gate_answers_unseal_with_its_status(void **state) {
    (void)state;
    says(200, "PUT", "sys/unseal", "{\"key\":\"abcd\"}", "\"sealed\":false");
    says(400, "PUT", "sys/unseal", "{\"reset\":true}", "vault is unsealed");
}

static void sealing_needs_a_token_and_forgets_nothing(void **state) {
    (void)state;
    ask_saying(&f, root, 204, "POST", "sys/policies/acl/kept", "{\"policy\":\"path \\\"a\\\" {}\"}",
               NULL);
    says(403, "PUT", "sys/seal", NULL, "permission denied");
    ask_saying(&f, "s.bogus", 403, "PUT", "sys/seal", NULL, "permission denied");
    ask_saying(&f, root, 204, "PUT", "sys/seal", NULL, NULL);
    ask_saying(&f, root, 204, "PUT", "sys/seal", NULL, NULL);
    ask_saying(&f, root, 503, "GET", "sys/policies/acl/kept", NULL, "Vault is sealed");
    unseal_with(key_hex);
    ask_saying(&f, root, 200, "GET", "sys/policies/acl/kept", NULL, NULL);
}

static void health_answers_with_the_status_that_is_wanted(void **state) {
    (void)state;
    says(299, "GET", "sys/health", "{\"activecode\":\"299\"}", "\"version\":\"1.17.0+ent\"");
    says(200, "GET", "sys/health", "{\"standbyok\":\"true\",\"sealedcode\":\"299\"}", NULL);
    says(200, "HEAD", "sys/health", NULL, NULL);
    ask_saying(&f, "s.bogus", 200, "GET", "sys/health", NULL, NULL);
    const char *const bad[] = {"{\"activecode\":\"abc\"}", "{\"activecode\":\"99\"}",
                               "{\"activecode\":\"600\"}", "{\"standbyok\":\"maybe\"}"};
    for (size_t i = 0; i < LEN(bad); i++) says(400, "GET", "sys/health", bad[i], "{\"errors\":[]}");
    says(405, "POST", "sys/health", "{}", "{\"errors\":[]}");
    says(405, "HEAD", "sys/seal-status", NULL, NULL);
    says(405, "POST", "sys/seal-status", "{}", "{\"errors\":[]}");
}

static void the_master_key_can_be_changed(void **state) {
    (void)state;
    char body[512], old[128];
    const char *const one = "{\"secret_shares\":1,\"secret_threshold\":1}";
    ask_saying(&f, root, 200, "GET", "sys/rekey/init", NULL, "\"started\":false");
    ask_saying(&f, root, 400, "PUT", "sys/rekey/init",
               "{\"secret_shares\":5,\"secret_threshold\":3}", "only one key share is supported");
    snprintf(body, sizeof body, "{\"key\":\"%s\",\"nonce\":\"\"}", key_hex);
    ask_saying(&f, root, 400, "PUT", "sys/rekey/update", body, "no rekey in progress");
    struct said s = ask(&f, "PUT", "sys/rekey/init", root, one);
    assert_int_equal(s.status, 200);
    snprintf(body, sizeof body, "{\"key\":\"%s\",\"nonce\":\"%.*s\"}", key_hex,
             STR_ARG(json_str(json_get(s.json, "nonce"))));
    said_fini(&s);
    ask_saying(&f, root, 400, "PUT", "sys/rekey/init", one, "rekey already in progress");
    ask_saying(&f, root, 400, "PUT", "sys/rekey/update", "{\"key\":\"00\",\"nonce\":\"zz\"}",
               "incorrect nonce supplied");
    s = ask(&f, "PUT", "sys/rekey/update", root, body);
    assert_int_equal(s.status, 200);
    snprintf(old, sizeof old, "%s", key_hex);
    copy(key_hex, sizeof key_hex, json_at(json_get(s.json, "keys"), 0));
    assert_string_not_equal(old, key_hex);
    said_fini(&s);
    ask_saying(&f, root, 200, "GET", "sys/rekey/init", NULL, "\"started\":false");
    ask_saying(&f, root, 204, "PUT", "sys/seal", NULL, NULL);
    snprintf(body, sizeof body, "{\"key\":\"%s\"}", old);
    says(400, "PUT", "sys/unseal", body, "invalid key");
    unseal_with(key_hex);
}

static void a_change_of_the_key_can_be_given_up(void **state) {
    (void)state;
    ask_saying(&f, root, 200, "PUT", "sys/rekey/init",
               "{\"secret_shares\":1,\"secret_threshold\":1}", "\"started\":true");
    ask_saying(&f, root, 200, "GET", "sys/rekey/status", NULL, "\"started\":true");
    ask_saying(&f, root, 204, "DELETE", "sys/rekey/init", NULL, NULL);
    ask_saying(&f, root, 200, "GET", "sys/rekey/status", NULL, "\"started\":false");
    says(403, "GET", "sys/rekey/status", NULL, "permission denied");
}

static void facts_about_the_server_are_told(void **state) {
    (void)state;
    ask_saying(&f, root, 200, "GET", "sys/key-status", NULL, "\"term\":1");
    ask_saying(&f, root, 200, "GET", "sys/ha-status", NULL, "\"active_node\":true");
    ask_saying(&f, root, 200, "LIST", "sys/version-history", NULL, "\"keys\":[\"1.17.0+ent\"]");
    ask_saying(&f, root, 400, "PUT", "sys/rotate", NULL, "change the master key");
    ask_saying(&f, root, 200, "GET", "sys/mounts", NULL,
               "\"running_plugin_version\":\"v1.17.0+builtin\"");
}

#define row(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define empty_row(test) cmocka_unit_test_setup_teardown(test, setup_empty, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        empty_row(an_empty_gate_says_so),
        empty_row(a_first_start_takes_one_share),
        empty_row(after_the_first_start_the_gate_is_sealed_until_it_has_the_key),
        empty_row(unsealing_tells_of_the_cluster),
        row(an_unsealed_gate_answers_unseal_with_its_status),
        row(sealing_needs_a_token_and_forgets_nothing),
        row(health_answers_with_the_status_that_is_wanted),
        row(the_master_key_can_be_changed),
        row(a_change_of_the_key_can_be_given_up),
        row(facts_about_the_server_are_told),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("sys_keys", tests, NULL, NULL);
}
