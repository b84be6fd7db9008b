// SPDX-License-Identifier: Apache-2.0
// sys/: MFA methods, mounts, auth, policies, capabilities, what user interfaces ask, leases, asked
// of a gate: statuses, bodies and texts as OpenBao 2.7.2 gives them, or Vault where OpenBao has no
// such path.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "gate-open.h"

// The first error is exactly this.
static void refuses(int status, const char *method, const char *path, const char *body,
                    const char *why) {
    struct said s = ask(&f, method, path, "root", body);
    if (s.status != status || !str_eqz(said_error(&s), why))
        fail_msg("%s %s %s: %d %.*s", method, path, body ? body : "", s.status,
                 STR_ARG(buf_str(&s.text)));
    said_fini(&s);
}

static void keep_text(const char *method, const char *path, const char *member, char *to,
                      size_t n) {
    struct said s = ask(&f, method, path, "root", NULL);
    struct str text = json_str(json_path(json_get(s.json, "data"), member));
    assert_true(s.status == 200 && text.n > 0 && text.n < n);
    memcpy(to, text.p, text.n);
    to[text.n] = '\0';
    said_fini(&s);
}

static void make_token(const char *id, const char *policy) {
    char body[2048];
    snprintf(body, sizeof body, "{\"policy\":\"%s\"}", policy);
    char path[256];
    snprintf(path, sizeof path, "sys/policies/acl/%s", id);
    says(204, "PUT", path, body, NULL);
    snprintf(body, sizeof body, "{\"id\":\"%s\",\"policies\":[\"%s\"],\"no_default_policy\":true}",
             id, id);
    says(200, "POST", "auth/token/create", body, NULL);
}

// ---- MFA methods ----

static void write_method(const char *name, char accessor[64]) {
    char path[128], body[512];
    says(204, "POST", "sys/auth/userpass", "{\"type\":\"userpass\"}", NULL);
    keep_text("GET", "sys/auth/userpass", "accessor", accessor, 64);
    snprintf(path, sizeof path, "sys/mfa/method/okta/%s", name);
    snprintf(body, sizeof body,
             "{\"mount_accessor\":\"%s\",\"org_name\":\"dev-262778\",\"api_token\":\"0081u7\"}",
             accessor);
    says(204, "POST", path, body, NULL);
}

static void a_method_is_written_read_listed_and_deleted(void **state) {
    (void)state;
    char accessor[64];
    says(404, "LIST", "sys/mfa/method", NULL, "{\"errors\":[]}");
    write_method("my_okta", accessor);
    struct said s = ask(&f, "GET", "sys/mfa/method/okta/my_okta", "root", NULL);
    assert_int_equal(s.status, 200);
    const char *const keys[] = {"id",   "mount_accessor",  "name",     "org_name", "production",
                                "type", "username_format", "api_token"};
    for (size_t i = 0; i < LEN(keys); i++) assert_non_null(said_data(&s, keys[i]));
    assert_true(json_bool(said_data(&s, "production")));
    assert_true(str_eqz(json_str(said_data(&s, "mount_accessor")), accessor));
    said_fini(&s);
    says(200, "LIST", "sys/mfa/method", NULL, "\"data\":{\"keys\":[\"my_okta\"]}");
    says(200, "LIST", "sys/mfa/method/", NULL, "\"data\":{\"keys\":[\"my_okta\"]}");
    says(204, "DELETE", "sys/mfa/method/okta/my_okta", NULL, NULL);
    says(204, "DELETE", "sys/mfa/method/okta/my_okta", NULL, NULL);
    says(404, "GET", "sys/mfa/method/okta/my_okta", NULL, "{\"errors\":[]}");
}

static void the_api_token_is_shown_to_sudo_only(void **state) {
    (void)state;
    char accessor[64];
    write_method("m", accessor);
    make_token("plain", "path \\\"sys/mfa/*\\\" { capabilities = [\\\"read\\\"] }");
    make_token("mighty", "path \\\"sys/mfa/*\\\" { capabilities = [\\\"read\\\",\\\"sudo\\\"] }");
    struct said s = ask(&f, "GET", "sys/mfa/method/okta/m", "plain", NULL);
    assert_int_equal(s.status, 200);
    assert_null(said_data(&s, "api_token"));
    assert_int_equal(str_find(buf_str(&s.text), STR("0081u7")), s.text.n);
    said_fini(&s);
    ask_saying(&f, "mighty", 200, "GET", "sys/mfa/method/okta/m", NULL, "\"api_token\":\"0081u7\"");
}

static void paths_of_methods_that_are_not_there_are_unsupported(void **state) {
    (void)state;
    const char *const text = "1 error occurred:\n\t* unsupported path\n\n";
    refuses(404, "LIST", "sys/mfa/method/okta", NULL, text);
    refuses(404, "GET", "sys/mfa/method/totp/x", NULL, text);
    refuses(404, "POST", "sys/mfa/method/duo/x", "{}", text);
    refuses(404, "GET", "sys/mfa/method/okta/a-", NULL, text);
    refuses(404, "GET", "sys/mfa/method/okta/name/", NULL, text);
    refuses(405, "PATCH", "sys/mfa/method/okta/x", "{}",
            "1 error occurred:\n\t* unsupported operation\n\n");
    refuses(405, "GET", "sys/mfa/method", NULL, "1 error occurred:\n\t* unsupported operation\n\n");
}

static void a_write_of_a_method_takes_strings_for_everything(void **state) {
    (void)state;
    char accessor[64], body[512];
    write_method("m", accessor);
    snprintf(body, sizeof body,
             "{\"name\":\"other\",\"org_name\":\"o\",\"api_token\":\"t\",\"production\":\"false\","
             "\"primary_email\":\"true\",\"zzz\":1}");
    says(204, "PUT", "sys/mfa/method/okta/m", body, NULL);
    struct said s = ask(&f, "GET", "sys/mfa/method/okta/m", "root", NULL);
    assert_false(json_bool(said_data(&s, "production")));
    assert_true(json_bool(said_data(&s, "primary_email")));
    assert_null(said_data(&s, "base_url"));
    said_fini(&s);
    refuses(400, "PUT", "sys/mfa/method/okta/m", "{\"org_name\":\"o\"}", "api_token must be set");
}

// ---- mounts ----

static void a_mount_is_enabled_read_tuned_and_disabled(void **state) {
    (void)state;
    says(204, "POST", "sys/mounts/kv1",
         "{\"type\":\"kv\",\"description\":\"first\",\"options\":{\"version\":\"1\"}}", NULL);
    says(200, "GET", "sys/mounts/kv1", NULL, "\"description\":\"first\"");
    says(200, "GET", "sys/mounts/kv1/", NULL, "\"options\":{\"version\":\"1\"}");
    says(200, "GET", "sys/mounts/kv1/tune", NULL, "\"max_lease_ttl\":2764800");
    says(204, "POST", "sys/mounts/kv1/tune",
         "{\"default_lease_ttl\":\"1h\",\"max_lease_ttl\":7200,\"description\":\"tuned\","
         "\"options\":null}",
         NULL);
    says(200, "GET", "sys/mounts/kv1/tune", NULL,
         "\"default_lease_ttl\":3600,\"description\":\"tuned\",\"force_no_cache\":false,"
         "\"max_lease_ttl\":7200");
    says(204, "POST", "sys/mounts/kv1/tune", "{\"options\":{\"k\":\"v\",\"l\":\"w\"}}", NULL);
    says(204, "POST", "sys/mounts/kv1/tune", "{\"options\":{\"k\":\"\"}}", NULL);
    says(200, "GET", "sys/mounts/kv1", NULL, "\"options\":{\"version\":\"1\",\"l\":\"w\"}");
    says(204, "POST", "sys/mounts/kv1/tune",
         "{\"default_lease_ttl\":\"system\",\"max_lease_ttl\":\"\"}", NULL);
    says(200, "GET", "sys/mounts/kv1", NULL, "\"default_lease_ttl\":0");
    says(204, "PUT", "kv1/a", "{\"k\":\"v\"}", NULL);
    says(204, "DELETE", "sys/mounts/kv1", NULL, NULL);
    says(404, "GET", "kv1/a", NULL, NULL);
    says(204, "POST", "sys/mounts/kv1", "{\"type\":\"kv\"}", NULL);
    says(404, "GET", "kv1/a", NULL, "{\"errors\":[]}");
}

static void a_mount_that_cannot_be_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *path, *body, *why;
    } rows[] = {
        {"x", "{}", "backend type must be specified as a string"},
        {"secret", "{\"type\":\"kv\"}", "path is already in use at secret/"},
        {"secret/child", "{\"type\":\"kv\"}", "path is already in use at secret/"},
        {"auth", "{\"type\":\"kv\"}", "cannot mount \"auth/\""},
        {"sys/x", "{\"type\":\"kv\"}", "cannot mount \"sys/x/\""},
        {"x", "{\"type\":\"nosuch\"}", "plugin not found in the catalog: nosuch"},
        {"x", "{\"type\":5}", "plugin not found in the catalog: 5"},
        {"x", "{\"type\":\"userpass\"}", "plugin not found in the catalog: userpass"},
        {"x", "{\"type\":\"system\"}", "mount type of \"system\" is not mountable"},
        {"x", "{\"type\":\"kv\",\"config\":{\"default_lease_ttl\":\"abc\"}}",
         "unable to parse default TTL of abc: time: invalid duration \"abc\""},
        {"x",
         "{\"type\":\"kv\",\"config\":{\"default_lease_ttl\":\"2h\",\"max_lease_ttl\":\"1h\"}}",
         "given default lease TTL greater than given max lease TTL"},
        {"x", "{\"type\":\"kv\",\"config\":{\"default_lease_ttl\":\"9999h\"}}",
         "given default lease TTL greater than system max lease TTL of 2764800"},
        {"x", "{\"type\":\"kv\",\"config\":{\"force_no_cache\":\"true\"}}",
         "unable to convert given mount config information"},
        {"x", "{\"type\":\"kv\",\"options\":{\"version\":\"7\"}}",
         "nil backend of type \"kv\" returned from factory"},
        {"x", "{\"type\":\"kv-v2\"}",
         "only version 1 of the key/value store is served: enable it with "
         "options={\"version\":\"1\"}"},
        {"x", "{\"type\":\"kv\",\"plugin_version\":\"v9\"}",
         "plugin not found in the catalog: kv, version=v9"},
        {"x", "{\"type\":\"kv\",\"config\":{\"listing_visibility\":\"zz\"}}",
         "invalid listing_visibility zz"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char path[128];
        snprintf(path, sizeof path, "sys/mounts/%s", rows[i].path);
        refuses(400, "POST", path, rows[i].body, rows[i].why);
    }
    says(204, "POST", "sys/mounts/deep/er/kv", "{\"type\":\"kv\"}", NULL);
    refuses(400, "POST", "sys/mounts/deep", "{\"type\":\"kv\"}",
            "path is already in use at deep/er/kv/");
    refuses(400, "DELETE", "sys/mounts/sys", NULL, "cannot unmount \"sys/\"");
    refuses(400, "GET", "sys/mounts/nosuch", NULL, "No secret engine mount at nosuch/");
    says(204, "DELETE", "sys/mounts/nosuch", NULL, NULL);
}

static void a_tune_that_cannot_be_is_refused(void **state) {
    (void)state;
    says(204, "POST", "sys/auth/up", "{\"type\":\"userpass\"}", NULL);
    static const struct {
        const char *path, *body, *why;
    } rows[] = {
        {"mounts/secret/tune", "{\"default_lease_ttl\":\"abc\"}", "time: invalid duration \"abc\""},
        {"mounts/secret/tune", "{\"default_lease_ttl\":\"3h\",\"max_lease_ttl\":\"2h\"}",
         "backend max lease TTL of 7200 would be less than backend default lease TTL of 10800"},
        {"mounts/secret/tune", "{\"token_type\":\"batch\"}",
         "'token_type' can only be modified on auth mounts"},
        {"mounts/nosuch/tune", "{\"description\":\"x\"}",
         "tune of path \"nosuch/\" failed: no mount entry found"},
        {"mounts/sys/tune", "{\"default_lease_ttl\":\"5\"}",
         "cannot tune parameter default_lease_ttl of sys/"},
        {"mounts/secret/tune", "{\"options\":{\"version\":\"x\"}}",
         "unable to parse options: strconv.ParseInt: parsing \"x\": invalid syntax"},
        {"mounts/secret/tune", "{\"options\":{\"version\":\"2\"}}",
         "only version 1 of the key/value store is served: version 2 cannot be set"},
        {"mounts/secret/tune", "{\"user_lockout_config\":{\"lockout_threshold\":\"7\"}}",
         "tuning of user lockout configuration for auth type \"kv\" not allowed"},
        {"auth/up/tune", "{\"user_lockout_config\":{\"lockout_threshold\":\"zz\"}}",
         "unable to parse user lockout threshold: strconv.ParseUint: parsing \"zz\": invalid "
         "syntax"},
        {"auth/up/tune", "{\"token_type\":\"zzz\"}", "invalid value for 'token_type'"},
        {"auth/token/tune", "{\"token_type\":\"batch\"}",
         "'token_type' cannot be set for 'token' or 'ns_token' auth mounts"},
        {"auth/up/tune", "{\"listing_visibility\":\"zzz\"}", "invalid listing_visibility zzz"},
        {"auth/nosuch/tune", "{\"description\":\"x\"}",
         "tune of path \"auth/nosuch/\" failed: no mount entry found"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        char path[128];
        snprintf(path, sizeof path, "sys/%s", rows[i].path);
        refuses(400, "POST", path, rows[i].body, rows[i].why);
    }
    refuses(400, "GET", "sys/auth/nosuch/tune", NULL,
            "cannot fetch sysview for path \"auth/nosuch/\"");
}

static void a_tune_changes_what_it_says_and_keeps_the_rest(void **state) {
    (void)state;
    says(204, "PUT", "sys/auth/up",
         "{\"type\":\"userpass\",\"description\":\"d\",\"config\":{\"default_lease_ttl\":\"1h\","
         "\"audit_non_hmac_request_keys\":[\"a\",\"b\"],\"token_type\":\"default-batch\"}}",
         NULL);
    says(204, "POST", "sys/auth/up/tune",
         "{\"user_lockout_config\":{\"lockout_threshold\":\"50\",\"lockout_duration\":\"10m\"},"
         "\"passthrough_request_headers\":\"x,y\"}",
         NULL);
    says(204, "POST", "sys/mounts/auth/up/tune",
         "{\"user_lockout_config\":{\"lockout_disable\":true},\"listing_visibility\":\"unauth\"}",
         NULL);
    says(200, "GET", "sys/auth/up", NULL,
         "\"user_lockout_config\":{\"user_lockout_counter_reset_duration\":0,"
         "\"user_lockout_disable\":true,\"user_lockout_duration\":600,\"user_lockout_threshold\":"
         "50}");
    says(200, "GET", "sys/mounts/auth/up/tune", NULL,
         "\"audit_non_hmac_request_keys\":[\"a\",\"b\"],\"passthrough_request_headers\":[\"x\","
         "\"y\"],"
         "\"listing_visibility\":\"unauth\",\"token_type\":\"default-batch\","
         "\"user_lockout_counter_reset_duration\":0");
    says(200, "GET", "sys/auth/up", NULL, "\"default_lease_ttl\":3600");
}

static void moving_a_mount_is_refused(void **state) {
    (void)state;
    says(400, "POST", "sys/remount", "{\"from\":\"secret\",\"to\":\"s2\"}", "is not supported");
    refuses(400, "POST", "sys/remount", "{}",
            "both 'from' and 'to' path must be specified as a string");
}

static void lists_of_mounts_stand_at_the_top_too(void **state) {
    (void)state;
    struct said s = ask(&f, "GET", "sys/mounts", "root", NULL);
    assert_int_equal(s.status, 200);
    assert_non_null(json_get(s.json, "secret/"));
    assert_non_null(said_data(&s, "secret/"));
    assert_null(said_data(&s, "token/"));
    said_fini(&s);
    s = ask(&f, "GET", "sys/auth", "root", NULL);
    assert_non_null(json_get(s.json, "token/"));
    assert_int_equal(json_count(json_get(s.json, "data")), 1);
    said_fini(&s);
}

static void auth_methods_that_cannot_be_are_refused(void **state) {
    (void)state;
    refuses(400, "POST", "sys/auth/x", "{}", "backend type must be specified as a string");
    refuses(400, "POST", "sys/auth/x", "{\"type\":\"kv\"}", "plugin not found in the catalog: kv");
    refuses(400, "POST", "sys/auth/x", "{\"type\":\"token\"}",
            "token credential backend cannot be instantiated");
    refuses(400, "POST", "sys/auth/x",
            "{\"type\":\"userpass\",\"config\":{\"token_type\":\"zzz\"}}",
            "invalid value for 'token_type'");
    refuses(400, "POST", "sys/auth/token/x", "{\"type\":\"userpass\"}",
            "path is already in use at token/");
    refuses(400, "GET", "sys/auth/x", NULL, "No auth engine at x/");
    refuses(400, "DELETE", "sys/auth/token", NULL, "token credential backend cannot be disabled");
    says(204, "DELETE", "sys/auth/x", NULL, NULL);
}

static void auth_methods_need_sudo_and_mounts_do_not(void **state) {
    (void)state;
    make_token("nosudo",
               "path \\\"sys/*\\\" { capabilities = "
               "[\\\"create\\\",\\\"read\\\",\\\"update\\\",\\\"delete\\\",\\\"list\\\"] }");
    static const struct {
        const char *method, *path, *body;
        int status;
    } rows[] = {
        {"GET", "sys/auth", NULL, 200},
        {"GET", "sys/auth/token", NULL, 403},
        {"GET", "sys/auth/token/tune", NULL, 403},
        {"POST", "sys/auth/x", "{\"type\":\"userpass\"}", 403},
        {"DELETE", "sys/auth/x", NULL, 403},
        {"GET", "sys/mounts/auth/token/tune", NULL, 200},
        {"POST", "sys/mounts/x", "{\"type\":\"kv\"}", 204},
        {"POST", "sys/remount", "{\"from\":\"x\",\"to\":\"y\"}", 403},
        {"GET", "sys/audit", NULL, 403},
        {"GET", "sys/config/cors", NULL, 403},
        {"POST", "sys/rotate", NULL, 403},
        {"POST", "sys/seal", NULL, 403},
        {"GET", "sys/rekey/init", NULL, 403},
        {"LIST", "sys/leases/lookup", NULL, 403},
        {"POST", "sys/leases/revoke-prefix/auth", NULL, 403},
    };
    for (size_t i = 0; i < LEN(rows); i++)
        ask_for(&f, rows[i].status, rows[i].method, rows[i].path, "nosudo", rows[i].body);
}

static void disabling_an_auth_method_revokes_its_tokens(void **state) {
    (void)state;
    says(204, "POST", "sys/auth/up", "{\"type\":\"userpass\"}", NULL);
    says(204, "POST", "auth/up/users/ann", "{\"password\":\"pw\"}", NULL);
    struct said s = ask(&f, "POST", "auth/up/login/ann", NULL, "{\"password\":\"pw\"}");
    assert_int_equal(s.status, 200);
    char token[128];
    struct str got = json_str(json_path(s.json, "auth.client_token"));
    snprintf(token, sizeof token, "%.*s", STR_ARG(got));
    said_fini(&s);
    ask_saying(&f, token, 200, "GET", "auth/token/lookup-self", NULL, NULL);
    says(204, "DELETE", "sys/auth/up", NULL, NULL);
    ask_saying(&f, token, 403, "GET", "auth/token/lookup-self", NULL, NULL);
}

// ---- policies ----

static void a_policy_is_written_read_listed_and_deleted(void **state) {
    (void)state;
    const char *const body = "{\"policy\":\"path \\\"a\\\" {}\"}";
    says(204, "POST", "sys/policies/acl/UPPER", body, NULL);
    says(200, "GET", "sys/policies/acl/upper", NULL,
         "\"name\":\"upper\",\"policy\":\"path \\\"a\\\" {}\",\"version\":1");
    says(204, "POST", "sys/policies/acl/b/c", body, NULL);
    says(200, "LIST", "sys/policies/acl", NULL,
         "\"keys\":[\"default\",\"upper\",\"b/c\",\"root\"]");
    says(200, "LIST", "sys/policies/acl/b", NULL, "\"keys\":[\"b/c\"]");
    says(200, "GET", "sys/policy", NULL, "\"policies\":[\"default\",\"upper\",\"b/c\",\"root\"]},");
    says(200, "GET", "sys/policy/upper", NULL, "\"rules\":\"path \\\"a\\\" {}\"");
    says(200, "POST", "sys/policy/leg", "{\"rules\":\"path \\\"a\\\" {}\"}",
         "\"data\":null,\"wrap_info\":null,\"warnings\":[\"'rules' is deprecated, please use "
         "'policy' instead\"]");
    says(204, "DELETE", "sys/policies/acl/upper", NULL, NULL);
    says(404, "GET", "sys/policies/acl/upper", NULL, "{\"errors\":[]}");
    says(200, "GET", "sys/policies/acl/root", NULL, "\"policy\":\"\",\"version\":0");
}

static void a_policy_may_come_in_base64(void **state) {
    (void)state;
    says(204, "POST", "sys/policies/acl/b64", "{\"policy\":\"cGF0aCAiYSIge30K\"}", NULL);
    says(200, "GET", "sys/policies/acl/b64", NULL, "\"policy\":\"path \\\"a\\\" {}\\n\"");
    says(204, "POST", "sys/policies/acl/b64", "{\"policy\":\"cGF0aCAiYSIge30=\"}", NULL);
    says(200, "GET", "sys/policies/acl/b64", NULL, "\"policy\":\"path \\\"a\\\" {}\"");
}

static void policies_that_cannot_be_written_say_why(void **state) {
    (void)state;
    const char *const empty = "'policy' parameter not supplied or empty";
    const char *const body = "{\"policy\":\"path \\\"a\\\" {}\"}";
    refuses(400, "POST", "sys/policies/acl/e", "{}", empty);
    refuses(400, "POST", "sys/policies/acl/e", "{\"policy\":null}", empty);
    refuses(400, "POST", "sys/policies/acl/e", NULL, empty);
    refuses(400, "POST", "sys/policies/acl/e", "{\"policy\":{}}",
            "Field validation failed: error converting input for field \"policy\": '' expected "
            "type 'string', got unconvertible type 'map[string]interface {}'");
    refuses(400, "POST", "sys/policies/acl/root", body, "cannot update \"root\" policy");
    refuses(400, "POST", "sys/policies/acl/response-wrapping", body,
            "cannot update \"response-wrapping\" policy");
    refuses(400, "DELETE", "sys/policies/acl/root", NULL, "cannot delete \"root\" policy");
    refuses(400, "DELETE", "sys/policies/acl/default", NULL, "cannot delete default policy");
    refuses(400, "POST", "sys/policies/acl/e", "{\"policy\":\"path \\\"a\\\" {}\",\"ttl\":\"1h\"}",
            "'ttl' of policies is not supported");
    says(400, "POST", "sys/policies/acl/e", "{\"policy\":\"path \\\"a\\\" {\"}",
         "failed to parse policy: ");
}

static void check_and_set_guards_a_policy(void **state) {
    (void)state;
    const char *const path = "sys/policies/acl/c";
#define P "\"policy\":\"path \\\"a\\\" {}\""
    refuses(400, "PUT", path, "{" P ",\"cas\":3}",
            "check-and-set parameter 3 did not match the current version 0");
    says(204, "PUT", path, "{" P ",\"cas\":-1}", NULL);
    refuses(400, "PUT", path, "{" P ",\"cas\":-1}",
            "check-and-set parameter set to -1 on existing entry");
    says(204, "PUT", path, "{" P ",\"cas\":1,\"cas_required\":true}", NULL);
    refuses(400, "PUT", path, "{" P "}", "check-and-set parameter required for this call");
    says(204, "PUT", path, "{" P ",\"cas\":2}", NULL);
    says(200, "GET", path, NULL, "\"cas_required\":false");
    says(200, "PATCH", path, "{\"cas_required\":true}", NULL);
    says(200, "GET", path, NULL, "\"cas_required\":true");
    refuses(400, "PATCH", "sys/policies/acl/nosuch", "{}", "policy not found");
#undef P
}

// ---- what may be done ----

static void capabilities_are_told(void **state) {
    (void)state;
    make_token("alice", "path \\\"secret/a\\\" { capabilities = [\\\"read\\\",\\\"list\\\"] } "
                        "path \\\"sys/capabilities-self\\\" { capabilities = [\\\"update\\\"] }");
    ask_saying(&f, "alice", 200, "POST", "sys/capabilities-self",
               "{\"paths\":[\"secret/a\",\"zz\"]}",
               "\"data\":{\"secret/a\":[\"list\",\"read\"],\"zz\":[\"deny\"]}");
    ask_saying(&f, "alice", 200, "POST", "sys/capabilities-self", "{\"path\":\"secret/a\"}",
               "\"capabilities\":[\"list\",\"read\"]");
    says(200, "POST", "sys/capabilities", "{\"token\":\"alice\",\"paths\":\"secret/a,zz\"}",
         "\"secret/a\":[\"list\",\"read\"]");
    says(200, "POST", "sys/capabilities-self", "{\"paths\":[\"a\",\"a\"]}", "\"a\":[\"root\"]");
    refuses(400, "POST", "sys/capabilities-self", "{}", "paths must be supplied");
    refuses(400, "POST", "sys/capabilities-self", "{\"paths\":[\"\"]}",
            "1 error occurred:\n\t* missing path\n\n");
    refuses(400, "POST", "sys/capabilities", "{\"token\":\"zz\",\"paths\":[\"a\"]}",
            "1 error occurred:\n\t* invalid token\n\n");
    refuses(400, "POST", "sys/capabilities-accessor", "{\"accessor\":\"zz\",\"paths\":[\"a\"]}",
            "1 error occurred:\n\t* invalid accessor\n\n");
    refuses(400, "POST", "sys/capabilities-accessor", "{\"paths\":[\"a\"]}", "missing accessor");
}

static void capabilities_of_an_accessor_are_those_of_its_token(void **state) {
    (void)state;
    make_token("bob", "path \\\"secret/a\\\" { capabilities = [\\\"read\\\"] }");
    struct said s = ask(&f, "POST", "auth/token/lookup", "root", "{\"token\":\"bob\"}");
    char body[256];
    snprintf(body, sizeof body, "{\"accessor\":\"%.*s\",\"paths\":[\"secret/a\"]}",
             STR_ARG(json_str(said_data(&s, "accessor"))));
    said_fini(&s);
    says(200, "POST", "sys/capabilities-accessor", body, "\"capabilities\":[\"read\"]");
}

static void user_interfaces_see_what_policies_give(void **state) {
    (void)state;
    says(204, "POST", "sys/mounts/other", "{\"type\":\"kv\"}", NULL);
    make_token("carol", "path \\\"secret/*\\\" { capabilities = [\\\"read\\\"] }");
    ask_saying(&f, NULL, 200, "GET", "sys/internal/ui/mounts", NULL, "{\"secret\":{},\"auth\":{}}");
    ask_saying(&f, "bogus", 403, "GET", "sys/internal/ui/mounts", NULL, "permission denied");
    struct said s = ask(&f, "GET", "sys/internal/ui/mounts", "carol", NULL);
    assert_non_null(json_get(said_data(&s, "secret"), "secret/"));
    assert_null(json_get(said_data(&s, "secret"), "other/"));
    said_fini(&s);
    ask_saying(&f, "carol", 200, "GET", "sys/internal/ui/mounts/secret/a/b", NULL,
               "\"path\":\"secret/\"");
    const char *const hidden[] = {"other", "nosuch"};
    for (size_t i = 0; i < LEN(hidden); i++) {
        char path[128], text[256];
        snprintf(path, sizeof path, "sys/internal/ui/mounts/%s", hidden[i]);
        snprintf(text, sizeof text,
                 "preflight capability check returned 403, please ensure client's policies grant "
                 "access to path \\\"%s/\\\"",
                 hidden[i]);
        ask_saying(&f, "carol", 403, "GET", path, NULL, text);
    }
    ask_saying(&f, NULL, 403, "GET", "sys/internal/ui/mounts/secret", NULL, "permission denied");
    says(204, "POST", "sys/auth/up",
         "{\"type\":\"userpass\",\"config\":{\"listing_visibility\":\"unauth\"}}", NULL);
    ask_saying(&f, NULL, 200, "GET", "sys/internal/ui/mounts", NULL,
               "\"auth\":{\"up/\":{\"description\":\"\",\"options\":{},\"type\":\"userpass\"}}");
    says(200, "GET", "sys/internal/ui/resultant-acl", NULL, "\"data\":{\"root\":true}");
}

static void leases_are_tokens(void **state) {
    (void)state;
    says(200, "POST", "auth/token/create", "{\"ttl\":\"1h\",\"id\":\"child\"}", NULL);
    says(200, "LIST", "sys/leases/lookup", NULL, "\"keys\":[\"auth/\"]");
    struct said s = ask(&f, "LIST", "sys/leases/lookup/auth/token/create", "root", NULL);
    char body[256];
    snprintf(body, sizeof body, "{\"lease_id\":\"auth/token/create/%.*s\"}",
             STR_ARG(json_str(json_at(said_data(&s, "keys"), 0))));
    said_fini(&s);
    says(200, "POST", "sys/leases/lookup", body, "\"ttl\":3600");
    says(400, "POST", "sys/leases/renew", body, "use auth/token/renew");
    says(204, "POST", "sys/leases/revoke", body, NULL);
    ask_saying(&f, "child", 403, "GET", "auth/token/lookup-self", NULL, NULL);
    refuses(400, "POST", "sys/leases/lookup", body, "invalid lease");
    refuses(400, "PUT", "sys/leases/renew", "{\"lease_id\":\"x\"}", "lease not found");
    refuses(400, "PUT", "sys/leases/renew", "{}", "lease_id must be specified");
    says(204, "PUT", "sys/leases/revoke", "{\"lease_id\":\"x\"}", NULL);
    says(404, "LIST", "sys/leases/lookup/zz", NULL, "{\"errors\":[]}");
}

static void a_prefix_revokes_all_tokens_made_below_it(void **state) {
    (void)state;
    says(204, "POST", "sys/auth/up", "{\"type\":\"userpass\"}", NULL);
    says(204, "POST", "auth/up/users/ann", "{\"password\":\"pw\"}", NULL);
    ask_for(&f, 200, "POST", "auth/up/login/ann", NULL, "{\"password\":\"pw\"}");
    ask_for(&f, 200, "POST", "auth/up/login/ann", NULL, "{\"password\":\"pw\"}");
    says(200, "LIST", "sys/leases/lookup/auth/up/login", NULL, "\"keys\":[\"ann/\"]");
    says(204, "PUT", "sys/leases/revoke-prefix/auth/u", NULL, NULL);
    says(200, "LIST", "sys/leases/lookup/auth/up/login", NULL, "\"keys\":[\"ann/\"]");
    says(204, "PUT", "sys/leases/revoke-prefix/auth/up/login", NULL, NULL);
    says(404, "LIST", "sys/leases/lookup/auth/up/login", NULL, NULL);
    says(200, "GET", "auth/token/lookup-self", NULL, NULL);
}

static void random_bytes_come_as_many_as_asked_for(void **state) {
    (void)state;
    struct said s = ask(&f, "POST", "sys/tools/random", "root", "{\"bytes\":4,\"format\":\"hex\"}");
    assert_int_equal(json_str(said_data(&s, "random_bytes")).n, 8);
    said_fini(&s);
    s = ask(&f, "POST", "sys/tools/random/7", "root", "{}");
    assert_int_equal(json_str(said_data(&s, "random_bytes")).n, 12);
    said_fini(&s);
    refuses(400, "POST", "sys/tools/random/0", "{}", "'bytes' cannot be less than 1");
    refuses(400, "POST", "sys/tools/random", "{\"bytes\":9999999}",
            "'bytes' should be less than 131072");
    refuses(400, "POST", "sys/tools/random", "{\"format\":\"zzz\"}",
            "unsupported encoding format \"zzz\"; must be \"hex\" or \"base64\"");
}

static void lists_of_what_is_not_there_are_empty(void **state) {
    (void)state;
    const char *const paths[] = {"sys/namespaces", "sys/policies/password",
                                 "sys/quotas/rate-limit"};
    for (size_t i = 0; i < LEN(paths); i++) says(404, "LIST", paths[i], NULL, "{\"errors\":[]}");
    says(200, "GET", "sys/config/cors", NULL, "\"enabled\":false");
    says(200, "GET", "sys/audit", NULL, "\"data\":{}");
    says(200, "GET", "sys/internal/ui/namespaces", NULL, "\"data\":{}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        row(a_method_is_written_read_listed_and_deleted),
        row(the_api_token_is_shown_to_sudo_only),
        row(paths_of_methods_that_are_not_there_are_unsupported),
        row(a_write_of_a_method_takes_strings_for_everything),
        row(a_mount_is_enabled_read_tuned_and_disabled),
        row(a_mount_that_cannot_be_is_refused),
        row(a_tune_that_cannot_be_is_refused),
        row(a_tune_changes_what_it_says_and_keeps_the_rest),
        row(moving_a_mount_is_refused),
        row(lists_of_mounts_stand_at_the_top_too),
        row(auth_methods_that_cannot_be_are_refused),
        row(auth_methods_need_sudo_and_mounts_do_not),
        row(disabling_an_auth_method_revokes_its_tokens),
        row(a_policy_is_written_read_listed_and_deleted),
        row(a_policy_may_come_in_base64),
        row(policies_that_cannot_be_written_say_why),
        row(check_and_set_guards_a_policy),
        row(capabilities_are_told),
        row(capabilities_of_an_accessor_are_those_of_its_token),
        row(user_interfaces_see_what_policies_give),
        row(leases_are_tokens),
        row(a_prefix_revokes_all_tokens_made_below_it),
        row(random_bytes_come_as_many_as_asked_for),
        row(lists_of_what_is_not_there_are_empty),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("sys_paths", tests, NULL, NULL);
}
