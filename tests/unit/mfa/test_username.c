// SPDX-License-Identifier: Apache-2.0
// The name in Okta: each placeholder, one pass, and everything that refuses.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mfa/username.h"

static struct buf alias_pairs, entity_pairs, custom_pairs;
static struct alias alias;
static struct entity entity;

static void add_pair(struct buf *pairs, const char *key, const char *value) {
    list_add(pairs, str_from(key));
    list_add(pairs, str_from(value));
}

static int setup(void **state) {
    (void)state;
    alias_pairs = entity_pairs = custom_pairs = buf_make(4096);
    add_pair(&alias_pairs, "mail", "alice@alias.example");
    add_pair(&alias_pairs, "empty", "");
    add_pair(&entity_pairs, "email", "alice@entity.example");
    add_pair(&entity_pairs, "a.b", "dotted");
    add_pair(&entity_pairs, "braces", "{{entity.name}}");
    add_pair(&custom_pairs, "custom", "value");
    alias = (struct alias){.name = STR("alice"),
                           .metadata = list_of(&alias_pairs),
                           .custom_metadata = list_of(&custom_pairs)};
    entity = (struct entity){.name = STR("Alice Liddell"), .metadata = list_of(&entity_pairs)};
    return 0;
}

static int teardown(void **state) {
    (void)state;
    buf_fini(&alias_pairs);
    buf_fini(&entity_pairs);
    buf_fini(&custom_pairs);
    return 0;
}

static void each_placeholder_is_filled_in(void **state) {
    (void)state;
    static const struct {
        const char *format, *name;
    } rows[] = {
        {"", "alice"},
        {"{{alias.name}}", "alice"},
        {"{{entity.name}}", "Alice Liddell"},
        {"{{alias.metadata.mail}}", "alice@alias.example"},
        {"{{entity.metadata.email}}", "alice@entity.example"},
        {"{{entity.metadata.a.b}}", "dotted"},
        {"{{alias.name}}@example.com", "alice@example.com"},
        {"x-{{alias.name}}{{alias.name}}-{{entity.metadata.a.b}}.y", "x-alicealice-dotted.y"},
        {"fixed@example.com", "fixed@example.com"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf out = buf_make(4096);
        struct fault fault = {{0}};
        buf_addz(&out, "before:");
        int r = username_make(str_from(rows[i].format), &alias, &entity, &out, &fault);
        if (r) fail_msg("%s: %s", rows[i].format, fault.text);
        assert_string_equal(buf_z(&out) + strlen("before:"), rows[i].name);
    }
}

static void an_absent_format_is_the_alias_name(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf out = buf_make(4096);
    assert_int_equal(username_make(STR_NONE, &alias, &entity, &out, NULL), 0);
    assert_string_equal(buf_z(&out), "alice");
}

static void a_value_that_looks_like_a_placeholder_stays_what_it_is(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf out = buf_make(4096);
    assert_int_equal(username_make(STR("{{entity.metadata.braces}}"), &alias, &entity, &out, NULL),
                     0);
    assert_string_equal(buf_z(&out), "{{entity.name}}");
    buf_reset(&out);
    entity.name = STR("alias.name");
    assert_int_equal(username_make(STR("{{entity.name}}}"), &alias, &entity, &out, NULL),
                     USERNAME_E_REFUSED);
    assert_int_equal(username_make(STR("{{{{entity.name}}}}"), &alias, &entity, &out, NULL),
                     USERNAME_E_REFUSED);
}

static void what_cannot_be_filled_in_refuses(void **state) {
    (void)state;
    static const struct {
        const char *format, *why;
    } rows[] = {
        {"{{alias.nick}}", "unknown placeholder {{alias.nick}}"},
        {"{{ alias.name }}", "unknown placeholder {{ alias.name }}"},
        {"{{Alias.Name}}", "unknown placeholder {{Alias.Name}}"},
        {"{{alias.name.x}}", "unknown placeholder {{alias.name.x}}"},
        {"{{persona.name}}", "unknown placeholder {{persona.name}}"},
        {"{{identity.entity.name}}", "unknown placeholder {{identity.entity.name}}"},
        {"{{alias.custom_metadata.custom}}",
         "unknown placeholder {{alias.custom_metadata.custom}}"},
        {"{{}}", "unknown placeholder {{}}"},
        {"{{alias.metadata.custom}}", "{{alias.metadata.custom}} has no value"},
        {"{{alias.metadata.email}}", "{{alias.metadata.email}} has no value"},
        {"{{entity.metadata.mail}}", "{{entity.metadata.mail}} has no value"},
        {"{{alias.metadata.}}", "{{alias.metadata.}} has no value"},
        {"a{{alias.metadata.empty}}b", "{{alias.metadata.empty}} has no value"},
        {"{{alias.name}", "the brace at character 1 has no counterpart"},
        {"{{alias.name", "the brace at character 1 has no counterpart"},
        {"a{{alias.na{me}}", "the brace at character 2 has no counterpart"},
        {"{alias.name}", "the brace at character 1 has no counterpart"},
        {"{{alias.name}}}", "the brace at character 15 has no counterpart"},
        {"alice}}", "the brace at character 6 has no counterpart"},
        {"ab{", "the brace at character 3 has no counterpart"},
        {"{{{alias.name}}}", "the brace at character 1 has no counterpart"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf out = buf_make(4096);
        struct fault fault = {{0}};
        buf_addz(&out, "before");
        int r = username_make(str_from(rows[i].format), &alias, &entity, &out, &fault);
        if (r != USERNAME_E_REFUSED) fail_msg("%s: %d", rows[i].format, r);
        assert_true(str_starts(str_from(fault.text), STR("username_format: ")));
        assert_string_equal(fault.text + strlen("username_format: "), rows[i].why);
        assert_string_equal(buf_z(&out), "before");
    }
}

static void a_name_without_text_refuses(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf out = buf_make(4096);
    struct fault fault = {{0}};
    alias.name = STR("");
    assert_int_equal(username_make(STR(""), &alias, &entity, &out, &fault), USERNAME_E_REFUSED);
    assert_string_equal(fault.text, "username_format: {{alias.name}} has no value");
    entity.name = STR_NONE;
    assert_int_equal(username_make(STR("{{entity.name}}"), &alias, &entity, &out, &fault),
                     USERNAME_E_REFUSED);
}

static void a_name_that_is_too_long_refuses(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf out = buf_make(8);
    struct fault fault = {{0}};
    assert_int_equal(
        username_make(STR("{{alias.name}}@example.com"), &alias, &entity, &out, &fault),
        USERNAME_E_REFUSED);
    assert_string_equal(fault.text, "username_format: the name is too long");
    assert_int_equal(out.n, 0);
}

#define row(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        row(each_placeholder_is_filled_in),
        row(an_absent_format_is_the_alias_name),
        row(a_value_that_looks_like_a_placeholder_stays_what_it_is),
        row(what_cannot_be_filled_in_refuses),
        row(a_name_without_text_refuses),
        row(a_name_that_is_too_long_refuses),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("username", tests, NULL, NULL);
}
