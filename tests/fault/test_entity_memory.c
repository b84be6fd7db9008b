// SPDX-License-Identifier: Apache-2.0
// As test_memory, for entities, aliases and secrets: each scenario is run with its n-th allocation
// failing, for every n. What a write says it did, it did; and what an earlier snapshot says stays.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "identity/entity.h"
#include "identity/mount.h"
#include "identity/secret.h"

#include "faildraft.h"

enum { NOW = 1700000000, TEXT_MAX = 1 << 16 };

// An outcome that nothing may lead to.
enum { WRONG = -1 };

static const struct state_schema schema = {{
    [RECORD_MOUNT] = &mount_type_record,
    [RECORD_ENTITY] = &entity_type,
    [RECORD_ALIAS] = &alias_type,
    [RECORD_MERGED] = &entity_merged_type,
    [RECORD_SECRET] = &secret_type,
}};

// Two mounts, two entities with an alias each, a secret. Made once, never changed.
static struct state *before;
static struct str ids[2];
static char id_a[64], id_b[64];

static int add_mount(struct draft *d, const char *accessor) {
    const struct mount m = {.type = MOUNT_USERPASS,
                            .path = str_from(accessor),
                            .uuid = str_from(accessor),
                            .accessor = str_from(accessor),
                            .shown_type = STR("userpass")};
    void *made = NULL;
    int r = record_make(&made, &m, sizeof m, mount_texts, mount_text_count, &mount_type_record,
                        RECORD_MOUNT);
    return r ? r : draft_put(d, made);
}

static int add_login(struct draft *d, const char *accessor, const char *name, struct str *ret) {
    const struct entity *e = NULL;
    int r =
        entity_of_login(d, str_from(accessor), str_from(name), (struct list){STR_NONE}, NOW, &e);
    if (r == 0) *ret = e->id;
    return r;
}

static int make_before(void **state) {
    (void)state;
    AUTO(state) struct state *empty = NULL;
    AUTO_FINI(draft) struct draft d = {.state = NULL};
    if (state_new(&empty, &schema) || draft_begin(&d, empty)) return -1;
    if (add_mount(&d, "A1") || add_mount(&d, "A2")) return -1;
    if (add_login(&d, "A1", "one", &ids[0]) || add_login(&d, "A2", "two", &ids[1])) return -1;
    if (secret_put(&d, STR("s"), STR("dir/a"), STR("{\"k\":1}"))) return -1;
    before = state_hold(d.state);
    memcpy(id_a, ids[0].p, ids[0].n);
    memcpy(id_b, ids[1].p, ids[1].n);
    ids[0] = str_from(id_a);
    ids[1] = str_from(id_b);
    return 0;
}

static int free_before(void **state) {
    (void)state;
    before = state_free(before);
    return 0;
}

// Is the snapshot that the drafts began with as it was?
static bool is_untouched(void) {
    const struct entity *a = entity_by_id(before, ids[0]), *b = entity_by_id(before, ids[1]);
    return state_count(before, RECORD_ENTITY) == 2 && state_count(before, RECORD_ALIAS) == 2 &&
           state_count(before, RECORD_MERGED) == 0 && a && b &&
           alias_on_mount(before, a->id, STR("A1")) && alias_on_mount(before, b->id, STR("A2")) &&
           secret_get(before, STR("s"), STR("dir/a"));
}

static void fail_each(int (*scenario)(struct draft *d)) {
    faildraft_each(before, is_untouched, scenario);
}

static int change_entity(struct draft *d) {
    AUTO_FINI(buf) struct buf p = buf_make(TEXT_MAX), m = buf_make(TEXT_MAX);
    list_add(&p, STR("B"));
    list_add(&m, STR("k"));
    list_add(&m, STR("v"));
    if (p.error || m.error) return -ENOMEM;
    const struct list policies = list_of(&p), metadata = list_of(&m);
    const struct entity *e = NULL;
    struct fault fault;
    bool fresh = true;
    const struct entity_change change = {
        .id = ids[0], .name = STR("New Name"), .policies = &policies, .metadata = &metadata};
    int r = entity_change(d, &change, NOW, &e, &fresh, &fault);
    if (r) return r;
    bool done = !fresh && list_has(e->policies, STR("b")) && entity_by_id(d->state, ids[0]) == e &&
                str_eqz(e->lower, "new name") && state_count(d->state, RECORD_ENTITY) == 2;
    return done ? 0 : WRONG;
}

// Of a name in use, however short memory is, no second entity is made.
static int write_by_name(struct draft *d) {
    const struct entity *e = NULL;
    struct fault fault;
    bool fresh = true;
    int r =
        entity_change(d, &(struct entity_change){.name = STR("Fresh")}, NOW, &e, &fresh, &fault);
    if (r == 0)
        r = entity_change(d, &(struct entity_change){.name = STR("FRESH")}, NOW, &e, &fresh,
                          &fault);
    if (r) return r;
    return !fresh && state_count(d->state, RECORD_ENTITY) == 3 ? 0 : WRONG;
}

static int delete_entity(struct draft *d) {
    int r = entity_delete(d, entity_by_id(d->state, ids[0]));
    if (r) return r;
    return state_count(d->state, RECORD_ENTITY) == 1 && state_count(d->state, RECORD_ALIAS) == 1
               ? 0
               : WRONG;
}

static int log_in(struct draft *d) {
    struct str known, fresh;
    int r = add_login(d, "A1", "ONE", &known);
    if (r == 0) r = add_login(d, "A1", "Other", &fresh);
    if (r) return r;
    return str_eq(known, ids[0]) && entity_by_id(d->state, fresh) &&
                   alias_on_mount(d->state, fresh, STR("A1"))
               ? 0
               : WRONG;
}

static int write_aliases(struct draft *d) {
    const struct alias *a = NULL;
    struct fault fault;
    bool changed = false;
    const struct alias_change make = {
        .name = STR("Third"), .mount_accessor = STR("A2"), .entity_id = ids[0]};
    const struct alias_change alone = {.name = STR("alone"), .mount_accessor = STR("A1")};
    int r = alias_change(d, &make, NOW, &a, &changed, &fault);
    if (r == 0)
        r = alias_change(d, &(struct alias_change){.id = a->id, .name = STR("Moved")}, NOW, &a,
                         &changed, &fault);
    if (r == 0) r = alias_change(d, &alone, NOW, &a, &changed, &fault);
    if (r == 0) r = alias_delete(d, a);
    if (r) return r;
    a = alias_on_mount(d->state, ids[0], STR("A2"));
    return a && str_eqz(a->name, "Moved") && state_count(d->state, RECORD_ALIAS) == 3 ? 0 : WRONG;
}

static int merge(struct draft *d) {
    AUTO_FINI(buf) struct buf from = buf_make(TEXT_MAX), clashes = buf_make(TEXT_MAX);
    list_add(&from, ids[1]);
    if (from.error) return from.error;
    struct fault fault;
    int r = entity_merge(d, &(struct entity_merge){.from = list_of(&from), .to = ids[0]}, &clashes,
                         &fault);
    if (r) return r;
    const struct entity *e = entity_by_id(d->state, ids[0]);
    return entity_in_force(d->state, ids[1]) == e && list_has(e->merged_ids, ids[1]) &&
                   alias_on_mount(d->state, ids[0], STR("A2"))
               ? 0
               : WRONG;
}

// A merge that is refused says so, or that there was no memory to.
static int clash(struct draft *d) {
    const struct alias *a = NULL;
    struct fault fault = {{0}};
    bool changed = false;
    const struct alias_change second = {
        .name = STR("x"), .mount_accessor = STR("A1"), .entity_id = ids[1]};
    AUTO_FINI(buf) struct buf from = buf_make(TEXT_MAX), clashes = buf_make(TEXT_MAX);
    list_add(&from, ids[1]);
    int r = from.error ? from.error : alias_change(d, &second, NOW, &a, &changed, &fault);
    if (r) return r;
    r = entity_merge(d, &(struct entity_merge){.from = list_of(&from), .to = ids[0]}, &clashes,
                     &fault);
    if (r == ENTITY_E_REFUSED) return list_count(list_of(&clashes)) == 2 ? 0 : WRONG;
    return r ? r : WRONG;
}

static int write_secrets(struct draft *d) {
    AUTO_FINI(buf) struct buf keys = buf_make(TEXT_MAX);
    size_t n = 0;
    int r = secret_put(d, STR("s"), STR("dir/b"), STR("{}"));
    if (r == 0) r = secret_put(d, STR("s"), STR("c"), STR("{}"));
    if (r == 0) r = secret_delete(d, STR("s"), STR("dir/a"));
    if (r == 0) secret_list(d->state, STR("s"), STR(""), &keys, &n);
    if (r == 0) r = keys.error;
    if (r == 0 && (n != 2 || !str_eqz(buf_str(&keys), "\"c\",\"dir/\""))) return WRONG;
    if (r == 0) r = secret_delete_all(d, STR("s"));
    if (r) return r;
    return state_count(d->state, RECORD_SECRET) == 0 ? 0 : WRONG;
}

static int come_back(struct draft *d) {
    AUTO_FINI(buf) struct buf text = buf_make(TEXT_MAX);
    AUTO(json_reader) struct json_reader *reader = NULL;
    AUTO_RECORD void *again = NULL;
    const struct json *v = NULL;
    struct fault fault;
    alias_type.encode(alias_on_mount(d->state, ids[0], STR("A1")), &text);
    int r = text.error ? text.error : json_reader_new(&reader);
    if (r == 0) r = json_read(reader, buf_str(&text), &v, &fault);
    if (r == 0) r = alias_type.decode(&again, v, &fault);
    if (r) return r;
    const struct alias *a = again;
    return str_eq(a->entity_id, ids[0]) && str_eqz(a->lower, "one") ? 0 : WRONG;
}

static void changing_an_entity_survives_every_failing_allocation(void **state) {
    (void)state;
    fail_each(change_entity);
}
static void a_name_stays_unique_whatever_allocation_fails(void **state) {
    (void)state;
    fail_each(write_by_name);
}
static void deleting_an_entity_survives_every_failing_allocation(void **state) {
    (void)state;
    fail_each(delete_entity);
}
static void a_login_survives_every_failing_allocation(void **state) {
    (void)state;
    fail_each(log_in);
}
static void writing_aliases_survives_every_failing_allocation(void **state) {
    (void)state;
    fail_each(write_aliases);
}
static void a_merge_survives_every_failing_allocation(void **state) {
    (void)state;
    fail_each(merge);
}
static void a_refused_merge_survives_every_failing_allocation(void **state) {
    (void)state;
    fail_each(clash);
}
static void writing_secrets_survives_every_failing_allocation(void **state) {
    (void)state;
    fail_each(write_secrets);
}
static void reading_a_record_survives_every_failing_allocation(void **state) {
    (void)state;
    fail_each(come_back);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changing_an_entity_survives_every_failing_allocation),
        cmocka_unit_test(a_name_stays_unique_whatever_allocation_fails),
        cmocka_unit_test(deleting_an_entity_survives_every_failing_allocation),
        cmocka_unit_test(a_login_survives_every_failing_allocation),
        cmocka_unit_test(writing_aliases_survives_every_failing_allocation),
        cmocka_unit_test(a_merge_survives_every_failing_allocation),
        cmocka_unit_test(a_refused_merge_survives_every_failing_allocation),
        cmocka_unit_test(writing_secrets_survives_every_failing_allocation),
        cmocka_unit_test(reading_a_record_survives_every_failing_allocation),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("entity_memory", tests, make_before, free_before);
}
