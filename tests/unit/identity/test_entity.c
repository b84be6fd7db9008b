// SPDX-License-Identifier: Apache-2.0
// Entities and aliases over a draft: who is whom, and what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "identity/fold.h"

#include "entity-fixture.h"

static void folding_knows_the_letters_of_several_scripts(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"Ab-9_Z", "ab-9_z"},
        {"\xC3\x89\xC3\x97", "\xC3\xA9\xC3\x97"},   // E acute; the multiplication sign stays
        {"\xC4\x80\xC4\x81", "\xC4\x81\xC4\x81"},   // A macron
        {"\xC5\xB9\xC5\xB8", "\xC5\xBA\xC3\xBF"},   // Z acute, Y diaeresis
        {"\xCE\xA3\xCE\x86", "\xCF\x83\xCE\xAC"},   // Sigma, Alpha tonos
        {"\xD0\x96\xD0\x81", "\xD0\xB6\xD1\x91"},   // Zhe, Io
        {"\xE1\xBA\xA0", "\xE1\xBA\xA1"},           // A with dot below
        {"\xF0\x9F\x98\x80X", "\xF0\x9F\x98\x80x"}, // beyond 16 bits
        {"\xFF"
         "A\xC3",
         "\xFF"
         "a\xC3"}, // not UTF-8
    };
    for (size_t i = 0; i < LEN(pairs); i++) {
        AUTO_FINI(buf) struct buf out = buf_make(100);
        fold_text(&out, str_from(pairs[i][0]));
        assert_str(buf_str(&out), pairs[i][1]);
    }
}

static void an_entity_is_found_by_id_and_by_name_whatever_its_case(void **state) {
    struct draft *d = *state;
    const struct entity *bob = make_entity(d, "Bob");
    assert_int_equal(bob->id.n, 36);
    assert_int_equal(bob->created_ms, NOW);
    assert_ptr_equal(entity_by_id(d->state, bob->id), bob);
    assert_ptr_equal(entity_by_name(d->state, STR("bOB")), bob);
    assert_null(entity_by_name(d->state, STR("bo")));
    assert_str(bob->name, "Bob");
    assert_str(bob->lower, "bob");
}

static void a_name_that_is_folded_is_kept_once(void **state) {
    struct draft *d = *state;
    const struct entity *e = make_entity(d, "folded");
    assert_ptr_equal(e->name.p, e->lower.p);
}

static void a_write_by_name_or_id_changes_what_it_gives(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf p = buf_make(1000), m = buf_make(1000);
    struct list policies = list_with(&p, ITEMS("B", " a ", "b", ""));
    struct list metadata = list_with(&m, ITEMS("z", "1", "a", "2", "z", "3"));
    const struct entity *e = make_entity(d, "x");
    bool fresh = true, yes = true;
    struct entity_change change = {
        .name = STR("X"), .policies = &policies, .metadata = &metadata, .disabled = &yes};
    assert_int_equal(entity_change(d, &change, LATER, &e, &fresh, &fault), 0);
    assert_false(fresh);
    assert_str(e->name, "X");
    assert_int_equal(list_count(e->policies), 2);
    assert_true(list_has(e->policies, STR("a")) && list_has(e->policies, STR("b")));
    assert_str(list_value(e->metadata, STR("z")), "3");
    assert_int_equal(list_count(e->metadata), 4);
    assert_true(e->disabled);
    assert_int_equal(e->created_ms, NOW);
    assert_int_equal(e->updated_ms, LATER);

    change = (struct entity_change){.id = e->id, .name = STR("renamed")};
    record_hold(e);
    AUTO_RECORD const struct entity *old = e;
    assert_int_equal(entity_change(d, &change, LATER, &e, &fresh, &fault), 0);
    assert_null(entity_by_name(d->state, STR("x")));
    assert_ptr_equal(entity_by_name(d->state, STR("renamed")), e);
    assert_int_equal(list_count(e->policies), 2);
    assert_true(e->disabled && str_eq(e->id, old->id));
}

static void a_name_is_made_up_when_none_is_given(void **state) {
    struct draft *d = *state;
    const struct entity *e = make_entity(d, "");
    assert_true(str_starts(e->name, STR("entity_")) && str_ends(e->name, STR(".root")));
    assert_int_equal(e->name.n, 20);
}

static void refuses(struct draft *d, const struct entity_change *change, int outcome,
                    const char *text) {
    const struct entity *e = NULL;
    bool fresh = false;
    size_t before = d->n;
    assert_int_equal(entity_change(d, change, NOW, &e, &fresh, &fault), outcome);
    assert_string_equal(fault.text, text);
    assert_int_equal(d->n, before);
}

static void what_is_refused_says_why_and_changes_nothing(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf p = buf_make(1000), m = buf_make(100000);
    struct str id = make_entity(d, "one")->id;
    make_entity(d, "two");
    struct list root = list_with(&p, ITEMS("x", " ROOT"));
    refuses(d, &(struct entity_change){.id = STR("zz")}, ENTITY_E_REFUSED,
            "entity not found from id");
    refuses(d, &(struct entity_change){.id = id, .name = STR("Two"), .policies = &root},
            ENTITY_E_REFUSED, "entity name is already in use");
    refuses(d, &(struct entity_change){.id = id, .policies = &root}, ENTITY_E_REFUSED,
            "policies cannot contain root");
    struct list blank = list_with(&m, ITEMS("", "v"));
    refuses(d, &(struct entity_change){.id = id, .metadata = &blank}, ENTITY_E_INVALID,
            "invalid entity metadata: failed to load metadata pair (\"\", \"v\"): key cannot be "
            "blank");
}

static void metadata_has_limits(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf m = buf_make(100000);
    for (int i = 0; i < 65; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        list_add(&m, str_from(key));
        list_add(&m, STR("v"));
    }
    struct list many = list_of(&m);
    refuses(d, &(struct entity_change){.name = STR("m"), .metadata = &many}, ENTITY_E_INVALID,
            "invalid entity metadata: metadata cannot contain more than 64 key/value pairs");
    const struct alias *a = NULL;
    bool changed = false;
    assert_int_equal(change_alias(d, (struct alias_change){.custom_metadata = &many}, &a, &changed),
                     ENTITY_E_INVALID);
    assert_string_equal(fault.text, "custom_metadata validation failed: payload must contain at "
                                    "most 64 keys, provided 65");
}

static void custom_metadata_is_checked_before_all_else(void **state) {
    struct draft *d = *state;
    static const struct {
        const char *key, *value, *why;
    } rows[] = {
        {"", "v", "length of key \"\" is 0 but must be 0 < len(key) <= 128"},
        {"k", "", "length of value for key \"k\" is 0 but must be 0 < len(value) <= 512"},
        {"k\t\x01", "v", "key \"k\\t\\x01\" (k\t\x01) contains unprintable characters"},
        {"k", "v\n", "value for key \"k\" contains unprintable characters"},
        {"k", "v\xC2\xA0", "value for key \"k\" contains unprintable characters"},
        {"k", "\xE2\x80\x8B", "value for key \"k\" contains unprintable characters"},
        {"k", "\xFF", "value for key \"k\" contains unprintable characters"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf m = buf_make(1000);
        list_add(&m, str_from(rows[i].key));
        list_add(&m, str_from(rows[i].value));
        struct list pairs = list_of(&m);
        const struct alias *a = NULL;
        bool changed = false;
        assert_int_equal(
            change_alias(d, (struct alias_change){.custom_metadata = &pairs}, &a, &changed),
            ENTITY_E_INVALID);
        assert_string_equal(fault.text + strlen("custom_metadata validation failed: "),
                            rows[i].why);
    }
}

static void aliases_are_found_by_name_on_their_mount(void **state) {
    struct draft *d = *state;
    const struct entity *e = make_entity(d, "e");
    const struct alias *a = make_alias(d, e->id, "A1", "Login");
    assert_ptr_equal(alias_by_name(d->state, STR("A1"), STR("LOGIN")), a);
    assert_null(alias_by_name(d->state, STR("A2"), STR("login")));
    assert_ptr_equal(alias_on_mount(d->state, e->id, STR("A1")), a);
    assert_null(alias_on_mount(d->state, e->id, STR("A2")));
    assert_ptr_equal(alias_by_id(d->state, a->id), a);
}

static void aliases_stand_in_the_order_in_which_they_came(void **state) {
    struct draft *d = *state;
    const struct entity *e = make_entity(d, "e"), *other = make_entity(d, "other");
    const struct alias *moved = make_alias(d, other->id, "A1", "one");
    record_hold(moved);
    AUTO_RECORD const struct alias *first = moved;
    make_alias(d, e->id, "A2", "two");
    bool changed = false;
    assert_int_equal(change_alias(d, (struct alias_change){.id = first->id, .entity_id = e->id},
                                  &moved, &changed),
                     0);
    struct tree_walk walk = alias_walk(d->state, e->id);
    assert_str(alias_next(&walk, e->id)->name, "two");
    assert_str(alias_next(&walk, e->id)->name, "one");
    assert_null(alias_next(&walk, e->id));
    walk = alias_walk(d->state, other->id);
    assert_null(alias_next(&walk, other->id));
}

static void an_alias_without_an_entity_gets_a_new_one(void **state) {
    struct draft *d = *state;
    const struct alias *a = make_alias(d, STR(""), "A1", "alone");
    assert_non_null(entity_by_id(d->state, a->entity_id));
    assert_int_equal(state_count(d->state, RECORD_ENTITY), 1);
}

static void writing_an_alias_again_changes_nothing(void **state) {
    struct draft *d = *state;
    const struct entity *e = make_entity(d, "e");
    const struct alias *first = make_alias(d, e->id, "A1", "n"), *a = NULL;
    size_t before = d->n;
    bool changed = true;
    assert_int_equal(change_alias(d,
                                  (struct alias_change){.name = STR("n"),
                                                        .mount_accessor = STR("A1"),
                                                        .entity_id = e->id},
                                  &a, &changed),
                     0);
    assert_false(changed);
    assert_ptr_equal(a, first);
    assert_int_equal(d->n, before);
}

static void by_name_custom_metadata_is_replaced_and_by_id_it_is_kept(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf m = buf_make(1000);
    struct list pairs = list_with(&m, ITEMS("dept", "x"));
    const struct alias *a = NULL;
    bool changed = false;
    struct alias_change change = {
        .name = STR("n"), .mount_accessor = STR("A1"), .custom_metadata = &pairs};
    assert_int_equal(change_alias(d, change, &a, &changed), 0);
    assert_int_equal(
        change_alias(d, (struct alias_change){.id = a->id, .name = STR("m")}, &a, &changed), 0);
    assert_str(list_value(a->custom_metadata, STR("dept")), "x");
    change = (struct alias_change){.name = STR("m"), .mount_accessor = STR("A1")};
    assert_int_equal(change_alias(d, change, &a, &changed), 0);
    assert_true(changed);
    assert_non_null(a->custom_metadata.packed.p);
    assert_true(list_is_empty(a->custom_metadata));
}

static void an_empty_object_is_null_once_the_entity_is_written_again(void **state) {
    struct draft *d = *state;
    const struct list none = {{"", 0}};
    const struct entity *e = NULL;
    bool fresh = false;
    const struct entity_change with = {.name = STR("e"), .metadata = &none};
    assert_int_equal(entity_change(d, &with, NOW, &e, &fresh, &fault), 0);
    assert_non_null(e->metadata.packed.p);
    const struct alias *a = make_alias(d, e->id, "A1", "n");
    assert_non_null(a->custom_metadata.packed.p);
    assert_null(entity_by_name(d->state, STR("e"))->metadata.packed.p);
    make_alias(d, e->id, "A2", "n");
    assert_null(alias_by_name(d->state, STR("A1"), STR("n"))->custom_metadata.packed.p);
}

static void alias_refuses(struct draft *d, struct alias_change change, const char *text) {
    const struct alias *a = NULL;
    bool changed = false;
    size_t before = d->n;
    assert_int_equal(change_alias(d, change, &a, &changed), ENTITY_E_REFUSED);
    assert_string_equal(fault.text, text);
    assert_int_equal(d->n, before);
}

static void aliases_that_cannot_be_are_refused(void **state) {
    struct draft *d = *state;
    struct str one = make_entity(d, "one")->id, two = make_entity(d, "two")->id;
    struct str a = make_alias(d, one, "A1", "a")->id;
    make_alias(d, two, "A1", "b");
    make_alias(d, two, "A2", "c");
    const struct {
        struct alias_change change;
        const char *text;
    } rows[] = {
        {{.name = STR("x")}, "'id' or 'mount_accessor' and 'name' must be provided"},
        {{.mount_accessor = STR("A1")}, "'id' or 'mount_accessor' and 'name' must be provided"},
        {{.name = STR("x"), .mount_accessor = STR("A9"), .entity_id = STR("zz")},
         "invalid mount accessor \"A9\""},
        {{.name = STR("x"), .mount_accessor = STR("A1"), .entity_id = STR("zz")},
         "invalid canonical ID"},
        {{.name = STR("x"), .mount_accessor = STR("A1"), .entity_id = one},
         "Alias already exists for requested entity and mount accessor"},
        {{.id = STR("zz"), .mount_accessor = STR("A9")}, "invalid alias ID provided"},
        {{.id = a, .mount_accessor = STR("A9"), .entity_id = STR("zz")},
         "invalid mount accessor \"A9\""},
        {{.id = a, .name = STR("B")},
         "alias with combination of mount accessor and name already exists"},
        {{.id = a, .entity_id = STR("zz")},
         "given 'canonical_id' is not associated with an entity"},
        {{.id = a, .entity_id = two},
         "Alias cannot be updated as the given entity already has an alias for this mount "},
        {{.name = STR("a"), .mount_accessor = STR("A1"), .entity_id = two},
         "Alias cannot be updated as the given entity already has an alias for this mount "},
    };
    for (size_t i = 0; i < LEN(rows); i++) alias_refuses(d, rows[i].change, rows[i].text);
    make_alias(d, one, "A2", "d");
    alias_refuses(d, (struct alias_change){.id = a, .mount_accessor = STR("A2")},
                  "Alias cannot be updated as the entity already has an alias for the given "
                  "'mount_accessor' ");
}

static void an_alias_can_be_taken_to_another_entity_by_its_name(void **state) {
    struct draft *d = *state;
    struct str one = make_entity(d, "one")->id, two = make_entity(d, "two")->id;
    struct str id = make_alias(d, one, "A1", "a")->id;
    const struct alias *a = NULL;
    bool changed = false;
    const struct alias_change change = {
        .name = STR("A"), .mount_accessor = STR("A1"), .entity_id = two};
    assert_int_equal(change_alias(d, change, &a, &changed), 0);
    assert_true(changed && str_eq(a->id, id) && str_eq(a->entity_id, two));
    assert_null(alias_on_mount(d->state, one, STR("A1")));
}

static void deleting_an_entity_deletes_its_aliases(void **state) {
    struct draft *d = *state;
    const struct entity *e = make_entity(d, "e");
    make_alias(d, e->id, "A1", "a");
    make_alias(d, e->id, "A2", "b");
    make_alias(d, make_entity(d, "f")->id, "A1", "c");
    assert_int_equal(entity_delete(d, entity_by_name(d->state, STR("e"))), 0);
    assert_int_equal(state_count(d->state, RECORD_ENTITY), 1);
    assert_int_equal(state_count(d->state, RECORD_ALIAS), 1);
}

static void a_login_makes_an_entity_once(void **state) {
    struct draft *d = *state;
    const struct entity *first = NULL, *second = NULL;
    struct list none = {STR_NONE};
    assert_int_equal(entity_of_login(d, STR("A1"), STR("alice"), none, NOW, &first), 0);
    assert_int_equal(entity_of_login(d, STR("A1"), STR("ALICE"), none, LATER, &second), 0);
    assert_ptr_equal(first, second);
    const struct alias *a = alias_on_mount(d->state, first->id, STR("A1"));
    assert_str(a->name, "alice");
    assert_null(a->custom_metadata.packed.p);
    assert_null(a->metadata.packed.p);
}

static void a_login_keeps_the_metadata_of_its_auth_method(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf m = buf_make(1000);
    const struct entity *e = NULL;
    struct list first = list_with(&m, ITEMS("team", "red"));
    assert_int_equal(entity_of_login(d, STR("A1"), STR("alice"), first, NOW, &e), 0);
    AUTO_FINI(buf) struct buf n = buf_make(1000);
    struct list second = list_with(&n, ITEMS("team", "blue"));
    assert_int_equal(entity_of_login(d, STR("A1"), STR("alice"), second, LATER, &e), 0);
    const struct alias *a = alias_on_mount(d->state, e->id, STR("A1"));
    assert_str(list_value(a->metadata, STR("team")), "blue");
    assert_int_equal(a->updated_ms, LATER);
}

static void a_disabled_entity_does_not_log_in(void **state) {
    struct draft *d = *state;
    const struct entity *e = NULL;
    struct list none = {STR_NONE};
    bool yes = true, fresh = false;
    assert_int_equal(entity_of_login(d, STR("A1"), STR("alice"), none, NOW, &e), 0);
    const struct entity_change change = {.name = e->name, .disabled = &yes};
    record_hold(e);
    AUTO_RECORD const struct entity *held = e;
    assert_int_equal(entity_change(d, &change, NOW, &e, &fresh, &fault), 0);
    assert_int_equal(entity_of_login(d, STR("A1"), STR("alice"), none, NOW, &e), ENTITY_E_DISABLED);
    assert_non_null(held);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folding_knows_the_letters_of_several_scripts),
        row(an_entity_is_found_by_id_and_by_name_whatever_its_case),
        row(a_name_that_is_folded_is_kept_once),
        row(a_write_by_name_or_id_changes_what_it_gives),
        row(a_name_is_made_up_when_none_is_given),
        row(what_is_refused_says_why_and_changes_nothing),
        row(metadata_has_limits),
        row(custom_metadata_is_checked_before_all_else),
        row(aliases_are_found_by_name_on_their_mount),
        row(aliases_stand_in_the_order_in_which_they_came),
        row(an_alias_without_an_entity_gets_a_new_one),
        row(writing_an_alias_again_changes_nothing),
        row(by_name_custom_metadata_is_replaced_and_by_id_it_is_kept),
        row(an_empty_object_is_null_once_the_entity_is_written_again),
        row(aliases_that_cannot_be_are_refused),
        row(an_alias_can_be_taken_to_another_entity_by_its_name),
        row(deleting_an_entity_deletes_its_aliases),
        row(a_login_makes_an_entity_once),
        row(a_login_keeps_the_metadata_of_its_auth_method),
        row(a_disabled_entity_does_not_log_in),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("entity", tests, NULL, NULL);
}
