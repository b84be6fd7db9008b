// SPDX-License-Identifier: Apache-2.0
#ifndef ENTITY_FIXTURE_H
#define ENTITY_FIXTURE_H
// A draft with two mounts, A1 and A2, and short ways to say who is on them. To be included after
// cmocka.h, once in a program.

#include <stdio.h>

#include "identity/entity.h"
#include "identity/mount.h"

#define assert_str(s, z) assert_string_equal(zero_ended(s), (z))

enum { NOW = 1700000000000, LATER = 1700000005000 };

static const struct state_schema schema = {{
    [RECORD_MOUNT] = &mount_type_record,
    [RECORD_ENTITY] = &entity_type,
    [RECORD_ALIAS] = &alias_type,
    [RECORD_MERGED] = &entity_merged_type,
}};

static inline const char *zero_ended(struct str s) {
    static char text[4][4096];
    static unsigned next;
    char *to = text[next++ % 4];
    size_t n = s.n < sizeof text[0] - 1 ? s.n : sizeof text[0] - 1;
    if (n) memcpy(to, s.p, n);
    to[n] = '\0';
    return to;
}

static inline void add_mount(struct draft *d, const char *path, const char *accessor) {
    struct mount m = {.type = MOUNT_USERPASS,
                      .path = str_from(path),
                      .uuid = str_from(accessor),
                      .accessor = str_from(accessor),
                      .shown_type = STR("userpass")};
    void *made = NULL;
    assert_int_equal(record_make(&made, &m, sizeof m, mount_texts, mount_text_count,
                                 &mount_type_record, RECORD_MOUNT),
                     0);
    assert_int_equal(draft_put(d, made), 0);
}

static inline int setup(void **state) {
    static struct draft d;
    AUTO(state) struct state *empty = NULL;
    if (state_new(&empty, &schema) || draft_begin(&d, empty)) return -1;
    add_mount(&d, "auth/one/", "A1");
    add_mount(&d, "auth/two/", "A2");
    *state = &d;
    return 0;
}

static inline int teardown(void **state) {
    draft_fini(*state);
    return 0;
}

// Lists that live as long as a test.
static inline struct list list_with(struct buf *b, const char *const *items) {
    buf_reset(b);
    for (; *items; items++) list_add(b, str_from(*items));
    return (struct list){{b->p ? b->p : "", b->n}};
}
#define ITEMS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct fault fault;

static inline const struct entity *make_entity(struct draft *d, const char *name) {
    const struct entity *e = NULL;
    bool fresh = false;
    const struct entity_change change = {.name = str_from(name)};
    assert_int_equal(entity_change(d, &change, NOW, &e, &fresh, &fault), 0);
    assert_true(fresh);
    return e;
}

static inline int change_alias(struct draft *d, struct alias_change change,
                               const struct alias **ret, bool *changed) {
    fault.text[0] = '\0';
    return alias_change(d, &change, LATER, ret, changed, &fault);
}

static inline const struct alias *make_alias(struct draft *d, struct str entity_id,
                                             const char *accessor, const char *name) {
    const struct alias *a = NULL;
    bool changed = false;
    assert_int_equal(change_alias(d,
                                  (struct alias_change){.name = str_from(name),
                                                        .mount_accessor = str_from(accessor),
                                                        .entity_id = entity_id},
                                  &a, &changed),
                     0);
    assert_true(changed);
    return a;
}

#define row(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
