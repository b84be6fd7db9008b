// SPDX-License-Identifier: Apache-2.0
// What a merge of entities refuses and leaves; and the records as the store keeps them.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "entity-fixture.h"

static int merge(struct draft *d, const char *const *from, struct str to, const char *const *keep,
                 struct buf *clashes) {
    AUTO_FINI(buf) struct buf f = buf_make(10000), k = buf_make(10000);
    const struct entity_merge m = {
        .from = list_with(&f, from), .to = to, .keep = list_with(&k, keep)};
    fault.text[0] = '\0';
    return entity_merge(d, &m, clashes, &fault);
}
#define NOTHING ((const char *const[]){NULL})

static void merging_gives_aliases_away_and_leaves_a_trace(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf clashes = buf_make(10000);
    struct str to = make_entity(d, "to")->id, from = make_entity(d, "from")->id;
    struct str alias = make_alias(d, from, "A1", "a")->id;
    AUTO_MEM char *from_z = mem_copy(from.p, from.n);
    assert_int_equal(merge(d, ITEMS(from_z, from_z), to, NOTHING, &clashes), 0);
    assert_null(entity_by_id(d->state, from));
    const struct entity *e = entity_by_id(d->state, to);
    assert_int_equal(list_count(e->merged_ids), 1);
    assert_true(list_has(e->merged_ids, str_from(from_z)));
    const struct alias *a = alias_by_id(d->state, alias);
    assert_true(str_eq(a->entity_id, to));
    assert_true(list_has(a->merged_from, str_from(from_z)));
    assert_ptr_equal(entity_in_force(d->state, str_from(from_z)), e);
}

static void what_was_merged_stays_reachable_through_further_merges(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf clashes = buf_make(10000);
    const struct entity *one = make_entity(d, "one"), *two = make_entity(d, "two");
    const struct entity *three = make_entity(d, "three");
    AUTO_MEM char *id1 = mem_copy(one->id.p, one->id.n);
    AUTO_MEM char *id2 = mem_copy(two->id.p, two->id.n);
    struct str to = three->id;
    assert_int_equal(merge(d, ITEMS(id1), str_from(id2), NOTHING, &clashes), 0);
    assert_int_equal(merge(d, ITEMS(id2), to, NOTHING, &clashes), 0);
    const struct entity *e = entity_by_name(d->state, STR("three"));
    assert_ptr_equal(entity_in_force(d->state, str_from(id1)), e);
    assert_ptr_equal(entity_in_force(d->state, str_from(id2)), e);
    assert_int_equal(entity_delete(d, e), 0);
    assert_null(entity_in_force(d->state, str_from(id1)));
    assert_int_equal(state_count(d->state, RECORD_MERGED), 0);
}

static void a_merge_that_cannot_be_is_refused(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf clashes = buf_make(10000);
    const struct entity *to = make_entity(d, "to");
    AUTO_MEM char *id = mem_copy(to->id.p, to->id.n);
    const struct {
        const char *from, *to, *text;
    } rows[] = {
        {NULL, "", "missing entity id to merge to"},
        {NULL, id, "missing entity ids to merge from"},
        {"zz", "", "missing entity id to merge to"},
        {"zz", "yy", "entity id to merge to is invalid"},
        {"zz", id, "entity id to merge from is invalid"},
        {id, id, "to_entity_id should not be present in from_entity_ids"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        assert_int_equal(merge(d, ITEMS(rows[i].from), str_from(rows[i].to), NOTHING, &clashes),
                         ENTITY_E_REFUSED);
        assert_string_equal(fault.text, rows[i].text);
    }
}

static void two_aliases_on_one_mount_are_in_the_way_of_a_merge(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf clashes = buf_make(10000);
    struct str to = make_entity(d, "to")->id, from = make_entity(d, "from")->id;
    struct str a = make_alias(d, to, "A1", "a")->id, b = make_alias(d, from, "A1", "b")->id;
    AUTO_MEM char *from_z = mem_copy(from.p, from.n), *b_z = mem_copy(b.p, b.n);
    AUTO_MEM char *to_z = mem_copy(to.p, to.n), *a_z = mem_copy(a.p, a.n);
    assert_int_equal(merge(d, ITEMS(from_z), to, NOTHING, &clashes), ENTITY_E_REFUSED);
    char text[1024];
    snprintf(text, sizeof text,
             "2 errors occurred:\n\t* toEntity and at least one fromEntity have aliases with the "
             "same mount accessor, repeat the merge request specifying exactly one fromEntity, "
             "clashes: \n\t* mountAccessor: A1, toEntity ID: %s, fromEntity ID: %s, conflicting "
             "toEntity alias ID: %s, conflicting fromEntity alias ID: %s\n\n",
             to_z, from_z, a_z, b_z);
    assert_string_equal(fault.text, text);
    assert_int_equal(list_count(list_of(&clashes)), 2);

    assert_int_equal(merge(d, ITEMS(from_z), to, ITEMS("zz"), &clashes), ENTITY_E_REFUSED);
    snprintf(text, sizeof text,
             "conflicting mount accessors in following alias IDs and neither were present in "
             "conflicting_alias_ids_to_keep: %s, %s",
             b_z, a_z);
    assert_string_equal(fault.text, text);
    assert_int_equal(state_count(d->state, RECORD_ALIAS), 2);
}

static void of_two_aliases_the_one_to_be_kept_stays(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf clashes = buf_make(10000);
    struct str to = make_entity(d, "to")->id;
    struct str one = make_entity(d, "one")->id, two = make_entity(d, "two")->id;
    AUTO_MEM char *a = mem_copy(make_alias(d, to, "A1", "a")->id.p, 36);
    make_alias(d, one, "A1", "b");
    AUTO_MEM char *c = mem_copy(make_alias(d, two, "A1", "c")->id.p, 36);
    AUTO_MEM char *one_z = mem_copy(one.p, one.n), *two_z = mem_copy(two.p, two.n);
    assert_int_equal(merge(d, ITEMS(one_z), to, ITEMS(a), &clashes), 0);
    assert_str(alias_on_mount(d->state, to, STR("A1"))->name, "a");
    assert_null(alias_by_name(d->state, STR("A1"), STR("b")));
    assert_int_equal(merge(d, ITEMS(two_z), to, ITEMS(c), &clashes), 0);
    assert_str(alias_on_mount(d->state, to, STR("A1"))->name, "c");
    assert_int_equal(state_count(d->state, RECORD_ALIAS), 1);
}

static void sources_of_a_merge_may_not_clash_among_themselves(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf clashes = buf_make(10000);
    struct str to = make_entity(d, "to")->id;
    struct str one = make_entity(d, "one")->id, two = make_entity(d, "two")->id;
    make_alias(d, one, "A1", "b");
    make_alias(d, two, "A1", "c");
    AUTO_MEM char *one_z = mem_copy(one.p, one.n), *two_z = mem_copy(two.p, two.n);
    assert_int_equal(merge(d, ITEMS(one_z, two_z), to, NOTHING, &clashes), ENTITY_E_REFUSED);
    assert_string_equal(fault.text, "mount accessor A1 found in multiple fromEntities, merge "
                                    "should be done with one fromEntity at a time");
}

// Encodes a record, decodes the text, and encodes again.
static void comes_back(const void *record, const struct record_type *type) {
    AUTO_FINI(buf) struct buf first = buf_make(10000), second = buf_make(10000);
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    AUTO_RECORD void *again = NULL;
    type->encode(record, &first);
    assert_int_equal(json_reader_new(&reader), 0);
    assert_int_equal(json_read(reader, buf_str(&first), &v, NULL), 0);
    assert_int_equal(type->decode(&again, v, &fault), 0);
    type->encode(again, &second);
    assert_str(buf_str(&second), zero_ended(buf_str(&first)));
    for (int i = 0; i < type->index_count; i++) {
        struct tree_key a = type->index[i].key(record), b = type->index[i].key(again);
        assert_true(str_eq(a.a, b.a) && str_eq(a.b, b.b));
    }
}

static void records_come_back_from_the_store_as_they_were(void **state) {
    struct draft *d = *state;
    AUTO_FINI(buf) struct buf clashes = buf_make(10000), m = buf_make(1000);
    struct list pairs = list_with(&m, ITEMS("k", "v"));
    struct str to = make_entity(d, "To")->id, from = make_entity(d, "from")->id;
    AUTO_MEM char *from_z = mem_copy(from.p, from.n);
    make_alias(d, to, "A2", "first");
    make_alias(d, from, "A1", "Second");
    assert_int_equal(merge(d, ITEMS(from_z), to, NOTHING, &clashes), 0);
    const struct entity *e = NULL;
    bool fresh = false;
    const struct entity_change change = {.name = STR("To"), .metadata = &pairs};
    assert_int_equal(entity_change(d, &change, LATER, &e, &fresh, &fault), 0);
    comes_back(e, &entity_type);
    comes_back(alias_on_mount(d->state, e->id, STR("A1")), &alias_type);
    const struct tree_key key = {str_from(from_z), STR_NONE};
    comes_back(state_get(d->state, RECORD_MERGED, 0, key), &entity_merged_type);
}

static void damaged_records_are_refused_with_the_reason(void **state) {
    (void)state;
    static const struct {
        const struct record_type *type;
        const char *json, *text;
    } rows[] = {
        {&entity_type, "[]", "not a JSON object"},
        {&entity_type, "{\"id\":\"x\"}", "member \"name\" is missing or empty"},
        {&entity_type, "{\"id\":5}", "member \"id\" is of the wrong type"},
        {&alias_type, "{\"id\":\"x\",\"entity_id\":\"e\",\"name\":\"n\"}",
         "member \"mount_accessor\" is missing or empty"},
        {&alias_type,
         "{\"id\":\"x\",\"entity_id\":\"e\",\"name\":\"n\",\"mount_accessor\":\"m\",\"order\":-1}",
         "member \"order\" is not a number of 32 bits"},
        {&entity_merged_type, "{\"id\":\"x\"}", "member \"into\" is missing or empty"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO(json_reader) struct json_reader *reader = NULL;
        const struct json *v = NULL;
        void *made = NULL;
        assert_int_equal(json_reader_new(&reader), 0);
        assert_int_equal(json_read(reader, str_from(rows[i].json), &v, NULL), 0);
        assert_int_equal(rows[i].type->decode(&made, v, &fault), -EINVAL);
        assert_string_equal(fault.text, rows[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        row(merging_gives_aliases_away_and_leaves_a_trace),
        row(what_was_merged_stays_reachable_through_further_merges),
        row(a_merge_that_cannot_be_is_refused),
        row(two_aliases_on_one_mount_are_in_the_way_of_a_merge),
        row(of_two_aliases_the_one_to_be_kept_stays),
        row(sources_of_a_merge_may_not_clash_among_themselves),
        row(records_come_back_from_the_store_as_they_were),
        cmocka_unit_test(damaged_records_are_refused_with_the_reason),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("entity_merge", tests, NULL, NULL);
}
