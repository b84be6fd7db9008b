// SPDX-License-Identifier: Apache-2.0
// Response wrapping as clients use it: what is wrapped comes out once, and who meddled is noticed.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate-fixture.h"
#include "paths.h"

#define NOT_THERE "wrapping token is not valid or does not exist"

static int setup(void **state) {
    static struct fixture f;
    fixture_open(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    fixture_close(*state);
    return 0;
}

static const char *wrapped(struct fixture *f, const char *method, const char *path,
                           const char *body, const char *member) {
    f->wrap_ttl_s = 60;
    const char *kept = asked(f, method, path, "root", body, member);
    f->wrap_ttl_s = 0;
    return kept;
}

static const char *wrap_some(struct fixture *f) {
    return wrapped(f, "POST", "sys/wrapping/wrap", "{\"a\":1.50}", "wrap_info.token");
}

static const char *unwrap(struct fixture *f, const char *token, const char *by,
                          const char *member) {
    return asked(f, "POST", "sys/wrapping/unwrap", by, token_body(token, ""), member);
}

static void not_there(struct fixture *f, const char *token) {
    refused(f, 400, NOT_THERE, "POST", "sys/wrapping/unwrap", "root", token_body(token, ""));
}

static void what_was_wrapped_comes_out_once(void **state) {
    struct fixture *f = *state;
    const char *w = wrap_some(f);
    assert_string_equal(unwrap(f, w, "root", "data"), "{\"a\":1.50}");
    not_there(f, w);
    w = wrap_some(f);
    assert_string_equal(asked(f, "POST", "sys/wrapping/unwrap", w, NULL, "data"), "{\"a\":1.50}");
    not_there(f, w);
    refused(f, 403, "permission denied", "GET", "cubbyhole/response", w, NULL);
}

static void a_read_is_wrapped_with_everything_in_it(void **state) {
    struct fixture *f = *state;
    refused(f, 204, NULL, "PUT", "secret/a", "root", "{\"foo\":\"<b>\"}");
    f->wrap_ttl_s = 60;
    struct said s = ask(f, "GET", "secret/a", "root", NULL);
    f->wrap_ttl_s = 0;
    assert_int_equal(s.status, 200);
    assert_int_equal(json_type(json_get(s.json, "data")), JSON_NULL);
    assert_string_equal(paths_keep(json_str(json_get(s.json, "request_id"))), "");
    assert_string_equal(paths_keep(json_str(json_path(s.json, "wrap_info.creation_path"))),
                        "secret/a");
    const char *w = paths_keep(json_str(json_path(s.json, "wrap_info.token")));
    said_fini(&s);
    struct said out = ask(f, "POST", "sys/wrapping/unwrap", w, NULL);
    assert_string_equal(paths_keep(json_str(said_data(&out, "foo"))), "<b>");
    assert_int_equal(json_str(json_get(out.json, "request_id")).n, 36);
    assert_int_equal(json_type(json_get(out.json, "wrap_info")), JSON_NULL);
    assert_true(str_find(buf_str(&out.text), STR("\\u003cb\\u003e")) < out.text.n);
    said_fini(&out);
}

static void refusals_and_empty_answers_stay_as_they_are(void **state) {
    struct fixture *f = *state;
    f->wrap_ttl_s = 60;
    refused(f, 204, NULL, "PUT", "secret/a", "root", "{\"a\":1}");
    refused(f, 404, NULL, "GET", "secret/nosuch", "root", NULL);
    refused(f, 400, NULL, "POST", "auth/token/create", "root", "{\"ttl\":\"abc\"}");
    f->wrap_ttl_s = 0;
    refused(f, 400, "endpoint requires response wrapping to be used", "POST", "sys/wrapping/wrap",
            "root", "{\"a\":1}");
}

static void a_wrapping_token_tells_what_it_is_without_being_used(void **state) {
    struct fixture *f = *state;
    const char *w = wrap_some(f);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(
            asked(f, "POST", "sys/wrapping/lookup", NULL, token_body(w, ""), "data.creation_path"),
            "sys/wrapping/wrap");
        assert_string_equal(asked(f, "GET", "sys/wrapping/lookup", w, NULL, "data.creation_ttl"),
                            "60");
    }
    assert_string_equal(
        asked(f, "POST", "auth/token/lookup", "root", token_body(w, ""), "data.policies"),
        "[\"response-wrapping\"]");
    assert_string_equal(unwrap(f, w, "root", "data"), "{\"a\":1.50}");
}

static void whoever_used_it_for_something_else_is_noticed(void **state) {
    struct fixture *f = *state;
    static const char *const misuses[][2] = {
        {"GET", "secret/a"},   {"GET", "auth/token/lookup-self"}, {"POST", "auth/token/create"},
        {"LIST", "cubbyhole"}, {"GET", "sys/wrapping/unwrap"},    {"POST", "sys/wrapping/rewrap"},
    };
    for (size_t i = 0; i < LEN(misuses); i++) {
        const char *w = wrap_some(f);
        refused(f, 403, NULL, misuses[i][0], misuses[i][1], w, NULL);
        not_there(f, w);
    }
}

static void the_old_way_to_read_it_warns(void **state) {
    struct fixture *f = *state;
    const char *w = wrap_some(f);
    struct said s = ask(f, "GET", "cubbyhole/response", w, NULL);
    assert_int_equal(s.status, 200);
    assert_int_equal(json_count(json_get(s.json, "warnings")), 1);
    assert_true(str_find(json_str(said_data(&s, "response")), STR("\"data\":{\"a\":1.50}")) <
                json_str(said_data(&s, "response")).n);
    said_fini(&s);
    not_there(f, w);
}

static void the_wrapping_token_is_judged_before_who_asks(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *token, *body, *error;
        int status;
    } rows[] = {
        {NULL, "{}", "error validating wrapping token: token is empty", 403},
        {NULL, "{\"token\":\"s.bogus\"}", NOT_THERE, 400},
        {"root", "{}", NOT_THERE, 400},
        {"root", "{\"token\":\"root\"}", NOT_THERE, 400},
        {"s.bogus", "{}", NOT_THERE, 400},
        {"root", "{\"token\":5}",
         "error validating wrapping token: could not decode token in request "
         "body",
         403},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        refused(f, rows[i].status, rows[i].error, "POST", "sys/wrapping/unwrap", rows[i].token,
                rows[i].body);
        refused(f, rows[i].status, rows[i].error, "POST", "sys/wrapping/rewrap", rows[i].token,
                rows[i].body);
        refused(f, rows[i].status, rows[i].error, "POST", "sys/wrapping/lookup", rows[i].token,
                rows[i].body);
    }
}

static void only_a_permitted_token_unwraps_for_another(void **state) {
    struct fixture *f = *state;
    const char *nobody =
        new_token(f, "root", "{\"policies\":[\"none\"],\"no_default_policy\":true}");
    const char *somebody = new_token(f, "root", "{\"policies\":[\"default\"]}");
    const char *w = wrap_some(f);
    refused(f, 403, "permission denied", "POST", "sys/wrapping/unwrap", NULL, token_body(w, ""));
    refused(f, 403, "permission denied", "POST", "sys/wrapping/unwrap", "s.bogus",
            token_body(w, ""));
    refused(f, 403, "1 error occurred:\n\t* permission denied\n\n", "POST", "sys/wrapping/unwrap",
            nobody, token_body(w, ""));
    refused(f, 403, NULL, "POST", "sys/wrapping/rewrap", somebody, token_body(w, ""));
    assert_string_equal(unwrap(f, w, somebody, "data"), "{\"a\":1.50}");
}

static void rewrapping_gives_another_token_for_the_same(void **state) {
    struct fixture *f = *state;
    const char *w = wrap_some(f);
    struct said s = ask(f, "POST", "sys/wrapping/rewrap", "root", token_body(w, ""));
    assert_int_equal(s.status, 200);
    const char *again = paths_keep(json_str(json_path(s.json, "wrap_info.token")));
    assert_string_equal(paths_keep(json_number(json_path(s.json, "wrap_info.ttl"))), "60");
    said_fini(&s);
    not_there(f, w);
    f->wrap_ttl_s = 30;
    const char *third =
        asked(f, "POST", "sys/wrapping/unwrap", "root", token_body(again, ""), "wrap_info.token");
    f->wrap_ttl_s = 0;
    not_there(f, again);
    assert_string_equal(asked(f, "GET", "sys/wrapping/lookup", third, NULL, "data.creation_path"),
                        "sys/wrapping/unwrap");
    assert_string_equal(unwrap(f, third, "root", "data"), "{\"a\":1.50}");
}

static void a_wrapped_token_is_named_by_its_accessor(void **state) {
    struct fixture *f = *state;
    f->wrap_ttl_s = 60;
    struct said s = ask(f, "POST", "auth/token/create", "root", "{\"policies\":[\"default\"]}");
    f->wrap_ttl_s = 0;
    const char *accessor = paths_keep(json_str(json_path(s.json, "wrap_info.wrapped_accessor")));
    const char *w = paths_keep(json_str(json_path(s.json, "wrap_info.token")));
    assert_int_equal(json_type(json_get(s.json, "auth")), JSON_NULL);
    said_fini(&s);
    assert_int_equal(strlen(accessor), 24);
    assert_string_equal(unwrap(f, w, "root", "auth.accessor"), accessor);
}

static void a_wrapping_token_expires(void **state) {
    struct fixture *f = *state;
    const char *w = wrap_some(f);
    f->ahead_ms = 61000;
    not_there(f, w);
    refused(f, 400, NOT_THERE, "POST", "sys/wrapping/lookup", NULL, token_body(w, ""));
    f->ahead_ms = 0;
}

static void as_a_jwt_it_works_in_the_same_way(void **state) {
    struct fixture *f = *state;
    f->wrap_jwt = true;
    const char *in_body = wrap_some(f);
    const char *in_header = wrap_some(f);
    char spoilt[8192];
    snprintf(spoilt, sizeof spoilt, "%s", wrap_some(f));
    f->wrap_jwt = false;
    assert_memory_equal(in_body, "eyJ", 3);
    assert_string_equal(
        asked(f, "POST", "sys/wrapping/lookup", NULL, token_body(in_body, ""), "data.creation_ttl"),
        "60");
    assert_string_equal(unwrap(f, in_body, "root", "data"), "{\"a\":1.50}");
    not_there(f, in_body);
    refused(f, 403, "permission denied", "GET", "auth/token/lookup-self", in_header, NULL);
    assert_string_equal(asked(f, "POST", "sys/wrapping/unwrap", in_header, NULL, "data"),
                        "{\"a\":1.50}");
    not_there(f, in_header);
    for (size_t i = 0; i < strlen(spoilt); i += 7) {
        char good = spoilt[i];
        spoilt[i] = good == 'A' ? 'B' : 'A';
        struct said s = ask(f, "POST", "sys/wrapping/unwrap", "root", token_body(spoilt, ""));
        if (s.status != 403 && s.status != 400) fail_msg("at %zu of %s: %d", i, spoilt, s.status);
        said_fini(&s);
        spoilt[i] = good;
    }
    assert_string_equal(unwrap(f, spoilt, "root", "data"), "{\"a\":1.50}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(what_was_wrapped_comes_out_once),
        T(a_read_is_wrapped_with_everything_in_it),
        T(refusals_and_empty_answers_stay_as_they_are),
        T(a_wrapping_token_tells_what_it_is_without_being_used),
        T(whoever_used_it_for_something_else_is_noticed),
        T(the_old_way_to_read_it_warns),
        T(the_wrapping_token_is_judged_before_who_asks),
        T(only_a_permitted_token_unwraps_for_another),
        T(rewrapping_gives_another_token_for_the_same),
        T(a_wrapped_token_is_named_by_its_accessor),
        T(a_wrapping_token_expires),
        T(as_a_jwt_it_works_in_the_same_way),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
