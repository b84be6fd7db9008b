// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ecs/literal-internal.h"
#include "ecs/mapper-internal.h"
#include "uap-rules.h"
#include "json/write.h"

static struct ecs_useragents *make(const struct ecs_ua_rule *rules, size_t n) {
    struct ecs_useragents *u = NULL;
    assert_int_equal(ecs_useragents_new(&u), 0);
    for (size_t i = 0; i < n; i++) assert_int_equal(ecs_useragents_add(u, &rules[i]), 0);
    return u;
}

#define S(literal)                                                                                 \
    { (literal), sizeof(literal) - 1 }

static const struct ecs_ua_rule few[] = {
    {ECS_UA_AGENT, S("(Falcon)/(\\d+)\\.(\\d+)(?:\\.(\\d+)|)(?:\\.(\\d+)|)"), {0}, {{0}}},
    {ECS_UA_AGENT, S("(kite)-v(\\d+)"), S("i"), {S("Kite $1"), S("$2"), S("7")}},
    {ECS_UA_AGENT, S("broken ("), {0}, {{0}}},
    {ECS_UA_AGENT, S("()nothing"), {0}, {{0}}},
    {ECS_UA_AGENT, S("nothing (much)"), {0}, {{0}}},
    {ECS_UA_AGENT, S("^(a+)+$"), {0}, {{0}}},
    {ECS_UA_OS, S("(Tarn) ?(\\d+)?"), {0}, {{0}}},
    {ECS_UA_DEVICE, S("Slab ([A-Z]\\d)"), {0}, {S("Slab $1 ")}},
};

static void assert_parsed(struct ecs_useragents *u, struct str text, const char *expected) {
    AUTO_FINI(buf) struct buf out = buf_make(1 << 20);
    buf_addc(&out, '{');
    assert_int_equal(ecs_useragents_write(u, text, &out), 0);
    assert_string_equal(buf_z(&out), expected);
}

static void names_and_versions_come_from_groups_and_replacements(void **state) {
    (void)state;
    AUTO(ecs_useragents) struct ecs_useragents *u = make(few, LEN(few));
    for (int again = 0; again < 2; again++) {
        assert_parsed(u, STR("Falcon/12.3 Tarn 9 Slab Q7"),
                      "{\"device\":{\"name\":\"Slab Q7\"},\"name\":\"Falcon\",\"version\":\"12.3\","
                      "\"os\":{\"name\":\"Tarn\",\"version\":\"9\",\"full\":\"Tarn 9\"},");
        assert_parsed(
            u, STR("KITE-V22"),
            "{\"device\":{\"name\":\"Other\"},\"name\":\"Kite KITE\",\"version\":\"22.7\",");
        assert_parsed(
            u, STR("Falcon/1.2.3.4"),
            "{\"device\":{\"name\":\"Other\"},\"name\":\"Falcon\",\"version\":\"1.2.3.4\",");
    }
}

static void what_no_rule_knows_is_other(void **state) {
    (void)state;
    AUTO(ecs_useragents) struct ecs_useragents *u = make(few, LEN(few));
    assert_parsed(u, STR("?"), "{\"device\":{\"name\":\"Other\"},\"name\":\"Other\",");
    assert_parsed(u, STR("a\0b"), "{\"device\":{\"name\":\"Other\"},\"name\":\"Other\",");
    assert_parsed(
        u, STR("x Tarn"),
        "{\"device\":{\"name\":\"Other\"},\"name\":\"Other\",\"os\":{\"name\":\"Tarn\"},");
}

static void a_rule_without_a_name_gives_way_to_the_next(void **state) {
    (void)state;
    AUTO(ecs_useragents) struct ecs_useragents *u = make(few, LEN(few));
    assert_parsed(u, STR("nothing much"), "{\"device\":{\"name\":\"Other\"},\"name\":\"much\",");
}

static void a_rule_that_explodes_does_not_match(void **state) {
    (void)state;
    AUTO(ecs_useragents) struct ecs_useragents *u = make(few, LEN(few));
    char text[64];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '!';
    assert_parsed(u, (struct str){text, sizeof text},
                  "{\"device\":{\"name\":\"Other\"},\"name\":\"Other\",");
}

static void a_long_user_agent_is_looked_at_in_part(void **state) {
    (void)state;
    AUTO(ecs_useragents) struct ecs_useragents *u = make(few, LEN(few));
    size_t n = 10 << 20;
    AUTO_MEM char *text = malloc(n);
    assert_non_null(text);
    memset(text, '-', n);
    memcpy(text + 100, "Falcon/3.1 ", 11);
    memcpy(text + n - 8, "Slab Q7 ", 8);
    assert_parsed(u, (struct str){text, n},
                  "{\"device\":{\"name\":\"Other\"},\"name\":\"Falcon\",\"version\":\"3.1\",");
}

static void more_user_agents_than_the_cache_holds_stay_right(void **state) {
    (void)state;
    AUTO(ecs_useragents) struct ecs_useragents *u = make(few, LEN(few));
    for (int i = 0; i < 20000; i++) {
        char text[64], expected[200];
        int version = i % 3 == 0 ? i % 50 : i % 3500;
        snprintf(text, sizeof text, "Falcon/%d.0", version);
        snprintf(expected, sizeof expected,
                 "{\"device\":{\"name\":\"Other\"},\"name\":\"Falcon\",\"version\":\"%d.0\",",
                 version);
        assert_parsed(u, str_from(text), expected);
    }
}

static const struct {
    const char *regex, *literals; // with blanks between them
} literal_cases[] = {
    {"Falcon", "falcon"},
    {"(Falcon)/(\\d+)", "falcon"},
    {"Falco[n]x?", "falco"},
    {"ab?cdef", "cdef"},
    {"abcd*ef", "abc"},
    {"abc{0,2}d", "ab"},
    {"abc{2}de", "abc"},
    {"(?:Falcon|Kite)-(\\d)", "falcon kite"},
    {"(?:Falcon|Kite)?x", "x"},
    {"(?:Falcon|)", ""},
    {"(?!Falcon)K", "k"},
    {"a(b(cde)?)f", "a"},
    {"one|two", "one two"},
    {"one|\\d", ""},
    {"a\\.b\\/c", "a.b/c"},
    {"\\x41bcdef", ""},
    {"x{y}z", "x{y}z"},
    {"[]abc]def", "def"},
    {".*", ""},
    {"", ""},
};

static void required_literals_are_found(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(literal_cases); i++) {
        struct ecs_literals found;
        char text[256] = "";
        size_t n = 0;
        ecs_literals_find(str_from(literal_cases[i].regex), &found);
        for (size_t j = 0; j < found.count; j++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s", j ? " " : "",
                                  found.items[j].n, found.items[j].text);
        if (strcmp(text, literal_cases[i].literals) != 0)
            fail_msg("%s needs \"%s\", expected \"%s\"", literal_cases[i].regex, text,
                     literal_cases[i].literals);
    }
}

// A case of uap-core's own tests.
struct expected {
    struct buf text, family, parts[4]; // major, minor, patch, patch_minor
    bool has_text;
};

static const char *const part_keys[] = {"major", "minor", "patch", "patch_minor"};

static void expected_fini(struct expected *e) {
    buf_fini(&e->text);
    buf_fini(&e->family);
    for (size_t i = 0; i < LEN(e->parts); i++) buf_fini(&e->parts[i]);
    e->has_text = false;
}

static struct buf scalar(struct str value) {
    struct buf out = buf_make(1 << 20);
    if (value.n && (value.p[0] == '\'' || value.p[0] == '"')) uap_unquote(&out, value);
    else buf_add_str(&out, value);
    return out;
}

// Compares with the member of our answer; 1 when they differ.
static size_t check_case(struct ecs_useragents *u, struct expected *want, enum ecs_ua_group group,
                         struct json_reader *reader) {
    static const char *const members[] = {"name", "os.name", "device.name"};
    static const char *const versions[] = {"version", "os.version", NULL};
    AUTO_FINI(buf) struct buf out = buf_make(1 << 20);
    AUTO_FINI(buf) struct buf version = buf_make(1 << 20);
    const struct json *doc = NULL;
    if (!want->has_text) return 0;
    buf_addc(&out, '{');
    assert_int_equal(ecs_useragents_write(u, buf_str(&want->text), &out), 0);
    out.p[out.n - 1] = '}';
    assert_int_equal(json_read(reader, buf_str(&out), &doc, NULL), 0);
    struct str name = json_str(json_path(doc, members[group]));
    struct str got = versions[group] ? json_str(json_path(doc, versions[group])) : STR_NONE;
    // Of browsers the tests' fourth part is not in the rules.
    size_t parts = group == ECS_UA_AGENT ? 3 : LEN(want->parts);
    for (size_t i = 0; i < parts && want->parts[i].n; i++) {
        if (i) buf_addc(&version, '.');
        buf_add_str(&version, buf_str(&want->parts[i]));
    }
    bool other = str_eqz(buf_str(&want->family), "Other") && !name.p;
    bool same = other || str_eq(name, buf_str(&want->family));
    if (group != ECS_UA_DEVICE) same = same && str_starts(got, buf_str(&version));
    if (same) return 0;
    print_error("%.*s\n  is %.*s %.*s\n  expected %.*s %.*s\n", STR_ARG(buf_str(&want->text)),
                STR_ARG(name), STR_ARG(got), STR_ARG(buf_str(&want->family)),
                STR_ARG(buf_str(&version)));
    return 1;
}

static void take_line(struct expected *want, struct str line) {
    struct str value = line, key = str_split(&value, ':');
    value = str_trim(value);
    if (str_eqz(key, "- user_agent_string")) {
        want->has_text = true;
        want->text = scalar(value);
    }
    if (str_eqz(key, "family")) want->family = scalar(value);
    for (size_t i = 0; i < LEN(part_keys); i++)
        if (str_eqz(key, part_keys[i])) want->parts[i] = scalar(value);
}

static size_t check_file(const char *path, enum ecs_ua_group group, size_t *count) {
    AUTO(ecs_useragents) struct ecs_useragents *u = make(NULL, 0);
    AUTO(json_reader) struct json_reader *reader = NULL;
    char line[16384];
    struct expected want = {0};
    size_t wrong = 0;
    FILE *f = fopen(path, "r");
    if (!f || uap_load(u, UAP_RULES_FILE)) {
        if (f) fclose(f);
        return SIZE_MAX;
    }
    assert_int_equal(json_reader_new(&reader), 0);
    while (fgets(line, sizeof line, f)) {
        struct str s = str_trim(str_from(line));
        if (str_starts(s, STR("- "))) {
            wrong += check_case(u, &want, group, reader);
            expected_fini(&want);
            (*count)++;
        }
        take_line(&want, s);
    }
    wrong += check_case(u, &want, group, reader);
    expected_fini(&want);
    fclose(f);
    return wrong;
}

static void the_tests_of_uap_core_pass(void **state) {
    (void)state;
    static const char *const files[] = {"test_ua.yaml", "test_os.yaml", "test_device.yaml"};
    size_t count = 0, wrong = 0;
    for (size_t i = 0; i < LEN(files); i++) {
        char path[256];
        snprintf(path, sizeof path, "/usr/share/uap-core/tests/%s", files[i]);
        size_t of_file = check_file(path, (enum ecs_ua_group)i, &count);
        if (of_file == SIZE_MAX) skip();
        wrong += of_file;
    }
    assert_int_equal(wrong, 0);
    assert_true(count > 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_versions_come_from_groups_and_replacements),
        cmocka_unit_test(what_no_rule_knows_is_other),
        cmocka_unit_test(a_rule_without_a_name_gives_way_to_the_next),
        cmocka_unit_test(a_rule_that_explodes_does_not_match),
        cmocka_unit_test(a_long_user_agent_is_looked_at_in_part),
        cmocka_unit_test(more_user_agents_than_the_cache_holds_stay_right),
        cmocka_unit_test(required_literals_are_found),
        cmocka_unit_test(the_tests_of_uap_core_pass),
    };
    return cmocka_run_group_tests_name("ecs/useragent", tests, NULL, NULL);
}
