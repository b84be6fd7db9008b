// SPDX-License-Identifier: Apache-2.0
// Persistent trees against a plain sorted model: what is in, in which order, and that a copy never
// changes whatever is done to the tree that it was taken from.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rand.h"
#include "base/tree.h"

enum { KEYS = 400, STEPS = 20000, COPIES = 8 };

struct item {
    char key[16];
    int refs, version;
};

static struct tree_key key_of(const void *p) {
    const struct item *i = p;
    return (struct tree_key){str_from(i->key), STR_NONE};
}
static struct item *writable(const void *p) {
    struct item *i;
    memcpy(&i, &p, sizeof i);
    return i;
}
static void hold(const void *p) { writable(p)->refs++; }
static void drop(const void *p) { writable(p)->refs--; }
static const struct tree_type type = {key_of, hold, drop};

// Two versions of each key, so that a replacement is a different item.
static struct item items[2][KEYS];

static void make_items(void) {
    for (int v = 0; v < 2; v++) {
        for (int i = 0; i < KEYS; i++) {
            snprintf(items[v][i].key, sizeof items[v][i].key, "k%05d", i * 7);
            items[v][i].version = v;
            items[v][i].refs = 0;
        }
    }
}

struct model {
    const struct item *at[KEYS]; // by number; NULL: not in
};

static void assert_same(const struct tree *t, const struct model *m) {
    struct tree_walk walk = tree_from(t, &type, (struct tree_key){STR(""), STR_NONE});
    size_t n = 0;
    for (int i = 0; i < KEYS; i++) {
        assert_ptr_equal(tree_get(t, &type, key_of(&items[0][i])), m->at[i]);
        if (!m->at[i]) continue;
        n++;
        assert_ptr_equal(tree_next(&walk), m->at[i]);
    }
    assert_null(tree_next(&walk));
    assert_int_equal(tree_count(t), n);
}

static void step(struct tree *t, struct model *m, struct rand *r) {
    size_t i = rand_below(r, KEYS);
    if (rand_below(r, 3) == 0) {
        assert_int_equal(tree_remove(t, &type, key_of(&items[0][i])), 0);
        m->at[i] = NULL;
    } else {
        m->at[i] = &items[rand_below(r, 2)][i];
        assert_int_equal(tree_put(t, &type, m->at[i]), 0);
    }
}

static void a_tree_and_its_copies_hold_what_was_put_in(void **state) {
    (void)state;
    make_items();
    struct rand r = rand_make(4711);
    struct tree t = {NULL}, copies[COPIES] = {{NULL}};
    static struct model now, then[COPIES];
    for (int i = 0; i < STEPS; i++) {
        step(&t, &now, &r);
        if (i % 500) continue;
        size_t c = rand_below(&r, COPIES);
        assert_same(&copies[c], &then[c]); // whatever happened since
        tree_drop(&copies[c], &type);
        copies[c] = tree_hold(&t);
        then[c] = now;
        assert_same(&t, &now);
    }
    assert_same(&t, &now);
    for (int c = 0; c < COPIES; c++) {
        assert_same(&copies[c], &then[c]);
        tree_drop(&copies[c], &type);
    }
    tree_drop(&t, &type);
    for (int v = 0; v < 2; v++)
        for (int i = 0; i < KEYS; i++) assert_int_equal(items[v][i].refs, 0);
}

static void a_walk_begins_at_the_first_key_that_is_not_smaller(void **state) {
    (void)state;
    make_items();
    struct tree t = {NULL};
    for (int i = 0; i < KEYS; i++) assert_int_equal(tree_put(&t, &type, &items[0][i]), 0);
    for (int i = 0; i + 1 < KEYS; i++) {
        char between[16];
        snprintf(between, sizeof between, "k%05d", i * 7 + 1);
        struct tree_walk walk =
            tree_from(&t, &type, (struct tree_key){str_from(between), STR_NONE});
        assert_ptr_equal(tree_next(&walk), &items[0][i + 1]);
        walk = tree_from(&t, &type, key_of(&items[0][i]));
        assert_ptr_equal(tree_next(&walk), &items[0][i]);
    }
    tree_drop(&t, &type);
}

// Keys in order are the worst case of an unbalanced tree.
static void a_tree_of_ordered_keys_stays_shallow(void **state) {
    (void)state;
    enum { MANY = 200000 };
    struct item *many = mem_new_array(MANY, sizeof *many);
    assert_non_null(many);
    struct tree t = {NULL};
    for (int i = 0; i < MANY; i++) {
        snprintf(many[i].key, sizeof many[i].key, "%09d", i);
        assert_int_equal(tree_put(&t, &type, &many[i]), 0);
    }
    struct tree_walk walk = tree_from(&t, &type, key_of(&many[0]));
    size_t deepest = 0;
    for (const void *p; (p = tree_next(&walk));)
        if (walk.depth > deepest) deepest = walk.depth;
    assert_in_range(deepest, 1, 44); // 2.5 times the logarithm
    for (int i = 0; i < MANY; i += 2) assert_int_equal(tree_remove(&t, &type, key_of(&many[i])), 0);
    assert_int_equal(tree_count(&t), MANY / 2);
    tree_drop(&t, &type);
    free(many);
}

static void keys_of_two_parts_are_ordered_by_the_first_then_the_second(void **state) {
    (void)state;
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    make_items();
    struct tree t = {NULL};
    assert_null(tree_get(&t, &type, (struct tree_key){STR("x"), STR("y")}));
    assert_int_equal(tree_remove(&t, &type, (struct tree_key){STR("x"), STR("y")}), 0);
    assert_int_equal(tree_put(&t, &type, &items[0][3]), 0);
    // The same first part with a second one is another key.
    struct tree_key other = {str_from(items[0][3].key), STR("z")};
    assert_null(tree_get(&t, &type, other));
    tree_drop(&t, &type);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_and_its_copies_hold_what_was_put_in),
        cmocka_unit_test(a_walk_begins_at_the_first_key_that_is_not_smaller),
        cmocka_unit_test(a_tree_of_ordered_keys_stays_shallow),
        cmocka_unit_test(keys_of_two_parts_are_ordered_by_the_first_then_the_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
