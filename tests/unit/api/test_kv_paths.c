// SPDX-License-Identifier: Apache-2.0
// kv version 1, asked of a gate: statuses, bodies and texts as OpenBao 2.7.2 gives them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "gate-open.h"

static void a_secret_keeps_the_text_of_its_numbers(void **state) {
    (void)state;
    says(204, "POST", "secret/a",
         "{\"f\":1.50,\"e\":1e3,\"big\":12345678901234567890,\"z\":null,\"o\":{\"k\":[1]}}", NULL);
    says(200, "GET", "secret/a", NULL,
         "\"lease_id\":\"\",\"renewable\":false,\"lease_duration\":2764800,\"data\":{\"f\":1.50,"
         "\"e\":1e3,\"big\":12345678901234567890,\"z\":null,\"o\":{\"k\":[1]}}");
    says(204, "PUT", "secret/a", "{\"x\":1,\"x\":2}", NULL);
    says(200, "GET", "secret/a", NULL, "\"data\":{\"x\":2}");
}

static void the_ttl_of_a_secret_is_the_lease_duration(void **state) {
    (void)state;
    static const struct {
        const char *body;
        int64_t seconds;
    } rows[] = {
        {"{\"ttl\":\"1h\",\"lease\":\"2h\"}", 3600},
        {"{\"lease\":\"2h\",\"ttl\":\"x\"}", 2764800},
        {"{\"lease\":7}", 7},
        {"{\"lease\":\"30\"}", 30},
        {"{\"ttl\":0}", 0},
        {"{\"ttl\":-5}", -5},
        {"{\"ttl\":\"-5s\"}", -5},
        {"{\"ttl\":1.5}", 2764800},
        {"{\"ttl\":\"1.5\"}", 2764800},
        {"{\"ttl\":\"\"}", 0},
        {"{\"ttl\":null,\"lease\":9}", 0},
        {"{\"ttl\":true}", 2764800},
        {"{\"ttl\":[\"1\"]}", 2764800},
        {"{\"ttl\":\"1d\"}", 86400},
        {"{\"ttl\":\"1h30m\"}", 5400},
        {"{\"ttl\":\"500ms\"}", 0},
        {"{\"ttl\":\"1500ms\"}", 1},
        {"{\"ttl\":1e3}", 2764800},
        {"{\"ttl\":\" 5 \"}", 2764800},
        {"{\"ttl\":99999999999999}", 2764800},
        {"{\"ttl\":\"9999999999999999999\"}", 2764800},
        {"{\"a\":{\"ttl\":5}}", 2764800},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        says(204, "POST", "secret/t", rows[i].body, NULL);
        struct said s = ask(&f, "GET", "secret/t", "root", NULL);
        int64_t seconds = 99;
        assert_true(json_i64(json_get(s.json, "lease_duration"), &seconds));
        if (seconds != rows[i].seconds) fail_msg("%s: %d", rows[i].body, (int)seconds);
        said_fini(&s);
    }
}

static void without_a_ttl_the_mount_says_how_long(void **state) {
    (void)state;
    says(204, "POST", "sys/mounts/kt",
         "{\"type\":\"kv\",\"config\":{\"default_lease_ttl\":\"1h\"}}", NULL);
    says(204, "POST", "kt/x", "{\"a\":1}", NULL);
    says(200, "GET", "kt/x", NULL, "\"lease_duration\":3600");
}

static void a_write_needs_a_path_and_data(void **state) {
    (void)state;
    static const char *const bodies[] = {NULL, "{}"};
    for (size_t i = 0; i < LEN(bodies); i++) {
        says(400, "POST", "secret/e", bodies[i], "{\"errors\":[\"missing data fields\"]}");
        says(400, "POST", "secret", bodies[i], "{\"errors\":[\"missing path\"]}");
    }
    says(404, "GET", "secret", NULL, "{\"errors\":[]}");
    says(404, "GET", "secret/e", NULL, "{\"errors\":[]}");
    says(404, "LIST", "secret", NULL, "{\"errors\":[]}");
    says(405, "PATCH", "secret/e", "{\"a\":1}", NULL);
}

static void folders_are_listed_with_or_without_the_slash(void **state) {
    (void)state;
    static const char *const paths[] = {"secret/a", "secret/dir/b", "secret/dir/c/d"};
    for (size_t i = 0; i < LEN(paths); i++) says(204, "POST", paths[i], "{\"a\":1}", NULL);
    says(200, "LIST", "secret", NULL, "\"lease_duration\":0,\"data\":{\"keys\":[\"a\",\"dir/\"]}");
    says(200, "LIST", "secret/", NULL, "{\"keys\":[\"a\",\"dir/\"]}");
    says(200, "LIST", "secret/dir", NULL, "{\"keys\":[\"b\",\"c/\"]}");
    says(404, "LIST", "secret/a", NULL, "{\"errors\":[]}");
    says(204, "DELETE", "secret/a", NULL, NULL);
    says(204, "DELETE", "secret/a", NULL, NULL);
    says(200, "LIST", "secret", NULL, "{\"keys\":[\"dir/\"]}");
}

static void mounts_do_not_see_each_other(void **state) {
    (void)state;
    says(204, "POST", "sys/mounts/other", "{\"type\":\"kv\"}", NULL);
    says(204, "POST", "sys/mounts/old", "{\"type\":\"generic\"}", NULL);
    says(204, "POST", "other/a", "{\"a\":1}", NULL);
    says(404, "GET", "secret/a", NULL, NULL);
    says(204, "POST", "old/a", "{\"a\":2}", NULL);
    says(200, "GET", "old/a", NULL, "\"data\":{\"a\":2}");
    says(204, "DELETE", "sys/mounts/other", NULL, NULL);
    says(204, "POST", "sys/mounts/other", "{\"type\":\"kv\"}", NULL);
    says(404, "GET", "other/a", NULL, NULL);
}

static void what_is_there_needs_update_and_what_is_not_needs_create(void **state) {
    (void)state;
    says(204, "POST", "secret/c/x", "{\"a\":1}", NULL);
    says(204, "POST", "secret/u/x", "{\"a\":1}", NULL);
    says(204, "PUT", "sys/policies/acl/p",
         "{\"policy\":\"path \\\"secret/c/*\\\" {capabilities=[\\\"create\\\"]} "
         "path \\\"secret/u/*\\\" {capabilities=[\\\"update\\\"]}\"}",
         NULL);
    struct said s = ask(&f, "POST", "auth/token/create", "root", "{\"policies\":[\"p\"]}");
    assert_int_equal(s.status, 200);
    char token[64] = "";
    struct str text = json_str(json_path(s.json, "auth.client_token"));
    assert_true(text.n < sizeof token);
    memcpy(token, text.p, text.n);
    ask_saying(&f, token, 403, "POST", "secret/c/x", "{\"a\":1}", "permission denied");
    ask_saying(&f, token, 204, "POST", "secret/c/new", "{\"a\":1}", NULL);
    ask_saying(&f, token, 204, "POST", "secret/u/x", "{\"a\":1}", NULL);
    ask_saying(&f, token, 403, "POST", "secret/u/new", "{\"a\":1}", "permission denied");
    said_fini(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        row(a_secret_keeps_the_text_of_its_numbers),
        row(the_ttl_of_a_secret_is_the_lease_duration),
        row(without_a_ttl_the_mount_says_how_long),
        row(a_write_needs_a_path_and_data),
        row(folders_are_listed_with_or_without_the_slash),
        row(mounts_do_not_see_each_other),
        row(what_is_there_needs_update_and_what_is_not_needs_create),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("kv_paths", tests, NULL, NULL);
}
