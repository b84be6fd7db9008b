// SPDX-License-Identifier: Apache-2.0
// What comes out of the routes' rows: help, the OpenAPI document, docs/api.md.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "api/backends.h"
#include "api/docs.h"
#include "api/openapi.h"
#include "gate-fixture.h"

static struct fixture f;

static int setup(void **state) {
    (void)state;
    fixture_open(&f);
    ask_for(&f, 204, "POST", "sys/auth/userpass", "root", "{\"type\":\"userpass\"}");
    ask_for(&f, 204, "POST", "sys/auth/up/two", "root", "{\"type\":\"userpass\"}");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    fixture_close(&f);
    return 0;
}

static bool has(struct str text, const char *piece) {
    return str_find(text, str_from(piece)) < text.n;
}

static void help_tells_of_a_path_and_its_parameters(void **state) {
    (void)state;
    struct said s = ask(&f, "HELP", "sys/mfa/method/okta/my_okta", "root", NULL);
    assert_int_equal(s.status, 200);
    struct str help = json_str(json_get(s.json, "help"));
    assert_true(str_starts(help, STR("Request:        mfa/method/okta/my_okta\nMatching Route: "
                                     "mfa/method/okta/{name}\n\n")));
    assert_true(has(help, "\n\n## PARAMETERS\n\n    name (string)\n\n"));
    assert_true(has(help, "    production (bool)\n"));
    assert_true(has(help, "\n\n## DESCRIPTION\n\n"));
    const struct json *paths = json_path(s.json, "openapi.paths");
    assert_int_equal(json_count(paths), 1);
    assert_non_null(json_get(paths, "/mfa/method/okta/{name}"));
    said_fini(&s);
}

static void help_of_a_mount_lists_its_paths(void **state) {
    (void)state;
    struct said s = ask(&f, "HELP", "auth/up/two", "root", NULL);
    assert_int_equal(s.status, 200);
    assert_true(has(json_str(json_get(s.json, "help")), "\n\n    users/{username}"));
    assert_true(json_count(json_path(s.json, "openapi.paths")) > 2);
    said_fini(&s);
}

static void help_needs_a_token_and_a_path_that_there_is(void **state) {
    (void)state;
    ask_for(&f, 403, "HELP", "sys/policies/acl/x", NULL, NULL);
    struct said s = ask(&f, "HELP", "sys/nosuch", "root", NULL);
    assert_int_equal(s.status, 404);
    assert_true(str_eqz(said_error(&s), "1 error occurred:\n\t* unsupported path\n\n"));
    said_fini(&s);
}

// The names between braces in a path are its parameters in `path`, and no others are.
static void check_parameters(struct str path, const struct json *item) {
    size_t braces = 0, declared = 0;
    for (size_t i = 0; i < path.n; i++) braces += path.p[i] == '{';
    struct json_iter it = json_iter(json_get(item, "parameters"));
    while (json_next(&it)) {
        char part[256];
        snprintf(part, sizeof part, "{%.*s}", STR_ARG(json_str(json_get(it.value, "name"))));
        assert_true(str_eqz(json_str(json_get(it.value, "in")), "path"));
        assert_true(has(path, part));
        declared++;
    }
    assert_int_equal(declared, braces);
}

static void check_operation(struct buf *seen, const struct json *operation) {
    struct str id = json_str(json_get(operation, "operationId"));
    assert_true(id.n > 0);
    if (list_has(list_of(seen), id)) fail_msg("%.*s stands there twice", STR_ARG(id));
    list_add(seen, id);
    assert_true(json_count(json_get(operation, "responses")) > 1);
    assert_int_equal(json_count(json_get(operation, "tags")), 1);
    assert_true(json_str(json_get(operation, "summary")).n > 0);
    const struct json *content = json_path(operation, "requestBody.content");
    if (!content) return;
    struct json_iter it = json_iter(content);
    assert_true(json_next(&it));
    assert_true(json_count(json_path(it.value, "schema.properties")) > 0);
}

static void the_document_is_whole(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf seen = buf_make(1 << 20);
    const char *const verbs[] = {"get", "post", "patch", "delete"};
    struct said s = ask(&f, "GET", "sys/internal/specs/openapi", "root", NULL);
    assert_int_equal(s.status, 200);
    assert_true(str_eqz(json_str(json_get(s.json, "openapi")), "3.0.2"));
    struct json_iter it = json_iter(json_get(s.json, "paths"));
    size_t paths = 0;
    while (json_next(&it)) {
        size_t operations = 0;
        check_parameters(it.key, it.value);
        for (size_t i = 0; i < LEN(verbs); i++) {
            const struct json *operation = json_get(it.value, verbs[i]);
            if (!operation) continue;
            operations++;
            check_operation(&seen, operation);
        }
        assert_true(operations > 0);
        paths++;
    }
    assert_true(paths > 60);
    const char *const ids[] = {"system-read-mfa-method-okta-name",
                               "system-write-mfa-method-okta-name",
                               "system-delete-mfa-method-okta-name",
                               "userpass-write-login-username", "auth-up-two-write-login-username"};
    for (size_t i = 0; i < LEN(ids); i++)
        if (!list_has(list_of(&seen), str_from(ids[i]))) fail_msg("%s is not there", ids[i]);
    said_fini(&s);
}

static void the_document_shows_only_mounts_that_the_caller_may_know_of(void **state) {
    (void)state;
    ask_for(&f, 204, "PUT", "sys/policies/acl/p", "root",
            "{\"policy\":\"path \\\"sys/internal/specs/openapi\\\" { capabilities = "
            "[\\\"read\\\"] }\"}");
    ask_for(&f, 200, "POST", "auth/token/create", "root",
            "{\"id\":\"p\",\"policies\":[\"p\"],\"no_default_policy\":true}");
    struct said s = ask(&f, "GET", "sys/internal/specs/openapi", "p", NULL);
    assert_int_equal(s.status, 200);
    assert_true(has(buf_str(&s.text), "\"/sys/mounts\""));
    assert_false(has(buf_str(&s.text), "/auth/up/two/"));
    said_fini(&s);
}

static void templates_are_patterns_without_what_captures_take(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"users/?", "users"},    {"{path**}", "{path}"},
        {"id/{id#}", "id/{id}"}, {"a/{b@}/c/{d*}", "a/{b}/c/{d}"},
        {"plain", "plain"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf out = buf_make(256);
        openapi_template(&out, str_from(rows[i][0]));
        assert_string_equal(buf_z(&out), rows[i][1]);
    }
    const struct route r = {.pattern = "a/{b@}/c/{d*}"};
    assert_true(openapi_in_path(&r, "b") && openapi_in_path(&r, "d"));
    assert_false(openapi_in_path(&r, "a") || openapi_in_path(&r, "b@"));
}

// Every row has what the pages are made of, and every capture is a field.
static void every_row_says_what_it_is(void **state) {
    (void)state;
    for (size_t i = 0; i < MOUNT_TYPES; i++) {
        assert_non_null(api_backends[i]->help);
        struct route_walk walk = {0};
        const struct route *r;
        while ((r = route_next(api_backends[i], &walk))) {
            if (!r->summary) fail_msg("%s has no summary", r->pattern);
            if (!r->read && !r->list && !r->update && !r->patch && !r->remove)
                fail_msg("%s does nothing", r->pattern);
            for (const struct field *field = r->fields; field && field->name; field++)
                if (!field->help) fail_msg("%s: %s has no help", r->pattern, field->name);
        }
    }
}

static void docs_api_md_is_what_the_rows_say(void **state) {
    (void)state;
    const char *root = getenv("GATEHOUSE_SOURCE");
    if (!root) fail_msg("GATEHOUSE_SOURCE is not set");
    char path[4096];
    snprintf(path, sizeof path, "%s/docs/api.md", root);
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s cannot be read", path);
    AUTO_FINI(buf) struct buf there = buf_make(1 << 22), made = buf_make(1 << 22);
    char piece[4096];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, file)) > 0) buf_add(&there, piece, n);
    fclose(file);
    docs_write_markdown(&made);
    if (!str_eq(buf_str(&there), buf_str(&made)))
        fail_msg("docs/api.md is stale: run `gatehouse api --markdown > docs/api.md`");
}

#define row(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        row(help_tells_of_a_path_and_its_parameters),
        row(help_of_a_mount_lists_its_paths),
        row(help_needs_a_token_and_a_path_that_there_is),
        row(the_document_is_whole),
        row(the_document_shows_only_mounts_that_the_caller_may_know_of),
        cmocka_unit_test(templates_are_patterns_without_what_captures_take),
        cmocka_unit_test(every_row_says_what_it_is),
        cmocka_unit_test(docs_api_md_is_what_the_rows_say),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("openapi", tests, NULL, NULL);
}
