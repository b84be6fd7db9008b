// SPDX-License-Identifier: Apache-2.0
// MFA methods: the checks of a write in their order, what survives a partial write, what a read
// shows.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "identity/mount.h"
#include "mfa/method.h"

static const struct state_schema schema = {{
    [RECORD_MOUNT] = &mount_type_record,
    [RECORD_METHOD] = &method_type,
}};

static int setup(void **state) {
    static struct draft d;
    AUTO(state) struct state *empty = NULL;
    if (state_new(&empty, &schema) || draft_begin(&d, empty)) return -1;
    const struct mount m = {.type = MOUNT_USERPASS,
                            .path = STR("auth/up/"),
                            .uuid = STR("u"),
                            .accessor = STR("auth_userpass_1793464a"),
                            .shown_type = STR("userpass")};
    void *made = NULL;
    if (record_make(&made, &m, sizeof m, mount_texts, mount_text_count, &mount_type_record,
                    RECORD_MOUNT) ||
        draft_put(&d, made))
        return -1;
    *state = &d;
    return 0;
}

static int teardown(void **state) {
    draft_fini(*state);
    return 0;
}

static const struct method_write whole = {
    .name = {"my_okta", 7},
    .mount_accessor = {"auth_userpass_1793464a", 22},
    .org_name = {"dev-262778", 10},
    .api_token = {"0081u7KrReNkzmABZJAP2oDyIXccveqx9vIOEyCZDC", 42},
};

static const struct method *put(struct draft *d, const struct method_write *w) {
    struct fault fault = {{0}};
    int r = method_put(d, w, &fault);
    if (r) fail_msg("%d %s", r, fault.text);
    return method_get(d->state, w->name);
}

static void is_refused(struct draft *d, const struct method_write *w, const char *why) {
    struct fault fault = {{0}};
    const struct method *before = method_get(d->state, w->name);
    assert_int_equal(method_put(d, w, &fault), METHOD_E_REFUSED);
    assert_string_equal(fault.text, why);
    assert_ptr_equal(method_get(d->state, w->name), before);
}

static void a_write_makes_a_method_with_the_defaults(void **state) {
    struct draft *d = *state;
    const struct method *m = put(d, &whole);
    assert_int_equal(m->id.n, 36);
    assert_true(str_eqz(m->base_url, "okta.com"));
    assert_true(str_eqz(m->username_format, ""));
    assert_true(m->production);
    assert_false(m->primary_email);
}

static void checks_come_in_their_order(void **state) {
    struct draft *d = *state;
    struct method_write w = {.mount_accessor = STR("nosuch")};
    is_refused(d, &w, "missing method name");
    w.name = STR("m");
    is_refused(d, &w, "invalid mount accessor \"nosuch\"");
    w.mount_accessor = STR("");
    is_refused(d, &w, "invalid mount accessor \"\"");
    w.mount_accessor = STR_NONE;
    is_refused(d, &w, "mfa type \"okta\" requires a \"mount_accessor\" parameter");
    w.mount_accessor = whole.mount_accessor;
    is_refused(d, &w, "org_name must be set");
    w.org_name = STR("o");
    is_refused(d, &w, "api_token must be set");
    w.api_token = STR("t");
    w.base_url = STR("ok ta.com");
    is_refused(d, &w,
               "error parsing given base_url: parse \"o.ok ta.com\": a blank or another character "
               "that cannot be in an address");
    w.base_url = STR("okta.com");
    assert_non_null(put(d, &w));
}

static void an_address_that_could_be_another_is_refused(void **state) {
    struct draft *d = *state;
    struct method_write w = whole;
    static const struct {
        const char *org, *base;
        bool fits;
    } rows[] = {
        {"o", "okta.com", true},           {"o", "oktapreview.com", true},
        {"o", "localhost:8443", true},     {"o", "okta.com/", true},
        {"o", "proxy.example/okta", true}, {"127", "0.0.1:18443", true},
        {"o", "okta.com:", true},          {"o", "okta.com:x", false},
        {"o", "okta.com:80:90", false},    {"o@evil.example", "okta.com", false},
        {"o", "okta.com?x=1", false},      {"o", "okta.com#x", false},
        {"o", "a%zz.com", false},          {"o", "a%2", false},
        {"o", "a%2f.com", true},           {"o", "http://okta.com", false},
        {"o", ".okta.com", false},         {"o", "ok\nta.com", false},
        {"o<", "okta.com", false},         {"o\\", "okta.com", false},
        {"o", "okta.com\x7f", false},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        struct fault fault = {{0}};
        w.org_name = str_from(rows[i].org);
        w.base_url = str_from(rows[i].base);
        int r = method_put(d, &w, &fault);
        if (r != (rows[i].fits ? 0 : METHOD_E_REFUSED))
            fail_msg("%s %s: %d %s", rows[i].org, rows[i].base, r, fault.text);
        if (r) assert_true(str_starts(str_from(fault.text), STR("error parsing given base_url: ")));
    }
}

static void only_accessor_and_format_survive_a_partial_write(void **state) {
    struct draft *d = *state;
    struct method_write w = whole;
    w.username_format = STR("{{identity.alias.name}}@x");
    w.base_url = STR("oktapreview.com");
    w.primary_email = true;
    AUTO_RECORD const struct method *first = put(d, &w);
    record_hold(first);
    const struct method *m =
        put(d, &(struct method_write){
                   .name = whole.name, .org_name = STR("other"), .api_token = STR("t2")});
    assert_true(str_eq(m->id, first->id));
    assert_true(str_eq(m->mount_accessor, whole.mount_accessor));
    assert_true(str_eqz(m->username_format, "{{identity.alias.name}}@x"));
    assert_true(str_eqz(m->org_name, "other"));
    assert_true(str_eqz(m->base_url, "okta.com"));
    assert_false(m->primary_email);
    w = (struct method_write){.name = whole.name,
                              .org_name = STR("o"),
                              .api_token = STR("t"),
                              .username_format = STR("")};
    assert_true(str_eqz(put(d, &w)->username_format, ""));
    w.api_token = STR_NONE;
    is_refused(d, &w, "api_token must be set");
}

static void production_counts_only_without_a_base_url(void **state) {
    struct draft *d = *state;
    struct method_write w = whole;
    w.has_production = true;
    const struct method *m = put(d, &w);
    assert_true(str_eqz(m->base_url, ""));
    assert_false(m->production);
    w.base_url = STR("okta-emea.com");
    assert_true(str_eqz(put(d, &w)->base_url, "okta-emea.com"));
    w = whole;
    w.base_url = STR("");
    m = put(d, &w);
    assert_true(str_eqz(m->base_url, ""));
    assert_true(m->production);
}

static void a_method_made_anew_has_another_id(void **state) {
    struct draft *d = *state;
    AUTO_RECORD const struct method *first = put(d, &whole);
    record_hold(first);
    assert_int_equal(draft_delete(d, first), 0);
    assert_null(method_get(d->state, whole.name));
    assert_false(str_eq(put(d, &whole)->id, first->id));
    assert_int_equal(state_count(d->state, RECORD_METHOD), 1);
}

// `after`: what follows the id, which is another one each time.
static void shows(const struct method *m, bool with_token, const char *before, const char *after) {
    AUTO_FINI(buf) struct buf text = buf_make(1 << 16), wanted = buf_make(1 << 16);
    method_write_json(m, with_token, &text);
    buf_addz(&wanted, before);
    buf_add_str(&wanted, m->id);
    buf_addz(&wanted, after);
    assert_string_equal(buf_z(&text), buf_z(&wanted));
}

static void a_read_shows_the_token_only_when_told_to(void **state) {
    struct draft *d = *state;
    shows(put(d, &whole), false, "{\"base_url\":\"okta.com\",\"id\":\"",
          "\",\"mount_accessor\":\"auth_userpass_1793464a\","
          "\"name\":\"my_okta\",\"namespace_id\":\"\",\"namespace_path\":\"\",\"org_name\":\"dev-"
          "262778\",\"primary_email\":false,\"production\":true,\"type\":\"okta\",\"username_"
          "format\":\"\"}");
    struct method_write w = whole;
    w.has_production = true;
    shows(
        put(d, &w), true, "{\"api_token\":\"0081u7KrReNkzmABZJAP2oDyIXccveqx9vIOEyCZDC\",\"id\":\"",
        "\","
        "\"mount_accessor\":\"auth_userpass_1793464a\",\"name\":\"my_okta\",\"namespace_id\":\"\","
        "\"namespace_path\":\"\",\"org_name\":\"dev-262778\",\"primary_email\":false,"
        "\"production\":false,\"type\":\"okta\",\"username_format\":\"\"}");
}

static void a_sources_credentials_take_the_place_of_org_and_token(void **state) {
    struct draft *d = *state;
    const struct method_write w = {.name = STR("by_source"),
                                   .mount_accessor = whole.mount_accessor,
                                   .okta_source = STR("acme"),
                                   .remember_s = 60,
                                   .number_matching = true,
                                   .share_challenge = true};
    const struct method *m = put(d, &w);
    assert_true(str_eqz(m->okta_source, "acme"));
    AUTO_FINI(buf) struct buf text = buf_make(4096);
    method_write_json(m, true, &text);
    const char *beyond = ",\"number_matching\":true,\"okta_source\":\"acme\",\"remember\":60,"
                         "\"share_challenge\":true}";
    assert_true(str_ends(buf_str(&text), str_from(beyond)));
    struct method_write both = w;
    both.api_token = whole.api_token;
    is_refused(d, &both,
               "api_token and okta_source cannot both be set: with okta_source the credentials are "
               "the source's");
    both = w;
    both.org_name = whole.org_name;
    is_refused(d, &both, "org_name and okta_source cannot both be set: the org is the source's");
    // A write replaces: what is left out is off again.
    struct method_write again = whole;
    again.name = w.name;
    m = put(d, &again);
    assert_true(m->okta_source.n == 0 && m->remember_s == 0);
    assert_false(m->number_matching || m->share_challenge);
}

static void the_address_is_made_of_org_and_base_url(void **state) {
    static const struct {
        const char *base_url, *url;
        bool has_production, production;
    } rows[] = {
        {NULL, "https://dev-262778.okta.com", false, false},
        {"okta-emea.com", "https://dev-262778.okta-emea.com", false, false},
        {"localhost:8443", "https://dev-262778.localhost:8443", false, false},
        {NULL, "https://dev-262778.okta.com", true, true},
        {NULL, "https://dev-262778.oktapreview.com", true, false},
    };
    struct draft *d = *state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct method_write w = whole;
        w.base_url = str_from(rows[i].base_url);
        w.has_production = rows[i].has_production;
        w.production = rows[i].production;
        AUTO_FINI(buf) struct buf url = buf_make(4096);
        method_url(put(d, &w), &url);
        assert_true(str_eqz(buf_str(&url), rows[i].url));
    }
}

static void records_come_back_as_they_were(void **state) {
    struct draft *d = *state;
    AUTO(json_reader) struct json_reader *reader = NULL;
    AUTO_WIPED struct buf text = buf_make(1 << 16), twice = buf_make(1 << 16);
    const struct json *v = NULL;
    struct fault fault = {{0}};
    void *made = NULL;
    struct method_write w = whole;
    w.username_format = STR("a\"b");
    method_type.encode(put(d, &w), &text);
    assert_int_equal(json_reader_new(&reader), 0);
    assert_int_equal(json_read(reader, buf_str(&text), &v, &fault), 0);
    assert_int_equal(method_type.decode(&made, v, &fault), 0);
    method_type.encode(made, &twice);
    assert_true(str_eq(buf_str(&text), buf_str(&twice)));
    record_drop(made);
    assert_int_equal(json_read(reader, STR("{\"type\":\"duo\"}"), &v, &fault), 0);
    assert_int_equal(method_type.decode(&made, v, &fault), -EINVAL);
    assert_string_equal(fault.text, "member \"type\" is not a type of method");
}

#define row(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        row(a_write_makes_a_method_with_the_defaults),
        row(checks_come_in_their_order),
        row(an_address_that_could_be_another_is_refused),
        row(a_sources_credentials_take_the_place_of_org_and_token),
        row(the_address_is_made_of_org_and_base_url),
        row(only_accessor_and_format_survive_a_partial_write),
        row(production_counts_only_without_a_base_url),
        row(a_method_made_anew_has_another_id),
        row(a_read_shows_the_token_only_when_told_to),
        row(records_come_back_as_they_were),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("method", tests, NULL, NULL);
}
