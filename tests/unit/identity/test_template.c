// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "identity/template.h"

#include "acl-fixture.h"

enum { TEXT_MAX_BYTES = 1 << 16 };

struct world {
    struct fixture f;
    struct arena arena;
    struct buf metadata, custom;
};

static void open_world(struct world *w) {
    *w = (struct world){.metadata = buf_make(TEXT_MAX_BYTES), .custom = buf_make(TEXT_MAX_BYTES)};
    static const char *const pairs[] = {"team",  "red", "a.b",   "dotted",
                                        "empty", "",    "brace", "{{identity.entity.name}}",
                                        "star",  "x*"};
    for (size_t i = 0; i < LEN(pairs); i++) list_add(&w->metadata, str_from(pairs[i]));
    list_add(&w->custom, STR("k"));
    list_add(&w->custom, STR("v"));
    fixture_open(&w->f);
    fixture_entity(&w->f, "ann", list_of(&w->metadata));
    fixture_alias(&w->f, "ann.x", list_of(&w->metadata), list_of(&w->custom));
}

static void close_world(struct world *w) {
    fixture_close(&w->f);
    arena_fini(&w->arena);
    buf_fini(&w->metadata);
    buf_fini(&w->custom);
}

static struct template *make(struct world *w, const char *text) {
    struct template *t = NULL;
    assert_int_equal(template_make(&t, &w->arena, str_from(text)), 0);
    return t;
}

// `want` NULL: it has no value.
static void assert_expands(struct world *w, const char *text, const char *want) {
    AUTO_FINI(buf) struct buf out = buf_make(TEXT_MAX_BYTES);
    int r = template_expand(make(w, text), w->f.draft.state, w->f.caller.entity, &out);
    if (r != (want ? 0 : TEMPLATE_E_MISSING)) fail_msg("%s: %d", text, r);
    if (want) assert_string_equal(buf_z(&out), want);
}

static void names_have_their_values(void **state) {
    (void)state;
    struct world w;
    open_world(&w);
    assert_expands(&w, "n/{{identity.entity.name}}/*", "n/ann/*");
    assert_expands(&w, "{{identity.entity.id}}", "11111111-2222-3333-4444-555555555555");
    assert_expands(&w, "{{ identity.entity.name }}-{{identity.entity.metadata.team}}", "ann-red");
    assert_expands(&w, "x{{identity.entity.metadata.empty}}y", "xy");
    assert_expands(&w, "{{identity.entity.metadata.a.b}}", "dotted");
    assert_expands(&w, "{{identity.entity.metadata.brace}}", "{{identity.entity.name}}");
    assert_expands(&w, "{{identity.entity.aliases." FIXTURE_ACCESSOR ".name}}", "ann.x");
    assert_expands(&w, "{{identity.entity.aliases." FIXTURE_ACCESSOR ".id}}",
                   "66666666-2222-3333-4444-555555555555");
    assert_expands(&w, "{{identity.entity.aliases." FIXTURE_ACCESSOR ".metadata.team}}", "red");
    assert_expands(&w, "{{identity.entity.aliases." FIXTURE_ACCESSOR ".custom_metadata.k}}", "v");
    close_world(&w);
}

static void what_is_not_there_has_no_value(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{{identity.entity.metadata.none}}",
        "{{identity.entity.metadata.}}",
        "{{identity.entity.metadata}}",
        "{{identity.entity.foo}}",
        "{{identity.entity}}",
        "{{IDENTITY.entity.name}}",
        "{{identity.entity.names}}",
        "{{}}",
        "{{x.y}}",
        "{{identity.groups.ids.x.name}}",
        "{{identity.entity.aliases.nope.name}}",
        "{{identity.entity.aliases." FIXTURE_ACCESSOR "}}",
        "{{identity.entity.aliases." FIXTURE_ACCESSOR ".none}}",
        "{{identity.entity.aliases." FIXTURE_ACCESSOR ".custom_metadata.none}}",
        "{{identity.entity.name}}{{x}}",
    };
    struct world w;
    open_world(&w);
    for (size_t i = 0; i < LEN(texts); i++) assert_expands(&w, texts[i], NULL);
    w.f.caller.entity = NULL;
    assert_expands(&w, "{{identity.entity.name}}", NULL);
    close_world(&w);
}

static void braces_come_in_pairs(void **state) {
    (void)state;
    static const char *const texts[] = {"{{",      "}}",        "a{{b", "a}}b", "{{a}}{{",
                                        "{{a}}}}", "{{{{a}}}}", "{{a}", "}}{{"};
    AUTO_FINI(arena) struct arena arena = {0};
    struct template *t = NULL;
    for (size_t i = 0; i < LEN(texts); i++) {
        assert_true(template_is_in(str_from(texts[i])));
        assert_int_equal(template_make(&t, &arena, str_from(texts[i])), TEMPLATE_E_BRACES);
    }
    assert_false(template_is_in(STR("a{b}c")));
}

static void values_are_searched_for_characters(void **state) {
    (void)state;
    struct world w;
    open_world(&w);
    const struct state *s = w.f.draft.state;
    const struct entity *e = w.f.caller.entity;
    const struct template *star = make(&w, "a/+/{{identity.entity.metadata.star}}");
    assert_true(template_value_has(star, s, e, "/*"));
    assert_false(template_value_has(star, s, e, "/+")); // what is not a value is not looked at
    assert_false(template_value_has(star, s, e, ""));
    assert_false(template_value_has(star, s, NULL, "*"));
    assert_true(str_eqz(template_head(star), "a/+/"));
    close_world(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_their_values),
        cmocka_unit_test(what_is_not_there_has_no_value),
        cmocka_unit_test(braces_come_in_pairs),
        cmocka_unit_test(values_are_searched_for_characters),
    };
    return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
